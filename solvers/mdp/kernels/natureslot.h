/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots of chunks: their values are gathered, and lanes that have no answer are served; for one instruction set. */
#pragma once
#include "naturerow.h"

/* a slot, its smallest values, and what each lane's answer is: all in the model's units but d */
typedef struct Slot_ {
  FenInt        k, n;
  int           gathered;
  const double *p, *next; /* next: rewards on successors or NULL */
  const double *V;
  double       *d;
  struct Slot_ *ahead; /* to be gathered meanwhile, NULL: none */
  Lanes         zmin, range, inverse, mean, least, empty, flat, lowest, at, price;
  Lanes         value, gap; /* of the row, its reward included */
} Slot;

/* Everything in locals: the buffer might be anything to the compiler. Hardware gathers wait for the stores into the
   buffer, single loads do not */
FEN_INLINE void GatherAll(const FenNatureRuns *N, Slot *S, FenReach reach, int by_next)
{
  const FenChunks C = *N->chunks;
  const int      *col = C.col + FEN_LANES * C.slot_ptr[S->k];
  const double   *p = S->p, *next = S->next, *V = S->V;
  double         *d = S->d;
  const FenInt    end = FEN_LANES * S->n;
  const vd        discount = v_set(C.discount);
  Lanes           lo = l_set(INFINITY), hi = l_set(-INFINITY);

  for (FenInt j = 0; j < end; j += FEN_LANES) {
    const Lanes x = Reach(&C, V, col + j, reach);

    __builtin_prefetch(p + j + FEN_AHEAD * FEN_LANES, 0, 0);
    if (reach != FEN_REACH_RUNS && !(j & FEN_LANES)) /* a cache line has two columns' numbers */
      __builtin_prefetch(col + j + FEN_AHEAD * FEN_LANES, 0, 0);
    EACH
    {
      const FenInt i = j + v * FEN_SIMD;
      const vd     z = v_fma(discount, x.v[v], by_next ? v_load(next + i) : v_set(0));

      Bracket(v_load(p + i), z, &lo.v[v], &hi.v[v]);
      v_store(d + i, z);
    }
  }
  S->zmin = lo;
  EACH S->range.v[v] = hi.v[v] - lo.v[v];
  S->gathered = 1;
}

FEN_INLINE void Open(const FenNatureRuns *N, Slot *S, FenInt k, const double *V)
{
  const FenChunks *C = N->chunks;

  S->k = k;
  S->n = C->slot_ptr[k + 1] - C->slot_ptr[k];
  S->gathered = 0;
  S->p = C->val + FEN_LANES * C->slot_ptr[k];
  S->next = N->reward_next ? N->reward_next + FEN_LANES * C->slot_ptr[k] : NULL;
  S->V = V;
  S->d = N->d[k & 1];
  S->ahead = NULL;
}

static void Gather(const FenNatureRuns *N, Slot *S)
{
  if (S->next)
    GatherAll(N, S, FEN_REACH_NEAR, 1);
  else if (N->chunks->reach == FEN_REACH_RUNS)
    GatherAll(N, S, FEN_REACH_RUNS, 0);
  else
    GatherAll(N, S, FEN_REACH_NEAR, 0);
}

/* slot k from two that alternate. follows: will slot k + 1 be read next */
FEN_INLINE Slot *Read(const FenNatureRuns *N, Slot two[2], FenInt k, const double *V, int follows)
{
  Slot *S = &two[k & 1], *next = &two[(k + 1) & 1];

  if (S->k != k || !S->gathered) {
    Open(N, S, k, V);
    if (!N->once)
      Gather(N, S);
  }
  S->ahead = NULL;
  if (follows && !N->once) {
    Open(N, next, k + 1, V);
    if (N->chunks->reach == FEN_REACH_FAR && !next->next && next->n >= S->n)
      S->ahead = next;
  }
  return S;
}

/* vector v of the slot that is gathered meanwhile */
FEN_INLINE Ahead BeginAhead(const FenNatureRuns *N, const Slot *S, int v)
{
  const FenChunks *C = N->chunks;
  const Slot      *A = S->ahead;

  if (!A)
    return (Ahead){.n = 0};
  return (Ahead){.n = A->n,
                 .col = C->col + FEN_LANES * C->slot_ptr[A->k] + v * FEN_SIMD,
                 .p = A->p + v * FEN_SIMD,
                 .V = A->V,
                 .z = A->d + v * FEN_SIMD,
                 .discount = v_set(C->discount),
                 .lo = v_set(INFINITY),
                 .hi = v_set(-INFINITY)};
}

FEN_INLINE void EndAhead(Slot *S, int v, const Ahead *a)
{
  if (!S->ahead)
    return;
  S->ahead->zmin.v[v] = a->lo;
  S->ahead->range.v[v] = a->hi - a->lo;
  S->ahead->gathered = v == NV - 1;
}

/* lanes without an answer, one by one; range: what d is in units of */
static void Serve(const FenNatureRuns *N, const Slot *S, int v, vd range, Reply *a, double *law, vd *popped)
{
  for (int l = 0; l < FEN_SIMD; l++) {
    const int lane = v * FEN_SIMD + l;
    double    warm = a->warm[l], value = 0, gap = 0, out = 0;

    if (!(a->open[l] > 0))
      continue;
    N->serve(N->ctx, &(FenNatureLane){.n = S->n,
                                      .p = S->p + lane,
                                      .d = S->d + lane,
                                      .range = range[l],
                                      .warm = &warm,
                                      .value = &value,
                                      .gap = &gap,
                                      .law = law ? law + lane : NULL,
                                      .popped = popped ? &out : NULL});
    if (popped)
      (*popped)[l] = out;
    a->warm[l] = warm;
    a->value[l] = value;
    a->gap[l] = gap;
  }
}

/* what is added to the rows' values */
FEN_INLINE vd Fixed(const FenNatureRuns *N, const Slot *S, int v)
{
  const vd reward = v_load(N->chunks->reward + FEN_LANES * S->k + v * FEN_SIMD);

  return S->next ? v_if_equal(S->zmin.v[v], v_set(INFINITY), reward, v_set(0)) : reward;
}

FEN_INLINE vd FinalError(vd zmin, vd range, vd fixed)
{
  return 4 * UNIT * (v_abs(zmin) + v_max(range, v_set(0)) + v_if_greater(fixed, v_set(-1e308), v_abs(fixed), v_set(0)));
}
