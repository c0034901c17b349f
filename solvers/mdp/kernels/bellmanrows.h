/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps over rows as they are stored, one after the other, for one instruction set: FEN_SIMD entries of a row at a
   time. The sums of FEN_SIMD rows are turned in registers, so that what follows are vertical operations, lane = row; in
   the greedy choice lane = state, as in chunks.
*/
#pragma once
#include "bellmanfill.h"
#include "running.h"

#define NEAR_VALUES 4096 /* that are in the nearest cache beside the rows */

/* successors ascend and are there once each, so that the first and the last tell whether they follow each other.
   Gathers pay where the values are not in the nearest cache */
FEN_INLINE vd v_values(const double *V, const FenInt *next, PetscBool far)
{
  if (next[FEN_SIMD - 1] - next[0] == FEN_SIMD - 1)
    return v_load(V + next[0]);
#if FEN_SIMD == 8
  if (far)
    return (vd)_mm512_i64gather_pd(_mm512_loadu_si512(next), V, 8);
#else
  (void)far;
#endif
  return FEN_PICK(V, next);
}

/* the first n numbers, zeros after them */
FEN_INLINE vd v_load_some(const double *p, int n)
{
#if FEN_SIMD == 8
  return (vd)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#elif FEN_SIMD == 4
  const __m256i lane = _mm256_set_epi64x(3, 2, 1, 0);

  return (vd)_mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane));
#else
  return (vd){n > 0 ? p[0] : 0, n > 1 ? p[1] : 0};
#endif
}

FEN_INLINE vd v_values_some(const double *V, const FenInt *next, int n)
{
#if FEN_SIMD == 8
  const __mmask8 some = (__mmask8)((1u << n) - 1);

  return (vd)_mm512_mask_i64gather_pd(_mm512_setzero_pd(), some, _mm512_maskz_loadu_epi64(some, next), V, 8);
#else
  vd x = v_set(0);

  for (int k = 0; k < n; k++)
    x[k] = V[next[k]];
  return x;
#endif
}

/* sums over the entries of a row in FEN_SIMD parts: of probability times value, and of probabilities, whose rounding
   errors are in parts beside them */
typedef struct {
  vd dot, sum, low;
} RowParts;

FEN_INLINE void AddParts(RowParts *p, vd prob, vd value)
{
  const vd t = p->sum + prob, part = t - p->sum;

  p->dot = v_fma(prob, value, p->dot);
  p->low += (p->sum - (t - part)) + (prob - part);
  p->sum = t;
}

FEN_INLINE void Fetch(const FenPlainRows *R, FenInt j)
{
  __builtin_prefetch(R->prob + j, 0, 0);
  __builtin_prefetch(R->next + j, 0, 0);
}

/* the successors of a row follow each other: all its numbers but two need not be read, of the row `later` either */
FEN_INLINE RowParts PartsOfRun(const FenPlainRows *R, FenInt first, FenInt end, const double *V, FenInt later)
{
  const double *x = V + R->next[first] - first;
  const FenInt  ahead = R->row_ptr[later] - first;
  FenInt        j = first;
  RowParts      p = {v_set(0), v_set(0), v_set(0)};

  __builtin_prefetch(R->next + first + ahead, 0, 0);
  __builtin_prefetch(R->next + R->row_ptr[later + 1] - 1, 0, 0);
  for (; j + FEN_SIMD <= end; j += FEN_SIMD) {
    __builtin_prefetch(R->prob + j + ahead, 0, 0);
    AddParts(&p, v_load(R->prob + j), v_load(x + j));
  }
  if (j < end) {
    __builtin_prefetch(R->prob + j + ahead, 0, 0);
    AddParts(&p, v_load_some(R->prob + j, (int)(end - j)), v_load_some(x + j, (int)(end - j)));
  }
  return p;
}

