/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Products of a plan whose factors are kept, without the exchange of all with all: see halo.c. Between a few ranks, or
   where windows reach farther than the exchange does, there is none, and pencils are used.
*/
#pragma once
#include "separableimpl.h"

#define FEN_HALO_AFTER 2 /* products of a plan before a third: moving the factors pays */

/* NULL: never with this operator and these ranks */
PETSC_INTERN PetscErrorCode FenHaloCreate(FenOTOperator, FenHalo *);
PETSC_INTERN PetscErrorCode FenHaloDestroy(FenHalo *);
/* Collective, for the present plan, whose factors are there; `use`: may FenHaloMult() be called? */
PETSC_INTERN PetscErrorCode FenHaloSetPlan(FenHalo, FenOTOperator, PetscBool *use);
/* other weights of the sources */
PETSC_INTERN PetscErrorCode FenHaloSetRows(FenHalo, FenOTOperator);
/* E_s^T diag(rows) E_s of the last stage s: in and out as the stage before it leaves them */
PETSC_INTERN PetscErrorCode FenHaloMult(FenHalo, FenOTOperator, const double in[], double out[]);
