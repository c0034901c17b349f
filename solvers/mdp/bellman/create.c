/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of the operator, and the way between the model's numbers and its own. */
#include "bellmanimpl.h"

/* what is the same on all ranks */
static PetscErrorCode ReadModel(FenBellman b)
{
  FenMDPSizes sizes;
  FenMDPSense sense;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(b->model, &sizes));
  PetscCall(FenMDPModelGetSense(b->model, &sense));
  b->sign = sense == FEN_MDP_MIN ? -1 : 1;
  b->substochastic = sizes.substochastic;
  b->reward_abs = PetscMax(fabs(sizes.reward_min), fabs(sizes.reward_max));
  /* the row's sum, the product with the discount, the reward, the difference from V, and as much for row sums that are
     one up to rounding */
  b->slack = (2.0 * (double)sizes.max_next + 8) * 0x1p-53;
  b->longest = PetscMax(1, sizes.max_next);
  PetscCall(PetscMalloc3((size_t)b->longest, &b->row_col, (size_t)b->longest, &b->row_prob, (size_t)b->longest,
                         &b->row_next));
  PetscCall(
      PetscMalloc2((size_t)(FEN_LANES * b->longest), &b->lane_col, (size_t)(FEN_LANES * b->longest), &b->lane_prob));
  if (sizes.stored)
    PetscCall(FenMDPModelGetRows(b->model, &b->rows));
  else
    PetscCall(PetscMalloc1(1, &b->row));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetLayout(FenBellman b)
{
  FenInt end;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(b->model, &b->layout));
  PetscCall(FenLayoutGetRange(b->layout, &b->start, &end));
  PetscCall(FenLayoutGetSize(b->layout, &b->total));
  b->nlocal = end - b->start;
  PetscFunctionReturn(0);
}

/* my states without rows and their values; does any rank have one */
static PetscErrorCode FindTerminal(FenBellman b)
{
  const double *value;
  int           any, rows;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    b->nterminal += !rows;
  }
  PetscCall(PetscMalloc2(b->nterminal, &b->terminal, b->nterminal, &b->terminal_value));
  PetscCall(FenMDPModelGetTerminal(b->model, &value));
  for (FenInt s = 0, k = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    if (!rows) {
      b->terminal[k] = s;
      b->terminal_value[k++] = value ? b->sign * value[s] : 0;
    }
  }
  any = b->nterminal > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, b->comm));
  b->widen = (PetscBool)(any || b->substochastic);
  PetscFunctionReturn(0);
}

/* a chunk of rows made on demand */
static PetscErrorCode MakePiece(FenBellman b)
{
  FenInt slots = 1;
  int    rows;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    slots = PetscMax(slots, rows);
  }
  PetscCall(FenChunksAllocate_Private(&b->piece, FEN_LANES, 1, slots, slots * b->longest, b->options.discount));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanCreate(FenMDPModel model, const FenBellmanOptions *options, FenBellman *out)
{
  FenBellman b;

  PetscFunctionBegin;
  PetscCheck(options->discount >= 0 && options->discount <= 1, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
             "the discount is %g; it must be in [0,1]", options->discount);
  PetscCall(PetscNew(&b));
  b->comm = PetscObjectComm((PetscObject)model);
  b->options = *options;
  b->model = model;
  PetscCall(PetscObjectReference((PetscObject)model));
  PetscCall(FenBellmanKernelsGet(options->simd, &b->kernels));
  PetscCall(ReadModel(b));
  PetscCall(SetLayout(b));
  PetscCall(FindTerminal(b));
  PetscCall(FenBellmanSetUpGhosts_Private(b));
  if (b->rows)
    PetscCall(FenBellmanStoreAll_Private(b));
  else
    PetscCall(MakePiece(b));
  PetscCall(FenNatureCreate_Private(b));
  PetscCall(FenBellmanReductionCreate_Private(b));
  *out = b;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanDestroy(FenBellman *bellman)
{
  FenBellman b = *bellman;

  PetscFunctionBegin;
  if (!b)
    PetscFunctionReturn(0);
  PetscCall(FenBellmanPolicyDestroy_Private(b));
  PetscCall(FenNatureDestroy_Private(b));
  PetscCall(PetscFree(b->popped));
  PetscCall(FenBellmanReductionDestroy_Private(b));
  PetscCall(FenChunksDestroy_Private(&b->all));
  PetscCall(FenChunksDestroy_Private(&b->piece));
  PetscCall(PetscSFDestroy(&b->exchange));
  PetscCall(PetscSFDestroy(&b->move));
  PetscCall(PetscFree(b->ghost));
  PetscCall(PetscFree(b->reached));
  PetscCall(PetscFree(b->before));
  PetscCall(PetscFree(b->inner.run));
  PetscCall(PetscFree(b->outer.run));
  PetscCall(PetscFree(b->row));
  PetscCall(PetscFree3(b->row_col, b->row_prob, b->row_next));
  PetscCall(PetscFree2(b->lane_col, b->lane_prob));
  PetscCall(PetscFree2(b->terminal, b->terminal_value));
  PetscCall(PetscFree(b->scratch_policy));
  PetscCall(FenMDPModelDestroy(&b->model));
  PetscCall(PetscFree(*bellman));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetSizes(FenBellman b, FenInt *nlocal, FenInt *nghost)
{
  PetscFunctionBegin;
  *nlocal = b->nlocal;
  *nghost = b->nghost;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetLayout(FenBellman b, FenLayout *layout)
{
  PetscFunctionBegin;
  *layout = b->layout;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetWork(FenBellman b, double *sweeps, double *matvecs)
{
  PetscFunctionBegin;
  *sweeps = b->sweeps;
  *matvecs = b->matvecs;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanToModel(FenBellman b, const double inside[], double outside[])
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++)
    outside[s] = b->sign * inside[s];
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanFromModel(FenBellman b, const double outside[], double inside[])
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++)
    inside[s] = b->sign * outside[s];
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPolicyToModel(FenBellman b, const int policy[], int action[])
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    action[s] = -1;
    if (policy[s] < 0)
      continue;
    if (b->rows)
      action[s] = b->rows->action[b->rows->state_ptr[s] + policy[s]];
    else {
      PetscCall(FenMDPModelGetRow(b->model, s, policy[s], b->row));
      action[s] = b->row->action;
    }
  }
  PetscFunctionReturn(0);
}
