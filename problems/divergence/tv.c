/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Total variation with the half: f = |x-1|/2, D = sum |p-q|/2, at most 1. Worst laws move mass from the largest values
   to the smallest value that may get any: penalised, all mass that lies more than lambda above it; in a ball, the
   topmost mass rho.
*/
#include "divergenceimpl.h"

static void FenTVConstants(double a, FenDivergenceConstants *c)
{
  (void)a;
  c->zero = 0.5;
  c->recession = 0.5;
  c->curvature = 0;
}

static double FenTVValue(double a, double x, double t)
{
  (void)a, (void)x;
  return 0.5 * fabs(t);
}

/* of the subgradients at x = 1, zero */
static double FenTVSlope(double a, double l, double *rise)
{
  (void)a;
  *rise = 0;
  return l > 0 ? 0.5 : l < 0 ? -0.5 : 0;
}

static double FenTVEdge(double a, double l)
{
  return 0.5 - FenTVSlope(a, l, &(double){0});
}

static void FenTVDual(double a, double y, double gap, FenDual *d)
{
  (void)a, (void)gap;
  d->x = y < -0.5 ? 0 : 1;
  d->t = d->x - 1;
  d->value = PetscMax(y, -0.5);
  d->weight = 0;
}

static double FenTVProx(double tau, double q, double z)
{
  if (z > q + 0.5 * tau)
    return z - 0.5 * tau;
  return z < q - 0.5 * tau ? PetscMax(0, z + 0.5 * tau) : q;
}

static double FenTVAprox(double rho, double eps, double t)
{
  (void)eps;
  return PetscMax(-0.5 * rho, PetscMin(0.5 * rho, t));
}

/* mass that leaves values above vmin + cut, and `at` of what is there exactly; E min(d, cut) */
typedef struct {
  double cut, above, at, mean;
} FenTVCut;

static void FenTVMeasure(const FenTilt *T, FenTVCut *c)
{
  c->above = c->at = c->mean = 0;
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = T->q[i] * T->scale;

    if (!FenTiltHas_Private(T, i))
      continue;
    c->mean += q * PetscMin(d, c->cut);
    c->above += d > c->cut ? q : 0;
    c->at += d == c->cut ? q : 0;
  }
}

/* gives mass `taken` of the entries at the cut, and all above, to the lowest */
static void FenTVLaw(const FenTilt *T, const FenTVCut *c, double taken, double p[], FenWorstCase *out)
{
  const double moved = c->above + taken, left = c->at > 0 ? 1 - taken / c->at : 1;

  out->popped = T->below > 0 && T->popat < 0 ? moved : 0;
  for (FenInt i = 0; p && i < T->n; i++) {
    const double d = T->v[i] - T->vmin, q = FenTiltHas_Private(T, i) ? T->q[i] * T->scale : 0;

    p[i] = d > c->cut ? 0 : d == c->cut ? left * q : q;
    if (d == 0 && !(T->below > 0))
      p[i] += q / T->argmass * moved;
  }
  if (p && T->below > 0 && T->popat >= 0)
    p[T->popat] += moved;
}

static double FenTVError(const FenTilt *T)
{
  return FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 16) * (T->spread + T->below));
}

/* E min(v, low + lambda); eta = low + lambda/2, the end of the domain */
static PetscErrorCode FenTVPenalty(FenTilt *T, double p[], FenWorstCase *out)
{
  FenTVCut c = {.cut = T->lambda - T->below};

  PetscFunctionBegin;
  FenTVMeasure(T, &c);
  FenTVLaw(T, &c, 0, p, out);
  out->slack = 2 * FenTVError(T);
  out->value = PetscMax(T->vmin + c.mean - 0.5 * out->slack, T->vmin - T->below);
  out->multiplier = T->vmin + (0.5 * T->lambda - T->below);
  out->its = 1;
  PetscFunctionReturn(0);
}

/* smallest value d with mass at most rho above it: selection by halves on pairs (d, q) */
static double FenTVSelect(const FenTilt *T, double rho)
{
  double *d = T->work, *q = T->work + T->n, above = 0;
  FenInt  first = 0, last = 0;

  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i)) {
      d[last] = T->v[i] - T->vmin;
      q[last++] = T->q[i] * T->scale;
    }
  for (;;) { /* the answer is among first .. last-1, `above` is the mass beyond them */
    const double a = d[first], b = d[first + (last - first) / 2], c = d[last - 1];
    const double pivot = PetscMax(PetscMin(a, b), PetscMin(PetscMax(a, b), c));
    FenInt       lo = first, hi = last, i = first;
    double       mass = 0;

    while (i < hi) { /* smaller | equal | larger */
      const double di = d[i], qi = q[i];

      if (di < pivot) {
        d[i] = d[lo], q[i++] = q[lo];
        d[lo] = di, q[lo++] = qi;
      } else if (di > pivot) {
        mass += qi;
        d[i] = d[--hi], q[i] = q[hi];
        d[hi] = di, q[hi] = qi;
      } else
        i++;
    }
    if (above + mass > rho) {
      first = hi;
      continue;
    }
    above += mass;
    for (i = lo; i < hi; i++)
      above += q[i];
    if (above > rho || lo == first)
      return pivot;
    last = lo;
  }
}

static PetscErrorCode FenTVRadius(FenTilt *T, double rho, double p[], FenWorstCase *out)
{
  FenTVCut c = {.cut = FenTVSelect(T, rho)};
  double   dual, primal, taken;

  PetscFunctionBegin;
  FenTVMeasure(T, &c);
  taken = PetscMax(0, PetscMin(rho - c.above, c.at));
  FenTVLaw(T, &c, taken, p, out);
  dual = c.mean - rho * (c.cut + T->below);
  primal = c.mean - (c.above + taken) * (c.cut + T->below);
  out->slack = 2 * FenTVError(T) + PetscMax(primal - dual, 0);
  out->value = PetscMax(T->vmin + dual - FenTVError(T), T->vmin - T->below);
  out->multiplier = c.cut + T->below;
  out->its = 1;
  PetscFunctionReturn(0);
}

const FenDivergenceMethod FenDivergenceTV = {.name = "tv",
                                             .constants = FenTVConstants,
                                             .value = FenTVValue,
                                             .slope = FenTVSlope,
                                             .edge = FenTVEdge,
                                             .dual = FenTVDual,
                                             .prox = FenTVProx,
                                             .aprox = FenTVAprox,
                                             .worst_penalty = FenTVPenalty,
                                             .worst_radius = FenTVRadius};
