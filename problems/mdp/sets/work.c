/* SPDX-License-Identifier: BSD-2-Clause */
/* Work arrays for one row, and its order. */
#include "setsimpl.h"
#include <stdlib.h>

#define SHORT 24 /* rows up to this length are sorted by insertion */

/*@C
  FenSetWorkCreate - Makes work arrays for worst cases of rows; they grow with the rows that come.

  Not Collective

  Output Parameter:
. work - the arrays

  Level: developer

.seealso: `FenWorstIntervals()`, `FenWorstL1()`, `FenWorstWasserstein()`
@*/
PetscErrorCode FenSetWorkCreate(FenSetWork *work)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(work));
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeArrays(FenSetWork s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(s->d, s->low, s->up, s->best));
  PetscCall(PetscFree4(s->order, s->to, s->left, s->right));
  PetscFunctionReturn(0);
}

/*@C
  FenSetWorkDestroy - Gives work arrays back.

  Not Collective

  Input Parameter:
. work - the arrays, NULL on return

  Level: developer

.seealso: `FenSetWorkCreate()`
@*/
PetscErrorCode FenSetWorkDestroy(FenSetWork *work)
{
  PetscFunctionBegin;
  if (!*work)
    PetscFunctionReturn(0);
  PetscCall(FreeArrays(*work));
  PetscCall(PetscFree(*work));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSetWorkReserve_Private(FenSetWork s, FenInt n)
{
  PetscFunctionBegin;
  if (n <= s->room)
    PetscFunctionReturn(0);
  PetscCall(FreeArrays(s));
  s->room = PetscMax(n, 2 * s->room);
  PetscCall(PetscMalloc4(s->room, &s->d, s->room, &s->low, s->room, &s->up, s->room, &s->best));
  PetscCall(PetscMalloc4(s->room, &s->order, s->room, &s->to, s->room, &s->left, s->room, &s->right));
  PetscFunctionReturn(0);
}

double FenSetWorkCentre_Private(FenSetWork s, FenInt n, const double z[], double *spread)
{
  double low = z[0], high = z[0];

  for (FenInt k = 1; k < n; k++) {
    low = PetscMin(low, z[k]);
    high = PetscMax(high, z[k]);
  }
  for (FenInt k = 0; k < n; k++)
    s->d[k] = z[k] - low;
  *spread = high - low;
  return low;
}

static int Ascending(const void *a, const void *b, void *key)
{
  const FenInt i = *(const FenInt *)a, j = *(const FenInt *)b;
  const double x = ((const double *)key)[i], y = ((const double *)key)[j];

  return x != y ? (x > y) - (x < y) : (i > j) - (i < j);
}

void FenSetWorkSort_Private(FenSetWork s, FenInt n)
{
  if (n > SHORT) {
    for (FenInt k = 0; k < n; k++)
      s->order[k] = k;
    qsort_r(s->order, (size_t)n, sizeof(*s->order), Ascending, s->d);
    return;
  }
  for (FenInt k = 0; k < n; k++) {
    FenInt i = k;

    for (; i > 0 && s->d[s->order[i - 1]] > s->d[k]; i--)
      s->order[i] = s->order[i - 1];
    s->order[i] = k;
  }
}
