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

/* room for parts of lines that come */
static PetscErrorCode Parts(FenSeparable *S, const FenStage *g)
{
  const FenInt n = FenStageLines(g);

  PetscFunctionBegin;
  if (n > S->nparts) {
    PetscCall(PetscFree(S->parts));
    S->nparts = n + n / 8;
    PetscCall(PetscMalloc1(S->nparts, &S->parts));
  }
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
  const double   *before = S->now, *lines;

  PetscFunctionBegin;
  if (g->halo) {
    PetscCall(Parts(S, g));
    PetscCall(FenStageEnterBegin(g, before, S->parts));
    lines = S->parts;
  } else {
    PetscCall(Go(S, g->enter));
    lines = S->now;
  }
  w->out = out && IsLast(op, g) && !g->leave ? out : Other(S, g->halo ? before : lines);
  if (exponents)
    w->u = lines;
  else
    w->v = lines;
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo) {
      PetscCall(FenStageEnterEnd(g, k, exponents, before, S->parts));
      FenHaloGroup(g->halo, k, &w->from, &w->to);
    }
    PetscCall(Sweep(action, w, F));
  }
  S->now = w->out;
  PetscFunctionReturn(0);
}

/* where sums of the sources of a stage's lines are made, and where they are before the stage: at the end of the way in
   `out` if nothing moves any more */
static PetscErrorCode PlaceBack(FenSeparable *S, const FenStage *g, double out[], double **lines, double **before)
{
  const PetscBool straight = (PetscBool)(IsFirst(g) && !S->stages.chain[FEN_TO_SOURCE].home);

  PetscFunctionBegin;
  if (g->halo)
    PetscCall(Parts(S, g));
  *lines = g->halo ? S->parts : straight && !g->back ? out : Other(S, S->now);
  *before = straight ? out : g->halo ? Other(S, S->now) : g->back ? Other(S, *lines) : *lines;
  if (g->halo)
    PetscCall(PetscArrayzero(*before, g->nin));
  PetscFunctionReturn(0);
}

/* a stage's lines back, all of them, or what is left of those that were begun; from the first stage to `out` */
static PetscErrorCode Return(FenSeparable *S, const FenStage *g, const double lines[], double before[], double out[])
{
  PetscFunctionBegin;
  if (!g->halo && before != lines)
    PetscCall(FenRedistMove(g->back, lines, before));
  for (int k = 0; g->halo && k < FenStageGroups(g); k++)
    PetscCall(FenStageBackEnd(g, k, lines, before));
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
  PetscCall(PlaceBack(S, g, out, &w->out, &before));
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo)
      FenHaloGroup(g->halo, k, &w->from, &w->to);
    PetscCall(Sweep(action, w, F));
    if (g->halo)
      PetscCall(FenStageBackBegin(g, k, w->out, before));
  }
  PetscCall(Return(S, g, w->out, before, out));
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
  PetscCall(PlaceBack(S, g, out, &w->out, &before));
  if (g->halo) {
    PetscCall(FenStageEnterBegin(g, S->now, S->parts));
    w->v = S->parts;
  }
  for (int k = 0; k < FenStageGroups(g); k++) {
    if (g->halo) {
      PetscCall(FenStageEnterEnd(g, k, PETSC_FALSE, S->now, S->parts));
      FenHaloGroup(g->halo, k, &w->from, &w->to);
    }
    FenSweepMult(w, F, FEN_SWEEP_BOTH);
    if (g->halo)
      PetscCall(FenStageBackBegin(g, k, S->parts, before));
  }
  PetscCall(Return(S, g, w->out, before, out));
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

PetscErrorCode FenStageLogSums(FenOTOperator op, FenDirection dir, const FenStage *g, PetscBool keep, int *windows,
                               double out[])
{
  FenSeparable  *S = (FenSeparable *)op->data;
  FenStagePlan  *P = &S->plan[g->number];
  FenSweep       w = FenStageSweep(op, g, dir, PETSC_TRUE);
  FenStageAction action = FEN_STAGE_LSE;
  const double  *before = S->now;

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
  PetscCall(FenStageThrough(op, g, action, &w, &P->factors, out));
  if (!keep)
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(P->L, w.u, FenStageLines(g)));
  if (P->before)
    PetscCall(PetscArraycpy(P->before, before, g->nin));
  for (FenInt i = 0; i < g->nout; i++)
    P->minus[i] = w.out[i] > FEN_NONE ? -w.out[i] : FEN_NONE; /* a line without weight has no plan */
  P->have[0] = PETSC_TRUE;
  P->have[1] = PETSC_FALSE;
  if (action == FEN_STAGE_FACTORS)
    op->kept = (PetscBool)(op->kept && P->factors.have);
  PetscFunctionReturn(0);
}
