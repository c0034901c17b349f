/* SPDX-License-Identifier: BSD-2-Clause */
/*
   hb: the heavy ball, x+ = x - s grad h(x) + b (x - x_before),

     s = 4/(sqrt L + sqrt mu)^2,  b = ((sqrt L - sqrt mu)/(sqrt L + sqrt mu))^2.

   On quadratics |x_k - x*| falls like k sqrt(b)^k; elsewhere it need not converge, so a solve that does not is ended
   and gives the best x that it has seen. A resumed solve goes on with its momentum. Smooth h only. Polyak, USSR Comput.
   Math. Math. Phys. 4(5), 1964. One gradient an iteration; memory: the x before of each sample and one array; one
   message in the team an iteration.
*/
#include "lower.h"
#include <math.h>

typedef struct {
  double    *before; /* nx for each of my samples */
  PetscBool *moving; /* before is that of the last solve */
  double    *best;   /* where the gradient was least */
} HeavyBall;

static const char *Refuse(const FenBilevelOps *call)
{
  return call->prox ? "the problem has an l1 norm" : NULL;
}

static PetscErrorCode SetUp(FenLower L)
{
  const FenInt mine = L->part.end - L->part.start;
  FenInt       n;
  size_t       bytes;
  HeavyBall   *h;

  PetscFunctionBegin;
  PetscCall(FenIntMult(mine, L->part.nx, &n));
  PetscCall(FenBytes(n, sizeof(double), &bytes));
  PetscCall(PetscNew(&h));
  PetscCall(PetscMalloc1(bytes / sizeof(double), &h->before));
  PetscCall(PetscMalloc1((size_t)L->part.nx, &h->best));
  PetscCall(PetscCalloc1((size_t)mine, &h->moving));
  L->data = h;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenLower L)
{
  HeavyBall *h = (HeavyBall *)L->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(h->before));
  PetscCall(PetscFree(h->best));
  PetscCall(PetscFree(h->moving));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

/* along L->g, the gradient at x */
static void Step(FenLower L, double step, double momentum, double before[], double x[])
{
  for (FenInt i = 0; i < L->part.nx; i++) {
    const double now = x[i];

    x[i] = now - step * L->g[i] + momentum * (now - before[i]);
    before[i] = now;
  }
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  HeavyBall    *h = (HeavyBall *)L->data;
  const FenInt  k = s - L->part.start;
  double       *before = h->before + k * L->part.nx, mu, lipschitz, root, step;
  FenLowerFloor floor;
  FenLowerPoint at, best = {.norm = INFINITY};
  FenInt        count = 0;

  (void)w;
  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, s, &mu, &lipschitz));
  step = 2 / (sqrt(lipschitz) + sqrt(mu));
  step *= step;
  root = (sqrt(lipschitz) - sqrt(mu)) / (sqrt(lipschitz) + sqrt(mu));
  if (!resume || !h->moving[k])
    PetscCall(PetscArraycpy(before, x, L->part.nx));
  h->moving[k] = PETSC_TRUE;
  /* k root^k kappa is small after so many, from any point */
  FenLowerFloorStart(&floor, 2 * sqrt(lipschitz / mu) * log(64 * lipschitz / mu) + 20, 4 * sqrt(lipschitz / mu) + 20);
  for (;;) {
    PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
    count++;
    if (at.norm < best.norm) {
      PetscCall(PetscArraycpy(h->best, x, L->part.nx));
      best = at;
    }
    if (at.norm <= tol || count + 1 > max_it || !(at.norm < INFINITY))
      break;
    if (FenLowerFloorReached(&floor, count, at.norm, 16 * PETSC_MACHINE_EPSILON * lipschitz * at.size))
      break;
    Step(L, step, root * root, before, x);
  }
  if (best.norm < at.norm || (isnan(at.norm) && best.norm < INFINITY)) {
    PetscCall(PetscArraycpy(x, h->best, L->part.nx));
    at = best;
    h->moving[k] = PETSC_FALSE; /* momentum belongs to another point */
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_hb = {
    .name = "hb", .refuse = Refuse, .setup = SetUp, .solve = Solve, .destroy = Destroy};
