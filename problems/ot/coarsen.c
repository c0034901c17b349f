/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Levels of grid measures: a grid with half the points along each axis, and functions carried back from it.

   A coarse pixel is a block of two pixels along each halved axis (one at the end of an odd axis); its weight is their
   sum and its centre the middle of a full block. Axis by axis: the array moves to pencils along the axis, whose lines
   are whole, so that every rank works on its own lines and none sees the whole grid. One redistribution an axis and one
   at the end, O(points/ranks) work and memory.
*/
#include "measureimpl.h"

/* `n` numbers of a line become `m` */
typedef void (*FenLineMap)(FenInt n, const double in[], FenInt m, double out[]);

static void FenLineSums(FenInt n, const double in[], FenInt m, double out[])
{
  for (FenInt i = 0; i < m; i++)
    out[i] = in[2 * i] + (2 * i + 1 < n ? in[2 * i + 1] : 0);
}

/* values on a line, continued linearly at both ends */
static inline double FenLineValue(FenInt n, const double v[], FenInt i)
{
  if (i < 0)
    return v[0] + (double)-i * (v[0] - v[1]);
  if (i >= n)
    return v[n - 1] + (double)(i - n + 1) * (v[n - 1] - v[n - 2]);
  return v[i];
}

/* cubic interpolation at the middles of the halves of each block */
static void FenLineCubic(FenInt n, const double in[], FenInt m, double out[])
{
  for (FenInt k = 0; k < m; k++) {
    const FenInt i = k / 2, s = k % 2 ? 1 : -1;

    if (n < 2)
      out[k] = in[0];
    else if (n < 4)
      out[k] = 0.75 * in[i] + 0.25 * FenLineValue(n, in, i + s);
    else
      out[k] = (105 * in[i] - 7 * FenLineValue(n, in, i - s) + 35 * FenLineValue(n, in, i + s) -
                5 * FenLineValue(n, in, i + 2 * s)) /
               128;
  }
}

static PetscErrorCode FenMove(FenRedist r, const double *from, double *to)
{
  PetscFunctionBegin;
  PetscCall(FenRedistBegin(r, from, to));
  PetscCall(FenRedistEnd(r, from, to));
  PetscFunctionReturn(0);
}

/* pencils along an axis of a grid of the given shape, cut over all ranks */
static PetscErrorCode FenPencilOf(MPI_Comm comm, PetscInt dim, const FenInt shape[], PetscInt axis, FenLayout *pencil,
                                  FenInt *local)
{
  FenLayout whole;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateGrid(comm, dim, shape, NULL, &whole));
  PetscCall(FenLayoutCreatePencil(whole, axis, pencil));
  PetscCall(FenLayoutDestroy(&whole));
  PetscCall(FenLayoutGetLocalSize(*pencil, local));
  PetscFunctionReturn(0);
}

/* one axis: *array, on *layout, is replaced by the array after the map, on pencils along the axis */
static PetscErrorCode FenMapAxis(PetscInt dim, FenInt shape[], PetscInt axis, FenInt length, FenLineMap map,
                                 FenLayout *layout, double *array[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)*layout);
  const FenInt   n = shape[axis];
  FenInt         nin, nout;
  FenLayout      before, after;
  FenRedist      move;
  double        *in, *out;
  size_t         bytes[2];

  PetscFunctionBegin;
  PetscCall(FenPencilOf(comm, dim, shape, axis, &before, &nin));
  shape[axis] = length;
  PetscCall(FenPencilOf(comm, dim, shape, axis, &after, &nout));
  FEN_CHECK(nin / n == nout / length, PETSC_COMM_SELF, FEN_ERR_INTERNAL,
            "pencils along axis %d are cut differently before and after", (int)axis);
  PetscCall(FenBytes(nin, sizeof(double), &bytes[0]));
  PetscCall(FenBytes(nout, sizeof(double), &bytes[1]));
  PetscCall(PetscMalloc(bytes[0], &in));
  PetscCall(PetscMalloc(bytes[1], &out));
  PetscCall(FenRedistCreate(*layout, before, &move));
  PetscCall(FenMove(move, *array, in));
  PetscCall(FenRedistDestroy(&move));
  for (FenInt l = 0; l < nin / n; l++)
    map(n, in + l * n, length, out + l * length);
  PetscCall(PetscFree(in));
  PetscCall(PetscFree(*array));
  PetscCall(FenLayoutDestroy(layout));
  PetscCall(FenLayoutDestroy(&before));
  *layout = after;
  *array = out;
  PetscFunctionReturn(0);
}

