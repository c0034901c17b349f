/* SPDX-License-Identifier: BSD-2-Clause */
/* The log-sum-exp kernel of every instruction set against long double sums: relative error of a pass at most 1e-14. */
#include "kernelref.h"

static long double t[REF_MAX * REF_MAX], largest[REF_MAX], sum[REF_MAX];
static double      MS[2 * REF_MAX];

static void Neutral(FenInt n)
{
  for (FenInt i = 0; i < n; i++) {
    MS[2 * i] = FEN_NONE;
    MS[2 * i + 1] = 0;
  }
}

/* sum 2^(t_ij - largest_i) */
static void Reference(const FenTile *T)
{
  RefExponents(T, t);
  for (FenInt i = 0; i < T->nt; i++) {
    largest[i] = RefLargest(T, t, i);
    sum[i] = 0;
    for (FenInt j = 0; j < T->ns; j++)
      sum[i] += exp2l(t[i * REF_MAX + j] - largest[i]);
  }
}

/* of the sums, whatever M_i the kernel has chosen; NaN is the worst */
static double WorstError(const FenTile *T)
{
  double worst = 0;

  for (FenInt i = 0; i < T->nt; i++) {
    const double error = fabs((double)(MS[2 * i + 1] / (sum[i] * exp2l(largest[i] - MS[2 * i])) - 1));

    worst = error <= worst ? worst : isnan(error) ? HUGE_VAL : error;
  }
  return worst;
}

static void Sums(RefTile *R, double spread)
{
  static const FenInt chunks[] = {0, 64, 16, 7};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K);

  Reference(&R->T);
  for (int k = 0; k < n; k++)
    for (int c = 0; c < 4; c++) {
      RefBoxes(R, chunks[c]);
      Neutral(R->T.nt);
      K[k]->lse(&R->T, MS);
      FEN_ASSERT_NEAR(WorstError(&R->T), 0, 1e-14 + RefNoise(&R->T, spread));
    }
}

/* sources in two tiles, the second call updates the first one's result */
static void Updates(RefTile *R, double spread)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  const FenInt      ns = R->T.ns, cut = (2 * ns) / 3;

  if (!cut)
    return;
  Reference(&R->T);
  for (int k = 0; k < n; k++) {
    FenTile part = R->T;

    Neutral(part.nt);
    part.ns = cut;
    K[k]->lse(&part, MS);
    part.ns = ns - cut;
    part.xs += cut;
    part.u += cut;
    part.cost += cut;
    K[k]->lse(&part, MS);
    FEN_ASSERT_NEAR(WorstError(&R->T), 0, 1e-14 + RefNoise(&R->T, spread));
  }
}

static void TestSums(void **state)
{
  (void)state;
  RefForAll(Sums);
}

static void TestUpdates(void **state)
{
  (void)state;
  RefForAll(Updates);
}

/* sources without weight only: finite, and nothing next to any other source */
static void TestNoWeight(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  RefTile          *R = (RefTile *)malloc(sizeof(*R));

  (void)state;
  for (int k = 0; k < n; k++)
    for (int boxes = 0; boxes < 2; boxes++) {
      double out[REF_MAX];

      RefFill(R, FEN_TILE_SQEUCLIDEAN, 3, 65, 64, 100, 1);
      RefBoxes(R, boxes ? 16 : 0);
      Neutral(R->T.nt);
      K[k]->lse(&R->T, MS);
      K[k]->log2sum(R->T.nt, MS, out);
      for (FenInt i = 0; i < R->T.nt; i++)
        assert_true(isfinite(out[i]) && out[i] < -1e299);
      RefFill(R, FEN_TILE_SQEUCLIDEAN, 3, 65, 64, 100, 0);
      RefBoxes(R, boxes ? 16 : 0);
      Reference(&R->T);
      K[k]->lse(&R->T, MS);
      FEN_ASSERT_NEAR(WorstError(&R->T), 0, 1e-14);
    }
  free(R);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSums), cmocka_unit_test(TestUpdates),
                                     cmocka_unit_test(TestNoWeight)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
