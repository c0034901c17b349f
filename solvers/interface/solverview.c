/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers and views of a solver. */
#include "../solverimpl.h"

/*@C
  FenReasonGet - The word and the sentence of a reason.

  Not Collective

  Level: beginner

.seealso: `FenSolverGetConvergedReason()`
@*/
PetscErrorCode FenReasonGet(FenReason reason, const char *word[], const char *sentence[])
{
  PetscFunctionBegin;
  switch (reason) {
#define FEN_REASON_CASE(name, value, w, s)                                                                             \
  case FEN_##name:                                                                                                     \
    if (word)                                                                                                          \
      *word = w;                                                                                                       \
    if (sentence)                                                                                                      \
      *sentence = s;                                                                                                   \
    break;
    FEN_REASON_LIST(FEN_REASON_CASE)
#undef FEN_REASON_CASE
  default:
    SETERRQ(PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_USAGE, "%d is not a reason", (int)reason);
  }
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetConvergedReason - Why the last solve stopped: positive if it converged, negative if not.

  Not Collective

  Level: beginner

.seealso: `FenReasonGet()`, `FenSolverSolve()`
@*/
PetscErrorCode FenSolverGetConvergedReason(FenSolver s, FenReason *reason)
{
  PetscFunctionBegin;
  *reason = s->reason;
  PetscFunctionReturn(0);
}

/*@C
  FenSolverGetReasonDetail - What there is to add to the reason: the array and the entry of a NaN. Empty otherwise.

  Not Collective

  Level: intermediate

.seealso: `FenSolverGetConvergedReason()`
@*/
PetscErrorCode FenSolverGetReasonDetail(FenSolver s, const char *detail[])
{
  PetscFunctionBegin;
  *detail = s->detail;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetProgress - What the solver reported last.

  Not Collective

  Level: intermediate

.seealso: `FenSolverGetHistory()`
@*/
PetscErrorCode FenSolverGetProgress(FenSolver s, FenProgress *progress)
{
  PetscFunctionBegin;
  *progress = s->progress;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetBounds - Value with a certified interval that holds whatever the stopping test said.

  Not Collective

  Output Parameters:
+ value - the present value
. lower - lower bound of the optimum
- upper - upper bound of the optimum

  Level: beginner

.seealso: `FenSolverSolve()`
@*/
PetscErrorCode FenSolverGetBounds(FenSolver s, double *value, double *lower, double *upper)
{
  PetscFunctionBegin;
  if (value)
    *value = s->progress.value;
  if (lower)
    *lower = s->progress.lower;
  if (upper)
    *upper = s->progress.upper;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetHistory - Table of what was reported each iteration, columns as in FenProgress. Long solves keep every
  second, fourth, ... row.

  Not Collective

  Level: intermediate

.seealso: `FenSolverGetProgress()`
@*/
PetscErrorCode FenSolverGetHistory(FenSolver s, const FenLog *history[])
{
  PetscFunctionBegin;
  *history = &s->history;
  PetscFunctionReturn(0);
}

/*@
  FenSolverGetTimes - Seconds that set-up and solve of this run took.

  Not Collective

  Level: intermediate

.seealso: `FenSolverGetProgress()`
@*/
PetscErrorCode FenSolverGetTimes(FenSolver s, double *setup, double *solve)
{
  PetscFunctionBegin;
  if (setup)
    *setup = s->time_setup;
  if (solve)
    *solve = s->time_solve;
  PetscFunctionReturn(0);
}

/*@C
  FenSolverView - Prints the solver.

  Collective

  Level: beginner

.seealso: `FenSolverSolve()`
@*/
PetscErrorCode FenSolverView(FenSolver s, PetscViewer viewer)
{
  const char *word, *sentence;
  PetscBool   ascii;

  PetscFunctionBegin;
  if (!viewer)
    PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)s), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)s, viewer));
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "tolerances: relative gap %g, residual %g, iterations %" FENINT_FMT "\n",
                                   s->gap_rel, s->residual, s->max_it));
  PetscCall((*s->family->view)(s, viewer));
  PetscTryTypeMethod(s, view, viewer);
  PetscCall(FenReasonGet(s->reason, &word, &sentence));
  PetscCall(PetscViewerASCIIPrintf(viewer, "status: %s (%s) after %" FENINT_FMT " iterations\n", word, sentence,
                                   s->progress.iteration));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode ViewerFromOptions(FenSolver s, const char word[], PetscViewer *viewer, PetscBool *set)
{
  PetscViewerFormat format;
  char              name[64];

  PetscFunctionBegin;
  PetscCall(FenSolverOptionName_Private(s, word, name, sizeof(name)));
  PetscCall(PetscOptionsGetViewer(PetscObjectComm((PetscObject)s), ((PetscObject)s)->options, ((PetscObject)s)->prefix,
                                  name, viewer, &format, set));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverViewFromOptions_Private(FenSolver s)
{
  const char *word, *sentence;
  PetscViewer viewer;
  PetscBool   set;
  FenState    state;

  PetscFunctionBegin;
  PetscCall(ViewerFromOptions(s, "view", &viewer, &set));
  if (set) {
    PetscCall(FenSolverView(s, viewer));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(ViewerFromOptions(s, "view_state", &viewer, &set));
  if (set) {
    PetscCall(FenSolverGetState(s, &state));
    PetscCall(FenStateView(state, viewer));
    PetscCall(FenStateDestroy(&state));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscCall(ViewerFromOptions(s, "converged_reason", &viewer, &set));
  if (set) {
    PetscCall(FenReasonGet(s->reason, &word, &sentence));
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s: %s (%s)%s%s, %" FENINT_FMT " iterations\n", s->family->name, word,
                                     sentence, s->detail[0] ? ": " : "", s->detail, s->progress.iteration));
    PetscCall(PetscViewerDestroy(&viewer));
  }
  PetscFunctionReturn(0);
}
