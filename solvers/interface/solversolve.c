/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop that all solvers share: iterate, test, record, show, save. */
#include "../solverimpl.h"
#include <math.h>

/* what the clock and the caller want, on rank 0; sums of requests are read as bits, so each is asked once */
PetscErrorCode FenSolverAskRequests_Private(FenSolver s, double *bits)
{
  FenRequest  request = FEN_REQUEST_NONE;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *bits = 0;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)s), &rank));
  if (!s->polled && !rank) {
    if (s->poll)
      PetscCall((*s->poll)(s, s->save_ctx, &request));
    if (s->time_limit > 0 && FenWallTime() - s->time_start > s->time_limit)
      request |= FEN_REQUEST_STOP;
    *bits = (double)request;
  }
  s->polled = PETSC_TRUE;
  PetscFunctionReturn(0);
}

void FenSolverTakeRequests_Private(FenSolver s, double bits)
{
  s->request |= (int)bits;
}

PetscErrorCode FenSolverReduce_Private(FenSolver s, PetscInt n, const FenDD in[], double out[])
{
  FenDD  all[17] = {{0, 0}};
  double sums[17];

  PetscFunctionBegin;
  PetscCheck(n <= 16, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "at most 16 sums at once, not %d", (int)n);
  PetscCall(PetscArraycpy(all, in, n));
  PetscCall(FenSolverAskRequests_Private(s, &all[n].hi));
  PetscCall(FenDDReduce(PetscObjectComm((PetscObject)s), n + 1, all, sums));
  PetscCall(PetscArraycpy(out, sums, n));
  FenSolverTakeRequests_Private(s, sums[n]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverUpdateBounds_Private(FenSolver s, double lower, double upper, double slack)
{
  FenProgress *p = &s->progress;

  PetscFunctionBegin;
  p->lower = lower;
  p->upper = upper;
  if (p->lower > p->upper + slack) {
    s->reason = FEN_DIVERGED_CONTRACT;
    PetscCall(PetscInfo(s, "lower bound %.17g above upper bound %.17g\n", p->lower, p->upper));
  }
  p->gap_rel = (p->upper - p->lower) / PetscMax(PetscMax(fabs(p->upper), fabs(p->lower)), 1e-300);
  PetscFunctionReturn(0);
}

/* number in the rank order of the layout of my first entry that is no finite number; -1 if all are */
static PetscErrorCode FirstBad(FenSolver s, const FenStateEntry *e, FenInt *first)
{
  const PetscInt ncomp = PetscMax(1, e->ncomp);
  const double  *x = (const double *)e->data;
  const FenInt   none = INT64_MAX;
  FenInt         start = 0, mine = none, n = e->n;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Exscan(&n, &start, 1, MPI_FENINT, MPI_SUM, PetscObjectComm((PetscObject)s)));
  for (FenInt i = n * ncomp - 1; i >= 0; i--)
    if (!isfinite(x[i]))
      mine = start + i / ncomp;
  PetscCallMPI(MPI_Allreduce(&mine, first, 1, MPI_FENINT, MPI_MIN, PetscObjectComm((PetscObject)s)));
  *first = *first == none ? -1 : *first;
  PetscFunctionReturn(0);
}

/* a NaN on any rank reaches the sums; where it came from is looked up only then */
static PetscErrorCode NameNaN(FenSolver s)
{
  const FenStateEntry *entries;
  PetscInt             n;
  FenState             state;

  PetscFunctionBegin;
  PetscCall(FenSolverGetState(s, &state));
  PetscCall(FenStateGetEntries(state, &n, &entries));
  for (PetscInt k = 0; k < n && !s->detail[0]; k++) {
    FenInt first = -1;

    if (entries[k].kind != FEN_STATE_ARRAY)
      continue;
    PetscCall(FirstBad(s, &entries[k], &first));
    if (first >= 0)
      PetscCall(PetscSNPrintf(s->detail, sizeof(s->detail), "array %s, entry %" FENINT_FMT ", iteration %" FENINT_FMT,
                              entries[k].name, first, s->progress.iteration));
  }
  PetscCall(FenStateDestroy(&state));
  PetscFunctionReturn(0);
}

/* all tolerances that are in use, and one is */
static PetscBool Meets(FenSolver s)
{
  const FenProgress *p = &s->progress;
  const PetscBool    use_gap = (PetscBool)(s->gap_rel > 0), use_residual = (PetscBool)(s->residual > 0);

  return (PetscBool)((use_gap || use_residual) && (!use_gap || p->gap_rel <= s->gap_rel) &&
                     (!use_residual || p->residual <= s->residual));
}

PetscErrorCode FenSolverTest_Private(FenSolver s)
{
  const FenProgress *p = &s->progress;

  PetscFunctionBegin;
  if (s->reason != FEN_ITERATING)
    PetscFunctionReturn(0);
  if (!isfinite(p->residual) || !isfinite(p->value)) {
    s->reason = FEN_DIVERGED_NAN;
    PetscCall(NameNaN(s));
  } else if (!s->intermediate && Meets(s))
    s->reason = s->gap_rel > 0 || s->family->residual_is_gap ? FEN_CONVERGED_GAP : FEN_CONVERGED_RESIDUAL;
  else if (p->iteration >= s->max_it)
    s->reason = FEN_DIVERGED_MAX_IT;
  PetscFunctionReturn(0);
}

/* a request that no reduction of the type carried still travels once an iteration */
static PetscErrorCode HandleRequest(FenSolver s)
{
  FenDD    none = {0, 0};
  double   zero;
  FenState state;

  PetscFunctionBegin;
  if (!s->polled && (s->poll || s->time_limit > 0))
    PetscCall(FenSolverReduce_Private(s, 1, &none, &zero));
  if (s->request && s->reason == FEN_ITERATING && s->save) {
    PetscCall(PetscLogEventBegin(FEN_Save, s, 0, 0, 0));
    PetscCall(FenSolverGetState(s, &state));
    PetscCall((*s->save)(s, state, (FenRequest)s->request, s->save_ctx));
    PetscCall(FenStateDestroy(&state));
    PetscCall(PetscLogEventEnd(FEN_Save, s, 0, 0, 0));
  }
  if (s->request & FEN_REQUEST_STOP && s->reason == FEN_ITERATING)
    s->reason = FEN_STOPPED;
  s->request = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverBegin_Private(FenSolver s)
{
  PetscFunctionBegin;
  s->time_start = FenWallTime();
  s->polled = PETSC_FALSE;
  s->request = 0;
  s->detail[0] = 0;
  PetscCall((*s->family->begin)(s));
  if (s->restarted) { /* a run that was stopped goes on, and a finished one whose tolerances have become closer */
    const PetscBool met =
        (PetscBool)(s->saved_reason == FEN_CONVERGED_GAP || s->saved_reason == FEN_CONVERGED_RESIDUAL);

    s->reason = (FenReason)s->saved_reason;
    if (s->reason == FEN_STOPPED || s->reason == FEN_DIVERGED_MAX_IT || (met && !Meets(s)))
      s->reason = FEN_ITERATING;
    s->time_before = s->progress.seconds;
    s->restarted = PETSC_FALSE;
    PetscCall(FenSolverTest_Private(s));
    s->polled = PETSC_TRUE; /* nobody is asked before the next iteration */
    if (s->reason == FEN_ITERATING)
      PetscTryTypeMethod(s, resume);
    PetscFunctionReturn(0);
  }
  s->time_before = 0;
  s->reason = FEN_ITERATING;
  s->history.nrows = 0;
  s->history_stride = 1;
  FenSolverForget_Private(s);
  PetscUseTypeMethod(s, initialize);
  if (s->max_it == 0)
    s->reason = FEN_DIVERGED_MAX_IT;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverIterate_Private(FenSolver s)
{
  PetscFunctionBegin;
  s->polled = PETSC_FALSE;
  s->intermediate = 0;
  s->progress.iteration++;
  PetscUseTypeMethod(s, iterate);
  s->progress.seconds = s->time_before + FenWallTime() - s->time_start;
  PetscCall(FenSolverTest_Private(s));
  PetscCall(FenSolverHistory_Private(s));
  PetscCall(FenSolverMonitor_Private(s));
  PetscCall(HandleRequest(s));
  PetscFunctionReturn(0);
}

/*@
  FenSolverSolve - Solves the problem. Calls `FenSolverSetUp()` itself.

  Collective

  Notes:
  The answer is the same to the last bit on the same number of ranks, also when the solve was stopped, saved, loaded and
  continued at any iteration. Look at `FenSolverGetConvergedReason()` afterwards: reaching a limit is not an error.

  Options Database Keys (shown for transport):
+ -ot_converged_reason - prints why it stopped
- -ot_view             - prints the solver

  Level: beginner

.seealso: `FenSolverGetConvergedReason()`, `FenSolverGetBounds()`, `FenSolverSetSave()`
@*/
PetscErrorCode FenSolverSolve(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp(s));
  PetscCall(PetscLogEventBegin(FEN_Solve, s, 0, 0, 0));
  PetscCall(FenSolverBegin_Private(s));
  while (s->reason == FEN_ITERATING)
    PetscCall(FenSolverIterate_Private(s));
  PetscCall((*s->family->finish)(s));
  PetscCall(PetscLogEventEnd(FEN_Solve, s, 0, 0, 0));
  s->time_solve = FenWallTime() - s->time_start;
  s->progress.seconds = s->time_before + s->time_solve;
  PetscCall(FenSolverViewFromOptions_Private(s));
  PetscFunctionReturn(0);
}

/*@C
  FenSolverSetSave - Functions that save the state and stop the solve from outside.

  Logically Collective

  Input Parameters:
+ solver - the solver
. poll   - called on rank 0 once an iteration; its request reaches all ranks in the same iteration
. save   - called on all ranks when there is a request
- ctx    - for both

  Level: advanced

.seealso: `FenSolverGetState()`, `FenSolverSetRestarted()`
@*/
PetscErrorCode FenSolverSetSave(FenSolver s, FenPollFn poll, FenSaveFn save, void *ctx)
{
  PetscFunctionBegin;
  s->poll = poll;
  s->save = save;
  s->save_ctx = ctx;
  PetscFunctionReturn(0);
}
