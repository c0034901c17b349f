/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Smoothed total variation: derivatives in the hyperparameters, and constants that are true bounds.

   D^3 of sqrt(|p|^2 + nu^2) along a unit vector is the third derivative of a one-dimensional one with a larger nu, and
   a symmetric form is largest on its diagonal: so |D^3| <= 0.8587/nu^2 with coupled axes, too. One pixel's differences
   of a unit x are at most sqrt(2), sqrt(axes + 1) if they are coupled.
*/
#include "tvimpl.h"
#include <math.h>
#include <petscblaslapack.h>

/* |D|^2: 4 an axis; the one more difference at the left keeps it */
static double NormD2(const FenTvForm *f)
{
  return 4.0 * (double)f->dim;
}

static PetscErrorCode Column(FenTv *t, PetscInt what, double out[])
{
  const FenTvForm *f = &t->form;
  const double    *x = t->x + t->halo.above * f->width;

  PetscFunctionBegin;
  if (what == FEN_TV_RIDGE)
    for (FenInt i = 0; i < t->nx; i++)
      out[i] = f->ridge * x[i];
  else
    FenTvSweep_Private(t, what == FEN_TV_LAMBDA ? FEN_TV_GRADIENT : FEN_TV_SLOPE, x, 0, t->rows, 0, NULL, 0, out, NULL);
  for (FenInt i = 0; i < t->nx; i++)
    out[i] *= t->base;
  PetscFunctionReturn(0);
}

/* of J at the linearised point; no message, x has its halo */
static PetscErrorCode NeedColumns(FenTv *t)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->p && !t->have_columns; k++)
    PetscCall(Column(t, t->which[k], t->columns + k * t->nx));
  t->have_columns = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static double Dot(FenInt n, const double x[], const double y[])
{
  FenDD sum = {0, 0};

  for (FenInt i = 0; i < n; i++)
    FenDDAddProduct(&sum, x[i], y[i]);
  return sum.hi + sum.lo;
}

