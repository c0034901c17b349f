/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Displacement interpolation on grids: the plan's mass P_ij sits at (1-t) x_i + t y_j at time t (McCann 1997; for a
   regularised plan Peyre and Cuturi 2019, section 7) and is spread over the nearest points of a grid by multilinear
   weights, which keep mass and mean.

   Entries are found around the barycentric image of their source: a window of a few standard deviations, both from
   2 d products. What a window misses is known, because rows of the plan sum to one, and is moved as one lump to its
   mean. So mass is kept exactly, and the share of lumps is reported.

   Blocks of targets circulate among ranks, each rank looks at its own sources, and its part of a frame (a slab along
   the first axis as wide as its mass reaches) is added up at the slab's owners. Work: N times the window's size; memory
   of a rank: its slab of every frame.
*/
#include "otimpl.h"
#include <fenchelpairs.h>
#include <math.h>

#define LOWEST (-36.0) /* natural exponents below are nothing beside one */

typedef struct {
  FenOT         ot;
  PetscInt      dim, nframes;
  const double *t;
  const double *x;     /* my sources */
  double       *share; /* of each row found so far, then d numbers: its mean */
  double       *mean, *half;
  /* targets */
  FenInt      shape[FEN_MAX_DIM];
  double      origin[FEN_MAX_DIM], spacing[FEN_MAX_DIM];
  FenLayout   targets;
  PetscMPIInt size;
  FenInt      row0;  /* first of my sources in rank order */
  FenInt     *start; /* of each rank in rank order */
  /* frames */
  FenInt   fshape[FEN_MAX_DIM];
  double   forigin[FEN_MAX_DIM], fspacing[FEN_MAX_DIM];
  FenInt  *lo, *hi; /* rows of each frame that I reach */
  FenInt   inner;
  double **slab;
} Frames;

/* mass m at position z: weights of the 2^d nearest points */
static void Splat(const Frames *F, PetscInt frame, const double z[], double m)
{
  FenInt  at[FEN_MAX_DIM] = {0, 0, 0};
  double  part[FEN_MAX_DIM] = {0, 0, 0};
  double *slab = F->slab[frame];

  for (PetscInt k = 0; k < F->dim; k++) {
    const double p = PetscMax(0.0, PetscMin((z[k] - F->forigin[k]) / F->fspacing[k], (double)(F->fshape[k] - 1)));

    at[k] = PetscMin((FenInt)p, PetscMax(0, F->fshape[k] - 2));
    part[k] = p - (double)at[k];
  }
  for (int corner = 0; corner < 1 << F->dim; corner++) {
    FenInt index = 0;
    double w = m;

    for (PetscInt k = 0; k < F->dim; k++) {
      const int up = corner >> k & 1;

      w *= up ? part[k] : 1 - part[k];
      index = index * F->fshape[k] + at[k] + (up ? 1 : 0);
    }
    if (w > 0 || w < 0) /* beyond the last point there is only the weight 0 */
      slab[index - F->lo[frame] * F->inner] += w;
  }
}

static void SplatAll(const Frames *F, const double x[], const double y[], double m)
{
  double z[FEN_MAX_DIM];

  for (PetscInt frame = 0; frame < F->nframes; frame++) {
    for (PetscInt k = 0; k < F->dim; k++)
      z[k] = (1 - F->t[frame]) * x[k] + F->t[frame] * y[k];
    Splat(F, frame, z, m);
  }
}

/* numbers of targets along an axis that the window of source i has in [lo, hi) */
static void Window(const Frames *F, FenInt i, PetscInt k, FenInt lo, FenInt hi, FenInt w[2])
{
  const double centre = (F->mean[i * F->dim + k] - F->origin[k]) / F->spacing[k];
  const double half = F->half[i * F->dim + k] / F->spacing[k];

  w[0] = PetscMax(lo, (FenInt)floor(PetscMax(-1.0, centre - half)));
  w[1] = PetscMin(hi, (FenInt)ceil(PetscMin(centre + half, (double)F->shape[k])) + 1);
}

/* of target j along an axis, over eps; its coordinate goes to y */
static double AxisCost(const Frames *F, PetscInt k, FenInt j, const double x[], double y[])
{
  if (k >= F->dim)
    return 0;
  y[k] = F->origin[k] + F->spacing[k] * (double)j;
  return FenCostOfDistance(F->ot->cost, fabs(x[k] - y[k])) / F->ot->eps;
}

