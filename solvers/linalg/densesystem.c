/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Dense systems by PETSc's interface to ScaLAPACK: LU factors with partial pivoting on a two-dimensional grid of ranks.
   ScaLAPACK wants equal pieces of vectors on all ranks but the last; a scatter goes between them and the caller's.

   Cost: 2/3 n^3 flops over the ranks for the factors, 2 n^2 a solve; 16 n^2 bytes over the ranks (matrix and factors).
   Reference: Blackford et al., ScaLAPACK Users' Guide, SIAM 1997.
*/
#include "densesystem.h"

struct _FenDenseSystem {
  MPI_Comm   comm;
  Mat        A, factors;
  Vec        outer_x, outer_b, inner_x, inner_b; /* cut as the caller's, and as ScaLAPACK's */
  VecScatter scatter;
};

PetscErrorCode FenDenseSystemCreate(MPI_Comm comm, PetscInt nlocal, FenDenseSystem *out)
{
  FenDenseSystem S;
  PetscInt       n, piece, first;
  PetscMPIInt    rank, size;
  IS             all;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  S->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(VecCreateMPIWithArray(comm, 1, nlocal, PETSC_DETERMINE, NULL, &S->outer_x));
  PetscCall(VecCreateMPIWithArray(comm, 1, nlocal, PETSC_DETERMINE, NULL, &S->outer_b));
  PetscCall(VecGetSize(S->outer_x, &n));
  piece = (n + size - 1) / size;
  first = PetscMin(n, piece * rank);
  piece = PetscMin(n, first + piece) - first;
  PetscCall(VecCreateMPI(comm, piece, n, &S->inner_x));
  PetscCall(VecDuplicate(S->inner_x, &S->inner_b));
  PetscCall(ISCreateStride(comm, piece, first, 1, &all));
  PetscCall(VecScatterCreate(S->outer_b, all, S->inner_b, all, &S->scatter));
  PetscCall(ISDestroy(&all));
  PetscCall(MatCreate(comm, &S->A));
  PetscCall(MatSetType(S->A, MATSCALAPACK));
  PetscCall(MatSetSizes(S->A, piece, piece, n, n));
  PetscCall(MatSetUp(S->A));
  *out = S;
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenseSystemDestroy(FenDenseSystem *S)
{
  PetscFunctionBegin;
  if (!*S)
    PetscFunctionReturn(0);
  PetscCall(MatDestroy(&(*S)->A));
  PetscCall(MatDestroy(&(*S)->factors));
  PetscCall(VecDestroy(&(*S)->outer_x));
  PetscCall(VecDestroy(&(*S)->outer_b));
  PetscCall(VecDestroy(&(*S)->inner_x));
  PetscCall(VecDestroy(&(*S)->inner_b));
  PetscCall(VecScatterDestroy(&(*S)->scatter));
  PetscCall(PetscFree(*S));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenseSystemZero(FenDenseSystem S)
{
  PetscFunctionBegin;
  PetscCall(MatZeroEntries(S->A));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenseSystemAdd(FenDenseSystem S, PetscInt row, PetscInt n, const PetscInt col[],
                                 const PetscScalar val[])
{
  PetscFunctionBegin;
  PetscCall(MatSetValues(S->A, 1, &row, n, col, val, ADD_VALUES));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenseSystemFactor(FenDenseSystem S)
{
  MatFactorInfo info;

  PetscFunctionBegin;
  PetscCall(MatAssemblyBegin(S->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(S->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatFactorInfoInitialize(&info));
  PetscCall(MatDestroy(&S->factors));
  PetscCall(MatGetFactor(S->A, MATSOLVERSCALAPACK, MAT_FACTOR_LU, &S->factors));
  PetscCall(MatLUFactorSymbolic(S->factors, S->A, NULL, NULL, &info));
  PetscCall(MatLUFactorNumeric(S->factors, S->A, &info));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenseSystemSolve(FenDenseSystem S, const double b[], double x[])
{
  PetscFunctionBegin;
  PetscCall(VecPlaceArray(S->outer_b, b));
  PetscCall(VecPlaceArray(S->outer_x, x));
  PetscCall(VecScatterBegin(S->scatter, S->outer_b, S->inner_b, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(S->scatter, S->outer_b, S->inner_b, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(MatSolve(S->factors, S->inner_b, S->inner_x));
  PetscCall(VecScatterBegin(S->scatter, S->inner_x, S->outer_x, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(S->scatter, S->inner_x, S->outer_x, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecResetArray(S->outer_b));
  PetscCall(VecResetArray(S->outer_x));
  PetscFunctionReturn(0);
}
