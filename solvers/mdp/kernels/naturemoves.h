/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Norms of rows: the largest |p_j - q_j| (linf), in a ball or at a price, and transport at a price (wasserstein). With
   d = z - zmin, entries of q > 0, in the model's units:

     linf, radius r   entries between q - r and q + r, full from the smallest d on (Givan, Leach, Dean 2000)
     linf, price c    F(r) + c r over r, F the value at a radius, convex and piecewise linear
     wasserstein      E min_k (d_k + c cost_jk): every entry moves for itself

   The best r is a kink of F, which depends on q and the order of d only: it stays from sweep to sweep. Rows keep it,
   and tangents a little to its left and right prove it, in one pass over the row sorted by d; otherwise the interval
   between two tangents is cut where they meet, as often as it takes. Where they meet is a bound from below, F itself
   one from above.

   Cost: n^2/2 exchanges to sort a row of n, then n a pass; transport n^2.
*/
#pragma once
#include "naturerow.h"

#define MOVE_PASSES 200
#define MOVE_ASIDE  4e-15 /* of kinks, for each entry of a row: beyond the rounding of sums of q */

/* entries without probability are behind all others, and no bound lets them have any */
FEN_INLINE void SortColumns(const Row *R, double *d, double *q)
{
  for (FenInt i = 0; i < FEN_LANES * R->n; i += FEN_LANES) {
    const vd p = v_load(R->p + i), there = v_if_greater(p, v_set(0), v_set(1), v_set(0));
    vd       x = v_if_greater(there, v_set(0), v_load(R->d + i), v_set(INFINITY)),
       y = v_if_greater(p, v_set(0), p, v_set(-9));

    for (FenInt j = 0; j < i; j += FEN_LANES) {
      const vd a = v_load(d + j), b = v_load(q + j);

      v_store(d + j, v_least(a, x));
      v_store(q + j, v_if_greater(a, x, y, b));
      y = v_if_greater(a, x, b, y);
      x = v_if_greater(a, x, a, x);
    }
    v_store(d + i, x);
    v_store(q + i, y);
  }
}

FEN_INLINE vd LowerBound(vd q, vd r)
{
  return v_max(q - r, v_set(0));
}
FEN_INLINE vd UpperBound(vd q, vd r)
{
  return v_clip(q + r, v_set(0), v_set(1));
}

typedef struct {
  vd r, rest, value, slope, pushed, pivot, open; /* open: one until the entry that is neither full nor empty */
} Filling;

/* the next entry in the order of d; bounds that move push mass through the pivot */
FEN_INLINE void AddFilling(Filling *f, vd q, vd d)
{
  const vd zero = v_set(0), one = v_set(1), low = LowerBound(q, f->r), up = UpperBound(q, f->r), room = up - low;
  const vd there = v_if_greater(q, zero, one, zero), x = v_if_greater(q, zero, d, zero);
  const vd full = f->open * v_if_greater(room, f->rest, zero, one), pivot = there * (f->open - full);
  const vd rise = there * v_if_greater(one, q + f->r, full, zero);
  const vd fall = there * v_if_greater(q, f->r, one - f->open, zero), move = rise - fall;
  const vd more = v_clip(f->rest, zero, room);

  f->value = v_fma(low + more, x, f->value);
  f->slope = v_fma(move, x, f->slope);
  f->pushed += move;
  f->pivot = v_if_greater(pivot, zero, x, f->pivot);
  f->open = v_if_greater(there, zero, full, f->open);
  f->rest -= more;
}

/* value at a radius, and how it changes with it, into `value` and `slope` */
FEN_INLINE Filling Fill(const Row *R, const double *d, const double *q, vd r)
{
  const vd zero = v_set(0);
  Filling  f = {r, zero, zero, zero, zero, zero, v_set(1)};

  for (FenInt j = 0; j < FEN_LANES * R->n; j += FEN_LANES)
    f.rest += v_max(v_min(v_load(q + j), r), zero); /* what lower bounds leave of the sum of q */
  for (FenInt j = 0; j < FEN_LANES * R->n; j += FEN_LANES)
    AddFilling(&f, v_load(q + j), v_load(d + j));
  f.slope -= f.pushed * f.pivot;
  f.pivot = v_if_greater(f.open, zero, v_set(HUGE_VAL), f.pivot); /* all are full */
  return f;
}

/* where a row's search is, in units of the model */
typedef struct {
  vd value, gap, width, at, pivot, open; /* width: how far the tangents' points are from where they meet, at most */
} Moves;

/* v <- where this is one, the numbers of f at a price */
FEN_INLINE void Take(Filling *v, const Filling *f, vd flag)
{
  const vd zero = v_set(0);

  v->r = v_if_greater(flag, zero, f->r, v->r);
  v->value = v_if_greater(flag, zero, f->value, v->value);
  v->slope = v_if_greater(flag, zero, f->slope, v->slope);
  v->pivot = v_if_greater(flag, zero, f->pivot, v->pivot);
}

FEN_INLINE Filling AtPrice(const Row *R, const double *d, const double *q, vd r, vd price)
{
  Filling f = Fill(R, d, q, r);

  f.value = v_fma(price, r, f.value);
  f.slope += price;
  return f;
}

/* the tangents at a and b, which are on both sides of the best radius or at the ends: where they meet, or the bound of
   the one at an end */
