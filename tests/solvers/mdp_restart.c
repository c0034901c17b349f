/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Contract of every type of FenMDP: a solve that is stopped at any iteration, saved, loaded into another solver and
   continued ends with the same answer as one that was not, to the last bit; nominal and robust; discounted, total
   and average.
*/
#include "mdpsolve.h"
#include "snapshot.h"

enum { STATES = 60 };

/* a walk with a drift that costs: news travels slowly, so that all types take some iterations */
static int Walk(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  if (s == STATES - 1)
    return 0;
  for (int a = 0; a < 2; a++) {
    const double up = a ? .7 : .45;

    r[a] = (MDPRow){3, {s ? s - 1 : 0, s + 1, (s + 7) % STATES}, {.95 - up, up, .05}, -1 - a * .5};
    if (!s) /* the wall: stays */
      r[a].next[0] = 0;
  }
  return 2;
}

/* six states round and round, the others on their way there */
static int Round(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  r[0] = (MDPRow){1, {(s + 1) % 6}, {1}, s == 3};
  return 1;
}

typedef struct {
  FenProgress  p;
  FenMDPBounds B;
  double       sum[2]; /* of my values and of their squares */
} Answer;

static Answer Take(FenMDP mdp, FenMDPModel model)
{
  FenLayout     layout;
  FenInt        n;
  const double *V;
  const int    *policy;
  Answer        A = {.sum = {0}};

  FEN_OK(FenSolverGetProgress((FenSolver)mdp, &A.p));
  FEN_OK(FenMDPGetBounds(mdp, &A.B));
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  FEN_OK(FenMDPGetValue(mdp, &V));
  FEN_OK(FenMDPGetPolicy(mdp, &policy));
  for (FenInt s = 0; s < n; s++) {
    A.sum[0] += V[s];
    A.sum[1] += V[s] * V[s] + policy[s];
  }
  return A;
}

static PetscBool Same(const Answer *A, const Answer *B)
{
  return (PetscBool)(A->p.iteration == B->p.iteration && !memcmp(&A->p.value, &B->p.value, sizeof(double)) &&
                     !memcmp(&A->B, &B->B, sizeof(A->B)) && !memcmp(A->sum, B->sum, sizeof(A->sum)));
}

/* stops in at most some 40 places */
static void Everywhere(FenMDPModel model, const char *type, double discount, const FenAmbiguity *a, double gap)
{
  FenMDP mdp = MDPSolver(model, type, discount, a, gap);
  Answer whole, pieces;

  (void)MDPRun(mdp);
  whole = Take(mdp, model);
  FEN_OK(FenMDPDestroy(&mdp));
  for (FenInt k = 1; k < whole.p.iteration; k += 1 + whole.p.iteration / 40) {
    Saver     S = {.stop = k};
    FenReason reason;

    mdp = MDPSolver(model, type, discount, a, gap);
    FEN_OK(FenSolverSetSave((FenSolver)mdp, SaverPoll, SaverSave, &S));
    FEN_OK(FenMDPSolve(mdp));
    FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
    assert_int_equal(reason, FEN_STOPPED);
    assert_int_equal(S.saved, 1);
    FEN_OK(FenMDPDestroy(&mdp));
    mdp = MDPSolver(model, type, discount, a, gap);
    SnapshotPut((FenSolver)mdp, &S.snapshot);
    (void)MDPRun(mdp);
    pieces = Take(mdp, model);
    if (!Same(&whole, &pieces))
      print_error("%s %s: stopped at %d of %d: %.17g, whole %.17g\n", type, a->name, (int)k, (int)whole.p.iteration,
                  pieces.p.value, whole.p.value);
    FEN_ASSERT_ALL(Same(&whole, &pieces));
    SnapshotFree(&S.snapshot);
    FEN_OK(FenMDPDestroy(&mdp));
  }
}

