/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Kullback-Leibler: laws p e^{-theta d}/Z, theta = 1/price. In a ball the bound at any theta is -(log Z + rho)/theta;
   the next theta is Newton's for the square root of the divergence K(theta), nearly linear in theta.

   The error of the bound: with r = rho - K, the bound as a function of 1/theta is concave with slope -r, and K' = theta
   var. var changes by e at most per unit of theta, because d <= 1. So K moves by |r| within D = 2|r|/(theta var) if D
   <= theta/4 and D <= 2/3, the best theta is at most that far away, and the bound misses at most |r| (4/3) D/theta^2.
   Otherwise: the tilted law, mixed with the nominal one as far as it lies outside, is in the ball.
*/
#pragma once
#include "naturerow.h"

#define KL_PASSES 60
#define KL_CUT    0x1p-999 /* twice what v_exp2() makes of all that is smaller */
#define KL_LEAST  2e-2     /* theta below this: rounding of log Z counts too much */
#define KL_MOST   690.0    /* above: exponentials are no numbers. Rows with next to no mass on small values need it */

typedef struct {
  vd u, z, first, second; /* u = -theta/log 2; sums of p e^{-theta d} times 1, d, d^2 */
} Tilted;

FEN_INLINE void AddTilted(Tilted *s, vd p, vd d)
{
  const vd w = p * v_exp2_table(s->u * d), wd = w * d;

  s->z += w;
  s->first += wd;
  s->second = v_fma(wd, d, s->second);
}

FEN_INLINE Tilted Tilt(const Row *R, vd theta)
{
  Tilted s = {theta * -LOG2E, v_set(0), v_set(0), v_set(0)}, t = s;

  TWO_CHAINS(R, s, t, AddTilted);
  s.z += t.z;
  s.first += t.first;
  s.second += t.second;
  return s;
}

typedef struct {
  vd u, z;
} Partition;

FEN_INLINE void AddPartition(Partition *s, vd p, vd d)
{
  s->z = v_fma(p, v_exp2_table(s->u * d), s->z);
}

FEN_INLINE void KLPenalty(const Row *R, Reply *a)
{
  Partition s = {-LOG2E / R->price, v_set(0)}, t = s;
  vd        value;

  TWO_CHAINS(R, s, t, AddPartition);
  s.z += t.z;
  value = v_log2(s.z) * -LN2 * R->price;
  Settle(a, v_set(1), 1 / R->price, a->warm, value, R->price * KL_CUT / s.z, R->unit * (value + R->price));
}

/* what the bound at theta may miss, see above */
FEN_INLINE vd KLGap(const Row *R, const Tilted *s, vd theta, vd kl, vd rho, vd bound)
{
  const vd mean = s->first / s->z, second = s->second / s->z;
  const vd var = v_max(second - mean * mean - 4 * R->unit * second, v_set(1e-290));
  const vd rounding = 4 * R->unit * (1 + theta * mean), mix = v_min(rho / (kl + rounding), v_set(1));
  const vd primal = mix * mean + (1 - mix) * R->mean - bound;
  const vd r = v_abs(rho - kl) + rounding, reach = 2 * r / (theta * var);
  const vd near = v_if_greater(reach, v_min(0.25 * theta, v_set(2.0 / 3)), v_set(0), v_set(1));

  return v_if_greater(near, v_set(0), v_min(primal, r * reach * (4.0 / 3) / (theta * theta)), primal);
}

FEN_INLINE void KLBall(const FenNatureSet *set, const Row *R, Reply *a)
{
  const vd rho = v_set(set->size), zero = v_set(0), root = v_set(sqrt(set->size));
  const vd cold = v_if_greater(a->warm, zero, zero, a->open);
  Search   s = {a->warm, zero, v_set(INFINITY)};

  if (v_any(cold))
    s.x = v_if_greater(cold, zero, v_sqrt(v_set(2 * set->size) / v_max(Variance(R), v_set(1e-290))), s.x);
  s.x = v_min(s.x, v_set(KL_MOST));
  for (int pass = 0; pass < KL_PASSES && v_any(a->open); pass++) {
    const Tilted t = Tilt(R, s.x);
    const vd     mean = t.first / t.z, var = v_max(t.second / t.z - mean * mean, v_set(1e-290));
    const vd     lz = v_log(t.z), kl = v_max(-(s.x * mean) - lz, v_set(1e-290)), value = -(lz + rho) / s.x;
    const vd     gap = KLGap(R, &t, s.x, kl, rho, value), k = v_sqrt(kl);
    const vd     wanted = s.x + 2 * k * (root - k) / (s.x * var);
    const vd     next = v_min(Next(&s, v_if_greater(rho, kl, v_set(1), zero), wanted, 4), v_set(KL_MOST));

    Settle(a, v_if_greater(v_set(KL_LEAST), s.x, zero, Small(R, value, gap)), s.x, next, value, gap,
           R->unit * (1 + s.x * mean + v_abs(lz)) / s.x);
    if (pass >= 3 && !v_any(v_if_greater(v_set(KL_LEAST), s.x, zero, v_if_equal(s.x, next, zero, a->open))))
      break;
    s.x = next;
  }
}
