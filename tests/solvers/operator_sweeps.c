/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps over any number of lines, full blocks of lanes or not, against long double; windows that are kept. */
#include "operator/sweeps.h"
#include "kernelref.h"

#define LINES  35
#define LENGTH 70

static const FenInt lines[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, LINES};
static const FenInt lengths[][2] = {{1, 1}, {3, 1}, {1, 9}, {8, 8}, {17, 40}, {LENGTH, 33}};

typedef struct {
  double xt[LENGTH], xs[LENGTH], u[LINES * LENGTH], v[LINES * LENGTH], w[LINES * LENGTH];
  double lse[LINES * LENGTH + 1], out[2][LINES * LENGTH + 1];
} Arrays;

static void Fill(Arrays *A, FenSweep *s, double h)
{
  for (FenInt i = 0; i < LENGTH; i++) {
    A->xt[i] = h * (double)i;
    A->xs[i] = h * (1.25 * (double)i - 5);
  }
  for (FenInt k = 0; k < LINES * LENGTH; k++) {
    A->u[k] = k % 6 == 1 ? FEN_NONE : RefSixteenth(71, k, 20);
    A->v[k] = 2 * FenRandomUniform(72, (uint64_t)k, 0) - 1;
  }
  for (FenInt j = 0; s->nlines > 4 && j < s->ns; j++)
    A->u[4 * s->ns + j] = FEN_NONE; /* a line without weight */
  s->xt = A->xt;
  s->xs = A->xs;
  s->u = A->u;
  s->v = A->v;
  s->w = A->w;
}

static long double Cost(const Arrays *A, const FenSweep *s, FenInt i, FenInt j)
{
  const long double d = (long double)A->xt[i] - A->xs[j];

  return s->kind == FEN_TILE_L1 ? fabsl(d) : d * d;
}

/* exponent of a term of result k */
static long double Score(const Arrays *A, const FenSweep *s, FenInt k, FenInt j)
{
  const double u = A->u[(k / s->nt) * s->ns + j];

  return u <= FEN_NONE ? -HUGE_VALL : u - Cost(A, s, k % s->nt, j);
}

static void CheckLSE(Arrays *A, FenSweep *s)
{
  const FenInt n = s->nlines * s->nt;

  A->lse[n] = 77;
  s->out = A->lse;
  FenSweepLSE(s);
  assert_true(A->lse[n] == 77);
  for (FenInt k = 0; k < n; k++) {
    long double sum = 0, m = -HUGE_VALL;

    for (FenInt j = 0; j < s->ns; j++)
      m = fmaxl(m, Score(A, s, k, j));
    for (FenInt j = 0; m > -HUGE_VALL && j < s->ns; j++)
      sum += exp2l(Score(A, s, k, j) - m);
    if (sum > 0)
      FEN_ASSERT_NEAR(A->lse[k], (double)(m + log2l(sum)), 1e-14 + 2.3e-16 * fabs(A->lse[k]));
    else
      assert_true(A->lse[k] == FEN_NONE);
  }
}

/* products with the rows of the plan; `which`: where they are */
static void CheckProduct(Arrays *A, FenSweep *s, int which)
{
  const FenInt n = s->nlines * s->nt;

  for (FenInt k = 0; k < n; k++) {
    long double sum = 0, all = 0;

    for (FenInt j = 0; j < s->ns; j++) {
      const long double e = exp2l(A->w[k] + Score(A, s, k, j)), c = Cost(A, s, k % s->nt, j);

      sum += e * (s->weighted ? c : 1) * A->v[(k / s->nt) * s->ns + j];
      all += e * (s->weighted ? fmaxl(c, 1) : 1);
    }
    /* exponents carry rounding errors of the size of u and w; what counts for zero may be 2^-1000 a source */
    FEN_ASSERT_NEAR(A->out[which][k], (double)sum, (1e-14 + 5e-16 * (20 + fabs(A->lse[k]))) * (double)all + 1e-290);
  }
}

static void CheckApply(Arrays *A, FenSweep *s, int which)
{
  const FenInt n = s->nlines * s->nt;

  A->out[which][n] = 77;
  s->out = A->out[which];
  FenSweepApply(s);
  assert_true(A->out[which][n] == 77);
  CheckProduct(A, s, which);
}

/* |x-y|: products with what the plan keeps */
static void CheckKept(Arrays *A, FenSweep *s)
{
  const FenInt n = s->nlines * s->nt;
  FenFactors   F = {.have = PETSC_FALSE};

  FEN_OK(FenFactorsCreate(s->kernels, s->kind, s->nt, s->nlines, &F));
  s->out = A->out[0];
  FEN_OK(FenSweepFactors(s, &F));
  assert_true(F.have);
  assert_memory_equal(A->out[0], A->lse, (size_t)n * sizeof(double));
  for (int weighted = 0; weighted < 2; weighted++) {
    s->weighted = (PetscBool)weighted;
    A->out[0][n] = 77;
    FenSweepMult(s, &F, FEN_SWEEP_FORWARD);
    assert_true(A->out[0][n] == 77);
    CheckProduct(A, s, 0);
  }
  FEN_OK(FenFactorsDestroy(&F));
}

