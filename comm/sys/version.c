/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What this library is and what it was built with.
*/
#include "../commimpl.h"

/*@C
  FenGetVersion - Version of the library that is running, which may be newer than the headers.

  Not Collective

  Output Parameter:
. version - for example "0.1.0"

  Level: beginner

.seealso: `FenGetConfiguration()`, `FEN_VERSION_GE`
@*/
PetscErrorCode FenGetVersion(const char *version[])
{
  PetscFunctionBegin;
  *version = FEN_VERSION_STRING;
  PetscFunctionReturn(0);
}

#if defined(__clang__)
  #define FEN_COMPILER "Clang"
#elif defined(__GNUC__)
  #define FEN_COMPILER "GCC"
#else
  #define FEN_COMPILER "C compiler"
#endif

/*@C
  FenGetConfiguration - What the library was built with and runs on: one line of text for each fact.

  Not Collective

  Input Parameter:
. size - bytes of text

  Output Parameter:
. text - lines "name: value"

  Errors:
  `FEN_ERR_SIZE` if the text is too small; 1024 bytes are enough.

  Level: intermediate

.seealso: `FenGetVersion()`
@*/
PetscErrorCode FenGetConfiguration(char text[], size_t size)
{
  char     mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  size_t   end, used;
  PetscInt major, minor, micro;
  int      length;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Get_library_version(mpi, &length));
  end = strcspn(mpi, ",\n"); /* the name and number, without the list of packages */
  mpi[end] = 0;
  PetscCall(PetscGetVersionNumber(&major, &minor, &micro, NULL));
  PetscCall(PetscSNPrintfCount(text, size,
                               "fenchel: %s\ncompiler: %s %s\npetsc: %d.%d.%d\npetscint: %d bits\nmpi: %s\n", &used,
                               FEN_VERSION_STRING, FEN_COMPILER, __VERSION__, (int)major, (int)minor, (int)micro,
                               (int)(8 * sizeof(PetscInt)), mpi));
  PetscCheck(used <= size, PETSC_COMM_SELF, FEN_ERR_SIZE, "%zu bytes are too few for the configuration", size);
  PetscFunctionReturn(0);
}
