/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Transport with penalised marginals: closed forms, an iteration in long double with the cost matrix written out,
   limits, bounds at every iteration, ranks, what is refused. Every type.
*/
#include "solve.h"
#include "cases.h"
#include "dense.h"
#include "watch.h"

#define KL FEN_MARGINAL_KL
#define EQ FEN_MARGINAL_EQUALITY

static FenOT Make(const char *type, FenMeasure m[2], FenCost cost, double eps, double gap,
                  const FenMarginalKind kind[2], const double rho[2])
{
  FenOT ot = SolveMake(type, m, cost, eps, gap);

  FEN_OK(FenOTSetMarginalPenalty(ot, kind, rho));
  return ot;
}

/* the update of marginal.h, written down once more */
static long double Update(FenMarginalKind kind, double rho, double eps, long double soft)
{
  return kind == EQ ? soft : soft * rho / ((long double)rho + eps);
}

static long double Dual(FenMarginalKind kind, double rho, double w, long double h)
{
  if (!(w > 0))
    return 0;
  return kind == EQ ? w * h : rho * w * -expm1l(-h / rho);
}

/* optimum by plain alternation in long double, no shift, no scaling */
static double Optimum(const Dense *D, double eps, const FenMarginalKind kind[2], const double rho[2], double *mass)
{
  long double *f = D->wet, *g = D->wet + D->n, value = 0, plan = 0, change = 1, m[2] = {0, 0};

  memset(f, 0, (size_t)(D->n + D->m) * sizeof(*f));
  for (int it = 0; it < 400000 && change > 1e-17L * (1 + D->largest); it++) {
    change = 0;
    for (FenInt i = 0; i < D->n; i++)
      f[i] = Update(kind[0], rho[0], eps, DenseSoft(D, 0, eps, g, i));
    for (FenInt j = 0; j < D->m; j++) {
      const long double next = Update(kind[1], rho[1], eps, DenseSoft(D, 1, eps, f, j));

      change = fmaxl(change, fabsl(next - g[j]));
      g[j] = next;
    }
  }
  assert_true(change <= 1e-16L * (1 + D->largest));
  for (FenInt i = 0; i < D->n; i++) {
    value += Dual(kind[0], rho[0], D->a[i], f[i]);
    m[0] += D->a[i];
    for (FenInt j = 0; j < D->m; j++)
      if (D->a[i] > 0 && D->b[j] > 0)
        plan += D->a[i] * D->b[j] * expl((f[i] + g[j] - D->C[i * D->m + j]) / eps);
  }
  for (FenInt j = 0; j < D->m; j++) {
    value += Dual(kind[1], rho[1], D->b[j], g[j]);
    m[1] += D->b[j];
  }
  if (mass)
    *mass = (double)plan;
  return (double)(value - eps * (plan - m[0] * m[1]));
}

/* two points of masses m1, m2 at distance d: mass (m1 m2)^((eps+rho)/(eps+2 rho)) exp(-c/(eps+2 rho)) */
static void TestDirac(void **state)
{
  static const double mass[4][2] = {{1, 1}, {0.3, 2}, {5, 0.01}, {1e3, 1e-3}}, rhos[4] = {0.05, 1, 7, 1e4};

  (void)state;
  for (int t = 0; t < NTYPES; t++)
    for (int k = 0; k < 16; k++) {
      const double          m1 = mass[k / 4][0], m2 = mass[k / 4][1], rho = rhos[k % 4], eps = 0.07, c = 1.69;
      const double          x[2] = {0.5, 1.8}, rhos2[2] = {rho, rho};
      const FenMarginalKind kind[2] = {KL, KL};
      const double          T = pow(m1 * m2, (eps + rho) / (eps + 2 * rho)) * exp(-c / (eps + 2 * rho));
      const double          value = (2 * rho + eps) * -T + rho * (m1 + m2) + eps * m1 * m2;
      FenMeasure            m[2] = {SolvePoints(1, 1, &x[0], &m1), SolvePoints(1, 1, &x[1], &m2)};
      FenOT                 ot = Make(solve_types[t], m, NULL, eps, 1e-10, kind, rhos2);
      FenOTBounds           B = SolveRun(ot);

      SOLVE_ENCLOSES(B, value, 2e-10, 1e-12 * rho * (m1 + m2));
      /* (2 rho + eps)/T is the second derivative of the primal value */
      FEN_ASSERT_NEAR(B.mass, T, 1.1 * sqrt(2 * (B.upper - B.lower) * T / (2 * rho + eps)) + 1e-14 * T);
      FEN_ASSERT_NEAR(B.cost, c * B.mass, (1e-12 + 1e-14 * rho / eps) * c * B.mass); /* exponentials of rho/eps */
      FEN_OK(FenOTDestroy(&ot));
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
    }
}

