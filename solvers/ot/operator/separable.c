/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grids with a cost that is a sum over axes: the kernel is a product of one-dimensional kernels, so that a pass is a
   sweep along each axis. Stage s works on axis d-1-s: it takes an array whose later axes are the targets' of the stage
   already and turns this axis from one grid to the other. Lines are contiguous in the pencil layout of the axis;
   FenRedist moves the array between pencils.

   With partial log sums L_0 = kappa g + log2 b, L_{s+1} = log2 sum 2^(L_s - c), the plan of g is a product of stages
   E_s = 2^(L_s - c - L_{s+1}), each with rows that sum to one: E v is d weighted means, no large or small numbers.

   Memory O(d (n+m)/P) a rank; exponentials (n+m) sum_k n_k / P, less what the chunk boxes pass over: O(n w) with
   windows of w points when epsilon is small. Messages: one all-to-all a stage between different pencils.
*/
#include "operator.h"
#include <math.h>

#define LINE_CHUNK 16 /* a window of a few points should not cost a chunk of many */

typedef struct {
  PetscInt  axis;
  FenLayout in, out;   /* pencils along the axis, before and after; storage: axis fastest */
  FenRedist enter;     /* from the previous stage's output (or the measure's layout) into `in` */
  FenInt    nin, nout; /* local sizes */
  FenInt    lin, lout; /* length of a line before and after */
  FenInt    nlines;
} Stage;

typedef struct {
  Stage     stage[FEN_MAX_DIM];
  FenRedist leave; /* from the last stage's output to the measure's layout */
} Chain;

typedef struct {
  Chain     chain[2];              /* by direction */
  FenRedist back[FEN_MAX_DIM];     /* transposed chain TO_SOURCE: into a stage's output, from the stage after it */
  FenRedist out;                   /* ... and from the first stage's input to the target's layout */
  double   *axis[2][FEN_MAX_DIM];  /* scaled coordinates of source and target axes */
  double   *plain[2][FEN_MAX_DIM]; /* the same, not scaled */
  FenInt    shape[2][FEN_MAX_DIM];
  double *L[FEN_MAX_DIM], *minus[FEN_MAX_DIM]; /* of the present plan: L_s at stage s's input, -L_{s+1} at its output */
  double *a, *b, *line, *box;                  /* work: two arrays, one line of pairs, boxes */
  FenInt  nwork;
} Separable;

/* one sweep: `kernel` takes each line of `in` to each line of `out`; u and w are exponents on in and out */
typedef struct {
  int           side_t, side_s; /* which measure's axis the targets and sources are on */
  PetscInt      axis;
  FenInt        nt, ns, nlines;
  const double *u, *w, *v;
  double       *out;
  PetscBool     weighted;
} Sweep;

static void InitTile(FenOTOperator op, const Sweep *s, FenTile *T)
{
  Separable *S = (Separable *)op->data;

  *T = (FenTile){.kind = op->kind == FEN_COST_L1 ? FEN_TILE_L1 : FEN_TILE_SQEUCLIDEAN,
                 .dim = 1,
                 .nt = s->nt,
                 .ns = s->ns,
                 .xt = S->axis[s->side_t][s->axis],
                 .xs = S->axis[s->side_s][s->axis],
                 .ldt = s->nt,
                 .lds = s->ns,
                 .ldv = s->ns,
                 .nv = 1,
                 .weighted = (int)s->weighted,
                 .chunk = LINE_CHUNK,
                 .box = S->box,
                 .u = s->u};
  FenTileMakeBoxes(T);
}

static void SweepLSE(FenOTOperator op, const Sweep *s)
{
  Separable *S = (Separable *)op->data;
  FenTile    T;

  if (!s->nlines || !s->ns)
    return;
  InitTile(op, s, &T);
  for (FenInt l = 0; l < s->nlines; l++) {
    T.u = s->u + l * s->ns;
    FenTileUpdateBoxes(&T);
    for (FenInt i = 0; i < s->nt; i++) {
      S->line[2 * i] = FEN_NONE;
      S->line[2 * i + 1] = 0;
    }
    op->kernels->lse(&T, S->line);
    op->kernels->log2sum(s->nt, S->line, s->out + l * s->nt);
  }
}

