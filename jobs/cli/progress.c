/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Progress of a solve: at most one line each two seconds, with the rate and the time that is left. The time comes from
   a straight line through the logarithm of the quantity that will stop the run, against the clock.
*/
#include "cliimpl.h"
#include <math.h>
#include <unistd.h>

#define PROGRESS_PERIOD  2.0 /* seconds */
#define PROGRESS_SAMPLES 128

typedef struct {
  double tolerance; /* <= 0: this quantity does not stop the run */
  int    n, next;   /* a ring of the latest samples */
  double time[PROGRESS_SAMPLES], log[PROGRESS_SAMPLES], iteration[PROGRESS_SAMPLES];
} Trace;

struct _p_FenCLIProgress {
  PetscMPIInt rank;
  PetscBool   terminal, open; /* open: the present line of a terminal has no end yet */
  double      last, parameter;
  const char *label; /* of the parameter; NULL: it is not shown */
  Trace       gap, residual;
};

static void TraceAdd(Trace *trace, const FenProgress *p, double value)
{
  if (trace->tolerance <= 0 || !isfinite(value) || value <= 0)
    return;
  trace->time[trace->next] = p->seconds;
  trace->iteration[trace->next] = (double)p->iteration;
  trace->log[trace->next] = log(value);
  trace->next = (trace->next + 1) % PROGRESS_SAMPLES;
  if (trace->n < PROGRESS_SAMPLES)
    trace->n++;
}

/* slope of log against x, 0 if it cannot be told */
static double TraceSlope(const Trace *trace, const double x[])
{
  double mx = 0, my = 0, xx = 0, xy = 0;

  if (trace->n < 4)
    return 0;
  for (int i = 0; i < trace->n; i++) {
    mx += x[i] / trace->n;
    my += trace->log[i] / trace->n;
  }
  for (int i = 0; i < trace->n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    xy += (x[i] - mx) * (trace->log[i] - my);
  }
  return xx > 0 ? xy / xx : 0;
}

/* seconds until the tolerance is reached; 0 if it does not matter, infinite if it cannot be told */
static double TraceLeft(const Trace *trace)
{
  const double slope = TraceSlope(trace, trace->time);
  const int    newest = (trace->next + PROGRESS_SAMPLES - 1) % PROGRESS_SAMPLES;

  if (trace->tolerance <= 0)
    return 0;
  if (slope >= 0)
    return INFINITY;
  return fmax(0., (log(trace->tolerance) - trace->log[newest]) / slope);
}

static void FormatLeft(double seconds, char text[], size_t length)
{
  if (!isfinite(seconds) || seconds > 1e8)
    (void)snprintf(text, length, "?");
  else if (seconds < 120)
    (void)snprintf(text, length, "%.0f s", seconds);
  else if (seconds < 7200)
    (void)snprintf(text, length, "%.0f min", seconds / 60);
  else
    (void)snprintf(text, length, "%.1f h", seconds / 3600);
}

static void PrintLine(FenCLIProgress view, const FenProgress *p)
{
  const int    known = view->gap.tolerance > 0 || view->residual.tolerance > 0;
  const double left_gap = TraceLeft(&view->gap), left_residual = TraceLeft(&view->residual);
  const Trace *trace = left_residual > left_gap ? &view->residual : &view->gap;
  const double slope = TraceSlope(trace, trace->iteration);
  char         left[32], gap[32], rate[32], parameter[64] = "";

  FormatLeft(known ? fmax(left_gap, left_residual) : INFINITY, left, sizeof(left));
  (void)snprintf(gap, sizeof(gap), isfinite(p->gap_rel) ? "%.2e" : "?", p->gap_rel);
  (void)snprintf(rate, sizeof(rate), slope < 0 ? "%.4f" : "?", exp(slope));
  if (view->label)
    (void)snprintf(parameter, sizeof(parameter), "%s %.3g  ", view->label, p->parameter);
  (void)printf("%sit %-7" FENINT_FMT " residual %.2e  value %.10g  gap %-8s  %srate %-6s  %.0f s, left %s%s",
               view->terminal ? "\r" : "  ", p->iteration, p->residual, p->value, gap, parameter, rate, p->seconds,
               left, view->terminal ? "    " : "\n");
  view->open = view->terminal;
  (void)fflush(stdout);
}

static PetscErrorCode Monitor(FenSolver solver, const FenProgress *p, void *ctx)
{
  FenCLIProgress view = (FenCLIProgress)ctx;
  const double   now = FenWallTime();

  (void)solver;
  PetscFunctionBegin;
  if (view->rank)
    PetscFunctionReturn(0);
  /* another parameter is another problem: the old samples say nothing about its rate */
  if (view->label && (p->parameter < view->parameter || p->parameter > view->parameter)) {
    view->gap.n = view->gap.next = view->residual.n = view->residual.next = 0;
    view->parameter = p->parameter;
  }
  TraceAdd(&view->gap, p, p->gap_rel);
  TraceAdd(&view->residual, p, p->residual);
  if (now - view->last >= PROGRESS_PERIOD) {
    view->last = now;
    PrintLine(view, p);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLIProgressCreate_Private(FenCLI *cli, FenSolver solver, const char parameter[], FenCLIProgress *view)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(view));
  (*view)->label = parameter;
  (*view)->rank = cli->rank;
  /* mpirun hands every rank a terminal of its own, whatever its own output is */
  (*view)->terminal = isatty(fileno(stdout)) && !getenv("OMPI_COMM_WORLD_SIZE") ? PETSC_TRUE : PETSC_FALSE;
  (*view)->last = FenWallTime();
  (*view)->parameter = -1;
  PetscCall(FenSolverGetTolerances(solver, &(*view)->gap.tolerance, &(*view)->residual.tolerance, NULL));
  PetscCall(FenSolverMonitorSet(solver, Monitor, *view, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLIProgressDestroy_Private(FenCLIProgress *view)
{
  PetscFunctionBegin;
  if (!*view)
    PetscFunctionReturn(0);
  if ((*view)->open)
    (void)printf("\n");
  PetscCall(PetscFree(*view));
  PetscFunctionReturn(0);
}
