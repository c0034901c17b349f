/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The line kernels of every instruction set: windows against a search through all sources, sums against long double.
   Axes have different spacings and origins, overlap or not; some sources and whole lanes weigh nothing; lanes share
   their targets or interleave them. Everything is a multiple of 1/16, so that the scores are exact.
*/
#include "kernelref.h"

#define LANES 16
#define SIZE  (REF_MAX * LANES)

typedef struct {
  FenLines    P;
  FenToeplitz table;
  double      scratch[REF_MAX * LANES + 2 * FEN_TOEPLITZ_MOST + 1];
  double      costs[2 * SIZE + 1 + FEN_TOEPLITZ_BEHIND];
  double      xt[SIZE], xs[REF_MAX], u[SIZE], w[SIZE], v[SIZE], out[SIZE];
  int         window[2 * REF_MAX];
  int         lanes;
  FenInt      lo[REF_MAX], hi[REF_MAX]; /* the true windows */
} Lines;

typedef struct {
  double origin, ht, hs;
} Axes;

static const Axes   axes[] = {{0, 0.25, 0.25}, {1.5, 0.125, 0.5}, {-40, 0.25, 0.125}, {60, 0.5, 0.25}, {0, 1, 1}};
static const FenInt sizes[][2] = {{1, 1}, {1, 7}, {7, 1}, {2, 2}, {3, 31}, {33, 20}, {64, 64}, {65, 200}, {200, 63}};

/* a fifth of the sources and, when zeros is 2, every third lane weigh nothing; 3: nothing weighs anything */
static void Fill(Lines *L, const Axes *a, FenInt nt, FenInt ns, double spread, int zeros, int shares)
{
  const uint64_t seed = (uint64_t)(1000 * nt + ns);

  L->P = (FenLines){.nt = nt, .ns = ns, .xt = L->xt, .xs = L->xs, .step = a->hs, .u = L->u, .w = L->w, .v = L->v};
  L->P.window = L->window;
  for (FenInt j = 0; j < ns; j++)
    L->xs[j] = (double)j * a->hs;
  for (FenInt i = 0; i < nt; i++)
    for (int l = 0; l < L->lanes; l++)
      L->xt[i * L->lanes + l] = a->origin + (double)(i * shares + l % shares) * a->ht;
  for (FenInt j = 0; j < ns; j++)
    for (int l = 0; l < L->lanes; l++) {
      const FenInt k = j * LANES + l;
      const int    none = zeros == 3 || (zeros == 2 && l % 3 == 1) || (zeros && ns > 1 && (j + 2 * l) % 5 == 0);

      L->u[j * L->lanes + l] = none ? FEN_NONE : RefSixteenth(seed, k, spread / 2);
      L->v[j * L->lanes + l] = 2 * FenRandomUniform(seed + 1, (uint64_t)k, 0) - 1;
    }
}

/* with a table of factors if steps are the same; a line then lies in all lanes or its targets are shared by them */
static PetscBool Tabulate(Lines *L, const Axes *a, int shares)
{
  if (a->ht != a->hs || (shares > 1 && shares < L->lanes))
    return PETSC_FALSE;
  FEN_OK(FenToeplitzMake(a->hs, a->origin, 8192, &L->table));
  L->P.toeplitz = &L->table;
  L->P.at = L->table.at;
  L->P.apart = shares;
  L->P.scratch = L->scratch;
  for (FenInt j = 0; shares > 1 && j < L->P.ns; j++)
    for (int l = 1; l < L->lanes; l++) {
      L->u[j * L->lanes + l] = L->u[j * L->lanes];
      L->v[j * L->lanes + l] = L->v[j * L->lanes];
    }
  return PETSC_TRUE;
}

/* |x-y|^3 in place of |x-y|^2, from a table: by how many steps pairs are apart */
static void TabulateCosts(Lines *L, const Axes *a, int shares)
{
  assert_true(Tabulate(L, a, shares));
  for (FenInt k = -SIZE; k <= SIZE + FEN_TOEPLITZ_BEHIND; k++)
    L->costs[SIZE + k] = pow(fabs(a->origin + (double)k * a->hs), 3);
  L->P.cost = L->costs + SIZE;
  L->P.stride = -1;
  L->P.at = 0;
  FEN_OK(FenToeplitzTabulate(L->P.cost, SIZE, &L->table));
  if (!L->table.reach)
    L->P.toeplitz = NULL;
}

static long double Cost(const Lines *L, FenInt i, FenInt j, int l)
{
  const long double d = (long double)L->xt[i * L->lanes + l] - L->xs[j];

  return L->P.cost ? fabsl(d * d * d) : d * d;
}

static long double Score(const Lines *L, FenInt i, FenInt j, int l)
{
  const double u = L->u[j * L->lanes + l];

  return u <= FEN_NONE ? -HUGE_VALL : u - Cost(L, i, j, l);
}

