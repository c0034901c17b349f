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

static PetscErrorCode Take(FenLower L, FenLowerWay *w, const FenLowerPoint *next)
{
  double *swap;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(w->t->x, w->xt, L->part.nx));
  swap = w->g, w->g = w->gt, w->gt = swap;
  w->at = *next;
  PetscFunctionReturn(0);
}

/* all try together; those that have found a step, or that have no tries left, leave the others to it */
PetscErrorCode FenLowerSearch(FenLower L, FenInt n, FenLowerWay *const all[])
{
  FenLowerWay  *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint next[FEN_BILEVEL_TOGETHER];
  double        step[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    on[k] = all[k];
    on[k]->found = PETSC_FALSE;
    step[k] = 1;
  }
  for (FenInt tries = 0, m = 0; n; tries++, n = m) {
    m = 0;
    for (FenInt k = 0; k < n; k++) {
      /* shorter steps see nothing but rounding */
      const FenInt most = -on[k]->at.slope <= 1e-13 * fabs(on[k]->at.value) ? 3 : 40;

      if (tries >= most || on[k]->count >= on[k]->t->max_it)
        continue;
      on[m] = on[k];
      step[m++] = step[k];
    }
    n = m;
    m = 0;
    for (FenInt k = 0; k < n; k++)
      for (FenInt i = 0; i < L->part.nx; i++)
        on[k]->xt[i] = on[k]->t->x[i] + step[k] * on[k]->d[i];
    PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_TRUE, next));
    for (FenInt k = 0; k < n; k++) {
      on[k]->found = Accept(&on[k]->at, &next[k], step[k], on[k]->t->tol);
      if (on[k]->found) {
        PetscCall(Take(L, on[k], &next[k]));
        continue;
      }
      step[m] = Shorter(&on[k]->at, &next[k], step[k]);
      on[m++] = on[k];
    }
  }
  PetscFunctionReturn(0);
}
