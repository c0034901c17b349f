/* SPDX-License-Identifier: BSD-2-Clause */
/*
   PRISM's explicit files: transitions in .tra, rewards of states in .srew and of transitions in .trew, labels in .lab,
   each beside the other; only the first must exist. Probabilities may be intervals, [lower,upper]; a row may have both.
   Files of PRISM's models without choices (Markov chains) are refused.
*/
#include "mdpfileimpl.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FEN_PRISM_FILES 4

enum { FEN_PRISM_TRA, FEN_PRISM_SREW, FEN_PRISM_TREW, FEN_PRISM_LAB };
static const char *const fen_prism_endings[FEN_PRISM_FILES] = {".tra", ".srew", ".trew", ".lab"};

typedef struct {
  const FenMDPFile *f;
  char              name[FEN_PRISM_FILES][PETSC_MAX_PATH_LEN];
  FenInt            header[3];   /* states, choices, transitions */
  FenInt            label;       /* number of the terminal label, -1: none */
  FenInt            transitions; /* mine */
  FenMDPRecords     records;
} FenPRISM;

/* numbers of the first line of a file */
static PetscErrorCode FenPRISMHeader(const FenPRISM *p, int file, int n, FenInt number[], FenInt *from, FenInt *line)
{
  FenFault   fault = {0, ""};
  char       head[256];
  FenMDPScan scan = {.file = p->name[file], .fault = &fault, .p = head};

  PetscFunctionBegin;
  PetscCall(FenMDPScanHead_Private(p->f->comm, p->name[file], "#", head, sizeof(head), from, line));
  scan.line = *line - 1;
  for (int k = 0; k < n && !fault.code; k++)
    number[k] = FenMDPScanInt_Private(
        &scan, n == 3 ? "the number of states, choices, transitions (of a model with choices)" : "a size", 0,
        INT64_MAX / 64);
  if (!fault.code && !FenMDPScanEnd_Private(&scan))
    FenMDPScanFault_Private(&scan, "the end of the line");
  PetscCall(FenFaultAgree(p->f->comm, &fault));
  PetscFunctionReturn(0);
}

/* one line: src choice dst prob [action], or src choice dst reward, or state reward */
static void FenPRISMLine(FenPRISM *p, int file, FenMDPScan *scan, FenMDPRecord *r)
{
  const FenInt last = p->header[0] - 1;

  *r = (FenMDPRecord){.file = file, .line = scan->line, .action = -1, .next = -1};
  r->state = FenMDPScanInt_Private(scan, "the number of a state", 0, last);
  if (file == FEN_PRISM_SREW) {
    r->kind = FEN_RECORD_STATE;
    r->reward = FenMDPScanReal_Private(scan, "a reward");
    return;
  }
  r->action = FenMDPScanInt_Private(scan, "the number of a choice", 0, INT_MAX - 1);
  r->next = FenMDPScanInt_Private(scan, "the number of the next state", 0, last);
  if (file == FEN_PRISM_TREW) {
    r->kind = FEN_RECORD_REWARD;
    r->reward = FenMDPScanReal_Private(scan, "a reward");
  } else {
    r->kind = FEN_RECORD_PROB;
    FenMDPScanProb_Private(scan, r);
    scan->p += strlen(scan->p); /* the name of the action */
  }
}

