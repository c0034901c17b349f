/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lower solvers of bilevel problems: every type reaches its tolerance from cold and warm starts on quadratics, smoothed
   total variation cut over a team, and an l1 problem; distances are those that |grad h|/mu proves; counts are the calls
   that were made; at the floor of rounding errors everything stops; answers do not depend on the ranks.
*/
#include "lowerlasso.h"
#include "lowertv.h"
#include "lower.h"

enum { MOST = 512 };

static PetscMPIInt Ranks(void)
{
  PetscMPIInt n = 0;

  (void)MPI_Comm_size(MPI_COMM_WORLD, &n);
  return n;
}

static double Distance(const FenBilevelPart *part, MPI_Comm team, const double x[], const double exact[])
{
  double square = 0, all = 0;

  for (FenInt i = 0; i < part->nx; i++)
    square += (x[i] - exact[part->row0 + i]) * (x[i] - exact[part->row0 + i]);
  (void)MPI_Allreduce(&square, &all, 1, MPI_DOUBLE, MPI_SUM, team);
  return sqrt(all);
}

/* what was promised of an answer is true */
static void Check(FenLower L, FenInt s, double tol, double mu, const double x[], const double exact[],
                  const FenLowerAnswer *a)
{
  double        g[MOST];
  FenLowerPoint at;

  FEN_OK(FenLowerEvaluate(L, s, x, g, &at));
  FEN_ASSERT_NEAR(at.norm, a->gradient, 1e-14 + 1e-6 * a->gradient);
  FEN_ASSERT_NEAR(at.value, a->value, 1e-12 * fabs(at.value));
  assert_true(a->reached == (a->gradient <= tol));
  assert_true(Distance(&L->part, L->team, x, exact) <= a->gradient / mu + 1e-13);
}

/* ---- quadratics ---- */

static void QuadraticProblem(const char condition[], FenBilevelProblem *pr)
{
  double               theta[4] = {1, 1, 1, 1};
  FenBilevelPart       part;
  const FenBilevelOps *call;

  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_condition", condition));
  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_samples", "3"));
  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_d", "7"));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, "quadratic", NULL, NULL, pr));
  FEN_OK(FenBilevelProblemSetUp(*pr));
  FEN_OK(FenBilevelProblemGetPart(*pr, &part));
  FEN_OK(FenBilevelProblemGetOps(*pr, &call));
  FEN_OK((*call->settheta)(*pr, theta + part.theta0));
}

/* H x = -grad h(0) by elimination in long double, H column by column from products */
static void QuadraticExact(FenLower L, FenInt s, double exact[])
{
  enum { D = 7 };
  static long double A[D][D + 1];
  double             e[D] = {0}, column[D], value;

  FEN_OK((*L->call->gradient)(L->problem, s, e, &value, column));
  for (int i = 0; i < D; i++)
    A[i][D] = -(long double)column[i];
  FEN_OK((*L->call->linearise)(L->problem, s, e));
  for (int j = 0; j < D; j++) {
    for (int i = 0; i < D; i++)
      e[i] = i == j;
    FEN_OK((*L->call->hessian)(L->problem, e, column));
    for (int i = 0; i < D; i++)
      A[i][j] = (long double)column[i];
  }
  for (int k = 0; k < D; k++)
    for (int i = k + 1; i < D; i++)
      for (int j = D; j >= k; j--)
        A[i][j] -= A[i][k] / A[k][k] * A[k][j];
  for (int i = D - 1; i >= 0; i--) {
    for (int j = i + 1; j < D; j++)
      A[i][D] -= A[i][j] * (long double)exact[j];
    exact[i] = (double)(A[i][D] / A[i][i]);
  }
}

