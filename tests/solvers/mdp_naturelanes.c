/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Nature eight states at a time against FenDivergence row by row, for all instruction sets: balls and prices of every
   divergence, cold rows and warm ones, ties, single successors, constant and huge and tiny values, radii from nothing
   to everything, rewards on successors, chunks that are not full. Sweeps of kl, which read rows once where they can.
   And s-rectangular states, eight at a time and alone.
*/
#include "mdpcases.h"
#include <fenchelmdpsets.h>
#include <fenchelsrect.h>

enum { MOST = 24 };

typedef enum { PLAIN, TIES, CONSTANT, HUGE_SCALE, TINY_SCALE, OFFSET, ONE_LOW, NKINDS } Kind;

/* a model of its own kind: `n` states, up to 3 actions, up to `most` successors, some rows with one only */
typedef struct {
  FenInt    n;
  int       most;
  PetscBool by_next, rare; /* rare: some successors have next to no probability */
  uint64_t  seed;
  FenInt    width; /* of a grid, 0: there is none */
} Model;

static double Uniform(const Model *m, FenInt s, int a, int k)
{
  return FenRandomUniform(m->seed, (uint64_t)(s * 8 + a), (uint32_t)k);
}

static int Rows(const Model *m, FenInt s)
{
  return s == m->n - 1 ? 0 : 1 + (int)(3 * Uniform(m, s, 7, 0));
}

static int Row(const Model *m, FenInt s, int a, FenInt next[], double prob[], double reward_next[], double *reward)
{
  const int n = Uniform(m, s, a, 1) < 0.1 ? 1 : 1 + (int)(m->most * Uniform(m, s, a, 2));
  double    sum = 0;
  FenInt    at = (FenInt)(Uniform(m, s, a, 3) * (double)m->n);

  *reward = m->by_next ? 0 : Uniform(m, s, a, 4) - 0.5;
  for (int j = 0; j < n; j++) {
    next[j] = (at + j * (m->n / MOST)) % m->n;
    prob[j] = Uniform(m, s, a, 5) < 0.2 ? pow(10, -8 * Uniform(m, s, a, 100 + j)) : 0.05 + Uniform(m, s, a, 100 + j);
    if (m->rare && j && Uniform(m, s, a, 300 + j) < 0.2)
      prob[j] = pow(10, -250 - 55 * Uniform(m, s, a, 400 + j));
    sum += prob[j];
  }
  for (int j = 0; j < n; j++) {
    prob[j] /= sum;
    reward_next[j] = m->by_next ? Uniform(m, s, a, 200 + j) : 0;
    *reward += m->by_next ? prob[j] * reward_next[j] : 0;
  }
  return n;
}

static FenMDPModel Make(const Model *m)
{
  const size_t rows = (size_t)(3 * m->n), entries = rows * MOST;
  FenMDPRows   R = {.nstates = m->n};
  FenInt       r = 0, z = 0;
  FenMDPModel  model;

  R.state_ptr = calloc((size_t)m->n + 1, sizeof(FenInt));
  R.row_ptr = calloc(rows + 1, sizeof(FenInt));
  R.action = calloc(rows, sizeof(int));
  R.reward = calloc(rows, sizeof(double));
  R.next = calloc(entries, sizeof(FenInt));
  R.prob = calloc(entries, sizeof(double));
  R.reward_next = m->by_next ? calloc(entries, sizeof(double)) : NULL;
  for (FenInt s = 0; s < m->n; s++) {
    for (int a = 0; a < Rows(m, s); a++) {
      double next[MOST];

      R.action[r] = a;
      z += Row(m, s, a, R.next + z, R.prob + z, m->by_next ? R.reward_next + z : next, &R.reward[r]);
      R.row_ptr[++r] = z;
    }
    R.state_ptr[s + 1] = r;
  }
  FEN_OK(FenMDPModelCreateRows(PETSC_COMM_SELF, &R, PETSC_FALSE, &model));
  if (m->width)
    FEN_OK(FenMDPModelSetGrid(model, (FenInt[]){m->n / m->width, m->width}));
  free(R.state_ptr), free(R.row_ptr), free(R.action), free(R.reward), free(R.next), free(R.prob), free(R.reward_next);
  return model;
}

