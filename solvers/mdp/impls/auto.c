/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPAUTO: some sweeps of value iteration, during which the contraction of the span of TV - V is measured, then the
   method that suits it. Where news spreads fast the span falls quickly whatever the discount, and sweeps of T_pi win;
   where it travels one state a sweep, linear solves do. With nature's law frozen in them they are Newton's method on a
   max-min, which may cycle: robust models take sweeps where nature answers eight rows at once, and where it is slow
   linear solves until the norm of TV - V rises over one of them, which is undone. Finite horizons and average rewards
   have one method each, which the family takes when it is set up.
*/
#include "improve.h"
#include <math.h>

#define LOOK_FROM  3 /* the first sweeps know the rewards only */
#define LOOK_UNTIL 8
#define FEW_SWEEPS 150.0

/* contraction of a sweep, and how many more value iteration would take */
static double Contraction(FenMDP mdp, const FenImprove *E, double norm, double *sweeps)
{
  const double target = FenMDPTarget_Private(mdp), least = PetscMax(target, 1e-300);
  const double rate = E->norm_start > 0 ? pow(norm / E->norm_start, 1.0 / (LOOK_UNTIL - LOOK_FROM)) : 0;

  *sweeps = norm <= least || rate <= 0 ? 0 : rate < 1 ? log(norm / least) / -log(rate) : HUGE_VAL;
  return rate;
}

/* what was chosen, from the state alone */
static PetscErrorCode Describe(FenMDP mdp, const FenImprove *E)
{
  PetscFunctionBegin;
  mdp->choice = E->kind == FEN_EVALUATE_SWEEPS ? FENMDPMPI : FENMDPIPI;
  if (E->kind == FEN_EVALUATE_SWEEPS && mdp->robust)
    PetscCall(
        PetscSNPrintf(mdp->why, sizeof(mdp->why),
                      "the span of TV - V contracts by %.3g a sweep; sweeps over the policy's rows, with nature's "
                      "answer in each, converge from everywhere",
                      E->rate));
  else if (E->kind == FEN_EVALUATE_SWEEPS)
    PetscCall(PetscSNPrintf(mdp->why, sizeof(mdp->why),
                            "the span of TV - V contracts by %.3g a sweep: sweeps over the policy's rows are enough",
                            E->rate));
  else
    PetscCall(PetscSNPrintf(mdp->why, sizeof(mdp->why),
                            "the span of TV - V contracts by %.3g a sweep only: linear solves pay", E->rate));
  PetscCall(PetscInfo(mdp, "%s: %s\n", mdp->choice, mdp->why));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveChoose(FenMDP mdp, FenImprove *E)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats);
  PetscBool    fast;
  double       sweeps;

  PetscFunctionBegin;
  PetscCall(FenBellmanNatureIsFast(mdp->op, &fast));
  E->looked++;
  if (E->looked == LOOK_FROM)
    E->norm_start = norm;
  if (E->looked < LOOK_UNTIL)
    PetscFunctionReturn(0);
  E->rate = Contraction(mdp, E, norm, &sweeps);
  E->kind = sweeps <= FEW_SWEEPS || fast ? FEN_EVALUATE_SWEEPS : FEN_EVALUATE_NEWTON;
  PetscCall(Describe(mdp, E));
  PetscFunctionReturn(0);
}

/* the first step leaps from rewards to the size of values; after it norms fall, or sweeps take over from where they
 * fell
 */
PetscErrorCode FenImproveWatch(FenMDP mdp, FenImprove *E, double norm, PetscBool failed)
{
  PetscFunctionBegin;
  if (!mdp->robust)
    PetscFunctionReturn(0);
  E->looked++;
  if (!failed && (E->looked == LOOK_UNTIL + 1 || FenMDPNorm_Private(mdp, &mdp->stats) < norm))
    PetscFunctionReturn(0);
  if (FenMDPMet_Private(mdp))
    PetscFunctionReturn(0);
  if (!failed) {
    FenMDPSwap_Private(&mdp->V, &mdp->X);
    PetscCall(FenMDPSweep_Private(mdp));
  }
  E->kind = FEN_EVALUATE_SWEEPS;
  PetscCall(Describe(mdp, E));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPResume_Auto(FenSolver s)
{
  FenImprove *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  if (E->kind != FEN_EVALUATE_NOTHING)
    PetscCall(Describe((FenMDP)s, E));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPSetFromOptions_Auto(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenImprove *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  PetscCall(FenImproveOptionsSweeps(E, PetscOptionsObject));
  PetscCall(FenImproveOptionsNewton(E, PetscOptionsObject));
  PetscCall(FenPolicySystemOptions(&E->system, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPAUTO - "auto": looks at the contraction, then goes on as mpi or ipi

  Options Database Keys:
  Those of the methods, see `FENMDPMPI` and `FENMDPIPI`.

  Note:
  Robust models take ipi only where nature answers slowly (s-rectangular sets, sets that are no divergence, supports
  beyond the nominal one), and change to mpi when a linear solve fails or an iteration of ipi after
  the first raises the norm of TV - V.

  Level: beginner

.seealso: `FenMDPGetChoice()`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_Auto(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_NOTHING));
  s->ops->setfromoptions = FenMDPSetFromOptions_Auto;
  s->ops->resume = FenMDPResume_Auto;
  PetscFunctionReturn(0);
}
