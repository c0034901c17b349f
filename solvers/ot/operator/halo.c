/* SPDX-License-Identifier: BSD-2-Clause */
/*
   On pencils a sum along an axis takes the array from all ranks to all ranks and back. Here a rank keeps its block R of
   targets, and [lo_R, hi_R) are the sources that come for a bundle of its lines: some of its own, displaced ones of a
   few other ranks of its line of blocks, as transport moves a block as a whole. Windows of the first and the last
   target of a block say which, with a margin (PetscSF): of all sources that matter to it the former has the first one
   and the latter the last one, as both ends of windows rise. Each rank finds the largest terms of all such targets
   among its own sources, and then which of these are within the cut of the largest of all. Sources are planned anew
   when windows leave the margin. Windows of the sweeps that follow say where less would do.

   That nothing outside matters is proved without looking there. Terms t_ij = u_j - c_ij of a convex cost are Monge: a
   source j left of k that is below k by a cut at target i is so at all later targets. Let blocks be in their order, lo
   and hi rise with them, and no source with weight lie before the first lo. Suppose that the window of each block's
   last target, among its own sources, begins at or after lo of the next block. A source j < lo_R then came to an
   earlier block, the last of which is Q; at the last target of Q it is below the cut, and the largest term there came
   to the block after Q as well. So j is below that term's source, and thus below the largest term, at all targets of
   this block; the same argument carries it on to R. The other side is the mirror image. Both are comparisons of a rank
   with its neighbours' ends, which are known since the plan was made.

   Memory of a rank: the sources that come from others. Messages: one a group to each of the ranks that have them, a few
   rows of its lines; for a plan two reductions on the line of blocks, of two and four numbers a block and line.
*/
#include "halo.h"
#include "sweepsimpl.h"
#include <limits.h>
#include <petscsf.h>

#define MARGIN 1 /* rows to both sides */
/* What pencils cost: all with all, of which a message takes as long as so many numbers; blocks send to four or so. And
   how many times as many numbers may come as are in a block: they come in a product and its transpose each, where
   pencils move the array twice, but only once in a log sum */
#define LATENCY 200
#define FEW     5
#define MOST    1.25

/* windows of a bundle of lines that were seen last: sources of all my targets, none: nothing weighs; where that of the
   first target ends and that of the last one begins, which matters to the blocks before and after */
typedef struct {
  FenInt lo, hi, first_hi, last_lo;
} Seen;

/* sources at the ends of what comes for a bundle of lines to the blocks before and after */
typedef struct {
  FenInt hi_before, lo_after;
} Ends;

struct _p_FenHalo {
  MPI_Comm    all, line;     /* all ranks; those of my line of blocks, */
  PetscMPIInt ranks;         /* so many, */
  PetscMPIInt base, step;    /* which are base, base + step, ... of all, */
  PetscMPIInt place;         /* my place among them, */
  PetscMPIInt before, after; /* and of the next ones with targets, -1: none */
  FenLayout   in, out;
  PetscInt    axis, other[2];
  FenOwn      mine;
  FenInt      lanes, nlines, nblocks, ns, nt; /* all sources of a line; my targets */
  double      part;                           /* sources of a rank, in the mean */
  PetscMPIInt used;                           /* ranks that have some */
  Seen       *seen;
  FenSpan    *span;
  Ends       *ends;
  FenInt      size;
  PetscSF     sf[FEN_HALO_GROUPS];
};

#define TAG 0 /* messages on `line`, which nobody else uses */

/* of a rank of my line of blocks: its lines are mine */
static PetscErrorCode GetOwn(const FenHalo H, FenLayout layout, PetscMPIInt r, FenOwn *O)
{
  const PetscMPIInt rank = H->base + r * H->step;
  FenInt            stride[FEN_MAX_DIM];
  FenBox            box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(layout, rank, &box));
  PetscCall(FenLayoutGetStrides(layout, rank, stride));
  *O = (FenOwn){.lo = box.lo[H->axis],
                .hi = box.hi[H->axis],
                .row = stride[H->axis],
                .slow = stride[H->other[0]],
                .fast = stride[H->other[1]],
                .width = PetscMax(1, box.hi[H->other[1]] - box.lo[H->other[1]])};
  PetscFunctionReturn(0);
}

