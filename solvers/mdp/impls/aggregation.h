/* SPDX-License-Identifier: BSD-2-Clause */
/* Coarse system of a policy on aggregates of states, see aggregation.c. */
#pragma once
#include "../mdpimpl.h"
#include <petscmat.h>

typedef struct {
  FenBellman op;
  PetscInt   n, mine, first; /* aggregates of all ranks, of this one, and the first of these */
  int       *of_state;       /* global aggregate of my states and ghosts */
  double    *share;          /* of my states: 1 / states of the aggregate */
  Mat        coarse, factors;
  Vec        x, b;
} FenAggregation;

PETSC_INTERN PetscErrorCode FenAggregationCreate(FenMDP, FenAggregation *);
PETSC_INTERN PetscErrorCode FenAggregationDestroy(FenAggregation *);
/* factors for the rows that are extracted */
PETSC_INTERN PetscErrorCode FenAggregationBuild(FenAggregation *);
/* x: constant on aggregates, with the residual of b orthogonal to them */
PETSC_INTERN PetscErrorCode FenAggregationSolve(FenAggregation *, const double b[], double x[]);
