/* SPDX-License-Identifier: BSD-2-Clause */
/*
   pdnewton: primal-dual Newton for functions like sqrt(|Dx|^2 + nu^2) with small nu. The flux w = Dx/sqrt(|Dx|^2 +
   nu^2) is a variable of its own; eliminating its Newton equation leaves a positive definite system for dx whose matrix
   is made of x and w (the problem's `dualise`); h decides on the step in x, feasibility |w| <= 1 on that in w
   (`dualstep`).

   Chan, Golub and Mulet, SIAM J. Sci. Comput. 20, 1999. Costs, memory and messages as newton, and w. Started from w of
   x it needs far fewer steps than newton, because the equation in w is nearly linear where that in x is not.
*/
#include "newton.h"

static const char *Refuse(const FenBilevelOps *call)
{
  return call->dualstart && call->dualise && call->dualstep && !call->prox
             ? NULL
             : "the problem has no dual variables for a primal-dual iteration";
}

/* a caller without duals has one sample */
static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  double *duals = NULL;

  (void)resume;
  PetscFunctionBegin;
  if (!task[0].w) {
    PetscCall(PetscMalloc1((size_t)L->part.nw, &duals));
    PetscCall((*L->call->dualstart)(L->problem, task[0].s, task[0].x, duals));
    task[0].w = duals;
  }
  PetscCall(FenLowerNewton(L, n, task, PETSC_TRUE));
  PetscCall(PetscFree(duals));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_pdnewton = {
    .name = "pdnewton", .refuse = Refuse, .setup = FenLowerNewtonSetUp, .solve = Solve};
