/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Values and actions from the weights of a step. All that is linear in the features is put together once, so that the
   value of an action is one product of d numbers. Methods that keep Lambda^{-1} have d^2 for its square root.
*/
#include "linearmdpimpl.h"
#include <math.h>

/* beta sqrt(phi^T M phi); M = Lambda^{-1}, or its diagonal */
static double Root(const FenLinearMDP m, const FenLinearStage *s, PetscInt h, const double phi[])
{
  const FenInt d = m->d;
  double       sum = 0;

  if (s->inverse) {
    const double *X = s->inverse + (FenInt)h * d * d;

    for (FenInt j = 0; j < d; j++) {
      double row = 0;

      if (!(phi[j] > 0))
        continue;
      for (FenInt i = 0; i < d; i++)
        row += X[i + j * d] * phi[i];
      sum += row * phi[j];
    }
  } else
    for (FenInt i = 0; i < d; i++)
      sum += phi[i] * phi[i] * s->diagonal[(FenInt)h * d + i];
  return m->par.pessimism * sqrt(PetscMax(0, sum));
}

/* pessimism that is a root of a square of the features, and not linear in them */
static PetscBool HasRoot(const FenLinearMDP m, const FenLinearStage *s)
{
  return (PetscBool)(m->par.pessimism > 0 && m->rule && (s->inverse || m->par.published != FEN_PUBLISHED_NONE));
}

void FenLinearPrepare_Private(const FenLinearMDP m, const FenLinearStage *s, PetscInt h)
{
  const FenInt    first = (FenInt)h * m->d;
  const PetscBool root = HasRoot(m, s);
  const double    beta = m->rule && !root ? m->par.pessimism : 0;

  for (FenInt i = first; i < first + m->d; i++) {
    s->effective[i] = s->theta[i] + s->w[i] - beta * sqrt(s->diagonal[i]);
    s->slack[i] = s->error[i] + (double)(m->d + 6) * FEN_EPS *
                                    (fabs(s->theta[i]) + fabs(s->w[i]) + m->par.pessimism * sqrt(s->diagonal[i]));
  }
}

double FenLinearValue_Private(const FenLinearMDP m, const FenLinearStage *s, PetscInt h, const double features[],
                              const double *stop, PetscBool fail, int *action, double *error)
{
  const FenInt    d = m->d;
  const double   *u = s->effective + (FenInt)h * d, *t = s->slack + (FenInt)h * d;
  const double    top = m->par.clip > 0 ? m->par.clip * (double)(m->H - h) : HUGE_VAL;
  const PetscBool root = HasRoot(m, s), floor = (PetscBool)(m->par.published == FEN_PUBLISHED_NONE && m->rule);
  double          best = -HUGE_VAL, most = 0;
  int             choice = 0;

  for (int b = 0; b < m->size.actions; b++) {
    const double *phi = features + (FenInt)b * d;
    double        q = 0, e = 0;

    for (FenInt i = 0; i < d; i++) {
      q += phi[i] * u[i];
      e += phi[i] * t[i];
    }
    if (root)
      q -= Root(m, s, h, phi);
    if (m->rule)
      q = PetscMin(q, top);
    if (floor)
      q = PetscMax(q, 0);
    most = PetscMax(most, e);
    if (q > best) {
      best = q;
      choice = b;
    }
  }
  if (stop && *stop > best) {
    best = *stop;
    choice = (int)m->size.actions;
  }
  if (action)
    *action = choice;
  if (error)
    *error = fail ? 0 : most;
  return fail ? 0 : best;
}

void FenLinearValues_Private(const FenLinearMDP m, const FenLinearStage *s, PetscInt h, double v[], double dv[])
{
  const FenInt width = (FenInt)m->size.actions * m->d;

  for (FenInt k = 0; k < m->a.n; k++) {
    const FenInt at = k * m->H + h;

    v[k] = FenLinearValue_Private(m, s, h, m->a.features + at * width, m->a.stop ? m->a.stop + at : NULL,
                                  (PetscBool)(m->a.fail[at] > 0), NULL, dv + k);
  }
}
