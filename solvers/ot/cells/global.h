/* SPDX-License-Identifier: BSD-2-Clause */
/* Newton steps on the whole problem, which take what is wrong on long waves out of a g that cells have left. */
#pragma once
#include "../impls/newtonstep.h"

typedef struct {
  FenNewtonStep newton;
  double       *best, best_dual; /* the best g of earlier attempts */
  FenInt        failed;          /* directions in a row that did not raise the dual */
} FenGlobal;

PETSC_INTERN PetscErrorCode FenGlobalCreate(FenOT, FenGlobal *);
PETSC_INTERN PetscErrorCode FenGlobalDestroy(FenGlobal *);
/* an attempt begins with ot->g, or with the best g of attempts before if its dual value is higher */
PETSC_INTERN PetscErrorCode FenGlobalStart(FenOT, FenGlobal *);
/* makes again what belongs to ot->g; the shift stays */
PETSC_INTERN PetscErrorCode FenGlobalResume(FenGlobal *);
/* one step: ot->g, dual, error */
PETSC_INTERN PetscErrorCode FenGlobalStep(FenGlobal *);
