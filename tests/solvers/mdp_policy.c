/* SPDX-License-Identifier: BSD-2-Clause */
/* The extracted rows of a policy: sweeps, products, local block and renewal against the operator and plain loops. */
#include "mdpcases.h"
#include <petscmat.h>

static int SomeAction(const Case *c, FenInt s, int round)
{
  return (int)(CaseRandom(c, s, 61, round) * CaseRows(c, s));
}

/* a policy of the operator's states; with `round` it changes in a few */
static void ChoosePolicy(const Case *c, FenBellman b, Work *w, int round)
{
  const FenInt *number;

  (void)b;
  number = CaseNumbers(c, b);
  for (FenInt k = 0; k < w->n; k++) {
    const FenInt s = number[k];

    w->policy[k] = CaseRows(c, s) ? SomeAction(c, s, s % 7 ? 0 : round) : -1;
  }
  free((void *)(uintptr_t)number);
}

/* T_pi V by loops, on all states in the model's order */
static double *Expected(const Case *c, const double V[], double sign, int round)
{
  double *TV = calloc((size_t)c->n, sizeof(double));

  for (FenInt s = 0; s < c->n; s++) {
    TV[s] = sign * CaseTerminal(c, s);
    if (CaseRows(c, s)) {
      const CaseRow row = CaseMakeRow(c, s, SomeAction(c, s, s % 7 ? 0 : round));

      TV[s] = (double)CaseRowValue(c, &row, V, sign);
    }
  }
  return TV;
}

static double Distance(const Case *c, FenBellman b, const double inside[], const double all[], double sign)
{
  FenInt  start;
  FenInt  n = CaseLocal(c, &start);
  double *outside = calloc((size_t)(n + 1), sizeof(double)), worst = 0;

  FEN_OK(FenBellmanToModel(b, inside, outside));
  for (FenInt k = 0; k < n; k++)
    worst = fmax(worst, fabs(sign * outside[k] - all[start + k]));
  free(outside);
  return worst;
}

static void CheckPolicy(const Case *c, FenBellman b, double sign)
{
  Work          w = MakeWork(c, b, sign);
  double       *y = calloc((size_t)(w.n + 1), sizeof(double));
  const double *r;
  FenSweepStats stats;

  for (int round = 0; round < 3; round++) {
    double *expected = Expected(c, w.all_V, sign, round), worst = 0, lo = INFINITY, hi = -INFINITY;

    for (FenInt s = 0; s < c->n; s++) {
      lo = fmin(lo, expected[s] - w.all_V[s]);
      hi = fmax(hi, expected[s] - w.all_V[s]);
    }
    ChoosePolicy(c, b, &w, round);
    FEN_OK(FenBellmanSetPolicy(b, w.policy, w.V));
    FEN_OK(FenBellmanPolicySweep(b, NULL, w.V, w.TV, &stats));
    FEN_ASSERT_ALL(Distance(c, b, w.TV, expected, sign) <= stats.slack);
    FEN_ASSERT_NEAR(stats.lo, c->terminal || c->substochastic ? fmin(lo, 0) : lo, 1e-13);
    FEN_ASSERT_NEAR(stats.hi, c->terminal || c->substochastic ? fmax(hi, 0) : hi, 1e-13);
    FEN_OK(FenBellmanPolicyMult(b, w.V, y));
    FEN_OK(FenBellmanPolicyReward(b, &r));
    for (FenInt k = 0; k < w.n; k++)
      worst = fmax(worst, fabs(r[k] - y[k] - (w.TV[k] - w.V[k])));
    FEN_ASSERT_ALL(worst <= 1e-13);
    free(expected);
  }
  free(y);
  FreeWork(&w);
}

static void TestPolicy(void **state)
{
  (void)state;
  EachCase(CheckPolicy);
}

/* the greedy policy's sweep repeats the greedy sweep bit by bit */
static void CheckGreedy(const Case *c, FenBellman b, double sign)
{
  Work          w = MakeWork(c, b, sign);
  double       *TV = calloc((size_t)(w.n + 1), sizeof(double));
  FenSweepStats greedy, fixed;
  int           same = 1;

  FEN_OK(FenBellmanSweep(b, NULL, w.V, w.TV, w.policy, &greedy));
  FEN_OK(FenBellmanSetPolicy(b, w.policy, w.V));
  FEN_OK(FenBellmanPolicySweep(b, NULL, w.V, TV, &fixed));
  for (FenInt k = 0; k < w.n; k++)
    same = same && TV[k] == w.TV[k];
  FEN_ASSERT_ALL(same);
  assert_true(greedy.lo == fixed.lo && greedy.hi == fixed.hi);
  free(TV);
  FreeWork(&w);
}

static void TestGreedy(void **state)
{
  (void)state;
  EachCase(CheckGreedy);
}

/* x lives on one rank after the other: its own part of the product is that of its local block */
static void CheckLocal(const Case *c, FenBellman b, double sign)
{
  Work           w = MakeWork(c, b, sign);
  double        *x = calloc((size_t)(w.n + 1), sizeof(double)), *y = calloc((size_t)(w.n + 1), sizeof(double));
  PetscMPIInt    rank, size;
  const PetscInt n = (PetscInt)w.n;
  Mat            M;
  Vec            vx, vy;

  FEN_OK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  FEN_OK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  ChoosePolicy(c, b, &w, 1);
  FEN_OK(FenBellmanSetPolicy(b, w.policy, w.V));
  FEN_OK(FenBellmanPolicyLocalMat(b, &M));
  FEN_OK(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, x, &vx));
  FEN_OK(VecCreateSeq(PETSC_COMM_SELF, n, &vy));
  for (int owner = 0; owner < size; owner++) {
    double worst = 0;

    for (FenInt k = 0; k < w.n; k++)
      x[k] = owner == rank ? w.V[k] : 0;
    FEN_OK(PetscObjectStateIncrease((PetscObject)vx));
    FEN_OK(FenBellmanPolicyMult(b, x, y));
    if (owner == rank) {
      const double *a;

      FEN_OK(MatMult(M, vx, vy));
      FEN_OK(VecGetArrayRead(vy, &a));
      for (FenInt k = 0; k < w.n; k++)
        worst = fmax(worst, fabs(a[k] - y[k]));
      FEN_OK(VecRestoreArrayRead(vy, &a));
    }
    FEN_ASSERT_ALL(worst <= 1e-13);
  }
  FEN_OK(VecDestroy(&vx));
  FEN_OK(VecDestroy(&vy));
  FEN_OK(MatDestroy(&M));
  free(x), free(y);
  FreeWork(&w);
}

static void TestLocal(void **state)
{
  (void)state;
  EachCase(CheckLocal);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestPolicy), cmocka_unit_test(TestGreedy),
                                     cmocka_unit_test(TestLocal)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
