/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernelridge.c (the problem), kernelupper.c (upper losses) and kernelbounds.c (constants) share. */
#pragma once
#include "datasetimpl.h"
#include "kernelmatriximpl.h"

enum { UPPER_HOLDOUT, UPPER_LOO, UPPER_EVIDENCE };

typedef struct {
  FenDatasetOptions data;
  FenDataset        train, valid;
  FenKernel         k;
  PetscInt          each, upper;
  double            length, noise, box;
  double           *theta, *scale; /* all p; their exponentials */
  double           *V, *VZ, *KV;   /* my validation points, scaled, their kernel with all training points */
  PetscBool         current;       /* KV belongs to theta */
  double           *all, *b;       /* n numbers each, whole */
  double           *J;             /* my rows x p of J, by columns, at the linearised point */
  double            top, change;   /* bounds of theta: of lambda_max(K), of J; top < 0: not computed */
  double            curvature;     /* of the upper loss */
} FenKernelRidge;

/* x of my part, width numbers a row, to all of them */
PETSC_INTERN PetscErrorCode FenKernelRidgeWhole_Private(FenBilevelProblem, FenKernelRidge *, FenInt width,
                                                        const double x[], double all[]);
/* and back */
PETSC_INTERN void           FenKernelRidgeMine_Private(FenBilevelProblem, const double all[], double x[]);
PETSC_INTERN PetscErrorCode FenKernelRidgeResiduals_Private(FenKernelRidge *, const double a[], const double y[],
                                                            double r[]);
/* the loss of the held-out rows, whatever the upper loss is */
PETSC_INTERN PetscErrorCode FenKernelRidgeHoldout_Private(FenBilevelProblem, FenKernelRidge *, const double x[],
                                                          double *value, double g[]);
PETSC_INTERN PetscErrorCode FenKernelRidgeUpper_Private(FenBilevelProblem, FenInt s, const double x[], double *value,
                                                        double g[]);
PETSC_INTERN PetscErrorCode FenKernelRidgeUpperHessian_Private(FenBilevelProblem, FenInt s, const double x[],
                                                               const double v[], double Gv[]);
PETSC_INTERN PetscErrorCode FenKernelRidgeDirect_Private(FenBilevelProblem, FenInt s, const double x[], double t[]);
PETSC_INTERN PetscErrorCode FenKernelRidgeConstants_Private(FenBilevelProblem, FenInt s, FenBilevelConstants *);
