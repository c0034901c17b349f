/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Levels of a transport problem on grids: the same problem between measures of blocks of 2, 4, 8 ... pixels along each
   axis (FenMeasureCoarsen), along axes of wide pixels only when the others' blocks are as wide. While epsilon is large
   against the squared width of a block (against its width for distances), the plan is too blurred to see pixels, and an
   iteration on blocks does the same for a fraction of the work. Level 0 is the problem itself.

   An iteration works on the present level: op, a, b, n, m, f, g of FenOT are that level's, which alone has an operator.
   Each level keeps its own g, which a state lists, so that a stop on a coarse level loses nothing. Passes on a level
   count by their share of the points (of the pairs where pairs are evaluated one by one).

   Where few pixels have mass there is one more level, the last one: the clouds of these pixels, see support.c. It has
   the problem's own solution.

   Grids are cut over ranks by equal counts of pixels. The lines of a pass differ in work (empty rows, wide windows), so
   that on a new level they are cut by what their blocks cost on the level before, counted in two passes at its end,
   where that is uneven enough to pay for what then moves between the two.

   Memory of all levels: at most 1/(1 - 2^-d) times that of the finest. Messages: those of passes; between two levels
   one redistribution an axis.
*/
#include "otimpl.h"
#include "operator/stages.h"
#include <math.h>

#define LEAST     8   /* points that an axis keeps at least */
#define AS_NARROW 1.5 /* pixels so many times as wide as the narrowest ones are halved with them */

static PetscErrorCode LevelCreate(FenMeasure source, FenMeasure target, FenOTLevel *L)
{
  const FenMeasure m[2] = {source, target};

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    PetscCall(PetscObjectReference((PetscObject)m[s]));
    L->measure[s] = m[s];
    PetscCall(FenMeasureGetSize(m[s], &L->N[s], &L->n[s]));
    PetscCall(FenMeasureGetWeights(m[s], &L->weight[s]));
  }
  PetscCall(PetscCalloc2(L->n[0], &L->f, L->n[1], &L->g));
  L->share = 1;
  PetscFunctionReturn(0);
}

/* halves the axes of both measures along which pixels are narrowest; no_more: both are as coarse as they get */
static PetscErrorCode Coarser(const FenOTLevel *fine, FenMeasure coarse[2], PetscBool *no_more)
{
  FenInt   shape[2][FEN_MAX_DIM];
  double   spacing[2][FEN_MAX_DIM], narrowest = HUGE_VAL;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(fine->measure[0], &dim));
  for (int s = 0; s < 2; s++) {
    PetscCall(FenMeasureGetGrid(fine->measure[s], shape[s], spacing[s], NULL));
    for (PetscInt k = 0; k < dim; k++)
      if (shape[s][k] >= 2 * LEAST)
        narrowest = PetscMin(narrowest, spacing[s][k]);
  }
  *no_more = PetscNot(narrowest < HUGE_VAL);
  for (int s = 0; s < 2; s++) {
    PetscBool halved[FEN_MAX_DIM] = {PETSC_FALSE};

    for (PetscInt k = 0; k < dim; k++)
      halved[k] = (PetscBool)(shape[s][k] >= 2 * LEAST && spacing[s][k] <= AS_NARROW * narrowest);
    PetscCall(FenMeasureCoarsen(fine->measure[s], halved, &coarse[s]));
  }
  PetscFunctionReturn(0);
}

