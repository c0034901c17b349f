/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user says to FenMDP before a solve: model, discount, ambiguity, partition, gap. */
#include "mdpimpl.h"
#include <math.h>

/*@
  FenMDPSetModel - The model; it is referenced, and must not change afterwards.

  Collective

  Level: beginner

.seealso: `FenMDPModelCreateRows()`, `FenMDPModelGenerate()`
@*/
PetscErrorCode FenMDPSetModel(FenMDP mdp, FenMDPModel model)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)mdp));
  PetscCall(PetscObjectReference((PetscObject)model));
  PetscCall(FenMDPModelDestroy(&mdp->model));
  mdp->model = model;
  PetscFunctionReturn(0);
}

/*@
  FenMDPGetModel - The model.

  Not Collective

  Level: beginner

.seealso: `FenMDPSetModel()`
@*/
PetscErrorCode FenMDPGetModel(FenMDP mdp, FenMDPModel *model)
{
  PetscFunctionBegin;
  *model = mdp->model;
  PetscFunctionReturn(0);
}

/*@
  FenMDPSetDiscount - The discount, instead of the model's own.

  Logically Collective

  Options Database Key:
. -mdp_discount - the same

  Level: beginner

.seealso: `FenMDPGetDiscount()`
@*/
PetscErrorCode FenMDPSetDiscount(FenMDP mdp, double discount)
{
  PetscFunctionBegin;
  PetscCheck(discount >= 0 && discount <= 1, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_discount %g: must be at least 0 and below 1 (1 with a finite horizon)", discount);
  if (mdp->discount != discount)
    PetscCall(FenSolverReset((FenSolver)mdp));
  mdp->discount = discount;
  PetscFunctionReturn(0);
}

/*@
  FenMDPGetDiscount - The discount in use: what was set, else the model's; NAN if neither says.

  Not Collective

  Level: beginner

.seealso: `FenMDPSetDiscount()`
@*/
PetscErrorCode FenMDPGetDiscount(FenMDP mdp, double *discount)
{
  PetscFunctionBegin;
  *discount = mdp->discount;
  if (mdp->base.isset)
    *discount = mdp->gamma;
  else if (isnan(mdp->discount) && mdp->model)
    PetscCall(FenMDPModelGetDiscount(mdp->model, discount));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPSetAmbiguity - What nature may do with the probabilities of a row.

  Logically Collective

  Input Parameters:
+ mdp       - the solver
- ambiguity - name of the set; radius > 0 makes a ball, penalty > 0 a price, neither the nominal model, or for
              "interval" the model's own bounds

  Options Database Keys:
+ -mdp_ambiguity      - name
. -mdp_alpha          - order, of "alpha"
. -mdp_radius         - radius
. -mdp_penalty        - penalty
. -mdp_rectangular    - sa: nature answers each row by itself; s: each state, within one budget for all its rows
. -mdp_support        - where mass may go: nominal, list, all
. -mdp_distance       - wasserstein: index, l1, l2
. -mdp_distance_scale - factor of the distance
- -mdp_distance_power - power of the distance, with the radius to the same power

  Level: beginner

.seealso: `FenMDPGetAmbiguity()`, `FenDivergenceWorstRadius()`, `FenDivergenceWorstPenalty()`
@*/
PetscErrorCode FenMDPSetAmbiguity(FenMDP mdp, const FenAmbiguity *a)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)mdp);

  PetscFunctionBegin;
  PetscCheck(isfinite(a->radius) && a->radius >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_radius %g: must not be negative", a->radius);
  PetscCheck(isfinite(a->penalty) && a->penalty >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_penalty %g: must be positive", a->penalty);
  PetscCheck(isfinite(a->alpha), comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_alpha %g: must be a finite number",
             a->alpha);
  PetscCheck(!(a->radius > 0 && a->penalty > 0), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_radius %g and -mdp_penalty %g: only one of them can be used", a->radius, a->penalty);
  PetscCheck(
      isfinite(a->distance_scale) && a->distance_scale >= 0 && isfinite(a->distance_power) && a->distance_power >= 0,
      comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_distance_scale %g and -mdp_distance_power %g: must be positive",
      a->distance_scale, a->distance_power);
  PetscCheck(strcmp(a->name, "none") || (a->radius == 0 && a->penalty == 0), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_radius or -mdp_penalty without -mdp_ambiguity: say what is meant, for example kl");
  PetscCall(FenSolverReset((FenSolver)mdp));
  mdp->ambiguity = *a;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetAmbiguity - What nature may do.

  Not Collective

  Level: beginner

.seealso: `FenMDPSetAmbiguity()`
@*/
PetscErrorCode FenMDPGetAmbiguity(FenMDP mdp, FenAmbiguity *ambiguity)
{
  PetscFunctionBegin;
  *ambiguity = mdp->ambiguity;
  PetscFunctionReturn(0);
}

/*@
  FenMDPSetPartition - Says which rank works on which states. Values, policies and saved states stay on the model's
  layout.

  Logically Collective

  Input Parameters:
+ mdp       - the solver
- partition - `FEN_MDP_PARTITION_NONE`: as the model is cut; `FEN_MDP_PARTITION_BLOCK` (the default): consecutive states
              with the same work on every rank, or as the model is cut if no rank has more than 5 % above the mean;
              `FEN_MDP_PARTITION_GRAPH`: PT-Scotch looks for the same work and few values to send

  Options Database Key:
. -mdp_partition - none, block or graph

  Note:
  Answers are the same up to rounding. Choose graph for models whose numbering says little about who is near whom, and
  for grids on many ranks; it has to build the graph of states, which costs as much as some sweeps. Where successors are
  anywhere, as in Garnet models, no cut helps.

  Level: intermediate

.seealso: `FenMDPGetPartition()`, `FenMDPGetCommunication()`
@*/
PetscErrorCode FenMDPSetPartition(FenMDP mdp, FenMDPPartition partition)
{
  PetscFunctionBegin;
  PetscCheck(partition >= FEN_MDP_PARTITION_NONE && partition <= FEN_MDP_PARTITION_GRAPH,
             PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION, "-mdp_partition: %d is not known",
             (int)partition);
  if (mdp->partition != partition)
    PetscCall(FenSolverReset((FenSolver)mdp));
  mdp->partition = partition;
  PetscFunctionReturn(0);
}

/*@
  FenMDPGetPartition - Which rank works on which states.

  Not Collective

  Level: intermediate

.seealso: `FenMDPSetPartition()`
@*/
PetscErrorCode FenMDPGetPartition(FenMDP mdp, FenMDPPartition *partition)
{
  PetscFunctionBegin;
  *partition = mdp->partition;
  PetscFunctionReturn(0);
}

/*@
  FenMDPSetGap - Stop when the certified loss of the policy is at most this in all states.

  Logically Collective

  Input Parameters:
+ mdp      - the solver
. absolute - in the units of the values; 0 or less: not used
- relative - share of the range of the values; 0 or less: not used

  Options Database Keys:
+ -mdp_gap     - absolute
- -mdp_gap_rel - relative

  Level: beginner

.seealso: `FenMDPGetBounds()`, `FenSolverSetTolerances()`
@*/
PetscErrorCode FenMDPSetGap(FenMDP mdp, double absolute, double relative)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetTolerances((FenSolver)mdp, relative, absolute, (FenInt)PETSC_DEFAULT));
  PetscFunctionReturn(0);
}
