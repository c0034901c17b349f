/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Machine replacement: n - 2 states of wear, of which the last is broken, then one of long repair and one of short
   repair. Action 0 goes on, action 1 repairs. Rewards belong to the state that is reached: broken -20, long repair -10,
   short repair -2.

   E. Delage, S. Mannor, Percentile optimization for Markov decision processes with parameter uncertainty, Oper. Res. 58
   (2010).
*/
#include "mdpproblemimpl.h"

static void FenMachineAdd(FenInt n, FenMDPRow *row, FenInt next, double prob)
{
  FenMDPRowAddReward(row, next, prob, next == n - 3 ? -20 : next == n - 2 ? -10 : next == n - 1 ? -2 : 0);
}

static PetscErrorCode FenMachineRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenInt n = *(const FenInt *)ctx, broken = n - 3, slow = n - 2, fast = n - 1;

  PetscFunctionBegin;
  if (s == fast) {
    FenMachineAdd(n, row, fast, a ? 1 : 0.2);
    FenMachineAdd(n, row, 0, a ? 0 : 0.8);
  } else if (s == slow) {
    FenMachineAdd(n, row, fast, a ? 0.6 : 0);
    FenMachineAdd(n, row, slow, a ? 0.4 : 1);
  } else if (a) {
    FenMachineAdd(n, row, PetscMin(s + 1, broken), 0.3);
    FenMachineAdd(n, row, fast, 0.6);
    FenMachineAdd(n, row, slow, 0.1);
  } else if (s == broken)
    FenMachineAdd(n, row, broken, 1);
  else {
    FenMachineAdd(n, row, s, 0.2);
    FenMachineAdd(n, row, s + 1, 0.8);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMachine_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenInt *n;

  PetscFunctionBegin;
  PetscCall(PetscNew(&n));
  *n = 10;
  p->generator.ctx = n;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(
      FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-machine_n", "states, two of them for repair", 4, n));
  p->generator.nstates = *n;
  p->generator.nactions = 2;
  p->generator.max_next = 3;
  p->generator.row = FenMachineRow;
  p->discount = 0.9;
  PetscFunctionReturn(0);
}
