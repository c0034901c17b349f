/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sets of global numbers, of a rank for itself: a bit for each number, and how many are before each word of bits, in
   pages that are there where members are. Memory: a pointer for 4096 numbers of all, and 768 bytes a page. A member's
   place among the others is found by counting bits.
*/
#pragma once
#include <fenchelsys.h>

#define FEN_PAGE ((FenInt)4096) /* numbers */
typedef struct {
  uint64_t bits[FEN_PAGE / 64];
  int      before[FEN_PAGE / 64];
} FenIndexPage;
typedef struct {
  FenInt         npages;
  FenIndexPage **page;
} FenIndexSet;

/* of numbers below `total` */
PETSC_INTERN PetscErrorCode FenIndexSetCreate(FenIndexSet *, FenInt total);
PETSC_INTERN PetscErrorCode FenIndexSetAdd(FenIndexSet *, FenInt);
/* numbers the members of a set that is complete: how many there are. Fewer than 2^31 */
PETSC_INTERN PetscErrorCode FenIndexSetCount(FenIndexSet *, FenInt *n);
/* all of them, ascending */
PETSC_INTERN void FenIndexSetList(const FenIndexSet *, FenInt list[]);
/* complete, of n numbers in any order, some of them perhaps more than once; *distinct: how many there are */
PETSC_INTERN PetscErrorCode FenIndexSetCreateOf(FenIndexSet *, FenInt total, FenInt n, const FenInt number[],
                                                FenInt *distinct);
PETSC_INTERN PetscErrorCode FenIndexSetDestroy(FenIndexSet *);

static inline PetscBool FenIndexSetHas(const FenIndexSet *set, FenInt g)
{
  const FenIndexPage *p = set->page[g / FEN_PAGE];

  return (PetscBool)(p && p->bits[g % FEN_PAGE / 64] >> (g % 64) & 1);
}

/* how many of the set have smaller numbers; of one that is in it */
static inline int FenIndexSetRank(const FenIndexSet *set, FenInt g)
{
  const FenIndexPage *p = set->page[g / FEN_PAGE];
  const FenInt        w = g % FEN_PAGE / 64;

  return p->before[w] + __builtin_popcountll(p->bits[w] & ((UINT64_C(1) << (g % 64)) - 1));
}
