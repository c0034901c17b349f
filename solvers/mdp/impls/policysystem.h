/* SPDX-License-Identifier: BSD-2-Clause */
/* (I - gamma P_pi) x = b for the rows that were extracted with FenBellmanSetPolicy. */
#pragma once
#include "../mdpimpl.h"
#include <petscksp.h>

typedef enum { FEN_POLICY_PC_ILU, FEN_POLICY_PC_NONE } FenPolicyPC;
PETSC_INTERN const char *const FenPolicyPCs[];

typedef struct {
  FenPolicyPC kind; /* option */
  PetscInt    max_it;
  FenMDP      mdp;
  KSP         ksp;
  Mat         A; /* shell: the products */
  PC          local;
  Vec         x, b, x_local, b_local;
  double      stop; /* residual norm at which the present solve ends */
} FenPolicySystem;

PETSC_INTERN PetscErrorCode FenPolicySystemCreate(FenMDP, FenPolicySystem *);
PETSC_INTERN PetscErrorCode FenPolicySystemDestroy(FenPolicySystem *);
PETSC_INTERN PetscErrorCode FenPolicySystemOptions(FenPolicySystem *, PetscOptionItems *);
/* after the policy's rows have changed: new factors */
PETSC_INTERN PetscErrorCode FenPolicySystemBuild(FenPolicySystem *);
/* x from zero until the 2-norm of the residual is at most stop; failed: it is not smaller than b */
PETSC_INTERN PetscErrorCode FenPolicySystemSolve(FenPolicySystem *, const double b[], double stop, double x[],
                                                 PetscBool *failed);
