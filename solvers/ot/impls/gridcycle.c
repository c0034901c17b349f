/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Geometric multigrid for the Laplacian of a graph with positive weights on a grid of two or three axes, whose edges
   reach two points along each axis. Each coarser grid halves all axes of at least eight points; interpolation R^T is
   linear along each axis between the middles of pixels (weights 3/4 and 1/4), for which R A R^T has edges of the same
   reach. Coarse matrices: gridgalerkin.c. Smoother: Jacobi, damped by 0.6, two sweeps down and two up, many on the
   coarsest grid. The cycle is symmetric and definite whatever the weights are.

   A preconditioner needs few digits: the cycle works in single precision, with matrices scaled to a unit diagonal, so
   that masses may range over a hundred decades. A weight is stored once for both ends of its edge: 12 numbers a point
   on two axes, 62 on three. A sweep reads each of them twice, the second time from cache.

   Distribution: slabs of planes (rows, on two axes), as gridplanes.c says; coarse grids on fewer and fewer ranks. Two
   planes of a neighbour are all that a product or a transfer needs.

   Work: a cycle takes four sweeps of 24 (124 on three axes) multiply-adds a point, and 4/3 (8/7) of that in all. Memory
   16 numbers of four bytes a point (66), and 4/3 (8/7) of that; two of eight bytes.
   Messages: two neighbours, 2 planes, for each sweep and transfer.
*/
#include "gridcycleimpl.h"
#include <math.h>

#define LEAST     8  /* an axis with fewer points than this is not halved */
#define SWEEPS    2  /* before and after the coarser grid */
#define LAST      30 /* on the coarsest grid */
#define DAMPING   0.6F
#define NOTHING   1e-36F /* smaller diagonals couple nothing */
#define STRONGEST 1e3F   /* edges are made so many times stronger at most */

/* ---- a grid ---- */

static FenInt RoundUp(FenInt n)
{
  return (n + 31) / 32 * 32;
}

static PetscErrorCode GridAllocate(FenGridCycle C, FenGrid *G)
{
  PetscFunctionBegin;
  G->plane = G->n[1] * G->n[2];
  G->size = (G->hi - G->lo) * G->plane;
  G->front = RoundUp(FEN_GRID_HALO * G->plane + 2 * G->n[2] + 2);
  G->ld = 2 * G->front + RoundUp(G->size);
  for (PetscInt k = 0; k < C->nk; k++)
    G->shift[k] = C->offset[k][0] * G->plane + C->offset[k][1] * G->n[2] + C->offset[k][2];
  if (!G->active)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)(C->nk * G->ld), &G->edge));
  PetscCall(PetscCalloc1(G->ld, &G->x));
  PetscCall(PetscCalloc1(G->ld, &G->t));
  PetscCall(PetscCalloc2(RoundUp(G->size), &G->b, G->size, &G->root));
  PetscFunctionReturn(0);
}

/* halos of edges, and the diagonal, in t, from edges and the excess in x */
static PetscErrorCode Diagonal(FenGridCycle C, FenGrid *G)
{
  float *d = G->t + G->front;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d, G->x + G->front, G->size));
  for (PetscInt k = 0; k < C->nk; k++) {
    float *w = G->edge + k * G->ld + G->front;

    PetscCall(FenGridExchange(C, G, FEN_GRID_HALO, G->edge + k * G->ld));
    for (FenInt q = 0; q < G->size; q++)
      d[q] += w[q] + w[q - G->shift[k]];
  }
  PetscCall(FenGridExchange(C, G, FEN_GRID_HALO, G->t));
  PetscFunctionReturn(0);
}

/* To a unit diagonal. Weights too small to matter are zero, so that numbers below the smallest normal one, which are
   slow, are rare; zero are also those beyond my end, so that what sweeps over whole vectors leave there stays small */
static PetscErrorCode Scale(FenGridCycle C, FenGrid *G)
{
  float *d = G->t;

  PetscFunctionBegin;
  for (FenInt q = 0; q < G->ld; q++)
    d[q] = d[q] > NOTHING ? 1 / sqrtf(d[q]) : 0;
  for (FenInt q = 0; q < G->size; q++)
    G->root[q] = d[q + G->front] > 0 ? 1 / d[q + G->front] : 0;
  for (PetscInt k = 0; k < C->nk; k++) {
    float *e = G->edge + k * G->ld;

    for (FenInt q = G->front - FEN_GRID_HALO * G->plane; q < G->front + G->size; q++) {
      const float v = (e[q] * d[q]) * d[q + G->shift[k]];

      e[q] = v > 1e-12F ? v : 0;
    }
    PetscCall(PetscArrayzero(e + G->front + G->size, G->ld - G->front - G->size));
  }
  PetscCall(PetscArrayzero(G->t, G->ld));
  PetscFunctionReturn(0);
}

