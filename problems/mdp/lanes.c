/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows made on demand for several states at once: where rows are alike, as on grids, making them one by one costs more
   than all the rest of a sweep.
*/
#include "mdpmodelimpl.h"
#include <math.h>

/*@
  FenMDPModelHasLanes - Says whether a model can make the rows of several states at once.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. lanes - whether `FenMDPModelMakeLanes()` may give some; then all states have the same number of rows, and actions are
          numbered like rows

  Level: developer

.seealso: `FenMDPModelMakeLanes()`
@*/
PetscErrorCode FenMDPModelHasLanes(FenMDPModel model, PetscBool *lanes)
{
  PetscFunctionBegin;
  *lanes = (PetscBool)(!model->stored && model->generator.lanes);
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelMakeLanes - Makes the k-th rows of eight states that follow each other.

  Not Collective

  Input Parameters:
+ model - a model that has lanes, see `FenMDPModelHasLanes()`
. state - global number of the first state; all eight exist
- row   - which row of each

  Output Parameter:
. lanes - n is negative if these states are not alike: make their rows one by one. The caller sets next and prob to room
          for eight times the longest row

  Level: developer

.seealso: `FenMDPModelMakeRow()`
@*/
PetscErrorCode FenMDPModelMakeLanes(FenMDPModel model, FenInt state, int row, FenMDPRowLanes *lanes)
{
  PetscFunctionBegin;
  PetscCall(model->generator.lanes(model->generator.ctx, state, row, lanes));
  PetscFunctionReturn(0);
}

/* arithmetic in place of branches: a broken rule is rare and makes `bad` positive */
PetscBool FenMDPLanesCheck_Private(FenMDPModel model, const FenMDPRowLanes *r)
{
  const double tol = FEN_MDP_ROW_TOL * (double)PetscMax(r->n, 1);
  double       sum[FEN_MDP_LANES] = {0};
  int          bad = r->n < 1 || r->n > model->generator.max_next;

  for (FenInt j = 0; j < r->n && !bad; j++)
    for (int l = 0; l < FEN_MDP_LANES; l++) {
      const FenInt k = FEN_MDP_LANES * j + l;

      bad += !(r->prob[k] > 0) + (r->next[k] < 0) + (r->next[k] >= model->sizes.states) +
             (j > 0 && r->next[k] <= r->next[PetscMax(0, k - FEN_MDP_LANES)]);
      sum[l] += r->prob[k];
    }
  for (int l = 0; l < FEN_MDP_LANES; l++)
    bad += !(fabs(sum[l] - 1) <= tol) + !isfinite(r->reward[l]);
  return bad ? PETSC_FALSE : PETSC_TRUE;
}
