/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Ground costs that are explicit matrices: every rank keeps its rows and its columns.
*/
#include "measureimpl.h"
#include <fenchelio.h>
#include <math.h>

/* entries are finite; says the largest. `name` and column or row number for the message */
static PetscErrorCode FenMatrixCheck(FenLayout layout, FenInt length, const double entries[], PetscBool transposed,
                                     const char name[], double *maximum)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  FenFault       fault = {0, ""};
  FenInt         start, end;

  PetscFunctionBegin;
  *maximum = PETSC_MIN_REAL;
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  for (FenInt k = 0; k < (end - start) * length && !fault.code; k++) {
    const FenInt own = start + k / length, other = k % length;

    *maximum = PetscMax(*maximum, entries[k]);
    if (!isfinite(entries[k]))
      FenFaultSet(&fault, FEN_ERR_VALUE, "%s: entry (%" FENINT_FMT ",%" FENINT_FMT ") is %g; rule: costs are finite",
                  name, transposed ? other : own, transposed ? own : other, entries[k]);
  }
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, maximum, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

/* an empty matrix on two layouts */
static PetscErrorCode FenMatrixBegin(FenLayout rows, FenLayout cols, FenCost *cost)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)rows);
  PetscInt       dim[2];
  FenInt         n, m, nlocal, mlocal, product;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(rows, &dim[0]));
  PetscCall(FenLayoutGetDim(cols, &dim[1]));
  FEN_CHECK(dim[0] == 1 && dim[1] == 1, comm, FEN_ERR_SHAPE,
            "a cost matrix is between measures of one axis, these have %d and %d", (int)dim[0], (int)dim[1]);
  PetscCall(FenLayoutGetSize(rows, &n));
  PetscCall(FenLayoutGetSize(cols, &m));
  PetscCall(FenLayoutGetLocalSize(rows, &nlocal));
  PetscCall(FenLayoutGetLocalSize(cols, &mlocal));
  PetscCall(FenIntMult(n, m, &product));
  PetscCall(FenCostCreate_Private(comm, FEN_COST_MATRIX, cost));
  PetscCall(PetscObjectReference((PetscObject)rows));
  PetscCall(PetscObjectReference((PetscObject)cols));
  (*cost)->rows = rows;
  (*cost)->cols = cols;
  PetscCall(FenBytes(nlocal * m, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &(*cost)->byrow));
  PetscCall(FenBytes(mlocal * n, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &(*cost)->bycol));
  PetscFunctionReturn(0);
}

/* my rows hashed with numbers i*m + j; the columns, visited entry by entry, must have the same hash */
static PetscErrorCode FenMatrixFingerprint(FenCost cost, PetscBool columns, FenFingerprint *f)
{
  FenInt m, n, start, end;

  PetscFunctionBegin;
  *f = (FenFingerprint){{0, 0}};
  PetscCall(FenLayoutGetSize(cost->rows, &n));
  PetscCall(FenLayoutGetSize(cost->cols, &m));
  PetscCall(FenLayoutGetRange(columns ? cost->cols : cost->rows, &start, &end));
  if (!columns)
    FenFingerprintDoubles(f, start * m, (end - start) * m, cost->byrow);
  for (FenInt j = start; j < end && columns; j++)
    for (FenInt i = 0; i < n; i++)
      FenFingerprintDoubles(f, i * m + j, 1, &cost->bycol[(j - start) * n + i]);
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)cost), f));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMatrixCopy(FenLayout rows, FenLayout cols, const double byrow[], const double bycol[],
                                    FenCost *cost)
{
  FenFingerprint f[2];
  FenInt         n, m, nlocal, mlocal;
  double         unused;

  PetscFunctionBegin;
  PetscCall(FenMatrixBegin(rows, cols, cost));
  PetscCall(FenLayoutGetSize(rows, &n));
  PetscCall(FenLayoutGetSize(cols, &m));
  PetscCall(FenLayoutGetLocalSize(rows, &nlocal));
  PetscCall(FenLayoutGetLocalSize(cols, &mlocal));
  PetscCall(PetscMemcpy((*cost)->byrow, byrow, (size_t)(nlocal * m) * sizeof(double)));
  PetscCall(PetscMemcpy((*cost)->bycol, bycol, (size_t)(mlocal * n) * sizeof(double)));
  PetscCall(FenMatrixCheck(rows, m, byrow, PETSC_FALSE, "cost matrix", &(*cost)->maximum));
  PetscCall(FenMatrixCheck(cols, n, bycol, PETSC_TRUE, "cost matrix, by columns", &unused));
  PetscCall(FenMatrixFingerprint(*cost, PETSC_FALSE, &f[0]));
  PetscCall(FenMatrixFingerprint(*cost, PETSC_TRUE, &f[1]));
  FEN_CHECK(f[0].lane[0] == f[1].lane[0] && f[0].lane[1] == f[1].lane[1], PetscObjectComm((PetscObject)rows),
            FEN_ERR_VALUE, "cost matrix: rows and columns have different entries; rule: both are the same matrix");
  PetscFunctionReturn(0);
}

