/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Robust models: what must hold of any set (order, identities, certificates), randomised policies, worst-case kernels,
   and the same numbers on any number of ranks.
*/
#include "mdpsolve.h"

enum { STATES = 40 };
#define DISCOUNT 0.95

/* five successors near the state, three actions */
static int Random(const void *ctx, FenInt s, MDPRow r[8])
{
  (void)ctx;
  for (int a = 0; a < 3; a++) {
    double sum = 0;

    r[a] = (MDPRow){.n = 5, .reward = FenRandomUniform(9, (uint64_t)(8 * s + a), 50)};
    for (int j = 0; j < 5; j++) {
      r[a].next[j] = (s + 7 * j + a) % STATES;
      sum += r[a].prob[j] = 0.1 + FenRandomUniform(9, (uint64_t)(8 * s + a), (uint32_t)j);
    }
    for (int j = 0; j < 5; j++)
      r[a].prob[j] /= sum;
  }
  return 3;
}

static FenMDPModel Model(void)
{
  return MDPMake(MPI_COMM_WORLD, STATES, Random, NULL, FEN_MDP_MAX);
}

/* mean of the values, within `gap` */
static double Mean(FenMDPModel model, const char *type, FenAmbiguity a, double gap)
{
  FenMDP       mdp = MDPSolver(model, type, DISCOUNT, &a, gap);
  FenMDPBounds B = MDPRun(mdp);

  FEN_OK(FenMDPDestroy(&mdp));
  return (B.lower + B.upper) / 2;
}

static void TestIdentities(void **state)
{
  FenMDPModel  model = Model();
  const double nominal = Mean(model, "pi", (FenAmbiguity){.name = "none"}, 1e-10);
  const double tv = Mean(model, "ipi", (FenAmbiguity){.name = "tv", .radius = .1}, 1e-10);

  (void)state;
  FEN_ASSERT_NEAR(Mean(model, "ipi", (FenAmbiguity){.name = "l1", .radius = .2}, 1e-10), tv, 3e-10);
  FEN_ASSERT_NEAR(Mean(model, "ipi", (FenAmbiguity){.name = "linf", .radius = .05}, 1e-10),
                  Mean(model, "mpi", (FenAmbiguity){.name = "interval", .radius = .05}, 1e-10), 3e-10);
  /* small radii and large prices are nominal */
  FEN_ASSERT_NEAR(Mean(model, "ipi", (FenAmbiguity){.name = "wasserstein", .radius = 1e-9}, 1e-10), nominal, 1e-6);
  FEN_ASSERT_NEAR(Mean(model, "ipi", (FenAmbiguity){.name = "wasserstein", .penalty = 1e6}, 1e-10), nominal, 3e-10);
  FEN_ASSERT_NEAR(Mean(model, "ipi", (FenAmbiguity){.name = "linf", .penalty = 1e6}, 1e-10), nominal, 3e-10);
  assert_true(Mean(model, "ipi", (FenAmbiguity){.name = "tv", .radius = .1, .support = FEN_SUPPORT_ALL}, 1e-10) < tv);
  FEN_OK(FenMDPModelDestroy(&model));
}

/* values fall with the radius and lie below the nominal ones; coarse intervals contain fine values; types agree */
static void TestOrder(void **state)
{
  static const FenAmbiguity sets[] = {{.name = "linf", .radius = .04},
                                      {.name = "wasserstein", .radius = .5},
                                      {.name = "tv", .radius = .05, .support = FEN_SUPPORT_ALL},
                                      {.name = "hellinger", .radius = .05, .support = FEN_SUPPORT_ALL},
                                      {.name = "l1", .radius = .1, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "kl", .radius = .05, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "burg", .radius = .05, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "pearson", .radius = .05, .rectangular = FEN_RECTANGULAR_S},
                                      {.name = "hellinger", .radius = .05, .rectangular = FEN_RECTANGULAR_S}};
  FenMDPModel               model = Model();
  const double              nominal = Mean(model, "pi", (FenAmbiguity){.name = "none"}, 1e-10);

  (void)state;
  for (size_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++) {
    const double fine = Mean(model, "auto", sets[k], 1e-9);
    FenAmbiguity more = sets[k];

    more.radius *= 1.5;
    assert_true(fine < nominal && Mean(model, "ipi", more, 1e-9) < fine);
    for (int t = 0; t < NMDPTYPES; t++) {
      FenMDP       mdp = MDPSolver(model, mdp_types[t], DISCOUNT, &sets[k], 1e-2);
      FenMDPBounds B = MDPRun(mdp);

      FEN_ASSERT_ALL(B.lower - 1e-9 <= fine && fine <= B.upper + 1e-9);
      FEN_OK(FenMDPDestroy(&mdp));
    }
  }
  FEN_OK(FenMDPModelDestroy(&model));
}

