/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The last stage of a plan works along axis 0, across the slabs of ranks. On pencils the array goes from all ranks to
   all ranks and back in every product. Here a rank has a slab of the sources instead, and the factors of all lines for
   these sources: kept windows say which rows of targets they need, some of its own, displaced ones of a few other ranks
   (transport moves a slab as a whole). Values of these rows come, weighted sums for them go back, in two groups of
   lines: while one travels the other is worked on.

   Factors come once a plan from the pencils where they were made, each block of lines as it is; slabs are those of the
   first stage to the target, cut by the work that was counted on the coarser level. Which rows travel is planned
   (PetscSF) with a margin, and planned anew when windows leave it.

   Memory of a rank: its factors once more, and 2 (N/P + halo) numbers. A product sends 2 halo numbers in 4 messages to
   each of those ranks; a plan w N/P numbers of four bytes, w the length of kept windows, all to all.
*/
#include "halo.h"
#include <limits.h>
#include <petscsf.h>

#define GROUPS 2
#define MARGIN 3 /* rows to both sides */
/* what pencils cost: all with all, of which a message takes as long as so many numbers; slabs send to four or so */
#define LATENCY 200
#define FEW     5

typedef struct {
  FenInt n, line; /* lines, the first one's place in H->line */
  FenInt lo, hi;  /* rows that travel */
  FenInt at;      /* where its values begin in H->leaf */
  FenInt e;       /* where its factors begin in H->e */
} Block;

struct _p_FenHalo {
  PetscMPIInt ranks;
  FenInt      lanes, nlines, nblocks, mine; /* lines and blocks of all; blocks of my pencils */
  FenInt     *line;                         /* rank by rank of the pencils: number of a line, later axes fastest */
  FenInt     *first;                        /* of each rank its first block; and the end */
  Block      *block;
  FenLayout   slab; /* of the sources; the operator's, as is the way there */
  FenRedist   enter;
  FenInt      ni;   /* my rows of sources */
  int        *kept; /* block by block, of my sources; relative to the block's `lo` */
  float      *e;
  double     *leaf, *rows, *weights; /* weights as leaf: lines of a block next to each other */
  FenInt      room;                  /* of `e` */
  PetscSF     sf[GROUPS];
  FenInt      group[GROUPS + 1];
  double     *work;
};

static const FenStage *Last(FenOTOperator op)
{
  return &((FenSeparable *)op->data)->stages.chain[FEN_TO_SOURCE].stage[op->dim - 1];
}

/* what the stage before leaves */
static FenLayout Middle(FenOTOperator op)
{
  return ((FenSeparable *)op->data)->stages.chain[FEN_TO_SOURCE].stage[op->dim - 2].out;
}

/* cut along axis 0 only? The same answer on all ranks */
static PetscErrorCode IsSlab(FenLayout layout, PetscMPIInt ranks, PetscBool *is)
{
  FenInt   shape[FEN_MAX_DIM];
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  *is = PETSC_TRUE;
  for (PetscMPIInt r = 0; r < ranks; r++) {
    FenBox box;

    PetscCall(FenLayoutGetBox(layout, r, &box));
    for (PetscInt k = 1; k < dim; k++)
      *is = (PetscBool)(*is && (box.hi[0] == box.lo[0] || (box.lo[k] == 0 && box.hi[k] == shape[k])));
  }
  PetscFunctionReturn(0);
}

