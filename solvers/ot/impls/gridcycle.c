/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Geometric multigrid for the Laplacian of a graph with positive weights on a grid of two or three axes, whose edges
   reach two points along each axis. Each coarser grid halves the axes along which points are nearest to each other,
   for edges along them are the strongest, down to one point, while an axis has eight. Interpolation R^T is linear along
   each axis between the middles of pixels (weights 3/4 and 1/4), for which R A R^T has edges of the same reach. Coarse
   matrices: gridgalerkin.c. Smoother: Jacobi, two sweeps down and two up, damped so that they are a Chebyshev
   polynomial, many on the coarsest grid. The cycle is symmetric and definite whatever the weights are.

   A preconditioner needs few digits: the cycle works in single precision, with matrices scaled to a unit diagonal, so
   that masses may range over a hundred decades. A weight is stored once for both ends of its edge: 12 numbers a point
   on two axes, 62 on three. On two axes a sweep reads each of them twice, the second time from cache, and what follows
   it, another sweep or the residual, takes them from cache too as far as the grid is a slab. On three see gridsweep.c.

   Distribution: boxes, cut along the axes along which the caller's layout is, as gridboxes.c says; coarse grids on
   fewer and fewer ranks. Two points of a neighbour along each axis are all that a product or a transfer needs. Storage:
   planes of neighbours before and behind mine; along axes 1 and 2, if they are cut, planes are padded by 3 points of
   neighbours before and 4 behind, and nothing where they are not. Sweeps run over whole planes, or over rows between
   those of neighbours, and compute in pads too; what they leave there is not used, and comes again from its owner
   before the next one. Slabs of at least six planes on each rank are deep where the next grid halves axis 0: six planes
   of the right-hand side come once, and what is swept on the way down and up is swept over those of neighbours too that
   it reaches in the end, four at most.

   Work: a cycle takes four sweeps of 24 (124 on three axes) multiply-adds a point, and 4/3 (8/7) of that in all; pads
   add 7/m, for m points that a rank has along the last axis if that is cut, deep slabs 3/m, of m planes. Memory 16
   numbers of four bytes a point (66), and 4/3 (8/7) of that; two of eight bytes; pads add 7/m for each of axes 1 and 2
   that is cut.
   Messages: for each sweep and transfer one to each of two neighbours along each axis that is cut, of the
   2 layers of points next to it. On a deep slab one of 6 planes, which travels during the first sweep from zero, and
   one of 3 of the next coarser grid. On coarse grids that are cut no more, none; where ranks go together, a box from
   each of a group to one of them and back: 26 at most, one along one axis mostly.
*/
#include "gridcycleimpl.h"
#include <math.h>

#define LEAST    8      /* a grid that has fewer points than this along all axes is the coarsest one */
#define AS_NEAR  1.5    /* points so many times as far from each other as along another axis are as near */
#define LAST     30     /* sweeps on the coarsest grid */
#define STRIP    2048   /* points between a sweep and what follows it, and as far as edges reach */
#define IN_CACHE 100000 /* weights of a grid that are found again there anyway */
/* 1 - w l for both is a Chebyshev polynomial on [0.4, 1.8], and below 1 on all of (0, 2], where the eigenvalues l are
 */
static const float damping[2] = {0.627F, 1.653F};

#define NOTHING 1e-36F /* smaller diagonals couple nothing */

/* ---- a grid ---- */

