/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines with the cost |x-y|, for every instruction set: log sums, products with the plan, their transposes, squares and
   costs, couplings with another line, all against long double. Axes have different spacings and origins, overlap or
   not, points of both coincide or not; some sources and whole lanes weigh nothing. Everything is a multiple of 1/16, so
   that scores are exact.
*/
#include "kernelref.h"

#define LANES  16
#define MOST   90
#define SIZE   (MOST * LANES)
#define RADIUS 2

typedef struct {
  FenCones    P;
  int         lanes;
  double      xt[MOST], xs[MOST], u[SIZE], u2[SIZE], v[SIZE], L[SIZE], L2[SIZE], minus[SIZE], minus2[SIZE];
  double      scale[4 * SIZE], work[2 * SIZE], sums[4 * SIZE], out[(2 * RADIUS + 1) * SIZE];
  long double e[MOST][MOST], f[MOST][MOST]; /* of one lane: factors of the plan of u, of u2 */
} Cones;

typedef struct {
  double origin, ht, hs;
} Axes;

static const Axes   axes[] = {{0, 0.25, 0.25}, {1.5, 0.125, 0.5}, {-40, 0.25, 0.125}, {60, 0.5, 0.25}, {3, 8, 0.0625}};
static const FenInt sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {3, 31}, {33, 20}, {64, 64}, {80, 45}, {37, 90}};

/* a fifth of the sources and, when zeros is 2, every third lane weigh nothing; 3: nothing weighs anything */
static void Fill(Cones *C, const Axes *a, FenInt nt, FenInt ns, double spread, int zeros)
{
  const uint64_t seed = (uint64_t)(1000 * nt + ns);

  C->P = (FenCones){.nt = nt, .ns = ns, .xt = C->xt, .xs = C->xs, .u = C->u, .v = C->v, .work = C->work};
  for (FenInt j = 0; j < ns; j++)
    C->xs[j] = (double)j * a->hs;
  for (FenInt i = 0; i < nt; i++)
    C->xt[i] = a->origin + (double)i * a->ht;
  for (FenInt j = 0; j < ns; j++)
    for (int l = 0; l < C->lanes; l++) {
      const int none = zeros == 3 || (zeros == 2 && l % 3 == 1) || (zeros && ns > 1 && (j + 2 * l) % 5 == 0);

      C->u[j * C->lanes + l] = none ? FEN_NONE : RefSixteenth(seed, j * LANES + l, spread / 2);
      C->u2[j * C->lanes + l] = none ? FEN_NONE : RefSixteenth(seed + 7, j * LANES + l, spread / 2);
    }
  for (FenInt k = 0; k < MOST * C->lanes; k++)
    C->v[k] = 2 * FenRandomUniform(seed + 1, (uint64_t)k, 0) - 1;
}

static long double Cost(const Cones *C, FenInt i, FenInt j)
{
  return fabsl((long double)C->xt[i] - C->xs[j]);
}

/* normalised rows of a lane, and what was computed for their log sums */
static void Rows(const Cones *C, const double u[], int lane, const double L[], long double e[MOST][MOST])
{
  for (FenInt i = 0; i < C->P.nt; i++) {
    long double m = -HUGE_VALL, sum = 0;

    for (FenInt j = 0; j < C->P.ns; j++)
      if (u[j * C->lanes + lane] > FEN_NONE)
        m = fmaxl(m, u[j * C->lanes + lane] - Cost(C, i, j));
    for (FenInt j = 0; j < C->P.ns; j++) {
      e[i][j] = u[j * C->lanes + lane] > FEN_NONE ? exp2l(u[j * C->lanes + lane] - Cost(C, i, j) - m) : 0;
      sum += e[i][j];
    }
    for (FenInt j = 0; j < C->P.ns; j++)
      e[i][j] = sum > 0 ? e[i][j] / sum : 0;
    if (sum > 0)
      FEN_ASSERT_NEAR(L[i * C->lanes + lane], (double)(m + log2l(sum)), 1e-14 + 2.3e-16 * fabs((double)m));
    else
      assert_true(L[i * C->lanes + lane] == FEN_NONE);
  }
}

static void CheckMult(const Cones *C, int lane)
{
  for (FenInt i = 0; i < C->P.nt; i++) {
    long double sum = 0, all = 0;

    for (FenInt j = 0; j < C->P.ns; j++) {
      const long double t = (C->P.weighted ? Cost(C, i, j) : 1) * C->e[i][j];

      sum += t * C->v[j * C->lanes + lane];
      all += (C->P.weighted ? fmaxl(1, Cost(C, i, j)) : 1) * C->e[i][j];
    }
    FEN_ASSERT_NEAR(C->out[i * C->lanes + lane], (double)sum, 3e-14 * (double)all);
  }
}

