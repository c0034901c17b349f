/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Short lists: after a sweep over all rows as they are stored, those whose values are within a margin of the best of
   their state, beside the policy's rows, which are in chunks of their own. Sweeps over these alone converge to the best
   policy of the list, which mostly is the best of all; a sweep over all rows says so, or another list is made. No bound
   follows from a list.

   The rows beside the policy's come in chunks as well, eight at a time whatever their states, so that nothing is padded
   where few states have any.

   Cost: a pass over the values of the rows and a copy of those on the list; a sweep over it is hardly more than a
   product.
*/
#include "bellmanimpl.h"
#include <math.h>

#define MOST 0.5 /* a list that has more of all entries is none */

struct _FenShortlist {
  FenChunkStore rows;  /* a slot a chunk */
  FenInt        n;     /* of them */
  FenInt       *state; /* ascending, and one that is none; rows of a state ascend */
  int          *row;   /* in its state */
  double       *q;     /* values of the policy's rows, then of these */
};

PetscErrorCode FenBellmanShortlistDestroy_Private(FenBellman b)
{
  FenShortlist *L = b->shortlist;

  PetscFunctionBegin;
  if (!L)
    PetscFunctionReturn(0);
  PetscCall(FenChunksDestroy_Private(&L->rows));
  PetscCall(PetscFree2(L->state, L->row));
  PetscCall(PetscFree(L->q));
  PetscCall(PetscFree(b->shortlist));
  PetscFunctionReturn(0);
}

/* rows near the best of their states that are not the policy's; how many entries they have */
static FenInt Collect(FenBellman b, const double TV[], const int policy[], double margin, FenShortlist *L)
{
  const FenPlainRows *R = &b->plain;
  FenInt              entries = 0, n = 0;

  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt first = R->state_ptr[s], count = R->state_ptr[s + 1] - first;
    const double least = TV[s] - margin;

    for (int a = 0; a < count; a++) { /* without branches: nobody foresees them */
      const int in = (R->q[first + a] >= least) & b->plain_read[first + a] & (a != policy[s]);

      L->state[n] = s;
      L->row[n] = a;
      n += in;
    }
  }
  for (FenInt k = 0; k < n; k++) {
    const FenInt r = R->state_ptr[L->state[k]] + L->row[k];

    entries += R->row_ptr[r + 1] - R->row_ptr[r];
  }
  L->state[n] = b->nlocal;
  L->n = n;
  return entries;
}

/* the rows of a chunk; those that are not there are no rows of the last one's state */
static void Lanes(const FenShortlist *L, FenInt c, FenInt state[FEN_LANES], int row[FEN_LANES])
{
  for (int l = 0; l < FEN_LANES; l++) {
    const FenInt k = FEN_LANES * c + l;

    state[l] = L->state[PetscMin(k, L->n - 1)];
    row[l] = k < L->n ? L->row[k] : -1;
  }
}

static PetscErrorCode Fill(FenBellman b, FenShortlist *L)
{
  const FenInt   nchunks = FenChunkCount(L->n);
  FenChunkStore *C = &L->rows;
  FenInt         state[FEN_LANES], columns = 0;
  int            row[FEN_LANES];

  PetscFunctionBegin;
  for (FenInt c = 0; c < nchunks; c++) {
    Lanes(L, c, state, row);
    columns += FenBellmanLongestOf_Private(b, state, row);
  }
  PetscCall(FenChunksAllocate_Private(C, L->n, nchunks, nchunks, columns, b->options.discount));
  for (FenInt c = 0; c < nchunks; c++) {
    Lanes(L, c, state, row);
    C->chunk_ptr[c + 1] = c + 1;
    C->slot_ptr[c + 1] = C->slot_ptr[c] + FenBellmanLongestOf_Private(b, state, row);
    FenBellmanFillRows_Private(b, state, row, C, c);
  }
  C->view.reach = b->policy.view.reach;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanShortlist(FenBellman b, const double TV[], const int policy[], double margin, PetscBool *made)
{
  const FenInt  rows = FenBellmanIsPlain(b) ? b->plain.state_ptr[b->nlocal] : 0;
  FenShortlist *L;

  PetscFunctionBegin;
  *made = (PetscBool)(rows > 0 && b->listable);
  if (!*made)
    PetscFunctionReturn(0);
  PetscCall(FenBellmanShortlistDestroy_Private(b));
  PetscCall(PetscNew(&L));
  b->shortlist = L;
  PetscCall(PetscMalloc2((size_t)(rows + 1), &L->state, (size_t)(rows + 1), &L->row));
  *made = (PetscBool)((double)Collect(b, TV, policy, margin, L) <= MOST * (double)b->plain.row_ptr[rows]);
  if (!*made) {
    PetscCall(FenBellmanShortlistDestroy_Private(b));
    PetscFunctionReturn(0);
  }
  PetscCall(FenBellmanSetPolicy(b, policy, NULL));
  PetscCall(Fill(b, L));
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * (b->policy.nchunks + L->rows.nchunks)), &L->q));
  PetscFunctionReturn(0);
}

