/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of problems/ot share and nobody else sees.
*/
#pragma once
#include "../problemsimpl.h"
#include <fenchelmeasure.h>
#include <petsc/private/petscimpl.h>

/* codes of Fenchel are an enum of their own, later versions of PETSc have one too */
#define FEN_CHECK(condition, comm, code, ...) PetscCheck(condition, comm, (PetscErrorCode)(code), __VA_ARGS__)

typedef struct _FenMeasureOps {
  PetscErrorCode (*view)(FenMeasure, PetscViewer);
} FenMeasureOps;

struct _p_FenMeasure {
  PETSCHEADER(FenMeasureOps);
  FenMeasureKind kind;
  FenLayout      layout; /* one axis for points, the grid otherwise */
  PetscInt       dim;
  double        *weights; /* mine, in the layout's order */
  double        *points;  /* mine, row by row; NULL until asked for on grids */
  double         spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];
  FenInt         image[2]; /* height and width of the image that the points came from; 0, 0 if none */
  char          *name;     /* for messages; NULL: none was given */
  const char    *dataset;  /* data set of the weights inside the file, "/weights" or "" */
  double         mass;     /* of the weights as they were given */
  PetscBool      any_mass; /* scaled to mass one when made: its mass counts as one */
  PetscBool      balanced; /* the weights sum to one, to the last bit */
};

typedef struct _FenCostOps {
  PetscErrorCode (*view)(FenCost, PetscViewer);
} FenCostOps;

struct _p_FenCost {
  PETSCHEADER(FenCostOps);
  FenCostKind kind;
  FenCostFn   function; /* of FEN_COST_FUNCTION */
  void       *ctx;
  PetscErrorCode (*destroyctx)(void *);
  FenLayout rows, cols;    /* matrix only, as all that follows */
  double   *byrow, *bycol; /* n_local x m and m_local x n */
  double    maximum;
  double    power; /* of a distance along an axis */
};

/* points on a layout of one axis; the name serves messages and may be NULL */
extern PetscErrorCode FenMeasureCreatePoints_Private(FenLayout, PetscInt, const double[], const double[], const char[],
                                                     FenMeasure *);
/* checks the weights and scales them to mass one, which counts as the measure's mass from then on */
extern PetscErrorCode FenMeasureNormalize_Private(FenMeasure);
/* " (row, column)" of a number on a grid with more than one axis, "" otherwise */
extern PetscErrorCode FenMeasureIndexText_Private(FenLayout, FenInt, char[], size_t);

/* values of a grid, as they were read in slabs, to the blocks in which it is worked on, on the source's grid of ranks;
   both are replaced */
extern PetscErrorCode FenGridToBlocks_Private(const FenMeasureSource *, FenLayout *, double *values[]);
/* pixel (or sample) values averaged over the cells of a coarser or finer grid; two axes, ncomp numbers an entry */
extern PetscErrorCode FenResizeImage_Private(FenLayout from, FenLayout to, PetscInt ncomp, const double[], double[]);
/* the columns that a rank owns, out of the rows that it owns */
extern PetscErrorCode FenTranspose_Private(FenLayout rows, FenLayout cols, const double byrow[], double bycol[]);
/* corners of the smallest box around all points, the same on all ranks */
extern PetscErrorCode FenMeasureBoundingBox_Private(FenMeasure, double lo[], double hi[]);
/* an empty cost of the class, kind not checked */
extern PetscErrorCode FenCostCreate_Private(MPI_Comm, FenCostKind, FenCost *);
