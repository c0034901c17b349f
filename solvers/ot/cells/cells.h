/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Domain decomposition of a transport problem between two grids (Bonafini, Schmitzer, Numer. Math. 149, 2021).

   The source is cut into basic cells X_i of a few pixels. Of the plan P only the targets' share of each cell is kept,
   nu_i = P(X_i x .), sparse, with sum_i nu_i = nu. Composite cells are blocks of two basic cells along each axis; they
   make two partitions, A (aligned with the first cell) and B (shifted by one basic cell). In a composite cell J the
   problem between mu_J and nu_J = sum of its nu_i is solved, and its nu_i are replaced by those of the new plan. All
   composite cells of a partition are independent of one another.

   A rank owns a box of A-composites, so that an A half needs no message; a composite of B belongs to the owner of its
   first member, and the members that others own travel there and back. Pixels are stored cell by cell, places outside
   of the image as pixels without mass; nothing is stored of more than one rank's cells.
*/
#pragma once
#include "../otimpl.h"
#include "cellkernels.h"
#include <indexset.h>
#include <petscksp.h>
#include <petscsf.h>

#define FEN_CELL_MEMBERS  8     /* basic cells of a composite at most */
#define FEN_CELL_PIXELS   1024  /* pixels of a composite at most */
#define FEN_CELL_TRUNCATE 1e-12 /* targets of a smaller share of their cell's mass are dropped */

/* which rank owns a place of an array: boxes of a layout, looked up by bisection along each axis */
typedef struct {
  FenInt       n[FEN_MAX_DIM];
  FenInt      *lo[FEN_MAX_DIM];
  PetscMPIInt *rank;
  FenBox      *box;
} FenOwners;
PETSC_INTERN PetscErrorCode FenOwnersCreate(FenLayout, FenOwners *);
PETSC_INTERN PetscErrorCode FenOwnersDestroy(FenOwners *);
/* owner, and the place's number in the owner's box */
PETSC_INTERN PetscMPIInt FenOwnersFind(const FenOwners *, const FenInt place[], FenInt *offset);

/* entries of a distributed array that this rank looks at, by global number */
typedef struct {
  PetscSF sf;
} FenWindow;
PETSC_INTERN PetscErrorCode FenWindowCreate(FenLayout, FenInt n, const FenInt number[], FenWindow *);
PETSC_INTERN PetscErrorCode FenWindowGet(FenWindow *, const double array[], double mine[]);
/* writes back: a number is in the window of one rank only; entries in nobody's window stay */
PETSC_INTERN PetscErrorCode FenWindowPut(FenWindow *, const double mine[], double array[]);
/* adds to it; several ranks may have a number in their windows */
PETSC_INTERN PetscErrorCode FenWindowAdd(FenWindow *, const double mine[], double array[]);
PETSC_INTERN PetscErrorCode FenWindowDestroy(FenWindow *);

/* sparse rows, one a slot, appended one after the other: sorted numbers of targets, nu_i there, nu there */
typedef struct {
  FenInt  nslots, used, capacity;
  FenInt *first, *count; /* of a slot's row */
  FenInt *idx;
  double *val, *nu;
} FenRows;
PETSC_INTERN PetscErrorCode FenRowsCreate(FenInt nslots, FenRows *);
PETSC_INTERN PetscErrorCode FenRowsDestroy(FenRows *);
PETSC_INTERN PetscErrorCode FenRowsClear(FenRows *);
/* room for a row of at most n entries at the end; FenRowsClose says how many it became */
PETSC_INTERN PetscErrorCode FenRowsOpen(FenRows *, FenInt n);
PETSC_INTERN void           FenRowsClose(FenRows *, FenInt slot, FenInt n);

/* cells of the source at one level of the grid */
typedef struct {
  MPI_Comm         comm;
  PetscInt         dim;
  FenInt           N[FEN_MAX_DIM], M[FEN_MAX_DIM]; /* pixels of source and target; 1 on missing axes, as below */
  double           hx[FEN_MAX_DIM], x0[FEN_MAX_DIM], hy[FEN_MAX_DIM], y0[FEN_MAX_DIM];
  FenInt           side[FEN_MAX_DIM];                      /* pixels of a basic cell */
  FenInt           twice[FEN_MAX_DIM];                     /* basic cells of a composite: 2, 1 on missing axes */
  PetscInt         px, members;                            /* pixels of a basic cell; basic cells of a composite */
  FenInt           ncomp[FEN_MAX_DIM], ncell[FEN_MAX_DIM]; /* A-composites, basic cells (two a composite) */
  FenLayout        blocks;                                 /* of A-composites */
  FenBox           box;
  FenOwners        owners;
  FenWindow        pixels;          /* my cells' pixels inside the image */
  FenInt          *inside, ninside; /* where they are stored */
  FenInt           nlocal, nslots;  /* my cells, with guests */
  FenInt          *place;           /* of slots: coordinates of the cell, three each */
  double          *mu, *alpha[2];   /* pixels of slots: weight; potentials of the two partitions */
  double          *mass;            /* of slots: weight of the cell */
  FenRows          rows, next;      /* present, and those of the half sweep that is going on */
  FenInt           ntask[2], inner; /* composites that I solve; the first `inner` of B have no guests */
  FenInt          *task[2];         /* their members' slots, FEN_CELL_MEMBERS each, -1: outside */
  struct _FenMove *guests;          /* brings guests here, and back */
  FenLayout        targets;         /* of the targets; b: their weights there */
  const double    *b;
  /* penalised marginals only, or NULL: of source and target; of each entry, weight of the target over what all send */
  const FenMarginal *marginal;
  double            *ratio;
} FenCells;

