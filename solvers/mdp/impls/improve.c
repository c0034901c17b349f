/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Policies: evaluate, improve, and again.

   Sweeps of T_pi (modified policy iteration) converge from any start, with the optimal policy at the end, and need no
   safeguard: constants pass through T, so every start is as good as one from below. Linear solves do need one when they
   are inexact or when nature's law is frozen in them (Newton's method on a max-min may cycle): once there were STALE
   iterations without a new smallest norm of TV - V, an outcome that does not lower the norm is thrown away and V <- TV
   taken, which lowers it by the discount, with more sweeps each time. Before that it is accepted: the norm of policy
   iteration rises for a while on models where news travels one state a step.

   Each solve starts with the best constant, (max + min of TV - V)/2/(1 - gamma): the mode that converges slowest; if
   all residuals have one sign.

   References: Puterman and Shin, Management Science 24, 1978; Gargiani et al., arXiv 2211.04299 and 2404.06136; Ho,
   Petrik, Wiesemann, JMLR 22(275), 2021; Kaufman and Schaefer, INFORMS J. Comput. 25, 2013.
*/
#include "improve.h"
#include <math.h>

#define LOOK           6    /* sweeps of T_pi while "auto" looks */
#define MARGIN         0.25 /* rows within this share of the norm of TV - V are on the short list */
#define NARROW         0.15 /* share of the norm below which the list has as small a share of its margin */
#define FAST_FALL      0.5  /* of the norm, each sweep: then it is worth to go on while "auto" looks */
#define SHORT_STOP     0.5  /* share of the target that sweeps over a short list let expect of the next sweep */
#define STALE          50
#define FORCING_LEAST  1e-3
#define STEPS          8 /* of Newton on one colour, between two sweeps of T over both */
#define MOST_DOUBLED   6
#define EXACT          1e-3 /* an exact evaluation leaves this share of the gain that the policy promises */
#define ROUNDS         30   /* of linear solves in one evaluation */
#define ROUND_FORCING  0.2  /* robust: a round's solve stops at this share, since nature answers after it */
#define PARTIAL_SHARE  0.3  /* of the norm: what a partial evaluation leaves */
#define PARTIAL_SMOOTH 4    /* times as many sweeps after it as after a Newton step: policies must hear of each other */

static const char citation[] = "@article{HoPetrikWiesemann2021,\n"
                               "  author = {Chin Pang Ho and Marek Petrik and Wolfram Wiesemann},\n"
                               "  title = {Partial Policy Iteration for {L1}-Robust {Markov} Decision Processes},\n"
                               "  journal = {Journal of Machine Learning Research},\n"
                               "  volume = {22}, number = {275}, pages = {1--46}, year = {2021}\n}\n";
static PetscBool  cited = PETSC_FALSE;

static PetscErrorCode Initialize(FenSolver s)
{
  FenMDP      mdp = (FenMDP)s;
  FenImprove *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  if (E->first == FEN_EVALUATE_PARTIAL)
    PetscCall(PetscCitationsRegister(citation, &cited));
  E->kind = (FenInt)E->first;
  E->norm_before = E->best = PETSC_INFINITY;
  E->stale = E->looked = E->strict = E->refused = 0;
  E->tolerance = PETSC_INFINITY;
  E->rate = E->mark_norm = E->mark_work = 0;
  E->watched = 0;
  E->step = (FenProgressOfNorm){.before = PETSC_INFINITY, .best = PETSC_INFINITY};
  if (E->first == FEN_EVALUATE_LOOK) {
    mdp->choice = NULL;
    mdp->why[0] = 0;
  }
  PetscFunctionReturn(0);
}

/* W <- TV, without a constant that is large: the first sweep of T_pi has been made */
static PetscErrorCode Begin(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(mdp->W, mdp->TV, mdp->n));
  FenMDPCentre_Private(mdp, mdp->stats.vmin, mdp->stats.vmax, mdp->W);
  PetscFunctionReturn(0);
}

/* after W <- V: sweeps over a short list of rows, which are enough until the sweep over all rows that follows; false:
   there is no list, or it is too long */
