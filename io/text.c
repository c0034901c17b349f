/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Text that grows as it is printed.
*/
#include "ioimpl.h"
#include <stdarg.h>
#include <stdio.h>

PetscErrorCode FenTextPut_Private(FenText *t, const char format[], ...)
{
  va_list args;
  int     n;

  PetscFunctionBegin;
  va_start(args, format);
  n = vsnprintf(t->text ? t->text + t->used : NULL, t->capacity - t->used, format, args);
  va_end(args);
  PetscCheck(n >= 0, PETSC_COMM_SELF, FEN_ERR_INTERNAL, "no text from '%s'", format);
  if (t->used + (size_t)n >= t->capacity) {
    t->capacity = 2 * (t->used + (size_t)n) + 4096;
    PetscCall(PetscRealloc(t->capacity, &t->text));
    va_start(args, format);
    (void)vsnprintf(t->text + t->used, t->capacity - t->used, format, args);
    va_end(args);
  }
  t->used += (size_t)n;
  PetscFunctionReturn(0);
}
