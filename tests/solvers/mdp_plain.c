/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows that are swept as they are stored, and short lists of them, against the same rows in chunks. */
#include "fentest.h"
#include "mdp/bellman/bellmanimpl.h"
#include "mdp/mdpimpl.h"
#include "mdpsolve.h"

typedef struct {
  FenInt    n, shortest, longest; /* states of all ranks, entries of rows */
  int       actions;              /* at most; states have different numbers of them */
  PetscBool terminal, substochastic;
  FenInt    window; /* states that a row may reach; 0: all */
} Shape;

static const Shape shapes[] = {
    {3, 1, 3, 2, PETSC_FALSE, PETSC_FALSE, 0},    {61, 9, 30, 1, PETSC_FALSE, PETSC_FALSE, 0},
    {100, 8, 21, 7, PETSC_FALSE, PETSC_FALSE, 0}, {77, 8, 19, 4, PETSC_TRUE, PETSC_FALSE, 0},
    {64, 16, 17, 5, PETSC_FALSE, PETSC_TRUE, 0},  {203, 66, 131, 6, PETSC_FALSE, PETSC_FALSE, 0},
    {131, 70, 99, 9, PETSC_TRUE, PETSC_TRUE, 0},  {997, 8, 9, 6, PETSC_FALSE, PETSC_FALSE, 40},
    {401, 9, 14, 5, PETSC_TRUE, PETSC_FALSE, 33}};

/* how states are on ranks: as even as can be; the second rank has none; ranks work on states that PT-Scotch gives them
 */
typedef enum { EVEN, HOLE, GRAPH, CUTS } Cut;

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

/* every n/k-th state, from a random one on; of a window around the state if there is one */
static void FillRow(const Shape *c, FenInt s, int a, FenMDPRows *R, FenInt at)
{
  const FenInt n = c->window ? c->window : c->n, k = Length(c, s, a), step = n / k;
  const FenInt least = c->window ? PetscMax(0, PetscMin(c->n - n, s - n / 2)) : 0;
  const FenInt first = least + (FenInt)(Random(c, s, a, 1001) * (double)step);
  double       sum = 0;

  for (FenInt j = 0; j < k; j++) {
    R->next[at + j] = first + j * step;
    R->prob[at + j] = 0.1 + Random(c, s, a, j);
    sum += R->prob[at + j];
  }
  for (FenInt j = 0; j < k; j++)
    R->prob[at + j] *= (c->substochastic ? 0.9 : 1) / sum;
}

