/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots whose values are not searched in units of their range: mass on the smallest value of all, and norms. */
#pragma once
#include "naturemoves.h"
#include "naturepop.h"
#include "natureslot.h"

/* of one vector: d = (z - low) inverse, at most `most`; their mean */
FEN_INLINE vd ScaleFrom(const Row *R, vd low, vd inverse, vd most, double *d)
{
  vd mean = v_set(0);

  COLUMNS
  {
    const vd x = v_clip((v_load(d + j) - low) * inverse, v_set(0), most);

    v_store(d + j, x);
    mean = v_fma(P, x, mean);
  }
  return mean;
}

/* As Seek(), where mass may go to the smallest value of all. law: of all lanes, with what they leave for it, `popped`;
   NULL: not wanted */
static void SeekPopped(const FenNatureRuns *N, Slot *S, const double *own, double *law, double *popped)
{
  double *warm = N->warm + FEN_LANES * S->k;

  EACH
  {
    const vd zero = v_set(0), one = v_set(1), fixed = Fixed(N, S, v), infinite = v_set(INFINITY);
    const vd empty = v_if_equal(S->zmin.v[v], infinite, one, zero), top = S->zmin.v[v] + S->range.v[v];
    const vd reward = S->next ? v_load(N->chunks->reward + FEN_LANES * S->k + v * FEN_SIMD) : zero;
    const vd low = v_if_greater(empty, zero, zero, v_min(v_set(N->low) + reward, S->zmin.v[v])), span = top - low;
    const vd fits = v_if_greater(span, v_set(1e-280), v_if_greater(v_set(1e300), span, one, zero), zero);
    const vd range = v_if_greater(empty, zero, zero, span), inverse = v_if_greater(fits, zero, one / range, zero);
    const vd lowest = N->set->rest > 0 ? zero : v_if_greater(S->zmin.v[v], low, one, zero);
    const vd kept = v_load(warm + v * FEN_SIMD);
    vd       error, masses = zero, was;
    Row      R = {.n = S->n,
                  .p = S->p + v * FEN_SIMD,
                  .d = S->d + v * FEN_SIMD,
                  .price = v_least(N->set->size * inverse, v_set(1e200)),
                  .base = own ? (fixed + low - v_load(own + v * FEN_SIMD)) * inverse : zero,
                  .share = v_set(own ? FEN_NATURE_SHARE : 0),
                  .most = N->most * inverse,
                  .unit = (double)(S->n + 16) * UNIT};
    Reply    a = {.warm = kept, .open = fits * (1 - lowest)};

    R.mean = ScaleFrom(&R, low, inverse, one, S->d + v * FEN_SIMD);
    if (v_any(a.open))
      N->set->ball ? PopBall(N->set->rest, &R, &a) : PopPrice(&R, &a);
    was = a.open;
    if (v_any(a.open))
      Serve(N, S, v, range, &a, law, &masses);
    /* a range that is nothing, or no number, has no bound but the smallest value */
    a.gap = v_if_greater(fits + empty, zero, a.gap, v_if_greater(range, zero, one, zero));
    error = FinalError(low, range, fixed);
    v_store(warm + v * FEN_SIMD, v_if_greater(fits, zero, a.warm, kept));
    S->value.v[v] = fixed + (low + v_if_greater(fits, zero, range, zero) * a.value) - error;
    S->gap.v[v] = v_fma(range, a.gap, 2 * error);
    if (law) {
      const vd flat = 1 - fits, out = WritePopped(&R, a.at, lowest, flat, was, law + v * FEN_SIMD);

      masses = v_if_greater(was, zero, masses, v_if_greater(flat, zero, zero, v_if_greater(lowest, zero, one, out)));
      v_store(popped + v * FEN_SIMD, masses);
    }
    S->least.v[v] = zero;
    S->zmin.v[v] = low;
    S->range.v[v] = range;
    S->empty.v[v] = empty;
  }
}

