/* SPDX-License-Identifier: BSD-2-Clause */
/* FenOT: the family. Problem, options, set-up, state, answers that every type has in common. */
#include "otimpl.h"
#include <math.h>

PetscClassId     FENOT_CLASSID;
static PetscBool packageinitialized = PETSC_FALSE;

static const FenSolverTypeEntry types[] = {
#define FEN_OT_ENTRY(name, Type) {name, FenOTCreate_##Type},
    FEN_OT_TYPE_LIST(FEN_OT_ENTRY)
#undef FEN_OT_ENTRY
        {NULL, NULL}};

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  packageinitialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTInitializePackage_Private(void)
{
  PetscFunctionBegin;
  if (packageinitialized)
    PetscFunctionReturn(0);
  packageinitialized = PETSC_TRUE;
  PetscCall(FenSolverInitializePackage_Private());
  PetscCall(FenClassRegister("Optimal transport", "fenot", &FENOT_CLASSID));
  PetscCall(FenOTOperatorRegisterEvents(FENOT_CLASSID));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

static PetscErrorCode OTSetFromOptions(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenOT     ot = (FenOT)s;
  PetscReal eps = ot->eps, start = ot->asked.start;
  PetscReal factor = ot->asked.factor > 0 ? ot->asked.factor : ot->usual.factor;
  PetscReal tol = ot->asked.level_tol > 0 ? ot->asked.level_tol : ot->usual.level_tol;
  PetscBool given[2];
  PetscEnum pairs = (PetscEnum)ot->pairs;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-ot_eps", "regularisation, in units of the cost", "FenOTSetEpsilon", eps, &eps, NULL));
  PetscCall(FenOTSetEpsilon(ot, eps));
  PetscCall(FenOTMarginalsFromOptions_Private(ot, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-ot_eps_start", "first epsilon of the scaling (0: an eighth of the largest cost)", "",
                             start, &start, NULL));
  PetscCall(PetscOptionsReal("-ot_eps_factor", "ratio of successive epsilons (1: no scaling)", "", factor, &factor,
                             &given[0]));
  PetscCall(
      PetscOptionsReal("-ot_eps_level_tol", "marginal error at which an early level ends", "", tol, &tol, &given[1]));
  PetscCheck(factor > 0 && factor <= 1, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_eps_factor %g: must be above 0 and at most 1", factor);
  PetscCheck(tol > 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_eps_level_tol %g: must be positive", tol);
  ot->asked.start = start;
  if (given[0])
    ot->asked.factor = factor;
  if (given[1])
    ot->asked.level_tol = tol;
  PetscCall(PetscOptionsEnum("-ot_pairs", "how all pairs are visited on several ranks", "", FenPairsTypes, pairs,
                             &pairs, NULL));
  ot->pairs = (FenPairsType)pairs;
  PetscCall(PetscOptionsInt("-ot_levels", "coarse levels of a problem on grids at most (0: none)", "", ot->levels_most,
                            &ot->levels_most, NULL));
  PetscCheck(ot->levels_most >= 0 && ot->levels_most <= FEN_OT_MAX_LEVELS, PetscObjectComm((PetscObject)s),
             (PetscErrorCode)FEN_ERR_OPTION, "-ot_levels %d: must be between 0 and %d", (int)ot->levels_most,
             FEN_OT_MAX_LEVELS);
  PetscCall(PetscOptionsString("-fen_simd", "instruction set: auto, portable, avx2, avx512", "", ot->simd, ot->simd,
                               sizeof(ot->simd), NULL));
  PetscFunctionReturn(0);
}

/* below this, cost/eps times the rounding unit is no longer small against one: exponentials would be noise */
static PetscErrorCode CheckEpsilon(FenOT ot)
{
  const double smallest = 64 * PETSC_MACHINE_EPSILON * ot->cost_max;

  PetscFunctionBegin;
  PetscCheck(ot->eps > 0, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_eps is %g: give a positive regularisation in units of the cost (the largest cost is %g)", ot->eps,
             ot->cost_max);
  PetscCheck(
      ot->eps >= smallest, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
      "-ot_eps %g is too small: the largest cost is %g, and double precision carries exp(-C/eps) down to eps = %g",
      ot->eps, ot->cost_max, smallest);
  PetscFunctionReturn(0);
}

/* weights that nobody has looked at, as they need not be balanced */
static PetscErrorCode CheckMarginals(FenOT ot)
{
  PetscFunctionBegin;
  if (!ot->relaxed)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureCheckWeights(ot->source, "source"));
  PetscCall(FenMeasureCheckWeights(ot->target, "target"));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCheckCost_Private(FenOT ot)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)ot);

  PetscFunctionBegin;
  PetscCheck(ot->source && ot->target, comm, (PetscErrorCode)FEN_ERR_USAGE,
             "FenOTSetMeasures() must be called before the solve");
  if (!ot->cost)
    PetscCall(FenCostCreate(comm, FEN_COST_SQEUCLIDEAN, &ot->cost));
  PetscCall(FenCostCheck(ot->cost, ot->source, ot->target));
  PetscFunctionReturn(0);
}

