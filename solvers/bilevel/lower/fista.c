/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fista: Nesterov's method for strongly convex functions, q = mu/L:

     t+ = (1 - q t^2 + sqrt((1 - q t^2)^2 + 4 t^2))/2,  beta = (t-1)(1 - t+ q)/(t+ (1-q)),
     z = x + beta (x - x_before),  x+ = prox(z - grad h(z)/L).

   |x_k - x*|^2 <= (1 - sqrt q)^k (L/mu)(1 + sqrt q) |x_0 - x*|^2; Calatroni and Chambolle, SIAM J. Optim. 29, 2019;
   Chambolle and Pock, Acta Numerica 2016. The gradient is looked at in x, not z, at the start and each
   -bilevel_lower_check steps, which costs a gradient each. A resumed solve goes on with its momentum.
   One gradient a step; memory: the x before of each sample, 4 arrays for each of a batch; a message in the team only at
   the looks, one for all of a batch, which also share exchanges.
*/
#include "lower.h"
#include <math.h>

typedef struct {
  double        q, lipschitz, *before, *t, least;
  FenLowerFloor floor;
  FenLowerPoint best; /* where the gradient was least; x is kept in d */
} Slide;

static PetscErrorCode Start(FenLower L, PetscBool resume, FenLowerWay *w)
{
  FenLowerMomentum *F = (FenLowerMomentum *)L->data;
  Slide            *f = (Slide *)w->own;
  double            mu, root;

  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, w->t->s, &mu, &f->lipschitz));
  f->q = PetscMin(mu / f->lipschitz, 1 - 1e-9); /* q = 1 divides by zero */
  root = sqrt(f->q);
  f->before = F->before + w->k * L->part.nx;
  f->t = F->t + w->k;
  f->least = INFINITY;
  if (!resume || !(*f->t > 0)) {
    PetscCall(PetscArraycpy(f->before, w->t->x, L->part.nx));
    *f->t = 0;
  }
  /* the bound above makes |grad h| a quarter after so many steps from any point */
  FenLowerFloorStart(&f->floor, log(32 / (f->q * f->q * f->q)) / -log1p(-root) + (double)(4 * L->par.check),
                     4 / root + (double)(4 * L->par.check));
  PetscFunctionReturn(0);
}

/* xt <- z */
static void Extrapolate(FenLower L, FenLowerWay *w)
{
  const Slide *f = (const Slide *)w->own;
  const double q = f->q, t = *f->t, rest = 1 - q * t * t, next = (rest + sqrt(rest * rest + 4 * t * t)) / 2;
  const double beta = t > 0 ? (t - 1) * (1 - next * q) / (next * (1 - q)) : 0, *x = w->t->x;

  for (FenInt i = 0; i < L->part.nx; i++) {
    w->xt[i] = x[i] + beta * (x[i] - f->before[i]);
    f->before[i] = x[i];
  }
  *f->t = next;
}

/* x <- prox(z - grad(z)/L) of n ways; looked: g is the gradient at x, and at z where there is no momentum yet */
static PetscErrorCode Steps(FenLower L, FenInt n, FenLowerWay *const on[], PetscBool looked)
{
  const double *z[FEN_BILEVEL_TOGETHER] = {NULL}, *of[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *g[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0}, m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    FenLowerWay *w = on[k];

    of[k] = looked && !(*((const Slide *)w->own)->t > 0) && !L->call->prox ? w->g : w->gt;
    Extrapolate(L, w);
    if (of[k] != w->gt)
      continue;
    s[m] = w->t->s;
    z[m] = w->xt;
    g[m++] = w->gt;
    w->count++;
  }
  PetscCall(FenBatchSmoothGradients(L->problem, m, s, z, g));
  for (FenInt k = 0; k < n; k++) {
    FenLowerWay *w = on[k];
    const double lipschitz = ((const Slide *)w->own)->lipschitz;

    for (FenInt i = 0; i < L->part.nx; i++)
      w->t->x[i] = w->xt[i] - of[k][i] / lipschitz;
    if (L->call->prox)
      PetscCall((*L->call->prox)(L->problem, w->t->s, 1 / lipschitz, w->t->x));
  }
  PetscFunctionReturn(0);
}

/* at a new x: is it the best, and are there further steps? */
static PetscErrorCode Look(FenLower L, FenLowerWay *w, PetscBool *goes)
{
  Slide *f = (Slide *)w->own;

  PetscFunctionBegin;
  *goes = (PetscBool)(w->at.norm > w->t->tol && w->count + 2 <= w->t->max_it && w->at.norm < INFINITY);
  if (!*goes)
    PetscFunctionReturn(0);
  if (w->at.norm < f->least) {
    PetscCall(PetscArraycpy(w->d, w->t->x, L->part.nx));
    f->best = w->at;
    f->least = w->at.norm;
  }
  if (FenLowerFloorReached(&f->floor, w->count, w->at.norm, 16 * PETSC_MACHINE_EPSILON * f->lipschitz * w->at.size)) {
    PetscCall(PetscArraycpy(w->t->x, w->d, L->part.nx));
    w->at = f->best;
    *f->t = 0; /* momentum belongs to another point */
    *goes = PETSC_FALSE;
  }
  PetscFunctionReturn(0);
}

/* -bilevel_lower_check steps of n ways, fewer of those that come to the end of their counts */
static PetscErrorCode Between(FenLower L, FenInt n, FenLowerWay *const on[])
{
  FenLowerWay *go[FEN_BILEVEL_TOGETHER] = {NULL};

  PetscFunctionBegin;
  for (FenInt j = 0; j < L->par.check; j++) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (on[k]->count + 2 <= on[k]->t->max_it)
        go[m++] = on[k];
    if (!m)
      break;
    PetscCall(Steps(L, m, go, (PetscBool)(j == 0)));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  static const FenLowerMethod method = {.size = sizeof(Slide), .start = Start, .look = Look, .step = Between};

  PetscFunctionBegin;
  PetscCall(FenLowerDescend(L, &method, n, resume, task));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_fista = {
    .name = "fista", .setup = FenLowerMomentumSetUp, .solve = Solve, .destroy = FenLowerMomentumDestroy};
