/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The first lines of a run: version, ranks, and where options came from. PETSc reads several files and a variable of
   the environment without a word; a run that says so can be repeated.
*/
#include "cliimpl.h"
#include <unistd.h>

static PetscErrorCode AppendIfThere(const char path[], char list[], size_t length)
{
  PetscFunctionBegin;
  if (access(path, R_OK))
    PetscFunctionReturn(0);
  PetscCall(PetscStrlcat(list, ", ", length));
  PetscCall(PetscStrlcat(list, path, length));
  PetscFunctionReturn(0);
}

static PetscErrorCode AppendFiles(char list[], size_t length)
{
  char        path[PETSC_MAX_PATH_LEN];
  const char *home = getenv("HOME");
  PetscBool   skip = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-skip_petscrc", &skip, NULL));
  if (skip)
    PetscFunctionReturn(0);
  if (home) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/.petscrc", home));
    PetscCall(AppendIfThere(path, list, length));
  }
  PetscCall(AppendIfThere("./.petscrc", list, length));
  PetscCall(AppendIfThere("./petscrc", list, length));
  PetscFunctionReturn(0);
}

/* PETSc reads these files and forgets their names, so that they are looked up among the program's words */
static PetscErrorCode AppendNamedFiles(char list[], size_t length)
{
  int    argc;
  char **argv;

  PetscFunctionBegin;
  PetscCall(PetscGetArgs(&argc, &argv));
  for (int i = 1; i + 1 < argc; i++) {
    if (strcmp(argv[i], "-options_file") && strcmp(argv[i], "-options_file_yaml"))
      continue;
    PetscCall(PetscStrlcat(list, ", ", length));
    PetscCall(PetscStrlcat(list, argv[i + 1], length));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLIBytesText_Private(double bytes, char text[], size_t length)
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  int                      u = 0;

  PetscFunctionBegin;
  while (bytes >= 1000. && u < 5) {
    bytes /= 1000.;
    u++;
  }
  PetscCall(PetscSNPrintf(text, length, u ? "%.1f %s" : "%.0f %s", bytes, units[u]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCLIHeaderBegin_Private(FenCLI *cli)
{
  char        sources[4 * PETSC_MAX_PATH_LEN] = "command line", petsc[256];
  const char *environment = getenv("PETSC_OPTIONS");

  PetscFunctionBegin;
  if (environment && environment[0])
    PetscCall(PetscStrlcat(sources, ", PETSC_OPTIONS", sizeof(sources)));
  PetscCall(AppendFiles(sources, sizeof(sources)));
  PetscCall(AppendNamedFiles(sources, sizeof(sources)));
  PetscCall(PetscSNPrintf(petsc, sizeof(petsc), "PETSc %d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
                          PETSC_VERSION_SUBMINOR));
  PetscCall(PetscPrintf(cli->comm, "fenchel %s   %s   %s   %d rank%s\n", cli->verb, FEN_VERSION_STRING, petsc,
                        (int)cli->size, cli->size > 1 ? "s" : ""));
  PetscCall(PetscPrintf(cli->comm, "  options    %s\n", sources));
  PetscFunctionReturn(0);
}
