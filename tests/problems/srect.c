/* SPDX-License-Identifier: BSD-2-Clause */
/* s-rectangular states: published small case, brute force over policies and laws, limits, optimality of the answer. */
#include <fenchelsrect.h>
#include "fentest.h"
#include <math.h>

#define NKINDS 5

static double Value(const FenInt ptr[], const double z[], FenInt a, const double law[])
{
  double sum = 0;

  for (FenInt k = ptr[a]; k < ptr[a + 1]; k++)
    sum += law[k] * z[k];
  return sum;
}

static double Divergence(FenSRectKind kind, FenInt n, const double p[], const double q[])
{
  double sum = 0;

  for (FenInt k = 0; k < n; k++) {
    const double d = p[k] - q[k];

    if (kind == FEN_SRECT_L1)
      sum += fabs(d);
    else if (kind == FEN_SRECT_PEARSON)
      sum += d * d / q[k];
    else if (kind == FEN_SRECT_HELLINGER)
      sum += (sqrt(p[k]) - sqrt(q[k])) * (sqrt(p[k]) - sqrt(q[k]));
    else if (kind == FEN_SRECT_KL)
      sum += p[k] > 0 ? p[k] * log(p[k] / q[k]) : 0;
    else
      sum += q[k] * log(q[k] / p[k]);
  }
  return sum;
}

/* spec mdp.md 7.3 */
static void TestPublished(void **state)
{
  static const FenInt ptr[] = {0, 3, 6};
  static const double q[] = {.5, .3, .2, .3, .3, .4}, z[] = {0, 1, 3, .5, .8, 1.6}, kappa[] = {.02, .1, .3};
  static const struct {
    FenSRectKind kind;
    double       u[3], first[3]; /* probability of the first action */
  } known[] = {{FEN_SRECT_L1, {1.019, .975, .8743902439}, {0, 0, .26829268}},
               {FEN_SRECT_PEARSON, {.9621619576, .8785795376, .7728140630}, {0, .02461209, .08105989}},
               {FEN_SRECT_KL, {.9351010227, .8247655177, .6963362077}, {0, .05686244, .08220848}},
               {FEN_SRECT_BURG, {.9362635847, .8317704452, .7183971628}, {0, .04881196, .06735180}},
               {FEN_SRECT_HELLINGER, {.8979305020, .7572946409, .6135810663}, {.00254713, .07079861, .06606106}}};

  (void)state;
  for (int k = 0; k < NKINDS; k++)
    for (int b = 0; b < 3; b++) {
      FenSRect s;
      double   u = NAN, policy[2];

      FEN_OK(FenSRectCreate(known[k].kind, &s));
      FEN_OK(FenSRectSolve(s, 2, ptr, q, z, NULL, kappa[b], &u, NULL, policy, NULL));
      FEN_ASSERT_NEAR(u, known[k].u[b], 1e-10);
      FEN_ASSERT_NEAR(policy[0], known[k].first[b], 1e-8);
      FEN_ASSERT_NEAR(policy[0] + policy[1], 1, 1e-15);
      FEN_OK(FenSRectDestroy(&s));
    }
}

enum { ACTIONS = 6, LONGEST = 9 };
typedef struct {
  FenInt ptr[ACTIONS + 1];
  double q[ACTIONS * LONGEST], z[ACTIONS * LONGEST], weight[ACTIONS];
} Instance;

static void Random(uint64_t seed, Instance *X)
{
  X->ptr[0] = 0;
  for (FenInt a = 0; a < ACTIONS; a++) {
    const FenInt n = 1 + (FenInt)(LONGEST * FenRandomUniform(seed, (uint64_t)a, 1));
    double       sum = 0;

    X->ptr[a + 1] = X->ptr[a] + n;
    X->weight[a] = 0.5 + FenRandomUniform(seed, (uint64_t)a, 2);
    for (FenInt k = X->ptr[a]; k < X->ptr[a + 1]; k++) {
      X->q[k] = 0.01 + FenRandomUniform(seed, (uint64_t)k, 3);
      X->z[k] = 100 + floor(20 * FenRandomUniform(seed, (uint64_t)k, 4)) / 4; /* ties */
      sum += X->q[k];
    }
    for (FenInt k = X->ptr[a]; k < X->ptr[a + 1]; k++)
      X->q[k] /= sum;
  }
}

