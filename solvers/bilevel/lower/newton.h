/* SPDX-License-Identifier: BSD-2-Clause */
/* The damped Newton iteration that newton and pdnewton share. */
#pragma once
#include "lower.h"

/* duals: w of the tasks are the dual variables of a primal-dual iteration */
PETSC_INTERN PetscErrorCode FenLowerNewton(FenLower, FenInt n, FenLowerTask[], PetscBool duals);
PETSC_INTERN PetscErrorCode FenLowerNewtonSetUp(FenLower);
/* with an l1 norm */
PETSC_INTERN PetscErrorCode FenLowerProxNewton(FenLower, FenLowerTask *);
