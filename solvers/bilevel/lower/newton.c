/* SPDX-License-Identifier: BSD-2-Clause */
/*
   newton: Newton-Krylov. H d = -grad h to |H d + grad h| <= min(1/2, sqrt(|grad h|/|grad h_0|)) |grad h|, or exactly
   where a factor is at hand; line search by Armijo's rule (search.c).

   Eisenstat and Walker, SIAM J. Sci. Comput. 17, 1996; Dembo, Eisenstat and Steihaug, SIAM J. Numer. Anal. 19, 1982.
   The tolerance is relative to the gradient and below it, so a step is never zero. A direction that leads nowhere is
   replaced by the step of steepest descent.
   Cost of an iteration: a gradient for each step length tried, products and preconditioners of CG; memory: 4 arrays and
   those of FenSystem; messages: one for each gradient, one for the slope, those of CG.
*/
#include "newton.h"
#include <math.h>

PetscErrorCode FenLowerNewtonSetUp(FenLower L)
{
  PetscFunctionBegin;
  PetscCall(FenSystemCreate(L->problem, L->prefix, &L->system));
  PetscCall(FenSystemTrust(L->system));
  PetscFunctionReturn(0);
}

/* d ~ -H^{-1} g at the linearised point */
static PetscErrorCode Direction(FenLower L, double forcing, double tol, FenInt most, FenLowerPoint *at, FenInt *count)
{
  const double   *g = L->g, *d = L->d;
  const double    wish = PetscMax(forcing * at->norm, PetscMin(0.3 * tol, 0.5 * at->norm));
  PetscBool       exact;
  FenSystemAnswer linear;

  PetscFunctionBegin;
  for (FenInt i = 0; i < L->part.nx; i++)
    L->xt[i] = -L->g[i];
  PetscCall(FenSystemIsExact(L->system, &exact));
  PetscCall(FenSystemApply(L->system, L->xt, exact ? INFINITY : wish, most, PETSC_TRUE, L->d, &linear));
  *count += linear.iterations;
  PetscCall(FenTeamDots(L->team, L->part.nx, 1, &g, &d, &at->slope));
  PetscFunctionReturn(0);
}

/* d = -(g.g / g.Hg) g */
static PetscErrorCode Steepest(FenLower L, FenLowerPoint *at, FenInt *count)
{
  const double *g = L->g, *Hg = L->d;
  double        gHg, step;

  PetscFunctionBegin;
  PetscCall((*L->call->hessian)(L->problem, L->g, L->d));
  (*count)++;
  PetscCall(FenTeamDots(L->team, L->part.nx, 1, &g, &Hg, &gHg));
  step = gHg > 0 ? at->norm * at->norm / gHg : 1;
  for (FenInt i = 0; i < L->part.nx; i++)
    L->d[i] = -step * L->g[i];
  at->slope = -step * at->norm * at->norm;
  PetscFunctionReturn(0);
}

static PetscErrorCode Move(FenLower L, FenInt s, double tol, FenInt max_it, double x[], double w[], FenLowerPoint *at,
                           FenInt *count, PetscBool *found)
{
  PetscFunctionBegin;
  *found = PETSC_FALSE;
  if (at->slope < 0) {
    if (w)
      PetscCall((*L->call->dualstep)(L->problem, s, x, L->d, w));
    PetscCall(FenLowerSearch(L, s, tol, max_it - *count, x, at, count, found));
  }
  if (*found || *count + 2 > max_it)
    PetscFunctionReturn(0);
  PetscCall((*L->call->linearise)(L->problem, s, x));
  PetscCall(Steepest(L, at, count));
  PetscCall(FenLowerSearch(L, s, tol, max_it - *count, x, at, count, found));
  if (w)
    PetscCall((*L->call->dualstart)(L->problem, s, x, w));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerNewton(FenLower L, FenInt s, double tol, FenInt max_it, double x[], double w[],
                              FenLowerAnswer *answer)
{
  FenLowerPoint at;
  double        first;
  FenInt        count = 1, stale = 0;
  PetscBool     found = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
  first = at.norm;
  while (found && at.norm > tol && isfinite(at.norm) && stale < 2 && count + 2 <= max_it) {
    const double before = at.norm, forcing = w ? 0.1 : PetscMin(0.5, sqrt(at.norm / first));

    if (w)
      PetscCall((*L->call->dualise)(L->problem, s, x, w));
    else
      PetscCall((*L->call->linearise)(L->problem, s, x));
    PetscCall(Direction(L, forcing, tol, max_it - count - 1, &at, &count));
    /* a whole Newton step would lower h by about half of this: nothing but rounding errors is left */
    stale = -at.slope <= 1e-13 * fabs(at.value) ? stale : -1;
    PetscCall(Move(L, s, tol, max_it, x, w, &at, &count, &found));
    stale = stale >= 0 && at.norm > before / 2 ? stale + 1 : 0;
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  (void)resume, (void)w;
  PetscFunctionBegin;
  if (L->call->prox)
    PetscCall(FenLowerProxNewton(L, s, tol, max_it, x, answer));
  else
    PetscCall(FenLowerNewton(L, s, tol, max_it, x, NULL, answer));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_newton = {.name = "newton", .setup = FenLowerNewtonSetUp, .solve = Solve};