static FenInt Place(const FenOwn *O, FenInt row, FenInt line)
{
  return (row - O->lo) * O->row + FenOwnLine(O, line);
}

/* the next rank with targets in a direction */
static PetscErrorCode Neighbour(FenHalo H, PetscMPIInt r, int step, PetscMPIInt *neighbour)
{
  FenOwn O;

  PetscFunctionBegin;
  *neighbour = -1;
  for (r += step; H->nt && r >= 0 && r < H->ranks && *neighbour < 0; r += step) {
    PetscCall(GetOwn(H, H->out, r, &O));
    if (O.hi > O.lo)
      *neighbour = r;
  }
  PetscFunctionReturn(0);
}

/* is it less than the exchange of all with all? `most` numbers come to a rank */
static PetscBool IsLess(const FenHalo H, double most)
{
  return (PetscBool)(most <= MOST * H->part + LATENCY * PetscMax(0, H->used - FEW));
}

/* sizes of the layouts, the same on all ranks; are they blocks of which the targets' differ along the axis only, and
   thick enough? */
static PetscErrorCode Fits(FenHalo H, PetscBool *fits)
{
  PetscMPIInt from[FEN_MAX_DIM], to[FEN_MAX_DIM];
  FenInt      shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRanks(H->in, from, &H->used));
  PetscCall(FenLayoutGetRanks(H->out, to, NULL));
  PetscCall(FenLayoutGetShape(H->in, shape));
  H->ns = shape[H->axis];
  H->part = (double)(shape[0] * shape[1] * shape[2]) / H->used;
  *fits = (PetscBool)(from[H->axis] > 1 &&
                      IsLess(H, 2 * MARGIN * H->part * (double)from[H->axis] / (double)PetscMax(1, H->ns)));
  for (int k = 0; k < FEN_MAX_DIM; k++)
    *fits = (PetscBool)(*fits && from[k] == to[k]);
  PetscFunctionReturn(0);
}

/* my place among the blocks, and what I have */
static PetscErrorCode Settle(FenHalo H, FenBox *box)
{
  PetscMPIInt ranks[FEN_MAX_DIM], place[FEN_MAX_DIM], step[FEN_MAX_DIM];
  FenBox      in;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(H->all, &H->base));
  PetscCall(FenLayoutGetRanks(H->in, ranks, NULL));
  PetscCall(FenLayoutGetPlace(H->in, place, step));
  if (place[H->axis] >= 0) {
    H->ranks = ranks[H->axis];
    H->step = step[H->axis];
    H->base -= place[H->axis] * H->step;
  }
  PetscCall(FenLayoutGetBox(H->in, -1, &in));
  PetscCall(FenLayoutGetBox(H->out, -1, box));
  for (int k = 0; k < 2; k++)
    PetscCheck(in.lo[H->other[k]] == box->lo[H->other[k]] && in.hi[H->other[k]] == box->hi[H->other[k]],
               PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "blocks are cut differently before and after axis %d",
               (int)H->axis);
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloCreate(FenLayout sources, FenLayout targets, PetscInt axis, MPI_Comm line,
                             const FenKernels *kernels, FenHalo *halo)
{
  FenHalo   H;
  PetscBool fits = PETSC_FALSE;
  FenBox    box;

  PetscFunctionBegin;
  *halo = NULL;
  PetscCall(PetscNew(&H));
  *H = (struct _p_FenHalo){.all = PetscObjectComm((PetscObject)sources),
                           .line = line,
                           .ranks = 1,
                           .in = sources,
                           .out = targets,
                           .axis = axis,
                           .other = {axis == 0, axis == 2 ? 1 : 2},
                           .lanes = kernels->linelanes};
  PetscCall(Fits(H, &fits));
  if (!fits) {
    PetscCall(PetscFree(H));
    PetscFunctionReturn(0);
  }
  PetscCall(Settle(H, &box));
  PetscCallMPI(MPI_Comm_rank(line, &H->place));
  PetscCall(GetOwn(H, sources, H->place, &H->mine));
  H->nlines = (box.hi[H->other[0]] - box.lo[H->other[0]]) * (box.hi[H->other[1]] - box.lo[H->other[1]]);
  H->nblocks = FenSweepBlocks(kernels, H->nlines);
  H->nt = box.hi[axis] - box.lo[axis];
  PetscCall(Neighbour(H, H->place, -1, &H->before));
  PetscCall(Neighbour(H, H->place, 1, &H->after));
  PetscCall(PetscCalloc3(H->nblocks, &H->seen, H->nblocks, &H->span, H->nblocks, &H->ends));
  *halo = H;
  PetscFunctionReturn(0);
}

