/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Saving: lay out, write, sync, hash, manifest, rename. Every step ends with one reduction that tells all ranks whether
   all could do it; if not, what was written is removed and the run goes on with the earlier checkpoints.
*/
#include "ckptimpl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SLACK 131072. /* bytes of headers and manifest, roughly */

typedef struct {
  FenCkpt     ckpt;
  FenState    state;
  FenManifest manifest;
  char        temp[2 * PETSC_MAX_PATH_LEN]; /* the folder that is written; empty before it exists */
  int         lock;                         /* on that folder, rank 0: we are alive */
  char       *why;
  size_t      nwhy;
} Save;

static void Why(Save *s, const char path[], int err)
{
  if (err)
    FenCkptWhy_Private(s->why, s->nwhy, "%s: %s", path, strerror(err));
}

static void TempFile(const Save *s, const char file[], char path[], size_t n)
{
  (void)snprintf(path, n, "%s/%s", s->temp, file);
}

/* ---- rank 0: folder and skeleton ---- */

static void CheckSpace(Save *s)
{
  struct statvfs fs;
  double         need = SLACK, have;

  for (PetscInt i = 0; i < s->manifest.nitems; i++)
    for (PetscInt d = 0; d < s->manifest.items[i].ndata; d++)
      need += 8. * (double)FenCkptElements_Private(&s->manifest.items[i].data[d]);
  if (statvfs(s->ckpt->options.dir, &fs) < 0)
    return;
  have = (double)fs.f_bavail * (double)fs.f_frsize;
  if (have < need)
    FenCkptWhy_Private(s->why, s->nwhy, "%s: %s (%.0f bytes are needed, %.0f are free)", s->ckpt->options.dir,
                       strerror(ENOSPC), need, have);
}

static PetscErrorCode ChooseNumber(Save *s)
{
  PetscInt n;
  FenInt  *numbers;
  int      err;

  PetscFunctionBegin;
  PetscCall(FenCkptList_Private(s->ckpt->options.dir, &n, &numbers, &err));
  Why(s, s->ckpt->options.dir, err);
  s->manifest.number = 1 + PetscMax(s->ckpt->last, n ? numbers[0] : 0);
  if (s->manifest.number < 1)
    s->manifest.number = 1;
  if (s->manifest.number > FEN_CKPT_MAX_NUMBER)
    Why(s, s->ckpt->options.dir, EOVERFLOW);
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(0);
}

/* all blocks of the file now, so that a full disk is noticed before anybody writes */
static int Reserve(const char path[], FenInt *size)
{
  struct stat st;
  int         fd = open(path, O_RDWR | O_CLOEXEC), err = 0;

  if (fd < 0)
    return errno;
  if (fstat(fd, &st) < 0)
    err = errno;
  *size = err ? 0 : (FenInt)st.st_size;
  while (!err && *size && fallocate(fd, 0, 0, (off_t)*size) < 0) {
    if (errno == EINTR)
      continue;
    err = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ? 0 : errno;
    break;
  }
  (void)FenPosixClose_Private(fd);
  return err;
}

static PetscErrorCode Prepare(Save *s)
{
  const char *dir = s->ckpt->options.dir;
  char        path[2 * PETSC_MAX_PATH_LEN + 32];
  FenFault    fault = {0};

  PetscFunctionBegin;
  Why(s, dir, FenCkptMakeFolder_Private(dir));
  if (!s->why[0]) {
    FenCkptRemoveStale_Private(dir);
    PetscCall(ChooseNumber(s));
    CheckSpace(s);
  }
  if (s->why[0])
    PetscFunctionReturn(0);
  (void)snprintf(s->temp, sizeof(s->temp), "%s/.tmp-%06" PRId64 "-%ld", dir, s->manifest.number, (long)getpid());
  if (mkdir(s->temp, 0755) < 0) {
    Why(s, s->temp, errno);
    s->temp[0] = 0;
    PetscFunctionReturn(0);
  }
  s->lock = FenCkptLock_Private(s->temp);
  TempFile(s, "state.h5", path, sizeof(path));
  PetscCall(FenCkptLayOut_Private(path, s->manifest.nitems, s->manifest.items, &fault));
  if (fault.code)
    FenCkptWhy_Private(s->why, s->nwhy, "%s", fault.message);
  else
    Why(s, path, Reserve(path, &s->manifest.size));
  PetscFunctionReturn(0);
}

/* ---- all ranks: bytes ---- */

