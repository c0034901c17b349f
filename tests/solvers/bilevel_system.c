/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Linear systems of bilevel problems: every preconditioner and Krylov method reaches a residual that is computed here
   again, from zero and from a near start; counts are the calls; a tolerance of zero ends at rounding errors; answers do
   not depend on the ranks.
*/
#include "lowertv.h"
#include "lower.h"

enum { MOST = 512 };

typedef struct {
  const char *pc, *ksp;
  PetscBool   bare, pure; /* pure: products are all that is counted */
} Way;

static const Way ways[] = {
    {"auto", "cg", PETSC_FALSE, PETSC_FALSE},        {"auto", "cg", PETSC_TRUE, PETSC_TRUE},
    {"tridiagonal", "cg", PETSC_FALSE, PETSC_FALSE}, {"diagonal", "cg", PETSC_FALSE, PETSC_TRUE},
    {"jacobi", "minres", PETSC_FALSE, PETSC_TRUE},   {"none", "cg", PETSC_FALSE, PETSC_TRUE},
    {"none", "minres", PETSC_FALSE, PETSC_TRUE},     {"bjacobi", "cg", PETSC_FALSE, PETSC_FALSE},
    {"gamg", "cg", PETSC_FALSE, PETSC_FALSE},        {"none", "pipecg", PETSC_FALSE, PETSC_TRUE}};

