/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps over the graph of a grid, every instruction set against double precision. */
#include "kernelref.h"
#include <math.h>
#include <string.h>

#define N   192 /* a multiple of twice any number of lanes */
#define PAD 64
#define NK  12
#define LD  (N + 6 * PAD)

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

#define ROW    32 /* as long as rows of whole blocks are with all numbers of lanes */
#define BEFORE 96 /* points that only send */
#define BLOCKS 64 /* of sums: more than edges reach over */
#define EMPTY  48 /* points from EMPTY to 2 EMPTY are coupled to nothing */

static double Weight(const float w[], FenInt k, FenInt q)
{
  const FenInt begin = PAD, end = PAD + BEFORE + N;

  return q >= begin && q < end ? (double)w[k * LD + q] : 0;
}

/* in blocks of the kernel's lanes, as numbers of two bytes: weights are such numbers */
static void Pack(const float w[], FenInt nk, FenInt n, FenInt lanes, uint16_t packed[], const uint16_t *block[])
{
  for (FenInt q = 0; q < n; q++)
    block[q / lanes] = NULL;
  for (FenInt q = 0; q < n; q++)
    for (FenInt k = 0; k < nk; k++) {
      uint32_t bits;

      memcpy(&bits, &w[k * LD + q], sizeof(bits));
      packed[(q / lanes * nk + k) * lanes + q % lanes] = (uint16_t)(bits >> 16);
      if (w[k * LD + q] > 0)
        block[q / lanes] = packed + q / lanes * nk * lanes;
    }
}

/* the same of blocks, in one part or two, and after points that belong to a neighbour */
static void TestVolume(void **state)
{
  static const FenInt    shift[NK] = {1,       2,           ROW - 2,     ROW - 1,     ROW,         ROW + 1,
                                      ROW + 2, 2 * ROW - 2, 2 * ROW - 1, 2 * ROW + 0, 2 * ROW + 1, 2 * ROW + 2};
  static float           w[NK * LD], x[LD], d[LD], b[LD], y[LD], sums[BLOCKS * 5 * 16];
  static uint16_t        packed[NK * LD];
  static const uint16_t *block[LD];
  const FenInt           first = PAD + BEFORE;
  const FenKernels      *K[3];
  const int              n = RefKernels(K);

  (void)state;
  for (FenInt k = 0; k < NK; k++)
    for (FenInt q = PAD; q < first + N; q++) {
      const FenInt from = q - first, to = from + shift[k];
      const int    none = (from >= EMPTY && from < 2 * EMPTY) || (to >= EMPTY && to < 2 * EMPTY) || to >= N;

      w[k * LD + q] = none ? 0 : (float)floor(256 * FenRandomUniform(54, (uint64_t)q, (uint32_t)k)) / 256;
    }
  for (FenInt q = 0; q < LD; q++) {
    const int none = q - first >= EMPTY && q - first < 2 * EMPTY;

    x[q] = none ? 0 : (float)FenRandomUniform(55, (uint64_t)q, 0) - 0.5F;
    b[q] = none ? 0 : (float)FenRandomUniform(56, (uint64_t)q, 0);
    d[q] = (float)FenRandomUniform(57, (uint64_t)q, 0);
  }
  for (int k = 0; k < n; k++)
    for (int mode = 0; mode < 4; mode++) {
      const FenInt lanes = K[k]->linelanes, half = mode < 2 ? N : N / 2;

      Pack(w, NK, LD, lanes, packed, block);
      memset(sums, 0, sizeof(sums));
      for (FenInt q = 0; q < N; q += half) {
        const FenInt    at = first + q;
        const FenVolume G = {.n = half,
                             .before = q ? 0 : BEFORE,
                             .nk = NK,
                             .shift = shift,
                             .w = block + at / lanes,
                             .d = d + at,
                             .x = x + at,
                             .b = b + at,
                             .damping = 0.6F,
                             .sums = sums,
                             .block = at / lanes,
                             .mask = BLOCKS - 1};

        K[k]->volume(&G, mode % 2 ? FEN_GRAPH_JACOBI : FEN_GRAPH_RESIDUAL, y + at);
      }
      for (FenInt q = first; q < first + N; q++) {
        double r = (double)b[q] - (double)d[q] * (double)x[q];

        for (FenInt s = 0; s < NK; s++)
          r += Weight(w, s, q) * (double)x[q + shift[s]] + Weight(w, s, q - shift[s]) * (double)x[q - shift[s]];
        FEN_ASSERT_NEAR((double)y[q], block[q / lanes] ? mode % 2 ? (double)x[q] + 0.6 * r : r : 0.0, 1e-5);
      }
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGraph), cmocka_unit_test(TestVolume)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
