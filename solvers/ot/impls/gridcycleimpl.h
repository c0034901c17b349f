/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the V-cycle on grids share; see gridcycle.c. Axes (i, k, j): two axes are (i, 1, j). */
#pragma once
#include "gridcycle.h"

#define FEN_GRID_HALO  3  /* planes of neighbours: 2 for products, 3 for coarse matrices */
#define FEN_GRID_MOST  62 /* offsets that come after zero, of at most 2 along three axes */
#define FEN_GRID_LEAST 4  /* planes that a rank has at least, unless it has all */
#define FEN_GRID_GROUP 3  /* ranks whose planes one of them takes, at most */

typedef struct {
  FenInt      n[3], lo, hi;           /* whole grid; my planes [lo, hi) */
  FenInt      plane, size, front, ld; /* points of a plane, mine; before mine, and in all, with halos */
  PetscMPIInt parts, stride;          /* ranks 0, stride, 2 stride ... have planes, so many of them */
  PetscBool   active, all;            /* this rank is one of them; all that have the finer grid have all planes */
  PetscMPIInt up, down;               /* neighbours, or MPI_PROC_NULL */
  FenInt      made[2];                /* planes that I make from the finer grid, at first on its ranks */
  PetscMPIInt leader;                 /* the rank that takes them, -1: they stay where they are */
  FenInt      taken[FEN_GRID_GROUP];  /* planes that I take of my group, 0: nobody */
  float      *around;                 /* if planes move: those I make, one more before and after */
  FenInt      shift[FEN_GRID_MOST];   /* of the offsets, in the order of the grid */
  float      *share[3];               /* interpolation to this grid's points: weights of children 2i-1 .. 2i+2 */
  /* while grids are made: masses times the number of points; afterwards scaled to a unit diagonal */
  float *edge; /* weights, with halos */
  float *x,
      *t;   /* with halos; the excess and the diagonal while grids are made; t: residual on the way to a coarser one */
  float *b; /* right-hand side; masses before grids are made */
  float *root; /* of the diagonal, 0 where nothing couples */
} FenGrid;

struct _p_FenGridCycle {
  MPI_Comm          comm;
  PetscMPIInt       ranks, rank;
  const FenKernels *kernels;
  PetscInt          dim, nk; /* offsets */
  int               offset[FEN_GRID_MOST][3];
  FenLayout         slabs;
  FenRedist         to, from, edges; /* between the caller's layouts and slabs */
  PetscInt          ngrids;
  FenGrid           grid[32];        /* 0: the finest */
  MPI_Comm          among;           /* ranks of the last grid that is cut, if there is one that is not */
  PetscMPIInt      *counts, *starts; /* what each of them makes of it */
  float            *plane, *row;     /* work of transfers */
  double            points;          /* of the finest grid: masses times this are of order one */
  double           *mine;            /* on the finest grid: what goes in and out */
};

/* number of the offset, -1 for zero; the sign is that of the one that comes after zero of o and -o */
static inline PetscInt FenGridOffset(const struct _p_FenGridCycle *C, const int o[3], int *sign)
{
  const int s = o[0] ? (o[0] > 0 ? 1 : -1) : o[1] ? (o[1] > 0 ? 1 : -1) : o[2] >= 0 ? 1 : -1, R = FEN_GRID_RADIUS;
  const int a = s * o[0], b = s * o[1], c = s * o[2], side = C->dim > 2 ? 2 * R + 1 : 1;

  *sign = s;
  return (a * side + b) * (2 * R + 1) + c - 1;
}

/* halos of an array: so many planes of the neighbours; what lies beyond the grid stays as it is */
PETSC_INTERN PetscErrorCode FenGridExchange(FenGridCycle, const FenGrid *, FenInt planes, float with_halo[]);
/* out = R of an array with halos: the planes [lo, hi) of a coarse grid */
PETSC_INTERN PetscErrorCode FenGridRestrict(FenGridCycle, const FenGrid *fine, const FenGrid *coarse, FenInt lo,
                                            FenInt hi, const float v[], float out[]);
/* a coarse grid's size is there: who has which planes of it. Collective on all ranks of the cycle */
PETSC_INTERN PetscErrorCode FenGridCut(FenGridCycle, const FenGrid *fine, FenGrid *coarse);
/* coarse planes stay where they are made */
static inline PetscBool FenGridStays(const FenGrid *fine, const FenGrid *coarse)
{
  return (PetscBool)(coarse->all == fine->all && coarse->stride == fine->stride);
}
/* coarse planes go from the ranks that have made them to those that have the coarse grid */
PETSC_INTERN PetscErrorCode FenGridTogether(FenGridCycle, const FenGrid *fine, const FenGrid *coarse,
                                            const float made[], float out[]);
/* back, with one plane more on both sides: planes of an array with halos, which are there, and the first one's number
 */
PETSC_INTERN PetscErrorCode FenGridApart(FenGridCycle, const FenGrid *fine, const FenGrid *coarse, float with_halo[],
                                         const float **planes, FenInt *first);
/* edges and excess of a coarse grid: R A R^T. Halos of the fine grid's edges and diagonal are there */
PETSC_INTERN PetscErrorCode FenGridGalerkin(FenGridCycle, FenGrid *fine, FenGrid *coarse);
