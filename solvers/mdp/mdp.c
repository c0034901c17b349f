/* SPDX-License-Identifier: BSD-2-Clause */
/* FenMDP: the family. Problem, options, set-up, state, answers that every type has in common. */
#include "mdpimpl.h"
#include <math.h>

PetscClassId     FENMDP_CLASSID;
static PetscBool packageinitialized = PETSC_FALSE;

const char *const FenMDPPartitions[] = {"none", "block", "graph", "FenMDPPartition", "FEN_MDP_PARTITION_", NULL};

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
  PetscCall(FenClassRegister("Markov decision process", "fenmdp", &FENMDP_CLASSID));
  PetscCall(FenBellmanRegisterEvents(FENMDP_CLASSID));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

static PetscErrorCode AmbiguityFromOptions(FenMDP mdp, PetscOptionItems *PetscOptionsObject)
{
  const FenAmbiguityTexts texts = {
      .page = "FenMDPSetAmbiguity",
      .name = "laws that nature may choose: none, a divergence, l1, linf, interval or wasserstein",
      .radius = "largest divergence from a row's probabilities",
      .penalty = "price of the divergence from a row's probabilities"};
  MPI_Comm     comm = PetscObjectComm((PetscObject)mdp);
  FenAmbiguity a = mdp->ambiguity;
  PetscBool    given;

  PetscFunctionBegin;
  PetscCall(FenMDPAmbiguitySize_Private(comm, &a, &texts, &given, PetscOptionsObject));
  PetscCall(FenMDPAmbiguityOptions_Private(&a, PetscOptionsObject));
  PetscCheck(given || !strcmp(a.name, "none") || !strcmp(a.name, "interval"), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ambiguity %s without -mdp_radius or -mdp_penalty: say how much", a.name);
  PetscCall(FenMDPSetAmbiguity(mdp, &a));
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPSetFromOptions(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenMDP          mdp = (FenMDP)s;
  PetscReal       discount = mdp->discount;
  FenMDPPartition partition = mdp->partition;
  PetscBool       set, eliminate = mdp->eliminate;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-mdp_discount", "discount, if not the model's own", "FenMDPSetDiscount", discount,
                             &discount, &set));
  if (set)
    PetscCall(FenMDPSetDiscount(mdp, discount));
  PetscCall(AmbiguityFromOptions(mdp, PetscOptionsObject));
  PetscCall(FenAverageOptions_Private(mdp, PetscOptionsObject));
  PetscCall(PetscOptionsBool("-mdp_check", "make all rows that are made on demand twice first, and compare",
                             "FenMDPModelCheck", mdp->check, &mdp->check, NULL));
  PetscCall(PetscOptionsEnum("-mdp_partition", "which rank works on which states", "FenMDPSetPartition",
                             FenMDPPartitions, (PetscEnum)partition, (PetscEnum *)&partition, NULL));
  PetscCall(FenMDPSetPartition(mdp, partition));
  PetscCall(PetscOptionsBool("-mdp_eliminate", "leave out actions as soon as they cannot be optimal", "FenMDPSolve",
                             eliminate, &eliminate, NULL));
  if (eliminate != mdp->eliminate)
    PetscCall(FenSolverReset(s));
  mdp->eliminate = eliminate;
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
  case FEN_MDP_TOTAL: /* the model's own discount is for who asks for discounted values */
    PetscCheck(isnan(mdp->discount) || mdp->discount == 1, comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_discount %g: the criterion %s has no discount", mdp->discount, FenMDPCriteria[mdp->criterion]);
    mdp->gamma = 1;
    break;
  case FEN_MDP_FINITE:
    if (isnan(mdp->gamma))
      mdp->gamma = 1;
    break;
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

/* total rewards end also in states that only stay */
static PetscErrorCode ChooseModel(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenMDPModelDestroy(&mdp->solved));
  if (mdp->criterion == FEN_MDP_TOTAL) { /* its rows are read again */
    PetscCall(FenTotalModel_Private(mdp->model, &mdp->solved));
    PetscCall(FenMDPModelSetExpendable(mdp->solved, PETSC_FALSE));
  } else {
    PetscCall(PetscObjectReference((PetscObject)mdp->model));
    mdp->solved = mdp->model;
  }
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
    PetscCall(FenMDPModelGetStateRows(mdp->solved, k, &rows));
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
  FenMDPSizes  sizes;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  PetscCheck(!mdp->eliminate || (sizes.stored && !mdp->robust && mdp->criterion == FEN_MDP_DISCOUNTED),
             PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_eliminate needs stored nominal rows and the criterion discounted");
  mdp->words = mdp->eliminate ? (int)((sizes.actions + 31) / 32) : 0;
  PetscCall(PetscCalloc1((size_t)(mdp->words * mdp->nout), &mdp->gone));
  /* each by itself: they change places */
  PetscCall(PetscCalloc1(all, &mdp->V));
  PetscCall(PetscCalloc1(all, &mdp->TV));
  PetscCall(PetscMalloc1(all, &mdp->W));
  PetscCall(PetscMalloc1(all, &mdp->X));
  PetscCall(PetscMalloc1(mdp->n, &mdp->policy));
  PetscCall(PetscMalloc2(mdp->nout, &mdp->value, mdp->nout, &mdp->action));
  if (mdp->criterion == FEN_MDP_TOTAL) /* others have one for all states, and may have no memory to spare */
    PetscCall(PetscMalloc1(mdp->nout, &mdp->margin));
  PetscCall(PetscCalloc1((size_t)(mdp->nout * mdp->components), &mdp->saved_nature));
  mdp->answered = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* sweeps over a policy's rows, and few over all: rows may stay as they are */
static PetscBool FewSweeps(FenMDP mdp)
{
  const char *type = ((PetscObject)mdp)->type_name;

  return (PetscBool)((!strcmp(type, FENMDPAUTO) || !strcmp(type, FENMDPMPI)) && mdp->criterion == FEN_MDP_DISCOUNTED &&
                     !mdp->eliminate);
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
  if (mdp->check)
    PetscCall(FenMDPModelCheck(mdp->model));
  PetscCall(ChooseModel(mdp));
  PetscCall(Count(mdp));
  PetscCall(FenMDPCheckAmbiguity_Private(mdp));
  PetscCall(FenMDPPartitionInUse_Private(mdp, &options.partition));
  options.discount = mdp->gamma;
  PetscCall(PetscStrcpy(options.simd, mdp->simd));
  options.few_sweeps = FewSweeps(mdp);
  PetscCall(FenBellmanCreate(mdp->solved, &options, &mdp->op));
  PetscCall(FenBellmanGetNature(mdp->op, &mdp->robust, &mdp->components, &mdp->law_from));
  PetscCall(FenBellmanGetSizes(mdp->op, &mdp->n, &mdp->nghost));
  PetscCall(Allocate(mdp));
  if (mdp->criterion == FEN_MDP_TOTAL)
    PetscCall(FenTotalSetUp_Private(mdp));
  mdp->swept = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPBegin(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;

  PetscFunctionBegin;
  mdp->bounds = (FenMDPBounds){.policy_gap = HUGE_VAL, .value_error = HUGE_VAL, .lower = -HUGE_VAL, .upper = HUGE_VAL};
  mdp->zero = PETSC_FALSE;
  if (s->restarted)
    PetscCall(FenMDPUnpack_Private(mdp));
  else
    PetscCall(FenMDPStart_Private(mdp));
  PetscFunctionReturn(0);
}

/* half width of each state's interval; actions of states that end although the model gives them rows */
static PetscErrorCode GiveMargins(FenMDP mdp)
{
  double most;
  int    rows;

  PetscFunctionBegin;
  if (!mdp->total)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < mdp->nout; k++)
    mdp->margin[k] = mdp->bounds.value_error;
  if (isfinite(mdp->bounds.value_error)) {
    PetscCall(FenTotalMargin_Private(mdp, mdp->X, &most));
    for (FenInt k = 0; k < mdp->n; k++)
      mdp->X[k] *= mdp->sign;
    PetscCall(FenBellmanToModel(mdp->op, mdp->X, mdp->margin));
  }
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->model, k, &rows));
    if (rows && mdp->action[k] < 0)
      PetscCall(FenTotalAction_Private(mdp, k, &mdp->action[k]));
  }
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
  PetscCall(FenBellmanToModel(mdp->op, mdp->criterion == FEN_MDP_TOTAL ? mdp->V : mdp->TV, mdp->value));
  PetscCall(FenBellmanPolicyToModel(mdp->op, mdp->policy, mdp->action));
  if (mdp->criterion == FEN_MDP_DISCOUNTED)
    for (FenInt k = 0; k < mdp->nout; k++) /* terminal states have no action */
      mdp->value[k] += mdp->action[k] < 0 ? 0 : mdp->sign * f * centre / 2;
  PetscCall(GiveMargins(mdp));
  if (mdp->law_from >= 0) /* a randomised policy is part of nature's state */
    PetscCall(FenMDPPackNature_Private(mdp));
  PetscCall(PetscFree(mdp->law));
  mdp->answered = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode MDPView(FenSolver s, PetscViewer viewer)
{
  FenMDP              mdp = (FenMDP)s;
  const FenAmbiguity *a = &mdp->ambiguity;
  double              words, messages, imbalance;

  PetscFunctionBegin;
  if (!s->isset)
    PetscFunctionReturn(0);
  PetscCall(PetscViewerASCIIPrintf(viewer, "%" FENINT_FMT " states, %" FENINT_FMT " terminal; %s, discount %.17g\n",
                                   mdp->nstates, mdp->nstates - mdp->nalive, FenMDPCriteria[mdp->criterion],
                                   mdp->gamma));
  if (mdp->robust)
    PetscCall(PetscViewerASCIIPrintf(viewer, "ambiguity %s, %s-rectangular, %s %g, support %s\n", a->name,
                                     FenRectangulars[a->rectangular], a->penalty > 0 ? "penalty" : "radius",
                                     a->penalty > 0 ? a->penalty : a->radius, FenSupports[a->support]));
  if (mdp->choice)
    PetscCall(PetscViewerASCIIPrintf(viewer, "chose %s: %s\n", mdp->choice, mdp->why));
  PetscCall(PetscViewerASCIIPrintf(viewer, "sweeps %g, products %g\n", mdp->sweeps, mdp->matvecs));
  PetscCall(FenBellmanGetCommunication(mdp->op, &words, &messages, &imbalance));
  PetscCall(PetscViewerASCIIPrintf(viewer, "partition %s: %.0f values a sweep in %.0f messages, imbalance %.3f\n",
                                   FenMDPPartitions[mdp->partition], words, messages, imbalance));
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
  PetscCall(PetscFree(mdp->margin));
  PetscCall(FenTotalReset_Private(mdp));
  PetscCall(FenMDPModelDestroy(&mdp->solved));
  PetscCall(PetscFree(mdp->gone));
  PetscCall(PetscFree(mdp->saved_policy));
  PetscCall(PetscFree2(mdp->moved_V, mdp->moved_TV));
  PetscCall(PetscFree2(mdp->value, mdp->action));
  PetscCall(PetscFree(mdp->saved_nature));
  PetscCall(PetscFree(mdp->law));
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
                                       .state = FenMDPState_Private,
                                       .begin = MDPBegin,
                                       .finish = MDPFinish,
                                       .view = MDPView,
                                       .reset = MDPReset,
                                       .destroy = MDPDestroy};

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
  PetscCall(PetscHeaderCreate(o, FENMDP_CLASSID, "FenMDP", "Markov decision process", "MDP", comm, FenSolverDestroy,
                              FenSolverView));
  PetscCall(FenSolverInitialize_Private((FenSolver)o, &family));
  o->base.gap_rel = 1e-6;
  o->discount = NAN;
  o->ambiguity = (FenAmbiguity){.name = "none", .alpha = 1};
  o->partition = FEN_MDP_PARTITION_BLOCK;
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
  FenMDPSetFromOptions - Options of the solver, see `FenSolverSetFromOptions()`.

  Collective

  Options Database Keys:
+ -mdp_discount  - discount
. -mdp_gap       - certified loss of the policy at which to stop
. -mdp_gap_rel   - the same as a share of the range of the values
. -mdp_ambiguity - what nature may do
. -mdp_radius    - radius of the ball
. -mdp_penalty   - or the price
. -mdp_check     - make all rows that are made on demand twice first, and compare
. -mdp_average_tau - average reward: share of a step, below 1 for periodic chains (0: automatic)
. -mdp_partition - which rank works on which states
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
