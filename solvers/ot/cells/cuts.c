/* SPDX-License-Identifier: BSD-2-Clause */
/*
   How composites of a level are cut over ranks. Their work differs: pixels without mass take no part, and some cells
   send to more targets than others. On a new level it is what the cells of the level before had: a composite of A is
   made of one old cell, which had so many pixels with mass, times so many entries. Both are counts and part of the
   state of a solve, so that the same solve is always cut in the same way.

   Blocks stay a grid of boxes, cut along each axis by the work of its slabs; of all grids of ranks one is taken whose
   busiest rank has the least work, near cubes if they are as good. Messages: a reduction of a number for each slab, and
   of one for each rank and grid of ranks.
*/
#include "cells.h"

#define AS_GOOD 1.05 /* work of the busiest rank, against the best grid of ranks */

/* ranks along each axis: as near to cubes as the number of ranks allows */
static void NearCubes(PetscInt dim, const FenInt n[], PetscMPIInt size, PetscMPIInt ranks[])
{
  PetscMPIInt rest = size;

  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    ranks[d] = 1;
  for (PetscMPIInt f = 2; rest > 1; f++)
    while (rest % f == 0) { /* the axis whose pieces are the longest */
      PetscInt best = 0;

      for (PetscInt d = 1; d < dim; d++)
        if ((double)n[d] / ranks[d] > (double)n[best] / ranks[best])
          best = d;
      ranks[best] *= f;
      rest /= f;
    }
}

static PetscErrorCode Blocks(MPI_Comm comm, PetscInt dim, const FenInt ncomp[], const PetscMPIInt ranks[],
                             const double work[], FenLayout *blocks)
{
  const double *weight[FEN_MAX_DIM] = {NULL};
  FenLayout     even;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateGrid(comm, dim, ncomp, ranks, &even));
  for (PetscInt d = 0; work && d < dim; work += ncomp[d++])
    weight[d] = work;
  PetscCall(FenLayoutCreateWeighted(even, weight, 0, blocks));
  PetscCall(FenLayoutDestroy(&even));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsBlocks(MPI_Comm comm, PetscInt dim, const FenInt ncomp[], const double cuts[], FenLayout *blocks)
{
  PetscMPIInt size, ranks[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  NearCubes(dim, ncomp, size, ranks);
  if (cuts && cuts[0] * cuts[1] * cuts[2] == (double)size) /* not those of another number of ranks */
    for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
      ranks[d] = (PetscMPIInt)cuts[d];
  PetscCall(Blocks(comm, dim, ncomp, ranks, cuts ? cuts + FEN_MAX_DIM : NULL, blocks));
  PetscFunctionReturn(0);
}

/* work of the busiest rank */
static PetscErrorCode Busiest(FenLayout blocks, FenInt n, const FenInt place[], const double work[], double *most)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)blocks);
  FenOwners      owners;
  PetscMPIInt    size;
  double        *sum;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscCalloc1(size, &sum));
  PetscCall(FenOwnersCreate(blocks, &owners));
  for (FenInt k = 0; k < n; k++)
    sum[FenOwnersFind(&owners, place + FEN_MAX_DIM * k, NULL)] += work[k];
  PetscCall(FenOwnersDestroy(&owners));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, size, MPI_DOUBLE, MPI_SUM, comm)); /* of integers, so exact */
  *most = 0;
  for (PetscMPIInt r = 0; r < size; r++)
    *most = PetscMax(*most, sum[r]);
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* composites of the finer level that my cells become, and their work */
static FenInt Composites(const FenCells *C, PetscInt dim, const FenInt ncomp[], const PetscBool halved[],
                         FenInt place[], double work[])
{
  FenInt n = 0;

  for (FenInt s = 0; s < C->nlocal; s++) {
    FenInt   *at = place + FEN_MAX_DIM * n, pixels = 0;
    PetscBool there = PETSC_TRUE;

    for (PetscInt p = 0; p < C->px; p++)
      pixels += C->mu[s * C->px + p] > 0;
    for (PetscInt d = 0; d < FEN_MAX_DIM; d++) {
      at[d] = halved[d] ? C->place[FEN_MAX_DIM * s + d] : C->place[FEN_MAX_DIM * s + d] / C->twice[d];
      there = (PetscBool)(there && at[d] < (d < dim ? ncomp[d] : 1));
    }
    if (there)
      work[n++] = (double)(1 + pixels * C->rows.count[s]);
  }
  return n;
}

