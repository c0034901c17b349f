/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel-ridge: upper losses on held-out rows, by leaving one out, and by the evidence; their direct parts. */
#include "kernelridgeimpl.h"
#include <math.h>
#include <petscblaslapack.h>

/* residuals of my validation rows; a: whole */
PetscErrorCode FenKernelRidgeResiduals_Private(FenKernelRidge *q, const double a[], const double y[], double r[])
{
  PetscBLASInt m, n, one = 1;
  double       unit = 1, zero = 0;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(q->valid.rows, &m));
  PetscCall(PetscBLASIntCast(q->k.n, &n));
  if (m)
    BLASgemv_("N", &m, &n, &unit, q->KV, &m, a, &one, &zero, r, &one);
  for (PetscInt i = 0; i < q->valid.rows && y; i++)
    r[i] -= y[i];
  PetscFunctionReturn(0);
}

/* K_v^T r, my part of x */
static PetscErrorCode Back(FenBilevelProblem pr, FenKernelRidge *q, const double r[], double g[])
{
  PetscBLASInt m, n, one = 1;
  double       unit = 1, zero = 0;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(q->valid.rows, &m));
  PetscCall(PetscBLASIntCast(q->k.n, &n));
  PetscCall(PetscArrayzero(q->b, q->k.n));
  if (m)
    BLASgemv_("T", &m, &n, &unit, q->KV, &m, r, &one, &zero, q->b, &one);
  PetscCall(FenBilevelTeamSum_Private(pr, q->k.n, q->b));
  FenKernelRidgeMine_Private(pr, q->b, g);
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelRidgeHoldout_Private(FenBilevelProblem pr, FenKernelRidge *q, const double x[], double *value,
                                             double g[])
{
  FenDD   sum = {0, 0};
  double *r;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)q->valid.rows + 1, &r));
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, x, q->all));
  PetscCall(FenKernelRidgeResiduals_Private(q, q->all, q->valid.y, r));
  for (PetscInt i = 0; i < q->valid.rows; i++)
    FenDDAddProduct(&sum, r[i] / 2, r[i]);
  *value = sum.hi + sum.lo;
  if (g)
    PetscCall(Back(pr, q, r, g));
  PetscCall(PetscFree(r));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelRidgeUpper_Private(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  FenDD           sum = {0, 0};

  (void)s;
  PetscFunctionBegin;
  if (q->upper == UPPER_HOLDOUT) {
    PetscCall(FenKernelRidgeHoldout_Private(pr, q, x, value, g));
    PetscFunctionReturn(0);
  }
  if (q->upper == UPPER_LOO) {
    PetscCall(FenKernelInvert_Private(&q->k));
    for (FenInt i = 0; i < pr->part.nx; i++) {
      const double B = q->k.diagonal[pr->part.row0 + i], r = x[i] / B;

      FenDDAddProduct(&sum, r / 2, r);
      if (g)
        g[i] = r / B;
    }
  } else {
    double logdet;

    PetscCall(FenKernelLogDet_Private(&q->k, &logdet));
    if (!pr->info.rank)
      FenDDAdd(&sum, logdet / 2 + (double)q->k.n * log(2 * PETSC_PI) / 2);
    for (FenInt i = 0; i < pr->part.nx; i++) {
      FenDDAddProduct(&sum, x[i] / 2, q->train.y[i]);
      if (g)
        g[i] = q->train.y[i] / 2;
    }
  }
  *value = sum.hi + sum.lo;
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelRidgeUpperHessian_Private(FenBilevelProblem pr, FenInt s, const double x[], const double v[],
                                                  double Gv[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  double         *r;

  (void)s, (void)x;
  PetscFunctionBegin;
  if (q->upper == UPPER_HOLDOUT) {
    PetscCall(PetscMalloc1((size_t)q->valid.rows + 1, &r));
    PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, v, q->all));
    PetscCall(FenKernelRidgeResiduals_Private(q, q->all, NULL, r));
    PetscCall(Back(pr, q, r, Gv));
    PetscCall(PetscFree(r));
    PetscFunctionReturn(0);
  }
  if (q->upper == UPPER_LOO)
    PetscCall(FenKernelInvert_Private(&q->k));
  for (FenInt i = 0; i < pr->part.nx; i++) {
    const double B = q->upper == UPPER_LOO ? q->k.diagonal[pr->part.row0 + i] : 1;

    Gv[i] = q->upper == UPPER_LOO ? v[i] / (B * B) : 0;
  }
  PetscFunctionReturn(0);
}

