/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel-ridge: bounds of eigenvalues, of J and of its change, see kernelridge.c. */
#include "kernelridgeimpl.h"
#include <math.h>
#include <petscblaslapack.h>

/* max_i (M z)_i / z_i for a matrix without negative entries, z from ones by powers; M = K, or K_v^T K_v */
static PetscErrorCode Quotient(FenBilevelProblem pr, FenKernelRidge *q, PetscBool valid, double *most)
{
  double *z = q->all, *r;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)q->valid.rows + 1, &r));
  *most = PETSC_INFINITY;
  for (PetscInt i = 0; i < q->k.n; i++)
    z[i] = 1;
  for (int step = 0; step < 4; step++) {
    double quotient = 0, top = 0;

    if (valid) {
      PetscBLASInt m, n, one = 1;
      double       unit = 1, zero = 0;

      PetscCall(FenKernelRidgeResiduals_Private(q, z, NULL, r));
      PetscCall(PetscBLASIntCast(q->valid.rows, &m));
      PetscCall(PetscBLASIntCast(q->k.n, &n));
      PetscCall(PetscArrayzero(q->b, q->k.n));
      if (m)
        BLASgemv_("T", &m, &n, &unit, q->KV, &m, r, &one, &zero, q->b, &one);
      PetscCall(FenBilevelTeamSum_Private(pr, q->k.n, q->b));
    } else
      PetscCall(FenKernelMult_Private(&q->k, z, q->b));
    for (PetscInt i = 0; i < q->k.n; i++) {
      quotient = PetscMax(quotient, q->b[i] / z[i]);
      top = PetscMax(top, q->b[i]);
    }
    *most = PetscMin(*most, quotient);
    for (PetscInt i = 0; i < q->k.n && top > 0; i++)
      z[i] = PetscMax(q->b[i] / top, 1e-9);
  }
  *most *= 1 + 1e-9;
  PetscCall(PetscFree(r));
  PetscFunctionReturn(0);
}

/* sum over the length scales of |dK|^2, each at most its largest row sum squared */
static PetscErrorCode Change(FenBilevelProblem pr, FenKernelRidge *q, double *change)
{
  const FenKernel *k = &q->k;
  double          *out, *most;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)k->rows * (size_t)k->lengths + 1, &out, (size_t)k->lengths, &most));
  for (PetscInt i = 0; i < k->n; i++)
    q->all[i] = 1;
  PetscCall(FenKernelDifferences_Private(k, k->rows, k->Z + (size_t)k->e0 * (size_t)k->d, k->K, q->all, out));
  *change = k->noise * k->noise;
  for (PetscInt l = 0; l < k->lengths; l++) {
    most[l] = 0;
    for (PetscInt i = 0; i < k->rows; i++)
      most[l] = PetscMax(most[l], out[l * k->rows + i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, (PetscMPIInt)k->lengths, MPI_DOUBLE, MPI_MAX, pr->info.team));
  for (PetscInt l = 0; l < k->lengths; l++)
    *change += most[l] * most[l];
  *change = sqrt(*change) * (1 + 1e-9);
  PetscCall(PetscFree2(out, most));
  PetscFunctionReturn(0);
}

/* largest singular value of J by J^T J, p x p; its Frobenius norm for many */
static PetscErrorCode JNorm(FenBilevelProblem pr, FenKernelRidge *q, double *norm)
{
  const PetscInt  p = q->k.lengths + 1, rows = q->k.rows;
  const PetscBool small = (PetscBool)(p <= 64);
  double         *M, least;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)p * (size_t)p, &M));
  for (PetscInt k = 0; k < p; k++)
    for (PetscInt l = 0; l < p; l++)
      for (PetscInt i = 0; i < rows && (small || k == l); i++)
        M[small ? k * p + l : 0] += q->J[k * rows + i] * q->J[l * rows + i];
  PetscCall(FenBilevelTeamSum_Private(pr, small ? p * p : 1, M));
  *norm = M[0];
  if (small)
    PetscCall(FenGramRange_Private(p, q->k.n, M, &least, norm));
  *norm = sqrt(*norm) * (1 + 1e-9);
  PetscCall(PetscFree(M));
  PetscFunctionReturn(0);
}

static PetscErrorCode Bounds(FenBilevelProblem pr, FenKernelRidge *q)
{
  PetscFunctionBegin;
  PetscCall(Quotient(pr, q, PETSC_FALSE, &q->top));
  PetscCall(Change(pr, q, &q->change));
  q->curvature = 0;
  if (q->upper == UPPER_HOLDOUT)
    PetscCall(Quotient(pr, q, PETSC_TRUE, &q->curvature));
  if (q->upper == UPPER_LOO) {
    PetscCall(FenKernelInvert_Private(&q->k));
    for (PetscInt i = 0; i < q->k.n; i++)
      q->curvature = PetscMax(q->curvature, 1 / (q->k.diagonal[i] * q->k.diagonal[i]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelRidgeConstants_Private(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  double          J, mu;

  (void)s;
  PetscFunctionBegin;
  if (q->top < 0)
    PetscCall(Bounds(pr, q));
  PetscCall(JNorm(pr, q, &J));
  mu = q->k.noise - 4 * PETSC_MACHINE_EPSILON * q->top; /* entries are right to two units in the last place */
  FEN_BILEVEL_CHECK(mu > 0, pr->info.team, FEN_ERR_VALUE,
                    "problem kernel-ridge: noise %g is not above the rounding errors of the kernel matrix, whose "
                    "largest eigenvalue may be %g; rule: mu > 0",
                    q->k.noise, q->top);
  *c = (FenBilevelConstants){
      .mu = mu, .lipschitz = q->top, .jacobian = q->change, .J = J, .upper = q->curvature, .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}
