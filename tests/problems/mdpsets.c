/* SPDX-License-Identifier: BSD-2-Clause */
/* Worst cases of rows over sets that are no divergence: published small cases, brute force, properties, prices. */
#include <fenchelmdpsets.h>
#include "fentest.h"
#include <math.h>
#include <stdlib.h>

typedef enum { LINF, L1, LINE, TABLE, KINDS } Kind;

static FenSetWork work; /* made by the first test, given back by the last */

static double Uniform(uint64_t *seed)
{
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(*seed >> 11) * 0x1p-53;
}

#define N 5
typedef struct {
  double q[N], z[N], w[N], x[N], cost[N * N];
} Row;

static Row RandomRow(uint64_t *seed)
{
  Row    r;
  double sum = 0;

  for (int k = 0; k < N; k++) {
    r.q[k] = k == 2 && Uniform(seed) < 0.5 ? 0 : 0.05 + Uniform(seed); /* listed, with no mass */
    r.z[k] = 4 * Uniform(seed) - 1;
    r.w[k] = 0.5 + Uniform(seed);
    r.x[k] = (k ? r.x[k - 1] : 0) + 0.2 + Uniform(seed);
    sum += r.q[k];
  }
  for (int k = 0; k < N; k++)
    r.q[k] /= sum;
  for (int j = 0; j < N; j++)
    for (int k = 0; k < N; k++)
      r.cost[j * N + k] = (r.x[j] - r.x[k]) * (r.x[j] - r.x[k]);
  return r;
}

static FenWorstCase Ball(Kind kind, const Row *r, const double z[], double radius, double law[])
{
  FenWorstCase w = {0};

  if (kind == LINF)
    FEN_OK(FenWorstLinf(work, N, r->q, r->w, z, radius, law, &w));
  else if (kind == L1)
    FEN_OK(FenWorstL1(work, N, r->q, r->w, z, radius, law, &w));
  else
    FEN_OK(FenWorstWasserstein(work, N, r->q, kind == LINE ? (FenGround){.x = r->x} : (FenGround){.cost = r->cost}, z,
                               radius, law, &w));
  return w;
}

static FenWorstCase Price(Kind kind, const Row *r, double price, double law[])
{
  FenWorstCase w = {0};

  if (kind == LINF)
    FEN_OK(FenWorstLinfPrice(work, N, r->q, r->w, r->z, price, law, &w));
  else if (kind == L1)
    FEN_OK(FenWorstL1Price(work, N, r->q, r->w, r->z, price, law, &w));
  else
    FEN_OK(FenWorstWassersteinPrice(work, N, r->q, kind == LINE ? (FenGround){.x = r->x} : (FenGround){.cost = r->cost},
                                    r->z, price, law, &w));
  return w;
}

/* on a line the cost is the area between the distribution functions; with squares the monotone plan is the best one */
static double Transport(const Row *r, const double law[], PetscBool squares)
{
  double sum = 0, left[N], right[N];

  for (int k = 0; k < N; k++) {
    left[k] = r->q[k];
    right[k] = law[k];
  }
  for (int j = 0, k = 0; j < N && k < N;) {
    const double m = fmin(left[j], right[k]), d = fabs(r->x[j] - r->x[k]);

    sum += m * (squares ? d * d : d);
    left[j] -= m;
    right[k] -= m;
    if (left[j] <= right[k])
      j++;
    else
      k++;
  }
  return sum;
}

static double Divergence(Kind kind, const Row *r, const double law[])
{
  double sum = 0, most = 0;

  for (int k = 0; k < N; k++) {
    sum += r->w[k] * fabs(law[k] - r->q[k]);
    most = fmax(most, fabs(law[k] - r->q[k]) / r->w[k]);
  }
  return kind == LINF ? most : kind == L1 ? sum : Transport(r, law, kind == TABLE);
}

static double Mean(const double law[], const double z[])
{
  double sum = 0;

  for (int k = 0; k < N; k++)
    sum += law[k] * z[k];
  return sum;
}

