/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Ridge regression of one step: Lambda = sum weight phi phi^T + zeta I, its inverse, and fits with an error bound.

   n d^2 flops for Lambda by SYRK on my trajectories, one sum of d^2 numbers over all ranks, d^3 for the inverse; a fit
   is 4 n d flops and two reductions of d numbers. Bounds are first those of the sums: a sum of n terms >= 0 in any
   order is wrong by at most gamma = n eps of itself, and features are >= 0. With E = I - Lambda X, Lambda^{-1} = X (I -
   E)^{-1}, hence |Lambda^{-1}| y <= |X| (y + |E|/(1-|E|) max y).
*/
#include "linearmdpimpl.h"
#include "../../linalg/spdinverse.h"
#include <petscblaslapack.h>
#include <math.h>

/* features of the actions taken in this step, one after the other; scaled by the roots of the weights */
static void Gather(const FenLinearMDP m, const FenLinearStep *s, double scaled[])
{
  const FenInt d = m->d, width = (FenInt)m->size.actions * d;

  for (FenInt k = 0; k < s->n; k++) {
    const FenInt  at = k * m->H + s->h;
    const double *from = m->a.features + at * width + (FenInt)m->a.action[at] * d;
    const double  root = s->weight ? sqrt(s->weight[k]) : 1;

    PetscArraycpy(s->phi + k * d, from, (size_t)d);
    if (s->weight)
      for (FenInt i = 0; i < d; i++)
        scaled[k * d + i] = root * from[i];
  }
}

static PetscErrorCode SumOfSquares(FenLinearMDP m, const FenLinearStep *s, const double phi[])
{
  const double one = 1, zero = 0;
  const FenInt d = m->d, block = 1 << 20; /* BLAS counts in ints */
  PetscBLASInt nd;
  PetscMPIInt  count;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m->d, &nd));
  PetscCall(FenMPIIntCast(d * d, &count));
  PetscCall(PetscArrayzero(s->Lambda, (size_t)count));
  for (FenInt first = 0; first < s->n; first += block) {
    const PetscBLASInt k = (PetscBLASInt)PetscMin(block, s->n - first);

    BLASsyrk_("L", "N", &nd, &k, &one, phi + first * d, &nd, first ? &one : &zero, s->Lambda, &nd);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->Lambda, count, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)m)));
  for (FenInt j = 0; j < d; j++) {
    s->Lambda[j + j * d] += m->par.ridge;
    for (FenInt i = j + 1; i < d; i++)
      s->Lambda[j + i * d] = s->Lambda[i + j * d];
  }
  PetscFunctionReturn(0);
}

/* absX and absE; its largest row sum */
static PetscErrorCode InverseError(FenLinearMDP m, FenLinearStep *s, double *eta)
{
  const double one = 1, minus = -1, zero = 0;
  const FenInt d = m->d;
  double      *G, *E = s->absE, *row;
  PetscBLASInt nd;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m->d, &nd));
  PetscCall(PetscMalloc1((size_t)(d * d), &G));
  PetscCall(PetscCalloc1((size_t)d, &row));
  for (FenInt i = 0; i < d * d; i++)
    s->absX[i] = fabs(s->X[i]);
  BLASgemm_("N", "N", &nd, &nd, &nd, &minus, s->Lambda, &nd, s->X, &nd, &zero, E, &nd);
  BLASgemm_("N", "N", &nd, &nd, &nd, &one, s->Lambda, &nd, s->absX, &nd, &zero, G, &nd);
  for (FenInt j = 0; j < d; j++)
    for (FenInt i = 0; i < d; i++) {
      E[i + j * d] = fabs((i == j) + E[i + j * d]) + (s->gamma + (double)(d + 2) * FEN_EPS) * G[i + j * d];
      row[i] += E[i + j * d];
    }
  *eta = 0;
  for (FenInt i = 0; i < d; i++)
    *eta = PetscMax(*eta, row[i]);
  PetscCall(PetscFree(row));
  PetscCall(PetscFree(G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearRegress_Private(FenLinearMDP m, FenLinearStep *s)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)m);
  PetscBool definite;
  double    eta;

  PetscFunctionBegin;
  Gather(m, s, m->scaled);
  PetscCall(SumOfSquares(m, s, s->weight ? m->scaled : s->phi));
  PetscCall(FenSPDInverse_Private(comm, m->d, m->par.dense, s->Lambda, s->X, &definite));
  PetscCheck(definite, comm, (PetscErrorCode)FEN_ERR_VALUE,
             "step %" PetscInt_FMT ": the regression is singular to working precision with -mdp_ridge %g; a larger one "
             "is needed",
             s->h, m->par.ridge);
  PetscCall(InverseError(m, s, &eta));
  PetscCallMPI(MPI_Bcast(&eta, 1, MPI_DOUBLE, 0, comm));
  m->eta = PetscMax(m->eta, eta);
  s->tail = eta < 1 ? eta / (1 - eta) : HUGE_VAL;
  PetscFunctionReturn(0);
}

