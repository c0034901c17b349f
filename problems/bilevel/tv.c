/* SPDX-License-Identifier: BSD-2-Clause */
/* Smoothed total variation: options, life, hyperparameters, value and gradient. */
#include "tvimpl.h"
#include <math.h>

PetscErrorCode FenTvSetUp_Private(FenBilevelProblem pr)
{
  FenTv       *t = (FenTv *)pr->ctx;
  const FenInt n = pr->size.width;

  PetscFunctionBegin;
  PetscCall(FenDenoiseSetUp_Private(pr, &t->data));
  t->row0 = pr->part.row0;
  t->rows = pr->part.row1 - pr->part.row0;
  t->nx = pr->part.nx;
  t->top = t->row0 == 0 ? PETSC_TRUE : PETSC_FALSE;
  t->bottom = pr->part.row1 == pr->size.rows ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(FenHaloCreate_Private(pr, n, 1, &t->halo));
  PetscCall(FenHaloCreate_Private(pr, n * t->form.dim, 1, &t->dual_halo));
  PetscCall(PetscMalloc2((size_t)(4 * t->form.dim * n), &t->work, (size_t)(t->p * t->nx), &t->columns));
  PetscCall(FenTvTogether_Private(pr, 1));
  if (t->form.dim > 1 || pr->info.size > 1)
    pr->call.solve = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode TvDestroy(FenBilevelProblem pr)
{
  FenTv *t = (FenTv *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDenoiseDestroy_Private(&t->data));
  PetscCall(FenTvTogether_Private(pr, 0));
  PetscCall(FenHaloDestroy_Private(&t->halo));
  PetscCall(FenHaloDestroy_Private(&t->dual_halo));
  PetscCall(PetscFree2(t->work, t->columns));
  PetscCall(PetscFree2(t->pivot, t->ratio));
  PetscCall(MatDestroy(&t->H));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

static PetscErrorCode TvView(FenBilevelProblem pr, PetscViewer viewer)
{
  const FenTv     *t = (const FenTv *)pr->ctx;
  const FenTvForm *f = &t->form;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "%s total variation on %" PetscInt_FMT " axes, lambda %g, nu %g, ridge %g; learned:%s%s%s\n",
      f->isotropic ? "isotropic" : "anisotropic", f->dim, f->lam, f->nu, f->ridge,
      t->learn[FEN_TV_LAMBDA] ? " lambda" : "", t->learn[FEN_TV_RIDGE] ? " ridge" : "",
      t->learn[FEN_TV_NU] ? " nu" : ""));
  PetscFunctionReturn(0);
}

static PetscErrorCode Take(FenBilevelProblem pr, const double all[FEN_TV_MAXP], double mine[])
{
  const FenTv *t = (const FenTv *)pr->ctx;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < t->p; k++)
    if (k >= pr->part.theta0 && k < pr->part.theta1)
      mine[k - pr->part.theta0] = all[t->which[k]];
  PetscFunctionReturn(0);
}

