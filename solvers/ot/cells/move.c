/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Moves cells between ranks: their sparse rows, and a few numbers for each of their pixels. A plan knows who talks to
   whom; one message each, both ways. Nobody is told of more ranks than he has business with.
*/
#include "cells.h"

struct _FenMove {
  MPI_Comm     comm;
  PetscMPIInt  tag, me;
  PetscMPIInt  nto, nfrom, *to, *from;
  FenInt      *tostart, *fromstart;
  FenInt      *sendslot, *key, *slot; /* of rows that leave; of rows that arrive */
  PetscMPIInt  npending;
  double     **buffer, *self; /* self: what stays on this rank */
  PetscMPIInt  nself;         /* its length */
  MPI_Request *request;
};

typedef struct {
  PetscMPIInt to;
  FenInt      slot, key;
} Row;

static int RowLess(const void *a, const void *b)
{
  const Row *x = (const Row *)a, *y = (const Row *)b;

  if (x->to != y->to)
    return x->to < y->to ? -1 : 1;
  return (x->key > y->key) - (x->key < y->key);
}

typedef struct {
  PetscMPIInt from;
  FenInt      count;
} Sender;

static int SenderLess(const void *a, const void *b)
{
  const PetscMPIInt x = ((const Sender *)a)->from, y = ((const Sender *)b)->from;

  return (x > y) - (x < y);
}

/* whom I get rows from, and how many, by rank */
static PetscErrorCode FindSenders(FenMove v, const FenInt counts[])
{
  PetscMPIInt *from;
  FenInt      *fromcounts;
  Sender      *s;

  PetscFunctionBegin;
  PetscCall(PetscCommBuildTwoSided(v->comm, 1, MPI_FENINT, v->nto, v->to, counts, &v->nfrom, &from, &fromcounts));
  PetscCall(PetscMalloc1(v->nfrom, &s));
  for (PetscMPIInt k = 0; k < v->nfrom; k++)
    s[k] = (Sender){from[k], fromcounts[k]};
  if (v->nfrom > 1)
    qsort(s, (size_t)v->nfrom, sizeof(Sender), SenderLess);
  PetscCall(PetscMalloc2(v->nfrom, &v->from, (v->nfrom + 1), &v->fromstart));
  v->fromstart[0] = 0;
  for (PetscMPIInt k = 0; k < v->nfrom; k++) {
    v->from[k] = s[k].from;
    v->fromstart[k + 1] = v->fromstart[k] + s[k].count;
  }
  PetscCall(PetscFree(s));
  PetscCall(PetscFree(from));
  PetscCall(PetscFree(fromcounts));
  PetscFunctionReturn(0);
}