/* state: label label ... */
static PetscErrorCode FenPRISMLabels(FenPRISM *p, FenMDPScan *scan)
{
  PetscFunctionBegin;
  while (FenMDPScanLine_Private(scan, "#")) {
    FenMDPRecord r = {.kind = FEN_RECORD_TERMINAL, .file = FEN_PRISM_LAB, .action = -1, .next = -1};
    char        *colon = strchr(scan->p, ':');

    if (!colon) {
      FenMDPScanFault_Private(scan, "'state: labels'");
      break;
    }
    *colon = ' ';
    r.line = scan->line;
    r.state = FenMDPScanInt_Private(scan, "the number of a state", 0, p->header[0] - 1);
    while (!scan->fault->code && !FenMDPScanEnd_Private(scan))
      if (FenMDPScanInt_Private(scan, "the number of a label", 0, INT_MAX) == p->label)
        PetscCall(FenMDPRecordsAdd_Private(&p->records, &r));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPRISMLines(FenPRISM *p, int file, FenMDPScan *scan)
{
  PetscFunctionBegin;
  while (FenMDPScanLine_Private(scan, "#")) {
    FenMDPRecord r;

    FenPRISMLine(p, file, scan, &r);
    if (!scan->fault->code && !FenMDPScanEnd_Private(scan))
      FenMDPScanFault_Private(scan, "the end of the line");
    if (!scan->fault->code)
      PetscCall(FenMDPRecordsAdd_Private(&p->records, &r));
    p->transitions += file == FEN_PRISM_TRA;
  }
  PetscFunctionReturn(0);
}

/* the lines of one file behind its header */
static PetscErrorCode FenPRISMBody(FenPRISM *p, int file, FenInt from, FenInt line)
{
  FenFault   fault = {0, ""};
  FenMDPScan scan;

  PetscFunctionBegin;
  PetscCall(FenMDPScanOpen_Private(p->f->comm, p->name[file], from, line, &fault, &scan));
  if (file == FEN_PRISM_LAB)
    PetscCall(FenPRISMLabels(p, &scan));
  else
    PetscCall(FenPRISMLines(p, file, &scan));
  PetscCall(FenMDPScanClose_Private(&scan));
  PetscCall(FenFaultAgree(p->f->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPRISMTransitions(FenPRISM *p)
{
  FenInt from, line, found;

  PetscFunctionBegin;
  PetscCall(FenPRISMHeader(p, FEN_PRISM_TRA, 3, p->header, &from, &line));
  FEN_MDP_CHECK(p->header[0] > 0, p->f->comm, FEN_ERR_FILE_FORMAT, "%sa model without states", p->f->where);
  PetscCall(FenPRISMBody(p, FEN_PRISM_TRA, from, line));
  PetscCallMPI(MPI_Allreduce(&p->transitions, &found, 1, MPI_FENINT, MPI_SUM, p->f->comm));
  FEN_MDP_CHECK(found == p->header[2], p->f->comm, FEN_ERR_FILE_FORMAT,
                "%s%" FENINT_FMT " transitions, the first line says %" FENINT_FMT ": the file is truncated or changed",
                p->f->where, found, p->header[2]);
  PetscFunctionReturn(0);
}

/* a reward file, if it exists beside the transitions */
static PetscErrorCode FenPRISMRewards(FenPRISM *p, int file)
{
  const int n = file == FEN_PRISM_SREW ? 2 : 3;
  FenInt    header[3], from, line, before = p->records.n, found;

  PetscFunctionBegin;
  PetscCall(FenPRISMHeader(p, file, n, header, &from, &line));
  FEN_MDP_CHECK(header[0] == p->header[0], p->f->comm, FEN_ERR_SHAPE,
                "file '%s' is for %" FENINT_FMT " states, '%s' has %" FENINT_FMT, p->name[file], header[0],
                p->name[FEN_PRISM_TRA], p->header[0]);
  PetscCall(FenPRISMBody(p, file, from, line));
  found = p->records.n - before;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_FENINT, MPI_SUM, p->f->comm));
  FEN_MDP_CHECK(found == header[n - 1], p->f->comm, FEN_ERR_FILE_FORMAT,
                "file '%s': %" FENINT_FMT " rewards, the first line says %" FENINT_FMT
                ": the file is truncated or changed",
                p->name[file], found, header[n - 1]);
  PetscFunctionReturn(0);
}

/* the number of the terminal label, out of 0="init" 1="deadlock" ... */
static PetscErrorCode FenPRISMTerminal(FenPRISM *p)
{
  char   head[4096], quoted[FEN_MDP_NAME + 4], *at;
  FenInt from, line;

  PetscFunctionBegin;
  PetscCall(FenMDPScanHead_Private(p->f->comm, p->name[FEN_PRISM_LAB], "#", head, sizeof(head), &from, &line));
  PetscCall(PetscSNPrintf(quoted, sizeof(quoted), "=\"%s\"", p->f->terminal));
  at = strstr(head, quoted);
  FEN_MDP_CHECK(at, p->f->comm, FEN_ERR_FILE_MISSING, "file '%s': no label \"%s\" among %.200s", p->name[FEN_PRISM_LAB],
                p->f->terminal, head);
  while (at > head && at[-1] >= '0' && at[-1] <= '9')
    at--;
  p->label = (FenInt)strtoll(at, NULL, 10);
  PetscCall(FenPRISMBody(p, FEN_PRISM_LAB, from, line));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPRISMRead(FenPRISM *p)
{
  PetscFunctionBegin;
  PetscCall(FenPRISMTransitions(p));
  for (int file = FEN_PRISM_SREW; file <= FEN_PRISM_TREW; file++) {
    PetscMPIInt rank;
    PetscBool   exists = PETSC_FALSE;

    PetscCallMPI(MPI_Comm_rank(p->f->comm, &rank));
    if (!rank)
      PetscCall(PetscTestFile(p->name[file], 'r', &exists));
    PetscCallMPI(MPI_Bcast(&exists, 1, MPIU_BOOL, 0, p->f->comm));
    if (exists)
      PetscCall(FenPRISMRewards(p, file));
  }
  if (p->f->terminal[0])
    PetscCall(FenPRISMTerminal(p));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReadPRISM_Private(const FenMDPFile *f, FenMDPModel *model)
{
  FenPRISM       p = {.f = f, .label = -1};
  const char    *names[FEN_PRISM_FILES];
  PetscErrorCode code;

  PetscFunctionBegin;
  for (int k = 0; k < FEN_PRISM_FILES; k++) {
    PetscCall(FenMDPSibling_Private(f->file, fen_prism_endings[k], p.name[k], sizeof(p.name[k])));
    names[k] = p.name[k];
  }
  code = FenPRISMRead(&p);
  if (code)
    PetscCall(PetscFree(p.records.record));
  PetscCall(code);
  PetscCall(FenMDPRecordsBuild_Private(f, names, p.header[0], &p.records, model));
  FEN_MDP_CHECK(f->terminal[0] || (*model)->sizes.rows == p.header[1], f->comm, FEN_ERR_FILE_FORMAT,
                "%s%" FENINT_FMT " choices, the first line says %" FENINT_FMT, f->where, (*model)->sizes.rows,
                p.header[1]);
  PetscFunctionReturn(0);
}

/* the lines of my rows, with probabilities or with rewards */
static PetscErrorCode FenPRISMText(FenMDPModel model, PetscBool rewards, FenMDPText *text)
{
  const FenMDPRows *rows = &model->rows;

  PetscFunctionBegin;
  if (!model->start && model->nlocal)
    PetscCall(FenMDPTextPut_Private(text, "%" FENINT_FMT " %" FENINT_FMT " %" FENINT_FMT "\n", model->sizes.states,
                                    model->sizes.rows, model->sizes.nnz));
  for (FenInt s = 0; s < rows->nstates; s++)
    for (FenInt k = rows->state_ptr[s]; k < rows->state_ptr[s + 1]; k++)
      for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++)
        PetscCall(FenMDPTextPut_Private(text, "%" FENINT_FMT " %d %" FENINT_FMT " %.17g\n", model->start + s,
                                        rows->action[k], rows->next[i],
                                        !rewards            ? rows->prob[i]
                                        : rows->reward_next ? rows->reward_next[i]
                                                            : rows->reward[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWritePRISM_Private(const FenMDPFile *f, FenMDPModel model)
{
  FenMDPText text = {NULL, 0, 0};
  char       rewards[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenMDPSibling_Private(f->file, fen_prism_endings[FEN_PRISM_TREW], rewards, sizeof(rewards)));
  PetscCall(FenPRISMText(model, PETSC_TRUE, &text));
  PetscCall(FenMDPTextWrite_Private(f, rewards, &text));
  PetscCall(FenPRISMText(model, PETSC_FALSE, &text));
  PetscCall(FenMDPTextWrite_Private(f, f->file, &text));
  PetscFunctionReturn(0);
}
