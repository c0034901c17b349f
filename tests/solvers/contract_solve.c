/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Contract of every type: it converges on every kind of problem by every stopping rule, its answer does not depend on
   the number of ranks, on the schedule of pairs or on the cut of a grid, and repeats to the last bit.
*/
#include "solve.h"
#include "cases.h"

typedef void (*ProblemTest)(const char *type, FenMeasure m[2], FenCost cost, double eps);

static void ForAll(ProblemTest test)
{
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      FenMeasure m[2];
      FenCost    cost;
      double     largest;

      CaseMake(&cases[k], MPI_COMM_WORLD, NULL, m, &cost);
      FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &largest));
      test(solve_types[t], m, cost, 0.02 * largest);
      CaseDestroy(m, &cost);
    }
}

/* {gap, residual} asked for, reason expected */
static void Converges(const char *type, FenMeasure m[2], FenCost cost, double eps)
{
  static const double    tol[3][2] = {{1e-6, 0}, {0, 1e-9}, {1e-3, 1e-8}};
  static const FenReason expected[3] = {FEN_CONVERGED_GAP, FEN_CONVERGED_RESIDUAL, FEN_CONVERGED_GAP};

  for (int k = 0; k < 3; k++) {
    FenOT       ot = SolveMake(type, m, cost, eps, 0);
    FenProgress p;
    FenOTBounds B;

    FEN_OK(FenSolverSetTolerances((FenSolver)ot, tol[k][0], tol[k][1], 20000));
    B = SolveRun(ot);
    assert_int_equal(SolveReason(ot), expected[k]);
    FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
    assert_true(p.parameter == eps); /* the last level is the problem that was asked for */
    if (tol[k][0] > 0)
      assert_true(B.upper - B.lower <= tol[k][0] * fmax(fabs(B.upper), fabs(B.lower)));
    if (tol[k][1] > 0)
      assert_true(p.residual <= tol[k][1] && B.marginal_error <= 3 * tol[k][1]);
    assert_true(p.value >= B.lower && p.value <= B.upper);
    assert_true(p.work > 0 && p.iteration > 0);
    FEN_OK(FenOTDestroy(&ot));
  }
}

static void TestConverges(void **state)
{
  (void)state;
  ForAll(Converges);
}

static double Value(const char *type, FenMeasure m[2], FenCost cost, double eps, FenPairsType pairs)
{
  FenOT  ot = SolveMake(type, m, cost, eps, 1e-9);
  double value;

  ot->pairs = pairs;
  SolveRun(ot);
  FEN_OK(FenSolverGetBounds((FenSolver)ot, &value, NULL, NULL));
  FEN_OK(FenOTDestroy(&ot));
  return value;
}

static void TestRanks(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      PetscMPIInt cut[3] = {1, 1, 1};
      FenMeasure  m[2];
      FenCost     cost;
      double      alone, value, eps;

      CaseMake(&cases[k], PETSC_COMM_SELF, NULL, m, &cost);
      FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &eps));
      eps *= 0.02;
      alone = Value(solve_types[t], m, cost, eps, FEN_PAIRS_AUTO);
      CaseDestroy(m, &cost);
      for (int way = 0; way < 3; way++) { /* ring; process grid; measures cut along their last axis */
        cut[cases[k].dim - 1 < 3 ? cases[k].dim - 1 : 0] = way == 2 ? size : 1;
        if (way == 2 && !(cases[k].grid && cases[k].dim > 1))
          continue;
        CaseMake(&cases[k], MPI_COMM_WORLD, way == 2 ? cut : NULL, m, &cost);
        value = Value(solve_types[t], m, cost, eps, way == 0 ? FEN_PAIRS_RING : FEN_PAIRS_GRID);
        CaseDestroy(m, &cost);
        if (!(fabs(value - alone) <= 1e-12 * fabs(alone)))
          print_error("%s, %s, way %d:\n", cases[k].name, solve_types[t], way);
        FEN_ASSERT_NEAR(value, alone, 1e-12 * fabs(alone));
      }
    }
}

static void Repeats(const char *type, FenMeasure m[2], FenCost cost, double eps)
{
  double     *first = NULL;
  FenProgress p[3];
  FenOT       ot[2];

  /* two solvers, the second solves twice: nothing of a solve is left behind */
  for (int r = 0; r < 2; r++)
    ot[r] = SolveMake(type, m, cost, eps, 1e-7);
  for (int r = 0; r < 3; r++) {
    const FenOT   o = ot[r > 0];
    const double *f, *g;
    FenInt        n, k;
    int           same = 1;

    SolveRun(o);
    FEN_OK(FenSolverGetProgress((FenSolver)o, &p[r]));
    FEN_OK(FenOTGetPotentials(o, &f, &g));
    FEN_OK(FenMeasureGetSize(m[0], NULL, &n));
    FEN_OK(FenMeasureGetSize(m[1], NULL, &k));
    if (!r) {
      first = (double *)malloc((size_t)(n + k + 1) * sizeof(double));
      memcpy(first, f, (size_t)n * sizeof(double));
      memcpy(first + n, g, (size_t)k * sizeof(double));
    }
    same = !memcmp(first, f, (size_t)n * sizeof(double)) && !memcmp(first + n, g, (size_t)k * sizeof(double));
    if (!same)
      print_error("%s: run %d differs\n", type, r);
    FEN_ASSERT_ALL(same);
    assert_true(p[r].value == p[0].value && p[r].lower == p[0].lower && p[r].upper == p[0].upper);
    assert_true(p[r].residual == p[0].residual && p[r].work == p[0].work);
    assert_int_equal(p[r].iteration, p[0].iteration);
  }
  free(first);
  FEN_OK(FenOTDestroy(&ot[0]));
  FEN_OK(FenOTDestroy(&ot[1]));
}

static void TestRepeats(void **state)
{
  (void)state;
  ForAll(Repeats);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestConverges), cmocka_unit_test(TestRanks),
                                     cmocka_unit_test(TestRepeats)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
