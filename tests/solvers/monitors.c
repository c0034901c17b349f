/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors: a CSV file with a row an iteration, a graph where there is no display, functions of a user. */
#include "solve.h"
#include "cases.h"
#include <unistd.h>

static const char header[] = "iteration,residual,value,lower,upper,gap_rel,parameter,work,seconds\n";
static char       folder[] = "/tmp/fenchel-monitors-XXXXXX";

static int MakeFolder(void **state)
{
  int rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank && !mkdtemp(folder))
    return 1;
  return MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, MPI_COMM_WORLD);
}

static int RemoveFolder(void **state)
{
  int rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Barrier(MPI_COMM_WORLD);
  return rank ? 0 : rmdir(folder);
}

/* solves the first case with options as they are; number of iterations */
static FenInt Solve(const char *type, const char *const options[][2], int n, FenMonitorFn monitor, void *ctx)
{
  FenMeasure  m[2];
  FenCost     cost;
  FenOT       ot;
  FenProgress p;

  CaseMake(&cases[0], MPI_COMM_WORLD, NULL, m, &cost);
  ot = SolveMake(type, m, cost, 0.05, 1e-6);
  for (int k = 0; k < n; k++)
    FEN_OK(PetscOptionsSetValue(NULL, options[k][0], options[k][1]));
  FEN_OK(FenOTSetFromOptions(ot));
  for (int k = 0; k < n; k++)
    FEN_OK(PetscOptionsClearValue(NULL, options[k][0]));
  if (monitor)
    FEN_OK(FenSolverMonitorSet((FenSolver)ot, monitor, ctx, NULL));
  SolveRun(ot);
  FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
  FEN_OK(FenOTDestroy(&ot));
  CaseDestroy(m, &cost);
  return p.iteration;
}

static PetscErrorCode Record(FenSolver s, const FenProgress *p, void *ctx)
{
  FenProgress *all = (FenProgress *)ctx;

  PetscFunctionBegin;
  (void)s;
  assert_true(p->iteration >= 1 && p->iteration < 1000);
  all[p->iteration] = *p;
  PetscFunctionReturn(0);
}

/* rows of the file are what a user's monitor was told */
static int WrongRows(const char name[], FenInt iterations, const FenProgress all[])
{
  FILE *file = fopen(name, "r");
  char  line[1000];
  int   wrong = 0;

  if (!file || !fgets(line, sizeof(line), file) || strcmp(line, header))
    return 1;
  for (FenInt it = 1; it <= iterations; it++) {
    long long number;
    double    v[8];

    if (!fgets(line, sizeof(line), file))
      return 1;
    wrong += sscanf(line, "%lld,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &number, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
                    &v[6], &v[7]) != 9;
    wrong += number != it || v[0] != all[it].residual || v[1] != all[it].value || v[2] != all[it].lower;
    wrong += v[3] != all[it].upper || v[4] != all[it].gap_rel || v[5] != all[it].parameter || v[6] != all[it].work;
  }
  wrong += fgets(line, sizeof(line), file) != NULL;
  fclose(file);
  return wrong;
}

static void TestCSV(void **state)
{
  int rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (int t = 0; t < NTYPES; t++) {
    FenProgress *all = (FenProgress *)calloc(1000, sizeof(*all));
    char         name[100];
    FenInt       iterations;

    snprintf(name, sizeof(name), "%s/%s.csv", folder, solve_types[t]);
    {
      const char *const options[][2] = {{"-ot_monitor_csv", name}};

      iterations = Solve(solve_types[t], options, 1, Record, all);
    }
    FEN_ASSERT_ALL(rank || !WrongRows(name, iterations, all));
    FEN_ASSERT_ALL(rank || !unlink(name));
    free(all);
  }
}

static PetscErrorCode Count(FenSolver s, const FenProgress *p, void *ctx)
{
  PetscFunctionBegin;
  (void)s, (void)p;
  ++*(FenInt *)ctx;
  PetscFunctionReturn(0);
}

/* a graph without a display: nothing is drawn, the solve is the same */
static void TestDraw(void **state)
{
  static const char *const kinds[] = {"null", "image"};

  (void)state;
  unsetenv("DISPLAY");
  for (int t = 0; t < NTYPES; t++)
    for (int k = 0; k < 2; k++) {
      const char *const options[][2] = {{"-ot_monitor_draw", "true"}, {"-draw_type", kinds[k]}};
      FenInt            calls = 0;

      assert_int_equal(Solve(solve_types[t], options, 2, Count, &calls), Solve(solve_types[t], options, 0, NULL, NULL));
      assert_true(calls > 1);
    }
}

/* one line an iteration into a file */
static void TestText(void **state)
{
  char   name[100], viewer[120], line[1000];
  int    rank, wrong = 0;
  FenInt iterations, lines = 0;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(name, sizeof(name), "%s/text", folder);
  snprintf(viewer, sizeof(viewer), "ascii:%s", name);
  {
    const char *const options[][2] = {{"-ot_monitor", viewer}};

    iterations = Solve(solve_types[0], options, 1, NULL, NULL);
  }
  if (!rank) {
    FILE *file = fopen(name, "r");

    for (; file && fgets(line, sizeof(line), file); lines++)
      wrong += !strstr(line, "residual") || !strstr(line, "lower") || strtol(line, NULL, 10) != lines + 1;
    wrong += lines != iterations || !file || fclose(file) || unlink(name);
  }
  FEN_ASSERT_ALL(!wrong);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCSV), cmocka_unit_test(TestDraw), cmocka_unit_test(TestText)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, MakeFolder, RemoveFolder));
}