/* measures of different masses, points and weights random, some weights zero */
static void Random(int k, FenMeasure m[2])
{
  for (int s = 0; s < 2; s++) {
    const FenInt n = 2 + (FenInt)(9 * FenRandomUniform(31, (uint64_t)k, (uint32_t)s));
    double       x[30], w[12];

    for (FenInt i = 0; i < 2 * n; i++)
      x[i] = FenRandomNormal(32, (uint64_t)(100 * k + i), (uint32_t)s);
    for (FenInt i = 0; i < n; i++)
      w[i] = k % 3 == 0 && i == 1 ? 0 : exp(4 * FenRandomUniform(33, (uint64_t)(100 * k + i), (uint32_t)s) - 3);
    m[s] = SolvePoints(n, 2, x, w);
  }
}

/* bounds hold at every iteration, the truth being known to more digits; a narrow interval is reached */
static void TestRandom(void **state)
{
  static const FenMarginalKind kinds[3][2] = {{KL, KL}, {KL, EQ}, {EQ, KL}};
  static const double          rhos[4] = {0.02, 0.5, 3, 200};

  (void)state;
  for (int k = 0; k < 48; k++)
    for (int t = 0; t < NTYPES; t++) {
      const double rho[2] = {rhos[k % 4], rhos[(k + k / 4) % 4]};
      FenCost      cost;
      FenMeasure   m[2];
      FenOT        ot;
      FenOTBounds  B;
      Watch        watch = {0};
      double       eps, mass;
      Dense        D;

      Random(k, m);
      FEN_OK(FenCostCreate(PETSC_COMM_SELF, k % 2 ? FEN_COST_SQEUCLIDEAN : FEN_COST_EUCLIDEAN, &cost));
      D = DenseMake(m, cost);
      eps = D.largest * (k % 5 == 0 ? 2 : 0.1);
      watch.truth = Optimum(&D, eps, kinds[k % 3], rho, &mass);
      ot = Make(solve_types[t], m, cost, eps, 1e-9, kinds[k % 3], rho);
      FEN_OK(FenSolverMonitorSet((FenSolver)ot, WatchLook, &watch, NULL));
      B = SolveRun(ot);
      assert_int_equal(watch.wrong, 0);
      assert_true(watch.bounds > 0);
      SOLVE_ENCLOSES(B, watch.truth, 1.1e-9, 0);
      FEN_ASSERT_NEAR(B.mass, mass, 1e-3 * mass);
      DenseFree(&D);
      FEN_OK(FenOTDestroy(&ot));
      FEN_OK(FenMeasureDestroy(&m[0]));
      FEN_OK(FenMeasureDestroy(&m[1]));
      FEN_OK(FenCostDestroy(&cost));
    }
}

/* bounds of potentials that nothing has been done for: the interval is wide, but it is one */
static void TestAnyPotential(void **state)
{
  static const FenMarginalKind kinds[3][2] = {{KL, KL}, {KL, EQ}, {EQ, KL}};
  static const double          rhos[3] = {0.3, 2, 50};

  (void)state;
  for (int k = 0; k < 30; k++) {
    const double rho[2] = {rhos[k % 3], rhos[k / 3 % 3]};
    FenMeasure   m[2];
    FenCost      cost;
    FenOT        ot;
    FenOTBounds  B;
    double       truth;
    Dense        D;

    Random(k, m);
    FEN_OK(FenCostCreate(PETSC_COMM_SELF, FEN_COST_SQEUCLIDEAN, &cost));
    D = DenseMake(m, cost);
    truth = Optimum(&D, 0.2 * D.largest, kinds[k % 3], rho, NULL);
    ot = Make(FENOTSINKHORN, m, cost, 0.2 * D.largest, 1e-9, kinds[k % 3], rho);
    FEN_OK(FenSolverSetUp((FenSolver)ot));
    for (FenInt j = 0; j < ot->m; j++)
      ot->g[j] = (k % 2 ? 1 : 0.01) * FenRandomNormal(34, (uint64_t)(100 * k + j), 0);
    FEN_OK(FenOTComputeBounds(ot, &B));
    assert_true(B.lower <= truth && truth <= B.upper && B.upper - B.lower > 1e-9 * truth);
    assert_true(B.ot_lower <= B.ot_upper);
    DenseFree(&D);
    FEN_OK(FenOTDestroy(&ot));
    FEN_OK(FenMeasureDestroy(&m[0]));
    FEN_OK(FenMeasureDestroy(&m[1]));
    FEN_OK(FenCostDestroy(&cost));
  }
}

