/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Ridge regression of one step: Lambda = sum weight phi phi^T + zeta I, its inverse X, C = X phi, and fits with an
   error bound.

   n d^2 flops for Lambda by SYRK on my trajectories, one sum of d^2 numbers over all ranks, d^3 for the inverse, 2 n
   d^2 for C; a fit is 4 n d flops and four reductions of d numbers. Sums are made in blocks of 256 trajectories, so
   that they are wrong by at most gamma = (256 + n/256 + ...) eps of themselves, as features are >= 0. With E = I -
   Lambda X, Lambda^{-1} = X (I - E)^{-1}, hence |Lambda^{-1}| y <= |X| (y + z + eta/(1-eta) max z), z = |E| y, eta its
   norm. Errors of the next values pass through |C|, which knows of cancellation what |X| phi does not.
*/
#include "linearmdpimpl.h"
#include "../../linalg/spdinverse.h"
#include <petscblaslapack.h>
#include <math.h>

#define FEN_LINEAR_BLOCK ((FenInt)256) /* trajectories that are summed before others */

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
  const FenInt d = m->d;
  PetscBLASInt nd;
  PetscMPIInt  count;
  double      *part;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m->d, &nd));
  PetscCall(FenMPIIntCast(d * d, &count));
  PetscCall(PetscMalloc1((size_t)count, &part));
  PetscCall(PetscArrayzero(s->Lambda, (size_t)count));
  for (FenInt first = 0; first < s->n; first += FEN_LINEAR_BLOCK) {
    const PetscBLASInt k = (PetscBLASInt)PetscMin(FEN_LINEAR_BLOCK, s->n - first);

    BLASsyrk_("L", "N", &nd, &k, &one, phi + first * d, &nd, &zero, part, &nd);
    for (FenInt j = 0; j < d; j++)
      for (FenInt i = j; i < d; i++)
        s->Lambda[i + j * d] += part[i + j * d];
  }
  PetscCall(PetscFree(part));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->Lambda, count, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)m)));
  for (FenInt j = 0; j < d; j++) {
    s->Lambda[j + j * d] += m->par.ridge;
    for (FenInt i = j + 1; i < d; i++)
      s->Lambda[j + i * d] = s->Lambda[i + j * d];
  }
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

/* relative error of what is summed over trajectories, and of products with d terms */
static double Gamma(const FenLinearMDP m, const FenLinearStep *s)
{
  return s->gamma + (double)(m->d + 4) * FEN_EPS;
}

/* z = |E| y, rounding of Lambda and of E included */
static void Series(const FenLinearMDP m, const FenLinearStep *s, const double y[], double z[])
{
  const FenInt d = m->d;
  double      *x = m->vector + 10 * d, *t = x + d;

  Multiply(d, s->absX, y, x);
  Multiply(d, s->Lambda, x, t); /* >= 0, as features are */
  Multiply(d, s->absE, y, z);
  for (FenInt i = 0; i < d; i++)
    z[i] += Gamma(m, s) * t[i];
}

