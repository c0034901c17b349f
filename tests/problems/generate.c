/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Generators: moments are those asked for, instances do not depend on the number of ranks. Grids and clouds:
   coordinates, the cloud of a grid on any cut, what a measure says about itself.
*/
#include <fenchelmeasure.h>
#include "fentest.h"
#include <petscviewer.h>
#include <stdlib.h>

static int rank, size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

/* collective; also destroys the second */
static int SameFingerprint(FenMeasure a, FenMeasure *b)
{
  FenFingerprint f, g;

  FEN_OK(FenMeasureFingerprint(a, &f));
  FEN_OK(FenMeasureFingerprint(*b, &g));
  FEN_OK(FenMeasureDestroy(b));
  return !memcmp(&f, &g, sizeof(f));
}

/* weighted mean and second moment of coordinates k and l about their means */
static void Moments(FenMeasure m, PetscInt k, PetscInt l, double *mean, double *covariance)
{
  const double *x, *w;
  FenInt        n;
  PetscInt      dim;
  double        sum[3] = {0, 0, 0};

  FEN_OK(FenMeasureGetDim(m, &dim));
  FEN_OK(FenMeasureGetSize(m, NULL, &n));
  FEN_OK(FenMeasureGetPoints(m, &x));
  FEN_OK(FenMeasureGetWeights(m, &w));
  for (FenInt i = 0; i < n; i++) {
    sum[0] += w[i] * x[i * dim + k];
    sum[1] += w[i] * x[i * dim + l];
    sum[2] += w[i] * x[i * dim + k] * x[i * dim + l];
  }
  MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  *mean = sum[0];
  *covariance = sum[2] - sum[0] * sum[1];
}

static void TestGaussian(void **state)
{
  const FenInt n = 40000;
  const double mean[3] = {1, -2, 0.5}, stddev[3] = {0.5, 2, 1}, five = 5 / sqrt(40000.);
  FenMeasure   m, again;

  (void)state;
  FEN_OK(FenMeasureGenerateGaussian(MPI_COMM_WORLD, n, 3, mean, stddev, 42, &m));
  for (PetscInt k = 0; k < 3; k++)
    for (PetscInt l = 0; l < 3; l++) {
      double mu, covariance;

      Moments(m, k, l, &mu, &covariance);
      FEN_ASSERT_NEAR(mu, mean[k], five * stddev[k]);
      FEN_ASSERT_NEAR(covariance, k == l ? stddev[k] * stddev[k] : 0, 2 * five * stddev[k] * stddev[l]);
    }
  FEN_OK(FenMeasureGenerateGaussian(PETSC_COMM_SELF, n, 3, mean, stddev, 42, &again));
  assert_true(SameFingerprint(m, &again));
  FEN_OK(FenMeasureGenerateGaussian(MPI_COMM_WORLD, n, 3, mean, stddev, 43, &again));
  assert_false(SameFingerprint(m, &again));
  FEN_OK(FenMeasureDestroy(&m));
}

static void TestUniform(void **state)
{
  const FenInt  n = 40000;
  FenMeasure    m, again;
  FenInt        local;
  const double *x;
  int           inside = 1;

  (void)state;
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, n, 2, 7, &m));
  FEN_OK(FenMeasureGetSize(m, NULL, &local));
  FEN_OK(FenMeasureGetPoints(m, &x));
  for (FenInt i = 0; i < 2 * local; i++)
    inside = inside && x[i] > 0 && x[i] < 1;
  FEN_ASSERT_ALL(inside);
  for (PetscInt k = 0; k < 2; k++) {
    double mu, covariance;

    Moments(m, k, k, &mu, &covariance);
    FEN_ASSERT_NEAR(mu, 0.5, 0.01);
    FEN_ASSERT_NEAR(covariance, 1. / 12, 0.005);
    Moments(m, k, 1 - k, &mu, &covariance);
    FEN_ASSERT_NEAR(covariance, 0, 0.005);
  }
  FEN_OK(FenMeasureGenerateUniform(PETSC_COMM_SELF, n, 2, 7, &again));
  assert_true(SameFingerprint(m, &again));
  FEN_OK(FenMeasureDestroy(&m));
}

