/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of the operator, and the way between the model's numbers and its own. */
#include "bellmanimpl.h"
#include <math.h>

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
  b->reward_range = sizes.reward_max - sizes.reward_min;
  b->reward_abs = PetscMax(fabs(sizes.reward_min), fabs(sizes.reward_max));
  /* Of |computed - exact| of an entry of TV and of TV - V, in units u of rounding, times max |r| + discount max |V|,
     for a row of k successors whose law is its probabilities over their exact sum:
       k/2 + 2  the sums in the kernels: two chains of k/2 multiply-adds and their sum, |sum| <= max |V|; processors
                without fused multiply-adds round each product too, once more for every term
       2        discount times the sum, plus the reward (one rounding if fused)
       2        the difference of TV and V, each of which is at most the factor above
       2        probabilities: the sum is taken in double-doubles and rounded once, each quotient once
     and one for terms of second order. With pairwise chains k/2 is half of what recursive summation has. */
  b->slack = (ceil((double)sizes.max_next / 2) + 9) * 0x1p-53;
  b->longest = PetscMax(1, sizes.max_next);
  PetscCall(PetscMalloc3((size_t)b->longest, &b->row_col, (size_t)b->longest, &b->row_prob, (size_t)b->longest,
                         &b->row_next));
  PetscCall(
      PetscMalloc2((size_t)(FEN_LANES * b->longest), &b->lane_col, (size_t)(FEN_LANES * b->longest), &b->lane_prob));
  b->stored = sizes.stored;
  if (sizes.stored) {
    PetscCall(FenMDPModelGetRows(b->model, &b->rows));
    b->held = *b->rows;
    b->rows = &b->held;
  } else {
    PetscCall(PetscMalloc1(1, &b->row));
    PetscCall(FenMDPModelHasLanes(b->model, &b->lanes));
  }
  if (b->lanes)
    PetscCall(PetscMalloc1((size_t)(FEN_LANES * b->longest), &b->lane_next));
  PetscFunctionReturn(0);
}

/* the model's cut, or another */
static PetscErrorCode SetLayout(FenBellman b)
{
  PetscMPIInt *owner;
  FenInt       end;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(b->model, &b->layout));
  PetscCall(FenLayoutGetRange(b->layout, &b->start, &end));
  PetscCall(FenLayoutGetSize(b->layout, &b->total));
  b->model_start = b->start;
  b->model_n = b->nlocal = end - b->start;
  PetscCall(FenBellmanPartition_Private(b, &owner));
  if (owner)
    PetscCall(FenBellmanMove_Private(b, owner));
  PetscCall(PetscFree(owner));
  PetscFunctionReturn(0);
}

/* terminal values of my states, NULL if they are zero */
static PetscErrorCode TerminalValues(FenBellman b, double **mine)
{
  const double *value;

  PetscFunctionBegin;
  *mine = NULL;
  PetscCall(FenMDPModelGetTerminal(b->model, &value));
  if (!value) /* on all ranks */
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(PetscMax(1, b->nlocal), mine));
  PetscCall(FenBellmanScatter(b, value, *mine));
  PetscFunctionReturn(0);
}

/* my states without rows and their values; does any rank have one, or a value that is not zero */
static PetscErrorCode FindTerminal(FenBellman b)
{
  double *value;
  int     any[2] = {0, 0}, rows;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    b->nterminal += !rows;
    b->most_rows = PetscMax(b->most_rows, rows);
  }
  PetscCall(PetscMalloc2(b->nterminal, &b->terminal, b->nterminal, &b->terminal_value));
  PetscCall(TerminalValues(b, &value));
  for (FenInt s = 0, k = 0; k < b->nterminal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    if (!rows) {
      b->terminal[k] = s;
      b->terminal_value[k] = value ? b->sign * value[s] : 0;
      any[1] |= b->terminal_value[k++] != 0;
    }
  }
  PetscCall(PetscFree(value));
  any[0] = b->nterminal > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, any, 2, MPI_INT, MPI_MAX, b->comm));
  b->widen = (PetscBool)(any[0] || b->substochastic);
  b->zero_ends = (PetscBool)!any[1];
  PetscFunctionReturn(0);
}

/* room for some chunks of rows made on demand */
static PetscErrorCode MakePiece(FenBellman b)
{
  const FenInt slots = PetscMax(1, b->most_rows);

  PetscFunctionBegin;
  PetscCall(FenChunksAllocate_Private(&b->piece, FEN_LANES * FEN_PIECE, FEN_PIECE, FEN_PIECE * slots,
                                      FEN_PIECE * slots * b->longest, b->options.discount));
  if (!b->lanes)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(b->piece.ncolumns, &b->piece.base)); /* states that are alike reach runs of states */
  b->piece.view.base = b->piece.base;
  b->piece.view.reach = FEN_REACH_RUNS;
  PetscFunctionReturn(0);
}

static PetscBool Nominal(FenBellman b)
{
  const FenAmbiguity *a = &b->options.ambiguity;

  return (PetscBool)(!strcmp(a->name, "none") || (strcmp(a->name, "interval") && !(a->radius > 0 || a->penalty > 0)));
}

