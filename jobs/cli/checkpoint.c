/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Checkpoints of a run: decides on rank 0 when to save and when to stop, and writes what the solver hands over.

   SIGUSR1 saves and stops, SIGUSR2 saves and goes on, SIGTERM and SIGINT stop (after saving, as far as the time between
   the signal and the kill allows), and so does the end of the wall time. A disk that refuses costs one warning.
*/
#include "cliimpl.h"
#include <math.h>
#include <signal.h>

#define WALLTIME_RESERVE 2.0 /* seconds kept for the end of the program beyond what was measured */

struct _p_FenCLICkpt {
  FenCLI           *cli;
  FenCLICkptOptions opt;
  FenSolver         solver;
  FenCkpt           ckpt; /* NULL without -ckpt_dir */
  char              path[PETSC_MAX_PATH_LEN];
  double            batch_end; /* clock at which the batch system ends the job */
  double            last_save, last_poll, slowest, write_time, io_time;
  int               seen_usr2;
  PetscBool         warned, stop, saved; /* saved: the newest state is on disk */
};

PetscErrorCode FenCLICkptReadOptions_Private(FenCLI *cli, FenCLICkptOptions *o)
{
  PetscFunctionBegin;
  memset(o, 0, sizeof(*o));
  o->interval = 600;
  o->walltime = 0;
  o->keep = 2;
  PetscOptionsBegin(cli->comm, NULL, "Checkpoints and restart", NULL);
  PetscCall(PetscOptionsString("-ckpt_dir", "folder for checkpoints; empty: none are written", NULL, o->dir, o->dir,
                               sizeof(o->dir), NULL));
  PetscCall(
      PetscOptionsReal("-ckpt_interval", "seconds between two checkpoints", NULL, o->interval, &o->interval, NULL));
  PetscCall(PetscOptionsInt("-ckpt_keep", "how many checkpoints are kept, at least 2", NULL, o->keep, &o->keep, NULL));
  PetscCall(PetscOptionsBool("-restart", "go on from the newest intact checkpoint in -ckpt_dir, if there is one", NULL,
                             o->restart, &o->restart, NULL));
  PetscCall(PetscOptionsReal("-walltime", "seconds this run may take: it saves and stops in time; 0: no limit", NULL,
                             o->walltime, &o->walltime, NULL));
  PetscOptionsEnd();
  PetscCheck(o->interval > 0, cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "-ckpt_interval %g: seconds must be positive",
             (double)o->interval);
  PetscCheck(o->walltime >= 0, cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "-walltime %g: seconds must not be negative",
             (double)o->walltime);
  PetscCheck(o->keep >= 2, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-ckpt_keep %" PetscInt_FMT ": at least 2 are kept", o->keep);
  PetscCheck(!o->restart || o->dir[0], cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "-restart needs -ckpt_dir DIR");
  PetscFunctionReturn(0);
}

/* the program's end with the margin that saving needs */
static PetscBool TimeIsUp(FenCLICkpt c, double now)
{
  const double margin = 3 * c->write_time + c->slowest + WALLTIME_RESERVE;
  double       end = c->batch_end;

  if (c->opt.walltime > 0)
    end = fmin(end, c->cli->start + (double)c->opt.walltime);
  return now + margin >= end ? PETSC_TRUE : PETSC_FALSE;
}

/* rank 0, every iteration */
static PetscErrorCode Poll(FenSolver solver, void *ctx, FenRequest *request)
{
  FenCLICkpt   c = (FenCLICkpt)ctx;
  const double now = FenWallTime();
  const int    usr2 = FenSignalCaught(SIGUSR2);
  PetscBool    save = PETSC_FALSE;

  (void)solver;
  PetscFunctionBegin;
  if (c->last_poll > 0)
    c->slowest = fmax(c->slowest, now - c->last_poll);
  c->last_poll = now;
  if (FenSignalCaught(SIGUSR1) || FenSignalCaught(SIGTERM) || FenSignalCaught(SIGINT) || TimeIsUp(c, now))
    c->stop = PETSC_TRUE;
  if (usr2 > c->seen_usr2 || now - c->last_save >= (double)c->opt.interval)
    save = PETSC_TRUE;
  c->seen_usr2 = usr2;
  *request = (FenRequest)((c->stop ? FEN_REQUEST_STOP : 0) | (c->ckpt && (save || c->stop) ? FEN_REQUEST_SAVE : 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode SaveState(FenCLICkpt c, FenState state)
{
  const double start = FenWallTime();
  char         why[512] = "";
  PetscBool    saved;

  PetscFunctionBegin;
  PetscCall(FenCkptSave(c->ckpt, state, &saved, why, sizeof(why)));
  c->saved = saved;
  if (saved) {
    PetscCall(FenCkptGetLast(c->ckpt, c->path, sizeof(c->path), NULL, NULL));
  } else if (!c->warned) {
    PetscCall(PetscFPrintf(c->cli->comm, stderr, "fenchel: warning: no checkpoint written: %s\n", why));
    c->warned = PETSC_TRUE;
  }
  c->last_save = FenWallTime();
  c->write_time = c->last_save - start;
  c->io_time += c->write_time;
  c->last_poll = 0; /* the time of a save is no iteration's */
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(FenSolver solver, FenState state, FenRequest request, void *ctx)
{
  FenCLICkpt c = (FenCLICkpt)ctx;

  (void)solver;
  (void)request;
  PetscFunctionBegin;
  if (c->ckpt)
    PetscCall(SaveState(c, state));
  PetscFunctionReturn(0);
}

/* once in a program: catching again would forget what came between two runs */
static PetscErrorCode CatchSignals(void)
{
  static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};
  static PetscBool caught = PETSC_FALSE;

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && !caught; i++)
    PetscCall(FenSignalCatch(signals[i]));
  caught = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLIStopAsked_Private(FenCLI *cli, const FenCLICkptOptions *opt, PetscBool *stop)
{
  const double now = FenWallTime();

  PetscFunctionBegin;
  PetscCall(CatchSignals());
  *stop = FenSignalCaught(SIGUSR1) || FenSignalCaught(SIGTERM) || FenSignalCaught(SIGINT) ? PETSC_TRUE : PETSC_FALSE;
  if (FenWallTimeLimit() <= WALLTIME_RESERVE ||
      (opt->walltime > 0 && now + WALLTIME_RESERVE >= cli->start + (double)opt->walltime))
    *stop = PETSC_TRUE;
  PetscCallMPI(MPI_Bcast(stop, 1, MPIU_BOOL, 0, cli->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLICkptCreate_Private(FenCLI *cli, const FenCLICkptOptions *opt, FenSolver solver, PetscInt nkeys,
                                        const FenCkptKey keys[], FenCLICkpt *ckpt)
{
  FenCLICkpt c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->cli = cli;
  c->opt = *opt;
  c->solver = solver;
  c->last_save = FenWallTime();
  c->batch_end = FenWallTime() + FenWallTimeLimit();
  if (opt->dir[0]) {
    FenCkptOptions o = {.keep = opt->keep};

    PetscCall(PetscStrncpy(o.dir, opt->dir, sizeof(o.dir)));
    PetscCall(FenCkptCreate(cli->comm, &o, nkeys, keys, &c->ckpt));
  }
  PetscCall(CatchSignals());
  c->seen_usr2 = FenSignalCaught(SIGUSR2);
  PetscCall(FenSolverSetSave(solver, Poll, Save, c));
  *ckpt = c;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLICkptRestart_Private(FenCLICkpt c)
{
  FenState  state;
  char      notes[4096] = "";
  PetscBool loaded;

  PetscFunctionBegin;
  if (!c->ckpt || !c->opt.restart)
    PetscFunctionReturn(0);
  PetscCall(FenSolverGetState(c->solver, &state));
  PetscCall(FenCkptLoad(c->ckpt, state, &loaded, notes, sizeof(notes)));
  if (notes[0])
    PetscCall(PetscFPrintf(c->cli->comm, stderr, "fenchel: warning: %s\n", notes));
  PetscCall(FenStateDestroy(&state));
  if (loaded)
    PetscCall(FenSolverSetRestarted(c->solver));
  if (!c->cli->quiet)
    PetscCall(
        PetscPrintf(c->cli->comm, "  restart    %s %s\n", loaded ? "from" : "nothing to go on from in", c->opt.dir));
  PetscFunctionReturn(0);
}

/* saves the state that the solve ended with, unless the last save was of this state */
PetscErrorCode FenCLICkptFinish_Private(FenCLICkpt c, PetscBool *stopped_and_saved)
{
  FenReason reason;

  PetscFunctionBegin;
  PetscCall(FenSolverGetConvergedReason(c->solver, &reason));
  if (c->ckpt && !(reason == FEN_STOPPED && c->saved)) {
    FenState state;

    PetscCall(FenSolverGetState(c->solver, &state));
    PetscCall(SaveState(c, state));
    PetscCall(FenStateDestroy(&state));
  }
  *stopped_and_saved = reason == FEN_STOPPED && c->ckpt && c->saved ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLICkptGetTime_Private(FenCLICkpt c, double *seconds)
{
  PetscFunctionBegin;
  *seconds = c->io_time;
  PetscFunctionReturn(0);
}

/* newest checkpoint of this run, empty if there is none */
PetscErrorCode FenCLICkptGetPath_Private(FenCLICkpt c, const char *path[])
{
  PetscFunctionBegin;
  *path = c->path;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLICkptDestroy_Private(FenCLICkpt *c)
{
  PetscFunctionBegin;
  if (!*c)
    PetscFunctionReturn(0);
  PetscCall(FenCkptDestroy(&(*c)->ckpt));
  PetscCall(PetscFree(*c));
  PetscFunctionReturn(0);
}
