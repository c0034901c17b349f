/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows that are swept as they are stored, and short lists of them, against the same rows in chunks. */
#include "fentest.h"
#include "mdp/bellman/bellman.h"

typedef struct {
  FenInt    n, shortest, longest; /* states of all ranks, entries of rows */
  int       actions;              /* at most; states have different numbers of them */
  PetscBool terminal, substochastic;
} Shape;

static const Shape shapes[] = {{3, 1, 3, 2, PETSC_FALSE, PETSC_FALSE},    {61, 9, 30, 1, PETSC_FALSE, PETSC_FALSE},
                               {100, 8, 21, 7, PETSC_FALSE, PETSC_FALSE}, {77, 8, 19, 4, PETSC_TRUE, PETSC_FALSE},
                               {64, 16, 17, 5, PETSC_FALSE, PETSC_TRUE},  {203, 66, 131, 6, PETSC_FALSE, PETSC_FALSE},
                               {131, 70, 99, 9, PETSC_TRUE, PETSC_TRUE}};

static double Random(const Shape *c, FenInt s, int a, FenInt k)
{
  return FenRandomUniform((uint64_t)(c->n + c->longest), (uint64_t)(64 * s + a), (uint32_t)k);
}

static int Actions(const Shape *c, FenInt s)
{
  if (c->terminal && s % 7 == 3)
    return 0;
  return 1 + (int)(Random(c, s, 63, 0) * c->actions);
}

static FenInt Length(const Shape *c, FenInt s, int a)
{
  const FenInt more = (FenInt)(Random(c, s, a, 1000) * (double)(c->longest - c->shortest + 1));

  return PetscMin(c->n, c->shortest + more);
}

/* every n/k-th state, from a random one on */
static void FillRow(const Shape *c, FenInt s, int a, FenMDPRows *R, FenInt at)
{
  const FenInt k = Length(c, s, a), step = c->n / k, first = (FenInt)(Random(c, s, a, 1001) * (double)step);
  double       sum = 0;

  for (FenInt j = 0; j < k; j++) {
    R->next[at + j] = first + j * step;
    R->prob[at + j] = 0.1 + Random(c, s, a, j);
    sum += R->prob[at + j];
  }
  for (FenInt j = 0; j < k; j++)
    R->prob[at + j] *= (c->substochastic ? 0.9 : 1) / sum;
}

