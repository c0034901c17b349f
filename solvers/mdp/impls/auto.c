/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPAUTO: some sweeps of value iteration, during which the contraction of the span of TV - V is measured, then the
   method that suits the model:

   - where news spreads fast the span falls quickly whatever the discount, and sweeps over the policy's rows win;
   - where it travels one state a sweep and the model has two colours, Newton steps on one of them;
   - other slow models with long rows: linear solves, since incomplete factors cost about as much as a product there;
   - with short rows factors cost many products, and sweeps over the policy's rows are better as long as they will be
     done in some thousand; otherwise linear solves;
   - slow robust models: linear solves with nature's law frozen, since its answers cost much more than products. This is
     Newton's method on a max-min, which may cycle: PATIENCE iterations without a new smallest norm of TV - V are the
     last. Then come sweeps over the policy's rows where nature answers eight rows at once, and linear solves with its
     law renewed, which need fewer answers, where it does not.

   Finite horizons and average rewards have one method each, which the family takes when it is set up.
*/
#include "improve.h"
#include <math.h>

#define LOOK_FROM  2 /* the first sweep knows the rewards only */
#define LOOK_UNTIL 8
#define FEW_SWEEPS 150.0
#define VERY_FEW   30.0    /* need not be looked at for long */
#define LONG_ROW   10.0    /* entries, in the mean */
#define WINDOW     3000.0  /* products between two judgements of a slow model */
#define MANY       10000.0 /* products that are too many */
#define PATIENCE   10

enum { FAST, SLOW_SWEEPS, SLOW_SOLVES, LONG_ROWS };

/* contraction of a sweep, and how many more value iteration would take */
static double Contraction(FenMDP mdp, const FenImprove *E, double norm, double *sweeps)
{
  const double target = FenMDPTarget_Private(mdp), least = PetscMax(target, 1e-300);
  const double rate = E->norm_start > 0 ? pow(norm / E->norm_start, 1.0 / (double)(E->looked - LOOK_FROM)) : 0;

  *sweeps = norm <= least || rate <= 0 ? 0 : rate < 1 ? log(norm / least) / -log(rate) : HUGE_VAL;
  return rate;
}

static const char *Reason(FenMDP mdp, const FenImprove *E)
{
  if (E->kind == FEN_EVALUATE_NEWTON && mdp->robust)
    return "only: linear solves with nature's law frozen pay";
  if (E->kind == FEN_EVALUATE_PARTIAL)
    return "only: linear solves with nature's answer renewed pay";
  if (E->kind == FEN_EVALUATE_NEWTON && E->watched == SLOW_SOLVES)
    return "only, and sweeps over the policy's rows would take too many: linear solves pay";
  if (E->kind == FEN_EVALUATE_NEWTON && E->watched == LONG_ROWS)
    return "only, and the rows are long: linear solves pay";
  if (E->kind == FEN_EVALUATE_NEWTON)
    return "only, and the model has two colours: linear solves on one of them pay";
  return E->watched ? "only, but sweeps over the policy's rows do better"
                    : "a sweep: sweeps over the policy's rows are enough";
}

/* what was chosen, from the state alone */
static PetscErrorCode Describe(FenMDP mdp, const FenImprove *E)
{
  PetscFunctionBegin;
  mdp->choice = E->kind == FEN_EVALUATE_SWEEPS ? FENMDPMPI : E->kind == FEN_EVALUATE_NEWTON ? FENMDPIPI : FENMDPPPI;
  PetscCall(
      PetscSNPrintf(mdp->why, sizeof(mdp->why), "the span of TV - V contracts by %.3g %s", E->rate, Reason(mdp, E)));
  PetscCall(PetscInfo(mdp, "%s: %s\n", mdp->choice, mdp->why));
  PetscFunctionReturn(0);
}

/* of a nominal model whose span contracts slowly */
static PetscErrorCode ChooseSlow(FenMDP mdp, FenImprove *E)
{
  FenMDPSizes sizes;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  E->kind = FEN_EVALUATE_NEWTON;
  if (E->system.kind == FEN_POLICY_PC_COLOUR)
    PetscFunctionReturn(0);
  E->watched = LONG_ROWS;
  if ((double)sizes.nnz >= LONG_ROW * (double)sizes.rows)
    PetscFunctionReturn(0);
  E->kind = FEN_EVALUATE_SWEEPS;
  E->watched = SLOW_SWEEPS;
  E->mark_norm = FenMDPNorm_Private(mdp, &mdp->stats);
  E->mark_work = mdp->sweeps + mdp->matvecs;
  PetscFunctionReturn(0);
}

