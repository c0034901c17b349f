/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids with a cost that is a sum over axes: the kernel is a product of one-dimensional kernels, so that a pass is a
   sweep along each axis, see stages.h.

   With partial log sums L_0 = kappa g + log2 b, L_{s+1} = log2 sum 2^(L_s - c), the plan of g is a product of stages
   E_s = 2^(L_s - c - L_{s+1}), each with rows that sum to one: E v is d weighted means, no large or small numbers.

   Memory O(d (n+m)/P) a rank; exponentials (n+m) sum_k n_k / P without windows, O(n w) with windows of w points when
   epsilon is small, see sweeps.h. A plan keeps its windows. With |x-y| an axis takes three exponentials for a point,
   whatever epsilon is, and the plan's products none: it always keeps its factors. Messages: one all-to-all a stage
   between different pencils; products of kept factors: those of halo.c.
*/
#include "halo.h"
#include <limits.h>
#include <math.h>

/* ---- lower envelopes: min_s (c(t,s) - h_s) on a line in linear time ---- */

/* |x-y|^2: the parabolas' envelope. z[k] is where parabola v[k] takes over */
static void EnvelopeSquares(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[],
                            FenInt v[], double z[])
{
  FenInt k = -1;

  for (FenInt q = 0; q < ns; q++) {
    double cross = -HUGE_VAL;

    if (h[q] <= FEN_NONE)
      continue;
    while (k >= 0) {
      const FenInt p = v[k];

      cross = ((y[q] * y[q] - h[q]) - (y[p] * y[p] - h[p])) / (2 * (y[q] - y[p]));
      if (cross > z[k])
        break;
      k--;
    }
    k++;
    v[k] = q;
    z[k] = k ? cross : -HUGE_VAL;
  }
  z[k + 1] = HUGE_VAL;
  for (FenInt i = 0, j = 0; i < nt; i++) {
    while (k >= 0 && z[j + 1] < t[i])
      j++;
    out[i] = k < 0 ? -FEN_NONE : (t[i] - y[v[j]]) * (t[i] - y[v[j]]) - h[v[j]];
  }
}

/* |x-y|: the cones' envelope by one sweep up and one down over both sets of points */
static void EnvelopeCones(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[])
{
  double best = -FEN_NONE, at = t[0];
  FenInt j = 0;

  for (FenInt i = 0; i < nt; i++) {
    for (; j < ns && y[j] <= t[i]; at = y[j], j++)
      best = PetscMin(best + (y[j] - at), -h[j]);
    best += t[i] - at;
    at = t[i];
    out[i] = best;
  }
  best = -FEN_NONE;
  at = t[nt - 1];
  j = ns - 1;
  for (FenInt i = nt - 1; i >= 0; i--) {
    for (; j >= 0 && y[j] >= t[i]; at = y[j], j--)
      best = PetscMin(best + (at - y[j]), -h[j]);
    best += at - t[i];
    at = t[i];
    out[i] = PetscMin(out[i], best);
  }
}

static PetscErrorCode SweepHard(const FenSweep *s)
{
  FenInt *v;
  double *z;

  PetscFunctionBegin;
  if (!s->nlines || !s->ns)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(s->ns + 1, &v, s->ns + 2, &z));
  for (FenInt l = 0; l < s->nlines; l++) {
    double *out = s->out + l * s->nt;

    if (s->kind == FEN_TILE_L1)
      EnvelopeCones(s->nt, s->xt, s->ns, s->xs, s->u + l * s->ns, out);
    else
      EnvelopeSquares(s->nt, s->xt, s->ns, s->xs, s->u + l * s->ns, out, v, z);
    for (FenInt i = 0; i < s->nt; i++)
      out[i] = -out[i]; /* the next stage takes h, not -h */
  }
  PetscCall(PetscFree2(v, z));
  PetscFunctionReturn(0);
}

