/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENOTDOMDEC: domain decomposition on grids of one, two or three axes.

   The source is cut into basic cells X_i, and of the plan P only the shares nu_i = P(X_i x .) are kept. One iteration
   is a half sweep: in each composite cell J of a partition the problem

     minimise <c, P_J> + eps KL(P_J | mu_J x nu)  over plans between mu_J and nu_J = sum of the nu_i, i in J

   is solved (Newton's method on its semi-dual, cells/solve.c), and the nu_i of J are replaced. Partitions A and B
   alternate; mass moves by one cell a half sweep. So that it need not move far, levels of the grid go from coarse to
   fine, and epsilon falls with the pixels, the narrowest axis of them: 2, 1, 1/2 pixel^2 on each level. On the finest
   grid it falls to its last value, where sweeps go on until the bounds are close enough.

   On the coarsest level mass circulates along closed paths of cells before sweeps (cells/flow.c), which is what keeps
   sweeps alone from freezing if there is no coarser grid to begin with.

   Where marginals are penalised, cells weigh targets by their share of what all cells send (cells/penalised.c); there
   are no constants to glue, no masses to keep, and no flow updates.

   Bounds: composites' potentials are glued to one alpha on the whole source (cells/glue.c), g = T(alpha) is one exact
   soft transform, and the bounds are those of g as for every other type. The plan of the cells, each rounded by itself,
   gives an upper bound of its own, which no lower bound may exceed. Newton steps on the whole problem (cells/global.c)
   take from g what is wrong on long waves; if they do not get on, sweeps follow, then Newton steps again.

   Cost of a half sweep: for each composite of nx pixels and ny targets a few times nx ny exponentials and nx^2 ny
   flops; with epsilon about a quarter of a squared pixel, nx = 64 and ny about 130. Memory: 60 bytes for each
   target that a cell keeps (cells/memory.c). Messages: none in an A half; in a B half cells on the faces of a rank's
   block go to at most 2^d - 1 neighbours and back; a new level moves cells once.

   References: Bonafini, Schmitzer, Numer. Math. 149 (2021), arXiv:2001.10986; Medina, Schmitzer, ESAIM M2AN 59 (2025);
   Benamou, SIAM J. Numer. Anal. 32 (1994).
*/
#include "../cells/cells.h"
#include "../cells/global.h"
#include <math.h>

#define BEGIN   0.05 /* error of the cells from which on Newton steps may begin */
#define SETTLED 0.5  /* error from which on flow updates begin */
#define FAILED  3    /* Newton directions in a row without use that end an attempt */
#define PATIENT 30   /* Newton steps of the first attempt at most; later ones are longer, as the sweeps between are */
#define STALLED 12   /* looks at the bounds without progress that end a solve */

typedef struct {
  /* options */
  PetscInt  cell, sweeps_most;
  PetscBool newton; /* the last digits by Newton steps on the whole problem */
  PetscBool flow;   /* circulations between cells */
  /* work */
  FenInt        side[FEN_MAX_DIM];
  FenCells     *cells;
  FenCellWork   work;
  FenCellsStage stage;
  FenGlobal     global;
  PetscBool     staged;
  FenLayout     cut;  /* of `cuts`, rows */
  double       *base; /* of each level: squared width of its pixels, on the finest one of the narrowest axis */
  /* state */
  double *cuts;                          /* what the present level is cut over ranks by (FenCellsMeasureCuts), mine */
  FenInt  at, step, half, sweeps, fresh; /* level; epsilon on it; half sweep that comes; sweeps done; no B half yet */
  double  eps, error, passes;
  double  upper;      /* bound of the cells' plan for the final problem; infinity before */
  double  look_error; /* look at the bounds when the error is below */
  double  best;       /* smallest gap so far */
  FenInt  look_at, looks;
  FenInt  attempt, wait, steps; /* in Newton steps; sweeps before the next attempt; steps of this one */
  FenGapSchedule gap;
  double         last;              /* objective of the last half sweep on this epsilon */
  FenInt         flow_in, flow_gap; /* sweeps until the next flow update, between two of them */
} Domdec;

static const char citation[] =
    "@article{Bonafini2021,\n"
    "  author = {Mauro Bonafini and Bernhard Schmitzer},\n"
    "  title = {Domain decomposition for entropy regularized optimal transport},\n"
    "  journal = {Numerische Mathematik}, volume = {149}, pages = {819--870}, year = {2021}\n}\n";
static PetscBool cited = PETSC_FALSE;

/* the epsilons of a level are 2, 1, 1/2 base (factor 1/2), on the finest level further to the last one */
static double StepEps(FenOT ot, const Domdec *D, PetscInt level, FenInt step, PetscBool *last)
{
  const double base = D->base[level];
  double       eps = 2 * base;

  for (FenInt k = 0; k < step; k++)
    eps *= ot->schedule.factor < 1 ? ot->schedule.factor : 0.5;
  *last = (PetscBool)(level ? eps <= 0.5 * base * (1 + 1e-9) : PETSC_FALSE);
  if (eps <= ot->eps * (1 + 1e-9)) {
    *last = PETSC_TRUE;
    eps = ot->eps;
  }
  return eps;
}

static PetscErrorCode StartStep(FenOT ot, FenInt step)
{
  Domdec   *D = (Domdec *)ot->base.data;
  PetscBool last;

  PetscFunctionBegin;
  D->step = step;
  D->sweeps = 0;
  D->last = HUGE_VAL;
  D->flow_in = 0;
  D->flow_gap = 1;
  D->eps = StepEps(ot, D, (PetscInt)D->at, step, &last);
  D->work.eps = D->eps;
  D->work.kappa = 1.4426950408889634 / D->eps;
  PetscCall(FenOTOperatorSetEpsilon(ot->op, D->eps));
  PetscFunctionReturn(0);
}

/* is the present problem the one that was asked for? */
static PetscBool Final(FenOT ot)
{
  const Domdec *D = (const Domdec *)ot->base.data;

  return (PetscBool)(D->at == 0 && D->eps == ot->eps);
}

static PetscErrorCode ForgetCuts(Domdec *D)
{
  FenInt local;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(D->cut, &local));
  PetscCall(PetscArrayzero(D->cuts, local));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTInitialize_Domdec(FenSolver s)
{
  FenOT   ot = (FenOT)s;
  Domdec *D = (Domdec *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  ot->op->passes = D->passes = 0;
  for (PetscInt l = 0; l < ot->nlevels; l++)
    PetscCall(PetscArrayzero(ot->level[l].g, ot->level[l].n[1]));
  D->at = ot->nlevels - 1;
  D->half = 0;
  D->fresh = 1;
  D->error = HUGE_VAL;
  D->best = D->upper = HUGE_VAL;
  D->look_error = 1e-2;
  D->look_at = D->looks = 0;
  D->attempt = D->steps = 0;
  D->global.newton.system.shift = 0;
  D->global.failed = 0;
  D->wait = 1;
  D->gap = (FenGapSchedule){.error = 1e-2};
  D->global.best_dual = -HUGE_VAL;
  PetscCall(FenCellsDestroy(&D->cells));
  PetscCall(FenOTForgetCuts_Private(ot));
  PetscCall(ForgetCuts(D));
  PetscCall(FenOTUseLevel_Private(ot, (PetscInt)D->at));
  PetscCall(FenCellsCreate(ot, (PetscInt)D->at, D->side, NULL, &D->cells));
  PetscCall(FenCellsProduct(ot, (PetscInt)D->at, D->cells));
  PetscCall(StartStep(ot, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTResume_Domdec(FenSolver s)
{
  FenOT   ot = (FenOT)s;
  Domdec *D = (Domdec *)s->data;
  FenInt  sweeps = D->sweeps, flow_in = D->flow_in, flow_gap = D->flow_gap;
  double  last = D->last, *cuts;

  PetscFunctionBegin;
  PetscCall(FenCellsDestroy(&D->cells));
  PetscCall(FenOTUseLevel_Private(ot, (PetscInt)D->at));
  PetscCall(FenOTGatherRows_Private(D->cut, D->cuts, &cuts));
  PetscCall(FenCellsCreate(ot, (PetscInt)D->at, D->side, cuts, &D->cells));
  PetscCall(PetscFree(cuts));
  PetscCall(FenCellsFromStage(ot, (PetscInt)D->at, &D->stage, D->cells));
  PetscCall(FenCellsStageDestroy(&D->stage));
  D->staged = PETSC_FALSE;
  PetscCall(StartStep(ot, D->step));
  D->sweeps = sweeps;
  D->last = last;
  D->flow_in = flow_in;
  D->flow_gap = flow_gap;
  FenOTTellWays_Private(ot, -1);
  if (D->attempt)
    PetscCall(FenGlobalResume(&D->global));
  FenOTResumeWays_Private(ot);
  ot->op->passes = D->passes;
  PetscFunctionReturn(0);
}

/* g of the present cells on the present level */
static PetscErrorCode TakePotential(FenOT ot)
{
  Domdec     *D = (Domdec *)ot->base.data;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)ot, &prefix));
  if (!ot->relaxed) /* penalised marginals leave no constant free */
    PetscCall(FenCellsGlue(D->cells, prefix));
  PetscCall(PetscArrayzero(ot->f, ot->n));
  PetscCall(FenCellsPotential(D->cells, D->half ? 0 : 1, ot->f)); /* of the last half sweep */
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, ot->g));
  for (FenInt j = 0; j < ot->m; j++)
    ot->g[j] = FenMarginalUpdate(&ot->marginal[1], ot->op->eps, ot->g[j]);
  PetscCall(FenOTCentre_Private(ot));
  PetscFunctionReturn(0);
}

