/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of Experts on images:

     h = 1/2 |x - y|^2 + sum_k s_k sum sqrt((c_k * x)^2 + nu_k^2),  s_k = factor e^{scale + weight_k}, nu_k =
   e^{smooth_k}

   theta: scale, weights, smoothings, taps (filter by filter, row by row), each group only if it is learned. x is
   extended by `padding` pixels before it is filtered, so responses live on (rows + 2 padding - w + 1) x (...).

   There are no duals: Newton's method needs 2 to 14 steps from the noisy image with L from 2 to 6e4, and a dual for
   every filter and pixel would cost as much memory as the curvatures.
*/
#pragma once
#include "denoiseimpl.h"
#include "kernels/foekernels.h"

enum { FEN_FOE_SCALE = 0, FEN_FOE_WEIGHTS, FEN_FOE_SMOOTH, FEN_FOE_TAPS, FEN_FOE_GROUPS };
typedef enum { FEN_FOE_REFLECT = 0, FEN_FOE_SYMMETRIC, FEN_FOE_ZERO } FenFoeRule;

typedef struct {
  double *x, *v, *g; /* extended images: linearised point, argument, result */
  double *D;         /* curvatures of all blocks, NULL: made again for each product */
} FenFoePlace;

typedef struct {
  FenDenoise           data; /* must be first */
  FenInt               K, w, r, taps, padding;
  FenFoeRule           rule;
  PetscBool            learn[FEN_FOE_GROUPS];
  double               start[FEN_FOE_TAPS]; /* of scale, weights, smoothings */
  double               factor, cache_megabytes;
  FenInt               p;
  double              *theta; /* all 1 + 2K + K taps, also what is not learned */
  double              *s, *nu2, *nu;
  double              *norms, norm; /* of the filters' operators, and of their sum, see foeconstants.c */
  PetscBool            have_norms;
  double              *by_tap, *by_filter, *dot_by_tap, *dot_by_filter;
  const FenFoeKernels *kernels;
  /* geometry */
  FenInt       row0, rows, H, W; /* my rows of the image */
  FenInt       first, lines;     /* first row of the extended part, in rows of the image; its rows */
  FenInt       responses, blocks, stride, columns;
  FenInt      *column;              /* pixel that each extended column repeats, or -1 */
  double       mask[FEN_FOE_BLOCK]; /* of the last block */
  FenHalo      halo;
  FenFoePlace *place;      /* of samples that are worked on together */
  FenInt       together;   /* places */
  FenInt       image, all; /* numbers of an extended image, of all curvatures */
  double      *x, *v, *g;  /* the present place */
  double      *D;
  double      *T, *U, *row; /* blocks, a row of blocks */
} FenFoe;

#define FEN_FOE_OFFSET_WEIGHTS(f) 1
#define FEN_FOE_OFFSET_SMOOTH(f)  (1 + (f)->K)
#define FEN_FOE_OFFSET_TAPS(f)    (1 + 2 * (f)->K)
#define FEN_FOE_ALL(f)            (1 + 2 * (f)->K + (f)->K * (f)->taps)

/* pixel that place i of an axis of n pixels repeats, -1: none */
PETSC_INTERN FenInt FenFoePixel_Private(FenFoeRule, FenInt i, FenInt n);
/* columns and rows of image x (my slab) extended: own rows only, or the rest once the halo is there */
PETSC_INTERN void FenFoeExtend_Private(const FenFoe *, const double rows[], PetscBool own, double extended[]);
/* adds the extended image g to my rows */
PETSC_INTERN void       FenFoeFold_Private(const FenFoe *, const double g[], double out[]);
PETSC_INTERN FenFoeBank FenFoeBank_Private(const FenFoe *, PetscBool dot);
/* mask of block b */
PETSC_INTERN const double *FenFoeMask_Private(const FenFoe *, FenInt b);
/* 1 if the response in line o is mine in sums over all responses */
PETSC_INTERN PetscBool FenFoeMine_Private(const FenFoe *, FenInt o);
/* the response lines whose windows need no halo */
PETSC_INTERN void FenFoeInner_Private(const FenFoe *, FenInt *from, FenInt *to);
/* the place of sample s becomes the present one */
PETSC_INTERN PetscErrorCode FenFoeAt_Private(FenBilevelProblem, FenInt s);
PETSC_INTERN PetscErrorCode FenFoeTogether_Private(FenBilevelProblem, FenInt n);
/* exchange and extension of v[k] of sample s[k] (NULL: the present place) into its place, as the linearised point or as
   an argument, with `lines` run on the inner response lines meanwhile, then on the rest; ctx[k] is theirs */
typedef void (*FenFoeLines)(FenFoe *, FenInt from, FenInt to, void *ctx);
typedef enum { FEN_FOE_POINT, FEN_FOE_ARGUMENT } FenFoeTarget;
PETSC_INTERN PetscErrorCode FenFoeRun_Private(FenBilevelProblem, FenInt n, const FenInt s[], const double *const v[],
                                              FenFoeTarget, FenFoeLines, void *const ctx[]);

PETSC_INTERN PetscErrorCode FenFoeGradient_Private(FenBilevelProblem, FenInt s, const double x[], double *value,
                                                   double g[]);
PETSC_INTERN PetscErrorCode FenFoeLinearise_Private(FenBilevelProblem, FenInt s, const double x[]);
PETSC_INTERN PetscErrorCode FenFoeHessian_Private(FenBilevelProblem, const double v[], double Hv[]);
PETSC_INTERN PetscErrorCode FenFoeGradients_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                    const double *const x[], double value[], double *const g[]);
PETSC_INTERN PetscErrorCode FenFoeLinearises_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                     const double *const x[], const double *const w[]);
PETSC_INTERN PetscErrorCode FenFoeHessians_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                   const double *const v[], double *const Hv[]);
PETSC_INTERN PetscErrorCode FenFoeDiagonal_Private(FenBilevelProblem, double d[]);
PETSC_INTERN PetscErrorCode FenFoeJacobian_Private(FenBilevelProblem, const double t[], double Jt[]);
PETSC_INTERN PetscErrorCode FenFoeJacobianTranspose_Private(FenBilevelProblem, const double q[], double t[]);
PETSC_INTERN PetscErrorCode FenFoeJacobians_Private(FenBilevelProblem, FenInt n, const FenInt s[], const double t[],
                                                    double *const Jt[]);
PETSC_INTERN PetscErrorCode FenFoeJacobiansTranspose_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                             const double *const q[], double *const t[]);
PETSC_INTERN PetscErrorCode FenFoeConstantsAt_Private(FenBilevelProblem, FenInt n, const FenInt s[],
                                                      FenBilevelConstants c[]);
PETSC_INTERN PetscErrorCode FenFoeConstants_Private(FenBilevelProblem, FenInt s, FenBilevelConstants *);
/* curvatures of block (o, b) at the linearised point */
PETSC_INTERN const double *FenFoeCurvatures_Private(FenFoe *, const FenFoeBank *, FenInt o, FenInt b);
/* learned part of all hyperparameters, my range of it; and back */
PETSC_INTERN void           FenFoeTake_Private(FenBilevelProblem, const double all[], double mine[]);
PETSC_INTERN PetscErrorCode FenFoeGather_Private(FenBilevelProblem, const double mine[], double all[]);
