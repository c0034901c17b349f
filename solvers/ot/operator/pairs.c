/* SPDX-License-Identifier: BSD-2-Clause */
/*
   All pairs, matrix-free: point clouds in any dimension, lines (1-D grids), explicit cost matrices. Points are centred,
   put in Morton order on each rank and scaled so that the kernels see a cost without factor; FenPairs moves blocks.
   Memory O((n+m) d / P) a rank. Flops n m (about 30 a pair) / P, less what the chunk boxes pass over.
*/
#include "operator.h"
#include "morton.h"
#include <fenchelpairs.h>
#include <math.h>

#define FUNCTION_ROWS 16 /* costs of a function that are evaluated at once */
#define FUNCTION_COLS 512

typedef struct {
  FenPairs      pairs[2]; /* by direction: rows on the source, rows on the target */
  FenInt       *perm[2];
  double       *centred[2]; /* component by component, Morton order */
  double       *scaled[2];  /* the same times the factor of the present epsilon */
  double       *u[2]; /* exponents of the present plan in Morton order: u[0] = w of rows (kappa f), u[1] of columns */
  double       *row, *col, *acc; /* work: numbers of my rows and columns, accumulators */
  FenInt        nwork;
  PetscInt      dim; /* 0 for a matrix */
  const double *matrix[2];
  FenInt        start[2];
} Pairs;

typedef struct {
  FenOTOperator op;
  FenDirection  dir;
  FenTile       tile;
  double       *box;
  FenInt        nbox;
  PetscInt      nacc;
  void (*kernel)(const FenTile *, double[]);
} TileContext;

/* costs of a function, evaluated for a few rows and columns at a time; a tile is then one of a matrix */
static PetscErrorCode FunctionTiles(TileContext *t, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  const PetscInt d = t->op->dim;
  const FenTile  whole = t->tile;
  FenTile       *T = &t->tile;
  double        *x, *y, *cost, *turned;
  PetscErrorCode ierr = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4((size_t)(FUNCTION_ROWS * d), &x, (size_t)(FUNCTION_COLS * d), &y,
                         FUNCTION_ROWS * FUNCTION_COLS, &cost, FUNCTION_ROWS * FUNCTION_COLS, &turned));
  for (FenInt c = 0; c < cols->n && !ierr; c += FUNCTION_COLS) {
    const FenInt m = PetscMin(FUNCTION_COLS, cols->n - c);

    FenOTPoints_Private(d, c, m, cols->data, cols->stride, y);
    for (FenInt r = 0; r < rows->n && !ierr; r += FUNCTION_ROWS) {
      const FenInt n = PetscMin(FUNCTION_ROWS, rows->n - r);

      FenOTPoints_Private(d, r, n, rows->data, rows->stride, x);
      if (t->dir == FEN_TO_SOURCE)
        ierr = FenCostEvaluate(t->op->cost, d, n, x, m, y, cost);
      else { /* c(x,y) need not be c(y,x): rows are targets here */
        ierr = FenCostEvaluate(t->op->cost, d, m, y, n, x, turned);
        for (FenInt i = 0; i < n; i++)
          for (FenInt j = 0; j < m; j++)
            cost[i * m + j] = turned[j * n + i];
      }
      T->nt = n;
      T->ns = m;
      T->ldc = m;
      T->cost = cost;
      T->w = whole.w + r;
      T->u = whole.u + c;
      T->v = whole.v + c;
      if (!ierr)
        t->kernel(T, acc + r * t->nacc);
    }
  }
  *T = whole;
  PetscCall(PetscFree4(x, y, cost, turned));
  PetscFunctionReturn(ierr);
}

/* columns carry coordinates, u, then values; rows carry coordinates and, for products, w */
static PetscErrorCode Tile(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  TileContext *t = (TileContext *)ctx;
  Pairs       *P = (Pairs *)t->op->data;
  FenTile     *T = &t->tile;
  const FenInt d = P->dim;

  PetscFunctionBegin;
  if (!rows->n || !cols->n)
    PetscFunctionReturn(0);
  FenTileBlocks_Private(T, d, rows, cols);
  T->ldv = cols->stride;
  T->box = NULL;
  if (t->op->kind == FEN_COST_FUNCTION) {
    PetscCall(FunctionTiles(t, rows, cols, acc));
    PetscFunctionReturn(0);
  }
  if (T->kind == FEN_TILE_MATRIX) {
    T->ldc = t->op->N[1 - t->dir];
    T->cost = P->matrix[t->dir] + (rows->first - P->start[t->dir]) * T->ldc + cols->first;
  } else if (d <= 8) {
    const FenInt need = FenTileBoxSize((int)d, T->ns, T->chunk);

    if (need > t->nbox) {
      PetscCall(PetscFree(t->box));
      PetscCall(PetscMalloc1(need, &t->box));
      t->nbox = need;
    }
    T->box = t->box;
    FenTileMakeBoxes(T);
  }
  t->kernel(T, acc);
  PetscFunctionReturn(0);
}

