/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Newton steps on models of two colours. A step: some sweeps in place, red then black; red states exact, which leaves
   a residual on the black ones only; the system of the greedy policy on the black states, to a forcing term; its
   solution added.

   The norm of the residual may rise for a while (policy iteration's does, where news travels one state a step). If it
   has found no new smallest value for many steps, each step must lower it or is taken back for twice as many sweeps as
   the last time: at worst this is Gauss-Seidel.

   Cost of a step: a sweep (as many flops as one of T) for each smoothing, and of the Krylov method two products with
   half of the policy's rows and two exchanges a step. Memory: a second copy of the rows.
*/
#include "reduced.h"
#include <math.h>

#define FORCING_LEAST  1e-3
#define STALE_FEW      4  /* after so many steps without a new smallest norm, twice as many sweeps */
#define STALE_MOST     60 /* after so many, every step must lower the norm */
#define MOST_DOUBLINGS 6

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
  PetscCall(FenColouredCreate(mdp->op, 2, &R->colours));
  PetscCall(FenColouredGetBlackSize(R->colours, &n));
  PetscCall(FenKrylovCreate(mdp, n, Product, NULL, R->colours, &R->krylov));
  PetscCall(PetscCalloc3(n, &R->d, n, &R->x, n, &R->kept));
  PetscFunctionReturn(0);
}

PetscErrorCode FenReducedDestroy(FenReduced *R)
{
  PetscFunctionBegin;
  PetscCall(FenKrylovDestroy(&R->krylov));
  PetscCall(FenColouredDestroy(&R->colours));
  PetscCall(PetscFree3(R->d, R->x, R->kept));
  PetscFunctionReturn(0);
}

/* V += (I - gamma P)^-1 d, to a forcing term; failed: nothing was added */
static PetscErrorCode Newton(FenReduced *R, double forcing, double least, PetscBool *failed)
{
  double norm2 = 0;

  PetscFunctionBegin;
  PetscCall(FenColouredSetPolicy(R->colours));
  PetscCall(FenKrylovNorm(&R->krylov, R->d, &norm2));
  PetscCall(FenKrylovSolve(&R->krylov, R->d, PetscMax(forcing * norm2, least), R->x, failed));
  if (!*failed)
    PetscCall(FenColouredAdd(R->colours, R->x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Smooth(FenReduced *R, PetscInt smooth, double *norm)
{
  double lo, hi;

  PetscFunctionBegin;
  PetscCall(FenColouredSweeps(R->colours, smooth));
  PetscCall(FenColouredResidual(R->colours, R->d, &lo, &hi));
  *norm = hi - lo;
  PetscFunctionReturn(0);
}

/* a step that must lower the norm; otherwise it is taken back, and more sweeps are made the more often that happens */
static PetscErrorCode StrictStep(FenReduced *R, FenProgressOfNorm *P, PetscInt smooth, double forcing, double least,
                                 double *norm)
{
  const double before = *norm;
  PetscBool    failed;

  PetscFunctionBegin;
  PetscCall(FenColouredSave(R->colours, R->kept));
  PetscCall(Newton(R, forcing, least, &failed));
  if (!failed)
    PetscCall(Smooth(R, smooth, norm));
  if (!failed && *norm <= 0.999 * before) {
    P->refused = 0;
    PetscFunctionReturn(0);
  }
  P->refused = PetscMin(P->refused + 1, MOST_DOUBLINGS);
  PetscCall(FenColouredRestore(R->colours, R->kept));
  PetscCall(Smooth(R, smooth << P->refused, norm));
  PetscFunctionReturn(0);
}

static void Count(FenProgressOfNorm *P, double norm)
{
  P->stale = norm <= 0.999 * P->best ? 0 : P->stale + 1;
  P->best = PetscMin(P->best, norm);
}

PetscErrorCode FenReducedEvaluate(FenMDP mdp, FenReduced *R, FenProgressOfNorm *P, PetscInt smooth, double forcing,
                                  PetscInt steps, PetscBool *failed)
{
  const double target = FenMDPTarget_Private(mdp), least = 0.1 * target * sqrt((double)mdp->nstates / 2);
  double       norm;

  PetscFunctionBegin;
  PetscCall(FenColouredPut(R->colours, mdp->TV, mdp->policy));
  PetscCall(Smooth(R, smooth, &norm));
  for (PetscInt k = 0; k < steps && isfinite(norm) && norm > 0.5 * target; k++) {
    const double   ratio = norm / P->before, f = PetscMax(FORCING_LEAST, PetscMin(forcing, 0.9 * ratio * ratio));
    const PetscInt sweeps = P->stale < STALE_FEW ? smooth : 2 * smooth;
    PetscBool      wrong = PETSC_FALSE;

    P->before = norm;
    if (P->stale <= STALE_MOST) {
      PetscCall(Newton(R, f, least, &wrong));
      PetscCall(Smooth(R, sweeps, &norm));
    } else
      PetscCall(StrictStep(R, P, sweeps, f, least, &norm));
    Count(P, norm);
  }
  *failed = (PetscBool)!isfinite(norm);
  PetscCall(FenColouredTake(R->colours, mdp->W));
  PetscFunctionReturn(0);
}
