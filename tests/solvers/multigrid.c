/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids large enough for several levels and for the V-cycle: random images with empty pixels, images that move apart,
   one bright pixel, checkerboards, a few scattered points. Types agree within their certified gaps, answers do not
   depend on the number of ranks, and a solve that is stopped, saved and continued on any level ends with the same
   answer.
*/
#include "solve.h"
#include "impls/newtonstep.h"
#include "snapshot.h"
#include <math.h>

static double Rough(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const uint64_t at = (uint64_t)((seed * 97 + i) * shape[1] + j);

  return FenRandomUniform(31, at, (uint32_t)side) < 0.4 ? 0 : exp(5 * FenRandomUniform(32, at, (uint32_t)side));
}

/* narrow blobs on a faint background, in opposite corners */
static double Blobs(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const double x = (double)i / (double)shape[0] - (side ? 0.8 : 0.15), y = (double)j / (double)shape[1] - 0.3;

  return 1e-6 + exp(-(x * x + y * y) * (double)(100 + 20 * seed));
}

/* a uniform image and a blob without background, whose tails fall to the smallest numbers there are and below */
static double Tails(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const double x = (double)i / (double)shape[0] - 0.25, y = (double)j / (double)shape[1] - 0.4;

  return side ? exp(-(x * x + y * y) * (double)(1000 + 200 * seed)) : 1;
}

/* a density that falls slowly and one that falls fast: targets in the tails take a little from very many sources */
static double Heavy(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const double x = (double)i / (double)shape[0] - (side ? 0.3 : 0.6), y = (double)j / (double)shape[1] - 0.45;
  const double r = (x * x + y * y) * (double)(100 + seed);

  return side ? exp(-2 * r) : pow(1 + r, -1.5);
}

static double Smooth(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const double x = (double)i / (double)shape[0], y = (double)j / (double)shape[1], k = 3 + (double)(seed + 2 * side);

  return 1.5 + sin(k * x + side) * cos(k * y);
}

static double Checkers(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  (void)shape;
  return (i / 3 + j / (2 + seed) + side) % 2 ? 1 : 0;
}

static double Pixel(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  if (side)
    return 1;
  return i == shape[0] / 3 && j == (seed + 1) % shape[1];
}

/* scattered points, of one side or of both: the sides are swapped, or not */
static double Dots(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const uint64_t at = (uint64_t)((seed * 89 + i) * shape[1] + j);

  return FenRandomUniform(33, at, (uint32_t)side) < 0.05 ? FenRandomUniform(34, at, (uint32_t)side) : 0;
}

static double DotsToAll(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  return side ? Smooth(side, seed, shape, i, j) : Dots(side, seed, shape, i, j);
}

static double AllToDots(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  return DotsToAll(1 - side, seed, shape, i, j);
}

/* pixels here and there on both sides, not few enough to do without the grid: V-cycles do not see what ties them */
static double Scattered(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j)
{
  const uint64_t at = (uint64_t)((seed * 83 + i) * shape[1] + j);

  return FenRandomUniform(35, at, (uint32_t)side) < 0.25 ? FenRandomUniform(36, at, (uint32_t)side) : 0;
}

static const SolveImage images[] = {Rough, Blobs, Tails, Smooth, Checkers, Pixel, Dots, DotsToAll, AllToDots};
#define NIMAGES ((int)(sizeof(images) / sizeof(images[0])))

static void Pair(MPI_Comm comm, SolveImage image, FenInt seed, const FenInt shape[2][2], FenMeasure m[2])
{
  for (int s = 0; s < 2; s++)
    m[s] = SolveImageMake(comm, image, s, seed, shape[s], NULL);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
}

static void Forget(FenMeasure m[2])
{
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
}

static const FenInt small[2][2] = {{17, 12}, {13, 16}}, large[2][2] = {{37, 29}, {32, 31}},
                    larger[2][2] = {{64, 64}, {64, 64}};

/* all types: certified intervals have a point in common */
static void TestTypes(void **state)
{
  (void)state;
  for (int i = 0; i < NIMAGES; i++)
    for (FenInt seed = 0; seed < (i ? 3 : 20); seed++) {
      double lower = -HUGE_VAL, upper = HUGE_VAL;

      for (int t = 0; t < NTYPES; t++) {
        FenMeasure  m[2];
        FenOTBounds B;

        Pair(PETSC_COMM_SELF, images[i], seed, small, m);
        B = SolveOnce(solve_types[t], m, NULL, 0.5 + (double)seed, 1e-5);
        lower = fmax(lower, B.lower);
        upper = fmin(upper, B.upper);
        Forget(m);
      }
      assert_true(lower <= upper);
    }
}

