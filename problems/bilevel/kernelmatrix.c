/* SPDX-License-Identifier: BSD-2-Clause */
/* Gaussian kernel matrices, see kernelmatriximpl.h. */
#include "kernelmatriximpl.h"
#include <math.h>
#include <petscblaslapack.h>

#define BLOCK 128 /* rows of a block of ScaLAPACK: 2 ranks, n = 4000: 64 is a quarter slower */

PetscErrorCode FenKernelSetUp_Private(FenKernel *k)
{
  PetscMPIInt size, rank, mine;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(k->comm, &size));
  k->parts = size;
  PetscCallMPI(MPI_Comm_rank(k->comm, &rank));
  k->rows = PETSC_DECIDE;
  PetscCall(PetscSplitOwnershipEqual(k->comm, &k->rows, &k->n));
  PetscCall(PetscMalloc2((size_t)size, &k->count, (size_t)size + 1, &k->place));
  PetscCall(FenMPIIntCast(k->rows, &mine));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, k->count, 1, MPI_INT, k->comm));
  k->place[0] = 0;
  for (PetscMPIInt r = 0; r < size; r++)
    k->place[r + 1] = k->place[r] + k->count[r];
  k->e0 = k->place[rank];
  k->e1 = k->place[rank + 1];
  for (PetscInt j = 0; j < k->d; j++) { /* distances do not change, rounding errors become less */
    FenDD mean = {0, 0};

    for (PetscInt i = 0; i < k->n; i++)
      FenDDAdd(&mean, k->X[(size_t)i * (size_t)k->d + (size_t)j] / (double)k->n);
    for (PetscInt i = 0; i < k->n; i++)
      k->X[(size_t)i * (size_t)k->d + (size_t)j] -= mean.hi;
    k->mean[j] = mean.hi;
  }
  PetscCall(PetscMalloc2((size_t)k->rows * (size_t)k->n + 1, &k->K, (size_t)k->n, &k->diagonal));
  PetscFunctionReturn(0);
}

