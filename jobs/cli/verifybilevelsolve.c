/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lower solutions and adjoints for results that were written without them: the problem's own method if it has one,
   accelerated proximal gradients where there is an l1 norm, Newton's method with plain conjugate gradients otherwise.
*/
#include "verifybilevel.h"
#include <math.h>

#define NEWTON_IT   200
#define GRADIENT_IT 200000

/* H d = b by conjugate gradients from zero, at the linearised point; work: r, p, Hp */
static PetscErrorCode Conjugate(FenVerifyBilevel *v, const double b[], double tol, double d[])
{
  const FenInt limit = 20 * v->n.rows * v->n.width + 100;
  double      *r, *p, *Hp, rr, next, pHp, first;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)v->nx + 1, &r, (size_t)v->nx + 1, &p, (size_t)v->nx + 1, &Hp));
  PetscCall(PetscArrayzero(d, v->nx));
  PetscCall(PetscArraycpy(r, b, v->nx));
  PetscCall(PetscArraycpy(p, b, v->nx));
  PetscCall(FenVerifyBilevelDot_Private(v, v->nx, r, r, &rr));
  first = rr;
  for (FenInt it = 0; it < limit && rr > tol * tol * first && rr > 0; it++) {
    PetscCall((*v->call->hessian)(v->problem, p, Hp));
    PetscCall(FenVerifyBilevelDot_Private(v, v->nx, p, Hp, &pHp));
    if (!(pHp > 0))
      break;
    for (FenInt i = 0; i < v->nx; i++) {
      d[i] += rr / pHp * p[i];
      r[i] -= rr / pHp * Hp[i];
    }
    PetscCall(FenVerifyBilevelDot_Private(v, v->nx, r, r, &next));
    for (FenInt i = 0; i < v->nx; i++)
      p[i] = r[i] + next / rr * p[i];
    rr = next;
  }
  PetscCall(PetscFree3(r, p, Hp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Gradient(FenVerifyBilevel *v, FenInt s, const double x[], double g[], double *norm)
{
  PetscFunctionBegin;
  PetscCall((*v->call->gradient)(v->problem, s, x, NULL, g));
  PetscCall(FenVerifyBilevelDot_Private(v, v->nx, g, g, norm));
  *norm = sqrt(*norm);
  PetscFunctionReturn(0);
}

/* work[0]: gradient, work[1]: direction, work[2]: trial point */
static PetscErrorCode Newton(FenVerifyBilevel *v, FenInt s, double x[])
{
  double *g = v->work[0], *d = v->work[1], *t = v->work[2], norm, now, first;

  PetscFunctionBegin;
  PetscCall(Gradient(v, s, x, g, &norm));
  first = norm;
  for (int it = 0; it < NEWTON_IT && norm > 1e-13 * first; it++) {
    double a = 1;

    PetscCall((*v->call->linearise)(v->problem, s, x));
    PetscCall(Conjugate(v, g, 1e-6, d));
    for (;; a /= 2) { /* the norm falls along Newton's direction */
      for (FenInt i = 0; i < v->nx; i++)
        t[i] = x[i] - a * d[i];
      PetscCall(Gradient(v, s, t, g, &now));
      if (now <= (1 - 1e-4 * a) * norm || a < 1e-9)
        break;
    }
    if (!(now < norm))
      break;
    PetscCall(PetscArraycpy(x, t, v->nx));
    norm = now;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Proximal(FenVerifyBilevel *v, FenInt s, double x[])
{
  double             *g = v->work[0], *y = v->work[1], *before = v->work[2], norm, first, t = 1;
  FenBilevelConstants c;

  PetscFunctionBegin;
  PetscCall((*v->call->constants)(v->problem, s, &c));
  PetscCall(Gradient(v, s, x, g, &norm));
  first = norm;
  PetscCall(PetscArraycpy(y, x, v->nx));
  for (int it = 0; it < GRADIENT_IT && norm > 1e-12 * first; it++) {
    const double next = (1 + sqrt(1 + 4 * t * t)) / 2, root = sqrt(c.mu / c.lipschitz);
    const double momentum = fmin((t - 1) / next, (1 - root) / (1 + root));

    PetscCall(PetscArraycpy(before, x, v->nx));
    PetscCall((*v->call->smoothgradient)(v->problem, s, y, NULL, g));
    for (FenInt i = 0; i < v->nx; i++)
      x[i] = y[i] - g[i] / c.lipschitz;
    PetscCall((*v->call->prox)(v->problem, s, 1 / c.lipschitz, x));
    for (FenInt i = 0; i < v->nx; i++)
      y[i] = x[i] + momentum * (x[i] - before[i]);
    t = next;
    if (it % 20 == 0)
      PetscCall(Gradient(v, s, x, g, &norm));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyBilevelSolve_Private(FenVerifyBilevel *v)
{
  double value;
  FenInt its;

  PetscFunctionBegin;
  PetscCall((*v->call->settheta)(v->problem, v->theta));
  for (FenInt k = 0; k < v->mine; k++) {
    const FenInt s = v->part.start + k;
    double      *x = v->x + k * v->nx;

    if (v->call->initial)
      PetscCall((*v->call->initial)(v->problem, s, x));
    if (v->call->native)
      PetscCall((*v->call->native)(v->problem, s, 1e-13, GRADIENT_IT, x, &its));
    else if (v->call->prox)
      PetscCall(Proximal(v, s, x));
    else
      PetscCall(Newton(v, s, x));
    PetscCall((*v->call->upper)(v->problem, s, x, &value, v->work[0]));
    PetscCall((*v->call->linearise)(v->problem, s, x));
    PetscCall(Conjugate(v, v->work[0], 1e-12, v->q + k * v->nx));
  }
  v->solved = PETSC_TRUE;
  PetscFunctionReturn(0);
}
