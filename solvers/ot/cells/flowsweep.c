/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Takes a step along the fluxes of flow.c: pieces of cells go to their neighbours, in the order of what their targets
   gain there, and a half sweep of the first partition follows. The objective of the plan that this leaves decides: no
   step raises it.
*/
#include "flow.h"
#include <math.h>

#define TRIES 2 /* steps, each a quarter of the one before, that may fail to lower the objective */

/* an entry of a row on its way */
typedef struct {
  double gain;
  FenInt k; /* in the row */
} Entry;

static int EntryLess(const void *a, const void *b)
{
  const Entry *x = (const Entry *)a, *y = (const Entry *)b;

  if (x->gain > y->gain || x->gain < y->gain)
    return x->gain > y->gain ? -1 : 1;
  return (x->k > y->k) - (x->k < y->k);
}

/* takes `amount` of the entries that gain the most out of left[], appends them as a row */
static PetscErrorCode Take(const FenFlow *F, FenInt s, int face, double amount, const double cost[], double left[],
                           Entry entry[], double take[], FenRows *out)
{
  const FenRows *R = &F->C->rows;
  const FenInt   count = R->count[s];
  FenInt         n = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < count; k++) {
    entry[k] = (Entry){cost[FEN_CELL_FACES * count + k] - cost[face * count + k], k};
    take[k] = 0;
  }
  qsort(entry, (size_t)count, sizeof(Entry), EntryLess);
  for (FenInt e = 0; e < count && amount > 0; e++) {
    const FenInt k = entry[e].k;

    take[k] = PetscMin(left[k], amount);
    left[k] -= take[k];
    amount -= take[k];
  }
  PetscCall(FenRowsOpen(out, count));
  for (FenInt k = 0; k < count; k++)
    if (take[k] > 0) {
      out->idx[out->used + n] = R->idx[R->first[s] + k];
      out->val[out->used + n] = take[k];
      out->nu[out->used + n++] = R->nu[R->first[s] + k];
    }
  FenRowsClose(out, FEN_CELL_FACES * s + face, n);
  PetscFunctionReturn(0);
}

/* pieces of my cells, one a face, leave; left[] stays */
static PetscErrorCode Leave(const FenFlow *F, double step, double left[], FenRows *pieces)
{
  const FenCells *C = F->C;
  const FenRows  *R = &C->rows;
  FenInt          most = 1;
  Entry          *entry;
  double         *take, *cost;

  PetscFunctionBegin;
  for (FenInt s = 0; s < C->nlocal; s++)
    most = PetscMax(most, R->count[s]);
  PetscCall(PetscMalloc3(most, &entry, most, &take, ((FEN_CELL_FACES + 1) * most), &cost));
  for (FenInt s = 0; s < C->nlocal; s++) {
    if (R->count[s])
      PetscCall(FenFlowCosts(F, s, cost));
    for (int face = 0; face < FEN_CELL_FACES && R->count[s]; face++)
      if (F->flux[FEN_CELL_FACES * s + face] > 0)
        PetscCall(
            Take(F, s, face, step * F->flux[FEN_CELL_FACES * s + face], cost, left + R->first[s], entry, take, pieces));
  }
  PetscCall(PetscFree3(entry, take, cost));
  PetscFunctionReturn(0);
}

/* pieces to the cells beyond their faces; slots of `arrived`: cell, face of the cell a piece comes from */
static PetscErrorCode Send(const FenFlow *F, const FenRows *pieces, FenRows *arrived)
{
  const FenCells *C = F->C;
  FenInt          n = 0, *slot, *key, narrived;
  const FenInt   *keys;
  PetscMPIInt    *to;
  FenMove         move;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((FEN_CELL_FACES * C->nlocal), &slot, (FEN_CELL_FACES * C->nlocal), &key,
                         (FEN_CELL_FACES * C->nlocal), &to));
  for (FenInt p = 0; p < FEN_CELL_FACES * C->nlocal; p++) {
    const int face = (int)(p % FEN_CELL_FACES);
    FenInt    c[3];

    if (!pieces->count[p])
      continue;
    (void)FenFlowBeyond(C, C->place + 3 * (p / FEN_CELL_FACES), face, c);
    slot[n] = p;
    key[n] = FEN_CELL_FACES * FenCellsNumber(C, c) + face;
    to[n++] = FenFlowOwner(C, c);
  }
  PetscCall(FenMoveCreate(C->comm, n, slot, key, to, &move));
  PetscCall(PetscFree3(slot, key, to));
  PetscCall(FenMoveGetKeys(move, &narrived, &keys));
  PetscCall(PetscMalloc1(narrived, &slot));
  for (FenInt k = 0; k < narrived; k++) {
    const FenInt number = keys[k] / FEN_CELL_FACES;
    const FenInt c[3] = {number / (C->ncell[1] * C->ncell[2]), number / C->ncell[2] % C->ncell[1],
                         number % C->ncell[2]};

    slot[k] = FEN_CELL_FACES * FenCellsSlot(C, c) + keys[k] % FEN_CELL_FACES;
  }
  PetscCall(FenMoveSetSlots(move, slot));
  PetscCall(PetscFree(slot));
  PetscCall(FenMoveBegin(move, PETSC_FALSE, pieces, 0, 0, NULL));
  PetscCall(FenMoveEnd(move, PETSC_FALSE, arrived, 0, 0, NULL));
  PetscCall(FenMoveDestroy(&move));
  PetscFunctionReturn(0);
}