static PetscErrorCode Forget(FenKernel *k)
{
  PetscFunctionBegin;
  PetscCall(MatDestroy(&k->factor));
  PetscCall(MatDestroy(&k->inverse));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelFree_Private(FenKernel *k)
{
  PetscFunctionBegin;
  PetscCall(Forget(k));
  PetscCall(PetscFree2(k->count, k->place));
  PetscCall(PetscFree2(k->K, k->diagonal));
  PetscCall(PetscFree3(k->X, k->Z, k->mean));
  PetscCall(PetscFree(k->B));
  PetscFunctionReturn(0);
}

static double Square(PetscInt d, const double z[])
{
  double sum = 0;

  for (PetscInt j = 0; j < d; j++)
    sum += z[j] * z[j];
  return sum;
}

PetscErrorCode FenKernelBlock_Private(const FenKernel *k, PetscInt m, const double V[], double out[])
{
  PetscBLASInt bm, bn, bd;
  double       unit = 1, zero = 0, *v2;

  PetscFunctionBegin;
  if (!m)
    PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(k->n, &bn));
  PetscCall(PetscBLASIntCast(k->d, &bd));
  PetscCall(PetscMalloc1((size_t)m, &v2));
  for (PetscInt i = 0; i < m; i++)
    v2[i] = Square(k->d, V + (size_t)i * (size_t)k->d);
  BLASgemm_("T", "N", &bm, &bn, &bd, &unit, V, &bd, k->Z, &bd, &zero, out, &bm);
  for (PetscInt c = 0; c < k->n; c++) {
    const double z2 = Square(k->d, k->Z + (size_t)c * (size_t)k->d);
    double      *column = out + (size_t)c * (size_t)m;

    for (PetscInt i = 0; i < m; i++) /* -|v - z|^2/2 */
      column[i] = exp(PetscMin(column[i] - (v2[i] + z2) / 2, 0));
  }
  PetscCall(PetscFree(v2));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelSet_Private(FenKernel *k, const double lengths[], double noise)
{
  PetscFunctionBegin;
  PetscCall(Forget(k));
  for (PetscInt i = 0; i < k->n; i++)
    for (PetscInt j = 0; j < k->d; j++)
      k->Z[(size_t)i * (size_t)k->d + (size_t)j] =
          k->X[(size_t)i * (size_t)k->d + (size_t)j] / lengths[k->lengths > 1 ? j : 0];
  k->noise = noise;
  PetscCall(FenKernelBlock_Private(k, k->rows, k->Z + (size_t)k->e0 * (size_t)k->d, k->K));
  for (PetscInt i = 0; i < k->rows; i++)
    k->K[(size_t)i + (size_t)(k->e0 + i) * (size_t)k->rows] = 1 + noise;
  PetscFunctionReturn(0);
}

/* |v-z|^2 = |v|^2 - 2 v.z + |z|^2: products with a, with a o z and with a o |z|^2, all columns at once */
PetscErrorCode FenKernelDifferences_Private(const FenKernel *k, PetscInt m, const double V[], const double M[],
                                            const double a[], double out[])
{
  const PetscInt d = k->d, L = k->lengths, columns = 1 + d + L;
  PetscBLASInt   bm, bn, bc;
  double         unit = 1, zero = 0, *C, *P;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(out, (size_t)m * (size_t)L));
  if (!m)
    PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(m, &bm));
  PetscCall(PetscBLASIntCast(k->n, &bn));
  PetscCall(PetscBLASIntCast(columns, &bc));
  PetscCall(PetscCalloc2((size_t)k->n * (size_t)columns, &C, (size_t)m * (size_t)columns, &P));
  for (PetscInt i = 0; i < k->n; i++) {
    C[i] = a[i];
    for (PetscInt j = 0; j < d; j++) {
      const double   z = k->Z[(size_t)i * (size_t)d + (size_t)j];
      const PetscInt l = L > 1 ? j : 0;

      C[(size_t)i + (size_t)(1 + j) * (size_t)k->n] = a[i] * z;
      C[(size_t)i + (size_t)(1 + d + l) * (size_t)k->n] += a[i] * z * z;
    }
  }
  BLASgemm_("N", "N", &bm, &bc, &bn, &unit, M, &bm, C, &bn, &zero, P, &bm);
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < d; j++) {
      const double   v = V[(size_t)i * (size_t)d + (size_t)j];
      const PetscInt l = L > 1 ? j : 0;

      out[l * m + i] += v * v * P[i] - 2 * v * P[i + (1 + j) * m] + (L > 1 || !j ? P[i + (1 + d + l) * m] : 0);
    }
  PetscCall(PetscFree2(C, P));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelGather_Private(const FenKernel *k, const double mine[], double all[])
{
  PetscMPIInt n;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(k->rows, &n));
  PetscCallMPI(MPI_Allgatherv(mine, n, MPI_DOUBLE, all, k->count, k->place, MPI_DOUBLE, k->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelMult_Private(const FenKernel *k, const double v[], double all[])
{
  PetscBLASInt rows, n, one = 1;
  double       unit = 1, zero = 0, *mine;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)k->rows + 1, &mine));
  PetscCall(PetscBLASIntCast(k->rows, &rows));
  PetscCall(PetscBLASIntCast(k->n, &n));
  if (rows)
    BLASgemv_("N", &rows, &n, &unit, k->K, &rows, v, &one, &zero, mine, &one);
  PetscCall(FenKernelGather_Private(k, mine, all));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}

