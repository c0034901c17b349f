/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The support of a transport problem on grids: the clouds of the points that have mass, as a level of the problem.

   Where few pixels have mass, blocks of pixels are a poor likeness of them: a point moves by half a block when it
   becomes one, which changes costs of far-apart points by many epsilon, and plans that link far-apart points are not
   seen by couplings of near neighbours. A pass over all pairs of points with mass is cheap there, and products with a
   plan's kept entries are cheaper still. So a type that asks for it gets, instead of coarse grids, one level that has
   the points with mass and no others. Epsilon falls on it to its last value, and the solve ends there: it is the same
   problem. Potentials of the other points follow by soft transforms.

   Points keep the order of the grid and are cut over ranks evenly, wherever on the grid they lie.

   Cost: n' m' pairs a pass; a factorisation of at most k^3/3 flops a Newton step, k = min(n', m'). Memory: about 120
   numbers a point with mass, the factor on each rank, at most k^2/2 numbers.
   Messages: those of passes over pairs; at the beginning and the end one redistribution.
*/
#include "otimpl.h"

#define PAIRS_A_POINT 512  /* pairs of points with mass for each point of the grids at most, */
#define FEW_A_POINT   64   /* so many are few */
#define SMALLER       6000 /* points of the smaller side at most: its Newton system may be factorised */
#define ENTRIES       60   /* of the plan a point, about, when its matrix is assembled */

struct _FenOTSupport {
  FenLayout slabs;          /* of the grid, in whole planes: its points in the order of the grid */
  FenInt    nslab, n;       /* my points of the slabs, those with mass among them */
  FenInt   *place;          /* of those, in the slab */
  FenRedist spread, gather; /* kept points to even rows and back */
  FenRedist in, out;        /* the grid's layout to slabs and back */
};

/* points with mass, in all */
static PetscErrorCode Count(FenMeasure grid, FenInt *n)
{
  const double *w;
  FenInt        size, local, mine = 0;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetSize(grid, &size, &local));
  PetscCall(FenMeasureGetWeights(grid, &w));
  for (FenInt i = 0; i < local; i++)
    mine += w[i] > 0;
  PetscCallMPI(MPI_Allreduce(&mine, n, 1, MPI_FENINT, MPI_SUM, PetscObjectComm((PetscObject)grid)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTIsSparse_Private(FenMeasure grid, PetscBool *sparse)
{
  FenInt size, local, n;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetSize(grid, &size, &local));
  PetscCall(Count(grid, &n));
  *sparse = (PetscBool)(n <= size / FEN_OT_SPARSE);
  PetscFunctionReturn(0);
}

/* what the level takes on each rank: arrays and entries of the plan, the factor at most */
PetscErrorCode FenOTSupportMemory_Private(FenOT ot, double *bytes)
{
  PetscBool   fits, few, swapped;
  FenInt      n[2];
  PetscMPIInt ranks;
  double      smaller;

  PetscFunctionBegin;
  *bytes = 0;
  PetscCall(FenOTSupportFits_Private(ot, &fits, &few, &swapped));
  if (!fits)
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)ot), &ranks));
  PetscCall(Count(ot->source, &n[0]));
  PetscCall(Count(ot->target, &n[1]));
  smaller = (double)PetscMin(n[0], n[1]);
  *bytes = ENTRIES * 16 * ((double)n[0] + (double)n[1]) / ranks + 4 * smaller * smaller;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTSupportFits_Private(FenOT ot, PetscBool *fits, PetscBool *few, PetscBool *swapped)
{
  FenInt      n[2], N[2], local;
  FenCostKind cost = FEN_COST_SQEUCLIDEAN;
  double      share;

  PetscFunctionBegin;
  *fits = *few = *swapped = PETSC_FALSE;
  if (ot->cost)
    PetscCall(FenCostGetKind(ot->cost, &cost));
  if (cost != FEN_COST_SQEUCLIDEAN && cost != FEN_COST_EUCLIDEAN && cost != FEN_COST_L1)
    PetscFunctionReturn(0);
  PetscCall(Count(ot->source, &n[0]));
  PetscCall(Count(ot->target, &n[1]));
  PetscCall(FenMeasureGetSize(ot->source, &N[0], &local));
  PetscCall(FenMeasureGetSize(ot->target, &N[1], &local));
  share = (double)n[0] * (double)n[1] / ((double)N[0] + (double)N[1]);
  *swapped = (PetscBool)(!ot->relaxed && n[0] <= n[1] / 2); /* Newton systems are of the target */
  *few = (PetscBool)(share <= FEW_A_POINT);
  *fits = (PetscBool)((n[0] <= N[0] / FEN_OT_SPARSE || n[1] <= N[1] / FEN_OT_SPARSE) &&
                      PetscMin(n[0], n[1]) <= SMALLER && share <= PAIRS_A_POINT);
  PetscFunctionReturn(0);
}

