/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps of the nominal operator against plain long-double loops, for all instruction sets, stored and on demand. */
#include "mdpcases.h"

/* value of a state and its best action in the user's numbers */
static long double Best(const Case *c, FenInt s, const double V[], double sign, int *action)
{
  const int   rows = CaseRows(c, s);
  long double best = -INFINITY;

  *action = -1;
  for (int a = 0; a < rows; a++) {
    const CaseRow     row = CaseMakeRow(c, s, a);
    const long double q = CaseRowValue(c, &row, V, sign);

    if (q > best) {
      best = q;
      *action = row.action;
    }
  }
  return rows ? best : (long double)(sign * CaseTerminal(c, s));
}

static void CheckSweep(const Case *c, FenBellman b, double sign)
{
  Work          w = MakeWork(c, b, sign);
  FenSweepStats stats;
  long double   lo = INFINITY, hi = -INFINITY, vmin = INFINITY, vmax = -INFINITY, worst = 0;
  FenInt        states = 0;
  int           right = 1;

  FEN_OK(FenBellmanSweep(b, NULL, w.V, w.TV, w.policy, &stats));
  FEN_OK(FenBellmanToModel(b, w.TV, w.outside));
  FEN_OK(FenBellmanPolicyToModel(b, w.policy, w.action));
  for (FenInt s = 0; s < c->n; s++) {
    int               action;
    const long double q = Best(c, s, w.all_V, sign, &action), d = q - (long double)w.all_V[s];
    const FenInt      k = s - w.start;

    if (CaseRows(c, s) || c->terminal) {
      lo = fminl(lo, d);
      hi = fmaxl(hi, d);
    }
    vmin = fminl(vmin, q);
    vmax = fmaxl(vmax, q);
    states += CaseRows(c, s) > 0;
    if (k >= 0 && k < w.model_n) {
      worst = fmaxl(worst, fabsl((long double)(sign * w.outside[k]) - q));
      right = right && w.action[k] == action;
    }
  }
  if (c->terminal || c->substochastic) {
    lo = fminl(lo, 0);
    hi = fmaxl(hi, 0);
  }
  FEN_ASSERT_ALL(right);
  FEN_ASSERT_ALL((double)worst <= stats.slack);
  FEN_ASSERT_ALL(stats.slack < 1e-12);
  FEN_ASSERT_NEAR(stats.lo, (double)lo, 1e-14 + stats.slack);
  FEN_ASSERT_NEAR(stats.hi, (double)hi, 1e-14 + stats.slack);
  FEN_ASSERT_NEAR(stats.vmin, (double)vmin, stats.slack);
  FEN_ASSERT_NEAR(stats.vmax, (double)vmax, stats.slack);
  assert_int_equal(stats.changes, states);
  FEN_OK(FenBellmanSweep(b, NULL, w.V, w.TV, w.policy, &stats));
  assert_int_equal(stats.changes, 0);
  FreeWork(&w);
}

static void TestSweep(void **state)
{
  (void)state;
  for (int p = FEN_MDP_PARTITION_NONE; p <= FEN_MDP_PARTITION_GRAPH; p++) {
    case_partition = (FenMDPPartition)p;
    EachCase(CheckSweep);
  }
  case_partition = FEN_MDP_PARTITION_NONE;
}

/* an incumbent that is as good as any stays, a worse one goes */
static void TestIncumbent(void **state)
{
  FenInt            state_ptr[] = {0, 3}, row_ptr[] = {0, 1, 2, 3}, next[] = {0, 0, 0};
  int               action[] = {0, 1, 2}, policy[1];
  double            prob[] = {1, 1, 1}, reward[] = {1, 1 + 1e-13, 1}, V[1] = {0}, TV[1];
  const int         expected[3] = {0, 1, 2};
  FenMDPRows        R = {.nstates = 1,
                         .state_ptr = state_ptr,
                         .action = action,
                         .row_ptr = row_ptr,
                         .next = next,
                         .prob = prob,
                         .reward = reward};
  FenBellmanOptions options = {.discount = 0.5, .ambiguity = {.name = "none"}};
  PetscMPIInt       rank;
  FenMDPModel       model;
  FenBellman        b;
  FenSweepStats     stats;

  (void)state;
  FEN_OK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  FEN_OK(FenMDPModelCreateRows(PETSC_COMM_SELF, &R, PETSC_FALSE, &model));
  FEN_OK(FenBellmanCreate(model, &options, &b));
  for (int k = 0; k < 3; k++) {
    policy[0] = k;
    FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats));
    assert_int_equal(policy[0], expected[k]);
    assert_true(TV[0] == 1 + 1e-13);
    assert_true(k == 1 || stats.slack >= 0.99e-13);
    assert_int_equal(stats.changes, 0);
  }
  policy[0] = -1;
  FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats));
  assert_int_equal(policy[0], 1);
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
}

static void CheckValues(const Case *c, FenBellman b, double sign)
{
  Work    w = MakeWork(c, b, sign);
  FenInt  row = 0;
  double *q = calloc((size_t)(w.n * c->actions + 1), sizeof(double));
  int     right = 1;

  FEN_OK(FenBellmanRowValues(b, w.V, q));
  for (FenInt s = w.start; s < w.start + w.n; s++)
    for (int a = 0; a < CaseRows(c, s); a++) {
      const CaseRow     r = CaseMakeRow(c, s, a);
      const long double d = CaseRowValue(c, &r, w.all_V, sign) - (long double)q[row++];

      right = right && fabsl(d) < 1e-14L;
    }
  FEN_ASSERT_ALL(right);
  free(q);
  FreeWork(&w);
}

static void TestValues(void **state)
{
  (void)state;
  EachCase(CheckValues);
}

/* NaN and infinity anywhere reach the statistics of all ranks */
static void TestNaN(void **state)
{
  Case              c = cases[3];
  FenBellmanOptions options = CaseOptions(&c);
  FenMDPModel       model = CaseModel(&c);
  FenBellman        b;
  Work              w;
  FenSweepStats     stats;

  (void)state;
  FEN_OK(FenBellmanCreate(model, &options, &b));
  w = MakeWork(&c, b, 1);
  for (int k = 0; k < 2; k++) {
    if (w.start == 0)
      for (FenInt s = 0; s < w.n; s++)
        w.V[s] = s == 8 && CaseRows(&c, s) ? (k ? NAN : INFINITY) : 0;
    FEN_OK(FenBellmanSweep(b, NULL, w.V, w.TV, w.policy, &stats));
    assert_true(isnan(stats.lo) && isnan(stats.hi));
  }
  FreeWork(&w);
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSweep), cmocka_unit_test(TestIncumbent),
                                     cmocka_unit_test(TestValues), cmocka_unit_test(TestNaN)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
