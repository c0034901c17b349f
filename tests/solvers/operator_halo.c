/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Products of a plan across slabs are those on pencils: for plans that move mass by some rows, by many, back again, and
   with other weights of the sources; on images and volumes, with pixels without mass, with more ranks than rows. Three
   ranks and more take slabs where mass moves a few rows, and pencils where windows reach everywhere.
*/
#include "operator/halo.h"
#include "fentest.h"
#include <stdlib.h>

#define MOST 4096

typedef struct {
  PetscInt dim;
  FenInt   shape[2][FEN_MAX_DIM];
} Grids;

static const Grids grids[] = {{2, {{64, 24, 0}, {64, 24, 0}}},
                              {2, {{60, 17, 0}, {41, 19, 0}}},
                              {2, {{3, 40, 0}, {4, 33, 0}}},
                              {3, {{24, 7, 5}, {20, 6, 6}}}};

static FenInt Columns(const Grids *G, PetscInt side)
{
  return G->shape[side][1] * (G->dim > 2 ? G->shape[side][2] : 1);
}

/* of my slab, by global numbers */
static FenInt Numbers(const Grids *G, PetscInt side, FenLayout layout, FenInt *first)
{
  FenBox box;

  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  *first = box.lo[0] * Columns(G, side);
  return (box.hi[0] - box.lo[0]) * Columns(G, side);
}

static FenMeasure Make(const Grids *G, PetscInt side)
{
  FenLayout  layout;
  FenMeasure m;
  double    *w = (double *)calloc(MOST, sizeof(double));
  FenInt     first, n;

  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, G->dim, G->shape[side], NULL, &layout));
  n = Numbers(G, side, layout, &first);
  for (FenInt i = 0; i < n; i++)
    w[i] = (first + i) % 7 ? 1 + FenRandomUniform(17, (uint64_t)(first + i), (uint32_t)side) : 0;
  FEN_OK(FenMeasureCreateGrid(layout, w, (const double[]){1, 1, 1}, (const double[]){0, 0, 0}, &m));
  FEN_OK(FenLayoutDestroy(&layout));
  free(w);
  return m;
}

/* a potential: mass moves by `rows`, or to the middle, or away from it */
static void Potential(const Grids *G, FenMeasure target, double rows, double bend, double g[])
{
  FenLayout layout;
  FenInt    first, n;

  FEN_OK(FenMeasureGetLayout(target, &layout));
  n = Numbers(G, 1, layout, &first);
  for (FenInt i = 0; i < n; i++) {
    const FenInt row = (first + i) / Columns(G, 1);
    const double x = (double)row, y = x - 0.5 * (double)G->shape[1][0];

    g[i] = 2 * rows * x + bend * y * y + 0.1 * FenRandomUniform(18, (uint64_t)(first + i), 0);
  }
}

static void Same(FenOTOperator op, FenOTOperator pencils, const double v[], PetscBool slabs)
{
  static double out[2][MOST];
  PetscMPIInt   ranks;
  double        most = 0, worst = 0;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  FEN_OK(FenOTMultNormal(pencils, v, out[0]));
  for (int k = 0; k < FEN_HALO_AFTER + 2; k++)
    FEN_OK(FenOTMultNormal(op, v, out[1]));
  assert_true(FenOTHasCouplings(op));
  if (ranks < 3 || slabs)
    assert_int_equal(((FenSeparable *)op->data)->slabs, ranks >= 3);
  assert_false(((FenSeparable *)pencils->data)->slabs);
  for (FenInt j = 0; j < op->n[1]; j++) {
    most = fmax(most, fabs(out[0][j]));
    worst = fmax(worst, fabs(out[0][j] - out[1][j]));
  }
  MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  assert_true(most > 1);
  FEN_ASSERT_ALL(worst <= 4e-15 * most);
}

static void Check(const Grids *G)
{
  const double  moves[][2] = {{0, 0}, {3, 0}, {-6, 0}, {0, .3}, {0, -2}, {1, 0}};
  static double g[MOST], f[MOST], v[MOST], rows[MOST];
  FenMeasure    m[2] = {Make(G, 0), Make(G, 1)};
  FenOTOperator op[2];
  FenCost       cost;
  FenLayout     layout;
  FenInt        first, n;

  FEN_OK(FenCostCreate(MPI_COMM_WORLD, FEN_COST_SQEUCLIDEAN, &cost));
  for (int k = 0; k < 2; k++) {
    FEN_OK(FenOTOperatorCreate(m[0], m[1], cost, FEN_PAIRS_AUTO, "auto", &op[k]));
    op[k]->keep = PETSC_TRUE;
    FEN_OK(FenOTOperatorSetEpsilon(op[k], 0.25));
  }
  FEN_OK(FenMeasureGetLayout(m[1], &layout));
  n = Numbers(G, 1, layout, &first);
  for (FenInt j = 0; j < n; j++)
    v[j] = FenRandomUniform(19, (uint64_t)(first + j), 0);
  FEN_OK(FenMeasureGetLayout(m[0], &layout));
  n = Numbers(G, 0, layout, &first);
  for (FenInt i = 0; i < n; i++)
    rows[i] = FenRandomUniform(20, (uint64_t)(first + i), 0);
  for (int k = 0; k < 6; k++) {
    Potential(G, m[1], moves[k][0], moves[k][1], g);
    FEN_OK(FenOTSetPlan(op[0], g, f));
    FEN_OK(FenOTSetPlan(op[1], g, f));
    Same(op[0], op[1], v, (PetscBool)(G == grids && fabs(moves[k][0]) < 5 && moves[k][1] <= 0));
    if (k == 3) {
      FEN_OK(FenOTOperatorSetRows(op[0], rows));
      FEN_OK(FenOTOperatorSetRows(op[1], rows));
      FEN_OK(FenOTSetPlan(op[1], g, f));
      Same(op[0], op[1], v, PETSC_FALSE);
    }
  }
  for (int k = 0; k < 2; k++) {
    FEN_OK(FenOTOperatorDestroy(&op[k]));
    FEN_OK(FenMeasureDestroy(&m[k]));
  }
  FEN_OK(FenCostDestroy(&cost));
}

static void TestProducts(void **state)
{
  (void)state;
  for (size_t k = 0; k < sizeof(grids) / sizeof(*grids); k++)
    Check(&grids[k]);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestProducts)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
