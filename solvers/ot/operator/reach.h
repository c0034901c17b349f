/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What points of one side can reach on the other. A row i and a column j have the exponent w_i + u_j - c(x_i, y_j),
   where c is a sum of powers of |x_k - y_k|, or the root of such a sum; points in a box have a common bound of it.
*/
#pragma once
#include "operator.h"
#include <math.h>

typedef struct {
  int       dim;
  PetscBool by_column; /* are there two values a point, by row and by column? */
  double    power;     /* at least 1 */
  int       halves;    /* twice the power, where products do; 0: they do not */
  PetscBool root;      /* of the sum */
  PetscBool unbounded; /* costs are entries of a matrix: everything can be reached */
} FenReach;

/* points of one side: coordinates component by component, and by row and by column what is added to -c */
typedef struct {
  FenInt        n, ld;
  const double *x, *value[2];
} FenReachPoints;

PETSC_INTERN PetscErrorCode FenReachSet(FenOTOperator, PetscInt dim, PetscBool by_column, FenReach *);
/* numbers of a box */
static inline FenInt FenReachBoxSize(const FenReach *R)
{
  return 4 * (FenInt)R->dim + 2;
}
/* of the points [from, to) */
PETSC_INTERN void FenReachEnclose(const FenReach *, const FenReachPoints *, FenInt from, FenInt to, double box[]);
/* may an exponent of a row of box `a` and a column of box `b` be at least 0? Values of rows count from what is wanted
   on */
PETSC_INTERN PetscBool FenReachMeets(const FenReach *, const double a[], const double b[]);
/* upper bound of u_j - c(x, y_j) over the columns of a box, with their value by row (0) or by column (1); x has
   components ld apart */
PETSC_INTERN double FenReachFrom(const FenReach *, const double x[], FenInt ld, const double box[], int by_column);
/* t_j -= c(x, y_j) for n columns with components lds apart, at most FEN_CHUNK */
PETSC_INTERN void FenReachCosts(const FenReach *, const double x[], FenInt ld, FenInt n, const double y[], FenInt lds,
                                double t[]);
