/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps of the Bellman operator against the bandwidth of memory. Prints one JSON object: bytes of the stored rows (12
   an entry), seconds of a sweep and of a product with an extracted policy, and the seconds of a triad a = b + s c over
   24 bytes an entry, best and median of the runs, on all ranks at once (the slowest counts).

     bench_bellman [-instance grid|garnet] [-n 1500] [-actions 10] [-next 20] [-ambiguity none] [-radius 0.1]
                   [-penalty 0] [-runs 9] [-simd auto]

   grid: n x n states, 4 actions, 3 successors; garnet: n states, `next` random successors.
*/
#include "mdp/bellman/bellman.h"
#include <math.h>

typedef struct {
  char       instance[32], ambiguity[32], simd[16];
  PetscInt   n, actions, next, runs;
  PetscReal  radius, penalty;
  FenMDPRows R;
} Bench;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.instance = "grid",
               .ambiguity = "none",
               .n = 1500,
               .actions = 10,
               .next = 20,
               .runs = 9,
               .radius = 0,
               .penalty = 0};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-instance", b->instance, sizeof(b->instance), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-ambiguity", b->ambiguity, sizeof(b->ambiguity), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-simd", b->simd, sizeof(b->simd), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &b->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-actions", &b->actions, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-next", &b->next, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-radius", &b->radius, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-penalty", &b->penalty, NULL));
  PetscCheck(b->n > 0 && b->actions > 0 && b->next > 0 && b->next <= 64 && b->runs > 0, PETSC_COMM_SELF, FEN_ERR_OPTION,
             "sizes and numbers of runs must be positive, -next at most 64");
  PetscFunctionReturn(0);
}

/* adds an entry to the row that ends at z, sorted; equal successors are merged */
static void Insert(Bench *b, FenInt first, FenInt *z, FenInt next, double prob)
{
  FenInt i;

  for (i = first; i < *z; i++)
    if (b->R.next[i] == next) {
      b->R.prob[i] += prob;
      return;
    }
  for (i = (*z)++; i > first && b->R.next[i - 1] > next; i--) {
    b->R.next[i] = b->R.next[i - 1];
    b->R.prob[i] = b->R.prob[i - 1];
  }
  b->R.next[i] = next;
  b->R.prob[i] = prob;
}

static void GridRow(Bench *b, FenInt s, int a, FenInt *z)
{
  static const int dy[] = {-1, 0, 1, 0}, dx[] = {0, 1, 0, -1};
  const int        turn[] = {0, 3, 1};
  const double     prob[] = {0.8, 0.1, 0.1};
  const FenInt     y = s / b->n, x = s % b->n, first = *z;

  for (int k = 0; k < 3; k++) {
    const int    d = (a + turn[k]) % 4;
    const FenInt v = y + dy[d], u = x + dx[d];

    Insert(b, first, z, v < 0 || v >= b->n || u < 0 || u >= b->n ? s : v * b->n + u, prob[k]);
  }
}

static void GarnetRow(Bench *b, FenInt s, int a, FenInt *z)
{
  const FenInt   first = *z;
  const uint64_t row = (uint64_t)(s * b->actions + a);
  double         sum = 0;

  for (uint32_t k = 0; *z < first + b->next; k += 2) {
    const FenInt next = (FenInt)(FenRandomUniform(1, row, k) * (double)b->n);

    Insert(b, first, z, next, -log(FenRandomUniform(1, row, k + 1)));
  }
  for (FenInt i = first; i < *z; i++)
    sum += b->R.prob[i];
  for (FenInt i = first; i < *z; i++)
    b->R.prob[i] /= sum;
}

