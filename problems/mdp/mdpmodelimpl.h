/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of problems/mdp share and nobody else sees.
*/
#pragma once
#include "../problemsimpl.h"
#include <fenchelmdpmodel.h>
#include <petsc/private/petscimpl.h>

/* codes of Fenchel are an enum of their own, later versions of PETSc have one too */
#define FEN_MDP_CHECK(condition, comm, code, ...) PetscCheck(condition, comm, (PetscErrorCode)(code), __VA_ARGS__)

#define FEN_MDP_ROW_MAX ((FenInt)1024) /* successors that a FenMDPRow holds */
#define FEN_MDP_ROW_TOL 1e-10          /* a row sums to one within this times its length */

typedef struct _FenMDPModelOps {
  PetscErrorCode (*view)(FenMDPModel, PetscViewer);
} FenMDPModelOps;

struct _p_FenMDPModel {
  PETSCHEADER(FenMDPModelOps);
  FenLayout       layout;
  FenInt          start, nlocal; /* my states */
  PetscBool       stored, counted;
  PetscBool       expendable, taken; /* the rows' entries may be taken by a solver; they were */
  FenMDPRows      rows;              /* stored models */
  FenMDPGenerator generator;         /* others */
  FenInt          nrows, nnz;        /* mine, once counted */
  FenMDPSizes     sizes;
  FenMDPSense     sense;
  FenMDPCriterion criterion;
  FenInt          horizon, grid[2];
  double          discount;
  double         *terminal; /* mine, or NULL */
  double         *weight;   /* the same */
  char           *name;
};

/* what every row must obey, and where it came from: "" or "file 'x': " */
typedef struct {
  const char *where;
  FenInt      nstates; /* in all */
  PetscBool   substochastic;
  PetscBool   unique; /* a successor that comes twice in a row is an error instead of being added */
  PetscBool   listed; /* zeros stay */
} FenMDPRule;

/* one row in somebody's arrays */
typedef struct {
  FenInt  n;
  int     action;
  FenInt *next;
  double *prob, *reward_next; /* reward_next: NULL if the reward is the row's */
  double *prob_low, *prob_up; /* NULL: none */
  double *reward;             /* the row's own */
} FenMDPRowView;

/* rows.c; the first broken rule becomes the fault */
PETSC_INTERN void FenMDPRowCheck_Private(const FenMDPRule *, FenInt state, const FenMDPRowView *, FenFault *);
/* sorts, adds duplicates, drops zeros, scales to sum one, makes the mean reward; a checked row */
PETSC_INTERN void FenMDPRowFinish_Private(const FenMDPRule *, FenMDPRowView *);
/* the arrays (PetscMalloc'ed) become the model's, also after an error; the rule's nstates is found here */
PETSC_INTERN PetscErrorCode FenMDPModelTakeRows_Private(MPI_Comm, FenMDPRows *, const FenMDPRule *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPRowsFree_Private(FenMDPRows *);
PETSC_INTERN PetscErrorCode FenMDPRowsAllocate_Private(FenInt nstates, FenInt nrows, FenInt nnz, PetscBool by_next,
                                                       FenMDPRows *);

/* model.c: a model with nothing but a layout of my number of states */
PETSC_INTERN PetscErrorCode FenMDPModelCreate_Private(MPI_Comm, FenInt nlocal, FenMDPModel *);
/* sense, discount, criterion, terminal values, name, grid */
PETSC_INTERN PetscErrorCode FenMDPModelCopyTraits_Private(FenMDPModel from, FenMDPModel to);
/* the sizes of my rows become those of all */
PETSC_INTERN PetscErrorCode FenMDPModelReduceSizes_Private(FenMDPModel);
/* lanes.c: do eight rows obey the rules */
PETSC_INTERN PetscBool FenMDPLanesCheck_Private(FenMDPModel, const FenMDPRowLanes *);
/* take.c: an error if a solver has taken the entries of the rows */
PETSC_INTERN PetscErrorCode FenMDPModelCheckEntries_Private(FenMDPModel);
/* generator.c: one pass over all rows, checked and counted */
PETSC_INTERN PetscErrorCode FenMDPModelCount_Private(FenMDPModel);
