/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Total rewards with known values, by every type: countdown, distances, slips, ends that only stay, actions of the same
   value and different lengths, cycles that cost, robust and penalised deaths. Models without a total are refused by a
   sentence that names the state. Average rewards: closed forms, periodic chains, chains apart. 1 to 4 ranks.
*/
#include "mdpsolve.h"

#define GAP 1e-8

static FenMDP Solver(FenMDPModel model, FenMDPCriterion criterion, const char *type, const FenAmbiguity *a)
{
  FEN_OK(FenMDPModelSetCriterion(model, criterion, 0));
  return MDPSolver(model, type, 1, a, GAP);
}

/* all types: values within their error of what is known, the mean within its bounds, margins at most the error */
static void Check(FenInt n, MDPStateFn state, const void *ctx, FenMDPSense sense, const FenAmbiguity *a,
                  const double known[], double exact)
{
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDPModel   model = MDPMake(MPI_COMM_WORLD, n, state, ctx, sense);
    FenMDP        mdp = Solver(model, FEN_MDP_TOTAL, mdp_types[t], a);
    FenMDPBounds  B = MDPRun(mdp);
    const double *margin;
    FenLayout     layout;
    FenInt        mine;
    double       *V = (double *)malloc((size_t)n * sizeof(double)), mean = 0;

    assert_true(B.policy_gap <= GAP);
    MDPGather(mdp, n, V);
    for (FenInt s = 0; s < n; s++) {
      FEN_ASSERT_NEAR(V[s], known[s], B.value_error + exact);
      mean += known[s] / (double)n;
    }
    assert_true(B.lower - exact <= mean && mean <= B.upper + exact);
    FEN_OK(FenMDPModelGetLayout(model, &layout));
    FEN_OK(FenLayoutGetLocalSize(layout, &mine));
    FEN_OK(FenMDPGetMargin(mdp, &margin));
    for (FenInt k = 0; k < mine; k++)
      assert_true(margin[k] >= 0 && margin[k] <= B.value_error);
    free(V);
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* one step down costs 1; state 0 has no rows, or only stays */
enum { COUNT = 60 };
static int Countdown(const void *ctx, FenInt s, MDPRow r[8])
{
  const int stays = *(const int *)ctx;

  r[0] = (MDPRow){1, {s ? s - 1 : 0}, {1}, s ? -1 : 0};
  return s || stays ? 1 : 0;
}

static void TestCountdown(void **state)
{
  double known[COUNT];

  (void)state;
  for (int s = 0; s < COUNT; s++)
    known[s] = -s;
  for (int stays = 0; stays < 2; stays++)
    Check(COUNT, Countdown, &stays, FEN_MDP_MAX, NULL, known, 1e-13);
}

/* the last state is the end. A step to the right succeeds with p or stays, at 1; or a fair walk at .1, or rest at .01
 */
enum { LINE = 30 };
static int Line(const void *ctx, FenInt s, MDPRow r[8])
{
  const double p = *(const double *)ctx;

  if (s == LINE - 1)
    return 0;
  r[0] = (MDPRow){2, {s, s + 1}, {1 - p, p}, 1};
  r[1] = (MDPRow){1, {s}, {1}, .01};
  return 2;
}

/* resting is an improper policy that costs: it is never the best; (n - 1 - s)/p */
static void TestCycles(void **state)
{
  const double p[] = {1, .5, .1};
  double       known[LINE];

  (void)state;
  for (int k = 0; k < 3; k++) {
    for (int s = 0; s < LINE; s++)
      known[s] = (LINE - 1 - s) / p[k];
    Check(LINE, Line, &p[k], FEN_MDP_MIN, NULL, known, 1e-9);
  }
}

/* to the right at cost 2, or half way at cost 1 and the rest at cost 1: the same value, other numbers of steps. Even
   states 0, 2, ... are the places, odd ones lie between; k places are left from 2 (n - k) */
static int Ties(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  if (s == 2 * LINE)
    return 0;
  if (s % 2) {
    r[0] = (MDPRow){1, {s + 1}, {1}, 1};
    return 1;
  }
  r[0] = (MDPRow){1, {s + 2}, {1}, 2};
  r[1] = (MDPRow){1, {s + 1}, {1}, 1};
  return 2;
}

static void TestTies(void **state)
{
  double known[2 * LINE + 1];

  (void)state;
  for (int s = 0; s <= 2 * LINE; s++)
    known[s] = 2 * LINE - s;
  Check(2 * LINE + 1, Ties, NULL, FEN_MDP_MIN, NULL, known, 1e-12);
}

/* gambler's ruin with rewards of either sign: 0 and the last state end; win with p, and a reward for every play */
static int Ruin(const void *ctx, FenInt s, MDPRow r[8])
{
  const double reward = *(const double *)ctx;

  if (s == 0 || s == LINE - 1)
    return 0;
  r[0] = (MDPRow){2, {s - 1, s + 1}, {.5, .5}, reward};
  return 1;
}

static void TestRuin(void **state)
{
  double known[LINE];

  (void)state;
  for (int sign = -1; sign <= 1; sign += 2) {
    const double reward = sign;

    for (int s = 0; s < LINE; s++)
      known[s] = sign * s * (LINE - 1 - s);
    Check(LINE, Ruin, &reward, FEN_MDP_MAX, NULL, known, 1e-10);
    Check(LINE, Ruin, &reward, FEN_MDP_MIN, NULL, known, 1e-10);
  }
}

/* who lives gets 1 and dies with .2, or 1.2 and .3; successors among the living differ, but all are alike */
enum { ALIVE = 13 };
static int Deaths(const void *ctx, FenInt s, MDPRow r[8])
{
  const int actions = *(const int *)ctx;

  if (s == ALIVE) { /* an end that only stays */
    r[0] = (MDPRow){1, {ALIVE}, {1}, 0};
    return 1;
  }
  for (int a = 0; a < actions; a++) {
    const double dies = a ? .3 : .2;

    r[a] = (MDPRow){4,
                    {(5 * s + 1) % ALIVE, (5 * s + 3 + a) % ALIVE, (5 * s + 7) % ALIVE, ALIVE},
                    {.2 * (1 - dies), .5 * (1 - dies), .3 * (1 - dies), dies},
                    a ? 1.2 : 1};
  }
  return actions;
}

/* nature makes q of the death probability: V = 1/q. At a price lambda that is below V, with tv: V = r + (1-p) lambda */
static void TestNature(void **state)
{
  static const struct {
    FenAmbiguity a;
    int          actions;
    double       value;
  } known[] = {{{.name = "none", .alpha = 1}, 1, 5},
               {{.name = "tv", .alpha = 1, .radius = .1}, 1, 1 / .3},
               {{.name = "l1", .alpha = 1, .radius = .1}, 1, 1 / .25},
               {{.name = "pearson", .alpha = 1, .radius = .1}, 1, 1 / .326491106407},
               {{.name = "neyman", .alpha = 1, .radius = .1}, 1, 1 / .350922459170},
               {{.name = "kl", .alpha = 1, .radius = .1}, 1, 1 / .395210706333},
               {{.name = "burg", .alpha = 1, .radius = .1}, 1, 1 / .409973050899},
               {{.name = "hellinger", .alpha = 1, .radius = .1}, 1, 1 / .495809923939},
               {{.name = "none", .alpha = 1}, 2, 5},
               {{.name = "l1", .alpha = 1, .radius = .8}, 2, 1.2 / .7},
               {{.name = "tv", .alpha = 1, .penalty = .5}, 2, 1.2 + .7 * .5}};

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    double V[ALIVE + 1] = {0};

    for (int s = 0; s < ALIVE; s++)
      V[s] = known[k].value;
    Check(ALIVE + 1, Deaths, &known[k].actions, FEN_MDP_MAX, &known[k].a, V, 1e-9);
  }
}