static double Value(MPI_Comm comm, SolveImage image, FenInt seed, double eps)
{
  FenMeasure  m[2];
  FenOTBounds B;

  Pair(comm, image, seed, large, m);
  B = SolveOnce(FENOTMULTIGRID, m, NULL, eps, 1e-11);
  Forget(m);
  return B.lower;
}

static void TestRanks(void **state)
{
  (void)state;
  for (int i = 0; i < NIMAGES; i++) {
    const double alone = Value(PETSC_COMM_SELF, images[i], 2, 0.7), value = Value(MPI_COMM_WORLD, images[i], 2, 0.7);

    if (!(fabs(value - alone) <= 1e-11 * fabs(alone)))
      print_error("image %d: %.17g %.17g\n", i, alone, value);
    FEN_ASSERT_NEAR(value, alone, 1e-11 * fabs(alone)); /* lower bounds lie within the gap */
  }
}

/* stopped and continued every so many iterations: the same numbers to the last bit */
static void Continue(FenMeasure m[2], double eps, FenInt every, PetscBool support)
{
  FenOT       ot;
  FenProgress p, q;
  int         levels = 0;

  ot = SolveMake(FENOTMULTIGRID, m, NULL, eps, 1e-7);
  SolveRun(ot);
  FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
  levels = (int)ot->nlevels;
  assert_true((ot->support > 0) == support);
  FEN_OK(FenOTDestroy(&ot));
  assert_true(levels >= 3);
  for (FenInt k = 1; k < p.iteration; k += every) {
    Saver         S = {.stop = k};
    const double *g;

    ot = SolveMake(FENOTMULTIGRID, m, NULL, eps, 1e-7);
    FEN_OK(FenSolverSetSave((FenSolver)ot, SaverPoll, SaverSave, &S));
    FEN_OK(FenOTSolve(ot));
    assert_int_equal(SolveReason(ot), FEN_STOPPED);
    FEN_OK(FenOTGetPotentials(ot, NULL, &g)); /* on the problem's own grid, whatever level it was on */
    for (FenInt j = 0; j < ot->level[0].n[1]; j++)
      assert_true(isfinite(g[j]));
    FEN_OK(FenOTDestroy(&ot));
    ot = SolveMake(FENOTMULTIGRID, m, NULL, eps, 1e-7);
    SnapshotPut((FenSolver)ot, &S.snapshot);
    SolveRun(ot);
    FEN_OK(FenSolverGetProgress((FenSolver)ot, &q));
    FEN_ASSERT_ALL(q.iteration == p.iteration && q.value == p.value && q.lower == p.lower && q.upper == p.upper);
    SnapshotFree(&S.snapshot);
    FEN_OK(FenOTDestroy(&ot));
  }
}

static void Restart(SolveImage image, const FenInt shape[2][2], double eps, FenInt every, PetscBool support)
{
  FenMeasure m[2];

  Pair(MPI_COMM_WORLD, image, 1, shape, m);
  Continue(m, eps, every, support);
  Forget(m);
}

static void TestRestart(void **state)
{
  (void)state;
  Restart(Rough, large, 0.6, 2, PETSC_FALSE);
  Restart(Rough, larger, 40, 2, PETSC_FALSE);
  Restart(Heavy, larger, 0.25, 4, PETSC_FALSE);
}

/* Tails cost little: targets of next to no mass are left to Sinkhorn steps */
static void TestTails(void **state)
{
  FenMeasure  m[2];
  FenOT       ot;
  FenOTBounds B;

  (void)state;
  Pair(MPI_COMM_WORLD, Tails, 1, larger, m);
  ot = SolveMake(FENOTMULTIGRID, m, NULL, 0.25, 1e-9);
  B = SolveRun(ot);
  FEN_ASSERT_ALL(B.upper - B.lower <= 1e-9 * B.upper && ((FenSolver)ot)->progress.iteration <= 100);
  FEN_OK(FenOTDestroy(&ot));
  Forget(m);
}

/* V-cycles do not see what ties tails, and the diagonal is good for it: neither are V-cycles gone on with nor are the
   very many links assembled */
static void TestHeavy(void **state)
{
  FenMeasure  m[2];
  FenCost     cost;
  FenOT       ot;
  FenOTBounds B;

  (void)state;
  Pair(MPI_COMM_WORLD, Heavy, 1, larger, m);
  FEN_OK(FenCostCreate(MPI_COMM_WORLD, FEN_COST_L1, &cost));
  ot = SolveMake(FENOTMULTIGRID, m, cost, 0.25, 1e-6);
  B = SolveRun(ot);
  FEN_ASSERT_ALL(B.upper - B.lower <= 1e-6 * B.upper && ((FenSolver)ot)->progress.work <= 300);
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenCostDestroy(&cost));
  Forget(m);
}

