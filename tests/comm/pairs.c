/* SPDX-License-Identifier: BSD-2-Clause */
/*
   All pairs: ring and grid against brute force, on many shapes, with sums and with log-sum-exp pairs.
*/
#include <fentest.h>
#include <fenchelpairs.h>
#include <stdlib.h>

static double Row(FenInt i, int c)
{
  return FenRandomUniform(1, (uint64_t)i, (uint32_t)c);
}

static double Col(FenInt j, int c)
{
  return FenRandomUniform(2, (uint64_t)j, (uint32_t)c) - 0.5;
}

/* a block's components must be what the global index says, wherever the block comes from */
static int BlockIsRight(const FenPairsBlock *b, int ncomp, double (*f)(FenInt, int))
{
  int right = 1;

  for (FenInt k = 0; k < b->n; k++)
    for (int c = 0; c < ncomp; c++)
      right &= b->data[c * b->stride + k] == f(b->first + k, c);
  return right;
}

typedef struct {
  int    wrong;
  FenInt pairs;
} Context;

/* acc[0] += x0 y0 + x1 y2, acc[1] counts the columns, acc[2] = sum of j */
static PetscErrorCode SumTile(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  Context *c = (Context *)ctx;

  c->wrong |= !BlockIsRight(rows, 2, Row) || !BlockIsRight(cols, 3, Col);
  c->pairs += rows->n * cols->n;
  for (FenInt k = 0; k < rows->n; k++)
    for (FenInt l = 0; l < cols->n; l++) {
      acc[3 * k] += rows->data[k] * cols->data[l] + rows->data[rows->stride + k] * cols->data[2 * cols->stride + l];
      acc[3 * k + 1] += 1;
      acc[3 * k + 2] += (double)(cols->first + l);
    }
  return 0;
}

static double *Numbers(FenLayout l, int ncomp, double (*f)(FenInt, int), FenInt *n)
{
  FenInt  start, end;
  double *x;

  FEN_OK(FenLayoutGetRange(l, &start, &end));
  *n = end - start;
  x = (double *)malloc((size_t)(*n * ncomp + 1) * sizeof(double));
  for (int c = 0; c < ncomp; c++)
    for (FenInt k = 0; k < *n; k++)
      x[c * *n + k] = f(start + k, c);
  return x;
}

/* returns my accumulators, 3 a row */
static double *RunSums(FenLayout rows, FenLayout cols, FenPairsType type, int runs)
{
  FenPairs     pairs;
  FenPairsTask task = {.nrow = 2, .ncol = 3, .nacc = 3, .type = MPI_DOUBLE, .per_row = 3, .op = MPI_SUM};
  Context      ctx = {0, 0};
  FenInt       n, m, all = 0, nrows, ncols;
  double      *row = Numbers(rows, 2, Row, &n), *col = Numbers(cols, 3, Col, &m);
  double      *acc = (double *)malloc((size_t)(3 * n + 1) * sizeof(double));

  FEN_OK(FenPairsCreate(rows, cols, type, &pairs));
  task.row = row;
  task.col = col;
  task.acc = acc;
  task.tile = SumTile;
  task.ctx = &ctx;
  for (int r = 0; r < runs; r++) {
    memset(acc, 0, (size_t)(3 * n) * sizeof(double));
    ctx.pairs = 0;
    FEN_OK(FenPairsRun(pairs, &task));
  }
  FEN_ASSERT_ALL(!ctx.wrong);
  MPI_Allreduce(&ctx.pairs, &all, 1, MPI_FENINT, MPI_SUM, MPI_COMM_WORLD);
  FEN_OK(FenLayoutGetSize(rows, &nrows));
  FEN_OK(FenLayoutGetSize(cols, &ncols));
  assert_true(all == nrows * ncols);
  FEN_OK(FenPairsDestroy(&pairs));
  assert_null(pairs);
  free(row);
  free(col);
  return acc;
}

static int SumsAreRight(FenLayout rows, FenInt m, const double acc[])
{
  FenInt start, end;
  int    right = 1;

  FEN_OK(FenLayoutGetRange(rows, &start, &end));
  for (FenInt i = start; i < end; i++) {
    const double *a = acc + 3 * (i - start);
    double        sum = 0;

    for (FenInt j = 0; j < m; j++)
      sum += Row(i, 0) * Col(j, 0) + Row(i, 1) * Col(j, 2);
    right &= fabs(a[0] - sum) <= 1e-13 * (double)m && a[1] == (double)m && a[2] == 0.5 * (double)(m * (m - 1));
  }
  return right;
}