static void TestEveryIteration(void **state)
{
  static const FenAmbiguity sets[] = {{.name = "none", .alpha = 1},
                                      {.name = "kl", .alpha = 1, .radius = .02},
                                      {.name = "pearson", .radius = .02, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "l1", .radius = .05, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "tv", .radius = .01, .support = FEN_SUPPORT_ALL},
                                      {.name = "pearson", .alpha = 1, .radius = .02},
                                      {.name = "js", .alpha = 1, .radius = .01},
                                      {.name = "neyman", .alpha = 1, .penalty = 2}};
  FenMDPModel               model = MDPMake(MPI_COMM_WORLD, STATES, Walk, NULL, FEN_MDP_MAX);

  (void)state;
  for (size_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++)
    for (int t = 0; t < NMDPTYPES; t++)
      Everywhere(model, mdp_types[t], .97, &sets[k], 1e-6);
  FEN_OK(FenMDPModelDestroy(&model));
}

/* total: the certificate is made again; average: damping starts in the middle of the solve */
static void TestCriteria(void **state)
{
  static const FenAmbiguity none = {.name = "none", .alpha = 1};
  FenMDPModel               walk = MDPMake(MPI_COMM_WORLD, STATES, Walk, NULL, FEN_MDP_MAX);
  FenMDPModel               round = MDPMake(MPI_COMM_WORLD, STATES, Round, NULL, FEN_MDP_MAX);

  (void)state;
  FEN_OK(FenMDPModelSetCriterion(walk, FEN_MDP_TOTAL, 0));
  for (int t = 0; t < NMDPTYPES; t++)
    Everywhere(walk, mdp_types[t], 1, &none, 1e-6);
  FEN_OK(FenMDPModelSetCriterion(round, FEN_MDP_AVERAGE, 0));
  Everywhere(round, FENMDPVI, 1, &none, 1e-6);
  Everywhere(round, FENMDPAUTO, 1, &none, 1e-6);
  FEN_OK(FenMDPModelDestroy(&walk));
  FEN_OK(FenMDPModelDestroy(&round));
}

/* "auto" leaves Newton's method with nature's law frozen where it cycles, and only there: for solves with its law
   renewed, whether nature answers eight rows at once or not. Where a method cycles depends on the ranks' factors */
static void TestRetreat(void **state)
{
  static const struct {
    const char  *problem, *n, *choice;
    double       discount, gap;
    FenAmbiguity set;
  } cases[] = {
      {"inventory", "300", FENMDPIPI, .99, 1e-4, {.name = "l1", .radius = .05, .rectangular = FEN_RECTANGULAR_S}},
      {"gridworld", "50", FENMDPPPI, .9999, 1e-2, {.name = "l1", .radius = .05, .rectangular = FEN_RECTANGULAR_S}},
      {"gridworld", "20", FENMDPPPI, .999, 1e-2, {.name = "kl", .radius = 1}}};

  (void)state;
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    FenMDPModel model;
    FenMDP      mdp;
    const char *choice, *why;
    int         ranks;

    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    FEN_OK(PetscOptionsSetValue(NULL, "-n", cases[k].n));
    FEN_OK(FenMDPModelGenerate(MPI_COMM_WORLD, cases[k].problem, NULL, PETSC_FALSE, &model));
    mdp = MDPSolver(model, FENMDPAUTO, cases[k].discount, &cases[k].set, cases[k].gap);
    (void)MDPRun(mdp);
    FEN_OK(FenMDPGetChoice(mdp, &choice, &why));
    if (ranks == 1 || !strcmp(cases[k].choice, FENMDPIPI))
      assert_string_equal(choice, cases[k].choice);
    FEN_OK(FenMDPDestroy(&mdp));
    Everywhere(model, FENMDPAUTO, cases[k].discount, &cases[k].set, cases[k].gap);
    FEN_OK(FenMDPModelDestroy(&model));
  }
  FEN_OK(PetscOptionsClearValue(NULL, "-n"));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestEveryIteration), cmocka_unit_test(TestCriteria),
                                          cmocka_unit_test(TestRetreat)};

FEN_TEST_MAIN(tests)
