/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What couples points that are farther apart than edges reach makes near edges of the finest grid stronger, so that its
   diagonal is right, as errors on short waves need. For errors on long waves it is not: of an error that changes slowly
   along axis k a coupling w of length o_k has the energy w (o_k dx_k)^2, and a lengthy one counts for much more. So on
   the next coarser grid, which corrects long waves, edges are made stronger once more, until they have the second
   moments of all couplings B,

     sum_j' B_jj' (j'_k - j_k)^2 ,

   along each axis k: an edge of offset o by the means of its ends' ratios along the axes, weighted with o_k^2. CG then
   takes as many iterations as with a coarse matrix R B R^T of all couplings, cut to near edges in its turn. Where far
   couplings are everywhere the same share it takes as many without: only what is uneven matters.

   Work: that of a sweep on the finest grid. Memory: four bytes a point and axis while grids are made. Messages: halos,
   and boxes that go together, of two arrays an axis.
*/
#include "gridcycleimpl.h"
#include <math.h>

PetscErrorCode FenGridCycleSetMoments(FenGridCycle C, PetscInt axis, const double moments[])
{
  const FenGrid *G = &C->grid[0];
  const int      a = C->axis[axis];
  const double  *here;

  PetscFunctionBegin;
  if (a < 0)
    PetscFunctionReturn(0);
  PetscCall(FenGridHere(C, C->to, moments, &here));
  PetscCall(PetscFree(C->moment[a]));
  PetscCall(PetscCalloc1(G->ld, &C->moment[a]));
  FenGridTake(C, here, C->moment[a] + G->front);
  PetscFunctionReturn(0);
}

/* second moments of a grid's edges along an axis */
static void Moments(FenGridCycle C, const FenGrid *G, int axis, float m[])
{
  for (PetscInt k = 0; k < C->nk; k++) {
    const float *w = G->edge + k * G->ld + G->front;
    const float  square = (float)(C->offset[k][axis] * C->offset[k][axis]);

    for (FenInt q = 0; q < G->size && square > 0; q++)
      m[q] += square * (w[q] + w[q - G->shift[k]]);
  }
}

/* R v, an array of the coarse grid with halos; v: of the fine one */
static PetscErrorCode Restrict(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, float v[], float out[])
{
  PetscFunctionBegin;
  PetscCall(FenGridExchange(C, fine, 2, v));
  PetscCall(FenGridRestrict(C, fine, coarse, v, C->moved));
  PetscCall(FenGridTogether(C, fine, coarse, C->moved, coarse->active ? out + coarse->front : NULL));
  PetscFunctionReturn(0);
}

/* roots of the ratios of all couplings' moments to those of edges */
static PetscErrorCode Ratios(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, int axis, float ratio[])
{
  float *near, *sum;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(fine->ld, &near, coarse->active ? coarse->ld : 0, &sum));
  Moments(C, fine, axis, near + fine->front);
  PetscCall(Restrict(C, fine, coarse, near, sum));
  PetscCall(Restrict(C, fine, coarse, C->moment[axis], ratio));
  if (coarse->active) {
    for (FenInt q = coarse->front; q < coarse->front + coarse->size; q++)
      ratio[q] = sum[q] > 0 ? sqrtf(PetscMax(1.0F, PetscMin(FEN_GRID_STRONGEST, ratio[q] / sum[q]))) : 1;
    PetscCall(FenGridExchange(C, coarse, FEN_GRID_HALO, ratio));
  }
  PetscCall(PetscFree2(near, sum));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridMatchMoments(FenGridCycle C, const FenGrid *fine, FenGrid *coarse)
{
  float *ratio[3] = {NULL, NULL, NULL};

  PetscFunctionBegin;
  for (int axis = 0; axis < 3; axis++)
    if (C->moment[axis]) {
      PetscCall(PetscCalloc1(coarse->active ? coarse->ld : 0, &ratio[axis]));
      PetscCall(Ratios(C, fine, coarse, axis, ratio[axis]));
    }
  for (PetscInt k = 0; k < C->nk && coarse->active; k++) {
    const int   *o = C->offset[k];
    const FenInt shift = coarse->shift[k];
    float        share[3], *w = coarse->edge + k * coarse->ld + coarse->front;

    for (int axis = 0; axis < 3; axis++)
      share[axis] = (float)(o[axis] * o[axis]) / (float)(o[0] * o[0] + o[1] * o[1] + o[2] * o[2]);
    for (FenInt q = 0; q < coarse->size; q++) {
      float factor = 0;

      for (int axis = 0; axis < 3; axis++)
        if (ratio[axis])
          factor += share[axis] * ratio[axis][coarse->front + q] * ratio[axis][coarse->front + q + shift];
      w[q] *= factor;
    }
  }
  for (int axis = 0; axis < 3; axis++)
    PetscCall(PetscFree(ratio[axis]));
  PetscFunctionReturn(0);
}