static PetscErrorCode GridAllocate(FenGridCycle C, FenGrid *G)
{
  FenInt extent[3];

  PetscFunctionBegin;
  for (int a = 0; a < 3; a++) {
    const PetscBool padded = (PetscBool)(a > 0 && G->active && !G->all && G->parts[a] > 1);

    G->pad[a] = padded ? FEN_GRID_HALO : 0;
    extent[a] = FenGridExtent(&G->box, a) + (padded ? FEN_GRID_HALO + FEN_GRID_BEHIND : 0);
    G->at.first[a] = G->box.lo[a] - G->pad[a];
  }
  G->at.row = FenGridRowLength(C, G, extent[2]);
  G->at.plane = extent[1] * G->at.row;
  G->size = extent[0] * G->at.plane;
  G->front = FenGridRoundUp(G->halo * G->at.plane + 2 * G->at.row + 2) + 32; /* parts of sweeps are multiples of 32 */
  G->ld = FenGridLength(C, 2 * G->front + G->size);
  for (PetscInt k = 0; k < C->nk; k++)
    G->shift[k] = C->offset[k][0] * G->at.plane + C->offset[k][1] * G->at.row + C->offset[k][2];
  if (!G->active)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)((C->nk + 4) * G->ld + FEN_LINE), &G->memory));
  G->edge = (float *)FenOnLine(G->memory); /* as all others, whose lengths are multiples of 32 */
  G->x = G->edge + C->nk * G->ld;
  G->t = G->x + G->ld;
  G->b = G->t + G->ld + G->front;
  G->root = G->b + G->ld;
  PetscCall(FenGridSweepAllocate(C, G));
  PetscFunctionReturn(0);
}

/* zero in pads of my planes */
static void ClearPads(const FenGrid *G, float v[])
{
  const FenInt n = FenGridExtent(&G->box, 2);
  FenInt       q = 0;

  if (G->size == FenGridRows(G) * n)
    return;
  for (FenInt r = 0; r < FenGridRows(G); q = FenGridRow(G, r++) + n)
    memset(v + q, 0, (size_t)(FenGridRow(G, r) - q) * sizeof(float));
  memset(v + q, 0, (size_t)(G->size - q) * sizeof(float));
}

/* is it one of my rows? Counted from my first ones */
static PetscBool IsMine(const FenGrid *G, FenInt i, FenInt k)
{
  return (PetscBool)(i >= 0 && i < FenGridExtent(&G->box, 0) && k >= 0 && k < FenGridExtent(&G->box, 1));
}

/* Of weights at points that are not mine only those of edges to mine are kept: so pads have no influence on each other,
   and what sweeps leave there stays small */
static void ClearWeights(FenGridCycle C, FenGrid *G)
{
  const FenInt n = FenGridExtent(&G->box, 2), rows = G->at.plane / G->at.row, planes = FenGridExtent(&G->box, 0);

  for (PetscInt k = 0; k < C->nk && (G->pad[1] || G->pad[2]); k++) {
    const int *o = C->offset[k];
    float     *w = G->edge + k * G->ld + G->front - FEN_GRID_HALO * G->at.plane;

    for (FenInt r = 0; r < (planes + FEN_GRID_HALO) * rows; r++, w += G->at.row) {
      const FenInt    i = r / rows - FEN_GRID_HALO, m = r % rows - G->pad[1];
      const PetscBool from = IsMine(G, i, m), to = IsMine(G, i + o[0], m + o[1]);

      for (FenInt j = -G->pad[2]; j < G->at.row - G->pad[2]; j++)
        if (!(from && j >= 0 && j < n) && !(to && j + o[2] >= 0 && j + o[2] < n))
          w[j + G->pad[2]] = 0;
    }
  }
}

/* halos of edges, and the diagonal, in t, from edges and the excess in x */
static PetscErrorCode Diagonal(FenGridCycle C, FenGrid *G)
{
  float *d = G->t + G->front;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d, G->x + G->front, G->size));
  PetscCall(FenGridExchangeEdges(C, G));
  for (PetscInt k = 0; k < C->nk; k++) {
    const float *w = G->edge + k * G->ld + G->front;

    for (FenInt q = 0; q < G->size; q++)
      d[q] += w[q] + w[q - G->shift[k]];
  }
  PetscCall(FenGridExchange(C, G, G->halo, G->t));
  PetscFunctionReturn(0);
}

/* Points of so many planes of neighbours before mine, if sweeps run over them, and the end of those behind: whole
   parts of sweeps */
static FenInt Before(const FenGrid *G, FenInt planes)
{
  return FenGridRoundUp(FenGridBeyond(G, 0, planes) * G->at.plane);
}

static FenInt End(const FenGrid *G, FenInt planes)
{
  return FenGridRoundUp(G->size + FenGridBeyond(G, 1, planes) * G->at.plane);
}

