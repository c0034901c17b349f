/* SPDX-License-Identifier: BSD-2-Clause */
/* Cells of one level: who owns which, what they weigh, which composites they make, and their first plan. */
#include "cells.h"

static PetscErrorCode Grids(FenOT ot, PetscInt level, const FenInt side[], const double cuts[], FenCells *C)
{
  const FenOTLevel *L = &ot->level[level];

  PetscFunctionBegin;
  C->comm = PetscObjectComm((PetscObject)ot);
  PetscCall(FenMeasureGetDim(L->measure[0], &C->dim));
  PetscCall(FenMeasureGetGrid(L->measure[0], C->N, C->hx, C->x0));
  PetscCall(FenMeasureGetGrid(L->measure[1], C->M, C->hy, C->y0));
  C->px = C->members = 1;
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++) {
    const PetscBool there = (PetscBool)(d < C->dim);

    if (!there) {
      C->N[d] = C->M[d] = 1;
      C->hx[d] = C->hy[d] = 1;
      C->x0[d] = C->y0[d] = 0;
    }
    C->side[d] = there ? side[d] : 1;
    C->twice[d] = there ? 2 : 1;
    C->px *= (PetscInt)C->side[d];
    C->members *= (PetscInt)C->twice[d];
    C->ncomp[d] = (C->N[d] + C->side[d] * C->twice[d] - 1) / (C->side[d] * C->twice[d]);
    C->ncell[d] = C->ncomp[d] * C->twice[d];
  }
  PetscCall(FenCellsBlocks(C->comm, C->dim, C->ncomp, cuts, &C->blocks));
  PetscCall(FenLayoutGetBox(C->blocks, -1, &C->box));
  PetscCall(FenOwnersCreate(C->blocks, &C->owners));
  PetscFunctionReturn(0);
}

/* coordinates of my cells, composite by composite */
static PetscErrorCode Places(FenCells *C)
{
  FenInt n, s = 0;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(C->blocks, &n));
  C->nlocal = n * C->members;
  PetscCall(PetscMalloc1((3 * C->nlocal), &C->place));
  for (FenInt a = C->box.lo[0]; a < C->box.hi[0]; a++)
    for (FenInt b = C->box.lo[1]; b < C->box.hi[1]; b++)
      for (FenInt c = C->box.lo[2]; c < C->box.hi[2]; c++)
        for (PetscInt m = 0; m < C->members; m++, s++) {
          const FenInt m2 = m % C->twice[2], m1 = m / C->twice[2] % C->twice[1], m0 = m / C->twice[2] / C->twice[1];

          C->place[3 * s] = a * C->twice[0] + m0;
          C->place[3 * s + 1] = b * C->twice[1] + m1;
          C->place[3 * s + 2] = c * C->twice[2] + m2;
        }
  PetscFunctionReturn(0);
}

/* slot of a cell of mine, -1 if it is somebody else's */
FenInt FenCellsSlot(const FenCells *C, const FenInt c[])
{
  FenInt q = 0, m = 0;

  for (int d = 0; d < FEN_MAX_DIM; d++) {
    const FenInt a = c[d] / C->twice[d];

    if (a < C->box.lo[d] || a >= C->box.hi[d])
      return -1;
    q = q * (C->box.hi[d] - C->box.lo[d]) + a - C->box.lo[d];
    m = m * C->twice[d] + c[d] % C->twice[d];
  }
  return q * C->members + m;
}

/* first cell of the composite of B that a cell belongs to */
static void FirstOfB(const FenCells *C, const FenInt c[], FenInt first[])
{
  for (int d = 0; d < FEN_MAX_DIM; d++)
    first[d] = C->twice[d] == 1 || c[d] == 0 || c[d] % 2 ? c[d] : c[d] - 1;
}

