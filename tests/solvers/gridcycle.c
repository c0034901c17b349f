/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The V-cycle on graphs of two and three axes, weights over many decades: symmetric, positive, a contraction in the
   energy norm that does not depend on the size, the same on any number of ranks and however they cut the grid. Where
   couplings reach far, their second moments spare iterations.
*/
#include "impls/gridcycle.h"
#include "fentest.h"
#include <math.h>
#include <stdlib.h>

#define R FEN_GRID_RADIUS

typedef struct {
  PetscInt  dim;
  FenInt    shape[3], n; /* last axes 1 beyond the dimension */
  double    spacing[3];  /* along axes of the layout */
  double   *mass, *w;    /* w[number of the offset * n + point], number in [0, (2R+1)^3) */
  double   *far;         /* NULL, or couplings of points with those FAR behind along axis 0 */
  double   *moment;      /* second moments of all couplings, along one axis after the other */
  PetscBool matched;     /* they are given */
} Graph;

#define FAR 5

static const double square[3] = {1, 1, 1};

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

static void Couple(Graph *G, FenInt from, FenInt to, const int o[3], double w)
{
  for (int end = 0; end < 2; end++) {
    const FenInt q = end ? to : from;

    G->mass[q] += w;
    for (int d = 0; d < 3; d++)
      G->moment[d * G->n + q] += o[d] * o[d] * w;
  }
}

/* weights fall with the distance, and vary slowly over five decades */
static void Weigh(Graph *G, FenInt from, FenInt to, FenInt number, void *ctx)
{
  const int    o[3] = {(int)(number / 25) - R, (int)(number / 5 % 5) - R, (int)(number % 5) - R};
  const double x = (double)from / (double)G->n, s[3] = {G->spacing[0], G->spacing[1], G->spacing[G->dim - 1]};
  double       w = 11 * sin(6 * x);

  (void)ctx;
  for (int d = 0; d < 3; d++)
    w -= o[d] * s[d] * (o[d] * s[d]);
  w = exp(w);
  G->w[number * G->n + from] = w / (double)G->n;
  Couple(G, from, to, o, w / (double)G->n);
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
  for (FenInt q = 0, to = FAR * G->shape[1] * G->shape[2]; G->far && to < G->n; q++, to++) {
    y[q] -= G->far[q] * x[to];
    y[to] -= G->far[q] * x[q];
  }
}

static double Dot(FenInt n, const double x[], const double y[])
{
  double s = 0;

  for (FenInt q = 0; q < n; q++)
    s += x[q] * y[q];
  return s;
}

/* my box of a whole array, and back */
static void Take(FenLayout layout, const double whole[], double mine[])
{
  FenInt shape[FEN_MAX_DIM];
  FenBox b;

  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetBox(layout, -1, &b));
  for (FenInt i = b.lo[0]; i < b.hi[0]; i++)
    for (FenInt k = b.lo[1]; k < b.hi[1]; k++)
      for (FenInt j = b.lo[2]; j < b.hi[2]; j++)
        *mine++ = whole[(i * shape[1] + k) * shape[2] + j];
}

static void Give(FenLayout layout, const double mine[], FenInt n, double whole[])
{
  FenInt shape[FEN_MAX_DIM];
  FenBox b;

  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetBox(layout, -1, &b));
  memset(whole, 0, (size_t)n * sizeof(double));
  for (FenInt i = b.lo[0]; i < b.hi[0]; i++)
    for (FenInt k = b.lo[1]; k < b.hi[1]; k++)
      for (FenInt j = b.lo[2]; j < b.hi[2]; j++)
        whole[(i * shape[1] + k) * shape[2] + j] = *mine++;
  MPI_Allreduce(MPI_IN_PLACE, whole, (int)n, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)layout));
}

static void Apply(FenGridCycle C, FenLayout layout, FenInt n, const double r[], double e[])
{
  double *mine = (double *)calloc((size_t)(2 * n + 1), sizeof(double));

  Take(layout, r, mine);
  FEN_OK(FenGridCycleApply(C, mine, mine + n));
  Give(layout, mine + n, n, e);
  free(mine);
}

