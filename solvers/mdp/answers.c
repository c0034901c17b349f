/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user asks after the solve: value, policy, bounds, work, memory, the method chosen. */
#include "mdpimpl.h"

/* zeros before the first solve */
static PetscErrorCode Answers(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  if (mdp->answered)
    PetscFunctionReturn(0);
  PetscCall(PetscArrayzero(mdp->value, (size_t)mdp->nout));
  PetscCall(PetscArrayzero(mdp->action, (size_t)mdp->nout));
  mdp->answered = PETSC_TRUE;
  PetscFunctionReturn(0);
}

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
  PetscCall(Answers(mdp));
  *value = mdp->value;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetMargin - Half width of the certified interval of each of my states.

  Not Collective

  Input Parameter:
. mdp - the solver, after the solve

  Output Parameter:
. margin - on the model's layout, owned by the solver; infinite where nothing was certified

  Notes:
  The best value and the value of the policy lie within the margin of `FenMDPGetValue()`. Total reward: margins differ
  from state to state, and value + margin and value - margin satisfy inequalities that one sweep checks. Otherwise all
  margins are `value_error` of `FenMDPGetBounds()`; with the criterion average they are the gain's.

  Level: intermediate

.seealso: `FenMDPGetBounds()`, `FenMDPGetValue()`
@*/
PetscErrorCode FenMDPGetMargin(FenMDP mdp, const double *margin[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  if (!mdp->total) { /* the same for all states, made when somebody asks */
    if (!mdp->margin)
      PetscCall(PetscMalloc1(mdp->nout, &mdp->margin));
    for (FenInt k = 0; k < mdp->nout; k++)
      mdp->margin[k] = mdp->bounds.value_error;
  }
  *margin = mdp->margin;
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
  PetscCall(Answers(mdp));
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
  FenMDPGetCommunication - What a sweep sends, and how evenly it works.

  Collective: sets the solver up

  Input Parameter:
. mdp - the solver

  Output Parameters:
+ words     - values that all ranks together send in a sweep: the sum over states of the ranks that need a value of
              another rank's state
. messages  - that carry them
- imbalance - work of the busiest rank over the mean; 1 is the best

  Level: intermediate

.seealso: `FenMDPSetPartition()`
@*/
PetscErrorCode FenMDPGetCommunication(FenMDP mdp, double *words, double *messages, double *imbalance)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  PetscCall(FenBellmanGetCommunication(mdp->op, words, messages, imbalance));
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
