/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenPairs: work on all pairs (row i, column j) of two distributed index sets, without ever storing a pair.

   Every row has input numbers and an accumulator, every column has input numbers. A tile function combines a block of
   rows with a block of columns into the rows' accumulators; accumulators of the same row are merged by an associative,
   commutative MPI operation. Two schedules, both overlapped with communication and both deterministic:
     ring   column blocks circulate (Isend/Irecv of the next block while the present one is worked on); no reduction;
            a rank sends its share of the columns P-1 times
     grid   ranks form a p x q grid; a rank meets n/p rows with m/q columns; columns are gathered inside a grid column,
            accumulators reduced inside a grid row; a rank sends about n/p + m/q numbers instead of m
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenPairs *FenPairs;
typedef enum { FEN_PAIRS_AUTO, FEN_PAIRS_RING, FEN_PAIRS_GRID } FenPairsType;
FEN_EXTERN const char *const FenPairsTypes[];

/* a block of consecutive rows or columns; data is stored component by component: data[c*stride + k], k < n */
typedef struct {
  FenInt        first; /* global index of the first one */
  FenInt        n;
  FenInt        stride;
  const double *data;
} FenPairsBlock;

/* acc[k*nacc + c] belongs to row rows->first + k; must be updated, not overwritten */
typedef PetscErrorCode (*FenPairsTileFn)(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[]);

typedef struct {
  PetscInt       nrow, ncol, nacc; /* numbers a row, a column, an accumulator has; nacc <= 16 */
  const double  *row, *col;        /* my rows' and columns' numbers, component by component with stride = local size */
  double        *acc;              /* my rows' accumulators, row by row; on entry their neutral element */
  double         neutral[16];      /* the neutral element of one accumulator */
  MPI_Datatype   type;             /* nacc doubles or blocks that op understands; count is per row times per_row */
  PetscInt       per_row;          /* how many items of `type` an accumulator is */
  MPI_Op         op;
  FenPairsTileFn tile;
  void          *ctx;
} FenPairsTask;

FEN_EXTERN PetscErrorCode FenPairsCreate(FenLayout rows, FenLayout cols, FenPairsType, FenPairs *);
FEN_EXTERN PetscErrorCode FenPairsGetType(FenPairs, FenPairsType *); /* never AUTO */
FEN_EXTERN PetscErrorCode FenPairsGetGrid(FenPairs, PetscMPIInt *, PetscMPIInt *);
FEN_EXTERN PetscErrorCode FenPairsRun(FenPairs, FenPairsTask *); /* collective */
FEN_EXTERN PetscErrorCode FenPairsDestroy(FenPairs *);

#if defined(__cplusplus)
}
#endif
