/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLayout: any box of an array, from those who own it.
*/
#include "../commimpl.h"
#include <petscsf.h>

/* how points of a box are numbered by their owner, and in the box that was asked for */
typedef struct {
  FenBox box;
  FenInt stride[FEN_MAX_DIM];
} FenNumbers;

static FenInt FenNumberOf(const FenNumbers *N, const FenInt at[])
{
  FenInt n = 0;

  for (int d = 0; d < FEN_MAX_DIM; d++)
    n += (at[d] - N->box.lo[d]) * N->stride[d];
  return n;
}

/* what a rank has of the box: numbers there and here, appended */
typedef struct {
  PetscInt     n, *mine;
  PetscSFNode *remote;
} FenLeaves;

static PetscErrorCode FenLeavesAdd(FenLeaves *L, PetscMPIInt r, const FenBox *part, const FenNumbers *theirs,
                                   const FenNumbers *mine)
{
  FenInt at[FEN_MAX_DIM];

  PetscFunctionBegin;
  for (at[0] = part->lo[0]; at[0] < part->hi[0]; at[0]++)
    for (at[1] = part->lo[1]; at[1] < part->hi[1]; at[1]++)
      for (at[2] = part->lo[2]; at[2] < part->hi[2]; at[2]++, L->n++) {
        PetscCall(FenIntCast(FenNumberOf(mine, at), &L->mine[L->n]));
        PetscCall(FenIntCast(FenNumberOf(theirs, at), &L->remote[L->n].index));
        L->remote[L->n].rank = r;
      }
  PetscFunctionReturn(0);
}

static void FenCopyOwn(const FenBox *part, const FenNumbers *own, const FenNumbers *box, const double from[],
                       double to[])
{
  const FenInt n[FEN_MAX_DIM] = {part->hi[0] - part->lo[0], part->hi[1] - part->lo[1], part->hi[2] - part->lo[2]};

  FenBoxCopy_Private(n, own->stride, from + FenNumberOf(own, part->lo), box->stride, to + FenNumberOf(box, part->lo));
}

/*@C
  FenLayoutFetch - Gets the entries of any box of a distributed array.

  Collective

  Input Parameters:
+ layout - the array's layout
. box    - the box that this rank wants, inside the array; it may be empty, and differ from all others
. order  - storage order of its axes, slowest first, as in `FenLayoutGetOrder()`
- own    - this rank's part of the array

  Output Parameter:
. values - the entries of the box

  Note:
  What this rank has itself is copied, the rest comes from those who own it, whom all ranks find for themselves.

  Level: intermediate

.seealso: `FenRedistCreate()`, `FenLayoutGetBox()`
@*/
PetscErrorCode FenLayoutFetch(FenLayout layout, const FenBox *box, const PetscInt order[FEN_MAX_DIM],
                              const double own[], double values[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  FenNumbers     here = {*box, {0, 0, 0}}, there;
  FenLeaves      L = {0, NULL, NULL};
  FenBox         part;
  FenInt         missing;
  PetscInt       nroots;
  PetscMPIInt    rank, ranks;
  PetscSF        sf;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  FenBoxStrides_Private(box, order, here.stride);
  there.box = layout->box;
  PetscCall(FenLayoutGetStrides(layout, rank, there.stride));
  missing = FenBoxSize_Private(box) - FenBoxIntersect_Private(box, &layout->box, &part);
  if (FenBoxSize_Private(&part))
    FenCopyOwn(&part, &there, &here, own, values);
  PetscCall(PetscMalloc1((size_t)missing, &L.mine));
  PetscCall(PetscMalloc1((size_t)missing, &L.remote));
  for (PetscMPIInt r = 0; r < ranks && L.n < missing; r++) {
    if (r == rank)
      continue;
    PetscCall(FenLayoutGetBox(layout, r, &there.box));
    if (!FenBoxIntersect_Private(box, &there.box, &part))
      continue;
    PetscCall(FenLayoutGetStrides(layout, r, there.stride));
    PetscCall(FenLeavesAdd(&L, r, &part, &there, &here));
  }
  PetscCall(FenIntCast(layout->local, &nroots));
  PetscCall(PetscSFCreate(comm, &sf));
  PetscCall(PetscSFSetGraph(sf, nroots, L.n, L.mine, PETSC_OWN_POINTER, L.remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFBcastBegin(sf, MPI_DOUBLE, own, values, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(sf, MPI_DOUBLE, own, values, MPI_REPLACE));
  PetscCall(PetscSFDestroy(&sf));
  PetscFunctionReturn(0);
}
