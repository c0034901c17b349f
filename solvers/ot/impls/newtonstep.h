/* SPDX-License-Identifier: BSD-2-Clause */
/* A globalised Newton step on the dual of the whole problem, and the Sinkhorn steps around it: what the types newton,
   multigrid and domdec take. See newtonstep.c. */
#pragma once
#include "newtonsystem.h"

#define FEN_NEWTON_SMOOTH 0.1 /* around steps, Sinkhorn steps go on until |log(b/c)| is below this everywhere */

typedef struct {
  FenNewtonSystem system;  /* with the Levenberg shift */
  double         *c, *d;   /* column sums of the plan of ot->g; the last direction */
  double         *g_built; /* g that the preconditioner was made of, where somebody wants to know it, or NULL */
  double          shift_built, eps_built;
  FenInt          ways_built;             /* ways.plan of the operator then */
  double          dual, error, log_error; /* of ot->g; log_error: largest |log(b/c)| */
  PetscBool       lost;                   /* at some target c is not accurate */
  FenInt          built;                  /* there is a preconditioner that will do */
  FenInt          diagonal_only;          /* another one broke down */
} FenNewtonStep;

/* options of the system are set before; arrays are as long as on the largest level */
PETSC_INTERN PetscErrorCode FenNewtonStepCreate(FenOT, FenNewtonStep *);
PETSC_INTERN PetscErrorCode FenNewtonStepDestroy(FenNewtonStep *);
/* the problem is a new one: little is known of it, nothing if it is one of another grid */
PETSC_INTERN void           FenNewtonStepForget(FenNewtonStep *);
PETSC_INTERN PetscErrorCode FenNewtonStepBuild(FenNewtonStep *);
/* part of a solver's state */
PETSC_INTERN PetscErrorCode FenNewtonStepState(FenNewtonStep *, FenState);
/* after it was loaded, and the operator has the level and the epsilon that it had: the preconditioner is made again of
   what it was made of, where g_built is part of the state as well */
PETSC_INTERN PetscErrorCode FenNewtonStepResume(FenNewtonStep *);
/* f, c, dual, errors of ot->g: two passes */
PETSC_INTERN PetscErrorCode FenNewtonStepEvaluate(FenNewtonStep *);
/* g <- T(f); `everywhere`: also at targets without mass. No pass while c is accurate; f, c, dual are not of the new g
 */
PETSC_INTERN PetscErrorCode FenNewtonStepUpdate(FenNewtonStep *, PetscBool everywhere);
/* Sinkhorn steps until |log(b/c)| is at most `limit` everywhere, twenty at most; `least` whatever it is */
PETSC_INTERN PetscErrorCode FenNewtonStepSmoothen(FenNewtonStep *, int least, double limit);
/* a step, its system solved to rtol, and smoothing; *step: what was taken of the direction, 0: a Sinkhorn step */
PETSC_INTERN PetscErrorCode FenNewtonStepTake(FenNewtonStep *, double rtol, double *step);
