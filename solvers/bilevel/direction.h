/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenDirection: limited-memory quasi-Newton directions in the space of hyperparameters, with a box.
*/
#pragma once
#include "bilevelimpl.h"

#define FEN_DIRECTION_MEMORY 100 /* pairs at most */

typedef struct {
  PetscInt memory;                      /* pairs at most; 0: Barzilai-Borwein steps along -z */
  FenInt   n;                           /* pairs there are */
  double  *s[FEN_DIRECTION_MEMORY + 1]; /* oldest first; my part */
  double  *y[FEN_DIRECTION_MEMORY + 1];
  double  *packed; /* for the state: 2 (memory + 1) numbers a hyperparameter */
} FenDirection;

PETSC_INTERN PetscErrorCode FenDirectionCreate(FenBilevel, PetscInt memory, FenDirection *);
PETSC_INTERN PetscErrorCode FenDirectionDestroy(FenDirection *);
PETSC_INTERN void           FenDirectionForget(FenDirection *);
/* a step and the change of z that it made; kept if its curvature is safely positive. *concave: it is not positive, so
   that f fell faster the farther the step went */
PETSC_INTERN PetscErrorCode FenDirectionUpdate(FenBilevel, FenDirection *, const double theta[], const double before[],
                                               const double z[], const double zbefore[], PetscBool *concave);
/* d, a direction of descent that is zero where the box stops it; *newton: pairs were used, so that 1 is its step */
PETSC_INTERN PetscErrorCode FenDirectionGet(FenBilevel, const FenDirection *, const double theta[], const double z[],
                                            double d[], PetscBool *newton);
PETSC_INTERN PetscErrorCode FenDirectionState(FenBilevel, FenDirection *, FenState);
PETSC_INTERN PetscErrorCode FenDirectionResume(FenBilevel, FenDirection *);
