/* SPDX-License-Identifier: BSD-2-Clause */
/*
   d-rectangular problems with known answers: the robust equation of the simulated linear problem, whose best first
   action is not the careful one; expected rewards in closed form; the option's binomial tree; inverses by LAPACK and by
   ScaLAPACK.
*/
#include <fenchellinearmdp.h>
#include "linalg/spdinverse.h"
#include "fentest.h"
#include "linearproblem.h"

static FenLinearMDP Exact(FenLinearProblem p, const char *name, double penalty, double radius)
{
  const FenAmbiguity a = {.name = "none", .alpha = 1, .penalty = penalty, .radius = radius};
  FenAmbiguity       b = a;
  FenLinearMDP       m;
  FenReason          reason;

  (void)snprintf(b.name, sizeof(b.name), "%s", name);
  FEN_OK(FenLinearMDPCreate(MPI_COMM_WORLD, &m));
  FEN_OK(FenLinearMDPSetType(m, FENLINEARMDPEXACT));
  FEN_OK(FenLinearMDPSetProblem(m, p));
  FEN_OK(FenLinearMDPSetAmbiguity(m, &b));
  FEN_OK(FenLinearMDPSolve(m));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)m, &reason));
  assert_int_equal(reason, FEN_CONVERGED_GAP);
  return m;
}

