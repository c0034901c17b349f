/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of my states in local numbers, and their storage in chunks. */
#include "bellmanimpl.h"

#define REACH_SAMPLE 10007 /* columns that are looked at: no multiple of what models repeat */

PetscErrorCode FenBellmanNumberOfRows_Private(FenBellman b, FenInt s, int *rows)
{
  PetscFunctionBegin;
  if (b->rows)
    *rows = (int)(b->rows->state_ptr[s + 1] - b->rows->state_ptr[s]);
  else
    PetscCall(FenMDPModelMakeStateRows(b->model, FenBellmanNumber(b, s), rows));
  PetscFunctionReturn(0);
}

/* rows that should sum to one do so up to two roundings of each entry afterwards */
static void Normalise(FenBellman b, FenInt n, double prob[])
{
  FenDD sum = {0, 0};

  if (b->substochastic)
    return;
  for (FenInt j = 0; j < n; j++)
    FenDDAdd(&sum, prob[j]);
  for (FenInt j = 0; j < n && sum.hi != 1; j++)
    prob[j] /= sum.hi;
}

/* rows that are nowhere but in the chunks; zeros are room */
static void TakenRow(FenBellman b, FenInt s, int a, FenRowView *view)
{
  const FenChunkStore *C = &b->all;
  const FenInt         slot = C->chunk_ptr[s / FEN_LANES] + a, lane = s % FEN_LANES;

  *view = (FenRowView){.n = 0, .col = b->row_col, .prob = b->row_prob, .reward = C->reward[FEN_LANES * slot + lane]};
  for (FenInt j = C->slot_ptr[slot]; j < C->slot_ptr[slot + 1]; j++) {
    const FenInt k = FEN_LANES * j + lane;

    if (C->val[k] > 0) {
      b->row_col[view->n] = C->col[k];
      b->row_prob[view->n++] = C->val[k];
    }
  }
}

