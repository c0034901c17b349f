/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows out of records: every rank has read some lines, of any states. Records go to the owners of their states, are
   sorted and become rows.
*/
#include "mdpfileimpl.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>

PetscErrorCode FenMDPRecordsAdd_Private(FenMDPRecords *r, const FenMDPRecord *record)
{
  PetscFunctionBegin;
  if (r->n == r->room) {
    size_t bytes;

    r->room = r->room + r->room / 2 + 1024;
    PetscCall(FenBytes(r->room, sizeof(FenMDPRecord), &bytes));
    PetscCall(PetscRealloc(bytes, &r->record));
  }
  r->record[r->n++] = *record;
  PetscFunctionReturn(0);
}

/* number of states, if the file does not say: states without a gap cannot be more than those mentioned */
static PetscErrorCode FenCountStates(const FenMDPFile *f, const FenMDPRecords *r, FenInt *nstates)
{
  FenInt most = -1, all;

  PetscFunctionBegin;
  for (FenInt i = 0; i < r->n; i++)
    most = PetscMax(most, PetscMax(r->record[i].state, r->record[i].next));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_FENINT, MPI_MAX, f->comm));
  PetscCallMPI(MPI_Allreduce(&r->n, &all, 1, MPI_FENINT, MPI_SUM, f->comm));
  FEN_MDP_CHECK(all > 0, f->comm, FEN_ERR_FILE_FORMAT, "%sno transitions", f->where);
  if (*nstates < 0)
    *nstates = most + 1;
  FEN_MDP_CHECK(most < *nstates, f->comm, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT " of %" FENINT_FMT "; rule: states are numbered from 0 to %" FENINT_FMT,
                f->where, most, *nstates, *nstates - 1);
  FEN_MDP_CHECK(*nstates <= 2 * all, f->comm, FEN_ERR_VALUE,
                "%s%" FENINT_FMT " states, but only %" FENINT_FMT
                " transitions; rule: states are numbered without gaps",
                f->where, *nstates, all);
  PetscFunctionReturn(0);
}

static int FenCompareInts(FenInt a, FenInt b)
{
  return (a > b) - (a < b);
}

static int FenCompareRecords(const void *x, const void *y)
{
  const FenMDPRecord *a = (const FenMDPRecord *)x, *b = (const FenMDPRecord *)y;
  int                 c = FenCompareInts(a->state, b->state);

  c = c ? c : FenCompareInts(a->action, b->action);
  c = c ? c : FenCompareInts(a->next, b->next);
  c = c ? c : a->kind - b->kind;
  return c ? c : FenCompareInts(a->line, b->line);
}

/* first entry of each rank's part of `total`, as FenLayoutCreateRows cuts them */
static PetscErrorCode FenOwners(FenLayout layout, PetscMPIInt size, FenInt start[])
{
  PetscFunctionBegin;
  for (PetscMPIInt r = 0; r < size; r++) {
    FenBox box;

    PetscCall(FenLayoutGetBox(layout, r, &box));
    start[r] = box.lo[0];
    start[r + 1] = box.hi[0];
  }
  PetscFunctionReturn(0);
}

