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

static PetscErrorCode Start(FenLower L, PetscBool resume, FenLowerWay *w)
{
  Rate  *r = (Rate *)w->own;
  double kappa;

  (void)resume;
  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, w->t->s, &r->mu, &r->lipschitz));
  kappa = r->lipschitz / r->mu;
  /* (1 - 2/(kappa+1))^k kappa <= 1/4 after so many, from any point; half takes half as many as `soon` */
  FenLowerFloorStart(&r->floor, (kappa + 1) * log(4 * kappa) / 2 + 20, (kappa + 1) * 0.7 + 20);
  PetscFunctionReturn(0);
}

/* x moves one step along the gradient of the smooth part, which is known where all is smooth */
static PetscErrorCode Move(FenLower L, FenLowerWay *w)
{
  const Rate  *r = (const Rate *)w->own;
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

static FenInt Cost(FenLower L) /* of a step and its look */
{
  return L->call->prox ? 2 : 1;
}

static PetscErrorCode Look(FenLower L, FenLowerWay *w, PetscBool *goes)
{
  Rate *r = (Rate *)w->own;

  PetscFunctionBegin;
  *goes = (PetscBool) !(
      w->at.norm <= w->t->tol || w->count + Cost(L) > w->t->max_it ||
      FenLowerFloorReached(&r->floor, w->count, w->at.norm, 16 * PETSC_MACHINE_EPSILON * r->lipschitz * w->at.size));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(FenLower L, FenInt n, FenLowerWay *const on[])
{
  const FenInt between = L->call->prox ? L->par.check : 1;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    for (FenInt j = 0; j < between && on[k]->count + Cost(L) <= on[k]->t->max_it; j++)
      PetscCall(Move(L, on[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  static const FenLowerMethod method = {.size = sizeof(Rate), .start = Start, .look = Look, .step = Step};

  PetscFunctionBegin;
  PetscCall(FenLowerDescend(L, &method, n, resume, task));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_gd = {.name = "gd", .solve = Solve};
