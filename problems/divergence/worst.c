/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Worst and best cases over laws: penalised and inside a ball.

   Every multiplier gives a valid bound by weak duality, so `value` holds whatever the search did; the law that comes
   with it bounds how much it misses.
*/
#include "divergenceimpl.h"

static PetscErrorCode FenWorstPenalty(FenTilt *T, double lambda, double warm, double p[], FenWorstCase *out)
{
  double    dual, error, missed;
  PetscBool steep = PETSC_FALSE;
  FenTilted S;

  PetscFunctionBegin;
  T->lambda = lambda;
  if (T->method->worst_penalty) {
    PetscCall(T->method->worst_penalty(T, p, out));
    PetscFunctionReturn(0);
  }
  FenTiltSetPenalty_Private(T, lambda);
  FenTiltSolve_Private(T, FenTiltFromMultiplier_Private(T, warm), &S);
  dual = FenTiltDual_Private(T, &S, &error);
  out->multiplier = FenTiltGetMultiplier_Private(T, S.h);
  out->popped = T->below > 0 && T->popat < 0 ? S.popped : 0;
  missed = S.popped > 0 ? 0 : fabs(S.excess) * S.width; /* the dual is concave */
  if (missed > error) {
    FenTiltNormalize_Private(T, &S);
    missed = PetscMin(missed, PetscMax(S.loss + lambda * S.divergence - dual, 0));
    steep = T->method == &FenDivergenceAlpha && T->a > 2 && missed > error ? PETSC_TRUE : PETSC_FALSE;
  }
  if (steep) /* laws that no double h has */
    missed = PetscMax(FenOrderPrimal_Private(T, lambda, p, &S.its) - dual, 0);
  out->its = S.its;
  out->slack = 2 * error + missed;
  out->value = PetscMax(T->vmin + dual - error, T->vmin - T->below);
  if (p && !steep)
    FenTiltLaw_Private(T, &S, 1, p);
  PetscFunctionReturn(0);
}

/* D of the law that has all mass where the value is smallest: a larger radius changes nothing */
static double FenTiltFarthest(const FenTilt *T)
{
  const double least = T->argmass;
  double       x = 1 / least;

  if (T->below > 0)
    return T->constants.zero + T->constants.recession;
  if (least >= 1)
    return 0;
  return least * T->method->value(T->a, x, x - 1) + (1 - least) * T->constants.zero;
}

/* lambda of a small ball: D is about Var/(2 f''(1) lambda^2) */
static double FenTiltFirstLambda(const FenTilt *T, double rho)
{
  double var = 0;

  for (FenInt i = 0; i < T->n; i++) {
    const double c = T->v[i] - T->vmin - T->mean;

    if (FenTiltHas_Private(T, i))
      var += T->q[i] * c * c;
  }
  var = sqrt(var * T->scale);
  if (!(var > 0))
    var = T->spread + T->below;
  return var / sqrt(2 * T->constants.curvature) / sqrt(rho);
}

/* Newton's step for sqrt D, nearly linear in theta = 1/lambda, is kept inside the bracket and within a factor of 32 */
static double FenTiltNextLambda(const FenTilt *T, const FenTilted *S, double rho, double lower, double upper,
                                PetscBool halve)
{
  const double root = sqrt(S->divergence), slope = T->lambda * S->curvature / (2 * root);
  double       next = 1 / (1 / T->lambda + (sqrt(rho) - root) / slope);

  if (!(next > 0))
    next = S->divergence > rho ? INFINITY : 0;
  next = PetscMax(T->lambda / 32, PetscMin(T->lambda * 32, next));
  if (isfinite(upper) && lower > 0 && (halve || !(next > lower && next < upper)))
    next = sqrt(lower) * sqrt(upper);
  return next;
}