static void SweepApply(FenOTOperator op, const Sweep *s)
{
  FenTile T;

  if (!s->nlines || !s->ns)
    return;
  InitTile(op, s, &T);
  for (FenInt l = 0; l < s->nlines; l++) {
    T.u = s->u + l * s->ns;
    T.w = s->w + l * s->nt;
    T.v = s->v + l * s->ns;
    FenTileUpdateBoxes(&T);
    for (FenInt i = 0; i < s->nt; i++)
      s->out[l * s->nt + i] = 0;
    op->kernels->apply(&T, s->out + l * s->nt);
  }
}

/* ---- lower envelopes: min_s (c(t,s) - h_s) on a line in linear time ---- */

/* |x-y|^2: the parabolas' envelope. z[k] is where parabola v[k] takes over */
static void EnvelopeSquares(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[],
                            FenInt v[], double z[])
{
  FenInt k = -1;

  for (FenInt q = 0; q < ns; q++) {
    double cross = -HUGE_VAL;

    if (h[q] <= FEN_NONE)
      continue;
    while (k >= 0) {
      const FenInt p = v[k];

      cross = ((y[q] * y[q] - h[q]) - (y[p] * y[p] - h[p])) / (2 * (y[q] - y[p]));
      if (cross > z[k])
        break;
      k--;
    }
    k++;
    v[k] = q;
    z[k] = k ? cross : -HUGE_VAL;
  }
  z[k + 1] = HUGE_VAL;
  for (FenInt i = 0, j = 0; i < nt; i++) {
    while (k >= 0 && z[j + 1] < t[i])
      j++;
    out[i] = k < 0 ? -FEN_NONE : (t[i] - y[v[j]]) * (t[i] - y[v[j]]) - h[v[j]];
  }
}

/* |x-y|: the cones' envelope by one sweep up and one down over both sets of points */
static void EnvelopeCones(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[])
{
  double best = -FEN_NONE, at = t[0];
  FenInt j = 0;

  for (FenInt i = 0; i < nt; i++) {
    for (; j < ns && y[j] <= t[i]; at = y[j], j++)
      best = PetscMin(best + (y[j] - at), -h[j]);
    best += t[i] - at;
    at = t[i];
    out[i] = best;
  }
  best = -FEN_NONE;
  at = t[nt - 1];
  j = ns - 1;
  for (FenInt i = nt - 1; i >= 0; i--) {
    for (; j >= 0 && y[j] >= t[i]; at = y[j], j--)
      best = PetscMin(best + (at - y[j]), -h[j]);
    best += at - t[i];
    at = t[i];
    out[i] = PetscMin(out[i], best);
  }
}

static PetscErrorCode SweepHard(FenOTOperator op, const Sweep *s)
{
  Separable    *S = (Separable *)op->data;
  const double *t = S->plain[s->side_t][s->axis], *y = S->plain[s->side_s][s->axis];
  FenInt       *v;
  double       *z;

  PetscFunctionBegin;
  if (!s->nlines || !s->ns)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(s->ns + 1, &v, s->ns + 2, &z));
  for (FenInt l = 0; l < s->nlines; l++) {
    double *out = s->out + l * s->nt;

    if (op->kind == FEN_COST_L1)
      EnvelopeCones(s->nt, t, s->ns, y, s->u + l * s->ns, out);
    else
      EnvelopeSquares(s->nt, t, s->ns, y, s->u + l * s->ns, out, v, z);
    for (FenInt i = 0; i < s->nt; i++)
      out[i] = -out[i]; /* the next stage takes h, not -h */
  }
  PetscCall(PetscFree2(v, z));
  PetscFunctionReturn(0);
}

static PetscErrorCode Move(FenRedist r, const double *from, double *to)
{
  PetscFunctionBegin;
  PetscCall(FenRedistBegin(r, from, to));
  PetscCall(FenRedistEnd(r, from, to));
  PetscFunctionReturn(0);
}

