/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The product coupling of two residuals, ea eb^T / eta: always there, for every cost; its cost is computed exactly.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  const FenVerify *v;
  const double    *ea;
  FenInt           m;
  double           sum, *cost; /* cost: of one row */
} ProductPass;

static PetscErrorCode ProductBlock(void *ctx, FenInt first, FenInt n, const double data[])
{
  ProductPass         *p = (ProductPass *)ctx;
  const FenVerifySide *a = &p->v->a;

  PetscFunctionBegin;
  for (FenInt i = 0; i < a->nlocal; i++) {
    const double *c = p->v->byrow ? p->v->byrow + i * p->m + first : p->cost;
    double        row = 0;

    if (!(p->ea[i] > 0))
      continue;
    if (!p->v->byrow)
      FenVerifyRowCost_Private(p->v->kind, a->dim, a->point + i * a->dim, n, data + n, n, p->cost);
    for (FenInt j = 0; j < n; j++)
      if (data[j] > 0) /* an infinite cost matters only where there is mass */
        row += data[j] * c[j];
    p->sum += p->ea[i] * row;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode PairsCost(FenVerify *v, const double ea[], const double eb[], double *sum)
{
  ProductPass pass = {.v = v, .ea = ea, .m = v->b.n};
  FenInt      most = v->b.nlocal;
  double     *columns;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_FENINT, MPI_MAX, v->comm));
  PetscCall(PetscCalloc1((size_t)(v->b.nlocal * (1 + v->b.dim) + 1), &columns));
  PetscCall(PetscMalloc1(most + 1, &pass.cost));
  PetscCall(PetscArraycpy(columns, eb, v->b.nlocal));
  FenVerifyColumnPoints_Private(&v->b, columns);
  PetscCall(FenVerifyRing_Private(v->comm, v->b.first, v->b.nlocal, 1 + v->b.dim, columns, ProductBlock, &pass));
  PetscCall(PetscFree(columns));
  PetscCall(PetscFree(pass.cost));
  PetscCall(FenVerifySum_Private(v->comm, &pass.sum));
  *sum = pass.sum;
  PetscFunctionReturn(0);
}

/* mass of a residual on every plane across one axis */
static PetscErrorCode AxisMarginal(MPI_Comm comm, const FenVerifySide *side, const double e[], PetscInt axis,
                                   double plane[])
{
  FenInt      below = 1;
  PetscMPIInt count;

  PetscFunctionBegin;
  for (PetscInt k = axis + 1; k < side->dim; k++)
    below *= side->shape[k];
  for (FenInt p = 0; p < side->shape[axis]; p++)
    plane[p] = 0;
  for (FenInt i = 0; i < side->nlocal; i++)
    plane[(side->first + i) / below % side->shape[axis]] += e[i];
  PetscCall(FenMPIIntCast(side->shape[axis], &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, plane, count, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

/* a separable cost needs the marginals of the residuals along each axis only */
static PetscErrorCode GridCost(FenVerify *v, const double ea[], const double eb[], double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (PetscInt k = 0; k < v->a.dim; k++) {
    double *pa, *pb;

    PetscCall(PetscMalloc2(v->a.shape[k], &pa, v->b.shape[k], &pb));
    PetscCall(AxisMarginal(v->comm, &v->a, ea, k, pa));
    PetscCall(AxisMarginal(v->comm, &v->b, eb, k, pb));
    for (FenInt p = 0; p < v->a.shape[k]; p++) {
      for (FenInt q = 0; q < v->b.shape[k]; q++) {
        const double t = v->a.origin[k] + v->a.spacing[k] * (double)p - v->b.origin[k] - v->b.spacing[k] * (double)q;

        *sum += pa[p] * pb[q] * FenVerifyAxisCost_Private(v, t);
      }
    }
    PetscCall(PetscFree2(pa, pb));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyCoupleProduct_Private(FenVerify *v, const double ea[], const double eb[], double eta,
                                              FenVerifyCoupling *coupling)
{
  double entropy = 0, cost = 0;

  PetscFunctionBegin;
  coupling->cost = coupling->entropy = 0;
  if (!(eta > 0))
    PetscFunctionReturn(0);
  if (v->a.grid && v->b.grid && !v->a.point && v->kind != FEN_COST_MATRIX)
    PetscCall(GridCost(v, ea, eb, &cost));
  else
    PetscCall(PairsCost(v, ea, eb, &cost));
  for (FenInt i = 0; i < v->a.nlocal; i++)
    if (ea[i] > 0)
      entropy += ea[i] * log(ea[i] / v->a.weight[i]);
  for (FenInt j = 0; j < v->b.nlocal; j++)
    if (eb[j] > 0)
      entropy += eb[j] * log(eb[j] / v->b.weight[j]);
  PetscCall(FenVerifySum_Private(v->comm, &entropy));
  coupling->cost = cost / eta;
  coupling->entropy = entropy - 2 * eta * log(eta);
  PetscFunctionReturn(0);
}
