/* SPDX-License-Identifier: BSD-2-Clause */
/* (I - gamma P_pi) x = b for the rows that were extracted with FenBellmanSetPolicy. */
#pragma once
#include "aggregation.h"
#include "reduced.h"
#include "../../linalg/densesystem.h"

typedef enum {
  FEN_POLICY_PC_AUTO, /* colour if the model has two, otherwise ilu */
  FEN_POLICY_PC_COLOUR,
  FEN_POLICY_PC_ILU,
  FEN_POLICY_PC_NONE,
  FEN_POLICY_PC_AGGREGATION,
  FEN_POLICY_PC_DIRECT
} FenPolicyPC;
PETSC_INTERN const char *const FenPolicyPCs[];

typedef struct {
  FenPolicyPC    asked; /* option */
  FenPolicyPC    kind;  /* what is in use */
  PetscInt       max_it;
  FenMDP         mdp;
  FenKrylov      krylov;
  PC             local; /* factors of my block */
  Vec            x_local, b_local;
  FenAggregation aggregation;
  FenDenseSystem dense;
  FenReduced     reduced;
  double        *work; /* n */
} FenPolicySystem;

/* what is in use is decided here: collective */
PETSC_INTERN PetscErrorCode FenPolicySystemCreate(FenMDP, FenPolicySystem *);
PETSC_INTERN PetscErrorCode FenPolicySystemDestroy(FenPolicySystem *);
PETSC_INTERN PetscErrorCode FenPolicySystemOptions(FenSolver, FenPolicySystem *, PetscOptionItems *);
/* after the policy's rows have changed: new factors */
PETSC_INTERN PetscErrorCode FenPolicySystemBuild(FenPolicySystem *);
/* x from zero until the 2-norm of the residual is at most stop; failed: it is not smaller than b */
PETSC_INTERN PetscErrorCode FenPolicySystemSolve(FenPolicySystem *, const double b[], double stop, double x[],
                                                 PetscBool *failed);
