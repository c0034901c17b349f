/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The V-cycle on graphs of two and three axes, weights over many decades: symmetric, positive, a contraction in the
   energy norm that does not depend on the size, the same on any number of ranks.
*/
#include "impls/gridcycle.h"
#include "fentest.h"
#include <math.h>
#include <stdlib.h>

#define R FEN_GRID_RADIUS

typedef struct {
  PetscInt dim;
  FenInt   shape[3], n; /* last axes 1 beyond the dimension */
  double  *mass, *w;    /* w[number of the offset * n + point], number in [0, (2R+1)^3) */
} Graph;

static FenInt Number(const int o[3])
{
  return ((o[0] + R) * (2 * R + 1) + o[1] + R) * (2 * R + 1) + o[2] + R;
}

/* calls for each point and each offset that comes after zero and stays inside */
typedef void (*EdgeFn)(Graph *, FenInt from, FenInt to, FenInt number, void *);
static void ForEdges(Graph *G, EdgeFn f, void *ctx)
{
  for (FenInt q = 0; q < G->n; q++) {
    const FenInt at[3] = {q / (G->shape[1] * G->shape[2]), q / G->shape[2] % G->shape[1], q % G->shape[2]};

    for (int a = 0; a <= R; a++)
      for (int b = -R; b <= R; b++)
        for (int c = -R; c <= R; c++) {
          const int o[3] = {a, b, c};
          FenInt    to = 0;
          PetscBool inside = (PetscBool)(a > 0 || b > 0 || (b == 0 && c > 0));

          for (int d = 0; d < 3; d++) {
            inside = (PetscBool)(inside && at[d] + o[d] >= 0 && at[d] + o[d] < G->shape[d]);
            to = to * G->shape[d] + at[d] + o[d];
          }
          if (inside)
            f(G, q, to, Number(o), ctx);
        }
  }
}

/* weights fall with the distance, and vary slowly over five decades */
static void Weigh(Graph *G, FenInt from, FenInt to, FenInt number, void *ctx)
{
  const int    o[3] = {(int)(number / 25) - R, (int)(number / 5 % 5) - R, (int)(number % 5) - R};
  const double x = (double)from / (double)G->n, w = exp(-(o[0] * o[0] + o[1] * o[1] + o[2] * o[2]) + 11 * sin(6 * x));

  (void)ctx;
  G->w[number * G->n + from] = w / (double)G->n;
  G->mass[from] += w / (double)G->n;
  G->mass[to] += w / (double)G->n;
}

typedef struct {
  const double *x;
  double       *y;
} Product;

static void Edge(Graph *G, FenInt from, FenInt to, FenInt number, void *ctx)
{
  const Product *P = (const Product *)ctx;
  const double   w = G->w[number * G->n + from];

  P->y[from] -= w * P->x[to];
  P->y[to] -= w * P->x[from];
}

static void Multiply(Graph *G, double shift, const double x[], double y[])
{
  for (FenInt q = 0; q < G->n; q++)
    y[q] = (1 + shift) * G->mass[q] * x[q];
  ForEdges(G, Edge, &(Product){x, y});
}

static double Dot(FenInt n, const double x[], const double y[])
{
  double s = 0;

  for (FenInt q = 0; q < n; q++)
    s += x[q] * y[q];
  return s;
}

