/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids with a cost that is a sum over axes: the kernel is a product of one-dimensional kernels, so that a pass is a
   sweep along each axis, see stages.h.

   With partial log sums L_0 = kappa g + log2 b, L_{s+1} = log2 sum 2^(L_s - c), the plan of g is a product of stages
   E_s = 2^(L_s - c - L_{s+1}), each with rows that sum to one: E v is d weighted means, no large or small numbers.

   Memory O(d (n+m)/P) a rank; (n+m) sum_k n_k / P terms without windows, O(n w) with windows of w points when epsilon
   is small, each an exponential, or a multiply-add where windows are wide, see sweeps.h. A plan keeps its windows. With
   |x-y| an axis takes three exponentials for a point, whatever epsilon is, and the plan's products none: it always
   keeps its factors. |x-y|^p is taken from a table, 2 (n_k + m_k) numbers an axis and direction where source and target
   are in the same steps, 2 n_k m_k where they are not.

   Messages: one all-to-all a stage along an axis that is cut. Where costs are not |x-y| and blocks not too thin it
   takes the sources that matter from those who have them instead: log sums, and plans whose factors are kept, with all
   that is done with them. See across.c.
*/
#include "separableimpl.h"
#include <limits.h>
#include <math.h>

#define COSTS_MOST 67108864 /* numbers in a table of an axis */

/* then lines are swept as a whole, and nearly all sources matter */
static PetscBool IsWhole(FenOTOperator op, FenDirection to, const FenStage *g)
{
  const FenSeparable *S = (FenSeparable *)op->data;
  const FenToeplitz  *T = &S->toeplitz[to][g->axis];

  return (PetscBool)(T->reach && FenToeplitzIsWhole(T, S->stages.shape[to][g->axis], S->stages.shape[1 - to][g->axis]));
}