/* numbers of the kept points, of every `stride`-th in v, to even rows */
static PetscErrorCode Spread(FenOTSupport S, const double v[], PetscInt stride, double kept[], double even[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < S->n; k++)
    kept[k] = v[S->place[k] * stride];
  PetscCall(FenRedistMove(S->spread, kept, even));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTSupportCreate_Private(FenMeasure grid, FenMeasure *support, FenOTSupport *out)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)grid);
  FenOTSupport   S;
  FenMeasure     all;
  FenLayout      layout, kept, even;
  FenInt         shape[FEN_MAX_DIM], size, n;
  PetscInt       dim;
  const double  *w, *x;
  double        *work, *row, *points, *weights;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  PetscCall(FenMeasureGetDim(grid, &dim));
  PetscCall(FenMeasureGetLayout(grid, &layout));
  PetscCall(FenMeasureGetGrid(grid, shape, NULL, NULL));
  PetscCall(FenLayoutCreateGrid(comm, dim, shape, NULL, &S->slabs));
  PetscCall(FenRedistCreate(S->slabs, layout, &S->out));
  PetscCall(FenRedistCreate(layout, S->slabs, &S->in));
  PetscCall(FenMeasureToPoints(grid, &all)); /* cut as the slabs are */
  PetscCall(FenMeasureGetSize(all, &size, &S->nslab));
  PetscCall(FenMeasureGetWeights(all, &w));
  PetscCall(FenMeasureGetPoints(all, &x));
  PetscCall(PetscMalloc1(S->nslab, &S->place));
  for (FenInt i = 0; i < S->nslab; i++)
    if (w[i] > 0)
      S->place[S->n++] = i;
  PetscCall(FenLayoutCreateRowsLocal(comm, S->n, &kept));
  PetscCall(FenLayoutGetSize(kept, &size));
  PetscCall(FenLayoutCreateRows(comm, size, &even));
  PetscCall(FenLayoutGetLocalSize(even, &n));
  PetscCall(FenRedistCreate(kept, even, &S->spread));
  PetscCall(FenRedistCreate(even, kept, &S->gather));
  PetscCall(PetscMalloc4(S->n, &work, n, &row, (size_t)(n * dim), &points, n, &weights));
  PetscCall(Spread(S, w, 1, work, weights));
  for (PetscInt k = 0; k < dim; k++) {
    PetscCall(Spread(S, x + k, dim, work, row));
    for (FenInt i = 0; i < n; i++)
      points[i * dim + k] = row[i];
  }
  PetscCall(FenMeasureCreatePoints(comm, n, dim, points, weights, support));
  PetscCall(PetscFree4(work, row, points, weights));
  PetscCall(FenLayoutDestroy(&kept));
  PetscCall(FenLayoutDestroy(&even));
  PetscCall(FenMeasureDestroy(&all));
  *out = S;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTSupportDestroy_Private(FenOTSupport *support)
{
  FenOTSupport S = *support;

  PetscFunctionBegin;
  if (!S)
    PetscFunctionReturn(0);
  PetscCall(FenRedistDestroy(&S->spread));
  PetscCall(FenRedistDestroy(&S->gather));
  PetscCall(FenRedistDestroy(&S->in));
  PetscCall(FenRedistDestroy(&S->out));
  PetscCall(FenLayoutDestroy(&S->slabs));
  PetscCall(PetscFree(S->place));
  PetscCall(PetscFree(S));
  *support = NULL;
  PetscFunctionReturn(0);
}

/* numbers of the points with mass to the grid; zero elsewhere */
static PetscErrorCode ToGrid(FenOTSupport S, const double v[], double grid[])
{
  double *kept, *slab;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(S->n, &kept));
  PetscCall(PetscCalloc1(S->nslab, &slab));
  PetscCall(FenRedistMove(S->gather, v, kept));
  for (FenInt k = 0; k < S->n; k++)
    slab[S->place[k]] = kept[k];
  PetscCall(FenRedistMove(S->out, slab, grid));
  PetscCall(PetscFree(kept));
  PetscCall(PetscFree(slab));
  PetscFunctionReturn(0);
}

/* g there is that of the present level, interpolated; where sides are swapped, its transform */
PetscErrorCode FenOTGoToSupport_Private(FenOT ot, double eps)
{
  FenOTLevel  *L = &ot->level[0];
  FenOTSupport S = ot->level[ot->support].support[1];
  double      *grid = L->g, *slab, *kept;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(S->nslab, &slab, S->n, &kept));
  if (ot->at > 0)
    PetscCall(FenOTInterpolate_Private(ot, 0, ot->g, L->g));
  if (ot->swapped) {
    PetscCall(FenOTUseLevel_Private(ot, 0));
    PetscCall(FenOTOperatorSetEpsilon(ot->op, eps));
    PetscCall(FenOTSoftTransform(ot->op, FEN_TO_SOURCE, ot->g, ot->f));
    grid = ot->f;
  }
  PetscCall(FenRedistMove(S->in, grid, slab));
  PetscCall(Spread(S, slab, 1, kept, ot->level[ot->support].g));
  PetscCall(PetscFree2(slab, kept));
  PetscCall(FenOTUseLevel_Private(ot, ot->support));
  PetscFunctionReturn(0);
}

/* g there, and where there is no mass what extends it: two transforms for the last epsilon. f of g is g of the problem
   where sides are swapped */
PetscErrorCode FenOTLeaveSupport_Private(FenOT ot)
{
  FenOTSupport *S = ot->level[ot->at].support;
  FenOTLevel   *L = &ot->level[0];
  const int     source = ot->swapped ? 1 : 0;
  double       *g;

  PetscFunctionBegin;
  PetscCall(FenOTOperatorSetEpsilon(ot->op, ot->eps));
  PetscCall(FenOTPlan_Private(ot, ot->g));
  PetscCall(PetscMalloc1(L->n[1], &g));
  PetscCall(ToGrid(S[source], source ? ot->g : ot->f, L->f));
  PetscCall(ToGrid(S[1 - source], source ? ot->f : ot->g, g));
  PetscCall(FenOTUseLevel_Private(ot, 0));
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, ot->g));
  for (FenInt j = 0; j < ot->m; j++)
    ot->g[j] = ot->b[j] > 0 ? g[j] : FenMarginalUpdate(&ot->marginal[1], ot->eps, ot->g[j]);
  PetscCall(PetscFree(g));
  ot->certified_at = -1; /* what belongs to bounds was of the support's points */
  PetscFunctionReturn(0);
}
