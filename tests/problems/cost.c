/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Ground costs: the bound of the cost by hand and above every pair, what fits together and what does not, explicit
   matrices.
*/
#include <fenchelmeasure.h>
#include "fentest.h"
#include <stdlib.h>

static const FenCostKind formulas[] = {FEN_COST_SQEUCLIDEAN, FEN_COST_EUCLIDEAN, FEN_COST_L1};
static int               rank, size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

static double Cost(FenCostKind kind, PetscInt dim, const double x[], const double y[])
{
  double sum = 0;

  for (PetscInt k = 0; k < dim; k++)
    sum += kind == FEN_COST_L1 ? fabs(x[k] - y[k]) : (x[k] - y[k]) * (x[k] - y[k]);
  return kind == FEN_COST_EUCLIDEAN ? sqrt(sum) : sum;
}

static double Maximum(FenCostKind kind, FenMeasure s, FenMeasure t)
{
  FenCost     cost;
  FenCostKind found;
  double      maximum;

  FEN_OK(FenCostCreate(MPI_COMM_WORLD, kind, &cost));
  FEN_OK(FenCostGetKind(cost, &found));
  assert_int_equal(found, kind);
  FEN_OK(FenCostCheck(cost, s, t));
  FEN_OK(FenCostGetMaximum(cost, s, t, &maximum));
  FEN_OK(FenCostDestroy(&cost));
  return maximum;
}

/* every rank has one point, the corners of two rectangles are among them */
static void TestMaximum(void **state)
{
  const double corner[2][2] = {{0, 1}, {3, 2}}, other[2] = {-1, 5};
  const FenInt shape[2] = {3, 4};
  const double spacing[2] = {2, 1}, origin[2] = {-1, -2};
  FenMeasure   s, t, grid;
  FenLayout    layout;

  (void)state;
  FEN_OK(FenMeasureCreatePoints(MPI_COMM_WORLD, rank ? 0 : 2, 2, corner[0], NULL, &s)); /* box [0,3] x [1,2] */
  FEN_OK(FenMeasureCreatePoints(MPI_COMM_WORLD, rank == size - 1, 2, other, NULL, &t));
  FEN_ASSERT_NEAR(Maximum(FEN_COST_SQEUCLIDEAN, s, t), 16 + 16, 1e-14);
  FEN_ASSERT_NEAR(Maximum(FEN_COST_EUCLIDEAN, t, s), sqrt(32), 1e-14);
  FEN_ASSERT_NEAR(Maximum(FEN_COST_L1, s, t), 8, 1e-14);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &layout)); /* box [-1,3] x [-2,1] */
  FEN_OK(FenMeasureCreateGrid(layout, NULL, spacing, origin, &grid));
  FEN_ASSERT_NEAR(Maximum(FEN_COST_SQEUCLIDEAN, grid, grid), 16 + 9, 1e-14);
  FEN_ASSERT_NEAR(Maximum(FEN_COST_L1, grid, grid), 7, 1e-14);
  FEN_ASSERT_NEAR(Maximum(FEN_COST_EUCLIDEAN, grid, s), sqrt(16 + 16), 1e-14);
  FEN_OK(FenLayoutDestroy(&layout));
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
  FEN_OK(FenMeasureDestroy(&grid));
}

static void TestBound(void **state)
{
  const double mean[3] = {0, 3, -1}, stddev[3] = {1, 0, 2};
  FenMeasure   s, t, all, every;

  (void)state;
  FEN_OK(FenMeasureGenerateGaussian(MPI_COMM_WORLD, 100, 3, NULL, NULL, 1, &s));
  FEN_OK(FenMeasureGenerateGaussian(MPI_COMM_WORLD, 90, 3, mean, stddev, 2, &t));
  FEN_OK(FenMeasureGenerateGaussian(PETSC_COMM_SELF, 100, 3, NULL, NULL, 1, &all));
  FEN_OK(FenMeasureGenerateGaussian(PETSC_COMM_SELF, 90, 3, mean, stddev, 2, &every));
  for (size_t k = 0; k < 3; k++) {
    const double  bound = Maximum(formulas[k], s, t);
    const double *x, *y;
    double        largest = 0;

    FEN_OK(FenMeasureGetPoints(all, &x));
    FEN_OK(FenMeasureGetPoints(every, &y));
    for (int i = 0; i < 100; i++)
      for (int j = 0; j < 90; j++)
        largest = PetscMax(largest, Cost(formulas[k], 3, x + 3 * i, y + 3 * j));
    assert_true(largest <= bound && bound < 3 * largest);
  }
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
  FEN_OK(FenMeasureDestroy(&all));
  FEN_OK(FenMeasureDestroy(&every));
}