/* To a unit diagonal. Weights too small to matter are zero, so that numbers below the smallest normal one, which are
   slow, are rare; zero are also those beyond the end of sweeps, so that what they leave there stays small */
static PetscErrorCode Scale(FenGridCycle C, FenGrid *G)
{
  const FenInt end = G->front + G->size + FenGridBeyond(G, 1, FEN_GRID_DEPTH) * G->at.plane;
  float       *d = G->t;

  PetscFunctionBegin;
  for (FenInt q = 0; q < G->ld; q++) {
    d[q] = d[q] > NOTHING ? 1 / sqrtf(d[q]) : 0;
    G->root[q - G->front] = d[q] > 0 ? 1 / d[q] : 0;
  }
  for (PetscInt k = 0; k < C->nk; k++) {
    float *e = G->edge + k * G->ld;

    for (FenInt q = G->front - G->halo * G->at.plane; q < end; q++) {
      const float v = (e[q] * d[q]) * d[q + G->shift[k]];

      e[q] = v > 1e-12F ? v : 0;
    }
    PetscCall(PetscArrayzero(e + end, G->ld - end));
  }
  ClearWeights(C, G);
  PetscCall(FenGridSweepPack(C, G));
  ClearPads(G, G->root);
  ClearPads(G, G->b);
  PetscCall(PetscArrayzero(G->t, G->ld));
  PetscFunctionReturn(0);
}

/* v / root, 0 where nothing couples */
static void Unscale(const FenGrid *G, float v[])
{
  for (FenInt q = 0; q < G->size; q++)
    v[q] = G->root[q] > 0 ? v[q] / G->root[q] : 0;
}

/* ---- building ---- */

void FenGridTake(const struct _p_FenGridCycle *C, const double box[], float planes[])
{
  const FenGrid *G = &C->grid[0];
  const FenInt   n = FenGridExtent(&G->box, 2);

  for (FenInt r = 0; r < FenGridRows(G); r++)
    for (FenInt j = 0; j < n; j++)
      planes[FenGridRow(G, r) + j] = (float)(C->points * *box++);
}

PetscErrorCode FenGridCycleSetMass(FenGridCycle C, const double mass[], const double own[])
{
  FenGrid      *G = &C->grid[0];
  const FenInt  n = FenGridRows(G) * FenGridExtent(&G->box, 2);
  const double *v;
  double       *beyond;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < C->ngrids && C->grid[l].active; l++)
    PetscCall(FenGridSweepUnpack(C, &C->grid[l]));
  PetscCall(PetscMalloc1((size_t)n, &beyond));
  PetscCall(FenGridHere(C, C->to, mass, &v));
  PetscCall(PetscArraycpy(beyond, v, n));
  FenGridTake(C, v, G->b);
  PetscCall(FenGridHere(C, C->edges, own, &v));
  for (FenInt p = 0; p < n; p++)
    beyond[p] = PetscMax(0.0, beyond[p] - v[p]);
  if (G->active) {
    PetscCall(PetscArrayzero(G->x, G->ld));
    FenGridTake(C, beyond, G->x + G->front);
  }
  PetscCall(PetscFree(beyond));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleSetCouplings(FenGridCycle C, const FenInt offset[], const double couplings[])
{
  FenGrid      *G = &C->grid[0];
  const double *v;
  int           sign, o[3] = {0, 0, 0};
  PetscInt      k;

  PetscFunctionBegin;
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++) {
    if (C->axis[d] >= 0)
      o[C->axis[d]] = (int)offset[d];
    else if (offset[d])
      PetscFunctionReturn(0); /* outside, whatever the point is */
  }
  k = FenGridOffset(C, o, &sign);
  PetscCheck(k >= 0 && k < C->nk && sign > 0, C->comm, (PetscErrorCode)FEN_ERR_INTERNAL, "no offset %d,%d,%d", o[0],
             o[1], o[2]);
  PetscCall(FenGridHere(C, C->edges, couplings, &v));
  if (G->active)
    FenGridTake(C, v, G->edge + k * G->ld + G->front);
  PetscFunctionReturn(0);
}

/* Mass beyond a point's own coupling, which is in x, and its edges belongs to edges that are too long to be kept: the
   others are made stronger, so that the diagonal is right. A point without edges keeps its diagonal as excess. `far`:
   number of my points with edges, sums of the share that such mass has at each, and of its square */
