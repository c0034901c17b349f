/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Naming of sources and HDF5's signature.
*/
#include "../ioimpl.h"
#include <string.h>

/*@
  FenPathSplit - splits FILE:/path into file and path; without ":/" the path is empty

  Not Collective

  Input Parameters:
+ spec  - FILE or FILE:/path
. nfile - size of file
- npath - size of path

  Output Parameters:
+ file - FILE
- path - /path or an empty text

  Errors: FEN_ERR_USAGE (a name is too long or empty)

  Level: beginner

.seealso: FenArrayOpen()
@*/
PetscErrorCode FenPathSplit(const char spec[], char file[], size_t nfile, char path[], size_t npath)
{
  const char *colon = NULL;
  size_t      len;

  PetscFunctionBegin;
  for (const char *p = strstr(spec, ":/"); p; p = strstr(p + 1, ":/"))
    colon = p;
  len = colon ? (size_t)(colon - spec) : strlen(spec);
  PetscCheck(len > 0, PETSC_COMM_SELF, FEN_ERR_USAGE, "'%s' names no file", spec);
  PetscCheck(len < nfile && (!colon || strlen(colon + 1) < npath), PETSC_COMM_SELF, FEN_ERR_USAGE,
             "the name '%.100s...' is too long", spec);
  PetscCall(PetscMemcpy(file, spec, len));
  file[len] = 0;
  PetscCall(PetscStrncpy(path, colon ? colon + 1 : "", npath));
  PetscFunctionReturn(0);
}

/* the signature is at 0 or, behind a user block, at 512, 1024, 2048, ... */
static PetscBool HasSignature(int fd, FenInt size)
{
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char              bytes[8];

  for (FenInt at = 0; at + 8 <= size; at = at ? 2 * at : 512)
    if (!FenPosixRead_Private(fd, bytes, 8, (off_t)at) && !memcmp(bytes, signature, 8))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/*@
  FenPathIsHDF5 - does a file begin with HDF5's signature?

  Collective

  Input Parameters:
+ comm - the ranks that want to know; rank 0 looks
- file - the file's name

  Output Parameter:
. is - the answer

  Errors: FEN_ERR_FILE_OPEN

  Level: intermediate

.seealso: FenArrayOpen(), FenFileOpen()
@*/
PetscErrorCode FenPathIsHDF5(MPI_Comm comm, const char file[], PetscBool *is)
{
  FenFault    fault = {0};
  FenInt      size;
  int         fd;
  PetscMPIInt rank;

  PetscFunctionBegin;
  *is = PETSC_FALSE;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    FenPosixOpenInput_Private(file, &fd, &size, &fault);
    if (!fault.code) {
      *is = HasSignature(fd, size);
      (void)FenPosixClose_Private(fd);
    }
  }
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCallMPI(MPI_Bcast(is, (int)sizeof(*is), MPI_BYTE, 0, comm));
  PetscFunctionReturn(0);
}
