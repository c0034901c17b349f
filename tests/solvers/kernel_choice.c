/* SPDX-License-Identifier: BSD-2-Clause */
/* Logarithms of sums, and the choice of an instruction set by name. */
#include "kernelref.h"

#define LOGS 1000

static void TestLog2Sum(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  double            MS[2 * LOGS], out[LOGS];

  (void)state;
  for (int k = 0; k < n; k++)
    for (int s = 0; s < REF_NSIZES; s++)
      for (int wide = 0; wide < 2; wide++) {
        const FenInt m = ref_sizes[s] * (wide ? 5 : 1);

        for (FenInt i = 0; i < m; i++) {
          const double r = FenRandomUniform(5, (uint64_t)i, 1);

          MS[2 * i] = wide ? RefSixteenth(6, i, 1e4) : 0;
          MS[2 * i + 1] = wide ? exp2(2000 * r - 1000) : 1 + 1e-3 * (r - 0.5); /* near one the logarithm is small */
        }
        K[k]->log2sum(m, MS, out);
        for (FenInt i = 0; i < m; i++) {
          const long double l = log2l((long double)MS[2 * i + 1]);

          FEN_ASSERT_NEAR(out[i], (double)(MS[2 * i] + l), 4.5e-16 * (fabs(MS[2 * i]) + (double)fabsl(l)));
        }
      }
}

static void TestNames(void **state)
{
  const FenKernels *best, *other;

  (void)state;
  FEN_OK(FenKernelsGet(NULL, &best));
  FEN_OK(FenKernelsGet("auto", &other));
  assert_ptr_equal(best, other);
  FEN_OK(FenKernelsGet(best->name, &other));
  assert_ptr_equal(best, other);
  FEN_OK(FenKernelsGet("portable", &other));
  assert_string_equal(other->name, "portable");
  FEN_ERROR(FenKernelsGet("mmx", &other), FEN_ERR_OPTION, "-fen_simd mmx");
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestLog2Sum), cmocka_unit_test(TestNames)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