static PetscErrorCode WriteMine(Save *s)
{
  char                 path[2 * PETSC_MAX_PATH_LEN + 32];
  const FenStateEntry *entries;
  PetscInt             n;
  int                  fd, err = 0, err2;

  PetscFunctionBegin;
  TempFile(s, "state.h5", path, sizeof(path));
  PetscCall(FenStateGetEntries(s->state, &n, &entries));
  fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    err = errno;
  for (PetscInt i = 0; i < n && !err; i++)
    PetscCall(FenCkptTransfer_Private(&entries[i], &s->manifest.items[i], s->ckpt->rank, fd, PETSC_TRUE, &err));
  while (!err && fsync(fd) < 0)
    err = errno == EINTR ? 0 : errno;
  if (fd >= 0) {
    err2 = FenPosixClose_Private(fd);
    err = err ? err : err2;
  }
  Why(s, path, err);
  PetscFunctionReturn(0);
}

/* reads everything back */
static PetscErrorCode HashAll(Save *s)
{
  FenManifest *m = &s->manifest;
  char         path[2 * PETSC_MAX_PATH_LEN + 32];
  PetscMPIInt  count;
  int          err;

  PetscFunctionBegin;
  TempFile(s, "state.h5", path, sizeof(path));
  m->nhashes = (m->size + FEN_CKPT_BLOCK - 1) / FEN_CKPT_BLOCK;
  PetscCall(FenMPIIntCast(2 * m->nhashes, &count));
  PetscCall(PetscCalloc1((size_t)(2 * m->nhashes), &m->hashes));
  PetscCall(
      FenCkptHashFile_Private(path, s->ckpt->rank, s->ckpt->size, m->nhashes, m->size, PETSC_TRUE, m->hashes, &err));
  Why(s, path, err);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->hashes, count, MPI_UINT64_T, MPI_BOR, s->ckpt->comm));
  PetscFunctionReturn(0);
}

/* ---- rank 0: manifest and name ---- */

static int WriteSynced(const char path[], const char text[], size_t n)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FEN_IO_MODE), err, err2;

  if (fd < 0)
    return errno;
  err = FenPosixWrite_Private(fd, text, n, 0);
  while (!err && fsync(fd) < 0)
    err = errno == EINTR ? 0 : errno;
  err2 = FenPosixClose_Private(fd);
  return err ? err : err2;
}

static PetscErrorCode Commit(Save *s)
{
  const char *dir = s->ckpt->options.dir;
  char        path[2 * PETSC_MAX_PATH_LEN + 32], *text, latest[16];
  size_t      n;

  PetscFunctionBegin;
  PetscCall(FenManifestPrint_Private(&s->manifest, &text, &n));
  TempFile(s, "manifest.json", path, sizeof(path));
  Why(s, path, WriteSynced(path, text, n));
  PetscCall(PetscFree(text));
  if (!s->why[0])
    Why(s, s->temp, FenPosixSync_Private(s->temp));
  FenCkptPath_Private(dir, s->manifest.number, "", path, sizeof(path));
  if (!s->why[0] && rename(s->temp, path) < 0)
    Why(s, path, errno);
  if (s->why[0])
    PetscFunctionReturn(0);
  s->temp[0] = 0; /* nothing to remove any more */
  Why(s, dir, FenPosixSync_Private(dir));
  /* for people and scripts: loading looks at the folders */
  (void)snprintf(latest, sizeof(latest), "%06" PRId64 "\n", s->manifest.number);
  (void)snprintf(path, sizeof(path), "%s/LATEST", dir);
  (void)FenPosixReplaceText_Private(path, latest, strlen(latest));
  PetscFunctionReturn(0);
}

/* the newest is read back from its final place before an older one goes */
static PetscErrorCode ReadBack(Save *s)
{
  FenManifest m = {0};
  FenFault    fault = {0};
  char       *text;
  FenInt      n;

  PetscFunctionBegin;
  PetscCall(FenCkptReadText_Private(s->ckpt->options.dir, s->manifest.number, &text, &n, s->why, s->nwhy));
  if (!s->why[0]) {
    PetscCall(FenManifestParse_Private(text, (size_t)n, &m, &fault));
    if (!fault.code && (m.number != s->manifest.number || m.size != s->manifest.size))
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "the manifest is not the one that was written");
    if (fault.code)
      FenCkptWhy_Private(s->why, s->nwhy, "%s/%06" PRId64 ": read back: %s", s->ckpt->options.dir, s->manifest.number,
                         fault.message);
  }
  PetscCall(FenManifestDestroy_Private(&m));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

