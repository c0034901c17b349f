/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of global numbers, see indexset.h. */
#include "../indexset.h"

PetscErrorCode FenIndexSetCreate(FenIndexSet *set, FenInt total)
{
  PetscFunctionBegin;
  set->npages = total / FEN_PAGE + 1;
  PetscCall(PetscCalloc1(set->npages, &set->page));
  PetscFunctionReturn(0);
}

PetscErrorCode FenIndexSetAdd(FenIndexSet *set, FenInt g)
{
  FenIndexPage **page = &set->page[g / FEN_PAGE];

  PetscFunctionBegin;
  if (!*page)
    PetscCall(PetscCalloc1(1, page));
  (*page)->bits[g % FEN_PAGE / 64] |= UINT64_C(1) << (g % 64);
  PetscFunctionReturn(0);
}

PetscErrorCode FenIndexSetCount(FenIndexSet *set, FenInt *n)
{
  PetscFunctionBegin;
  *n = 0;
  for (FenInt k = 0; k < set->npages; k++)
    for (int w = 0; set->page[k] && w < FEN_PAGE / 64; w++) {
      set->page[k]->before[w] = (int)*n;
      *n += __builtin_popcountll(set->page[k]->bits[w]);
      PetscCheck(*n <= INT32_MAX, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_SIZE,
                 "a rank deals with more than 2^31 entries of a distributed array; use more ranks");
    }
  PetscFunctionReturn(0);
}

PetscErrorCode FenIndexSetCreateOf(FenIndexSet *set, FenInt total, FenInt n, const FenInt number[], FenInt *distinct)
{
  PetscFunctionBegin;
  PetscCall(FenIndexSetCreate(set, total));
  for (FenInt k = 0; k < n; k++)
    PetscCall(FenIndexSetAdd(set, number[k]));
  PetscCall(FenIndexSetCount(set, distinct));
  PetscFunctionReturn(0);
}

void FenIndexSetList(const FenIndexSet *set, FenInt list[])
{
  FenInt n = 0;

  for (FenInt k = 0; k < set->npages; k++)
    for (int w = 0; set->page[k] && w < FEN_PAGE / 64; w++)
      for (uint64_t bits = set->page[k]->bits[w]; bits; bits &= bits - 1)
        list[n++] = FEN_PAGE * k + 64 * w + __builtin_ctzll(bits);
}

PetscErrorCode FenIndexSetDestroy(FenIndexSet *set)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < set->npages; k++)
    PetscCall(PetscFree(set->page[k]));
  PetscCall(PetscFree(set->page));
  set->npages = 0;
  PetscFunctionReturn(0);
}
