/* SPDX-License-Identifier: BSD-2-Clause */
/*
   From one level to the next finer one. Cells keep their size in pixels, so that a basic cell becomes one composite:
   its share of a coarse target goes to the fine ones in proportion to nu, and is divided among the new cells in
   proportion to their masses. Potentials are interpolated linearly inside the old composites of A, where they are
   smooth.

   Cells of the finer level are made where their parents are, and then move to their owners: one message to each rank
   that gets some.
*/
#include "cells.h"

typedef struct {
  const FenCells *coarse, *fine;
  FenInt          sides[2][FEN_MAX_DIM]; /* children along each axis: 1 or 2; of source cells and of targets */
  FenInt         *idx, n;
  double         *val;
} Refinement;

/* targets of a range of entries that agree in all coordinates before `axis`, in ascending order */
static void Children(Refinement *r, const FenInt idx[], const double share[], FenInt n, int axis, FenInt prefix)
{
  const FenInt *M = r->coarse->M, stride = axis == 0 ? M[1] * M[2] : axis == 1 ? M[2] : 1;

  for (FenInt from = 0, to; from < n; from = to) {
    const FenInt y = idx[from] / stride % M[axis];

    for (to = from + 1; to < n && idx[to] / stride % M[axis] == y; to++)
      ;
    for (FenInt c = 0; c < r->sides[1][axis]; c++) {
      const FenInt child = r->sides[1][axis] * y + c, at = prefix * r->fine->M[axis] + child;

      if (child >= r->fine->M[axis])
        continue;
      if (axis < 2) {
        Children(r, idx + from, share + from, to - from, axis + 1, at);
        continue;
      }
      r->idx[r->n] = at;
      r->val[r->n++] = share[from];
    }
  }
}

/* potential at a pixel of a new cell, given by its coordinates; q: the old composite */
static double Interpolated(const Refinement *r, FenInt q, const FenInt first[], const FenInt pixel[])
{
  const FenCells *C = r->coarse;
  FenInt          base[3];
  double          t[3], sum = 0;

  for (int d = 0; d < FEN_MAX_DIM; d++) {
    const FenInt n = C->side[d] * C->twice[d];
    const double u = (r->sides[0][d] == 2 ? 0.5 * ((double)pixel[d] + 0.5) - 0.5 : (double)pixel[d]) - (double)first[d];

    base[d] = u < 0 ? 0 : (FenInt)u;
    base[d] = PetscMax(0, PetscMin(base[d], n - 2));
    t[d] = n > 1 ? u - (double)base[d] : 0;
  }
  for (int corner = 0; corner < 8; corner++) {
    const FenInt bit[3] = {corner >> 2, corner >> 1 & 1, corner & 1};
    FenInt       m = 0, p = 0;
    double       weight = 1;

    for (int d = 0; d < FEN_MAX_DIM; d++) {
      const FenInt at = base[d] + bit[d];

      weight *= bit[d] ? t[d] : 1 - t[d];
      m = m * C->twice[d] + at / C->side[d];
      p = p * C->side[d] + at % C->side[d];
    }
    if (weight != 0)
      sum += weight * C->alpha[0][(q * C->members + m) * C->px + p];
  }
  return sum;
}

/* pixels of a new cell */
static void Potentials(const Refinement *r, FenInt s, const FenInt cell[], double out[])
{
  const FenCells *C = r->coarse;
  FenInt          first[3];

  for (int d = 0; d < FEN_MAX_DIM; d++)
    first[d] = C->place[3 * s + d] / C->twice[d] * C->twice[d] * C->side[d];
  for (PetscInt p = 0; p < C->px; p++) {
    const FenInt pixel[3] = {cell[0] * C->side[0] + p / (C->side[1] * C->side[2]),
                             cell[1] * C->side[1] + p / C->side[2] % C->side[1], cell[2] * C->side[2] + p % C->side[2]};

    out[p] = Interpolated(r, s / C->members, first, pixel);
  }
}

