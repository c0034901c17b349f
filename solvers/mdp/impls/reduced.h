/* SPDX-License-Identifier: BSD-2-Clause */
/* Newton steps on one colour of a model of two, see reduced.c. */
#pragma once
#include "krylov.h"
#include "../bellman/coloured.h"

typedef struct {
  FenColoured colours;
  FenKrylov   krylov;
  double     *d, *x, *kept;
} FenReduced;

typedef struct {
  double before;  /* norm one step ago */
  double best;    /* smallest so far */
  FenInt stale;   /* steps since it fell */
  FenInt refused; /* solves in a row that were taken back */
} FenProgressOfNorm;

/* rows in colours, and the system, unless they are there; collective */
PETSC_INTERN PetscErrorCode FenReducedSetUp(FenMDP, PetscInt max_it, FenReduced *);
PETSC_INTERN PetscErrorCode FenReducedDestroy(FenReduced *);
/* W from TV: sweeps and solves in turn until what is left is below the target of the tolerances, or steps are made */
PETSC_INTERN PetscErrorCode FenReducedEvaluate(FenMDP, FenReduced *, FenProgressOfNorm *, PetscInt smooth,
                                               double forcing, PetscInt steps, PetscBool *failed);
