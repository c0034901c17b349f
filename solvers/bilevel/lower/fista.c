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
  double *before; /* nx for each of my samples */
  double *t;      /* 0: no momentum yet */
} Fista;

static PetscErrorCode SetUp(FenLower L)
{
  const FenInt mine = L->part.end - L->part.start;
  FenInt       n;
  size_t       bytes;
  Fista       *f;

  PetscFunctionBegin;
  PetscCall(FenIntMult(mine, L->part.nx, &n));
  PetscCall(FenBytes(n, sizeof(double), &bytes));
  PetscCall(PetscNew(&f));
  PetscCall(PetscMalloc1(bytes / sizeof(double), &f->before));
  PetscCall(PetscCalloc1((size_t)mine, &f->t));
  L->data = f;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenLower L)
{
  Fista *f = (Fista *)L->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(f->before));
  PetscCall(PetscFree(f->t));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

typedef struct {
  double        q, lipschitz, *before, *t, least;
  FenLowerFloor floor;
  FenLowerPoint best; /* where the gradient was least; x is kept in d */
} Slide;

static PetscErrorCode Start(FenLower L, PetscBool resume, FenLowerWay *w, Slide *f)
{
  Fista *F = (Fista *)L->data;
  double mu, root;

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
static void Extrapolate(FenLower L, FenLowerWay *w, Slide *f)
{
  const double q = f->q, t = *f->t, rest = 1 - q * t * t, next = (rest + sqrt(rest * rest + 4 * t * t)) / 2;
  const double beta = t > 0 ? (t - 1) * (1 - next * q) / (next * (1 - q)) : 0, *x = w->t->x;

  for (FenInt i = 0; i < L->part.nx; i++) {
    w->xt[i] = x[i] + beta * (x[i] - f->before[i]);
    f->before[i] = x[i];
  }
  *f->t = next;
}

/* x <- prox(z - grad(z)/L) of n ways; looked: g is the gradient at x, and at z where there is no momentum yet */
static PetscErrorCode Steps(FenLower L, FenInt n, FenLowerWay *const on[], Slide *const slide[], PetscBool looked)
{
  const double *z[FEN_BILEVEL_TOGETHER] = {NULL}, *of[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *g[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0}, m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    FenLowerWay *w = on[k];

    of[k] = looked && !(*slide[k]->t > 0) && !L->call->prox ? w->g : w->gt;
    Extrapolate(L, w, slide[k]);
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

    for (FenInt i = 0; i < L->part.nx; i++)
      w->t->x[i] = w->xt[i] - of[k][i] / slide[k]->lipschitz;
    if (L->call->prox)
      PetscCall((*L->call->prox)(L->problem, w->t->s, 1 / slide[k]->lipschitz, w->t->x));
  }
  PetscFunctionReturn(0);
}

/* at a new x: is it the best, and are there further steps? */
static PetscErrorCode Look(FenLower L, FenLowerWay *w, Slide *f, PetscBool *goes)
{
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
static PetscErrorCode Between(FenLower L, FenInt n, FenLowerWay *const on[], const FenLowerWay ways[], Slide slides[])
{
  FenLowerWay *go[FEN_BILEVEL_TOGETHER] = {NULL};
  Slide       *slide[FEN_BILEVEL_TOGETHER] = {NULL};

  PetscFunctionBegin;
  for (FenInt j = 0; j < L->par.check; j++) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (on[k]->count + 2 <= on[k]->t->max_it) {
        slide[m] = &slides[on[k] - ways];
        go[m++] = on[k];
      }
    if (!m)
      break;
    PetscCall(Steps(L, m, go, slide, (PetscBool)(j == 0)));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt all, PetscBool resume, FenLowerTask task[])
{
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];
  Slide         slide[FEN_BILEVEL_TOGETHER];
  FenInt        n = all;

  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  for (FenInt k = 0; k < all; k++)
    PetscCall(Start(L, resume, &ways[k], &slide[k]));
  while (n) {
    FenInt m = 0;

    PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_FALSE, at));
    for (FenInt k = 0; k < n; k++) {
      PetscBool goes;

      on[k]->at = at[k];
      PetscCall(Look(L, on[k], &slide[on[k] - ways], &goes));
      if (goes)
        on[m++] = on[k];
    }
    n = m;
    PetscCall(Between(L, n, on, ways, slide));
  }
  PetscCall(FenLowerArrive(L, all, ways));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_fista = {.name = "fista", .setup = SetUp, .solve = Solve, .destroy = Destroy};
