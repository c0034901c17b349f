/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Kullback-Leibler, rows that are read once: no buffer, no smallest value of the row first. A sweep prepares a number
   of each state, with y = discount (V - low) over all states,

     price    e^{-y/price}: the row is a product with its probabilities and a logarithm
     ball     y: the tilted sums of naturekl.h, at the theta that is there; theta of a row is kept per unit of the model

   where the span of y times theta is at most ONCE_MOST, so that nothing under- or overflows. The proofs of naturekl.h
   only ask for values between 0 and 1: they hold in units of the span of all states as in those of the row's range,
   and in the variance of theta y both cancel. Rounding of y and of logarithms counts in units of the span, too.
*/
#pragma once
#include "naturekl.h"

#define ONCE_MOST 600.0

FEN_INLINE vd OnceAt(const FenChunks *C, const double *once, const int *col, int v, FenReach reach)
{
  if (reach == FEN_REACH_RUNS) {
    const int base = C->base[(col - C->col) / FEN_LANES];

    if (base >= 0)
      return v_load(once + base + v * FEN_SIMD);
  }
  return v_gather(once, col + v * FEN_SIMD, reach);
}

typedef struct {
  vd u, z, first, second; /* x = u y; sums of p 2^x times 1, x, x^2; prices: z alone, of p times the number */
} Once;

FEN_INLINE void AddOnce(Once *s, vd p, vd y, int ball)
{
  if (ball) {
    const vd x = s->u * y, w = p * v_exp2_within(x), wx = w * x;

    s->z += w;
    s->first += wx;
    s->second = v_fma(wx, x, s->second);
  } else
    s->z = v_fma(p, y, s->z);
}

FEN_INLINE Once SumOnce(const FenNatureRuns *N, FenInt k, int v, vd u, FenReach reach, int ball)
{
  const FenChunks C = *N->chunks;
  const double   *once = N->once;
  const FenInt    columns = C.slot_ptr[k + 1] - C.slot_ptr[k];
  const int      *col = C.col + FEN_LANES * C.slot_ptr[k];
  const double   *p = C.val + FEN_LANES * C.slot_ptr[k];
  Once            s = {u, v_set(0), v_set(0), v_set(0)}, t = s;
  FenInt          j = 0;

  for (; j + 1 < columns; j += 2, col += 2 * FEN_LANES, p += 2 * FEN_LANES) {
    FetchAhead(p, col, reach);
    FetchAhead(p + FEN_LANES, col + FEN_LANES, reach);
    AddOnce(&s, v_load(p + v * FEN_SIMD), OnceAt(&C, once, col, v, reach), ball);
    AddOnce(&t, v_load(p + FEN_LANES + v * FEN_SIMD), OnceAt(&C, once, col + FEN_LANES, v, reach), ball);
  }
  if (j < columns) {
    FetchAhead(p, col, reach);
    AddOnce(&s, v_load(p + v * FEN_SIMD), OnceAt(&C, once, col, v, reach), ball);
  }
  s.z += t.z;
  s.first += t.first;
  s.second += t.second;
  return s;
}

/* a vector of a row: reward, own value of the states (if `share` is positive), theta in and out */
typedef struct {
  vd reward, own, theta, value, gap, good;
} OnceRow;

/* in the model's units: what is added to `low`, what it may be too low, rounding. Rows without entries are their reward
 */
FEN_INLINE void AnswerOnce(const FenNatureRuns *N, OnceRow *a, vd sum, vd value, vd gap, vd error)
{
  const vd zero = v_set(0), there = v_if_greater(sum, zero, v_set(1), zero), low = v_set(N->low);
  const vd safe = v_if_greater(a->reward, v_set(-1e308), v_abs(a->reward), zero);

  error = v_if_greater(there, zero, error + 4 * UNIT * (v_abs(low) + N->span), zero) + 4 * UNIT * safe;
  a->value = a->reward + v_if_greater(there, zero, low + value, zero) - error;
  a->gap = v_if_greater(there, zero, v_max(gap, zero), zero) + 2 * error;
}

FEN_INLINE void PriceOnce(const FenNatureRuns *N, FenInt k, int v, OnceRow *a, FenReach reach)
{
  const double price = N->set->size;
  const vd     unit = v_set((double)(N->chunks->slot_ptr[k + 1] - N->chunks->slot_ptr[k] + 16) * UNIT);
  const vd     sum = SumOnce(N, k, v, v_set(0), reach, 0).z, value = v_log2(sum) * (-LN2 * price);

  AnswerOnce(N, a, sum, value, v_set(0), unit * (v_abs(value) + price));
  a->good = v_set(1);
}

#define ONCE_PASSES 3 /* of balls, each after a step of Newton's method: rows that are cold, values that moved far */

/* r, reach and the bounds as in naturekl.h. share: gaps up to this share of the state's change are small. Lanes that
   are open and `fit` take the numbers */
