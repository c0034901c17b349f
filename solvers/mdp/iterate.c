/* SPDX-License-Identifier: BSD-2-Clause */
/* The iterate that all types of FenMDP share: start, sweeps, shifts, dot products. */
#include "mdpimpl.h"

#define BLOCK 512 /* entries summed in plain doubles before they go into a double-double */

/* terminal states have their values from the start; finite horizons start from the values of the last step */
PetscErrorCode FenMDPStart_Private(FenMDP mdp)
{
  const double *terminal;
  int           rows;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetTerminal(mdp->model, &terminal));
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->model, k, &rows));
    mdp->value[k] = terminal && (!rows || mdp->criterion == FEN_MDP_FINITE) ? terminal[k] : 0;
  }
  PetscCall(FenBellmanFromModel(mdp->op, mdp->value, mdp->V));
  PetscCall(FenBellmanNatureStart(mdp->op));
  for (FenInt k = 0; k < mdp->n; k++)
    mdp->policy[k] = -1;
  PetscCall(FenBellmanGetWork(mdp->op, &mdp->sweeps_offset, &mdp->matvecs_offset));
  mdp->sweeps = mdp->matvecs = 0;
  mdp->swept = mdp->stalled = 0;
  mdp->norm_best = PETSC_INFINITY;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPSweep_Private(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FenBellmanSweep(mdp->op, (FenSolver)mdp, mdp->V, mdp->TV, mdp->policy, &mdp->stats));
  mdp->swept = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPValueStep_Private(FenMDP mdp)
{
  PetscFunctionBegin;
  FenMDPSwap_Private(&mdp->V, &mdp->TV);
  PetscCall(FenMDPSweep_Private(mdp));
  PetscFunctionReturn(0);
}

void FenMDPShift_Private(FenMDP mdp, double c, double x[])
{
  if (c == 0)
    return;
  for (FenInt k = 0; k < mdp->n; k++)
    x[k] += mdp->policy[k] < 0 ? 0 : c;
}

/* independent partial sums, so that the compiler can use vector instructions without reordering anything */
static double BlockDot(FenInt n, const double x[], const double y[])
{
  double s[8] = {0};
  FenInt k = 0;

  for (; k + 8 <= n; k += 8)
    for (int l = 0; l < 8; l++)
      s[l] += x[k + l] * y[k + l];
  for (; k < n; k++)
    s[k % 8] += x[k] * y[k];
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

PetscErrorCode FenMDPDots_Private(FenMDP mdp, PetscInt n, const double *const x[], const double y[], double dots[])
{
  FenDD sum[16] = {{0, 0}};

  PetscFunctionBegin;
  for (FenInt start = 0; start < mdp->n; start += BLOCK)
    for (PetscInt k = 0; k < n; k++)
      FenDDAdd(&sum[k], BlockDot(PetscMin(BLOCK, mdp->n - start), x[k] + start, y + start));
  PetscCall(FenSolverReduce_Private((FenSolver)mdp, n, sum, dots));
  PetscFunctionReturn(0);
}