/* targets in my rows, each once (targets.c) */
typedef struct {
  FenIndexSet set;
  FenInt      n;
  FenWindow   window; /* of its members, ascending */
} FenTargets;
PETSC_INTERN PetscErrorCode FenTargetsCreate(const FenCells *, FenTargets *);
PETSC_INTERN PetscErrorCode FenTargetsDestroy(FenTargets *);
/* collective; guests are here */
PETSC_INTERN PetscErrorCode FenCellsRatios(FenCells *);

/* How A-composites are cut over ranks: ranks along each axis (three numbers), then the work of the slabs of each axis.
   NULL or zero: evenly */
PETSC_INTERN FenInt         FenCellsCutsSize(PetscInt dim, const FenInt shape[], const FenInt side[]);
PETSC_INTERN PetscErrorCode FenCellsBlocks(MPI_Comm, PetscInt dim, const FenInt ncomp[], const double cuts[],
                                           FenLayout *);
/* for the next finer level, of a source of this shape, from the cells' present rows */
PETSC_INTERN PetscErrorCode FenCellsMeasureCuts(const FenCells *, const FenInt shape[], double cuts[]);
PETSC_INTERN PetscErrorCode FenCellsCreate(FenOT, PetscInt level, const FenInt side[], const double cuts[],
                                           FenCells **);
PETSC_INTERN PetscErrorCode FenCellsDestroy(FenCells **);
/* bytes of the cells of n pixels of the source, before there are any: at this epsilon */
PETSC_INTERN PetscErrorCode FenCellsMemory(FenMeasure source, FenMeasure target, FenCost, const FenInt side[],
                                           double eps, FenInt n, double *bytes);
/* every cell gets its share of all targets: nu_i = m_i nu */
PETSC_INTERN PetscErrorCode FenCellsProduct(FenOT, PetscInt level, FenCells *);
/* cells of a finer level from those of the next coarser one */
PETSC_INTERN PetscErrorCode FenCellsRefine(FenOT, PetscInt level, const FenCells *coarse, FenCells *fine);
/* nu at all entries of my rows, whose val are multiplied by it and their cell's mass if `scale` */
PETSC_INTERN PetscErrorCode FenCellsFetchTargets(FenOT, PetscInt level, FenCells *, PetscBool scale);
/* slot of a cell of mine, -1 if it is somebody else's */
PETSC_INTERN FenInt  FenCellsSlot(const FenCells *, const FenInt place[]);
static inline FenInt FenCellsNumber(const FenCells *C, const FenInt c[])
{
  return (c[0] * C->ncell[1] + c[1]) * C->ncell[2] + c[2];
}

/* sparse rows and pixels of cells on their way between ranks */
typedef struct _FenMove *FenMove;
/* n rows by slot, each with a key and a destination; keys arrive in the order of ranks */
PETSC_INTERN PetscErrorCode FenMoveCreate(MPI_Comm, FenInt n, const FenInt slot[], const FenInt key[],
                                          const PetscMPIInt to[], FenMove *);
PETSC_INTERN PetscErrorCode FenMoveGetKeys(FenMove, FenInt *n, const FenInt *key[]);
PETSC_INTERN PetscErrorCode FenMoveSetSlots(FenMove, const FenInt slot[]); /* where arriving rows are put */
PETSC_INTERN PetscErrorCode FenMoveDestroy(FenMove *);
/* `back`: from there to here; pixels[k] are npixels numbers a slot */
PETSC_INTERN PetscErrorCode FenMoveBegin(FenMove, PetscBool back, const FenRows *, PetscInt narrays, PetscInt npixels,
                                         double *const pixels[]);
PETSC_INTERN PetscErrorCode FenMoveEnd(FenMove, PetscBool back, FenRows *, PetscInt narrays, PetscInt npixels,
                                       double *const pixels[]);

/* rows that arrive are cells of mine: their keys are numbers of cells */
PETSC_INTERN PetscErrorCode FenCellsPlace(FenCells *, FenMove);

/* cells in the order of the grid, for a state */
typedef struct {
  FenLayout layout; /* rows */
  PetscInt  px;
  double   *alpha[2];
  FenSparse rows;
} FenCellsStage;
PETSC_INTERN PetscErrorCode FenCellsStageCreate(MPI_Comm, FenInt nrows, PetscInt px, FenCellsStage *);
PETSC_INTERN PetscErrorCode FenCellsStageDestroy(FenCellsStage *);
PETSC_INTERN PetscErrorCode FenCellsToStage(const FenCells *, FenCellsStage *);
PETSC_INTERN PetscErrorCode FenCellsFromStage(FenOT, PetscInt level, const FenCellsStage *, FenCells *);