static PetscErrorCode SweepShort(FenMDP mdp, PetscInt most, PetscBool *done)
{
  FenImprove   *E = (FenImprove *)mdp->base.data;
  FenSweepStats stats = mdp->stats;
  const double  norm = FenMDPNorm_Private(mdp, &stats);
  double        now = norm;
  PetscBool     gone = PETSC_FALSE;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (!isfinite(norm))
    PetscFunctionReturn(0);
  PetscCall(FenBellmanShortlist(mdp->op, mdp->TV, mdp->policy, MARGIN * norm, done));
  if (!*done)
    PetscFunctionReturn(0);
  for (PetscInt k = 0; k < most && (k < LOOK || E->kind != FEN_EVALUATE_LOOK || now < norm * pow(FAST_FALL, (double)k));
       k++) {
    const double before = now;

    PetscCall(FenBellmanShortSweep(mdp->op, (FenSolver)mdp, mdp->W, mdp->X, mdp->policy, &stats, &gone));
    FenMDPSwap_Private(&mdp->W, &mdp->X);
    if (gone)
      break;
    now = FenMDPNorm_Private(mdp, &stats);
    if (now <= NARROW * norm && isfinite(now))
      PetscCall(FenBellmanShortNarrow(mdp->op, mdp->W, mdp->policy, MARGIN * norm * NARROW));
    if (!(now * PetscMin(now / before, 1) > SHORT_STOP * FenMDPTarget_Private(mdp)))
      break;
  }
  *done = PetscNot(gone);
  PetscFunctionReturn(0);
}

/* W <- V after sweeps of T_pi, `most` of them at most. Robust models: nature's laws are renewed before each, so that
   this is T_pi itself */
static PetscErrorCode EvaluateSweeps(FenMDP mdp, PetscInt most)
{
  PetscBool     done = PETSC_FALSE;
  FenImprove   *E = (FenImprove *)mdp->base.data;
  const double  share = E->inner * FenMDPNorm_Private(mdp, &mdp->stats);
  const double  stop = PetscMax(share, 0.4 * FenMDPTarget_Private(mdp));
  FenSweepStats stats = mdp->stats;

  PetscFunctionBegin;
  PetscCall(Begin(mdp));
  if (!mdp->robust)
    PetscCall(SweepShort(mdp, E->sweeps_max, &done));
  if (!done)
    PetscCall(FenBellmanRewardsTell(mdp->op, mdp->TV, MARGIN * FenMDPNorm_Private(mdp, &stats), &done));
  if (done)
    PetscFunctionReturn(0);
  if (!mdp->robust)
    PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, mdp->W));
  for (PetscInt k = 0; k < most; k++) {
    if (mdp->robust)
      PetscCall(FenBellmanRobustPolicySweep(mdp->op, (FenSolver)mdp, mdp->policy, mdp->W, mdp->X, &stats));
    else
      PetscCall(FenBellmanPolicySweep(mdp->op, (FenSolver)mdp, mdp->W, mdp->X, &stats));
    FenMDPSwap_Private(&mdp->W, &mdp->X);
    if (!(FenMDPNorm_Private(mdp, &stats) > stop))
      break;
  }
  PetscFunctionReturn(0);
}

/* a solve may bring a large constant */
static PetscErrorCode CentreW(FenMDP mdp)
{
  double range[2] = {-PETSC_INFINITY, -PETSC_INFINITY};

  PetscFunctionBegin;
  if (!mdp->shift)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < mdp->n; k++) {
    range[0] = PetscMax(range[0], -mdp->W[k]);
    range[1] = PetscMax(range[1], mdp->W[k]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)mdp)));
  FenMDPCentre_Private(mdp, -range[0], range[1], mdp->W);
  PetscFunctionReturn(0);
}

/* W += x with (I - gamma P) x = image - W - (1 - gamma) c; X is used for the right-hand side and x. stop: 2-norm */
static PetscErrorCode Correct(FenMDP mdp, const double image[], const FenSweepStats *stats, double forcing,
                              double least, PetscBool *failed)
{
  FenImprove *E = (FenImprove *)mdp->base.data;
  /* where some residuals have the other sign, as at goals that are reached, the constant would be wrong there */
  const double c = stats->lo > 0 || stats->hi < 0 ? FenMDPBestShift_Private(mdp, stats) : 0;
  const double middle = c * (1 - mdp->gamma);
  double      *b = mdp->X, *x, norm2;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(mdp->n, &x));
  for (FenInt k = 0; k < mdp->n; k++)
    b[k] = mdp->policy[k] < 0 ? 0 : image[k] - mdp->W[k] - middle;
  PetscCall(FenMDPDots_Private(mdp, 1, (const double *const *)&b, b, &norm2));
  *failed = (PetscBool)!isfinite(norm2);
  if (norm2 > 0 && !*failed) {
    /* 2-norm over largest entry: what is left is spread like the right-hand side, not evenly over all states */
    const double even = sqrt((double)mdp->nstates), spread = 2 * sqrt(norm2) / FenMDPNorm_Private(mdp, stats);
    const double stop = PetscMax(forcing * sqrt(norm2), 0.3 * least * PetscMin(even, spread));

    PetscCall(FenPolicySystemSolve(&E->system, b, stop, x, failed));
    if (!*failed)
      for (FenInt k = 0; k < mdp->n; k++)
        mdp->W[k] += x[k];
  }
  if (!*failed)
    PetscCall(CentreW(mdp)); /* the constant c itself is not needed either */
  PetscCall(PetscFree(x));
  PetscFunctionReturn(0);
}

