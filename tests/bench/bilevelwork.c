/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What one bilevel problem costs on the ranks given: seconds and messages of a gradient of h, of products with its
   Hessian, and of a product with J^T, at the first theta and the first x of all samples. Prints one JSON object.

     bench_bilevelwork [-problem tv] [-train FILES] [-valid FILES] [options of the problem] [-products 20] [-runs 5]
                       [-team 0]   ranks that share a sample, 0: chosen
                       [-factor]   also one hypergradient as a whole, a Cholesky factorisation of as many rows by
                                   ScaLAPACK, and DGEMM on every core

   Messages are those that PETSc counts: sent from one rank to another, and reductions. Seconds
   are those of the slowest rank, the best of the runs.
*/
#include "benchmain.h"
#include <fenchelbilevel.h>
#include <math.h>
#include <petscblaslapack.h>

typedef struct {
  char      problem[32], train[PETSC_MAX_PATH_LEN], valid[PETSC_MAX_PATH_LEN];
  PetscInt  products, runs, team;
  PetscBool factor;
} Bench;

/* ---- messages that left this rank so far, as PETSc counts them: how many, bytes, reductions ---- */
enum { SENT, BYTES, REDUCED, COUNTS };

static void Count(double c[COUNTS])
{
  c[SENT] = petsc_isend_ct + petsc_send_ct;
  c[BYTES] = petsc_isend_len + petsc_send_len;
  c[REDUCED] = petsc_allreduce_ct;
}

/* ---- one measurement ---- */
typedef struct {
  double seconds;       /* of all samples of the slowest rank */
  double count[COUNTS]; /* of the last sample of the busiest rank */
} Cost;

typedef struct {
  FenBilevelProblem    problem;
  const FenBilevelOps *call;
  FenBilevelPart       part;
  FenTeamsInfo         team;
  double              *x, *y, *t; /* one sample's; t: my hyperparameters */
} Work;

typedef PetscErrorCode (*Piece)(Work *, FenInt s, PetscInt n);

static PetscErrorCode Gradients(Work *w, FenInt s, PetscInt n)
{
  double value;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++)
    PetscCall((*w->call->gradient)(w->problem, s, w->x, &value, w->y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Products(Work *w, FenInt s, PetscInt n)
{
  (void)s;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++)
    PetscCall((*w->call->hessian)(w->problem, w->x, w->y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Transposed(Work *w, FenInt s, PetscInt n)
{
  (void)s;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++)
    PetscCall((*w->call->jacobiantranspose)(w->problem, w->x, w->t));
  PetscFunctionReturn(0);
}

/* n calls for every sample of mine; the first call warms up and counts messages */
static PetscErrorCode Measure(Work *w, const Bench *b, Piece piece, PetscInt n, Cost *cost)
{
  double some[1 + COUNTS] = {0}, most[1 + COUNTS], before[COUNTS], after[COUNTS];

  PetscFunctionBegin;
  *cost = (Cost){.seconds = INFINITY};
  for (PetscInt run = 0; run < b->runs; run++) {
    some[0] = 0;
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    for (FenInt s = w->part.start; s < w->part.end; s++) {
      double start;

      PetscCall((*w->call->linearise)(w->problem, s, w->x));
      Count(before);
      PetscCall((*piece)(w, s, 1));
      Count(after);
      for (int k = 0; k < COUNTS; k++)
        some[1 + k] = after[k] - before[k];
      start = FenWallTime();
      PetscCall((*piece)(w, s, n));
      some[0] += (FenWallTime() - start) / (double)n;
    }
    PetscCallMPI(MPI_Allreduce(some, most, 1 + COUNTS, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
    cost->seconds = PetscMin(cost->seconds, most[0]);
    PetscCall(PetscArraycpy(cost->count, most + 1, COUNTS));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Say(const char name[], const Cost *c)
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "\"%s\": %.6e, \"%s_messages\": %.0f, \"%s_bytes\": %.0f, \"%s_reductions\": %.0f, ", name,
                        c->seconds, name, c->count[SENT], name, c->count[BYTES], name, c->count[REDUCED]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Pieces(const Bench *b, FenBilevelProblem problem)
{
  Work            w = {.problem = problem};
  FenTeams        teams;
  FenBilevelSizes size;
  double         *theta;
  Cost            cost;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &w.call));
  PetscCall(FenBilevelProblemGetPart(problem, &w.part));
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &w.team));
  PetscCall(PetscMalloc1((size_t)(w.part.theta1 - w.part.theta0) + 1, &w.t));
  PetscCall(PetscCalloc1((size_t)(w.part.theta1 - w.part.theta0) + 1, &theta));
  PetscCall(PetscCalloc1((size_t)w.part.nx + 1, &w.x));
  PetscCall(PetscMalloc1((size_t)w.part.nx + 1, &w.y));
  if (w.call->start)
    PetscCall((*w.call->start)(problem, theta));
  PetscCall((*w.call->settheta)(problem, theta));
  if (w.call->initial && w.part.end > w.part.start)
    PetscCall((*w.call->initial)(problem, w.part.start, w.x));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"samples\": %" FENINT_FMT ", \"teams\": %d, \"team\": %d, ", size.samples,
                        (int)w.team.nteams, (int)w.team.size));
  PetscCall(Measure(&w, b, Gradients, b->products, &cost));
  PetscCall(Say("gradient", &cost));
  PetscCall(Measure(&w, b, Products, b->products, &cost));
  PetscCall(Say("product", &cost));
  PetscCall(Measure(&w, b, Transposed, 1, &cost));
  PetscCall(Say("transposed", &cost));
  PetscCall(PetscFree(w.t));
  PetscCall(PetscFree(theta));
  PetscCall(PetscFree(w.x));
  PetscCall(PetscFree(w.y));
  PetscFunctionReturn(0);
}

/* ---- dense factors ---- */

/* nothing that was computed belongs to the first theta any more */
static PetscErrorCode Elsewhere(FenBilevelProblem problem)
{
  const FenBilevelOps *call;
  FenBilevelPart       part;
  double              *theta;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(PetscMalloc1((size_t)(part.theta1 - part.theta0) + 1, &theta));
  PetscCall((*call->start)(problem, theta));
  for (FenInt k = 0; k < part.theta1 - part.theta0; k++)
    theta[k] += 0.01;
  PetscCall((*call->settheta)(problem, theta));
  PetscCall(PetscFree(theta));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  PetscFunctionReturn(0);
}

/* seconds since the last call, on the slowest rank */
static PetscErrorCode Lap(double *since, double *seconds)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  *seconds = FenWallTime() - *since;
  *since += *seconds;
  PetscFunctionReturn(0);
}

