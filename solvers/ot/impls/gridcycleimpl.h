/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the V-cycle on grids share; see gridcycle.c. Axes (i, k, j): two axes are (i, 1, j), and those of
   one point are left out. */
#pragma once
#include "gridcycle.h"

/* Points of neighbours along an axis: 2 for products and transfers. Coarse matrices need 3, and 4 behind along axes 1
   and 2: an entry between two such points is stored at the one that comes first in the order of the grid */
#define FEN_GRID_HALO   3
#define FEN_GRID_BEHIND 4
#define FEN_GRID_MOST   62 /* offsets that come after zero, of at most 2 along three axes */
#define FEN_GRID_DEEP   6  /* planes of neighbours that half a cycle needs on a slab; see gridcycle.c */
#define FEN_GRID_DEPTH  4  /* of which sweeps run over so many */
#define FEN_GRID_LEAST  4  /* points that a rank has at least along each axis, unless it has all */
#define FEN_GRID_GRIDS  96 /* of which each halves an axis at least */
#define FEN_GRID_GROUP  3  /* ranks along an axis whose boxes one of them takes, at most */

#define FEN_GRID_STRONGEST 1e3F /* edges are made so many times stronger at most */

/* where an array has its points: number `first` comes first, neighbours along the last axis next to each other */
typedef struct {
  FenInt first[3], plane, row;
} FenGridMap;

static inline FenInt FenGridAt(const FenGridMap *M, FenInt i, FenInt k, FenInt j)
{
  return (i - M->first[0]) * M->plane + (k - M->first[1]) * M->row + j - M->first[2];
}

typedef struct {
  FenInt n[3];     /* whole grid */
  double width[3]; /* of a point along each axis */
  FenBox box;      /* mine, empty on a rank that has none */
  /* Arrays: axis 0 has planes of neighbours before and behind mine. In a plane there are pads for points of neighbours
     before and behind mine along axes 1 and 2 if these are cut, so many before; none if they are not */
  FenInt      pad[3];
  PetscBool   deep;                        /* sweeps run over planes of neighbours as well */
  FenInt      halo;                        /* so many before and behind mine */
  FenGridMap  at;                          /* from the first of my planes on */
  FenInt      size, front, ld;             /* points of my planes; before them, and in all, with halos */
  PetscMPIInt parts[3], stride[3];         /* ranks 0, stride, 2 stride ... along an axis have parts */
  PetscBool   active, all;                 /* this rank has one; all that have the finer grid have all of this */
  PetscMPIInt near[3][2];                  /* neighbours before and behind, or MPI_PROC_NULL */
  FenBox      made;                        /* what I make from the finer grid, at first on its ranks */
  PetscMPIInt leader;                      /* the rank that takes it, if boxes move */
  PetscMPIInt members[3];                  /* ranks along each axis whose boxes I take, mine the first one */
  FenInt      from[3][FEN_GRID_GROUP + 1]; /* where they begin, and the last one ends */
  FenInt      shift[FEN_GRID_MOST];        /* of the offsets, in the order of the grid */
  float      *share[3];                    /* interpolation to this grid's points: weights of children 2i-1 .. 2i+2 */
  /* While grids are made: masses times the number of points; afterwards scaled to a unit diagonal. Pads where no
     neighbour is have edges of weight zero; those of b and root are zero everywhere.
     All have halos; b and root point behind that before mine */
  float *memory; /* of all of these */
  float *edge;   /* weights; of volumes as gridsweep.c has packed them, once grids are made */
  float *x, *t;  /* the excess and the diagonal while grids are made; t: residual on the way to a coarser one */
  float *b;      /* right-hand side; masses before grids are made */
  float *root;   /* of the diagonal, 0 where nothing couples */
  /* for sweeps of volumes, see FenVolume; all with halos, from the first point of an array on */
  const uint16_t **weight;
  float           *diagonal;
  FenInt           mask;
} FenGrid;