/* v / root, 0 where nothing couples */
static void Unscale(const FenGrid *G, float v[])
{
  for (FenInt q = 0; q < G->size; q++)
    v[q] = G->root[q] > 0 ? v[q] / G->root[q] : 0;
}

static FenGraph Graph(FenGridCycle C, const FenGrid *G)
{
  return (FenGraph){.n = RoundUp(G->size),
                    .nk = C->nk,
                    .ld = G->ld,
                    .shift = G->shift,
                    .w = G->edge + G->front,
                    .x = G->x + G->front,
                    .b = G->b,
                    .damping = DAMPING};
}

/* ---- between grids ---- */

/* the coarse points that a fine point i of n is interpolated from: weights 3/4 and 1/4, both the same at the ends */
static inline void Parents(FenInt i, FenInt n, FenInt nc, FenInt *near, FenInt *far)
{
  *near = *far = i;
  if (nc == n)
    return;
  *near = i / 2;
  *far = PetscMax(0, PetscMin(nc - 1, i % 2 ? *near + 1 : *near - 1));
}

/* the same seen from the coarse points: weights of children 2 P - 1 + a, a < 4, 0 where there is none */
static PetscErrorCode MakeShares(const FenGrid *fine, FenGrid *coarse)
{
  PetscFunctionBegin;
  for (int axis = 0; axis < 3; axis++) {
    const FenInt n = fine->n[axis], nc = coarse->n[axis];

    coarse->share[axis] = NULL;
    if (n == nc)
      continue;
    PetscCall(PetscCalloc1((size_t)(4 * nc), &coarse->share[axis]));
    for (FenInt i = 0; i < n; i++) {
      FenInt near, far;

      Parents(i, n, nc, &near, &far);
      coarse->share[axis][(i - 2 * near + 1) * nc + near] += 0.75F;
      coarse->share[axis][(i - 2 * far + 1) * nc + far] += 0.25F;
    }
  }
  PetscFunctionReturn(0);
}

/* a linear combination of two rows, or one of them */
static const float *Between(const float near[], const float far[], FenInt n, float work[])
{
  if (near == far)
    return near;
  for (FenInt j = 0; j < n; j++)
    work[j] = 0.75F * near[j] + 0.25F * far[j];
  return work;
}

/* out += s R^T of a row */
static void ProlongRow(FenInt n, FenInt nc, const float row[], const float s[], float out[])
{
  if (n == nc) {
    for (FenInt j = 0; j < n; j++)
      out[j] += s[j] * row[j];
    return;
  }
  for (FenInt c = 1; c < nc - 1; c++) {
    out[2 * c] += s[2 * c] * (0.75F * row[c] + 0.25F * row[c - 1]);
    out[2 * c + 1] += s[2 * c + 1] * (0.75F * row[c] + 0.25F * row[c + 1]);
  }
  for (FenInt j = 0; j < n; j = j == 1 ? PetscMax(2, 2 * nc - 2) : j + 1) { /* the two at each end */
    FenInt a, b;

    Parents(j, n, nc, &a, &b);
    out[j] += s[j] * (0.75F * row[a] + 0.25F * row[b]);
  }
}

/* fine->x += R^T coarse->x, scaled */
static PetscErrorCode Prolong(FenGridCycle C, FenGrid *coarse, FenGrid *fine)
{
  float       *out = fine->x + fine->front, *s = fine->root;
  const float *x;
  FenInt       a, b, first;

  PetscFunctionBegin;
  if (coarse->active) {
    Unscale(coarse, coarse->x + coarse->front);
    PetscCall(FenGridExchange(C, coarse, 2, coarse->x));
  }
  PetscCall(FenGridApart(C, fine, coarse, coarse->x, &x, &first));
  for (FenInt i = fine->lo; i < fine->hi; i++) {
    const float *plane;

    Parents(i, fine->n[0], coarse->n[0], &a, &b);
    plane = Between(x + (a - first) * coarse->plane, x + (b - first) * coarse->plane, coarse->plane, C->plane);
    for (FenInt k = 0; k < fine->n[1]; k++, out += fine->n[2], s += fine->n[2]) {
      Parents(k, fine->n[1], coarse->n[1], &a, &b);
      ProlongRow(fine->n[2], coarse->n[2],
                 Between(plane + a * coarse->n[2], plane + b * coarse->n[2], coarse->n[2], C->row), s, out);
    }
  }
  PetscFunctionReturn(0);
}

