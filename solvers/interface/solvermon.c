/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors: text, CSV and line graph; users add their own. */
#include "../solverimpl.h"
#include <petscdraw.h>
#include <math.h>

/*@C
  FenSolverMonitorSet - Adds a function that is called on all ranks after every iteration.

  Logically Collective

  Input Parameters:
+ solver  - the solver
. monitor - the function
. ctx     - its context
- destroy - frees the context, or NULL

  Level: intermediate

.seealso: `FenSolverMonitorCancel()`
@*/
PetscErrorCode FenSolverMonitorSet(FenSolver s, FenMonitorFn monitor, void *ctx, PetscErrorCode (*destroy)(void **))
{
  PetscFunctionBegin;
  PetscCheck(s->nmonitors < FEN_MAX_MONITORS, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_USAGE,
             "at most %d monitors", FEN_MAX_MONITORS);
  s->monitor[s->nmonitors] = monitor;
  s->monitor_ctx[s->nmonitors] = ctx;
  s->monitor_destroy[s->nmonitors++] = destroy;
  PetscFunctionReturn(0);
}

/*@
  FenSolverMonitorCancel - Removes all monitors.

  Logically Collective

  Level: intermediate

.seealso: `FenSolverMonitorSet()`
@*/
PetscErrorCode FenSolverMonitorCancel(FenSolver s)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->nmonitors; k++)
    if (s->monitor_destroy[k])
      PetscCall((*s->monitor_destroy[k])(&s->monitor_ctx[k]));
  s->nmonitors = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverMonitor_Private(FenSolver s)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < s->nmonitors; k++)
    PetscCall((*s->monitor[k])(s, &s->progress, s->monitor_ctx[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode MonitorText(FenSolver s, const FenProgress *p, void *ctx)
{
  PetscFunctionBegin;
  (void)s;
  PetscCall(PetscViewerASCIIPrintf((PetscViewer)ctx,
                                   "%6" FENINT_FMT " residual %.4e value %.12g lower %.12g upper %.12g gap %.3e "
                                   "parameter %g work %g\n",
                                   p->iteration, p->residual, p->value, p->lower, p->upper, p->gap_rel, p->parameter,
                                   p->work));
  PetscFunctionReturn(0);
}

static PetscErrorCode MonitorCSV(FenSolver s, const FenProgress *p, void *ctx)
{
  PetscFunctionBegin;
  (void)s;
  PetscCall(PetscViewerASCIIPrintf((PetscViewer)ctx, "%" FENINT_FMT ",%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.6f\n",
                                   p->iteration, p->residual, p->value, p->lower, p->upper, p->gap_rel, p->parameter,
                                   p->work, p->seconds));
  PetscFunctionReturn(0);
}

static PetscErrorCode MonitorDraw(FenSolver s, const FenProgress *p, void *ctx)
{
  PetscDrawLG lg = (PetscDrawLG)ctx;
  PetscReal   x[2] = {(PetscReal)p->iteration, (PetscReal)p->iteration}, y[2];

  PetscFunctionBegin;
  y[0] = log10(PetscMax(p->residual, 1e-300));
  y[1] = isfinite(p->gap_rel) ? log10(PetscMax(p->gap_rel, 1e-300)) : 0;
  PetscCall(PetscDrawLGAddPoint(lg, x, y));
  if (p->iteration <= 20 || p->iteration % 10 == 0 || s->reason != FEN_ITERATING) {
    PetscCall(PetscDrawLGDraw(lg));
    PetscCall(PetscDrawLGSave(lg));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode DestroyViewer(void **ctx)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerDestroy((PetscViewer *)ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode DestroyGraph(void **ctx)
{
  PetscFunctionBegin;
  PetscCall(PetscDrawLGDestroy((PetscDrawLG *)ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddGraph(FenSolver s)
{
  const char   *names[2] = {"log10 residual", "log10 gap"};
  PetscDraw     draw;
  PetscDrawLG   lg;
  PetscDrawAxis axis;

  PetscFunctionBegin;
  PetscCall(PetscDrawCreate(PetscObjectComm((PetscObject)s), NULL, s->family->name, PETSC_DECIDE, PETSC_DECIDE, 600,
                            400, &draw));
  PetscCall(PetscDrawSetFromOptions(draw));
  PetscCall(PetscDrawLGCreate(draw, 2, &lg));
  PetscCall(PetscDrawLGSetLegend(lg, names));
  PetscCall(PetscDrawLGGetAxis(lg, &axis));
  PetscCall(PetscDrawAxisSetLabels(axis, "convergence", "iteration", "log10"));
  PetscCall(PetscDrawLGSetFromOptions(lg));
  PetscCall(PetscDrawDestroy(&draw));
  PetscCall(FenSolverMonitorSet(s, MonitorDraw, lg, DestroyGraph));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddCSV(FenSolver s, const char file[])
{
  PetscViewer viewer;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIOpen(PetscObjectComm((PetscObject)s), file, &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "iteration,residual,value,lower,upper,gap_rel,parameter,work,seconds\n"));
  PetscCall(FenSolverMonitorSet(s, MonitorCSV, viewer, DestroyViewer));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSolverMonitorFromOptions_Private(FenSolver s)
{
  MPI_Comm          comm = PetscObjectComm((PetscObject)s);
  PetscOptions      options = ((PetscObject)s)->options;
  const char       *prefix = ((PetscObject)s)->prefix;
  char              name[64], file[PETSC_MAX_PATH_LEN];
  PetscViewer       viewer;
  PetscViewerFormat format;
  PetscBool         set, draw = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(FenSolverOptionName_Private(s, "monitor", name, sizeof(name)));
  PetscCall(PetscOptionsGetViewer(comm, options, prefix, name, &viewer, &format, &set));
  if (set)
    PetscCall(FenSolverMonitorSet(s, MonitorText, viewer, DestroyViewer));
  PetscCall(FenSolverOptionName_Private(s, "monitor_csv", name, sizeof(name)));
  PetscCall(PetscOptionsGetString(options, prefix, name, file, sizeof(file), &set));
  if (set)
    PetscCall(AddCSV(s, file));
  PetscCall(FenSolverOptionName_Private(s, "monitor_draw", name, sizeof(name)));
  PetscCall(PetscOptionsGetBool(options, prefix, name, &draw, NULL));
  if (draw)
    PetscCall(AddGraph(s));
  PetscFunctionReturn(0);
}
