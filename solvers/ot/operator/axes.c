/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids with a cost that is any sum over axes, c(x,y) = sum_k c_k(|x_k - y_k|), from a table of each c_k. As in
   separable.c a pass is a sweep along each axis and the plan a product of stages, but a line is worked on with the
   kernels of explicit costs.

   Where c_k is convex, a source left of the largest term that is negligible at a target is so at all later targets, and
   the other way round (Monge, see kernels.h). So a block of targets needs the sources between the first one that
   matters to its first target and the last one that matters to its last; both ends rise from block to block.

   Memory: two tables of n_k m_k numbers an axis on each rank, and O(d (n+m)/P). Work (n+m) sum_k n_k / P differences
   for two targets in BLOCK, and (n+m) (w + BLOCK) / P exponentials, w the number of sources that matter to a target.
   Messages: one all-to-all a stage.
*/
#include "operator.h"
#include "stages.h"
#include <math.h>

#define TABLE_MOST 67108864 /* entries of a table */
#define BLOCK      16       /* targets that share a window */

typedef struct {
  FenStages stages;
  double   *table[2][FEN_MAX_DIM];                 /* by direction: row of each point of that side */
  double   *L[FEN_MAX_DIM], *minus[FEN_MAX_DIM];   /* of the present plan, see separable.c */
  double   *L2[FEN_MAX_DIM], *minus2[FEN_MAX_DIM]; /* twice as much, for squares */
  double   *a, *b, *MS, *top;                      /* work; of one line: MS pairs, largest terms of some targets */
  FenInt   *window;                                /* of the blocks of a line */
} Axes;

/* lines along a stage's axis, from side 1-to to side `to` */
static FenTile Line(FenOTOperator op, const FenStage *g, FenDirection to, double scale)
{
  const Axes *A = (const Axes *)op->data;

  return (FenTile){.kind = FEN_TILE_MATRIX,
                   .nt = A->stages.shape[to][g->axis],
                   .ns = A->stages.shape[1 - to][g->axis],
                   .cost = A->table[to][g->axis],
                   .ldc = A->stages.shape[1 - to][g->axis],
                   .scale = scale,
                   .nv = 1,
                   .chunk = FEN_CHUNK};
}

static FenInt Blocks(FenInt n)
{
  return (n + BLOCK - 1) / BLOCK;
}

static double Term(const FenTile *T, FenInt i, FenInt j)
{
  return T->u[j] - T->scale * T->cost[i * T->ldc + j];
}

/* largest terms of every BLOCK-th target from `first` on, and of the last target where a block is not full */
static void Tops(FenOTOperator op, const FenTile *T, FenInt first, double top[])
{
  const FenInt nb = Blocks(T->nt);
  FenTile      some = *T;

  for (FenInt b = 0; b < nb; b++)
    top[b] = FEN_NONE;
  some.nt = first < T->nt ? (T->nt - first + BLOCK - 1) / BLOCK : 0;
  some.ldc = BLOCK * T->ldc;
  some.cost = T->cost + first * T->ldc;
  if (some.nt)
    op->kernels->max(&some, top);
  if (some.nt == nb)
    return;
  some.nt = 1;
  some.cost = T->cost + (T->nt - 1) * T->ldc;
  op->kernels->max(&some, top + nb - 1);
}

/* sources [window[2 b], window[2 b + 1]) matter to block b; one at least */
static void Windows(FenOTOperator op, const FenTile *T)
{
  const Axes  *A = (const Axes *)op->data;
  const FenInt nb = Blocks(T->nt);

  Tops(op, T, 0, A->top);
  for (FenInt b = 0, j = 0; b < nb; b++) {
    while (j + 1 < T->ns && Term(T, b * BLOCK, j) < A->top[b] - FEN_CUT)
      j++;
    A->window[2 * b] = j;
  }
  Tops(op, T, BLOCK - 1, A->top);
  for (FenInt b = nb - 1, j = T->ns; b >= 0; b--) {
    const FenInt last = PetscMin(T->nt, (b + 1) * BLOCK) - 1;

    while (j > 1 && Term(T, last, j - 1) < A->top[b] - FEN_CUT)
      j--;
    A->window[2 * b + 1] = PetscMax(j, A->window[2 * b] + 1);
  }
}

