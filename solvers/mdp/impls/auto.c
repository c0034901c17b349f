/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPAUTO: the first policies are evaluated by a few sweeps over their rows, during which the contraction of the
   span of T_pi V - V is measured; then the method that suits the model:

   - where news spreads fast the span falls quickly whatever the discount, and sweeps over the policy's rows win;
   - where it travels one state a sweep and the model has two colours, Newton steps on one of them;
   - other slow models with long rows: linear solves, since incomplete factors cost about as much as a product there;
   - with short rows factors cost many products, and sweeps over the policy's rows are better as long as they will be
     done in some thousand; otherwise linear solves;
   - slow robust models: linear solves with nature's law frozen, since its answers cost much more than products. This is
     Newton's method on a max-min, which may cycle.

   One rule watches what was chosen: it must be getting there. Sweeps are judged each time that a window of products has
   passed, by how many more the last ones let expect; solves of robust models by the smallest norm of TV - V so far:
   PATIENCE iterations without a new one are the last. What fails makes room for another, once each: solves with
   nature's law frozen for solves with its law renewed, and these for sweeps where nature answers eight rows at once.

   Finite horizons and average rewards have one method each, which the family takes when it is set up.
*/
#include "improve.h"
#include <math.h>

#define LOOKS      2 /* policies that are looked at before a robust model counts as slow; nominal, two colours: one */
#define FEW_SWEEPS 150.0
#define LONG_ROW   10.0    /* entries, in the mean */
#define SHORT      400.0   /* products before a model that seemed fast is judged */
#define WINDOW     3000.0  /* products between two judgements of a slow model */
#define MANY       10000.0 /* products that are too many */
#define PATIENCE   6

enum { FAST, SLOW_SWEEPS, SLOW_SOLVES, LONG_ROWS, SOLVES_FAIL };

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
  if (E->watched == SOLVES_FAIL)
    return "only, but linear solves fail";
  return E->watched ? "only, but sweeps over the policy's rows do better"
                    : "a sweep: sweeps over the policy's rows are enough";
}

/* what was chosen, from the state alone */
static PetscErrorCode Describe(FenMDP mdp, const FenImprove *E)
{
  PetscFunctionBegin;
  mdp->choice = E->kind == FEN_EVALUATE_SWEEPS ? FENMDPMPI : E->kind == FEN_EVALUATE_NEWTON ? FENMDPIPI : FENMDPPPI;
  if (E->rate < 1)
    PetscCall(
        PetscSNPrintf(mdp->why, sizeof(mdp->why), "the span of TV - V contracts by %.3g %s", E->rate, Reason(mdp, E)));
  else
    PetscCall(PetscSNPrintf(mdp->why, sizeof(mdp->why), "the span of TV - V does not fall at first%s",
                            strpbrk(Reason(mdp, E), ",:")));
  PetscCall(PetscInfo(mdp, "%s: %s\n", mdp->choice, mdp->why));
  PetscFunctionReturn(0);
}

static PetscErrorCode Take(FenMDP mdp, FenImprove *E, FenEvaluation kind, FenInt why)
{
  PetscFunctionBegin;
  E->kind = (FenInt)kind;
  E->watched = why;
  E->looked = 0;
  PetscCall(Describe(mdp, E));
  PetscFunctionReturn(0);
}

/* of a model whose span contracts slowly */
static PetscErrorCode TakeSlow(FenMDP mdp, FenImprove *E)
{
  FenMDPSizes sizes;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  if (mdp->robust) {
    E->mark_norm = PETSC_INFINITY;
    E->mark_work = 0;
    PetscCall(Take(mdp, E, FEN_EVALUATE_NEWTON, FAST));
  } else if (E->system.kind == FEN_POLICY_PC_COLOUR)
    PetscCall(Take(mdp, E, FEN_EVALUATE_NEWTON, FAST));
  else if ((double)sizes.nnz >= LONG_ROW * (double)sizes.rows)
    PetscCall(Take(mdp, E, FEN_EVALUATE_NEWTON, LONG_ROWS));
  else {
    PetscCall(FenBellmanStore(mdp->op)); /* many sweeps will come */
    PetscCall(Take(mdp, E, FEN_EVALUATE_SWEEPS, SLOW_SWEEPS));
  }
  PetscFunctionReturn(0);
}