/*@C
  FenCostCreateMatrix - Makes a ground cost from an explicit matrix.

  Collective

  Input Parameters:
+ rows  - layout of the n rows (one axis, that of the source)
. cols  - layout of the m columns (one axis, that of the target)
. byrow - my rows, n_local x m, row by row; copied
- bycol - my columns, m_local x n, column by column; copied

  Output Parameter:
. cost - the cost

  Errors:
  `FEN_ERR_VALUE` for an entry that is not finite, and if the columns are not those of the same matrix (to the last
bit); `FEN_ERR_SHAPE` for layouts of several axes.

  Level: intermediate

.seealso: `FenCostReadMatrix()`, `FenCostGetMatrix()`
@*/
PetscErrorCode FenCostCreateMatrix(FenLayout rows, FenLayout cols, const double byrow[], const double bycol[],
                                   FenCost *cost)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  *cost = NULL;
  code = FenMatrixCopy(rows, cols, byrow, bycol, cost);
  if (code)
    PetscCall(FenCostDestroy(cost));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMatrixRead(FenArray array, FenLayout rows, FenLayout cols, const char spec[], FenCost *cost)
{
  PetscInt naxes, ncomp;
  FenInt   shape[8], n, m;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(rows, &n));
  PetscCall(FenLayoutGetSize(cols, &m));
  PetscCall(FenArrayGetShape(array, &naxes, shape));
  FEN_CHECK(naxes == 2 && shape[0] == n && shape[1] == m, PetscObjectComm((PetscObject)rows), FEN_ERR_SHAPE,
            "%s: a matrix of %" FENINT_FMT " x %" FENINT_FMT " is needed, this has %d axes, %" FENINT_FMT
            " x %" FENINT_FMT,
            spec, n, m, (int)naxes, naxes > 0 ? shape[0] : 0, naxes > 1 ? shape[1] : 0);
  PetscCall(FenIntCast(m, &ncomp));
  PetscCall(FenMatrixBegin(rows, cols, cost));
  PetscCall(FenArrayRead(array, rows, ncomp, (*cost)->byrow));
  PetscCall(FenMatrixCheck(rows, m, (*cost)->byrow, PETSC_FALSE, spec, &(*cost)->maximum));
  PetscCall(FenTranspose_Private(rows, cols, (*cost)->byrow, (*cost)->bycol));
  PetscFunctionReturn(0);
}

/*@C
  FenCostReadMatrix - Reads an explicit cost.

  Collective

  Input Parameters:
+ rows - layout of the n rows (one axis, that of the source)
. cols - layout of the m columns (one axis, that of the target)
- spec - FILE.h5:/path, or any array file that `FenArrayOpen()` reads

  Output Parameter:
. cost - the cost

  Note:
  Every rank reads its rows once and gets its columns from the other ranks; it keeps (n_local m + m_local n) numbers.

  Errors:
  `FEN_ERR_SHAPE` if it is not n x m, `FEN_ERR_VALUE` for an entry that is not finite, and those of `FenArrayOpen()`.

  Level: beginner

.seealso: `FenCostCreateMatrix()`, `FenCostGetMatrix()`
@*/
PetscErrorCode FenCostReadMatrix(FenLayout rows, FenLayout cols, const char spec[], FenCost *cost)
{
  FenArray       array;
  PetscErrorCode code;

  PetscFunctionBegin;
  *cost = NULL;
  PetscCall(FenArrayOpen(PetscObjectComm((PetscObject)rows), spec, 0, NULL, &array));
  code = FenMatrixRead(array, rows, cols, spec, cost);
  PetscCall(FenArrayClose(&array));
  if (code)
    PetscCall(FenCostDestroy(cost));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/*@C
  FenCostGetMatrix - Gives this rank's part of an explicit cost.

  Not Collective

  Input Parameter:
. cost - a cost of kind matrix

  Output Parameters:
+ byrow - my rows, n_local x m, row by row
- bycol - my columns, m_local x n, column by column; both are owned by the cost

  Errors:
  `FEN_ERR_USAGE` if the cost is a formula.

  Level: intermediate

.seealso: `FenCostReadMatrix()`, `FenCostCreateMatrix()`
@*/
PetscErrorCode FenCostGetMatrix(FenCost cost, const double *byrow[], const double *bycol[])
{
  PetscFunctionBegin;
  FEN_CHECK(cost->kind == FEN_COST_MATRIX, PetscObjectComm((PetscObject)cost), FEN_ERR_USAGE,
            "the cost %s has no matrix", FenCostKinds[cost->kind]);
  *byrow = cost->byrow;
  *bycol = cost->bycol;
  PetscFunctionReturn(0);
}
