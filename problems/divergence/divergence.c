/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenDivergence: its life, and what is asked of it entry by entry.
*/
#include "divergenceimpl.h"
#include <petscviewer.h>

const char *const FenDivergenceNames[] = {"kl",     "burg",      "jeffreys", "js", "pearson",
                                          "neyman", "hellinger", "alpha",    "tv", NULL};
const char *const FenSupports[] = {"nominal", "list", "all", "FenSupport", "FEN_SUPPORT_", NULL};

/* in the order of the names */
static const FenDivergenceMethod *const methods[] = {
    &FenDivergenceKL,     &FenDivergenceBurg,      &FenDivergenceJeffreys, &FenDivergenceJS, &FenDivergencePearson,
    &FenDivergenceNeyman, &FenDivergenceHellinger, &FenDivergenceAlpha,    &FenDivergenceTV};

/*@
  FenDivergenceView - Prints the name and the conventions of a divergence.

  Collective

  Input Parameters:
+ div    - the divergence
- viewer - where to; other viewers than ASCII print nothing

  Level: beginner

.seealso: `FenDivergenceCreate()`
@*/
PetscErrorCode FenDivergenceView(FenDivergence div, PetscViewer viewer)
{
  const FenDivergenceConstants *c = &div->constants;
  PetscBool                     ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)div, viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s", div->method->name));
  if (div->method == &FenDivergenceAlpha)
    PetscCall(PetscViewerASCIIPrintf(viewer, " %g", div->a));
  PetscCall(
      PetscViewerASCIIPrintf(viewer, ": f(0) = %g, f'(inf) = %g, f''(1) = %g\n", c->zero, c->recession, c->curvature));
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceDestroy - Gives a divergence back; it is freed when nobody holds it any longer.

  Collective

  Input Parameter:
. div - the divergence, NULL on return

  Level: beginner

