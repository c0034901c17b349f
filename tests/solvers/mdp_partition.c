/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The cut of states over ranks: answers do not depend on it, saved states pass from one to another and between numbers
   of ranks, work is even, and a sweep sends what the column-net metric says, in as many messages as there are pairs of
   neighbours, with one reduction.
*/
#include "mdpsolve.h"
#include "mdp/bellman/bellman.h"
#include "mdp/mdpimpl.h"
#include <petsclog.h>

enum { SIDE = 24, CELLS = SIDE * SIDE, SHUFFLE = 37, BACK = 109 /* SHUFFLE * BACK = 1 mod CELLS */ };
#define NPARTITIONS 3

/* cells of a grid in an order that says nothing about neighbours; the last one is terminal */
static int Grid(const void *ctx, FenInt s, MDPRow r[8])
{
  const FenInt cell = s * SHUFFLE % CELLS, y = cell / SIDE, x = cell % SIDE;
  const FenInt to[4] = {y ? cell - SIDE : cell, x < SIDE - 1 ? cell + 1 : cell, y < SIDE - 1 ? cell + SIDE : cell,
                        x ? cell - 1 : cell};

  (void)ctx;
  if (cell == CELLS - 1)
    return 0;
  for (int a = 0; a < 4; a++) {
    r[a] = (MDPRow){3, {0}, {.8, .1, .1}, -1 - .01 * (double)(cell * 7 % 11)};
    for (int j = 0; j < 3; j++)
      r[a].next[j] = to[(a + (j == 2 ? 3 : j)) % 4] * BACK % CELLS;
  }
  return 4;
}

/* a ring whose first states have all the work */
static int Ring(const void *ctx, FenInt s, MDPRow r[8])
{
  const int actions = s < 60 ? 8 : 1;

  (void)ctx;
  for (int a = 0; a < actions; a++) {
    r[a] = (MDPRow){s < 60 ? 6 : 1, {0}, {.5, .1, .1, .1, .1, .1}, .3 * a + .01 * (double)(s % 17)};
    for (int j = 0; j < r[a].n; j++)
      r[a].next[j] = (s + (a + 1) * (j + 1)) % 300;
    if (r[a].n == 1)
      r[a].prob[0] = 1;
  }
  return actions;
}

static const struct {
  MDPStateFn fn;
  FenInt     n;
} models[] = {{Grid, CELLS}, {Ring, 300}};

static PetscErrorCode RowsOf(void *ctx, FenInt s, int *n)
{
  MDPRow rows[8];

  *n = (*(const MDPStateFn *)ctx)(NULL, s, rows);
  return 0;
}

static PetscErrorCode RowOf(void *ctx, FenInt s, int k, FenMDPRow *row)
{
  MDPRow rows[8];

  (void)(*(const MDPStateFn *)ctx)(NULL, s, rows);
  row->n = rows[k].n;
  row->reward = rows[k].reward;
  for (int j = 0; j < rows[k].n; j++) {
    row->next[j] = rows[k].next[j];
    row->prob[j] = rows[k].prob[j];
  }
  return 0;
}

/* the same model stored or made on demand */
static FenMDPModel Model(MPI_Comm comm, int m, PetscBool stored)
{
  static MDPStateFn     fn[2];
  const FenMDPGenerator G = {
      .nstates = models[m].n, .nactions = 8, .max_next = 8, .nrows = RowsOf, .row = RowOf, .ctx = &fn[m]};
  FenMDPModel model;

  if (stored)
    return MDPMake(comm, models[m].n, models[m].fn, NULL, FEN_MDP_MAX);
  fn[m] = models[m].fn;
  FEN_OK(FenMDPModelCreateGenerator(comm, &G, &model));
  return model;
}

static FenMDP Sweeper(FenMDPModel model, int partition, FenInt sweeps)
{
  FenMDP mdp = MDPSolver(model, FENMDPVI, .95, NULL, 0);

  FEN_OK(FenMDPSetPartition(mdp, (FenMDPPartition)partition));
  FEN_OK(FenSolverSetTolerances((FenSolver)mdp, 0, 1e-300, sweeps));
  return mdp;
}

typedef struct {
  FenInt  start, n;
  double *value;
  int    *policy;
} Part;

