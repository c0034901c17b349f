/* SPDX-License-Identifier: BSD-2-Clause */
/*
   s-rectangular states side by side, for one instruction set: the rounds of problems/mdp/srect.c, one lane a state.
   Each round evaluates every row once at its multiplier, which gives a bound of u from below, and takes Newton's step
   for u and for the multipliers together. Lanes whose bound does not settle above max_a min z_a are left to the caller.
*/
#pragma once
#include "naturerow.h"
#include "srectkernels.h"

#define STATE_ROUNDS 24
#define STATE_GAPS   60 /* Newton steps for the scalar g of a row */

/* of a row, FEN_LANES each in the work of its slot; TAU: the next round's, USED: the last round's */
enum { ZMIN, MEAN, LEAST, DMAX, SCALAR, TAU, USED, SQUARE, NUMBERS };

typedef struct {
  FenInt        n;
  const double *p;
  double       *d, *number;
} StateRow;

typedef struct {
  vd c, m, slope;
} StatePoint;

FEN_INLINE StateRow RowOfState(const FenSRectRuns *N, FenInt c, FenInt k, int v)
{
  const FenChunks *C = N->chunks;
  const FenInt     k0 = C->chunk_ptr[c], first = C->slot_ptr[k0];

  return (StateRow){.n = C->slot_ptr[k + 1] - C->slot_ptr[k],
                    .p = C->val + FEN_LANES * C->slot_ptr[k] + v * FEN_SIMD,
                    .d = N->d + FEN_LANES * (C->slot_ptr[k] - first) + v * FEN_SIMD,
                    .number = N->numbers + FEN_LANES * NUMBERS * (k - k0) + v * FEN_SIMD};
}

FEN_INLINE vd NumberOf(const StateRow *R, int which)
{
  return v_load(R->number + FEN_LANES * which);
}
FEN_INLINE void SetNumber(const StateRow *R, int which, vd x)
{
  v_store(R->number + FEN_LANES * which, x);
}

#define STATE_COLUMNS for (FenInt j = 0; j < FEN_LANES * R->n; j += FEN_LANES)

/* d = z - zmin, zero where there is no mass; a row that the lane's state has not is at minus infinity */
FEN_INLINE void PrepareState(const FenSRectRuns *N, const StateRow *R, FenInt k, int v, const double *V)
{
  const FenChunks *C = N->chunks;
  const int       *col = C->col + FEN_LANES * C->slot_ptr[k] + v * FEN_SIMD;
  const vd zero = v_set(0), infinite = v_set(INFINITY), given = v_load(C->reward + FEN_LANES * k + v * FEN_SIMD);
  const vd there = v_if_greater(given, -infinite, v_set(1), zero), reward = v_if_greater(there, zero, given, zero);
  vd       zmin = infinite, mean = zero, least = zero, dmax = zero, square = zero;

  STATE_COLUMNS
  {
    const vd z = v_fma(v_set(C->discount), v_gather(V, col + j, FEN_REACH_NEAR), reward);

    v_store(R->d + j, z);
    zmin = v_least(zmin, v_if_greater(v_load(R->p + j), zero, z, infinite));
  }
  STATE_COLUMNS
  {
    const vd p = v_load(R->p + j), d = v_if_greater(p, zero, v_load(R->d + j) - zmin, zero), pd = p * d;

    v_store(R->d + j, d);
    mean += pd;
    square = v_fma(pd, d, square);
    least += v_if_greater(d, zero, zero, p);
    dmax = v_max(dmax, d);
  }
  SetNumber(R, ZMIN, v_if_greater(there, zero, zmin, -infinite));
  SetNumber(R, MEAN, mean);
  SetNumber(R, LEAST, least);
  SetNumber(R, DMAX, v_if_greater(there, zero, dmax, zero));
  SetNumber(R, SCALAR, zero);
  SetNumber(R, SQUARE, square);
}

FEN_INLINE StatePoint EvaluateStateKL(const StateRow *R, vd tau)
{
  const vd u = tau * -LOG2E, zero = v_set(0);
  vd       z = zero, first = zero, second = zero, inverse, m;

  STATE_COLUMNS
  {
    const vd d = v_load(R->d + j), e = v_load(R->p + j) * v_exp2_table(u * d), ed = e * d;

    z += e;
    first += ed;
    second = v_fma(ed, d, second);
  }
  inverse = 1 / z;
  m = first * inverse;
  return (StatePoint){-v_log(z), m, v_max(second * inverse - m * m, zero)};
}