static double Value(const Model *m, Kind kind, FenInt s, int round)
{
  const double u = FenRandomUniform(m->seed + 1, (uint64_t)s, 0);
  const double moved =
      u + (round ? pow(10, -3 * round) * FenRandomUniform(m->seed + 2, (uint64_t)s, (uint32_t)round) : 0);

  switch (kind) {
  case TIES:
    return floor(4 * u) + (round == 1 ? 0.25 : 0);
  case CONSTANT:
    return 3.25;
  case HUGE_SCALE:
    return 1e150 * moved;
  case TINY_SCALE:
    return 1e-150 * moved;
  case OFFSET:
    return 1e6 + moved;
  case ONE_LOW:
    return s % 5 ? 1 : moved;
  default:
    return moved;
  }
}

static double Least(const Model *m, const double V[])
{
  double least = INFINITY;

  for (FenInt s = 0; s < m->n; s++)
    least = fmin(least, V[s]);
  return least;
}

static double Distance(const Model *m, const FenAmbiguity *a, FenInt i, FenInt j)
{
  const double scale = a->distance_scale > 0 ? a->distance_scale : 1;
  double       x, y;

  if (a->distance == FEN_DISTANCE_INDEX)
    return scale * fabs((double)(i - j));
  x = (double)(i % m->width - j % m->width);
  y = (double)(i / m->width - j / m->width);
  return scale * (a->distance == FEN_DISTANCE_L1 ? fabs(x) + fabs(y) : sqrt(x * x + y * y));
}

static PetscBool IsNorm(const FenAmbiguity *a)
{
  return (PetscBool)(!strcmp(a->name, "linf") || !strcmp(a->name, "interval") || !strcmp(a->name, "wasserstein"));
}

/* one row by itself */
static FenWorstCase WorstNorm(const Model *m, const FenAmbiguity *a, FenInt n, const FenInt next[], const double q[],
                              const double z[])
{
  FenSetWork   work;
  FenWorstCase w;
  double       cost[MOST * MOST];

  FEN_OK(FenSetWorkCreate(&work));
  for (FenInt j = 0; j < n * n && !strcmp(a->name, "wasserstein"); j++)
    cost[j] = Distance(m, a, next[j / n], next[j % n]);
  if (!strcmp(a->name, "wasserstein"))
    FEN_OK(FenWorstWassersteinPrice(work, n, q, (FenGround){.cost = cost}, z, a->penalty, NULL, &w));
  else if (a->radius > 0)
    FEN_OK(FenWorstLinf(work, n, q, NULL, z, a->radius, NULL, &w));
  else
    FEN_OK(FenWorstLinfPrice(work, n, q, NULL, z, a->penalty, NULL, &w));
  FEN_OK(FenSetWorkDestroy(&work));
  return w;
}

/* the exact value lies in [*low, *high] */
static void Reference(const Model *m, FenDivergence div, const FenAmbiguity *a, FenInt s, int action, const double V[],
                      double gamma, double *low, double *high, double *size)
{
  const PetscBool l1 = (PetscBool)!strcmp(a->name, "l1");
  FenInt          next[MOST];
  double          prob[MOST], reward_next[MOST], z[MOST], reward;
  const int       n = Row(m, s, action, next, prob, reward_next, &reward);
  const double    least = a->support == FEN_SUPPORT_ALL ? reward + gamma * Least(m, V) : 0;
  FenWorstCase    w;

  *size = 0;
  for (int j = 0; j < n; j++) {
    z[j] = (m->by_next ? reward_next[j] : reward) + gamma * V[next[j]];
    *size = fmax(*size, fabs(z[j] - gamma * V[next[j]]) + gamma * fabs(V[next[j]]));
  }
  if (IsNorm(a))
    w = WorstNorm(m, a, n, next, prob, z);
  else if (a->radius > 0)
    FEN_OK(FenDivergenceWorstRadius(div, n, prob, z, l1 ? a->radius / 2 : a->radius, a->support, least, NAN, NULL, &w));
  else
    FEN_OK(
        FenDivergenceWorstPenalty(div, n, prob, z, l1 ? 2 * a->penalty : a->penalty, a->support, least, NAN, NULL, &w));
  *low = w.value;
  *high = w.value + w.slack;
}