/* cells of mine that belong to composites of others go there in a B half, those of others come here */
static PetscErrorCode Guests(FenCells *C)
{
  FenInt        n = 0, nguests, *slot, *key;
  const FenInt *keys;
  PetscMPIInt  *to, rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(C->comm, &rank));
  PetscCall(PetscMalloc3(C->nlocal, &slot, C->nlocal, &key, C->nlocal, &to));
  for (FenInt s = 0; s < C->nlocal; s++) {
    FenInt first[3];

    FirstOfB(C, C->place + 3 * s, first);
    for (int d = 0; d < FEN_MAX_DIM; d++)
      first[d] /= C->twice[d];
    to[n] = FenOwnersFind(&C->owners, first, NULL);
    slot[n] = s;
    key[n] = FenCellsNumber(C, C->place + 3 * s);
    n += to[n] != rank;
  }
  PetscCall(FenMoveCreate(C->comm, n, slot, key, to, &C->guests));
  PetscCall(PetscFree3(slot, key, to));
  PetscCall(FenMoveGetKeys(C->guests, &nguests, &keys));
  C->nslots = C->nlocal + nguests;
  PetscCall(PetscRealloc((size_t)(3 * C->nslots + 1) * sizeof(FenInt), &C->place));
  PetscCall(PetscMalloc1(nguests, &slot));
  for (FenInt g = 0; g < nguests; g++) {
    FenInt *c = C->place + 3 * (C->nlocal + g);

    slot[g] = C->nlocal + g;
    c[0] = keys[g] / (C->ncell[1] * C->ncell[2]);
    c[1] = keys[g] / C->ncell[2] % C->ncell[1];
    c[2] = keys[g] % C->ncell[2];
  }
  PetscCall(FenMoveSetSlots(C->guests, slot));
  PetscCall(PetscFree(slot));
  PetscFunctionReturn(0);
}

/* keys and slots of guests, by key */
typedef struct {
  FenInt key, slot;
} Guest;

static int GuestLess(const void *a, const void *b)
{
  const FenInt x = ((const Guest *)a)->key, y = ((const Guest *)b)->key;

  return (x > y) - (x < y);
}

static FenInt SlotOf(const FenCells *C, FenInt n, const Guest guest[], const FenInt c[])
{
  const FenInt s = FenCellsSlot(C, c);
  Guest        wanted;
  const Guest *found;

  if (s >= 0)
    return s;
  wanted.key = FenCellsNumber(C, c);
  found = (const Guest *)bsearch(&wanted, guest, (size_t)n, sizeof(Guest), GuestLess);
  return found ? found->slot : -1;
}

/* members of the composite of B that begins with this cell; guests: some are not mine */
static PetscBool MembersOfB(const FenCells *C, FenInt n, const Guest guest[], const FenInt first[], FenInt slot[])
{
  PetscBool guests = PETSC_FALSE;

  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++) {
    const FenInt bit[3] = {m >> 2, m >> 1 & 1, m & 1};
    FenInt       c[3];
    PetscBool    there = PETSC_TRUE;

    for (int d = 0; d < FEN_MAX_DIM; d++) {
      c[d] = first[d] + bit[d];
      if (bit[d] && (C->twice[d] == 1 || first[d] % 2 == 0 || c[d] >= C->ncell[d]))
        there = PETSC_FALSE;
    }
    slot[m] = there ? SlotOf(C, n, guest, c) : -1;
    if (slot[m] >= C->nlocal)
      guests = PETSC_TRUE;
  }
  return guests;
}

