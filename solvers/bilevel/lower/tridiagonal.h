/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenTridiagonal: a symmetric positive definite tridiagonal matrix, rows cut over the ranks of a team, factored.

   The last row of each rank but the last one is a separator. Between separators everybody factors its own block; the
   separators' Schur complement is tridiagonal again, has one row a rank, and is kept by all. n numbers a rank cost 8 n
   flops for factors and 9 n for a solve, memory 5 n; one message of a few numbers for either.
*/
#pragma once
#include <petscmat.h>
#include <fenchelsys.h>

typedef struct _p_FenTridiagonal *FenTridiagonal;

/* all ranks of the matrix have at least one row and no entry beside the three diagonals */
PETSC_INTERN PetscErrorCode FenTridiagonalFits(Mat, PetscBool *);
PETSC_INTERN PetscErrorCode FenTridiagonalCreate(Mat, FenTridiagonal *);
PETSC_INTERN PetscErrorCode FenTridiagonalFactor(FenTridiagonal, Mat);
PETSC_INTERN PetscErrorCode FenTridiagonalSolve(FenTridiagonal, const double b[], double x[]);
PETSC_INTERN PetscErrorCode FenTridiagonalDestroy(FenTridiagonal *);
