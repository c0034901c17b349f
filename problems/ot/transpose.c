/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A matrix owned by rows becomes one owned by columns: in round k every rank gives a block to the rank k after it and
   takes one from the rank k before it, so that no more than two blocks are in flight.
*/
#include "measureimpl.h"

static PetscErrorCode FenRankRange(FenLayout layout, PetscMPIInt rank, FenInt *start, PetscMPIInt *length)
{
  FenBox box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(layout, rank, &box));
  *start = box.lo[0];
  PetscCall(FenMPIIntCast(box.hi[0] - box.lo[0], length));
  PetscFunctionReturn(0);
}

static void FenPackBlock(FenInt nrows, FenInt m, FenInt col0, FenInt ncols, const double byrow[], double block[])
{
  for (FenInt j = 0; j < ncols; j++)
    for (FenInt i = 0; i < nrows; i++)
      block[j * nrows + i] = byrow[i * m + col0 + j];
}

static void FenUnpackBlock(FenInt row0, FenInt nrows, FenInt n, FenInt ncols, const double block[], double bycol[])
{
  for (FenInt j = 0; j < ncols; j++)
    for (FenInt i = 0; i < nrows; i++)
      bycol[j * n + row0 + i] = block[j * nrows + i];
}

/* columns of different lengths travel as one item each, so that counts stay small */
static PetscErrorCode FenBlockExchange(MPI_Comm comm, PetscMPIInt to, PetscMPIInt sent_rows, PetscMPIInt sent_cols,
                                       const double sent[], PetscMPIInt from, PetscMPIInt rows, PetscMPIInt cols,
                                       double received[])
{
  MPI_Datatype out, in;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Type_contiguous(sent_rows, MPI_DOUBLE, &out));
  PetscCallMPI(MPI_Type_contiguous(rows, MPI_DOUBLE, &in));
  PetscCallMPI(MPI_Type_commit(&out));
  PetscCallMPI(MPI_Type_commit(&in));
  PetscCallMPI(MPI_Sendrecv(sent, sent_cols, out, to, 0, received, cols, in, from, 0, comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Type_free(&out));
  PetscCallMPI(MPI_Type_free(&in));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenAllocateBlock(FenInt rows, FenInt cols, double *block[])
{
  size_t bytes;

  PetscFunctionBegin;
  PetscCall(FenBytes(rows * cols, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, block));
  PetscFunctionReturn(0);
}

/* byrow: my rows x m, bycol: my columns x n */
PetscErrorCode FenTranspose_Private(FenLayout rows, FenLayout cols, const double byrow[], double bycol[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)rows);
  FenInt         n, m, start;
  PetscMPIInt    size, rank, nrows, ncols;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetSize(rows, &n));
  PetscCall(FenLayoutGetSize(cols, &m));
  PetscCall(FenRankRange(rows, rank, &start, &nrows));
  PetscCall(FenRankRange(cols, rank, &start, &ncols));
  for (PetscMPIInt k = 0; k < size; k++) {
    const PetscMPIInt to = (rank + k) % size, from = (rank - k + size) % size;
    FenInt            col0 = 0, row0 = 0;
    PetscMPIInt       sent_cols, received_rows;
    double           *sent, *received;

    PetscCall(FenRankRange(cols, to, &col0, &sent_cols));
    PetscCall(FenRankRange(rows, from, &row0, &received_rows));
    PetscCall(FenAllocateBlock(nrows, sent_cols, &sent));
    PetscCall(FenAllocateBlock(received_rows, ncols, &received));
    FenPackBlock(nrows, m, col0, sent_cols, byrow, sent);
    PetscCall(FenBlockExchange(comm, to, nrows, sent_cols, sent, from, received_rows, ncols, received));
    FenUnpackBlock(row0, received_rows, n, ncols, received, bycol);
    PetscCall(PetscFree(sent));
    PetscCall(PetscFree(received));
  }
  PetscFunctionReturn(0);
}
