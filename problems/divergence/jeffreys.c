/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Jeffreys: f = (x-1) log x, D = KL(p|q) + KL(q|p). Support and zeros of p and q must agree.
*/
#include "divergenceimpl.h"

static void FenJeffreysConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = INFINITY;
  c->recession = INFINITY;
  c->curvature = 2;
}

static double FenJeffreysValue(double a, double x, double t)
{
  (void)a;
  return t * (fabs(t) < 0.5 ? log1p(t) : log(x));
}

static double FenJeffreysSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 1 + exp(-l);
  return l - expm1(-l);
}

/* log x + 1 - 1/x = y: 1/x = omega(1-y); near y = 0 one Newton step in t = x - 1 gives t its own digits */
static void FenJeffreysDual(double a, double y, double gap, FenDual *d)
{
  const double w = FenWrightOmega_Private(1 - y);

  (void)a, (void)gap;
  d->x = 1 / w;
  d->t = (1 - w) / w;
  if (fabs(d->t) < 0.5) {
    const double t = d->t, x = 1 + t;

    d->t = t - (log1p(t) + t / x - y) * x * x / (1 + x);
    d->x = 1 + d->t;
  }
  d->value = d->t * d->t / d->x + y;
  if (isinf(w)) {
    d->x = 0;
    d->t = -1;
    d->value = y;
  }
  d->weight = d->x / (1 + w);
}

const FenDivergenceMethod FenDivergenceJeffreys = {.name = "jeffreys",
                                                   .constants = FenJeffreysConstants,
                                                   .value = FenJeffreysValue,
                                                   .slope = FenJeffreysSlope,
                                                   .dual = FenJeffreysDual};
