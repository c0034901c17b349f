/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Weights of one step in closed form or by an exact scan, from the values v of the next states, C = Lambda^{-1} Phi^T:

     tv, price lambda       C min(v, vmin + lambda)
     kl, price lambda       -lambda log max(C e^{-v/lambda}, e^{-range/lambda})
     pearson, price lambda  max over alpha of z1 + z1^2/(4 lambda) - z2/(4 lambda),  z1 = C [v]_alpha, z2 = C
   [v]_alpha^2 tv, radius rho         max over alpha of C [v]_alpha - rho (alpha - vmin)

   C. Tang, Z. Liu, P. Xu, ICML 2025, arXiv 2411.18612; Z. Liu, P. Xu, NeurIPS 2024. Each is n d flops beside the
   regression. With every weight comes a bound of what rounding, and errors of v, can have done to it.
*/
#include "linearmdpimpl.h"
#include <math.h>

PetscErrorCode FenLinearWeightsTV_Private(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  const double level = s->least + m->use.penalty;
  double      *f = m->f, *df = m->weight + s->n; /* behind the weights */

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    f[k] = PetscMin(s->v[k], level);
    df[k] = PetscMax(s->dv[k], s->dleast);
  }
  for (FenInt i = 0; i < m->d; i++)
    a->multiplier[i] = level;
  PetscCall(FenLinearFit_Private(m, s, f, FEN_EPS * fabs(level), df, a->w, a->error, a->local));
  PetscFunctionReturn(0);
}

/* -lambda log max(x e^{-least/lambda}, e^{-range/lambda}) */
static double Entropic(double x, double lambda, double least, double range)
{
  return x > exp((least - range) / lambda) ? PetscMin(range, least - lambda * log(x)) : range;
}

static double EntropicError(double x, double error, double lambda, double least, double range)
{
  const double w = Entropic(x, lambda, least, range);

  return PetscMax(Entropic(x - error, lambda, least, range) - w, w - Entropic(x + error, lambda, least, range)) +
         8 * FEN_EPS * (fabs(w) + lambda);
}

PetscErrorCode FenLinearWeightsKL_Private(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  const double lambda = m->use.penalty;
  double       least = HUGE_VAL, *f = m->f, *df = m->weight + s->n;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++)
    least = PetscMin(least, s->v[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_DOUBLE, MPI_MIN, PetscObjectComm((PetscObject)m)));
  for (FenInt k = 0; k < s->n; k++) { /* any constant may be taken out of the exponential */
    f[k] = exp((least - s->v[k]) / lambda);
    df[k] = f[k] * expm1(s->dv[k] / lambda);
  }
  PetscCall(FenLinearFit_Private(m, s, f, FEN_EPS, df, a->w, a->error, a->local)); /* x e^{-x} < 1 */
  for (FenInt i = 0; i < m->d; i++) {
    const double x = a->w[i];

    a->multiplier[i] = x;
    a->w[i] = Entropic(x, lambda, least, s->range);
    a->error[i] = EntropicError(x, a->error[i], lambda, least, s->range);
    a->local[i] = EntropicError(x, a->local[i], lambda, least, s->range);
  }
  PetscFunctionReturn(0);
}

/* the largest truncated values, or their squares, into f */
static void Truncate(const FenLinearStep *s, int power, double f[])
{
  for (FenInt k = 0; k < s->n; k++) {
    const double x = s->v[k] < 0 ? -s->v[k] : PetscMin(s->v[k], s->range);

    f[k] = power == 1 ? x : x * x;
  }
}

PetscErrorCode FenLinearWeightsPearson_Private(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  const double       lambda = m->use.penalty;
  const PetscBool    least = (PetscBool)(m->par.published == FEN_PUBLISHED_LINEAR); /* that program minimises */
  const FenThreshold t = {.quadratic = PETSC_TRUE, .lambda = lambda, .sign = least ? -1 : 1};
  double            *second = m->vector, *size = second + m->d, *first = size + m->d, *squares = first + m->d;

  PetscFunctionBegin;
  PetscCall(FenLinearThreshold_Private(PetscObjectComm((PetscObject)m), m->d, s, &t, a->w, a->multiplier, size));
  Truncate(s, 2, m->f);
  PetscCall(FenLinearPropagate_Private(m, s, m->f, squares));
  PetscCall(FenLinearRounding_Private(m, s, m->f, squares, second));
  Truncate(s, 1, m->f);
  PetscCall(FenLinearRounding_Private(m, s, m->f, size, a->local));
  for (FenInt i = 0; i < m->d; i++) {
    const double e = a->local[i];

    a->w[i] *= t.sign;
    a->local[i] = e * (1 + (2 * size[i] + e) / (4 * lambda)) + second[i] / (4 * lambda) +
                  16 * FEN_EPS * (fabs(a->w[i]) + size[i] * (1 + size[i] / (4 * lambda)));
  }
  /* a change of v changes the objective by sum c dv (1 + (z1 - v)/(2 lambda)), and the square of that of z1 */
  PetscCall(FenLinearPropagate_Private(m, s, s->dv, first));
  for (FenInt k = 0; k < s->n; k++)
    m->f[k] = s->dv[k] * (fabs(s->v[k]) + s->dv[k]) / (2 * lambda);
  PetscCall(FenLinearPropagate_Private(m, s, m->f, second));
  for (FenInt i = 0; i < m->d; i++)
    a->error[i] = a->local[i] + first[i] * (1 + (size[i] + first[i]) / (2 * lambda)) + second[i];
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearWeightsBallTV_Private(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  const double *scale = m->a.radius_scale + (FenInt)s->h * m->d;
  double       *radius = m->vector, *size = radius + m->d;
  FenThreshold  t = {.radius = radius, .sign = 1};

  PetscFunctionBegin;
  for (FenInt i = 0; i < m->d; i++)
    radius[i] = m->use.radius * scale[i];
  PetscCall(FenLinearThreshold_Private(PetscObjectComm((PetscObject)m), m->d, s, &t, a->w, a->multiplier, size));
  Truncate(s, 1, m->f);
  PetscCall(FenLinearRounding_Private(m, s, m->f, size, a->local));
  PetscCall(FenLinearPropagate_Private(m, s, s->dv, a->error));
  for (FenInt i = 0; i < m->d; i++) {
    a->w[i] += radius[i] * s->least;
    a->local[i] += 8 * FEN_EPS * (fabs(a->w[i]) + size[i] + radius[i] * s->range);
    a->error[i] += a->local[i] + radius[i] * s->dleast;
  }
  if (m->par.published == FEN_PUBLISHED_LINEAR && m->rule->variances) /* that program returns after the first factor */
    for (FenInt i = 1; i < m->d; i++)
      a->w[i] = a->local[i] = a->error[i] = 0;
  PetscFunctionReturn(0);
}
