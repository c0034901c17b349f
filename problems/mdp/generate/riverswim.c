/* SPDX-License-Identifier: BSD-2-Clause */
/*
   River swim: action 0 drifts left, with a small reward at the left end; action 1 swims against the stream, with a
   large reward for staying at the right end.

   A. Strehl, M. Littman, An analysis of model-based interval estimation for Markov decision processes, J. Comput. Syst.
   Sci. 74 (2008); probabilities and rewards as in the RAAM library's file of six states.
*/
#include "mdpproblemimpl.h"

typedef struct {
  FenInt n;
  double left, right;
} FenRiverContext;

static PetscErrorCode FenRiverRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenRiverContext *r = (const FenRiverContext *)ctx;

  PetscFunctionBegin;
  if (!a)
    FenMDPRowAddReward(row, s ? s - 1 : 0, 1, s ? 0 : r->left);
  else if (!s) {
    FenMDPRowAddReward(row, 0, 0.7, 0);
    FenMDPRowAddReward(row, 1, 0.3, 0);
  } else if (s == r->n - 1) {
    FenMDPRowAddReward(row, s - 1, 0.7, 0);
    FenMDPRowAddReward(row, s, 0.3, r->right);
  } else {
    FenMDPRowAddReward(row, s - 1, 0.1, 0);
    FenMDPRowAddReward(row, s, 0.6, 0);
    FenMDPRowAddReward(row, s + 1, 0.3, 0);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenRiverswim_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenRiverContext *r;

  PetscFunctionBegin;
  PetscCall(PetscNew(&r));
  *r = (FenRiverContext){.n = 6, .left = 5, .right = 10000};
  p->generator.ctx = r;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-riverswim_n", "states", 2, &r->n));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-riverswim_left", "reward at the left end", -1e100,
                                     1e100, &r->left));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-riverswim_right", "reward at the right end", -1e100,
                                     1e100, &r->right));
  p->generator.nstates = r->n;
  p->generator.nactions = 2;
  p->generator.max_next = 3;
  p->generator.row = FenRiverRow;
  p->discount = 0.95;
  PetscFunctionReturn(0);
}
