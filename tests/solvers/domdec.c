/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Domain decomposition: its bounds and those of multigrid have a point in common on lines, images and volumes with
   empty pixels, for cells of many sizes, with and without Newton steps at the end; one composite cell is the whole
   problem; values do not depend on the number of ranks, also where there are more ranks than cells; flow updates and
   coarser grids against freezing; functions as costs, against Sinkhorn steps on the explicit matrix; what it cannot
   take is refused.
*/
#include "solve.h"
#include <math.h>

typedef double (*Density)(int side, const double x[3]);

static double Waves(int side, const double x[3])
{
  return 1.3 + sin(5 * x[0] + 2 * side) * cos(4 * x[1] - side) + 0.2 * sin(9 * x[2]);
}

/* half of the pixels empty, the others of three decades */
static double Islands(int side, const double x[3])
{
  const double v = sin(7 * x[0] + side) + cos(6 * x[1] + 2 * side) + 0.3 * sin(5 * x[2]);

  return v > 0 ? exp(3.5 * v) : 0;
}

/* narrow, on a faint background, moved by half of the domain */
static double Blob(int side, const double x[3])
{
  const double a = x[0] - (side ? 0.75 : 0.25), b = x[1] - 0.4, c = x[2] - 0.5;

  return 1e-9 + exp(-150 * (a * a + b * b + c * c));
}

