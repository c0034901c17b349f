/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Gluing. The potentials of a composite cell are determined up to a constant. In a basic cell k, which lies in a
   composite A(k) and in a composite B(k), the two partitions' potentials differ by d_k = o_A(k) - o_B(k) when the
   sweeps have converged. The constants o are chosen by least squares,

     minimise sum_k m_k (o_A(k) - o_B(k) - d_k)^2,

   with the o_B eliminated: a Laplacian on the grid of A-composites, solved by conjugate gradients with algebraic
   multigrid. Both partitions' potentials are shifted, so that the next time d is small.

   Cost: O(cells). Messages: one exchange with neighbours each way, and those of the linear solver.
*/
#include "cells.h"

#define FLOOR 1e-6  /* least weight of a cell, relative to the mean */
#define SHIFT 1e-10 /* of the diagonal, relative to the mean: constants of separate parts stay as they are */

typedef struct {
  FenCells *C;
  FenRows   none;       /* no targets travel */
  double   *number, *o; /* of each slot's composite of A: its row in the system; its constant */
  double   *d;          /* of slots */
  double    mean;       /* mass of a composite of A */
  FenInt    first, n;   /* my rows */
  Mat       A;
  Vec       b, x;
} Glue;

static double Difference(const FenCells *C, FenInt s)
{
  double sum = 0;

  for (PetscInt p = 0; p < C->px; p++)
    sum += C->mu[s * C->px + p] * (C->alpha[0][s * C->px + p] - C->alpha[1][s * C->px + p]);
  return C->mass[s] > 0 ? sum / C->mass[s] : 0;
}

/* members with mass, their weights and their sum */
static PetscInt Members(const Glue *G, FenInt task, FenInt slot[], double w[], double *all)
{
  const FenCells *C = G->C;
  PetscInt        n = 0;

  *all = 0;
  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++) {
    const FenInt s = C->task[1][FEN_CELL_MEMBERS * task + m];

    if (s < 0 || !(C->mass[s] > 0))
      continue;
    slot[n] = s;
    w[n] = PetscMax(C->mass[s] / G->mean, FLOOR);
    *all += w[n++];
  }
  return n;
}

