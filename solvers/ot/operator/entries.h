/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for a plan's entries that matter, and its two ways. See entries.c. */
#pragma once
#include "operator.h"

/* what is wanted of my rows: entries E_ij of at least 2^cut[0][i], and by column those with r_i E_ij of at least
   2^cut[1][j], r being the operator's rows; of sources kept[0] and targets kept[1], n of them */
typedef struct {
  const double *f, *g;
  double       *cut[2];
  PetscBool     by_column;
  FenInt       *kept[2], n[2];
} FenWanted;

/* what was found, in any order: numbers among my sources, and among all targets, of which each rank's follow each other
   as it stores them. No more than `most` are looked for */
typedef struct {
  FenInt row, col;
  double val;
} FenEntry;
typedef struct {
  FenEntry *entry;
  FenInt    n, capacity, most;
} FenEntries;
PETSC_INTERN PetscErrorCode FenEntriesAdd(FenEntries *, FenInt row, FenInt col, double val);
/* by rows, of which there are so many, each by columns */
PETSC_INTERN PetscErrorCode FenEntriesToSparse(const FenEntries *, FenInt nrows, FenSparse *);

/* The ways, all collective. Axis by axis (entriesaxes.c), on grids with a separable cost where that is less work; and
   pair by pair, after which kept points are in another order */
PETSC_INTERN PetscErrorCode FenEntriesHaveAxes(FenOTOperator, const FenWanted *, PetscBool *axes);
PETSC_INTERN PetscErrorCode FenEntriesByAxes(FenOTOperator, const FenWanted *, FenEntries *);
PETSC_INTERN PetscErrorCode FenEntriesByPairs(FenOTOperator, const FenWanted *, FenEntries *);