/*@
  FenOTCheck - Refuses a problem that cannot be solved, before memory is taken: no measures, a cost that they cannot
  have, an epsilon that double precision does not carry.

  Collective

  Level: intermediate

.seealso: `FenOTSolve()`, `FenCostCheck()`
@*/
PetscErrorCode FenOTCheck(FenOT ot)
{
  PetscFunctionBegin;
  PetscCall(FenOTCheckCost_Private(ot));
  PetscCall(FenCostGetMaximum(ot->cost, ot->source, ot->target, &ot->cost_max));
  PetscCall(CheckEpsilon(ot));
  PetscCall(CheckMarginals(ot));
  PetscFunctionReturn(0);
}

static PetscErrorCode OTSetUp(FenSolver s)
{
  FenOT  ot = (FenOT)s;
  double mass[2];

  PetscFunctionBegin;
  PetscCall(FenOTCheck(ot));
  ot->schedule = (FenEpsilonPlan){.start = ot->asked.start,
                                  .factor = ot->asked.factor > 0 ? ot->asked.factor : ot->usual.factor,
                                  .level_tol = ot->asked.level_tol > 0 ? ot->asked.level_tol : ot->usual.level_tol};
  PetscCall(FenOTLevelsCreate_Private(ot, ot->uses_levels ? ot->levels_most : 0));
  ot->product = 1;
  if (ot->relaxed) {
    PetscCall(FenMeasureGetTotal(ot->source, &mass[0]));
    PetscCall(FenMeasureGetTotal(ot->target, &mass[1]));
    ot->product = mass[0] * mass[1];
  }
  PetscCall(FenOTOperatorSetEpsilon(ot->op, ot->eps));
  ot->certified_at = -1;
  ot->final = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* axes along which a measure on a grid has more than one point */
static PetscErrorCode LongAxes(FenMeasure m, PetscBool is_long[FEN_MAX_DIM])
{
  FenInt shape[FEN_MAX_DIM] = {1, 1, 1};

  PetscFunctionBegin;
  PetscCall(FenMeasureGetGrid(m, shape, NULL, NULL));
  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    is_long[k] = (PetscBool)(is_long[k] || shape[k] > 1);
  PetscFunctionReturn(0);
}

/* multigrid on grids of one or two axes of more than a point, and of three where passes visit all pairs, as most of its
   own are on coarse grids, or where so few points have mass that it may take them as clouds */
static PetscErrorCode OTDefaultType(FenSolver s, const char **type)
{
  FenOT       ot = (FenOT)s;
  FenCostKind cost = FEN_COST_SQEUCLIDEAN;
  PetscBool   is_long[FEN_MAX_DIM] = {PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  PetscBool   grids, sparse, few, swapped;

  PetscFunctionBegin;
  *type = FENOTNEWTON;
  if (!ot->source || !ot->target)
    PetscFunctionReturn(0);
  if (ot->cost)
    PetscCall(FenCostGetKind(ot->cost, &cost));
  PetscCall(FenOTOnGrids_Private(ot, &grids));
  if (!grids)
    PetscFunctionReturn(0);
  PetscCall(LongAxes(ot->source, is_long));
  PetscCall(LongAxes(ot->target, is_long));
  sparse = PETSC_FALSE;
  if (is_long[0] && is_long[1] && is_long[2] && ot->levels_most > 0)
    PetscCall(FenOTSupportFits_Private(ot, &sparse, &few, &swapped));
  if (!is_long[0] || !is_long[1] || !is_long[2] || cost == FEN_COST_EUCLIDEAN || cost == FEN_COST_FUNCTION || sparse)
    *type = FENOTMULTIGRID;
  PetscFunctionReturn(0);
}

static PetscErrorCode OTState(FenSolver s, FenState state)
{
  PetscFunctionBegin;
  PetscCall(FenOTStateLevels_Private((FenOT)s, state, "g", NULL));
  PetscCall(FenOTStateCuts_Private((FenOT)s, state));
  PetscCall(FenOTStateWays_Private((FenOT)s, state));
  PetscFunctionReturn(0);
}

static PetscErrorCode OTBegin(FenSolver s)
{
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  ot->certified_at = -1;
  ot->final = PETSC_FALSE;
  ot->loaded = s->restarted;
  PetscFunctionReturn(0);
}

static PetscErrorCode OTFinish(FenSolver s)
{
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  if (ot->loaded) /* a run that had finished: with its cuts and ways bounds are the same again */
    PetscCall(FenOTUseLevel_Private(ot, ot->at));
  else
    FenOTKeepWays_Private(ot);
  PetscCall(FenOTUseFinest_Private(ot));
  FenOTTellWays_Private(ot, -1);
  if (s->reason != FEN_DIVERGED_NAN && s->reason != FEN_STOPPED) /* who stops a run has no time for further passes */
    PetscCall(FenOTComputeBounds(ot, NULL));
  FenOTResumeWays_Private(ot); /* a run that had not converged may go on */
  PetscFunctionReturn(0);
}

static PetscErrorCode OTView(FenSolver s, PetscViewer viewer)
{
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "epsilon %g, scaling from %g by %g\n", ot->eps, ot->schedule.start,
                                   ot->schedule.factor));
  for (int side = 0; side < 2 && ot->relaxed; side++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "marginal of the %s: %s, rho %g\n", side ? "target" : "source",
                                     FenMarginalKinds[ot->marginal[side].kind], ot->marginal[side].rho));
  if (ot->support)
    PetscCall(PetscViewerASCIIPrintf(
        viewer, "points that have mass, a level of their own: %" FENINT_FMT " and %" FENINT_FMT "\n",
        ot->level[ot->support].N[0], ot->level[ot->support].N[1]));
  else if (ot->nlevels > 1)
    PetscCall(PetscViewerASCIIPrintf(viewer, "levels: the grid and %d coarser ones\n", (int)ot->nlevels - 1));
  if (ot->op)
    PetscCall(PetscViewerASCIIPrintf(viewer, "kernels: %s, %d lanes\n", ot->op->kernels->name, ot->op->kernels->lanes));
  PetscFunctionReturn(0);
}

