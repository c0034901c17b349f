/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Neyman: f = (x-1)^2/x, D = sum (p-q)^2/p. Every entry of q keeps mass; mass may pop up where q has none.
*/
#include "divergenceimpl.h"

static void FenNeymanConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = INFINITY;
  c->recession = 1;
  c->curvature = 2;
}

static double FenNeymanValue(double a, double x, double t)
{
  (void)a;
  return x > 0 ? t / x * t : INFINITY;
}

static double FenNeymanSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 2 * exp(-2 * l);
  return -expm1(-2 * l);
}

static double FenNeymanEdge(double a, double l)
{
  (void)a;
  return exp(-2 * l);
}

static void FenNeymanDual(double a, double y, double gap, FenDual *d)
{
  const double root = sqrt(gap);

  (void)a;
  d->x = 1 / root;
  d->t = y / (root * (1 + root));
  d->value = fabs(y) < 0.5 ? 2 * y / (1 + root) : 2 - 2 * root;
  d->weight = 0.5 * d->x / gap;
}

/* zeta^2 = 1 - y/rho */
static double FenNeymanAprox(double rho, double eps, double t)
{
  const double r = 2 * rho / eps;

  return rho * (1 - FenWrightOmega_Private(log(r) + 2 * (rho - t) / eps) / r);
}

const FenDivergenceMethod FenDivergenceNeyman = {.name = "neyman",
                                                 .constants = FenNeymanConstants,
                                                 .value = FenNeymanValue,
                                                 .slope = FenNeymanSlope,
                                                 .edge = FenNeymanEdge,
                                                 .dual = FenNeymanDual,
                                                 .aprox = FenNeymanAprox};