/* one block of a line with its window */
static FenTile BlockOf(const Axes *A, const FenTile *T, FenInt b)
{
  const FenInt first = A->window[2 * b];
  FenTile      t = *T;

  t.nt = PetscMin(BLOCK, T->nt - b * BLOCK);
  t.ns = A->window[2 * b + 1] - first;
  t.cost = T->cost + b * BLOCK * T->ldc + first;
  t.u = T->u + first;
  t.w = T->w ? T->w + b * BLOCK : NULL;
  t.v = T->v ? T->v + first : NULL;
  return t;
}

/* no source of a line weighs anything */
static PetscBool IsEmpty(const FenTile *T)
{
  for (FenInt j = 0; j < T->ns; j++)
    if (T->u[j] > FEN_NONE)
      return PETSC_FALSE;
  return PETSC_TRUE;
}

/* visits: terms of each line are counted there, NULL: not */
static void SweepLSE(FenOTOperator op, const FenStage *g, FenDirection to, const double u[], double visits[],
                     double out[])
{
  const Axes *A = (const Axes *)op->data;
  FenTile     T = Line(op, g, to, op->kappa);

  for (FenInt l = 0; l < g->nlines; l++) {
    double *o = out + l * T.nt;

    for (FenInt i = 0; i < T.nt; i++) {
      A->MS[2 * i] = FEN_NONE;
      A->MS[2 * i + 1] = 0;
    }
    T.u = u + l * T.ns;
    if (visits)
      visits[l] += (double)(T.nt + T.ns);
    if (IsEmpty(&T)) {
      for (FenInt i = 0; i < T.nt; i++)
        o[i] = FEN_NONE;
      continue;
    }
    Windows(op, &T);
    for (FenInt b = 0; b < Blocks(T.nt); b++) {
      const FenTile t = BlockOf(A, &T, b);

      op->kernels->lse(&t, A->MS + 2 * b * BLOCK);
      if (visits)
        visits[l] += (double)(t.nt * t.ns + T.ns); /* and those from which windows are found */
    }
    op->kernels->log2sum(T.nt, A->MS, o);
    for (FenInt i = 0; i < T.nt; i++)
      if (!(A->MS[2 * i + 1] > 0) || !(o[i] > FEN_NONE))
        o[i] = FEN_NONE;
  }
}

static void SweepMax(FenOTOperator op, const FenStage *g, FenDirection to, const double u[], double out[])
{
  FenTile T = Line(op, g, to, 1);

  for (FenInt l = 0; l < g->nlines; l++) {
    double *o = out + l * T.nt;

    for (FenInt i = 0; i < T.nt; i++)
      o[i] = FEN_NONE;
    T.u = u + l * T.ns;
    op->kernels->max(&T, o);
  }
}

typedef struct {
  const double *u, *w, *v; /* exponents of sources and targets, values */
  double        scale;
  PetscBool     weighted;
} Product;

static void SweepApply(FenOTOperator op, const FenStage *g, FenDirection to, const Product *p, double out[])
{
  const Axes *A = (const Axes *)op->data;
  FenTile     T = Line(op, g, to, p->scale);

  T.weighted = (int)p->weighted;
  for (FenInt l = 0; l < g->nlines; l++) {
    double *o = out + l * T.nt;

    T.u = p->u + l * T.ns;
    T.w = p->w + l * T.nt;
    T.v = p->v + l * T.ns;
    T.ldv = T.ns;
    for (FenInt i = 0; i < T.nt; i++)
      o[i] = 0;
    if (IsEmpty(&T))
      continue;
    Windows(op, &T);
    for (FenInt b = 0; b < Blocks(T.nt); b++) {
      const FenTile t = BlockOf(A, &T, b);

      op->kernels->apply(&t, o + b * BLOCK);
    }
  }
}

