/* SPDX-License-Identifier: BSD-2-Clause */
/* The Schur system of a Newton step on the target side, matrix-free, and its preconditioners. */
#pragma once
#include "../otimpl.h"
#include "gridcycle.h"
#include <petscksp.h>

typedef enum {
  FEN_PRECONDITION_AUTO,
  FEN_PRECONDITION_JACOBI,
  FEN_PRECONDITION_SPARSE,
  FEN_PRECONDITION_CYCLE
} FenPrecondition;
PETSC_INTERN const char *const FenPreconditions[];

/* V-cycles of a solve at most: what CG has then is a direction of ascent. A plan near the solution needs few; where the
   step is whole, the next solve may take twice as many */
#define FEN_FEWEST_CYCLES 50
#define FEN_MOST_CYCLES   400

typedef struct {
  /* options */
  FenPrecondition precondition;
  double          share; /* entries of the plan kept in the sparse preconditioner: share of the row's largest */
  PetscInt diagonal_it;  /* auto, grids: iterations of a solve with the diagonal that lead to an assembled matrix */
  /* the system S + shift diag(c), S = diag(c) - E^T diag(a) E, of the operator's present plan */
  FenOT         ot;
  const double *c;
  double        shift;
  Mat           S, P;   /* shell; matrix that the preconditioner is made of */
  Vec           x, rhs; /* arrays of the caller */
  KSP           ksp;
  FenGridCycle  cycle;                /* coarse grids of the target, or NULL */
  double       *scale;                /* 1/sqrt(min(c, floor)), 0 for targets without mass */
  PetscBool     cycles;               /* the cycle is in use */
  PetscBool     sparse, multigrid;    /* multigrid: coarsening depends on the number of ranks */
  PetscBool     diagonal_only;        /* the sparse preconditioner failed on this level */
  FenInt        its, its_fresh;       /* of the last solve; of the first with the present preconditioner */
  FenInt        most;                 /* V-cycles of a solve */
  double        effort, effort_fresh; /* iterations for a digit, of the same solves */
  FenInt        slow;                 /* auto: the diagonal needed more iterations than an assembled matrix costs */
  FenInt        trimmed;              /* decades that the share was lowered because CG needed many iterations */
  double        average;              /* effective number of targets that a source sends to; 0: not known yet */
  double        average_before;       /* the same before the present preconditioner was built */
} FenNewtonSystem;

PETSC_INTERN PetscErrorCode FenNewtonSystemCreate(FenOT, FenNewtonSystem *);
PETSC_INTERN PetscErrorCode FenNewtonSystemDestroy(FenNewtonSystem *);
/* the problem has another level of the grid: sizes change, and what was learnt about the preconditioner is forgotten */
PETSC_INTERN PetscErrorCode FenNewtonSystemMove(FenNewtonSystem *);
/* new preconditioner for the present plan; f, g, c, shift belong to it. Uses ot->wm and ot->wm2 */
PETSC_INTERN PetscErrorCode FenNewtonSystemBuild(FenNewtonSystem *, const double f[], const double g[]);
/* after a solve: whether another preconditioner will do better for the rest of the solver's work */
PETSC_INTERN PetscBool FenNewtonSystemReconsider(FenNewtonSystem *);
/* a new preconditioner costs less than going on with the present one */
PETSC_INTERN PetscBool FenNewtonSystemIsOld(const FenNewtonSystem *);
/* d with S d = rhs to the relative tolerance, after the scaling; *failed: the preconditioner broke
   down and d is not to be used. What is in rhs is lost; ot->wm2 is used */
PETSC_INTERN PetscErrorCode FenNewtonSystemSolve(FenNewtonSystem *, double rhs[], double rtol, double d[],
                                                 PetscBool *failed);
/* plan of g: f = T(g), and the value that Newton's method maximises, D(g) = <a,f> + <b,g>; one pass */
PETSC_INTERN PetscErrorCode FenNewtonDual(FenOT, const double g[], double *dual);
