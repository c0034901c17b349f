/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reproducible sums, log-sum-exp pairs, fingerprints.
*/
#include <fentest.h>
#include <fenchellayout.h>
#include <stdlib.h>

/* my part of an array of n entries made by a function of the global index */
typedef double (*Entry)(FenInt);
static double *Part(FenInt n, Entry f, FenInt *start, FenInt *length)
{
  FenLayout l;
  double   *x;
  FenInt    end;

  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, n, &l));
  FEN_OK(FenLayoutGetRange(l, start, &end));
  FEN_OK(FenLayoutDestroy(&l));
  *length = end - *start;
  x = (double *)malloc((size_t)(*length + 1) * sizeof(double));
  for (FenInt k = 0; k < *length; k++)
    x[k] = f(*start + k);
  return x;
}

/* sum in the order of the indices on the calling rank */
static double SerialSum(FenInt n, Entry f)
{
  FenDD s = {0, 0};

  for (FenInt i = 0; i < n; i++)
    FenDDAdd(&s, f(i));
  return s.hi + s.lo;
}

static double Wild(FenInt i)
{
  return (FenRandomUniform(3, (uint64_t)i, 0) - 0.5) * exp2(40 * FenRandomUniform(3, (uint64_t)i, 1));
}

static double Cancelling(FenInt i) /* groups of three: 1e16 + 1 - 1e16 */
{
  return i % 3 == 0 ? 1e16 : i % 3 == 1 ? 1 : -1e16;
}

static double One(FenInt i)
{
  (void)i;
  return 1;
}

static void SumOfOnes(void **state)
{
  (void)state;
  for (FenInt n = 0; n < 40; n++) {
    FenInt  start, length;
    double *x = Part(n, One, &start, &length), sum = -1;

    FEN_OK(FenSum(MPI_COMM_WORLD, length, x, &sum));
    assert_true(sum == (double)n);
    free(x);
  }
}

static void SumThatCancels(void **state)
{
  FenInt  start, length;
  double *x = Part(30003, Cancelling, &start, &length), sum;

  (void)state;
  FEN_OK(FenSum(MPI_COMM_WORLD, length, x, &sum));
  assert_true(sum == 10001);
  free(x);
}

/* the serial sum does not know of ranks: equal to it on 1, 2, 3, 4 ranks means equal to each other */
static void SumHasTheSameBitsOnAnyNumberOfRanks(void **state)
{
  FenInt  start, length;
  double *x = Part(100001, Wild, &start, &length), sum;

  (void)state;
  FEN_OK(FenSum(MPI_COMM_WORLD, length, x, &sum));
  assert_true(sum == SerialSum(100001, Wild));
  free(x);
}

#define SPREAD_N 60000

/* numbers of 80 binary orders and, in another order, their opposites; what remains are quarters, SPREAD_N/12 */
static double Spread(FenInt i)
{
  const FenInt n = SPREAD_N / 3, k = i / 3 * (i % 3 == 1 ? 7919 : 1) % n; /* 7919 is prime to n */
  const double x = (FenRandomUniform(6, (uint64_t)k, 0) - 0.5) * exp2(80 * FenRandomUniform(6, (uint64_t)k, 1));

  return i % 3 == 0 ? x : i % 3 == 1 ? -x : 0.25;
}

static void SumIsExactToThirtyDigits(void **state)
{
  FenInt  start, length;
  double *x = Part(SPREAD_N, Spread, &start, &length), sum, total = 0;

  (void)state;
  for (FenInt i = 0; i < SPREAD_N; i++)
    total += fabs(Spread(i));
  FEN_OK(FenSum(MPI_COMM_WORLD, length, x, &sum));
  FEN_ASSERT_NEAR(sum, SPREAD_N / 12, 1e-30 * total);
  assert_true(1e-30 * total < 1e-2);
  free(x);
}

static double DotX(FenInt i)
{
  return 1 + ldexp(FenRandomUniform(4, (uint64_t)(i / 2), 0), -20);
}

static double DotY(FenInt i) /* pairs of neighbours cancel but for one unit each */
{
  const double y = 1 + FenRandomUniform(4, (uint64_t)(i / 2), 1);

  return i % 2 ? -y : y;
}

static void DotSurvivesCancellation(void **state)
{
  FenInt  start, length, n = 20002;
  double *x = Part(n, DotX, &start, &length), *y = Part(n, DotY, &start, &length), dot;

  (void)state;
  FEN_OK(FenDot(MPI_COMM_WORLD, length, x, y, &dot));
  FEN_ASSERT_NEAR(dot, 0, 1e-30 * 2 * (double)n); /* every product occurs with both signs, rounding errors included */
  if (start == 0)
    x[0] = nextafter(x[0], 2);
  FEN_OK(FenDot(MPI_COMM_WORLD, length, x, y, &dot));
  FEN_ASSERT_NEAR(dot, ldexp(DotY(0), -52), 1e-30 * 2 * (double)n);
  free(x);
  free(y);
}