static Part MyPart(FenMDP mdp)
{
  Part          P;
  FenMDPModel   model;
  FenLayout     layout;
  const double *value;
  const int    *policy;

  FEN_OK(FenMDPGetModel(mdp, &model));
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &P.start, &P.n));
  P.n -= P.start;
  FEN_OK(FenMDPGetValue(mdp, &value));
  FEN_OK(FenMDPGetPolicy(mdp, &policy));
  P.value = malloc((size_t)(P.n + 1) * sizeof(double));
  P.policy = malloc((size_t)(P.n + 1) * sizeof(int));
  for (FenInt k = 0; k < P.n; k++) {
    P.value[k] = value[k];
    P.policy[k] = policy[k];
  }
  return P;
}

static void FreePart(Part *P)
{
  free(P->value), free(P->policy);
}

/* the answer on one rank that has all states, and mine: equal to 1e-12 */
static void CheckSame(const Part *all, FenMDP mdp)
{
  Part P = MyPart(mdp);
  int  same = 1;

  for (FenInt k = 0; k < P.n; k++) {
    same = same && fabs(P.value[k] - all->value[P.start + k]) <= 1e-12 * (1 + fabs(P.value[k]));
    same = same && P.policy[k] == all->policy[P.start + k];
  }
  FEN_ASSERT_ALL(same);
  FreePart(&P);
}

static Part Reference(int m, FenInt sweeps)
{
  FenMDPModel model = Model(MPI_COMM_SELF, m, PETSC_TRUE);
  FenMDP      mdp = Sweeper(model, FEN_MDP_PARTITION_NONE, sweeps);
  Part        P;

  FEN_OK(FenMDPSolve(mdp));
  P = MyPart(mdp);
  FEN_OK(FenMDPDestroy(&mdp));
  FEN_OK(FenMDPModelDestroy(&model));
  return P;
}

static void TestSame(void **state)
{
  (void)state;
  for (int m = 0; m < 2; m++) {
    Part all = Reference(m, 40);

    for (int stored = 0; stored < 2; stored++)
      for (int p = 0; p < NPARTITIONS; p++) {
        FenMDPModel model = Model(MPI_COMM_WORLD, m, (PetscBool)stored);
        FenMDP      mdp = Sweeper(model, p, 40);

        FEN_OK(FenMDPSolve(mdp));
        CheckSame(&all, mdp);
        FEN_OK(FenMDPDestroy(&mdp));
        FEN_OK(FenMDPModelDestroy(&model));
      }
    FreePart(&all);
  }
}

/* every type, nominal and robust, to a gap: values within what is certified */
static void TestTypes(void **state)
{
  const FenAmbiguity sets[] = {{.name = "none", .alpha = 1}, {.name = "kl", .alpha = 1, .radius = .02}};

  (void)state;
  for (int k = 0; k < 2; k++)
    for (int t = 0; t < NMDPTYPES; t++) {
      FenMDPModel alone = Model(MPI_COMM_SELF, 0, PETSC_TRUE), model = Model(MPI_COMM_WORLD, 0, PETSC_TRUE);
      FenMDP      one = MDPSolver(alone, mdp_types[t], .9, &sets[k], 1e-8);
      FenMDP      all = MDPSolver(model, mdp_types[t], .9, &sets[k], 1e-8);
      Part        whole, mine;
      int         same = 1;

      FEN_OK(FenMDPSetPartition(all, FEN_MDP_PARTITION_GRAPH));
      (void)MDPRun(one);
      (void)MDPRun(all);
      whole = MyPart(one);
      mine = MyPart(all);
      for (FenInt s = 0; s < mine.n; s++)
        same = same && fabs(mine.value[s] - whole.value[mine.start + s]) <= 2e-8;
      FEN_ASSERT_ALL(same);
      FreePart(&whole);
      FreePart(&mine);
      FEN_OK(FenMDPDestroy(&one));
      FEN_OK(FenMDPDestroy(&all));
      FEN_OK(FenMDPModelDestroy(&alone));
      FEN_OK(FenMDPModelDestroy(&model));
    }
}

