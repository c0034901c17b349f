/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The entries of a plan that matter, pair by pair. Rows and columns with mass are in Morton order, and columns
   circulate as in a pass. Chunks of 64, and 16 of these together, are enclosed in boxes (reach.c), and pairs of boxes
   whose largest entry is below the threshold are passed over: groups with groups, what is left of them chunks with
   chunks, then row by row.

   Work: n m / (2^20 P) pairs of groups, and a few chunks for each row; memory 24 bytes an entry on the rank of its row,
   d + 3 numbers a column of two blocks. Messages: P - 1 blocks.
*/
#include "entries.h"
#include "morton.h"
#include "reach.h"
#include <fenchelpairs.h>

#define GROUP 16 /* chunks that are passed over together */

typedef struct {
  FenOTOperator op;
  FenTile       tile;
  FenInt        row0; /* first row of mine */
  const double *matrix;
  FenEntries   *found;
  FenInt        boxed[2]; /* boxes are of the rows, of the columns that begin with this one; -1: of none */
  const FenInt *kept;     /* sources that are looked at */
  FenReach      reach;
  double       *box[2][2]; /* [side][level]: of each chunk of rows, of columns, and of each group */
} Finder;

/* number of the row among my sources */
static FenInt Row(const Finder *F, const FenPairsBlock *rows, FenInt i)
{
  return F->kept[rows->first + i - F->row0];
}

/* one row after the other, since nothing bounds a function over a chunk */
static PetscErrorCode FindInRows(Finder *F, const FenPairsBlock *rows, const FenPairsBlock *cols)
{
  const PetscInt d = F->op->dim;
  const double  *w = rows->data + d * rows->stride, *cut = w + rows->stride, *weight = cut + rows->stride;
  const double  *u = cols->data + d * cols->stride, *number = u + cols->stride, *colcut = number + cols->stride;
  double        *x, *y, *cost;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(d, &x, (size_t)(cols->n * d), &y, cols->n, &cost));
  FenOTPoints_Private(d, 0, cols->n, cols->data, cols->stride, y);
  for (FenInt i = 0; i < rows->n; i++) {
    FenOTPoints_Private(d, i, 1, rows->data, rows->stride, x);
    PetscCall(FenCostEvaluate(F->op->cost, d, 1, x, cols->n, y, cost));
    for (FenInt j = 0; j < cols->n; j++) {
      const double t = w[i] + u[j] - F->op->kappa * cost[j];

      if (t >= cut[i] || t + weight[i] >= colcut[j])
        PetscCall(FenEntriesAdd(F->found, Row(F, rows, i), (FenInt)number[j], exp2(t)));
    }
  }
  PetscCall(PetscFree3(x, y, cost));
  PetscFunctionReturn(0);
}

/* boxes of the chunks of a block of rows or columns, and of groups of them */
static PetscErrorCode Boxes(Finder *F, int side, FenInt first, const FenReachPoints *P)
{
  const FenInt size = FenReachBoxSize(&F->reach);

  PetscFunctionBegin;
  if (F->boxed[side] == first)
    PetscFunctionReturn(0);
  for (int level = 0; level < 2; level++) {
    const FenInt width = level ? GROUP * FEN_CHUNK : FEN_CHUNK, n = (P->n + width - 1) / width;

    PetscCall(PetscFree(F->box[side][level]));
    PetscCall(PetscMalloc1((size_t)(n * size), &F->box[side][level]));
    for (FenInt c = 0; c < n; c++)
      FenReachEnclose(&F->reach, P, c * width, PetscMin(P->n, (c + 1) * width), F->box[side][level] + c * size);
  }
  F->boxed[side] = first;
  PetscFunctionReturn(0);
}