static Sweep StageSweep(const Stage *g, FenDirection dir)
{
  return (Sweep){
      .side_t = (int)dir, .side_s = 1 - (int)dir, .axis = g->axis, .nt = g->lout, .ns = g->lin, .nlines = g->nlines};
}

/* the array in S->a, on the layout of the direction's sources, is taken through all stages into `out` */
static PetscErrorCode RunChain(FenOTOperator op, FenDirection dir, PetscBool hard, PetscBool keep, double out[])
{
  Separable *S = (Separable *)op->data;
  Chain     *C = &S->chain[dir];

  PetscFunctionBegin;
  for (PetscInt s = 0; s < op->dim; s++) {
    Sweep w = StageSweep(&C->stage[s], dir);

    PetscCall(Move(C->stage[s].enter, S->a, S->b));
    w.u = S->b;
    w.out = S->a;
    if (keep)
      PetscCall(PetscArraycpy(S->L[s], S->b, C->stage[s].nin));
    if (hard)
      PetscCall(SweepHard(op, &w));
    else
      SweepLSE(op, &w);
    for (FenInt i = 0; keep && i < C->stage[s].nout; i++)
      S->minus[s][i] = PetscMax(-S->a[i], FEN_NONE);
  }
  PetscCall(Move(C->leave, S->a, out));
  PetscFunctionReturn(0);
}

static void Exponents(FenOTOperator op, int side, const double h[], double u[])
{
  for (FenInt i = 0; i < op->n[side]; i++)
    u[i] = op->logw[side][i] > FEN_NONE ? op->kappa * h[i] + op->logw[side][i] : FEN_NONE;
}

