/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The state of cells in a form that does not depend on the number of ranks: one row a cell, in the order of the grid of
   cells, rows cut evenly over ranks. Rows beyond the present level's cells are empty, so that all levels are described
   alike. Saving moves cells to their rows, loading moves them back.
*/
#include "cells.h"

PetscErrorCode FenCellsStageCreate(MPI_Comm comm, FenInt nrows, PetscInt px, FenCellsStage *S)
{
  FenInt n;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRows(comm, nrows, &S->layout));
  PetscCall(FenLayoutGetLocalSize(S->layout, &n));
  S->px = px;
  PetscCall(PetscCalloc2((n * px), &S->alpha[0], (n * px), &S->alpha[1]));
  PetscCall(PetscCalloc1((n + 1), &S->rows.ptr));
  PetscCall(PetscMalloc1(1, &S->rows.idx));
  PetscCall(PetscMalloc1(1, &S->rows.val));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsStageDestroy(FenCellsStage *S)
{
  PetscFunctionBegin;
  PetscCall(FenLayoutDestroy(&S->layout));
  PetscCall(PetscFree2(S->alpha[0], S->alpha[1]));
  PetscCall(FenSparseFree(&S->rows));
  PetscFunctionReturn(0);
}

/* my cells and the rows of the stage that they belong to */
static PetscErrorCode MoveToStage(const FenCellsStage *S, const FenCells *C, FenMove *move)
{
  FenInt       *slot, *key, n, start;
  const FenInt *keys;
  PetscMPIInt  *to;
  FenOwners     owners;

  PetscFunctionBegin;
  PetscCall(FenOwnersCreate(S->layout, &owners));
  PetscCall(PetscMalloc3(C->nlocal, &slot, C->nlocal, &key, C->nlocal, &to));
  for (FenInt s = 0; s < C->nlocal; s++) {
    const FenInt place[3] = {FenCellsNumber(C, C->place + 3 * s), 0, 0};

    slot[s] = s;
    key[s] = place[0];
    to[s] = FenOwnersFind(&owners, place, NULL);
  }
  PetscCall(FenMoveCreate(C->comm, C->nlocal, slot, key, to, move));
  PetscCall(PetscFree3(slot, key, to));
  PetscCall(FenOwnersDestroy(&owners));
  PetscCall(FenMoveGetKeys(*move, &n, &keys));
  PetscCall(FenLayoutGetRange(S->layout, &start, NULL));
  PetscCall(PetscMalloc1(n, &slot));
  for (FenInt k = 0; k < n; k++)
    slot[k] = keys[k] - start;
  PetscCall(FenMoveSetSlots(*move, slot));
  PetscCall(PetscFree(slot));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsToStage(const FenCells *C, FenCellsStage *S)
{
  FenMove move;
  FenRows R;
  FenInt  n;
  size_t  bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(S->layout, &n));
  PetscCall(MoveToStage(S, C, &move));
  PetscCall(FenRowsCreate(n, &R));
  for (int k = 0; k < 2; k++)
    PetscCall(PetscArrayzero(S->alpha[k], n * S->px));
  PetscCall(FenMoveBegin(move, PETSC_FALSE, &C->rows, 2, S->px, C->alpha));
  PetscCall(FenMoveEnd(move, PETSC_FALSE, &R, 2, S->px, S->alpha));
  PetscCall(FenMoveDestroy(&move));
  PetscCall(FenBytes(R.used + 1, sizeof(double), &bytes));
  PetscCall(PetscRealloc(bytes, &S->rows.idx));
  PetscCall(PetscRealloc(bytes, &S->rows.val));
  S->rows.ptr[0] = 0;
  for (FenInt r = 0; r < n; r++) {
    PetscCall(PetscArraycpy(S->rows.idx + S->rows.ptr[r], R.idx + R.first[r], R.count[r]));
    PetscCall(PetscArraycpy(S->rows.val + S->rows.ptr[r], R.val + R.first[r], R.count[r]));
    S->rows.ptr[r + 1] = S->rows.ptr[r] + R.count[r];
  }
  PetscCall(FenRowsDestroy(&R));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsFromStage(FenOT ot, PetscInt level, const FenCellsStage *S, FenCells *C)
{
  FenMove move;
  FenRows R;
  FenInt  n;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(S->layout, &n));
  PetscCall(MoveToStage(S, C, &move));
  PetscCall(FenRowsCreate(n, &R));
  PetscCall(FenRowsOpen(&R, S->rows.ptr[n]));
  for (FenInt r = 0; r < n; r++) {
    const FenInt count = S->rows.ptr[r + 1] - S->rows.ptr[r];

    PetscCall(PetscArraycpy(R.idx + R.used, S->rows.idx + S->rows.ptr[r], count));
    PetscCall(PetscArraycpy(R.val + R.used, S->rows.val + S->rows.ptr[r], count));
    PetscCall(PetscArrayzero(R.nu + R.used, count));
    FenRowsClose(&R, r, count);
  }
  PetscCall(FenRowsClear(&C->rows));
  PetscCall(FenMoveBegin(move, PETSC_TRUE, &R, 2, S->px, S->alpha));
  PetscCall(FenMoveEnd(move, PETSC_TRUE, &C->rows, 2, S->px, C->alpha));
  PetscCall(FenMoveDestroy(&move));
  PetscCall(FenRowsDestroy(&R));
  PetscCall(FenCellsFetchTargets(ot, level, C, PETSC_FALSE));
  PetscFunctionReturn(0);
}