/* masses of fourteen decades to noise, on a line */
static void RoughLine(MPI_Comm comm, FenMeasure m[2])
{
  const FenInt n = 300;

  for (int side = 0; side < 2; side++) {
    FenLayout layout;
    FenBox    box;
    FenInt    local;
    double   *w;

    FEN_OK(FenLayoutCreateGrid(comm, 1, &n, NULL, &layout));
    FEN_OK(FenLayoutGetBox(layout, -1, &box));
    FEN_OK(FenLayoutGetLocalSize(layout, &local));
    w = (double *)malloc((size_t)(local + 1) * sizeof(double));
    for (FenInt k = 0; k < local; k++) {
      const double u = FenRandomUniform(35, (uint64_t)(box.lo[0] + k), (uint32_t)side);

      w[k] = side ? pow(u, 6) : pow(10, -14 * u);
    }
    FEN_OK(FenMeasureCreateGrid(layout, w, NULL, NULL, &m[side]));
    free(w);
    FEN_OK(FenLayoutDestroy(&layout));
  }
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
}

/* a number of the solver's state */
static FenInt StateInt(FenOT ot, const char name[])
{
  const FenStateEntry *entry;
  FenState             state;
  PetscInt             n;
  FenInt               value = -1;

  FEN_OK(FenSolverGetState((FenSolver)ot, &state));
  FEN_OK(FenStateGetEntries(state, &n, &entry));
  for (PetscInt k = 0; k < n; k++)
    if (!strcmp(entry[k].name, name))
      value = *(const FenInt *)entry[k].data;
  FEN_OK(FenStateDestroy(&state));
  return value;
}

/* many steps are cut: cells in between; whatever the number of ranks, and after a restart from any of their steps */
static void TestCells(void **state)
{
  FenMeasure m[2];
  double     value[2];

  (void)state;
  for (int together = 0; together < 2; together++) {
    FenOT ot;

    RoughLine(together ? MPI_COMM_WORLD : PETSC_COMM_SELF, m);
    ot = SolveMake(FENOTMULTIGRID, m, NULL, 0.0625, 1e-7);
    SolveRun(ot);
    value[together] = ot->base.progress.value;
    FEN_ASSERT_ALL(StateInt(ot, "cells_it") > 30); /* they were asked, and answered */
    FEN_ASSERT_ALL(StateInt(ot, "cells_it") < PetscMin(150, ot->base.progress.iteration - 20));
    FEN_OK(FenOTDestroy(&ot));
    Forget(m);
  }
  FEN_ASSERT_NEAR(value[1], value[0], 1e-10 * value[0]);
  RoughLine(MPI_COMM_WORLD, m);
  Continue(m, 0.0625, 9, PETSC_FALSE);
  Forget(m);
}

/* any PC for the plan's graph: the same answer */
static void TestGraphPC(void **state)
{
  static const char *const pc[] = {"cholesky", "gamg", "jacobi"};
  const char              *used[3];
  double                   lower[3];

  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-ot_newton_precondition", "sparse"));
  for (int k = 0; k < 3; k++) {
    FenMeasure    m[2];
    FenOT         ot;
    FenNewtonStep S = {.system.precondition = FEN_PRECONDITION_SPARSE};
    PC            inner;
    double        step;

    FEN_OK(PetscOptionsSetValue(NULL, "-ot_newton_pc_type", pc[k]));
    Pair(PETSC_COMM_SELF, Rough, 1, large, m);
    ot = SolveMake(FENOTMULTIGRID, m, NULL, 0.7, 1e-10);
    FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
    lower[k] = SolveRun(ot).lower;
    FEN_OK(FenNewtonStepCreate(ot, &S));
    FenNewtonStepForget(&S);
    FEN_OK(FenNewtonStepEvaluate(&S));
    FEN_OK(FenNewtonStepTake(&S, 1e-3, &step));
    assert_int_equal(S.system.use, FEN_USES_GRAPH);
    FEN_OK(FenPlanGraphGetPC(S.system.graph, &inner));
    FEN_OK(PCGetType(inner, &used[k]));
    assert_string_equal(used[k], pc[k]);
    FEN_ASSERT_NEAR(lower[k], lower[0], 1e-9 * fabs(lower[0]));
    FEN_OK(FenNewtonStepDestroy(&S));
    FEN_OK(FenOTDestroy(&ot));
    Forget(m);
  }
  FEN_OK(PetscOptionsClearValue(NULL, "-ot_newton_precondition"));
  FEN_OK(PetscOptionsClearValue(NULL, "-ot_newton_pc_type"));
}

