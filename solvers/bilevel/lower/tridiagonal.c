/* SPDX-License-Identifier: BSD-2-Clause */
#include "tridiagonal.h"

struct _p_FenTridiagonal {
  MPI_Comm    comm;
  PetscMPIInt rank, size;
  PetscInt    n, inner;      /* my rows, those that are no separator */
  double     *diag, *off;    /* of the matrix; off[i] couples row i to the row before, also to that of another rank */
  double     *pivot;         /* of my block */
  double     *left, *right;  /* block^{-1} times the coupling to the separator before, and to mine */
  double      before, mine;  /* those couplings */
  double     *all;           /* work: 3 numbers of each rank */
  double     *spivot, *soff; /* factored Schur complement: size-1 pivots, couplings to the separator before */
};

PetscErrorCode FenTridiagonalFits(Mat A, PetscBool *fits)
{
  PetscInt        row0, row1, n;
  const PetscInt *columns;
  PetscMPIInt     mine;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &row0, &row1));
  mine = row1 > row0;
  for (PetscInt i = row0; i < row1; i++) {
    PetscCall(MatGetRow(A, i, &n, &columns, NULL));
    for (PetscInt k = 0; k < n; k++)
      mine = mine && columns[k] >= i - 1 && columns[k] <= i + 1;
    PetscCall(MatRestoreRow(A, i, &n, &columns, NULL));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)A)));
  *fits = (PetscBool)(mine != 0);
  PetscFunctionReturn(0);
}

PetscErrorCode FenTridiagonalCreate(Mat A, FenTridiagonal *tri)
{
  FenTridiagonal T;
  PetscInt       row0, row1;
  size_t         n;

  PetscFunctionBegin;
  PetscCall(PetscNew(&T));
  T->comm = PetscObjectComm((PetscObject)A);
  PetscCallMPI(MPI_Comm_rank(T->comm, &T->rank));
  PetscCallMPI(MPI_Comm_size(T->comm, &T->size));
  PetscCall(MatGetOwnershipRange(A, &row0, &row1));
  T->n = row1 - row0;
  T->inner = T->rank + 1 < T->size ? T->n - 1 : T->n;
  n = (size_t)T->n;
  PetscCall(PetscMalloc5(n, &T->diag, n, &T->off, n, &T->pivot, n, &T->left, n, &T->right));
  PetscCall(PetscMalloc3(3 * (size_t)T->size, &T->all, (size_t)T->size, &T->spivot, (size_t)T->size, &T->soff));
  *tri = T;
  PetscFunctionReturn(0);
}

static PetscErrorCode Take(FenTridiagonal T, Mat A)
{
  PetscInt           row0, n;
  const PetscInt    *columns;
  const PetscScalar *values;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRange(A, &row0, NULL));
  for (PetscInt i = 0; i < T->n; i++) {
    T->diag[i] = T->off[i] = 0;
    PetscCall(MatGetRow(A, row0 + i, &n, &columns, &values));
    for (PetscInt k = 0; k < n; k++)
      if (columns[k] == row0 + i)
        T->diag[i] = values[k];
      else if (columns[k] == row0 + i - 1)
        T->off[i] = values[k];
    PetscCall(MatRestoreRow(A, row0 + i, &n, &columns, &values));
  }
  PetscFunctionReturn(0);
}

/* a pivot that rounding errors made zero or negative; the caller looks at what comes out */
static double Pivot(double pivot, double diag)
{
  return pivot > 0 ? pivot : PETSC_MACHINE_EPSILON * (diag > 0 ? diag : 1);
}

static void BlockSolve(const FenTridiagonal T, double x[])
{
  const PetscInt n = T->inner;

  for (PetscInt i = 1; i < n; i++)
    x[i] -= T->off[i] / T->pivot[i - 1] * x[i - 1];
  for (PetscInt i = n; i-- > 0;)
    x[i] = (x[i] - (i + 1 < n ? T->off[i + 1] * x[i + 1] : 0)) / T->pivot[i];
}

