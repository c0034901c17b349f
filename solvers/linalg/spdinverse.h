/* SPDX-License-Identifier: BSD-2-Clause */
/* Inverses of symmetric positive definite matrices that every rank has. */
#pragma once
#include <fenchelsys.h>

/* X = A^{-1}, both n x n column by column, full, the same on all ranks. Cholesky factors by LAPACK on every rank up to
   n = limit, by ScaLAPACK on all ranks together above; n^3 flops. *definite = FALSE if A is not positive definite */
PETSC_INTERN PetscErrorCode FenSPDInverse_Private(MPI_Comm, PetscInt n, PetscInt limit, const double A[], double X[],
                                                  PetscBool *definite);