/* the pencils' lines and blocks, rank by rank */
static PetscErrorCode Lines(FenHalo H, FenLayout pencils)
{
  FenInt shape[FEN_MAX_DIM], l = 0, b = 0;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(pencils, shape));
  for (PetscMPIInt r = 0; r < H->ranks; r++) {
    FenBox box;
    FenInt n;

    PetscCall(FenLayoutGetBox(pencils, r, &box));
    n = box.hi[0] > box.lo[0] ? (box.hi[1] - box.lo[1]) * (box.hi[2] - box.lo[2]) : 0;
    H->first[r] = b;
    for (FenInt k = 0; k < n; k += H->lanes, b++)
      H->block[b] = (Block){.n = PetscMin(H->lanes, n - k), .line = l + k};
    for (FenInt j = box.lo[1]; n && j < box.hi[1]; j++)
      for (FenInt k = box.lo[2]; k < box.hi[2]; k++)
        H->line[l++] = j * shape[2] + k;
  }
  H->first[H->ranks] = H->nblocks = b;
  PetscCheck(l == H->nlines, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "pencils do not have all lines");
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloCreate(FenOTOperator op, FenHalo *halo)
{
  const FenSeparable *S = (FenSeparable *)op->data;
  FenInt              shape[FEN_MAX_DIM];
  const FenStage     *first = &S->stages.chain[FEN_TO_TARGET].stage[0];
  FenBox              box;
  PetscMPIInt         ranks;
  PetscBool           slab[2] = {PETSC_FALSE, PETSC_FALSE};
  FenHalo             H;

  PetscFunctionBegin;
  *halo = NULL;
  PetscCallMPI(MPI_Comm_size(op->comm, &ranks));
  if (ranks < 3 || op->dim < 2 || S->cones)
    PetscFunctionReturn(0);
  PetscCall(IsSlab(first->in, ranks, &slab[0]));
  PetscCall(IsSlab(Middle(op), ranks, &slab[1]));
  if (!slab[0] || !slab[1])
    PetscFunctionReturn(0);
  PetscCall(PetscNew(&H));
  H->ranks = ranks;
  H->lanes = op->kernels->linelanes;
  PetscCall(FenLayoutGetShape(first->in, shape));
  H->slab = first->in;
  H->enter = first->enter;
  PetscCall(FenLayoutGetBox(H->slab, -1, &box));
  H->ni = box.hi[0] - box.lo[0];
  H->nlines = shape[1] * shape[2];
  H->mine = FenSweepBlocks(op->kernels, Last(op)->nlines);
  PetscCall(PetscMalloc3((size_t)H->nlines, &H->line, (size_t)H->ranks + 1, &H->first,
                         (size_t)(H->nlines / H->lanes + H->ranks), &H->block));
  PetscCall(Lines(H, Last(op)->in));
  PetscCall(PetscMalloc4((size_t)(2 * H->nblocks * H->ni), &H->kept, (size_t)(H->nlines * H->ni), &H->rows,
                         (size_t)(H->nblocks * H->ni * H->lanes), &H->weights, (size_t)(H->ni * H->lanes), &H->work));
  for (int g = 0; g <= GROUPS; g++)
    H->group[g] = H->nblocks * g / GROUPS;
  *halo = H;
  PetscFunctionReturn(0);
}

