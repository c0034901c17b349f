/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One half sweep: all composites of a partition. Guests of a B half travel while the composites that need none are
   solved; their new shares and potentials travel back.
*/
#include "cells.h"

static PetscErrorCode Composites(FenCells *C, int partition, FenInt from, FenInt to, FenCellWork *w, FenHalfSweep *H)
{
  PetscFunctionBegin;
  for (FenInt t = from; t < to; t++)
    PetscCall(FenCellsComposite(C, partition, C->task[partition] + FEN_CELL_MEMBERS * t, w, H));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsHalfSweep(FenCells *C, int partition, FenCellWork *w, FenHalfSweep *H)
{
  const FenInt   inner = partition ? (C->marginal ? 0 : C->inner) : C->ntask[0];
  double *const *sent = &C->alpha[H->align ? 0 : 1];
  FenRows        done;

  PetscFunctionBegin;
  PetscCall(FenRowsClear(&C->next));
  if (partition)
    PetscCall(FenMoveBegin(C->guests, PETSC_FALSE, &C->rows, 1, C->px, sent));
  if (C->marginal && !partition)
    PetscCall(FenCellsRatios(C));
  PetscCall(Composites(C, partition, 0, inner, w, H));
  if (partition) {
    PetscCall(FenMoveEnd(C->guests, PETSC_FALSE, &C->rows, 1, C->px, sent));
    if (C->marginal) /* of guests, too: no composite is solved before */
      PetscCall(FenCellsRatios(C));
    PetscCall(Composites(C, partition, inner, C->ntask[partition], w, H));
    PetscCall(FenMoveBegin(C->guests, PETSC_TRUE, &C->next, 1, C->px, &C->alpha[1]));
    PetscCall(FenMoveEnd(C->guests, PETSC_TRUE, &C->next, 1, C->px, &C->alpha[1]));
  }
  done = C->next;
  C->next = C->rows;
  C->rows = done;
  PetscFunctionReturn(0);
}
