/* SPDX-License-Identifier: BSD-2-Clause */
/* The restartable state of a solver: the base class's part, then the family's, then the type's. */
#include "../solverimpl.h"

/* every how many iterations a row is kept doubles when the table is full, so that it stays small for ever */
#define FEN_HISTORY_ROWS 4096

PetscErrorCode FenSolverHistory_Private(FenSolver s)
{
  const FenProgress *p = &s->progress;
  double             row[FEN_PROGRESS_COLUMNS] = {(double)p->iteration, p->residual,  p->value, p->lower,  p->upper,
                                                  p->gap_rel,           p->parameter, p->work,  p->seconds};
  FenLog            *h = &s->history;

  PetscFunctionBegin;
  if (p->iteration % s->history_stride && s->reason == FEN_ITERATING)
    PetscFunctionReturn(0);
  if (h->nrows >= FEN_HISTORY_ROWS) {
    FenInt kept = 0;

    s->history_stride *= 2;
    for (FenInt r = 0; r < h->nrows; r++)
      if ((FenInt)h->data[r * h->ncols] % s->history_stride == 0) {
        PetscCall(PetscArraymove(h->data + kept * h->ncols, h->data + r * h->ncols, h->ncols));
        kept++;
      }
    h->nrows = kept;
  }
  PetscCall(FenLogAppend(h, row));
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetState - The restartable state, described once for saving, loading, fingerprints and views.

  Collective

  Input Parameter:
. solver - a solver after `FenSolverSetUp()`

  Output Parameter:
. state - list of named numbers and arrays that point into the solver; destroy it with `FenStateDestroy()`

  Level: advanced

.seealso: `FenSolverSetRestarted()`, `FenSolverSetSave()`
@*/
PetscErrorCode FenSolverGetState(FenSolver s, FenState *state)
{
  FenProgress *p = &s->progress;

  PetscFunctionBegin;
  PetscCall(FenSolverSetUp(s));
  s->saved_reason = (FenInt)s->reason;
  PetscCall(FenStateCreate(PetscObjectComm((PetscObject)s), state));
  PetscCall(FenStateAddInt(*state, "iteration", &p->iteration));
  PetscCall(FenStateAddInt(*state, "reason", &s->saved_reason));
  PetscCall(FenStateAddInt(*state, "intermediate", &s->intermediate));
  PetscCall(FenStateAddInt(*state, "restarts", &s->restarts));
  PetscCall(FenStateAddInt(*state, "history_stride", &s->history_stride));
  PetscCall(FenStateAddReal(*state, "residual", &p->residual));
  PetscCall(FenStateAddReal(*state, "value", &p->value));
  PetscCall(FenStateAddReal(*state, "lower", &p->lower));
  PetscCall(FenStateAddReal(*state, "upper", &p->upper));
  PetscCall(FenStateAddReal(*state, "gap_rel", &p->gap_rel));
  PetscCall(FenStateAddReal(*state, "parameter", &p->parameter));
  PetscCall(FenStateAddReal(*state, "work", &p->work));
  PetscCall(FenStateAddReal(*state, "seconds", &p->seconds));
  PetscCall(FenStateAddLog(*state, "history", &s->history));
  PetscCall((*s->family->state)(s, *state));
  PetscUseTypeMethod(s, state, *state);
  PetscFunctionReturn(0);
}

/*@
  FenSolverSetRestarted - Tells the solver that a state was loaded: the next `FenSolverSolve()` goes on from there.

  Logically Collective

  Level: advanced

.seealso: `FenSolverGetState()`
@*/
PetscErrorCode FenSolverSetRestarted(FenSolver s)
{
  PetscFunctionBegin;
  s->restarted = PETSC_TRUE;
  s->restarts++;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetRestarts - How often this solve was continued from a saved state.

  Not Collective

  Level: intermediate

.seealso: `FenSolverSetRestarted()`
@*/
PetscErrorCode FenSolverGetRestarts(FenSolver s, FenInt *restarts)
{
  PetscFunctionBegin;
  *restarts = s->restarts;
  PetscFunctionReturn(0);
}