static void Problem(TV *tv, FenBilevelProblem *pr, FenBilevelPart *part)
{
  const double theta[1] = {-0.5};
  PetscMPIInt  ranks;
  double       x[MOST];

  (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  FEN_OK(TVCreate(MPI_COMM_WORLD, tv, ranks, pr));
  FEN_OK(TVSetTheta(*pr, theta));
  FEN_OK(FenBilevelProblemGetPart(*pr, part));
  FEN_OK(TVInitial(*pr, 0, x));
  FEN_OK(TVLinearise(*pr, 0, x));
}

static void SetWay(const Way *way)
{
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_adjoint_pc_type", way->pc));
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_adjoint_ksp_type", way->ksp));
}

static double Residual(FenBilevelProblem pr, const FenBilevelPart *part, MPI_Comm comm, const double b[],
                       const double q[])
{
  double r[MOST], norm;

  FEN_OK(TVHessian(pr, q, r));
  for (FenInt i = 0; i < part->nx; i++)
    r[i] = b[i] - r[i];
  FEN_OK(FenTeamNorm(comm, part->nx, r, &norm));
  return norm;
}

/* H q = b with b = H known, known smooth and not */
static void Known(FenBilevelProblem pr, const FenBilevelPart *part, double scale, double known[], double b[])
{
  for (FenInt i = 0; i < part->nx; i++)
    known[i] = scale * (1 + FenRandomNormal(3, (uint64_t)(part->row0 + i), 0));
  FEN_OK(TVHessian(pr, known, b));
}

static void TestWays(void **state)
{
  (void)state;
  for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
    TV                tv = {.n = 150, .m = 1, .nu = 0.02, .ridge = 0.1, .bare = ways[k].bare};
    FenBilevelProblem pr;
    FenBilevelPart    part;
    FenSystem         system;
    FenSystemAnswer   cold, warm, floor;
    double            known[MOST], b[MOST], q[MOST], difference = 0;

    SetWay(&ways[k]);
    Problem(&tv, &pr, &part);
    Known(pr, &part, 1, known, b);
    FEN_OK(FenSystemCreate(pr, "bilevel_adjoint_", &system));
    FEN_OK(FenSystemApply(system, b, 1e-3, 10000, PETSC_TRUE, q, &cold));
    tv.products = 0;
    FEN_OK(FenSystemApply(system, b, 1e-9, 10000, PETSC_TRUE, q, &cold));
    if (ways[k].pure)
      assert_int_equal(cold.iterations, tv.products);
    else
      assert_true(cold.iterations > tv.products);
    assert_true(cold.reached && cold.residual <= 1e-9);
    FEN_ASSERT_NEAR(Residual(pr, &part, tv.team.team, b, q), cold.residual, 1e-3 * cold.residual + 1e-15);
    for (FenInt i = 0; i < part.nx; i++)
      difference = PetscMax(difference, fabs(q[i] - known[i]));
    FEN_ASSERT_ALL(difference <= 1e-9);
    for (FenInt i = 0; i < part.nx; i++)
      q[i] = known[i] + 1e-8;
    FEN_OK(FenSystemApply(system, b, 1e-9, 10000, PETSC_FALSE, q, &warm));
    assert_true(warm.reached && warm.iterations <= cold.iterations + 1);
    FEN_OK(FenSystemApply(system, b, 0, 100000, PETSC_FALSE, q, &floor));
    assert_true(floor.residual <= 1e-11 && floor.iterations <= 10 * cold.iterations + 20);
    FEN_ASSERT_NEAR(Residual(pr, &part, tv.team.team, b, q), floor.residual, 1e-12);
    FEN_OK(FenSystemDestroy(&system));
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* a solve with the factor is exact, also where ranks have one row and everything is coupled; it is one iteration where
   nobody asks for the residual, two with it */
static void TestFactor(void **state)
{
  const Way    way = {"auto", "cg", PETSC_FALSE, PETSC_FALSE};
  PetscMPIInt  ranks;
  const double nu[] = {1e-3, 1, 1, 1};

  (void)state;
  (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  SetWay(&way);
  for (int k = 0; k < 4; k++) {
    const FenInt      n[] = {90, 11, ranks + 2, PetscMax(ranks, 2)};
    TV                tv = {.n = n[k], .m = 1, .nu = nu[k], .ridge = 0};
    FenBilevelProblem pr;
    FenBilevelPart    part;
    FenSystem         system;
    FenSystemAnswer   a;
    PetscBool         exact;
    const double      theta[1] = {2};
    double            known[MOST], b[MOST], q[MOST], most = 0;

    Problem(&tv, &pr, &part);
    FEN_OK(TVSetTheta(pr, theta)); /* strong coupling */
    FEN_OK(TVInitial(pr, 0, q));
    FEN_OK(TVLinearise(pr, 0, q));
    Known(pr, &part, 1, known, b);
    FEN_OK(FenSystemCreate(pr, "bilevel_adjoint_", &system));
    FEN_OK(FenSystemIsExact(system, &exact));
    assert_true(exact);
    FEN_OK(FenSystemApply(system, b, INFINITY, 100, PETSC_TRUE, q, &a));
    assert_int_equal(a.iterations, 1);
    for (FenInt i = 0; i < part.nx; i++)
      most = PetscMax(most, fabs(q[i] - known[i]));
    FEN_ASSERT_ALL(most <= 1e-10);
    FEN_OK(FenSystemSamePoint(system));
    FEN_OK(FenSystemApply(system, b, 1e-6, 100, PETSC_TRUE, q, &a));
    assert_true(a.reached);
    assert_int_equal(a.iterations, 2);
    FEN_OK(FenSystemDestroy(&system));
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* right sides of any size: no tolerance but the caller's, and no answer of zero */
static void TestScale(void **state)
{
  const double scale[] = {1e-30, 1e-12, 1e10, 1e100};

  (void)state;
  SetWay(&ways[3]);
  for (int k = 0; k < 4; k++) {
    TV                tv = {.n = 90, .m = 1, .nu = 0.1, .ridge = 0};
    FenBilevelProblem pr;
    FenBilevelPart    part;
    FenSystem         system;
    FenSystemAnswer   a;
    double            known[MOST], b[MOST], q[MOST], norm;

    Problem(&tv, &pr, &part);
    Known(pr, &part, scale[k], known, b);
    FEN_OK(FenTeamNorm(tv.team.team, part.nx, b, &norm));
    FEN_OK(FenSystemCreate(pr, "bilevel_adjoint_", &system));
    FEN_OK(FenSystemApply(system, b, 1e-3 * norm, 10000, PETSC_TRUE, q, &a));
    assert_true(a.reached && a.iterations > 2);
    FEN_OK(FenTeamNorm(tv.team.team, part.nx, q, &norm));
    assert_true(norm > scale[k]);
    FEN_OK(FenSystemDestroy(&system));
    FEN_OK(FenBilevelProblemDestroy(&pr));
  }
}

/* the pairs of a lower solve make the adjoint's system cheaper */
static void TestPairs(void **state)
{
  Way               way = {"lbfgs", "cg", PETSC_TRUE, PETSC_FALSE};
  TV                tv = {.n = 203, .m = 1, .nu = 0.02, .ridge = 0.1, .bare = PETSC_TRUE};
  FenBilevelProblem pr;
  FenBilevelPart    part;
  FenSystem         system;
  FenSystemAnswer   a;
  FenLower          L;
  FenLowerAnswer    lower;
  double            x[MOST], b[MOST], q[MOST];

  (void)state;
  Problem(&tv, &pr, &part);
  FEN_OK(FenLowerCreate(pr, "lbfgs", &L));
  FEN_OK(TVInitial(pr, 0, x));
  FEN_OK(FenLowerSolve(L, 0, 1e-6, 10000, PETSC_FALSE, x, NULL, &lower));
  FEN_OK(TVLinearise(pr, 0, x));
  for (FenInt i = 0; i < part.nx; i++)
    b[i] = x[i] - 0.5;
  SetWay(&way);
  FEN_OK(FenSystemCreate(pr, "bilevel_adjoint_", &system));
  FEN_ERROR(FenSystemApply(system, b, 1e-8, 10000, PETSC_TRUE, q, &a), FEN_ERR_OPTION, "lower solver is not lbfgs");
  FEN_OK(FenSystemSetShell(system, FenLowerInverse, L));
  FEN_OK(FenSystemApply(system, b, 1e-8, 10000, PETSC_TRUE, q, &a));
  assert_true(a.reached);
  FEN_ASSERT_NEAR(Residual(pr, &part, tv.team.team, b, q), a.residual, 1e-12);
  FEN_OK(FenSystemDestroy(&system));
  FEN_OK(FenLowerDestroy(&L));
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

/* what a problem cannot do is refused with a sentence */
static void TestRefusals(void **state)
{
  const char *const name[] = {"solve", "diagonal", "gamg", "tridiagonal"}, *const text[] = {"no solve of its own",
                                                                                            "no diagonal", "no matrix",
                                                                                            "no matrix"};
  TV                tv = {.n = 20, .m = 1, .nu = 0.1, .bare = PETSC_TRUE};
  FenBilevelProblem pr;
  FenBilevelPart    part;
  FenSystem         system;

  (void)state;
  Problem(&tv, &pr, &part);
  for (int k = 0; k < 4; k++) {
    const Way way = {name[k], "cg", PETSC_TRUE, PETSC_FALSE};

    SetWay(&way);
    FEN_ERROR(FenSystemCreate(pr, "bilevel_adjoint_", &system), FEN_ERR_OPTION, text[k]);
  }
  FEN_OK(FenBilevelProblemDestroy(&pr));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestWays), cmocka_unit_test(TestFactor),
                                          cmocka_unit_test(TestScale), cmocka_unit_test(TestPairs),
                                          cmocka_unit_test(TestRefusals)};

FEN_TEST_MAIN(tests)