/* spec 7.1 and 7.2 */
static void TestPublished(void **state)
{
  static const double q[] = {.5, .3, .2}, z[] = {0, 1, 3}, w[] = {1, 2, 1}, x[] = {0, 1, 2};
  static const double cost[] = {0, 1, 2, 1, 0, 1, 2, 1, 0}, radius[] = {.05, .1, .5};
  static const double known[4][3] = {{.75, .60, 0}, {.825, .75, .25}, {.80, .70, .20}, {.825, .75, .2666666666666667}};
  static const double two[] = {.8, .2}, gain[] = {1, 0};
  FenWorstCase        c[5];

  (void)state;
  FEN_OK(FenSetWorkCreate(&work));
  for (int k = 0; k < 3; k++) {
    FEN_OK(FenWorstLinf(work, 3, q, NULL, z, radius[k], NULL, &c[0]));
    FEN_OK(FenWorstL1(work, 3, q, NULL, z, radius[k], NULL, &c[1]));
    FEN_OK(FenWorstWasserstein(work, 3, q, (FenGround){.x = x}, z, radius[k], NULL, &c[2]));
    FEN_OK(FenWorstL1(work, 3, q, w, z, radius[k], NULL, &c[3]));
    FEN_OK(FenWorstWasserstein(work, 3, q, (FenGround){.cost = cost}, z, radius[k], NULL, &c[4]));
    for (int i = 0; i < 4; i++)
      FEN_ASSERT_NEAR(c[i].value, known[i][k], 1e-14);
    FEN_ASSERT_NEAR(c[4].value, known[2][k], 1e-14);
  }
  FEN_OK(FenWorstLinf(work, 2, two, NULL, gain, .1, NULL, &c[0]));
  FEN_OK(FenWorstL1(work, 2, two, NULL, gain, .1, NULL, &c[1]));
  FEN_OK(FenWorstWasserstein(work, 2, two, (FenGround){.x = x}, gain, .1, NULL, &c[2]));
  FEN_ASSERT_NEAR(c[0].value, 1 - .3, 1e-14);
  FEN_ASSERT_NEAR(c[1].value, 1 - .25, 1e-14);
  FEN_ASSERT_NEAR(c[2].value, 1 - .3, 1e-14);
}

/* the law is one, is allowed, attains the value; no other law does better */
static void TestLaws(void **state)
{
  uint64_t seed = 5;

  (void)state;
  for (int trial = 0; trial < 2000; trial++) {
    const Row    r = RandomRow(&seed);
    const double radius = pow(10, -3 + 4 * Uniform(&seed));

    for (Kind kind = LINF; kind < KINDS; kind++) {
      double             law[N], other[N], sum = 0, share = 1;
      const FenWorstCase c = Ball(kind, &r, r.z, radius, law);

      for (int k = 0; k < N; k++) {
        assert_true(law[k] >= 0);
        sum += law[k];
      }
      FEN_ASSERT_NEAR(sum, 1, 1e-14);
      assert_true(Divergence(kind, &r, law) <= radius * (1 + 1e-12) + 1e-14);
      assert_true(c.slack >= 0 && c.slack <= 1e-12);
      assert_true(c.value <= Mean(law, r.z) + 1e-15 && Mean(law, r.z) <= c.value + c.slack + 1e-14);
      for (int k = 0; k < N; k++)
        other[k] = Uniform(&seed) < 0.5 ? 0.01 : Uniform(&seed);
      sum = other[0] + other[1] + other[2] + other[3] + other[4];
      for (int k = 0; k < N; k++)
        other[k] /= sum;
      if (Divergence(kind, &r, other) > radius) /* the divergences are convex */
        share = radius / Divergence(kind, &r, other);
      for (int k = 0; k < N; k++)
        other[k] = r.q[k] + share * (other[k] - r.q[k]);
      assert_true(Mean(other, r.z) >= c.value - 1e-13);
    }
  }
}

/* monotone in z, shift-equivariant, concave, falling in the radius; radius 0 is nominal */
static void TestProperties(void **state)
{
  uint64_t seed = 6;

  (void)state;
  for (int trial = 0; trial < 500; trial++) {
    const Row    r = RandomRow(&seed), s = RandomRow(&seed);
    const double radius = pow(10, -2 + 2 * Uniform(&seed));
    double       above[N], shifted[N], half[N];

    for (int k = 0; k < N; k++) {
      above[k] = r.z[k] + Uniform(&seed);
      shifted[k] = r.z[k] + 7;
      half[k] = (r.z[k] + s.z[k]) / 2;
    }
    for (Kind kind = LINF; kind < KINDS; kind++) {
      const double v = Ball(kind, &r, r.z, radius, NULL).value;

      assert_true(Ball(kind, &r, above, radius, NULL).value >= v - 1e-13);
      FEN_ASSERT_NEAR(Ball(kind, &r, shifted, radius, NULL).value, v + 7, 1e-12);
      assert_true(Ball(kind, &r, half, radius, NULL).value >=
                  (v + Ball(kind, &r, s.z, radius, NULL).value) / 2 - 1e-13);
      assert_true(Ball(kind, &r, r.z, 1.1 * radius, NULL).value <= v + 1e-13);
      FEN_ASSERT_NEAR(Ball(kind, &r, r.z, 0, NULL).value, Mean(r.q, r.z), 1e-13);
    }
  }
}

