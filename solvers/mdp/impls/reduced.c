/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Newton steps on models of two colours. A step: some sweeps in place, red then black; red states exact, which leaves
   a residual on the black ones only; the system of the greedy policy on the black states, to a forcing term; its
   solution added.

   The norm of the residual may rise for a while (policy iteration's does, where news travels one state a step). If it
   has found no new smallest value for some steps, sweeps alone go on until it has, and the patience halves: at worst
   this is Gauss-Seidel.

   Cost of a step: a sweep (as many flops as one of T) for each smoothing, and of the Krylov method two products with
   half of the policy's rows and two exchanges a step. Memory: a second copy of the rows.
*/
#include "reduced.h"
#include <math.h>

#define FORCING_LEAST 1e-3
#define STALLED       1.0 /* a step is one if the norm does not fall below this times the smallest */

static PetscErrorCode Product(void *ctx, const double x[], double y[])
{
  PetscFunctionBegin;
  PetscCall(FenColouredMult((FenColoured)ctx, x, y));
  PetscFunctionReturn(0);
}

PetscErrorCode FenReducedSetUp(FenMDP mdp, PetscInt max_it, FenReduced *R)
{
  FenInt n;

  PetscFunctionBegin;
  R->krylov.max_it = max_it;
  if (R->colours)
    PetscFunctionReturn(0);
  PetscCall(FenColouredCreate(mdp->op, &R->colours));
  PetscCall(FenColouredGetBlackSize(R->colours, &n));
  PetscCall(FenKrylovCreate(mdp, n, Product, NULL, R->colours, &R->krylov));
  PetscCall(PetscCalloc2(n, &R->d, n, &R->x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenReducedDestroy(FenReduced *R)
{
  PetscFunctionBegin;
  PetscCall(FenKrylovDestroy(&R->krylov));
  PetscCall(FenColouredDestroy(&R->colours));
  PetscCall(PetscFree2(R->d, R->x));
  PetscFunctionReturn(0);
}

/* solves for the residual d, or takes it as it is */
static PetscErrorCode Step(FenReduced *R, PetscBool solve, double forcing, double least, PetscBool *failed)
{
  double norm2 = 0, stop;

  PetscFunctionBegin;
  if (!solve) {
    PetscCall(FenColouredAdd(R->colours, R->d));
    PetscFunctionReturn(0);
  }
  PetscCall(FenColouredSetPolicy(R->colours));
  PetscCall(VecPlaceArray(R->krylov.b, R->d));
  PetscCall(VecNorm(R->krylov.b, NORM_2, &norm2));
  PetscCall(VecResetArray(R->krylov.b));
  stop = PetscMax(forcing * norm2, least);
  PetscCall(FenKrylovSolve(&R->krylov, R->d, stop, R->x, failed));
  PetscCall(FenColouredAdd(R->colours, *failed ? R->d : R->x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenReducedEvaluate(FenMDP mdp, FenReduced *R, FenProgressOfNorm *P, PetscInt smooth, double forcing,
                                  PetscInt steps, PetscBool *failed)
{
  const double target = FenMDPTarget_Private(mdp), size = sqrt((double)mdp->nstates / 2);

  PetscFunctionBegin;
  PetscCall(FenColouredPut(R->colours, mdp->TV, mdp->policy));
  for (PetscInt k = 0; k < steps; k++) {
    double    lo, hi, norm, ratio, f;
    PetscBool bad = PETSC_FALSE;

    PetscCall(FenColouredSweeps(R->colours, smooth));
    PetscCall(FenColouredResidual(R->colours, R->d, &lo, &hi));
    norm = hi - lo;
    *failed = (PetscBool)!isfinite(norm);
    if (norm <= 0.5 * target || *failed)
      break;
    ratio = norm / P->before;
    f = PetscMax(FORCING_LEAST, PetscMin(forcing, 0.9 * ratio * ratio));
    P->stale = norm <= 0.999 * P->best ? 0 : P->stale + 1;
    if (P->stale == P->patient + 1)
      P->patient = PetscMax(1, P->patient / 2);
    if (getenv("VERB")) printf("  norm %.3e before %.3e best %.3e stale %d target %.2e it %d\n", norm, P->before, P->best, (int)P->stale, target, (int)R->krylov.it);
    P->best = PetscMin(P->best, norm);
    P->before = norm;
    PetscCall(Step(R, (PetscBool)(P->stale <= P->patient), f, 0.1 * target * size, &bad));
  }
  PetscCall(FenColouredTake(R->colours, mdp->W));
  PetscFunctionReturn(0);
}
