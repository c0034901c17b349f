/* SPDX-License-Identifier: BSD-2-Clause */
/* The graph of a plan's entries, whose Laplacian preconditions a Newton system. See newtongraph.c. */
#pragma once
#include "../otimpl.h"
#include <petscpc.h>

typedef struct _p_FenPlanGraph *FenPlanGraph;

/* What the Laplacian is made of. Row sums of E are one */
typedef struct {
  const FenSparse *E;      /* entries of the plan that matter, by source; columns by the targets' numbers */
  const double    *rows;   /* of sources: mass */
  const double    *scale;  /* of targets: unknowns are y = d/scale; 0: the target is linked to nothing */
  const double    *beside; /* of targets, scaled: what the diagonal has beside links */
  const double    *alone;  /* of targets, scaled: the diagonal where there are no links */
  PetscBool        direct; /* factorised, by every rank for itself; else multigrid */
} FenPlanGraphParts;

/* options of the PC: those with this prefix */
PETSC_INTERN PetscErrorCode FenPlanGraphCreate(FenOTOperator, const char prefix[], const FenPlanGraphParts *,
                                               FenPlanGraph *);
PETSC_INTERN PetscErrorCode FenPlanGraphDestroy(FenPlanGraph *);
/* z of the targets, where the Laplacian of z and something at the sources is r at targets and 0 at sources, or nearly
 */
PETSC_INTERN PetscErrorCode FenPlanGraphSolve(FenPlanGraph, const double r[], double z[]);
PETSC_INTERN PetscErrorCode FenPlanGraphGetPC(FenPlanGraph, PC *);
/* n of its diagonal entries are mine */
PETSC_INTERN PetscErrorCode FenDiagonalMatrix(MPI_Comm, FenInt n, const double d[], Mat *);
