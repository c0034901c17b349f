/* SPDX-License-Identifier: BSD-2-Clause */
/* A dense linear system cut over all ranks, factored by ScaLAPACK; vectors are cut as the caller's rows are. */
#pragma once
#include <fenchelsys.h>
#include <petscmat.h>

typedef struct _FenDenseSystem *FenDenseSystem;

/* nlocal rows and unknowns on this rank, the ranks' one after the other */
PETSC_INTERN PetscErrorCode FenDenseSystemCreate(MPI_Comm, PetscInt nlocal, FenDenseSystem *);
PETSC_INTERN PetscErrorCode FenDenseSystemDestroy(FenDenseSystem *);
/* adds to entries of one row, global numbers; any rank, any row, after FenDenseSystemZero and before the factors */
PETSC_INTERN PetscErrorCode FenDenseSystemZero(FenDenseSystem);
PETSC_INTERN PetscErrorCode FenDenseSystemAdd(FenDenseSystem, PetscInt row, PetscInt n, const PetscInt col[],
                                              const PetscScalar val[]);
PETSC_INTERN PetscErrorCode FenDenseSystemFactor(FenDenseSystem);
PETSC_INTERN PetscErrorCode FenDenseSystemSolve(FenDenseSystem, const double b[], double x[]);