/* one row against the box of a rank; u = g/eps + log b there, in natural order */
static void RowBox(const Frames *F, FenInt i, const FenBox *box, const double u[])
{
  const FenOT   ot = F->ot;
  const double *x = F->x + i * F->dim, eps = ot->eps;
  double       *share = F->share + i * (1 + F->dim), y[FEN_MAX_DIM] = {0, 0, 0};
  double        left[FEN_MAX_DIM + 1] = {ot->f[i] / eps}; /* exponents without the costs of the axes to come */
  FenInt        w[FEN_MAX_DIM][2], j[FEN_MAX_DIM];
  const FenInt  w1 = box->hi[1] - box->lo[1], w2 = box->hi[2] - box->lo[2];

  for (PetscInt k = 0; k < FEN_MAX_DIM; k++) {
    w[k][0] = box->lo[k];
    w[k][1] = box->hi[k];
    if (k < F->dim)
      Window(F, i, k, box->lo[k], box->hi[k], w[k]);
  }
  for (j[0] = w[0][0]; j[0] < w[0][1]; j[0]++) {
    left[1] = left[0] - AxisCost(F, 0, j[0], x, y);
    for (j[1] = w[1][0]; j[1] < w[1][1]; j[1]++) {
      const double *line = u + ((j[0] - box->lo[0]) * w1 + j[1] - box->lo[1]) * w2 - box->lo[2];

      left[2] = left[1] - AxisCost(F, 1, j[1], x, y);
      for (j[2] = w[2][0]; j[2] < w[2][1]; j[2]++) {
        const double exponent = left[2] + line[j[2]] - AxisCost(F, 2, j[2], x, y);
        double       p;

        if (exponent < LOWEST)
          continue;
        p = exp(exponent);
        share[0] += p;
        for (PetscInt k = 0; k < F->dim; k++)
          share[1 + k] += p * y[k];
        SplatAll(F, x, y, ot->a[i] * p);
      }
    }
  }
}

static PetscErrorCode Block(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  Frames     *F = (Frames *)ctx;
  PetscMPIInt r = 0;
  FenBox      box;

  (void)acc;
  PetscFunctionBegin;
  if (!rows->n || !cols->n)
    PetscFunctionReturn(0);
  while (cols->first >= F->start[r + 1])
    r++;
  PetscCheck(cols->first == F->start[r] && cols->n == F->start[r + 1] - F->start[r], PETSC_COMM_SELF,
             (PetscErrorCode)FEN_ERR_INTERNAL, "a block of targets is not that of one rank");
  PetscCall(FenLayoutGetBox(F->targets, r, &box));
  for (FenInt i = rows->first - F->row0; i < rows->first - F->row0 + rows->n; i++)
    if (F->ot->a[i] > 0)
      RowBox(F, i, &box, cols->data);
  PetscFunctionReturn(0);
}

/* barycentric images and half widths of windows */
static PetscErrorCode Moments(Frames *F)
{
  const FenOT    ot = F->ot;
  const PetscInt d = F->dim;
  const double   factor = F->ot->op->kind == FEN_COST_SQEUCLIDEAN ? 8 : 16; /* tails of |x-y| are heavier */
  const double  *y;
  double        *in, *out;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetPoints(ot->target, &y));
  PetscCall(PetscMalloc2((size_t)(2 * d * ot->m), &in, (size_t)(2 * d * ot->n), &out));
  for (FenInt j = 0; j < ot->m; j++)
    for (PetscInt k = 0; k < d; k++) {
      const double c = y[j * d + k] - (F->origin[k] + 0.5 * F->spacing[k] * (double)F->shape[k]);

      in[k * ot->m + j] = c;
      in[(d + k) * ot->m + j] = c * c;
    }
  PetscCall(FenOTSetPlan(ot->op, ot->g, ot->f));
  PetscCall(FenOTMult(ot->op, 2 * d, in, out));
  for (FenInt i = 0; i < ot->n; i++)
    for (PetscInt k = 0; k < d; k++) {
      const double m = out[k * ot->n + i], v = out[(d + k) * ot->n + i] - m * m;

      F->mean[i * d + k] = m + F->origin[k] + 0.5 * F->spacing[k] * (double)F->shape[k];
      F->half[i * d + k] = factor * sqrt(PetscMax(v, 0.0)) + 2 * F->spacing[k];
    }
  PetscCall(PetscFree2(in, out));
  PetscFunctionReturn(0);
}