/* lambda with D(lambda) = rho, or as small as to make no difference; S: the sums there */
static void FenTiltSolveRadius(FenTilt *T, double rho, double lambda, FenTilted *S, FenInt *its)
{
  const double tiny = 1e-3 * FEN_UNIT_ROUNDOFF * (T->spread + T->below + FEN_UNIT_ROUNDOFF * fabs(T->vmin));
  double       lower = 0, upper = INFINITY, start = NAN, last = INFINITY;

  *its = 0;
  FenTiltSetPenalty_Private(T, lambda);
  for (FenInt round = 0; round < 200; round++) {
    PetscBool halve = PETSC_FALSE;
    FenTilt   old;
    double    next;

    FenTiltSolve_Private(T, start, S);
    *its += S->its;
    old = *T;
    if (fabs(S->divergence - rho) <= 1e-14 * rho || (S->divergence <= rho && T->lambda * rho <= tiny))
      break;
    if (S->divergence > rho)
      lower = T->lambda;
    else
      upper = T->lambda;
    if (round % 4 == 3) { /* four steps halve the distance at least */
      halve = fabs(S->divergence - rho) > 0.5 * last ? PETSC_TRUE : PETSC_FALSE;
      last = fabs(S->divergence - rho);
    }
    next = FenTiltNextLambda(T, S, rho, lower, upper, halve);
    if (fabs(next - T->lambda) <= 4 * FEN_UNIT_ROUNDOFF * T->lambda)
      break;
    FenTiltSetPenalty_Private(T, next);
    start = S->h + S->shift * (next - old.lambda) + (old.base - T->base);
    if (T->gap != old.gap)
      start = NAN;
  }
}

/* d^(t-1); the product with d is d^t */
static double FenPoppedWeight(double t, double d)
{
  return t == 0 ? 1 / d : t == -1 ? 1 / (d * d) : t == 0.5 ? 1 / sqrt(d) : pow(d, t - 1);
}

/*
   Cressie-Read divergences of order below one, in a ball, where mass pops up on the smallest value of all: with d
   counted from there, r the radius in the family's own units and

     t = order/(order-1)    K = (1 + order (order-1) r)^(1/order)    M = E d^t    (order 0: e^-r, and exp E log d for
   M^(1/t))

   the bound K M^(1/t) is the value of the law q K M^(1/t-1) d^(t-1), whose missing mass pops up; if there is any
   missing.
*/
static PetscBool FenWorstPopped(const FenTilt *T, double rho, double p[], FenWorstCase *out)
{
  const double order = T->method->power ? T->method->power(T->a) : 1, t = order / (order - 1);
  const double r = rho / T->constants.curvature, base = order * (order - 1) * r;
  const double exponent = order == 0 ? -r : log1p(base) / order;
  double       m = 0, w = 0, rounded = 2 + fabs(exponent), mean, factor, error;

  if (!(T->below > 0 && order < 1 && base > -1) || (order != 0 && fabs(order) < 1e-3) || T->method == &FenDivergenceJS)
    return PETSC_FALSE;
  for (FenInt i = 0; i < T->n; i++) {
    const double d = T->v[i] - T->vmin + T->below, q = T->q[i] * T->scale;

    if (!FenTiltHas_Private(T, i))
      continue;
    w += q * FenPoppedWeight(t, d);
    m += q * (order == 0 ? log(d) : d * FenPoppedWeight(t, d));
  }
  mean = order == 0 ? exp(m) : pow(m, 1 / t);
  factor = exp(exponent) * mean / (order == 0 ? 1 : m);
  if (!(factor * w <= 1))
    return PETSC_FALSE;
  mean = order == 0 ? factor : factor * m;
  rounded += order == 0 ? fabs(log(T->below)) + fabs(log(T->below + T->spread)) : 1 / fabs(t) + 1 / fabs(order);
  error = FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + 2 * T->below + ((double)T->n + 16) * rounded * mean);
  for (FenInt i = 0; p && i < T->n; i++) {
    const double d = T->v[i] - T->vmin + T->below;

    p[i] = FenTiltHas_Private(T, i) ? T->q[i] * T->scale * factor * FenPoppedWeight(t, d) : 0;
  }
  if (p && T->popat >= 0)
    p[T->popat] += 1 - factor * w;
  out->popped = T->popat < 0 ? 1 - factor * w : 0;
  out->multiplier = (1 - order) * pow(factor, 1 - order) / T->constants.curvature;
  out->value = PetscMax(T->vmin - T->below + mean - error, T->vmin - T->below);
  out->slack = 2 * error;
  out->its = 1;
  return PETSC_TRUE;
}

