/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Pearson: laws p (a - d)_+. The entries below the threshold a ("active") fix the best threshold and the value in
   closed form, which are right if no value lies between the old threshold and the new: a warm row takes one pass.

     ball     a = mean + sqrt(var/room), value = mean - sqrt(var room),  room = (1 + rho) mass - 1
     price    a = mean + 2 lambda/mass,  value = mean + lambda rest/mass - mass var/(4 lambda)

   mean, var and mass are those of the active entries, rest the mass of the others.
*/
#pragma once
#include "naturerow.h"

#define PEARSON_PASSES 60

typedef struct {
  vd mass, rest, mean, var, below, above; /* below, above: values next to the threshold */
} Active;

/* the difference of squares has lost its digits: again around the mean */
FEN_INLINE vd CentredVariance(const Row *R, vd threshold, const Active *A)
{
  vd sum = v_set(0);

  COLUMNS
  {
    const vd d = D, c = d - A->mean;

    sum = v_fma(v_if_greater(threshold, d, P, v_set(0)) * c, c, sum);
  }
  return sum / A->mass;
}

typedef struct {
  vd threshold, mass, rest, first, second, below, above;
} Split;

FEN_INLINE void AddSplit(Split *s, vd p, vd d)
{
  const vd zero = v_set(0), q = v_if_greater(s->threshold, d, p, zero), qd = q * d;

  s->mass += q;
  s->rest += p - q;
  s->first += qd;
  s->second = v_fma(qd, d, s->second);
  s->below = v_max(s->below, v_if_greater(s->threshold, d, d, zero));
  s->above = v_min(s->above, v_if_greater(s->threshold, d, v_set(INFINITY), d));
}

FEN_INLINE Active FindActive(const Row *R, vd threshold)
{
  const vd zero = v_set(0);
  Split    s = {threshold, zero, zero, zero, zero, zero, v_set(INFINITY)}, t = s;
  Active   A;

  TWO_CHAINS(R, s, t, AddSplit);
  A.mass = s.mass + t.mass;
  A.rest = s.rest + t.rest;
  A.below = v_max(s.below, t.below);
  A.above = v_min(s.above, t.above);
  A.mean = (s.first + t.first) / A.mass;
  A.var = v_max((s.second + t.second) / A.mass - A.mean * A.mean, zero);
  if (v_any_less(A.var, 0.01 * A.mean * A.mean))
    A.var = v_if_greater(0.01 * A.mean * A.mean, A.var, CentredVariance(R, threshold, &A), A.var);
  return A;
}

/* one where `a` belongs to the active set it was made from */
FEN_INLINE vd Belongs(const Active *A, vd a)
{
  return v_if_greater(a, A->above, v_set(0), v_if_greater(A->below, a, v_set(0), v_set(1)));
}

FEN_INLINE void PearsonPenalty(const Row *R, Reply *a)
{
  vd x = v_if_greater(a->warm, v_set(0), a->warm, 2 * R->price + R->mean);

  for (int pass = 0; pass < PEARSON_PASSES && v_any(a->open); pass++) {
    const Active A = FindActive(R, x);
    const vd     over = R->price / A.mass, next = A.mean + 2 * over;
    const vd     gain = A.rest * over, loss = 0.25 * A.var / over;

    Settle(a, Belongs(&A, next), next, next, A.mean + gain - loss, v_set(0), R->unit * (A.mean + gain + loss));
    x = next;
  }
}

FEN_INLINE void PearsonBall(const FenNatureSet *set, const Row *R, Reply *a)
{
  const vd zero = v_set(0), most = v_set(1e16), rho = v_set(set->size);
  Search   s = {v_if_greater(a->warm, zero, a->warm, most), zero, v_set(INFINITY)};

  for (int pass = 0; pass < PEARSON_PASSES && v_any(a->open); pass++) {
    const Active A = FindActive(R, s.x);
    const vd     room = rho * A.mass - A.rest, first = s.x - A.mean, positive = v_max(room, zero);
    const vd     next = v_if_greater(room, zero, A.mean + v_sqrt(A.var / positive), s.x * 4);
    const vd     root = v_sqrt(A.var * positive);
    const vd     settled = v_if_greater(room, zero, Belongs(&A, next), zero);
    const vd     right = v_if_greater(A.var, positive * first * first, v_set(1), zero);

    Settle(a, settled, next, v_min(next, most), A.mean - root, zero, R->unit * (A.mean + 2 * root));
    s.x = Next(&s, v_if_greater(room, zero, right, v_set(1)), next, 1e20);
  }
}