/* the array in A->a, on the layout of the direction's sources, through all stages into `out` */
static PetscErrorCode RunChain(FenOTOperator op, FenDirection dir, PetscBool hard, PetscBool keep, double out[])
{
  Axes     *A = (Axes *)op->data;
  FenChain *C = &A->stages.chain[dir];

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &C->stage[s];

    PetscCall(FenStageMove(g->enter, A->a, g->nin, A->b));
    if (keep)
      PetscCall(PetscArraycpy(A->L[s], A->b, g->nin));
    if (hard)
      SweepMax(op, g, dir, A->b, A->a);
    else
      SweepLSE(op, g, dir, A->b, A->stages.visits[dir][s], A->a);
    for (FenInt i = 0; keep && i < g->nout; i++)
      A->minus[s][i] = A->a[i] > FEN_NONE ? -A->a[i] : FEN_NONE;
  }
  PetscCall(FenStageMove(C->stage[op->dim - 1].leave, A->a, op->n[dir], out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Soft(FenOTOperator op, FenDirection dir, PetscBool keep, const double in[], double out[])
{
  Axes     *A = (Axes *)op->data;
  const int side = 1 - (int)dir;

  PetscFunctionBegin;
  FenOTExponents_Private(op, side, in, A->a);
  PetscCall(RunChain(op, dir, PETSC_FALSE, keep, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] /= -op->kappa;
  PetscFunctionReturn(0);
}

static PetscErrorCode SoftTransform_Axes(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  PetscFunctionBegin;
  PetscCall(Soft(op, dir, PETSC_FALSE, in, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPlan_Axes(FenOTOperator op, const double g[], double f[])
{
  PetscFunctionBegin;
  PetscCall(Soft(op, FEN_TO_SOURCE, PETSC_TRUE, g, f));
  PetscFunctionReturn(0);
}

static PetscErrorCode HardTransform_Axes(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  Axes     *A = (Axes *)op->data;
  const int side = 1 - (int)dir;

  PetscFunctionBegin;
  for (FenInt i = 0; i < op->n[side]; i++)
    A->a[i] = op->logw[side][i] > FEN_NONE ? in[i] : FEN_NONE;
  PetscCall(RunChain(op, dir, PETSC_TRUE, PETSC_FALSE, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] = -out[i];
  PetscFunctionReturn(0);
}

/* E v with the cost of one axis as weight (or none: axis < 0) */
static PetscErrorCode MultAxis(FenOTOperator op, const double v[], PetscInt axis, double out[])
{
  Axes     *A = (Axes *)op->data;
  FenChain *C = &A->stages.chain[FEN_TO_SOURCE];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(A->a, v, op->n[1]));
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &C->stage[s];
    const Product   p = {A->L[s], A->minus[s], A->b, op->kappa, (PetscBool)(g->axis == axis)};

    PetscCall(FenStageMove(g->enter, A->a, g->nin, A->b));
    SweepApply(op, g, FEN_TO_SOURCE, &p, A->a);
  }
  PetscCall(FenStageMove(C->stage[op->dim - 1].leave, A->a, op->n[0], out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult_Axes(FenOTOperator op, PetscInt nv, const double v[], PetscBool weighted, double out[])
{
  double *part;

  PetscFunctionBegin;
  if (!weighted) {
    for (PetscInt k = 0; k < nv; k++)
      PetscCall(MultAxis(op, v + k * op->n[1], -1, out + k * op->n[0]));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(op->n[0], &part));
  PetscCall(PetscArrayzero(out, op->n[0]));
  for (PetscInt axis = 0; axis < op->dim; axis++) {
    PetscCall(MultAxis(op, v, axis, part));
    for (FenInt i = 0; i < op->n[0]; i++)
      out[i] += part[i] / op->kappa;
  }
  PetscCall(PetscFree(part));
  PetscFunctionReturn(0);
}

/* E_ij is one product of factors, its square that of their squares: all exponents double */
static PetscErrorCode MultTranspose_Axes(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  Axes *A = (Axes *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    const FenStage *g = &A->stages.chain[FEN_TO_SOURCE].stage[s];
    Product         p = {A->minus[s], A->L[s], A->a, op->kappa, PETSC_FALSE};

    if (s == op->dim - 1)
      PetscCall(FenStageMove(g->arrive, v, g->nout, A->a));
    if (squares) {
      for (FenInt i = 0; i < g->nin; i++)
        A->L2[s][i] = PetscMax(2 * A->L[s][i], FEN_NONE);
      for (FenInt i = 0; i < g->nout; i++)
        A->minus2[s][i] = PetscMax(2 * A->minus[s][i], FEN_NONE);
      p = (Product){A->minus2[s], A->L2[s], A->a, 2 * op->kappa, PETSC_FALSE};
    }
    SweepApply(op, g, FEN_TO_TARGET, &p, A->b);
    PetscCall(FenStageMove(g->back, A->b, g->nin, s ? A->a : out));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon_Axes(FenOTOperator op)
{
  (void)op;
  PetscFunctionBegin;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy_Axes(FenOTOperator op)
{
  Axes *A = (Axes *)op->data;

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    for (int side = 0; side < 2; side++)
      PetscCall(PetscFree(A->table[side][s]));
    PetscCall(PetscFree4(A->L[s], A->minus[s], A->L2[s], A->minus2[s]));
  }
  PetscCall(FenStagesDestroy(&A->stages));
  PetscCall(PetscFree3(A->a, A->b, A->MS));
  PetscCall(PetscFree2(A->top, A->window));
  PetscCall(PetscFree(A));
  PetscFunctionReturn(0);
}

/* c_k between all points of an axis, for both directions */
static PetscErrorCode MakeTables(FenOTOperator op)
{
  Axes  *A = (Axes *)op->data;
  double spacing[2][FEN_MAX_DIM], origin[2][FEN_MAX_DIM];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetGrid(op->measure[s], NULL, spacing[s], origin[s]));
  for (PetscInt k = 0; k < op->dim; k++) {
    const FenInt n = A->stages.shape[0][k], m = A->stages.shape[1][k];
    FenInt       size;

    PetscCall(FenIntMult(n, m, &size));
    PetscCheck(size <= TABLE_MOST, op->comm, (PetscErrorCode)FEN_ERR_SIZE,
               "axes of %" FENINT_FMT " and %" FENINT_FMT " points; rule: their product is at most %d with the cost %s",
               n, m, TABLE_MOST, FenCostKinds[op->kind]);
    for (int s = 0; s < 2; s++)
      PetscCall(PetscMalloc1(size, &A->table[s][k]));
    for (FenInt i = 0; i < n; i++)
      for (FenInt j = 0; j < m; j++) {
        const double x = origin[0][k] + spacing[0][k] * (double)i, y = origin[1][k] + spacing[1][k] * (double)j;

        A->table[0][k][i * m + j] = A->table[1][k][j * n + i] = FenCostOfDistance(op->cost, fabs(x - y));
      }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreate_Axes(FenOTOperator op)
{
  Axes  *A;
  FenInt longest = 1, nwork;

  PetscFunctionBegin;
  PetscCall(PetscNew(&A));
  op->data = A;
  PetscCall(FenStagesCreate(op->measure, op->work, NULL, PETSC_TRUE, &A->stages));
  op->stages = &A->stages;
  nwork = A->stages.nwork;
  PetscCall(MakeTables(op));
  for (int s = 0; s < 2; s++)
    for (PetscInt k = 0; k < op->dim; k++)
      longest = PetscMax(longest, A->stages.shape[s][k]);
  for (PetscInt s = 0; s < op->dim; s++) {
    const FenStage *g = &A->stages.chain[FEN_TO_SOURCE].stage[s];

    PetscCall(PetscMalloc4(g->nin, &A->L[s], g->nout, &A->minus[s], g->nin, &A->L2[s], g->nout, &A->minus2[s]));
  }
  PetscCall(PetscMalloc3(nwork, &A->a, nwork, &A->b, (size_t)(2 * longest), &A->MS));
  PetscCall(PetscMalloc2((size_t)Blocks(longest), &A->top, (size_t)(2 * Blocks(longest)), &A->window));
  op->ops.setepsilon = SetEpsilon_Axes;
  op->ops.softtransform = SoftTransform_Axes;
  op->ops.hardtransform = HardTransform_Axes;
  op->ops.setplan = SetPlan_Axes;
  op->ops.mult = Mult_Axes;
  op->ops.multtranspose = MultTranspose_Axes;
  op->ops.destroy = Destroy_Axes;
  PetscFunctionReturn(0);
}
