/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps of the V-cycle, and residuals, over a part of a grid after the other. On two axes weights are those of the
   grid. On three there are 62 a point, and all that a sweep costs is reading them: when grids are made, weights are
   packed, two bytes each, those of a block of a few points next to each other, if rows are long enough for that. With
   eight binary digits the matrix is still the Laplacian of a graph of positive weights, each of which is 1/256 off at
   most, and so is x^T A x for every x: the diagonal is made of the weights that are used, so that constants stay in the
   null space.

   What is packed takes the place of what it was: of SLOTS nk/2 blocks, whose weights of each offset k had a row of
   SLOTS nk/2 blocks of numbers of four bytes, SLOTS are in each of the first nk/2 rows.

   Memory: on three axes a number of four bytes a point, one of eight a block, and ten of four for each point of two
   planes.
*/
#include "gridcycleimpl.h"

#define MOST_LANES 16
#define SLOTS      4 /* packed blocks that lie one after the other */

/* points of a block of weights: rows are as many whole blocks */
static FenInt Lanes(const struct _p_FenGridCycle *C)
{
  return C->kernels->linelanes;
}

static FenInt WholeBlocks(const struct _p_FenGridCycle *C, FenInt points)
{
  return (points + Lanes(C) - 1) / Lanes(C) * Lanes(C);
}

/* Are weights packed for sweeps? Where rows are short most of their blocks would be empty. The same on all ranks,
   however the grid is cut: the matrix is another one then */
static PetscBool IsPacked(const struct _p_FenGridCycle *C, const FenGrid *G)
{
  return (PetscBool)(C->dim > 2 && 2 * WholeBlocks(C, G->n[2]) <= 3 * G->n[2]);
}

FenInt FenGridRowLength(const struct _p_FenGridCycle *C, const FenGrid *G, FenInt points)
{
  return IsPacked(C, G) ? WholeBlocks(C, points) : points;
}

/* points that are packed into their own place */
static FenInt Chunk(const struct _p_FenGridCycle *C)
{
  return SLOTS * (C->nk / 2) * Lanes(C);
}

FenInt FenGridLength(const struct _p_FenGridCycle *C, FenInt points)
{
  const FenInt chunk = Chunk(C), whole = chunk % 32 ? 2 * chunk : chunk; /* arrays begin on a line of memory */
  const FenInt unit = C->dim > 2 ? whole : 32;

  return (points + unit - 1) / unit * unit;
}

