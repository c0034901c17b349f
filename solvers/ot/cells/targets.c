/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The targets that occur in a rank's rows, each once, as a window of arrays on the targets. With them, what the cells
   of all ranks send to each target.
*/
#include "cells.h"

PetscErrorCode FenTargetsCreate(const FenCells *C, FenTargets *T)
{
  const FenRows *R = &C->rows;
  FenInt        *number;

  PetscFunctionBegin;
  PetscCall(FenIndexSetCreateOf(&T->set, C->M[0] * C->M[1] * C->M[2], R->used, R->idx, &T->n));
  PetscCall(PetscMalloc1(T->n, &number));
  FenIndexSetList(&T->set, number);
  PetscCall(FenWindowCreate(C->targets, T->n, number, &T->window));
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTargetsDestroy(FenTargets *T)
{
  PetscFunctionBegin;
  PetscCall(FenWindowDestroy(&T->window));
  PetscCall(FenIndexSetDestroy(&T->set));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsRatios(FenCells *C)
{
  const FenRows *R = &C->rows;
  FenTargets     T;
  FenInt         n;
  double        *mine, *all;

  PetscFunctionBegin;
  PetscCall(FenTargetsCreate(C, &T));
  PetscCall(FenLayoutGetLocalSize(C->targets, &n));
  PetscCall(PetscCalloc2(T.n, &mine, n, &all));
  for (FenInt s = 0; s < C->nlocal; s++)
    for (FenInt k = R->first[s]; k < R->first[s] + R->count[s]; k++)
      mine[FenIndexSetRank(&T.set, R->idx[k])] += R->val[k];
  PetscCall(FenWindowAdd(&T.window, mine, all));
  for (FenInt j = 0; j < n; j++)
    all[j] = all[j] > 0 ? C->b[j] / all[j] : 0;
  PetscCall(FenWindowGet(&T.window, all, mine));
  PetscCall(PetscFree(C->ratio));
  PetscCall(PetscMalloc1(R->used, &C->ratio));
  for (FenInt k = 0; k < R->used; k++)
    C->ratio[k] = mine[FenIndexSetRank(&T.set, R->idx[k])];
  PetscCall(PetscFree2(mine, all));
  PetscCall(FenTargetsDestroy(&T));
  PetscFunctionReturn(0);
}
