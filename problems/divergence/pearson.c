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

/* entries with d below a threshold: their mass, that of the others, the values next to the threshold, and mean and
   variance of below - d */
typedef struct {
  double mass, rest, below, above, mean, var;
} FenCut;

static void FenPearsonCut(const FenTilt *T, double threshold, FenCut *c)
{
  *c = (FenCut){.above = INFINITY};
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = T->q[i] * T->scale;

    if (!FenTiltHas_Private(T, i))
      continue;
    if (d < threshold) {
      c->mass += q;
      c->below = PetscMax(c->below, d);
    } else {
      c->rest += q;
      c->above = PetscMin(c->above, d);
    }
  }
  for (FenInt pass = 0; pass < 2; pass++) {
    double sum = 0;

    for (FenInt i = 0; i < T->n; i++) {
      const double e = c->below - (T->v[i] - T->vmin);

      if (FenTiltHas_Private(T, i) && e >= 0)
        sum += T->q[i] * T->scale * (pass ? (e - c->mean) * (e - c->mean) : e);
    }
    *(pass ? &c->var : &c->mean) = sum / c->mass;
  }
}

/* the threshold is anchor + over: close to the last active value only `over` has the digits */
typedef struct {
  double anchor, over;
} FenThreshold;

static inline double FenPearsonOver(const FenThreshold *a, double d)
{
  return PetscMax((a->anchor - d) + a->over, 0);
}

/* E x^2 = 1 + rho for x ~ (threshold - d)_+; the left side decreases in the threshold */
static FenThreshold FenPearsonThreshold(const FenTilt *T, double rho, FenInt *its)
{
  double lower = 0, upper = INFINITY, a = INFINITY, next = NAN;
  FenCut c;

  for (*its = 1; *its < 200; (*its)++) {
    double room, over, first;

    FenPearsonCut(T, a, &c);
    room = rho * c.mass - c.rest; /* (1 + rho) mass - 1 */
    over = room > 0 ? sqrt(c.var / room) - c.mean : INFINITY;
    next = c.below + over;
    if (over > 0 && next <= c.above)
      return (FenThreshold){c.below, over};
    first = (a - c.below) + c.mean;
    if (isfinite(a) && c.var > room * first * first) /* the mean of squares against 1 + rho */
      lower = a;
    else
      upper = PetscMin(a, T->spread);
    if (!(next > lower && next < upper))
      next = lower + 0.5 * (upper - lower);
    if (next == lower || next == upper)
      break;
    a = next;
  }
  return (FenThreshold){0, next};
}

/* mean and variance of min(d, a) */
static double FenPearsonClipped(const FenTilt *T, double a, double *var)
{
  double mean = 0;

  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i))
      mean += T->q[i] * T->scale * PetscMin(T->v[i] - T->vmin, a);
  *var = 0;
  for (FenInt i = 0; i < T->n; i++) {
    const double c = PetscMin(T->v[i] - T->vmin, a) - mean;

    if (FenTiltHas_Private(T, i))
      *var += T->q[i] * T->scale * c * c;
  }
  return mean;
}

/* p/q - 1 of an entry; far from any cut, in a form that keeps the digits of small differences */
static double FenPearsonTilt(const FenTilt *T, double d, const FenThreshold *a, double mass)
{
  return mass > T->spread ? (T->mean - d) / mass : FenPearsonOver(a, d) / mass - 1;
}

/* any threshold bounds from below: <p,v> >= <p,min(v,alpha)> >= E min(v,alpha) - sqrt(rho Var min(v,alpha)) */
static PetscErrorCode FenPearsonRadius(FenTilt *T, double rho, double p[], FenWorstCase *out)
{
  const FenThreshold a = FenPearsonThreshold(T, rho, &out->its);
  double             var, mass = 0, loss = 0, div = 0, mix, error;
  const double       mean = FenPearsonClipped(T, a.anchor + a.over, &var), bound = mean - sqrt(rho) * sqrt(var);

  PetscFunctionBegin;
  for (FenInt i = 0; i < T->n; i++)
    mass += FenTiltHas_Private(T, i) ? T->q[i] * T->scale * FenPearsonOver(&a, T->v[i] - T->vmin) : 0;
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = T->q[i] * T->scale, t = FenPearsonTilt(T, d, &a, mass);

    if (!FenTiltHas_Private(T, i))
      continue;
    div += q * t * t;
    loss += q * (1 + t) * d;
  }
  mix = div > rho ? sqrt(rho / div) : 1; /* D of the mixture with q goes with its square */
  for (FenInt i = 0; p && i < T->n; i++) {
    const double t = FenPearsonTilt(T, T->v[i] - T->vmin, &a, mass);

    p[i] = FenTiltHas_Private(T, i) ? T->q[i] * T->scale * PetscMax(1 + mix * t, 0) : 0;
  }
  error = FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 16) * 2 * (T->mean + mean + sqrt(rho) * sqrt(var)));
  out->multiplier = 0.5 * mass;
  out->popped = 0;
  out->slack = 2 * error + PetscMax(mix * loss + (1 - mix) * T->mean - bound, 0);
  out->value = PetscMax(T->vmin + bound - error, T->vmin);
  PetscFunctionReturn(0);
}

static double FenPearsonPower(double a)
{
  (void)a;
  return 2;
}

const FenDivergenceMethod FenDivergencePearson = {.name = "pearson",
                                                  .constants = FenPearsonConstants,
                                                  .value = FenPearsonValue,
                                                  .slope = FenPearsonSlope,
                                                  .dual = FenPearsonDual,
                                                  .power = FenPearsonPower,
                                                  .prox = FenPearsonProx,
                                                  .aprox = FenPearsonAprox,
                                                  .worst_radius = FenPearsonRadius};
