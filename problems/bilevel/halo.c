/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows of the neighbours in a team. A row is one point of a one-axis DMDA with as many numbers as the row has, so that
   slabs of one, two and three axes are one case, PETSc's order is natural order, and a message is a run of memory.
*/
#include "denoiseimpl.h"

static PetscErrorCode MakeDM(FenBilevelProblem pr, FenInt width, FenInt reach, FenHalo *h)
{
  PetscInt rows, dof, s, mine, *parts;

  PetscFunctionBegin;
  PetscCall(FenIntCast(pr->size.rows, &rows));
  PetscCall(FenIntCast(width, &dof));
  PetscCall(FenIntCast(reach, &s));
  PetscCall(FenIntCast(pr->part.row1 - pr->part.row0, &mine));
  PetscCall(PetscMalloc1((size_t)pr->info.size, &parts));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPIU_INT, parts, 1, MPIU_INT, pr->info.team));
  PetscCall(DMDACreate1d(pr->info.team, DM_BOUNDARY_NONE, rows, dof, s, parts, &h->dm));
  PetscCall(PetscFree(parts));
  PetscCall(DMSetUp(h->dm));
  PetscCall(DMCreateLocalVector(h->dm, &h->all));
  PetscCall(VecCreateMPIWithArray(pr->info.team, dof, mine * dof, rows * dof, NULL, &h->mine));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloCreate_Private(FenBilevelProblem pr, FenInt width, FenInt reach, FenHalo *h)
{
  FenInt numbers;

  PetscFunctionBegin;
  *h = (FenHalo){.width = width};
  PetscCall(FenIntMult(pr->size.rows, width, &numbers));
  if (pr->info.size == 1)
    PetscFunctionReturn(0);
  h->above = PetscMin(reach, pr->part.row0);
  h->below = PetscMin(reach, pr->size.rows - pr->part.row1);
  PetscCall(MakeDM(pr, width, reach, h));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloDestroy_Private(FenHalo *h)
{
  PetscFunctionBegin;
  PetscCall(VecDestroy(&h->mine));
  PetscCall(VecDestroy(&h->all));
  PetscCall(DMDestroy(&h->dm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloBegin_Private(FenHalo *h, const double x[])
{
  PetscFunctionBegin;
  if (!h->dm)
    PetscFunctionReturn(0);
  PetscCall(VecPlaceArray(h->mine, x));
  PetscCall(DMGlobalToLocalBegin(h->dm, h->mine, INSERT_VALUES, h->all));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloEnd_Private(FenHalo *h, const double x[], const double **rows)
{
  const double *all;

  PetscFunctionBegin;
  *rows = x;
  if (!h->dm)
    PetscFunctionReturn(0);
  PetscCall(DMGlobalToLocalEnd(h->dm, h->mine, INSERT_VALUES, h->all));
  PetscCall(VecResetArray(h->mine));
  PetscCall(VecGetArrayRead(h->all, &all)); /* stays where it is until the next exchange */
  *rows = all + h->above * h->width;
  PetscCall(VecRestoreArrayRead(h->all, &all));
  PetscFunctionReturn(0);
}
