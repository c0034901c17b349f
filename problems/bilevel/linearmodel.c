/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear models: gathered weights, the lower loss and its products. */
#include "linearmodelimpl.h"

#define CACHED 32768 /* features of a block of rows, which two products read one after the other */

PetscErrorCode FenLinearOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char name[],
                                        FenLinear *m)
{
  static const char *const uppers[] = {"mean", "kl"};
  char                     option[64];
  PetscInt                 upper = 0;

  PetscFunctionBegin;
  m->temperature = 1;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_upper", name));
  PetscCall(PetscOptionsEList(option, "mean of the validation rows' losses, or their KL-robust mean",
                              "FenBilevelProblemGenerate", uppers, 2, uppers[upper], &upper, NULL));
  m->kl = (PetscBool)(upper == 1);
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_upper_temperature", name));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option,
                                         "of the KL-robust mean; large: mean, small: worst row", 1e-6, 1e12,
                                         &m->temperature));
  PetscFunctionReturn(0);
}

static PetscErrorCode Parts(FenBilevelProblem pr, FenLinear *m)
{
  PetscMPIInt n, total = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)pr->info.size, &m->count, (size_t)pr->info.size, &m->place));
  PetscCall(FenMPIIntCast(pr->part.nx, &n));
  PetscCallMPI(MPI_Allgather(&n, 1, MPI_INT, m->count, 1, MPI_INT, pr->info.team));
  for (PetscMPIInt r = 0; r < pr->info.size; r++) {
    m->place[r] = total;
    total += m->count[r];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearSetUp_Private(FenBilevelProblem pr, FenLinear *m)
{
  const size_t dc = (size_t)m->d * (size_t)m->c, c = (size_t)m->c;

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(pr->info.nteams == 1, PetscObjectComm((PetscObject)pr), FEN_ERR_OPTION,
                    "problem %s has one sample, whose rows are cut over all ranks; teams of %d ranks cannot be used",
                    ((PetscObject)pr)->name, pr->info.size);
  PetscCall(Parts(pr, m));
  PetscCall(PetscMalloc4(dc, &m->W, dc, &m->V, dc, &m->G, dc, &m->sum));
  PetscCall(PetscMalloc4((size_t)m->train.rows * c, &m->U, (size_t)m->train.rows * c, &m->P, (size_t)m->train.rows * c,
                         &m->S, c, &m->p));
  PetscCall(PetscMalloc4((size_t)m->valid.rows * c, &m->UV, (size_t)m->valid.rows * c, &m->PV,
                         (size_t)m->valid.rows * c, &m->R, (size_t)m->valid.rows, &m->L));
  m->block = PetscMax(8, CACHED / m->d);
  PetscCall(FenDatasetNorm_Private(&m->train, &m->train_norm, &m->train_row));
  PetscCall(FenDatasetNorm_Private(&m->valid, &m->valid_norm, &m->valid_row));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearFree_Private(FenLinear *m)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(m->count, m->place));
  PetscCall(PetscFree4(m->W, m->V, m->G, m->sum));
  PetscCall(PetscFree4(m->U, m->P, m->S, m->p));
  PetscCall(PetscFree4(m->UV, m->PV, m->R, m->L));
  PetscCall(FenDatasetFree_Private(&m->train));
  PetscCall(FenDatasetFree_Private(&m->valid));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearGather_Private(FenBilevelProblem pr, FenLinear *m, const double x[], double all[])
{
  PetscFunctionBegin;
  PetscCallMPI(
      MPI_Allgatherv(x, m->count[pr->info.rank], MPI_DOUBLE, all, m->count, m->place, MPI_DOUBLE, pr->info.team));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearReduce_Private(FenBilevelProblem pr, FenLinear *m, double G[], double g[])
{
  const PetscInt n = m->d * m->c;

  PetscFunctionBegin;
  if (pr->info.size > 1) {
    for (PetscInt k = 0; k < n; k++)
      m->sum[k] = (FenDD){G[k], 0};
    PetscCall(FenDDReduce(pr->info.team, n, m->sum, G));
  }
  PetscCall(PetscArraycpy(g, G + m->place[pr->info.rank], pr->part.nx));
  PetscFunctionReturn(0);
}

static double Weight(const FenLinear *m, PetscInt i)
{
  return m->weight ? m->weight[i] : 1 / (double)m->train.n;
}

PetscErrorCode FenLinearGradient_Private(FenBilevelProblem pr, FenLinear *m, const double x[], double *value,
                                         double g[])
{
  const PetscInt c = m->c, rows = m->train.rows;
  FenDD          sum = {0, 0};

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, x, m->V));
  PetscCall(PetscArrayzero(m->G, (size_t)m->d * (size_t)c));
  for (PetscInt first = 0; first < rows; first += m->block) {
    const FenDataset part = FenDatasetRows_Private(&m->train, first, PetscMin(m->block, rows - first));
    double          *S = m->S + (size_t)first * (size_t)c;

    PetscCall(FenDatasetMult_Private(&part, c, m->V, S));
    for (PetscInt i = 0; i < part.rows; i++) {
      double      *u = S + (size_t)i * (size_t)c;
      const double w = Weight(m, first + i);

      FenDDAdd(&sum, w * FenLossRow_Private(m->loss, c, part.y[i], u, u, m->p));
      for (PetscInt k = 0; k < c; k++)
        u[k] *= w;
    }
    PetscCall(FenDatasetAddTranspose_Private(&part, c, S, m->G));
  }
  if (value)
    *value = sum.hi + sum.lo;
  PetscCall(FenLinearReduce_Private(pr, m, m->G, g));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearLinearise_Private(FenBilevelProblem pr, FenLinear *m, const double x[])
{
  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, x, m->W));
  PetscCall(FenDatasetMult_Private(&m->train, m->c, m->W, m->U));
  for (PetscInt i = 0; i < m->train.rows; i++) {
    double *u = m->U + (size_t)i * (size_t)m->c, *p = m->P + (size_t)i * (size_t)m->c;

    (void)FenLossRow_Private(m->loss, m->c, m->train.y[i], u, u, p);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearHessian_Private(FenBilevelProblem pr, FenLinear *m, const double v[], double Hv[])
{
  const PetscInt c = m->c, rows = m->train.rows;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, v, m->V));
  PetscCall(PetscArrayzero(m->G, (size_t)m->d * (size_t)c));
  for (PetscInt first = 0; first < rows; first += m->block) {
    const FenDataset part = FenDatasetRows_Private(&m->train, first, PetscMin(m->block, rows - first));
    double          *S = m->S + (size_t)first * (size_t)c;

    PetscCall(FenDatasetMult_Private(&part, c, m->V, S));
    for (PetscInt i = 0; i < part.rows; i++) {
      double      *u = S + (size_t)i * (size_t)c;
      const double w = Weight(m, first + i);

      FenLossProduct_Private(m->loss, c, m->P + (size_t)(first + i) * (size_t)c, u, u);
      for (PetscInt k = 0; k < c; k++)
        u[k] *= w;
    }
    PetscCall(FenDatasetAddTranspose_Private(&part, c, S, m->G));
  }
  PetscCall(FenLinearReduce_Private(pr, m, m->G, Hv));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearDiagonal_Private(FenBilevelProblem pr, FenLinear *m, double d[])
{
  const FenDataset *a = &m->train;
  const PetscInt    c = m->c;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(m->G, (size_t)m->d * (size_t)c));
  for (PetscInt i = 0; i < a->rows; i++) {
    const FenInt  n = a->X ? a->d : a->csr.ptr[i + 1] - a->csr.ptr[i];
    const double *row = a->X ? a->X + (size_t)i * (size_t)a->d : a->csr.val + a->csr.ptr[i];
    const double *p = m->P + (size_t)i * (size_t)c;

    for (FenInt e = 0; e < n; e++) {
      double      *G = m->G + (a->X ? e : a->csr.idx[a->csr.ptr[i] + e]) * c;
      const double w = Weight(m, i) * row[e] * row[e];

      for (PetscInt k = 0; k < c; k++)
        G[k] += w * (m->loss == FEN_LOSS_SOFTMAX ? p[k] * (1 - p[k]) : p[k]);
    }
  }
  PetscCall(FenLinearReduce_Private(pr, m, m->G, d));
  PetscFunctionReturn(0);
}
