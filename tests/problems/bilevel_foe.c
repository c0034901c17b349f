/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of Experts: derivatives and adjoints for each rule at the border, constants, kernels, ranks. */
#include "imagingcheck.h"
#include "bilevel/kernels/foekernels.h"

static int size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

static const char *const forms[] = {
    "-foe_size 28 -foe_filters 3 -foe_width 5 -foe_scale 1 -foe_smoothing -1",
    "-foe_size 28 -foe_filters 5 -foe_width 5 -foe_boundary symmetric -foe_scale 2 -foe_smoothing -1 -foe_cache 0",
    "-foe_size 28 -foe_filters 9 -foe_width 7 -foe_boundary zero -foe_scale 2 -foe_smoothing -1 -foe_learn_scale 0",
    "-foe_size 28 -foe_filters 2 -foe_width 7 -foe_padding 3 -foe_scale 1 -foe_smoothing -1 -foe_learn_filters 0",
    "-foe_size 28 -foe_filters 2 -foe_width 3 -foe_padding 0 -foe_scale 2 -foe_smoothing -1 -foe_learn_weights 0"};
static const CheckForms every = {"foe", forms, sizeof(forms) / sizeof(forms[0]), 1, 1e-5, 1e-6, 1e-12};

static void TestDerivatives(void **state)
{
  (void)state;
  CheckFormsDerivatives(&every, size);
}

static void TestInvariance(void **state)
{
  (void)state;
  CheckFormsInvariance(&every, size, 0.1);
}

/* all 2449 hyperparameters of the published model: J^T q against differences of <q, grad h> */
static void TestAllParameters(void **state)
{
  Check   c;
  double *theta, *x, *q, *g, *z;

  (void)state;
  theta = CheckOpenAtStart(MPI_COMM_WORLD, "foe", "-foe_size 24 -foe_count 1 -foe_scale 1", size, &c);
  assert_int_equal(c.size.p, 2449);
  z = CheckNew(c.part.theta1 - c.part.theta0), g = CheckNew(c.part.nx);
  x = CheckRandom(&c, 1, 0.5), q = CheckRandom(&c, 2, 1);
  FEN_OK((*c.call->linearise)(c.p, 0, x));
  FEN_OK((*c.call->jacobiantranspose)(c.p, q, z));
  for (FenInt k = 0; k < 2449; k++) {
    const FenInt mine = k >= c.part.theta0 && k < c.part.theta1 ? k - c.part.theta0 : -1;
    double       side[2];

    for (int s = 0; s < 2; s++) {
      const double before = mine >= 0 ? theta[mine] : 0;

      if (mine >= 0)
        theta[mine] += s ? -1e-5 : 1e-5;
      FEN_OK((*c.call->settheta)(c.p, theta));
      FEN_OK((*c.call->gradient)(c.p, 0, x, NULL, g));
      side[s] = CheckDot(&c, c.part.nx, q, g);
      if (mine >= 0)
        theta[mine] = before;
    }
    if (mine >= 0)
      FEN_ASSERT_NEAR((side[0] - side[1]) / 2e-5, z[mine], 1e-6 * (1 + fabs(z[mine])));
  }
  free(theta), free(z), free(x), free(q), free(g);
  CheckClose(&c);
}

/* every instruction set against plain loops, for numbers of filters that leave groups of every size */
static void TestKernels(void **state)
{
  (void)state;
  for (FenInt K = 1; K <= 11; K++)
    for (FenInt w = 1; w <= 7; w += 2) {
      const FenInt taps = w * w, stride = 80, N = FEN_FOE_BLOCK;
      double      *c = CheckNew(K * taps), *t = CheckNew(K * taps), *x = CheckNew(8 * stride);
      double      *U = CheckNew(2 * K * N), *T = CheckNew(K * N), *g = CheckNew(8 * stride), *Z = CheckNew(K * taps);
      FenFoeBank   bank = {w, taps, K, stride, t, c};

      for (FenInt i = 0; i < K * taps; i++)
        t[i % taps * K + i / taps] = c[i] = FenRandomNormal(1, (uint64_t)i, 0);
      for (FenInt i = 0; i < 8 * stride; i++)
        x[i] = FenRandomNormal(1, (uint64_t)i, 1);
      for (FenInt i = 0; i < 2 * K * N; i++)
        U[i] = FenRandomNormal(1, (uint64_t)i, 2);
      for (int simd = 0; simd <= (int)FenSimdBest(); simd++) {
        const FenFoeKernels *k = FenFoeKernelsGet_Private((FenSimdType)simd);

        memset(g, 0, sizeof(double) * 8 * (size_t)stride);
        memset(Z, 0, sizeof(double) * (size_t)(K * taps));
        (*k->forward)(&bank, x, T);
        (*k->adjoint)(&bank, U, g);
        (*k->taps)(&bank, 2, U, x, Z);
        for (FenInt f = 0; f < K; f++)
          for (FenInt i = 0; i < N; i++) {
            double sum = 0;

            for (FenInt a = 0; a < taps; a++)
              sum += c[f * taps + a] * x[a / w * stride + a % w + i];
            FEN_ASSERT_NEAR(T[f * N + i], sum, 1e-13 * (10 + fabs(sum)));
            for (FenInt a = 0; a < taps; a++)
              g[a / w * stride + a % w + i] -= c[f * taps + a] * U[f * N + i];
          }
        for (FenInt i = 0; i < 8 * stride; i++)
          FEN_ASSERT_NEAR(g[i], 0, 1e-12);
        for (FenInt f = 0; f < K; f++)
          for (FenInt a = 0; a < taps; a++) {
            double sum = 0;

            for (FenInt b = 0; b < 2; b++)
              for (FenInt i = 0; i < N; i++)
                sum += U[(b * K + f) * N + i] * x[a / w * stride + a % w + b * N + i];
            FEN_ASSERT_NEAR(Z[f * taps + a], sum, 1e-12);
          }
      }
      free(c), free(t), free(x), free(U), free(T), free(g), free(Z);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestDerivatives), cmocka_unit_test(TestInvariance),
                                     cmocka_unit_test(TestAllParameters), cmocka_unit_test(TestKernels)};
  int                     status;

  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name("bilevel_foe", tests, Setup, NULL);
  return FenTestEnd(status);
}