/* my rows as a dense matrix that uses the array */
static PetscErrorCode Rows(const FenKernel *k, double array[], Mat *M)
{
  PetscFunctionBegin;
  PetscCall(MatCreateDense(k->comm, k->rows, k->rows, k->n, k->n, array, M));
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* block-cyclic copy of my rows; every rank gets some blocks of small matrices, too */
static PetscErrorCode Spread(const FenKernel *k, double array[], Mat *M)
{
  const PetscInt block = PetscMax(1, PetscMin(BLOCK, k->n / (4 * k->parts)));
  Mat            dense;

  PetscFunctionBegin;
  PetscCall(Rows(k, array, &dense));
  PetscCall(MatCreateScaLAPACK(k->comm, block, block, k->n, k->n, 0, 0, M));
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatConvert(dense, MATSCALAPACK, MAT_REUSE_MATRIX, M));
  PetscCall(MatDestroy(&dense));
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(FenKernel *k)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  if (k->factor)
    PetscFunctionReturn(0);
  PetscCall(Spread(k, k->K, &k->factor));
  PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL)); /* all ranks get the same code from the library */
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  code = MatCholeskyFactor(k->factor, NULL, NULL);
  PetscCall(PetscFPTrapPop());
  PetscCall(PetscPopErrorHandler());
  if (code)
    PetscCall(MatDestroy(&k->factor));
  FEN_BILEVEL_CHECK(!code, k->comm, FEN_ERR_VALUE,
                    "problem kernel-ridge: the kernel matrix with noise %g is not positive definite in double "
                    "precision; rule: the noise is above its rounding errors",
                    k->noise);
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelSolve_Private(FenKernel *k, const double b[], double x[])
{
  Vec           rhs, sol;
  double       *mine;
  const double *answer;

  PetscFunctionBegin;
  PetscCall(Factor(k));
  PetscCall(MatCreateVecs(k->factor, &sol, &rhs));
  PetscCall(VecGetArray(rhs, &mine));
  PetscCall(PetscArraycpy(mine, b + k->e0, k->rows));
  PetscCall(VecRestoreArray(rhs, &mine));
  PetscCall(MatSolve(k->factor, rhs, sol));
  PetscCall(VecGetArrayRead(sol, &answer));
  PetscCall(FenKernelGather_Private(k, answer, x));
  PetscCall(VecRestoreArrayRead(sol, &answer));
  PetscCall(VecDestroy(&rhs));
  PetscCall(VecDestroy(&sol));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelLogDet_Private(FenKernel *k, double *logdet)
{
  Vec           diagonal;
  const double *mine;
  double       *logs;

  PetscFunctionBegin;
  PetscCall(Factor(k));
  PetscCall(MatCreateVecs(k->factor, NULL, &diagonal));
  PetscCall(MatGetDiagonal(k->factor, diagonal));
  PetscCall(PetscMalloc1((size_t)k->rows + 1, &logs));
  PetscCall(VecGetArrayRead(diagonal, &mine));
  for (PetscInt i = 0; i < k->rows; i++)
    logs[i] = 2 * log(mine[i]);
  PetscCall(VecRestoreArrayRead(diagonal, &mine));
  PetscCall(FenSum(k->comm, k->rows, logs, logdet));
  PetscCall(PetscFree(logs));
  PetscCall(VecDestroy(&diagonal));
  PetscFunctionReturn(0);
}

/* a distributed matrix as my rows */
static PetscErrorCode Take(const FenKernel *k, Mat M, double rows[])
{
  Mat           dense;
  const double *mine;
  PetscInt      lda;

  PetscFunctionBegin;
  PetscCall(MatConvert(M, MATDENSE, MAT_INITIAL_MATRIX, &dense));
  PetscCall(MatDenseGetLDA(dense, &lda));
  PetscCall(MatDenseGetArrayRead(dense, &mine));
  for (PetscInt c = 0; c < k->n; c++)
    PetscCall(PetscArraycpy(rows + (size_t)c * (size_t)k->rows, mine + (size_t)c * (size_t)lda, k->rows));
  PetscCall(MatDenseRestoreArrayRead(dense, &mine));
  PetscCall(MatDestroy(&dense));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelInvert_Private(FenKernel *k)
{
  Mat     unit;
  double *mine;

  PetscFunctionBegin;
  if (k->inverse)
    PetscFunctionReturn(0);
  PetscCall(Factor(k));
  if (!k->B)
    PetscCall(PetscMalloc1((size_t)k->rows * (size_t)k->n + 1, &k->B));
  PetscCall(PetscArrayzero(k->B, (size_t)k->rows * (size_t)k->n));
  for (PetscInt i = 0; i < k->rows; i++)
    k->B[(size_t)i + (size_t)(k->e0 + i) * (size_t)k->rows] = 1;
  PetscCall(Spread(k, k->B, &unit));
  PetscCall(Spread(k, k->B, &k->inverse));
  PetscCall(MatMatSolve(k->factor, unit, k->inverse));
  PetscCall(MatDestroy(&unit));
  PetscCall(Take(k, k->inverse, k->B));
  PetscCall(PetscMalloc1((size_t)k->rows + 1, &mine));
  for (PetscInt i = 0; i < k->rows; i++)
    mine[i] = k->B[(size_t)i + (size_t)(k->e0 + i) * (size_t)k->rows];
  PetscCall(FenKernelGather_Private(k, mine, k->diagonal));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelSandwich_Private(FenKernel *k, const double c[], double W[])
{
  Mat     scaled, product;
  double *rows;

  PetscFunctionBegin;
  PetscCall(FenKernelInvert_Private(k));
  PetscCall(PetscMalloc1((size_t)k->rows * (size_t)k->n + 1, &rows));
  for (PetscInt j = 0; j < k->n; j++)
    for (PetscInt i = 0; i < k->rows; i++)
      rows[(size_t)i + (size_t)j * (size_t)k->rows] = c[k->e0 + i] * k->B[(size_t)i + (size_t)j * (size_t)k->rows];
  PetscCall(Spread(k, rows, &scaled));
  PetscCall(PetscFree(rows));
  PetscCall(MatMatMult(k->inverse, scaled, MAT_INITIAL_MATRIX, PETSC_DEFAULT, &product));
  PetscCall(MatDestroy(&scaled));
  PetscCall(Take(k, product, W));
  PetscCall(MatDestroy(&product));
  PetscFunctionReturn(0);
}
