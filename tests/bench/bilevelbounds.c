/* SPDX-License-Identifier: BSD-2-Clause */
/*
   How sharp are the error bounds of hypergradients? Many random problems of one kind, each with lower problems and
   adjoints solved to random accuracies, against the same hypergradient at 1e-12. Prints one JSON object.

     bench_bilevelbounds [-problem quadratic] [-problems 50] [options]
                         [-loosest 1e-1] [-tightest 1e-5]

   certified: the certified bound over the true error; below one it would be wrong. goal: the goal-oriented estimate
   without its safety factor over the true error.
*/
#include "benchmain.h"
#include <fenchelbilevel.h>
#include <fenchelsys.h>
#include <math.h>

#define SAFETY 1.25 /* that the estimate has got */

typedef struct {
  char     problem[32], option[64];
  PetscInt problems;
  double   loosest, tightest;
} Bench;

typedef struct {
  double *certified, *goal; /* ratios, ascending at the end */
  FenInt  n, wrong, near, covered;
} Ratios;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.problem = "quadratic", .problems = 50, .loosest = 1e-1, .tightest = 1e-5};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", b->problem, sizeof(b->problem), NULL));
  PetscCall(PetscSNPrintf(b->option, sizeof(b->option), "-%s_seed", b->problem));
  for (size_t k = 1; b->option[k]; k++)
    if (b->option[k] == '-')
      b->option[k] = '_';
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-problems", &b->problems, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-loosest", &b->loosest, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-tightest", &b->tightest, NULL));
  PetscCheck(b->problems > 0 && b->problems < 100000 && b->tightest > 0 && b->loosest >= b->tightest, PETSC_COMM_WORLD,
             (PetscErrorCode)FEN_ERR_OPTION, "-problems must be positive, -tightest positive and below -loosest");
  PetscFunctionReturn(0);
}

/* one hypergradient at the first theta: n numbers of mine, copied */
static PetscErrorCode Hypergradient(FenBilevelProblem problem, const char prefix[], double eps, double delta, FenInt n,
                                    double z[], FenBilevelBounds *bounds)
{
  const double *found;
  char          number[64], name[64];
  FenBilevel    b;

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "-%sbilevel_%s", prefix, k ? "delta" : "eps"));
    PetscCall(PetscSNPrintf(number, sizeof(number), "%.17g", k ? delta : eps));
    PetscCall(PetscOptionsSetValue(NULL, name, number));
  }
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &b));
  PetscCall(FenSolverSetOptionsPrefix((FenSolver)b, prefix));
  PetscCall(FenBilevelSetProblem(b, problem));
  PetscCall(FenSolverSetType((FenSolver)b, FENBILEVELFIXED));
  PetscCall(FenBilevelSetFromOptions(b));
  PetscCall(FenSolverSetTolerances((FenSolver)b, PETSC_DEFAULT, PETSC_DEFAULT, 1));
  PetscCall(FenBilevelSolve(b));
  PetscCall(FenBilevelGetHypergradient(b, &found));
  PetscCall(FenBilevelGetBounds(b, bounds));
  for (FenInt k = 0; k < n; k++)
    z[k] = found[k];
  PetscCall(FenBilevelDestroy(&b));
  PetscFunctionReturn(0);
}

static PetscErrorCode One(const Bench *b, PetscInt k, Ratios *r)
{
  const double      u = FenRandomUniform(1, (uint64_t)k, 0), v = FenRandomUniform(1, (uint64_t)k, 1);
  const double      eps = b->tightest * pow(b->loosest / b->tightest, u);
  char              seed[32];
  double           *z, *exact, error = 0;
  FenBilevelProblem problem;
  FenBilevelPart    part;
  FenTeams          teams;
  FenTeamsInfo      info;
  FenBilevelBounds  bounds, truth;
  FenInt            n;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(seed, sizeof(seed), "%" PetscInt_FMT, k + 1));
  PetscCall(PetscOptionsSetValue(NULL, b->option, seed));
  PetscCall(FenBilevelProblemGenerate(PETSC_COMM_WORLD, b->problem, NULL, NULL, &problem));
  PetscCall(FenBilevelProblemSetUp(problem));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  n = part.theta1 - part.theta0;
  PetscCall(PetscCalloc2((size_t)n + 1, &z, (size_t)n + 1, &exact));
  PetscCall(Hypergradient(problem, "", eps, eps * pow(10, 2 * v - 1), n, z, &bounds));
  PetscCall(Hypergradient(problem, "true_", 1e-12, 1e-12, n, exact, &truth));
  for (FenInt j = 0; j < n; j++)
    error += (z[j] - exact[j]) * (z[j] - exact[j]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_DOUBLE, MPI_SUM, info.team));
  error = sqrt(error);
  if (error > 1e-9 * truth.hypergradient) { /* above what the truth is known to */
    r->certified[r->n] = bounds.hypergradient_error / error;
    r->goal[r->n] = bounds.hypergradient_goal / SAFETY / error;
    r->wrong += r->certified[r->n] < 1;
    r->near += r->goal[r->n] >= 0.75 && r->goal[r->n] <= 1.25;
    r->covered += r->goal[r->n] * SAFETY >= 1;
    r->n++;
  }
  PetscCall(PetscFree2(z, exact));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscFunctionReturn(0);
}

static PetscErrorCode RunAll(void)
{
  Bench  b;
  Ratios r = {0};

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCall(PetscCalloc2((size_t)b.problems, &r.certified, (size_t)b.problems, &r.goal));
  PetscCall(PetscOptionsSetValue(NULL, "-bilevel_error", "goal"));
  for (PetscInt k = 0; k < b.problems; k++)
    PetscCall(One(&b, k, &r));
  PetscCheck(r.n > 0, PETSC_COMM_WORLD, (PetscErrorCode)FEN_ERR_USAGE, "no problem has an error that could be seen");
  PetscCall(PetscSortReal((PetscInt)r.n, r.certified));
  PetscCall(PetscSortReal((PetscInt)r.n, r.goal));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "{\"problem\": \"%s\", \"problems\": %" FENINT_FMT ", \"wrong\": %" FENINT_FMT
                        ", \"near\": %.6g, \"covered\": %.6g, \"certified_least\": %.6g, \"certified\": %.6g, "
                        "\"goal_least\": %.6g, \"goal\": %.6g, \"goal_most\": %.6g}\n",
                        b.problem, r.n, r.wrong, (double)r.near / (double)r.n, (double)r.covered / (double)r.n,
                        r.certified[0], r.certified[r.n / 2], r.goal[0], r.goal[r.n / 2], r.goal[r.n - 1]));
  PetscCall(PetscFree2(r.certified, r.goal));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, RunAll);
}
