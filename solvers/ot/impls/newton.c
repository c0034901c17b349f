/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENOTNEWTON: truncated Newton on the dual, globalised, with epsilon-scaling.

   Unknown is g alone; the dual D(g) = <a,T(g)> + <b,g> has gradient b - c, c = E^T a, and -eps D'' = S = diag(c) -
   E^T diag(a) E. A step solves (S + shift diag(c)) d = eps (b - c) by preconditioned CG to the accuracy that quadratic
   convergence needs, and is accepted on an increase of D, see newtonstep.c. Far from the solution plain Sinkhorn steps
   g <- g + eps log(b/c), two passes, are taken while they bring the error down fast, and before the first Newton step
   of a level as long as log(b/c) is large somewhere. A level of epsilon starts from the last two by linear
   extrapolation, if these are of the same grid; if log(b/c) is then small everywhere it ends with one such update,
   which needs no further pass, and otherwise when log(b/c) has become small: the L1 error does not see the tails, but
   the next level stumbles over them.

   On grids the early levels of epsilon run on blocks of pixels, see levels.c: g is interpolated when epsilon has become
   too small for the present blocks, and the last epsilon is solved on the coarsest grid that can carry it first. Edges
   that blocks did not see may leave g far from the solution: then the finer grid takes the last epsilon once more.

   FENOTMULTIGRID: the same iteration with a patient schedule. Epsilon is halved; on each one there is at least one
   Sinkhorn step, for Newton's method wanders when it starts far away, and at least one Newton step, for L1 errors do
   not see errors on long waves, which the next epsilon would inherit. What is observed keeps it safe on hard pairs:
   Sinkhorn steps around Newton steps while log(b/c) is large somewhere, the line search on the dual, the shift that
   grows when steps are cut, CG that stops after 50 V-cycles with a direction of ascent and may take more of them while
   steps are whole, a preconditioner that is made anew when CG slows down or breaks down, transforms in the log domain
   where a target receives next to nothing.

   Lines on which many steps are cut, and other grids on which some are for the last epsilon, are solved by cells in
   between, see newtoncells.c.

   Where few pixels have mass it goes on between these alone, see support.c, with factorised Newton systems.

   Passes: two an iteration, two a CG iteration, one a trial step. Memory O(n+m), plus the preconditioner: an assembled
   matrix, or a V-cycle (gridcycle.c); on grids also the plan's factors, w numbers a point and axis with windows of w.
   Messages: those of passes, which on several ranks move arrays between pencils (one all-to-all an axis); products
   with kept factors, most passes, exchange halos of rows (halo.c), and a sweep of a V-cycle two planes with both
   neighbours.

   References: Brauer, Clason, Lorenz, Wirth, arXiv 1710.06635; Tang et al., ICLR 2024 (arXiv 2401.12253); Kemertas,
   Farahmand, Jepson, ICLR 2025 (arXiv 2504.02067).
*/
#include "newtoncells.h"
#include "newtonstep.h"
#include <math.h>

#define ROUNDING      1e-10 /* errors below this may be of rounding alone, or what follows from the largest cost */
#define FIRST_GAP     10    /* a gap is hardly less than this part of the error */
#define QUADRATIC     10.0  /* a whole step leaves about this times the squared error */
#define STALL         0.5   /* of the least such error: steps that leave more of it, */
#define STALLED       10    /* so many in a row, say that rounding errors keep it from falling */
#define EASY_DIGIT    15.0  /* CG iterations that a digit takes where they are few */
#define EASY_CYCLES   4     /* an easy level takes one Newton step with so many CG iterations */
#define HARD_CYCLES   10    /* after a level with so many, or with more than one Newton step, */
#define HARD_STEP     0.75  /* this part of a step of log epsilon is taken */
#define SMOOTH_BEFORE 0.3   /* Sinkhorn steps before the first Newton step until |log(b/c)| is below this everywhere */
#define SLOW_SINKHORN 0.4   /* a Sinkhorn step that reduces the error less than this ends the Sinkhorn phase */
#define LOOSE_CUTS    4     /* from so many steps cut on */
#define LOOSE_SHARE   0.1   /* levels end at this share of their error */
#define ROUGH_CUTS    16    /* from so many on, a line is a problem for cells, if it is one at all; */
#define LAST_CUTS     4     /* other grids, from so many for the last epsilon on */
#define FAR_ERROR     0.1   /* with a larger error than this on a finer grid, */
#define FAR_LOG       30    /* and |log(b/c)| somewhere, that is, g wrong by as many epsilons, it begins again */