/* far couplings: of points in the middle along axis 0 */
static void Create(PetscInt dim, const FenInt shape[3], const double spacing[3], PetscBool far, Graph *G)
{
  *G = (Graph){.dim = dim, .n = 1, .spacing = {spacing[0], spacing[1], spacing[2]}};
  for (int d = 0; d < 3; d++) {
    G->shape[d] = dim == 2 ? (d == 1 ? 1 : shape[d / 2]) : shape[d];
    G->n *= G->shape[d];
  }
  G->mass = (double *)calloc((size_t)(130 * G->n), sizeof(double));
  G->w = G->mass + G->n;
  G->moment = G->mass + 126 * G->n;
  G->matched = far;
  ForEdges(G, Weigh, NULL);
  if (!far)
    return;
  G->far = G->mass + 129 * G->n;
  for (FenInt q = 0, to = FAR * G->shape[1] * G->shape[2]; to < G->n; q++, to++) {
    const double x = (double)q / (double)G->n;

    G->far[q] = x > 0.3 && x < 0.6 ? exp(11 * sin(6 * x)) / (double)G->n : 0;
    Couple(G, q, to, (int[3]){FAR, 0, 0}, G->far[q]);
  }
}

/* Edges are given as slabs, however vectors are cut. A cycle can be made again: if `again`, at first with other weights
 */
static void Build(Graph *G, FenLayout layout, double shift, PetscBool again, FenGridCycle *cycle)
{
  const PetscInt    dim = G->dim;
  const FenKernels *K;
  FenGridCycle      C;
  FenLayout         edges;
  FenInt            shape[FEN_MAX_DIM], local;
  double           *mine = (double *)calloc((size_t)(3 * G->n + 1), sizeof(double)), uneven;

  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutCreateGrid(PetscObjectComm((PetscObject)layout), dim, shape, NULL, &edges));
  FEN_OK(FenLayoutGetLocalSize(edges, &local));
  FEN_OK(FenKernelsGet("auto", &K));
  FEN_OK(FenGridCycleCreate(layout, G->spacing, edges, K, &C));
  for (int pass = again ? 0 : 1; pass < 2; pass++) {
    Take(layout, G->mass, mine);
    FEN_OK(FenGridCycleSetMass(C, mine, mine + 2 * G->n));
    for (int a = 0; a <= R; a++)
      for (int b = dim > 2 ? -R : 0; b <= (dim > 2 ? R : 0); b++)
        for (int c = -R; c <= R; c++)
          if (a > 0 || b > 0 || (b == 0 && c > 0)) {
            Take(edges, G->w + Number((int[3]){a, b, c}) * G->n, mine);
            for (FenInt q = 0; q < local && !pass; q++)
              mine[q] *= 2 + sin((double)(q + a + 2 * b + 3 * c));
            FEN_OK(FenGridCycleSetCouplings(C, dim > 2 ? (FenInt[3]){a, b, c} : (FenInt[3]){a, c, 0}, mine));
          }
    FEN_OK(FenGridCycleComplete(C, shift, &uneven));
    if (pass && !G->far)
      FEN_ASSERT_NEAR(uneven, 0, 1e-6);
    if (pass && G->far)
      assert_true(uneven > 0.1);
    for (PetscInt k = 0; k < dim && G->matched; k++) {
      Take(layout, G->moment + (dim > 2 ? k : 2 * k) * G->n, mine);
      FEN_OK(FenGridCycleSetMoments(C, k, mine));
    }
    FEN_OK(FenGridCycleBuild(C));
  }
  FEN_OK(FenLayoutDestroy(&edges));
  free(mine);
  *cycle = C;
}

