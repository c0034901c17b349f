/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What transport on grids sends: a soft transform, a product of a Newton system, a V-cycle, and a sweep of cells, that
   is a half sweep of each partition. Prints one JSON object: maxima over ranks; nanoseconds a point.

     -bench_shape 256,256   points along each axis of two Gaussians, spacing 1
     -bench_eps 0.25        in squares of it
     -bench_no_cells        no sweep; its options are those of domdec
*/
#include "benchmain.h"
#include "countmpi.h"
#include "impls/gridcycle.h"
#include "operator/operator.h"
#include <fenchelot.h>
#include <math.h>

typedef struct {
  PetscInt      dim;
  FenInt        shape[FEN_MAX_DIM];
  double        eps;
  FenMeasure    measure[2];
  FenCost       cost;
  FenOTOperator op;
  FenInt        n, m, most; /* local numbers of points, and of the longest array of couplings */
  double       *f, *g, *v, *w, *work[2];
  FenGridCycle  cycle;
  BenchSent     at[3]; /* the last three calls of the monitor, the newest first */
  double        seconds[3];
} Bench;

static BenchSent Since(BenchSent a)
{
  return (BenchSent){bench_sent.messages - a.messages, bench_sent.bytes - a.bytes,
                     bench_sent.collectives - a.collectives, bench_sent.collected - a.collected};
}

