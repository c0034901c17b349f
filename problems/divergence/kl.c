/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Kullback-Leibler: f = x log x - x + 1, D = sum p log(p/q). No mass where q has none.
*/
#include "divergenceimpl.h"

static void FenKLConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = 1;
  c->recession = INFINITY;
  c->curvature = 1;
}

static double FenKLValue(double a, double x, double t)
{
  (void)a;
  return FenPowerValue_Private(1, x, t);
}

static double FenKLSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 1;
  return l;
}

static void FenKLDual(double a, double y, double gap, FenDual *d)
{
  (void)a, (void)gap;
  d->t = d->value = expm1(y);
  d->x = d->weight = y < -1 ? exp(y) : 1 + d->t;
}

/* tau omega(z/tau + log(q/tau)) */
static double FenKLProx(double tau, double q, double z)
{
  return tau * FenWrightOmega_Private(z / tau + log(q / tau));
}

static double FenKLAprox(double rho, double eps, double t)
{
  return t * (rho / (rho + eps));
}

/* eta is the value itself, -lambda log E exp(-v/lambda), counted from vmin + base */
static double FenKLRoot(const FenTilt *T)
{
  double sum = 0;

  for (FenInt i = 0; i < T->n; i++) {
    const double y = (T->base - (T->v[i] - T->vmin)) / T->lambda;

    if (FenTiltHas_Private(T, i))
      sum += T->q[i] * (T->base > 0 ? expm1(y) : exp(y));
  }
  sum *= T->scale;
  return -T->lambda * (T->base > 0 ? log1p(sum) : log(sum));
}

const FenDivergenceMethod FenDivergenceKL = {.name = "kl",
                                             .constants = FenKLConstants,
                                             .value = FenKLValue,
                                             .slope = FenKLSlope,
                                             .dual = FenKLDual,
                                             .prox = FenKLProx,
                                             .aprox = FenKLAprox,
                                             .root = FenKLRoot};
