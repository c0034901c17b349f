/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sets of examples: rows of features with a target each, rows cut evenly over all ranks. Dense sets hold their rows
   contiguously, sparse ones as CSR.
*/
#pragma once
#include "bilevelproblemimpl.h"
#include <fenchelio.h>

typedef struct {
  MPI_Comm  comm;
  FenInt    n, d;       /* rows of all ranks, features */
  FenInt    row0, row1; /* mine */
  PetscInt  rows, cols; /* row1 - row0, d */
  double   *X;          /* rows x d; NULL: sparse */
  FenSparse csr;
  double   *y;
  char      name[PETSC_MAX_PATH_LEN]; /* for messages */
} FenDataset;

typedef enum { FEN_TARGET_REAL, FEN_TARGET_CLASS } FenTarget;

typedef struct {
  FenTarget target;
  FenInt    rows, valid_rows, features, classes; /* of generated sets; classes of read ones, 0: largest label + 1 */
  FenInt    support;                             /* generated sets: features that matter; 0: all */
  FenInt    train_rows;                          /* one file for both sets: rows of the first, 0: four fifths */
  FenInt    resize;                              /* square images: new side; 0: as they are */
  FenInt    seed;
  double    noise; /* generated sets: deviation of the noise of targets */
  PetscBool standardize, intercept;
} FenDatasetOptions;

/* options -NAME_rows, ... of everything but resize, and of resize if `images` */
PETSC_INTERN PetscErrorCode FenDatasetOptions_Private(FenOptionItems, MPI_Comm, const char name[], PetscBool images,
                                                      FenDatasetOptions *);
/* both sets, checked and prepared; labels become 0 ... classes-1, and o->classes is set */
PETSC_INTERN PetscErrorCode FenDatasetLoad_Private(MPI_Comm, FenDatasetOptions *, const FenBilevelData *,
                                                   FenDataset *train, FenDataset *valid);
PETSC_INTERN PetscErrorCode FenDatasetFree_Private(FenDataset *);
/* a line for each set; collective in the world */
PETSC_INTERN PetscErrorCode FenDatasetView_Private(const FenDataset *train, const FenDataset *valid, PetscViewer);

/* ---- reading (datasetread.c): rows in file order, cut anyhow ---- */
PETSC_INTERN PetscErrorCode FenDatasetRead_Private(MPI_Comm, const char spec[], FenDataset *);
/* ---- rows [first, end) of a set, cut evenly (datasetcut.c) ---- */
PETSC_INTERN PetscErrorCode FenDatasetCut_Private(const FenDataset *, FenInt first, FenInt end, FenDataset *);
PETSC_INTERN PetscErrorCode FenDatasetDense_Private(FenDataset *);

/* ---- products (datasetproducts.c); W is features x c by rows and whole on every rank ---- */
/* U = X W, my rows x c */
PETSC_INTERN PetscErrorCode FenDatasetMult_Private(const FenDataset *, PetscInt c, const double W[], double U[]);
/* G = X^T R of my rows: parts of a sum over ranks */
PETSC_INTERN PetscErrorCode FenDatasetMultTranspose_Private(const FenDataset *, PetscInt c, const double R[],
                                                            double G[]);
/* G += X^T R */
PETSC_INTERN PetscErrorCode FenDatasetAddTranspose_Private(const FenDataset *, PetscInt c, const double R[],
                                                           double G[]);
/* n of my rows as a set for products; uses the memory of the set */
PETSC_INTERN FenDataset FenDatasetRows_Private(const FenDataset *, PetscInt first, PetscInt n);
/* whole X^T diag(weight) X by rows on every rank; weight NULL: ones */
PETSC_INTERN PetscErrorCode FenDatasetGram_Private(const FenDataset *, const double weight[], double G[]);
/* |row i|^2 of mine */
PETSC_INTERN double FenDatasetRowSquare_Private(const FenDataset *, PetscInt i);

/* ---- bounds (datasetbounds.c) ---- */
/* eigenvalues of a symmetric matrix of order d lie in [least, most], rounding included; G is destroyed */
PETSC_INTERN PetscErrorCode FenGramRange_Private(PetscInt d, FenInt terms, double G[], double *least, double *most);
/* upper bound of the largest eigenvalue of X^T X, and max |row| */
PETSC_INTERN PetscErrorCode FenDatasetNorm_Private(const FenDataset *, double *most, double *row);
/* upper bound of that of X^T diag(weight) X, weight >= 0. z: positive vector of all features for the Collatz-Wielandt
   quotients, improved by `steps` steps */
PETSC_INTERN PetscErrorCode FenDatasetQuotient_Private(const FenDataset *, const double weight[], PetscInt steps,
                                                       double z[], double *most);
