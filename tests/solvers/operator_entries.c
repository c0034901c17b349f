/* SPDX-License-Identifier: BSD-2-Clause */
/* The sparse rows of a plan's large entries: exactly those above the threshold, with their values and global numbers;
   and products with entries that are kept. */
#include "operator/operator.h"
#include "cases.h"
#include "dense.h"

/* rough, or smooth: then most boxes of points have nothing to do with each other */
static double Potential(const Dense *D, FenInt j, PetscBool smooth)
{
  if (smooth)
    return 0.4 * (double)D->C[j] - 0.3 * (double)D->C[D->n / 2 * D->m + j];
  return 0.3 * D->largest * FenRandomUniform(91, (uint64_t)j, 0);
}

typedef struct {
  const Dense *D;
  double       eps, share;
  PetscBool    by_column;
  long double *column; /* largest a_i E_ij of each column */
} Wanted;

static void ColumnTops(Wanted *W, const long double g[])
{
  const Dense *D = W->D;

  for (FenInt j = 0; j < D->m; j++)
    W->column[j] = 0;
  for (FenInt i = 0; i < D->n; i++) {
    const long double f = DenseSoft(D, 0, W->eps, g, i);

    for (FenInt j = 0; j < D->m; j++)
      W->column[j] = fmaxl(W->column[j], D->a[i] * D->b[j] * expl((f + g[j] - D->C[i * D->m + j]) / W->eps));
  }
}

/* entries of one row that are wrong: missing, not wanted, or of another value. By column, sources without mass have
 * none
 */
static int RowErrors(const Wanted *W, const long double g[], FenInt row, const FenSparse *E, FenInt k)
{
  const Dense      *D = W->D;
  const long double f = DenseSoft(D, 0, W->eps, g, row);
  long double       top = 0, e;
  FenInt            at = E->ptr[k];
  int               errors = 0;

  if (W->by_column && !(D->a[row] > 0))
    return at != E->ptr[k + 1];
  for (FenInt j = 0; j < D->m; j++)
    top = fmaxl(top, D->b[j] * expl((f + g[j] - D->C[row * D->m + j]) / W->eps));
  for (FenInt j = 0; j < D->m; j++) {
    const int listed = at < E->ptr[k + 1] && E->idx[at] == j;

    e = D->b[j] * expl((f + g[j] - D->C[row * D->m + j]) / W->eps);
    if (listed)
      errors += !(fabsl(E->val[at] - e) <= 1e-10L * e);
    /* at a threshold itself both are right */
    if (fabsl(e - W->share * top) > 1e-7L * top &&
        (!W->by_column || fabsl(D->a[row] * e - W->share * W->column[j]) > 1e-7L * W->column[j]))
      errors += listed != (e > W->share * top || (W->by_column && D->a[row] * e > W->share * W->column[j]));
    at += listed;
  }
  return errors + (at != E->ptr[k + 1]);
}

