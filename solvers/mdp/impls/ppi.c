/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPPPI: partial policy iteration for robust models. The robust greedy policy is evaluated robustly, by nature's
   policy iteration with linear solves, to a tolerance that falls faster than the discount, so that the outer iteration
   converges as policy iteration does without paying for exact evaluations. On nominal models it is inexact policy
   iteration with tighter solves. Robust models: a solve is loose, since nature answers after it, and sweeps over all
   actions follow an evaluation, twenty-four where nature answers fast, otherwise six: the number of policies that are
   evaluated falls to a third.

   Reference: Ho, Petrik, Wiesemann, JMLR 22(275), 2021.
*/
#include "improve.h"

static PetscErrorCode FenMDPSetFromOptions_PPI(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(FenPolicySystemOptions(s, &((FenImprove *)s->data)->system, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPPPI - "ppi": partial policy iteration

  Options Database Keys:
+ -mdp_precondition - auto (colour or ilu), colour, ilu, none, aggregation or direct
. -mdp_inner_it     - iterations of a linear solve at most (200)
- -mdp_ksp_type     - any KSP of PETSc (bcgs)

  Level: beginner

.seealso: `FENMDPMPI`, `FENMDPIPI`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_PPI(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_PARTIAL));
  s->ops->setfromoptions = FenMDPSetFromOptions_PPI;
  PetscFunctionReturn(0);
}
