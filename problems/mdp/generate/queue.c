/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Tandem queues of limited capacity in a row, each with a choice of service rates, in discrete time by uniformisation.
   Jobs arrive at the first queue and are lost if it is full; a server before a full queue waits. Cost of a state and an
   action: holding times the jobs present, plus effort times the sum of squared rates.
*/
#include "mdpproblemimpl.h"

#define FEN_QUEUES 8

typedef struct {
  FenInt capacity, queues, levels;
  double arrival, slow, fast, holding, effort;
} FenQueueContext;

/* the rate of queue i under an action: its digits are the levels of the queues */
static double FenQueueRate(const FenQueueContext *q, int action, FenInt i)
{
  FenInt digit = action;

  for (FenInt k = 0; k < i; k++)
    digit /= q->levels;
  digit %= q->levels;
  return q->levels > 1 ? q->slow + (q->fast - q->slow) * (double)digit / (double)(q->levels - 1) : q->fast;
}

static PetscErrorCode FenQueueRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenQueueContext *q = (const FenQueueContext *)ctx;
  const double           all = q->arrival + (double)q->queues * q->fast;
  FenInt                 jobs[FEN_QUEUES] = {0}, stride[FEN_QUEUES] = {0}, rest = s, present = 0;
  double                 stay = 1, squares = 0;

  PetscFunctionBegin;
  for (FenInt i = q->queues - 1, step = 1; i >= 0; i--, step *= q->capacity + 1) {
    jobs[i] = rest % (q->capacity + 1);
    rest /= q->capacity + 1;
    stride[i] = step;
    present += jobs[i];
  }
  if (jobs[0] < q->capacity) {
    FenMDPRowAdd(row, s + stride[0], q->arrival / all);
    stay -= q->arrival / all;
  }
  for (FenInt i = 0; i < q->queues; i++) {
    const double    rate = FenQueueRate(q, a, i);
    const PetscBool last = i == q->queues - 1 ? PETSC_TRUE : PETSC_FALSE;

    squares += rate * rate;
    if (!jobs[i] || (!last && jobs[i + 1] == q->capacity))
      continue;
    FenMDPRowAdd(row, s - stride[i] + (last ? 0 : stride[i + 1]), rate / all);
    stay -= rate / all;
  }
  FenMDPRowAdd(row, s, stay > 1e-14 ? stay : 0);
  row->reward = q->holding * (double)present + q->effort * squares;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenQueueOptions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenQueueContext *q)
{
  PetscFunctionBegin;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, comm, "-queue_n", "places of each queue", 1, &q->capacity));
  PetscCall(
      FenMDPOptionInt_Private(PetscOptionsObject, comm, "-queue_queues", "queues in a row", 1, FEN_QUEUES, &q->queues));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, comm, "-queue_levels", "service rates of each queue", 1, 16,
                                    &q->levels));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, comm, "-queue_arrival", "arrivals in a unit of time", 1e-100,
                                     1e100, &q->arrival));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, comm, "-queue_fast", "fastest service rate", 1e-100, 1e100,
                                     &q->fast));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, comm, "-queue_slow", "slowest service rate", 0, q->fast, &q->slow));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, comm, "-queue_holding", "cost of a job present", -1e100, 1e100,
                                     &q->holding));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, comm, "-queue_effort", "cost of a squared rate", -1e100, 1e100,
                                     &q->effort));
  PetscFunctionReturn(0);
}

PetscErrorCode FenQueue_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenQueueContext *q;
  FenInt           states = 1, actions = 1;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *q = (FenQueueContext){
      .capacity = 30, .queues = 2, .levels = 2, .arrival = 1, .slow = 0.5, .fast = 2, .holding = 1, .effort = 1};
  p->generator.ctx = q;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenQueueOptions(PetscOptionsObject, p->comm, q));
  for (FenInt i = 0; i < q->queues; i++) {
    PetscCall(FenIntMult(states, q->capacity + 1, &states));
    PetscCall(FenIntMult(actions, q->levels, &actions));
  }
  FEN_MDP_CHECK(actions <= 65536, p->comm, FEN_ERR_OPTION,
                "%" FENINT_FMT " actions of %" FENINT_FMT " queues with %" FENINT_FMT " rates; rule: at most 65536",
                actions, q->queues, q->levels);
  p->generator.nstates = states;
  p->generator.nactions = (int)actions;
  p->generator.max_next = q->queues + 2;
  p->generator.row = FenQueueRow;
  p->sense = FEN_MDP_MIN;
  p->discount = 0.99;
  if (q->queues == 2)
    p->grid[0] = p->grid[1] = q->capacity + 1;
  PetscFunctionReturn(0);
}
