/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Opening and closing HDF5 files. A file that is written has a temporary name until FenFileClose has synced and checked
   it, so that an earlier file of that name survives every failure.
*/
#include "h5impl.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FenFile   open_files = NULL;
static PetscBool finalizer = PETSC_FALSE;

/* files that an error left open: they must go before MPI does */
static PetscErrorCode DiscardAll(void)
{
  PetscFunctionBegin;
  while (open_files) {
    FenFile file = open_files;
    PetscCall(FenFileDiscard(&file));
  }
  finalizer = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Register(FenFile file)
{
  PetscFunctionBegin;
  if (!finalizer)
    PetscCall(PetscRegisterFinalize(DiscardAll));
  finalizer = PETSC_TRUE;
  file->next = open_files;
  open_files = file;
  PetscFunctionReturn(0);
}

static PetscErrorCode Free(FenFile *file)
{
  FenFile *link = &open_files;

  PetscFunctionBegin;
  while (*link && *link != *file)
    link = &(*link)->next;
  if (*link)
    *link = (*file)->next;
  PetscCallMPI(MPI_Comm_free(&(*file)->comm));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFileAgree_Private(FenFile file, const FenFault *fault)
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  ierr = FenFaultAgree(file->comm, fault);
  if (ierr && file->mode != FEN_FILE_READ)
    file->failed = PETSC_TRUE;
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

PetscErrorCode FenFileCheckWritable_Private(FenFile file, const char path[])
{
  PetscFunctionBegin;
  PetscCheck(file->mode != FEN_FILE_READ, PETSC_COMM_SELF, FEN_ERR_USAGE,
             "file '%s' was opened for reading, '%s' cannot be written", file->name, path);
  PetscFunctionReturn(0);
}

/* rank 0: a regular file that begins like HDF5 does; nothing else is handed to the HDF5 library */
static PetscErrorCode OpenInput(FenFile file, FenFault *fault)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(FenPathIsHDF5(PETSC_COMM_SELF, file->name, &is));
  if (!is)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "'%s' is not an HDF5 file", file->name);
  else
    FenH5OpenRead_Private(file, fault);
  PetscFunctionReturn(0);
}

/* rank 0: reserves the temporary name, which also proves that the folder can be written */
static void ReserveOutput(FenFile file, FenFault *fault)
{
  struct stat st;
  int         fd, err;

  if (lstat(file->name, &st) == 0) {
    if (S_ISDIR(st.st_mode))
      FenFaultSet(fault, FEN_ERR_FILE_WRITE, "'%s' is a folder, a file cannot get that name", file->name);
    else if (file->mode == FEN_FILE_CREATE)
      FenFaultSet(fault, FEN_ERR_FILE_EXISTS, "file '%s' exists already: give -overwrite to replace it", file->name);
  }
  if (fault->code)
    return;
  err = FenPosixCreateTemp_Private(file->name, file->temp, sizeof(file->temp), &fd);
  if (!err)
    err = FenPosixClose_Private(fd);
  if (err)
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", file->name, strerror(err));
}

/* collective: HDF5 truncates the reserved file */
static PetscErrorCode CreateOutput(FenFile file)
{
  const FenH5Where where = FenH5Where_Private(file, NULL);
  FenFault         fault = {0};
  hid_t            access;

  PetscFunctionBegin;
  if (!file->rank)
    ReserveOutput(file, &fault);
  PetscCall(FenFaultAgree(file->comm, &fault));
  PetscCallMPI(MPI_Bcast(file->temp, (int)sizeof(file->temp), MPI_CHAR, 0, file->comm));
  access = FenH5AccessList_Private(&where, file->comm, &fault);
  PetscCall(FenFaultAgree(file->comm, &fault));
  FenCallH5(&where, &fault, file->id, H5Fcreate(file->temp, H5F_ACC_TRUNC, H5P_DEFAULT, access));
  FenH5Release_Private(&access);
  PetscCall(FenFaultAgree(file->comm, &fault));
  PetscFunctionReturn(0);
}

/* FenPathIsHDF5 on rank 0 alone reports a missing file as an error of its own; checked here first, as a fault */
static PetscErrorCode OpenChecked(FenFile file)
{
  FenFault fault = {0};
  FenInt   size;
  int      fd;

  PetscFunctionBegin;
  if (file->mode != FEN_FILE_READ) {
    PetscCall(CreateOutput(file));
    PetscFunctionReturn(0);
  }
  if (!file->rank) {
    FenPosixOpenInput_Private(file->name, &fd, &size, &fault);
    if (!fault.code) {
      (void)FenPosixClose_Private(fd);
      PetscCall(OpenInput(file, &fault));
    }
  }
  PetscCall(FenFaultAgree(file->comm, &fault));
  PetscFunctionReturn(0);
}

