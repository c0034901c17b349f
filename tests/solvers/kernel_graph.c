/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps over the graph of a grid, every instruction set against double precision. */
#include "kernelref.h"

#define N   192 /* a multiple of twice any number of lanes */
#define PAD 64
#define NK  12
#define LD  (N + 2 * PAD)

static void TestGraph(void **state)
{
  static const FenInt shift[NK] = {1, 2, 15, 16, 17, 18, 19, 32, 33, 34, 35, 36};
  static float        w[NK * LD], x[LD], b[N], y[N];
  const FenKernels   *K[3];
  const int           n = RefKernels(K);

  (void)state;
  for (FenInt i = 0; i < NK * LD; i++)
    w[i] = (float)FenRandomUniform(51, (uint64_t)i, 0);
  for (FenInt i = 0; i < LD; i++)
    x[i] = (float)FenRandomUniform(52, (uint64_t)i, 0) - 0.5F;
  for (FenInt i = 0; i < N; i++)
    b[i] = (float)FenRandomUniform(53, (uint64_t)i, 0);
  for (int k = 0; k < n; k++)
    for (int mode = 0; mode < 2; mode++) {
      const FenGraph G = {
          .n = N, .nk = NK, .ld = LD, .shift = shift, .w = w + PAD, .x = x + PAD, .b = b, .damping = 0.6F};

      assert_int_equal(N % (2 * K[k]->linelanes), 0);
      K[k]->graph(&G, mode ? FEN_GRAPH_JACOBI : FEN_GRAPH_RESIDUAL, y);
      for (FenInt q = 0; q < N; q++) {
        double r = (double)b[q] - (double)G.x[q];

        for (int s = 0; s < NK; s++)
          r += (double)G.w[s * LD + q] * (double)G.x[q + shift[s]] +
               (double)G.w[s * LD + q - shift[s]] * (double)G.x[q - shift[s]];
        FEN_ASSERT_NEAR((double)y[q], mode ? (double)G.x[q] + 0.6 * r : r, 1e-5);
      }
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGraph)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