static PetscErrorCode ClearPlan(FenHalo H)
{
  PetscFunctionBegin;
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    PetscCall(PetscSFDestroy(&H->sf[g]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloDestroy(FenHalo *halo)
{
  PetscFunctionBegin;
  if (!*halo)
    PetscFunctionReturn(0);
  PetscCall(ClearPlan(*halo));
  PetscCall(PetscFree3((*halo)->seen, (*halo)->span, (*halo)->ends));
  PetscCall(PetscFree(*halo));
  PetscFunctionReturn(0);
}

const FenSpan *FenHaloSpans(FenHalo H)
{
  return H->span;
}

const FenOwn *FenHaloOwn(FenHalo H)
{
  return &H->mine;
}

FenInt FenHaloSize(FenHalo H)
{
  return H->size;
}

void FenHaloGroup(FenHalo H, int group, FenInt *from, FenInt *to)
{
  *from = H->nblocks * group / FEN_HALO_GROUPS;
  *to = H->nblocks * (group + 1) / FEN_HALO_GROUPS;
}

/* ---- windows of the ends of blocks ---- */

static FenInt LinesOf(const FenHalo H, FenInt b)
{
  return PetscMin(H->lanes, H->nlines - b * H->lanes);
}

/* the first and the last target of all blocks, each once; mine are number `at` and the last one at + (nt > 1) */
static PetscErrorCode EndsOfBlocks(FenHalo H, FenInt end[], FenInt *n, FenInt *at)
{
  FenOwn O;

  PetscFunctionBegin;
  *n = *at = 0;
  for (PetscMPIInt r = 0; r < H->ranks; r++) {
    PetscCall(GetOwn(H, H->out, r, &O));
    if (r == H->place)
      *at = *n;
    if (O.hi > O.lo)
      end[(*n)++] = O.lo;
    if (O.hi > O.lo + 1)
      end[(*n)++] = O.hi - 1;
  }
  PetscFunctionReturn(0);
}

/* of target i and source j of line l */
static double Term(const FenHalo H, const FenSweep *w, FenInt i, FenInt j, FenInt l)
{
  const double d = w->cost ? 0 : w->xt[i] - w->xs[j];

  return w->u[Place(&H->mine, j, l)] - (w->cost ? w->cost[i + j * w->stride] : d * d);
}

/* Of my sources in a window of a sweep over these alone, which matter to target i of line l, whose largest term of all
   sources is `top`? Added to window[], minus the first one and the end */
static void Narrow(const FenHalo H, const FenSweep *w, FenInt i, FenInt l, double top, const int among[],
                   FenInt window[])
{
  const double cut = top - FEN_CUT;
  FenInt       lo = H->mine.lo + among[0], hi = H->mine.lo + among[1];

  while (lo < hi && Term(H, w, i, lo, l) < cut)
    lo++;
  while (hi > lo && Term(H, w, i, hi - 1, l) < cut)
    hi--;
  if (hi > lo) {
    window[0] = PetscMax(window[0], -lo);
    window[1] = PetscMax(window[1], hi);
  }
}

/* the windows of `w`, a sweep over my own sources, become those of all sources: bundle by bundle, all targets */
static PetscErrorCode OfAll(FenHalo H, const FenSweep *w, FenInt window[])
{
  PetscMPIInt ntop, nends;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(w->nt * H->nlines, &ntop));
  PetscCall(FenMPIIntCast(2 * w->nt * H->nblocks, &nends));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->out, ntop, MPI_DOUBLE, MPI_MAX, H->line));
  for (FenInt b = 0; b < H->nblocks; b++)
    for (FenInt i = 0; i < w->nt; i++) {
      const FenInt k = 2 * (b * w->nt + i);

      window[k] = -H->ns;
      window[k + 1] = 0;
      for (FenInt l = b * H->lanes; l < b * H->lanes + LinesOf(H, b); l++)
        if (w->out[i * H->nlines + l] > FEN_NONE)
          Narrow(H, w, i, l, w->out[i * H->nlines + l], w->windows + k, window + k);
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, window, nends, MPI_FENINT, MPI_MAX, H->line));
  PetscFunctionReturn(0);
}

