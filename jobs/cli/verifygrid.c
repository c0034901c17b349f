/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The same transforms on grids, where the cost is a sum over axes: one axis after the other, N (n_1 + ... + n_d) terms.
   The axes inside a slab are local; along axis 0 the slabs of all ranks pass by.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  const FenVerify     *v;
  const FenVerifySide *in, *out;
  PetscBool            soft;
  int                  weighted; /* the axis whose cost multiplies the terms, -1: none */
  FenInt               inner;    /* width of a slab when axis 0 is done */
  FenVerifyLSE        *lse;
  double              *hard;
} AxisWork;

static double AxisCost(const AxisWork *w, int axis, FenInt out, FenInt in)
{
  const double x = w->out->origin[axis] + w->out->spacing[axis] * (double)out;
  const double y = w->in->origin[axis] + w->in->spacing[axis] * (double)in;

  return FenVerifyAxisCost_Private(w->v, x - y);
}

/* adds the line of `inner` numbers that lies at `in` of the axis to the accumulators of the line at `out` */
static void AddLine(const AxisWork *w, int axis, FenInt out, FenInt in, FenInt inner, const double line[],
                    FenVerifyLSE lse[], double hard[])
{
  const double c = AxisCost(w, axis, out, in);
  double       shift = -c / w->v->eps;

  if (!w->soft) {
    for (FenInt i = 0; i < inner; i++)
      hard[i] = fmin(hard[i], line[i] + c);
    return;
  }
  if (w->weighted == axis) {
    if (!(c > 0))
      return;
    shift += log(c);
  }
  for (FenInt i = 0; i < inner; i++)
    FenVerifyLSEAdd_Private(&lse[i], line[i] + shift);
}

static void Clear(FenInt n, FenVerifyLSE lse[], double hard[])
{
  for (FenInt i = 0; i < n; i++) {
    if (lse)
      lse[i] = (FenVerifyLSE){.max = -INFINITY, .sum = 0};
    if (hard)
      hard[i] = INFINITY;
  }
}

static double Value(const AxisWork *w, FenInt i)
{
  if (!w->soft)
    return w->hard[i];
  return w->lse[i].sum > 0 ? w->lse[i].max + log(w->lse[i].sum) : -INFINITY;
}

/* array (outer, n_in, inner) to (outer, n_out, inner) */
static void LocalAxis(AxisWork *w, int axis, FenInt outer, FenInt inner, const double from[], double to[])
{
  const FenInt nin = w->in->shape[axis], nout = w->out->shape[axis];

  for (FenInt o = 0; o < outer; o++) {
    for (FenInt k = 0; k < nout; k++) {
      Clear(inner, w->lse, w->hard);
      for (FenInt l = 0; l < nin; l++)
        AddLine(w, axis, k, l, inner, from + (o * nin + l) * inner, w->lse, w->hard);
      for (FenInt i = 0; i < inner; i++)
        to[(o * nout + k) * inner + i] = Value(w, i);
    }
  }
}

static PetscErrorCode SlabBlock(void *ctx, FenInt first, FenInt n, const double data[])
{
  AxisWork    *w = (AxisWork *)ctx;
  const FenInt slab0 = w->out->first / w->out->inner, slabs = w->out->nlocal / w->out->inner, inner = w->inner;

  PetscFunctionBegin;
  for (FenInt k = 0; k < slabs; k++)
    for (FenInt l = 0; l < n; l++)
      AddLine(w, 0, slab0 + k, first + l, inner, data + l * inner, w->soft ? w->lse + k * inner : NULL,
              w->soft ? NULL : w->hard + k * inner);
  PetscFunctionReturn(0);
}

/* the largest array that appears while axes are exchanged one by one */
static FenInt LargestArray(const FenVerifySide *in, const FenVerifySide *out)
{
  FenInt widest = 1;

  for (PetscInt k = 1; k < in->dim; k++)
    widest *= PetscMax(in->shape[k], out->shape[k]);
  return widest * PetscMax(in->nlocal / in->inner, out->nlocal / out->inner) + 1;
}

