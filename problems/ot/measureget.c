/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMeasure: what it tells about itself.
*/
#include "measureimpl.h"

/*@
  FenMeasureGetKind - Says whether a measure lives on points or on a grid.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. kind - `FEN_MEASURE_POINTS` or `FEN_MEASURE_GRID`

  Level: intermediate

.seealso: `FenMeasureToPoints()`
@*/
PetscErrorCode FenMeasureGetKind(FenMeasure measure, FenMeasureKind *kind)
{
  PetscFunctionBegin;
  *kind = measure->kind;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetLayout - Gives the layout of the weights.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. layout - one axis for points, the grid otherwise; owned by the measure

  Level: intermediate

.seealso: `FenMeasureGetWeights()`
@*/
PetscErrorCode FenMeasureGetLayout(FenMeasure measure, FenLayout *layout)
{
  PetscFunctionBegin;
  *layout = measure->layout;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetDim - Gives the dimension of the space that the points live in.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. dim - the dimension, for grids the number of axes

  Level: beginner

.seealso: `FenMeasureGetSize()`
@*/
PetscErrorCode FenMeasureGetDim(FenMeasure measure, PetscInt *dim)
{
  PetscFunctionBegin;
  *dim = measure->dim;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetSize - Gives the number of points.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameters:
+ global - of all ranks, or NULL
- local  - of this rank, or NULL

  Level: beginner

.seealso: `FenMeasureGetDim()`, `FenMeasureGetLayout()`
@*/
PetscErrorCode FenMeasureGetSize(FenMeasure measure, FenInt *global, FenInt *local)
{
  PetscFunctionBegin;
  if (global)
    PetscCall(FenLayoutGetSize(measure->layout, global));
  if (local)
    PetscCall(FenLayoutGetLocalSize(measure->layout, local));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureGetWeights - Gives this rank's weights.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. weights - in the layout's order; owned by the measure

  Level: intermediate

.seealso: `FenMeasureBalance()`, `FenMeasureGetPoints()`, `FenMeasureGetLayout()`
@*/
PetscErrorCode FenMeasureGetWeights(FenMeasure measure, const double *weights[])
{
  PetscFunctionBegin;
  *weights = measure->weights;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetGrid - Gives shape and position of a grid.

  Not Collective

  Input Parameter:
. measure - a measure on a grid

  Output Parameters:
+ shape   - points along each axis; axes beyond the dimension: 1
. spacing - distance between neighbours along each axis; axes beyond: 1
- origin  - coordinates of the first point; axes beyond: 0

  Note:
  Outputs that are not wanted may be NULL.

  Errors:
  `FEN_ERR_USAGE` if the measure is not on a grid.

  Level: intermediate

.seealso: `FenMeasureGetKind()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureGetGrid(FenMeasure measure, FenInt shape[FEN_MAX_DIM], double spacing[FEN_MAX_DIM],
                                 double origin[FEN_MAX_DIM])
{
  PetscFunctionBegin;
  FEN_CHECK(measure->kind == FEN_MEASURE_GRID, PetscObjectComm((PetscObject)measure), FEN_ERR_USAGE,
            "a measure on points has no grid");
  if (shape)
    PetscCall(FenLayoutGetShape(measure->layout, shape));
  for (PetscInt k = 0; k < FEN_MAX_DIM; k++) {
    if (spacing)
      spacing[k] = k < measure->dim ? measure->spacing[k] : 1;
    if (origin)
      origin[k] = k < measure->dim ? measure->origin[k] : 0;
  }
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetImageShape - Gives the shape of the image whose pixels the points are.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. shape - height and width; 0, 0 if the points do not come from an image

  Level: intermediate

.seealso: `FenMeasureSetImageShape()`, `FenMeasureRead()`
@*/
PetscErrorCode FenMeasureGetImageShape(FenMeasure measure, FenInt shape[2])
{
  PetscFunctionBegin;
  shape[0] = measure->image[0];
  shape[1] = measure->image[1];
  PetscFunctionReturn(0);
}

/*@
  FenMeasureSetImageShape - Says that the points are the pixels of an image, row by row.

  Logically Collective

  Input Parameters:
+ measure - the measure
- shape   - height and width, whose product is the number of points; 0, 0 for no image

  Errors:
  `FEN_ERR_SHAPE` if the product is another number.

  Level: intermediate

.seealso: `FenMeasureGetImageShape()`
@*/
PetscErrorCode FenMeasureSetImageShape(FenMeasure measure, const FenInt shape[2])
{
  FenInt size, product;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(measure->layout, &size));
  PetscCall(FenIntMult(shape[0], shape[1], &product));
  FEN_CHECK((shape[0] > 0 && product == size) || (!shape[0] && !shape[1]), PetscObjectComm((PetscObject)measure),
            FEN_ERR_SHAPE, "an image of %" FENINT_FMT " x %" FENINT_FMT " does not have %" FENINT_FMT " pixels",
            shape[0], shape[1], size);
  measure->image[0] = shape[0];
  measure->image[1] = shape[1];
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetMass - Gives the mass of a measure as it was given.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. before_normalisation - sum of the weights before `FenMeasureBalance()` or a reader has scaled them

  Level: intermediate

.seealso: `FenMeasureBalance()`
@*/
PetscErrorCode FenMeasureGetMass(FenMeasure measure, double *before_normalisation)
{
  PetscFunctionBegin;
  *before_normalisation = measure->mass;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGetTotal - Sum of the weights as they are now: one after `FenMeasureBalance()`.

  Collective

  Level: intermediate

.seealso: `FenMeasureGetMass()`, `FenMeasureBalance()`
@*/
PetscErrorCode FenMeasureGetTotal(FenMeasure measure, double *total)
{
  FenInt local;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(measure->layout, &local));
  PetscCall(FenSum(PetscObjectComm((PetscObject)measure), local, measure->weights, total));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureSetName - Gives a measure the name that error messages use.

  Logically Collective

  Input Parameters:
+ measure - the measure
- name    - for example the file it came from; NULL takes the name away

  Level: intermediate

.seealso: `FenMeasureGetName()`, `FenMeasureBalance()`
@*/
PetscErrorCode FenMeasureSetName(FenMeasure measure, const char name[])
{
  char *copy = NULL;

  PetscFunctionBegin;
  if (name)
    PetscCall(PetscStrallocpy(name, &copy));
  PetscCall(PetscFree(measure->name));
  measure->name = copy;
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureGetName - Gives the name that error messages use.

  Not Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. name - the name, owned by the measure; NULL if it has none: messages then say source or target

  Level: intermediate

.seealso: `FenMeasureSetName()`
@*/
PetscErrorCode FenMeasureGetName(FenMeasure measure, const char *name[])
{
  PetscFunctionBegin;
  *name = measure->name;
  PetscFunctionReturn(0);
}

/* numbers that describe a grid, after all entries */
static PetscErrorCode FenFingerprintGrid(FenMeasure m, FenInt size, FenFingerprint *f)
{
  FenInt      shape[FEN_MAX_DIM];
  double      grid[3 * FEN_MAX_DIM];
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)m), &rank));
  PetscCall(FenLayoutGetShape(m->layout, shape));
  for (PetscInt k = 0; k < m->dim; k++) {
    grid[3 * k] = (double)shape[k];
    grid[3 * k + 1] = m->spacing[k];
    grid[3 * k + 2] = m->origin[k];
  }
  if (!rank)
    FenFingerprintDoubles(f, size, 3 * m->dim, grid);
  PetscFunctionReturn(0);
}

/*@
  FenMeasureFingerprint - Hashes weights, points or grid.

  Collective

  Input Parameter:
. measure - the measure

  Output Parameter:
. f - the same on all ranks and for any number of ranks

  Level: developer

.seealso: `FenFingerprintDoubles()`
@*/
PetscErrorCode FenMeasureFingerprint(FenMeasure measure, FenFingerprint *f)
{
  FenInt        size, nruns, length;
  const FenInt *start;

  PetscFunctionBegin;
  *f = (FenFingerprint){{0, 0}};
  PetscCall(FenLayoutGetSize(measure->layout, &size));
  PetscCall(FenLayoutGetRuns(measure->layout, &nruns, &length, &start));
  for (FenInt r = 0; r < nruns; r++) {
    FenFingerprintDoubles(f, start[r], length, measure->weights + r * length);
    if (measure->kind == FEN_MEASURE_POINTS)
      FenFingerprintDoubles(f, size + start[r] * measure->dim, length * measure->dim,
                            measure->points + r * length * measure->dim);
  }
  if (measure->kind == FEN_MEASURE_GRID)
    PetscCall(FenFingerprintGrid(measure, size, f));
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)measure), f));
  PetscFunctionReturn(0);
}
