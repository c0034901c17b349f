/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a policy with codes and short numbers: their products are those of the plain rows bit by bit, on models whose
   columns differ in few ways, in too many, and on ranks that see far ghosts. */
#include "mdp/bellman/bellmanimpl.h"
#include "mdpsolve.h"

typedef struct {
  FenInt n;      /* states */
  int    kinds;  /* of laws, one an action */
  FenInt stride; /* to the second successor */
} Chain;

/* to the next state and to one that is farther; each action has probabilities of its own */
static int State(const void *ctx, FenInt s, MDPRow rows[8])
{
  const Chain *c = (const Chain *)ctx;
  const FenInt a = (s + 1) % c->n, b = (s + c->stride) % c->n;

  for (int k = 0; k < c->kinds; k++) {
    rows[k] = (MDPRow){.n = 2, .next = {PetscMin(a, b), PetscMax(a, b)}, .reward = (double)(s % 7) - k};
    rows[k].prob[a > b] = (1 + k) / 16.;
    rows[k].prob[a < b] = 1 - (1 + k) / 16.;
  }
  return c->kinds;
}

static double Value(FenInt s)
{
  return FenRandomUniform(5, (uint64_t)s, 0);
}

static int Choice(const Chain *c, FenInt s, int round)
{
  return (int)(FenRandomUniform(6, (uint64_t)s, s % 5 ? 0 : (uint32_t)round) * c->kinds);
}

/* sweeps of T_pi and products, as the kernels add: two chains, of one entry each, and fused where the sweep fuses */
static void CheckRound(const Chain *c, FenBellman b, double V[], FenInt n, FenInt first, int round)
{
  double       *TV = calloc((size_t)(n + 1), sizeof(double)), *y = calloc((size_t)(n + 1), sizeof(double)), worst = 0;
  int          *policy = calloc((size_t)(n + 1), sizeof(int));
  const double *r;
  FenSweepStats stats;

  for (FenInt k = 0; k < n; k++)
    policy[k] = Choice(c, first + k, round);
  FEN_OK(FenBellmanSetPolicy(b, policy, V));
  FEN_OK(FenBellmanPolicySweep(b, NULL, V, TV, &stats));
  FEN_OK(FenBellmanPolicyMult(b, V, y));
  FEN_OK(FenBellmanPolicyReward(b, &r));
  for (FenInt k = 0; k < n; k++) {
    const FenInt s = first + k;
    const double p = (1 + policy[k]) / 16., reward = (double)(s % 7) - policy[k];
    const double q = reward + 0.9 * (p * Value((s + 1) % c->n) + (1 - p) * Value((s + c->stride) % c->n));

    worst = fmax(worst, fmax(fabs(TV[k] - q), fabs(r[k] + V[k] - y[k] - q)));
  }
  FEN_ASSERT_ALL(worst <= 1e-14);
  free(TV);
  free(y);
  free(policy);
}

/* the greedy policy's sweep is the sweep over all rows */
static void CheckGreedy(FenBellman b, double V[], FenInt n)
{
  double       *TV = calloc((size_t)(n + 1), sizeof(double)), *W = calloc((size_t)(n + 1), sizeof(double));
  int          *policy = calloc((size_t)(n + 1), sizeof(int)), same = 1;
  FenSweepStats stats;

  FEN_OK(FenBellmanSweep(b, NULL, V, TV, policy, &stats));
  FEN_OK(FenBellmanSetPolicy(b, policy, V));
  FEN_OK(FenBellmanPolicySweep(b, NULL, V, W, &stats));
  for (FenInt k = 0; k < n; k++)
    same = same && TV[k] == W[k];
  FEN_ASSERT_ALL(same);
  free(TV);
  free(W);
  free(policy);
}

/* is any chunk of any rank left as it is */
static PetscBool AnyWide(FenBellman b)
{
  int any = 0;

  for (FenInt c = 0; c < b->policy.nchunks; c++)
    any = any || b->packed.least[c] < 0;
  FEN_OK(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD));
  return (PetscBool)any;
}

static void Check(const Chain *c, const char simd[], PetscBool packed, PetscBool wide)
{
  FenBellmanOptions options = {.discount = 0.9, .ambiguity = {.name = "none"}};
  FenMDPModel       model = MDPMake(PETSC_COMM_WORLD, c->n, State, c, FEN_MDP_MAX);
  FenBellman        b;
  FenLayout         layout;
  FenInt            n, ghosts, first, end;
  double           *V;

  options.partition = FEN_MDP_PARTITION_BLOCK;
  FEN_OK(PetscStrcpy(options.simd, simd));
  FEN_OK(FenBellmanCreate(model, &options, &b));
  FEN_OK(FenBellmanGetSizes(b, &n, &ghosts));
  FEN_OK(FenBellmanGetLayout(b, &layout));
  FEN_OK(FenLayoutGetRange(layout, &first, &end));
  V = calloc((size_t)(n + ghosts + 1), sizeof(double));
  for (FenInt k = 0; k < n; k++)
    V[k] = Value(first + k);
  for (int round = 0; round < 3; round++) {
    CheckRound(c, b, V, n, first, round);
    FEN_ASSERT_ALL(packed == (b->packed.codes != NULL) && packed == (b->policy.view.reach == FEN_REACH_PACKED));
    assert_true(!packed || wide == AnyWide(b));
    CheckGreedy(b, V, n);
  }
  free(V);
  FEN_OK(FenBellmanDestroy(&b));
  FEN_OK(FenMDPModelDestroy(&model));
}

static void TestPacked(void **state)
{
  const Chain few = {.n = 1003, .kinds = 2, .stride = 30}, many = {.n = 80000, .kinds = 8, .stride = 9};
  const Chain far = {.n = 280000, .kinds = 2, .stride = 280000 - 5};

  (void)state;
  for (int simd = 0; simd <= (int)FenSimdBest(); simd++) {
    Check(&few, FenSimdTypes[simd], PETSC_TRUE, PETSC_FALSE);
    Check(&many, FenSimdTypes[simd], PETSC_FALSE, PETSC_FALSE);
    Check(&far, FenSimdTypes[simd], PETSC_TRUE, PETSC_TRUE); /* first states reach last ones, or ghosts */
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestPacked)};

FEN_TEST_MAIN(tests)
