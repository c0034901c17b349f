/* SPDX-License-Identifier: BSD-2-Clause */
/* The max kernel of every instruction set: exact for exact costs, to the rounding of a square root for distances. */
#include "kernelref.h"

static long double t[REF_MAX * REF_MAX];

static void Largest(RefTile *R, double spread)
{
  static const FenInt chunks[] = {0, 64, 16, 7};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K);
  double              m[REF_MAX];

  RefExponents(&R->T, t);
  for (int k = 0; k < n; k++)
    for (int c = 0; c < 4; c++) {
      double worst = 0;

      RefBoxes(R, chunks[c]);
      for (FenInt i = 0; i < R->T.nt; i++)
        m[i] = FEN_NONE;
      K[k]->max(&R->T, m);
      for (FenInt i = 0; i < R->T.nt; i++)
        worst = fmax(worst, fabs((double)(m[i] - RefLargest(&R->T, t, i))));
      FEN_ASSERT_NEAR(worst, 0, RefNoise(&R->T, spread));
    }
}

static void TestLargest(void **state)
{
  (void)state;
  RefForAll(Largest);
}

/* a value that is there already and larger stays */
static void TestUpdates(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  RefTile          *R = (RefTile *)malloc(sizeof(*R));
  double            m[REF_MAX];

  (void)state;
  for (int k = 0; k < n; k++)
    for (int dim = 3; dim <= 9; dim += 6) {
      RefFill(R, FEN_TILE_SQEUCLIDEAN, dim, 63, 65, 300, 0);
      RefBoxes(R, dim == 3 ? 16 : 0);
      RefExponents(&R->T, t);
      for (FenInt i = 0; i < R->T.nt; i++)
        m[i] = (double)RefLargest(&R->T, t, i) + (i % 2 ? 1 : -1);
      K[k]->max(&R->T, m);
      for (FenInt i = 0; i < R->T.nt; i++)
        assert_true(m[i] == (double)RefLargest(&R->T, t, i) + (i % 2 ? 1 : 0));
    }
  free(R);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestLargest), cmocka_unit_test(TestUpdates)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