/* may the row find something in the box? */
static PetscBool Within(const Finder *F, FenInt i, const double box[], double cut, double weight)
{
  const FenTile *T = &F->tile;
  const double  *x = T->xt + i, w = T->w[i];

  return (PetscBool)(w + FenReachFrom(&F->reach, x, T->ldt, box, 0) >= cut ||
                     (F->reach.by_column && w + FenReachFrom(&F->reach, x, T->ldt, box, 1) + weight >= 0));
}

/* exponents of a row in the columns [from, to), which lie in one chunk */
static void Exponents(const Finder *F, const FenPairsBlock *rows, FenInt i, FenInt from, FenInt to, double t[])
{
  const FenTile *T = &F->tile;
  const double  *C = F->matrix ? F->matrix + Row(F, rows, i) * T->ldc : NULL;

  for (FenInt j = from; j < to; j++)
    t[j - from] = T->w[i] + T->u[j];
  for (FenInt j = from; C && j < to; j++)
    t[j - from] -= T->scale * C[(FenInt)T->v[j]];
  if (!C)
    FenReachCosts(&F->reach, T->xt + i, T->ldt, to - from, T->xs + from, T->lds, t);
}

static PetscErrorCode FindInChunk(Finder *F, const FenPairsBlock *rows, FenInt i, FenInt c, const double cut[],
                                  const double colcut[])
{
  const FenTile *T = &F->tile;
  const double   least = cut[i], weight = cut[rows->stride + i];
  const FenInt   from = c * FEN_CHUNK, to = PetscMin(T->ns, from + FEN_CHUNK);
  double         t[FEN_CHUNK];
  int            found = 0;

  PetscFunctionBegin;
  Exponents(F, rows, i, from, to, t);
  for (FenInt j = from; j < to; j++)
    found += (int)(t[j - from] >= least) | (int)(t[j - from] + weight >= colcut[j]);
  for (FenInt j = from; found && j < to; j++)
    if (t[j - from] >= least || t[j - from] + weight >= colcut[j])
      PetscCall(FenEntriesAdd(F->found, Row(F, rows, i), (FenInt)T->v[j], exp2(t[j - from])));
  PetscFunctionReturn(0);
}

