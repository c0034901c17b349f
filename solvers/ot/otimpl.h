/* SPDX-License-Identifier: BSD-2-Clause */
/* What FenOT and its types share. */
#pragma once
#include <fenchelot.h>
#include "../solverimpl.h"
#include "operator/operator.h"
#include "epsilon.h"
#include "marginal.h"

/* cost and entropy of a coupling of the residuals of a rounded plan */
typedef struct {
  double mass;    /* of the residuals */
  double cost;    /* upper bound of <C,E> */
  double entropy; /* upper bound of sum E log(E/(mass a x b)) */
} FenRounding;

/* how the points of a grid that have mass lie on it; see support.c */
typedef struct _FenOTSupport *FenOTSupport;

/* the problem between measures of blocks of pixels; level 0 is the problem itself */
typedef struct {
  FenMeasure    measure[2];
  const double *weight[2];
  FenInt        n[2], N[2]; /* local, global sizes */
  double       *f, *g;
  double        blur;       /* (squared) width of a block, 0 on level 0 */
  double        share;      /* of the points (of the pairs): what a pass counts */
  PetscBool     empty;      /* some target has no mass */
  FenLayout     cuts;       /* of `work`, rows; NULL: lines of all levels are cut evenly */
  FenOTSupport  support[2]; /* the level is of the points of level 0 that have mass; or NULL */
  double       *work; /* what lines are cut over ranks by (operator/stages.h), mine of `cuts`; zero: nothing yet */
} FenOTLevel;

#define FEN_OT_BLUR       0.5 /* a level serves epsilons of at least this times its blur */
#define FEN_OT_MAX_LEVELS 12
#define FEN_OT_SPARSE     8 /* one point of a grid in so many at most has mass: few do */

#define FEN_OT_WAYS (2 + 4 * FEN_MAX_DIM)

struct _p_FenOT {
  struct _p_FenSolver base; /* first: a FenOT is a FenSolver */
  /* user parameters */
  FenMeasure     source, target;
  FenCost        cost;
  double         eps;
  FenMarginal    marginal[2]; /* of source and target */
  FenEpsilonPlan asked;       /* by options; 0: what the type usually does */
  FenEpsilonPlan usual;       /* of the type */
  FenEpsilonPlan schedule;    /* both together, from the set-up on */
  FenPairsType   pairs;
  char           simd[16];
  PetscInt       levels_most;  /* coarse levels at most */
  PetscBool      uses_levels;  /* the type does */
  PetscBool      uses_support; /* instead of coarse levels, where few points have mass */
  /* work */
  FenOTLevel   *level;
  PetscInt      support;     /* the last level is of the points that have mass: its number, or 0 */
  PetscBool     swapped;     /* its source is the problem's target */
  PetscBool     few;         /* so few points have mass that this level is the first choice */
  PetscInt      nlevels, at; /* present level; the rest of this block is its */
  FenOTOperator op;
  double        ways[FEN_OT_WAYS]; /* kept, in states: see ways.c */
  PetscBool     loaded;            /* a state was, and nothing has gone on from it yet */
  const double *a, *b;             /* weights */
  FenInt        n, m;              /* local sizes */
  double       *f, *g;    /* potentials on the source and the target; f is the best one for g after the solve */
  PetscBool     relaxed;  /* some marginal is not exact; if none, soft and r are NULL */
  double        product;  /* of the masses of both measures */
  double       *soft, *r; /* T(g), and the plan's rows for f: as long as on the largest level */
  double       *cut_by;   /* all of `work` that the operator's lines are cut by */
  double       *wm, *wm2; /* work on the target, as long as on the largest level */
  FenInt        most;     /* targets of mine on the level where I have the most */
  double        cost_max;
  double        pixel; /* (squared) width of a pixel, 0 unless both measures are grids */
  /* status */
  FenOTBounds bounds;
  FenRounding rounding;
  PetscBool   planned;      /* f and the operator's plan are of g: bounds need not make them */
  FenInt      certified_at; /* iteration whose g the regularised bounds are of, -1: none */
  PetscBool   final;        /* bounds hold all that FenOTComputeBounds gives */
};

typedef enum { FEN_BOUNDS_REGULARISED, FEN_BOUNDS_ALL } FenBoundsWanted;

/* measures, and a cost that they can have; the usual one, if none was given */
PETSC_INTERN PetscErrorCode FenOTCheckCost_Private(FenOT);
/* bytes of this rank, and as many more that it may come to; before the set-up */
PETSC_INTERN PetscErrorCode FenOTMemory_Private(FenOT, double *bytes, double *more);

/* X-list of types: one line makes declaration and registration */
#define FEN_OT_TYPE_LIST(X)                                                                                            \
  X(FENOTSINKHORN, Sinkhorn)                                                                                           \
  X(FENOTNEWTON, Newton)                                                                                               \
  X(FENOTMULTIGRID, Multigrid)                                                                                         \
  X(FENOTDOMDEC, Domdec)
#define FEN_OT_DECLARE(name, Type) PETSC_INTERN PetscErrorCode FenOTCreate_##Type(FenSolver);
FEN_OT_TYPE_LIST(FEN_OT_DECLARE)
#undef FEN_OT_DECLARE

PETSC_INTERN PetscErrorCode FenOTLevelsCreate_Private(FenOT, PetscInt most);
PETSC_INTERN PetscErrorCode FenOTLevelsDestroy_Private(FenOT);
/* the coarsest level that an epsilon can do with */
PETSC_INTERN PetscInt       FenOTLevelFor_Private(FenOT, double eps);
PETSC_INTERN PetscErrorCode FenOTUseLevel_Private(FenOT, PetscInt);
/* lines of a finer level will be cut by what they cost on the present one, with its g; all are cut evenly again */
PETSC_INTERN PetscErrorCode FenOTMeasureCuts_Private(FenOT, PetscInt level);
PETSC_INTERN PetscErrorCode FenOTForgetCuts_Private(FenOT);
PETSC_INTERN PetscErrorCode FenOTStateCuts_Private(FenOT, FenState);
/* Ways of the operator's sums, see FenOTWays and ways.c: in a state, or kept; then plans are made in those that a plan
   had, or in those kept (-1), until all goes on as it was */
