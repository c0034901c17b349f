/* SPDX-License-Identifier: BSD-2-Clause */
/* What elasticnet.c (the problem) and elasticdense.c (Gram matrices, factors, coordinate descent) share. */
#pragma once
#include "linearmodelimpl.h"

typedef struct {
  FenLinear         m; /* first: what the models share takes the context for it */
  FenDatasetOptions data;
  PetscInt          loss, each;
  FenInt            dense;
  double            start1, start2, box; /* options */
  double            top;                 /* least l1 for which b = 0 */
  FenInt            p1;                  /* numbers t1 */
  double           *theta;               /* all, p1 + 1 */
  double           *l1, *point, *slope;  /* e^{t1} of all features; b and the loss's gradient, mine, linearised */
  double            f2;                  /* e^{t2} */
  double           *gram, *c, *work;     /* dense: A^T A/n, A^T y/n; see descentimpl.h */
  double           *b, *trial, *G;       /* whole b; of models */
  PetscInt         *list;
  double            least, most; /* eigenvalues of the loss's Hessian */
  PetscBool         factored;
} FenElasticNet;

/* ---- up to -elastic_net_dense features (elasticdense.c) ---- */
PETSC_INTERN PetscErrorCode FenElasticDenseSetUp_Private(FenBilevelProblem, FenElasticNet *);
/* H x = b on the support of the linearised point */
PETSC_INTERN PetscErrorCode FenElasticDenseSolve_Private(FenBilevelProblem, const double b[], double x[]);
/* coordinate descent; logistic: of quadratic models */
PETSC_INTERN PetscErrorCode FenElasticDenseNative_Private(FenBilevelProblem, FenInt s, double tol, FenInt max_it,
                                                          double x[], FenInt *iterations);
/* the subgradient of least norm */
PETSC_INTERN PetscErrorCode FenElasticGradient_Private(FenBilevelProblem, FenInt s, const double x[], double *value,
                                                       double g[]);