static PetscErrorCode Refine(FenOT ot)
{
  Domdec        *D = (Domdec *)ot->base.data;
  const PetscInt l = (PetscInt)D->at - 1;
  FenCells      *fine;
  FenInt         shape[FEN_MAX_DIM], size, start, end;
  double        *cuts;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetGrid(ot->level[l].measure[0], shape, NULL, NULL));
  PetscCall(FenLayoutGetSize(D->cut, &size));
  PetscCall(FenLayoutGetRange(D->cut, &start, &end));
  PetscCall(PetscCalloc1(size, &cuts));
  PetscCall(FenCellsMeasureCuts(D->cells, shape, cuts));
  PetscCall(PetscArraycpy(D->cuts, cuts + start, end - start));
  PetscCall(TakePotential(ot));
  PetscCall(FenOTMeasureCuts_Private(ot, l));
  PetscCall(FenOTInterpolate_Private(ot, l, ot->g, ot->level[l].g));
  PetscCall(FenCellsCreate(ot, l, D->side, cuts, &fine));
  PetscCall(PetscFree(cuts));
  PetscCall(FenCellsRefine(ot, l, D->cells, fine));
  PetscCall(FenCellsDestroy(&D->cells));
  D->cells = fine;
  D->at = l;
  D->fresh = 1;
  PetscCall(FenOTUseLevel_Private(ot, l));
  PetscCall(StartStep(ot, 0));
  PetscFunctionReturn(0);
}

