/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A decision costs one collective call over the ranks of all teams: it carries values, bounds, norms, hypergradient,
   counts, votes to stop, and errors.
*/
#include "bilevelsolve.h"
#include "countteams.h"

static int size, rank;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return 0;
}

typedef struct {
  double count;     /* collective calls until the last look */
  FenInt decisions; /* and decisions */
  FenInt looks, single, stop;
} Look;

static PetscErrorCode Monitor(FenSolver s, const FenProgress *p, void *ctx)
{
  FenBilevel   b = (FenBilevel)s;
  Look        *l = (Look *)ctx;
  const double calls = count_teams.count - l->count;

  (void)p;
  if (size > 1)
    FEN_ASSERT_NEAR(calls, (double)(b->decisions - l->decisions), 0);
  l->single += calls == 1;
  l->looks++;
  l->decisions = b->decisions;
  l->count = count_teams.count;
  return 0;
}

static PetscErrorCode Poll(FenSolver s, void *ctx, FenRequest *request)
{
  const Look *l = (const Look *)ctx;

  (void)s;
  if (l->stop == l->looks + 1)
    *request = FEN_REQUEST_STOP;
  return 0;
}

static const struct {
  const char *problem, *options;
  int         team;
} problems[] = {{"quadratic", "-quadratic_samples 6 -quadratic_condition 3", 1},
                {"quadratic", "-quadratic_samples 6 -quadratic_condition 3 -bilevel_pull 0.1 -bilevel_upper sum", 1},
                {"tv", "-tv_size 12 -tv_count 4", 1},
                {"tv", "-tv_size 12 -tv_count 4", 2},
                {"foe", "-foe_size 12 -foe_count 2 -foe_filters 3 -foe_width 3", 2}};
#define NPROBLEMS ((int)(sizeof(problems) / sizeof(problems[0])))

static FenBilevel Make(int k, const char type[], const char more[], FenInt max_it, Look *l)
{
  FenBilevelProblem p;
  FenBilevel        b;

  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(PetscOptionsInsertString(NULL, problems[k].options));
  FEN_OK(PetscOptionsInsertString(NULL, more));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, problems[k].problem, NULL, NULL, &p));
  FEN_OK(FenBilevelProblemSetTeamSize(p, problems[k].team));
  b = BilevelMake(p, type, 1e-12, max_it);
  FEN_OK(FenBilevelProblemDestroy(&p));
  if (l)
    FEN_OK(FenSolverMonitorSet((FenSolver)b, Monitor, l, NULL));
  FEN_OK(FenSolverSetSave((FenSolver)b, Poll, NULL, l));
  FEN_OK(FenSolverSetUp((FenSolver)b));
  count_teams = (CountTeams){problems[k].team, 0};
  return b;
}

/* all types: calls are decisions; those that never do two things in an iteration: calls are iterations */
static void TestCalls(void **state)
{
  (void)state;
  for (int k = 0; k < NPROBLEMS && size > 1; k++)
    for (int t = 0; t < NBILEVELTYPES && size > problems[k].team; t++) {
      const char *type = bilevel_types[t];
      const int   certified = !strcmp(type, FENBILEVELCERTIFIED), bb = !strcmp(type, FENBILEVELMAIDBB);
      Look        l = {0};
      FenBilevel  b = Make(k, type, bb ? "-bilevel_maid_test 1 -bilevel_eps 0.1 -bilevel_delta 0.1" : "", 30, &l);

      FEN_OK(FenBilevelSolve(b));
      assert_true(l.looks > 5 && l.decisions >= l.looks);
      assert_true(b->work.steps > 0 ||
                  (k > 0 && !strncmp(type, FENBILEVELMAID, 4))); /* the test of z is hard to pass */
      if (certified)
        assert_true(l.decisions <= 4 * l.looks);
      else
        assert_int_equal((int)l.single, (int)l.looks);
      FEN_OK(FenBilevelDestroy(&b));
    }
}