static PetscErrorCode ExchangeKeys(FenMove v, const FenInt sendkey[])
{
  MPI_Request *request;
  PetscMPIInt  n;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((v->nto + v->nfrom), &request));
  for (PetscMPIInt k = 0; k < v->nfrom; k++) {
    PetscCall(FenMPIIntCast(v->fromstart[k + 1] - v->fromstart[k], &n));
    PetscCallMPI(MPI_Irecv(v->key + v->fromstart[k], n, MPI_FENINT, v->from[k], v->tag, v->comm, &request[k]));
  }
  for (PetscMPIInt k = 0; k < v->nto; k++) {
    PetscCall(FenMPIIntCast(v->tostart[k + 1] - v->tostart[k], &n));
    PetscCallMPI(MPI_Isend(sendkey + v->tostart[k], n, MPI_FENINT, v->to[k], v->tag, v->comm, &request[v->nfrom + k]));
  }
  PetscCallMPI(MPI_Waitall(v->nto + v->nfrom, request, MPI_STATUSES_IGNORE));
  PetscCall(PetscFree(request));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveCreate(MPI_Comm comm, FenInt n, const FenInt slot[], const FenInt key[], const PetscMPIInt to[],
                             FenMove *move)
{
  FenMove v;
  Row    *row;
  FenInt *counts, *sendkey;

  PetscFunctionBegin;
  PetscCall(PetscNew(&v));
  PetscCall(PetscCommDuplicate(comm, &v->comm, &v->tag));
  PetscCallMPI(MPI_Comm_rank(v->comm, &v->me));
  PetscCall(PetscMalloc1(n, &row));
  for (FenInt k = 0; k < n; k++)
    row[k] = (Row){to[k], slot[k], key[k]};
  if (n > 1)
    qsort(row, (size_t)n, sizeof(Row), RowLess);
  PetscCall(PetscMalloc3(n, &v->sendslot, n, &v->to, (n + 1), &v->tostart));
  PetscCall(PetscMalloc2(n, &sendkey, n, &counts));
  for (FenInt k = 0; k < n; k++) {
    if (!k || row[k].to != row[k - 1].to) {
      v->to[v->nto] = row[k].to;
      v->tostart[v->nto++] = k;
    }
    v->sendslot[k] = row[k].slot;
    sendkey[k] = row[k].key;
  }
  v->tostart[v->nto] = n;
  for (PetscMPIInt k = 0; k < v->nto; k++)
    counts[k] = v->tostart[k + 1] - v->tostart[k];
  PetscCall(FindSenders(v, counts));
  PetscCall(PetscMalloc2(v->fromstart[v->nfrom], &v->key, v->fromstart[v->nfrom], &v->slot));
  PetscCall(ExchangeKeys(v, sendkey));
  PetscCall(PetscMalloc2((v->nto + v->nfrom), &v->buffer, (v->nto + v->nfrom), &v->request));
  PetscCall(PetscFree2(sendkey, counts));
  PetscCall(PetscFree(row));
  *move = v;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveGetKeys(FenMove v, FenInt *n, const FenInt *key[])
{
  PetscFunctionBegin;
  *n = v->fromstart[v->nfrom];
  *key = v->key;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveSetSlots(FenMove v, const FenInt slot[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(v->slot, slot, v->fromstart[v->nfrom]));
  PetscFunctionReturn(0);
}

/* a row: number of entries, pixels, then targets (bits of integers), shares, weights of targets */
static PetscErrorCode Send(FenMove v, PetscMPIInt rank, FenInt n, const FenInt slot[], const FenRows *R,
                           PetscInt narrays, PetscInt npixels, double *const pixels[])
{
  FenInt      length = 0;
  PetscMPIInt count;
  size_t      bytes;
  double     *b;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    length += 1 + narrays * npixels + 3 * R->count[slot[k]];
  PetscCall(FenMPIIntCast(length, &count));
  PetscCall(FenBytes(length, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &b));
  v->buffer[v->npending] = b;
  for (FenInt k = 0; k < n; k++) {
    const FenInt s = slot[k], m = R->count[s], f = R->first[s];

    *b++ = (double)m;
    for (PetscInt q = 0; q < narrays; q++, b += npixels)
      PetscCall(PetscArraycpy(b, pixels[q] + s * npixels, npixels));
    if (m) {
      PetscCall(PetscMemcpy(b, R->idx + f, (size_t)m * sizeof(double)));
      PetscCall(PetscArraycpy(b + m, R->val + f, m));
      PetscCall(PetscArraycpy(b + 2 * m, R->nu + f, m));
    }
    b += 3 * m;
  }
  v->request[v->npending] = MPI_REQUEST_NULL;
  if (rank == v->me) {
    v->self = v->buffer[v->npending];
    v->nself = count;
  } else
    PetscCallMPI(MPI_Isend(v->buffer[v->npending], count, MPI_DOUBLE, rank, v->tag, v->comm, &v->request[v->npending]));
  v->npending++;
  PetscFunctionReturn(0);
}

static PetscErrorCode Receive(FenMove v, PetscMPIInt rank, FenInt n, const FenInt slot[], FenRows *R, PetscInt narrays,
                              PetscInt npixels, double *const pixels[])
{
  MPI_Status  status;
  PetscMPIInt count = v->nself;
  double     *buffer = NULL, *b = v->self;

  PetscFunctionBegin;
  if (rank != v->me) {
    PetscCallMPI(MPI_Probe(rank, v->tag, v->comm, &status));
    PetscCallMPI(MPI_Get_count(&status, MPI_DOUBLE, &count));
    PetscCall(PetscMalloc1(count, &buffer));
    PetscCallMPI(MPI_Recv(buffer, count, MPI_DOUBLE, rank, v->tag, v->comm, MPI_STATUS_IGNORE));
    b = buffer;
  }
  PetscCall(FenRowsOpen(R, (count - n * (1 + narrays * npixels)) / 3)); /* entries of all rows */
  for (FenInt k = 0; k < n; k++) {
    const FenInt m = (FenInt)*b++;

    for (PetscInt q = 0; q < narrays; q++, b += npixels)
      PetscCall(PetscArraycpy(pixels[q] + slot[k] * npixels, b, npixels));
    PetscCall(FenRowsOpen(R, m));
    if (m) {
      PetscCall(PetscMemcpy(R->idx + R->used, b, (size_t)m * sizeof(double)));
      PetscCall(PetscArraycpy(R->val + R->used, b + m, m));
      PetscCall(PetscArraycpy(R->nu + R->used, b + 2 * m, m));
    }
    FenRowsClose(R, slot[k], m);
    b += 3 * m;
  }
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveBegin(FenMove v, PetscBool back, const FenRows *R, PetscInt narrays, PetscInt npixels,
                            double *const pixels[])
{
  const PetscMPIInt n = back ? v->nfrom : v->nto, *rank = back ? v->from : v->to;
  const FenInt     *start = back ? v->fromstart : v->tostart, *slot = back ? v->slot : v->sendslot;

  PetscFunctionBegin;
  v->npending = 0;
  for (PetscMPIInt k = 0; k < n; k++)
    PetscCall(Send(v, rank[k], start[k + 1] - start[k], slot + start[k], R, narrays, npixels, pixels));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveEnd(FenMove v, PetscBool back, FenRows *R, PetscInt narrays, PetscInt npixels,
                          double *const pixels[])
{
  const PetscMPIInt n = back ? v->nto : v->nfrom, *rank = back ? v->to : v->from;
  const FenInt     *start = back ? v->tostart : v->fromstart, *slot = back ? v->sendslot : v->slot;

  PetscFunctionBegin;
  for (PetscMPIInt k = 0; k < n; k++)
    PetscCall(Receive(v, rank[k], start[k + 1] - start[k], slot + start[k], R, narrays, npixels, pixels));
  PetscCallMPI(MPI_Waitall(v->npending, v->request, MPI_STATUSES_IGNORE));
  for (PetscMPIInt k = 0; k < v->npending; k++)
    PetscCall(PetscFree(v->buffer[k]));
  v->npending = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMoveDestroy(FenMove *move)
{
  FenMove v = *move;

  PetscFunctionBegin;
  if (!v)
    PetscFunctionReturn(0);
  PetscCall(PetscFree2(v->from, v->fromstart));
  PetscCall(PetscFree3(v->sendslot, v->to, v->tostart));
  PetscCall(PetscFree2(v->key, v->slot));
  PetscCall(PetscFree2(v->buffer, v->request));
  PetscCall(PetscCommDestroy(&v->comm));
  PetscCall(PetscFree(*move));
  PetscFunctionReturn(0);
}
