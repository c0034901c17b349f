/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows of the neighbours in a team. A rank has `reach` rows that the one above sees and as many for the one below:
   these are the points of a one-axis DMDA, each with as many numbers as the rows of all arrays have together. So slabs
   of one, two and three axes are one case, a message is a run of memory, and several arrays cost no more messages than
   one.
*/
#include "denoiseimpl.h"

PetscErrorCode FenHaloCreate_Private(FenBilevelProblem pr, FenInt width, FenInt reach, FenHalo *h)
{
  PetscFunctionBegin;
  *h = (FenHalo){.team = pr->info.team, .width = width, .reach = reach, .rows = pr->part.row1 - pr->part.row0};
  if (pr->info.size == 1)
    PetscFunctionReturn(0);
  h->above = PetscMin(reach, pr->part.row0);
  h->below = PetscMin(reach, pr->size.rows - pr->part.row1);
  PetscCall(FenHaloTogether_Private(h, 1));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloDestroy_Private(FenHalo *h)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < h->most; k++) {
    PetscCall(VecDestroy(&h->exchange[k].mine));
    PetscCall(VecDestroy(&h->exchange[k].all));
    PetscCall(DMDestroy(&h->exchange[k].dm));
  }
  PetscCall(PetscFree(h->exchange));
  PetscCall(PetscFree(h->seen));
  h->most = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloTogether_Private(FenHalo *h, FenInt most)
{
  PetscMPIInt size;
  FenInt      one, all;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(h->team, &size));
  if (size == 1 || most == h->most)
    PetscFunctionReturn(0);
  PetscCall(FenHaloDestroy_Private(h));
  PetscCall(FenIntMult(h->above + h->rows + h->below, h->width, &one));
  PetscCall(FenIntMult(one, most, &all));
  PetscCall(PetscMalloc1((size_t)all, &h->seen));
  PetscCall(PetscCalloc1((size_t)most, &h->exchange));
  h->most = most;
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(const FenHalo *h, FenInt n, FenHaloExchange *e)
{
  PetscMPIInt size;
  FenInt      numbers;
  PetscInt    points, dof, reach;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(h->team, &size));
  PetscCall(FenIntMult(h->width, n, &numbers));
  PetscCall(FenIntCast(numbers, &dof));
  PetscCall(FenIntCast(2 * h->reach * size, &points));
  PetscCall(FenIntCast(h->reach, &reach));
  PetscCall(DMDACreate1d(h->team, DM_BOUNDARY_NONE, points, dof, reach, NULL, &e->dm));
  PetscCall(DMSetUp(e->dm));
  PetscCall(DMCreateGlobalVector(e->dm, &e->mine));
  PetscCall(DMCreateLocalVector(e->dm, &e->all));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloBegin_Private(FenHalo *h, FenInt n, const double *const x[])
{
  FenHaloExchange *e;
  double          *packed;

  PetscFunctionBegin;
  if (!h->exchange)
    PetscFunctionReturn(0);
  PetscCheck(n >= 1 && n <= h->most, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL,
             "%" FENINT_FMT " arrays in an exchange of at most %" FENINT_FMT, n, h->most);
  e = &h->exchange[n - 1];
  if (!e->dm)
    PetscCall(Make(h, n, e));
  PetscCall(VecGetArrayWrite(e->mine, &packed));
  for (FenInt p = 0; p < 2 * h->reach; p++) {
    const FenInt row = p < h->reach ? p : h->rows - 2 * h->reach + p;

    for (FenInt k = 0; k < n; k++)
      PetscCall(PetscArraycpy(packed + (p * n + k) * h->width, x[k] + row * h->width, h->width));
  }
  PetscCall(VecRestoreArrayWrite(e->mine, &packed));
  PetscCall(DMGlobalToLocalBegin(e->dm, e->mine, INSERT_VALUES, e->all));
  PetscFunctionReturn(0);
}

PetscErrorCode FenHaloEnd_Private(FenHalo *h, FenInt n, const double *const x[], const double *rows[])
{
  const FenInt     w = h->width, height = h->above + h->rows + h->below;
  FenHaloExchange *e;
  const double    *all;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    rows[k] = h->exchange ? h->seen + (k * height + h->above) * w : x[k];
  if (!h->exchange)
    PetscFunctionReturn(0);
  e = &h->exchange[n - 1];
  PetscCall(DMGlobalToLocalEnd(e->dm, e->mine, INSERT_VALUES, e->all));
  PetscCall(VecGetArrayRead(e->all, &all));
  for (FenInt k = 0; k < n; k++) {
    double *seen = h->seen + k * height * w;

    for (FenInt i = 0; i < h->above; i++)
      PetscCall(PetscArraycpy(seen + i * w, all + (i * n + k) * w, w));
    PetscCall(PetscArraycpy(seen + h->above * w, x[k], h->rows * w));
    for (FenInt i = 0; i < h->below; i++)
      PetscCall(
          PetscArraycpy(seen + (height - h->below + i) * w, all + ((h->above + 2 * h->reach + i) * n + k) * w, w));
  }
  PetscCall(VecRestoreArrayRead(e->all, &all));
  PetscFunctionReturn(0);
}