typedef struct {
  FenNewtonStep  step;
  PetscInt       level_max;                    /* option: steps of an early level of epsilon at most */
  FenInt         sinkhorn_first, newton_least; /* on each level of epsilon, at least: by type */
  PetscBool      scattered;                    /* few targets of the problem's own grid have mass */
  PetscBool      asks_cells;                   /* where steps are cut: by type */
  double       **before;  /* on each level of the grid: g at the end of the last level of epsilon, */
  double       **g_built; /* g that the preconditioner was made of */
  double         eps, eps_before;
  double         promising; /* error at which the gap should be as small as asked for; 0: not known */
  double         passes;
  FenGapSchedule gap;
  FenInt         level_it, newton_steps;
  FenInt         level_cut; /* steps cut for the present epsilon on the present grid */
  FenInt         at;        /* level of the grid */
  FenInt         newton;    /* this level has left its Sinkhorn phase */
  FenInt         cut;       /* steps that were, on all levels */
  double         least;     /* error of this level: the last one below STALL times the one before */
  FenInt         stalled;   /* steps since */
  FenInt         ready;     /* f, c, dual, error are of the present g and eps */
  FenInt         cells;     /* a CellsUse */
  FenInt         cells_it;  /* iterations of cells so far */
  FenOT          inner;     /* cells, while they are in use */
} Newton;

typedef enum { CELLS_NOT_YET, CELLS_AT_WORK, CELLS_DONE } CellsUse;

static const char citation[] =
    "@misc{Brauer2017,\n"
    "  author = {Christoph Brauer and Christian Clason and Dirk Lorenz and Benedikt Wirth},\n"
    "  title = {A {Sinkhorn-Newton} method for entropic optimal transport},\n"
    "  eprint = {1710.06635}, archivePrefix = {arXiv}, year = {2017}\n}\n";
static PetscBool cited = PETSC_FALSE;

/* g as a function of epsilon is smooth: the next level starts on the line through the ends of the last two, if there is
   one before */
static void Extrapolate(FenOT ot, double eps)
{
  Newton      *N = (Newton *)ot->base.data;
  const double t = N->eps_before > N->eps ? (eps - N->eps) / (N->eps - N->eps_before) : 0;
  double      *before = N->before[ot->at];

  for (FenInt j = 0; j < ot->m; j++) {
    const double g = ot->g[j];

    ot->g[j] += t * (g - before[j]);
    before[j] = g;
  }
  N->eps_before = N->eps;
}

/* the Newton system is one of this level now */
static PetscErrorCode MoveTo(FenOT ot, FenInt l)
{
  Newton *N = (Newton *)ot->base.data;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemMove(&N->step.system));
  N->at = l;
  N->step.g_built = N->g_built[l];
  PetscFunctionReturn(0);
}

/* to a finer level, with what the iteration goes on from */
static PetscErrorCode Refine(FenOT ot, PetscInt l)
{
  Newton *N = (Newton *)ot->base.data;

  PetscFunctionBegin;
  PetscCall(FenOTMeasureCuts_Private(ot, l));
  PetscCall(FenOTInterpolate_Private(ot, l, ot->g, ot->level[l].g));
  PetscCall(FenOTInterpolate_Private(ot, l, N->before[ot->at], N->before[l]));
  PetscCall(FenOTUseLevel_Private(ot, l));
  PetscCall(MoveTo(ot, l));
  PetscFunctionReturn(0);
}

