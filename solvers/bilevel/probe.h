/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenProbe: hyperparameters that run to a bound of their box along an exponentially flat slope.

   Logarithms of weights do: df/dtheta ~ e^{c theta} has no zero, and a quasi-Newton method comes no further than 1/c in
   a step. Where log |z_k| falls with theta_k at a steady rate for three steps, the bound itself is tried; a refusal
   leaves the hyperparameter alone for a while.
*/
#pragma once
#include "bilevelimpl.h"

typedef struct {
  double *rate;   /* -d log|z|/d|theta| in the last step, 0: none; my part */
  double *streak; /* steps with a steady rate; negative after a refusal */
  double *packed; /* for the state: both */
  FenInt  active; /* the present direction goes to a bound */
} FenProbe;

PETSC_INTERN PetscErrorCode FenProbeCreate(FenBilevel, FenProbe *);
PETSC_INTERN PetscErrorCode FenProbeDestroy(FenProbe *);
PETSC_INTERN void           FenProbeForget(FenBilevel, FenProbe *);
PETSC_INTERN void FenProbeObserve(FenBilevel, FenProbe *, const double theta[], const double before[], const double z[],
                                  const double zbefore[]);
/* entries of d with which theta + alpha d reaches bounds that are due */
PETSC_INTERN PetscErrorCode FenProbeApply(FenBilevel, FenProbe *, const double theta[], double alpha, double d[]);
PETSC_INTERN void           FenProbeRefused(FenBilevel, FenProbe *);
PETSC_INTERN PetscErrorCode FenProbeState(FenBilevel, FenProbe *, FenState);
PETSC_INTERN PetscErrorCode FenProbeResume(FenBilevel, FenProbe *);
