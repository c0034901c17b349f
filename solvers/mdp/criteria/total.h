/* SPDX-License-Identifier: BSD-2-Clause */
/* Total reward: what its files share. */
#pragma once
#include "../impls/policysystem.h"

/* of a solver whose criterion is total; the first two belong to the state */
struct _FenTotal {
  double          steps;  /* largest expected number of steps that was met */
  double          retry;  /* norm at which a certificate is tried again after one that failed */
  double          margin; /* c of the certificate: V is within c omega of what is bounded */
  double         *omega;  /* steps to the end, of the policy or one nearly as good */
  double         *U, *TU; /* V + c omega or V - c omega, and its image */
  double         *work;   /* residual of linear systems */
  int            *policy; /* greedy at U */
  int            *proper; /* a policy that ends from every state */
  FenPolicySystem system;
};

/* the model without rewards, terminal states of value 1 (variants.c) */
PETSC_INTERN PetscErrorCode FenTotalFree_Private(FenMDPModel, FenMDPModel *);
/* refuses models with a state that cannot end, or that may go on for ever at no cost; a policy that ends (ends.c) */
PETSC_INTERN PetscErrorCode FenTotalEnds_Private(FenMDP, int proper[]);
/* does a policy end from every state, with the nominal laws (ends.c) */
PETSC_INTERN PetscErrorCode FenTotalProper_Private(FenMDP, const int policy[], PetscBool *);