PetscErrorCode FenBellmanRow_Private(FenBellman b, FenInt s, int a, FenRowView *view)
{
  const FenInt *next;
  const double *prob, *reward_next;

  PetscFunctionBegin;
  if (b->rows && !b->rows->next) {
    TakenRow(b, s, a, view);
    PetscFunctionReturn(0);
  }
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
    PetscCall(FenMDPModelMakeRow(b->model, FenBellmanNumber(b, s), a, b->row));
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
  PetscCall(FenMemoryLargePages(C->col, (size_t)(FEN_LANES * ncolumns) * sizeof(*C->col)));
  PetscCall(FenMemoryLargePages(C->val, (size_t)(FEN_LANES * ncolumns) * sizeof(*C->val)));
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
  PetscCall(PetscFree(C->code));
  PetscCall(PetscFree(C->table));
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

PetscErrorCode FenBellmanLanes_Private(FenBellman b, FenInt chunk, int a, double *prob, FenMDPRowLanes *lanes)
{
  const FenInt s = FEN_LANES * chunk;

  PetscFunctionBegin;
  lanes->n = -1;
  if (!b->lanes || s + FEN_LANES > b->nlocal)
    PetscFunctionReturn(0);
  if (b->scattered && b->number[s + FEN_LANES - 1] != b->number[s] + FEN_LANES - 1)
    PetscFunctionReturn(0);
  lanes->next = b->lane_next;
  lanes->prob = prob;
  PetscCall(FenMDPModelMakeLanes(b->model, FenBellmanNumber(b, s), a, lanes));
  PetscFunctionReturn(0);
}

PetscBool FenBellmanLanesAreMine_Private(FenBellman b, const FenMDPRowLanes *lanes)
{
  const FenInt last = b->start + b->nlocal - 1;
  FenInt       outside = 0;

  if (b->scattered)
    return PETSC_FALSE;
  for (FenInt k = 0; k < FEN_LANES * lanes->n; k++) /* negative if any is outside */
    outside |= (lanes->next[k] - b->start) | (last - lanes->next[k]);
  return (PetscBool)(outside >= 0);
}

/* as Normalise(), for all lanes; most rows sum to one */
static void NormaliseLanes(FenInt n, double prob[])
{
  double sum[FEN_LANES] = {0};
  int    all = 1;

  for (FenInt j = 0; j < n; j++)
    for (int l = 0; l < FEN_LANES; l++)
      sum[l] += prob[FEN_LANES * j + l];
  for (int l = 0; l < FEN_LANES; l++)
    all &= sum[l] == 1;
  for (FenInt j = 0; j < n && !all; j++)
    for (int l = 0; l < FEN_LANES; l++)
      prob[FEN_LANES * j + l] /= sum[l];
}

/* a slot whose rows are made together */
static PetscErrorCode FillLanes(FenBellman b, FenInt chunk, FenInt a, FenChunkStore *C, FenInt slot, PetscBool *done)
{
  const FenInt   at = C->slot_ptr[slot];
  int           *col = C->col + FEN_LANES * at;
  FenMDPRowLanes lanes;

  PetscFunctionBegin;
  PetscCall(FenBellmanLanes_Private(b, chunk, (int)a, C->val + FEN_LANES * at, &lanes));
  *done = (PetscBool)(lanes.n >= 0);
  if (!*done)
    PetscFunctionReturn(0);
  if (FenBellmanLanesAreMine_Private(b, &lanes))
    for (FenInt k = 0; k < FEN_LANES * lanes.n; k++)
      col[k] = (int)(lanes.next[k] - b->start);
  else
    for (FenInt k = 0; k < FEN_LANES * lanes.n; k++)
      col[k] = FenBellmanLocal_Private(b, lanes.next[k]);
  NormaliseLanes(lanes.n, C->val + FEN_LANES * at);
  for (int l = 0; l < FEN_LANES; l++)
    C->reward[FEN_LANES * slot + l] = b->sign * lanes.reward[l];
  C->slot_ptr[slot + 1] = at + lanes.n;
  PetscFunctionReturn(0);
}

/* columns of successors that are other ranks', or of states with numbers of their own */
static void FillOutside(FenBellman b, const FenSlotRows *rows, int col[])
{
  for (int l = 0; l < FEN_LANES; l++)
    for (FenInt j = 0; j < rows->count[l]; j++)
      col[FEN_LANES * j + l] = FenBellmanLocal_Private(b, rows->next[l][j]);
}

void FenBellmanFillRows_Private(FenBellman b, const FenInt state[], const int row[], FenChunkStore *C, FenInt slot)
{
  const FenMDPRows *R = b->rows;
  const FenInt      at = C->slot_ptr[slot], columns = C->slot_ptr[slot + 1] - at;
  FenSlotRows       rows = {.start = b->start, .n = b->scattered ? 0 : b->nlocal};

  if (b->reach_all) { /* ghosts are numbered from the first that is reached on, without mine */
    rows.above = b->start - b->reach_first;
    rows.below = rows.above + b->nlocal;
  }
  for (int l = 0; l < FEN_LANES; l++) {
    const FenInt    s = state[l], r = R->state_ptr[s] + row[l], count = R->state_ptr[s + 1] - R->state_ptr[s];
    const PetscBool has = (PetscBool)(row[l] >= 0 && row[l] < count);
    const FenInt    from = has ? R->row_ptr[r] : 0;

    rows.count[l] = has ? R->row_ptr[r + 1] - from : 0;
    rows.self[l] = (int)s;
    rows.next[l] = R->next + from;
    rows.prob[l] = R->prob + from;
    C->reward[FEN_LANES * slot + l] =
        has ? b->sign * R->reward[r] : (!count && !row[l] ? TerminalValue(b, s) : PETSC_NINFINITY);
  }
  if (b->kernels->fill(&rows, columns, C->col + FEN_LANES * at, C->val + FEN_LANES * at) && !b->reach_all)
    FillOutside(b, &rows, C->col + FEN_LANES * at);
  if (!b->substochastic)
    b->kernels->normalise(columns, C->val + FEN_LANES * at);
}

FenInt FenBellmanLongestOf_Private(FenBellman b, const FenInt state[], const int row[])
{
  const FenMDPRows *R = b->rows;
  FenInt            most = 0;

  for (int l = 0; l < FEN_LANES && most < b->longest; l++) {
    const FenInt r = R->state_ptr[state[l]] + row[l];

    if (row[l] >= 0 && r < R->state_ptr[state[l] + 1])
      most = PetscMax(most, R->row_ptr[r + 1] - R->row_ptr[r]);
  }
  return most;
}

/* the a-th rows of a chunk's states; lanes beyond the last state repeat the first */
static void FillStored(FenBellman b, FenInt chunk, FenInt a, FenChunkStore *C, FenInt slot)
{
  const FenInt first = chunk * FEN_LANES;
  FenInt       state[FEN_LANES];
  int          row[FEN_LANES];

  for (int l = 0; l < FEN_LANES; l++) {
    state[l] = first + l < b->nlocal ? first + l : first;
    row[l] = (int)a;
  }
  FenBellmanFillRows_Private(b, state, row, C, slot);
}

PetscErrorCode FenBellmanFillChunk_Private(FenBellman b, FenInt chunk, FenChunkStore *C, FenInt slot, FenInt *slots)
{
  PetscBool done = PETSC_FALSE;

  PetscFunctionBegin;
  *slots = b->most_rows;
  if (!b->lanes)
    PetscCall(CountSlots(b, chunk, slots));
  for (FenInt a = 0; a < *slots; a++) {
    if (b->lanes)
      PetscCall(FillLanes(b, chunk, a, C, slot + a, &done));
    if (!done)
      PetscCall(FillSlot(b, chunk, a, C, slot + a));
  }
  PetscFunctionReturn(0);
}

/* columns of the a-th rows of a chunk */
static FenInt SlotColumns(FenBellman b, FenInt chunk, FenInt a)
{
  const FenMDPRows *R = b->rows;
  FenInt            most = 0;

  for (FenInt s = chunk * FEN_LANES; s < PetscMin(b->nlocal, (chunk + 1) * FEN_LANES); s++) {
    const FenInt r = R->state_ptr[s] + a;

    if (r < R->state_ptr[s + 1])
      most = PetscMax(most, R->row_ptr[r + 1] - R->row_ptr[r]);
  }
  return most;
}

/* the first number of a column if its numbers follow each other, otherwise -1 */
static int RunOf(const int col[])
{
  int other = 0;

  for (int l = 1; l < FEN_LANES; l++)
    other |= col[l] - col[0] - l;
  return other ? -1 : col[0];
}

FenReach FenChunksReach_Private(const FenChunkStore *C)
{
  const FenInt step = C->ncolumns / REACH_SAMPLE + 1;
  FenInt       pairs = 0, near = 0, runs = 0, sample = 0;

  for (FenInt k = 0; k < C->ncolumns; k += step) {
    const int *col = C->col + FEN_LANES * k;

    runs += RunOf(col) >= 0;
    for (int l = 1; l < FEN_LANES; l++)
      near += col[l] - col[l - 1] <= 8 && col[l] - col[l - 1] >= -8;
    pairs += FEN_LANES - 1;
    sample++;
  }
  if (sample && runs >= sample - runs)
    return FEN_REACH_RUNS;
  return near < pairs - near ? FEN_REACH_FAR : FEN_REACH_NEAR;
}

/* runs are listed if half of the columns are such */
PetscErrorCode FenChunksFindReach_Private(FenChunkStore *C)
{
  PetscFunctionBegin;
  C->view.reach = FenChunksReach_Private(C);
  if (C->view.reach != FEN_REACH_RUNS)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(C->ncolumns, &C->base));
  for (FenInt k = 0; k < C->ncolumns; k++)
    C->base[k] = RunOf(C->col + FEN_LANES * k);
  C->view.base = C->base;
  PetscFunctionReturn(0);
}

