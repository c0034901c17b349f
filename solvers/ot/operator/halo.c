/* SPDX-License-Identifier: BSD-2-Clause */
/*
   On pencils a sum along axis 0 takes the array from all ranks to all ranks and back. Here a rank keeps its slab R of
   targets, and [lo_R, hi_R) are the sources that come for a block of lines: some of its own, displaced ones of a few
   other ranks, as transport moves a slab as a whole. Windows of an exact sweep say which, with a margin (PetscSF); the
   sources are planned anew when windows leave it.

   That nothing outside matters is proved without looking there. Terms t_ij = u_j - c_ij of a convex cost are Monge: a
   source j left of k that is below k by a cut at target i is so at all later targets. Let slabs be in their order, lo
   and hi rise with them, and no source with weight lie before the first lo. Suppose that the window of each slab's last
   target, among its own sources, begins at or after lo of the next slab. A source j < lo_R then came to an earlier
   slab, the last of which is Q; at the last target of Q it is below the cut, and the largest term there came to the
   slab after Q as well. So j is below that term's source, and thus below the largest term, at all targets of this slab;
   the same argument carries it on to R. The other side is the mirror image. Both are comparisons of a rank with its
   neighbours' ends, which are known since the plan was made.

   Memory of a rank: the sources that come. Messages: one a group to each of the ranks that have them, N/n rows numbers.
*/
#include "halo.h"
#include <limits.h>
#include <petscsf.h>

#define MARGIN 1 /* rows to both sides */
/* What pencils cost: all with all, of which a message takes as long as so many numbers; slabs send to four or so. And
   how many times as many numbers may come as are in a slab: they come in a product and its transpose each, where
   pencils move the array twice, but only once in a log sum */
#define LATENCY 200
#define FEW     5
#define MOST    1.25

/* sources at the ends of what comes for a block of lines to the slabs before and after */
typedef struct {
  FenInt hi_before, lo_after;
} Ends;

/* where numbers of a rank lie */
typedef struct {
  FenBox box;
  FenInt stride[FEN_MAX_DIM];
} Owner;

struct _p_FenHalo {
  MPI_Comm    comm;
  PetscMPIInt ranks, before, after; /* that have slabs; the next ones with targets, -1: none */
  FenLayout   in, out;
  FenInt      shape[FEN_MAX_DIM]; /* of the sources */
  Owner       mine;
  FenInt      lanes, nlines, nblocks, ns, nt; /* all sources of a line; my targets */
  FenSpan    *span;
  Ends       *ends;
  FenInt      size;
  PetscSF     sf[FEN_HALO_GROUPS];
  PetscMPIInt tag;
};

static PetscErrorCode GetOwner(FenLayout layout, PetscMPIInt r, Owner *O)
{
  PetscInt order[FEN_MAX_DIM], dim;
  FenInt   size = 1;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetBox(layout, r, &O->box));
  PetscCall(FenLayoutGetOrder(layout, order));
  O->stride[0] = O->stride[1] = O->stride[2] = 0;
  for (PetscInt k = dim - 1; k >= 0; k--) {
    O->stride[order[k]] = size;
    size *= O->box.hi[order[k]] - O->box.lo[order[k]];
  }
  PetscFunctionReturn(0);
}

static FenInt Place(const Owner *O, const FenInt shape[], FenInt row, FenInt line)
{
  return (row - O->box.lo[0]) * O->stride[0] + line / shape[2] * O->stride[1] + line % shape[2] * O->stride[2];
}

/* the next rank with targets in a direction */
static PetscErrorCode Neighbour(FenHalo H, int step, PetscMPIInt *neighbour)
{
  PetscMPIInt r;
  FenBox      box;

  PetscFunctionBegin;
  *neighbour = -1;
  PetscCallMPI(MPI_Comm_rank(H->comm, &r));
  for (r += step; H->nt && r >= 0 && r < H->ranks && *neighbour < 0; r += step) {
    PetscCall(FenLayoutGetBox(H->out, r, &box));
    if (box.hi[0] > box.lo[0])
      *neighbour = r;
  }
  PetscFunctionReturn(0);
}

