/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPPI: policy iteration (Howard). Every policy is evaluated until what is left is a thousandth of TV - V, which
   the policy promises to gain: more digits do not change the next policy, and cost three times the products. In the end
   that is a tenth of what the tolerances ask for, or rounding. The incumbent action stays unless beaten by more than
   rounding, so that it ends. Robust models: nature's policy iteration inside gives the robust value.

   Reference: Howard, Dynamic Programming and Markov Processes, 1960.
*/
#include "improve.h"

static PetscErrorCode FenMDPSetFromOptions_PI(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(FenPolicySystemOptions(s, &((FenImprove *)s->data)->system, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPPI - "pi": policy iteration, every policy evaluated as far as the next one depends on it

  Options Database Keys:
+ -mdp_precondition - auto (colour or ilu), colour, ilu, none, aggregation or direct
. -mdp_inner_it     - iterations of a linear solve at most (500)
- -mdp_ksp_type     - any KSP of PETSc (bcgs)

  Level: beginner

.seealso: `FENMDPIPI`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_PI(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_EXACT));
  ((FenImprove *)s->data)->system.max_it = 500;
  s->ops->setfromoptions = FenMDPSetFromOptions_PI;
  PetscFunctionReturn(0);
}
