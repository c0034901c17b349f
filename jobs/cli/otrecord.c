/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What is kept of a pair that is done: a line of the table, its object in the summary, and, with checkpoints, a file
   `finished` beside them, so that a later run does not solve it again. The file holds what a checkpoint must have in
   common with a run, the tolerances it was solved to, the line and the object:

     fenchel-pair 1 / keys / [limits] / [line] / [summary]
*/
#include "otpairs.h"
#include <math.h>
#include <unistd.h>

static const char *const marks[] = {"fenchel-pair 1\n", "[limits]\n", "[line]\n", "[summary]\n"};

static PetscErrorCode FinishedName(const FenOTOptions *o, char name[], size_t length)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(name, length, "%s/finished", o->ckpt.dir));
  PetscFunctionReturn(0);
}

/* names of a pair, members of a JSON object */
static void PutNames(FILE *out, const FenOTOptions *o, FenInt pair)
{
  (void)fprintf(out, "      \"pair\": %" FENINT_FMT ",\n      \"source\": ", pair);
  FenJSONText_Private(out, o->source.spec);
  (void)fprintf(out, ",\n      \"target\": ");
  FenJSONText_Private(out, o->target.spec);
  (void)fprintf(out, ",\n");
}

PetscErrorCode FenOTRecordMake_Private(const FenOTRun *run, FenInt pair, int status, double seconds,
                                       const FenSummary *summary, FenOTRecord *record)
{
  const FenRun *base = &run->run;
  const char   *reason;
  FILE         *out;
  size_t        length;

  PetscFunctionBegin;
  memset(record, 0, sizeof(*record));
  PetscCall(FenReasonGet(base->reason, &reason, NULL));
  record->pair = pair;
  record->line = (FenOTPairLine){.status = status,
                                 .known = 1,
                                 .iterations = base->progress.iteration,
                                 .lower = base->lower,
                                 .upper = base->upper,
                                 .gap_rel = base->gap_rel,
                                 .seconds = seconds};
  PetscCall(PetscStrncpy(record->line.reason, reason, sizeof(record->line.reason)));
  for (int k = 0; k < summary->n; k++)
    if (!strcmp(summary->field[k].key, "type"))
      PetscCall(PetscStrncpy(record->line.type, summary->field[k].text, sizeof(record->line.type)));
  out = open_memstream(&record->json, &length);
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the summary of a pair");
  PutNames(out, run->opt, pair);
  (void)fprintf(out, "      \"result\": ");
  FenJSONText_Private(out, status == FEN_EXIT_STOPPED || status == FEN_EXIT_INTERNAL ? "" : run->opt->out.result);
  (void)fprintf(out, ",\n");
  FenSummaryMembers_Private(out, summary, "      ");
  (void)fclose(out);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTRecordRefused_Private(const FenOTOptions *o, FenInt pair, int status, const char why[],
                                          FenOTRecord *record)
{
  FILE  *out;
  size_t length;

  PetscFunctionBegin;
  memset(record, 0, sizeof(*record));
  record->pair = pair;
  record->line.status = status;
  PetscCall(PetscStrncpy(record->line.reason, "refused", sizeof(record->line.reason)));
  out = open_memstream(&record->json, &length);
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the summary of a pair");
  PutNames(out, o, pair);
  (void)fprintf(out, "      \"status\": %d,\n      \"reason\": \"refused\",\n      \"error\": ", status);
  FenJSONText_Private(out, why);
  (void)fprintf(out, "\n");
  (void)fclose(out);
  PetscFunctionReturn(0);
}

/* ---- the file `finished` ---- */

/* keys and limits, as they stand at the head of the file; free both */
static PetscErrorCode Head(const FenOTRun *run, char **keys, char **limits)
{
  FenKeys k = {0};
  double  gap, residual;
  FenInt  max_it;
  size_t  length;
  FILE   *out;

  PetscFunctionBegin;
  PetscCall(FenOTKeys_Private((FenRun *)run, &k));
  PetscCall(FenSolverGetTolerances((FenSolver)run->ot, &gap, &residual, &max_it));
  out = open_memstream(keys, &length);
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the keys of a pair");
  for (PetscInt n = 0; n < k.n; n++)
    (void)fprintf(out, "%s: %s\n", k.key[n].name, k.key[n].value);
  (void)fclose(out);
  out = open_memstream(limits, &length);
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the limits of a pair");
  (void)fprintf(out, "gap_rel %.17g\nmarginal_tol %.17g\nresult %s\n", gap, residual, run->opt->out.result);
  (void)fclose(out);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTRecordSave_Private(const FenOTRun *run, const FenOTRecord *record)
{
  const FenOTPairLine *l = &record->line;
  FenFault             fault = {0};
  char                 name[PETSC_MAX_PATH_LEN + 16], *keys, *limits, *text = NULL;
  size_t               length;
  FILE                *out;

  PetscFunctionBegin;
  if (!run->opt->ckpt.dir[0] || l->status != FEN_EXIT_CONVERGED)
    PetscFunctionReturn(0);
  PetscCall(Head(run, &keys, &limits));
  PetscCall(FinishedName(run->opt, name, sizeof(name)));
  if (!run->run.cli->rank) {
    out = open_memstream(&text, &length);
    PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the record of a pair");
    (void)fprintf(out, "%s%s%s%s%s%" FENINT_FMT " %.17g %.17g %.17g %.17g %s %s\n%s%s", marks[0], keys, marks[1],
                  limits, marks[2], l->iterations, l->lower, l->upper, l->gap_rel, l->seconds, l->type, l->reason,
                  marks[3], record->json);
    (void)fclose(out);
    FenTextFileReplace_Private(name, text, &fault);
  }
  if (fault.code) /* the pair will be solved again, no more than that */
    (void)fprintf(stderr, "fenchel: warning: %s\n", fault.message);
  free(text);
  free(keys);
  free(limits);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTRecordForget_Private(const FenOTOptions *o, FenCLI *cli)
{
  char name[PETSC_MAX_PATH_LEN + 16];

  PetscFunctionBegin;
  if (!o->ckpt.dir[0] || cli->rank)
    PetscFunctionReturn(0);
  PetscCall(FinishedName(o, name, sizeof(name)));
  (void)unlink(name);
  PetscFunctionReturn(0);
}

/* rank 0 of the team; NULL if there is no such file */
static char *ReadText(const char name[])
{
  FILE  *in = fopen(name, "r");
  char  *text = NULL;
  size_t capacity = 0;

  if (!in)
    return NULL;
  if (getdelim(&text, &capacity, 0, in) < 0) {
    free(text);
    text = NULL;
  }
  (void)fclose(in);
  return text;
}

/* cuts the text at its marks; NULL where one is missing */
static void Cut(char *text, char *part[4])
{
  part[0] = text && !strncmp(text, marks[0], strlen(marks[0])) ? text + strlen(marks[0]) : NULL;
  for (int k = 1; k < 4; k++) {
    char *mark = part[k - 1] ? strstr(part[k - 1], marks[k]) : NULL;

    part[k] = mark ? mark + strlen(marks[k]) : NULL;
    if (mark)
      *mark = 0;
  }
}

/* the first line in which two texts differ */
static void FirstDifference(const char a[], const char b[], char out[], size_t length)
{
  size_t k = 0, line = 0;

  for (; a[k] && a[k] == b[k]; k++)
    if (a[k] == '\n')
      line = k + 1;
  (void)snprintf(out, length, "finished with '%.*s', now '%.*s'", (int)strcspn(a + line, "\n"), a + line,
                 (int)strcspn(b + line, "\n"), b + line);
}

/* local; a file that cannot be understood is none */
static PetscBool Parse(char *text, const char keys[], const char limits[], FenOTRecord *r, FenFault *fault,
                       const char name[])
{
  char           difference[512], *part[4];
  FenOTPairLine *l = &r->line;

  Cut(text, part);
  if (!part[3])
    return PETSC_FALSE;
  if (strcmp(part[0], keys)) {
    FirstDifference(part[0], keys, difference, sizeof(difference));
    FenFaultSet(fault, FEN_ERR_CKPT_MISMATCH, "%s is of another problem: %s", name, difference);
    return PETSC_FALSE;
  }
  if (strcmp(part[1], limits)) /* goes on from its checkpoint */
    return PETSC_FALSE;
  l->known = 1;
  if (sscanf(part[2], "%" SCNd64 " %lf %lf %lf %lf %31s %63s", &l->iterations, &l->lower, &l->upper, &l->gap_rel,
             &l->seconds, l->type, l->reason) != 7)
    return PETSC_FALSE;
  r->json = strdup(part[3]);
  return r->json ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode FenOTRecordLoad_Private(const FenOTRun *run, FenInt pair, FenOTRecord *record, PetscBool *found)
{
  const char *result = run->opt->out.result;
  FenFault    fault = {0};
  char        name[PETSC_MAX_PATH_LEN + 16], *keys, *limits, *text;

  PetscFunctionBegin;
  memset(record, 0, sizeof(*record));
  record->pair = pair;
  *found = PETSC_FALSE;
  PetscCall(Head(run, &keys, &limits));
  PetscCall(FinishedName(run->opt, name, sizeof(name)));
  if (!run->run.cli->rank) {
    text = ReadText(name);
    *found = Parse(text, keys, limits, record, &fault, name);
    if (*found && result[0] && access(result, R_OK)) /* its result is gone: made again from the checkpoint */
      *found = PETSC_FALSE;
    free(text);
  }
  free(keys);
  free(limits);
  PetscCall(FenFaultAgree(run->run.cli->comm, &fault));
  PetscCallMPI(MPI_Bcast(found, 1, MPIU_BOOL, 0, run->run.cli->comm));
  PetscFunctionReturn(0);
}

/* ---- all together ---- */

void FenOTRecordPrint_Private(const FenOTPairs *p, const FenOTRecord *r)
{
  const FenOTPairLine *l = &r->line;
  const char          *source = p->source.name[p->i[r->pair]], *target = p->target.name[p->j[r->pair]];

  if (l->known)
    (void)printf("  pair %" FENINT_FMT "/%" FENINT_FMT "  %s to %s  %s  [%.10g, %.10g]  gap_rel %.1e  %" FENINT_FMT
                 " it  %.2f s  %s\n",
                 r->pair, p->n, source, target, l->type, l->lower, l->upper, l->gap_rel, l->iterations, l->seconds,
                 l->reason);
  else
    (void)printf("  pair %" FENINT_FMT "/%" FENINT_FMT "  %s to %s  %s\n", r->pair, p->n, source, target, l->reason);
  (void)fflush(stdout);
}

/* first ranks of all teams: one message each, a line and a text a pair */
static PetscErrorCode Pack(FenInt n, const FenOTRecord mine[], char **data, size_t *bytes)
{
  FILE *out = open_memstream(data, bytes);

  PetscFunctionBegin;
  PetscCheck(out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the summaries of %" FENINT_FMT " pairs", n);
  for (FenInt k = 0; k < n; k++) {
    (void)fwrite(&mine[k].pair, sizeof(FenInt), 1, out);
    (void)fwrite(&mine[k].line, sizeof(FenOTPairLine), 1, out);
    (void)fwrite(mine[k].json ? mine[k].json : "", 1, mine[k].json ? strlen(mine[k].json) + 1 : 1, out);
  }
  (void)fclose(out);
  PetscFunctionReturn(0);
}

static PetscErrorCode Unpack(const char *data, FenInt bytes, FenInt npairs, FenOTRecord all[])
{
  const char *end = data + bytes;

  PetscFunctionBegin;
  while (data < end) {
    FenInt pair;

    memcpy(&pair, data, sizeof(pair));
    PetscCheck(pair >= 0 && pair < npairs, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL,
               "record of pair %" FENINT_FMT, pair);
    all[pair].pair = pair;
    memcpy(&all[pair].line, data + sizeof(pair), sizeof(FenOTPairLine));
    data += sizeof(pair) + sizeof(FenOTPairLine);
    all[pair].json = strdup(data);
    data += strlen(data) + 1;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTRecordsGather_Private(FenTeams teams, FenInt n, FenOTRecord *mine, FenInt npairs, FenOTRecord all[])
{
  FenTeamsInfo info;
  PetscMPIInt *count = NULL, *start = NULL, bytes;
  FenInt       total = 0;
  size_t       length;
  char        *data, *received = NULL;

  PetscFunctionBegin;
  PetscCall(FenTeamsGetInfo(teams, &info));
  if (info.rank)
    PetscFunctionReturn(0);
  PetscCall(Pack(n, mine, &data, &length));
  PetscCall(FenMPIIntCast((FenInt)length, &bytes));
  PetscCall(PetscCalloc2(info.nteams, &count, info.nteams, &start));
  PetscCallMPI(MPI_Gather(&bytes, 1, MPI_INT, count, 1, MPI_INT, 0, info.across));
  for (PetscMPIInt t = 0; t < info.nteams && !info.index; t++) {
    PetscCall(FenMPIIntCast(total, &start[t]));
    total += count[t];
  }
  PetscCall(PetscMalloc1(total + 1, &received));
  PetscCallMPI(MPI_Gatherv(data, bytes, MPI_CHAR, received, count, start, MPI_CHAR, 0, info.across));
  if (!info.index)
    PetscCall(Unpack(received, total, npairs, all));
  PetscCall(PetscFree(received));
  PetscCall(PetscFree2(count, start));
  free(data);
  PetscFunctionReturn(0);
}

/* the worst of all, but a run that can go on says so */
static int WorstStatus(FenInt n, const FenOTRecord all[])
{
  static const int order[] = {FEN_EXIT_INTERNAL, FEN_EXIT_STOPPED, FEN_EXIT_USAGE, FEN_EXIT_NOT_CONVERGED};

  for (size_t s = 0; s < sizeof(order) / sizeof(order[0]); s++)
    for (FenInt k = 0; k < n; k++)
      if (all[k].line.status == order[s])
        return order[s];
  return FEN_EXIT_CONVERGED;
}

/* pairs that no team came to */
static PetscErrorCode FillMissing(const FenOTPairs *p, const FenOTOptions *opt, FenOTRecord all[])
{
  const int    status = opt->ckpt.dir[0] ? FEN_EXIT_STOPPED : FEN_EXIT_NOT_CONVERGED;
  FenOTOptions o;

  PetscFunctionBegin;
  for (FenInt k = 0; k < p->n; k++) {
    if (all[k].json)
      continue;
    PetscCall(FenOTPairsOptions_Private(p, k, opt, &o));
    PetscCall(FenOTRecordRefused_Private(&o, k, status, "the run ended before", &all[k]));
    PetscCall(PetscStrncpy(all[k].line.reason, "not_started", sizeof(all[k].line.reason)));
  }
  PetscFunctionReturn(0);
}

/* without folders, and its end if it is still too long */
static const char *Short(const char name[], size_t most)
{
  const char  *colon = strstr(name, ":/");
  const char  *slash = colon ? (const char *)memrchr(name, '/', (size_t)(colon - name)) : strrchr(name, '/');
  const char  *base = slash && slash[1] ? slash + 1 : name;
  const size_t n = strlen(base);

  return n > most ? base + n - most : base;
}

static void PrintTable(const FenOTPairs *p, const FenOTRecord all[])
{
  (void)printf("  %5s  %-20s  %-20s  %-9s  %16s  %8s  %5s  %8s  %s\n", "pair", "source", "target", "type", "lower",
               "gap_rel", "it", "seconds", "reason");
  for (FenInt k = 0; k < p->n; k++) {
    const FenOTPairLine *l = &all[k].line;

    (void)printf("  %5" FENINT_FMT "  %-20s  %-20s  ", k, Short(p->source.name[p->i[k]], 20),
                 Short(p->target.name[p->j[k]], 20));
    if (l->known)
      (void)printf("%-9s  %16.10g  %8.1e  %5" FENINT_FMT "  %8.2f  %s\n", l->type, l->lower, l->gap_rel, l->iterations,
                   l->seconds, l->reason);
    else
      (void)printf("%-9s  %16s  %8s  %5s  %8s  %s\n", "", "", "", "", "", l->reason);
  }
}

typedef struct {
  const char *key;
  FenInt      value;
} Count;

static char *SummaryText(const FenTeamsInfo *info, FenCLI *cli, FenInt n, const FenOTRecord all[], const Count counts[],
                         int ncounts, double memory)
{
  char  *text = NULL;
  size_t length;
  FILE  *out = open_memstream(&text, &length);

  if (!out)
    return NULL;
  (void)fprintf(out, "{\n  \"verb\": \"ot\",\n");
  for (int c = 0; c < ncounts; c++)
    (void)fprintf(out, "  \"%s\": %" FENINT_FMT ",\n", counts[c].key, counts[c].value);
  (void)fprintf(out, "  \"ranks\": %d,\n  \"teams\": %d,\n  \"team_size\": %d,\n", (int)cli->size, (int)info->nteams,
                (int)info->size);
  (void)fprintf(out, "  \"time\": %.17g,\n  \"memory_rank_max\": %.0f,\n  \"version\": \"%s\",\n  \"results\": [\n",
                FenWallTime() - cli->start, memory, FEN_VERSION_STRING);
  for (FenInt k = 0; k < n; k++)
    (void)fprintf(out, "    {\n%s    }%s\n", all[k].json, k + 1 < n ? "," : "");
  (void)fprintf(out, "  ]\n}\n");
  (void)fclose(out);
  return text;
}

/* rank 0 */
static PetscErrorCode Report(FenCLI *cli, const FenTeamsInfo *info, const FenOTPairs *p, const FenOTOptions *opt,
                             FenInt before, FenOTRecord all[], double memory, int *status, FenFault *fault)
{
  FenInt converged = 0, started = 0;
  char  *text;

  PetscFunctionBegin;
  PetscCall(FillMissing(p, opt, all));
  *status = WorstStatus(p->n, all);
  for (FenInt k = 0; k < p->n; k++) {
    converged += all[k].line.status == FEN_EXIT_CONVERGED;
    started += all[k].line.known;
  }
  PrintTable(p, all);
  (void)printf("%s: %" FENINT_FMT " of %" FENINT_FMT " pairs, %" FENINT_FMT " not started\n",
               *status == FEN_EXIT_CONVERGED ? "converged" : "not converged", converged, p->n, p->n - started);
  if (opt->out.summary[0]) {
    const Count counts[] = {
        {"status", *status}, {"pairs", p->n}, {"converged", converged}, {"finished_before", before}};

    text = SummaryText(info, cli, p->n, all, counts, 4, memory);
    if (text)
      FenTextFileReplace_Private(opt->out.summary, text, fault);
    else
      FenFaultSet(fault, FEN_ERR_MEMORY, "no memory for the summary %s", opt->out.summary);
    free(text);
    (void)printf("  summary            %s\n", opt->out.summary);
  }
  if (*status == FEN_EXIT_STOPPED)
    (void)printf("stopped early: start again with -restart to go on\n");
  for (FenInt k = 0; k < p->n; k++)
    free(all[k].json);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTRecordsReport_Private(FenCLI *cli, const FenTeamsInfo *info, const FenOTPairs *p,
                                          const FenOTOptions *opt, FenInt before, FenOTRecord all[], int *status)
{
  FenFault fault = {0};
  double   memory;

  PetscFunctionBegin;
  PetscCall(FenMemoryPeak(cli->comm, &memory));
  if (!cli->rank)
    PetscCall(Report(cli, info, p, opt, before, all, memory, status, &fault));
  PetscCall(FenFaultAgree(cli->comm, &fault));
  PetscCallMPI(MPI_Bcast(status, 1, MPI_INT, 0, cli->comm));
  PetscFunctionReturn(0);
}
