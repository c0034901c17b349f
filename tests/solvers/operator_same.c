/* SPDX-License-Identifier: BSD-2-Clause */
/* A grid and the cloud of its points are the same measure: equal transforms, equal bounds from a solve. */
#include "operator/operator.h"
#include "cases.h"

static FenOTOperator Operator(FenMeasure m[2], FenCost cost, double eps)
{
  FenOTOperator op;

  FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op));
  FEN_OK(FenOTOperatorSetEpsilon(op, eps));
  return op;
}

/* both live on slabs of the first axis, so that my part is the same */
static void TestTransforms(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++) {
    FenMeasure    grid[2], cloud[2];
    FenOTOperator op[2];
    FenCost       cost;
    FenInt        n[2], nc;
    double        in[100], out[2][100], largest;

    if (!cases[k].grid || cases[k].kind == FEN_COST_POWER) /* which clouds do not have */
      continue;
    CaseMake(&cases[k], MPI_COMM_WORLD, NULL, grid, &cost);
    for (int s = 0; s < 2; s++) {
      FEN_OK(FenMeasureToPoints(grid[s], &cloud[s]));
      FEN_OK(FenMeasureGetSize(grid[s], NULL, &n[s]));
      FEN_OK(FenMeasureGetSize(cloud[s], NULL, &nc));
      FEN_ASSERT_ALL(nc == n[s]);
    }
    FEN_OK(FenCostGetMaximum(cost, grid[0], grid[1], &largest));
    op[0] = Operator(grid, cost, 0.01 * largest);
    op[1] = Operator(cloud, cost, 0.01 * largest);
    for (int to = 0; to < 2; to++) {
      for (int hard = 0; hard < 2; hard++) {
        double worst = 0;

        for (FenInt i = 0; i < n[1 - to]; i++)
          in[i] = largest * FenRandomUniform(61, (uint64_t)i, 2);
        for (int o = 0; o < 2; o++)
          FEN_OK((hard ? FenOTHardTransform : FenOTSoftTransform)(op[o], (FenDirection)to, in, out[o]));
        for (FenInt i = 0; i < n[to]; i++)
          worst = fmax(worst, fabs(out[0][i] - out[1][i]));
        FEN_ASSERT_ALL(worst <= 1e-14 * 8 * largest);
      }
    }
    for (int o = 0; o < 2; o++)
      FEN_OK(FenOTOperatorDestroy(&op[o]));
    CaseDestroy(grid, &cost);
    FEN_OK(FenMeasureDestroy(&cloud[0]));
    FEN_OK(FenMeasureDestroy(&cloud[1]));
  }
}

static double Solve(FenMeasure m[2], FenCost cost, double eps)
{
  FenOTBounds B;
  FenOT       ot;
  FenReason   reason;
  double      value;

  FEN_OK(FenOTCreate(MPI_COMM_WORLD, &ot));
  FEN_OK(FenOTSetMeasures(ot, m[0], m[1]));
  FEN_OK(FenOTSetCost(ot, cost));
  FEN_OK(FenOTSetEpsilon(ot, eps));
  FEN_OK(FenSolverSetTolerances((FenSolver)ot, 1e-10, 0, 10000));
  FEN_OK(FenOTSolve(ot));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)ot, &reason));
  assert_int_equal(reason, FEN_CONVERGED_GAP);
  FEN_OK(FenOTComputeBounds(ot, &B));
  value = 0.5 * (B.lower + B.upper);
  FEN_OK(FenOTDestroy(&ot));
  return value;
}

static void TestSolves(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++) {
    FenMeasure grid[2], cloud[2];
    FenCost    cost;
    double     largest, value;

    if (!cases[k].grid || cases[k].kind == FEN_COST_POWER) /* which clouds do not have */
      continue;
    CaseMake(&cases[k], MPI_COMM_WORLD, NULL, grid, &cost);
    for (int s = 0; s < 2; s++)
      FEN_OK(FenMeasureToPoints(grid[s], &cloud[s]));
    FEN_OK(FenCostGetMaximum(cost, grid[0], grid[1], &largest));
    value = Solve(grid, cost, 0.02 * largest);
    FEN_ASSERT_NEAR(value, Solve(cloud, cost, 0.02 * largest), 1e-10 * value);
    CaseDestroy(grid, &cost);
    FEN_OK(FenMeasureDestroy(&cloud[0]));
    FEN_OK(FenMeasureDestroy(&cloud[1]));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTransforms), cmocka_unit_test(TestSolves)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
