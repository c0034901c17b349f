/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids seen as clouds: their coordinates, the boxes around them, and the cloud of a grid. Files and clouds have
   consecutive numbers on a rank, that is slabs; grids are worked on in blocks.
*/
#include "measureimpl.h"

/* coordinates of all points of my box, in storage order */
static void FenGridCoordinates(const FenBox *box, PetscInt dim, const double spacing[], const double origin[],
                               double points[])
{
  FenInt i[FEN_MAX_DIM], n = 0;

  for (i[0] = box->lo[0]; i[0] < box->hi[0]; i[0]++)
    for (i[1] = box->lo[1]; i[1] < box->hi[1]; i[1]++)
      for (i[2] = box->lo[2]; i[2] < box->hi[2]; i[2]++)
        for (PetscInt k = 0; k < dim; k++)
          points[n++] = origin[k] + (double)i[k] * spacing[k];
}

static PetscErrorCode FenGridMakePoints(FenMeasure grid, FenLayout layout, double *points[])
{
  FenBox box;
  FenInt local;
  size_t bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local * grid->dim, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, points));
  FenGridCoordinates(&box, grid->dim, grid->spacing, grid->origin, *points);
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureGetPoints - Gives the coordinates of this rank's points.

  Not Collective

  Input Parameter:
. measure - the measure; a grid makes its coordinates when asked for the first time

  Output Parameter:
. points - local size x dimension, row by row, in the layout's order; owned by the measure

  Level: intermediate

.seealso: `FenMeasureGetWeights()`, `FenMeasureToPoints()`
@*/
PetscErrorCode FenMeasureGetPoints(FenMeasure measure, const double *points[])
{
  PetscFunctionBegin;
  if (measure->kind == FEN_MEASURE_GRID && !measure->points)
    PetscCall(FenGridMakePoints(measure, measure->layout, &measure->points));
  *points = measure->points;
  PetscFunctionReturn(0);
}

/* an array on a layout to another layout of the same grid */
static PetscErrorCode FenGridMove(FenLayout from, const double in[], FenLayout to, double *out[])
{
  FenInt    local;
  FenRedist redist;
  size_t    bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(to, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, out));
  PetscCall(FenRedistCreate(from, to, &redist));
  PetscCall(FenRedistMove(redist, in, *out));
  PetscCall(FenRedistDestroy(&redist));
  PetscFunctionReturn(0);
}

/* the same grid with all ranks along axis 0: boxes are ranges of global numbers; moves the weights there */
static PetscErrorCode FenGridToSlabs(FenMeasure grid, FenLayout *slabs, double *weights[])
{
  FenInt shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(grid->layout, shape));
  PetscCall(FenLayoutCreateGrid(PetscObjectComm((PetscObject)grid), grid->dim, shape, NULL, slabs));
  PetscCall(FenGridMove(grid->layout, grid->weights, *slabs, weights));
  PetscFunctionReturn(0);
}

