/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Solves a generated or given transport problem and prints one JSON object: sizes, work, times with and without the
   final certificate, bounds, memory. Options of the solver as in `fenchel ot` (-ot_type, -ot_max_it ...), and

     -bench_instance clouds|grid|files
       clouds  n uniform points in the unit cube, m Gaussian ones around its middle   -bench_n -bench_m -bench_dim
       grid    two Gaussians on a grid of the unit cube                               -bench_shape 128,128
       files   points                                                -bench_source X.npy -bench_target Y.npy
     -bench_eps_mean s       epsilon is s times the mean cost
     -bench_eps_diameter s   epsilon is s times the squared diameter of the unit cube
*/
#include "benchmain.h"
#include <fenchelot.h>
#include <math.h>

typedef struct {
  char       instance[32], source[PETSC_MAX_PATH_LEN], target[PETSC_MAX_PATH_LEN];
  PetscInt   n, m, dim, shape[FEN_MAX_DIM];
  PetscReal  eps_mean, eps_diameter;
  FenMeasure measure[2];
} Bench;

typedef struct {
  double seconds, passes; /* at the end of the last iteration */
} Last;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscInt  n = FEN_MAX_DIM;
  PetscBool given;

  PetscFunctionBegin;
  *b = (Bench){.instance = "clouds", .n = 1000, .m = 1000, .dim = 3};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bench_instance", b->instance, sizeof(b->instance), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bench_source", b->source, sizeof(b->source), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bench_target", b->target, sizeof(b->target), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_n", &b->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_m", &b->m, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bench_dim", &b->dim, NULL));
  PetscCall(PetscOptionsGetIntArray(NULL, NULL, "-bench_shape", b->shape, &n, &given));
  if (given)
    b->dim = n;
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bench_eps_mean", &b->eps_mean, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bench_eps_diameter", &b->eps_diameter, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeClouds(Bench *b)
{
  double mean[64], deviation[64];

  PetscFunctionBegin;
  PetscCheck(b->dim >= 1 && b->dim <= 64, PETSC_COMM_WORLD, FEN_ERR_OPTION, "-bench_dim %d: 1 to 64", (int)b->dim);
  for (PetscInt k = 0; k < b->dim; k++) {
    mean[k] = 0.5;
    deviation[k] = 0.25;
  }
  PetscCall(FenMeasureGenerateUniform(PETSC_COMM_WORLD, b->n, b->dim, 1, &b->measure[0]));
  PetscCall(FenMeasureGenerateGaussian(PETSC_COMM_WORLD, b->m, b->dim, mean, deviation, 2, &b->measure[1]));
  PetscFunctionReturn(0);
}