static void Compare(const Model *m, const FenAmbiguity *a, const char *simd, Kind kind)
{
  FenBellmanOptions options = {.discount = 0.9, .ambiguity = *a};
  FenMDPModel       model = Make(m);
  FenBellman        b;
  FenDivergence     div;
  double           *V = calloc((size_t)m->n, sizeof(double)), *q = calloc((size_t)(3 * m->n), sizeof(double));

  snprintf(options.simd, sizeof(options.simd), "%s", simd);
  FEN_OK(FenBellmanCreate(model, &options, &b));
  FEN_OK(FenDivergenceCreate(PETSC_COMM_SELF, strcmp(a->name, "l1") && !IsNorm(a) ? a->name : "tv", a->alpha, &div));
  for (int round = 0; round < 4; round++) {
    FenInt r = 0;

    for (FenInt s = 0; s < m->n; s++)
      V[s] = Value(m, kind, s, round);
    V[m->n - 1] = 0;
    FEN_OK(FenBellmanRowValues(b, V, q));
    for (FenInt s = 0; s < m->n; s++)
      for (int action = 0; action < Rows(m, s); action++, r++) {
        double low, high, size;

        Reference(m, div, a, s, action, V, 0.9, &low, &high, &size);
        if (!(q[r] <= high && q[r] >= low - 1e-12 * size))
          print_error("%s %s radius %g price %g alpha %g, kind %d round %d: row %d of state %d is %.17g, not %.17g\n",
                      simd, a->name, a->radius, a->penalty, a->alpha, (int)kind, round, action, (int)s, q[r], low);
        assert_true(q[r] <= high);
        assert_true(q[r] >= low - 1e-12 * size);
      }
  }
  FEN_OK(FenDivergenceDestroy(&div));
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
  free(V), free(q);
}

static const struct {
  char   name[32];
  double alpha;
} sets[] = {{"tv", 1},     {"l1", 1},         {"kl", 1},        {"pearson", 1}, {"burg", 1},
            {"neyman", 1}, {"hellinger", 1},  {"alpha", 1.5},   {"alpha", 3},   {"alpha", 0.3},
            {"alpha", -2}, {"alpha", 2},      {"alpha", 0.5},   {"alpha", -1},  {"alpha", 0},
            {"alpha", 1},  {"alpha", 0.9999}, {"alpha", -1e-3}, {"js", 1},      {"jeffreys", 1}};
#define NSETS ((int)(sizeof(sets) / sizeof(sets[0])))

static void EverySet(const double sizes[], int nsizes, PetscBool ball, Kind kind, double unit)
{
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (int k = 0; k < NSETS; k++)
      for (int i = kind == PLAIN ? 0 : (k + (int)kind) % 3; i < nsizes; i += kind == PLAIN ? 1 : 3) {
        const Model  m = {.n = 48 + 13 * (k % 3),
                          .most = i % 2 ? 6 : MOST,
                          .by_next = (PetscBool)(k % 2 && !kind),
                          .seed = (uint64_t)(100 * k + i)};
        FenAmbiguity a = {.alpha = sets[k].alpha};

        memcpy(a.name, sets[k].name, sizeof(a.name));
        *(ball ? &a.radius : &a.penalty) = sizes[i] * unit;
        Compare(&m, &a, FenSimdTypes[simd], kind);
      }
}

static void TestBalls(void **state)
{
  static const double radii[] = {1e-12, 1e-6, 1e-3, 0.05, 0.3, 1, 5, 1e3};

  (void)state;
  for (int kind = 0; kind < NKINDS; kind++)
    EverySet(radii, 8, PETSC_TRUE, (Kind)kind, 1);
}

static void TestPrices(void **state)
{
  static const double prices[] = {1e-9, 1e-3, 0.1, 1, 30, 1e3, 1e9};

  (void)state;
  for (int kind = 0; kind < NKINDS; kind++)
    EverySet(prices, 7, PETSC_FALSE, (Kind)kind, kind == HUGE_SCALE ? 1e150 : kind == TINY_SCALE ? 1e-150 : 1);
}

