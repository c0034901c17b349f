/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One stage of a pass: lines come, are swept, and go. Across blocks they come and go in groups, so that one travels
   while another is worked on.
*/
#include "separableimpl.h"

static PetscErrorCode Sweep(FenStageAction action, const FenSweep *w, FenFactors *F)
{
  PetscFunctionBegin;
  switch (action) {
  case FEN_STAGE_LSE:
    FenSweepLSE(w);
    break;
  case FEN_STAGE_FACTORS:
    PetscCall(FenSweepFactors(w, F));
    break;
  case FEN_STAGE_HARD:
    PetscCall(FenSweepHard(w));
    break;
  case FEN_STAGE_APPLY:
    FenSweepApply(w);
    break;
  case FEN_STAGE_FORWARD:
    FenSweepMult(w, F, FEN_SWEEP_FORWARD);
    break;
  case FEN_STAGE_SPREAD:
    FenSweepSpread(w);
    break;
  case FEN_STAGE_TRANSPOSED:
    FenSweepMult(w, F, FEN_SWEEP_TRANSPOSED);
    break;
  case FEN_STAGE_SQUARES:
    FenSweepMult(w, F, FEN_SWEEP_SQUARES);
    break;
  }
  PetscFunctionReturn(0);
}

/* room for n numbers, which is all that will be there, and a few more */
static PetscErrorCode Need(FenInt n, FenInt *room, double **array)
{
  PetscFunctionBegin;
  if (n <= *room)
    PetscFunctionReturn(0);
  PetscCall(PetscFree(*array));
  *room = n + n / 8;
  PetscCall(PetscMalloc1(*room, array));
  PetscFunctionReturn(0);
}

/* room for what comes from others for a stage across blocks, and goes back */
static PetscErrorCode Others(FenSeparable *S, const FenStage *g)
{
  PetscFunctionBegin;
  PetscCall(Need(FenHaloSize(g->halo), &S->nothers, &S->others));
  PetscFunctionReturn(0);
}

/* the sources of a group are there, and it is what a sweep works on */
static PetscErrorCode Come(const FenSeparable *S, const FenStage *g, int group, FenSweep *w)
{
  PetscFunctionBegin;
  PetscCall(FenHaloGetEnd(g->halo, group, S->now, S->others));
  FenHaloGroup(g->halo, group, &w->from, &w->to);
  PetscFunctionReturn(0);
}

/* one of the two arrays that is not this one */
static double *Other(const FenSeparable *S, const double v[])
{
  return v == S->a ? S->b : S->a;
}

/* S->now through a plan; NULL: it stays */
static PetscErrorCode Go(FenSeparable *S, FenRedist way)
{
  double *to = Other(S, S->now);

  PetscFunctionBegin;
  if (!way)
    PetscFunctionReturn(0);
  PetscCall(FenRedistMove(way, S->now, to));
  S->now = to;
  PetscFunctionReturn(0);
}