/* rows that move were copied already, and what a model gives away is not needed; nature needs rewards by successor */
static PetscErrorCode TakeRows(FenBellman b, PetscBool nominal, PetscBool *mine)
{
  FenInt   *next;
  double   *prob;
  PetscBool taken;

  PetscFunctionBegin;
  *mine = PETSC_FALSE;
  if (!b->stored || (!nominal && !b->own_rows))
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelTakeEntries(b->model, &next, &prob, &taken));
  if (b->own_rows) {
    PetscCall(PetscFree(next));
    PetscCall(PetscFree(prob));
  } else if (taken) {
    b->own_entries = PETSC_TRUE;
    b->held.next = next;
    b->held.prob = prob;
    b->held.reward_next = NULL;
  }
  *mine = (PetscBool)(nominal && b->own_entries);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanCreate(FenMDPModel model, const FenBellmanOptions *options, FenBellman *out)
{
  FenBellman b;
  PetscBool  mine, nominal, plain = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCheck(options->discount >= 0 && options->discount <= 1, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
             "the discount is %g; it must be in [0,1]", options->discount);
  PetscCall(PetscNew(&b));
  b->comm = PetscObjectComm((PetscObject)model);
  PetscCallMPI(MPI_Comm_size(b->comm, &b->size));
  b->options = *options;
  b->inexact = PETSC_INFINITY;
  b->model = model;
  PetscCall(PetscObjectReference((PetscObject)model));
  nominal = Nominal(b);
  PetscCall(FenBellmanKernelsGet(options->simd, &b->kernels));
  PetscCall(ReadModel(b));
  PetscCall(SetLayout(b));
  PetscCall(FindTerminal(b));
  PetscCall(FenBellmanSetUpGhosts_Private(b));
  PetscCall(FenBellmanCountWords_Private(b));
  if (nominal)
    PetscCall(FenBellmanPlainPays_Private(b, &plain));
  PetscCall(TakeRows(b, nominal, &mine));
  if (plain)
    PetscCall(FenBellmanPlainCreate_Private(b, mine));
  else if (b->stored) {
    PetscCall(FenBellmanStoreAll_Private(b, mine));
    if (nominal)
      PetscCall(FenChunksFindCodes_Private(&b->all));
  } else
    PetscCall(MakePiece(b));
  PetscCall(FenNatureCreate_Private(b));
  PetscCall(FenBellmanReductionCreate_Private(b));
  *out = b;
  PetscFunctionReturn(0);
}

/* what is not the model's */
static PetscErrorCode FreeRows(FenBellman b)
{
  PetscFunctionBegin;
  if (b->own_entries) {
    PetscCall(PetscFree(b->held.next));
    PetscCall(PetscFree(b->held.prob));
    PetscCall(PetscFree(b->held.reward_next));
  }
  if (b->own_rows) {
    PetscCall(PetscFree(b->held.state_ptr));
    PetscCall(PetscFree(b->held.action));
    PetscCall(PetscFree(b->held.row_ptr));
    PetscCall(PetscFree(b->held.reward));
  }
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
  PetscCall(FenBellmanPlainDestroy_Private(b));
  PetscCall(FenBellmanShortlistDestroy_Private(b));
  PetscCall(PetscSFDestroy(&b->exchange));
  PetscCall(PetscSFDestroy(&b->move));
  PetscCall(PetscFree(b->ghost));
  PetscCall(PetscFree(b->number));
  PetscCall(FenIndexSetDestroy(&b->mine));
  PetscCall(FenIndexSetDestroy(&b->reached));
  PetscCall(FreeRows(b));
  if (b->own_layout)
    PetscCall(FenLayoutDestroy(&b->layout));
  PetscCall(PetscFree(b->inner.run));
  PetscCall(PetscFree(b->outer.run));
  PetscCall(PetscFree(b->row));
  PetscCall(PetscFree3(b->row_col, b->row_prob, b->row_next));
  PetscCall(PetscFree2(b->lane_col, b->lane_prob));
  PetscCall(PetscFree(b->lane_next));
  PetscCall(PetscFree2(b->terminal, b->terminal_value));
  PetscCall(PetscFree(b->scratch_policy));
  PetscCall(PetscFree(b->colour));
  PetscCall(PetscFree(b->gone));
  PetscCall(PetscFree2(b->live_ptr, b->live));
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

PetscErrorCode FenBellmanGetCommunication(FenBellman b, double *words, double *messages, double *imbalance)
{
  PetscFunctionBegin;
  *words = b->words;
  *messages = b->messages;
  *imbalance = b->imbalance;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanToModel(FenBellman b, const double inside[], double outside[])
{
  PetscFunctionBegin;
  PetscCall(FenBellmanGather(b, inside, outside));
  for (FenInt s = 0; s < b->model_n; s++)
    outside[s] *= b->sign;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanFromModel(FenBellman b, const double outside[], double inside[])
{
  PetscFunctionBegin;
  PetscCall(FenBellmanScatter(b, outside, inside));
  for (FenInt s = 0; s < b->nlocal; s++)
    inside[s] *= b->sign;
  PetscFunctionReturn(0);
}

/* the user's number of a row's action */
static PetscErrorCode Action(FenBellman b, FenInt s, int row, int *action)
{
  PetscFunctionBegin;
  *action = -1;
  if (row < 0)
    PetscFunctionReturn(0);
  if (b->rows)
    *action = b->rows->action[b->rows->state_ptr[s] + row];
  else if (b->lanes)
    *action = row;
  else {
    PetscCall(FenMDPModelMakeRow(b->model, FenBellmanNumber(b, s), row, b->row));
    *action = b->row->action;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPolicyToModel(FenBellman b, const int policy[], int action[])
{
  int *mine = action;

  PetscFunctionBegin;
  if (b->move)
    PetscCall(PetscMalloc1(PetscMax(1, b->nlocal), &mine));
  for (FenInt s = 0; s < b->nlocal; s++)
    PetscCall(Action(b, s, policy[s], &mine[s]));
  if (b->move) {
    PetscCall(PetscSFReduceBegin(b->move, MPI_INT, mine, action, MPI_REPLACE));
    PetscCall(PetscSFReduceEnd(b->move, MPI_INT, mine, action, MPI_REPLACE));
    PetscCall(PetscFree(mine));
  }
  PetscFunctionReturn(0);
}
