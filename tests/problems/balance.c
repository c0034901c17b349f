/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMeasureBalance: sums are one to the last bit by an integer sum that shares nothing with the library, weights do
   not depend on the number of ranks, and every wrong weight is named with its number on all ranks.
*/
#include <fenchelmeasure.h>
#include "fentest.h"
#include <stdlib.h>

#define FIXED_BITS 120 /* sums are taken in units of 2^-120 */

static int rank, size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

/* a repeatable mixture of large, small, tiny and zero weights */
static double Mixture(FenInt i)
{
  const double u = FenRandomUniform(11, (uint64_t)i, 5);

  switch (i % 7) {
  case 0:
    return 0;
  case 1:
    return 1e-300 * u;
  case 2:
    return 1e3 * u;
  default:
    return u * u * u;
  }
}

static double Equal(FenInt i)
{
  (void)i;
  return 0.1;
}

/* n points on a line, cut unevenly: rank r gets a share that grows with r */
static FenMeasure Cloud(MPI_Comm comm, FenInt n, double (*weight)(FenInt))
{
  int        r, p;
  FenInt     start, end;
  double    *x, *w;
  FenMeasure m;

  MPI_Comm_rank(comm, &r);
  MPI_Comm_size(comm, &p);
  start = n * r * r / (p * p);
  end = n * (r + 1) * (r + 1) / (p * p);
  x = (double *)malloc((size_t)(end - start + 1) * sizeof(double));
  w = (double *)malloc((size_t)(end - start + 1) * sizeof(double));
  for (FenInt i = start; i < end; i++) {
    x[i - start] = (double)i;
    w[i - start] = weight(i);
  }
  FEN_OK(FenMeasureCreatePoints(comm, end - start, 1, x, w, &m));
  free(x);
  free(w);
  return m;
}

/* the exact sum of the weights rounds to one */
static int SumIsOne(FenMeasure m)
{
  const __int128 one = (__int128)1 << FIXED_BITS, ulp = (__int128)1 << (FIXED_BITS - 54);
  const double  *w;
  uint64_t       mine[2], all[2 * 64];
  FenInt         n;
  __int128       sum = 0;

  FEN_OK(FenMeasureGetWeights(m, &w));
  FEN_OK(FenMeasureGetSize(m, NULL, &n));
  for (FenInt i = 0; i < n; i++)
    sum += (__int128)ldexp(w[i], FIXED_BITS);
  mine[0] = (uint64_t)(sum >> 64);
  mine[1] = (uint64_t)sum;
  MPI_Allgather(mine, 2, MPI_UINT64_T, all, 2, MPI_UINT64_T, MPI_COMM_WORLD);
  sum = 0;
  for (int r = 0; r < size; r++)
    sum += (__int128)all[2 * r] << 64 | (__int128)all[2 * r + 1];
  return sum - one >= -ulp && sum - one <= 2 * ulp;
}