/* the value of a state in a sweep is a bound from below, and misses at most the slack; a policy's the same */
static void CompareSweep(const Model *m, const FenAmbiguity *a, const char *simd, Kind kind)
{
  FenBellmanOptions options = {.discount = 0.9, .ambiguity = *a};
  FenMDPModel       model = Make(m);
  FenBellman        b;
  FenDivergence     div;
  double           *V = calloc((size_t)m->n, sizeof(double)), *TV[3];
  int              *policy = calloc((size_t)m->n, sizeof(int));

  for (int k = 0; k < 3; k++)
    TV[k] = calloc((size_t)m->n, sizeof(double));
  snprintf(options.simd, sizeof(options.simd), "%s", simd);
  FEN_OK(FenBellmanCreate(model, &options, &b));
  FEN_OK(FenDivergenceCreate(PETSC_COMM_SELF, IsNorm(a) ? "tv" : a->name, a->alpha, &div));
  for (int round = 0; round < 5; round++) {
    FenSweepStats stats[2], frozen;
    double        moved = 0, most = 0;

    for (FenInt s = 0; s < m->n; s++)
      V[s] = Value(m, kind, s, round);
    V[m->n - 1] = 0;
    FEN_OK(FenBellmanSweep(b, NULL, V, TV[0], policy, &stats[0]));
    FEN_OK(FenBellmanRobustPolicySweep(b, NULL, policy, V, TV[1], &stats[1]));
    FEN_OK(FenBellmanSetPolicy(b, policy, V)); /* with nature's laws frozen */
    FEN_OK(FenBellmanPolicySweep(b, NULL, V, TV[2], &frozen));
    for (FenInt s = 0; s < m->n - 1; s++) {
      double best[2] = {-HUGE_VAL, -HUGE_VAL}, low, high, size;

      for (int action = 0; action < Rows(m, s); action++) {
        Reference(m, div, a, s, action, V, 0.9, &low, &high, &size);
        best[0] = fmax(best[0], low), best[1] = fmax(best[1], high);
        most = fmax(most, size);
      }
      Reference(m, div, a, s, policy[s], V, 0.9, &low, &high, &size);
      if (!(TV[0][s] <= best[1] && TV[1][s] <= high && TV[0][s] >= best[0] - stats[0].slack &&
            TV[1][s] >= low - stats[1].slack))
        print_error("%s %s radius %g price %g, kind %d round %d: state %d is %.17g and %.17g, not %.17g .. %.17g and "
                    "%.17g .. %.17g (%g, %g)\n",
                    simd, a->name, a->radius, a->penalty, (int)kind, round, (int)s, TV[0][s], TV[1][s], best[0],
                    best[1], low, high, stats[0].slack, stats[1].slack);
      assert_true(TV[0][s] <= best[1] && TV[0][s] >= best[0] - stats[0].slack);
      assert_true(TV[1][s] <= high && TV[1][s] >= low - stats[1].slack);
      if (!(TV[2][s] <= high + 1e-11 * most && TV[2][s] >= low - 1e-11 * most))
        print_error("%s %s radius %g price %g, kind %d round %d: frozen, state %d is %.17g, not %.17g .. %.17g\n", simd,
                    a->name, a->radius, a->penalty, (int)kind, round, (int)s, TV[2][s], low, high);
      assert_true(TV[2][s] <= high + 1e-11 * most && TV[2][s] >= low - 1e-11 * most);
      moved = fmax(moved, fmax(fabs(TV[0][s] - V[s]), fabs(TV[1][s] - V[s])));
    }
    if (!(fmax(stats[0].slack, stats[1].slack) <= 2e-3 * moved + 1e-12 * most))
      print_error("%s %s order %g radius %g price %g, kind %d round %d: slack %g and %g, moved %g of %g\n", simd,
                  a->name, a->alpha, a->radius, a->penalty, (int)kind, round, stats[0].slack, stats[1].slack, moved,
                  most);
    assert_true(fmax(stats[0].slack, stats[1].slack) <= 2e-3 * moved + 1e-12 * most);
  }
  FEN_OK(FenDivergenceDestroy(&div));
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
  free(V), free(TV[0]), free(TV[1]), free(TV[2]), free(policy);
}

