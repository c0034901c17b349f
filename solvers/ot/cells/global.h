/* SPDX-License-Identifier: BSD-2-Clause */
/* Newton steps on the whole problem, which take what is wrong on long waves out of a g that cells have left. */
#pragma once
#include "../impls/newtonsystem.h"

typedef struct {
  FenNewtonSystem system;
  double         *c, *d, *trial, *best; /* column sums, direction, trial g; the best g of earlier attempts */
  double          dual, error, log_error, best_dual; /* log_error: largest |log(b/c)| */
  double          mass;                              /* of the plan */
  double          shift;                             /* of Levenberg, grows when steps must be cut */
  FenInt          failed;                            /* directions in a row that did not raise the dual */
} FenGlobal;

PETSC_INTERN PetscErrorCode FenGlobalCreate(FenOT, FenGlobal *);
PETSC_INTERN PetscErrorCode FenGlobalDestroy(FenGlobal *);
/* an attempt begins with ot->g, or with the best g of attempts before if its dual value is higher */
PETSC_INTERN PetscErrorCode FenGlobalStart(FenOT, FenGlobal *);
/* makes again what belongs to ot->g */
PETSC_INTERN PetscErrorCode FenGlobalResume(FenOT, FenGlobal *);
/* one step: ot->g, dual, error */
PETSC_INTERN PetscErrorCode FenGlobalStep(FenOT, FenGlobal *);
