/* SPDX-License-Identifier: BSD-2-Clause */
/* FenMDP: the family. Problem, options, set-up, state, answers that every type has in common. */
#include "mdpimpl.h"
#include <math.h>

PetscClassId     FENMDP_CLASSID;
static PetscBool packageinitialized = PETSC_FALSE;

static const FenSolverTypeEntry types[] = {
#define FEN_MDP_ENTRY(name, Type) {name, FenMDPCreate_##Type},
    FEN_MDP_TYPE_LIST(FEN_MDP_ENTRY)
#undef FEN_MDP_ENTRY
        {NULL, NULL}};

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  packageinitialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPInitializePackage_Private(void)
{
  PetscFunctionBegin;
  if (packageinitialized)
    PetscFunctionReturn(0);
  packageinitialized = PETSC_TRUE;
  PetscCall(FenSolverInitializePackage_Private());
  PetscCall(PetscClassIdRegister("Markov decision process", &FENMDP_CLASSID));
  PetscCall(FenBellmanRegisterEvents(FENMDP_CLASSID));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

/* who names a radius does not mean the penalty that was there before */
static PetscErrorCode AmbiguityFromOptions(FenMDP mdp, PetscOptionItems *PetscOptionsObject)
{
  FenAmbiguity a = mdp->ambiguity;
  PetscReal    alpha = a.alpha, radius = a.radius, penalty = a.penalty;
  PetscBool    set_radius, set_penalty;

  PetscFunctionBegin;
  PetscCall(PetscOptionsString("-mdp_ambiguity", "laws that nature may choose: none, a divergence, or l1",
                               "FenMDPSetAmbiguity", a.name, a.name, sizeof(a.name), NULL));
  PetscCall(PetscOptionsReal("-mdp_alpha", "order of the divergence alpha", "FenMDPSetAmbiguity", alpha, &alpha, NULL));
  PetscCall(PetscOptionsReal("-mdp_radius", "largest divergence from a row's probabilities", "FenMDPSetAmbiguity",
                             radius, &radius, &set_radius));
  PetscCall(PetscOptionsReal("-mdp_penalty", "price of the divergence from a row's probabilities", "FenMDPSetAmbiguity",
                             penalty, &penalty, &set_penalty));
  PetscCheck(!set_penalty || penalty > 0, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_penalty %g: must be positive", penalty);
  PetscCheck(set_radius || set_penalty || radius > 0 || penalty > 0 || !strcmp(a.name, "none"),
             PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ambiguity %s without -mdp_radius or -mdp_penalty: say how much", a.name);
  if (set_radius && !set_penalty)
    penalty = 0;
  if (set_penalty && !set_radius)
    radius = 0;
  a.alpha = alpha;
  a.radius = radius;
  a.penalty = penalty;
  PetscCall(FenMDPSetAmbiguity(mdp, &a));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPSetFromOptions(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenMDP    mdp = (FenMDP)s;
  PetscReal discount = mdp->discount;
  PetscBool set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-mdp_discount", "discount, if not the model's own", "FenMDPSetDiscount", discount,
                             &discount, &set));
  if (set)
    PetscCall(FenMDPSetDiscount(mdp, discount));
  PetscCall(AmbiguityFromOptions(mdp, PetscOptionsObject));
  PetscCall(PetscOptionsString("-fen_simd", "instruction set: auto, portable, avx2, avx512", "", mdp->simd, mdp->simd,
                               sizeof(mdp->simd), NULL));
  PetscFunctionReturn(0);
}

/* the discount in use: what the user said, else what the model says */
static PetscErrorCode ChooseDiscount(FenMDP mdp)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)mdp);
  double   own;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetDiscount(mdp->model, &own));
  mdp->gamma = isnan(mdp->discount) ? own : mdp->discount;
  switch (mdp->criterion) {
  case FEN_MDP_AVERAGE:
    mdp->gamma = 1;
    break;
  case FEN_MDP_FINITE:
    if (isnan(mdp->gamma))
      mdp->gamma = 1;
    break;
  case FEN_MDP_TOTAL:
    SETERRQ(
        comm, (PetscErrorCode)FEN_ERR_OPTION,
        "the model's criterion is total reward: only discounted, finite and average can be solved; a discount below "
        "1 bounds the total of a model that ends soon");
  default:
    PetscCheck(!isnan(mdp->gamma), comm, (PetscErrorCode)FEN_ERR_OPTION,
               "the model has no discount: give -mdp_discount, at least 0 and below 1");
    PetscCheck(mdp->gamma >= 0 && mdp->gamma < 1, comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_discount %g: must be at least 0 and below 1 for the criterion discounted", mdp->gamma);
  }
  PetscCheck(mdp->gamma >= 0 && mdp->gamma <= 1, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_discount %g: must be at least 0 and at most 1", mdp->gamma);
  PetscFunctionReturn(0);
}

/* methods belong to criteria; "auto" changes to the one that can */
static PetscErrorCode CheckType(FenMDP mdp)
{
  FenSolver   s = (FenSolver)mdp;
  const char *type = ((PetscObject)s)->type_name, *able = NULL;
  PetscBool   automatic, same;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(type, FENMDPAUTO, &automatic));
  if (mdp->criterion == FEN_MDP_FINITE)
    able = FENMDPFH;
  if (mdp->criterion == FEN_MDP_AVERAGE)
    able = FENMDPVI;
  if (able) {
    PetscCall(PetscStrcmp(type, able, &same));
    PetscCheck(same || automatic, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_type %s: the criterion %s is solved by %s or auto", type, FenMDPCriteria[mdp->criterion], able);
    if (automatic) {
      PetscCall(FenSolverSetType(s, able));
      mdp->choice = able;
      PetscCall(PetscSNPrintf(mdp->why, sizeof(mdp->why), "the criterion is %s", FenMDPCriteria[mdp->criterion]));
    }
    PetscFunctionReturn(0);
  }
  PetscCall(PetscStrcmp(type, FENMDPFH, &same));
  PetscCheck(!same, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type fh: the model's criterion is %s, not finite", FenMDPCriteria[mdp->criterion]);
  PetscFunctionReturn(0);
}

/* who owns how many states, and whether constants pass through the operator */
static PetscErrorCode Count(FenMDP mdp)
{
  FenMDPSizes sizes;
  FenInt      alive = 0;
  int         rows;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(mdp->model, &mdp->outside));
  PetscCall(FenLayoutGetLocalSize(mdp->outside, &mdp->nout));
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  mdp->nstates = sizes.states;
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->model, k, &rows));
    alive += rows > 0;
  }
  PetscCallMPI(MPI_Allreduce(&alive, &mdp->nalive, 1, MPI_FENINT, MPI_SUM, PetscObjectComm((PetscObject)mdp)));
  mdp->shift = (PetscBool)(!sizes.substochastic && mdp->nalive == mdp->nstates);
  PetscCheck(mdp->criterion != FEN_MDP_AVERAGE || mdp->shift, PetscObjectComm((PetscObject)mdp),
             (PetscErrorCode)FEN_ERR_OPTION,
             "the criterion average needs rows that sum to one and no terminal states; this model has %" FENINT_FMT
             " terminal states%s",
             mdp->nstates - mdp->nalive, sizes.substochastic ? " and is substochastic" : "");
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(FenMDP mdp)
{
  const FenInt all = mdp->n + mdp->nghost;

  PetscFunctionBegin;
  /* each by itself: they change places */
  PetscCall(PetscCalloc1(all, &mdp->V));
  PetscCall(PetscCalloc1(all, &mdp->TV));
  PetscCall(PetscCalloc1(all, &mdp->W));
  PetscCall(PetscCalloc1(all, &mdp->X));
  PetscCall(PetscCalloc1(mdp->n, &mdp->policy));
  PetscCall(PetscCalloc5(mdp->nout, &mdp->saved_V, mdp->nout, &mdp->saved_TV, mdp->nout, &mdp->saved_policy, mdp->nout,
                         &mdp->value, mdp->nout, &mdp->action));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPSetUp(FenSolver s)
{
  FenMDP            mdp = (FenMDP)s;
  FenBellmanOptions options = {.ambiguity = mdp->ambiguity};
  FenMDPSense       sense;

  PetscFunctionBegin;
  PetscCheck(mdp->model, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_USAGE,
             "FenMDPSetModel() must be called before the solve");
  PetscCall(FenMDPModelGetCriterion(mdp->model, &mdp->criterion, &mdp->horizon));
  PetscCall(FenMDPModelGetSense(mdp->model, &sense));
  mdp->sign = sense == FEN_MDP_MIN ? -1 : 1;
  mdp->choice = NULL;
  mdp->why[0] = 0;
  PetscCall(ChooseDiscount(mdp));
  PetscCall(CheckType(mdp));
  PetscCall(Count(mdp));
  mdp->robust = (PetscBool)(strcmp(mdp->ambiguity.name, "none") != 0 &&
                            (mdp->ambiguity.radius > 0 || mdp->ambiguity.penalty > 0));
  options.discount = mdp->gamma;
  PetscCall(PetscStrcpy(options.simd, mdp->simd));
  PetscCall(FenBellmanCreate(mdp->model, &options, &mdp->op));
  PetscCall(FenBellmanGetSizes(mdp->op, &mdp->n, &mdp->nghost));
  PetscCall(Allocate(mdp));
  mdp->swept = 0;
  PetscFunctionReturn(0);
}

/* what is saved is on the model's layout, because the operator's depends on the number of ranks */
static PetscErrorCode Pack(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenBellmanToModel(mdp->op, mdp->V, mdp->saved_V));
  PetscCall(FenBellmanToModel(mdp->op, mdp->TV, mdp->saved_TV));
  for (FenInt k = 0; k < mdp->n; k++)
    mdp->X[k] = mdp->sign * mdp->policy[k];
  PetscCall(FenBellmanToModel(mdp->op, mdp->X, mdp->saved_policy));
  mdp->changes = mdp->stats.changes;
  PetscCall(FenBellmanPack(mdp->op));
  PetscFunctionReturn(0);
}