static PetscErrorCode ClearPlan(FenHalo H)
{
  PetscFunctionBegin;
  for (int g = 0; g < GROUPS; g++)
    PetscCall(PetscSFDestroy(&H->sf[g]));
  PetscCall(PetscFree(H->leaf));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloDestroy(FenHalo *halo)
{
  FenHalo H = *halo;

  PetscFunctionBegin;
  if (!H)
    PetscFunctionReturn(0);
  PetscCall(ClearPlan(H));
  PetscCall(PetscFree3(H->line, H->first, H->block));
  PetscCall(PetscFree4(H->kept, H->rows, H->weights, H->work));
  PetscCall(PetscFree(H->e));
  PetscCall(PetscFree(*halo));
  PetscFunctionReturn(0);
}

static FenInt Kept(const int kept[])
{
  return kept[1] > kept[0] ? 1 + kept[1] - kept[0] : 0;
}

/* sources of a rank */
static PetscErrorCode Slab(FenHalo H, PetscMPIInt r, FenInt *first, FenInt *n)
{
  FenBox box;

  PetscFunctionBegin;
  *first = *n = 0;
  PetscCall(FenLayoutGetBox(H->slab, r, &box));
  *first = box.lo[0];
  *n = box.hi[0] - box.lo[0];
  PetscFunctionReturn(0);
}

/* kept windows of my sources, from the ranks of the lines */
static PetscErrorCode MoveWindows(FenHalo H, FenOTOperator op)
{
  const FenFactors *F = &((FenSeparable *)op->data)->factors[op->dim - 1];
  const FenInt      nt = Last(op)->lout;
  PetscMPIInt      *count, *at;
  int              *sent;
  FenInt            out = 0;

  PetscFunctionBegin;
  PetscCall(
      PetscMalloc3((size_t)(2 * H->ranks), &count, (size_t)(2 * H->ranks), &at, (size_t)(2 * H->mine * nt), &sent));
  for (PetscMPIInt r = 0; r < H->ranks; r++) {
    FenInt first = 0, n = 0;

    PetscCall(Slab(H, r, &first, &n));
    PetscCall(FenMPIIntCast(2 * H->mine * n, &count[r]));
    PetscCall(FenMPIIntCast(out, &at[r]));
    for (FenInt b = 0; b < H->mine; b++, out += 2 * n)
      PetscCall(PetscArraycpy(sent + out, F->windows + 2 * (b * nt + first), 2 * n));
    PetscCall(FenMPIIntCast(2 * (H->first[r + 1] - H->first[r]) * H->ni, &count[H->ranks + r]));
    PetscCall(FenMPIIntCast(2 * H->first[r] * H->ni, &at[H->ranks + r]));
  }
  PetscCallMPI(MPI_Alltoallv(sent, count, at, MPI_INT, H->kept, count + H->ranks, at + H->ranks, MPI_INT, op->comm));
  PetscCall(PetscFree3(count, at, sent));
  PetscFunctionReturn(0);
}

/* rows that my sources of a block keep */
static void Reach(const FenHalo H, FenInt b, FenInt *lo, FenInt *hi)
{
  const int *kept = H->kept + 2 * b * H->ni;

  *lo = INT_MAX;
  *hi = 0;
  for (FenInt i = 0; i < H->ni; i++, kept += 2)
    if (kept[1] > kept[0]) {
      *lo = PetscMin(*lo, kept[0]);
      *hi = PetscMax(*hi, kept[1]);
    }
  *lo = PetscMin(*lo, *hi);
}

/* and with a margin: rows that travel if planned now */
static void Wanted(const FenHalo H, FenInt b, FenInt nt, FenInt *lo, FenInt *hi)
{
  Reach(H, b, lo, hi);
  if (*hi > *lo) {
    *lo = PetscMax(0, *lo - MARGIN);
    *hi = PetscMin(nt, *hi + MARGIN);
  }
}

/* are the planned rows enough, and not far too many? And how many would come from other ranks if planned now */
static PetscErrorCode Look(FenHalo H, FenOTOperator op, PetscBool *fits, PetscBool *pays)
{
  const FenInt nt = Last(op)->lin, all = H->nlines * nt;
  double       most[3] = {0, 0, 0}; /* windows that leave the plan, numbers from others, what pencils take */
  FenInt       need = 0, planned = 0;
  FenBox       box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(Middle(op), -1, &box));
  for (FenInt b = 0; b < H->nblocks; b++) {
    const Block *B = &H->block[b];
    FenInt       lo, hi, mine;

    Reach(H, b, &lo, &hi);
    if (hi > lo && (!H->leaf || lo < B->lo || hi > B->hi))
      most[0] = 1;
    Wanted(H, b, nt, &lo, &hi);
    mine = PetscMax(0, PetscMin(hi, box.hi[0]) - PetscMax(lo, box.lo[0]));
    most[1] += (double)(B->n * (hi - lo - mine));
    need += B->n * (hi - lo);
    planned += B->n * (B->hi - B->lo);
  }
  if (!H->leaf || planned > 2 * need + all / H->ranks)
    most[0] = 1;
  most[2] = (double)all / H->ranks + LATENCY * PetscMax(0, H->ranks - FEW);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, op->comm));
  *fits = (PetscBool)(most[0] == 0);
  *pays = (PetscBool)(most[1] <= most[2]);
  PetscFunctionReturn(0);
}

/* numbers of the array in the middle by rank and storage there */
typedef struct {
  FenBox box;
  FenInt stride[FEN_MAX_DIM];
} Owner;

static PetscErrorCode GetOwner(FenLayout layout, PetscMPIInt r, Owner *O)
{
  PetscInt order[FEN_MAX_DIM], dim;
  FenInt   size = 1;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetBox(layout, r, &O->box));
  PetscCall(FenLayoutGetOrder(layout, order));
  O->stride[1] = O->stride[2] = 0;
  for (PetscInt k = dim - 1; k >= 0; k--) {
    O->stride[order[k]] = size;
    size *= O->box.hi[order[k]] - O->box.lo[order[k]];
  }
  PetscFunctionReturn(0);
}