static void CheckApart(PetscInt dim, const FenInt shape[3], const double spacing[3], double shift)
{
  Graph        G;
  FenLayout    layout;
  FenGridCycle C;
  double      *v[5], first = 0;

  Create(dim, shape, spacing, PETSC_FALSE, &G);
  for (int k = 0; k < 5; k++)
    v[k] = (double *)calloc((size_t)G.n, sizeof(double));
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, NULL, &layout));
  Build(&G, layout, shift, PETSC_TRUE, &C);
  for (FenInt q = 0; q < G.n; q++) {
    v[0][q] = FenRandomUniform(41, (uint64_t)q, 0) - 0.5;
    v[1][q] = FenRandomUniform(42, (uint64_t)q, 0) - 0.5;
  }
  for (int k = 0; k < 2; k++) /* residuals of random errors, as large as the diagonal */
    Multiply(&G, shift, v[k], v[k + 2]);
  Apply(C, layout, G.n, v[2], v[4]);
  first = Dot(G.n, v[4], v[3]);
  assert_true(Dot(G.n, v[4], v[2]) > 0);
  Apply(C, layout, G.n, v[3], v[4]);
  FEN_ASSERT_NEAR(Dot(G.n, v[4], v[2]), first, 1e-4 * (fabs(first) + Dot(G.n, v[4], v[3])));
  for (int it = 0; it <= 10; it++) { /* v[0]: the error */
    double energy;

    Multiply(&G, shift, v[0], v[2]);
    energy = Dot(G.n, v[0], v[2]);
    if (!it)
      first = energy;
    if (it == 10 && energy >= 1e-4 * first)
      print_error("%d x %d x %d: energy %g\n", (int)shape[0], (int)shape[1], (int)shape[2], energy / first);
    assert_true(it < 10 || energy < 1e-4 * first);
    Apply(C, layout, G.n, v[2], v[4]);
    for (FenInt q = 0; q < G.n; q++)
      v[0][q] -= v[4][q];
  }
  FEN_OK(FenGridCycleDestroy(&C));
  FEN_OK(FenLayoutDestroy(&layout));
  for (int k = 0; k < 5; k++)
    free(v[k]);
  free(G.mass);
}

static void Check(PetscInt dim, const FenInt shape[3], double shift)
{
  CheckApart(dim, shape, square, shift);
}

/* e of a cycle on so many ranks along each axis, for the residual r; twice, since nothing may be left over */
static void Solve(Graph *G, MPI_Comm comm, const FenInt shape[3], const PetscMPIInt procs[3], PetscBool again,
                  const double r[], double e[])
{
  FenLayout    layout;
  FenGridCycle C;

  FEN_OK(FenLayoutCreateGrid(comm, G->dim, shape, procs, &layout));
  Build(G, layout, 0.001, again, &C);
  for (int pass = 0; pass < 2; pass++)
    Apply(C, layout, G->n, r, e);
  FEN_OK(FenGridCycleDestroy(&C));
  FEN_OK(FenLayoutDestroy(&layout));
}

/* Differences to one rank, in units of the rounding errors of single precision, point by point relative to what the
   diagonal makes of errors of order one */
static double Difference(const Graph *G, const double e[], const double one[])
{
  double most = 0, scale = 0;

  for (FenInt q = 0; q < G->n; q++) {
    scale = fmax(scale, sqrt(G->mass[q]) * fabs(one[q]));
    most = fmax(most, sqrt(G->mass[q]) * fabs(e[q] - one[q]));
    if (!isfinite(e[q]))
      return INFINITY;
  }
  return most / scale / 6e-8;
}