/* my states of the model */
static void Range(const Shape *c, Cut cut, FenInt *start, FenInt *end)
{
  PetscMPIInt rank, size;
  FenInt      part, parts;

  FEN_OK(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  FEN_OK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  part = cut == HOLE && rank ? rank - 1 : rank;
  parts = cut == HOLE && size > 1 ? size - 1 : size;
  *start = c->n * part / parts;
  *end = c->n * (part + 1) / parts;
  if (cut == HOLE && rank == 1)
    *start = *end;
}

static FenMDPModel Model(const Shape *c, Cut cut)
{
  const FenInt room = c->n * c->actions;
  FenMDPRows   R = {0};
  FenMDPModel  model;
  FenInt       start, end, rows = 0;

  Range(c, cut, &start, &end);
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

/* an operator, and what it says in the model's order */
typedef struct {
  FenBellman    b;
  FenInt        n, nout; /* states of mine, and of the model's cut */
  double       *V, *TV, *work, *outside;
  int          *policy, *action;
  FenSweepStats stats;
} Side;

static Side MakeSide(FenMDPModel model, Cut cut, const char simd[], PetscBool few)
{
  static const FenMDPPartition partition[CUTS] = {FEN_MDP_PARTITION_BLOCK, FEN_MDP_PARTITION_NONE,
                                                  FEN_MDP_PARTITION_GRAPH};
  FenBellmanOptions            options = {.discount = 0.9, .ambiguity = {.name = "none"}, .few_sweeps = few};
  Side                         x;
  FenLayout                    layout;
  FenInt                       ghosts;

  options.partition = partition[cut];
  FEN_OK(PetscStrcpy(options.simd, simd));
  FEN_OK(FenBellmanCreate(model, &options, &x.b));
  FEN_OK(FenBellmanGetSizes(x.b, &x.n, &ghosts));
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetLocalSize(layout, &x.nout));
  x.V = calloc((size_t)(x.n + ghosts + 1), sizeof(double));
  x.TV = calloc((size_t)(x.n + ghosts + 1), sizeof(double));
  x.work = calloc((size_t)(x.n + 1), sizeof(double));
  x.policy = calloc((size_t)(x.n + 1), sizeof(int));
  x.outside = calloc((size_t)(x.nout + 1), sizeof(double));
  x.action = calloc((size_t)(x.nout + 1), sizeof(int));
  for (FenInt s = 0; s < x.n; s++)
    x.policy[s] = -1;
  return x;
}

static void FreeSide(Side *x)
{
  FEN_OK(FenBellmanDestroy(&x->b));
  free(x->V);
  free(x->TV);
  free(x->work);
  free(x->outside);
  free(x->policy);
  free(x->action);
}

static void Sweep(Side *x)
{
  FEN_OK(FenBellmanSweep(x->b, NULL, x->V, x->TV, x->policy, &x->stats));
}

/* TV and the policy in the model's order; actions are numbered as rows */
static void Look(Side *x)
{
  FEN_OK(FenBellmanGather(x->b, x->TV, x->outside));
  FEN_OK(FenBellmanPolicyToModel(x->b, x->policy, x->action));
}

/* of what is outside */
static void AssertSameValues(const Side *x, const Side *y)
{
  int same = 1;

  for (FenInt s = 0; s < x->nout; s++)
    same = same && fabs(x->outside[s] - y->outside[s]) <= 1e-13 * (1 + fabs(y->outside[s]));
  FEN_ASSERT_ALL(same);
}

static void AssertSame(Side *x, Side *y)
{
  int same = 1;

  Look(x);
  Look(y);
  AssertSameValues(x, y);
  for (FenInt s = 0; s < x->nout; s++)
    same = same && x->action[s] == y->action[s];
  FEN_ASSERT_ALL(same);
  FEN_ASSERT_NEAR(x->stats.lo, y->stats.lo, 1e-12);
  FEN_ASSERT_NEAR(x->stats.hi, y->stats.hi, 1e-12);
  FEN_ASSERT_NEAR(x->stats.vmin, y->stats.vmin, 1e-12);
  FEN_ASSERT_NEAR(x->stats.vmax, y->stats.vmax, 1e-12);
  assert_int_equal(x->stats.changes, y->stats.changes);
  assert_true(x->stats.slack > 0 && x->stats.slack < 1e-12);
}

/* values that jump, and then move less and less; a constant among them */
static void Advance(const Shape *c, Cut cut, Side *x, int step)
{
  FenInt start, end;

  Range(c, cut, &start, &end);
  FEN_OK(FenBellmanGather(x->b, x->TV, x->outside));
  for (FenInt s = start; s < end; s++)
    x->outside[s - start] += pow(0.2, step) * Random(c, s, 40, step) + (step == 3 ? 5 : 0);
  FEN_OK(FenBellmanScatter(x->b, x->outside, x->V));
}

/* the same values and incumbents */
static void Follow(Side *x, Side *y)
{
  FEN_OK(FenBellmanGather(y->b, y->V, y->outside));
  FEN_OK(FenBellmanScatter(x->b, y->outside, x->V));
  FEN_OK(FenBellmanPolicyToModel(y->b, y->policy, y->action));
  for (FenInt s = 0; s < y->nout; s++)
    y->outside[s] = y->action[s];
  FEN_OK(FenBellmanScatter(x->b, y->outside, x->work));
  for (FenInt s = 0; s < x->n; s++)
    x->policy[s] = (int)x->work[s];
}

/* a list of all that is near: at the sweep's V it has the best rows, and no row beyond; made of rows as they are
   stored. One that would be long says so */
static void CheckShort(Side *x, double margin, PetscBool plain)
{
  double       *TV = calloc((size_t)(x->n + 1), sizeof(double));
  int          *policy = calloc((size_t)(x->n + 1), sizeof(int)), right = 1;
  PetscBool     made, gone;
  FenSweepStats stats;

  for (FenInt s = 0; s < x->n; s++)
    policy[s] = x->policy[s];
  FEN_OK(FenBellmanShortlist(x->b, x->TV, x->policy, margin, &made));
  assert_true(made == plain);
  if (made) {
    FEN_OK(FenBellmanShortSweep(x->b, NULL, x->V, TV, policy, &stats, &gone));
    for (FenInt s = 0; s < x->n; s++)
      right = right && fabs(TV[s] - x->TV[s]) <= 1e-13 && policy[s] == x->policy[s];
    FEN_ASSERT_ALL(right);
    FEN_ASSERT_NEAR(stats.lo, x->stats.lo, 1e-12);
    FEN_ASSERT_NEAR(stats.hi, x->stats.hi, 1e-12);
    assert_int_equal(stats.changes, 0);
    assert_true(gone == (stats.entries > 0.5 * x->b->plain_entries));
    assert_true(gone == (x->b->shortlist == NULL));
  }
  free(TV);
  free(policy);
}

/* elsewhere it has the greedy policy's rows or worse ones, and not worse ones than the policy's */
static void CheckElsewhere(Side *x, Side *y)
{
  double       *TV = calloc((size_t)(x->n + 1), sizeof(double)), *best = calloc((size_t)(x->n + 1), sizeof(double));
  int          *policy = calloc((size_t)(x->n + 1), sizeof(int)), right = 1;
  PetscBool     made, gone;
  FenSweepStats stats;

  for (FenInt s = 0; s < x->n; s++)
    policy[s] = x->policy[s];
  FEN_OK(FenBellmanShortlist(x->b, x->TV, x->policy, 0.05, &made));
  FEN_OK(FenBellmanGather(y->b, y->V, y->outside));
  FEN_OK(FenBellmanScatter(x->b, y->outside, x->V));
  FEN_OK(FenBellmanGather(y->b, y->TV, y->outside));
  FEN_OK(FenBellmanScatter(x->b, y->outside, best));
  if (made) {
    FEN_OK(FenBellmanSetPolicy(x->b, policy, x->V));
    FEN_OK(FenBellmanPolicySweep(x->b, NULL, x->V, x->work, &stats));
    FEN_OK(FenBellmanShortSweep(x->b, NULL, x->V, TV, policy, &stats, &gone));
    for (FenInt s = 0; s < x->n; s++)
      right = right && TV[s] <= best[s] + 1e-12 && TV[s] >= x->work[s] - 1e-12;
    FEN_ASSERT_ALL(right);
  }
  free(TV);
  free(best);
  free(policy);
}

/* T_pi V in the model's order */
static void PolicyValues(Side *x)
{
  FenSweepStats stats;

  FEN_OK(FenBellmanSetPolicy(x->b, x->policy, x->V));
  FEN_OK(FenBellmanPolicySweep(x->b, NULL, x->V, x->work, &stats));
  FEN_OK(FenBellmanGather(x->b, x->work, x->outside));
}

static void CheckPolicy(Side *x, Side *y)
{
  PolicyValues(x);
  PolicyValues(y);
  AssertSameValues(x, y);
}

static void Check(const Shape *c, Cut cut, const char simd[])
{
  FenMDPModel model = Model(c, cut);
  Side        plain = MakeSide(model, cut, simd, PETSC_TRUE), chunks = MakeSide(model, cut, simd, PETSC_FALSE);

  assert_true(plain.b->is_plain == (c->shortest >= 8) && !chunks.b->is_plain);
  FEN_OK(FenBellmanSweepZero(plain.b, NULL, plain.V, plain.TV, plain.policy, &plain.stats));
  FEN_OK(FenBellmanSweepZero(chunks.b, NULL, chunks.V, chunks.TV, chunks.policy, &chunks.stats));
  AssertSame(&plain, &chunks);
  for (int step = 0; step < 14; step++) { /* chunks are made on the way; twice a policy is known first */
    if (step != 1)
      CheckPolicy(&plain, &chunks);
    Advance(c, cut, &chunks, step);
    if (step % 3 == 2) {
      Sweep(&chunks);
      CheckElsewhere(&plain, &chunks);
    }
    Follow(&plain, &chunks);
    Sweep(&plain);
    Sweep(&chunks);
    AssertSame(&plain, &chunks);
    CheckShort(&plain, step % 2 ? 0.1 : 0, plain.b->is_plain);
    assert_true(step >= 5 || plain.b->is_plain == (c->shortest >= 8));
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
      Check(&shapes[i], EVEN, FenSimdTypes[simd]);
}

/* a rank without states, states that do not follow each other */
static void TestCuts(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
    Check(&shapes[i], HOLE, "auto");
    Check(&shapes[i], GRAPH, "auto");
  }
}

/* a list of all rows is too long, as the first sweep over it says on all ranks; that is the policy's sweep */
static void TestLong(void **state)
{
  FenMDPModel   model = Model(&shapes[5], HOLE);
  Side          x = MakeSide(model, HOLE, "auto", PETSC_TRUE);
  PetscBool     made, gone;
  FenSweepStats stats;
  int           same = 1;

  (void)state;
  FEN_OK(FenBellmanSweepZero(x.b, NULL, x.V, x.TV, x.policy, &x.stats));
  for (FenInt s = 0; s < x.n; s++) /* far more than rewards, so that all rows are read */
    x.V[s] = 1e4 * Random(&shapes[5], s, 50, 0);
  Sweep(&x);
  assert_true(x.stats.entries >= x.b->plain_entries);
  FEN_OK(FenBellmanShortlist(x.b, x.TV, x.policy, 1e6, &made));
  assert_true(made);
  FEN_OK(FenBellmanShortSweep(x.b, NULL, x.V, x.work, x.policy, &stats, &gone));
  assert_true(gone && stats.changes == 0 && !x.b->shortlist);
  for (FenInt s = 0; s < x.n; s++)
    same = same && fabs(x.work[s] - x.TV[s]) <= 1e-13 * fabs(x.TV[s]);
  FEN_ASSERT_ALL(same);
  FreeSide(&x);
  FEN_OK(FenMDPModelDestroy(&model));
}

static FenMDPModel Garnet(MPI_Comm comm, FenInt n, const char *window)
{
  char        states[16];
  FenMDPModel model;

  FEN_OK(PetscSNPrintf(states, sizeof(states), "%d", (int)n));
  FEN_OK(PetscOptionsSetValue(NULL, "-garnet_n", states));
  FEN_OK(PetscOptionsSetValue(NULL, "-garnet_branching", "12"));
  FEN_OK(PetscOptionsSetValue(NULL, "-garnet_actions", "6"));
  FEN_OK(PetscOptionsSetValue(NULL, "-garnet_window", window));
  FEN_OK(FenMDPModelGenerate(comm, "garnet", NULL, PETSC_FALSE, &model));
  return model;
}

/* values on all states, and how far they may be from the truth; were rows as they are stored to the end */
static double Solve(MPI_Comm comm, FenInt n, const char *window, const char *type, double all[], PetscBool *plain)
{
  FenMDPModel  model = Garnet(comm, n, window);
  FenMDP       mdp = MDPSolver(model, type, 0.97, NULL, 1e-7);
  FenMDPBounds B = MDPRun(mdp);

  MDPGather(mdp, n, all);
  *plain = mdp->op->is_plain;
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
  return B.value_error;
}

/* whole solves: one rank's values within both certificates, and the same bits again on the same ranks */
static void TestSolves(void **state)
{
  static const char *const windows[] = {"0", "15"}, *const types[] = {FENMDPMPI, FENMDPAUTO};
  static double many[900], again[900], one[900];

  (void)state;
  for (int k = 0; k < 4; k++) {
    PetscBool    plain, alone;
    const double e = Solve(PETSC_COMM_WORLD, 900, windows[k % 2], types[k / 2], many, &plain);
    const double f = Solve(PETSC_COMM_SELF, 900, windows[k % 2], types[k / 2], one, &alone);

    (void)Solve(PETSC_COMM_WORLD, 900, windows[k % 2], types[k / 2], again, &alone);
    FEN_ASSERT_ALL(plain || k % 2); /* slow models leave them for chunks */
    for (FenInt s = 0; s < 900; s++) {
      assert_true(fabs(many[s] - one[s]) <= e + f);
      assert_true(many[s] == again[s]);
    }
  }
}

/* NaN and infinity are not hidden by bounds of what values moved */
static void TestNaN(void **state)
{
  FenMDPModel model = Model(&shapes[5], EVEN);
  Side        x = MakeSide(model, EVEN, "auto", PETSC_TRUE);

  (void)state;
  FEN_OK(FenBellmanSweepZero(x.b, NULL, x.V, x.TV, x.policy, &x.stats));
  FEN_OK(FenBellmanSetPolicy(x.b, x.policy, x.V));
  Sweep(&x);
  assert_true(isfinite(x.stats.lo));
  for (int k = 0; k < 2; k++) {
    x.V[0] = k ? NAN : INFINITY;
    Sweep(&x);
    assert_true(isnan(x.stats.lo) && isnan(x.stats.hi));
  }
  FreeSide(&x);
  FEN_OK(FenMDPModelDestroy(&model));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSame), cmocka_unit_test(TestCuts), cmocka_unit_test(TestLong),
                                     cmocka_unit_test(TestSolves), cmocka_unit_test(TestNaN)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
