/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Many pairs in one run: all inputs are checked, then teams of ranks take one pair after the other. A pair that cannot
   be solved after all is a line of the table and does not end the others.
*/
#include "otpairs.h"
#include <unistd.h>

typedef struct {
  FenCLI       *cli;
  FenOTOptions *opt;
  FenOTPairs   *pairs;
  FenTeams      teams;
  FenTeamsInfo  info;
  FenCLI        team; /* the command as a team sees it */
  FenOTRecord  *record;
  FenInt        nrecords, capacity;
  int          *finished; /* of all pairs: known from an earlier run */
} Work;

static PetscErrorCode MakeTeams(Work *w)
{
  PetscMPIInt size = (PetscMPIInt)w->opt->team_size;

  PetscFunctionBegin;
  if (!size)
    size = FenTeamsChooseSize(w->cli->size, w->pairs->n, w->cli->size);
  PetscCall(FenTeamsCreate(w->cli->comm, size, &w->teams));
  PetscCall(FenTeamsGetInfo(w->teams, &w->info));
  w->team = *w->cli;
  w->team.comm = w->info.team;
  w->team.rank = w->info.rank;
  w->team.size = w->info.size;
  w->team.quiet = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(Work *w)
{
  MPI_Comm comm = w->cli->comm;

  PetscFunctionBegin;
  PetscCall(FenCLIHeaderBegin_Private(w->cli));
  PetscCall(PetscPrintf(comm, "  sources    %" FENINT_FMT " from %s\n", w->pairs->source.n, w->opt->source.spec));
  PetscCall(PetscPrintf(comm, "  targets    %" FENINT_FMT " from %s\n", w->pairs->target.n, w->opt->target.spec));
  PetscCall(
      PetscPrintf(comm, "  pairs      %" FENINT_FMT " (-pairs %s)\n", w->pairs->n, FenOTPairings[w->opt->pairing]));
  PetscCall(PetscPrintf(comm, "  teams      %d of %d rank%s: %s; a free team takes the next pair\n",
                        (int)w->info.nteams, (int)w->info.size, w->info.size > 1 ? "s" : "",
                        w->opt->team_size
                            ? "-pairs_team_size"
                            : "the divisor s of all ranks with the least ceil(pairs/teams) (1 + (s - 1)/20)/s"));
  PetscFunctionReturn(0);
}

static PetscErrorCode KeepRecord(Work *w, const FenOTRecord *record)
{
  PetscFunctionBegin;
  if (w->nrecords == w->capacity) {
    w->capacity = 2 * w->capacity + 16;
    PetscCall(PetscRealloc((size_t)w->capacity * sizeof(FenOTRecord), &w->record));
  }
  w->record[w->nrecords++] = *record;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckPair(Work *w, FenInt k, FenOTOptions *o, FenOTRun *run)
{
  FenOTRecord record;
  PetscBool   found = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall((*run->run.ops->read)(&run->run));
  PetscCall((*run->run.ops->make)(&run->run));
  PetscCall(FenOTCheck(run->ot));
  if (o->ckpt.restart)
    PetscCall(FenOTRecordLoad_Private(run, k, &record, &found));
  if (found) {
    w->finished[k] = 1;
    PetscCall(KeepRecord(w, &record));
  }
  PetscFunctionReturn(0);
}

/* every pair is read once, by one team or another, before any is solved; the first wrong one is the error */
static PetscErrorCode CheckPairs(Work *w)
{
  FenOTOptions o;
  FenOTRun     run;
  FenFault     fault = {0};
  FenInt       start, end;
  char         why[700];
  int          status;

  PetscFunctionBegin;
  PetscCall(FenTeamsGetSamples(w->teams, w->pairs->n, &start, &end));
  for (FenInt k = start; k < end && !fault.code; k++) {
    PetscErrorCode code;

    PetscCall(FenOTPairsOptions_Private(w->pairs, k, w->opt, &o));
    FenOTRunBegin_Private(&w->team, &o, &run);
    code = CheckPair(w, k, &o, &run);
    PetscCall((*run.run.ops->destroy)(&run.run));
    if (!code)
      continue;
    PetscCall(FenCLIErrorTake_Private(code, why, sizeof(why), &status));
    FenFaultSet(&fault, (int)code, "pair %" FENINT_FMT ", %.120s to %.120s: %s", k, o.source.spec, o.target.spec, why);
  }
  PetscCall(FenFaultAgree(w->cli->comm, &fault));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->finished, (PetscMPIInt)w->pairs->n, MPI_INT, MPI_MAX, w->cli->comm));
  PetscFunctionReturn(0);
}

typedef struct {
  FenInt       pair;
  double       start;
  FenOTRecord *record;
} Solving;

