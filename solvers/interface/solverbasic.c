/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of a solver: base part, type, set-up, reset, destruction; package start. */
#include "../solverimpl.h"
#include <math.h>

PetscLogEvent    FEN_SetUp, FEN_Solve, FEN_Save;
static PetscBool packageinitialized = PETSC_FALSE;

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  packageinitialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverInitializePackage_Private(void)
{
  PetscClassId classid;

  PetscFunctionBegin;
  if (packageinitialized)
    PetscFunctionReturn(0);
  packageinitialized = PETSC_TRUE;
  PetscCall(FenInitializePackage());
  PetscCall(PetscClassIdRegister("Fenchel solver", &classid));
  PetscCall(PetscLogEventRegister("FenSetUp", classid, &FEN_SetUp));
  PetscCall(PetscLogEventRegister("FenSolve", classid, &FEN_Solve));
  PetscCall(PetscLogEventRegister("FenSave", classid, &FEN_Save));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

/* nothing is known of the present problem */
void FenSolverForget_Private(FenSolver s)
{
  s->progress = (FenProgress){.residual = HUGE_VAL, .lower = -HUGE_VAL, .upper = HUGE_VAL, .gap_rel = HUGE_VAL};
}

PetscErrorCode FenSolverInitialize_Private(FenSolver s, const FenSolverFamily *family)
{
  PetscFunctionBegin;
  s->family = family;
  s->gap_rel = -1;
  s->residual = -1;
  s->max_it = 100000;
  s->history.ncols = FEN_PROGRESS_COLUMNS;
  s->history_stride = 1;
  s->reason = FEN_ITERATING;
  FenSolverForget_Private(s);
  PetscFunctionReturn(0);
}

/*@C
  FenSolverSetType - Chooses the method by name.

  Logically Collective

  Input Parameters:
+ solver - a solver of any family
- type   - name of a type of its family, for example FENOTNEWTON

  Options Database Key:
. -FAMILY_type - the same, for example -ot_type newton

  Errors:
  `FEN_ERR_OPTION` for an unknown name; the message lists the known ones.

  Level: beginner

.seealso: `FenSolverSetFromOptions()`
@*/
PetscErrorCode FenSolverSetType(FenSolver s, const char type[])
{
  const FenSolverTypeEntry *entry = s->family->types;
  char                      known[256] = "";
  PetscBool                 same;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)s, type, &same));
  if (same)
    PetscFunctionReturn(0);
  for (; entry->name; entry++) {
    PetscCall(PetscStrcmp(entry->name, type, &same));
    if (same)
      break;
    PetscCall(PetscStrlcat(known, " ", sizeof(known)));
    PetscCall(PetscStrlcat(known, entry->name, sizeof(known)));
  }
  PetscCheck(entry->name, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-%s_type %s: unknown type; there are:%s", s->family->stem, type, known);
  PetscCall(FenSolverReset(s));
  PetscTryTypeMethod(s, destroy);
  PetscCall(PetscMemzero(s->ops, sizeof(*s->ops)));
  s->data = NULL;
  PetscCall((*entry->create)(s));
  PetscCheck(s->ops->state && s->ops->iterate && s->ops->initialize, PetscObjectComm((PetscObject)s),
             (PetscErrorCode)FEN_ERR_INTERNAL, "type %s of %s does not describe its state or its iteration", type,
             s->family->name);
  PetscCall(PetscObjectChangeTypeName((PetscObject)s, entry->name));
  PetscFunctionReturn(0);
}

/*@C
  FenSolverGetType - Name of the method in use, NULL if none was chosen yet.

  Not Collective

  Level: beginner

.seealso: `FenSolverSetType()`
@*/
PetscErrorCode FenSolverGetType(FenSolver s, const char *type[])
{
  PetscFunctionBegin;
  *type = ((PetscObject)s)->type_name;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverUseDefaultType_Private(FenSolver s)
{
  const char *type = s->family->default_type;

  PetscFunctionBegin;
  if (s->family->choosetype)
    PetscCall((*s->family->choosetype)(s, &type));
  PetscCall(FenSolverSetType(s, type));
  PetscFunctionReturn(0);
}

/*@
  FenSolverSetUp - Checks the problem and makes what the iteration needs. Called by `FenSolverSolve()`; call it before
  loading a state.

  Collective

  Level: intermediate

.seealso: `FenSolverSolve()`, `FenSolverGetState()`
@*/
PetscErrorCode FenSolverSetUp(FenSolver s)
{
  const double start = FenWallTime();

  PetscFunctionBegin;
  if (s->isset)
    PetscFunctionReturn(0);
  if (!((PetscObject)s)->type_name)
    PetscCall(FenSolverUseDefaultType_Private(s));
  PetscCall(PetscLogEventBegin(FEN_SetUp, s, 0, 0, 0));
  PetscCall((*s->family->setup)(s));
  PetscTryTypeMethod(s, setup);
  PetscCall(PetscLogEventEnd(FEN_SetUp, s, 0, 0, 0));
  s->isset = PETSC_TRUE;
  s->time_setup = FenWallTime() - start;
  PetscFunctionReturn(0);
}

/*@
  FenSolverReset - Frees what `FenSolverSetUp()` made and forgets answers; the problem and the options stay.

  Collective

  Level: intermediate

.seealso: `FenSolverSetUp()`
@*/
PetscErrorCode FenSolverReset(FenSolver s)
{
  PetscFunctionBegin;
  if (s->isset) {
    PetscTryTypeMethod(s, reset);
    PetscCall((*s->family->reset)(s));
  }
  s->isset = PETSC_FALSE;
  s->restarted = PETSC_FALSE;
  s->reason = FEN_ITERATING;
  s->restarts = 0;
  s->time_before = s->time_solve = 0;
  s->history_stride = 1;
  s->history.nrows = 0;
  FenSolverForget_Private(s);
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverDestroyBase_Private(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset(s));
  PetscTryTypeMethod(s, destroy);
  PetscCall(FenSolverMonitorCancel(s));
  PetscCall(FenLogReset(&s->history));
  PetscFunctionReturn(0);
}

/*@
  FenSolverDestroy - Gives a solver of any family back.

  Collective

  Level: beginner

.seealso: `FenOTCreate()`
@*/
PetscErrorCode FenSolverDestroy(FenSolver *s)
{
  PetscFunctionBegin;
  if (!*s)
    PetscFunctionReturn(0);
  if (--((PetscObject)*s)->refct > 0) {
    *s = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(FenSolverDestroyBase_Private(*s));
  PetscCall((*(*s)->family->destroy)(*s));
  PetscCall(PetscHeaderDestroy(s));
  PetscFunctionReturn(0);
}