static void Entries(const Case *c, double sharpness, double share, PetscBool by_column, PetscBool smooth)
{
  FenMeasure    self[2], m[2];
  FenCost       selfcost, cost;
  FenOTOperator op;
  FenSparse     E;
  FenInt       *number[2], n[2];
  Wanted        W = {.share = share, .by_column = by_column};
  Dense         D;
  double       *g, *f;
  long double  *gall;
  int           errors = 0;

  CaseMake(c, PETSC_COMM_SELF, NULL, self, &selfcost);
  D = DenseMake(self, selfcost);
  W.D = &D;
  W.eps = D.largest / sharpness;
  CaseMake(c, MPI_COMM_WORLD, NULL, m, &cost);
  for (int s = 0; s < 2; s++) {
    number[s] = CaseNumbers(m[s]);
    FEN_OK(FenMeasureGetSize(m[s], NULL, &n[s]));
  }
  gall = (long double *)malloc((size_t)(2 * D.m) * sizeof(long double));
  W.column = gall + D.m;
  g = (double *)malloc((size_t)(n[0] + n[1] + 1) * sizeof(double));
  f = g + n[1];
  for (FenInt j = 0; j < D.m; j++)
    gall[j] = Potential(&D, j, smooth);
  ColumnTops(&W, gall);
  for (FenInt k = 0; k < n[1]; k++)
    g[k] = Potential(&D, number[1][k], smooth);
  FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op));
  FEN_OK(FenOTOperatorSetEpsilon(op, W.eps));
  FEN_OK(FenOTSetPlan(op, g, f));
  FEN_OK(FenOTEntries(op, f, g, share, by_column, NULL, &E));
  for (FenInt k = 0; k < n[0]; k++)
    errors += RowErrors(&W, gall, number[0][k], &E, k);
  FEN_ASSERT_ALL(errors == 0);
  FEN_OK(FenSparseFree(&E));
  FEN_OK(FenOTOperatorDestroy(&op));
  CaseDestroy(m, &cost);
  CaseDestroy(self, &selfcost);
  DenseFree(&D);
  free(number[0]);
  free(number[1]);
  free(gall);
  free(g);
}

static void TestThresholds(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++) {
    for (int by_column = 0; by_column < 2; by_column++) {
      Entries(&cases[k], 20, 0.1, (PetscBool)by_column, PETSC_FALSE);
      Entries(&cases[k], 1000, 1e-6, (PetscBool)by_column, PETSC_FALSE);
      Entries(&cases[k], 300, 1, (PetscBool)by_column, PETSC_FALSE); /* the largest of each row (and column) only */
    }
  }
}

/* several groups of chunks on both sides, if pairs are looked at; the search goes by axes on grids, whose costs depend
   on differences alone where their spacings are the same: on thin ones they are not, too */
static void TestBoxes(void **state)
{
  static const Case many[] = {
      {"grid 2-D, many boxes", FEN_COST_SQEUCLIDEAN, 2, {{34, 31}, {33, 32}}, PETSC_TRUE, 7, 0},
      {"cloud 2-D, distance, many boxes", FEN_COST_EUCLIDEAN, 2, {{1050}, {1060}}, PETSC_FALSE, 0, 0},
      {"line, power 1.5, many boxes", FEN_COST_POWER, 1, {{1040}, {1030}}, PETSC_TRUE, 0, 1.5},
      {"grid 2-D, sum of distances, many boxes", FEN_COST_L1, 2, {{34, 31}, {33, 32}}, PETSC_TRUE, 7, 0},
      {"grid 2-D, cubes, many boxes", FEN_COST_POWER, 2, {{34, 31}, {33, 32}}, PETSC_TRUE, 7, 3},
      {"grid 2-D, power 4, many boxes", FEN_COST_POWER, 2, {{31, 34}, {33, 32}}, PETSC_TRUE, 0, 4},
      {"line, power 1.7, many boxes", FEN_COST_POWER, 1, {{1040}, {1030}}, PETSC_TRUE, 0, 1.7},
      {"thin grid, many boxes", FEN_COST_SQEUCLIDEAN, 2, {{3, 350}, {2, 520}}, PETSC_TRUE, 7, 0},
      {"thin grid, sum of distances, many boxes", FEN_COST_L1, 2, {{350, 3}, {520, 2}}, PETSC_TRUE, 7, 0},
      {"thin grid, cubes, many boxes", FEN_COST_POWER, 2, {{2, 520}, {3, 350}}, PETSC_TRUE, 7, 3}};

  (void)state;
  for (int k = 0; k < (int)(sizeof(many) / sizeof(many[0])); k++)
    for (int by_column = k < 3 ? 0 : 1; by_column < 2; by_column++) { /* by column is by row, too */
      Entries(&many[k], 2000, 1e-4, (PetscBool)by_column, PETSC_TRUE);
      case_stretch = 0.8; /* longer grids have entries below the range of normal numbers, which have no digits */
      if (k >= 7)
        Entries(&many[k], 2000, 1e-4, (PetscBool)by_column, PETSC_TRUE);
      case_stretch = 1;
    }
}

