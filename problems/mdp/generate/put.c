/* SPDX-License-Identifier: BSD-2-Clause */
/*
   American put: a price goes up or down by a factor each step; hold, or exercise once for strike - price. States are
   the knots of the tree, step by step, those of step t by their number of ups, and the end as the last one; the last
   step holds for nothing. The tree ends by itself: the criteria finite and total agree.

   Reference: Cox, Ross, Rubinstein, J. Financial Economics 7, 1979.
*/
#include "mdpproblemimpl.h"
#include <math.h>

typedef struct {
  FenInt steps;
  double start, strike, up, down, p;
} FenPutContext;

static FenInt FenPutFirst(FenInt t)
{
  return t * (t + 1) / 2;
}

/* the step of a knot */
static FenInt FenPutStep(FenInt s)
{
  FenInt t = (FenInt)((sqrt(8 * (double)s + 1) - 1) / 2);

  while (FenPutFirst(t) > s)
    t--;
  while (FenPutFirst(t + 1) <= s)
    t++;
  return t;
}

static PetscErrorCode FenPutRows(void *ctx, FenInt s, int *n)
{
  PetscFunctionBegin;
  *n = s == FenPutFirst(((const FenPutContext *)ctx)->steps) ? 0 : 2;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPutRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenPutContext *c = (const FenPutContext *)ctx;
  const FenInt         t = FenPutStep(s), ups = s - FenPutFirst(t), end = FenPutFirst(c->steps);
  const double         price = c->start * pow(c->up, (double)ups) * pow(c->down, (double)(t - ups));

  PetscFunctionBegin;
  if (a)
    row->reward = PetscMax(0, c->strike - price);
  if (a || t + 1 == c->steps) {
    FenMDPRowAdd(row, end, 1);
    PetscFunctionReturn(0);
  }
  FenMDPRowAdd(row, FenPutFirst(t + 1) + ups, 1 - c->p);
  FenMDPRowAdd(row, FenPutFirst(t + 1) + ups + 1, c->p);
  PetscFunctionReturn(0);
}

PetscErrorCode FenPut_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenPutContext *c;
  FenInt         knots;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c = (FenPutContext){.steps = 20, .start = 100, .strike = 100, .up = 1.02, .down = 0.98, .p = 0.5};
  p->generator.ctx = c;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-put_n", "steps", 1, &c->steps));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-put_start", "price at the start", 1e-100, 1e100,
                                     &c->start));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-put_strike", "price at which it may be sold", 0,
                                     1e100, &c->strike));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-put_up", "factor of a step up", 1e-3, 1e3, &c->up));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-put_down", "factor of a step down", 1e-3, 1e3, &c->down));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-put_p", "probability of a step up", 0, 1, &c->p));
  PetscCall(FenIntMult(c->steps, c->steps + 1, &knots));
  p->generator.nstates = knots / 2 + 1;
  p->generator.nactions = 2;
  p->generator.max_next = 2;
  p->generator.nrows = FenPutRows;
  p->generator.row = FenPutRow;
  p->discount = 1;
  p->horizon = c->steps;
  PetscFunctionReturn(0);
}