/* out = sum over children c of share[a] in[c], both arrays of rows of n numbers; a sum of four rows at most */
static void Gather(const float share[], FenInt nc, FenInt P, FenInt nf, const float in[], FenInt first, FenInt n,
                   float out[])
{
  if (!share) {
    memcpy(out, in + (P - first) * n, (size_t)n * sizeof(float));
    return;
  }
  memset(out, 0, (size_t)n * sizeof(float));
  for (FenInt a = 0; a < 4; a++) {
    const FenInt i = 2 * P - 1 + a;
    const float  s = share[a * nc + P];
    const float *v = in + (i - first) * n;

    if (i < 0 || i >= nf || s == 0)
      continue;
    for (FenInt q = 0; q < n; q++)
      out[q] += s * v[q];
  }
}

static void RestrictRow(const float share[], FenInt n, FenInt nc, const float v[], float out[])
{
  if (!share) {
    memcpy(out, v, (size_t)n * sizeof(float));
    return;
  }
  for (FenInt c = 1; c < nc - 1; c++)
    out[c] = 0.25F * v[2 * c - 1] + 0.75F * (v[2 * c] + v[2 * c + 1]);
  for (FenInt c = 1; c < nc - 1; c++) /* the last child of the one before the end may not be there */
    out[c] += 2 * c + 2 < n ? 0.25F * v[2 * c + 2] : 0;
  for (FenInt c = 0; c < nc; c = c == 0 ? PetscMax(1, nc - 1) : c + 1) {
    out[c] = 0;
    for (FenInt a = 0; a < 4; a++)
      if (2 * c - 1 + a >= 0 && 2 * c - 1 + a < n)
        out[c] += share[a * nc + c] * v[2 * c - 1 + a];
  }
}

PetscErrorCode FenGridRestrict(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, FenInt lo, FenInt hi,
                               const float v[], float out[])
{
  const float *mine = v + fine->front;

  PetscFunctionBegin;
  for (FenInt P = lo; P < hi; P++) {
    Gather(coarse->share[0], coarse->n[0], P, fine->n[0], mine, fine->lo, fine->plane, C->plane);
    for (FenInt k = 0; k < coarse->n[1]; k++, out += coarse->n[2]) {
      Gather(coarse->share[1], coarse->n[1], k, fine->n[1], C->plane, 0, fine->n[2], C->row);
      RestrictRow(coarse->share[2], fine->n[2], coarse->n[2], C->row, out);
    }
  }
  PetscFunctionReturn(0);
}

/* ---- building ---- */

PetscErrorCode FenGridCycleSetMass(FenGridCycle C, const double mass[], const double own[])
{
  FenGrid *G = &C->grid[0];
  double  *here;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(G->size, &here));
  PetscCall(FenRedistMove(C->to, mass, here));
  PetscCall(FenRedistMove(C->edges, own, C->mine));
  for (FenInt q = 0; q < G->size; q++) {
    G->b[q] = (float)(C->points * here[q]);
    G->x[G->front + q] = (float)(C->points * PetscMax(0.0, here[q] - C->mine[q]));
  }
  PetscCall(PetscFree(here));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleSetCouplings(FenGridCycle C, const FenInt offset[], const double couplings[])
{
  FenGrid  *G = &C->grid[0];
  const int o[3] = {(int)offset[0], C->dim > 2 ? (int)offset[1] : 0, (int)offset[C->dim - 1]};
  int       sign;
  PetscInt  k;

  PetscFunctionBegin;
  k = FenGridOffset(C, o, &sign);
  PetscCheck(k >= 0 && k < C->nk && sign > 0, C->comm, (PetscErrorCode)FEN_ERR_INTERNAL, "no offset %d,%d,%d", o[0],
             o[1], o[2]);
  PetscCall(FenRedistMove(C->edges, couplings, C->mine));
  for (FenInt q = 0; q < G->size; q++)
    G->edge[k * G->ld + G->front + q] = (float)(C->points * C->mine[q]);
  PetscFunctionReturn(0);
}

/* Mass beyond a point's own coupling, which is in x, and its edges belongs to edges that are too long to be kept: the
   others are made stronger, so that the diagonal is right. A point without edges keeps its diagonal as excess */
