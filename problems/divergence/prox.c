/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Proximal maps. Both solve A f'(e^l) + B e^l + C l = z, increasing in l = log x, by Newton inside a bracket.
*/
#include "divergenceimpl.h"

typedef struct {
  const FenDivergenceMethod *method;
  double                     a;
  double                     slope, exponential, linear, z; /* A, B, C and the right side */
} FenProxEquation;

static double FenProxEvaluate(const FenProxEquation *e, double l, double *rise)
{
  const double f = e->slope * e->method->slope(e->a, l, rise), x = e->exponential * exp(l);

  *rise = *rise * e->slope + x + e->linear;
  return f + x + e->linear * l - e->z;
}

static double FenProxRoot(const FenProxEquation *e, double lower, double upper)
{
  double l = fabs(lower) < fabs(upper) ? lower : upper, width = upper - lower;

  for (int k = 1; k < 200; k++) {
    double rise, g = FenProxEvaluate(e, l, &rise), next = l - g / rise;

    if (g == 0)
      break;
    if (g > 0)
      upper = l;
    else
      lower = l;
    if (k % 4 == 0) {
      next = upper - lower > width / 8 ? lower + 0.5 * (upper - lower) : next;
      width = upper - lower;
    }
    if (!(next > lower && next < upper))
      next = lower + 0.5 * (upper - lower);
    if (fabs(next - l) <= FEN_UNIT_ROUNDOFF * fabs(l) || !(next > lower && next < upper))
      break;
    l = next;
  }
  return l;
}

/* entry with q > 0; slope(-inf) = f'(0) decides whether p = 0 */
static double FenProxEntry(FenDivergence div, double tau, double q, double z)
{
  const FenProxEquation e = {.method = div->method, .a = div->a, .slope = tau, .exponential = q, .z = z};
  const double          end = div->constants.recession;
  double                rise, lower, y = (z - q) / tau;
  FenDual               d;

  if (div->method->prox)
    return div->method->prox(tau, q, z);
  if (z == q)
    return q;
  if (z > q)
    return q * exp(FenProxRoot(&e, 0, log(z / q)));
  div->method->dual(div->a, y, end - y, &d); /* p <= q: f'(p/q) >= (z-q)/tau */
  lower = d.x > 0 ? log(d.x) : -800;
  if (z - tau * div->method->slope(div->a, -INFINITY, &rise) <= 0)
    return 0;
  return q * exp(FenProxRoot(&e, lower, 0));
}

/*@
  FenDivergenceProx - The proximal map argmin_p tau D_f(p|q) + |p-z|^2/2 over p >= 0, entry by entry.

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of entries
. tau - the weight, > 0
. q   - the second law
- z   - the point

  Output Parameter:
. p - the minimiser; where q = 0 it is max(0, z - tau f'(inf)), 0 where f'(inf) = inf

  Level: intermediate

.seealso: `FenDivergenceAprox()`
@*/
PetscErrorCode FenDivergenceProx(FenDivergence div, FenInt n, double tau, const double q[], const double z[],
                                 double p[])
{
  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(tau > 0 && isfinite(tau), FEN_ERR_VALUE, "weight %g: it must be positive and finite", tau);
  for (FenInt i = 0; i < n; i++) {
    PetscCheck(q[i] >= 0 && q[i] < INFINITY && isfinite(z[i]), PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
               "entry %" FENINT_FMT ": q = %g must be finite and >= 0, z = %g finite", i, q[i], z[i]);
    if (q[i] >= FEN_SUPPORT_TINY)
      p[i] = FenProxEntry(div, tau, q[i], z[i]);
    else
      p[i] = isinf(div->constants.recession) ? 0 : PetscMax(0, z[i] - tau * div->constants.recession);
  }
  PetscFunctionReturn(0);
}

/* eps log x + rho f'(x) = t, y = rho f'(x) */
static double FenAproxEntry(FenDivergence div, double rho, double eps, double t)
{
  const FenProxEquation e = {.method = div->method, .a = div->a, .slope = rho, .linear = eps, .z = t};
  double                rise;

  if (div->method->aprox)
    return div->method->aprox(rho, eps, t);
  if (t == 0)
    return 0;
  return rho * div->method->slope(div->a, FenProxRoot(&e, PetscMin(0, t / eps), PetscMax(0, t / eps)), &rise);
}

/*@
  FenDivergenceAprox - The step of a Sinkhorn marginal with penalty rho: argmin_y eps e^{(t-y)/eps} + rho f*(y/rho).

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of entries
. rho - weight of the divergence, > 0
. eps - of the entropy, > 0
- t   - the points

  Output Parameter:
. y - the minimisers

  Level: intermediate

.seealso: `FenDivergenceProx()`
@*/
PetscErrorCode FenDivergenceAprox(FenDivergence div, FenInt n, double rho, double eps, const double t[], double y[])
{
  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(rho > 0 && isfinite(rho) && eps > 0 && isfinite(eps), FEN_ERR_VALUE,
                       "weights %g and %g: both must be positive and finite", rho, eps);
  for (FenInt i = 0; i < n; i++) {
    FEN_DIVERGENCE_CHECK(isfinite(t[i]), FEN_ERR_VALUE, "entry %" FENINT_FMT " is %g, it must be finite", i, t[i]);
    y[i] = FenAproxEntry(div, rho, eps, t[i]);
  }
  PetscFunctionReturn(0);
}