/* all grids of so many ranks: the same as on one; `again`: a cycle that is made twice, of couplings that reach far */
static void CompareApart(PetscInt dim, const FenInt shape[3], const double spacing[3], PetscMPIInt ranks,
                         PetscBool again)
{
  Graph   G;
  double *r, *one, *e;

  Create(dim, shape, spacing, again, &G);
  r = (double *)calloc((size_t)(3 * G.n), sizeof(double));
  one = r + G.n;
  e = one + G.n;
  for (FenInt q = 0; q < G.n; q++)
    e[q] = FenRandomUniform(43, (uint64_t)q, 0) - 0.5;
  Multiply(&G, 0.001, e, r);
  Solve(&G, MPI_COMM_SELF, shape, (PetscMPIInt[3]){1, 1, 1}, PETSC_FALSE, r, one);
  for (PetscMPIInt a = 1; a <= ranks; a++)
    for (PetscMPIInt b = 1; b <= ranks / a; b++) {
      const PetscMPIInt c = ranks / a / b;
      double            difference;

      if (a * b * c != ranks || (dim < 3 && c > 1))
        continue;
      Solve(&G, MPI_COMM_WORLD, shape, (PetscMPIInt[3]){a, b, c}, again, r, e);
      difference = Difference(&G, e, one);
      if (difference > 20)
        print_error("%d x %d x %d ranks: %g roundings from one rank\n", a, b, c, difference);
      assert_true(difference <= 20);
    }
  free(r);
  free(G.mass);
}

static void Compare(PetscInt dim, const FenInt shape[3], PetscMPIInt ranks, PetscBool again)
{
  CompareApart(dim, shape, square, ranks, again);
}

/* CG iterations to a millionth of the first residual, in the norm that the cycle makes */
static int Iterations(Graph *G, PetscBool matched)
{
  const FenInt n = G->n;
  FenLayout    layout;
  FenGridCycle C;
  double      *x = (double *)calloc((size_t)(5 * n), sizeof(double)), *r = x + n, *z = x + 2 * n, *p = x + 3 * n;
  double      *q = x + 4 * n, first = 0, before = 1;
  int          it = 0;

  G->matched = matched;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, G->dim, (FenInt[3]){G->shape[0], G->shape[2], 1}, NULL, &layout));
  Build(G, layout, 0, PETSC_FALSE, &C);
  for (FenInt k = 0; k < n; k++)
    x[k] = FenRandomUniform(44, (uint64_t)k, 0) - 0.5;
  Multiply(G, 0, x, r);
  for (;; it++) {
    double rz, step;

    Apply(C, layout, n, r, z);
    rz = Dot(n, r, z);
    first = it ? first : rz;
    if (rz < 1e-12 * first || it == 500)
      break;
    for (FenInt k = 0; k < n; k++)
      p[k] = z[k] + (it ? rz / before : 0) * p[k];
    Multiply(G, 0, p, q);
    step = rz / Dot(n, p, q);
    for (FenInt k = 0; k < n; k++)
      r[k] -= step * q[k];
    before = rz;
  }
  FEN_OK(FenGridCycleDestroy(&C));
  FEN_OK(FenLayoutDestroy(&layout));
  free(x);
  return it;
}