static FenMeasure Grid(PetscInt dim, FenInt n)
{
  const FenInt shape[3] = {n, n, n};
  FenLayout    layout;
  FenMeasure   m;

  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, NULL, &layout));
  FEN_OK(FenMeasureCreateGrid(layout, NULL, NULL, NULL, &m));
  FEN_OK(FenLayoutDestroy(&layout));
  return m;
}

static void TestCheck(void **state)
{
  const double far[2] = {1e200, 0};
  FenMeasure   line = Grid(1, 6), plane = Grid(2, 5), p2, p3, away;
  FenCost      euclidean, sq;

  (void)state;
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, 9, 2, 1, &p2));
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, 9, 3, 1, &p3));
  FEN_OK(FenMeasureCreatePoints(MPI_COMM_WORLD, rank ? 0 : 1, 2, far, NULL, &away));
  FEN_OK(FenMeasureSetName(p3, "colours.png"));
  FEN_OK(FenMeasureSetName(p2, NULL));
  FEN_OK(FenCostCreate(MPI_COMM_WORLD, FEN_COST_EUCLIDEAN, &euclidean));
  FEN_OK(FenCostCreate(MPI_COMM_WORLD, FEN_COST_SQEUCLIDEAN, &sq));
  FEN_ERROR(FenCostCheck(sq, p2, p3), FEN_ERR_SHAPE, "source has dimension 2, colours.png has dimension 3");
  FEN_ERROR(FenCostCheck(sq, line, plane), FEN_ERR_SHAPE, "source has dimension 1, target has dimension 2");
  FEN_OK(FenCostCheck(euclidean, plane, plane));
  FEN_OK(FenCostCheck(euclidean, line, line));
  FEN_OK(FenCostCheck(euclidean, plane, p2));
  FEN_OK(FenCostCheck(euclidean, p2, plane));
  FEN_OK(FenCostCheck(sq, plane, plane));
  FEN_OK(FenCostCheck(euclidean, p3, p3));
  FEN_ERROR(FenCostCheck(sq, away, p2), FEN_ERR_VALUE, "costs are finite");
  FEN_ERROR(FenCostCreate(MPI_COMM_WORLD, FEN_COST_MATRIX, &sq), FEN_ERR_USAGE, "a matrix is given or read");
  FEN_ERROR(FenCostGetMatrix(sq, NULL, NULL), FEN_ERR_USAGE, "the cost sqeuclidean has no matrix");
  FEN_OK(FenCostDestroy(&sq));
  FEN_OK(FenCostDestroy(&euclidean));
  FEN_OK(FenMeasureDestroy(&line));
  FEN_OK(FenMeasureDestroy(&plane));
  FEN_OK(FenMeasureDestroy(&p2));
  FEN_OK(FenMeasureDestroy(&p3));
  FEN_OK(FenMeasureDestroy(&away));
}

/* (i - 2j)^2 less 30, but for the entry (bi,bj) */
typedef struct {
  FenLayout rows, cols;
  double   *byrow, *bycol;
} Matrix;

static double Entry(FenInt i, FenInt j)
{
  return (double)((i - 2 * j) * (i - 2 * j) - 30);
}

static void MatrixCreate(Matrix *a, FenInt n, FenInt m)
{
  FenInt i0, i1, j0, j1;

  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, n, &a->rows));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, m, &a->cols));
  FEN_OK(FenLayoutGetRange(a->rows, &i0, &i1));
  FEN_OK(FenLayoutGetRange(a->cols, &j0, &j1));
  a->byrow = (double *)malloc((size_t)((i1 - i0) * m + 1) * sizeof(double));
  a->bycol = (double *)malloc((size_t)((j1 - j0) * n + 1) * sizeof(double));
  for (FenInt i = i0; i < i1; i++)
    for (FenInt j = 0; j < m; j++)
      a->byrow[(i - i0) * m + j] = Entry(i, j);
  for (FenInt j = j0; j < j1; j++)
    for (FenInt i = 0; i < n; i++)
      a->bycol[(j - j0) * n + i] = Entry(i, j);
}

static void MatrixDestroy(Matrix *a)
{
  FEN_OK(FenLayoutDestroy(&a->rows));
  FEN_OK(FenLayoutDestroy(&a->cols));
  free(a->byrow);
  free(a->bycol);
}

/* sets one entry where this rank has it */
static void MatrixSpoil(Matrix *a, FenInt n, FenInt m, FenInt i, FenInt j, double value, int rows, int cols)
{
  FenInt i0, i1, j0, j1;

  FEN_OK(FenLayoutGetRange(a->rows, &i0, &i1));
  FEN_OK(FenLayoutGetRange(a->cols, &j0, &j1));
  if (rows && i >= i0 && i < i1)
    a->byrow[(i - i0) * m + j] = value;
  if (cols && j >= j0 && j < j1)
    a->bycol[(j - j0) * n + i] = value;
}

