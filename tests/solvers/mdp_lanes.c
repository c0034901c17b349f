/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Models that cost little memory: rows made for eight states at once are those that are made one by one, and rows that
   a solver takes give the same answers as rows that it copies.
*/
#include "mdpsolve.h"

static FenMDPModel Grid(const char *n, const char *width, const char *slip, PetscBool matrix_free)
{
  FenMDPModel model;

  FEN_OK(PetscOptionsSetValue(NULL, "-gridworld_n", n));
  FEN_OK(PetscOptionsSetValue(NULL, "-gridworld_width", width));
  FEN_OK(PetscOptionsSetValue(NULL, "-gridworld_slip", slip));
  FEN_OK(FenMDPModelGenerate(MPI_COMM_WORLD, "gridworld", NULL, matrix_free, &model));
  return model;
}

static int SameRow(const FenMDPRow *row, const FenMDPRowLanes *lanes, int l)
{
  int same = row->n == lanes->n && row->reward == lanes->reward[l];

  for (FenInt j = 0; j < row->n && same; j++)
    same = row->next[j] == lanes->next[FEN_MDP_LANES * j + l] && row->prob[j] == lanes->prob[FEN_MDP_LANES * j + l];
  return same;
}

/* from every state on; how many groups of states have lanes */
static int CheckLanes(FenMDPModel model, FenInt states)
{
  FenMDPRow     *row = malloc(sizeof(*row));
  FenInt         next[3 * FEN_MDP_LANES];
  double         prob[3 * FEN_MDP_LANES];
  FenMDPRowLanes lanes = {.next = next, .prob = prob};
  int            groups = 0;

  for (FenInt s = 0; s + FEN_MDP_LANES <= states; s++)
    for (int k = 0; k < 4; k++) {
      FEN_OK(FenMDPModelMakeLanes(model, s, k, &lanes));
      groups += lanes.n >= 0;
      for (int l = 0; l < FEN_MDP_LANES && lanes.n >= 0; l++) {
        FEN_OK(FenMDPModelMakeRow(model, s + l, k, row));
        assert_true(SameRow(row, &lanes, l));
        assert_int_equal(row->action, k);
      }
    }
  free(row);
  return groups;
}

static void TestSameRows(void **state)
{
  static const char *const slips[] = {"0", "0.1", "0.5"};

  (void)state;
  for (int k = 0; k < 3; k++) {
    FenMDPModel    model = Grid("9", "29", slips[k], PETSC_TRUE), stored = Grid("9", "29", slips[k], PETSC_FALSE);
    FenMDPSizes    a, b;
    FenFingerprint f, g;
    PetscBool      lanes;

    FEN_OK(FenMDPModelHasLanes(stored, &lanes));
    assert_false(lanes);
    FEN_OK(FenMDPModelHasLanes(model, &lanes));
    assert_true(lanes);
    assert_int_equal(CheckLanes(model, 9 * 29), 4 * 7 * 20); /* 7 inner rows of 27 cells, 20 places for 8 of them */
    FEN_OK(FenMDPModelGetSizes(model, &a));
    FEN_OK(FenMDPModelGetSizes(stored, &b));
    a.stored = b.stored;
    assert_true(a.states == b.states && a.rows == b.rows && a.nnz == b.nnz && a.actions == b.actions &&
                a.max_next == b.max_next && a.reward_min == b.reward_min && a.reward_max == b.reward_max);
    FEN_OK(FenMDPModelFingerprint(model, &f));
    FEN_OK(FenMDPModelFingerprint(stored, &g));
    assert_memory_equal(&f, &g, sizeof(f));
    FEN_OK(FenMDPModelDestroy(&model));
    FEN_OK(FenMDPModelDestroy(&stored));
  }
}

static FenMDP Sweeper(FenMDPModel model, FenMDPPartition partition)
{
  FenMDP mdp = MDPSolver(model, FENMDPVI, .95, NULL, 0);

  FEN_OK(FenMDPSetPartition(mdp, partition));
  FEN_OK(FenSolverSetTolerances((FenSolver)mdp, 0, 1e-300, 30));
  FEN_OK(FenMDPSolve(mdp));
  return mdp;
}

static void CheckAnswers(FenMDP a, FenMDP b, FenMDPModel model, double tol)
{
  const double *V, *W;
  const int    *p, *q;
  FenLayout     layout;
  FenInt        n;
  int           same = 1;

  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  FEN_OK(FenMDPGetValue(a, &V));
  FEN_OK(FenMDPGetValue(b, &W));
  FEN_OK(FenMDPGetPolicy(a, &p));
  FEN_OK(FenMDPGetPolicy(b, &q));
  for (FenInt s = 0; s < n; s++)
    same = same && fabs(V[s] - W[s]) <= tol && p[s] == q[s];
  FEN_ASSERT_ALL(same);
}

static void TestSameSweeps(void **state)
{
  (void)state;
  for (int p = FEN_MDP_PARTITION_NONE; p <= FEN_MDP_PARTITION_GRAPH; p++) {
    FenMDPModel model = Grid("31", "83", "0.1", PETSC_TRUE), stored = Grid("31", "83", "0.1", PETSC_FALSE);
    FenMDP      a = Sweeper(model, (FenMDPPartition)p), b = Sweeper(stored, FEN_MDP_PARTITION_NONE);

    CheckAnswers(a, b, model, 1e-12);
    FEN_OK(FenMDPDestroy(&a));
    FEN_OK(FenMDPDestroy(&b));
    FEN_OK(FenMDPModelDestroy(&model));
    FEN_OK(FenMDPModelDestroy(&stored));
  }
}

