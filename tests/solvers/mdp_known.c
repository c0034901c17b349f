/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Markov decision processes with known values: Puterman's two states, forest management, a ring, machine replacement,
   river swim, a mortality graph whose robust values are closed forms at any size; random models on which all types must
   agree, and whose values a plain loop in long double encloses. Every type, 1 to 4 ranks.
*/
#include "mdpsolve.h"

/* all types: the value is within its certified error of what is known, the mean within its bounds */
static void Check(FenInt n, MDPStateFn state, const void *ctx, FenMDPSense sense, double discount,
                  const FenAmbiguity *a, const double known[], double exact)
{
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDPModel  model = MDPMake(MPI_COMM_WORLD, n, state, ctx, sense);
    FenMDP       mdp = MDPSolver(model, mdp_types[t], discount, a, 1e-9);
    FenMDPBounds B = MDPRun(mdp);
    double      *V = (double *)malloc((size_t)n * sizeof(double)), mean = 0;

    assert_true(B.policy_gap <= 1e-9);
    MDPGather(mdp, n, V);
    for (FenInt s = 0; s < n; s++) {
      FEN_ASSERT_NEAR(V[s], known[s], B.value_error + exact);
      mean += known[s] / (double)n;
    }
    assert_true(B.lower - exact <= mean && mean <= B.upper + exact);
    free(V);
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static int Puterman(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  if (s == 0) {
    r[0] = (MDPRow){2, {0, 1}, {.5, .5}, 5};
    r[1] = (MDPRow){1, {1}, {1}, 10};
    return 2;
  }
  r[0] = (MDPRow){1, {1}, {1}, -1};
  return 1;
}

static void TestPuterman(void **state)
{
  const double known[] = {-60.0 / 7, -20};

  (void)state;
  Check(2, Puterman, NULL, FEN_MDP_MAX, .95, NULL, known, 1e-12);
}

typedef struct {
  FenInt n;
  double r1, r2, p;
} Forest;

static int ForestState(const void *ctx, FenInt s, MDPRow r[8])
{
  const Forest *F = (const Forest *)ctx;
  const FenInt  older = s + 1 < F->n ? s + 1 : s;

  r[0] = (MDPRow){2, {0, older}, {F->p, 1 - F->p}, s + 1 == F->n ? F->r1 : 0};
  r[1] = (MDPRow){1, {0}, {1}, s + 1 == F->n ? F->r2 : s > 0};
  return 2;
}

/* pymdptoolbox's example: waiting is optimal */
static void TestForest(void **state)
{
  const Forest small = {3, 4, 2, .1}, ten = {10, 4, 2, .1};
  const double at9[] = {26.244, 29.484, 33.484}, at96[] = {74.6496, 78.1056, 82.1056};
  const double at99[] = {317.5524, 321.1164, 325.1164};
  const double long96[] = {26.83018593, 28.07232417, 29.50998417, 31.17394250, 33.09982019,
                           35.32884530, 37.90873548, 40.89471948, 44.35071948, 48.35071948};

  (void)state;
  Check(3, ForestState, &small, FEN_MDP_MAX, .9, NULL, at9, 1e-12);
  Check(3, ForestState, &small, FEN_MDP_MAX, .96, NULL, at96, 1e-11);
  Check(3, ForestState, &small, FEN_MDP_MAX, .99, NULL, at99, 1e-10);
  Check(10, ForestState, &ten, FEN_MDP_MAX, .96, NULL, long96, 1e-8);
}

enum { RING = 50, GOAL = 42 };
static int Ring(const void *ctx, FenInt s, MDPRow r[8])
{
  const double reward = *(const double *)ctx * (s == GOAL);

  r[0] = (MDPRow){1, {s}, {1}, reward};
  r[1] = (MDPRow){1, {(s + 1) % RING}, {1}, reward};
  r[2] = (MDPRow){1, {(s + RING - 1) % RING}, {1}, reward};
  return 3;
}

/* gamma^distance/(1-gamma); as a cost of -1 the same with the other sign */
static void TestRing(void **state)
{
  double known[RING];

  (void)state;
  for (int sign = -1; sign <= 1; sign += 2) {
    const double reward = sign;

    for (int s = 0; s < RING; s++) {
      const int d = abs(s - GOAL);

      known[s] = sign * pow(.9, d < RING - d ? d : RING - d) / .1;
    }
    Check(RING, Ring, &reward, sign > 0 ? FEN_MDP_MAX : FEN_MDP_MIN, .9, NULL, known, 1e-13);
  }
}

/* A goes on with reward 1 and dies with .02, B with reward 1.5 and .06; the living are all alike */
enum { ALIVE = 13 };
static int Mortality(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  if (s == ALIVE) {
    r[0] = (MDPRow){1, {ALIVE}, {1}, 0};
    return 1;
  }
  for (int a = 0; a < 2; a++) {
    const double dies = a ? .06 : .02;

    r[a] = (MDPRow){4,
                    {(5 * s + 1) % ALIVE, (5 * s + 3 + a) % ALIVE, (5 * s + 7) % ALIVE, ALIVE},
                    {.2 * (1 - dies), .5 * (1 - dies), .3 * (1 - dies), dies},
                    a ? 1.5 : 1};
  }
  return 2;
}

static void TestMortality(void **state)
{
  static const struct {
    const char *name;
    double      radius, value;
  } known[] = {{"none", 0, 14.49275362},       {"tv", .05, 9.70873786},      {"l1", .1, 9.70873786},
               {"pearson", .05, 10.12763821},  {"kl", .05, 8.05400389},      {"burg", .05, 7.28352876},
               {"hellinger", .05, 6.09668666}, {"neyman", .05, 8.3329181757}};

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    FenAmbiguity a = {.alpha = 1, .radius = known[k].radius};
    double       V[ALIVE + 1];

    FEN_OK(PetscStrncpy(a.name, known[k].name, sizeof(a.name)));
    for (int s = 0; s < ALIVE; s++)
      V[s] = known[k].value;
    V[ALIVE] = 0;
    Check(ALIVE + 1, Mortality, NULL, FEN_MDP_MAX, .95, &a, V, 1e-8);
  }
}

