/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids axis by axis: how an array travels between the sweeps. Stage s works on axis d-1-s: it takes an array whose
   later axes are the targets' of the stage already and turns this axis from one grid to the other. On pencils it has
   whole lines, contiguous along the axis, and all ranks exchange with all to get them. Grids that are cut into slabs
   along axis 0 have whole lines of all other axes; then there is another last stage, across the slabs, for which only
   the parts of lines come that matter, see halo.h.
*/
#pragma once
#include <fenchelmeasure.h>
#include "halo.h"

typedef struct {
  PetscInt  axis, number;  /* of the stage among those of its chain */
  FenLayout in, out;       /* before and after; pencils: axis fastest; across: natural order after */
  FenRedist enter, back;   /* pencils: from the previous stage's output (or the measure's layout) into `in`, and back */
  FenHalo   halo;          /* across: takes the place of both */
  FenRedist leave, arrive; /* last stages: from the output to the measure's layout, and back */
  FenInt    nin, nout;     /* local sizes of these layouts */
  FenInt    lin, lout;     /* length of a line before, and after as far as it is mine */
  FenInt    first;         /* its first target that is mine */
  FenInt    nlines;
} FenStage;

typedef struct {
  FenStage stage[FEN_MAX_DIM + 1]; /* behind the last: the one across slabs */
} FenChain;

typedef struct _FenStages {
  PetscInt    dim;
  FenInt      shape[2][FEN_MAX_DIM];
  PetscMPIInt ranks[FEN_MAX_DIM]; /* slabs of so many ranks as the measures have, (ranks, 1, 1) */
  FenChain    chain[2];           /* by direction: to the source 0, to the target 1 */
  PetscBool   across[2];          /* is there a stage across slabs? */
  FenInt      nwork;              /* the longest array on the way */
  PetscBool   counting;           /* of each chain and stage: terms visited on each of my lines; NULL otherwise */
  double     *visits[2][FEN_MAX_DIM];
} FenStages;

/* Collective. From what is before a stage to its lines, group by group: once begun, the array must stay as it is. And
   back: groups are begun one by one as they are done; `before` must be zero with slabs */
static inline int FenStageGroups(const FenStage *g)
{
  return g->halo ? FEN_HALO_GROUPS : 1;
}
PETSC_INTERN PetscErrorCode FenStageEnterBegin(const FenStage *, const double before[], double lines[]);
PETSC_INTERN PetscErrorCode FenStageEnterEnd(const FenStage *, int group, PetscBool exponents, const double before[],
                                             double lines[]);
PETSC_INTERN PetscErrorCode FenStageBackBegin(const FenStage *, int group, const double lines[], double before[]);
PETSC_INTERN PetscErrorCode FenStageBackEnd(const FenStage *, int group, const double lines[], double before[]);
/* all groups at once */
PETSC_INTERN PetscErrorCode FenStageEnter(const FenStage *, const double before[], double lines[]);
PETSC_INTERN PetscErrorCode FenStageBack(const FenStage *, const double lines[], double before[]);
PETSC_INTERN FenInt         FenStageLines(const FenStage *); /* local numbers: nin, or of what comes */

/* stages across slabs too, where the grids are so cut */
PETSC_INTERN PetscErrorCode FenStagesCreateAcross(FenMeasure const measure[2], const double work[], const FenKernels *,
                                                  FenStages *);
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