static PetscErrorCode Stay(void *ctx, FenInt s, int k, FenMDPRow *row)
{
  (void)ctx, (void)k;
  row->next[0] = s;
  row->prob[0] = 1;
  row->n = 1;
  return 0;
}

static PetscErrorCode Broken(void *ctx, FenInt s, int k, FenMDPRowLanes *r)
{
  (void)k;
  r->n = 1;
  for (int l = 0; l < FEN_MDP_LANES; l++) {
    r->next[l] = s + l + (*(int *)ctx == 1 && s + l == 17 ? 1000 : 0);
    r->prob[l] = *(int *)ctx == 2 && s + l == 17 ? .5 : 1;
    r->reward[l] = *(int *)ctx == 3 && s + l == 17 ? NAN : 0;
  }
  return 0;
}

static void TestBrokenLanes(void **state)
{
  (void)state;
  for (int k = 0; k < 4; k++) {
    const FenMDPGenerator G = {.nstates = 96, .nactions = 1, .max_next = 1, .row = Stay, .lanes = Broken, .ctx = &k};
    FenMDPModel           model;
    FenMDPSizes           sizes;

    FEN_OK(FenMDPModelCreateGenerator(MPI_COMM_WORLD, &G, &model));
    if (k)
      FEN_ERROR(FenMDPModelGetSizes(model, &sizes), FEN_ERR_VALUE, "lanes break a rule");
    else
      FEN_OK(FenMDPModelGetSizes(model, &sizes));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* longer than what is given back at once, so that rows shrink several times */
static void TestTake(void **state)
{
  FenMDPModel       kept = Grid("700", "900", "0.1", PETSC_FALSE), given = Grid("700", "900", "0.1", PETSC_FALSE);
  const FenMDPRows *rows;
  FenFingerprint    f;

  (void)state;
  FEN_OK(FenMDPModelSetExpendable(given, PETSC_TRUE));
  {
    FenMDP a = Sweeper(kept, FEN_MDP_PARTITION_NONE), b = Sweeper(given, FEN_MDP_PARTITION_NONE);

    CheckAnswers(a, b, kept, 0);
    FEN_OK(FenMDPModelGetRows(kept, &rows));
    FEN_ERROR(FenMDPModelGetRows(given, &rows), FEN_ERR_USAGE, "a solver has taken the rows");
    FEN_ERROR(FenMDPModelFingerprint(given, &f), FEN_ERR_USAGE, "a solver has taken the rows");
    FEN_OK(FenMDPSetDiscount(b, .9)); /* needs them again */
    FEN_ERROR(FenMDPSolve(b), FEN_ERR_USAGE, "a solver has taken the rows");
    FEN_OK(FenMDPDestroy(&a));
    FEN_OK(FenMDPDestroy(&b));
  }
  FEN_OK(FenMDPModelDestroy(&kept));
  FEN_OK(FenMDPModelDestroy(&given));
}

/* rows that move anyway, a policy's rows from chunks alone, and nature, who needs the model's */
static void TestTakeOthers(void **state)
{
  const FenAmbiguity kl = {.name = "kl", .alpha = 1, .radius = .02};

  (void)state;
  for (int k = 0; k < 3; k++) {
    FenMDPModel       kept = Grid("40", "50", "0.1", PETSC_FALSE), given = Grid("40", "50", "0.1", PETSC_FALSE);
    FenMDP            a = MDPSolver(kept, FENMDPIPI, .95, k == 2 ? &kl : NULL, 1e-9);
    FenMDP            b = MDPSolver(given, FENMDPIPI, .95, k == 2 ? &kl : NULL, 1e-9);
    const FenMDPRows *rows;

    FEN_OK(FenMDPModelSetExpendable(given, PETSC_TRUE));
    FEN_OK(FenMDPSetPartition(a, k ? FEN_MDP_PARTITION_BLOCK : FEN_MDP_PARTITION_GRAPH));
    FEN_OK(FenMDPSetPartition(b, k ? FEN_MDP_PARTITION_BLOCK : FEN_MDP_PARTITION_GRAPH));
    (void)MDPRun(a);
    (void)MDPRun(b);
    CheckAnswers(a, b, kept, k ? 0 : 2e-9); /* PT-Scotch draws random numbers: another graph, another cut */
    if (k == 2)
      FEN_OK(FenMDPModelGetRows(given, &rows));
    else
      FEN_ERROR(FenMDPModelGetRows(given, &rows), FEN_ERR_USAGE, "a solver has taken the rows");
    FEN_OK(FenMDPDestroy(&a));
    FEN_OK(FenMDPDestroy(&b));
    FEN_OK(FenMDPModelDestroy(&kept));
    FEN_OK(FenMDPModelDestroy(&given));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestSameRows), cmocka_unit_test(TestSameSweeps),
                                          cmocka_unit_test(TestBrokenLanes), cmocka_unit_test(TestTake),
                                          cmocka_unit_test(TestTakeOthers)};

FEN_TEST_MAIN(tests)