static PetscErrorCode OTReset(FenSolver s)
{
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  PetscCall(FenOTLevelsDestroy_Private(ot));
  PetscFunctionReturn(0);
}

static PetscErrorCode OTDestroy(FenSolver s)
{
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  PetscCall(FenMeasureDestroy(&ot->source));
  PetscCall(FenMeasureDestroy(&ot->target));
  PetscCall(FenCostDestroy(&ot->cost));
  PetscFunctionReturn(0);
}

static const FenSolverFamily family = {.name = "FenOT",
                                       .stem = "ot",
                                       .residual_option = "marginal_tol",
                                       .residual_text = "stop at this L1 error of both marginals (0: not used)",
                                       .default_type = FENOTNEWTON,
                                       .choosetype = OTDefaultType,
                                       .types = types,
                                       .setfromoptions = OTSetFromOptions,
                                       .setup = OTSetUp,
                                       .state = OTState,
                                       .begin = OTBegin,
                                       .finish = OTFinish,
                                       .view = OTView,
                                       .reset = OTReset,
                                       .destroy = OTDestroy};

/*@
  FenOTCreate - Creates a solver of regularised optimal transport.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. ot - the solver; destroy it with `FenOTDestroy()`

  Level: beginner

.seealso: `FenOTSetMeasures()`, `FenOTSetEpsilon()`, `FenOTSolve()`
@*/
PetscErrorCode FenOTCreate(MPI_Comm comm, FenOT *ot)
{
  FenOT o;

  PetscFunctionBegin;
  PetscCall(FenOTInitializePackage_Private());
  PetscCall(
      PetscHeaderCreate(o, FENOT_CLASSID, "FenOT", "Optimal transport", "OT", comm, FenSolverDestroy, FenSolverView));
  PetscCall(FenSolverInitialize_Private((FenSolver)o, &family));
  o->base.gap_rel = 1e-4;
  o->eps = 0;
  for (int side = 0; side < 2; side++)
    FenMarginalSet(&o->marginal[side], FEN_MARGINAL_EQUALITY, 0);
  o->usual = (FenEpsilonPlan){.factor = 0.25, .level_tol = 0.05};
  o->pairs = FEN_PAIRS_AUTO;
  o->levels_most = FEN_OT_MAX_LEVELS;
  PetscCall(PetscStrcpy(o->simd, "auto"));
  *ot = o;
  PetscFunctionReturn(0);
}

