/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Pearson: f = (x-1)^2, D = sum (p-q)^2/q. Worst laws are q (alpha - v)_+, cut off at a threshold alpha, and have exact
   zeros above it; inside a ball the threshold is found by active sets.
*/
#include "divergenceimpl.h"

static void FenPearsonConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = 1;
  c->recession = INFINITY;
  c->curvature = 2;
}

static double FenPearsonValue(double a, double x, double t)
{
  (void)a, (void)x;
  return t * t;
}

static double FenPearsonSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 2 * exp(l);
  return 2 * expm1(l);
}

static void FenPearsonDual(double a, double y, double gap, FenDual *d)
{
  const PetscBool active = y > -2 ? PETSC_TRUE : PETSC_FALSE;

  (void)a, (void)gap;
  d->t = active ? 0.5 * y : -1;
  d->x = active ? 1 + d->t : 0;
  d->value = active ? y * (1 + 0.25 * y) : -1;
  d->weight = active ? 0.5 : 0;
}

static double FenPearsonProx(double tau, double q, double z)
{
  return PetscMax(0, q * ((z + 2 * tau) / (q + 2 * tau)));
}

static double FenPearsonAprox(double rho, double eps, double t)
{
  const double r = 2 * rho / eps;

  return 2 * rho * (FenWrightOmega_Private(log(r) + (t + 2 * rho) / eps) / r - 1);
}

/* mass, mean and variance of d below a threshold, and the values next to it */
typedef struct {
  double mass, mean, var, below, above;
} FenCut;

static void FenPearsonCut(const FenTilt *T, double threshold, FenCut *c)
{
  double first = 0, second = 0;

  *c = (FenCut){.above = INFINITY};
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = T->q[i] * T->scale;

    if (!FenTiltHas_Private(T, i))
      continue;
    if (d < threshold) {
      c->mass += q;
      first += q * d;
      second += q * d * d;
      c->below = PetscMax(c->below, d);
    } else
      c->above = PetscMin(c->above, d);
  }
  c->mean = first / c->mass;
  c->var = PetscMax(second / c->mass - c->mean * c->mean, 0);
}

/* threshold with E x^2 = 1 + rho for x ~ (threshold - d)_+; the left side decreases in the threshold */
static double FenPearsonThreshold(const FenTilt *T, double rho, FenInt *its)
{
  double lower = 0, upper = INFINITY, a = INFINITY, next = NAN;
  FenCut c;

  for (*its = 1; *its < 200; (*its)++) {
    double room, below;

    FenPearsonCut(T, a, &c);
    room = (1 + rho) * c.mass - 1;
    next = room > 0 ? c.mean + sqrt(c.var / room) : INFINITY;
    if (next > c.below && next <= c.above)
      break;
    below = isfinite(a) ? (a - c.mean) * (a - c.mean) : 0;
    if (isfinite(a) && c.var + below > (1 + rho) * c.mass * below)
      lower = a;
    else
      upper = PetscMin(a, T->spread);
    if (!(next > lower && next < upper))
      next = lower + 0.5 * (upper - lower);
    if (next == lower || next == upper)
      break;
    a = next;
  }
  return next;
}

/* any threshold bounds from below: <p,v> >= <p,min(v,alpha)> >= E min(v,alpha) - sqrt(rho Var min(v,alpha)) */
static double FenPearsonBound(const FenTilt *T, double rho, double a)
{
  double mean = 0, var = 0;

  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i))
      mean += T->q[i] * T->scale * PetscMin(T->v[i] - T->vmin, a);
  for (FenInt i = 0; i < T->n; i++) {
    const double c = PetscMin(T->v[i] - T->vmin, a) - mean;

    if (FenTiltHas_Private(T, i))
      var += T->q[i] * T->scale * c * c;
  }
  return mean - sqrt(rho * var);
}

static PetscErrorCode FenPearsonRadius(FenTilt *T, double rho, double p[], FenWorstCase *out)
{
  const double error = FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 16) * 2 * (1 + sqrt(rho)) * T->spread);
  const double a = FenPearsonThreshold(T, rho, &out->its), bound = FenPearsonBound(T, rho, a);
  double       mass = 0, loss = 0, div = 0, mix;

  PetscFunctionBegin;
  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i))
      mass += T->q[i] * T->scale * PetscMax(a - (T->v[i] - T->vmin), 0);
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = T->q[i] * T->scale, t = (PetscMax(a - d, 0) - mass) / mass;

    if (!FenTiltHas_Private(T, i))
      continue;
    div += q * t * t;
    loss += q * (1 + t) * d;
  }
  mix = div > rho ? sqrt(rho / div) : 1; /* D of the mixture with q goes with its square */
  for (FenInt i = 0; p && i < T->n; i++) {
    const double x = PetscMax(a - (T->v[i] - T->vmin), 0) / mass;

    p[i] = FenTiltHas_Private(T, i) ? T->q[i] * T->scale * (mix * x + (1 - mix)) : 0;
  }
  out->multiplier = 0.5 * mass;
  out->popped = 0;
  out->slack = 2 * error + PetscMax(mix * loss + (1 - mix) * T->mean - bound, 0);
  out->value = PetscMax(T->vmin + bound - error, T->vmin);
  PetscFunctionReturn(0);
}

const FenDivergenceMethod FenDivergencePearson = {.name = "pearson",
                                                  .constants = FenPearsonConstants,
                                                  .value = FenPearsonValue,
                                                  .slope = FenPearsonSlope,
                                                  .dual = FenPearsonDual,
                                                  .prox = FenPearsonProx,
                                                  .aprox = FenPearsonAprox,
                                                  .worst_radius = FenPearsonRadius};
