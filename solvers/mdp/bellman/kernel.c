/* SPDX-License-Identifier: BSD-2-Clause */
/* The law of the next state under a policy and nature's answer to it, row by row with global numbers. */
#include "bellmanimpl.h"
#include <stdlib.h>

typedef struct {
  FenInt next;
  double prob;
} Entry;

static int Compare(const void *x, const void *y)
{
  const FenInt a = ((const Entry *)x)->next, b = ((const Entry *)y)->next;

  return (a > b) - (a < b);
}

/* the entries of a lane and what went to the state of the smallest value, ascending, each state once */
static FenInt Collect(FenBellman b, FenInt s, Entry e[])
{
  const FenInt c = s / FEN_LANES, lane = s % FEN_LANES;
  FenInt       n = 0, kept = 0;

  for (FenInt j = b->policy.slot_ptr[c]; j < b->policy.slot_ptr[c + 1]; j++) {
    const int col = b->policy.col[FEN_LANES * j + lane];

    e[n] = (Entry){col < b->nlocal ? b->start + col : b->ghost[col - b->nlocal], b->policy.val[FEN_LANES * j + lane]};
    n += e[n].prob > 0;
  }
  if (b->popped && b->popped[s] > 0)
    e[n++] = (Entry){b->low_state, b->popped[s]};
  qsort(e, (size_t)n, sizeof(*e), Compare);
  for (FenInt i = 0; i < n; i++) {
    if (kept && e[kept - 1].next == e[i].next)
      e[kept - 1].prob += e[i].prob;
    else
      e[kept++] = e[i];
  }
  return kept;
}

/* the rank that owns the state of the smallest value knows its number */
static PetscErrorCode AgreeLow(FenBellman b)
{
  PetscFunctionBegin;
  if (b->popped)
    PetscCallMPI(MPI_Bcast(&b->low_state, 1, MPI_FENINT, b->low_rank, b->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetKernel(FenBellman b, const int policy[], double V[], FenMDPKernel *k)
{
  const FenInt nchunks = FenChunkCount(b->nlocal);
  FenInt       room = 0, terminal = 0;
  Entry       *e;

  PetscFunctionBegin;
  PetscCall(FenBellmanSetPolicy(b, policy, V));
  PetscCall(AgreeLow(b));
  for (FenInt c = 0; c < nchunks; c++)
    room = PetscMax(room, b->policy.slot_ptr[c + 1] - b->policy.slot_ptr[c]);
  k->n = b->nlocal;
  PetscCall(PetscMalloc1((size_t)(room + 1), &e));
  PetscCall(PetscMalloc1((size_t)(b->nlocal + 1), &k->row_ptr));
  k->row_ptr[0] = 0;
  for (FenInt s = 0; s < b->nlocal; s++) {
    const PetscBool ends = (PetscBool)(terminal < b->nterminal && b->terminal[terminal] == s);

    terminal += ends;
    k->row_ptr[s + 1] = k->row_ptr[s] + (ends ? 0 : Collect(b, s, e));
  }
  PetscCall(PetscMalloc1((size_t)(k->row_ptr[b->nlocal] + 1), &k->next));
  PetscCall(PetscMalloc1((size_t)(k->row_ptr[b->nlocal] + 1), &k->prob));
  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt first = k->row_ptr[s], n = k->row_ptr[s + 1] - first;

    if (n)
      (void)Collect(b, s, e);
    for (FenInt i = 0; i < n; i++) {
      k->next[first + i] = e[i].next;
      k->prob[first + i] = e[i].prob;
    }
  }
  PetscCall(PetscFree(e));
  PetscFunctionReturn(0);
}
