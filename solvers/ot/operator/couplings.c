/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Couplings of targets through the sources of a plan on grids, B_jk = sum_i a_i E_ij E_ik for k - j among the offsets
   of at most `radius` along each axis: what an assembled Newton matrix is made of.

   E is a product of stages, so that the sum is taken axis by axis, last stage first. On the last stage's lines (along
   axis 0), for each offset o of axis 0,

     M_o(j) = sum_i e_ij a_i e_i,j+o ,

   and on the lines of the stage before, which belong to targets j of axis 0, with the factors f of the line j + o

     M_o,p(k) = sum_i e_ik M_o(i) f_i,k+p .

   B is symmetric: offsets are those that come after zero in the order of the grid, and zero. The other line's factors
   are made again from its exponents, which the owner sends for lines next to another rank's.

   Work for windows of w: on two axes with radius 2 about 16 w multiply-adds and 3 (w + 4) exponentials a point, as much
   as two or three products; with |x-y| 18 exponentials, whatever w is. Memory of the arrays between two stages, and of
   one to five results at a time. Messages: each array between two stages moves once, all with all or across blocks; two
   arrays of `radius` lines from neighbours.
*/
#include "separableimpl.h"

#define FEN_MAX_RADIUS 2
#define ROOM           16777216
#define MOST           125 /* offsets of an axis pass: (2 radius + 1)^3 */

/* lines of a stage and those that they are coupled to */
typedef struct {
  PetscInt axis;
  FenBox   mine, all; /* my lines; with those that I need */
  FenInt   lo, hi;    /* sources that are here of each */
  FenInt   inner;     /* points of a line are so far apart */
  double  *u, *minus; /* of all these lines */
  double  *made[2];   /* the same, if they are not the operator's own */
} Others;

/* lines of a box are numbered in the order of the other axes */
static FenInt LineOf(const FenBox *box, PetscInt axis, const FenInt at[])
{
  FenInt line = 0;

  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    if (k != axis)
      line = line * (box->hi[k] - box->lo[k]) + at[k] - box->lo[k];
  return line;
}

static FenInt Lines(const FenBox *box, PetscInt axis)
{
  FenInt n = 1;

  for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
    if (k != axis)
      n *= PetscMax(0, box->hi[k] - box->lo[k]);
  return n;
}

/* next line of a box; false after the last one */
static PetscBool NextLine(const FenBox *box, PetscInt axis, FenInt at[])
{
  for (PetscInt k = FEN_MAX_DIM - 1; k >= 0; k--) {
    if (k == axis)
      continue;
    if (++at[k] < box->hi[k])
      return PETSC_TRUE;
    at[k] = box->lo[k];
  }
  return PETSC_FALSE;
}

/* a box with the lines that its own are coupled to: axes before the stage's are those of the targets */
static FenBox Expanded(const FenBox *box, PetscInt axis, PetscInt radius, const FenInt shape[])
{
  FenBox b = *box;

  for (PetscInt k = 0; k < axis; k++) {
    b.lo[k] = PetscMax(0, b.lo[k] - radius);
    b.hi[k] = PetscMin(shape[k], b.hi[k] + radius);
  }
  return b;
}

