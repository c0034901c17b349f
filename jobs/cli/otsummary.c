/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The summary of a transport run and the last lines that it prints.
*/
#include "cliimpl.h"
#include <math.h>

static PetscErrorCode SummariseBase(FenOTRun *run, FenSummary *s, int status, double time_io)
{
  const FenOTBounds *b = &run->bounds;
  FenSolver          solver = (FenSolver)run->ot;
  const char        *type, *reason;
  double             value, setup, solve, memory, scale = fmax(fabs(b->lower), fabs(b->upper));
  FenInt             restarts;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType(solver, &type));
  PetscCall(FenReasonGet(run->reason, &reason, NULL));
  PetscCall(FenSolverGetBounds(solver, &value, NULL, NULL));
  PetscCall(FenSolverGetTimes(solver, &setup, &solve));
  PetscCall(FenSolverGetRestarts(solver, &restarts));
  PetscCall(FenMemoryPeak(run->cli->comm, &memory));
  PetscCall(FenSummaryText_Private(s, "verb", run->cli->verb));
  PetscCall(FenSummaryText_Private(s, "type", type));
  PetscCall(FenSummaryInt_Private(s, "status", status));
  PetscCall(FenSummaryText_Private(s, "reason", reason));
  PetscCall(FenSummaryInt_Private(s, "ranks", run->cli->size));
  PetscCall(FenSummaryInt_Private(s, "iterations", run->progress.iteration));
  PetscCall(FenSummaryReal_Private(s, "value", value));
  PetscCall(FenSummaryReal_Private(s, "lower", b->lower));
  PetscCall(FenSummaryReal_Private(s, "upper", b->upper));
  PetscCall(FenSummaryReal_Private(s, "gap", b->upper - b->lower));
  PetscCall(FenSummaryReal_Private(s, "gap_rel", scale > 0 ? (b->upper - b->lower) / scale : b->upper - b->lower));
  PetscCall(FenSummaryReal_Private(s, "time_setup", setup));
  PetscCall(FenSummaryReal_Private(s, "time_solve", solve));
  PetscCall(FenSummaryReal_Private(s, "time_io", time_io));
  PetscCall(FenSummaryInt_Private(s, "memory_rank_max", (FenInt)memory));
  PetscCall(FenSummaryInt_Private(s, "restarts", restarts));
  PetscCall(FenSummaryText_Private(s, "version", FEN_VERSION_STRING));
  PetscFunctionReturn(0);
}

static PetscErrorCode SummariseOT(FenOTRun *run, FenSummary *s)
{
  const FenOTBounds *b = &run->bounds;
  FenInt             n, m;
  PetscInt           dim;
  double             eps, passes, pairs, setup, solve;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetSize(run->source, &n, NULL));
  PetscCall(FenMeasureGetSize(run->target, &m, NULL));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenOTGetWork(run->ot, &passes, &pairs));
  PetscCall(FenSolverGetTimes((FenSolver)run->ot, &setup, &solve));
  PetscCall(FenSummaryInt_Private(s, "n", n));
  PetscCall(FenSummaryInt_Private(s, "m", m));
  PetscCall(FenSummaryInt_Private(s, "dim", dim));
  PetscCall(FenSummaryReal_Private(s, "eps", eps));
  PetscCall(FenSummaryReal_Private(s, "cost", b->cost));
  PetscCall(FenSummaryReal_Private(s, "ot_lower", b->ot_lower));
  PetscCall(FenSummaryReal_Private(s, "ot_upper", b->ot_upper));
  PetscCall(FenSummaryReal_Private(s, "marginal_error", b->marginal_error));
  PetscCall(FenSummaryReal_Private(s, "pairs_per_second", solve > 0 ? pairs / solve : NAN));
  PetscFunctionReturn(0);
}

/* every key of the summary, in its order */
PetscErrorCode FenOTSummarise_Private(FenOTRun *run, FenSummary *s, int status, double time_io)
{
  PetscFunctionBegin;
  PetscCall(SummariseBase(run, s, status, time_io));
  PetscCall(SummariseOT(run, s));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTFooter_Private(FenOTRun *run, FenSummary *s, FenCLICkpt ckpt, int status)
{
  MPI_Comm    comm = run->cli->comm;
  const char *sentence, *detail, *path;

  PetscFunctionBegin;
  PetscCall(FenReasonGet(run->reason, NULL, &sentence));
  PetscCall(FenSolverGetReasonDetail((FenSolver)run->ot, &detail));
  PetscCall(PetscPrintf(comm, "%s: %s%s%s\n", status == FEN_EXIT_CONVERGED ? "converged" : "not converged", sentence,
                        detail[0] ? ": " : "", detail));
  PetscCall(FenSummaryPrint_Private(s, comm));
  PetscCall(FenCLICkptGetPath_Private(ckpt, &path));
  if (run->opt->output[0] && status != FEN_EXIT_STOPPED && status != FEN_EXIT_INTERNAL)
    PetscCall(PetscPrintf(comm, "  result             %s\n", run->opt->output));
  if (run->opt->summary[0])
    PetscCall(PetscPrintf(comm, "  summary            %s\n", run->opt->summary));
  if (path[0])
    PetscCall(PetscPrintf(comm, "  checkpoint         %s\n", path));
  if (status == FEN_EXIT_STOPPED)
    PetscCall(PetscPrintf(comm, "stopped early: start again with -restart to go on\n"));
  PetscFunctionReturn(0);
}
