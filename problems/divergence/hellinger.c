/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Squared Hellinger distance without the half: f = (sqrt x - 1)^2, D = sum (sqrt p - sqrt q)^2, at most 2.
*/
#include "divergenceimpl.h"

static void FenHellingerConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = 1;
  c->recession = 1;
  c->curvature = 0.5;
}

static double FenHellingerValue(double a, double x, double t)
{
  const double r = t / (1 + sqrt(x));

  (void)a;
  return r * r;
}

static double FenHellingerSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 0.5 * exp(-0.5 * l);
  return -expm1(-0.5 * l);
}

static double FenHellingerEdge(double a, double l)
{
  (void)a;
  return exp(-0.5 * l);
}

static void FenHellingerDual(double a, double y, double gap, FenDual *d)
{
  (void)a;
  d->x = 1 / (gap * gap);
  d->t = y * (1 + gap) * d->x;
  d->value = y / gap;
  d->weight = 2 * d->x / gap;
}

static double FenHellingerAprox(double rho, double eps, double t)
{
  const double r = 0.5 * rho / eps;

  return rho * (1 - FenWrightOmega_Private(log(r) + 0.5 * (rho - t) / eps) / r);
}

const FenDivergenceMethod FenDivergenceHellinger = {.name = "hellinger",
                                                    .constants = FenHellingerConstants,
                                                    .value = FenHellingerValue,
                                                    .slope = FenHellingerSlope,
                                                    .edge = FenHellingerEdge,
                                                    .dual = FenHellingerDual,
                                                    .aprox = FenHellingerAprox};