static PetscErrorCode OthersCreate(FenOTOperator op, PetscInt s, PetscInt radius, Others *O)
{
  const FenStage     *g = FenPlanStage(op, s);
  const FenStagePlan *P = &((FenSeparable *)op->data)->plan[g->number];
  const PetscInt      order[FEN_MAX_DIM] = {0, 1, 2};
  FenInt              shape[FEN_MAX_DIM], n;
  PetscMPIInt         ranks;
  FenBox              want;

  PetscFunctionBegin;
  *O = (Others){.axis = g->axis, .u = P->L, .minus = P->minus, .hi = g->lin};
  PetscCall(FenLayoutGetBox(g->in, -1, &O->mine));
  PetscCall(FenLayoutGetShape(g->in, shape));
  O->all = O->mine;
  O->inner = 1;
  for (PetscInt k = g->axis + 1; k < FEN_MAX_DIM; k++)
    O->inner *= PetscMax(1, O->mine.hi[k] - O->mine.lo[k]); /* as all */
  PetscCallMPI(MPI_Comm_size(op->comm, &ranks));
  if (ranks == 1 || !g->axis)
    PetscFunctionReturn(0);
  if (g->nlines)
    O->all = Expanded(&O->mine, g->axis, radius, shape);
  if (g->halo) {
    const FenSpan *span = FenHaloSpans(g->halo);

    O->lo = g->lin;
    O->hi = 0;
    for (FenInt b = 0; b < FenSweepBlocks(op->kernels, g->nlines); b++)
      if (span[b].hi > span[b].lo) {
        O->lo = PetscMin(O->lo, PetscMax(0, span[b].lo - radius));
        O->hi = PetscMax(O->hi, PetscMin(g->lin, span[b].hi + radius));
      }
    O->lo = PetscMin(O->lo, O->hi);
  }
  n = Lines(&O->all, g->axis);
  PetscCall(PetscMalloc2((size_t)(n * (O->hi - O->lo)), &O->made[0], (size_t)(n * g->lout), &O->made[1]));
  want = O->all;
  want.lo[g->axis] = O->lo;
  want.hi[g->axis] = O->hi;
  PetscCall(FenLayoutFetch(g->in, &want, order, P->L, O->made[0]));
  want.lo[g->axis] = g->first;
  want.hi[g->axis] = g->first + g->lout;
  PetscCall(FenLayoutFetch(g->out, &want, order, P->minus, O->made[1]));
  O->u = O->made[0];
  O->minus = O->made[1];
  PetscFunctionReturn(0);
}

/* for each of my lines the one that is `offset` away */
static void OtherLines(const Others *O, const FenInt offset[], FenInt other[])
{
  FenInt at[FEN_MAX_DIM], l = 0;

  if (!Lines(&O->mine, O->axis))
    return;
  PetscArraycpy(at, O->mine.lo, FEN_MAX_DIM);
  do {
    FenInt    to[FEN_MAX_DIM];
    PetscBool inside = PETSC_TRUE;

    for (PetscInt k = 0; k < FEN_MAX_DIM; k++) {
      to[k] = at[k] + offset[k];
      inside = (PetscBool)(inside && (k == O->axis || (to[k] >= O->all.lo[k] && to[k] < O->all.hi[k])));
    }
    other[l++] = inside ? LineOf(&O->all, O->axis, to) : -1;
  } while (NextLine(&O->mine, O->axis, at));
}

/* arrays of a stage: one for each offset of the axes done so far */
typedef struct {
  PetscInt n;
  FenInt   offset[MOST][FEN_MAX_DIM];
  double  *value[MOST];
} Sums;

typedef struct {
  PetscInt          radius;
  double *const    *work;
  FenInt            room;
  FenOTTakeCoupling take;
  void             *ctx;
} Wanted;

/* arrays for the results of the first stage, which are taken away at once: the operator's and the caller's as far as
   they go; made when they are needed, as those between two stages become fewer meanwhile */
typedef struct {
  double *array[2 * FEN_MAX_RADIUS + 1], *own[2 * FEN_MAX_RADIUS + 1];
  double *before; /* the same before the stage, if that is not where its lines are */
} Results;

static PetscErrorCode ResultsNeed(FenOTOperator op, const Wanted *W, FenInt count, FenInt n, Results *R)
{
  FenSeparable *S = (FenSeparable *)op->data;
  double *const given[4] = {S->a, S->b, W->work[0], W->work[1]};

  PetscFunctionBegin;
  for (FenInt k = 0; k < count; k++) {
    if (R->array[k])
      continue;
    if (k < 4 && n <= (k < 2 ? S->stages.nwork : W->room))
      R->array[k] = given[k];
    else {
      PetscCall(PetscMalloc1(n, &R->own[k]));
      R->array[k] = R->own[k];
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCouplingsLayout(FenOTOperator op, FenLayout *layout)
{
  const FenChain *C = &((FenSeparable *)op->data)->stages.chain[FEN_TO_SOURCE];

  PetscFunctionBegin;
  *layout = C->across[0].halo ? C->begin : C->stage[0].in;
  PetscFunctionReturn(0);
}

static PetscErrorCode Take(FenOTOperator op, const Wanted *W, const FenInt offset[], const double value[], Results *R)
{
  const FenStage *g = FenPlanStage(op, 0);
  FenLayout       layout;
  FenInt          n;

  PetscFunctionBegin;
  PetscCall(FenOTCouplingsLayout(op, &layout));
  if (layout == g->in || !g->back) {
    PetscCall((*W->take)(W->ctx, offset, value));
    PetscFunctionReturn(0);
  }
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  if (!R->before)
    PetscCall(PetscMalloc1(n, &R->before));
  PetscCall(FenRedistMove(g->back, value, R->before));
  PetscCall((*W->take)(W->ctx, offset, R->before));
  PetscFunctionReturn(0);
}

static PetscErrorCode ResultsDestroy(Results *R)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k <= 2 * FEN_MAX_RADIUS; k++)
    PetscCall(PetscFree(R->own[k]));
  PetscCall(PetscFree(R->before));
  PetscFunctionReturn(0);
}

/* across blocks: sums of sources that are not my own, for each offset of an axis */
typedef struct {
  double *of[2 * FEN_MAX_RADIUS + 1], *all;
} Going;

static PetscErrorCode GoingCreate(const FenStage *g, FenInt radius, Going *G)
{
  const FenInt n = g->halo ? FenHaloSize(g->halo) : 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)((2 * radius + 1) * n), &G->all));
  for (FenInt o = 0; o <= 2 * radius; o++)
    G->of[o] = G->all + o * n;
  PetscFunctionReturn(0);
}