/* at a cost nature would rather have nobody die, and with a large ball it can */
static int Suffering(const void *ctx, FenInt s, MDPRow r[8])
{
  const int n = Deaths(ctx, s, r);

  for (int a = 0; a < n && s < ALIVE; a++)
    r[a].reward *= -1;
  return n;
}

static void TestNatureKeeps(void **state)
{
  const FenAmbiguity little = {.name = "tv", .alpha = 1, .radius = .1}, much = {.name = "tv", .alpha = 1, .radius = .4};
  const int          actions = 1;
  double             V[ALIVE + 1] = {0};

  (void)state;
  for (int s = 0; s < ALIVE; s++)
    V[s] = -1 / .1;
  Check(ALIVE + 1, Suffering, &actions, FEN_MDP_MAX, &little, V, 1e-9);
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDPModel model = MDPMake(MPI_COMM_WORLD, ALIVE + 1, Suffering, &actions, FEN_MDP_MAX);
    FenMDP      mdp = Solver(model, FEN_MDP_TOTAL, mdp_types[t], &much);

    FEN_ERROR(FenMDPSolve(mdp), FEN_ERR_VALUE, "state 0 can be kept from ending by nature");
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* ---- models without a total ---- */
static int BadState(const void *ctx, FenInt s, MDPRow r[8])
{
  const int kind = *(const int *)ctx;

  if (s == 0)
    return 0;
  r[0] = (MDPRow){1, {s - 1}, {1}, -1};
  switch (kind) {
  case 0: /* 5 and 6 reach each other only */
    if (s == 5 || s == 6)
      r[0] = (MDPRow){1, {11 - s}, {1}, -1};
    return 1;
  case 1: /* 7 may rest for nothing */
    r[1] = (MDPRow){1, {s}, {1}, 0};
    return s == 7 ? 2 : 1;
  case 2: /* 3 and 4 may play for ever and win */
    r[1] = (MDPRow){2, {3, 4}, {.5, .5}, .5};
    return s == 3 || s == 4 ? 2 : 1;
  default: /* a cycle of cost and reward, on the whole a gain: nothing bounds it */
    r[1] = (MDPRow){1, {s == 3 ? 4 : 3}, {1}, s == 3 ? 2 : -1};
    return s == 3 || s == 4 ? 2 : 1;
  }
}

static void TestRefused(void **state)
{
  static const struct {
    int         kind;
    const char *why;
  } bad[] = {{0, "state 5 has no way to a terminal state"},
             {1, "state 7 can go on for ever in rows without cost"},
             {2, "state 3 can go on for ever in rows without cost"}};

  (void)state;
  for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
    for (int t = 0; t < NMDPTYPES; t++) {
      FenMDPModel model = MDPMake(MPI_COMM_WORLD, 9, BadState, &bad[k].kind, FEN_MDP_MAX);
      FenMDP      mdp = Solver(model, FEN_MDP_TOTAL, mdp_types[t], NULL);

      FEN_ERROR(FenMDPSolve(mdp), FEN_ERR_VALUE, bad[k].why);
      FEN_OK(FenMDPDestroy(&mdp));
      FEN_OK(FenMDPModelDestroy(&model));
    }
}

/* no bound is claimed where there is none */
static void TestUnbounded(void **state)
{
  const int kind = 3;

  (void)state;
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDPModel  model = MDPMake(MPI_COMM_WORLD, 9, BadState, &kind, FEN_MDP_MAX);
    FenMDP       mdp = Solver(model, FEN_MDP_TOTAL, mdp_types[t], NULL);
    FenMDPBounds B;
    FenReason    reason;

    FEN_OK(FenSolverSetTolerances((FenSolver)mdp, 0, GAP, 300));
    FEN_OK(FenMDPSolve(mdp));
    FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
    FEN_OK(FenMDPGetBounds(mdp, &B));
    assert_int_equal(reason, FEN_DIVERGED_MAX_IT);
    assert_true(isinf(B.policy_gap) && isinf(B.upper) && isinf(B.lower));
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* ---- average rewards ---- */
static void Gain(FenInt n, MDPStateFn state, const void *ctx, FenMDPSense sense, double gain)
{
  static const char *const types[] = {FENMDPVI, FENMDPAUTO};

  for (int t = 0; t < 2; t++) {
    FenMDPModel  model = MDPMake(MPI_COMM_WORLD, n, state, ctx, sense);
    FenMDP       mdp = Solver(model, FEN_MDP_AVERAGE, types[t], NULL);
    FenMDPBounds B = MDPRun(mdp);

    assert_true(B.lower - 1e-13 <= gain && gain <= B.upper + 1e-13 && B.policy_gap <= GAP);
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* a queue of one server: up with l, down with m, cost of a state its number */
typedef struct {
  double l, m;
} Rates;

static int BirthDeath(const void *ctx, FenInt s, MDPRow r[8])
{
  const Rates *R = (const Rates *)ctx;

  r[0] = (MDPRow){3, {s ? s - 1 : s, s, s + 1 < LINE ? s + 1 : s}, {R->m, 1 - R->l - R->m, R->l}, (double)s};
  return 1;
}

static void TestBirthDeath(void **state)
{
  static const Rates rates[] = {{.2, .4}, {.3, .3}, {.45, .5}, {.5, .5}};

  (void)state;
  for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
    double sum = 0, gain = 0;

    for (int s = 0; s < LINE; s++) {
      sum += pow(rates[k].l / rates[k].m, s);
      gain += s * pow(rates[k].l / rates[k].m, s);
    }
    Gain(LINE, BirthDeath, &rates[k], FEN_MDP_MIN, gain / sum);
  }
}

/* round and round: periodic, with one reward a round; or to the goal and there for ever */
static int Round(const void *ctx, FenInt s, MDPRow r[8])
{
  const int free = *(const int *)ctx;

  r[0] = (MDPRow){1, {(s + 1) % 12}, {1}, s == 7};
  r[1] = (MDPRow){1, {s}, {1}, s == 7};
  return free ? 2 : 1;
}

static void TestPeriodic(void **state)
{
  int          free = 0;
  FenMDPModel  model;
  FenMDP       mdp;
  FenMDPBounds B;
  FenReason    reason;
  const char  *detail;
  double       h[12];

  (void)state;
  Gain(12, Round, &free, FEN_MDP_MAX, 1. / 12);
  Gain(12, Round, &free, FEN_MDP_MIN, 1. / 12);
  free = 1;
  Gain(12, Round, &free, FEN_MDP_MAX, 1);
  /* relative values: a step from the goal costs one */
  model = MDPMake(MPI_COMM_WORLD, 12, Round, &free, FEN_MDP_MAX);
  mdp = Solver(model, FEN_MDP_AVERAGE, FENMDPVI, NULL);
  (void)MDPRun(mdp);
  MDPGather(mdp, 12, h);
  for (int s = 0; s < 12; s++)
    FEN_ASSERT_NEAR(h[s] - h[7], -((7 - s + 12) % 12), 1e-6);
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
  /* without damping it does not end, and the solver knows why */
  free = 0;
  model = MDPMake(MPI_COMM_WORLD, 12, Round, &free, FEN_MDP_MAX);
  mdp = Solver(model, FEN_MDP_AVERAGE, FENMDPVI, NULL);
  FEN_OK(PetscOptionsSetValue(NULL, "-mdp_average_tau", "1"));
  FEN_OK(FenMDPSetFromOptions(mdp));
  FEN_OK(PetscOptionsClearValue(NULL, "-mdp_average_tau"));
  FEN_OK(FenMDPSolve(mdp));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
  FEN_OK(FenSolverGetReasonDetail((FenSolver)mdp, &detail));
  FEN_OK(FenMDPGetBounds(mdp, &B));
  assert_int_equal(reason, FEN_DIVERGED_MODEL);
  assert_non_null(strstr(detail, "periodic"));
  assert_true(B.lower <= 1. / 12 && 1. / 12 <= B.upper);
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
}

/* two halves that do not reach each other, with gains 1 and 3 */
static int Apart(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  r[0] = (MDPRow){2, {s < 5 ? 0 : 9, s}, {.5, .5}, s < 5 ? 1 : 3};
  return 1;
}

static void TestApart(void **state)
{
  FenMDPModel  model = MDPMake(MPI_COMM_WORLD, 10, Apart, NULL, FEN_MDP_MAX);
  FenMDP       mdp = Solver(model, FEN_MDP_AVERAGE, FENMDPAUTO, NULL);
  FenMDPBounds B;
  FenReason    reason;
  const char  *detail;

  (void)state;
  FEN_OK(FenMDPSolve(mdp));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
  FEN_OK(FenSolverGetReasonDetail((FenSolver)mdp, &detail));
  FEN_OK(FenMDPGetBounds(mdp, &B));
  assert_int_equal(reason, FEN_DIVERGED_MODEL);
  assert_non_null(strstr(detail, "gains differ"));
  assert_true(B.lower <= 1 && B.upper >= 3);
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
}

/* criteria without a discount say so */
static void TestDiscount(void **state)
{
  static const FenMDPCriterion criteria[] = {FEN_MDP_TOTAL, FEN_MDP_AVERAGE};
  const int                    stays = 1;

  (void)state;
  for (int k = 0; k < 2; k++) {
    FenMDPModel model = MDPMake(MPI_COMM_WORLD, COUNT, Countdown, &stays, FEN_MDP_MAX);
    FenMDP      mdp = Solver(model, criteria[k], FENMDPVI, NULL);

    FEN_OK(FenMDPSetDiscount(mdp, .9));
    FEN_ERROR(FenMDPSolve(mdp), FEN_ERR_OPTION, FenMDPCriteria[criteria[k]]);
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestCountdown), cmocka_unit_test(TestCycles),    cmocka_unit_test(TestTies),
    cmocka_unit_test(TestRuin),      cmocka_unit_test(TestNature),    cmocka_unit_test(TestNatureKeeps),
    cmocka_unit_test(TestRefused),   cmocka_unit_test(TestUnbounded), cmocka_unit_test(TestBirthDeath),
    cmocka_unit_test(TestPeriodic),  cmocka_unit_test(TestApart),     cmocka_unit_test(TestDiscount)};

FEN_TEST_MAIN(tests)
