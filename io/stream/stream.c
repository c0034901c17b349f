/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Plain files of bytes that all ranks read or write in parts. A file that is written has a temporary name until it is
   closed, so that an earlier file of that name survives every failure.
*/
#include "../ioimpl.h"
#include "streamimpl.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* rank 0: reserves the temporary name, which also proves that the folder can be written */
static void Reserve(FenStream s, FenFault *fault)
{
  struct stat st;
  int         err;

  if (lstat(s->name, &st) == 0) {
    if (S_ISDIR(st.st_mode))
      FenFaultSet(fault, FEN_ERR_FILE_WRITE, "'%s' is a folder, a file cannot get that name", s->name);
    else if (s->mode == FEN_FILE_CREATE)
      FenFaultSet(fault, FEN_ERR_FILE_EXISTS, "file '%s' exists already: give -overwrite to replace it", s->name);
  }
  if (fault->code)
    return;
  err = FenPosixCreateTemp_Private(s->name, s->temp, sizeof(s->temp), &s->fd);
  if (err)
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", s->name, strerror(err));
}

static PetscErrorCode Create(FenStream s)
{
  FenFault fault = {0};

  PetscFunctionBegin;
  if (!s->rank)
    Reserve(s, &fault);
  PetscCall(FenFaultAgree(s->comm, &fault));
  PetscCallMPI(MPI_Bcast(s->temp, (int)sizeof(s->temp), MPI_CHAR, 0, s->comm));
  if (s->rank && (s->fd = open(s->temp, O_RDWR | O_NOFOLLOW | O_CLOEXEC)) < 0)
    FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written by rank %d: %s", s->name, s->rank,
                strerror(errno));
  PetscCall(FenFaultAgree(s->comm, &fault));
  PetscFunctionReturn(0);
}

/*@C
  FenStreamOpen - opens a plain file for reading by all ranks, or makes a new one

  Collective

  Input Parameters:
+ comm - the ranks that read or write together
. name - the file's name
- mode - FEN_FILE_READ; FEN_FILE_CREATE, which refuses an existing file; FEN_FILE_REPLACE

  Output Parameter:
. stream - the file

  Errors: FEN_ERR_FILE_OPEN, FEN_ERR_FILE_EXISTS, FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenStreamClose(), FenStreamRead(), FenStreamReadLines(), FenStreamAppend()
@*/
PetscErrorCode FenStreamOpen(MPI_Comm comm, const char name[], FenFileMode mode, FenStream *stream)
{
  FenStream      s;
  FenFault       fault = {0};
  PetscErrorCode code;

  PetscFunctionBegin;
  *stream = NULL;
  PetscCheck(name && *name && strlen(name) < PETSC_MAX_PATH_LEN - 32, comm, FEN_ERR_USAGE,
             "the file name '%.100s' is empty or too long", name ? name : "");
  PetscCall(PetscNew(&s));
  PetscCall(PetscStrncpy(s->name, name, sizeof(s->name)));
  s->comm = comm;
  s->mode = mode;
  s->fd = -1;
  PetscCallMPI(MPI_Comm_rank(comm, &s->rank));
  PetscCallMPI(MPI_Comm_size(comm, &s->nranks));
  if (mode == FEN_FILE_READ) {
    FenPosixOpenInput_Private(name, &s->fd, &s->size, &fault);
    code = FenFaultAgree(comm, &fault);
  } else
    code = Create(s);
  if (code) {
    PetscCall(FenStreamDiscard(&s));
    PetscCall(code);
  }
  *stream = s;
  PetscFunctionReturn(0);
}

/*@
  FenStreamGetSize - gives the number of bytes of a file

  Not Collective

  Input Parameter:
. stream - the file

  Output Parameter:
. size - its bytes so far

  Level: intermediate

.seealso: FenStreamOpen()
@*/
PetscErrorCode FenStreamGetSize(FenStream stream, FenInt *size)
{
  PetscFunctionBegin;
  *size = stream->size;
  PetscFunctionReturn(0);
}