static PetscErrorCode Look(FenMDP mdp, FenImprove *E)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats);
  double       sweeps;

  PetscFunctionBegin;
  E->looked++;
  if (E->looked == LOOK_FROM)
    E->norm_start = norm;
  if (E->looked <= LOOK_FROM)
    PetscFunctionReturn(0);
  E->rate = Contraction(mdp, E, norm, &sweeps);
  if (E->looked < LOOK_UNTIL && sweeps > VERY_FEW)
    PetscFunctionReturn(0);
  E->kind = FEN_EVALUATE_SWEEPS;
  if (sweeps > FEW_SWEEPS && !mdp->robust)
    PetscCall(ChooseSlow(mdp, E));
  else if (sweeps > FEW_SWEEPS) {
    E->kind = FEN_EVALUATE_NEWTON;
    E->mark_norm = PETSC_INFINITY;
    E->mark_work = 0;
  }
  PetscCall(Describe(mdp, E));
  PetscFunctionReturn(0);
}

/* mark_norm: smallest norm after a linear solve, mark_work: iterations since then. The first step leaps from rewards to
   the size of values; after it norms may rise for a while */
PetscErrorCode FenImproveWatch(FenMDP mdp, FenImprove *E, double norm, PetscBool failed)
{
  const double now = FenMDPNorm_Private(mdp, &mdp->stats);
  PetscBool    fast;

  PetscFunctionBegin;
  if (!mdp->robust)
    PetscFunctionReturn(0);
  E->mark_work = now <= 0.999 * E->mark_norm ? 0 : E->mark_work + 1;
  E->mark_norm = PetscMin(E->mark_norm, now);
  if ((!failed && E->mark_work < PATIENCE) || FenMDPMet_Private(mdp))
    PetscFunctionReturn(0);
  if (!failed && now > norm) {
    FenMDPSwap_Private(&mdp->V, &mdp->X);
    PetscCall(FenMDPSweep_Private(mdp));
  }
  PetscCall(FenBellmanNatureIsFast(mdp->op, &fast));
  E->kind = fast ? FEN_EVALUATE_SWEEPS : FEN_EVALUATE_PARTIAL;
  PetscCall(Describe(mdp, E));
  PetscFunctionReturn(0);
}

/* are the products that the last ones let expect too many? */
static PetscErrorCode Judge(FenMDP mdp, FenImprove *E)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), target = PetscMax(FenMDPTarget_Private(mdp), 1e-300);
  const double work = mdp->sweeps + mdp->matvecs - E->mark_work, fell = log(E->mark_norm / norm);

  PetscFunctionBegin;
  if (work < WINDOW || norm <= target)
    PetscFunctionReturn(0);
  if (fell <= 0 || log(norm / target) / fell * work > MANY) {
    E->watched = SLOW_SOLVES;
    E->kind = FEN_EVALUATE_NEWTON;
    PetscCall(Describe(mdp, E));
  }
  E->mark_norm = norm;
  E->mark_work += work;
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveChoose(FenMDP mdp, FenImprove *E)
{
  PetscFunctionBegin;
  if (E->kind == FEN_EVALUATE_NOTHING)
    PetscCall(Look(mdp, E));
  else if (E->watched == SLOW_SWEEPS)
    PetscCall(Judge(mdp, E));
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
  PetscCall(FenPolicySystemOptions(s, &E->system, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPAUTO - "auto": looks at the contraction, then goes on as mpi or ipi

  Options Database Keys:
  Those of the methods, see `FENMDPMPI` and `FENMDPIPI`.

  Note:
  Slow robust models take ipi, and leave it when a linear solve fails or ten of its iterations bring no smaller norm of
  TV - V: for mpi, or for ppi where nature answers slowly (s-rectangular sets, sets that are no divergence, supports
  beyond the nominal one).

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
