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
   one to five results at a time. Messages: each array between two stages moves once, all with all or across slabs; two
   arrays of `radius` lines from neighbours.
*/
#include "separableimpl.h"

#define FEN_MAX_RADIUS 2
#define ROOM           16777216
#define MOST           125 /* offsets of an axis pass: (2 radius + 1)^3 */

typedef struct {
  PetscInt axis, radius;
  FenBox   mine, all; /* my lines; those that I need */
  FenInt   length[2]; /* of lines before and after the stage */
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

static FenBox Intersection(const FenBox *a, const FenBox *b)
{
  FenBox c;

  for (PetscInt k = 0; k < FEN_MAX_DIM; k++) {
    c.lo[k] = PetscMax(a->lo[k], b->lo[k]);
    c.hi[k] = PetscMax(c.lo[k], PetscMin(a->hi[k], b->hi[k]));
  }
  return c;
}

/* lines of `part` between an array of the lines of `box` and a message */
static void CopyLines(const FenBox *part, const FenBox *box, PetscInt axis, FenInt length, PetscBool pack,
                      double array[], double message[])
{
  FenInt at[FEN_MAX_DIM];

  if (!Lines(part, axis))
    return;
  PetscArraycpy(at, part->lo, FEN_MAX_DIM);
  do {
    double *line = array + LineOf(box, axis, at) * length;

    for (FenInt i = 0; i < length; i++)
      if (pack)
        message[i] = line[i];
      else
        line[i] = message[i];
    message += length;
  } while (NextLine(part, axis, at));
}

/* the lines that I need of an array `own` on the lines of `layout` */
static PetscErrorCode Fetch(FenLayout layout, const Others *O, FenInt length, const double own[], double all[])
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)layout);
  FenInt       shape[FEN_MAX_DIM], in = 0, out = 0;
  PetscMPIInt  ranks, rank, nrequests = 0, tag;
  MPI_Request *request;
  double      *received, *sent;
  FenBox       box, part;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(PetscObjectGetNewTag((PetscObject)layout, &tag));
  PetscCall(PetscMalloc3((size_t)(Lines(&O->all, O->axis) * length), &received,
                         (size_t)(Lines(&O->mine, O->axis) * length * PetscMin(ranks, 27)), &sent, (size_t)(2 * ranks),
                         &request));
  CopyLines(&O->mine, &O->mine, O->axis, length, PETSC_TRUE, (double *)own, received);
  CopyLines(&O->mine, &O->all, O->axis, length, PETSC_FALSE, all, received);
  for (PetscMPIInt r = 0; r < ranks; r++) {
    PetscMPIInt n;

    PetscCall(FenLayoutGetBox(layout, r, &box));
    part = Intersection(&O->all, &box);
    if (r != rank && Lines(&part, O->axis)) {
      PetscCall(FenMPIIntCast(Lines(&part, O->axis) * length, &n));
      PetscCallMPI(MPI_Irecv(received + in, n, MPI_DOUBLE, r, tag, comm, &request[nrequests++]));
      in += n;
    }
  }
  for (PetscMPIInt r = 0; r < ranks; r++) {
    PetscMPIInt n;

    PetscCall(FenLayoutGetBox(layout, r, &box));
    if (r == rank || !Lines(&box, O->axis))
      continue;
    box = Expanded(&box, O->axis, O->radius, shape);
    part = Intersection(&O->mine, &box);
    if (Lines(&part, O->axis)) {
      PetscCall(FenMPIIntCast(Lines(&part, O->axis) * length, &n));
      CopyLines(&part, &O->mine, O->axis, length, PETSC_TRUE, (double *)own, sent + out);
      PetscCallMPI(MPI_Isend(sent + out, n, MPI_DOUBLE, r, tag, comm, &request[nrequests++]));
      out += n;
    }
  }
  PetscCallMPI(MPI_Waitall(nrequests, request, MPI_STATUSES_IGNORE));
  in = 0;
  for (PetscMPIInt r = 0; r < ranks; r++) {
    PetscCall(FenLayoutGetBox(layout, r, &box));
    part = Intersection(&O->all, &box);
    if (r != rank && Lines(&part, O->axis)) {
      CopyLines(&part, &O->all, O->axis, length, PETSC_FALSE, all, received + in);
      in += Lines(&part, O->axis) * length;
    }
  }
  PetscCall(PetscFree3(received, sent, request));
  PetscFunctionReturn(0);
}

