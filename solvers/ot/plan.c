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
