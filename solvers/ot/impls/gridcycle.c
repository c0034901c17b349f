/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Geometric multigrid for the Schur system on a grid of two axes. Only products with S are known on the finest grid;
   they see the plan's exact factors. Each coarser grid halves both axes; interpolation R^T is bilinear between the
   middles of pixels, and the coarse matrix R S R^T is kept as a stencil of 5x5 points at each point.

   The stencils are found by probing: products with 25 vectors that are one at every fifth point of both axes give all
   entries, since no two of those points couple to the same neighbour. Then the next grid is probed with the stencils of
   the last. Entries are made symmetric, positive ones off the diagonal are dropped, and the diagonal is such that rows
   have the sums they must have: constants are in the null space of S. So every coarse matrix is the Laplacian of a
   graph with positive weights, whatever the plan looks like and however wrong probing is on it, and the cycle is
   definite. Smoother: Jacobi, damped by 0.6, two sweeps down and two up, many on the coarsest grid.

   Distribution: slabs of rows; a coarse row belongs to the owner of the finer row above it. Two rows of a neighbour are
   all that a product or a transfer needs. When a rank would have fewer than four rows, the grid is put together on all
   ranks, which do the same work on it (rows of such a grid: four times the number of ranks at most).

   Work: build 25 products with S and as many stencil products on each grid; a correction 5 stencil products of 25 n/4
   multiply-adds, n the points of the finest grid, and 4/3 of this in all. Memory 25 n/3 numbers. Messages: two
   neighbours, 2 rows, for each product.
*/
#include "gridcycle.h"

#define HALO      2
#define POINTS    25
#define LEAST     8  /* an axis with fewer points than this is not halved */
#define LEAST_ALL 4  /* rows that a rank has at least, or all ranks have all */
#define SWEEPS    2  /* before and after the coarser grid */
#define LAST      30 /* on the coarsest grid */
#define DAMPING   0.6

typedef struct {
  FenInt      n[2], lo, hi; /* whole grid; my rows [lo, hi) */
  FenInt      size, ld;     /* my points; the same with room for whole vectors */
  PetscBool   all;          /* all ranks have all rows */
  PetscMPIInt up, down;     /* neighbours, or MPI_PROC_NULL */
  double     *stencil;      /* 25 arrays of ld */
  double     *inverse;      /* of the diagonal, times the damping; 0 where nothing couples */
  double     *x, *r;        /* with halos: HALO rows before and after */
  double     *t, *b, *part; /* mine; part: one axis coarse already, with halos */
} Grid;

struct _p_FenGridCycle {
  MPI_Comm          comm;
  PetscMPIInt       ranks, rank;
  const FenKernels *kernels;
  FenLayout         slabs;
  FenRedist         to, from; /* between the caller's layout and slabs */
  PetscInt          ngrids;
  Grid              grid[32]; /* 0: the finest, without stencils */
  PetscMPIInt      *counts, *starts;
  double           *work, *image; /* the caller's layout */
  double           *slab;         /* slabs */
};

/* ---- a grid ---- */

static double *Mine(const Grid *G, double *with_halo)
{
  return with_halo + HALO + HALO * G->n[1];
}

static PetscErrorCode GridAllocate(Grid *G, PetscBool stencils)
{
  size_t mine, with_halo;

  PetscFunctionBegin;
  G->size = (G->hi - G->lo) * G->n[1];
  G->ld = (G->size + 31) / 16 * 16;
  mine = (size_t)G->ld;
  with_halo = (size_t)(G->ld + 2 * (HALO + HALO * G->n[1]));
  PetscCall(PetscCalloc5(with_halo, &G->x, with_halo, &G->r, mine, &G->t, mine, &G->b, with_halo, &G->part));
  if (stencils)
    PetscCall(PetscCalloc2(POINTS * mine, &G->stencil, mine, &G->inverse));
  PetscFunctionReturn(0);
}