/* blocks on the grid of ranks that a source asks for */
static PetscErrorCode FenGridBlocks(const FenMeasureSource *source, MPI_Comm comm, PetscInt dim, const FenInt shape[],
                                    FenLayout *blocks)
{
  FenInt      product = 1;
  PetscMPIInt size;

  PetscFunctionBegin;
  if (!source->nranks) {
    PetscCall(FenLayoutCreateBlocks(comm, dim, shape, blocks));
    PetscFunctionReturn(0);
  }
  PetscCallMPI(MPI_Comm_size(comm, &size));
  FEN_CHECK(source->nranks == dim, comm, FEN_ERR_OPTION, "ranks along %d axes of a grid that has %d",
            (int)source->nranks, (int)dim);
  for (PetscInt k = 0; k < dim; k++) {
    product *= PetscMax(0, source->ranks[k]);
    FEN_CHECK(product > 0 && product <= size, comm, FEN_ERR_OPTION,
              "%d ranks along axis %d of a grid; rule: positive, and in all no more than the %d that there are",
              source->ranks[k], (int)k, size);
  }
  PetscCall(FenLayoutCreateGrid(comm, dim, shape, source->ranks, blocks));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridToBlocks_Private(const FenMeasureSource *source, FenLayout *layout, double *values[])
{
  FenInt    shape[FEN_MAX_DIM];
  PetscInt  dim;
  FenLayout blocks;
  double   *moved;
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(*layout, shape));
  PetscCall(FenLayoutGetDim(*layout, &dim));
  PetscCall(FenGridBlocks(source, PetscObjectComm((PetscObject)*layout), dim, shape, &blocks));
  PetscCall(FenLayoutIsSame(*layout, blocks, &same));
  if (same) {
    PetscCall(FenLayoutDestroy(&blocks));
    PetscFunctionReturn(0);
  }
  PetscCall(FenGridMove(*layout, *values, blocks, &moved));
  PetscCall(PetscFree(*values));
  PetscCall(FenLayoutDestroy(layout));
  *layout = blocks;
  *values = moved;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureToPoints - Makes the cloud of the points of a grid.

  Collective

  Input Parameter:
. grid - a measure on a grid

  Output Parameter:
. points - measure with the same points, weights, name and mass; point i of the cloud is entry i of the grid, row by row

  Note:
  A grid with all ranks along axis 0 keeps every entry on its rank, otherwise entries move so that ranks own consecutive
  ones.

  Errors:
  `FEN_ERR_USAGE` if the measure is not on a grid.

  Level: intermediate

.seealso: `FenMeasureGetPoints()`, `FenMeasureGetGrid()`
@*/
PetscErrorCode FenMeasureToPoints(FenMeasure grid, FenMeasure *points)
{
  FenLayout slabs;
  FenInt    local;
  double   *weights, *coordinates;

  PetscFunctionBegin;
  FEN_CHECK(grid->kind == FEN_MEASURE_GRID, PetscObjectComm((PetscObject)grid), FEN_ERR_USAGE,
            "this measure is made of points already");
  PetscCall(FenGridToSlabs(grid, &slabs, &weights));
  PetscCall(FenGridMakePoints(grid, slabs, &coordinates));
  PetscCall(FenLayoutGetLocalSize(slabs, &local));
  PetscCall(FenMeasureCreatePoints(PetscObjectComm((PetscObject)grid), local, grid->dim, coordinates, weights, points));
  PetscCall(FenMeasureSetName(*points, grid->name));
  (*points)->dataset = grid->dataset;
  (*points)->mass = grid->mass;
  (*points)->any_mass = grid->any_mass;
  (*points)->balanced = grid->balanced;
  PetscCall(PetscFree(weights));
  PetscCall(PetscFree(coordinates));
  PetscCall(FenLayoutDestroy(&slabs));
  PetscFunctionReturn(0);
}

/* of my points; untouched if I have none */
static void FenPointsBox(PetscInt dim, FenInt n, const double points[], double lo[], double hi[])
{
  for (FenInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < dim; k++) {
      lo[k] = PetscMin(lo[k], points[i * dim + k]);
      hi[k] = PetscMax(hi[k], points[i * dim + k]);
    }
}

static PetscErrorCode FenGridBox(FenMeasure m, double lo[], double hi[])
{
  FenInt shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(m->layout, shape));
  for (PetscInt k = 0; k < m->dim; k++) {
    lo[k] = m->origin[k];
    hi[k] = m->origin[k] + (double)(shape[k] - 1) * m->spacing[k];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMeasureBoundingBox_Private(FenMeasure m, double lo[], double hi[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)m);
  FenInt         local;
  PetscMPIInt    dim;

  PetscFunctionBegin;
  if (m->kind == FEN_MEASURE_GRID) {
    PetscCall(FenGridBox(m, lo, hi));
    PetscFunctionReturn(0);
  }
  PetscCall(FenMPIIntCast(m->dim, &dim));
  for (PetscInt k = 0; k < m->dim; k++) {
    lo[k] = PETSC_MAX_REAL;
    hi[k] = PETSC_MIN_REAL;
  }
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  FenPointsBox(m->dim, local, m->points, lo, hi);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, lo, dim, MPI_DOUBLE, MPI_MIN, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, hi, dim, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}
