/* SPDX-License-Identifier: BSD-2-Clause */
/* Closed forms on a few points: two by two, a Dirac, a translation. Every type. */
#include "solve.h"
#include <stdlib.h>

/* p = P_11 of spec 1 (i): (1-k) p^2 + ((1-a-b) + k(a+b)) p - k a b = 0 with k = exp(-(C11+C22-C12-C21)/eps) */
static double TwoByTwo(double a, double b, const double C[4], double eps)
{
  const double      w[4] = {a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)};
  const long double k = expl(-((long double)C[0] + C[3] - C[1] - C[2]) / eps);
  const long double A = 1 - k, B = (1 - a - b) + k * (a + b), c = -k * a * b, d = sqrtl(B * B - 4 * A * c);
  long double       p = 2 * c / (-B - (B >= 0 ? d : -d)), P[4], value = 0;

  if (!(p >= fmax(0, a + b - 1) && p <= fmin(a, b))) /* the other root, without cancellation */
    p = (-B - (B >= 0 ? d : -d)) / (2 * A);
  assert_true(p >= fmax(0, a + b - 1) && p <= fmin(a, b));
  P[0] = p;
  P[1] = a - p;
  P[2] = b - p;
  P[3] = 1 - a - b + p;
  for (int l = 0; l < 4; l++)
    value += C[l] * P[l] + eps * (P[l] > 0 ? P[l] * logl(P[l] / w[l]) : 0);
  return (double)value;
}

static void TestTwoByTwo(void **state)
{
  static const double eps[] = {0.05, 0.3, 2, 50};

  (void)state;
  for (int r = 0; r < 20; r++)
    for (int t = 0; t < NTYPES; t++) {
      const double a = 0.05 + 0.9 * FenRandomUniform(1, (uint64_t)r, 0),
                   b = 0.05 + 0.9 * FenRandomUniform(1, (uint64_t)r, 1);
      double      x[2][2], w[2][2] = {{a, 1 - a}, {b, 1 - b}}, C[4];
      FenMeasure  m[2];
      FenOTBounds B;

      for (int s = 0; s < 2; s++) {
        for (int i = 0; i < 2; i++)
          x[s][i] = FenRandomUniform(2, (uint64_t)(2 * r + i), (uint32_t)s);
        m[s] = SolvePoints(2, 1, x[s], w[s]);
      }
      for (int l = 0; l < 4; l++)
        C[l] = (x[0][l / 2] - x[1][l % 2]) * (x[0][l / 2] - x[1][l % 2]);
      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_FALSE));
      B = SolveOnce(solve_types[t], m, NULL, eps[r % 4] * 0.2, 1e-9);
      SOLVE_ENCLOSES(B, TwoByTwo(a, b, C, eps[r % 4] * 0.2), 1e-8, 1e-15);
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
    }
}

/* one source point: the only plan is the product, whatever eps is */
static void TestDirac(void **state)
{
  const double one = 1, at[2] = {0.3, -1.2};

  (void)state;
  for (int t = 0; t < NTYPES; t++)
    for (int swap = 0; swap < 2; swap++)
      for (FenInt n = 1; n <= 50; n += 49) {
        double      x[100], w[50], value = 0, mass = 0;
        FenMeasure  m[2];
        FenOTBounds B;

        for (FenInt i = 0; i < n; i++) {
          w[i] = FenRandomUniform(3, (uint64_t)i, 0);
          x[2 * i] = FenRandomUniform(3, (uint64_t)i, 1);
          x[2 * i + 1] = FenRandomUniform(3, (uint64_t)i, 2);
          mass += w[i];
          value += w[i] * ((x[2 * i] - at[0]) * (x[2 * i] - at[0]) + (x[2 * i + 1] - at[1]) * (x[2 * i + 1] - at[1]));
        }
        value /= mass;
        m[swap] = SolvePoints(1, 2, at, &one);
        m[1 - swap] = SolvePoints(n, 2, x, w);
        FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
        B = SolveOnce(solve_types[t], m, NULL, 0.01, 1e-10);
        SOLVE_ENCLOSES(B, value, 1e-10, 1e-14);
        FEN_ASSERT_NEAR(B.ot_lower, value, 1e-12);
        FEN_ASSERT_NEAR(B.ot_upper, value, 1e-12);
        FEN_OK(FenMeasureDestroy(&m[0]));
        FEN_OK(FenMeasureDestroy(&m[1]));
      }
}

/* a measure and itself moved by d: |d|^2 more than the measure and itself */
static void TestTranslation(void **state)
{
  const double d[3] = {3, -0.5, 20};

  (void)state;
  for (int t = 0; t < NTYPES; t++) {
    FenOTBounds  B[2];
    const FenInt n = 60;
    double       x[180], y[180], w[60];

    for (FenInt i = 0; i < 3 * n; i++) {
      x[i] = FenRandomNormal(4, (uint64_t)i, 0);
      y[i] = x[i] + d[i % 3];
      w[i / 3] = FenRandomUniform(4, (uint64_t)(i / 3), 1);
    }
    for (int moved = 0; moved < 2; moved++) {
      FenMeasure m[2] = {SolvePoints(n, 3, x, w), SolvePoints(n, 3, moved ? y : x, w)};

      FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_FALSE));
      B[moved] = SolveOnce(solve_types[t], m, NULL, 0.5, 1e-11);
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
    }
    SOLVE_ENCLOSES(B[1], B[0].lower + d[0] * d[0] + d[1] * d[1] + d[2] * d[2], 1e-10, B[0].upper - B[0].lower);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTwoByTwo), cmocka_unit_test(TestDirac),
                                     cmocka_unit_test(TestTranslation)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
