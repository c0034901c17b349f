/* SPDX-License-Identifier: BSD-2-Clause */
/* Published one-dimensional denoising problems: iterations until f, computed exactly, is within 1e-6 of its optimum. */
#include "bilevelsolve.h"

typedef struct {
  FenBilevel exact;
  double     goal, work, f; /* work: at which f reached the goal first, infinite: not yet */
  double     steps;
} Watch;

/* f at theta from lower solutions to 1e-10, whose work does not count */
static double Exact(FenBilevel exact, const double theta[])
{
  FenBilevelBounds bounds;

  FEN_OK(FenBilevelSetStart(exact, theta));
  FEN_OK(FenBilevelEvaluate(exact, 1e-10));
  FEN_OK(FenBilevelGetBounds(exact, &bounds));
  assert_true(bounds.upper - bounds.lower < 1e-7 * bounds.objective);
  return bounds.objective;
}

static PetscErrorCode Look(FenSolver s, const FenProgress *p, void *ctx)
{
  Watch         *w = (Watch *)ctx;
  const double  *theta;
  FenBilevelWork work;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetWork((FenBilevel)s, &work));
  if (work.steps <= w->steps || isfinite(w->work))
    PetscFunctionReturn(0);
  w->steps = work.steps;
  PetscCall(FenBilevelGetTheta((FenBilevel)s, &theta));
  w->f = Exact(w->exact, theta);
  if (w->f <= w->goal)
    w->work = p->work;
  PetscFunctionReturn(0);
}

static FenBilevelProblem Reference(const char name[])
{
  FenBilevelProblem problem;

  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, name, NULL, NULL, &problem));
  return problem;
}

/* iterations to within 1e-6 of the optimum; options: of the preconditioners */
static double Iterations(const char name[], double optimum, const char options[])
{
  Watch             w = {.goal = optimum * (1 + 1e-6), .work = INFINITY, .steps = -1};
  FenBilevelProblem problem = Reference(name), other = Reference(name);
  FenBilevel        b;

  FEN_OK(FenBilevelCreate(MPI_COMM_WORLD, &w.exact));
  FEN_OK(FenBilevelSetProblem(w.exact, other));
  FEN_OK(FenSolverSetOptionsPrefix((FenSolver)w.exact, "exact_"));
  FEN_OK(PetscOptionsInsertString(NULL, options));
  b = BilevelMake(problem, FENBILEVELCERTIFIED, 1e-5, 1000);
  FEN_OK(FenSolverMonitorSet((FenSolver)b, Look, &w, NULL));
  FEN_OK(FenBilevelSolve(b));
  assert_true(w.f >= optimum * (1 - 1e-9));
  FEN_OK(FenBilevelDestroy(&b));
  FEN_OK(FenBilevelDestroy(&w.exact));
  FEN_OK(FenBilevelProblemDestroy(&problem));
  FEN_OK(FenBilevelProblemDestroy(&other));
  FEN_OK(PetscOptionsClearValue(NULL, "-bilevel_lower_pc_type"));
  FEN_OK(PetscOptionsClearValue(NULL, "-bilevel_adjoint_pc_type"));
  return w.work;
}

static const struct {
  const char *name;
  double      optimum, exact, jacobi; /* goals */
} instances[] = {{"tv1d-reference", 1.371488834, 1500, 12000}, {"tv1d-reference3", 2.826874152, 5000, 20000}};

static void TestExactFactor(void **state)
{
  (void)state;
  for (int k = 0; k < 2; k++)
    assert_true(Iterations(instances[k].name, instances[k].optimum, "") <= instances[k].exact);
}

static void TestJacobi(void **state)
{
  (void)state;
  for (int k = 0; k < 2; k++)
    assert_true(Iterations(instances[k].name, instances[k].optimum,
                           "-bilevel_lower_pc_type diagonal -bilevel_adjoint_pc_type diagonal") <= instances[k].jacobi);
}

/* a start on the line through two solutions is worth something, and changes no answer */
static void TestSecant(void **state)
{
  const char jacobi[] = "-bilevel_lower_pc_type diagonal -bilevel_adjoint_pc_type diagonal";
  double     with, without;

  (void)state;
  with = Iterations(instances[0].name, instances[0].optimum, jacobi);
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_predict", "none"));
  without = Iterations(instances[0].name, instances[0].optimum, jacobi);
  FEN_OK(PetscOptionsClearValue(NULL, "-bilevel_predict"));
  assert_true(with < without);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestExactFactor), cmocka_unit_test(TestJacobi),
                                          cmocka_unit_test(TestSecant)};

FEN_TEST_MAIN(tests)
