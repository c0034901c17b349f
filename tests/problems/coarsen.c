/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Levels of grid measures: block sums and positions against loops over the whole grid, any size, any cut; interpolation
   of cubic polynomials is exact away from the ends, of linear ones everywhere.
*/
#include <fenchelmeasure.h>
#include "fentest.h"
#include <math.h>
#include <stdlib.h>

static const FenInt shapes[][FEN_MAX_DIM] = {{17, 1, 1}, {64, 1, 1}, {12, 7, 1}, {9, 31, 1}, {6, 5, 11}, {2, 2, 2}};
#define NSHAPES ((int)(sizeof(shapes) / sizeof(shapes[0])))

static const double spacing[3] = {0.5, 0.25, 2}, origin[3] = {-1, 3, 0.75};

static PetscInt Dim(const FenInt shape[])
{
  return shape[2] > 1 ? 3 : shape[1] > 1 ? 2 : 1;
}

static double Weight(const FenInt shape[], FenInt i, FenInt j, FenInt k)
{
  const FenInt n = (i * shape[1] + j) * shape[2] + k;

  return n % 3 ? FenRandomUniform(5, (uint64_t)n, 0) : 0;
}

typedef double (*Function)(const FenInt shape[], FenInt i, FenInt j, FenInt k);
static double *Fill(FenLayout layout, Function f)
{
  FenInt  shape[FEN_MAX_DIM], n, at = 0;
  FenBox  box;
  double *v;

  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  v = (double *)calloc((size_t)(n + 1), sizeof(double));
  for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
    for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
      for (FenInt k = box.lo[2]; k < box.hi[2]; k++)
        v[at++] = f(shape, i, j, k);
  return v;
}

/* cut: ranks along the last axis instead of the first, or blocks */
static FenMeasure Grid(const FenInt shape[], int cut)
{
  const PetscInt dim = Dim(shape);
  PetscMPIInt    ranks[3] = {1, 1, 1};
  FenLayout      layout;
  FenMeasure     m;
  double        *w;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks[dim - 1]);
  for (PetscMPIInt f = 2; cut == 2 && dim > 1 && f <= ranks[dim - 1]; f++) /* the smallest prime along the first */
    if (ranks[dim - 1] % f == 0 && ranks[0] == 1) {
      ranks[0] = f;
      ranks[dim - 1] /= f;
    }
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, cut ? ranks : NULL, &layout));
  w = Fill(layout, Weight);
  FEN_OK(FenMeasureCreateGrid(layout, w, spacing, origin, &m));
  free(w);
  FEN_OK(FenLayoutDestroy(&layout));
  return m;
}

/* sum over the block of a coarse point; an axis that was not halved has blocks of one */
static double BlockSum(const FenInt fine[], const FenInt coarse[], FenInt i, FenInt j, FenInt k)
{
  const FenInt at[3] = {i, j, k};
  FenInt       lo[3], hi[3];
  double       sum = 0;

  for (int d = 0; d < 3; d++) {
    const FenInt w = coarse[d] < fine[d] ? 2 : 1;

    lo[d] = w * at[d];
    hi[d] = PetscMin(fine[d], lo[d] + w);
  }
  for (FenInt a = lo[0]; a < hi[0]; a++)
    for (FenInt b = lo[1]; b < hi[1]; b++)
      for (FenInt c = lo[2]; c < hi[2]; c++)
        sum += Weight(fine, a, b, c);
  return sum;
}

/* sums of weights over blocks are the coarse weights, and each pixel gets that of its block */
static void CheckSums(FenMeasure fine, FenMeasure coarse)
{
  FenInt        big[3], shape[3], n[2], at = 0;
  FenLayout     layout[2];
  FenBox        box;
  const double *w[2];
  double       *sum, *back;

  FEN_OK(FenMeasureGetGrid(fine, big, NULL, NULL));
  FEN_OK(FenMeasureGetGrid(coarse, shape, NULL, NULL));
  FEN_OK(FenMeasureGetLayout(fine, &layout[0]));
  FEN_OK(FenMeasureGetLayout(coarse, &layout[1]));
  FEN_OK(FenMeasureGetWeights(fine, &w[0]));
  FEN_OK(FenMeasureGetWeights(coarse, &w[1]));
  for (int k = 0; k < 2; k++)
    FEN_OK(FenLayoutGetLocalSize(layout[k], &n[k]));
  sum = (double *)malloc((size_t)(n[1] + 1) * sizeof(double));
  back = (double *)malloc((size_t)(n[0] + 1) * sizeof(double));
  FEN_OK(FenMeasureSumBlocks(fine, coarse, w[0], sum));
  FEN_OK(FenMeasureSpreadBlocks(coarse, fine, sum, back));
  for (FenInt k = 0; k < n[1]; k++)
    assert_true(sum[k] == w[1][k]);
  FEN_OK(FenLayoutGetBox(layout[0], -1, &box));
  for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
    for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
      for (FenInt k = box.lo[2]; k < box.hi[2]; k++, at++) {
        const FenInt x[3] = {i, j, k};
        FenInt       b[3];

        for (int d = 0; d < 3; d++)
          b[d] = shape[d] < big[d] ? x[d] / 2 : x[d];
        FEN_ASSERT_NEAR(back[at], BlockSum(big, shape, b[0], b[1], b[2]), 1e-15);
      }
  free(sum);
  free(back);
}

