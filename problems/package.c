/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Class ids of this layer: registered by the first constructor, forgotten by PetscFinalize.
*/
#include "problemsimpl.h"
#include <fenchelbilevelproblem.h>
#include <fencheldivergence.h>
#include <fenchellinear.h>
#include <fenchelmdpmodel.h>
#include <fenchelmeasure.h>

PetscClassId FENMEASURE_CLASSID = 0;
PetscClassId FENCOST_CLASSID = 0;
PetscClassId FENMDPMODEL_CLASSID = 0;
PetscClassId FENDIVERGENCE_CLASSID = 0;
PetscClassId FENTRAJECTORIES_CLASSID = 0;
PetscClassId FENBILEVELPROBLEM_CLASSID = 0;

static const struct {
  PetscClassId *id;
  const char   *name, *label;
} fen_classes[] = {{&FENMEASURE_CLASSID, "Fenchel measure", "fenmeasure"},
                   {&FENCOST_CLASSID, "Fenchel cost", "fencost"},
                   {&FENMDPMODEL_CLASSID, "Fenchel MDP model", "fenmdpmodel"},
                   {&FENDIVERGENCE_CLASSID, "Fenchel divergence", "fendivergence"},
                   {&FENTRAJECTORIES_CLASSID, "Fenchel trajectories", "fentrajectories"},
                   {&FENBILEVELPROBLEM_CLASSID, "Fenchel bilevel problem", "fenbilevelproblem"}};
enum { FEN_NCLASSES = sizeof(fen_classes) / sizeof(fen_classes[0]) };

static PetscBool fen_problems_initialized = PETSC_FALSE;

static PetscErrorCode FenProblemsFinalize(void)
{
  PetscFunctionBegin;
  for (int k = 0; k < FEN_NCLASSES; k++)
    *fen_classes[k].id = 0;
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
  for (int k = 0; k < FEN_NCLASSES; k++)
    PetscCall(FenClassRegister(fen_classes[k].name, fen_classes[k].label, fen_classes[k].id));
  PetscCall(PetscRegisterFinalize(FenProblemsFinalize));
  PetscFunctionReturn(0);
}
