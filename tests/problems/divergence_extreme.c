/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What every worst case obeys, at moderate and at extreme numbers: values are bounds that hold, within their slack, of
   laws that come with them; limits, derivatives and symmetries; input that is refused.
*/
#include <fencheldivergence.h>
#include "fentest.h"

typedef struct {
  const char *name;
  double      a;
} Case;
static const Case cases[] = {{"kl", 0}, {"burg", 0},      {"jeffreys", 0}, {"js", 0},    {"pearson", 0}, {"neyman", 0},
                             {"tv", 0}, {"hellinger", 0}, {"alpha", 0.4},  {"alpha", 3}, {"alpha", 1.5}, {"alpha", -2}};
enum { NCASES = sizeof(cases) / sizeof(cases[0]), N = 6 };

static FenDivergence Create(Case c)
{
  FenDivergence div;

  FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, c.name, c.a, &div));
  return div;
}

static double Random(uint64_t k, uint32_t stream)
{
  return FenRandomUniform(79, k, stream);
}

static FenWorstCase Worst(FenDivergence div, int ball, FenInt n, const double q[], const double v[], double size,
                          double p[])
{
  FenWorstCase out;

  if (ball)
    FEN_OK(FenDivergenceWorstRadius(div, n, q, v, size, FEN_SUPPORT_NOMINAL, 0, NAN, p, &out));
  else
    FEN_OK(FenDivergenceWorstPenalty(div, n, q, v, size, FEN_SUPPORT_NOMINAL, 0, NAN, p, &out));
  return out;
}

static double Mean(FenInt n, const double p[], const double v[])
{
  FenDD sum = {0, 0};

  for (FenInt i = 0; i < n; i++)
    FenDDAddProduct(&sum, p[i], v[i]);
  return sum.hi + sum.lo;
}

static void Instance(uint64_t r, FenInt n, double q[], double v[])
{
  double sum = 0;

  for (FenInt i = 0; i < n; i++) {
    q[i] = .02 + Random(r * 1000 + (uint64_t)i, 0);
    v[i] = 5 * Random(r * 1000 + (uint64_t)i, 1) - 1;
    sum += q[i];
  }
  for (FenInt i = 0; i < n; i++)
    q[i] /= sum;
}

/* the law is one, and its own price lies within the slack of the value. Digits of v, and of p close to where it is
   cut off, are worth `grain` */
static void Consistent(FenDivergence div, int ball, FenInt n, const double q[], const double v[], double size,
                       double grain)
{
  double       p[2000], d, price, sum = 0, lo = INFINITY, most = -INFINITY;
  FenWorstCase out = Worst(div, ball, n, q, v, size, p);
  const char  *name;

  FEN_OK(FenDivergenceGetName(div, &name));
  if (!strcmp(name, "tv") && !ball) /* the last digits of p count in full */
    grain += 2e-15 * size;
  for (FenInt i = 0; i < n; i++) {
    if (!(p[i] >= 0 && (q[i] > 0 || p[i] == 0)))
      print_error("%s ball %d size %g: p[%d] = %g with q %g\n", name, ball, size, (int)i, p[i], q[i]);
    assert_true(p[i] >= 0 && (q[i] > 0 || p[i] == 0));
    sum += p[i];
    lo = q[i] > 0 ? fmin(lo, v[i]) : lo;
    most = q[i] > 0 ? fmax(most, v[i]) : most;
  }
  if (!(fabs(sum - 1) <= 1e-12))
    print_error("%s ball %d size %g\n", name, ball, size);
  FEN_ASSERT_NEAR(sum, 1, 1e-12);
  FEN_OK(FenDivergenceValue(div, n, p, q, &d));
  price = Mean(n, p, v) + (ball ? 0 : size * d);
  if (ball)
    assert_true(d <= size * (1 + 1e-9) + 1e-13);
  if (!(isfinite(out.value) && out.value >= lo - out.slack && out.value <= most && out.its < 4000))
    print_error("%s ball %d size %g: value %.17g in [%g,%g], its %d\n", name, ball, size, out.value, lo, most,
                (int)out.its);
  assert_true(isfinite(out.value) && out.value >= lo - out.slack && out.value <= most && out.its < 4000);
  if (!(out.value <= price + grain && price <= out.value + out.slack + grain) || !(out.slack <= grain))
    print_error("%s ball %d size %g: value %.17g price %.17g slack %g grain %g\n", name, ball, size, out.value, price,
                out.slack, grain);
  assert_true(out.value <= price + grain && price <= out.value + out.slack + grain);
  assert_true(out.slack <= grain);
}