/* rows of neighbours around mine; nothing beyond the grid */
static PetscErrorCode Exchange(FenGridCycle C, const Grid *G, FenInt n1, double with_halo[])
{
  double     *first = with_halo + HALO + HALO * n1, *end = first + (G->hi - G->lo) * n1;
  PetscMPIInt count;

  PetscFunctionBegin;
  if (G->all || C->ranks == 1)
    PetscFunctionReturn(0);
  PetscCall(FenMPIIntCast(HALO * n1, &count));
  PetscCallMPI(
      MPI_Sendrecv(first, count, MPI_DOUBLE, G->up, 0, end, count, MPI_DOUBLE, G->down, 0, C->comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Sendrecv(end - HALO * n1, count, MPI_DOUBLE, G->down, 1, first - HALO * n1, count, MPI_DOUBLE, G->up,
                            1, C->comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* t = A x, whose halos are made */
static PetscErrorCode Multiply(FenGridCycle C, const Grid *G)
{
  PetscFunctionBegin;
  PetscCall(Exchange(C, G, G->n[1], G->x));
  C->kernels->stencil(G->ld, G->n[1], G->stencil, Mine(G, G->x), G->t);
  PetscFunctionReturn(0);
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

/* row of a coarse grid as its own rows and halos see it: its place in an array with halos */
static inline double *Row(const Grid *G, FenInt n1, double *with_halo, FenInt i)
{
  return with_halo + HALO + (HALO + i - G->lo) * n1;
}

/* fine->x or `out` (mine) += R^T x: rows first, then columns */
static PetscErrorCode Prolong(FenGridCycle C, Grid *coarse, const Grid *fine, PetscBool add, double out[])
{
  const FenInt nf = fine->n[1], nc = coarse->n[1];

  PetscFunctionBegin;
  PetscCall(Exchange(C, coarse, nc, coarse->x));
  for (FenInt i = fine->lo; i < fine->hi; i++) {
    FenInt        a, b;
    double       *row = coarse->part + HALO, *o = out + (i - fine->lo) * nf;
    const double *p, *q;

    Parents(i, fine->n[0], coarse->n[0], &a, &b);
    p = Row(coarse, nc, coarse->x, a);
    q = Row(coarse, nc, coarse->x, b);
    for (FenInt j = 0; j < nc; j++)
      row[j] = 0.75 * p[j] + 0.25 * q[j];
    for (FenInt j = 0; j < nf; j++) {
      Parents(j, nf, nc, &a, &b);
      o[j] = (add ? o[j] : 0) + 0.75 * row[a] + 0.25 * row[b];
    }
  }
  PetscFunctionReturn(0);
}

/* out (mine, on the coarse grid before it is put together) = R v of the array in fine->r */
static PetscErrorCode Restrict(FenGridCycle C, const Grid *fine, const FenInt coarse[2], FenInt lo, FenInt hi,
                               double out[])
{
  const FenInt nf = fine->n[1], nc = coarse[1];
  FenInt       a, b;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(out, (hi - lo) * nc));
  PetscCall(Exchange(C, fine, nf, fine->r));
  for (FenInt i = PetscMax(0, fine->lo - HALO); i < PetscMin(fine->n[0], fine->hi + HALO); i++) {
    const double *v = Row(fine, nf, fine->r, i);
    double       *row = fine->part + HALO;
    FenInt        c, d;

    Parents(i, fine->n[0], coarse[0], &a, &b);
    if ((a < lo || a >= hi) && (b < lo || b >= hi))
      continue;
    PetscCall(PetscArrayzero(row, nc));
    for (FenInt j = 0; j < nf; j++) {
      Parents(j, nf, nc, &c, &d);
      row[c] += 0.75 * v[j];
      row[d] += 0.25 * v[j];
    }
    for (FenInt j = 0; a >= lo && a < hi && j < nc; j++)
      out[(a - lo) * nc + j] += 0.75 * row[j];
    for (FenInt j = 0; b >= lo && b < hi && j < nc; j++)
      out[(b - lo) * nc + j] += 0.25 * row[j];
  }
  PetscFunctionReturn(0);
}

/* rows of a coarse grid that this rank makes from a finer one */
static void CoarseRows(const Grid *fine, const FenInt n[2], FenInt *lo, FenInt *hi)
{
  *lo = n[0] < fine->n[0] ? (fine->lo + 1) / 2 : fine->lo;
  *hi = n[0] < fine->n[0] ? (fine->hi + 1) / 2 : fine->hi;
}

/* coarse->b = R v of the array in fine->r, put together if all ranks have the coarse grid and not the fine one */
static PetscErrorCode Down(FenGridCycle C, const Grid *fine, Grid *coarse)
{
  FenInt lo, hi;

  PetscFunctionBegin;
  CoarseRows(fine, coarse->n, &lo, &hi);
  if (coarse->all == fine->all) {
    PetscCall(Restrict(C, fine, coarse->n, lo, hi, coarse->b));
    PetscFunctionReturn(0);
  }
  PetscCall(Restrict(C, fine, coarse->n, lo, hi, coarse->t));
  for (PetscMPIInt r = 0, at = 0; r < C->ranks; r++) {
    FenBox box;
    Grid   theirs = C->grid[0];

    PetscCall(FenLayoutGetBox(C->slabs, r, &box));
    theirs.lo = box.lo[0];
    theirs.hi = box.hi[0];
    for (const Grid *g = &C->grid[1]; g <= fine; g++) { /* their rows follow from those of the finest grid */
      CoarseRows(&theirs, g->n, &lo, &hi);
      theirs.lo = lo;
      theirs.hi = hi;
      theirs.n[0] = g->n[0];
    }
    CoarseRows(&theirs, coarse->n, &lo, &hi);
    PetscCall(FenMPIIntCast((hi - lo) * coarse->n[1], &C->counts[r]));
    C->starts[r] = at;
    at += C->counts[r];
  }
  PetscCallMPI(
      MPI_Allgatherv(coarse->t, C->counts[C->rank], MPI_DOUBLE, coarse->b, C->counts, C->starts, MPI_DOUBLE, C->comm));
  PetscFunctionReturn(0);
}

/* ---- building ---- */

/* pattern of a colour into G->x */
static void Colour(const Grid *G, FenInt ci, FenInt cj)
{
  double *x = Mine(G, G->x);

  for (FenInt i = G->lo; i < G->hi; i++)
    for (FenInt j = 0; j < G->n[1]; j++)
      x[(i - G->lo) * G->n[1] + j] = i % 5 == ci && j % 5 == cj;
}

/* offset of the only point of a colour within two of i */
static inline FenInt Offset(FenInt i, FenInt colour)
{
  const FenInt d = (colour - i % 5 + 5) % 5;

  return d > 2 ? d - 5 : d;
}

/* G->b = R S R^T of a colour: into the stencils */
static void TakeColour(Grid *G, FenInt ci, FenInt cj)
{
  for (FenInt i = G->lo; i < G->hi; i++) {
    const FenInt di = Offset(i, ci);

    if (i + di < 0 || i + di >= G->n[0])
      continue;
    for (FenInt j = 0; j < G->n[1]; j++) {
      const FenInt dj = Offset(j, cj), at = (i - G->lo) * G->n[1] + j;

      if (j + dj >= 0 && j + dj < G->n[1])
        G->stencil[((di + 2) * 5 + dj + 2) * G->ld + at] = G->b[at];
    }
  }
}

/* a_ij and a_ji become their mean, at most 0; then the diagonal: excess (in G->b) minus the others of the row */
static PetscErrorCode Finish(FenGridCycle C, Grid *G)
{
  const FenInt n1 = G->n[1];

  PetscFunctionBegin;
  for (FenInt k = 0; k < POINTS / 2; k++) { /* opposite of k: 24 - k, towards later rows or columns */
    const FenInt shift = (k / 5 - 2) * n1 + k % 5 - 2;
    double      *s = G->stencil + k * G->ld, *o = G->stencil + (POINTS - 1 - k) * G->ld, *x = Mine(G, G->x);

    PetscCall(PetscArraycpy(x, o, G->size));
    PetscCall(Exchange(C, G, n1, G->x));
    for (FenInt q = 0; q < G->size; q++)
      G->t[q] = s[q] != 0 ? 0.5 * (s[q] + x[q + shift]) : 0;
    PetscCall(PetscArraycpy(x, s, G->size));
    PetscCall(Exchange(C, G, n1, G->x));
    for (FenInt q = 0; q < G->size; q++) {
      o[q] = o[q] != 0 ? 0.5 * (o[q] + x[q - shift]) : 0;
      s[q] = G->t[q];
    }
  }
  for (FenInt q = 0; q < G->size; q++) {
    double sum = G->b[q];

    for (FenInt k = 0; k < POINTS; k++)
      if (k != POINTS / 2) {
        double *s = &G->stencil[k * G->ld + q];

        *s = PetscMin(*s, 0);
        sum -= *s;
      }
    G->stencil[POINTS / 2 * G->ld + q] = sum;
    G->inverse[q] = sum > 1e-290 ? DAMPING / sum : 0;
  }
  PetscFunctionReturn(0);
}

/* the caller's layout, slabs */
static PetscErrorCode Move(FenRedist r, const double from[], double to[])
{
  PetscFunctionBegin;
  PetscCall(FenRedistBegin(r, from, to));
  PetscCall(FenRedistEnd(r, from, to));
  PetscFunctionReturn(0);
}

/* array on the caller's layout into the finest grid's r */
static PetscErrorCode Enter(FenGridCycle C, const double v[])
{
  PetscFunctionBegin;
  PetscCall(Move(C->to, v, Mine(&C->grid[0], C->grid[0].r)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleBuild(FenGridCycle C, FenGridProduct product, void *ctx, const double excess[])
{
  PetscFunctionBegin;
  for (PetscInt l = 1; l < C->ngrids; l++) {
    Grid *fine = &C->grid[l - 1], *G = &C->grid[l];

    for (FenInt c = 0; c < POINTS; c++) {
      Colour(G, c / 5, c % 5);
      if (l == 1) {
        PetscCall(Prolong(C, G, fine, PETSC_FALSE, C->slab));
        PetscCall(Move(C->from, C->slab, C->work));
        PetscCall((*product)(ctx, C->work, C->image));
        PetscCall(Enter(C, C->image));
      } else {
        PetscCall(Prolong(C, G, fine, PETSC_FALSE, Mine(fine, fine->x)));
        PetscCall(Multiply(C, fine));
        PetscCall(PetscArraycpy(Mine(fine, fine->r), fine->t, fine->size));
      }
      PetscCall(Down(C, fine, G));
      TakeColour(G, c / 5, c % 5);
    }
    if (l == 1)
      PetscCall(Enter(C, excess));
    else /* sums of rows */
      for (FenInt q = 0; q < fine->size; q++) {
        double sum = 0;

        for (FenInt k = 0; k < POINTS; k++)
          sum += fine->stencil[k * fine->ld + q];
        Mine(fine, fine->r)[q] = sum;
      }
    PetscCall(Down(C, fine, G));
    PetscCall(Finish(C, G));
  }
  PetscFunctionReturn(0);
}

/* ---- the cycle ---- */

static PetscErrorCode Smooth(FenGridCycle C, const Grid *G, PetscInt sweeps)
{
  double *x = Mine(G, G->x);

  PetscFunctionBegin;
  for (PetscInt k = 0; k < sweeps; k++) {
    PetscCall(Multiply(C, G));
    for (FenInt q = 0; q < G->size; q++)
      x[q] += G->inverse[q] * (G->b[q] - G->t[q]);
  }
  PetscFunctionReturn(0);
}

/* G->x solves A x = b approximately */
static PetscErrorCode Cycle(FenGridCycle C, PetscInt l)
{
  Grid   *G = &C->grid[l];
  double *x = Mine(G, G->x), *r = Mine(G, G->r);

  PetscFunctionBegin;
  for (FenInt q = 0; q < G->size; q++)
    x[q] = G->inverse[q] * G->b[q];
  if (l == C->ngrids - 1) {
    PetscCall(Smooth(C, G, LAST));
    PetscFunctionReturn(0);
  }
  PetscCall(Smooth(C, G, SWEEPS - 1));
  PetscCall(Multiply(C, G));
  for (FenInt q = 0; q < G->size; q++)
    r[q] = G->b[q] - G->t[q];
  PetscCall(Down(C, G, &C->grid[l + 1]));
  PetscCall(Cycle(C, l + 1));
  PetscCall(Prolong(C, &C->grid[l + 1], G, PETSC_TRUE, x));
  PetscCall(Smooth(C, G, SWEEPS));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleCorrect(FenGridCycle C, const double r[], double e[])
{
  PetscFunctionBegin;
  PetscCall(Enter(C, r));
  PetscCall(Down(C, &C->grid[0], &C->grid[1]));
  PetscCall(Cycle(C, 1));
  PetscCall(Prolong(C, &C->grid[1], &C->grid[0], PETSC_FALSE, C->slab));
  PetscCall(Move(C->from, C->slab, e));
  PetscFunctionReturn(0);
}

/* ---- life ---- */

static PetscErrorCode FewestRows(MPI_Comm comm, FenInt rows, FenInt *fewest)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&rows, fewest, 1, MPI_FENINT, MPI_MIN, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleFits(FenLayout layout, PetscBool *fits)
{
  FenInt      shape[FEN_MAX_DIM];
  PetscInt    dim;
  PetscMPIInt ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)layout), &ranks));
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  *fits = (PetscBool)(dim == 2 && shape[0] >= LEAST && shape[1] >= LEAST && shape[0] / ranks >= LEAST_ALL);
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeGrids(FenGridCycle C)
{
  PetscFunctionBegin;
  for (C->ngrids = 1; C->ngrids < 32; C->ngrids++) {
    const Grid *fine = &C->grid[C->ngrids - 1];
    Grid       *G = &C->grid[C->ngrids];
    FenInt      fewest;

    for (int k = 0; k < 2; k++)
      G->n[k] = fine->n[k] >= LEAST ? (fine->n[k] + 1) / 2 : fine->n[k];
    if (G->n[0] == fine->n[0] && G->n[1] == fine->n[1])
      break;
    CoarseRows(fine, G->n, &G->lo, &G->hi);
    PetscCall(FewestRows(C->comm, G->hi - G->lo, &fewest));
    G->all = (PetscBool)(fine->all || (C->ranks > 1 && fewest < LEAST_ALL));
    if (G->all) {
      G->lo = 0;
      G->hi = G->n[0];
    }
    G->up = G->lo > 0 && !G->all ? C->rank - 1 : MPI_PROC_NULL;
    G->down = G->hi < G->n[0] && !G->all ? C->rank + 1 : MPI_PROC_NULL;
    PetscCall(GridAllocate(G, PETSC_TRUE));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCycleCreate(FenLayout layout, const FenKernels *kernels, FenGridCycle *cycle)
{
  FenGridCycle C;
  FenInt       shape[FEN_MAX_DIM], local;
  FenBox       box;
  Grid        *G;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  C->comm = PetscObjectComm((PetscObject)layout);
  C->kernels = kernels;
  PetscCallMPI(MPI_Comm_size(C->comm, &C->ranks));
  PetscCallMPI(MPI_Comm_rank(C->comm, &C->rank));
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(FenLayoutCreateGrid(C->comm, 2, shape, NULL, &C->slabs));
  PetscCall(FenRedistCreate(layout, C->slabs, &C->to));
  PetscCall(FenRedistCreate(C->slabs, layout, &C->from));
  PetscCall(FenLayoutGetBox(C->slabs, -1, &box));
  G = &C->grid[0];
  G->n[0] = shape[0];
  G->n[1] = shape[1];
  G->lo = box.lo[0];
  G->hi = box.hi[0];
  G->up = G->lo > 0 ? C->rank - 1 : MPI_PROC_NULL;
  G->down = G->hi < G->n[0] ? C->rank + 1 : MPI_PROC_NULL;
  PetscCall(GridAllocate(G, PETSC_FALSE));
  PetscCall(MakeGrids(C));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(
      PetscMalloc5(local, &C->work, local, &C->image, G->size, &C->slab, C->ranks, &C->counts, C->ranks, &C->starts));
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
    Grid *G = &C->grid[l];

    PetscCall(PetscFree5(G->x, G->r, G->t, G->b, G->part));
    if (G->stencil)
      PetscCall(PetscFree2(G->stencil, G->inverse));
  }
  PetscCall(FenRedistDestroy(&C->to));
  PetscCall(FenRedistDestroy(&C->from));
  PetscCall(FenLayoutDestroy(&C->slabs));
  PetscCall(PetscFree5(C->work, C->image, C->slab, C->counts, C->starts));
  PetscCall(PetscFree(C));
  *cycle = NULL;
  PetscFunctionReturn(0);
}