/* y = A x */
static void Multiply(FenInt d, const double A[], const double x[], double y[])
{
  for (FenInt i = 0; i < d; i++)
    y[i] = 0;
  for (FenInt j = 0; j < d; j++)
    for (FenInt i = 0; i < d; i++)
      y[i] += A[i + j * d] * x[j];
}

/* z = |E| y and what comes after it */
static void Series(const FenLinearMDP m, const FenLinearStep *s, const double y[], double z[])
{
  double most = 0;

  Multiply(m->d, s->absE, y, z);
  for (FenInt i = 0; i < m->d; i++)
    most = PetscMax(most, z[i]);
  for (FenInt i = 0; most > 0 && i < m->d; i++)
    z[i] += most * s->tail;
}

void FenLinearTail_Private(const FenLinearMDP m, const FenLinearStep *s, const double y[], double e[])
{
  double *z = m->vector + 9 * (FenInt)m->d;

  Series(m, s, y, z);
  Multiply(m->d, s->absX, z, e);
  for (FenInt i = 0; i < m->d; i++)
    e[i] *= 1 + (double)(8 * m->d) * FEN_EPS;
}

void FenLinearBound_Private(const FenLinearMDP m, const FenLinearStep *s, const double y[], double e[])
{
  double *z = m->vector + 9 * (FenInt)m->d;

  Series(m, s, y, z);
  for (FenInt i = 0; i < m->d; i++)
    z[i] += y[i];
  Multiply(m->d, s->absX, z, e);
  for (FenInt i = 0; i < m->d; i++)
    e[i] *= 1 + (double)(8 * m->d) * FEN_EPS;
}

PetscErrorCode FenLinearSum_Private(FenLinearMDP m, const FenLinearStep *s, const double f[], double b[])
{
  const FenInt d = m->d;
  FenDD       *sum;
  double      *part;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2((size_t)d, &sum, (size_t)d, &part));
  for (FenInt k = 0; k < s->n; k++) {
    const double x = s->weight ? s->weight[k] * f[k] : f[k];

    for (FenInt i = 0; i < d; i++)
      part[i] += x * s->phi[k * d + i];
    if ((k & 255) == 255 || k == s->n - 1)
      for (FenInt i = 0; i < d; i++) {
        FenDDAdd(&sum[i], part[i]);
        part[i] = 0;
      }
  }
  PetscCall(FenDDReduce(PetscObjectComm((PetscObject)m), m->d, sum, b));
  PetscCall(PetscFree2(sum, part));
  PetscFunctionReturn(0);
}

/* b - Lambda w with products in twice the precision */
static void Residual(FenInt d, const double Lambda[], const double w[], const double b[], double r[])
{
  for (FenInt i = 0; i < d; i++) {
    FenDD sum = {b[i], 0};

    for (FenInt j = 0; j < d; j++)
      FenDDAddProduct(&sum, -Lambda[i + j * d], w[j]);
    r[i] = sum.hi + sum.lo;
  }
}

PetscErrorCode FenLinearFit_Private(FenLinearMDP m, const FenLinearStep *s, const double f[], double extra,
                                    const double df[], double w[], double error[], double local[])
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)m);
  const FenInt d = m->d;
  double      *b = m->vector, *r = b + d, *c = r + d, *size = c + d, *y = size + d;

  PetscFunctionBegin;
  PetscCall(FenLinearSum_Private(m, s, f, b));
  Multiply(d, s->X, b, w);
  for (int k = 0; k < 2; k++) { /* the second pass leaves rounding only */
    Residual(d, s->Lambda, w, b, r);
    Multiply(d, s->X, r, c);
    for (FenInt i = 0; i < d; i++)
      w[i] += c[i];
  }
  PetscCallMPI(MPI_Bcast(w, m->d, MPI_DOUBLE, 0, comm)); /* processors may differ in the last bit */
  Residual(d, s->Lambda, w, b, r);
  for (FenInt k = 0; k < s->n; k++)
    m->df[k] = (s->gamma + 8 * FEN_EPS) * fabs(f[k]) + extra;
  PetscCall(FenLinearSum_Private(m, s, m->df, y));
  for (FenInt i = 0; i < d; i++)
    c[i] = fabs(w[i]);
  Multiply(d, s->Lambda, c, size);
  for (FenInt i = 0; i < d; i++)
    y[i] += fabs(r[i]) + (s->gamma + 4 * FEN_EPS) * size[i];
  FenLinearBound_Private(m, s, y, local);
  PetscCall(PetscArraycpy(error, local, d));
  if (df) {
    PetscCall(FenLinearSum_Private(m, s, df, y));
    FenLinearBound_Private(m, s, y, c);
    for (FenInt i = 0; i < d; i++)
      error[i] += c[i];
  }
  PetscCallMPI(MPI_Bcast(error, m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(local, m->d, MPI_DOUBLE, 0, comm));
  PetscFunctionReturn(0);
}
