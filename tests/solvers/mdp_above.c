/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Balls of the Cressie-Read family above order one, in the kernels alone: rows of few and of many successors, laws that
   reach just beyond a value of the row, on all instruction sets, cold and warm. Values and gaps against FenDivergence,
   laws against the ball and the values; hardly a lane is left to the caller.
*/
#include "mdpcases.h"
#include <fencheldivergence.h>
#include "mdp/kernels/naturekernels.h"

enum { MOST = 48, SLOTS = 24 };

enum { NORDERS = 10, NRADII = 5 };
static const double orders[NORDERS] = {1.3, 1.5, 1.9, 2.1, 2.5, 3, 5, 8, 20, 50};
static const double radii[NRADII] = {1e-2, 0.05, 0.3, 2, 20};

static FenInt served;

static void Serve(void *ctx, const FenNatureLane *r)
{
  (void)ctx;
  served++;
  *r->value = 0;
  *r->gap = 1;
  for (FenInt j = 0; r->law && j < r->n; j++)
    r->law[FEN_LANES * j] = NAN;
}

typedef struct {
  FenInt chunk_ptr[SLOTS + 1], slot_ptr[SLOTS + 1];
  int    col[FEN_LANES * MOST * SLOTS];
  double val[FEN_LANES * MOST * SLOTS], reward[FEN_LANES * SLOTS], warm[FEN_LANES * SLOTS],
      d[2][FEN_LANES * (MOST + 1)];
  double V[FEN_LANES * MOST * SLOTS];
} Rows;

static double Random(FenInt k, uint32_t stream)
{
  return FenRandomUniform(41, (uint64_t)k, stream);
}

/* slot k has few successors or many; every entry has a value of its own, some differ by next to nothing */
static void Make(Rows *R)
{
  FenInt at = 0;

  for (FenInt k = 0; k < SLOTS; k++) {
    const FenInt n = k % 3 == 0 ? 2 + k % 5 : 2 + (FenInt)((MOST - 2) * Random(k, 1));

    R->chunk_ptr[k] = k;
    R->slot_ptr[k] = at;
    for (FenInt l = 0; l < FEN_LANES; l++) {
      double sum = 0;

      R->reward[FEN_LANES * k + l] = R->warm[FEN_LANES * k + l] = 0;
      for (FenInt j = 0; j < n; j++) {
        const FenInt i = FEN_LANES * (at + j) + l;
        const double u = Random(i, 2);

        R->col[i] = (int)i;
        R->val[i] = k % 4 == 1 ? pow(10, -6 * Random(i, 3)) : 0.05 + Random(i, 3);
        R->V[i] = k % 5 == 2 && j ? R->V[i - FEN_LANES] + (j % 2 ? 1e-9 : 0.5) * u : u;
        if (k % 6 == 3) /* as on grids */
          R->val[i] = j == (k + l) % n ? 0.8 * (double)(n - 1) : 0.2;
        sum += R->val[i];
      }
      for (FenInt j = 0; j < n; j++)
        R->val[FEN_LANES * (at + j) + l] /= sum;
    }
    at += n;
  }
  R->chunk_ptr[SLOTS] = SLOTS;
  R->slot_ptr[SLOTS] = at;
}

/* what FenDivergence says of a lane */
static FenWorstCase known[NORDERS][NRADII][FEN_LANES * SLOTS];

static FenInt Lane(const Rows *R, FenInt k, FenInt l, double q[], double v[])
{
  const FenInt n = R->slot_ptr[k + 1] - R->slot_ptr[k], first = FEN_LANES * R->slot_ptr[k] + l;

  for (FenInt j = 0; j < n; j++) {
    q[j] = R->val[first + FEN_LANES * j];
    v[j] = R->V[first + FEN_LANES * j];
  }
  return n;
}

/* the law is in the ball and has the lane's value */
static void Check(FenDivergence div, const Rows *R, FenInt k, FenInt l, double radius, double value, double gap,
                  const double law[], const FenWorstCase *w)
{
  double       q[MOST], v[MOST], p[MOST], d, mean = 0;
  const FenInt n = Lane(R, k, l, q, v);

  for (FenInt j = 0; j < n; j++) {
    p[j] = law[FEN_LANES * j + l];
    mean += p[j] * v[j];
  }
  FEN_OK(FenDivergenceValue(div, n, p, q, &d));
  if (!(value <= w->value + w->slack && value + gap >= w->value && gap <= 1e-10 && fabs(mean - value) <= 1e-9))
    print_error("radius %g slot %d lane %d: %.17g gap %g, not %.17g slack %g; law has %.17g at %g\n", radius, (int)k,
                (int)l, value, gap, w->value, w->slack, mean, d);
  assert_true(value <= w->value + w->slack && value + gap >= w->value && gap <= 1e-10);
  FEN_ASSERT_NEAR(mean, value, 1e-9);
  assert_true(d <= radius * (1 + 1e-7));
}