static PetscErrorCode Tasks(FenCells *C)
{
  const FenInt n = C->nslots - C->nlocal;
  Guest       *guest;

  PetscFunctionBegin;
  C->ntask[0] = C->nlocal / C->members;
  PetscCall(PetscMalloc1((FEN_CELL_MEMBERS * C->ntask[0]), &C->task[0]));
  for (FenInt t = 0; t < C->ntask[0]; t++)
    for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++) {
      const FenInt bit[3] = {m >> 2, m >> 1 & 1, m & 1};

      C->task[0][FEN_CELL_MEMBERS * t + m] =
          bit[0] < C->twice[0] && bit[1] < C->twice[1] && bit[2] < C->twice[2]
              ? t * C->members + (bit[0] * C->twice[1] + bit[1]) * C->twice[2] + bit[2]
              : -1;
    }
  PetscCall(PetscMalloc1(n, &guest));
  for (FenInt g = 0; g < n; g++)
    guest[g] = (Guest){FenCellsNumber(C, C->place + 3 * (C->nlocal + g)), C->nlocal + g};
  if (n > 1)
    qsort(guest, (size_t)n, sizeof(Guest), GuestLess);
  PetscCall(PetscMalloc1((FEN_CELL_MEMBERS * (C->nlocal + 1)), &C->task[1]));
  for (int with = 0; with < 2; with++) { /* those without guests first */
    for (FenInt s = 0; s < C->nlocal; s++) {
      const FenInt *c = C->place + 3 * s;
      FenInt        first[3];

      FirstOfB(C, c, first);
      if (first[0] == c[0] && first[1] == c[1] && first[2] == c[2] &&
          MembersOfB(C, n, guest, first, C->task[1] + FEN_CELL_MEMBERS * C->ntask[1]) == (PetscBool)with)
        C->ntask[1]++;
    }
    if (!with)
      C->inner = C->ntask[1];
  }
  PetscCall(PetscFree(guest));
  PetscFunctionReturn(0);
}