/* value at the start: inside of the certified interval, which is narrow; the first action is the last one, all +1 */
static void TestPopulation(void **state)
{
  static const struct {
    const char *name;
    double      penalty, value;
  } known[] = {{"none", 0, 1.62425013},   {"tv", .1, .09995},          {"tv", .5, .49975},
               {"tv", 1, .9995},          {"kl", .1, 1.34518877},      {"kl", .5, 1.62200788},
               {"kl", 1, 1.62359481},     {"pearson", .1, 1.62214477}, {"pearson", .5, 1.62382890},
               {"pearson", 1, 1.62403950}};
  FenLinearProblem p = LinearProblemMake("linear", "-linear_xi 0.2");

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
    FenLinearMDP m = Exact(p, known[k].name, known[k].penalty, 0);
    double       value, lower, upper;
    FenInt       n;
    const int   *action;

    FEN_OK(FenSolverGetBounds((FenSolver)m, &value, &lower, &upper));
    FEN_ASSERT_NEAR(value, known[k].value, 6e-9);
    assert_true(lower <= value && value <= upper && upper - lower <= 1e-9);
    FEN_OK(FenLinearMDPGetPolicy(m, &n, &action));
    assert_int_equal(n, 1);
    assert_int_equal(action[0], 15);
    FEN_OK(FenLinearMDPDestroy(&m));
  }
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* a ball around the goal's factor of radius rho takes rho of the goal's 2 (tv), and nothing where it is a point (kl) */
static void TestBalls(void **state)
{
  const double     c = .5, later = 2 * c + (1 - .001) * (1 - c) * c;
  FenLinearProblem p = LinearProblemMake("linear", "");
  FenLinearMDP     m = Exact(p, "tv", 0, .3);
  double           value, all;

  (void)state;
  FEN_OK(FenSolverGetBounds((FenSolver)m, &value, NULL, NULL));
  FEN_ASSERT_NEAR(value, c * 2 * .7 + (1 - c) * (1 - .001) * later, 1e-12);
  FEN_OK(FenLinearMDPDestroy(&m));
  m = Exact(p, "kl", 0, .3);
  FEN_OK(FenSolverGetBounds((FenSolver)m, &value, NULL, NULL));
  FEN_ASSERT_NEAR(value, 1.62425013, 6e-9);
  FEN_OK(FenLinearMDPDestroy(&m));
  FEN_OK(FenLinearProblemDestroy(&p));
  p = LinearProblemMake("linear", "-linear_uncertain all");
  m = Exact(p, "kl", 0, .3);
  FEN_OK(FenSolverGetBounds((FenSolver)m, &all, NULL, NULL));
  {
    double low = .001, high = 1; /* worst death probability: q log(q/p) + (1-q) log((1-q)/(1-p)) = rho */

    for (int k = 0; k < 100; k++) {
      const double q = (low + high) / 2;

      if (q * log(q / .001) + (1 - q) * log((1 - q) / .999) < .3)
        low = q;
      else
        high = q;
    }
    FEN_ASSERT_NEAR(all, 2 * c + (1 - c) * (1 - low) * (2 * c + (1 - c) * (1 - low) * c), 1e-9);
  }
  FEN_OK(FenLinearMDPDestroy(&m));
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* expected reward of the best policy of the source: closed form in the first action's chance */
static void TestReturns(void **state)
{
  FenLinearProblem          p = LinearProblemMake("linear", "");
  FenLinearMDP              m = Exact(p, "none", 0, 0);
  const double              targets[3] = {0, 1, NAN};
  const FenLinearEvaluation exact = {.ntargets = 3, .targets = targets, .episodes = 1, .exact = PETSC_TRUE};
  const FenLinearEvaluation sampled = {.ntargets = 3, .targets = targets, .episodes = 20000};
  double                    mean[3], samples[3];

  (void)state;
  FEN_OK(FenLinearMDPEvaluate(m, p, &exact, mean));
  FEN_ASSERT_NEAR(mean[0], 1.624875, 1e-12);
  FEN_ASSERT_NEAR(mean[1], .624875, 1e-12);
  FEN_ASSERT_NEAR(mean[2], 1.624250125, 1e-12); /* the source itself */
  FEN_OK(FenLinearMDPEvaluate(m, p, &sampled, samples));
  for (int t = 0; t < 3; t++)
    FEN_ASSERT_NEAR(samples[t], mean[t], .03); /* four standard errors */
  FEN_OK(FenLinearMDPDestroy(&m));
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* V(s, h) of the option on its tree */
static double Tree(int steps, double s, double p)
{
  const double now = fmax(0, 100 - s);

  return steps ? fmax(now, p * Tree(steps - 1, s * 1.02, p) + (1 - p) * Tree(steps - 1, s * .98, p)) : 0;
}

static double Lattice(double s0, double p)
{
  double V[22] = {0};

  for (int h = 19; h >= 0; h--)
    for (int k = 0; k <= h; k++) { /* k rises */
      const double s = s0 * pow(1.02, k) * pow(.98, h - k);

      V[k] = fmax(fmax(0, 100 - s), h < 19 ? p * V[k + 1] + (1 - p) * V[k] : 0);
    }
  return V[0];
}

/* many data, little ridge, no pessimism, a fine grid of hats: the learnt policy comes close to the tree's optimum and
   cannot beat it */
static void TestPut(void **state)
{
  FenLinearProblem p = LinearProblemMake("put", "-put_trajectories 4000 -put_anchors 60 -put_low 100 -put_high 100 "
                                                "-put_test_low 100 -put_test_high 100");
  FenTrajectories  data;
  FenLinearMDP     m;
  FenLinearMDPParameters par;
  const double           target = .5;
  FenLinearEvaluation    e = {.ntargets = 1, .targets = &target, .episodes = 1, .exact = PETSC_TRUE};
  double                 mean;

  (void)state;
  FEN_ASSERT_NEAR(Lattice(100, .5), 3.51971637, 1e-8);
  FEN_ASSERT_NEAR(Lattice(95, .2), 24.47281072, 1e-8);
  FEN_ASSERT_NEAR(Tree(3, 99, .5), fmax(1, .5 * Tree(2, 99 * 1.02, .5) + .5 * Tree(2, 99 * .98, .5)), 0);
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  FEN_OK(FenLinearMDPCreate(MPI_COMM_WORLD, &m));
  FEN_OK(FenLinearMDPSetType(m, FENLINEARMDPPEVI));
  FEN_OK(FenLinearMDPSetTrajectories(m, data));
  FEN_OK(FenLinearMDPGetParameters(m, &par));
  par.ridge = 1e-3;
  par.pessimism = 0;
  par.clip = 0;
  FEN_OK(FenLinearMDPSetParameters(m, &par));
  FEN_OK(FenLinearMDPSolve(m));
  FEN_OK(FenLinearMDPEvaluate(m, p, &e, &mean));
  assert_true(mean <= 3.51971637 + 1e-8);
  assert_true(mean >= 3.3);
  FEN_OK(FenLinearMDPDestroy(&m));
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenLinearProblemDestroy(&p));
}

static void TestInverse(void **state)
{
  enum { N = 37 };
  double    A[N * N], X[N * N], Y[N * N];
  PetscBool ok;

  (void)state;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      A[i + j * N] = exp(-.3 * abs(i - j)) + (i == j ? .5 + .01 * i : 0);
  FEN_OK(FenSPDInverse_Private(MPI_COMM_WORLD, N, N, A, X, &ok));
  assert_true(ok);
  FEN_OK(FenSPDInverse_Private(MPI_COMM_WORLD, N, 0, A, Y, &ok));
  assert_true(ok);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double unit = 0;

      for (int k = 0; k < N; k++)
        unit += A[i + k * N] * Y[k + j * N];
      FEN_ASSERT_NEAR(unit, i == j, 1e-13);
      FEN_ASSERT_NEAR(X[i + j * N], Y[i + j * N], 1e-14);
    }
  A[5 + 5 * N] = -1;
  FEN_OK(FenSPDInverse_Private(MPI_COMM_WORLD, N, N, A, X, &ok));
  assert_false(ok);
  FEN_OK(FenSPDInverse_Private(MPI_COMM_WORLD, N, 0, A, Y, &ok));
  assert_false(ok);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPopulation), cmocka_unit_test(TestBalls),
                                          cmocka_unit_test(TestReturns), cmocka_unit_test(TestPut),
                                          cmocka_unit_test(TestInverse)};

FEN_TEST_MAIN(tests)
