/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Symmetries: equal measures have equal potentials, product measures add values and potentials, the order of points and
   points without weight do not matter. Every type.
*/
#include "solve.h"
#include "cases.h"

/* f - g = constant */
static void TestEqualMeasures(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      Case          c = cases[k];
      FenMeasure    m[2];
      FenCost       cost;
      FenOT         ot;
      double        largest, shift;
      const double *f, *g, *w;
      FenInt        n;

      if (c.kind == FEN_COST_MATRIX)
        continue;
      m[0] = c.grid ? CaseGrid(&c, 0, PETSC_COMM_SELF, NULL) : CaseCloud(&c, 0, PETSC_COMM_SELF);
      m[1] = c.grid ? CaseGrid(&c, 0, PETSC_COMM_SELF, NULL) : CaseCloud(&c, 0, PETSC_COMM_SELF);
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
      if (c.kind == FEN_COST_POWER)
        FEN_OK(FenCostCreatePower(PETSC_COMM_SELF, c.power, &cost));
      else
        FEN_OK(FenCostCreate(PETSC_COMM_SELF, c.kind, &cost));
      FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &largest));
      ot = SolveMake(solve_types[t], m, cost, 0.05 * largest, 0);
      FEN_OK(FenSolverSetTolerances((FenSolver)ot, 0, 1e-11, 20000));
      SolveRun(ot);
      FEN_OK(FenOTGetPotentials(ot, &f, &g));
      FEN_OK(FenMeasureGetWeights(m[0], &w));
      FEN_OK(FenMeasureGetSize(m[0], NULL, &n));
      shift = 0;
      for (FenInt i = 0; i < n; i++)
        shift = w[i] > 0 ? f[i] - g[i] : shift;
      for (FenInt i = 0; i < n; i++)
        if (w[i] > 0)
          FEN_ASSERT_NEAR(f[i] - g[i], shift, 1e-8 * largest);
      FEN_OK(FenOTDestroy(&ot));
      CaseDestroy(m, &cost);
    }
}

/* weights u_i v_j on a grid: values of the two lines add, potentials are sums up to a constant */
static void TestProducts(void **state)
{
  enum { NX = 12, NY = 9 };
  const double spacing[2] = {0.2, 0.3}, eps = 0.1;

  (void)state;
  for (int t = 0; t < NTYPES; t++) {
    double        u[2][2][NX], w[NX * NY], sum = 0, width = 0, potential[2][NX];
    const FenInt  shape[2] = {NX, NY};
    FenMeasure    line[2], grid[2];
    FenLayout     layout;
    FenOTBounds   B;
    FenOT         ot;
    const double *f;

    for (int k = 0; k < 2; k++) {
      for (int s = 0; s < 2; s++) {
        for (FenInt i = 0; i < NX; i++)
          u[k][s][i] = 0.1 + FenRandomUniform(13, (uint64_t)(i + 20 * k), (uint32_t)s);
        FEN_OK(FenLayoutCreateGrid(PETSC_COMM_SELF, 1, &shape[k], NULL, &layout));
        FEN_OK(FenMeasureCreateGrid(layout, u[k][s], &spacing[k], NULL, &line[s]));
        FEN_OK(FenLayoutDestroy(&layout));
      }
      FEN_OK(FenMeasureBalance(line[0], line[1], PETSC_TRUE));
      ot = SolveMake(solve_types[t], line, NULL, eps, 1e-11);
      B = SolveRun(ot);
      sum += 0.5 * (B.lower + B.upper);
      width += B.upper - B.lower;
      FEN_OK(FenOTGetPotentials(ot, &f, NULL));
      memcpy(potential[k], f, (size_t)shape[k] * sizeof(double));
      FEN_OK(FenOTDestroy(&ot));
      for (int s = 0; s < 2; s++)
        FEN_OK(FenMeasureDestroy(&line[s]));
    }
    FEN_OK(FenLayoutCreateGrid(PETSC_COMM_SELF, 2, shape, NULL, &layout));
    for (int s = 0; s < 2; s++) {
      for (FenInt i = 0; i < NX * NY; i++)
        w[i] = u[0][s][i / NY] * u[1][s][i % NY];
      FEN_OK(FenMeasureCreateGrid(layout, w, spacing, NULL, &grid[s]));
    }
    FEN_OK(FenLayoutDestroy(&layout));
    FEN_OK(FenMeasureBalance(grid[0], grid[1], PETSC_TRUE));
    ot = SolveMake(solve_types[t], grid, NULL, eps, 1e-11);
    B = SolveRun(ot);
    SOLVE_ENCLOSES(B, sum, 1e-10, width);
    FEN_OK(FenOTGetPotentials(ot, &f, NULL));
    for (FenInt i = 0; i < NX * NY; i++)
      FEN_ASSERT_NEAR(f[i] - f[0], potential[0][i / NY] - potential[0][0] + potential[1][i % NY] - potential[1][0],
                      1e-5);
    FEN_OK(FenOTDestroy(&ot));
    for (int s = 0; s < 2; s++)
      FEN_OK(FenMeasureDestroy(&grid[s]));
  }
}

