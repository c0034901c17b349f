/* SPDX-License-Identifier: BSD-2-Clause */
/* The layouts of a grid's stages, and how arrays get from one to the next. */
#include "stages.h"

/* where work of a stage along an axis begins; dir 2: the end */
static FenInt WorkAt(PetscInt dim, const FenInt *const shape[2], int dir, PetscInt stage, PetscInt axis, FenInt *length)
{
  FenInt at = 0;

  for (int to = 0; to < 2; to++)
    for (PetscInt s = 0; s < dim; s++)
      for (PetscInt k = 0; k < dim; k++) {
        const PetscInt own = dim - 1 - s;
        const FenInt   n = shape[k > own ? to : 1 - to][k]; /* axes behind the stage's have changed sides */

        if (to == dir && s == stage && k == axis) {
          *length = n;
          return at;
        }
        at += k == own ? 0 : n;
      }
  return at;
}

FenInt FenStagesWorkSize(PetscInt dim, const FenInt source[], const FenInt target[])
{
  const FenInt *const shape[2] = {source, target};
  FenInt              n;

  return WorkAt(dim, shape, 2, 0, 0, &n);
}

void FenStagesWorkRefine(PetscInt dim, const FenInt source[], const FenInt target[], const FenInt finer[],
                         const FenInt finer_target[], const double work[], double out[])
{
  const FenInt *const shape[2] = {source, target}, *const finer_shape[2] = {finer, finer_target};

  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < dim; s++)
      for (PetscInt k = 0; k < dim; k++) {
        FenInt        n, nf, half = 0;
        const double *w = work + WorkAt(dim, shape, dir, s, k, &n);
        double       *f = out + WorkAt(dim, finer_shape, dir, s, k, &nf);

        while (((nf - 1) >> half) + 1 > n)
          half++;
        for (FenInt i = 0; k != dim - 1 - s && i < nf; i++)
          f[i] = w[i >> half];
      }
}

PetscErrorCode FenStagesCountBegin(FenStages *S)
{
  PetscFunctionBegin;
  S->counting = PETSC_TRUE;
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < S->dim; s++)
      PetscCall(PetscCalloc1(S->chain[dir].stage[s].nlines, &S->visits[dir][s]));
  PetscFunctionReturn(0);
}

/* the lines of a stage, in the order of the axes other than its own */
static PetscErrorCode Sum(const FenStages *S, int dir, PetscInt s, double work[])
{
  const FenStage     *g = &S->chain[dir].stage[s];
  const FenInt *const shape[2] = {S->shape[0], S->shape[1]};
  FenBox              box;
  FenInt              line = 0, n;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(g->in, -1, &box));
  box.lo[g->axis] = 0;
  box.hi[g->axis] = g->nlines ? 1 : 0;
  for (FenInt a = box.lo[0]; a < box.hi[0]; a++)
    for (FenInt b = box.lo[1]; b < box.hi[1]; b++)
      for (FenInt c = box.lo[2]; c < box.hi[2]; c++, line++) {
        const FenInt at[FEN_MAX_DIM] = {a, b, c};

        for (PetscInt k = 0; k < S->dim; k++)
          if (k != g->axis)
            work[WorkAt(S->dim, shape, dir, s, k, &n) + at[k]] += S->visits[dir][s][line];
      }
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesCountEnd(FenStages *S, double work[])
{
  const FenInt size = FenStagesWorkSize(S->dim, S->shape[0], S->shape[1]);
  PetscMPIInt  n;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(size, &n));
  PetscCall(PetscArrayzero(work, size));
  S->counting = PETSC_FALSE;
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < S->dim; s++) {
      PetscCall(Sum(S, dir, s, work));
      PetscCall(PetscFree(S->visits[dir][s]));
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, work, n, MPI_DOUBLE, MPI_SUM,
                             PetscObjectComm((PetscObject)S->chain[0].stage[0].in))); /* of integers, so exact */
  PetscFunctionReturn(0);
}