/* is it less than the exchange of all with all? `most` numbers come to a rank */
static PetscBool IsLess(const FenHalo H, double most)
{
  return (PetscBool)(most <= MOST * (double)(H->nlines * H->ns) / H->ranks + LATENCY * PetscMax(0, H->ranks - FEW));
}

PetscErrorCode FenHaloCreate(FenLayout sources, FenLayout targets, const FenKernels *kernels, FenHalo *halo)
{
  FenBox      box;
  PetscMPIInt from[FEN_MAX_DIM], to[FEN_MAX_DIM];
  FenHalo     H;

  PetscFunctionBegin;
  *halo = NULL;
  PetscCall(FenLayoutGetRanks(sources, from, NULL));
  PetscCall(FenLayoutGetRanks(targets, to, NULL));
  if (from[1] * from[2] * to[1] * to[2] > 1) /* cut along other axes */
    PetscFunctionReturn(0);
  PetscCall(PetscNew(&H));
  H->comm = PetscObjectComm((PetscObject)sources);
  H->ranks = to[0];
  H->in = sources;
  H->out = targets;
  H->lanes = kernels->linelanes;
  PetscCall(FenLayoutGetShape(sources, H->shape));
  PetscCall(GetOwner(sources, -1, &H->mine));
  H->ns = H->shape[0];
  H->nlines = H->shape[1] * H->shape[2];
  H->nblocks = FenSweepBlocks(kernels, H->nlines);
  if (!IsLess(H, (double)(2 * MARGIN * H->nlines))) { /* slabs are too thin */
    PetscCall(PetscFree(H));
    PetscFunctionReturn(0);
  }
  PetscCall(FenLayoutGetBox(targets, -1, &box));
  H->nt = box.hi[0] - box.lo[0];
  PetscCall(Neighbour(H, -1, &H->before));
  PetscCall(Neighbour(H, 1, &H->after));
  PetscCall(PetscObjectGetNewTag((PetscObject)sources, &H->tag));
  PetscCall(PetscCalloc2(H->nblocks, &H->span, H->nblocks, &H->ends));
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
  PetscCall(PetscFree2((*halo)->span, (*halo)->ends));
  PetscCall(PetscFree(*halo));
  PetscFunctionReturn(0);
}

const FenSpan *FenHaloSpans(FenHalo H)
{
  return H->span;
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

/* ---- which sources come ---- */

static FenInt LinesOf(const FenHalo H, FenInt b)
{
  return PetscMin(H->lanes, H->nlines - b * H->lanes);
}

/* of each block the first and the last row of which any source weighs something, of all ranks */
static PetscErrorCode Edges(FenHalo H, const double u[], FenInt edge[])
{
  const FenBox *box = &H->mine.box;
  PetscMPIInt   n;

  PetscFunctionBegin;
  for (FenInt b = 0; b < H->nblocks; b++) {
    edge[2 * b] = edge[2 * b + 1] = -H->ns; /* minus the first one, and the end */
    for (FenInt k = b * H->lanes; k < b * H->lanes + LinesOf(H, b); k++)
      for (FenInt j = box->lo[0]; j < box->hi[0]; j++)
        if (u[Place(&H->mine, H->shape, j, k)] > FEN_NONE) {
          edge[2 * b] = PetscMax(edge[2 * b], -j);
          edge[2 * b + 1] = PetscMax(edge[2 * b + 1], j + 1);
        }
  }
  PetscCall(FenMPIIntCast(2 * H->nblocks, &n));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, edge, n, MPI_FENINT, MPI_MAX, H->comm));
  PetscFunctionReturn(0);
}

