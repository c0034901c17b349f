/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of naturekernels.h for one instruction set: FEN_SIMD and FEN_NATURE_KERNELS are set before. */
#include "naturelaw.h"
#include "naturebeyond.h"
#include "natureonce.h"
#include "naturepower.h"
#include "naturesmooth.h"
#include "naturetilt.h"
#include "naturewarm.h"
#include "srectloops.h"

typedef struct {
  vd zmin, inverse, mean, least;
} Scaling;

FEN_INLINE void ScaleColumn(Scaling *s, const double *p, double *d)
{
  const vd q = v_load(p), x = v_min(v_max((v_load(d) - s->zmin) * s->inverse, v_set(0)), v_set(1));

  v_store(d, x);
  s->mean = v_fma(q, x, s->mean);
  s->least += v_if_equal(x, v_set(0), q, v_set(0));
}

/* to units of the range; where that is nothing, or no number, d = 0 */
FEN_INLINE void Scale(const FenNatureRuns *N, Slot *S)
{
  const vd     zero = v_set(0), one = v_set(1);
  const FenInt end = FEN_LANES * S->n;

  EACH
  {
    const double *p = S->p + v * FEN_SIMD;
    double       *d = S->d + v * FEN_SIMD;
    const vd      range = S->range.v[v], zmin = S->zmin.v[v];
    const vd      fits = v_if_greater(range, v_set(1e-280), v_if_greater(v_set(1e300), range, one, zero), zero);
    Scaling       s = {zmin, v_if_greater(fits, zero, 1 / range, zero), zero, zero}, t = s;
    FenInt        j = 0;

    for (; j + FEN_LANES < end; j += 2 * FEN_LANES) {
      ScaleColumn(&s, p + j, d + j);
      ScaleColumn(&t, p + j + FEN_LANES, d + j + FEN_LANES);
    }
    if (j < end)
      ScaleColumn(&s, p + j, d + j);
    S->inverse.v[v] = s.inverse;
    S->mean.v[v] = s.mean + t.mean;
    S->least.v[v] = s.least + t.least;
    S->empty.v[v] = v_if_equal(zmin, v_set(INFINITY), one, zero);
    S->flat.v[v] = one - fits;
    S->lowest.v[v] = v_if_greater(v_set(N->set->lowest), S->least.v[v], zero, fits);
    S->range.v[v] = v_if_greater(S->empty.v[v], zero, zero, range);
    S->zmin.v[v] = v_if_greater(S->empty.v[v], zero, zero, zmin);
  }
}

FEN_INLINE void Find(const FenNatureSet *set, const Row *R, Reply *a)
{
  const FenNatureForm form = set->form;

  if (set->smooth)
    set->ball ? SmoothBall(set, R, a) : SmoothPrice(set, R, a);
  if (!v_any(a->open))
    return;
  if (form == FEN_NATURE_TV)
    set->ball ? TVBall(set, R, a) : TVPenalty(R, a);
  else if (form == FEN_NATURE_KL)
    set->ball ? KLBall(set, R, a) : KLPenalty(R, a);
  else if (form == FEN_NATURE_PEARSON)
    set->ball ? PearsonBall(set, R, a) : PearsonPenalty(R, a);
  else if (form == FEN_NATURE_BURG)
    set->ball ? PowerBall(set, FEN_NATURE_BURG, R, a) : PowerPrice(set, FEN_NATURE_BURG, R, a);
  else if (form == FEN_NATURE_HELLINGER)
    set->ball ? PowerBall(set, FEN_NATURE_HELLINGER, R, a) : PowerPrice(set, FEN_NATURE_HELLINGER, R, a);
  else if (form == FEN_NATURE_NEYMAN)
    set->ball ? PowerBall(set, FEN_NATURE_NEYMAN, R, a) : PowerPrice(set, FEN_NATURE_NEYMAN, R, a);
  else if (form == FEN_NATURE_BELOW)
    set->ball ? PowerBall(set, FEN_NATURE_BELOW, R, a) : PowerPrice(set, FEN_NATURE_BELOW, R, a);
  else if (form == FEN_NATURE_ABOVE)
    set->ball ? AboveBall(set, R, a) : AbovePrice(set, R, a);
  else if (form == FEN_NATURE_JS)
    set->ball ? TiltBall(set, FEN_NATURE_JS, R, a) : TiltPrice(FEN_NATURE_JS, R, a);
  else if (form == FEN_NATURE_JEFFREYS)
    set->ball ? TiltBall(set, FEN_NATURE_JEFFREYS, R, a) : TiltPrice(FEN_NATURE_JEFFREYS, R, a);
}