/* what a hypergradient is made of: matrix, factor, a solve, a gradient of h, bounds, products with J^T and the rest */
enum { MATRIX, FACTOR, SOLVE, GRADIENT, BOUNDS, REST, PARTS };
static const char *const parts[PARTS] = {"matrix", "factor", "solve", "gradient", "bounds", "rest"};

static PetscErrorCode Split(FenBilevelProblem problem, double seconds[PARTS])
{
  const FenBilevelOps *call;
  FenBilevelConstants  constants;
  FenBilevelPart       part;
  double              *theta, *x, *y, value, since, once;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(
      PetscMalloc3((size_t)(part.theta1 - part.theta0) + 1, &theta, (size_t)part.nx + 1, &x, (size_t)part.nx + 1, &y));
  PetscCall(PetscArrayzero(x, part.nx));
  PetscCall((*call->start)(problem, theta));
  PetscCall(Elsewhere(problem));
  since = FenWallTime();
  PetscCall((*call->settheta)(problem, theta));
  PetscCall(Lap(&since, &seconds[MATRIX]));
  PetscCall((*call->gradient)(problem, 0, x, &value, y));
  PetscCall(Lap(&since, &seconds[GRADIENT]));
  PetscCall((*call->solve)(problem, y, x));
  PetscCall(Lap(&since, &once));
  PetscCall((*call->solve)(problem, y, x));
  PetscCall(Lap(&since, &seconds[SOLVE]));
  seconds[FACTOR] = once - seconds[SOLVE];
  PetscCall((*call->linearise)(problem, 0, x));
  PetscCall(Lap(&since, &seconds[REST]));
  PetscCall((*call->constants)(problem, 0, &constants));
  PetscCall(Lap(&since, &seconds[BOUNDS]));
  PetscCall((*call->upper)(problem, 0, x, &value, y));
  PetscCall((*call->jacobiantranspose)(problem, y, theta));
  if (call->direct)
    PetscCall((*call->direct)(problem, 0, x, theta));
  PetscCall(Lap(&since, &once));
  seconds[REST] += once;
  PetscCall(PetscFree3(theta, x, y));
  PetscFunctionReturn(0);
}

/* the time of the first decision: a lower solution and a hypergradient with its certificate */
static PetscErrorCode Note(FenSolver s, const FenProgress *p, void *ctx)
{
  double *when = (double *)ctx;

  (void)s, (void)p;
  if (*when < 0)
    *when = FenWallTime();
  return 0;
}

/* lower solution and hypergradient at the first theta; not the estimate of its error at the end of a solve */
static PetscErrorCode Hypergradient(FenBilevelProblem problem, FenBilevelWork *work, double *seconds)
{
  FenBilevel b;
  double     when = -1;

  PetscFunctionBegin;
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &b));
  PetscCall(FenBilevelSetProblem(b, problem));
  PetscCall(FenSolverSetType((FenSolver)b, FENBILEVELFIXED));
  PetscCall(FenSolverMonitorSet((FenSolver)b, Note, &when, NULL));
  PetscCall(FenSolverSetTolerances((FenSolver)b, PETSC_DEFAULT, PETSC_DEFAULT, 1));
  PetscCall(FenSolverSetUp((FenSolver)b));
  PetscCall(Elsewhere(problem));
  *seconds = -FenWallTime();
  PetscCall(FenBilevelSolve(b));
  *seconds += when;
  PetscCall(FenBilevelGetWork(b, work));
  PetscCall(FenBilevelDestroy(&b));
  PetscFunctionReturn(0);
}

