/* SPDX-License-Identifier: BSD-2-Clause */
/*
   hb: the heavy ball, x+ = x - s grad h(x) + b (x - x_before),

     s = 4/(sqrt L + sqrt mu)^2,  b = ((sqrt L - sqrt mu)/(sqrt L + sqrt mu))^2.

   On quadratics |x_k - x*| falls like k sqrt(b)^k; elsewhere it need not converge, so a solve that does not is ended
   and gives the best x that it has seen. A resumed solve goes on with its momentum. Smooth h only. Polyak, USSR Comput.
   Math. Math. Phys. 4(5), 1964. One gradient an iteration; memory: the x before of each sample, 4 arrays for each of a
   batch; one message in the team an iteration for all of a batch.
*/
#include "lower.h"
#include <math.h>

static const char *Refuse(const FenBilevelOps *call)
{
  return call->prox ? "the problem has an l1 norm" : NULL;
}

typedef struct {
  double        lipschitz, step, momentum, *before;
  FenLowerFloor floor;
  FenLowerPoint best; /* where the gradient was least: x is kept in xt, the gradient in gt */
} Roll;

static PetscErrorCode Start(FenLower L, PetscBool resume, FenLowerWay *w)
{
  FenLowerMomentum *h = (FenLowerMomentum *)L->data;
  Roll             *r = (Roll *)w->own;
  double            mu, root, high, low;

  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, w->t->s, &mu, &r->lipschitz));
  high = sqrt(r->lipschitz);
  low = sqrt(mu);
  root = (high - low) / (high + low);
  r->step = 2 / (high + low) * (2 / (high + low));
  r->momentum = root * root;
  r->before = h->before + w->k * L->part.nx;
  r->best = (FenLowerPoint){.norm = INFINITY};
  if (!resume || !(h->t[w->k] > 0))
    PetscCall(PetscArraycpy(r->before, w->t->x, L->part.nx));
  h->t[w->k] = 1;
  /* k root^k kappa is small after so many, from any point */
  FenLowerFloorStart(&r->floor, 2 * sqrt(r->lipschitz / mu) * log(64 * r->lipschitz / mu) + 20,
                     4 * sqrt(r->lipschitz / mu) + 20);
  PetscFunctionReturn(0);
}

/* at a new x: is it the best, and is there a next one? */
static PetscErrorCode Look(FenLower L, FenLowerWay *w, PetscBool *goes)
{
  Roll *r = (Roll *)w->own;

  PetscFunctionBegin;
  if (w->at.norm < r->best.norm) {
    PetscCall(PetscArraycpy(w->xt, w->t->x, L->part.nx));
    PetscCall(PetscArraycpy(w->gt, w->g, L->part.nx));
    r->best = w->at;
  }
  *goes = (PetscBool)(w->at.norm > w->t->tol && w->count + 1 <= w->t->max_it && w->at.norm < INFINITY);
  if (*goes &&
      FenLowerFloorReached(&r->floor, w->count, w->at.norm, 16 * PETSC_MACHINE_EPSILON * r->lipschitz * w->at.size))
    *goes = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(FenLower L, FenInt n, FenLowerWay *const on[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    const Roll *r = (const Roll *)on[k]->own;
    double     *x = on[k]->t->x;

    for (FenInt i = 0; i < L->part.nx; i++) {
      const double now = x[i];

      x[i] = now - r->step * on[k]->g[i] + r->momentum * (now - r->before[i]);
      r->before[i] = now;
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode End(FenLower L, FenLowerWay *w)
{
  const Roll *r = (const Roll *)w->own;

  PetscFunctionBegin;
  if (r->best.norm < w->at.norm || (isnan(w->at.norm) && r->best.norm < INFINITY)) {
    double *swap = w->g;

    PetscCall(PetscArraycpy(w->t->x, w->xt, L->part.nx));
    w->g = w->gt, w->gt = swap;
    w->at = r->best;
    ((FenLowerMomentum *)L->data)->t[w->k] = 0; /* momentum belongs to another point */
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  static const FenLowerMethod method = {.size = sizeof(Roll), .start = Start, .look = Look, .step = Step, .end = End};

  PetscFunctionBegin;
  PetscCall(FenLowerDescend(L, &method, n, resume, task));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_hb = {
    .name = "hb", .refuse = Refuse, .setup = FenLowerMomentumSetUp, .solve = Solve, .destroy = FenLowerMomentumDestroy};