/* what a scalar that is kept is times in units of the range: theta of kl's balls is per unit of the model */
FEN_INLINE vd KeptUnit(const FenNatureSet *set, vd range)
{
  return set->form == FEN_NATURE_KL && set->ball ? v_if_greater(range, v_set(0), range, v_set(1)) : v_set(1);
}

/* one pass without a buffer: the lanes that become `done` have values. Are all? */
FEN_INLINE int ReadOnce(const FenNatureRuns *N, Slot *S, const double *own, FenReach reach, Lanes *done)
{
  const FenNatureSet *set = N->set;
  double             *warm = N->warm + FEN_LANES * S->k;
  int                 all = 1;

  EACH
  {
    OnceRow a = {.reward = v_load(N->chunks->reward + FEN_LANES * S->k + v * FEN_SIMD),
                 .own = own ? v_load(own + v * FEN_SIMD) : v_set(0),
                 .theta = v_load(warm + v * FEN_SIMD)};

    if (!set->ball)
      PriceOnce(N, S->k, v, &a, reach);
    else {
      BallOnce(N, S->k, v, own ? FEN_NATURE_SHARE : 0, &a, reach);
      v_store(warm + v * FEN_SIMD, a.theta);
    }
    S->value.v[v] = a.value;
    S->gap.v[v] = a.gap;
    done->v[v] = a.good;
    all = all && !v_any(1 - a.good);
  }
  return all;
}

/* Balls, with the scalars of the last sweep: values of the lanes that are not done, and that become it. Are all?
   Squares must be numbers */
FEN_INLINE int WarmLanes(const FenNatureRuns *N, Slot *S, const double *own, Lanes *done, int pairs)
{
  double *warm = N->warm + FEN_LANES * S->k, *second = pairs ? N->second + FEN_LANES * S->k : NULL;
  int     all = 1;

  EACH
  {
    const vd  zero = v_set(0), one = v_set(1), range = S->range.v[v], before = done->v[v];
    const vd  zmin = v_if_equal(S->zmin.v[v], v_set(INFINITY), zero, S->zmin.v[v]), fixed = Fixed(N, S, v);
    const vd  kept = v_load(warm + v * FEN_SIMD), unit = KeptUnit(N->set, range), w = kept * unit;
    const vd  fits = v_if_greater(range, v_set(1e-70), v_if_greater(v_set(1e70), range, one, zero), zero);
    const vd  error = FinalError(zmin, range, fixed);
    Ahead     ahead = BeginAhead(N, S, v);
    WarmRow   R = {.n = S->n,
                   .p = S->p + v * FEN_SIMD,
                   .z = S->d + v * FEN_SIMD,
                   .zmin = zmin,
                   .range = range,
                   .inverse = 1 / v_if_greater(fits, zero, range, one),
                   .warm = v_if_greater(v_set(1e290), w, w, zero),
                   .second = pairs ? v_load(second + v * FEN_SIMD) : zero,
                   .price = pairs ? N->set->size / v_if_greater(fits, zero, range, one) : zero,
                   .change = own ? fixed + zmin - v_load(own + v * FEN_SIMD) : zero,
                   .share = v_set(own ? FEN_NATURE_SHARE : 0),
                   .most = v_set(N->most),
                   .unit = v_set((double)(S->n + 16) * UNIT),
                   .next = &ahead};
    WarmReply a;
    vd        good, value, gap;

    TryWarm(N->set, &R, &a, pairs);
    EndAhead(S, v, &ahead);
    good = v_if_greater(before, zero, zero, fits * a.good);
    value = v_if_greater(good, zero, v_max(a.value - a.error, zero), zero);
    gap = v_if_greater(good, zero, v_max(a.gap, zero) + 2 * a.error, zero) + 2 * error;
    S->value.v[v] = v_if_greater(before, zero, S->value.v[v], fixed + (zmin + value) - error);
    S->gap.v[v] = v_if_greater(before, zero, S->gap.v[v], gap);
    a.better = v_if_greater(before, zero, zero, pairs ? v_max(good, fits * a.better) : good);
    v_store(warm + v * FEN_SIMD, v_if_greater(a.better, zero, a.warm / unit, kept));
    if (pairs)
      v_store(second + v * FEN_SIMD, v_if_greater(a.better, zero, a.second, R.second));
    /* rows of one value, and of none, are done as well */
    done->v[v] = v_max(before, v_if_greater(range, zero, good, v_if_equal(range, range, one, zero)));
    all = all && !v_any(1 - done->v[v]);
  }
  return all;
}