/* g of srect.c, where E (tau d + g)^-power = 1 */
FEN_INLINE vd StateGap(const StateRow *R, vd tau, int power, vd guess)
{
  const vd zero = v_set(0), one = v_set(1), least = NumberOf(R, LEAST);
  const vd left = v_max(power == 1 ? least : v_sqrt(least), 1 - tau * NumberOf(R, MEAN));
  vd       g = v_if_greater(guess, left, v_if_greater(one, guess, guess, left), left);

  for (int it = 0; it < STATE_GAPS; it++) {
    vd sum = zero, derivative = zero, step;

    STATE_COLUMNS
    {
      const vd x = 1 / v_fma(tau, v_load(R->d + j), g), y = v_load(R->p + j) * (power == 1 ? x : x * x);

      sum += y;
      derivative = v_fma(y, x, derivative);
    }
    step = (sum - 1) / (power * derivative);
    g = v_max(g + step, left);
    if (!v_any_less(1e-8 * g, v_abs(step))) /* the next step is of the order of this one's square */
      break;
  }
  return v_min(g, one);
}

FEN_INLINE StatePoint EvaluateStateGap(const StateRow *R, vd tau, int power)
{
  const vd zero = v_set(0), g = StateGap(R, tau, power, NumberOf(R, SCALAR));
  vd       m = zero, c = zero, d0 = zero, d1 = zero, d2 = zero;

  SetNumber(R, SCALAR, g);
  STATE_COLUMNS
  {
    const vd p = v_load(R->p + j), d = v_load(R->d + j), e = v_fma(tau, d, g), x = 1 / e, h = p * x;
    const vd law = power == 1 ? h : h * x, w = power * law * x, wd = w * d;

    m = v_fma(law, d, m);
    c = power == 1 ? v_fma(p, v_log(v_max(e, v_set(1e-300))), c) : c - h;
    d0 += w;
    d1 += wd;
    d2 = v_fma(wd, d, d2);
  }
  return (StatePoint){power - g + c, m, v_max(d2 - d1 * d1 / d0, zero)};
}

FEN_INLINE StatePoint EvaluateState(FenSRectKind kind, const StateRow *R, vd tau)
{
  if (kind == FEN_SRECT_KL)
    return EvaluateStateKL(R, tau);
  return EvaluateStateGap(R, tau, kind == FEN_SRECT_BURG ? 1 : 2);
}

/* a round's sums; gain: what Newton's steps of the rows may still add to sum; miss: largest share of its spread by
   which a row misses u */
typedef struct {
  vd sum, slopes, gain, miss;
} StateRound;

/* a row at its multiplier, which takes Newton's step afterwards; lanes that are `closed` keep what they have */
FEN_INLINE void RoundOfRow(FenSRectKind kind, const StateRow *R, vd u, vd closed, StateRound *s)
{
  const vd zero = v_set(0), one = v_set(1), zmin = NumberOf(R, ZMIN), dmax = NumberOf(R, DMAX),
           mean = NumberOf(R, MEAN);
  const vd active = v_if_greater(zmin + mean, u, v_if_greater(dmax, zero, one, zero), zero);
  const vd target = v_if_greater(active, zero, v_max(u - zmin, zero), zero), warm = NumberOf(R, TAU);
  /* the slope of the yield at zero: the variance, times the power where laws are powers */
  const vd   variance = (kind == FEN_SRECT_HELLINGER ? 0.5 : 1) * (NumberOf(R, SQUARE) - mean * mean);
  const vd   cold = v_if_greater(variance, zero, (mean - target) / variance, 1 / dmax);
  const vd   tau = v_if_greater(active, zero, v_if_greater(warm, zero, warm, cold), zero);
  StatePoint t;
  vd         next;

  if (!v_any(active)) {
    SetNumber(R, USED, v_if_greater(closed, zero, NumberOf(R, USED), zero));
    return;
  }
  t = EvaluateState(kind, R, tau);
  s->sum += v_if_greater(active, zero, v_fma(tau, zmin - u, t.c), zero);
  s->slopes += tau;
  s->miss = v_max(s->miss, v_if_greater(active, zero, v_abs(t.m - target) / dmax, zero));
  s->gain += v_if_greater(active, zero, (t.m - target) * (t.m - target) / v_max(t.slope, v_set(1e-300)), zero);
  next = v_if_greater(t.slope, zero, tau + (t.m - target) / t.slope, v_if_greater(t.m, target, 4 * tau, 0.25 * tau));
  SetNumber(R, USED, v_if_greater(closed, zero, NumberOf(R, USED), tau));
  SetNumber(R, TAU, v_clip(next, 0.25 * tau, 4 * tau));
}

