/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel ot: reads two measures, solves, certifies, writes.
*/
#include "cliimpl.h"
#include <math.h>

#define NKEYS 10

static PetscErrorCode ReadProblem(FenOTRun *run)
{
  FenCLI       *cli = run->cli;
  FenOTOptions *o = run->opt;

  PetscFunctionBegin;
  PetscCall(FenMeasureRead(cli->comm, &o->source, &run->source));
  PetscCall(FenMeasureRead(cli->comm, &o->target, &run->target));
  PetscCall(FenMeasureBalance(run->source, run->target, o->normalize));
  if (o->cost == FEN_COST_MATRIX) {
    FenLayout rows, cols;

    PetscCall(FenMeasureGetLayout(run->source, &rows));
    PetscCall(FenMeasureGetLayout(run->target, &cols));
    PetscCall(FenCostReadMatrix(rows, cols, o->cost_matrix, &run->cost));
  } else {
    PetscCall(FenCostCreate(cli->comm, o->cost, &run->cost));
  }
  PetscCall(FenCostCheck(run->cost, run->source, run->target));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSolver(FenOTRun *run)
{
  PetscFunctionBegin;
  PetscCall(FenOTCreate(run->cli->comm, &run->ot));
  PetscCall(FenOTSetMeasures(run->ot, run->source, run->target));
  PetscCall(FenOTSetCost(run->ot, run->cost));
  PetscCall(FenOTSetFromOptions(run->ot));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(FenOTRun *run)
{
  MPI_Comm    comm = run->cli->comm;
  const char *type;
  char        source[128], target[128], memory[32];
  double      eps, bytes, gap, residual;
  FenInt      max_it;
  FenCostKind cost;

  PetscFunctionBegin;
  PetscCall(FenOTDescribe_Private(run->source, source, sizeof(source)));
  PetscCall(FenOTDescribe_Private(run->target, target, sizeof(target)));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenSolverGetType((FenSolver)run->ot, &type));
  PetscCall(FenSolverGetTolerances((FenSolver)run->ot, &gap, &residual, &max_it));
  PetscCall(FenOTGetMemoryEstimate(run->ot, &bytes));
  PetscCall(FenCLIBytesText_Private(bytes, memory, sizeof(memory)));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(PetscPrintf(comm, "  source     %s: %s\n", run->opt->source.spec, source));
  PetscCall(PetscPrintf(comm, "  target     %s: %s\n", run->opt->target.spec, target));
  PetscCall(PetscPrintf(comm, "  problem    cost %s, eps %g\n", FenCostKinds[cost], eps));
  PetscCall(PetscPrintf(comm, "  method     %s, at most %" FENINT_FMT " iterations", type, max_it));
  if (gap > 0)
    PetscCall(PetscPrintf(comm, ", gap_rel <= %g", gap));
  if (residual > 0)
    PetscCall(PetscPrintf(comm, ", marginal error <= %g", residual));
  PetscCall(PetscPrintf(comm, "\n  memory     about %s a rank\n", memory));
  PetscFunctionReturn(0);
}

static int StatusOf(FenReason reason, PetscBool saved)
{
  if (reason > 0)
    return FEN_EXIT_CONVERGED;
  if (reason == FEN_STOPPED && saved)
    return FEN_EXIT_STOPPED;
  return reason == FEN_DIVERGED_NAN || reason == FEN_DIVERGED_CONTRACT ? FEN_EXIT_INTERNAL : FEN_EXIT_NOT_CONVERGED;
}

/* a run that was told to stop has no time for full passes: its bounds are the last ones of the iteration */
static PetscErrorCode Certify(FenOTRun *run, PetscBool hurry)
{
  FenOTBounds *b = &run->bounds;

  PetscFunctionBegin;
  PetscCall(FenSolverGetProgress((FenSolver)run->ot, &run->progress));
  PetscCall(FenSolverGetConvergedReason((FenSolver)run->ot, &run->reason));
  if (!hurry && run->reason != FEN_DIVERGED_NAN) {
    PetscCall(FenOTComputeBounds(run->ot, b));
    PetscFunctionReturn(0);
  }
  b->lower = run->progress.lower;
  b->upper = run->progress.upper;
  b->marginal_error = run->progress.residual;
  b->ot_lower = b->ot_upper = b->cost = b->slack = NAN;
  PetscFunctionReturn(0);
}

/* saves, certifies, writes: all that comes after the iteration */
static PetscErrorCode Finish(FenOTRun *run, FenCLICkpt ckpt, double time_read, int *status)
{
  FenSummary summary = {0};
  PetscBool  stopped_and_saved;
  double     time_io, time_ckpt;

  PetscFunctionBegin;
  PetscCall(FenCLICkptFinish_Private(ckpt, &stopped_and_saved));
  PetscCall(Certify(run, stopped_and_saved));
  *status = StatusOf(run->reason, stopped_and_saved);
  time_io = FenWallTime();
  if (run->opt->output[0] && *status != FEN_EXIT_STOPPED && *status != FEN_EXIT_INTERNAL)
    PetscCall(FenResultWrite_Private(run));
  PetscCall(FenCLICkptGetTime_Private(ckpt, &time_ckpt));
  time_io = FenWallTime() - time_io + time_read + time_ckpt;
  PetscCall(FenOTSummarise_Private(run, &summary, *status, time_io));
  PetscCall(FenSummaryWrite_Private(&summary, run->cli->comm, run->opt->summary));
  PetscCall(FenOTFooter_Private(run, &summary, ckpt, *status));
  PetscFunctionReturn(0);
}

/* stages of -log_view */
typedef enum { STAGE_READ, STAGE_SOLVE, STAGE_WRITE, NSTAGES } Stage;

static PetscErrorCode RegisterStages(PetscLogStage stage[NSTAGES])
{
  static const char *const names[NSTAGES] = {"Read", "Solve", "Write"};

  PetscFunctionBegin;
  for (int k = 0; k < NSTAGES; k++)
    PetscCall(PetscLogStageRegister(names[k], &stage[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenOTRun *run, const PetscLogStage stage[], double time_read, int *status)
{
  FenCkptKey     keys[NKEYS];
  PetscInt       nkeys;
  FenCLICkpt     ckpt;
  FenCLIProgress progress;

  PetscFunctionBegin;
  PetscCall(PetscLogStagePush(stage[STAGE_SOLVE]));
  PetscCall(FenOTKeys_Private(run, NKEYS, &nkeys, keys));
  PetscCall(FenCLICkptCreate_Private(run->cli, &run->opt->ckpt, (FenSolver)run->ot, nkeys, keys, &ckpt));
  PetscCall(FenCLICkptRestart_Private(ckpt));
  PetscCall(FenCLIProgressCreate_Private(run->cli, (FenSolver)run->ot, &progress));
  PetscCall(FenOTSolve(run->ot));
  PetscCall(FenCLIProgressDestroy_Private(&progress));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscLogStagePush(stage[STAGE_WRITE]));
  PetscCall(Finish(run, ckpt, time_read, status));
  PetscCall(PetscLogStagePop());
  PetscCall(FenCLICkptDestroy_Private(&ckpt));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerbOT_Private(FenCLI *cli, int *status)
{
  PetscLogStage stage[NSTAGES];
  FenOTOptions  options;
  FenOTRun      run = {.cli = cli, .opt = &options};
  double        time_read;

  PetscFunctionBegin;
  PetscCall(FenOTOptionsRead_Private(cli, &options));
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenOTOptionsCheck_Private(cli, &options));
  PetscCall(FenCLIHeaderBegin_Private(cli));
  PetscCall(RegisterStages(stage));
  PetscCall(PetscLogStagePush(stage[STAGE_READ]));
  time_read = FenWallTime();
  PetscCall(ReadProblem(&run));
  time_read = FenWallTime() - time_read;
  PetscCall(PetscLogStagePop());
  PetscCall(MakeSolver(&run));
  PetscCall(PrintHeader(&run)); /* says how much memory, before it is taken */
  PetscCall(FenSolverSetUp((FenSolver)run.ot));
  PetscCall(Solve(&run, stage, time_read, status));
  PetscCall(FenOTDestroy(&run.ot));
  PetscCall(FenCostDestroy(&run.cost));
  PetscCall(FenMeasureDestroy(&run.source));
  PetscCall(FenMeasureDestroy(&run.target));
  PetscCall(FenCLIOptionsWarnUnused_Private(cli));
  PetscFunctionReturn(0);
}
