/* SPDX-License-Identifier: BSD-2-Clause */
/* The Schur system of a Newton step on the target side, matrix-free, and its preconditioners. */
#pragma once
#include "../otimpl.h"
#include "gridcycle.h"
#include "newtonband.h"
#include "newtoncoarse.h"
#include "newtongraph.h"
#include <petscksp.h>

typedef enum {
  FEN_PRECONDITION_AUTO,
  FEN_PRECONDITION_JACOBI,
  FEN_PRECONDITION_SPARSE,
  FEN_PRECONDITION_CYCLE
} FenPrecondition;
PETSC_INTERN const char *const FenPreconditions[];

/* the one in use */
typedef enum { FEN_USES_DIAGONAL, FEN_USES_GRAPH, FEN_USES_BAND, FEN_USES_CYCLE, FEN_USES_COARSE } FenPreconditioner;
PETSC_INTERN const char *const FenPreconditioners[];

/* Targets of less mass than this share of the mean, in b and in c, are left to Sinkhorn steps: they are part of no
   Newton system, and what is wrong there neither counts nor, where a plan's windows do not reach down to them, can be
   seen */
#define FEN_NEGLIGIBLE 1e-8
/* V-cycles of a solve at most: what CG has then is a direction of ascent. A plan near the solution needs few; where the
   step is whole, the next solve may take twice as many */
#define FEN_FEWEST_CYCLES 50
#define FEN_MOST_CYCLES   400

/* the plan's graph in place of V-cycles */
typedef enum { FEN_GRAPH_NOT_YET, FEN_GRAPH_IN_USE, FEN_GRAPH_DENSE } FenGraphUse;

/* the diagonal in place of V-cycles that did not get as far as they should: not tried, used, or slow as well; or in
   small volumes, where V-cycles cost more than they save, from the start */
typedef enum { FEN_PLAIN_NOT_YET, FEN_PLAIN_IN_USE, FEN_PLAIN_SLOW, FEN_PLAIN_FIRST } FenPlainUse;
/* iterations in place of V-cycles: they cost as much as the fewest of these, one of which is worth two products, and in
   volumes five */
#define FEN_PLAIN_MOST(dim) ((dim) > 2 ? 300 : 100)

/* What was seen of solves on this level: with it and the plan that it was made of, a preconditioner is made again as it
   was. Part of a solver's state */
typedef struct {
  FenInt its, its_fresh;       /* of the last solve; of the first with the present preconditioner */
  double effort, effort_fresh; /* iterations for a digit, of the same solves */
  FenInt most;                 /* V-cycles of a solve */
  FenInt slow;                 /* auto: the diagonal needed more iterations than an assembled matrix costs */
  FenInt vain;                 /* V-cycles of solves that did not get as far as they should */
  FenInt plain;                /* a FenPlainUse */
  FenInt direct;               /* a FenGraphUse */
  FenInt trimmed;              /* decades that the share was lowered because CG needed many iterations */
  double average;              /* effective number of targets that a source sends to; 0: not known yet */
  double average_before;       /* the same before the present preconditioner was built */
  double full, full_before;    /* average with which a plan had too many entries to keep, 0: none; before the build */
} FenNewtonSeen;
PETSC_INTERN PetscErrorCode FenNewtonSeenState(FenNewtonSeen *, FenState);

typedef struct {
  /* options */
  FenPrecondition precondition;
  double          share; /* entries of the plan kept in the sparse preconditioner: share of the row's largest */
  PetscInt diagonal_it;  /* auto, grids: iterations of a solve with the diagonal that lead to an assembled matrix */
  /* the system S + shift diag(c), S = diag(c) - E^T diag(a) E, of the operator's present plan; where marginals are
     penalised other rows than a, and more than the columns in c, so that S is definite: see FenNewtonSystemSetColumns()
   */
  FenOT         ot;
  const double *c;
  double       *diagonal, *rows; /* c and a of penalised marginals, or NULL */
  double        unit;            /* S is of the plan times this, whose mass is then one */
  double        mass;            /* of the plan, as FenNewtonDual() saw it */
  double        shift;
  double        least;  /* added to the shift, so that S is definite in spite of rounding errors */
  Mat           S, P;   /* shell; matrix that the preconditioner is made of */
  Vec           x, rhs; /* arrays of the caller */
  KSP           ksp;
  double       *scale; /* 1/sqrt(min(c, floor)), 0 for targets without mass */
  /* what preconditioners are made of, NULL before they are: coarse grids of the target, the plan on a coarser grid,
     factors of targets on one line, the graph of the plan's entries */
  FenGridCycle      cycle;
  FenNewtonCoarse   coarse;
  FenBand           band;
  FenPlanGraph      graph;
  FenPreconditioner use;
  PetscBool         multigrid;     /* of the graph: coarsening depends on the number of ranks */
  PetscBool         thin;          /* targets are a few lines next to each other */
  PetscBool         scattered;     /* targets are few pixels of an image, or voxels that are alone */
  PetscBool         indefinite;    /* factors of a band were not found on this level */
  PetscBool         diagonal_only; /* another preconditioner failed on this level */
  FenInt            points[2];     /* sources and targets with mass */
  FenNewtonSeen     seen;
} FenNewtonSystem;

