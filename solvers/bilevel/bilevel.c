/* SPDX-License-Identifier: BSD-2-Clause */
/* FenBilevel: the family. Options, set-up, state, certificates after the loop, life. */
#include "bilevelimpl.h"
#include <math.h>

PetscClassId     FENBILEVEL_CLASSID;
static PetscBool packageinitialized = PETSC_FALSE;

static const char *const FenPredicts[] = {"none", "tangent", "secant", "auto", "FenPredict", "FEN_PREDICT_", NULL};
const char *const        FenBilevelErrors[] = {"none", "certified", "goal", "FenBilevelError", "FEN_ERROR_", NULL};

static const FenSolverTypeEntry types[] = {
#define FEN_BILEVEL_ENTRY(name, Type) {name, FenBilevelCreate_##Type},
    FEN_BILEVEL_TYPE_LIST(FEN_BILEVEL_ENTRY)
#undef FEN_BILEVEL_ENTRY
        {NULL, NULL}};

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  packageinitialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelInitializePackage_Private(void)
{
  PetscFunctionBegin;
  if (packageinitialized)
    PetscFunctionReturn(0);
  packageinitialized = PETSC_TRUE;
  PetscCall(FenSolverInitializePackage_Private());
  PetscCall(FenClassRegister("Bilevel learning", "fenbilevel", &FENBILEVEL_CLASSID));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

/* ---- options ---- */

static const char *const uppers[] = {"problem", "mean", "sum", "kl", "Upper", "UPPER_", NULL};

static PetscErrorCode UpperOptions(FenBilevel b, PetscOptionItems *PetscOptionsObject)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)b);
  PetscReal temperature = b->temperature, pull = b->pull, box[2] = {b->box[0], b->box[1]};
  PetscEnum upper = (PetscEnum)(b->upper + 1);

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-bilevel_upper", "how samples make the objective", "", uppers, upper, &upper, NULL));
  b->upper = (PetscInt)upper - 1;
  PetscCall(PetscOptionsReal("-bilevel_upper_temperature", "of the KL-robust mean: large is the mean, small the worst",
                             "", temperature, &temperature, NULL));
  PetscCheck(temperature > 0, comm, (PetscErrorCode)FEN_ERR_OPTION, "-bilevel_upper_temperature %g: must be positive",
             temperature);
  PetscCall(PetscOptionsReal("-bilevel_pull", "adds this times half the squared distance from the start", "", pull,
                             &pull, NULL));
  PetscCheck(pull >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION, "-bilevel_pull %g: must not be negative", pull);
  PetscCall(PetscOptionsReal("-bilevel_box_lower", "hyperparameters stay above this", "", box[0], &box[0], NULL));
  PetscCall(PetscOptionsReal("-bilevel_box_upper", "hyperparameters stay below this", "", box[1], &box[1], NULL));
  PetscCheck(box[0] < box[1], comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_box_lower %g must be below -bilevel_box_upper %g", box[0], box[1]);
  b->temperature = temperature;
  b->pull = pull;
  b->box[0] = box[0];
  b->box[1] = box[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode LowerOptions(FenBilevel b, PetscOptionItems *PetscOptionsObject)
{
  MPI_Comm           comm = PetscObjectComm((PetscObject)b);
  const char *const *names;
  char               list[256] = "the lower method:";
  PetscBool          known = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(FenLowerGetTypes(&names));
  for (int k = 0; names[k]; k++) {
    PetscCall(PetscStrlcat(list, k ? ", " : " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, names[k], sizeof(list)));
  }
  PetscCall(PetscOptionsString("-bilevel_lower", list, "", b->lower_name, b->lower_name, sizeof(b->lower_name), NULL));
  for (int k = 0; names[k]; k++)
    known = (PetscBool)(known || !strcmp(names[k], b->lower_name));
  PetscCheck(known || !strcmp(b->lower_name, "auto"), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_lower %s is not known; %s", b->lower_name, list);
  PetscCall(FenLowerSetOptions(PetscOptionsObject, comm, &b->lower_par));
  PetscCall(FenSystemSetOptions(PetscOptionsObject, "-bilevel_adjoint_pc_type"));
  PetscCall(PetscOptionsInt("-bilevel_lower_max_it", "iterations of one lower solve at most", "", b->lower_max_it,
                            &b->lower_max_it, NULL));
  PetscCall(PetscOptionsInt("-bilevel_adjoint_max_it", "iterations of one adjoint solve at most", "", b->adjoint_max_it,
                            &b->adjoint_max_it, NULL));
  PetscCheck(b->lower_max_it > 0 && b->adjoint_max_it > 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_lower_max_it %" PetscInt_FMT ", -bilevel_adjoint_max_it %" PetscInt_FMT "; rule: positive",
             b->lower_max_it, b->adjoint_max_it);
  PetscFunctionReturn(0);
}

static PetscErrorCode AccuracyOptions(FenBilevel b, PetscOptionItems *PetscOptionsObject)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)b);
  PetscReal eps = b->eps0, delta = b->delta0, budget = b->budget;
  PetscEnum error = (PetscEnum)b->error, predict = (PetscEnum)b->predict_asked;
  PetscInt  team = b->team_size;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal("-bilevel_eps", "first accuracy of lower solutions (0: the type's choice)", "", eps, &eps,
                             NULL));
  PetscCall(
      PetscOptionsReal("-bilevel_delta", "first residual of adjoints (0: the type's choice)", "", delta, &delta, NULL));
  PetscCall(PetscOptionsReal("-bilevel_budget", "lower and adjoint iterations of all samples (0: no limit)",
                             "FenBilevelSetBudget", budget, &budget, NULL));
  PetscCheck(eps >= 0 && delta >= 0 && budget >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_eps %g, -bilevel_delta %g, -bilevel_budget %g; rule: not negative", eps, delta, budget);
  PetscCall(PetscOptionsEnum("-bilevel_error",
                             "error of the hypergradient that -bilevel_tol takes into account: its "
                             "certified bound, a goal-oriented estimate, or none",
                             "", FenBilevelErrors, error, &error, NULL));
  PetscCall(PetscOptionsBool("-bilevel_correct", "bracket values with the help of the adjoint, too", "", b->correct,
                             &b->correct, NULL));
  PetscCall(PetscOptionsEnum("-bilevel_predict",
                             "where lower solves of a trial of type certified start: at the last solution, along its "
                             "tangent (auto: for first-order methods), along the line through two solutions",
                             "", FenPredicts, predict, &predict, NULL));
  PetscCall(PetscOptionsInt("-bilevel_team_size", "ranks that share a sample (0: chosen)",
                            "FenBilevelProblemSetTeamSize", team, &team, NULL));
  PetscCheck(team >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION, "-bilevel_team_size %" PetscInt_FMT "; rule: 0 or more",
             team);
  b->eps0 = eps;
  b->delta0 = delta;
  b->budget = budget;
  b->error = (FenBilevelError)error;
  b->predict_asked = (FenPredict)predict;
  b->team_size = team;
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelSetFromOptions(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenBilevel b = (FenBilevel)s;

  PetscFunctionBegin;
  PetscCall(UpperOptions(b, PetscOptionsObject));
  PetscCall(LowerOptions(b, PetscOptionsObject));
  PetscCall(AccuracyOptions(b, PetscOptionsObject));
  PetscCall(FenBilevelTogetherOptions_Private(b, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/* ---- set-up ---- */

/* what the size of teams depends on is known when the first one asks; a problem that has teams already keeps them */
PetscErrorCode FenBilevelSetUpProblem_Private(FenBilevel b)
{
  PetscMPIInt size;
  FenTeams    teams;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(b->team_size, &size));
  PetscCall(FenBilevelProblemGetTeams(b->problem, &teams));
  if (size > 0 && !teams)
    PetscCall(FenBilevelProblemSetTeamSize(b->problem, size));
  PetscCall(FenBilevelProblemSetUp(b->problem));
  PetscFunctionReturn(0);
}

static PetscErrorCode Box(FenBilevel b)
{
  PetscBool empty;
  FenFault  fault = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++) {
    b->lo[k] = -HUGE_VAL;
    b->up[k] = HUGE_VAL;
    b->theta0[k] = 0;
  }
  if (b->call->box)
    PetscCall((*b->call->box)(b->problem, b->lo + b->t0, b->up + b->t0));
  if (b->start)
    PetscCall(PetscArraycpy(b->theta0 + b->t0, b->start, b->mine));
  else if (b->call->start)
    PetscCall((*b->call->start)(b->problem, b->theta0 + b->t0));
  for (int i = 0; i < 3; i++)
    PetscCall(FenThetaSpread_Private(b, 1, (double *[]){b->lo, b->up, b->theta0}[i]));
  for (FenInt k = 0; k < b->nt; k++) {
    b->lo[k] = PetscMax(b->lo[k], b->box[0]);
    b->up[k] = PetscMin(b->up[k], b->box[1]);
    empty = (PetscBool)(b->lo[k] > b->up[k]);
    if (empty)
      FenFaultSet(&fault, FEN_ERR_OPTION, "hyperparameter %" FENINT_FMT ": its box is empty",
                  b->part.theta0 - b->t0 + k);
    if (!isfinite(b->theta0[k]))
      FenFaultSet(&fault, FEN_ERR_VALUE, "hyperparameter %" FENINT_FMT " starts at %g; rule: finite",
                  b->part.theta0 - b->t0 + k, b->theta0[k]);
    b->theta0[k] = PetscMin(PetscMax(b->theta0[k], b->lo[k]), b->up[k]);
  }
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)b), &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode Layouts(FenBilevel b)
{
  FenTeams teams;
  FenInt   w = PetscMax(b->size.duals, 1);
  MPI_Comm comm = PetscObjectComm((PetscObject)b);

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetTeams(b->problem, &teams));
  PetscCall(FenTeamsCreateLayout(teams, b->size.samples, b->size.rows, b->size.width, &b->lx));
  PetscCall(FenTeamsCreateLayout(teams, b->size.samples, b->size.rows, w, &b->lw));
  PetscCall(FenLayoutCreateRowsLocal(comm, b->team.index ? 0 : b->mine, &b->ltheta));
  PetscCall(FenLayoutCreateRowsLocal(comm, b->team.rank ? 0 : b->nb, &b->lsample));
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelSetUp(FenSolver s)
{
  FenBilevel   b = (FenBilevel)s;
  FenTeams     teams;
  const char  *name;
  const size_t one = 1;
  FenInt       nx;

  PetscFunctionBegin;
  PetscCheck(b->problem, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_USAGE,
             "FenBilevelSetProblem() must be called before the solve");
  PetscCall(FenBilevelSetUpProblem_Private(b));
  PetscCall(FenBilevelProblemGetSizes(b->problem, &b->size));
  PetscCall(FenBilevelProblemGetPart(b->problem, &b->part));
  PetscCall(FenBilevelProblemGetTeams(b->problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &b->team));
  PetscCall(FenBilevelProblemGetOps(b->problem, &b->call));
  b->nb = b->part.end - b->part.start;
  b->missed = -1;
  PetscCall(FenThetaSetUp_Private(b));
  PetscCall(PetscCalloc5((size_t)b->nt + one, &b->theta0, (size_t)b->nt + one, &b->lo, (size_t)b->nt + one, &b->up,
                         (size_t)b->nt + one, &b->wt[0], (size_t)b->nt + one, &b->wt[1]));
  PetscCall(FenBilevelTogetherSetUp_Private(b));
  PetscCall(FenIntMult(b->together, b->part.nx, &nx));
  PetscCall(PetscCalloc3((size_t)nx + one, &b->wx[0], (size_t)nx + one, &b->wx[1], (size_t)nx + one, &b->wx[2]));
  PetscCall(Box(b));
  PetscCall(Layouts(b));
  for (int k = 0; k < 3; k++)
    PetscCall(FenPointCreate_Private(b, &b->point[k]));
  b->cur = &b->point[0];
  b->trial = &b->point[1];
  b->final = NULL;
  PetscCall(FenLowerCreate(b->problem, b->lower_name, &b->lower));
  PetscCall(FenLowerSetPrefix(b->lower, ((PetscObject)b)->prefix));
  PetscCall(FenLowerGetName(b->lower, &name));
  b->predict = b->predict_asked;
  if (b->predict == FEN_PREDICT_AUTO)
    b->predict = !strcmp(name, "gd") || !strcmp(name, "fista") || !strcmp(name, "lbfgs") ? FEN_PREDICT_TANGENT
                                                                                         : FEN_PREDICT_SECANT;
  FenLowerSetParameters(b->lower, &b->lower_par);
  PetscCall(FenSystemCreate(b->problem, "bilevel_adjoint_", &b->adjoint));
  PetscFunctionReturn(0);
}

/* ---- state: the present point; trials are made of it ---- */

static PetscErrorCode BilevelState(FenSolver s, FenState state)
{
  FenBilevel b = (FenBilevel)s;
  FenPoint  *p = b->cur;

  PetscFunctionBegin;
  PetscCall(FenStateAddReals(state, "point", 13, &p->f)); /* f ... least */
  PetscCall(FenStateAddInt(state, "has_x", &p->has_x));
  PetscCall(FenStateAddInt(state, "fresh", &p->fresh));
  PetscCall(FenStateAddInt(state, "has_z", &p->has_z));
  PetscCall(FenStateAddReals(state, "counts", 6, &b->work.lower_iterations));
  PetscCall(FenStateAddArray(state, "theta", b->ltheta, 1, p->theta + b->t0));
  PetscCall(FenStateAddArray(state, "z", b->ltheta, 1, p->z + b->t0));
  PetscCall(FenStateAddArray(state, "samples", b->lsample, FEN_SAMPLE_N, (double *)p->s));
  PetscCall(FenStateAddArray(state, "x", b->lx, 1, p->x));
  PetscCall(FenStateAddArray(state, "q", b->lx, 1, p->q));
  PetscCall(FenStateAddArray(state, "h", b->lx, 1, p->h));
  if (b->size.duals > 0)
    PetscCall(FenStateAddArray(state, "w", b->lw, 1, p->w));
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelBegin(FenSolver s)
{
  ((FenBilevel)s)->final = NULL;
  PetscFunctionBegin;
  PetscFunctionReturn(0);
}

/* a copy of the present point with a hypergradient: what it costs is not the iteration's */
static PetscErrorCode FinalPoint(FenBilevel b)
{
  FenPoint *p = b->cur, *f = &b->point[2];

  PetscFunctionBegin;
  b->final = p;
  if (p->fresh)
    PetscFunctionReturn(0);
  b->final = f;
  PetscCall(PetscArraycpy(f->theta, p->theta, b->nt));
  PetscCall(FenPointCopyStart_Private(b, p, f));
  PetscCall(PetscArraycpy(f->s, p->s, b->nb));
  PetscCall(PetscArraycpy(f->h, p->h, b->nb * b->part.nx));
  f->f = p->f;
  f->lower = p->lower;
  f->upper = p->upper;
  f->regulariser = p->regulariser;
  f->soft = p->soft;
  f->eps = p->eps;
  f->reached = p->reached;
  PetscCall(FenPointGradient_Private(b, f, PetscMax(p->eps, 1e-12)));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelComputeBounds - What is proved of the present hyperparameters, with a hypergradient if there is none yet.

  Collective

  Output Parameter:
. bounds - see `FenBilevelGetBounds()`

  Notes:
  A solve ends with this, unless it was stopped from outside: there may be no time then.

  Level: advanced

.seealso: `FenBilevelGetBounds()`
@*/
PetscErrorCode FenBilevelComputeBounds(FenBilevel b, FenBilevelBounds *bounds)
{
  const FenBilevelWork work = b->work;
  FenBilevelBounds    *o = &b->bounds;
  double               delta = 0;

  PetscFunctionBegin;
  PetscCheck(b->cur && b->cur->has_x, PetscObjectComm((PetscObject)b), (PetscErrorCode)FEN_ERR_USAGE,
             "FenBilevelComputeBounds() before a solve has made its first decision");
  PetscCall(FinalPoint(b));
  PetscCall(FenPointGoal_Private(b, b->final, &o->hypergradient_goal));
  b->work = work;
  for (FenInt k = 0; k < b->nb; k++)
    delta = PetscMax(delta, b->final->s[k][FEN_SAMPLE_DELTA] / b->final->s[k][FEN_SAMPLE_MU]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &delta, 1, MPI_DOUBLE, MPI_MAX, b->team.across));
  o->objective = b->final->f;
  o->lower = b->final->lower;
  o->upper = b->final->upper;
  o->hypergradient = b->final->znorm;
  o->hypergradient_error = b->final->omega;
  o->lower_accuracy = b->final->eps;
  o->adjoint_accuracy = delta;
  *bounds = *o;
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelFinish(FenSolver s)
{
  FenBilevel       b = (FenBilevel)s;
  FenBilevelBounds o;

  PetscFunctionBegin;
  if (!b->cur->has_x || s->reason == FEN_DIVERGED_NAN || s->reason == FEN_STOPPED) {
    const double big = HUGE_VAL;

    b->bounds = (FenBilevelBounds){s->progress.value, -big, big, big, big, big, big, big};
    PetscFunctionReturn(0);
  }
  PetscCall(FenBilevelComputeBounds(b, &o));
  PetscCall(FenSolverUpdateBounds_Private(s, o.lower, o.upper, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelView(FenSolver s, PetscViewer viewer)
{
  FenBilevel  b = (FenBilevel)s;
  const char *name;

  PetscFunctionBegin;
  if (!s->isset)
    PetscFunctionReturn(0);
  PetscCall(FenBilevelProblemView(b->problem, viewer));
  PetscCall(FenLowerGetName(b->lower, &name));
  PetscCall(PetscViewerASCIIPrintf(viewer, "lower solver %s\n", name));
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelReset(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;

  PetscFunctionBegin;
  for (int k = 0; k < 3; k++)
    PetscCall(FenPointDestroy_Private(&b->point[k]));
  PetscCall(PetscFree5(b->theta0, b->lo, b->up, b->wt[0], b->wt[1]));
  PetscCall(PetscFree3(b->wx[0], b->wx[1], b->wx[2]));
  PetscCall(FenLayoutDestroy(&b->lx));
  PetscCall(FenLayoutDestroy(&b->lw));
  PetscCall(FenLayoutDestroy(&b->ltheta));
  PetscCall(FenLayoutDestroy(&b->lsample));
  PetscCall(FenLowerDestroy(&b->lower));
  PetscCall(FenSystemDestroy(&b->adjoint));
  PetscFunctionReturn(0);
}

static PetscErrorCode BilevelDestroy(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;

  PetscFunctionBegin;
  PetscCall(PetscFree(b->start));
  PetscCall(FenBilevelProblemDestroy(&b->problem));
  PetscFunctionReturn(0);
}

static const FenSolverFamily family = {.name = "FenBilevel",
                                       .stem = "bilevel",
                                       .residual_option = "tol",
                                       .residual_text = "stop at this norm of the hypergradient (0: not used)",
                                       .default_type = FENBILEVELCERTIFIED,
                                       .types = types,
                                       .setfromoptions = BilevelSetFromOptions,
                                       .setup = BilevelSetUp,
                                       .state = BilevelState,
                                       .begin = BilevelBegin,
                                       .finish = BilevelFinish,
                                       .view = BilevelView,
                                       .reset = BilevelReset,
                                       .destroy = BilevelDestroy};

/*@
  FenBilevelCreate - Creates a learner of hyperparameters.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. bilevel - the solver; destroy it with `FenBilevelDestroy()`

  Level: beginner

.seealso: `FenBilevelSetProblem()`, `FenBilevelSolve()`
@*/
PetscErrorCode FenBilevelCreate(MPI_Comm comm, FenBilevel *bilevel)
{
  FenBilevel b;

  PetscFunctionBegin;
  PetscCall(FenBilevelInitializePackage_Private());
  PetscCall(PetscHeaderCreate(b, FENBILEVEL_CLASSID, "FenBilevel", "Bilevel learning", "Bilevel", comm,
                              FenSolverDestroy, FenSolverView));
  PetscCall(FenSolverInitialize_Private((FenSolver)b, &family));
  b->base.gap_rel = 0;
  b->base.residual = 1e-6;
  b->base.max_it = 100000;
  b->upper = -1;
  b->whole = FEN_THETA_WHOLE;
  b->error = FEN_ERROR_GOAL;
  b->predict_asked = FEN_PREDICT_AUTO;
  b->temperature = 1;
  b->box[0] = -PETSC_MAX_REAL;
  b->box[1] = PETSC_MAX_REAL;
  FenLowerParametersDefault(&b->lower_par);
  b->lower_max_it = b->adjoint_max_it = 100000;
  PetscCall(PetscStrcpy(b->lower_name, "auto"));
  *bilevel = b;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelSetType - Chooses the method.

  Logically Collective

  Options Database Key:
. -bilevel_type - certified, maid, maid-bb, hoag, fixed

  Level: beginner

.seealso: `FenSolverSetType()`
@*/
PetscErrorCode FenBilevelSetType(FenBilevel b, FenBilevelType type)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetType((FenSolver)b, type));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelSetFromOptions - Reads the options -bilevel_..., see `FenSolverSetFromOptions()`.

  Collective

  Level: beginner

.seealso: `FenBilevelCreate()`
@*/
PetscErrorCode FenBilevelSetFromOptions(FenBilevel b)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetFromOptions((FenSolver)b));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelSolve - Learns, see `FenSolverSolve()`.

  Collective

  Level: beginner

.seealso: `FenBilevelGetTheta()`, `FenBilevelGetBounds()`
@*/
PetscErrorCode FenBilevelSolve(FenBilevel b)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSolve((FenSolver)b));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelDestroy - Gives the solver back.

  Collective

  Level: beginner

.seealso: `FenBilevelCreate()`
@*/
PetscErrorCode FenBilevelDestroy(FenBilevel *b)
{
  PetscFunctionBegin;
  PetscCall(FenSolverDestroy((FenSolver *)b));
  PetscFunctionReturn(0);
}
