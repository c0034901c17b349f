/* SPDX-License-Identifier: BSD-2-Clause */
/*
   D^T of a field, row by row: the field of a row is made once and used for that row and the next. While the rows of
   the neighbours travel, the rows that do not need them are done.

   Cost of a product: about 10, 25, 50 flops a number for one, two, three axes; one message of a row to each neighbour.
*/
#include "tvimpl.h"

void FenTvRow_Private(const FenTv *t, const double rows[], FenInt i, double p[])
{
  const FenInt  n = t->form.width;
  const double *cur = rows + i * n;

  if (t->bottom && i == t->rows - 1)
    FenTvDifference_Private(&t->form, t->form.left ? &t->zero : cur, t->form.left ? rows : NULL, p);
  else
    FenTvDifference_Private(&t->form, cur, cur + n, p);
}

double *FenTvA_Private(const FenTv *t, FenInt i)
{
  return t->A + (i + 1) * FenTvTensorSize_Private(&t->form) * t->form.width;
}

static double Field(FenTv *t, FenTvKind kind, const double rows[], FenInt i, double p[])
{
  FenTvRow_Private(t, rows, i, p);
  return FenTvField_Private(&t->form, kind, kind == FEN_TV_HESSIAN ? FenTvA_Private(t, i) : NULL, p);
}

void FenTvSweep_Private(FenTv *t, FenTvKind kind, const double v[], FenInt from, FenInt to, double a, const double y[],
                        double b, double out[], FenDD *value)
{
  const FenInt n = t->form.width;
  double      *before = t->work, *field = t->work + t->form.dim * n;
  PetscBool    has = PETSC_FALSE;

  if (from >= to)
    return;
  if (from > 0 || !t->top || t->form.left) {
    (void)Field(t, kind, v, from == 0 && t->top ? t->rows - 1 : from - 1, before);
    has = PETSC_TRUE;
  }
  for (FenInt i = from; i < to; i++) {
    const PetscBool own = t->bottom && i == t->rows - 1 ? PETSC_FALSE : PETSC_TRUE;
    const double    sum = Field(t, kind, v, i, field);
    double         *o = out + i * n, *swap = before;

    if (value)
      FenDDAdd(value, sum);
    for (FenInt j = 0; j < n; j++)
      o[j] = a * v[i * n + j] + (y ? b * y[i * n + j] : 0);
    FenTvAdjoint_Private(&t->form, has ? before : NULL, field, own, o);
    has = PETSC_TRUE;
    before = field;
    field = swap;
  }
}

PetscErrorCode FenTvApply_Private(FenBilevelProblem pr, FenTvKind kind, FenInt n, const FenInt s[],
                                  const double *const v[], double a, const double *const y[], double *const out[],
                                  double value[])
{
  FenTv        *t = (FenTv *)pr->ctx;
  const FenInt  from = t->halo.above ? 1 : 0, to = t->halo.below ? t->rows - 1 : t->rows;
  const double *rows[FEN_BILEVEL_TOGETHER];
  FenDD         sum[FEN_BILEVEL_TOGETHER] = {{0, 0}};

  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&t->halo, n, v));
  for (FenInt k = 0; k < n && from < to; k++) {
    if (s && kind == FEN_TV_HESSIAN)
      PetscCall(FenTvAt_Private(pr, s[k]));
    FenTvSweep_Private(t, kind, v[k], from, to, a, y ? y[k] : NULL, -1, out[k], &sum[k]);
  }
  PetscCall(FenHaloEnd_Private(&t->halo, n, v, rows));
  for (FenInt k = 0; k < n; k++) {
    const double *clean = y ? y[k] : NULL;

    if (s && kind == FEN_TV_HESSIAN)
      PetscCall(FenTvAt_Private(pr, s[k]));
    FenTvSweep_Private(t, kind, rows[k], 0, from < to ? from : t->rows, a, clean, -1, out[k], &sum[k]);
    if (from < to)
      FenTvSweep_Private(t, kind, rows[k], to, t->rows, a, clean, -1, out[k], &sum[k]);
    if (value)
      value[k] = sum[k].hi + sum[k].lo;
  }
  PetscFunctionReturn(0);
}
