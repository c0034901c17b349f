/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The functions of a problem for n of a team's samples at once: with messages in common where the problem can, one
   sample after the other where it cannot. A single sample takes the functions of one.
*/
#pragma once
#include <fenchelbilevelproblem.h>

/* h and grad h; value: my parts, NULL: not wanted */
PETSC_INTERN PetscErrorCode FenBatchGradients(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                                              double value[], double *const g[]);
/* the smooth part's, where h has an l1 norm */
PETSC_INTERN PetscErrorCode FenBatchSmoothGradients(FenBilevelProblem, FenInt n, const FenInt s[],
                                                    const double *const x[], double *const g[]);
/* w: NULL, or duals */
PETSC_INTERN PetscErrorCode FenBatchLinearise(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                                              const double *const w[]);
/* s[0] < 0: a single one, at the present point */
PETSC_INTERN PetscErrorCode FenBatchHessians(FenBilevelProblem, FenInt n, const FenInt s[], const double *const v[],
                                             double *const Hv[]);
PETSC_INTERN PetscErrorCode FenBatchJacobians(FenBilevelProblem, FenInt n, const FenInt s[], const double t[],
                                              double *const Jt[]);
PETSC_INTERN PetscErrorCode FenBatchJacobiansTranspose(FenBilevelProblem, FenInt n, const FenInt s[],
                                                       const double *const q[], double *const t[]);
/* those at the linearised points included */
PETSC_INTERN PetscErrorCode FenBatchConstants(FenBilevelProblem, FenInt n, const FenInt s[], FenBilevelConstants c[]);
PETSC_INTERN PetscErrorCode FenBatchDualStarts(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                                               double *const w[]);
PETSC_INTERN PetscErrorCode FenBatchDualSteps(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                                              const double *const dx[], double *const w[]);
/* the present point is that of s */
PETSC_INTERN PetscErrorCode FenBatchAt(FenBilevelProblem, FenInt s);
