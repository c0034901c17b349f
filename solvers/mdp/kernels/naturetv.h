/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Total variation. The bound E min(d, c) - rho c is piecewise linear in the cut c, with corners at the values: one pass
   with a cut sees the corners on its two sides and their masses, and can tell whether one of them is the best. A row
   keeps the place of the entry at its best cut, plus one: values move from sweep to sweep, but their order is soon the
   same. Cold rows halve the bracket.
*/
#pragma once
#include "naturerow.h"

#define TV_PASSES 64

typedef struct {
  vd cut, sum;
} Below;

FEN_INLINE void AddBelow(Below *b, vd p, vd d)
{
  b->sum = v_fma(p, v_min(d, b->cut), b->sum);
}

FEN_INLINE void TVPenalty(const Row *R, Reply *a)
{
  Below b = {R->price, v_set(0)}, c = b;
  vd    value;

  TWO_CHAINS(R, b, c, AddBelow);
  value = b.sum + c.sum;
  Settle(a, v_set(1), R->price, a->warm, value, v_set(0), R->unit * value);
}

/* mass above the cut; the next values above and below (the cut itself counts as below), and their masses */
typedef struct {
  vd cut, above, mean, up, up_mass, down, down_mass;
} Corners;

FEN_INLINE void AddCorner(Corners *c, vd p, vd d)
{
  const vd zero = v_set(0), higher = v_if_greater(d, c->cut, d, v_set(2)),
           lower = v_if_greater(d, c->cut, v_set(-1), d);

  c->mean = v_fma(p, v_min(d, c->cut), c->mean);
  c->above += v_if_greater(d, c->cut, p, zero);
  /* a closer value starts its mass again; entries without mass change nothing but the place */
  c->up_mass = v_if_greater(c->up, higher, p, c->up_mass + v_if_equal(c->up, higher, p, zero));
  c->up = v_min(c->up, higher);
  c->down_mass = v_if_greater(lower, c->down, p, c->down_mass + v_if_equal(c->down, lower, p, zero));
  c->down = v_max(c->down, lower);
}

FEN_INLINE Corners LookAround(const Row *R, vd cut)
{
  const vd zero = v_set(0);
  Corners  c = {cut, zero, zero, v_set(2), zero, v_set(-1), zero}, e = c;
  vd       up, down;

  TWO_CHAINS(R, c, e, AddCorner);
  up = v_min(c.up, e.up);
  down = v_max(c.down, e.down);
  c.up_mass = v_if_equal(c.up, up, c.up_mass, zero) + v_if_equal(e.up, up, e.up_mass, zero);
  c.down_mass = v_if_equal(c.down, down, c.down_mass, zero) + v_if_equal(e.down, down, e.down_mass, zero);
  c.up = up;
  c.down = down;
  c.above += e.above;
  c.mean += e.mean;
  return c;
}

/* the entry at a place, each lane its own */
FEN_INLINE vd AtPlace(const double *x, FenInt n, vd place)
{
  int at[FEN_SIMD];

  v_to_int(at, v_clip(place, v_set(0), v_set((double)(n - 1))) * FEN_LANES);
  for (int l = 0; l < FEN_SIMD; l++)
    at[l] += l;
  return v_gather(x, at, FEN_REACH_NEAR);
}

/* one more than the place of an entry with this value and mass */
FEN_INLINE vd PlaceOf(const Row *R, vd value)
{
  const vd zero = v_set(0);
  vd       place = zero;

  COLUMNS
  {
    const FenInt column = j / FEN_LANES;

    place = v_if_greater(P, zero, v_if_equal(D, value, v_set((double)column + 1), place), place);
  }
  return place;
}

FEN_INLINE void TVBall(const FenNatureSet *set, const Row *R, Reply *a)
{
  const vd rho = v_set(set->size), zero = v_set(0), one = v_set(1);
  const vd asked = a->open;
  vd       lower = zero, upper = one, cut = v_if_greater(a->warm, zero, AtPlace(R->d, R->n, a->warm - 1), v_set(0.5));

  for (int pass = 0; pass < TV_PASSES && v_any(a->open); pass++) {
    const Corners c = LookAround(R, cut);
    const vd      slope = c.above - rho, up = v_if_greater(slope, zero, one, zero);
    const vd      corner = v_if_greater(up, zero, c.up, c.down);
    const vd      before = v_if_greater(up, zero, slope, slope + c.down_mass);
    const vd      after = v_if_greater(up, zero, slope - c.up_mass, slope);
    const vd      value = v_fma(slope, corner - cut, v_fma(-rho, cut, c.mean));
    const vd      best = v_if_greater(after, zero, zero, v_if_greater(before, zero, one, zero));

    Settle(a, best, corner, a->warm, value, zero, R->unit * (c.mean + rho * cut + v_abs(slope * (corner - cut))));
    lower = v_if_greater(up, zero, v_max(lower, corner), lower);
    upper = v_if_greater(up, zero, upper, v_min(upper, corner));
    cut = pass % 3 == 2 ? 0.5 * (lower + upper) : v_if_greater(up, zero, corner, corner * 0.999999);
  }
  a->warm = v_if_greater(asked - a->open, zero, PlaceOf(R, a->at), a->warm);
}