static void CheckTransposed(const Cones *C, int squares, int lane)
{
  for (FenInt j = 0; j < C->P.ns; j++) {
    long double sum = 0, all = 0;

    for (FenInt i = 0; i < C->P.nt; i++) {
      const long double t = squares ? C->e[i][j] * C->e[i][j] : C->e[i][j];

      sum += t * C->v[i * C->lanes + lane];
      all += t * fabsl(C->v[i * C->lanes + lane]);
    }
    FEN_ASSERT_NEAR(C->out[j * C->lanes + lane], (double)sum, 3e-14 * (double)all + 1e-190);
  }
}

static void CheckCouplings(const Cones *C, int lane)
{
  for (FenInt o = -RADIUS; o <= RADIUS; o++)
    for (FenInt j = 0; j < C->P.ns; j++) {
      const double out = C->out[((o + RADIUS) * C->P.ns + j) * C->lanes + lane];
      long double  sum = 0, all = 0;

      if (j + o < 0 || j + o >= C->P.ns) {
        assert_true(out == 0);
        continue;
      }
      for (FenInt i = 0; i < C->P.nt; i++) {
        const long double t = C->e[i][j] * C->f[i][j + o] * C->v[i * C->lanes + lane];

        sum += t;
        all += fabsl(t);
      }
      /* exponents carry the rounding errors of both log sums */
      FEN_ASSERT_NEAR(out, (double)sum,
                      (1e-13 + 1e-15 * (fabs(C->L[lane]) + fabs(C->L2[lane]))) * (double)all + 1e-190);
    }
}

static void Check(const FenKernels *K, Cones *C)
{
  const FenInt        n = C->P.nt * C->lanes;
  const FenConeCouple pair = {-RADIUS, RADIUS, C->u2, {C->minus, C->minus2}, C->sums};

  C->P.u = C->u2;
  K->conelse(&C->P, C->L2);
  C->P.u = C->u;
  K->conelse(&C->P, C->out);
  C->P.scale = C->scale;
  K->conelse(&C->P, C->L);
  assert_memory_equal(C->out, C->L, (size_t)n * sizeof(double));
  for (FenInt k = 0; k < n; k++) {
    C->minus[k] = C->L[k] > FEN_NONE ? -C->L[k] : FEN_NONE;
    C->minus2[k] = C->L2[k] > FEN_NONE ? -C->L2[k] : FEN_NONE;
  }
  for (int lane = 0; lane < C->lanes; lane += 3) {
    Rows(C, C->u, lane, C->L, C->e);
    Rows(C, C->u2, lane, C->L2, C->f);
    for (C->P.weighted = 0; C->P.weighted < 2; C->P.weighted++) {
      K->conemult(&C->P, C->out);
      CheckMult(C, lane);
    }
    for (int squares = 0; squares < 2; squares++) {
      K->conemulttranspose(&C->P, squares, C->out);
      CheckTransposed(C, squares, lane);
    }
    K->conecouple(&C->P, &pair, C->out);
    CheckCouplings(C, lane);
  }
}

static void TestCones(void **state)
{
  static const double spreads[] = {0, 8, 300, 1e4};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K), nsizes = (int)(sizeof(sizes) / sizeof(*sizes));
  Cones              *C = (Cones *)calloc(1, sizeof(*C));

  (void)state;
  for (int k = 0; k < n; k++)
    for (int c = 0; c < nsizes * 5 * 4; c++) {
      C->lanes = K[k]->linelanes;
      memset(C->scale, 0xff, sizeof(C->scale)); /* not a number: what was not written must not be read */
      Fill(C, &axes[c % 5], sizes[c / 20][0], sizes[c / 20][1], spreads[c / 5 % 4], c % 4);
      Check(K[k], C);
    }
  free(C);
}

/* exponents so large that they say nothing about distances: still finite, and right to rounding errors */
static void TestLargeExponents(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  Cones            *C = (Cones *)calloc(1, sizeof(*C));

  (void)state;
  for (int k = 0; k < n; k++) {
    C->lanes = K[k]->linelanes;
    Fill(C, &(Axes){0, 1.1e10, 0.9e10}, 80, 90, 1e20, 2);
    K[k]->conelse(&C->P, C->L);
    for (FenInt i = 0; i < C->P.nt; i++)
      for (int l = 0; l < C->lanes; l++) {
        double m = FEN_NONE;

        for (FenInt j = 0; j < C->P.ns; j++)
          m = fmax(m, C->u[j * C->lanes + l] - fabs(C->xt[i] - C->xs[j]));
        FEN_ASSERT_NEAR(C->L[i * C->lanes + l], m, 1e-15 * 1e21);
      }
  }
  free(C);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCones), cmocka_unit_test(TestLargeExponents)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