/* records sorted by state go to the owners of their states */
static PetscErrorCode FenSendRecords(MPI_Comm comm, FenLayout layout, FenMDPRecords *r)
{
  PetscMPIInt   size, *count, *to, *from, *place;
  MPI_Datatype  type;
  FenInt       *start, k = 0, total = 0;
  FenMDPRecord *received;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc1((size_t)size + 1, &start));
  PetscCall(PetscCalloc1(4 * (size_t)size, &count));
  to = count + size;
  from = to + size;
  place = from + size;
  PetscCall(FenOwners(layout, size, start));
  for (PetscMPIInt q = 0; q < size; q++) {
    const FenInt first = k;

    while (k < r->n && r->record[k].state < start[q + 1])
      k++;
    PetscCall(FenMPIIntCast(first, &to[q]));
    PetscCall(FenMPIIntCast(k - first, &count[q]));
  }
  PetscCallMPI(MPI_Alltoall(count, 1, MPI_INT, from, 1, MPI_INT, comm));
  for (PetscMPIInt q = 0; q < size; q++) {
    PetscCall(FenMPIIntCast(total, &place[q]));
    total += from[q];
  }
  PetscCall(PetscMalloc1((size_t)PetscMax(total, 1), &received));
  PetscCallMPI(MPI_Type_contiguous((int)sizeof(FenMDPRecord), MPI_BYTE, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCallMPI(MPI_Alltoallv(r->record, count, to, type, received, from, place, type, comm));
  PetscCallMPI(MPI_Type_free(&type));
  PetscCall(PetscFree(r->record));
  PetscCall(PetscFree(count));
  PetscCall(PetscFree(start));
  *r = (FenMDPRecords){total, total, received};
  PetscFunctionReturn(0);
}

/* what is said of one state */
typedef struct {
  const FenMDPFile  *f;
  const char *const *names;
  FenMDPRows        *rows;
  FenInt             nrows, nnz;
  FenFault          *fault;
} FenBuilder;

static void FenRecordFault(FenBuilder *b, const FenMDPRecord *r, const char rule[])
{
  FenFaultSet(b->fault, FEN_ERR_VALUE,
              "file '%s', line %" FENINT_FMT ": state %" FENINT_FMT ", action %" FENINT_FMT ", successor %" FENINT_FMT
              ": %s",
              b->names[r->file], r->line, r->state, r->action, r->next, rule);
}

/* numbers of a record, named with their line */
static void FenCheckRecord(FenBuilder *b, const FenMDPRecord *r)
{
  if (r->kind == FEN_RECORD_PROB && !(isfinite(r->prob) && r->prob >= 0))
    FenFaultSet(b->fault, FEN_ERR_VALUE,
                "file '%s', line %" FENINT_FMT ": state %" FENINT_FMT ", action %" FENINT_FMT
                ": probability of successor %" FENINT_FMT " is %g; rule: probabilities are finite and not negative",
                b->names[r->file], r->line, r->state, r->action, r->next, r->prob);
  if (!isfinite(r->reward))
    FenFaultSet(b->fault, FEN_ERR_VALUE,
                "file '%s', line %" FENINT_FMT ": state %" FENINT_FMT ", action %" FENINT_FMT
                ": reward is %g; rule: rewards are finite",
                b->names[r->file], r->line, r->state, r->action, r->reward);
}

/* the row that a record belongs to, opened if it is new */
static void FenOpenRow(FenBuilder *b, const FenMDPRecord *r, FenInt first_row, double state_reward)
{
  if (b->nrows > first_row && b->rows->action[b->nrows - 1] == (int)r->action)
    return;
  b->rows->action[b->nrows] = (int)r->action;
  b->rows->reward[b->nrows++] = state_reward;
  b->rows->row_ptr[b->nrows] = b->nnz;
}

static void FenAddRecord(FenBuilder *b, const FenMDPRecord *r, const FenMDPRecord *before, FenInt first_row,
                         double state_reward)
{
  FenMDPRows     *rows = b->rows;
  const PetscBool again = before && before->action == r->action && before->next == r->next ? PETSC_TRUE : PETSC_FALSE;

  if (again && before->kind == r->kind)
    FenRecordFault(b, r, "comes twice; rule: once in a row");
  if (r->kind == FEN_RECORD_REWARD && !again)
    FenRecordFault(b, r, "has a reward and no probability; rule: rewards belong to transitions that exist");
  if (b->fault->code)
    return;
  FenOpenRow(b, r, first_row, state_reward);
  if (r->kind == FEN_RECORD_ROW)
    rows->reward[b->nrows - 1] += r->reward;
  else if (r->kind == FEN_RECORD_REWARD)
    rows->reward_next[b->nnz - 1] += r->reward;
  else {
    rows->next[b->nnz] = r->next;
    rows->prob[b->nnz] = r->prob;
    if (rows->prob_low) {
      rows->prob_low[b->nnz] = r->up > 0 ? r->low : r->prob;
      rows->prob_up[b->nnz] = r->up > 0 ? r->up : r->prob;
    }
    rows->reward_next[b->nnz++] = r->reward + rows->reward[b->nrows - 1];
    rows->row_ptr[b->nrows] = b->nnz;
  }
}

/* records [i,end) of one state */
static void FenAddState(FenBuilder *b, const FenMDPRecord record[], FenInt i, FenInt end)
{
  const FenInt first_row = b->nrows;
  double       state_reward = 0;

  if (i < end && record[i].kind == FEN_RECORD_TERMINAL)
    return;
  for (FenInt before = -1; i < end && !b->fault->code; before = i++) {
    FenCheckRecord(b, &record[i]);
    if (record[i].kind == FEN_RECORD_STATE)
      state_reward += record[i].reward;
    else
      FenAddRecord(b, &record[i], before >= 0 ? &record[before] : NULL, first_row, state_reward);
  }
}

/* rewards that do not depend on the successor belong to the row */
static PetscErrorCode FenCollapseRewards(MPI_Comm comm, FenMDPRows *rows)
{
  int by_next = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < rows->state_ptr[rows->nstates]; k++) {
    const FenInt first = rows->row_ptr[k];

    for (FenInt i = first; i < rows->row_ptr[k + 1]; i++)
      by_next = by_next || rows->reward_next[i] != rows->reward_next[first];
    if (rows->row_ptr[k + 1] > first)
      rows->reward[k] = rows->reward_next[first];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &by_next, 1, MPI_INT, MPI_MAX, comm));
  if (!by_next)
    PetscCall(PetscFree(rows->reward_next));
  PetscFunctionReturn(0);
}

