/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLog: a table that grows by rows.
*/
#include "stateimpl.h"

/*@
  FenLogAppend - Adds a row.

  Not Collective, but the tables of all ranks must stay equal

  Input Parameters:
+ log - the table; zeroed but for the number of columns before its first use
- row - as many numbers as the table has columns

  Errors:
  `FEN_ERR_INTERNAL` if the table has no columns, `FEN_ERR_SIZE` if it is too large.

  Level: developer

.seealso: `FenLogReset()`, `FenStateAddLog()`
@*/
PetscErrorCode FenLogAppend(FenLog *log, const double row[])
{
  PetscFunctionBegin;
  PetscCheck(log->ncols > 0, PETSC_COMM_SELF, FEN_ERR_INTERNAL, "a table without columns");
  if (log->nrows == log->capacity) {
    const FenInt capacity = 2 * log->capacity + 16;
    double      *grown;
    FenInt       n;
    size_t       bytes;

    PetscCall(FenIntMult(capacity, log->ncols, &n));
    PetscCall(FenBytes(n, sizeof(double), &bytes));
    PetscCall(PetscMalloc(bytes, &grown));
    PetscCall(PetscArraycpy(grown, log->data, (size_t)(log->nrows * log->ncols)));
    PetscCall(PetscFree(log->data));
    log->data = grown;
    log->capacity = capacity;
  }
  for (PetscInt c = 0; c < log->ncols; c++)
    log->data[log->nrows * log->ncols + c] = row[c];
  log->nrows++;
  PetscFunctionReturn(0);
}

/*@
  FenLogReset - Removes all rows and frees their memory; the number of columns stays.

  Not Collective

  Input Parameter:
. log - the table

  Level: developer

.seealso: `FenLogAppend()`
@*/
PetscErrorCode FenLogReset(FenLog *log)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(log->data));
  log->nrows = log->capacity = 0;
  PetscFunctionReturn(0);
}