/* the built-in problems with published or exactly computed values: machine replacement, river swim */
static void TestProblems(void **state)
{
  static const struct {
    const char *name;
    double      discount, value[10];
    int         n;
  } known[] = {
      {"machine",
       .9,
       {-5.338297, -6.079727, -6.924133, -7.885818, -8.981071, -10.601071, -16.601071, -16.601071, -12.491482,
        -5.175090},
       10},
      {"machine",
       .8,
       {-1.76658, -2.318636, -3.043209, -3.994212, -5.242404, -6.880655, -12.880655, -12.880655, -8.933287, -1.822156},
       10},
      {"riverswim", .95, {6137.931464, 7214.761546, 8839.452546, 10931.797361, 13547.104819, 16795.559027}, 6},
      {"riverswim", .99, {56687.648917, 58596.323965, 61205.489182, 64136.001802, 67272.300683, 70582.794272}, 6}};

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
    for (int t = 0; t < NMDPTYPES; t++)
      for (int matrix_free = 0; matrix_free < 2; matrix_free++) {
        FenMDPModel  model;
        FenMDP       mdp;
        FenMDPBounds B;
        FenMDPSizes  sizes;
        double       V[10];

        FEN_OK(FenMDPModelGenerate(MPI_COMM_WORLD, known[k].name, NULL, (PetscBool)matrix_free, &model));
        FEN_OK(FenMDPModelGetSizes(model, &sizes));
        assert_int_equal(sizes.states, known[k].n);
        mdp = MDPSolver(model, mdp_types[t], known[k].discount, NULL, 1e-7);
        B = MDPRun(mdp);
        MDPGather(mdp, known[k].n, V);
        for (int s = 0; s < known[k].n; s++)
          FEN_ASSERT_NEAR(V[s], known[k].value[s], B.value_error + 6e-7);
        FEN_OK(FenMDPDestroy(&mdp));
        FEN_OK(FenMDPModelDestroy(&model));
      }
}

