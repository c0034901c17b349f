/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The penalised worst case of one law: the multiplier that normalises the tilted law, by a Newton method inside a
   bracket, and the sums over that law.

   sum q (f*)'(y(h)) - 1 increases in h. h is bracketed by y <= 0 everywhere (mass <= 1) and by each entry keeping at
   most mass one, which also stays inside the domain of f*. (f*)' is convex but for "alpha" above 2, so Newton's steps
   from the right do not overshoot.
*/
#include "divergenceimpl.h"

/* first index whose q or v breaks a rule, for the message */
static PetscErrorCode FenTiltRefuse(FenInt n, const double q[], const double v[], double sum)
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    FEN_DIVERGENCE_CHECK(q[i] >= 0 && q[i] < INFINITY, FEN_ERR_VALUE,
                         "probability %" FENINT_FMT " is %g, it must be finite and >= 0", i, q[i]);
    FEN_DIVERGENCE_CHECK(isfinite(v[i]) || q[i] < FEN_SUPPORT_TINY, FEN_ERR_VALUE,
                         "value %" FENINT_FMT " is %g, it must be finite", i, v[i]);
  }
  FEN_DIVERGENCE_CHECK(fabs(sum - 1) <= 1e-6, FEN_ERR_VALUE,
                       "the probabilities of %" FENINT_FMT " entries sum to %.12g, not to one", n, sum);
  SETERRQ(PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE, "the values spread over more than a double holds");
}

static void FenTiltSetLow(FenTilt *T, FenSupport support, double low)
{
  T->below = 0;
  T->popat = -1;
  if (support == FEN_SUPPORT_NOMINAL || isinf(T->constants.recession))
    return;
  if (support == FEN_SUPPORT_LIST) {
    low = T->vmin;
    for (FenInt i = 0; i < T->n; i++)
      if (!FenTiltHas_Private(T, i) && T->v[i] < low) {
        low = T->v[i];
        T->popat = i;
      }
  }
  T->below = PetscMax(T->vmin - low, 0);
}

PetscErrorCode FenTiltSetUp_Private(FenDivergence div, FenInt n, const double q[], const double v[], FenSupport support,
                                    double low, FenTilt *T)
{
  double sum = 0, lo = INFINITY, hi = -INFINITY, mean = 0, least = 0, poor = 0;

  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(n > 0, FEN_ERR_SHAPE, "a law of %" FENINT_FMT " entries", n);
  *T = (FenTilt){.method = div->method, .a = div->a, .constants = div->constants, .n = n, .q = q, .v = v};
  for (FenInt i = 0; i < n; i++) {
    poor += q[i] >= 0 ? 0 : 1;
    if (!FenTiltHas_Private(T, i))
      continue;
    sum += q[i];
    lo = PetscMin(lo, v[i]);
    hi = PetscMax(hi, v[i]);
  }
  for (FenInt i = 0; i < n; i++) {
    if (!FenTiltHas_Private(T, i))
      continue;
    mean += q[i] * (v[i] - lo);
    least += v[i] == lo ? q[i] : 0;
  }
  T->vmin = lo;
  T->spread = hi - lo;
  if (!(poor == 0 && fabs(sum - 1) <= 1e-6 && isfinite(mean) && isfinite(T->spread)))
    PetscCall(FenTiltRefuse(n, q, v, sum));
  T->scale = 1 / sum;
  T->mean = PetscMin(mean * T->scale, T->spread);
  T->argmass = PetscMin(least * T->scale, 1);
  FEN_DIVERGENCE_CHECK(support != FEN_SUPPORT_ALL || isfinite(low), FEN_ERR_VALUE,
                       "the smallest value of all states is %g, it must be finite", low);
  FenTiltSetLow(T, support, low);
  PetscFunctionReturn(0);
}

void FenTiltSetPenalty_Private(FenTilt *T, double lambda)
{
  const double reach = (T->spread + T->below) / lambda, end = T->constants.recession;

  T->lambda = lambda;
  T->gap = reach > 0.5 * end ? PETSC_TRUE : PETSC_FALSE;
  T->base = !T->gap && reach < 1 ? T->mean : 0;
}

/* what h is counted from, above vmin */
static double FenTiltOrigin(const FenTilt *T)
{
  return T->gap ? T->lambda * T->constants.recession : T->base;
}

