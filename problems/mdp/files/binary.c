/* SPDX-License-Identifier: BSD-2-Clause */
/*
   PETSc's binary matrices, stacked as madupite has them: probabilities in a sparse (n m) x n matrix whose row s m + a
   belongs to state s and action a, and rewards in an n x m matrix, sparse or dense, or in a vector of n m. Big-endian;
   integers of 32 bits, or of 64 as PETSc with 64-bit indices writes them. Every rank reads the rows of its states.
*/
#include "mdpfileimpl.h"
#include <limits.h>

#define FEN_PETSC_MATRIX ((FenInt)1211216)
#define FEN_PETSC_VECTOR ((FenInt)1211214)
#define FEN_PETSC_HEADER 4
#define FEN_REAL_BYTES   ((FenInt)8)

typedef struct {
  const FenMDPFile *f;
  const char       *name;
  FenStream         stream;
  FenInt            width;           /* bytes of an integer */
  FenInt            rows, cols, nnz; /* nnz < 0: dense; vectors have one column and are dense */
  FenInt            begin;           /* where the data begin */
} FenBinary;

static FenInt FenBigInt(const unsigned char *p, FenInt width)
{
  uint64_t value = width == 4 && (p[0] & 0x80) ? UINT64_MAX : 0;

  for (FenInt i = 0; i < width; i++)
    value = value << 8 | p[i];
  return (FenInt)value;
}

static void FenPutBigInt(unsigned char *p, FenInt width, FenInt value)
{
  for (FenInt i = width; i-- > 0; value >>= 8)
    p[i] = (unsigned char)(value & 0xff);
}