/* kl: some beside what one number of each state is good for, small radii, prices below the values' span and far above
 */
static void TestSweeps(void **state)
{
  static const double radii[] = {1e-6, 2e-4, 0.1, 0.5, 3}, prices[] = {1e-4, 2e-3, 0.05, 1, 10, 100};
  static const struct {
    const char *name;
    double      alpha;
  } known[] = {{"kl", 1},        {"js", 1},     {"jeffreys", 1}, {"tv", 1},      {"pearson", 1},  {"burg", 1},
               {"hellinger", 1}, {"neyman", 1}, {"alpha", 3},    {"alpha", 0.3}, {"alpha", -2.5}, {"alpha", 1.05}};

  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (int kind = 0; kind < NKINDS; kind++)
      for (int i = 0; i < 11 * 12; i++) {
        const int    size = i % 11, set = i / 11;
        const Model  m = {.n = 45 + size,
                          .most = i % 2 ? MOST : 4,
                          .rare = (PetscBool)(i % 3 == 2 && set < 5),
                          .seed = (uint64_t)(1000 + size)};
        const double unit = kind == HUGE_SCALE ? 1e150 : kind == TINY_SCALE ? 1e-150 : 1;
        FenAmbiguity a = {.alpha = known[set].alpha};

        if (set > 2 && (i + kind) % 4) /* those with a fast way of their own in full */
          continue;
        PetscStrncpy(a.name, known[set].name, sizeof(a.name));
        a.radius = size < 5 ? radii[size] : 0;
        a.penalty = size < 5 ? 0 : prices[size - 5] * unit;
        CompareSweep(&m, &a, FenSimdTypes[simd], (Kind)kind);
      }
}

/* Jensen-Shannon with mass on the state of the smallest value: rows that it leaves, rows that have it or are close,
   rows whose mass all goes there */
static void TestPopped(void **state)
{
  static const double radii[] = {1e-4, 5e-3, 0.05, 0.3, 0.6, 0.69, 1}, prices[] = {1e-3, 0.05, 0.3, 1, 10};

  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (int kind = 0; kind < NKINDS; kind++)
      for (int i = 0; i < 12; i++) {
        const Model  m = {.n = 45 + i,
                          .most = i % 2 ? MOST : 4,
                          .by_next = (PetscBool)(i % 4 > 1 && !kind),
                          .rare = (PetscBool)(i % 3 == 2),
                          .seed = (uint64_t)(3000 + i)};
        const double unit = kind == HUGE_SCALE ? 1e150 : kind == TINY_SCALE ? 1e-150 : 1;
        FenAmbiguity a = {.name = "js", .alpha = 1, .support = FEN_SUPPORT_ALL};

        a.radius = i < 7 ? radii[i] : 0;
        a.penalty = i < 7 ? 0 : prices[i - 7] * unit;
        Compare(&m, &a, FenSimdTypes[simd], (Kind)kind);
        CompareSweep(&m, &a, FenSimdTypes[simd], (Kind)kind);
      }
}

/* linf and intervals, linf at a price, transport at a price on a line and on a grid */
static void TestNorms(void **state)
{
  static const double sizes[] = {1e-9, 1e-3, 0.02, 0.1, 0.4, 1, 20, 1e4};

  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (int kind = 0; kind < NKINDS; kind++)
      for (int i = 0; i < 6 * 8; i++) {
        const int    set = i / 8;
        const Model  m = {.n = 48,
                          .most = i % 3 ? MOST : 4,
                          .by_next = (PetscBool)(i % 4 == 1 && !kind),
                          .rare = (PetscBool)(i % 5 == 2),
                          .seed = (uint64_t)(5000 + i),
                          .width = 8};
        const double unit = kind == HUGE_SCALE ? 1e150 : kind == TINY_SCALE ? 1e-150 : 1;
        FenAmbiguity a = {.alpha = 1, .distance_scale = set == 5 ? 0.25 : 0};

        if ((i + kind) % 2)
          continue;
        PetscStrncpy(a.name, set == 1 ? "interval" : set < 3 ? "linf" : "wasserstein", sizeof(a.name));
        a.distance = set == 4 ? FEN_DISTANCE_L1 : set == 5 ? FEN_DISTANCE_L2 : FEN_DISTANCE_INDEX;
        *(set < 2 ? &a.radius : &a.penalty) = set < 2 ? sizes[i % 8] : sizes[i % 8] * unit;
        Compare(&m, &a, FenSimdTypes[simd], (Kind)kind);
        CompareSweep(&m, &a, FenSimdTypes[simd], (Kind)kind);
      }
}