/* sums over a fine grid are the integrals to many digits */
static void TestGaussianGrid(void **state)
{
  const FenInt shape[3] = {90, 64, 50};
  const double spacing[3] = {0.25, 0.5, 1}, origin[3] = {-11, -16, 3}, mean[3] = {0.25, 0, 27}, dev[3] = {1, 1.5, 2.5};

  (void)state;
  for (PetscInt dim = 1; dim <= 3; dim++) {
    FenMeasure    m, again;
    FenInt        n;
    const double *w;
    double        sum;

    FEN_OK(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, dim, shape, spacing, origin, mean, dev, &m));
    FEN_OK(FenMeasureGetSize(m, NULL, &n));
    FEN_OK(FenMeasureGetWeights(m, &w));
    FEN_OK(FenSum(MPI_COMM_WORLD, n, w, &sum));
    assert_true(sum == 1);
    for (PetscInt k = 0; k < dim; k++) {
      double mu, covariance;

      Moments(m, k, k, &mu, &covariance);
      FEN_ASSERT_NEAR(mu, mean[k], 1e-10);
      FEN_ASSERT_NEAR(covariance, dev[k] * dev[k], 1e-10);
    }
    FEN_OK(FenMeasureGenerateGaussianGrid(PETSC_COMM_SELF, dim, shape, spacing, origin, mean, dev, &again));
    assert_true(SameFingerprint(m, &again));
    FEN_OK(FenMeasureDestroy(&m));
  }
}

/* hundreds of deviations away nothing underflows: the nearest point has nearly all */
static void TestFarGaussian(void **state)
{
  const FenInt  n = 16;
  const double  mean = 1000, stddev = 1;
  FenMeasure    m;
  FenInt        local;
  const double *w;

  (void)state;
  FEN_OK(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, 1, &n, NULL, NULL, &mean, &stddev, &m));
  FEN_OK(FenMeasureGetSize(m, NULL, &local));
  FEN_OK(FenMeasureGetWeights(m, &w));
  FEN_ASSERT_ALL(rank < size - 1 || fabs(w[local - 1] - 1) < 1e-12);
  FEN_OK(FenMeasureDestroy(&m));
}

static void TestRefusals(void **state)
{
  const double nan = NAN, zero = 0;
  const FenInt n = 4, none = 0;
  FenMeasure   m;

  (void)state;
  FEN_ERROR(FenMeasureGenerateGaussian(MPI_COMM_WORLD, 5, 1, &nan, NULL, 1, &m), FEN_ERR_VALUE, "mean 0");
  FEN_ERROR(FenMeasureGenerateGaussian(MPI_COMM_WORLD, 0, 1, NULL, NULL, 1, &m), FEN_ERR_SHAPE, "must be positive");
  FEN_ERROR(FenMeasureGenerateUniform(MPI_COMM_WORLD, 3, 0, 1, &m), FEN_ERR_SHAPE, "must be positive");
  FEN_ERROR(FenMeasureGenerateUniform(MPI_COMM_WORLD, (FenInt)1 << 62, 4, 1, &m), FEN_ERR_SIZE, "64 bits");
  FEN_ERROR(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, 1, &n, NULL, NULL, NULL, &zero, &m), FEN_ERR_VALUE,
            "standard deviation 0");
  FEN_ERROR(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, 1, &none, NULL, NULL, NULL, NULL, &m), FEN_ERR_SHAPE,
            "grid axis 0");
  FEN_ERROR(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, 1, &n, &zero, NULL, NULL, NULL, &m), FEN_ERR_VALUE,
            "grid spacing 0");
}

