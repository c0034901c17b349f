/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Balls and prices of Cressie-Read divergences of every order: next to one and zero, and so far from them that the
   worst law jumps where the threshold passes a value. A lower bound from a price, which another search finds, and a law
   in the ball enclose what is found; both within roundings. Numbers of other programs at high precision.
*/
#include <fencheldivergence.h>
#include "fentest.h"
#include <float.h>

static const double orders[] = {-1000, -100, -20,  -8.5, -2.5,  -1,   -0.04, -1e-4, 0,   1e-4, 0.01,
                                0.3,   0.5,  0.93, 0.99, 1.002, 1.01, 1.05,  1.2,   1.5, 2,    3,
                                5,     9,    12,   13,   20,    50,   51,    80,    100, 500,  1000};
enum { NORDERS = sizeof(orders) / sizeof(orders[0]), MOST = 12 };

typedef struct {
  FenInt n;
  double q[MOST], v[MOST], size; /* size: of the values' range */
} Row;

static double Random(int k, uint32_t stream)
{
  return FenRandomUniform(81, (uint64_t)k, stream);
}

/* kinds: any values; ties; values over twelve decades; an offset; far scales. Every third row has rare successors */
static Row Make(int k)
{
  const double scale = k % 6 == 4 ? 1e-290 : k % 6 == 5 ? 1e290 : 1;
  double       sum = 0, lo = INFINITY, hi = -INFINITY;
  Row          r = {.n = 2 + k % (MOST - 1)};

  for (FenInt i = 0; i < r.n; i++) {
    const double u = Random(k, 100 + (uint32_t)i), x = Random(k, 200 + (uint32_t)i);

    r.q[i] = k % 3 == 1 && u < 0.5 ? pow(10, -16 * u) : 0.05 + u;
    r.v[i] = k % 6 == 1   ? floor(4 * x) + (i ? 0 : 0.5)
             : k % 6 == 2 ? pow(10, -12 * x)
             : k % 6 == 3 ? 1e6 + x
                          : scale * x;
    sum += r.q[i];
    lo = fmin(lo, r.v[i]), hi = fmax(hi, r.v[i]);
  }
  for (FenInt i = 0; i < r.n; i++)
    r.q[i] /= sum;
  if (k % 5 == 0 && r.n > 3) /* no successor */
    r.q[0] += r.q[1], r.q[1] = 0;
  r.size = hi - lo;
  return r;
}

static double Mean(const Row *r, const double p[])
{
  FenDD sum = {0, 0};

  for (FenInt i = 0; i < r->n; i++)
    FenDDAddProduct(&sum, p[i], r->v[i]);
  return sum.hi + sum.lo;
}

static double Largest(const Row *r)
{
  double size = r->size;

  for (FenInt i = 0; i < r->n; i++)
    size = fmax(size, fabs(r->v[i]));
  return size;
}

static void CheckBall(FenDivergence div, double a, const Row *r, double radius)
{
  const double rounded = 4e-16 * Largest(r) + DBL_MIN, tol = 2e-12 * r->size + 2 * rounded;
  FenWorstCase w, price;
  double       p[MOST], far;

  FEN_OK(FenDivergenceWorstRadius(div, r->n, r->q, r->v, radius, FEN_SUPPORT_NOMINAL, 0, NAN, p, &w));
  FEN_OK(FenDivergenceValue(div, r->n, p, r->q, &far));
  for (FenInt i = 0; i < r->n; i++)
    if (a <= 0.01 && r->q[i] > 0 && p[i] < DBL_MIN) /* a probability that no double is */
      far = 0;
  if (!(w.slack <= tol && far <= radius * (1 + 1e-9) && Mean(r, p) <= w.value + w.slack + tol))
    print_error("order %g radius %g: slack %g of %g, D %g, mean %.17g of %.17g\n", a, radius, w.slack, r->size, far,
                Mean(r, p), w.value);
  assert_true(w.slack <= tol && far <= radius * (1 + 1e-9) && Mean(r, p) <= w.value + w.slack + tol);
  if (!(w.multiplier > 0)) /* all on the smallest value */
    return;
  FEN_OK(FenDivergenceWorstPenalty(div, r->n, r->q, r->v, w.multiplier, FEN_SUPPORT_NOMINAL, 0, NAN, p, &price));
  if (!(w.value >= price.value - w.multiplier * radius - tol))
    print_error("order %g radius %g: %.17g is below %.17g\n", a, radius, w.value, price.value - w.multiplier * radius);
  assert_true(w.value >= price.value - w.multiplier * radius - tol);
}

