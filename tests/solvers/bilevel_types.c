/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Every type of FenBilevel on quadratics whose minimum is known: it gets there, with every lower solver; the bracket
   holds f and the certified error holds the error of the hypergradient at every decision; accepted steps decrease f.
*/
#include "bilevelsolve.h"

typedef struct {
  FenBilevelProblem p;
  double            f, theta[QP]; /* last accepted */
  int               decisions, accepted, certified;
} Watch;

static PetscErrorCode LookOn(FenSolver s, const FenProgress *progress, void *ctx)
{
  FenBilevel      b = (FenBilevel)s;
  Watch          *W = (Watch *)ctx;
  const FenPoint *c = b->cur;
  double          grad[QP], f, error = 0;

  PetscFunctionBegin;
  (void)progress;
  f = QuadraticExact(W->p, c->theta, grad);
  if (c->has_x)
    FEN_ASSERT_ALL(c->lower <= f && f <= c->upper);
  for (int k = 0; k < QP; k++)
    error += PetscSqr(grad[k] - c->z[k]);
  if (c->fresh) {
    FEN_ASSERT_ALL(sqrt(error) <= c->omega + 1e-14);
    W->certified++;
  }
  if (W->decisions++ && memcmp(W->theta, c->theta, sizeof(W->theta))) {
    W->accepted++;
    if (!strcmp(((PetscObject)s)->type_name, FENBILEVELMAID)) /* Lemma 3.5 */
      FEN_ASSERT_ALL(f <= W->f);
  }
  W->f = f;
  memcpy(W->theta, c->theta, sizeof(W->theta));
  PetscFunctionReturn(0);
}

static void Run(int samples, double condition, const char *type, const char *lower, double tol)
{
  FenBilevelProblem p = Quadratic(samples, condition, 3);
  double            theta[QP], largest;
  const double      least = QuadraticMinimum(p, theta, &largest);
  char              step[32];
  FenBilevel        b;
  FenBilevelBounds  B;
  FenBilevelWork    work;
  Watch             W = {.p = p};

  snprintf(step, sizeof(step), "%.17g", 1 / largest);
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", lower));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_fixed_step", step));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_eps", strcmp(type, "fixed") ? "0" : "1e-9"));
  b = BilevelMake(p, type, tol, 4000);
  FEN_OK(FenSolverMonitorSet((FenSolver)b, LookOn, &W, NULL));
  FEN_OK(FenBilevelSolve(b));
  FEN_OK(FenBilevelGetBounds(b, &B));
  FEN_OK(FenBilevelGetWork(b, &work));
  if (BilevelReason(b) <= 0 || B.objective > least + 1e-6 * largest)
    print_error("%s %s condition %g: reason %d, f %.12g, least %.12g, |z| %g, work %g\n", type, lower, condition,
                (int)BilevelReason(b), B.objective, least, B.hypergradient, work.lower_iterations);
  assert_true(BilevelReason(b) > 0);
  assert_true(B.objective <= least + 1e-6 * largest);
  assert_true(B.lower <= B.objective && B.objective <= B.upper);
  assert_true(B.hypergradient_error >= 0 && W.certified > 0 && W.accepted > 0);
  assert_true(work.lower_iterations > 0 && work.adjoint_iterations > 0);
  FEN_OK(FenBilevelDestroy(&b));
  FEN_OK(FenBilevelProblemDestroy(&p));
}

static void TestTypes(void **state)
{
  (void)state;
  for (int t = 0; t < NBILEVELTYPES; t++) {
    Run(1, 2, bilevel_types[t], "newton", 1e-5);
    Run(4, 3, bilevel_types[t], "newton", 1e-5);
  }
}

static void TestLowerSolvers(void **state)
{
  static const char *const lower[] = {"gd", "fista", "direct"};

  (void)state;
  for (size_t k = 0; k < sizeof(lower) / sizeof(lower[0]); k++)
    for (int t = 0; t < NBILEVELTYPES; t++)
      Run(2, 2, bilevel_types[t], lower[k], 1e-4);
}

/* for quadratic lower and upper functions the estimate is exact but for its factor; it is made of five iterations of
   conjugate gradients in four dimensions */
