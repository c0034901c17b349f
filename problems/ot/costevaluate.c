/* SPDX-License-Identifier: BSD-2-Clause */
/* Costs between two lists of points, one by one: for cells, tiles and checks. */
#include "measureimpl.h"
#include <math.h>

static double FenCostBetween(const FenCost cost, PetscInt dim, const double x[], const double y[])
{
  double sum = 0;

  for (PetscInt k = 0; k < dim; k++) {
    const double d = fabs(x[k] - y[k]);

    sum += cost->kind == FEN_COST_EUCLIDEAN ? d * d : FenCostOfDistance(cost, d);
  }
  return cost->kind == FEN_COST_EUCLIDEAN ? sqrt(sum) : sum;
}

/*@
  FenCostIsSeparable - Says whether a cost is a sum of costs of the axes.

  Not Collective

  Input Parameter:
. cost - the cost

  Output Parameter:
. separable - true for |x-y|^2, sum of |x_k-y_k| and sum of |x_k-y_k|^p

  Level: developer

.seealso: `FenCostCreate()`
@*/
PetscErrorCode FenCostIsSeparable(FenCost cost, PetscBool *separable)
{
  PetscFunctionBegin;
  *separable =
      (PetscBool)(cost->kind == FEN_COST_SQEUCLIDEAN || cost->kind == FEN_COST_L1 || cost->kind == FEN_COST_POWER);
  PetscFunctionReturn(0);
}

/*@
  FenCostEvaluate - Costs between all points of two lists.

  Not Collective

  Input Parameters:
+ cost - a cost of coordinates, not a matrix
. dim  - coordinates of a point
. n    - number of points in the first list
. x    - n x dim coordinates, point by point
. m    - number of points in the second list
- y    - m x dim coordinates, point by point

  Output Parameter:
. tile - n x m costs, row by row

  Errors:
  `FEN_ERR_USAGE` for a matrix, which has no coordinates.

  Level: developer

.seealso: `FenCostCreate()`
@*/
PetscErrorCode FenCostEvaluate(FenCost cost, PetscInt dim, FenInt n, const double x[], FenInt m, const double y[],
                               double tile[])
{
  PetscFunctionBegin;
  FEN_CHECK(cost->kind != FEN_COST_MATRIX, PETSC_COMM_SELF, FEN_ERR_USAGE, "a matrix has no costs of coordinates");
  if (cost->kind == FEN_COST_FUNCTION) {
    PetscCall((*cost->function)(cost->ctx, dim, n, x, m, y, tile));
    PetscFunctionReturn(0);
  }
  for (FenInt i = 0; i < n; i++)
    for (FenInt j = 0; j < m; j++)
      tile[i * m + j] = FenCostBetween(cost, dim, x + i * dim, y + j * dim);
  PetscFunctionReturn(0);
}

/* c(x+h,y) + c(x,y+h) - c(x,y) - c(x+h,y+h), half of it: what an exchange between neighbours costs */
static PetscErrorCode FenCostExchange(FenCost cost, PetscInt dim, const double x[], const double y[], double width,
                                      double *most)
{
  double p[4 * FEN_MAX_DIM], tile[4];

  PetscFunctionBegin;
  for (PetscInt axis = 0; axis < dim; axis++) {
    for (PetscInt k = 0; k < dim; k++) {
      p[k] = x[k];
      p[2 * dim + k] = y[k];
      p[dim + k] = x[k] + (k == axis ? width : 0);
      p[3 * dim + k] = y[k] + (k == axis ? width : 0);
    }
    PetscCall(FenCostEvaluate(cost, dim, 2, p, 2, p + 2 * dim, tile));
    *most = PetscMax(*most, 0.5 * fabs(tile[1] + tile[2] - tile[0] - tile[3]));
  }
  PetscFunctionReturn(0);
}

/*@
  FenCostBlur - How much of a cost two points that are close to each other make, where that is most.

  Collective

  Input Parameters:
+ cost   - a cost of coordinates, not a matrix
. source - a grid
. target - a grid of the same dimension
- width  - distance of the points

  Output Parameter:
. blur - the cost of `width` for formulas; for a function half of what an exchange between two sources and two targets
  so far apart costs at most, on a lattice of 5 points an axis: the same for |x-y|^2 and |x-y|

  Level: developer

.seealso: `FenCostOfDistance()`
@*/
PetscErrorCode FenCostBlur(FenCost cost, FenMeasure source, FenMeasure target, double width, double *blur)
{
  const PetscInt dim = source->dim, per_axis = 5;
  PetscInt       n = 1;
  double         box[4 * FEN_MAX_DIM], x[FEN_MAX_DIM], y[FEN_MAX_DIM];

  PetscFunctionBegin;
  if (cost->kind != FEN_COST_FUNCTION) {
    *blur = FenCostOfDistance(cost, width);
    PetscFunctionReturn(0);
  }
  PetscCall(FenMeasureBoundingBox_Private(source, box, box + dim));
  PetscCall(FenMeasureBoundingBox_Private(target, box + 2 * dim, box + 3 * dim));
  for (PetscInt k = 0; k < dim; k++)
    n *= per_axis;
  *blur = 0;
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++) {
      for (PetscInt k = 0, p = i, q = j; k < dim; k++, p /= per_axis, q /= per_axis) {
        x[k] = box[k] + (box[dim + k] - box[k]) * (double)(p % per_axis) / (double)per_axis;
        y[k] = box[2 * dim + k] + (box[3 * dim + k] - box[2 * dim + k]) * (double)(q % per_axis) / (double)per_axis;
      }
      PetscCall(FenCostExchange(cost, dim, x, y, width, blur));
    }
  PetscFunctionReturn(0);
}