static PetscErrorCode MakeModel(Bench *b, MPI_Comm comm, FenMDPModel *model)
{
  const PetscBool grid = (PetscBool)!strcmp(b->instance, "grid");
  const FenInt    N = grid ? (FenInt)b->n * b->n : b->n;
  const PetscInt  actions = grid ? 4 : b->actions, next = grid ? 3 : b->next;
  FenInt          start, end, rows, r = 0, z = 0;
  FenLayout       layout;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRows(comm, N, &layout));
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  PetscCall(FenLayoutDestroy(&layout));
  b->R.nstates = end - start;
  rows = b->R.nstates * actions;
  PetscCall(PetscMalloc3((size_t)(b->R.nstates + 1), &b->R.state_ptr, (size_t)rows, &b->R.action, (size_t)(rows + 1),
                         &b->R.row_ptr));
  PetscCall(
      PetscMalloc3((size_t)(rows * next), &b->R.next, (size_t)(rows * next), &b->R.prob, (size_t)rows, &b->R.reward));
  b->R.state_ptr[0] = b->R.row_ptr[0] = 0;
  for (FenInt s = start; s < end; s++) {
    for (int a = 0; a < actions; a++) {
      if (grid)
        GridRow(b, s, a, &z);
      else
        GarnetRow(b, s, a, &z);
      b->R.action[r] = a;
      b->R.reward[r] = FenRandomUniform(2, (uint64_t)(s * actions + a), 0);
      b->R.row_ptr[++r] = z;
    }
    b->R.state_ptr[s - start + 1] = r;
  }
  PetscCall(FenMDPModelCreateRows(comm, &b->R, PETSC_FALSE, model));
  PetscCall(PetscFree3(b->R.state_ptr, b->R.action, b->R.row_ptr));
  PetscCall(PetscFree3(b->R.next, b->R.prob, b->R.reward));
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
  double        sweep[2], mult[2], set;
  FenSweepStats stats;
} Times;

static PetscErrorCode Measure(const Bench *b, MPI_Comm comm, FenBellman B, double t[], Times *T)
{
  PetscFunctionBegin;
  PetscCall(FenBellmanGetSizes(B, &T->n, &T->ghosts));
  PetscCall(
      PetscCalloc3((size_t)(T->n + T->ghosts), &T->V, (size_t)(T->n + T->ghosts), &T->TV, (size_t)T->n, &T->policy));
  for (PetscInt r = -8; r < b->runs; r++) { /* the first ones warm up */
    double *swap = T->V, start;

    PetscCallMPI(MPI_Barrier(comm));
    start = FenWallTime();
    PetscCall(FenBellmanSweep(B, NULL, T->V, T->TV, T->policy, &T->stats));
    if (r >= 0)
      t[r] = FenWallTime() - start;
    T->V = T->TV;
    T->TV = swap;
  }
  PetscCall(Statistics(comm, b->runs, t, &T->sweep[0], &T->sweep[1]));
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

static PetscErrorCode Run(MPI_Comm comm)
{
  FenBellmanOptions options = {.discount = 0.99, .partition = FEN_MDP_PARTITION_NONE};
  Bench             b;
  FenMDPModel       model;
  FenMDPSizes       sizes;
  FenBellman        B;
  Times             T;
  double           *t, triad[2], setup;
  PetscMPIInt       ranks;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscStrncpy(options.ambiguity.name, b.ambiguity, sizeof(options.ambiguity.name)));
  PetscCall(PetscStrncpy(options.simd, b.simd, sizeof(options.simd)));
  options.ambiguity.radius = b.radius;
  options.ambiguity.penalty = b.penalty;
  PetscCall(MakeModel(&b, comm, &model));
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  setup = -FenWallTime();
  PetscCall(FenBellmanCreate(model, &options, &B));
  setup += FenWallTime();
  PetscCall(PetscMalloc1((size_t)b.runs, &t));
  PetscCall(Triad(comm, b.runs, t, &triad[0], &triad[1]));
  PetscCall(Measure(&b, comm, B, t, &T));
  PetscCall(PetscPrintf(comm,
                        "{\"instance\": \"%s\", \"ambiguity\": \"%s\", \"ranks\": %d, \"states\": %" FENINT_FMT
                        ", \"bytes\": %" FENINT_FMT ", \"sweep\": %.6e, \"sweep_median\": %.6e, \"mult\": %.6e, "
                        "\"extract\": %.6e, \"setup\": %.6e, \"triad\": %.6e, \"triad_median\": %.6e, "
                        "\"of_triad\": %.4f, \"slack\": %.3e, \"span\": %.3e}\n",
                        b.instance, b.ambiguity, (int)ranks, sizes.states, 12 * sizes.nnz, T.sweep[0], T.sweep[1],
                        T.mult[0], T.set, setup, triad[0], triad[1], 12 * (double)sizes.nnz / T.sweep[0] / triad[0],
                        T.stats.slack, T.stats.hi - T.stats.lo));
  PetscCall(PetscFree(t));
  PetscCall(FenBellmanDestroy(&B));
  PetscCall(FenMDPModelDestroy(&model));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscErrorCode code;

  if (FenInitialize(&argc, &argv, NULL, NULL))
    return 1;
  code = Run(PETSC_COMM_WORLD);
  return FenFinalize() || code ? 1 : 0;
}
