/* SPDX-License-Identifier: BSD-2-Clause */
/* What the worst cases of rows share: work arrays, order of a row, and the search for the price that a radius is worth.
 */
#pragma once
#include <fenchelmdpsets.h>
#include <math.h>

struct _p_FenSetWork {
  FenInt  room;
  double *d, *low, *up, *best; /* d: z - zmin */
  FenInt *order, *to, *left, *right;
};

PETSC_INTERN PetscErrorCode FenSetWorkReserve_Private(FenSetWork, FenInt n);
/* d <- z - zmin; the spread of z and its minimum */
PETSC_INTERN double FenSetWorkCentre_Private(FenSetWork, FenInt n, const double z[], double *spread);
/* order <- 0 .. n-1 by ascending d */
PETSC_INTERN void FenSetWorkSort_Private(FenSetWork, FenInt n);

/* Sets in which mass q_j moves from entry j to entry to_j at a cost for each unit. At a price the best moves are known;
   value: sum q_j (d_to + price cost), amount: sum q_j cost */
typedef struct {
  double price, value, amount;
} FenMoves;
typedef struct {
  FenInt        n;
  const double *q, *w; /* w: l1 */
  FenGround     ground;
  void (*moves)(FenSetWork, const void *set, double price, FenInt to[], FenMoves *);
  double high; /* a price at which no move is worth its cost */
} FenMoveSet;
PETSC_INTERN PetscErrorCode FenMovesRadius_Private(FenSetWork, const FenMoveSet *, const double z[], double radius,
                                                   double law[], FenWorstCase *);
PETSC_INTERN PetscErrorCode FenMovesPrice_Private(FenSetWork, const FenMoveSet *, const double z[], double price,
                                                  double law[], FenWorstCase *);

/* rounding of a row's sum of numbers that are at most `spread`, around `middle` */
static inline double FenRowRounding(FenInt n, double spread, double middle)
{
  return 0x1p-52 * ((double)(n + 4) * spread + fabs(middle));
}