static PetscErrorCode Strengthen(FenGridCycle C, FenGrid *G, double shift, FenDD far[3])
{
  const FenInt n = FenGridExtent(&G->box, 2);
  float       *x = G->x + G->front, *d = G->t + G->front, *others = G->root, *excess = G->b;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(others, x, G->size));
  PetscCall(PetscArrayzero(G->x, G->ld));
  PetscCall(Diagonal(C, G));
  for (FenInt r = 0; r < FenGridRows(G); r++) {
    const FenInt first = FenGridRow(G, r);
    double       sum[3] = {0, 0, 0};

    for (FenInt q = first; q < first + n; q++) {
      const double some = d[q] > NOTHING, share = some > 0 ? PetscMax(0.0F, 1 - d[q] / others[q]) : 0;

      sum[0] += some;
      sum[1] += share;
      sum[2] += share * share;
    }
    for (int k = 0; k < 3; k++)
      FenDDAdd(&far[k], sum[k]);
  }
  for (FenInt q = 0; q < G->size; q++) {
    excess[q] = (float)shift * G->b[q] + (d[q] > NOTHING ? 0 : others[q]);
    x[q] = d[q] > NOTHING ? sqrtf(PetscMax(1.0F, PetscMin(FEN_GRID_STRONGEST, others[q] / d[q]))) : 1;
  }
  PetscCall(FenGridExchange(C, G, G->halo, G->x));
  for (PetscInt k = 0; k < C->nk; k++) {
    float *w = G->edge + k * G->ld + G->front;

    for (FenInt q = 0; q < G->size; q++)
      w[q] *= x[q] * x[q + G->shift[k]];
  }
  PetscCall(PetscArrayzero(G->x, G->ld));
  PetscCall(PetscArraycpy(x, excess, G->size));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleComplete(FenGridCycle C, double shift, double *uneven)
{
  FenGrid *G = &C->grid[0];
  FenDD    far[3] = {{0, 0}};
  double   s[3], n;

  PetscFunctionBegin;
  if (G->active) {
    PetscCall(Strengthen(C, G, shift, far));
    PetscCall(Diagonal(C, G));
  }
  PetscCall(FenDDReduce(C->comm, 3, far, s));
  n = PetscMax(1, s[0]);
  *uneven = sqrt(PetscMax(0, s[2] / n - (s[1] / n) * (s[1] / n)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleBuild(FenGridCycle C)
{
  FenGrid *G = &C->grid[0];

  PetscFunctionBegin;
  if (!G->active)
    PetscFunctionReturn(0);
  for (PetscInt l = 1; l < C->ngrids && G->active; l++) {
    FenGrid *coarse = &C->grid[l];

    PetscCall(FenGridGalerkin(C, G, coarse));
    if (l == 1 && C->moment[0])
      PetscCall(FenGridMatchMoments(C, G, coarse));
    if (coarse->active)
      PetscCall(Diagonal(C, coarse));
    PetscCall(Scale(C, G));
    G = coarse;
  }
  if (G->active)
    PetscCall(Scale(C, G));
  for (int axis = 0; axis < 3; axis++)
    PetscCall(PetscFree(C->moment[axis]));
  PetscFunctionReturn(0);
}

/* ---- the cycle ---- */

static void Swap(FenGrid *G)
{
  float *x = G->x;

  G->x = G->t;
  G->t = x;
}

static PetscErrorCode Smooth(FenGridCycle C, FenGrid *G, PetscInt sweeps)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < sweeps; k++) {
    PetscCall(FenGridExchange(C, G, 2, G->x));
    FenGridSweepAll(C, G, damping[(k + 1) % 2]);
    Swap(G);
  }
  PetscFunctionReturn(0);
}

/* A sweep and what follows it in one: weights are read once. What follows lags so far behind that it finds all that it
   takes, and may be put where the sweep needs nothing any more. On a deep grid it runs over so many planes of
   neighbours as well, and the sweep over as many more as edges reach */
static void Follow(FenGridCycle C, FenGrid *G, float factor, FenInt planes)
{
  const FenInt reach = FenGridRoundUp(G->shift[C->nk - 1]), last = End(G, planes);
  const FenInt end = End(G, planes + FEN_GRID_RADIUS), from = -Before(G, planes + FEN_GRID_RADIUS);
  FenGridSweep sweep = FenGridSweepBegin(C, G, 0, from, damping[1], G->x, G->t);
  FenGridSweep after = FenGridSweepBegin(C, G, 1, -Before(G, planes), factor, G->t, G->x);

  while (after.at < last) {
    const FenInt to = PetscMin(sweep.at + STRIP, end), ready = to == end ? last : PetscMin(to - reach, last);

    FenGridSweepTo(C, G, &sweep, to);
    if (ready > after.at)
      FenGridSweepTo(C, G, &after, ready);
  }
  Swap(G);
}

/* x becomes that of one more sweep, the second one, and t what follows it: the first one, or the residual; that too in
   so many planes of neighbours, if the grid is deep */
static PetscErrorCode SweepAnd(FenGridCycle C, FenGrid *G, float factor, FenInt planes)
{
  const PetscBool slab = (PetscBool)(G->near[0][0] != MPI_PROC_NULL || G->near[0][1] != MPI_PROC_NULL);

  PetscFunctionBegin;
  if (G->deep || (!slab && !G->pad[1] && !G->pad[2] && G->size * C->nk > IN_CACHE)) {
    Follow(C, G, factor, planes);
    PetscFunctionReturn(0);
  }
  PetscCall(FenGridExchange(C, G, 2, G->x));
  FenGridSweepAll(C, G, damping[1]);
  Swap(G);
  PetscCall(FenGridExchange(C, G, 2, G->x));
  FenGridSweepAll(C, G, factor);
  PetscFunctionReturn(0);
}

/* the first sweep from zero; on a deep grid planes of the right-hand side travel meanwhile, and are all that travels on
   the way down */
static PetscErrorCode FirstSweep(FenGridCycle C, FenGrid *G)
{
  float *x = G->x + G->front;

  PetscFunctionBegin;
  if (G->deep)
    PetscCall(FenGridPlanesBegin(C, G, G->halo, 1, G->b - G->front));
  for (FenInt q = 0; q < G->size; q++)
    x[q] = damping[0] * G->b[q];
  if (!G->deep)
    PetscFunctionReturn(0);
  PetscCall(FenGridPlanesEnd(C));
  for (FenInt q = -Before(G, G->halo); q < 0; q++)
    x[q] = damping[0] * G->b[q];
  for (FenInt q = G->size; q < End(G, G->halo); q++)
    x[q] = damping[0] * G->b[q];
  PetscFunctionReturn(0);
}

/* a sweep, and coarse->b from the residual after it */
static PetscErrorCode Down(FenGridCycle C, FenGrid *G, FenGrid *coarse)
{
  float *r;

  PetscFunctionBegin;
  PetscCall(SweepAnd(C, G, 0, FEN_GRID_RADIUS));
  r = G->t + G->front;
  for (FenInt q = -Before(G, FEN_GRID_RADIUS); q < End(G, FEN_GRID_RADIUS); q++)
    r[q] *= G->root[q];
  if (!G->deep)
    PetscCall(FenGridExchange(C, G, 2, G->t));
  PetscCall(FenGridRestrict(C, G, coarse, G->t, C->moved));
  PetscCall(FenGridTogether(C, G, coarse, C->moved, coarse->b));
  Unscale(coarse, coarse->b);
  PetscFunctionReturn(0);
}

/* G->x += R^T coarse->x, scaled */
static PetscErrorCode Up(FenGridCycle C, FenGrid *coarse, FenGrid *G)
{
  const float *x;
  FenGridMap   at;

  PetscFunctionBegin;
  if (coarse->active) {
    Unscale(coarse, coarse->x + coarse->front);
    PetscCall(FenGridExchange(C, coarse, G->deep ? FEN_GRID_HALO : 2, coarse->x));
  }
  PetscCall(FenGridApart(C, G, coarse, coarse->x, &x, &at));
  PetscCall(FenGridProlong(C, coarse, x, &at, G));
  PetscFunctionReturn(0);
}

/* G->x solves A x = G->b approximately, on the ranks that have the grid */
static PetscErrorCode Cycle(FenGridCycle C, PetscInt l)
{
  FenGrid *G = &C->grid[l];

  PetscFunctionBegin;
  if (!G->active)
    PetscFunctionReturn(0);
  PetscCall(FirstSweep(C, G));
  if (l == C->ngrids - 1) {
    PetscCall(Smooth(C, G, LAST));
    PetscFunctionReturn(0);
  }
  PetscCall(Down(C, G, G + 1));
  PetscCall(Cycle(C, l + 1));
  PetscCall(Up(C, G + 1, G));
  PetscCall(SweepAnd(C, G, damping[0], 0));
  Swap(G);
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleApply(FenGridCycle C, const double r[], double e[])
{
  FenGrid      *G = &C->grid[0];
  const FenInt  n = FenGridExtent(&G->box, 2);
  const double *v;
  double       *out = C->from ? C->mine : e;

  PetscFunctionBegin;
  PetscCall(FenGridHere(C, C->to, r, &v));
  for (FenInt k = 0, p = 0; k < FenGridRows(G); k++) {
    const float *root = G->root + FenGridRow(G, k);
    float       *b = G->b + FenGridRow(G, k);

    for (FenInt j = 0; j < n; j++, p++)
      b[j] = root[j] > 0 ? (float)(C->points * v[p] / (double)root[j]) : 0;
  }
  PetscCall(Cycle(C, 0));
  for (FenInt k = 0, p = 0; k < FenGridRows(G); k++) {
    const float *root = G->root + FenGridRow(G, k), *x = G->x + G->front + FenGridRow(G, k);

    for (FenInt j = 0; j < n; j++, p++)
      out[p] = root[j] > 0 ? (double)x[j] / (double)root[j] : 0;
  }
  if (C->from)
    PetscCall(FenRedistMove(C->from, out, e));
  PetscFunctionReturn(0);
}

/* ---- life ---- */

/* axes of more than a point, and which one of the grids each of the layout's is */
static PetscErrorCode Axes(FenLayout layout, PetscInt *dim, int axis[])
{
  FenInt   shape[FEN_MAX_DIM];
  PetscInt all;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &all));
  PetscCall(FenLayoutGetShape(layout, shape));
  *dim = 0;
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    axis[d] = d < all && shape[d] > 1 ? (int)(*dim)++ : -1;
  for (PetscInt d = 0; d < FEN_MAX_DIM && *dim == 2; d++)
    axis[d] *= axis[d] > 0 ? 2 : 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleFits(FenLayout layout, PetscBool *fits)
{
  FenInt   shape[FEN_MAX_DIM], most = 0;
  PetscInt dim;
  int      axis[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(Axes(layout, &dim, axis));
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    if (axis[d] >= 0)
      most = PetscMax(most, shape[d]);
  *fits = (PetscBool)(dim >= 2 && most >= LEAST);
  PetscFunctionReturn(0);
}

PetscBool FenGridHalves(const FenGrid *fine, PetscBool halved[3])
{
  double nearest = HUGE_VAL;
  FenInt most = 0;

  for (int k = 0; k < 3; k++) {
    most = PetscMax(most, fine->n[k]);
    if (fine->n[k] > 1)
      nearest = PetscMin(nearest, fine->width[k]);
  }
  for (int k = 0; k < 3; k++)
    halved[k] = (PetscBool)(most >= LEAST && fine->n[k] > 1 && fine->width[k] <= AS_NEAR * nearest);
  return (PetscBool)(most >= LEAST);
}

static PetscErrorCode MakeGrids(FenGridCycle C)
{
  PetscFunctionBegin;
  for (C->ngrids = 1; C->ngrids < FEN_GRID_GRIDS; C->ngrids++) {
    const FenGrid *fine = &C->grid[C->ngrids - 1];
    FenGrid       *G = &C->grid[C->ngrids];
    PetscBool      halved[3];

    if (!FenGridHalves(fine, halved))
      break;
    for (int k = 0; k < 3; k++) {
      G->n[k] = halved[k] ? (fine->n[k] + 1) / 2 : fine->n[k];
      G->width[k] = halved[k] ? 2 * fine->width[k] : fine->width[k];
    }
    PetscCall(FenGridCut(C, fine, G));
    if (!fine->active)
      continue;
    PetscCall(GridAllocate(C, G));
    PetscCall(FenGridMakeShares(fine, G));
  }
  PetscFunctionReturn(0);
}

/* offsets that come after zero, in the order of the grid */
static void MakeOffsets(FenGridCycle C)
{
  const int R = FEN_GRID_RADIUS, middle = C->dim > 2 ? R : 0;

  for (int a = 0; a <= R; a++)
    for (int b = a ? -middle : 0; b <= middle; b++)
      for (int c = a || b ? -R : 1; c <= R; c++, C->nk++) {
        C->offset[C->nk][0] = a;
        C->offset[C->nk][1] = b;
        C->offset[C->nk][2] = c;
      }
}

PetscErrorCode FenGridCycleCreate(FenLayout layout, const double spacing[], FenLayout edges, const FenKernels *kernels,
                                  FenGridCycle *cycle)
{
  FenGridCycle C;
  FenGrid     *G;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  C->among = MPI_COMM_NULL;
  C->comm = PetscObjectComm((PetscObject)layout);
  C->kernels = kernels;
  PetscCallMPI(MPI_Comm_size(C->comm, &C->ranks));
  PetscCallMPI(MPI_Comm_rank(C->comm, &C->rank));
  PetscCall(Axes(layout, &C->dim, C->axis));
  MakeOffsets(C);
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    if (C->axis[d] >= 0)
      C->grid[0].width[C->axis[d]] = spacing[d];
  PetscCall(FenGridCutFinest(C, layout));
  PetscCall(FenRedistCreate(layout, C->boxes, &C->to));
  PetscCall(FenRedistCreate(C->boxes, layout, &C->from));
  PetscCall(FenRedistCreate(edges, C->boxes, &C->edges));
  PetscCall(FenRedistDropCopy(&C->to));
  PetscCall(FenRedistDropCopy(&C->from));
  PetscCall(FenRedistDropCopy(&C->edges));
  G = &C->grid[0];
  PetscCall(GridAllocate(C, G));
  PetscCall(MakeGrids(C));
  PetscCall(FenGridSpace(C));
  C->points = (double)G->n[0] * (double)G->n[1] * (double)G->n[2];
  PetscCall(PetscMalloc1((size_t)(FenGridRows(G) * FenGridExtent(&G->box, 2)), &C->mine));
  *cycle = C;
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleDestroy(FenGridCycle *cycle)
{
  FenGridCycle C = *cycle;

  PetscFunctionBegin;
  if (!C)
    PetscFunctionReturn(0);
  for (PetscInt l = 0; l < C->ngrids; l++) {
    FenGrid *G = &C->grid[l];

    PetscCall(PetscFree(G->memory));
    PetscCall(FenGridSweepFree(G));
    for (int k = 0; k < 3; k++)
      PetscCall(PetscFree(G->share[k]));
  }
  for (int k = 0; k < 3; k++) {
    PetscCall(PetscFree(C->cut[k]));
    PetscCall(PetscFree(C->moment[k]));
  }
  PetscCall(FenRedistDestroy(&C->to));
  PetscCall(FenRedistDestroy(&C->from));
  PetscCall(FenRedistDestroy(&C->edges));
  PetscCall(FenLayoutDestroy(&C->boxes));
  if (C->among != MPI_COMM_NULL)
    PetscCallMPI(MPI_Comm_free(&C->among));
  PetscCall(PetscFree2(C->counts, C->starts));
  PetscCall(PetscFree3(C->moved, C->plane, C->row));
  PetscCall(PetscFree(C->request));
  PetscCall(PetscFree4(C->face[0], C->face[1], C->face[2], C->face[3]));
  PetscCall(PetscFree(C->mine));
  PetscCall(PetscFree(C->sums[0]));
  PetscCall(PetscFree(C->sums[1]));
  PetscCall(PetscFree(C));
  *cycle = NULL;
  PetscFunctionReturn(0);
}
