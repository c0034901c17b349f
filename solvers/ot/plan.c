/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan that belongs to g: that of the operator, whose rows sum to one, times the mass of each row. */
#include "otimpl.h"
#include <math.h>

PetscErrorCode FenOTPlan_Private(FenOT ot, const double g[])
{
  const FenMarginal *M = &ot->marginal[0];

  PetscFunctionBegin;
  if (!ot->relaxed) {
    PetscCall(FenOTSetPlan(ot->op, g, ot->f));
    PetscFunctionReturn(0);
  }
  PetscCall(FenOTSetPlan(ot->op, g, ot->soft));
  for (FenInt i = 0; i < ot->n; i++) {
    ot->f[i] = FenMarginalUpdate(M, ot->op->eps, ot->soft[i]);
    ot->r[i] = ot->a[i] > 0 ? ot->a[i] * exp((ot->f[i] - ot->soft[i]) / ot->op->eps) : 0;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCentre_Private(FenOT ot)
{
  FenDD  sum[3] = {{0, 0}};
  double s[3], t;

  PetscFunctionBegin;
  if (ot->relaxed)
    PetscFunctionReturn(0);
  FenMarginalDuals(&ot->marginal[0], ot->n, ot->a, ot->f, &sum[0]);
  FenMarginalDuals(&ot->marginal[1], ot->m, ot->b, ot->g, &sum[1]);
  FenDDAddSum(&sum[2], ot->n, ot->a);
  PetscCall(FenDDReduce(ot->op->comm, 3, sum, s));
  t = 0.5 * (s[1] - s[0]) / s[2];
  for (FenInt i = 0; i < ot->n; i++)
    ot->f[i] += t;
  for (FenInt j = 0; j < ot->m; j++)
    ot->g[j] -= t;
  PetscFunctionReturn(0);
}