struct _p_FenGridCycle {
  MPI_Comm          comm;
  PetscMPIInt       ranks, rank;
  PetscMPIInt       procs[3], step[3], place[3]; /* ranks along axes; from one to the next; mine, if I have a part */
  const FenKernels *kernels;
  PetscInt          dim, nk;           /* axes of more than a point; offsets */
  int               axis[FEN_MAX_DIM]; /* of the grids, for each axis of the caller's layouts; -1: it has one point */
  int               offset[FEN_GRID_MOST][3];
  FenLayout         boxes;
  FenRedist         to, from, edges; /* between the caller's layouts and boxes; NULL: nothing moves here */
  PetscInt          ngrids;
  FenGrid           grid[FEN_GRID_GRIDS]; /* 0: the finest */
  FenInt           *cut[3];          /* along axes, where ranks' parts of the last grid that is made of parts begin */
  MPI_Comm          among;           /* ranks of the last grid that is cut, if there is one that is not */
  PetscMPIInt      *counts, *starts; /* what each of them makes of it */
  float            *plane, *row;     /* work of transfers */
  float            *moved;           /* a coarse box that I make, packed; or, on the way back, one point more around */
  float            *face[4];         /* halos on the way, two out and two in; the first: any box on the way */
  MPI_Request      *request;         /* of four faces */
  float            *moment[3];       /* of the finest grid, with halos, along each axis; until coarse grids are made */
  float            *sums[2];         /* of two sweeps of a volume that are under way */
  FenInt            nsums;           /* numbers in each */
  double            points;          /* of the finest grid: masses times this are of order one */
  double           *mine;            /* on the finest grid: what goes in and out, if it moves */
};

/* an array of the caller on the boxes: itself, or what has moved to C->mine */
static inline PetscErrorCode FenGridHere(FenGridCycle C, FenRedist way, const double v[], const double **here)
{
  PetscFunctionBegin;
  *here = v;
  if (way) {
    PetscCall(FenRedistMove(way, v, C->mine));
    *here = C->mine;
  }
  PetscFunctionReturn(0);
}

/* a box of the finest grid, times the number of points, into planes */
PETSC_INTERN void FenGridTake(const struct _p_FenGridCycle *, const double box[], float planes[]);

/* number of the offset, -1 for zero; the sign is that of the one that comes after zero of o and -o */
static inline PetscInt FenGridOffset(const struct _p_FenGridCycle *C, const int o[3], int *sign)
{
  const int s = o[0] ? (o[0] > 0 ? 1 : -1) : o[1] ? (o[1] > 0 ? 1 : -1) : o[2] >= 0 ? 1 : -1, R = FEN_GRID_RADIUS;
  const int a = s * o[0], b = s * o[1], c = s * o[2], side = C->dim > 2 ? 2 * R + 1 : 1;

  *sign = s;
  return (a * side + b) * (2 * R + 1) + c - 1;
}

static inline FenInt FenGridExtent(const FenBox *b, int axis)
{
  return b->hi[axis] - b->lo[axis];
}

/* so many planes of the neighbour before or behind, if sweeps run over them */
static inline FenInt FenGridBeyond(const FenGrid *G, int side, FenInt planes)
{
  return G->deep && G->near[0][side] != MPI_PROC_NULL ? planes : 0;
}

/* ---- gridboxes.c ---- */

/* halos of an array: so many points of the neighbours, G->halo: all; beyond the grid it stays as it is */
PETSC_INTERN PetscErrorCode FenGridExchange(FenGridCycle, const FenGrid *, FenInt points, float with_halo[]);
/* the same along axis 0, which is all of it on a slab, of m arrays that lie one after the other, as edges do, in two
   halves: in between neither the planes that neighbours need nor those that come may change; one at a time */
PETSC_INTERN PetscErrorCode FenGridPlanesBegin(FenGridCycle, const FenGrid *, FenInt planes, PetscMPIInt m,
                                               float with_halo[]);
PETSC_INTERN PetscErrorCode FenGridPlanesEnd(FenGridCycle);
/* all halos of all edges, as many messages */
PETSC_INTERN PetscErrorCode FenGridExchangeEdges(FenGridCycle, FenGrid *);
/* the finest grid on ranks as the layout has them; collective as all of these on all ranks of the cycle */
PETSC_INTERN PetscErrorCode FenGridCutFinest(FenGridCycle, FenLayout);
/* a coarse grid's size is there: who has which box of it */
PETSC_INTERN PetscErrorCode FenGridCut(FenGridCycle, const FenGrid *fine, FenGrid *coarse);
/* all grids are there: space for what travels */
PETSC_INTERN PetscErrorCode FenGridSpace(FenGridCycle);
/* coarse boxes stay where they are made */
static inline PetscBool FenGridStays(const FenGrid *fine, const FenGrid *coarse)
{
  PetscBool stays = (PetscBool)(coarse->all == fine->all);

  for (int axis = 0; axis < 3; axis++)
    stays = (PetscBool)(stays && coarse->stride[axis] == fine->stride[axis]);
  return stays;
}
/* coarse boxes, packed, go from the ranks that have made them to those that have the coarse grid; out: its planes */
PETSC_INTERN PetscErrorCode FenGridTogether(FenGridCycle, const FenGrid *fine, const FenGrid *coarse,
                                            const float made[], float out[]);