static PetscErrorCode FenWorstRadius(FenTilt *T, double rho, double warm, double p[], FenWorstCase *out)
{
  double    dual, error, mix, primal;
  FenTilted S;

  PetscFunctionBegin;
  if (T->spread + T->below == 0 || FenTiltFarthest(T) <= rho) {
    FenTiltLowest_Private(T, p, out);
    PetscFunctionReturn(0);
  }
  if (rho == 0) {
    FenTiltNominal_Private(T, p, out);
    PetscFunctionReturn(0);
  }
  if (T->method->worst_radius) {
    PetscCall(T->method->worst_radius(T, rho, p, out));
    PetscFunctionReturn(0);
  }
  if (FenWorstPopped(T, rho, p, out) || FenWorstOrder_Private(T, rho, p, out))
    PetscFunctionReturn(0);
  FenTiltSolveRadius(T, rho, warm > 0 && isfinite(warm) ? warm : FenTiltFirstLambda(T, rho), &S, &out->its);
  dual = FenTiltDual_Private(T, &S, &error) - T->lambda * rho;
  error += 4 * FEN_UNIT_ROUNDOFF * T->lambda * rho;
  FenTiltNormalize_Private(T, &S);
  mix = S.divergence > rho ? rho / S.divergence : 1; /* D is convex: the mixture with q is in the ball */
  primal = mix * (S.loss - S.popped * T->below) + (1 - mix) * T->mean;
  out->multiplier = T->lambda;
  out->popped = T->below > 0 && T->popat < 0 ? mix * S.popped : 0;
  out->slack = 2 * error + PetscMax(primal - dual, 0);
  out->value = PetscMax(T->vmin + dual - error, T->vmin - T->below);
  if (p)
    FenTiltLaw_Private(T, &S, mix, p);
  PetscFunctionReturn(0);
}

#define FAR_RANGE 1e60 /* products of a few ranges, and of their inverses, must be numbers */

/* Values of a range far from one are multiplied by a power of two, exactly; exponent: of what the answer is divided by.
   Sizes are in units of values, or NAN */
static PetscErrorCode FenTiltRescale(FenDivergence div, FenSupport support, double low, double *size, double *warm,
                                     FenTilt *T, int *exponent)
{
  const double  range = T->spread + T->below;
  const FenInt  n = T->n;
  const double *q = T->q, *v = T->v;

  PetscFunctionBegin;
  *exponent = 0;
  if (!(range > 0) || (range < FAR_RANGE && range > 1 / FAR_RANGE))
    PetscFunctionReturn(0);
  *exponent = ilogb(range);
  if (n > div->nscaled) {
    PetscCall(PetscFree(div->scaled));
    div->nscaled = 0;
    PetscCall(PetscMalloc1((size_t)n, &div->scaled));
    div->nscaled = n;
  }
  for (FenInt i = 0; i < n; i++)
    div->scaled[i] = ldexp(v[i], -*exponent);
  low = ldexp(PetscMin(low, T->vmin), -*exponent);
  PetscCall(FenTiltSetUp_Private(div, n, q, div->scaled, support, low, T));
  *warm = ldexp(*warm, -*exponent);
  *size = PetscMax(1e-300, PetscMin(1e300, ldexp(*size, -*exponent))); /* beyond: no difference that counts */
  PetscFunctionReturn(0);
}

static void FenWorstUnscale(int exponent, FenWorstCase *out)
{
  if (exponent == 0)
    return;
  out->multiplier = ldexp(out->multiplier, exponent);
  out->value = ldexp(out->value, exponent) - DBL_TRUE_MIN;
  out->slack = ldexp(out->slack, exponent) + 3 * DBL_TRUE_MIN;
}

