/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan's entries that matter, kept for products. See sparseplan.c. */
#pragma once
#include "operator.h"

typedef struct _FenSparsePlan *FenSparsePlan;

/* E by rows of my sources, columns by the targets' numbers */
PETSC_INTERN PetscErrorCode FenSparsePlanCreate(FenOTOperator, const FenSparse *E, FenSparsePlan *);
PETSC_INTERN PetscErrorCode FenSparsePlanDestroy(FenSparsePlan *);
/* entries on all ranks */
PETSC_INTERN double FenSparsePlanSize(FenSparsePlan);
/* out_j = sum_i v_i E_ij^2 */
PETSC_INTERN PetscErrorCode FenSparsePlanMultSquares(FenSparsePlan, const double v[], double out[]);
/* out = E^T diag(rows) E v */
PETSC_INTERN PetscErrorCode FenSparsePlanMultNormal(FenSparsePlan, const double rows[], const double v[], double out[]);
