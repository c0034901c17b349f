/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Two colours: found on any number of ranks exactly when a search on one finds them, for grids with permuted numbers,
   rings, and random models of many components; sweeps in place against plain loops; the system of a policy on one
   colour against products with the whole.
*/
#include "mdpsolve.h"
#include "mdp/bellman/colouredimpl.h"

typedef struct {
  FenInt   n;
  int      kind; /* 0: grid of n = width^2, 1: ring, 2: random two-coloured, 3: the same with one edge too many */
  FenInt   width, stride; /* state s is called (stride s + 3) mod n; stride and n have no common factor */
  uint64_t seed;
} Model;

static FenInt Name(const Model *m, FenInt s)
{
  return (m->stride * s + 3) % m->n;
}

static FenInt Unname(const Model *m, FenInt name)
{
  for (FenInt s = 0; s < m->n; s++)
    if (Name(m, s) == name)
      return s;
  return -1;
}

static double Uniform(const Model *m, FenInt s, int a, int k)
{
  return FenRandomUniform(m->seed, (uint64_t)(8 * s + a), (uint32_t)k);
}

static FenInt GridNext(const Model *m, FenInt s, int direction)
{
  const FenInt y = s / m->width, x = s % m->width, w = m->width;
  const FenInt to[4] = {y ? s - w : s, x < w - 1 ? s + 1 : s, y < w - 1 ? s + w : s, x ? s - 1 : s};

  return to[direction];
}

static int State(const void *ctx, FenInt name, MDPRow r[8])
{
  const Model *m = (const Model *)ctx;
  const FenInt s = Unname(m, name);
  const int    actions = m->kind == 0 ? 4 : 2;

  if (m->kind == 2 && Uniform(m, s, 7, 1) < 0.1)
    return 0;
  for (int a = 0; a < actions; a++) {
    r[a] = (MDPRow){.n = 3, .reward = Uniform(m, s, a, 0) - 1};
    for (int j = 0; j < 3; j++) {
      FenInt t = s;

      if (m->kind == 0)
        t = GridNext(m, s, (a + j) % 4);
      if (m->kind == 1)
        t = j == 2 ? s : (s + (j ? m->n - 1 : 1)) % m->n;
      if (m->kind >= 2 && j < 2) /* halves are the colours; next states lie in the other one */
        t = (2 * (FenInt)(Uniform(m, s, a, 2 + j) * 7) + 1 + s) % m->n;
      r[a].next[j] = Name(m, t);
      r[a].prob[j] = j ? .2 : .6;
    }
  }
  if (m->kind == 3 && s == m->n / 2)
    r[1].next[0] = Name(m, s + 2);
  return actions;
}

/* colours by a search on one rank: false if there are none */
static int Search(const Model *m, int colour[])
{
  int changed = 1, right = 1;

  for (FenInt s = 0; s < m->n; s++)
    colour[s] = -1;
  for (FenInt root = 0; root < m->n; root++) {
    if (colour[root] < 0)
      colour[root] = 0;
    for (changed = 1; changed;) {
      changed = 0;
      for (FenInt s = 0; s < m->n; s++) {
        MDPRow    r[8];
        const int actions = State(m, s, r);

        for (int a = 0; a < actions; a++)
          for (int j = 0; j < r[a].n; j++) {
            const FenInt t = r[a].next[j];

            if (t == s)
              continue;
            if (colour[s] >= 0 && colour[t] < 0 && ++changed)
              colour[t] = 1 - colour[s];
            if (colour[t] >= 0 && colour[s] < 0 && ++changed)
              colour[s] = 1 - colour[t];
            right = right && !(colour[s] >= 0 && colour[s] == colour[t]);
          }
      }
    }
  }
  return right;
}

static FenBellman Operator(const Model *m, FenMDPModel *model)
{
  const FenBellmanOptions options = {.discount = .9, .ambiguity = {.name = "none"}};
  FenBellman              b;

  *model = MDPMake(MPI_COMM_WORLD, m->n, State, m, FEN_MDP_MAX);
  FEN_OK(FenBellmanCreate(*model, &options, &b));
  return b;
}

static const Model models[] = {{.n = 36, .kind = 0, .width = 6, .stride = 1, .seed = 1},
                               {.n = 121, .kind = 0, .width = 11, .stride = 7, .seed = 2},
                               {.n = 50, .kind = 1, .stride = 1, .seed = 3},
                               {.n = 51, .kind = 1, .stride = 5, .seed = 3},
                               {.n = 64, .kind = 1, .stride = 27, .seed = 4},
                               {.n = 90, .kind = 2, .stride = 1, .seed = 5},
                               {.n = 90, .kind = 2, .stride = 11, .seed = 6},
                               {.n = 90, .kind = 3, .stride = 11, .seed = 7},
                               {.n = 1, .kind = 1, .stride = 1, .seed = 8}};
enum { NMODELS = sizeof(models) / sizeof(models[0]) };