/* widest block: squared for squared costs */
static PetscErrorCode Blur(FenOT ot, const FenOTLevel *L, double *blur)
{
  double   width = 0;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  for (int s = 0; s < 2; s++) {
    double spacing[FEN_MAX_DIM], finest[FEN_MAX_DIM];

    PetscCall(FenMeasureGetGrid(L->measure[s], NULL, spacing, NULL));
    PetscCall(FenMeasureGetGrid(ot->level[0].measure[s], NULL, finest, NULL));
    for (PetscInt k = 0; k < dim; k++)
      if (spacing[k] > finest[k])
        width = PetscMax(width, spacing[k]);
  }
  PetscCall(FenCostBlur(ot->cost, ot->source, ot->target, width, blur));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTNarrowest_Private(FenMeasure grid, double *width)
{
  FenInt   shape[FEN_MAX_DIM];
  double   spacing[FEN_MAX_DIM];
  PetscInt dim;

  PetscFunctionBegin;
  *width = HUGE_VAL;
  PetscCall(FenMeasureGetDim(grid, &dim));
  PetscCall(FenMeasureGetGrid(grid, shape, spacing, NULL));
  for (PetscInt k = 0; k < dim; k++)
    if (shape[k] > 1)
      *width = PetscMin(*width, spacing[k]);
  PetscFunctionReturn(0);
}

/* widest pixel, squared for squared costs */
static PetscErrorCode Pixel(FenOT ot)
{
  double   width = 0, spacing[FEN_MAX_DIM];
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  for (int s = 0; s < 2; s++) {
    PetscCall(FenMeasureGetGrid(ot->level[0].measure[s], NULL, spacing, NULL));
    for (PetscInt k = 0; k < dim; k++)
      width = PetscMax(width, spacing[k]);
  }
  PetscCall(FenCostBlur(ot->cost, ot->source, ot->target, width, &ot->pixel));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOnGrids_Private(FenOT ot, PetscBool *grids)
{
  FenMeasureKind kind[2];
  FenCostKind    cost = FEN_COST_SQEUCLIDEAN;

  PetscFunctionBegin;
  if (ot->cost)
    PetscCall(FenCostGetKind(ot->cost, &cost));
  PetscCall(FenMeasureGetKind(ot->source, &kind[0]));
  PetscCall(FenMeasureGetKind(ot->target, &kind[1]));
  *grids = (PetscBool)(kind[0] == FEN_MEASURE_GRID && kind[1] == FEN_MEASURE_GRID && cost != FEN_COST_MATRIX);
  PetscFunctionReturn(0);
}

static PetscErrorCode AnyEmpty(FenOT ot, FenOTLevel *L)
{
  int mine = 0, any;

  PetscFunctionBegin;
  for (FenInt j = 0; j < L->n[1]; j++)
    mine |= !(L->weight[1][j] > 0);
  PetscCallMPI(MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)ot)));
  L->empty = (PetscBool)any;
  PetscFunctionReturn(0);
}

/* ---- cuts ---- */

static PetscErrorCode WorkSize(const FenOTLevel *L, PetscInt *dim, FenInt shape[2][FEN_MAX_DIM], FenInt *size)
{
  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(L->measure[0], dim));
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetGrid(L->measure[s], shape[s], NULL, NULL));
  *size = FenStagesWorkSize(*dim, shape[0], shape[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeCuts(FenOTLevel *L)
{
  FenInt   shape[2][FEN_MAX_DIM], size, local;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(WorkSize(L, &dim, shape, &size));
  PetscCall(FenLayoutCreateRows(PetscObjectComm((PetscObject)L->measure[0]), size, &L->cuts));
  PetscCall(FenLayoutGetLocalSize(L->cuts, &local));
  PetscCall(PetscCalloc1(local, &L->work));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTForgetCuts_Private(FenOT ot)
{
  FenInt local;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < ot->nlevels && ot->level[l].cuts; l++) {
    PetscCall(FenLayoutGetLocalSize(ot->level[l].cuts, &local));
    PetscCall(PetscArrayzero(ot->level[l].work, local));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMeasureCuts_Private(FenOT ot, PetscInt l)
{
  const FenOTLevel *coarse = &ot->level[ot->at], *L = &ot->level[l];
  FenInt            shape[2][FEN_MAX_DIM], finer_shape[2][FEN_MAX_DIM], size, finer_size, start, end;
  PetscInt          dim;
  PetscMPIInt       ranks;
  double           *work, *finer;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(ot->op->comm, &ranks));
  if (!L->cuts || ranks == 1)
    PetscFunctionReturn(0);
  PetscCall(WorkSize(coarse, &dim, shape, &size));
  PetscCall(WorkSize(L, &dim, finer_shape, &finer_size));
  PetscCall(PetscMalloc2(size, &work, finer_size, &finer));
  PetscCall(FenOTOperatorGetWork(ot->op, ot->g, work));
  FenStagesWorkRefine(dim, shape[0], shape[1], finer_shape[0], finer_shape[1], work, finer);
  PetscCall(FenLayoutGetRange(L->cuts, &start, &end));
  PetscCall(PetscArraycpy(L->work, finer + start, end - start));
  PetscCall(PetscFree2(work, finer));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTGatherRows_Private(FenLayout rows, const double mine[], double **all)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)rows);
  PetscMPIInt    ranks, rank, *counts, *starts;
  FenInt         size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetSize(rows, &size));
  PetscCall(PetscMalloc1(size, all));
  PetscCall(PetscMalloc2(ranks, &counts, ranks, &starts));
  for (PetscMPIInt r = 0; r < ranks; r++) {
    FenBox box;

    PetscCall(FenLayoutGetBox(rows, r, &box));
    PetscCall(FenMPIIntCast(box.lo[0], &starts[r]));
    PetscCall(FenMPIIntCast(box.hi[0] - box.lo[0], &counts[r]));
  }
  PetscCallMPI(MPI_Allgatherv(mine, counts[rank], MPI_DOUBLE, *all, counts, starts, MPI_DOUBLE, comm));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTStateCuts_Private(FenOT ot, FenState state)
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < ot->nlevels && ot->level[l].cuts; l++) {
    char full[64];

    PetscCall(PetscSNPrintf(full, sizeof(full), "cuts_%d", (int)l));
    PetscCall(FenStateAddArray(state, full, ot->level[l].cuts, 1, ot->level[l].work));
  }
  PetscFunctionReturn(0);
}

