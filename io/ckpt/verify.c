/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Is a checkpoint intact? Manifest, size, block hashes, in this order and before HDF5 sees the file: damaged HDF5 files
   can crash or hang the library that reads them.
*/
#include "ckptimpl.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void FenCkptWhy_Private(char why[], size_t n, const char format[], ...)
{
  va_list args;

  if (why[0])
    return;
  va_start(args, format);
  (void)vsnprintf(why, n, format, args);
  va_end(args);
}

PetscErrorCode FenCkptAgree_Private(MPI_Comm comm, char why[], size_t n)
{
  PetscMPIInt rank, size;
  int         mine, first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  mine = why[0] ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first < size)
    PetscCallMPI(MPI_Bcast(why, (int)n, MPI_CHAR, first, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCkptReadText_Private(const char dir[], FenInt number, char **text, FenInt *n, char why[], size_t nwhy)
{
  char     path[2 * PETSC_MAX_PATH_LEN];
  FenFault fault = {0};
  int      fd, err;

  PetscFunctionBegin;
  *text = NULL;
  why[0] = 0;
  FenCkptPath_Private(dir, number, "manifest.json", path, sizeof(path));
  FenPosixOpenInput_Private(path, &fd, n, &fault);
  if (!fault.code && *n > FEN_CKPT_MAX_TEXT)
    FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "file '%s' has %" FENINT_FMT " bytes, no manifest is that long", path, *n);
  if (!fault.code) {
    PetscCall(PetscMalloc1((size_t)*n + 1, text));
    err = FenPosixRead_Private(fd, *text, (size_t)*n, 0);
    if (err)
      FenFaultSet(&fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be read: %s", path, strerror(err));
  }
  if (fd >= 0)
    (void)FenPosixClose_Private(fd);
  if (fault.code)
    FenCkptWhy_Private(why, nwhy, "%s", fault.message);
  PetscFunctionReturn(0);
}

PetscErrorCode FenCkptReadManifest_Private(MPI_Comm comm, const char dir[], FenInt number, FenManifest *m, char why[],
                                           size_t nwhy)
{
  char       *text = NULL, path[2 * PETSC_MAX_PATH_LEN];
  FenInt      n = 0;
  PetscMPIInt rank, count;
  FenFault    fault = {0};

  PetscFunctionBegin;
  PetscCall(PetscMemzero(m, sizeof(*m)));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  why[0] = 0;
  if (!rank)
    PetscCall(FenCkptReadText_Private(dir, number, &text, &n, why, nwhy));
  PetscCall(FenCkptAgree_Private(comm, why, nwhy));
  if (!why[0]) { /* all ranks parse the same text and come to the same result */
    PetscCallMPI(MPI_Bcast(&n, 1, MPI_FENINT, 0, comm));
    PetscCall(FenMPIIntCast(n, &count));
    if (rank)
      PetscCall(PetscMalloc1((size_t)n + 1, &text));
    PetscCallMPI(MPI_Bcast(text, count, MPI_CHAR, 0, comm));
    PetscCall(FenManifestParse_Private(text, (size_t)n, m, &fault));
    if (!fault.code && m->number != number)
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "number: expected %" FENINT_FMT ", found %" FENINT_FMT, number,
                  m->number);
    FenCkptPath_Private(dir, number, "manifest.json", path, sizeof(path));
    if (fault.code)
      FenCkptWhy_Private(why, nwhy, "%s: %s", path, fault.message);
  }
  PetscCall(PetscFree(text));
  if (why[0])
    PetscCall(FenManifestDestroy_Private(m));
  PetscFunctionReturn(0);
}

/* my blocks against the manifest */
static PetscErrorCode VerifyBlocks(const char path[], PetscMPIInt rank, PetscMPIInt size, const FenManifest *m,
                                   char why[], size_t nwhy)
{
  uint64_t *found;
  int       err;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)(2 * m->nhashes), &found));
  PetscCall(FenCkptHashFile_Private(path, rank, size, m->nhashes, m->size, PETSC_FALSE, found, &err));
  if (err)
    FenCkptWhy_Private(why, nwhy, "%s: %s", path, strerror(err));
  for (FenInt b = rank; b < m->nhashes && !why[0]; b += size)
    if (memcmp(&found[2 * b], &m->hashes[2 * b], 16))
      FenCkptWhy_Private(why, nwhy,
                         "%s: hash of block %" PRId64 ": expected %016" PRIx64 "%016" PRIx64 ", found %016" PRIx64
                         "%016" PRIx64,
                         path, b, m->hashes[2 * b], m->hashes[2 * b + 1], found[2 * b], found[2 * b + 1]);
  PetscCall(PetscFree(found));
  PetscFunctionReturn(0);
}

static void VerifySize(const char path[], const FenManifest *m, char why[], size_t nwhy)
{
  FenFault fault = {0};
  FenInt   n;
  int      fd;

  FenPosixOpenInput_Private(path, &fd, &n, &fault);
  if (!fault.code) {
    (void)FenPosixClose_Private(fd);
    if (n != m->size)
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "%s: size: expected %" FENINT_FMT " bytes, found %" FENINT_FMT, path,
                  m->size, n);
  }
  if (fault.code)
    FenCkptWhy_Private(why, nwhy, "%s", fault.message);
}

PetscErrorCode FenCkptVerify_Private(MPI_Comm comm, const char dir[], const FenManifest *m, char why[], size_t nwhy)
{
  char        path[2 * PETSC_MAX_PATH_LEN];
  PetscMPIInt rank, size;
  FenFault    fault = {0};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  FenCkptPath_Private(dir, m->number, "state.h5", path, sizeof(path));
  why[0] = 0;
  if (!rank)
    VerifySize(path, m, why, nwhy);
  PetscCall(FenCkptAgree_Private(comm, why, nwhy));
  if (why[0])
    PetscFunctionReturn(0);
  PetscCall(VerifyBlocks(path, rank, size, m, why, nwhy));
  PetscCall(FenCkptAgree_Private(comm, why, nwhy));
  if (why[0])
    PetscFunctionReturn(0);
  if (!rank) {
    PetscCall(FenCkptCheckFile_Private(path, m->nitems, m->items, &fault));
    if (fault.code)
      FenCkptWhy_Private(why, nwhy, "%s: %s", path, fault.message);
  }
  PetscCall(FenCkptAgree_Private(comm, why, nwhy));
  PetscFunctionReturn(0);
}