/* the ends between which u lies, and the spread of z; `sound` is one where all is finite and they are apart */
typedef struct {
  vd left, right, spread, sound;
} StateEnds;

FEN_INLINE StateEnds FindEnds(const FenSRectRuns *N, FenInt c, int v, const double *V, const double *tau)
{
  const FenInt k0 = N->chunks->chunk_ptr[c], k1 = N->chunks->chunk_ptr[c + 1];
  const vd     zero = v_set(0), one = v_set(1), huge = v_set(1e300);
  StateEnds    e = {-huge, -huge, zero, zero};
  vd           check = zero, high = -huge, low = huge;

  for (FenInt k = k0; k < k1; k++) {
    const StateRow R = RowOfState(N, c, k, v);
    vd             zmin, mean;

    PrepareState(N, &R, k, v, V);
    SetNumber(&R, TAU, v_load(tau + FEN_LANES * (k - k0)));
    SetNumber(&R, USED, zero);
    zmin = NumberOf(&R, ZMIN);
    mean = NumberOf(&R, MEAN);
    e.left = v_max(e.left, zmin);
    e.right = v_max(e.right, zmin + mean);
    low = v_least(low, v_if_greater(zmin, -huge, zmin, huge));
    high = v_max(high, zmin + NumberOf(&R, DMAX));
    check += mean - mean; /* NaN for NaN and Inf */
  }
  e.sound =
      v_if_equal(check, zero, v_if_greater(e.right, e.left, v_if_greater(huge, v_abs(e.left), one, zero), zero), zero);
  e.spread = high - low;
  return e;
}

static void SolveStates(const FenSRectRuns *N, FenInt c, int v, const double *V, FenSRectStates *out)
{
  const FenInt    k0 = N->chunks->chunk_ptr[c], k1 = N->chunks->chunk_ptr[c + 1];
  const vd        zero = v_set(0), one = v_set(1), far = v_set(INFINITY), guess = v_load(out->u + v * FEN_SIMD);
  const StateEnds e = FindEnds(N, c, v, V, out->tau + v * FEN_SIMD);
  const vd        tol = 1e-15 * (e.right - e.left) + 1e-16 * v_max(v_abs(e.left), v_abs(e.right));
  vd u = v_if_greater(guess, e.left, v_if_greater(e.right, guess, guess, zero), zero), best = e.left, total = zero;
  vd closed = one - e.sound, good = zero;

  u = v_if_equal(u, zero, e.left + 0.5 * (e.right - e.left), u);
  for (int round = 0; round < STATE_ROUNDS && v_any(one - closed); round++) {
    StateRound s = {v_set(-N->budget), zero, zero, zero};
    vd         bound, settled;

    for (FenInt k = k0; k < k1; k++) {
      const StateRow R = RowOfState(N, c, k, v);

      RoundOfRow(N->kind, &R, u, closed, &s);
    }
    bound = v_if_greater(s.slopes, zero, u + s.sum / s.slopes, -far);
    settled = v_if_greater(tol, v_abs(bound - u), one, zero);
    settled = v_if_greater(bound, best + tol, settled, v_if_greater(bound, e.left, one, settled));
    settled = v_if_greater(s.miss, v_set(1e-7), zero, v_if_greater(best, u, zero, settled)) * (one - closed);
    settled = v_if_greater(s.gain, 1e-14 * e.spread * s.slopes, zero, settled);
    best = v_if_greater(closed, zero, best, v_max(bound, best));
    good += settled;
    closed += settled;
    u = v_if_greater(best, e.left, best, e.left + 0.5 * (u - e.left));
  }
  good = v_if_greater(best, e.left + 4 * tol, good, zero);
  for (FenInt k = k0; k < k1; k++) {
    const StateRow R = RowOfState(N, c, k, v);

    total += NumberOf(&R, USED);
  }
  for (FenInt k = k0; k < k1; k++) {
    const StateRow R = RowOfState(N, c, k, v);
    const FenInt   at = FEN_LANES * (k - k0) + v * FEN_SIMD;
    const vd       used = NumberOf(&R, USED);

    v_store(out->tau + at, v_if_greater(good, zero, used, v_load(out->tau + at)));
    v_store(out->mix + at, used / total);
  }
  v_store(out->u + v * FEN_SIMD, v_if_greater(good, zero, v_min(best, e.right), guess));
  v_store(out->scale + v * FEN_SIMD, total);
  v_store(out->spread + v * FEN_SIMD, e.spread);
  v_store(out->good + v * FEN_SIMD, good);
}

static void NatureStates(const FenSRectRuns *N, FenInt c, const double *V, FenSRectStates *out)
{
  EACH SolveStates(N, c, v, V, out);
}