/* of the points that have mass, if they are few */
static PetscErrorCode SupportLevel(FenOT ot)
{
  FenOTLevel *L = &ot->level[ot->nlevels];
  FenMeasure  cloud[2];
  PetscBool   fits;

  PetscFunctionBegin;
  PetscCall(FenOTSupportFits_Private(ot, &fits, &ot->few, &ot->swapped));
  if (!fits)
    PetscFunctionReturn(0);
  for (int s = 0; s < 2; s++)
    PetscCall(FenOTSupportCreate_Private(ot->level[0].measure[ot->swapped ? 1 - s : s], &cloud[s], &L->support[s]));
  if (!ot->relaxed)
    PetscCall(FenMeasureBalance(cloud[0], cloud[1], PETSC_TRUE));
  PetscCall(LevelCreate(cloud[0], cloud[1], L));
  L->share = (double)L->N[0] / (double)ot->level[0].N[0] * ((double)L->N[1] / (double)ot->level[0].N[1]);
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureDestroy(&cloud[s]));
  ot->support = ot->nlevels++;
  PetscFunctionReturn(0);
}

/* level 0, and coarser ones that some epsilon of the schedule can use: up to `most` of them */
PetscErrorCode FenOTLevelsCreate_Private(FenOT ot, PetscInt most)
{
  const double first = FenEpsilonFirst(&ot->schedule, ot->cost_max, ot->eps);
  PetscBool    has = PETSC_FALSE, no_more = PETSC_FALSE;
  FenInt       n = 0, m = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)most + 2, &ot->level));
  PetscCall(LevelCreate(ot->source, ot->target, &ot->level[0]));
  ot->nlevels = 1;
  ot->support = 0;
  PetscCall(FenOTUseLevel_Private(ot, 0));
  PetscCall(FenOTOnGrids_Private(ot, &has));
  ot->pixel = 0;
  if (has)
    PetscCall(Pixel(ot));
  for (PetscInt l = 0; has && l < most && !no_more; l++) {
    const FenOTLevel *fine = &ot->level[l];
    FenOTLevel       *L = &ot->level[l + 1];
    FenMeasure        coarse[2];

    PetscCall(Coarser(fine, coarse, &no_more));
    if (!no_more) {
      if (!ot->relaxed)
        PetscCall(FenMeasureBalance(coarse[0], coarse[1], PETSC_TRUE));
      PetscCall(LevelCreate(coarse[0], coarse[1], L));
      PetscCall(Blur(ot, L, &L->blur));
      L->share = ot->op->separable
                     ? (double)(L->N[0] + L->N[1]) / (double)(ot->level[0].N[0] + ot->level[0].N[1])
                     : (double)L->N[0] / (double)ot->level[0].N[0] * ((double)L->N[1] / (double)ot->level[0].N[1]);
      ot->nlevels++;
      no_more = (PetscBool)(first < FEN_OT_BLUR * L->blur);
    }
    for (int s = 0; s < 2; s++)
      PetscCall(FenMeasureDestroy(&coarse[s]));
  }
  if (has && most && ot->uses_support)
    PetscCall(SupportLevel(ot));
  for (PetscInt l = 0; l < ot->nlevels; l++) {
    PetscCall(AnyEmpty(ot, &ot->level[l]));
    n = PetscMax(n, ot->level[l].n[0]);
    if (ot->nlevels > 1 && ot->op->stages && !ot->level[l].support[0])
      PetscCall(MakeCuts(&ot->level[l]));
    m = PetscMax(m, ot->level[l].n[1]);
  }
  if (ot->relaxed)
    PetscCall(PetscCalloc2(n, &ot->soft, n, &ot->r));
  ot->most = m;
  PetscCall(PetscCalloc2(m, &ot->wm, m, &ot->wm2));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTLevelsDestroy_Private(FenOT ot)
{
  PetscFunctionBegin;
  PetscCall(FenOTOperatorDestroy(&ot->op));
  PetscCall(PetscFree(ot->cut_by));
  for (PetscInt l = 0; l < ot->nlevels; l++) {
    FenOTLevel *L = &ot->level[l];

    PetscCall(PetscFree2(L->f, L->g));
    for (int s = 0; s < 2; s++)
      PetscCall(FenOTSupportDestroy_Private(&L->support[s]));
    PetscCall(FenLayoutDestroy(&L->cuts));
    PetscCall(PetscFree(L->work));
    for (int s = 0; s < 2; s++)
      PetscCall(FenMeasureDestroy(&L->measure[s]));
  }
  ot->nlevels = ot->at = 0;
  ot->f = ot->g = NULL;
  PetscCall(PetscFree(ot->level));
  PetscCall(PetscFree2(ot->wm, ot->wm2));
  PetscCall(PetscFree2(ot->soft, ot->r));
  PetscFunctionReturn(0);
}