/* the rows of the blocks of a group: values of a row's lines are next to each other here, and mostly there */
static PetscErrorCode MakeForest(FenHalo H, FenOTOperator op, int group)
{
  FenInt       shape[FEN_MAX_DIM], nroots, n = 0, k = 0;
  PetscInt    *local, size;
  PetscSFNode *remote;
  PetscMPIInt  r = 0;
  Owner        O;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(Middle(op), shape));
  for (FenInt b = H->group[group]; b < H->group[group + 1]; b++)
    n += H->block[b].n * (H->block[b].hi - H->block[b].lo);
  PetscCall(PetscMalloc1(n, &local));
  PetscCall(PetscMalloc1(n, &remote));
  PetscCall(GetOwner(Middle(op), r, &O));
  for (FenInt b = H->group[group]; b < H->group[group + 1]; b++) {
    const Block *B = &H->block[b];

    for (FenInt j = B->lo; j < B->hi; j++) {
      while (j < O.box.lo[0] || j >= O.box.hi[0]) {
        r = j < O.box.lo[0] ? 0 : r + 1; /* ranks have rows in their order */
        PetscCall(GetOwner(Middle(op), r, &O));
      }
      for (FenInt l = 0; l < B->n; l++, k++) {
        const FenInt line = H->line[B->line + l];

        PetscCall(FenIntCast(B->at + (j - B->lo) * H->lanes + l, &local[k]));
        remote[k].rank = r;
        PetscCall(
            FenIntCast((j - O.box.lo[0]) * O.stride[0] + line / shape[2] * O.stride[1] + line % shape[2] * O.stride[2],
                       &remote[k].index));
      }
    }
  }
  PetscCall(FenLayoutGetLocalSize(Middle(op), &nroots));
  PetscCall(FenIntCast(nroots, &size));
  PetscCall(PetscSFCreate(op->comm, &H->sf[group]));
  PetscCall(PetscSFSetGraph(H->sf[group], size, (PetscInt)n, local, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetFromOptions(H->sf[group]));
  PetscCall(PetscSFSetUp(H->sf[group]));
  PetscFunctionReturn(0);
}

/* which rows travel */
static PetscErrorCode Plan(FenHalo H, FenOTOperator op)
{
  const FenInt nt = Last(op)->lin;
  FenInt       at = 0;

  PetscFunctionBegin;
  PetscCall(ClearPlan(H));
  for (FenInt b = 0; b < H->nblocks; b++) {
    Block *B = &H->block[b];

    Wanted(H, b, nt, &B->lo, &B->hi);
    B->at = at;
    at += (B->hi - B->lo) * H->lanes;
  }
  PetscCall(PetscCalloc1(at + 1, &H->leaf)); /* lanes without a line stay zero or finite */
  for (int g = 0; g < GROUPS; g++)
    PetscCall(MakeForest(H, op, g));
  PetscFunctionReturn(0);
}

/* a block's factors of the sources of a rank lie together where they were made, and all that a rank sends me does here
 */