/* arrays of a state, whole on every rank, or my part of them; numbers as they are */
static void Pass(FenMDP from, FenMDP to)
{
  const FenStateEntry *a, *b;
  FenState             A, B;
  PetscInt             n, same;
  MPI_Comm             comm = PetscObjectComm((PetscObject)from);
  FenInt               start = 0;

  FEN_OK(FenSolverGetState((FenSolver)from, &A));
  FEN_OK(FenSolverGetState((FenSolver)to, &B));
  FEN_OK(FenStateGetEntries(A, &n, &a));
  FEN_OK(FenStateGetEntries(B, &same, &b));
  assert_int_equal(n, same);
  for (PetscInt k = 0; k < n; k++) {
    assert_string_equal(a[k].name, b[k].name);
    if (a[k].kind == FEN_STATE_ARRAY) {
      FenInt  total, first, begin;
      double *all;

      FEN_OK(FenLayoutGetSize(a[k].layout, &total));
      FEN_OK(FenLayoutGetRange(a[k].layout, &first, NULL));
      all = calloc((size_t)total, sizeof(double));
      for (FenInt s = 0; s < a[k].n; s++)
        all[first + s] = ((double *)a[k].data)[s];
      FEN_OK(MPI_Allreduce(MPI_IN_PLACE, all, (int)total, MPI_DOUBLE, MPI_SUM, comm));
      FEN_OK(FenLayoutGetRange(b[k].layout, &begin, NULL));
      for (FenInt s = 0; s < b[k].n; s++)
        ((double *)b[k].data)[s] = all[begin + s];
      free(all);
      start += total;
    } else if (a[k].kind == FEN_STATE_INT)
      *(FenInt *)b[k].data = *(FenInt *)a[k].data;
    else if (a[k].kind == FEN_STATE_REAL)
      *(double *)b[k].data = *(double *)a[k].data;
  }
  assert_true(start >= 3 * CELLS);
  FEN_OK(FenStateDestroy(&A));
  FEN_OK(FenStateDestroy(&B));
  FEN_OK(FenSolverSetRestarted((FenSolver)to));
}

/* fifteen sweeps on some ranks with one cut, the rest on others with another */
static void TestRestart(void **state)
{
  const MPI_Comm comms[2] = {MPI_COMM_WORLD, MPI_COMM_SELF};
  Part           all = Reference(0, 40);

  (void)state;
  for (int p = 0; p < NPARTITIONS; p++)
    for (int q = 0; q < NPARTITIONS; q++)
      for (int c = 0; c < 3; c++) { /* all to all, all to one, one to all */
        FenMDPModel a = Model(comms[c == 2], 0, PETSC_TRUE), b = Model(comms[c == 1], 0, PETSC_TRUE);
        FenMDP      first = Sweeper(a, p, 15), second = Sweeper(b, q, 40);

        FEN_OK(FenMDPSolve(first));
        FEN_OK(FenSolverSetUp((FenSolver)second));
        Pass(first, second);
        FEN_OK(FenMDPSolve(second));
        CheckSame(&all, second);
        FEN_OK(FenMDPDestroy(&first));
        FEN_OK(FenMDPDestroy(&second));
        FEN_OK(FenMDPModelDestroy(&a));
        FEN_OK(FenMDPModelDestroy(&b));
      }
  FreePart(&all);
}