/* an infinitely strong penalty is an exact marginal: the difference falls like 1/rho */
static void TestStrong(void **state)
{
  (void)state;
  for (int t = 0; t < NTYPES; t++)
    for (int k = 0; k < NCASES; k++) {
      const FenMarginalKind kind[2] = {KL, KL};
      double                far[2], eps;
      FenOTBounds           exact;
      FenMeasure            m[2];
      FenCost               cost;

      CaseMake(&cases[k], PETSC_COMM_SELF, NULL, m, &cost);
      FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &eps));
      eps *= 0.05;
      exact = SolveOnce(FENOTNEWTON, m, cost, eps, 1e-9);
      for (int r = 0; r < 2; r++) {
        const double rho[2] = {(r ? 4000 : 1000) * eps, (r ? 4000 : 1000) * eps};
        FenOT        ot = Make(solve_types[t], m, cost, eps, 1e-8, kind, rho);
        FenOTBounds  B = SolveRun(ot);

        FEN_OK(FenOTDestroy(&ot));
        far[r] = exact.upper - 0.5 * (B.lower + B.upper);
        assert_true(B.lower <= exact.upper); /* plans of the exact problem are allowed and pay no penalty */
      }
      assert_true(far[1] > 0 && fabs(far[0] / far[1] - 4) < 0.2);
      CaseDestroy(m, &cost);
    }
}

/* clouds and grids of every kind, against plain alternation with the written-out matrix; masses differ */
static void TestCases(void **state)
{
  const FenMarginalKind kind[2] = {KL, KL};

  (void)state;
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      FenMeasure  m[2];
      FenCost     cost;
      FenOT       ot;
      FenOTBounds B;
      double      largest, rho[2], truth;
      Dense       D;

      for (int s = 0; s < 2; s++)
        m[s] = cases[k].grid ? CaseGrid(&cases[k], s, PETSC_COMM_SELF, NULL) : CaseCloud(&cases[k], s, PETSC_COMM_SELF);
      if (cases[k].kind == FEN_COST_MATRIX)
        cost = CaseMatrixCost(&cases[k], m);
      else if (cases[k].kind == FEN_COST_POWER)
        FEN_OK(FenCostCreatePower(PETSC_COMM_SELF, cases[k].power, &cost));
      else
        FEN_OK(FenCostCreate(PETSC_COMM_SELF, cases[k].kind, &cost));
      FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &largest));
      rho[0] = 0.3 * largest;
      rho[1] = 0.1 * largest;
      D = DenseMake(m, cost);
      truth = Optimum(&D, 0.03 * largest, kind, rho, NULL);
      ot = Make(solve_types[t], m, cost, 0.03 * largest, 1e-9, kind, rho);
      B = SolveRun(ot);
      SOLVE_ENCLOSES(B, truth, 1.1e-9, 1e-14 * truth);
      assert_true(B.ot_lower <= B.ot_upper);
      DenseFree(&D);
      FEN_OK(FenOTDestroy(&ot));
      CaseDestroy(m, &cost);
    }
}

static double Value(const char *type, int k, MPI_Comm comm)
{
  const FenMarginalKind kind[2] = {KL, KL};
  FenMeasure            m[2];
  FenCost               cost;
  FenOT                 ot;
  double                largest, rho[2], value;

  CaseMake(&cases[k], comm, NULL, m, &cost);
  FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &largest));
  rho[0] = rho[1] = 0.2 * largest;
  ot = Make(type, m, cost, 0.02 * largest, 1e-9, kind, rho);
  SolveRun(ot);
  FEN_OK(FenSolverGetBounds((FenSolver)ot, &value, NULL, NULL));
  FEN_OK(FenOTDestroy(&ot));
  CaseDestroy(m, &cost);
  return value;
}

