/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Worst and best cases over laws: numbers of other programs and closed forms, direct minimisation over laws of three
   points, popping, and what every worst case obeys.
*/
#include <fencheldivergence.h>
#include "fentest.h"
#include <stdlib.h>

typedef struct {
  const char *name;
  double      a;
} Case;
static const Case cases[] = {{"kl", 0},        {"burg", 0},   {"jeffreys", 0},  {"js", 0},      {"pearson", 0},
                             {"neyman", 0},    {"tv", 0},     {"hellinger", 0}, {"alpha", 0.5}, {"alpha", 3},
                             {"alpha", 1.5},   {"alpha", -1}, {"alpha", 1},     {"alpha", 0},   {"alpha", 2},
                             {"alpha", 0.999}, {"alpha", 8}};
enum { NCASES = sizeof(cases) / sizeof(cases[0]) };

static FenDivergence Create(Case c)
{
  FenDivergence div;

  FEN_OK(FenDivergenceCreate(MPI_COMM_WORLD, c.name, c.a, &div));
  return div;
}

static double Random(uint64_t k, uint32_t stream)
{
  return FenRandomUniform(78, k, stream);
}

/* penalised or in a ball, by name of what is given */
static FenWorstCase Worst(FenDivergence div, int ball, FenInt n, const double q[], const double v[], double size,
                          FenSupport support, double low, double p[])
{
  FenWorstCase out;

  if (ball)
    FEN_OK(FenDivergenceWorstRadius(div, n, q, v, size, support, low, NAN, p, &out));
  else
    FEN_OK(FenDivergenceWorstPenalty(div, n, q, v, size, support, low, NAN, p, &out));
  return out;
}

static double WorstValue(Case c, int ball, FenInt n, const double q[], const double v[], double size)
{
  FenDivergence div = Create(c);
  FenWorstCase  out = Worst(div, ball, n, q, v, size, FEN_SUPPORT_NOMINAL, 0, NULL);

  FEN_OK(FenDivergenceDestroy(&div));
  return out.value;
}

