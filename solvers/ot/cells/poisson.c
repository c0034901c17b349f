/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Graph Laplacians on cells and composites: conjugate gradients with algebraic multigrid, a factorisation where there
   are few rows.
*/
#include "cells.h"

#define FEW 600 /* rows up to which a factorisation takes the place of multigrid */

/* few rows: every rank factorises the whole matrix; some ranks may have no row then, which multigrid dislikes */
static PetscErrorCode ChoosePC(Mat A, PC pc)
{
  PetscInt    n;
  PetscMPIInt size;
  PC          one = pc;
  KSP         inner;

  PetscFunctionBegin;
  PetscCall(MatGetSize(A, &n, NULL));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)A), &size));
  if (n > FEW) {
    PetscCall(PCSetType(pc, PCGAMG));
    PetscFunctionReturn(0);
  }
  if (size > 1) {
    PetscCall(PCSetType(pc, PCREDUNDANT));
    PetscCall(PCRedundantGetKSP(pc, &inner));
    PetscCall(KSPSetType(inner, KSPPREONLY));
    PetscCall(KSPGetPC(inner, &one));
  }
  PetscCall(PCSetType(one, PCCHOLESKY));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellsKSP(Mat A, const char prefix[], const char name[], KSP *ksp)
{
  PC pc;

  PetscFunctionBegin;
  PetscCall(MatSetOption(A, MAT_SPD, PETSC_TRUE));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)A), ksp));
  PetscCall(KSPSetOptionsPrefix(*ksp, prefix));
  PetscCall(KSPAppendOptionsPrefix(*ksp, name));
  PetscCall(KSPSetOperators(*ksp, A, A));
  PetscCall(KSPSetType(*ksp, KSPCG));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(ChoosePC(A, pc));
  PetscCall(KSPSetTolerances(*ksp, 1e-10, 1e-300, PETSC_DEFAULT, 200));
  PetscCall(KSPSetFromOptions(*ksp));
  PetscFunctionReturn(0);
}