FEN_INLINE int Warm(const FenNatureRuns *N, Slot *S, const double *own, Lanes *done)
{
  return WarmLanes(N, S, own, done, 0);
}

static __attribute__((noinline)) int WarmPairs(const FenNatureRuns *N, Slot *S, const double *own, Lanes *done)
{
  return WarmLanes(N, S, own, done, 1);
}

/* Values of a slot. own: the states' values, which say how exact is exact enough; NULL: as exact as can be. done: lanes
   that have values, NULL: none. law: of lanes that are served one by one, and `served` says which */
static void Seek(const FenNatureRuns *N, Slot *S, const double *own, const Lanes *done, double *law, Lanes *served)
{
  double *warm = N->warm + FEN_LANES * S->k, *second = N->second ? N->second + FEN_LANES * S->k : NULL;
  Lanes   fixes;

  EACH fixes.v[v] = Fixed(N, S, v);
  Scale(N, S);
  EACH
  {
    const vd zero = v_set(0), zmin = S->zmin.v[v], range = S->range.v[v];
    const vd kept = v_load(warm + v * FEN_SIMD), unit = KeptUnit(N->set, range), w = kept * unit;
    const vd fixed = fixes.v[v], wanted = done ? 1 - done->v[v] : v_set(1);
    const vd base = own ? (fixed + zmin - v_load(own + v * FEN_SIMD)) * S->inverse.v[v] : zero;
    Row      R = {.n = S->n,
                  .p = S->p + v * FEN_SIMD,
                  .d = S->d + v * FEN_SIMD,
                  .mean = S->mean.v[v],
                  .least = S->least.v[v],
                  .price = v_least(N->set->size * S->inverse.v[v], v_set(1e200)),
                  .base = base,
                  .share = v_set(own ? FEN_NATURE_SHARE : 0),
                  .most = N->most * S->inverse.v[v],
                  .unit = (double)(S->n + 16) * UNIT};
    Reply    a = {.warm = v_if_greater(v_set(1e290), w, w, zero),
                  .second = second ? v_load(second + v * FEN_SIMD) : zero,
                  .open = wanted * (1 - S->flat.v[v]) * (1 - S->lowest.v[v]),
                  .price = v_set(N->set->form == FEN_NATURE_ABOVE ? 0 : 1)};
    vd       error;

    if (v_any(a.open))
      Find(N->set, &R, &a);
    if (served)
      served->v[v] = a.open;
    if (v_any(a.open))
      Serve(N, S, v, S->range.v[v], &a, law, NULL);
    /* a range that is nothing, or no number, has no bound but the smallest value */
    a.gap = v_if_greater(S->flat.v[v], zero, v_if_greater(range, zero, v_set(1), zero), a.gap);
    error = FinalError(zmin, range, fixed);
    v_store(warm + v * FEN_SIMD, v_if_greater(S->flat.v[v], zero, kept, a.warm / unit));
    if (second)
      v_store(second + v * FEN_SIMD, a.second);
    S->at.v[v] = a.at;
    S->price.v[v] = a.price;
    a.value = fixed + (zmin + v_if_greater(S->flat.v[v], zero, zero, range) * a.value) - error;
    S->value.v[v] = v_if_greater(wanted, zero, a.value, S->value.v[v]);
    S->gap.v[v] = v_if_greater(wanted, zero, v_fma(range, a.gap, 2 * error), S->gap.v[v]);
  }
}

