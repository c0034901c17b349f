/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sizes whose products and conversions are checked.
*/
#include "../commimpl.h"

/*@
  FenIntMult - Multiplies two sizes.

  Not Collective

  Input Parameters:
+ a - a size
- b - a size

  Output Parameter:
. c - a times b

  Errors:
  `FEN_ERR_SIZE` if the product does not fit into 64 bits.

  Level: developer

.seealso: `FenBytes()`, `FenIntCast()`
@*/
PetscErrorCode FenIntMult(FenInt a, FenInt b, FenInt *c)
{
  PetscFunctionBegin;
  PetscCheck(!__builtin_mul_overflow(a, b, c), PETSC_COMM_SELF, FEN_ERR_SIZE,
             "%" FENINT_FMT " times %" FENINT_FMT " does not fit into 64 bits", a, b);
  PetscFunctionReturn(0);
}

/*@
  FenIntCast - Converts a global size to PETSc's index type.

  Not Collective

  Input Parameter:
. a - a size

  Output Parameter:
. b - the same

  Errors:
  `FEN_ERR_SIZE` if it does not fit.

  Level: developer

.seealso: `FenMPIIntCast()`
@*/
PetscErrorCode FenIntCast(FenInt a, PetscInt *b)
{
  PetscFunctionBegin;
  *b = (PetscInt)a;
  PetscCheck((FenInt)*b == a, PETSC_COMM_SELF, FEN_ERR_SIZE,
             "%" FENINT_FMT " does not fit into PetscInt, which has %d bits", a, (int)(8 * sizeof(PetscInt)));
  PetscFunctionReturn(0);
}

/*@
  FenMPIIntCast - Converts a size to the type of MPI's counts.

  Not Collective

  Input Parameter:
. a - a size

  Output Parameter:
. b - the same

  Errors:
  `FEN_ERR_SIZE` if it is negative or does not fit.

  Level: developer

.seealso: `FenIntCast()`
@*/
PetscErrorCode FenMPIIntCast(FenInt a, PetscMPIInt *b)
{
  PetscFunctionBegin;
  PetscCheck(a >= 0 && a <= PETSC_MPI_INT_MAX, PETSC_COMM_SELF, FEN_ERR_SIZE,
             "%" FENINT_FMT " does not fit into an MPI count", a);
  *b = (PetscMPIInt)a;
  PetscFunctionReturn(0);
}

/*@
  FenBytes - Bytes that an array needs.

  Not Collective

  Input Parameters:
+ n    - number of entries
- size - bytes of an entry

  Output Parameter:
. bytes - n times size

  Errors:
  `FEN_ERR_SIZE` if n is negative or the product is larger than the address space.

  Level: developer

.seealso: `FenIntMult()`
@*/
PetscErrorCode FenBytes(FenInt n, size_t size, size_t *bytes)
{
  PetscFunctionBegin;
  PetscCheck(n >= 0 && !__builtin_mul_overflow((size_t)n, size, bytes) && *bytes <= PTRDIFF_MAX, PETSC_COMM_SELF,
             FEN_ERR_SIZE, "an array of %" FENINT_FMT " entries of %zu bytes is impossible", n, size);
  PetscFunctionReturn(0);
}