PetscErrorCode FenGridSweepAllocate(FenGridCycle C, FenGrid *G)
{
  const FenInt most = G->shift[C->nk - 1] / Lanes(C) + 4;

  PetscFunctionBegin;
  if (!IsPacked(C, G))
    PetscFunctionReturn(0);
  for (G->mask = 1; G->mask < most; G->mask *= 2)
    ;
  G->mask--;
  PetscCall(PetscMalloc1((size_t)(G->ld / Lanes(C)), &G->weight));
  PetscCall(PetscMalloc1((size_t)G->ld, &G->diagonal));
  if (C->nsums < (G->mask + 1) * 5 * Lanes(C)) {
    C->nsums = (G->mask + 1) * 5 * Lanes(C);
    for (int k = 0; k < 2; k++) {
      PetscCall(PetscFree(C->sums[k]));
      PetscCall(PetscMalloc1((size_t)C->nsums, &C->sums[k]));
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridSweepFree(FenGrid *G)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(G->weight));
  PetscCall(PetscFree(G->diagonal));
  PetscFunctionReturn(0);
}

/* the nearest number of two bytes */
static uint16_t Narrow(float v)
{
  uint32_t u;

  memcpy(&u, &v, sizeof(u));
  return (uint16_t)((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
}

static float Widen(uint16_t h)
{
  const uint32_t u = (uint32_t)h << 16;
  float          v;

  memcpy(&v, &u, sizeof(v));
  return v;
}

/* Weights w of the block that begins at point q, `ld` from one offset to the next; what rounding them adds to the
   diagonal goes into diagonal[] times root. PETSC_FALSE: its points are coupled to nothing */
static inline PetscBool PackBlock(FenGridCycle C, FenGrid *G, FenInt q, const FenInt lanes, const float *w, FenInt ld,
                                  uint16_t *to)
{
  const float *root = G->root - G->front + q;
  float       *d = G->diagonal + q, rounding[MOST_LANES];
  float        some = 0;

  for (FenInt i = 0; i < lanes; i++)
    some += root[i] > 0;
  for (PetscInt k = 0; k < C->nk; k++, w += ld, to += lanes) {
    const FenInt shift = G->shift[k];
    float        sum = 0;

    for (FenInt i = 0; i < lanes; i++)
      sum += w[i];
    some += sum;
    for (FenInt i = 0; i < lanes; i++)
      to[i] = Narrow(w[i]);
    if (!(sum > 0)) /* so is all beyond the end of the arrays */
      continue;
    for (FenInt i = 0; i < lanes; i++)
      rounding[i] = Widen(to[i]) - w[i];
    for (FenInt i = 0; i < lanes; i++)
      d[i] += rounding[i] * root[i + shift];
    for (FenInt i = 0; i < lanes; i++)
      d[i + shift] += rounding[i] * root[i];
  }
  return (PetscBool)(some > 0);
}

/* the chunk that begins at point q; work: its weights */
static void PackChunk(FenGridCycle C, FenGrid *G, FenInt q, const FenInt lanes, float work[])
{
  const FenInt n = Chunk(C), blocks = n / lanes;

  for (PetscInt k = 0; k < C->nk; k++)
    memcpy(work + k * n, G->edge + k * G->ld + q, (size_t)n * sizeof(float));
  for (FenInt b = 0; b < blocks; b++) {
    uint16_t *to = (uint16_t *)(G->edge + b / SLOTS * G->ld + q) + b % SLOTS * C->nk * lanes;

    G->weight[q / lanes + b] = PackBlock(C, G, q + b * lanes, lanes, work + b * lanes, n, to) ? to : NULL;
  }
}

PetscErrorCode FenGridSweepPack(FenGridCycle C, FenGrid *G)
{
  const float *root = G->root - G->front;
  const FenInt n = Chunk(C);
  float       *work;

  PetscFunctionBegin;
  if (!IsPacked(C, G))
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)(C->nk * n), &work));
  PetscCall(PetscArrayzero(G->diagonal, G->ld));
  for (FenInt q = 0; q < G->ld; q += n) {
    switch (Lanes(C)) { /* loops of a known length are vectors */
    case 4:
      PackChunk(C, G, q, 4, work);
      break;
    case 8:
      PackChunk(C, G, q, 8, work);
      break;
    default:
      PetscCheck(Lanes(C) == MOST_LANES, C->comm, (PetscErrorCode)FEN_ERR_INTERNAL, "%d lanes", (int)Lanes(C));
      PackChunk(C, G, q, MOST_LANES, work);
    }
  }
  for (FenInt q = 0; q < G->ld; q++)
    G->diagonal[q] = 1 + (root[q] > 0 ? G->diagonal[q] / root[q] : 0);
  PetscCall(PetscFree(work));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridSweepUnpack(FenGridCycle C, FenGrid *G)
{
  PetscFunctionBegin;
  if (IsPacked(C, G))
    PetscCall(PetscArrayzero(G->edge, C->nk * G->ld));
  PetscFunctionReturn(0);
}

FenGridSweep FenGridSweepBegin(FenGridCycle C, const FenGrid *G, int number, FenInt from, float factor, const float x[],
                               float y[])
{
  FenGridSweep S = {.at = from, .factor = factor, .x = x, .y = y};

  if (!IsPacked(C, G))
    return S;
  if (G->near[0][0] != MPI_PROC_NULL) /* planes of a neighbour have edges to mine */
    S.before = PetscMin(G->front + from, FenGridRoundUp(FEN_GRID_RADIUS * G->at.plane));
  S.sums = C->sums[number];
  memset(S.sums, 0, (size_t)((G->mask + 1) * 5 * Lanes(C)) * sizeof(*S.sums));
  return S;
}

/* the same in volumes */
static void VolumeTo(FenGridCycle C, const FenGrid *G, const FenGridSweep *S, FenInt to)
{
  const FenInt    first = G->front + S->at;
  const FenVolume A = {.n = to - S->at,
                       .before = S->before,
                       .nk = C->nk,
                       .shift = G->shift,
                       .w = G->weight + first / Lanes(C),
                       .d = G->diagonal + first,
                       .x = S->x + first,
                       .b = G->b + S->at,
                       .damping = S->factor,
                       .sums = S->sums,
                       .block = first / Lanes(C),
                       .mask = G->mask};

  C->kernels->volume(&A, S->factor > 0 ? FEN_GRAPH_JACOBI : FEN_GRAPH_RESIDUAL, S->y + first);
}

void FenGridSweepTo(FenGridCycle C, const FenGrid *G, FenGridSweep *S, FenInt to)
{
  const FenInt   first = G->front + S->at;
  const FenGraph A = {.n = to - S->at,
                      .nk = C->nk,
                      .ld = G->ld,
                      .shift = G->shift,
                      .damping = S->factor,
                      .w = G->edge + first,
                      .x = S->x + first,
                      .b = G->b + S->at};

  if (IsPacked(C, G))
    VolumeTo(C, G, S, to);
  else
    C->kernels->graph(&A, S->factor > 0 ? FEN_GRAPH_JACOBI : FEN_GRAPH_RESIDUAL, S->y + first);
  S->before = 0;
  S->at = to;
}

void FenGridSweepAll(FenGridCycle C, const FenGrid *G, float factor)
{
  const FenInt rows = FenGridExtent(&G->box, 1) * G->at.row;
  FenGridSweep S = FenGridSweepBegin(C, G, 0, 0, factor, G->x, G->t);

  if (IsPacked(C, G) || !G->pad[1])
    FenGridSweepTo(C, G, &S, FenGridRoundUp(G->size));
  else
    for (FenInt q = G->pad[1] * G->at.row; q < G->size; q += G->at.plane) {
      S.at = q;
      FenGridSweepTo(C, G, &S, q + FenGridRoundUp(rows));
    }
}