/* between some targets, of which the last one is repeated, and my own sources */
static PetscErrorCode CostsOf(FenHalo H, const FenSweep *w, FenInt nt, const FenInt target[], double **cost)
{
  const FenInt stride = nt + FEN_LANES;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(stride * (H->mine.hi - H->mine.lo)), cost));
  for (FenInt j = H->mine.lo; j < H->mine.hi; j++)
    for (FenInt i = 0; i < stride; i++)
      (*cost)[i + (j - H->mine.lo) * stride] = w->cost[target[PetscMin(i, nt - 1)] - w->first + j * w->stride];
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloSee(FenHalo H, const FenSweep *across)
{
  FenSweep w = *across;
  FenSpan *own;
  double  *x, *cost = NULL;
  FenInt  *window, *end, at;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(2 * (size_t)H->ranks, &x, 2 * (size_t)H->ranks, &end, (size_t)H->nblocks, &own));
  PetscCall(EndsOfBlocks(H, end, &w.nt, &at));
  for (FenInt i = 0; i < w.nt; i++)
    x[i] = across->xt[end[i] - across->first];
  if (across->cost)
    PetscCall(CostsOf(H, across, w.nt, end, &cost));
  w.stride = w.nt + FEN_LANES;
  w.cost = cost ? cost - H->mine.lo * w.stride : NULL;
  for (FenInt b = 0; b < H->nblocks; b++)
    own[b] = (FenSpan){H->mine.lo, H->mine.hi, 0};
  w.xt = x;
  w.span = own;
  w.ucame = w.u; /* nothing does */
  PetscCall(PetscCalloc1(FenSweepWindows(w.kernels, w.nt, H->nlines), &w.windows));
  PetscCall(PetscMalloc2((size_t)(w.nt * H->nlines), &w.out, (size_t)(2 * w.nt * H->nblocks), &window));
  for (FenInt k = 0; k < w.nt * H->nlines; k++)
    w.out[k] = FEN_NONE;
  if (H->mine.hi > H->mine.lo)
    FenSweepMax(&w);
  PetscCall(OfAll(H, &w, window));
  for (FenInt b = 0; b < H->nblocks; b++) {
    const FenInt *first = window + 2 * (b * w.nt + at), *last = H->nt > 1 ? first + 2 : first;

    H->seen[b] = (Seen){0, 0, 0, 0};
    if (H->nt && first[1]) /* something weighs */
      H->seen[b] = (Seen){.lo = -first[0], .hi = last[1], .first_hi = first[1], .last_lo = -last[0]};
  }
  PetscCall(PetscFree2(w.out, window));
  PetscCall(PetscFree(w.windows));
  PetscCall(PetscFree(cost));
  PetscCall(PetscFree3(x, end, own));
  PetscFunctionReturn(0);
}

/* ---- which sources come ---- */

