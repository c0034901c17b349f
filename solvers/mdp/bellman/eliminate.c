/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Actions that cannot be optimal. Let lo <= TV - V <= hi, f = gamma/(1-gamma) and q the value of a row at V. Since
   V* <= V + hi/(1-gamma) and V* >= TV + f lo in the state, the row's value at V* is below V* of its state if

     q < TV - f (hi - lo)

   and the row is never needed again: the operator without it has the same fixed point, is monotone and contracts, so
   that its certificates hold. A lane that needs a slot no more is marked; sweeps leave out slots that no lane of their
   chunk needs.

   Cost: as a sweep. Reference: MacQueen, Operations Research 15(3), 1967.
*/
#include "bellmanimpl.h"

#define ALL_LANES ((1u << FEN_LANES) - 1)

static PetscErrorCode Allocate(FenBellman b)
{
  const FenChunkStore *A = &b->all;

  PetscFunctionBegin;
  PetscCall(FenBellmanStore(b));
  if (!b->gone) {
    PetscCall(PetscCalloc1(A->nslots, &b->gone));
    PetscCall(PetscMalloc2(A->nchunks + 1, &b->live_ptr, A->nslots, &b->live));
  }
  PetscFunctionReturn(0);
}

/* lanes beyond the last state need nothing */
static unsigned NoState(FenBellman b, FenInt c)
{
  const FenInt states = PetscMin(FEN_LANES, b->nlocal - FEN_LANES * c);

  return ALL_LANES & ~((1u << states) - 1);
}

static void ListLive(FenBellman b)
{
  const FenChunkStore *A = &b->all;
  FenInt               n = 0;

  b->live_ptr[0] = 0;
  for (FenInt c = 0; c < A->nchunks; c++) {
    for (FenInt k = A->chunk_ptr[c]; k < A->chunk_ptr[c + 1]; k++)
      if ((b->gone[k] | NoState(b, c)) != ALL_LANES)
        b->live[n++] = (int)(k - A->chunk_ptr[c]);
    b->live_ptr[c + 1] = n;
  }
}

PetscErrorCode FenBellmanEliminate(FenBellman b, const double V[], const double TV[], double margin)
{
  const FenChunkStore *A = &b->all;
  FenInt               most = 0;
  double              *q;

  PetscFunctionBegin;
  PetscCall(Allocate(b));
  for (FenInt c = 0; c < A->nchunks; c++)
    most = PetscMax(most, A->chunk_ptr[c + 1] - A->chunk_ptr[c]);
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * most), &q));
  for (FenInt c = 0; c < A->nchunks; c++) {
    const FenInt first = A->chunk_ptr[c], slots = A->chunk_ptr[c + 1] - first;

    if (slots == 1)
      continue;
    b->kernels->values(&A->view, c, c + 1, V, q);
    for (FenInt e = 0; e < FEN_LANES * slots; e++) {
      const FenInt s = FEN_LANES * c + e % FEN_LANES;

      if (s < b->nlocal && q[e] < TV[s] - margin)
        b->gone[first + e / FEN_LANES] |= (unsigned char)(1u << (e % FEN_LANES));
    }
  }
  PetscCall(PetscFree(q));
  ListLive(b);
  b->sweeps += 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanUseEliminated(FenBellman b, PetscBool use)
{
  PetscFunctionBegin;
  b->all.view.live = use && b->gone ? b->live : NULL;
  b->all.view.live_ptr = b->live_ptr;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetEliminated(FenBellman b, int word, double bits[])
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt c = s / FEN_LANES, first = b->all.chunk_ptr[c], slots = b->all.chunk_ptr[c + 1] - first;
    uint32_t     x = 0;

    for (int a = 32 * word; b->gone && a < PetscMin(slots, 32 * (word + 1)); a++)
      x |= (uint32_t)((b->gone[first + a] >> (s % FEN_LANES)) & 1) << (a % 32);
    bits[s] = x;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSetEliminated(FenBellman b, int word, const double bits[])
{
  PetscFunctionBegin;
  PetscCall(Allocate(b));
  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt   c = s / FEN_LANES, first = b->all.chunk_ptr[c], slots = b->all.chunk_ptr[c + 1] - first;
    const uint32_t x = (uint32_t)bits[s];

    for (int a = 32 * word; a < PetscMin(slots, 32 * (word + 1)); a++)
      if ((x >> (a % 32)) & 1)
        b->gone[first + a] |= (unsigned char)(1u << (s % FEN_LANES));
  }
  ListLive(b);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanForgetEliminated(FenBellman b)
{
  PetscFunctionBegin;
  PetscCall(FenBellmanUseEliminated(b, PETSC_FALSE));
  if (b->gone)
    PetscCall(PetscArrayzero(b->gone, b->all.nslots));
  PetscFunctionReturn(0);
}