/* sums of p times something of z - zmin */
typedef struct {
  vd zmin, scale, sum;
} Excess;

FEN_INLINE void AddExcessTV(Excess *s, vd p, vd z)
{
  s->sum = v_fma(p, v_min(z - s->zmin, s->scale), s->sum);
}

FEN_INLINE void AddExcessKL(Excess *s, vd p, vd z)
{
  s->sum = v_fma(p, v_exp2_table(v_min((z - s->zmin) * s->scale, v_set(0))), s->sum);
}

/* prices that need no search, in the model's units: total variation; kl unless series are needed. false: not these */
FEN_INLINE int Plain(const FenNatureRuns *N, Slot *S)
{
  const double price = N->set->size;
  const double unit = (double)(S->n + 16) * UNIT;
  const int    kl = N->set->form == FEN_NATURE_KL;

  EACH
  {
    const vd zero = v_set(0), range = S->range.v[v],
             zmin = v_if_equal(S->zmin.v[v], v_set(INFINITY), zero, S->zmin.v[v]);
    const Row R = {.n = S->n, .p = S->p + v * FEN_SIMD, .d = S->d + v * FEN_SIMD};
    const vd  slim = v_if_greater(v_set(price), SMOOTH_FROM * range, v_if_greater(range, zero, v_set(1), zero), zero);
    Ahead     ahead = BeginAhead(N, S, v);
    Excess    s = {zmin, kl ? v_set(-LOG2E / price) : v_set(price), zero}, t = s;
    vd        value, reward = Fixed(N, S, v), error, cut;

    if (kl && v_any(slim))
      return 0;
    if (kl)
      TWO_CHAINS_OF(S->n, R.p, R.d, s, t, AddExcessKL, &ahead);
    else
      TWO_CHAINS_OF(S->n, R.p, R.d, s, t, AddExcessTV, &ahead);
    EndAhead(S, v, &ahead);
    value = s.sum + t.sum;
    cut = v_if_greater(range, zero, kl ? price * KL_CUT / value : zero, zero);
    value = v_if_greater(range, zero, kl ? v_max(v_log2(value) * (-LN2 * price), zero) : value, zero);
    error = unit * (value + v_if_greater(range, zero, v_set(kl ? price : 0), zero)) + FinalError(zmin, range, reward);
    S->value.v[v] = reward + (zmin + value) - error;
    S->gap.v[v] = cut + 2 * error;
  }
  return 1;
}

/* single loads: hardware gathers wait for the stores of the row before */
static int TryOnce(const FenNatureRuns *N, Slot *S, const double *own, Lanes *done)
{
  if (N->chunks->reach == FEN_REACH_RUNS)
    return ReadOnce(N, S, own, FEN_REACH_RUNS, done);
  return ReadOnce(N, S, own, FEN_REACH_NEAR, done);
}

FEN_INLINE void Answer(const FenNatureRuns *N, Slot *S, const double *own)
{
  Lanes done = l_set(0);

  if (N->set->pops) {
    SeekPopped(N, S, own, NULL, NULL);
    return;
  }
  if (N->work) {
    SeekMoves(N, S, own, NULL);
    return;
  }
  if (N->once) {
    if (TryOnce(N, S, own, &done))
      return;
    Gather(N, S);
  }
  if (HasWarm(N->set)) {
    if (!(HasPairs(N->set) ? WarmPairs(N, S, own, &done) : Warm(N, S, own, &done)))
      Seek(N, S, own, &done, NULL, NULL);
  } else if (N->set->ball || N->set->form > FEN_NATURE_KL || !Plain(N, S))
    Seek(N, S, own, NULL, NULL, NULL);
}