static PetscErrorCode Print(const char name[], BenchSent s)
{
  double      mine[4] = {s.messages, s.bytes, s.collectives, s.collected}, most[4];
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(PMPI_Allreduce(mine, most, 4, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  if (rank == 0)
    printf(", \"%s\": {\"messages\": %.0f, \"bytes\": %.0f, \"collectives\": %.0f, \"collected\": %.0f}", name, most[0],
           most[1], most[2], most[3]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(Bench *b)
{
  const double spread[2][3] = {{0.18, 0.2, 0.22}, {0.22, 0.18, 0.2}}, middle[2][3] = {{.45, .5, .55}, {.5, .55, .45}};
  double       spacing[3] = {1, 1, 1};
  PetscInt     shape[FEN_MAX_DIM] = {256, 256, 0}, dim = FEN_MAX_DIM;
  PetscReal    eps = 0.25;
  PetscBool    given;
  FenLayout    couplings;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bench_eps", &eps, NULL));
  PetscCall(PetscOptionsGetIntArray(NULL, NULL, "-bench_shape", shape, &dim, &given));
  b->dim = given ? dim : 2;
  b->eps = (double)eps;
  for (PetscInt k = 0; k < b->dim; k++)
    b->shape[k] = shape[k];
  for (int s = 0; s < 2; s++) {
    double mean[3], deviation[3];

    for (PetscInt k = 0; k < b->dim; k++) {
      mean[k] = middle[s][k] * (double)b->shape[k];
      deviation[k] = spread[s][k] * (double)b->shape[k];
    }
    PetscCall(FenMeasureGenerateGaussianGrid(PETSC_COMM_WORLD, b->dim, b->shape, spacing, NULL, mean, deviation,
                                             &b->measure[s]));
  }
  PetscCall(FenMeasureBalance(b->measure[0], b->measure[1], PETSC_FALSE));
  PetscCall(FenCostCreate(PETSC_COMM_WORLD, FEN_COST_SQEUCLIDEAN, &b->cost));
  PetscCall(FenOTOperatorCreate(b->measure[0], b->measure[1], b->cost, FEN_PAIRS_AUTO, "auto", &b->op));
  PetscCall(FenOTOperatorSetEpsilon(b->op, b->eps));
  PetscCall(FenOTCouplingsLayout(b->op, &couplings));
  PetscCall(FenLayoutGetLocalSize(couplings, &b->most));
  b->n = b->op->n[0];
  b->m = b->op->n[1];
  b->most = PetscMax(b->most, PetscMax(b->n, b->m));
  PetscCall(PetscCalloc6(b->most, &b->f, b->most, &b->g, b->most, &b->v, b->most, &b->w, b->most, &b->work[0], b->most,
                         &b->work[1]));
  PetscFunctionReturn(0);
}

/* the shortest of several times, a point of the whole grid, in nanoseconds */
static PetscErrorCode Time(Bench *b, PetscErrorCode (*what)(Bench *), const char name[])
{
  double      least = 1e300;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  for (int k = 0; k < 5; k++) {
    double start;

    PetscCallMPI(PMPI_Barrier(PETSC_COMM_WORLD));
    start = MPI_Wtime();
    PetscCall(what(b));
    PetscCallMPI(PMPI_Barrier(PETSC_COMM_WORLD));
    least = fmin(least, MPI_Wtime() - start);
  }
  if (rank == 0)
    printf(", \"%s_ns\": %g", name, 1e9 * least / (double)b->op->N[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Product(Bench *b)
{
  return FenOTMultNormal(b->op, b->v, b->w);
}

static PetscErrorCode Cycle(Bench *b)
{
  return FenGridCycleApply(b->cycle, b->v, b->w);
}

static PetscErrorCode Take(void *ctx, const FenInt offset[], const double v[])
{
  Bench *b = (Bench *)ctx;

  PetscFunctionBegin;
  if (offset[0] || offset[1] || offset[2])
    PetscCall(FenGridCycleSetCouplings(b->cycle, offset, v));
  else
    PetscCall(FenGridCycleSetMass(b->cycle, b->w, v));
  PetscFunctionReturn(0);
}

static PetscErrorCode Operator(Bench *b)
{
  FenLayout layout, edges;
  BenchSent before;
  double    spacing[FEN_MAX_DIM], uneven;

  PetscFunctionBegin;
  PetscCall(FenOTSoftTransform(b->op, FEN_TO_SOURCE, b->g, b->f)); /* the first one finds which sources come */
  before = bench_sent;
  PetscCall(FenOTSoftTransform(b->op, FEN_TO_SOURCE, b->g, b->f));
  PetscCall(Print("pass", Since(before)));
  b->op->keep = PETSC_TRUE; /* sums beside such plans are taken on pencils */
  before = bench_sent;
  PetscCall(FenOTSetPlan(b->op, b->g, b->f));
  PetscCall(Print("plan", Since(before)));
  for (FenInt j = 0; j < b->m; j++)
    b->v[j] = 1;
  PetscCall(Product(b)); /* the first one takes the weights along */
  before = bench_sent;
  PetscCall(Product(b));
  PetscCall(Print("product", Since(before)));
  PetscCall(Time(b, Product, "product"));
  PetscCall(FenMeasureGetLayout(b->measure[1], &layout));
  PetscCall(FenOTCouplingsLayout(b->op, &edges));
  PetscCall(FenMeasureGetGrid(b->measure[1], NULL, spacing, NULL));
  PetscCall(FenGridCycleCreate(layout, spacing, edges, b->op->kernels, &b->cycle));
  PetscCall(FenOTCouplings(b->op, FEN_GRID_RADIUS, b->work, b->most, Take, b));
  PetscCall(FenGridCycleComplete(b->cycle, 1e-6, &uneven));
  PetscCall(FenGridCycleBuild(b->cycle));
  before = bench_sent;
  PetscCall(Cycle(b));
  PetscCall(Print("cycle", Since(before)));
  PetscCall(Time(b, Cycle, "cycle"));
  PetscCall(FenGridCycleDestroy(&b->cycle));
  PetscFunctionReturn(0);
}

/* an iteration is a half sweep; two are a sweep */
static PetscErrorCode Monitor(FenSolver s, const FenProgress *p, void *ctx)
{
  Bench *b = (Bench *)ctx;

  (void)s;
  PetscFunctionBegin;
  for (int k = 2; k > 0; k--) {
    b->at[k] = b->at[k - 1];
    b->seconds[k] = b->seconds[k - 1];
  }
  b->at[0] = bench_sent;
  b->seconds[0] = p->seconds;
  PetscFunctionReturn(0);
}

static PetscErrorCode Cells(Bench *b)
{
  FenOT       ot;
  PetscBool   no;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-bench_no_cells", &no));
  if (no)
    PetscFunctionReturn(0);
  PetscCall(FenOTCreate(PETSC_COMM_WORLD, &ot));
  PetscCall(FenOTSetMeasures(ot, b->measure[0], b->measure[1]));
  PetscCall(FenOTSetEpsilon(ot, b->eps));
  PetscCall(FenSolverSetType((FenSolver)ot, "domdec"));
  PetscCall(FenOTSetFromOptions(ot));
  PetscCall(FenSolverMonitorSet((FenSolver)ot, Monitor, b, NULL));
  PetscCall(FenOTSolve(ot));
  PetscCall(Print("sweep",
                  (BenchSent){b->at[0].messages - b->at[2].messages, b->at[0].bytes - b->at[2].bytes,
                              b->at[0].collectives - b->at[2].collectives, b->at[0].collected - b->at[2].collected}));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0)
    printf(", \"sweep_ns\": %g", 1e9 * (b->seconds[0] - b->seconds[2]) / (double)b->op->N[1]);
  PetscCall(FenOTDestroy(&ot));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench       b = {0};
  PetscMPIInt rank, size, grid[FEN_MAX_DIM];
  FenLayout   layout;

  PetscFunctionBegin;
  PetscCall(FenSetLibraryThreads(1));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Create(&b));
  PetscCall(FenMeasureGetLayout(b.measure[1], &layout));
  PetscCall(FenLayoutGetRanks(layout, grid, NULL));
  if (rank == 0)
    printf("{\"ranks\": %d, \"grid\": [%d, %d, %d]", (int)size, grid[0], grid[1], grid[2]);
  PetscCall(Operator(&b));
  PetscCall(Cells(&b));
  if (rank == 0)
    printf("}\n");
  PetscCall(PetscFree6(b.f, b.g, b.v, b.w, b.work[0], b.work[1]));
  PetscCall(FenOTOperatorDestroy(&b.op));
  PetscCall(FenCostDestroy(&b.cost));
  PetscCall(FenMeasureDestroy(&b.measure[0]));
  PetscCall(FenMeasureDestroy(&b.measure[1]));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