/* pencils along an axis, cut by the work of a stage */
static PetscErrorCode Pencil(MPI_Comm comm, const FenStages *S, const FenInt shape[], int dir, PetscInt s,
                             const double work[], FenLayout *pencil)
{
  const FenInt *const sides[2] = {S->shape[0], S->shape[1]};
  const double       *weight[FEN_MAX_DIM] = {NULL};
  FenLayout           whole, even;
  FenInt              n;

  PetscFunctionBegin;
  for (PetscInt k = 0; work && k < S->dim; k++)
    if (k != S->dim - 1 - s)
      weight[k] = work + WorkAt(S->dim, sides, dir, s, k, &n);
  PetscCall(FenLayoutCreateGrid(comm, S->dim, shape, S->ranks, &whole));
  PetscCall(FenLayoutCreatePencil(whole, S->dim - 1 - s, &even));
  PetscCall(FenLayoutCreateWeighted(even, weight, pencil));
  PetscCall(FenLayoutDestroy(&even));
  PetscCall(FenLayoutDestroy(&whole));
  PetscFunctionReturn(0);
}

/* pencil layouts of a direction: axis d-1 first; a stage changes the length of its axis only */
static PetscErrorCode MakeChain(MPI_Comm comm, FenLayout const from[2], int dir, const double work[], FenStages *S)
{
  FenChain *C = &S->chain[dir];
  FenLayout previous = from[1 - dir];
  FenInt    shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(shape, S->shape[1 - dir], FEN_MAX_DIM));
  for (PetscInt s = 0; s < S->dim; s++) {
    FenStage *g = &C->stage[s];

    g->number = s;
    g->axis = S->dim - 1 - s;
    PetscCall(Pencil(comm, S, shape, dir, s, work, &g->in));
    g->lin = shape[g->axis];
    g->lout = shape[g->axis] = S->shape[dir][g->axis];
    PetscCall(Pencil(comm, S, shape, dir, s, work, &g->out));
    PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
    PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
    g->nlines = g->lin ? g->nin / g->lin : 0;
    PetscCheck(g->nlines * g->lout == g->nout, comm, (PetscErrorCode)FEN_ERR_INTERNAL,
               "pencils along axis %d are cut differently before and after", (int)g->axis);
    PetscCall(FenRedistCreate(previous, g->in, &g->enter));
    if (dir == 0)
      PetscCall(FenRedistCreate(g->in, previous, &g->back));
    previous = g->out;
    S->nwork = PetscMax(S->nwork, PetscMax(g->nin, g->nout));
  }
  PetscCall(FenRedistCreate(previous, from[dir], &C->stage[S->dim - 1].leave));
  if (dir == 0)
    PetscCall(FenRedistCreate(from[dir], previous, &C->stage[S->dim - 1].arrive));
  PetscFunctionReturn(0);
}

static PetscErrorCode MeasureLayouts(FenMeasure const measure[2], FenLayout layout[2])
{
  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetLayout(measure[s], &layout[s]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesCreate(FenMeasure const measure[2], const double work[], FenStages *S)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)measure[0]);
  FenLayout      layout[2];

  PetscFunctionBegin;
  PetscCall(PetscMemzero(S, sizeof(*S)));
  PetscCall(FenMeasureGetDim(measure[0], &S->dim));
  PetscCall(MeasureLayouts(measure, layout));
  for (int k = 0; k < FEN_MAX_DIM; k++)
    S->ranks[k] = 1;
  for (int s = 0; s < 2; s++) {
    PetscMPIInt used;
    FenInt      n;

    PetscCall(FenMeasureGetGrid(measure[s], S->shape[s], NULL, NULL));
    PetscCall(FenLayoutGetLocalSize(layout[s], &n));
    S->nwork = PetscMax(S->nwork, n);
    PetscCall(FenLayoutGetRanks(layout[s], NULL, &used));
    S->ranks[0] = PetscMax(S->ranks[0], used);
  }
  for (int dir = 0; dir < 2; dir++)
    PetscCall(MakeChain(comm, layout, dir, work, S));
  PetscFunctionReturn(0);
}

