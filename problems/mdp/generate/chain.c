/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Chains with closed forms. Countdown: one step down at reward -1, the end absorbs:
   V(s) = -(1 - gamma^s) / (1 - gamma). Ring: stay, left or right, reward 1 in one state:
   V(s) = gamma^distance / (1 - gamma) without slipping.
*/
#include "mdpproblemimpl.h"

typedef struct {
  FenInt n, goal;
  double slip;
} FenChainContext;

static PetscErrorCode FenChainRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  PetscFunctionBegin;
  (void)ctx, (void)a;
  row->reward = s ? -1 : 0;
  FenMDPRowAdd(row, s ? s - 1 : 0, 1);
  PetscFunctionReturn(0);
}

/* staying slips to both sides, moving slips into staying */
static PetscErrorCode FenRingRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenChainContext *c = (const FenChainContext *)ctx;
  const FenInt           left = (s + c->n - 1) % c->n, right = (s + 1) % c->n;

  PetscFunctionBegin;
  row->reward = s == c->goal ? 1 : 0;
  FenMDPRowAdd(row, s, a ? c->slip : 1 - 2 * c->slip);
  FenMDPRowAdd(row, left, a == 0 ? c->slip : a == 1 ? 1 - c->slip : 0);
  FenMDPRowAdd(row, right, a == 0 ? c->slip : a == 2 ? 1 - c->slip : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenChainBegin(FenMDPProblem *p, FenInt n, FenChainContext **c)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(c));
  (*c)->n = n;
  p->generator.ctx = *c;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscFunctionReturn(0);
}

PetscErrorCode FenChain_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenChainContext *c;

  PetscFunctionBegin;
  PetscCall(FenChainBegin(p, 100, &c));
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-chain_n", "states", 1, &c->n));
  p->generator.nstates = c->n;
  p->generator.nactions = 1;
  p->generator.max_next = 1;
  p->generator.row = FenChainRow;
  p->discount = 0.95;
  PetscFunctionReturn(0);
}

PetscErrorCode FenRing_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenChainContext *c;

  PetscFunctionBegin;
  PetscCall(FenChainBegin(p, 50, &c));
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-ring_n", "states", 1, &c->n));
  c->goal = c->n > 42 ? 42 : c->n - 1;
  PetscCall(
      FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-ring_goal", "state with reward 1", 0, c->n - 1, &c->goal));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-ring_slip",
                                     "probability that a move stays; that staying moves, to either side", 0, 0.5,
                                     &c->slip));
  p->generator.nstates = c->n;
  p->generator.nactions = 3;
  p->generator.max_next = 3;
  p->generator.row = FenRingRow;
  p->discount = 0.9;
  PetscFunctionReturn(0);
}
