/* SPDX-License-Identifier: BSD-2-Clause */
/* Costs of a product of two measures, whose pairs are visited one by one: of a matrix, or of a function. */
#include "operator.h"
#include <fenchelpairs.h>

typedef struct {
  const double *matrix;
  FenInt        ld, row0;
} MatrixContext;

static PetscErrorCode MatrixTimes(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  const MatrixContext *M = (const MatrixContext *)ctx;

  PetscFunctionBegin;
  for (FenInt i = 0; i < rows->n; i++)
    for (FenInt j = 0; j < cols->n; j++)
      acc[i] += M->matrix[(rows->first + i - M->row0) * M->ld + cols->first + j] * cols->data[j];
  PetscFunctionReturn(0);
}

/* columns: coordinates, s; rows: coordinates */
static PetscErrorCode FunctionTimes(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  const FenOTOperator op = (FenOTOperator)ctx;
  const double       *s = cols->data + op->dim * cols->stride;
  double             *x, *y, *cost;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(op->dim, &x, (size_t)(cols->n * op->dim), &y, cols->n, &cost));
  FenOTPoints_Private(op->dim, 0, cols->n, cols->data, cols->stride, y);
  for (FenInt i = 0; i < rows->n; i++) {
    FenOTPoints_Private(op->dim, i, 1, rows->data, rows->stride, x);
    PetscCall(FenCostEvaluate(op->cost, op->dim, 1, x, cols->n, y, cost));
    for (FenInt j = 0; j < cols->n; j++)
      acc[i] += cost[j] * s[j];
  }
  PetscCall(PetscFree3(x, y, cost));
  PetscFunctionReturn(0);
}

/* coordinates of the points component by component, and numbers of theirs behind */
static PetscErrorCode WithPoints(FenOTOperator op, int side, const double s[], double **out)
{
  const FenInt  n = op->n[side];
  const double *x;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetPoints(op->measure[side], &x));
  PetscCall(PetscCalloc1((size_t)(n * (op->dim + 1)), out));
  for (FenInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < op->dim; k++)
      (*out)[k * n + i] = x[i * op->dim + k];
  if (s)
    PetscCall(PetscArraycpy(*out + op->dim * n, s, n));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTProductCost(FenOTOperator op, const double r[], const double s[], double *sum)
{
  FenPairsTask  task = {.ncol = 1, .nacc = 1, .per_row = 1, .type = MPI_DOUBLE, .op = MPI_SUM, .tile = MatrixTimes};
  MatrixContext M = {.ld = op->N[1]};
  const double *bycol;
  FenLayout     layout[2];
  FenPairs      pairs;
  FenInt        end;
  double       *points[2] = {NULL, NULL};

  PetscFunctionBegin;
  if (op->kind == FEN_COST_MATRIX)
    PetscCall(FenCostGetMatrix(op->cost, &M.matrix, &bycol));
  for (int k = 0; k < 2; k++)
    PetscCall(FenLayoutCreateRowsLocal(op->comm, op->n[k], &layout[k]));
  PetscCall(FenLayoutGetRange(layout[0], &M.row0, &end));
  PetscCall(FenPairsCreate(layout[0], layout[1], FEN_PAIRS_RING, &pairs));
  PetscCall(PetscCalloc1(op->n[0], &task.acc));
  task.col = s;
  task.ctx = &M;
  if (op->kind == FEN_COST_FUNCTION) {
    PetscCall(WithPoints(op, 0, NULL, &points[0]));
    PetscCall(WithPoints(op, 1, s, &points[1]));
    task.tile = FunctionTimes;
    task.ctx = op;
    task.row = points[0];
    task.col = points[1];
    task.nrow = op->dim;
    task.ncol = op->dim + 1;
  }
  PetscCall(FenPairsRun(pairs, &task));
  PetscCall(FenDot(op->comm, op->n[0], r, task.acc, sum));
  PetscCall(PetscFree(points[0]));
  PetscCall(PetscFree(points[1]));
  PetscCall(PetscFree(task.acc));
  PetscCall(FenPairsDestroy(&pairs));
  for (int k = 0; k < 2; k++)
    PetscCall(FenLayoutDestroy(&layout[k]));
  PetscFunctionReturn(0);
}
