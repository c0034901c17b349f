/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The operator of every kind of problem against the written-out matrix: transforms in both directions, the plan of a
   potential and its products; 1 to 4 ranks, both schedules of pairs, all cuts of a grid.
*/
#include "operator/operator.h"
#include "cases.h"
#include "dense.h"

#define MOST 100 /* more than any case has points */

typedef struct {
  const Case   *c;
  Dense         D;
  FenMeasure    m[2];
  FenCost       cost;
  FenOTOperator op;
  FenInt       *number[2], n[2];
  double        eps;
  long double   f[MOST], g[MOST], E[MOST * MOST]; /* plan of g */
} Setting;

/* potentials and values by global number */
static double Potential(const Setting *S, int side, FenInt i)
{
  return S->D.largest * (FenRandomUniform(81, (uint64_t)i, (uint32_t)side) - 0.5);
}

static double Value(FenInt k, FenInt i)
{
  return 2 * FenRandomUniform(82, (uint64_t)i, (uint32_t)k) - 1;
}

static void Local(const Setting *S, int side, double out[])
{
  for (FenInt k = 0; k < S->n[side]; k++)
    out[k] = Potential(S, side, S->number[side][k]);
}

static void Begin(Setting *S, const Case *c, FenPairsType pairs, const PetscMPIInt cut[], double sharpness)
{
  FenMeasure self[2];
  FenCost    selfcost;

  S->c = c;
  CaseMake(c, PETSC_COMM_SELF, NULL, self, &selfcost);
  S->D = DenseMake(self, selfcost);
  CaseDestroy(self, &selfcost);
  CaseMake(c, MPI_COMM_WORLD, cut, S->m, &S->cost);
  FEN_OK(FenOTOperatorCreate(S->m[0], S->m[1], S->cost, pairs, "auto", &S->op));
  S->eps = S->D.largest / sharpness;
  FEN_OK(FenOTOperatorSetEpsilon(S->op, 10 * S->eps)); /* a second epsilon takes the place of the first */
  FEN_OK(FenOTOperatorSetEpsilon(S->op, S->eps));
  for (int s = 0; s < 2; s++) {
    S->number[s] = CaseNumbers(S->m[s]);
    FEN_OK(FenMeasureGetSize(S->m[s], NULL, &S->n[s]));
  }
  for (FenInt j = 0; j < S->D.m; j++)
    S->g[j] = Potential(S, 1, j);
  for (FenInt i = 0; i < S->D.n; i++) {
    S->f[i] = DenseSoft(&S->D, 0, S->eps, S->g, i);
    for (FenInt j = 0; j < S->D.m; j++)
      S->E[i * MOST + j] = S->D.b[j] * expl((S->f[i] + S->g[j] - S->D.C[i * S->D.m + j]) / S->eps);
  }
}

static void End(Setting *S)
{
  FEN_OK(FenOTOperatorDestroy(&S->op));
  CaseDestroy(S->m, &S->cost);
  DenseFree(&S->D);
  free(S->number[0]);
  free(S->number[1]);
}

/* exponents are computed to a few units of the largest number in them */
static double Tolerance(const Setting *S)
{
  return 40 * 2.2e-16 * 2 * S->D.largest;
}

static void Transforms(Setting *S)
{
  for (int to = 0; to < 2; to++) {
    const FenInt N = to ? S->D.n : S->D.m;
    long double  h[MOST];
    double       in[MOST], soft[MOST], hard[MOST], worst[2] = {0, 0};

    for (FenInt l = 0; l < N; l++)
      h[l] = Potential(S, 1 - to, l);
    Local(S, 1 - to, in);
    FEN_OK(FenOTSoftTransform(S->op, (FenDirection)to, in, soft));
    FEN_OK(FenOTHardTransform(S->op, (FenDirection)to, in, hard));
    for (FenInt k = 0; k < S->n[to]; k++) {
      const FenInt i = S->number[to][k];

      worst[0] = fmax(worst[0], fabs(soft[k] - (double)DenseSoft(&S->D, to, S->eps, h, i)));
      worst[1] = fmax(worst[1], fabs(hard[k] - (double)DenseHard(&S->D, to, h, i)));
      if (isnan(soft[k]) || isnan(hard[k]))
        worst[0] = HUGE_VAL;
    }
    FEN_ASSERT_ALL(worst[0] <= Tolerance(S));
    FEN_ASSERT_ALL(worst[1] <= Tolerance(S));
  }
}

/* largest difference of out (n_local x nv) from sum_l M(k,l) v_l, relative to the sum of sizes */
typedef long double (*EntryFn)(const Setting *, FenInt, FenInt);
static long double Plain(const Setting *S, FenInt i, FenInt j)
{
  return S->E[i * MOST + j];
}
static long double Costed(const Setting *S, FenInt i, FenInt j)
{
  return S->E[i * MOST + j] * S->D.C[i * S->D.m + j];
}
static long double Transposed(const Setting *S, FenInt j, FenInt i)
{
  return S->E[i * MOST + j];
}
static long double Squared(const Setting *S, FenInt j, FenInt i)
{
  return S->E[i * MOST + j] * S->E[i * MOST + j];
}

/* E^T diag(a) E */
static long double Normal(const Setting *S, FenInt j, FenInt k)
{
  long double sum = 0;

  for (FenInt i = 0; i < S->D.n; i++)
    sum += S->E[i * MOST + j] * S->D.a[i] * S->E[i * MOST + k];
  return sum;
}