/*@
  FenFileOpen - opens an HDF5 file for reading, or makes a new one

  Collective

  Input Parameters:
+ comm - the ranks that read or write together
. name - the file's name
- mode - FEN_FILE_READ; FEN_FILE_CREATE, which refuses an existing file; FEN_FILE_REPLACE

  Output Parameter:
. file - the file

  Errors: FEN_ERR_FILE_OPEN, FEN_ERR_FILE_FORMAT (not HDF5, damaged), FEN_ERR_FILE_EXISTS, FEN_ERR_FILE_WRITE

  Note:
  A new file has a temporary name in the same folder until FenFileClose().

  Level: beginner

.seealso: FenFileClose(), FenFileDiscard()
@*/
PetscErrorCode FenFileOpen(MPI_Comm comm, const char name[], FenFileMode mode, FenFile *newfile)
{
  FenFile        file;
  PetscMPIInt    rank;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  *newfile = NULL;
  PetscCheck(name && *name, comm, FEN_ERR_USAGE, "a file without a name");
  PetscCheck(strlen(name) < PETSC_MAX_PATH_LEN - 32, comm, FEN_ERR_USAGE, "the file name '%.100s...' is too long",
             name);
  FenH5Initialize_Private();
  PetscCall(PetscNew(&file));
  PetscCall(PetscStrncpy(file->name, name, sizeof(file->name)));
  file->mode = mode;
  file->id = H5I_INVALID_HID;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_split(comm, 0, rank, &file->comm));
  PetscCallMPI(MPI_Comm_rank(file->comm, &file->rank));
  PetscCallMPI(MPI_Comm_size(file->comm, &file->size));
  ierr = OpenChecked(file);
  if (ierr) {
    FenH5Abandon_Private(file->mode == FEN_FILE_READ ? file->name : file->temp, &file->id);
    if (!file->rank && file->temp[0])
      (void)unlink(file->temp);
    PetscCall(Free(&file));
    PetscCall(ierr);
  }
  PetscCall(Register(file));
  *newfile = file;
  PetscFunctionReturn(0);
}

static herr_t VisitObject(hid_t id, const char name[], const H5O_info_t *info, void *ctx)
{
  (void)id, (void)name, (void)info, (void)ctx;
  return 0;
}
#if H5_VERSION_GE(1, 12, 0)
  #define VISIT_ALL(id) H5Ovisit3(id, H5_INDEX_NAME, H5_ITER_NATIVE, VisitObject, NULL, H5O_INFO_BASIC)
#else
  #define VISIT_ALL(id) H5Ovisit(id, H5_INDEX_NAME, H5_ITER_NATIVE, VisitObject, NULL)
#endif

/* rank 0: a full disk may lose metadata without an error code; reading all object headers back checks their sums */
static void CheckWritten(FenFile file, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, NULL);
  hid_t            access, id = H5I_INVALID_HID;
  herr_t           code;

  access = FenH5AccessList_Private(&where, MPI_COMM_NULL, fault);
  FenCallH5(&where, fault, id, H5Fopen(file->temp, H5F_ACC_RDONLY, access));
  FenCallH5(&where, fault, code, VISIT_ALL(id));
  FenH5Release_Private(&access);
  FenH5Release_Private(&id);
}

static void Commit(FenFile file, FenFault *fault)
{
  int err;

  CheckWritten(file, fault);
  if (fault->code)
    return;
  err = FenPosixSync_Private(file->temp);
  if (!err)
    err = FenPosixCommit_Private(file->temp, file->name, file->mode == FEN_FILE_REPLACE ? PETSC_TRUE : PETSC_FALSE);
  if (err == EEXIST)
    FenFaultSet(fault, FEN_ERR_FILE_EXISTS,
                "file '%s' was made by somebody else meanwhile: give -overwrite to replace it", file->name);
  else if (err)
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", file->name, strerror(err));
}

static PetscErrorCode CloseWritten(FenFile file)
{
  const FenH5Where where = FenH5Where_Private(file, NULL);
  FenFault         fault = {0};
  herr_t           code;

  PetscFunctionBegin;
  FenCallH5(&where, &fault, code, H5Fflush(file->id, H5F_SCOPE_GLOBAL));
  PetscCall(FenFaultAgree(file->comm, &fault));
  FenCallH5(&where, &fault, code, H5Fclose(file->id));
  file->id = H5I_INVALID_HID;
  PetscCall(FenFaultAgree(file->comm, &fault));
  if (!file->rank)
    Commit(file, &fault);
  PetscCall(FenFaultAgree(file->comm, &fault));
  PetscFunctionReturn(0);
}

/*@
  FenFileClose - closes a file; one that was written is flushed, synced, checked and gets its name

  Collective

  Input Parameter:
. file - the file, NULL afterwards, also after an error

  Errors: FEN_ERR_FILE_WRITE, FEN_ERR_FILE_EXISTS; nothing of the file is left then, an earlier file of the same name is
  as it was

  Level: beginner

.seealso: FenFileOpen(), FenFileDiscard()
@*/
PetscErrorCode FenFileClose(FenFile *file)
{
  PetscErrorCode ierr = 0;
  FenFault       fault = {0};

  PetscFunctionBegin;
  if (!*file)
    PetscFunctionReturn(0);
  if ((*file)->failed) {
    FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' is not kept: an earlier write to it failed", (*file)->name);
    ierr = FenFaultAgree((*file)->comm, &fault);
  } else if ((*file)->mode != FEN_FILE_READ)
    ierr = CloseWritten(*file);
  if (!ierr)
    (*file)->temp[0] = 0; /* it has its name */
  PetscCall(FenFileDiscard(file));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/*@
  FenFileDiscard - closes a file and removes what was written to it

  Collective

  Input Parameter:
. file - the file, NULL afterwards

  Level: intermediate

.seealso: FenFileClose()
@*/
PetscErrorCode FenFileDiscard(FenFile *file)
{
  PetscFunctionBegin;
  if (!*file)
    PetscFunctionReturn(0);
  if ((*file)->mode != FEN_FILE_READ)
    FenH5Abandon_Private((*file)->temp, &(*file)->id);
  FenH5Release_Private(&(*file)->id);
  if (!(*file)->rank && (*file)->temp[0])
    (void)unlink((*file)->temp);
  PetscCall(Free(file));
  PetscFunctionReturn(0);
}

/*@
  FenFileGetName - the name that the file was opened with

  Not Collective

  Input Parameter:
. file - the file

  Output Parameter:
. name - owned by the file

  Level: intermediate

.seealso: FenFileOpen()
@*/
PetscErrorCode FenFileGetName(FenFile file, const char *name[])
{
  PetscFunctionBegin;
  *name = file->name;
  PetscFunctionReturn(0);
}
