/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Forest: wait (it may burn) or cut. State: the age. With a = gamma (1 - p) and b = gamma p, waiting for ever has
   V_0 = a^(S-1) r1 / (1 - gamma) and V_k = a^(S-1-k) r1 / (1 - a) + b V_0 / (1 - a).
*/
#include "mdpproblemimpl.h"

typedef struct {
  FenInt n;
  double wait, cut, fire;
} FenForestContext;

static PetscErrorCode FenForestRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenForestContext *f = (const FenForestContext *)ctx;
  const FenInt            last = f->n - 1;

  PetscFunctionBegin;
  if (a) {
    row->reward = s == last ? f->cut : s ? 1 : 0;
    FenMDPRowAdd(row, 0, 1);
    PetscFunctionReturn(0);
  }
  row->reward = s == last ? f->wait : 0;
  FenMDPRowAdd(row, 0, f->fire);
  FenMDPRowAdd(row, PetscMin(s + 1, last), 1 - f->fire);
  PetscFunctionReturn(0);
}

PetscErrorCode FenForest_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenForestContext *f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  *f = (FenForestContext){.n = 3, .wait = 4, .cut = 2, .fire = 0.1};
  p->generator.ctx = f;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-forest_n", "ages", 2, &f->n));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-forest_wait", "reward of waiting at the last age",
                                     -1e100, 1e100, &f->wait));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-forest_cut", "reward of cutting at the last age",
                                     -1e100, 1e100, &f->cut));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-forest_fire", "probability of a fire", 0, 1, &f->fire));
  p->generator.nstates = f->n;
  p->generator.nactions = 2;
  p->generator.max_next = 2;
  p->generator.row = FenForestRow;
  p->discount = 0.96;
  PetscFunctionReturn(0);
}