/* weights of my pixels, and of guests */
static PetscErrorCode Weights(FenOT ot, PetscInt level, FenCells *C)
{
  FenInt    q[3], n = 0, *number;
  FenLayout layout;
  double   *mine;

  PetscFunctionBegin;
  PetscCall(
      PetscCalloc3((C->nslots * C->px), &C->mu, (C->nslots * C->px), &C->alpha[0], (C->nslots * C->px), &C->alpha[1]));
  PetscCall(PetscCalloc1(C->nslots, &C->mass));
  PetscCall(PetscMalloc1((C->nlocal * C->px), &C->inside));
  PetscCall(PetscMalloc1((C->nlocal * C->px), &number));
  for (FenInt s = 0; s < C->nlocal; s++)
    for (PetscInt p = 0; p < C->px; p++) {
      const FenInt in[3] = {p / (C->side[1] * C->side[2]), p / C->side[2] % C->side[1], p % C->side[2]};

      for (int d = 0; d < FEN_MAX_DIM; d++)
        q[d] = C->place[3 * s + d] * C->side[d] + in[d];
      if (q[0] >= C->N[0] || q[1] >= C->N[1] || q[2] >= C->N[2])
        continue;
      C->inside[n] = s * C->px + p;
      number[n++] = (q[0] * C->N[1] + q[1]) * C->N[2] + q[2];
    }
  C->ninside = n;
  PetscCall(FenMeasureGetLayout(ot->level[level].measure[0], &layout));
  PetscCall(FenWindowCreate(layout, n, number, &C->pixels));
  PetscCall(PetscFree(number));
  PetscCall(PetscMalloc1(n, &mine));
  PetscCall(FenWindowGet(&C->pixels, ot->level[level].weight[0], mine));
  for (FenInt k = 0; k < n; k++)
    C->mu[C->inside[k]] = mine[k];
  PetscCall(PetscFree(mine));
  PetscCall(FenMoveBegin(C->guests, PETSC_FALSE, &C->rows, 1, C->px, &C->mu));
  PetscCall(FenMoveEnd(C->guests, PETSC_FALSE, &C->rows, 1, C->px, &C->mu));
  for (FenInt s = 0; s < C->nslots; s++) {
    FenDD sum = {0, 0};

    for (PetscInt p = 0; p < C->px; p++)
      FenDDAdd(&sum, C->mu[s * C->px + p]);
    C->mass[s] = sum.hi + sum.lo;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsCreate(FenOT ot, PetscInt level, const FenInt side[], const double cuts[], FenCells **cells)
{
  FenCells *C;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  PetscCall(Grids(ot, level, side, cuts, C));
  PetscCall(Places(C));
  PetscCall(Guests(C));
  PetscCall(FenRowsCreate(C->nslots, &C->rows));
  PetscCall(FenRowsCreate(C->nslots, &C->next));
  PetscCall(Weights(ot, level, C));
  PetscCall(Tasks(C));
  C->marginal = ot->relaxed ? ot->marginal : NULL;
  PetscCall(FenMeasureGetLayout(ot->level[level].measure[1], &C->targets));
  C->b = ot->level[level].weight[1];
  *cells = C;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsDestroy(FenCells **cells)
{
  FenCells *C = *cells;

  PetscFunctionBegin;
  if (!C)
    PetscFunctionReturn(0);
  PetscCall(FenMoveDestroy(&C->guests));
  PetscCall(FenRowsDestroy(&C->rows));
  PetscCall(FenRowsDestroy(&C->next));
  PetscCall(FenWindowDestroy(&C->pixels));
  PetscCall(FenOwnersDestroy(&C->owners));
  PetscCall(FenLayoutDestroy(&C->blocks));
  PetscCall(PetscFree3(C->mu, C->alpha[0], C->alpha[1]));
  PetscCall(PetscFree(C->mass));
  PetscCall(PetscFree(C->ratio));
  PetscCall(PetscFree(C->place));
  PetscCall(PetscFree(C->inside));
  for (int k = 0; k < 2; k++)
    PetscCall(PetscFree(C->task[k]));
  PetscCall(PetscFree(*cells));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsFetchTargets(FenOT ot, PetscInt level, FenCells *C, PetscBool scale)
{
  FenRows   *R = &C->rows;
  FenTargets T;
  double    *nu;

  PetscFunctionBegin;
  PetscCall(FenTargetsCreate(C, &T));
  PetscCall(PetscMalloc1(T.n, &nu));
  PetscCall(FenWindowGet(&T.window, ot->level[level].weight[1], nu));
  for (FenInt s = 0; s < C->nlocal; s++) {
    FenInt kept = 0;

    for (FenInt k = R->first[s]; k < R->first[s] + R->count[s]; k++) {
      const double weight = nu[FenIndexSetRank(&T.set, R->idx[k])];

      if (weight > 0) { /* a target without mass is no target */
        R->idx[R->first[s] + kept] = R->idx[k];
        R->val[R->first[s] + kept] = scale ? R->val[k] * weight * C->mass[s] : R->val[k];
        R->nu[R->first[s] + kept++] = weight;
      }
    }
    R->count[s] = kept;
  }
  PetscCall(PetscFree(nu));
  PetscCall(FenTargetsDestroy(&T));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsProduct(FenOT ot, PetscInt level, FenCells *C)
{
  const FenInt all = C->M[0] * C->M[1] * C->M[2];
  FenRows     *R = &C->rows;
  FenInt      *number;
  FenLayout    layout;
  FenWindow    window;
  double      *nu;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(all, &number, all, &nu));
  for (FenInt j = 0; j < all; j++)
    number[j] = j;
  PetscCall(FenMeasureGetLayout(ot->level[level].measure[1], &layout));
  PetscCall(FenWindowCreate(layout, C->nlocal ? all : 0, number, &window));
  PetscCall(FenWindowGet(&window, ot->level[level].weight[1], nu));
  PetscCall(FenWindowDestroy(&window));
  PetscCall(FenRowsClear(R));
  for (FenInt s = 0; s < C->nlocal; s++) {
    FenInt n = 0;

    if (C->mass[s] > 0) {
      PetscCall(FenRowsOpen(R, all));
      for (FenInt j = 0; j < all; j++)
        if (nu[j] > 0) {
          R->idx[R->used + n] = j;
          R->val[R->used + n] = C->mass[s] * nu[j];
          R->nu[R->used + n++] = nu[j];
        }
    }
    FenRowsClose(R, s, n);
  }
  PetscCall(PetscFree2(number, nu));
  PetscFunctionReturn(0);
}
