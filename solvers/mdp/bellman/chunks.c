/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of my states in local numbers, and their storage in chunks. */
#include "bellmanimpl.h"

PetscErrorCode FenBellmanNumberOfRows_Private(FenBellman b, FenInt s, int *rows)
{
  PetscFunctionBegin;
  if (b->rows)
    *rows = (int)(b->rows->state_ptr[s + 1] - b->rows->state_ptr[s]);
  else
    PetscCall(FenMDPModelGetStateRows(b->model, s, rows));
  PetscFunctionReturn(0);
}

/* rows that should sum to one do so up to rounding afterwards */
static void Normalise(FenBellman b, FenInt n, double prob[])
{
  double sum = 0;

  if (b->substochastic)
    return;
  for (FenInt j = 0; j < n; j++)
    sum += prob[j];
  for (FenInt j = 0; j < n && sum != 1; j++)
    prob[j] /= sum;
}

PetscErrorCode FenBellmanRow_Private(FenBellman b, FenInt s, int a, FenRowView *view)
{
  const FenInt *next;
  const double *prob, *reward_next;

  PetscFunctionBegin;
  if (b->rows) {
    const FenInt r = b->rows->state_ptr[s] + a, first = b->rows->row_ptr[r];

    view->n = b->rows->row_ptr[r + 1] - first;
    next = b->rows->next + first;
    prob = b->rows->prob + first;
    reward_next = b->rows->reward_next ? b->rows->reward_next + first : NULL;
    view->reward = b->sign * b->rows->reward[r];
    view->low = b->rows->prob_low ? b->rows->prob_low + first : NULL;
    view->up = b->rows->prob_up ? b->rows->prob_up + first : NULL;
  } else {
    PetscCall(FenMDPModelGetRow(b->model, s, a, b->row));
    view->n = b->row->n;
    next = b->row->next;
    prob = b->row->prob;
    reward_next = b->row->by_next ? b->row->reward_next : NULL;
    view->reward = b->sign * b->row->reward;
    view->low = view->up = NULL;
  }
  view->popped = 0;
  for (FenInt j = 0; j < view->n; j++) {
    b->row_col[j] = FenBellmanLocal_Private(b, next[j]);
    b->row_prob[j] = prob[j];
    b->row_next[j] = reward_next ? b->sign * reward_next[j] : 0;
  }
  Normalise(b, view->n, b->row_prob);
  view->col = b->row_col;
  view->prob = b->row_prob;
  view->reward_next = reward_next ? b->row_next : NULL;
  PetscFunctionReturn(0);
}

PetscErrorCode FenChunksAllocate_Private(FenChunkStore *C, FenInt n, FenInt nchunks, FenInt nslots, FenInt ncolumns,
                                         double discount)
{
  PetscFunctionBegin;
  C->nchunks = nchunks;
  C->nslots = nslots;
  C->ncolumns = ncolumns;
  PetscCall(PetscMalloc2(nchunks + 1, &C->chunk_ptr, nslots + 1, &C->slot_ptr));
  PetscCall(PetscMalloc3((size_t)(FEN_LANES * ncolumns), &C->col, (size_t)(FEN_LANES * ncolumns), &C->val,
                         (size_t)(FEN_LANES * nslots), &C->reward));
  C->chunk_ptr[0] = C->slot_ptr[0] = 0;
  C->view = (FenChunks){.n = n,
                        .chunk_ptr = C->chunk_ptr,
                        .slot_ptr = C->slot_ptr,
                        .col = C->col,
                        .val = C->val,
                        .reward = C->reward,
                        .discount = discount};
  PetscFunctionReturn(0);
}

PetscErrorCode FenChunksDestroy_Private(FenChunkStore *C)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(C->chunk_ptr, C->slot_ptr));
  PetscCall(PetscFree3(C->col, C->val, C->reward));
  PetscCall(PetscFree(C->base));
  PetscFunctionReturn(0);
}

/* rows that the fullest of the chunk's states has; a state without rows has one of its terminal value */
static PetscErrorCode CountSlots(FenBellman b, FenInt chunk, FenInt *slots)
{
  PetscFunctionBegin;
  *slots = 1;
  for (FenInt s = chunk * FEN_LANES; s < PetscMin(b->nlocal, (chunk + 1) * FEN_LANES); s++) {
    int rows;

    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    *slots = PetscMax(*slots, rows);
  }
  PetscFunctionReturn(0);
}

static double TerminalValue(FenBellman b, FenInt s)
{
  FenInt lo = 0, hi = b->nterminal;

  while (hi - lo > 1) {
    const FenInt mid = (lo + hi) / 2;

    if (b->terminal[mid] <= s)
      lo = mid;
    else
      hi = mid;
  }
  return b->terminal_value[lo];
}