/*@C
  FenOTSetType - Chooses the method: FENOTSINKHORN, FENOTNEWTON, FENOTMULTIGRID or FENOTDOMDEC.

  Logically Collective

  Options Database Key:
. -ot_type - name of the method

  Level: beginner

.seealso: `FenSolverSetType()`
@*/
PetscErrorCode FenOTSetType(FenOT ot, FenOTType type)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetType((FenSolver)ot, type));
  PetscFunctionReturn(0);
}

/*@
  FenOTSetMeasures - The two measures; both must have mass one to the last bit, see `FenMeasureBalance()`, unless a
  marginal is penalised.

  Collective

  Input Parameters:
+ ot     - the solver
. source - measure a, n points
- target - measure b, m points

  Level: beginner

.seealso: `FenMeasureBalance()`, `FenOTSetCost()`, `FenOTSetMarginalPenalty()`
@*/
PetscErrorCode FenOTSetMeasures(FenOT ot, FenMeasure source, FenMeasure target)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)ot));
  PetscCall(PetscObjectReference((PetscObject)source));
  PetscCall(PetscObjectReference((PetscObject)target));
  PetscCall(FenMeasureDestroy(&ot->source));
  PetscCall(FenMeasureDestroy(&ot->target));
  ot->source = source;
  ot->target = target;
  PetscFunctionReturn(0);
}

/*@
  FenOTGetMeasures - The two measures.

  Not Collective

  Level: beginner

.seealso: `FenOTSetMeasures()`
@*/
PetscErrorCode FenOTGetMeasures(FenOT ot, FenMeasure *source, FenMeasure *target)
{
  PetscFunctionBegin;
  if (source)
    *source = ot->source;
  if (target)
    *target = ot->target;
  PetscFunctionReturn(0);
}