static void TestGoal(void **state)
{
  FenBilevelProblem p = Quadratic(1, 4, 7);
  FenBilevel        b;

  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", "gd"));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_eps", "0"));
  b = BilevelMake(p, FENBILEVELMAID, 0, 1);
  FEN_OK(FenSolverSetUp((FenSolver)b));
  for (int k = 1; k < 8; k++) {
    FenPoint *c = b->cur;
    double    grad[QP], error = 0, estimate;

    FEN_OK(FenBilevelBegin_Private(b));
    FEN_OK(FenPointLower_Private(b, c, pow(10, -k), PETSC_FALSE));
    FEN_OK(FenPointGradient_Private(b, c, pow(10, -k)));
    FEN_OK(FenPointGoal_Private(b, c, &estimate));
    QuadraticExact(p, c->theta, grad);
    for (int i = 0; i < QP; i++)
      error += PetscSqr(grad[i] - c->z[i]);
    error = sqrt(error);
    FEN_ASSERT_ALL(fabs(estimate / 1.25 - error) <= 1e-5 * error + 1e-12);
    FEN_ASSERT_ALL(error <= c->omega);
  }
  FEN_OK(FenBilevelDestroy(&b));
  FEN_OK(FenBilevelProblemDestroy(&p));
}

/* the soft maximum of samples: bracket and hypergradient against values of its own */
static void TestRobustMean(void **state)
{
  FenBilevelProblem p = Quadratic(5, 2, 11);
  FenBilevel        b;
  FenPoint         *c;
  double            base, grad[QP], h = 1e-5, all[2];

  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", "direct"));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_upper", "kl"));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_upper_temperature", "7"));
  b = BilevelMake(p, FENBILEVELMAID, 0, 1);
  FEN_OK(FenSolverSetUp((FenSolver)b));
  FEN_OK(FenBilevelBegin_Private(b));
  c = b->cur;
  FEN_OK(FenPointLower_Private(b, c, 1e-10, PETSC_FALSE));
  FEN_OK(FenPointGradient_Private(b, c, 1e-10));
  base = c->theta[2];
  memcpy(grad, c->z, sizeof(grad));
  FEN_ASSERT_ALL(c->lower <= c->f && c->f <= c->upper && c->upper - c->lower < 1e-6 * c->f && c->omega < 1e-5);
  for (int side = 0; side < 2; side++) {
    c->theta[2] = base + (side ? -h : h);
    FEN_OK(FenPointLower_Private(b, c, 1e-10, PETSC_FALSE));
    all[side] = c->f;
  }
  FEN_ASSERT_ALL(fabs((all[0] - all[1]) / (2 * h) - grad[2]) < 1e-5 * (1 + fabs(grad[2])));
  FEN_OK(PetscOptionsClearValue(NULL, "-bilevel_upper"));
  FEN_OK(FenBilevelDestroy(&b));
  FEN_OK(FenBilevelProblemDestroy(&p));
}

/* a small modulus: an adjoint's residual says little of z, and the nonmonotone search must not trust it. Both types
   find the same minimum, maid-bb with few hypergradients */
static void TestSmallModulus(void **state)
{
  double found[2];

  (void)state;
  for (int bb = 0; bb < 2; bb++) {
    FenBilevelProblem p;
    FenBilevel        b;
    FenBilevelPart    part;
    FenBilevelWork    work;
    const double     *theta;

    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(PetscOptionsInsertString(NULL, "-logistic_rows 200 -logistic_features 150 -logistic_start -5.3 "
                                          "-logistic_dense 0"));
    FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, "logistic", NULL, NULL, &p));
    FEN_OK(FenBilevelProblemSetUp(p));
    b = BilevelMake(p, bb ? FENBILEVELMAIDBB : FENBILEVELCERTIFIED, 1e-6, 300);
    FEN_OK(FenBilevelSolve(b));
    assert_true(BilevelReason(b) > 0);
    FEN_OK(FenBilevelGetTheta(b, &theta));
    FEN_OK(FenBilevelProblemGetPart(p, &part));
    found[bb] = part.theta1 > part.theta0 ? *theta : 0;
    FEN_OK(FenBilevelGetWork(b, &work));
    if (bb)
      assert_true(work.gradients <= 40 && work.lower_iterations + work.adjoint_iterations <= 1200);
    FEN_OK(FenBilevelDestroy(&b));
    FEN_OK(FenBilevelProblemDestroy(&p));
  }
  FEN_ASSERT_NEAR(found[0], found[1], 1e-4);
  FEN_OK(PetscOptionsClear(NULL));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestTypes), cmocka_unit_test(TestLowerSolvers),
                                          cmocka_unit_test(TestGoal), cmocka_unit_test(TestRobustMean),
                                          cmocka_unit_test(TestSmallModulus)};

FEN_TEST_MAIN(tests)