/* means and deviations that differ, so that the map moves and stretches */
static PetscErrorCode MakeGrids(Bench *b)
{
  const double mean[2][3] = {{0.35, 0.40, 0.45}, {0.60, 0.55, 0.50}};
  const double deviation[2][3] = {{0.10, 0.12, 0.12}, {0.15, 0.10, 0.14}};
  double       spacing[FEN_MAX_DIM];
  FenInt       shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCheck(b->dim >= 1 && b->dim <= 3, PETSC_COMM_WORLD, FEN_ERR_OPTION, "-bench_shape: one to three axes");
  for (PetscInt k = 0; k < b->dim; k++) {
    PetscCheck(b->shape[k] > 1, PETSC_COMM_WORLD, FEN_ERR_OPTION, "-bench_shape: at least 2 points an axis");
    shape[k] = b->shape[k];
    spacing[k] = 1. / (double)(shape[k] - 1);
  }
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGenerateGaussianGrid(PETSC_COMM_WORLD, b->dim, shape, spacing, NULL, mean[s], deviation[s],
                                             &b->measure[s]));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadFiles(Bench *b)
{
  const char *file[2] = {b->source, b->target};

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    FenMeasureSource source = {.kind = 1};

    PetscCall(PetscStrncpy(source.spec, file[s], sizeof(source.spec)));
    PetscCall(FenMeasureRead(PETSC_COMM_WORLD, &source, &b->measure[s]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeMeasures(Bench *b)
{
  PetscBool clouds, grid, files;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(b->instance, "clouds", &clouds));
  PetscCall(PetscStrcmp(b->instance, "grid", &grid));
  PetscCall(PetscStrcmp(b->instance, "files", &files));
  PetscCheck(clouds || grid || files, PETSC_COMM_WORLD, FEN_ERR_OPTION, "-bench_instance %s: clouds, grid or files",
             b->instance);
  if (clouds)
    PetscCall(MakeClouds(b));
  else if (grid)
    PetscCall(MakeGrids(b));
  else
    PetscCall(ReadFiles(b));
  PetscCall(FenMeasureBalance(b->measure[0], b->measure[1], PETSC_FALSE));
  PetscFunctionReturn(0);
}

/* sum_ij a_i b_j |x_i - y_j|^2 from the first two moments */
static PetscErrorCode MeanCost(Bench *b, double *cost)
{
  PetscInt dim;
  double   moment[2][65], sums[2][65];
  FenInt   n;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(b->measure[0], &dim));
  PetscCheck(dim <= 64, PETSC_COMM_WORLD, FEN_ERR_OPTION, "dimension %d: at most 64", (int)dim);
  for (int s = 0; s < 2; s++) {
    const double *x, *w;

    PetscCall(FenMeasureGetPoints(b->measure[s], &x));
    PetscCall(FenMeasureGetWeights(b->measure[s], &w));
    PetscCall(FenMeasureGetSize(b->measure[s], NULL, &n));
    PetscCall(PetscArrayzero(moment[s], 65));
    for (FenInt i = 0; i < n * dim; i++) {
      moment[s][i % dim] += w[i / dim] * x[i];
      moment[s][64] += w[i / dim] * x[i] * x[i];
    }
  }
  PetscCallMPI(MPI_Allreduce(moment, sums, 130, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD));
  *cost = sums[0][64] + sums[1][64];
  for (PetscInt k = 0; k < dim; k++)
    *cost -= 2 * sums[0][k] * sums[1][k];
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon(Bench *b, FenOT ot)
{
  double   cost = 0;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(b->measure[0], &dim));
  if (b->eps_mean > 0) {
    PetscCall(MeanCost(b, &cost));
    PetscCall(FenOTSetEpsilon(ot, (double)b->eps_mean * cost));
  } else if (b->eps_diameter > 0)
    PetscCall(FenOTSetEpsilon(ot, (double)b->eps_diameter * (double)dim));
  PetscFunctionReturn(0);
}

static PetscErrorCode Remember(FenSolver s, const FenProgress *p, void *ctx)
{
  Last *last = (Last *)ctx;

  (void)s;
  PetscFunctionBegin;
  last->seconds = p->seconds;
  last->passes = p->work;
  PetscFunctionReturn(0);
}

static PetscErrorCode Print(Bench *b, FenOT ot, const Last *last)
{
  FenProgress p;
  FenOTBounds bounds;
  FenReason   reason;
  FenInt      n, m;
  PetscMPIInt ranks, rank;
  const char *type, *word;
  double      setup, solve, memory, passes, eps;

  PetscFunctionBegin;
  PetscCall(FenSolverGetProgress((FenSolver)ot, &p));
  PetscCall(FenOTComputeBounds(ot, &bounds));
  PetscCall(FenSolverGetConvergedReason((FenSolver)ot, &reason));
  PetscCall(FenReasonGet(reason, &word, NULL));
  PetscCall(FenSolverGetType((FenSolver)ot, &type));
  PetscCall(FenSolverGetTimes((FenSolver)ot, &setup, &solve));
  PetscCall(FenOTGetWork(ot, &passes, NULL));
  PetscCall(FenOTGetEpsilon(ot, &eps));
  PetscCall(FenMemoryPeak(PETSC_COMM_WORLD, &memory));
  PetscCall(FenMeasureGetSize(b->measure[0], &n, NULL));
  PetscCall(FenMeasureGetSize(b->measure[1], &m, NULL));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank == 0) /* PETSc prints 1000. for 1000, which is no JSON */
    printf("{\"type\": \"%s\", \"reason\": \"%s\", \"ranks\": %d, \"n\": %" FENINT_FMT ", \"m\": %" FENINT_FMT
           ", \"eps\": %.17g, \"iterations\": %" FENINT_FMT
           ", \"passes\": %g, \"passes_all\": %g, \"time_setup\": %g, \"time_iterations\": %g, "
           "\"time_solve\": %g, \"residual\": %g, \"value\": %.17g, \"lower\": %.17g, "
           "\"upper\": %.17g, \"gap_rel\": %g, \"memory\": %.0f}\n",
           type, word, (int)ranks, n, m, eps, p.iteration, last->passes, passes, setup, last->seconds, solve,
           p.residual, p.value, bounds.lower, bounds.upper,
           (bounds.upper - bounds.lower) / fmax(fabs(bounds.upper), fabs(bounds.lower)), memory);
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench b;
  Last  last = {0, 0};
  FenOT ot;

  PetscFunctionBegin;
  PetscCall(FenSetLibraryThreads(1));
  PetscCall(ReadOptions(&b));
  PetscCall(MakeMeasures(&b));
  PetscCall(FenOTCreate(PETSC_COMM_WORLD, &ot));
  PetscCall(FenOTSetMeasures(ot, b.measure[0], b.measure[1]));
  PetscCall(FenOTSetFromOptions(ot));
  PetscCall(SetEpsilon(&b, ot));
  PetscCall(FenSolverMonitorSet((FenSolver)ot, Remember, &last, NULL));
  PetscCall(FenOTSolve(ot));
  PetscCall(Print(&b, ot, &last));
  PetscCall(FenOTDestroy(&ot));
  PetscCall(FenMeasureDestroy(&b.measure[0]));
  PetscCall(FenMeasureDestroy(&b.measure[1]));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
