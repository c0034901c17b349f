/* SPDX-License-Identifier: BSD-2-Clause */
/* Couplings of targets through the sources of a plan, against the plan written out; every grid, every offset, cut along
   each axis. */
#include "operator/operator.h"
#include "cases.h"
#include "dense.h"

#define RADIUS 2
#define MOST   100

typedef struct {
  const Case *c;
  Dense       D;
  FenInt      shape[FEN_MAX_DIM];
  FenBox      box; /* my targets, on the layout of couplings */
  long double E[MOST * MOST];
  int         taken; /* offsets that came */
  double      worst;
} Setting;

static double Potential(const Setting *S, FenInt j)
{
  return 0.3 * S->D.largest * FenRandomUniform(95, (uint64_t)j, 0);
}

static long double Coupling(const Setting *S, FenInt j, FenInt k)
{
  long double sum = 0;

  for (FenInt i = 0; i < S->D.n; i++)
    sum += S->D.a[i] * S->E[i * MOST + j] * S->E[i * MOST + k];
  return sum;
}

static double Mass(const Setting *S, FenInt j)
{
  long double sum = 0;

  for (FenInt i = 0; i < S->D.n; i++)
    sum += S->D.a[i] * S->E[i * MOST + j];
  return (double)sum;
}

static PetscErrorCode Take(void *ctx, const FenInt offset[], const double v[])
{
  Setting     *S = (Setting *)ctx;
  const FenInt side = 2 * RADIUS + 1, number = (offset[0] * side + offset[1]) * side + offset[2];
  FenInt       q = 0;

  PetscFunctionBegin;
  S->taken++;
  assert_true(number >= 0);
  for (FenInt a = S->box.lo[0]; a < S->box.hi[0]; a++)
    for (FenInt b = S->box.lo[1]; b < S->box.hi[1]; b++)
      for (FenInt c = S->box.lo[2]; c < S->box.hi[2]; c++, q++) {
        const FenInt at[3] = {a, b, c}, j = (a * S->shape[1] + b) * S->shape[2] + c;
        FenInt       k = 0;
        PetscBool    inside = PETSC_TRUE;
        long double  want;

        for (int d = 0; d < 3; d++) {
          inside = (PetscBool)(inside && at[d] + offset[d] >= 0 && at[d] + offset[d] < S->shape[d]);
          k = k * S->shape[d] + at[d] + offset[d];
        }
        want = inside ? Coupling(S, j, k) : 0;
        S->worst = fmax(S->worst, fabs(v[q] - (double)want) / fmax(Mass(S, j), 1e-3));
        if (isnan(v[q]) || (!inside && v[q] != 0))
          S->worst = HUGE_VAL;
      }
  PetscFunctionReturn(0);
}

static void Check(const Case *c, const PetscMPIInt cut[], double sharpness)
{
  Setting      *S = (Setting *)calloc(1, sizeof(*S));
  FenMeasure    self[2], m[2];
  FenCost       cost;
  FenOTOperator op;
  FenLayout     layout;
  FenInt        n[2], *number;
  double        g[MOST] = {0}, f[MOST], work[2][MOST], eps;
  long double   dense[MOST] = {0};
  int           offsets = 1;

  S->c = c;
  CaseMake(c, PETSC_COMM_SELF, NULL, self, &cost);
  S->D = DenseMake(self, cost);
  CaseDestroy(self, &cost);
  eps = S->D.largest / sharpness;
  for (FenInt j = 0; j < S->D.m; j++)
    dense[j] = Potential(S, j);
  for (FenInt i = 0; i < S->D.n; i++) {
    const long double fi = DenseSoft(&S->D, 0, eps, dense, i);

    for (FenInt j = 0; j < S->D.m; j++)
      S->E[i * MOST + j] = S->D.b[j] * expl((fi + dense[j] - S->D.C[i * S->D.m + j]) / eps);
  }
  CaseMake(c, MPI_COMM_WORLD, cut, m, &cost);
  FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op));
  FEN_OK(FenOTOperatorSetEpsilon(op, eps));
  FEN_ASSERT_ALL(!FenOTHasCouplings(op));
  op->keep = PETSC_TRUE;
  number = CaseNumbers(m[1]);
  FEN_OK(FenMeasureGetSize(m[1], NULL, &n[1]));
  for (FenInt k = 0; k < n[1]; k++)
    g[k] = Potential(S, number[k]);
  FEN_OK(FenOTSetPlan(op, g, f));
  FEN_ASSERT_ALL(FenOTHasCouplings(op));
  FEN_OK(FenOTCouplingsLayout(op, &layout));
  FEN_OK(FenLayoutGetShape(layout, S->shape));
  FEN_OK(FenLayoutGetBox(layout, -1, &S->box));
  FEN_OK(FenOTCouplings(op, RADIUS, (double *[2]){work[0], work[1]}, MOST, Take, S));
  for (PetscInt k = 0; k < c->dim; k++) /* those that lie inside for some target */
    offsets *= (int)(2 * PetscMin(RADIUS, S->shape[k] - 1) + 1);
  assert_int_equal(S->taken, (offsets + 1) / 2);
  FEN_ASSERT_ALL(S->worst <= 6e-8 * (double)c->dim); /* one of the two factors of each stage is of single precision */
  FEN_OK(FenOTOperatorDestroy(&op));
  CaseDestroy(m, &cost);
  DenseFree(&S->D);
  free(number);
  free(S);
}

static void TestCouplings(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int k = 0; k < NCASES; k++)
    for (int axis = 0; cases[k].grid && cases[k].dim > 1 && axis < cases[k].dim; axis++) {
      PetscMPIInt cut[3] = {1, 1, 1};

      cut[axis] = size;
      Check(&cases[k], cut, 30);
      Check(&cases[k], cut, 400);
    }
}

static void TestSteps(void **state)
{
  case_stretch = 1.25;
  TestCouplings(state);
  case_stretch = 1;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCouplings), cmocka_unit_test(TestSteps)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