static void TestBalls(void **state)
{
  static const double radii[] = {1e-12, 1e-8, 1e-4, 0.01, 0.05, 0.3, 2, 60};

  (void)state;
  for (int k = 0; k < NORDERS; k++) {
    FenDivergence div;

    FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, "alpha", orders[k], &div));
    for (int i = 0; i < 36 * 8; i++) {
      const Row r = Make(i / 8);

      CheckBall(div, orders[k], &r, radii[i % 8]);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestPrices(void **state)
{
  static const double prices[] = {1e-3, 0.01, 0.05, 0.3, 1, 10, 1e4};

  (void)state;
  for (int k = 0; k < NORDERS; k++) {
    FenDivergence div;

    FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, "alpha", orders[k], &div));
    for (int i = 0; i < 36 * 7; i++) {
      const Row    r = Make(i / 7);
      const double price = prices[i % 7] * r.size, tol = 2e-12 * r.size + 1e-15 * Largest(&r) + DBL_MIN;
      FenWorstCase w;
      double       p[MOST], far, cost;

      FEN_OK(FenDivergenceWorstPenalty(div, r.n, r.q, r.v, price, FEN_SUPPORT_NOMINAL, 0, NAN, p, &w));
      FEN_OK(FenDivergenceValue(div, r.n, p, r.q, &far));
      cost = Mean(&r, p) + price * far;
      if (!(w.slack <= tol && fabs(cost - w.value) <= w.slack + tol))
        print_error("order %g price %g: slack %g of %g, cost %.17g of %.17g\n", orders[k], prices[i % 7], w.slack,
                    r.size, cost, w.value);
      assert_true(w.slack <= tol && fabs(cost - w.value) <= w.slack + tol);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* the roots in 50 digits */
static void TestGolden(void **state)
{
  const double q[] = {.1, .2, .3, .4}, v[] = {0, 1, 2, 4}, q2[] = {.5, .0625, .4375}, v2[] = {1, 0, 3};
  static const struct {
    double a, radius, value, second;
  } known[] = {
      {1.01, 0.05, 1.94838515938580335, 1.47668989166868924}, {12, 0.05, 2.01626018499618058, 1.52351125828010006},
      {12, 0.3, 1.71892885947485501, 1.30215888858096303},    {20, 0.05, 2.08959958372550386, 1.57961459560997068},
      {50, 0.3, 2.15401442781770386, 1.6289379160274452},     {100, 0.01, 2.3153733756402279, 1.7492339496806717},
      {100, 0.3, 2.25725962946158818, 1.70608684784767344},   {-20, 0.05, 2.03409772360722139, 1.53787601959890931},
      {-100, 0.3, 2.21021960382690578, 1.66953340120508635},  {-0.04, 0.05, 1.94648886681760952, 1.4800235343980116},
      {0.93, 0.3, 1.31616875048120283, 1.02554601212337669}};

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    FenDivergence div;
    FenWorstCase  w;

    FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, "alpha", known[k].a, &div));
    FEN_OK(FenDivergenceWorstRadius(div, 4, q, v, known[k].radius, FEN_SUPPORT_NOMINAL, 0, NAN, NULL, &w));
    assert_true(w.value <= known[k].value && w.value + w.slack >= known[k].value && w.slack <= 2e-12);
    FEN_OK(FenDivergenceWorstRadius(div, 3, q2, v2, known[k].radius, FEN_SUPPORT_NOMINAL, 0, NAN, NULL, &w));
    assert_true(w.value <= known[k].second && w.value + w.slack >= known[k].second && w.slack <= 2e-12);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBalls), cmocka_unit_test(TestPrices),
                                     cmocka_unit_test(TestGolden)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
