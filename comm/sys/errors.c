/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Errors: the catalogue, and how an error that one rank has seen becomes the error of all.
*/
#include "../commimpl.h"
#include <stdarg.h>
#include <stdio.h>

typedef struct {
  const char *name, *sentence, *remedy;
  int         status;
} FenErrorText;

static const FenErrorText fen_errors[] = {
#define FEN_ERROR_TEXT(name, status, sentence, remedy) {#name, sentence, remedy, status},
    FEN_ERROR_LIST(FEN_ERROR_TEXT)
#undef FEN_ERROR_TEXT
};

/*@C
  FenErrorGet - Gives the catalogue's texts about an error code.

  Not Collective

  Input Parameter:
. code - error code, as returned by any function

  Output Parameters:
+ name     - its name without `FEN_ERR_`, or NULL if the code is not one of Fenchel's
. sentence - what is wrong, or NULL
. remedy   - what the user can do, or NULL
- status   - exit status of the command: 1 for codes that are not Fenchel's

  Note:
  Every output may be NULL if it is not wanted.

  Level: intermediate

.seealso: `FenFaultSet()`, `FenFaultAgree()`
@*/
PetscErrorCode FenErrorGet(int code, const char *name[], const char *sentence[], const char *remedy[], int *status)
{
  const FenErrorText *text = NULL;

  PetscFunctionBegin;
  if (code > FEN_ERR_FIRST && code < FEN_ERR_LAST)
    text = &fen_errors[code - FEN_ERR_FIRST - 1];
  if (name)
    *name = text ? text->name : NULL;
  if (sentence)
    *sentence = text ? text->sentence : NULL;
  if (remedy)
    *remedy = text ? text->remedy : NULL;
  if (status)
    *status = text ? text->status : 1;
  PetscFunctionReturn(0);
}

/*@C
  FenFaultSet - Notes an error that this rank has seen, to be agreed later.

  Not Collective

  Input Parameters:
+ fault  - the fault, zeroed before its first use
. code   - a `FenErrorCode`
- format - printf-like message without a newline; it names file, data set, index, value and rule

  Note:
  Only the first fault is kept: later ones are mostly its consequences. Longer messages are cut at 1023 bytes.

  Level: developer

.seealso: `FenFaultAgree()`
@*/
void FenFaultSet(FenFault *fault, int code, const char format[], ...)
{
  va_list args;

  if (fault->code)
    return;
  fault->code = code;
  va_start(args, format);
  (void)vsnprintf(fault->message, sizeof(fault->message), format, args);
  va_end(args);
}

/*@C
  FenFaultAgree - Makes the fault of the lowest rank that has one the error of all ranks.

  Collective

  Input Parameters:
+ comm  - the ranks that have to agree
- fault - what this rank has seen; code 0 means nothing

  Errors:
  The code and message of the fault that was chosen, on all ranks; none if no rank has a fault.

  Level: developer

.seealso: `FenFaultSet()`
@*/
PetscErrorCode FenFaultAgree(MPI_Comm comm, const FenFault *fault)
{
  FenFault    agreed;
  PetscMPIInt rank, size;
  int         mine, first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  mine = fault->code ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size)
    PetscFunctionReturn(0);
  PetscCall(PetscMemzero(&agreed, sizeof(agreed)));
  if (rank == first)
    agreed = *fault;
  PetscCallMPI(MPI_Bcast(&agreed, (PetscMPIInt)sizeof(agreed), MPI_BYTE, first, comm));
  SETERRQ(comm, (PetscErrorCode)agreed.code, "%s", agreed.message);
}