/* cells alone, without Newton steps on the whole problem: the bounds close all the same, around the answer */
static void TestCells(void **state)
{
  static const Case            grid = {"", FEN_COST_SQEUCLIDEAN, 2, {{24, 19}, {20, 26}}, PETSC_TRUE, 5, 0};
  static const FenMarginalKind kinds[3][2] = {{KL, KL}, {KL, EQ}, {EQ, KL}};
  static const double          rhos[2] = {0.5, 20};

  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-ot_domdec_newton", "false"));
  for (int k = 0; k < 6; k++) {
    const double rho[2] = {rhos[k % 2], rhos[k % 2]};
    FenMeasure   m[2];
    FenOT        ot;
    FenOTBounds  B[2];

    for (int s = 0; s < 2; s++)
      m[s] = CaseGrid(&grid, s, MPI_COMM_WORLD, NULL);
    ot = Make(FENOTMULTIGRID, m, NULL, 0.05, 1e-10, kinds[k / 2], rho);
    B[0] = SolveRun(ot);
    FEN_OK(FenOTDestroy(&ot));
    ot = Make(FENOTDOMDEC, m, NULL, 0.05, 1e-6, kinds[k / 2], rho);
    FEN_OK(FenOTSetFromOptions(ot));
    B[1] = SolveRun(ot);
    assert_true(B[1].lower <= B[0].upper && B[0].lower <= B[1].upper);
    assert_true(B[1].upper - B[1].lower <= 1e-6 * B[1].upper);
    FEN_ASSERT_NEAR(B[1].mass, B[0].mass, 2e-3 * B[0].mass);
    FEN_OK(FenOTDestroy(&ot));
    FEN_OK(FenMeasureDestroy(&m[0]));
    FEN_OK(FenMeasureDestroy(&m[1]));
  }
  FEN_OK(PetscOptionsClearValue(NULL, "-ot_domdec_newton"));
}

static void TestRanks(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++) {
      const double alone = Value(solve_types[t], k, PETSC_COMM_SELF), value = Value(solve_types[t], k, MPI_COMM_WORLD);

      FEN_ASSERT_NEAR(value, alone, 1e-12 * fabs(alone));
    }
}

/* the plan that is given out has the mass and the rows that the potentials ask for; so has the map */
static void TestPlan(void **state)
{
  const FenMarginalKind kind[2] = {KL, KL};
  const double          rho[2] = {0.7, 1.1};
  FenMeasure            m[2];
  FenSparse             plan = {0};
  FenOTBounds           B;
  const double         *f, *a, *y;
  double                map[24], mean[2], row, mass = 0;
  FenOT                 ot;
  FenInt                n;

  (void)state;
  Random(1, m);
  ot = Make(FENOTSINKHORN, m, NULL, 0.3, 1e-9, kind, rho);
  B = SolveRun(ot);
  FEN_OK(FenOTComputePlan(ot, 1e-300, &plan));
  FEN_OK(FenOTComputeMap(ot, map));
  FEN_OK(FenOTGetPotentials(ot, &f, NULL));
  FEN_OK(FenMeasureGetSize(m[0], &n, NULL));
  FEN_OK(FenMeasureGetWeights(m[0], &a));
  FEN_OK(FenMeasureGetPoints(m[1], &y));
  for (FenInt i = 0; i < n; i++) {
    row = mean[0] = mean[1] = 0;
    for (FenInt e = plan.ptr[i]; e < plan.ptr[i + 1]; e++) {
      row += plan.val[e];
      mean[0] += plan.val[e] * y[2 * plan.idx[e]];
      mean[1] += plan.val[e] * y[2 * plan.idx[e] + 1];
    }
    FEN_ASSERT_NEAR(row, a[i] * exp(-f[i] / rho[0]), 1e-12);
    FEN_ASSERT_NEAR(map[2 * i], mean[0] / row, 1e-12);
    FEN_ASSERT_NEAR(map[2 * i + 1], mean[1] / row, 1e-12);
    mass += row;
  }
  FEN_ASSERT_NEAR(mass, B.mass, 1e-4 * mass);
  FEN_OK(FenSparseFree(&plan));
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
}

/* aprox of spec and paper at eps = .3, rho = .7: update(T) = -aprox(-T) */
static void TestUpdate(void **state)
{
  static const double t[6] = {-2, -.5, 0, .4, 1.5, 5}, y[6] = {-1.4, -.35, 0, .28, 1.05, 3.5};
  FenMarginal         M;

  (void)state;
  FenMarginalSet(&M, KL, 0.7);
  for (int k = 0; k < 6; k++)
    FEN_ASSERT_NEAR(-M.ops->update(&M, 0.3, -t[k]), y[k], 1e-15);
}