/* all axes whose length differs, the last first */
static PetscErrorCode FenMapGrid(FenLayout from, FenLayout to, FenLineMap map, const double in[], double out[])
{
  FenInt    shape[FEN_MAX_DIM], goal[FEN_MAX_DIM], local;
  FenLayout layout = from;
  FenRedist move;
  PetscInt  dim;
  double   *array;
  size_t    bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(from, &dim));
  PetscCall(FenLayoutGetShape(from, shape));
  PetscCall(FenLayoutGetShape(to, goal));
  PetscCall(FenLayoutGetLocalSize(from, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &array));
  PetscCall(PetscArraycpy(array, in, local));
  PetscCall(PetscObjectReference((PetscObject)from));
  for (PetscInt axis = dim - 1; axis >= 0; axis--)
    if (shape[axis] != goal[axis])
      PetscCall(FenMapAxis(dim, shape, axis, goal[axis], map, &layout, &array));
  PetscCall(FenRedistCreate(layout, to, &move));
  PetscCall(FenMove(move, array, out));
  PetscCall(FenRedistDestroy(&move));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscFree(array));
  PetscFunctionReturn(0);
}

#define ROWS   8    /* of a coarse grid that a rank has at least, and points, */
#define POINTS 8192 /* if the other is less */

/* A coarse grid is cut over fewer ranks than a fine one where their parts would be so small that messages take longer
   than the work that they save */
static PetscErrorCode FenFewerRanks(FenLayout fine, PetscInt dim, const FenInt shape[], PetscMPIInt ranks[])
{
  FenInt      size = 1, most;
  PetscMPIInt used;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRanks(fine, NULL, &used));
  for (PetscInt k = 0; k < dim; k++)
    size *= shape[k];
  most = PetscMax(1, PetscMax(shape[0] / ROWS, size / POINTS));
  ranks[0] = (PetscMPIInt)PetscMin(most, used);
  ranks[1] = ranks[2] = 1;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureCoarsen - Makes the measure of blocks of two pixels along each axis of a grid.

  Collective

  Input Parameters:
+ fine  - a measure on a grid
- least - axes with fewer than twice as many points stay as they are; at least 1

  Output Parameter:
. coarse - on a grid of twice the spacing along the halved axes, cut along axis 0 over the ranks of the fine one,
           fewer where parts would be small; NULL if no axis is halved

  Notes:
  Weights are sums over blocks, so that mass is kept and a pixel is empty only if all of its block are. A point of the
  coarse grid is the middle of a full block; the last block of an axis of odd length has one pixel, half a spacing
  away from it.

  Errors:
  `FEN_ERR_USAGE` for a measure on points.

  Level: developer

.seealso: `FenMeasureInterpolate()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureCoarsen(FenMeasure fine, FenInt least, FenMeasure *coarse)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)fine);
  FenInt         shape[FEN_MAX_DIM], local;
  double         spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM], *weights;
  PetscBool      halved = PETSC_FALSE;
  PetscMPIInt    ranks[FEN_MAX_DIM];
  FenLayout      layout;
  size_t         bytes;

  PetscFunctionBegin;
  *coarse = NULL;
  PetscCall(FenMeasureGetGrid(fine, shape, spacing, origin));
  for (PetscInt k = 0; k < fine->dim; k++)
    if (shape[k] >= 2 * PetscMax(least, 1)) {
      shape[k] = (shape[k] + 1) / 2;
      origin[k] += spacing[k] / 2;
      spacing[k] *= 2;
      halved = PETSC_TRUE;
    }
  if (!halved)
    PetscFunctionReturn(0);
  PetscCall(FenFewerRanks(fine->layout, fine->dim, shape, ranks));
  PetscCall(FenLayoutCreateGrid(comm, fine->dim, shape, ranks, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &weights));
  PetscCall(FenMapGrid(fine->layout, layout, FenLineSums, fine->weights, weights));
  PetscCall(FenMeasureCreateGrid(layout, weights, spacing, origin, coarse));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscFree(weights));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureInterpolate - Carries a function from the points of a coarse grid to those of the grid it was made of.

  Collective

  Input Parameters:
+ coarse - made by `FenMeasureCoarsen()`
. fine   - what it was made of
- v      - values on the coarse layout

  Output Parameter:
. out - values on the fine layout; cubic along each axis, exact for polynomials of degree three away from the ends

  Level: developer

.seealso: `FenMeasureCoarsen()`
@*/
PetscErrorCode FenMeasureInterpolate(FenMeasure coarse, FenMeasure fine, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(FenMapGrid(coarse->layout, fine->layout, FenLineCubic, v, out));
  PetscFunctionReturn(0);
}
