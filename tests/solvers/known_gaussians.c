/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Gaussians on fine grids against the closed form for |x-y|^2 (Janati, Muzellec, Peyre, Cuturi, NeurIPS 2020): with
   s = eps/2 and D = (4 A^(1/2) B A^(1/2) + s^2 I)^(1/2),
     OT_eps = |m1-m2|^2 + tr A + tr B - tr D + d s (1 - log 2s) + s log det(D + s I).
   A grid that ends seven deviations away and is finer than all widths is exact to about the mass beyond its ends,
   1e-11.
*/
#include "solve.h"
#include <stdlib.h>

/* what one eigenvalue l of A^(1/2) B A^(1/2) contributes besides traces and means */
static double Term(double l, double eps)
{
  const double s = eps / 2, D = sqrt(4 * l + s * s);

  return -D + s * (1 - log(2 * s)) + s * log(D + s);
}

static void Solve(FenMeasure m[2], double eps, double answer, double tol)
{
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  for (int t = 0; t < NTYPES; t++) {
    const FenOTBounds B = SolveOnce(solve_types[t], m, NULL, eps, 1e-8);

    SOLVE_ENCLOSES(B, answer, 1e-7, tol);
  }
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
}

/* axes independent; n points an axis, seven deviations to each side */
static void Axes(PetscInt dim, FenInt n, double eps, double tol)
{
  const double mean[2][3] = {{0, 1, -0.3}, {0.7, 0.4, 0.2}}, dev[2][3] = {{1, 0.8, 1.2}, {0.6, 1.1, 0.9}};
  FenMeasure   m[2];
  double       answer = 0;

  for (int s = 0; s < 2; s++) {
    double spacing[3], origin[3];
    FenInt shape[3] = {n, n + 3, n - 2};

    for (PetscInt k = 0; k < dim; k++) {
      spacing[k] = 14 * dev[s][k] / (double)(shape[k] - 1);
      origin[k] = mean[s][k] - 7 * dev[s][k];
    }
    FEN_OK(FenMeasureGenerateGaussianGrid(MPI_COMM_WORLD, dim, shape, spacing, origin, mean[s], dev[s], &m[s]));
  }
  for (PetscInt k = 0; k < dim; k++) {
    const double A = dev[0][k] * dev[0][k], B = dev[1][k] * dev[1][k], d = mean[0][k] - mean[1][k];

    answer += d * d + A + B + Term(A * B, eps);
  }
  Solve(m, eps, answer, tol);
}

static void TestLine(void **state)
{
  (void)state;
  Axes(1, 201, 0.1, 1e-8);
  Axes(1, 101, 1, 1e-8);
  Axes(1, 151, 30, 1e-8);
}

static void TestPlane(void **state)
{
  (void)state;
  Axes(2, 50, 0.5, 1e-8);
}

static void TestSpace(void **state)
{
  (void)state;
  Axes(3, 22, 2, 1e-7);
}

/* axes not independent: the plan of a grid is no product of plans of lines */
static void TestCorrelated(void **state)
{
  const double A[2][3] = {{1, 0.5, 0.8}, {0.7, -0.4, 1.1}}, eps = 0.6; /* xx xy yy */
  const FenInt shape[2] = {61, 61};
  const double trace = A[0][0] * A[1][0] + 2 * A[0][1] * A[1][1] + A[0][2] * A[1][2];
  double       det = 1, root, answer = 0.25;
  FenMeasure   m[2];

  (void)state;
  for (int s = 0; s < 2; s++) {
    const double d = A[s][0] * A[s][2] - A[s][1] * A[s][1], centre = s ? 0.5 : 0;
    const double spacing[2] = {0.24, 0.24}, origin[2] = {-7.2 + centre, -7.2};
    FenLayout    layout;
    FenBox       box;
    double      *w;

    FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &layout));
    FEN_OK(FenLayoutGetBox(layout, -1, &box));
    w = (double *)malloc((size_t)((box.hi[0] - box.lo[0]) * 61 + 1) * sizeof(double));
    for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
      for (FenInt j = 0; j < 61; j++) {
        const double x = 0.24 * (double)(i - 30), y = 0.24 * (double)(j - 30);

        w[(i - box.lo[0]) * 61 + j] = exp(-(A[s][2] * x * x - 2 * A[s][1] * x * y + A[s][0] * y * y) / (2 * d));
      }
    FEN_OK(FenMeasureCreateGrid(layout, w, spacing, origin, &m[s]));
    FEN_OK(FenLayoutDestroy(&layout));
    free(w);
    det *= d;
    answer += A[s][0] + A[s][2];
  }
  root = sqrt(trace * trace / 4 - det); /* eigenvalues of AB, which are those of A^(1/2) B A^(1/2) */
  answer += Term(trace / 2 + root, eps) + Term(trace / 2 - root, eps);
  Solve(m, eps, answer, 1e-7);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestLine), cmocka_unit_test(TestPlane),
                                     cmocka_unit_test(TestSpace), cmocka_unit_test(TestCorrelated)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
