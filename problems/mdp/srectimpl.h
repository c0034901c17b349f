/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two problems of s-rectangular states share: best policies (srect.c) and given ones (srectpolicy.c). */
#pragma once
#include <fenchelsrect.h>

/* a row at a multiplier: c, the yield m = p.z - zmin, and the scalar that gives p */
typedef struct {
  double tau, c, m, slope; /* slope = -dm/dtau >= 0 */
  double scalar;
} FenSRectPoint;

/* a row, d = z - zmin >= 0; sorted kinds: ascending, with running sums of q, q d, q d^2 */
typedef struct {
  FenInt        n;
  const double *q, *d, *A, *B, *C;
  double        zmin, mean, mass_at_min, dmax; /* mean of d */
} FenSRectRow;

struct _p_FenSRect {
  FenSRectKind   kind;
  FenInt         nactions, nnz; /* room */
  double        *q, *d, *A, *B, *C;
  FenSRectRow   *row;
  FenSRectPoint *at;
  FenInt        *order; /* sorted kinds: place in the caller's row */
  double        *key;
};

PETSC_INTERN PetscErrorCode FenSRectReserve_Private(FenSRect, FenInt nactions, FenInt nnz);
/* all rows of a state */
PETSC_INTERN void FenSRectPrepare_Private(FenSRect, FenInt nactions, const FenInt ptr[], const double q[],
                                          const double z[]);
/* c, yield, slope and scalar at t->tau; not l1 */
PETSC_INTERN void FenSRectEvaluate_Private(FenSRectKind, const FenSRectRow *, FenSRectPoint *);
/* the law of a row at a point, in the caller's order */
PETSC_INTERN void FenSRectLaw_Private(FenSRectKind, const FenSRectRow *, const FenSRectPoint *, const FenInt order[],
                                      double law[]);
/* least divergence at which a row can yield its smallest z */
PETSC_INTERN double FenSRectAtMinimum_Private(FenSRectKind, double mass);
