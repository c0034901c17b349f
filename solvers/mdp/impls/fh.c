/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPFH: finite horizon by backward induction, one sweep a step: V_H is the value of the last step, V_h = T V_{h+1}.
   Exact up to rounding and inexact rows, of which the sum is certified; worst cases are as exact as they can be. The
   policy of the first step is kept, those of all steps if asked for.
*/
#include "../mdpimpl.h"

typedef struct {
  PetscBool keep;     /* option */
  FenInt    step;     /* steps made, from the end */
  double   *policies; /* horizon columns: the user's action numbers on the model's layout, first step first */
} FH;

static PetscErrorCode FenMDPInitialize_FH(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  FH    *F = (FH *)s->data;

  PetscFunctionBegin;
  F->step = 0;
  mdp->error = 0;
  if (F->keep)
    PetscCall(PetscArrayzero(F->policies, mdp->nout * mdp->horizon));
  PetscFunctionReturn(0);
}

/* all steps are made: nothing more can be done about the gap, which is rounding */
static void End(FenSolver s)
{
  const FenProgress *p = &s->progress;
  const PetscBool    met =
      (PetscBool)((s->gap_rel <= 0 || p->gap_rel <= s->gap_rel) && (s->residual <= 0 || p->residual <= s->residual));

  if (!PetscIsInfOrNanReal(p->value) && !PetscIsInfOrNanReal(p->residual))
    s->reason = met ? FEN_CONVERGED_GAP : FEN_DIVERGED_STAGNATION;
}

static PetscErrorCode FenMDPIterate_FH(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  FH    *F = (FH *)s->data;

  PetscFunctionBegin;
  if (F->step)
    FenMDPSwap_Private(&mdp->V, &mdp->TV);
  for (FenInt k = 0; k < mdp->n; k++) /* no incumbent: another step is another decision */
    mdp->policy[k] = -1;
  PetscCall(FenMDPSweep_Private(mdp));
  F->step++;
  mdp->error = mdp->gamma * mdp->error + mdp->stats.slack; /* of the steps behind, discounted, and of this */
  if (F->keep) {
    PetscCall(FenBellmanPolicyToModel(mdp->op, mdp->policy, mdp->action));
    for (FenInt k = 0; k < mdp->nout; k++)
      F->policies[k * mdp->horizon + mdp->horizon - F->step] = mdp->action[k];
  }
  PetscCall(FenMDPReportExact_Private(mdp, mdp->error));
  s->intermediate = F->step < mdp->horizon;
  if (s->intermediate) { /* these are not bounds of the value that was asked for */
    s->progress.lower = -PETSC_INFINITY;
    s->progress.upper = s->progress.gap_rel = PETSC_INFINITY;
  } else
    End(s);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPState_FH(FenSolver s, FenState state)
{
  FenMDP mdp = (FenMDP)s;
  FH    *F = (FH *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddInt(state, "step", &F->step));
  if (F->keep) {
    PetscInt columns;

    PetscCall(FenIntCast(mdp->horizon, &columns));
    PetscCall(FenStateAddArray(state, "policies", mdp->outside, columns, F->policies));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPSetFromOptions_FH(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FH       *F = (FH *)s->data;
  PetscBool keep = F->keep;

  PetscFunctionBegin;
  PetscCall(PetscOptionsBool("-mdp_fh_policies", "keep the policies of all steps in memory", "FenMDPGetStepPolicy",
                             keep, &keep, NULL));
  if (keep != F->keep)
    PetscCall(FenSolverReset(s));
  F->keep = keep;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPSetUp_FH(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  FH    *F = (FH *)s->data;
  FenInt entries = 0;

  PetscFunctionBegin;
  PetscCheck(mdp->horizon >= 1, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_VALUE,
             "the model's horizon is %" FENINT_FMT ": must be at least 1", mdp->horizon);
  PetscCheck(!F->keep || mdp->law_from < 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_fh_policies with -mdp_rectangular s: the policies are randomised, only the first step's is kept");
  if (F->keep)
    PetscCall(FenIntMult(mdp->nout, mdp->horizon, &entries));
  PetscCall(PetscCalloc1(entries, &F->policies));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPReset_FH(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(((FH *)s->data)->policies));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPDestroy_FH(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPGetStepPolicy - Actions of my states at one step of a finite horizon, numbered as in the model.

  Not Collective

  Input Parameters:
+ mdp  - a solver of type FENMDPFH with -mdp_fh_policies, after the solve
- step - 0 is the first

  Output Parameter:
. action - one for each of my states, -1 in terminal states; the caller's array

  Level: intermediate

.seealso: `FenMDPGetPolicy()`
@*/
PetscErrorCode FenMDPGetStepPolicy(FenMDP mdp, FenInt step, int action[])
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)mdp);
  PetscBool same;
  FH       *F;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)mdp, FENMDPFH, &same));
  F = (FH *)mdp->base.data;
  PetscCheck(same && mdp->base.isset && F->keep, comm, (PetscErrorCode)FEN_ERR_USAGE,
             "policies of single steps are kept by -mdp_type fh with -mdp_fh_policies only");
  PetscCheck(step >= 0 && step < mdp->horizon, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "step %" FENINT_FMT ": the steps are 0 to %" FENINT_FMT, step, mdp->horizon - 1);
  for (FenInt k = 0; k < mdp->nout; k++)
    action[k] = (int)F->policies[k * mdp->horizon + step];
  PetscFunctionReturn(0);
}

/*MC
  FENMDPFH - "fh": finite horizon, backward induction

  Options Database Key:
. -mdp_fh_policies - keep the policies of all steps in memory (false)

  Level: beginner

.seealso: `FenMDPGetStepPolicy()`, `FenMDPModelSetCriterion()`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_FH(FenSolver s)
{
  FH *F;

  PetscFunctionBegin;
  PetscCall(PetscNew(&F));
  s->data = F;
  s->ops->setfromoptions = FenMDPSetFromOptions_FH;
  s->ops->setup = FenMDPSetUp_FH;
  s->ops->initialize = FenMDPInitialize_FH;
  s->ops->iterate = FenMDPIterate_FH;
  s->ops->state = FenMDPState_FH;
  s->ops->reset = FenMDPReset_FH;
  s->ops->destroy = FenMDPDestroy_FH;
  PetscFunctionReturn(0);
}