/*@
  FenOTSetCost - The ground cost; |x-y|^2 if not called.

  Collective

  Level: beginner

.seealso: `FenCostCreate()`
@*/
PetscErrorCode FenOTSetCost(FenOT ot, FenCost cost)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)ot));
  PetscCall(PetscObjectReference((PetscObject)cost));
  PetscCall(FenCostDestroy(&ot->cost));
  ot->cost = cost;
  PetscFunctionReturn(0);
}

/*@
  FenOTGetCost - The ground cost.

  Not Collective

  Level: beginner

.seealso: `FenOTSetCost()`
@*/
PetscErrorCode FenOTGetCost(FenOT ot, FenCost *cost)
{
  PetscFunctionBegin;
  *cost = ot->cost;
  PetscFunctionReturn(0);
}

/*@
  FenOTSetEpsilon - The regularisation, in units of the cost (pixel^2 for images).

  Logically Collective

  Options Database Key:
. -ot_eps - the same

  Level: beginner

.seealso: `FenOTGetEpsilon()`
@*/
PetscErrorCode FenOTSetEpsilon(FenOT ot, double eps)
{
  PetscFunctionBegin;
  PetscCheck(isfinite(eps) && eps >= 0, PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_eps %g: must be a positive number", eps);
  if (ot->eps != eps)
    PetscCall(FenSolverReset((FenSolver)ot));
  ot->eps = eps;
  PetscFunctionReturn(0);
}

/*@
  FenOTGetEpsilon - The regularisation.

  Not Collective

  Level: beginner

.seealso: `FenOTSetEpsilon()`
@*/
PetscErrorCode FenOTGetEpsilon(FenOT ot, double *eps)
{
  PetscFunctionBegin;
  *eps = ot->eps;
  PetscFunctionReturn(0);
}

/*@
  FenOTSetFromOptions - Options of the solver, see `FenSolverSetFromOptions()`.

  Collective

  Options Database Keys:
+ -ot_eps           - regularisation
. -ot_marginal      - see `FenOTSetMarginalPenalty()`
. -ot_eps_start     - first epsilon of the scaling
. -ot_eps_factor    - ratio of successive epsilons
. -ot_eps_level_tol - marginal error at which an early level ends
. -ot_levels        - coarse levels of a problem on grids at most
. -ot_pairs         - auto, ring or grid
- -fen_simd         - instruction set of the kernels

  Level: beginner

.seealso: `FenSolverSetFromOptions()`
@*/
PetscErrorCode FenOTSetFromOptions(FenOT ot)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetFromOptions((FenSolver)ot));
  PetscFunctionReturn(0);
}

/*@
  FenOTSolve - Solves, see `FenSolverSolve()`.

  Collective

  Level: beginner

.seealso: `FenOTComputeBounds()`, `FenOTGetPotentials()`
@*/
PetscErrorCode FenOTSolve(FenOT ot)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSolve((FenSolver)ot));
  PetscFunctionReturn(0);
}

/*@
  FenOTDestroy - Gives the solver back.

  Collective

  Level: beginner

.seealso: `FenOTCreate()`
@*/
PetscErrorCode FenOTDestroy(FenOT *ot)
{
  PetscFunctionBegin;
  PetscCall(FenSolverDestroy((FenSolver *)ot));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCreateInner_Private(FenOT ot, FenMeasure const measure[2], double eps, const char type[],
                                        FenOT *inner)
{
  PetscFunctionBegin;
  PetscCall(FenOTCreate(PetscObjectComm((PetscObject)ot), inner));
  PetscCall(FenSolverSetOptionsPrefix((FenSolver)*inner, ((PetscObject)ot)->prefix));
  PetscCall(FenOTSetMeasures(*inner, measure[0], measure[1]));
  PetscCall(FenOTSetCost(*inner, ot->cost));
  PetscCall(FenOTSetEpsilon(*inner, eps));
  PetscCall(FenOTSetType(*inner, type));
  PetscCall(PetscStrcpy((*inner)->simd, ot->simd));
  PetscFunctionReturn(0);
}