/* the array in S->a, on the layout of the direction's sources, is taken through all stages into `out` */
static PetscErrorCode RunChain(FenOTOperator op, FenDirection dir, PetscBool hard, PetscBool keep, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenChain     *C = &S->stages.chain[dir];

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    FenSweep w = FenStageSweep(op, &C->stage[s], dir, (PetscBool)!hard);

    PetscCall(FenRedistMove(C->stage[s].enter, S->a, S->b));
    w.u = S->b;
    w.out = S->a;
    w.visits = S->stages.visits[dir][s];
    if (keep) {
      w.windows = S->windows[0][s];
      PetscCall(PetscArraycpy(S->L[s], S->b, C->stage[s].nin));
    }
    if (hard)
      PetscCall(SweepHard(&w));
    else if (keep && (op->keep || S->cones)) {
      PetscCall(FenSweepFactors(&w, &S->factors[s]));
      op->kept = (PetscBool)(op->kept && S->factors[s].have);
    } else
      FenSweepLSE(&w);
    for (FenInt i = 0; keep && i < C->stage[s].nout; i++)
      S->minus[s][i] = S->a[i] > FEN_NONE ? -S->a[i] : FEN_NONE; /* a line without weight has no plan */
  }
  PetscCall(FenRedistMove(C->leave, S->a, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Soft(FenOTOperator op, FenDirection dir, PetscBool keep, const double in[], double out[])
{
  PetscFunctionBegin;
  FenOTExponents_Private(op, 1 - (int)dir, in, ((FenSeparable *)op->data)->a);
  PetscCall(RunChain(op, dir, PETSC_FALSE, keep, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] /= -op->kappa;
  PetscFunctionReturn(0);
}

static PetscErrorCode SoftTransform_Separable(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  PetscFunctionBegin;
  PetscCall(Soft(op, dir, PETSC_FALSE, in, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPlan_Separable(FenOTOperator op, const double g[], double f[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  op->kept = S->whole = (PetscBool)(op->keep || S->cones);
  PetscCall(Soft(op, FEN_TO_SOURCE, PETSC_TRUE, g, f));
  S->have[0] = PETSC_TRUE;
  S->have[1] = S->slabs = PETSC_FALSE;
  S->products = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode HardTransform_Separable(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  const int     c = 1 - (int)dir;

  PetscFunctionBegin;
  for (FenInt i = 0; i < op->n[c]; i++)
    S->a[i] = op->logw[c][i] > FEN_NONE ? in[i] : FEN_NONE;
  PetscCall(RunChain(op, dir, PETSC_TRUE, PETSC_FALSE, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] = -out[i];
  PetscFunctionReturn(0);
}

/* E v with the cost of one axis as weight (or none: axis < 0) */
static PetscErrorCode MultAxis(FenOTOperator op, const double v[], PetscInt axis, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenChain     *C = &S->stages.chain[FEN_TO_SOURCE];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(S->a, v, op->n[1]));
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &C->stage[s];
    FenSweep        w = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);

    PetscCall(FenRedistMove(g->enter, S->a, S->b));
    w.u = S->L[s];
    w.w = S->minus[s];
    w.v = S->b;
    w.out = S->a;
    w.weighted = (PetscBool)(g->axis == axis);
    w.windows = S->windows[0][s];
    w.have = S->have[0];
    w.whole = S->whole;
    if (S->cones)
      FenSweepMult(&w, &S->factors[s], FEN_SWEEP_FORWARD);
    else
      FenSweepApply(&w);
  }
  PetscCall(FenRedistMove(C->leave, S->a, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult_Separable(FenOTOperator op, PetscInt nv, const double v[], PetscBool weighted, double out[])
{
  double *part;

  PetscFunctionBegin;
  if (!weighted) {
    for (PetscInt k = 0; k < nv; k++)
      PetscCall(MultAxis(op, v + k * op->n[1], -1, out + k * op->n[0]));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(op->n[0], &part));
  PetscCall(PetscArrayzero(out, op->n[0]));
  for (PetscInt axis = 0; axis < op->dim; axis++) {
    PetscCall(MultAxis(op, v, axis, part));
    for (FenInt i = 0; i < op->n[0]; i++)
      out[i] += part[i] / op->kappa;
  }
  PetscCall(PetscFree(part));
  PetscFunctionReturn(0);
}

static PetscErrorCode ScaleAxes(FenOTOperator op, double power)
{
  FenSeparable *S = (FenSeparable *)op->data;
  const double  k = power * op->kappa, factor = S->cones ? k : sqrt(k);

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    for (PetscInt d = 0; d < op->dim; d++)
      for (FenInt i = 0; i < S->stages.shape[s][d]; i++)
        S->axis[s][d][i] = factor * S->plain[s][d][i];
  PetscFunctionReturn(0);
}

/* stages backwards, each transposed: exponents change sides. `plan`: these are the plan's, whose windows stay */
static PetscErrorCode RunTransposed(FenOTOperator op, const double v[], double *const L[], double *const minus[],
                                    PetscBool plan, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(S->a, v, op->n[0]));
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    FenSweep t = FenStageSweep(op, &S->stages.chain[FEN_TO_SOURCE].stage[s], FEN_TO_TARGET, PETSC_TRUE);

    PetscCall(FenRedistMove(S->stages.back[s], S->a, S->b));
    t.u = minus[s];
    t.w = L[s];
    t.v = S->b;
    t.out = S->a;
    t.windows = plan ? S->windows[1][s] : NULL;
    t.have = (PetscBool)(plan && S->have[1]);
    FenSweepApply(&t);
  }
  S->have[1] = (PetscBool)(plan || S->have[1]);
  PetscCall(FenRedistMove(S->stages.out, S->a, out));
  PetscFunctionReturn(0);
}

/* The same while factors are few. Squares from kept factors: E_ij is one product of factors of stages. Otherwise these
   are made again, in double precision, unless that is what they are kept in */
static PetscErrorCode RunTransposedKept(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(S->a, v, op->n[0]));
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    FenSweep t = FenStageSweep(op, &S->stages.chain[FEN_TO_SOURCE].stage[s], FEN_TO_SOURCE, PETSC_TRUE);

    PetscCall(FenRedistMove(S->stages.back[s], S->a, S->b));
    t.u = S->L[s];
    t.w = S->minus[s];
    t.v = S->b;
    t.out = S->a;
    t.windows = S->windows[0][s];
    if (squares)
      FenSweepMult(&t, &S->factors[s], FEN_SWEEP_SQUARES);
    else if (S->cones)
      FenSweepMult(&t, &S->factors[s], FEN_SWEEP_TRANSPOSED);
    else
      FenSweepSpread(&t);
  }
  PetscCall(FenRedistMove(S->stages.out, S->a, out));
  PetscFunctionReturn(0);
}

/* From the targets' layout to what stage `last` leaves, or back from there */
static PetscErrorCode Forward(FenOTOperator op, PetscInt last)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = 0; s <= last; s++) {
    const FenStage *g = &S->stages.chain[FEN_TO_SOURCE].stage[s];
    FenSweep        t = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);

    PetscCall(FenRedistMove(g->enter, S->a, S->b));
    t.v = S->b;
    t.out = S->a;
    FenSweepMult(&t, &S->factors[s], FEN_SWEEP_FORWARD);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(FenOTOperator op, PetscInt last, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = last; s >= 0; s--) {
    FenSweep t = FenStageSweep(op, &S->stages.chain[FEN_TO_SOURCE].stage[s], FEN_TO_SOURCE, PETSC_TRUE);

    t.v = S->b;
    t.out = S->a;
    FenSweepMult(&t, &S->factors[s], FEN_SWEEP_TRANSPOSED);
    PetscCall(FenRedistMove(s ? S->stages.back[s - 1] : S->stages.out, S->a, s ? S->b : out));
  }
  PetscFunctionReturn(0);
}

/* the last stage and its transpose meet on the same lines: its factors are read once from memory, and nothing moves in
   between */
static PetscErrorCode Both(FenOTOperator op)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const PetscInt  s = op->dim - 1;
  const FenStage *g = &S->stages.chain[FEN_TO_SOURCE].stage[s];
  FenSweep        t = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);

  PetscFunctionBegin;
  PetscCall(FenRedistMove(g->enter, S->a, S->b));
  t.v = S->b;
  t.w = S->weights;
  t.out = S->a;
  FenSweepMult(&t, &S->factors[s], FEN_SWEEP_BOTH);
  PetscFunctionReturn(0);
}

static PetscErrorCode NormalKept(FenOTOperator op, const double v[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  if (S->halo && S->products++ == FEN_HALO_AFTER)
    PetscCall(FenHaloSetPlan(S->halo, op, &S->slabs));
  PetscCall(PetscArraycpy(S->a, v, op->n[1]));
  PetscCall(Forward(op, op->dim - 2));
  if (S->slabs)
    PetscCall(FenHaloMult(S->halo, op, S->a, S->b));
  else {
    PetscCall(Both(op));
    PetscCall(FenRedistMove(op->dim > 1 ? S->stages.back[op->dim - 2] : S->stages.out, S->a, op->dim > 1 ? S->b : out));
  }
  PetscCall(Backward(op, op->dim - 2, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Normal_Separable(FenOTOperator op, const double v[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *u;

  PetscFunctionBegin;
  if (op->kept) {
    PetscCall(NormalKept(op, v, out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(op->n[0], &u));
  PetscCall(MultAxis(op, v, -1, u));
  for (FenInt i = 0; i < op->n[0]; i++)
    u[i] *= op->rows[i];
  PetscCall(RunTransposed(op, u, S->L, S->minus, PETSC_TRUE, out));
  PetscCall(PetscFree(u));
  PetscFunctionReturn(0);
}

/* E_ij is one product of stage factors, so that its square is the product of the squared factors: all exponents double
 */
static PetscErrorCode TransposedSquares(FenOTOperator op, const double v[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *L[FEN_MAX_DIM], *minus[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 2));
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &S->stages.chain[FEN_TO_SOURCE].stage[s];

    PetscCall(PetscMalloc2(g->nin, &L[s], g->nout, &minus[s]));
    for (FenInt i = 0; i < g->nin; i++)
      L[s][i] = PetscMax(2 * S->L[s][i], FEN_NONE);
    for (FenInt i = 0; i < g->nout; i++)
      minus[s][i] = PetscMax(2 * S->minus[s][i], FEN_NONE);
  }
  PetscCall(RunTransposed(op, v, L, minus, PETSC_FALSE, out));
  for (PetscInt s = 0; s < op->dim; s++)
    PetscCall(PetscFree2(L[s], minus[s]));
  PetscCall(ScaleAxes(op, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode MultTranspose_Separable(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  if (op->kept)
    PetscCall(RunTransposedKept(op, v, squares, out));
  else if (squares)
    PetscCall(TransposedSquares(op, v, out));
  else
    PetscCall(RunTransposed(op, v, S->L, S->minus, PETSC_TRUE, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon_Separable(FenOTOperator op)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 1));
  S->have[0] = S->have[1] = op->kept = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy_Separable(FenOTOperator op)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    for (int side = 0; side < 2; side++)
      PetscCall(PetscFree2(S->axis[side][s], S->plain[side][s]));
    PetscCall(PetscFree4(S->L[s], S->minus[s], S->windows[0][s], S->windows[1][s]));
    PetscCall(FenFactorsDestroy(&S->factors[s]));
  }
  PetscCall(FenHaloDestroy(&S->halo));
  PetscCall(FenStagesDestroy(&S->stages));
  PetscCall(PetscFree(S->weights));
  PetscCall(PetscFree3(S->a, S->b, S->sweep));
  PetscCall(PetscFree(S));
  PetscFunctionReturn(0);
}

/* what a plan keeps */
static PetscErrorCode MakePlan(FenOTOperator op)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &S->stages.chain[FEN_TO_SOURCE].stage[s];
    const FenInt    lines = S->cones ? 0 : g->nlines; /* that have windows */

    PetscCall(PetscMalloc4(g->nin, &S->L[s], g->nout, &S->minus[s], FenSweepWindows(op->kernels, g->lout, lines),
                           &S->windows[0][s], FenSweepWindows(op->kernels, g->lin, lines), &S->windows[1][s]));
    PetscCall(FenFactorsCreate(op->kernels, FenTileKindOf(op->kind), g->lout, g->nlines, &S->factors[s]));
  }
  PetscFunctionReturn(0);
}

/* the sources' weights on the last stage's output */
static PetscErrorCode SetRows_Separable(FenOTOperator op)
{
  FenSeparable  *S = (FenSeparable *)op->data;
  const PetscInt last = op->dim - 1;

  PetscFunctionBegin;
  if (!S->weights)
    PetscCall(PetscMalloc1(S->stages.chain[FEN_TO_SOURCE].stage[last].nout, &S->weights));
  PetscCall(FenRedistMove(S->stages.back[last], op->rows, S->weights));
  if (S->halo)
    PetscCall(FenHaloSetRows(S->halo, op));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreate_Separable(FenOTOperator op)
{
  FenSeparable *S;
  FenInt        longest = 1;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  op->data = S;
  S->cones = (PetscBool)(op->kind == FEN_COST_L1);
  PetscCall(FenStagesCreate(op->measure, op->work, &S->stages));
  op->stages = S->cones ? NULL : &S->stages;
  for (int s = 0; s < 2; s++) {
    double spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];

    PetscCall(FenMeasureGetGrid(op->measure[s], NULL, spacing, origin));
    for (PetscInt d = 0; d < op->dim; d++) {
      PetscCall(PetscMalloc2(S->stages.shape[s][d], &S->axis[s][d], S->stages.shape[s][d], &S->plain[s][d]));
      for (FenInt i = 0; i < S->stages.shape[s][d]; i++)
        S->plain[s][d][i] = origin[d] + (double)i * spacing[d];
      longest = PetscMax(longest, S->stages.shape[s][d]);
    }
  }
  PetscCall(MakePlan(op));
  PetscCheck(longest < INT_MAX, op->comm, (PetscErrorCode)FEN_ERR_SIZE, "an axis of %lld points is too long",
             (long long)longest);
  PetscCall(SetRows_Separable(op));
  PetscCall(
      PetscMalloc3(S->stages.nwork, &S->a, S->stages.nwork, &S->b, FenSweepWork(op->kernels, longest), &S->sweep));
  PetscCall(FenHaloCreate(op, &S->halo));
  if (S->halo)
    PetscCall(FenHaloSetRows(S->halo, op));
  op->ops.setepsilon = SetEpsilon_Separable;
  op->ops.softtransform = SoftTransform_Separable;
  op->ops.hardtransform = HardTransform_Separable;
  op->ops.setplan = SetPlan_Separable;
  op->ops.mult = Mult_Separable;
  op->ops.multtranspose = MultTranspose_Separable;
  op->ops.normal = Normal_Separable;
  op->ops.setrows = SetRows_Separable;
  op->ops.destroy = Destroy_Separable;
  PetscFunctionReturn(0);
}
