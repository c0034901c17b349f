/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Every method that learns against the same method in long double: weights within their claimed error, values within
   their interval, on any number of ranks; and the deviations of the published programs.
*/
#include "fentest.h"
#include "linearproblem.h"
#include "linearoracle.h"

typedef struct {
  const char  *type, *set;
  double       radius, penalty;
  FenPublished published;
} Case;

static const Case cases[] = {
    {"r2pvi", "tv", 0, .4, FEN_PUBLISHED_NONE},      {"r2pvi", "kl", 0, .3, FEN_PUBLISHED_NONE},
    {"r2pvi", "pearson", 0, .5, FEN_PUBLISHED_NONE}, {"pevi", "none", 0, 0, FEN_PUBLISHED_NONE},
    {"drpvi", "tv", .15, 0, FEN_PUBLISHED_NONE},     {"drvil", "kl", .05, 0, FEN_PUBLISHED_NONE},
    {"vadrpvi", "tv", .15, 0, FEN_PUBLISHED_NONE},   {"var2pvi", "tv", 0, .4, FEN_PUBLISHED_NONE},
    {"r2pvi", "tv", 0, .4, FEN_PUBLISHED_PUT},       {"r2pvi", "kl", 0, .3, FEN_PUBLISHED_PUT},
    {"r2pvi", "pearson", 0, .5, FEN_PUBLISHED_PUT},  {"r2pvi", "pearson", 0, .5, FEN_PUBLISHED_LINEAR},
    {"pevi", "none", 0, 0, FEN_PUBLISHED_PUT},       {"drpvi", "tv", .15, 0, FEN_PUBLISHED_PUT},
    {"drvil", "kl", .05, 0, FEN_PUBLISHED_PUT},      {"vadrpvi", "tv", .15, 0, FEN_PUBLISHED_PUT},
    {"var2pvi", "tv", 0, .4, FEN_PUBLISHED_PUT},     {"vadrpvi", "tv", .15, 0, FEN_PUBLISHED_LINEAR}};

static FenLinearMDP Solver(FenTrajectories data, const Case *c, const FenLinearMDPParameters *par)
{
  FenAmbiguity a = {.alpha = 1, .radius = c->radius, .penalty = c->penalty};
  FenLinearMDP m;

  (void)snprintf(a.name, sizeof(a.name), "%s", c->set);
  FEN_OK(FenLinearMDPCreate(PetscObjectComm((PetscObject)data), &m));
  FEN_OK(FenLinearMDPSetType(m, c->type));
  FEN_OK(FenLinearMDPSetTrajectories(m, data));
  FEN_OK(FenLinearMDPSetAmbiguity(m, &a));
  FEN_OK(FenLinearMDPSetParameters(m, par));
  FEN_OK(FenLinearMDPSolve(m));
  return m;
}

/* |w - oracle| <= claimed error; drvil finds its maximum to a tolerance only */
static void CompareWeights(FenLinearMDP m, const Oracle *o, const char *what)
{
  const double search = strcmp(o->type, "drvil") ? 0 : 1e-7;
  /* squares of values and variances cost digits */
  const double        tight = search > 0 ? 1e-4 : strncmp(o->type, "va", 2) && strcmp(o->set, "pearson") ? 1e-8 : 1e-6;
  FenLinearMDPWeights w;
  FenLinearMDPBounds  b;

  FEN_OK(FenLinearMDPGetBounds(m, &b));
  if (!(b.step_error <= tight + search))
    print_error("%s: step error %.3g\n", what, b.step_error);
  FEN_ASSERT_ALL(b.step_error <= tight + search); /* the claim says something */
  FEN_OK(FenLinearMDPGetWeights(m, &w));
  for (int i = 0; i < w.horizon * w.features; i++) {
    const double error = fabs((double)(w.w[i] + w.theta[i] - o->w[i] - o->theta[i]));

    if (!(error <= w.error[i] + search))
      print_error("%s: step %d factor %d: %.17g, oracle %.17Lg, off by %.3g, claimed %.3g\n", what,
                  (int)(i / w.features), (int)(i % w.features), w.w[i], o->w[i], error, w.error[i]);
    FEN_ASSERT_ALL(error <= w.error[i] + search);
    FEN_ASSERT_ALL(fabs((double)(w.diagonal[i] - o->diag[i])) <= 1e-11 * w.diagonal[i]);
  }
}

static void CompareValue(FenLinearMDP m, const Oracle *o)
{
  const double search = strcmp(o->type, "drvil") ? 0 : 1e-5;
  double       value, lower, upper;
  Real         mean = 0;

  for (FenInt k = 0; k < o->n.count; k++)
    mean += OracleValue(o, k, 0);
  mean /= o->n.count;
  FEN_OK(FenSolverGetBounds((FenSolver)m, &value, &lower, &upper));
  FEN_ASSERT_ALL(lower <= mean + search && mean <= upper + search && lower <= value && value <= upper);
}

static void Compare(const char *name, const char *options)
{
  FenLinearProblem p = LinearProblemMake(name, options);
  FenTrajectories  data, all;

  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_SELF, p, &all));
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
    const Case  *c = &cases[k];
    Oracle       o = {.type = c->type, .set = c->set, .radius = c->radius, .penalty = c->penalty};
    char         what[80];
    FenLinearMDP m;

    (void)snprintf(what, sizeof(what), "%s, %s, %s, published %s", name, c->type, c->set,
                   FenPublishedNames[c->published]);
    o.p = (FenLinearMDPParameters){
        .ridge = .1, .pessimism = .05, .clip = 1, .split = PETSC_TRUE, .dense = 2000, .published = c->published};
    FEN_OK(FenTrajectoriesGetSizes(all, &o.n));
    FEN_OK(FenTrajectoriesGetArrays(all, &o.a));
    OracleSolve(&o);
    m = Solver(data, c, &o.p);
    CompareWeights(m, &o, what);
    CompareValue(m, &o);
    FEN_OK(FenLinearMDPDestroy(&m));
    OracleFree(&o);
  }
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenTrajectoriesDestroy(&all));
  FEN_OK(FenLinearProblemDestroy(&p));
}