PETSC_INTERN PetscErrorCode FenOTStateWays_Private(FenOT, FenState);
PETSC_INTERN void           FenOTKeepWays_Private(FenOT);
PETSC_INTERN void           FenOTTellWays_Private(FenOT, FenInt plan);
PETSC_INTERN void           FenOTResumeWays_Private(FenOT);
/* all rows on every rank; caller frees */
PETSC_INTERN PetscErrorCode FenOTGatherRows_Private(FenLayout, const double mine[], double **all);
/* v on the targets of one level to another one, level by level, by a map between the measures of two: sums over blocks,
   or back from blocks */
typedef PetscErrorCode (*FenOTLevelMap)(FenMeasure from, FenMeasure to, const double v[], double out[]);
PETSC_INTERN PetscErrorCode FenOTCarry_Private(FenOT, PetscInt from, PetscInt to, FenOTLevelMap, const double[],
                                               double[]);
/* Does the cost come from coordinates on two grids? */
PETSC_INTERN PetscErrorCode FenOTOnGrids_Private(FenOT, PetscBool *grids);
/* width of a grid's pixels along the narrowest axis of more than one, HUGE_VAL if there is none */
PETSC_INTERN PetscErrorCode FenOTNarrowest_Private(FenMeasure grid, double *width);
/* from the present level to a finer one */
PETSC_INTERN PetscErrorCode FenOTInterpolate_Private(FenOT, PetscInt level, const double[], double[]);
/* a solver of another type between other measures, with the cost and the options of the first one; not set up */
PETSC_INTERN PetscErrorCode FenOTCreateInner_Private(FenOT, FenMeasure const measure[2], double eps, const char type[],
                                                     FenOT *inner);
PETSC_INTERN PetscErrorCode FenOTUseFinest_Private(FenOT);
/* few points of the grid have mass: neighbours on it say nothing about those */
PETSC_INTERN PetscErrorCode FenOTIsSparse_Private(FenMeasure grid, PetscBool *sparse);
/* few points have mass: the problem can do with those; `few`: at little cost; `swapped`: with sides changed */
PETSC_INTERN PetscErrorCode FenOTSupportFits_Private(FenOT, PetscBool *fits, PetscBool *few, PetscBool *swapped);
PETSC_INTERN PetscErrorCode FenOTSupportMemory_Private(FenOT, double *bytes);
PETSC_INTERN PetscErrorCode FenOTSupportCreate_Private(FenMeasure grid, FenMeasure *support, FenOTSupport *);
PETSC_INTERN PetscErrorCode FenOTSupportDestroy_Private(FenOTSupport *);
/* from the present level to that of points with mass, at this epsilon; from there to the grid */
PETSC_INTERN PetscErrorCode FenOTGoToSupport_Private(FenOT, double eps);
PETSC_INTERN PetscErrorCode FenOTLeaveSupport_Private(FenOT);
/* the present level is the one of points with mass, which has the problem's solution */
static inline PetscBool FenOTOnSupport_Private(FenOT ot)
{
  return (PetscBool)(ot->at > 0 && ot->at == ot->support);
}
/* arrays on the targets of all levels; NULL: g */
PETSC_INTERN PetscErrorCode FenOTStateLevels_Private(FenOT, FenState, const char name[], double *const array[]);

PETSC_INTERN PetscErrorCode FenOTMarginalsFromOptions_Private(FenOT, PetscOptionItems *);
/* the operator's plan E of g and f of g. With the plan P = diag(rows) E: rows are the weights if all is exact */
PETSC_INTERN PetscErrorCode FenOTPlan_Private(FenOT, const double g[]);
/* Exact marginals leave a constant free, (f + t, g - t): the one with which f and g have the same mean. Exponents and
   bounds have rounding errors of numbers as large as potentials. Nothing where marginals are penalised */
PETSC_INTERN PetscErrorCode FenOTCentre_Private(FenOT);
static inline const double *FenOTRows_Private(FenOT ot)
{
  return ot->relaxed ? ot->r : ot->a;
}
/* potential of the plan's rows: T(g) */
static inline const double *FenOTSoft_Private(FenOT ot)
{
  return ot->relaxed ? ot->soft : ot->f;
}
/* marginal errors are shares of the mass that is transported */
static inline double FenOTErrorScale_Private(FenOT ot, double mass)
{
  return ot->relaxed && mass > 0 ? 1 / mass : 1;
}

/* bounds from ot->g alone; leaves f = T(g) in ot->f. Costs 3 passes, 5 and two hard transforms for all */
PETSC_INTERN PetscErrorCode FenOTCertify_Private(FenOT, FenBoundsWanted);
/* the same where some marginal is penalised (penalised.c) */
PETSC_INTERN PetscErrorCode FenOTRegularisedPenalised_Private(FenOT);
PETSC_INTERN PetscErrorCode FenOTUnregularisedPenalised_Private(FenOT);
/* when a type looks at the gap: at an error that promises the tolerance, at the latest after 100 iterations */
typedef struct {
  double error;
  FenInt iteration;
} FenGapSchedule;
PETSC_INTERN PetscErrorCode FenOTCheckGap_Private(FenOT, FenGapSchedule *, double error);
PETSC_INTERN PetscErrorCode FenOTCoupleResiduals_Private(FenOT, const double ra[], const double rb[], FenRounding *);
