/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user asks after the solve: value, policy, bounds, work, memory, the method chosen. */
#include "mdpimpl.h"

/*@C
  FenMDPGetValue - Value of my states: the centre of the certified interval. Average reward: relative values.

  Not Collective

  Notes:
  On the model's layout, with the sign of the model's rewards or costs. Owned by the solver.

  Level: beginner

.seealso: `FenMDPGetBounds()`, `FenMDPGetPolicy()`
@*/
PetscErrorCode FenMDPGetValue(FenMDP mdp, const double *value[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  *value = mdp->value;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetPolicy - The action of my states, numbered as in the model; -1 in terminal states. Finite horizon: of the
  first step.

  Not Collective

  Level: beginner

.seealso: `FenMDPGetValue()`
@*/
PetscErrorCode FenMDPGetPolicy(FenMDP mdp, const int *policy[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  *policy = mdp->action;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetBounds - What is certain about value and policy, whatever the stopping test said.

  Not Collective

  Level: beginner

.seealso: `FenMDPSetGap()`, `FenSolverGetBounds()`
@*/
PetscErrorCode FenMDPGetBounds(FenMDP mdp, FenMDPBounds *bounds)
{
  PetscFunctionBegin;
  *bounds = mdp->bounds;
  PetscFunctionReturn(0);
}

/*@
  FenMDPGetWork - Sweeps over all rows, and products with the rows of a policy, of this solve.

  Not Collective

  Level: intermediate

.seealso: `FenMDPSolve()`
@*/
PetscErrorCode FenMDPGetWork(FenMDP mdp, double *sweeps, double *matvecs)
{
  PetscFunctionBegin;
  if (sweeps)
    *sweeps = mdp->sweeps;
  if (matvecs)
    *matvecs = mdp->matvecs;
  PetscFunctionReturn(0);
}

/*@
  FenMDPGetMemoryEstimate - Bytes that a rank will need beside the model, largest over ranks; known before anything is
  allocated.

  Collective

  Level: intermediate

.seealso: `FenMDPSolve()`
@*/
PetscErrorCode FenMDPGetMemoryEstimate(FenMDP mdp, double *bytes)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)mdp);
  FenMDPSizes sizes;
  PetscMPIInt size;
  double      states, entries, rows, ghosts;

  PetscFunctionBegin;
  PetscCheck(mdp->model, comm, (PetscErrorCode)FEN_ERR_USAGE, "FenMDPSetModel() must be called first");
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  states = (double)sizes.states / size;
  entries = sizes.stored ? (double)sizes.nnz / size : 0;
  rows = sizes.stored ? (double)sizes.rows / size : 0;
  ghosts = size > 1 ? PetscMin((double)sizes.states - states, (double)sizes.nnz / size) : 0;
  /* rows in chunks (twice if the model has two colours), the policy's rows and their factors, four iterates with
   * ghosts, vectors of the Krylov method */
  *bytes = 24 * entries + 40 * rows + 36 * entries / PetscMax(1, (double)sizes.actions) + 8 * 24 * states + 44 * ghosts;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetChoice - The method in use, and for "auto" why it was chosen.

  Not Collective

  Output Parameters:
+ type - the method that iterates
- why  - a sentence, empty if the user chose the method

  Level: beginner

.seealso: `FenMDPSetType()`
@*/
PetscErrorCode FenMDPGetChoice(FenMDP mdp, const char *type[], const char *why[])
{
  PetscFunctionBegin;
  if (type)
    *type = mdp->choice ? mdp->choice : ((PetscObject)mdp)->type_name;
  if (why)
    *why = mdp->why;
  PetscFunctionReturn(0);
}
