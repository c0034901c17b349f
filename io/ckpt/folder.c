/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The folder that checkpoints live in: 000123 is complete, .tmp-000123-PID is being written (or removed) by a process.
*/
#include "ckptimpl.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STALE_SECONDS (24 * 3600)

void FenCkptPath_Private(const char dir[], FenInt number, const char file[], char path[], size_t n)
{
  (void)snprintf(path, n, "%s/%06" PRId64 "%s%s", dir, number, *file ? "/" : "", file);
}

/* six digits or more, and nothing else; -1 otherwise */
static FenInt NumberOf(const char name[])
{
  const size_t n = strspn(name, "0123456789");

  return n >= 6 && n <= 9 && !name[n] ? strtoll(name, NULL, 10) : -1;
}

static int Descending(const void *a, const void *b)
{
  const FenInt x = *(const FenInt *)a, y = *(const FenInt *)b;

  return x < y ? 1 : x > y ? -1 : 0;
}

PetscErrorCode FenCkptList_Private(const char dir[], PetscInt *n, FenInt *numbers[], int *err)
{
  DIR           *stream = opendir(dir);
  struct dirent *entry;
  PetscInt       capacity = 0;

  PetscFunctionBegin;
  *n = 0;
  *numbers = NULL;
  *err = stream || errno == ENOENT ? 0 : errno;
  while (stream && (entry = readdir(stream))) {
    const FenInt number = NumberOf(entry->d_name);
    if (number < 0)
      continue;
    if (*n == capacity) {
      capacity = 2 * capacity + 16;
      PetscCall(PetscRealloc((size_t)capacity * sizeof(FenInt), numbers));
    }
    (*numbers)[(*n)++] = number;
  }
  if (stream)
    (void)closedir(stream);
  if (*n)
    qsort(*numbers, (size_t)*n, sizeof(FenInt), Descending);
  PetscFunctionReturn(0);
}

/* with the folders above it */
int FenCkptMakeFolder_Private(const char dir[])
{
  char path[PETSC_MAX_PATH_LEN];

  if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
    return ENAMETOOLONG;
  for (char *p = path + 1; *p; p++) {
    if (*p != '/')
      continue;
    *p = 0;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
      return errno;
    *p = '/';
  }
  return mkdir(path, 0755) < 0 && errno != EEXIST ? errno : 0;
}

/* a folder of files, or a file */
int FenCkptRemoveFolder_Private(const char path[])
{
  DIR           *stream = opendir(path);
  struct dirent *entry;

  if (!stream && errno == ENOTDIR)
    return unlink(path) < 0 ? errno : 0;
  if (!stream)
    return errno == ENOENT ? 0 : errno;
  while ((entry = readdir(stream)))
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      (void)unlinkat(dirfd(stream), entry->d_name, 0);
  (void)closedir(stream);
  return rmdir(path) < 0 ? errno : 0;
}

/* the process that a temporary name, .tmp-000123-PID or LATEST.tmp-PID, tells, or 0 */
static long WriterOf(const char name[])
{
  const char *p = strncmp(name, "LATEST", 6) ? name : name + 6;

  if (strncmp(p, ".tmp-", 5))
    return 0;
  p += 5;
  if (name[0] == '.') {
    if (strspn(p, "0123456789") < 6)
      return 0;
    p += strspn(p, "0123456789");
    if (*p++ != '-')
      return 0;
  }
  return isdigit((unsigned char)*p) && strlen(p) < 12 && !p[strspn(p, "0123456789")] ? strtol(p, NULL, 10) : 0;
}

/* the writer holds a lock on its folder as long as it lives, whatever machine it is on; where the file system has no
   locks, its process must be alive here, or the folder young */
static PetscBool IsAlive(const char path[], long pid)
{
  const int   fd = open(path, O_RDONLY | O_CLOEXEC);
  const int   err = fd < 0 ? errno : flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
  struct stat st;

  if (fd >= 0)
    (void)close(fd);
  if (!err)
    return PETSC_FALSE;
  if (err == EWOULDBLOCK)
    return PETSC_TRUE;
  if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
    return PETSC_FALSE;
  return stat(path, &st) == 0 && time(NULL) - st.st_mtime <= STALE_SECONDS ? PETSC_TRUE : PETSC_FALSE;
}

/* takes that lock; a file descriptor to be closed at the end, or -1 */
int FenCkptLock_Private(const char path[])
{
  const int fd = open(path, O_RDONLY | O_CLOEXEC);

  if (fd >= 0)
    (void)flock(fd, LOCK_EX | LOCK_NB);
  return fd;
}

/* what dead processes left behind, and we ourselves */
void FenCkptRemoveStale_Private(const char dir[])
{
  DIR           *stream = opendir(dir);
  struct dirent *entry;
  char           path[2 * PETSC_MAX_PATH_LEN];

  while (stream && (entry = readdir(stream))) {
    const long pid = WriterOf(entry->d_name);
    if (pid <= 0)
      continue;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
    if (pid == (long)getpid() || !IsAlive(path, pid))
      (void)FenCkptRemoveFolder_Private(path);
  }
  if (stream)
    (void)closedir(stream);
}

/* first out of the list, then away: a kill in between leaves no half checkpoint */
int FenCkptRemove_Private(const char dir[], FenInt number)
{
  char path[2 * PETSC_MAX_PATH_LEN], temp[2 * PETSC_MAX_PATH_LEN];

  FenCkptPath_Private(dir, number, "", path, sizeof(path));
  (void)snprintf(temp, sizeof(temp), "%s/.tmp-%06" PRId64 "-%ld", dir, number, (long)getpid());
  if (rename(path, temp) < 0)
    return errno;
  return FenCkptRemoveFolder_Private(temp);
}
