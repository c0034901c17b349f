/* SPDX-License-Identifier: BSD-2-Clause */
/* Order of my points along a space-filling curve: neighbours in memory are neighbours in space. */
#pragma once
#include <fenchelsys.h>
/* perm[k] is the point that comes k-th; x is n x dim, row by row */
PETSC_INTERN PetscErrorCode FenMortonOrder(FenInt n, PetscInt dim, const double x[], FenInt perm[]);