/* one Newton step; nature's laws are those at V */
static PetscErrorCode EvaluateNewton(FenMDP mdp, PetscBool *failed)
{
  FenImprove  *E = (FenImprove *)mdp->base.data;
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), ratio = norm / E->norm_before;
  const double forcing = PetscMax(FORCING_LEAST, PetscMin(E->forcing, 0.9 * ratio * ratio));

  PetscFunctionBegin;
  PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, mdp->V));
  PetscCall(FenPolicySystemBuild(&E->system));
  PetscCall(PetscArraycpy(mdp->W, mdp->V, mdp->n));
  PetscCall(Correct(mdp, mdp->TV, &mdp->stats, forcing, 0.3 * FenMDPTarget_Private(mdp), failed));
  PetscFunctionReturn(0);
}

/* W <- value of the policy within `tolerance` of its residual; nature answers each round (robust policy evaluation is a
   policy iteration of nature). Ends also when rounding allows no more */
static PetscErrorCode EvaluateTo(FenMDP mdp, double tolerance, PetscBool *failed)
{
  FenImprove   *E = (FenImprove *)mdp->base.data;
  FenSweepStats stats = mdp->stats;
  double       *image, before = PETSC_INFINITY, norm = FenMDPNorm_Private(mdp, &stats);

  PetscFunctionBegin;
  *failed = PETSC_FALSE;
  PetscCall(PetscMalloc1((size_t)(mdp->n + mdp->nghost), &image));
  PetscCall(PetscArraycpy(mdp->W, mdp->V, mdp->n));
  PetscCall(PetscArraycpy(image, mdp->TV, mdp->n));
  PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, mdp->W));
  PetscCall(FenPolicySystemBuild(&E->system));
  for (PetscInt round = 0; round < ROUNDS && norm > tolerance && !*failed && (mdp->robust || norm <= 0.5 * before);
       round++) {
    before = norm;
    PetscCall(Correct(mdp, image, &stats, mdp->robust ? ROUND_FORCING : 1e-6, 0.1 * tolerance, failed));
    if (mdp->robust) {
      PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, mdp->W));
      PetscCall(FenPolicySystemBuild(&E->system));
    }
    PetscCall(FenBellmanPolicySweep(mdp->op, (FenSolver)mdp, mdp->W, image, &stats));
    norm = FenMDPNorm_Private(mdp, &stats);
  }
  PetscCall(PetscFree(image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Evaluate(FenMDP mdp, PetscBool *failed)
{
  FenImprove  *E = (FenImprove *)mdp->base.data;
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats), g2 = mdp->gamma * mdp->gamma;

  PetscFunctionBegin;
  *failed = PETSC_FALSE;
  switch ((FenEvaluation)E->kind) {
  case FEN_EVALUATE_LOOK:
    PetscCall(EvaluateSweeps(mdp, PetscMin(LOOK, E->sweeps_max)));
    break;
  case FEN_EVALUATE_SWEEPS:
    PetscCall(EvaluateSweeps(mdp, E->sweeps_max));
    break;
  case FEN_EVALUATE_NEWTON:
    if (E->system.kind == FEN_POLICY_PC_COLOUR) {
      PetscCall(FenReducedSetUp(mdp, E->system.max_it, &E->system.reduced));
      PetscCall(FenReducedEvaluate(mdp, &E->system.reduced, &E->step, E->smooth, E->forcing, STEPS, failed));
    } else
      PetscCall(EvaluateNewton(mdp, failed));
    break;
  case FEN_EVALUATE_EXACT:
    PetscCall(EvaluateTo(mdp, PetscMax(EXACT * norm, PetscMax(4 * mdp->stats.slack, 0.1 * FenMDPTarget_Private(mdp))),
                         failed));
    break;
  case FEN_EVALUATE_PARTIAL:
    E->tolerance = PetscMin(PetscMin(g2, 0.95) * E->tolerance, (mdp->robust ? PARTIAL_SHARE : 0.1) * norm);
    PetscCall(EvaluateTo(mdp, PetscMax(E->tolerance, 0.3 * FenMDPTarget_Private(mdp)), failed));
    break;
  }
  PetscFunctionReturn(0);
}

/* the largest norm at the value of a policy, whose entries lie within rewards/(1 - gamma): more than that comes from a
   linear solve that was not good enough */
static PetscErrorCode LargestNorm(FenMDP mdp, double *most)
{
  FenMDPSizes   n;
  const double *terminal;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &n));
  PetscCall(FenMDPModelGetTerminal(mdp->model, &terminal));
  if (mdp->shift)
    *most = 1.01 * (n.reward_max - n.reward_min) / (1 - mdp->gamma);
  else
    *most =
        terminal ? PETSC_INFINITY : 1.01 * (PetscMax(n.reward_max, 0) - PetscMin(n.reward_min, 0)) / (1 - mdp->gamma);
  PetscFunctionReturn(0);
}