/* the answer is a saddle point: nature's laws cost at most kappa, all actions in the policy yield u under them, no
   action yields more; and u is the root, so that slightly less budget does not reach it */
static void TestSaddlePoint(void **state)
{
  static const double kappas[] = {1e-6, 0.01, 0.2, 1.5};

  (void)state;
  for (int kind = 0; kind < NKINDS; kind++)
    for (uint64_t seed = 0; seed < 200; seed++)
      for (int b = 0; b < 4; b++) {
        Instance X;
        FenSRect s;
        double   u = NAN, warm = NAN, policy[ACTIONS], tau[ACTIONS] = {0}, law[ACTIONS * LONGEST], cost = 0, bottom = 0;

        Random(seed, &X);
        FEN_OK(FenSRectCreate((FenSRectKind)kind, &s));
        FEN_OK(FenSRectSolve(s, ACTIONS, X.ptr, X.q, X.z, X.weight, kappas[b], &u, tau, policy, law));
        for (FenInt a = 0; a < ACTIONS; a++) {
          double least = 1e300, mass = 0;

          for (FenInt k = X.ptr[a]; k < X.ptr[a + 1]; k++) {
            least = fmin(least, X.z[k]);
            mass += law[k];
            assert_true(law[k] >= 0);
          }
          bottom = fmax(bottom, least);
          FEN_ASSERT_NEAR(mass, 1, 1e-8);
        }
        if (u > bottom) { /* otherwise nature need not hold down the actions that the policy does not take */
          for (FenInt a = 0; a < ACTIONS; a++) {
            const double y = Value(X.ptr, X.z, a, law);

            cost +=
                X.weight[a] * Divergence((FenSRectKind)kind, X.ptr[a + 1] - X.ptr[a], law + X.ptr[a], X.q + X.ptr[a]);
            assert_true(y <= u + 1e-9);
            if (policy[a] > 1e-6)
              FEN_ASSERT_NEAR(y, u, 1e-8);
          }
          FEN_ASSERT_NEAR(cost, kappas[b], 1e-6 * (1 + kappas[b]));
        }
        warm = u;
        FEN_OK(FenSRectSolve(s, ACTIONS, X.ptr, X.q, X.z, X.weight, kappas[b], &warm, tau, policy, NULL));
        FEN_ASSERT_NEAR(warm, u, 1e-12 * 100);
        FEN_OK(FenSRectDestroy(&s));
      }
}

/* kappa = 0: greedy; kappa large: the best of the worst; one action: the (s,a)-rectangular closed form of two points */
static void TestLimits(void **state)
{
  (void)state;
  for (int kind = 0; kind < NKINDS; kind++) {
    static const FenInt two[] = {0, 2};
    static const double q2[] = {.8, .2}, z2[] = {1, 0};
    Instance            X;
    FenSRect            s;
    double              u = NAN, policy[ACTIONS], greedy = -1e300, bottom = -1e300;

    Random(7, &X);
    FEN_OK(FenSRectCreate((FenSRectKind)kind, &s));
    for (FenInt a = 0; a < ACTIONS; a++) {
      double least = 1e300;

      greedy = fmax(greedy, Value(X.ptr, X.z, a, X.q));
      for (FenInt k = X.ptr[a]; k < X.ptr[a + 1]; k++)
        least = fmin(least, X.z[k]);
      bottom = fmax(bottom, least);
    }
    FEN_OK(FenSRectSolve(s, ACTIONS, X.ptr, X.q, X.z, NULL, 0, &u, NULL, policy, NULL));
    FEN_ASSERT_NEAR(u, greedy, 1e-13 * 100);
    u = NAN;
    FEN_OK(FenSRectSolve(s, ACTIONS, X.ptr, X.q, X.z, NULL, 1e3, &u, NULL, policy, NULL));
    FEN_ASSERT_NEAR(u, bottom, kind == FEN_SRECT_BURG ? 1e-9 : 0);
    u = NAN;
    FEN_OK(FenSRectSolve(s, 1, two, q2, z2, NULL, .1, &u, NULL, policy, NULL));
    FEN_ASSERT_NEAR(1 - u, ((double[]){.25, .395210706333, .409973050899, .326491106407, .495809923939})[kind], 1e-11);
    FEN_ASSERT_NEAR(policy[0], 1, 0);
    FEN_OK(FenSRectDestroy(&s));
  }
}

