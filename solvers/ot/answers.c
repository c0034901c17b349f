/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user asks after the solve: potentials, bounds, map, plan, work, memory. */
#include "otimpl.h"

/*@C
  FenOTGetPotentials - The dual potentials on the measures' layouts.

  Not Collective

  Output Parameters:
+ f - n_local numbers, the exact soft transform of g (the best potential for g if the source's marginal is penalised)
- g - m_local numbers

  Notes:
  Owned by the solver. P_ij = a_i b_j exp((f_i + g_j - C_ij)/eps) has exact row sums; points of weight zero have the
  potential that extends the others.

  Level: beginner

.seealso: `FenOTSolve()`
@*/
PetscErrorCode FenOTGetPotentials(FenOT ot, const double *f[], const double *g[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)ot));
  if (f)
    *f = ot->f;
  if (g)
    *g = ot->g;
  PetscFunctionReturn(0);
}

/*@C
  FenOTComputeBounds - Certified bounds of the regularised and of the unregularised optimum from the present potentials.

  Collective

  Output Parameter:
. bounds - the bounds, or NULL

  Level: beginner

.seealso: `FenSolverGetBounds()`
@*/
PetscErrorCode FenOTComputeBounds(FenOT ot, FenOTBounds *bounds)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)ot));
  if (!ot->final) {
    PetscCall(FenOTUseFinest_Private(ot));
    if (ot->op->eps != ot->eps) /* stopped on an early level */
      PetscCall(FenOTOperatorSetEpsilon(ot->op, ot->eps));
    PetscCall(FenOTCertify_Private(ot, FEN_BOUNDS_ALL));
    ot->final = PETSC_TRUE;
  }
  if (bounds)
    *bounds = ot->bounds;
  PetscFunctionReturn(0);
}

/*@C
  FenOTComputeMap - Barycentric image of each of my source points under the plan: the mean of where its mass goes.

  Collective

  Output Parameter:
. map - n_local x dim, row by row

  Level: intermediate

.seealso: `FenOTComputePlan()`
@*/
PetscErrorCode FenOTComputeMap(FenOT ot, double map[])
{
  const double *y;
  PetscInt      dim;
  double       *in, *out;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->target, &dim));
  PetscCall(FenMeasureGetPoints(ot->target, &y));
  PetscCall(PetscMalloc2((size_t)(ot->m * dim), &in, (size_t)(ot->n * dim), &out));
  for (FenInt j = 0; j < ot->m; j++)
    for (PetscInt k = 0; k < dim; k++)
      in[k * ot->m + j] = y[j * dim + k];
  PetscCall(FenOTPlan_Private(ot, ot->g));
  PetscCall(FenOTMult(ot->op, dim, in, out));
  for (FenInt i = 0; i < ot->n; i++)
    for (PetscInt k = 0; k < dim; k++)
      map[i * dim + k] = out[k * ot->n + i];
  PetscCall(PetscFree2(in, out));
  PetscFunctionReturn(0);
}

/* Operators number targets in rank order. On a grid that is not cut along its first axis only, that is not the order of
   the grid: place k of a rank's box is turned into the number in the whole grid */
static PetscErrorCode NumberTargets(FenOT ot, FenSparse *plan)
{
  FenLayout   layout;
  FenBox     *box;
  FenInt     *start, shape[FEN_MAX_DIM];
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(ot->op->comm, &size));
  PetscCall(FenMeasureGetLayout(ot->target, &layout));
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(PetscMalloc2(size, &box, size + 1, &start));
  start[0] = 0;
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(FenLayoutGetBox(layout, r, &box[r]));
    start[r + 1] = start[r];
    if (box[r].hi[0] > box[r].lo[0])
      start[r + 1] += (box[r].hi[0] - box[r].lo[0]) * (box[r].hi[1] - box[r].lo[1]) * (box[r].hi[2] - box[r].lo[2]);
  }
  for (FenInt e = 0; e < plan->ptr[ot->n]; e++) {
    PetscMPIInt   r = 0;
    FenInt        k, w1, w2;
    const FenBox *b;

    while (plan->idx[e] >= start[r + 1])
      r++;
    b = &box[r];
    k = plan->idx[e] - start[r];
    w1 = b->hi[1] - b->lo[1];
    w2 = b->hi[2] - b->lo[2];
    plan->idx[e] = ((b->lo[0] + k / (w1 * w2)) * shape[1] + b->lo[1] + k / w2 % w1) * shape[2] + b->lo[2] + k % w2;
  }
  PetscCall(PetscFree2(box, start));
  PetscFunctionReturn(0);
}

/*@C
  FenOTComputePlan - The plan's large entries as sparse rows.

  Collective

  Input Parameters:
+ ot        - the solver
- threshold - entries of at least this share of the largest entry of their row are kept, in (0,1]

  Output Parameter:
. plan - rows of my sources with global target numbers; free it with `FenSparseFree()`

  Level: intermediate

.seealso: `FenOTComputeMap()`
@*/
PetscErrorCode FenOTComputePlan(FenOT ot, double threshold, FenSparse *plan)
{
  PetscFunctionBegin;
  PetscCheck(threshold > 0 && threshold <= 1, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "plan threshold %g: must be above 0 and at most 1", threshold);
  PetscCall(FenOTPlan_Private(ot, ot->g));
  PetscCall(FenOTEntries(ot->op, FenOTSoft_Private(ot), ot->g, threshold, PETSC_FALSE, NULL, plan));
  PetscCall(NumberTargets(ot, plan));
  for (FenInt i = 0; i < ot->n; i++)
    for (FenInt k = plan->ptr[i]; k < plan->ptr[i + 1]; k++)
      plan->val[k] *= FenOTRows_Private(ot)[i];
  PetscFunctionReturn(0);
}

