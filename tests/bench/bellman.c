/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps of the Bellman operator against the bandwidth of memory. Prints one JSON object: bytes of the stored rows (12
   an entry), seconds of a sweep and of a product with an extracted policy, and the seconds of a triad a = b + s c over
   24 bytes an entry, best and median of the runs, on all ranks at once (the slowest counts).

   The sweeps are those of value iteration, V <- TV from V = 0: `cold` is the mean of the first ones, which are not
   counted as runs. So what a sweep may start from is what the one before left, and that is as near as in a solve.

     bench_bellman [-problem gridworld|garnet|...] [-n 1500] [options of the problem] [-matrix_free]
                   [-ambiguity none] [-alpha 1] [-radius 0] [-penalty 0] [-cold 8] [-runs 9] [-fen_simd auto]
                   [-partition none|block|graph]
*/
#include "benchmain.h"
#include "mdp/bellman/bellman.h"
#include <math.h>

typedef struct {
  char            problem[32], ambiguity[32], simd[16];
  PetscInt        runs, cold;
  PetscReal       alpha, radius, penalty;
  PetscBool       matrix_free;
  FenMDPPartition partition;
} Bench;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.problem = "gridworld", .ambiguity = "none", .runs = 9, .cold = 8, .alpha = 1};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", b->problem, sizeof(b->problem), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-ambiguity", b->ambiguity, sizeof(b->ambiguity), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-fen_simd", b->simd, sizeof(b->simd), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-cold", &b->cold, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-alpha", &b->alpha, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-radius", &b->radius, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-penalty", &b->penalty, NULL));
  PetscCall(PetscOptionsGetEnum(NULL, NULL, "-partition", FenMDPPartitions, (PetscEnum *)&b->partition, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-matrix_free", &b->matrix_free, NULL));
  PetscCheck(b->runs > 0 && b->cold > 0, PETSC_COMM_SELF, FEN_ERR_OPTION, "numbers of sweeps must be positive");
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* the slowest rank of each run; best and median of the runs */
static PetscErrorCode Statistics(MPI_Comm comm, PetscInt n, double t[], double *best, double *median)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, t, (PetscMPIInt)n, MPI_DOUBLE, MPI_MAX, comm));
  qsort(t, (size_t)n, sizeof(double), Ascending);
  *best = t[0];
  *median = t[n / 2];
  PetscFunctionReturn(0);
}

/* bytes a second of all ranks together */
static PetscErrorCode Triad(MPI_Comm comm, PetscInt runs, double t[], double *best, double *median)
{
  const FenInt n = 1 << 23;
  PetscMPIInt  size;
  double      *a;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc1((size_t)(3 * n), &a));
  for (FenInt i = 0; i < 3 * n; i++)
    a[i] = (double)i;
  for (PetscInt r = -1; r < runs; r++) {
    double start;

    PetscCallMPI(MPI_Barrier(comm));
    start = FenWallTime();
    for (FenInt i = 0; i < n; i++)
      a[i] = a[n + i] + 3.0 * a[2 * n + i];
    if (r >= 0)
      t[r] = FenWallTime() - start;
  }
  PetscCall(Statistics(comm, runs, t, best, median));
  *best = 24 * (double)n * size / *best;
  *median = 24 * (double)n * size / *median;
  PetscCall(PetscFree(a));
  PetscFunctionReturn(0);
}

typedef struct {
  double       *V, *TV;
  int          *policy;
  FenInt        n, ghosts;
  double        sweep[2], mult[2], set, cold;
  FenSweepStats stats;
} Times;

