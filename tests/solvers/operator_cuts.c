/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines cut over ranks by counted work: on a pair with empty rows the busiest rank has hardly more than the mean, where
   even cuts leave others idle; transforms and products are those of the operator that is cut evenly. Costs whose lines
   differ in work: |x-y|^2, and those from tables.
*/
#include "operator/operator.h"
#include "operator/stages.h"
#include "fentest.h"
#include <stdlib.h>

#define ROWS    64
#define COLUMNS 24

/* mass in the first quarter of the rows only, some pixels there empty */
static FenMeasure Make(PetscInt side, FenLayout layout)
{
  FenMeasure m;
  FenBox     box;
  double    *w = (double *)calloc((size_t)(ROWS * COLUMNS), sizeof(double));
  FenInt     n = 0;

  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
    for (FenInt j = 0; j < COLUMNS; j++, n++)
      w[n] = i < ROWS / 4 && (i + j) % 5 ? 1 + FenRandomUniform(91, (uint64_t)(i * COLUMNS + j), (uint32_t)side) : 0;
  FEN_OK(FenMeasureCreateGrid(layout, w, (const double[]){1, 1}, (const double[]){0, 0}, &m));
  free(w);
  return m;
}

/* work of the busiest rank over the mean, on the lines of the first stage to the source: rows of the target, whose work
   comes first */
static double Imbalance(FenOTOperator op, const double work[])
{
  PetscMPIInt size;
  double      total = 0, most = 0;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (PetscMPIInt r = 0; r < size; r++) {
    FenBox box;
    double sum = 0;

    FEN_OK(FenLayoutGetBox(op->stages->chain[0].stage[0].in, r, &box));
    for (FenInt k = box.lo[0]; k < box.hi[0]; k++)
      sum += work[k];
    total += sum;
    most = fmax(most, sum);
  }
  return most * size / total;
}

/* both transforms and a product of a plan with couplings' factors */
static void Passes(FenOTOperator op, const double g[], double out[4][ROWS * COLUMNS])
{
  op->keep = PETSC_TRUE;
  FEN_OK(FenOTSetPlan(op, g, out[0]));
  FEN_OK(FenOTSoftTransform(op, FEN_TO_TARGET, out[0], out[1]));
  FEN_OK(FenOTMult(op, 1, g, out[2]));
  FEN_OK(FenOTMultTranspose(op, g, out[3]));
}

static void Check(FenCostKind kind)
{
  const FenInt  shape[2] = {ROWS, COLUMNS};
  static double g[ROWS * COLUMNS], out[2][4][ROWS * COLUMNS];
  FenLayout     layout;
  FenMeasure    m[2];
  FenCost       cost;
  FenOTOperator op[2];
  PetscMPIInt   ranks;
  FenInt        n;
  double       *work, *again;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &layout));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  for (int s = 0; s < 2; s++)
    m[s] = Make(s, layout);
  if (kind == FEN_COST_POWER)
    FEN_OK(FenCostCreatePower(MPI_COMM_WORLD, 1.5, &cost));
  else
    FEN_OK(FenCostCreate(MPI_COMM_WORLD, kind, &cost));
  work = (double *)calloc((size_t)FenStagesWorkSize(2, shape, shape), sizeof(double));
  again = (double *)calloc((size_t)FenStagesWorkSize(2, shape, shape), sizeof(double));
  FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op[0]));
  FEN_OK(FenOTOperatorSetEpsilon(op[0], 1));
  FEN_OK(FenOTOperatorGetWork(op[0], g, work));
  FEN_OK(FenOTOperatorCreateCut(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", work, &op[1]));
  FEN_OK(FenOTOperatorSetEpsilon(op[1], 1));
  FEN_OK(FenOTOperatorGetWork(op[1], g, again));
  if (ranks > 1) {
    assert_true(Imbalance(op[0], work) > 1.2);
    assert_true(Imbalance(op[1], work) < 1 + 0.5 * (Imbalance(op[0], work) - 1));
    assert_true(Imbalance(op[1], again) < Imbalance(op[0], work)); /* lanes are shared by other lines now */
  }
  for (int k = 0; k < 2; k++)
    Passes(op[k], g, out[k]);
  for (int k = 0; k < 4; k++)
    for (FenInt i = 0; i < n; i++)
      FEN_ASSERT_NEAR(out[1][k][i], out[0][k][i], 1e-13 * (1 + fabs(out[0][k][i])));
  for (int k = 0; k < 2; k++) {
    FEN_OK(FenOTOperatorDestroy(&op[k]));
    FEN_OK(FenMeasureDestroy(&m[k]));
  }
  FEN_OK(FenCostDestroy(&cost));
  FEN_OK(FenLayoutDestroy(&layout));
  free(work);
  free(again);
}

static void TestCuts(void **state)
{
  (void)state;
  Check(FEN_COST_SQEUCLIDEAN);
  Check(FEN_COST_POWER);
}

/* from blocks to pixels, odd axes and axes that stay as they are */
static void TestRefine(void **state)
{
  const FenInt coarse[2][2] = {{3, 4}, {5, 2}}, fine[2][2] = {{6, 4}, {5, 7}};
  /* to the source: rows of the target, then columns of the source; back: the other way round */
  const double work[] = {1, 2, 3, 4, 5, 10, 20, 30, 40, 6, 7, 8, 50, 60};
  const double want[] = {1, 2, 3, 4, 5, 10, 20, 30, 40, 6, 6, 7, 7, 8, 8, 50, 50, 50, 50, 60, 60, 60};
  double       out[22];

  (void)state;
  assert_int_equal(FenStagesWorkSize(2, coarse[0], coarse[1]), 14);
  assert_int_equal(FenStagesWorkSize(2, fine[0], fine[1]), 22);
  FenStagesWorkRefine(2, coarse[0], coarse[1], fine[0], fine[1], work, out);
  for (int k = 0; k < 22; k++)
    assert_true(out[k] == want[k]);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCuts), cmocka_unit_test(TestRefine)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