static FenMeasure Make(MPI_Comm comm, Density density, int side, PetscInt dim, const FenInt shape[])
{
  FenLayout  layout;
  FenMeasure m;
  FenBox     box;
  FenInt     n, k = 0, i[3];
  double    *w;

  FEN_OK(FenLayoutCreateGrid(comm, dim, shape, NULL, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (i[0] = box.lo[0]; i[0] < box.hi[0]; i[0]++)
    for (i[1] = box.lo[1]; i[1] < box.hi[1]; i[1]++)
      for (i[2] = box.lo[2]; i[2] < box.hi[2]; i[2]++) {
        double x[3] = {0.5, 0.5, 0.5};

        for (PetscInt d = 0; d < dim; d++)
          x[d] = ((double)i[d] + 0.5) / (double)shape[d];
        w[k++] = density(side, x);
      }
  FEN_OK(FenMeasureCreateGrid(layout, w, NULL, NULL, &m));
  free(w);
  FEN_OK(FenLayoutDestroy(&layout));
  return m;
}

typedef struct {
  const char *name;
  Density     density;
  PetscInt    dim;
  FenInt      shape[2][3];
  FenCostKind cost;
  double      eps;
} Problem;

static const Problem problems[] = {
    {"waves", Waves, 2, {{37, 29}, {31, 34}}, FEN_COST_SQEUCLIDEAN, 0.5},
    {"islands", Islands, 2, {{33, 40}, {40, 35}}, FEN_COST_SQEUCLIDEAN, 0.4},
    {"blob", Blob, 2, {{32, 32}, {30, 36}}, FEN_COST_SQEUCLIDEAN, 1},
    {"row", Waves, 2, {{1, 90}, {3, 70}}, FEN_COST_SQEUCLIDEAN, 0.5},
    {"line", Islands, 1, {{211}, {190}}, FEN_COST_SQEUCLIDEAN, 1},
    {"line, distance", Waves, 1, {{130}, {97}}, FEN_COST_EUCLIDEAN, 0.5},
    {"image, l1", Waves, 2, {{23, 20}, {19, 26}}, FEN_COST_L1, 0.5},
    {"volume", Waves, 3, {{11, 9, 10}, {10, 8, 12}}, FEN_COST_SQEUCLIDEAN, 0.5},
    {"volume, islands", Islands, 3, {{9, 12, 8}, {12, 10, 7}}, FEN_COST_SQEUCLIDEAN, 0.6}};
#define NPROBLEMS ((int)(sizeof(problems) / sizeof(problems[0])))

static void Open(const Problem *P, MPI_Comm comm, FenMeasure m[2], FenCost *cost)
{
  for (int s = 0; s < 2; s++)
    m[s] = Make(comm, P->density, s, P->dim, P->shape[s]);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  FEN_OK(FenCostCreate(comm, P->cost, cost));
}

static void Close(FenMeasure m[2], FenCost *cost)
{
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  FEN_OK(FenCostDestroy(cost));
}

static FenOTBounds SolveCost(const char *type, FenMeasure m[2], FenCost cost, double eps, double gap,
                             const char *options, double *value)
{
  FenOT       ot = SolveMake(type, m, cost, eps, gap);
  FenOTBounds B;

  FEN_OK(PetscOptionsInsertString(NULL, options));
  FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
  FEN_OK(PetscOptionsClear(NULL));
  B = SolveRun(ot);
  if (value)
    FEN_OK(FenSolverGetBounds((FenSolver)ot, value, NULL, NULL));
  FEN_OK(FenOTDestroy(&ot));
  return B;
}

static FenOTBounds Solve(const char *type, const Problem *P, MPI_Comm comm, double gap, const char *options,
                         double *value)
{
  FenMeasure  m[2];
  FenCost     cost;
  FenOTBounds B;

  Open(P, comm, m, &cost);
  B = SolveCost(type, m, cost, P->eps, gap, options, value);
  Close(m, &cost);
  return B;
}

static void Together(const char *name, const char *options, FenOTBounds A, FenOTBounds B, double gap)
{
  if (!(A.lower <= B.upper && B.lower <= A.upper && B.upper - B.lower <= gap * fabs(B.upper)))
    print_error("%s %s: [%.15g, %.15g] and [%.15g, %.15g]\n", name, options, A.lower, A.upper, B.lower, B.upper);
  assert_true(A.lower <= B.upper && B.lower <= A.upper);
  assert_true(B.upper - B.lower <= gap * fabs(B.upper));
}

static void TestBounds(void **state)
{
  static const char *const options[] = {"", "-ot_domdec_cell 2", "-ot_domdec_cell 5", "-ot_levels 0",
                                        "-ot_domdec_sweeps 1"};

  (void)state;
  for (int k = 0; k < NPROBLEMS; k++) {
    const FenOTBounds known = Solve(FENOTMULTIGRID, &problems[k], PETSC_COMM_SELF, 1e-9, "", NULL);

    for (int o = 0; o < 5; o++)
      Together(problems[k].name, options[o], known,
               Solve(FENOTDOMDEC, &problems[k], PETSC_COMM_SELF, 1e-8, options[o], NULL), 1e-8);
  }
}

/* cells alone */
static void TestCellsAlone(void **state)
{
  static const int which[] = {0, 3, 4, 7};

  (void)state;
  for (int k = 0; k < 4; k++) {
    const Problem    *P = &problems[which[k]];
    const FenOTBounds known = Solve(FENOTMULTIGRID, P, PETSC_COMM_SELF, 1e-9, "", NULL);

    Together(P->name, "cells alone", known,
             Solve(FENOTDOMDEC, P, PETSC_COMM_SELF, 1e-4, "-ot_domdec_newton 0 -ot_domdec_cell 4", NULL), 1e-4);
  }
}

/* Objective of the cells' plan after so many half sweeps of cells alone */
static PetscErrorCode Last(FenSolver s, const FenProgress *p, void *ctx)
{
  PetscFunctionBegin;
  if (s->intermediate) /* no look at bounds: the value is the plan's */
    *(double *)ctx = p->value;
  PetscFunctionReturn(0);
}

static double After(const Problem *P, FenInt half_sweeps, const char *options)
{
  FenMeasure m[2];
  FenCost    cost;
  FenOT      ot;
  double     value = NAN;

  Open(P, MPI_COMM_WORLD, m, &cost);
  ot = SolveMake(FENOTDOMDEC, m, cost, P->eps, 0);
  FEN_OK(FenSolverSetTolerances((FenSolver)ot, 0, 0, half_sweeps));
  FEN_OK(PetscOptionsInsertString(NULL, "-ot_domdec_newton 0 -ot_domdec_sweeps 1 -ot_domdec_cell 2"));
  FEN_OK(PetscOptionsInsertString(NULL, options));
  FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(FenSolverMonitorSet((FenSolver)ot, Last, &value, NULL));
  FEN_OK(FenOTSolve(ot));
  FEN_OK(FenOTDestroy(&ot));
  Close(m, &cost);
  return value;
}

/* Sweeps of many small cells freeze when there is no coarser grid: circulations on images, coarser grids on images and
   lines (which have no closed paths) bring the error down */
static void TestFreezing(void **state)
{
  static const Problem images[] = {{"8 cells", Waves, 2, {{16, 16}, {16, 16}}, FEN_COST_SQEUCLIDEAN, 1},
                                   {"16 cells", Waves, 2, {{32, 32}, {32, 32}}, FEN_COST_SQEUCLIDEAN, 1}};
  static const Problem line = {"64 cells", Waves, 1, {{128}, {128}}, FEN_COST_SQEUCLIDEAN, 1};
  double               frozen[2];

  (void)state;
  for (int k = 0; k < 2; k++) {
    const FenOTBounds known = Solve(FENOTMULTIGRID, &images[k], MPI_COMM_WORLD, 1e-9, "", NULL);

    frozen[k] = After(&images[k], 33, "-ot_levels 0 -ot_domdec_flow 0") / known.lower - 1;
    if (k) {
      const double flow = After(&images[k], 33, "-ot_levels 0") / known.lower - 1;
      const double levels = After(&images[k], 33, "") / known.lower - 1;

      if (!(flow > -1e-9 && flow < 0.1 * frozen[k] && fabs(levels) < 0.1 * frozen[k]))
        print_error("frozen %g, with flow %g, with levels %g\n", frozen[k], flow, levels);
      assert_true(flow > -1e-9 && flow < 0.1 * frozen[k] && fabs(levels) < 0.1 * frozen[k]);
    }
  }
  assert_true(frozen[1] > 10 * frozen[0]);
  {
    const FenOTBounds known = Solve(FENOTNEWTON, &line, MPI_COMM_WORLD, 1e-9, "", NULL);
    const double      alone = After(&line, 33, "-ot_levels 0") / known.lower - 1;
    const double      levels = After(&line, 33, "") / known.lower - 1;

    if (!(fabs(levels) < 0.01 * alone))
      print_error("line: %g, with levels %g\n", alone, levels);
    assert_true(fabs(levels) < 0.01 * alone);
  }
}

/* a problem that is one composite cell is solved by one A half */
static void TestOneCell(void **state)
{
  static const Problem P = {"one cell", Waves, 2, {{8, 7}, {9, 6}}, FEN_COST_SQEUCLIDEAN, 3};
  FenMeasure           m[2];
  FenCost              cost;
  FenOT                ot;
  FenProgress          p;

  (void)state;
  Open(&P, MPI_COMM_WORLD, m, &cost);
  ot = SolveMake(FENOTDOMDEC, m, cost, P.eps, 1e-10);
  SolveRun(ot);
  FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
  assert_true(p.iteration <= 4);
  FEN_OK(FenOTDestroy(&ot));
  Close(m, &cost);
}

static void TestRanks(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int k = 0; k<NPROBLEMS; k += size> 4 ? 4 : 1) {
    double alone, value;

    (void)Solve(FENOTDOMDEC, &problems[k], PETSC_COMM_SELF, 1e-9, "", &alone);
    (void)Solve(FENOTDOMDEC, &problems[k], MPI_COMM_WORLD, 1e-9, "", &value);
    if (!(fabs(value - alone) <= 1e-12 * fabs(alone)))
      print_error("%s: %.17g %.17g\n", problems[k].name, alone, value);
    FEN_ASSERT_NEAR(value, alone, 1e-12 * fabs(alone));
  }
}

/* flow updates cross ranks */
static void TestFlowRanks(void **state)
{
  static const Problem P[] = {{"image", Waves, 2, {{23, 26}, {21, 24}}, FEN_COST_SQEUCLIDEAN, 1},
                              {"volume", Islands, 3, {{9, 12, 8}, {12, 10, 7}}, FEN_COST_SQEUCLIDEAN, 0.6}};

  (void)state;
  for (int k = 0; k < 2; k++) {
    const char *options = "-ot_levels 0 -ot_domdec_cell 2";
    double      alone, value;

    (void)Solve(FENOTDOMDEC, &P[k], PETSC_COMM_SELF, 1e-10, options, &alone);
    (void)Solve(FENOTDOMDEC, &P[k], MPI_COMM_WORLD, 1e-10, options, &value);
    FEN_ASSERT_NEAR(value, alone, 1e-12 * fabs(alone));
  }
}

/* costs that are no sums over axes: (x-y) A (x-y), |x-y|^1.5, one that depends on the place, |x-y| */
static PetscErrorCode Function(void *ctx, PetscInt dim, FenInt n, const double x[], FenInt m, const double y[],
                               double tile[])
{
  const int which = *(const int *)ctx;

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++)
    for (FenInt j = 0; j < m; j++) {
      const double *p = x + i * dim, *q = y + j * dim;
      double        square = 0, mixed = 1;

      for (PetscInt d = 0; d < dim; d++) {
        square += (p[d] - q[d]) * (p[d] - q[d]);
        mixed *= p[d] - q[d];
      }
      tile[i * m + j] = which == 0 ? square + mixed : which == 1 ? pow(square, 0.75) : square * (1 + 0.1 * p[0]);
    }
  PetscFunctionReturn(0);
}

