/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Worst cases that a sweep need not know exactly must not keep a solve from its end: where V is far from its fixed
   point by a constant alone, where each sweep is another step of a finite horizon, where a gain is zero. Rows made on
   demand next to terminal states. Every kind of divergence, balls and prices. 1 and 3 ranks.
*/
#include "mdpsolve.h"

typedef struct {
  const char *name;
  double      alpha, radius, penalty;
} Set;

static const Set sets[] = {
    {"kl", 1, 0.2, 0},       {"kl", 1, 5e-4, 0},     {"kl", 1, 0, 1},        {"tv", 1, 0.1, 0},
    {"pearson", 1, 0.1, 0},  {"burg", 1, 0.2, 0},    {"burg", 1, 0, 1},      {"hellinger", 1, 0.1, 0},
    {"neyman", 1, 0.1, 0},   {"js", 1, 0.1, 0},      {"js", 1, 0, 1},        {"jeffreys", 1, 0.1, 0},
    {"alpha", -0.5, 0.1, 0}, {"alpha", 0.3, 0.1, 0}, {"alpha", 1.3, 0.1, 0}, {"alpha", 1.5, 0.01, 0},
    {"alpha", 3, 0.1, 0},    {"alpha", 3, 0, 1},     {"alpha", 7, 0.01, 0},  {"alpha", 12, 0.01, 0},
    {"alpha", 50, 0.1, 0},   {"linf", 1, 0.1, 0},    {"linf", 1, 0, 1},      {"wasserstein", 1, 0, 1}};
#define NSETS ((int)(sizeof(sets) / sizeof(sets[0])))

static FenAmbiguity Ambiguity(const Set *s)
{
  FenAmbiguity a = {.alpha = s->alpha, .radius = s->radius, .penalty = s->penalty};

  FEN_OK(PetscStrncpy(a.name, s->name, sizeof(a.name)));
  return a;
}

/* a constant is most of what is missing, since the rows mix fast */
static void TestConstants(void **state)
{
  FenMDPModel model = MDPProblem("garnet", "-n 60 -garnet_actions 4 -garnet_branching 8", PETSC_FALSE);

  (void)state;
  for (int k = 0; k < NSETS; k++)
    for (int t = 0; t < 2; t++) {
      const FenAmbiguity a = Ambiguity(&sets[k]);
      FenMDP             mdp = MDPSolver(model, t ? FENMDPVI : FENMDPAUTO, 0.999, &a, 1e-7);

      MDPRun(mdp);
      FEN_OK(FenMDPDestroy(&mdp));
    }
  FEN_OK(FenMDPModelDestroy(&model));
}

static void TestHorizon(void **state)
{
  FenMDPModel model = MDPProblem("garnet", "-n 60 -garnet_actions 4 -garnet_branching 8", PETSC_FALSE);

  (void)state;
  FEN_OK(FenMDPModelSetCriterion(model, FEN_MDP_FINITE, 6));
  for (int k = 0; k < NSETS; k++) {
    const FenAmbiguity a = Ambiguity(&sets[k]);
    FenMDP             mdp = MDPSolver(model, FENMDPFH, 1, &a, 1e-9);

    MDPRun(mdp);
    FEN_OK(FenMDPDestroy(&mdp));
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

/* a share of nothing cannot be reached */
static void TestNoGain(void **state)
{
  FenMDPModel  model = MDPProblem("integrator", "-n 9", PETSC_FALSE);
  FenMDP       mdp;
  FenMDPBounds B;

  (void)state;
  FEN_OK(FenMDPModelSetCriterion(model, FEN_MDP_AVERAGE, 0));
  mdp = MDPSolver(model, FENMDPAUTO, 1, NULL, 0);
  FEN_OK(FenMDPSetGap(mdp, 0, 1e-6));
  B = MDPRun(mdp);
  assert_true(B.lower <= 0 && B.upper >= 0 && B.upper - B.lower < 1e-8);
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
}

/* walls are terminal states among others of their eight; rows made on demand have the values of stored ones */
static void TestWalls(void **state)
{
  enum { N = 441 };
  static const char *const types[] = {FENMDPMPI, FENMDPIPI, FENMDPPPI};
  FenMDPModel              model[2];
  double                   V[2][N];

  (void)state;
  for (int k = 0; k < 2; k++)
    model[k] = MDPProblem("maze", "-n 21 -maze_slip 0.1", (PetscBool)k);
  for (int k = 0; k < NSETS; k++)
    for (int t = 0; t < 3; t++) {
      const FenAmbiguity a = Ambiguity(&sets[k]);

      for (int on_demand = 0; on_demand < 2; on_demand++) {
        FenMDP mdp = MDPSolver(model[on_demand], types[t], 0.95, &a, 1e-8);

        MDPRun(mdp);
        MDPGather(mdp, N, V[on_demand]);
        FEN_OK(FenMDPDestroy(&mdp));
      }
      for (int s = 0; s < N; s++)
        FEN_ASSERT_NEAR(V[0][s], V[1][s], 1e-8);
    }
  for (int k = 0; k < 2; k++)
    FEN_OK(FenMDPModelDestroy(&model[k]));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestConstants), cmocka_unit_test(TestHorizon),
                                          cmocka_unit_test(TestNoGain), cmocka_unit_test(TestWalls)};

FEN_TEST_MAIN(tests)
