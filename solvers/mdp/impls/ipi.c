/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPIPI: inexact policy iteration, a Newton method on TV = V. The linear system of the greedy policy is solved to
   a forcing term that falls with the square of the progress (Eisenstat and Walker), started with the best constant;
   a few sweeps smooth the outcome. On models of two colours the steps are made on one of them (reduced.c). Robust
   models: nature's law is frozen at V, and the safeguard watches.

   References: Gargiani, Liao-McPherson, Zanelli, Lygeros, arXiv 2211.04299; Gargiani et al., arXiv 2404.06136.
*/
#include "improve.h"

static PetscErrorCode FenMDPSetFromOptions_IPI(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(FenImproveOptionsNewton((FenImprove *)s->data, PetscOptionsObject));
  PetscCall(FenPolicySystemOptions(s, &((FenImprove *)s->data)->system, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPIPI - "ipi": inexact policy iteration with a Krylov method

  Options Database Keys:
+ -mdp_ipi_sweeps   - sweeps after a linear solve (6)
. -mdp_ipi_forcing  - a solve stops at this share of its right-hand side at most (0.05)
. -mdp_precondition - auto (colour or ilu), colour, ilu, none, aggregation or direct
. -mdp_inner_it     - iterations of a solve at most (200)
- -mdp_ksp_type     - any KSP of PETSc (bcgs)

  Level: beginner

.seealso: `FENMDPMPI`, `FENMDPPI`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_IPI(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_NEWTON));
  s->ops->setfromoptions = FenMDPSetFromOptions_IPI;
  PetscFunctionReturn(0);
}
