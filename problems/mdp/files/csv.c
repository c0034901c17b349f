/* SPDX-License-Identifier: BSD-2-Clause */
/*
   State-action tables: one transition a line, state, action, next state, probability, reward; '#' begins a comment, the
   first line may name the columns.
*/
#include "mdpfileimpl.h"
#include <ctype.h>
#include <limits.h>

static PetscErrorCode FenReadTable(FenMDPScan *scan, FenMDPRecords *records)
{
  PetscFunctionBegin;
  while (FenMDPScanLine_Private(scan, "#")) {
    FenMDPRecord r = {.kind = FEN_RECORD_PROB};

    r.line = scan->line;
    r.state = FenMDPScanInt_Private(scan, "the number of a state", 0, INT64_MAX - 1);
    r.action = FenMDPScanInt_Private(scan, "the number of an action", 0, INT_MAX - 1);
    r.next = FenMDPScanInt_Private(scan, "the number of the next state", 0, INT64_MAX - 1);
    r.prob = FenMDPScanReal_Private(scan, "a probability");
    r.reward = FenMDPScanReal_Private(scan, "a reward");
    if (!scan->fault->code && !FenMDPScanEnd_Private(scan))
      FenMDPScanFault_Private(scan, "the end of the line");
    if (!scan->fault->code)
      PetscCall(FenMDPRecordsAdd_Private(records, &r));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReadCSV_Private(const FenMDPFile *f, FenMDPModel *model)
{
  const char *const names[1] = {f->file};
  FenFault          fault = {0, ""};
  FenMDPScan        scan;
  FenMDPRecords     records = {0, 0, NULL};
  FenInt            from, line;
  char              head[16];
  PetscErrorCode    code;

  PetscFunctionBegin;
  PetscCall(FenMDPScanHead_Private(f->comm, f->file, "#", head, sizeof(head), &from, &line));
  if (!isalpha((unsigned char)head[0]) && head[0] != '"') { /* no names of columns */
    from = 0;
    line = 1;
  }
  PetscCall(FenMDPScanOpen_Private(f->comm, f->file, from, line, &fault, &scan));
  PetscCall(FenReadTable(&scan, &records));
  PetscCall(FenMDPScanClose_Private(&scan));
  code = FenFaultAgree(f->comm, &fault);
  if (code)
    PetscCall(PetscFree(records.record));
  PetscCall(code);
  PetscCall(FenMDPRecordsBuild_Private(f, names, -1, &records, model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteCSV_Private(const FenMDPFile *f, FenMDPModel model)
{
  const FenMDPRows *rows = &model->rows;
  FenMDPText        text = {NULL, 0, 0};
  FenInt            most = -1;

  PetscFunctionBegin;
  if (!model->start && model->nlocal)
    PetscCall(FenMDPTextPut_Private(&text, "state,action,next,probability,reward\n"));
  for (FenInt s = 0; s < rows->nstates; s++)
    for (FenInt k = rows->state_ptr[s]; k < rows->state_ptr[s + 1]; k++)
      for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++) {
        PetscCall(FenMDPTextPut_Private(&text, "%" FENINT_FMT ",%d,%" FENINT_FMT ",%.17g,%.17g\n", model->start + s,
                                        rows->action[k], rows->next[i], rows->prob[i],
                                        rows->reward_next ? rows->reward_next[i] : rows->reward[k]));
        most = PetscMax(most, PetscMax(model->start + s, rows->next[i]));
      }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_FENINT, MPI_MAX, f->comm));
  if (most < model->sizes.states - 1)
    PetscCall(PetscFree(text.text));
  FEN_MDP_CHECK(most == model->sizes.states - 1, f->comm, FEN_ERR_USAGE,
                "%sthe format cannot hold states without transitions at the end: the last of %" FENINT_FMT
                " states is mentioned nowhere",
                f->where, model->sizes.states);
  PetscCall(FenMDPTextWrite_Private(f, f->file, &text));
  PetscFunctionReturn(0);
}