static PetscErrorCode StartLevel(FenOT ot, double eps)
{
  Newton *N = (Newton *)ot->base.data;

  PetscFunctionBegin;
  N->eps = eps;
  N->level_it = N->newton = N->newton_steps = N->level_cut = 0;
  N->least = HUGE_VAL;
  N->stalled = 0;
  N->ready = 0;
  FenNewtonStepForget(&N->step);
  PetscCall(FenOTOperatorSetEpsilon(ot->op, eps));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTInitialize_Newton(FenSolver s)
{
  FenOT        ot = (FenOT)s;
  Newton      *N = (Newton *)s->data;
  const double first = FenEpsilonFirst(&ot->schedule, ot->cost_max, ot->eps);

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  ot->op->passes = N->passes = 0;
  N->gap = (FenGapSchedule){.error = PetscMin(1e-2, sqrt(s->gap_rel > 0 ? s->gap_rel : 1))};
  N->promising = 0;
  N->eps_before = 0;
  N->cut = 0;
  N->cells = CELLS_NOT_YET;
  N->cells_it = 0;
  PetscCall(FenOTDestroy(&N->inner));
  for (PetscInt l = 0; l < ot->nlevels; l++) { /* saved, so defined */
    PetscCall(PetscArrayzero(ot->level[l].g, ot->level[l].n[1]));
    PetscCall(PetscArrayzero(N->before[l], ot->level[l].n[1]));
    PetscCall(PetscArrayzero(N->g_built[l], ot->level[l].n[1]));
  }
  N->at = ot->support && ot->few ? ot->support : FenOTLevelFor_Private(ot, first);
  PetscCall(FenOTForgetCuts_Private(ot));
  PetscCall(FenOTUseLevel_Private(ot, (PetscInt)N->at));
  PetscCall(MoveTo(ot, N->at));
  PetscCall(StartLevel(ot, first));
  PetscFunctionReturn(0);
}

/* How far a Newton system is solved: to what its quadratic convergence, or the error that is wanted, makes of it. Near
   the goal some more CG iterations save a step, where they are few, as they always are with a factorisation */
static double Accuracy(FenOT ot)
{
  const Newton *N = (Newton *)ot->base.data;
  const double  goal = N->step.system.least > 0 ? 0 : PetscMax(ot->base.residual, N->promising), error = N->step.error;
  const double  share = N->step.system.seen.effort > EASY_DIGIT ? 0.2 : 0.05;

  return PetscMin(0.1, PetscMax(PetscMax(QUADRATIC * error, share * PetscMax(0, goal) / error), 1e-6));
}

/* the gap is about proportional to the error, or to its square (see FenOTCheckGap_Private()): what error will do? */
static void Promise(FenOT ot)
{
  Newton            *N = (Newton *)ot->base.data;
  const FenProgress *p = &ot->base.progress;

  if (ot->certified_at == p->iteration && p->gap_rel > 0 && ot->base.gap_rel > 0)
    N->promising = N->step.error * pow(PetscMin(1, 0.8 * ot->base.gap_rel / p->gap_rel), ot->relaxed ? 0.5 : 1);
}

/* A first look at the gap costs as much as a few CG iterations. It says how many the next step needs; where they are
   few it is too early as long as it cannot be the last one */
static PetscBool TooEarly(FenOT ot)
{
  const Newton *N = (Newton *)ot->base.data;

  return (PetscBool)(!ot->relaxed && N->newton && N->promising <= 0 && N->step.system.seen.effort <= EASY_DIGIT / 2 &&
                     N->step.error > FIRST_GAP * ot->base.gap_rel && ot->base.gap_rel > 0 &&
                     ot->base.progress.iteration - N->gap.iteration < 100);
}

/* Continued from a saved state: what is not in the state is made again from what it was made of, so that the iteration
   goes on bit by bit as if it had not been stopped. Work of this kind is not counted */
static PetscErrorCode FenOTResume_Newton(FenSolver s)
{
  FenOT               ot = (FenOT)s;
  Newton             *N = (Newton *)s->data;
  const FenNewtonSeen seen = N->step.system.seen;
  const double        least = N->step.system.least;

  PetscFunctionBegin;
  PetscCall(FenOTUseLevel_Private(ot, (PetscInt)N->at));
  PetscCall(MoveTo(ot, N->at)); /* forgets what was loaded */
  N->step.system.seen = seen;
  N->step.system.least = least;
  PetscCall(FenOTOperatorSetEpsilon(ot->op, N->eps));
  PetscCall(FenNewtonStepResume(&N->step));
  if (N->ready)
    PetscCall(FenNewtonStepEvaluate(&N->step));
  FenOTResumeWays_Private(ot);
  if (N->cells == CELLS_AT_WORK)
    PetscCall(FenNewtonCellsResume(ot, N->cells_it, &N->inner));
  ot->op->passes = N->passes;
  PetscFunctionReturn(0);
}

/* Near enough to the level's solution for the next level to start from here, and for Newton's steps to be whole. Steps
   that were cut tell of parts of the plan that hang together loosely: they move by an epsilon a step, so that all of
   their way should be behind them while epsilon is large. So do scattered targets: sources between them send to two */
static PetscBool Near(FenOT ot, const Newton *N)
{
  const PetscBool loose = (PetscBool)(N->cut >= LOOSE_CUTS || N->scattered);
  const double    tol = ot->schedule.level_tol * (loose ? LOOSE_SHARE : 1);

  return (PetscBool)(N->step.error <= tol && N->step.log_error <= 1);
}

/* Errors below this may be of rounding alone: exponents are differences of numbers as large as costs, over epsilon */
static double Rounding(FenOT ot)
{
  return PetscMax(ROUNDING, 0.5 * PETSC_MACHINE_EPSILON * ot->cost_max / ((Newton *)ot->base.data)->eps);
}

/* Do rounding errors keep the error from falling? They make it go up and down */
static void CountStalled(FenOT ot, double before)
{
  Newton *N = (Newton *)ot->base.data;

  if (N->step.error < STALL * N->least) {
    N->least = N->step.error;
    N->stalled = 0;
  } else if (before < Rounding(ot)) {
    N->stalled++;
  }
}

/* this is as good as it gets: is it good enough? */
static PetscErrorCode Stop(FenOT ot)
{
  FenSolver s = (FenSolver)ot;

  PetscFunctionBegin;
  PetscCall(FenOTCertify_Private(ot, FEN_BOUNDS_REGULARISED));
  if (s->reason == FEN_ITERATING && !(s->progress.gap_rel <= s->gap_rel))
    s->reason = FEN_DIVERGED_STAGNATION;
  PetscFunctionReturn(0);
}

/* may the next level begin? L1 errors do not see what is wrong on long waves: a type can ask for Newton steps */
static PetscBool LevelDone(FenOT ot, const Newton *N)
{
  return (PetscBool)(Near(ot, N) && (N->newton_steps >= N->newton_least || N->step.error < Rounding(ot)));
}

/* is the present problem not yet the one to be solved? */
static PetscBool OnTheWay(FenOT ot)
{
  return (PetscBool)(((Newton *)ot->base.data)->eps > ot->eps || (ot->at > 0 && !FenOTOnSupport_Private(ot)));
}

/* On a grid, sums over pixels differ from integrals by about 2 exp(-pi^2 eps/h^2) of their value (squared costs, pixels
   of width h). From about eps = h^2/2 on this makes the potential wavy at a rate that no extrapolation foresees, the
   more so on long waves the larger the image is: a half step first, where the level was an easy one and so is this.
   After a hard level steps are shorter: more of them cost less than Newton steps that start far away */
static double NextEpsilon(FenOT ot)
{
  const Newton  *N = (Newton *)ot->base.data;
  FenEpsilonPlan plan = ot->schedule;

  if (N->eps <= ot->eps)
    return ot->eps;
  if (N->eps * plan.factor < FEN_OT_BLUR * ot->pixel && N->newton_steps == 1 && N->step.system.seen.its <= EASY_CYCLES)
    plan.factor = sqrt(plan.factor);
  else if (N->newton_steps > 1 || N->step.system.seen.its >= HARD_CYCLES)
    plan.factor = pow(plan.factor, HARD_STEP);
  return FenEpsilonNext(&plan, N->eps, ot->eps);
}

/* On a finer grid: from the last epsilon and its solution, if the present start turns out to be far from its own.
   Newton's steps would be cut many times there, and few are needed here */
static PetscErrorCode StepBack(FenOT ot)
{
  Newton *N = (Newton *)ot->base.data;

  PetscFunctionBegin;
  PetscCall(FenNewtonStepEvaluate(&N->step));
  N->ready = 1;
  if (PetscIsInfOrNanReal(N->step.dual))
    ot->base.progress.value = N->step.dual; /* ends the solve */
  if (!(N->step.error > FAR_ERROR && N->step.log_error > FAR_LOG))
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(ot->g, N->before[ot->at], ot->m));
  PetscCall(StartLevel(ot, N->eps_before));
  PetscFunctionReturn(0);
}