static double Difference(const Setting *S, int to, FenInt v, const double out[], EntryFn entry)
{
  const FenInt N = to && entry != Normal ? S->D.n : S->D.m;
  const double floor = entry == Costed ? S->D.largest : 1; /* what is passed over is small against entries, not costs */
  double       worst = 0;

  for (FenInt k = 0; k < S->n[to]; k++) {
    long double sum = 0, size = 0;

    for (FenInt l = 0; l < N; l++) {
      sum += entry(S, S->number[to][k], l) * Value(v, l);
      size += fabsl(entry(S, S->number[to][k], l) * Value(v, l));
    }
    size += 1e-3 * floor;
    worst = fmax(worst, fabs(out[k] - (double)sum) / (double)size);
    if (isnan(out[k]))
      worst = HUGE_VAL;
  }
  return worst;
}

static void Values(const Setting *S, int side, FenInt nv, double v[])
{
  for (FenInt c = 0; c < nv; c++)
    for (FenInt k = 0; k < S->n[side]; k++)
      v[c * S->n[side] + k] = Value(c, S->number[side][k]);
}

/* kept factors are rounded to single precision, and yet every row of E sums to one: sum_j (E^T diag(a) E 1)_j = 1 */
static void KeptRows(Setting *S)
{
  double ones[MOST], out[MOST], mine = 0, all;

  for (FenInt k = 0; k < S->n[1]; k++)
    ones[k] = 1;
  FEN_OK(FenOTMultNormal(S->op, ones, out));
  for (FenInt k = 0; k < S->n[1]; k++)
    mine += out[k];
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  FEN_ASSERT_NEAR(all, 1, 1e-13);
}

static void Products(Setting *S)
{
  const double tol = 1e-14 + Tolerance(S) / S->eps;
  double       kept, in[6 * MOST], out[6 * MOST], f[MOST], worst = 0;

  Local(S, 1, in);
  FEN_OK(FenOTSetPlan(S->op, in, f));
  for (FenInt k = 0; k < S->n[0]; k++)
    worst = fmax(worst, fabs(f[k] - (double)S->f[S->number[0][k]]));
  FEN_ASSERT_ALL(worst <= Tolerance(S));
  kept = S->op->kept ? 4 * 6e-8 : 0; /* products of four factors at most */
  if (S->op->kept)
    KeptRows(S);
  for (PetscInt nv = 1; nv <= 6; nv += 5) { /* more values than the kernels take at once */
    Values(S, 1, nv, in);
    FEN_OK(FenOTMult(S->op, nv, in, out));
    for (FenInt c = 0; c < nv; c++)
      FEN_ASSERT_ALL(Difference(S, 0, c, out + c * S->n[0], Plain) <= tol);
  }
  Values(S, 1, 1, in);
  FEN_OK(FenOTMultCost(S->op, in, out));
  FEN_ASSERT_ALL(Difference(S, 0, 0, out, Costed) <= tol);
  Values(S, 0, 1, in);
  FEN_OK(FenOTMultTranspose(S->op, in, out));
  FEN_ASSERT_ALL(Difference(S, 1, 0, out, Transposed) <= tol);
  FEN_OK(FenOTMultTransposeSquares(S->op, in, out));
  FEN_ASSERT_ALL(Difference(S, 1, 0, out, Squared) <= 2 * tol + kept);
  FEN_OK(FenOTMultTranspose(S->op, in, out)); /* squares leave nothing behind */
  FEN_ASSERT_ALL(Difference(S, 1, 0, out, Transposed) <= tol);
  Values(S, 1, 1, in);
  FEN_OK(FenOTMultNormal(S->op, in, out));
  FEN_ASSERT_ALL(Difference(S, 1, 0, out, Normal) <= 2 * tol + kept);
}

static void All(const Case *c, FenPairsType pairs, const PetscMPIInt cut[])
{
  static const double sharpness[] = {1, 30, 3000};
  Setting            *S = (Setting *)malloc(sizeof(*S));

  for (int k = 0; k < 6; k++) {
    Begin(S, c, pairs, cut, sharpness[k % 3]);
    S->op->keep = (PetscBool)(k >= 3); /* factors of the plan */
    Transforms(S);
    Products(S);
    End(S);
  }
  free(S);
}

static void TestRing(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    All(&cases[k], FEN_PAIRS_RING, NULL);
}

static void TestSteps(void **state)
{
  case_stretch = 1.25;
  TestRing(state);
  case_stretch = 1;
}

static void TestGrid(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    if (!cases[k].grid || cases[k].dim == 1)
      All(&cases[k], FEN_PAIRS_GRID, NULL);
}

/* grids cut along every axis, and in blocks */
static void TestCuts(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int k = 0; k < NCASES; k++)
    for (int axis = 1; cases[k].grid && axis < cases[k].dim; axis++) {
      PetscMPIInt cut[3] = {1, 1, 1};

      cut[axis] = size;
      if (size == 4 && axis == cases[k].dim - 1)
        cut[0] = cut[axis] = 2;
      All(&cases[k], FEN_PAIRS_AUTO, cut);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestRing), cmocka_unit_test(TestSteps),
                                     cmocka_unit_test(TestGrid), cmocka_unit_test(TestCuts)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
