/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Log sums across blocks. Sources come as planned; if that proves to be too few, what has to come is planned anew, and
   the sums are taken across blocks again: they do not depend on what the plan was before. Once epsilon, and with it
   what matters, has become much smaller, the windows of the sweep before say that less has to come. Where windows reach
   so far that the exchange of all with all is less, pencils it is, and after 1, 3, 7, ... sweeps there blocks are
   looked at again.

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

/* which sources come, for sums of S->now */
static PetscErrorCode Plan(FenOTOperator op, FenDirection dir, PetscInt s)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = &S->stages.chain[dir].across[s];
  FenSweep        w = FenStageSweep(op, g, dir, PETSC_TRUE);

  PetscFunctionBegin;
  w.u = S->now;
  PetscCall(FenHaloSee(g->halo, &w, S->axis[dir][g->axis]));
  PetscCall(FenHaloPlan(g->halo, S->now, &S->coming[dir][s].planned));
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
  if (keep && (!op->keep || S->whole)) /* it has no factors to keep */
    PetscFunctionReturn(0);
  if (!fixed && C->planned && op->eps < SMALLER * C->eps) {
    PetscCall(FenHaloPlan(S->stages.chain[dir].across[s].halo, S->now, &C->planned));
    C->eps = op->eps;
  }
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