static long double Largest(const Lines *L, FenInt i, int l)
{
  long double m = -HUGE_VALL;

  for (FenInt j = 0; j < L->P.ns; j++)
    m = fmaxl(m, Score(L, i, j, l));
  return m;
}

static void TrueWindows(Lines *L)
{
  for (FenInt i = 0; i < L->P.nt; i++) {
    L->lo[i] = L->P.ns;
    L->hi[i] = 0;
    for (int l = 0; l < L->lanes; l++) {
      const long double m = Largest(L, i, l);

      for (FenInt j = 0; j < L->P.ns; j++)
        if (m > -HUGE_VALL && Score(L, i, j, l) >= m - FEN_CUT) {
          L->lo[i] = PetscMin(L->lo[i], j);
          L->hi[i] = PetscMax(L->hi[i], j + 1);
        }
    }
  }
}

/* Windows of 32 and more sources may be those of targets near by, a sixteenth of the line at most, and M with them,
   from one target to the next as often as their distance doubles */
static void CheckWindows(const FenKernels *K, Lines *L)
{
  const FenInt nt = L->P.nt, near = L->P.ns >= 32 ? L->P.ns / 16 : 0;

  K->linewindows(&L->P, L->out);
  for (FenInt i = 0; i < nt; i++) {
    const FenInt lo = L->window[2 * i], hi = L->window[2 * i + 1];
    const FenInt left = PetscMax(i - near, 0), right = PetscMin(i + near, nt - 1);
    const double away = hi - lo < 32 ? 0 : 8 * (1 + floor(log2((double)(hi - lo) / 32)));

    if (!L->hi[i]) {
      assert_true(lo == hi);
      continue;
    }
    assert_true(lo <= L->lo[i] && lo >= L->lo[left]);
    assert_true(hi >= L->hi[i] && hi <= L->hi[right]);
    if (hi - lo < 32)
      assert_true(lo == L->lo[i] && hi == L->hi[i]);
    for (int l = 0; l < L->lanes; l++) {
      const long double m = Largest(L, i, l);
      const double      M = L->out[i * L->lanes + l];

      assert_true(m > -HUGE_VALL ? fabs((double)(M - m)) <= away : M == FEN_NONE);
    }
  }
}

/* with tables sums are made relative to a source that may be far from a target: exponents up to so large are rounded */
static double Rounding(const Lines *L)
{
  return L->P.toeplitz ? 1.2e-16 * FEN_TOEPLITZ_BITS : 0;
}

/* rounding of the result itself comes on top of the error of the sum; log2 of it is at most 16 and the exponent */
static void CheckSums(const FenKernels *K, Lines *L)
{
  K->linelse(&L->P, L->out);
  for (FenInt i = 0; i < L->P.nt; i++)
    for (int l = 0; l < L->lanes; l++) {
      const long double m = Largest(L, i, l);
      const double      out = L->out[i * L->lanes + l];
      long double       sum = 0;

      if (m == -HUGE_VALL) {
        assert_true(out == FEN_NONE);
        continue;
      }
      for (FenInt j = 0; j < L->P.ns; j++)
        sum += exp2l(Score(L, i, j, l) - m);
      FEN_ASSERT_NEAR(out - (double)m, (double)log2l(sum), 1e-14 + 2.3e-16 * (fabs((double)m) + 16) + Rounding(L));
    }
}

static void CheckProducts(const FenKernels *K, Lines *L)
{
  for (FenInt i = 0; i < L->P.nt; i++)
    for (int l = 0; l < L->lanes; l++) { /* the largest term is one, up to the sixteenths */
      const long double m = Largest(L, i, l);

      L->w[i * L->lanes + l] = m > -HUGE_VALL ? -rint(16 * (double)m) / 16 : FEN_NONE;
    }
  for (L->P.weighted = 0; L->P.weighted < 2; L->P.weighted++) {
    K->lineapply(&L->P, L->out);
    for (FenInt i = 0; i < L->P.nt; i++)
      for (int l = 0; l < L->lanes; l++) {
        long double sum = 0, all = 0;

        for (FenInt j = 0; j < L->P.ns; j++) {
          const long double e = exp2l(L->w[i * L->lanes + l] + Score(L, i, j, l)), c = Cost(L, i, j, l);
          const long double v = L->v[j * L->lanes + l];

          sum += (L->P.weighted ? c : 1) * e * v;
          all += (L->P.weighted ? fmaxl(c, 1) : 1) * e * fabsl(v);
        }
        FEN_ASSERT_NEAR(L->out[i * L->lanes + l], (double)sum, (1e-14 + Rounding(L)) * (double)all + 1e-290);
      }
  }
}

/* one window for all */
static void CheckWhole(const FenKernels *K, Lines *L)
{
  const FenInt first = L->P.at + (L->P.nt - 1) * L->P.apart + L->P.apart - 1;

  if (first > L->table.reach || L->P.ns - 1 - L->P.at > L->table.reach)
    return;
  L->P.whole = 1;
  for (FenInt i = 0; i < L->P.nt; i++) {
    L->window[2 * i] = 0;
    L->window[2 * i + 1] = (int)L->P.ns;
  }
  CheckSums(K, L);
  CheckProducts(K, L);
  L->P.whole = 0;
}