#define FUNCTIONS 3

static void FunctionCost(MPI_Comm comm, int which, FenCost *cost)
{
  static int names[FUNCTIONS] = {0, 1, 2};

  if (which < FUNCTIONS)
    FEN_OK(FenCostCreateFunction(comm, Function, &names[which], NULL, 1e4, cost));
  else
    FEN_OK(FenCostCreate(comm, FEN_COST_EUCLIDEAN, cost));
}

/* the same problem with an explicit matrix, between weights on lines, by Sinkhorn steps */
static FenOTBounds SolveMatrix(FenMeasure m[2], FenCost cost, double eps)
{
  FenMeasure    line[2];
  FenLayout     layout[2];
  FenInt        n[2];
  const double *w, *x[2];
  double       *row, *col;
  PetscInt      dim;
  FenCost       matrix;
  FenOTBounds   B;

  FEN_OK(FenMeasureGetDim(m[0], &dim));
  for (int s = 0; s < 2; s++) {
    FEN_OK(FenMeasureGetSize(m[s], &n[s], NULL));
    FEN_OK(FenMeasureGetWeights(m[s], &w));
    FEN_OK(FenMeasureGetPoints(m[s], &x[s]));
    FEN_OK(FenLayoutCreateGrid(PETSC_COMM_SELF, 1, &n[s], NULL, &layout[s]));
    FEN_OK(FenMeasureCreateGrid(layout[s], w, NULL, NULL, &line[s]));
  }
  FEN_OK(FenMeasureBalance(line[0], line[1], PETSC_TRUE));
  row = (double *)malloc((size_t)(n[0] * n[1]) * sizeof(double));
  col = (double *)malloc((size_t)(n[0] * n[1]) * sizeof(double));
  FEN_OK(FenCostEvaluate(cost, dim, n[0], x[0], n[1], x[1], row));
  for (FenInt i = 0; i < n[0]; i++)
    for (FenInt j = 0; j < n[1]; j++)
      col[j * n[0] + i] = row[i * n[1] + j];
  FEN_OK(FenCostCreateMatrix(layout[0], layout[1], row, col, &matrix));
  B = SolveCost(FENOTSINKHORN, line, matrix, eps, 1e-7, "", NULL);
  FEN_OK(FenCostDestroy(&matrix));
  for (int s = 0; s < 2; s++) {
    FEN_OK(FenMeasureDestroy(&line[s]));
    FEN_OK(FenLayoutDestroy(&layout[s]));
  }
  free(row);
  free(col);
  return B;
}

