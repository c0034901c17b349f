/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Smoothed total variation: what belongs to one point. A of Newton's method or of the primal-dual one (Chan, Golub and
   Mulet, SIAM J. Sci. Comput. 20, 1999, symmetric form), and the duals' step.
*/
#include "tvimpl.h"

/* ---- places ---- */
static PetscErrorCode Use(FenTv *t, FenInt k)
{
  FenTvPlace *at = &t->place[k];

  PetscFunctionBegin;
  if (!at->x)
    PetscCall(PetscCalloc2((size_t)((t->rows + 2) * t->form.width), &at->x,
                           (size_t)((t->rows + 1) * t->form.width * FenTvTensorSize_Private(&t->form)), &at->A));
  if (t->present != k)
    t->have_columns = t->have_factor = PETSC_FALSE;
  t->present = k;
  t->x = at->x;
  t->A = at->A;
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvAt_Private(FenBilevelProblem pr, FenInt s)
{
  FenTv *t = (FenTv *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(Use(t, (s - pr->part.start) % t->together));
  PetscFunctionReturn(0);
}

/* points that were linearised are forgotten */
PetscErrorCode FenTvTogether_Private(FenBilevelProblem pr, FenInt n)
{
  FenTv *t = (FenTv *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = 0; k < t->together; k++)
    PetscCall(PetscFree2(t->place[k].x, t->place[k].A));
  PetscCall(PetscFree(t->place));
  t->together = n;
  if (!n)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)n, &t->place));
  PetscCall(FenHaloTogether_Private(&t->halo, n));
  PetscCall(FenHaloTogether_Private(&t->dual_halo, n));
  t->present = -1;
  PetscCall(Use(t, 0));
  PetscFunctionReturn(0);
}

/* ---- points ---- */
/* rows: from mine on, with halo */
static PetscErrorCode SetPoint(FenTv *t, const double rows[])
{
  const FenInt n = t->form.width, above = t->halo.above;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(t->x, rows - above * n, (above + t->rows + t->halo.below) * n));
  t->have_columns = t->have_factor = t->place[t->present].have_gram = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* w: duals with their halo, or NULL */
static void SetTensors(FenTv *t, const double w[])
{
  const FenInt  n = t->form.width, dual = t->form.dim * n;
  const double *x = t->x + t->halo.above * n;
  double       *p = t->work;

  for (FenInt i = -t->halo.above; i < t->rows; i++) {
    FenTvRow_Private(t, x, i, p);
    FenTvTensor_Private(&t->form, p, w ? w + i * dual : NULL, t->bottom && i == t->rows - 1 ? PETSC_TRUE : PETSC_FALSE,
                        FenTvA_Private(t, i));
  }
}

PetscErrorCode FenTvLinearises_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                       const double *const w[])
{
  FenTv        *t = (FenTv *)pr->ctx;
  const double *rows[FEN_BILEVEL_TOGETHER], *duals[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&t->halo, n, x));
  if (w)
    PetscCall(FenHaloBegin_Private(&t->dual_halo, n, w));
  PetscCall(FenHaloEnd_Private(&t->halo, n, x, rows));
  if (w)
    PetscCall(FenHaloEnd_Private(&t->dual_halo, n, w, duals));
  for (FenInt k = 0; k < n; k++) {
    PetscCall(FenTvAt_Private(pr, s[k]));
    PetscCall(SetPoint(t, rows[k]));
    SetTensors(t, w ? duals[k] : NULL);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvLinearise_Private(FenBilevelProblem pr, FenInt s, const double x[])
{
  PetscFunctionBegin;
  PetscCall(FenTvLinearises_Private(pr, 1, &s, &x, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvDualise_Private(FenBilevelProblem pr, FenInt s, const double x[], const double w[])
{
  PetscFunctionBegin;
  PetscCall(FenTvLinearises_Private(pr, 1, &s, &x, &w));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvDualStarts_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                       double *const w[])
{
  FenTv        *t = (FenTv *)pr->ctx;
  const FenInt  dual = t->form.dim * t->form.width;
  const double *all[FEN_BILEVEL_TOGETHER];

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&t->halo, n, x));
  PetscCall(FenHaloEnd_Private(&t->halo, n, x, all));
  for (FenInt k = 0; k < n; k++)
    for (FenInt i = 0; i < t->rows; i++) {
      FenTvRow_Private(t, all[k], i, t->work);
      FenTvDual_Private(&t->form, t->work, w[k] + i * dual);
    }
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvDualStart_Private(FenBilevelProblem pr, FenInt s, const double x[], double w[])
{
  PetscFunctionBegin;
  PetscCall(FenTvDualStarts_Private(pr, 1, &s, &x, &w));
  PetscFunctionReturn(0);
}

/* differences of my rows, one array after the other */
static PetscErrorCode Differences(FenTv *t, FenInt n, const double *const x[], double p[])
{
  const FenInt  dual = t->form.dim * t->form.width;
  const double *all[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&t->halo, n, x));
  PetscCall(FenHaloEnd_Private(&t->halo, n, x, all));
  for (FenInt k = 0; k < n; k++)
    for (FenInt i = 0; i < t->rows; i++)
      FenTvRow_Private(t, all[k], i, p + (k * t->rows + i) * dual);
  PetscFunctionReturn(0);
}

/* one step length for all of a sample, so that the iteration is the same on any ranks */
PetscErrorCode FenTvDualSteps_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                      const double *const dx[], double *const w[])
{
  FenTv       *t = (FenTv *)pr->ctx;
  const FenInt dual = t->form.dim * t->form.width, one = t->rows * dual;
  double      *p, *dp, step[FEN_BILEVEL_TOGETHER];
  PetscMPIInt  count;

  (void)s;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(n * one), &p, (size_t)(n * one), &dp));
  PetscCall(Differences(t, n, x, p));
  PetscCall(Differences(t, n, dx, dp));
  for (FenInt k = 0; k < n; k++) {
    step[k] = 1 / 0.99;
    for (FenInt i = 0; i < t->rows; i++) {
      double *q = p + k * one + i * dual;

      FenTvDualDirection_Private(&t->form, q, dp + k * one + i * dual, w[k] + i * dual, q);
      step[k] = FenTvDualReach_Private(&t->form, w[k] + i * dual, q, step[k]);
    }
  }
  PetscCall(FenMPIIntCast(n, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, step, count, MPI_DOUBLE, MPI_MIN, pr->info.team));
  for (FenInt k = 0; k < n; k++) {
    step[k] = PetscMin(1, 0.99 * step[k]);
    for (FenInt i = 0; i < one; i++)
      w[k][i] += step[k] * p[k * one + i];
  }
  PetscCall(PetscFree2(p, dp));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvDualStep_Private(FenBilevelProblem pr, FenInt s, const double x[], const double dx[], double w[])
{
  PetscFunctionBegin;
  PetscCall(FenTvDualSteps_Private(pr, 1, &s, &x, &dx, &w));
  PetscFunctionReturn(0);
}