/* The next epsilon, on the grid that it needs; for the last one grid by grid to the problem's own. What grids make of g
   differs more than what two epsilons do: no line goes through ends on two of them */
static PetscErrorCode NextLevel(FenOT ot)
{
  Newton        *N = (Newton *)ot->base.data;
  const double   next = NextEpsilon(ot);
  const PetscInt from = ot->at, l = FenOTOnSupport_Private(ot) ? from
                                    : N->eps > ot->eps         ? PetscMin(from, FenOTLevelFor_Private(ot, next))
                                                               : from - 1;

  PetscFunctionBegin;
  PetscCall(FenOTCentre_Private(ot));
  if (N->eps > ot->eps)
    Extrapolate(ot, next);
  if (l < from)
    PetscCall(Refine(ot, l));
  PetscCall(StartLevel(ot, next));
  if (l < from && next < N->eps_before)
    PetscCall(StepBack(ot));
  if (l < from)
    N->eps_before = 0;
  PetscFunctionReturn(0);
}

/* Where few points have mass, V-cycles may fail to see what links them, and blocks be a poor likeness of them: from
   the second step on that is cut, or one that takes many cycles, the problem is solved between these points alone */
static PetscBool WantSupport(FenOT ot, double step)
{
  Newton *N = (Newton *)ot->base.data;

  N->cut += step < 0.5;
  N->level_cut += step < 0.5;
  return (PetscBool)(ot->support && !FenOTOnSupport_Private(ot) &&
                     (N->cut >= 2 || N->step.system.seen.its >= 2 * FEN_FEWEST_CYCLES));
}