PetscErrorCode FenTvJacobians_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double mine[],
                                      double *const Jt[])
{
  FenTv *t = (FenTv *)pr->ctx;
  double theta[FEN_TV_MAXP];

  PetscFunctionBegin;
  PetscCall(FenBilevelThetaGather_Private(pr, mine, theta));
  for (FenInt j = 0; j < n; j++) {
    if (s)
      PetscCall(FenTvAt_Private(pr, s[j]));
    PetscCall(NeedColumns(t));
    PetscCall(PetscArrayzero(Jt[j], t->nx));
    for (PetscInt k = 0; k < t->p; k++)
      for (FenInt i = 0; i < t->nx; i++)
        Jt[j][i] += theta[k] * t->columns[k * t->nx + i];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvJacobian_Private(FenBilevelProblem pr, const double mine[], double Jt[])
{
  PetscFunctionBegin;
  PetscCall(FenTvJacobians_Private(pr, 1, NULL, mine, &Jt));
  PetscFunctionReturn(0);
}

/* my part of J^T J, while the columns are at hand */
static PetscErrorCode NeedGram(FenTv *t)
{
  FenTvPlace *at = &t->place[t->present];

  PetscFunctionBegin;
  if (at->have_gram)
    PetscFunctionReturn(0);
  PetscCall(NeedColumns(t));
  for (PetscInt k = 0; k < t->p; k++)
    for (PetscInt l = 0; l < t->p; l++)
      at->gram[k * t->p + l] = Dot(t->nx, t->columns + k * t->nx, t->columns + l * t->nx);
  at->have_gram = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvJacobiansTranspose_Private(FenBilevelProblem pr, FenInt n, const FenInt s[],
                                               const double *const q[], double *const mine[])
{
  FenTv   *t = (FenTv *)pr->ctx;
  double   sums[FEN_BILEVEL_TOGETHER * FEN_TV_MAXP];
  PetscInt m = 0;

  PetscFunctionBegin;
  for (FenInt j = 0; j < n; j++) {
    if (s)
      PetscCall(FenTvAt_Private(pr, s[j]));
    PetscCall(NeedColumns(t));
    PetscCall(NeedGram(t));
    for (PetscInt k = 0; k < t->p; k++)
      sums[m++] = Dot(t->nx, q[j], t->columns + k * t->nx);
  }
  PetscCall(FenBilevelTeamSum_Private(pr, m, sums));
  for (FenInt j = 0; j < n; j++)
    FenBilevelThetaTake_Private(pr, sums + j * t->p, mine[j]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvJacobianTranspose_Private(FenBilevelProblem pr, const double q[], double mine[])
{
  PetscFunctionBegin;
  PetscCall(FenTvJacobiansTranspose_Private(pr, 1, NULL, &q, &mine));
  PetscFunctionReturn(0);
}

/* root of the largest eigenvalue of M = J^T J */
static PetscErrorCode Norm(PetscInt p, double M[], double *norm)
{
  double       w[FEN_TV_MAXP], work[8 * FEN_TV_MAXP];
  PetscBLASInt n, lwork = 8 * FEN_TV_MAXP, info;

  PetscFunctionBegin;
  *norm = INFINITY;
  for (PetscInt k = 0; k < p * p; k++)
    if (!isfinite(M[k])) /* x is not, or no point was set yet; LAPACK might not come back from that */
      PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(p, &n));
  LAPACKsyev_("N", "U", &n, M, &n, w, work, &lwork, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev: info %" PetscBLASInt_FMT, info);
  *norm = sqrt(PetscMax(w[p - 1], 0)) * (1 + 1e-10);
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvConstantsAt_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], FenBilevelConstants c[])
{
  FenTv         *t = (FenTv *)pr->ctx;
  const PetscInt square = t->p * t->p;
  double         M[FEN_BILEVEL_TOGETHER * FEN_TV_MAXP * FEN_TV_MAXP];
  PetscInt       m = 0;

  PetscFunctionBegin;
  for (FenInt j = 0; j < n; j++, m += square) {
    if (s)
      PetscCall(FenTvAt_Private(pr, s[j]));
    PetscCall(NeedGram(t));
    PetscCall(PetscArraycpy(M + m, t->place[t->present].gram, square));
  }
  PetscCall(FenBilevelTeamSum_Private(pr, m, M));
  for (FenInt j = 0; j < n; j++)
    PetscCall(Norm(t->p, M + j * square, &c[j].J));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvConstants_Private(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  FenTv           *t = (FenTv *)pr->ctx;
  const FenTvForm *f = &t->form;
  const double     curved = f->lam * NormD2(f) / f->nu; /* |D^T A D| at most, and of the derivative in log nu */
  const double     third = 1.5 / pow(1.25, 2.5), pixel = sqrt(f->isotropic ? (double)f->dim + 1 : 2);
  double           jacobian = 0;

  (void)s;
  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->p; k++) {
    const double one = t->base * (t->which[k] == FEN_TV_RIDGE ? f->ridge : curved);

    jacobian += one * one;
  }
  *c = (FenBilevelConstants){.mu = 1 + f->ridge,
                             .lipschitz = 1 + f->ridge + curved,
                             .hessian = third * pixel * curved / f->nu,
                             .inverse = INFINITY,
                             .jacobian = sqrt(jacobian),
                             .upper = t->data.weight,
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

/* r = conditioning (L/mu)^2, L = 1 + 4 lam/nu + ridge, mu = 1 + ridge */
PetscErrorCode FenTvRegulariser_Private(FenBilevelProblem pr, double *value, double mine[])
{
  FenTv           *t = (FenTv *)pr->ctx;
  const FenTvForm *f = &t->form;
  const double     mu = 1 + f->ridge, curved = NormD2(f) * f->lam / f->nu, ratio = (mu + curved) / mu;
  double           all[FEN_TV_MAXP];

  PetscFunctionBegin;
  *value = t->conditioning * ratio * ratio;
  for (PetscInt k = 0; k < t->p; k++) {
    const double slope = t->which[k] == FEN_TV_LAMBDA ? curved / mu
                         : t->which[k] == FEN_TV_NU   ? -curved / mu
                                                      : -curved * f->ridge / (mu * mu);

    all[k] = 2 * t->conditioning * ratio * slope * t->base;
  }
  if (mine)
    FenBilevelThetaTake_Private(pr, all, mine);
  PetscFunctionReturn(0);
}
