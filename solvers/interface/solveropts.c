/* SPDX-License-Identifier: BSD-2-Clause */
/* Tolerances and options that all families share. */
#include "../solverimpl.h"

PetscErrorCode FenSolverOptionName_Private(FenSolver s, const char word[], char name[], size_t len)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(name, len, "-%s_%s", s->family->stem, word));
  PetscFunctionReturn(0);
}

/*@C
  FenSolverSetOptionsPrefix - Prefix of the solver's options: -PREFIXot_type instead of -ot_type.

  Logically Collective

  Level: intermediate

.seealso: `FenSolverSetFromOptions()`
@*/
PetscErrorCode FenSolverSetOptionsPrefix(FenSolver s, const char prefix[])
{
  PetscFunctionBegin;
  PetscCall(PetscObjectSetOptionsPrefix((PetscObject)s, prefix));
  PetscFunctionReturn(0);
}

/*@
  FenSolverSetTolerances - When to stop.

  Logically Collective

  Input Parameters:
+ solver   - the solver
. gap_rel  - certified relative gap (upper - lower)/max(|upper|,|lower|); 0 or less: not used
. residual - the family's residual (transport: L1 error of both marginals); 0 or less: not used
- max_it   - iteration limit

  Options Database Keys:
+ -FAMILY_gap_rel - gap
. -ot_marginal_tol - residual of transport
- -FAMILY_max_it  - limit

  Notes:
  If both tolerances are used, both must be met. `PETSC_DEFAULT` keeps the present value.

  Level: beginner

.seealso: `FenSolverGetTolerances()`
@*/
PetscErrorCode FenSolverSetTolerances(FenSolver s, double gap_rel, double residual, FenInt max_it)
{
  PetscFunctionBegin;
  if (max_it != (FenInt)PETSC_DEFAULT) {
    PetscCheck(max_it >= 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
               "-%s_max_it %" FENINT_FMT ": must not be negative", s->family->stem, max_it);
    s->max_it = max_it;
  }
  if (gap_rel != (double)PETSC_DEFAULT)
    s->gap_rel = gap_rel;
  if (residual != (double)PETSC_DEFAULT)
    s->residual = residual;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetTolerances - When the solver stops, see `FenSolverSetTolerances()`. NULL for what is not wanted.

  Not Collective

  Level: beginner

.seealso: `FenSolverSetTolerances()`
@*/
PetscErrorCode FenSolverGetTolerances(FenSolver s, double *gap_rel, double *residual, FenInt *max_it)
{
  PetscFunctionBegin;
  if (gap_rel)
    *gap_rel = s->gap_rel;
  if (residual)
    *residual = s->residual;
  if (max_it)
    *max_it = s->max_it;
  PetscFunctionReturn(0);
}

/*@
  FenSolverSetTimeLimit - Stops a solve after some seconds, all ranks in the same iteration, with the reason
FEN_STOPPED.

  Logically Collective

  Input Parameters:
+ solver  - the solver
- seconds - limit of each `FenSolverSolve()`; 0 or less: none

  Options Database Key:
. -FAMILY_time_limit - the same

  Level: intermediate

.seealso: `FenSolverSetSave()`, `FenSolverSetTolerances()`
@*/
PetscErrorCode FenSolverSetTimeLimit(FenSolver s, double seconds)
{
  PetscFunctionBegin;
  s->time_limit = seconds;
  PetscFunctionReturn(0);
}

static PetscErrorCode TolerancesFromOptions(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  PetscReal gap_rel = s->gap_rel, residual = s->residual;
  PetscInt  max_it;
  PetscBool set, set_gap, set_residual;
  char      name[64];

  PetscFunctionBegin;
  PetscCall(FenSolverOptionName_Private(s, "gap_rel", name, sizeof(name)));
  PetscCall(PetscOptionsReal(name, "stop at this certified relative gap (0: not used)", "FenSolverSetTolerances",
                             gap_rel, &gap_rel, &set_gap));
  PetscCall(FenSolverOptionName_Private(s, s->family->residual_option, name, sizeof(name)));
  PetscCall(
      PetscOptionsReal(name, s->family->residual_text, "FenSolverSetTolerances", residual, &residual, &set_residual));
  PetscCheck(!PetscIsInfOrNanReal(gap_rel) && !PetscIsInfOrNanReal(residual), PetscObjectComm((PetscObject)s),
             (PetscErrorCode)FEN_ERR_OPTION, "-%s_gap_rel and -%s_%s must be finite numbers", s->family->stem,
             s->family->stem, s->family->residual_option);
  if (set_residual && residual > 0 && !set_gap) /* who asks for a residual does not ask for the default gap */
    gap_rel = 0;
  PetscCall(FenSolverOptionName_Private(s, "max_it", name, sizeof(name)));
  max_it = (PetscInt)PetscMin(s->max_it, (FenInt)PETSC_MAX_INT);
  PetscCall(PetscOptionsInt(name, "iteration limit", "FenSolverSetTolerances", max_it, &max_it, &set));
  PetscCall(FenSolverOptionName_Private(s, "time_limit", name, sizeof(name)));
  PetscCall(PetscOptionsReal(name, "seconds after which a solve stops (0: none)", "FenSolverSetTimeLimit",
                             s->time_limit, &s->time_limit, NULL));
  PetscCall(FenSolverSetTolerances(s, gap_rel, residual, set ? (FenInt)max_it : (FenInt)PETSC_DEFAULT));
  PetscFunctionReturn(0);
}

/*@
  FenSolverSetFromOptions - Sets type, tolerances, monitors and the type's own parameters from the options database.

  Collective

  Options Database Keys (shown for transport; other families have their own stem):
+ -ot_type             - method
. -ot_gap_rel          - certified relative gap at which to stop
. -ot_marginal_tol     - residual at which to stop
. -ot_max_it           - iteration limit
. -ot_time_limit       - seconds after which it stops
. -ot_monitor          - one line an iteration [ascii viewer: stdout or ascii:FILE]
. -ot_monitor_csv      - FILE with one row an iteration
. -ot_monitor_draw     - line graph of gap and residual
. -ot_view             - the solver after the solve
. -ot_view_state       - what a checkpoint holds
- -ot_converged_reason - why it stopped

  Level: beginner

.seealso: `FenSolverSetType()`, `FenSolverSetTolerances()`
@*/
PetscErrorCode FenSolverSetFromOptions(FenSolver s)
{
  char              type[64], name[64], title[128];
  PetscFunctionList list = NULL;
  PetscBool         flag;

  PetscFunctionBegin;
  for (const FenSolverTypeEntry *e = s->family->types; e->name; e++)
    PetscCall(PetscFunctionListAdd(&list, e->name, e->create));
  PetscObjectOptionsBegin((PetscObject)s);
  PetscCall(FenSolverOptionName_Private(s, "type", name, sizeof(name)));
  PetscCall(PetscOptionsFList(name, "method", "FenSolverSetType", list,
                              ((PetscObject)s)->type_name ? ((PetscObject)s)->type_name : s->family->default_type, type,
                              sizeof(type), &flag));
  if (flag)
    PetscCall(FenSolverSetType(s, type));
  else if (!((PetscObject)s)->type_name)
    PetscCall(FenSolverUseDefaultType_Private(s));
  PetscCall(TolerancesFromOptions(s, PetscOptionsObject));
  PetscCall((*s->family->setfromoptions)(s, PetscOptionsObject));
  PetscCall(FenSolverMonitorFromOptions_Private(s));
  PetscOptionsEnd();
  /* a block of its own, so that the help text shows it for every type */
  PetscCall(PetscSNPrintf(title, sizeof(title), "%s type %s", s->family->name, ((PetscObject)s)->type_name));
  PetscOptionsBegin(PetscObjectComm((PetscObject)s), ((PetscObject)s)->prefix, title, s->family->name);
  PetscTryTypeMethod(s, setfromoptions, PetscOptionsObject);
  PetscOptionsEnd();
  PetscCall(PetscFunctionListDestroy(&list));
  PetscFunctionReturn(0);
}