/* how many more products, when the last `work` of them lowered the norm by this factor */
static double Expected(FenMDP mdp, double factor, double work)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), target = PetscMax(FenMDPTarget_Private(mdp), 1e-300);

  if (norm <= target)
    return 0;
  return factor < 1 ? log(norm / target) / -log(factor) * work : HUGE_VAL;
}

/* sweeps and products since the last judgement, which is now */
static PetscErrorCode Work(FenMDP mdp, FenImprove *E, double *work)
{
  double sweeps, matvecs;

  PetscFunctionBegin;
  PetscCall(FenBellmanGetWork(mdp->op, &sweeps, &matvecs));
  *work = sweeps - mdp->sweeps_offset + matvecs - mdp->matvecs_offset - E->mark_work;
  PetscFunctionReturn(0);
}

static PetscErrorCode Look(FenMDP mdp, FenImprove *E)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), factor = norm / E->mark_norm;
  double       work = 0, expected;

  PetscFunctionBegin;
  PetscCall(Work(mdp, E, &work));
  E->mark_norm = norm;
  E->mark_work += work;
  if (E->looked++ == 0) /* the first sweep evaluates nothing */
    PetscFunctionReturn(0);
  E->rate = pow(factor, 1 / work);
  expected = Expected(mdp, factor, work);
  if (expected <= FEW_SWEEPS)
    PetscCall(Take(mdp, E, FEN_EVALUATE_SWEEPS, FAST));
  else if (E->looked > (mdp->robust && E->system.kind != FEN_POLICY_PC_COLOUR ? LOOKS : 1))
    PetscCall(TakeSlow(mdp, E));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeSweeps(FenMDP mdp, FenImprove *E)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), factor = norm / E->mark_norm;
  double       work = 0, expected;

  PetscFunctionBegin;
  PetscCall(Work(mdp, E, &work));
  if (mdp->robust || work < (E->watched == FAST ? SHORT : WINDOW))
    PetscFunctionReturn(0);
  expected = Expected(mdp, factor, work);
  E->mark_norm = norm;
  E->mark_work += work;
  if (E->watched == FAST && expected > FEW_SWEEPS)
    PetscCall(TakeSlow(mdp, E));
  else if (expected > MANY)
    PetscCall(Take(mdp, E, FEN_EVALUATE_NEWTON, SLOW_SOLVES));
  PetscFunctionReturn(0);
}

/* mark_norm: smallest norm after a linear solve, mark_work: iterations since then. The first solve leaps from rewards
   to the size of values; after it norms may rise for a while. X is the TV before the solve unless it failed */
static PetscErrorCode JudgeSolves(FenMDP mdp, FenImprove *E, double norm, PetscBool failed)
{
  const double now = FenMDPNorm_Private(mdp, &mdp->stats);
  PetscBool    fast;

  PetscFunctionBegin;
  E->looked++;
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
  if (E->kind == FEN_EVALUATE_NEWTON) {
    E->tolerance = E->mark_norm = PETSC_INFINITY;
    E->mark_work = 0;
    PetscCall(Take(mdp, E, FEN_EVALUATE_PARTIAL, SOLVES_FAIL));
  } else if (fast)
    PetscCall(Take(mdp, E, FEN_EVALUATE_SWEEPS, SOLVES_FAIL));
  else
    E->mark_work = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveChoose(FenMDP mdp, FenImprove *E, double norm, PetscBool failed)
{
  PetscFunctionBegin;
  if (E->kind == FEN_EVALUATE_LOOK)
    PetscCall(Look(mdp, E));
  else if (E->kind == FEN_EVALUATE_SWEEPS)
    PetscCall(JudgeSweeps(mdp, E));
  else
    PetscCall(JudgeSolves(mdp, E, norm, failed));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPResume_Auto(FenSolver s)
{
  FenImprove *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  if (E->kind != FEN_EVALUATE_LOOK)
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
  Slow robust models take ipi, and leave it for ppi when a linear solve fails or six of its iterations bring no smaller
  norm of TV - V; and ppi, if the same happens to it, for mpi, unless nature answers slowly (s-rectangular sets, sets
  that are no divergence, supports beyond the nominal one).

  Level: beginner

.seealso: `FenMDPGetChoice()`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_Auto(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_LOOK));
  s->ops->setfromoptions = FenMDPSetFromOptions_Auto;
  s->ops->resume = FenMDPResume_Auto;
  PetscFunctionReturn(0);
}
