/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Jensen-Shannon: f = [x log x - (x+1) log((x+1)/2)]/2, D = KL(p|m)/2 + KL(q|m)/2 with m = (p+q)/2; at most log 2.
*/
#include "divergenceimpl.h"

#define FEN_LOG2 0.69314718055994530942

static void FenJSConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = FEN_LOG2 / 2;
  c->recession = FEN_LOG2 / 2;
  c->curvature = 0.25;
}

/* with F of kl: [F(t) - 2F(t/2)]/2; for large x the terms of order x log x are taken out first */
static double FenJSValue(double a, double x, double t)
{
  (void)a;
  if (x > 2)
    return 0.5 * ((x + 1) * FEN_LOG2 - x * log1p(1 / x) - log1p(x));
  return 0.5 * FenPowerValue_Private(1, x, t) - FenPowerValue_Private(1, 1 + 0.5 * t, 0.5 * t);
}

/* log(2x/(1+x))/2 */
static double FenJSSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = l > 0 ? 0.5 * exp(-l) / (1 + exp(-l)) : 0.5 / (1 + exp(l));
  return l > -1 ? -0.5 * log1p(0.5 * expm1(-l)) : 0.5 * (FEN_LOG2 + l - log1p(exp(l)));
}

static double FenJSEdge(double a, double l)
{
  (void)a;
  return l > 0 ? 0.5 * log1p(exp(-l)) : 0.5 * (log1p(exp(l)) - l);
}

static void FenJSDual(double a, double y, double gap, FenDual *d)
{
  (void)a;
  if (fabs(y) < 0.1) {
    const double e = expm1(2 * y);

    d->t = 2 * e / (1 - e);
    d->x = 1 + d->t;
    d->value = -0.5 * log1p(-e);
  } else {
    const double e = expm1(-2 * gap); /* e^{2y} = 2 (1 + e) */

    d->x = y < 0 ? exp(2 * y) / (2 - exp(2 * y)) : -(1 + e) / e;
    d->t = d->x - 1;
    d->value = y < 0 ? -0.5 * log(2 - exp(2 * y)) : -0.5 * (FEN_LOG2 + log(-e));
  }
  d->weight = 2 * d->x * (1 + d->x);
}

const FenDivergenceMethod FenDivergenceJS = {.name = "js",
                                             .constants = FenJSConstants,
                                             .value = FenJSValue,
                                             .slope = FenJSSlope,
                                             .edge = FenJSEdge,
                                             .dual = FenJSDual};
