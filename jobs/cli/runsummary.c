/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The summary of a run, as far as all families have it, and the last lines that a run prints.
*/
#include "cliimpl.h"

static PetscErrorCode SummariseWork(FenRun *run, FenSummary *s, double time_io)
{
  double setup, solve, memory;
  FenInt restarts;

  PetscFunctionBegin;
  PetscCall(FenSolverGetTimes(run->solver, &setup, &solve));
  PetscCall(FenSolverGetRestarts(run->solver, &restarts));
  PetscCall(FenMemoryPeak(run->cli->comm, &memory));
  PetscCall(FenSummaryReal_Private(s, "time_setup", setup));
  PetscCall(FenSummaryReal_Private(s, "time_solve", solve));
  PetscCall(FenSummaryReal_Private(s, "time_io", time_io));
  PetscCall(FenSummaryInt_Private(s, "memory_rank_max", (FenInt)memory));
  PetscCall(FenSummaryInt_Private(s, "restarts", restarts));
  PetscCall(FenSummaryText_Private(s, "version", FEN_VERSION_STRING));
  PetscFunctionReturn(0);
}

/* every key of the summary, in its order */
PetscErrorCode FenRunSummarise_Private(FenRun *run, FenSummary *s, int status, double time_io)
{
  const char *type, *reason;
  double      value;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType(run->solver, &type));
  PetscCall(FenReasonGet(run->reason, &reason, NULL));
  PetscCall(FenSolverGetBounds(run->solver, &value, NULL, NULL));
  PetscCall(FenSummaryText_Private(s, "verb", run->cli->verb));
  PetscCall(FenSummaryText_Private(s, "type", type));
  PetscCall(FenSummaryInt_Private(s, "status", status));
  PetscCall(FenSummaryText_Private(s, "reason", reason));
  PetscCall(FenSummaryInt_Private(s, "ranks", run->cli->size));
  PetscCall(FenSummaryInt_Private(s, "iterations", run->progress.iteration));
  PetscCall(FenSummaryReal_Private(s, "value", value));
  PetscCall(FenSummaryReal_Private(s, "lower", run->lower));
  PetscCall(FenSummaryReal_Private(s, "upper", run->upper));
  PetscCall(FenSummaryReal_Private(s, "gap", run->upper - run->lower));
  PetscCall(FenSummaryReal_Private(s, "gap_rel", run->gap_rel));
  PetscCall(SummariseWork(run, s, time_io));
  PetscCall((*run->ops->summarise)(run, s));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRunFooter_Private(FenRun *run, FenSummary *s, FenCLICkpt ckpt, int status)
{
  MPI_Comm    comm = run->cli->comm;
  const char *sentence, *detail, *path;

  PetscFunctionBegin;
  PetscCall(FenReasonGet(run->reason, NULL, &sentence));
  PetscCall(FenSolverGetReasonDetail(run->solver, &detail));
  PetscCall(PetscPrintf(comm, "%s: %s%s%s\n", status == FEN_EXIT_CONVERGED ? "converged" : "not converged", sentence,
                        detail[0] ? ": " : "", detail));
  if (run->ops->footer)
    PetscCall((*run->ops->footer)(run));
  PetscCall(FenSummaryPrint_Private(s, comm));
  PetscCall(FenCLICkptGetPath_Private(ckpt, &path));
  if (run->out->result[0] && status != FEN_EXIT_STOPPED && status != FEN_EXIT_INTERNAL)
    PetscCall(PetscPrintf(comm, "  result             %s\n", run->out->result));
  if (run->out->summary[0])
    PetscCall(PetscPrintf(comm, "  summary            %s\n", run->out->summary));
  if (path[0])
    PetscCall(PetscPrintf(comm, "  checkpoint         %s\n", path));
  if (status == FEN_EXIT_STOPPED)
    PetscCall(PetscPrintf(comm, "stopped early: start again with -restart to go on\n"));
  PetscFunctionReturn(0);
}