/* room for all rows, and where each slot is */
static PetscErrorCode AllocateAll(FenBellman b)
{
  const FenInt   nchunks = FenChunkCount(b->nlocal);
  FenChunkStore *C = &b->all;
  FenInt         nslots = 0, ncolumns = 0, slots = 0;

  PetscFunctionBegin;
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(CountSlots(b, c, &slots));
    nslots += slots;
    for (FenInt a = 0; a < slots; a++)
      ncolumns += SlotColumns(b, c, a);
  }
  PetscCall(FenChunksAllocate_Private(C, b->nlocal, nchunks, nslots, ncolumns, b->options.discount));
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(CountSlots(b, c, &slots));
    C->chunk_ptr[c + 1] = C->chunk_ptr[c] + slots;
    for (FenInt a = 0, k = C->chunk_ptr[c]; a < slots; a++, k++)
      C->slot_ptr[k + 1] = C->slot_ptr[k] + SlotColumns(b, c, a);
  }
  PetscFunctionReturn(0);
}

/* entries from `end` on are in chunks: their memory goes back, in pieces worth a call */
static PetscErrorCode GiveBack(FenBellman b, FenInt end, FenInt *kept)
{
  const FenInt worth = (FenInt)1 << 22;

  PetscFunctionBegin;
  if (end && *kept - end < worth)
    PetscFunctionReturn(0);
  if (end) {
    PetscCall(PetscRealloc((size_t)end * sizeof(FenInt), &b->held.next));
    PetscCall(PetscRealloc((size_t)end * sizeof(double), &b->held.prob));
  } else {
    PetscCall(PetscFree(b->held.next));
    PetscCall(PetscFree(b->held.prob));
    PetscCall(PetscFree(b->held.reward_next));
  }
  PetscCall(FenMemoryReturn());
  *kept = end;
  PetscFunctionReturn(0);
}