/* their sums, and those of mine that others made */
static PetscErrorCode AddUp(const FenStage *g, const double go[], double sums[])
{
  PetscFunctionBegin;
  if (!g->halo)
    PetscFunctionReturn(0);
  if (!g->lout)
    PetscCall(PetscArrayzero(sums, g->nin)); /* no sweep has */
  for (int k = 0; k < FEN_HALO_GROUPS; k++)
    PetscCall(FenHaloAddBegin(g->halo, k, go, sums));
  for (int k = 0; k < FEN_HALO_GROUPS; k++)
    PetscCall(FenHaloAddEnd(g->halo, k, go, sums));
  PetscFunctionReturn(0);
}

/* through stage s: each array becomes one for each offset of the stage's axis */
static PetscErrorCode Through(FenOTOperator op, PetscInt s, const Wanted *W, Sums *before, Sums *after)
{
  const FenStage *g = FenPlanStage(op, s);
  FenStagePlan   *P = &((FenSeparable *)op->data)->plan[g->number];
  FenSweep        t = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);
  Others          O;
  Results         R = {{NULL}, {NULL}, NULL};
  Going           G;
  FenInt          shape[FEN_MAX_DIM], radius, *other;
  double         *memory;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(g->in, shape));
  radius = PetscMin(W->radius, shape[g->axis] - 1);
  PetscCall(OthersCreate(op, s, W->radius, &O));
  PetscCall(GoingCreate(g, radius, &G));
  PetscCall(
      PetscMalloc2(g->nlines, &other, FenSweepCoupleWork(op->kernels, g->lin, 2 * radius + 1) + FEN_LINE, &memory));
  after->n = 0;
  for (PetscInt p = 0; p < before->n; p++) {
    const FenInt     *at = before->offset[p];
    const PetscBool   zero = (PetscBool)(!at[0] && !at[1] && !at[2]);
    FenSweepCouplings c = {.first = zero ? 0 : -radius,
                           .last = radius,
                           .other = g->axis ? other : NULL, /* lines of the last stage are coupled to themselves */
                           .lo = O.lo,
                           .length = O.hi - O.lo,
                           .inner = O.inner,
                           .u = O.u,
                           .minus = O.minus,
                           .out = s ? after->value + after->n : R.array,
                           .go = G.of,
                           .work = (double *)FenOnLine(memory)};

    if (!s)
      PetscCall(ResultsNeed(op, W, c.last - c.first + 1, g->nin, &R));
    for (FenInt o = c.first; o <= c.last; o++) {
      PetscArraycpy(after->offset[after->n + o - c.first], at, FEN_MAX_DIM);
      after->offset[after->n + o - c.first][g->axis] = o;
      if (s)
        PetscCall(PetscMalloc1(g->nin, &after->value[after->n + o - c.first]));
    }
    if (g->axis)
      OtherLines(&O, at, other);
    t.u = P->L;
    t.ucame = P->came;
    t.w = P->minus;
    t.v = before->value[p];
    FenSweepCouple(&t, &P->factors, &c);
    for (FenInt o = 0; o <= c.last - c.first; o++) {
      PetscCall(AddUp(g, c.go[o], c.out[o]));
      if (!s)
        PetscCall(Take(op, W, after->offset[after->n + o], c.out[o], &R));
    }
    after->n += (PetscInt)(c.last - c.first + 1);
    if (s < op->dim - 1)
      PetscCall(PetscFree(before->value[p]));
  }
  PetscCall(ResultsDestroy(&R));
  PetscCall(PetscFree(G.all));
  PetscCall(PetscFree2(other, memory));
  PetscCall(PetscFree2(O.made[0], O.made[1]));
  PetscFunctionReturn(0);
}

