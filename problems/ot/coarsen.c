/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Levels of grid measures: a grid with half the points along some axes, and functions carried back from it.

   A coarse pixel is a block of two pixels along each halved axis (one at the end of an odd axis); its weight is their
   sum and its centre the middle of a full block. A rank gets what its part of the result is made of from its owners,
   neighbours where both grids are on the same ranks, and works axis by axis, the last one first. O(points/ranks) work
   and memory.
*/
#include "measureimpl.h"

#define TERMS 4

/* a number of a line as a sum of others */
typedef struct {
  int    n;
  FenInt from[TERMS];
  double weight[TERMS];
} FenTerms;

/* number k of a line that is made from one of n numbers */
typedef FenTerms (*FenLineMap)(FenInt k, FenInt n);

/* numbers of the line that [*lo, *hi) of it are made from */
typedef void (*FenLineReach)(FenInt n, FenInt *lo, FenInt *hi);

static FenTerms FenLineSums(FenInt k, FenInt n)
{
  return (FenTerms){2 * k + 1 < n ? 2 : 1, {2 * k, 2 * k + 1}, {1, 1}};
}

static void FenSumsReach(FenInt n, FenInt *lo, FenInt *hi)
{
  *lo = 2 * *lo;
  *hi = PetscMin(n, 2 * *hi);
}

static void FenTermsAdd(FenTerms *T, FenInt i, double weight)
{
  int k = 0;

  while (k < T->n && T->from[k] != i)
    k++;
  if (k == T->n)
    T->n++;
  T->from[k] = i;
  T->weight[k] += weight;
}

/* the same with lines continued linearly at both ends */
static void FenTermsAddBeyond(FenTerms *T, FenInt n, FenInt i, double weight)
{
  const FenInt end = i < 0 ? 0 : n - 1, next = i < 0 ? 1 : n - 2;
  const double beyond = (double)(i < 0 ? -i : i - n + 1);

  if (i >= 0 && i < n) {
    FenTermsAdd(T, i, weight);
    return;
  }
  FenTermsAdd(T, end, weight * (1 + beyond));
  FenTermsAdd(T, next, -weight * beyond);
}

/* cubic interpolation at the middles of the halves of each block */
static FenTerms FenLineCubic(FenInt k, FenInt n)
{
  const FenInt i = k / 2, s = k % 2 ? 1 : -1;
  FenTerms     T = {0, {0}, {0}};

  if (n < 2)
    FenTermsAdd(&T, 0, 1);
  else if (n < 4) {
    FenTermsAdd(&T, i, 0.75);
    FenTermsAddBeyond(&T, n, i + s, 0.25);
  } else {
    FenTermsAdd(&T, i, 105. / 128);
    FenTermsAddBeyond(&T, n, i - s, -7. / 128);
    FenTermsAddBeyond(&T, n, i + s, 35. / 128);
    FenTermsAddBeyond(&T, n, i + 2 * s, -5. / 128);
  }
  return T;
}

static void FenCubicReach(FenInt n, FenInt *lo, FenInt *hi)
{
  *lo = PetscMax(0, *lo / 2 - 2);
  *hi = PetscMin(n, (*hi + 1) / 2 + 2);
}

static FenTerms FenLineBlocks(FenInt k, FenInt n)
{
  (void)n;
  return (FenTerms){1, {k / 2}, {1}};
}

static void FenBlocksReach(FenInt n, FenInt *lo, FenInt *hi)
{
  *lo = *lo / 2;
  *hi = PetscMin(n, (*hi + 1) / 2);
}

static FenInt FenLength(const FenBox *b, PetscInt axis)
{
  return b->hi[axis] - b->lo[axis];
}

/* one axis of an array on the box `from`: its range becomes that of `to`, made from lines of n numbers */
static PetscErrorCode FenMapAxis(FenBox *from, const FenBox *to, PetscInt axis, FenInt n, FenLineMap map,
                                 double *array[])
{
  FenInt    outer = 1, inner = 1;
  size_t    bytes;
  double   *out;
  FenTerms *terms;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    if (k < axis)
      outer *= FenLength(from, k);
    else if (k > axis)
      inner *= FenLength(from, k);
  PetscCall(FenBytes(outer * FenLength(to, axis) * inner, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &out));
  PetscCall(PetscMalloc1((size_t)FenLength(to, axis), &terms));
  for (FenInt k = 0; k < FenLength(to, axis); k++)
    terms[k] = map(to->lo[axis] + k, n);
  for (FenInt o = 0; o < outer; o++)
    for (FenInt k = 0; k < FenLength(to, axis); k++) {
      const FenTerms *T = &terms[k];
      double         *row = out + (o * FenLength(to, axis) + k) * inner;

      for (int t = 0; t < T->n; t++) {
        const double *v = *array + (o * FenLength(from, axis) + T->from[t] - from->lo[axis]) * inner;

        for (FenInt q = 0; q < inner; q++)
          row[q] = (t ? row[q] : 0) + T->weight[t] * v[q];
      }
    }
  PetscCall(PetscFree(terms));
  PetscCall(PetscFree(*array));
  *array = out;
  from->lo[axis] = to->lo[axis];
  from->hi[axis] = to->hi[axis];
  PetscFunctionReturn(0);
}