double FenTiltGetMultiplier_Private(const FenTilt *T, double h)
{
  return T->vmin + (FenTiltOrigin(T) + h);
}

double FenTiltFromMultiplier_Private(const FenTilt *T, double eta)
{
  return (eta - T->vmin) - FenTiltOrigin(T);
}

/* entry with value vmin + d, tilted by h; *u: y or, in the gap form, the gap */
static inline void FenTiltEntry(const FenTilt *T, double d, double h, FenDual *dual, double *u)
{
  const double end = T->constants.recession;

  *u = T->gap ? (d - h) / T->lambda : (h - (d - T->base)) / T->lambda;
  T->method->dual(T->a, T->gap ? end - *u : *u, T->gap ? *u : end - *u, dual);
}

/* mass - 1 and its derivative */
static double FenTiltExcess(const FenTilt *T, double h, double *slope)
{
  double  sum = 0, weight = 0, u;
  FenDual dual;

  for (FenInt i = 0; i < T->n; i++) {
    if (!FenTiltHas_Private(T, i))
      continue;
    FenTiltEntry(T, T->v[i] - T->vmin, h, &dual, &u);
    sum += T->q[i] * dual.t;
    weight += T->q[i] * dual.weight;
  }
  *slope = weight * T->scale / T->lambda;
  return sum * T->scale;
}

/* the largest h that lets an entry of mass q at vmin + d have mass at most one */
static double FenTiltCap(const FenTilt *T, double q, double d)
{
  double rise;

  if (T->gap)
    return d - T->lambda * T->method->edge(T->a, -log(q));
  return d - T->base + T->lambda * T->method->slope(T->a, -log(q), &rise);
}

/* all: over all entries, a close bracket; otherwise over the least values only, without a pass */
static double FenTiltUpper(const FenTilt *T, PetscBool all)
{
  double upper = PetscMin(T->spread - FenTiltOrigin(T), FenTiltCap(T, T->argmass, 0));

  for (FenInt i = 0; all && i < T->n; i++)
    if (FenTiltHas_Private(T, i))
      upper = PetscMin(upper, FenTiltCap(T, PetscMin(T->q[i] * T->scale, 1), T->v[i] - T->vmin));
  return upper;
}

static double FenTiltMiddle(const FenTilt *T, double lower, double upper)
{
  return T->gap && upper < 0 ? -sqrt(lower) * sqrt(upper) : lower + 0.5 * (upper - lower);
}

/* Newton inside [lower, upper]; a bracket that does not shrink to an eighth in six steps is halved */
static double FenTiltRoot(const FenTilt *T, double h, double lower, double upper, FenInt *its)
{
  const double tol = FEN_UNIT_ROUNDOFF * (8 + sqrt((double)T->n));
  double       slope, g, next, width = upper - lower;

  for (*its = 1; *its < 200; (*its)++) {
    g = FenTiltExcess(T, h, &slope);
    if (fabs(g) <= tol)
      break;
    if (g > 0)
      upper = h;
    else
      lower = h;
    next = h - g / slope;
    if (*its % 6 == 0) {
      next = upper - lower > width / 8 ? FenTiltMiddle(T, lower, upper) : next;
      width = upper - lower;
    }
    if (!(next > lower && next < upper))
      next = FenTiltMiddle(T, lower, upper);
    if (next == h || !(next > lower && next < upper))
      break;
    h = next;
  }
  return h;
}

/* all sums at S->h, in one pass */
static void FenTiltGather(const FenTilt *T, FenTilted *S)
{
  double  mass = 0, div = 0, conj = 0, size = 0, loss = 0, w0 = 0, w1 = 0, w2 = 0, u, mean;
  FenDual dual;

  for (FenInt i = 0; i < T->n; i++) {
    const double q = T->q[i], d = T->v[i] - T->vmin;

    if (!FenTiltHas_Private(T, i))
      continue;
    FenTiltEntry(T, d, S->h, &dual, &u);
    mass += q * dual.t;
    div += q * T->method->value(T->a, dual.x, dual.t);
    conj += q * dual.value;
    size += q * fabs(dual.value);
    loss += q * dual.x * d;
    w0 += q * dual.weight;
    w1 += q * dual.weight * u;
    w2 += q * dual.weight * u * u;
  }
  S->excess = mass * T->scale;
  S->conjugate = conj * T->scale;
  S->size = size * T->scale;
  S->loss = loss * T->scale;
  S->divergence = div * T->scale;
  if (S->popped > 0) { /* h does not move with lambda: the mean gap is that of the popped entry, 0 */
    S->popped = PetscMax(-S->excess, 0);
    S->divergence += T->constants.recession * S->popped;
    mean = 0;
  } else
    mean = w0 > 0 ? w1 / w0 : 0;
  S->shift = T->gap ? -mean : mean;
  S->curvature = PetscMax(w2 - mean * (2 * w1 - mean * w0), 0) * T->scale;
}

