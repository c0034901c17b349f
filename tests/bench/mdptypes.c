/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One built-in Markov decision process, solved by several types: one JSON object a type with the seconds of set-up and
   solve (slowest rank, best of the runs), seconds of rank 0's processor, sweeps, products, certified gap, and for
   "auto" what it chose.

     bench_mdptypes [-problem gridworld | -model FILE] [-n 300] [options of the problem] [-types auto,vi,mpi,ipi]
                    [-runs 3] [options of the solver: -mdp_discount, -mdp_gap ...]
*/
#include "benchmain.h"
#include <fenchelmdp.h>
#include <time.h>

#define MOST 16

typedef struct {
  char     problem[32], model[PETSC_MAX_PATH_LEN], *types[MOST];
  PetscInt ntypes, runs;
} Bench;

typedef struct {
  double       setup, solve, cpu, sweeps, matvecs; /* cpu: seconds of this rank's processor */
  FenMDPBounds bounds;
  FenProgress  progress;
  FenReason    reason;
  char         choice[16], why[192];
} Result;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscBool given;

  PetscFunctionBegin;
  *b = (Bench){.problem = "gridworld", .ntypes = MOST, .runs = 3};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", b->problem, sizeof(b->problem), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-model", b->model, sizeof(b->model), NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCall(PetscOptionsGetStringArray(NULL, NULL, "-types", b->types, &b->ntypes, &given));
  if (!given) {
    b->ntypes = 1;
    PetscCall(PetscStrallocpy("auto", &b->types[0]));
  }
  PetscCheck(b->runs > 0, PETSC_COMM_SELF, FEN_ERR_OPTION, "the number of runs must be positive");
  PetscFunctionReturn(0);
}

/* seconds since `start` on the slowest rank */
static PetscErrorCode Elapsed(double start, double *seconds)
{
  double t = FenWallTime() - start;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&t, seconds, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(FenMDPModel model, const char type[], Result *R)
{
  const char *choice, *why;
  double      start;
  FenMDP      mdp;

  PetscFunctionBegin;
  PetscCall(FenMDPCreate(PETSC_COMM_WORLD, &mdp));
  PetscCall(FenMDPSetType(mdp, type));
  PetscCall(FenMDPSetModel(mdp, model));
  PetscCall(FenMDPSetFromOptions(mdp));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  R->cpu = -(double)clock() / CLOCKS_PER_SEC;
  start = FenWallTime();
  PetscCall(FenSolverSetUp((FenSolver)mdp));
  PetscCall(Elapsed(start, &R->setup));
  start = FenWallTime();
  PetscCall(FenMDPSolve(mdp));
  PetscCall(Elapsed(start, &R->solve));
  R->cpu += (double)clock() / CLOCKS_PER_SEC;
  PetscCall(FenMDPGetWork(mdp, &R->sweeps, &R->matvecs));
  PetscCall(FenMDPGetBounds(mdp, &R->bounds));
  PetscCall(FenSolverGetProgress((FenSolver)mdp, &R->progress));
  PetscCall(FenSolverGetConvergedReason((FenSolver)mdp, &R->reason));
  PetscCall(FenMDPGetChoice(mdp, &choice, &why));
  PetscCall(PetscStrncpy(R->choice, choice, sizeof(R->choice)));
  PetscCall(PetscStrncpy(R->why, why, sizeof(R->why)));
  PetscCall(FenMDPDestroy(&mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(const Bench *b, FenMDPModel model, const char type[])
{
  FenMDPSizes sizes;
  PetscMPIInt ranks;
  const char *reason;
  Result      best = {.solve = PETSC_INFINITY}, one = {0};
  double      cpu = PETSC_INFINITY;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < b->runs; k++) {
    PetscCall(Run(model, type, &one));
    cpu = PetscMin(cpu, one.cpu);
    if (one.setup + one.solve < best.setup + best.solve)
      best = one;
  }
  PetscCall(FenReasonGet(best.reason, &reason, NULL));
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  PetscCall(
      PetscPrintf(PETSC_COMM_WORLD,
                  "{\"problem\": \"%s\", \"type\": \"%s\", \"choice\": \"%s\", \"why\": \"%s\", \"ranks\": %d, "
                  "\"states\": %" FENINT_FMT ", \"rows\": %" FENINT_FMT ", \"nnz\": %" FENINT_FMT
                  ", \"reason\": \"%s\", \"setup\": %.6e, \"solve\": %.6e, \"cpu\": %.6e, \"iterations\": %" FENINT_FMT
                  ", \"sweeps\": %.1f, \"matvecs\": %.1f, \"policy_gap\": %.6e, \"gap_rel\": %.6e, "
                  "\"lower\": %.17g, \"upper\": %.17g}\n",
                  b->problem, type, best.choice, best.why, (int)ranks, sizes.states, sizes.rows, sizes.nnz, reason,
                  best.setup, best.solve, cpu, best.progress.iteration, best.sweeps, best.matvecs,
                  best.bounds.policy_gap, best.progress.gap_rel, best.bounds.lower, best.bounds.upper));
  PetscFunctionReturn(0);
}

static PetscErrorCode RunAll(void)
{
  Bench       b;
  FenMDPModel model;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  if (b.model[0])
    PetscCall(FenMDPModelRead(PETSC_COMM_WORLD, b.model, &model));
  else
    PetscCall(FenMDPModelGenerate(PETSC_COMM_WORLD, b.problem, NULL, PETSC_FALSE, &model));
  for (PetscInt k = 0; k < b.ntypes; k++) {
    PetscCall(Report(&b, model, b.types[k]));
    PetscCall(PetscFree(b.types[k]));
  }
  PetscCall(FenMDPModelDestroy(&model));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, RunAll);
}