static void TestGolden(void **state)
{
  const double q[] = {.1, .2, .3, .4}, v[] = {0, 1, 2, 4};
  const struct {
    Case   div;
    double value, eta, p[4], radius, lambda;
  } g[] = {{{"kl", 0},
            1.507320370111,
            1.5073203701,
            {.451461707, .332166961, .183296094, .033075238},
            1.763448296854,
            3.1358358062},
           {{"burg", 0},
            1.487795582145,
            .8317834948,
            {.594471987, .171201142, .138362566, .095964305},
            1.759582253812,
            3.1829351849},
           {{"jeffreys", 0},
            1.910997653758,
            1.6927978568,
            {.284232527, .291877500, .258766570, .165123403},
            1.948662622588,
            2.2357523154},
           {{"js", 0},
            .509914821042,
            .2973627086,
            {.966855493, .027959155, .005063707, .000121644},
            1.135714329517,
            6.0701373019},
           {{"pearson", 0}, 1.89, 2.4, {.22, .34, .36, .08}, 1.948336408375, 2.2583179581},
           {{"neyman", 0},
            1.873946791819,
            .9370889553,
            {.398691110, .193990979, .208872375, .198445536},
            1.941722498749,
            2.3321838079},
           {{"hellinger", 0},
            .996524207941,
            .6496866924,
            {.814866998, .109688450, .054308741, .021135811},
            1.505252152255,
            4.3344017519},
           {{"alpha", .5},
            1.496032717766,
            1.1481345804,
            {.551211175, .233276582, .147544557, .067967687},
            1.762561051047,
            3.1425126655},
           {{"alpha", 3},
            1.533870939140,
            2.3114913662,
            {.237128293, .380682688, .382189019, 0},
            1.759020060353,
            3.2451702825},
           {{"tv", 0}, .9, .5, {.8, .2, 0, 0}, 2, 4}};

  (void)state;
  for (size_t k = 0; k < sizeof(g) / sizeof(g[0]); k++) {
    FenDivergence div = Create(g[k].div);
    double        p[4];
    FenWorstCase  out = Worst(div, 0, 4, q, v, 1, FEN_SUPPORT_NOMINAL, 0, p);

    FEN_ASSERT_NEAR(out.value, g[k].value, 2e-12);
    FEN_ASSERT_NEAR(out.multiplier, g[k].eta, 1e-10);
    assert_true(out.slack < 1e-13 && out.popped == 0 && out.its <= 12);
    for (int i = 0; i < 4; i++)
      FEN_ASSERT_NEAR(p[i], g[k].p[i], 1e-9);
    out = Worst(div, 1, 4, q, v, .1, FEN_SUPPORT_NOMINAL, 0, p);
    FEN_ASSERT_NEAR(out.value, g[k].radius, 2e-12);
    FEN_ASSERT_NEAR(out.multiplier, g[k].lambda, 1e-9);
    assert_true(out.slack < 1e-12);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* two points: the probability of the lower in closed form */
static void TestTwoPoints(void **state)
{
  const double p0 = .2, rho = .1;
  const struct {
    const char *name;
    double      at;
  } g[] = {{"tv", .3},
           {"pearson", .326491106407},
           {"neyman", .350922459170},
           {"kl", .395210706333},
           {"burg", .409973050899},
           {"hellinger", .495809923939}};
  const double q[] = {1 - p0, p0}, v[] = {1, 0};

  (void)state;
  for (size_t k = 0; k < 6; k++)
    FEN_ASSERT_NEAR(WorstValue((Case){g[k].name, 0}, 1, 2, q, v, rho), 1 - g[k].at, 1e-12);
  for (uint64_t r = 1; r < 60; r++) {
    const double p = .02 + .9 * Random(r, 0), s = exp(5 * Random(r, 1) - 5), high = 7 * Random(r, 2), low = -high - .1;
    const double law[] = {1 - p, p}, z[] = {high, low}, d = high - low, angle = asin(sqrt(p)) + acos(1 - s / 2);
    const double pearson = fmin(1, p + sqrt(s * p * (1 - p)));
    const double neyman = (2 * p + s + sqrt(s * s + 4 * s * p * (1 - p))) / (2 * (1 + s));
    const double hellinger = s < 2 && angle < 2 * atan(1) ? pow(sin(angle), 2) : 1;

    FEN_ASSERT_NEAR(WorstValue((Case){"tv", 0}, 1, 2, law, z, s), high - d * fmin(1, p + s), 1e-13 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"pearson", 0}, 1, 2, law, z, s), high - d * pearson, 1e-12 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"neyman", 0}, 1, 2, law, z, s), high - d * neyman, 1e-12 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"hellinger", 0}, 1, 2, law, z, s), high - d * hellinger, 1e-12 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"tv", 0}, 0, 2, law, z, s), low + (1 - p) * fmin(d, s), 1e-13 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"kl", 0}, 0, 2, law, z, s), low - s * log((1 - p) * exp(-d / s) + p), 1e-13 * d);
    FEN_ASSERT_NEAR(WorstValue((Case){"pearson", 0}, 0, 2, law, z, s),
                    low + (p * d <= 2 * s ? (1 - p) * d - p * (1 - p) * d * d / (4 * s) : s * (1 - p) / p), 1e-13 * d);
  }
}