void FenTiltSolve_Private(const FenTilt *T, double start, FenTilted *S)
{
  const double lower = -FenTiltOrigin(T), cap = -T->below;
  PetscBool    capped = PETSC_FALSE;
  double       upper, slope;

  S->its = 1;
  S->popped = 0;
  S->width = 0;
  if (T->method->root) {
    S->h = T->method->root(T);
    FenTiltGather(T, S);
    return;
  }
  upper = FenTiltUpper(T, isfinite(start) ? PETSC_FALSE : PETSC_TRUE);
  if (T->gap && T->below > 0 && cap < upper) {
    upper = cap;
    capped = PETSC_TRUE;
  }
  if (capped && FenTiltExcess(T, upper, &slope) < 0) {
    S->popped = 1;
    S->h = upper;
  } else {
    S->h = isfinite(start) ? PetscMax(lower, PetscMin(upper, start)) : upper;
    S->h = FenTiltRoot(T, S->h, lower, upper, &S->its);
    S->width = PetscMax(upper - S->h, S->h - lower);
  }
  FenTiltGather(T, S);
  S->its++;
}

double FenTiltDual_Private(const FenTilt *T, const FenTilted *S, double *error)
{
  const double origin = FenTiltOrigin(T);
  const double size = T->lambda * S->size + origin + fabs(S->h) + S->loss + T->spread;

  *error = FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 16) * size);
  return (origin + S->h) - T->lambda * S->conjugate;
}

void FenTiltLaw_Private(const FenTilt *T, const FenTilted *S, double mix, double p[])
{
  const double mass = S->popped > 0 ? 1 : 1 + S->excess;
  double       u;
  FenDual      dual;

  for (FenInt i = 0; i < T->n; i++) {
    p[i] = 0;
    if (!FenTiltHas_Private(T, i))
      continue;
    FenTiltEntry(T, T->v[i] - T->vmin, S->h, &dual, &u);
    p[i] = T->q[i] * T->scale * (mix * dual.x / mass + (1 - mix));
  }
  if (T->popat >= 0)
    p[T->popat] += mix * S->popped;
}

void FenTiltLowest_Private(const FenTilt *T, double p[], FenWorstCase *out)
{
  const PetscBool pops = T->below > 0 ? PETSC_TRUE : PETSC_FALSE;

  for (FenInt i = 0; p && i < T->n; i++)
    p[i] = !pops && FenTiltHas_Private(T, i) && T->v[i] == T->vmin ? T->q[i] * T->scale / T->argmass : 0;
  if (p && pops && T->popat >= 0)
    p[T->popat] = 1;
  out->slack = 2 * FEN_UNIT_ROUNDOFF * (fabs(T->vmin) + T->below);
  out->value = T->vmin - T->below - (pops ? out->slack : 0);
  out->popped = pops && T->popat < 0 ? 1 : 0;
  out->multiplier = 0;
  out->its = 1;
}

void FenTiltNominal_Private(const FenTilt *T, double p[], FenWorstCase *out)
{
  const double error = FEN_UNIT_ROUNDOFF * (2 * fabs(T->vmin) + ((double)T->n + 8) * T->mean);

  for (FenInt i = 0; p && i < T->n; i++)
    p[i] = FenTiltHas_Private(T, i) ? T->q[i] * T->scale : 0;
  out->value = PetscMax(T->vmin + T->mean - error, T->vmin);
  out->slack = 2 * error;
  out->popped = 0;
  out->multiplier = INFINITY;
  out->its = 1;
}
