/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLayout: how a global array is cut over ranks.

   A global array has 1, 2 or 3 axes and is numbered row by row (the last axis runs fastest). Every rank owns one box
   [lo, hi) of it, possibly empty; the boxes tile the array. A rank stores its box contiguously, axes in storage order
   (slowest first, 0,1,2 unless said otherwise). Rows of a matrix and points of a cloud are the case of one axis.
*/
#pragma once
#include <fenchelsys.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define FEN_MAX_DIM 3

/*S FenLayout - how a global index set is cut over ranks S*/
typedef struct _p_FenLayout *FenLayout;
FEN_EXTERN PetscClassId      FENLAYOUT_CLASSID;

typedef struct {
  FenInt lo[FEN_MAX_DIM], hi[FEN_MAX_DIM]; /* axes beyond the dimension: 0 and 1 */
} FenBox;

/* N rows, cut evenly (sizes differ by at most one), in rank order */
FEN_EXTERN PetscErrorCode FenLayoutCreateRows(MPI_Comm, FenInt, FenLayout *);
/* rows of which every rank says how many it owns */
FEN_EXTERN PetscErrorCode FenLayoutCreateRowsLocal(MPI_Comm, FenInt, FenLayout *);
/* grid of given shape cut into nprocs[0] x ... boxes; nprocs = NULL: all ranks along axis 0 */
FEN_EXTERN PetscErrorCode FenLayoutCreateGrid(MPI_Comm, PetscInt, const FenInt[], const PetscMPIInt[], FenLayout *);
/* the grid of at most so many ranks on which the busiest one has least, neighbours' entries included; and on it */
FEN_EXTERN PetscErrorCode FenLayoutChooseRanks(PetscMPIInt most, PetscInt, const FenInt[], PetscMPIInt[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenLayoutCreateBlocks(MPI_Comm, PetscInt, const FenInt[], FenLayout *);
/* same array, the given axis undivided and stored fastest: the layout for work along that axis */
FEN_EXTERN PetscErrorCode FenLayoutCreatePencil(FenLayout, PetscInt, FenLayout *);
/* same array, cut in the same way, axes stored in another order, slowest first */
FEN_EXTERN PetscErrorCode FenLayoutCreateOrdered(FenLayout, const PetscInt order[], FenLayout *);
/* same array and ranks, parts of axes of equal weight */
FEN_EXTERN PetscErrorCode FenLayoutCreateWeighted(FenLayout, const double *const[FEN_MAX_DIM], double slack,
                                                  FenLayout *);
FEN_EXTERN PetscErrorCode FenLayoutDestroy(FenLayout *);

FEN_EXTERN PetscErrorCode FenLayoutGetDim(FenLayout, PetscInt *);
FEN_EXTERN PetscErrorCode FenLayoutGetShape(FenLayout, FenInt[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenLayoutGetRanks(FenLayout, PetscMPIInt[FEN_MAX_DIM], PetscMPIInt *used);
FEN_EXTERN PetscErrorCode FenLayoutGetPlace(FenLayout, PetscMPIInt place[FEN_MAX_DIM], PetscMPIInt step[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenLayoutGetOrder(FenLayout, PetscInt[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenLayoutGetSize(FenLayout, FenInt *);
FEN_EXTERN PetscErrorCode FenLayoutGetLocalSize(FenLayout, FenInt *);
FEN_EXTERN PetscErrorCode FenLayoutGetBox(FenLayout, PetscMPIInt rank, FenBox *); /* rank < 0: mine */
/* distance of neighbours along each axis in what a rank stores */
FEN_EXTERN PetscErrorCode FenLayoutGetStrides(FenLayout, PetscMPIInt rank, FenInt[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenLayoutIsSame(FenLayout, FenLayout, PetscBool *);
/* one axis only: my range [start, end) */
FEN_EXTERN PetscErrorCode FenLayoutGetRange(FenLayout, FenInt *, FenInt *);
/* the runs of consecutive global numbers that my box consists of, in storage order (natural order only); arrays are
   owned by the layout */
FEN_EXTERN PetscErrorCode FenLayoutGetRuns(FenLayout, FenInt *nruns, FenInt *length, const FenInt *global_start[]);

/* any box of an array, in any order, from those who own it; collective */
FEN_EXTERN PetscErrorCode FenLayoutFetch(FenLayout, const FenBox *, const PetscInt order[FEN_MAX_DIM],
                                         const double own[], double values[]);

/*S FenRedist - a plan that moves an array from one layout to another S*/
typedef struct _p_FenRedist *FenRedist;
FEN_EXTERN PetscErrorCode    FenRedistCreate(FenLayout from, FenLayout to, FenRedist *);
/* collective; begin, compute something else, end; `from` must not change and `to` not be read in between */
FEN_EXTERN PetscErrorCode FenRedistBegin(FenRedist, const double[], double[]);
FEN_EXTERN PetscErrorCode FenRedistEnd(FenRedist, const double[], double[]);
/* the same without anything in between */
FEN_EXTERN PetscErrorCode FenRedistMove(FenRedist, const double[], double[]);
FEN_EXTERN PetscErrorCode FenRedistDropCopy(FenRedist *);
FEN_EXTERN PetscErrorCode FenRedistDestroy(FenRedist *);

#if defined(__cplusplus)
}
#endif