/* of each bundle the first and the last row of which any source weighs something, of all blocks */
static PetscErrorCode Edges(FenHalo H, const double u[], FenInt edge[])
{
  PetscMPIInt n;

  PetscFunctionBegin;
  for (FenInt b = 0; b < H->nblocks; b++) {
    edge[2 * b] = edge[2 * b + 1] = -H->ns; /* minus the first one, and the end */
    for (FenInt j = H->mine.lo; j < H->mine.hi; j++)
      for (FenInt k = b * H->lanes; k < b * H->lanes + LinesOf(H, b); k++)
        if (u[Place(&H->mine, j, k)] > FEN_NONE) {
          edge[2 * b] = PetscMax(edge[2 * b], -j);
          edge[2 * b + 1] = PetscMax(edge[2 * b + 1], j + 1);
        }
  }
  PetscCall(FenMPIIntCast(2 * H->nblocks, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, edge, n, MPI_FENINT, MPI_MAX, H->line));
  PetscFunctionReturn(0);
}

/* one number a bundle to the block on one side, and as many from the other */
static PetscErrorCode Shift(FenHalo H, PetscMPIInt to, PetscMPIInt from, const FenInt out[], FenInt in[])
{
  PetscMPIInt n;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(H->nblocks, &n));
  PetscCallMPI(MPI_Sendrecv(out, n, MPI_FENINT, to < 0 ? MPI_PROC_NULL : to, TAG, in, n, MPI_FENINT,
                            from < 0 ? MPI_PROC_NULL : from, TAG, H->line, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* Spans with a margin, so wide that the proof above holds for the windows that were seen */
static PetscErrorCode Choose(FenHalo H, const FenInt edge[], FenSpan span[], Ends ends[])
{
  const FenInt n = H->nblocks;
  FenInt      *mine, *theirs;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(2 * n), &mine, (size_t)(2 * n), &theirs));
  for (FenInt b = 0; b < n; b++) {
    span[b] = (FenSpan){.lo = H->seen[b].lo, .hi = H->seen[b].hi};
    mine[b] = H->seen[b].first_hi;
    mine[n + b] = H->seen[b].last_lo;
    theirs[b] = span[b].hi;
    theirs[n + b] = span[b].lo;
  }
  PetscCall(Shift(H, H->before, H->after, mine, theirs));
  PetscCall(Shift(H, H->after, H->before, mine + n, theirs + n));
  for (FenInt b = 0; b < n; b++) {
    const FenInt first = -edge[2 * b], end = edge[2 * b + 1];

    if (!H->nt || end <= first) {
      span[b].lo = span[b].hi = 0;
      continue;
    }
    span[b].lo = H->before < 0 ? first : PetscMax(first, PetscMin(span[b].lo, theirs[n + b]) - MARGIN);
    span[b].hi = H->after < 0 ? end : PetscMin(end, PetscMax(span[b].hi, theirs[b]) + MARGIN);
  }
  for (FenInt b = 0; b < n; b++) {
    mine[b] = span[b].lo;
    mine[n + b] = span[b].hi;
    theirs[b] = 0;
    theirs[n + b] = H->ns;
  }
  PetscCall(Shift(H, H->before, H->after, mine, theirs));
  PetscCall(Shift(H, H->after, H->before, mine + n, theirs + n));
  for (FenInt b = 0; b < n; b++)
    ends[b] = (Ends){.hi_before = theirs[n + b], .lo_after = theirs[b]};
  PetscCall(PetscFree2(mine, theirs));
  PetscFunctionReturn(0);
}

/* how many sources of each line in a part of a bundle are not my own */
static FenInt RowsOfOthers(const FenHalo H, const FenSpan *span)
{
  const FenSpan own = FenOwnSpan(&H->mine, span);

  return span->hi - span->lo - (own.hi - own.lo);
}

FenInt FenHaloNeeds(FenHalo H)
{
  FenInt n = 0;

  for (FenInt b = 0; b < H->nblocks; b++)
    n += LinesOf(H, b) * RowsOfOthers(H, &(FenSpan){.lo = H->seen[b].lo, .hi = H->seen[b].hi});
  return n;
}

PetscBool FenHaloPays(FenHalo H, FenInt most)
{
  return IsLess(H, (double)most);
}