/* who has which state in the operator */
static int *Owners(FenBellman b, FenMDPModel model, FenInt total)
{
  FenInt    n, nghost, start, end;
  FenLayout layout;
  double   *inside, *outside;
  int      *owner = calloc((size_t)total, sizeof(int)), rank;

  FEN_OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
  FEN_OK(FenBellmanGetSizes(b, &n, &nghost));
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  inside = malloc((size_t)(n + 1) * sizeof(double));
  outside = malloc((size_t)(end - start + 1) * sizeof(double));
  for (FenInt k = 0; k < n; k++)
    inside[k] = rank;
  FEN_OK(FenBellmanGather(b, inside, outside));
  for (FenInt k = start; k < end; k++)
    owner[k] = (int)outside[k - start];
  FEN_OK(MPI_Allreduce(MPI_IN_PLACE, owner, (int)total, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
  free(inside), free(outside);
  return owner;
}

/* sum over states of the ranks beside its own that reach it, and the pairs of ranks between which values go */
static void Metric(int m, const int *owner, int size, double *words, double *pairs)
{
  const FenInt n = models[m].n;
  char        *reach = calloc((size_t)(n * size), 1), *pair = calloc((size_t)size * (size_t)size, 1);
  MDPRow       rows[8];

  *words = *pairs = 0;
  for (FenInt s = 0; s < n; s++) {
    const int actions = models[m].fn(NULL, s, rows);

    for (int a = 0; a < actions; a++)
      for (int j = 0; j < rows[a].n; j++)
        reach[rows[a].next[j] * size + owner[s]] = 1;
  }
  for (FenInt t = 0; t < n; t++)
    for (int r = 0; r < size; r++)
      if (reach[t * size + r] && r != owner[t]) {
        *words += 1;
        pair[owner[t] * size + r] = 1;
      }
  for (int k = 0; k < size * size; k++)
    *pairs += pair[k];
  free(reach), free(pair);
}

static void CheckWords(int m, int partition, PetscBool stored, double *words)
{
  FenMDPModel       model = Model(MPI_COMM_WORLD, m, stored);
  FenBellmanOptions options = {.discount = .9, .ambiguity = {.name = "none"}, .partition = (FenMDPPartition)partition};
  FenBellman        b;
  FenSweepStats     stats;
  FenInt            n, nghost;
  double           *V, *TV, messages, imbalance, metric, pairs, sent[2], reductions;
  int              *owner, *policy, size;

  FEN_OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
  FEN_OK(FenBellmanCreate(model, &options, &b));
  FEN_OK(FenBellmanGetSizes(b, &n, &nghost));
  V = calloc((size_t)(n + nghost + 1), sizeof(double));
  TV = calloc((size_t)(n + nghost + 1), sizeof(double));
  policy = calloc((size_t)(n + 1), sizeof(int));
  FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats)); /* messages are set up in the first one */
  sent[0] = -petsc_isend_ct;
  sent[1] = -petsc_isend_len;
  reductions = -petsc_allreduce_ct;
  FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats));
  sent[0] += petsc_isend_ct;
  sent[1] += petsc_isend_len;
  reductions += petsc_allreduce_ct;
  FEN_OK(MPI_Allreduce(MPI_IN_PLACE, sent, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD));
  owner = Owners(b, model, models[m].n);
  Metric(m, owner, size, &metric, &pairs);
  FEN_OK(FenBellmanGetCommunication(b, words, &messages, &imbalance));
  FEN_ASSERT_NEAR(*words, metric, 0);
  FEN_ASSERT_NEAR(sent[1], 8 * metric, 0);
  FEN_ASSERT_NEAR(messages, pairs, 0);
  FEN_ASSERT_NEAR(sent[0], pairs, 0);
  FEN_ASSERT_NEAR(reductions, size > 1 ? 1 : reductions, 0);
  assert_true(imbalance >= 1 && (partition != FEN_MDP_PARTITION_BLOCK || imbalance <= 1.2));
  free(V), free(TV), free(policy), free(owner);
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
}

static void TestWords(void **state)
{
  (void)state;
  for (int m = 0; m < 2; m++)
    for (int stored = 0; stored < 2; stored++) {
      double words[NPARTITIONS];
      int    size;

      for (int p = 0; p < NPARTITIONS; p++)
        CheckWords(m, p, (PetscBool)stored, &words[p]);
      FEN_OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
      assert_true(size > 1 ? words[2] > 0 : words[0] == 0 && words[1] == 0 && words[2] == 0);
      if (m == 0 && size > 1) /* shuffled grid: PT-Scotch finds it again; twice the length of a straight cut is a lot */
        assert_true(words[2] <= 2 * 2 * SIDE * (size - 1) && words[2] < words[1] / 2);
    }
}

/* work is even with blocks and graphs, though the first states have most of it */
static void TestBalance(void **state)
{
  const double most[NPARTITIONS] = {1e9, 1.1, 1.15};

  (void)state;
  for (int p = 0; p < NPARTITIONS; p++) {
    FenMDPModel model = Model(MPI_COMM_WORLD, 1, PETSC_TRUE);
    FenMDP      mdp = Sweeper(model, p, 1);
    double      words, messages, imbalance;
    int         size;

    FEN_OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    FEN_OK(FenMDPGetCommunication(mdp, &words, &messages, &imbalance));
    assert_true(imbalance >= 1 && imbalance <= most[p]);
    assert_true(p || size == 1 || imbalance > 1.2); /* there is something to win */
    FEN_OK(FenMDPDestroy(&mdp));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestSame), cmocka_unit_test(TestTypes),
                                          cmocka_unit_test(TestRestart), cmocka_unit_test(TestWords),
                                          cmocka_unit_test(TestBalance)};

FEN_TEST_MAIN(tests)