/* meanwhile the entries of the row `later` are fetched, as many */
FEN_INLINE RowParts PartsOf(const FenPlainRows *R, FenInt r, const double *V, FenInt later, PetscBool far)
{
  const FenInt first = R->row_ptr[r], end = R->row_ptr[r + 1], ahead = R->row_ptr[later] - first;
  FenInt       j = first;
  RowParts     p = {v_set(0), v_set(0), v_set(0)};

  if (first < end && R->next[end - 1] - R->next[first] == end - 1 - first)
    p = PartsOfRun(R, first, end, V, later);
  else {
    for (; j + FEN_SIMD <= end; j += FEN_SIMD) {
      Fetch(R, ahead + j);
      AddParts(&p, v_load(R->prob + j), v_values(V, R->next + j, far));
    }
    if (j < end) {
      Fetch(R, ahead + j);
      AddParts(&p, v_load_some(R->prob + j, (int)(end - j)), v_values_some(V, R->next + j, (int)(end - j)));
    }
  }
  p.sum += p.low;
  return p;
}

/* the parts of FEN_SIMD rows together, lane = row */
FEN_INLINE vd Together(vd x[FEN_SIMD])
{
  v_turn(x);
  for (int half = FEN_SIMD / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++)
      x[k] += x[k + half];
  return x[0];
}

/* discount times the mean value of the next state, for n <= FEN_SIMD rows; so many numbers further in the list are the
   rows that are fetched meanwhile, 0: it is the rows that follow. Rows sum to one, or may lose mass */
FEN_INLINE vd Means(const FenPlainRows *R, const FenInt row[], int n, const double *V, FenInt ahead, PetscBool far)
{
  const vd zero = v_set(0), one = v_set(1);
  vd       dot[FEN_SIMD], sum[FEN_SIMD], s;

  for (int k = 0; k < FEN_SIMD; k++) {
    RowParts p = {zero, zero, zero};

    if (k < n) {
      const FenInt follows = row[k] + R->ahead < R->rows ? row[k] + R->ahead : R->rows - 1;

      p = PartsOf(R, row[k], V, ahead ? row[k + ahead] : follows, far);
    }
    dot[k] = p.dot;
    sum[k] = p.sum;
  }
  if (R->lossy)
    return v_set(R->discount) * Together(dot);
  s = Together(sum);
  return v_set(R->discount) * (Together(dot) / v_if_greater(s, zero, s, one));
}

/* values of the rows r0 .. r1-1; q has room for FEN_LANES more */
FEN_INLINE void ValuesOf(const FenPlainRows *R, FenInt r0, FenInt r1, const double *V, FenRowsPass pass, PetscBool far)
{
  for (FenInt r = r0; r < r1; r += FEN_SIMD) {
    const int n = r1 - r < FEN_SIMD ? (int)(r1 - r) : FEN_SIMD;
    const vd  reward = n == FEN_SIMD ? v_load(R->reward + r) : v_load_some(R->reward + r, n);
    FenInt    row[FEN_SIMD];
    vd        q = v_set(0);

    for (int k = 0; k < FEN_SIMD; k++)
      row[k] = r + k;
    if (pass == FEN_ROWS_ALL)
      q = Means(R, row, n, V, 0, far);
    v_store(R->q + r, v_fma(v_set(R->sign), reward, q));
  }
}

FEN_INLINE void SomeLoop(const FenPlainRows *R, FenInt n, const FenInt list[], FenInt ahead, const double *V,
                         PetscBool far)
{
  for (FenInt i = 0; i < n; i += FEN_SIMD) {
    const int m = n - i < FEN_SIMD ? (int)(n - i) : FEN_SIMD;
    double    q[FEN_SIMD];

    v_store(q, Means(R, list + i, m, V, ahead, far));
    for (int k = 0; k < m; k++)
      R->q[list[i + k]] = R->sign * R->reward[list[i + k]] + q[k];
  }
}

/* the list ends with `ahead` rows more that exist */
static void SomeRows(const FenPlainRows *rows, FenInt n, const FenInt list[], FenInt ahead, const double *V)
{
  const FenPlainRows R = *rows;

  if (R.reach > NEAR_VALUES)
    SomeLoop(&R, n, list, ahead, V, PETSC_TRUE);
  else
    SomeLoop(&R, n, list, ahead, V, PETSC_FALSE);
}

/* values of the a-th rows of states of which some have none */
FEN_INLINE Lanes SomeHave(const FenPlainRows *R, const FenInt first[], const FenInt count[], FenInt a,
                          const double *own)
{
  double q[FEN_LANES];

  for (int l = 0; l < FEN_LANES; l++)
    q[l] = a < count[l] ? R->q[first[l] + a] : a || count[l] ? -INFINITY : own[l];
  return l_load(q);
}

