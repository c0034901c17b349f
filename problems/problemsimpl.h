/* SPDX-License-Identifier: BSD-2-Clause */
/* What all families of problems share and nobody else sees. */
#pragma once
#include <fenchelsys.h>

/* registers the classes of this layer (package.c); every constructor calls it */
PETSC_INTERN PetscErrorCode FenProblemsInitialize_Private(void);
