/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The targets that occur in a rank's rows, each once, as a window of arrays on the targets; found by their place in the
   smallest box around all of them. With them, what the cells of all ranks send to each target.
*/
#include "cells.h"

static void TargetBox(const FenCells *C, FenBox *box)
{
  const FenRows *R = &C->rows;

  *box = (FenBox){{INT64_MAX, INT64_MAX, INT64_MAX}, {0, 0, 0}};
  for (FenInt k = 0; k < R->used; k++) {
    const FenInt y[3] = {R->idx[k] / (C->M[1] * C->M[2]), R->idx[k] / C->M[2] % C->M[1], R->idx[k] % C->M[2]};

    for (int d = 0; d < FEN_MAX_DIM; d++) {
      box->lo[d] = PetscMin(box->lo[d], y[d]);
      box->hi[d] = PetscMax(box->hi[d], y[d] + 1);
    }
  }
  for (int d = 0; d < FEN_MAX_DIM; d++)
    box->lo[d] = PetscMin(box->lo[d], box->hi[d]);
}

static FenInt PlaceInBox(const FenCells *C, const FenBox *box, FenInt idx)
{
  const FenInt y[3] = {idx / (C->M[1] * C->M[2]), idx / C->M[2] % C->M[1], idx % C->M[2]};

  return ((y[0] - box->lo[0]) * (box->hi[1] - box->lo[1]) + y[1] - box->lo[1]) * (box->hi[2] - box->lo[2]) + y[2] -
         box->lo[2];
}

PetscErrorCode FenTargetsCreate(const FenCells *C, FenTargets *T)
{
  const FenRows *R = &C->rows;
  FenInt         volume, *number;

  PetscFunctionBegin;
  TargetBox(C, &T->box);
  volume = (T->box.hi[0] - T->box.lo[0]) * (T->box.hi[1] - T->box.lo[1]) * (T->box.hi[2] - T->box.lo[2]);
  PetscCall(PetscMalloc1(volume, &T->map));
  PetscCall(PetscMalloc1(volume, &number));
  for (FenInt k = 0; k < volume; k++)
    T->map[k] = -1;
  T->n = 0;
  for (FenInt k = 0; k < R->used; k++) {
    FenInt *m = T->map + PlaceInBox(C, &T->box, R->idx[k]);

    if (*m < 0) {
      number[T->n] = R->idx[k];
      *m = T->n++;
    }
  }
  PetscCall(FenWindowCreate(C->targets, T->n, number, &T->window));
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

FenInt FenTargetsFind(const FenTargets *T, const FenCells *C, FenInt idx)
{
  return T->map[PlaceInBox(C, &T->box, idx)];
}

PetscErrorCode FenTargetsDestroy(FenTargets *T)
{
  PetscFunctionBegin;
  PetscCall(FenWindowDestroy(&T->window));
  PetscCall(PetscFree(T->map));
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
      mine[FenTargetsFind(&T, C, R->idx[k])] += R->val[k];
  PetscCall(FenWindowAdd(&T.window, mine, all));
  for (FenInt j = 0; j < n; j++)
    all[j] = all[j] > 0 ? C->b[j] / all[j] : 0;
  PetscCall(FenWindowGet(&T.window, all, mine));
  PetscCall(PetscFree(C->ratio));
  PetscCall(PetscMalloc1(R->used, &C->ratio));
  for (FenInt k = 0; k < R->used; k++)
    C->ratio[k] = mine[FenTargetsFind(&T, C, R->idx[k])];
  PetscCall(PetscFree2(mine, all));
  PetscCall(FenTargetsDestroy(&T));
  PetscFunctionReturn(0);
}
