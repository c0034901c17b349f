/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids axis by axis: how an array travels between the sweeps. Stage s works on axis d-1-s: it takes an array whose
   later axes are the targets' of the stage already and turns this axis from one grid to the other. On pencils it has
   whole lines, in arrays in the order of the grid as blocks are, so that nothing moves where the axis is not cut; where
   it is, all ranks exchange with all to get them. Then the stage has a twin across blocks, if they are not too thin,
   for which only the parts of lines come that matter, see halo.h.

   Blocks are boxes of a grid of ranks, that of the measures. An axis of a side is cut in the same way in all stages, so
   that blocks before and after a stage differ along its axis only.
*/
#pragma once
#include <fenchelmeasure.h>
#include "halo.h"

typedef struct {
  PetscInt  axis, number;  /* of the stage among the plan's: s on pencils, FEN_MAX_DIM + s across blocks */
  FenLayout in, out;       /* before and after; pencils: in the order of the grid; across: the axis slowest after */
  FenRedist enter, back;   /* pencils: from what the chain has before the stage into `in`, and back; NULL: it is that */
  FenHalo   halo;          /* across: takes the place of both */
  FenRedist leave, arrive; /* from the output to what the chain has after the stage, and back; NULL: it is that */
  FenInt    nin, nout;     /* local sizes of these layouts */
  FenInt    lin, lout;     /* length of a line before, and after as far as it is mine */
  FenInt    first;         /* its first target that is mine */
  FenInt    nlines, inner; /* points of a line are so far apart on pencils, see FenSweep */
} FenStage;

/* What a chain has before a stage is what the stage before leaves: its output if there is but one, and blocks if there
   is a twin. After the last stage it is the measure's layout */
typedef struct {
  FenLayout begin;                                   /* what it has before the first one, */
  FenRedist start, home;                             /* from the measure's layout, and back; NULL: it is that */
  FenStage  stage[FEN_MAX_DIM], across[FEN_MAX_DIM]; /* twins, if they have a halo */
} FenChain;

typedef struct _FenStages {
  PetscInt    dim;
  FenInt      shape[2][FEN_MAX_DIM];
  PetscMPIInt ranks[FEN_MAX_DIM]; /* along each axis, as the measures have */
  MPI_Comm    line[FEN_MAX_DIM];  /* those whose blocks differ from mine along the axis only; MPI_COMM_NULL: just me */
  FenChain    chain[2];           /* by direction: to the source 0, to the target 1 */
  PetscBool   across;             /* are there stages across blocks? */
  FenInt      nwork;              /* the longest array on the way */
  PetscBool   counting;           /* of each chain and stage: terms visited on each of my lines; NULL otherwise */
  double     *visits[2][FEN_MAX_DIM];
} FenStages;

/* of lines, one after the other */
static inline int FenStageGroups(const FenStage *g)
{
  return g->halo ? FEN_HALO_GROUPS : 1;
}
/* n numbers are here afterwards; NULL: they stay, and are copied */
PETSC_INTERN PetscErrorCode FenStageMove(FenRedist, const double from[], FenInt n, double to[]);

/* Work of the lines of all stages, summed along all axes but one: for each direction, stage and axis other than the
   stage's, numbers by place along the axis, the same on all ranks. Counts, no times: the same solve is always cut in
   the same way. NULL, or zero: axes are cut evenly. Kernels: for stages across blocks, NULL: there are none */
PETSC_INTERN PetscErrorCode FenStagesCreate(FenMeasure const measure[2], const double work[], const FenKernels *,
                                            FenStages *);
PETSC_INTERN FenInt         FenStagesWorkSize(PetscInt dim, const FenInt source[], const FenInt target[]);
PETSC_INTERN PetscErrorCode FenStagesCountBegin(FenStages *);
PETSC_INTERN PetscErrorCode FenStagesCountEnd(FenStages *, double work[]);
/* work measured between two grids to the grids that they were coarsened from, any number of times */
PETSC_INTERN void FenStagesWorkRefine(PetscInt dim, const FenInt source[], const FenInt target[], const FenInt finer[],
                                      const FenInt finer_target[], const double work[], double out[]);
PETSC_INTERN PetscErrorCode FenStagesDestroy(FenStages *);