/* rows of each frame that my windows reach */
static PetscErrorCode MakeSlabs(Frames *F)
{
  PetscFunctionBegin;
  F->inner = 1;
  for (PetscInt k = 1; k < F->dim; k++)
    F->inner *= F->fshape[k];
  for (PetscInt frame = 0; frame < F->nframes; frame++) {
    const double t = F->t[frame];
    double       lo = HUGE_VAL, hi = -HUGE_VAL;

    for (FenInt i = 0; i < F->ot->n; i++) {
      FenInt w[2];

      if (!(F->ot->a[i] > 0))
        continue;
      Window(F, i, 0, 0, F->shape[0], w);
      lo = PetscMin(lo, (1 - t) * F->x[i * F->dim] + t * (F->origin[0] + F->spacing[0] * (double)(w[0] - 1)));
      hi = PetscMax(hi, (1 - t) * F->x[i * F->dim] + t * (F->origin[0] + F->spacing[0] * (double)w[1]));
    }
    F->lo[frame] = F->hi[frame] = 0;
    if (lo <= hi) {
      const double from = floor((lo - F->forigin[0]) / F->fspacing[0]),
                   to = ceil((hi - F->forigin[0]) / F->fspacing[0]);

      F->lo[frame] = (FenInt)PetscMax(0.0, PetscMin(from - 1, (double)(F->fshape[0] - 1)));
      F->hi[frame] = (FenInt)PetscMin(PetscMax(to, 0.0) + 2, (double)F->fshape[0]);
    }
    PetscCall(PetscCalloc1((size_t)((F->hi[frame] - F->lo[frame]) * F->inner + 1), &F->slab[frame]));
  }
  PetscFunctionReturn(0);
}

/* sums slabs of all ranks at the owners of rows */
static PetscErrorCode SumFrame(const Frames *F, FenLayout layout, PetscInt frame, double out[])
{
  const MPI_Comm comm = F->ot->op->comm;
  PetscMPIInt   *count[4];
  const FenInt   reach[2] = {F->lo[frame], F->hi[frame]};
  FenInt        *range, total = 0, mine;
  double        *received;
  FenBox         box;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(F->size, &count[0], F->size, &count[1], F->size, &count[2], F->size, &count[3],
                         (size_t)F->size * 2, &range));
  PetscCallMPI(MPI_Allgather(reach, 2, MPI_FENINT, range, 2, MPI_FENINT, comm));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  PetscCall(FenLayoutGetLocalSize(layout, &mine));
  for (PetscMPIInt r = 0; r < F->size; r++) {
    FenBox       his;
    const FenInt from = PetscMax(range[2 * r], box.lo[0]), to = PetscMax(from, PetscMin(range[2 * r + 1], box.hi[0]));
    FenInt       send, end;

    PetscCall(FenLayoutGetBox(layout, r, &his));
    send = PetscMax(F->lo[frame], his.lo[0]);
    end = PetscMax(send, PetscMin(F->hi[frame], his.hi[0]));
    PetscCall(FenMPIIntCast((end - send) * F->inner, &count[0][r]));
    PetscCall(FenMPIIntCast(end > send ? (send - F->lo[frame]) * F->inner : 0, &count[1][r]));
    PetscCall(FenMPIIntCast((to - from) * F->inner, &count[2][r]));
    PetscCall(FenMPIIntCast(total, &count[3][r]));
    total += count[2][r];
  }
  PetscCall(PetscMalloc1(total + 1, &received));
  PetscCallMPI(
      MPI_Alltoallv(F->slab[frame], count[0], count[1], MPI_DOUBLE, received, count[2], count[3], MPI_DOUBLE, comm));
  PetscCall(PetscArrayzero(out, mine));
  for (PetscMPIInt r = 0; r < F->size; r++) {
    const FenInt from = PetscMax(range[2 * r], box.lo[0]);

    for (FenInt k = 0; k < count[2][r]; k++)
      out[(from - box.lo[0]) * F->inner + k] += received[count[3][r] + k];
  }
  PetscCall(PetscFree(received));
  PetscCall(PetscFree5(count[0], count[1], count[2], count[3], range));
  PetscFunctionReturn(0);
}

