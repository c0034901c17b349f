/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images with costs |x-y|^p, images of a few lines, and scattered points: types agree within their certified gaps,
   steps of one length or not, and multigrid takes not many more passes than with |x-y|^2, also where mass moves so far
   that p > 2 makes a plan much narrower than epsilon says.
*/
#include "solve.h"
#include <math.h>

static double Waves(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  (void)seed;
  return SolveWaves(side, (double)i / (double)shape[0], (double)j / (double)shape[1]);
}

static void Pair(const FenInt shape[2][2], double step, FenMeasure m[2])
{
  for (int s = 0; s < 2; s++)
    m[s] = SolveImageMake(MPI_COMM_WORLD, Waves, s, 0, shape[s], s ? (const double[]){step, step, 1} : NULL);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
}

static void Forget(FenMeasure m[2], FenCost *cost)
{
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  FEN_OK(FenCostDestroy(cost));
}

static void TestTypes(void **state)
{
  static const FenInt shape[2][2] = {{17, 12}, {13, 16}};
  static const double power[] = {1.25, 1.5, 2.5, 3, 4}, step[] = {1, 1.125};

  (void)state;
  for (int p = 0; p < 5; p++)
    for (int h = 0; h < 2; h++) {
      double lower = -HUGE_VAL, upper = HUGE_VAL;

      for (int t = 0; t < NTYPES; t++) {
        FenMeasure  m[2];
        FenCost     cost;
        FenOTBounds B;

        Pair(shape, step[h], m);
        FEN_OK(FenCostCreatePower(MPI_COMM_WORLD, power[p], &cost));
        B = SolveOnce(solve_types[t], m, cost, pow(2, power[p]), 1e-6);
        lower = fmax(lower, B.lower);
        upper = fmin(upper, B.upper);
        Forget(m, &cost);
      }
      FEN_ASSERT_ALL(lower <= upper);
    }
}

static void Solve(const FenInt shape[2][2], double power, double eps, double most)
{
  FenMeasure m[2];

  Pair(shape, 1, m);
  SolveInPasses(FENOTMULTIGRID, m, power, eps, 1e-6, most);
}

/* a coarser grid does not see a plan that is narrower than its pixels, whatever epsilon is */
static void TestPasses(void **state)
{
  static const FenInt shape[2][2] = {{96, 96}, {96, 96}};

  (void)state;
  Solve(shape, 2, 0.25, 600);
  Solve(shape, 1.5, 0.25, 600);
  Solve(shape, 3, 60, 600);
  Solve(shape, 4, 3000, 600);
}

/* sizes after which a block of lines has one line more: factors are kept as for other sizes */
static void TestSizes(void **state)
{
  static const FenInt side[] = {97, 129};

  (void)state;
  for (int k = 0; k < 2; k++) {
    const FenInt shape[2][2] = {{side[k], side[k]}, {side[k], side[k]}};

    Solve(shape, 2, 2, 130);
    Solve(shape, 2, 8, 80);
  }
}

/* one line to a few: factors, or V-cycles on grids that soon are lines */
static void TestThin(void **state)
{
  static const FenInt lines[] = {1, 2, 3, 4, 6, 7};

  (void)state;
  for (int k = 0; k < 6; k++) {
    const FenInt along[2][2] = {{lines[k], 700}, {lines[k], 700}}, across[2][2] = {{700, lines[k]}, {650, lines[k]}};

    Solve(along, 2, 4, lines[k] < 4 ? 200 : 1000);
    Solve(across, 2, 4, lines[k] < 4 ? 200 : 1000);
  }
}

/* Far below a squared pixel parts of a plan hang together by less than rounding errors: V-cycles break down, and where
   iterations of the diagonal are in vain, factors of the plan's graph take its place. One rank is enough */
static void TestFine(void **state)
{
  static const FenInt shape[2][2] = {{256, 256}, {256, 256}};
  PetscMPIInt         size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1)
    skip();
  Solve(shape, 2, 0.03, 6000);
}

/* is there a dot? about one pixel in 50 has one */
static double Dots(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const unsigned long long h = ((unsigned long long)i * 73856093ULL + 17) ^ ((unsigned long long)j * 19349663ULL);

  (void)side;
  (void)seed;
  (void)shape;
  return (h * 2654435761ULL >> 20) % 50 == 0 ? 1 + (double)(h % 7) : 0;
}

/* a density to scattered points: their neighbours on the grid say nothing about them, the plan's graph does */
static void TestScattered(void **state)
{
  static const FenInt shape[2] = {128, 128};
  static const double eps[] = {0.25, 1, 4};
  FenMeasure          m[2];

  (void)state;
  for (int k = 0; k < 3; k++) {
    m[0] = SolveImageMake(MPI_COMM_WORLD, Waves, 0, 0, shape, NULL);
    m[1] = SolveImageMake(MPI_COMM_WORLD, Dots, 1, 0, shape, NULL);
    FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
    SolveInPasses(FENOTMULTIGRID, m, 2, eps[k], 1e-6, 250);
  }
}

/* a gap that rounding errors do not allow: seen as such soon, and the bounds are good */
static void TestFloor(void **state)
{
  static const FenInt shape[2][2] = {{96, 80}, {90, 100}};
  static const double eps[] = {1, 16, 256, 4096};

  (void)state;
  for (int k = 0; k < 4; k++) {
    FenMeasure  m[2];
    FenOTBounds B;
    FenOT       ot;

    Pair(shape, 1, m);
    ot = SolveMake(NULL, m, NULL, eps[k], 1e-16);
    FEN_OK(FenOTSolve(ot));
    assert_int_equal(SolveReason(ot), FEN_DIVERGED_STAGNATION);
    FEN_ASSERT_ALL(((FenSolver)ot)->progress.iteration <= 70);
    FEN_OK(FenOTComputeBounds(ot, &B));
    FEN_ASSERT_ALL(B.lower <= B.upper && B.upper - B.lower <= 1e-10 * B.upper);
    FEN_OK(FenOTDestroy(&ot));
    FEN_OK(FenMeasureDestroy(&m[0]));
    FEN_OK(FenMeasureDestroy(&m[1]));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTypes), cmocka_unit_test(TestPasses),
                                     cmocka_unit_test(TestSizes), cmocka_unit_test(TestThin),
                                     cmocka_unit_test(TestFine),  cmocka_unit_test(TestScattered),
                                     cmocka_unit_test(TestFloor)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
