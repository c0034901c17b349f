/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A folder of its own for each test program, the same on all ranks, removed at the end.
*/
#pragma once
#include "fentest.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[256];

static inline int ScratchOpen(void **state)
{
  int rank;
  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(scratch, sizeof(scratch), "scratch-XXXXXX");
  if (!rank && !mkdtemp(scratch))
    return -1;
  return MPI_Bcast(scratch, sizeof(scratch), MPI_CHAR, 0, MPI_COMM_WORLD);
}

static inline int ScratchRemove(const char path[], const struct stat *st, int type, struct FTW *ftw)
{
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static inline int ScratchClose(void **state)
{
  int rank;
  (void)state;
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank ? 0 : nftw(scratch, ScratchRemove, 16, FTW_DEPTH | FTW_PHYS);
}

/* folder/name; the text lives until the 4th call after this one */
static inline const char *ScratchPath(const char name[])
{
  static char text[4][800];
  static int  next = 0;
  next = (next + 1) % 4;
  snprintf(text[next], sizeof(text[next]), "%s/%s", scratch, name);
  return text[next];
}

/* number of entries of a folder that begin like this; collective */
static inline int ScratchCount(const char folder[], const char prefix[])
{
  int rank, n = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Barrier(MPI_COMM_WORLD);
  if (!rank) {
    DIR           *d = opendir(folder);
    struct dirent *e;
    while (d && (e = readdir(d)))
      n += !strncmp(e->d_name, prefix, strlen(prefix)) && strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    if (d)
      closedir(d);
  }
  MPI_Bcast(&n, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return n;
}

/* the first k ranks; MPI_COMM_NULL on the others */
static inline MPI_Comm FirstRanks(int k)
{
  MPI_Comm sub;
  int      rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_split(MPI_COMM_WORLD, rank < k ? 0 : MPI_UNDEFINED, rank, &sub);
  return sub;
}
