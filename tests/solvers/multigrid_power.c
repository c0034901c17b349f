/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images with costs |x-y|^p, images of a few lines, scattered points, and volumes of one slice: types agree within
   their certified gaps, steps of one length or not, and multigrid takes not many more passes than with |x-y|^2, also
   where mass moves so far that p > 2 makes a plan much narrower than epsilon says.
*/
#include "solve.h"
#include <math.h>

/* waves on a background, and more mass at one end: it moves by a part of the image */
static double Waves(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const double x = (double)i / (double)shape[0], y = (double)j / (double)shape[1];

  (void)seed;
  return (1.3 + sin((side ? 9 : 7) * x) * cos((side ? 5 : 11) * y)) * (side ? 1.2 - y : 0.2 + y);
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

/* solves by the type that is chosen, which is multigrid, in so many passes at most */
static FenOTBounds SolveMeasures(FenMeasure m[2], double power, double eps, double gap, double most)
{
  FenCost     cost;
  FenOTBounds B;
  FenOT       ot;
  const char *type;
  double      work;

  FEN_OK(FenCostCreatePower(MPI_COMM_WORLD, power, &cost));
  ot = SolveMake(NULL, m, cost, eps, gap);
  B = SolveRun(ot);
  FEN_OK(FenSolverGetType((FenSolver)ot, &type));
  assert_string_equal(type, FENOTMULTIGRID);
  work = ((FenSolver)ot)->progress.work;
  if (work > most)
    print_error("p = %g, eps %g: %g passes\n", power, eps, work);
  FEN_ASSERT_ALL(work <= most);
  FEN_OK(FenOTDestroy(&ot));
  Forget(m, &cost);
  return B;
}

static void Solve(const FenInt shape[2][2], double power, double eps, double most)
{
  FenMeasure m[2];

  Pair(shape, 1, m);
  SolveMeasures(m, power, eps, 1e-6, most);
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

/* one line to a few: factors, or V-cycles whose grids halve the long axis alone */
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
    SolveMeasures(m, 2, eps[k], 1e-6, 250);
  }
}

/* few points of volumes with mass: multigrid, which takes them as clouds, is the type that is chosen */
static void TestSparseVolumes(void **state)
{
  static const FenInt shape[3] = {24, 20, 28};
  FenMeasure          m[2];
  FenLayout           layout;
  FenBox              box;
  FenInt              n;
  double             *w;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (int s = 0; s < 2; s++) {
    FenInt p = 0;

    for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
      for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
        for (FenInt k = box.lo[2]; k < box.hi[2]; k++)
          w[p++] = Dots(s, 0, shape, 31 * i + j, s ? 3 * k : k);
    FEN_OK(FenMeasureCreateGrid(layout, w, NULL, NULL, &m[s]));
  }
  free(w);
  FEN_OK(FenLayoutDestroy(&layout));
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  SolveMeasures(m, 2, 2, 1e-6, 60);
}

/* waves of an image as a volume that has one slice across an axis */
static void Slices(const FenInt shape[2], int across, FenMeasure m[2])
{
  const FenInt volume[3] = {across == 0 ? 1 : shape[0], across == 1 ? 1 : shape[across > 0],
                            across == 2 ? 1 : shape[1]};
  FenLayout layout;
  FenBox    box;
  FenInt    n;
  double   *w;

  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, volume, NULL, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (int s = 0; s < 2; s++) {
    FenInt p = 0;

    for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
      for (FenInt k = box.lo[1]; k < box.hi[1]; k++)
        for (FenInt j = box.lo[2]; j < box.hi[2]; j++)
          w[p++] = Waves(s, 0, shape, across ? i : k, across == 2 ? k : j);
    FEN_OK(FenMeasureCreateGrid(layout, w, NULL, NULL, &m[s]));
  }
  free(w);
  FEN_OK(FenLayoutDestroy(&layout));
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
}

/* an axis of one point changes neither the answer nor the type that is chosen, nor the work */
static void TestSlices(void **state)
{
  static const FenInt shape[2][2] = {{70, 90}, {70, 90}};
  FenMeasure          m[2];
  FenCost             cost;
  FenOTBounds         image;

  (void)state;
  Pair(shape, 1, m);
  FEN_OK(FenCostCreatePower(MPI_COMM_WORLD, 2, &cost));
  image = SolveOnce(FENOTMULTIGRID, m, cost, 0.25, 1e-9);
  Forget(m, &cost);
  for (int across = 0; across < 3; across++) {
    FenOTBounds B;

    Slices(shape[0], across, m);
    B = SolveMeasures(m, 2, 0.25, 1e-9, 600);
    FEN_ASSERT_ALL(B.lower <= image.upper && image.lower <= B.upper);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTypes),        cmocka_unit_test(TestPasses),
                                     cmocka_unit_test(TestThin),         cmocka_unit_test(TestSlices),
                                     cmocka_unit_test(TestFine),         cmocka_unit_test(TestScattered),
                                     cmocka_unit_test(TestSparseVolumes)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