static const FenInt sizes[][2] = {{0, 0}, {0, 7},  {7, 0},  {1, 1},   {1, 50},   {50, 1},
                                  {2, 3}, {5, 11}, {64, 3}, {37, 41}, {100, 99}, {2100, 13}};

static void SchedulesAgreeWithBruteForce(void **state)
{
  const FenPairsType types[] = {FEN_PAIRS_RING, FEN_PAIRS_GRID, FEN_PAIRS_AUTO};

  (void)state;
  for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
    for (int t = 0; t < 3; t++) {
      FenLayout rows, cols;
      double   *acc, *twice;
      FenInt    n;

      FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, sizes[s][0], &rows));
      FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, sizes[s][1], &cols));
      acc = RunSums(rows, cols, types[t], 1);
      twice = RunSums(rows, cols, types[t], 2);
      FEN_OK(FenLayoutGetLocalSize(rows, &n));
      FEN_ASSERT_ALL(SumsAreRight(rows, sizes[s][1], acc));
      FEN_ASSERT_ALL(!memcmp(acc, twice, (size_t)(3 * n) * sizeof(double))); /* the same bits in every run */
      free(acc);
      free(twice);
      FEN_OK(FenLayoutDestroy(&rows));
      FEN_OK(FenLayoutDestroy(&cols));
    }
}

/* layouts in which some ranks own nothing and blocks are unequal */
/* ranks that own very different numbers, as boxes of a grid do */
static void UnevenLayouts(void **state)
{
  const FenPairsType types[] = {FEN_PAIRS_RING, FEN_PAIRS_GRID};
  int                rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int t = 0; t < 2; t++) {
    FenLayout rows, cols;
    FenInt    m;
    double   *acc;

    FEN_OK(FenLayoutCreateRowsLocal(MPI_COMM_WORLD, rank % 2 ? 0 : 30 + rank, &rows));
    FEN_OK(FenLayoutCreateRowsLocal(MPI_COMM_WORLD, rank ? 200 * rank : 3, &cols));
    FEN_OK(FenLayoutGetSize(cols, &m));
    acc = RunSums(rows, cols, types[t], 2);
    FEN_ASSERT_ALL(SumsAreRight(rows, m, acc));
    free(acc);
    FEN_OK(FenLayoutDestroy(&rows));
    FEN_OK(FenLayoutDestroy(&cols));
  }
}

static void LayoutsOnFewerRanks(void **state)
{
  const FenPairsType types[] = {FEN_PAIRS_RING, FEN_PAIRS_GRID};
  const FenInt       n = 23, m = 31;
  const PetscMPIInt  one = 1;
  PetscMPIInt        less;
  FenLayout          rows, cols;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &less);
  less = less > 1 ? less - 1 : 1;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 1, &n, &less, &rows));
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 1, &m, &one, &cols));
  for (int t = 0; t < 2; t++) {
    double *acc = RunSums(rows, cols, types[t], 1);

    FEN_ASSERT_ALL(SumsAreRight(rows, m, acc));
    free(acc);
  }
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&cols));
}

/* scores of a row reach from -600 to 600, so that merging without the maximum would overflow */
static double Score(FenInt i, FenInt j)
{
  return 1200 * (FenRandomUniform(3, (uint64_t)(i * 1000 + j), 0) - 0.5) + 2000;
}

static PetscErrorCode LSETile(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  (void)ctx;
  for (FenInt k = 0; k < rows->n; k++)
    for (FenInt l = 0; l < cols->n; l++) {
      const double t = Score(rows->first + k, cols->first + l), m = acc[2 * k] > t ? acc[2 * k] : t;

      acc[2 * k + 1] = acc[2 * k + 1] * exp2(acc[2 * k] - m) + exp2(t - m);
      acc[2 * k] = m;
    }
  return 0;
}

