/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The rows of a policy in chunks of their own, one slot a chunk with room for the chunk's longest row: products read
   nothing else. When the policy changes the lanes of changed states are written again.
*/
#include "nature.h"

#define FETCH       32    /* entries of a row that are fetched before their turn, the processor sees to the others */
#define AHEAD       2     /* chunks before */
#define NEAR_VALUES 32768 /* so few are in a near cache, where gathers pay less than single loads */

/* entries of a lane that the longest row of the chunk's states takes */
static PetscErrorCode Room(FenBellman b, FenInt c, FenInt *columns)
{
  PetscFunctionBegin;
  *columns = b->rows && !b->alike ? 0 : b->longest;
  if (b->nature) {
    PetscCall(FenNatureRoom_Private(b, c, columns));
    PetscFunctionReturn(0);
  }
  for (FenInt s = FEN_LANES * c; b->rows && !b->alike && s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++)
    for (FenInt r = b->rows->state_ptr[s]; r < b->rows->state_ptr[s + 1]; r++)
      *columns = PetscMax(*columns, b->rows->row_ptr[r + 1] - b->rows->row_ptr[r]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(FenBellman b)
{
  const FenInt nchunks = FenChunkCount(b->nlocal);
  FenInt       total = 0, columns = 0;

  PetscFunctionBegin;
  if (b->rows) {
    const FenInt rows = b->rows->state_ptr[b->nlocal];

    b->alike = (PetscBool)(!b->nterminal && b->rows->row_ptr[rows] == rows * b->longest);
  }
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(Room(b, c, &columns));
    total += columns;
  }
  PetscCall(FenChunksAllocate_Private(&b->policy, b->nlocal, nchunks, nchunks, total, b->options.discount));
  for (FenInt c = 0; c < nchunks; c++) {
    PetscCall(Room(b, c, &columns));
    b->policy.chunk_ptr[c + 1] = c + 1;
    b->policy.slot_ptr[c + 1] = b->policy.slot_ptr[c] + columns;
  }
  b->policy.view.reach = b->all.view.reach == FEN_REACH_FAR ? FEN_REACH_FAR : FEN_REACH_NEAR;
  if (b->all.view.reach == FEN_REACH_CODED)
    PetscCall(FenPackedCreate_Private(&b->packed, &b->policy));
  PetscCall(PetscMalloc2(b->nlocal, &b->policy_of, b->nlocal, &b->policy_reward));
  for (FenInt s = 0; s < b->nlocal; s++)
    b->policy_of[s] = -1;
  if (b->nghost)
    PetscCall(PetscMalloc1((size_t)(b->nlocal + b->nghost), &b->policy_x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPolicyDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  PetscCall(FenChunksDestroy_Private(&b->policy));
  PetscCall(FenPackedDestroy_Private(&b->packed));
  PetscCall(PetscFree2(b->policy_of, b->policy_reward));
  PetscCall(PetscFree(b->policy_x));
  PetscFunctionReturn(0);
}

/* a lane of stored chunks: what is there already, in local numbers */
static double CopyLane(FenBellman b, FenInt s, int action)
{
  const FenChunkStore *A = &b->all;
  const FenInt         c = s / FEN_LANES, lane = s % FEN_LANES, k = A->chunk_ptr[c] + action;
  const FenInt         from = A->slot_ptr[k], n = A->slot_ptr[k + 1] - from;
  const FenInt         to = b->policy.slot_ptr[c], room = b->policy.slot_ptr[c + 1] - to;

  for (FenInt j = 0; j < n; j++) {
    b->policy.col[FEN_LANES * (to + j) + lane] = A->col[FEN_LANES * (from + j) + lane];
    b->policy.val[FEN_LANES * (to + j) + lane] = A->val[FEN_LANES * (from + j) + lane];
  }
  for (FenInt j = n; j < room; j++) {
    b->policy.col[FEN_LANES * (to + j) + lane] = (int)s;
    b->policy.val[FEN_LANES * (to + j) + lane] = 0;
  }
  return A->reward[FEN_LANES * k + lane];
}

/* a lane whose row is made on demand, or by nature; action -1, with its reward: of a terminal state */
static PetscErrorCode MakeLane(FenBellman b, FenInt s, int action, const double V[], double *reward)
{
  const FenInt c = s / FEN_LANES, lane = s % FEN_LANES;
  const FenInt to = b->policy.slot_ptr[c], room = b->policy.slot_ptr[c + 1] - to;
  FenRowView   row = {.n = 0};

  PetscFunctionBegin;
  if (action < 0) /* none: the entries are nothing */
    row.reward = *reward;
  else if (b->nature)
    PetscCall(FenNatureLane_Private(b, s, action, V, &row));
  else
    PetscCall(FenBellmanRow_Private(b, s, action, &row));
  for (FenInt j = 0; j < room; j++) {
    b->policy.col[FEN_LANES * (to + j) + lane] = j < row.n ? row.col[j] : (int)s;
    b->policy.val[FEN_LANES * (to + j) + lane] = j < row.n ? row.prob[j] : 0;
  }
  *reward = row.reward;
  if (b->popped)
    b->popped[s] = row.popped;
  PetscFunctionReturn(0);
}

/* what V has now in the state of the smallest value; 0 if nature does not use it */
static PetscErrorCode Low(FenBellman b, const double V[], double *low)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  *low = 0;
  if (!b->popped)
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(b->comm, &rank));
  if (rank == b->low_rank)
    *low = V[b->low_state - b->start];
  PetscCallMPI(MPI_Bcast(low, 1, MPI_DOUBLE, b->low_rank, b->comm));
  PetscFunctionReturn(0);
}

/* lanes beyond the last state repeat the first of their chunk, as in all chunks */
static void RepeatFirstLane(FenBellman b)
{
  const FenInt c = b->nlocal / FEN_LANES;

  for (FenInt l = b->nlocal % FEN_LANES; l && l < FEN_LANES; l++) {
    for (FenInt j = b->policy.slot_ptr[c]; j < b->policy.slot_ptr[c + 1]; j++) {
      b->policy.col[FEN_LANES * j + l] = b->policy.col[FEN_LANES * j];
      b->policy.val[FEN_LANES * j + l] = b->policy.val[FEN_LANES * j];
    }
    b->policy.reward[FEN_LANES * c + l] = b->policy.reward[FEN_LANES * c];
  }
}

/* mass on the state of the smallest value is a reward as far as one sweep is concerned */
static PetscErrorCode RewardPopped(FenBellman b, const double V[])
{
  double low;

  PetscFunctionBegin;
  PetscCall(Low(b, V, &low));
  for (FenInt s = 0; b->popped && s < b->nlocal; s++)
    b->policy.reward[s] = b->policy_reward[s] + b->options.discount * b->popped[s] * low;
  if (b->popped)
    RepeatFirstLane(b);
  PetscFunctionReturn(0);
}

/* the beginnings of rows that come soon: their places have no order */
static void Fetch(FenBellman b, FenInt c, const int policy[])
{
  const FenPlainRows *R = &b->plain;

  for (FenInt s = FEN_LANES * c; s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++) {
    const FenInt r = R->state_ptr[s] + PetscMax(policy[s], 0), first = R->row_ptr[PetscMin(r, R->state_ptr[b->nlocal])];

    for (FenInt k = 0; k < PetscMin(FETCH, b->longest); k += 8) {
      __builtin_prefetch(R->next + first + k);
      __builtin_prefetch(R->prob + first + k);
    }
  }
}

/* the lanes of a chunk from rows as they are stored; lanes beyond the last state repeat the first */
static void FillPolicy(FenBellman b, FenInt c, const int policy[])
{
  const FenInt s0 = FEN_LANES * c, n = PetscMin(FEN_LANES, b->nlocal - s0);
  FenInt       state[FEN_LANES];
  int          row[FEN_LANES], changed = 0;

  for (int l = 0; l < FEN_LANES; l++) {
    state[l] = s0 + (l < n ? l : 0);
    row[l] = PetscMax(policy[state[l]], 0);
    changed |= row[l] != b->policy_of[state[l]];
  }
  if (!changed)
    return;
  FenBellmanFillRows_Private(b, state, row, &b->policy, c);
  for (FenInt l = 0; l < n; l++) {
    b->policy_of[s0 + l] = row[l];
    b->policy_reward[s0 + l] = b->policy.reward[s0 + l];
  }
}

static PetscErrorCode SetPlainPolicy(FenBellman b, const int policy[])
{
  const PetscBool fresh = PetscNot(FenBellmanHasPolicy(b));

  PetscFunctionBegin;
  for (FenInt c = 0; c < b->policy.nchunks; c++) {
    Fetch(b, c + AHEAD, policy);
    FillPolicy(b, c, policy);
  }
  if (fresh && b->nlocal > NEAR_VALUES && FenChunksReach_Private(&b->policy) == FEN_REACH_FAR)
    b->policy.view.reach = FEN_REACH_FAR;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSetPolicy(FenBellman b, const int policy[], double V[])
{
  FenInt next_terminal = 0;

  PetscFunctionBegin;
  if (!b->policy_of)
    PetscCall(Allocate(b));
  if (b->nature) {
    PetscCall(FenBellmanSetTerminal_Private(b, V));
    PetscCall(FenNaturePrepare_Private(b, V));
    PetscCall(FenBellmanExchangeBegin_Private(b, V));
    PetscCall(FenBellmanExchangeEnd_Private(b, V));
    if (b->nature->ops->extract) {
      PetscCall(b->nature->ops->extract(b, b->nature->data, policy, V));
      PetscFunctionReturn(0);
    }
  }
  if (FenBellmanIsPlain(b)) {
    PetscCall(SetPlainPolicy(b, policy));
    PetscFunctionReturn(0);
  }
  for (FenInt s = 0; s < b->nlocal; s++) {
    const PetscBool terminal = (PetscBool)(next_terminal < b->nterminal && b->terminal[next_terminal] == s);
    const int       action = terminal ? 0 : policy[s];
    double          reward = 0;

    if (terminal)
      reward = b->terminal_value[next_terminal++];
    if (action == b->policy_of[s] && !b->nature) /* nature's law may have changed */
      continue;
    PetscCheck(action >= 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL,
               "state %" FENINT_FMT " has no action in the policy", FenBellmanNumber(b, s));
    if (b->stored && (terminal || !b->nature))
      reward = CopyLane(b, s, action);
    else
      PetscCall(MakeLane(b, s, terminal ? -1 : action, V, &reward));
    b->policy.reward[s] = b->policy_reward[s] = reward;
    b->policy_of[s] = action;
    if (b->packed.codes)
      b->packed.stale[s / FEN_LANES] = 1;
  }
  RepeatFirstLane(b);
  PetscCall(FenPackedRenew_Private(&b->packed, &b->policy));
  PetscFunctionReturn(0);
}

static void ApplyRuns(FenBellman b, const FenRuns *runs, const double V[], double TV[], FenSweepPart *part)
{
  for (FenInt r = 0; r < runs->n; r++)
    b->kernels->apply(&b->policy.view, runs->run[r].c0, runs->run[r].c1, V, V, TV, part);
}

PetscErrorCode FenBellmanPolicySweep(FenBellman b, FenSolver solver, double V[], double TV[], FenSweepStats *stats)
{
  FenSweepPart part;

  PetscFunctionBegin;
  FenSweepPartInit(&part);
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  PetscCall(RewardPopped(b, V));
  PetscCall(FenBellmanExchangeBegin_Private(b, V));
  ApplyRuns(b, &b->inner, V, TV, &part);
  PetscCall(FenBellmanExchangeEnd_Private(b, V));
  ApplyRuns(b, &b->outer, V, TV, &part);
  b->matvecs += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanRobustPolicySweep(FenBellman b, FenSolver solver, const int policy[], double V[], double TV[],
                                           FenSweepStats *stats)
{
  const FenNature *N = b->nature;
  FenSweepPart     part;

  PetscFunctionBegin;
  if (!N || !N->ops->policy_sweep) {
    PetscCall(FenBellmanSetPolicy(b, policy, V));
    PetscCall(FenBellmanPolicySweep(b, solver, V, TV, stats));
    PetscFunctionReturn(0);
  }
  if (!b->policy_of)
    PetscCall(Allocate(b));
  FenSweepPartInit(&part);
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  PetscCall(FenNaturePrepare_Private(b, V));
  PetscCall(FenBellmanExchangeBegin_Private(b, V));
  PetscCall(N->ops->policy_sweep(b, N->data, &b->inner, policy, V, TV, &part));
  PetscCall(FenBellmanExchangeEnd_Private(b, V));
  PetscCall(N->ops->policy_sweep(b, N->data, &b->outer, policy, V, TV, &part));
  b->matvecs += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  PetscFunctionReturn(0);
}

void FenBellmanValuesOfRuns_Private(FenBellman b, const FenRuns *runs, const FenChunkStore *C, const double V[],
                                    double q[])
{
  for (FenInt r = 0; r < runs->n; r++)
    b->kernels->values(&C->view, runs->run[r].c0, runs->run[r].c1, V, q + FEN_LANES * runs->run[r].c0);
}

static void MultRuns(FenBellman b, const FenRuns *runs, const double own[], const double x[], double y[])
{
  for (FenInt r = 0; r < runs->n; r++)
    b->kernels->mult(&b->policy.view, runs->run[r].c0, runs->run[r].c1, own, x, y);
}

PetscErrorCode FenBellmanPolicyMult(FenBellman b, const double x[], double y[])
{
  double *copy = b->policy_x, low;

  PetscFunctionBegin;
  if (b->exchange) {
    if (copy)
      PetscCall(PetscArraycpy(copy, x, b->nlocal));
    else
      copy = (double *)x; /* I have no ghosts but others may need my values */
    PetscCall(FenBellmanExchangeBegin_Private(b, copy));
    x = copy;
  }
  MultRuns(b, &b->inner, x, x, y);
  if (b->exchange)
    PetscCall(FenBellmanExchangeEnd_Private(b, copy));
  MultRuns(b, &b->outer, x, x, y);
  PetscCall(Low(b, x, &low));
  for (FenInt s = 0; b->popped && s < b->nlocal; s++)
    y[s] -= b->options.discount * b->popped[s] * low;
  b->matvecs += 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPolicyReward(FenBellman b, const double *r[])
{
  PetscFunctionBegin;
  *r = b->policy_reward;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPolicyRow(FenBellman b, FenInt s, FenPolicyRow *row)
{
  const FenInt c = s / FEN_LANES, at = b->policy.slot_ptr[c], o = FEN_LANES * at + s % FEN_LANES;

  PetscFunctionBegin;
  *row = (FenPolicyRow){.n = b->policy.slot_ptr[c + 1] - at,
                        .stride = FEN_LANES,
                        .col = b->policy.col + o,
                        .prob = b->policy.val + o,
                        .discount = b->options.discount};
  PetscFunctionReturn(0);
}

FenInt FenBellmanLongestRow(FenBellman b)
{
  return b->longest;
}

FenInt FenBellmanGlobal(FenBellman b, int k)
{
  return k < b->nlocal ? b->start + k : b->ghost[k - b->nlocal];
}

MPI_Comm FenBellmanComm(FenBellman b)
{
  return b->comm;
}

PetscErrorCode FenBellmanExchange(FenBellman b, double x[])
{
  PetscFunctionBegin;
  PetscCall(FenBellmanExchangeBegin_Private(b, x));
  PetscCall(FenBellmanExchangeEnd_Private(b, x));
  PetscFunctionReturn(0);
}

/* one row of the block, columns ascending: into col and val, number of entries back */
static PetscInt BlockRow(FenBellman b, FenInt s, PetscInt col[], PetscScalar val[])
{
  FenPolicyRow row;
  PetscInt     n = 1;

  (void)FenBellmanPolicyRow(b, s, &row);
  col[0] = (PetscInt)s;
  val[0] = 1;
  for (FenInt j = 0; j < row.n; j++) {
    const int    t = row.col[j * row.stride];
    const double v = -row.discount * row.prob[j * row.stride];
    PetscInt     i = n;

    if (t >= b->nlocal || v == 0)
      continue;
    while (i > 0 && col[i - 1] > t)
      i--;
    if (i > 0 && col[i - 1] == t) {
      val[i - 1] += v;
      continue;
    }
    for (PetscInt k = n++; k > i; k--) {
      col[k] = col[k - 1];
      val[k] = val[k - 1];
    }
    col[i] = t;
    val[i] = v;
  }
  return n;
}

/* columns of others' states are left out, and mass on the state of the smallest value */
PetscErrorCode FenBellmanPolicyLocalMat(FenBellman b, Mat *M)
{
  PetscInt     n, room, *ptr, *col;
  PetscScalar *val;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nlocal, &n));
  PetscCall(FenIntCast(FEN_LANES * b->policy.ncolumns + b->nlocal, &room));
  PetscCall(PetscMalloc1(n + 1, &ptr));
  PetscCall(PetscMalloc1(room, &col));
  PetscCall(PetscMalloc1(room, &val));
  ptr[0] = 0;
  for (PetscInt s = 0; s < n; s++)
    ptr[s + 1] = ptr[s] + BlockRow(b, s, col + ptr[s], val + ptr[s]);
  PetscCall(MatCreate(PETSC_COMM_SELF, M));
  PetscCall(MatSetSizes(*M, n, n, n, n));
  PetscCall(MatSetType(*M, MATSEQAIJ));
  PetscCall(MatSeqAIJSetPreallocationCSR(*M, ptr, col, val));
  PetscCall(PetscFree(ptr));
  PetscCall(PetscFree(col));
  PetscCall(PetscFree(val));
  PetscFunctionReturn(0);
}
