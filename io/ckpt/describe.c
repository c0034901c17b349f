/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A solver's state as the data sets of a file.
*/
#include "ckptimpl.h"
#include <stdio.h>

const char *const FenCkptKindNames_Private[] = {"int", "real", "reals", "log", "array", "csr", NULL};

FenInt FenCkptElements_Private(const FenCkptData *data)
{
  FenInt n = 1;

  for (PetscInt a = 0; a < data->rank; a++)
    n *= data->shape[a];
  return n;
}

void FenCkptNameData_Private(FenCkptItem *item)
{
  static const char *const members[3] = {"/indptr", "/indices", "/data"};
  const PetscBool          csr = item->kind == FEN_STATE_CSR ? PETSC_TRUE : PETSC_FALSE;
  char                     name[FEN_CKPT_NAME]; /* item's own would look like an overlap to the compiler */

  (void)memcpy(name, item->name, sizeof(name));
  item->ndata = csr ? 3 : 1;
  for (int d = 0; d < (csr ? 3 : 1); d++) {
    FenCkptData *data = &item->data[d];
    (void)snprintf(data->path, sizeof(data->path), "/%s%s", name, csr ? members[d] : "");
    data->integers = item->kind == FEN_STATE_INT || (csr && d < 2);
  }
}

static void SetShape(FenCkptData *data, PetscInt rank, FenInt n0, FenInt n1)
{
  data->rank = rank;
  data->shape[0] = n0;
  data->shape[1] = n1;
}

static PetscErrorCode DescribeArray(const FenStateEntry *entry, FenCkptItem *item)
{
  FenCkptData *data = &item->data[0];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(entry->layout, &data->rank));
  PetscCall(FenLayoutGetShape(entry->layout, data->shape));
  if (entry->ncomp > 1)
    data->shape[data->rank++] = entry->ncomp;
  PetscFunctionReturn(0);
}

/* rows lie in rank order */
static PetscErrorCode DescribeCSR(MPI_Comm comm, const FenStateEntry *entry, FenCkptItem *item)
{
  const FenSparse *matrix = (const FenSparse *)entry->data;
  FenInt           rows, mine, nnz, nlocal;
  PetscMPIInt      rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetSize(entry->layout, &rows));
  PetscCall(FenLayoutGetLocalSize(entry->layout, &nlocal));
  mine = matrix->ptr ? matrix->ptr[nlocal] - matrix->ptr[0] : 0;
  PetscCallMPI(MPI_Allreduce(&mine, &nnz, 1, MPI_FENINT, MPI_SUM, comm));
  PetscCallMPI(MPI_Exscan(&mine, &item->first, 1, MPI_FENINT, MPI_SUM, comm));
  if (!rank)
    item->first = 0;
  SetShape(&item->data[0], 1, rows + 1, 0);
  SetShape(&item->data[1], 1, nnz, 0);
  SetShape(&item->data[2], 1, nnz, 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode DescribeEntry(MPI_Comm comm, const FenStateEntry *entry, FenCkptItem *item)
{
  const FenLog *log = (const FenLog *)entry->data;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(item->name, sizeof(item->name), "%s", entry->name));
  item->kind = entry->kind;
  FenCkptNameData_Private(item);
  switch (entry->kind) {
  case FEN_STATE_INT:
  case FEN_STATE_REAL:
    SetShape(&item->data[0], 1, 1, 0);
    break;
  case FEN_STATE_REALS:
    SetShape(&item->data[0], 1, entry->n, 0);
    break;
  case FEN_STATE_LOG:
    SetShape(&item->data[0], 2, log->nrows, log->ncols);
    break;
  case FEN_STATE_ARRAY:
    PetscCall(DescribeArray(entry, item));
    break;
  case FEN_STATE_CSR:
    PetscCall(DescribeCSR(comm, entry, item));
    break;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenCkptDescribe_Private(FenState state, PetscBool fingerprints, PetscInt *n, FenCkptItem *items[])
{
  MPI_Comm             comm;
  const FenStateEntry *entries;
  FenInt               size;

  PetscFunctionBegin;
  PetscCall(FenStateGetComm(state, &comm));
  PetscCall(FenStateGetEntries(state, n, &entries));
  PetscCheck(*n <= FEN_CKPT_MAX_ITEMS, comm, FEN_ERR_SIZE, "a state of %" PetscInt_FMT " entries, at most %d", *n,
             FEN_CKPT_MAX_ITEMS);
  PetscCall(PetscCalloc1(*n, items));
  for (PetscInt i = 0; i < *n; i++) {
    PetscCheck(strlen(entries[i].name) < FEN_CKPT_NAME, comm, FEN_ERR_INTERNAL,
               "state '%.40s...': the name is too long", entries[i].name);
    PetscCall(DescribeEntry(comm, &entries[i], &(*items)[i]));
    for (PetscInt d = 0; d < (*items)[i].ndata; d++)
      PetscCall(FenShapeSize_Private((*items)[i].data[d].rank, (*items)[i].data[d].shape, &size));
    if (fingerprints)
      PetscCall(FenStateFingerprint(state, i, &(*items)[i].fingerprint));
  }
  PetscFunctionReturn(0);
}