static PetscErrorCode Strengthen(FenGridCycle C, FenGrid *G, double shift)
{
  float *x = G->x + G->front, *d = G->t + G->front, *others = G->root, *excess = G->b;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(others, x, G->size));
  PetscCall(PetscArrayzero(G->x, G->ld));
  PetscCall(Diagonal(C, G));
  for (FenInt q = 0; q < G->size; q++) {
    excess[q] = (float)shift * G->b[q] + (d[q] > NOTHING ? 0 : others[q]);
    x[q] = d[q] > NOTHING ? sqrtf(PetscMax(1.0F, PetscMin(STRONGEST, others[q] / d[q]))) : 1;
  }
  PetscCall(FenGridExchange(C, G, FEN_GRID_HALO, G->x));
  for (PetscInt k = 0; k < C->nk; k++) {
    float *w = G->edge + k * G->ld + G->front;

    for (FenInt q = 0; q < G->size; q++)
      w[q] *= x[q] * x[q + G->shift[k]];
  }
  PetscCall(PetscArrayzero(G->x, G->ld));
  PetscCall(PetscArraycpy(x, excess, G->size));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleBuild(FenGridCycle C, double shift)
{
  FenGrid *G = &C->grid[0];

  PetscFunctionBegin;
  if (!G->active)
    PetscFunctionReturn(0);
  PetscCall(Strengthen(C, G, shift));
  PetscCall(Diagonal(C, G));
  for (PetscInt l = 1; l < C->ngrids && G->active; l++) {
    FenGrid *coarse = &C->grid[l];

    PetscCall(FenGridGalerkin(C, G, coarse));
    if (coarse->active)
      PetscCall(Diagonal(C, coarse));
    PetscCall(Scale(C, G));
    G = coarse;
  }
  if (G->active)
    PetscCall(Scale(C, G));
  PetscFunctionReturn(0);
}

/* ---- the cycle ---- */

static PetscErrorCode Smooth(FenGridCycle C, FenGrid *G, PetscInt sweeps)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < sweeps; k++) {
    FenGraph A;
    float   *x;

    PetscCall(FenGridExchange(C, G, 2, G->x));
    A = Graph(C, G);
    C->kernels->graph(&A, FEN_GRAPH_JACOBI, G->t + G->front);
    x = G->x;
    G->x = G->t;
    G->t = x;
  }
  PetscFunctionReturn(0);
}

/* coarse->b from the residual of the finer grid */
static PetscErrorCode Down(FenGridCycle C, FenGrid *G, FenGrid *coarse)
{
  FenGraph A;
  float   *r = G->t + G->front, *made = coarse->active ? coarse->t + coarse->front : coarse->around;

  PetscFunctionBegin;
  PetscCall(FenGridExchange(C, G, 2, G->x));
  A = Graph(C, G);
  C->kernels->graph(&A, FEN_GRAPH_RESIDUAL, r);
  for (FenInt q = 0; q < G->size; q++)
    r[q] *= G->root[q];
  PetscCall(FenGridExchange(C, G, 2, G->t));
  PetscCall(FenGridRestrict(C, G, coarse, coarse->made[0], coarse->made[1], G->t, made));
  PetscCall(FenGridTogether(C, G, coarse, made, coarse->b));
  Unscale(coarse, coarse->b);
  PetscFunctionReturn(0);
}

