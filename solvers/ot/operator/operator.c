/* SPDX-License-Identifier: BSD-2-Clause */
/* Front of the operator: creation, choice of the way to evaluate, counting of work. */
#include "sparseplan.h"
#include "stages.h"
#include <math.h>

static PetscErrorCode LogWeights(FenOTOperator op, int side)
{
  const double *w;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetWeights(op->measure[side], &w));
  PetscCall(PetscMalloc1(op->n[side], &op->logw[side]));
  for (FenInt i = 0; i < op->n[side]; i++)
    op->logw[side][i] = w[i] > 0 ? log2(w[i]) : FEN_NONE;
  PetscFunctionReturn(0);
}

static PetscErrorCode IsSeparable(FenOTOperator op, PetscBool *separable)
{
  FenMeasureKind kind[2];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetKind(op->measure[s], &kind[s]));
  *separable = (PetscBool)(op->kind == FEN_COST_POWER);
  if (*separable)
    PetscFunctionReturn(0);
  *separable = (PetscBool)(kind[0] == FEN_MEASURE_GRID && kind[1] == FEN_MEASURE_GRID &&
                           (op->kind == FEN_COST_SQEUCLIDEAN || op->kind == FEN_COST_L1));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreate(FenMeasure source, FenMeasure target, FenCost cost, FenPairsType schedule,
                                   const char simd[], FenOTOperator *out)
{
  PetscFunctionBegin;
  PetscCall(FenOTOperatorCreateCut(source, target, cost, schedule, simd, NULL, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreateCut(FenMeasure source, FenMeasure target, FenCost cost, FenPairsType schedule,
                                      const char simd[], const double work[], FenOTOperator *out)
{
  FenOTOperator op;

  PetscFunctionBegin;
  PetscCall(FenCostCheck(cost, source, target));
  PetscCall(PetscNew(&op));
  op->comm = PetscObjectComm((PetscObject)source);
  op->schedule = schedule;
  op->share = 1;
  op->work = work;
  op->measure[0] = source;
  op->measure[1] = target;
  op->cost = cost;
  PetscCall(PetscObjectReference((PetscObject)source));
  PetscCall(PetscObjectReference((PetscObject)target));
  PetscCall(PetscObjectReference((PetscObject)cost));
  PetscCall(FenKernelsGet(simd, &op->kernels));
  PetscCall(FenCostGetKind(cost, &op->kind));
  PetscCall(FenMeasureGetDim(source, &op->dim));
  if (op->dim == 1 && op->kind == FEN_COST_EUCLIDEAN)
    op->kind = FEN_COST_L1; /* the same */
  for (int s = 0; s < 2; s++) {
    PetscCall(FenMeasureGetSize(op->measure[s], &op->N[s], &op->n[s]));
    PetscCall(LogWeights(op, s));
  }
  PetscCall(FenMeasureGetWeights(source, &op->rows));
  PetscCall(IsSeparable(op, &op->separable));
  if (op->separable)
    PetscCall(FenOTOperatorCreate_Separable(op));
  else
    PetscCall(FenOTOperatorCreate_Pairs(op));
  op->work = NULL;
  op->told = -1;
  *out = op;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorGetWork(FenOTOperator op, const double g[], double work[])
{
  double *f, *h;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(op->n[0], &f, op->n[1], &h));
  PetscCall(FenStagesCountBegin(op->stages));
  PetscCall(op->ops.softtransform(op, FEN_TO_SOURCE, g, f));
  PetscCall(op->ops.softtransform(op, FEN_TO_TARGET, f, h));
  PetscCall(FenStagesCountEnd(op->stages, work));
  PetscCall(PetscFree2(f, h));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorDestroy(FenOTOperator *op)
{
  PetscFunctionBegin;
  if (!*op)
    PetscFunctionReturn(0);
  PetscCall((*op)->ops.destroy(*op));
  PetscCall(FenSparsePlanDestroy(&(*op)->sparse));
  for (int s = 0; s < 2; s++) {
    PetscCall(PetscFree((*op)->logw[s]));
    PetscCall(FenMeasureDestroy(&(*op)->measure[s]));
  }
  PetscCall(FenCostDestroy(&(*op)->cost));
  PetscCall(PetscFree(*op));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorSetEpsilon(FenOTOperator op, double eps)
{
  PetscFunctionBegin;
  op->eps = eps;
  op->kappa = 1.4426950408889634 / eps;
  PetscCall(op->ops.setepsilon(op));
  PetscFunctionReturn(0);
}

static PetscLogEvent events[3]; /* soft transform, hard transform, product */

PetscErrorCode FenOTOperatorRegisterEvents(PetscClassId classid)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventRegister("FenOTSoft", classid, &events[0]));
  PetscCall(PetscLogEventRegister("FenOTHard", classid, &events[1]));
  PetscCall(PetscLogEventRegister("FenOTProduct", classid, &events[2]));
  PetscFunctionReturn(0);
}

/* `times` so many pairs were visited: all, or the entries that are kept, which `sparse` says */
static void Count(FenOTOperator op, double times, PetscBool sparse)
{
  const double all = (double)op->N[0] * (double)op->N[1], pairs = sparse ? FenSparsePlanSize(op->sparse) : all;

  op->passes += op->share * times * (pairs / all);
  op->pairs += times * pairs;
}

PetscErrorCode FenOTSoftTransform(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[0], 0, 0, 0, 0));
  PetscCall(op->ops.softtransform(op, dir, in, out));
  PetscCall(PetscLogEventEnd(events[0], 0, 0, 0, 0));
  Count(op, 1, PETSC_FALSE);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTHardTransform(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[1], 0, 0, 0, 0));
  PetscCall(op->ops.hardtransform(op, dir, in, out));
  PetscCall(PetscLogEventEnd(events[1], 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTSetPlan(FenOTOperator op, const double g[], double f[])
{
  PetscFunctionBegin;
  PetscCall(FenSparsePlanDestroy(&op->sparse));
  PetscCall(PetscLogEventBegin(events[0], 0, 0, 0, 0));
  PetscCall(op->ops.setplan(op, g, f));
  PetscCall(PetscLogEventEnd(events[0], 0, 0, 0, 0));
  Count(op, 1, PETSC_FALSE);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMult(FenOTOperator op, PetscInt nv, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[2], 0, 0, 0, 0));
  PetscCall(op->ops.mult(op, nv, v, PETSC_FALSE, out));
  PetscCall(PetscLogEventEnd(events[2], 0, 0, 0, 0));
  Count(op, 1, PETSC_FALSE);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorSetRows(FenOTOperator op, const double rows[])
{
  PetscFunctionBegin;
  op->rows = rows;
  if (op->ops.setrows)
    PetscCall((*op->ops.setrows)(op));
  PetscFunctionReturn(0);
}

static PetscErrorCode TwoProducts(FenOTOperator op, const double v[], double out[])
{
  double *u;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(op->n[0], &u));
  PetscCall(op->ops.mult(op, 1, v, PETSC_FALSE, u));
  for (FenInt i = 0; i < op->n[0]; i++)
    u[i] *= op->rows[i];
  PetscCall(op->ops.multtranspose(op, u, PETSC_FALSE, out));
  PetscCall(PetscFree(u));
  PetscFunctionReturn(0);
}

/* E^T diag(rows) E v: two passes */
PetscErrorCode FenOTMultNormal(FenOTOperator op, const double v[], double out[])
{
  const PetscBool sparse = (PetscBool)(op->sparse != NULL);

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[2], 0, 0, 0, 0));
  if (sparse)
    PetscCall(FenSparsePlanMultNormal(op->sparse, op->rows, v, out));
  else if (op->ops.normal)
    PetscCall(op->ops.normal(op, v, out));
  else
    PetscCall(TwoProducts(op, v, out));
  PetscCall(PetscLogEventEnd(events[2], 0, 0, 0, 0));
  Count(op, 2, sparse);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMultCost(FenOTOperator op, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[2], 0, 0, 0, 0));
  PetscCall(op->ops.mult(op, 1, v, PETSC_TRUE, out));
  PetscCall(PetscLogEventEnd(events[2], 0, 0, 0, 0));
  Count(op, 1, PETSC_FALSE);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMultTranspose(FenOTOperator op, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[2], 0, 0, 0, 0));
  PetscCall(op->ops.multtranspose(op, v, PETSC_FALSE, out));
  PetscCall(PetscLogEventEnd(events[2], 0, 0, 0, 0));
  Count(op, 1, PETSC_FALSE);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTMultTransposeSquares(FenOTOperator op, const double v[], double out[])
{
  const PetscBool sparse = (PetscBool)(op->sparse != NULL);

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[2], 0, 0, 0, 0));
  if (sparse)
    PetscCall(FenSparsePlanMultSquares(op->sparse, v, out));
  else
    PetscCall(op->ops.multtranspose(op, v, PETSC_TRUE, out));
  PetscCall(PetscLogEventEnd(events[2], 0, 0, 0, 0));
  Count(op, 1, sparse);
  PetscFunctionReturn(0);
}
