/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Divergences entry by entry: numbers worked out by hand and by other programs, identities between generator, conjugate
   and derivatives, proximal maps against their conditions, and the laws that every divergence obeys.
*/
#include <fencheldivergence.h>
#include "fentest.h"
#include <float.h>

/* what is tested: every name, and alpha on both sides of its special cases */
typedef struct {
  const char *name;
  double      a;
} Case;
static const Case cases[] = {{"kl", 0},        {"burg", 0},        {"jeffreys", 0}, {"js", 0},      {"pearson", 0},
                             {"neyman", 0},    {"hellinger", 0},   {"tv", 0},       {"alpha", 0.5}, {"alpha", 3},
                             {"alpha", 1.5},   {"alpha", -1},      {"alpha", 1},    {"alpha", 0},   {"alpha", 2},
                             {"alpha", -0.25}, {"alpha", 1 - 1e-9}};
enum { NCASES = sizeof(cases) / sizeof(cases[0]) };

static FenDivergence Create(Case c)
{
  FenDivergence div;

  FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, c.name, c.a, &div));
  return div;
}

static double Value(FenDivergence div, FenInt n, const double p[], const double q[])
{
  double value;

  FEN_OK(FenDivergenceValue(div, n, p, q, &value));
  return value;
}

static double Random(uint64_t k, uint32_t stream)
{
  return FenRandomUniform(77, k, stream);
}

/* a random law; of every third, an entry is small */
static void Law(FenInt n, uint64_t k, uint32_t stream, double p[])
{
  double sum = 0;

  for (FenInt i = 0; i < n; i++) {
    p[i] = 0.01 + Random(k * 100 + (uint64_t)i, stream);
    if (k % 3 == 0 && i == 1)
      p[i] *= 1e-3;
    sum += p[i];
  }
  for (FenInt i = 0; i < n; i++)
    p[i] /= sum;
}

static void TestGolden(void **state)
{
  const double p[] = {.25, .25, .25, .25}, q[] = {.1, .2, .3, .4};
  const Case   golden[] = {{"kl", 0},     {"burg", 0},      {"jeffreys", 0}, {"js", 0},    {"pearson", 0},
                           {"neyman", 0}, {"hellinger", 0}, {"alpha", .5},   {"alpha", 3}, {"tv", 0}};
  const double expected[] = {.121777274287, .106440135286,
                             .228217409573, .027865613457,
                             .302083333333, .2,
                             .056380548944, .112761097889,
                             .204065393519, .2};

  (void)state;
  for (size_t k = 0; k < sizeof(expected) / sizeof(expected[0]); k++) {
    FenDivergence div = Create(golden[k]);
    const char   *name;

    FEN_ASSERT_NEAR(Value(div, 4, p, q), expected[k], 6e-13);
    FEN_OK(FenDivergenceGetName(div, &name));
    assert_string_equal(name, golden[k].name);
    FEN_OK(FenDivergenceDestroy(&div));
    assert_null(div);
  }
}

/* f, f', f'' in the plainest form, at x where nothing cancels */
static void Plain(Case c, double x, double f[3])
{
  const double l = log(x), a = c.a;

#define IS(word) (!strcmp(c.name, word))
  if (IS("kl") || (IS("alpha") && fabs(a - 1) < 1e-8))
    f[0] = x * l - x + 1, f[1] = l, f[2] = 1 / x;
  else if (IS("burg") || (IS("alpha") && a == 0))
    f[0] = -l + x - 1, f[1] = 1 - 1 / x, f[2] = 1 / (x * x);
  else if (IS("jeffreys"))
    f[0] = (x - 1) * l, f[1] = l + 1 - 1 / x, f[2] = 1 / x + 1 / (x * x);
  else if (IS("js"))
    f[0] = .5 * (x * l - (x + 1) * log((x + 1) / 2)), f[1] = .5 * log(2 * x / (1 + x)), f[2] = .5 / (x * (1 + x));
  else if (IS("pearson"))
    f[0] = (x - 1) * (x - 1), f[1] = 2 * (x - 1), f[2] = 2;
  else if (IS("neyman"))
    f[0] = (x - 1) * (x - 1) / x, f[1] = 1 - 1 / (x * x), f[2] = 2 / (x * x * x);
  else if (IS("hellinger"))
    f[0] = x - 2 * sqrt(x) + 1, f[1] = 1 - 1 / sqrt(x), f[2] = .5 / (x * sqrt(x));
  else if (IS("tv"))
    f[0] = .5 * fabs(x - 1), f[1] = x > 1 ? .5 : -.5, f[2] = 0;
  else
    f[0] = (pow(x, a) - a * x + a - 1) / (a * (a - 1)), f[1] = (pow(x, a - 1) - 1) / (a - 1), f[2] = pow(x, a - 2);
}

