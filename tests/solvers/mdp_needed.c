/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates from sweeps that leave rows unread contain the truth: 200 random models, ties and discounts near one
   among them, against policy iteration with elimination in long doubles. And 12 larger ones whose states have
   neighbours. */
#include "mdp/bellman/bellmanimpl.h"
#include "mdp/mdpimpl.h"
#include "mdpsolve.h"

#define MODELS  200
#define LOCALS  12
#define LENGTH  8 /* of all rows */
#define MOST    64
#define LARGE   120 /* states of a model with neighbours */
#define SHARE   0.5 /* of all entries that is read in the mean */
#define WINDOW  11  /* states that some of its rows reach; others LENGTH */
#define ACTIONS 8

/* rewards anywhere; of three sizes; all the same; several actions with the same row and reward; states that end; beside
   these: rows that reach near states only */
enum { ANY, TIES, FLAT, TWINS, ENDS, KINDS, LOCAL };

typedef struct {
  uint64_t seed;
  FenInt   n;
  int      kind;
} Random;

static const double discounts[] = {0.5, 0.9, 0.99, 0.9999};

static double Draw(const Random *c, FenInt s, int a, int k)
{
  return FenRandomUniform(c->seed, (uint64_t)(64 * s + a), (uint32_t)k);
}

static void MakeRow(const Random *c, FenInt s, int a, MDPRow *row)
{
  const FenInt width = c->kind == LOCAL ? (a % 2 ? WINDOW : LENGTH) : c->n;
  const FenInt first = PetscMax(0, PetscMin(c->n - width, c->kind == LOCAL ? s - 2 * a : 0));
  FenInt       left = LENGTH;
  double       sum = 0;

  row->n = 0;
  for (FenInt t = first; t < first + width; t++) { /* LENGTH of the width, ascending */
    if (Draw(c, s, a, (int)(t - first)) * (double)(first + width - t) >= (double)left)
      continue;
    row->next[row->n] = t;
    row->prob[row->n] = 0.05 + Draw(c, s, a, 200 + (int)t);
    sum += row->prob[row->n++];
    left--;
  }
  for (int j = 0; j < row->n; j++)
    row->prob[j] /= sum;
  row->reward = Draw(c, s, a, 100);
  if (c->kind == TIES)
    row->reward = floor(3 * row->reward) / 2;
  if (c->kind == FLAT)
    row->reward = 0.25;
}

static int State(const void *ctx, FenInt s, MDPRow rows[8])
{
  const Random *c = (const Random *)ctx;
  const int     actions = 1 + (int)(Draw(c, s, 60, 0) * ACTIONS);

  if (c->kind == ENDS && s % 11 == 5)
    return 0;
  for (int a = 0; a < actions; a++)
    MakeRow(c, s, c->kind == TWINS ? a / 3 : a, &rows[a]);
  return actions;
}

/* all rows, and values in long doubles; costs are negative rewards */
typedef struct {
  MDPRow      rows[LARGE][8];
  int         actions[LARGE], policy[LARGE];
  long double V[LARGE], best[LARGE], A[LARGE][LARGE + 1];
} Truth;

static Truth truth;

static long double Value(FenInt s, int a, double discount, double sign)
{
  const MDPRow *row = &truth.rows[s][a];
  long double   sum = 0, mass = 0;

  for (int j = 0; j < row->n; j++) {
    sum += (long double)row->prob[j] * truth.V[row->next[j]];
    mass += (long double)row->prob[j];
  }
  return sign * (long double)row->reward + discount * sum / mass;
}

static void Evaluate(FenInt n, double discount, double sign, const int policy[])
{
  for (FenInt s = 0; s < n; s++) {
    const MDPRow *row = &truth.rows[s][policy[s]];
    long double   mass = 0;

    for (FenInt t = 0; t <= n; t++)
      truth.A[s][t] = t == s;
    if (!truth.actions[s])
      continue;
    truth.A[s][n] = sign * (long double)row->reward;
    for (int j = 0; j < row->n; j++)
      mass += (long double)row->prob[j];
    for (int j = 0; j < row->n; j++)
      truth.A[s][row->next[j]] -= discount * (long double)row->prob[j] / mass;
  }
  for (FenInt k = 0; k < n; k++) /* dominant diagonals: no pivots */
    for (FenInt s = k + 1; s < n; s++) {
      const long double f = truth.A[s][k] / truth.A[k][k];

      for (FenInt t = k; t <= n && f != 0; t++)
        truth.A[s][t] -= f * truth.A[k][t];
    }
  for (FenInt s = n; s-- > 0;) {
    truth.V[s] = truth.A[s][n];
    for (FenInt t = s + 1; t < n; t++)
      truth.V[s] -= truth.A[s][t] * truth.V[t];
    truth.V[s] /= truth.A[s][s];
  }
}

