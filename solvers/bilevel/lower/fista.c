/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fista: Nesterov's method for strongly convex functions, q = mu/L:

     t+ = (1 - q t^2 + sqrt((1 - q t^2)^2 + 4 t^2))/2,  beta = (t-1)(1 - t+ q)/(t+ (1-q)),
     z = x + beta (x - x_before),  x+ = prox(z - grad h(z)/L).

   |x_k - x*|^2 <= (1 - sqrt q)^k (L/mu)(1 + sqrt q) |x_0 - x*|^2; Calatroni and Chambolle, SIAM J. Optim. 29, 2019;
   Chambolle and Pock, Acta Numerica 2016. The gradient is looked at in x, not z, at the start and each
   -bilevel_lower_check steps, which costs a gradient each. A resumed solve goes on with its momentum.
   One gradient a step; memory: the x before of each sample and one array; a message in the team only at the looks.
*/
#include "lower.h"
#include <math.h>

typedef struct {
  double *before; /* nx for each of my samples */
  double *t;      /* 0: no momentum yet */
  double *best;   /* where the gradient was least */
  double  q, lipschitz;
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
  PetscCall(PetscMalloc1((size_t)L->part.nx, &f->best));
  PetscCall(PetscCalloc1((size_t)mine, &f->t));
  L->data = f;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenLower L)
{
  Fista *f = (Fista *)L->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(f->before));
  PetscCall(PetscFree(f->best));
  PetscCall(PetscFree(f->t));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

/* x <- prox(z - grad(z)/L); known: L->g is grad h at x and z = x */
static PetscErrorCode Step(FenLower L, FenInt s, PetscBool known, double *before, double *t, double x[], FenInt *count)
{
  const Fista  *f = (const Fista *)L->data;
  const FenInt  n = L->part.nx;
  const double  q = f->q, rest = 1 - q * *t * *t, next = (rest + sqrt(rest * rest + 4 * *t * *t)) / 2;
  const double  beta = *t > 0 ? (*t - 1) * (1 - next * q) / (next * (1 - q)) : 0;
  const double *g = L->gt;
  double       *z = L->xt, value;

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    z[i] = x[i] + beta * (x[i] - before[i]);
    before[i] = x[i];
  }
  if (known && !L->call->prox)
    g = L->g;
  else {
    PetscCall((L->call->prox ? *L->call->smoothgradient : *L->call->gradient)(L->problem, s, z, &value, L->gt));
    (*count)++;
  }
  for (FenInt i = 0; i < n; i++)
    x[i] = z[i] - g[i] / f->lipschitz;
  if (L->call->prox)
    PetscCall((*L->call->prox)(L->problem, s, 1 / f->lipschitz, x));
  *t = next;
  PetscFunctionReturn(0);
}

static PetscErrorCode Prepare(FenLower L, FenInt s, FenLowerFloor *floor)
{
  Fista *f = (Fista *)L->data;
  double mu, root;

  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, s, &mu, &f->lipschitz));
  f->q = PetscMin(mu / f->lipschitz, 1 - 1e-9); /* q = 1 divides by zero */
  root = sqrt(f->q);
  /* the bound above makes |grad h| a quarter after so many steps from any point */
  FenLowerFloorStart(floor, log(32 / (f->q * f->q * f->q)) / -log1p(-root) + (double)(4 * L->par.check),
                     4 / root + (double)(4 * L->par.check));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  Fista        *f = (Fista *)L->data;
  const FenInt  n = L->part.nx, k = s - L->part.start;
  double       *before = f->before + k * n, *t = f->t + k, least = INFINITY;
  FenLowerFloor floor;
  FenLowerPoint at, best = {0};
  FenInt        count = 0;

  (void)w;
  PetscFunctionBegin;
  PetscCall(Prepare(L, s, &floor));
  if (!resume || !(*t > 0)) {
    PetscCall(PetscArraycpy(before, x, n));
    *t = 0;
  }
  for (;;) {
    PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
    count++;
    if (at.norm <= tol || count + 2 > max_it || !(at.norm < INFINITY))
      break;
    if (at.norm < least) {
      PetscCall(PetscArraycpy(f->best, x, n));
      best = at;
      least = at.norm;
    }
    if (FenLowerFloorReached(&floor, count, at.norm, 16 * PETSC_MACHINE_EPSILON * f->lipschitz * at.size)) {
      PetscCall(PetscArraycpy(x, f->best, n));
      at = best;
      *t = 0; /* momentum belongs to another point */
      break;
    }
    for (FenInt j = 0; j < L->par.check && count + 2 <= max_it; j++)
      PetscCall(Step(L, s, (PetscBool)(j == 0 && !(*t > 0)), before, t, x, &count));
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_fista = {.name = "fista", .setup = SetUp, .solve = Solve, .destroy = Destroy};
