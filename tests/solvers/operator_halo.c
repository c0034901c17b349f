/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What is done across slabs, and blocks, is what is done on pencils: soft transforms both ways, and plans with kept
   factors, their products, transposes, squares, costs and couplings. For potentials that move mass by some rows, by
   many, back again, gather and spread it, change little and change everything far away from a slab at once; on images
   and volumes, with pixels and whole rows and columns without mass, with more ranks than rows.
*/
#include "operator/separableimpl.h"
#include "fentest.h"
#include <stdlib.h>

#define MOST   4096
#define SINGLE 1e-10 /* which factors are kept depends on the lines that share a block */
/* Tables of factors or exponents target by target: that depends on it, too. Scaled coordinates, up to 150 here,
   are rounded, which makes costs of 64 bits wrong by 3e-13; spikes make exponents of thousands */
#define DOUBLE 2e-11
#define LOG    1e-14

typedef struct {
  PetscInt dim;
  FenInt   shape[2][FEN_MAX_DIM];
} Grids;

static const Grids grids[] = {{2, {{64, 24, 0}, {64, 24, 0}}},
                              {2, {{60, 17, 0}, {41, 19, 0}}},
                              {2, {{3, 40, 0}, {4, 33, 0}}},
                              {2, {{50, 21, 0}, {64, 16, 0}}},
                              {3, {{24, 7, 5}, {20, 6, 6}}}};

static FenInt Columns(const Grids *G, PetscInt side)
{
  return G->shape[side][1] * (G->dim > 2 ? G->shape[side][2] : 1);
}

/* of my block, by global numbers */
static FenInt Numbers(FenLayout layout, FenInt number[])
{
  FenInt        nruns, length, n = 0;
  const FenInt *start;

  FEN_OK(FenLayoutGetRuns(layout, &nruns, &length, &start));
  for (FenInt r = 0; r < nruns; r++)
    for (FenInt i = 0; i < length; i++)
      number[n++] = start[r] + i;
  return n;
}

/* grids of ranks: all along one axis, or about as many along two, or three */
#define CUTS 4
static PetscBool Ranks(const Grids *G, int cut, PetscMPIInt p[FEN_MAX_DIM])
{
  PetscMPIInt size, rest;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  p[0] = p[1] = p[2] = 1;
  rest = size;
  if (cut == 1)
    p[G->dim - 1] = size;
  else if (cut)
    for (PetscInt k = cut == 2 ? 0 : G->dim - 1, left = cut == 2 ? 2 : (PetscInt)G->dim; left > 0; left--) {
      p[k] = left == 1 ? rest : rest % 2 ? (rest % 3 ? 1 : 3) : 2;
      rest /= p[k];
      k += cut == 2 ? 1 : -1;
    }
  else
    p[0] = size;
  return (PetscBool)(size > 1 || !cut);
}

/* holes everywhere; on one of the grids rows at both ends, a column, and most of some columns are empty */
static PetscBool HasMass(const Grids *G, PetscInt side, FenInt i)
{
  const FenInt row = i / Columns(G, side), column = i % Columns(G, side);

  if (G == &grids[3] && (row < 9 || row > 45 || column == 5 || (column > 11 && row > 20)))
    return PETSC_FALSE;
  return (PetscBool)(i % 7 != 0);
}

static FenInt number[MOST];

static FenMeasure Make(const Grids *G, const PetscMPIInt p[], PetscInt side)
{
  FenLayout  layout;
  FenMeasure m;
  double    *w = (double *)calloc(MOST, sizeof(double));
  FenInt     n;

  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, G->dim, G->shape[side], p, &layout));
  n = Numbers(layout, number);
  for (FenInt i = 0; i < n; i++)
    w[i] = HasMass(G, side, number[i]) ? 1 + FenRandomUniform(17, (uint64_t)number[i], (uint32_t)side) : 0;
  FEN_OK(FenMeasureCreateGrid(layout, w, (const double[]){1, 1, 1}, (const double[]){0, 0, 0}, &m));
  FEN_OK(FenLayoutDestroy(&layout));
  free(w);
  return m;
}