static void Solve(const Random *c, double discount, double sign)
{
  int changes = 1;

  for (FenInt s = 0; s < c->n; s++) {
    truth.actions[s] = State(c, s, truth.rows[s]);
    truth.policy[s] = 0;
  }
  while (changes) {
    changes = 0;
    Evaluate(c->n, discount, sign, truth.policy);
    for (FenInt s = 0; s < c->n; s++)
      for (int a = 0; a < truth.actions[s]; a++)
        if (Value(s, a, discount, sign) > truth.V[s] + 1e-14L * (1 + fabsl(truth.V[s])) &&
            Value(s, a, discount, sign) > Value(s, truth.policy[s], discount, sign)) {
          truth.policy[s] = a;
          changes++;
        }
  }
}

/* values and the loss of the policy, of my states; the share of all entries that was read in each sweep after the
   first */
static double Check(const Random *c, const char type[], double discount, double sign, FenMDPModel model)
{
  const double  gap = c->kind == ENDS ? 1e-5 : 1e-8;
  FenMDP        mdp = MDPSolver(model, type, discount, NULL, gap);
  FenMDPBounds  B = MDPRun(mdp);
  const double *value;
  const int    *action;
  double        share;

  assert_true(B.policy_gap <= gap);
  FEN_OK(FenMDPGetValue(mdp, &value));
  FEN_OK(FenMDPGetPolicy(mdp, &action));
  share = FenBellmanIsPlain(mdp->op) ? mdp->op->plain_work / (mdp->sweeps - 1) : 1;
  for (FenInt s = 0; s < c->n; s++) {
    assert_true(fabsl(sign * (long double)value[s] - truth.V[s]) <= B.value_error);
    assert_int_equal(action[s] < 0, !truth.actions[s]);
    truth.policy[s] = PetscMax(action[s], 0);
    truth.best[s] = truth.V[s];
  }
  Evaluate(c->n, discount, sign, truth.policy);
  for (FenInt s = 0; s < c->n; s++)
    assert_true(truth.best[s] - truth.V[s] <= B.policy_gap);
  FEN_OK(FenMDPDestroy(&mdp));
  return share;
}

static void TestTruth(void **state)
{
  int few = 0;

  (void)state;
  for (int m = 0; m < MODELS; m++) {
    const Random c = {.seed = 7000 + (uint64_t)m, .n = LENGTH + m % (MOST - LENGTH), .kind = m % KINDS};
    const double discount = discounts[m / KINDS % 4], sign = m % 3 ? 1 : -1;
    FenMDPModel  model = MDPMake(PETSC_COMM_WORLD, c.n, State, &c, sign > 0 ? FEN_MDP_MAX : FEN_MDP_MIN);

    for (int type = 0; type < 2; type++) {
      Solve(&c, discount, sign);
      few += Check(&c, type ? FENMDPMPI : FENMDPAUTO, discount, sign, model) < 0.7;
    }
    FEN_OK(FenMDPModelDestroy(&model));
  }
  assert_true(few > MODELS / 10);
}

static void TestNeighbours(void **state)
{
  double share = 0;

  (void)state;
  for (int m = 0; m < LOCALS; m++) {
    const Random c = {.seed = 8000 + (uint64_t)m, .n = LARGE, .kind = LOCAL};
    const double discount = discounts[m % 4], sign = m % 3 ? 1 : -1;
    FenMDPModel  model = MDPMake(PETSC_COMM_WORLD, c.n, State, &c, sign > 0 ? FEN_MDP_MAX : FEN_MDP_MIN);

    Solve(&c, discount, sign);
    (void)Check(&c, FENMDPAUTO, discount, sign, model);
    Solve(&c, discount, sign);
    share += Check(&c, FENMDPMPI, discount, sign, model) / LOCALS;
    FEN_OK(FenMDPModelDestroy(&model));
  }
  assert_true(share < SHARE);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestTruth), cmocka_unit_test(TestNeighbours)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
