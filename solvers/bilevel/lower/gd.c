/* SPDX-License-Identifier: BSD-2-Clause */
/*
   gd: x+ = x - 2/(L+mu) grad h(x), or a proximal step of length 1/L where h has an l1 norm.

   |x+ - x*| <= (L-mu)/(L+mu) |x - x*|; Nesterov, Introductory Lectures on Convex Optimization, 2004, theorem 2.1.15.
   One gradient an iteration; memory: 4 arrays for each sample of a batch; one message in the team an iteration for all
   of them. With an l1 norm the test needs a gradient more, hence only each -bilevel_lower_check iterations.
*/
#include "lower.h"
#include <math.h>

typedef struct {
  double        mu, lipschitz;
  FenLowerFloor floor;
} Rate;

static PetscErrorCode Start(FenLower L, FenInt s, Rate *r)
{
  double kappa;

  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, s, &r->mu, &r->lipschitz));
  kappa = r->lipschitz / r->mu;
  /* (1 - 2/(kappa+1))^k kappa <= 1/4 after so many, from any point; half takes half as many as `soon` */
  FenLowerFloorStart(&r->floor, (kappa + 1) * log(4 * kappa) / 2 + 20, (kappa + 1) * 0.7 + 20);
  PetscFunctionReturn(0);
}

/* x moves one step along the gradient of the smooth part, which is known where all is smooth */
static PetscErrorCode Step(FenLower L, FenLowerWay *w, const Rate *r)
{
  const double step = L->call->prox ? 1 / r->lipschitz : 2 / (r->lipschitz + r->mu), *g = w->g;
  double      *x = w->t->x, value;

  PetscFunctionBegin;
  if (L->call->prox) {
    PetscCall((*L->call->smoothgradient)(L->problem, w->t->s, x, &value, w->gt));
    w->count++;
    g = w->gt;
  }
  for (FenInt i = 0; i < L->part.nx; i++)
    x[i] -= step * g[i];
  if (L->call->prox)
    PetscCall((*L->call->prox)(L->problem, w->t->s, step, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt all, PetscBool resume, FenLowerTask task[])
{
  const FenInt  between = L->call->prox ? L->par.check : 1, next = L->call->prox ? 2 : 1;
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];
  Rate          rate[FEN_BILEVEL_TOGETHER];
  FenInt        n = all;

  (void)resume;
  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  for (FenInt k = 0; k < all; k++)
    PetscCall(Start(L, task[k].s, &rate[k]));
  while (n) {
    FenInt m = 0;

    PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_FALSE, at));
    for (FenInt k = 0; k < n; k++) {
      FenLowerWay *w = on[k];
      Rate        *r = &rate[w - ways];

      w->at = at[k];
      if (w->at.norm <= w->t->tol || w->count + next > w->t->max_it ||
          FenLowerFloorReached(&r->floor, w->count, w->at.norm, 16 * PETSC_MACHINE_EPSILON * r->lipschitz * w->at.size))
        continue;
      for (FenInt j = 0; j < between && w->count + next <= w->t->max_it; j++)
        PetscCall(Step(L, w, r));
      on[m++] = w;
    }
    n = m;
  }
  PetscCall(FenLowerArrive(L, all, ways));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_gd = {.name = "gd", .solve = Solve};
