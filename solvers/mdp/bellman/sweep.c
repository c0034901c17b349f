/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps over all rows: chunks that reach no ghost first, while the messages travel. */
#include "bellmanimpl.h"

static PetscLogEvent events[1];

PetscErrorCode FenBellmanRegisterEvents(PetscClassId classid)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventRegister("FenMDPSweep", classid, &events[0]));
  PetscFunctionReturn(0);
}

/* terminal states keep their values whatever the caller put there; their policy is row 0 of the chunks */
PetscErrorCode FenBellmanSetTerminal_Private(FenBellman b, double V[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nterminal; k++)
    V[b->terminal[k]] = b->terminal_value[k];
  PetscFunctionReturn(0);
}

void FenBellmanTerminalPolicy_Private(FenBellman b, int policy[], int value)
{
  for (FenInt k = 0; k < b->nterminal; k++)
    policy[b->terminal[k]] = value;
}

/* chunks c0 .. c1-1 of rows made on demand, at most FEN_PIECE */
static PetscErrorCode MakeChunks(FenBellman b, FenInt c0, FenInt c1)
{
  FenChunkStore *C = &b->piece;
  FenInt         slots;

  PetscFunctionBegin;
  C->view.n = PetscMin(FEN_LANES * (c1 - c0), b->nlocal - FEN_LANES * c0);
  for (FenInt c = c0; c < c1; c++) {
    PetscCall(FenBellmanFillChunk_Private(b, c, C, C->chunk_ptr[c - c0], &slots));
    C->chunk_ptr[c - c0 + 1] = C->chunk_ptr[c - c0] + slots;
  }
  if (C->base)
    FenBellmanFindRuns_Private(C, C->slot_ptr[C->chunk_ptr[c1 - c0]]);
  PetscFunctionReturn(0);
}

static PetscErrorCode SweepRuns(FenBellman b, const FenRuns *runs, const double V[], double TV[], int policy[],
                                FenSweepPart *part)
{
  PetscFunctionBegin;
  if (b->nature) {
    PetscCall(FenNatureSweep_Private(b, runs, V, TV, policy, part));
    PetscFunctionReturn(0);
  }
  if (FenBellmanIsPlain(b)) { /* which rows are needed depends on the values of ghosts */
    if (runs == &b->inner)
      PetscCall(FenBellmanPlainBegin_Private(b, V, policy, part));
    else
      PetscCall(FenBellmanPlainSweep_Private(b, PETSC_FALSE, V, TV, policy, part));
    PetscFunctionReturn(0);
  }
  for (FenInt r = 0; r < runs->n; r++) {
    if (b->stored) {
      b->kernels->sweep(&b->all.view, runs->run[r].c0, runs->run[r].c1, V, V, TV, policy, part);
      continue;
    }
    for (FenInt c = runs->run[r].c0, c1; c < runs->run[r].c1; c = c1) {
      const FenInt s = FEN_LANES * c;

      c1 = PetscMin(c + FEN_PIECE, runs->run[r].c1);
      PetscCall(MakeChunks(b, c, c1));
      b->kernels->sweep(&b->piece.view, 0, c1 - c, V + s, V, TV + s, policy + s, part);
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSweep(FenBellman b, FenSolver solver, double V[], double TV[], int policy[],
                               FenSweepStats *stats)
{
  FenSweepPart part;

  PetscFunctionBegin;
  PetscCall(PetscLogEventBegin(events[0], 0, 0, 0, 0));
  if (!policy && !b->scratch_policy)
    PetscCall(PetscCalloc1(b->nlocal, &b->scratch_policy));
  if (!policy)
    policy = b->scratch_policy;
  FenSweepPartInit(&part);
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  FenBellmanTerminalPolicy_Private(b, policy, 0);
  PetscCall(FenNaturePrepare_Private(b, V));
  PetscCall(FenBellmanPlainEnough_Private(b));
  PetscCall(FenBellmanExchangeBegin_Private(b, V));
  PetscCall(SweepRuns(b, &b->inner, V, TV, policy, &part));
  PetscCall(FenBellmanExchangeEnd_Private(b, V));
  PetscCall(SweepRuns(b, &b->outer, V, TV, policy, &part));
  FenBellmanTerminalPolicy_Private(b, policy, -1);
  b->sweeps += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  if (FenBellmanIsPlain(b)) {
    b->plain_work += stats->entries / b->plain_entries;
    b->plain_looked += stats->looked / b->plain_entries;
  }
  PetscCall(PetscLogEventEnd(events[0], 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode SweepRewards(FenBellman b, const double V[], double TV[], int policy[], FenSweepPart *part)
{
  FenChunks rewards = b->all.view;
  FenInt   *empty;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(b->all.nslots + 1, &empty)); /* rows without successors */
  rewards.slot_ptr = empty;
  b->kernels->sweep(&rewards, 0, b->all.nchunks, V, V, TV, policy, part);
  PetscCall(PetscFree(empty));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSweepZero(FenBellman b, FenSolver solver, double V[], double TV[], int policy[],
                                   FenSweepStats *stats)
{
  FenSweepPart part;

  PetscFunctionBegin;
  if (!b->stored || b->nature || !b->zero_ends) {
    PetscCall(FenBellmanSweep(b, solver, V, TV, policy, stats));
    PetscFunctionReturn(0);
  }
  FenSweepPartInit(&part);
  FenBellmanTerminalPolicy_Private(b, policy, 0);
  if (FenBellmanIsPlain(b))
    PetscCall(FenBellmanPlainSweep_Private(b, PETSC_TRUE, V, TV, policy, &part));
  else
    PetscCall(SweepRewards(b, V, TV, policy, &part));
  FenBellmanTerminalPolicy_Private(b, policy, -1);
  b->sweeps += 1;
  PetscCall(FenBellmanAgree_Private(b, solver, &part, stats));
  PetscFunctionReturn(0);
}

/* the values of a chunk's slots into rows, lane by lane */
static PetscErrorCode Scatter(FenBellman b, FenInt c, const double slots[], double q[], FenInt *row)
{
  PetscFunctionBegin;
  for (FenInt s = FEN_LANES * c; s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++) {
    int rows;

    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    for (int a = 0; a < rows; a++)
      q[(*row)++] = slots[FEN_LANES * a + s - FEN_LANES * c];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanRowValues(FenBellman b, double V[], double q[])
{
  const FenInt nchunks = FenChunkCount(b->nlocal);
  double      *slots = NULL;
  FenInt       row = 0, most = b->piece.nslots;

  PetscFunctionBegin;
  PetscCall(FenBellmanStore(b));
  PetscCall(FenBellmanSetTerminal_Private(b, V));
  PetscCall(FenNaturePrepare_Private(b, V));
  PetscCall(FenBellmanExchangeBegin_Private(b, V));
  PetscCall(FenBellmanExchangeEnd_Private(b, V));
  if (b->nature) {
    PetscCall(FenNatureRowValues_Private(b, V, q));
    PetscFunctionReturn(0);
  }
  for (FenInt c = 0; c < b->all.nchunks; c++)
    most = PetscMax(most, b->all.chunk_ptr[c + 1] - b->all.chunk_ptr[c]);
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * most), &slots));
  for (FenInt c = 0; c < nchunks; c++) {
    if (b->stored)
      b->kernels->values(&b->all.view, c, c + 1, V, slots);
    else {
      PetscCall(MakeChunks(b, c, c + 1));
      b->kernels->values(&b->piece.view, 0, 1, V, slots);
    }
    PetscCall(Scatter(b, c, slots, q, &row));
  }
  PetscCall(PetscFree(slots));
  PetscFunctionReturn(0);
}
