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

int FenBellmanLocal_Private(FenBellman b, FenInt g)
{
  const FenInt k = g - b->start;

  if (k >= 0 && k < b->nlocal)
    return (int)k;
  return (int)b->nlocal + b->before[g / 64] +
         __builtin_popcountll(b->reached[g / 64] & ((UINT64_C(1) << (g % 64)) - 1));
}

/* marks what a row of my state reaches; outside: does it reach others' states */
static void Mark(FenBellman b, FenInt n, const FenInt next[], PetscBool *outside)
{
  for (FenInt j = 0; j < n; j++) {
    const FenInt k = next[j] - b->start;

    if (k < 0 || k >= b->nlocal) {
      b->reached[next[j] / 64] |= UINT64_C(1) << (next[j] % 64);
      *outside = PETSC_TRUE;
    }
  }
}

static PetscErrorCode MarkState(FenBellman b, FenInt s, PetscBool *outside)
{
  int rows;

  PetscFunctionBegin;
  if (b->rows) {
    const FenInt first = b->rows->row_ptr[b->rows->state_ptr[s]], end = b->rows->row_ptr[b->rows->state_ptr[s + 1]];

    Mark(b, end - first, b->rows->next + first, outside);
    PetscFunctionReturn(0);
  }
  PetscCall(FenMDPModelGetStateRows(b->model, s, &rows));
  for (int a = 0; a < rows; a++) {
    PetscCall(FenMDPModelGetRow(b->model, s, a, b->row));
    Mark(b, b->row->n, b->row->next, outside);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode MarkAll(FenBellman b)
{
  const FenInt nchunks = FenChunkCount(b->nlocal);

  PetscFunctionBegin;
  for (FenInt c = 0; c < nchunks; c++) {
    PetscBool outside = PETSC_FALSE;

    for (FenInt s = c * FEN_LANES; s < PetscMin(b->nlocal, (c + 1) * FEN_LANES); s++)
      PetscCall(MarkState(b, s, &outside));
    PetscCall(FenRunsAdd_Private(outside ? &b->outer : &b->inner, c));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ListGhosts(FenBellman b, FenInt words)
{
  FenInt n = 0;

  PetscFunctionBegin;
  for (FenInt w = 0; w < words; w++) {
    b->before[w] = (int)n;
    n += __builtin_popcountll(b->reached[w]);
    PetscCheck(n + b->nlocal < INT32_MAX - FEN_LANES, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_SIZE,
               "a rank has or reaches more than 2^31 states; use more ranks");
  }
  b->nghost = n;
  PetscCall(PetscMalloc1(n, &b->ghost));
  n = 0;
  for (FenInt w = 0; w < words; w++)
    for (uint64_t bits = b->reached[w]; bits; bits &= bits - 1)
      b->ghost[n++] = 64 * w + __builtin_ctzll(bits);
  PetscFunctionReturn(0);
}

/* owners are found going up through ghosts and ranks together */
static PetscErrorCode MakeExchange(FenBellman b)
{
  FenInt      *starts;
  PetscSFNode *remote;
  PetscMPIInt  size, owner = 0;
  PetscInt     n, nroots;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(b->comm, &size));
  PetscCall(FenIntCast(b->nghost, &n));
  PetscCall(FenIntCast(b->nlocal, &nroots));
  PetscCall(PetscMalloc1(size + 1, &starts));
  PetscCallMPI(MPI_Allgather(&b->start, 1, MPI_FENINT, starts, 1, MPI_FENINT, b->comm));
  starts[size] = b->total;
  PetscCall(PetscMalloc1(n, &remote));
  for (PetscInt k = 0; k < n; k++) {
    while (b->ghost[k] >= starts[owner + 1])
      owner++;
    remote[k].rank = owner;
    remote[k].index = (PetscInt)(b->ghost[k] - starts[owner]);
  }
  PetscCall(PetscFree(starts));
  PetscCall(PetscSFCreate(b->comm, &b->exchange));
  PetscCall(PetscSFSetGraph(b->exchange, nroots, n, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetUp(b->exchange));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSetUpGhosts_Private(FenBellman b)
{
  const FenInt words = b->total / 64 + 1, nchunks = FenChunkCount(b->nlocal);
  PetscMPIInt  size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(b->comm, &size));
  if (size == 1) {
    for (FenInt c = 0; c < nchunks; c++)
      PetscCall(FenRunsAdd_Private(&b->inner, c));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscCalloc1(words, &b->reached));
  PetscCall(PetscMalloc1(words, &b->before));
  PetscCall(MarkAll(b));
  PetscCall(ListGhosts(b, words));
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
