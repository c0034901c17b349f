/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Flow updates (Medina, Schmitzer, ESAIM M2AN 59, 2025, arXiv:2405.09400), by a quadratic relaxation.

   Sweeps let mass pass between neighbouring cells only where that pays for the two cells alone. What pays along a
   closed path only (the curl of the displacement, which Angenent, Haker and Tannenbaum remove from a map) they hardly
   see. Let C_ik be what a unit of the targets of cell i costs more from the barycentre of the neighbour k. A flux f on
   the faces gains f_ik d_ik, d_ik = (C_ki - C_ik)/2, apart from the mixing, which the next sweeps undo; masses of cells
   stay if f has no divergence. With a penalty f^2/(2 k), k_ik the smaller of both masses over twice the mean of (C_ik +
   C_ki)/2,

     f_ik = k_ik (d_ik - phi_k + phi_i),   div f = 0,

   where phi solves a Poisson problem on the grid of cells. For |x-y|^2 a whole step moves every cell's mass by the
   circulating part of its displacement, and all steps are cut so that no cell sends more than it has. Cells hand on
   those of their targets that gain the most.

   Cost: O(entries of the nu_i log of those of a cell). Messages: faces of a rank's block, three times; the solver's;
   the rows that cross.
*/
#include "flow.h"
#include <math.h>

#define SHIFT  1e-10 /* of the diagonal, relative to the mean: constants of separate parts stay as they are */
#define ROUNDS 4     /* of refinement, until fluxes have no divergence */

void FenFlowTarget(const FenCells *C, FenInt idx, double y[])
{
  const FenInt at[3] = {idx / (C->M[1] * C->M[2]), idx / C->M[2] % C->M[1], idx % C->M[2]};

  for (PetscInt d = 0; d < C->dim; d++)
    y[d] = C->y0[d] + C->hy[d] * (double)at[d];
}

PetscBool FenFlowBeyond(const FenCells *C, const FenInt place[], int face, FenInt out[])
{
  for (int d = 0; d < FEN_MAX_DIM; d++)
    out[d] = place[d];
  out[face / 2] += face % 2 ? 1 : -1;
  return (PetscBool)(out[face / 2] >= 0 && out[face / 2] < C->ncell[face / 2]);
}

PetscMPIInt FenFlowOwner(const FenCells *C, const FenInt place[])
{
  const FenInt composite[3] = {place[0] / C->twice[0], place[1] / C->twice[1], place[2] / C->twice[2]};

  return FenOwnersFind(&C->owners, composite, NULL);
}

/* my cells go to the other ranks that own a neighbour */
static PetscErrorCode Ghosts(FenFlow *F)
{
  const FenCells *C = F->C;
  FenInt          n = 0, nghosts, *slot, *key;
  const FenInt   *keys;
  PetscMPIInt    *to, me;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(C->comm, &me));
  PetscCall(PetscMalloc3((FEN_CELL_FACES * C->nlocal), &slot, (FEN_CELL_FACES * C->nlocal), &key,
                         (FEN_CELL_FACES * C->nlocal), &to));
  for (FenInt s = 0; s < C->nlocal; s++) {
    const FenInt first = n;

    for (int face = 0; face < FEN_CELL_FACES; face++) {
      FenInt    c[3];
      PetscBool twice = PETSC_FALSE;

      if (!FenFlowBeyond(C, C->place + 3 * s, face, c) || FenCellsSlot(C, c) >= 0)
        continue;
      to[n] = FenFlowOwner(C, c);
      for (FenInt k = first; k < n; k++)
        twice = (PetscBool)(twice || to[k] == to[n]);
      slot[n] = s;
      key[n] = FenCellsNumber(C, C->place + 3 * s);
      n += !twice && to[n] != me;
    }
  }
  PetscCall(FenMoveCreate(C->comm, n, slot, key, to, &F->ghosts));
  PetscCall(PetscFree3(slot, key, to));
  PetscCall(FenMoveGetKeys(F->ghosts, &nghosts, &keys));
  F->nslots = C->nlocal + nghosts;
  PetscCall(PetscMalloc1(nghosts, &slot));
  for (FenInt g = 0; g < nghosts; g++)
    slot[g] = C->nlocal + g;
  PetscCall(FenMoveSetSlots(F->ghosts, slot));
  PetscCall(PetscFree(slot));
  PetscFunctionReturn(0);
}

