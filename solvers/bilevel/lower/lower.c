/* SPDX-License-Identifier: BSD-2-Clause */
/* FenLower: the list of types, life, options, sums in a team, and when to give up. */
#include "lower.h"
#include <math.h>

static const char *const names[] = {"auto",
#define FEN_LOWER_NAME(name) #name,
                                    FEN_LOWER_TYPE_LIST(FEN_LOWER_NAME)
#undef FEN_LOWER_NAME
                                        NULL};

static const FenLowerType *const types[] = {
#define FEN_LOWER_ADDRESS(name) &FenLowerType_##name,
    FEN_LOWER_TYPE_LIST(FEN_LOWER_ADDRESS)
#undef FEN_LOWER_ADDRESS
        NULL};

PetscErrorCode FenLowerGetTypes(const char *const *list[])
{
  PetscFunctionBegin;
  *list = names;
  PetscFunctionReturn(0);
}

static const char *Choose(const FenBilevelOps *call, FenInt duals)
{
  if (duals && call->dualise && call->dualstep)
    return "pdnewton";
  if (call->native)
    return "native";
  return call->prox ? "fista" : "newton";
}

static PetscErrorCode Find(MPI_Comm comm, const char name[], const FenLowerType **type)
{
  char      list[256] = "";
  PetscBool same;

  PetscFunctionBegin;
  for (int k = 0; types[k]; k++) {
    PetscCall(PetscStrcmp(name, types[k]->name, &same));
    *type = types[k];
    if (same)
      PetscFunctionReturn(0);
  }
  for (int k = 0; names[k]; k++) {
    PetscCall(PetscStrlcat(list, " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, names[k], sizeof(list)));
  }
  SETERRQ(comm, (PetscErrorCode)FEN_ERR_OPTION, "no lower solver is called '%s'; there are%s", name, list);
}

PetscErrorCode FenLowerCreate(FenBilevelProblem problem, const char name[], FenLower *lower)
{
  FenBilevelSizes      size;
  const FenLowerType  *type = NULL;
  const FenBilevelOps *call;
  FenTeams             teams;
  FenTeamsInfo         info;
  PetscBool            choose;
  const char          *reason;
  FenLower             L;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  PetscCall(PetscStrcmp(name, "auto", &choose));
  PetscCall(Find(info.world, choose ? Choose(call, size.duals) : name, &type));
  reason = type->refuse ? (*type->refuse)(call) : NULL;
  PetscCheck(!reason, info.world, (PetscErrorCode)FEN_ERR_OPTION, "lower solver %s: %s", type->name, reason);
  PetscCall(PetscNew(&L));
  L->problem = problem;
  L->call = call;
  L->team = info.team;
  L->type = type;
  FenLowerParametersDefault(&L->par);
  PetscCall(PetscStrncpy(L->prefix, "bilevel_lower_", sizeof(L->prefix)));
  PetscCall(FenBilevelProblemGetPart(problem, &L->part));
  *lower = L;
  PetscFunctionReturn(0);
}

static PetscErrorCode OptionInt(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char name[], const char text[],
                                PetscInt least, PetscInt most, FenInt *value)
{
  PetscInt number;

  PetscFunctionBegin;
  PetscCall(FenIntCast(*value, &number));
  PetscCall(PetscOptionsInt(name, text, "FenBilevelSetLowerType", number, &number, NULL));
  PetscCheck(number >= least && number <= most, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "%s %" PetscInt_FMT "; rule: %" PetscInt_FMT " to %" PetscInt_FMT, name, number, least, most);
  *value = number;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerSetPrefix(FenLower L, const char prefix[])
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(L->prefix, sizeof(L->prefix), "%sbilevel_lower_", prefix ? prefix : ""));
  PetscFunctionReturn(0);
}

void FenLowerParametersDefault(FenLowerParameters *par)
{
  *par = (FenLowerParameters){.check = 5, .memory = 10};
}

void FenLowerSetParameters(FenLower L, const FenLowerParameters *par)
{
  L->par = *par;
}

PetscErrorCode FenLowerSetOptions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenLowerParameters *par)
{
  PetscFunctionBegin;
  PetscCall(OptionInt(PetscOptionsObject, comm, "-bilevel_lower_check",
                      "iterations between two looks at the gradient, first-order methods", 1, 1000000, &par->check));
  PetscCall(OptionInt(PetscOptionsObject, comm, "-bilevel_lower_memory", "pairs that lbfgs keeps", 1,
                      (FEN_TEAM_DOTS - 9) / 5, &par->memory));
  PetscCall(FenSystemSetOptions(PetscOptionsObject, "-bilevel_lower_pc_type"));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerGetName(FenLower L, const char *name[])
{
  PetscFunctionBegin;
  *name = L->type->name;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerSolve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                             FenLowerAnswer *answer)
{
  FenLowerTask task = {.s = s, .tol = tol, .max_it = max_it, .x = x, .w = w};

  PetscFunctionBegin;
  PetscCall(FenLowerSolveAll(L, 1, resume, &task));
  *answer = task.answer;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerSolveAll(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    PetscCheck(task[k].s >= L->part.start && task[k].s < L->part.end, L->team, (PetscErrorCode)FEN_ERR_INTERNAL,
               "sample %" FENINT_FMT " belongs to another team", task[k].s);
  if (!L->isset && L->type->setup)
    PetscCall((*L->type->setup)(L));
  L->isset = PETSC_TRUE;
  if (n)
    PetscCall((*L->type->solve)(L, n, resume, task));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerDestroy(FenLower *lower)
{
  FenLower L = *lower;

  PetscFunctionBegin;
  if (!L)
    PetscFunctionReturn(0);
  if (L->isset && L->type->destroy)
    PetscCall((*L->type->destroy)(L));
  PetscCall(FenSystemDestroy(&L->system));
  PetscCall(PetscFree(L->room));
  PetscCall(PetscFree(*lower));
  PetscFunctionReturn(0);
}

/* a rank's own part of a dot is rounded once, then the parts are added without error */
PetscErrorCode FenTeamDots(MPI_Comm team, FenInt n, PetscInt k, const double *const x[], const double *const y[],
                           double dots[])
{
  FenDD parts[FEN_TEAM_DOTS];

  PetscFunctionBegin;
  PetscCheck(k <= FEN_TEAM_DOTS, team, (PetscErrorCode)FEN_ERR_INTERNAL, "%" PetscInt_FMT " dots in one message", k);
  for (PetscInt i = 0; i < k; i++) {
    parts[i].lo = 0;
    PetscCall(FenDot(PETSC_COMM_SELF, n, x[i], y[i], &parts[i].hi));
  }
  PetscCall(FenDDReduce(team, k, parts, dots));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTeamNorm(MPI_Comm team, FenInt n, const double x[], double *norm)
{
  double square;

  PetscFunctionBegin;
  PetscCall(FenDot(team, n, x, x, &square));
  *norm = sqrt(square);
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerConstants(FenLower L, FenInt s, double *mu, double *lipschitz)
{
  FenBilevelConstants c;

  PetscFunctionBegin;
  PetscCall((*L->call->constants)(L->problem, s, &c));
  PetscCheck(isfinite(c.lipschitz) && c.mu > 0, L->team, (PetscErrorCode)FEN_ERR_OPTION,
             "lower solver %s: the problem knows no Lipschitz constant of its gradient", L->type->name);
  *mu = c.mu;
  *lipschitz = c.lipschitz;
  PetscFunctionReturn(0);
}

void FenLowerFloorStart(FenLowerFloor *f, double window, double soon)
{
  f->least = INFINITY;
  f->since = 0;
  f->window = (FenInt)PetscMin(window, 1e15);
  f->soon = (FenInt)PetscMin(soon, 1e15);
}

PetscBool FenLowerFloorReached(FenLowerFloor *f, FenInt it, double norm, double rounding)
{
  if (norm <= f->least / 2) {
    f->least = norm;
    f->since = it;
    return PETSC_FALSE;
  }
  return (PetscBool)(!(norm < INFINITY) || it - f->since > (norm <= rounding ? f->soon : f->window));
}