/* n integers or doubles from a place in the file */
static PetscErrorCode FenReadBigInts(const FenBinary *b, FenInt offset, FenInt n, FenInt values[])
{
  unsigned char *bytes = (unsigned char *)values;

  PetscFunctionBegin;
  bytes += (8 - b->width) * n; /* at the end of the array: what is converted is not needed any more */
  PetscCall(FenStreamRead(b->stream, offset, n * b->width, bytes));
  for (FenInt i = 0; i < n; i++)
    values[i] = FenBigInt(bytes + i * b->width, b->width);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadBigReals(const FenBinary *b, FenInt offset, FenInt n, double values[])
{
  PetscFunctionBegin;
  PetscCall(FenStreamRead(b->stream, offset, n * FEN_REAL_BYTES, values));
  for (FenInt i = 0; i < n; i++) {
    const FenInt word = FenBigInt((const unsigned char *)(values + i), FEN_REAL_BYTES);

    memcpy(values + i, &word, sizeof(word));
  }
  PetscFunctionReturn(0);
}

/* what the file is; its length must fit */
static PetscErrorCode FenBinaryHeader(FenBinary *b)
{
  unsigned char bytes[8 * FEN_PETSC_HEADER] = {0};
  FenInt        size, head[FEN_PETSC_HEADER], need, entries;
  PetscBool     vector;

  PetscFunctionBegin;
  PetscCall(FenStreamGetSize(b->stream, &size));
  PetscCall(FenStreamRead(b->stream, 0, PetscMin(size, (FenInt)sizeof(bytes)), bytes));
  b->width = FenBigInt(bytes, 8) == FEN_PETSC_MATRIX || FenBigInt(bytes, 8) == FEN_PETSC_VECTOR ? 8 : 4;
  for (FenInt k = 0; k < FEN_PETSC_HEADER; k++)
    head[k] = FenBigInt(bytes + k * b->width, b->width);
  vector = head[0] == FEN_PETSC_VECTOR ? PETSC_TRUE : PETSC_FALSE;
  FEN_MDP_CHECK(vector || head[0] == FEN_PETSC_MATRIX, b->f->comm, FEN_ERR_FILE_FORMAT,
                "file '%s' is no matrix or vector in PETSc's binary format", b->name);
  b->rows = head[1];
  b->cols = vector ? 1 : head[2];
  b->nnz = vector ? -1 : head[3];
  b->begin = (vector ? 2 : FEN_PETSC_HEADER) * b->width;
  FEN_MDP_CHECK(b->rows > 0 && b->cols > 0 && b->nnz >= -1, b->f->comm, FEN_ERR_FILE_FORMAT,
                "file '%s': a matrix of %" FENINT_FMT " x %" FENINT_FMT " with %" FENINT_FMT " entries", b->name,
                b->rows, b->cols, b->nnz);
  PetscCall(FenIntMult(b->rows, b->cols, &entries));
  PetscCall(FenIntMult(b->nnz < 0 ? entries : b->nnz, FEN_REAL_BYTES + (b->nnz < 0 ? 0 : b->width), &need));
  need += b->begin + (b->nnz < 0 ? 0 : b->rows * b->width);
  FEN_MDP_CHECK(size >= need, b->f->comm, FEN_ERR_FILE_FORMAT,
                "file '%s' is truncated: %" FENINT_FMT " bytes, its head needs %" FENINT_FMT, b->name, size, need);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBinaryOpen(const FenMDPFile *f, const char name[], FenBinary *b)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  *b = (FenBinary){.f = f, .name = name};
  PetscCall(FenStreamOpen(f->comm, name, FEN_FILE_READ, &b->stream));
  code = FenBinaryHeader(b);
  if (code)
    PetscCall(FenStreamClose(&b->stream));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* row pointers of my rows, from 0, and the number of entries before them */
static PetscErrorCode FenBinaryPointers(const FenBinary *b, FenInt start, FenInt n, FenInt ptr[], FenInt *before)
{
  FenFault    fault = {0, ""};
  FenInt      total;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(b->f->comm, &rank));
  ptr[0] = 0;
  PetscCall(FenReadBigInts(b, b->begin + start * b->width, n, ptr + 1));
  for (FenInt k = 0; k < n; k++) {
    if (ptr[k + 1] < 0 || ptr[k + 1] > b->nnz)
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "file '%s': row %" FENINT_FMT " has %" FENINT_FMT " entries", b->name,
                  start + k, ptr[k + 1]);
    ptr[k + 1] = fault.code ? ptr[k] : ptr[k] + ptr[k + 1];
  }
  PetscCall(FenFaultAgree(b->f->comm, &fault));
  PetscCallMPI(MPI_Allreduce(&ptr[n], &total, 1, MPI_FENINT, MPI_SUM, b->f->comm));
  FEN_MDP_CHECK(total == b->nnz, b->f->comm, FEN_ERR_FILE_FORMAT,
                "file '%s': its rows have %" FENINT_FMT " entries, its head says %" FENINT_FMT, b->name, total, b->nnz);
  *before = 0;
  PetscCallMPI(MPI_Exscan(&ptr[n], before, 1, MPI_FENINT, MPI_SUM, b->f->comm));
  if (!rank)
    *before = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBinaryEntries(const FenBinary *b, FenInt before, FenInt n, FenInt col[], double val[])
{
  const FenInt cols = b->begin + b->rows * b->width;

  PetscFunctionBegin;
  PetscCall(FenReadBigInts(b, cols + before * b->width, n, col));
  PetscCall(FenReadBigReals(b, cols + b->nnz * b->width + before * FEN_REAL_BYTES, n, val));
  PetscFunctionReturn(0);
}

/* sparse rewards of my states: what is not there is zero */
static PetscErrorCode FenSparseRewards(const FenBinary *b, FenInt m, FenInt start, FenInt nlocal, double reward[])
{
  FenFault fault = {0, ""};
  FenInt  *ptr, *col = NULL, before;
  double  *val = NULL;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)nlocal + 1, &ptr));
  PetscCall(FenBinaryPointers(b, start, nlocal, ptr, &before));
  PetscCall(PetscMalloc1((size_t)ptr[nlocal] + 1, &col));
  PetscCall(PetscMalloc1((size_t)ptr[nlocal] + 1, &val));
  PetscCall(FenBinaryEntries(b, before, ptr[nlocal], col, val));
  PetscCall(PetscArrayzero(reward, (size_t)(nlocal * m)));
  for (FenInt s = 0; s < nlocal; s++)
    for (FenInt k = ptr[s]; k < ptr[s + 1]; k++) {
      if (col[k] < 0 || col[k] >= m)
        FenFaultSet(&fault, FEN_ERR_VALUE,
                    "file '%s': state %" FENINT_FMT " has a reward of action %" FENINT_FMT "; rule: 0 to %" FENINT_FMT,
                    b->name, start + s, col[k], m - 1);
      else
        reward[s * m + col[k]] += val[k];
    }
  PetscCall(PetscFree(ptr));
  PetscCall(PetscFree(col));
  PetscCall(PetscFree(val));
  PetscCall(FenFaultAgree(b->f->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBinaryRewards(const FenMDPFile *f, FenInt n, FenInt m, FenInt start, FenInt nlocal,
                                       double reward[])
{
  FenBinary      b;
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  PetscCall(FenBinaryOpen(f, f->rewards, &b));
  if ((b.rows == n && b.cols == m && b.nnz >= 0))
    code = FenSparseRewards(&b, m, start, nlocal, reward);
  else if (b.nnz < 0 && ((b.rows == n && b.cols == m) || (b.rows == n * m && b.cols == 1)))
    code = FenReadBigReals(&b, b.begin + start * m * FEN_REAL_BYTES, nlocal * m, reward);
  PetscCall(FenStreamClose(&b.stream));
  PetscCall(code);
  FEN_MDP_CHECK((b.rows == n && b.cols == m) || (b.nnz < 0 && b.rows == n * m && b.cols == 1), f->comm, FEN_ERR_SHAPE,
                "file '%s' is %" FENINT_FMT " x %" FENINT_FMT "; rule: rewards of '%s' are %" FENINT_FMT
                " x %" FENINT_FMT,
                f->rewards, b.rows, b.cols, f->file, n, m);
  PetscFunctionReturn(0);
}

/* my rows; what is allocated stays in `rows` after an error */
static PetscErrorCode FenBinaryRows(const FenBinary *b, FenMDPRows *rows)
{
  const FenInt n = b->cols, m = b->rows / n;
  FenLayout    layout;
  FenInt       start, end, before;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRows(b->f->comm, n, &layout));
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  PetscCall(FenLayoutDestroy(&layout));
  rows->nstates = end - start;
  PetscCall(PetscMalloc1((size_t)rows->nstates + 1, &rows->state_ptr));
  PetscCall(PetscMalloc1((size_t)(rows->nstates * m) + 1, &rows->action));
  PetscCall(PetscMalloc1((size_t)(rows->nstates * m) + 1, &rows->reward));
  PetscCall(PetscMalloc1((size_t)(rows->nstates * m) + 1, &rows->row_ptr));
  for (FenInt s = 0; s <= rows->nstates; s++)
    rows->state_ptr[s] = s * m;
  for (FenInt k = 0; k < rows->nstates * m; k++)
    rows->action[k] = (int)(k % m);
  PetscCall(FenBinaryPointers(b, start * m, rows->nstates * m, rows->row_ptr, &before));
  PetscCall(PetscMalloc1((size_t)rows->row_ptr[rows->nstates * m] + 1, &rows->next));
  PetscCall(PetscMalloc1((size_t)rows->row_ptr[rows->nstates * m] + 1, &rows->prob));
  PetscCall(FenMemoryLargePages(rows->next, (size_t)rows->row_ptr[rows->nstates * m] * sizeof(*rows->next)));
  PetscCall(FenMemoryLargePages(rows->prob, (size_t)rows->row_ptr[rows->nstates * m] * sizeof(*rows->prob)));
  PetscCall(FenBinaryEntries(b, before, rows->row_ptr[rows->nstates * m], rows->next, rows->prob));
  PetscCall(FenBinaryRewards(b->f, n, m, start, rows->nstates, rows->reward));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReadBinary_Private(const FenMDPFile *f, FenMDPModel *model)
{
  const FenMDPRule rule = {.where = f->where, .substochastic = f->substochastic, .unique = PETSC_TRUE};
  FenMDPRows       rows = {.nstates = 0};
  FenBinary        b;
  PetscErrorCode   code = 0;

  PetscFunctionBegin;
  FEN_MDP_CHECK(f->rewards[0], f->comm, FEN_ERR_USAGE,
                "%sthe format has rewards in a second file; rule: name it by -model_rewards, or P.bin,g.bin", f->where);
  PetscCall(FenBinaryOpen(f, f->file, &b));
  if (b.nnz >= 0 && b.rows % b.cols == 0 && b.rows / b.cols < INT_MAX)
    code = FenBinaryRows(&b, &rows);
  PetscCall(FenStreamClose(&b.stream));
  if (code)
    PetscCall(FenMDPRowsFree_Private(&rows));
  PetscCall(code);
  FEN_MDP_CHECK(rows.state_ptr, f->comm, FEN_ERR_SHAPE,
                "%sa %s matrix of %" FENINT_FMT " x %" FENINT_FMT "; rule: sparse, (states times actions) x states",
                f->where, b.nnz < 0 ? "dense" : "sparse", b.rows, b.cols);
  PetscCall(FenMDPModelTakeRows_Private(f->comm, &rows, &rule, model));
  PetscFunctionReturn(0);
}

/* every state has the actions 0 .. m-1, one reward a row */
static PetscErrorCode FenBinaryCan(const FenMDPFile *f, FenMDPModel model)
{
  const FenMDPRows *rows = &model->rows;
  FenFault          fault = {0, ""};

  PetscFunctionBegin;
  FEN_MDP_CHECK(!model->sizes.by_next, f->comm, FEN_ERR_USAGE,
                "%sthe format cannot hold rewards that depend on the successor; .h5, .csv and .tra can", f->where);
  FEN_MDP_CHECK(f->rewards[0], f->comm, FEN_ERR_USAGE,
                "%sthe format has rewards in a second file; rule: name it by -model_rewards, or P.bin,g.bin", f->where);
  for (FenInt s = 0; s < rows->nstates; s++)
    if (rows->state_ptr[s + 1] - rows->state_ptr[s] != model->sizes.actions)
      FenFaultSet(&fault, FEN_ERR_USAGE,
                  "%sstate %" FENINT_FMT " has %" FENINT_FMT " of %" FENINT_FMT
                  " actions; rule: the format needs all; .h5 and .csv do not",
                  f->where, model->start + s, rows->state_ptr[s + 1] - rows->state_ptr[s], model->sizes.actions);
  PetscCall(FenFaultAgree(f->comm, &fault));
  PetscFunctionReturn(0);
}

/* integers of all ranks, one part after the other; doubles are written as the integers of their bits */
static PetscErrorCode FenAppendInts(FenStream stream, FenInt width, FenInt n, const FenInt values[])
{
  unsigned char *bytes;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(n * width) + 1, &bytes));
  for (FenInt i = 0; i < n; i++)
    FenPutBigInt(bytes + i * width, width, values[i]);
  code = FenStreamAppend(stream, n * width, bytes);
  PetscCall(PetscFree(bytes));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenAppendReals(FenStream stream, FenInt n, const double values[])
{
  PetscFunctionBegin;
  PetscCall(FenAppendInts(stream, FEN_REAL_BYTES, n, (const FenInt *)values));
  PetscFunctionReturn(0);
}

/* a sparse matrix of given row lengths; head[0] is 0 on all ranks but one */
static PetscErrorCode FenAppendMatrix(FenStream stream, const FenInt head[FEN_PETSC_HEADER], FenInt nrows,
                                      const FenInt length[], const FenInt col[], const double val[], FenInt nnz)
{
  const FenInt width = head[1] >= INT_MAX || head[3] >= INT_MAX ? 8 : 4;

  PetscFunctionBegin;
  PetscCall(FenAppendInts(stream, width, head[0] ? FEN_PETSC_HEADER : 0, head));
  PetscCall(FenAppendInts(stream, width, nrows, length));
  PetscCall(FenAppendInts(stream, width, nnz, col));
  PetscCall(FenAppendReals(stream, nnz, val));
  PetscFunctionReturn(0);
}

/* the first rank with states writes the head */
static FenInt FenMatrixMark(FenMDPModel model)
{
  return !model->start && model->nlocal ? FEN_PETSC_MATRIX : 0;
}

static PetscErrorCode FenWriteProbabilities(FenStream stream, FenMDPModel model)
{
  const FenMDPRows *rows = &model->rows;
  const FenInt      head[FEN_PETSC_HEADER] = {FenMatrixMark(model), model->sizes.rows, model->sizes.states,
                                              model->sizes.nnz};
  FenInt           *length;
  PetscErrorCode    code;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)model->nrows + 1, &length));
  for (FenInt k = 0; k < model->nrows; k++)
    length[k] = rows->row_ptr[k + 1] - rows->row_ptr[k];
  code = FenAppendMatrix(stream, head, model->nrows, length, rows->next, rows->prob, model->nnz);
  PetscCall(PetscFree(length));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteRewards(FenStream stream, FenMDPModel model)
{
  const FenInt   m = model->sizes.actions;
  const FenInt   head[FEN_PETSC_HEADER] = {FenMatrixMark(model), model->sizes.states, m, model->sizes.rows};
  FenInt        *length, *col;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)model->nlocal + 1, &length));
  PetscCall(PetscMalloc1((size_t)model->nrows + 1, &col));
  for (FenInt s = 0; s < model->nlocal; s++)
    length[s] = m;
  for (FenInt k = 0; k < model->nrows; k++)
    col[k] = k % m;
  code = FenAppendMatrix(stream, head, model->nlocal, length, col, model->rows.reward, model->nrows);
  PetscCall(PetscFree(length));
  PetscCall(PetscFree(col));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteOne(const FenMDPFile *f, const char name[], FenMDPModel model,
                                  PetscErrorCode (*write)(FenStream, FenMDPModel))
{
  FenStream      stream;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenStreamOpen(f->comm, name, f->mode, &stream));
  code = (*write)(stream, model);
  if (code)
    PetscCall(FenStreamDiscard(&stream));
  PetscCall(code);
  PetscCall(FenStreamClose(&stream));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteBinary_Private(const FenMDPFile *f, FenMDPModel model)
{
  PetscFunctionBegin;
  PetscCall(FenBinaryCan(f, model));
  PetscCall(FenWriteOne(f, f->rewards, model, FenWriteRewards));
  PetscCall(FenWriteOne(f, f->file, model, FenWriteProbabilities));
  PetscFunctionReturn(0);
}
