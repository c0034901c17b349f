/* SPDX-License-Identifier: BSD-2-Clause */
/* What all families of problems share and nobody else sees. */
#pragma once
#include <fenchelsys.h>
#include <compat.h>

/* registers the classes of this layer (package.c); every constructor calls it */
PETSC_INTERN PetscErrorCode FenProblemsInitialize_Private(void);

/* options of numbers in a range (options.c); page: the function that their manual page is of */
PETSC_INTERN PetscErrorCode FenProblemOptionInt_Private(FenOptionItems, MPI_Comm, const char option[],
                                                        const char text[], const char page[], FenInt least, FenInt most,
                                                        FenInt *value);
PETSC_INTERN PetscErrorCode FenProblemOptionReal_Private(FenOptionItems, MPI_Comm, const char option[],
                                                         const char text[], const char page[], double least,
                                                         double most, double *value);