/* an array of the lines of stage s to the output of the stage before */
static PetscErrorCode ToStageBefore(FenOTOperator op, PetscInt s, double **value)
{
  const FenStage *g = FenPlanStage(op, s), *next = FenPlanStage(op, s - 1);
  const FenStage *twin = &((FenSeparable *)op->data)->stages.chain[FEN_TO_SOURCE].across[s - 1];
  double         *to;

  PetscFunctionBegin;
  if (g->back) {
    PetscCall(PetscMalloc1(twin->halo ? twin->nout : next->nout, &to));
    PetscCall(FenRedistMove(g->back, *value, to));
    PetscCall(PetscFree(*value));
    *value = to;
  }
  if (next->arrive) {
    PetscCall(PetscMalloc1(next->nout, &to));
    PetscCall(FenRedistMove(next->arrive, *value, to));
    PetscCall(PetscFree(*value));
    *value = to;
  }
  PetscFunctionReturn(0);
}

PetscBool FenOTHasCouplings(FenOTOperator op)
{
  return op->kept;
}

PetscErrorCode FenOTBandwidth(FenOTOperator op, FenInt *band)
{
  const FenSeparable *S = (const FenSeparable *)op->data;

  PetscFunctionBegin;
  *band = -1;
  if (op->dim > 1 || !op->kept || S->cones)
    PetscFunctionReturn(0);
  *band = 0;
  for (FenInt i = 0; S->plan[0].factors.nblocks && i < FenPlanStage(op, 0)->lout; i++) {
    const int *kept = S->plan[0].factors.windows + 2 * i;

    *band = PetscMax(*band, (FenInt)(kept[1] - kept[0]) - 1);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, band, 1, MPI_FENINT, MPI_MAX, op->comm));
  PetscFunctionReturn(0);
}

/* as many offsets at a time as ROOM numbers of work allow: the other factors are made again for each lot */
PetscErrorCode FenOTBandCouplings(FenOTOperator op, FenInt band, double B[])
{
  FenSeparable     *S = (FenSeparable *)op->data;
  const FenStage   *g = FenPlanStage(op, 0);
  FenStagePlan     *P = &S->plan[0];
  FenSweep          t = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);
  const FenInt      lot = PetscMin(band + 1, PetscMax(1, ROOM / (g->lin * op->kernels->linelanes)));
  FenSweepCouplings c = {.length = g->lin, .u = P->L, .minus = P->minus};
  double          **out;

  PetscFunctionBegin;
  PetscCall(FenPlanWeights(op));
  PetscCall(PetscMalloc2(band + 1, &out, FenSweepCoupleWork(op->kernels, g->lin, lot), &c.work));
  for (FenInt o = 0; o <= band; o++)
    out[o] = B + o * g->nin;
  t.u = P->L;
  t.w = P->minus;
  t.v = S->weights;
  for (c.first = 0; c.first <= band; c.first += lot) {
    c.last = PetscMin(band, c.first + lot - 1);
    c.out = out + c.first;
    FenSweepCouple(&t, &P->factors, &c);
  }
  PetscCall(PetscFree2(out, c.work));
  op->passes += 4 * op->share;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCouplings(FenOTOperator op, PetscInt radius, double *const work[2], FenInt room,
                              FenOTTakeCoupling take, void *ctx)
{
  FenSeparable *S = (FenSeparable *)op->data;
  const Wanted  W = {radius, work, room, take, ctx};
  Sums         *sums, *now, *next;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(2, &sums));
  now = &sums[0];
  next = &sums[1];
  PetscCall(FenPlanWeights(op));
  now->n = 1;
  now->value[0] = S->weights;
  for (PetscInt s = op->dim - 1; s >= 0; s--) {
    PetscCall(Through(op, s, &W, now, next));
    for (PetscInt k = 0; s && k < next->n; k++)
      PetscCall(ToStageBefore(op, s, &next->value[k]));
    next = now;
    now = &sums[now == sums];
  }
  PetscCall(PetscFree(sums));
  op->passes += 4 * op->share;
  PetscFunctionReturn(0);
}