/* work arrays are sized once: nothing is allocated inside an iteration */
static PetscErrorCode Reserve(Pairs *P, FenInt n, PetscInt components)
{
  PetscFunctionBegin;
  if (n * components > P->nwork) {
    P->nwork = n * components;
    PetscCall(PetscFree3(P->row, P->col, P->acc));
    PetscCall(PetscMalloc3(P->nwork, &P->row, P->nwork, &P->col, P->nwork, &P->acc));
  }
  PetscFunctionReturn(0);
}

static void Permute(const FenInt perm[], FenInt n, const double in[], double out[])
{
  for (FenInt i = 0; i < n; i++)
    out[i] = in[perm[i]];
}

/* Runs one task; `row_w`, if rows are weighted, and `u`, `v` are in Morton order already. Ranks without rows have no
   arrays, so that whether rows have weights must not be read off these. Accumulators are left in P->acc */
static PetscErrorCode Run(FenOTOperator op, FenDirection dir, TileContext *t, PetscBool weights, const double *row_w,
                          const double *u, PetscInt nv, const double *v, FenPairsTask *task)
{
  Pairs         *P = (Pairs *)op->data;
  const int      r = (int)dir, c = 1 - (int)dir;
  const FenInt   nr = op->n[r], nc = op->n[c];
  const PetscInt d = P->dim;

  PetscFunctionBegin;
  PetscCall(Reserve(P, PetscMax(nr, nc), PetscMax(d + 1 + nv, PetscMax(d + 1, task->nacc))));
  PetscCall(PetscArraycpy(P->row, P->scaled[r], nr * d));
  if (weights)
    PetscCall(PetscArraycpy(P->row + nr * d, row_w, nr));
  PetscCall(PetscArraycpy(P->col, P->scaled[c], nc * d));
  PetscCall(PetscArraycpy(P->col + nc * d, u, nc));
  for (PetscInt k = 0; k < nv; k++)
    PetscCall(PetscArraycpy(P->col + nc * (d + 1 + k), v + nc * k, nc));
  for (FenInt i = 0; i < nr; i++)
    for (PetscInt k = 0; k < task->nacc; k++)
      P->acc[i * task->nacc + k] = task->neutral[k];
  t->op = op;
  t->dir = dir;
  t->nacc = task->nacc;
  t->tile.kind = FenTileKindOf(op->kind);
  t->tile.dim = op->kind == FEN_COST_FUNCTION ? 0 : (int)d;
  t->tile.scale = op->kappa;
  t->tile.chunk = FEN_CHUNK;
  t->tile.nv = (int)nv;
  task->nrow = d + (weights ? 1 : 0);
  task->ncol = d + 1 + nv;
  task->row = P->row;
  task->col = P->col;
  task->acc = P->acc;
  task->tile = Tile;
  task->ctx = t;
  PetscCall(FenPairsRun(P->pairs[dir], task));
  PetscCall(PetscFree(t->box));
  PetscFunctionReturn(0);
}

/* u = kappa h + log2 w in Morton order; zero weights stay at FEN_NONE */
static void Exponents(FenOTOperator op, int side, const double h[], double u[])
{
  const Pairs *P = (const Pairs *)op->data;

  for (FenInt k = 0; k < op->n[side]; k++) {
    const FenInt i = P->perm[side][k];

    u[k] = op->logw[side][i] > FEN_NONE ? op->kappa * h[i] + op->logw[side][i] : FEN_NONE;
  }
}

static PetscErrorCode SoftTransform_Pairs(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  Pairs       *P = (Pairs *)op->data;
  TileContext  t = {.kernel = op->kernels->lse};
  FenPairsTask task = {.nacc = 2, .neutral = {FEN_NONE, 0.0}, .per_row = 1};
  const int    r = (int)dir, c = 1 - (int)dir;
  double      *u;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(PetscMax(op->n[0], op->n[1]), &u));
  Exponents(op, c, in, u);
  PetscCall(FenLSEGetOp(&task.type, &task.op));
  PetscCall(Run(op, dir, &t, PETSC_FALSE, NULL, u, 0, NULL, &task));
  op->kernels->log2sum(op->n[r], P->acc, u);
  for (FenInt k = 0; k < op->n[r]; k++)
    out[P->perm[r][k]] = -u[k] / op->kappa;
  PetscCall(PetscFree(u));
  PetscFunctionReturn(0);
}