.seealso: `FenDivergenceCreate()`
@*/
PetscErrorCode FenDivergenceDestroy(FenDivergence *div)
{
  PetscFunctionBegin;
  if (!*div)
    PetscFunctionReturn(0);
  if (--((PetscObject)*div)->refct > 0) {
    *div = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(PetscFree((*div)->work));
  PetscCall(PetscFree((*div)->scaled));
  PetscCall(PetscHeaderDestroy(div));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenDivergenceFind(MPI_Comm comm, const char name[], const FenDivergenceMethod **method)
{
  char      list[256] = "";
  PetscBool same;

  PetscFunctionBegin;
  *method = NULL;
  for (size_t k = 0; FenDivergenceNames[k] && !*method; k++) {
    PetscCall(PetscStrcmp(name, FenDivergenceNames[k], &same));
    *method = same ? methods[k] : NULL;
    PetscCall(PetscStrlcat(list, " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, FenDivergenceNames[k], sizeof(list)));
  }
  PetscCheck(*method, comm, (PetscErrorCode)FEN_ERR_OPTION, "no divergence \"%s\"; there are%s", name ? name : "",
             list);
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceCreate - Makes a divergence by its name.

  Collective

  Input Parameters:
+ comm  - the ranks; nothing is sent
. name  - one of `FenDivergenceNames`: kl burg jeffreys js pearson neyman hellinger alpha tv
- alpha - the exponent of "alpha", any finite number; the others do not use it

  Output Parameter:
. div - the divergence

  Errors:
  `FEN_ERR_OPTION` for an unknown name, `FEN_ERR_VALUE` for an exponent that is not finite.

  Level: beginner

.seealso: `FenDivergenceValue()`, `FenDivergenceWorstPenalty()`, `FenDivergenceWorstRadius()`, `FenDivergenceDestroy()`
@*/
PetscErrorCode FenDivergenceCreate(MPI_Comm comm, const char name[], double alpha, FenDivergence *div)
{
  const FenDivergenceMethod *method;
  FenDivergence              d;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  PetscCall(FenDivergenceFind(comm, name, &method));
  PetscCheck(method != &FenDivergenceAlpha || fabs(alpha) <= 1000, comm, (PetscErrorCode)FEN_ERR_VALUE,
             "the exponent of the divergence alpha is %g, it must lie in [-1000,1000]", alpha);
  PetscCall(PetscHeaderCreate(d, FENDIVERGENCE_CLASSID, "FenDivergence", "Divergence", "FenDivergence", comm,
                              FenDivergenceDestroy, FenDivergenceView));
  PetscCall(PetscObjectChangeTypeName((PetscObject)d, method->name));
  d->method = method;
  d->a = alpha;
  method->constants(alpha, &d->constants);
  *div = d;
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceGetName - Says which divergence it is.

  Not Collective

  Input Parameter:
. div - the divergence

  Output Parameter:
. name - one of `FenDivergenceNames`

  Level: beginner

.seealso: `FenDivergenceCreate()`
@*/
PetscErrorCode FenDivergenceGetName(FenDivergence div, const char *name[])
{
  PetscFunctionBegin;
  *name = div->method->name;
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceGetConstants - Gets f(0), f'(inf) and f''(1).

  Not Collective

  Input Parameter:
. div - the divergence

  Output Parameter:
. constants - the numbers

  Level: intermediate

.seealso: `FenDivergenceGenerator()`
@*/
PetscErrorCode FenDivergenceGetConstants(FenDivergence div, FenDivergenceConstants *constants)
{
  PetscFunctionBegin;
  *constants = div->constants;
  PetscFunctionReturn(0);
}

PetscErrorCode FenDivergenceGetWork_Private(FenDivergence div, FenInt n, double *work[])
{
  size_t bytes;

  PetscFunctionBegin;
  if (n > div->nwork) {
    PetscCall(FenBytes(n, sizeof(double), &bytes));
    PetscCall(PetscFree(div->work));
    div->nwork = 0;
    PetscCall(PetscMalloc(bytes, &div->work));
    div->nwork = n;
  }
  *work = div->work;
  PetscFunctionReturn(0);
}

/* x f''(x) goes like a power of x near zero: f'' grows, vanishes or stays */
static double FenDivergenceCurvatureAtZero(FenDivergence div)
{
  double near, nearer;

  div->method->slope(div->a, -300, &near);
  div->method->slope(div->a, -600, &nearer);
  near *= exp(300);
  nearer *= exp(600);
  if (nearer > near * (1 + 1e-9))
    return INFINITY;
  return nearer < near * (1 - 1e-9) ? 0 : nearer;
}

/*@
  FenDivergenceGenerator - Evaluates f, f' and f'' at points x >= 0.

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of points
- x   - the points

  Output Parameters:
+ f   - f(x); NULL: not wanted, as for the others
. df  - f'(x), of tv the subgradient 0 at x = 1
- d2f - f''(x)

  Errors:
  `FEN_ERR_VALUE` for x < 0.

  Level: intermediate

.seealso: `FenDivergenceConjugate()`
@*/
PetscErrorCode FenDivergenceGenerator(FenDivergence div, FenInt n, const double x[], double f[], double df[],
                                      double d2f[])
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    double rise, slope;

    FEN_DIVERGENCE_CHECK(x[i] >= 0, FEN_ERR_VALUE, "point %" FENINT_FMT " is %g, it must be >= 0", i, x[i]);
    slope = div->method->slope(div->a, log(x[i]), &rise);
    if (f)
      f[i] = isinf(x[i]) ? INFINITY : div->method->value(div->a, x[i], x[i] - 1);
    if (d2f)
      d2f[i] = x[i] > 0 ? rise / x[i] : FenDivergenceCurvatureAtZero(div);
    if (df)
      df[i] = slope;
  }
  PetscFunctionReturn(0);
}

/* f* and its derivatives at one point */
static void FenDivergenceDual(FenDivergence div, double y, FenDual *d)
{
  const double gap = div->constants.recession - y;

  if (gap < 0 || (gap == 0 && isinf(y)))
    *d = (FenDual){.x = INFINITY, .t = INFINITY, .value = INFINITY, .weight = INFINITY};
  else
    div->method->dual(div->a, y, gap, d);
}

/*@
  FenDivergenceConjugate - Evaluates f*, (f*)' and (f*)'' at points y; +inf beyond f'(inf).

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of points
- y   - the points

  Output Parameters:
+ f   - f*(y); NULL: not wanted, as for the others
. df  - (f*)'(y) >= 0; of tv, where it is a set, 1 at both ends of the domain
- d2f - (f*)''(y), 0 where (f*)' is constant

  Level: intermediate

.seealso: `FenDivergenceGenerator()`
@*/
PetscErrorCode FenDivergenceConjugate(FenDivergence div, FenInt n, const double y[], double f[], double df[],
                                      double d2f[])
{
  FenDual d;

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    FenDivergenceDual(div, y[i], &d);
    if (f)
      f[i] = d.value;
    if (df)
      df[i] = d.x;
    if (d2f)
      d2f[i] = d.weight;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenDivergenceCheckPair(FenInt i, double p, double q)
{
  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(p >= 0 && p < INFINITY && q >= 0 && q < INFINITY, FEN_ERR_VALUE,
                       "entry %" FENINT_FMT " is %g and %g, both must be finite and >= 0", i, p, q);
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceValue - D_f(p|q), the sum of q f(p/q), and of f'(inf) p where q is zero.

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of entries
. p   - the first law; any mass
- q   - the second

  Output Parameter:
. value - the divergence, >= 0, possibly inf

  Errors:
  `FEN_ERR_VALUE` for an entry that is negative or not finite.

  Level: beginner

.seealso: `FenDivergenceGradient()`
@*/
PetscErrorCode FenDivergenceValue(FenDivergence div, FenInt n, const double p[], const double q[], double *value)
{
  FenDD     sum = {0, 0};
  PetscBool infinite = PETSC_FALSE;

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    const double x = p[i] / q[i];
    double       term;

    PetscCall(FenDivergenceCheckPair(i, p[i], q[i]));
    if (p[i] == 0 && q[i] == 0)
      continue;
    if (isinf(x))
      term = div->constants.recession * p[i];
    else
      term = q[i] * div->method->value(div->a, x, (p[i] - q[i]) / q[i]);
    if (isinf(term))
      infinite = PETSC_TRUE;
    else
      FenDDAdd(&sum, term);
  }
  *value = infinite ? INFINITY : sum.hi + sum.lo;
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceGradient - Derivatives of D_f(p|q).

  Not Collective

  Input Parameters:
+ div - the divergence
. n   - number of entries
. p   - the first law
- q   - the second

  Output Parameters:
+ by_p - f'(x) with x = p/q; NULL: not wanted
- by_q - f(x) - x f'(x); NULL: not wanted

  Note:
  At zeros these are the one-sided derivatives, possibly infinite and never NaN: f'(inf) by p where q = 0, f(0) by q
  where p = 0.

  Level: intermediate

.seealso: `FenDivergenceValue()`
@*/
PetscErrorCode FenDivergenceGradient(FenDivergence div, FenInt n, const double p[], const double q[], double by_p[],
                                     double by_q[])
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    double  rise, slope = div->constants.recession, gap = 0;
    FenDual d;

    PetscCall(FenDivergenceCheckPair(i, p[i], q[i]));
    if (p[i] / q[i] < INFINITY) {
      const double t = (p[i] - q[i]) / q[i], l = fabs(t) < 0.5 ? log1p(t) : log(p[i] / q[i]);

      slope = div->method->slope(div->a, l, &rise);
      gap = isinf(div->constants.recession) ? INFINITY : div->method->edge(div->a, l);
    }
    if (by_p)
      by_p[i] = slope;
    if (by_q && p[i] == 0)
      by_q[i] = div->constants.zero;
    else if (by_q) { /* minus the conjugate at the slope */
      div->method->dual(div->a, slope, gap, &d);
      by_q[i] = -d.value;
    }
  }
  PetscFunctionReturn(0);
}