static FenMDPModel Model(const Shape *c)
{
  const FenInt room = c->n * c->actions;
  FenMDPRows   R = {0};
  FenMDPModel  model;
  FenLayout    layout;
  FenInt       start, end, rows = 0;

  FEN_OK(FenLayoutCreateRows(PETSC_COMM_WORLD, c->n, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenLayoutDestroy(&layout));
  R.nstates = end - start;
  R.state_ptr = calloc((size_t)(R.nstates + 1), sizeof(FenInt));
  R.action = calloc((size_t)room, sizeof(int));
  R.reward = calloc((size_t)room, sizeof(double));
  R.row_ptr = calloc((size_t)(room + 1), sizeof(FenInt));
  R.next = calloc((size_t)(room * c->longest), sizeof(FenInt));
  R.prob = calloc((size_t)(room * c->longest), sizeof(double));
  for (FenInt s = start; s < end; s++) {
    for (int a = 0; a < Actions(c, s); a++) {
      R.action[rows] = a;
      R.reward[rows] = Random(c, s, a, 1002);
      FillRow(c, s, a, &R, R.row_ptr[rows]);
      R.row_ptr[rows + 1] = R.row_ptr[rows] + Length(c, s, a);
      rows++;
    }
    R.state_ptr[s - start + 1] = rows;
  }
  FEN_OK(FenMDPModelCreateRows(PETSC_COMM_WORLD, &R, c->substochastic, &model));
  free(R.state_ptr);
  free(R.action);
  free(R.reward);
  free(R.row_ptr);
  free(R.next);
  free(R.prob);
  return model;
}

typedef struct {
  FenBellman    b;
  double       *V, *TV;
  int          *policy;
  FenSweepStats stats;
} Side;

static Side MakeSide(FenMDPModel model, const char simd[], PetscBool few)
{
  FenBellmanOptions options = {.discount = 0.9, .ambiguity = {.name = "none"}, .few_sweeps = few};
  Side              x;
  FenInt            n, ghosts;

  FEN_OK(PetscStrcpy(options.simd, simd));
  FEN_OK(FenBellmanCreate(model, &options, &x.b));
  FEN_OK(FenBellmanGetSizes(x.b, &n, &ghosts));
  x.V = calloc((size_t)(n + ghosts + 1), sizeof(double));
  x.TV = calloc((size_t)(n + ghosts + 1), sizeof(double));
  x.policy = calloc((size_t)(n + 1), sizeof(int));
  for (FenInt s = 0; s < n; s++)
    x.policy[s] = -1;
  return x;
}

static void FreeSide(Side *x)
{
  FEN_OK(FenBellmanDestroy(&x->b));
  free(x->V);
  free(x->TV);
  free(x->policy);
}

static void AssertSame(const Side *x, const Side *y, FenInt n)
{
  int same = 1;

  for (FenInt s = 0; s < n; s++)
    same = same && fabs(x->TV[s] - y->TV[s]) <= 1e-13 * (1 + fabs(y->TV[s])) && x->policy[s] == y->policy[s];
  FEN_ASSERT_ALL(same);
  FEN_ASSERT_NEAR(x->stats.lo, y->stats.lo, 1e-12);
  FEN_ASSERT_NEAR(x->stats.hi, y->stats.hi, 1e-12);
  FEN_ASSERT_NEAR(x->stats.vmin, y->stats.vmin, 1e-12);
  FEN_ASSERT_NEAR(x->stats.vmax, y->stats.vmax, 1e-12);
  assert_int_equal(x->stats.changes, y->stats.changes);
  assert_true(x->stats.slack > 0 && x->stats.slack < 1e-12);
}

/* values that jump, and then move less and less; a constant among them */
static void Advance(const Shape *c, Side *x, FenInt n, FenInt start, int step)
{
  for (FenInt s = 0; s < n; s++)
    x->V[s] = x->TV[s] + pow(0.2, step) * Random(c, start + s, 40, step) + (step == 3 ? 5 : 0);
}

/* a list of all that is near: at the sweep's V it has the best rows, and no row beyond */
static void CheckShort(const Shape *c, Side *x, FenInt n, double margin, PetscBool plain)
{
  double       *TV = calloc((size_t)(n + 1), sizeof(double));
  int          *policy = calloc((size_t)(n + 1), sizeof(int)), right = 1;
  PetscBool     made;
  PetscMPIInt   size;
  FenSweepStats stats;

  FEN_OK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (FenInt s = 0; s < n; s++)
    policy[s] = x->policy[s];
  FEN_OK(FenBellmanShortlist(x->b, x->TV, x->policy, margin, &made));
  assert_true(made || size > 1 || !plain || c->shortest < 8 || margin > 0 || c->actions < 4);
  assert_true(!made || size == 1);
  if (made) {
    FEN_OK(FenBellmanShortSweep(x->b, NULL, x->V, TV, policy, &stats));
    for (FenInt s = 0; s < n; s++)
      right = right && fabs(TV[s] - x->TV[s]) <= 1e-13 && policy[s] == x->policy[s];
    FEN_ASSERT_ALL(right);
    FEN_ASSERT_NEAR(stats.lo, x->stats.lo, 1e-12);
    FEN_ASSERT_NEAR(stats.hi, x->stats.hi, 1e-12);
    assert_int_equal(stats.changes, 0);
  }
  free(TV);
  free(policy);
}

/* elsewhere it has the greedy policy's rows or worse ones, and not worse ones than the policy's */
static void CheckElsewhere(Side *x, const Side *y, FenInt n)
{
  double       *TV = calloc((size_t)(n + 1), sizeof(double)), *policy_TV = calloc((size_t)(n + 1), sizeof(double));
  int          *policy = calloc((size_t)(n + 1), sizeof(int)), right = 1;
  PetscBool     made;
  FenSweepStats stats;

  for (FenInt s = 0; s < n; s++)
    policy[s] = x->policy[s];
  FEN_OK(FenBellmanShortlist(x->b, x->TV, x->policy, 0.05, &made));
  for (FenInt s = 0; s < n; s++)
    x->V[s] = y->V[s];
  if (made) {
    FEN_OK(FenBellmanSetPolicy(x->b, policy, x->V));
    FEN_OK(FenBellmanPolicySweep(x->b, NULL, x->V, policy_TV, &stats));
    FEN_OK(FenBellmanShortSweep(x->b, NULL, x->V, TV, policy, &stats));
    for (FenInt s = 0; s < n; s++)
      right = right && TV[s] <= y->TV[s] + 1e-12 && TV[s] >= policy_TV[s] - 1e-12;
    FEN_ASSERT_ALL(right);
  }
  free(TV);
  free(policy_TV);
  free(policy);
}

static void CheckPolicy(Side *x, Side *y, FenInt n)
{
  double       *a = calloc((size_t)(n + 1), sizeof(double)), *b = calloc((size_t)(n + 1), sizeof(double));
  int           same = 1;
  FenSweepStats stats;

  FEN_OK(FenBellmanSetPolicy(x->b, x->policy, x->V));
  FEN_OK(FenBellmanSetPolicy(y->b, y->policy, y->V));
  FEN_OK(FenBellmanPolicySweep(x->b, NULL, x->V, a, &stats));
  FEN_OK(FenBellmanPolicySweep(y->b, NULL, y->V, b, &stats));
  for (FenInt s = 0; s < n; s++)
    same = same && fabs(a[s] - b[s]) <= 1e-13 * (1 + fabs(b[s]));
  FEN_ASSERT_ALL(same);
  free(a);
  free(b);
}

static void Check(const Shape *c, const char simd[])
{
  FenMDPModel model = Model(c);
  Side        plain = MakeSide(model, simd, PETSC_TRUE), chunks = MakeSide(model, simd, PETSC_FALSE);
  FenInt      n, ghosts, start = 0;
  FenLayout   layout;

  FEN_OK(FenBellmanGetSizes(plain.b, &n, &ghosts));
  FEN_OK(FenBellmanGetLayout(plain.b, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &ghosts));
  FEN_OK(FenBellmanSweepZero(plain.b, NULL, plain.V, plain.TV, plain.policy, &plain.stats));
  FEN_OK(FenBellmanSweepZero(chunks.b, NULL, chunks.V, chunks.TV, chunks.policy, &chunks.stats));
  AssertSame(&plain, &chunks, n);
  for (int step = 0; step < 14; step++) { /* chunks are made on the way; twice a policy is known first */
    if (step != 1)
      CheckPolicy(&plain, &chunks, n);
    Advance(c, &chunks, n, start, step);
    if (step % 3 == 2) {
      FEN_OK(FenBellmanSweep(chunks.b, NULL, chunks.V, chunks.TV, chunks.policy, &chunks.stats));
      CheckElsewhere(&plain, &chunks, n);
    }
    for (FenInt s = 0; s < n; s++) {
      plain.V[s] = chunks.V[s];
      plain.policy[s] = chunks.policy[s];
    }
    FEN_OK(FenBellmanSweep(plain.b, NULL, plain.V, plain.TV, plain.policy, &plain.stats));
    FEN_OK(FenBellmanSweep(chunks.b, NULL, chunks.V, chunks.TV, chunks.policy, &chunks.stats));
    AssertSame(&plain, &chunks, n);
    CheckShort(c, &plain, n, step % 2 ? 0.1 : 0, (PetscBool)(step < 5));
    if (step == 12)
      FEN_OK(FenBellmanStore(plain.b));
  }
  FreeSide(&plain);
  FreeSide(&chunks);
  FEN_OK(FenMDPModelDestroy(&model));
}

static void TestSame(void **state)
{
  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
      Check(&shapes[i], FenSimdTypes[simd]);
}

/* NaN and infinity are not hidden by bounds of what values moved */
static void TestNaN(void **state)
{
  FenMDPModel model = Model(&shapes[5]);
  Side        x = MakeSide(model, "auto", PETSC_TRUE);

  (void)state;
  FEN_OK(FenBellmanSweepZero(x.b, NULL, x.V, x.TV, x.policy, &x.stats));
  FEN_OK(FenBellmanSetPolicy(x.b, x.policy, x.V));
  FEN_OK(FenBellmanSweep(x.b, NULL, x.V, x.TV, x.policy, &x.stats));
  assert_true(isfinite(x.stats.lo));
  for (int k = 0; k < 2; k++) {
    x.V[0] = k ? NAN : INFINITY;
    FEN_OK(FenBellmanSweep(x.b, NULL, x.V, x.TV, x.policy, &x.stats));
    assert_true(isnan(x.stats.lo) && isnan(x.stats.hi));
  }
  FreeSide(&x);
  FEN_OK(FenMDPModelDestroy(&model));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSame), cmocka_unit_test(TestNaN)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