/* next epsilon or next level, if the present one has had enough */
static PetscErrorCode Advance(FenOT ot)
{
  Domdec   *D = (Domdec *)ot->base.data;
  PetscBool last;

  PetscFunctionBegin;
  if (D->error > ot->schedule.level_tol && D->sweeps < D->sweeps_most)
    PetscFunctionReturn(0);
  (void)StepEps(ot, D, (PetscInt)D->at, D->step, &last);
  if (last && D->at)
    PetscCall(Refine(ot));
  else
    PetscCall(StartStep(ot, D->step + 1));
  PetscFunctionReturn(0);
}

/* Bounds of g, when they are new: no lower bound lies above the upper one that the cells' plan has given */
static void Compare(FenOT ot)
{
  const Domdec *D = (const Domdec *)ot->base.data;
  FenSolver     s = (FenSolver)ot;

  if (ot->certified_at == s->progress.iteration && s->reason == FEN_ITERATING &&
      s->progress.lower > D->upper + 1e-11 * (fabs(D->upper) + ot->cost_max))
    s->reason = FEN_DIVERGED_CONTRACT;
}

/* bounds, when the error promises that they are close enough, at the latest after 40 half sweeps */
static PetscErrorCode Look(FenOT ot)
{
  Domdec      *D = (Domdec *)ot->base.data;
  FenSolver    s = (FenSolver)ot;
  const double goal = s->gap_rel, residual = s->residual;
  double       shrink = 0.7;

  PetscFunctionBegin;
  if (D->error > D->look_error && s->progress.iteration - D->look_at < 40)
    PetscFunctionReturn(0);
  PetscCall(TakePotential(ot));
  PetscCall(FenOTCertify_Private(ot, FEN_BOUNDS_REGULARISED));
  Compare(ot);
  s->progress.residual = ot->bounds.marginal_error;
  s->intermediate = 0;
  D->look_at = s->progress.iteration;
  if (goal > 0 && s->progress.gap_rel > goal)
    shrink = PetscMin(shrink, PetscMax(0.05, 0.8 * goal / s->progress.gap_rel));
  if (residual > 0 && ot->bounds.marginal_error > residual)
    shrink = PetscMin(shrink, PetscMax(0.05, 0.8 * residual / ot->bounds.marginal_error));
  D->look_error = D->error * shrink;
  if (ot->bounds.marginal_error < 0.9 * D->best) {
    D->best = ot->bounds.marginal_error;
    D->looks = 0;
  } else if (++D->looks >= STALLED && s->reason == FEN_ITERATING)
    s->reason = FEN_DIVERGED_STAGNATION;
  PetscFunctionReturn(0);
}