static void TestMatrix(void **state)
{
  const FenInt  n = 11, m = 9;
  Matrix        a;
  FenCost       cost;
  FenMeasure    s, t, line = Grid(1, 11), cut;
  const double *byrow, *bycol, x[11] = {0};
  FenInt        i0, i1, j0, j1;
  double        maximum;

  (void)state;
  MatrixCreate(&a, n, m);
  FEN_OK(FenLayoutGetRange(a.rows, &i0, &i1));
  FEN_OK(FenLayoutGetRange(a.cols, &j0, &j1));
  FEN_OK(FenCostCreateMatrix(a.rows, a.cols, a.byrow, a.bycol, &cost));
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, n, 2, 1, &s));
  FEN_OK(FenMeasureGenerateUniform(MPI_COMM_WORLD, m, 3, 1, &t));
  FEN_OK(FenCostCheck(cost, s, t));
  FEN_OK(FenCostCheck(cost, line, t));
  FEN_OK(FenCostGetMaximum(cost, s, t, &maximum));
  FEN_ASSERT_NEAR(maximum, 16 * 16 - 30, 0);
  FEN_OK(FenCostGetMatrix(cost, &byrow, &bycol));
  FEN_ASSERT_ALL(i0 == i1 || !memcmp(byrow, a.byrow, (size_t)((i1 - i0) * m) * sizeof(double)));
  FEN_ASSERT_ALL(j0 == j1 || !memcmp(bycol, a.bycol, (size_t)((j1 - j0) * n) * sizeof(double)));
  FEN_OK(FenMeasureSetName(s, NULL));
  FEN_OK(FenMeasureSetName(t, NULL));
  FEN_ERROR(FenCostCheck(cost, t, s), FEN_ERR_SHAPE, "the cost matrix is 11 x 9, source has 9 points, target has 11");
  FEN_OK(FenMeasureCreatePoints(MPI_COMM_WORLD, rank == size - 1 ? n : 0, 1, x, NULL, &cut));
  if (size > 1)
    FEN_ERROR(FenCostCheck(cost, cut, t), FEN_ERR_SHAPE, "cut over ranks in another way");
  FEN_OK(FenCostDestroy(&cost));
  FEN_OK(FenMeasureDestroy(&cut));
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
  FEN_OK(FenMeasureDestroy(&line));
  MatrixDestroy(&a);
}

static void TestMatrixRefused(void **state)
{
  const FenInt n = 11, m = 9;
  FenMeasure   plane = Grid(2, 3);
  FenLayout    grid;
  Matrix       a;
  FenCost      cost;

  (void)state;
  MatrixCreate(&a, n, m);
  MatrixSpoil(&a, n, m, 7, 4, NAN, 1, 1);
  FEN_ERROR(FenCostCreateMatrix(a.rows, a.cols, a.byrow, a.bycol, &cost), FEN_ERR_VALUE, "entry (7,4) is nan");
  MatrixSpoil(&a, n, m, 7, 4, -INFINITY, 1, 1);
  FEN_ERROR(FenCostCreateMatrix(a.rows, a.cols, a.byrow, a.bycol, &cost), FEN_ERR_VALUE, "entry (7,4) is -inf");
  MatrixSpoil(&a, n, m, 7, 4, Entry(7, 4), 1, 1);
  MatrixSpoil(&a, n, m, 2, 8, INFINITY, 0, 1);
  FEN_ERROR(FenCostCreateMatrix(a.rows, a.cols, a.byrow, a.bycol, &cost), FEN_ERR_VALUE, "entry (2,8) is inf");
  MatrixSpoil(&a, n, m, 2, 8, Entry(2, 8) + 1, 0, 1);
  FEN_ERROR(FenCostCreateMatrix(a.rows, a.cols, a.byrow, a.bycol, &cost), FEN_ERR_VALUE, "the same matrix");
  FEN_OK(FenMeasureGetLayout(plane, &grid));
  FEN_ERROR(FenCostCreateMatrix(grid, a.cols, a.byrow, a.bycol, &cost), FEN_ERR_SHAPE, "these have 2 and 1");
  FEN_OK(FenMeasureDestroy(&plane));
  MatrixDestroy(&a);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestMaximum), cmocka_unit_test(TestBound),
                                     cmocka_unit_test(TestCheck), cmocka_unit_test(TestMatrix),
                                     cmocka_unit_test(TestMatrixRefused)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Setup, NULL));
}
