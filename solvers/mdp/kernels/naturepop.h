/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Jensen-Shannon where mass may go to the state of the smallest value of all, which is none of the row's successors.
   With d counted from that value, and x = 1/(e^{2 theta d} - 1) the law's ratios, eta is known where that mass is
   there, E x < 1, and the dual has one scalar:

     ball     F/theta,  F = log 2 - rho + E log(1 - e^{-2 theta d})/2
     price    the same without rho, at theta = 1/price

   F' = E x d,  F'' = -E (d/sinh(theta d))^2. The error: with G = F/theta now any other theta exceeds it by Q/theta,
   Q = F - G theta, which is concave, zero now, and has slope r = F' - G. log |F''| falls with a slope of at most
   2 (1 + theta)/theta, d <= 1, so that |F''| keeps half within theta log 2/(2 (1 + theta)) to the right. Q is below
   zero beyond 4 |r|/|F''|; if that is less, and less than theta/4, G misses at most r^2/(3/4 theta |F''|). Likewise
   log E x rises with a slope of at most (1 + 2 theta)/theta to the left: E x stays below one, so that no other eta is
   better.
*/
#pragma once
#include "naturetilt.h"

#define POP_PASSES 40

typedef struct {
  vd minus;                     /* -2 theta */
  vd logs, mass, first, second; /* E of log(1 - e^{-2 theta d}); of x times 1, d, d^2/(1 - e^{-2 theta d}) */
} Pops;

/* entries at the smallest value itself are more than one, by what counts as a probability */
FEN_INLINE void AddPop(Pops *s, vd p, vd d)
{
  const vd away = v_max(-v_expm1(s->minus * d), v_set(1e-300)), inverse = 1 / away;
  const vd px = p * ((1 - away) * inverse), pxd = px * d;

  s->logs = v_fma(p, v_log_table(away), s->logs);
  s->mass += px;
  s->first += pxd;
  s->second = v_fma(pxd * d, inverse, s->second);
}

FEN_INLINE Pops SumPops(const Row *R, vd theta)
{
  const vd zero = v_set(0);
  Pops     s = {-2 * theta, zero, zero, zero, zero}, t = s;

  TWO_CHAINS(R, s, t, AddPop);
  s.logs += t.logs;
  s.mass += t.mass;
  s.first += t.first;
  s.second += t.second;
  return s;
}

/* rest: log 2, in a ball less the radius. Lanes without a zero of r, or whose law is more than one, stay open */
FEN_INLINE void PopBall(double rest, const Row *R, Reply *a)
{
  const vd zero = v_set(0), one = v_set(1), unit = v_set(R->unit);
  Search   s = {v_if_greater(a->warm, zero, a->warm, 0.35 / v_max(R->mean, v_set(1e-3))), zero, v_set(INFINITY)};

  for (int pass = 0; pass < POP_PASSES && v_any(a->open); pass++) {
    const vd   theta = s.x, inverse = 1 / theta;
    const Pops P_ = SumPops(R, theta);
    const vd   size = (rest - 0.5 * P_.logs) * inverse, value = v_fma(P_.logs, v_set(0.5), v_set(rest)) * inverse;
    const vd   r = P_.first - value, doubt = v_abs(r) + 4 * unit * (P_.first + size);
    const vd   curvature = v_max(2 * P_.second, v_set(1e-290)), reach = 4 * doubt / curvature;
    const vd   most = v_min(0.25 * theta, theta * LN2 / (2 + 2 * theta));
    const vd   mass = P_.mass * (1 + 8 * unit) * (1 + (8.0 / 3) * reach * (1 + 2 * theta) * inverse);
    const vd   fits = v_if_greater(most, reach, v_if_greater(mass, one, zero, one), zero);
    const vd   gap = v_if_greater(fits, zero, (4.0 / 3) * doubt * doubt / curvature * inverse, v_set(INFINITY));
    const vd   next = Next(&s, v_if_greater(r, zero, one, zero), v_max(theta + r / curvature, 0.1 * theta), 10);

    Settle(a, fits * Small(R, value, gap), theta, v_if_greater(next, zero, next, theta), value, gap, 2 * unit * size);
    if (pass > 5 && !v_any(v_if_greater(reach, 1e-3 * theta, a->open, v_if_greater(one, mass, a->open, zero))))
      break; /* what is left has too much mass */
    s.x = next;
  }
}

FEN_INLINE void PopPrice(const Row *R, Reply *a)
{
  const vd   zero = v_set(0), one = v_set(1), theta = 1 / R->price, unit = v_set(R->unit);
  const Pops s = SumPops(R, theta);
  const vd   fits = v_if_greater(s.mass * (1 + 8 * unit), one, zero, one);

  Settle(a, fits, theta, theta, R->price * (LN2 + 0.5 * s.logs), zero, 2 * unit * R->price * (LN2 - 0.5 * s.logs));
}

/* the law at theta; what it leaves goes to the smallest value of all, and with it all if that is the `lowest` in reach.
   Lanes that are `served` have theirs, in a `flat` row nothing matters */
FEN_INLINE vd WritePopped(const Row *R, vd theta, vd lowest, vd flat, vd served, double *law)
{
  const vd zero = v_set(0), minus = -2 * theta;
  vd       sum = zero;

  COLUMNS
  {
    const vd p = P, away = v_max(-v_expm1(minus * D), v_set(1e-300));
    vd       w = v_if_greater(lowest, zero, zero, p * ((1 - away) / away));

    w = v_if_greater(flat, zero, p, w);
    w = v_if_greater(served, zero, v_load(law + j), v_if_greater(p, v_set(TINY), w, zero));
    v_store(law + j, w);
    sum += w;
  }
  return v_max(1 - sum, zero);
}
