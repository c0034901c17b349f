/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Coordinate descent for min_b 1/2 b^T G b - c^T b + sum_j l1_j |b_j| + l2/2 |b|^2 with a dense G of order d, local to
   a rank: G is whole on every rank, where the rows of A in G = A^T A/n are distributed, because a message for every
   coordinate would cost more than d numbers of work.

   Cyclic sweeps, over all coordinates until the support rests, then over the support; when signs have rested for some
   sweeps, the equations on the support are solved by Cholesky and taken if the signs agree (a Newton step: exact then).
   Cost: d^2 flops a sweep at most, d |support| as a rule, |support|^3/3 for a solve. Reference: Friedman, Hastie,
   Tibshirani, J. Stat. Softw. 33(1), 2010.
*/
#pragma once
#include "bilevelproblemimpl.h"

typedef struct {
  PetscInt      d;
  const double *G, *c, *l1;
  double        l2;
  double       *r, *work; /* d; d + d^2: of the caller */
  PetscInt     *list;     /* d */
} FenDescent;

/* |least subgradient| <= tol or as small as rounding allows; b: start and answer */
PETSC_INTERN PetscErrorCode FenDescentSolve_Private(FenDescent *, double tol, FenInt max_it, double b[],
                                                    FenInt *iterations);
/* least element of g_j + l1 d|b_j| */
PETSC_INTERN double FenLeastSubgradient_Private(double g, double b, double l1);