static PetscErrorCode Unpack(FenMDP mdp)
{
  double sweeps, matvecs;

  PetscFunctionBegin;
  PetscCall(FenBellmanFromModel(mdp->op, mdp->saved_V, mdp->V));
  PetscCall(FenBellmanFromModel(mdp->op, mdp->saved_TV, mdp->TV));
  PetscCall(FenBellmanFromModel(mdp->op, mdp->saved_policy, mdp->X));
  for (FenInt k = 0; k < mdp->n; k++)
    mdp->policy[k] = (int)(mdp->sign * mdp->X[k]);
  PetscCall(FenBellmanGetWork(mdp->op, &sweeps, &matvecs));
  mdp->sweeps_offset = sweeps - mdp->sweeps;
  mdp->matvecs_offset = matvecs - mdp->matvecs;
  mdp->stats.changes = mdp->changes;
  PetscCall(FenBellmanUnpack(mdp->op));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPState(FenSolver s, FenState state)
{
  FenMDP mdp = (FenMDP)s;

  PetscFunctionBegin;
  if (!s->restarted) /* loaded, but not yet taken in */
    PetscCall(Pack(mdp));
  PetscCall(FenStateAddArray(state, "value_before", mdp->outside, 1, mdp->saved_V));
  PetscCall(FenStateAddArray(state, "value_swept", mdp->outside, 1, mdp->saved_TV));
  PetscCall(FenStateAddArray(state, "policy_row", mdp->outside, 1, mdp->saved_policy));
  PetscCall(FenBellmanState(mdp->op, state));
  PetscCall(FenStateAddReal(state, "lo", &mdp->stats.lo));
  PetscCall(FenStateAddReal(state, "hi", &mdp->stats.hi));
  PetscCall(FenStateAddReal(state, "value_min", &mdp->stats.vmin));
  PetscCall(FenStateAddReal(state, "value_max", &mdp->stats.vmax));
  PetscCall(FenStateAddReal(state, "slack", &mdp->stats.slack));
  PetscCall(FenStateAddInt(state, "changes", &mdp->changes));
  PetscCall(FenStateAddInt(state, "swept", &mdp->swept));
  PetscCall(FenStateAddInt(state, "stalled", &mdp->stalled));
  PetscCall(FenStateAddReal(state, "norm_best", &mdp->norm_best));
  PetscCall(FenStateAddReal(state, "error", &mdp->error));
  PetscCall(FenStateAddReal(state, "sweeps", &mdp->sweeps));
  PetscCall(FenStateAddReal(state, "matvecs", &mdp->matvecs));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPBegin(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;

  PetscFunctionBegin;
  mdp->bounds = (FenMDPBounds){.policy_gap = HUGE_VAL, .value_error = HUGE_VAL, .lower = -HUGE_VAL, .upper = HUGE_VAL};
  if (s->restarted)
    PetscCall(Unpack(mdp));
  else
    PetscCall(FenMDPStart_Private(mdp));
  PetscFunctionReturn(0);
}

/* centre of the certified interval, and the user's action numbers */
static PetscErrorCode MDPFinish(FenSolver s)
{
  FenMDP       mdp = (FenMDP)s;
  const double f = mdp->gamma < 1 ? mdp->gamma / (1 - mdp->gamma) : 0;
  double       centre;

  PetscFunctionBegin;
  if (s->reason == FEN_DIVERGED_NAN)
    PetscFunctionReturn(0);
  if (!mdp->swept) /* no iteration was allowed: an interval all the same */
    PetscCall(FenMDPSweep_Private(mdp));
  if (mdp->criterion != FEN_MDP_FINITE)
    PetscCall(FenMDPReport_Private(mdp));
  else if (s->reason > 0 || s->reason == FEN_DIVERGED_STAGNATION) /* all steps are made */
    PetscCall(FenMDPReportExact_Private(mdp, mdp->error));
  centre = mdp->shift ? mdp->stats.lo + mdp->stats.hi : PetscMin(mdp->stats.lo, 0) + PetscMax(mdp->stats.hi, 0);
  PetscCall(PetscArraycpy(mdp->X, mdp->TV, mdp->n));
  if (mdp->criterion == FEN_MDP_DISCOUNTED)
    FenMDPShift_Private(mdp, f * centre / 2, mdp->X);
  PetscCall(FenBellmanToModel(mdp->op, mdp->X, mdp->value));
  PetscCall(FenBellmanPolicyToModel(mdp->op, mdp->policy, mdp->action));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPView(FenSolver s, PetscViewer viewer)
{
  FenMDP              mdp = (FenMDP)s;
  const FenAmbiguity *a = &mdp->ambiguity;

  PetscFunctionBegin;
  if (!s->isset)
    PetscFunctionReturn(0);
  PetscCall(PetscViewerASCIIPrintf(viewer, "%" FENINT_FMT " states, %" FENINT_FMT " terminal; %s, discount %.17g\n",
                                   mdp->nstates, mdp->nstates - mdp->nalive, FenMDPCriteria[mdp->criterion],
                                   mdp->gamma));
  if (mdp->robust)
    PetscCall(PetscViewerASCIIPrintf(viewer, "ambiguity %s, %s %g\n", a->name, a->radius > 0 ? "radius" : "penalty",
                                     a->radius > 0 ? a->radius : a->penalty));
  if (mdp->choice)
    PetscCall(PetscViewerASCIIPrintf(viewer, "chose %s: %s\n", mdp->choice, mdp->why));
  PetscCall(PetscViewerASCIIPrintf(viewer, "sweeps %g, products %g\n", mdp->sweeps, mdp->matvecs));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPReset(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;

  PetscFunctionBegin;
  PetscCall(FenBellmanDestroy(&mdp->op));
  PetscCall(PetscFree(mdp->V));
  PetscCall(PetscFree(mdp->TV));
  PetscCall(PetscFree(mdp->W));
  PetscCall(PetscFree(mdp->X));
  PetscCall(PetscFree(mdp->policy));
  PetscCall(PetscFree5(mdp->saved_V, mdp->saved_TV, mdp->saved_policy, mdp->value, mdp->action));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPDestroy(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenMDPModelDestroy(&((FenMDP)s)->model));
  PetscFunctionReturn(0);
}

static const FenSolverFamily family = {.name = "FenMDP",
                                       .stem = "mdp",
                                       .residual_option = "gap",
                                       .residual_text = "stop at this certified loss of the policy (0: not used)",
                                       .residual_is_gap = PETSC_TRUE,
                                       .default_type = FENMDPAUTO,
                                       .types = types,
                                       .setfromoptions = MDPSetFromOptions,
                                       .setup = MDPSetUp,
                                       .state = MDPState,
                                       .begin = MDPBegin,
                                       .finish = MDPFinish,
                                       .view = MDPView,
                                       .reset = MDPReset,
                                       .destroy = MDPDestroy};

static PetscErrorCode DestroyObject(FenMDP *mdp)
{
  PetscFunctionBegin;
  PetscCall(FenSolverDestroy((FenSolver *)mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode ViewObject(FenMDP mdp, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(FenSolverView((FenSolver)mdp, viewer));
  PetscFunctionReturn(0);
}

/*@
  FenMDPCreate - Creates a solver of Markov decision processes.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. mdp - the solver; destroy it with `FenMDPDestroy()`

  Level: beginner

.seealso: `FenMDPSetModel()`, `FenMDPSetDiscount()`, `FenMDPSolve()`
@*/
PetscErrorCode FenMDPCreate(MPI_Comm comm, FenMDP *mdp)
{
  FenMDP o;

  PetscFunctionBegin;
  PetscCall(FenMDPInitializePackage_Private());
  PetscCall(PetscHeaderCreate(o, FENMDP_CLASSID, "FenMDP", "Markov decision process", "MDP", comm, DestroyObject,
                              ViewObject));
  PetscCall(FenSolverInitialize_Private((FenSolver)o, &family));
  o->base.gap_rel = 1e-6;
  o->discount = NAN;
  o->ambiguity = (FenAmbiguity){.name = "none", .alpha = 1};
  PetscCall(PetscStrcpy(o->simd, "auto"));
  *mdp = o;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPSetType - Chooses the method, see FenMDPType.

  Logically Collective

  Options Database Key:
. -mdp_type - name of the method

  Level: beginner

.seealso: `FenSolverSetType()`
@*/
PetscErrorCode FenMDPSetType(FenMDP mdp, FenMDPType type)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetType((FenSolver)mdp, type));
  PetscFunctionReturn(0);
}

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
- ambiguity - name of the set; radius > 0 makes a ball, penalty > 0 a price, neither the nominal model

  Options Database Keys:
+ -mdp_ambiguity - name
. -mdp_alpha     - order, of "alpha"
. -mdp_radius    - radius
- -mdp_penalty   - penalty

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

/*@
  FenMDPSetFromOptions - Options of the solver, see `FenSolverSetFromOptions()`.

  Collective

  Options Database Keys:
+ -mdp_discount  - discount
. -mdp_gap       - certified loss of the policy at which to stop
. -mdp_gap_rel   - the same as a share of the range of the values
. -mdp_ambiguity - what nature may do
. -mdp_radius    - radius of the ball
. -mdp_penalty   - or the price
- -fen_simd      - instruction set of the kernels

  Level: beginner

.seealso: `FenSolverSetFromOptions()`
@*/
PetscErrorCode FenMDPSetFromOptions(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetFromOptions((FenSolver)mdp));
  PetscFunctionReturn(0);
}

/*@
  FenMDPSolve - Solves, see `FenSolverSolve()`.

  Collective

  Level: beginner

.seealso: `FenMDPGetValue()`, `FenMDPGetBounds()`
@*/
PetscErrorCode FenMDPSolve(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSolve((FenSolver)mdp));
  PetscFunctionReturn(0);
}

/*@
  FenMDPDestroy - Gives the solver back.

  Collective

  Level: beginner

.seealso: `FenMDPCreate()`
@*/
PetscErrorCode FenMDPDestroy(FenMDP *mdp)
{
  PetscFunctionBegin;
  PetscCall(FenSolverDestroy((FenSolver *)mdp));
  PetscFunctionReturn(0);
}
