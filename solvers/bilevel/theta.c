/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Vectors of hyperparameters: the same in every team. A problem cuts them over the ranks of a team; here every rank
   keeps all of them, so that norms, products and directions need no message, unless there are more than
   FEN_THETA_WHOLE. Those stay cut, and each of their products costs a message in the team.
*/
#include "bilevelimpl.h"
#include <math.h>

PetscErrorCode FenThetaSetUp_Private(FenBilevel b)
{
  PetscFunctionBegin;
  b->mine = b->part.theta1 - b->part.theta0;
  b->nt = b->mine;
  b->t0 = 0;
  b->tcomm = b->team.team;
  b->all = (PetscBool)(b->team.size == 1 || b->size.p <= b->whole);
  if (b->all) {
    b->nt = b->size.p;
    b->t0 = b->part.theta0;
    b->tcomm = PETSC_COMM_SELF;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaSpread_Private(FenBilevel b, FenInt width, double array[])
{
  const FenInt first = width * b->t0, end = first + width * b->mine, all = width * b->nt;
  PetscMPIInt  count;

  PetscFunctionBegin;
  if (b->team.size == 1 || !b->all)
    PetscFunctionReturn(0);
  PetscCall(FenMPIIntCast(all, &count));
  PetscCall(PetscArrayzero(array, first));
  PetscCall(PetscArrayzero(array + end, all - end));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, array, count, MPI_DOUBLE, MPI_SUM, b->team.team));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaShare_Private(FenBilevel b, FenInt width, double array[])
{
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(width * b->mine, &count));
  PetscCallMPI(MPI_Bcast(array + width * b->t0, count, MPI_DOUBLE, 0, b->team.across));
  PetscCall(FenThetaSpread_Private(b, width, array));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaUse_Private(FenBilevel b, const double theta[])
{
  PetscFunctionBegin;
  PetscCall((*b->call->settheta)(b->problem, theta + b->t0));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaDots_Private(FenBilevel b, PetscInt n, const double *const x[], const double *const y[],
                                    double dots[])
{
  PetscFunctionBegin;
  PetscCall(FenTeamDots(b->tcomm, b->nt, n, x, y, dots));
  PetscFunctionReturn(0);
}

PetscErrorCode FenThetaNorm_Private(FenBilevel b, const double x[], double *norm)
{
  PetscFunctionBegin;
  PetscCall(FenTeamNorm(b->tcomm, b->nt, x, norm));
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
