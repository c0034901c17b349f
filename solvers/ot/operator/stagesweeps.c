/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One stage of a pass: lines come, are swept, and go. Between slabs they come and go in groups, so that one travels
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

/* the end of a way back across slabs: sums that were begun */
static PetscErrorCode Collect(FenSeparable *S, const FenStage *g, const double lines[])
{
  PetscFunctionBegin;
  for (int k = 0; k < FenStageGroups(g); k++)
    PetscCall(FenStageBackEnd(g, k, lines, S->b));
  FenSwapArrays(S);
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
    PetscCall(FenStageBack(g, lines, out ? out : S->a));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscArrayzero(S->b, g->nin));
  for (int k = 0; k < FenStageGroups(g); k++) {
    FenHaloGroup(g->halo, k, &w->from, &w->to);
    PetscCall(Sweep(action, w, F));
    PetscCall(FenStageBackBegin(g, k, lines, S->b));
  }
  PetscCall(Collect(S, g, lines));
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
    PetscCall(FenStageBack(g, S->a, out ? out : S->b));
    FenSwapArrays(S);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscArrayzero(S->b, g->nin));
  for (int k = 0; k < FenStageGroups(g); k++) {
    PetscCall(FenStageEnterEnd(g, k, PETSC_FALSE, S->a, lines));
    FenHaloGroup(g->halo, k, &w->from, &w->to);
    FenSweepMult(w, F, FEN_SWEEP_BOTH);
    PetscCall(FenStageBackBegin(g, k, lines, S->b));
  }
  PetscCall(Collect(S, g, lines));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStagePlanClear(FenStagePlan *P)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(P->L));
  PetscCall(PetscFree(P->minus));
  PetscCall(PetscFree(P->windows[0]));
  PetscCall(PetscFree(P->windows[1]));
  PetscCall(FenFactorsDestroy(&P->factors));
  PetscCall(PetscMemzero(P, sizeof(*P)));
  PetscFunctionReturn(0);
}

/* what a plan keeps of a stage; of last stages there is one */
static PetscErrorCode Room(FenOTOperator op, const FenStage *g)
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenStagePlan *P = &S->plan[g->number];
  const FenInt  n = FenStageLines(g), lines = S->cones ? 0 : g->nlines; /* that have windows */

  PetscFunctionBegin;
  if (g->number >= op->dim - 1)
    PetscCall(FenStagePlanClear(&S->plan[g->number == op->dim ? op->dim - 1 : op->dim]));
  if (!P->minus) {
    PetscCall(PetscMalloc1(g->nout, &P->minus));
    PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lout, lines), &P->windows[0]));
    PetscCall(FenFactorsCreate(op->kernels, FenTileKindOf(op->kind), g->lout, g->nlines, &P->factors));
  }
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
  for (FenInt i = 0; i < g->nout; i++)
    P->minus[i] = S->a[i] > FEN_NONE ? -S->a[i] : FEN_NONE; /* a line without weight has no plan */
  P->have[0] = PETSC_TRUE;
  P->have[1] = PETSC_FALSE;
  if (action == FEN_STAGE_FACTORS)
    op->kept = (PetscBool)(op->kept && P->factors.have);
  PetscFunctionReturn(0);
}