/* between the points with mass alone, from the beginning, or from the first step that is cut */
static void TestRestartSupport(void **state)
{
  (void)state;
  Restart(DotsToAll, large, 0.6, 11, PETSC_TRUE);
  Restart(AllToDots, larger, 0.2, 17, PETSC_TRUE);
}

/* Systems that V-cycles solve slowly are factorised: whatever the number of ranks, and after a restart */
static void TestFactorised(void **state)
{
  FenMeasure    m[2];
  FenOT         ot;
  FenOTBounds   alone, all;
  FenNewtonStep S = {.system.precondition = FEN_PRECONDITION_AUTO};
  double        step, before;
  int           cut = 0;

  (void)state;
  Pair(PETSC_COMM_SELF, Scattered, 1, larger, m);
  alone = SolveOnce(FENOTMULTIGRID, m, NULL, 0.1, 1e-10);
  Forget(m);
  Pair(MPI_COMM_WORLD, Scattered, 1, larger, m);
  ot = SolveMake(FENOTMULTIGRID, m, NULL, 0.1, 1e-10);
  all = SolveRun(ot);
  FEN_ASSERT_NEAR(all.lower, alone.lower, 1e-11 * fabs(alone.lower));
  FEN_OK(PetscArrayzero(ot->g, ot->m)); /* from nothing known, where directions are long */
  FEN_OK(FenNewtonStepCreate(ot, &S));
  FEN_OK(FenNewtonSystemMove(&S.system));
  FenNewtonStepForget(&S);
  FEN_OK(FenNewtonStepEvaluate(&S));
  for (int k = 0; k < 200 && S.error > 1e-12; k++) {
    before = S.dual;
    FEN_OK(FenNewtonStepTake(&S, 1e-3, &step));
    FEN_ASSERT_ALL(S.dual >= before - 1e-13 * fabs(before));
    cut += step > 0 && step < 0.1;
  }
  FEN_ASSERT_ALL(S.system.seen.direct == 1 && S.system.use == FEN_USES_GRAPH && S.system.seen.its <= 20 &&
                 S.error <= 1e-12 && cut > 0);
  FEN_ASSERT_NEAR(S.dual, all.lower, 1e-11 * fabs(all.lower));
  FEN_OK(FenNewtonStepDestroy(&S));
  FEN_OK(FenOTDestroy(&ot));
  Forget(m);
  Restart(Scattered, larger, 0.1, 13, PETSC_FALSE);
}

/* The step that all types share, from nothing known: Sinkhorn steps raise the dual and make what is wrong locally
   small, Newton steps then end at the solution. A direction without use is replaced by a Sinkhorn step and a larger
   shift */
static void TestStep(void **state)
{
  FenMeasure    m[2];
  FenOT         ot;
  FenOTBounds   B;
  FenNewtonStep S = {.system.precondition = FEN_PRECONDITION_AUTO};
  double        before, far, step = 0;

  (void)state;
  Pair(MPI_COMM_WORLD, Rough, 3, large, m);
  ot = SolveMake(FENOTMULTIGRID, m, NULL, 0.6, 1e-11);
  B = SolveRun(ot);
  FEN_OK(PetscArrayzero(ot->g, ot->m));
  FEN_OK(FenNewtonStepCreate(ot, &S));
  FenNewtonStepForget(&S);
  FEN_OK(FenNewtonStepEvaluate(&S));
  far = S.log_error;
  FEN_ASSERT_ALL(far > 3 && S.dual < B.lower);
  for (int k = 0; k < 3; k++) {
    before = S.dual;
    FEN_OK(FenNewtonStepSmoothen(&S, 1, HUGE_VAL));
    FEN_ASSERT_ALL(S.dual > before);
  }
  FEN_OK(FenNewtonStepSmoothen(&S, 0, 0.3)); /* as many as it takes, or 20 */
  before = S.log_error;
  FEN_OK(FenNewtonStepSmoothen(&S, 0, before)); /* none */
  FEN_ASSERT_ALL(before < 0.5 * far && S.log_error == before);
  for (int k = 0; k < 30 && S.error > 1e-12; k++) {
    const FenNewtonSeen seen = S.system.seen;

    before = S.dual;
    FEN_OK(FenNewtonStepTake(&S, 1e-6, &step));
    FEN_ASSERT_ALL(S.dual >= before - 1e-13 * fabs(before)); /* a cut or a slow solve asks for another preconditioner */
    FEN_ASSERT_ALL(S.built ==
                   (step >= 0.5 && S.system.seen.direct == seen.direct && S.system.seen.plain == seen.plain));
  }
  FEN_ASSERT_ALL(S.error <= 1e-12 && step == 1 && S.system.shift == 0);
  FEN_ASSERT_NEAR(S.dual, B.lower, 1e-11 * fabs(B.lower));
  FEN_OK(FenNewtonStepTake(&S, 1e-6, &step)); /* nothing left to gain: no harm is done */
  FEN_ASSERT_NEAR(S.dual, B.lower, 1e-11 * fabs(B.lower));
  FEN_OK(FenNewtonStepDestroy(&S));
  FEN_OK(FenOTDestroy(&ot));
  Forget(m);
}