static void TestThreePoints(void **state)
{
  const double q[] = {.5, .3, .2}, v[] = {0, 1, 3}, rho[] = {.05, .1, .5}, lam[] = {.25, .5, 1, 2};
  const struct {
    Case   div;
    double value[3];
  } ball[] = {{{"tv", 0}, {.75, .60, 0}},
              {{"pearson", 0}, {.6460314980, .5408343001, .1584936491}},
              {{"kl", 0}, {.5629343260, .4388267677, .0584149108}},
              {{"burg", 0}, {.5812649456, .4732891188, .1616199561}},
              {{"neyman", 0}, {.6745241220, .5968901843, .3551380314}},
              {{"hellinger", 0}, {.4571483843, .3156547043, .0054169370}},
              {{"alpha", .5}, {.5725078868, .4571483843, .1113370934}},
              {{"alpha", 1.5}, {.5524044024, .4174444284, .0212684926}}};
  const struct {
    Case   div;
    double value[4];
  } penalty[] = {{{"tv", 0}, {.125, .25, .5, .7}},
                 {{"kl", 0}, {.1705538277, .3070789734, .4775177964, .6387989741}},
                 {{"pearson", 0}, {.25, .40625, .578125, .73875}},
                 {{"burg", 0}, {.2778970313, .4044026122, .5437996647, .6705937190}},
                 {{"hellinger", 0}, {.1265881525, .2227581040, .3585716587, .5145536875}},
                 {{"neyman", 0}, {.4749042200, .5879940435, .6926017545, .7745162142}}};

  (void)state;
  for (size_t k = 0; k < sizeof(ball) / sizeof(ball[0]); k++)
    for (int r = 0; r < 3; r++)
      FEN_ASSERT_NEAR(WorstValue(ball[k].div, 1, 3, q, v, rho[r]), ball[k].value[r], 6e-11);
  for (size_t k = 0; k < sizeof(penalty) / sizeof(penalty[0]); k++)
    for (int r = 0; r < 4; r++)
      FEN_ASSERT_NEAR(WorstValue(penalty[k].div, 0, 3, q, v, lam[r]), penalty[k].value[r], 6e-11);
}