/* sizes, axes in equal steps, spreads, lanes that are lines or share one */
typedef void (*EqualFn)(const FenKernels *, Lines *, const Axes *, int shares);
static void ForEqual(const Axes equal[5], EqualFn check)
{
  static const double spreads[] = {0, 8, 300, 1e4};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K), ncases = (int)(sizeof(sizes) / sizeof(*sizes)) * 5 * 4 * 2;
  Lines              *L = (Lines *)calloc(1, sizeof(*L));

  for (int k = 0; k < n; k++)
    for (int c = 0; c < ncases; c++) {
      const FenInt *size = sizes[c / 40];
      const int     shares = c % 2 ? K[k]->linelanes : 1;

      L->lanes = K[k]->linelanes;
      Fill(L, &equal[c / 2 % 5], size[0], size[1], spreads[(c / 10) % 4], shares > 1 ? 1 : c % 4, shares);
      check(K[k], L, &equal[c / 2 % 5], shares);
    }
  FEN_OK(FenToeplitzDestroy(&L->table));
  free(L);
}

static void CheckTable(const FenKernels *K, Lines *L, const Axes *a, int shares)
{
  assert_true(Tabulate(L, a, shares));
  assert_true(a->hs > 7 ? !L->table.reach : L->table.reach > 0);
  if (!L->table.reach)
    L->P.toeplitz = NULL;
  TrueWindows(L);
  K->linewindows(&L->P, L->out);
  CheckSums(K, L);
  CheckProducts(K, L);
  if (L->P.toeplitz && L->hi[0])
    CheckWhole(K, L);
}

/* the same sums and products with factors from tables: axes a little and many steps apart, or not near enough */
static void TestTables(void **state)
{
  static const Axes equal[] = {{0, 0.25, 0.25}, {1.0625, 0.125, 0.125}, {-40, 0.5, 0.5}, {0.5, 2, 2}, {3, 16, 16}};

  (void)state;
  ForEqual(equal, CheckTable);
}

static int tables;

static void CheckCosts(const FenKernels *K, Lines *L, const Axes *a, int shares)
{
  TabulateCosts(L, a, shares);
  TrueWindows(L);
  tables += L->P.toeplitz != NULL;
  for (int with = 1; with >= 0; with--) {
    CheckWindows(K, L);
    CheckSums(K, L);
    CheckProducts(K, L);
    L->P.toeplitz = NULL;
  }
}

/* other costs, with a table of their factors and without */
static void TestCosts(void **state)
{
  static const Axes equal[] = {
      {0, 0.25, 0.25}, {1.0625, 0.125, 0.125}, {-40, 0.5, 0.5}, {0.5, 2, 2}, {3, 0.0625, 0.0625}};

  (void)state;
  ForEqual(equal, CheckCosts);
  assert_true(tables > 0);
}

static void TestLines(void **state)
{
  static const double spreads[] = {0, 8, 300, 1e4};
  const FenKernels   *K[FEN_SIMD_TYPES];
  const int           n = RefKernels(K), ncases = (int)(sizeof(sizes) / sizeof(*sizes)) * 5 * 4;
  Lines              *L = (Lines *)calloc(1, sizeof(*L));

  (void)state;
  for (int k = 0; k < n; k++)
    for (int c = 0; c < ncases; c++) {
      const FenInt *size = sizes[c / 20];

      L->lanes = K[k]->linelanes;
      Fill(L, &axes[c % 5], size[0], size[1], spreads[(c / 5) % 4], c % 4, c % 3 ? 1 : L->lanes / 4);
      TrueWindows(L);
      CheckWindows(K[k], L);
      CheckSums(K[k], L);
      CheckProducts(K[k], L);
    }
  free(L);
}

/* exponents so large that rounding errors exceed the cut: still finite, and right to those errors */
static void TestLargeExponents(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);
  Lines            *L = (Lines *)calloc(1, sizeof(*L));

  (void)state;
  for (int k = 0; k < n; k++) {
    L->lanes = K[k]->linelanes;
    Fill(L, &(Axes){0, 1.1e10, 0.9e10}, 130, 150, 1e20, 2, 1);
    K[k]->linewindows(&L->P, L->out);
    K[k]->linelse(&L->P, L->out);
    for (FenInt i = 0; i < L->P.nt; i++)
      for (int l = 0; l < L->lanes; l++)
        if (Largest(L, i, l) > -HUGE_VALL)
          FEN_ASSERT_NEAR(L->out[i * L->lanes + l], (double)Largest(L, i, l), 1e-14 * 1e24);
  }
  free(L);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestLines), cmocka_unit_test(TestTables),
                                     cmocka_unit_test(TestCosts), cmocka_unit_test(TestLargeExponents)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
