/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomised policies and nature's laws against them: what a restart needs of them, and what a user asks for. */
#include "mdpimpl.h"

/* component by component, because the operator's states may be other ones than the model's */
PetscErrorCode FenMDPPackNature_Private(FenMDP mdp)
{
  double *outside;

  PetscFunctionBegin;
  if (!mdp->components)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)(mdp->nout + 1), &outside));
  for (PetscInt c = 0; c < mdp->components; c++) {
    PetscCall(FenBellmanNatureState(mdp->op, c, PETSC_FALSE, mdp->X));
    PetscCall(FenBellmanToModel(mdp->op, mdp->X, outside));
    for (FenInt k = 0; k < mdp->nout; k++)
      mdp->saved_nature[k * mdp->components + c] = mdp->sign * outside[k];
  }
  PetscCall(PetscFree(outside));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPUnpackNature_Private(FenMDP mdp)
{
  double *outside;

  PetscFunctionBegin;
  if (!mdp->components)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)(mdp->nout + 1), &outside));
  for (PetscInt c = 0; c < mdp->components; c++) {
    for (FenInt k = 0; k < mdp->nout; k++)
      outside[k] = mdp->sign * mdp->saved_nature[k * mdp->components + c];
    PetscCall(FenBellmanFromModel(mdp->op, outside, mdp->X));
    PetscCall(FenBellmanNatureState(mdp->op, c, PETSC_TRUE, mdp->X));
  }
  PetscCall(PetscFree(outside));
  PetscFunctionReturn(0);
}

/* a policy that is not randomised takes the row of its action */
static PetscErrorCode PureLaw(FenMDP mdp, FenInt k, int rows, double law[])
{
  FenMDPRow        *row;
  FenMDPSizes       sizes;
  const FenMDPRows *R;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  if (sizes.stored) {
    PetscCall(FenMDPModelGetRows(mdp->model, &R));
    for (int a = 0; a < rows; a++)
      law[a] = R->action[R->state_ptr[k] + a] == mdp->action[k];
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc(sizeof(*row), &row));
  for (int a = 0; a < rows; a++) {
    PetscCall(FenMDPModelGetRow(mdp->model, k, a, row));
    law[a] = row->action == mdp->action[k];
  }
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetPolicyLaw - Probabilities with which the policy takes the rows of my states, in the order of the model's
rows.

  Not Collective

  Note:
  Where nature has one budget for all actions of a state (-mdp_rectangular s) the best policy is randomised, and
  `FenMDPGetPolicy()` gives its likeliest action only. Owned by the solver.

  Level: beginner

.seealso: `FenMDPGetPolicy()`, `FenMDPGetKernel()`
@*/
PetscErrorCode FenMDPGetPolicyLaw(FenMDP mdp, const double *law[])
{
  FenInt first = 0;
  int    rows;

  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  *law = mdp->law;
  if (mdp->law)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->model, k, &rows));
    first += rows;
  }
  PetscCall(PetscMalloc1((size_t)(first + 1), &mdp->law));
  first = 0;
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->model, k, &rows));
    if (mdp->law_from < 0)
      PetscCall(PureLaw(mdp, k, rows, mdp->law + first));
    for (int a = 0; mdp->law_from >= 0 && a < rows; a++)
      mdp->law[first + a] = mdp->saved_nature[k * mdp->components + mdp->law_from + a];
    first += rows;
  }
  *law = mdp->law;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetKernel - The law of the next state under the policy that was found and nature's worst case of it.

  Collective

  Input Parameter:
. mdp - the solver, after the solve

  Output Parameter:
. kernel - rows of my states, successors ascending; terminal states have none. `FenMDPKernelDestroy()` frees it

  Notes:
  Nature's answer is the one to the values of the last sweep: r + discount * kernel * value is the value up to the
  certified error. Without ambiguity these are the policy's own rows.

  Note:
  Rows are of the model's states, so that states must not have moved: `FenMDPSetPartition()` with none before the solve.

  Level: intermediate

.seealso: `FenMDPGetPolicyLaw()`
@*/
PetscErrorCode FenMDPGetKernel(FenMDP mdp, FenMDPKernel *kernel)
{
  PetscBool moves;

  PetscFunctionBegin;
  *kernel = (FenMDPKernel){.n = 0};
  PetscCheck(mdp->base.isset && mdp->swept, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_USAGE,
             "FenMDPSolve() must be called before the kernel is asked for");
  PetscCall(FenBellmanMoves(mdp->op, &moves));
  PetscCheck(!moves, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_partition %s has moved states: the kernel needs -mdp_partition none",
             FenMDPPartitions[mdp->partition]);
  PetscCall(FenBellmanGetKernel(mdp->op, mdp->policy, mdp->V, kernel));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPKernelDestroy - Frees the rows of a kernel.

  Not Collective

  Input Parameter:
. kernel - from `FenMDPGetKernel()`

  Level: intermediate

.seealso: `FenMDPGetKernel()`
@*/
PetscErrorCode FenMDPKernelDestroy(FenMDPKernel *kernel)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(kernel->row_ptr));
  PetscCall(PetscFree(kernel->next));
  PetscCall(PetscFree(kernel->prob));
  kernel->n = 0;
  PetscFunctionReturn(0);
}
