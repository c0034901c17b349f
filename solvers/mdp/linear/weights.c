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

PetscErrorCode FenLinearWeightsTV_Private(FenLinearMDP m, FenLinearStep *s, double w[], double e[], double multiplier[])
{
  const double level = s->least + m->use.penalty;
  double      *f = m->f, *df = m->weight + s->n; /* behind the weights */

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    f[k] = PetscMin(s->v[k], level);
    df[k] = PetscMax(s->dv[k], s->dleast + FEN_EPS * fabs(level));
  }
  for (FenInt i = 0; i < m->d; i++)
    multiplier[i] = level;
  PetscCall(FenLinearFit_Private(m, s, f, df, w, e));
  PetscFunctionReturn(0);
}

/* -lambda log max(x e^{-least/lambda}, e^{-range/lambda}) */
static double Entropic(double x, double lambda, double least, double range)
{
  return x > exp((least - range) / lambda) ? PetscMin(range, least - lambda * log(x)) : range;
}

PetscErrorCode FenLinearWeightsKL_Private(FenLinearMDP m, FenLinearStep *s, double w[], double e[], double multiplier[])
{
  const double lambda = m->use.penalty;
  double       least = HUGE_VAL, *f = m->f, *df = m->weight + s->n;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++)
    least = PetscMin(least, s->v[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_DOUBLE, MPI_MIN, PetscObjectComm((PetscObject)m)));
  for (FenInt k = 0; k < s->n; k++) { /* any constant may be taken out of the exponential */
    f[k] = exp((least - s->v[k]) / lambda);
    df[k] = f[k] * (expm1(s->dv[k] / lambda) + FEN_EPS * (3 + (s->v[k] - least) / lambda));
  }
  PetscCall(FenLinearFit_Private(m, s, f, df, w, e));
  for (FenInt i = 0; i < m->d; i++) {
    const double x = w[i], high = Entropic(x - e[i], lambda, least, s->range),
                 low = Entropic(x + e[i], lambda, least, s->range);

    multiplier[i] = x;
    w[i] = Entropic(x, lambda, least, s->range);
    e[i] = PetscMax(high - w[i], w[i] - low) + 8 * FEN_EPS * (fabs(w[i]) + lambda);
  }
  PetscFunctionReturn(0);
}

/* at every alpha: |C f - computed| <= e and |C f| <= size for f = [v]_alpha, or for its square */
static PetscErrorCode Uniform(FenLinearMDP m, FenLinearStep *s, int power, double e[], double size[])
{
  const FenInt d = m->d;
  double      *f = m->f, *y = m->vector + 5 * d, most = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    const double x = s->v[k] < 0 ? -s->v[k] : PetscMin(s->v[k], s->range);

    f[k] = power == 1 ? x : x * x;
    m->df[k] = (power == 1 ? 1 : 2 * (x + s->dv[k])) * s->dv[k] + (s->gamma + (double)(8 + d) * FEN_EPS) * f[k];
  }
  PetscCall(FenLinearSum_Private(m, s, m->df, y));
  FenLinearBound_Private(m, s, y, e);
  PetscCall(FenLinearSum_Private(m, s, f, y));
  FenLinearBound_Private(m, s, y, size);
  for (FenInt i = 0; i < d; i++)
    most = PetscMax(most, y[i]);
  for (FenInt j = 0; j < d; j++) /* |Lambda^{-1} - X| y */
    for (FenInt i = 0; i < d; i++)
      e[i] += s->absX[i + j * d] * s->tail * most;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearWeightsPearson_Private(FenLinearMDP m, FenLinearStep *s, double w[], double e[],
                                               double multiplier[])
{
  const double       lambda = m->use.penalty;
  const PetscBool    least = (PetscBool)(m->par.published == FEN_PUBLISHED_LINEAR); /* that program minimises */
  const FenThreshold t = {.quadratic = PETSC_TRUE, .lambda = lambda, .sign = least ? -1 : 1};
  double            *e2 = m->vector + 6 * (FenInt)m->d, *size = e2 + m->d;

  PetscFunctionBegin;
  PetscCall(FenLinearThreshold_Private(PetscObjectComm((PetscObject)m), m->d, s, &t, w, multiplier));
  PetscCall(Uniform(m, s, 2, e2, size));
  PetscCall(Uniform(m, s, 1, e, size));
  for (FenInt i = 0; i < m->d; i++) {
    w[i] *= t.sign;
    e[i] = e[i] * (1 + (2 * size[i] + e[i]) / (4 * lambda)) + e2[i] / (4 * lambda) +
           16 * FEN_EPS * (fabs(w[i]) + size[i] * (1 + size[i] / (4 * lambda)));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearWeightsBallTV_Private(FenLinearMDP m, FenLinearStep *s, double w[], double e[],
                                              double multiplier[])
{
  const double *scale = m->a.radius_scale + (FenInt)s->h * m->d;
  double       *radius = m->vector + 6 * (FenInt)m->d, *size = radius + m->d;
  FenThreshold  t = {.radius = radius, .sign = 1};

  PetscFunctionBegin;
  for (FenInt i = 0; i < m->d; i++)
    radius[i] = PetscMin(1., m->use.radius * scale[i]); /* no two laws are further apart */
  PetscCall(FenLinearThreshold_Private(PetscObjectComm((PetscObject)m), m->d, s, &t, w, multiplier));
  for (FenInt i = 0; i < m->d; i++)
    w[i] += radius[i] * s->least;
  PetscCall(Uniform(m, s, 1, e, size));
  for (FenInt i = 0; i < m->d; i++)
    e[i] += PetscMin(1., m->use.radius * scale[i]) * s->dleast + 8 * FEN_EPS * (fabs(w[i]) + size[i]);
  PetscFunctionReturn(0);
}