/* where the entries of one vector are: into x and, on a grid, y */
FEN_INLINE void Places(const FenNatureRuns *N, const Slot *S, int v, double *x, double *y)
{
  const int *col = N->chunks->col + FEN_LANES * N->chunks->slot_ptr[S->k] + v * FEN_SIMD;

  for (FenInt j = 0; j < FEN_LANES * S->n; j += FEN_LANES) {
    v_store(x + j, v_gather(N->x, col + j, FEN_REACH_NEAR));
    if (y)
      v_store(y + j, v_gather(N->y, col + j, FEN_REACH_NEAR));
  }
}

/* a row d = z - zmin in the model's units; law: NULL if it is not wanted */
FEN_INLINE Moves Move(const FenNatureRuns *N, const Slot *S, int v, const Row *R, vd warm, vd range, double *law)
{
  const FenNatureSet *set = N->set;
  const vd            zero = v_set(0), one = v_set(1), wide = v_if_greater(range, zero, one, zero);
  double             *d = N->work + v * FEN_SIMD, *q = d + N->room;
  Moves               m = {zero, zero, zero, zero, zero, wide};

  if (set->form == FEN_NATURE_WASSERSTEIN) {
    double *y = N->y ? q : NULL;

    Places(N, S, v, d, y);
    m.value = set->square ? Transport(R, d, y, 1, law) : y ? Transport(R, d, y, 0, law) : Transport(R, d, NULL, 0, law);
    return m;
  }
  SortColumns(R, d, q);
  if (set->ball) {
    const Filling f = Fill(R, d, q, v_set(set->size));

    m = (Moves){f.value, zero, zero, f.r, f.pivot, zero};
  } else if (v_any(wide))
    m = LinfPrice(R, d, q, warm, (EXACT + 40 * R->unit) * range, wide);
  if (law)
    WriteFilled(R, m.at, m.pivot, 1 - wide, law);
  return m;
}

/* as Seek(), for norms; law: of all lanes, NULL: not wanted */
static void SeekMoves(const FenNatureRuns *N, Slot *S, const double *own, double *law)
{
  double *warm = N->warm + FEN_LANES * S->k;

  EACH
  {
    const vd zero = v_set(0), one = v_set(1), fixed = Fixed(N, S, v), kept = v_load(warm + v * FEN_SIMD);
    vd       lo = v_set(INFINITY), hi = v_set(-INFINITY), range, empty, error, gap;
    Row      R = {.n = S->n, .p = S->p + v * FEN_SIMD, .d = S->d + v * FEN_SIMD, .unit = (double)(S->n + 16) * UNIT};
    Moves    m;

    for (FenInt j = v * FEN_SIMD; j < FEN_LANES * S->n; j += FEN_LANES) {
      const vd p = v_load(S->p + j), z = v_load(S->d + j);

      lo = v_least(lo, v_if_greater(p, zero, z, v_set(INFINITY)));
      hi = v_max(hi, v_if_greater(p, zero, z, v_set(-INFINITY)));
    }
    empty = v_if_equal(lo, v_set(INFINITY), one, zero);
    lo = v_if_greater(empty, zero, zero, lo);
    range = v_if_greater(empty, zero, zero, hi - lo);
    R.mean = ScaleFrom(&R, lo, one, v_max(range, zero), S->d + v * FEN_SIMD);
    R.base = own ? fixed + lo - v_load(own + v * FEN_SIMD) : zero;
    R.share = v_set(own ? FEN_NATURE_SHARE : 0);
    R.most = v_set(N->most);
    R.price = v_set(N->set->size);
    m = Move(N, S, v, &R, kept, range, law ? law + v * FEN_SIMD : NULL);
    gap = v_if_greater(range, zero, v_max(m.gap, zero), range - range);
    error = R.unit * range * (4 + 2 * (double)S->n * m.width) + FinalError(lo, range, fixed);
    if (N->set->form == FEN_NATURE_LINF && !N->set->ball)
      v_store(warm + v * FEN_SIMD, v_if_greater(range, zero, 1 + m.at, kept));
    S->value.v[v] = fixed + (lo + v_if_greater(range, zero, v_max(m.value, zero), zero)) - error;
    S->gap.v[v] = gap + 2 * error;
    S->zmin.v[v] = lo;
    S->range.v[v] = one; /* of d */
    S->empty.v[v] = empty;
    S->least.v[v] = zero;
  }
}
