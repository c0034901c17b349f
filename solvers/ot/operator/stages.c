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

/* ---- how grids are cut ---- */

/* work of all stages by place along an axis that is the given side's in them, the same on all ranks */
static PetscErrorCode SideWork(const FenStages *S, int side, PetscInt axis, const double work[], double sum[])
{
  const FenInt *const sides[2] = {S->shape[0], S->shape[1]};
  FenInt              n = 0;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(sum, S->shape[side][axis]));
  for (int dir = 0; dir < 2; dir++)
    for (PetscInt s = 0; s < S->dim; s++) {
      const PetscInt own = S->dim - 1 - s;
      const double  *w = work + WorkAt(S->dim, sides, dir, s, axis, &n);

      if (axis == own || (axis > own ? dir : 1 - dir) != side)
        continue;
      for (FenInt i = 0; i < n; i++)
        sum[i] += w[i];
    }
  PetscFunctionReturn(0);
}

/* Where even blocks have so little more to do nothing need move between the measures and the stages: on two ranks, with
   2 % more that saves 4 % of the time, with 7 % more 1 % */
#define SLACK 0.08

/* what axes are cut by */
typedef struct {
  FenStages *S;
  double    *weight[2][FEN_MAX_DIM]; /* by side; NULL: even */
} Cutter;

/* blocks of a grid of which the axes from `changed` on are those of the targets of a direction, or pencils of it */
static PetscErrorCode Cut(const Cutter *K, MPI_Comm comm, int dir, PetscInt changed, PetscInt pencil, FenLayout *layout)
{
  const FenStages *S = K->S;
  FenInt           shape[FEN_MAX_DIM];
  const double    *weight[FEN_MAX_DIM] = {NULL};
  FenLayout        even;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < S->dim; k++) {
    const int side = k >= changed ? dir : 1 - dir;

    shape[k] = S->shape[side][k];
    weight[k] = K->weight[side][k];
  }
  PetscCall(FenLayoutCreateGrid(comm, S->dim, shape, S->ranks, &even));
  if (pencil >= 0) {
    const PetscInt natural[FEN_MAX_DIM] = {0, 1, 2};
    FenLayout      blocks = even, byline;

    PetscCall(FenLayoutCreatePencil(blocks, pencil, &byline));
    PetscCall(FenLayoutCreateOrdered(byline, natural, &even));
    PetscCall(FenLayoutDestroy(&byline));
    PetscCall(FenLayoutDestroy(&blocks));
  }
  PetscCall(FenLayoutCreateWeighted(even, weight, SLACK, layout));
  PetscCall(FenLayoutDestroy(&even));
  PetscFunctionReturn(0);
}