typedef struct {
  double    rows, bend; /* mass moves by `rows`, or to the middle, or away from it */
  double    spike, at;  /* and one row draws it */
  PetscBool across;     /* enough of it moves little: on the first grid three ranks work across slabs */
} Potential;

static const Potential potentials[] = {
    {0, 0, 0, 0, PETSC_TRUE},      {3, 0, 0, 0, PETSC_TRUE},     {-6, 0, 0, 0, PETSC_FALSE},
    {-5, 0, 0, 0, PETSC_FALSE},    {0, .3, 0, 0, PETSC_FALSE},   {0, .31, 0, 0, PETSC_FALSE},
    {0, -2, 0, 0, PETSC_FALSE},    {1, 0, 0, 0, PETSC_TRUE},     {1, 0, 30, 40, PETSC_FALSE},
    {1, 0, 3000, 40, PETSC_FALSE}, {1, 0, 3000, 2, PETSC_FALSE}, {1, 0, 0, 0, PETSC_TRUE}};

static void Fill(const Grids *G, PetscInt side, FenMeasure m, const Potential *P, double g[])
{
  FenLayout layout;
  FenInt    n;

  FEN_OK(FenMeasureGetLayout(m, &layout));
  n = Numbers(layout, number);
  for (FenInt i = 0; i < n; i++) {
    const FenInt row = number[i] / Columns(G, side), column = number[i] % Columns(G, side);
    const double x = (double)row, y = x - 0.5 * (double)G->shape[side][0];

    g[i] = 2 * P->rows * x + P->bend * y * y + 0.3 * P->rows * (double)column +
           0.1 * FenRandomUniform(18, (uint64_t)number[i], 0);
    if (row == (FenInt)P->at)
      g[i] += P->spike;
  }
}

/* relative to the largest of some numbers */
static void SameIn(FenInt n, const double scale[], const double a[], const double b[], double accuracy)
{
  double most = 1e-300, worst = 0;

  for (FenInt i = 0; i < n; i++) {
    most = fmax(most, fabs(scale[i]));
    worst = fmax(worst, fabs(a[i] - b[i]));
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  FEN_ASSERT_ALL(worst <= accuracy * most);
}

static void Same(FenInt n, const double a[], const double b[], double accuracy)
{
  SameIn(n, a, a, b, accuracy);
}

typedef struct {
  FenInt n;
  double sum[MOST], one[MOST]; /* of all, and of the offset (1, 1, 0) or (1, 0, -1) */
} Taken;

static PetscErrorCode Take(void *ctx, const FenInt offset[], const double v[])
{
  Taken *T = (Taken *)ctx;

  for (FenInt i = 0; i < T->n; i++) {
    T->sum[i] += v[i];
    if (offset[0] == 1 && offset[1] + offset[2] * offset[2] == 1)
      T->one[i] = v[i];
  }
  return 0;
}

static double out[2][MOST], v[MOST], r[MOST];
static Taken  taken[2];

static void SameCouplings(FenOTOperator op[2])
{
  static double work[2][2][MOST];

  for (int k = 0; k < 2; k++) {
    double *const w[2] = {work[k][0], work[k][1]};
    FenLayout     layout;

    FEN_OK(FenOTCouplingsLayout(op[k], &layout));
    FEN_OK(FenLayoutGetLocalSize(layout, &taken[k].n));
    for (FenInt i = 0; i < MOST; i++)
      taken[k].sum[i] = taken[k].one[i] = 0;
    FEN_OK(FenOTCouplings(op[k], 2, w, MOST, Take, &taken[k]));
  }
  Same(taken[0].n, taken[0].sum, taken[1].sum, SINGLE);
  SameIn(taken[0].n, taken[0].sum, taken[0].one, taken[1].one, SINGLE); /* where mass meets at one place it is none */
}

static void SameProducts(FenOTOperator op[2])
{
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTMult(op[k], 1, v, out[k]));
  Same(op[0]->n[0], out[0], out[1], DOUBLE);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTMultCost(op[k], v, out[k]));
  Same(op[0]->n[0], out[0], out[1], DOUBLE);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTMultTranspose(op[k], r, out[k]));
  Same(op[0]->n[1], out[0], out[1], DOUBLE);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTMultTransposeSquares(op[k], r, out[k]));
  Same(op[0]->n[1], out[0], out[1], SINGLE);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTMultNormal(op[k], v, out[k]));
  Same(op[0]->n[1], out[0], out[1], SINGLE);
}

