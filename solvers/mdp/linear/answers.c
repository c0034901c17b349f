/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user asks a FenLinearMDP after the solve. */
#include "linearmdpimpl.h"

/*@C
  FenLinearMDPGetValue - Value of the first state of my trajectories; with "exact" of the problem's start, on all ranks.

  Not Collective

  Output Parameters:
+ n     - how many
- value - owned by the solver

  Level: beginner

.seealso: `FenLinearMDPGetPolicy()`, `FenLinearMDPGetBounds()`
@*/
PetscErrorCode FenLinearMDPGetValue(FenLinearMDP m, FenInt *n, const double *value[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)m));
  *n = m->nvalue;
  *value = m->value;
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPGetPolicy - First action in the first state of my trajectories; the number after the last action is to
end.

  Not Collective

  Level: beginner

.seealso: `FenLinearMDPGetValue()`, `FenLinearMDPGetAction()`
@*/
PetscErrorCode FenLinearMDPGetPolicy(FenLinearMDP m, FenInt *n, const int *action[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)m));
  *n = m->nvalue;
  *action = m->action;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPGetBounds - What is certain about the values that were computed.

  Not Collective

  Notes:
  The interval holds the mean of the first values that exact arithmetic would give for these data and this method. It
  says nothing about the values of other data, or of the environment that the data come from.

  Level: beginner

.seealso: `FenLinearMDPGetValue()`
@*/
PetscErrorCode FenLinearMDPGetBounds(FenLinearMDP m, FenLinearMDPBounds *bounds)
{
  PetscFunctionBegin;
  *bounds = m->bounds;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPGetWeights - Weights of all steps, the same on all ranks, owned by the solver.

  Not Collective

  Level: intermediate

.seealso: `FenLinearMDPGetAction()`
@*/
PetscErrorCode FenLinearMDPGetWeights(FenLinearMDP m, FenLinearMDPWeights *w)
{
  const FenLinearStage *s;

  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)m));
  s = &m->stage[m->nstages - 1];
  *w = (FenLinearMDPWeights){.horizon = m->H,
                             .features = m->d,
                             .theta = s->theta,
                             .w = s->w,
                             .diagonal = s->diagonal,
                             .error = s->error,
                             .multiplier = s->multiplier,
                             .inverse = s->inverse};
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPGetMemoryEstimate - Bytes that a rank will need beside the data, largest over ranks.

  Not Collective

  Level: intermediate

.seealso: `FenLinearMDPSolve()`
@*/
PetscErrorCode FenLinearMDPGetMemoryEstimate(FenLinearMDP m, double *bytes)
{
  FenTrajectoriesSizes n = {.count = 0};
  PetscMPIInt          size;
  double               mine, d, H;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)m), &size));
  if (m->data)
    PetscCall(FenTrajectoriesGetSizes(m->data, &n));
  else if (m->problem)
    n = m->problem->sizes;
  mine = m->rule ? (double)n.count / size + 1 : 0;
  d = (double)n.features;
  H = (double)n.horizon;
  *bytes = 8 * (mine * (8 + 3 * d) + 5 * d * d + 13 * H * d + (m->rule && m->rule->inverse ? H * d * d : 0));
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPGetAction - What the policy believes and does in any state.

  Not Collective

  Input Parameters:
+ mdp  - the solver, after the solve
. h    - step, from 0
- view - features of all actions there, what ending would earn, whether the state is worth nothing

  Output Parameters:
+ value  - V_h of the state; NULL: not wanted
- action - number of the action; the one after the last is to end

  Level: intermediate

.seealso: `FenLinearMDPEvaluate()`
@*/
PetscErrorCode FenLinearMDPGetAction(FenLinearMDP m, PetscInt h, const FenLinearView *view, double *value, int *action)
{
  double v;

  PetscFunctionBegin;
  PetscCheck(m->base.isset && h >= 0 && h < m->H, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_USAGE,
             "step %" PetscInt_FMT " of a solver with %" PetscInt_FMT " steps", h, m->H);
  v = FenLinearValue_Private(m, &m->stage[m->nstages - 1], h, view->features, m->size.stop ? &view->stop : NULL,
                             (PetscBool)(view->fail != 0), action, NULL);
  if (value)
    *value = v;
  PetscFunctionReturn(0);
}
