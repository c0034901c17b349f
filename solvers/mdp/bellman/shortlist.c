/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Short lists: after a sweep over all rows as they are stored, those whose values are within a margin of the best of
   their state, beside the policy's rows, which are in chunks of their own. Sweeps over these alone converge to the best
   policy of the list, which mostly is the best of all; a sweep over all rows says so, or another list is made. No bound
   follows from a list.

   The rows beside the policy's come in chunks as well, eight at a time whatever their states, so that nothing is padded
   where few states have any. When values have settled, most of them are far from the best: those that are near come
   once more, into chunks that are swept instead. All keep their chunks, from which a sweep over all rows has values.

   Whether a list is too long is known when all ranks have been asked, by the reduction of the first sweep over it.
   Ranks on which it is long have none but the policy's rows.

   Cost: a pass over the values of the rows and a copy of those on the list; a sweep over it is hardly more than a
   product, and its messages and its reduction are a product's.
*/
#include "bellmanimpl.h"
#include <math.h>

#define FETCH   32   /* entries of a row that are fetched before their turn, the processor sees to the others */
#define AHEAD   2    /* chunks before */
#define MOST    0.5  /* a list that has more of all entries is none */
#define CHANGED 0.25 /* share of the states above which the policy's rows are extracted again */
#define WORTH   0.5  /* share of the list that rows near the best may be to come once more */

/* rows beside the policy's */
typedef struct {
  FenChunkStore rows;  /* a slot a chunk */
  FenInt        n;     /* of them */
  FenInt       *state; /* ascending, and one that is none; rows of a state ascend */
  int          *row;   /* in its state */
} Others;

struct _FenShortlist {
  Others    all, near;
  PetscBool narrow;  /* near ones alone are swept */
  double    entries; /* of those near the best when the list was made */
  double   *q;       /* values of the policy's rows, then of these */
};

static PetscErrorCode DestroyOthers(Others *o)
{
  PetscFunctionBegin;
  PetscCall(FenChunksDestroy_Private(&o->rows));
  PetscCall(PetscFree2(o->state, o->row));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanShortlistDestroy_Private(FenBellman b)
{
  FenShortlist *L = b->shortlist;

  PetscFunctionBegin;
  if (!L)
    PetscFunctionReturn(0);
  PetscCall(DestroyOthers(&L->all));
  PetscCall(DestroyOthers(&L->near));
  PetscCall(PetscFree(L->q));
  PetscCall(PetscFree(b->shortlist));
  PetscFunctionReturn(0);
}

/* the policy's rows are in chunks, unless few changed: those are near the best as well */
static PetscErrorCode Extract(FenBellman b, const int policy[])
{
  FenInt changed = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; b->policy_of && s < b->nlocal; s++)
    changed += b->policy_of[s] != PetscMax(policy[s], 0);
  if (!b->policy_of || changed > (FenInt)(CHANGED * (double)b->nlocal))
    PetscCall(FenBellmanSetPolicy(b, policy, NULL));
  PetscFunctionReturn(0);
}

/* rows near the best of their states that are not extracted; how many entries they have */
static FenInt Collect(FenBellman b, const double TV[], double margin, Others *L)
{
  const FenPlainRows *R = &b->plain;
  FenInt              entries = 0, n = 0;

  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt first = R->state_ptr[s], count = R->state_ptr[s + 1] - first;
    const double least = TV[s] - margin;

    for (int a = 0; a < count; a++) { /* without branches: nobody foresees them */
      const int in = (R->q[first + a] >= least) & b->plain_read[first + a] & (a != b->policy_of[s]);

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
static void Lanes(const Others *L, FenInt c, FenInt state[FEN_LANES], int row[FEN_LANES])
{
  for (int l = 0; l < FEN_LANES; l++) {
    const FenInt k = FEN_LANES * c + l;

    state[l] = L->state[PetscMin(k, L->n - 1)];
    row[l] = k < L->n ? L->row[k] : -1;
  }
}

/* the beginnings of rows that come soon */
static void Fetch(FenBellman b, const Others *L, FenInt c)
{
  const FenPlainRows *R = &b->plain;

  for (FenInt k = FEN_LANES * c; k < PetscMin(L->n, FEN_LANES * (c + 1)); k++) {
    const FenInt first = R->row_ptr[R->state_ptr[L->state[k]] + L->row[k]];

    for (FenInt j = 0; j < PetscMin(FETCH, b->longest); j += 8) {
      __builtin_prefetch(R->next + first + j);
      __builtin_prefetch(R->prob + first + j);
    }
  }
}

static PetscErrorCode Fill(FenBellman b, Others *L)
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
    Fetch(b, L, c + AHEAD);
    C->chunk_ptr[c + 1] = c + 1;
    C->slot_ptr[c + 1] = C->slot_ptr[c] + FenBellmanLongestOf_Private(b, state, row);
    FenBellmanFillRows_Private(b, state, row, C, c);
  }
  C->view.reach = b->policy.view.reach;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanShortlist(FenBellman b, const double TV[], const int policy[], double margin, PetscBool *made)
{
  const FenInt  rows = b->plain.rows;
  FenShortlist *L;

  PetscFunctionBegin;
  *made = (PetscBool)(FenBellmanIsPlain(b) && b->listable);
  if (!*made)
    PetscFunctionReturn(0);
  PetscCall(FenBellmanShortlistDestroy_Private(b));
  PetscCall(PetscNew(&L));
  b->shortlist = L;
  PetscCall(PetscMalloc2((size_t)(rows + 1), &L->all.state, (size_t)(rows + 1), &L->all.row));
  PetscCall(Extract(b, policy));
  L->entries = (double)Collect(b, TV, margin, &L->all);
  if (L->entries > MOST * (double)b->plain.row_ptr[rows]) {
    L->all.state[0] = b->nlocal;
    L->all.n = 0;
  }
  PetscCall(Fill(b, &L->all));
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * (b->policy.nchunks + L->all.rows.nchunks + 1)), &L->q));
  PetscFunctionReturn(0);
}

