/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What differs between PETSc 3.18 and later ones. The only file that may ask for PETSc's version.
*/
#pragma once
#include <petscsys.h>

#if PETSC_VERSION_LT(3, 18, 0)
  #error "Fenchel needs PETSc 3.18 or later"
#endif

#if PETSC_VERSION_LT(3, 19, 0)
  #define PETSC_SUCCESS ((PetscErrorCode)0)
#endif

/* argument checks of debug builds were renamed in 3.20 */
#if PETSC_VERSION_LT(3, 20, 0)
  #define PetscAssertPointer(pointer, argument) PetscValidPointer(pointer, argument)
#endif

/* renamed in 3.22, and the old name deprecated */
#if PETSC_VERSION_LT(3, 22, 0)
  #define PetscOptionsCreateViewer PetscOptionsGetViewer
#endif

/* PetscOptionItems is the pointed-to type until 3.22 and the pointer since */
#if PETSC_VERSION_LT(3, 23, 0)
typedef PetscOptionItems *FenOptionItems;
#else
typedef PetscOptionItems FenOptionItems;
#endif
