/* SPDX-License-Identifier: BSD-2-Clause */
/*
   newton: Newton-Krylov. H d = -grad h to |H d + grad h| <= min(1/2, sqrt(|grad h|/|grad h_0|)) |grad h|, or exactly
   where a factor is at hand; line search by Armijo's rule (search.c).

   Eisenstat and Walker, SIAM J. Sci. Comput. 17, 1996; Dembo, Eisenstat and Steihaug, SIAM J. Numer. Anal. 19, 1982.
   The tolerance is relative to the gradient and below it, so a step is never zero. A direction that leads nowhere is
   replaced by the step of steepest descent.
   Several samples go side by side: in each phase of a step those that are still in it share exchanges and sums, and
   wait for the slowest before the next phase. Cost of an iteration: a gradient for each step length tried, products and
   preconditioners of CG; memory: 4 arrays and those of FenSystem for each sample; messages: one for each gradient, one
   for the slope, those of CG.
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

/* slopes: g.d, one message */
static PetscErrorCode Slopes(FenLower L, FenInt n, FenLowerWay *const way[])
{
  const double *g[FEN_BILEVEL_TOGETHER], *d[FEN_BILEVEL_TOGETHER];
  double        dots[FEN_BILEVEL_TOGETHER];
  PetscInt      m;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    g[k] = way[k]->g;
    d[k] = way[k]->d;
  }
  PetscCall(FenIntCast(n, &m));
  PetscCall(FenTeamDots(L->team, L->part.nx, m, g, d, dots));
  for (FenInt k = 0; k < n; k++)
    way[k]->at.slope = dots[k];
  PetscFunctionReturn(0);
}

/* d ~ -H^{-1} g at the linearised points */
static PetscErrorCode Directions(FenLower L, FenInt n, FenLowerWay *const way[])
{
  FenSystemTask system[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    FenLowerWay *w = way[k];
    const double norm = w->at.norm, forcing = w->t->w ? 0.1 : PetscMin(0.5, sqrt(norm / w->first));

    for (FenInt i = 0; i < L->part.nx; i++)
      w->xt[i] = -w->g[i];
    system[k] = (FenSystemTask){.s = w->t->s,
                                .b = w->xt,
                                .q = w->d,
                                .tol = PetscMax(forcing * norm, PetscMin(0.3 * w->t->tol, 0.5 * norm)),
                                .max_it = w->t->max_it - w->count - 1,
                                .zero = PETSC_TRUE};
  }
  PetscCall(FenSystemApplyAll(L->system, n, system));
  for (FenInt k = 0; k < n; k++)
    way[k]->count += system[k].answer.iterations;
  PetscCall(Slopes(L, n, way));
  PetscFunctionReturn(0);
}

/* where Newton's direction led nowhere, which is rare */
static PetscErrorCode Fall(FenLower L, FenInt n, FenLowerWay *const way[])
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *w[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  PetscCall(FenLowerSteepest(L, n, way));
  PetscCall(FenLowerSearch(L, n, way));
  for (FenInt k = 0; k < n; k++) {
    s[k] = way[k]->t->s;
    x[k] = way[k]->t->x;
    w[k] = way[k]->t->w;
  }
  if (n && w[0])
    PetscCall(FenBatchDualStarts(L->problem, n, s, x, w));
  PetscFunctionReturn(0);
}

/* duals of n ways follow their directions */
static PetscErrorCode MoveDuals(FenLower L, FenInt n, FenLowerWay *const way[])
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL}, *d[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *w[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = way[k]->t->s;
    x[k] = way[k]->t->x;
    d[k] = way[k]->d;
    w[k] = way[k]->t->w;
  }
  if (n && w[0])
    PetscCall(FenBatchDualSteps(L->problem, n, s, x, d, w));
  PetscFunctionReturn(0);
}

static PetscErrorCode Move(FenLower L, FenInt n, FenLowerWay *const way[])
{
  FenLowerWay *down[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt       m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    way[k]->found = PETSC_FALSE;
    if (way[k]->at.slope < 0)
      down[m++] = way[k];
  }
  PetscCall(MoveDuals(L, m, down));
  PetscCall(FenLowerSearch(L, m, down));
  m = 0;
  for (FenInt k = 0; k < n; k++)
    if (!way[k]->found && way[k]->count + 2 <= way[k]->t->max_it)
      down[m++] = way[k];
  PetscCall(Fall(L, m, down));
  PetscFunctionReturn(0);
}

/* a whole Newton step would lower h by about half of the slope: nothing but rounding errors is left? */
static PetscBool Stale(const FenLowerWay *w)
{
  return (PetscBool)(-w->at.slope <= 1e-13 * fabs(w->at.value));
}

static PetscBool Goes(const FenLowerWay *w)
{
  return (PetscBool)(w->found && w->at.norm > w->t->tol && isfinite(w->at.norm) && w->stale < 2 &&
                     w->count + 2 <= w->t->max_it);
}

PetscErrorCode FenLowerNewton(FenLower L, FenInt all, FenLowerTask task[], PetscBool duals)
{
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint first[FEN_BILEVEL_TOGETHER];
  PetscBool     stale[FEN_BILEVEL_TOGETHER];
  FenInt        n = all;

  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  PetscCall(FenLowerEvaluateAll(L, all, on, PETSC_FALSE, first));
  for (FenInt k = 0; k < all; k++) {
    ways[k].at = first[k];
    ways[k].first = first[k].norm;
  }
  for (;;) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (Goes(on[k]))
        on[m++] = on[k];
    n = m;
    if (!n)
      break;
    PetscCall(FenLowerLinearise(L, n, on, duals));
    PetscCall(Directions(L, n, on));
    for (FenInt k = 0; k < n; k++) {
      on[k]->before = on[k]->at.norm;
      stale[k] = Stale(on[k]);
    }
    PetscCall(Move(L, n, on));
    for (FenInt k = 0; k < n; k++)
      on[k]->stale = stale[k] && on[k]->at.norm > on[k]->before / 2 ? on[k]->stale + 1 : 0;
  }
  PetscCall(FenLowerArrive(L, all, ways));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  (void)resume;
  PetscFunctionBegin;
  if (!L->call->prox) {
    for (FenInt k = 0; k < n; k++)
      task[k].w = NULL;
    PetscCall(FenLowerNewton(L, n, task, PETSC_FALSE));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++)
    PetscCall(FenLowerProxNewton(L, &task[k]));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_newton = {.name = "newton", .setup = FenLowerNewtonSetUp, .solve = Solve};