static const Problem plain[] = {{"image", Waves, 2, {{17, 14}, {15, 18}}, FEN_COST_SQEUCLIDEAN, 0.7},
                                {"image, islands", Islands, 2, {{16, 19}, {18, 15}}, FEN_COST_SQEUCLIDEAN, 0.5},
                                {"line", Waves, 1, {{70}, {61}}, FEN_COST_SQEUCLIDEAN, 1},
                                {"volume", Waves, 3, {{7, 5, 6}, {6, 7, 5}}, FEN_COST_SQEUCLIDEAN, 0.7}};

static void TestFunctions(void **state)
{
  static const char *const options[] = {"", "-ot_domdec_cell 2", "-ot_levels 0"};

  (void)state;
  for (int k = 0; k < 4; k++)
    for (int which = 0; which <= FUNCTIONS; which++) {
      FenMeasure  m[2];
      FenCost     cost;
      FenOTBounds known;

      if (k != 0 && which != k && which != FUNCTIONS)
        continue;
      Open(&plain[k], PETSC_COMM_SELF, m, &cost);
      FEN_OK(FenCostDestroy(&cost));
      FunctionCost(PETSC_COMM_SELF, which, &cost);
      known = SolveMatrix(m, cost, plain[k].eps);
      for (int o = 0; o < 3; o++)
        Together(plain[k].name, options[o], known,
                 SolveCost(FENOTDOMDEC, m, cost, plain[k].eps, 1e-7, options[o], NULL), 1e-7);
      Together(plain[k].name, "newton", known, SolveCost(FENOTNEWTON, m, cost, plain[k].eps, 1e-7, "", NULL), 1e-7);
      if (k == 0)
        Together(plain[k].name, "cells alone", known,
                 SolveCost(FENOTDOMDEC, m, cost, plain[k].eps, 1e-3, "-ot_domdec_newton 0", NULL), 1e-3);
      Close(m, &cost);
    }
}