/* a chunk of rows in a group of columns that it may find something in */
static PetscErrorCode FindInGroup(Finder *F, const FenPairsBlock *rows, FenInt r, FenInt q, const double cut[],
                                  const double colcut[])
{
  const FenInt size = FenReachBoxSize(&F->reach), chunks = FenTileChunks(&F->tile);
  const FenInt last = PetscMin(rows->n, (r + 1) * FEN_CHUNK);

  PetscFunctionBegin;
  for (FenInt c = q * GROUP; c < PetscMin(chunks, (q + 1) * GROUP); c++) {
    const double *box = F->box[1][0] + c * size;

    if (!FenReachMeets(&F->reach, F->box[0][0] + r * size, box))
      continue;
    for (FenInt i = r * FEN_CHUNK; i < last; i++)
      if (Within(F, i, box, cut[i], cut[rows->stride + i]))
        PetscCall(FindInChunk(F, rows, i, c, cut, colcut));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FindInBlock(Finder *F, const FenPairsBlock *rows, const double cut[], const double colcut[])
{
  const FenInt size = FenReachBoxSize(&F->reach), wide = GROUP * FEN_CHUNK;
  const FenInt chunks = (rows->n + FEN_CHUNK - 1) / FEN_CHUNK, groups = (F->tile.ns + wide - 1) / wide;

  FenInt *near; /* groups of columns that a group of rows may find something in */

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(groups, &near));
  for (FenInt first = 0; first < chunks && F->found->n < F->found->most; first += GROUP) {
    FenInt n = 0;

    for (FenInt q = 0; q < groups; q++)
      if (FenReachMeets(&F->reach, F->box[0][1] + first / GROUP * size, F->box[1][1] + q * size))
        near[n++] = q;
    for (FenInt r = first; r < PetscMin(chunks, first + GROUP); r++)
      for (FenInt k = 0; k < n; k++)
        if (FenReachMeets(&F->reach, F->box[0][0] + r * size, F->box[1][1] + near[k] * size))
          PetscCall(FindInGroup(F, rows, r, near[k], cut, colcut));
  }
  PetscCall(PetscFree(near));
  PetscFunctionReturn(0);
}

static PetscErrorCode Find(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  Finder       *F = (Finder *)ctx;
  FenTile      *T = &F->tile;
  const double *cut, *weight, *colcut;
  double       *value[2];
  const FenInt  d = T->dim, most = PetscMax(rows->n, cols->n);

  PetscFunctionBegin;
  (void)acc;
  if (!rows->n || !cols->n || F->found->n == F->found->most)
    PetscFunctionReturn(0);
  if (F->op->kind == FEN_COST_FUNCTION) {
    PetscCall(FindInRows(F, rows, cols));
    PetscFunctionReturn(0);
  }
  FenTileBlocks_Private(T, d, rows, cols); /* v: the columns' global numbers */
  colcut = T->v + cols->stride;
  cut = T->w + rows->stride;
  weight = cut + rows->stride;
  PetscCall(PetscMalloc2(most, &value[0], most, &value[1]));
  for (FenInt i = 0; i < rows->n; i++) {
    value[0][i] = T->w[i] - cut[i];
    value[1][i] = T->w[i] + weight[i];
  }
  PetscCall(Boxes(F, 0, rows->first, &(FenReachPoints){rows->n, T->ldt, T->xt, {value[0], value[1]}}));
  for (FenInt j = 0; j < cols->n; j++)
    value[1][j] = T->u[j] - colcut[j];
  PetscCall(Boxes(F, 1, cols->first, &(FenReachPoints){cols->n, T->lds, T->xs, {T->u, value[1]}}));
  PetscCall(PetscFree2(value[0], value[1]));
  PetscCall(FindInBlock(F, rows, cut, colcut));
  PetscFunctionReturn(0);
}

/* the kept ones of mine, k of them with numbers kept[], coordinates times `factor` component by component */
static PetscErrorCode FillPoints(FenOTOperator op, int side, PetscInt d, double factor, FenInt n, const FenInt kept[],
                                 double out[])
{
  const double *x = NULL;

  PetscFunctionBegin;
  if (d)
    PetscCall(FenMeasureGetPoints(op->measure[side], &x));
  for (PetscInt k = 0; k < d; k++)
    for (FenInt q = 0; q < n; q++)
      out[k * n + q] = factor * x[kept[q] * d + k];
  PetscFunctionReturn(0);
}

static PetscErrorCode MortonOrder(FenOTOperator op, int side, PetscInt d, FenInt m, FenInt kept[])
{
  FenInt       *perm, *sorted;
  const double *x;
  double       *y;

  PetscFunctionBegin;
  if (!d)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc3(m, &perm, m, &sorted, (size_t)(m * d), &y));
  PetscCall(FenMeasureGetPoints(op->measure[side], &x));
  for (FenInt q = 0; q < m; q++)
    PetscCall(PetscArraycpy(y + q * d, x + kept[q] * d, d));
  PetscCall(FenMortonOrder(m, d, y, perm));
  for (FenInt q = 0; q < m; q++)
    sorted[q] = kept[perm[q]];
  PetscCall(PetscArraycpy(kept, sorted, m));
  PetscCall(PetscFree3(perm, sorted, y));
  PetscFunctionReturn(0);
}

/* rows: coordinates, kappa f, cuts, log weights; columns: coordinates, exponents, global numbers, cuts; in the order
   of those that are kept */