/* line by line to arrays whose points of a line are `inner` apart, or back */
static void Permute(FenInt nlines, FenInt n, FenInt inner, PetscBool back, const double from[], double to[])
{
  for (FenInt l = 0; l < nlines; l++)
    for (FenInt i = 0; i < n; i++) {
      const FenInt line = l * n + i, array = (l / inner * n + i) * inner + l % inner;

      to[back ? line : array] = from[back ? array : line];
    }
}

/* the same numbers, bit by bit, along any axis: log sums, products with kept factors, there and back */
static void CheckInner(Arrays *A, FenSweep *s, FenInt inner)
{
  const FenInt n = s->nlines * s->nt, nin = s->nlines * s->ns;
  Arrays      *B = (Arrays *)malloc(sizeof(*B));
  FenFactors   F = {.have = PETSC_FALSE};
  FenSweep     t = *s;

  Permute(s->nlines, s->ns, inner, PETSC_FALSE, A->u, B->u);
  Permute(s->nlines, s->ns, inner, PETSC_FALSE, A->v, B->v);
  t.inner = inner;
  t.u = B->u;
  t.out = B->lse;
  B->lse[n] = 77;
  FEN_OK(FenFactorsCreate(s->kernels, s->kind, s->nt, s->nlines, &F));
  FenSweepLSE(&t);
  Permute(s->nlines, s->nt, inner, PETSC_TRUE, B->lse, B->out[0]);
  assert_memory_equal(B->out[0], A->lse, (size_t)n * sizeof(double));
  FEN_OK(FenSweepFactors(&t, &F));
  for (int product = FEN_SWEEP_FORWARD; F.have && product <= FEN_SWEEP_BOTH; product++) {
    const PetscBool forward = (PetscBool)(product == FEN_SWEEP_FORWARD || product == FEN_SWEEP_BOTH);
    const FenInt    length = product == FEN_SWEEP_FORWARD ? s->nt : s->ns;
    FenSweep        straight = *s;

    Permute(s->nlines, forward ? s->ns : s->nt, inner, PETSC_FALSE, A->v, B->v);
    Permute(s->nlines, s->nt, inner, PETSC_FALSE, A->v, B->w);
    t.v = B->v;
    t.w = B->w;
    straight.w = A->v;
    straight.out = A->out[0];
    t.out = B->out[0];
    B->out[0][n > nin ? n : nin] = 77;
    FenSweepMult(&straight, &F, (FenSweepProduct)product);
    FenSweepMult(&t, &F, (FenSweepProduct)product);
    assert_true(B->out[0][n > nin ? n : nin] == 77);
    Permute(s->nlines, length, inner, PETSC_TRUE, B->out[0], B->out[1]);
    assert_memory_equal(B->out[1], A->out[0], (size_t)(s->nlines * length) * sizeof(double));
  }
  FEN_OK(FenFactorsDestroy(&F));
  free(B);
}

static void CheckSweep(const FenKernels *K, FenTileKind kind, FenInt nlines, const FenInt length[2], double h)
{
  FenSweep s = {.kernels = K, .kind = kind, .nt = length[0], .ns = length[1], .nlines = nlines};
  Arrays  *A = (Arrays *)malloc(sizeof(*A));
  int     *windows = (int *)malloc((size_t)FenSweepWindows(K, s.nt, nlines) * sizeof(int));

  s.work = (double *)malloc((size_t)FenSweepWork(K, PetscMax(s.nt, s.ns)) * sizeof(double));
  Fill(A, &s, h);
  s.windows = windows;
  CheckLSE(A, &s);
  for (FenInt k = 0; k < nlines * s.nt; k++)
    A->w[k] = A->lse[k] > FEN_NONE ? -A->lse[k] : FEN_NONE;
  if (kind == FEN_TILE_L1)
    CheckKept(A, &s);
  for (int weighted = 0; weighted < 2 && kind != FEN_TILE_L1; weighted++) {
    s.weighted = (PetscBool)weighted;
    s.windows = windows;
    s.have = PETSC_TRUE;
    CheckApply(A, &s, 0);
    s.windows = NULL;
    s.have = PETSC_FALSE;
    CheckApply(A, &s, 1);
    assert_memory_equal(A->out[0], A->out[1], (size_t)(nlines * s.nt) * sizeof(double));
  }
  s.weighted = PETSC_FALSE;
  s.windows = windows;
  for (FenInt inner = 1; inner <= nlines; inner++)
    if (nlines % inner == 0)
      CheckInner(A, &s, inner);
  free(s.work);
  free(windows);
  free(A);
}

static void TestSweeps(void **state)
{
  const FenKernels *K[FEN_SIMD_TYPES];
  const int         n = RefKernels(K);

  (void)state;
  for (int k = 0; k < n; k++)
    for (size_t l = 0; l < sizeof(lines) / sizeof(*lines); l++)
      for (size_t m = 0; m < sizeof(lengths) / sizeof(*lengths); m++)
        for (int kind = 0; kind < 2; kind++)
          for (double h = 0.0625; h < 5; h *= 8)
            CheckSweep(K[k], kind ? FEN_TILE_L1 : FEN_TILE_SQEUCLIDEAN, lines[l], lengths[m], h);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSweeps)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