static void TestPolicies(void **state)
{
  const double ref[] = {.2, .5, .3}, r[] = {1, .4, -.3};
  const struct {
    Case   div;
    double scale, p[3], value; /* beta = scale / 2: other names and factors of the literature */
  } g[] = {{{"kl", 0}, 1, {.5364, .4039, .0598}, .506750},
           {{"burg", 0}, 1, {.5752, .3231, .1018}, .508145},
           {{"js", 0}, 2, {.8211, .1598, .0191}, .657452},
           {{"pearson", 0}, 1, {.3380, .5450, .1170}, .415450},
           {{"alpha", .6}, 1, {.5616, .3590, .0794}, .507607},
           {{"hellinger", 0}, 1, {.7960, .1728, .0312}, .645445},
           {{"tv", 0}, 1, {1, 0, 0}, .6}};

  (void)state;
  for (size_t k = 0; k < sizeof(g) / sizeof(g[0]); k++) {
    FenDivergence div = Create(g[k].div);
    FenWorstCase  out;
    double        p[3];

    FEN_OK(FenDivergenceBestPenalty(div, 3, ref, r, .5 * g[k].scale, NAN, p, &out));
    FEN_ASSERT_NEAR(out.value, g[k].value, 6e-7);
    for (int i = 0; i < 3; i++)
      FEN_ASSERT_NEAR(p[i], g[k].p[i], 6e-5);
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* ---- direct minimisation over the laws (x, y, 1-x-y) ---- */
typedef struct {
  FenDivergence div;
  const double *q, *v;
  double        lambda; /* < 0: the divergence alone */
} Direct;

static double At(const Direct *d, double x, double y)
{
  const double p[3] = {fmax(0, x), fmax(0, y), fmax(0, 1 - x - y)};
  double       value;

  FEN_OK(FenDivergenceValue(d->div, 3, p, d->q, &value));
  return d->lambda < 0 ? value : p[0] * d->v[0] + p[1] * d->v[1] + p[2] * d->v[2] + d->lambda * value;
}

/* golden section; convex in y, infinite at the ends at worst */
static double Inner(const Direct *d, double x, double *where)
{
  double lo = 0, hi = 1 - x, value = INFINITY;

  for (int k = 0; k < 100; k++) {
    const double a = hi - .618033988749895 * (hi - lo), b = lo + .618033988749895 * (hi - lo);
    const double fa = At(d, x, a), fb = At(d, x, b);

    if (fmin(fa, fb) < value) {
      value = fmin(fa, fb);
      *where = fa < fb ? a : b;
    }
    if (fa < fb || (isinf(fa) && isinf(fb) && a > .5))
      hi = b;
    else
      lo = a;
  }
  return value;
}

static double MinimumPenalty(const Direct *d)
{
  double lo = 0, hi = 1, best = INFINITY, y;

  for (int k = 0; k < 80; k++) {
    const double a = hi - .618033988749895 * (hi - lo), b = lo + .618033988749895 * (hi - lo);
    const double fa = Inner(d, a, &y), fb = Inner(d, b, &y);

    best = fmin(best, fmin(fa, fb));
    if (fa < fb)
      hi = b;
    else
      lo = a;
  }
  return best;
}

/* law q + s (cos a, sin a) with D = rho, or the side of the simplex */
static double OnBoundary(const Direct *d, double rho, double angle, double p[3])
{
  const double dir[3] = {cos(angle), sin(angle), -cos(angle) - sin(angle)};
  double       lo = 0, hi = INFINITY;

  for (int i = 0; i < 3; i++)
    if (dir[i] < 0)
      hi = fmin(hi, -d->q[i] / dir[i]);
  if (At(d, d->q[0] + hi * dir[0], d->q[1] + hi * dir[1]) > rho)
    for (int k = 0; k < 60; k++) {
      const double s = .5 * (lo + hi);

      if (At(d, d->q[0] + s * dir[0], d->q[1] + s * dir[1]) > rho)
        hi = s;
      else
        lo = s;
    }
  else
    lo = hi;
  for (int i = 0; i < 3; i++)
    p[i] = fmax(0, d->q[i] + lo * dir[i]);
  return p[0] * d->v[0] + p[1] * d->v[1] + p[2] * d->v[2];
}

/* scans the boundary, then closes in on the best angle */
static double MinimumRadius(const Direct *d, double rho)
{
  const double step = 8 * atan(1) / 720;
  double       best = INFINITY, at = 0, p[3];

  for (int k = 0; k < 720; k++) {
    const double f = OnBoundary(d, rho, k * step, p);

    if (f < best) {
      best = f;
      at = k * step;
    }
  }
  for (double h = step; h > 1e-10; h *= .7)
    for (int side = -1; side <= 1; side += 2) {
      const double f = OnBoundary(d, rho, at + side * h, p);

      if (f < best) {
        best = f;
        at += side * h;
      }
    }
  return best;
}

static void RandomThree(uint64_t r, double q[3], double v[3])
{
  double sum = 0;

  for (int i = 0; i < 3; i++) {
    q[i] = .02 + Random(3 * r + (uint64_t)i, 4);
    v[i] = 6 * Random(3 * r + (uint64_t)i, 5) - 2;
    sum += q[i];
  }
  for (int i = 0; i < 3; i++)
    q[i] /= sum;
}

static void TestDirect(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (uint64_t r = 1; r < 7; r++) {
      double       q[3], v[3], lambda = exp(5 * Random(r, 6) - 2.5), rho = exp(5 * Random(r, 7) - 5);
      Direct       d = {div, q, v, lambda};
      FenWorstCase out;

      RandomThree(r, q, v);
      out = Worst(div, 0, 3, q, v, lambda, FEN_SUPPORT_NOMINAL, 0, NULL);
      FEN_ASSERT_NEAR(out.value, MinimumPenalty(&d), 1e-9);
      d.lambda = -1;
      out = Worst(div, 1, 3, q, v, rho, FEN_SUPPORT_NOMINAL, 0, NULL);
      FEN_ASSERT_NEAR(out.value, MinimumRadius(&d, rho), 2e-8);
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* the third point has no probability and the lowest value: it gets mass where the divergence allows it */
static void TestPopping(void **state)
{
  (void)state;
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence          div = Create(cases[k]);
    FenDivergenceConstants c;

    FEN_OK(FenDivergenceGetConstants(div, &c));
    for (uint64_t r = 1; r < 13; r++) {
      const double x = .05 + .9 * Random(r, 8), q[] = {x, 1 - x, 0}, low = -3 * Random(r, 9);
      const double v[] = {4 * Random(r, 10), 4 * Random(r, 11), r % 4 ? low : 9};
      const double sizes[2] = {exp(5 * Random(r, 12) - 2.5), exp(5 * Random(r, 13) - 5)};
      Direct       d = {div, q, v, sizes[0]};

      for (int ball = 0; ball < 2; ball++) {
        double       p[3], nominal[3], all[2], direct, nature;
        FenWorstCase list = Worst(div, ball, 3, q, v, sizes[ball], FEN_SUPPORT_LIST, 0, p), one, beyond;

        one = Worst(div, ball, 3, q, v, sizes[ball], FEN_SUPPORT_NOMINAL, 0, nominal);
        beyond = Worst(div, ball, 2, q, v, sizes[ball], FEN_SUPPORT_ALL, v[2], all);
        FEN_ASSERT_NEAR(beyond.value, list.value, 1e-13);
        FEN_ASSERT_NEAR(beyond.popped, p[2], 1e-13);
        assert_true(list.popped == 0 && nominal[2] == 0 && list.value <= one.value + 1e-13);
        if (isinf(c.recession) || r % 4 == 0)
          assert_true(p[2] == 0 && list.value == one.value);
        d.lambda = ball ? -1 : sizes[0];
        direct = ball || isinf(c.recession) ? NAN : MinimumPenalty(&d);
        if (!isnan(direct))
          FEN_ASSERT_NEAR(list.value, direct, 1e-8);
        FEN_ASSERT_NEAR(p[0] + p[1] + p[2], 1, 1e-13);
        FEN_OK(FenDivergenceValue(div, 3, p, q, &direct));
        if (ball)
          assert_true(direct <= sizes[1] * (1 + 1e-9));
        nature = ball ? list.multiplier * (direct - sizes[1]) : sizes[0] * direct; /* weak duality, for any p */
        direct = p[0] * v[0] + p[1] * v[1] + p[2] * v[2] + nature;
        assert_true(list.value <= direct + 1e-14 && direct <= list.value + list.slack + 1e-11);
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* the closed forms of a ball whose worst law uses a point below, z0: E over the support, mass */
static void TestPoppingClosed(void **state)
{
  const double  q[] = {.5, .3, .2}, v[] = {1, 2, 4}, low = .5, rho = .5;
  double        inv = 0, sq = 0, lg = 0, s, lam, root = 0, half = 0;
  FenDivergence burg = Create((Case){"burg", 0}), hell = Create((Case){"hellinger", 0}),
                neyman = Create((Case){"neyman", 0}), tv = Create((Case){"tv", 0});
  FenWorstCase out;

  (void)state;
  for (int i = 0; i < 3; i++) {
    inv += q[i] / (v[i] - low);
    sq += q[i] / ((v[i] - low) * (v[i] - low));
    lg += q[i] * log(v[i] - low);
    root += q[i] * sqrt(v[i] - low);
    half += q[i] / sqrt(v[i] - low);
  }
  lam = exp(lg - rho);
  out = Worst(burg, 1, 3, q, v, rho, FEN_SUPPORT_ALL, low, NULL);
  assert_true(1 - lam * inv > 0.05);
  FEN_ASSERT_NEAR(out.value, low + lam, 1e-13);
  FEN_ASSERT_NEAR(out.popped, 1 - lam * inv, 1e-13);
  lam = (1 - rho / 2) / inv;
  out = Worst(hell, 1, 3, q, v, rho, FEN_SUPPORT_ALL, low, NULL);
  assert_true(1 - lam * lam * sq > 0.05);
  FEN_ASSERT_NEAR(out.value, low + lam * (1 - rho / 2), 1e-13);
  FEN_ASSERT_NEAR(out.popped, 1 - lam * lam * sq, 1e-13);
  s = root / (1 + 2 * rho); /* a larger radius: here mass pops up later */
  out = Worst(neyman, 1, 3, q, v, 2 * rho, FEN_SUPPORT_ALL, low, NULL);
  assert_true(1 - s * half > 0.05);
  FEN_ASSERT_NEAR(out.value, low + s * root, 1e-13);
  FEN_ASSERT_NEAR(out.popped, 1 - s * half, 1e-13);
  out = Worst(tv, 1, 3, q, v, .3, FEN_SUPPORT_ALL, low, NULL);
  FEN_ASSERT_NEAR(out.value, .5 * 1 + .2 * 2 + .3 * low, 1e-14);
  FEN_ASSERT_NEAR(out.popped, .3, 1e-15);
  FEN_OK(FenDivergenceDestroy(&burg));
  FEN_OK(FenDivergenceDestroy(&hell));
  FEN_OK(FenDivergenceDestroy(&neyman));
  FEN_OK(FenDivergenceDestroy(&tv));
}

static void TestRows(void **state)
{
  enum { ROWS = 40 };
  FenInt ptr[ROWS + 1] = {0}, n = 0;
  double q[20 * ROWS], v[20 * ROWS], p[20 * ROWS], one[20], warm[ROWS], value[ROWS];

  (void)state;
  for (FenInt r = 0; r < ROWS; r++) {
    const FenInt length = 1 + r % 19;

    for (FenInt i = 0; i < length; i++) {
      q[n] = 1 / (double)length;
      v[n] = Random((uint64_t)n, 14);
      n++;
    }
    ptr[r + 1] = n;
  }
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (int pass = 0; pass < 4; pass++) { /* penalised cold and warm, balls cold and warm */
      for (FenInt r = 0; r < ROWS && pass % 2 == 0; r++)
        warm[r] = NAN;
      if (pass < 2)
        FEN_OK(FenDivergenceWorstPenaltyRows(div, ROWS, ptr, q, v, .3, pass ? warm : NULL, p, value));
      else
        FEN_OK(FenDivergenceWorstRadiusRows(div, ROWS, ptr, q, v, .2, warm, p, value));
      for (FenInt r = 0; r < ROWS; r++) {
        const FenInt i = ptr[r], length = ptr[r + 1] - i;
        FenWorstCase out = Worst(div, pass / 2, length, q + i, v + i, pass < 2 ? .3 : .2, FEN_SUPPORT_NOMINAL, 0, one);

        FEN_ASSERT_NEAR(value[r], out.value, pass == 0 || pass == 2 ? 0 : 1e-14);
        for (FenInt j = 0; j < length; j++)
          FEN_ASSERT_NEAR(p[i + j], one[j], cases[k].a > 2 ? 1e-7 : 1e-11); /* roots at zeros of p */
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

/* a good start saves passes and changes nothing; a bad one changes nothing */
static void TestWarm(void **state)
{
  const double starts[] = {1e-30, 1e30, -1e30, 0, INFINITY, -INFINITY};
  double       q[30], v[30];

  (void)state;
  for (int i = 0; i < 30; i++) {
    q[i] = 1. / 30;
    v[i] = Random((uint64_t)i, 15);
  }
  for (size_t k = 0; k < NCASES; k++) {
    FenDivergence div = Create(cases[k]);

    for (int ball = 0; ball < 2; ball++) {
      FenWorstCase cold = Worst(div, ball, 30, q, v, .2, FEN_SUPPORT_NOMINAL, 0, NULL), out;

      for (int s = -1; s < 6; s++) {
        const double start = s < 0 ? cold.multiplier * (1 + 1e-6) : starts[s];

        if (ball)
          FEN_OK(FenDivergenceWorstRadius(div, 30, q, v, .2, FEN_SUPPORT_NOMINAL, 0, start, NULL, &out));
        else
          FEN_OK(FenDivergenceWorstPenalty(div, 30, q, v, .2, FEN_SUPPORT_NOMINAL, 0, start, NULL, &out));
        FEN_ASSERT_NEAR(out.value, cold.value, 1e-14);
        assert_true(s >= 0 || cases[k].a > 2 || out.its <= (ball ? 20 : 5));
        assert_true(out.its <= 1000);
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestGolden),        cmocka_unit_test(TestTwoPoints), cmocka_unit_test(TestThreePoints),
      cmocka_unit_test(TestPolicies),      cmocka_unit_test(TestDirect),    cmocka_unit_test(TestPopping),
      cmocka_unit_test(TestPoppingClosed), cmocka_unit_test(TestRows),      cmocka_unit_test(TestWarm)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