/* my part of sum_ik w_i M_ik dK_ik(l) / K_ik for every length scale, M a block of m rows */
static PetscErrorCode Weighted(FenKernelRidge *q, PetscInt m, const double V[], const double M[], const double a[],
                               const double w[], FenDD sum[])
{
  double *out;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)m * (size_t)q->k.lengths + 1, &out));
  PetscCall(FenKernelDifferences_Private(&q->k, m, V, M, a, out));
  for (PetscInt l = 0; l < q->k.lengths; l++)
    for (PetscInt i = 0; i < m; i++)
      FenDDAddProduct(&sum[l], w ? w[i] : 1, out[l * m + i]);
  PetscCall(PetscFree(out));
  PetscFunctionReturn(0);
}

/* sum over all entries of dK o W for rows W of mine, factor times, noise last; W is overwritten */
static PetscErrorCode Traces(FenKernelRidge *q, double factor, double W[], FenDD sum[])
{
  const FenKernel *k = &q->k;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < k->n; i++)
    q->b[i] = factor;
  for (PetscInt i = 0; i < k->rows; i++)
    FenDDAdd(&sum[k->lengths], factor * k->noise * W[(size_t)i + (size_t)(k->e0 + i) * (size_t)k->rows]);
  for (size_t e = 0; e < (size_t)k->rows * (size_t)k->n; e++)
    W[e] *= k->K[e];
  PetscCall(Weighted(q, k->rows, k->Z + (size_t)k->e0 * (size_t)k->d, W, q->b, NULL, sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode Direct(FenBilevelProblem pr, FenKernelRidge *q, const double x[], FenDD sum[])
{
  FenKernel   *k = &q->k;
  const size_t entries = (size_t)k->rows * (size_t)k->n;
  double      *W;

  PetscFunctionBegin;
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, x, q->all));
  if (q->upper == UPPER_HOLDOUT) {
    PetscCall(PetscMalloc1((size_t)q->valid.rows + 1, &W));
    PetscCall(FenKernelRidgeResiduals_Private(q, q->all, q->valid.y, W));
    PetscCall(Weighted(q, q->valid.rows, q->VZ, q->KV, q->all, W, sum));
  } else {
    PetscCall(PetscMalloc1(entries + 1, &W));
    PetscCall(FenKernelInvert_Private(k));
    if (q->upper == UPPER_EVIDENCE)
      PetscCall(PetscArraycpy(W, k->B, entries));
    else {
      for (PetscInt i = 0; i < k->n; i++)
        q->b[i] = q->all[i] * q->all[i] / (k->diagonal[i] * k->diagonal[i] * k->diagonal[i]);
      PetscCall(FenKernelSandwich_Private(k, q->b, W));
    }
    PetscCall(Traces(q, q->upper == UPPER_EVIDENCE ? 0.5 : 1, W, sum));
  }
  PetscCall(PetscFree(W));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelRidgeDirect_Private(FenBilevelProblem pr, FenInt s, const double x[], double t[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  double         *all;
  FenDD          *sum;

  (void)s;
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)pr->size.p, &all));
  PetscCall(PetscCalloc1((size_t)pr->size.p, &sum));
  PetscCall(Direct(pr, q, x, sum));
  PetscCall(FenDDReduce(pr->info.team, q->k.lengths + 1, sum, all));
  FenBilevelThetaTake_Private(pr, all, t);
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}
