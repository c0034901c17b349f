/* SPDX-License-Identifier: BSD-2-Clause */
/* The problem by cells of domain decomposition, inside a solve by Newton's method. See newtoncells.c. */
#pragma once
#include "../otimpl.h"

typedef enum { FEN_CELLS_UNFIT, FEN_CELLS_FIT_LINE, FEN_CELLS_FIT_GRID } FenCellsFit;
typedef enum { FEN_CELLS_GO_ON, FEN_CELLS_SOLVED, FEN_CELLS_GAVE_UP } FenCellsOutcome;

/* can cells take the problem, and is it one of those on which they may be faster? */
PETSC_INTERN PetscErrorCode FenNewtonCellsFit(FenOT, FenCellsFit *);
/* what they will take on this rank, before the set-up; 0: unfit */
PETSC_INTERN PetscErrorCode FenNewtonCellsMemory(FenOT, double *bytes);
/* One iteration of theirs, after the first call has created them in *inner. The solver's progress is that of cells;
   solved: their g is in `g`, on the problem's targets. Collective; the caller destroys *inner */
PETSC_INTERN PetscErrorCode FenNewtonCellsStep(FenOT, FenOT *inner, double g[], FenCellsOutcome *);
/* after a restart: cells as they were after so many iterations */
PETSC_INTERN PetscErrorCode FenNewtonCellsResume(FenOT, FenInt iterations, FenOT *inner);