static PetscErrorCode OthersCreate(FenOTOperator op, PetscInt s, PetscInt radius, Others *O)
{
  const FenStage     *g = FenPlanStage(op, s);
  const FenStagePlan *P = &((FenSeparable *)op->data)->plan[g->number];
  FenInt              shape[FEN_MAX_DIM], n;
  PetscMPIInt         ranks;

  PetscFunctionBegin;
  *O = (Others){.axis = g->axis, .radius = radius, .u = P->L, .minus = P->minus, .length = {g->lin, g->lout}};
  PetscCall(FenLayoutGetBox(g->in, -1, &O->mine));
  PetscCall(FenLayoutGetShape(g->in, shape));
  O->all = O->mine;
  PetscCallMPI(MPI_Comm_size(op->comm, &ranks));
  if (ranks == 1 || !g->axis)
    PetscFunctionReturn(0);
  if (Lines(&O->mine, g->axis))
    O->all = Expanded(&O->mine, g->axis, radius, shape);
  n = Lines(&O->all, g->axis);
  PetscCall(PetscMalloc2((size_t)(n * g->lin), &O->made[0], (size_t)(n * g->lout), &O->made[1]));
  PetscCall(Fetch(g->in, O, g->lin, P->L, O->made[0]));
  PetscCall(Fetch(g->out, O, g->lout, P->minus, O->made[1]));
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
} Results;

static PetscErrorCode ResultsNeed(FenOTOperator op, const Wanted *W, FenInt count, FenInt n, Results *R)
{
  FenSeparable *S = (FenSeparable *)op->data;
  double *const given[4] = {S->a, S->b, W->work[0], W->work[1]};

  PetscFunctionBegin;
  for (FenInt k = 0; k < count; k++) {
    if (R->array[k])
      continue;
    if (k < 2 || (k < 4 && n <= W->room))
      R->array[k] = given[k];
    else {
      PetscCall(PetscMalloc1(n, &R->own[k]));
      R->array[k] = R->own[k];
    }
  }
  PetscFunctionReturn(0);
}

/* through stage s: each array becomes one for each offset of the stage's axis */
static PetscErrorCode Through(FenOTOperator op, PetscInt s, const Wanted *W, Sums *before, Sums *after)
{
  const FenStage *g = FenPlanStage(op, s);
  FenStagePlan   *P = &((FenSeparable *)op->data)->plan[g->number];
  FenSweep        t = FenStageSweep(op, g, FEN_TO_SOURCE, PETSC_TRUE);
  Others          O;
  Results         R = {{NULL}, {NULL}};
  FenInt         *other;
  double         *work;

  PetscFunctionBegin;
  PetscCall(OthersCreate(op, s, W->radius, &O));
  PetscCall(PetscMalloc2(g->nlines, &other, FenSweepCoupleWork(op->kernels, g->lin, 2 * W->radius + 1), &work));
  after->n = 0;
  for (PetscInt p = 0; p < before->n; p++) {
    const FenInt     *at = before->offset[p];
    const PetscBool   zero = (PetscBool)(!at[0] && !at[1] && !at[2]);
    FenSweepCouplings c = {.first = zero ? 0 : -W->radius,
                           .last = W->radius,
                           .other = other,
                           .u = O.u,
                           .minus = O.minus,
                           .out = s ? after->value + after->n : R.array,
                           .work = work};

    if (!s)
      PetscCall(ResultsNeed(op, W, c.last - c.first + 1, g->nin, &R));
    for (FenInt o = c.first; o <= c.last; o++) {
      PetscArraycpy(after->offset[after->n + o - c.first], at, FEN_MAX_DIM);
      after->offset[after->n + o - c.first][g->axis] = o;
      if (s)
        PetscCall(PetscMalloc1(FenStageLines(g), &after->value[after->n + o - c.first]));
    }
    if (!g->halo) /* lines of the last stage are coupled to themselves */
      OtherLines(&O, at, other);
    t.u = P->L;
    t.w = P->minus;
    t.v = before->value[p];
    FenSweepCouple(&t, &P->factors, &c);
    for (FenInt o = c.first; !s && o <= c.last; o++)
      PetscCall((*W->take)(W->ctx, after->offset[after->n + o - c.first], c.out[o - c.first]));
    after->n += (PetscInt)(c.last - c.first + 1);
    if (s < op->dim - 1)
      PetscCall(PetscFree(before->value[p]));
  }
  for (PetscInt k = 0; k <= 2 * W->radius; k++)
    PetscCall(PetscFree(R.own[k]));
  PetscCall(PetscFree2(other, work));
  PetscCall(PetscFree2(O.made[0], O.made[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCouplingsLayout(FenOTOperator op, FenLayout *layout)
{
  PetscFunctionBegin;
  *layout = ((FenSeparable *)op->data)->stages.chain[FEN_TO_SOURCE].stage[0].in;
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
  const FenInt      mine = 0, lot = PetscMin(band + 1, PetscMax(1, ROOM / (g->lin * op->kernels->linelanes)));
  FenSweepCouplings c = {.other = &mine, .u = P->L, .minus = P->minus};
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
    for (PetscInt k = 0; s && k < next->n; k++) { /* to the lines of the stage before */
      double *value = next->value[k];

      PetscCall(PetscMalloc1(FenPlanStage(op, s - 1)->nout, &next->value[k]));
      PetscCall(FenStageBack(FenPlanStage(op, s), value, next->value[k]));
      PetscCall(PetscFree(value));
    }
    next = now;
    now = &sums[now == sums];
  }
  PetscCall(PetscFree(sums));
  op->passes += 4 * op->share;
  PetscFunctionReturn(0);
}
