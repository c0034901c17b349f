/* SPDX-License-Identifier: BSD-2-Clause */
/* The pencils of a grid's axes, and how arrays get from one to the next. */
#include "stages.h"

/* pencil layouts of a direction: axis d-1 first; a stage changes the length of its axis only */
static PetscErrorCode MakeChain(MPI_Comm comm, FenLayout const from[2], int dir, FenStages *S)
{
  FenChain *C = &S->chain[dir];
  FenLayout previous = from[1 - dir], whole;
  FenInt    shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(shape, S->shape[1 - dir], FEN_MAX_DIM));
  for (PetscInt s = 0; s < S->dim; s++) {
    FenStage *g = &C->stage[s];

    g->axis = S->dim - 1 - s;
    PetscCall(FenLayoutCreateGrid(comm, S->dim, shape, NULL, &whole));
    PetscCall(FenLayoutCreatePencil(whole, g->axis, &g->in));
    PetscCall(FenLayoutDestroy(&whole));
    g->lin = shape[g->axis];
    g->lout = shape[g->axis] = S->shape[dir][g->axis];
    PetscCall(FenLayoutCreateGrid(comm, S->dim, shape, NULL, &whole));
    PetscCall(FenLayoutCreatePencil(whole, g->axis, &g->out));
    PetscCall(FenLayoutDestroy(&whole));
    PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
    PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
    g->nlines = g->lin ? g->nin / g->lin : 0;
    PetscCheck(g->nlines * g->lout == g->nout, comm, (PetscErrorCode)FEN_ERR_INTERNAL,
               "pencils along axis %d are cut differently before and after", (int)g->axis);
    PetscCall(FenRedistCreate(previous, g->in, &g->enter));
    previous = g->out;
    S->nwork = PetscMax(S->nwork, PetscMax(g->nin, g->nout));
  }
  PetscCall(FenRedistCreate(previous, from[dir], &C->leave));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesCreate(FenMeasure const measure[2], FenStages *S)
{
  const MPI_Comm  comm = PetscObjectComm((PetscObject)measure[0]);
  const FenStage *g = S->chain[0].stage;
  FenLayout       layout[2];

  PetscFunctionBegin;
  PetscCall(PetscMemzero(S, sizeof(*S)));
  PetscCall(FenMeasureGetDim(measure[0], &S->dim));
  for (int s = 0; s < 2; s++) {
    FenInt n;

    PetscCall(FenMeasureGetGrid(measure[s], S->shape[s], NULL, NULL));
    PetscCall(FenMeasureGetLayout(measure[s], &layout[s]));
    PetscCall(FenLayoutGetLocalSize(layout[s], &n));
    S->nwork = PetscMax(S->nwork, n);
  }
  for (int dir = 0; dir < 2; dir++)
    PetscCall(MakeChain(comm, layout, dir, S));
  for (PetscInt s = 0; s < S->dim; s++)
    PetscCall(FenRedistCreate(s + 1 < S->dim ? g[s + 1].in : layout[0], g[s].out, &S->back[s]));
  PetscCall(FenRedistCreate(g[0].in, layout[1], &S->out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagesDestroy(FenStages *S)
{
  PetscFunctionBegin;
  for (int dir = 0; dir < 2; dir++) {
    for (PetscInt s = 0; s < S->dim; s++) {
      FenStage *g = &S->chain[dir].stage[s];

      PetscCall(FenRedistDestroy(&g->enter));
      PetscCall(FenLayoutDestroy(&g->in));
      PetscCall(FenLayoutDestroy(&g->out));
    }
    PetscCall(FenRedistDestroy(&S->chain[dir].leave));
  }
  for (PetscInt s = 0; s < S->dim; s++)
    PetscCall(FenRedistDestroy(&S->back[s]));
  PetscCall(FenRedistDestroy(&S->out));
  PetscFunctionReturn(0);
}