/* my part of a whole array, and back: slabs are contiguous */
static void Apply(FenGridCycle C, FenInt start, FenInt local, FenInt n, const double r[], double e[])
{
  double *mine = (double *)calloc((size_t)(n + 1), sizeof(double));

  FEN_OK(FenGridCycleApply(C, r + start, mine + start));
  MPI_Allreduce(MPI_IN_PLACE, mine, (int)n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  memcpy(e, mine, (size_t)n * sizeof(double));
  (void)local;
  free(mine);
}

static void Check(PetscInt dim, const FenInt shape[3], double shift)
{
  Graph             G = {.dim = dim, .n = 1};
  FenLayout         layout;
  FenGridCycle      C;
  FenBox            box;
  const FenKernels *K;
  FenInt            start;
  double           *v[5], first = 0;

  for (int d = 0; d < 3; d++) {
    const int axis = dim == 2 && d == 2 ? 2 : d;

    G.shape[d] = dim == 2 ? (d == 1 ? 1 : shape[d / 2]) : shape[axis];
    G.n *= G.shape[d];
  }
  G.mass = (double *)calloc((size_t)(126 * G.n), sizeof(double));
  G.w = G.mass + G.n;
  for (int k = 0; k < 5; k++)
    v[k] = (double *)calloc((size_t)G.n, sizeof(double));
  ForEdges(&G, Weigh, NULL);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, NULL, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  start = box.lo[0] * G.shape[1] * G.shape[2];
  FEN_OK(FenKernelsGet("auto", &K));
  FEN_OK(FenGridCycleCreate(layout, layout, K, &C));
  for (int twice = 0; twice < 2; twice++) { /* a cycle can be made again */
    FEN_OK(FenGridCycleSetMass(C, G.mass + start, v[0] + start));
    for (int a = 0; a <= R; a++)
      for (int b = dim > 2 ? -R : 0; b <= (dim > 2 ? R : 0); b++)
        for (int c = -R; c <= R; c++)
          if (a > 0 || b > 0 || (b == 0 && c > 0))
            FEN_OK(FenGridCycleSetCouplings(C, dim > 2 ? (FenInt[3]){a, b, c} : (FenInt[3]){a, c, 0},
                                            G.w + Number((int[3]){a, b, c}) * G.n + start));
    FEN_OK(FenGridCycleBuild(C, shift));
  }
  for (FenInt q = 0; q < G.n; q++) {
    v[0][q] = FenRandomUniform(41, (uint64_t)q, 0) - 0.5;
    v[1][q] = FenRandomUniform(42, (uint64_t)q, 0) - 0.5;
  }
  for (int k = 0; k < 2; k++) /* residuals of random errors, as large as the diagonal */
    Multiply(&G, shift, v[k], v[k + 2]);
  Apply(C, start, 0, G.n, v[2], v[4]);
  first = Dot(G.n, v[4], v[3]);
  assert_true(Dot(G.n, v[4], v[2]) > 0);
  Apply(C, start, 0, G.n, v[3], v[4]);
  FEN_ASSERT_NEAR(Dot(G.n, v[4], v[2]), first, 1e-4 * (fabs(first) + Dot(G.n, v[4], v[3])));
  for (int it = 0; it <= 10; it++) { /* v[0]: the error */
    double energy;

    Multiply(&G, shift, v[0], v[2]);
    energy = Dot(G.n, v[0], v[2]);
    if (!it)
      first = energy;
    if (it == 10)
      assert_true(energy < 1e-4 * first);
    Apply(C, start, 0, G.n, v[2], v[4]);
    for (FenInt q = 0; q < G.n; q++)
      v[0][q] -= v[4][q];
  }
  FEN_OK(FenGridCycleDestroy(&C));
  FEN_OK(FenLayoutDestroy(&layout));
  for (int k = 0; k < 5; k++)
    free(v[k]);
  free(G.mass);
}

static void TestCycle(void **state)
{
  (void)state;
  Check(2, (FenInt[3]){33, 40, 1}, 0);
  Check(2, (FenInt[3]){64, 21, 1}, 0.01);
  Check(2, (FenInt[3]){16, 9, 1}, 0);
  Check(3, (FenInt[3]){17, 12, 9}, 0.001);
}

/* coarse grids on fewer and fewer ranks; more ranks than slabs */
static void TestFewerRanks(void **state)
{
  (void)state;
  Check(2, (FenInt[3]){16, 1100, 1}, 0.001);
  Check(2, (FenInt[3]){33, 580, 1}, 0);
  Check(2, (FenInt[3]){9, 30, 1}, 0.01);
  Check(3, (FenInt[3]){13, 50, 33}, 0.001);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCycle), cmocka_unit_test(TestFewerRanks)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
