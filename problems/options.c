/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of built-in problems: numbers in a range. */
#include "problemsimpl.h"
#include <math.h>

/* PETSc keeps the low 32 bits of a larger number and says nothing */
static PetscErrorCode FenCheckDigits(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[])
{
  char      text[64];
  PetscBool set;
  long long number;

  PetscFunctionBegin;
  PetscCall(
      PetscOptionsGetString(PetscOptionsObject->options, PetscOptionsObject->prefix, option, text, sizeof(text), &set));
  number = set ? strtoll(text, NULL, 10) : 0;
  PetscCheck(number <= PETSC_MAX_INT && number >= PETSC_MIN_INT, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "%s %s: numbers are at most %" PetscInt_FMT " in this build", option, text, PETSC_MAX_INT);
  PetscFunctionReturn(0);
}

PetscErrorCode FenProblemOptionInt_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[],
                                           const char text[], const char page[], FenInt least, FenInt most,
                                           FenInt *value)
{
  PetscInt number;

  PetscFunctionBegin;
  PetscCall(FenIntCast(*value, &number));
  PetscCall(FenCheckDigits(PetscOptionsObject, comm, option));
  PetscCall(PetscOptionsInt(option, text, page, number, &number, NULL));
  PetscCheck(number >= least && number <= most, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "%s %" PetscInt_FMT "; rule: %" FENINT_FMT " to %" FENINT_FMT, option, number, least, most);
  *value = number;
  PetscFunctionReturn(0);
}

PetscErrorCode FenProblemOptionReal_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[],
                                            const char text[], const char page[], double least, double most,
                                            double *value)
{
  PetscReal number = *value;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal(option, text, page, number, &number, NULL));
  PetscCheck(isfinite(number) && number >= least && number <= most, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "%s %g; rule: %g to %g", option, number, least, most);
  *value = number;
  PetscFunctionReturn(0);
}
