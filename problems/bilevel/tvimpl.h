/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Smoothed total variation on one, two or three axes:

     h = 1/2 |x - y|^2 + ridge/2 |x|^2 + lam sum sqrt(|Dx|^2 + nu^2),   g = weight/2 |x - clean|^2.

   D: forward differences, those that leave the array are 0; the sum is over pixels (isotropic) or over pixels and
   axes. With `left` (one axis only) there is one difference more, x_0 - 0; it has the place of the last pixel's.
   A row of a field has its components one after the other, each as long as a row of x. Component 0 is the difference
   along axis 0, 1 along the last axis, 2 along the axis between.
*/
#pragma once
#include "denoiseimpl.h"

#define FEN_TV_MAXP    3
#define FEN_TV_TENSORS 6

enum { FEN_TV_LAMBDA = 0, FEN_TV_RIDGE = 1, FEN_TV_NU = 2 };

typedef struct {
  PetscInt  dim;
  FenInt    line, width; /* numbers along the last axis, numbers of a row */
  PetscBool isotropic, left;
  double    lam, nu, ridge;
} FenTvForm;

/* what a sweep sums up with D^T: lam p/sqrt(s), -lam nu^2 p/s^{3/2} (derivative of it in log nu), A p; s = p^2 + nu^2
 */
typedef enum { FEN_TV_GRADIENT, FEN_TV_SLOPE, FEN_TV_HESSIAN } FenTvKind;

/* ---- a row (tvrows.c) ---- */
/* next: NULL for the last row of the array */
PETSC_INTERN void FenTvDifference_Private(const FenTvForm *, const double cur[], const double next[], double p[]);
/* p <- field of the kind; returns the sum of lam sqrt(s) of the row, for FEN_TV_GRADIENT */
PETSC_INTERN double FenTvField_Private(const FenTvForm *, FenTvKind, const double A[], double p[]);
/* out += D^T of fields of the row before (NULL: none) and of this row; own: with the row's own component 0 */
PETSC_INTERN void FenTvAdjoint_Private(const FenTvForm *, const double before[], const double field[], PetscBool own,
                                       double out[]);
/* A of differences p, and of duals w if there are any; last: of the array, its component 0 is no difference */
PETSC_INTERN void FenTvTensor_Private(const FenTvForm *, const double p[], const double w[], PetscBool last,
                                      double A[]);
/* numbers of a pixel's A */
static inline PetscInt FenTvTensorSize_Private(const FenTvForm *f)
{
  return f->isotropic ? f->dim * (f->dim + 1) / 2 : f->dim;
}
/* w <- p/sqrt(s) */
PETSC_INTERN void FenTvDual_Private(const FenTvForm *, const double p[], double w[]);
/* dw of a primal-dual step: differences p of x and dp of dx */
PETSC_INTERN void FenTvDualDirection_Private(const FenTvForm *, const double p[], const double dp[], const double w[],
                                             double dw[]);
/* longest step, at most `most`, that keeps |w + step dw| <= 1 in the row */
PETSC_INTERN double FenTvDualReach_Private(const FenTvForm *, const double w[], const double dw[], double most);

typedef struct {
  double   *x, *A;                           /* x with its halo; A from the row above mine on */
  double    gram[FEN_TV_MAXP * FEN_TV_MAXP]; /* of J's columns: my part of the sums */
  PetscBool have_gram;
} FenTvPlace;

typedef struct {
  FenDenoise data; /* must be first */
  FenTvForm  form;
  /* options: which of lam, ridge, nu are learned; their values; theta = log of value/factor in this base */
  PetscBool learn[FEN_TV_MAXP];
  double    start[FEN_TV_MAXP], lower[FEN_TV_MAXP], upper[FEN_TV_MAXP];
  double    factor, base; /* lam is factor * e^theta; base: ln 10 or 1 */
  double    conditioning; /* r = conditioning (L/mu)^2 */
  PetscInt  p, which[FEN_TV_MAXP];
  /* at work */
  FenInt    rows, row0, nx; /* my rows */
  PetscBool top, bottom;    /* my slab has the first row, the last row of the array */
  FenHalo   halo, dual_halo;
  double   *work; /* two rows of a field, and two more */
  double    zero;
  /* linearised points of samples that are worked on together */
  FenTvPlace *place;
  FenInt      together, present;
  /* the present one */
  double   *x, *A;
  double   *columns; /* of J */
  PetscBool have_columns, have_factor;
  double   *pivot, *ratio; /* factors of the tridiagonal H */
  Mat       H;
} FenTv;

