/* SPDX-License-Identifier: BSD-2-Clause */
/* The law of an answer, for one instruction set. */
#pragma once
#include "naturetilt.h"

/* p times this, up to a factor */
FEN_INLINE vd Weight(const FenNatureSet *set, vd d, vd at, vd price)
{
  switch (set->form) {
  case FEN_NATURE_KL:
    return v_exp(-(at * d));
  case FEN_NATURE_PEARSON:
    return v_max(at - d, v_set(0));
  case FEN_NATURE_BURG:
    return 1 / (d + at);
  case FEN_NATURE_HELLINGER:
    return 1 / ((d + at) * (d + at));
  case FEN_NATURE_NEYMAN:
    return 1 / v_sqrt(d + at);
  case FEN_NATURE_BELOW:
    return v_pow(d + at, v_set(set->t - 1));
  case FEN_NATURE_JS:
    return 1 + TiltJS((at - d) / price).t;
  case FEN_NATURE_JEFFREYS:
    return 1 + TiltJeffreys((at - d) / price).t;
  default: /* here `price` is what the threshold is over `at` */
    at = (at - d) + price;
    return v_if_greater(at, v_set(0), v_pow(v_max(at, v_set(1e-100)), v_set(set->t - 1)), v_set(0));
  }
}

/* total variation: the mass above the cut, and in a ball as much of that at the cut as belongs to the radius, goes to
   the smallest value */
typedef struct {
  vd moved, share; /* share: of what is at the cut */
} Cut;

FEN_INLINE Cut FindCut(const FenNatureSet *set, const Row *R, vd at)
{
  const vd zero = v_set(0);
  vd       above = zero, on = zero, taken;

  if (set->form != FEN_NATURE_TV)
    return (Cut){zero, zero};
  COLUMNS
  {
    above += v_if_greater(D, at, P, zero);
    on += v_if_equal(D, at, P, zero);
  }
  taken = set->ball ? v_clip(v_set(set->size) - above, zero, on) : zero;
  return (Cut){above + taken, v_if_greater(on, zero, taken / on, zero)};
}

FEN_INLINE vd CutWeight(const Cut *c, const Row *R, vd d, vd p, vd at)
{
  const vd zero = v_set(0), kept = v_if_greater(d, at, zero, v_if_equal(d, at, (1 - c->share) * p, p));

  return kept + v_if_equal(d, zero, p / R->least * c->moved, zero);
}

/* `lowest` is one where all mass is on the smallest value, `flat` where all values are the same, `served` where the law
   is written already */
FEN_INLINE void WriteLaw(const FenNatureSet *set, const Row *R, vd at, vd price, vd lowest, vd flat, vd served,
                         double *law)
{
  const vd  zero = v_set(0);
  const Cut cut = FindCut(set, R, at);
  vd        sum = zero;

  COLUMNS
  {
    const vd p = P, d = D;
    vd       w = set->form == FEN_NATURE_TV ? CutWeight(&cut, R, d, p, at) : p * Weight(set, d, at, price);

    w = v_if_greater(lowest, zero, v_if_equal(d, zero, p, zero), w);
    w = v_if_greater(flat, zero, p, w);
    w = v_if_greater(served, zero, v_load(law + j), w);
    w = v_if_greater(p, zero, w, zero);
    v_store(law + j, w);
    sum += w;
  }
  sum = v_if_greater(sum, zero, 1 / sum, zero);
  COLUMNS v_store(law + j, v_load(law + j) * sum);
}