/* tables against each other: derivatives by differences, Fenchel-Young with equality at the marginal that is wanted */
static void TestTables(void **state)
{
  FenMarginal M;

  (void)state;
  for (int k = 0; k < 40; k++) {
    const double w = FenRandomUniform(35, (uint64_t)k, 0), h = FenRandomNormal(35, (uint64_t)k, 1), d = 1e-5;
    FenDD        up = {0, 0}, down = {0, 0}, at = {0, 0};
    double       best, l = FenRandomNormal(35, (uint64_t)k, 2);

    FenMarginalSet(&M, KL, 0.1 + 5 * FenRandomUniform(35, (uint64_t)k, 3));
    M.ops->dual(&M, w, h + d, &up);
    M.ops->dual(&M, w, h - d, &down);
    M.ops->dual(&M, w, h, &at);
    FEN_ASSERT_NEAR((up.hi - down.hi) / (2 * d), M.ops->wanted(&M, w, h), 1e-6 * exp(10 * fabs(h)));
    FEN_ASSERT_NEAR((M.ops->wanted(&M, w, h - d) - M.ops->wanted(&M, w, h + d)) / (2 * d), M.ops->decay(&M, w, h),
                    1e-6 * exp(20 * fabs(h)));
    best = log(M.ops->wanted(&M, w, h) / w);
    FEN_ASSERT_NEAR(M.ops->excess(&M, w, h, best), 0, 1e-13);
    FEN_ASSERT_NEAR(M.ops->price(&M, h, best), 0, 1e-12);
    assert_true(M.ops->excess(&M, w, h, best + l) > 0);
    FEN_ASSERT_NEAR(M.ops->excess(&M, w, h, l), M.ops->penalty(&M, w, l) - at.hi - at.lo + h * w * exp(l),
                    1e-12 * exp(20 * fabs(h)));
  }
}

static void TestRefused(void **state)
{
  static const double bad[4] = {0, -1, NAN, INFINITY};
  const double        x[2] = {0, 1}, w[2] = {1, 2}, none[2] = {0, 0}, negative[2] = {1, -1};
  FenMeasure          m[2] = {SolvePoints(2, 1, x, w), SolvePoints(2, 1, x, w)}, empty = SolvePoints(2, 1, x, none),
             wrong = SolvePoints(2, 1, x, negative);
  FenMarginalKind kind[2] = {KL, EQ};
  double          rho[2] = {1, 0};
  FenOT           ot;
  FenLayout       layout;
  double          spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];

  (void)state;
  FEN_OK(FenOTCreate(PETSC_COMM_SELF, &ot));
  for (int k = 0; k < 4; k++) {
    rho[0] = bad[k];
    FEN_ERROR(FenOTSetMarginalPenalty(ot, kind, rho), FEN_ERR_OPTION, "penalty of the source's marginal");
  }
  rho[0] = 1;
  FEN_OK(FenOTSetMarginalPenalty(ot, kind, rho));
  FEN_OK(FenOTSetEpsilon(ot, 0.1));
  FEN_OK(FenOTSetMeasures(ot, empty, m[1]));
  FEN_ERROR(FenOTCheck(ot), FEN_ERR_VALUE, "source: all 2 weights are 0");
  FEN_OK(FenOTSetMeasures(ot, m[0], wrong));
  FEN_ERROR(FenOTCheck(ot), FEN_ERR_VALUE, "target: weight 1 is -1");
  FEN_OK(FenOTSetMeasures(ot, m[0], m[1]));
  FEN_OK(FenOTCheck(ot));
  FEN_ERROR(FenOTGetFrameGrid(ot, &layout, spacing, origin), FEN_ERR_OPTION, "penalised marginals");
  FEN_OK(FenOTGetMarginalPenalty(ot, kind, rho));
  assert_true(kind[0] == KL && kind[1] == EQ && rho[0] == 1 && rho[1] == 0);
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  FEN_OK(FenMeasureDestroy(&empty));
  FEN_OK(FenMeasureDestroy(&wrong));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestUpdate),  cmocka_unit_test(TestTables),
                                     cmocka_unit_test(TestRefused), cmocka_unit_test(TestDirac),
                                     cmocka_unit_test(TestRandom),  cmocka_unit_test(TestAnyPotential),
                                     cmocka_unit_test(TestCases),   cmocka_unit_test(TestCells),
                                     cmocka_unit_test(TestStrong),  cmocka_unit_test(TestPlan)};
  const struct CMUnitTest together[] = {cmocka_unit_test(TestRanks), cmocka_unit_test(TestCells)};
  PetscMPIInt             size;
  int                     failed;

  if (!FenTestStart(&argc, &argv))
    return 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  failed = size > 1 ? cmocka_run_group_tests_name(__FILE__, together, NULL, NULL)
                    : cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
  return FenTestEnd(failed);
}
