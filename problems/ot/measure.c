/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMeasure: construction, life and view.
*/
#include "measureimpl.h"
#include <math.h>
#include <petscviewer.h>

const char *const FenMeasureKinds[] = {"points", "grid", "FenMeasureKind", "FEN_MEASURE_", NULL};

/*@
  FenMeasureView - Prints what a measure is.

  Collective

  Input Parameters:
+ measure - the measure
- viewer  - an ASCII viewer, or NULL for standard output

  Level: beginner

.seealso: `FenMeasureRead()`, `FenMeasureCreatePoints()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureView(FenMeasure measure, PetscViewer viewer)
{
  FenInt    size, shape[FEN_MAX_DIM];
  PetscBool ascii;

  PetscFunctionBegin;
  if (!viewer)
    PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)measure), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutGetSize(measure->layout, &size));
  PetscCall(FenLayoutGetShape(measure->layout, shape));
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)measure, viewer));
  if (measure->name)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  from %s\n", measure->name));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %" FENINT_FMT " points in dimension %d, mass given %g\n", size,
                                   (int)measure->dim, measure->mass));
  for (PetscInt k = 0; k < measure->dim && measure->kind == FEN_MEASURE_GRID; k++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  grid axis %d: %" FENINT_FMT " points, spacing %g, from %g\n", (int)k,
                                     shape[k], measure->spacing[k], measure->origin[k]));
  if (measure->image[0])
    PetscCall(PetscViewerASCIIPrintf(viewer, "  pixels of an image of %" FENINT_FMT " x %" FENINT_FMT "\n",
                                     measure->image[0], measure->image[1]));
  PetscFunctionReturn(0);
}

/*@
  FenMeasureDestroy - Gives a measure back; it is freed when nobody holds it any longer.

  Collective

  Input Parameter:
. measure - the measure, NULL on return

  Level: beginner

.seealso: `FenMeasureRead()`, `FenMeasureCreatePoints()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureDestroy(FenMeasure *measure)
{
  PetscFunctionBegin;
  if (!*measure)
    PetscFunctionReturn(0);
  if (--((PetscObject)*measure)->refct > 0) {
    *measure = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(FenLayoutDestroy(&(*measure)->layout));
  PetscCall(PetscFree((*measure)->weights));
  PetscCall(PetscFree((*measure)->points));
  PetscCall(PetscFree((*measure)->name));
  PetscCall(PetscHeaderDestroy(measure));
  PetscFunctionReturn(0);
}

/* weights are copied, or made uniform; takes a reference to the layout */
static PetscErrorCode FenMeasureCreate(FenLayout layout, FenMeasureKind kind, PetscInt dim, const double weights[],
                                       FenMeasure *measure)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  FenMeasure     m;
  FenInt         size, local;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  PetscCall(PetscHeaderCreate(m, FENMEASURE_CLASSID, "FenMeasure", "Discrete measure", "FenMeasure", comm,
                              FenMeasureDestroy, FenMeasureView));
  PetscCall(PetscObjectReference((PetscObject)layout));
  m->layout = layout;
  m->kind = kind;
  m->dim = dim;
  m->dataset = "";
  PetscCall(FenLayoutGetSize(layout, &size));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &m->weights));
  for (FenInt i = 0; i < local; i++)
    m->weights[i] = weights ? weights[i] : 1. / (double)size;
  PetscCall(FenSum(comm, local, m->weights, &m->mass));
  *measure = m;
  PetscFunctionReturn(0);
}