/* from cells to Newton steps, when the cells are near; a new attempt after twice as many sweeps as before */
static PetscErrorCode MaybeAttempt(FenOT ot)
{
  Domdec *D = (Domdec *)ot->base.data;

  PetscFunctionBegin;
  if (D->sweeps < D->wait || (D->error > BEGIN && D->sweeps < 4 * D->wait))
    PetscFunctionReturn(0);
  PetscCall(TakePotential(ot));
  PetscCall(FenGlobalStart(ot, &D->global));
  D->attempt = 1;
  D->steps = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode NewtonStep(FenOT ot)
{
  Domdec      *D = (Domdec *)ot->base.data;
  FenProgress *p = &ot->base.progress;

  PetscFunctionBegin;
  PetscCall(FenGlobalStep(&D->global));
  D->error = D->global.newton.error;
  p->residual = D->error;
  p->value = D->global.newton.dual;
  ot->base.intermediate = 0;
  PetscCall(FenOTCheckGap_Private(ot, &D->gap, D->error));
  Compare(ot);
  D->steps++;
  if (D->global.failed >= FAILED || D->steps >= PATIENT * D->wait) { /* cells know better what to do */
    if (D->global.newton.dual > D->global.best_dual) {
      D->global.best_dual = D->global.newton.dual;
      PetscCall(PetscArraycpy(D->global.best, ot->g, ot->m));
    }
    D->attempt = D->sweeps = 0;
    D->wait *= 2;
  }
  PetscFunctionReturn(0);
}

/* L1 error of a cell's rows, relative to its mass. Masses of basic cells are made exact afterwards, so that early
   sweeps and those before Newton steps need few digits; cells alone have to be as accurate as the answer */
static double Tolerance(FenOT ot)
{
  const Domdec   *D = (const Domdec *)ot->base.data;
  const FenSolver s = (FenSolver)ot;
  double          tol = PetscMin(1e-6, 0.02 * D->error);

  if (!Final(ot))
    return 1e-2;
  if (D->newton)
    return 1e-4;
  if (s->gap_rel > 0)
    tol = PetscMin(tol, 0.1 * s->gap_rel);
  if (s->residual > 0)
    tol = PetscMin(tol, 0.1 * s->residual);
  return PetscMax(tol, 1e-12);
}

/* A half sweep; before one of the first partition a flow update, more and more seldom when none is taken */
static PetscErrorCode HalfSweep(FenOT ot, FenHalfSweep *H)
{
  Domdec         *D = (Domdec *)ot->base.data;
  const char     *prefix;
  double          step;
  const PetscBool begun = (PetscBool)(D->at == ot->nlevels - 1); /* with the product plan, on this level */
  const PetscBool due =
      (PetscBool)(D->flow && !ot->relaxed && begun && !D->half && D->last < HUGE_VAL && D->error < SETTLED);

  PetscFunctionBegin;
  if (!due || D->flow_in > 0) {
    PetscCall(FenCellsHalfSweep(D->cells, (int)D->half, &D->work, H));
    D->flow_in -= due;
    PetscFunctionReturn(0);
  }
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)ot, &prefix));
  PetscCall(FenCellsFlowSweep(D->cells, prefix, D->last, &D->work, H, &step));
  D->flow_gap = step > 0 ? 1 : 2 * D->flow_gap;
  D->flow_in = D->flow_gap - 1;
  PetscCall(PetscInfo(ot, "flow update: %g of the fluxes\n", step));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTIterate_Domdec(FenSolver s)
{
  FenOT        ot = (FenOT)s;
  Domdec      *D = (Domdec *)s->data;
  FenProgress *p = &s->progress;
  FenHalfSweep H = {.tol = Tolerance(ot)};
  double       sums[4];

  PetscFunctionBegin;
  if (D->staged) {
    PetscCall(FenCellsStageDestroy(&D->stage));
    D->staged = PETSC_FALSE;
  }
  if (D->attempt) {
    PetscCall(NewtonStep(ot));
    p->work = D->passes = ot->op->passes;
    PetscFunctionReturn(0);
  }
  H.align = (PetscBool)(D->half && D->fresh);
  H.extend = (PetscBool)(!D->half && D->at > 0);
  PetscCall(HalfSweep(ot, &H));
  for (FenInt j = 0; j < ot->m; j++) /* a stop would answer with this g: a NaN in it must not go unseen */
    FenDDAdd(&H.value, 0 * ot->g[j]);
  PetscCall(FenSolverReduce_Private(s, 4, (FenDD[4]){H.error, H.value, H.upper, H.total}, sums));
  if (Final(ot) && !ot->relaxed)
    D->upper = sums[2];
  D->last = sums[2];
  if (D->half)
    D->fresh = 0;
  ot->op->passes += ot->op->share;
  D->error = sums[0] * FenOTErrorScale_Private(ot, sums[3]);
  p->parameter = D->eps;
  p->residual = D->error;
  p->value = sums[1] + (ot->relaxed ? D->eps * ot->product : 0);
  s->intermediate = 1;
  PetscCall(PetscInfo(
      s, "level %d, eps %g, half %d: error %.3e, value %.12g; %.2f steps a cell, %.0f targets, drift %.1e\n",
      (int)D->at, D->eps, (int)D->half, D->error, p->value, (double)D->work.newton / (double)PetscMax(1, H.cells),
      (double)H.targets / (double)PetscMax(1, H.cells), H.mass));
  D->half = 1 - D->half;
  if (!D->half) {
    D->sweeps++;
    if (Final(ot) && D->newton)
      PetscCall(MaybeAttempt(ot));
    else if (Final(ot))
      PetscCall(Look(ot));
    else
      PetscCall(Advance(ot));
  }
  p->work = D->passes = ot->op->passes;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTState_Domdec(FenSolver s, FenState state)
{
  FenOT     ot = (FenOT)s;
  Domdec   *D = (Domdec *)s->data;
  FenInt    nrows = 0, px = 1;
  FenLayout layout;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < ot->nlevels; l++) {
    FenInt   n = 1, shape[FEN_MAX_DIM];
    PetscInt dim;

    PetscCall(FenMeasureGetDim(ot->source, &dim));
    PetscCall(FenMeasureGetGrid(ot->level[l].measure[0], shape, NULL, NULL));
    for (PetscInt d = 0; d < dim; d++)
      PetscCall(FenIntMult(n, 2 * ((shape[d] + 2 * D->side[d] - 1) / (2 * D->side[d])), &n));
    nrows = PetscMax(nrows, n);
  }
  for (int d = 0; d < FEN_MAX_DIM; d++)
    px *= D->side[d];
  if (!D->staged)
    PetscCall(FenCellsStageCreate(PetscObjectComm((PetscObject)s), nrows, (PetscInt)px, &D->stage));
  D->staged = PETSC_TRUE;
  if (D->cells)
    PetscCall(FenCellsToStage(D->cells, &D->stage));
  PetscCall(FenStateAddCSR(state, "cells", D->stage.layout, &D->stage.rows));
  PetscCall(FenStateAddArray(state, "alpha_a", D->stage.layout, D->stage.px, D->stage.alpha[0]));
  PetscCall(FenStateAddArray(state, "alpha_b", D->stage.layout, D->stage.px, D->stage.alpha[1]));
  PetscCall(FenStateAddArray(state, "cells_cut", D->cut, 1, D->cuts));
  PetscCall(FenStateAddInt(state, "level", &D->at));
  PetscCall(FenStateAddInt(state, "step", &D->step));
  PetscCall(FenStateAddInt(state, "half", &D->half));
  PetscCall(FenStateAddInt(state, "sweeps", &D->sweeps));
  PetscCall(FenStateAddInt(state, "fresh", &D->fresh));
  PetscCall(FenStateAddReal(state, "level_eps", &D->eps));
  PetscCall(FenStateAddReal(state, "error", &D->error));
  PetscCall(FenStateAddReal(state, "passes", &D->passes));
  PetscCall(FenStateAddReal(state, "cells_upper", &D->upper));
  PetscCall(FenStateAddReal(state, "look_error", &D->look_error));
  PetscCall(FenStateAddReal(state, "best", &D->best));
  PetscCall(FenStateAddInt(state, "look_it", &D->look_at));
  PetscCall(FenStateAddInt(state, "looks", &D->looks));
  PetscCall(FenStateAddInt(state, "attempt", &D->attempt));
  PetscCall(FenStateAddInt(state, "wait", &D->wait));
  PetscCall(FenStateAddInt(state, "steps", &D->steps));
  PetscCall(FenStateAddReal(state, "last", &D->last));
  PetscCall(FenStateAddInt(state, "flow_in", &D->flow_in));
  PetscCall(FenStateAddInt(state, "flow_gap", &D->flow_gap));
  PetscCall(FenStateAddInt(state, "failed", &D->global.failed));
  PetscCall(FenStateAddReal(state, "shift", &D->global.newton.system.shift));
  PetscCall(FenStateAddReal(state, "check_error", &D->gap.error));
  PetscCall(FenStateAddInt(state, "check_it", &D->gap.iteration));
  PetscCall(FenStateAddReal(state, "best_dual", &D->global.best_dual));
  PetscCall(FenMeasureGetLayout(ot->target, &layout));
  PetscCall(FenStateAddArray(state, "g_best", layout, 1, D->global.best));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetFromOptions_Domdec(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  Domdec *D = (Domdec *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-ot_domdec_cell", "pixels of a basic cell along each axis (0: 16, 4, 2 for 1, 2, 3 axes)",
                            "", D->cell, &D->cell, NULL));
  PetscCall(PetscOptionsInt("-ot_domdec_sweeps", "sweeps on an early epsilon at most", "", D->sweeps_most,
                            &D->sweeps_most, NULL));
  PetscCall(PetscOptionsBool("-ot_domdec_flow",
                             "circulations of mass between cells before sweeps, on the coarsest level", "", D->flow,
                             &D->flow, NULL));
  PetscCall(PetscOptionsBool("-ot_domdec_newton", "last digits by Newton steps on the whole problem", "", D->newton,
                             &D->newton, NULL));
  PetscCheck(D->cell >= 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_domdec_cell %" PetscInt_FMT ": must not be negative", D->cell);
  PetscCheck(D->sweeps_most >= 1, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_domdec_sweeps %" PetscInt_FMT ": must be at least 1", D->sweeps_most);
  PetscFunctionReturn(0);
}

/* pixels of a basic cell along each axis: the same on all levels */
static PetscErrorCode Sides(FenOT ot, FenInt side[])
{
  static const FenInt usual[FEN_MAX_DIM] = {16, 4, 2};
  const Domdec       *D = (const Domdec *)ot->base.data;
  FenInt              shape[FEN_MAX_DIM];
  PetscInt            dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetGrid(ot->source, shape, NULL, NULL));
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    side[d] = d < dim ? PetscMin(D->cell ? D->cell : usual[dim - 1], shape[d]) : 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode ChooseCells(FenOT ot)
{
  Domdec  *D = (Domdec *)ot->base.data;
  FenInt   shape[FEN_MAX_DIM], most = 0, pixels = 1;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(Sides(ot, D->side));
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetGrid(ot->source, shape, NULL, NULL));
  for (PetscInt d = 0; d < dim; d++) {
    pixels *= 2 * D->side[d];
    most = PetscMax(most, shape[d]);
  }
  PetscCheck(D->cell <= most, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_domdec_cell %" PetscInt_FMT ": the longest axis of the source has %" FENINT_FMT " pixels", D->cell,
             most);
  PetscCheck(pixels <= FEN_CELL_PIXELS, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_domdec_cell %" PetscInt_FMT ": a composite cell of %" FENINT_FMT
             " pixels is too large, %d are the limit",
             D->cell, pixels, FEN_CELL_PIXELS);
  PetscCall(FenCellWorkCreate(ot->simd, (PetscInt)pixels, &D->work));
  D->work.formula = ot->op->cost;
  D->work.marginal = ot->relaxed ? ot->marginal : NULL;
  PetscCall(FenCostIsSeparable(ot->op->cost, &D->work.separable));
  D->work.separable = (PetscBool)(D->work.separable || (dim == 1 && ot->op->kind != FEN_COST_FUNCTION));
  PetscFunctionReturn(0);
}

/* room for the cuts of the finest level, which has the most slabs */
static PetscErrorCode MakeCuts(FenOT ot)
{
  Domdec  *D = (Domdec *)ot->base.data;
  FenInt   shape[FEN_MAX_DIM], local;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetGrid(ot->source, shape, NULL, NULL));
  PetscCall(FenLayoutCreateRows(PetscObjectComm((PetscObject)ot), FenCellsCutsSize(dim, shape, D->side), &D->cut));
  PetscCall(FenLayoutGetLocalSize(D->cut, &local));
  PetscCall(PetscCalloc1(local, &D->cuts));
  PetscFunctionReturn(0);
}

