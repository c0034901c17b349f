/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of bellmankernels.h for one instruction set: FEN_SIMD, FEN_KERNELS and FEN_KERNELS_NAME are set before. */
#include "bellmanrows.h"

FEN_INLINE const double *Column(const FenChunks *C, FenInt column, FenReach reach)
{
  return reach == FEN_REACH_CODED ? C->table + FEN_LANES * (FenInt)C->code[column] : C->val + FEN_LANES * column;
}

FEN_INLINE void AddPacked(const FenChunks *C, FenInt j, const double *V, Lanes *s)
{
  const uint16_t *above = C->above + FEN_LANES * j;
  const double   *p = C->table + FEN_LANES * (FenInt)C->code[j];

  EACH s->v[v] = v_fma(v_load(p + v * FEN_SIMD), FEN_PICK(V, above + v * FEN_SIMD), s->v[v]);
}

/* sum over the columns of a packed chunk, in the order of Dot() */
FEN_INLINE Lanes PackedDot(const FenChunks *C, FenInt c, const double *V)
{
  const double *x = V + C->least[c];
  const FenInt  end = C->slot_ptr[c + 1];
  Lanes         s = l_set(0), t = l_set(0);
  FenInt        j = C->slot_ptr[c];

  for (; j + 1 < end; j += 2) {
    AddPacked(C, j, x, &s);
    AddPacked(C, j + 1, x, &t);
  }
  if (j < end)
    AddPacked(C, j, x, &s);
  EACH s.v[v] += t.v[v];
  return s;
}

/* sum over the columns of a slot of probability times value: two chains of multiply-adds */
FEN_INLINE Lanes Dot(const FenChunks *C, FenInt slot, const double *V, FenReach reach)
{
  const FenInt end = C->slot_ptr[slot + 1];
  Lanes        s = l_set(0), t = l_set(0);
  FenInt       j = C->slot_ptr[slot];

  for (; j + 1 < end; j += 2) {
    const int    *col = C->col + FEN_LANES * j;
    const double *p = Column(C, j, reach), *q = Column(C, j + 1, reach);
    const Lanes   x = Successors(C, j, V, reach), y = Successors(C, j + 1, V, reach);

    FetchAhead(p, col, reach);
    FetchAhead(q, col + FEN_LANES, reach);
    EACH
    {
      s.v[v] = v_fma(v_load(p + v * FEN_SIMD), x.v[v], s.v[v]);
      t.v[v] = v_fma(v_load(q + v * FEN_SIMD), y.v[v], t.v[v]);
    }
  }
  if (j < end) {
    const int    *col = C->col + FEN_LANES * j;
    const double *p = Column(C, j, reach);
    const Lanes   x = Successors(C, j, V, reach);

    FetchAhead(p, col, reach);
    EACH s.v[v] = v_fma(v_load(p + v * FEN_SIMD), x.v[v], s.v[v]);
  }
  EACH s.v[v] += t.v[v];
  return s;
}

/* of a chunk of one slot */
FEN_INLINE Lanes OneDot(const FenChunks *C, FenInt c, const double *V, FenReach reach)
{
  if (reach != FEN_REACH_PACKED)
    return Dot(C, c, V, reach);
  return C->least[c] < 0 ? Dot(C, c, V, FEN_REACH_NEAR) : PackedDot(C, c, V);
}

FEN_INLINE Lanes Row(const FenChunks *C, FenInt slot, const double *V, FenReach reach)
{
  const double *reward = C->reward + FEN_LANES * slot;
  Lanes         q = Dot(C, slot, V, reach);

  __builtin_prefetch(reward + FEN_AHEAD / 2 * FEN_LANES, 0, 0);
  EACH q.v[v] = v_fma(v_set(C->discount), q.v[v], v_load(reward + v * FEN_SIMD));
  return q;
}