static void CheckCoarse(FenMeasure fine, FenMeasure coarse, const PetscBool halved[])
{
  FenInt        shape[3], big[3], at = 0;
  double        h[3], o[3];
  const double *w;
  FenLayout     layout;
  FenBox        box;

  FEN_OK(FenMeasureGetGrid(fine, big, NULL, NULL));
  FEN_OK(FenMeasureGetGrid(coarse, shape, h, o));
  FEN_OK(FenMeasureGetLayout(coarse, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenMeasureGetWeights(coarse, &w));
  for (PetscInt d = 0; d < Dim(big); d++) {
    assert_int_equal(shape[d], halved[d] ? (big[d] + 1) / 2 : big[d]);
    assert_true(h[d] == (halved[d] ? 2 : 1) * spacing[d] && o[d] == origin[d] + (halved[d] ? spacing[d] / 2 : 0));
  }
  for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
    for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
      for (FenInt k = box.lo[2]; k < box.hi[2]; k++, at++)
        FEN_ASSERT_NEAR(w[at], BlockSum(big, shape, i, j, k), 1e-15);
}

static void TestBlocks(void **state)
{
  (void)state;
  for (int s = 0; s < NSHAPES; s++)
    for (int cut = 0; cut < 3; cut++)
      for (int axes = 0; axes < 1 << Dim(shapes[s]); axes++) {
        const PetscBool halved[3] = {(PetscBool)(axes & 1), (PetscBool)(axes >> 1 & 1), (PetscBool)(axes >> 2)};
        FenMeasure      fine = Grid(shapes[s], cut), coarse;

        FEN_OK(FenMeasureCoarsen(fine, halved, &coarse));
        assert_int_equal(coarse != fine, axes > 0);
        CheckCoarse(fine, coarse, halved);
        CheckSums(fine, coarse);
        FEN_OK(FenMeasureDestroy(&coarse));
        FEN_OK(FenMeasureDestroy(&fine));
      }
}

static int    degree;
static double h0[3], o0[3];

static double Polynomial(const FenInt shape[], FenInt i, FenInt j, FenInt k)
{
  const double x = o0[0] + (double)i * h0[0], y = o0[1] + (double)j * h0[1], z = o0[2] + (double)k * h0[2];
  const double X = shape[1] > 0 ? x : 0;

  return degree == 1 ? 1 + X - 2 * y + 0.5 * z + X * y : X * X * X - y * y * z + 0.1 * z * z * z + X * y;
}

static void TestPolynomials(void **state)
{
  (void)state;
  for (int s = 0; s < NSHAPES; s++)
    for (int cut = 0; cut < 3; cut++)
      for (degree = 1; degree <= 3; degree += 2) {
        FenMeasure fine = Grid(shapes[s], cut), coarse;
        FenLayout  layout;
        FenInt     shape[3], at = 0;
        FenBox     box;
        double    *v, *want, *got;

        FEN_OK(FenMeasureCoarsen(fine, (PetscBool[3]){PETSC_TRUE, PETSC_TRUE, PETSC_TRUE}, &coarse));
        FEN_OK(FenMeasureGetGrid(coarse, NULL, h0, o0));
        FEN_OK(FenMeasureGetLayout(coarse, &layout));
        v = Fill(layout, Polynomial);
        FEN_OK(FenMeasureGetGrid(fine, shape, h0, o0));
        FEN_OK(FenMeasureGetLayout(fine, &layout));
        want = Fill(layout, Polynomial);
        got = Fill(layout, Polynomial);
        FEN_OK(FenMeasureInterpolate(coarse, fine, v, got));
        FEN_OK(FenLayoutGetBox(layout, -1, &box));
        for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
          for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
            for (FenInt k = box.lo[2]; k < box.hi[2]; k++, at++) {
              const FenInt x[3] = {i, j, k};
              int          inside = 1;

              for (PetscInt d = 0; d < Dim(shape); d++) /* a line of one block has no slope to go by */
                inside &= degree == 1 ? shape[d] > 2 : shape[d] > 6 && x[d] >= 4 && x[d] < shape[d] - 4;
              if (inside)
                FEN_ASSERT_NEAR(got[at], want[at], 1e-12 * (1 + fabs(want[at])));
            }
        free(v);
        free(want);
        free(got);
        FEN_OK(FenMeasureDestroy(&coarse));
        FEN_OK(FenMeasureDestroy(&fine));
      }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBlocks), cmocka_unit_test(TestPolynomials)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