static void TestGenerator(void **state)
{
  const double x[] = {1e-6, 0.01, 0.3, 0.7, 1.4, 3, 50, 1e6};

  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);
    double        f[8], df[8], d2f[8], expected[3];

    FEN_OK(FenDivergenceGenerator(div, 8, x, f, df, d2f));
    for (int i = 0; i < 8; i++) {
      Plain(cases[k], x[i], expected);
      FEN_ASSERT_NEAR(f[i], expected[0],
                      3e-13 * (1 + x[i] + expected[0]) + 2e-8 * (cases[k].a == 1 - 1e-9) * expected[0]);
      FEN_ASSERT_NEAR(df[i], expected[1], 1e-12 * (1 + fabs(expected[1])) + 1e-7 * (cases[k].a == 1 - 1e-9));
      FEN_ASSERT_NEAR(d2f[i], expected[2], (1e-13 + 2e-8 * (cases[k].a == 1 - 1e-9)) * expected[2]);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* near x = 1, where f is second order: f = f''(1) t^2/2 (1 + s t + ..), by the difference of two half steps */
static void TestNearOne(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;

    FEN_OK(FenDivergenceGetConstants(div, &c));
    for (double t = 1e-12; t < 0.3; t *= 3) { /* q f(p/q) with p - q exact */
      const double q = 1, up = 1 + t, down = 1 - t, step = up - 1, drop = 1 - down;
      const double u = Value(div, 1, &up, &q) / (step * step), d = Value(div, 1, &down, &q) / (drop * drop);

      if (c.curvature == 0)
        continue;
      FEN_ASSERT_NEAR(0.5 * (u + d), 0.5 * c.curvature, c.curvature * (1e-12 + 3 * t * t)); /* third order drops out */
      FEN_ASSERT_NEAR(u, d, c.curvature * (1e-12 + 3 * t));
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* f*(f'(x)) = x f'(x) - f(x); (f*)'(f'(x)) = x; (f*)'' = 1/f''; Fenchel-Young elsewhere */
static void TestConjugate(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;
    const PetscBool        tv = strcmp(cases[k].name, "tv") ? PETSC_FALSE : PETSC_TRUE;

    FEN_OK(FenDivergenceGetConstants(div, &c));
    for (double x = 1e-3; x < 2e3; x *= 1.7) {
      double f, df, d2f, g, dg, d2g, y;

      FEN_OK(FenDivergenceGenerator(div, 1, &x, &f, &df, &d2f));
      FEN_OK(FenDivergenceConjugate(div, 1, &df, &g, &dg, &d2g));
      assert_true(f >= 0);
      FEN_ASSERT_NEAR(g, x * df - f, 1e-14 * (1 + x * fabs(df) + f));
      if (!tv) { /* the last digit of y = f'(x) is worth this much of x */
        const double digit = 4e-16 * (1 + fabs(df)) * d2g;

        FEN_ASSERT_NEAR(dg, x, 2e-14 * x + digit);
        FEN_ASSERT_NEAR(d2g * d2f, 1, 2e-13 + 20 * digit / x);
      }
      for (y = -9; y < 3; y += 0.37) {
        FEN_OK(FenDivergenceConjugate(div, 1, &y, &g, &dg, NULL));
        if (y > c.recession)
          assert_true(isinf(g) && isinf(dg));
        else
          assert_true(f + g - x * y >= -1e-13 * (1 + f + fabs(g) + fabs(x * y)));
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestConjugateAtZero(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);
    const double  y[] = {0, 1e-9, -1e-9}, one = 1, zero = 0;
    double        f[3], df[3], d2f[3];

    FEN_OK(FenDivergenceConjugate(div, 3, y, f, df, d2f));
    assert_true(f[0] == 0 && df[0] == 1);
    FEN_ASSERT_NEAR(f[1], 1e-9, 2e-18);
    FEN_ASSERT_NEAR(f[2], -1e-9, 2e-18);
    FEN_ASSERT_NEAR((df[1] - df[2]) / 2e-9, d2f[0], 1e-6);
    FEN_OK(FenDivergenceGenerator(div, 1, &one, f, df, d2f));
    assert_true(f[0] == 0 && df[0] == 0);
    FEN_OK(FenDivergenceConjugate(div, 1, &zero, NULL, NULL, f));
    if (strcmp(cases[k].name, "tv"))
      FEN_ASSERT_NEAR(d2f[0] * f[0], 1, 1e-15);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* limits of the generator at 0 and at large x */
static void TestConstants(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;
    const double           x[] = {0, 1e-100, 1e100};
    double                 f[3], df[3], d2f[3];

    FEN_OK(FenDivergenceGetConstants(div, &c));
    FEN_OK(FenDivergenceGenerator(div, 3, x, f, df, d2f));
    if (isinf(c.zero)) {
      assert_true(isinf(f[0]) && f[1] > 200 && isinf(df[0]));
    } else {
      FEN_ASSERT_NEAR(f[0], c.zero, 1e-15 * c.zero);
      FEN_ASSERT_NEAR(f[1], c.zero, 1e-12);
    }
    if (isinf(c.recession))
      assert_true(df[2] > 200 && f[2] > 200e100);
    else {
      FEN_ASSERT_NEAR(df[2], c.recession, 1e-6 * c.recession * (c.recession > 1e8 ? 1e6 : 1));
      FEN_ASSERT_NEAR(f[2] / 1e100, c.recession, 1e-6 * c.recession * (c.recession > 1e8 ? 1e6 : 1));
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestCurvatureAtZero(void **state)
{
  const Case at[] = {{"kl", 0}, {"pearson", 0}, {"tv", 0}, {"alpha", 1.9}, {"alpha", 2}, {"alpha", 2.5}, {"neyman", 0}};
  const double expected[] = {INFINITY, 2, 0, INFINITY, 1, 0, INFINITY}, zero = 0;

  (void)state;
  for (size_t k = 0; k < sizeof(expected) / sizeof(expected[0]); k++) {
    FenDivergence div = Create(at[k]);
    double        d2f;

    FEN_OK(FenDivergenceGenerator(div, 1, &zero, NULL, NULL, &d2f));
    assert_true(d2f == expected[k] || fabs(d2f - expected[k]) < 1e-12);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* derivatives against central differences of the value, at laws of any mass */
static void TestGradient(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);
    double        p[5], q[5], by_p[5], by_q[5], value;

    for (uint64_t r = 1; r < 20; r++) {
      Law(5, r, 1, p);
      Law(5, r + 1, 2, q);
      value = Value(div, 5, p, q);
      FEN_OK(FenDivergenceGradient(div, 5, p, q, by_p, by_q));
      for (int i = 0; i < 5; i++) {
        for (int side = 0; side < 2; side++) {
          double      *entry = side ? &q[i] : &p[i];
          const double kept = *entry, h = 1e-3 * kept, slope = side ? by_q[i] : by_p[i];
          double       d[4];

          for (int s = 0; s < 4; s++) { /* fourth order */
            *entry = kept + h * (s < 2 ? s - 2 : s - 1);
            d[s] = Value(div, 5, p, q);
          }
          *entry = kept;
          FEN_ASSERT_NEAR((d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * h), slope,
                          1e-8 * (1 + fabs(slope)) + 1e-15 * (1 + value) / h);
        }
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestZeros(void **state)
{
  const double p[] = {.5, .5, 0, 0}, q[] = {.5, 0, .5, 0};
  const double expected[] = {INFINITY, INFINITY, INFINITY, .5 * log(2), INFINITY, INFINITY, 1, .5, 2};

  (void)state;
  for (size_t k = 0; k < 9; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;
    double                 by_p[4], by_q[4], value = Value(div, 4, p, q);

    assert_true(value == expected[k] || fabs(value - expected[k]) < 1e-15);
    FEN_OK(FenDivergenceGetConstants(div, &c));
    FEN_OK(FenDivergenceGradient(div, 4, p, q, by_p, by_q));
    for (int i = 0; i < 4; i++)
      assert_false(isnan(by_p[i]) || isnan(by_q[i]));
    assert_true(by_p[0] == 0 && by_q[0] == 0);
    assert_true(by_p[1] == c.recession && by_q[2] == c.zero && by_p[3] == c.recession && by_q[3] == c.zero);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* identities between members of the families */
static void TestLinks(void **state)
{
  const struct {
    Case   a, b;
    double factor, tol;
    int    swap;
  } links[] = {{{"alpha", 1}, {"kl", 0}, 1, 1e-14, 0},
               {{"alpha", 0}, {"burg", 0}, 1, 1e-14, 0},
               {{"alpha", 2}, {"pearson", 0}, .5, 1e-14, 0},
               {{"alpha", .5}, {"hellinger", 0}, 2, 1e-14, 0},
               {{"alpha", -1}, {"neyman", 0}, .5, 1e-14, 0},
               {{"alpha", 1 + 1e-6}, {"kl", 0}, 1, 5e-6, 0},
               {{"alpha", 1 - 1e-6}, {"kl", 0}, 1, 5e-6, 0},
               {{"alpha", 1e-6}, {"burg", 0}, 1, 5e-6, 0},
               {{"alpha", 1 + 1e-13}, {"kl", 0}, 1, 1e-12, 0},
               {{"alpha", -1e-13}, {"burg", 0}, 1, 1e-12, 0},
               {{"kl", 0}, {"burg", 0}, 1, 1e-14, 1},
               {{"pearson", 0}, {"neyman", 0}, 1, 1e-14, 1},
               {{"js", 0}, {"js", 0}, 1, 1e-14, 1},
               {{"hellinger", 0}, {"hellinger", 0}, 1, 1e-14, 1},
               {{"jeffreys", 0}, {"jeffreys", 0}, 1, 1e-14, 1},
               {{"tv", 0}, {"tv", 0}, 1, 1e-14, 1},
               {{"alpha", 1.7}, {"alpha", -.7}, 1, 1e-13, 1}};

  (void)state;
  for (size_t k = 0; k < sizeof(links) / sizeof(links[0]); k++) {
    FenDivergence a = Create(links[k].a), b = Create(links[k].b);
    double        p[6], q[6];

    for (uint64_t r = 1; r < 30; r++) {
      Law(6, r, 3, p);
      Law(6, r + 2, 4, q);
      const double left = Value(a, 6, p, q);
      const double right = links[k].factor * (links[k].swap ? Value(b, 6, q, p) : Value(b, 6, p, q));

      FEN_ASSERT_NEAR(left, right, 10 * links[k].tol * (1 + right));
    }
    FEN_OK(FenDivergenceDestroy(&a));
    FEN_OK(FenDivergenceDestroy(&b));
  }
}

/* D >= 0, zero for equal laws, jointly convex, and no larger after two bins are merged */
static void TestLaws(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);
    double        p[5], q[5], r[5], s[5], m[5], n[5];

    for (uint64_t t = 1; t < 60; t++) {
      const double w = Random(t, 9);
      double       pq, rs;

      Law(5, t, 5, p);
      Law(5, t + 1, 6, q);
      Law(5, t + 2, 7, r);
      Law(5, t, 8, s);
      for (int i = 0; i < 5; i++) {
        m[i] = w * p[i] + (1 - w) * r[i];
        n[i] = w * q[i] + (1 - w) * s[i];
      }
      pq = Value(div, 5, p, q);
      rs = Value(div, 5, r, s);
      assert_true(pq > 0 && Value(div, 5, p, p) == 0);
      assert_true(Value(div, 5, m, n) <= w * pq + (1 - w) * rs + 1e-13 * (pq + rs));
      p[3] += p[4];
      q[3] += q[4];
      assert_true(Value(div, 4, p, q) <= pq * (1 + 1e-13));
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static const double prox_z[6] = {-1, 0, .3, .4, 1, 3}, aprox_t[6] = {-2, -.5, 0, .4, 1.5, 5};
static const struct {
  Case   div;
  double prox[6], aprox[6];
} proximal[] = {
    {{"kl", 0}, {.049073427, .245033929, .356943509, .4, .711819846, 2.157402222}, {-1.4, -.35, 0, .28, 1.05, 3.5}},
    {{"burg", 0},
     {.123212460, .262347538, .358257569, .4, .762347538, 2.577591805},
     {-1.638185018, -.372109153, 0, .260421080, .657750890, .699999583}},
    {{"pearson", 0},
     {0, .285714286, .371428571, .4, .571428571, 1.142857143},
     {-1.275066419, -.399275577, 0, .335545192, 1.302669657, 4.565160864}},
    {{"hellinger", 0},
     {.042053405, .202583511, .341295710, .4, .844177920, 2.692710410},
     {-1.354094084, -.291261298, 0, .199143536, .555076288, .699460162}},
    {{"neyman", 0},
     {.215921686, .313577885, .373492005, .4, .675383596, 2.512671226},
     {-1.808543417, -.428381158, 0, .311631243, .696694104, .7}},
    {{"js", 0},
     {.003643015, .150694548, .326616315, .4, .917197880, 2.859445545},
     {-.970086543, -.209214028, 0, .124905355, .237436032, .242601468}},
    {{"jeffreys", 0},
     {.164114235, .302158950, .372507006, .4, .612920818, 1.844260118},
     {-1.721449695, -.416964960, 0, .325939082639, 1.186214877, 3.707177287}},
    {{"tv", 0}, {0, .25, .4, .4, .75, 2.75}, {-.35, -.35, 0, .35, .35, .35}},
    {{"alpha", .5}, {NAN}, {-1.552327115, -.362010164, 0, .270945168, .891886454, 1.396549646}}};

static void TestProxGolden(void **state)
{
  const double q[6] = {.4, .4, .4, .4, .4, .4};

  (void)state;
  for (size_t k = 0; k < sizeof(proximal) / sizeof(proximal[0]); k++) {
    FenDivergence div = Create(proximal[k].div);
    double        p[6], y[6];

    FEN_OK(FenDivergenceProx(div, 6, .5, q, prox_z, p));
    FEN_OK(FenDivergenceAprox(div, 6, .7, .3, aprox_t, y));
    for (int i = 0; i < 6; i++) {
      if (!isnan(proximal[k].prox[0]))
        FEN_ASSERT_NEAR(p[i], proximal[k].prox[i], 6e-10);
      FEN_ASSERT_NEAR(y[i], proximal[k].aprox[i], 2e-9);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* the derivative at the smallest p is above zero already */
static int Underflows(FenDivergence div, double tau, double q, double z)
{
  const double p = 1e-300, x = p / q;
  double       slope;

  FEN_OK(FenDivergenceGenerator(div, 1, &x, NULL, &slope, NULL));
  return p + tau * slope > z;
}

/* p + tau f'(p/q) = z, or p = 0 and f'(0) tau >= z */
static void TestProx(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (uint64_t r = 1; r < 200; r++) {
      const double tau = exp(12 * Random(r, 10) - 6), q = exp(14 * Random(r, 11) - 12), z = 6 * Random(r, 12) - 3;
      double       p, x, slope, zero = 0, start;

      FEN_OK(FenDivergenceProx(div, 1, tau, &q, &z, &p));
      x = p / q;
      FEN_OK(FenDivergenceGenerator(div, 1, &x, NULL, &slope, NULL));
      FEN_OK(FenDivergenceGenerator(div, 1, &zero, NULL, &start, NULL));
      assert_true(p >= 0 && isfinite(p));
      if (!strcmp(cases[k].name, "tv") && p == q)
        assert_true(fabs(z - p) <= tau / 2);
      else if (p == 0)
        assert_true(tau * start >= z || Underflows(div, tau, q, z));
      else if (p > 1e-290)
        FEN_ASSERT_NEAR(p + tau * slope, z, 4e-14 * (1 + fabs(z) + p + tau * fabs(slope) + tau));
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* y is where the derivative of eps e^{(t-y)/eps} + rho f*(y/rho) changes its sign */
static void TestAprox(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;

    FEN_OK(FenDivergenceGetConstants(div, &c));
    for (uint64_t r = 1; r < 200; r++) {
      const double rho = exp(6 * Random(r, 13) - 3), eps = exp(6 * Random(r, 14) - 4), t = 8 * Random(r, 15) - 4;
      double       y, x[2], side[2], h;

      FEN_OK(FenDivergenceAprox(div, 1, rho, eps, &t, &y));
      h = 1e-9 * (fabs(y) + rho);
      side[0] = (y - h) / rho;
      side[1] = (y + h) / rho;
      FEN_OK(FenDivergenceConjugate(div, 2, side, NULL, x, NULL));
      assert_true(side[0] <= c.recession && t * y >= 0 && fabs(y) <= fabs(t));
      assert_true(log(x[0]) <= (t - y + h) / eps + 1e-9);
      assert_true(log(x[1]) >= (t - y - h) / eps - 1e-9 || isinf(x[1]));
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

static void TestRefused(void **state)
{
  const double  p[] = {.5, .5}, bad[] = {.5, -.1}, nan[] = {NAN, 1}, zero[] = {0, 1}, z[] = {3, 1};
  FenDivergence div, kl = Create((Case){"kl", 0}), js = Create((Case){"js", 0});
  double        value, out[2];

  (void)state;
  FEN_ERROR(FenDivergenceCreate(MPI_COMM_WORLD, "chi2", 0, &div), FEN_ERR_OPTION, "kl burg jeffreys js pearson neyman");
  FEN_ERROR(FenDivergenceCreate(MPI_COMM_WORLD, "alpha", NAN, &div), FEN_ERR_VALUE, "exponent");
  FEN_ERROR(FenDivergenceValue(kl, 2, bad, p, &value), FEN_ERR_VALUE, "entry 1 is -0.1 and 0.5");
  FEN_ERROR(FenDivergenceValue(kl, 2, p, nan, &value), FEN_ERR_VALUE, "entry 0 is 0.5 and nan");
  FEN_ERROR(FenDivergenceGradient(kl, 2, bad, p, out, NULL), FEN_ERR_VALUE, "entry 1");
  FEN_ERROR(FenDivergenceGenerator(kl, 2, bad, out, NULL, NULL), FEN_ERR_VALUE, "point 1 is -0.1");
  FEN_ERROR(FenDivergenceProx(kl, 2, 0, p, z, out), FEN_ERR_VALUE, "weight 0.");
  FEN_ERROR(FenDivergenceProx(kl, 2, 1, bad, z, out), FEN_ERR_VALUE, "entry 1: q = -0.1");
  FEN_ERROR(FenDivergenceAprox(kl, 2, 1, -1, z, out), FEN_ERR_VALUE, "weights 1. and -1.");
  FEN_ERROR(FenDivergenceAprox(kl, 2, 1, 1, nan, out), FEN_ERR_VALUE, "entry 0 is nan");
  FEN_OK(FenDivergenceProx(kl, 2, 1, zero, z, out));
  assert_true(out[0] == 0);
  FEN_OK(FenDivergenceProx(js, 2, 1, zero, z, out));
  FEN_ASSERT_NEAR(out[0], 3 - .5 * log(2), 1e-15);
  FEN_OK(FenDivergenceView(kl, PETSC_VIEWER_STDOUT_WORLD));
  FEN_OK(FenDivergenceDestroy(&kl));
  FEN_OK(FenDivergenceDestroy(&js));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGolden),
                                     cmocka_unit_test(TestGenerator),
                                     cmocka_unit_test(TestNearOne),
                                     cmocka_unit_test(TestConjugate),
                                     cmocka_unit_test(TestConjugateAtZero),
                                     cmocka_unit_test(TestConstants),
                                     cmocka_unit_test(TestGradient),
                                     cmocka_unit_test(TestCurvatureAtZero),
                                     cmocka_unit_test(TestZeros),
                                     cmocka_unit_test(TestLinks),
                                     cmocka_unit_test(TestLaws),
                                     cmocka_unit_test(TestProxGolden),
                                     cmocka_unit_test(TestProx),
                                     cmocka_unit_test(TestAprox),
                                     cmocka_unit_test(TestRefused)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