FEN_INLINE void GreedyChunk(const FenChunks *C, FenInt c, const double *own, const double *V, double *TV, int *policy,
                            FenReach reach, Running *r)
{
  const FenInt k0 = C->chunk_ptr[c], i0 = C->live ? C->live_ptr[c] : k0;
  const FenInt n = C->live ? C->live_ptr[c + 1] - i0 : C->chunk_ptr[c + 1] - k0;
  Lanes        best = l_set(-INFINITY), arg = l_set(0), kept = l_set(-INFINITY), inc;

  EACH inc.v[v] = v_from_int(policy + v * FEN_SIMD);
  for (FenInt i = 0; i < n; i++) {
    const FenInt slot = C->live ? C->live[i0 + i] : i;
    const vd     a = v_set((double)slot);
    const Lanes  q = Row(C, k0 + slot, V, reach);

    EACH
    {
      arg.v[v] = v_if_greater(q.v[v], best.v[v], a, arg.v[v]);
      best.v[v] = v_max(q.v[v], best.v[v]);
      kept.v[v] = v_if_equal(inc.v[v], a, q.v[v], kept.v[v]);
    }
  }
  Choose(r, &best, &arg, &kept, policy);
  Finish(r, &best, own, TV);
}

FEN_INLINE void ShortGreedy(const FenChunks *C, FenInt c, const double *own, const double *V, double *TV, int *policy,
                            FenReach reach, Running *r)
{
  const FenInt s = c * FEN_LANES;
  const Lanes  before = r->changes;
  int          policy8[FEN_LANES];
  double       changes = 0;

  for (FenInt l = 0; l < FEN_LANES; l++)
    policy8[l] = policy[s + (s + l < C->n ? l : 0)];
  SHORT_CHUNK(GreedyChunk(C, c, own8, V, TV8, policy8, reach, r));
  for (FenInt l = 0; s + l < C->n; l++) {
    changes += policy[s + l] != policy8[l];
    policy[s + l] = policy8[l];
  }
  r->changes = before; /* the lanes that repeat do not count */
  r->changes.v[0][0] += changes;
}

FEN_INLINE void SweepLoop(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *V, double *TV,
                          int *policy, FenReach reach, FenSweepPart *part)
{
  Running r = Begin();

  for (FenInt c = c0; c < c1; c++) {
    const FenInt s = c * FEN_LANES;

    if (s + FEN_LANES <= C->n)
      GreedyChunk(C, c, own + s, V, TV + s, policy + s, reach, &r);
    else
      ShortGreedy(C, c, own, V, TV, policy, reach, &r);
  }
  End(&r, part);
}

static void Sweep(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *V, double *TV, int *policy,
                  FenSweepPart *part)
{
  if (C->reach == FEN_REACH_FAR)
    SweepLoop(C, c0, c1, own, V, TV, policy, FEN_REACH_FAR, part);
  else if (C->reach == FEN_REACH_RUNS)
    SweepLoop(C, c0, c1, own, V, TV, policy, FEN_REACH_RUNS, part);
  else if (C->reach == FEN_REACH_CODED)
    SweepLoop(C, c0, c1, own, V, TV, policy, FEN_REACH_CODED, part);
  else
    SweepLoop(C, c0, c1, own, V, TV, policy, FEN_REACH_NEAR, part);
}

static void FinishAll(FenInt n, double *best, const double *own, double *TV, FenSweepPart *part)
{
  Running r = Begin();
  FenInt  s = 0;

  for (; s + FEN_LANES <= n; s += FEN_LANES) {
    const Lanes x = l_load(best + s);

    Finish(&r, &x, own + s, TV + s);
  }
  if (s < n) {
    double own8[FEN_LANES], TV8[FEN_LANES];
    Lanes  x;

    for (FenInt l = 0; l < FEN_LANES; l++) {
      own8[l] = own[s + l < n ? s + l : s];
      best[s + l] = best[s + l < n ? s + l : s];
    }
    x = l_load(best + s);
    Finish(&r, &x, own8, TV8);
    memcpy(TV + s, TV8, (size_t)(n - s) * sizeof(double));
  }
  End(&r, part);
}