/* of rows that are cold, warm then, and begin anywhere */
static void Compare(const FenNatureKernels *kernels, Rows *R, FenDivergence div, size_t order, size_t size)
{
  const double       alpha = orders[order], radius = radii[size], base = alpha * (alpha - 1) * radius;
  const FenChunks    chunks = {.n = FEN_LANES * SLOTS,
                               .chunk_ptr = R->chunk_ptr,
                               .slot_ptr = R->slot_ptr,
                               .col = R->col,
                               .val = R->val,
                               .reward = R->reward,
                               .discount = 1,
                               .reach = FEN_REACH_NEAR};
  const FenNatureSet set = {.form = FEN_NATURE_ABOVE,
                            .ball = PETSC_TRUE,
                            .size = radius,
                            .alpha = alpha,
                            .t = alpha / (alpha - 1),
                            .kappa = pow(1 + base, 1 / alpha),
                            .lowest = pow(1 + base, 1 / (1 - alpha)),
                            .price = 1 / (alpha - 1),
                            .scale = 1};
  FenNatureRuns      N = {.set = &set, .chunks = &chunks, .warm = R->warm, .d = {R->d[0], R->d[1]}, .serve = Serve};

  for (int warm = 0; warm < 3; warm++)
    for (FenInt k = 0; k < SLOTS; k++) {
      double law[FEN_LANES * MOST], popped[FEN_LANES], reward[FEN_LANES], value[FEN_LANES], gap[FEN_LANES];

      for (FenInt l = 0; warm == 2 && l < FEN_LANES; l++) /* from anywhere */
        R->warm[FEN_LANES * k + l] = pow(10, 2 - 5 * Random(FEN_LANES * k + l, 4));
      kernels->values(&N, k, R->V, value, gap);
      kernels->law(&N, k, R->V, law, popped, reward);
      for (FenInt l = 0; l < FEN_LANES; l++)
        if (gap[l] < 0.1 && law[l] == law[l]) /* those that are served have no answer */
          Check(div, R, k, l, radius, value[l], gap[l], law, &known[order][size][FEN_LANES * k + l]);
    }
}

static void MakeKnown(const Rows *R, FenDivergence div, size_t order, size_t size)
{
  double q[MOST], v[MOST];

  for (FenInt k = 0; k < SLOTS; k++)
    for (FenInt l = 0; l < FEN_LANES; l++) {
      const FenInt n = Lane(R, k, l, q, v);

      FEN_OK(FenDivergenceWorstRadius(div, n, q, v, radii[size], FEN_SUPPORT_NOMINAL, 0, NAN, NULL,
                                      &known[order][size][FEN_LANES * k + l]));
    }
}

static void TestAbove(void **state)
{
  const FenNatureKernels *kernels;
  Rows                   *R;

  (void)state;
  FEN_OK(PetscNew(&R));
  Make(R);
  for (size_t a = 0; a < NORDERS; a++) {
    FenDivergence div;

    FEN_OK(FenDivergenceCreate(PETSC_COMM_SELF, "alpha", orders[a], &div));
    for (size_t r = 0; r < NRADII; r++) {
      MakeKnown(R, div, a, r);
      for (int simd = 0; simd <= (int)FenSimdBest(); simd++) {
        FEN_OK(FenNatureKernelsGet(FenSimdTypes[simd], &kernels));
        FEN_OK(PetscArrayzero(R->warm, FEN_LANES * SLOTS));
        served = 0;
        Compare(kernels, R, div, a, r);
        if (served > (orders[a] > 8 ? FEN_LANES * SLOTS / 2 : FEN_LANES * SLOTS / 20))
          print_error("order %g radius %g, %s: %d lanes are left to the caller\n", orders[a], radii[r],
                      FenSimdTypes[simd], (int)served);
        /* of 6 answers to each lane; extreme orders need more digits than there are at times */
        assert_true(served <= (orders[a] > 8 ? FEN_LANES * SLOTS / 2 : FEN_LANES * SLOTS / 20));
      }
    }
    FEN_OK(FenDivergenceDestroy(&div));
  }
  FEN_OK(PetscFree(R));
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestAbove)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
