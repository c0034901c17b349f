/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids axis by axis: the pencils between which an array travels. Stage s works on axis d-1-s: it takes an array whose
   later axes are the targets' of the stage already and turns this axis from one grid to the other. Lines are contiguous
   in the pencil layout of the axis.
*/
#pragma once
#include <fenchelmeasure.h>

typedef struct {
  PetscInt  axis;
  FenLayout in, out;   /* pencils along the axis, before and after; storage: axis fastest */
  FenRedist enter;     /* from the previous stage's output (or the measure's layout) into `in` */
  FenInt    nin, nout; /* local sizes */
  FenInt    lin, lout; /* length of a line before and after */
  FenInt    nlines;
} FenStage;

typedef struct {
  FenStage  stage[FEN_MAX_DIM];
  FenRedist leave; /* from the last stage's output to the measure's layout */
} FenChain;

typedef struct _FenStages {
  PetscInt  dim;
  FenInt    shape[2][FEN_MAX_DIM];
  FenChain  chain[2];          /* by direction: to the source 0, to the target 1 */
  FenRedist back[FEN_MAX_DIM]; /* transposed chain to the source: into a stage's output, from the stage after it */
  FenRedist out;               /* ... and from the first stage's input to the target's layout */
  FenInt    nwork;             /* the longest array on the way */
  /* of each chain and stage, while work is counted: terms visited on each of my lines; NULL otherwise */
  double *visits[2][FEN_MAX_DIM];
} FenStages;

/* Work of the lines of all stages, summed along all axes but one: for each direction, stage and axis other than the
   stage's, numbers by place along the axis, the same on all ranks. Counts, no times: the same solve is always cut in
   the same way. NULL, or zero: lines are cut evenly */
PETSC_INTERN PetscErrorCode FenStagesCreate(FenMeasure const measure[2], const double work[], FenStages *);
PETSC_INTERN FenInt         FenStagesWorkSize(PetscInt dim, const FenInt source[], const FenInt target[]);
PETSC_INTERN PetscErrorCode FenStagesCountBegin(FenStages *);
PETSC_INTERN PetscErrorCode FenStagesCountEnd(FenStages *, double work[]);
/* work measured between two grids to the grids that they were coarsened from, any number of times */
PETSC_INTERN void FenStagesWorkRefine(PetscInt dim, const FenInt source[], const FenInt target[], const FenInt finer[],
                                      const FenInt finer_target[], const double work[], double out[]);
PETSC_INTERN PetscErrorCode FenStagesDestroy(FenStages *);
