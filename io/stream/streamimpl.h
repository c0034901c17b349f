/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Private to io/stream: a plain file.
*/
#pragma once
#include <fenchelio.h>

struct _p_FenStream {
  MPI_Comm    comm;
  PetscMPIInt rank, nranks;
  FenFileMode mode;
  int         fd;
  FenInt      size;
  char        name[PETSC_MAX_PATH_LEN];
  char        temp[PETSC_MAX_PATH_LEN]; /* "" once it has its name */
};
