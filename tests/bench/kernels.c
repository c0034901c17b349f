/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One log-sum-exp pass between two clouds, straight through the tile kernels, on one core. Prints one JSON object a
   line: pairs a second for every instruction set that this processor has, the relative error of the sums against long
   double, and in high dimension the rate of DGEMM for the same inner products.

     bench_kernels [-dim 3] [-n 16384] [-sample 32] [-runs 5] [-bits 29]

   The coordinates are scaled so that the largest cost over epsilon, in base two, is about `bits`: 29 is epsilon = 0.05
   of the largest cost, for which no pair can be passed over.
*/
#include "benchmain.h"
#include "kernels/kernels.h"
#include <petscblaslapack.h>
#include <dlfcn.h>
#include <math.h>

#define PORTION 512 /* targets a tile has in the library, see FenPairsRun() */

typedef struct {
  PetscInt  dim, n, sample, runs;
  PetscReal bits;
  double   *x, *y, *u, *box, *MS;
} Bench;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.dim = 3, .n = 16384, .sample = 32, .runs = 5, .bits = 29};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-dim", &b->dim, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &b->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-sample", &b->sample, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bits", &b->bits, NULL));
  PetscCheck(b->dim > 0 && b->n > 0 && b->runs > 0 && b->sample > 0, PETSC_COMM_SELF, FEN_ERR_OPTION,
             "sizes and numbers of runs must be positive");
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeClouds(Bench *b)
{
  const double scale = sqrt((double)b->bits / (double)b->dim);

  PetscFunctionBegin;
  PetscCall(PetscMalloc5((size_t)(b->n * b->dim), &b->x, (size_t)(b->n * b->dim), &b->y, (size_t)b->n, &b->u,
                         (size_t)FenTileBoxSize((int)b->dim, b->n, FEN_CHUNK), &b->box, (size_t)(2 * b->n), &b->MS));
  for (PetscInt k = 0; k < b->n * b->dim; k++) {
    b->x[k] = scale * FenRandomUniform(1, (uint64_t)k, 0);
    b->y[k] = scale * FenRandomUniform(2, (uint64_t)k, 0);
  }
  for (PetscInt j = 0; j < b->n; j++)
    b->u[j] = FenRandomUniform(3, (uint64_t)j, 0);
  PetscFunctionReturn(0);
}

/* as the library runs a pass: portions of targets against all sources, chunk boxes in low dimension */
static void Pass(const Bench *b, const FenKernels *kernels)
{
  for (PetscInt i = 0; i < b->n; i += PORTION) {
    FenTile T = {.kind = FEN_TILE_SQEUCLIDEAN,
                 .dim = (int)b->dim,
                 .nt = PetscMin(PORTION, b->n - i),
                 .ns = b->n,
                 .xt = b->x + i,
                 .xs = b->y,
                 .ldt = b->n,
                 .lds = b->n,
                 .u = b->u,
                 .chunk = FEN_CHUNK,
                 .box = b->dim <= 8 ? b->box : NULL};

    if (T.box)
      FenTileMakeBoxes(&T);
    for (PetscInt k = i; k < i + T.nt; k++) {
      b->MS[2 * k] = FEN_NONE;
      b->MS[2 * k + 1] = 0;
    }
    kernels->lse(&T, b->MS + 2 * i);
  }
}

static double ErrorOfRow(const Bench *b, PetscInt i)
{
  const long double M = (long double)b->MS[2 * i];
  long double       sum = 0;

  for (PetscInt j = 0; j < b->n; j++) {
    long double c = 0;

    for (PetscInt k = 0; k < b->dim; k++) {
      const long double d = (long double)b->x[k * b->n + i] - (long double)b->y[k * b->n + j];

      c += d * d;
    }
    sum += exp2l((long double)b->u[j] - c - M);
  }
  return (double)fabsl((long double)b->MS[2 * i + 1] / sum - 1);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* seconds of the runs so far: smallest and median */
static void Statistics(PetscInt n, double t[], double *least, double *median)
{
  qsort(t, (size_t)n, sizeof(double), Ascending);
  *least = t[0];
  *median = t[n / 2];
}

static PetscErrorCode Measure(const Bench *b, const char name[])
{
  const double      pairs = (double)b->n * (double)b->n;
  const FenKernels *kernels;
  double           *t, least, median, error = 0;

  PetscFunctionBegin;
  PetscCall(FenKernelsGet(name, &kernels));
  PetscCall(PetscMalloc1((size_t)b->runs, &t));
  Pass(b, kernels);
  for (PetscInt i = 0; i < b->n; i += PetscMax(1, b->n / b->sample))
    error = PetscMax(error, ErrorOfRow(b, i));
  for (PetscInt r = 0; r < b->runs; r++) {
    const double start = FenWallTime();

    Pass(b, kernels);
    t[r] = FenWallTime() - start;
  }
  Statistics(b->runs, t, &least, &median);
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "{\"kernels\": \"%s\", \"lanes\": %d, \"dim\": %d, \"n\": %d, \"best\": %.6e, "
                        "\"median\": %.6e, \"error\": %.3e}\n",
                        kernels->name, kernels->lanes, (int)b->dim, (int)b->n, pairs / least, pairs / median, error));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

/* the inner products of n points with n others */
static PetscErrorCode MeasureGemm(const Bench *b, PetscInt n)
{
  const PetscBLASInt size = (PetscBLASInt)n, k = (PetscBLASInt)b->dim;
  const PetscInt     calls = PetscMax(1, 16777216 / (n * n));
  const double       one = 1, zero = 0, pairs = (double)n * (double)n;
  double            *product, *t, least, median;
  Dl_info            library = {.dli_fname = "?"};
  void              *symbol = dlsym(RTLD_DEFAULT, "dgemm_");

  PetscFunctionBegin;
  if (symbol)
    (void)dladdr(symbol, &library);
  PetscCall(PetscMalloc2((size_t)(n * n), &product, (size_t)b->runs, &t));
  for (PetscInt r = -1; r < b->runs; r++) {
    const double start = FenWallTime();

    for (PetscInt c = 0; c < calls; c++)
      PetscCallBLAS("BLASgemm",
                    BLASgemm_("N", "T", &size, &size, &k, &one, b->x, &size, b->y, &size, &zero, product, &size));
    if (r >= 0)
      t[r] = (FenWallTime() - start) / (double)calls;
  }
  Statistics(b->runs, t, &least, &median);
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "{\"kernels\": \"dgemm\", \"dim\": %d, \"n\": %d, \"best\": %.6e, \"median\": %.6e, "
                        "\"library\": \"%s\"}\n",
                        (int)b->dim, (int)n, pairs / least, pairs / median, library.dli_fname));
  PetscCall(PetscFree2(product, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench b;

  PetscFunctionBegin;
  PetscCall(FenSetLibraryThreads(1));
  PetscCall(ReadOptions(&b));
  PetscCall(MakeClouds(&b));
  for (int k = 0; k <= (int)FenSimdBest(); k++)
    PetscCall(Measure(&b, FenSimdTypes[k]));
  if (b.dim > 8) { /* products that have to be written to memory, and such as stay in a cache */
    PetscCall(MeasureGemm(&b, PetscMin(4096, b.n)));
    PetscCall(MeasureGemm(&b, PetscMin(256, b.n)));
  }
  PetscCall(PetscFree5(b.x, b.y, b.u, b.box, b.MS));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
