/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What cells will take. A pixel's mass goes to targets within a radius r, whose cost is as many epsilons as -log of the
   share below which entries are dropped; so a cell's targets are those within r of its image, which is as large as the
   cell if the plan neither spreads nor gathers: the sum of a box and an ellipsoid, less what lies outside of the grid.
   For |x-y|^2 the bytes agree with measured ones within a third; costs that are not strictly convex send pixels
   further, and have more.
*/
#include "cells.h"
#include <math.h>

#define BYTES    60.0 /* an entry: 24 in each of two stores, and some on their way */
#define HALVINGS 40   /* of the interval that a radius lies in */

/* distance whose cost is `value`; at most `far` */
static PetscErrorCode Radius(FenMeasure source, FenMeasure target, FenCost cost, double value, double far,
                             double *radius)
{
  double least = 0, most = far, blur;

  PetscFunctionBegin;
  for (int k = 0; k < HALVINGS; k++) {
    *radius = 0.5 * (least + most);
    PetscCall(FenCostBlur(cost, source, target, *radius, &blur));
    if (blur < value)
      least = *radius;
    else
      most = *radius;
  }
  PetscFunctionReturn(0);
}

/* volume of the sum of a box and the unit ball */
static double BoxAndBall(PetscInt dim, const double s[])
{
  const double ball[FEN_MAX_DIM + 1] = {1, 2, PETSC_PI, 4 * PETSC_PI / 3};
  double       e[FEN_MAX_DIM + 1] = {1}, volume = 0; /* e: elementary symmetric functions of the sides */

  for (PetscInt d = 0; d < dim; d++)
    for (PetscInt j = d + 1; j > 0; j--)
      e[j] += s[d] * e[j - 1];
  for (PetscInt j = 0; j <= dim; j++)
    volume += ball[j] * e[dim - j];
  return volume;
}

PetscErrorCode FenCellsMemory(FenMeasure source, FenMeasure target, FenCost cost, const FenInt side[], double eps,
                              FenInt n, double *bytes)
{
  FenInt   N[FEN_MAX_DIM], M[FEN_MAX_DIM];
  PetscInt dim;
  double   h[FEN_MAX_DIM], s[FEN_MAX_DIM], radius, far = 0, entries = 1, px = 1;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(source, &dim));
  PetscCall(FenMeasureGetGrid(source, N, NULL, NULL));
  PetscCall(FenMeasureGetGrid(target, M, h, NULL));
  for (PetscInt d = 0; d < dim; d++)
    far = PetscMax(far, (double)M[d] * h[d]);
  PetscCall(Radius(source, target, cost, -log(FEN_CELL_TRUNCATE) * eps, far, &radius));
  for (PetscInt d = 0; d < dim; d++) {
    const double m = (double)M[d], r = PetscMax(radius / h[d], 1e-3), in = (double)side[d] * m / (double)N[d],
                 wide = in + 2 * r;

    s[d] = in / r;
    px *= (double)side[d];
    entries *= r * (r < m ? PetscMin(m, wide - r * r / m) : m) / wide; /* in the mean over places of the cell */
  }
  entries *= BoxAndBall(dim, s);
  *bytes = BYTES * entries * (double)n / px;
  PetscFunctionReturn(0);
}
