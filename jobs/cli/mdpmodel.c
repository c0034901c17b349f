/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Where a model comes from: a file or a built-in problem, with what the command line changes in it.
*/
#include "cliimpl.h"

PetscErrorCode FenMDPSourceRead_Private(MPI_Comm comm, const FenMDPSource *source, FenMDPModel *model)
{
  PetscFunctionBegin;
  if (source->file[0])
    PetscCall(FenMDPModelRead(comm, source->file, model));
  else
    PetscCall(FenMDPModelGenerate(comm, source->problem, NULL, source->matrix_free, model));
  if (source->sense >= 0)
    PetscCall(FenMDPModelSetSense(*model, (FenMDPSense)source->sense));
  if (source->criterion >= 0 || source->horizon > 0) {
    FenMDPCriterion criterion;
    FenInt          horizon;

    PetscCall(FenMDPModelGetCriterion(*model, &criterion, &horizon));
    if (source->criterion >= 0)
      criterion = (FenMDPCriterion)source->criterion;
    else
      criterion = FEN_MDP_FINITE; /* who names a number of steps means it */
    PetscCall(FenMDPModelSetCriterion(*model, criterion, source->horizon > 0 ? source->horizon : horizon));
  }
  PetscFunctionReturn(0);
}

/* the source in a few words */
PetscErrorCode FenMDPSourceDescribe_Private(const FenMDPSource *source, char text[], size_t length)
{
  PetscFunctionBegin;
  if (source->file[0])
    PetscCall(PetscSNPrintf(text, length, "file %s", source->file));
  else
    PetscCall(PetscSNPrintf(text, length, "problem %s%s", source->problem, source->matrix_free ? ", matrix-free" : ""));
  PetscFunctionReturn(0);
}