/* numbers of my cells at the faces to the ranks beyond them */
static PetscErrorCode Exchange(FenFlow *F, PetscInt n, double *array)
{
  FenRows none;

  PetscFunctionBegin;
  PetscCall(FenRowsCreate(F->nslots, &none));
  PetscCall(FenMoveBegin(F->ghosts, PETSC_FALSE, &none, 1, n, &array));
  PetscCall(FenMoveEnd(F->ghosts, PETSC_FALSE, &none, 1, n, &array));
  PetscCall(FenRowsDestroy(&none));
  PetscFunctionReturn(0);
}

static PetscErrorCode Records(FenFlow *F)
{
  const FenCells *C = F->C;
  FenInt          first = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Exscan(&C->nlocal, &first, 1, MPI_FENINT, MPI_SUM, C->comm));
  for (FenInt s = 0; s < C->nlocal; s++) {
    double *r = F->record + FEN_CELL_FIRST * s;

    for (PetscInt p = 0; p < C->px; p++) {
      const FenInt in[3] = {p / (C->side[1] * C->side[2]), p / C->side[2] % C->side[1], p % C->side[2]};

      for (PetscInt d = 0; d < C->dim && C->mass[s] > 0; d++)
        r[d] += C->mu[s * C->px + p] / C->mass[s] *
                (C->x0[d] + C->hx[d] * (double)(C->place[3 * s + d] * C->side[d] + in[d]));
    }
    r[3] = C->mass[s];
    r[4] = (double)(first + s);
  }
  PetscCall(Exchange(F, FEN_CELL_FIRST, F->record));
  PetscFunctionReturn(0);
}

typedef struct {
  FenInt key, slot;
} Ghost;

static int GhostLess(const void *a, const void *b)
{
  const FenInt x = ((const Ghost *)a)->key, y = ((const Ghost *)b)->key;

  return (x > y) - (x < y);
}

