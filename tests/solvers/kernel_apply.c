/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The product kernel of every instruction set against long double sums, one to four values at once, with and without
   the cost as weight. Errors are relative to the sum of the terms' sizes, which is what a sum of signed terms allows.
*/
#include "kernelref.h"

static long double t[REF_MAX * REF_MAX], sum[2][4][REF_MAX], size[2][4][REF_MAX];

/* sums and sizes of their terms, for four values, without and with weights */
static void Reference(const FenTile *T)
{
  memset(sum, 0, sizeof(sum));
  memset(size, 0, sizeof(size));
  for (FenInt i = 0; i < T->nt; i++)
    for (FenInt j = 0; j < T->ns; j++) {
      const long double e = exp2l(T->w[i] + t[i * REF_MAX + j]), c = RefCost(T, i, j);

      for (int k = 0; k < 4 && e > 0; k++) {
        const long double v = T->v[k * T->ldv + j];

        sum[0][k][i] += e * v;
        sum[1][k][i] += c * e * v;
        size[0][k][i] += e * fabsl(v);
        size[1][k][i] += fmaxl(c, 1) * e * fabsl(v); /* what is passed over is small against e, not against c e */
      }
    }
}

static double Product(const FenKernels *K, const FenTile *T)
{
  double out[4 * REF_MAX], worst = 0;

  for (FenInt i = 0; i < T->nt * T->nv; i++)
    out[i] = 1; /* products add to what is there */
  K->apply(T, out);
  for (FenInt i = 0; i < T->nt; i++)
    for (int k = 0; k < T->nv; k++) {
      const long double s = sum[T->weighted][k][i], all = 1 + size[T->weighted][k][i];
      const double      error = fabs((double)((out[i * T->nv + k] - 1 - s) / all));

      worst = error <= worst ? worst : isnan(error) ? HUGE_VAL : error;
    }
  return worst;
}

static void Products(RefTile *R, double spread)
{
  static const FenInt chunks[] = {0, 64, 16};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K);

  RefExponents(&R->T, t);
  for (FenInt i = 0; i < R->T.nt; i++) /* the largest term of each target is one, up to the sixteenths */
    R->w[i] = -rint(16 * (double)RefLargest(&R->T, t, i)) / 16;
  Reference(&R->T);
  for (int c = 0; c < 3; c++) {
    RefBoxes(R, chunks[c]);
    for (R->T.weighted = 0; R->T.weighted < 2; R->T.weighted++)
      for (R->T.nv = 1; R->T.nv <= 4; R->T.nv += R->T.nt > 65 ? 3 : 1)
        for (int k = 0; k < n; k++)
          FEN_ASSERT_NEAR(Product(K[k], &R->T), 0, 1e-14 + RefNoise(&R->T, spread));
  }
}

static void TestProducts(void **state)
{
  (void)state;
  RefForAll(Products);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestProducts)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
