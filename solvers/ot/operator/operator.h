/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenOTOperator: the Gibbs kernel of a transport problem, never stored. Everything that a solver type needs of the two
   measures, the cost and epsilon; a type sees no geometry and sends no message of its own.

   Directions: TO_SOURCE sums over targets and gives numbers on the source, TO_TARGET the other way round.

     soft transform  T(h)_i = -eps log sum_j w_j exp((h_j - C_ij)/eps)
     hard transform  min_j (C_ij - h_j) over w_j > 0
     plan of g       P = diag(a) E with f = T(g), E_ij = b_j exp((f_i + g_j - C_ij)/eps); rows of E sum to one for any g

   Arrays live on the measures' layouts; several values a point are stored component by component (v[k*n_local + i]).
   One pass is one evaluation of all n m pairs (of d axis sweeps on grids).
*/
#pragma once
#include <fenchelmeasure.h>
#include <fenchelot.h>
#include <fenchelpairs.h>
#include "../kernels/kernels.h"

typedef struct _p_FenOTOperator *FenOTOperator;
typedef enum { FEN_TO_SOURCE = 0, FEN_TO_TARGET = 1 } FenDirection;

struct _FenOTOperatorOps {
  PetscErrorCode (*setepsilon)(FenOTOperator);
  PetscErrorCode (*softtransform)(FenOTOperator, FenDirection, const double[], double[]);
  PetscErrorCode (*hardtransform)(FenOTOperator, FenDirection, const double[], double[]);
  PetscErrorCode (*setplan)(FenOTOperator, const double g[], double f[]);
  /* weighted: terms are multiplied by C_ij */
  PetscErrorCode (*mult)(FenOTOperator, PetscInt nv, const double[], PetscBool weighted, double[]);
  /* squares: with E_ij^2 in place of E_ij */
  PetscErrorCode (*multtranspose)(FenOTOperator, const double[], PetscBool squares, double[]);
  /* out = E^T diag(rows) E v */
  PetscErrorCode (*normal)(FenOTOperator, const double v[], double out[]);
  PetscErrorCode (*setrows)(FenOTOperator); /* op->rows have changed */
  PetscErrorCode (*destroy)(FenOTOperator);
};

/* On several ranks sums along an axis are taken across blocks or on pencils, see across.c, and differ in their last
   bits. What decides which it is, besides potentials: with it a run that goes on takes the ways that it would have
   taken */
typedef struct {
  FenInt plan; /* stages of the present plan that are across blocks: the sum of 2^s */
  /* by direction and stage: sweeps on pencils before blocks are looked at again; and so far */
  FenInt wait[2][FEN_MAX_DIM], waited[2][FEN_MAX_DIM];
} FenOTWays;

struct _p_FenOTOperator {
  struct _FenOTOperatorOps ops;
  MPI_Comm                 comm;
  FenMeasure               measure[2]; /* source, target */
  FenCost                  cost;
  FenCostKind              kind;
  FenPairsType             schedule;
  double                   eps, kappa; /* kappa = log2(e)/eps: natural exponents times kappa are base-2 exponents */
  PetscInt                 dim;
  PetscBool                separable;  /* axis by axis: a pass costs about as much as a few vector operations */
  FenInt                   n[2], N[2]; /* local, global sizes */
  double                  *logw[2];    /* log2 of the weights, FEN_NONE for zero */
  const double            *rows;       /* of sources in FenOTMultNormal() and couplings: their weights at first */
  const FenKernels        *kernels;
  /* a plan keeps its factors in single precision where they are few: FenOTMultNormal(), squares and couplings then take
     no exponentials, and are accurate to about 1e-7; all else is of double precision. With |x-y| along axes factors are
     always kept, and are of double precision */
  PetscBool keep;
  PetscBool kept; /* the present one does */
  FenOTWays ways;
  FenInt    told;  /* plans that are made have these ways, see FenOTWays; -1: as it is best */
  double    share; /* what a pass counts: 1, less on coarse levels */
  double    passes, pairs;
  /* entries of the present plan, NULL if they are not kept: FenOTMultNormal() and squares are made of them */
  struct _FenSparsePlan *sparse;
  const double          *work;   /* while it is made: what its lines are cut by, see stages.h */
  struct _FenStages     *stages; /* whose lines differ in work, NULL: none */
  void                  *data;
};

PETSC_INTERN PetscErrorCode FenOTOperatorCreate(FenMeasure source, FenMeasure target, FenCost, FenPairsType,
                                                const char simd[], FenOTOperator *);
/* the same with lines cut over ranks by work that was measured on a coarser level, see stages.h */
PETSC_INTERN PetscErrorCode FenOTOperatorCreateCut(FenMeasure source, FenMeasure target, FenCost, FenPairsType,
                                                   const char simd[], const double work[], FenOTOperator *);