static PetscErrorCode CutterCreate(FenStages *S, const double work[], Cutter *K)
{
  PetscFunctionBegin;
  *K = (Cutter){.S = S};
  for (int side = 0; work && side < 2; side++)
    for (PetscInt k = 0; k < S->dim; k++) {
      PetscCall(PetscMalloc1(S->shape[side][k], &K->weight[side][k]));
      PetscCall(SideWork(S, side, k, work, K->weight[side][k]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode CutterDestroy(Cutter *K)
{
  PetscFunctionBegin;
  for (int side = 0; side < 2; side++)
    for (PetscInt k = 0; k < K->S->dim; k++)
      PetscCall(PetscFree(K->weight[side][k]));
  PetscFunctionReturn(0);
}

/* ---- chains ---- */

static PetscErrorCode Pencils(const Cutter *K, MPI_Comm comm, int dir, FenStage *g)
{
  FenBox box;

  PetscFunctionBegin;
  PetscCall(Cut(K, comm, dir, g->axis + 1, g->axis, &g->in));
  PetscCall(Cut(K, comm, dir, g->axis, g->axis, &g->out));
  PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
  PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
  g->lin = K->S->shape[1 - dir][g->axis];
  g->lout = K->S->shape[dir][g->axis];
  g->nlines = g->lin ? g->nin / g->lin : 0;
  g->inner = 1;
  PetscCall(FenLayoutGetBox(g->in, -1, &box));
  for (PetscInt k = g->axis + 1; k < K->S->dim; k++)
    g->inner *= PetscMax(1, box.hi[k] - box.lo[k]);
  PetscCheck(g->nlines * g->lout == g->nout, comm, (PetscErrorCode)FEN_ERR_INTERNAL,
             "pencils along axis %d are cut differently before and after", (int)g->axis);
  PetscFunctionReturn(0);
}

/* The twin of a stage that begins with `before`, if that is blocks */
static PetscErrorCode Across(const Cutter *K, MPI_Comm comm, int dir, FenLayout before, const FenKernels *kernels,
                             FenStage *g)
{
  FenStages *S = K->S;
  PetscInt   order[FEN_MAX_DIM] = {g->axis}, n = 1;
  FenLayout  blocks;
  FenBox     box;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < S->dim; k++)
    if (k != g->axis)
      order[n++] = k;
  PetscCall(PetscObjectReference((PetscObject)before));
  g->in = before;
  PetscCall(Cut(K, comm, dir, g->axis, -1, &blocks));
  PetscCall(FenLayoutCreateOrdered(blocks, order, &g->out));
  PetscCall(FenLayoutDestroy(&blocks));
  PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
  PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
  PetscCall(FenLayoutGetBox(g->out, -1, &box));
  g->lin = S->shape[1 - dir][g->axis];
  g->lout = box.hi[g->axis] - box.lo[g->axis];
  g->first = box.lo[g->axis];
  g->nlines = 1;
  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    g->nlines *= k == g->axis ? 1 : box.hi[k] - box.lo[k];
  PetscCall(FenHaloCreate(g->in, g->out, g->axis,
                          S->line[g->axis] == MPI_COMM_NULL ? PETSC_COMM_SELF : S->line[g->axis], kernels, &g->halo));
  S->across = (PetscBool)(S->across || g->halo);
  PetscFunctionReturn(0);
}

/* from one layout to the other, and back; NULL if nothing moves here */
static PetscErrorCode Join(FenLayout from, FenLayout to, FenRedist *there, FenRedist *back)
{
  PetscFunctionBegin;
  PetscCall(FenRedistCreate(from, to, there));
  PetscCall(FenRedistDropCopy(there));
  if (!back)
    PetscFunctionReturn(0);
  PetscCall(FenRedistCreate(to, from, back));
  PetscCall(FenRedistDropCopy(back));
  PetscFunctionReturn(0);
}

/* axis d-1 first; a stage changes the length of its axis only. Ways back are needed to the source's targets only */
static PetscErrorCode MakeChain(const Cutter *K, MPI_Comm comm, FenLayout const measure[2], int dir,
                                const FenKernels *kernels)
{
  FenStages *S = K->S;
  FenChain  *C = &S->chain[dir];
  FenLayout  now;

  PetscFunctionBegin;
  if (kernels && S->dim > 1 && S->ranks[S->dim - 1] > 1)
    PetscCall(Cut(K, comm, dir, S->dim, -1, &C->begin));
  else {
    PetscCall(PetscObjectReference((PetscObject)measure[1 - dir]));
    C->begin = measure[1 - dir];
  }
  PetscCall(Join(measure[1 - dir], C->begin, &C->start, dir ? NULL : &C->home));
  now = C->begin;
  for (PetscInt s = 0; s < S->dim; s++) {
    FenStage *g = &C->stage[s], *across = &C->across[s];
    FenLayout next;

    *g = (FenStage){.number = s, .axis = S->dim - 1 - s};
    *across = (FenStage){.number = FEN_MAX_DIM + s, .axis = g->axis};
    PetscCall(Pencils(K, comm, dir, g));
    PetscCall(Join(now, g->in, &g->enter, dir ? NULL : &g->back));
    if (kernels && S->dim > 1 && S->ranks[g->axis] > 1)
      PetscCall(Across(K, comm, dir, now, kernels, across));
    next = s == S->dim - 1 ? measure[dir] : across->halo ? across->out : g->out;
    PetscCall(Join(g->out, next, &g->leave, dir ? NULL : &g->arrive));
    if (across->halo)
      PetscCall(Join(across->out, next, &across->leave, dir ? NULL : &across->arrive));
    S->nwork = PetscMax(S->nwork, PetscMax(PetscMax(g->nin, g->nout), PetscMax(across->nin, across->nout)));
    now = next;
  }
  PetscFunctionReturn(0);
}

/* the measure that is on more ranks */
static PetscErrorCode Wider(FenLayout const layout[2], FenLayout *wider)
{
  PetscMPIInt used[2];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenLayoutGetRanks(layout[s], NULL, &used[s]));
  *wider = layout[used[1] > used[0]];
  PetscFunctionReturn(0);
}

/* of ranks whose blocks differ along an axis only */
static PetscErrorCode Lines(MPI_Comm comm, FenLayout layout, FenStages *S)
{
  PetscMPIInt rank, place[FEN_MAX_DIM], step[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetPlace(layout, place, step));
  for (PetscInt k = FEN_MAX_DIM - 1; k >= 0; k--)
    if (S->ranks[k] > 1)
      PetscCallMPI(MPI_Comm_split(comm, place[k] < 0 ? MPI_UNDEFINED : rank - place[k] * step[k], rank, &S->line[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesCreate(FenMeasure const measure[2], const double work[], const FenKernels *kernels,
                               FenStages *S)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)measure[0]);
  FenLayout      layout[2], wider = NULL;
  Cutter         K;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(S, sizeof(*S)));
  PetscCall(FenMeasureGetDim(measure[0], &S->dim));
  for (int k = 0; k < FEN_MAX_DIM; k++)
    S->line[k] = MPI_COMM_NULL;
  for (int s = 0; s < 2; s++) {
    FenInt n;

    PetscCall(FenMeasureGetLayout(measure[s], &layout[s]));
    PetscCall(FenMeasureGetGrid(measure[s], S->shape[s], NULL, NULL));
    PetscCall(FenLayoutGetLocalSize(layout[s], &n));
    S->nwork = PetscMax(S->nwork, n);
  }
  PetscCall(Wider(layout, &wider));
  PetscCall(FenLayoutGetRanks(wider, S->ranks, NULL));
  if (kernels && S->dim > 1)
    PetscCall(Lines(comm, wider, S));
  PetscCall(CutterCreate(S, work, &K));
  for (int dir = 0; dir < 2; dir++)
    PetscCall(MakeChain(&K, comm, layout, dir, kernels));
  PetscCall(CutterDestroy(&K));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageMove(FenRedist way, const double from[], FenInt n, double to[])
{
  PetscFunctionBegin;
  if (way)
    PetscCall(FenRedistMove(way, from, to));
  else
    PetscCall(PetscArraycpy(to, from, n));
  PetscFunctionReturn(0);
}

static PetscErrorCode StageDestroy(FenStage *g)
{
  PetscFunctionBegin;
  PetscCall(FenRedistDestroy(&g->enter));
  PetscCall(FenRedistDestroy(&g->back));
  PetscCall(FenRedistDestroy(&g->leave));
  PetscCall(FenRedistDestroy(&g->arrive));
  PetscCall(FenHaloDestroy(&g->halo));
  PetscCall(FenLayoutDestroy(&g->in));
  PetscCall(FenLayoutDestroy(&g->out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesDestroy(FenStages *S)
{
  PetscFunctionBegin;
  for (int dir = 0; dir < 2; dir++) {
    FenChain *C = &S->chain[dir];

    for (PetscInt s = 0; s < S->dim; s++) {
      PetscCall(StageDestroy(&C->stage[s]));
      PetscCall(StageDestroy(&C->across[s]));
      PetscCall(PetscFree(S->visits[dir][s]));
    }
    PetscCall(FenRedistDestroy(&C->start));
    PetscCall(FenRedistDestroy(&C->home));
    PetscCall(FenLayoutDestroy(&C->begin));
  }
  for (int k = 0; k < FEN_MAX_DIM; k++)
    if (S->line[k] != MPI_COMM_NULL)
      PetscCallMPI(MPI_Comm_free(&S->line[k]));
  PetscFunctionReturn(0);
}
