/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds belong to the problem that the solver has now: none are left from another epsilon or other measures. */
#include "solve.h"
#include "cases.h"

static void TestOtherEpsilon(void **state)
{
  (void)state;
  for (int t = 0; t < NTYPES; t++) {
    FenMeasure  m[2];
    FenCost     cost;
    FenOTBounds large, small, again;
    FenOT       ot;

    CaseMake(&cases[0], PETSC_COMM_SELF, NULL, m, &cost);
    ot = SolveMake(solve_types[t], m, cost, 0.5, 1e-8);
    large = SolveRun(ot);
    FEN_OK(FenOTSetEpsilon(ot, 0.01));
    small = SolveRun(ot);
    assert_true(small.upper < large.lower); /* the value grows with eps */
    FEN_OK(FenOTSetEpsilon(ot, 0.5));
    again = SolveRun(ot);
    assert_true(again.lower == large.lower && again.upper == large.upper);
    FEN_OK(FenOTDestroy(&ot));
    CaseDestroy(m, &cost);
  }
}

/* bounds of a potential that was put in from outside, as verification does: no solve, or one of another problem, before
 */
static void TestWithoutSolve(void **state)
{
  (void)state;
  for (int t = 0; t < NTYPES; t++)
    for (int before = 0; before < 2; before++) {
      FenMeasure    m[2];
      FenCost       cost;
      FenOTBounds   B, C;
      FenOT         solved, ot;
      const double *g;

      CaseMake(&cases[0], PETSC_COMM_SELF, NULL, m, &cost);
      solved = SolveMake(solve_types[t], m, cost, 0.05, 1e-6);
      B = SolveRun(solved);
      FEN_OK(FenOTGetPotentials(solved, NULL, &g));
      ot = SolveMake(solve_types[t], m, cost, before ? 0.5 : 0.05, 1e-6);
      if (before)
        SolveRun(ot);
      FEN_OK(FenOTSetEpsilon(ot, 0.05));
      FEN_OK(FenSolverSetUp((FenSolver)ot));
      memcpy(ot->g, g, (size_t)ot->m * sizeof(double));
      FEN_OK(FenOTComputeBounds(ot, &C));
      FEN_ASSERT_NEAR(C.lower, B.lower, 1e-12);
      FEN_ASSERT_NEAR(C.upper, B.upper, 1e-12);
      FEN_OK(FenOTDestroy(&ot));
      FEN_OK(FenOTDestroy(&solved));
      CaseDestroy(m, &cost);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestOtherEpsilon), cmocka_unit_test(TestWithoutSolve)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