/* entries first .. last-1 of the rows into the cache: their processor sees eight places at a time and no order */
static void Fetch(const FenMDPRows *R, FenInt first, FenInt last)
{
  for (FenInt k = first; k < last; k += 8) {
    __builtin_prefetch(R->next + k, 0, 2);
    __builtin_prefetch(R->prob + k, 0, 2);
  }
}

/* all rows of a chunk, while those of the chunk before it are fetched */
static void FillChunk(FenBellman b, FenInt c)
{
  const FenMDPRows *R = b->rows;
  const FenInt      k0 = b->all.chunk_ptr[c], slots = b->all.chunk_ptr[c + 1] - k0;
  const FenInt      first = R->row_ptr[R->state_ptr[PetscMax(0, FEN_LANES * (c - 1))]];
  const FenInt      part = (R->row_ptr[R->state_ptr[FEN_LANES * c]] - first) / slots + 1;

  for (FenInt a = 0; a < slots; a++) {
    Fetch(R, first + a * part, first + (a + 1) * part);
    FillStored(b, c, a, &b->all, k0 + a);
  }
}

/* the last rows first, so that rows that are the operator's own can be given back from their end */
PetscErrorCode FenBellmanStoreAll_Private(FenBellman b, PetscBool give_back)
{
  const FenMDPRows *R = b->rows;
  FenInt            kept = R->row_ptr[R->state_ptr[b->nlocal]];

  PetscFunctionBegin;
  PetscCall(AllocateAll(b));
  for (FenInt c = b->all.nchunks; c-- > 0;) {
    FillChunk(b, c);
    if (give_back)
      PetscCall(GiveBack(b, R->row_ptr[R->state_ptr[FEN_LANES * c]], &kept));
  }
  if (give_back)
    PetscCall(GiveBack(b, 0, &kept));
  PetscCall(FenChunksFindReach_Private(&b->all));
  PetscFunctionReturn(0);
}

/* where the columns of a chunk made on demand reach */
void FenBellmanFindRuns_Private(FenChunkStore *C, FenInt ncolumns)
{
  for (FenInt k = 0; k < ncolumns; k++)
    C->base[k] = RunOf(C->col + FEN_LANES * k);
}