/* intervals of the same width are linf; l1 without weights is twice tv */
static void TestIdentities(void **state)
{
  uint64_t      seed = 7;
  FenDivergence tv;

  (void)state;
  FEN_OK(FenDivergenceCreate(PETSC_COMM_SELF, "tv", 1, &tv));
  for (int trial = 0; trial < 500; trial++) {
    const Row    r = RandomRow(&seed);
    const double radius = pow(10, -2 + 2 * Uniform(&seed));
    double       low[N], up[N];
    FenWorstCase a, b;

    for (int k = 0; k < N; k++) {
      low[k] = r.q[k] - radius * r.w[k];
      up[k] = r.q[k] + radius * r.w[k];
    }
    FEN_OK(FenWorstIntervals(work, N, low, up, r.z, NULL, &a));
    FEN_OK(FenWorstLinf(work, N, r.q, r.w, r.z, radius, NULL, &b));
    FEN_ASSERT_NEAR(a.value, b.value, 1e-14);
    FEN_OK(FenWorstL1(work, N, r.q, NULL, r.z, radius, NULL, &a));
    FEN_OK(FenDivergenceWorstRadius(tv, N, r.q, r.z, radius / 2, FEN_SUPPORT_LIST, 0, NAN, NULL, &b));
    FEN_ASSERT_NEAR(a.value, b.value, 1e-13);
  }
  FEN_OK(FenDivergenceDestroy(&tv));
}

/* the price is what the ball says: the smallest of (worst case within a radius + price radius) over radii */
static void TestPrices(void **state)
{
  uint64_t seed = 8;

  (void)state;
  for (int trial = 0; trial < 500; trial++) {
    const Row    r = RandomRow(&seed);
    const double price = pow(10, -1 + 2 * Uniform(&seed));

    for (Kind kind = LINF; kind < KINDS; kind++) {
      double             law[N], radius;
      const FenWorstCase c = Price(kind, &r, price, law);

      radius = Divergence(kind, &r, law);
      assert_true(c.slack <= 1e-12);
      FEN_ASSERT_NEAR(Mean(law, r.z) + price * radius, c.value, 1e-12);
      FEN_ASSERT_NEAR(Ball(kind, &r, r.z, radius, NULL).value + price * radius, c.value, 1e-11);
      for (int k = 0; k < 20; k++) {
        const double other = 2 * Uniform(&seed) * Uniform(&seed);

        assert_true(Ball(kind, &r, r.z, other, NULL).value + price * other >= c.value - 1e-12);
      }
    }
  }
}

static void TestRefusal(void **state)
{
  static const double low[] = {.6, .6}, up[] = {.7, .7}, small[] = {.1, .1}, z[] = {0, 1};
  FenWorstCase        c;

  (void)state;
  FEN_ERROR(FenWorstIntervals(work, 2, low, up, z, NULL, &c), FEN_ERR_VALUE, "lower bounds sum to 1.2");
  FEN_ERROR(FenWorstIntervals(work, 2, small, small, z, NULL, &c), FEN_ERR_VALUE, "upper ones to 0.2");
  FEN_OK(FenSetWorkDestroy(&work));
}

/* a price of linf is below every radius and what it costs, also where probabilities are next to nothing */
static void TestRare(void **state)
{
  const double q[] = {6e-8, 0.0209, 1e-282, 9e-6, 0.6, 0.379090939999}, z[] = {0, 0, 0.9, 0, 1.8, 1.8};

  (void)state;
  for (double price = 1e-4; price < 10; price *= 1.5) {
    double       best = INFINITY, law[6], most = 0;
    FenWorstCase w, ball;

    FEN_OK(FenWorstLinfPrice(work, 6, q, NULL, z, price, law, &w));
    for (int k = 0; k <= 1000; k++) {
      FEN_OK(FenWorstLinf(work, 6, q, NULL, z, 1e-3 * k, NULL, &ball));
      best = fmin(best, ball.value + ball.slack + 1e-3 * k * price);
    }
    if (!(w.value <= best && w.slack <= 1e-13))
      print_error("price %g: %.17g above %.17g, slack %g\n", price, w.value, best, w.slack);
    assert_true(w.value <= best && w.slack <= 1e-13);
    for (int k = 0; k < 6; k++)
      most = fmax(most, fabs(law[k] - q[k]));
    FEN_ASSERT_NEAR(1.8 * (law[4] + law[5]) + 0.9 * law[2] + price * most, w.value, 1e-13);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPublished),  cmocka_unit_test(TestLaws),
                                          cmocka_unit_test(TestProperties), cmocka_unit_test(TestIdentities),
                                          cmocka_unit_test(TestPrices),     cmocka_unit_test(TestRare),
                                          cmocka_unit_test(TestRefusal)};

FEN_TEST_MAIN(tests)
