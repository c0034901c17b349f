/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The POSIX calls of all writers: short transfers and EINTR are finished here, temporary names are made and renamed
   here.
*/
#include "ioimpl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int FenPosixWrite_Private(int fd, const void *data, size_t n, off_t offset)
{
  const char *p = (const char *)data;

  while (n > 0) {
    const ssize_t k = pwrite(fd, p, n < FEN_IO_PIECE ? n : FEN_IO_PIECE, offset);
    if (k < 0 && errno == EINTR)
      continue;
    if (k < 0)
      return errno;
    if (k == 0)
      return ENOSPC;
    p += k;
    offset += k;
    n -= (size_t)k;
  }
  return 0;
}

int FenPosixRead_Private(int fd, void *data, size_t n, off_t offset)
{
  char *p = (char *)data;

  while (n > 0) {
    const ssize_t k = pread(fd, p, n < FEN_IO_PIECE ? n : FEN_IO_PIECE, offset);
    if (k < 0 && errno == EINTR)
      continue;
    if (k < 0)
      return errno;
    if (k == 0)
      return ENODATA;
    p += k;
    offset += k;
    n -= (size_t)k;
  }
  return 0;
}

int FenPosixClose_Private(int fd)
{
  /* after EINTR the descriptor is closed on Linux; a second close could hit another file */
  return close(fd) < 0 && errno != EINTR ? errno : 0;
}

/* fsync of a file or folder; file systems that cannot sync folders say EINVAL */
int FenPosixSync_Private(const char path[])
{
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  int       err = 0;

  if (fd < 0)
    return errno;
  while (fsync(fd) < 0) {
    if (errno == EINTR)
      continue;
    err = errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    break;
  }
  (void)FenPosixClose_Private(fd);
  return err;
}

void FenPosixFolder_Private(const char path[], char folder[], size_t n)
{
  const char *slash = strrchr(path, '/');

  if (!slash)
    (void)snprintf(folder, n, ".");
  else if (slash == path)
    (void)snprintf(folder, n, "/");
  else
    (void)snprintf(folder, n, "%.*s", (int)(slash - path), path);
}

/* the folder of the target, so that the rename never crosses file systems; a left-over of a dead process with our
   number is replaced */
int FenPosixCreateTemp_Private(const char path[], char temp[], size_t n, int *fd)
{
  const int len = snprintf(temp, n, "%s.tmp-%ld", path, (long)getpid());

  *fd = -1;
  if (len < 0 || (size_t)len >= n)
    return ENAMETOOLONG;
  for (int attempt = 0; attempt < 2 && *fd < 0; attempt++) {
    *fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FEN_IO_MODE);
    if (*fd < 0 && errno != EEXIST)
      return errno;
    if (*fd < 0 && unlink(temp) < 0)
      return errno;
  }
  return *fd < 0 ? EEXIST : 0;
}

/* temp, already synced, becomes path; without `replace` an existing file is left alone (EEXIST) */
int FenPosixCommit_Private(const char temp[], const char path[], PetscBool replace)
{
  char folder[PETSC_MAX_PATH_LEN];
  int  code;

  if (replace)
    code = rename(temp, path);
  else {
    code = renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE);
    if (code < 0 && (errno == EINVAL || errno == ENOSYS)) { /* file system without the flag */
      if (access(path, F_OK) == 0)
        return EEXIST;
      code = rename(temp, path);
    }
  }
  if (code < 0)
    return errno;
  FenPosixFolder_Private(path, folder, sizeof(folder));
  return FenPosixSync_Private(folder);
}

int FenPosixReplaceText_Private(const char path[], const char text[], size_t n)
{
  char temp[PETSC_MAX_PATH_LEN];
  int  fd, err = FenPosixCreateTemp_Private(path, temp, sizeof(temp), &fd), err2;

  if (err)
    return err;
  err = FenPosixWrite_Private(fd, text, n, 0);
  if (!err && fsync(fd) < 0)
    err = errno;
  err2 = FenPosixClose_Private(fd);
  if (!err)
    err = err2;
  if (!err)
    err = FenPosixCommit_Private(temp, path, PETSC_TRUE);
  if (err)
    (void)unlink(temp);
  return err;
}

void FenPosixOpenInput_Private(const char path[], int *fd, FenInt *size, FenFault *fault)
{
  struct stat st;

  *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* O_NONBLOCK: a pipe must not make us wait */
  *size = 0;
  if (*fd < 0) {
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be opened: %s", path, strerror(errno));
    return;
  }
  if (fstat(*fd, &st) < 0)
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be examined: %s", path, strerror(errno));
  else if (S_ISDIR(st.st_mode))
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "'%s' is a folder, a file is expected", path);
  else if (!S_ISREG(st.st_mode))
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "'%s' is not a regular file", path);
  else
    *size = (FenInt)st.st_size;
  if (fault->code) {
    (void)close(*fd);
    *fd = -1;
  }
}