static PetscErrorCode Neighbours(FenFlow *F)
{
  const FenCells *C = F->C;
  const FenInt   *keys;
  FenInt          n;
  Ghost          *ghost;

  PetscFunctionBegin;
  PetscCall(FenMoveGetKeys(F->ghosts, &n, &keys));
  PetscCall(PetscMalloc1(n, &ghost));
  for (FenInt g = 0; g < n; g++)
    ghost[g] = (Ghost){keys[g], C->nlocal + g};
  if (n > 1)
    qsort(ghost, (size_t)n, sizeof(Ghost), GhostLess);
  for (FenInt s = 0; s < C->nlocal; s++)
    for (int face = 0; face < FEN_CELL_FACES; face++) {
      FenInt *next = &F->next[FEN_CELL_FACES * s + face], c[3];

      *next = -1;
      if (!FenFlowBeyond(C, C->place + 3 * s, face, c))
        continue;
      *next = FenCellsSlot(C, c);
      if (*next < 0) {
        const Ghost  wanted = {FenCellsNumber(C, c), 0};
        const Ghost *found = (const Ghost *)bsearch(&wanted, ghost, (size_t)n, sizeof(Ghost), GhostLess);

        *next = found ? found->slot : -1;
      }
      if (*next >= 0 && !(F->record[FEN_CELL_FIRST * s + 3] > 0 && F->record[FEN_CELL_FIRST * *next + 3] > 0))
        *next = -1;
    }
  PetscCall(PetscFree(ghost));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFlowCosts(const FenFlow *F, FenInt s, double cost[])
{
  const FenCells *C = F->C;
  const FenRows  *R = &C->rows;
  const FenInt    n = R->count[s];
  double         *y;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((C->dim * n), &y));
  for (FenInt k = 0; k < n; k++)
    FenFlowTarget(C, R->idx[R->first[s] + k], y + C->dim * k);
  PetscCall(PetscArrayzero(cost, (FEN_CELL_FACES + 1) * n));
  PetscCall(FenCostEvaluate(F->cost, C->dim, 1, F->record + FEN_CELL_FIRST * s, n, y, cost + FEN_CELL_FACES * n));
  for (int face = 0; face < FEN_CELL_FACES; face++) {
    const FenInt t = F->next[FEN_CELL_FACES * s + face];

    if (t >= 0)
      PetscCall(FenCostEvaluate(F->cost, C->dim, 1, F->record + FEN_CELL_FIRST * t, n, y, cost + face * n));
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(0);
}

/* C_ik for all faces */
static PetscErrorCode Prices(FenFlow *F)
{
  const FenCells *C = F->C;
  const FenRows  *R = &C->rows;
  FenInt          most = 0;
  double         *cost;

  PetscFunctionBegin;
  for (FenInt s = 0; s < C->nlocal; s++)
    most = PetscMax(most, R->count[s]);
  PetscCall(PetscMalloc1(((FEN_CELL_FACES + 1) * most), &cost));
  for (FenInt s = 0; s < C->nlocal; s++) {
    const FenInt  n = R->count[s];
    const double *val = R->val + R->first[s];
    double       *out = F->price + FEN_CELL_FACES * s, mass = 0;

    if (!n)
      continue;
    PetscCall(FenFlowCosts(F, s, cost));
    for (FenInt k = 0; k < n; k++)
      mass += val[k];
    for (int face = 0; face < FEN_CELL_FACES && mass > 0; face++)
      for (FenInt k = 0; k < n && F->next[FEN_CELL_FACES * s + face] >= 0; k++)
        out[face] += val[k] / mass * (cost[face * n + k] - cost[FEN_CELL_FACES * n + k]);
  }
  PetscCall(PetscFree(cost));
  PetscCall(Exchange(F, FEN_CELL_FACES, F->price));
  PetscFunctionReturn(0);
}

/* conductance of a face, gain of a flux through it, cost of an exchange; FALSE where there is no neighbour */
static PetscBool Face(const FenFlow *F, FenInt s, int face, double *k, double *gain, double *mixing)
{
  const FenInt t = F->next[FEN_CELL_FACES * s + face];
  double       there, back;

  if (t < 0)
    return PETSC_FALSE;
  there = F->price[FEN_CELL_FACES * s + face];
  back = F->price[FEN_CELL_FACES * t + (face ^ 1)];
  *k = PetscMin(F->record[FEN_CELL_FIRST * s + 3], F->record[FEN_CELL_FIRST * t + 3]);
  *gain = 0.5 * (back - there);
  *mixing = 0.5 * (back + there);
  return PETSC_TRUE;
}

static PetscErrorCode Assemble(FenFlow *F, double mean, Mat *A, Vec *b)
{
  const FenCells *C = F->C;
  PetscInt        local, most = 2 * C->dim + 1;

  PetscFunctionBegin;
  PetscCall(FenIntCast(C->nlocal, &local));
  PetscCall(MatCreateAIJ(C->comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, PetscMin(most, local), NULL, most,
                         NULL, A));
  PetscCall(MatSetOption(*A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatCreateVecs(*A, NULL, b));
  for (FenInt s = 0; s < C->nlocal; s++) {
    const PetscInt row = (PetscInt)F->record[FEN_CELL_FIRST * s + 4];
    double         diagonal = SHIFT, right = 0, k, gain, mixing;

    for (int face = 0; face < FEN_CELL_FACES; face++)
      if (Face(F, s, face, &k, &gain, &mixing)) {
        const PetscInt column = (PetscInt)F->record[FEN_CELL_FIRST * F->next[FEN_CELL_FACES * s + face] + 4];

        PetscCall(MatSetValue(*A, row, column, -k / mean, INSERT_VALUES));
        diagonal += k / mean;
        right -= k / mean * gain;
      }
    PetscCall(MatSetValue(*A, row, row, diagonal, INSERT_VALUES));
    PetscCall(VecSetValue(*b, row, right, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(*b));
  PetscCall(VecAssemblyEnd(*b));
  PetscFunctionReturn(0);
}

/* phi: the shift of the diagonal is undone by refinement */
static PetscErrorCode Poisson(FenFlow *F, double mean, const char prefix[])
{
  Mat                A;
  Vec                b, x, r, d;
  KSP                ksp;
  PetscReal          size, left;
  const PetscScalar *values;

  PetscFunctionBegin;
  PetscCall(Assemble(F, mean, &A, &b));
  PetscCall(FenCellsKSP(A, prefix, "ot_flow_", &ksp));
  PetscCall(VecDuplicate(b, &x));
  PetscCall(VecDuplicate(b, &r));
  PetscCall(VecDuplicate(b, &d));
  PetscCall(VecZeroEntries(x));
  PetscCall(VecCopy(b, r));
  PetscCall(VecNorm(b, NORM_2, &size));
  left = size;
  for (int round = 0; round < ROUNDS && left > 1e-15 * size; round++) {
    PetscCall(KSPSolve(ksp, r, d));
    PetscCall(VecAXPY(x, 1, d));
    PetscCall(MatMult(A, x, r)); /* r = b - A x + SHIFT x */
    PetscCall(VecAXPBYPCZ(r, 1, SHIFT, -1, b, x));
    PetscCall(VecNorm(r, NORM_2, &left));
  }
  PetscCall(VecGetArrayRead(x, &values));
  for (FenInt s = 0; s < F->C->nlocal; s++)
    F->phi[s] = PetscRealPart(values[s]);
  PetscCall(VecRestoreArrayRead(x, &values));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&d));
  PetscCall(Exchange(F, 1, F->phi));
  PetscFunctionReturn(0);
}

/* sums over the faces of all cells: conductances, costs of exchanges */
static PetscErrorCode Means(FenFlow *F, double *mean, double *mixing)
{
  FenDD  sum[3] = {{0, 0}};
  double s[3];

  PetscFunctionBegin;
  for (FenInt c = 0; c < F->C->nlocal; c++)
    for (int face = 0; face < FEN_CELL_FACES; face++) {
      double k, gain, mix;

      if (Face(F, c, face, &k, &gain, &mix)) {
        FenDDAdd(&sum[0], k);
        FenDDAdd(&sum[1], 1);
        FenDDAddProduct(&sum[2], k, mix);
      }
    }
  PetscCall(FenDDReduce(F->C->comm, 3, sum, s));
  *mean = s[1] > 0 ? s[0] / s[1] : 1;
  *mixing = s[0] > 0 ? s[2] / s[0] : 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode Fluxes(FenFlow *F, double mixing)
{
  double most = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; s < F->C->nlocal; s++) {
    double out = 0;

    for (int face = 0; face < FEN_CELL_FACES; face++) {
      double *f = F->flux + FEN_CELL_FACES * s + face, k, gain, mix;

      if (!Face(F, s, face, &k, &gain, &mix))
        continue;
      *f = k * (gain - F->phi[F->next[FEN_CELL_FACES * s + face]] + F->phi[s]) / (2 * mixing);
      out += PetscMax(0.0, *f);
    }
    if (F->C->mass[s] > 0)
      most = PetscMax(most, out / F->C->mass[s]);
  }
  PetscCallMPI(MPI_Allreduce(&most, &F->capacity, 1, MPI_DOUBLE, MPI_MAX, F->C->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFlowCreate(FenCells *C, FenCost cost, const char prefix[], FenFlow *F)
{
  double mean = 1, mixing = 0;

  PetscFunctionBegin;
  *F = (FenFlow){.C = C, .cost = cost};
  PetscCall(Ghosts(F));
  PetscCall(PetscCalloc5((FEN_CELL_FIRST * F->nslots), &F->record, (FEN_CELL_FACES * F->nslots), &F->price, F->nslots,
                         &F->phi, (FEN_CELL_FACES * C->nlocal), &F->flux, (FEN_CELL_FACES * C->nlocal), &F->next));
  PetscCall(Records(F));
  PetscCall(Neighbours(F));
  PetscCall(Prices(F));
  PetscCall(Means(F, &mean, &mixing));
  if (!(mixing > 0)) /* cells send the same to the same places: there is nothing to gain */
    PetscFunctionReturn(0);
  PetscCall(Poisson(F, mean, prefix));
  PetscCall(Fluxes(F, mixing));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFlowDestroy(FenFlow *F)
{
  PetscFunctionBegin;
  PetscCall(FenMoveDestroy(&F->ghosts));
  PetscCall(PetscFree5(F->record, F->price, F->phi, F->flux, F->next));
  PetscFunctionReturn(0);
}
