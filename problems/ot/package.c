/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Class ids of this layer: registered by the first constructor, forgotten by PetscFinalize.
*/
#include "measureimpl.h"
#include <fenchelbilevelproblem.h>
#include <fenchelmdpmodel.h>

PetscClassId FENMEASURE_CLASSID = 0;
PetscClassId FENCOST_CLASSID = 0;
PetscClassId FENMDPMODEL_CLASSID = 0;
PetscClassId FENBILEVELPROBLEM_CLASSID = 0;

static PetscBool fen_problems_initialized = PETSC_FALSE;

static PetscErrorCode FenProblemsFinalize(void)
{
  PetscFunctionBegin;
  FENMEASURE_CLASSID = 0;
  FENCOST_CLASSID = 0;
  FENMDPMODEL_CLASSID = 0;
  FENBILEVELPROBLEM_CLASSID = 0;
  fen_problems_initialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenProblemsInitialize_Private(void)
{
  PetscFunctionBegin;
  if (fen_problems_initialized)
    PetscFunctionReturn(0);
  fen_problems_initialized = PETSC_TRUE;
  PetscCall(FenInitializePackage());
  PetscCall(PetscClassIdRegister("Fenchel measure", &FENMEASURE_CLASSID));
  PetscCall(PetscClassIdRegister("Fenchel cost", &FENCOST_CLASSID));
  PetscCall(PetscClassIdRegister("Fenchel MDP model", &FENMDPMODEL_CLASSID));
  PetscCall(PetscClassIdRegister("Fenchel bilevel problem", &FENBILEVELPROBLEM_CLASSID));
  PetscCall(PetscRegisterFinalize(FenProblemsFinalize));
  PetscFunctionReturn(0);
}
