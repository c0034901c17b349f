/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user sets before and asks after the solve. */
#include "bilevelimpl.h"

/*@
  FenBilevelSetProblem - The problem; referenced.

  Collective

  Level: beginner

.seealso: `FenBilevelProblemCreate()`, `FenBilevelProblemGenerate()`
@*/
PetscErrorCode FenBilevelSetProblem(FenBilevel b, FenBilevelProblem problem)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)b));
  PetscCall(PetscObjectReference((PetscObject)problem));
  PetscCall(FenBilevelProblemDestroy(&b->problem));
  PetscCall(PetscFree(b->start));
  b->problem = problem;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetProblem - The problem.

  Not Collective

  Level: beginner

.seealso: `FenBilevelSetProblem()`
@*/
PetscErrorCode FenBilevelGetProblem(FenBilevel b, FenBilevelProblem *problem)
{
  PetscFunctionBegin;
  *problem = b->problem;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelSetStart - The first hyperparameters; without it they are the problem's.

  Collective

  Input Parameters:
+ bilevel - with its problem set and set up, see `FenBilevelProblemSetUp()`
- theta   - my part, as `FenBilevelProblemGetPart()` says; copied

  Level: beginner

.seealso: `FenBilevelGetTheta()`
@*/
PetscErrorCode FenBilevelSetStart(FenBilevel b, const double theta[])
{
  FenBilevelPart part;

  PetscFunctionBegin;
  PetscCheck(b->problem, PetscObjectComm((PetscObject)b), (PetscErrorCode)FEN_ERR_USAGE,
             "FenBilevelSetProblem() must be called before FenBilevelSetStart()");
  PetscCall(FenBilevelSetUpProblem_Private(b));
  PetscCall(FenBilevelProblemGetPart(b->problem, &part));
  PetscCall(FenSolverReset((FenSolver)b));
  PetscCall(PetscFree(b->start));
  PetscCall(PetscMalloc1((size_t)(part.theta1 - part.theta0) + 1, &b->start));
  PetscCall(PetscArraycpy(b->start, theta, part.theta1 - part.theta0));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelSetBudget - Lower and adjoint iterations of all samples that a solve may use; 0: no limit.

  Logically Collective

  Options Database Key:
. -bilevel_budget - the number

  Level: beginner

.seealso: `FenBilevelGetWork()`
@*/
PetscErrorCode FenBilevelSetBudget(FenBilevel b, double iterations)
{
  PetscFunctionBegin;
  b->budget = iterations;
  PetscFunctionReturn(0);
}

static const FenPoint *Point(FenBilevel b)
{
  return b->final ? b->final : b->cur;
}

/*@C
  FenBilevelGetTheta - The hyperparameters that were learned: my part. Owned by the solver.

  Not Collective

  Level: beginner

.seealso: `FenBilevelProblemGetPart()`, `FenBilevelGetHypergradient()`
@*/
PetscErrorCode FenBilevelGetTheta(FenBilevel b, const double *theta[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  *theta = Point(b)->theta + b->t0;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelGetHypergradient - The hypergradient there, as computed: my part. Owned by the solver.

  Not Collective

  Level: beginner

.seealso: `FenBilevelGetBounds()`
@*/
PetscErrorCode FenBilevelGetHypergradient(FenBilevel b, const double *z[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  *z = Point(b)->z + b->t0;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelGetLower - The lower solutions of my team's samples, one after the other, my rows of each.

  Not Collective

  Level: beginner

.seealso: `FenBilevelProblemGetPart()`, `FenBilevelGetAdjoint()`
@*/
PetscErrorCode FenBilevelGetLower(FenBilevel b, const double *x[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  *x = Point(b)->x;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelGetAdjoint - The adjoints of my team's samples, laid out as `FenBilevelGetLower()`.

  Not Collective

  Level: intermediate

.seealso: `FenBilevelGetLower()`
@*/
PetscErrorCode FenBilevelGetAdjoint(FenBilevel b, const double *q[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  *q = Point(b)->q;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetBounds - What is proved of the answer, after the solve.

  Not Collective

  Level: beginner

.seealso: `FenBilevelSolve()`
@*/
PetscErrorCode FenBilevelGetBounds(FenBilevel b, FenBilevelBounds *bounds)
{
  PetscFunctionBegin;
  *bounds = b->bounds;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetWork - Iterations and evaluations so far, earlier runs of the same solve included.

  Not Collective

  Level: beginner

.seealso: `FenBilevelSetBudget()`
@*/
PetscErrorCode FenBilevelGetWork(FenBilevel b, FenBilevelWork *work)
{
  PetscFunctionBegin;
  *work = b->work;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelGetLowerName - The lower method in use, after `FenSolverSetUp()`.

  Not Collective

  Level: intermediate

.seealso: `FenBilevelSetFromOptions()`
@*/
PetscErrorCode FenBilevelGetLowerName(FenBilevel b, const char *name[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  PetscCall(FenLowerGetName(b->lower, name));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetMemoryEstimate - Bytes of points and work space on the rank that needs most; the problem's own come on
  top.

  Collective

  Level: intermediate

.seealso: `FenBilevelSolve()`
@*/
PetscErrorCode FenBilevelGetMemoryEstimate(FenBilevel b, double *bytes_per_rank)
{
  FenBilevelPart  part;
  FenBilevelSizes size;
  FenInt          together;
  double          samples, pairs, bytes, kept; /* kept: arrays of a sample that its lower solver remembers */
  double          kept_theta;
  PetscBool       lbfgs, moves, slides;

  PetscFunctionBegin;
  PetscCall(FenBilevelSetUpProblem_Private(b));
  PetscCall(FenBilevelProblemGetPart(b->problem, &part));
  PetscCall(FenBilevelProblemGetSizes(b->problem, &size));
  PetscCall(FenBilevelTogether_Private(b, &together));
  samples = (double)(part.end - part.start);
  kept_theta = size.p <= b->whole ? (double)size.p : (double)(part.theta1 - part.theta0);
  pairs = (double)PetscMin(PetscMax(size.p, 10), 50);
  PetscCall(PetscStrcmp(b->lower_name, "lbfgs", &lbfgs));
  PetscCall(PetscStrcmp(b->lower_name, "hb", &moves));
  PetscCall(PetscStrcmp(b->lower_name, "fista", &slides));
  kept = lbfgs ? 2.0 * (double)(b->lower_par.memory + 1) : moves || slides ? 1 : 0;
  bytes =
      8 * (samples * ((9 + kept) * (double)part.nx + 3 * (double)part.nw) + 17 * (double)together * (double)part.nx +
           (4 * pairs + 20) * kept_theta + 2 * (double)together * (double)(part.theta1 - part.theta0));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bytes, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)b->problem)));
  *bytes_per_rank = bytes;
  PetscFunctionReturn(0);
}
