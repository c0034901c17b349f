/* SPDX-License-Identifier: BSD-2-Clause */
/* State of FenMDP that a restart needs: V, TV, the policy and what they say, as the model orders states. */
#include "mdpimpl.h"

/* what is saved is on the model's layout, because the operator's depends on the number of ranks */
static PetscErrorCode AllocateState(FenMDP mdp)
{
  PetscBool moves;

  PetscFunctionBegin;
  PetscCall(FenBellmanMoves(mdp->op, &moves));
  if (moves && !mdp->moved_V)
    PetscCall(PetscMalloc2(mdp->nout, &mdp->moved_V, mdp->nout, &mdp->moved_TV));
  if (!mdp->saved_policy)
    PetscCall(PetscMalloc1(mdp->nout, &mdp->saved_policy));
  mdp->saved_V = moves ? mdp->moved_V : mdp->V;
  mdp->saved_TV = moves ? mdp->moved_TV : mdp->TV;
  PetscFunctionReturn(0);
}

/* rows of a policy as doubles between the layouts: exact */
static PetscErrorCode MovePolicy(FenMDP mdp, PetscBool pack)
{
  double   *inside = mdp->saved_policy;
  PetscBool moves;

  PetscFunctionBegin;
  PetscCall(FenBellmanMoves(mdp->op, &moves));
  if (moves)
    PetscCall(PetscMalloc1(mdp->n, &inside));
  for (FenInt k = 0; pack && k < mdp->n; k++)
    inside[k] = mdp->policy[k];
  if (moves && pack)
    PetscCall(FenBellmanGather(mdp->op, inside, mdp->saved_policy));
  if (moves && !pack)
    PetscCall(FenBellmanScatter(mdp->op, mdp->saved_policy, inside));
  for (FenInt k = 0; !pack && k < mdp->n; k++)
    mdp->policy[k] = (int)inside[k];
  if (moves)
    PetscCall(PetscFree(inside));
  PetscFunctionReturn(0);
}

static PetscErrorCode Pack(FenMDP mdp)
{
  PetscFunctionBegin;
  if (mdp->moved_V) {
    PetscCall(FenBellmanGather(mdp->op, mdp->V, mdp->moved_V));
    PetscCall(FenBellmanGather(mdp->op, mdp->TV, mdp->moved_TV));
  }
  PetscCall(MovePolicy(mdp, PETSC_TRUE));
  PetscCall(FenMDPPackNature_Private(mdp));
  mdp->changes = mdp->stats.changes;
  for (int w = 0; w < mdp->words; w++) {
    PetscCall(FenBellmanGetEliminated(mdp->op, w, mdp->X));
    PetscCall(FenBellmanToModel(mdp->op, mdp->X, mdp->gone + w * mdp->nout));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPUnpack_Private(FenMDP mdp)
{
  double sweeps, matvecs;

  PetscFunctionBegin;
  if (mdp->moved_V) {
    PetscCall(FenBellmanScatter(mdp->op, mdp->moved_V, mdp->V));
    PetscCall(FenBellmanScatter(mdp->op, mdp->moved_TV, mdp->TV));
  }
  PetscCall(MovePolicy(mdp, PETSC_FALSE));
  PetscCall(FenMDPUnpackNature_Private(mdp));
  PetscCall(FenBellmanGetWork(mdp->op, &sweeps, &matvecs));
  mdp->sweeps_offset = sweeps - mdp->sweeps;
  mdp->matvecs_offset = matvecs - mdp->matvecs;
  mdp->stats.changes = mdp->changes;
  for (int w = 0; w < mdp->words; w++) {
    PetscCall(FenBellmanFromModel(mdp->op, mdp->gone + w * mdp->nout, mdp->X));
    PetscCall(FenBellmanSetEliminated(mdp->op, w, mdp->X));
  }
  if (mdp->words && isfinite(mdp->norm_gone))
    PetscCall(FenBellmanUseEliminated(mdp->op, PETSC_TRUE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPState_Private(FenSolver s, FenState state)
{
  FenMDP mdp = (FenMDP)s;
  char   name[32];

  PetscFunctionBegin;
  PetscCall(AllocateState(mdp));
  if (!s->restarted) /* loaded, but not yet taken in */
    PetscCall(Pack(mdp));
  PetscCall(FenStateAddArray(state, "value_before", mdp->outside, 1, mdp->saved_V));
  PetscCall(FenStateAddArray(state, "value_swept", mdp->outside, 1, mdp->saved_TV));
  PetscCall(FenStateAddArray(state, "policy_row", mdp->outside, 1, mdp->saved_policy));
  if (mdp->components)
    PetscCall(FenStateAddArray(state, "nature", mdp->outside, mdp->components, mdp->saved_nature));
  PetscCall(FenStateAddReal(state, "lo", &mdp->stats.lo));
  PetscCall(FenStateAddReal(state, "hi", &mdp->stats.hi));
  PetscCall(FenStateAddReal(state, "value_min", &mdp->stats.vmin));
  PetscCall(FenStateAddReal(state, "value_max", &mdp->stats.vmax));
  PetscCall(FenStateAddReal(state, "slack", &mdp->stats.slack));
  PetscCall(FenStateAddInt(state, "changes", &mdp->changes));
  PetscCall(FenStateAddInt(state, "swept", &mdp->swept));
  PetscCall(FenStateAddInt(state, "stalled", &mdp->stalled));
  PetscCall(FenStateAddReal(state, "norm_best", &mdp->norm_best));
  PetscCall(FenStateAddReal(state, "lower_best", &mdp->best_lower));
  PetscCall(FenStateAddReal(state, "upper_best", &mdp->best_upper));
  PetscCall(FenStateAddReal(state, "error", &mdp->error));
  PetscCall(FenStateAddReal(state, "sweeps", &mdp->sweeps));
  PetscCall(FenStateAddReal(state, "matvecs", &mdp->matvecs));
  if (mdp->criterion == FEN_MDP_AVERAGE)
    PetscCall(FenAverageState_Private(mdp, state));
  if (mdp->total)
    PetscCall(FenTotalState_Private(mdp, state));
  for (int w = 0; w < mdp->words; w++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "eliminated_%d", w));
    PetscCall(FenStateAddArray(state, name, mdp->outside, 1, mdp->gone + w * mdp->nout));
  }
  if (mdp->words)
    PetscCall(FenStateAddReal(state, "norm_eliminated", &mdp->norm_gone));
  PetscFunctionReturn(0);
}