/* all axes whose length differs, the last first */
static PetscErrorCode FenMapGrid(FenLayout from, FenLayout to, FenLineMap map, FenLineReach reach, const double in[],
                                 double out[])
{
  const PetscInt natural[FEN_MAX_DIM] = {0, 1, 2};
  FenInt         shape[FEN_MAX_DIM], goal[FEN_MAX_DIM], local;
  FenBox         mine, box;
  double        *array;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(from, shape));
  PetscCall(FenLayoutGetShape(to, goal));
  PetscCall(FenLayoutGetBox(to, -1, &mine));
  PetscCall(FenLayoutGetLocalSize(to, &local));
  box = mine;
  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    if (!local)
      box.hi[k] = box.lo[k] = 0;
    else if (shape[k] != goal[k])
      reach(shape[k], &box.lo[k], &box.hi[k]);
  PetscCall(FenBytes(FenLength(&box, 0) * FenLength(&box, 1) * FenLength(&box, 2), sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &array));
  PetscCall(FenLayoutFetch(from, &box, natural, in, array));
  for (PetscInt axis = FEN_MAX_DIM - 1; local && axis >= 0; axis--)
    if (shape[axis] != goal[axis])
      PetscCall(FenMapAxis(&box, &mine, axis, shape[axis], map, &array));
  PetscCall(PetscArraycpy(out, array, local));
  PetscCall(PetscFree(array));
  PetscFunctionReturn(0);
}

#define ROWS   8    /* of a coarse grid in slabs that a rank would have at least, and points, */
#define POINTS 8192 /* if the other is less */

/* A coarse grid is cut over fewer ranks than a fine one where their parts would be so small that messages take longer
   than the work that they save. Blocks stay blocks, of twice as many points along an axis */
static PetscErrorCode FenFewerRanks(FenLayout fine, PetscInt dim, const FenInt shape[], PetscMPIInt ranks[])
{
  FenInt      size = 1, most;
  PetscMPIInt used;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRanks(fine, ranks, &used));
  for (PetscInt k = 0; k < dim; k++)
    size *= shape[k];
  most = PetscMin(used, PetscMax(1, PetscMax(shape[0] / ROWS, size / POINTS)));
  if (ranks[0] == used)
    ranks[0] = (PetscMPIInt)most;
  while ((FenInt)ranks[0] * ranks[1] * ranks[2] > most) {
    PetscInt k = 0;

    for (PetscInt j = 1; j < dim; j++)
      k = ranks[j] > ranks[k] ? j : k;
    ranks[k] = (ranks[k] + 1) / 2;
  }
  PetscFunctionReturn(0);
}

/*@
  FenMeasureCoarsen - Makes the measure of blocks of two pixels along axes of a grid.

  Collective

  Input Parameters:
+ fine   - a measure on a grid
- halved - for each axis, is it halved? The same on all ranks

  Output Parameter:
. coarse - on a grid of twice the spacing along the halved axes, cut into slabs, or blocks, as the fine one is, over
           its ranks or fewer where parts would be small; the fine one itself if no axis is halved

  Notes:
  Weights are sums over blocks, so that mass is kept and a pixel is empty only if all of its block are. A point of the
  coarse grid is the middle of a full block; the last block of an axis of odd length has one pixel, half a spacing
  away from it.

  Errors:
  `FEN_ERR_USAGE` for a measure on points.

  Level: developer

.seealso: `FenMeasureInterpolate()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureCoarsen(FenMeasure fine, const PetscBool halved[], FenMeasure *coarse)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)fine);
  FenInt         shape[FEN_MAX_DIM], local;
  double         spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM], *weights;
  PetscBool      any = PETSC_FALSE;
  PetscMPIInt    ranks[FEN_MAX_DIM];
  FenLayout      layout;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetGrid(fine, shape, spacing, origin));
  for (PetscInt k = 0; k < fine->dim; k++)
    if (halved[k]) {
      shape[k] = (shape[k] + 1) / 2;
      origin[k] += spacing[k] / 2;
      spacing[k] *= 2;
      any = PETSC_TRUE;
    }
  if (!any) {
    PetscCall(PetscObjectReference((PetscObject)fine));
    *coarse = fine;
    PetscFunctionReturn(0);
  }
  PetscCall(FenFewerRanks(fine->layout, fine->dim, shape, ranks));
  PetscCall(FenLayoutCreateGrid(comm, fine->dim, shape, ranks, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &weights));
  PetscCall(FenMapGrid(fine->layout, layout, FenLineSums, FenSumsReach, fine->weights, weights));
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
  PetscCall(FenMapGrid(coarse->layout, fine->layout, FenLineCubic, FenCubicReach, v, out));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureSumBlocks - Sums a function over the blocks of pixels that the points of a coarse grid stand for.

  Collective

  Input Parameters:
+ fine   - a measure on a grid
. coarse - made of it by `FenMeasureCoarsen()`
- v      - values on the fine layout

  Output Parameter:
. out - sums on the coarse layout

  Level: developer

.seealso: `FenMeasureSpreadBlocks()`
@*/
PetscErrorCode FenMeasureSumBlocks(FenMeasure fine, FenMeasure coarse, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(FenMapGrid(fine->layout, coarse->layout, FenLineSums, FenSumsReach, v, out));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureSpreadBlocks - Gives each pixel what its block has: the transpose of `FenMeasureSumBlocks()`.

  Collective

  Input Parameters:
+ coarse - made by `FenMeasureCoarsen()`
. fine   - what it was made of
- v      - values on the coarse layout

  Output Parameter:
. out - values on the fine layout

  Level: developer

.seealso: `FenMeasureSumBlocks()`, `FenMeasureInterpolate()`
@*/
PetscErrorCode FenMeasureSpreadBlocks(FenMeasure coarse, FenMeasure fine, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(FenMapGrid(coarse->layout, fine->layout, FenLineBlocks, FenBlocksReach, v, out));
  PetscFunctionReturn(0);
}