/* along axes of more than one, squared for squared costs */
static PetscErrorCode NarrowestPixel(FenOT ot, double *blur)
{
  double spacing[FEN_MAX_DIM], width;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetGrid(ot->source, NULL, spacing, NULL));
  PetscCall(FenOTNarrowest_Private(ot->source, &width));
  PetscCall(FenCostBlur(ot->cost, ot->source, ot->target, width < HUGE_VAL ? width : spacing[0], blur));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetUp_Domdec(FenSolver s)
{
  FenOT          ot = (FenOT)s;
  Domdec        *D = (Domdec *)s->data;
  FenMeasureKind kind[2];
  FenInt         shares;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(ot->source, &kind[0]));
  PetscCall(FenMeasureGetKind(ot->target, &kind[1]));
  PetscCheck(kind[0] == FEN_MEASURE_GRID && kind[1] == FEN_MEASURE_GRID, PetscObjectComm((PetscObject)s),
             (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_type domdec decomposes grids, and a measure here is a cloud of points: -ot_type newton takes both");
  PetscCheck(ot->op->kind != FEN_COST_MATRIX, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_type domdec needs a cost of coordinates, not a matrix: -ot_type newton takes both");
  PetscCall(ChooseCells(ot));
  PetscCall(MakeCuts(ot));
  PetscCall(FenGlobalCreate(ot, &D->global));
  PetscCall(PetscMalloc1(ot->nlevels, &D->base));
  PetscCall(NarrowestPixel(ot, &D->base[0]));
  for (PetscInt l = 1; l < ot->nlevels; l++)
    D->base[l] = ot->level[l].blur;
  PetscCall(FenIntMult(ot->level[ot->nlevels - 1].N[0] / ((FenInt)D->side[0] * D->side[1] * D->side[2]) + 1,
                       ot->level[ot->nlevels - 1].N[1], &shares));
  PetscCheck(shares <= 200000000, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_type domdec begins with the product plan on the coarsest grid, and here that would have %" FENINT_FMT
             " entries: allow more coarse levels (-ot_levels) or larger cells (-ot_domdec_cell)",
             shares);
  PetscFunctionReturn(0);
}

/* cells on the finest grid, with the epsilon that is largest there; the product plan, where no levels are coarse */
static PetscErrorCode FenOTMemory_Domdec(FenSolver s, double *bytes, double *more)
{
  FenOT     ot = (FenOT)s;
  PetscBool grids;
  PetscInt  dim;
  FenInt    side[FEN_MAX_DIM], N[2], n[2];
  double    base, product;

  PetscFunctionBegin;
  *bytes = *more = 0;
  PetscCall(FenOTOnGrids_Private(ot, &grids));
  if (!grids)
    PetscFunctionReturn(0); /* the set-up refuses it */
  PetscCall(Sides(ot, side));
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetSize(ot->source, &N[0], &n[0]));
  PetscCall(FenMeasureGetSize(ot->target, &N[1], &n[1]));
  PetscCall(NarrowestPixel(ot, &base));
  PetscCall(FenCellsMemory(ot->source, ot->target, ot->cost, side, PetscMax(ot->eps, 2 * base), n[0], bytes));
  product = 24.0 * (double)n[0] * (double)N[1] / (double)(side[0] * side[1] * side[2]) *
            pow(0.25, (double)(dim * ot->levels_most));
  *bytes = PetscMax(*bytes, product);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTReset_Domdec(FenSolver s)
{
  Domdec *D = (Domdec *)s->data;

  PetscFunctionBegin;
  PetscCall(FenCellsDestroy(&D->cells));
  PetscCall(FenCellWorkDestroy(&D->work));
  PetscCall(FenGlobalDestroy(&D->global));
  if (D->staged)
    PetscCall(FenCellsStageDestroy(&D->stage));
  D->staged = PETSC_FALSE;
  PetscCall(PetscFree(D->base));
  PetscCall(PetscFree(D->cuts));
  PetscCall(FenLayoutDestroy(&D->cut));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTView_Domdec(FenSolver s, PetscViewer viewer)
{
  Domdec *D = (Domdec *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "cells of %" FENINT_FMT " x %" FENINT_FMT " x %" FENINT_FMT
                                   " pixels, two along each axis in a composite\n",
                                   D->side[0], D->side[1], D->side[2]));
  if (D->upper < HUGE_VAL)
    PetscCall(PetscViewerASCIIPrintf(viewer, "upper bound of the cells' plan %.12g\n", D->upper));
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "on rank 0: %" FENINT_FMT " Newton steps, %" FENINT_FMT
                                   " Sinkhorn steps, %" FENINT_FMT " cut, %" FENINT_FMT " cells not solved\n",
                                   D->work.newton, D->work.sinkhorn, D->work.rejected, D->work.failed));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTDestroy_Domdec(FenSolver s)
{
  PetscFunctionBegin;
  ((FenOT)s)->uses_levels = PETSC_FALSE;
  ((FenOT)s)->usual = (FenEpsilonPlan){.factor = 0.25, .level_tol = 0.05};
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/*MC
  FENOTDOMDEC - "domdec": domain decomposition on grids, coarse to fine, dense Newton solves in cells

  Options Database Keys:
+ -ot_domdec_cell   - pixels of a basic cell along each axis (0: 16, 4, 2 for grids of 1, 2, 3 axes)
. -ot_domdec_sweeps - sweeps on an early epsilon at most (4)
. -ot_domdec_newton - last digits by Newton steps on the whole problem (true)
. -ot_domdec_flow   - circulations of mass between cells before sweeps, on the coarsest level (true)
. -ot_levels        - coarse levels at most
. -ot_eps_factor    - ratio of successive epsilons on a level (0.5)
- -ot_eps_level_tol - row error at which an early epsilon ends (0.05)

  Level: beginner

.seealso: `FENOTMULTIGRID`, `FenOTSetType()`
M*/
PetscErrorCode FenOTCreate_Domdec(FenSolver s)
{
  Domdec *D;

  PetscFunctionBegin;
  PetscCall(PetscNew(&D));
  D->sweeps_most = 4;
  D->newton = D->flow = PETSC_TRUE;
  ((FenOT)s)->uses_levels = PETSC_TRUE;
  ((FenOT)s)->usual = (FenEpsilonPlan){.factor = 0.5, .level_tol = 0.05};
  s->data = D;
  s->ops->setfromoptions = FenOTSetFromOptions_Domdec;
  s->ops->setup = FenOTSetUp_Domdec;
  s->ops->initialize = FenOTInitialize_Domdec;
  s->ops->resume = FenOTResume_Domdec;
  s->ops->iterate = FenOTIterate_Domdec;
  s->ops->state = FenOTState_Domdec;
  s->ops->memory = FenOTMemory_Domdec;
  s->ops->view = FenOTView_Domdec;
  s->ops->reset = FenOTReset_Domdec;
  s->ops->destroy = FenOTDestroy_Domdec;
  PetscFunctionReturn(0);
}