/* work of the lines, of one soft transform each way from g on; not counted as passes. Only with `stages` */
PETSC_INTERN PetscErrorCode FenOTOperatorGetWork(FenOTOperator, const double g[], double work[]);
PETSC_INTERN PetscErrorCode FenOTOperatorDestroy(FenOTOperator *);
PETSC_INTERN PetscErrorCode FenOTOperatorRegisterEvents(PetscClassId);
PETSC_INTERN PetscErrorCode FenOTOperatorSetEpsilon(FenOTOperator, double);
PETSC_INTERN PetscErrorCode FenOTSoftTransform(FenOTOperator, FenDirection, const double[], double[]);
PETSC_INTERN PetscErrorCode FenOTHardTransform(FenOTOperator, FenDirection, const double[], double[]);
PETSC_INTERN PetscErrorCode FenOTSetPlan(FenOTOperator, const double g[], double f[]);
PETSC_INTERN PetscErrorCode FenOTMult(FenOTOperator, PetscInt nv, const double v[], double out[]);
PETSC_INTERN PetscErrorCode FenOTMultCost(FenOTOperator, const double v[], double out[]);
PETSC_INTERN PetscErrorCode FenOTMultTranspose(FenOTOperator, const double v[], double out[]);
PETSC_INTERN PetscErrorCode FenOTMultTransposeSquares(FenOTOperator, const double v[], double out[]);
/* other weights of the sources, the caller's array, for E^T diag(rows) E and its couplings */
PETSC_INTERN PetscErrorCode FenOTOperatorSetRows(FenOTOperator, const double rows[]);
PETSC_INTERN PetscErrorCode FenOTMultNormal(FenOTOperator, const double v[], double out[]);
/* Entries E_ij of at least `share` times the largest in their row: sparse rows of my sources. `by_column`: also those
   that weighted by a_i are so in their column, and rows of sources without mass are empty. `among`, numbers of my
   targets or NULL: only columns where it is not 0 */
PETSC_INTERN PetscErrorCode FenOTEntries(FenOTOperator, const double f[], const double g[], double share,
                                         PetscBool by_column, const double among[], FenSparse *);
/* Entries of the present plan, which is that of g, f = T(g), are kept until there is another: all that are at least
   `share` of their row, whose sum is one, or weighted by the operator's rows, of their column, whose sum is c_j. Not
   kept if a rank has more than `most`. One pass at most, and products cost what entries do */
PETSC_INTERN PetscErrorCode FenOTKeepEntries(FenOTOperator, const double f[], const double g[], const double c[],
                                             double share, FenInt most, const double among[], PetscBool *kept);
/* B_jk = sum_i a_i E_ij E_ik for neighbours k - j = offset, each in [-radius, radius], one array for zero, then one for
   each offset that comes after it and lies inside for some target, on the layout of couplings; see couplings.c. Only
   with kept factors. work: two arrays of `room` numbers, of which the second is as it was until the array of offset
   zero has been taken */
typedef PetscErrorCode (*FenOTTakeCoupling)(void *ctx, const FenInt offset[], const double[]);
PETSC_INTERN PetscErrorCode FenOTCouplings(FenOTOperator, PetscInt radius, double *const work[2], FenInt room,
                                           FenOTTakeCoupling, void *ctx);
/* The same on one line, where those of kept factors are all: half the bandwidth of B, -1 where the plan is no such one;
   and B_j,j+o for o <= band at B[o*n + j], 0 beyond the end, n the local size of the layout */
PETSC_INTERN PetscErrorCode FenOTBandwidth(FenOTOperator, FenInt *band);
PETSC_INTERN PetscErrorCode FenOTBandCouplings(FenOTOperator, FenInt band, double B[]);
PETSC_INTERN PetscErrorCode FenOTCouplingsLayout(FenOTOperator, FenLayout *);
PETSC_INTERN PetscBool      FenOTHasCouplings(FenOTOperator);
/* sum_ij r_i C_ij s_j for an explicit cost, or for a function */
PETSC_INTERN PetscErrorCode FenOTProductCost(FenOTOperator, const double r[], const double s[], double *);

/* what sums were waiting for, NULL: nothing; the present plan's ways are as they are */
static inline void FenOTSetWays_Private(FenOTOperator op, const FenOTWays *ways)
{
  const FenInt plan = op->ways.plan;

  op->ways = ways ? *ways : (FenOTWays){.plan = 0};
  op->ways.plan = plan;
}

/* base-2 exponents of terms: kappa h + log2 w, FEN_NONE without weight */
static inline void FenOTExponents_Private(FenOTOperator op, int side, const double h[], double u[])
{
  for (FenInt i = 0; i < op->n[side]; i++)
    u[i] = op->logw[side][i] > FEN_NONE ? op->kappa * h[i] + op->logw[side][i] : FEN_NONE;
}

/* points [from, from + n) of a block whose components come one after the other, point by point */
static inline void FenOTPoints_Private(PetscInt dim, FenInt from, FenInt n, const double data[], FenInt stride,
                                       double out[])
{
  for (FenInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < dim; k++)
      out[i * dim + k] = data[k * stride + from + i];
}

/* rows carry d coordinates and w; columns d coordinates, u and values */
static inline void FenTileBlocks_Private(FenTile *T, FenInt d, const FenPairsBlock *rows, const FenPairsBlock *cols)
{
  T->nt = rows->n;
  T->ns = cols->n;
  T->xt = rows->data;
  T->ldt = rows->stride;
  T->w = rows->data + d * rows->stride;
  T->xs = cols->data;
  T->lds = cols->stride;
  T->u = cols->data + d * cols->stride;
  T->v = cols->data + (d + 1) * cols->stride;
}

/* the kernels' name of a cost */
static inline FenTileKind FenTileKindOf(FenCostKind kind)
{
  switch (kind) {
  case FEN_COST_EUCLIDEAN:
    return FEN_TILE_EUCLIDEAN;
  case FEN_COST_L1:
    return FEN_TILE_L1;
  case FEN_COST_MATRIX:
  case FEN_COST_POWER:    /* from tables */
  case FEN_COST_FUNCTION: /* tile by tile */
    return FEN_TILE_MATRIX;
  default:
    return FEN_TILE_SQEUCLIDEAN;
  }
}

/* the ways to evaluate: all pairs (clouds, lines, matrices), axis by axis (grids with separable cost), the same from
   tables of the axes' costs */
PETSC_INTERN PetscErrorCode FenOTOperatorCreate_Pairs(FenOTOperator);
PETSC_INTERN PetscErrorCode FenOTOperatorCreate_Separable(FenOTOperator);