static void TestColours(void **state)
{
  int found = 0;

  (void)state;
  for (int k = 0; k < NMODELS; k++) {
    int         colour[128], right = 1;
    const int   expected = Search(&models[k], colour);
    FenMDPModel model;
    FenBellman  b = Operator(&models[k], &model);
    PetscBool   two;

    FEN_OK(FenBellmanHasTwoColours(b, &two));
    assert_int_equal(two, expected);
    for (FenInt s = 0; two && s < b->nlocal; s++)
      right = right && b->colour[s] == colour[b->start + s];
    for (FenInt g = 0; two && g < b->nghost; g++)
      right = right && b->colour[b->nlocal + g] == colour[b->ghost[g]];
    FEN_ASSERT_ALL(right);
    found += two ? 1 : 0;
    FEN_OK(FenBellmanDestroy(&b));
    FEN_OK(FenMDPModelDestroy(&model));
  }
  assert_int_equal(found, 7);
}

/* greedy value of a state with staying eliminated */
static long double Best(const Model *m, FenInt s, const long double V[])
{
  MDPRow      r[8];
  const int   actions = State(m, s, r);
  long double best = actions ? -INFINITY : 0;

  for (int a = 0; a < actions; a++) {
    long double q = (long double)r[a].reward, stay = 1;

    for (int j = 0; j < r[a].n; j++)
      if (r[a].next[j] == s)
        stay -= .9L * (long double)r[a].prob[j];
      else
        q += .9L * (long double)r[a].prob[j] * V[r[a].next[j]];
    best = fmaxl(best, q / stay);
  }
  return best;
}

static void CheckSweeps(const Model *m, FenBellman b, const int colour[])
{
  double     *V = calloc((size_t)(b->nlocal + b->nghost + 1), sizeof(double)), worst = 0;
  int        *policy = calloc((size_t)(b->nlocal + 1), sizeof(int));
  long double all[128];
  FenColoured C;

  for (FenInt s = 0; s < m->n; s++)
    all[s] = (long double)Uniform(m, s, 5, 9);
  for (FenInt s = 0; s < b->nlocal; s++)
    V[s] = (double)all[b->start + s];
  FEN_OK(FenColouredCreate(b, 2, &C));
  FEN_OK(FenColouredPut(C, V, policy));
  FEN_OK(FenColouredSweeps(C, 3));
  FEN_OK(FenColouredTake(C, V));
  for (int k = 0; k < 6; k++)
    for (FenInt s = 0; s < m->n; s++)
      if (colour[s] == k % 2)
        all[s] = Best(m, s, all);
  for (FenInt s = 0; s < b->nlocal; s++)
    worst = fmax(worst, fabs(V[s] - (double)all[b->start + s]));
  FEN_ASSERT_ALL(worst < 1e-14);
  FEN_OK(FenColouredDestroy(&C));
  free(V), free(policy);
}

/* b = (I - gamma P) x: what is left of it on the black states has the black part of x as its solution */
static void CheckSystem(const Model *m, FenBellman b)
{
  const FenInt n = b->nlocal;
  double      *x = calloc((size_t)(n + b->nghost + 1), sizeof(double)), *y = calloc((size_t)(n + 1), sizeof(double));
  double      *black, *right, *product, worst = 0;
  int         *policy = calloc((size_t)(n + 1), sizeof(int));
  FenInt       size;
  FenColoured  C;

  for (FenInt s = 0; s < n; s++) {
    MDPRow    r[8];
    const int actions = State(m, b->start + s, r);

    x[s] = Uniform(m, b->start + s, 6, 2) - .5;
    policy[s] = actions ? (int)(actions * Uniform(m, b->start + s, 6, 3)) : -1;
  }
  FEN_OK(FenBellmanSetPolicy(b, policy, x));
  FEN_OK(FenBellmanPolicyMult(b, x, y));
  FEN_OK(FenColouredCreate(b, 2, &C));
  FEN_OK(FenColouredPut(C, x, policy));
  FEN_OK(FenColouredSetPolicy(C));
  FEN_OK(FenColouredGetBlackSize(C, &size));
  black = calloc((size_t)(size + 1), sizeof(double));
  right = calloc((size_t)(size + 1), sizeof(double));
  product = calloc((size_t)(size + 1), sizeof(double));
  for (FenInt k = 0; k < size; k++)
    black[k] = C->state[C->n - size + k] < 0 ? 0 : C->x[C->n - size + k];
  FEN_OK(FenColouredReduce(C, y, right));
  FEN_OK(FenColouredMult(C, black, product));
  for (FenInt k = 0; k < size; k++)
    worst = fmax(worst, fabs(right[k] - product[k]));
  FEN_OK(FenColouredExpand(C, y, black, product = realloc(product, (size_t)(n + 1) * sizeof(double))));
  for (FenInt s = 0; s < n; s++)
    worst = fmax(worst, fabs(product[s] - x[s]));
  FEN_ASSERT_ALL(worst < 1e-13);
  FEN_OK(FenColouredDestroy(&C));
  free(x), free(y), free(black), free(right), free(product), free(policy);
}

static void TestColoured(void **state)
{
  (void)state;
  for (int k = 0; k < NMODELS; k++) {
    int         colour[128];
    FenMDPModel model;
    FenBellman  b;

    if (!Search(&models[k], colour))
      continue;
    b = Operator(&models[k], &model);
    CheckSweeps(&models[k], b, colour);
    CheckSystem(&models[k], b);
    FEN_OK(FenBellmanDestroy(&b));
    FEN_OK(FenMDPModelDestroy(&model));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestColours), cmocka_unit_test(TestColoured)};

FEN_TEST_MAIN(tests)