static PetscBool IsBad(FenCkpt ckpt, FenInt number)
{
  for (PetscInt i = 0; i < ckpt->nbad; i++)
    if (ckpt->bad[i] == number)
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* damaged ones do not count among those kept */
static PetscErrorCode Rotate(Save *s)
{
  FenCkpt  ckpt = s->ckpt;
  PetscInt n, good = 0;
  FenInt  *numbers;
  int      err;

  PetscFunctionBegin;
  PetscCall(FenCkptList_Private(ckpt->options.dir, &n, &numbers, &err));
  for (PetscInt i = 0; i < n; i++)
    if (IsBad(ckpt, numbers[i]) || ++good > ckpt->options.keep)
      (void)FenCkptRemove_Private(ckpt->options.dir, numbers[i]);
  ckpt->nbad = 0;
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(0);
}

/* ---- together ---- */

/* rank 0's numbers, paths and offsets for all */
static PetscErrorCode Share(Save *s)
{
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&s->manifest.number, 1, MPI_FENINT, 0, s->ckpt->comm));
  PetscCallMPI(MPI_Bcast(&s->manifest.size, 1, MPI_FENINT, 0, s->ckpt->comm));
  PetscCallMPI(MPI_Bcast(s->temp, (int)sizeof(s->temp), MPI_CHAR, 0, s->ckpt->comm));
  PetscCall(FenMPIIntCast(s->manifest.nitems, &count));
  for (PetscMPIInt i = 0; i < count; i++)
    PetscCallMPI(
        MPI_Bcast(s->manifest.items[i].data, (int)sizeof(s->manifest.items[i].data), MPI_BYTE, 0, s->ckpt->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Steps(Save *s)
{
  const MPI_Comm comm = s->ckpt->comm;

  PetscFunctionBegin;
  if (!s->ckpt->rank)
    PetscCall(Prepare(s));
  PetscCall(FenCkptAgree_Private(comm, s->why, s->nwhy));
  if (s->why[0])
    PetscFunctionReturn(0);
  PetscCall(Share(s));
  PetscCall(WriteMine(s));
  PetscCall(FenCkptAgree_Private(comm, s->why, s->nwhy));
  if (s->why[0])
    PetscFunctionReturn(0);
  PetscCall(HashAll(s));
  PetscCall(FenCkptAgree_Private(comm, s->why, s->nwhy));
  if (s->why[0])
    PetscFunctionReturn(0);
  if (!s->ckpt->rank) {
    PetscCall(Commit(s));
    if (!s->why[0])
      PetscCall(ReadBack(s));
    if (!s->why[0])
      PetscCall(Rotate(s));
  }
  PetscCall(FenCkptAgree_Private(comm, s->why, s->nwhy));
  PetscFunctionReturn(0);
}

/*@C
  FenCkptSave - writes a checkpoint

  Collective; no collective HDF5 call inside

  Input Parameters:
+ ckpt  - the object
. state - what to save
- n     - size of why

  Output Parameters:
+ saved - PETSC_FALSE if the disk refuses; earlier checkpoints are intact then and nothing of this one is left
- why   - what the disk said: path and reason; empty if saved

  Note:
  The checkpoint has its name only when all of it is on disk and has been read back and hashed. Older ones than
  options.keep are removed after that.

  Level: intermediate

.seealso: FenCkptLoad(), FenCkptGetLast()
@*/
PetscErrorCode FenCkptSave(FenCkpt ckpt, FenState state, PetscBool *saved, char why[], size_t n)
{
  char         text[1024] = "";
  Save         s = {.ckpt = ckpt, .state = state, .lock = -1, .why = text, .nwhy = sizeof(text)};
  const double start = FenWallTime();

  PetscFunctionBegin;
  s.manifest.nkeys = ckpt->nkeys;
  s.manifest.keys = ckpt->keys;
  PetscCall(PetscStrncpy(s.manifest.suite, FEN_VERSION_STRING, sizeof(s.manifest.suite)));
  PetscCall(FenCkptDescribe_Private(state, PETSC_TRUE, &s.manifest.nitems, &s.manifest.items));
  PetscCall(Steps(&s));
  if (text[0] && !ckpt->rank && s.temp[0])
    (void)FenCkptRemoveFolder_Private(s.temp);
  if (s.lock >= 0)
    (void)FenPosixClose_Private(s.lock);
  *saved = text[0] ? PETSC_FALSE : PETSC_TRUE;
  if (*saved) {
    ckpt->last = s.manifest.number;
    ckpt->bytes = (double)s.manifest.size;
    ckpt->seconds = FenWallTime() - start;
  }
  PetscCall(PetscStrncpy(why, text, n));
  s.manifest.keys = NULL; /* the object's */
  PetscCall(FenManifestDestroy_Private(&s.manifest));
  PetscFunctionReturn(0);
}
