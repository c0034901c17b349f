/* SPDX-License-Identifier: BSD-2-Clause */
/* Sparse rows in one growing store; a half sweep reads one store and fills another. */
#include "cells.h"

PetscErrorCode FenRowsCreate(FenInt nslots, FenRows *R)
{
  PetscFunctionBegin;
  *R = (FenRows){.nslots = nslots};
  PetscCall(PetscCalloc2(nslots, &R->first, nslots, &R->count));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowsDestroy(FenRows *R)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(R->first, R->count));
  PetscCall(PetscFree(R->idx));
  PetscCall(PetscFree(R->val));
  PetscCall(PetscFree(R->nu));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowsClear(FenRows *R)
{
  PetscFunctionBegin;
  R->used = 0;
  PetscCall(PetscArrayzero(R->count, R->nslots));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowsOpen(FenRows *R, FenInt n)
{
  size_t bytes;

  PetscFunctionBegin;
  if (R->used + n <= R->capacity)
    PetscFunctionReturn(0);
  R->capacity = PetscMax(R->used + n, R->capacity + R->capacity / 2 + 64);
  PetscCall(FenBytes(R->capacity, sizeof(double), &bytes));
  PetscCall(PetscRealloc(bytes, &R->idx));
  PetscCall(PetscRealloc(bytes, &R->val));
  PetscCall(PetscRealloc(bytes, &R->nu));
  PetscFunctionReturn(0);
}

void FenRowsClose(FenRows *R, FenInt slot, FenInt n)
{
  R->first[slot] = R->used;
  R->count[slot] = n;
  R->used += n;
}