/*@
  FenDivergenceWorstPenalty - The smallest mean that nature reaches when it pays for leaving its law:
  min over laws p of <p,v> + lambda D_f(p|q).

  Not Collective

  Input Parameters:
+ div     - the divergence
. n       - number of entries
. q       - the law, n probabilities >= 0; their sum is one within 1e-6 and counts as one
. v       - the values, n
. lambda  - the penalty, > 0, in units of v
. support - where mass may go: `FEN_SUPPORT_NOMINAL` where q > 0; `FEN_SUPPORT_LIST` on all n entries;
            `FEN_SUPPORT_ALL` also on a further state of value low
. low     - the smallest value of all states, for `FEN_SUPPORT_ALL`
- warm    - the multiplier of a similar problem, NAN for none

  Output Parameters:
+ p   - the minimising law, n entries; NULL if not wanted
- out - value (a lower bound), multiplier eta, mass on low, slack (value is at most this below the minimum), passes

  Note:
  Mass pops up on entries with q = 0 only where f'(inf) is finite: burg, js, neyman, hellinger, alpha below 1, tv. For
  the others the three supports are the same.

  Level: intermediate

.seealso: `FenDivergenceWorstRadius()`, `FenDivergenceBestPenalty()`, `FenDivergenceWorstPenaltyRows()`
@*/
PetscErrorCode FenDivergenceWorstPenalty(FenDivergence div, FenInt n, const double q[], const double v[], double lambda,
                                         FenSupport support, double low, double warm, double p[], FenWorstCase *out)
{
  FenTilt T;
  int     exponent;

  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(lambda > 0 && isfinite(lambda), FEN_ERR_VALUE, "penalty %g: it must be positive and finite",
                       lambda);
  PetscCall(FenTiltSetUp_Private(div, n, q, v, support, low, &T));
  PetscCall(FenTiltRescale(div, support, low, &lambda, &warm, &T, &exponent));
  if (div->method->worst_penalty)
    PetscCall(FenDivergenceGetWork_Private(div, 2 * n, &T.work));
  PetscCall(FenWorstPenalty(&T, lambda, warm, p, out));
  FenWorstUnscale(exponent, out);
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceWorstRadius - The smallest mean over a ball: min over laws p with D_f(p|q) <= rho of <p,v>.

  Not Collective

  Input Parameters:
+ div     - the divergence
. n       - number of entries
. q       - the law, n probabilities >= 0; their sum is one within 1e-6 and counts as one
. v       - the values, n
. rho     - the radius, >= 0
. support - as for `FenDivergenceWorstPenalty()`
. low     - the smallest value of all states, for `FEN_SUPPORT_ALL`
- warm    - the multiplier of a similar problem, NAN for none

  Output Parameters:
+ p   - a law in the ball that comes within out->slack of the minimum, n entries; NULL if not wanted
- out - value (a lower bound), multiplier lambda (0: the radius reaches the smallest value; inf: the radius is 0), mass
        on low, slack, passes

  Level: intermediate

.seealso: `FenDivergenceWorstPenalty()`, `FenDivergenceBestRadius()`, `FenDivergenceWorstRadiusRows()`
@*/
PetscErrorCode FenDivergenceWorstRadius(FenDivergence div, FenInt n, const double q[], const double v[], double rho,
                                        FenSupport support, double low, double warm, double p[], FenWorstCase *out)
{
  FenTilt T;
  double  none = NAN;
  int     exponent;

  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(rho >= 0, FEN_ERR_VALUE, "radius %g: it must be >= 0", rho);
  PetscCall(FenTiltSetUp_Private(div, n, q, v, support, low, &T));
  PetscCall(FenTiltRescale(div, support, low, &none, &warm, &T, &exponent));
  if (div->method->worst_radius)
    PetscCall(FenDivergenceGetWork_Private(div, 2 * n, &T.work));
  PetscCall(FenWorstRadius(&T, rho, warm, p, out));
  FenWorstUnscale(exponent, out);
  PetscFunctionReturn(0);
}