/* all ranks wait for the slowest, so a rank's cold sweeps are everybody's */
static PetscErrorCode Sweeps(const Bench *b, MPI_Comm comm, FenBellman B, double t[], Times *T)
{
  PetscFunctionBegin;
  T->cold = 0;
  for (PetscInt r = -b->cold; r < b->runs; r++) {
    double *swap = T->V, time;

    PetscCallMPI(MPI_Barrier(comm));
    time = -FenWallTime();
    PetscCall(FenBellmanSweep(B, NULL, T->V, T->TV, T->policy, &T->stats));
    time += FenWallTime();
    if (r >= 0)
      t[r] = time;
    else
      T->cold += time / (double)b->cold;
    T->V = T->TV;
    T->TV = swap;
  }
  PetscCall(Statistics(comm, b->runs, t, &T->sweep[0], &T->sweep[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Measure(const Bench *b, MPI_Comm comm, FenBellman B, double t[], Times *T)
{
  PetscFunctionBegin;
  PetscCall(FenBellmanGetSizes(B, &T->n, &T->ghosts));
  PetscCall(PetscCalloc1((size_t)(T->n + T->ghosts), &T->V));
  PetscCall(PetscCalloc1((size_t)(T->n + T->ghosts), &T->TV));
  PetscCall(PetscCalloc1((size_t)T->n, &T->policy));
  PetscCall(Sweeps(b, comm, B, t, T));
  T->set = -FenWallTime();
  PetscCall(FenBellmanSetPolicy(B, T->policy, T->V));
  T->set += FenWallTime();
  for (PetscInt r = -1; r < b->runs; r++) {
    double start;

    PetscCallMPI(MPI_Barrier(comm));
    start = FenWallTime();
    PetscCall(FenBellmanPolicyMult(B, T->V, T->TV));
    if (r >= 0)
      t[r] = FenWallTime() - start;
  }
  PetscCall(Statistics(comm, b->runs, t, &T->mult[0], &T->mult[1]));
  PetscCall(PetscFree(T->V));
  PetscCall(PetscFree(T->TV));
  PetscCall(PetscFree(T->policy));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  const MPI_Comm    comm = PETSC_COMM_WORLD;
  FenBellmanOptions options = {.discount = 0.99};
  Bench             b;
  FenMDPModel       model;
  FenMDPSizes       sizes;
  FenBellman        B;
  Times             T;
  double           *t, triad[2], setup, words, messages, imbalance;
  PetscMPIInt       ranks;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscStrncpy(options.ambiguity.name, b.ambiguity, sizeof(options.ambiguity.name)));
  PetscCall(PetscStrncpy(options.simd, b.simd, sizeof(options.simd)));
  options.ambiguity.alpha = b.alpha;
  options.partition = b.partition;
  options.ambiguity.radius = b.radius;
  options.ambiguity.penalty = b.penalty;
  PetscCall(FenMDPModelGenerate(comm, b.problem, NULL, b.matrix_free, &model));
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  setup = -FenWallTime();
  PetscCall(FenBellmanCreate(model, &options, &B));
  setup += FenWallTime();
  PetscCall(PetscMalloc1((size_t)b.runs, &t));
  PetscCall(Triad(comm, b.runs, t, &triad[0], &triad[1]));
  PetscCall(Measure(&b, comm, B, t, &T));
  PetscCall(FenBellmanGetCommunication(B, &words, &messages, &imbalance));
  PetscCall(PetscPrintf(
      comm,
      "{\"problem\": \"%s\", \"ambiguity\": \"%s\", \"ranks\": %d, \"states\": %" FENINT_FMT ", \"bytes\": %" FENINT_FMT
      ", \"sweep\": %.6e, \"sweep_median\": %.6e, \"cold\": %.6e, \"mult\": %.6e, "
      "\"extract\": %.6e, \"setup\": %.6e, \"triad\": %.6e, \"triad_median\": %.6e, "
      "\"of_triad\": %.4f, \"slack\": %.3e, \"span\": %.3e, \"words\": %.0f, "
      "\"messages\": %.0f, \"imbalance\": %.3f}\n",
      b.problem, b.ambiguity, (int)ranks, sizes.states, 12 * sizes.nnz, T.sweep[0], T.sweep[1], T.cold, T.mult[0],
      T.set, setup, triad[0], triad[1], 12 * (double)sizes.nnz / T.sweep[0] / triad[0], T.stats.slack,
      T.stats.hi - T.stats.lo, words, messages, imbalance));
  PetscCall(PetscFree(t));
  PetscCall(FenBellmanDestroy(&B));
  PetscCall(FenMDPModelDestroy(&model));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
