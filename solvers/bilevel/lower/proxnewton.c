/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Newton for h = smooth + l1 norm: a proximal step of length 1/L, which finds support and signs, then a Newton step on
   the support, cut where a number would change its sign, kept only if it lowers h or, where that drowns in rounding
   errors, the least subgradient. Bareilles, Iutzeler and Malick, Math. Programming 200, 2023, for the alternation.

   The proximal steps alone converge linearly; once the support is right the Newton steps are those of a smooth problem.
   Cost of an iteration: three gradients or more, and the products of CG.
*/
#include "newton.h"
#include <math.h>

/* x <- prox(x - grad/L); g and at are those of the new point */
static PetscErrorCode Proximal(FenLower L, FenLowerWay *w, double lipschitz)
{
  double value, *x = w->t->x;

  PetscFunctionBegin;
  PetscCall((*L->call->smoothgradient)(L->problem, w->t->s, x, &value, w->gt));
  w->count++;
  for (FenInt i = 0; i < L->part.nx; i++)
    x[i] -= w->gt[i] / lipschitz;
  PetscCall((*L->call->prox)(L->problem, w->t->s, 1 / lipschitz, x));
  PetscCall(FenLowerEvaluateAll(L, 1, &w, PETSC_FALSE, &w->at));
  PetscFunctionReturn(0);
}

static PetscErrorCode Direction(FenLower L, FenLowerWay *w)
{
  const double    forcing = PetscMin(0.5, sqrt(w->at.norm / PetscMax(w->first, w->at.norm))), *x = w->t->x;
  double          norm;
  FenSystemAnswer linear;

  PetscFunctionBegin;
  for (FenInt i = 0; i < L->part.nx; i++)
    w->xt[i] = x[i] != 0 ? -w->g[i] : 0;
  PetscCall(FenTeamNorm(L->team, L->part.nx, w->xt, &norm));
  PetscCall((*L->call->linearise)(L->problem, w->t->s, x));
  PetscCall(FenSystemApply(L->system, w->xt, PetscMax(forcing * norm, PetscMin(0.3 * w->t->tol, 0.5 * norm)),
                           w->t->max_it - w->count - 1, PETSC_TRUE, w->d, &linear));
  w->count += linear.iterations;
  PetscFunctionReturn(0);
}

static PetscErrorCode Subspace(FenLower L, FenLowerWay *w)
{
  FenLowerPoint next;
  double       *swap, step = 1, *x = w->t->x;

  PetscFunctionBegin;
  for (int k = 0; k < 5 && w->count < w->t->max_it; k++, step /= 4) {
    double noise;

    for (FenInt i = 0; i < L->part.nx; i++) {
      const double moved = x[i] + step * w->d[i];

      w->xt[i] = moved * x[i] < 0 ? 0 : moved;
    }
    PetscCall(FenLowerEvaluateAll(L, 1, &w, PETSC_TRUE, &next));
    noise = 1e-11 * fabs(w->at.value);
    if (next.norm <= w->t->tol || next.value < w->at.value - noise ||
        (next.value <= w->at.value + noise && next.norm < w->at.norm)) {
      PetscCall(PetscArraycpy(x, w->xt, L->part.nx));
      swap = w->g, w->g = w->gt, w->gt = swap;
      w->at = next;
      break;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerProxNewton(FenLower L, FenLowerTask *t)
{
  FenLowerWay   way, *w = &way;
  FenLowerFloor floor;
  double        mu, lipschitz;

  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, 1, t, &way, &w));
  PetscCall(FenLowerConstants(L, t->s, &mu, &lipschitz));
  FenLowerFloorStart(&floor, 3 * (lipschitz / mu + 1) * log(4 * lipschitz / mu) + 50, 30);
  PetscCall(FenLowerEvaluateAll(L, 1, &w, PETSC_FALSE, &w->at));
  w->first = w->at.norm;
  while (w->at.norm > t->tol && isfinite(w->at.norm) && w->count + 2 <= t->max_it) {
    if (FenLowerFloorReached(&floor, w->count, w->at.norm, 16 * PETSC_MACHINE_EPSILON * lipschitz * w->at.size))
      break;
    PetscCall(Proximal(L, w, lipschitz));
    if (w->at.norm <= t->tol || w->count + 2 > t->max_it)
      break;
    PetscCall(Direction(L, w));
    PetscCall(Subspace(L, w));
  }
  PetscCall(FenLowerArrive(L, 1, w));
  PetscFunctionReturn(0);
}
