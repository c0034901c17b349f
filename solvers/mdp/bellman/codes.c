/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Columns of chunks whose numbers follow each other mostly repeat, as on grids, where a law depends on the action
   alone: then a code of two bytes stands for the eight probabilities of a column, or the eight rewards of a slot, and a
   table has those that differ. A sweep reads a byte an entry in place of nine, and is no longer bound by memory, which
   ranks share.

   Cost: a pass over the entries, cut short where more differ than the table takes; half a byte an entry is kept.
*/
#include "bellmanimpl.h"

#define MOST  1024 /* in the table, of 64 bytes each: it stays in the caches */
#define SLOTS 4096 /* of the hash table, a power of two */

typedef struct {
  double  *table;
  int      n;           /* in it */
  uint16_t slot[SLOTS]; /* number in the table plus one, 0: free */
} Table;

/* the same bits, as hashes are of bits */
static PetscBool Same(const double a[], const double b[])
{
  uint64_t x[FEN_LANES], y[FEN_LANES], differ = 0;

  memcpy(x, a, sizeof(x));
  memcpy(y, b, sizeof(y));
  for (int l = 0; l < FEN_LANES; l++)
    differ |= x[l] ^ y[l];
  return PetscNot(differ);
}

static unsigned Hash(const double x[])
{
  uint64_t h = 0, bits[FEN_LANES];

  memcpy(bits, x, sizeof(bits));
  for (int l = 0; l < FEN_LANES; l++)
    h = (h ^ bits[l]) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
  return (unsigned)(h >> 32) & (SLOTS - 1);
}

/* the number of what is in the table, or is put there; MOST: no room */
static int Find(Table *T, const double x[])
{
  unsigned h = Hash(x);

  for (; T->slot[h]; h = (h + 1) & (SLOTS - 1))
    if (Same(T->table + FEN_LANES * (T->slot[h] - 1), x))
      return T->slot[h] - 1;
  if (T->n == MOST)
    return MOST;
  memcpy(T->table + (ptrdiff_t)FEN_LANES * T->n, x, FEN_LANES * sizeof(double));
  T->slot[h] = (uint16_t)++T->n;
  return T->n - 1;
}

/* codes of n times eight numbers; mostly they are those of `period` before. False: too many differ */
static PetscBool Encode(Table *T, FenInt n, const double x[], FenInt period, uint16_t code[])
{
  for (FenInt k = 0; k < n; k++) {
    int found = k >= period ? code[k - period] : MOST;

    if (found == MOST || !Same(T->table + (ptrdiff_t)FEN_LANES * found, x + FEN_LANES * k))
      found = Find(T, x + FEN_LANES * k);
    if (found == MOST)
      return PETSC_FALSE;
    code[k] = (uint16_t)found;
  }
  return PETSC_TRUE;
}

PetscErrorCode FenChunksFindCodes_Private(FenChunkStore *C)
{
  Table *T;

  PetscFunctionBegin;
  if (C->view.reach != FEN_REACH_RUNS || !C->nchunks)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(1, &T));
  PetscCall(PetscMalloc1(FEN_LANES * MOST, &T->table));
  PetscCall(PetscMalloc1(C->ncolumns, &C->code));
  if (Encode(T, C->ncolumns, C->val, C->slot_ptr[C->chunk_ptr[1]], C->code)) {
    C->table = T->table;
    C->view.reach = FEN_REACH_CODED;
    C->view.code = C->code;
    C->view.table = C->table;
  } else {
    PetscCall(PetscFree(C->code));
    PetscCall(PetscFree(T->table));
  }
  PetscCall(PetscFree(T));
  PetscFunctionReturn(0);
}