PetscErrorCode FenTridiagonalFactor(FenTridiagonal T, Mat A)
{
  const PetscInt n = T->inner;
  double         mine[3] = {0, 0, 0}; /* to the diagonal of the separator before, of mine, and between them */

  PetscFunctionBegin;
  PetscCall(Take(T, A));
  for (PetscInt i = 0; i < n; i++)
    T->pivot[i] = Pivot(T->diag[i] - (i ? T->off[i] * T->off[i] / T->pivot[i - 1] : 0), T->diag[i]);
  T->before = T->rank ? T->off[0] : 0;
  T->mine = n < T->n && n ? T->off[n] : 0;
  PetscCall(PetscArrayzero(T->left, T->n));
  PetscCall(PetscArrayzero(T->right, T->n));
  if (n) {
    T->left[0] = T->before;
    T->right[n - 1] = T->mine;
    BlockSolve(T, T->left);
    BlockSolve(T, T->right);
    mine[0] = -T->before * T->left[0];
    mine[1] = -T->mine * T->right[n - 1];
    mine[2] = -T->before * T->right[0];
  } else
    mine[2] = T->before;
  if (n < T->n)
    mine[1] += T->diag[n];
  PetscCallMPI(MPI_Allgather(mine, 3, MPI_DOUBLE, T->all, 3, MPI_DOUBLE, T->comm));
  for (PetscMPIInt p = 0; p + 1 < T->size; p++) {
    const double diag = T->all[3 * p + 1] + T->all[3 * (p + 1)];

    T->soff[p] = p ? T->all[3 * p + 2] : 0;
    T->spivot[p] = Pivot(diag - (p ? T->soff[p] * T->soff[p] / T->spivot[p - 1] : 0), diag);
  }
  PetscFunctionReturn(0);
}

/* all: for each rank, what it adds to the separator before and to its own; on return [2p+1]: the separator of p */
static void Separators(const FenTridiagonal T, double all[])
{
  const PetscMPIInt n = T->size - 1;

  for (PetscMPIInt p = 0; p < n; p++) {
    all[2 * p + 1] += all[2 * (p + 1)];
    if (p)
      all[2 * p + 1] -= T->soff[p] / T->spivot[p - 1] * all[2 * p - 1];
  }
  for (PetscMPIInt p = n; p-- > 0;)
    all[2 * p + 1] = (all[2 * p + 1] - (p + 1 < n ? T->soff[p + 1] * all[2 * p + 3] : 0)) / T->spivot[p];
}

PetscErrorCode FenTridiagonalSolve(FenTridiagonal T, const double b[], double x[])
{
  const PetscInt n = T->inner;
  double         mine[2], before, own;

  PetscFunctionBegin;
  if (x != b)
    PetscCall(PetscArraycpy(x, b, T->n));
  BlockSolve(T, x);
  if (T->size == 1)
    PetscFunctionReturn(0);
  mine[0] = n ? -T->before * x[0] : 0;
  mine[1] = (n < T->n ? x[n] : 0) - (n ? T->mine * x[n - 1] : 0);
  PetscCallMPI(MPI_Allgather(mine, 2, MPI_DOUBLE, T->all, 2, MPI_DOUBLE, T->comm));
  Separators(T, T->all);
  before = T->rank ? T->all[2 * T->rank - 1] : 0;
  own = n < T->n ? T->all[2 * T->rank + 1] : 0;
  for (PetscInt i = 0; i < n; i++)
    x[i] -= T->left[i] * before + T->right[i] * own;
  if (n < T->n)
    x[n] = own;
  PetscFunctionReturn(0);
}

PetscErrorCode FenTridiagonalDestroy(FenTridiagonal *tri)
{
  FenTridiagonal T = *tri;

  PetscFunctionBegin;
  if (!T)
    PetscFunctionReturn(0);
  PetscCall(PetscFree5(T->diag, T->off, T->pivot, T->left, T->right));
  PetscCall(PetscFree3(T->all, T->spivot, T->soff));
  PetscCall(PetscFree(*tri));
  PetscFunctionReturn(0);
}