PetscErrorCode FenChainStart(FenOTOperator op, FenDirection dir, const double in[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  S->now = in;
  PetscCall(Go(S, S->stages.chain[dir].start));
  PetscFunctionReturn(0);
}

static PetscBool IsLast(FenOTOperator op, const FenStage *g)
{
  return (PetscBool)(g->number % FEN_MAX_DIM == op->dim - 1);
}

/* does a way back end with this stage? */
static PetscBool IsFirst(const FenStage *g)
{
  return PetscNot(g->number % FEN_MAX_DIM);
}

PetscErrorCode FenStageLeave(FenOTOperator op, const FenStage *g, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  if (!IsLast(op, g)) {
    PetscCall(Go(S, g->leave));
    PetscFunctionReturn(0);
  }
  if (S->now != out)
    PetscCall(FenStageMove(g->leave, S->now, g->nout, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageArrive(FenOTOperator op, const FenStage *g, const double in[])
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  if (in)
    S->now = in;
  PetscCall(Go(S, g->arrive));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageThrough(FenOTOperator op, const FenStage *g, FenStageAction action, FenSweep *w, FenFactors *F,
                               double out[])
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const PetscBool exponents = (PetscBool)(action <= FEN_STAGE_HARD);

  PetscFunctionBegin;
  if (g->halo) {
    PetscCall(Others(S, g));
    PetscCall(FenHaloGetBegin(g->halo, S->now, S->others));
  } else
    PetscCall(Go(S, g->enter));
  w->out = out && IsLast(op, g) && !g->leave ? out : Other(S, S->now);
  if (exponents) {
    w->u = S->now;
    w->ucame = S->others;
  } else {
    w->v = S->now;
    w->vcame = S->others;
  }
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo)
      PetscCall(Come(S, g, k, w));
    PetscCall(Sweep(action, w, F));
  }
  S->now = w->out;
  PetscFunctionReturn(0);
}

/* where sums of the sources of a stage's lines are made, and where they are before the stage: at the end of the way in
   `out` if nothing moves any more. Across blocks that is the same array, which a sweep without targets does not touch
 */
static PetscErrorCode PlaceBack(FenSeparable *S, const FenStage *g, double out[], FenSweep *w, double **before)
{
  const PetscBool straight = (PetscBool)(IsFirst(g) && !S->stages.chain[FEN_TO_SOURCE].home);

  PetscFunctionBegin;
  w->out = straight && !g->back ? out : Other(S, S->now);
  *before = straight ? out : g->back ? Other(S, w->out) : w->out;
  if (!g->halo)
    PetscFunctionReturn(0);
  PetscCall(Others(S, g));
  w->go = S->others;
  if (!g->lout)
    PetscCall(PetscArrayzero(*before, g->nin));
  PetscFunctionReturn(0);
}

/* a stage's lines back, or what is left of the groups that were begun; from the first stage to `out` */
static PetscErrorCode Return(FenSeparable *S, const FenStage *g, const FenSweep *w, double before[], double out[])
{
  PetscFunctionBegin;
  if (before != w->out)
    PetscCall(FenRedistMove(g->back, w->out, before));
  for (int k = 0; g->halo && k < FenStageGroups(g); k++)
    PetscCall(FenHaloAddEnd(g->halo, k, S->others, before));
  S->now = before;
  if (IsFirst(g) && before != out)
    PetscCall(FenRedistMove(S->stages.chain[FEN_TO_SOURCE].home, before, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageBackward(FenOTOperator op, const FenStage *g, FenStageAction action, FenSweep *w, FenFactors *F,
                                double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *before;

  PetscFunctionBegin;
  w->v = S->now;
  PetscCall(PlaceBack(S, g, out, w, &before));
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo)
      FenHaloGroup(g->halo, k, &w->from, &w->to);
    PetscCall(Sweep(action, w, F));
    if (g->halo)
      PetscCall(FenHaloAddBegin(g->halo, k, S->others, before));
  }
  PetscCall(Return(S, g, w, before, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageThereAndBack(FenOTOperator op, const FenStage *g, FenSweep *w, FenFactors *F, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *before;

  PetscFunctionBegin;
  if (!g->halo)
    PetscCall(Go(S, g->enter));
  w->v = S->now;
  PetscCall(PlaceBack(S, g, out, w, &before));
  w->vcame = w->go;
  if (g->halo)
    PetscCall(FenHaloGetBegin(g->halo, S->now, S->others));
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo)
      PetscCall(Come(S, g, k, w));
    FenSweepMult(w, F, FEN_SWEEP_BOTH);
    if (g->halo)
      PetscCall(FenHaloAddBegin(g->halo, k, S->others, before));
  }
  PetscCall(Return(S, g, w, before, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagePlanClear(FenStagePlan *P)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(P->L));
  PetscCall(PetscFree(P->minus));
  PetscCall(PetscFree(P->came));
  PetscCall(PetscFree(P->windows[0]));
  PetscCall(PetscFree(P->windows[1]));
  PetscCall(FenFactorsDestroy(&P->factors));
  PetscCall(PetscMemzero(P, sizeof(*P)));
  PetscFunctionReturn(0);
}

/* what a plan keeps of a stage; of twins there is one */
static PetscErrorCode Room(FenOTOperator op, const FenStage *g)
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenStagePlan *P = &S->plan[g->number];
  const FenInt  lines = S->cones ? 0 : g->nlines; /* that have windows */

  PetscFunctionBegin;
  PetscCall(FenStagePlanClear(&S->plan[(g->number + FEN_MAX_DIM) % FEN_STAGES]));
  if (!P->minus) {
    PetscCall(PetscMalloc1(g->nin, &P->L));
    PetscCall(PetscMalloc1(g->nout, &P->minus));
    PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lout, lines), &P->windows[0]));
    PetscCall(FenFactorsCreate(op->kernels, FenTileKindOf(op->kind), g->lout, g->nlines, &P->factors));
  }
  if (g->halo)
    PetscCall(Need(FenHaloSize(g->halo), &P->ncame, &P->came));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageLogSums(FenOTOperator op, FenDirection dir, const FenStage *g, PetscBool keep, int *windows,
                               double out[])
{
  FenSeparable  *S = (FenSeparable *)op->data;
  FenStagePlan  *P = &S->plan[g->number];
  FenSweep       w = FenStageSweep(op, g, dir, PETSC_TRUE);
  FenStageAction action = FEN_STAGE_LSE;

  PetscFunctionBegin;
  w.visits = g->halo ? NULL : S->stages.visits[dir][g->number];
  w.windows = windows;
  if (keep) {
    PetscCall(Room(op, g));
    w.windows = P->windows[0];
    if (op->keep || S->cones)
      action = FEN_STAGE_FACTORS;
  }
  PetscCall(FenStageThrough(op, g, action, &w, &P->factors, out));
  if (!keep)
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(P->L, w.u, g->nin));
  if (g->halo)
    PetscCall(PetscArraycpy(P->came, w.ucame, FenHaloSize(g->halo)));
  for (FenInt i = 0; i < g->nout; i++)
    P->minus[i] = w.out[i] > FEN_NONE ? -w.out[i] : FEN_NONE; /* a line without weight has no plan */
  P->have[0] = PETSC_TRUE;
  P->have[1] = PETSC_FALSE;
  if (action == FEN_STAGE_FACTORS)
    op->kept = (PetscBool)(op->kept && P->factors.have);
  PetscFunctionReturn(0);
}
