/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of a policy of a model of two colours, and the product with what is left of its system on one of them. */
#include "colouredimpl.h"

/* one slot a chunk, as wide as the widest of the chunk's */
PetscErrorCode FenColouredPolicyCreate_Private(FenColoured C)
{
  const FenChunkStore *R = &C->rows;
  FenInt               total = 0;

  PetscFunctionBegin;
  for (int pass = 0; pass < 2; pass++)
    for (FenInt c = 0; c < R->nchunks; c++) {
      FenInt columns = 0;

      for (FenInt k = R->chunk_ptr[c]; k < R->chunk_ptr[c + 1]; k++)
        columns = PetscMax(columns, R->slot_ptr[k + 1] - R->slot_ptr[k]);
      if (pass) {
        C->kept.chunk_ptr[c + 1] = c + 1;
        C->kept.slot_ptr[c + 1] = C->kept.slot_ptr[c] + columns;
      } else
        total += columns;
      if (!pass && c == R->nchunks - 1)
        PetscCall(FenChunksAllocate_Private(&C->kept, C->n, R->nchunks, R->nchunks, total, C->b->options.discount));
    }
  if (!R->nchunks)
    PetscCall(FenChunksAllocate_Private(&C->kept, C->n, 0, 0, 0, C->b->options.discount));
  C->kept.view.reach = R->view.reach == FEN_REACH_FAR ? FEN_REACH_FAR : FEN_REACH_NEAR;
  if (R->view.reach == FEN_REACH_CODED)
    PetscCall(FenPackedCreate_Private(&C->packed, &C->kept));
  PetscCall(PetscMalloc2(C->n, &C->kept_action, C->n, &C->kept_scale));
  for (FenInt k = 0; k < C->n; k++)
    C->kept_action[k] = -1;
  PetscFunctionReturn(0);
}

/* positions without a state have the value zero, which the system leaves alone */
PetscErrorCode FenColouredSetPolicy(FenColoured C)
{
  const FenChunkStore *R = &C->rows;
  FenChunkStore       *K = &C->kept;

  PetscFunctionBegin;
  for (FenInt k = 0; k < C->n; k++) {
    const FenInt    c = k / FEN_LANES, lane = k % FEN_LANES, slot = R->chunk_ptr[c] + C->policy[k];
    const FenInt    from = R->slot_ptr[slot], n = R->slot_ptr[slot + 1] - from;
    const FenInt    to = K->slot_ptr[c], room = K->slot_ptr[c + 1] - to;
    const PetscBool empty = (PetscBool)(C->state[k] < 0);

    if (C->policy[k] == C->kept_action[k])
      continue;
    C->kept_action[k] = C->policy[k];
    if (C->packed.codes)
      C->packed.stale[c] = 1;
    C->kept_scale[k] = C->scale[FEN_LANES * slot + lane];
    K->reward[k] = R->reward[FEN_LANES * slot + lane];
    for (FenInt j = 0; j < room; j++) {
      const PetscBool in = (PetscBool)(j < n && !empty);

      K->col[FEN_LANES * (to + j) + lane] = in ? R->col[FEN_LANES * (from + j) + lane] : (int)k;
      K->val[FEN_LANES * (to + j) + lane] = in ? R->val[FEN_LANES * (from + j) + lane] : 0;
    }
  }
  PetscCall(FenPackedRenew_Private(&C->packed, K));
  C->negative = K->view;
  C->negative.discount = -C->b->options.discount;
  PetscFunctionReturn(0);
}

/* x and y begin at the first black position */
PetscErrorCode FenColouredMult(FenColoured C, const double x[], double y[])
{
  const FenBellmanKernels *k = C->b->kernels;
  const FenInt             red = C->chunks[FEN_RED], all = red + C->chunks[FEN_BLACK], first = FEN_LANES * red;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(C->y + first, x, FEN_LANES * all - first));
  PetscCall(FenColouredExchange_Private(C, FEN_BLACK, C->y));
  k->mult(&C->negative, 0, red, NULL, C->y, C->y); /* red = discount P black */
  PetscCall(FenColouredExchange_Private(C, FEN_RED, C->y));
  k->mult(&C->kept.view, red, all, x - first, C->y, y - first);
  C->b->matvecs += 1;
  PetscFunctionReturn(0);
}

/* y in black positions += discount P y of the red ones */
static void AddRed(FenColoured C, double y[])
{
  const FenInt red = C->chunks[FEN_RED];

  C->b->kernels->mult(&C->negative, red, red + C->chunks[FEN_BLACK], y, y, y);
}

PetscErrorCode FenColouredReduce(FenColoured C, const double b[], double black[])
{
  const FenInt red = FEN_LANES * C->chunks[FEN_RED];

  PetscFunctionBegin;
  for (FenInt k = 0; k < C->n; k++)
    C->y[k] = C->state[k] < 0 ? 0 : C->kept_scale[k] * b[C->state[k]];
  PetscCall(FenColouredExchange_Private(C, FEN_RED, C->y));
  AddRed(C, C->y);
  PetscCall(PetscArraycpy(black, C->y + red, C->n - red));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredExpand(FenColoured C, const double b[], const double black[], double x[])
{
  const FenInt red = FEN_LANES * C->chunks[FEN_RED];

  PetscFunctionBegin;
  for (FenInt k = 0; k < red; k++)
    C->y[k] = C->state[k] < 0 ? 0 : C->kept_scale[k] * b[C->state[k]];
  PetscCall(PetscArraycpy(C->y + red, black, C->n - red));
  PetscCall(FenColouredExchange_Private(C, FEN_BLACK, C->y));
  C->b->kernels->mult(&C->negative, 0, C->chunks[FEN_RED], C->y, C->y, C->y);
  for (FenInt s = 0; s < C->b->nlocal; s++)
    x[s] = C->y[C->position[s]];
  PetscFunctionReturn(0);
}

/* after a change of the black states: what others see of them, then the red ones */
static PetscErrorCode Settle(FenColoured C)
{
  FenSweepPart part;

  PetscFunctionBegin;
  PetscCall(FenColouredExchange_Private(C, FEN_BLACK, C->x));
  FenSweepPartInit(&part);
  C->b->kernels->sweep(&C->rows.view, 0, C->chunks[FEN_RED], C->x, C->x, C->x, C->policy, &part);
  PetscCall(FenColouredExchange_Private(C, FEN_RED, C->x));
  C->b->sweeps += 0.5;
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredAdd(FenColoured C, const double x[])
{
  const FenInt red = FEN_LANES * C->chunks[FEN_RED];

  PetscFunctionBegin;
  for (FenInt k = red; k < C->n; k++)
    C->x[k] = C->state[k] < 0 ? C->x[k - k % FEN_LANES] : C->x[k] + x[k - red];
  PetscCall(Settle(C));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredSave(FenColoured C, double black[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(black, C->x + FEN_LANES * C->chunks[FEN_RED], FEN_LANES * C->chunks[FEN_BLACK]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredRestore(FenColoured C, const double black[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(C->x + FEN_LANES * C->chunks[FEN_RED], black, FEN_LANES * C->chunks[FEN_BLACK]));
  PetscCall(Settle(C));
  PetscFunctionReturn(0);
}