static PetscErrorCode Assemble(Glue *G)
{
  const FenCells *C = G->C;
  PetscInt        local, most = C->dim == 1 ? 3 : C->dim == 2 ? 9 : 27;

  PetscFunctionBegin;
  PetscCall(FenIntCast(G->n, &local));
  PetscCall(MatCreateAIJ(C->comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, PetscMin(most, local), NULL, most,
                         NULL, &G->A));
  PetscCall(MatSetOption(G->A, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatCreateVecs(G->A, &G->x, &G->b));
  for (FenInt k = 0; k < G->n; k++) {
    PetscInt row;

    PetscCall(FenIntCast(G->first + k, &row));
    PetscCall(MatSetValue(G->A, row, row, SHIFT, ADD_VALUES));
  }
  for (FenInt t = 0; t < C->ntask[1]; t++) {
    FenInt         slot[FEN_CELL_MEMBERS];
    double         w[FEN_CELL_MEMBERS], all, d = 0;
    const PetscInt n = Members(G, t, slot, w, &all);

    for (PetscInt k = 0; k < n; k++)
      d += w[k] * G->d[slot[k]] / all;
    for (PetscInt k = 0; k < n; k++) {
      const PetscInt row = (PetscInt)G->number[slot[k]];

      for (PetscInt l = 0; l < n; l++)
        PetscCall(
            MatSetValue(G->A, row, (PetscInt)G->number[slot[l]], (k == l ? w[k] : 0) - w[k] * w[l] / all, ADD_VALUES));
      PetscCall(VecSetValue(G->b, row, w[k] * (G->d[slot[k]] - d), ADD_VALUES));
    }
  }
  PetscCall(MatAssemblyBegin(G->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(G->A, MAT_FINAL_ASSEMBLY));
  PetscCall(VecAssemblyBegin(G->b));
  PetscCall(VecAssemblyEnd(G->b));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(Glue *G, const char prefix[])
{
  KSP                ksp;
  const PetscScalar *x;

  PetscFunctionBegin;
  PetscCall(FenCellsKSP(G->A, prefix, "ot_glue_", &ksp));
  PetscCall(KSPSolve(ksp, G->b, G->x));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecGetArrayRead(G->x, &x));
  for (FenInt s = 0; s < G->C->nlocal; s++)
    G->o[s] = PetscRealPart(x[s / G->C->members]);
  PetscCall(VecRestoreArrayRead(G->x, &x));
  PetscFunctionReturn(0);
}

/* both partitions' potentials, those of guests for their owners, too */
static PetscErrorCode Shift(Glue *G)
{
  FenCells *C = G->C;

  PetscFunctionBegin;
  PetscCall(FenMoveBegin(C->guests, PETSC_FALSE, &G->none, 1, 1, &G->o));
  PetscCall(FenMoveEnd(C->guests, PETSC_FALSE, &G->none, 1, 1, &G->o));
  for (FenInt s = 0; s < C->nlocal; s++)
    for (PetscInt p = 0; p < C->px; p++)
      C->alpha[0][s * C->px + p] -= G->o[s];
  for (FenInt t = 0; t < C->ntask[1]; t++) {
    FenInt         slot[FEN_CELL_MEMBERS];
    double         w[FEN_CELL_MEMBERS], all, o = 0;
    const PetscInt n = Members(G, t, slot, w, &all);

    for (PetscInt k = 0; k < n; k++)
      o += w[k] * (G->o[slot[k]] - G->d[slot[k]]) / all;
    for (PetscInt k = 0; k < n; k++)
      for (PetscInt p = 0; p < C->px; p++)
        C->alpha[1][slot[k] * C->px + p] -= o;
  }
  PetscCall(FenMoveBegin(C->guests, PETSC_TRUE, &G->none, 1, C->px, &C->alpha[1]));
  PetscCall(FenMoveEnd(C->guests, PETSC_TRUE, &G->none, 1, C->px, &C->alpha[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsGlue(FenCells *C, const char prefix[])
{
  Glue G = {.C = C, .n = C->ntask[0]};

  PetscFunctionBegin;
  PetscCall(FenRowsCreate(C->nslots, &G.none));
  PetscCall(PetscCalloc3(C->nslots, &G.number, C->nslots, &G.o, C->nslots, &G.d));
  PetscCallMPI(MPI_Exscan(&G.n, &G.first, 1, MPI_FENINT, MPI_SUM, C->comm));
  for (FenInt s = 0; s < C->nlocal; s++) {
    const FenInt composite = s / C->members;

    G.number[s] = (double)(G.first + composite);
  }
  PetscCall(FenMoveBegin(C->guests, PETSC_FALSE, &G.none, 1, 1, &G.number));
  PetscCall(FenMoveEnd(C->guests, PETSC_FALSE, &G.none, 1, 1, &G.number));
  PetscCall(FenMoveBegin(C->guests, PETSC_FALSE, &G.none, 2, C->px, C->alpha));
  PetscCall(FenMoveEnd(C->guests, PETSC_FALSE, &G.none, 2, C->px, C->alpha));
  for (FenInt s = 0; s < C->nslots; s++)
    G.d[s] = Difference(C, s);
  G.mean = 1 / (double)(C->ncomp[0] * C->ncomp[1] * C->ncomp[2]);
  PetscCall(Assemble(&G));
  PetscCall(Solve(&G, prefix));
  PetscCall(Shift(&G));
  PetscCall(MatDestroy(&G.A));
  PetscCall(VecDestroy(&G.b));
  PetscCall(VecDestroy(&G.x));
  PetscCall(PetscFree3(G.number, G.o, G.d));
  PetscCall(FenRowsDestroy(&G.none));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsPotential(FenCells *C, int partition, double f[])
{
  double *mine;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(C->ninside, &mine));
  for (FenInt k = 0; k < C->ninside; k++)
    mine[k] = C->alpha[partition][C->inside[k]];
  PetscCall(FenWindowPut(&C->pixels, mine, f));
  PetscCall(PetscFree(mine));
  PetscFunctionReturn(0);
}
