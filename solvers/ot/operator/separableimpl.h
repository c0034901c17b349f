/* SPDX-License-Identifier: BSD-2-Clause */
/* What the evaluation of separable costs on grids keeps; see separable.c. */
#pragma once
#include "operator.h"
#include "stages.h"
#include "sweeps.h"

typedef struct _p_FenHalo *FenHalo;

typedef struct {
  FenStages stages;
  PetscBool cones;                             /* the cost is |x-y|: no windows, factors always */
  double   *axis[2][FEN_MAX_DIM];              /* scaled coordinates of source and target axes */
  double   *plain[2][FEN_MAX_DIM];             /* the same, not scaled */
  double *L[FEN_MAX_DIM], *minus[FEN_MAX_DIM]; /* of the present plan: L_s at stage s's input, -L_{s+1} at its output */
  int    *windows[2][FEN_MAX_DIM];             /* of the present plan: of its stages, and of the transposed ones */
  PetscBool  have[2];                          /* are they there? */
  FenFactors factors[FEN_MAX_DIM];             /* of the present plan, by stage */
  PetscBool  whole;                            /* its windows are for lines of one lane each, as kept factors are */
  double    *weights;                          /* of the source, on the last stage's output */
  FenHalo    halo;                             /* products across slabs; NULL: on pencils only */
  PetscInt   products;                         /* of the present plan so far */
  PetscBool  slabs;                            /* does the halo have its factors? */
  double    *a, *b, *sweep;                    /* work: two arrays, what a sweep needs */
} FenSeparable;

/* along the axis of a stage, from side 1-to to side `to` */
static inline FenSweep FenStageSweep(FenOTOperator op, const FenStage *g, FenDirection to, PetscBool scaled)
{
  FenSeparable *S = (FenSeparable *)op->data;
  double *(*axis)[FEN_MAX_DIM] = scaled ? S->axis : S->plain;

  return (FenSweep){.kernels = op->kernels,
                    .kind = FenTileKindOf(op->kind),
                    .nt = S->stages.shape[to][g->axis],
                    .ns = S->stages.shape[1 - to][g->axis],
                    .nlines = g->nlines,
                    .xt = axis[to][g->axis],
                    .xs = axis[1 - to][g->axis],
                    .work = S->sweep};
}
