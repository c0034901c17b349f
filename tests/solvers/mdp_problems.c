/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Built-in problems against closed forms and plain loops: American put, countdown, ring, a queue's gain, distances in
   mazes; pymdptoolbox's small example; a generator that changes its mind. 1 to 4 ranks.
*/
#include "mdpsolve.h"

/* values of all states on all ranks; the solver's error back */
static double Solve(FenMDPModel model, FenMDPCriterion criterion, FenInt horizon, const char *type, double discount,
                    FenInt n, double V[], FenMDPBounds *B)
{
  FenMDP        mdp;
  FenLayout     layout;
  const double *mine;
  FenInt        start, end;

  FEN_OK(FenMDPModelSetCriterion(model, criterion, horizon));
  mdp = MDPSolver(model, type, discount, NULL, 1e-8);
  *B = MDPRun(mdp);
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMDPGetValue(mdp, &mine));
  for (FenInt s = 0; s < n; s++)
    V[s] = s >= start && s < end ? mine[s - start] : 0;
  MPI_Allreduce(MPI_IN_PLACE, V, (int)n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  FEN_OK(FenMDPDestroy(&mdp));
  return B->value_error;
}

/* steps of 2 %, strike 100, 20 steps; values at start 100, 95, 105 */
static void TestPut(void **state)
{
  static const double p[] = {.2, .4, .5, .6, .8, 1}, start[] = {100, 95, 105};
  static const double known[][3] = {{20.50139818, 24.47281072, 16.54721316},
                                    {8.22558949, 12.22046419, 4.93781150},
                                    {3.51971637, 6.45130774, 1.64150754},
                                    {1.59294524, 5, .45933874},
                                    {.50305722, 5, .01888833},
                                    {0, 5, 0}};

  (void)state;
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 3; j++) {
      char         options[64];
      double       V[211];
      FenMDPBounds B;
      FenMDPModel  model;

      snprintf(options, sizeof(options), "-put_p %g -put_start %g", p[i], start[j]);
      model = MDPProblem("put", options, PETSC_FALSE);
      (void)Solve(model, FEN_MDP_FINITE, 20, FENMDPFH, 1, 211, V, &B);
      FEN_ASSERT_NEAR(V[0], known[i][j], 1e-8);
      for (int t = 0; t < NMDPTYPES; t++) {
        const double error = Solve(model, FEN_MDP_TOTAL, 0, mdp_types[t], 1, 211, V, &B);

        FEN_ASSERT_NEAR(V[0], known[i][j], 1e-8 + error);
      }
      FEN_OK(FenMDPModelDestroy(&model));
    }
}

