/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Burg: f = -log x + x - 1, D = sum q log(q/p). Every entry of q keeps mass; mass may pop up where q has none.
*/
#include "divergenceimpl.h"

static void FenBurgConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = INFINITY;
  c->recession = 1;
  c->curvature = 1;
}

static double FenBurgValue(double a, double x, double t)
{
  (void)a;
  return FenPowerValue_Private(0, x, t);
}

static double FenBurgSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = exp(-l);
  return -expm1(-l);
}

static double FenBurgEdge(double a, double l)
{
  (void)a;
  return exp(-l);
}

static void FenBurgDual(double a, double y, double gap, FenDual *d)
{
  (void)a;
  d->x = 1 / gap;
  d->t = y / gap;
  d->value = fabs(y) < 0.5 ? -log1p(-y) : -log(gap);
  d->weight = d->x * d->x;
}

/* p^2 - (z - tau) p = tau q */
static double FenBurgProx(double tau, double q, double z)
{
  const double b = z - tau, root = hypot(b, 2 * sqrt(tau) * sqrt(q));

  return b >= 0 ? 0.5 * (b + root) : 2 * tau * q / (root - b);
}

/* rho (1 - zeta) = t - eps log x with x = 1/zeta: whichever does not cancel */
static double FenBurgAprox(double rho, double eps, double t)
{
  const double zeta = eps / rho * FenWrightOmega_Private(log(rho / eps) + (rho - t) / eps);

  return rho * (1 - zeta);
}

const FenDivergenceMethod FenDivergenceBurg = {.name = "burg",
                                               .constants = FenBurgConstants,
                                               .value = FenBurgValue,
                                               .slope = FenBurgSlope,
                                               .edge = FenBurgEdge,
                                               .dual = FenBurgDual,
                                               .prox = FenBurgProx,
                                               .aprox = FenBurgAprox};
