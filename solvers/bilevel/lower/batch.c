/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch.h"

static const FenBilevelOps *Ops(FenBilevelProblem p)
{
  const FenBilevelOps *call = NULL;

  PetscCallAbort(PETSC_COMM_SELF, FenBilevelProblemGetOps(p, &call));
  return call;
}

PetscErrorCode FenBatchAt(FenBilevelProblem p, FenInt s)
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (call->at)
    PetscCall((*call->at)(p, s));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchGradients(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const x[],
                                 double value[], double *const g[])
{
  const FenBilevelOps *call = Ops(p);
  double               none[FEN_BILEVEL_TOGETHER], *to = value ? value : none;

  PetscFunctionBegin;
  if (n > 1 && call->gradients) {
    PetscCall((*call->gradients)(p, n, s, x, to, g));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++)
    PetscCall((*call->gradient)(p, s[k], x[k], &to[k], g[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchSmoothGradients(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const x[],
                                       double *const g[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (!call->prox) {
    PetscCall(FenBatchGradients(p, n, s, x, NULL, g));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++) {
    double value;

    PetscCall((*call->smoothgradient)(p, s[k], x[k], &value, g[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchLinearise(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const x[],
                                 const double *const w[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n > 1 && call->linearises) {
    PetscCall((*call->linearises)(p, n, s, x, w));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++)
    if (w)
      PetscCall((*call->dualise)(p, s[k], x[k], w[k]));
    else
      PetscCall((*call->linearise)(p, s[k], x[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchHessians(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const v[],
                                double *const Hv[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n && s[0] >= 0 && call->hessians) {
    PetscCall((*call->hessians)(p, n, s, v, Hv));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++) {
    if (s[k] >= 0)
      PetscCall(FenBatchAt(p, s[k]));
    PetscCall((*call->hessian)(p, v[k], Hv[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchJacobians(FenBilevelProblem p, FenInt n, const FenInt s[], const double t[], double *const Jt[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n && call->jacobians) {
    PetscCall((*call->jacobians)(p, n, s, t, Jt));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++) {
    PetscCall(FenBatchAt(p, s[k]));
    PetscCall((*call->jacobian)(p, t, Jt[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchJacobiansTranspose(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const q[],
                                          double *const t[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n && call->jacobianstranspose) {
    PetscCall((*call->jacobianstranspose)(p, n, s, q, t));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++) {
    PetscCall(FenBatchAt(p, s[k]));
    PetscCall((*call->jacobiantranspose)(p, q[k], t[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchConstants(FenBilevelProblem p, FenInt n, const FenInt s[], FenBilevelConstants c[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    PetscCall(FenBatchAt(p, s[k]));
    PetscCall((*call->constants)(p, s[k], &c[k]));
  }
  if (n && call->constantsat)
    PetscCall((*call->constantsat)(p, n, s, c));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchDualStarts(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const x[],
                                  double *const w[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n > 1 && call->dualstarts) {
    PetscCall((*call->dualstarts)(p, n, s, x, w));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++)
    PetscCall((*call->dualstart)(p, s[k], x[k], w[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBatchDualSteps(FenBilevelProblem p, FenInt n, const FenInt s[], const double *const x[],
                                 const double *const dx[], double *const w[])
{
  const FenBilevelOps *call = Ops(p);

  PetscFunctionBegin;
  if (n > 1 && call->dualsteps) {
    PetscCall((*call->dualsteps)(p, n, s, x, dx, w));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < n; k++)
    PetscCall((*call->dualstep)(p, s[k], x[k], dx[k], w[k]));
  PetscFunctionReturn(0);
}
