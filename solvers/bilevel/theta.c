/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of hyperparameters: cut over a team, the same in every team. */
#include "bilevelimpl.h"
#include <math.h>

PetscErrorCode FenThetaDots_Private(FenBilevel b, PetscInt n, const double *const x[], const double *const y[],
                                    double dots[])
{
  PetscFunctionBegin;
  PetscCall(FenTeamDots(b->team.team, b->nt, n, x, y, dots));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaNorm_Private(FenBilevel b, const double x[], double *norm)
{
  PetscFunctionBegin;
  PetscCall(FenTeamNorm(b->team.team, b->nt, x, norm));
  PetscFunctionReturn(0);
}

void FenThetaStep_Private(FenBilevel b, const double x[], double a, const double d[], double y[])
{
  for (FenInt k = 0; k < b->nt; k++)
    y[k] = PetscMin(PetscMax(x[k] + a * d[k], b->lo[k]), b->up[k]);
}

PetscErrorCode FenThetaProjectedNorm_Private(FenBilevel b, const double theta[], const double z[], double *norm)
{
  PetscFunctionBegin;
  FenThetaStep_Private(b, theta, -1, z, b->wt[0]);
  for (FenInt k = 0; k < b->nt; k++)
    b->wt[0][k] -= theta[k];
  PetscCall(FenThetaNorm_Private(b, b->wt[0], norm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaSquare_Private(FenBilevel b, const double x[], const double y[], double *square)
{
  const double *d = b->wt[0];

  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++)
    b->wt[0][k] = x[k] - y[k];
  PetscCall(FenThetaDots_Private(b, 1, &d, &d, square));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelDecrease_Private(FenBilevel b, double *decrease)
{
  const double *z = b->cur->z, *d = b->wt[0];

  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++)
    b->wt[0][k] = b->cur->theta[k] - b->trial->theta[k];
  PetscCall(FenThetaDots_Private(b, 1, &z, &d, decrease));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTeamsSum_Private(FenBilevel b, PetscInt n, double values[])
{
  FenDD *sum;

  PetscFunctionBegin;
  if (b->team.nteams == 1)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &sum));
  for (PetscInt k = 0; k < n; k++)
    sum[k] = (FenDD){values[k], 0};
  PetscCall(FenDDReduce(b->team.across, n, sum, values));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}
