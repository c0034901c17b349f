/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits in eps: a product plan for large eps, sorting for small eps on a line. Every type. */
#include "solve.h"
#include "cases.h"
#include "dense.h"

/* P -> a x b: the value is <C, a x b> up to var(C)/(2 eps), the map is the target's mean */
static void TestLargeEpsilon(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      FenMeasure  m[2];
      FenCost     cost;
      Dense       D;
      FenOTBounds B;
      double      mean = 0, eps;

      CaseMake(&cases[k], PETSC_COMM_SELF, NULL, m, &cost);
      D = DenseMake(m, cost);
      eps = 1e6 * D.largest;
      for (FenInt i = 0; i < D.n; i++)
        for (FenInt j = 0; j < D.m; j++)
          mean += D.a[i] * D.b[j] * (double)D.C[i * D.m + j];
      B = SolveOnce(solve_types[t], m, cost, eps, 1e-7);
      SOLVE_ENCLOSES(B, mean, 1e-7, D.largest * D.largest / eps);
      DenseFree(&D);
      CaseDestroy(m, &cost);
    }
}

static int Ascending(const void *p, const void *q)
{
  const double x = *(const double *)p, y = *(const double *)q;

  return (x > y) - (x < y);
}

/* equal numbers of equal weights: the optimal plan of |x-y|^2 and of |x-y| pairs the sorted points */
static void TestSorting(void **state)
{
  enum { N = 100 };

  (void)state;
  for (int kind = FEN_COST_SQEUCLIDEAN; kind <= FEN_COST_L1; kind++)
    for (int t = 0; t < NTYPES; t++) {
      double      x[2][N], value = 0;
      FenMeasure  m[2];
      FenCost     cost;
      FenOTBounds B;

      for (int s = 0; s < 2; s++) {
        for (FenInt i = 0; i < N; i++)
          x[s][i] = s ? FenRandomNormal(12, (uint64_t)i, 1) : 3 * FenRandomUniform(12, (uint64_t)i, 0);
        m[s] = SolvePoints(N, 1, x[s], NULL);
        qsort(x[s], N, sizeof(double), Ascending);
      }
      for (FenInt i = 0; i < N; i++) {
        const double d = fabs(x[0][i] - x[1][i]);

        value += (kind == FEN_COST_SQEUCLIDEAN ? d * d : d) / N;
      }
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_FALSE));
      FEN_OK(FenCostCreate(PETSC_COMM_SELF, (FenCostKind)kind, &cost));
      B = SolveOnce(solve_types[t], m, cost, 2e-3, 1e-5);
      assert_true(B.ot_lower <= value && value <= B.ot_upper);
      FEN_ASSERT_NEAR(B.ot_upper - B.ot_lower, 0, 2e-3 * log(N)); /* entropy of a plan is at most log N */
      FEN_ASSERT_NEAR(B.cost, B.ot_upper, 0);
      CaseDestroy(m, &cost);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestLargeEpsilon), cmocka_unit_test(TestSorting)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