/* out = a v - y (y: or NULL) + D^T field, for n slabs v of samples s (NULL: the present place). Overlaps exchange and
   inner rows; value: or NULL */
PETSC_INTERN PetscErrorCode FenTvApply_Private(FenBilevelProblem, FenTvKind, FenInt n, const FenInt s[],
                                               const double *const v[], double a, const double *const y[],
                                               double *const out[], double value[]);
/* out = a v + b y + D^T field without exchange: rows from v on, halo rows in place */
PETSC_INTERN void FenTvSweep_Private(FenTv *, FenTvKind, const double v[], FenInt from, FenInt to, double a,
                                     const double y[], double b, double out[], FenDD *value);
/* p of row i of my slab, from -1 on (or -above); rows as FenHaloEnd_Private gives them */
PETSC_INTERN void    FenTvRow_Private(const FenTv *, const double rows[], FenInt i, double p[]);
PETSC_INTERN double *FenTvA_Private(const FenTv *, FenInt i);

PETSC_INTERN PetscErrorCode FenTvSetUp_Private(FenBilevelProblem);
PETSC_INTERN PetscErrorCode FenTvLinearise_Private(FenBilevelProblem, FenInt s, const double x[]);
PETSC_INTERN PetscErrorCode FenTvLinearises_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                    const double *const x[], const double *const w[]);
PETSC_INTERN PetscErrorCode FenTvTogether_Private(FenBilevelProblem, FenInt n);
PETSC_INTERN PetscErrorCode FenTvAt_Private(FenBilevelProblem, FenInt s);
PETSC_INTERN PetscErrorCode FenTvDualStart_Private(FenBilevelProblem, FenInt s, const double x[], double w[]);
PETSC_INTERN PetscErrorCode FenTvDualStarts_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                    const double *const x[], double *const w[]);
PETSC_INTERN PetscErrorCode FenTvDualSteps_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                   const double *const x[], const double *const dx[],
                                                   double *const w[]);
PETSC_INTERN PetscErrorCode FenTvDualise_Private(FenBilevelProblem, FenInt s, const double x[], const double w[]);
PETSC_INTERN PetscErrorCode FenTvDualStep_Private(FenBilevelProblem, FenInt s, const double x[], const double dx[],
                                                  double w[]);
PETSC_INTERN PetscErrorCode FenTvDiagonal_Private(FenBilevelProblem, double d[]);
PETSC_INTERN PetscErrorCode FenTvAssemble_Private(FenBilevelProblem, Mat *);
PETSC_INTERN PetscErrorCode FenTvSolve_Private(FenBilevelProblem, const double b[], double x[]);
PETSC_INTERN PetscErrorCode FenTvConstants_Private(FenBilevelProblem, FenInt s, FenBilevelConstants *);
PETSC_INTERN PetscErrorCode FenTvJacobian_Private(FenBilevelProblem, const double t[], double Jt[]);
PETSC_INTERN PetscErrorCode FenTvJacobians_Private(FenBilevelProblem, FenInt n, const FenInt s[], const double t[],
                                                   double *const Jt[]);
PETSC_INTERN PetscErrorCode FenTvJacobianTranspose_Private(FenBilevelProblem, const double q[], double t[]);
PETSC_INTERN PetscErrorCode FenTvJacobiansTranspose_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                            const double *const q[], double *const t[]);
PETSC_INTERN PetscErrorCode FenTvConstantsAt_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                     FenBilevelConstants c[]);
PETSC_INTERN PetscErrorCode FenTvRegulariser_Private(FenBilevelProblem, double *value, double t[]);
/* the problem of options that are set */
PETSC_INTERN PetscErrorCode FenTvCreate_Private(MPI_Comm, FenTv *, const FenBilevelData *, FenBilevelUpper,
                                                FenBilevelProblem *);