static PetscErrorCode GoToSupport(FenOT ot)
{
  Newton *N = (Newton *)ot->base.data;

  PetscFunctionBegin;
  PetscCall(FenOTGoToSupport_Private(ot, N->eps));
  PetscCall(MoveTo(ot, ot->support));
  N->eps_before = 0; /* nothing to extrapolate from */
  PetscCall(StartLevel(ot, N->eps));
  PetscFunctionReturn(0);
}

/* Multigrid depends on the number of ranks, and so do, by rounding errors, cut steps of factorised systems: so that the
   value does not, the dual must have converged to rounding, which quadratic convergence gives in the step after a
   change of 1e-7. Where parts of a plan hang together loosely it sets in later: what was seen then is a hundredth a
   step */
static PetscBool Settling(const Newton *N, double dual_before)
{
  const double change = fabs(N->step.dual - dual_before), dual = fabs(N->step.dual);

  return (PetscBool)((N->step.system.multigrid && change > 1e-7 * dual) ||
                     (N->step.system.least > 0 && change > 1e-11 * dual));
}

/* steps were cut: is this a problem for cells? */
static PetscErrorCode WantCells(FenOT ot)
{
  Newton     *N = (Newton *)ot->base.data;
  FenCellsFit fit;

  PetscFunctionBegin;
  if (!N->asks_cells || N->cells != CELLS_NOT_YET || N->cut < PetscMin(ROUGH_CUTS, LAST_CUTS) ||
      FenOTOnSupport_Private(ot))
    PetscFunctionReturn(0);
  PetscCall(FenNewtonCellsFit(ot, &fit));
  if (fit == FEN_CELLS_UNFIT)
    N->cells = CELLS_DONE;
  else if (fit == FEN_CELLS_FIT_LINE ? N->cut >= ROUGH_CUTS : !OnTheWay(ot) && N->level_cut >= LAST_CUTS)
    N->cells = CELLS_AT_WORK;
  PetscFunctionReturn(0);
}

