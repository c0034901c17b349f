/* SPDX-License-Identifier: BSD-2-Clause */
/* What FenOT and its types share. */
#pragma once
#include <fenchelot.h>
#include "../solverimpl.h"
#include "operator/operator.h"
#include "epsilon.h"

/* cost and entropy of a coupling of the residuals of a rounded plan */
typedef struct {
  double mass;    /* of the residuals */
  double cost;    /* upper bound of <C,E> */
  double entropy; /* upper bound of sum E log(E/(mass a x b)) */
} FenRounding;

struct _p_FenOT {
  struct _p_FenSolver base; /* first: a FenOT is a FenSolver */
  /* user parameters */
  FenMeasure     source, target;
  FenCost        cost;
  double         eps;
  FenEpsilonPlan schedule;
  FenPairsType   pairs;
  char           simd[16];
  /* work */
  FenOTOperator op;
  const double *a, *b; /* weights */
  FenInt        n, m;  /* local sizes */
  double        cost_max;
  double       *f, *g;   /* potentials on the source and the target; f = T(g) after the solve */
  double       *wn, *wm; /* work on the source and the target */
  double       *wn2, *wm2;
  /* status */
  FenOTBounds bounds;
  FenRounding rounding;
  FenInt      certified_at; /* iteration whose g the regularised bounds are of, -1: none */
  PetscBool   final;        /* bounds hold all that FenOTComputeBounds gives */
};

typedef enum { FEN_BOUNDS_REGULARISED, FEN_BOUNDS_ALL } FenBoundsWanted;

/* X-list of types: one line makes declaration and registration */
#define FEN_OT_TYPE_LIST(X)                                                                                            \
  X(FENOTSINKHORN, Sinkhorn)                                                                                           \
  X(FENOTNEWTON, Newton)
#define FEN_OT_DECLARE(name, Type) PETSC_INTERN PetscErrorCode FenOTCreate_##Type(FenSolver);
FEN_OT_TYPE_LIST(FEN_OT_DECLARE)
#undef FEN_OT_DECLARE

/* bounds from ot->g alone; leaves f = T(g) in ot->f. Costs 3 passes, 5 and two hard transforms for all */
PETSC_INTERN PetscErrorCode FenOTCertify_Private(FenOT, FenBoundsWanted);
/* when a type looks at the gap: at an error that promises the tolerance, at the latest after 100 iterations */
typedef struct {
  double error;
  FenInt iteration;
} FenGapSchedule;
PETSC_INTERN PetscErrorCode FenOTCheckGap_Private(FenOT, FenGapSchedule *, double error);
PETSC_INTERN PetscErrorCode FenOTCoupleResiduals_Private(FenOT, const double ra[], const double rb[], FenRounding *);
