/* SPDX-License-Identifier: BSD-2-Clause */
/* What solvers of decision processes share about nature's options. */
#pragma once
#include <fenchelmdp.h>

/* what the help says: page of the manual, meaning of the options */
typedef struct {
  const char *page, *name, *radius, *penalty;
} FenAmbiguityTexts;

/* name, order, radius and penalty of nature's set; given: radius or penalty are there, now or before */
PETSC_INTERN PetscErrorCode FenMDPAmbiguitySize_Private(MPI_Comm, FenAmbiguity *, const FenAmbiguityTexts *,
                                                        PetscBool *given, PetscOptionItems *);
