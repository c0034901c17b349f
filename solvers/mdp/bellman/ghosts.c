/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which states of other ranks my rows reach, their local numbers, and the messages that fill them. Found once, by going
   through all rows; chunks that reach no ghost are told apart, since they can be swept while messages travel.
*/
#include "bellmanimpl.h"

PetscErrorCode FenRunsAdd_Private(FenRuns *r, FenInt chunk)
{
  PetscFunctionBegin;
  if (r->n && r->run[r->n - 1].c1 == chunk) {
    r->run[r->n - 1].c1++;
    PetscFunctionReturn(0);
  }
  if (r->n == r->capacity) {
    r->capacity = 2 * r->capacity + 8;
    PetscCall(PetscRealloc((size_t)r->capacity * sizeof(FenRun), &r->run));
  }
  r->run[r->n++] = (FenRun){chunk, chunk + 1};
  PetscFunctionReturn(0);
}

static inline PetscBool Mine(FenBellman b, FenInt g)
{
  if (b->scattered)
    return FenIndexSetHas(&b->mine, g);
  return (PetscBool)(g >= b->start && g - b->start < b->nlocal);
}

int FenBellmanLocal_Private(FenBellman b, FenInt g)
{
  if (!Mine(b, g))
    return (int)b->nlocal + FenIndexSetRank(&b->reached, g);
  return b->scattered ? FenIndexSetRank(&b->mine, g) : (int)(g - b->start);
}

/* the states that a row reaches */
PetscErrorCode FenBellmanNext_Private(FenBellman b, FenInt s, int action, FenInt *n, const FenInt *next[])
{
  PetscFunctionBegin;
  if (b->rows) {
    const FenInt r = b->rows->state_ptr[s] + action;

    *n = b->rows->row_ptr[r + 1] - b->rows->row_ptr[r];
    *next = b->rows->next + b->rows->row_ptr[r];
    PetscFunctionReturn(0);
  }
  PetscCall(FenMDPModelMakeRow(b->model, FenBellmanNumber(b, s), action, b->row));
  *n = b->row->n;
  *next = b->row->next;
  PetscFunctionReturn(0);
}

/* marks states that are reached; outside: are some of them others'. Most are marked already */
static PetscErrorCode Mark(FenBellman b, FenInt n, const FenInt next[], PetscBool *outside)
{
  PetscFunctionBegin;
  for (FenInt j = 0; j < n; j++)
    if (!Mine(b, next[j])) {
      *outside = PETSC_TRUE;
      if (!FenIndexSetHas(&b->reached, next[j]))
        PetscCall(FenIndexSetAdd(&b->reached, next[j]));
    }
  PetscFunctionReturn(0);
}

/* what the rows of my states s0 .. s1-1 reach; stored rows follow each other */
static PetscErrorCode MarkStates(FenBellman b, FenInt s0, FenInt s1, PetscBool *outside)
{
  const FenMDPRows *R = b->rows;
  const FenInt     *next = NULL;
  FenInt            n = 0;
  int               rows;

  PetscFunctionBegin;
  if (R) {
    n = R->row_ptr[R->state_ptr[s0]];
    PetscCall(Mark(b, R->row_ptr[R->state_ptr[s1]] - n, R->next + n, outside));
    PetscFunctionReturn(0);
  }
  for (FenInt s = s0; s < s1; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    for (int a = 0; a < rows; a++) {
      PetscCall(FenBellmanNext_Private(b, s, a, &n, &next));
      PetscCall(Mark(b, n, next, outside));
    }
  }
  PetscFunctionReturn(0);
}