static PetscErrorCode Soft(FenOTOperator op, FenDirection dir, PetscBool keep, const double in[], double out[])
{
  PetscFunctionBegin;
  Exponents(op, 1 - (int)dir, in, ((Separable *)op->data)->a);
  PetscCall(RunChain(op, dir, PETSC_FALSE, keep, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] /= -op->kappa;
  PetscFunctionReturn(0);
}

static PetscErrorCode SoftTransform_Separable(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  PetscFunctionBegin;
  PetscCall(Soft(op, dir, PETSC_FALSE, in, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetPlan_Separable(FenOTOperator op, const double g[], double f[])
{
  PetscFunctionBegin;
  PetscCall(Soft(op, FEN_TO_SOURCE, PETSC_TRUE, g, f));
  PetscFunctionReturn(0);
}

static PetscErrorCode HardTransform_Separable(FenOTOperator op, FenDirection dir, const double in[], double out[])
{
  Separable *S = (Separable *)op->data;
  const int  c = 1 - (int)dir;

  PetscFunctionBegin;
  for (FenInt i = 0; i < op->n[c]; i++)
    S->a[i] = op->logw[c][i] > FEN_NONE ? in[i] : FEN_NONE;
  PetscCall(RunChain(op, dir, PETSC_TRUE, PETSC_FALSE, out));
  for (FenInt i = 0; i < op->n[dir]; i++)
    out[i] = -out[i];
  PetscFunctionReturn(0);
}

/* E v with the cost of one axis as weight (or none: axis < 0) */
static PetscErrorCode MultAxis(FenOTOperator op, const double v[], PetscInt axis, double out[])
{
  Separable *S = (Separable *)op->data;
  Chain     *C = &S->chain[FEN_TO_SOURCE];

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(S->a, v, op->n[1]));
  for (PetscInt s = 0; s < op->dim; s++) {
    const Stage *g = &C->stage[s];
    Sweep        w = StageSweep(g, FEN_TO_SOURCE);

    PetscCall(Move(g->enter, S->a, S->b));
    w.u = S->L[s];
    w.w = S->minus[s];
    w.v = S->b;
    w.out = S->a;
    w.weighted = (PetscBool)(g->axis == axis);
    SweepApply(op, &w);
  }
  PetscCall(Move(C->leave, S->a, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult_Separable(FenOTOperator op, PetscInt nv, const double v[], PetscBool weighted, double out[])
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

static PetscErrorCode ScaleAxes(FenOTOperator op, double power)
{
  Separable   *S = (Separable *)op->data;
  const double k = power * op->kappa, factor = op->kind == FEN_COST_L1 ? k : sqrt(k);

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    for (PetscInt d = 0; d < op->dim; d++)
      for (FenInt i = 0; i < S->shape[s][d]; i++)
        S->axis[s][d][i] = factor * S->plain[s][d][i];
  PetscFunctionReturn(0);
}

/* stages backwards, each transposed: exponents change sides */
static PetscErrorCode RunTransposed(FenOTOperator op, const double v[], double *const L[], double *const minus[],
                                    double out[])
{
  Separable *S = (Separable *)op->data;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(S->a, v, op->n[0]));
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    const Stage *g = &S->chain[FEN_TO_SOURCE].stage[s];
    const Sweep  t = {.side_t = 1,
                      .side_s = 0,
                      .axis = g->axis,
                      .nt = g->lin,
                      .ns = g->lout,
                      .nlines = g->nlines,
                      .u = minus[s],
                      .w = L[s],
                      .v = S->b,
                      .out = S->a};

    PetscCall(Move(S->back[s], S->a, S->b));
    SweepApply(op, &t);
  }
  PetscCall(Move(S->out, S->a, out));
  PetscFunctionReturn(0);
}

/* E_ij is one product of stage factors, so that its square is the product of the squared factors: all exponents double
 */
static PetscErrorCode TransposedSquares(FenOTOperator op, const double v[], double out[])
{
  Separable *S = (Separable *)op->data;
  double    *L[FEN_MAX_DIM], *minus[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 2));
  for (PetscInt s = 0; s < op->dim; s++) {
    const Stage *g = &S->chain[FEN_TO_SOURCE].stage[s];

    PetscCall(PetscMalloc2(g->nin, &L[s], g->nout, &minus[s]));
    for (FenInt i = 0; i < g->nin; i++)
      L[s][i] = PetscMax(2 * S->L[s][i], FEN_NONE);
    for (FenInt i = 0; i < g->nout; i++)
      minus[s][i] = PetscMin(PetscMax(2 * S->minus[s][i], FEN_NONE), -FEN_NONE); /* lines without mass stay 0 = e - e */
  }
  PetscCall(RunTransposed(op, v, L, minus, out));
  for (PetscInt s = 0; s < op->dim; s++)
    PetscCall(PetscFree2(L[s], minus[s]));
  PetscCall(ScaleAxes(op, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode MultTranspose_Separable(FenOTOperator op, const double v[], PetscBool squares, double out[])
{
  Separable *S = (Separable *)op->data;

  PetscFunctionBegin;
  if (squares)
    PetscCall(TransposedSquares(op, v, out));
  else
    PetscCall(RunTransposed(op, v, S->L, S->minus, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetEpsilon_Separable(FenOTOperator op)
{
  PetscFunctionBegin;
  PetscCall(ScaleAxes(op, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy_Separable(FenOTOperator op)
{
  Separable *S = (Separable *)op->data;

  PetscFunctionBegin;
  for (int dir = 0; dir < 2; dir++) {
    for (PetscInt s = 0; s < op->dim; s++) {
      Stage *g = &S->chain[dir].stage[s];

      PetscCall(FenRedistDestroy(&g->enter));
      PetscCall(FenLayoutDestroy(&g->in));
      PetscCall(FenLayoutDestroy(&g->out));
      PetscCall(PetscFree2(S->axis[dir][s], S->plain[dir][s]));
    }
    PetscCall(FenRedistDestroy(&S->chain[dir].leave));
  }
  for (PetscInt s = 0; s < op->dim; s++) {
    PetscCall(FenRedistDestroy(&S->back[s]));
    PetscCall(PetscFree2(S->L[s], S->minus[s]));
  }
  PetscCall(FenRedistDestroy(&S->out));
  PetscCall(PetscFree4(S->a, S->b, S->line, S->box));
  PetscCall(PetscFree(S));
  PetscFunctionReturn(0);
}

/* pencil layouts of a direction: axis d-1 first; a stage changes the length of its axis only */
static PetscErrorCode MakeChain(FenOTOperator op, FenDirection dir)
{
  Separable *S = (Separable *)op->data;
  Chain     *C = &S->chain[dir];
  FenLayout  from[2], previous;
  FenInt     shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetLayout(op->measure[s], &from[s]));
  PetscCall(PetscArraycpy(shape, S->shape[1 - dir], FEN_MAX_DIM));
  previous = from[1 - dir];
  for (PetscInt s = 0; s < op->dim; s++) {
    Stage    *g = &C->stage[s];
    FenLayout whole;

    g->axis = op->dim - 1 - s;
    PetscCall(FenLayoutCreateGrid(op->comm, op->dim, shape, NULL, &whole));
    PetscCall(FenLayoutCreatePencil(whole, g->axis, &g->in));
    PetscCall(FenLayoutDestroy(&whole));
    g->lin = shape[g->axis];
    g->lout = shape[g->axis] = S->shape[dir][g->axis];
    PetscCall(FenLayoutCreateGrid(op->comm, op->dim, shape, NULL, &whole));
    PetscCall(FenLayoutCreatePencil(whole, g->axis, &g->out));
    PetscCall(FenLayoutDestroy(&whole));
    PetscCall(FenLayoutGetLocalSize(g->in, &g->nin));
    PetscCall(FenLayoutGetLocalSize(g->out, &g->nout));
    g->nlines = g->lin ? g->nin / g->lin : 0;
    PetscCheck(g->nlines * g->lout == g->nout, op->comm, (PetscErrorCode)FEN_ERR_INTERNAL,
               "pencils along axis %d are cut differently before and after", (int)g->axis);
    PetscCall(FenRedistCreate(previous, g->in, &g->enter));
    previous = g->out;
    S->nwork = PetscMax(S->nwork, PetscMax(g->nin, g->nout));
  }
  PetscCall(FenRedistCreate(previous, from[dir], &C->leave));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeTransposed(FenOTOperator op)
{
  Separable *S = (Separable *)op->data;
  Chain     *C = &S->chain[FEN_TO_SOURCE];
  FenLayout  layout[2];

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetLayout(op->measure[s], &layout[s]));
  for (PetscInt s = 0; s < op->dim; s++) {
    PetscCall(FenRedistCreate(s + 1 < op->dim ? C->stage[s + 1].in : layout[0], C->stage[s].out, &S->back[s]));
    PetscCall(PetscMalloc2(C->stage[s].nin, &S->L[s], C->stage[s].nout, &S->minus[s]));
  }
  PetscCall(FenRedistCreate(C->stage[0].in, layout[1], &S->out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOperatorCreate_Separable(FenOTOperator op)
{
  Separable *S;
  FenInt     longest = 1;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  op->data = S;
  for (int s = 0; s < 2; s++) {
    double spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];

    PetscCall(FenMeasureGetGrid(op->measure[s], S->shape[s], spacing, origin));
    for (PetscInt d = 0; d < op->dim; d++) {
      PetscCall(PetscMalloc2(S->shape[s][d], &S->axis[s][d], S->shape[s][d], &S->plain[s][d]));
      for (FenInt i = 0; i < S->shape[s][d]; i++)
        S->plain[s][d][i] = origin[d] + (double)i * spacing[d];
      longest = PetscMax(longest, S->shape[s][d]);
    }
    S->nwork = PetscMax(S->nwork, op->n[s]);
  }
  for (int dir = 0; dir < 2; dir++)
    PetscCall(MakeChain(op, (FenDirection)dir));
  PetscCall(MakeTransposed(op));
  PetscCall(PetscMalloc4(S->nwork, &S->a, S->nwork, &S->b, (size_t)(2 * longest), &S->line,
                         (size_t)FenTileBoxSize(1, longest, LINE_CHUNK), &S->box));
  op->ops.setepsilon = SetEpsilon_Separable;
  op->ops.softtransform = SoftTransform_Separable;
  op->ops.hardtransform = HardTransform_Separable;
  op->ops.setplan = SetPlan_Separable;
  op->ops.mult = Mult_Separable;
  op->ops.multtranspose = MultTranspose_Separable;
  op->ops.destroy = Destroy_Separable;
  PetscFunctionReturn(0);
}