/* largest difference, of the largest number */
static double Difference(MPI_Comm comm, FenInt n, const double a[], const double b[])
{
  double most[2] = {0, 0};

  for (FenInt j = 0; j < n; j++) {
    most[0] = PetscMax(most[0], fabs(a[j] - b[j]));
    most[1] = PetscMax(most[1], fabs(b[j]));
  }
  MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, comm);
  return most[0] / most[1];
}

/* products with kept entries against passes, until there is another plan; entries that are too many are not kept */
static void Kept(const Case *c, double sharpness)
{
  FenMeasure    m[2], self[2];
  FenCost       cost, selfcost;
  FenOTOperator op;
  FenInt        n[2], *number;
  Dense         D;
  double       *g, *f, *sums, *out[4], before;
  PetscBool     kept;

  CaseMake(c, PETSC_COMM_SELF, NULL, self, &selfcost);
  D = DenseMake(self, selfcost);
  CaseMake(c, MPI_COMM_WORLD, NULL, m, &cost);
  number = CaseNumbers(m[1]);
  for (int s = 0; s < 2; s++)
    FEN_OK(FenMeasureGetSize(m[s], NULL, &n[s]));
  FEN_OK(PetscMalloc3(n[1], &g, n[0], &f, n[1], &sums));
  FEN_OK(PetscMalloc4(n[1], &out[0], n[1], &out[1], n[1], &out[2], n[1], &out[3]));
  for (FenInt j = 0; j < n[1]; j++)
    g[j] = Potential(&D, number[j], PETSC_FALSE);
  FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op));
  FEN_OK(FenOTOperatorSetEpsilon(op, D.largest / sharpness));
  FEN_OK(FenOTSetPlan(op, g, f));
  FEN_OK(FenOTMultTranspose(op, op->rows, sums));
  FEN_OK(FenOTMultNormal(op, g, out[0]));
  FEN_OK(FenOTMultTransposeSquares(op, op->rows, out[1]));
  FEN_OK(FenOTKeepEntries(op, f, g, sums, 1e-12, 0, NULL, &kept));
  FEN_ASSERT_ALL(!kept);
  FEN_OK(FenOTKeepEntries(op, f, g, sums, 1e-12, D.n * D.m, NULL, &kept));
  FEN_ASSERT_ALL(kept);
  before = op->passes;
  FEN_OK(FenOTMultNormal(op, g, out[2]));
  FEN_OK(FenOTMultTransposeSquares(op, op->rows, out[3]));
  FEN_ASSERT_ALL(op->passes - before <= 3 && op->passes > before);
  for (int k = 0; k < 2; k++)
    FEN_ASSERT_ALL(Difference(op->comm, n[1], out[2 + k], out[k]) < 1e-9);
  for (FenInt j = 0; j < n[1]; j++)
    g[j] = Potential(&D, number[j], PETSC_TRUE);
  FEN_OK(FenOTSetPlan(op, g, f));
  before = op->passes;
  FEN_OK(FenOTMultNormal(op, g, out[2]));
  FEN_ASSERT_ALL(op->passes == before + 2);
  FEN_ASSERT_ALL(Difference(op->comm, n[1], out[2], out[0]) > 1e-6);
  FEN_OK(PetscFree4(out[0], out[1], out[2], out[3]));
  FEN_OK(PetscFree3(g, f, sums));
  FEN_OK(FenOTOperatorDestroy(&op));
  CaseDestroy(m, &cost);
  CaseDestroy(self, &selfcost);
  DenseFree(&D);
  free(number);
}

static void TestKept(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++) {
    Kept(&cases[k], 20);
    Kept(&cases[k], 1000);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestThresholds), cmocka_unit_test(TestBoxes),
                                     cmocka_unit_test(TestKept)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