/* sweep at W; if that is no progress where progress is due, go back to TV, which X keeps meanwhile */
static PetscErrorCode Accept(FenMDP mdp, double norm)
{
  FenImprove *E = (FenImprove *)mdp->base.data;
  double      most = 0, now;

  PetscFunctionBegin;
  FenMDPSwap_Private(&mdp->V, &mdp->W);
  FenMDPSwap_Private(&mdp->TV, &mdp->X);
  PetscCall(FenMDPSweep_Private(mdp));
  PetscCall(LargestNorm(mdp, &most));
  now = FenMDPNorm_Private(mdp, &mdp->stats);
  if (((E->strict && now > 0.999 * norm) || (now > most && now > norm)) && !FenMDPMet_Private(mdp)) {
    FenMDPSwap_Private(&mdp->V, &mdp->X);
    PetscCall(FenMDPSweep_Private(mdp));
    E->refused = PetscMin(E->refused + 1, MOST_DOUBLED);
  } else
    E->refused = 0;
  PetscFunctionReturn(0);
}

/* sweeps after a linear solve on all states; twice as many each time that its outcome was no good */
static PetscErrorCode Smooth(FenMDP mdp)
{
  FenImprove *E = (FenImprove *)mdp->base.data;
  PetscInt    sweeps = 0;
  PetscBool   fast;

  PetscFunctionBegin;
  PetscCall(FenBellmanNatureIsFast(mdp->op, &fast));
  if (E->kind == FEN_EVALUATE_NEWTON && E->system.kind != FEN_POLICY_PC_COLOUR)
    sweeps = E->smooth << E->refused;
  else if (E->kind == FEN_EVALUATE_PARTIAL && mdp->robust)
    sweeps = (fast ? PARTIAL_SMOOTH : 1) * E->smooth;
  for (PetscInt k = 0; k < sweeps && !FenMDPMet_Private(mdp); k++)
    PetscCall(FenMDPValueStep_Private(mdp));
  PetscFunctionReturn(0);
}

/* whether the outcome of a linear solve must lower the norm from now on: see above. "auto" watches robust models in a
   way of its own */
static void Watch(FenMDP mdp, FenImprove *E, double norm)
{
  const PetscBool watched = (PetscBool)(mdp->robust && E->first == FEN_EVALUATE_LOOK);

  E->stale = norm <= 0.999 * E->best ? 0 : E->stale + 1;
  E->strict = E->strict || (E->kind == FEN_EVALUATE_NEWTON && E->stale >= STALE && !watched);
  E->best = PetscMin(E->best, norm);
}