/* the array in S->a, on the layout of the direction's sources, is taken through all stages into `out` */
static PetscErrorCode RunChain(FenOTOperator op, FenDirection dir, PetscBool keep, double out[])
{
  FenSeparable  *S = (FenSeparable *)op->data;
  FenChain      *C = &S->stages.chain[dir];
  const PetscInt last = op->dim - 1;

  PetscFunctionBegin;
  PetscCall(FenChainStart(op, dir, S->a));
  for (PetscInt s = 0; s <= last; s++) {
    PetscBool across = PETSC_FALSE;

    if (S->stages.across && C->across[s].halo && !S->stages.counting && !IsWhole(op, dir, &C->stage[s]))
      PetscCall(FenLogSumsAcross(op, dir, s, keep, &across));
    if (!across)
      PetscCall(FenStageLogSums(op, dir, &C->stage[s], keep, NULL, out));
    if (keep) {
      S->across[s] = across;
      op->ways.plan += across ? 1 << s : 0;
    }
    PetscCall(FenStageLeave(op, across ? &C->across[s] : &C->stage[s], out));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Soft(FenOTOperator op, FenDirection dir, PetscBool keep, const double in[], double out[])
{
  PetscFunctionBegin;
  FenOTExponents_Private(op, 1 - (int)dir, in, ((FenSeparable *)op->data)->a);
  PetscCall(RunChain(op, dir, keep, out));
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

static PetscErrorCode MakePlan(FenOTOperator op, const double g[], double f[])
{
  PetscFunctionBegin;
  op->kept = (PetscBool)(op->keep || ((FenSeparable *)op->data)->cones);
  op->ways.plan = 0;
  PetscCall(Soft(op, FEN_TO_SOURCE, PETSC_TRUE, g, f));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &op->kept, 1, MPIU_BOOL, MPI_LAND, op->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPlan_Separable(FenOTOperator op, const double g[], double f[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(MakePlan(op, g, f));
  if (op->kept || !FenPlanIsAcross(op))
    PetscFunctionReturn(0);
  S->whole = PETSC_TRUE; /* a later stage had too many factors */
  PetscCall(MakePlan(op, g, f));
  S->whole = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode HardTransform_Separable(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenChain     *C = &S->stages.chain[dir];
  const int     c = 1 - (int)dir;

  PetscFunctionBegin;
  for (FenInt i = 0; i < op->n[c]; i++)
    S->a[i] = op->logw[c][i] > FEN_NONE ? in[i] : FEN_NONE;
  PetscCall(FenChainStart(op, dir, S->a));
  for (PetscInt s = 0; s < op->dim; s++) {
    FenSweep w = FenStageSweep(op, &C->stage[s], dir, PETSC_FALSE);

    PetscCall(FenStageThrough(op, &C->stage[s], FEN_STAGE_HARD, &w, NULL, out));
    PetscCall(FenStageLeave(op, &C->stage[s], out));
  }
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] = -out[i];
  PetscFunctionReturn(0);
}

/* a sweep of stage s of the plan, with its exponents, windows and factors */
static FenSweep PlanSweep(FenOTOperator op, PetscInt s, FenStagePlan **plan)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = FenPlanStage(op, s);
  FenSweep        w = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);

  *plan = &S->plan[g->number];
  w.u = (*plan)->L;
  w.ucame = (*plan)->came;
  w.w = (*plan)->minus;
  w.windows = (*plan)->windows[0];
  w.have = (*plan)->have[0];
  return w;
}

/* E v with the cost of one axis as weight (or none: axis < 0) */
static PetscErrorCode MultAxis(FenOTOperator op, const double v[], PetscInt axis, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(FenChainStart(op, FEN_TO_SOURCE, v));
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = FenPlanStage(op, s);
    FenStagePlan   *P;
    FenSweep        w = PlanSweep(op, s, &P);

    w.weighted = (PetscBool)(g->axis == axis);
    PetscCall(FenStageThrough(op, g, S->cones ? FEN_STAGE_FORWARD : FEN_STAGE_APPLY, &w, &P->factors, out));
    PetscCall(FenStageLeave(op, g, out));
  }
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
  for (int to = 0; !S->cones && to < 2; to++)
    for (PetscInt d = 0; d < op->dim; d++) {
      const double  apart = S->plain[to][d][0] - S->plain[1 - to][d][0], step = S->spacing[to][d];
      const FenInt  longest = PetscMax(S->stages.shape[0][d], S->stages.shape[1][d]);
      FenAxisCosts *C = &S->cost[to][d];

      for (FenInt i = 0; i < C->size; i++)
        C->scaled[i] = k * C->plain[i];
      if (C->size && C->stride < 0)
        PetscCall(FenToeplitzTabulate(C->scaled + C->before, longest, &S->toeplitz[to][d]));
      else if (!C->size && step == S->spacing[1 - to][d])
        PetscCall(FenToeplitzMake(factor * step, factor * apart, longest, &S->toeplitz[to][d]));
    }
  PetscFunctionReturn(0);
}

/* stages backwards, each transposed: exponents change sides. `plan`: these are the plan's, whose windows stay */
static PetscErrorCode RunTransposed(FenOTOperator op, const double v[], double *const L[], double *const minus[],
                                    PetscBool plan, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    const FenStage *g = FenPlanStage(op, s); /* on pencils: no factors are kept */
    FenStagePlan   *P = &S->plan[s];
    FenSweep        t = FenStageSweep(op, g, FEN_TO_TARGET, PETSC_TRUE);

    if (plan && !P->windows[1])
      PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lin, g->nlines), &P->windows[1]));
    t.u = minus[s];
    t.w = L[s];
    t.windows = plan ? P->windows[1] : NULL;
    t.have = (PetscBool)(plan && P->have[1]);
    PetscCall(FenStageArrive(op, g, s == op->dim - 1 ? v : NULL));
    PetscCall(FenStageBackward(op, g, FEN_STAGE_APPLY, &t, NULL, out));
    P->have[1] = (PetscBool)(plan || P->have[1]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode TransposedPlan(FenOTOperator op, const double v[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *L[FEN_MAX_DIM] = {NULL}, *minus[FEN_MAX_DIM] = {NULL};

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    L[s] = S->plan[s].L;
    minus[s] = S->plan[s].minus;
  }
  PetscCall(RunTransposed(op, v, L, minus, PETSC_TRUE, out));
  PetscFunctionReturn(0);
}

/* The same while factors are few. Squares from kept factors: E_ij is one product of factors of stages. Otherwise these
   are made again, in double precision, unless that is what they are kept in */
static PetscErrorCode RunTransposedKept(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  FenSeparable  *S = (FenSeparable *)op->data;
  FenStageAction action = S->cones ? FEN_STAGE_TRANSPOSED : FEN_STAGE_SPREAD;

  PetscFunctionBegin;
  if (squares)
    action = FEN_STAGE_SQUARES;
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    FenStagePlan *P;
    FenSweep      t = PlanSweep(op, s, &P);

    PetscCall(FenStageArrive(op, FenPlanStage(op, s), s == op->dim - 1 ? v : NULL));
    PetscCall(FenStageBackward(op, FenPlanStage(op, s), action, &t, &P->factors, out));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenPlanWeights(FenOTOperator op)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = FenPlanStage(op, op->dim - 1);

  PetscFunctionBegin;
  if (S->weighted != g->number) {
    PetscCall(PetscFree(S->weights));
    PetscCall(PetscMalloc1(g->nout, &S->weights));
    PetscCall(FenStageMove(g->arrive, op->rows, g->nout, S->weights));
    S->weighted = g->number;
  }
  PetscFunctionReturn(0);
}

/* the last stage and its transpose meet on the same lines: its factors are read once from memory, and nothing moves in
   between */
static PetscErrorCode NormalKept(FenOTOperator op, const double v[], double out[])
{
  FenSeparable  *S = (FenSeparable *)op->data;
  const PetscInt last = op->dim - 1;
  FenStagePlan  *P;
  FenSweep       t;

  PetscFunctionBegin;
  PetscCall(FenPlanWeights(op));
  PetscCall(FenChainStart(op, FEN_TO_SOURCE, v));
  for (PetscInt s = 0; s < last; s++) {
    t = PlanSweep(op, s, &P);
    PetscCall(FenStageThrough(op, FenPlanStage(op, s), FEN_STAGE_FORWARD, &t, &P->factors, NULL));
    PetscCall(FenStageLeave(op, FenPlanStage(op, s), NULL));
  }
  t = PlanSweep(op, last, &P);
  t.w = S->weights;
  PetscCall(FenStageThereAndBack(op, FenPlanStage(op, last), &t, &P->factors, out));
  for (PetscInt s = last - 1; s >= 0; s--) {
    t = PlanSweep(op, s, &P);
    PetscCall(FenStageArrive(op, FenPlanStage(op, s), NULL));
    PetscCall(FenStageBackward(op, FenPlanStage(op, s), FEN_STAGE_TRANSPOSED, &t, &P->factors, out));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Normal_Separable(FenOTOperator op, const double v[], double out[])
{
  double *u;

  PetscFunctionBegin;
  if (op->kept) {
    PetscCall(NormalKept(op, v, out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(op->n[0], &u));
  PetscCall(MultAxis(op, v, -1, u));
  for (FenInt i = 0; i < op->n[0]; i++)
    u[i] *= op->rows[i];
  PetscCall(TransposedPlan(op, u, out));
  PetscCall(PetscFree(u));
  PetscFunctionReturn(0);
}

/* E_ij is one product of stage factors, so that its square is the product of the squared factors: all exponents double
 */
static PetscErrorCode TransposedSquares(FenOTOperator op, const double v[], double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *L[FEN_MAX_DIM] = {NULL}, *minus[FEN_MAX_DIM] = {NULL};

  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 2));
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &S->stages.chain[FEN_TO_SOURCE].stage[s];

    PetscCall(PetscMalloc2(g->nin, &L[s], g->nout, &minus[s]));
    for (FenInt i = 0; i < g->nin; i++)
      L[s][i] = PetscMax(2 * S->plan[s].L[i], FEN_NONE);
    for (FenInt i = 0; i < g->nout; i++)
      minus[s][i] = PetscMax(2 * S->plan[s].minus[i], FEN_NONE);
  }
  PetscCall(RunTransposed(op, v, L, minus, PETSC_FALSE, out));
  for (PetscInt s = 0; s < op->dim; s++)
    PetscCall(PetscFree2(L[s], minus[s]));
  PetscCall(ScaleAxes(op, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode MultTranspose_Separable(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  PetscFunctionBegin;
  if (op->kept)
    PetscCall(RunTransposedKept(op, v, squares, out));
  else if (squares)
    PetscCall(TransposedSquares(op, v, out));
  else
    PetscCall(TransposedPlan(op, v, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon_Separable(FenOTOperator op)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 1));
  op->kept = PETSC_FALSE;
  for (PetscInt s = 0; s < FEN_STAGES; s++)
    S->plan[s].have[0] = S->plan[s].have[1] = PETSC_FALSE;
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < op->dim; s++)
      op->ways.wait[dir][s] = op->ways.waited[dir][s] = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy_Separable(FenOTOperator op)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++)
    for (int side = 0; side < 2; side++) {
      PetscCall(PetscFree2(S->cost[side][s].plain, S->cost[side][s].scaled));
      PetscCall(PetscFree2(S->axis[side][s], S->plain[side][s]));
      PetscCall(FenToeplitzDestroy(&S->toeplitz[side][s]));
    }
  for (PetscInt s = 0; s < FEN_STAGES; s++)
    PetscCall(FenStagePlanClear(&S->plan[s]));
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < op->dim; s++)
      PetscCall(PetscFree(S->coming[dir][s].seen));
  PetscCall(FenStagesDestroy(&S->stages));
  PetscCall(PetscFree(S->weights));
  PetscCall(PetscFree(S->others));
  PetscCall(PetscFree(S->a));
  PetscCall(PetscFree(S->b));
  PetscCall(PetscFree(S->memory));
  PetscCall(PetscFree(S));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetRows_Separable(FenOTOperator op)
{
  PetscFunctionBegin;
  ((FenSeparable *)op->data)->weighted = -1;
  PetscFunctionReturn(0);
}

/* costs of an axis, towards a side, from those of distances */
static PetscErrorCode MakeCosts(FenOTOperator op, int to, PetscInt d)
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenAxisCosts *C = &S->cost[to][d];
  const double  x = S->plain[to][d][0] - S->plain[1 - to][d][0], ht = S->spacing[to][d], hs = S->spacing[1 - to][d];
  const FenInt  nt = S->stages.shape[to][d] + FEN_LANES, ns = S->stages.shape[1 - to][d], longest = PetscMax(nt, ns);
  FenInt        size;

  PetscFunctionBegin;
  PetscCall(FenIntMult(nt, ns, &size));
  PetscCheck(ht == hs || size <= COSTS_MOST, op->comm, (PetscErrorCode)FEN_ERR_SIZE,
             "axes of %" FENINT_FMT " and %" FENINT_FMT " points in different steps; rule: their product is at most %d "
             "with the cost %s",
             nt - FEN_LANES, ns, COSTS_MOST, FenCostKinds[op->kind]);
  *C = ht == hs ? (FenAxisCosts){.stride = -1, .before = longest, .size = 2 * longest + 1 + FEN_TOEPLITZ_BEHIND}
                : (FenAxisCosts){.stride = nt, .size = size};
  PetscCall(PetscMalloc2((size_t)C->size, &C->plain, (size_t)C->size, &C->scaled));
  for (FenInt k = 0; k < C->size; k++) {
    const double i = (double)(ht == hs ? k - longest : k % nt), j = (double)(ht == hs ? 0 : k / nt);

    C->plain[k] = FenCostOfDistance(op->cost, fabs(x + i * ht - j * hs));
  }
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
  S->weighted = -1;
  PetscCall(FenStagesCreate(op->measure, op->work, S->cones ? NULL : op->kernels, &S->stages));
  op->stages = S->cones ? NULL : &S->stages;
  for (int s = 0; s < 2; s++) {
    double *spacing = S->spacing[s], origin[FEN_MAX_DIM];

    PetscCall(FenMeasureGetGrid(op->measure[s], NULL, spacing, origin));
    for (PetscInt d = 0; d < op->dim; d++) {
      PetscCall(PetscMalloc2(S->stages.shape[s][d], &S->axis[s][d], S->stages.shape[s][d], &S->plain[s][d]));
      for (FenInt i = 0; i < S->stages.shape[s][d]; i++)
        S->plain[s][d][i] = origin[d] + (double)i * spacing[d];
      longest = PetscMax(longest, S->stages.shape[s][d]);
    }
  }
  for (int to = 0; op->kind == FEN_COST_POWER && to < 2; to++)
    for (PetscInt d = 0; d < op->dim; d++)
      PetscCall(MakeCosts(op, to, d));
  PetscCheck(longest < INT_MAX, op->comm, (PetscErrorCode)FEN_ERR_SIZE, "an axis of %lld points is too long",
             (long long)longest);
  PetscCall(PetscMalloc1(S->stages.nwork, &S->a));
  PetscCall(PetscMalloc1(S->stages.nwork, &S->b));
  PetscCall(PetscMalloc1(FenSweepWork(op->kernels, longest) + FEN_LINE, &S->memory));
  S->sweep = (double *)FenOnLine(S->memory);
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