/* Slabs of a side, cut as the lines are with which the other direction begins */
static PetscErrorCode Slabs(MPI_Comm comm, const FenStages *S, int dir, const double work[], FenLayout *slabs)
{
  const FenInt *const sides[2] = {S->shape[0], S->shape[1]};
  const double       *weight[FEN_MAX_DIM] = {NULL};
  FenLayout           even;
  FenInt              n;

  PetscFunctionBegin;
  if (work)
    weight[0] = work + WorkAt(S->dim, sides, 1 - dir, 0, 0, &n);
  PetscCall(FenLayoutCreateGrid(comm, S->dim, S->shape[dir], S->ranks, &even));
  PetscCall(FenLayoutCreateWeighted(even, weight, slabs));
  PetscCall(FenLayoutDestroy(&even));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesCreateAcross(FenMeasure const measure[2], const double work[], const FenKernels *kernels,
                                     FenStages *S)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)measure[0]);
  FenLayout      layout[2];
  PetscMPIInt    ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  if (S->dim == 1 || ranks == 1)
    PetscFunctionReturn(0);
  PetscCall(MeasureLayouts(measure, layout));
  for (int dir = 0; dir < 2; dir++) {
    const FenStage *last = &S->chain[dir].stage[S->dim - 1];
    FenStage       *g = &S->chain[dir].stage[S->dim];
    FenBox          box;

    g->number = S->dim;
    g->axis = 0;
    PetscCall(PetscObjectReference((PetscObject)last[-1].out));
    g->in = last[-1].out;
    PetscCall(Slabs(comm, S, dir, work, &g->out));
    PetscCall(FenHaloCreate(g->in, g->out, kernels, &g->halo));
    if (!g->halo)
      continue;
    S->across[dir] = PETSC_TRUE;
    PetscCall(FenLayoutGetBox(g->out, -1, &box));
    PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
    PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
    g->first = box.lo[0];
    g->lin = last->lin;
    g->lout = box.hi[0] - box.lo[0];
    g->nlines = S->shape[dir][1] * (S->dim > 2 ? S->shape[dir][2] : 1);
    S->nwork = PetscMax(S->nwork, g->nout);
    PetscCall(FenRedistCreate(g->out, layout[dir], &g->leave));
    if (dir == 0)
      PetscCall(FenRedistCreate(layout[dir], g->out, &g->arrive));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageEnterBegin(const FenStage *g, const double before[], double lines[])
{
  PetscFunctionBegin;
  if (g->halo)
    PetscCall(FenHaloGetBegin(g->halo, before, lines));
  else
    PetscCall(FenRedistMove(g->enter, before, lines));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageEnterEnd(const FenStage *g, int group, PetscBool exponents, const double before[],
                                double lines[])
{
  PetscFunctionBegin;
  if (g->halo)
    PetscCall(FenHaloGetEnd(g->halo, group, exponents, before, lines));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageBackBegin(const FenStage *g, int group, const double lines[], double before[])
{
  PetscFunctionBegin;
  if (g->halo)
    PetscCall(FenHaloAddBegin(g->halo, group, lines, before));
  else
    PetscCall(FenRedistMove(g->back, lines, before));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageBackEnd(const FenStage *g, int group, const double lines[], double before[])
{
  PetscFunctionBegin;
  if (g->halo)
    PetscCall(FenHaloAddEnd(g->halo, group, lines, before));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageEnter(const FenStage *g, const double before[], double lines[])
{
  PetscFunctionBegin;
  PetscCall(FenStageEnterBegin(g, before, lines));
  for (int k = 0; k < FenStageGroups(g); k++)
    PetscCall(FenStageEnterEnd(g, k, PETSC_FALSE, before, lines));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageBack(const FenStage *g, const double lines[], double before[])
{
  PetscFunctionBegin;
  if (g->halo)
    PetscCall(PetscArrayzero(before, g->nin));
  for (int k = 0; k < FenStageGroups(g); k++)
    PetscCall(FenStageBackBegin(g, k, lines, before));
  for (int k = 0; k < FenStageGroups(g); k++)
    PetscCall(FenStageBackEnd(g, k, lines, before));
  PetscFunctionReturn(0);
}

FenInt FenStageLines(const FenStage *g)
{
  return g->halo ? FenHaloSize(g->halo) : g->nin;
}

PetscErrorCode FenStagesDestroy(FenStages *S)
{
  PetscFunctionBegin;
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s <= S->dim; s++) {
      FenStage *g = &S->chain[dir].stage[s];

      PetscCall(FenRedistDestroy(&g->enter));
      PetscCall(FenRedistDestroy(&g->back));
      PetscCall(FenRedistDestroy(&g->leave));
      PetscCall(FenRedistDestroy(&g->arrive));
      PetscCall(FenHaloDestroy(&g->halo));
      PetscCall(FenLayoutDestroy(&g->in));
      PetscCall(FenLayoutDestroy(&g->out));
      if (s < S->dim)
        PetscCall(PetscFree(S->visits[dir][s]));
    }
  PetscFunctionReturn(0);
}