static const double penalties[] = {1e-12, 1e-9, 1e-6, 1e-3, .03, .3, 1, 3, 30, 1e3, 1e6, 1e9, 1e12};
static const double radii[] = {0, 1e-18, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, .03, .3, 1, 3, 30, 1e3, 1e6, INFINITY};

static void AllSizes(FenInt n, const double q[], const double v[], double grain)
{
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (size_t s = 0; s < sizeof(penalties) / sizeof(penalties[0]); s++)
      Consistent(div, 0, n, q, v, penalties[s], grain);
    for (size_t s = 0; s < sizeof(radii) / sizeof(radii[0]); s++)
      Consistent(div, 1, n, q, v, radii[s], grain);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestSizes(void **state)
{
  double q[N], v[N];

  (void)state;
  for (uint64_t r = 1; r < 12; r++) {
    Instance(r, N, q, v);
    AllSizes(N, q, v, 2e-11);
  }
}

/* values of any size, beside zero and far from it; where mass may pop up below them too */
static void TestScales(void **state)
{
  static const double scales[] = {1e-290, 1e-150, 1e-100, 1e-60, 1e60, 1e100, 1e150, 1e290}, offsets[] = {0, 3, -1e6};
  static const double sizes[] = {1e-9, 1e-3, .05, .3, 5, 1e3, 1e9};
  double              q[N], v[N], w[N], x[N], p[N];
  FenWorstCase        a, b;

  (void)state;
  Instance(5, N, q, v);
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (size_t o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++)
      for (size_t c = 0; c < sizeof(scales) / sizeof(scales[0]); c++)
        for (size_t s = 0; s < 2 * sizeof(sizes) / sizeof(sizes[0]); s++) {
          const int    ball = s % 2;
          const double size = sizes[s / 2], grain = 2e-11 * (1 + 1e-4 * fabs(offsets[o])), scale = scales[c];

          for (FenInt i = 0; i < N; i++) {
            w[i] = v[i] + offsets[o];
            x[i] = w[i] * scale;
          }
          Consistent(div, ball, N, q, x, ball ? size : size * scale, grain * scale);
          if (ball) {
            FEN_OK(FenDivergenceWorstRadius(div, N, q, w, size, FEN_SUPPORT_ALL, offsets[o] - 9, NAN, p, &a));
            FEN_OK(FenDivergenceWorstRadius(div, N, q, x, size, FEN_SUPPORT_ALL, (offsets[o] - 9) * scale, NAN, p, &b));
          } else {
            FEN_OK(FenDivergenceWorstPenalty(div, N, q, w, size, FEN_SUPPORT_ALL, offsets[o] - 9, NAN, p, &a));
            FEN_OK(FenDivergenceWorstPenalty(div, N, q, x, size * scale, FEN_SUPPORT_ALL, (offsets[o] - 9) * scale, NAN,
                                             p, &b));
          }
          if (!(fabs(b.value / scale - a.value) <= grain && b.slack <= grain * scale))
            print_error("%s %g ball %d size %g scale %g offset %g: %.17g not %.17g, slack %g\n", cases[k].name,
                        cases[k].a, ball, size, scale, offsets[o], b.value / scale, a.value, b.slack);
          assert_true(fabs(b.value / scale - a.value) <= grain && b.slack <= grain * scale);
        }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestOneEntry(void **state)
{
  const double one = 1, v = -3.25;

  (void)state;
  AllSizes(1, &one, &v, 1e-14);
}

static void TestEqualValues(void **state)
{
  const double q[4] = {.1, .2, .3, .4}, v[4] = {2.5, 2.5, 2.5, 2.5}, near[4] = {2.5, 2.5 + 4e-16, 2.5, 2.5 + 1e-15};

  (void)state;
  AllSizes(4, q, v, 1e-14);
  AllSizes(4, q, near, 2e-14);
}

static void TestTinyProbabilities(void **state)
{
  const double q[] = {1e-200, .3, 1e-20, 0, .7 - 1e-9, 1e-9, 0}, v[] = {0, 1, .5, -7, 2, 1.5, 1e300};
  const double few[] = {1e-12, .5 - 1e-12, .5}, w[] = {0, 1, 1};

  (void)state;
  AllSizes(7, q, v, 2e-11);
  AllSizes(3, few, w, 2e-11);
}

static void TestOffset(void **state)
{
  double q[N], v[N];

  (void)state;
  Instance(3, N, q, v);
  for (int i = 0; i < N; i++)
    v[i] += 1e6;
  AllSizes(N, q, v, 1e-9);
  for (int i = 0; i < N; i++)
    v[i] = 1e-150 * (v[i] - 1e6);
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    Consistent(div, 1, N, q, v, .1, 1e-160);
    Consistent(div, 0, N, q, v, 1e-150, 1e-160);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestLong(void **state)
{
  static double q[2000], v[2000];

  (void)state;
  Instance(8, 2000, q, v);
  AllSizes(2000, q, v, 1e-8);
}

/* both ends of the penalty, and the expansion for a large one */
static void TestLimits(void **state)
{
  double q[N], v[N];

  (void)state;
  Instance(5, N, q, v);
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;
    double                 mean = Mean(N, q, v), var = 0, lo = v[0];

    FEN_OK(FenDivergenceGetConstants(div, &c));
    for (int i = 0; i < N; i++) {
      var += q[i] * (v[i] - mean) * (v[i] - mean);
      lo = fmin(lo, v[i]);
    }
    FEN_ASSERT_NEAR(Worst(div, 0, N, q, v, 1e12, NULL).value, mean, 1e-11);
    FEN_ASSERT_NEAR(Worst(div, 1, N, q, v, 0, NULL).value, mean, 1e-14);
    FEN_ASSERT_NEAR(Worst(div, 0, N, q, v, 1e-12, NULL).value, lo, 1e-3); /* alpha = -2 goes with the cube root */
    if (c.curvature > 0) {
      FEN_ASSERT_NEAR(Worst(div, 0, N, q, v, 1e5, NULL).value, mean - var / (2e5 * c.curvature), 1e-8);
      FEN_ASSERT_NEAR(Worst(div, 1, N, q, v, 1e-10, NULL).value, mean - sqrt(2e-10 * var / c.curvature), 2e-9);
      FEN_ASSERT_NEAR(Worst(div, 1, N, q, v, 1e-18, NULL).value, mean - sqrt(2e-18 * var / c.curvature), 4e-14);
    }
    if (isfinite(c.zero))
      assert_true(Worst(div, 1, N, q, v, 1e6, NULL).value == lo || !strcmp(cases[k].name, "alpha"));
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* in v: shifts, monotone, concave, 1-Lipschitz; in the size: monotone; the ball is the best penalty */
static void TestLaws(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (uint64_t r = 1; r < 40; r++) {
      const int    ball = (int)(r % 2);
      const double size = exp(5 * Random(r, 2) - 3);
      double       q[N], v[N], w[N], m[N], s[N], at, apart = 0, a, b;

      Instance(r, N, q, v);
      for (int i = 0; i < N; i++) {
        w[i] = v[i] + Random(r * 10 + (uint64_t)i, 3);
        m[i] = .5 * (v[i] + w[i]);
        s[i] = v[i] + 8;
        apart = fmax(apart, w[i] - v[i]);
      }
      at = Worst(div, ball, N, q, v, size, NULL).value;
      a = Worst(div, ball, N, q, w, size, NULL).value;
      FEN_ASSERT_NEAR(Worst(div, ball, N, q, s, size, NULL).value, at + 8, 1e-13);
      assert_true(at <= a + 1e-13 && a <= at + apart + 1e-13);
      assert_true(Worst(div, ball, N, q, m, size, NULL).value >= .5 * (at + a) - 1e-13);
      b = Worst(div, ball, N, q, v, 1.5 * size, NULL).value;
      assert_true(ball ? b <= at + 1e-13 : b >= at - 1e-13);
      if (ball) {
        for (double lambda = .01; lambda < 50; lambda *= 1.5)
          assert_true(Worst(div, 0, N, q, v, lambda, NULL).value - lambda * size <= at + 1e-12);
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* derivatives of the value: by v the law, by lambda the divergence, by rho minus lambda */
static void TestSensitivities(void **state)
{
  const double h = 1e-4;

  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);
    const double  tol = !strcmp(cases[k].name, "tv") || cases[k].a > 2 ? 1e-4 : 2e-6; /* kinks may be near */

    for (uint64_t r = 1; r < 12; r++) {
      double       q[N], v[N], p[N], d, up, down;
      FenWorstCase out;

      Instance(r, N, q, v);
      for (int ball = 0; ball < 2; ball++) {
        const double size = ball ? .04 : 1.1;

        out = Worst(div, ball, N, q, v, size, p);
        for (int i = 0; i < N; i++) {
          const double kept = v[i];

          v[i] = kept + h;
          up = Worst(div, ball, N, q, v, size, NULL).value;
          v[i] = kept - h;
          down = Worst(div, ball, N, q, v, size, NULL).value;
          v[i] = kept;
          FEN_ASSERT_NEAR((up - down) / (2 * h), p[i], tol);
        }
        up = Worst(div, ball, N, q, v, size * (1 + h), NULL).value;
        down = Worst(div, ball, N, q, v, size * (1 - h), NULL).value;
        FEN_OK(FenDivergenceValue(div, N, p, q, &d));
        FEN_ASSERT_NEAR((up - down) / (2 * h * size), ball ? -out.multiplier : d, 10 * tol);
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestBest(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (uint64_t r = 1; r < 20; r++) {
      double       q[N], v[N], minus[N], p[N], best[N], again;
      FenWorstCase worst, out;

      Instance(r, N, q, v);
      for (int i = 0; i < N; i++)
        minus[i] = -v[i];
      worst = Worst(div, 0, N, q, minus, .4, p);
      FEN_OK(FenDivergenceBestPenalty(div, N, q, v, .4, NAN, best, &out));
      assert_true(out.value == -worst.value && out.multiplier == -worst.multiplier && !memcmp(p, best, sizeof(p)));
      again = out.value;
      FEN_OK(FenDivergenceBestPenalty(div, N, q, v, .4, out.multiplier, NULL, &out));
      FEN_ASSERT_NEAR(out.value, again, 1e-14);
      assert_true(out.its <= 5 && out.value >= Mean(N, q, v) - 1e-14);
      worst = Worst(div, 1, N, q, minus, .15, p);
      FEN_OK(FenDivergenceBestRadius(div, N, q, v, .15, NAN, best, &out));
      assert_true(out.value == -worst.value && out.multiplier == worst.multiplier && !memcmp(p, best, sizeof(p)));
      FEN_ASSERT_NEAR(Mean(N, best, v), out.value, 1e-9);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestRefused(void **state)
{
  const double q[] = {.5, .5}, v[] = {1, 2}, poor[] = {.5, -.5}, half[] = {.25, .25}, bad[] = {1, NAN}, zero[] = {0, 0};
  FenDivergence kl = Create(cases[0]), burg = Create(cases[1]);
  FenWorstCase  out;

#define PENALTY(n, law, values, lambda)                                                                                \
  FenDivergenceWorstPenalty(kl, n, law, values, lambda, FEN_SUPPORT_NOMINAL, 0, NAN, NULL, &out)
  (void)state;
  FEN_ERROR(PENALTY(2, q, v, 0), FEN_ERR_VALUE, "penalty 0");
  FEN_ERROR(PENALTY(2, q, v, -1), FEN_ERR_VALUE, "penalty -1");
  FEN_ERROR(PENALTY(2, q, v, NAN), FEN_ERR_VALUE, "penalty nan");
  FEN_ERROR(PENALTY(0, q, v, 1), FEN_ERR_SHAPE, "a law of 0 entries");
  FEN_ERROR(PENALTY(2, poor, v, 1), FEN_ERR_VALUE, "probability 1 is -0.5");
  FEN_ERROR(PENALTY(2, half, v, 1), FEN_ERR_VALUE, "sum to 0.5");
  FEN_ERROR(PENALTY(2, zero, v, 1), FEN_ERR_VALUE, "sum to 0");
  FEN_ERROR(PENALTY(2, q, bad, 1), FEN_ERR_VALUE, "value 1 is nan");
  FEN_ERROR(FenDivergenceWorstRadius(kl, 2, q, v, -.1, FEN_SUPPORT_NOMINAL, 0, NAN, NULL, &out), FEN_ERR_VALUE,
            "radius -0.1");
  FEN_ERROR(FenDivergenceWorstRadius(burg, 2, q, v, .1, FEN_SUPPORT_ALL, NAN, NAN, NULL, &out), FEN_ERR_VALUE,
            "smallest value of all states");
  FEN_ERROR(FenDivergenceBestRadius(burg, 2, q, bad, .1, NAN, NULL, &out), FEN_ERR_VALUE, "value 1 is");
  FEN_OK(FenDivergenceDestroy(&kl));
  FEN_OK(FenDivergenceDestroy(&burg));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestSizes),         cmocka_unit_test(TestScales), cmocka_unit_test(TestOneEntry),
      cmocka_unit_test(TestEqualValues),   cmocka_unit_test(TestOffset), cmocka_unit_test(TestTinyProbabilities),
      cmocka_unit_test(TestLong),          cmocka_unit_test(TestLimits), cmocka_unit_test(TestLaws),
      cmocka_unit_test(TestSensitivities), cmocka_unit_test(TestBest),   cmocka_unit_test(TestRefused)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