/* of a matrix of ones with n added to its diagonal */
static PetscErrorCode Cholesky(PetscInt n, double *seconds)
{
  PetscInt local = PETSC_DECIDE, first, last;
  Mat      dense, factor;

  PetscFunctionBegin;
  PetscCall(PetscSplitOwnershipEqual(PETSC_COMM_WORLD, &local, &n));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, local, local, n, n, NULL, &dense));
  PetscCall(MatGetOwnershipRange(dense, &first, &last));
  for (PetscInt i = first; i < last; i++)
    for (PetscInt j = 0; j < n; j++)
      PetscCall(MatSetValue(dense, i, j, i == j ? (double)n + 1 : 1, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(dense, MAT_FINAL_ASSEMBLY));
  PetscCall(MatConvert(dense, MATSCALAPACK, MAT_INITIAL_MATRIX, &factor));
  PetscCall(MatDestroy(&dense));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  *seconds = -FenWallTime();
  PetscCall(MatCholeskyFactor(factor, NULL, NULL));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  *seconds += FenWallTime();
  PetscCall(MatDestroy(&factor));
  PetscFunctionReturn(0);
}

/* flops/s of all ranks at once */
static PetscErrorCode Dgemm(double *rate)
{
  const PetscBLASInt n = 1500;
  const size_t       size = (size_t)n * (size_t)n;
  const double       one = 1, zero = 0;
  double            *A, *B, *C, mine;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(size, &A, size, &B, size, &C));
  for (size_t i = 0; i < size; i++)
    A[i] = B[i] = 1 / (double)(i % 7 + 1);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  mine = -FenWallTime();
  BLASgemm_("N", "N", &n, &n, &n, &one, A, &n, B, &n, &zero, C, &n);
  mine += FenWallTime();
  mine = 2 * pow((double)n, 3) / mine;
  PetscCallMPI(MPI_Allreduce(&mine, rate, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscFree3(A, B, C));
  PetscFunctionReturn(0);
}

static PetscErrorCode Factors(const Bench *b, FenBilevelProblem problem)
{
  FenBilevelSizes size;
  PetscInt        n;
  FenBilevelWork  work;
  double          whole = INFINITY, cholesky = INFINITY, rate = 0, one, split[PARTS], least[PARTS];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenIntCast(size.rows, &n));
  for (PetscInt run = 0; run < b->runs; run++) {
    PetscCall(Hypergradient(problem, &work, &one));
    whole = PetscMin(whole, one);
    PetscCall(Split(problem, split));
    for (int k = 0; k < PARTS; k++)
      least[k] = run ? PetscMin(least[k], split[k]) : split[k];
    PetscCall(Cholesky(n, &one));
    cholesky = PetscMin(cholesky, one);
    PetscCall(Dgemm(&one));
    rate = PetscMax(rate, one);
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "\"rows\": %" PetscInt_FMT ", \"hypergradient\": %.6e, \"cholesky\": %.6e, \"dgemm\": %.6e, "
                        "\"iterations\": %.0f, ",
                        n, whole, cholesky, rate, work.lower_iterations + work.adjoint_iterations));
  for (int k = 0; k < PARTS; k++)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"%s\": %.6e, ", parts[k], least[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.problem = "tv", .products = 20, .runs = 5};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", b->problem, sizeof(b->problem), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-train", b->train, sizeof(b->train), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-valid", b->valid, sizeof(b->valid), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-products", &b->products, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-team", &b->team, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-factor", &b->factor, NULL));
  PetscCheck(b->products > 0 && b->runs > 0 && b->team >= 0, PETSC_COMM_WORLD, (PetscErrorCode)FEN_ERR_OPTION,
             "-products and -runs must be positive, -team not negative");
  PetscFunctionReturn(0);
}

static PetscErrorCode RunAll(void)
{
  Bench             b;
  FenBilevelProblem problem;
  PetscMPIInt       ranks, team;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  PetscCall(FenBilevelProblemGenerate(
      PETSC_COMM_WORLD, b.problem, NULL,
      &(FenBilevelData){.train = b.train[0] ? b.train : NULL, .valid = b.valid[0] ? b.valid : NULL}, &problem));
  PetscCall(FenMPIIntCast(b.team, &team));
  PetscCall(FenBilevelProblemSetTeamSize(problem, team));
  PetscCall(FenBilevelProblemSetUp(problem));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "{\"problem\": \"%s\", \"ranks\": %d, ", b.problem, (int)ranks));
  if (b.factor)
    PetscCall(Factors(&b, problem));
  else
    PetscCall(Pieces(&b, problem));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"runs\": %" PetscInt_FMT "}\n", b.runs));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, RunAll);
}