static void DotHasTheSameBitsOnAnyNumberOfRanks(void **state)
{
  FenInt  start, length, n = 50001;
  double *x = Part(n, Wild, &start, &length), *y = Part(n, DotX, &start, &length), dot;
  FenDD   s = {0, 0};

  (void)state;
  FEN_OK(FenDot(MPI_COMM_WORLD, length, x, y, &dot));
  for (FenInt i = 0; i < n; i++)
    FenDDAddProduct(&s, Wild(i), DotX(i));
  assert_true(dot == s.hi + s.lo);
  free(x);
  free(y);
}

/* pieces of any length, zero included, add up to what one pass gives */
static void PiecesAddUp(void **state)
{
  FenInt  start, length, n = 50001;
  double *x = Part(n, Wild, &start, &length), *y = Part(n, DotX, &start, &length), sum, dot, s[2];
  FenDD   parts[2] = {{0, 0}, {0, 0}};

  (void)state;
  FEN_OK(FenSum(MPI_COMM_WORLD, length, x, &sum));
  FEN_OK(FenDot(MPI_COMM_WORLD, length, x, y, &dot));
  for (FenInt i = 0, piece = 0; i < length; piece++) {
    const FenInt many = PetscMin(piece, length - i);

    FenDDAddSum(&parts[0], many, x + i);
    FenDDAddDot(&parts[1], many, x + i, y + i);
    i += many;
  }
  FEN_OK(FenDDReduce(MPI_COMM_WORLD, 2, parts, s));
  assert_true(s[0] == sum && s[1] == dot);
  parts[0] = (FenDD){HUGE_VAL, 0};
  FenDDAddSum(&parts[0], length, x);
  assert_true(isinf(parts[0].hi));
  free(x);
  free(y);
}

static void InfAndNaNStay(void **state)
{
  double x[3] = {1, HUGE_VAL, 2}, sum;
  int    rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenSum(MPI_COMM_WORLD, rank ? 0 : 3, x, &sum));
  assert_true(isinf(sum) && sum > 0);
  x[2] = NAN;
  FEN_OK(FenSum(MPI_COMM_WORLD, rank ? 0 : 3, x, &sum));
  assert_true(isnan(sum));
}

static void ManySumsAtOnce(void **state)
{
  FenDD  mine[20];
  double sums[20];
  int    rank, size;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int i = 0; i < 20; i++)
    mine[i] = (FenDD){rank == 0 ? 1e20 : rank == size - 1 ? -1e20 : 0, i};
  FEN_OK(FenDDReduce(MPI_COMM_WORLD, 20, mine, sums));
  for (int i = 0; i < 20; i++)
    assert_true(sums[i] == (size == 1 ? 1e20 + i : (double)(i * size)));
}

/* ---- log-sum-exp ---- */
static void Merge(const double a[2], const double b[2], double c[2])
{
  MPI_Datatype type;
  MPI_Op       op;

  FEN_OK(FenLSEGetOp(&type, &op));
  memcpy(c, b, 2 * sizeof(double));
  MPI_Reduce_local((void *)(uintptr_t)a, c, 1, type, op);
}

static void NeutralPairChangesNothing(void **state)
{
  const double neutral[2] = {-HUGE_VAL, 0}, a[2] = {-1e300, 3};
  double       c[2];

  (void)state;
  Merge(neutral, a, c);
  assert_true(c[0] == a[0] && c[1] == a[1]);
  Merge(a, neutral, c);
  assert_true(c[0] == a[0] && c[1] == a[1]);
  Merge(neutral, neutral, c);
  assert_true(c[0] == -HUGE_VAL && c[1] == 0);
}

static void NaNIsNotLost(void **state)
{
  const double nan_max[2] = {NAN, 1}, nan_sum[2] = {0, NAN}, a[2] = {5, 1};
  double       c[2];

  (void)state;
  Merge(nan_max, a, c);
  assert_true(isnan(c[0] + c[1]));
  Merge(a, nan_max, c);
  assert_true(isnan(c[0] + c[1]));
  Merge(nan_sum, a, c);
  assert_true(isnan(c[0] + c[1]));
}

static void MergeIsAssociativeAndCommutative(void **state)
{
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    double v[3][2], left[2], right[2], other[2], swapped[2];

    for (uint64_t k = 0; k < 3; k++) {
      v[k][0] = 100 * FenRandomNormal(5, 3 * i + k, 0);
      v[k][1] = 1 + FenRandomUniform(5, 3 * i + k, 1);
    }
    Merge(v[0], v[1], other);
    Merge(v[1], v[0], swapped);
    assert_memory_equal(other, swapped, sizeof(other));
    Merge(other, v[2], left);
    Merge(v[1], v[2], other);
    Merge(v[0], other, right);
    assert_true(left[0] == right[0]);
    FEN_ASSERT_NEAR(left[1], right[1], 1e-15 * left[1]);
  }
}