FEN_INLINE vd Meet(const Filling *a, const Filling *b, vd *bound, vd *width)
{
  const vd zero = v_set(0), steep = v_max(b->slope - a->slope, v_set(1e-300));
  const vd first = a->value - a->slope * a->r, last = v_fma(b->slope, 1 - b->r, b->value);
  const vd meet = v_clip((first - (b->value - b->slope * b->r)) / steep, a->r, b->r);
  const vd between = v_fma(a->slope, meet - a->r, a->value);

  *bound = v_if_greater(zero, a->slope, v_if_greater(b->slope, zero, between, last), first);
  *width = v_if_greater(zero, a->slope, v_if_greater(b->slope, zero, b->r - a->r, 1 - b->r), a->r);
  return meet;
}

/* warm: one more than the best radius, zero: unknown; base and share as ever, exact: a gap that is none, all in the
   model's units */
FEN_INLINE Moves LinfPrice(const Row *R, const double *d, const double *q, vd warm, vd exact, vd open)
{
  const vd zero = v_set(0), one = v_set(1), aside = v_set(MOVE_ASIDE * (double)(R->n + 4)), price = R->price;
  const vd known = v_if_greater(warm, zero, one, zero), least = v_max(warm - 1 - aside, aside);
  Filling  a = AtPrice(R, d, q, v_if_greater(known, zero, least, aside), price);
  Filling  b = AtPrice(R, d, q, v_if_greater(known, zero, v_min(warm - 1 + aside, one), one), price), best = a, f;
  Moves    m = {zero, v_set(INFINITY), zero, zero, zero, open};

  best.r = zero;
  best.value = R->mean;
  for (int pass = 0; pass < MOVE_PASSES && v_any(m.open); pass++) {
    /* both on one side */
    const vd left = v_if_greater(a.slope, zero, v_if_greater(a.r, aside, one, zero), zero);
    const vd right = v_if_greater(zero, b.slope, v_if_greater(one, b.r, one - left, zero), zero);
    const vd now = m.open, meet = Meet(&a, &b, &m.value, &m.width);
    vd       up;

    Take(&best, &a, v_if_greater(best.value, a.value, now, zero));
    Take(&best, &b, v_if_greater(best.value, b.value, now, zero));
    m.value = v_min(m.value, best.value);
    m.gap = best.value - m.value;
    m.open *= v_if_greater(v_max(exact, Negligible(R->share, R->base + m.value, R->most)), m.gap, zero, one);
    if (!v_any(m.open))
      break;
    f = AtPrice(R, d, q, v_if_greater(left, zero, aside, v_if_greater(right, zero, one, meet)), price);
    Take(&best, &f, v_if_greater(best.value, f.value, m.open, zero));
    up = v_if_greater(zero, f.slope, zero, one); /* a side of its own for what lies between */
    Take(&b, &a, m.open * left);
    Take(&a, &b, m.open * right);
    Take(&a, &f, m.open * v_if_greater(left, zero, one, v_if_greater(right, zero, zero, 1 - up)));
    Take(&b, &f, m.open * v_if_greater(right, zero, one, v_if_greater(left, zero, zero, up)));
  }
  m.at = best.r;
  m.pivot = best.pivot;
  return m;
}

/* the law of a radius: full below the pivot, empty above, and at it what is left; `flat` rows keep theirs */
FEN_INLINE void WriteFilled(const Row *R, vd r, vd pivot, vd flat, double *law)
{
  const vd zero = v_set(0), one = v_set(1);
  vd       rest = zero, room = zero, share;

  COLUMNS
  {
    const vd p = P, d = D, low = LowerBound(p, r), up = UpperBound(p, r), there = v_if_greater(p, zero, one, zero);

    rest += there * (p - v_if_greater(pivot, d, up, low));
    room += there * v_if_equal(d, pivot, up - low, zero);
  }
  share = v_if_greater(room, zero, v_clip(rest / room, zero, one), zero);
  COLUMNS
  {
    const vd p = P, d = D, low = LowerBound(p, r), up = UpperBound(p, r);
    const vd w = v_if_greater(pivot, d, up, low + v_if_equal(d, pivot, share * (up - low), zero));

    v_store(law + j, v_if_greater(p, zero, v_if_greater(flat, zero, p, w), zero));
  }
}

/* x, y: where entries are on the grid, or x on a line and NULL. The number of the entry to which j moves */
FEN_INLINE vd MoveTo(const Row *R, const double *x, const double *y, FenInt j, int square, vd *least)
{
  const vd zero = v_set(0), xj = v_load(x + j), yj = y ? v_load(y + j) : zero;
  vd       best = v_load(R->d + j), to = v_set((double)j);

  for (FenInt k = 0; k < FEN_LANES * R->n; k += FEN_LANES) {
    const vd dx = v_load(x + k) - xj, dy = y ? v_load(y + k) - yj : zero;
    const vd cost = square ? v_sqrt(v_fma(dx, dx, dy * dy)) : v_abs(dx) + v_abs(dy);
    const vd there = v_if_greater(v_load(R->p + k), zero, v_fma(R->price, cost, v_load(R->d + k)), v_set(INFINITY));

    to = v_if_greater(best, there, v_set((double)k), to);
    best = v_least(best, there);
  }
  *least = best;
  return to;
}

/* law: NULL if it is not wanted */
FEN_INLINE vd Transport(const Row *R, const double *x, const double *y, int square, double *law)
{
  vd value = v_set(0), least;

  if (law)
    COLUMNS v_store(law + j, v_set(0));
  COLUMNS
  {
    const vd p = P, to = MoveTo(R, x, y, j, square, &least);

    value = v_fma(p, v_if_greater(p, v_set(0), least, v_set(0)), value);
    for (FenInt k = 0; law && k < FEN_LANES * R->n; k += FEN_LANES)
      v_store(law + k, v_load(law + k) + v_if_equal(to, v_set((double)k), p, v_set(0)));
  }
  return value;
}