/* a coordinate that is no number is named on all ranks, wherever it is */
static void TestWrongPoints(void **state)
{
  double x[3 * 4] = {0};

  (void)state;
  for (int r = 0; r < size; r++) {
    char       message[80];
    FenMeasure m;

    x[7] = r == rank ? NAN : 1;
    snprintf(message, sizeof(message), "point %d, coordinate 1 is nan", 4 * r + 2);
    FEN_ERROR(FenMeasureCreatePoints(MPI_COMM_WORLD, 4, 3, x, NULL, &m), FEN_ERR_VALUE, message);
  }
  x[7] = 0;
  FEN_ERROR(FenMeasureCreatePoints(MPI_COMM_WORLD, 4, 0, x, NULL, &(FenMeasure){NULL}), FEN_ERR_SHAPE, "dimension 0");
  FEN_ERROR(FenMeasureCreatePoints(MPI_COMM_WORLD, rank ? 4 : -1, 3, x, NULL, &(FenMeasure){NULL}), FEN_ERR_SIZE,
            "must not be negative");
}

/* entry (a,b,c) of a grid has a weight and a place of its own */
static FenMeasure NumberedGrid(MPI_Comm comm, const FenInt shape[3], const PetscMPIInt np[3], const double spacing[3],
                               const double origin[3])
{
  FenLayout  layout;
  FenMeasure m;
  FenBox     box;
  FenInt     n, k = 0;
  double    *w;

  FEN_OK(FenLayoutCreateGrid(comm, 3, shape, np, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (FenInt a = box.lo[0]; a < box.hi[0]; a++)
    for (FenInt b = box.lo[1]; b < box.hi[1]; b++)
      for (FenInt c = box.lo[2]; c < box.hi[2]; c++)
        w[k++] = 1 + (double)(100 * a + 10 * b + c);
  FEN_OK(FenMeasureCreateGrid(layout, w, spacing, origin, &m));
  FEN_OK(FenLayoutDestroy(&layout));
  free(w);
  return m;
}

static void TestToPoints(void **state)
{
  const FenInt shape[3] = {5, 4, 3};
  const double spacing[3] = {0.5, 1, 2}, origin[3] = {-1, 0, 10};

  (void)state;
  for (int axis = 0; axis < 3; axis++) {
    PetscMPIInt   np[3] = {1, 1, 1};
    FenMeasure    grid, cloud;
    FenLayout     layout;
    FenInt        start, end;
    const double *x, *w;
    int           right = 1;
    double        mass;

    np[axis] = size;
    grid = NumberedGrid(MPI_COMM_WORLD, shape, np, spacing, origin);
    FEN_OK(FenMeasureSetName(grid, "the grid"));
    FEN_OK(FenMeasureToPoints(grid, &cloud));
    FEN_OK(FenMeasureGetLayout(cloud, &layout));
    FEN_OK(FenLayoutGetRange(layout, &start, &end));
    FEN_OK(FenMeasureGetPoints(cloud, &x));
    FEN_OK(FenMeasureGetWeights(cloud, &w));
    for (FenInt i = start; i < end; i++) {
      const FenInt  a = i / 12, b = i / 3 % 4, c = i % 3;
      const double *p = x + 3 * (i - start);

      right = right && w[i - start] == 1 + (double)(100 * a + 10 * b + c);
      right = right && p[0] == -1 + 0.5 * (double)a && p[1] == (double)b && p[2] == 10 + 2 * (double)c;
    }
    FEN_ASSERT_ALL(right);
    FEN_OK(FenMeasureGetMass(cloud, &mass));
    FEN_ASSERT_NEAR(mass, 60 * (1 + 200 + 15 + 1), 0);
    FEN_ERROR(FenMeasureToPoints(cloud, &grid), FEN_ERR_USAGE, "points already");
    FEN_OK(FenMeasureDestroy(&grid));
    FEN_OK(FenMeasureDestroy(&cloud));
  }
}

/* coordinates on the grid itself; the fingerprint sees weights, shape, spacing and origin, and no cut */
static void TestGrid(void **state)
{
  const FenInt      shape[3] = {5, 4, 3}, turned[3] = {5, 3, 4};
  const double      spacing[3] = {0.5, 1, 2}, origin[3] = {-1, 0, 10}, one[3] = {1, 1, 1};
  const PetscMPIInt np[3] = {1, size, 1};
  FenMeasure        m = NumberedGrid(MPI_COMM_WORLD, shape, np, spacing, origin), other;
  FenLayout         layout;
  FenBox            box;
  const double     *x;
  FenInt            k = 0, found[3];
  int               right = 1;

  (void)state;
  FEN_OK(FenMeasureGetLayout(m, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenMeasureGetPoints(m, &x));
  for (FenInt a = box.lo[0]; a < box.hi[0]; a++)
    for (FenInt b = box.lo[1]; b < box.hi[1]; b++)
      for (FenInt c = box.lo[2]; c < box.hi[2]; c++, k += 3)
        right = right && x[k] == -1 + 0.5 * (double)a && x[k + 1] == (double)b && x[k + 2] == 10 + 2 * (double)c;
  FEN_ASSERT_ALL(right);
  FEN_OK(FenMeasureGetGrid(m, found, NULL, NULL));
  assert_memory_equal(found, shape, sizeof(shape));
  other = NumberedGrid(PETSC_COMM_SELF, shape, NULL, spacing, origin);
  assert_true(SameFingerprint(m, &other));
  other = NumberedGrid(MPI_COMM_WORLD, turned, NULL, spacing, origin);
  assert_false(SameFingerprint(m, &other));
  other = NumberedGrid(MPI_COMM_WORLD, shape, NULL, one, origin);
  assert_false(SameFingerprint(m, &other));
  other = NumberedGrid(MPI_COMM_WORLD, shape, NULL, spacing, one);
  assert_false(SameFingerprint(m, &other));
  FEN_OK(FenMeasureDestroy(&m));
}

static void TestNames(void **state)
{
  const FenInt image[2] = {5, 8}, wrong[2] = {5, 7};
  FenInt       found[FEN_MAX_DIM];
  FenMeasure   m;
  const char  *name;
  FILE        *file = tmpfile();
  PetscViewer  viewer;
  char         text[600] = "";

  (void)state;
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, 40, 3, 1, &m));
  FEN_OK(FenMeasureSetName(m, "sample"));
  FEN_OK(FenMeasureGetName(m, &name));
  assert_string_equal(name, "sample");
  FEN_ERROR(FenMeasureSetImageShape(m, wrong), FEN_ERR_SHAPE, "an image of 5 x 7 does not have 40 pixels");
  FEN_OK(FenMeasureSetImageShape(m, image));
  FEN_OK(FenMeasureGetImageShape(m, found));
  assert_memory_equal(found, image, sizeof(image));
  FEN_ERROR(FenMeasureGetGrid(m, found, NULL, NULL), FEN_ERR_USAGE, "no grid");
  assert_non_null(file);
  FEN_OK(PetscViewerASCIIOpenWithFILE(MPI_COMM_WORLD, file, &viewer));
  FEN_OK(FenMeasureView(m, viewer));
  FEN_OK(PetscViewerFlush(viewer));
  FEN_OK(PetscViewerDestroy(&viewer));
  rewind(file);
  FEN_ASSERT_ALL(rank || fread(text, 1, sizeof(text) - 1, file) > 0);
  FEN_ASSERT_ALL(rank || (strstr(text, "40 points in dimension 3") && strstr(text, "sample") && strstr(text, "5 x 8")));
  fclose(file);
  FEN_OK(FenMeasureDestroy(&m));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestGaussian),    cmocka_unit_test(TestUniform),  cmocka_unit_test(TestGaussianGrid),
      cmocka_unit_test(TestFarGaussian), cmocka_unit_test(TestRefusals), cmocka_unit_test(TestWrongPoints),
      cmocka_unit_test(TestToPoints),    cmocka_unit_test(TestGrid),     cmocka_unit_test(TestNames)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Setup, NULL));
}