/* result: log of the sums, or minima; on my slabs of the other grid */
static PetscErrorCode AllAxes(AxisWork *w, const double input[], double result[])
{
  const FenInt slabs = w->in->nlocal / w->in->inner, most = LargestArray(w->in, w->out);
  FenInt       inner = 1;
  double      *from, *to;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(most, &from));
  PetscCall(PetscMalloc1(most, &to));
  if (w->soft)
    PetscCall(PetscMalloc1(most, &w->lse));
  else
    PetscCall(PetscMalloc1(most, &w->hard));
  PetscCall(PetscArraycpy(from, input, w->in->nlocal));
  for (int axis = (int)w->in->dim - 1; axis > 0; axis--) {
    FenInt  outer = slabs;
    double *swap = from;

    for (int k = 1; k < axis; k++)
      outer *= w->in->shape[k];
    LocalAxis(w, axis, outer, inner, from, to);
    inner *= w->out->shape[axis];
    from = to;
    to = swap;
  }
  w->inner = inner;
  Clear(w->out->nlocal, w->lse, w->hard);
  PetscCall(FenVerifyRing_Private(w->v->comm, w->in->first / w->in->inner, slabs, inner, from, SlabBlock, w));
  for (FenInt i = 0; i < w->out->nlocal; i++)
    result[i] = Value(w, i);
  PetscCall(PetscFree(from));
  PetscCall(PetscFree(to));
  PetscCall(PetscFree(w->lse));
  PetscCall(PetscFree(w->hard));
  PetscFunctionReturn(0);
}

static void Begin(FenVerify *v, FenVerifyDirection direction, PetscBool soft, AxisWork *w)
{
  w->v = v;
  w->in = direction == FEN_VERIFY_FORWARD ? &v->b : &v->a;
  w->out = direction == FEN_VERIFY_FORWARD ? &v->a : &v->b;
  w->soft = soft;
  w->weighted = -1;
}

PetscErrorCode FenVerifyGridSoft_Private(FenVerify *v, FenVerifyDirection direction, const double potential[],
                                         double result[], double *cost)
{
  AxisWork w = {0};
  double  *input, *axis_log;

  PetscFunctionBegin;
  Begin(v, direction, PETSC_TRUE, &w);
  PetscCall(PetscMalloc2(w.in->nlocal + 1, &input, w.out->nlocal + 1, &axis_log));
  for (FenInt j = 0; j < w.in->nlocal; j++)
    input[j] = w.in->weight[j] > 0 ? log(w.in->weight[j]) + potential[j] / v->eps : -INFINITY;
  PetscCall(AllAxes(&w, input, result));
  if (cost)
    PetscCall(PetscArrayzero(cost, w.out->nlocal));
  for (int axis = 0; cost && axis < (int)w.in->dim; axis++) {
    w.weighted = axis;
    PetscCall(AllAxes(&w, input, axis_log));
    for (FenInt i = 0; i < w.out->nlocal; i++)
      cost[i] += exp(axis_log[i] - result[i]);
  }
  for (FenInt i = 0; i < w.out->nlocal; i++)
    result[i] *= -v->eps;
  PetscCall(PetscFree2(input, axis_log));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyGridHard_Private(FenVerify *v, FenVerifyDirection direction, const double potential[],
                                         double result[])
{
  AxisWork w = {0};
  double  *input;

  PetscFunctionBegin;
  Begin(v, direction, PETSC_FALSE, &w);
  PetscCall(PetscMalloc1(w.in->nlocal + 1, &input));
  for (FenInt j = 0; j < w.in->nlocal; j++)
    input[j] = w.in->weight[j] > 0 ? -potential[j] : INFINITY;
  PetscCall(AllAxes(&w, input, result));
  PetscCall(PetscFree(input));
  PetscFunctionReturn(0);
}