/* laws sum to one; r + discount kernel value is the value, for which all values are brought together */
static void Attains(FenMDPModel model, FenAmbiguity a)
{
  FenMDP            mdp = MDPSolver(model, "ipi", DISCOUNT, &a, 1e-9);
  FenMDPKernel      K;
  const FenMDPRows *R;
  const double     *law, *value;
  double            all[STATES] = {0}, sum = 0;
  FenLayout         layout;
  FenInt            start, end;

  FEN_OK(FenMDPSetPartition(mdp, FEN_MDP_PARTITION_NONE));
  (void)MDPRun(mdp);
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMDPModelGetRows(model, &R));
  FEN_OK(FenMDPGetValue(mdp, &value));
  FEN_OK(FenMDPGetPolicyLaw(mdp, &law));
  FEN_OK(FenMDPGetKernel(mdp, &K));
  assert_true(K.n == end - start);
  for (FenInt s = start; s < end; s++)
    all[s] = value[s - start];
  MPI_Allreduce(MPI_IN_PLACE, all, STATES, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  for (FenInt s = 0; s < K.n; s++) {
    double q = 0, mass = 0;

    sum = 0;
    for (FenInt r = R->state_ptr[s]; r < R->state_ptr[s + 1]; r++) {
      sum += law[r];
      q += law[r] * R->reward[r];
    }
    for (FenInt i = K.row_ptr[s]; i < K.row_ptr[s + 1]; i++) {
      mass += K.prob[i];
      q += DISCOUNT * K.prob[i] * all[K.next[i]];
      assert_true(i == K.row_ptr[s] || K.next[i] > K.next[i - 1]);
    }
    FEN_ASSERT_NEAR(sum, 1, 1e-13);
    FEN_ASSERT_NEAR(mass, 1, 1e-12);
    FEN_ASSERT_NEAR(q, value[s], 1e-7);
  }
  FEN_OK(FenMDPKernelDestroy(&K));
  FEN_OK(FenMDPDestroy(&mdp));
}

static void TestKernel(void **state)
{
  FenMDPModel model = Model();

  (void)state;
  Attains(model, (FenAmbiguity){.name = "none"});
  Attains(model, (FenAmbiguity){.name = "linf", .radius = .05});
  Attains(model, (FenAmbiguity){.name = "burg", .alpha = 1, .radius = .05, .support = FEN_SUPPORT_ALL});
  Attains(model, (FenAmbiguity){.name = "kl", .radius = .05, .rectangular = FEN_RECTANGULAR_S});
  Attains(model, (FenAmbiguity){.name = "l1", .radius = .2, .rectangular = FEN_RECTANGULAR_S});
  FEN_OK(FenMDPModelDestroy(&model));
}

/* a distance that is one between all states: wasserstein is total variation */
static PetscErrorCode Unit(void *ctx, FenInt i, FenInt j, double *cost)
{
  (void)ctx;
  *cost = i != j;
  return 0;
}

static void TestCallback(void **state)
{
  FenMDPModel  model = Model();
  const double tv = Mean(model, "ipi", (FenAmbiguity){.name = "tv", .radius = .1}, 1e-10);

  (void)state;
  FEN_ASSERT_NEAR(
      Mean(model, "ipi",
           (FenAmbiguity){.name = "wasserstein", .radius = .1, .distance = FEN_DISTANCE_CALLBACK, .cost = Unit}, 1e-10),
      tv, 3e-10);
  FEN_OK(FenMDPModelDestroy(&model));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestIdentities), cmocka_unit_test(TestOrder),
                                          cmocka_unit_test(TestKernel), cmocka_unit_test(TestCallback)};

FEN_TEST_MAIN(tests)