/* random models: 3 to 5 successors, 1 to 4 actions, some states terminal */
enum { STATES = 40 };
static int Random(const void *ctx, FenInt s, MDPRow r[8])
{
  const uint64_t seed = *(const uint64_t *)ctx;
  const int      actions =
      FenRandomUniform(seed, (uint64_t)s, 1) < .1 ? 0 : 1 + (int)(4 * FenRandomUniform(seed, (uint64_t)s, 2));

  for (int a = 0; a < actions; a++) {
    const uint64_t at = (uint64_t)(s * 8 + a);
    double         sum = 0;

    r[a].n = 3 + (int)(3 * FenRandomUniform(seed, at, 3));
    r[a].reward = 10 * FenRandomUniform(seed, at, 4) - 5;
    for (int j = 0; j < r[a].n; j++) {
      r[a].next[j] = (FenInt)(STATES * FenRandomUniform(seed, at, (uint32_t)(10 + j)));
      r[a].prob[j] = .05 + FenRandomUniform(seed, at, (uint32_t)(20 + j));
      sum += r[a].prob[j];
    }
    for (int j = 0; j < r[a].n; j++)
      r[a].prob[j] /= sum;
  }
  return actions;
}

static void Reference(uint64_t seed, double discount, int min, double known[])
{
  long double V[STATES] = {0}, W[STATES], change = 1;
  MDPRow      r[8];

  while (change > 1e-16L) {
    change = 0;
    for (FenInt s = 0; s < STATES; s++) {
      const int   actions = Random(&seed, s, r);
      long double best = actions ? (min ? 1e300L : -1e300L) : 0;

      for (int a = 0; a < actions; a++) {
        long double q = r[a].reward;

        for (int j = 0; j < r[a].n; j++)
          q += discount * r[a].prob[j] * V[r[a].next[j]];
        best = min ? fminl(best, q) : fmaxl(best, q);
      }
      W[s] = best;
      change = fmaxl(change, fabsl(W[s] - V[s]));
    }
    memcpy(V, W, sizeof(V));
  }
  for (int s = 0; s < STATES; s++)
    known[s] = (double)V[s];
}

static void TestRandom(void **state)
{
  (void)state;
  for (uint64_t seed = 0; seed < 50; seed++) {
    const double discount = seed % 2 ? .9 : .5;
    double       known[STATES];

    Reference(seed, discount, seed % 3 == 0, known);
    Check(STATES, Random, &seed, seed % 3 == 0 ? FEN_MDP_MIN : FEN_MDP_MAX, discount, NULL, known, 1e-12);
  }
}

/* robust and penalised: every type's interval holds the value of a run to a hundredth of its tolerance */
static void TestTypesAgree(void **state)
{
  static const char *const names[] = {"tv",     "l1",        "kl",    "burg", "pearson",
                                      "neyman", "hellinger", "alpha", "js",   "jeffreys"};

  (void)state;
  for (uint64_t k = 0; k < 20; k++) {
    FenAmbiguity a = {.alpha = 1.5, .radius = k % 2 ? 0 : .1, .penalty = k % 2 ? .7 : 0};
    FenMDPModel  model = MDPMake(MPI_COMM_WORLD, STATES, Random, &k, k % 3 ? FEN_MDP_MAX : FEN_MDP_MIN);
    double       tight[STATES], V[STATES];

    FEN_OK(PetscStrncpy(a.name, names[k / 2], sizeof(a.name)));
    for (int t = -1; t < NMDPTYPES; t++) {
      FenMDP       mdp = MDPSolver(model, t < 0 ? FENMDPVI : mdp_types[t], .85, &a, t < 0 ? 1e-10 : 1e-7);
      FenMDPBounds B = MDPRun(mdp);

      MDPGather(mdp, STATES, t < 0 ? tight : V);
      for (int s = 0; t >= 0 && s < STATES; s++)
        FEN_ASSERT_NEAR(V[s], tight[s], B.value_error + 1e-10);
      FEN_OK(FenMDPDestroy(&mdp));
    }
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPuterman),  cmocka_unit_test(TestForest),
                                          cmocka_unit_test(TestRing),      cmocka_unit_test(TestMortality),
                                          cmocka_unit_test(TestProblems),  cmocka_unit_test(TestRandom),
                                          cmocka_unit_test(TestTypesAgree)};

FEN_TEST_MAIN(tests)
