/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of a plan that were found, and sparse rows of them. */
#include "entries.h"

PetscErrorCode FenEntriesAdd(FenEntries *E, FenInt row, FenInt col, double val)
{
  PetscFunctionBegin;
  if (E->n == E->most)
    PetscFunctionReturn(0);
  if (E->n == E->capacity) {
    FenEntry    *bigger;
    const FenInt capacity = PetscMin(E->most, PetscMax(1024, 2 * E->capacity));

    PetscCall(PetscMalloc1(capacity, &bigger));
    PetscCall(PetscArraycpy(bigger, E->entry, E->n));
    PetscCall(PetscFree(E->entry));
    E->entry = bigger;
    E->capacity = capacity;
  }
  E->entry[E->n++] = (FenEntry){row, col, val};
  PetscFunctionReturn(0);
}

static int ByColumn(const void *a, const void *b)
{
  const FenEntry *p = (const FenEntry *)a, *q = (const FenEntry *)b;

  return (p->col > q->col) - (p->col < q->col);
}

PetscErrorCode FenEntriesToSparse(const FenEntries *E, FenInt nrows, FenSparse *sparse)
{
  FenEntry *line;
  FenInt   *at, longest = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(nrows + 1, &sparse->ptr));
  PetscCall(PetscMalloc1(E->n, &sparse->idx));
  PetscCall(PetscMalloc1(E->n, &sparse->val));
  PetscCall(PetscMalloc1(nrows + 1, &at));
  for (FenInt k = 0; k < E->n; k++)
    sparse->ptr[E->entry[k].row + 1]++;
  for (FenInt i = 0; i < nrows; i++) {
    longest = PetscMax(longest, sparse->ptr[i + 1]);
    sparse->ptr[i + 1] += sparse->ptr[i];
  }
  PetscCall(PetscArraycpy(at, sparse->ptr, nrows + 1));
  for (FenInt k = 0; k < E->n; k++) {
    const FenInt to = at[E->entry[k].row]++;

    sparse->idx[to] = E->entry[k].col;
    sparse->val[to] = E->entry[k].val;
  }
  PetscCall(PetscMalloc1(longest, &line));
  for (FenInt i = 0; i < nrows; i++) {
    const FenInt first = sparse->ptr[i], n = sparse->ptr[i + 1] - first;

    for (FenInt k = 0; k < n; k++)
      line[k] = (FenEntry){i, sparse->idx[first + k], sparse->val[first + k]};
    qsort(line, (size_t)n, sizeof(*line), ByColumn);
    for (FenInt k = 0; k < n; k++) {
      sparse->idx[first + k] = line[k].col;
      sparse->val[first + k] = line[k].val;
    }
  }
  PetscCall(PetscFree(line));
  PetscCall(PetscFree(at));
  PetscFunctionReturn(0);
}