void FenBellmanShortValues_Private(FenBellman b, const double V[])
{
  FenShortlist *L = b->shortlist;

  if (!L)
    return;
  b->kernels->values(&L->rows.view, 0, L->rows.nchunks, V, L->q);
  for (FenInt k = 0; k < L->n; k++) {
    const FenInt r = b->plain.state_ptr[L->state[k]] + L->row[k];

    b->plain.q[r] = L->q[k];
    b->plain_read[r] = 1;
  }
}

/* the best of a state's rows on the list, from the k-th of the others on; the number of the next state's first */
static FenInt Best(FenBellman b, FenInt s, FenInt k, double *best, int *policy, FenSweepPart *part)
{
  const FenShortlist *L = b->shortlist;
  const double       *others = L->q + FEN_LANES * b->policy.nchunks;
  const int           first = b->policy_of[s], before = *policy;
  double              kept = before == first ? L->q[s] : -INFINITY;
  int                 arg = first;

  *best = L->q[s];
  for (; L->state[k] == s; k++) {
    if (others[k] > *best || (others[k] == *best && L->row[k] < arg)) {
      *best = others[k];
      arg = L->row[k];
    }
    if (L->row[k] == before)
      kept = others[k];
  }
  if (*best - kept <= FEN_INCUMBENT * (1 + fabs(*best))) {
    part->loss = PetscMax(part->loss, *best - kept);
    arg = before;
  }
  part->changes += arg != before;
  *policy = arg;
  return k;
}

static void Choose(FenBellman b, const double V[], double TV[], int policy[], FenSweepPart *part)
{
  FenSweepPart p = *part;
  double       check = 0;

  for (FenInt s = 0, k = 0; s < b->nlocal; s++) {
    double best = b->shortlist->q[s];

    if (b->shortlist->state[k] == s || policy[s] != b->policy_of[s])
      k = Best(b, s, k, &best, &policy[s], &p);
    TV[s] = best;
    check += V[s] - V[s];
    p.lo = PetscMin(p.lo, best - V[s]);
    p.hi = PetscMax(p.hi, best - V[s]);
    p.vmin = PetscMin(p.vmin, best);
    p.vmax = PetscMax(p.vmax, best);
    p.vabs = PetscMax(p.vabs, fabs(V[s]));
  }
  if (check != 0) /* x - x is NaN for NaN and Inf */
    p.lo = p.hi = NAN;
  *part = p;
}

PetscErrorCode FenBellmanShortSweep(FenBellman b, FenSolver solver, double V[], double TV[], int policy[],
                                    FenSweepStats *stats)
{
  FenShortlist *L = b->shortlist;
  FenSweepPart  part;

  PetscFunctionBegin;
  FenSweepPartInit(&part);
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  FenBellmanTerminalPolicy_Private(b, policy, 0);
  b->kernels->values(&b->policy.view, 0, b->policy.nchunks, V, L->q);
  b->kernels->values(&L->rows.view, 0, L->rows.nchunks, V, L->q + FEN_LANES * b->policy.nchunks);
  Choose(b, V, TV, policy, &part);
  FenBellmanTerminalPolicy_Private(b, policy, -1);
  b->matvecs += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  PetscFunctionReturn(0);
}
