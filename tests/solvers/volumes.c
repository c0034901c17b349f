/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Volumes of one slice, of few slices, of voxels that are no cubes, and with few points of mass: the type that is
   chosen, the answer, and passes that do not depend on the shape.
*/
#include "solve.h"

typedef struct {
  int           side;
  const FenInt *shape;
} Volume;

/* waves along the two axes of more than one point */
static double Slice(const void *ctx, const FenInt at[3])
{
  const Volume *V = (const Volume *)ctx;
  const int     first = V->shape[0] > 1 ? 0 : 1, last = V->shape[2] > 1 ? 2 : 1;

  return SolveWaves(V->side, (double)at[first] / (double)V->shape[first], (double)at[last] / (double)V->shape[last]);
}

static double Image(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  (void)seed;
  return SolveWaves(side, (double)i / (double)shape[0], (double)j / (double)shape[1]);
}

static double Uniform(const Volume *V, uint64_t seed, const FenInt at[3])
{
  return FenRandomUniform(seed, (uint64_t)((at[0] * V->shape[1] + at[1]) * V->shape[2] + at[2]), 0);
}

static double Noise(const void *ctx, const FenInt at[3])
{
  const Volume *V = (const Volume *)ctx;

  return Uniform(V, V->side ? 17 : 18, at);
}

/* is there a dot? about one voxel in 50 has one */
static double Dots(const void *ctx, const FenInt at[3])
{
  const Volume *V = (const Volume *)ctx;
  const double  x = Uniform(V, V->side ? 19 : 20, at);

  return x < 0.02 ? 1 + 300 * x : 0;
}

static void Pair(SolveDensity density, const FenInt shape[3], const double spacing[], FenMeasure m[2])
{
  for (int s = 0; s < 2; s++)
    m[s] = SolveGridMake(MPI_COMM_WORLD, 3, density, &(Volume){s, shape}, shape, spacing);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
}

/* few points of mass: multigrid, which takes them as clouds, is the type that is chosen */
static void TestSparse(void **state)
{
  static const FenInt shape[3] = {24, 20, 28};
  FenMeasure          m[2];

  (void)state;
  Pair(Dots, shape, NULL, m);
  SolveInPasses(FENOTMULTIGRID, m, 2, 2, 1e-6, 60);
}

/* all of a volume to such points: where an axis is long, the plan's graph is the preconditioner, whatever
   the number of targets a source */
static void TestParticles(void **state)
{
  static const FenInt shape[3] = {24, 20, 40};

  (void)state;
  for (int k = 0; k < 2; k++) {
    FenMeasure m[2];

    m[0] = SolveGridMake(MPI_COMM_WORLD, 3, Noise, &(Volume){0, shape}, shape, NULL);
    m[1] = SolveGridMake(MPI_COMM_WORLD, 3, Dots, &(Volume){1, shape}, shape, NULL);
    FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
    SolveInPasses(FENOTMULTIGRID, m, 2, k ? 4 : 0.5, 1e-6, k ? 90 : 150);
  }
}

/* an axis of one point changes neither the answer nor the type that is chosen, nor the work */
static void TestSlices(void **state)
{
  FenMeasure  m[2];
  FenOTBounds image;

  (void)state;
  for (int s = 0; s < 2; s++)
    m[s] = SolveImageMake(MPI_COMM_WORLD, Image, s, 0, (FenInt[2]){70, 90}, NULL);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  image = SolveInPasses(FENOTMULTIGRID, m, 2, 0.25, 1e-9, 600);
  for (int across = 0; across < 3; across++) {
    const FenInt shape[3] = {across == 0 ? 1 : 70, across == 1 ? 1 : across ? 90 : 70, across == 2 ? 1 : 90};
    FenOTBounds  B;

    Pair(Slice, shape, NULL, m);
    B = SolveInPasses(FENOTMULTIGRID, m, 2, 0.25, 1e-9, 600);
    FEN_ASSERT_ALL(B.lower <= image.upper && image.lower <= B.upper);
  }
}

/* few slices: coarse grids of V-cycles have one in the end */
static void TestFlat(void **state)
{
  static const FenInt shape[][3] = {{64, 64, 8}, {64, 5, 64}, {8, 64, 64}, {64, 64, 3}};
  FenMeasure          m[2];

  (void)state;
  for (int k = 0; k < 4; k++) {
    Pair(Noise, shape[k], NULL, m);
    SolveInPasses(FENOTNEWTON, m, 2, 0.25, 1e-6, 110);
  }
}

/* voxels that are no cubes: coarse grids make them so */
static void TestBricks(void **state)
{
  static const FenInt shape[][3] = {{16, 64, 64}, {64, 16, 64}, {64, 64, 16}};

  (void)state;
  for (int k = 0; k < 3; k++) {
    double     spacing[3] = {1, 1, 1};
    FenMeasure m[2];

    spacing[k] = 5;
    Pair(Noise, shape[k], spacing, m);
    SolveInPasses(FENOTNEWTON, m, 2, 40, 1e-6, 50);
  }
}

/* cells of such voxels: epsilon follows the narrowest pixels, as many targets as cells are made for */
static void TestCells(void **state)
{
  static const double spacing[3] = {5, 1, 1};
  FenMeasure          m[2];
  FenOT               ot;

  (void)state;
  Pair(Noise, (FenInt[3]){6, 24, 24}, spacing, m);
  ot = SolveMake(FENOTDOMDEC, m, NULL, 1, 1e-6);
  SolveRun(ot);
  FEN_ASSERT_ALL(((FenSolver)ot)->progress.iteration <= 40);
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSparse), cmocka_unit_test(TestParticles),
                                     cmocka_unit_test(TestSlices), cmocka_unit_test(TestFlat),
                                     cmocka_unit_test(TestBricks), cmocka_unit_test(TestCells)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