/* rows made for several states at once: are all successors of a chunk mine */
static PetscErrorCode Inside(FenBellman b, FenInt c, PetscBool *inside)
{
  FenMDPRowLanes lanes;

  PetscFunctionBegin;
  *inside = b->lanes;
  for (int a = 0; a < b->most_rows && *inside; a++) {
    PetscCall(FenBellmanLanes_Private(b, c, a, b->lane_prob, &lanes));
    *inside = (PetscBool)(lanes.n >= 0 && FenBellmanLanesAreMine_Private(b, &lanes));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode MarkAll(FenBellman b)
{
  const FenInt nchunks = FenChunkCount(b->nlocal);

  PetscFunctionBegin;
  for (FenInt c = 0; c < nchunks; c++) {
    PetscBool outside = PETSC_FALSE, inside;

    PetscCall(Inside(b, c, &inside));
    if (!inside)
      PetscCall(MarkStates(b, c * FEN_LANES, PetscMin(b->nlocal, (c + 1) * FEN_LANES), &outside));
    PetscCall(FenRunsAdd_Private(outside ? &b->outer : &b->inner, c));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ListGhosts(FenBellman b)
{
  PetscFunctionBegin;
  PetscCall(FenIndexSetCount(&b->reached, &b->nghost));
  PetscCheck(b->nlocal + b->nghost < INT32_MAX - FEN_LANES, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_SIZE,
             "a rank has or reaches more than 2^31 states; use more ranks");
  PetscCall(PetscMalloc1(b->nghost, &b->ghost));
  FenIndexSetList(&b->reached, b->ghost);
  PetscFunctionReturn(0);
}

/* where ghosts are on a layout of consecutive numbers; owners are found going up through ghosts and ranks together */
static PetscErrorCode Locate(FenBellman b, FenInt start, PetscInt n, PetscSFNode remote[])
{
  FenInt     *starts;
  PetscMPIInt size, owner = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(b->comm, &size));
  PetscCall(PetscMalloc1(size + 1, &starts));
  PetscCallMPI(MPI_Allgather(&start, 1, MPI_FENINT, starts, 1, MPI_FENINT, b->comm));
  starts[size] = b->total;
  for (PetscInt k = 0; k < n; k++) {
    while (b->ghost[k] >= starts[owner + 1])
      owner++;
    remote[k] = (PetscSFNode){owner, (PetscInt)(b->ghost[k] - starts[owner])};
  }
  PetscCall(PetscFree(starts));
  PetscFunctionReturn(0);
}

/* the model's owners know where their states have gone */
static PetscErrorCode Ask(FenBellman b, PetscInt n, PetscSFNode remote[])
{
  PetscSFNode *here, *home, *answer;
  PetscMPIInt  rank;
  PetscSF      directory;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(b->comm, &rank));
  PetscCall(PetscMalloc3(b->nlocal, &here, b->model_n, &home, n, &answer));
  for (FenInt k = 0; k < b->nlocal; k++)
    here[k] = (PetscSFNode){rank, (PetscInt)k};
  PetscCall(PetscSFReduceBegin(b->move, MPIU_2INT, here, home, MPI_REPLACE));
  PetscCall(PetscSFReduceEnd(b->move, MPIU_2INT, here, home, MPI_REPLACE));
  PetscCall(PetscSFCreate(b->comm, &directory));
  PetscCall(PetscSFSetGraph(directory, (PetscInt)b->model_n, n, NULL, PETSC_OWN_POINTER, remote, PETSC_COPY_VALUES));
  PetscCall(PetscSFBcastBegin(directory, MPIU_2INT, home, answer, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(directory, MPIU_2INT, home, answer, MPI_REPLACE));
  PetscCall(PetscSFDestroy(&directory));
  PetscCall(PetscArraycpy(remote, answer, (size_t)n));
  PetscCall(PetscFree3(here, home, answer));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeExchange(FenBellman b)
{
  PetscSFNode *remote;
  PetscInt     n, nroots;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nghost, &n));
  PetscCall(FenIntCast(b->nlocal, &nroots));
  PetscCall(PetscMalloc1(n, &remote));
  PetscCall(Locate(b, b->scattered ? b->model_start : b->start, n, remote));
  if (b->scattered)
    PetscCall(Ask(b, n, remote));
  PetscCall(PetscSFCreate(b->comm, &b->exchange));
  PetscCall(PetscSFSetGraph(b->exchange, nroots, n, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetUp(b->exchange));
  PetscFunctionReturn(0);
}

/* what a sweep sends, and how evenly it works; all ranks know */
PetscErrorCode FenBellmanCountWords_Private(FenBellman b)
{
  double   sum[3] = {(double)b->nghost, 0, 0}, most;
  PetscInt partners = 0;

  PetscFunctionBegin;
  if (b->exchange)
    PetscCall(PetscSFGetRootRanks(b->exchange, &partners, NULL, NULL, NULL, NULL));
  sum[1] = (double)partners;
  PetscCall(FenBellmanWork_Private(b, &sum[2]));
  most = sum[2];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, b->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, b->comm));
  b->words = sum[0];
  b->messages = sum[1];
  b->imbalance = most * (double)b->size / sum[2];
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSetUpGhosts_Private(FenBellman b)
{
  const FenInt nchunks = FenChunkCount(b->nlocal);

  PetscFunctionBegin;
  if (b->size == 1) {
    for (FenInt c = 0; c < nchunks; c++)
      PetscCall(FenRunsAdd_Private(&b->inner, c));
    PetscFunctionReturn(0);
  }
  PetscCall(FenIndexSetCreate(&b->reached, b->total));
  PetscCall(MarkAll(b));
  PetscCall(ListGhosts(b));
  PetscCall(MakeExchange(b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanExchangeBegin_Private(FenBellman b, double V[])
{
  PetscFunctionBegin;
  if (b->exchange)
    PetscCall(PetscSFBcastBegin(b->exchange, MPI_DOUBLE, V, V + b->nlocal, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanExchangeEnd_Private(FenBellman b, double V[])
{
  PetscFunctionBegin;
  if (b->exchange)
    PetscCall(PetscSFBcastEnd(b->exchange, MPI_DOUBLE, V, V + b->nlocal, MPI_REPLACE));
  PetscFunctionReturn(0);
}
