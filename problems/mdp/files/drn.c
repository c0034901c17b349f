/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Storm's explicit format (.drn): a head of @keywords, then states, each with its actions, each with its successors.
   The first reward model counts. An action whose name is a number has that number, others are counted from 0.
*/
#include "mdpfileimpl.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FEN_DRN_HEAD ((FenInt)1 << 20)

/* where in the file a line stands: what the lines before have opened */
typedef struct {
  FenInt state;   /* -1: none yet */
  FenInt counted; /* actions of the state so far */
  FenInt action;  /* -1: none yet */
  FenInt named;   /* the action's number is its name, not its place */
} FenDRNPlace;

typedef struct {
  const FenMDPFile *f;
  FenInt            nstates, nchoices, from, line;
  FenInt            found[2]; /* states and choices in my lines */
  FenMDPRecords     records;
} FenDRN;

static PetscBool FenBegins(const char *p, const char word[])
{
  const size_t n = strlen(word);

  return !strncmp(p, word, n) && (!p[n] || isspace((unsigned char)p[n])) ? PETSC_TRUE : PETSC_FALSE;
}

/* what stands behind a keyword: on the same line or on the next */
static const char *FenDRNValue(FenMDPScan *scan, const char keyword[])
{
  scan->p += strlen(keyword);
  scan->p += strspn(scan->p, " \t");
  if (!*scan->p && !FenMDPScanLine_Private(scan, "//"))
    scan->p = scan->text + strlen(scan->text);
  return scan->p;
}

static void FenDRNKeyword(FenDRN *d, FenMDPScan *scan)
{
  if (FenBegins(scan->p, "@type:")) {
    if (strncmp(FenDRNValue(scan, "@type:"), "MDP", 3) != 0)
      FenMDPScanFault_Private(scan, "'MDP' (other types of models are not read)");
  } else if (FenBegins(scan->p, "@value_type:")) {
    if (!FenBegins(FenDRNValue(scan, "@value_type:"), "double"))
      FenMDPScanFault_Private(scan, "'double' (other types of values are not read)");
  } else if (FenBegins(scan->p, "@nr_states")) {
    (void)FenDRNValue(scan, "@nr_states");
    d->nstates = FenMDPScanInt_Private(scan, "the number of states", 1, INT64_MAX / 64);
  } else if (FenBegins(scan->p, "@nr_choices")) {
    (void)FenDRNValue(scan, "@nr_choices");
    d->nchoices = FenMDPScanInt_Private(scan, "the number of choices", 0, INT64_MAX / 64);
  }
}

/* the head, read by every rank */
static PetscErrorCode FenDRNHead(FenDRN *d, FenStream stream)
{
  FenFault       fault = {0, ""};
  FenMDPScan     scan = {.file = d->f->file, .next = 1, .fault = &fault};
  FenInt         bytes;
  PetscBool      model = PETSC_FALSE;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenStreamGetSize(stream, &bytes));
  bytes = PetscMin(bytes, FEN_DRN_HEAD);
  PetscCall(PetscMalloc1((size_t)bytes + 1, &scan.text));
  code = FenStreamRead(stream, 0, bytes, scan.text);
  scan.text[bytes] = 0;
  scan.at = scan.text;
  while (!code && !model && FenMDPScanLine_Private(&scan, "//")) {
    model = FenBegins(scan.p, "@model");
    FenDRNKeyword(d, &scan);
  }
  d->from = (FenInt)(scan.at - scan.text);
  d->line = scan.next;
  PetscCall(PetscFree(scan.text));
  PetscCall(code);
  PetscCall(FenFaultAgree(d->f->comm, &fault));
  FEN_MDP_CHECK(model && d->nstates > 0, d->f->comm, FEN_ERR_FILE_FORMAT,
                "%sno %s in the head: no explicit model of "
                "Storm, or truncated",
                d->f->where, model ? "@nr_states" : "@model");
  PetscFunctionReturn(0);
}

/* one action more; p: its name */
static void FenDRNCount(const char *p, FenDRNPlace *place)
{
  char        *end;
  const FenInt number = (FenInt)strtoll(p, &end, 10);

  place->named = end > p && (!*end || isspace((unsigned char)*end)) && number >= 0 && number < INT_MAX;
  place->action = place->named ? number : place->counted;
  place->counted++;
}

static const char *FenSkipWord(const char *p)
{
  p += strcspn(p, " \t\r");
  return p + strspn(p, " \t\r");
}

