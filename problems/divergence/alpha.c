/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Cressie-Read: f = (x^a - a x + a - 1)/(a(a-1)); a = 1 kl, 0 burg, 2 pearson/2, 1/2 twice hellinger, -1 neyman/2. All
   formulas go through the two limits without a seam: powers are written as (e^{s l} - 1)/s.
*/
#include "divergenceimpl.h"

static void FenAlphaConstants(double a, FenDivergenceConstants *c)
{
  c->zero = a > 0 ? 1 / a : INFINITY;
  c->recession = a < 1 ? 1 / (1 - a) : INFINITY;
  c->curvature = 1;
}

static double FenAlphaValue(double a, double x, double t)
{
  return FenPowerValue_Private(a, x, t);
}

static double FenAlphaSlope(double a, double l, double *rise)
{
  *rise = exp((a - 1) * l);
  return FenPowerLog_Private(a - 1, l);
}

static double FenAlphaEdge(double a, double l)
{
  return exp((a - 1) * l) / (1 - a);
}

/* l = log x = log(1 + (a-1) y)/(a-1) */
static void FenAlphaDual(double a, double y, double gap, FenDual *d)
{
  const double u = (a - 1) * y;
  double       l;

  if (a > 1 && u <= -1) {
    *d = (FenDual){.x = 0, .t = -1, .value = -1 / a, .weight = 0};
    return;
  }
  if (a == 1)
    l = y;
  else
    l = (a < 1 && u < -0.5 ? log((1 - a) * gap) : log1p(u)) / (a - 1);
  d->t = expm1(l);
  d->x = l < -1 ? exp(l) : 1 + d->t;
  d->value = FenPowerLog_Private(a, l);
  d->weight = exp((2 - a) * l);
}

const FenDivergenceMethod FenDivergenceAlpha = {.name = "alpha",
                                                .constants = FenAlphaConstants,
                                                .value = FenAlphaValue,
                                                .slope = FenAlphaSlope,
                                                .edge = FenAlphaEdge,
                                                .dual = FenAlphaDual};