/* bounds of probabilities if any line has them */
static PetscErrorCode FenAllocateBounds(MPI_Comm comm, const FenMDPRecords *r, FenMDPRows *rows)
{
  int any = 0;

  PetscFunctionBegin;
  for (FenInt i = 0; i < r->n && !any; i++)
    any = r->record[i].up > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, comm));
  if (!any)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)PetscMax(r->n, 1), &rows->prob_low));
  PetscCall(PetscMalloc1((size_t)PetscMax(r->n, 1), &rows->prob_up));
  PetscFunctionReturn(0);
}

/* the nominal law of a row of intervals: the same share of every interval */
static void FenCentre(FenBuilder *b, FenInt state, FenInt k)
{
  FenMDPRows *rows = b->rows;
  double      low = 0, up = 0, share;

  for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++) {
    low += rows->prob_low[i];
    up += rows->prob_up[i];
  }
  if (up <= low) /* no intervals */
    return;
  share = (1 - low) / (up - low);
  if (!(share >= -1e-10 && share <= 1 + 1e-10))
    FenFaultSet(b->fault, FEN_ERR_VALUE,
                "file '%s': state %" FENINT_FMT ", action %d: the lower bounds sum to %.15g, the upper ones to %.15g; "
                "rule: a law lies between them",
                b->names[0], state, rows->action[k], low, up);
  share = PetscMin(PetscMax(share, 0), 1);
  for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++)
    rows->prob[i] = rows->prob_low[i] + share * (rows->prob_up[i] - rows->prob_low[i]);
}

static PetscErrorCode FenBuildRows(const FenMDPFile *f, const char *const names[], FenLayout layout,
                                   const FenMDPRecords *r, FenMDPRows *rows)
{
  FenFault       fault = {0, ""};
  FenBuilder     b = {.f = f, .names = names, .rows = rows, .fault = &fault};
  FenInt         start, end, k = 0;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  PetscCall(FenMDPRowsAllocate_Private(end - start, r->n, r->n, PETSC_TRUE, rows));
  PetscCall(FenAllocateBounds(f->comm, r, rows));
  for (FenInt s = start; s < end; s++) {
    const FenInt first = k;

    while (k < r->n && r->record[k].state == s)
      k++;
    FenAddState(&b, r->record, first, k);
    rows->state_ptr[s - start + 1] = b.nrows;
    for (FenInt i = rows->state_ptr[s - start]; rows->prob_low && i < b.nrows; i++)
      FenCentre(&b, s, i);
  }
  code = FenFaultAgree(f->comm, &fault);
  if (code)
    PetscCall(FenMDPRowsFree_Private(rows));
  PetscCall(code);
  PetscCall(FenCollapseRewards(f->comm, rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBuildModel(const FenMDPFile *f, const char *const names[], FenInt nstates, FenMDPRecords *r,
                                    FenLayout *layout, FenMDPModel *model)
{
  const FenMDPRule rule = {
      .where = f->where, .substochastic = f->substochastic, .unique = PETSC_TRUE, .listed = f->listed};
  FenMDPRows rows;

  PetscFunctionBegin;
  PetscCall(FenCountStates(f, r, &nstates));
  PetscCall(FenLayoutCreateRows(f->comm, nstates, layout));
  qsort(r->record, (size_t)r->n, sizeof(FenMDPRecord), FenCompareRecords);
  PetscCall(FenSendRecords(f->comm, *layout, r));
  qsort(r->record, (size_t)r->n, sizeof(FenMDPRecord), FenCompareRecords);
  PetscCall(FenBuildRows(f, names, *layout, r, &rows));
  PetscCall(FenMDPModelTakeRows_Private(f->comm, &rows, &rule, model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPRecordsBuild_Private(const FenMDPFile *f, const char *const names[], FenInt nstates,
                                          FenMDPRecords *r, FenMDPModel *model)
{
  FenLayout      layout = NULL;
  PetscErrorCode code = FenBuildModel(f, names, nstates, r, &layout, model);

  PetscFunctionBegin;
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscFree(r->record));
  PetscCall(code);
  PetscFunctionReturn(0);
}