/* all grids of ranks; `ranks` holds the near cubes and takes the choice */
static PetscErrorCode Choose(const FenCells *C, const FenInt ncomp[], FenInt n, const FenInt place[],
                             const double work[], const double slabs[], PetscMPIInt ranks[])
{
  PetscMPIInt size, r[FEN_MAX_DIM], best[FEN_MAX_DIM] = {1, 1, 1};
  FenLayout   blocks;
  double      most, least = PETSC_MAX_REAL;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(C->comm, &size));
  for (r[0] = 1; r[0] <= size; r[0]++)
    for (r[1] = 1; r[1] <= size / r[0]; r[1]++) {
      r[2] = size / r[0] / r[1];
      if (r[0] * r[1] * r[2] != size || (C->dim < 3 && r[2] > 1) || (C->dim < 2 && r[1] > 1))
        continue;
      PetscCall(Blocks(C->comm, C->dim, ncomp, r, slabs, &blocks));
      PetscCall(Busiest(blocks, n, place, work, &most));
      PetscCall(FenLayoutDestroy(&blocks));
      if (most < least) {
        least = most;
        PetscArraycpy(best, r, FEN_MAX_DIM);
      }
    }
  PetscCall(Blocks(C->comm, C->dim, ncomp, ranks, slabs, &blocks));
  PetscCall(Busiest(blocks, n, place, work, &most));
  PetscCall(FenLayoutDestroy(&blocks));
  if (most > AS_GOOD * least)
    PetscArraycpy(ranks, best, FEN_MAX_DIM);
  PetscFunctionReturn(0);
}

FenInt FenCellsCutsSize(PetscInt dim, const FenInt shape[], const FenInt side[])
{
  FenInt n = FEN_MAX_DIM;

  for (PetscInt d = 0; d < dim; d++)
    n += (shape[d] + 2 * side[d] - 1) / (2 * side[d]);
  return n;
}

PetscErrorCode FenCellsMeasureCuts(const FenCells *C, const FenInt shape[], double cuts[])
{
  FenInt      ncomp[FEN_MAX_DIM] = {1, 1, 1}, slabs, n, at, *place;
  PetscBool   halved[FEN_MAX_DIM] = {PETSC_FALSE, PETSC_FALSE, PETSC_FALSE};
  PetscMPIInt size, count, ranks[FEN_MAX_DIM];
  double     *work;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(C->comm, &size));
  for (PetscInt d = 0; d < C->dim; d++) {
    ncomp[d] = (shape[d] + 2 * C->side[d] - 1) / (2 * C->side[d]);
    halved[d] = (PetscBool)(shape[d] > C->N[d]);
  }
  slabs = FenCellsCutsSize(C->dim, shape, C->side) - FEN_MAX_DIM;
  PetscCall(PetscMalloc2((size_t)(FEN_MAX_DIM * C->nlocal), &place, C->nlocal, &work));
  n = Composites(C, C->dim, ncomp, halved, place, work);
  PetscCall(PetscArrayzero(cuts, FEN_MAX_DIM + slabs));
  at = FEN_MAX_DIM;
  for (PetscInt d = 0; d < C->dim; at += ncomp[d++])
    for (FenInt k = 0; k < n; k++)
      cuts[at + place[FEN_MAX_DIM * k + d]] += work[k];
  PetscCall(FenMPIIntCast(slabs, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, cuts + FEN_MAX_DIM, count, MPI_DOUBLE, MPI_SUM, C->comm));
  NearCubes(C->dim, ncomp, size, ranks);
  PetscCall(Choose(C, ncomp, n, place, work, cuts + FEN_MAX_DIM, ranks));
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++)
    cuts[d] = (double)ranks[d];
  PetscCall(PetscFree2(place, work));
  PetscFunctionReturn(0);
}
