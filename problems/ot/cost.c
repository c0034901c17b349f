/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenCost: the ground cost between the points of two measures, its life, and what it fits.
*/
#include "measureimpl.h"
#include <math.h>
#include <petscviewer.h>

const char *const FenCostKinds[] = {"sqeuclidean", "euclidean",   "l1",        "matrix", "power",
                                    "function",    "FenCostKind", "FEN_COST_", NULL};

static PetscErrorCode FenCostView(FenCost cost, PetscViewer viewer)
{
  PetscBool ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)cost, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s\n", FenCostKinds[cost->kind]));
  PetscFunctionReturn(0);
}

/*@
  FenCostDestroy - Gives a cost back; it is freed when nobody holds it any longer.

  Collective

  Input Parameter:
. cost - the cost, NULL on return

  Level: beginner

.seealso: `FenCostCreate()`
@*/
PetscErrorCode FenCostDestroy(FenCost *cost)
{
  PetscFunctionBegin;
  if (!*cost)
    PetscFunctionReturn(0);
  if (--((PetscObject)*cost)->refct > 0) {
    *cost = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(FenLayoutDestroy(&(*cost)->rows));
  PetscCall(FenLayoutDestroy(&(*cost)->cols));
  PetscCall(PetscFree((*cost)->byrow));
  PetscCall(PetscFree((*cost)->bycol));
  if ((*cost)->destroyctx)
    PetscCall((*(*cost)->destroyctx)((*cost)->ctx));
  PetscCall(PetscHeaderDestroy(cost));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCostCreate_Private(MPI_Comm comm, FenCostKind kind, FenCost *cost)
{
  FenCost c;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  PetscCall(
      PetscHeaderCreate(c, FENCOST_CLASSID, "FenCost", "Ground cost", "FenCost", comm, FenCostDestroy, FenCostView));
  c->kind = kind;
  c->power = kind == FEN_COST_SQEUCLIDEAN ? 2 : 1;
  *cost = c;
  PetscFunctionReturn(0);
}

/*@
  FenCostCreate - Makes a ground cost that is a formula.

  Collective

  Input Parameters:
+ comm - the ranks
- kind - `FEN_COST_SQEUCLIDEAN` |x-y|^2 (not halved), `FEN_COST_EUCLIDEAN` |x-y|, or `FEN_COST_L1` sum of |x_k-y_k|

  Output Parameter:
. cost - the cost

  Errors:
  `FEN_ERR_USAGE` for a matrix, which `FenCostCreateMatrix()` and `FenCostReadMatrix()` make.

  Level: beginner

.seealso: `FenCostCreateMatrix()`, `FenCostReadMatrix()`, `FenCostCheck()`, `FenCostDestroy()`
@*/
PetscErrorCode FenCostCreate(MPI_Comm comm, FenCostKind kind, FenCost *cost)
{
  PetscFunctionBegin;
  FEN_CHECK(kind == FEN_COST_SQEUCLIDEAN || kind == FEN_COST_EUCLIDEAN || kind == FEN_COST_L1, comm, FEN_ERR_USAGE,
            "cost kind %d is no formula; a matrix is given or read", (int)kind);
  PetscCall(FenCostCreate_Private(comm, kind, cost));
  PetscFunctionReturn(0);
}

/*@
  FenCostGetKind - Says which cost it is.

  Not Collective

  Input Parameter:
. cost - the cost

  Output Parameter:
. kind - its kind; `FenCostKinds` has the names

  Level: intermediate

.seealso: `FenCostCreate()`
@*/
PetscErrorCode FenCostGetKind(FenCost cost, FenCostKind *kind)
{
  PetscFunctionBegin;
  *kind = cost->kind;
  PetscFunctionReturn(0);
}

/*@
  FenCostOfDistance - Cost of two points that differ along one axis only; costs of grids are sums of it over the axes.

  Not Collective

  Input Parameters:
+ cost     - a cost that is a formula
- distance - at least 0

  Level: developer

.seealso: `FenCostGetKind()`
@*/
double FenCostOfDistance(FenCost cost, double distance)
{
  if (cost->kind == FEN_COST_SQEUCLIDEAN)
    return distance * distance;
  return cost->kind == FEN_COST_POWER ? pow(distance, cost->power) : distance;
}

/*@
  FenCostCreatePower - Makes the cost sum of |x_k-y_k|^p between points of grids.

  Collective

  Input Parameters:
+ comm - the ranks
- p    - the power, at least 1

  Output Parameter:
. cost - the cost; for p = 2 and p = 1 it is `FEN_COST_SQEUCLIDEAN` and `FEN_COST_L1`, which have faster passes

  Errors:
  `FEN_ERR_OPTION` for a power below 1 or above 16.

  Level: intermediate

.seealso: `FenCostCreate()`, `FenCostGetPower()`
@*/
PetscErrorCode FenCostCreatePower(MPI_Comm comm, double p, FenCost *cost)
{
  const FenCostKind kind = p > 2 || p < 2 ? p > 1 ? FEN_COST_POWER : FEN_COST_L1 : FEN_COST_SQEUCLIDEAN;

  PetscFunctionBegin;
  FEN_CHECK(p >= 1 && p <= 16, comm, FEN_ERR_OPTION, "power %g of a cost; rule: from 1 to 16", p);
  PetscCall(FenCostCreate_Private(comm, kind, cost));
  (*cost)->power = p;
  PetscFunctionReturn(0);
}

/*@C
  FenCostCreateFunction - Makes a ground cost that a function of the program evaluates, tile by tile.

  Collective

  Input Parameters:
+ comm    - the ranks
. f       - gives the n x m costs between points x (n x dim, point by point) and y (m x dim): tile[i*m + j]
. ctx     - its context, or NULL
. destroy - called with the context when the cost is freed, or NULL
- maximum - no |cost| is larger

  Output Parameter:
. cost - the cost

  Notes:
  The function is called on each rank by itself, a different number of times; what it gives may depend on its arguments
  and on a context that is the same on all ranks, and on nothing else. A pass visits all pairs of points, n m / P costs
  on each of P ranks; the cells of `FENOTDOMDEC` evaluate those of their own pixels and targets.

  Errors:
  `FEN_ERR_USAGE` without a function or for a maximum that is not positive and finite.

  Level: intermediate

.seealso: `FenCostCreate()`, `FenOTSetCost()`, `FENOTDOMDEC`
@*/
PetscErrorCode FenCostCreateFunction(MPI_Comm comm, FenCostFn f, void *ctx, PetscErrorCode (*destroy)(void *),
                                     double maximum, FenCost *cost)
{
  PetscFunctionBegin;
  FEN_CHECK(f && maximum > 0 && isfinite(maximum), comm, FEN_ERR_USAGE,
            "a cost needs a function and a largest value that is positive and finite, not %g", maximum);
  PetscCall(FenCostCreate_Private(comm, FEN_COST_FUNCTION, cost));
  (*cost)->function = f;
  (*cost)->ctx = ctx;
  (*cost)->destroyctx = destroy;
  (*cost)->maximum = maximum;
  PetscFunctionReturn(0);
}

/*@
  FenCostGetPower - The power of distances along an axis: 2 for |x-y|^2, 1 for other formulas unless one was given.

  Not Collective

  Level: intermediate

.seealso: `FenCostCreatePower()`
@*/
PetscErrorCode FenCostGetPower(FenCost cost, double *p)
{
  PetscFunctionBegin;
  *p = cost->power;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenRangesAgree(FenLayout a, FenLayout b, PetscBool *same)
{
  PetscInt  da, db;
  FenInt    na, nb, a0, a1, b0, b1;
  PetscBool mine;

  PetscFunctionBegin;
  *same = PETSC_FALSE;
  PetscCall(FenLayoutGetDim(a, &da));
  PetscCall(FenLayoutGetDim(b, &db));
  PetscCall(FenLayoutGetSize(a, &na));
  PetscCall(FenLayoutGetSize(b, &nb));
  if (da != 1 || db != 1 || na != nb)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutGetRange(a, &a0, &a1));
  PetscCall(FenLayoutGetRange(b, &b0, &b1));
  mine = a0 == b0 && a1 == b1 ? PETSC_TRUE : PETSC_FALSE;
  PetscCallMPI(MPI_Allreduce(&mine, same, 1, MPIU_BOOL, MPI_LAND, PetscObjectComm((PetscObject)a)));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenCostCheckMatrix(FenCost cost, FenMeasure source, FenMeasure target, const char *const name[2])
{
  FenInt    n, m, sizes[2];
  PetscBool rows, cols;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(cost->rows, &n));
  PetscCall(FenLayoutGetSize(cost->cols, &m));
  PetscCall(FenMeasureGetSize(source, &sizes[0], NULL));
  PetscCall(FenMeasureGetSize(target, &sizes[1], NULL));
  PetscCall(FenRangesAgree(cost->rows, source->layout, &rows));
  PetscCall(FenRangesAgree(cost->cols, target->layout, &cols));
  FEN_CHECK(n == sizes[0] && m == sizes[1], PetscObjectComm((PetscObject)cost), FEN_ERR_SHAPE,
            "the cost matrix is %" FENINT_FMT " x %" FENINT_FMT ", %s has %" FENINT_FMT " points, %s has %" FENINT_FMT,
            n, m, name[0], sizes[0], name[1], sizes[1]);
  FEN_CHECK(rows && cols, PetscObjectComm((PetscObject)cost), FEN_ERR_SHAPE,
            "the cost matrix is cut over ranks in another way than %s and %s; rule: both have one axis and the matrix "
            "their layouts",
            name[0], name[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenCostCheckFormula(FenCost cost, FenMeasure source, FenMeasure target, const char *const name[2])
{
  const MPI_Comm  comm = PetscObjectComm((PetscObject)cost);
  const PetscBool grids = (PetscBool)(source->kind == FEN_MEASURE_GRID && target->kind == FEN_MEASURE_GRID);
  double          maximum;

  PetscFunctionBegin;
  FEN_CHECK(source->dim == target->dim, comm, FEN_ERR_SHAPE,
            "%s has dimension %d, %s has dimension %d; rule: both live in the same space", name[0], (int)source->dim,
            name[1], (int)target->dim);
  FEN_CHECK(cost->kind != FEN_COST_POWER || grids, comm, FEN_ERR_OPTION,
            "the cost power is for two grids, but %s or %s has points; points take sqeuclidean, euclidean or l1",
            name[0], name[1]);
  PetscCall(FenCostGetMaximum(cost, source, target, &maximum));
  FEN_CHECK(isfinite(maximum), comm, FEN_ERR_VALUE,
            "the cost %s between %s and %s is larger than a double; rule: costs are finite", FenCostKinds[cost->kind],
            name[0], name[1]);
  PetscFunctionReturn(0);
}

/*@
  FenCostCheck - Refuses a cost that two measures cannot have.

  Collective

  Input Parameters:
+ cost   - the cost
. source - a measure
- target - a measure

  Notes:
  sqeuclidean, euclidean and l1 fit any two measures of the same dimension; euclidean does not separate, so that all
  pairs of points of two grids are visited; a matrix needs measures of one axis, cut over the ranks as the matrix is. A
  grid with a cloud is taken as the cloud of its points (`FenMeasureToPoints()`).

  Errors:
  `FEN_ERR_SHAPE` for dimensions and sizes that differ, `FEN_ERR_OPTION` for a cost that grids do not take,
  `FEN_ERR_VALUE` for coordinates so far apart that the cost overflows.

  Level: intermediate

.seealso: `FenCostCreate()`, `FenCostGetMaximum()`
@*/
PetscErrorCode FenCostCheck(FenCost cost, FenMeasure source, FenMeasure target)
{
  const char *const name[2] = {source->name ? source->name : "source", target->name ? target->name : "target"};

  PetscFunctionBegin;
  if (cost->kind == FEN_COST_MATRIX)
    PetscCall(FenCostCheckMatrix(cost, source, target, name));
  else
    PetscCall(FenCostCheckFormula(cost, source, target, name));
  PetscFunctionReturn(0);
}

/* of the distances between two boxes, along all axes */
static double FenBoxMaximum(FenCost cost, PetscInt dim, const double lo[], const double hi[])
{
  const FenCostKind kind = cost->kind;
  double            sum = 0;

  for (PetscInt k = 0; k < dim; k++) {
    const double d = PetscMax(fabs(hi[k] - lo[dim + k]), fabs(hi[dim + k] - lo[k]));

    sum += kind == FEN_COST_EUCLIDEAN ? d * d : FenCostOfDistance(cost, d);
  }
  return kind == FEN_COST_EUCLIDEAN ? sqrt(sum) : sum;
}

/*@
  FenCostGetMaximum - Gives a bound that no cost between points of two measures exceeds.

  Collective

  Input Parameters:
+ cost   - the cost
. source - a measure; for a matrix it may be NULL
- target - a measure of the same dimension; for a matrix it may be NULL

  Output Parameter:
. maximum - the largest cost between the bounding boxes of all points (weights do not matter); for a matrix its largest
            entry

  Level: intermediate

.seealso: `FenCostCheck()`
@*/
PetscErrorCode FenCostGetMaximum(FenCost cost, FenMeasure source, FenMeasure target, double *maximum)
{
  PetscInt dim;
  double  *lo, *hi;

  PetscFunctionBegin;
  if (cost->kind == FEN_COST_MATRIX || cost->kind == FEN_COST_FUNCTION) {
    *maximum = cost->maximum;
    PetscFunctionReturn(0);
  }
  dim = source->dim;
  FEN_CHECK(dim == target->dim, PetscObjectComm((PetscObject)cost), FEN_ERR_SHAPE,
            "measures of dimensions %d and %d have no cost", (int)dim, (int)target->dim);
  PetscCall(PetscMalloc2((size_t)(2 * dim), &lo, (size_t)(2 * dim), &hi));
  PetscCall(FenMeasureBoundingBox_Private(source, lo, hi));
  PetscCall(FenMeasureBoundingBox_Private(target, lo + dim, hi + dim));
  *maximum = FenBoxMaximum(cost, dim, lo, hi);
  PetscCall(PetscFree2(lo, hi));
  PetscFunctionReturn(0);
}
