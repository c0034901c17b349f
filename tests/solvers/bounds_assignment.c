/* SPDX-License-Identifier: BSD-2-Clause */
/* The bracket of the unregularised optimum against all permutations: uniform weights, at most 7 points a side. */
#include "solve.h"
#include "dense.h"

/* smallest mean cost over all ways to pair the rows from `row` on with the columns still free */
static long double Best(const Dense *D, FenInt row, unsigned taken)
{
  long double best = row < D->n ? HUGE_VALL : 0;

  for (FenInt j = 0; row < D->n && j < D->m; j++)
    if (!(taken >> j & 1))
      best = fminl(best, D->C[row * D->m + j] / D->n + Best(D, row + 1, taken | 1u << j));
  return best;
}

static void TestPermutations(void **state)
{
  (void)state;
  for (int k = 0; k < 36; k++)
    for (int t = 0; t < NTYPES; t++) {
      const FenInt   n = 2 + k % 6;
      const PetscInt dim = 1 + k % 3;
      double         x[2][21], truth;
      FenMeasure     m[2];
      FenCost        cost;
      Dense          D;

      for (int s = 0; s < 2; s++) {
        for (FenInt i = 0; i < 21; i++) /* every fourth problem has ties: points on a lattice */
          x[s][i] = k % 4 ? FenRandomUniform(31, (uint64_t)(50 * k + i), (uint32_t)s)
                          : floor(3 * FenRandomUniform(31, (uint64_t)(50 * k + i), (uint32_t)s));
        m[s] = SolvePoints(n, dim, x[s], NULL);
      }
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_FALSE));
      FEN_OK(FenCostCreate(PETSC_COMM_SELF, (FenCostKind)(k % 3), &cost));
      D = DenseMake(m, cost);
      truth = (double)Best(&D, 0, 0);
      for (int e = 0; e < 3; e++) {
        const double eps = fmax(D.largest, 0.1) * (e == 0 ? 0.5 : e == 1 ? 0.05 : 0.01);
        FenOT        ot = SolveMake(solve_types[t], m, cost, eps, 1e-6);
        FenOTBounds  B;

        FEN_OK(FenOTSolve(ot));
        FEN_OK(FenOTComputeBounds(ot, &B));
        assert_true(B.ot_lower <= truth && truth <= B.ot_upper);
        assert_true(B.upper >= truth); /* entropy is not negative */
        if (SolveReason(ot) > 0)       /* the plan costs at most eps times its entropy more */
          assert_true(B.ot_upper - truth <= eps * log((double)n) + 1e-5);
        FEN_OK(FenOTDestroy(&ot));
      }
      DenseFree(&D);
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
      FEN_OK(FenCostDestroy(&cost));
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestPermutations)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