/* the soft maximum needs a second call for its first value, and where lower solutions and hypergradient go together */
static void TestSoft(void **state)
{
  (void)state;
  for (int t = 0; t < NBILEVELTYPES && size > 1; t++) {
    const char *type = bilevel_types[t];
    FenBilevel  b;

    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(PetscOptionsInsertString(NULL, "-bilevel_upper kl -bilevel_upper_temperature 50"));
    b = BilevelMake(Quadratic(6, 3, 5), type, 1e-12, 30);
    FEN_OK(FenSolverSetUp((FenSolver)b));
    count_teams = (CountTeams){1, 0};
    FEN_OK(FenBilevelSolve(b));
    assert_true(b->decisions > 10 && b->work.steps > 0);
    assert_true(count_teams.count <= (double)b->decisions + 3); /* and the largest residual of adjoints at the end */
    FEN_OK(FenBilevelDestroy(&b));
  }
}

/* a vote to stop travels along: the decision in which it is given is the last */
static void TestStop(void **state)
{
  (void)state;
  for (int t = 0; t < NBILEVELTYPES && size > 1; t++) {
    Look       l = {.stop = 5};
    FenBilevel b = Make(0, bilevel_types[t], "", 100, &l);

    FEN_OK(FenBilevelSolve(b));
    assert_int_equal(BilevelReason(b), FEN_STOPPED);
    assert_int_equal((int)l.looks, 5);
    FEN_OK(FenBilevelDestroy(&b));
  }
}

/* hyperparameters that are cut over a team give what whole ones give */
static void TestCut(void **state)
{
  (void)state;
  for (int t = 0; t < NBILEVELTYPES && size % 2 == 0; t++)
    for (int k = 3; k < NPROBLEMS; k++) {
      double value[2];
      FenInt steps[2];

      for (int cut = 0; cut < 2; cut++) {
        Look       l = {0};
        FenBilevel b = Make(k, bilevel_types[t], "-bilevel_pull 0.01", 8, NULL);

        if (cut) {
          FEN_OK(FenSolverReset((FenSolver)b));
          b->whole = 0;
        }
        FEN_OK(FenSolverSetSave((FenSolver)b, Poll, NULL, &l));
        FEN_OK(FenBilevelSolve(b));
        assert_true(b->all == !cut && (cut || b->nt == b->size.p));
        value[cut] = b->bounds.objective;
        steps[cut] = (FenInt)b->work.steps;
        FEN_OK(FenBilevelDestroy(&b));
      }
      FEN_ASSERT_NEAR(value[0], value[1], 1e-6 * fabs(value[0]));
      assert_int_equal((int)steps[0], (int)steps[1]);
    }
}

/* an error that one team has becomes the error of all */
static const FenBilevelOps *true_ops;
static int                  calls_left;

static PetscErrorCode Upper(FenBilevelProblem p, FenInt s, const double x[], double *value, double g[])
{
  PetscFunctionBegin;
  PetscCheck(s || calls_left-- > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE, "sample 0 is broken");
  PetscCall((*true_ops->upper)(p, s, x, value, g));
  PetscFunctionReturn(0);
}

static void TestErrors(void **state)
{
  (void)state;
  for (int t = 0; t < NBILEVELTYPES; t++)
    for (int left = 0; left < 12; left += 3) {
      Look          l = {0};
      FenBilevel    b = Make(0, bilevel_types[t], "", 100, &l);
      FenBilevelOps broken = *b->call;

      true_ops = b->call;
      calls_left = left;
      broken.upper = Upper;
      b->call = &broken;
      FEN_ERROR(FenBilevelSolve(b), FEN_ERR_VALUE, "sample 0 is broken");
      b->call = true_ops;
      FEN_OK(FenBilevelDestroy(&b));
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCalls), cmocka_unit_test(TestSoft),
                                     cmocka_unit_test(TestStop), cmocka_unit_test(TestCut),
                                     cmocka_unit_test(TestErrors)};
  int                     status;

  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name("bilevel_decisions", tests, Setup, NULL);
  return FenTestEnd(status);
}
