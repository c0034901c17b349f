/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Gaussian kernel matrices, K_ik = exp(-|z_i - z_k|^2/2) of points z_i = x_i / length scales, by blocks of rows, and
   factors of K + noise by PETSc's ScaLAPACK matrices. Blocks lie by columns. Rows are cut into equal blocks, the last
   one shorter, which is how those matrices want them; numbers of all rows are gathered, n of them being cheap against
   the n^2 entries that every product reads.
*/
#pragma once
#include "bilevelproblemimpl.h"

typedef struct {
  MPI_Comm     comm;
  PetscInt     n, d, lengths; /* points, features; one length scale or d */
  PetscInt     parts;         /* ranks */
  PetscInt     e0, e1, rows;  /* my rows of K */
  PetscMPIInt *count, *place; /* of all ranks */
  double      *X;             /* n x d, all points; set-up subtracts their mean */
  double      *Z;             /* n x d: X over the length scales */
  double      *mean;          /* d */
  double      *K;             /* my rows x n, noise on the diagonal */
  double       noise;
  Mat          factor, inverse; /* NULL: not made yet */
  double      *B;               /* my rows x n of the inverse */
  double      *diagonal;        /* all n of it */
} FenKernel;

PETSC_INTERN PetscErrorCode
FenKernelSetUp_Private(FenKernel *); /* comm, n, d, lengths, and X, Z, mean as one PetscMalloc3 are set */
PETSC_INTERN PetscErrorCode FenKernelFree_Private(FenKernel *);
/* new length scales and noise: K, nothing else; lengths[lengths] */
PETSC_INTERN PetscErrorCode FenKernelSet_Private(FenKernel *, const double lengths[], double noise);
/* out = kernel of m points V (m x d, scaled) with all points, m x n by columns */
PETSC_INTERN PetscErrorCode FenKernelBlock_Private(const FenKernel *, PetscInt m, const double V[], double out[]);
/* out[l m + i] = sum_k M_ik a_k s_l(i,k), M as above, s_l the squared distance of v_i and z_k in feature l, or of all
   features for a single length scale: derivatives of kernel products by the logarithms of the length scales */
PETSC_INTERN PetscErrorCode FenKernelDifferences_Private(const FenKernel *, PetscInt m, const double V[],
                                                         const double M[], const double a[], double out[]);
/* parts in kernel rows to all of them */
PETSC_INTERN PetscErrorCode FenKernelGather_Private(const FenKernel *, const double mine[], double all[]);
/* all = K v for whole v */
PETSC_INTERN PetscErrorCode FenKernelMult_Private(const FenKernel *, const double v[], double all[]);
/* x = K^{-1} b, whole; b may be x */
PETSC_INTERN PetscErrorCode FenKernelSolve_Private(FenKernel *, const double b[], double x[]);
/* log det K */
PETSC_INTERN PetscErrorCode FenKernelLogDet_Private(FenKernel *, double *);
/* B and its diagonal: 2 n^3 flops */
PETSC_INTERN PetscErrorCode FenKernelInvert_Private(FenKernel *);
/* my rows x n of B diag(c) B, c whole: 2 n^3 flops */
PETSC_INTERN PetscErrorCode FenKernelSandwich_Private(FenKernel *, const double c[], double W[]);