static void TestQuadratic(void **state)
{
  static const char *const type[] = {"gd", "fista", "hb", "lbfgs", "newton", "direct"}, *const condition[] = {"1", "5",
                                                                                                              "30"};
  FenBilevelProblem pr;
  FenLower          L;
  FenLowerAnswer    cold, warm;

  (void)state;
  for (int c = 0; c < 3; c++) {
    QuadraticProblem(condition[c], &pr);
    for (int k = 0; k < 6; k++) {
      FEN_OK(FenLowerCreate(pr, type[k], &L));
      for (FenInt s = L->part.start; s < L->part.end; s++) {
        double x[7] = {0}, exact[7];

        QuadraticExact(L, s, exact);
        FEN_OK(FenLowerSolve(L, s, 1e-8, 1000000, PETSC_FALSE, x, NULL, &cold));
        assert_true(cold.reached);
        Check(L, s, 1e-8, 2 * (1 - 1e-12), x, exact, &cold);
        x[0] += 1e-5;
        FEN_OK(FenLowerSolve(L, s, 1e-8, 1000000, PETSC_FALSE, x, NULL, &warm));
        assert_true(warm.reached && warm.iterations <= cold.iterations);
        Check(L, s, 1e-8, 2 * (1 - 1e-12), x, exact, &warm);
        if (k == 5)
          assert_int_equal(cold.iterations, 3);
      }
      FEN_OK(FenLowerDestroy(&L));
    }
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* after k steps gd and fista are as near as their theorems say */
static void TestRates(void **state)
{
  static const char *const type[] = {"gd", "fista"};
  const double             q = 1 / 900.;
  FenBilevelProblem        pr;
  FenLower                 L;
  FenLowerAnswer           a;

  (void)state;
  QuadraticProblem("30", &pr);
  for (int t = 0; t < 2; t++) {
    FEN_OK(FenLowerCreate(pr, type[t], &L));
    L->par.check = 1000000;
    for (FenInt s = L->part.start; s < L->part.end; s++)
      for (FenInt k = 5; k < 400; k = 2 * k) {
        double x[7] = {0}, exact[7], first, bound;

        QuadraticExact(L, s, exact);
        first = Distance(&L->part, L->team, x, exact);
        FEN_OK(FenLowerSolve(L, s, 0, k + 1, PETSC_FALSE, x, NULL, &a));
        assert_int_equal(a.iterations, k + 1); /* the last one looks */
        bound = t ? pow(1 - sqrt(q), (double)k / 2) * sqrt(1 / q * (1 + sqrt(q))) : pow((1 - q) / (1 + q), (double)k);
        assert_true(Distance(&L->part, L->team, x, exact) <= bound * first * (1 + 1e-9));
      }
    FEN_OK(FenLowerDestroy(&L));
  }
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* ---- smoothed total variation, cut over teams ---- */

static void TVProblem(TV *tv, PetscMPIInt team, FenBilevelProblem *pr)
{
  const double theta[1] = {-0.5};

  FEN_OK(TVCreate(MPI_COMM_WORLD, tv, team, pr));
  FEN_OK(TVSetTheta(*pr, theta));
}

/* sizes of teams that divide the ranks */
static PetscMPIInt Team(int k)
{
  const PetscMPIInt n = Ranks();

  return k == 0 ? n : k == 1 ? 1 : n % 2 == 0 && n > 2 ? 2 : 0;
}

static void TVSolve(FenLower L, FenInt s, double tol, FenLowerAnswer *a, double x[])
{
  double w[MOST];

  FEN_OK(TVInitial(L->problem, s, x));
  FEN_OK(TVDualStart(L->problem, s, x, w));
  FEN_OK(FenLowerSolve(L, s, tol, 1000000, PETSC_FALSE, x, w, a));
}

static void TestTV(void **state)
{
  static const char *const type[] = {"auto", "gd", "fista", "hb", "lbfgs", "newton", "pdnewton"};

  (void)state;
  for (int t = 0; t < 3; t++)
    for (int bare = 0; bare < 2; bare++) {
      TV                tv = {.n = 203, .m = 3, .nu = 0.05, .ridge = 0.25, .bare = (PetscBool)bare};
      FenBilevelProblem pr;

      if (!Team(t))
        continue;
      TVProblem(&tv, Team(t), &pr);
      for (int k = 0; k < 7 - bare; k++) {
        FenLower L;

        FEN_OK(FenLowerCreate(pr, type[k], &L));
        for (FenInt s = L->part.start; s < L->part.end; s++) {
          double         x[MOST], exact[MOST];
          FenLowerAnswer cold, warm;

          TVExact(&tv, s, exact);
          TVSolve(L, s, 1e-8, &cold, x);
          assert_true(cold.reached);
          Check(L, s, 1e-8, 1.25, x, exact, &cold);
          for (FenInt i = 0; i < L->part.nx; i++)
            x[i] = exact[L->part.row0 + i] + 1e-6;
          FEN_OK(FenLowerSolve(L, s, 1e-8, 1000000, PETSC_FALSE, x, NULL, &warm));
          assert_true(warm.reached && warm.iterations < cold.iterations);
          Check(L, s, 1e-8, 1.25, x, exact, &warm);
        }
        FEN_OK(FenLowerDestroy(&L));
      }
      FEN_OK(FenBilevelProblemDestroy(&pr));
    }
}

/* tol 0: each type says what rounding errors left, soon after it got there */
static void TestFloor(void **state)
{
  static const char *const type[] = {"gd", "fista", "hb", "lbfgs", "newton", "pdnewton"};
  TV                       tv = {.n = 100, .m = 2, .nu = 0.02, .ridge = 0.01};
  FenBilevelProblem        pr;
  FenLower                 L;

  (void)state;
  TVProblem(&tv, Team(0), &pr);
  for (int k = 0; k < 6; k++) {
    FEN_OK(FenLowerCreate(pr, type[k], &L));
    for (FenInt s = L->part.start; s < L->part.end; s++) {
      double         x[MOST], exact[MOST];
      FenLowerAnswer near, floor;

      TVExact(&tv, s, exact);
      TVSolve(L, s, 1e-11, &near, x);
      assert_true(near.reached);
      TVSolve(L, s, 0, &floor, x);
      assert_true(!floor.reached || floor.gradient == 0);
      assert_true(floor.gradient <= 2e-13 && floor.iterations <= 2 * near.iterations + 100);
      Check(L, s, 0, 1, x, exact, &floor);
      assert_true(Distance(&L->part, L->team, x, exact) <= 2e-13);
      FEN_OK(FenLowerSolve(L, s, 0, 1000000, PETSC_TRUE, x, NULL, &floor)); /* again from there */
      assert_true(floor.gradient <= 2e-13 && floor.iterations <= 1000);
    }
    FEN_OK(FenLowerDestroy(&L));
  }
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* iterations are calls: gradients, products, and solves with the tridiagonal factor, one for each point */
static void TestCounts(void **state)
{
  static const char *const type[] = {"gd", "fista", "hb", "lbfgs", "newton", "pdnewton"};

  (void)state;
  for (int k = 0; k < 6; k++) {
    TV                tv = {.n = 64, .m = Ranks(), .nu = 0.05, .ridge = 0, .bare = (PetscBool)(k < 5)};
    FenBilevelProblem pr;
    FenLower          L;
    FenLowerAnswer    a;
    double            x[MOST];

    TVProblem(&tv, 1, &pr);
    FEN_OK(FenLowerCreate(pr, type[k], &L));
    TVSolve(L, L->part.start, 1e-9, &a, x); /* the first one also compares a factor with H */
    tv.gradients = tv.products = tv.points = 0;
    TVSolve(L, L->part.start, 1e-9, &a, x);
    assert_int_equal(a.iterations, tv.gradients + tv.products + tv.points);
    tv.gradients = tv.products = tv.points = 0;
    FEN_OK(TVInitial(pr, L->part.start, x));
    FEN_OK(FenLowerSolve(L, L->part.start, 1e-9, 5, PETSC_FALSE, x, NULL, &a));
    assert_true(!a.reached && a.iterations <= 5);
    FEN_OK(FenLowerDestroy(&L));
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* nu = 1e-3 from the data: few solves for the primal-dual iteration, several times more for Newton's */
static void TestPrimalDual(void **state)
{
  TV                tv = {.n = 256, .m = 4, .nu = 1e-3, .ridge = 1e-3};
  const double      theta[1] = {0};
  FenBilevelProblem pr;
  FenLower          pd, newton;
  FenInt            sum = 0, plain = 0;

  (void)state;
  TVProblem(&tv, Team(0), &pr);
  FEN_OK(TVSetTheta(pr, theta));
  FEN_OK(FenLowerCreate(pr, "pdnewton", &pd));
  FEN_OK(FenLowerCreate(pr, "newton", &newton));
  for (FenInt s = 0; s < 4; s++) {
    double         x[MOST], w[MOST], exact[MOST];
    FenLowerAnswer a;

    TVExact(&tv, s, exact);
    TVSolve(newton, s, 1e-4, &a, x);
    assert_true(a.reached);
    plain += a.iterations;
    TVSolve(pd, s, 1e-4, &a, x);
    assert_true(a.reached);
    sum += a.iterations;
    for (FenInt i = 0; i < pd->part.nx; i++)
      x[i] = 0;
    FEN_OK(TVDualStart(pr, s, x, w));
    FEN_OK(FenLowerSolve(pd, s, 1e-10, 1000, PETSC_FALSE, x, w, &a));
    assert_true(a.reached && a.iterations <= 40);
    Check(pd, s, 1e-10, 1 + tv.ridge, x, exact, &a);
    assert_true(Distance(&pd->part, pd->team, x, exact) <= 1e-12);
    for (FenInt i = 0; i < pd->part.nx; i++)
      assert_true(fabs(w[i]) <= 1);
  }
  assert_true(sum <= 4 * 36);
  FEN_OK(FenLowerDestroy(&pd));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower_pc_type", "diagonal"));
  FEN_OK(FenLowerCreate(pr, "pdnewton", &pd));
  for (FenInt s = 0; s < 4; s++) {
    double         x[MOST];
    FenLowerAnswer a;

    TVSolve(pd, s, 1e-4, &a, x);
    assert_true(a.reached && a.iterations <= 800);
  }
  FEN_OK(PetscOptionsClearValue(NULL, "-bilevel_lower_pc_type"));
  assert_true(plain >= 3 * sum);
  FEN_OK(FenLowerDestroy(&pd));
  FEN_OK(FenLowerDestroy(&newton));
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* stopped and resumed is the same as never stopped, to the last bit, for samples in turn where memory allows it */
static void TestResume(void **state)
{
  static const char *const type[] = {"fista", "hb", "lbfgs"};
  TV                       tv = {.n = 100, .m = 2, .nu = 0.05, .ridge = 0.1};
  FenBilevelProblem        pr;
  FenLower                 L;
  double                   x[2][MOST], whole[2][MOST];
  FenLowerAnswer           first[2], second, once[2];

  (void)state;
  TVProblem(&tv, Team(0), &pr);
  for (int k = 0; k < 3; k++) {
    FEN_OK(FenLowerCreate(pr, type[k], &L));
    for (FenInt s = 0; s < 2; s++)
      TVSolve(L, s, 1e-9, &once[s], whole[s]);
    for (FenInt s = 0; s < 2; s++)
      TVSolve(L, s, 1e-3, &first[s], x[s]);
    for (FenInt s = k == 2; s < 2; s++) { /* lbfgs knows the last sample only */
      FEN_OK(FenLowerSolve(L, s, 1e-9, 1000000, PETSC_TRUE, x[s], NULL, &second));
      assert_memory_equal(x[s], whole[s], (size_t)L->part.nx * sizeof(double));
      assert_int_equal(second.iterations + first[s].iterations, once[s].iterations + 1); /* one look twice */
    }
    FEN_OK(FenLowerDestroy(&L));
  }
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* what the pairs of lbfgs make of the last change of the gradient is the last step (the secant equation), and that
   matrix is symmetric and positive */
static void TestInverse(void **state)
{
  TV                tv = {.n = 150, .m = 2, .nu = 0.1, .ridge = 0.1};
  FenBilevelProblem pr;
  FenLower          L;
  double            x[2][MOST] = {{0}}, g[2][MOST] = {{0}}, w[MOST], dots[4];
  double            step[MOST] = {0}, change[MOST] = {0}, again[MOST] = {0};
  const double     *both[2] = {again, step};
  const double     *left[4] = {again, step, again, step}, *right[4] = {g[0], x[0], x[0], g[0]};
  FenLowerAnswer    a;
  FenLowerPoint     at;

  (void)state;
  TVProblem(&tv, Team(0), &pr);
  FEN_OK(FenLowerCreate(pr, "lbfgs", &L));
  for (int k = 0; k < 2; k++) {
    FEN_OK(TVInitial(pr, 1, x[k]));
    FEN_OK(FenLowerSolve(L, 1, 0, 20 + k, PETSC_FALSE, x[k], w, &a));
    FEN_OK(FenLowerEvaluate(L, 1, x[k], g[k], &at));
  }
  for (FenInt i = 0; i < L->part.nx; i++) {
    step[i] = x[1][i] - x[0][i];
    change[i] = g[1][i] - g[0][i];
  }
  FEN_OK(FenLowerInverse(L, 1, change, again));
  for (FenInt i = 0; i < L->part.nx; i++)
    again[i] -= step[i];
  FEN_OK(FenTeamDots(L->team, L->part.nx, 2, both, both, dots));
  assert_true(dots[1] > 0 && sqrt(dots[0]) <= 1e-10 * sqrt(dots[1]));
  FEN_OK(FenLowerInverse(L, 1, x[0], again));
  FEN_OK(FenLowerInverse(L, 1, g[0], step));
  FEN_OK(FenTeamDots(L->team, L->part.nx, 4, left, right, dots));
  FEN_ASSERT_NEAR(dots[0], dots[1], 1e-11 * sqrt(dots[2] * dots[3]));
  assert_true(dots[2] > 0 && dots[3] > 0);
  FEN_OK(FenLowerDestroy(&L));
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* gradients as small as 1e-9 still get whole Newton steps by CG */
static void TestSmall(void **state)
{
  TV                tv = {.n = 80, .m = 1, .nu = 0.1, .ridge = 0, .bare = PETSC_TRUE};
  FenBilevelProblem pr;
  FenLower          L;
  FenLowerAnswer    a;
  double            x[MOST], before[MOST], exact[MOST];

  (void)state;
  TVProblem(&tv, Team(0), &pr);
  FEN_OK(FenLowerCreate(pr, "newton", &L));
  TVExact(&tv, 0, exact);
  for (FenInt i = 0; i < L->part.nx; i++)
    before[i] = x[i] = exact[L->part.row0 + i] + 1e-10 * sin((double)(L->part.row0 + i));
  FEN_OK(FenLowerSolve(L, 0, 1e-12, 1000, PETSC_FALSE, x, NULL, &a));
  assert_true(a.reached && a.iterations < 100);
  FEN_ASSERT_ALL(memcmp(x, before, (size_t)L->part.nx * sizeof(double)));
  x[0] = NAN;
  FEN_OK(FenLowerSolve(L, 0, 1e-12, 1000, PETSC_FALSE, x, NULL, &a));
  assert_true(!a.reached && !(a.gradient < INFINITY) && a.iterations == 1);
  FEN_OK(FenLowerDestroy(&L));
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* ---- an l1 norm ---- */

static void TestLasso(void **state)
{
  static const char *const type[] = {"auto", "fista", "gd", "newton"};

  (void)state;
  for (int t = 0; t < 3; t++) {
    Lasso             lasso = {.l1 = 0.2, .l2 = 0.5};
    FenBilevelProblem pr;

    if (!Team(t))
      continue;
    FEN_OK(LassoCreate(MPI_COMM_WORLD, &lasso, Team(t), &pr));
    for (int k = 0; k < 4; k++) {
      FenLower    L;
      const char *name;

      FEN_OK(FenLowerCreate(pr, type[k], &L));
      FEN_OK(FenLowerGetName(L, &name));
      assert_string_equal(name, k ? type[k] : "fista");
      for (FenInt s = L->part.start; s < L->part.end; s++) {
        double         x[LASSO_D] = {0}, exact[LASSO_D];
        FenLowerAnswer a;

        LassoExact(&lasso, s, exact);
        FEN_OK(FenLowerSolve(L, s, 1e-9, 100000, PETSC_FALSE, x, NULL, &a));
        assert_true(a.reached);
        Check(L, s, 1e-9, lasso.l2, x, exact, &a);
        for (FenInt j = 0; j < L->part.nx; j++)
          assert_true((x[j] != 0) == (exact[L->part.row0 + j] != 0));
        if (k == 3)
          assert_true(a.iterations <= 150);
        FEN_OK(FenLowerSolve(L, s, 0, 100000, PETSC_FALSE, x, NULL, &a));
        assert_true(a.gradient <= 1e-12 && a.iterations < 20000);
      }
      FEN_OK(FenLowerDestroy(&L));
    }
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* what does not fit is refused with a sentence */
static void TestRefused(void **state)
{
  Lasso             lasso = {.l1 = 0.1, .l2 = 0.5};
  TV                tv = {.n = 20, .m = 1, .nu = 0.1, .bare = PETSC_TRUE};
  FenBilevelProblem pr;
  FenLower          L;

  (void)state;
  FEN_OK(LassoCreate(MPI_COMM_WORLD, &lasso, 1, &pr));
  FEN_ERROR(FenLowerCreate(pr, "lbfgs", &L), FEN_ERR_OPTION, "l1 norm");
  FEN_ERROR(FenLowerCreate(pr, "simplex", &L), FEN_ERR_OPTION, "auto fista gd hb lbfgs newton pdnewton native direct");
  FEN_OK(FenBilevelProblemDestroy(&pr));
  TVProblem(&tv, 1, &pr);
  FEN_ERROR(FenLowerCreate(pr, "pdnewton", &L), FEN_ERR_OPTION, "no dual variables");
  FEN_ERROR(FenLowerCreate(pr, "native", &L), FEN_ERR_OPTION, "no method of its own");
  FEN_ERROR(FenLowerCreate(pr, "direct", &L), FEN_ERR_OPTION, "no solve of its own");
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(TestQuadratic), cmocka_unit_test(TestRates),   cmocka_unit_test(TestTV),
    cmocka_unit_test(TestFloor),     cmocka_unit_test(TestCounts),  cmocka_unit_test(TestPrimalDual),
    cmocka_unit_test(TestResume),    cmocka_unit_test(TestInverse), cmocka_unit_test(TestSmall),
    cmocka_unit_test(TestLasso),     cmocka_unit_test(TestRefused)};

FEN_TEST_MAIN(tests)