static PetscErrorCode TvStart(FenBilevelProblem pr, double theta[])
{
  PetscFunctionBegin;
  PetscCall(Take(pr, ((FenTv *)pr->ctx)->start, theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode TvBox(FenBilevelProblem pr, double lower[], double upper[])
{
  PetscFunctionBegin;
  PetscCall(Take(pr, ((FenTv *)pr->ctx)->lower, lower));
  PetscCall(Take(pr, ((FenTv *)pr->ctx)->upper, upper));
  PetscFunctionReturn(0);
}

static void SetValue(FenTv *t, PetscInt what, double theta)
{
  const double value = exp(t->base * theta);

  if (what == FEN_TV_LAMBDA)
    t->form.lam = t->factor * value;
  else if (what == FEN_TV_RIDGE)
    t->form.ridge = value;
  else
    t->form.nu = value;
}

static PetscErrorCode TvSetTheta(FenBilevelProblem pr, const double mine[])
{
  FenTv *t = (FenTv *)pr->ctx;
  double theta[FEN_TV_MAXP];

  PetscFunctionBegin;
  PetscCall(FenBilevelThetaGather_Private(pr, mine, theta));
  for (PetscInt k = 0; k < t->p; k++)
    SetValue(t, t->which[k], theta[k]);
  PetscFunctionReturn(0);
}

static PetscErrorCode TvGradients(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                  double value[], double *const g[])
{
  FenTv        *t = (FenTv *)pr->ctx;
  const FenInt  width = pr->size.width;
  const double *y[FEN_BILEVEL_TOGETHER] = {NULL};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    y[k] = t->data.dirty[s[k] - pr->part.start];
  PetscCall(FenTvApply_Private(pr, FEN_TV_GRADIENT, n, s, x, 1 + t->form.ridge, y, g, value));
  for (FenInt k = 0; k < n; k++) {
    FenDD sum = {0, 0};

    for (FenInt r = 0; r < t->nx; r += width) {
      double row = 0;

      for (FenInt i = r; i < r + width; i++)
        row += (x[k][i] - y[k][i]) * (x[k][i] - y[k][i]) + t->form.ridge * x[k][i] * x[k][i];
      FenDDAdd(&sum, row);
    }
    value[k] += (sum.hi + sum.lo) / 2;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode TvGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  double whole;

  PetscFunctionBegin;
  PetscCall(TvGradients(pr, 1, &s, &x, value ? value : &whole, &g));
  PetscFunctionReturn(0);
}

static PetscErrorCode TvHessians(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const v[],
                                 double *const Hv[])
{
  FenTv *t = (FenTv *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenTvApply_Private(pr, FEN_TV_HESSIAN, n, s, v, 1 + t->form.ridge, NULL, Hv, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode TvHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  PetscFunctionBegin;
  PetscCall(TvHessians(pr, 1, NULL, &v, &Hv));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvCreate_Private(MPI_Comm comm, FenTv *t, const FenBilevelData *data, FenBilevelUpper upper,
                                   FenBilevelProblem *problem)
{
  static const FenBilevelOps ops = {.setup = FenTvSetUp_Private,
                                    .destroy = TvDestroy,
                                    .view = TvView,
                                    .start = TvStart,
                                    .box = TvBox,
                                    .settheta = TvSetTheta,
                                    .initial = FenDenoiseInitial_Private,
                                    .gradient = TvGradient,
                                    .linearise = FenTvLinearise_Private,
                                    .hessian = TvHessian,
                                    .jacobian = FenTvJacobian_Private,
                                    .jacobiantranspose = FenTvJacobianTranspose_Private,
                                    .upper = FenDenoiseUpper_Private,
                                    .upperhessian = FenDenoiseUpperHessian_Private,
                                    .constants = FenTvConstants_Private,
                                    .metrics = FenDenoiseMetrics_Private,
                                    .fingerprint = FenDenoiseFingerprint_Private,
                                    .data = FenDenoiseData_Private,
                                    .diagonal = FenTvDiagonal_Private,
                                    .assemble = FenTvAssemble_Private,
                                    .solve = FenTvSolve_Private,
                                    .dualstart = FenTvDualStart_Private,
                                    .dualise = FenTvDualise_Private,
                                    .dualstep = FenTvDualStep_Private,
                                    .together = FenTvTogether_Private,
                                    .at = FenTvAt_Private,
                                    .gradients = TvGradients,
                                    .linearises = FenTvLinearises_Private,
                                    .hessians = TvHessians,
                                    .jacobians = FenTvJacobians_Private,
                                    .jacobianstranspose = FenTvJacobiansTranspose_Private,
                                    .constantsat = FenTvConstantsAt_Private,
                                    .dualstarts = FenTvDualStarts_Private,
                                    .dualsteps = FenTvDualSteps_Private};
  static const char *const   names[FEN_TV_MAXP] = {"log lambda", "log ridge", "log nu"};
  FenBilevelOps              call = ops;
  FenBilevelSizes            size = {.upper = upper};
  const char                *learned[FEN_TV_MAXP];
  const FenInt               one[FEN_TV_MAXP] = {1, 1, 1};

  PetscFunctionBegin;
  for (PetscInt k = 0; k < FEN_TV_MAXP; k++) {
    SetValue(t, k, t->start[k]);
    if (t->learn[k]) {
      learned[t->p] = names[k];
      t->which[t->p++] = k;
    }
  }
  FEN_BILEVEL_CHECK(t->p, comm, FEN_ERR_OPTION, "problem %s: nothing is learned; rule: at least one hyperparameter",
                    t->data.name);
  PetscCall(FenDenoiseSizes_Private(comm, &t->data, data, t->form.left ? PETSC_MAX_INT : 4, &size));
  t->form.line = t->form.dim == 1 ? 1 : t->data.shape[t->form.dim - 1];
  t->form.width = size.width;
  size.p = t->p;
  size.duals = t->form.dim * size.width;
  if (t->conditioning > 0)
    call.regulariser = FenTvRegulariser_Private;
  PetscCall(FenBilevelProblemCreate(comm, t->data.name, &size, &call, t, problem));
  PetscCall(FenBilevelProblemSetGroups(*problem, t->p, learned, one));
  PetscFunctionReturn(0);
}

static PetscErrorCode TvLogOption(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[],
                                  const char text[], double *start)
{
  double value = exp(*start);

  PetscFunctionBegin;
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option, text, 1e-12, 1e12, &value));
  *start = log(value);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTvOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  FenTv *t;
  FenInt dim = 2;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  *ctx = t;
  t->data = (FenDenoise){.name = "tv", .noise = 0.1, .weight = 1, .make = FenDenoiseMakeShapes_Private};
  t->form = (FenTvForm){.isotropic = PETSC_TRUE};
  t->factor = t->base = 1;
  t->learn[FEN_TV_LAMBDA] = t->learn[FEN_TV_NU] = PETSC_TRUE;
  for (int k = 0; k < FEN_TV_MAXP; k++) {
    t->lower[k] = log(1e-8);
    t->upper[k] = log(1e4);
  }
  t->start[FEN_TV_LAMBDA] = log(0.1);
  t->start[FEN_TV_NU] = log(0.01);
  t->start[FEN_TV_RIDGE] = -INFINITY; /* none */
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-tv_dim", "axes of a sample", 1, 3, &dim));
  t->form.dim = t->data.dim = (PetscInt)dim;
  PetscCall(PetscOptionsBool("-tv_isotropic", "differences of a pixel under one root", "FenBilevelProblemGenerate",
                             t->form.isotropic, &t->form.isotropic, NULL));
  PetscCall(TvLogOption(PetscOptionsObject, comm, "-tv_lambda", "weight of the total variation at the start",
                        &t->start[FEN_TV_LAMBDA]));
  PetscCall(TvLogOption(PetscOptionsObject, comm, "-tv_nu", "smoothing at the start", &t->start[FEN_TV_NU]));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-tv_factor",
                                         "fixed factor before the learned weight; published codes have 1/2", 1e-12,
                                         1e12, &t->factor));
  PetscCall(PetscOptionsBool("-tv_learn_lambda", "learn the logarithm of the weight", "FenBilevelProblemGenerate",
                             t->learn[FEN_TV_LAMBDA], &t->learn[FEN_TV_LAMBDA], NULL));
  PetscCall(PetscOptionsBool("-tv_learn_nu", "learn the logarithm of the smoothing", "FenBilevelProblemGenerate",
                             t->learn[FEN_TV_NU], &t->learn[FEN_TV_NU], NULL));
  PetscCall(FenDenoiseOptions_Private(PetscOptionsObject, comm, &t->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTvMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                        FenBilevelProblem *problem)
{
  PetscFunctionBegin;
  PetscCall(FenTvCreate_Private(comm, (FenTv *)ctx, data, FEN_UPPER_MEAN, problem));
  PetscFunctionReturn(0);
}
