/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Columns of chunks whose numbers follow each other mostly repeat, as on grids, where a law depends on the action
   alone: then a code of two bytes stands for the eight probabilities of a column, or the eight rewards of a slot, and a
   table has those that differ. A sweep reads a byte an entry in place of nine, and is no longer bound by memory, which
   ranks share.

   The rows of a policy are no runs where neighbours choose otherwise. Their columns have codes as well, and numbers
   take two bytes each, above the least of their chunk; products read little more than two bytes an entry in place of
   twelve. Chunks that reach far, as to ghosts, stay as they are.

   Cost: a pass over the entries, cut short where more differ than the table takes; half a byte an entry is kept, of
   a policy two and a half. Sums do not change, nor does their order.
*/
#include "bellmanimpl.h"

#define MOST  1024 /* in the table, of 64 bytes each: it stays in the caches */
#define SLOTS 4096 /* of the hash table, a power of two */

typedef struct _FenCodeTable {
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

PetscErrorCode FenPackedCreate_Private(FenPacked *P, FenChunkStore *C)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(1, &P->codes));
  PetscCall(PetscMalloc1(FEN_LANES * MOST, &P->codes->table));
  PetscCall(PetscMalloc3(C->nchunks, &P->least, (size_t)(FEN_LANES * C->ncolumns), &P->above, C->ncolumns, &P->code));
  PetscCall(PetscMalloc1(C->nchunks, &P->stale));
  memset(P->stale, 1, (size_t)C->nchunks);
  C->view.reach = FEN_REACH_PACKED;
  C->view.least = P->least;
  C->view.above = P->above;
  C->view.code = P->code;
  C->view.table = P->codes->table;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPackedDestroy_Private(FenPacked *P)
{
  PetscFunctionBegin;
  if (!P->codes)
    PetscFunctionReturn(0);
  PetscCall(PetscFree(P->codes->table));
  PetscCall(PetscFree(P->codes));
  PetscCall(PetscFree3(P->least, P->above, P->code));
  PetscCall(PetscFree(P->stale));
  PetscFunctionReturn(0);
}

/* false: the table has no room */
static PetscBool Pack(FenPacked *P, const FenChunkStore *C, FenInt c)
{
  const FenInt first = C->slot_ptr[c], end = C->slot_ptr[c + 1];
  int          least = INT32_MAX, most = -1;

  for (FenInt k = FEN_LANES * first; k < FEN_LANES * end; k++) {
    least = PetscMin(least, C->col[k]);
    most = PetscMax(most, C->col[k]);
  }
  P->least[c] = most - least > UINT16_MAX || first == end ? -1 : least;
  if (P->least[c] < 0)
    return PETSC_TRUE;
  for (FenInt k = FEN_LANES * first; k < FEN_LANES * end; k++)
    P->above[k] = (uint16_t)(C->col[k] - least);
  for (FenInt j = first; j < end; j++) {
    const int code = Find(P->codes, C->val + FEN_LANES * j);

    if (code == MOST)
      return PETSC_FALSE;
    P->code[j] = (uint16_t)code;
  }
  return PETSC_TRUE;
}

PetscErrorCode FenPackedRenew_Private(FenPacked *P, FenChunkStore *C)
{
  PetscFunctionBegin;
  for (FenInt c = 0; P->codes && c < C->nchunks; c++) {
    if (P->stale[c] && !Pack(P, C, c)) {
      C->view.reach = FEN_REACH_NEAR;
      PetscCall(FenPackedDestroy_Private(P));
      PetscFunctionReturn(0);
    }
    P->stale[c] = 0;
  }
  PetscFunctionReturn(0);
}
