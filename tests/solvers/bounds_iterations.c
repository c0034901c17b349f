/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lower bound <= optimum <= upper bound at every iteration of every type, for random small problems of all costs; the
   optimum comes from a solve with the written-out matrix in long double. No tolerance: certified means certified.
*/
#include "solve.h"
#include "dense.h"
#include "watch.h"

#define PROBLEMS 60

/* random sizes, points, weights (some zero), on one rank */
static void Problem(int k, FenMeasure m[2], FenCost *cost)
{
  static const PetscInt dims[] = {1, 2, 3, 10};
  const FenCostKind     kind = (FenCostKind)(k % 4);
  FenLayout             layout[2];
  FenInt                n[2];

  for (int s = 0; s < 2; s++) {
    double x[80], w[8];

    n[s] = 2 + (FenInt)(6 * FenRandomUniform(21, (uint64_t)k, (uint32_t)s));
    for (FenInt i = 0; i < 80; i++)
      x[i] = FenRandomNormal(22, (uint64_t)(100 * k + i), (uint32_t)s);
    for (FenInt i = 0; i < n[s]; i++)
      w[i] = k % 3 == 0 && i == 1 ? 0 : exp(6 * FenRandomUniform(23, (uint64_t)(100 * k + i), (uint32_t)s) - 6);
    m[s] = SolvePoints(n[s], dims[(k / 4) % 4], x, w);
  }
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  if (kind == FEN_COST_MATRIX) {
    double C[64], T[64];

    for (FenInt i = 0; i < n[0]; i++)
      for (FenInt j = 0; j < n[1]; j++)
        C[i * n[1] + j] = T[j * n[0] + i] = 5 * FenRandomUniform(24, (uint64_t)(64 * k + 8 * i + j), 0) - 1;
    for (int s = 0; s < 2; s++)
      FEN_OK(FenMeasureGetLayout(m[s], &layout[s]));
    FEN_OK(FenCostCreateMatrix(layout[0], layout[1], C, T, cost));
  } else
    FEN_OK(FenCostCreate(PETSC_COMM_SELF, kind, cost));
}

static void ProblemDestroy(FenMeasure m[2], FenCost *cost)
{
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  FEN_OK(FenCostDestroy(cost));
}

static double Epsilon(int k, double largest)
{
  return largest * (k % 5 == 0 ? 2 : k % 5 == 1 ? 0.02 : 0.1);
}

static void TestMonitored(void **state)
{
  (void)state;
  for (int k = 0; k < PROBLEMS; k++) {
    FenMeasure m[2];
    FenCost    cost;
    Dense      D;
    Watch      w = {0};

    Problem(k, m, &cost);
    D = DenseMake(m, cost);
    w.truth = (double)DenseOptimum(&D, Epsilon(k, D.largest), 1e-12L);
    for (int t = 0; t < NTYPES; t++) {
      FenOT ot = SolveMake(solve_types[t], m, cost, Epsilon(k, D.largest), 1e-9);

      w.looks = w.bounds = 0;
      FEN_OK(FenSolverMonitorSet((FenSolver)ot, WatchLook, &w, NULL));
      SolveRun(ot);
      assert_true(w.bounds > 0);
      assert_int_equal(w.wrong, 0);
      FEN_OK(FenOTDestroy(&ot));
    }
    DenseFree(&D);
    ProblemDestroy(m, &cost);
  }
}

/* the same for solves that end at iteration 1, 2, 3...: their final bounds, and those of the unregularised problem */
static void TestStopped(void **state)
{
  (void)state;
  for (int k = 0; k < PROBLEMS; k++)
    for (int t = 0; t < NTYPES; t++) {
      FenMeasure m[2];
      FenCost    cost;
      Dense      D;
      double     truth, plain[2] = {-HUGE_VAL, HUGE_VAL};

      Problem(k, m, &cost);
      D = DenseMake(m, cost);
      truth = (double)DenseOptimum(&D, Epsilon(k, D.largest), 1e-12L);
      for (FenInt it = 0; it < 12; it++) {
        FenOT       ot = SolveMake(solve_types[t], m, cost, Epsilon(k, D.largest), 1e-14);
        FenOTBounds B;

        FEN_OK(FenSolverSetTolerances((FenSolver)ot, 1e-14, 0, it));
        FEN_OK(FenOTSolve(ot));
        FEN_OK(FenOTComputeBounds(ot, &B));
        assert_true(isfinite(B.lower) && isfinite(B.upper) && B.slack >= 0 && B.slack < 1e-12 * (1 + D.largest));
        if (!(B.lower <= truth && truth <= B.upper))
          print_error("problem %d %s it %d: %.17g %.17g %.17g\n", k, solve_types[t], (int)it, B.lower, truth, B.upper);
        assert_true(B.lower <= truth && truth <= B.upper);
        plain[0] = fmax(plain[0], B.ot_lower); /* all intervals have the unregularised optimum in common */
        plain[1] = fmin(plain[1], B.ot_upper);
        assert_true(plain[0] <= plain[1]);
        assert_true(B.ot_lower <= truth); /* the regularised problem costs more */
        FEN_OK(FenOTDestroy(&ot));
      }
      DenseFree(&D);
      ProblemDestroy(m, &cost);
    }
}

/* potentials that no solver would produce: bounds hold for any g */
static void TestAnyPotential(void **state)
{
  (void)state;
  for (int k = 0; k < PROBLEMS; k++) {
    FenMeasure m[2];
    FenCost    cost;
    Dense      D;
    double     truth;

    Problem(k, m, &cost);
    D = DenseMake(m, cost);
    truth = (double)DenseOptimum(&D, Epsilon(k, D.largest), 1e-12L);
    for (int r = 0; r < 4; r++) {
      FenOT       ot = SolveMake(solve_types[0], m, cost, Epsilon(k, D.largest), 1e-3);
      FenOTBounds B;

      FEN_OK(FenSolverSetTolerances((FenSolver)ot, 0, 0, 0)); /* a solve of no iteration */
      FEN_OK(FenOTSolve(ot));
      for (FenInt j = 0; j < D.m; j++)
        ot->g[j] = pow(10, r - 2) * D.largest * FenRandomNormal(25, (uint64_t)(100 * k + j), (uint32_t)r);
      FEN_OK(FenOTComputeBounds(ot, &B));
      assert_true(B.lower <= truth && truth <= B.upper);
      assert_true(B.ot_lower <= B.ot_upper);
      FEN_OK(FenOTDestroy(&ot));
    }
    DenseFree(&D);
    ProblemDestroy(m, &cost);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestMonitored), cmocka_unit_test(TestStopped),
                                     cmocka_unit_test(TestAnyPotential)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