/* one lane of a slot: entries into the lane's work, number of entries back */
static PetscErrorCode FillLane(FenBellman b, FenInt s, FenInt a, int lane, FenInt *n, double *reward)
{
  FenRowView row;
  int        rows;

  PetscFunctionBegin;
  *n = 0;
  *reward = PETSC_NINFINITY;
  PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
  if (!rows && !a)
    *reward = TerminalValue(b, s);
  if (a >= rows)
    PetscFunctionReturn(0);
  PetscCall(FenBellmanRow_Private(b, s, (int)a, &row));
  *n = row.n;
  *reward = row.reward;
  PetscCall(PetscArraycpy(b->lane_col + lane * b->longest, row.col, row.n));
  PetscCall(PetscArraycpy(b->lane_prob + lane * b->longest, row.prob, row.n));
  PetscFunctionReturn(0);
}

static PetscErrorCode FillSlot(FenBellman b, FenInt chunk, FenInt a, FenChunkStore *C, FenInt slot)
{
  const FenInt first = chunk * FEN_LANES, at = C->slot_ptr[slot];
  FenInt       n[FEN_LANES], columns = 0;

  PetscFunctionBegin;
  for (int l = 0; l < FEN_LANES; l++) {
    const FenInt s = first + l < b->nlocal ? first + l : first; /* lanes beyond the last state repeat the first */

    PetscCall(FillLane(b, s, a, l, &n[l], &C->reward[FEN_LANES * slot + l]));
    columns = PetscMax(columns, n[l]);
  }
  for (int l = 0; l < FEN_LANES; l++)
    for (FenInt j = 0; j < columns; j++) {
      const FenInt o = FEN_LANES * (at + j) + l;

      C->col[o] = j < n[l] ? b->lane_col[l * b->longest + j] : (int)PetscMin(first + l, b->nlocal - 1);
      C->val[o] = j < n[l] ? b->lane_prob[l * b->longest + j] : 0;
    }
  C->slot_ptr[slot + 1] = at + columns;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanFillChunk_Private(FenBellman b, FenInt chunk, FenChunkStore *C, FenInt slot, FenInt *slots)
{
  PetscFunctionBegin;
  PetscCall(CountSlots(b, chunk, slots));
  for (FenInt a = 0; a < *slots; a++)
    PetscCall(FillSlot(b, chunk, a, C, slot + a));
  PetscFunctionReturn(0);
}

/* columns that the slots of a chunk of stored rows take */
static PetscErrorCode CountColumns(FenBellman b, FenInt chunk, FenInt *slots, FenInt *columns)
{
  const FenMDPRows *R = b->rows;

  PetscFunctionBegin;
  PetscCall(CountSlots(b, chunk, slots));
  *columns = 0;
  for (FenInt a = 0; a < *slots; a++) {
    FenInt most = 0;

    for (FenInt s = chunk * FEN_LANES; s < PetscMin(b->nlocal, (chunk + 1) * FEN_LANES); s++) {
      const FenInt r = R->state_ptr[s] + a;

      if (r < R->state_ptr[s + 1])
        most = PetscMax(most, R->row_ptr[r + 1] - R->row_ptr[r]);
    }
    *columns += most;
  }
  PetscFunctionReturn(0);
}

/* the first number of a column if its numbers follow each other, otherwise -1 */
static int RunOf(const int col[])
{
  for (int l = 1; l < FEN_LANES; l++)
    if (col[l] != col[0] + l)
      return -1;
  return col[0];
}

/* where the columns reach: runs are listed if half of them are such */
static PetscErrorCode FindReach(FenChunkStore *C)
{
  FenInt far = 0, near = 0, runs = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < C->ncolumns; k++) {
    const int *col = C->col + FEN_LANES * k;

    runs += RunOf(col) >= 0;
    for (int l = 1; l < FEN_LANES; l++)
      near += col[l] - col[l - 1] <= 8 && col[l] - col[l - 1] >= -8;
    far += FEN_LANES - 1;
  }
  C->view.reach = near < far - near ? FEN_REACH_FAR : FEN_REACH_NEAR;
  if (runs < C->ncolumns - runs || !C->ncolumns)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(C->ncolumns, &C->base));
  for (FenInt k = 0; k < C->ncolumns; k++)
    C->base[k] = RunOf(C->col + FEN_LANES * k);
  C->view.base = C->base;
  C->view.reach = FEN_REACH_RUNS;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanStoreAll_Private(FenBellman b)
{
  const FenInt   nchunks = FenChunkCount(b->nlocal);
  FenChunkStore *C = &b->all;
  FenInt         nslots = 0, ncolumns = 0, slots = 0, columns = 0;

  PetscFunctionBegin;
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(CountColumns(b, c, &slots, &columns));
    nslots += slots;
    ncolumns += columns;
  }
  PetscCall(FenChunksAllocate_Private(C, b->nlocal, nchunks, nslots, ncolumns, b->options.discount));
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(FenBellmanFillChunk_Private(b, c, C, C->chunk_ptr[c], &slots));
    C->chunk_ptr[c + 1] = C->chunk_ptr[c] + slots;
  }
  PetscCall(FindReach(C));
  PetscFunctionReturn(0);
}