typedef struct {
  Running run;
  Lanes   best, arg, kept, inc, upper, inexact;
} Greedy;

/* more: the next chunk follows */
FEN_INLINE void GreedyRows(const FenNatureRuns *N, FenInt c, int more, const double *own, const double *V, Greedy *g,
                           Slot two[2], int *policy)
{
  const FenInt k0 = N->chunks->chunk_ptr[c], k1 = N->chunks->chunk_ptr[c + 1];

  g->best = g->kept = g->upper = l_set(-INFINITY);
  g->arg = l_set(0);
  EACH g->inc.v[v] = v_from_int(policy + v * FEN_SIMD);
  for (FenInt k = k0; k < k1; k++) {
    const vd a = v_set((double)(k - k0));
    Slot    *S = Read(N, two, k, V, k + 1 < k1 || more);

    Answer(N, S, own);
    EACH
    {
      const vd q = S->value.v[v];

      g->arg.v[v] = v_if_greater(q, g->best.v[v], a, g->arg.v[v]);
      g->best.v[v] = v_max(q, g->best.v[v]);
      g->upper.v[v] = v_max(q + S->gap.v[v], g->upper.v[v]);
      g->kept.v[v] = v_if_equal(g->inc.v[v], a, q, g->kept.v[v]);
    }
  }
  EACH g->inexact.v[v] = v_max(g->inexact.v[v], g->upper.v[v] - g->best.v[v]);
  Choose(&g->run, &g->best, &g->arg, &g->kept, policy);
}

/* own values and policy of a chunk; missing lanes repeat the first state */
FEN_INLINE FenInt TakeChunk(const FenChunks *C, FenInt c, const double *own, double own8[FEN_LANES])
{
  const FenInt s = c * FEN_LANES, m = C->n - s < FEN_LANES ? C->n - s : FEN_LANES;

  for (FenInt l = 0; l < FEN_LANES; l++)
    own8[l] = own[s + (l < m ? l : 0)];
  return m;
}

static void NatureSweep(const FenNatureRuns *N, FenInt c0, FenInt c1, const double *own, const double *V, double *TV,
                        int *policy, FenSweepPart *part)
{
  Greedy g = {.run = Begin(), .inexact = l_set(0)};
  Slot   two[2];

  two[0].k = two[1].k = -1;

  for (FenInt c = c0; c < c1; c++) {
    const Lanes  before = g.run.changes;
    double       own8[FEN_LANES], TV8[FEN_LANES], changes = 0;
    int          policy8[FEN_LANES];
    const FenInt m = TakeChunk(N->chunks, c, own, own8), s = c * FEN_LANES;

    for (FenInt l = 0; l < FEN_LANES; l++)
      policy8[l] = policy[s + (l < m ? l : 0)];
    GreedyRows(N, c, c + 1 < c1, own8, V, &g, two, policy8);
    Finish(&g.run, &g.best, own8, TV8);
    for (FenInt l = 0; l < m; l++) {
      TV[s + l] = TV8[l];
      changes += policy[s + l] != policy8[l];
      policy[s + l] = policy8[l];
    }
    if (m < FEN_LANES) { /* the lanes that repeat do not count */
      g.run.changes = before;
      g.run.changes.v[0][0] += changes;
    }
  }
  End(&g.run, part);
  part->inexact = fmax(part->inexact, Largest(&g.inexact));
}

