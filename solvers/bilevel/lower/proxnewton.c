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

/* x <- prox(x - grad/L); L->g and at are those of the new point */
static PetscErrorCode Proximal(FenLower L, FenInt s, double lipschitz, double x[], FenLowerPoint *at, FenInt *count)
{
  double value;

  PetscFunctionBegin;
  PetscCall((*L->call->smoothgradient)(L->problem, s, x, &value, L->gt));
  for (FenInt i = 0; i < L->part.nx; i++)
    x[i] -= L->gt[i] / lipschitz;
  PetscCall((*L->call->prox)(L->problem, s, 1 / lipschitz, x));
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, at));
  *count += 2;
  PetscFunctionReturn(0);
}

static PetscErrorCode Direction(FenLower L, FenInt s, double tol, double first, FenInt most, const double x[],
                                const FenLowerPoint *at, FenInt *count)
{
  const double    forcing = PetscMin(0.5, sqrt(at->norm / first));
  double          norm;
  FenSystemAnswer linear;

  PetscFunctionBegin;
  for (FenInt i = 0; i < L->part.nx; i++)
    L->xt[i] = x[i] != 0 ? -L->g[i] : 0;
  PetscCall(FenTeamNorm(L->team, L->part.nx, L->xt, &norm));
  PetscCall((*L->call->linearise)(L->problem, s, x));
  PetscCall(FenSystemApply(L->system, L->xt, PetscMax(forcing * norm, PetscMin(0.3 * tol, 0.5 * norm)), most,
                           PETSC_TRUE, L->d, &linear));
  *count += linear.iterations;
  PetscFunctionReturn(0);
}

static PetscErrorCode Subspace(FenLower L, FenInt s, double tol, FenInt max_it, double x[], FenLowerPoint *at,
                               FenInt *count)
{
  FenLowerPoint next;
  double       *swap, step = 1;

  PetscFunctionBegin;
  for (int k = 0; k < 5 && *count < max_it; k++, step /= 4) {
    double noise;

    for (FenInt i = 0; i < L->part.nx; i++) {
      const double moved = x[i] + step * L->d[i];

      L->xt[i] = moved * x[i] < 0 ? 0 : moved;
    }
    PetscCall(FenLowerEvaluate(L, s, L->xt, NULL, L->gt, &next));
    (*count)++;
    noise = 1e-11 * fabs(at->value);
    if (next.norm <= tol || next.value < at->value - noise ||
        (next.value <= at->value + noise && next.norm < at->norm)) {
      PetscCall(PetscArraycpy(x, L->xt, L->part.nx));
      swap = L->g, L->g = L->gt, L->gt = swap;
      *at = next;
      break;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerProxNewton(FenLower L, FenInt s, double tol, FenInt max_it, double x[], FenLowerAnswer *answer)
{
  FenLowerPoint at;
  FenLowerFloor floor;
  double        mu, lipschitz, first;
  FenInt        count = 1;

  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, s, &mu, &lipschitz));
  FenLowerFloorStart(&floor, 3 * (lipschitz / mu + 1) * log(4 * lipschitz / mu) + 50, 30);
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
  first = at.norm;
  while (at.norm > tol && isfinite(at.norm) && count + 2 <= max_it) {
    if (FenLowerFloorReached(&floor, count, at.norm, 16 * PETSC_MACHINE_EPSILON * lipschitz * at.size))
      break;
    PetscCall(Proximal(L, s, lipschitz, x, &at, &count));
    if (at.norm <= tol || count + 2 > max_it)
      break;
    PetscCall(Direction(L, s, tol, PetscMax(first, at.norm), max_it - count - 1, x, &at, &count));
    PetscCall(Subspace(L, s, tol, max_it, x, &at, &count));
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}
