/* SPDX-License-Identifier: BSD-2-Clause */
/* The problem of a run of fenchel bilevel: made, made again for a result, and recognised. */
#include "bilevelrun.h"

PetscErrorCode FenBilevelSourceMake_Private(MPI_Comm comm, const FenBilevelSource *source, FenBilevelProblem *problem)
{
  const FenBilevelData data = {source->train[0] ? source->train : NULL, source->valid[0] ? source->valid : NULL};

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGenerate(comm, source->problem, NULL, &data, problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelSourceMakeLike_Private(MPI_Comm comm, const FenBilevelSource *source, const char text[],
                                                FenBilevelProblem *problem)
{
  PetscOptions options;
  char        *given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &given));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(PetscOptionsInsertString(options, given));
  PetscCall(PetscOptionsPush(options));
  PetscCall(FenBilevelSourceMake_Private(comm, source, problem));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(PetscFree(given));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelSourceWrite_Private(const FenBilevelSource *source, FenFile file)
{
  PetscFunctionBegin;
  PetscCall(FenFileWriteStringAttribute(file, "/", "problem", source->problem));
  PetscCall(FenFileWriteStringAttribute(file, "/", "train", source->train));
  PetscCall(FenFileWriteStringAttribute(file, "/", "valid", source->valid));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelSourceRead_Private(FenFile file, FenBilevelSource *source)
{
  PetscFunctionBegin;
  PetscCall(FenFileReadStringAttribute(file, "/", "problem", source->problem, sizeof(source->problem)));
  PetscCall(FenFileReadStringAttribute(file, "/", "train", source->train, sizeof(source->train)));
  PetscCall(FenFileReadStringAttribute(file, "/", "valid", source->valid, sizeof(source->valid)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelFingerprint_Private(FenBilevelProblem problem, char text[], size_t length)
{
  const FenBilevelOps *call;
  FenFingerprint       print = {{0, 0}};

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemSetUp(problem));
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  if (call->fingerprint)
    PetscCall((*call->fingerprint)(problem, &print));
  PetscCall(FenFingerprintText_Private(&print, text, length));
  PetscFunctionReturn(0);
}