/* an iteration of cells; from their solution on with Newton steps, for the last epsilon on the problem's own grid */
static PetscErrorCode CellsStep(FenOT ot)
{
  Newton         *N = (Newton *)ot->base.data;
  FenCellsOutcome outcome;

  PetscFunctionBegin;
  PetscCall(FenNewtonCellsStep(ot, &N->inner, ot->level[0].g, &outcome));
  N->cells_it++;
  ot->base.intermediate = 1;
  N->passes = ot->op->passes;
  if (outcome == FEN_CELLS_GO_ON)
    PetscFunctionReturn(0);
  N->cells = CELLS_DONE;
  PetscCall(FenOTDestroy(&N->inner));
  if (outcome == FEN_CELLS_GAVE_UP)
    PetscFunctionReturn(0);
  PetscCall(FenOTUseLevel_Private(ot, 0));
  PetscCall(MoveTo(ot, 0));
  N->eps_before = 0; /* nothing to extrapolate from */
  PetscCall(StartLevel(ot, ot->eps));
  N->newton = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTIterate_Newton(FenSolver s)
{
  FenOT        ot = (FenOT)s;
  Newton      *N = (Newton *)s->data;
  FenProgress *p = &s->progress;
  double       before, dual_before, step = 1;

  PetscFunctionBegin;
  if (N->cells == CELLS_AT_WORK) {
    PetscCall(CellsStep(ot));
    p->work = N->passes;
    PetscFunctionReturn(0);
  }
  if (!N->ready)
    PetscCall(FenNewtonStepEvaluate(&N->step));
  before = N->step.error;
  dual_before = N->step.dual;
  if (OnTheWay(ot) && LevelDone(ot, N)) {
    PetscCall(
        FenNewtonStepUpdate(&N->step, (PetscBool)(ot->at > 0 && ot->level[ot->at].empty))); /* interpolated next */
  } else if (N->newton || (Near(ot, N) && N->level_it >= N->sinkhorn_first)) {
    N->newton = 1;
    if (!N->newton_steps)
      PetscCall(FenNewtonStepSmoothen(&N->step, 0, SMOOTH_BEFORE));
    N->newton_steps++;
    PetscCall(FenNewtonStepTake(&N->step, Accuracy(ot), &step));
  } else {
    PetscCall(FenNewtonStepSmoothen(&N->step, 1, HUGE_VAL));
    N->newton = N->level_it + 1 >= N->sinkhorn_first && N->step.error > SLOW_SINKHORN * before;
  }
  N->ready = 1;
  N->level_it++;
  CountStalled(ot, before);
  s->intermediate = (PetscBool)(OnTheWay(ot) || (N->newton && Settling(N, dual_before)));
  p->parameter = N->eps;
  p->residual = N->step.error;
  p->value = N->step.dual;
  if (WantSupport(ot, step)) {
    PetscCall(GoToSupport(ot));
  } else if (OnTheWay(ot)) {
    if (LevelDone(ot, N) || N->level_it >= N->level_max)
      PetscCall(NextLevel(ot));
  } else {
    ot->planned = PETSC_TRUE;
    if (!TooEarly(ot))
      PetscCall(FenOTCheckGap_Private(ot, &N->gap, N->step.error));
    ot->planned = PETSC_FALSE;
    Promise(ot);
    if (N->stalled >= STALLED)
      PetscCall(Stop(ot));
  }
  PetscCall(WantCells(ot));
  p->work = N->passes = ot->op->passes;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTState_Newton(FenSolver s, FenState state)
{
  FenOT   ot = (FenOT)s;
  Newton *N = (Newton *)s->data;

  PetscFunctionBegin;
  PetscCall(FenOTStateLevels_Private(ot, state, "g_before", N->before));
  PetscCall(FenStateAddReal(state, "eps_before", &N->eps_before));
  PetscCall(FenOTStateLevels_Private(ot, state, "g_built", N->g_built));
  PetscCall(FenStateAddInt(state, "level", &N->at));
  PetscCall(FenStateAddInt(state, "ready", &N->ready));
  PetscCall(FenStateAddReal(state, "level_eps", &N->eps));
  PetscCall(FenNewtonStepState(&N->step, state));
  PetscCall(FenStateAddReal(state, "check_error", &N->gap.error));
  PetscCall(FenStateAddReal(state, "promising", &N->promising));
  PetscCall(FenStateAddInt(state, "check_it", &N->gap.iteration));
  PetscCall(FenStateAddInt(state, "level_it", &N->level_it));
  PetscCall(FenStateAddInt(state, "newton", &N->newton));
  PetscCall(FenStateAddInt(state, "newton_steps", &N->newton_steps));
  PetscCall(FenStateAddInt(state, "cut", &N->cut));
  PetscCall(FenStateAddInt(state, "level_cut", &N->level_cut));
  PetscCall(FenStateAddInt(state, "cells", &N->cells));
  PetscCall(FenStateAddInt(state, "cells_it", &N->cells_it));
  PetscCall(FenStateAddReal(state, "least", &N->least));
  PetscCall(FenStateAddInt(state, "stalled", &N->stalled));
  PetscCall(FenStateAddReal(state, "passes", &N->passes));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetFromOptions_Newton(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  Newton   *N = (Newton *)s->data;
  PetscEnum kind = (PetscEnum)N->step.system.precondition;
  PetscReal share = N->step.system.share;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-ot_newton_precondition", "preconditioner of the Newton system", "", FenPreconditions,
                             kind, &kind, NULL));
  PetscCall(PetscOptionsReal("-ot_newton_share",
                             "sparse preconditioner: smallest entry kept, share of the row's largest (0: by the"
                             " number of targets a source sends to)",
                             "", share, &share, NULL));
  PetscCall(PetscOptionsInt("-ot_newton_diagonal_it",
                            "auto, on grids: iterations of a solve with the diagonal that lead to an assembled matrix"
                            " (0: chosen)",
                            "", N->step.system.diagonal_it, &N->step.system.diagonal_it, NULL));
  PetscCall(PetscOptionsInt("-ot_newton_level_it", "steps of an early level of epsilon at most", "", N->level_max,
                            &N->level_max, NULL));
  PetscCheck(share >= 0 && share < 1, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_newton_share %g: must be at least 0 and below 1", share);
  PetscCheck(N->step.system.diagonal_it >= 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_newton_diagonal_it %d: must not be negative", (int)N->step.system.diagonal_it);
  N->step.system.precondition = (FenPrecondition)kind;
  N->step.system.share = share;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetUp_Newton(FenSolver s)
{
  FenOT   ot = (FenOT)s;
  Newton *N = (Newton *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(ot->nlevels, &N->before, ot->nlevels, &N->g_built));
  for (PetscInt l = 0; l < ot->nlevels; l++)
    PetscCall(PetscCalloc2(ot->level[l].n[1], &N->before[l], ot->level[l].n[1], &N->g_built[l]));
  PetscCall(FenNewtonStepCreate(ot, &N->step));
  PetscCall(FenOTIsSparse_Private(ot->target, &N->scattered));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTReset_Newton(FenSolver s)
{
  FenOT   ot = (FenOT)s;
  Newton *N = (Newton *)s->data;

  PetscFunctionBegin;
  PetscCall(FenNewtonStepDestroy(&N->step));
  PetscCall(FenOTDestroy(&N->inner));
  for (PetscInt l = 0; N->before && l < ot->nlevels; l++)
    PetscCall(PetscFree2(N->before[l], N->g_built[l]));
  PetscCall(PetscFree2(N->before, N->g_built));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTView_Newton(FenSolver s, PetscViewer viewer)
{
  Newton *N = (Newton *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "preconditioner: %s (%s in use), shift %g, last CG iterations %d\n",
                                   FenPreconditions[N->step.system.precondition],
                                   FenPreconditioners[N->step.system.use], N->step.system.shift,
                                   (int)N->step.system.seen.its));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTMemory_Multigrid(FenSolver s, double *bytes, double *more)
{
  PetscFunctionBegin;
  *bytes = 0;
  PetscCall(FenNewtonCellsMemory((FenOT)s, more));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTDestroy_Newton(FenSolver s)
{
  PetscFunctionBegin;
  ((FenOT)s)->uses_levels = ((FenOT)s)->uses_support = PETSC_FALSE;
  ((FenOT)s)->usual = (FenEpsilonPlan){.factor = 0.25, .level_tol = 0.05};
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/*MC
  FENOTNEWTON - "newton": truncated Newton with preconditioned CG on the Schur system

  Options Database Keys:
+ -ot_newton_precondition - auto, jacobi, sparse or cycle
. -ot_newton_share        - smallest entry kept in the sparse preconditioner, share of the row's largest (0: chosen)
. -ot_newton_diagonal_it  - auto, on grids: iterations of a solve with the diagonal that lead to an assembled matrix
. -ot_newton_level_it     - steps of an early level of epsilon at most (12)
- -ot_newton_pc_type      - any PC of PETSc for the assembled matrix; -ot_newton_ksp_... likewise

  Level: beginner

.seealso: `FENOTSINKHORN`, `FenOTSetType()`
M*/
PetscErrorCode FenOTCreate_Newton(FenSolver s)
{
  Newton *N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&N));
  N->level_max = 12;
  N->step.system.precondition = FEN_PRECONDITION_AUTO;
  ((FenOT)s)->uses_levels = PETSC_TRUE;
  s->data = N;
  s->ops->setfromoptions = FenOTSetFromOptions_Newton;
  s->ops->setup = FenOTSetUp_Newton;
  s->ops->initialize = FenOTInitialize_Newton;
  s->ops->resume = FenOTResume_Newton;
  s->ops->iterate = FenOTIterate_Newton;
  s->ops->state = FenOTState_Newton;
  s->ops->view = FenOTView_Newton;
  s->ops->reset = FenOTReset_Newton;
  s->ops->destroy = FenOTDestroy_Newton;
  PetscFunctionReturn(0);
}

/*MC
  FENOTMULTIGRID - "multigrid": coarse to fine on grids, each level of epsilon solved by Newton's method with multigrid

  Options Database Keys:
+ -ot_levels          - coarse levels at most
. -ot_eps_factor      - ratio of successive epsilons (0.5)
. -ot_eps_level_tol   - marginal error at which an early level ends (0.01)
- -ot_newton_...      - those of FENOTNEWTON

  Level: beginner

.seealso: `FENOTNEWTON`, `FenOTSetType()`
M*/
PetscErrorCode FenOTCreate_Multigrid(FenSolver s)
{
  Newton *N;

  PetscFunctionBegin;
  PetscCall(FenOTCreate_Newton(s));
  N = (Newton *)s->data;
  N->level_max = 40;
  N->sinkhorn_first = 1;
  N->newton_least = 1;
  N->asks_cells = PETSC_TRUE;
  s->ops->memory = FenOTMemory_Multigrid;
  ((FenOT)s)->uses_support = PETSC_TRUE;
  ((FenOT)s)->usual = (FenEpsilonPlan){.factor = 0.5, .level_tol = 0.01};
  PetscFunctionReturn(0);
}
