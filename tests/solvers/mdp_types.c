/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options of the types, by name as users give them: every preconditioner, every order of sweeps, eliminated actions.
   Values lie within their certified error of a plain loop's, gaps are met, a run that was stopped and continued ends
   with the same bits, and what a model cannot do is refused with a sentence.
*/
#include "mdpsolve.h"
#include "snapshot.h"

enum { SIDE = 9, STATES = SIDE * SIDE };

/* a grid with slipping moves and a goal; `diagonal` adds a move that breaks its two colours */
static int Grid(const void *ctx, FenInt s, MDPRow r[8])
{
  const int    diagonal = *(const int *)ctx;
  const FenInt y = s / SIDE, x = s % SIDE;
  const FenInt to[4] = {y ? s - SIDE : s, x < SIDE - 1 ? s + 1 : s, y < SIDE - 1 ? s + SIDE : s, x ? s - 1 : s};

  if (s == STATES - 1) {
    r[0] = (MDPRow){1, {s}, {1}, 0};
    return 1;
  }
  for (int a = 0; a < 4 + diagonal; a++) {
    r[a] = (MDPRow){3, {to[a % 4], to[(a + 1) % 4], to[(a + 3) % 4]}, {.7, .1, .2}, 1 + (double)((7 * s) % 11) / 10};
    if (a == 4)
      r[a].next[1] = y < SIDE - 1 && x < SIDE - 1 ? s + SIDE + 1 : s;
  }
  return 4 + diagonal;
}

static void Reference(const int *diagonal, double discount, double known[])
{
  long double V[STATES] = {0}, change = 1;

  while (change > 1e-17L) {
    change = 0;
    for (FenInt s = 0; s < STATES; s++) {
      MDPRow      r[8];
      const int   actions = Grid(diagonal, s, r);
      long double best = 1e300L;

      for (int a = 0; a < actions; a++) {
        long double q = (long double)r[a].reward;

        for (int j = 0; j < r[a].n; j++)
          q += (long double)discount * (long double)r[a].prob[j] * V[r[a].next[j]];
        best = fminl(best, q);
      }
      change = fmaxl(change, fabsl(best - V[s]));
      V[s] = best;
    }
  }
  for (int s = 0; s < STATES; s++)
    known[s] = (double)V[s];
}

typedef struct {
  const char *type, *option[4]; /* names and values */
  PetscBool   coloured;         /* needs two colours */
} Way;

static const Way ways[] = {
    {FENMDPIPI, {"-mdp_precondition", "auto"}, PETSC_FALSE},
    {FENMDPIPI, {"-mdp_precondition", "colour"}, PETSC_TRUE},
    {FENMDPIPI, {"-mdp_precondition", "ilu"}, PETSC_FALSE},
    {FENMDPIPI, {"-mdp_precondition", "none", "-mdp_ksp_type", "gmres"}, PETSC_FALSE},
    {FENMDPIPI, {"-mdp_precondition", "aggregation"}, PETSC_FALSE},
    {FENMDPIPI, {"-mdp_precondition", "direct"}, PETSC_FALSE},
    {FENMDPPI, {"-mdp_precondition", "direct"}, PETSC_FALSE},
    {FENMDPPI, {"-mdp_precondition", "colour"}, PETSC_TRUE},
    {FENMDPPI, {"-mdp_precondition", "aggregation"}, PETSC_FALSE},
    {FENMDPPPI, {"-mdp_precondition", "direct"}, PETSC_FALSE},
    {FENMDPVI, {"-mdp_vi_sweep", "gauss-seidel"}, PETSC_FALSE},
    {FENMDPVI, {"-mdp_vi_sweep", "colour"}, PETSC_TRUE},
    {FENMDPVI, {"-mdp_vi_self_loops", "true"}, PETSC_FALSE},
    {FENMDPVI, {"-mdp_eliminate", "true"}, PETSC_FALSE},
    {FENMDPMPI, {"-mdp_eliminate", "true"}, PETSC_FALSE},
    {FENMDPIPI, {"-mdp_eliminate", "true", "-mdp_precondition", "ilu"}, PETSC_FALSE},
    {FENMDPAUTO, {"-mdp_eliminate", "true"}, PETSC_FALSE},
};
enum { NWAYS = sizeof(ways) / sizeof(ways[0]) };