/* one number a block to the slab on one side, and as many from the other */
static PetscErrorCode Shift(FenHalo H, PetscMPIInt to, PetscMPIInt from, const FenInt out[], FenInt in[])
{
  PetscMPIInt n;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(H->nblocks, &n));
  PetscCallMPI(MPI_Sendrecv(out, n, MPI_FENINT, to < 0 ? MPI_PROC_NULL : to, H->tag, in, n, MPI_FENINT,
                            from < 0 ? MPI_PROC_NULL : from, H->tag, H->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* Windows of a block's lines together, of targets [from, to); empty if they all are */
static FenSpan Window(FenHalo H, FenInt b, FenInt from, FenInt to, const double lo[], const double hi[])
{
  FenSpan w = {H->ns, 0, 0};

  for (FenInt i = from; i < to; i++)
    for (FenInt k = i * H->nlines + b * H->lanes, l = 0; l < LinesOf(H, b); l++)
      if (hi[k + l] > lo[k + l]) {
        w.lo = PetscMin(w.lo, (FenInt)lo[k + l]);
        w.hi = PetscMax(w.hi, (FenInt)hi[k + l]);
      }
  w.lo = PetscMin(w.lo, w.hi);
  return w;
}

/* Spans with a margin, so wide that the proof above holds for these windows */
static PetscErrorCode Choose(FenHalo H, const double lo[], const double hi[], const FenInt edge[], FenSpan span[],
                             Ends ends[])
{
  const FenInt n = H->nblocks;
  FenInt      *mine, *theirs;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(2 * n), &mine, (size_t)(2 * n), &theirs));
  for (FenInt b = 0; b < n; b++) {
    span[b] = Window(H, b, 0, H->nt, lo, hi);
    mine[b] = H->nt ? Window(H, b, 0, 1, lo, hi).hi : 0;                 /* matters to the slab before */
    mine[n + b] = H->nt ? Window(H, b, H->nt - 1, H->nt, lo, hi).lo : 0; /* and to the one after */
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

/* my own of the sources that come for a block */
static FenSpan Own(const FenHalo H, FenInt b)
{
  FenSpan own = {PetscMax(H->span[b].lo, H->mine.box.lo[0]), PetscMin(H->span[b].hi, H->mine.box.hi[0]), 0};

  own.hi = PetscMax(own.lo, own.hi);
  own.at = H->span[b].at + (own.lo - H->span[b].lo) * H->lanes;
  return own;
}

static PetscErrorCode Pays(FenHalo H, PetscBool *pays)
{
  double most = 0;

  PetscFunctionBegin;
  for (FenInt b = 0; b < H->nblocks; b++) {
    const FenSpan own = Own(H, b);

    most += (double)(LinesOf(H, b) * (H->span[b].hi - H->span[b].lo - (own.hi - own.lo)));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, H->comm));
  *pays = IsLess(H, most);
  PetscFunctionReturn(0);
}

/* those of other ranks, for the blocks of a group: a row's lines are next to each other here, and mostly there */
static PetscErrorCode MakeForest(FenHalo H, int group)
{
  FenInt       nroots, n = 0, k = 0, from, to;
  PetscInt    *local, size;
  PetscSFNode *remote;
  PetscMPIInt  r = 0;
  Owner        O;

  PetscFunctionBegin;
  FenHaloGroup(H, group, &from, &to);
  for (FenInt b = from; b < to; b++)
    n += LinesOf(H, b) * (H->span[b].hi - H->span[b].lo - (Own(H, b).hi - Own(H, b).lo));
  PetscCall(PetscMalloc1(n, &local));
  PetscCall(PetscMalloc1(n, &remote));
  PetscCall(GetOwner(H->in, r, &O));
  for (FenInt b = from; b < to; b++) {
    const FenSpan own = Own(H, b);

    for (FenInt j = H->span[b].lo; j < H->span[b].hi; j++) {
      if (j >= own.lo && j < own.hi)
        continue;
      while (j < O.box.lo[0] || j >= O.box.hi[0]) {
        r = j < O.box.lo[0] ? 0 : r + 1; /* ranks have rows in their order */
        PetscCall(GetOwner(H->in, r, &O));
      }
      for (FenInt l = 0; l < LinesOf(H, b); l++, k++) {
        PetscCall(FenIntCast(H->span[b].at + (j - H->span[b].lo) * H->lanes + l, &local[k]));
        remote[k].rank = r;
        PetscCall(FenIntCast(Place(&O, H->shape, j, b * H->lanes + l), &remote[k].index));
      }
    }
  }
  PetscCall(FenLayoutGetLocalSize(H->in, &nroots));
  PetscCall(FenIntCast(nroots, &size));
  PetscCall(PetscSFCreate(H->comm, &H->sf[group]));
  PetscCall(PetscSFSetGraph(H->sf[group], size, (PetscInt)n, local, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetFromOptions(H->sf[group]));
  PetscCall(PetscSFSetUp(H->sf[group]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloPlan(FenHalo H, const double lo[], const double hi[], const double u[], PetscBool *planned)
{
  FenInt *edge;

  PetscFunctionBegin;
  PetscCall(ClearPlan(H));
  PetscCall(PetscMalloc1((size_t)(2 * H->nblocks), &edge));
  PetscCall(Edges(H, u, edge));
  PetscCall(Choose(H, lo, hi, edge, H->span, H->ends));
  PetscCall(PetscFree(edge));
  H->size = 0;
  for (FenInt b = 0; b < H->nblocks; b++) {
    H->span[b].at = H->size;
    H->size += (H->span[b].hi - H->span[b].lo) * H->lanes;
  }
  PetscCall(Pays(H, planned));
  if (!*planned)
    PetscFunctionReturn(0);
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    PetscCall(MakeForest(H, g));
  PetscFunctionReturn(0);
}

PetscBool FenHaloHolds(FenHalo H, const int windows[])
{
  for (FenInt b = 0; H->nt && b < H->nblocks; b++) {
    const int   *w = windows + 2 * b * H->nt, *last = w + 2 * (H->nt - 1);
    const FenInt lo = H->span[b].lo;

    if ((last[1] > last[0] && lo + last[0] < H->ends[b].lo_after) || (w[1] > w[0] && lo + w[1] > H->ends[b].hi_before))
      return PETSC_FALSE;
  }
  return PETSC_TRUE;
}

/* ---- sources on their way ---- */

/* my own sources of a group's blocks: into their parts, or added up */
static void MoveOwn(FenHalo H, int group, PetscBool add, double array[], double parts[])
{
  FenInt from, to;

  FenHaloGroup(H, group, &from, &to);
  for (FenInt b = from; b < to; b++) {
    const FenSpan   own = Own(H, b);
    const FenInt    line = b * H->lanes, n = LinesOf(H, b);
    const PetscBool lie = (PetscBool)(H->mine.stride[2] == 1 || (H->shape[2] == 1 && H->mine.stride[1] == 1));
    const PetscBool together =
        (PetscBool)(lie && (H->shape[2] == 1 || line / H->shape[2] == (line + n - 1) / H->shape[2]));

    for (FenInt j = own.lo; j < own.hi; j++) {
      double *part = parts + own.at + (j - own.lo) * H->lanes;
      double *a = array + Place(&H->mine, H->shape, j, line);

      if (together && add)
        for (FenInt l = 0; l < n; l++)
          a[l] += part[l];
      else if (together)
        PetscArraycpy(part, a, n);
      else
        for (FenInt l = 0; l < n; l++) {
          a = array + Place(&H->mine, H->shape, j, line + l);
          if (add)
            *a += part[l];
          else
            part[l] = *a;
        }
    }
  }
}

PetscErrorCode FenHaloGetBegin(FenHalo H, const double in[], double parts[])
{
  PetscFunctionBegin;
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    PetscCall(PetscSFBcastBegin(H->sf[g], MPI_DOUBLE, in, parts, MPI_REPLACE));
  for (int g = 0; g < FEN_HALO_GROUPS; g++)
    MoveOwn(H, g, PETSC_FALSE, (double *)in, parts);
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloGetEnd(FenHalo H, int group, PetscBool exponents, const double in[], double parts[])
{
  const FenInt last = H->nblocks - 1;
  FenInt       from, to;

  PetscFunctionBegin;
  PetscCall(PetscSFBcastEnd(H->sf[group], MPI_DOUBLE, in, parts, MPI_REPLACE));
  FenHaloGroup(H, group, &from, &to);
  if (last < from || last >= to)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < H->span[last].hi - H->span[last].lo; j++)
    for (FenInt l = LinesOf(H, last); l < H->lanes; l++)
      parts[H->span[last].at + j * H->lanes + l] = exponents ? FEN_NONE : 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloAddBegin(FenHalo H, int group, const double parts[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceBegin(H->sf[group], MPI_DOUBLE, parts, out, MPI_SUM));
  MoveOwn(H, group, PETSC_TRUE, out, (double *)parts);
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloAddEnd(FenHalo H, int group, const double parts[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceEnd(H->sf[group], MPI_DOUBLE, parts, out, MPI_SUM));
  PetscFunctionReturn(0);
}