PetscInt FenOTLevelFor_Private(const FenOT ot, double eps)
{
  PetscInt l = ot->support ? ot->support - 1 : ot->nlevels - 1;

  while (l > 0 && eps < FEN_OT_BLUR * ot->level[l].blur)
    l--;
  return l;
}

PetscErrorCode FenOTUseLevel_Private(FenOT ot, PetscInt l)
{
  FenOTLevel *L = &ot->level[l];
  PetscBool   same = (PetscBool)(l == ot->at && ot->op);
  double     *cuts = NULL;
  FenInt      size = 0;

  PetscFunctionBegin;
  if (L->cuts)
    PetscCall(FenOTGatherRows_Private(L->cuts, L->work, &cuts));
  if (same && cuts)
    PetscCall(FenLayoutGetSize(L->cuts, &size));
  for (FenInt k = 0; same && cuts && k < size; k++)
    same = (PetscBool)(cuts[k] == (ot->cut_by ? ot->cut_by[k] : 0));
  if (!same) { /* another operator; work goes on counting */
    const double    passes = ot->op ? ot->op->passes : 0, pairs = ot->op ? ot->op->pairs : 0;
    const PetscBool keep = ot->op ? ot->op->keep : PETSC_FALSE;

    PetscCall(FenOTOperatorDestroy(&ot->op));
    PetscCall(FenOTOperatorCreateCut(L->measure[0], L->measure[1], ot->cost, ot->pairs, ot->simd, cuts, &ot->op));
    PetscCall(FenOTOperatorSetEpsilon(ot->op, ot->eps));
    ot->op->share = L->share;
    ot->op->keep = keep;
    ot->op->passes = passes;
    ot->op->pairs = pairs;
  }
  PetscCall(PetscFree(ot->cut_by));
  ot->cut_by = cuts;
  ot->at = l;
  ot->a = L->weight[0];
  ot->b = L->weight[1];
  ot->n = L->n[0];
  ot->m = L->n[1];
  ot->f = L->f;
  ot->g = L->g;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCarry_Private(FenOT ot, PetscInt from, PetscInt to, FenOTLevelMap map, const double v[],
                                  double out[])
{
  const PetscInt step = to < from ? -1 : 1;
  double        *now, *next;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(ot->most, &now, ot->most, &next));
  PetscCall(PetscArraycpy(now, v, ot->level[from].n[1]));
  for (PetscInt k = from; k != to; k += step) {
    const FenOTLevel *here = &ot->level[k], *there = &ot->level[k + step];

    if (here->measure[1] == there->measure[1])
      continue;
    PetscCall(map(here->measure[1], there->measure[1], now, next));
    PetscCall(PetscArraycpy(now, next, there->n[1]));
  }
  PetscCall(PetscArraycpy(out, now, ot->level[to].n[1]));
  PetscCall(PetscFree2(now, next));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTInterpolate_Private(FenOT ot, PetscInt l, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(FenOTCarry_Private(ot, ot->at, l, FenMeasureInterpolate, v, out));
  PetscFunctionReturn(0);
}

/* whatever a solve ends with becomes an answer of the problem itself. The g of the level it ended on stays */
PetscErrorCode FenOTUseFinest_Private(FenOT ot)
{
  PetscFunctionBegin;
  if (FenOTOnSupport_Private(ot)) {
    PetscCall(FenOTLeaveSupport_Private(ot));
  } else if (ot->at > 0) {
    PetscCall(FenOTInterpolate_Private(ot, 0, ot->g, ot->level[0].g));
    PetscCall(FenOTUseLevel_Private(ot, 0));
  }
  PetscFunctionReturn(0);
}

/* name, name_1, name_2 ...: an array on the targets of each level */
PetscErrorCode FenOTStateLevels_Private(FenOT ot, FenState state, const char name[], double *const array[])
{
  PetscFunctionBegin;
  for (PetscInt l = 0; l < ot->nlevels; l++) {
    char      full[64];
    FenLayout layout;

    PetscCall(PetscSNPrintf(full, sizeof(full), l ? "%s_%d" : "%s", name, (int)l));
    PetscCall(FenMeasureGetLayout(ot->level[l].measure[1], &layout));
    PetscCall(FenStateAddArray(state, full, layout, 1, array ? array[l] : ot->level[l].g));
  }
  PetscFunctionReturn(0);
}