/* those of other ranks, for the bundles of a group: a row's lines are next to each other here, and mostly there */
static PetscErrorCode MakeForest(FenHalo H, int group)
{
  FenInt       nroots, n = 0, k = 0, from, to;
  PetscInt    *local, size;
  PetscSFNode *remote;
  PetscMPIInt  r = 0;
  FenOwn       O;

  PetscFunctionBegin;
  FenHaloGroup(H, group, &from, &to);
  for (FenInt b = from; b < to; b++)
    n += LinesOf(H, b) * RowsOfOthers(H, &H->span[b]);
  PetscCall(PetscMalloc1(n, &local));
  PetscCall(PetscMalloc1(n, &remote));
  PetscCall(GetOwn(H, H->in, r, &O));
  for (FenInt b = from; b < to; b++) {
    const FenSpan own = FenOwnSpan(&H->mine, &H->span[b]);
    FenInt        at = H->span[b].at;

    for (FenInt j = H->span[b].lo; j < H->span[b].hi; j++) {
      if (j >= own.lo && j < own.hi)
        continue;
      while (j < O.lo || j >= O.hi) {
        r = j < O.lo ? 0 : r + 1; /* ranks have rows in their order */
        PetscCall(GetOwn(H, H->in, r, &O));
      }
      for (FenInt l = 0; l < LinesOf(H, b); l++, k++) {
        PetscCall(FenIntCast(at + l, &local[k]));
        remote[k].rank = r;
        PetscCall(FenIntCast(Place(&O, j, b * H->lanes + l), &remote[k].index));
      }
      at += H->lanes;
    }
  }
  PetscCall(FenLayoutGetLocalSize(H->in, &nroots));
  PetscCall(FenIntCast(nroots, &size));
  PetscCall(PetscSFCreate(H->line, &H->sf[group]));
  PetscCall(PetscSFSetGraph(H->sf[group], size, (PetscInt)n, local, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetFromOptions(H->sf[group]));
  PetscCall(PetscSFSetUp(H->sf[group]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloPlan(FenHalo H, const double u[])
{
  FenInt *edge;

  PetscFunctionBegin;
  PetscCall(ClearPlan(H));
  PetscCall(PetscMalloc1((size_t)(2 * H->nblocks), &edge));
  PetscCall(Edges(H, u, edge));
  PetscCall(Choose(H, edge, H->span, H->ends));
  PetscCall(PetscFree(edge));
  H->size = 0;
  for (FenInt b = 0; b < H->nblocks; b++) {
    H->span[b].at = H->size;
    H->size += RowsOfOthers(H, &H->span[b]) * H->lanes;
  }
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    PetscCall(MakeForest(H, g));
  PetscFunctionReturn(0);
}

PetscBool FenHaloHolds(FenHalo H, const int windows[])
{
  PetscBool holds = PETSC_TRUE;

  for (FenInt b = 0; H->nt && b < H->nblocks; b++) {
    const int   *w = windows + 2 * b * H->nt, *last = w + 2 * (H->nt - 1);
    const FenInt lo = H->span[b].lo;

    H->seen[b] = (Seen){0, 0, 0, 0};
    if (w[1] > w[0])
      H->seen[b] = (Seen){.lo = lo + w[0], .hi = lo + last[1], .first_hi = lo + w[1], .last_lo = lo + last[0]};
    if ((last[1] > last[0] && lo + last[0] < H->ends[b].lo_after) || (w[1] > w[0] && lo + w[1] > H->ends[b].hi_before))
      holds = PETSC_FALSE;
  }
  return holds;
}

/* ---- sources on their way ---- */

PetscErrorCode FenHaloGetBegin(FenHalo H, const double in[], double come[])
{
  PetscFunctionBegin;
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    PetscCall(PetscSFBcastBegin(H->sf[g], MPI_DOUBLE, in, come, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloGetEnd(FenHalo H, int group, const double in[], double come[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFBcastEnd(H->sf[group], MPI_DOUBLE, in, come, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloAddBegin(FenHalo H, int group, const double go[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceBegin(H->sf[group], MPI_DOUBLE, go, out, MPI_SUM));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloAddEnd(FenHalo H, int group, const double go[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceEnd(H->sf[group], MPI_DOUBLE, go, out, MPI_SUM));
  PetscFunctionReturn(0);
}