static void NatureApply(const FenNatureRuns *N, FenInt c0, FenInt c1, const double *own, const double *V, double *TV,
                        FenSweepPart *part)
{
  Running run = Begin();
  Lanes   inexact = l_set(0);
  Slot    two[2];

  two[0].k = two[1].k = -1;

  for (FenInt c = c0; c < c1; c++) {
    double       own8[FEN_LANES], TV8[FEN_LANES];
    const FenInt m = TakeChunk(N->chunks, c, own, own8);
    Slot        *S = Read(N, two, c, V, c + 1 < c1);

    Answer(N, S, own8);
    Finish(&run, &S->value, own8, TV8);
    EACH inexact.v[v] = v_max(inexact.v[v], S->gap.v[v]);
    for (FenInt l = 0; l < m; l++)
      TV[c * FEN_LANES + l] = TV8[l];
  }
  End(&run, part);
  part->inexact = fmax(part->inexact, Largest(&inexact));
}

static void NatureValues(const FenNatureRuns *N, FenInt k, const double *V, double *q, double *gap)
{
  Slot S;

  Open(N, &S, k, V);
  Gather(N, &S);
  Answer(N, &S, NULL);
  l_store(q, &S.value);
  l_store(gap, &S.gap);
}

static void NatureLaw(const FenNatureRuns *N, FenInt k, const double *V, double *law, double *popped, double *reward)
{
  Slot  S;
  Lanes served;

  Open(N, &S, k, V);
  Gather(N, &S);
  for (int l = 0; l < FEN_LANES; l++)
    popped[l] = 0;
  if (N->set->pops)
    SeekPopped(N, &S, NULL, law, popped);
  else if (N->work)
    SeekMoves(N, &S, NULL, law);
  else
    Seek(N, &S, NULL, NULL, law, &served);
  EACH
  {
    const vd  zero = v_set(0);
    const Row R = {.n = S.n, .p = S.p + v * FEN_SIMD, .d = S.d + v * FEN_SIMD, .least = S.least.v[v]};
    vd        mean = zero, next = zero;

    if (!N->set->pops && !N->work)
      WriteLaw(N->set, &R, S.at.v[v], S.price.v[v], S.lowest.v[v], S.flat.v[v], served.v[v], law + v * FEN_SIMD);
    for (FenInt j = v * FEN_SIMD; j < FEN_LANES * S.n; j += FEN_LANES) {
      mean = v_fma(v_load(law + j), v_load(S.d + j), mean);
      next = S.next ? v_fma(v_load(law + j), v_load(S.next + j), next) : next;
    }
    if (S.next)
      next += v_load(popped + v * FEN_SIMD) * v_load(N->chunks->reward + FEN_LANES * k + v * FEN_SIMD);
    mean = S.value.v[v] - (S.zmin.v[v] + S.range.v[v] * mean) + next;
    v_store(reward + v * FEN_SIMD, v_if_greater(S.empty.v[v], zero, S.value.v[v], mean));
  }
}

static void NatureEnds(FenInt n, const double *V, double *low, double *high)
{
  const vd zero = v_set(0);
  Lanes    lo = l_set(INFINITY), hi = l_set(-INFINITY), check = l_set(0);
  FenInt   i = 0;

  for (; i + FEN_LANES <= n; i += FEN_LANES)
    EACH
    {
      const vd x = v_load(V + i + v * FEN_SIMD);

      lo.v[v] = v_least(lo.v[v], x);
      hi.v[v] = v_max(hi.v[v], x);
      check.v[v] += v_if_equal(x, x, zero, v_set(1));
    }
  *low = Smallest(&lo);
  *high = Largest(&hi);
  for (; i < n; i++) {
    *low = fmin(*low, V[i]);
    *high = fmax(*high, V[i]);
    check.v[0][0] += V[i] != V[i];
  }
  if (Sum(&check) > 0)
    *low = *high = NAN;
}

const FenNatureKernels FEN_NATURE_KERNELS = {.sweep = NatureSweep,
                                             .apply = NatureApply,
                                             .values = NatureValues,
                                             .law = NatureLaw,
                                             .ends = NatureEnds,
                                             .prepare = PrepareOnce,
                                             .states = NatureStates};
