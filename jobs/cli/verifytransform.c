/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Soft and hard transforms of a potential, pair by pair: each rank keeps its own rows, the columns pass by in a ring.
*/
#include "verifyimpl.h"
#include <math.h>

#define LSE_NEGLECT 60.0
#define TILE        1024 /* columns at a time: two buffers of 8 kB */

void FenVerifyLSEAdd_Private(FenVerifyLSE *s, double t)
{
  if (t <= s->max) {
    if (t > s->max - LSE_NEGLECT)
      s->sum += exp(t - s->max);
  } else {
    s->sum = s->sum > 0 ? s->sum * exp(s->max - t) + 1 : 1;
    s->max = t;
  }
}

PetscErrorCode FenVerifyRing_Private(MPI_Comm comm, FenInt first, FenInt n, FenInt ncomp, const double mine[],
                                     FenVerifyBlockFn block, void *ctx)
{
  PetscMPIInt size, rank;
  FenInt      head[2] = {first, n}, next[2], most = n;
  double     *now, *then;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_FENINT, MPI_MAX, comm));
  PetscCall(PetscMalloc1((size_t)(most * ncomp + 1), &now));
  PetscCall(PetscMalloc1((size_t)(most * ncomp + 1), &then));
  PetscCall(PetscArraycpy(now, mine, n * ncomp));
  for (PetscMPIInt step = 0; step < size; step++) {
    const PetscMPIInt to = (rank + size - 1) % size, from = (rank + 1) % size;
    double           *swap = now;
    PetscMPIInt       nsend, nrecv;

    PetscCall(block(ctx, head[0], head[1], now));
    if (step + 1 == size)
      break;
    PetscCallMPI(MPI_Sendrecv(head, 2, MPI_FENINT, to, 0, next, 2, MPI_FENINT, from, 0, comm, MPI_STATUS_IGNORE));
    PetscCall(FenMPIIntCast(head[1] * ncomp, &nsend));
    PetscCall(FenMPIIntCast(next[1] * ncomp, &nrecv));
    PetscCallMPI(
        MPI_Sendrecv(now, nsend, MPI_DOUBLE, to, 1, then, nrecv, MPI_DOUBLE, from, 1, comm, MPI_STATUS_IGNORE));
    now = then;
    then = swap;
    head[0] = next[0];
    head[1] = next[1];
  }
  PetscCall(PetscFree(now));
  PetscCall(PetscFree(then));
  PetscFunctionReturn(0);
}

/* what a passing block needs to know about my rows */
typedef struct {
  const FenVerify     *v;
  const FenVerifySide *out;
  const double        *matrix; /* my rows of an explicit cost, NULL otherwise */
  FenInt               ncols;
  FenVerifyLSE        *soft;
  double              *hard, *weighted; /* either; weighted: sum of e^(t-max) c */
} Pass;

double FenVerifyAxisCost_Private(const FenVerify *v, double t)
{
  if (v->kind == FEN_COST_POWER)
    return t < 0 || t > 0 ? exp(v->power * log(fabs(t))) : 0;
  return v->kind == FEN_COST_SQEUCLIDEAN ? t * t : fabs(t);
}

/* costs between my point x and the points [at, at + n) of a block whose coordinate k starts at y + k*stride */
void FenVerifyRowCost_Private(FenCostKind kind, PetscInt dim, const double x[], FenInt n, const double y[],
                              FenInt stride, double c[])
{
  for (FenInt j = 0; j < n; j++)
    c[j] = 0;
  for (PetscInt k = 0; k < dim; k++, y += stride) {
    if (kind == FEN_COST_L1)
      for (FenInt j = 0; j < n; j++)
        c[j] += fabs(x[k] - y[j]);
    else
      for (FenInt j = 0; j < n; j++)
        c[j] += (x[k] - y[j]) * (x[k] - y[j]);
  }
  if (kind == FEN_COST_EUCLIDEAN)
    for (FenInt j = 0; j < n; j++)
      c[j] = sqrt(c[j]);
}

/* costs of my row i to a tile of columns that begins at global column `first` and at place `at` of the block */
static const double *Costs(const Pass *p, FenInt i, FenInt first, FenInt at, FenInt tile, FenInt stride,
                           const double data[], double c[])
{
  const PetscInt dim = p->out->dim;

  if (p->matrix)
    return p->matrix + i * p->ncols + first + at;
  FenVerifyRowCost_Private(p->v->kind, dim, p->out->point + i * dim, tile, data + stride + at, stride, c);
  return c;
}

/* the largest exponent is found first, so that one exponential a term is enough and most terms need none */
static void SoftTile(const Pass *p, FenInt i, FenInt tile, const double u[], const double c[], double t[])
{
  const double  scale = 1 / p->v->eps;
  FenVerifyLSE *s = &p->soft[i];
  double        most = s->max;

  for (FenInt j = 0; j < tile; j++)
    t[j] = u[j] - c[j] * scale;
  for (FenInt j = 0; j < tile; j++)
    most = t[j] > most ? t[j] : most;
  if (most > s->max) {
    const double shrink = exp(s->max - most);

    s->sum *= shrink;
    if (p->weighted)
      p->weighted[i] *= shrink;
    s->max = most;
  }
  for (FenInt j = 0; j < tile; j++) {
    double e;

    if (!(t[j] > most - LSE_NEGLECT))
      continue;
    e = exp(t[j] - most);
    s->sum += e;
    if (p->weighted)
      p->weighted[i] += e * c[j];
  }
}