void FenBellmanShortValues_Private(FenBellman b, const double V[])
{
  FenShortlist *L = b->shortlist;

  if (!L)
    return;
  b->kernels->values(&L->all.rows.view, 0, L->all.rows.nchunks, V, L->q);
  for (FenInt k = 0; k < L->all.n; k++) {
    const FenInt r = b->plain.state_ptr[L->all.state[k]] + L->all.row[k];

    b->plain.q[r] = L->q[k];
    b->plain_read[r] = 1;
  }
}

PetscErrorCode FenBellmanShortNarrow(FenBellman b, const double TV[], const int policy[], double margin)
{
  FenShortlist *L = b->shortlist;
  const Others *A = &L->all;
  const double *q = L->q + FEN_LANES * b->policy.nchunks;
  Others       *N = &L->near;
  FenInt        n = 0;

  PetscFunctionBegin;
  if (L->narrow)
    PetscFunctionReturn(0);
  PetscCall(DestroyOthers(N));
  PetscCall(PetscMalloc2((size_t)(A->n + 1), &N->state, (size_t)(A->n + 1), &N->row));
  for (FenInt k = 0; k < A->n; k++) {
    const FenInt s = A->state[k];

    N->state[n] = s;
    N->row[n] = A->row[k];
    n += q[k] >= TV[s] - margin || A->row[k] == policy[s];
  }
  N->state[n] = b->nlocal;
  N->n = n;
  L->narrow = (PetscBool)((double)n <= WORTH * (double)A->n);
  if (L->narrow)
    PetscCall(Fill(b, N));
  PetscFunctionReturn(0);
}

/* the best of a state's rows: the extracted one and those on the list from the k-th of the others on; the number of the
   next state's first */
static FenInt Best(FenBellman b, const Others *L, FenInt k, int policy[], FenSweepPart *part)
{
  const double *others = b->shortlist->q + FEN_LANES * b->policy.nchunks;
  const FenInt  s = L->state[k];
  const int     first = b->policy_of[s], before = policy[s];
  double        best = b->shortlist->q[s], kept = before == first ? best : -INFINITY;
  int           arg = first;

  for (; L->state[k] == s; k++) {
    if (others[k] > best || (others[k] == best && L->row[k] < arg)) {
      best = others[k];
      arg = L->row[k];
    }
    if (L->row[k] == before)
      kept = others[k];
  }
  if (best - kept <= FEN_INCUMBENT * (1 + fabs(best))) {
    part->loss = PetscMax(part->loss, best - kept);
    arg = before;
  }
  part->changes += arg != before;
  policy[s] = arg;
  b->shortlist->q[s] = best;
  return k;
}

PetscErrorCode FenBellmanShortSweep(FenBellman b, FenSolver solver, double V[], double TV[], int policy[],
                                    FenSweepStats *stats, PetscBool *gone)
{
  FenShortlist *L = b->shortlist;
  const Others *O = L->narrow ? &L->near : &L->all;
  FenSweepPart  part;

  PetscFunctionBegin;
  FenSweepPartInit(&part);
  part.entries = L->entries;
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  FenBellmanTerminalPolicy_Private(b, policy, 0);
  PetscCall(FenBellmanExchangeBegin_Private(b, V));
  FenBellmanValuesOfRuns_Private(b, &b->inner, &b->policy, V, L->q);
  PetscCall(FenBellmanExchangeEnd_Private(b, V));
  FenBellmanValuesOfRuns_Private(b, &b->outer, &b->policy, V, L->q);
  b->kernels->values(&O->rows.view, 0, O->rows.nchunks, V, L->q + FEN_LANES * b->policy.nchunks);
  for (FenInt k = 0; k < O->n;)
    k = Best(b, O, k, policy, &part);
  b->kernels->finish(b->nlocal, L->q, V, TV, &part);
  FenBellmanTerminalPolicy_Private(b, policy, -1);
  b->matvecs += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  *gone = (PetscBool)(stats->entries > MOST * b->plain_entries);
  if (*gone)
    PetscCall(FenBellmanShortlistDestroy_Private(b));
  PetscFunctionReturn(0);
}
