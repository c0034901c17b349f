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
  for (FenInt i = 0; i < n; i++)
    for (FenInt j = 0; j < m; j++)
      tile[i * m + j] = FenCostBetween(cost, dim, x + i * dim, y + j * dim);
  PetscFunctionReturn(0);
}