static void LogSumExpThroughItsOperation(void **state)
{
  FenPairsTask task = {.nacc = 2, .per_row = 1, .neutral = {-HUGE_VAL, 0}, .tile = LSETile};
  FenLayout    rows, cols;
  FenPairs     pairs;
  FenInt       start, end;
  double       acc[2 * 30];
  int          right = 1;

  (void)state;
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 30, &rows));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 45, &cols));
  FEN_OK(FenLSEGetOp(&task.type, &task.op));
  FEN_OK(FenPairsCreate(rows, cols, FEN_PAIRS_GRID, &pairs));
  FEN_OK(FenLayoutGetRange(rows, &start, &end));
  for (FenInt k = 0; k < end - start; k++) {
    acc[2 * k] = -HUGE_VAL;
    acc[2 * k + 1] = 0;
  }
  task.acc = acc;
  FEN_OK(FenPairsRun(pairs, &task));
  for (FenInt i = start; i < end; i++) {
    double m = -HUGE_VAL, s = 0;

    for (FenInt j = 0; j < 45; j++)
      m = fmax(m, Score(i, j));
    for (FenInt j = 0; j < 45; j++)
      s += exp2(Score(i, j) - m);
    right &= acc[2 * (i - start)] == m && fabs(acc[2 * (i - start) + 1] - s) <= 1e-13 * s;
  }
  FEN_ASSERT_ALL(right);
  FEN_OK(FenPairsDestroy(&pairs));
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&cols));
}

static void ChoiceOfTheSchedule(void **state)
{
  FenLayout    rows, cols;
  FenPairs     pairs;
  FenPairsType type;
  PetscMPIInt  p, q, size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 1000, &rows));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 10, &cols));
  FEN_OK(FenPairsCreate(rows, cols, FEN_PAIRS_AUTO, &pairs));
  FEN_OK(FenPairsGetType(pairs, &type));
  FEN_OK(FenPairsGetGrid(pairs, &p, &q));
  assert_int_equal(type, size <= 4 ? FEN_PAIRS_RING : FEN_PAIRS_GRID);
  assert_true(p == size && q == 1); /* so few columns that a grid takes them whole as well */
  FEN_OK(FenPairsDestroy(&pairs));
  FEN_OK(FenPairsCreate(rows, rows, FEN_PAIRS_GRID, &pairs));
  FEN_OK(FenPairsGetType(pairs, &type));
  FEN_OK(FenPairsGetGrid(pairs, &p, &q));
  assert_int_equal(type, FEN_PAIRS_GRID);
  assert_int_equal(p * q, size);
  assert_true(size != 4 || p == 2);
  assert_true(size != 6 || p == 2 || p == 3);
  assert_string_equal(FenPairsTypes[FEN_PAIRS_GRID], "grid");
  FEN_OK(FenPairsDestroy(&pairs));
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&cols));
}

/* fails where row 5 meets column 6, on one rank only */
static PetscErrorCode FailingTile(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  (void)ctx, (void)acc;
  if (rows->first <= 5 && 5 < rows->first + rows->n && cols->first <= 6 && 6 < cols->first + cols->n)
    return (PetscErrorCode)FEN_ERR_NUMERIC;
  return 0;
}

static void AFailingTileEndsTheRunOnAllRanks(void **state)
{
  const FenPairsType types[] = {FEN_PAIRS_RING, FEN_PAIRS_GRID};

  (void)state;
  for (int t = 0; t < 2; t++) {
    FenPairsTask task = {.nacc = 1, .type = MPI_DOUBLE, .per_row = 1, .op = MPI_SUM, .tile = FailingTile};
    FenLayout    l;
    FenPairs     pairs;
    double       acc[20] = {0};

    FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 20, &l));
    FEN_OK(FenPairsCreate(l, l, types[t], &pairs));
    task.acc = acc;
    FEN_ERROR(FenPairsRun(pairs, &task), FEN_ERR_NUMERIC, "work on rows");
    task.nacc = 17;
    FEN_ERROR(FenPairsRun(pairs, &task), FEN_ERR_INTERNAL, "17");
    FEN_OK(FenPairsDestroy(&pairs));
    FEN_OK(FenLayoutDestroy(&l));
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(SchedulesAgreeWithBruteForce),     cmocka_unit_test(LayoutsOnFewerRanks),
    cmocka_unit_test(LogSumExpThroughItsOperation),     cmocka_unit_test(ChoiceOfTheSchedule),
    cmocka_unit_test(AFailingTileEndsTheRunOnAllRanks), cmocka_unit_test(UnevenLayouts),
};
FEN_TEST_MAIN(tests)
