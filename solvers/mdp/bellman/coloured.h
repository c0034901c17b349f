/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Models of two colours: no state leads to another of its own colour (staying does not count), as on grids, mazes and
   walks. Then all states of a colour can be improved at once in place, which is Gauss-Seidel in vector operations, and
   the linear system of a policy halves:

     x_red   = D^-1 (r_red + gamma P_rb x_black)
     x_black = D^-1 (r_black + gamma P_br x_red)        D = 1 - gamma p(s,s): staying is eliminated

   so that (I - gamma^2 D^-1 P_br D^-1 P_rb) y = d is all that is left to solve, d the residual of the black states
   when the red ones are exact.

   A FenColoured keeps its own copy of the rows, red states first, each colour filled up to whole chunks, and its own
   iterate.
*/
#pragma once
#include "bellman.h"

typedef struct _FenColoured *FenColoured;

/* colours = 2: the model must have them; 1: no colours, sweeps go through the states in their order, chunk by chunk,
   and what is said of black states below does not apply. Nominal rows that are stored */
PETSC_INTERN PetscErrorCode FenColouredCreate(FenBellman, int colours, FenColoured *);
PETSC_INTERN PetscErrorCode FenColouredDestroy(FenColoured *);
/* black positions on this rank, those that fill the last chunk included */
PETSC_INTERN PetscErrorCode FenColouredGetBlackSize(FenColoured, FenInt *);

/* the iterate, from and to the operator's order; policy: incumbents of the sweeps to come. NULL: as they are */
PETSC_INTERN PetscErrorCode FenColouredPut(FenColoured, const double V[], const int policy[]);
PETSC_INTERN PetscErrorCode FenColouredTake(FenColoured, double V[]);
/* n sweeps, red then black, the greedy action everywhere */
PETSC_INTERN PetscErrorCode FenColouredSweeps(FenColoured, PetscInt n);

/* one colour: n sweeps that use the values before */
PETSC_INTERN PetscErrorCode FenColouredJacobi(FenColoured, PetscInt n);

/* red states exact, then what a greedy step would add to the black ones: d, and the global range of d and zero */
PETSC_INTERN PetscErrorCode FenColouredResidual(FenColoured, double d[], double *lo, double *hi);
/* rows of the greedy actions of the last residual or sweep */
PETSC_INTERN PetscErrorCode FenColouredSetPolicy(FenColoured);
/* y = (I - gamma^2 ...) x on the black states */
PETSC_INTERN PetscErrorCode FenColouredMult(FenColoured, const double x[], double y[]);
/* (I - gamma P) x = b in the operator's order: its right-hand side on the black states, and x from their part of it */
PETSC_INTERN PetscErrorCode FenColouredReduce(FenColoured, const double b[], double black[]);
PETSC_INTERN PetscErrorCode FenColouredExpand(FenColoured, const double b[], const double black[], double x[]);
/* black states += x, and red states exact */
/* black states, and back with red states exact */
PETSC_INTERN PetscErrorCode FenColouredSave(FenColoured, double black[]);
PETSC_INTERN PetscErrorCode FenColouredRestore(FenColoured, const double black[]);
PETSC_INTERN PetscErrorCode FenColouredAdd(FenColoured, const double x[]);