/* G->x solves A x = G->b approximately, on the ranks that have the grid */
static PetscErrorCode Cycle(FenGridCycle C, PetscInt l)
{
  FenGrid *G = &C->grid[l];
  float   *x;

  PetscFunctionBegin;
  if (!G->active)
    PetscFunctionReturn(0);
  x = G->x + G->front;
  for (FenInt q = 0; q < G->size; q++)
    x[q] = DAMPING * G->b[q];
  if (l == C->ngrids - 1) {
    PetscCall(Smooth(C, G, LAST));
    PetscFunctionReturn(0);
  }
  PetscCall(Smooth(C, G, SWEEPS - 1));
  PetscCall(Down(C, G, G + 1));
  PetscCall(Cycle(C, l + 1));
  PetscCall(Prolong(C, G + 1, G));
  PetscCall(Smooth(C, G, SWEEPS));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleApply(FenGridCycle C, const double r[], double e[])
{
  FenGrid *G = &C->grid[0];

  PetscFunctionBegin;
  PetscCall(FenRedistMove(C->to, r, C->mine));
  for (FenInt q = 0; q < G->size; q++)
    G->b[q] = G->root[q] > 0 ? (float)(C->points * C->mine[q] / (double)G->root[q]) : 0;
  PetscCall(Cycle(C, 0));
  for (FenInt q = 0; q < G->size; q++)
    C->mine[q] = G->root[q] > 0 ? (double)G->x[q + G->front] / (double)G->root[q] : 0;
  PetscCall(FenRedistMove(C->from, C->mine, e));
  PetscFunctionReturn(0);
}

/* ---- life ---- */

PetscErrorCode FenGridCycleFits(FenLayout layout, PetscBool *fits)
{
  FenInt   shape[FEN_MAX_DIM];
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  *fits = (PetscBool)(dim >= 2);
  for (PetscInt k = 0; k < dim; k++)
    *fits = (PetscBool)(*fits && shape[k] >= LEAST);
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeGrids(FenGridCycle C)
{
  PetscFunctionBegin;
  for (C->ngrids = 1; C->ngrids < 32; C->ngrids++) {
    const FenGrid *fine = &C->grid[C->ngrids - 1];
    FenGrid       *G = &C->grid[C->ngrids];
    PetscBool      same = PETSC_TRUE;

    for (int k = 0; k < 3; k++) {
      G->n[k] = fine->n[k] >= LEAST ? (fine->n[k] + 1) / 2 : fine->n[k];
      same = (PetscBool)(same && G->n[k] == fine->n[k]);
    }
    if (same)
      break;
    PetscCall(FenGridCut(C, fine, G));
    if (!fine->active)
      continue;
    PetscCall(GridAllocate(C, G));
    PetscCall(MakeShares(fine, G));
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

PetscErrorCode FenGridCycleCreate(FenLayout layout, FenLayout edges, const FenKernels *kernels, FenGridCycle *cycle)
{
  FenGridCycle C;
  FenInt       shape[FEN_MAX_DIM];
  PetscMPIInt  slabs[FEN_MAX_DIM] = {1, 1, 1}, used;
  FenBox       box;
  FenGrid     *G;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  C->among = MPI_COMM_NULL;
  C->comm = PetscObjectComm((PetscObject)layout);
  C->kernels = kernels;
  PetscCallMPI(MPI_Comm_size(C->comm, &C->ranks));
  PetscCallMPI(MPI_Comm_rank(C->comm, &C->rank));
  PetscCall(FenLayoutGetDim(layout, &C->dim));
  MakeOffsets(C);
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(FenLayoutGetRanks(layout, NULL, &used));
  slabs[0] = (PetscMPIInt)PetscMax(1, PetscMin(used, shape[0] / FEN_GRID_LEAST));
  PetscCall(FenLayoutCreateGrid(C->comm, C->dim, shape, slabs, &C->slabs));
  PetscCall(FenRedistCreate(layout, C->slabs, &C->to));
  PetscCall(FenRedistCreate(C->slabs, layout, &C->from));
  PetscCall(FenRedistCreate(edges, C->slabs, &C->edges));
  PetscCall(FenLayoutGetBox(C->slabs, -1, &box));
  G = &C->grid[0];
  G->n[0] = shape[0];
  G->n[1] = C->dim > 2 ? shape[1] : 1;
  G->n[2] = shape[C->dim - 1];
  G->lo = box.lo[0];
  G->hi = box.hi[0];
  G->parts = slabs[0];
  G->stride = 1;
  G->active = PetscNot(C->rank >= G->parts);
  G->up = G->active && G->lo > 0 ? C->rank - 1 : MPI_PROC_NULL;
  G->down = G->active && G->hi < G->n[0] ? C->rank + 1 : MPI_PROC_NULL;
  PetscCall(GridAllocate(C, G));
  PetscCall(MakeGrids(C));
  C->points = (double)G->n[0] * (double)G->plane;
  PetscCall(PetscMalloc2(G->plane, &C->plane, G->n[2], &C->row));
  PetscCall(PetscMalloc1(G->size, &C->mine));
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

    PetscCall(PetscFree2(G->b, G->root));
    PetscCall(PetscFree(G->x)); /* x and t have changed places, so each is freed for itself */
    PetscCall(PetscFree(G->t));
    PetscCall(PetscFree(G->edge));
    PetscCall(PetscFree(G->around));
    for (int k = 0; k < 3; k++)
      PetscCall(PetscFree(G->share[k]));
  }
  PetscCall(FenRedistDestroy(&C->to));
  PetscCall(FenRedistDestroy(&C->from));
  PetscCall(FenRedistDestroy(&C->edges));
  PetscCall(FenLayoutDestroy(&C->slabs));
  if (C->among != MPI_COMM_NULL)
    PetscCallMPI(MPI_Comm_free(&C->among));
  PetscCall(PetscFree2(C->counts, C->starts));
  PetscCall(PetscFree2(C->plane, C->row));
  PetscCall(PetscFree(C->mine));
  PetscCall(PetscFree(C));
  *cycle = NULL;
  PetscFunctionReturn(0);
}