/* a row whose yield bends sharply in its multiplier, from the middle of its bracket: bounds once fell there and stopped
 */
static void TestBend(void **state)
{
  static const FenInt ptr[] = {0, 3, 6};
  static const double q[] = {.5, .45, .05, .25, .7, .05};
  static const double z[] = {-33.306454574625818, -33.296697045962681, -33.243929767597365,
                             -33.806454574625818, -33.796697045962681, -33.743929767597365};
  double              policy[2], value;

  (void)state;
  for (int kind = 0; kind < NKINDS; kind++) {
    FenSRect s;
    double   u = NAN;

    FEN_OK(FenSRectCreate((FenSRectKind)kind, &s));
    FEN_OK(FenSRectSolve(s, 2, ptr, q, z, NULL, .02, &u, NULL, policy, NULL));
    FEN_OK(FenSRectPolicyValue(s, 2, ptr, q, z, NULL, .02, policy, &value, NULL, NULL));
    FEN_ASSERT_NEAR(u, value, 1e-13);
    FEN_OK(FenSRectDestroy(&s));
  }
}

/* given policies: the best one has the state's value, others no more; the laws are allowed and attain it */
static void TestPolicy(void **state)
{
  (void)state;
  for (int kind = 0; kind < NKINDS; kind++)
    for (int trial = 0; trial < 200; trial++) {
      static Instance X;
      const double    kappa = 0.01 + 0.003 * trial;
      FenSRect        s;
      double u = NAN, best[ACTIONS], other[ACTIONS], law[ACTIONS * LONGEST], value, scale = 0, sum = 0, mean = 0, d = 0;

      Random((uint64_t)(trial + 1), &X);
      FEN_OK(FenSRectCreate((FenSRectKind)kind, &s));
      FEN_OK(FenSRectSolve(s, ACTIONS, X.ptr, X.q, X.z, NULL, kappa, &u, NULL, best, NULL));
      FEN_OK(FenSRectPolicyValue(s, ACTIONS, X.ptr, X.q, X.z, NULL, kappa, best, &value, NULL, NULL));
      FEN_ASSERT_NEAR(value, u, 2e-12);
      for (int a = 0; a < ACTIONS; a++)
        sum += other[a] = (a + trial) % 3 ? 1.0 / (1 + (a + trial) % 5) : 0;
      for (int a = 0; a < ACTIONS; a++)
        other[a] /= sum;
      FEN_OK(FenSRectPolicyValue(s, ACTIONS, X.ptr, X.q, X.z, NULL, kappa, other, &value, &scale, law));
      assert_true(value <= u + 1e-12);
      for (int a = 0; a < ACTIONS; a++) {
        mean += other[a] * Value(X.ptr, X.z, a, law);
        d += Divergence((FenSRectKind)kind, X.ptr[a + 1] - X.ptr[a], law + X.ptr[a], X.q + X.ptr[a]);
      }
      FEN_ASSERT_NEAR(mean, value, 1e-11);
      assert_true(d <= kappa + 1e-10);
      FEN_OK(FenSRectPolicyValue(s, ACTIONS, X.ptr, X.q, X.z, NULL, kappa, other, &mean, &scale, NULL)); /* warm */
      FEN_ASSERT_NEAR(mean, value, 1e-12);
      FEN_OK(FenSRectDestroy(&s));
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPublished), cmocka_unit_test(TestSaddlePoint),
                                          cmocka_unit_test(TestLimits), cmocka_unit_test(TestBend),
                                          cmocka_unit_test(TestPolicy)};

FEN_TEST_MAIN(tests)