/* what my lines leave open */
static FenDRNPlace FenDRNFollow(const char *text)
{
  FenDRNPlace place = {-1, 0, -1, 0};

  for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p ? 1 : 0) {
    p += strspn(p, " \t\r");
    if (FenBegins(p, "state"))
      place = (FenDRNPlace){(FenInt)strtoll(FenSkipWord(p), NULL, 10), 0, -1, 0};
    else if (FenBegins(p, "action"))
      FenDRNCount(FenSkipWord(p), &place);
  }
  return place;
}

/* what is open where my lines begin: what the ranks before leave open */
static PetscErrorCode FenDRNOpen(MPI_Comm comm, const char *text, FenDRNPlace *place)
{
  const FenDRNPlace mine = FenDRNFollow(text);
  FenDRNPlace      *all;
  PetscMPIInt       rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc1((size_t)size, &all));
  PetscCallMPI(MPI_Allgather(&mine, 4, MPI_FENINT, all, 4, MPI_FENINT, comm));
  *place = (FenDRNPlace){-1, 0, -1, 0};
  for (PetscMPIInt q = 0; q < rank; q++) {
    if (all[q].state >= 0) {
      *place = all[q];
      continue;
    }
    if (all[q].counted)
      place->action = all[q].named ? all[q].action : place->counted + all[q].action;
    place->counted += all[q].counted;
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

/* "[r1, r2]", the first counts; nothing there: 0 */
static double FenDRNReward(FenMDPScan *scan)
{
  char  *end;
  double reward;

  if (*scan->p != '[')
    return 0;
  reward = strtod(scan->p + 1, &end);
  if (end == scan->p + 1)
    FenMDPScanFault_Private(scan, "'[reward]'");
  scan->p = end + strcspn(end, "]");
  if (*scan->p != ']')
    FenMDPScanFault_Private(scan, "']'");
  else
    scan->p++;
  scan->p += strspn(scan->p, " \t\r");
  return reward;
}

static PetscBool FenHasLabel(const char *p, const char label[])
{
  while (*p) {
    if (label[0] && FenBegins(p, label))
      return PETSC_TRUE;
    p = FenSkipWord(p);
  }
  return PETSC_FALSE;
}

/* "state 3 [reward] label label" */
static PetscErrorCode FenDRNState(FenDRN *d, FenMDPScan *scan, FenDRNPlace *place, FenMDPRecord *r)
{
  PetscFunctionBegin;
  scan->p += strlen("state");
  scan->p += strspn(scan->p, " \t");
  *place = (FenDRNPlace){FenMDPScanInt_Private(scan, "the number of a state", 0, d->nstates - 1), 0, -1, 0};
  r->state = place->state;
  r->kind = FEN_RECORD_STATE;
  r->reward = FenDRNReward(scan);
  d->found[0]++;
  PetscCall(FenMDPRecordsAdd_Private(&d->records, r));
  if (FenHasLabel(scan->p, d->f->terminal)) {
    r->kind = FEN_RECORD_TERMINAL;
    PetscCall(FenMDPRecordsAdd_Private(&d->records, r));
  }
  PetscFunctionReturn(0);
}

/* "action name [reward]" */
static PetscErrorCode FenDRNRow(FenDRN *d, FenMDPScan *scan, FenDRNPlace *place, FenMDPRecord *r)
{
  PetscFunctionBegin;
  scan->p = (char *)FenSkipWord(scan->p);
  FenDRNCount(scan->p, place);
  if (*scan->p != '[')
    scan->p = (char *)FenSkipWord(scan->p);
  r->action = place->action;
  r->kind = FEN_RECORD_ROW;
  r->reward = FenDRNReward(scan);
  d->found[1]++;
  if (place->state < 0)
    FenMDPScanFault_Private(scan, "'state' before the first action");
  else
    PetscCall(FenMDPRecordsAdd_Private(&d->records, r));
  PetscFunctionReturn(0);
}

/* "7 : 0.25" */
static PetscErrorCode FenDRNSuccessor(FenDRN *d, FenMDPScan *scan, const FenDRNPlace *place, FenMDPRecord *r)
{
  char *colon = strchr(scan->p, ':');

  PetscFunctionBegin;
  if (!colon || place->action < 0) {
    FenMDPScanFault_Private(scan,
                            colon ? "'action' before the first successor" : "'state', 'action' or 'successor : p'");
    PetscFunctionReturn(0);
  }
  *colon = ' ';
  r->kind = FEN_RECORD_PROB;
  r->action = place->action;
  r->next = FenMDPScanInt_Private(scan, "the number of the next state", 0, d->nstates - 1);
  FenMDPScanProb_Private(scan, r);
  if (!scan->fault->code && !FenMDPScanEnd_Private(scan))
    FenMDPScanFault_Private(scan, "the end of the line");
  PetscCall(FenMDPRecordsAdd_Private(&d->records, r));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenDRNLines(FenDRN *d, FenMDPScan *scan)
{
  FenDRNPlace place = {-1, 0, -1, 0};

  PetscFunctionBegin;
  PetscCall(FenDRNOpen(d->f->comm, scan->text, &place));
  while (FenMDPScanLine_Private(scan, "//")) {
    FenMDPRecord r = {.state = place.state, .action = -1, .next = -1, .line = scan->line};

    if (FenBegins(scan->p, "state"))
      PetscCall(FenDRNState(d, scan, &place, &r));
    else if (FenBegins(scan->p, "action"))
      PetscCall(FenDRNRow(d, scan, &place, &r));
    else
      PetscCall(FenDRNSuccessor(d, scan, &place, &r));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenDRNRead(FenDRN *d)
{
  const MPI_Comm comm = d->f->comm;
  FenFault       fault = {0, ""};
  FenMDPScan     scan;
  FenStream      stream;
  FenInt         found[2];
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenStreamOpen(comm, d->f->file, FEN_FILE_READ, &stream));
  code = FenDRNHead(d, stream);
  PetscCall(FenStreamClose(&stream));
  PetscCall(code);
  PetscCall(FenMDPScanOpen_Private(comm, d->f->file, d->from, d->line, &fault, &scan));
  PetscCall(FenDRNLines(d, &scan));
  PetscCall(FenMDPScanClose_Private(&scan));
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCallMPI(MPI_Allreduce(d->found, found, 2, MPI_FENINT, MPI_SUM, comm));
  FEN_MDP_CHECK(found[0] == d->nstates && (d->nchoices < 0 || found[1] == d->nchoices), comm, FEN_ERR_FILE_FORMAT,
                "%s%" FENINT_FMT " states and %" FENINT_FMT " choices, the head says %" FENINT_FMT " and %" FENINT_FMT
                ": the file is truncated or changed",
                d->f->where, found[0], found[1], d->nstates, d->nchoices);
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReadDRN_Private(const FenMDPFile *f, FenMDPModel *model)
{
  const char *const names[1] = {f->file};
  FenDRN            d = {.f = f, .nchoices = -1};
  PetscErrorCode    code = FenDRNRead(&d);

  PetscFunctionBegin;
  if (code)
    PetscCall(PetscFree(d.records.record));
  PetscCall(code);
  PetscCall(FenMDPRecordsBuild_Private(f, names, d.nstates, &d.records, model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteDRN_Private(const FenMDPFile *f, FenMDPModel model)
{
  const FenMDPRows *rows = &model->rows;
  FenMDPText        text = {NULL, 0, 0};

  PetscFunctionBegin;
  FEN_MDP_CHECK(!model->sizes.by_next, f->comm, FEN_ERR_USAGE,
                "%sthe format cannot hold rewards that depend on the successor; .h5, .csv and .tra can", f->where);
  if (!model->start && model->nlocal)
    PetscCall(FenMDPTextPut_Private(&text,
                                    "@type: MDP\n@value_type: double\n@parameters\n\n@reward_models\nreward\n"
                                    "@nr_states\n%" FENINT_FMT "\n@nr_choices\n%" FENINT_FMT "\n@model\n",
                                    model->sizes.states, model->sizes.rows));
  for (FenInt s = 0; s < rows->nstates; s++) {
    PetscCall(FenMDPTextPut_Private(&text, "state %" FENINT_FMT " [0]%s\n", model->start + s,
                                    model->start + s ? "" : " init"));
    for (FenInt k = rows->state_ptr[s]; k < rows->state_ptr[s + 1]; k++) {
      PetscCall(FenMDPTextPut_Private(&text, "\taction %d [%.17g]\n", rows->action[k], rows->reward[k]));
      for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++)
        PetscCall(FenMDPTextPut_Private(&text, "\t\t%" FENINT_FMT " : %.17g\n", rows->next[i], rows->prob[i]));
    }
  }
  PetscCall(FenMDPTextWrite_Private(f, f->file, &text));
  PetscFunctionReturn(0);
}