/* what the windows have missed goes to its mean */
static PetscErrorCode MoveRest(const Frames *F, double *lumps)
{
  const PetscInt d = F->dim;
  FenDD          sum = {0, 0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < F->ot->n; i++) {
    const double *share = F->share + i * (1 + d), rest = 1 - share[0];
    double        y[FEN_MAX_DIM];

    if (!(F->ot->a[i] > 0))
      continue;
    FenDDAddProduct(&sum, F->ot->a[i], fabs(rest));
    for (PetscInt k = 0; k < d; k++) {
      const double first = F->origin[k], last = first + F->spacing[k] * (double)(F->shape[k] - 1);

      y[k] = F->mean[i * d + k];
      if (rest > 1e-9) /* otherwise rounding errors */
        y[k] = PetscMax(first, PetscMin((F->mean[i * d + k] - share[1 + k]) / rest, last));
    }
    SplatAll(F, F->x + i * d, y, F->ot->a[i] * rest);
  }
  PetscCall(FenDDReduce(F->ot->op->comm, 1, &sum, lumps));
  PetscFunctionReturn(0);
}

/*@
  FenOTGetFrameGrid - The grid of interpolated frames: the source's spacing, and the points of both measures.

  Collective

  Input Parameter:
. ot - solver of a problem between grids

  Output Parameters:
+ layout  - cut along its first axis; destroy it with `FenLayoutDestroy()`
. spacing - per axis
- origin  - per axis

  Errors:
  `FEN_ERR_OPTION` if a measure is no grid, or if a marginal is penalised.

  Level: intermediate

.seealso: `FenOTComputeFrames()`
@*/
PetscErrorCode FenOTGetFrameGrid(FenOT ot, FenLayout *layout, double spacing[FEN_MAX_DIM], double origin[FEN_MAX_DIM])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)ot);
  FenMeasureKind kind[2];
  FenInt         shape[2][FEN_MAX_DIM], frame[FEN_MAX_DIM];
  double         h[2][FEN_MAX_DIM], o[2][FEN_MAX_DIM];
  PetscInt       dim;
  FenCostKind    cost = FEN_COST_SQEUCLIDEAN;

  PetscFunctionBegin;
  PetscCheck(!ot->relaxed, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "frames lead from the source to the target, whose masses a plan with penalised marginals does not move");
  PetscCall(FenMeasureGetKind(ot->source, &kind[0]));
  PetscCall(FenMeasureGetKind(ot->target, &kind[1]));
  PetscCheck(kind[0] == FEN_MEASURE_GRID && kind[1] == FEN_MEASURE_GRID, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "frames are interpolated between densities on grids only");
  if (ot->cost)
    PetscCall(FenCostGetKind(ot->cost, &cost));
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCheck(cost != FEN_COST_MATRIX && cost != FEN_COST_FUNCTION && (cost != FEN_COST_EUCLIDEAN || dim == 1), comm,
             (PetscErrorCode)FEN_ERR_OPTION, "frames are interpolated for costs that are sums over axes, not for %s",
             FenCostKinds[cost]);
  PetscCall(FenMeasureGetGrid(ot->source, shape[0], h[0], o[0]));
  PetscCall(FenMeasureGetGrid(ot->target, shape[1], h[1], o[1]));
  for (PetscInt k = 0; k < dim; k++) {
    const double last =
        PetscMax(o[0][k] + h[0][k] * (double)(shape[0][k] - 1), o[1][k] + h[1][k] * (double)(shape[1][k] - 1));
    double n;

    origin[k] = PetscMin(o[0][k], o[1][k]);
    spacing[k] = h[0][k];
    n = 1 + ceil((last - origin[k]) / spacing[k] - 1e-9);
    PetscCheck(n < 1e9, comm, (PetscErrorCode)FEN_ERR_SIZE,
               "axis %d of the frames would have %g points of the source's spacing", (int)k, n);
    frame[k] = (FenInt)n;
  }
  PetscCall(FenLayoutCreateGrid(comm, dim, frame, NULL, layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode Prepare(Frames *F, FenLayout layout, const double spacing[], const double origin[])
{
  const FenOT ot = F->ot;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->source, &F->dim));
  PetscCall(FenMeasureGetPoints(ot->source, &F->x));
  PetscCall(FenMeasureGetGrid(ot->target, F->shape, F->spacing, F->origin));
  PetscCall(FenMeasureGetLayout(ot->target, &F->targets));
  PetscCall(FenLayoutGetShape(layout, F->fshape));
  PetscCall(PetscArraycpy(F->fspacing, spacing, F->dim));
  PetscCall(PetscArraycpy(F->forigin, origin, F->dim));
  PetscCallMPI(MPI_Comm_size(ot->op->comm, &F->size));
  PetscCall(PetscCalloc4((size_t)(ot->n * (1 + F->dim)), &F->share, (size_t)(ot->n * F->dim), &F->mean,
                         (size_t)(ot->n * F->dim), &F->half, (size_t)F->size + 1, &F->start));
  PetscCall(PetscCalloc3((size_t)F->nframes, &F->lo, (size_t)F->nframes, &F->hi, (size_t)F->nframes, &F->slab));
  for (PetscMPIInt r = 0; r < F->size; r++) {
    FenBox box;
    FenInt n = 1;

    PetscCall(FenLayoutGetBox(F->targets, r, &box));
    for (PetscInt k = 0; k < FEN_MAX_DIM; k++)
      n *= PetscMax(0, box.hi[k] - box.lo[k]);
    F->start[r + 1] = F->start[r] + n;
  }
  PetscFunctionReturn(0);
}