/* the problem of one composite cell, in base-2 exponents: kappa = log2(e)/eps */
typedef struct {
  const FenCellKernels *kernels;
  FenCost               formula;
  PetscBool             separable; /* a sum over axes */
  double                eps, kappa;
  /* pixels */
  PetscInt nx, nall;                          /* with mass first, then those without (when they are wanted) */
  FenInt   at[FEN_CELL_PIXELS];               /* slot * px + pixel */
  PetscInt row[FEN_CELL_PIXELS][FEN_MAX_DIM]; /* places along the axes, from the composite's first pixel on */
  /* weights, those scaled to the mass of nuJ, log2 of weights; potentials; row sums of the plan */
  double mu[FEN_CELL_PIXELS], m[FEN_CELL_PIXELS], logmu[FEN_CELL_PIXELS], cut[FEN_CELL_PIXELS];
  double alpha[FEN_CELL_PIXELS], r[FEN_CELL_PIXELS];
  /* targets */
  FenInt  ny, ld, capacity; /* ld: padded to whole vectors */
  FenInt *idx;
  double *nuJ, *nu, *root, *lse; /* root = sqrt(nuJ); lse = log2 sum_i mu_i 2^(kappa (alpha_i - c_ij)) */
  double *cost, *Q, *V, *table;  /* kappa c_ij; P_ij/root_j; new shares of the members; costs along axes, and work */
  double  mass;                  /* of nuJ */
  /* penalised marginals only (penalised.c): of source and target, NULL if both are exact. nuJ and m are what potentials
     want then; ref: what the marginal of the targets is compared with; part: see FenCellPenalise() */
  const FenMarginal *marginal;
  double            *ref, *part;
  int               *blocks;   /* work of the symmetric product */
  double            *S, *step; /* Schur complement, Newton's step */
  FenInt             most;     /* pixels at most */
  /* what was seen */
  double error; /* L1 error of the rows on arrival */
  double value; /* primal value of the plan; penalised marginals: the cell's part of the dual value */
  double upper; /* objective of a plan with exact marginals */
  FenInt evaluations, newton, sinkhorn, rejected, failed;
} FenCellWork;

PETSC_INTERN PetscErrorCode FenCellWorkCreate(const char simd[], PetscInt pixels, FenCellWork *);
PETSC_INTERN PetscErrorCode FenCellWorkDestroy(FenCellWork *);
PETSC_INTERN PetscErrorCode FenCellWorkReserve(FenCellWork *, FenInt ny);
/* potentials, plan and lse of the cell problem; tol: L1 error relative to the mass */
PETSC_INTERN PetscErrorCode FenCellSolve(FenCellWork *, double tol);
/* alpha of the pixels without mass */
PETSC_INTERN void FenCellExtend(FenCellWork *);
/* penalised marginals: after a softmax, nuJ and m of the present alpha, their plan, and the dual value */
PETSC_INTERN void FenCellPenalise(FenCellWork *, double *dual);
/* Q_ij times part_j (`back`: divided) */
PETSC_INTERN void FenCellWeigh(FenCellWork *, PetscBool back);
/* value, upper: of the plan that FenCellSolve left */
PETSC_INTERN void FenCellBound(FenCellWork *);

/* one half sweep */
typedef struct {
  double    tol;
  PetscBool align;  /* potentials of this partition are first made of the other one's */
  PetscBool extend; /* potentials of pixels without mass, too */
  /* results, summed over my cells */
  FenDD  error, value, upper, total; /* total: mass of the plan */
  double mass;                       /* largest relative error of a cell's mass */
  double pairs;                      /* of pixels and targets that were evaluated */
  FenInt cells, targets;
} FenHalfSweep;
PETSC_INTERN PetscErrorCode FenCellsHalfSweep(FenCells *, int partition, FenCellWork *, FenHalfSweep *);
PETSC_INTERN PetscErrorCode FenCellsComposite(FenCells *, int partition, const FenInt slot[], FenCellWork *,
                                              FenHalfSweep *);

/* a flow update and the half sweep of A after it, if they leave a plan of at most `before`; else the half sweep alone.
 *step: what was taken of the fluxes, 0: nothing */
PETSC_INTERN PetscErrorCode FenCellsFlowSweep(FenCells *, const char prefix[], double before, FenCellWork *,
                                              FenHalfSweep *, double *step);
/* conjugate gradients for a Laplacian, options `name`... */
PETSC_INTERN PetscErrorCode FenCellsKSP(Mat, const char prefix[], const char name[], KSP *);

/* shifts the potentials of composites so that those of the two partitions agree as well as they can */
PETSC_INTERN PetscErrorCode FenCellsGlue(FenCells *, const char prefix[]);
/* the potential of a partition on the source's layout */
PETSC_INTERN PetscErrorCode FenCellsPotential(FenCells *, int partition, double f[]);
