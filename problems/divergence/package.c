/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Class id of divergences: registered by the first constructor, forgotten by PetscFinalize.
*/
#include "divergenceimpl.h"

PetscClassId FENDIVERGENCE_CLASSID = 0;

static PetscBool fen_divergence_initialized = PETSC_FALSE;

static PetscErrorCode FenDivergenceFinalize(void)
{
  PetscFunctionBegin;
  FENDIVERGENCE_CLASSID = 0;
  fen_divergence_initialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenDivergenceInitialize_Private(void)
{
  PetscFunctionBegin;
  if (fen_divergence_initialized)
    PetscFunctionReturn(0);
  fen_divergence_initialized = PETSC_TRUE;
  PetscCall(FenInitializePackage());
  PetscCall(PetscClassIdRegister("Fenchel divergence", &FENDIVERGENCE_CLASSID));
  PetscCall(PetscRegisterFinalize(FenDivergenceFinalize));
  PetscFunctionReturn(0);
}