static void TestOrder(void **state)
{
  enum { N = 64 };

  (void)state;
  for (int t = 0; t < NTYPES; t++) {
    FenOTBounds B[2];

    for (int turned = 0; turned < 2; turned++) {
      double     x[2][2 * N], w[2][N];
      FenMeasure m[2];

      for (int s = 0; s < 2; s++) {
        for (FenInt i = 0; i < N; i++) {
          const FenInt j = turned ? (37 * i + 11) % N : i;

          w[s][j] = 0.1 + FenRandomUniform(14, (uint64_t)i, (uint32_t)s);
          for (int k = 0; k < 2; k++)
            x[s][2 * j + k] = FenRandomUniform(15, (uint64_t)(2 * i + k), (uint32_t)s);
        }
        m[s] = SolvePoints(N, 2, x[s], w[s]);
      }
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
      B[turned] = SolveOnce(solve_types[t], m, NULL, 0.02, 1e-6);
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
    }
    /* the interval is 6e-8 wide; sums in another order move its ends by much less */
    FEN_ASSERT_NEAR(B[0].lower, B[1].lower, 1e-9);
    FEN_ASSERT_NEAR(B[0].upper, B[1].upper, 1e-9);
    FEN_ASSERT_NEAR(B[0].ot_lower, B[1].ot_lower, 1e-7);
    FEN_ASSERT_NEAR(B[0].ot_upper, B[1].ot_upper, 1e-7);
  }
}

/* points of weight 0 and of 1e-300 change no bound, however far away they are; all potentials stay finite */
static void TestTinyWeights(void **state)
{
  enum { N = 40, MORE = 6 };

  (void)state;
  for (int t = 0; t < NTYPES; t++) {
    FenOTBounds B[3];

    for (int kind = 0; kind < 3; kind++) {
      double        x[2][N + MORE], w[2][N + MORE];
      FenMeasure    m[2];
      FenOT         ot;
      const double *f, *g;

      for (int s = 0; s < 2; s++) {
        for (FenInt i = 0; i < N + MORE; i++) {
          x[s][i] = FenRandomUniform(16, (uint64_t)i, (uint32_t)s) * (i < N ? 1 : 3);
          w[s][i] = i < N ? 0.1 + FenRandomUniform(17, (uint64_t)i, (uint32_t)s) : kind == 1 ? 0 : 1e-300;
        }
        m[s] = SolvePoints(kind ? N + MORE : N, 1, x[s], w[s]);
      }
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
      ot = SolveMake(solve_types[t], m, NULL, 0.02, 1e-8);
      B[kind] = SolveRun(ot);
      FEN_OK(FenOTGetPotentials(ot, &f, &g));
      for (FenInt i = 0; i < (kind ? N + MORE : N); i++)
        assert_true(isfinite(f[i]) && isfinite(g[i]));
      FEN_OK(FenOTDestroy(&ot));
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
      assert_true(B[kind].lower <= B[0].upper && B[0].lower <= B[kind].upper);
      assert_true(B[kind].upper - B[kind].lower <= 1e-8 * B[kind].upper);
      assert_true(B[kind].ot_lower <= B[0].ot_upper && B[0].ot_lower <= B[kind].ot_upper);
    }
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestEqualMeasures), cmocka_unit_test(TestProducts),
                                     cmocka_unit_test(TestOrder), cmocka_unit_test(TestTinyWeights)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
