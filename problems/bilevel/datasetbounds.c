/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Upper bounds of the largest eigenvalue of X^T X that hold, which a power iteration's estimate, a lower bound, does
   not. The least of
     trace = |X|_F^2;
     the Gram matrix's eigenvalues and LAPACK's error bound, for a moderate number of features;
     max_j (B z)_j / z_j with B = |X|^T |X| and any z > 0 (Collatz, Wielandt): B is not less than X^T X entry by entry
     in modulus, so its spectral radius is not less either. Steps z <- B z lower it to the spectral radius of B, which
     is that of X^T X where features are not negative, as pixels and counts are.
*/
#include "datasetimpl.h"
#include <math.h>
#include <petscblaslapack.h>

#define GRAM_MOST 1024 /* features; the eigenvalues cost 4/3 d^3 flops on every rank */

PetscErrorCode FenGramRange_Private(PetscInt d, FenInt terms, double G[], double *least, double *most)
{
  PetscBLASInt n, lwork, info;
  double      *w, *work, trace = 0, error;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(d, &n));
  lwork = 40 * n + 40;
  PetscCall(PetscMalloc2((size_t)d, &w, (size_t)lwork, &work));
  for (PetscInt j = 0; j < d; j++)
    trace += fabs(G[(size_t)j * (size_t)d + (size_t)j]);
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  LAPACKsyev_("N", "U", &n, G, &n, w, work, &lwork, &info);
  PetscCall(PetscFPTrapPop());
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev: info %" PetscBLASInt_FMT, info);
  /* sums of `terms` products, then an error of syev below 8 d eps |G| */
  error = ((double)terms + 8 * (double)d + 16) * PETSC_MACHINE_EPSILON * trace;
  *least = w[0] - error;
  *most = w[d - 1] + error;
  PetscCall(PetscFree2(w, work));
  PetscFunctionReturn(0);
}

/* out = |X|^T diag(weight) |X| z */
static PetscErrorCode Modulus(const FenDataset *a, const double weight[], const double z[], double out[])
{
  FenDD *sum;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(out, a->cols));
  for (PetscInt i = 0; i < a->rows; i++) {
    const FenInt  n = a->X ? a->d : a->csr.ptr[i + 1] - a->csr.ptr[i];
    const double *row = a->X ? a->X + (size_t)i * (size_t)a->d : a->csr.val + a->csr.ptr[i];
    const FenInt *idx = a->X ? NULL : a->csr.idx + a->csr.ptr[i];
    double        dot = 0;

    for (FenInt k = 0; k < n; k++)
      dot += fabs(row[k]) * z[idx ? idx[k] : k];
    dot *= weight ? weight[i] : 1;
    for (FenInt k = 0; k < n; k++)
      out[idx ? idx[k] : k] += fabs(row[k]) * dot;
  }
  PetscCall(PetscMalloc1((size_t)a->cols, &sum));
  for (PetscInt j = 0; j < a->cols; j++)
    sum[j] = (FenDD){out[j], 0};
  PetscCall(FenDDReduce(a->comm, a->cols, sum, out));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetQuotient_Private(const FenDataset *a, const double weight[], PetscInt steps, double z[],
                                          double *most)
{
  double *out;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)a->cols, &out));
  *most = PETSC_INFINITY;
  for (PetscInt s = 0; s < steps; s++) {
    double quotient = 0, top = 0;

    PetscCall(Modulus(a, weight, z, out));
    for (PetscInt j = 0; j < a->cols; j++) {
      quotient = PetscMax(quotient, out[j] / z[j]);
      top = PetscMax(top, out[j]);
    }
    *most = PetscMin(*most, quotient);
    for (PetscInt j = 0; j < a->cols && top > 0; j++)
      z[j] = PetscMax(out[j] / top, 1e-12); /* stays positive where a feature is zero everywhere */
  }
  *most *= 1 + ((double)a->n + (double)a->d) * PETSC_MACHINE_EPSILON;
  PetscCall(PetscFree(out));
  PetscFunctionReturn(0);
}

static PetscErrorCode FromGram(const FenDataset *a, double *most)
{
  double *G, least;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)a->cols * (size_t)a->cols, &G));
  PetscCall(FenDatasetGram_Private(a, NULL, G));
  PetscCall(FenGramRange_Private(a->cols, a->n, G, &least, most));
  PetscCall(PetscFree(G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetNorm_Private(const FenDataset *a, double *most, double *row)
{
  FenDD  sum = {0, 0};
  double trace, other, *z;

  PetscFunctionBegin;
  *row = 0;
  for (PetscInt i = 0; i < a->rows; i++) {
    const double square = FenDatasetRowSquare_Private(a, i);

    FenDDAdd(&sum, square);
    *row = PetscMax(*row, square);
  }
  *row = sqrt(*row * (1 + (double)a->d * PETSC_MACHINE_EPSILON));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, row, 1, MPI_DOUBLE, MPI_MAX, a->comm));
  PetscCall(FenDDReduce(a->comm, 1, &sum, &trace));
  *most = trace * (1 + (double)a->d * PETSC_MACHINE_EPSILON);
  if (a->cols <= GRAM_MOST)
    PetscCall(FromGram(a, &other));
  else {
    PetscCall(PetscMalloc1((size_t)a->cols, &z));
    for (PetscInt j = 0; j < a->cols; j++)
      z[j] = 1;
    PetscCall(FenDatasetQuotient_Private(a, NULL, 30, z, &other));
    PetscCall(PetscFree(z));
  }
  *most = PetscMin(*most, other);
  PetscFunctionReturn(0);
}