FEN_INLINE void BallPass(const FenNatureRuns *N, FenInt k, int v, double share, OnceRow *a, vd open, vd theta,
                         FenReach reach)
{
  const vd   unit = v_set((double)(N->chunks->slot_ptr[k + 1] - N->chunks->slot_ptr[k] + 16) * UNIT);
  const vd   zero = v_set(0), one = v_set(1), rho = v_set(N->set->size), price = 1 / theta, x = theta * N->span;
  const Once s = SumOnce(N, k, v, theta * -LOG2E, reach, 1);
  const vd   inverse = 1 / s.z, m = -LN2 * s.first * inverse, square = (LN2 * LN2) * s.second * inverse;
  const vd   lz = v_log(s.z), kl = v_max(-m - lz, v_set(1e-290)), root = v_sqrt(kl);
  const vd   var = v_max(square - m * m - 4 * unit * square, v_set(1e-290));
  const vd   r = v_abs(rho - kl) + 4 * unit * (1 + m + v_abs(lz)), by = 1 / var, room = 2 * r * x * by;
  const vd   value = -(lz + rho) * price, misses = (8.0 / 3) * r * r * by, gap = misses * price;
  const vd   change = a->reward + N->low + value - a->own, exact = EXACT + 40 * unit;
  const vd   small = v_if_greater(exact * exact * var, misses * misses, one, zero); /* of a law's deviation */
  const vd   enough = v_if_greater(Negligible(v_set(share), change, v_set(N->most)), gap, one, small);
  const vd   near = v_if_greater(room, v_min(0.25 * x, v_set(2.0 / 3)), zero, one);
  const vd   wide = v_if_greater(var, v_set(0.25 * KL_LEAST * KL_LEAST), open, zero);
  OnceRow    now = *a;
  vd         good;

  AnswerOnce(N, &now, s.z, v_max(value, zero), gap, unit * (1 + m + v_abs(lz)) * price);
  good = enough * wide * near;
  good = open * v_if_greater(s.z, zero, good, v_if_equal(s.z, zero, one, zero));
  a->value = v_if_greater(good, zero, now.value, a->value);
  a->gap = v_if_greater(good, zero, now.gap, a->gap);
  a->good += good;
  a->theta = v_if_greater(
      wide, zero, theta * v_clip(1 + 2 * root * (sqrt(N->set->size) - root) * by, v_set(0.25), v_set(4)), a->theta);
}

FEN_INLINE vd OnceFits(const FenNatureRuns *N, vd theta)
{
  const vd zero = v_set(0);

  return v_if_greater(v_set(ONCE_MOST), theta * N->span, v_if_greater(theta, zero, v_set(1), zero), zero);
}

/* lanes whose scalar moved and may be used go on from there */
FEN_INLINE vd GoesOn(const FenNatureRuns *N, const OnceRow *a, vd theta)
{
  return (1 - a->good) * v_if_equal(a->theta, theta, v_set(0), OnceFits(N, a->theta));
}

FEN_INLINE void Again(const FenNatureRuns *N, FenInt k, int v, double share, OnceRow *a, vd open, FenReach reach)
{
  for (int pass = 1; pass < ONCE_PASSES && v_any(open); pass++) {
    const vd theta = v_if_greater(open, v_set(0), a->theta, 1 / v_set(N->span));

    BallPass(N, k, v, share, a, open, theta, reach);
    open *= GoesOn(N, a, theta);
  }
}

/* apart from the first pass, which has the registers to itself: warm rows need no other */
static __attribute__((noinline)) void BallAgain(const FenNatureRuns *N, FenInt k, int v, double share, OnceRow *a,
                                                vd open, FenReach reach)
{
  if (reach == FEN_REACH_RUNS)
    Again(N, k, v, share, a, open, FEN_REACH_RUNS);
  else
    Again(N, k, v, share, a, open, FEN_REACH_NEAR);
}

FEN_INLINE void BallOnce(const FenNatureRuns *N, FenInt k, int v, double share, OnceRow *a, FenReach reach)
{
  const vd zero = v_set(0), one = v_set(1);
  const vd theta = v_if_greater(OnceFits(N, a->theta), zero, a->theta, one / N->span);
  vd       open;

  a->good = a->value = a->gap = zero;
  BallPass(N, k, v, share, a, one, theta, reach);
  open = GoesOn(N, a, theta);
  if (v_any(open)) {
    OnceRow cold = *a;

    BallAgain(N, k, v, share, &cold, open, reach);
    *a = cold;
  }
}

/* of n values; prices: numbers below what exp can do are not asked for */
static void PrepareOnce(const FenNatureRuns *N, FenInt n, const double *V, double *once)
{
  const double discount = N->chunks->discount, scale = -LOG2E / N->set->size;
  const vd     low = v_set(N->low);

  for (FenInt i = 0; i < n; i += FEN_SIMD) {
    const FenInt m = n - i < FEN_SIMD ? n - i : FEN_SIMD;
    double       part[FEN_SIMD] = {0};
    vd           y;

    if (m < FEN_SIMD)
      memcpy(part, V + i, (size_t)m * sizeof(double));
    y = v_max(v_fma(v_load(m < FEN_SIMD ? part : V + i), v_set(discount), -low), v_set(0));
    y = N->set->ball ? y : v_exp2_table(y * scale);
    v_store(part, y);
    memcpy(once + i, part, (size_t)m * sizeof(double));
  }
}