/* all blocks of targets pass by my sources */
static PetscErrorCode Circulate(Frames *F)
{
  const FenOT  ot = F->ot;
  FenPairsTask task = {.ncol = 1, .nacc = 1, .per_row = 1, .type = MPI_DOUBLE, .op = MPI_SUM, .tile = Block, .ctx = F};
  FenLayout    rows, cols;
  FenPairs     pairs;
  FenInt       end;
  double      *u;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRowsLocal(ot->op->comm, ot->n, &rows));
  PetscCall(FenLayoutCreateRowsLocal(ot->op->comm, ot->m, &cols));
  PetscCall(FenLayoutGetRange(rows, &F->row0, &end));
  PetscCall(FenPairsCreate(rows, cols, FEN_PAIRS_RING, &pairs));
  PetscCall(PetscMalloc1(ot->m, &u));
  PetscCall(PetscCalloc1((size_t)ot->n, &task.acc));
  for (FenInt j = 0; j < ot->m; j++)
    u[j] = ot->b[j] > 0 ? ot->g[j] / ot->eps + log(ot->b[j]) : FEN_NONE;
  task.col = u;
  PetscCall(FenPairsRun(pairs, &task));
  PetscCall(PetscFree(task.acc));
  PetscCall(PetscFree(u));
  PetscCall(FenPairsDestroy(&pairs));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenLayoutDestroy(&cols));
  PetscFunctionReturn(0);
}

/*@C
  FenOTComputeFrames - Densities between source and target: the plan's mass on its way.

  Collective

  Input Parameters:
+ ot      - solver of a problem between grids, after the solve
. nframes - how many
. t       - times, 0 (source) to 1 (target)
. layout  - grid of the frames, see `FenOTGetFrameGrid()`
. spacing - its spacing
- origin  - and origin

  Output Parameters:
+ frames - nframes arrays on the layout, the caller's; every frame has mass one
- lumps  - share of the mass that was moved in lumps, not entry by entry; may be NULL

  Notes:
  Mass P_ij is spread over the points next to (1-t) x_i + t y_j, so that every frame has the mean (1-t) E[x] + t E[y].
  Other numbers of ranks give the same frames to 1e-14 of the largest value.

  References:
. * - R. McCann, A convexity principle for interacting gases, Advances in Mathematics 128, 1997

  Level: intermediate

.seealso: `FenOTComputeMap()`, `FenOTComputePlan()`
@*/
PetscErrorCode FenOTComputeFrames(FenOT ot, PetscInt nframes, const double t[], FenLayout layout,
                                  const double spacing[], const double origin[], double *frames[], double *lumps)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)ot);
  Frames         F = {.ot = ot, .nframes = nframes, .t = t};
  double         rest;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < nframes; k++)
    PetscCheck(t[k] >= 0 && t[k] <= 1, comm, (PetscErrorCode)FEN_ERR_OPTION, "frame %d at time %g; rule: 0 to 1",
               (int)k, t[k]);
  PetscCall(Prepare(&F, layout, spacing, origin));
  PetscCall(Moments(&F));
  PetscCall(MakeSlabs(&F));
  PetscCall(Circulate(&F));
  PetscCall(MoveRest(&F, &rest));
  for (PetscInt k = 0; k < nframes; k++)
    PetscCall(SumFrame(&F, layout, k, frames[k]));
  if (lumps)
    *lumps = rest;
  for (PetscInt k = 0; k < nframes; k++)
    PetscCall(PetscFree(F.slab[k]));
  PetscCall(PetscFree3(F.lo, F.hi, F.slab));
  PetscCall(PetscFree4(F.share, F.mean, F.half, F.start));
  PetscFunctionReturn(0);
}