PETSC_INTERN PetscErrorCode FenNewtonSystemCreate(FenOT, FenNewtonSystem *);
PETSC_INTERN PetscErrorCode FenNewtonSystemDestroy(FenNewtonSystem *);
/* the problem has another level of the grid: sizes change, and what was learnt about the preconditioner is forgotten */
PETSC_INTERN PetscErrorCode FenNewtonSystemMove(FenNewtonSystem *);
/* before all that follows: the system of the operator's plan, which is that of ot->g, from its columns and its mass */
PETSC_INTERN PetscErrorCode FenNewtonSystemSetColumns(FenNewtonSystem *, const double c[], double mass);
/* new preconditioner for the present plan; f = T(g), g, c, shift belong to it. Uses ot->wm and ot->wm2 */
PETSC_INTERN PetscErrorCode FenNewtonSystemBuild(FenNewtonSystem *, const double f[], const double g[]);
/* its parts: the diagonal of S into d, and the average number of targets from the same sums; the preconditioner that is
   wanted, and if that is the diagonal, it is in d */
PETSC_INTERN PetscErrorCode FenNewtonSystemDiagonal(FenNewtonSystem *, double d[]);
PETSC_INTERN PetscErrorCode FenNewtonSystemChoose(FenNewtonSystem *, double d[]);
/* after a solve: whether another preconditioner will do better for the rest of the solver's work */
PETSC_INTERN PetscBool FenNewtonSystemReconsider(FenNewtonSystem *);
/* a new preconditioner costs less than going on with the present one */
PETSC_INTERN PetscBool FenNewtonSystemIsOld(const FenNewtonSystem *);
/* d with S d = rhs to the relative tolerance, after the scaling; *failed: the preconditioner broke
   down and d is not to be used. What is in rhs is lost; ot->wm2 is used */
PETSC_INTERN PetscErrorCode FenNewtonSystemSolve(FenNewtonSystem *, double rhs[], double rtol, double d[],
                                                 PetscBool *failed);
/* plan of g and its f, and the value that Newton's method maximises, the dual value of both: D(g) = <a,f> + <b,g> if
   marginals are exact; mass of the plan, or NULL; one pass */
PETSC_INTERN PetscErrorCode FenNewtonDual(FenOT, const double g[], double *dual, double *mass);
/* the target's share: the largest |log(wanted/c)|, sums of |wanted - c|; see FenMarginal */
PETSC_INTERN PetscErrorCode FenNewtonErrors(FenOT, const double c[], double mass, double *error, double *log_error,
                                            PetscBool *lost);
/* eps c log(wanted/c), times the unit of the system: equal to eps (wanted - c) to first order, and exact where a target
   is far off and coupled to nothing (a Sinkhorn step) */
PETSC_INTERN void FenNewtonRightSide(const FenNewtonSystem *, const double c[], double rhs[]);
/* <wanted - c, d> */
PETSC_INTERN PetscErrorCode FenNewtonSlope(FenOT, const double c[], const double d[], double *slope);
/* Sinkhorn's update of g where targets have mass, from c = b exp((g - T(f))/eps), or from T(f) if c has lost its digits
   (`transform`; f must be of g), times `length`; the best shift. mass: of the plan */
PETSC_INTERN PetscErrorCode FenNewtonSinkhorn(FenOT, const double c[], double mass, double length, PetscBool transform,
                                              PetscBool everywhere);
