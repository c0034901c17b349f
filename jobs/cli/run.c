/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One run of a verb that solves: reads, solves under the eye of checkpoints and progress, certifies, writes. The
   families differ in what they read, certify and write; the order of things, the statuses and the stages are here.
*/
#include "cliimpl.h"

/* stages of -log_view */
typedef enum { STAGE_READ, STAGE_SOLVE, STAGE_WRITE, NSTAGES } Stage;

static PetscErrorCode RegisterStages(PetscLogStage stage[NSTAGES])
{
  static const char *const names[NSTAGES] = {"Read", "Solve", "Write"};

  PetscFunctionBegin;
  for (int k = 0; k < NSTAGES; k++) {
    PetscCall(PetscLogStageGetId(names[k], &stage[k])); /* of an earlier run of many */
    if (stage[k] < 0)
      PetscCall(PetscLogStageRegister(names[k], &stage[k]));
  }
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
static PetscErrorCode Certify(FenRun *run, PetscBool hurry)
{
  PetscFunctionBegin;
  PetscCall(FenSolverGetProgress(run->solver, &run->progress));
  PetscCall(FenSolverGetConvergedReason(run->solver, &run->reason));
  run->lower = run->progress.lower;
  run->upper = run->progress.upper;
  run->gap_rel = run->progress.gap_rel;
  PetscCall((*run->ops->certify)(run, hurry || run->reason == FEN_DIVERGED_NAN ? PETSC_TRUE : PETSC_FALSE));
  PetscFunctionReturn(0);
}

/* saves, certifies, writes: all that comes after the iteration */
static PetscErrorCode Finish(FenRun *run, FenCLICkpt ckpt, double time_read, int *status)
{
  FenSummary summary = {0};
  PetscBool  stopped_and_saved;
  double     time_io, time_ckpt;

  PetscFunctionBegin;
  PetscCall(FenCLICkptFinish_Private(ckpt, &stopped_and_saved));
  PetscCall(Certify(run, stopped_and_saved));
  *status = StatusOf(run->reason, stopped_and_saved);
  time_io = FenWallTime();
  if (run->out->result[0] && *status != FEN_EXIT_STOPPED && *status != FEN_EXIT_INTERNAL)
    PetscCall(FenResultWrite_Private(run));
  PetscCall(FenCLICkptGetTime_Private(ckpt, &time_ckpt));
  time_io = FenWallTime() - time_io + time_read + time_ckpt;
  PetscCall(FenRunSummarise_Private(run, &summary, *status, time_io));
  PetscCall(FenSummaryWrite_Private(&summary, run->cli->comm, run->out->summary));
  if (run->done)
    PetscCall((*run->done)(run, *status, &summary, run->done_ctx));
  if (!run->cli->quiet)
    PetscCall(FenRunFooter_Private(run, &summary, ckpt, *status));
  PetscFunctionReturn(0);
}

static PetscErrorCode Iterate(FenRun *run, FenCLICkpt ckpt)
{
  FenCLIProgress progress = NULL;

  PetscFunctionBegin;
  PetscCall(FenCLICkptRestart_Private(ckpt));
  if (!run->cli->quiet)
    PetscCall(FenCLIProgressCreate_Private(run->cli, run->solver, run->ops->parameter, &progress));
  PetscCall(FenSolverSolve(run->solver));
  PetscCall(FenCLIProgressDestroy_Private(&progress));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenRun *run, const PetscLogStage stage[], double time_read, int *status)
{
  FenKeys        keys = {0};
  FenCLICkpt     ckpt;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall((*run->ops->keys)(run, &keys));
  PetscCall(FenCLICkptCreate_Private(run->cli, run->ckpt, run->solver, keys.n, keys.key, &ckpt));
  PetscCall(PetscLogStagePush(stage[STAGE_SOLVE]));
  code = Iterate(run, ckpt);
  PetscCall(PetscLogStagePop());
  PetscCall(code);
  PetscCall(PetscLogStagePush(stage[STAGE_WRITE]));
  code = Finish(run, ckpt, time_read, status);
  PetscCall(PetscLogStagePop());
  PetscCall(code);
  PetscCall(FenCLICkptDestroy_Private(&ckpt));
  PetscFunctionReturn(0);
}

/* the run from the header's first line to the footer; options of the command have been read and checked */
PetscErrorCode FenRunExecute_Private(FenRun *run, int *status)
{
  PetscLogStage  stage[NSTAGES];
  PetscErrorCode code;
  double         time_read;

  PetscFunctionBegin;
  if (!run->cli->quiet)
    PetscCall(FenCLIHeaderBegin_Private(run->cli));
  PetscCall(RegisterStages(stage));
  PetscCall(PetscLogStagePush(stage[STAGE_READ]));
  time_read = FenWallTime();
  code = (*run->ops->read)(run);
  time_read = FenWallTime() - time_read;
  PetscCall(PetscLogStagePop());
  PetscCall(code);
  PetscCall((*run->ops->make)(run));
  if (!run->cli->quiet)
    PetscCall((*run->ops->header)(run)); /* says how much memory, before it is taken */
  PetscCall(FenSolverSetUp(run->solver));
  PetscCall(Solve(run, stage, time_read, status));
  PetscCall((*run->ops->destroy)(run));
  if (!run->cli->quiet)
    PetscCall(FenCLIOptionsWarnUnused_Private(run->cli));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKeysAdd_Private(FenKeys *keys, const char name[], const char value[])
{
  PetscFunctionBegin;
  PetscCheck(keys->n < FEN_KEYS_MAX, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "more than %d checkpoint keys",
             FEN_KEYS_MAX);
  keys->key[keys->n].name = name;
  PetscCall(PetscStrncpy(keys->key[keys->n].value, value, sizeof(keys->key[keys->n].value)));
  keys->n++;
  PetscFunctionReturn(0);
}

PetscErrorCode FenKeysAddReal_Private(FenKeys *keys, const char name[], double value)
{
  char text[64];

  PetscFunctionBegin;
  (void)snprintf(text, sizeof(text), "%.15g", value);
  if (strtod(text, NULL) < value || strtod(text, NULL) > value) /* 0.7 is not 0.69999999999999996 to a reader */
    (void)snprintf(text, sizeof(text), "%.17g", value);
  PetscCall(FenKeysAdd_Private(keys, name, text));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKeysAddFingerprint_Private(FenKeys *keys, const char name[], const FenFingerprint *print)
{
  char text[64];

  PetscFunctionBegin;
  PetscCall(FenFingerprintText_Private(print, text, sizeof(text)));
  PetscCall(FenKeysAdd_Private(keys, name, text));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRunListViews_Private(FenCLI *cli, const char stem[])
{
  static const char *const views[][2] = {
      {"monitor", "one line an iteration [ascii:FILE]"},  {"monitor_csv", "FILE with one row an iteration"},
      {"monitor_draw", "line graph of gap and residual"}, {"view", "the solver after the solve"},
      {"view_state", "what a checkpoint holds"},          {"converged_reason", "why the solve stopped"},
  };
  char      name[64];
  PetscBool set;

  PetscFunctionBegin;
  PetscOptionsBegin(cli->comm, NULL, "Views and monitors", NULL);
  for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%s_%s", stem, views[i][0]));
    PetscCall(PetscOptionsName(name, views[i][1], NULL, &set));
  }
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}
