/* SPDX-License-Identifier: BSD-2-Clause */
/* The Newton system of a plan on one line: a banded matrix and its Cholesky factors; see newtonband.c. */
#pragma once
#include "operator/operator.h"

typedef struct _p_FenBand *FenBand;

PETSC_INTERN PetscErrorCode FenBandCreate(FenOTOperator, FenBand *);
PETSC_INTERN PetscErrorCode FenBandDestroy(FenBand *);
/* Collective. Is the present plan on one line, and so concentrated that factors take no more than `entries` numbers? */
PETSC_INTERN PetscErrorCode FenBandFits(FenOTOperator, double entries, PetscBool *fits);
/* Collective. Factors of the matrix that has scale_j (sum_k B_jk + excess_j) scale_j on its diagonal, the sum over k
   other than j, and - scale_j B_jk scale_k beside it, B = E^T diag(rows) E of the operator's plan; alone_j stands on
   the diagonal of a target that is coupled to nothing. ok: they exist. average: see FenNewtonSystem */
PETSC_INTERN PetscErrorCode FenBandBuild(FenBand, const double scale[], const double excess[], const double alone[],
                                         double *average, PetscBool *ok);
/* Collective. x = inverse times r */
PETSC_INTERN PetscErrorCode FenBandSolve(FenBand, const double r[], double x[]);