static void TestMoments(void **state)
{
  Graph G;
  int   with, without;

  (void)state;
  Create(2, (FenInt[3]){96, 96, 1}, square, PETSC_TRUE, &G);
  without = Iterations(&G, PETSC_FALSE);
  with = Iterations(&G, PETSC_TRUE);
  if (with > 0.75 * without)
    print_error("%d iterations with moments, %d without\n", with, without);
  assert_true(with <= 0.75 * without);
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

/* short axes, down to one point */
static void TestThin(void **state)
{
  PetscMPIInt ranks;

  (void)state;
  Check(2, (FenInt[3]){4, 90, 1}, 0);
  Check(2, (FenInt[3]){300, 5, 1}, 0.001);
  Check(3, (FenInt[3]){7, 30, 21}, 0.001);
  Check(3, (FenInt[3]){4, 5, 40}, 0);
  Check(3, (FenInt[3]){1, 33, 40}, 0.001);
  Check(3, (FenInt[3]){21, 1, 64}, 0);
  Check(3, (FenInt[3]){50, 37, 1}, 0.01);
  Check(3, (FenInt[3]){60, 64, 8}, 0);
  Check(3, (FenInt[3]){8, 70, 60}, 0);
  Check(3, (FenInt[3]){50, 3, 60}, 0);
  Check(3, (FenInt[3]){2, 40, 2}, 0);
  Check(2, (FenInt[3]){2, 90, 1}, 0);
  Check(2, (FenInt[3]){1100, 16, 1}, 0);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  Compare(2, (FenInt[3]){4, 230, 1}, ranks, PETSC_FALSE);
  Compare(2, (FenInt[3]){190, 6, 1}, ranks, PETSC_TRUE);
  Compare(2, (FenInt[3]){3, 150, 1}, ranks, PETSC_FALSE);
  Compare(3, (FenInt[3]){5, 30, 40}, ranks, PETSC_FALSE);
  Compare(3, (FenInt[3]){60, 40, 8}, ranks, PETSC_FALSE);
  Compare(3, (FenInt[3]){40, 2, 60}, ranks, PETSC_TRUE);
  Compare(3, (FenInt[3]){1, 50, 64}, ranks, PETSC_FALSE);
  Compare(3, (FenInt[3]){90, 1, 40}, ranks, PETSC_TRUE);
}

/* points nearer to each other along some axes than along others */
static void TestApart(void **state)
{
  PetscMPIInt ranks;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  CheckApart(2, (FenInt[3]){40, 60, 1}, (double[3]){0.4, 1.2, 0}, 0);
  CheckApart(2, (FenInt[3]){20, 200, 1}, (double[3]){1.5, 0.5, 0}, 0);
  CheckApart(3, (FenInt[3]){12, 40, 44}, (double[3]){1.5, 0.5, 0.5}, 0);
  CheckApart(3, (FenInt[3]){50, 48, 9}, (double[3]){1, 1, 0.3}, 0);
  CompareApart(2, (FenInt[3]){60, 64, 1}, (double[3]){1.5, 0.5, 0}, ranks, PETSC_FALSE);
  CompareApart(2, (FenInt[3]){60, 64, 1}, (double[3]){0.3, 1, 0}, ranks, PETSC_TRUE);
  CompareApart(3, (FenInt[3]){24, 36, 20}, (double[3]){1.5, 0.5, 0.5}, ranks, PETSC_FALSE);
  CompareApart(3, (FenInt[3]){23, 24, 31}, (double[3]){1, 0.4, 1}, ranks, PETSC_FALSE);
  CompareApart(3, (FenInt[3]){33, 24, 21}, (double[3]){1, 1, 0.4}, ranks, PETSC_FALSE);
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

/* any cut along any axes, odd and prime sizes, also with more ranks than the grid takes */
static void TestBlocks(void **state)
{
  PetscMPIInt ranks;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  Compare(2, (FenInt[3]){37, 53, 1}, ranks, PETSC_TRUE);
  Compare(2, (FenInt[3]){64, 21, 1}, ranks, PETSC_TRUE);
  Compare(2, (FenInt[3]){160, 120, 1}, ranks, PETSC_FALSE); /* too large for the cache */
  Compare(2, (FenInt[3]){101, 90, 1}, PetscMax(1, ranks - 1), PETSC_FALSE);
  Compare(3, (FenInt[3]){13, 12, 19}, ranks, PETSC_TRUE);
  Compare(3, (FenInt[3]){8, 23, 16}, PetscMax(1, ranks - 1), PETSC_FALSE);
}

/* coarse grids that are not small on groups of ranks, along one axis and along two at once */
static void TestGroups(void **state)
{
  PetscMPIInt ranks;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  Compare(2, (FenInt[3]){9, 1700, 1}, ranks, PETSC_TRUE);
  Compare(2, (FenInt[3]){600, 33, 1}, ranks, PETSC_TRUE);
  Compare(3, (FenInt[3]){17, 17, 103}, ranks, PETSC_FALSE);
  if (ranks > 3)
    Compare(3, (FenInt[3]){17, 103, 18}, ranks, PETSC_FALSE);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCycle),      cmocka_unit_test(TestThin),
                                     cmocka_unit_test(TestFewerRanks), cmocka_unit_test(TestBlocks),
                                     cmocka_unit_test(TestGroups),     cmocka_unit_test(TestMoments),
                                     cmocka_unit_test(TestApart)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
