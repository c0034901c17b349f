/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Average reward: relative value iteration, h <- h + tau (Th - h - middle of Th - h).

   With tau < 1 this is value iteration on P' = (1 - tau) I + tau P with rewards tau r: gains are tau times as large,
   the policies are the same, and no chain is periodic. lo <= Th - h <= hi bounds the gain for any h, damped or not.
   Unless -mdp_average_tau says otherwise, tau is 1 until the span has not fallen for some sweeps, then 0.8.

   Gains that differ between states (chains that do not reach each other) keep the span above their difference: after
   many sweeps without progress the solve ends and says so; the bounds hold for the gains of all states then.

   Cost: one sweep an iteration. Reference: Puterman, Markov Decision Processes, 2005, sections 8.5 and 9.5.
*/
#include "../mdpimpl.h"
#include <math.h>

#define DAMPED  0.8
#define FALLING 0.99 /* the span falls if it comes below this times the smallest one */
#define PATIENT 20   /* sweeps before damping */
#define MOST    3000 /* sweeps before the end */

PetscErrorCode FenAverageOptions_Private(FenMDP mdp, PetscOptionItems *PetscOptionsObject)
{
  PetscReal tau = mdp->average.option;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal(
      "-mdp_average_tau", "average reward: share of a step that is taken, below 1 for periodic chains (0: automatic)",
      "", tau, &tau, NULL));
  PetscCheck(tau >= 0 && tau <= 1, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_average_tau %g: must be above 0 and at most 1, or 0 for automatic", tau);
  mdp->average.option = tau;
  PetscFunctionReturn(0);
}

void FenAverageStart_Private(FenMDP mdp)
{
  FenAverage *a = &mdp->average;

  a->tau = a->option > 0 ? a->option : 1;
  a->smallest = PETSC_INFINITY;
  a->waited = 0;
}

PetscErrorCode FenAverageState_Private(FenMDP mdp, FenState state)
{
  PetscFunctionBegin;
  PetscCall(FenStateAddReal(state, "average_tau", &mdp->average.tau));
  PetscCall(FenStateAddReal(state, "average_span", &mdp->average.smallest));
  PetscCall(FenStateAddInt(state, "average_waited", &mdp->average.waited));
  PetscFunctionReturn(0);
}

/* damps where damping may help, gives up where nothing does */
static PetscErrorCode Judge(FenMDP mdp)
{
  FenAverage  *a = &mdp->average;
  FenSolver    s = (FenSolver)mdp;
  const double span = mdp->stats.hi - mdp->stats.lo;

  PetscFunctionBegin;
  a->waited = span <= FALLING * a->smallest ? 0 : a->waited + 1;
  a->smallest = a->waited ? a->smallest : span;
  if (a->waited >= PATIENT && a->option == 0 && a->tau == 1) {
    a->tau = DAMPED;
    a->waited = 0;
    PetscCall(PetscInfo(mdp, "the span does not fall: steps of %g\n", a->tau));
  }
  if (a->waited < MOST || s->reason != FEN_ITERATING || span <= 16 * mdp->stats.slack)
    PetscFunctionReturn(0);
  s->reason = FEN_DIVERGED_MODEL;
  if (a->tau == 1)
    PetscCall(PetscStrncpy(s->detail,
                           "the span of Th - h does not fall: a periodic chain, which -mdp_average_tau 0.8 "
                           "cures, or states of different gains",
                           sizeof(s->detail)));
  else
    PetscCall(PetscStrncpy(s->detail,
                           "the span of Th - h does not fall: gains differ between states that do not reach "
                           "each other",
                           sizeof(s->detail)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenAverageStep_Private(FenMDP mdp)
{
  const double middle = (mdp->stats.lo + mdp->stats.hi) / 2, tau = mdp->average.tau;

  PetscFunctionBegin;
  for (FenInt k = 0; k < mdp->n; k++)
    mdp->V[k] += tau * (mdp->TV[k] - mdp->V[k] - middle);
  PetscCall(FenMDPSweep_Private(mdp));
  PetscCall(Judge(mdp));
  PetscFunctionReturn(0);
}
