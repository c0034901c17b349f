/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Measures made from formulas: instances with known answers that are the same on any number of ranks.
*/
#include "measureimpl.h"
#include <math.h>

/* coordinate k of point i comes from counter i*dim + k */
enum { FEN_STREAM_GAUSSIAN = 0, FEN_STREAM_UNIFORM = 1 };

static PetscErrorCode FenGaussianCheck(MPI_Comm comm, PetscInt dim, const double mean[], const double stddev[],
                                       double least)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < dim; k++) {
    FEN_CHECK(!mean || isfinite(mean[k]), comm, FEN_ERR_VALUE, "mean %d of a Gaussian is %g; rule: means are finite",
              (int)k, mean[k]);
    FEN_CHECK(!stddev || (isfinite(stddev[k]) && stddev[k] >= least), comm, FEN_ERR_VALUE,
              "standard deviation %d of a Gaussian is %g; rule: finite and not below %g", (int)k, stddev[k], least);
  }
  PetscFunctionReturn(0);
}

/* layout, and room for my coordinates */
static PetscErrorCode FenSampleBegin(MPI_Comm comm, FenInt n, PetscInt dim, FenLayout *layout, double *points[],
                                     FenInt *first, FenInt *total)
{
  FenInt end, product;
  size_t bytes;

  PetscFunctionBegin;
  FEN_CHECK(n >= 1 && dim >= 1, comm, FEN_ERR_SHAPE, "%" FENINT_FMT " points in dimension %d: both must be positive", n,
            (int)dim);
  PetscCall(FenIntMult(n, dim, &product));
  PetscCall(FenLayoutCreateRows(comm, n, layout));
  PetscCall(FenLayoutGetRange(*layout, first, &end));
  *total = (end - *first) * dim;
  *first *= dim;
  PetscCall(FenBytes(*total, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, points));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenSampleEnd(PetscInt dim, FenLayout *layout, double *points[], const char name[],
                                   FenMeasure *measure)
{
  PetscFunctionBegin;
  PetscCall(FenMeasureCreatePoints_Private(*layout, dim, *points, NULL, name, measure));
  PetscCall(FenLayoutDestroy(layout));
  PetscCall(PetscFree(*points));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureGenerateGaussian - Draws points from a Gaussian with independent coordinates.

  Collective

  Input Parameters:
+ comm   - the ranks
. n      - number of points, the same on all ranks as all that follows
. dim    - dimension
. mean   - dim means; NULL: 0
. stddev - dim standard deviations, 0 or more; NULL: 1
- seed   - seed; the points depend on it and not on the number of ranks

  Output Parameter:
. measure - n points of weight 1/n

  Errors:
  `FEN_ERR_SHAPE`, `FEN_ERR_VALUE` for numbers out of range.

  Level: intermediate

.seealso: `FenMeasureGenerateGaussianGrid()`, `FenMeasureGenerateUniform()`, `FenRandomNormal()`
@*/
PetscErrorCode FenMeasureGenerateGaussian(MPI_Comm comm, FenInt n, PetscInt dim, const double mean[],
                                          const double stddev[], uint64_t seed, FenMeasure *measure)
{
  FenLayout layout;
  FenInt    first, total;
  double   *points;

  PetscFunctionBegin;
  PetscCall(FenGaussianCheck(comm, dim, mean, stddev, 0));
  PetscCall(FenSampleBegin(comm, n, dim, &layout, &points, &first, &total));
  for (FenInt j = 0; j < total; j++) {
    const FenInt k = j % dim;
    const double z = FenRandomNormal(seed, (uint64_t)(first + j), FEN_STREAM_GAUSSIAN);

    points[j] = (mean ? mean[k] : 0) + (stddev ? stddev[k] : 1) * z;
  }
  PetscCall(FenSampleEnd(dim, &layout, &points, "Gaussian sample", measure));
  PetscFunctionReturn(0);
}

/*@
  FenMeasureGenerateUniform - Draws points uniformly from the unit cube.

  Collective

  Input Parameters:
+ comm - the ranks
. n    - number of points, the same on all ranks as all that follows
. dim  - dimension
- seed - seed; the points depend on it and not on the number of ranks

  Output Parameter:
. measure - n points of weight 1/n, coordinates strictly between 0 and 1

  Errors:
  `FEN_ERR_SHAPE` for numbers that are not positive.

  Level: intermediate

.seealso: `FenMeasureGenerateGaussian()`, `FenRandomUniform()`
@*/
PetscErrorCode FenMeasureGenerateUniform(MPI_Comm comm, FenInt n, PetscInt dim, uint64_t seed, FenMeasure *measure)
{
  FenLayout layout;
  FenInt    first, total;
  double   *points;

  PetscFunctionBegin;
  PetscCall(FenSampleBegin(comm, n, dim, &layout, &points, &first, &total));
  for (FenInt j = 0; j < total; j++)
    points[j] = FenRandomUniform(seed, (uint64_t)(first + j), FEN_STREAM_UNIFORM);
  PetscCall(FenSampleEnd(dim, &layout, &points, "uniform sample", measure));
  PetscFunctionReturn(0);
}

/* density along one axis, its largest value is one: a grid far away from the mean does not vanish */
static void FenGaussianAxis(FenInt n, double spacing, double origin, double mean, double stddev, double factor[])
{
  double largest = PETSC_MIN_REAL;

  for (FenInt i = 0; i < n; i++) {
    const double z = (origin + (double)i * spacing - mean) / stddev;

    factor[i] = -z * z / 2;
    largest = PetscMax(largest, factor[i]);
  }
  for (FenInt i = 0; i < n; i++)
    factor[i] = exp(factor[i] - largest);
}

static void FenGaussianBox(const FenBox *box, const double *const factor[FEN_MAX_DIM], double weights[])
{
  FenInt n = 0;

  for (FenInt i = box->lo[0]; i < box->hi[0]; i++)
    for (FenInt j = box->lo[1]; j < box->hi[1]; j++)
      for (FenInt k = box->lo[2]; k < box->hi[2]; k++)
        weights[n++] = factor[0][i] * factor[1][j] * factor[2][k];
}

/* my weights of a Gaussian, not normalised */
static PetscErrorCode FenGaussianWeights(FenLayout layout, PetscInt dim, const FenInt shape[], const double spacing[],
                                         const double origin[], const double mean[], const double stddev[],
                                         double *weights[])
{
  const double one = 1, *factor[FEN_MAX_DIM] = {&one, &one, &one};
  double      *axis[FEN_MAX_DIM] = {NULL, NULL, NULL};
  FenBox       box;
  FenInt       local;
  size_t       bytes;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < dim; k++) {
    PetscCall(FenBytes(shape[k], sizeof(double), &bytes));
    PetscCall(PetscMalloc(bytes, &axis[k]));
    FenGaussianAxis(shape[k], spacing ? spacing[k] : 1, origin ? origin[k] : 0, mean ? mean[k] : 0,
                    stddev ? stddev[k] : 1, axis[k]);
    factor[k] = axis[k];
  }
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, weights));
  FenGaussianBox(&box, factor, *weights);
  for (PetscInt k = 0; k < dim; k++)
    PetscCall(PetscFree(axis[k]));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureGenerateGaussianGrid - Makes a Gaussian density with independent coordinates on a grid.

  Collective

  Input Parameters:
