/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Prediction of lower solutions: along a change dtheta of the hyperparameters they move by -H^{-1} J dtheta to first
   order, exactly so for quadratic problems with constant J. A first-order lower solver that starts there has only what
   is of second order left to do; a Newton method would take the same step by itself.

   Cost: one linear system a sample, at the point where it was linearised for its adjoint.
*/
#include "bilevelimpl.h"
#include <math.h>

static PetscErrorCode PredictSample(FenBilevel b, const FenPoint *from, FenPoint *to, FenInt k, double eps, double *its)
{
  const FenInt    s = b->part.start + k, nx = b->part.nx;
  double         *x = to->x + k * nx, norm;
  FenSystemAnswer answer;

  PetscFunctionBegin;
  PetscCall((*b->call->linearise)(b->problem, s, from->x + k * nx));
  PetscCall((*b->call->jacobian)(b->problem, b->wt[0], b->wx[0]));
  PetscCall(FenTeamNorm(b->team.team, nx, b->wx[0], &norm));
  PetscCall(FenSystemApply(b->adjoint, b->wx[0], PetscMin(PetscMax(eps * b->modulus[k], 1e-6 * norm), 0.3 * norm),
                           b->adjoint_max_it, PETSC_TRUE, b->wx[1], &answer));
  *its += (double)answer.iterations;
  for (FenInt i = 0; i < nx; i++)
    x[i] -= b->wx[1][i];
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointPredict_Private(FenBilevel b, const FenPoint *from, FenPoint *to, double eps)
{
  double its = 0;

  PetscFunctionBegin;
  if (!b->predict || !b->call->jacobian)
    PetscFunctionReturn(0);
  PetscCall((*b->call->settheta)(b->problem, from->theta));
  for (FenInt j = 0; j < b->nt; j++)
    b->wt[0][j] = to->theta[j] - from->theta[j];
  for (FenInt k = 0; k < b->nb; k++)
    PetscCall(PredictSample(b, from, to, k, eps, &its));
  PetscCall(FenTeamsSum_Private(b, 1, &its));
  b->work.lower_iterations += its;
  PetscFunctionReturn(0);
}
