/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Log sums across blocks. Sources come as planned; if that proves to be too few, windows of whole lines are taken on
   pencils once, they say what has to come, and the sums are taken across blocks again: they do not depend on what the
   plan was before. Once epsilon, and with it what matters, has become much smaller, the windows of the sweep before say
   that less has to come. Where windows reach so far that the exchange of all with all is less, pencils it is, and after
   1, 3, 7, ... sweeps there blocks are looked at again.

   A plan across blocks keeps its factors there. If they are too many the plan is made on pencils, without them.
*/
#include "separableimpl.h"

#define WAIT_MOST 64
#define SMALLER   0.5 /* than the epsilon of a plan: less comes */

/* S->now through the stage, if nothing is missing on any rank; otherwise it stays */
static PetscErrorCode Try(FenOTOperator op, FenDirection dir, PetscInt s, PetscBool keep, PetscBool *done)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = &S->stages.chain[dir].across[s];
  FenComing      *C = &S->coming[dir][s];
  const PetscBool kept = op->kept;
  const double   *before = S->now;
  int             flags[2] = {1, 1}; /* all that matters came; few factors */

  PetscFunctionBegin;
  if (!C->seen)
    PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lout, g->nlines), &C->seen));
  PetscCall(FenStageLogSums(op, dir, g, keep, C->seen, NULL));
  flags[0] = (int)FenHaloHolds(g->halo, keep ? S->plan[g->number].windows[0] : C->seen);
  flags[1] = !keep || op->kept;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, flags, 2, MPI_INT, MPI_MIN, op->comm));
  *done = (PetscBool)(flags[0] && flags[1]);
  C->planned = (PetscBool)(flags[0] != 0);
  if (!*done) {
    op->kept = kept;
    S->now = before;
  }
  PetscFunctionReturn(0);
}

/* windows of a sweep over whole lines, point by point; lo = hi where lines weigh nothing */
static void Spread(FenOTOperator op, const FenStage *g, const int windows[], const double largest[], double lo[],
                   double hi[])
{
  for (FenInt l = 0; l < g->nlines; l++)
    for (FenInt i = 0; i < g->lout; i++) {
      const int   *w = windows + 2 * (l / op->kernels->linelanes * g->lout + i);
      const FenInt k = FenSweepLine(g->inner, g->lout, l) + i * g->inner;

      lo[k] = largest[k] > FEN_NONE ? w[0] : 0;
      hi[k] = largest[k] > FEN_NONE ? w[1] : 0;
    }
}

/* which sources come, for sums of S->now, by windows of whole lines */
static PetscErrorCode Plan(FenOTOperator op, FenDirection dir, PetscInt s)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *whole = &S->stages.chain[dir].stage[s], *g = &S->stages.chain[dir].across[s];
  FenSweep        w = FenStageSweep(op, whole, dir, PETSC_TRUE);
  FenRedist       move;
  double         *end[2], *mine[2], *before;
  int            *windows;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, whole->lout, whole->nlines), &windows));
  PetscCall(PetscMalloc4(whole->nout, &end[0], whole->nout, &end[1], g->nout, &mine[0], g->nout, &mine[1]));
  PetscCall(PetscMalloc1(g->nin, &before));
  PetscCall(PetscArraycpy(before, S->now, g->nin));
  PetscCall(FenRedistCreate(whole->out, g->out, &move));
  w.windows = windows;
  w.whole = PETSC_TRUE;
  PetscCall(FenStageThrough(op, whole, FEN_STAGE_MAX, &w, NULL, NULL));
  Spread(op, whole, windows, S->now, end[0], end[1]);
  for (int k = 0; k < 2; k++)
    PetscCall(FenRedistMove(move, end[k], mine[k]));
  FenHaloSee(g->halo, mine[0], mine[1]);
  PetscCall(FenHaloPlan(g->halo, before, &S->coming[dir][s].planned));
  PetscCall(PetscArraycpy(S->a, before, g->nin));
  S->now = S->a;
  PetscCall(PetscFree(before));
  PetscCall(FenRedistDestroy(&move));
  PetscCall(PetscFree4(end[0], end[1], mine[0], mine[1]));
  PetscCall(PetscFree(windows));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLogSumsAcross(FenOTOperator op, FenDirection dir, PetscInt s, PetscBool keep, PetscBool *done)
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenComing    *C = &S->coming[dir][s];
  /* a plan lies on the sources that came for it */
  const PetscBool fixed =
      (PetscBool)(dir == FEN_TO_SOURCE && !keep && S->across[s] && S->plan[FEN_MAX_DIM + s].have[0]);

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (!fixed && C->planned && op->eps < SMALLER * C->eps) {
    PetscCall(FenHaloPlan(S->stages.chain[dir].across[s].halo, S->now, &C->planned));
    C->eps = op->eps;
  }
  if (keep && (!op->keep || S->whole)) /* it has no factors to keep */
    PetscFunctionReturn(0);
  if (!C->planned && (fixed || C->waited++ < C->wait))
    PetscFunctionReturn(0);
  C->waited = 0;
  if (C->planned)
    PetscCall(Try(op, dir, s, keep, done));
  if (C->planned || fixed)
    PetscFunctionReturn(0);
  PetscCall(Plan(op, dir, s));
  C->eps = op->eps;
  C->wait = C->planned ? 0 : PetscMin(WAIT_MOST, 2 * C->wait + 1);
  if (C->planned)
    PetscCall(Try(op, dir, s, keep, done));
  PetscFunctionReturn(0);
}
