/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be said of nature beside name and size of its set, and which of it goes together. */
#include "mdpimpl.h"

const char *const FenRectangulars[] = {"sa", "s", "d", "FenRectangular", "FEN_RECTANGULAR_", NULL};
const char *const FenDistances[] = {"index", "l1", "l2", "callback", "FenDistance", "FEN_DISTANCE_", NULL};

/* who names a radius does not mean the penalty that was there before */
PetscErrorCode FenMDPAmbiguitySize_Private(MPI_Comm comm, FenAmbiguity *a, const FenAmbiguityTexts *t, PetscBool *given,
                                           PetscOptionItems *PetscOptionsObject)
{
  PetscReal alpha = a->alpha, radius = a->radius, penalty = a->penalty;
  PetscBool set_alpha, set_radius, set_penalty;

  PetscFunctionBegin;
  PetscCall(PetscOptionsString("-mdp_ambiguity", t->name, t->page, a->name, a->name, sizeof(a->name), NULL));
  PetscCall(PetscOptionsReal("-mdp_alpha", "order of the divergence alpha", t->page, alpha, &alpha, &set_alpha));
  PetscCheck(!set_alpha || !strcmp(a->name, "alpha"), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_alpha belongs to -mdp_ambiguity alpha, not to %s", a->name);
  PetscCall(PetscOptionsReal("-mdp_radius", t->radius, t->page, radius, &radius, &set_radius));
  PetscCall(PetscOptionsReal("-mdp_penalty", t->penalty, t->page, penalty, &penalty, &set_penalty));
  PetscCheck(!set_penalty || penalty > 0, comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_penalty %g: must be positive",
             penalty);
  *given = (PetscBool)(set_radius || set_penalty || radius > 0 || penalty > 0);
  a->alpha = alpha;
  a->radius = set_penalty && !set_radius ? 0 : radius;
  a->penalty = set_radius && !set_penalty ? 0 : penalty;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPAmbiguityOptions_Private(FenAmbiguity *a, PetscOptionItems *PetscOptionsObject)
{
  PetscEnum rectangular = (PetscEnum)a->rectangular, support = (PetscEnum)a->support, distance = (PetscEnum)a->distance;
  PetscReal scale = a->distance_scale > 0 ? a->distance_scale : 1,
            power = a->distance_power > 0 ? a->distance_power : 1;
  PetscBool set[3];

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-mdp_rectangular", "nature answers each row (sa), or each state within one budget (s)",
                             "FenMDPSetAmbiguity", FenRectangulars, rectangular, &rectangular, NULL));
  PetscCall(PetscOptionsEnum("-mdp_support",
                             "where nature may put mass: successors with positive probability (nominal), listed ones "
                             "(list), any state (all)",
                             "FenMDPSetAmbiguity", FenSupports, support, &support, NULL));
  PetscCall(PetscOptionsEnum("-mdp_distance", "of states, wasserstein: |i-j| (index), or of cells of a grid (l1, l2)",
                             "FenMDPSetAmbiguity", FenDistances, distance, &distance, &set[0]));
  PetscCall(
      PetscOptionsReal("-mdp_distance_scale", "factor of the distance", "FenMDPSetAmbiguity", scale, &scale, &set[1]));
  PetscCall(PetscOptionsReal("-mdp_distance_power", "power of the distance, wasserstein of this order",
                             "FenMDPSetAmbiguity", power, &power, &set[2]));
  PetscCheck(strcmp(a->name, "none") != 0 || rectangular == (PetscEnum)FEN_RECTANGULAR_SA, PETSC_COMM_SELF,
             (PetscErrorCode)FEN_ERR_OPTION, "-mdp_rectangular %s without -mdp_ambiguity: say what is meant",
             FenRectangulars[rectangular]);
  PetscCheck(!(set[0] || set[1] || set[2]) || !strcmp(a->name, "wasserstein"), PETSC_COMM_SELF,
             (PetscErrorCode)FEN_ERR_OPTION, "-mdp_distance%s belongs to -mdp_ambiguity wasserstein, not to %s",
             set[0]   ? ""
             : set[1] ? "_scale"
                      : "_power",
             a->name);
  PetscCheck(scale > 0 && power > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_distance_scale %g and -mdp_distance_power %g: must be positive", scale, power);
  a->rectangular = (FenRectangular)rectangular;
  a->support = (FenSupport)support;
  a->distance = (FenDistance)distance;
  a->distance_scale = scale;
  a->distance_power = power;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPCheckAmbiguity_Private(FenMDP mdp)
{
  const FenAmbiguity *a = &mdp->ambiguity;
  MPI_Comm            comm = PetscObjectComm((PetscObject)mdp);
  FenMDPSizes         sizes;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  PetscCheck(
      a->rectangular != FEN_RECTANGULAR_D, comm, (PetscErrorCode)FEN_ERR_OPTION,
      "-mdp_rectangular d: this model is no linear one, whose factors nature could change; s and sa are possible");
  PetscCheck(mdp->criterion != FEN_MDP_TOTAL || a->rectangular != FEN_RECTANGULAR_S, comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_rectangular s: not for the criterion total, whose ends are sought row by row; sa is possible");
  PetscCheck(strcmp(a->name, "interval") != 0 || a->radius > 0 || a->penalty > 0 || sizes.intervals, comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ambiguity interval: the model has no bounds of its probabilities; give -mdp_radius");
  PetscFunctionReturn(0);
}

/* sets beyond divergences of nominal rows know states by the model's numbers: their rows stay where they are */
PetscErrorCode FenMDPPartitionInUse_Private(FenMDP mdp, FenMDPPartition *partition)
{
  const FenAmbiguity *a = &mdp->ambiguity;
  MPI_Comm            comm = PetscObjectComm((PetscObject)mdp);
  FenMDPSizes         sizes;
  const double       *weight;
  int                 bound;

  PetscFunctionBegin;
  *partition = mdp->partition;
  if (!strcmp(a->name, "none"))
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  PetscCall(FenMDPModelGetWeight(mdp->model, &weight));
  bound = weight || sizes.intervals || a->rectangular != FEN_RECTANGULAR_SA || a->support != FEN_SUPPORT_NOMINAL ||
          !strcmp(a->name, "linf") || !strcmp(a->name, "interval") || !strcmp(a->name, "wasserstein");
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bound, 1, MPI_INT, MPI_MAX, comm));
  if (!bound && mdp->criterion != FEN_MDP_TOTAL)
    PetscFunctionReturn(0);
  PetscCheck(mdp->partition != FEN_MDP_PARTITION_GRAPH, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_partition graph with -mdp_ambiguity %s: here it can be block or none", a->name);
  if (bound)
    *partition = FEN_MDP_PARTITION_NONE;
  PetscFunctionReturn(0);
}
