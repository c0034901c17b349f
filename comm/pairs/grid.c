/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The grid: rank r*q + c works on all rows of the ranks in grid row r and all columns of the ranks in grid column c.
   Both come in pieces, one from each rank; work begins with the own rows and columns while the others travel. Then come
   the rows of the neighbours, whose accumulators travel home during the work on the next piece, and the own rows last.
   The owner merges what it gets in the order of the senders, whenever it has come.
*/
#include "pairsimpl.h"

/* the k-th piece is that of the k-th rank after me in my grid row (along = 0) or grid column (along = 1) */
static PetscMPIInt FenGridRank(FenPairs x, int along, PetscMPIInt k)
{
  const PetscMPIInt r = x->rank / x->q, c = x->rank % x->q;

  return along ? ((r + k + x->p) % x->p) * x->q + c : r * x->q + (c + k + x->q) % x->q;
}

typedef struct {
  PetscMPIInt    n;       /* pieces */
  FenPairsBlock *block;   /* piece 0 is my own */
  PetscMPIInt   *request; /* where the requests of each piece begin, one more at the end */
} FenPieces;

/* posts receives for the others' pieces and sends of my own */
static PetscErrorCode FenPiecesStart(FenPairs x, int along, PetscInt width, const double own[], FenPieces *pieces)
{
  const FenLayout   layout = along ? x->cols : x->rows;
  const PetscMPIInt tag = along ? x->tag_col : x->tag_row;
  FenBuffer        *buffer = along ? &x->col : &x->row;
  FenRequests      *requests = along ? &x->req_col : &x->req_row;
  FenInt            total = 0;

  PetscFunctionBegin;
  pieces->n = along ? x->p : x->q;
  PetscCall(PetscMalloc1((size_t)pieces->n, &pieces->block));
  PetscCall(PetscMalloc1((size_t)pieces->n + 1, &pieces->request));
  for (PetscMPIInt k = 0; k < pieces->n; k++) {
    PetscCall(FenPairsBlockOf_Private(layout, FenGridRank(x, along, k), own, &pieces->block[k]));
    total += k ? pieces->block[k].n * width : 0;
  }
  PetscCall(FenBufferReserve_Private(buffer, total));
  total = 0;
  for (PetscMPIInt k = 0; k < pieces->n; k++) {
    const FenInt n = k ? pieces->block[k].n * width : 0;

    pieces->request[k] = requests->n;
    if (k)
      pieces->block[k].data = buffer->data + total;
    if (n)
      PetscCall(FenIrecv_Private(buffer->data + total, n, FenGridRank(x, along, k), tag, x->comm, requests));
    total += n;
  }
  pieces->request[pieces->n] = requests->n;
  for (PetscMPIInt k = 1; k < pieces->n; k++)
    PetscCall(FenIsend_Private(own, pieces->block[0].n * width, FenGridRank(x, along, -k), tag, x->comm, &x->req_send));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPiecesWait(const FenPieces *pieces, PetscMPIInt k, FenRequests *requests)
{
  const PetscMPIInt first = pieces->request[k], n = pieces->request[k + 1] - first;

  PetscFunctionBegin;
  if (n)
    PetscCallMPI(MPI_Waitall(n, requests->request + first, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPiecesDestroy(FenPieces *pieces)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(pieces->block));
  PetscCall(PetscFree(pieces->request));
  PetscFunctionReturn(0);
}

/* one piece of rows with the pieces of columns from `from` on */
static PetscErrorCode FenGridRows(FenPairs x, const FenPairsTask *task, const FenPairsBlock *rows,
                                  const FenPieces *cols, PetscMPIInt from, PetscMPIInt to, double acc[])
{
  PetscFunctionBegin;
  for (PetscMPIInt i = from; i < to; i++) {
    PetscCall(FenPiecesWait(cols, i, &x->req_col));
    PetscCall(FenPairsWork_Private(x, task, rows, &cols->block[i], acc));
  }
  PetscFunctionReturn(0);
}

/* the rows of others; their accumulators go home while the next piece is worked on */
static PetscErrorCode FenGridOthers(FenPairs x, const FenPairsTask *task, const FenPieces *rows, const FenPieces *cols)
{
  double *acc;
  FenInt  total = 0;

  PetscFunctionBegin;
  for (PetscMPIInt j = 1; j < rows->n; j++)
    total += rows->block[j].n * task->nacc;
  PetscCall(FenBufferReserve_Private(&x->acc_out, total));
  acc = x->acc_out.data;
  for (PetscMPIInt j = 1; j < rows->n; j++) {
    const FenInt n = rows->block[j].n * task->nacc;

    for (FenInt k = 0; k < n; k++)
      acc[k] = task->neutral[k % task->nacc];
    PetscCall(FenPiecesWait(rows, j, &x->req_row));
    PetscCall(FenGridRows(x, task, &rows->block[j], cols, 0, cols->n, acc));
    PetscCall(FenIsend_Private(acc, n, FenGridRank(x, 0, j), x->tag_acc, x->comm, &x->req_send));
    acc += n;
  }
  PetscFunctionReturn(0);
}

/* in the order of the grid columns after mine */
static PetscErrorCode FenGridMerge(FenPairs x, FenPairsTask *task, FenInt n)
{
  const FenInt portion = PETSC_MPI_INT_MAX / 16 / PetscMax(1, task->per_row);

  PetscFunctionBegin;
  for (PetscMPIInt j = 1; j < x->q; j++) {
    double *in = x->acc_in.data + (j - 1) * n * task->nacc;

    for (FenInt k = 0; k < n; k += portion)
      PetscCallMPI(MPI_Reduce_local(in + k * task->nacc, task->acc + k * task->nacc,
                                    (PetscMPIInt)(PetscMin(portion, n - k) * task->per_row), task->type, task->op));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenPairsRun_Grid(FenPairs x, FenPairsTask *task)
{
  FenPieces rows, cols;
  FenInt    n;

  PetscFunctionBegin;
  PetscCall(FenPiecesStart(x, 1, task->ncol, task->col, &cols));
  PetscCall(FenPiecesStart(x, 0, task->nrow, task->row, &rows));
  n = rows.block[0].n;
  PetscCall(FenBufferReserve_Private(&x->acc_in, (x->q - 1) * n * task->nacc));
  for (PetscMPIInt j = 1; j < x->q; j++)
    PetscCall(FenIrecv_Private(x->acc_in.data + (j - 1) * n * task->nacc, n * task->nacc, FenGridRank(x, 0, j),
                               x->tag_acc, x->comm, &x->req_acc));
  PetscCall(FenGridRows(x, task, &rows.block[0], &cols, 0, 1, task->acc));
  PetscCall(FenGridOthers(x, task, &rows, &cols));
  PetscCall(FenGridRows(x, task, &rows.block[0], &cols, 1, cols.n, task->acc));
  PetscCall(FenRequestsWait_Private(&x->req_acc));
  PetscCall(FenGridMerge(x, task, n));
  PetscCall(FenRequestsWait_Private(&x->req_col));
  PetscCall(FenRequestsWait_Private(&x->req_row));
  PetscCall(FenRequestsWait_Private(&x->req_send));
  PetscCall(FenPiecesDestroy(&rows));
  PetscCall(FenPiecesDestroy(&cols));
  PetscFunctionReturn(0);
}