static PetscErrorCode MoveFactors(FenHalo H, FenOTOperator op)
{
  const FenFactors *F = &((FenSeparable *)op->data)->factors[op->dim - 1];
  const FenInt      nt = Last(op)->lout;
  MPI_Datatype     *type;
  PetscMPIInt      *one, *zero, *length;
  MPI_Aint         *start;
  FenInt           *done, e = 0;
  const size_t      n2 = 2 * (size_t)H->ranks;

  PetscFunctionBegin;
  for (FenInt b = 0; b < H->nblocks; b++) {
    H->block[b].e = e;
    for (FenInt i = 0; i < H->ni; i++)
      e += H->lanes * Kept(H->kept + 2 * (b * H->ni + i));
  }
  if (e > H->room || 3 * e < H->room) {
    PetscCall(PetscFree(H->e));
    H->room = e + e / 16;
    PetscCall(PetscMalloc1(H->room + 1, &H->e));
  }
  PetscCall(PetscMalloc6(n2, &type, n2, &one, n2, &zero, (size_t)H->mine + 1, &length, (size_t)H->mine + 1, &start,
                         (size_t)H->mine + 1, &done));
  PetscCall(PetscArrayzero(done, H->mine + 1));
  for (PetscMPIInt r = 0; r < H->ranks; r++) {
    const FenInt from = H->first[r] < H->nblocks ? H->block[H->first[r]].e : e;
    const FenInt to = H->first[r + 1] < H->nblocks ? H->block[H->first[r + 1]].e : e;
    FenInt       first = 0, n = 0;
    PetscMPIInt  count;

    PetscCall(Slab(H, r, &first, &n));
    for (FenInt b = 0; b < H->mine; b++) {
      FenInt size = 0;

      for (FenInt i = first; i < first + n; i++)
        size += H->lanes * Kept(F->windows + 2 * (b * nt + i));
      PetscCall(FenMPIIntCast(size, &length[b]));
      PetscCallMPI(MPI_Get_address(F->e[b] + done[b], &start[b]));
      done[b] += size;
    }
    PetscCall(FenMPIIntCast(H->mine, &count));
    PetscCallMPI(MPI_Type_create_hindexed(count, length, start, MPI_FLOAT, &type[r]));
    PetscCall(FenMPIIntCast(to - from, &length[0]));
    PetscCallMPI(MPI_Get_address(H->e + from, &start[0]));
    PetscCallMPI(MPI_Type_create_hindexed(1, length, start, MPI_FLOAT, &type[H->ranks + r]));
    for (int k = 0; k < 2; k++) {
      PetscCallMPI(MPI_Type_commit(&type[r + k * H->ranks]));
      one[r + k * H->ranks] = 1;
      zero[r + k * H->ranks] = 0;
    }
  }
  PetscCallMPI(MPI_Alltoallw(MPI_BOTTOM, one, zero, type, MPI_BOTTOM, one + H->ranks, zero, type + H->ranks, op->comm));
  for (PetscMPIInt r = 0; r < 2 * H->ranks; r++)
    PetscCallMPI(MPI_Type_free(&type[r]));
  PetscCall(PetscFree6(type, one, zero, length, start, done));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloSetRows(FenHalo H, FenOTOperator op)
{
  const FenInt lanes = H->lanes;

  PetscFunctionBegin;
  PetscCall(FenRedistMove(H->enter, op->rows, H->rows));
  PetscCall(PetscArrayzero(H->weights, H->nblocks * H->ni * lanes));
  for (FenInt b = 0; b < H->nblocks; b++)
    for (FenInt i = 0; i < H->ni; i++)
      for (FenInt l = 0; l < H->block[b].n; l++)
        H->weights[(b * H->ni + i) * lanes + l] = H->rows[i * H->nlines + H->line[H->block[b].line + l]];
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloSetPlan(FenHalo H, FenOTOperator op, PetscBool *use)
{
  PetscBool fits;

  PetscFunctionBegin;
  PetscCall(MoveWindows(H, op));
  PetscCall(Look(H, op, &fits, use));
  if (!*use)
    PetscFunctionReturn(0);
  if (!fits)
    PetscCall(Plan(H, op));
  PetscCall(MoveFactors(H, op));
  for (FenInt b = 0; b < H->nblocks; b++)
    for (FenInt i = 0; i < H->ni; i++) {
      int      *kept = H->kept + 2 * (b * H->ni + i);
      const int lo = kept[1] > kept[0] ? (int)H->block[b].lo : kept[0];

      kept[1] = PetscMax(kept[0], kept[1]) - lo;
      kept[0] -= lo;
    }
  PetscFunctionReturn(0);
}

static void Work(FenHalo H, FenOTOperator op, FenInt b)
{
  const FenKernels *kernels = op->kernels;
  const Block      *B = &H->block[b];
  double           *leaf = H->leaf + B->at, *mean = H->work;
  FenLines P = {.ns = B->hi - B->lo, .nt = H->ni, .v = leaf, .kept = H->kept + 2 * b * H->ni, .e = H->e + B->e};

  if (!P.ns)
    return;
  kernels->linemult(&P, mean);
  for (FenInt k = 0; k < H->ni * H->lanes; k++)
    mean[k] *= H->weights[b * H->ni * H->lanes + k];
  P.v = mean;
  kernels->linemulttranspose(&P, 0, leaf);
}

PetscErrorCode FenHaloMult(FenHalo H, FenOTOperator op, const double in[], double out[])
{
  FenInt n;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(Middle(op), &n));
  for (int g = 0; g < GROUPS; g++)
    PetscCall(PetscSFBcastBegin(H->sf[g], MPI_DOUBLE, in, H->leaf, MPI_REPLACE));
  PetscCall(PetscArrayzero(out, n));
  for (int g = 0; g < GROUPS; g++) {
    PetscCall(PetscSFBcastEnd(H->sf[g], MPI_DOUBLE, in, H->leaf, MPI_REPLACE));
    for (FenInt b = H->group[g]; b < H->group[g + 1]; b++)
      Work(H, op, b);
    PetscCall(PetscSFReduceBegin(H->sf[g], MPI_DOUBLE, H->leaf, out, MPI_SUM));
  }
  for (int g = 0; g < GROUPS; g++)
    PetscCall(PetscSFReduceEnd(H->sf[g], MPI_DOUBLE, H->leaf, out, MPI_SUM));
  PetscFunctionReturn(0);
}