/* grids and clouds agree on a function; a cost without a largest value is refused */
static void TestFunctionOnClouds(void **state)
{
  static int which = 0;
  FenMeasure m[2], cloud[2];
  FenCost    cost, formula;
  double     value[2];

  (void)state;
  Open(&plain[2], MPI_COMM_WORLD, m, &formula);
  FunctionCost(MPI_COMM_WORLD, which, &cost);
  for (int s = 0; s < 2; s++)
    FEN_OK(FenMeasureToPoints(m[s], &cloud[s]));
  (void)SolveCost(FENOTDOMDEC, m, cost, 1, 1e-10, "", &value[0]);
  (void)SolveCost(FENOTNEWTON, cloud, cost, 1, 1e-10, "", &value[1]);
  FEN_ASSERT_NEAR(value[0], value[1], 1e-9 * fabs(value[0]));
  for (int s = 0; s < 2; s++)
    FEN_OK(FenMeasureDestroy(&cloud[s]));
  FEN_OK(FenCostDestroy(&cost));
  FEN_ERROR(FenCostCreateFunction(MPI_COMM_WORLD, Function, &which, NULL, HUGE_VAL, &cost), FEN_ERR_USAGE, "finite");
  Close(m, &formula);
}

static void TestFunctionRanks(void **state)
{
  (void)state;
  for (int k = 0; k < 4; k++) {
    double value[2] = {0, 0};

    for (int world = 0; world < 2; world++) {
      const MPI_Comm comm = world ? MPI_COMM_WORLD : PETSC_COMM_SELF;
      FenMeasure     m[2];
      FenCost        cost;

      Open(&plain[k], comm, m, &cost);
      FEN_OK(FenCostDestroy(&cost));
      FunctionCost(comm, k, &cost);
      (void)SolveCost(FENOTDOMDEC, m, cost, plain[k].eps, 1e-9, "", &value[world]);
      Close(m, &cost);
    }
    FEN_ASSERT_NEAR(value[0], value[1], 1e-12 * fabs(value[0]));
  }
}

static void TestRefused(void **state)
{
  const double x[4] = {0, 1, 2, 3};
  FenMeasure   m[2], cloud;
  FenCost      cost;
  FenOT        ot;

  (void)state;
  Open(&problems[0], MPI_COMM_WORLD, m, &cost);
  FEN_OK(FenMeasureCreatePoints(MPI_COMM_WORLD, 2, 2, x, NULL, &cloud));
  FEN_OK(FenMeasureBalance(m[0], cloud, PETSC_TRUE));
  FEN_OK(FenOTCreate(MPI_COMM_WORLD, &ot));
  FEN_OK(FenOTSetType(ot, FENOTDOMDEC));
  FEN_OK(FenOTSetEpsilon(ot, 1));
  FEN_OK(FenOTSetMeasures(ot, m[0], cloud));
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "decomposes grids");
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenMeasureDestroy(&cloud));
  ot = SolveMake(FENOTDOMDEC, m, cost, 1, 1e-4);
  FEN_OK(PetscOptionsInsertString(NULL, "-ot_domdec_cell 38"));
  FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "37 pixels");
  FEN_OK(FenOTDestroy(&ot));
  ot = SolveMake(FENOTDOMDEC, m, cost, 1, 1e-4);
  FEN_OK(PetscOptionsInsertString(NULL, "-ot_domdec_cell 20"));
  FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "too large");
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(PetscOptionsClear(NULL));
  Close(m, &cost);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest one[] = {cmocka_unit_test(TestBounds),    cmocka_unit_test(TestCellsAlone),
                                   cmocka_unit_test(TestFreezing),  cmocka_unit_test(TestOneCell),
                                   cmocka_unit_test(TestFunctions), cmocka_unit_test(TestFunctionOnClouds),
                                   cmocka_unit_test(TestRefused)};
  const struct CMUnitTest many[] = {cmocka_unit_test(TestOneCell),          cmocka_unit_test(TestRanks),
                                    cmocka_unit_test(TestFlowRanks),        cmocka_unit_test(TestFunctionRanks),
                                    cmocka_unit_test(TestFunctionOnClouds), cmocka_unit_test(TestRefused)};
  PetscMPIInt             size;

  if (!FenTestStart(&argc, &argv))
    return 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return FenTestEnd(size > 1 ? cmocka_run_group_tests_name(__FILE__, many, NULL, NULL)
                             : cmocka_run_group_tests_name(__FILE__, one, NULL, NULL));
}
