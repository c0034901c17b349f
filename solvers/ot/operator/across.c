/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Log sums across blocks. Sources come as planned; if that proves to be too few, what has to come is planned anew, and
   the sums are taken across blocks again: they do not depend on what the plan was before. Once epsilon, and with it
   what matters, has become much smaller, the windows of the sweep before say that less has to come. Where windows reach
   so far that the exchange of all with all is less, pencils it is, and after 1, 3, 7, ... sweeps there blocks are
   looked at again.

   Which of both it is decides the last bits of sums, as other lines share windows and tables. It depends on the windows
   of the present sums, not on what was planned, and on how often pencils have been taken: op->ways, a part of states. A
   run that goes on from a state is told in which way its plan was made.

   A plan across blocks keeps its factors there. If they are too many the plan is made on pencils, without them. While a
   type makes plans that keep them, other sums in their direction are taken on pencils: a plan lies on the sources that
   came for it.
*/
#include "separableimpl.h"

#define WAIT_MOST 64
#define SMALLER   0.5 /* than the epsilon of a plan: less comes */

/* so many numbers of others are needed at most: is it blocks? Plans may be told */
static PetscBool IsAcross(FenOTOperator op, const FenStage *g, PetscBool keep, FenInt most)
{
  return (PetscBool)((keep && op->told >= 0) || FenHaloPays(g->halo, most));
}

/* S->now through the stage, if nothing is missing on any rank and all with all would not be less; otherwise it stays */
static PetscErrorCode Try(FenOTOperator op, FenDirection dir, PetscInt s, PetscBool keep, PetscBool *done)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = &S->stages.chain[dir].across[s];
  FenComing      *C = &S->coming[dir][s];
  const PetscBool kept = op->kept;
  const double   *before = S->now;
  FenInt          most[3]; /* of all ranks: something is missing, there are too many factors, numbers of others */

  PetscFunctionBegin;
  if (!C->seen)
    PetscCall(PetscMalloc1(FenSweepWindows(op->kernels, g->lout, g->nlines), &C->seen));
  PetscCall(FenStageLogSums(op, dir, g, keep, C->seen, NULL));
  most[0] = !FenHaloHolds(g->halo, keep ? S->plan[g->number].windows[0] : C->seen);
  most[1] = keep && !op->kept;
  most[2] = FenHaloNeeds(g->halo);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_FENINT, MPI_MAX, op->comm));
  C->planned = (PetscBool)(!most[0] && IsAcross(op, g, keep, most[2]));
  *done = (PetscBool)(C->planned && !most[1]);
  if (!*done) {
    op->kept = kept;
    S->now = before;
  }
  PetscFunctionReturn(0);
}

/* which sources come, for sums of S->now */
static PetscErrorCode Plan(FenOTOperator op, FenDirection dir, PetscInt s, PetscBool keep)
{
  FenSeparable   *S = (FenSeparable *)op->data;
  const FenStage *g = &S->stages.chain[dir].across[s];
  FenSweep        w = FenStageSweep(op, g, dir, PETSC_TRUE);
  FenInt          most;

  PetscFunctionBegin;
  w.u = S->now;
  PetscCall(FenHaloSee(g->halo, &w));
  most = FenHaloNeeds(g->halo);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_FENINT, MPI_MAX, op->comm));
  S->coming[dir][s].planned = IsAcross(op, g, keep, most);
  S->coming[dir][s].eps = op->eps;
  if (S->coming[dir][s].planned)
    PetscCall(FenHaloPlan(g->halo, S->now));
  PetscFunctionReturn(0);
}

/* a plan whose way is known */
static PetscErrorCode AsTold(FenOTOperator op, PetscInt s, PetscBool *done)
{
  PetscFunctionBegin;
  if (!(op->told >> s & 1))
    PetscFunctionReturn(0);
  PetscCall(Plan(op, FEN_TO_SOURCE, s, PETSC_TRUE));
  PetscCall(Try(op, FEN_TO_SOURCE, s, PETSC_TRUE, done));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLogSumsAcross(FenOTOperator op, FenDirection dir, PetscInt s, PetscBool keep, PetscBool *done)
{
  FenSeparable *S = (FenSeparable *)op->data;
  FenComing    *C = &S->coming[dir][s];
  FenInt       *wait = &op->ways.wait[dir][s], *waited = &op->ways.waited[dir][s];

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (keep ? !op->keep || S->whole : op->keep && dir == FEN_TO_SOURCE) /* a plan without factors; a lasting one */
    PetscFunctionReturn(0);
  if (keep && op->told >= 0) {
    PetscCall(AsTold(op, s, done));
    PetscFunctionReturn(0);
  }
  C->planned = (PetscBool)(C->planned && !*wait); /* as told, or for bounds */
  if (C->planned && op->eps < SMALLER * C->eps) {
    PetscCall(FenHaloPlan(S->stages.chain[dir].across[s].halo, S->now));
    C->eps = op->eps;
  }
  if (!C->planned && (*waited)++ < *wait)
    PetscFunctionReturn(0);
  *waited = 0;
  if (C->planned)
    PetscCall(Try(op, dir, s, keep, done));
  if (C->planned)
    PetscFunctionReturn(0);
  PetscCall(Plan(op, dir, s, keep));
  *wait = C->planned ? 0 : PetscMin(WAIT_MOST, 2 * *wait + 1);
  if (C->planned)
    PetscCall(Try(op, dir, s, keep, done));
  PetscFunctionReturn(0);
}