static PetscErrorCode Fill(FenOTOperator op, PetscInt d, const FenWanted *W, double row[], double col[])
{
  const FenInt *n = W->n;
  double        power, factor;
  FenInt        col0 = 0;

  PetscFunctionBegin;
  PetscCall(FenCostGetPower(op->cost, &power)); /* coordinates times this have the cost in exponents */
  factor = op->kind == FEN_COST_SQEUCLIDEAN ? sqrt(op->kappa) : pow(op->kappa, 1 / power);
  if (op->kind == FEN_COST_FUNCTION)
    factor = 1;
  PetscCall(FillPoints(op, 0, d, factor, n[0], W->kept[0], row));
  PetscCall(FillPoints(op, 1, d, factor, n[1], W->kept[1], col));
  for (FenInt q = 0; q < n[0]; q++) {
    const FenInt i = W->kept[0][q];

    row[d * n[0] + q] = op->kappa * W->f[i];
    row[(d + 1) * n[0] + q] = W->cut[0][i];
    row[(d + 2) * n[0] + q] = op->rows[i] > 0 ? log2(op->rows[i]) : FEN_NONE;
  }
  PetscCallMPI(MPI_Exscan(&op->n[1], &col0, 1, MPI_FENINT, MPI_SUM, op->comm));
  for (FenInt q = 0; q < n[1]; q++) {
    const FenInt j = W->kept[1][q];

    col[d * n[1] + q] = op->kappa * W->g[j] + op->logw[1][j];
    col[(d + 1) * n[1] + q] = (double)(col0 + j);
    col[(d + 2) * n[1] + q] = W->cut[1][j];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode SetTile(FenOTOperator op, PetscInt d, Finder *F)
{
  const double *bycol;

  PetscFunctionBegin;
  F->op = op;
  F->boxed[0] = F->boxed[1] = -1;
  F->tile.dim = (int)d;
  F->tile.scale = op->kappa;
  F->tile.ldc = op->N[1];
  F->tile.chunk = FEN_CHUNK;
  if (op->kind == FEN_COST_MATRIX)
    PetscCall(FenCostGetMatrix(op->cost, &F->matrix, &bycol));
  PetscFunctionReturn(0);
}

PetscErrorCode FenEntriesByPairs(FenOTOperator op, const FenWanted *W, FenEntries *found)
{
  const PetscInt d = op->kind == FEN_COST_MATRIX ? 0 : op->dim;
  const FenInt  *n = W->n;
  FenPairsTask   task = {.nrow = d + 3, .ncol = d + 3, .nacc = 1, .per_row = 1, .type = MPI_DOUBLE, .op = MPI_SUM};
  Finder         F = {.found = found, .kept = W->kept[0]};
  FenLayout      layout[2];
  FenPairs       pairs;
  double        *row, *col;
  FenInt         end;

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    PetscCall(MortonOrder(op, s, d, n[s], W->kept[s]));
    PetscCall(FenLayoutCreateRowsLocal(op->comm, n[s], &layout[s]));
  }
  PetscCall(FenLayoutGetRange(layout[0], &F.row0, &end));
  PetscCall(FenPairsCreate(layout[0], layout[1], FEN_PAIRS_RING, &pairs));
  PetscCall(PetscMalloc3((size_t)(n[0] * (d + 3)), &row, (size_t)(n[1] * (d + 3)), &col, n[0], &task.acc));
  PetscCall(PetscArrayzero(task.acc, n[0]));
  PetscCall(Fill(op, d, W, row, col));
  PetscCall(SetTile(op, d, &F));
  PetscCall(FenReachSet(op, d, W->by_column, &F.reach));
  task.row = row;
  task.col = col;
  task.tile = Find;
  task.ctx = &F;
  PetscCall(FenPairsRun(pairs, &task));
  for (int k = 0; k < 4; k++)
    PetscCall(PetscFree(F.box[k / 2][k % 2]));
  PetscCall(PetscFree3(row, col, task.acc));
  PetscCall(FenPairsDestroy(&pairs));
  for (int s = 0; s < 2; s++)
    PetscCall(FenLayoutDestroy(&layout[s]));
  PetscFunctionReturn(0);
}
