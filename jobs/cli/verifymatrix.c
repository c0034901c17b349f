/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reads an explicit cost matrix, by rows and by columns.
*/
#include "verifyimpl.h"

/* /cost of the result, or the file it was read from, whose content must still be the same */
PetscErrorCode FenVerifyReadMatrix_Private(FenVerify *v)
{
  const FenInt n = v->a.n, m = v->b.n;
  char         spec[PETSC_MAX_PATH_LEN], name[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN], stored[64], now[64];
  FenFile      other = NULL;
  PetscBool    has;
  PetscInt     ncols;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(path, "/cost", sizeof(path)));
  PetscCall(FenFileHas(v->file, path, &has));
  if (!has) {
    PetscCall(FenFileReadStringAttribute(v->file, "/", "cost_file", spec, sizeof(spec)));
    PetscCall(FenPathSplit(spec, name, sizeof(name), path, sizeof(path)));
    PetscCall(FenFileOpen(v->comm, name, FEN_FILE_READ, &other));
  }
  PetscCall(PetscMalloc2((size_t)(v->a.nlocal * m + 1), &v->byrow, (size_t)(v->b.nlocal * n + 1), &v->bycol));
  PetscCall(FenFileReadSlab(other ? other : v->file, path, v->a.first, v->a.nlocal, 0, m, v->byrow));
  PetscCall(FenIntCast(m, &ncols));
  PetscCall(FenLayoutFingerprint_Private(v->a.layout, ncols, v->byrow, now, sizeof(now)));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "cost_fingerprint", stored, sizeof(stored)));
  PetscCheck(!strcmp(stored, now), v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "the cost matrix was changed: content %s, fingerprint %s", now, stored);
  { /* columns come as an n x m_local slab and are wanted column by column */
    double *slab;

    PetscCall(PetscMalloc1((size_t)(v->b.nlocal * n + 1), &slab));
    PetscCall(FenFileReadSlab(other ? other : v->file, path, 0, n, v->b.first, v->b.nlocal, slab));
    for (FenInt i = 0; i < n; i++)
      for (FenInt j = 0; j < v->b.nlocal; j++)
        v->bycol[j * n + i] = slab[i * v->b.nlocal + j];
    PetscCall(PetscFree(slab));
  }
  if (other)
    PetscCall(FenFileClose(&other));
  PetscFunctionReturn(0);
}
