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

/* where a stage's lines are */
static PetscErrorCode Lines(FenSeparable *S, const FenStage *g, double **lines)
{
  const FenInt n = FenStageLines(g);

  PetscFunctionBegin;
  if (g->halo && n > S->nparts) {
    PetscCall(PetscFree(S->parts));
    S->nparts = n + n / 8;
    PetscCall(PetscMalloc1(S->nparts, &S->parts));
  }
  *lines = g->halo ? S->parts : S->b;
  PetscFunctionReturn(0);
}

PetscErrorCode FenChainStart(FenOTOperator op, FenDirection dir, const double in[])
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenChain *C = &S->stages.chain[dir];

  PetscFunctionBegin;
  if (C->start) {
    PetscCall(FenRedistMove(C->start, in ? in : S->a, S->b));
    FenSwapArrays(S);
  } else if (in)
    PetscCall(PetscArraycpy(S->a, in, op->n[1 - (int)dir]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageLeave(FenOTOperator op, const FenStage *g, double out[])
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const PetscBool last = (PetscBool)(g->number % FEN_MAX_DIM == op->dim - 1);

  PetscFunctionBegin;
  if (!g->leave)
    PetscFunctionReturn(0);
  PetscCall(FenRedistMove(g->leave, S->a, last ? out : S->b));
  if (!last)
    FenSwapArrays(S);
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageArrive(FenOTOperator op, const FenStage *g)
{
  FenSeparable *S = (FenSeparable *)op->data;

  PetscFunctionBegin;
  if (!g->arrive)
    PetscFunctionReturn(0);
  PetscCall(FenRedistMove(g->arrive, S->a, S->b));
  FenSwapArrays(S);
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageThrough(FenOTOperator op, const FenStage *g, FenStageAction action, FenSweep *w, FenFactors *F)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const PetscBool exponents = (PetscBool)(action <= FEN_STAGE_HARD);
  double         *lines;

  PetscFunctionBegin;
  PetscCall(Lines(S, g, &lines));
  if (exponents)
    w->u = lines;
  else
    w->v = lines;
  w->out = g->halo ? S->b : S->a; /* while others come S->a is in use */
  PetscCall(FenStageEnterBegin(g, S->a, lines));
  for (int k = 0; k < FenStageGroups(g); k++) {
    PetscCall(FenStageEnterEnd(g, k, exponents, S->a, lines));
    if (g->halo)
      FenHaloGroup(g->halo, k, &w->from, &w->to);
    PetscCall(Sweep(action, w, F));
  }
  if (g->halo)
    FenSwapArrays(S);
  PetscFunctionReturn(0);
}

/* does a way back end with this stage? */
static PetscBool IsFirst(const FenStage *g)
{
  return PetscNot(g->number % FEN_MAX_DIM);
}

/* the end of a way back, with what is before the first stage in S->a: to `out` */
static PetscErrorCode Finish(FenSeparable *S, double out[])
{
  const FenChain *C = &S->stages.chain[FEN_TO_SOURCE];
  FenInt          n;

  PetscFunctionBegin;
  if (C->home)
    PetscCall(FenRedistMove(C->home, S->a, out));
  else {
    PetscCall(FenLayoutGetLocalSize(C->begin, &n));
    PetscCall(PetscArraycpy(out, S->a, n));
  }
  PetscFunctionReturn(0);
}

/* lines of pencils, which are not in S->b, back */
static PetscErrorCode Return(FenSeparable *S, const FenStage *g, const double lines[], double out[])
{
  const PetscBool straight = (PetscBool)(IsFirst(g) && !S->stages.chain[FEN_TO_SOURCE].home);

  PetscFunctionBegin;
  PetscCall(FenStageBack(g, lines, straight ? out : S->b));
  FenSwapArrays(S);
  if (IsFirst(g) && !straight)
    PetscCall(Finish(S, out));
  PetscFunctionReturn(0);
}

/* sums across blocks that were begun */
static PetscErrorCode Collect(FenSeparable *S, const FenStage *g, const double lines[], double out[])
{
  PetscFunctionBegin;
  for (int k = 0; k < FenStageGroups(g); k++)
    PetscCall(FenStageBackEnd(g, k, lines, S->b));
  FenSwapArrays(S);
  if (IsFirst(g))
    PetscCall(Finish(S, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageBackward(FenOTOperator op, const FenStage *g, FenStageAction action, FenSweep *w, FenFactors *F,
                                double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *lines;

  PetscFunctionBegin;
  PetscCall(Lines(S, g, &lines));
  w->v = S->a;
  w->out = lines;
  if (!g->halo) {
    PetscCall(Sweep(action, w, F));
    FenSwapArrays(S);
    PetscCall(Return(S, g, S->a, out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscArrayzero(S->b, g->nin));
  for (int k = 0; k < FenStageGroups(g); k++) {
    FenHaloGroup(g->halo, k, &w->from, &w->to);
    PetscCall(Sweep(action, w, F));
    PetscCall(FenStageBackBegin(g, k, lines, S->b));
  }
  PetscCall(Collect(S, g, lines, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageThereAndBack(FenOTOperator op, const FenStage *g, FenSweep *w, FenFactors *F, double out[])
{
  FenSeparable *S = (FenSeparable *)op->data;
  double       *lines;

  PetscFunctionBegin;
  PetscCall(Lines(S, g, &lines));
  w->v = lines;
  w->out = g->halo ? lines : S->a;
  PetscCall(FenStageEnterBegin(g, S->a, lines));
  if (!g->halo) {
    FenSweepMult(w, F, FEN_SWEEP_BOTH);
    PetscCall(Return(S, g, S->a, out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscArrayzero(S->b, g->nin));
  for (int k = 0; k < FenStageGroups(g); k++) {
    PetscCall(FenStageEnterEnd(g, k, PETSC_FALSE, S->a, lines));
    FenHaloGroup(g->halo, k, &w->from, &w->to);
    FenSweepMult(w, F, FEN_SWEEP_BOTH);
    PetscCall(FenStageBackBegin(g, k, lines, S->b));
  }
  PetscCall(Collect(S, g, lines, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagePlanClear(FenStagePlan *P)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(P->L));
  PetscCall(PetscFree(P->minus));
  PetscCall(PetscFree(P->before));
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
  const FenInt  n = FenStageLines(g), lines = S->cones ? 0 : g->nlines; /* that have windows */

  PetscFunctionBegin;
  PetscCall(FenStagePlanClear(&S->plan[(g->number + FEN_MAX_DIM) % FEN_STAGES]));
  if (!P->minus) {
    PetscCall(PetscMalloc1(g->nout, &P->minus));
    PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lout, lines), &P->windows[0]));
    PetscCall(FenFactorsCreate(op->kernels, FenTileKindOf(op->kind), g->lout, g->nlines, &P->factors));
  }
  if (g->halo && g->axis && !P->before)
    PetscCall(PetscMalloc1(g->nin, &P->before));
  if (!P->L || n > P->nlines) {
    PetscCall(PetscFree(P->L));
    P->nlines = g->halo ? n + n / 8 : n;
    PetscCall(PetscMalloc1(P->nlines, &P->L));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenStageLogSums(FenOTOperator op, FenDirection dir, const FenStage *g, PetscBool keep, int *windows)
{
  FenSeparable  *S = (FenSeparable *)op->data;
  FenStagePlan  *P = &S->plan[g->number];
  FenSweep       w = FenStageSweep(op, g, dir, PETSC_TRUE);
  FenStageAction action = FEN_STAGE_LSE;

  PetscFunctionBegin;
  w.visits = g->halo ? NULL : S->stages.visits[dir][g->number];
  w.windows = windows;
  w.whole = PetscNot(keep || !windows);
  if (keep) {
    PetscCall(Room(op, g));
    w.windows = P->windows[0];
    if (op->keep || S->cones)
      action = FEN_STAGE_FACTORS;
  }
  PetscCall(FenStageThrough(op, g, action, &w, &P->factors));
  if (!keep)
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(P->L, w.u, FenStageLines(g)));
  if (P->before)
    PetscCall(PetscArraycpy(P->before, S->b, g->nin));
  for (FenInt i = 0; i < g->nout; i++)
    P->minus[i] = S->a[i] > FEN_NONE ? -S->a[i] : FEN_NONE; /* a line without weight has no plan */
  P->have[0] = PETSC_TRUE;
  P->have[1] = PETSC_FALSE;
  if (action == FEN_STAGE_FACTORS)
    op->kept = (PetscBool)(op->kept && P->factors.have);
  PetscFunctionReturn(0);
}