/* a block holds the numbers u of all its columns (log weight + potential/eps, or the potential), then all first
   coordinates, all second ones ... */
static PetscErrorCode SoftBlock(void *ctx, FenInt first, FenInt n, const double data[])
{
  const Pass *p = (const Pass *)ctx;
  double      c[TILE], t[TILE];

  PetscFunctionBegin;
  for (FenInt i = 0; i < p->out->nlocal; i++)
    for (FenInt at = 0; at < n; at += TILE) {
      const FenInt tile = PetscMin(TILE, n - at);

      SoftTile(p, i, tile, data + at, Costs(p, i, first, at, tile, n, data, c), t);
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode HardBlock(void *ctx, FenInt first, FenInt n, const double data[])
{
  const Pass *p = (const Pass *)ctx;
  double      buffer[TILE];

  PetscFunctionBegin;
  for (FenInt i = 0; i < p->out->nlocal; i++)
    for (FenInt at = 0; at < n; at += TILE) {
      const FenInt  tile = PetscMin(TILE, n - at);
      const double *c = Costs(p, i, first, at, tile, n, data, buffer), *u = data + at;
      double        least = p->hard[i];

      for (FenInt j = 0; j < tile; j++)
        least = c[j] - u[j] < least ? c[j] - u[j] : least;
      p->hard[i] = least;
    }
  PetscFunctionReturn(0);
}

/* coordinates of my points, one coordinate after the other, behind the numbers u */
void FenVerifyColumnPoints_Private(const FenVerifySide *in, double columns[])
{
  for (PetscInt k = 0; in->point && k < in->dim; k++)
    for (FenInt j = 0; j < in->nlocal; j++)
      columns[(1 + k) * in->nlocal + j] = in->point[j * in->dim + k];
}

/* points without weight take no part: -inf in the sum, -inf as potential in the minimum */
static PetscErrorCode MakeColumns(const FenVerify *v, const FenVerifySide *in, const double potential[], PetscBool soft,
                                  double **columns)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)(in->nlocal * (1 + in->dim) + 1), columns));
  for (FenInt j = 0; j < in->nlocal; j++) {
    if (!(in->weight[j] > 0))
      (*columns)[j] = -INFINITY;
    else
      (*columns)[j] = soft ? log(in->weight[j]) + potential[j] / v->eps : potential[j];
  }
  FenVerifyColumnPoints_Private(in, *columns);
  PetscFunctionReturn(0);
}

static PetscErrorCode RunPass(FenVerify *v, FenVerifyDirection direction, const double potential[], PetscBool soft,
                              Pass *pass)
{
  const FenVerifySide *in = direction == FEN_VERIFY_FORWARD ? &v->b : &v->a;
  double              *columns;

  PetscFunctionBegin;
  pass->v = v;
  pass->out = direction == FEN_VERIFY_FORWARD ? &v->a : &v->b;
  pass->matrix = direction == FEN_VERIFY_FORWARD ? v->byrow : v->bycol;
  pass->ncols = in->n;
  PetscCall(MakeColumns(v, in, potential, soft, &columns));
  PetscCall(
      FenVerifyRing_Private(v->comm, in->first, in->nlocal, 1 + in->dim, columns, soft ? SoftBlock : HardBlock, pass));
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(0);
}

static PetscBool IsSeparable(const FenVerify *v)
{
  return v->a.grid && v->b.grid && !v->a.point && v->kind != FEN_COST_MATRIX ? PETSC_TRUE : PETSC_FALSE;
}

/* result_i = -eps log sum_j w_j exp((p_j - c_ij)/eps); cost_i = mean of c_ij under the terms of that sum (may be NULL)
 */
PetscErrorCode FenVerifySoft_Private(FenVerify *v, FenVerifyDirection direction, const double potential[],
                                     double result[], double *cost)
{
  const FenInt n = direction == FEN_VERIFY_FORWARD ? v->a.nlocal : v->b.nlocal;
  Pass         pass = {0};

  PetscFunctionBegin;
  if (IsSeparable(v)) {
    PetscCall(FenVerifyGridSoft_Private(v, direction, potential, result, cost));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(n + 1, &pass.soft));
  for (FenInt i = 0; i < n; i++)
    pass.soft[i] = (FenVerifyLSE){.max = -INFINITY, .sum = 0};
  if (cost)
    PetscCall(PetscArrayzero(cost, n));
  pass.weighted = cost;
  PetscCall(RunPass(v, direction, potential, PETSC_TRUE, &pass));
  for (FenInt i = 0; i < n; i++) {
    result[i] = -v->eps * (pass.soft[i].max + log(pass.soft[i].sum));
    if (cost)
      cost[i] /= pass.soft[i].sum;
  }
  PetscCall(PetscFree(pass.soft));
  PetscFunctionReturn(0);
}

/* result_i = min over j with weight of c_ij - p_j */
PetscErrorCode FenVerifyHard_Private(FenVerify *v, FenVerifyDirection direction, const double potential[],
                                     double result[])
{
  const FenInt n = direction == FEN_VERIFY_FORWARD ? v->a.nlocal : v->b.nlocal;
  Pass         pass = {.hard = result};

  PetscFunctionBegin;
  if (IsSeparable(v)) {
    PetscCall(FenVerifyGridHard_Private(v, direction, potential, result));
    PetscFunctionReturn(0);
  }
  for (FenInt i = 0; i < n; i++)
    result[i] = INFINITY;
  PetscCall(RunPass(v, direction, potential, PETSC_FALSE, &pass));
  PetscFunctionReturn(0);
}
