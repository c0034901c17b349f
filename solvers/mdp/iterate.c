/* SPDX-License-Identifier: BSD-2-Clause */
/* The iterate that all types of FenMDP share: start, sweeps, shifts, dot products. */
#include "mdpimpl.h"

#define FAR            8.0  /* values this many times their range away from zero are moved there */
#define ELIMINATE_EACH 0.3  /* actions are looked at again when the norm is this much smaller */
#define INEXACT        1e-3 /* of the norm */
#define BLOCK          512  /* entries summed in plain doubles before they go into a double-double */

/* zero but for terminal values: of states without rows, with a finite horizon of all states */
static PetscErrorCode FirstValues(FenMDP mdp)
{
  const double *terminal;
  int           rows;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetTerminal(mdp->solved, &terminal));
  if (!terminal) { /* on all ranks */
    PetscCall(PetscArrayzero(mdp->V, mdp->n));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < mdp->nout; k++) {
    PetscCall(FenMDPModelGetStateRows(mdp->solved, k, &rows));
    mdp->value[k] = !rows || mdp->criterion == FEN_MDP_FINITE ? terminal[k] : 0;
  }
  PetscCall(FenBellmanFromModel(mdp->op, mdp->value, mdp->V));
  PetscFunctionReturn(0);
}

/* terminal states have their values from the start; finite horizons start from the values of the last step */
PetscErrorCode FenMDPStart_Private(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(FirstValues(mdp));
  mdp->answered = PETSC_FALSE;
  for (FenInt k = 0; k < mdp->n; k++)
    mdp->policy[k] = -1;
  PetscCall(FenBellmanGetWork(mdp->op, &mdp->sweeps_offset, &mdp->matvecs_offset));
  PetscCall(FenBellmanNatureStart(mdp->op));
  mdp->sweeps = mdp->matvecs = 0;
  mdp->swept = mdp->stalled = 0;
  mdp->zero = (PetscBool)(mdp->criterion == FEN_MDP_DISCOUNTED);
  mdp->norm_best = mdp->norm_gone = PETSC_INFINITY;
  mdp->best_lower = -PETSC_INFINITY;
  mdp->best_upper = PETSC_INFINITY;
  PetscCall(FenBellmanForgetEliminated(mdp->op));
  FenAverageStart_Private(mdp);
  if (mdp->total)
    PetscCall(FenTotalStart_Private(mdp));
  PetscFunctionReturn(0);
}

/* Worst cases need not be exact beside what is left to be done: the norm of the last sweep. The change of a state alone
   does not tell, since V may be far from its fixed point by a constant that is nothing to the norm. A step of a finite
   horizon is not repeated */
static PetscErrorCode SetInexact(FenMDP mdp)
{
  const double norm = mdp->swept ? FenMDPNorm_Private(mdp, &mdp->stats) : PETSC_INFINITY;

  PetscFunctionBegin;
  mdp->inexact = mdp->criterion == FEN_MDP_FINITE ? 0 : norm >= 0 ? INEXACT * norm : PETSC_INFINITY;
  PetscCall(FenBellmanSetInexact(mdp->op, mdp->inexact));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sweep(FenMDP mdp)
{
  PetscFunctionBegin;
  if (mdp->robust)
    PetscCall(SetInexact(mdp));
  if (mdp->zero)
    PetscCall(FenBellmanSweepZero(mdp->op, (FenSolver)mdp, mdp->V, mdp->TV, mdp->policy, &mdp->stats));
  else
    PetscCall(FenBellmanSweep(mdp->op, (FenSolver)mdp, mdp->V, mdp->TV, mdp->policy, &mdp->stats));
  mdp->zero = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* marks actions each time that the norm has fallen enough; the answer is certified by a sweep over all actions */
static PetscErrorCode Eliminate(FenMDP mdp)
{
  const double norm = FenMDPNorm_Private(mdp, &mdp->stats);
  const double margin = (mdp->gamma * norm + 4 * mdp->stats.slack) / (1 - mdp->gamma);

  PetscFunctionBegin;
  if (FenMDPMet_Private(mdp)) {
    PetscCall(FenBellmanUseEliminated(mdp->op, PETSC_FALSE));
    PetscCall(Sweep(mdp));
    PetscCall(FenBellmanUseEliminated(mdp->op, PETSC_TRUE));
  } else if (norm <= ELIMINATE_EACH * mdp->norm_gone) {
    PetscCall(FenBellmanEliminate(mdp->op, mdp->V, mdp->TV, margin));
    PetscCall(FenBellmanUseEliminated(mdp->op, PETSC_TRUE));
    mdp->norm_gone = norm;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPSweep_Private(FenMDP mdp)
{
  PetscFunctionBegin;
  PetscCall(Sweep(mdp));
  if (mdp->words)
    PetscCall(Eliminate(mdp));
  mdp->swept = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPValueStep_Private(FenMDP mdp)
{
  PetscFunctionBegin;
  FenMDPSwap_Private(&mdp->V, &mdp->TV);
  FenMDPCentre_Private(mdp, mdp->stats.vmin, mdp->stats.vmax, mdp->V);
  PetscCall(FenMDPSweep_Private(mdp));
  PetscFunctionReturn(0);
}

/* Where constants pass through T only differences of values matter: the certificate has the constant in lo and hi.
   Small values round less, and near gamma = 1 it is rounding that limits the gap. */
void FenMDPCentre_Private(FenMDP mdp, double vmin, double vmax, double V[])
{
  const double middle = (vmin + vmax) / 2;

  if (mdp->shift && mdp->criterion == FEN_MDP_DISCOUNTED && fabs(middle) > FAR * (vmax - vmin))
    FenMDPShift_Private(mdp, -middle, V);
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
