/* SPDX-License-Identifier: BSD-2-Clause */
/* A wide plan seen on a coarser grid, as preconditioner of its Newton system; see newtoncoarse.c. */
#pragma once
#include "../otimpl.h"

typedef struct _p_FenNewtonCoarse *FenNewtonCoarse;

/* Collective. Is there a coarser level than the present one that its epsilon can do with? */
PETSC_INTERN PetscErrorCode FenNewtonCoarseFits(FenOT, PetscBool *fits);
PETSC_INTERN PetscErrorCode FenNewtonCoarseCreate(FenOT, FenNewtonCoarse *);
PETSC_INTERN PetscErrorCode FenNewtonCoarseDestroy(FenNewtonCoarse *);
/* is it of the coarsest grid that the present epsilon can do with? */
PETSC_INTERN PetscBool FenNewtonCoarseServes(FenNewtonCoarse);
/* Collective. Coarse plan and its system for potentials g on the present level, with a Levenberg shift */
PETSC_INTERN PetscErrorCode FenNewtonCoarseBuild(FenNewtonCoarse, const double g[], double shift);
/* Collective. z = c^-1 r/(1 + shift) + I (S_c^-1 - c_c^-1/(1 + shift)) I^T r; of c = 0 the second part alone. Not
   `solved`: z is not to be used, as the coarse system takes too many iterations */
PETSC_INTERN PetscErrorCode FenNewtonCoarseApply(FenNewtonCoarse, const double c[], const double r[], double z[],
                                                 PetscBool *solved);