/* the first coordinate that is not a number is the error */
static PetscErrorCode FenPointsCheck(FenLayout layout, PetscInt dim, const double points[], const char name[])
{
  FenFault fault = {0, ""};
  FenInt   start, end;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  for (FenInt k = 0; k < (end - start) * dim && !fault.code; k++) {
    if (!isfinite(points[k]))
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "%s%spoint %" FENINT_FMT ", coordinate %" FENINT_FMT " is %g; rule: coordinates are finite",
                  name ? name : "", name ? ": " : "", start + k / dim, k % dim, points[k]);
  }
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)layout), &fault));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMeasureCreatePoints_Private(FenLayout layout, PetscInt dim, const double points[],
                                              const double weights[], const char name[], FenMeasure *measure)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  FenInt         size, local;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(layout, &size));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  FEN_CHECK(dim >= 1, comm, FEN_ERR_SHAPE, "%s%spoints of dimension %d: must be at least 1", name ? name : "",
            name ? ": " : "", (int)dim);
  PetscCall(FenIntMult(size, dim, &size));
  PetscCall(FenPointsCheck(layout, dim, points, name));
  PetscCall(FenMeasureCreate(layout, FEN_MEASURE_POINTS, dim, weights, measure));
  PetscCall(FenBytes(local * dim, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &(*measure)->points));
  PetscCall(PetscMemcpy((*measure)->points, points, bytes));
  if (name)
    PetscCall(FenMeasureSetName(*measure, name));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureCreatePoints - Makes a measure of weighted points.

  Collective

  Input Parameters:
+ comm    - the ranks
. nlocal  - number of points that this rank gives, 0 or more; global numbers run in rank order
. dim     - dimension of space, at least 1, the same on all ranks
. points  - coordinates, nlocal x dim, row by row; copied
- weights - nlocal weights, copied; NULL on all ranks: every point has weight 1/n

  Output Parameter:
. measure - the measure; weights are not checked before `FenMeasureBalance()`

  Errors:
  `FEN_ERR_VALUE` for a coordinate that is not finite, `FEN_ERR_SHAPE` for a wrong dimension, `FEN_ERR_SIZE`.

  Level: beginner

.seealso: `FenMeasureCreateGrid()`, `FenMeasureRead()`, `FenMeasureBalance()`, `FenMeasureDestroy()`
@*/
PetscErrorCode FenMeasureCreatePoints(MPI_Comm comm, FenInt nlocal, PetscInt dim, const double points[],
                                      const double weights[], FenMeasure *measure)
{
  FenLayout      layout;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRowsLocal(comm, nlocal, &layout));
  code = FenMeasureCreatePoints_Private(layout, dim, points, weights, NULL, measure);
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureCreateGrid - Makes a measure of weights on a regular grid.

  Collective

  Input Parameters:
+ layout  - the grid, 1 to 3 axes in natural storage order; referenced
. weights - weights of this rank's box, copied; NULL on all ranks: all equal
. spacing - distance between neighbours along each axis, > 0; NULL: 1
- origin  - coordinates of the first point; NULL: 0

  Output Parameter:
. measure - the measure; weights are not checked before `FenMeasureBalance()`

  Note:
  The point of index i along axis k has the coordinate origin[k] + i spacing[k].

  Errors:
  `FEN_ERR_VALUE` for a spacing that is not positive or an origin that is not finite, `FEN_ERR_USAGE` for a layout in
  another storage order.

  Level: beginner

.seealso: `FenMeasureCreatePoints()`, `FenMeasureRead()`, `FenMeasureBalance()`, `FenMeasureDestroy()`
@*/
PetscErrorCode FenMeasureCreateGrid(FenLayout layout, const double weights[], const double spacing[],
                                    const double origin[], FenMeasure *measure)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  PetscInt       dim, order[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetOrder(layout, order));
  for (PetscInt k = 0; k < dim; k++) {
    FEN_CHECK(order[k] == k, comm, FEN_ERR_USAGE, "the layout of a grid measure must be stored in natural order");
    FEN_CHECK(!spacing || (isfinite(spacing[k]) && spacing[k] > 0), comm, FEN_ERR_VALUE,
              "grid spacing %d is %g; rule: spacings are finite and > 0", (int)k, spacing[k]);
    FEN_CHECK(!origin || isfinite(origin[k]), comm, FEN_ERR_VALUE, "grid origin %d is %g; rule: origins are finite",
              (int)k, origin[k]);
  }
  PetscCall(FenMeasureCreate(layout, FEN_MEASURE_GRID, dim, weights, measure));
  for (PetscInt k = 0; k < dim; k++) {
    (*measure)->spacing[k] = spacing ? spacing[k] : 1;
    (*measure)->origin[k] = origin ? origin[k] : 0;
  }
  PetscFunctionReturn(0);
}
