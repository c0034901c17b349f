/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify: what its files share. The arithmetic below is written a second time on purpose, with plain loops and
   the exponential of the C library, and shares nothing with the solvers.
*/
#pragma once
#include "cliimpl.h"

/* one measure with its potential; my part is a range of consecutive global indices (slabs along axis 0 of a grid) */
typedef struct {
  FenInt    n, first, nlocal;
  PetscInt  dim;
  PetscBool grid;
  FenInt    shape[FEN_MAX_DIM], inner; /* inner: entries of one slab */
  double    spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];
  FenLayout layout;
  double   *weight, *point, *potential;
} FenVerifySide;

/* explicit costs: my rows and my columns; NULL otherwise */
typedef struct {
  MPI_Comm      comm;
  FenFile       file;
  FenVerifySide a, b;
  FenCostKind   kind;
  double        eps, *byrow, *bycol;
} FenVerify;

typedef struct {
  double value, lower, upper, ot_lower, ot_upper, cost, marginal_error;
} FenVerifyBounds;

/* the same quantities, computed again from the potentials, and what they can be trusted to */
typedef struct {
  FenVerifyBounds bounds;
  double          soft_error; /* largest |f - T(g)| */
  double          scale;      /* size of the numbers that were added, for tolerances */
} FenVerifyAnswer;

/* ---- reading and checking content (verifyread.c) ---- */
extern PetscErrorCode FenVerifyOpen_Private(FenCLI *, FenVerify *, FenVerifyBounds *);
extern PetscErrorCode FenVerifyClose_Private(FenVerify *);
extern PetscErrorCode FenVerifyReadMatrix_Private(FenVerify *); /* verifymatrix.c */

/* ---- transforms (verifytransform.c, verifygrid.c); FORWARD: from b to a, BACKWARD: from a to b ---- */
typedef enum { FEN_VERIFY_FORWARD, FEN_VERIFY_BACKWARD } FenVerifyDirection;
extern PetscErrorCode FenVerifySoft_Private(FenVerify *, FenVerifyDirection, const double[], double[], double *);
extern PetscErrorCode FenVerifyHard_Private(FenVerify *, FenVerifyDirection, const double[], double[]);
extern PetscErrorCode FenVerifyGridSoft_Private(FenVerify *, FenVerifyDirection, const double[], double[], double *);
extern PetscErrorCode FenVerifyGridHard_Private(FenVerify *, FenVerifyDirection, const double[], double[]);

/* blocks of all ranks pass by: n items of ncomp numbers, the first one has global number `first` */
typedef PetscErrorCode (*FenVerifyBlockFn)(void *, FenInt first, FenInt n, const double[]);
extern PetscErrorCode FenVerifyRing_Private(MPI_Comm, FenInt first, FenInt n, FenInt ncomp, const double[],
                                            FenVerifyBlockFn, void *);

/* costs of one point to n points given coordinate by coordinate; a block's coordinates, behind its first numbers */
extern void FenVerifyRowCost_Private(FenCostKind, PetscInt dim, const double x[], FenInt n, const double y[],
                                     FenInt stride, double c[]);
extern void FenVerifyColumnPoints_Private(const FenVerifySide *, double columns[]);

/* log-sum-exp, one term at a time; terms below e^-60 of the largest are nothing in double precision */
typedef struct {
  double max, sum;
} FenVerifyLSE;
extern void FenVerifyLSEAdd_Private(FenVerifyLSE *, double);

/* ---- couplings E of two residuals of mass eta (verifycoupling.c, verifytree.c) ----
   cost: <C,E>, or an upper bound of it; entropy: an upper bound of sum E log(E/(a x b)), shares of mass included */
typedef struct {
  double cost, entropy;
} FenVerifyCoupling;
extern PetscErrorCode FenVerifyCoupleProduct_Private(FenVerify *, const double ea[], const double eb[], double eta,
                                                     FenVerifyCoupling *);
/* lowers both numbers where a better coupling is found: <C,E> and <C,E> + eps entropy(E) */
extern PetscErrorCode FenVerifyCoupleTree_Private(FenVerify *, const double ea[], const double eb[], double *cost,
                                                  double *regularised);

/* ---- bounds (verify_ot.c) ---- */
/* computes what certifies the claims; a better lower bound of the unregularised optimum only if the first falls short
 */
extern PetscErrorCode FenVerifyCompute_Private(FenVerify *, const FenVerifyBounds *claimed, FenVerifyAnswer *);
extern PetscErrorCode FenVerifySum_Private(MPI_Comm, double *);