+ comm    - the ranks
. dim     - number of axes, 1 to 3, the same on all ranks as all that follows
. shape   - points along each axis
. spacing - distance between neighbours along each axis; NULL: 1
. origin  - coordinates of the first point; NULL: 0
. mean    - dim means; NULL: 0
- stddev  - dim standard deviations, positive; NULL: 1

  Output Parameter:
. measure - weights proportional to the density at the points, of mass one, cut as `FenLayoutCreateBlocks()` does

  Errors:
  `FEN_ERR_SHAPE`, `FEN_ERR_VALUE` for numbers out of range.

  Level: intermediate

.seealso: `FenMeasureGenerateGaussian()`, `FenMeasureCreateGrid()`
@*/
PetscErrorCode FenMeasureGenerateGaussianGrid(MPI_Comm comm, PetscInt dim, const FenInt shape[], const double spacing[],
                                              const double origin[], const double mean[], const double stddev[],
                                              FenMeasure *measure)
{
  FenLayout      layout;
  double        *weights;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenGaussianCheck(comm, dim, mean, stddev, 1e-100));
  for (PetscInt k = 0; k < dim && k < FEN_MAX_DIM; k++)
    FEN_CHECK(shape[k] > 0, comm, FEN_ERR_SHAPE, "grid axis %d has %" FENINT_FMT " points: must be positive", (int)k,
              shape[k]);
  PetscCall(FenLayoutCreateBlocks(comm, dim, shape, &layout));
  PetscCall(FenGaussianWeights(layout, dim, shape, spacing, origin, mean, stddev, &weights));
  code = FenMeasureCreateGrid(layout, weights, spacing, origin, measure);
  PetscCall(PetscFree(weights));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(code);
  PetscCall(FenMeasureSetName(*measure, "Gaussian density"));
  PetscCall(FenMeasureNormalize_Private(*measure));
  PetscFunctionReturn(0);
}
