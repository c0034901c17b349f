/* SPDX-License-Identifier: BSD-2-Clause */
/*
   V-cycle for a symmetric matrix on the points of a grid of two axes that is known by its products alone, and whose
   entries couple near neighbours; see gridcycle.c.
*/
#pragma once
#include <fenchellayout.h>
#include "../kernels/kernels.h"

typedef struct _p_FenGridCycle *FenGridCycle;
/* y = S x, both on the grid's layout */
typedef PetscErrorCode (*FenGridProduct)(void *ctx, const double x[], double y[]);

/* can it be used: two axes, and a few rows for each rank? */
PETSC_INTERN PetscErrorCode FenGridCycleFits(FenLayout, PetscBool *);
PETSC_INTERN PetscErrorCode FenGridCycleCreate(FenLayout, const FenKernels *, FenGridCycle *);
PETSC_INTERN PetscErrorCode FenGridCycleDestroy(FenGridCycle *);
/* coarse matrices of S; `excess`: sums of its rows, 0 for a Laplacian */
PETSC_INTERN PetscErrorCode FenGridCycleBuild(FenGridCycle, FenGridProduct, void *ctx, const double excess[]);
/* e: correction of an approximate solution with residual r, from all coarser grids */
PETSC_INTERN PetscErrorCode FenGridCycleCorrect(FenGridCycle, const double r[], double e[]);