static PetscErrorCode Iterate(FenSolver s)
{
  FenMDP      mdp = (FenMDP)s;
  FenImprove *E = (FenImprove *)s->data;
  PetscBool   failed = PETSC_FALSE;
  double      norm = PETSC_INFINITY;

  PetscFunctionBegin;
  if (!mdp->swept) {
    PetscCall(FenMDPSweep_Private(mdp));
  } else {
    norm = FenMDPNorm_Private(mdp, &mdp->stats);
    PetscCall(Evaluate(mdp, &failed));
    if (failed)
      PetscCall(FenMDPValueStep_Private(mdp));
    else
      PetscCall(Accept(mdp, norm));
    PetscCall(Smooth(mdp));
    E->norm_before = norm;
  }
  if (E->first == FEN_EVALUATE_LOOK)
    PetscCall(FenImproveChoose(mdp, E, norm, failed));
  Watch(mdp, E, FenMDPNorm_Private(mdp, &mdp->stats));
  PetscCall(FenMDPReport_Private(mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode State(FenSolver s, FenState state)
{
  FenImprove *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddInt(state, "evaluation", &E->kind));
  PetscCall(FenStateAddReal(state, "norm_before", &E->norm_before));
  PetscCall(FenStateAddReal(state, "norm_smallest", &E->best));
  PetscCall(FenStateAddInt(state, "stale", &E->stale));
  PetscCall(FenStateAddInt(state, "strict", &E->strict));
  PetscCall(FenStateAddInt(state, "refused", &E->refused));
  PetscCall(FenStateAddReal(state, "step_before", &E->step.before));
  PetscCall(FenStateAddReal(state, "step_smallest", &E->step.best));
  PetscCall(FenStateAddInt(state, "step_stale", &E->step.stale));
  PetscCall(FenStateAddInt(state, "step_refused", &E->step.refused));
  PetscCall(FenStateAddReal(state, "tolerance", &E->tolerance));
  PetscCall(FenStateAddInt(state, "looked", &E->looked));
  PetscCall(FenStateAddReal(state, "rate", &E->rate));
  PetscCall(FenStateAddInt(state, "watched", &E->watched));
  PetscCall(FenStateAddReal(state, "mark_norm", &E->mark_norm));
  PetscCall(FenStateAddReal(state, "mark_work", &E->mark_work));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetUp(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenPolicySystemCreate((FenMDP)s, &((FenImprove *)s->data)->system));
  PetscFunctionReturn(0);
}

static PetscErrorCode Reset(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenPolicySystemDestroy(&((FenImprove *)s->data)->system));
  PetscFunctionReturn(0);
}

static PetscErrorCode View(FenSolver s, PetscViewer viewer)
{
  static const char *const names[] = {"none", "sweeps", "one inexact linear solve", "linear solves to rounding",
                                      "linear solves to a falling tolerance"};
  FenImprove              *E = (FenImprove *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "evaluation of policies: %s\n", names[E->kind]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveOptionsSweeps(FenImprove *E, PetscOptionItems *PetscOptionsObject)
{
  PetscReal inner = E->inner;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-mdp_mpi_sweeps", "sweeps over a policy's rows at most", "", E->sweeps_max, &E->sweeps_max,
                            NULL));
  PetscCall(
      PetscOptionsReal("-mdp_mpi_inner", "they stop at this share of the span of TV - V", "", inner, &inner, NULL));
  PetscCheck(E->sweeps_max >= 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_mpi_sweeps %d: must not be negative", (int)E->sweeps_max);
  PetscCheck(inner >= 0 && inner < 1, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_mpi_inner %g: must be at least 0 and below 1", inner);
  E->inner = inner;
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveOptionsNewton(FenImprove *E, PetscOptionItems *PetscOptionsObject)
{
  PetscReal forcing = E->forcing;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-mdp_ipi_sweeps", "sweeps after a linear solve", "", E->smooth, &E->smooth, NULL));
  PetscCall(PetscOptionsReal("-mdp_ipi_forcing", "a linear solve stops at this share of its right-hand side at most",
                             "", forcing, &forcing, NULL));
  PetscCheck(E->smooth >= 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ipi_sweeps %d: must not be negative", (int)E->smooth);
  PetscCheck(forcing > 0 && forcing < 1, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ipi_forcing %g: must be between 0 and 1", forcing);
  E->forcing = forcing;
  PetscFunctionReturn(0);
}

PetscErrorCode FenImproveCreate(FenSolver s, FenEvaluation first)
{
  FenImprove *E;

  PetscFunctionBegin;
  PetscCall(PetscNew(&E));
  E->first = first;
  E->sweeps_max = 100;
  E->inner = 0.01;
  E->smooth = 6;
  E->forcing = 0.05;
  E->system.max_it = 200;
  s->data = E;
  s->ops->setup = SetUp;
  s->ops->initialize = Initialize;
  s->ops->iterate = Iterate;
  s->ops->state = State;
  s->ops->view = View;
  s->ops->reset = Reset;
  s->ops->destroy = Destroy;
  PetscFunctionReturn(0);
}
