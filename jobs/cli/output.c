/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Outputs are checked before the work begins: hours of computing must not end in a folder that does not exist.
*/
#include "cliimpl.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void CheckLocal(const char path[], PetscBool overwrite, FenFault *fault)
{
  char        folder[PETSC_MAX_PATH_LEN];
  struct stat info;
  char       *slash;

  (void)snprintf(folder, sizeof(folder), "%s", path);
  slash = strrchr(folder, '/');
  if (!slash)
    (void)snprintf(folder, sizeof(folder), ".");
  else if (slash == folder)
    folder[1] = 0;
  else
    *slash = 0;
  if (stat(folder, &info))
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: folder %s: %s", path, folder, strerror(errno));
  else if (!S_ISDIR(info.st_mode))
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: %s is not a folder", path, folder);
  else if (access(folder, W_OK | X_OK))
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: folder %s: %s", path, folder, strerror(errno));
  else if (!stat(path, &info) && S_ISDIR(info.st_mode))
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: it is a folder", path);
  else if (!overwrite && !access(path, F_OK))
    FenFaultSet(fault, FEN_ERR_FILE_EXISTS, "%s exists already and -overwrite was not given", path);
}

/* collective; an empty path is fine */
PetscErrorCode FenCLIOutputCheck_Private(FenCLI *cli, const char path[], PetscBool overwrite)
{
  FenFault fault = {0};

  PetscFunctionBegin;
  if (!path[0])
    PetscFunctionReturn(0);
  if (cli->rank == 0)
    CheckLocal(path, overwrite, &fault);
  PetscCall(FenFaultAgree(cli->comm, &fault));
  PetscFunctionReturn(0);
}

/* options of every verb that writes a result; inside a block of the verb */
PetscErrorCode FenOutputsReadOptions_Private(FenOutputs *out, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsString("-o", "result file (HDF5); empty: no result is written", NULL, out->result, out->result,
                               sizeof(out->result), NULL));
  PetscCall(PetscOptionsBool("-overwrite", "replace an existing result", NULL, out->overwrite, &out->overwrite, NULL));
  PetscCall(PetscOptionsString("-summary", "summary of the run (JSON); replaced if it exists", NULL, out->summary,
                               out->summary, sizeof(out->summary), NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOutputsCheck_Private(FenCLI *cli, const FenOutputs *out)
{
  PetscFunctionBegin;
  PetscCall(FenCLIOutputCheck_Private(cli, out->result, out->overwrite));
  PetscCall(FenCLIOutputCheck_Private(cli, out->summary, PETSC_TRUE));
  PetscFunctionReturn(0);
}
