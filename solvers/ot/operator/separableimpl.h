/* SPDX-License-Identifier: BSD-2-Clause */
/* What the evaluation of separable costs on grids keeps; see separable.c. */
#pragma once
#include "operator.h"
#include "stages.h"
#include "sweeps.h"

#define FEN_STAGES (2 * FEN_MAX_DIM) /* by their numbers: on pencils, and their twins across blocks */

/* what the present plan keeps of a stage */
typedef struct {
  double    *L, *minus;  /* L_s of its lines, across blocks of my own sources; -L_{s+1} at its output */
  double    *came;       /* across blocks: L_s of the others */
  FenInt     ncame;      /* room for so many */
  int       *windows[2]; /* of the stage, and of the transposed one */
  PetscBool  have[2];    /* are they there? */
  FenFactors factors;
} FenStagePlan;

/* which sources come to a stage across blocks */
typedef struct {
  PetscBool planned; /* is that known, */
  double    eps;     /* and since which epsilon? */
  int      *seen;    /* windows of sweeps that keep no plan */
} FenComing;

/* Costs of an axis: of target i and source j number i + j stride, also of FEN_LANES targets behind the last. In steps
   of one length they depend on i - j */
typedef struct {
  double *plain, *scaled;
  FenInt  stride, before, size; /* numbers before number 0, and in all */
} FenAxisCosts;

typedef struct {
  FenStages     stages;
  PetscBool     cones;                    /* the cost is |x-y|: no windows, factors always */
  double       *axis[2][FEN_MAX_DIM];     /* scaled coordinates of source and target axes */
  FenToeplitz   toeplitz[2][FEN_MAX_DIM]; /* by direction: factors of the scaled axes; reach 0: none */
  FenAxisCosts  cost[2][FEN_MAX_DIM];     /* by direction: of other costs than |x-y| and |x-y|^2 */
  double       *plain[2][FEN_MAX_DIM];    /* the same, not scaled */
  double        spacing[2][FEN_MAX_DIM];
  FenStagePlan  plan[FEN_STAGES];
  PetscBool     across[FEN_MAX_DIM]; /* are the plan's stages those across blocks? */
  PetscBool     whole;               /* none of the plan that is made will be */
  double       *weights;             /* of the source, on the output of a last stage */
  PetscInt      weighted;            /* which; -1: none */
  FenComing     coming[2][FEN_MAX_DIM];
  const double *now;           /* what a chain has at present: in one of these arrays, or the caller's */
  double       *a, *b, *sweep; /* work: two arrays, what a sweep needs, */
  double       *memory;        /* the last one in this memory */
  double       *others;        /* a stage across blocks: sources that come, and sums that go */
  FenInt        nothers;
} FenSeparable;

/* stage s of the plan */
static inline const FenStage *FenPlanStage(FenOTOperator op, PetscInt s)
{
  const FenSeparable *S = (FenSeparable *)op->data;
  const FenChain     *C = &S->stages.chain[FEN_TO_SOURCE];

  return S->across[s] ? &C->across[s] : &C->stage[s];
}

static inline PetscBool FenPlanIsAcross(FenOTOperator op)
{
  const FenSeparable *S = (FenSeparable *)op->data;

  return (PetscBool)(S->across[0] || S->across[1] || S->across[2]);
}

/* along the axis of a stage, from side 1-to to side `to` */
static inline FenSweep FenStageSweep(FenOTOperator op, const FenStage *g, FenDirection to, PetscBool scaled)
{
  FenSeparable       *S = (FenSeparable *)op->data;
  const FenAxisCosts *cost = &S->cost[to][g->axis];
  double *(*axis)[FEN_MAX_DIM] = scaled ? S->axis : S->plain;
  FenSweep w = {.kernels = op->kernels,
                .kind = FenTileKindOf(op->kind),
                .nt = g->halo ? g->lout : S->stages.shape[to][g->axis],
                .ns = S->stages.shape[1 - to][g->axis],
                .nlines = g->nlines,
                .xt = axis[to][g->axis] + g->first,
                .xs = axis[1 - to][g->axis],
                .cost = cost->size ? (scaled ? cost->scaled : cost->plain) + cost->before + g->first : NULL,
                .stride = cost->stride,
                .inner = g->inner,
                .toeplitz = scaled && S->toeplitz[to][g->axis].reach ? &S->toeplitz[to][g->axis] : NULL,
                .first = g->first,
                .work = S->sweep};

  if (g->halo) {
    w.span = FenHaloSpans(g->halo);
    w.own = FenHaloOwn(g->halo);
    w.to = FenSweepBlocks(op->kernels, g->nlines);
  }
  return w;
}

/* what a sweep does with lines of a stage; those behind FEN_STAGE_HARD take values, the others exponents */
typedef enum {
  FEN_STAGE_LSE,
  FEN_STAGE_FACTORS,
  FEN_STAGE_HARD,
  FEN_STAGE_APPLY,
  FEN_STAGE_FORWARD,
  FEN_STAGE_SPREAD,
  FEN_STAGE_TRANSPOSED,
  FEN_STAGE_SQUARES
} FenStageAction;

/* Collective. `in`, on the layout of the direction's sources, is what the chain has before the first stage */
PETSC_INTERN PetscErrorCode FenChainStart(FenOTOperator, FenDirection, const double in[]);
/* Collective. S->now from what is before a stage to its output; back; and there and back with weights in between, w->w.
   What was before a stage on the way there stays as it is if the stage is across blocks. `out`: the caller's array, not
   the one that the chain began with: at the end of the way, the first stage, on the layout of the sources; on the way
   there the last stage puts its output there if that is on the layout of the targets; NULL: it does not */
PETSC_INTERN PetscErrorCode FenStageThrough(FenOTOperator, const FenStage *, FenStageAction, FenSweep *, FenFactors *,
                                            double out[]);
PETSC_INTERN PetscErrorCode FenStageBackward(FenOTOperator, const FenStage *, FenStageAction, FenSweep *, FenFactors *,
                                             double out[]);
PETSC_INTERN PetscErrorCode FenStageThereAndBack(FenOTOperator, const FenStage *, FenSweep *, FenFactors *,
                                                 double out[]);
/* Collective. S->now from a stage's output to what is before the next one, or of the last stage to `out`, on the layout
   of the targets; and the other way, from `in` if that is given */
PETSC_INTERN PetscErrorCode FenStageLeave(FenOTOperator, const FenStage *, double out[]);
PETSC_INTERN PetscErrorCode FenStageArrive(FenOTOperator, const FenStage *, const double in[]);
/* Log sums of S->now through a stage, and what a plan keeps of them; `windows` stay, unless NULL, if no plan is kept */
PETSC_INTERN PetscErrorCode FenStageLogSums(FenOTOperator, FenDirection, const FenStage *, PetscBool keep, int *windows,
                                            double out[]);
PETSC_INTERN PetscErrorCode FenStagePlanClear(FenStagePlan *);
/* Log sums of S->now through stage s, across blocks. If they are not `done` it is as it was */
PETSC_INTERN PetscErrorCode FenLogSumsAcross(FenOTOperator, FenDirection, PetscInt s, PetscBool keep, PetscBool *done);
/* the sources' weights on the output of the plan's last stage */
PETSC_INTERN PetscErrorCode FenPlanWeights(FenOTOperator);