static void TestExact(void **state)
{
  const FenInt  n = 1000000;
  FenMeasure    s = Cloud(MPI_COMM_WORLD, n, Mixture), t = Cloud(MPI_COMM_WORLD, n / 3 + 1, Equal);
  const double *w;
  FenLayout     layout;
  FenInt        start, end;
  double        sum, mass;
  int           kept = 1, equal = 1;

  (void)state;
  FEN_OK(FenMeasureBalance(s, t, PETSC_TRUE));
  FEN_ASSERT_ALL(SumIsOne(s));
  FEN_ASSERT_ALL(SumIsOne(t));
  FEN_OK(FenMeasureGetLayout(s, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMeasureGetWeights(s, &w));
  FEN_OK(FenSum(MPI_COMM_WORLD, end - start, w, &sum));
  assert_true(sum == 1.0);
  for (FenInt i = start; i < end; i++)
    kept = kept && (w[i - start] > 0) == (Mixture(i) > 0);
  FEN_ASSERT_ALL(kept);
  FEN_OK(FenMeasureGetMass(t, &mass));
  FEN_ASSERT_NEAR(mass, 0.1 * (double)(n / 3 + 1), 1e-9);

  /* all are equal but the first, which has the residual */
  FEN_OK(FenMeasureGetLayout(t, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMeasureGetWeights(t, &w));
  for (FenInt i = PetscMax(start, 1); i < end; i++)
    equal = equal && w[i - start] == 0.1 / mass;
  FEN_ASSERT_ALL(equal);
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
}

/* against the same measure on one rank */
static void TestRankIndependence(void **state)
{
  const FenInt  n = 20011;
  FenMeasure    all = Cloud(MPI_COMM_WORLD, n, Mixture), other = Cloud(MPI_COMM_WORLD, n, Mixture);
  FenMeasure    self = Cloud(PETSC_COMM_SELF, n, Mixture), self2 = Cloud(PETSC_COMM_SELF, n, Mixture);
  const double *w, *v;
  FenLayout     layout;
  FenInt        start, end;
  int           same = 1;

  (void)state;
  FEN_OK(FenMeasureBalance(all, other, PETSC_FALSE));
  FEN_OK(FenMeasureBalance(self, self2, PETSC_FALSE));
  FEN_OK(FenMeasureGetLayout(all, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMeasureGetWeights(all, &w));
  FEN_OK(FenMeasureGetWeights(self, &v));
  for (FenInt i = start; i < end; i++)
    same = same && fabs(w[i - start] - v[i]) <= 1e-15 * v[i];
  FEN_ASSERT_ALL(same);
  FEN_OK(FenMeasureDestroy(&all));
  FEN_OK(FenMeasureDestroy(&other));
  FEN_OK(FenMeasureDestroy(&self));
  FEN_OK(FenMeasureDestroy(&self2));
}

static void TestTwice(void **state)
{
  FenMeasure     s = Cloud(MPI_COMM_WORLD, 501, Mixture), t = Cloud(MPI_COMM_WORLD, 77, Equal);
  FenMeasure     u = Cloud(MPI_COMM_WORLD, 77, Equal), v = Cloud(MPI_COMM_WORLD, 78, Equal);
  FenFingerprint before, after;

  (void)state;
  FEN_OK(FenMeasureBalance(s, t, PETSC_TRUE));
  FEN_OK(FenMeasureFingerprint(s, &before));
  FEN_OK(FenMeasureBalance(s, u, PETSC_TRUE));
  FEN_OK(FenMeasureFingerprint(s, &after));
  assert_memory_equal(&before, &after, sizeof(before));
  /* t is scaled already, but its mass is still that of u and not that of v */
  FEN_OK(FenMeasureBalance(t, u, PETSC_FALSE));
  FEN_ERROR(FenMeasureBalance(t, v, PETSC_FALSE), FEN_ERR_MASS, "mass 7.8");
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
  FEN_OK(FenMeasureDestroy(&u));
  FEN_OK(FenMeasureDestroy(&v));
}

static void TestMasses(void **state)
{
  FenMeasure     s = Cloud(MPI_COMM_WORLD, 40, Equal), t = Cloud(MPI_COMM_WORLD, 50, Equal);
  FenFingerprint before, after;

  (void)state;
  FEN_OK(FenMeasureFingerprint(s, &before));
  FEN_ERROR(FenMeasureBalance(s, t, PETSC_FALSE), FEN_ERR_MASS, "source has mass 4, target has mass 5;");
  FEN_ERROR(FenMeasureBalance(s, t, PETSC_FALSE), FEN_ERR_MASS, "-ot_normalize");
  FEN_OK(FenMeasureFingerprint(s, &after));
  assert_memory_equal(&before, &after, sizeof(before));
  FEN_OK(FenMeasureSetName(t, "b.npy"));
  FEN_ERROR(FenMeasureBalance(s, t, PETSC_FALSE), FEN_ERR_MASS, "source has mass 4, b.npy has mass 5;");
  FEN_OK(FenMeasureBalance(s, t, PETSC_TRUE));
  FEN_ASSERT_ALL(SumIsOne(s));
  FEN_ASSERT_ALL(SumIsOne(t));
  FEN_OK(FenMeasureDestroy(&s));
  FEN_OK(FenMeasureDestroy(&t));
}

static FenInt wrong_at;
static double wrong_value;

static double Wrong(FenInt i)
{
  return i == wrong_at || i == wrong_at + 9 ? wrong_value : 1;
}

static double Zero(FenInt i)
{
  (void)i;
  return 0;
}

static void TestWrongWeights(void **state)
{
  static const double value[] = {-1e-300, NAN, INFINITY, -INFINITY};
  static const char  *text[] = {"is -1e-300;", "is nan", "is inf", "is -inf"};
  FenMeasure          good = Cloud(MPI_COMM_WORLD, 40, Equal);
  char                message[100];

  (void)state;
  for (size_t k = 0; k < 4; k++)
    for (wrong_at = 0; wrong_at < 40; wrong_at += 13) {
      FenMeasure bad;

      wrong_value = value[k];
      bad = Cloud(MPI_COMM_WORLD, 40, Wrong);
      snprintf(message, sizeof(message), "source: weight %d %s", (int)wrong_at, text[k]);
      FEN_ERROR(FenMeasureBalance(bad, good, PETSC_TRUE), FEN_ERR_VALUE, message);
      assert_non_null(strstr(FenTestMessage(), "rule: weights are finite and >= 0"));
      snprintf(message, sizeof(message), "target: weight %d %s", (int)wrong_at, text[k]);
      FEN_ERROR(FenMeasureBalance(good, bad, PETSC_TRUE), FEN_ERR_VALUE, message);
      FEN_OK(FenMeasureDestroy(&bad));
    }
  FEN_OK(FenMeasureDestroy(&good));
}

/* the number on the grid and its indices, whatever the cut */
static void TestWrongOnGrid(void **state)
{
  const FenInt shape[3] = {6, 7, 5};
  FenMeasure   good = Cloud(MPI_COMM_WORLD, 40, Equal);

  (void)state;
  for (int axis = 0; axis < 3; axis++) {
    PetscMPIInt np[3] = {1, 1, 1};
    FenLayout   layout;
    FenMeasure  bad;
    FenBox      box;
    FenInt      n, k = 0;
    double     *w;

    np[axis] = size;
    FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, np, &layout));
    FEN_OK(FenLayoutGetBox(layout, -1, &box));
    FEN_OK(FenLayoutGetLocalSize(layout, &n));
    w = (double *)malloc((size_t)(n + 1) * sizeof(double));
    for (FenInt a = box.lo[0]; a < box.hi[0]; a++)
      for (FenInt b = box.lo[1]; b < box.hi[1]; b++)
        for (FenInt c = box.lo[2]; c < box.hi[2]; c++)
          w[k++] = a == 4 && b == 6 && c == 3 ? -2 : 1;
    FEN_OK(FenMeasureCreateGrid(layout, w, NULL, NULL, &bad));
    FEN_ERROR(FenMeasureBalance(good, bad, PETSC_TRUE), FEN_ERR_VALUE, "target: weight 173 (4,6,3) is -2;");
    free(w);
    FEN_OK(FenMeasureDestroy(&bad));
    FEN_OK(FenLayoutDestroy(&layout));
  }
  FEN_OK(FenMeasureDestroy(&good));
}

static void TestNothing(void **state)
{
  FenMeasure good = Cloud(MPI_COMM_WORLD, 1, Equal), none = Cloud(MPI_COMM_WORLD, 0, Equal);
  FenMeasure zero = Cloud(MPI_COMM_WORLD, 30, Zero);

  (void)state;
  FEN_ERROR(FenMeasureBalance(good, zero, PETSC_TRUE), FEN_ERR_VALUE, "target: all 30 weights are 0");
  FEN_ERROR(FenMeasureBalance(zero, good, PETSC_FALSE), FEN_ERR_VALUE, "source: all 30 weights are 0");
  FEN_ERROR(FenMeasureBalance(none, good, PETSC_TRUE), FEN_ERR_VALUE, "source: no entries");
  FEN_ERROR(FenMeasureBalance(good, none, PETSC_TRUE), FEN_ERR_VALUE, "target: no entries");
  FEN_OK(FenMeasureBalance(good, good, PETSC_TRUE)); /* one point: most ranks own nothing */
  FEN_ASSERT_ALL(SumIsOne(good));
  FEN_OK(FenMeasureDestroy(&good));
  FEN_OK(FenMeasureDestroy(&none));
  FEN_OK(FenMeasureDestroy(&zero));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestExact),        cmocka_unit_test(TestRankIndependence),
                                     cmocka_unit_test(TestTwice),        cmocka_unit_test(TestMasses),
                                     cmocka_unit_test(TestWrongWeights), cmocka_unit_test(TestWrongOnGrid),
                                     cmocka_unit_test(TestNothing)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Setup, NULL));
}
