/* SPDX-License-Identifier: BSD-2-Clause */
/* Epsilon-scaling: the problem is solved for a falling sequence of epsilon, each level starting from the last. */
#pragma once
#include <fenchelsys.h>

typedef struct {
  double start;     /* first epsilon; <= 0: an eighth of the largest cost */
  double factor;    /* ratio of successive levels, in (0,1); 1: no scaling */
  double level_tol; /* residual at which a level before the last ends */
} FenEpsilonPlan;

PETSC_INTERN double FenEpsilonFirst(const FenEpsilonPlan *, double cost_max, double eps);
PETSC_INTERN double FenEpsilonNext(const FenEpsilonPlan *, double present, double eps);