/* op[1] is the one on pencils */
static void SameAll(FenOTOperator op[2], const double g[], const double f[], PetscBool across)
{
  const FenSeparable *S = (FenSeparable *)op[0]->data;
  PetscMPIInt         ranks;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTSoftTransform(op[k], FEN_TO_SOURCE, g, out[k]));
  Same(op[0]->n[0], out[0], out[1], LOG);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTSetPlan(op[k], g, out[k]));
  Same(op[0]->n[0], out[0], out[1], LOG);
  assert_false(FenPlanIsAcross(op[1]));
  for (PetscInt s = 0; s < op[0]->dim && across && ranks < (S->stages.ranks[1] > 1 ? 9 : 5); s++)
    assert_int_equal(S->across[s], S->stages.ranks[op[0]->dim - 1 - s] > 1);
  assert_int_equal(FenOTHasCouplings(op[0]), FenOTHasCouplings(op[1]));
  SameProducts(op);
  if (FenOTHasCouplings(op[0]))
    SameCouplings(op);
  for (int k = 0; k < 2; k++)
    FEN_OK(FenOTSoftTransform(op[k], FEN_TO_TARGET, f, out[k]));
  Same(op[0]->n[1], out[0], out[1], LOG);
}

static FenStages *Stages(FenOTOperator op)
{
  return &((FenSeparable *)op->data)->stages;
}

static void Check(const Grids *G, int cut, const PetscMPIInt p[], double power)
{
  static double g[MOST], f[MOST], rows[MOST];
  FenMeasure    m[2] = {Make(G, p, 0), Make(G, p, 1)};
  FenOTOperator op[2];
  FenCost       cost;

  FEN_OK(FenCostCreatePower(MPI_COMM_WORLD, power, &cost));
  for (int k = 0; k < 2; k++) {
    FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op[k]));
    op[k]->keep = PETSC_TRUE;
    FEN_OK(FenOTOperatorSetEpsilon(op[k], 0.25));
    if (k)
      Stages(op[k])->across = PETSC_FALSE;
  }
  Fill(G, 1, m[1], &(Potential){0.01, 0, 1, 3, PETSC_FALSE}, v);
  Fill(G, 0, m[0], &(Potential){-0.01, 0, 1, 5, PETSC_FALSE}, r);
  Fill(G, 0, m[0], &(Potential){0.02, 0, 0, 5, PETSC_FALSE}, rows);
  for (size_t k = 0; k < sizeof(potentials) / sizeof(*potentials); k++) {
    const Potential *P = &potentials[k];

    Fill(G, 1, m[1], P, g);
    Fill(G, 0, m[0], &(Potential){-P->rows, P->bend, P->spike, P->at, PETSC_FALSE}, f);
    for (int i = 0; P->across && i < 2; i++)
      FEN_OK(FenOTOperatorSetEpsilon(op[i], 0.25)); /* and slabs are looked at again */
    SameAll(op, g, f, (PetscBool)(G == grids && P->across && cut != 1));
    if (k != 3)
      continue;
    for (int i = 0; i < 2; i++)
      FEN_OK(FenOTOperatorSetRows(op[i], rows));
    SameProducts(op);
    SameCouplings(op);
  }
  for (int k = 0; k < 2; k++) {
    FEN_OK(FenOTOperatorDestroy(&op[k]));
    FEN_OK(FenMeasureDestroy(&m[k]));
  }
  FEN_OK(FenCostDestroy(&cost));
}

static void TestAcross(void **state)
{
  (void)state;
  for (size_t k = 0; k < sizeof(grids) / sizeof(*grids); k++)
    for (int cut = 0; cut < CUTS; cut++) {
      PetscMPIInt p[FEN_MAX_DIM];

      if (Ranks(&grids[k], cut, p))
        for (int power = 0; power < 2; power++)
          Check(&grids[k], cut, p, power ? 1.75 : 2);
    }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestAcross)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
