/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Inverse of a symmetric positive definite matrix by Cholesky factors: LAPACK on every rank, n^3 flops and no message,
   or PETSc's ScaLAPACK matrices, n^3/R flops a rank and a sum of n^2 numbers over all ranks at the end. Rank 0's
   numbers become everybody's in the first case, because processors may differ in the last bit.
*/
#include "spdinverse.h"
#include <petscmat.h>
#include <petscblaslapack.h>

static PetscErrorCode Replicated(MPI_Comm comm, PetscInt n, const double A[], double X[], PetscBool *definite)
{
  PetscBLASInt nb, info = 0;
  PetscMPIInt  count;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &nb));
  PetscCall(FenMPIIntCast((FenInt)n * n, &count));
  PetscCall(PetscArraycpy(X, A, (size_t)n * (size_t)n));
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  LAPACKpotrf_("L", &nb, X, &nb, &info);
  if (!info)
    LAPACKpotri_("L", &nb, X, &nb, &info);
  PetscCall(PetscFPTrapPop());
  PetscCallMPI(MPI_Bcast(&info, 1, MPI_INT, 0, comm));
  *definite = (PetscBool)!info;
  if (info)
    PetscFunctionReturn(0);
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt i = j + 1; i < n; i++)
      X[j + i * n] = X[i + j * n];
  PetscCallMPI(MPI_Bcast(X, count, MPI_DOUBLE, 0, comm));
  PetscFunctionReturn(0);
}

/* every rank puts in what it owns of an array that all have */
static PetscErrorCode Put(Mat M, PetscInt n, const double all[])
{
  IS              rows, cols;
  const PetscInt *r, *c;
  PetscInt        nr, nc;
  double         *mine;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipIS(M, &rows, &cols));
  PetscCall(ISGetLocalSize(rows, &nr));
  PetscCall(ISGetLocalSize(cols, &nc));
  PetscCall(ISGetIndices(rows, &r));
  PetscCall(ISGetIndices(cols, &c));
  PetscCall(PetscMalloc1((size_t)nr * (size_t)nc + 1, &mine));
  for (PetscInt i = 0; i < nr; i++)
    for (PetscInt j = 0; j < nc; j++)
      mine[j + i * nc] = all[r[i] + c[j] * n];
  PetscCall(MatSetValues(M, nr, r, nc, c, mine, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(M, MAT_FINAL_ASSEMBLY));
  PetscCall(PetscFree(mine));
  PetscCall(ISRestoreIndices(rows, &r));
  PetscCall(ISRestoreIndices(cols, &c));
  PetscCall(ISDestroy(&rows));
  PetscCall(ISDestroy(&cols));
  PetscFunctionReturn(0);
}

/* my rows of a distributed matrix into an array of zeros */
static PetscErrorCode Get(Mat M, PetscInt n, double all[])
{
  Mat           dense;
  const double *mine;
  PetscInt      first, end, ld;

  PetscFunctionBegin;
  PetscCall(MatConvert(M, MATDENSE, MAT_INITIAL_MATRIX, &dense));
  PetscCall(MatGetOwnershipRange(dense, &first, &end));
  PetscCall(MatDenseGetLDA(dense, &ld));
  PetscCall(MatDenseGetArrayRead(dense, &mine));
  for (PetscInt j = 0; j < n; j++)
    for (PetscInt i = first; i < end; i++)
      all[i + j * n] = mine[i - first + j * ld];
  PetscCall(MatDenseRestoreArrayRead(dense, &mine));
  PetscCall(MatDestroy(&dense));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm comm, PetscInt n, Mat *M)
{
  PetscFunctionBegin;
  PetscCall(MatCreateScaLAPACK(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, 0, 0, M));
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Distributed(MPI_Comm comm, PetscInt n, const double A[], double X[], PetscBool *definite)
{
  Mat            factor, unit, inverse;
  PetscErrorCode code;
  PetscMPIInt    count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast((FenInt)n * n, &count));
  PetscCall(Create(comm, n, &factor));
  PetscCall(Create(comm, n, &unit));
  PetscCall(Create(comm, n, &inverse));
  PetscCall(Put(factor, n, A));
  PetscCall(PetscArrayzero(X, (size_t)n * (size_t)n));
  for (PetscInt i = 0; i < n; i++)
    X[i + i * n] = 1;
  PetscCall(Put(unit, n, X));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL)); /* all ranks get the same code from the library */
  code = MatCholeskyFactor(factor, NULL, NULL);
  PetscCall(PetscPopErrorHandler());
  *definite = (PetscBool)!code;
  if (*definite) {
    PetscCall(MatMatSolve(factor, unit, inverse));
    PetscCall(PetscArrayzero(X, (size_t)n * (size_t)n));
    PetscCall(Get(inverse, n, X));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, X, count, MPI_DOUBLE, MPI_SUM, comm)); /* one number and zeros each */
  }
  PetscCall(MatDestroy(&factor));
  PetscCall(MatDestroy(&unit));
  PetscCall(MatDestroy(&inverse));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSPDInverse_Private(MPI_Comm comm, PetscInt n, PetscInt limit, const double A[], double X[],
                                     PetscBool *definite)
{
  PetscFunctionBegin;
  if (n <= limit)
    PetscCall(Replicated(comm, n, A, X, definite));
  else
    PetscCall(Distributed(comm, n, A, X, definite));
  PetscFunctionReturn(0);
}
