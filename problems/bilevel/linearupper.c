/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Upper losses of linear models. Mean: sum l_i / n. KL-robust mean of temperature r:

     F = r log( (1/n) sum_i e^{l_i/r} ),  weights w_i = e^{l_i/r} / sum_j e^{l_j/r},
     grad F = sum_i w_i grad l_i,  Hess F = sum_i w_i Hess l_i + (1/r) Cov_w(grad l).
*/
#include "linearmodelimpl.h"
#include <math.h>

/* losses in L, derivatives in UV, curvature in PV, weights then in L; value: my part of the sum that is the loss */
static PetscErrorCode Rows(FenBilevelProblem pr, FenLinear *m, const double x[], double *value)
{
  const double n = (double)m->valid.n;
  double       top = -PETSC_INFINITY, total;
  FenDD        sum = {0, 0};

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, x, m->V));
  PetscCall(FenDatasetMult_Private(&m->valid, m->c, m->V, m->UV));
  for (PetscInt i = 0; i < m->valid.rows; i++) {
    double *u = m->UV + (size_t)i * (size_t)m->c, *p = m->PV + (size_t)i * (size_t)m->c;

    m->L[i] = FenLossRow_Private(m->loss, m->c, m->valid.y[i], u, u, p);
    top = PetscMax(top, m->L[i]);
  }
  if (!m->kl) {
    for (PetscInt i = 0; i < m->valid.rows; i++) {
      FenDDAdd(&sum, m->L[i]);
      m->L[i] = 1 / n;
    }
    *value = (sum.hi + sum.lo) / n;
    PetscFunctionReturn(0);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &top, 1, MPI_DOUBLE, MPI_MAX, pr->info.team));
  for (PetscInt i = 0; i < m->valid.rows; i++) {
    m->L[i] = exp((m->L[i] - top) / m->temperature);
    FenDDAdd(&sum, m->L[i]);
  }
  PetscCall(FenDDReduce(pr->info.team, 1, &sum, &total));
  for (PetscInt i = 0; i < m->valid.rows; i++)
    m->L[i] /= total;
  *value = pr->info.rank ? 0 : top + m->temperature * log(total / n);
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearUpper_Private(FenBilevelProblem pr, FenLinear *m, const double x[], double *value, double g[])
{
  PetscFunctionBegin;
  PetscCall(Rows(pr, m, x, value));
  if (!g)
    PetscFunctionReturn(0);
  for (PetscInt i = 0; i < m->valid.rows; i++)
    for (PetscInt k = 0; k < m->c; k++)
      m->UV[i * m->c + k] *= m->L[i];
  PetscCall(FenDatasetMultTranspose_Private(&m->valid, m->c, m->UV, m->G));
  PetscCall(FenLinearReduce_Private(pr, m, m->G, g));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearUpperHessian_Private(FenBilevelProblem pr, FenLinear *m, const double x[], const double v[],
                                             double Gv[])
{
  const PetscInt c = m->c;
  double         value, mean = 0;
  FenDD          sum = {0, 0};

  PetscFunctionBegin;
  PetscCall(Rows(pr, m, x, &value));
  PetscCall(FenLinearGather_Private(pr, m, v, m->V));
  PetscCall(FenDatasetMult_Private(&m->valid, c, m->V, m->R));
  if (m->kl) { /* mean of the slopes grad l_i . v */
    for (PetscInt i = 0; i < m->valid.rows * c; i++)
      FenDDAdd(&sum, m->L[i / c] * m->UV[i] * m->R[i]);
    PetscCall(FenDDReduce(pr->info.team, 1, &sum, &mean));
  }
  for (PetscInt i = 0; i < m->valid.rows; i++) {
    double *r = m->R + (size_t)i * (size_t)c, *u = m->UV + (size_t)i * (size_t)c, slope = 0;

    for (PetscInt k = 0; k < c; k++)
      slope += u[k] * r[k];
    FenLossProduct_Private(m->loss, c, m->PV + (size_t)i * (size_t)c, r, r);
    for (PetscInt k = 0; k < c; k++)
      r[k] = m->L[i] * (r[k] + (m->kl ? (slope - mean) / m->temperature * u[k] : 0));
  }
  PetscCall(FenDatasetMultTranspose_Private(&m->valid, c, m->R, m->G));
  PetscCall(FenLinearReduce_Private(pr, m, m->G, Gv));
  PetscFunctionReturn(0);
}

/* robust: weights are at most one in all, so curvature <= max |a|^2, covariance <= max |grad l|^2 (infinite if not
   bounded) */
double FenLinearUpperBound_Private(const FenLinear *m)
{
  const FenLossBounds b = FenLossGetBounds_Private(m->loss);
  const double        row = m->valid_row * m->valid_row;

  if (!m->kl)
    return b.curvature * m->valid_norm / (double)m->valid.n;
  return b.curvature * row + b.slope * b.slope * row / m->temperature;
}

PetscErrorCode FenLinearAccuracy_Private(FenBilevelProblem pr, FenLinear *m, const double x[], double *share)
{
  double right = 0;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, x, m->V));
  PetscCall(FenDatasetMult_Private(&m->valid, m->c, m->V, m->UV));
  for (PetscInt i = 0; i < m->valid.rows; i++) {
    const double *u = m->UV + (size_t)i * (size_t)m->c;
    PetscInt      top = 0;

    for (PetscInt k = 1; k < m->c; k++)
      top = u[k] > u[top] ? k : top;
    if (m->loss == FEN_LOSS_BINARY)
      top = u[0] > 0;
    right += (PetscInt)m->valid.y[i] == top ? 1 : 0;
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 1, &right));
  *share = right / (double)m->valid.n;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearView_Private(FenBilevelProblem pr, PetscViewer viewer)
{
  const FenLinear *m = (const FenLinear *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDatasetView_Private(&m->train, &m->valid, viewer));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearFingerprint_Private(FenBilevelProblem pr, FenFingerprint *print)
{
  const FenLinear *m = (const FenLinear *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDatasetFingerprint_Private(&m->train, &m->valid, print));
  PetscFunctionReturn(0);
}

/* scores to probabilities, in place */
static void Probabilities(FenLoss loss, PetscInt c, double u[])
{
  double top = u[0], sum = 0;

  if (loss == FEN_LOSS_BINARY) {
    const double e = exp(-fabs(u[0]));

    u[0] = (u[0] > 0 ? 1 : e) / (1 + e);
    return;
  }
  for (PetscInt k = 1; k < c; k++)
    top = PetscMax(top, u[k]);
  for (PetscInt k = 0; k < c; k++)
    sum += u[k] = exp(u[k] - top);
  for (PetscInt k = 0; k < c; k++)
    u[k] /= sum;
}

PetscErrorCode FenLinearPredict_Private(FenBilevelProblem pr, FenInt s, const double x[], FenBilevelPredictions *what,
                                        double out[])
{
  FenLinear *m = (FenLinear *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  *what = (FenBilevelPredictions){
      .rows = m->valid.rows, .width = m->c, .classes = m->loss == FEN_LOSS_SQUARED ? PETSC_FALSE : PETSC_TRUE};
  if (!out)
    PetscFunctionReturn(0);
  PetscCall(FenLinearGather_Private(pr, m, x, m->V));
  PetscCall(FenDatasetMult_Private(&m->valid, m->c, m->V, out));
  for (PetscInt i = 0; what->classes && i < m->valid.rows; i++)
    Probabilities(m->loss, m->c, out + (size_t)i * (size_t)m->c);
  PetscFunctionReturn(0);
}