/* Sources that send to many targets: a coarser grid sees the plan, and CG needs few iterations. The same answer as with
   the diagonal, and on any number of ranks */
static double Wide(MPI_Comm comm, SolveImage image, FenPrecondition precondition, FenInt *its)
{
  FenMeasure    m[2];
  FenOT         ot;
  FenOTBounds   B;
  FenNewtonStep S = {.system.precondition = precondition};
  double        step;

  Pair(comm, image, 1, larger, m);
  ot = SolveMake(FENOTMULTIGRID, m, NULL, 40, 1e-11);
  B = SolveRun(ot);
  for (FenInt j = 0; j < ot->m; j++) /* long waves */
    ot->g[j] += 10 * sin(2e-3 * (double)j);
  FEN_OK(FenNewtonStepCreate(ot, &S));
  FEN_OK(FenNewtonSystemMove(&S.system));
  FenNewtonStepForget(&S);
  FEN_OK(FenNewtonStepEvaluate(&S));
  FEN_OK(FenNewtonStepTake(&S, 1e-6, &step));
  FEN_ASSERT_ALL(step == 1 && (S.system.use == FEN_USES_COARSE) == (precondition == FEN_PRECONDITION_AUTO));
  *its = S.system.seen.its;
  FEN_OK(FenNewtonStepDestroy(&S));
  FEN_OK(FenOTDestroy(&ot));
  Forget(m);
  return B.lower;
}

static void TestWide(void **state)
{
  static const SolveImage wide[] = {Rough, Blobs, Smooth, Checkers};

  (void)state;
  for (int i = 0; i < 4; i++) {
    FenInt       its, alone, diagonal;
    const double value = Wide(MPI_COMM_WORLD, wide[i], FEN_PRECONDITION_AUTO, &its),
                 self = Wide(PETSC_COMM_SELF, wide[i], FEN_PRECONDITION_AUTO, &alone);

    Wide(PETSC_COMM_SELF, wide[i], FEN_PRECONDITION_JACOBI, &diagonal);
    FEN_ASSERT_NEAR(value, self, 1e-11 * fabs(self));
    assert_true(its <= alone + 1 && alone <= its + 1 && its <= 14);
    assert_true(wide[i] == Blobs || 3 * its <= 2 * diagonal); /* narrow blobs have no long waves */
  }
}

/* nobody names a type: grids of two axes take this one, clouds do not */
static void TestDefault(void **state)
{
  const double x[4] = {0, 1, 2, 3};
  const char  *type;
  FenMeasure   m[2];
  FenOT        ot;

  (void)state;
  for (int cloud = 0; cloud < 2; cloud++) {
    if (cloud)
      for (int s = 0; s < 2; s++)
        m[s] = SolvePoints(2, 2, x, NULL);
    else
      Pair(PETSC_COMM_SELF, Smooth, 0, small, m);
    FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
    FEN_OK(FenOTCreate(PETSC_COMM_SELF, &ot));
    FEN_OK(FenOTSetMeasures(ot, m[0], m[1]));
    FEN_OK(FenOTSetEpsilon(ot, 1));
    FEN_OK(FenOTSolve(ot));
    FEN_OK(FenSolverGetType((FenSolver)ot, &type));
    assert_string_equal(type, cloud ? FENOTNEWTON : FENOTMULTIGRID);
    FEN_OK(FenOTDestroy(&ot));
    Forget(m);
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestTypes),          cmocka_unit_test(TestRanks), cmocka_unit_test(TestRestart),
      cmocka_unit_test(TestRestartSupport), cmocka_unit_test(TestStep),  cmocka_unit_test(TestFactorised),
      cmocka_unit_test(TestDefault),        cmocka_unit_test(TestTails), cmocka_unit_test(TestHeavy),
      cmocka_unit_test(TestGraphPC),        cmocka_unit_test(TestCells), cmocka_unit_test(TestWide)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