/* -(1 - gamma^s)/(1 - gamma), and -s */
static void TestCountdown(void **state)
{
  FenMDPModel  model = MDPProblem("chain", "-n 80", PETSC_FALSE);
  FenMDPBounds B;
  double       V[80], error;

  (void)state;
  for (int t = 0; t < NMDPTYPES; t++) {
    error = Solve(model, FEN_MDP_DISCOUNTED, 0, mdp_types[t], .95, 80, V, &B);
    for (int s = 0; s < 80; s++)
      FEN_ASSERT_NEAR(V[s], -(1 - pow(.95, s)) / .05, error + 1e-12);
    error = Solve(model, FEN_MDP_TOTAL, 0, mdp_types[t], 1, 80, V, &B);
    for (int s = 0; s < 80; s++)
      FEN_ASSERT_NEAR(V[s], -s, error + 1e-12);
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

static void TestRing(void **state)
{
  FenMDPModel  model = MDPProblem("ring", "-n 50", PETSC_FALSE);
  FenMDPBounds B;
  double       V[50], error;

  (void)state;
  for (int t = 0; t < NMDPTYPES; t++) {
    error = Solve(model, FEN_MDP_DISCOUNTED, 0, mdp_types[t], .9, 50, V, &B);
    for (int s = 0; s < 50; s++) {
      const int d = abs(s - 42);

      FEN_ASSERT_NEAR(V[s], pow(.9, d < 50 - d ? d : 50 - d) / .1, error + 1e-12);
    }
  }
  (void)Solve(model, FEN_MDP_AVERAGE, 0, FENMDPVI, 1, 50, V, &B);
  assert_true(B.lower - 1e-12 <= 1 && 1 <= B.upper + 1e-12);
  FEN_OK(FenMDPModelDestroy(&model));
}

/* one server: law (1/2)^k up to 30, cost k + rate^2 */
static void TestQueue(void **state)
{
  FenMDPModel model =
      MDPProblem("queue", "-n 30 -queue_queues 1 -queue_levels 1 -queue_arrival 1 -queue_fast 2", PETSC_FALSE);
  FenMDPBounds B;
  double       V[31], sum = 0, gain = 0;

  (void)state;
  for (int k = 0; k <= 30; k++) {
    sum += pow(.5, k);
    gain += pow(.5, k) * (k + 4);
  }
  (void)Solve(model, FEN_MDP_AVERAGE, 0, FENMDPAUTO, 1, 31, V, &B);
  assert_true(B.lower - 1e-12 <= gain / sum && gain / sum <= B.upper + 1e-12);
  FEN_OK(FenMDPModelDestroy(&model));
}

/* numbers of steps to a state without rows or with rows that stay for nothing, row by row until nothing changes */
static void Distances(FenMDPModel model, FenInt n, double d[])
{
  FenMDPRow *row = (FenMDPRow *)malloc(sizeof(FenMDPRow));
  FenLayout  layout;
  FenInt     start, end;
  int        changed = 1;

  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  for (FenInt s = 0; s < n; s++)
    d[s] = 1e9;
  while (changed) {
    changed = 0;
    for (FenInt s = start; s < end; s++) {
      double best = d[s];
      int    rows;

      FEN_OK(FenMDPModelGetStateRows(model, s - start, &rows));
      best = rows ? best : 0;
      for (int r = 0; r < rows; r++) {
        FEN_OK(FenMDPModelGetRow(model, s - start, r, row));
        assert_int_equal(row->n, 1);
        best = fmin(best, row->next[0] == s && row->reward == 0 ? 0 : 1 + d[row->next[0]]);
      }
      changed += best < d[s];
      d[s] = best;
    }
    MPI_Allreduce(MPI_IN_PLACE, d, (int)n, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, &changed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  }
  free(row);
}

/* unit costs, no slip: totals are distances, discounted values (1 - gamma^d)/(1 - gamma) */
static void TestMaze(void **state)
{
  enum { N = 21 * 21 };
  FenMDPModel  model = MDPProblem("maze", "-n 21", PETSC_FALSE);
  FenMDPBounds B;
  double       V[N], d[N];

  (void)state;
  Distances(model, N, d);
  for (int t = 0; t < NMDPTYPES; t++) {
    double error = Solve(model, FEN_MDP_TOTAL, 0, mdp_types[t], 1, N, V, &B);

    for (int s = 0; s < N; s++)
      FEN_ASSERT_NEAR(V[s], d[s], error + 1e-12);
    error = Solve(model, FEN_MDP_DISCOUNTED, 0, mdp_types[t], .97, N, V, &B);
    for (int s = 0; s < N; s++)
      FEN_ASSERT_NEAR(V[s], (1 - pow(.97, d[s])) / .03, error + 1e-11);
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

/* pymdptoolbox's example small() */
static int Small(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  r[0] = s ? (MDPRow){2, {0, 1}, {.8, .2}, -1} : (MDPRow){2, {0, 1}, {.5, .5}, 5};
  r[1] = s ? (MDPRow){2, {0, 1}, {.1, .9}, 2} : (MDPRow){1, {1}, {1}, 10};
  return 2;
}

static void TestSmall(void **state)
{
  static const double discount[] = {.9, .99};
  static const double known[][2] = {{42.44186046511628, 36.04651162790697}, {392.2991071428572, 386.1607142857143}};

  (void)state;
  for (int k = 0; k < 2; k++)
    for (int t = 0; t < NMDPTYPES; t++) {
      FenMDPModel  model = MDPMake(MPI_COMM_WORLD, 2, Small, NULL, FEN_MDP_MAX);
      FenMDPBounds B;
      double       V[2];
      const double error = Solve(model, FEN_MDP_DISCOUNTED, 0, mdp_types[t], discount[k], 2, V, &B);

      FEN_ASSERT_NEAR(V[0], known[k][0], error + 1e-10);
      FEN_ASSERT_NEAR(V[1], known[k][1], error + 1e-10);
      FEN_OK(FenMDPModelDestroy(&model));
    }
}

/* a generator whose state 5 forgets what it said the first few times it was asked */
typedef struct {
  int fickle, asked;
} Fickle;

static PetscErrorCode FickleRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  Fickle *f = (Fickle *)ctx;

  (void)a;
  row->n = 1;
  row->next[0] = (s + 1) % 9;
  row->prob[0] = 1;
  row->reward = s == 5 && f->fickle ? f->asked++ / 2 : 1; /* twice the same: asking at once finds nothing */
  return 0;
}

static void TestFickle(void **state)
{
  (void)state;
  for (int fickle = 0; fickle < 2; fickle++) {
    Fickle                f = {.fickle = fickle};
    const FenMDPGenerator g = {.nstates = 9, .nactions = 1, .max_next = 1, .row = FickleRow, .ctx = &f};
    FenMDPModel           model;
    FenMDP                mdp;

    FEN_OK(FenMDPModelCreateGenerator(MPI_COMM_WORLD, &g, &model));
    mdp = MDPSolver(model, FENMDPVI, .9, NULL, 1e-6);
    FEN_OK(PetscOptionsSetValue(NULL, "-mdp_check", "true"));
    FEN_OK(FenMDPSetFromOptions(mdp));
    FEN_OK(PetscOptionsClearValue(NULL, "-mdp_check"));
    if (fickle) {
      FEN_ERROR(FenMDPSolve(mdp), FEN_ERR_VALUE, "state 5");
      FEN_ERROR(FenMDPModelCheck(model), FEN_ERR_VALUE, "the same row on every call");
    } else
      FEN_OK(FenMDPSolve(mdp));
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPut),   cmocka_unit_test(TestCountdown),
                                          cmocka_unit_test(TestRing),  cmocka_unit_test(TestQueue),
                                          cmocka_unit_test(TestMaze),  cmocka_unit_test(TestSmall),
                                          cmocka_unit_test(TestFickle)};

FEN_TEST_MAIN(tests)