static FenMDP Solver(FenMDPModel model, const Way *w, double discount, double gap)
{
  FenMDP mdp = MDPSolver(model, w->type, discount, NULL, gap);

  for (int k = 0; k < 4 && w->option[k]; k += 2)
    FEN_OK(PetscOptionsSetValue(NULL, w->option[k], w->option[k + 1]));
  FEN_OK(FenMDPSetFromOptions(mdp));
  for (int k = 0; k < 4 && w->option[k]; k += 2)
    FEN_OK(PetscOptionsClearValue(NULL, w->option[k]));
  return mdp;
}

static void CheckValue(FenMDP mdp, FenMDPModel model, const double known[])
{
  FenMDPBounds  B = MDPRun(mdp);
  FenLayout     layout;
  FenInt        start, end;
  const double *V;
  int           right = 1;

  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMDPGetValue(mdp, &V));
  for (FenInt s = start; s < end; s++)
    right = right && fabs(V[s - start] - known[s]) <= B.value_error + 1e-12;
  FEN_ASSERT_ALL(right);
}

static void TestWays(void **state)
{
  static const double discounts[] = {.9, .999};

  (void)state;
  for (int diagonal = 0; diagonal < 2; diagonal++) {
    FenMDPModel model = MDPMake(MPI_COMM_WORLD, STATES, Grid, &diagonal, FEN_MDP_MIN);

    for (int d = 0; d < 2; d++) {
      double known[STATES];

      Reference(&diagonal, discounts[d], known);
      for (int k = 0; k < NWAYS; k++) {
        FenMDP mdp;

        if (ways[k].coloured && diagonal)
          continue;
        mdp = Solver(model, &ways[k], discounts[d], 1e-8);
        CheckValue(mdp, model, known);
        FEN_OK(FenMDPDestroy(&mdp));
      }
    }
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

/* stopped at every iteration (at most twenty), saved, loaded into another solver: the same bits at the end */
static void TestRestart(void **state)
{
  int         diagonal = 0;
  FenMDPModel model = MDPMake(MPI_COMM_WORLD, STATES, Grid, &diagonal, FEN_MDP_MIN);

  (void)state;
  for (int k = 0; k < NWAYS; k++) {
    FenMDP       mdp = Solver(model, &ways[k], .98, 1e-6);
    FenMDPBounds whole = MDPRun(mdp), pieces;
    FenProgress  p;

    FEN_OK(FenSolverGetProgress((FenSolver)mdp, &p));
    FEN_OK(FenMDPDestroy(&mdp));
    for (FenInt stop = 1; stop < p.iteration; stop += 1 + p.iteration / 10) {
      Saver S = {.stop = stop};

      mdp = Solver(model, &ways[k], .98, 1e-6);
      FEN_OK(FenSolverSetSave((FenSolver)mdp, SaverPoll, SaverSave, &S));
      FEN_OK(FenMDPSolve(mdp));
      FEN_OK(FenMDPDestroy(&mdp));
      mdp = Solver(model, &ways[k], .98, 1e-6);
      SnapshotPut((FenSolver)mdp, &S.snapshot);
      pieces = MDPRun(mdp);
      FEN_ASSERT_ALL(!memcmp(&whole, &pieces, sizeof(whole)));
      SnapshotFree(&S.snapshot);
      FEN_OK(FenMDPDestroy(&mdp));
    }
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

/* what a model cannot do is an error that all ranks have, before anything is solved */
static void TestRefusals(void **state)
{
  static const Way wrong[] = {{FENMDPIPI, {"-mdp_precondition", "colour"}, PETSC_TRUE},
                              {FENMDPVI, {"-mdp_vi_sweep", "colour"}, PETSC_TRUE}};
  int              diagonal = 1;
  FenMDPModel      model = MDPMake(MPI_COMM_WORLD, STATES, Grid, &diagonal, FEN_MDP_MIN);

  (void)state;
  for (int k = 0; k < 2; k++) {
    FenMDP         mdp = Solver(model, &wrong[k], .9, 1e-6);
    PetscErrorCode code;

    FEN_OK(PetscPushErrorHandler(FenTestHandler, NULL));
    code = FenMDPSolve(mdp);
    FEN_OK(PetscPopErrorHandler());
    assert_int_equal(code, FEN_ERR_OPTION);
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

/* a walk on a ring whose values are near 1e5 and differ by some units */
static int Far(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  for (int a = 0; a < 3; a++)
    r[a] = (MDPRow){3,
                    {(s + 1 + a) % 20, (s + 19) % 20, (7 * s + a) % 20},
                    {.5, .3, .2},
                    1 + .5 * FenRandomUniform(3, (uint64_t)(8 * s + a), 0)};
  return 3;
}

/* near discount 1 the gap is not limited by the size of the values, only by their range; all intervals overlap */
static void TestFar(void **state)
{
  FenMDPModel model = MDPMake(MPI_COMM_WORLD, 20, Far, NULL, FEN_MDP_MAX);
  double      lower = -INFINITY, upper = INFINITY;

  (void)state;
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDP       mdp = MDPSolver(model, mdp_types[t], .99999, NULL, 1e-7);
    FenMDPBounds B = MDPRun(mdp);

    assert_true(B.policy_gap <= 1e-7 && B.lower > 1e5 && B.upper < 1.5e5);
    lower = fmax(lower, B.lower);
    upper = fmin(upper, B.upper);
    FEN_OK(FenMDPDestroy(&mdp));
  }
  assert_true(lower <= upper);
  FEN_OK(FenMDPModelDestroy(&model));
}

/* a gap that rounding does not allow: the run ends soon and says so, its interval holds, progress never got wider */
static void TestStagnation(void **state)
{
  int         diagonal = 0;
  FenMDPModel model = MDPMake(MPI_COMM_WORLD, STATES, Grid, &diagonal, FEN_MDP_MIN);
  double      known[STATES], mean = 0;

  (void)state;
  Reference(&diagonal, .999999, known);
  for (int s = 0; s < STATES; s++)
    mean += known[s] / STATES;
  for (int t = 0; t < NMDPTYPES; t++) {
    FenMDP        mdp = MDPSolver(model, mdp_types[t], .999999, NULL, 1e-12);
    const FenLog *h;
    FenMDPBounds  B;
    FenReason     reason;

    FEN_OK(FenMDPSolve(mdp));
    FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
    FEN_OK(FenMDPGetBounds(mdp, &B));
    FEN_OK(FenSolverGetHistory((FenSolver)mdp, &h));
    assert_int_equal(reason, FEN_DIVERGED_STAGNATION);
    assert_true(h->nrows < 2000 && B.policy_gap > 1e-12 && B.policy_gap < 1e-5);
    assert_true(B.lower <= mean && mean <= B.upper);
    for (FenInt r = 1; r < h->nrows; r++) {
      const double *row = h->data + r * h->ncols, *before = row - h->ncols;

      assert_true(row[3] >= before[3] && row[4] <= before[4] && row[3] <= mean && mean <= row[4]);
    }
    FEN_OK(FenMDPDestroy(&mdp));
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestWays), cmocka_unit_test(TestRestart),
                                          cmocka_unit_test(TestFar), cmocka_unit_test(TestRefusals),
                                          cmocka_unit_test(TestStagnation)};

FEN_TEST_MAIN(tests)
