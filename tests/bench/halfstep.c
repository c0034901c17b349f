/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One separable half step (soft transform) on an N x N grid at a sequence of epsilons, on one core. Prints one JSON
   object a line: seconds, exponentials that all pairs would take (2 N^3), and how many terms matter, that is lie within
   2^-FEN_CUT of the largest in their sum; these are counted by plain loops over all pairs.

     bench_halfstep [-n 512] [-runs 5] [-eps 65536,4096,...]      epsilon in pixel^2

   The potential is what ten Sinkhorn iterations make of two Gaussians, from the largest epsilon downwards.
*/
#include "benchmain.h"
#include "operator/operator.h"
#include <math.h>

#define MOST 32

typedef struct {
  PetscInt      n, runs, neps;
  PetscReal     eps[MOST];
  FenMeasure    measure[2];
  FenOTOperator op;
  double       *f, *g;
} Bench;

static PetscErrorCode ReadOptions(Bench *b)
{
  const PetscReal standard[] = {262144, 16384, 4096, 1024, 256, 64, 16, 4, 1, 0.25};
  PetscBool       given;

  PetscFunctionBegin;
  *b = (Bench){.n = 512, .runs = 5, .neps = MOST};
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &b->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetRealArray(NULL, NULL, "-eps", b->eps, &b->neps, &given));
  if (!given) {
    b->neps = 10;
    PetscCall(PetscArraycpy(b->eps, standard, b->neps));
  }
  PetscCheck(b->n > 1 && b->runs > 0, PETSC_COMM_SELF, FEN_ERR_OPTION, "sizes and numbers of runs must be positive");
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(Bench *b)
{
  const double N = (double)b->n;
  const double mean[2][2] = {{0.35 * N, 0.40 * N}, {0.60 * N, 0.55 * N}};
  const double deviation[2][2] = {{0.15 * N, 0.18 * N}, {0.20 * N, 0.15 * N}};
  const FenInt shape[2] = {b->n, b->n};
  FenCost      cost;

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(
        FenMeasureGenerateGaussianGrid(PETSC_COMM_SELF, 2, shape, NULL, NULL, mean[s], deviation[s], &b->measure[s]));
  PetscCall(FenMeasureBalance(b->measure[0], b->measure[1], PETSC_FALSE));
  PetscCall(FenCostCreate(PETSC_COMM_SELF, FEN_COST_SQEUCLIDEAN, &cost));
  PetscCall(FenOTOperatorCreate(b->measure[0], b->measure[1], cost, FEN_PAIRS_AUTO, NULL, &b->op));
  PetscCall(FenCostDestroy(&cost));
  PetscCall(PetscCalloc2((size_t)(b->n * b->n), &b->f, (size_t)(b->n * b->n), &b->g));
  PetscFunctionReturn(0);
}

/* log2 of the sums over one line of `in` for every target on it; returns how many terms matter */
static double CountLine(FenInt n, double kappa, const double in[], FenInt stride, double out[])
{
  double matter = 0;

  for (FenInt i = 0; i < n; i++) {
    double M = FEN_NONE, S = 0;

    for (FenInt j = 0; j < n; j++)
      M = PetscMax(M, in[j * stride] - kappa * (double)((i - j) * (i - j)));
    for (FenInt j = 0; j < n; j++) {
      const double t = in[j * stride] - kappa * (double)((i - j) * (i - j)) - M;

      if (t < -FEN_CUT)
        continue;
      S += exp2(t);
      matter++;
    }
    out[i * stride] = M + log2(S);
  }
  return matter;
}

/* both sweeps of the transform of g */
static PetscErrorCode Count(const Bench *b, double *matter)
{
  const FenInt n = b->n;
  const double kappa = b->op->kappa;
  double      *L, *next;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(n * n), &L, (size_t)(n * n), &next));
  for (FenInt j = 0; j < n * n; j++)
    L[j] = kappa * b->g[j] + b->op->logw[1][j];
  *matter = 0;
  for (FenInt l = 0; l < n; l++)
    *matter += CountLine(n, kappa, L + l * n, 1, next + l * n);
  for (FenInt l = 0; l < n; l++)
    *matter += CountLine(n, kappa, next + l, n, L + l);
  PetscCall(PetscFree2(L, next));
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static PetscErrorCode Measure(Bench *b, double eps)
{
  const double N = (double)b->n;
  double       t[64], matter = 0;
  const int    runs = (int)PetscMin(64, b->runs);

  PetscFunctionBegin;
  PetscCall(FenOTOperatorSetEpsilon(b->op, eps));
  for (int k = 0; k < 10; k++) {
    PetscCall(FenOTSoftTransform(b->op, FEN_TO_SOURCE, b->g, b->f));
    PetscCall(FenOTSoftTransform(b->op, FEN_TO_TARGET, b->f, b->g));
  }
  for (int r = 0; r < runs; r++) {
    const double start = FenWallTime();

    PetscCall(FenOTSoftTransform(b->op, FEN_TO_SOURCE, b->g, b->f));
    t[r] = FenWallTime() - start;
  }
  qsort(t, (size_t)runs, sizeof(double), Ascending);
  PetscCall(Count(b, &matter));
  /* PETSc prints 1000. for 1000, which is no JSON */
  printf("{\"kernels\": \"%s\", \"n\": %d, \"eps\": %g, \"best\": %.6e, \"median\": %.6e, "
         "\"all\": %.6e, \"matter\": %.6e}\n",
         b->op->kernels->name, (int)b->n, eps, t[0], t[runs / 2], 2 * N * N * N, matter);
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench b;

  PetscFunctionBegin;
  PetscCall(FenSetLibraryThreads(1));
  PetscCall(ReadOptions(&b));
  PetscCall(Make(&b));
  for (PetscInt k = 0; k < b.neps; k++)
    PetscCall(Measure(&b, (double)b.eps[k]));
  PetscCall(FenOTOperatorDestroy(&b.op));
  PetscCall(FenMeasureDestroy(&b.measure[0]));
  PetscCall(FenMeasureDestroy(&b.measure[1]));
  PetscCall(PetscFree2(b.f, b.g));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
