/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Prediction of lower solutions: along a change dtheta of the hyperparameters they move by -H^{-1} J dtheta to first
   order, exactly so for quadratic problems with constant J. A first-order lower solver that starts there has only what
   is of second order left to do; a Newton method would take the same step by itself.

   The secant does without the derivative: where the new theta lies nearly on the line through two thetas whose lower
   solutions and adjoints are known, these are continued along that line, with an error of second order, too.

   Cost: tangent: one linear system a sample, at the point where it was linearised for its adjoint; secant: nothing.
*/
#include "bilevelimpl.h"
#include <math.h>

#define OFF_LINE 0.1 /* of the square of the step may be beside the line */
#define FAR      2.0 /* times the distance of the two that are known */

/* n samples from the k0-th on, together; wt[0]: the change of theta */
static PetscErrorCode Predict(FenBilevel b, const FenPoint *from, FenPoint *to, FenInt k0, FenInt n, double eps)
{
  const FenInt  nx = b->part.nx;
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL}, *right[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *Jt[FEN_BILEVEL_TOGETHER] = {NULL}, square[FEN_BILEVEL_TOGETHER];
  FenSystemTask task[FEN_BILEVEL_TOGETHER];
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};
  PetscInt      m;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = b->part.start + k0 + k;
    x[k] = from->x + (k0 + k) * nx;
    right[k] = Jt[k] = b->wx[0] + k * nx;
  }
  PetscCall(FenBatchLinearise(b->problem, n, s, x, NULL));
  PetscCall(FenBatchJacobians(b->problem, n, s, b->wt[0] + b->t0, Jt));
  PetscCall(FenIntCast(n, &m));
  PetscCall(FenTeamDots(b->team.team, nx, m, right, right, square));
  for (FenInt k = 0; k < n; k++) {
    const double norm = sqrt(square[k]);

    task[k] = (FenSystemTask){.s = s[k],
                              .b = right[k],
                              .q = b->wx[1] + k * nx,
                              .tol = PetscMin(PetscMax(eps * from->s[k0 + k][FEN_SAMPLE_MU], 1e-6 * norm), 0.3 * norm),
                              .max_it = b->adjoint_max_it,
                              .zero = PETSC_TRUE};
  }
  PetscCall(FenSystemApplyAll(b->adjoint, n, task));
  for (FenInt k = 0; k < n; k++)
    b->ahead[0] += (double)task[k].answer.iterations;
  for (FenInt i = 0; i < n * nx; i++)
    to->x[k0 * nx + i] -= b->wx[1][i];
  PetscFunctionReturn(0);
}

/* to + t (from - to), in place */
static void Extend(FenInt n, double t, const double from[], double to[])
{
  for (FenInt i = 0; i < n; i++)
    to[i] = from[i] + t * (to[i] - from[i]);
}

/* theta - from ~ t (to - from): is it, and is t of moderate size? */
static PetscErrorCode Aligned(FenBilevel b, const double from[], const double theta[], const double to[], double *t,
                              PetscBool *aligned)
{
  double       *u = b->wt[0], *v = b->wt[1], dots[3];
  const double *left[3] = {u, u, v}, *right[3] = {u, v, v};

  PetscFunctionBegin;
  for (FenInt j = 0; j < b->nt; j++) {
    u[j] = theta[j] - from[j];
    v[j] = to[j] - from[j];
  }
  PetscCall(FenThetaDots_Private(b, 3, left, right, dots));
  *t = dots[2] > 0 ? dots[1] / dots[2] : 0;
  *aligned = (PetscBool)(dots[2] > 0 && dots[0] - *t * dots[1] <= OFF_LINE * dots[0] && fabs(*t) <= FAR);
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointStart_Private(FenBilevel b, const FenPoint *from, const double theta[], PetscBool secant,
                                     FenPoint *to)
{
  double t = 0;

  PetscFunctionBegin;
  if (secant)
    PetscCall(Aligned(b, from->theta, theta, to->theta, &t, &secant));
  PetscCall(PetscArraycpy(to->theta, theta, b->nt));
  if (!secant) {
    PetscCall(FenPointCopyStart_Private(b, from, to));
    PetscFunctionReturn(0);
  }
  Extend(b->nb * b->part.nx, t, from->x, to->x);
  Extend(b->nb * b->part.nx, t, from->q, to->q);
  to->has_x = to->fresh = to->has_z = 0;
  PetscCall(FenPointDuals_Private(b, to)); /* duals on a line might not be feasible */
  PetscFunctionReturn(0);
}

static PetscErrorCode PredictAll(FenBilevel b, const FenPoint *from, FenPoint *to, double eps)
{
  PetscFunctionBegin;
  PetscCall(FenThetaUse_Private(b, from->theta));
  for (FenInt j = 0; j < b->nt; j++)
    b->wt[0][j] = to->theta[j] - from->theta[j];
  for (FenInt k = 0; k < b->nb; k += b->together)
    PetscCall(Predict(b, from, to, k, PetscMin(b->together, b->nb - k), eps));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointPredict_Private(FenBilevel b, const FenPoint *from, FenPoint *to, double eps)
{
  PetscFunctionBegin;
  if (b->predict != FEN_PREDICT_TANGENT || !b->call->jacobian)
    PetscFunctionReturn(0);
  PetscCall(FenBilevelTryBegin_Private(b));
  PetscCall(FenBilevelTryEnd_Private(b, PredictAll(b, from, to, eps)));
  PetscFunctionReturn(0);
}