/* the best rows of the n states from s on, of which the values are known; terminal states keep their values */
FEN_INLINE void BestRows(const FenPlainRows *R, FenInt s, FenInt n, const double *own, double *TV, int *policy,
                         Running *r)
{
  Lanes  best = l_set(-INFINITY), arg = l_set(0), kept = l_set(-INFINITY), inc;
  FenInt first[FEN_LANES], count[FEN_LANES], most = 1, least = R->rows;

  for (FenInt l = 0; l < FEN_LANES; l++) {
    const FenInt t = s + (l < n ? l : 0);

    first[l] = R->state_ptr[t];
    count[l] = R->state_ptr[t + 1] - first[l];
    most = count[l] > most ? count[l] : most;
    least = count[l] < least ? count[l] : least;
  }
  EACH inc.v[v] = v_from_int(policy + v * FEN_SIMD);
  for (FenInt a = 0; a < most; a++) {
    const vd number = v_set((double)a);
    Lanes    all;

    if (a < least) /* numbers that are stored one by one would have to wait before they are loaded together */
      EACH all.v[v] = v_values(R->q + a, first + v * FEN_SIMD, PETSC_TRUE);
    else
      all = SomeHave(R, first, count, a, own);
    EACH
    {
      const vd x = all.v[v];

      arg.v[v] = v_if_greater(x, best.v[v], number, arg.v[v]);
      best.v[v] = v_max(x, best.v[v]);
      kept.v[v] = v_if_equal(inc.v[v], number, x, kept.v[v]);
    }
  }
  Choose(r, &best, &arg, &kept, policy);
  Finish(r, &best, own, TV);
}

/* the lanes of a short chunk that repeat its first state do not count */
FEN_INLINE void ShortBestRows(const FenPlainRows *R, FenInt s, FenInt n, const double *own, double *TV, int *policy,
                              Running *r)
{
  const Lanes before = r->changes;
  double      own8[FEN_LANES], TV8[FEN_LANES], changes = 0;
  int         policy8[FEN_LANES];

  for (FenInt l = 0; l < FEN_LANES; l++) {
    own8[l] = own[s + (l < n ? l : 0)];
    policy8[l] = policy[s + (l < n ? l : 0)];
  }
  BestRows(R, s, n, own8, TV8, policy8, r);
  for (FenInt l = 0; l < n; l++) {
    changes += policy[s + l] != policy8[l];
    TV[s + l] = TV8[l];
    policy[s + l] = policy8[l];
  }
  r->changes = before;
  r->changes.v[0][0] += changes;
}

FEN_INLINE void RowsLoop(const FenPlainRows *R, const double *own, const double *V, double *TV, int *policy,
                         FenRowsPass pass, PetscBool far, FenSweepPart *part)
{
  Running r = Begin();

  for (FenInt s = 0; s < R->n; s += FEN_LANES) {
    const FenInt n = R->n - s < FEN_LANES ? R->n - s : FEN_LANES;

    if (pass != FEN_ROWS_KNOWN)
      ValuesOf(R, R->state_ptr[s], R->state_ptr[s + n], V, pass, far);
    if (n == FEN_LANES)
      BestRows(R, s, n, own + s, TV + s, policy + s, &r);
    else
      ShortBestRows(R, s, n, own, TV, policy, &r);
  }
  End(&r, part);
}

static void SweepRows(const FenPlainRows *rows, const double *own, const double *V, double *TV, int *policy,
                      FenRowsPass pass, FenSweepPart *part)
{
  const FenPlainRows R = *rows; /* nothing that is stored changes it */

  if (pass == FEN_ROWS_REWARD)
    RowsLoop(&R, own, V, TV, policy, FEN_ROWS_REWARD, PETSC_FALSE, part);
  else if (pass == FEN_ROWS_KNOWN)
    RowsLoop(&R, own, V, TV, policy, FEN_ROWS_KNOWN, PETSC_FALSE, part);
  else if (R.reach > NEAR_VALUES)
    RowsLoop(&R, own, V, TV, policy, FEN_ROWS_ALL, PETSC_TRUE, part);
  else
    RowsLoop(&R, own, V, TV, policy, FEN_ROWS_ALL, PETSC_FALSE, part);
}