/* what stayed of a cell and what arrived, always in the same order */
static PetscErrorCode Merge(const FenFlow *F, FenInt s, const double left[], const FenRows *arrived, FenRows *moved)
{
  const FenRows *R = &F->C->rows, *rows[FEN_CELL_FACES + 1] = {R};
  const double  *val[FEN_CELL_FACES + 1] = {left};
  FenInt         head[FEN_CELL_FACES + 1] = {R->first[s]}, end[FEN_CELL_FACES + 1] = {R->first[s] + R->count[s]};
  FenInt         n = 0, most = R->count[s];
  int            lists = 1;

  PetscFunctionBegin;
  for (int face = 0; face < FEN_CELL_FACES; face++) {
    const FenInt slot = FEN_CELL_FACES * s + face;

    rows[lists] = arrived;
    val[lists] = arrived->val;
    head[lists] = arrived->first[slot];
    end[lists] = head[lists] + arrived->count[slot];
    most += arrived->count[slot];
    lists += arrived->count[slot] > 0;
  }
  PetscCall(FenRowsOpen(moved, most));
  for (;;) {
    FenInt least = INT64_MAX;
    double sum = 0, nu = 0;

    for (int l = 0; l < lists; l++)
      if (head[l] < end[l])
        least = PetscMin(least, rows[l]->idx[head[l]]);
    if (least == INT64_MAX)
      break;
    for (int l = 0; l < lists; l++)
      if (head[l] < end[l] && rows[l]->idx[head[l]] == least) {
        sum += val[l][head[l]];
        nu = rows[l]->nu[head[l]++];
      }
    moved->idx[moved->used + n] = least;
    moved->val[moved->used + n] = sum;
    moved->nu[moved->used + n] = nu;
    n += sum > 0;
  }
  FenRowsClose(moved, s, n);
  PetscFunctionReturn(0);
}

PetscErrorCode FenFlowApply(FenFlow *F, double step, FenRows *moved)
{
  const FenCells *C = F->C;
  FenRows         pieces, arrived;
  double         *left;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(C->rows.used, &left));
  PetscCall(PetscArraycpy(left, C->rows.val, C->rows.used));
  PetscCall(FenRowsCreate((FEN_CELL_FACES * C->nlocal), &pieces));
  PetscCall(FenRowsCreate((FEN_CELL_FACES * C->nlocal), &arrived));
  PetscCall(Leave(F, step, left, &pieces));
  PetscCall(Send(F, &pieces, &arrived));
  PetscCall(FenRowsClear(moved));
  for (FenInt s = 0; s < C->nlocal; s++)
    PetscCall(Merge(F, s, left, &arrived, moved));
  PetscCall(FenRowsDestroy(&pieces));
  PetscCall(FenRowsDestroy(&arrived));
  PetscCall(PetscFree(left));
  PetscFunctionReturn(0);
}

/* undoes a half sweep that began with other rows */
static PetscErrorCode Undo(FenCells *C, FenRows *saved, FenRows *moved, const double alpha[])
{
  PetscFunctionBegin;
  *moved = C->next;
  C->next = C->rows;
  C->rows = *saved;
  PetscCall(PetscArraycpy(C->alpha[0], alpha, C->nlocal * C->px));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsFlowSweep(FenCells *C, const char prefix[], double before, FenCellWork *w, FenHalfSweep *H,
                                 double *step)
{
  const FenHalfSweep wanted = *H;
  FenFlow            F;
  FenRows            moved, saved;
  double            *alpha, upper = HUGE_VAL;

  PetscFunctionBegin;
  PetscCall(FenFlowCreate(C, w->formula, prefix, &F));
  PetscCall(FenRowsCreate(C->nslots, &moved));
  PetscCall(PetscMalloc1((C->nlocal * C->px), &alpha));
  PetscCall(PetscArraycpy(alpha, C->alpha[0], C->nlocal * C->px));
  *step = F.capacity > 1 ? 1 / F.capacity : 1;
  for (int tries = 0; F.capacity > 0 && tries < TRIES; tries++, *step /= 4) {
    PetscCall(FenFlowApply(&F, *step, &moved));
    saved = C->rows;
    C->rows = moved;
    *H = wanted;
    PetscCall(FenCellsHalfSweep(C, 0, w, H));
    PetscCall(FenDDReduce(C->comm, 1, &H->upper, &upper));
    if (upper <= before) {
      moved = saved;
      break;
    }
    PetscCall(Undo(C, &saved, &moved, alpha));
    upper = HUGE_VAL;
  }
  if (!(F.capacity > 0) || !(upper <= before)) {
    *H = wanted;
    *step = 0;
    PetscCall(FenCellsHalfSweep(C, 0, w, H));
  }
  PetscCall(FenRowsDestroy(&moved));
  PetscCall(PetscFree(alpha));
  PetscCall(FenFlowDestroy(&F));
  PetscFunctionReturn(0);
}
