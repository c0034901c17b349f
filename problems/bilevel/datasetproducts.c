/* SPDX-License-Identifier: BSD-2-Clause */
/* Products with the rows of a set: BLAS for dense rows, loops for sparse ones. */
#include "datasetimpl.h"
#include <petscblaslapack.h>

static PetscErrorCode Sizes(const FenDataset *a, PetscInt c, PetscBLASInt *rows, PetscBLASInt *cols, PetscBLASInt *bc)
{
  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(a->rows, rows));
  PetscCall(PetscBLASIntCast(a->cols, cols));
  PetscCall(PetscBLASIntCast(c, bc));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetMult_Private(const FenDataset *a, PetscInt c, const double W[], double U[])
{
  PetscBLASInt rows, cols, bc, one = 1;
  double       unit = 1, zero = 0;

  PetscFunctionBegin;
  if (!a->X) {
    PetscCall(PetscArrayzero(U, (size_t)a->rows * (size_t)c));
    for (PetscInt i = 0; i < a->rows; i++)
      for (FenInt e = a->csr.ptr[i]; e < a->csr.ptr[i + 1]; e++)
        for (PetscInt k = 0; k < c; k++)
          U[i * c + k] += a->csr.val[e] * W[a->csr.idx[e] * c + k];
    PetscFunctionReturn(0);
  }
  PetscCall(Sizes(a, c, &rows, &cols, &bc));
  if (!rows)
    PetscFunctionReturn(0);
  if (c == 1)
    BLASgemv_("T", &cols, &rows, &unit, a->X, &cols, W, &one, &zero, U, &one);
  else
    BLASgemm_("N", "N", &bc, &rows, &cols, &unit, W, &bc, a->X, &cols, &zero, U, &bc);
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetMultTranspose_Private(const FenDataset *a, PetscInt c, const double R[], double G[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(G, (size_t)a->cols * (size_t)c));
  PetscCall(FenDatasetAddTranspose_Private(a, c, R, G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetAddTranspose_Private(const FenDataset *a, PetscInt c, const double R[], double G[])
{
  PetscBLASInt rows, cols, bc, one = 1;
  double       unit = 1;

  PetscFunctionBegin;
  if (!a->X) {
    for (PetscInt i = 0; i < a->rows; i++)
      for (FenInt e = a->csr.ptr[i]; e < a->csr.ptr[i + 1]; e++)
        for (PetscInt k = 0; k < c; k++)
          G[a->csr.idx[e] * c + k] += a->csr.val[e] * R[i * c + k];
    PetscFunctionReturn(0);
  }
  PetscCall(Sizes(a, c, &rows, &cols, &bc));
  if (!rows)
    PetscFunctionReturn(0);
  if (c == 1)
    BLASgemv_("N", &cols, &rows, &unit, a->X, &cols, R, &one, &unit, G, &one);
  else
    BLASgemm_("N", "T", &bc, &cols, &rows, &unit, R, &bc, a->X, &cols, &unit, G, &bc);
  PetscFunctionReturn(0);
}

FenDataset FenDatasetRows_Private(const FenDataset *a, PetscInt first, PetscInt n)
{
  FenDataset b = *a;

  b.rows = n;
  b.y += first;
  if (a->X)
    b.X += (size_t)first * (size_t)a->cols;
  else
    b.csr.ptr += first; /* its numbers count from the first row of the set */
  return b;
}

double FenDatasetRowSquare_Private(const FenDataset *a, PetscInt i)
{
  const FenInt  n = a->X ? a->d : a->csr.ptr[i + 1] - a->csr.ptr[i];
  const double *row = a->X ? a->X + (size_t)i * (size_t)a->d : a->csr.val + a->csr.ptr[i];
  double        sum = 0;

  for (FenInt k = 0; k < n; k++)
    sum += row[k] * row[k];
  return sum;
}

/* lower triangle in BLAS's order is the upper one by rows */
static PetscErrorCode DenseGram(const FenDataset *a, const double weight[], double G[])
{
  PetscBLASInt rows, cols, one;
  double       unit = 1, zero = 0, *X = a->X;

  PetscFunctionBegin;
  PetscCall(Sizes(a, 1, &rows, &cols, &one));
  PetscCall(PetscArrayzero(G, (size_t)a->cols * (size_t)a->cols));
  if (!rows)
    PetscFunctionReturn(0);
  if (weight) {
    PetscCall(PetscMalloc1((size_t)a->rows * (size_t)a->cols, &X));
    for (PetscInt i = 0; i < a->rows; i++)
      for (PetscInt j = 0; j < a->cols; j++)
        X[(size_t)i * (size_t)a->cols + (size_t)j] = weight[i] * a->X[(size_t)i * (size_t)a->cols + (size_t)j];
    BLASgemm_("N", "T", &cols, &cols, &rows, &unit, X, &cols, a->X, &cols, &zero, G, &cols);
    PetscCall(PetscFree(X));
  } else
    BLASsyrk_("L", "N", &cols, &rows, &unit, X, &cols, &zero, G, &cols);
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetGram_Private(const FenDataset *a, const double weight[], double G[])
{
  const size_t d = (size_t)a->cols;
  FenDD       *sum;
  PetscInt     n;

  PetscFunctionBegin;
  if (a->X)
    PetscCall(DenseGram(a, weight, G));
  else {
    PetscCall(PetscArrayzero(G, d * d));
    for (PetscInt i = 0; i < a->rows; i++)
      for (FenInt e = a->csr.ptr[i]; e < a->csr.ptr[i + 1]; e++)
        for (FenInt f = e; f < a->csr.ptr[i + 1]; f++)
          G[a->csr.idx[e] * a->d + a->csr.idx[f]] += (weight ? weight[i] : 1) * a->csr.val[e] * a->csr.val[f];
  }
  PetscCall(FenIntCast((FenInt)(d * (d + 1) / 2), &n));
  PetscCall(PetscMalloc1((size_t)n + 1, &sum));
  for (size_t i = 0, k = 0; i < d; i++)
    for (size_t j = i; j < d; j++)
      sum[k++] = (FenDD){G[i * d + j], 0};
  PetscCall(FenDDReduce(a->comm, n, sum, G)); /* packed rows, spread from the end so that nothing is overwritten */
  PetscCall(PetscFree(sum));
  for (size_t i = d, k = (size_t)n; i-- > 0;)
    for (size_t j = d; j-- > i;)
      G[i * d + j] = G[--k];
  for (size_t i = 0; i < d; i++)
    for (size_t j = i + 1; j < d; j++)
      G[j * d + i] = G[i * d + j];
  PetscFunctionReturn(0);
}
