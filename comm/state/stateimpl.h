/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of comm/state share.
*/
#pragma once
#include <fenchelstate.h>
#include "../commimpl.h"

struct _p_FenState {
  MPI_Comm       comm; /* PETSc's duplicate */
  PetscInt       n, capacity;
  FenStateEntry *entry;
  char         **name; /* owned copies of the names */
};
