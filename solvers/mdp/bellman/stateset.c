/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of states by global numbers: memory is a pointer for 4096 states of all, and a page where there are members. */
#include "bellmanimpl.h"

PetscErrorCode FenStateSetCreate_Private(FenStateSet *set, FenInt total)
{
  PetscFunctionBegin;
  set->npages = total / FEN_PAGE + 1;
  PetscCall(PetscCalloc1(set->npages, &set->page));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStateSetAdd_Private(FenStateSet *set, FenInt g)
{
  FenStatePage **page = &set->page[g / FEN_PAGE];

  PetscFunctionBegin;
  if (!*page)
    PetscCall(PetscCalloc1(1, page));
  (*page)->bits[g % FEN_PAGE / 64] |= UINT64_C(1) << (g % 64);
  PetscFunctionReturn(0);
}

PetscErrorCode FenStateSetCount_Private(FenStateSet *set, FenInt *n)
{
  PetscFunctionBegin;
  *n = 0;
  for (FenInt k = 0; k < set->npages; k++)
    for (int w = 0; set->page[k] && w < FEN_PAGE / 64; w++) {
      set->page[k]->before[w] = (int)*n;
      *n += __builtin_popcountll(set->page[k]->bits[w]);
      PetscCheck(*n < INT32_MAX - FEN_LANES, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_SIZE,
                 "a rank has or reaches more than 2^31 states; use more ranks");
    }
  PetscFunctionReturn(0);
}

void FenStateSetList_Private(const FenStateSet *set, FenInt list[])
{
  FenInt n = 0;

  for (FenInt k = 0; k < set->npages; k++)
    for (int w = 0; set->page[k] && w < FEN_PAGE / 64; w++)
      for (uint64_t bits = set->page[k]->bits[w]; bits; bits &= bits - 1)
        list[n++] = FEN_PAGE * k + 64 * w + __builtin_ctzll(bits);
}

PetscErrorCode FenStateSetDestroy_Private(FenStateSet *set)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < set->npages; k++)
    PetscCall(PetscFree(set->page[k]));
  PetscCall(PetscFree(set->page));
  PetscFunctionReturn(0);
}
