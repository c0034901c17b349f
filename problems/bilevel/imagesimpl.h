/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of a folder or of a stack of arrays, read by the teams that have them. */
#pragma once
#include "denoiseimpl.h"

/* opens what the options and `data` name, says number and shape in the FenDenoise; reads headers only */
PETSC_INTERN PetscErrorCode FenImagesOpen_Private(MPI_Comm, FenDenoise *, const FenBilevelData *);
/* my rows of my team's images into clean and dirty */
PETSC_INTERN PetscErrorCode FenImagesRead_Private(FenBilevelProblem, FenDenoise *);
PETSC_INTERN PetscErrorCode FenImagesClose_Private(FenImages *);