FEN_INLINE void ApplyLoop(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *V, double *TV,
                          FenReach reach, FenSweepPart *part)
{
  Running r = Begin();

  for (FenInt c = c0; c < c1; c++) {
    const FenInt s = c * FEN_LANES;
    Lanes        q = OneDot(C, c, V, reach);

    __builtin_prefetch(C->reward + s + FEN_AHEAD / 2 * FEN_LANES, 0, 0);
    EACH q.v[v] = v_fma(v_set(C->discount), q.v[v], v_load(C->reward + s + v * FEN_SIMD));
    if (s + FEN_LANES <= C->n)
      Finish(&r, &q, own + s, TV + s);
    else
      SHORT_CHUNK(Finish(&r, &q, own8, TV8));
  }
  End(&r, part);
}

static void Apply(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *V, double *TV,
                  FenSweepPart *part)
{
  if (C->reach == FEN_REACH_PACKED)
    ApplyLoop(C, c0, c1, own, V, TV, FEN_REACH_PACKED, part);
  else if (C->reach == FEN_REACH_FAR)
    ApplyLoop(C, c0, c1, own, V, TV, FEN_REACH_FAR, part);
  else
    ApplyLoop(C, c0, c1, own, V, TV, FEN_REACH_NEAR, part);
}

FEN_INLINE void Difference(const Lanes *dot, double discount, const double *own, double *y)
{
  EACH v_store(y + v * FEN_SIMD, v_fnma(v_set(discount), dot->v[v], v_load(own + v * FEN_SIMD)));
}

FEN_INLINE void MultLoop(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *x, double *TV,
                         FenReach reach)
{
  for (FenInt c = c0; c < c1; c++) {
    const FenInt s = c * FEN_LANES;
    const Lanes  dot = OneDot(C, c, x, reach);

    if (!own)
      EACH v_store(TV + s + v * FEN_SIMD, v_fnma(v_set(C->discount), dot.v[v], v_set(0)));
    else if (s + FEN_LANES <= C->n)
      Difference(&dot, C->discount, own + s, TV + s);
    else
      SHORT_CHUNK(Difference(&dot, C->discount, own8, TV8));
  }
}

static void Mult(const FenChunks *C, FenInt c0, FenInt c1, const double *own, const double *x, double *y)
{
  if (C->reach == FEN_REACH_PACKED)
    MultLoop(C, c0, c1, own, x, y, FEN_REACH_PACKED);
  else if (C->reach == FEN_REACH_FAR)
    MultLoop(C, c0, c1, own, x, y, FEN_REACH_FAR);
  else
    MultLoop(C, c0, c1, own, x, y, FEN_REACH_NEAR);
}

FEN_INLINE void ValuesLoop(const FenChunks *C, FenInt c0, FenInt c1, const double *V, double *q, FenReach reach)
{
  const FenInt k0 = C->chunk_ptr[c0], k1 = C->chunk_ptr[c1];

  for (FenInt k = k0; k < k1; k++) {
    const Lanes x = Row(C, k, V, reach);

    l_store(q + FEN_LANES * (k - k0), &x);
  }
}

static void Values(const FenChunks *C, FenInt c0, FenInt c1, const double *V, double *q)
{
  if (C->reach == FEN_REACH_FAR)
    ValuesLoop(C, c0, c1, V, q, FEN_REACH_FAR);
  else if (C->reach == FEN_REACH_RUNS)
    ValuesLoop(C, c0, c1, V, q, FEN_REACH_RUNS);
  else if (C->reach == FEN_REACH_CODED)
    ValuesLoop(C, c0, c1, V, q, FEN_REACH_CODED);
  else
    ValuesLoop(C, c0, c1, V, q, FEN_REACH_NEAR);
}

const FenBellmanKernels FEN_KERNELS = {
    .name = FEN_KERNELS_NAME,
    .lanes = FEN_SIMD,
    .sweep = Sweep,
    .rows = SweepRows,
    .some_rows = SomeRows,
    .finish = FinishAll,
    .apply = Apply,
    .mult = Mult,
    .values = Values,
    .fill = Fill,
    .normalise = Normalise,
};