/* the new cells of one old cell, appended to the rows; number of them */
static PetscErrorCode Split(Refinement *r, FenInt s, FenRows *rows, double *alpha, FenInt key[], PetscMPIInt to[],
                            FenInt *n)
{
  const FenCells *C = r->coarse, *F = r->fine;
  const FenRows  *R = &C->rows;
  double         *share;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(R->count[s], &share, (8 * R->count[s]), &r->idx, (8 * R->count[s]), &r->val));
  for (FenInt k = 0; k < R->count[s]; k++)
    share[k] = R->val[R->first[s] + k] / R->nu[R->first[s] + k] / C->mass[s];
  r->n = 0;
  Children(r, R->idx + R->first[s], share, R->count[s], 0, 0);
  for (int child = 0; child < 8; child++) {
    const FenInt bit[3] = {child >> 2, child >> 1 & 1, child & 1};
    FenInt       cell[3], owner[3];
    PetscBool    there = PETSC_TRUE;

    for (int d = 0; d < FEN_MAX_DIM; d++) {
      cell[d] = r->sides[0][d] * C->place[3 * s + d] + bit[d];
      owner[d] = cell[d] / F->twice[d];
      there = (PetscBool)(there && bit[d] < r->sides[0][d] && cell[d] < F->ncell[d]);
    }
    if (!there)
      continue;
    key[*n] = FenCellsNumber(F, cell);
    to[*n] = FenOwnersFind(&F->owners, owner, NULL);
    Potentials(r, s, cell, alpha + *n * C->px);
    PetscCall(FenRowsOpen(rows, r->n));
    PetscCall(PetscArraycpy(rows->idx + rows->used, r->idx, r->n));
    PetscCall(PetscArraycpy(rows->val + rows->used, r->val, r->n));
    PetscCall(PetscArrayzero(rows->nu + rows->used, r->n));
    FenRowsClose(rows, *n, r->n);
    (*n)++;
  }
  PetscCall(PetscFree3(share, r->idx, r->val));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsPlace(FenCells *C, FenMove move)
{
  const FenInt *key;
  FenInt        n, *slot;

  PetscFunctionBegin;
  PetscCall(FenMoveGetKeys(move, &n, &key));
  PetscCall(PetscMalloc1(n, &slot));
  for (FenInt k = 0; k < n; k++) {
    const FenInt c[3] = {key[k] / (C->ncell[1] * C->ncell[2]), key[k] / C->ncell[2] % C->ncell[1],
                         key[k] % C->ncell[2]};

    slot[k] = FenCellsSlot(C, c);
  }
  PetscCall(FenMoveSetSlots(move, slot));
  PetscCall(PetscFree(slot));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsRefine(FenOT ot, PetscInt level, const FenCells *coarse, FenCells *fine)
{
  Refinement   r = {.coarse = coarse, .fine = fine};
  FenInt       n = 0, most = 8 * coarse->nlocal, entries = coarse->rows.used, *key, *slot;
  PetscMPIInt *to;
  FenRows      rows;
  FenMove      move;
  double      *alpha;

  PetscFunctionBegin;
  for (int d = 0; d < FEN_MAX_DIM; d++) {
    r.sides[0][d] = fine->N[d] > coarse->N[d] ? 2 : 1;
    r.sides[1][d] = fine->M[d] > coarse->M[d] ? 2 : 1;
  }
  for (int d = 0; d < FEN_MAX_DIM; d++)
    entries *= r.sides[0][d] * r.sides[1][d];
  PetscCall(FenRowsCreate(most, &rows));
  PetscCall(FenRowsOpen(&rows, entries));
  PetscCall(PetscMalloc4(most, &key, most, &slot, most, &to, (most * coarse->px), &alpha));
  for (FenInt s = 0; s < coarse->nlocal; s++)
    if (coarse->mass[s] > 0)
      PetscCall(Split(&r, s, &rows, alpha, key, to, &n));
  for (FenInt k = 0; k < n; k++)
    slot[k] = k;
  PetscCall(FenMoveCreate(fine->comm, n, slot, key, to, &move));
  PetscCall(FenCellsPlace(fine, move));
  PetscCall(FenRowsClear(&fine->rows));
  PetscCall(FenMoveBegin(move, PETSC_FALSE, &rows, 1, fine->px, &alpha));
  PetscCall(FenRowsDestroy(&rows)); /* under way, or packed */
  PetscCall(FenMoveEnd(move, PETSC_FALSE, &fine->rows, 1, fine->px, &fine->alpha[0]));
  PetscCall(FenMoveDestroy(&move));
  PetscCall(PetscFree4(key, slot, to, alpha));
  PetscCall(FenCellsFetchTargets(ot, level, fine, PETSC_TRUE));
  PetscFunctionReturn(0);
}