/*@C
  FenStreamRead - reads bytes [offset,offset+n) of a file

  Collective; every rank names its own range, which may be empty

  Input Parameters:
+ stream - the file
. offset - first byte
- n      - number of bytes

  Output Parameter:
. data - the bytes

  Errors: FEN_ERR_FILE_FORMAT (the file is shorter), FEN_ERR_FILE_OPEN

  Level: intermediate

.seealso: FenStreamOpen()
@*/
PetscErrorCode FenStreamRead(FenStream stream, FenInt offset, FenInt n, void *data)
{
  FenFault fault = {0};
  int      err = 0;

  PetscFunctionBegin;
  if (n < 0 || offset < 0 || offset > stream->size - n)
    FenFaultSet(&fault, FEN_ERR_FILE_FORMAT,
                "file '%s' is truncated: it has %" FENINT_FMT " bytes, [%" FENINT_FMT ",%" FENINT_FMT ") are needed",
                stream->name, stream->size, offset, offset + n);
  else if (n)
    err = FenPosixRead_Private(stream->fd, data, (size_t)n, (off_t)offset);
  if (err)
    FenFaultSet(&fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be read: %s", stream->name, strerror(err));
  PetscCall(FenFaultAgree(stream->comm, &fault));
  PetscFunctionReturn(0);
}

/*@C
  FenStreamAppend - writes the parts of all ranks, in rank order, behind what the file has already

  Collective

  Input Parameters:
+ stream - a file that is written
. n      - my number of bytes
- data   - my bytes

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenStreamOpen(), FenStreamClose()
@*/
PetscErrorCode FenStreamAppend(FenStream stream, FenInt n, const void *data)
{
  FenFault fault = {0};
  FenInt   before = 0, all;
  int      err = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Exscan(&n, &before, 1, MPI_FENINT, MPI_SUM, stream->comm));
  if (!stream->rank)
    before = 0;
  PetscCallMPI(MPI_Allreduce(&n, &all, 1, MPI_FENINT, MPI_SUM, stream->comm));
  if (n)
    err = FenPosixWrite_Private(stream->fd, data, (size_t)n, (off_t)(stream->size + before));
  if (err)
    FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", stream->name, strerror(err));
  stream->size += all;
  PetscCall(FenFaultAgree(stream->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode Finish(FenStream s)
{
  FenFault  fault = {0};
  int       err = fsync(s->fd) < 0 ? errno : 0;
  const int closed = FenPosixClose_Private(s->fd);

  PetscFunctionBegin;
  s->fd = -1;
  if (!err)
    err = closed;
  if (err)
    FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", s->name, strerror(err));
  PetscCall(FenFaultAgree(s->comm, &fault));
  if (!s->rank)
    err = FenPosixCommit_Private(s->temp, s->name, s->mode == FEN_FILE_REPLACE ? PETSC_TRUE : PETSC_FALSE);
  if (err == EEXIST)
    FenFaultSet(&fault, FEN_ERR_FILE_EXISTS,
                "file '%s' was made by somebody else meanwhile: give -overwrite to replace it", s->name);
  else if (err)
    FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", s->name, strerror(err));
  else
    s->temp[0] = 0; /* it has its name */
  PetscCall(FenFaultAgree(s->comm, &fault));
  PetscFunctionReturn(0);
}

/*@C
  FenStreamClose - closes a file; one that was written is synced and gets its name

  Collective

  Input Parameter:
. stream - the file, NULL afterwards, also after an error

  Errors: FEN_ERR_FILE_WRITE, FEN_ERR_FILE_EXISTS; an earlier file of the same name is then as it was

  Level: intermediate

.seealso: FenStreamOpen(), FenStreamDiscard()
@*/
PetscErrorCode FenStreamClose(FenStream *stream)
{
  PetscErrorCode code = 0;

  PetscFunctionBegin;
  if (!*stream)
    PetscFunctionReturn(0);
  if ((*stream)->mode != FEN_FILE_READ)
    code = Finish(*stream);
  PetscCall(FenStreamDiscard(stream));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/*@C
  FenStreamDiscard - closes a file and removes what was written to it

  Collective

  Input Parameter:
. stream - the file, NULL afterwards

  Level: intermediate

.seealso: FenStreamClose()
@*/
PetscErrorCode FenStreamDiscard(FenStream *stream)
{
  PetscFunctionBegin;
  if (!*stream)
    PetscFunctionReturn(0);
  if ((*stream)->fd >= 0)
    (void)FenPosixClose_Private((*stream)->fd);
  if (!(*stream)->rank && (*stream)->temp[0])
    (void)unlink((*stream)->temp);
  PetscCall(PetscFree(*stream));
  PetscFunctionReturn(0);
}