static PetscErrorCode HardTransform_Pairs(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  Pairs       *P = (Pairs *)op->data;
  TileContext  t = {.kernel = op->kernels->max};
  FenPairsTask task = {.nacc = 1, .neutral = {FEN_NONE}, .per_row = 1, .type = MPI_DOUBLE, .op = MPI_MAX};
  const int    r = (int)dir, c = 1 - (int)dir;
  double      *u;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(op->n[c], &u));
  for (FenInt k = 0; k < op->n[c]; k++) {
    const FenInt i = P->perm[c][k];

    u[k] = op->logw[c][i] > FEN_NONE ? op->kappa * in[i] : FEN_NONE;
  }
  PetscCall(Run(op, dir, &t, PETSC_FALSE, NULL, u, 0, NULL, &task));
  for (FenInt k = 0; k < op->n[r]; k++)
    out[P->perm[r][k]] = -P->acc[k] / op->kappa;
  PetscCall(PetscFree(u));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPlan_Pairs(FenOTOperator op, const double g[], double f[])
{
  Pairs *P = (Pairs *)op->data;

  PetscFunctionBegin;
  PetscCall(SoftTransform_Pairs(op, FEN_TO_SOURCE, g, f));
  for (FenInt k = 0; k < op->n[0]; k++)
    P->u[0][k] = op->kappa * f[P->perm[0][k]];
  Exponents(op, 1, g, P->u[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Product(FenOTOperator op, FenDirection dir, PetscInt nv, const double v[], PetscBool weighted,
                              const double *w, const double *u, double out[])
{
  Pairs       *P = (Pairs *)op->data;
  TileContext  t = {.kernel = op->kernels->apply, .tile = {.weighted = (int)weighted}};
  FenPairsTask task = {.nacc = nv, .per_row = nv, .type = MPI_DOUBLE, .op = MPI_SUM};
  const int    r = (int)dir, c = 1 - (int)dir;
  const double unit = weighted ? 1 / op->kappa : 1;
  double      *vm;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(op->n[c] * nv), &vm));
  for (PetscInt k = 0; k < nv; k++)
    Permute(P->perm[c], op->n[c], v + k * op->n[c], vm + k * op->n[c]);
  PetscCall(Run(op, dir, &t, PETSC_TRUE, w, u, nv, vm, &task));
  for (FenInt i = 0; i < op->n[r]; i++)
    for (PetscInt k = 0; k < nv; k++)
      out[k * op->n[r] + P->perm[r][i]] = unit * P->acc[i * nv + k];
  PetscCall(PetscFree(vm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult_Pairs(FenOTOperator op, PetscInt nv, const double v[], PetscBool weighted, double out[])
{
  Pairs *P = (Pairs *)op->data;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < nv; k += 4) /* the kernels take up to four values at once */
    PetscCall(Product(op, FEN_TO_SOURCE, PetscMin(4, nv - k), v + k * op->n[1], weighted, P->u[0], P->u[1],
                      out + k * op->n[0]));
  PetscFunctionReturn(0);
}

/* squares are the same sums with all exponents doubled: coordinates scaled by the square root of two (or two) */
static PetscErrorCode SetScale(FenOTOperator op, double power)
{
  Pairs       *P = (Pairs *)op->data;
  const double scale = power * op->kappa;
  double       factor = op->kind == FEN_COST_SQEUCLIDEAN ? sqrt(scale) : scale;

  PetscFunctionBegin;
  if (op->kind == FEN_COST_FUNCTION) /* it sees the coordinates themselves */
    factor = 1;
  for (int s = 0; s < 2; s++)
    for (FenInt k = 0; k < op->n[s] * P->dim; k++)
      P->scaled[s][k] = factor * P->centred[s][k];
  PetscFunctionReturn(0);
}

static PetscErrorCode MultTranspose_Pairs(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  Pairs       *P = (Pairs *)op->data;
  const double power = squares ? 2 : 1, kappa = op->kappa;
  double      *w, *u;

  PetscFunctionBegin;
  if (!squares) {
    PetscCall(Product(op, FEN_TO_TARGET, 1, v, PETSC_FALSE, P->u[1], P->u[0], out));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc2(op->n[1], &w, op->n[0], &u));
  for (FenInt k = 0; k < op->n[1]; k++)
    w[k] = PetscMax(power * P->u[1][k], FEN_NONE);
  for (FenInt k = 0; k < op->n[0]; k++)
    u[k] = power * P->u[0][k];
  PetscCall(SetScale(op, power));
  op->kappa = power * kappa; /* for a matrix, which is scaled by kappa itself */
  PetscCall(Product(op, FEN_TO_TARGET, 1, v, PETSC_FALSE, w, u, out));
  op->kappa = kappa;
  PetscCall(SetScale(op, 1));
  PetscCall(PetscFree2(w, u));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon_Pairs(FenOTOperator op)
{
  PetscFunctionBegin;
  PetscCall(SetScale(op, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy_Pairs(FenOTOperator op)
{
  Pairs *P = (Pairs *)op->data;

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    PetscCall(FenPairsDestroy(&P->pairs[s]));
    PetscCall(PetscFree4(P->perm[s], P->centred[s], P->scaled[s], P->u[s]));
  }
  PetscCall(PetscFree3(P->row, P->col, P->acc));
  PetscCall(PetscFree(P));
  PetscFunctionReturn(0);
}

/* both clouds are moved by the middle of the source: distances stay, |x| and |y| become small */
static PetscErrorCode Centre(FenOTOperator op, double centre[])
{
  const double *x, *a;
  double        mass;
  FenDD        *s;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetPoints(op->measure[0], &x));
  PetscCall(FenMeasureGetWeights(op->measure[0], &a));
  PetscCall(PetscCalloc1(op->dim, &s));
  for (FenInt i = 0; i < op->n[0]; i++)
    for (PetscInt k = 0; k < op->dim; k++)
      FenDDAddProduct(&s[k], a[i], x[i * op->dim + k]);
  PetscCall(FenDDReduce(op->comm, op->dim, s, centre));
  PetscCall(FenMeasureGetTotal(op->measure[0], &mass));
  for (PetscInt k = 0; k < op->dim; k++)
    centre[k] /= mass;
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPoints(FenOTOperator op, Pairs *P, int s, const double centre[])
{
  const FenInt   n = op->n[s];
  const PetscInt d = P->dim;
  const double  *x;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n, &P->perm[s], (size_t)(n * d), &P->centred[s], (size_t)(n * d), &P->scaled[s], n, &P->u[s]));
  if (!d) {
    for (FenInt i = 0; i < n; i++)
      P->perm[s][i] = i;
    PetscFunctionReturn(0);
  }
  PetscCall(FenMeasureGetPoints(op->measure[s], &x));
  PetscCall(FenMortonOrder(n, d, x, P->perm[s]));
  for (PetscInt k = 0; k < d; k++)
    for (FenInt i = 0; i < n; i++)
      P->centred[s][k * n + i] = x[P->perm[s][i] * d + k] - centre[k];
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreate_Pairs(FenOTOperator op)
{
  FenPairsType schedule = op->schedule;
  FenLayout    rows[2];
  double      *centre;
  Pairs       *P;

  PetscFunctionBegin;
  PetscCall(PetscNew(&P));
  op->data = P;
  P->dim = op->kind == FEN_COST_MATRIX ? 0 : op->dim;
  if (op->kind == FEN_COST_MATRIX) { /* a rank holds the rows of its sources and the columns of its targets only */
    schedule = FEN_PAIRS_RING;
    PetscCall(FenCostGetMatrix(op->cost, &P->matrix[0], &P->matrix[1]));
  }
  PetscCall(PetscMalloc1(PetscMax(op->dim, 1), &centre));
  PetscCall(Centre(op, centre));
  for (PetscInt k = 0; k < op->dim && op->kind == FEN_COST_FUNCTION; k++)
    centre[k] = 0;
  for (int s = 0; s < 2; s++) {
    FenInt end;

    PetscCall(SetPoints(op, P, s, centre));
    /* one axis whatever the measure is: a grid cut along its first axis owns a range of global numbers */
    PetscCall(FenLayoutCreateRowsLocal(op->comm, op->n[s], &rows[s]));
    PetscCall(FenLayoutGetRange(rows[s], &P->start[s], &end));
  }
  PetscCall(PetscFree(centre));
  for (int dir = 0; dir < 2; dir++)
    PetscCall(FenPairsCreate(rows[dir], rows[1 - dir], schedule, &P->pairs[dir]));
  for (int s = 0; s < 2; s++)
    PetscCall(FenLayoutDestroy(&rows[s]));
  op->ops.setepsilon = SetEpsilon_Pairs;
  op->ops.softtransform = SoftTransform_Pairs;
  op->ops.hardtransform = HardTransform_Pairs;
  op->ops.setplan = SetPlan_Pairs;
  op->ops.mult = Mult_Pairs;
  op->ops.multtranspose = MultTranspose_Pairs;
  op->ops.destroy = Destroy_Pairs;
  PetscFunctionReturn(0);
}
