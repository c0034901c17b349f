/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Start and end of the library.
*/
#include "../commimpl.h"
#include <dlfcn.h>
#include <stdlib.h>

PetscClassId FENLAYOUT_CLASSID = 0;

static PetscBool fen_package_initialized = PETSC_FALSE;
static PetscBool fen_started_petsc = PETSC_FALSE;

/* runs inside PetscFinalize, while MPI is still there */
static PetscErrorCode FenFinalizePackage(void)
{
  PetscFunctionBegin;
  PetscCall(FenSumFinalize_Private());
  PetscCall(FenLSEFinalize_Private());
  FENLAYOUT_CLASSID = 0;
  fen_package_initialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/*@C
  FenClassRegister - Registers a class with PETSc, for logging and for messages.

  Not Collective

  Input Parameters:
+ name  - what `-log_view` calls it
- label - what messages of `-info` call it, and `-info :label` chooses: the name of the type in lower case

  Output Parameter:
. classid - the class

  Level: developer

.seealso: `FenInitializePackage()`
@*/
PetscErrorCode FenClassRegister(const char name[], const char label[], PetscClassId *classid)
{
  PetscFunctionBegin;
  PetscCall(PetscClassIdRegister(name, classid));
  PetscCall(PetscInfoProcessClass(label, 1, classid));
  PetscFunctionReturn(0);
}

/*@C
  FenInitializePackage - Registers Fenchel's classes and MPI operations with PETSc and MPI.

  Collective on PETSC_COMM_WORLD

  Note:
  Every constructor calls it; calling it again does nothing. `PetscFinalize()` undoes it.

  Level: developer

.seealso: `FenInitialize()`
@*/
PetscErrorCode FenInitializePackage(void)
{
  PetscFunctionBegin;
  if (fen_package_initialized)
    PetscFunctionReturn(0);
  fen_package_initialized = PETSC_TRUE;
  PetscCall(FenClassRegister("Fenchel layout", "fenlayout", &FENLAYOUT_CLASSID));
  PetscCall(FenSumInitialize_Private());
  PetscCall(FenLSEInitialize_Private());
  PetscCall(PetscRegisterFinalize(FenFinalizePackage));
  PetscFunctionReturn(0);
}

/*@C
  FenInitialize - Starts MPI and PETSc unless they run already, sets libraries to one thread, registers classes.

  Collective on MPI_COMM_WORLD

  Input Parameters:
+ argc - pointer to the count of command line arguments, or NULL
. argv - pointer to the command line arguments, or NULL
. file - option file, or NULL for PETSc's default ones
- help - text printed for `-help`, or NULL

  Level: beginner

.seealso: `FenFinalize()`, `FenInitializePackage()`
@*/
PetscErrorCode FenInitialize(int *argc, char ***argv, const char file[], const char help[])
{
  PetscBool      running;
  PetscErrorCode code = PetscInitialized(&running);

  if (code)
    return code;
  if (!running) {
    /* before BLAS makes its threads */
    if (setenv("OPENBLAS_NUM_THREADS", "1", 1) || setenv("MKL_NUM_THREADS", "1", 1) ||
        setenv("BLIS_NUM_THREADS", "1", 1))
      return (PetscErrorCode)PETSC_ERR_SYS;
    code = PetscInitialize(argc, argv, file, help);
    if (code)
      return code;
    fen_started_petsc = PETSC_TRUE;
  }
  PetscFunctionBegin;
  PetscCall(FenSetLibraryThreads(1));
  PetscCall(FenInitializePackage());
  PetscFunctionReturn(0);
}

/*@C
  FenFinalize - Ends PETSc and MPI if `FenInitialize()` has started them.

  Collective on MPI_COMM_WORLD

  Level: beginner

.seealso: `FenInitialize()`
@*/
PetscErrorCode FenFinalize(void)
{
  if (!fen_started_petsc)
    return (PetscErrorCode)0;
  fen_started_petsc = PETSC_FALSE;
  return PetscFinalize();
}

/* a setter of a library that may be loaded */
static void Set(const char name[], int n)
{
  void *symbol = dlsym(RTLD_DEFAULT, name);
  void (*set)(int);

  if (symbol) {
    memcpy(&set, &symbol, sizeof(set));
    set(n);
  }
}

/*@C
  FenSetLibraryThreads - Sets the number of threads of the libraries that are loaded: of BLAS and of OpenMP.

  Not Collective

  Input Parameter:
. n - number of threads

  Notes:
  `FenInitialize()` sets 1: ranks do the parallel work, and sums inside BLAS would depend on the number of threads.
  OpenBLAS, MKL, BLIS and OpenMP are known; they are found at run time, since distributions exchange them without
  relinking. With 1 all OpenMP regions that this thread meets are serial, those that ask for a number of threads too, as
  the ones of CHOLMOD do.

  Level: advanced

.seealso: `FenInitialize()`
@*/
PetscErrorCode FenSetLibraryThreads(int n)
{
  void (*set_blis)(int64_t);
  void *symbol;

  PetscFunctionBegin;
  PetscCheck(n > 0, PETSC_COMM_SELF, FEN_ERR_USAGE, "%d threads: must be positive", n);
  Set("openblas_set_num_threads", n);
  Set("MKL_Set_Num_Threads", n);
  Set("omp_set_num_threads", n);
  Set("omp_set_max_active_levels", n > 1); /* regions inside of regions stay serial */
  symbol = dlsym(RTLD_DEFAULT, "bli_thread_set_num_threads");
  if (symbol) {
    memcpy(&set_blis, &symbol, sizeof(set_blis));
    set_blis(n);
  }
  PetscFunctionReturn(0);
}
