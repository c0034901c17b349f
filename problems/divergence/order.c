/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Cressie-Read divergences of order a in a ball, by one scalar instead of two: the laws q x with

     x ~ |1 - d/A|^e,  e = 1/(a-1),  d = v - vmin;   a > 1: A > 0, and x = 0 where d > A;   a < 1: A < 0

   any A bounds the worst case from below, and the best has D = E f(x) = rho, where D falls as |A| grows:

     bound   -A (e^s - 1),  s = log(1 + a (a-1) rho)/a + log(E |1 - d/A|_+^t)/t,  t = 1 + e

   which loses no digits when A is large, that is for small radii; nor does x - 1, from e^{e log(1 - d/A)} - 1.

   At a price lambda the best A has E ((A - d)_+ (a-1)/lambda)^e = 1, a > 1; bounds of prices are others' business.

   For large a the power e is next to zero: x jumps from nothing to nearly all where A passes a value d_k, and A - d_k
   itself is too small for a double. So A lies in a piece behind one of the values and is kept as the logarithm of
   (A - d_k)^e, the weight of the entries at d_k, in which D is smooth whatever e is.

   Cost: about log2 of the number of values, and some ten, passes over the row.
*/
#include "divergenceimpl.h"

#define ORDER_PASSES 200
#define ORDER_ONE    1e-3  /* orders closer to one are left to others */
#define ORDER_LEAST  -600. /* of logarithms of |A|, for a < 1 to be formed */

/* a > 1: A = at + over, log over = w/e;  a < 1: -A = over, log over = w. top: |A| */
typedef struct {
  const FenTilt *T;
  double         rho, l; /* of a ball, or lambda/(a-1) */
  double         e, at, w, over, top;
  double         mass, shift; /* E g and E g - 1, g = |1 - d/A|_+^e, which times q is the law, up to its mass */
  double         divergence;
  double far; /* falls with w, zero is wanted: log D - log rho, or minus the logarithm of the mass at this price */
  FenInt its;
} FenOrder;

/* log |1 - d/A|; |A| may be below all doubles for a < 1 */
static double FenOrderLog(const FenOrder *s, double d)
{
  if (s->e < 0)
    return d == 0 ? 0 : s->w > ORDER_LEAST ? log1p(d / s->top) : log(d) - s->w;
  if (2 * d < s->top)
    return log1p(-d / s->top);
  if (d == s->at)
    return s->w / s->e - log(s->top);
  return d < s->at ? log(((s->at - d) + s->over) / s->top) : d < s->top ? log((s->top - d) / s->top) : -INFINITY;
}

/* x of an entry, and x - 1 with its own accuracy */
static double FenOrderRatio(const FenOrder *s, double d, double *t)
{
  const double l = s->e * FenOrderLog(s, d);

  *t = s->mass < 0.5 ? (exp(l) - s->mass) / s->mass : (expm1(l) - s->shift) / s->mass;
  return *t < -0.5 ? exp(l) / s->mass : 1 + *t;
}

/* E (e^{c l} - 1)/c, l = log |1 - d/A|; mass: E e^{c l}, rounded: its error in units of its own */
static double FenOrderMean(const FenOrder *s, double c, double *mass, double *rounded)
{
  const FenTilt *T = s->T;
  double         shift = 0, kept = 0, size = 0;

  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i)) {
      const double l = FenOrderLog(s, T->v[i] - T->vmin), g = T->q[i] * exp(c * l);

      shift += T->q[i] * FenPowerLog_Private(c, l);
      kept += g;
      size += g > 0 ? g * (1 + fabs(c * l)) : 0;
    }
  shift *= T->scale;
  kept *= T->scale;
  *rounded = kept < 0.5 ? size * T->scale / kept : fabs(shift * c) / kept;
  *mass = kept < 0.5 ? kept : 1 + c * shift;
  return kept < 0.5 ? (kept - 1) / c : shift;
}

static void FenOrderSum(FenOrder *s, double at, double w)
{
  const FenTilt *T = s->T;
  double         sum = 0, t;

  s->at = at;
  s->w = w;
  s->over = exp(s->e > 0 ? w / s->e : w);
  s->top = at + s->over;
  s->shift = s->e * FenOrderMean(s, s->e, &s->mass, &t);
  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i)) {
      const double d = T->v[i] - T->vmin, x = FenOrderRatio(s, d, &t);

      if (T->a < 0.5 && x < 1e-290) /* or zero, of which f may be infinite */
        sum += T->q[i] * (-1 - FenPowerLog_Private(T->a, s->e * FenOrderLog(s, d) - log(s->mass))) / (1 - T->a);
      else
        sum += T->q[i] * T->method->value(T->a, x, t);
    }
  s->divergence = sum * T->scale;
  s->its++;
  if (s->l > 0)
    s->far = s->e * (log(s->l) - log(s->top)) - log(PetscMax(s->mass, 1e-300));
  else
    s->far = log(PetscMin(PetscMax(s->divergence, 1e-300), 1e300)) - log(s->rho);
}

