/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPMPI: modified policy iteration. After each sweep the greedy policy's rows, extracted into chunks of their own,
   are swept until the span of T_pi V - V is a small share of that of TV - V: further sweeps would evaluate a policy
   that is about to change. Robust models: nature answers before each of these sweeps.

   Where stored rows are swept as they are (bellman/plain.c), all rows within a margin of the best of their states are
   swept in place of the policy's, until a sweep over all rows will be the last one or show better ones.

   References: Puterman and Shin, Management Science 24, 1978; Kaufman and Schaefer, INFORMS J. Comput. 25, 2013.
*/
#include "improve.h"

static PetscErrorCode FenMDPSetFromOptions_MPI(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(FenImproveOptionsSweeps((FenImprove *)s->data, PetscOptionsObject));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPMPI - "mpi": modified policy iteration with an adaptive number of sweeps

  Options Database Keys:
+ -mdp_mpi_sweeps - sweeps over a policy's rows at most (100)
- -mdp_mpi_inner  - they stop at this share of the span of TV - V (0.01)

  Level: beginner

.seealso: `FENMDPIPI`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_MPI(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenImproveCreate(s, FEN_EVALUATE_SWEEPS));
  s->ops->setfromoptions = FenMDPSetFromOptions_MPI;
  PetscFunctionReturn(0);
}