static PetscErrorCode PairDone(FenRun *base, int status, const FenSummary *summary, void *ctx)
{
  const Solving *s = (const Solving *)ctx;

  PetscFunctionBegin;
  PetscCall(FenOTRecordMake_Private((FenOTRun *)base, s->pair, status, FenWallTime() - s->start, summary, s->record));
  PetscCall(FenOTRecordSave_Private((FenOTRun *)base, s->record));
  PetscFunctionReturn(0);
}

static PetscErrorCode SolvePair(Work *w, FenInt k, FenOTRecord *record, PetscBool *stopped)
{
  Solving        solving = {.pair = k, .start = FenWallTime(), .record = record};
  FenOTOptions   o;
  FenOTRun       run;
  PetscErrorCode code;
  char           why[700];
  int            status = FEN_EXIT_INTERNAL;

  PetscFunctionBegin;
  PetscCall(FenOTPairsOptions_Private(w->pairs, k, w->opt, &o));
  o.out.overwrite = (PetscBool)(o.out.overwrite || o.ckpt.restart); /* whether it may is checked */
  PetscCall(FenOTRecordForget_Private(&o, &w->team));
  FenOTRunBegin_Private(&w->team, &o, &run);
  run.run.done = PairDone;
  run.run.done_ctx = &solving;
  code = FenRunExecute_Private(&run.run, &status);
  if (code) {
    PetscCall((*run.run.ops->destroy)(&run.run));
    PetscCall(FenCLIErrorTake_Private(code, why, sizeof(why), &status));
    PetscCheck(status == FEN_EXIT_USAGE, PETSC_COMM_SELF, code, "pair %" FENINT_FMT ", %.120s to %.120s: %s", k,
               o.source.spec, o.target.spec, why);
    PetscCall(FenOTRecordRefused_Private(&o, k, status, why, record));
    PetscFunctionReturn(0);
  }
  *stopped = (PetscBool)(run.run.reason == FEN_STOPPED);
  PetscFunctionReturn(0);
}

static PetscErrorCode SolvePairs(Work *w)
{
  PetscBool   stop = PETSC_FALSE, stopped = PETSC_FALSE;
  FenOTRecord record;
  FenInt      k = 0;

  PetscFunctionBegin;
  PetscCall(FenTeamsShareBegin(w->teams, w->pairs->n));
  while (!stopped) {
    PetscCall(FenCLIStopAsked_Private(&w->team, &w->opt->ckpt, &stop));
    if (stop)
      break;
    PetscCall(FenTeamsShareNext(w->teams, &k));
    if (k < 0)
      break;
    if (w->finished[k])
      continue;
    PetscCall(SolvePair(w, k, &record, &stopped));
    PetscCall(KeepRecord(w, &record));
    if (!w->info.rank)
      FenOTRecordPrint_Private(w->pairs, &record);
  }
  PetscCall(FenTeamsShareEnd(w->teams));
  PetscFunctionReturn(0);
}

static PetscErrorCode CountFinished(Work *w, FenInt *before)
{
  PetscFunctionBegin;
  *before = 0;
  for (FenInt k = 0; k < w->pairs->n; k++)
    *before += w->finished[k];
  if (*before)
    PetscCall(PetscPrintf(w->cli->comm, "  restart    %" FENINT_FMT " of %" FENINT_FMT " pairs are finished in %s\n",
                          *before, w->pairs->n, w->opt->ckpt.dir));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsRun_Private(FenCLI *cli, FenOTOptions *opt, FenOTPairs *pairs, int *status)
{
  Work         w = {.cli = cli, .opt = opt, .pairs = pairs};
  FenOTRecord *all;
  FenInt       before;
  PetscMPIInt  count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(pairs->n, &count));
  PetscCall(FenOTPairsCheckOutputs_Private(cli, pairs, opt));
  PetscCall(MakeTeams(&w));
  PetscCall(PrintHeader(&w));
  PetscCall(PetscCalloc2(count, &w.finished, count, &all));
  PetscCall(CheckPairs(&w));
  PetscCall(CountFinished(&w, &before));
  PetscCall(SolvePairs(&w));
  PetscCall(FenOTRecordsGather_Private(w.teams, w.nrecords, w.record, pairs->n, all));
  PetscCall(FenOTRecordsReport_Private(cli, &w.info, pairs, opt, before, all, status));
  for (FenInt k = 0; k < w.nrecords; k++)
    free(w.record[k].json);
  PetscCall(PetscFree(w.record));
  PetscCall(PetscFree2(w.finished, all));
  PetscCall(FenTeamsDestroy(&w.teams));
  PetscCall(FenCLIOptionsWarnUnused_Private(cli));
  PetscFunctionReturn(0);
}