static double FenOrderFar(FenOrder *s, double w)
{
  FenOrderSum(s, s->at, w);
  return s->far;
}

/* the value in the middle of those between lower and upper, in the order of the row; NAN: there are none */
static double FenOrderBetween(const FenTilt *T, double lower, double upper)
{
  FenInt count = 0, k = 0;

  for (FenInt i = 0; i < T->n; i++)
    count += FenTiltHas_Private(T, i) && T->v[i] - T->vmin > lower && T->v[i] - T->vmin < upper;
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin;

    if (FenTiltHas_Private(T, i) && d > lower && d < upper && k++ == count / 2)
      return d;
  }
  return NAN;
}

/* a root of a falling function between a (positive there) and b, both with their values: inverse quadratic steps or
   halves of the bracket (Chandrupatla, Advances in Engineering Software 28, 1997) */
static void FenOrderRoot(FenOrder *s, double a, double fa, double b, double fb)
{
  double c = a, fc = fa, share = 0.5;

  while (s->its < ORDER_PASSES) {
    const double x = a + share * (b - a), f = FenOrderFar(s, x);
    double       near, ratio, height;

    if ((f > 0) == (fa > 0)) {
      c = a;
      fc = fa;
    } else {
      c = b;
      fc = fb;
      b = a;
      fb = fa;
    }
    a = x;
    fa = f;
    near = 2 * FEN_UNIT_ROUNDOFF * (fabs(x) + 1) / fabs(b - a);
    if (fabs(f) <= 4 * FEN_UNIT_ROUNDOFF || near > 0.5)
      break;
    ratio = (a - b) / (c - b);
    height = (fa - fb) / (fc - fb);
    share = 0.5;
    if (height * height < ratio && (1 - height) * (1 - height) < 1 - ratio)
      share = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb);
    share = PetscMin(PetscMax(share, near), 1 - near);
  }
}

/* orders above one: the piece of A; `most`: the largest w in it, or infinite */
static double FenOrderPiece(FenOrder *s, double *most)
{
  double lower = 0, upper = INFINITY, d;

  while (!isnan(d = FenOrderBetween(s->T, lower, upper))) {
    FenOrderSum(s, d, -INFINITY);
    if (s->far > 0)
      lower = d;
    else
      upper = d;
  }
  *most = isfinite(upper) ? s->e * log(upper - lower) : INFINITY;
  return lower;
}

/* D = rho, or mass one, or where that is next to nothing away */
static void FenOrderSolve(FenOrder *s)
{
  const FenTilt *T = s->T;
  double         lower, upper = INFINITY, fl, fu, step = 1;

  if (s->e > 0) {
    s->at = FenOrderPiece(s, &upper);
    if (s->at == 0 && !(s->l > 0)) /* the radius is nearly that of all mass on the smallest value */
      s->at = exp(upper / s->e);
    lower = s->l > 0 ? s->e * log(s->l) : s->e * log(s->at) + log(T->argmass);
    lower -= s->at > 0 ? 45 * PetscMax(1, s->e) : 0; /* such weights, or such a step of A, do not count */
  } else {
    upper = lower = log(T->spread);
    while (FenOrderFar(s, lower) < 0 && s->its < ORDER_PASSES) {
      upper = lower;
      lower -= step;
      step *= 2;
    }
    upper = upper > lower ? upper : INFINITY;
  }
  fl = FenOrderFar(s, lower);
  if (!(fl > 0))
    return;
  step = s->e > 0 ? PetscMax(s->e, 1e-3) : 1;
  if (isinf(upper)) {
    upper = PetscMax(lower, (s->e > 0 ? s->e : 1) * log(T->spread));
    while ((fu = FenOrderFar(s, upper)) > 0 && s->its < ORDER_PASSES) {
      lower = upper;
      fl = fu;
      upper += step;
      step *= 2;
    }
  } else
    fu = FenOrderFar(s, upper);
  FenOrderRoot(s, lower, fl, upper, fu);
}