/*@C
  FenSparseFree - Frees sparse rows.

  Not Collective

  Level: intermediate

.seealso: `FenOTComputePlan()`
@*/
PetscErrorCode FenSparseFree(FenSparse *sparse)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(sparse->ptr));
  PetscCall(PetscFree(sparse->idx));
  PetscCall(PetscFree(sparse->val));
  PetscFunctionReturn(0);
}

/*@C
  FenOTGetWork - Evaluations of the kernel so far.

  Not Collective

  Output Parameters:
+ passes - over all pairs
- pairs  - n m for each pass

  Level: intermediate

.seealso: `FenOTSolve()`
@*/
PetscErrorCode FenOTGetWork(FenOT ot, double *passes, double *pairs)
{
  PetscFunctionBegin;
  if (passes)
    *passes = ot->op ? ot->op->passes : 0;
  if (pairs)
    *pairs = ot->op ? ot->op->pairs : 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMemory_Private(FenOT ot, double *bytes, double *more)
{
  FenInt         N[2], n[2], most;
  PetscInt       dim;
  FenCostKind    kind;
  double         mine, support = 0, type = 0;
  PetscBool      isgrid;
  PetscMPIInt    ranks;
  FenMeasureKind points;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ot), &ranks));
  PetscCall(FenMeasureGetKind(ot->source, &points));
  isgrid = (PetscBool)(points == FEN_MEASURE_GRID);
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetSize(ot->source, &N[0], &n[0]));
  PetscCall(FenMeasureGetSize(ot->target, &N[1], &n[1]));
  PetscCall(FenCostGetKind(ot->cost, &kind));
  most = PetscMax(n[0], n[1]);
  /* weights, coordinates three times, potentials, work of the operator and of the Krylov method, two travelling blocks
   */
  mine = 8.0 * ((double)(n[0] + n[1]) * (double)(3 * dim + 24) + (double)most * (double)(2 * dim + 8));
  if (ot->uses_levels && isgrid && dim <= 3 && kind != FEN_COST_MATRIX) {
    /* on grids: arrays of the levels and of the iteration, couplings on their way, the V-cycle's graph (single
       precision), messages; partial sums and factors of an axis (single precision, windows of 14 or of at most
       FEN_FACTORS_MOST) */
    const double arrays = 24 + (dim > 2 ? 12 + 38 : 12) + (ranks > 1 ? 8 : 0),
                 axis = 2 + (kind == FEN_COST_SQEUCLIDEAN || kind == FEN_COST_POWER ? 7.5 : 40);

    mine = 8.0 * (double)most * (arrays + (double)dim * axis);
    if (ot->uses_support && ot->levels_most)
      PetscCall(FenOTSupportMemory_Private(ot, &support));
    mine += support;
  }
  if (kind == FEN_COST_POWER) {
    FenInt shape[2][FEN_MAX_DIM];
    double spacing[2][FEN_MAX_DIM];

    PetscCall(FenMeasureGetGrid(ot->source, shape[0], spacing[0], NULL));
    PetscCall(FenMeasureGetGrid(ot->target, shape[1], spacing[1], NULL));
    for (PetscInt k = 0; k < dim; k++) /* costs of an axis, for both directions, twice */
      mine += spacing[0][k] == spacing[1][k] ? 0 : 32.0 * (double)shape[0][k] * (double)shape[1][k];
  }
  if (kind == FEN_COST_MATRIX)
    mine += 8.0 * ((double)n[0] * (double)N[1] + (double)n[1] * (double)N[0]);
  *more = 0;
  if (ot->base.ops->memory)
    PetscCall((*ot->base.ops->memory)((FenSolver)ot, &type, more));
  *bytes = mine + type;
  PetscFunctionReturn(0);
}

/*@C
  FenOTGetMemoryEstimate - Bytes that a rank will need, largest over ranks; known before anything is allocated.

  Collective

  Output Parameters:
+ bytes_per_rank - what a solve usually takes
- most           - with all that the type does as a last resort, the same if there is nothing of the kind; or NULL

  Level: intermediate

.seealso: `FenOTSolve()`
@*/
PetscErrorCode FenOTGetMemoryEstimate(FenOT ot, double *bytes_per_rank, double *most)
{
  double mine[2], all[2], more;

  PetscFunctionBegin;
  PetscCall(FenOTCheckCost_Private(ot));
  if (!((PetscObject)ot)->type_name)
    PetscCall(FenSolverUseDefaultType_Private((FenSolver)ot));
  PetscCall(FenOTMemory_Private(ot, &mine[0], &more));
  mine[1] = mine[0] + more;
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)ot)));
  *bytes_per_rank = all[0];
  if (most)
    *most = all[1];
  PetscFunctionReturn(0);
}
