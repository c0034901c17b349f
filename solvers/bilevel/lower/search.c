/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The line search of the Newton types. Armijo's rule on h with backtracking by quadratic interpolation; where the
   differences of h drown in rounding errors a step is also taken if it makes |grad h| smaller, which for strongly
   convex h has no other stationary point than the minimum (Hager and Zhang, SIAM J. Optim. 16, 2005, for the idea).
*/
#include "lower.h"
#include <math.h>

static PetscBool Accept(const FenLowerPoint *at, const FenLowerPoint *next, double step, double tol)
{
  const double noise = 1e-11 * PetscMax(fabs(at->value), fabs(next->value));

  if (!isfinite(next->norm) || !isfinite(next->value))
    return PETSC_FALSE;
  if (next->norm <= tol || next->value <= at->value + 1e-4 * step * at->slope)
    return (PetscBool)(next->norm <= tol || next->norm < at->norm || -step * at->slope > noise);
  return (PetscBool)(next->value <= at->value + noise && next->norm <= (1 - 1e-4 * step) * at->norm);
}

/* minimum of the parabola through value, slope and the value at step, within a tenth and a half */
static double Shorter(const FenLowerPoint *at, const FenLowerPoint *next, double step)
{
  const double excess = next->value - at->value - step * at->slope;
  const double best = -at->slope * step * step / (2 * excess);

  return isfinite(best) ? PetscMin(PetscMax(best, 0.1 * step), 0.5 * step) : 0.1 * step;
}

PetscErrorCode FenLowerSearch(FenLower L, FenInt s, double tol, FenInt most, double x[], FenLowerPoint *at,
                              FenInt *count, PetscBool *found)
{
  const FenInt  n = L->part.nx;
  const FenInt  tries = -at->slope <= 1e-13 * fabs(at->value) ? 3 : 40; /* shorter steps see nothing but rounding */
  FenLowerPoint next;
  double        step = 1, *swap;

  PetscFunctionBegin;
  *found = PETSC_FALSE;
  for (FenInt k = 0; k < tries && k < most && !*found; k++) {
    for (FenInt i = 0; i < n; i++)
      L->xt[i] = x[i] + step * L->d[i];
    PetscCall(FenLowerEvaluate(L, s, L->xt, NULL, L->gt, &next));
    (*count)++;
    *found = Accept(at, &next, step, tol);
    if (!*found)
      step = Shorter(at, &next, step);
  }
  if (*found) {
    PetscCall(PetscArraycpy(x, L->xt, n));
    swap = L->g, L->g = L->gt, L->gt = swap;
    *at = next;
  }
  PetscFunctionReturn(0);
}