/* a < 1, |A| below the spread: |A| e^s, without powers of the ratio of the two */
static double FenOrderNear(const FenOrder *s, double factor, double *rounded)
{
  const FenTilt *T = s->T;
  const double   t = 1 + s->e, top = log(T->spread + s->top);
  double         mass = 0, shift = 0, size = 0;

  for (FenInt i = 0; i < T->n; i++)
    if (FenTiltHas_Private(T, i)) {
      const double d = T->v[i] - T->vmin, l = (d > 0 ? log(d + s->top) : s->w) - top, g = T->q[i] * exp(t * l);

      mass += g;
      shift += T->q[i] * FenPowerLog_Private(t, l);
      size += g * (1 + fabs(l) + fabs(top)) + T->q[i] * fabs(FenPowerLog_Private(t, l));
    }
  mass *= T->scale;
  shift *= T->scale;
  *rounded = size * T->scale / mass + fabs(top) + (mass < 0.5 ? 1 / fabs(t) : 0);
  return exp(top + (t == 0 ? shift : mass < 0.5 ? log(mass) / t : log1p(t * shift) / t) + factor);
}

/* the bound of the scalar of now, its rounding, and lambda */
static double FenOrderBound(const FenOrder *s, double *error, double *lambda)
{
  const double a = s->T->a, t = 1 + s->e, c = a * (a - 1) * s->rho, factor = a == 0 ? -s->rho : log1p(c) / a;
  double       bound, kept, rounded, mass;

  if ((a < -0.5 && s->top < s->T->spread) || (a < 1 && s->w < ORDER_LEAST)) {
    kept = FenOrderNear(s, factor, &rounded);
    bound = kept - s->top;
    rounded += 1 + fabs(factor);
  } else {
    const double m = FenOrderMean(s, t, &mass, &rounded), power = t == 0       ? m
                                                                  : mass < 0.5 ? log(mass) / t
                                                                               : log1p(t * m) / t;

    kept = s->top * exp(power + factor);
    bound = (s->e > 0 ? -s->top : s->top) * expm1(power + factor);
    rounded = (t == 0 ? fabs(m) : rounded / fabs(t)) + fabs(power) + fabs(factor);
  }
  *error = FEN_UNIT_ROUNDOFF * ((double)s->T->n + 16) * 2 * (kept * rounded + fabs(bound));
  *lambda = fabs((a - 1) / (1 + c)) * kept;
  return bound;
}

/* PETSC_FALSE: not of these; where mass may pop up the radius may need it to */
PetscBool FenWorstOrder_Private(const FenTilt *T, double rho, double p[], FenWorstCase *out)
{
  FenOrder s = {.T = T, .rho = rho, .e = 1 / (T->a - 1)};
  double   bound, error, loss = 0, mix, t;

  if (T->method != &FenDivergenceAlpha || !(fabs(T->a - 1) >= ORDER_ONE) || T->below > 0)
    return PETSC_FALSE;
  FenOrderSolve(&s);
  bound = FenOrderBound(&s, &error, &out->multiplier);
  mix = s.divergence > rho ? rho / s.divergence : 1; /* D is convex: the mixture with q is in the ball */
  for (FenInt i = 0; i < T->n; i++) {
    const PetscBool there = FenTiltHas_Private(T, i);
    const double    d = T->v[i] - T->vmin, x = there ? FenOrderRatio(&s, d, &t) : 0;

    loss += there ? T->q[i] * x * d : 0;
    if (p)
      p[i] = there ? T->q[i] * T->scale * (mix * x + (1 - mix)) : 0;
  }
  error += FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 8) * T->mean);
  out->popped = 0;
  out->its = s.its;
  out->slack = 2 * error + PetscMax(mix * loss * T->scale + (1 - mix) * T->mean - bound, 0);
  out->value = PetscMax(T->vmin + bound - error, T->vmin);
  return PETSC_TRUE;
}

/* orders above one: loss + lambda D of the best law at this price, which may become p */
double FenOrderPrimal_Private(const FenTilt *T, double lambda, double p[], FenInt *its)
{
  FenOrder s = {.T = T, .l = lambda / (T->a - 1), .e = 1 / (T->a - 1)};
  double   loss = 0, t;

  FenOrderSolve(&s);
  for (FenInt i = 0; i < T->n; i++) {
    const PetscBool there = FenTiltHas_Private(T, i);
    const double    d = T->v[i] - T->vmin, x = there ? FenOrderRatio(&s, d, &t) : 0;

    loss += there ? T->q[i] * x * d : 0;
    if (p)
      p[i] = there ? T->q[i] * T->scale * x : 0;
  }
  *its += s.its;
  return loss * T->scale + lambda * s.divergence;
}