static void TestLinear(void **state)
{
  (void)state;
  Compare("linear", "-linear_trajectories 60 -linear_uncertain all -linear_death 0.1");
}

static void TestPut(void **state)
{
  (void)state;
  Compare("put", "-put_trajectories 70 -put_anchors 9 -put_horizon 5 -put_width 50");
}

static void TestCutPut(void **state)
{
  (void)state;
  Compare("put",
          "-put_trajectories 50 -put_anchors 12 -put_horizon 4 -put_hats cut -put_together true -put_belief 101");
}

/* more trajectories than bins, so that branch and bound has something to leave out */
static void TestManyValues(void **state)
{
  static const Case balls[] = {{"drpvi", "tv", .1, 0, FEN_PUBLISHED_NONE},
                               {"r2pvi", "pearson", 0, .8, FEN_PUBLISHED_NONE},
                               {"r2pvi", "pearson", 0, .8, FEN_PUBLISHED_LINEAR}};
  FenLinearProblem  p = LinearProblemMake("put", "-put_trajectories 900 -put_anchors 6 -put_horizon 3 -put_width 40");
  FenTrajectories   data, all;

  (void)state;
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_SELF, p, &all));
  for (int k = 0; k < 3; k++) {
    Oracle o = {.type = balls[k].type, .set = balls[k].set, .radius = balls[k].radius, .penalty = balls[k].penalty};
    FenLinearMDP m;

    o.p = (FenLinearMDPParameters){
        .ridge = 1, .pessimism = .1, .clip = 1, .split = PETSC_TRUE, .dense = 2000, .published = balls[k].published};
    FEN_OK(FenTrajectoriesGetSizes(all, &o.n));
    FEN_OK(FenTrajectoriesGetArrays(all, &o.a));
    OracleSolve(&o);
    m = Solver(data, &balls[k], &o.p);
    CompareWeights(m, &o, "many values");
    FEN_OK(FenLinearMDPDestroy(&m));
    OracleFree(&o);
  }
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenTrajectoriesDestroy(&all));
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* factored by all ranks together or by each: the same weights; teams of replications: the same returns */
static void TestShared(void **state)
{
  const FenLinearMDPParameters par = {.ridge = .1, .pessimism = .1, .clip = 1, .split = PETSC_TRUE, .dense = 2000};
  FenLinearMDPParameters       together = par;
  const double                 targets[2] = {.2, .6};
  FenLinearEvaluation          e = {
               .ntargets = 2, .targets = targets, .episodes = 7, .exact = PETSC_TRUE, .replications = 5, .teams = 1};
  FenLinearProblem    p = LinearProblemMake("put", "-put_trajectories 80 -put_anchors 8 -put_horizon 6");
  double              one[10], many[10];
  FenLinearMDPWeights w, v;
  FenTrajectories     data;
  FenLinearMDP        a, b;

  (void)state;
  together.dense = 0;
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  a = Solver(data, &cases[4], &par);
  b = Solver(data, &cases[4], &together);
  FEN_OK(FenLinearMDPGetWeights(a, &w));
  FEN_OK(FenLinearMDPGetWeights(b, &v));
  for (int i = 0; i < w.horizon * w.features; i++)
    FEN_ASSERT_ALL(fabs(w.w[i] - v.w[i]) <= 1e-12 * (1 + fabs(w.w[i])));
  FEN_OK(FenLinearMDPReplicate(a, p, &e, one));
  e.teams = 0;
  FEN_OK(FenLinearMDPReplicate(a, p, &e, many));
  for (int i = 0; i < 10; i++)
    FEN_ASSERT_NEAR(one[i], many[i], 1e-12);
  assert_true(fabs(one[0] - one[2]) > 1e-6 || fabs(one[1] - one[3]) > 1e-6); /* other data, another policy */
  FEN_OK(FenLinearMDPDestroy(&a));
  FEN_OK(FenLinearMDPDestroy(&b));
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* rewards that are not known are estimated */
static void TestEstimatedRewards(void **state)
{
  FenLinearProblem       p = LinearProblemMake("linear", "-linear_trajectories 4000");
  FenLinearMDPParameters par = {.ridge = 1e-8, .pessimism = 0, .clip = 1, .dense = 2000};
  FenLinearMDPWeights    w;
  FenTrajectories        data;
  FenLinearMDP           m;

  (void)state;
  p->sizes.known = PETSC_FALSE;
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  m = Solver(data, &cases[0], &par);
  FEN_OK(FenLinearMDPGetWeights(m, &w));
  FEN_ASSERT_NEAR(w.theta[2 * 4 + 3], 1, 1e-6);
  FEN_ASSERT_NEAR(w.theta[2 * 4 + 2], 0, 1e-6);
  FEN_ASSERT_NEAR(w.theta[3], 0, 1e-6);
  FEN_OK(FenLinearMDPDestroy(&m));
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenLinearProblemDestroy(&p));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestLinear), cmocka_unit_test(TestPut),
                                          cmocka_unit_test(TestCutPut), cmocka_unit_test(TestManyValues),
                                          cmocka_unit_test(TestShared), cmocka_unit_test(TestEstimatedRewards)};

FEN_TEST_MAIN(tests)