/* the same of all edges, packed one after the other, in as many messages */
PETSC_INTERN PetscErrorCode FenGridTogetherEdges(FenGridCycle, const FenGrid *fine, FenGrid *coarse,
                                                 const float made[]);
/* back, with one point more on each side, FEN_GRID_HALO planes if the finer grid is deep: an array that is or was with
 * halos, which are there, and its map */
PETSC_INTERN PetscErrorCode FenGridApart(FenGridCycle, const FenGrid *fine, const FenGrid *coarse,
                                         const float with_halo[], const float **v, FenGridMap *at);

/* ---- gridcycle.c ---- */

/* axes that the next coarser grid halves; PETSC_FALSE: there is none */
PETSC_INTERN PetscBool FenGridHalves(const FenGrid *, PetscBool halved[3]);

/* ---- gridsweep.c ---- */

static inline FenInt FenGridRoundUp(FenInt n)
{
  return (n + 31) / 32 * 32;
}

/* a sweep, or a residual, that is under way */
typedef struct {
  FenInt       at;     /* next point, a multiple of 32 as all ends of parts */
  float        factor; /* damping; 0: y is the residual */
  const float *x;
  float       *y;
  FenInt       before;
  float       *sums;
} FenGridSweep;

/* length in memory of rows of so many points of mine */
PETSC_INTERN FenInt FenGridRowLength(const struct _p_FenGridCycle *, const FenGrid *, FenInt points);
/* of arrays of so many points: whole parts of sweeps */
PETSC_INTERN FenInt FenGridLength(const struct _p_FenGridCycle *, FenInt points);
/* shifts and lengths are there: what sweeps need beside the grid */
PETSC_INTERN PetscErrorCode FenGridSweepAllocate(FenGridCycle, FenGrid *);
PETSC_INTERN PetscErrorCode FenGridSweepFree(FenGrid *);
/* space of `edge` is free again: zero */
PETSC_INTERN PetscErrorCode FenGridSweepUnpack(FenGridCycle, FenGrid *);
/* weights are scaled to a unit diagonal, root is there, also of neighbours */
PETSC_INTERN PetscErrorCode FenGridSweepPack(FenGridCycle, FenGrid *);
/* the first point of y; number: of two that may be under way at once */
PETSC_INTERN FenGridSweep FenGridSweepBegin(FenGridCycle, const FenGrid *, int number, FenInt from, float factor,
                                            const float x[], float y[]);
/* y up to the point `to`; x is there as far as edges reach, and was all that time */
PETSC_INTERN void FenGridSweepTo(FenGridCycle, const FenGrid *, FenGridSweep *, FenInt to);
/* t from x; on two axes rows of neighbours are left out */
PETSC_INTERN void FenGridSweepAll(FenGridCycle, const FenGrid *, float factor);

/* ---- gridtransfer.c ---- */

/* weights of interpolation to the points of a coarse grid */
PETSC_INTERN PetscErrorCode FenGridMakeShares(const FenGrid *fine, FenGrid *coarse);
/* out = R of an array with halos, which are there: what I make of a coarse grid, packed */
PETSC_INTERN PetscErrorCode FenGridRestrict(FenGridCycle, const FenGrid *fine, const FenGrid *coarse, const float v[],
                                            float out[]);
/* fine->x += R^T x, scaled; also in four planes of neighbours, if it is deep */
PETSC_INTERN PetscErrorCode FenGridProlong(FenGridCycle, const FenGrid *coarse, const float x[], const FenGridMap *at,
                                           FenGrid *fine);

/* rows of a rank's box, and where they begin, counted from the first of its planes */
static inline FenInt FenGridRows(const FenGrid *G)
{
  return FenGridExtent(&G->box, 0) * FenGridExtent(&G->box, 1);
}

static inline FenInt FenGridRow(const FenGrid *G, FenInt r)
{
  const FenInt rows = FenGridExtent(&G->box, 1);

  return r / rows * G->at.plane + (r % rows + G->pad[1]) * G->at.row + G->pad[2];
}

/* ---- gridmoments.c ---- */

/* makes the edges of a coarse grid so strong that second moments are those of all couplings. Halos of the fine grid's
   edges are there */
PETSC_INTERN PetscErrorCode FenGridMatchMoments(FenGridCycle, const FenGrid *fine, FenGrid *coarse);

/* ---- gridgalerkin.c ---- */

/* edges and excess of a coarse grid: R A R^T. Halos of the fine grid's edges and diagonal are there */
PETSC_INTERN PetscErrorCode FenGridGalerkin(FenGridCycle, FenGrid *fine, FenGrid *coarse);
