/* SPDX-License-Identifier: BSD-2-Clause */
/* Circulations of mass between neighbouring basic cells, see flow.c. */
#pragma once
#include "cells.h"

#define FEN_CELL_FACES 6
#define FEN_CELL_FIRST 5 /* numbers of a record: barycentre, mass, number in the system */

typedef struct {
  FenCells *C;
  FenCost   cost;
  FenMove   ghosts;
  FenInt    nslots;   /* my cells, with neighbours that others own */
  FenInt   *next;     /* of my cells: slots of the neighbours, FEN_CELL_FACES each, -1: none with mass */
  double   *record;   /* of slots, FEN_CELL_FIRST each */
  double   *price;    /* of slots: what a unit of the cell's targets costs more in each neighbour */
  double   *phi;      /* of slots */
  double   *flux;     /* of my cells: what leaves through each face in a whole step */
  double    capacity; /* the largest share of a cell that leaves then */
} FenFlow;

PETSC_INTERN PetscErrorCode FenFlowCreate(FenCells *, FenCost, const char prefix[], FenFlow *);
PETSC_INTERN PetscErrorCode FenFlowDestroy(FenFlow *);
/* the rows that a step leaves */
PETSC_INTERN PetscErrorCode FenFlowApply(FenFlow *, double step, FenRows *moved);
/* coordinates of a target; the cell beyond a face, FALSE outside; its owner */
PETSC_INTERN void        FenFlowTarget(const FenCells *, FenInt idx, double y[]);
PETSC_INTERN PetscBool   FenFlowBeyond(const FenCells *, const FenInt place[], int face, FenInt out[]);
PETSC_INTERN PetscMPIInt FenFlowOwner(const FenCells *, const FenInt place[]);
/* cost of the cell and of its neighbours (0 where there are none) for each target of a row: FEN_CELL_FACES + 1 rows */
PETSC_INTERN PetscErrorCode FenFlowCosts(const FenFlow *, FenInt slot, double cost[]);
