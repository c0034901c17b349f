/* SPDX-License-Identifier: BSD-2-Clause */
/*
   V-cycle for the Laplacian of a graph on the points of a grid of two or three axes whose edges join near neighbours;
   see gridcycle.c.
*/
#pragma once
#include <fenchellayout.h>
#include "../kernels/kernels.h"

#define FEN_GRID_RADIUS 2 /* edges reach so many points along each axis */

typedef struct _p_FenGridCycle *FenGridCycle;

/* can it be used: two axes or three, of which one has a few points? */
PETSC_INTERN PetscErrorCode FenGridCycleFits(FenLayout, PetscBool *);
/* layout of vectors, whose points are `spacing` apart along its axes; layout of edges, the same array */
PETSC_INTERN PetscErrorCode FenGridCycleCreate(FenLayout, const double spacing[], FenLayout edges, const FenKernels *,
                                               FenGridCycle *);
PETSC_INTERN PetscErrorCode FenGridCycleDestroy(FenGridCycle *);
/* first: of each point the sum of its couplings, also of those that reach too far to be given, on the layout of
   vectors, and its coupling with itself, on that of edges */
PETSC_INTERN PetscErrorCode FenGridCycleSetMass(FenGridCycle, const double mass[], const double own[]);
/* couplings >= 0 of each point and the one that is `offset` away, 0 where that lies outside: for each offset that comes
   after zero in the order of the grid, in any order */
PETSC_INTERN PetscErrorCode FenGridCycleSetCouplings(FenGridCycle, const FenInt offset[], const double couplings[]);
/* ... then the matrix diag((1 + shift) mass) - couplings. `uneven`: the standard deviation, over points, of the share
   of couplings that reach too far to be given. Collective, the same on all ranks */
PETSC_INTERN PetscErrorCode FenGridCycleComplete(FenGridCycle, double shift, double *uneven);
/* ... where that is much, along each axis of the layout: of each point the sum of its couplings, all of them, times
   their squared lengths along the axis, on the layout of vectors; see gridmoments.c */
PETSC_INTERN PetscErrorCode FenGridCycleSetMoments(FenGridCycle, PetscInt axis, const double moments[]);
/* ... and all coarser grids */
PETSC_INTERN PetscErrorCode FenGridCycleBuild(FenGridCycle);
/* e = approximate solution for r */
PETSC_INTERN PetscErrorCode FenGridCycleApply(FenGridCycle, const double r[], double e[]);
