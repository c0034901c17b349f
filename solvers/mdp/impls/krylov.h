/* SPDX-License-Identifier: BSD-2-Clause */
/* A linear system that is known by its products, on arrays; solved by a KSP of the user's choice. */
#pragma once
#include "../mdpimpl.h"
#include <petscksp.h>

typedef PetscErrorCode (*FenProductFn)(void *, const double x[], double y[]);

typedef struct {
  KSP          ksp;
  Mat          A;
  Vec          x, b;
  FenInt       n;
  FenProductFn mult, precondition; /* precondition NULL: none */
  void        *ctx;
  PetscInt     max_it, it; /* it: of the last solve */
  double       stop;       /* residual norm at which the present solve ends */
  double       best;       /* smallest residual norm seen */
} FenKrylov;

/* n entries on this rank; options -mdp_ksp_... of the solver */
PETSC_INTERN PetscErrorCode FenKrylovCreate(FenMDP, FenInt n, FenProductFn mult, FenProductFn precondition, void *ctx,
                                            FenKrylov *);
PETSC_INTERN PetscErrorCode FenKrylovDestroy(FenKrylov *);
/* x from zero until the 2-norm of the residual is at most stop; failed: it is not smaller than b */
PETSC_INTERN PetscErrorCode FenKrylovSolve(FenKrylov *, const double b[], double stop, double x[], PetscBool *failed);
PETSC_INTERN PetscErrorCode FenKrylovNorm(FenKrylov *, const double b[], double *norm2);