/* a state by itself, from a cold start */
static double StateValue(const Model *m, FenSRect solver, FenInt s, const double V[], double gamma, double budget,
                         double *size)
{
  const int rows = Rows(m, s);
  FenInt    ptr[4] = {0}, next[MOST];
  double    q[3 * MOST], z[3 * MOST], reward_next[MOST], reward, policy[3], u = NAN;

  *size = 0;
  for (int a = 0; a < rows; a++) {
    const int n = Row(m, s, a, next, q + ptr[a], reward_next, &reward);

    for (int j = 0; j < n; j++) {
      z[ptr[a] + j] = (m->by_next ? reward_next[j] : reward) + gamma * V[next[j]];
      *size = fmax(*size, fabs(z[ptr[a] + j]) + fabs(gamma * V[next[j]]));
    }
    ptr[a + 1] = ptr[a] + n;
  }
  FEN_OK(FenSRectSolve(solver, rows, ptr, q, z, NULL, budget, &u, NULL, policy, NULL));
  return u;
}

static void CompareStates(const Model *m, const FenAmbiguity *a, FenSRectKind which, const char *simd, Kind kind)
{
  FenBellmanOptions options = {.discount = 0.9, .ambiguity = *a};
  FenMDPModel       model = Make(m);
  FenBellman        b;
  FenSRect          solver;
  double           *V = calloc((size_t)m->n, sizeof(double)), *TV = calloc((size_t)m->n, sizeof(double)), size;
  int              *policy = calloc((size_t)m->n, sizeof(int));
  FenSweepStats     stats;

  snprintf(options.simd, sizeof(options.simd), "%s", simd);
  FEN_OK(FenBellmanCreate(model, &options, &b));
  FEN_OK(FenSRectCreate(which, &solver));
  for (int round = 0; round < 4; round++) {
    for (FenInt s = 0; s < m->n; s++)
      V[s] = Value(m, kind, s, round);
    V[m->n - 1] = 0;
    FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats));
    for (FenInt s = 0; s < m->n - 1; s++) {
      const double u = StateValue(m, solver, s, V, 0.9, a->radius, &size);

      if (!(fabs(TV[s] - u) <= 1e-12 * size + 2 * stats.slack))
        print_error("%s %s budget %g, kind %d round %d: state %d is %.17g, not %.17g\n", simd, a->name, a->radius,
                    (int)kind, round, (int)s, TV[s], u);
      assert_true(fabs(TV[s] - u) <= 1e-12 * size + 2 * stats.slack);
    }
  }
  FEN_OK(FenSRectDestroy(&solver));
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
  free(V), free(TV), free(policy);
}

static void TestStates(void **state)
{
  static const double       budgets[] = {1e-9, 1e-3, 0.05, 0.4, 2, 1e3};
  static const FenSRectKind kinds[] = {FEN_SRECT_KL, FEN_SRECT_BURG, FEN_SRECT_HELLINGER};

  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
    for (int k = 0; k < 3; k++)
      for (int kind = 0; kind < NKINDS; kind++)
        for (int i = 0; i < 6; i++) {
          const Model  m = {.n = 37, .most = i % 2 ? 4 : MOST, .by_next = kind == 6, .seed = (uint64_t)(10 * k + i)};
          FenAmbiguity a = {.alpha = 1, .radius = budgets[i], .rectangular = FEN_RECTANGULAR_S};

          PetscStrncpy(a.name, FenSRectKinds[kinds[k]], sizeof(a.name));
          CompareStates(&m, &a, kinds[k], FenSimdTypes[simd], (Kind)kind);
        }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestBalls),  cmocka_unit_test(TestPrices),
                                     cmocka_unit_test(TestSweeps), cmocka_unit_test(TestPopped),
                                     cmocka_unit_test(TestNorms),  cmocka_unit_test(TestStates)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
