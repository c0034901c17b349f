/* SPDX-License-Identifier: BSD-2-Clause */
/* Who owns a place of a distributed array, and windows on such arrays. */
#include "cells.h"

static int FenIntLess(const void *a, const void *b)
{
  const FenInt x = *(const FenInt *)a, y = *(const FenInt *)b;

  return (x > y) - (x < y);
}

/* last k with v[k] <= x */
static FenInt FenLastBelow(FenInt n, const FenInt v[], FenInt x)
{
  FenInt lo = 0, hi = n;

  while (hi - lo > 1) {
    const FenInt mid = lo + (hi - lo) / 2;

    if (v[mid] <= x)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

static FenInt FenOwnersPlace(const FenOwners *o, const FenInt place[])
{
  FenInt k = 0;

  for (int d = 0; d < FEN_MAX_DIM; d++)
    k = k * o->n[d] + FenLastBelow(o->n[d], o->lo[d], place[d]);
  return k;
}

PetscErrorCode FenOwnersCreate(FenLayout layout, FenOwners *o)
{
  PetscMPIInt size;
  FenBox     *box;
  FenInt      total = 1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)layout), &size));
  PetscCall(PetscMalloc1(size, &box));
  for (PetscMPIInt r = 0; r < size; r++)
    PetscCall(FenLayoutGetBox(layout, r, &box[r]));
  for (int d = 0; d < FEN_MAX_DIM; d++) {
    FenInt n = 0, k = 0;

    PetscCall(PetscMalloc1((size + 1), &o->lo[d]));
    for (PetscMPIInt r = 0; r < size; r++)
      if (box[r].hi[0] > box[r].lo[0] && box[r].hi[1] > box[r].lo[1] && box[r].hi[2] > box[r].lo[2])
        o->lo[d][n++] = box[r].lo[d];
    qsort(o->lo[d], (size_t)n, sizeof(FenInt), FenIntLess);
    for (FenInt i = 0; i < n; i++)
      if (!i || o->lo[d][i] != o->lo[d][k - 1])
        o->lo[d][k++] = o->lo[d][i];
    o->n[d] = k;
    total *= k;
  }
  PetscCall(PetscCalloc2(total, &o->rank, total, &o->box));
  for (PetscMPIInt r = 0; r < size; r++)
    if (box[r].hi[0] > box[r].lo[0] && box[r].hi[1] > box[r].lo[1] && box[r].hi[2] > box[r].lo[2]) {
      const FenInt k = FenOwnersPlace(o, box[r].lo);

      o->rank[k] = r;
      o->box[k] = box[r];
    }
  PetscCall(PetscFree(box));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOwnersDestroy(FenOwners *o)
{
  PetscFunctionBegin;
  for (int d = 0; d < FEN_MAX_DIM; d++)
    PetscCall(PetscFree(o->lo[d]));
  PetscCall(PetscFree2(o->rank, o->box));
  PetscFunctionReturn(0);
}

PetscMPIInt FenOwnersFind(const FenOwners *o, const FenInt place[], FenInt *offset)
{
  const FenInt  k = FenOwnersPlace(o, place);
  const FenBox *b = &o->box[k];

  if (offset)
    *offset = ((place[0] - b->lo[0]) * (b->hi[1] - b->lo[1]) + place[1] - b->lo[1]) * (b->hi[2] - b->lo[2]) + place[2] -
              b->lo[2];
  return o->rank[k];
}

PetscErrorCode FenWindowCreate(FenLayout layout, FenInt n, const FenInt number[], FenWindow *w)
{
  FenInt       shape[FEN_MAX_DIM], local, offset;
  FenOwners    owners;
  PetscSFNode *remote;
  PetscInt     nroots, nleaves;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenIntCast(local, &nroots));
  PetscCall(FenIntCast(n, &nleaves));
  PetscCall(FenOwnersCreate(layout, &owners));
  PetscCall(PetscMalloc1(n, &remote));
  for (FenInt k = 0; k < n; k++) {
    const FenInt place[3] = {number[k] / (shape[1] * shape[2]), number[k] / shape[2] % shape[1], number[k] % shape[2]};

    remote[k].rank = FenOwnersFind(&owners, place, &offset);
    PetscCall(FenIntCast(offset, &remote[k].index));
  }
  PetscCall(FenOwnersDestroy(&owners));
  PetscCall(PetscSFCreate(PetscObjectComm((PetscObject)layout), &w->sf));
  PetscCall(PetscSFSetGraph(w->sf, nroots, nleaves, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscFunctionReturn(0);
}

PetscErrorCode FenWindowGet(FenWindow *w, const double array[], double mine[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFBcastBegin(w->sf, MPI_DOUBLE, array, mine, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(w->sf, MPI_DOUBLE, array, mine, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenWindowPut(FenWindow *w, const double mine[], double array[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceBegin(w->sf, MPI_DOUBLE, mine, array, MPI_REPLACE));
  PetscCall(PetscSFReduceEnd(w->sf, MPI_DOUBLE, mine, array, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenWindowAdd(FenWindow *w, const double mine[], double array[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceBegin(w->sf, MPI_DOUBLE, mine, array, MPI_SUM));
  PetscCall(PetscSFReduceEnd(w->sf, MPI_DOUBLE, mine, array, MPI_SUM));
  PetscFunctionReturn(0);
}

PetscErrorCode FenWindowDestroy(FenWindow *w)
{
  PetscFunctionBegin;
  PetscCall(PetscSFDestroy(&w->sf));
  PetscFunctionReturn(0);
}
