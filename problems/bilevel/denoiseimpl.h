/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the denoising problems share: pairs of clean and noisy arrays of one, two or three axes, cut over a team in
   slabs of axis 0; the squared error as upper function; halos of rows.
*/
#pragma once
#include "bilevelproblemimpl.h"
#include <petscdmda.h>

#define FEN_DENOISE_AXES 3

/* rows around my slab, of several arrays at once, through a one-axis DMDA whose points are the rows that neighbours
   see; without messages in a team of one */
typedef struct {
  DM  dm;
  Vec mine, all;
} FenHaloExchange;

typedef struct {
  MPI_Comm         team;
  FenInt           width;        /* numbers of a row */
  FenInt           above, below; /* rows of others that I see */
  FenInt           reach, rows;
  FenInt           most;     /* arrays at once */
  FenHaloExchange *exchange; /* of one, two, ... arrays: each made when it is needed; NULL: a team of one */
  double          *seen;     /* my rows and those around them, array by array */
} FenHalo;

PETSC_INTERN PetscErrorCode FenHaloCreate_Private(FenBilevelProblem, FenInt width, FenInt reach, FenHalo *);
PETSC_INTERN PetscErrorCode FenHaloDestroy_Private(FenHalo *);
/* up to `most` arrays from now on */
PETSC_INTERN PetscErrorCode FenHaloTogether_Private(FenHalo *, FenInt most);
/* n arrays, which must not change before End, in one message to each neighbour; row i of my slab of array k is
   rows[k][i * width], i from -above to rows + below - 1, until the next exchange */
PETSC_INTERN PetscErrorCode FenHaloBegin_Private(FenHalo *, FenInt n, const double *const x[]);
PETSC_INTERN PetscErrorCode FenHaloEnd_Private(FenHalo *, FenInt n, const double *const x[], const double *rows[]);

typedef enum { FEN_RESIZE_AVERAGE = 0, FEN_RESIZE_LINEAR } FenDenoiseResize;
PETSC_INTERN const char *const FenDenoiseResizes[];

typedef struct _FenImages *FenImages;
typedef struct _FenDenoise FenDenoise;
struct _FenDenoise {
  const char      *name;   /* of the problem: its options begin with it, - written _ */
  PetscInt         dim;    /* axes of an array */
  FenInt           length; /* of the sides that the problem makes itself or resizes to; 0: as in the files */
  FenDenoiseResize resize;
  FenInt           crop;  /* side of the middle that is cut out first; 0: nothing is cut */
  FenInt           count; /* samples; 0: all there are */
  double           noise;
  uint64_t         seed;
  uint32_t         set;                       /* of samples, see FenBilevelProblemSetSampleSet() */
  char             noisy[PETSC_MAX_PATH_LEN]; /* noisy arrays from files */
  FenInt           m, shape[FEN_DENOISE_AXES];
  double           weight;         /* g = weight/2 |x - clean|^2 */
  double         **clean, **dirty; /* for each of my samples, my rows */
  FenInt           mine;
  FenImages        images, noisy_images;                   /* files; NULL: the problem makes its own */
  PetscErrorCode (*make)(FenBilevelProblem, FenDenoise *); /* fills clean and dirty of samples that it makes */
};

PETSC_INTERN PetscErrorCode FenDenoiseOptions_Private(FenOptionItems, MPI_Comm, FenDenoise *);
/* samples, rows, width, most parts of slabs with at least `least` rows, metrics */
PETSC_INTERN PetscErrorCode FenDenoiseSizes_Private(MPI_Comm, FenDenoise *, const FenBilevelData *, FenInt least,
                                                    FenBilevelSizes *);
PETSC_INTERN PetscErrorCode FenDenoiseSetUp_Private(FenBilevelProblem, FenDenoise *);
PETSC_INTERN PetscErrorCode FenDenoiseDestroy_Private(FenDenoise *);
/* random shapes, the same on any ranks */
PETSC_INTERN PetscErrorCode FenDenoiseMakeShapes_Private(FenBilevelProblem, FenDenoise *);
/* noise added to my rows of sample s */
PETSC_INTERN void FenDenoiseAddNoise_Private(FenBilevelProblem, const FenDenoise *, FenInt s, const double clean[],
                                             double dirty[]);
/* callbacks; the problem's context begins with a FenDenoise */
PETSC_INTERN PetscErrorCode FenDenoiseInitial_Private(FenBilevelProblem, FenInt s, double x[]);
PETSC_INTERN PetscErrorCode FenDenoiseData_Private(FenBilevelProblem, FenInt s, FenBilevelWhich, double a[]);
PETSC_INTERN PetscErrorCode FenDenoiseFingerprint_Private(FenBilevelProblem, FenFingerprint *);
PETSC_INTERN PetscErrorCode FenDenoiseUpper_Private(FenBilevelProblem, FenInt s, const double x[], double *value,
                                                    double g[]);
PETSC_INTERN PetscErrorCode FenDenoiseUpperHessian_Private(FenBilevelProblem, FenInt s, const double x[],
                                                           const double v[], double Gv[]);
PETSC_INTERN PetscErrorCode FenDenoiseMetrics_Private(FenBilevelProblem, FenInt s, const double x[], double values[]);
