/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The result file, as far as all families write it alike: root, provenance, history. What differs between two equal
   runs (times, date, ranks) stands under /provenance only.
*/
#include "cliimpl.h"

PetscErrorCode FenFingerprintText_Private(const FenFingerprint *print, char text[], size_t length)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, length, "%016" PRIx64 "%016" PRIx64, print->lane[0], print->lane[1]));
  PetscFunctionReturn(0);
}

/* content fingerprint of a distributed array, the same on any number of ranks */
PetscErrorCode FenLayoutFingerprint_Private(FenLayout layout, PetscInt ncomp, const double data[], char text[],
                                            size_t length)
{
  FenFingerprint print = {{0, 0}};
  FenInt         nruns, run;
  const FenInt  *start;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRuns(layout, &nruns, &run, &start));
  for (FenInt k = 0; k < nruns; k++)
    FenFingerprintDoubles(&print, start[k] * ncomp, run * ncomp, data + k * run * ncomp);
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)layout), &print));
  PetscCall(FenFingerprintText_Private(&print, text, length));
  PetscFunctionReturn(0);
}

/* ncomp = 0: one number an entry without an axis of its own */
PetscErrorCode FenResultWriteArray_Private(FenFile file, const char path[], FenLayout layout, PetscInt ncomp,
                                           const double data[])
{
  char text[64];

  PetscFunctionBegin;
  PetscCall(FenFileWriteArray(file, path, layout, ncomp, data));
  PetscCall(FenLayoutFingerprint_Private(layout, ncomp ? ncomp : 1, data, text, sizeof(text)));
  PetscCall(FenFileWriteStringAttribute(file, path, "fingerprint", text));
  PetscFunctionReturn(0);
}

PetscErrorCode FenResultWriteNumber_Private(FenFile file, const char path[], double value)
{
  const FenInt one = 1;

  PetscFunctionBegin;
  PetscCall(FenFileWriteReals(file, path, 1, &one, &value));
  PetscFunctionReturn(0);
}

PetscErrorCode FenResultWriteBounds_Private(FenFile file, FenSolver solver, double lower, double upper)
{
  double value;

  PetscFunctionBegin;
  PetscCall(FenSolverGetBounds(solver, &value, NULL, NULL));
  PetscCall(FenFileMakeGroup(file, "/bounds"));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/value", value));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/lower", lower));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/upper", upper));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteRoot(FenRun *run, FenFile file)
{
  const char *type, *reason;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType(run->solver, &type));
  PetscCall(FenReasonGet(run->reason, &reason, NULL));
  PetscCall(FenFileWriteStringAttribute(file, "/", "format", "fenchel-result"));
  PetscCall(FenFileWriteIntAttribute(file, "/", "format_version", 1));
  PetscCall(FenFileWriteStringAttribute(file, "/", "software", "fenchel"));
  PetscCall(FenFileWriteStringAttribute(file, "/", "version", FEN_VERSION_STRING));
  PetscCall(FenFileWriteStringAttribute(file, "/", "verb", run->cli->verb));
  PetscCall(FenFileWriteStringAttribute(file, "/", "type", type));
  PetscCall(FenFileWriteStringAttribute(file, "/", "reason", reason));
  PetscCall(FenFileWriteIntAttribute(file, "/", "iterations", run->progress.iteration));
  PetscFunctionReturn(0);
}

/* collective; the file appears under its name only when it is complete */
PetscErrorCode FenResultWrite_Private(FenRun *run)
{
  const FenFileMode mode = run->out->overwrite ? FEN_FILE_REPLACE : FEN_FILE_CREATE;
  FenFile           file;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(run->cli->comm, run->out->result, mode, &file));
  PetscCall(WriteRoot(run, file));
  PetscCall(FenResultWriteProvenance_Private(run, file));
  PetscCall((*run->ops->write)(run, file));
  PetscCall(FenResultWriteHistory_Private(run, file));
  PetscCall(FenFileClose(&file));
  if (run->ops->side)
    PetscCall((*run->ops->side)(run));
  PetscFunctionReturn(0);
}

/* RESULT.xmf beside RESULT.h5, for the ending .xmf */
PetscErrorCode FenResultSideName_Private(const char result[], const char ending[], char name[], size_t length)
{
  char *dot;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(name, result, length - strlen(ending) - 1));
  dot = strrchr(name, '.');
  if (dot && !strchr(dot, '/'))
    *dot = 0;
  PetscCall(PetscStrlcat(name, ending, length));
  PetscFunctionReturn(0);
}