static void AllreduceGivesTheLogarithmOfTheSum(void **state)
{
  double       mine[2], all[2], sum = 0;
  MPI_Datatype type;
  MPI_Op       op;
  int          rank, size;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  mine[0] = 1000 + 2 * rank; /* powers that double precision does not hold */
  mine[1] = 1.5;
  for (int r = 0; r < size; r++)
    sum += 1.5 * exp2(2 * r);
  FEN_OK(FenLSEGetOp(&type, &op));
  MPI_Allreduce(mine, all, 1, type, op, MPI_COMM_WORLD);
  FEN_ASSERT_NEAR(all[0] + log2(all[1]), 1000 + log2(sum), 1e-12);
}

/* ---- fingerprints ---- */
#define FP_N 1000

static FenFingerprint Print(const double x[])
{
  FenFingerprint f = {{0, 0}};

  FenFingerprintDoubles(&f, 0, FP_N, x);
  return f;
}

static int Differ(FenFingerprint a, FenFingerprint b)
{
  return a.lane[0] != b.lane[0] && a.lane[1] != b.lane[1];
}

static void FingerprintDoesNotDependOnRanks(void **state)
{
  FenInt         start, length;
  double        *x = Part(FP_N, Wild, &start, &length), whole[FP_N];
  FenFingerprint f = {{0, 0}};

  (void)state;
  FenFingerprintDoubles(&f, start + length / 2, length - length / 2, x + length / 2);
  FenFingerprintDoubles(&f, start, length / 2, x);
  FEN_OK(FenFingerprintReduce(MPI_COMM_WORLD, &f));
  for (FenInt i = 0; i < FP_N; i++)
    whole[i] = Wild(i);
  assert_true(f.lane[0] == Print(whole).lane[0] && f.lane[1] == Print(whole).lane[1]);
  free(x);
}

static void EveryBitCounts(void **state)
{
  double               x[FP_N];
  const FenFingerprint zero = {{0, 0}};
  FenFingerprint       f;

  (void)state;
  for (FenInt i = 0; i < FP_N; i++)
    x[i] = i % 2 ? Wild(i) : 0;
  f = Print(x);
  assert_true(Differ(f, zero));
  for (FenInt i = 0; i < 64; i++) {
    for (int bit = 0; bit < 64; bit++) {
      double   keep = x[i];
      uint64_t word;

      memcpy(&word, &keep, 8);
      word ^= UINT64_C(1) << bit;
      memcpy(&x[i], &word, 8);
      assert_true(Differ(f, Print(x)));
      x[i] = keep;
    }
  }
  assert_false(Differ(f, Print(x)));
}

static void ZeroedAndSwappedBlocksCount(void **state)
{
  double         x[FP_N], y[FP_N];
  FenFingerprint f;

  (void)state;
  for (FenInt i = 0; i < FP_N; i++)
    x[i] = Wild(i);
  f = Print(x);
  memcpy(y, x, sizeof(x));
  memset(y + 256, 0, 64 * sizeof(double));
  assert_true(Differ(f, Print(y)));
  memcpy(y, x, sizeof(x));
  memcpy(y + 256, x + 512, 128 * sizeof(double));
  memcpy(y + 512, x + 256, 128 * sizeof(double));
  assert_true(Differ(f, Print(y)));
  memcpy(y, x + 1, (FP_N - 1) * sizeof(double)); /* shifted by one */
  y[FP_N - 1] = x[0];
  assert_true(Differ(f, Print(y)));
  memset(x, 0, sizeof(x)); /* zeros have a length too */
  f = (FenFingerprint){{0, 0}};
  FenFingerprintDoubles(&f, 0, FP_N - 1, x);
  assert_true(Differ(f, Print(x)));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(SumOfOnes),
    cmocka_unit_test(SumThatCancels),
    cmocka_unit_test(SumHasTheSameBitsOnAnyNumberOfRanks),
    cmocka_unit_test(SumIsExactToThirtyDigits),
    cmocka_unit_test(DotSurvivesCancellation),
    cmocka_unit_test(DotHasTheSameBitsOnAnyNumberOfRanks),
    cmocka_unit_test(PiecesAddUp),
    cmocka_unit_test(InfAndNaNStay),
    cmocka_unit_test(ManySumsAtOnce),
    cmocka_unit_test(NeutralPairChangesNothing),
    cmocka_unit_test(NaNIsNotLost),
    cmocka_unit_test(MergeIsAssociativeAndCommutative),
    cmocka_unit_test(AllreduceGivesTheLogarithmOfTheSum),
    cmocka_unit_test(FingerprintDoesNotDependOnRanks),
    cmocka_unit_test(EveryBitCounts),
    cmocka_unit_test(ZeroedAndSwappedBlocksCount),
};
FEN_TEST_MAIN(tests)