/* absX, absE and the largest row sum of the latter */
static PetscErrorCode InverseError(FenLinearMDP m, FenLinearStep *s, double *eta)
{
  const double minus = -1, zero = 0;
  const FenInt d = m->d;
  double      *ones = m->vector, *row = ones + d;
  PetscBLASInt nd;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m->d, &nd));
  BLASgemm_("N", "N", &nd, &nd, &nd, &minus, s->Lambda, &nd, s->X, &nd, &zero, s->absE, &nd);
  for (FenInt j = 0; j < d; j++) {
    for (FenInt i = 0; i < d; i++) {
      s->absX[i + j * d] = fabs(s->X[i + j * d]);
      s->absE[i + j * d] = fabs((i == j) + s->absE[i + j * d]);
    }
    ones[j] = 1;
  }
  Series(m, s, ones, row);
  *eta = 0;
  for (FenInt i = 0; i < d; i++)
    *eta = PetscMax(*eta, row[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Columns(FenLinearMDP m, FenLinearStep *s)
{
  const double one = 1, zero = 0;
  const FenInt d = m->d, block = 1 << 20; /* BLAS counts in ints */
  PetscBLASInt nd;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(m->d, &nd));
  for (FenInt k = 0; k < s->n; k += block) {
    const PetscBLASInt n = (PetscBLASInt)PetscMin(block, s->n - k);

    BLASgemm_("N", "N", &nd, &n, &nd, &one, s->X, &nd, s->phi + k * d, &nd, &zero, s->C + k * d, &nd);
  }
  if (s->weight)
    for (FenInt k = 0; k < s->n; k++)
      for (FenInt i = 0; i < d; i++)
        s->C[k * d + i] *= s->weight[k];
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
  PetscCall(Columns(m, s));
  PetscFunctionReturn(0);
}

/* what comes after the first term of (I - E)^{-1} y */
static void AllTerms(const FenLinearMDP m, const FenLinearStep *s, const double y[], double z[])
{
  double most = 0;

  Series(m, s, y, z);
  for (FenInt i = 0; i < m->d; i++)
    most = PetscMax(most, z[i]);
  for (FenInt i = 0; most > 0 && i < m->d; i++)
    z[i] += most * s->tail;
}

void FenLinearTail_Private(const FenLinearMDP m, const FenLinearStep *s, const double y[], double e[])
{
  double *z = m->vector + 9 * (FenInt)m->d;

  AllTerms(m, s, y, z);
  Multiply(m->d, s->absX, z, e);
  for (FenInt i = 0; i < m->d; i++)
    e[i] *= 1 + (double)(8 * m->d) * FEN_EPS;
}

void FenLinearBound_Private(const FenLinearMDP m, const FenLinearStep *s, const double y[], double e[])
{
  double *z = m->vector + 9 * (FenInt)m->d;

  AllTerms(m, s, y, z);
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
    if ((k + 1) % FEN_LINEAR_BLOCK == 0 || k == s->n - 1)
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
  PetscCallMPI(MPI_Bcast(w, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm)); /* processors may differ in the last bit */
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
    PetscCall(FenLinearPropagate_Private(m, s, df, c));
    for (FenInt i = 0; i < d; i++)
      error[i] += c[i];
  }
  PetscCallMPI(MPI_Bcast(error, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(local, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm));
  PetscFunctionReturn(0);
}

/* sum of |C| x over all ranks; entries of C are wrong by rounding of d terms, and by the error of X */
PetscErrorCode FenLinearPropagate_Private(FenLinearMDP m, const FenLinearStep *s, const double x[], double e[])
{
  const FenInt d = m->d;
  double      *y = m->vector + 6 * d, *tail = y + d;

  PetscFunctionBegin;
  PetscCall(FenLinearSum_Private(m, s, x, y));
  FenLinearTail_Private(m, s, y, tail);
  FenLinearBound_Private(m, s, y, e);
  for (FenInt i = 0; i < d; i++)
    tail[i] += Gamma(m, s) * e[i];
  PetscCall(PetscArrayzero(e, d));
  for (FenInt k = 0; k < s->n; k++)
    for (FenInt i = 0; i < d; i++)
      e[i] += fabs(s->C[k * d + i]) * x[k];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, e, (PetscMPIInt)m->d, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)m)));
  for (FenInt i = 0; i < d; i++)
    e[i] = e[i] * (1 + (double)m->size.count * FEN_EPS) + tail[i];
  PetscFunctionReturn(0);
}

/* with b = Phi^T f and z = X b: the residual b - Lambda z is |I - Lambda X| b, and Lambda and b are sums */
PetscErrorCode FenLinearRounding_Private(FenLinearMDP m, const FenLinearStep *s, const double f[], const double size[],
                                         double e[])
{
  const FenInt d = m->d;
  double      *b = m->vector + 6 * d, *y = b + d, *t = y + d;

  PetscFunctionBegin;
  PetscCall(FenLinearSum_Private(m, s, f, b));
  Multiply(d, s->absE, b, y);
  Multiply(d, s->Lambda, size, t);
  for (FenInt i = 0; i < d; i++)
    y[i] += (Gamma(m, s) + 4 * FEN_EPS) * (t[i] + 2 * b[i]);
  FenLinearBound_Private(m, s, y, e);
  PetscFunctionReturn(0);
}
