/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the two schedules of FenPairs share.
*/
#pragma once
#include <fenchelpairs.h>
#include "../commimpl.h"

/* grows when needed, kept between runs */
typedef struct {
  double *data;
  FenInt  capacity;
} FenBuffer;

struct _p_FenPairs {
  FenLayout    rows, cols;
  FenPairsType type; /* never AUTO */
  MPI_Comm     comm;
  PetscMPIInt  rank, size;
  PetscMPIInt  p, q;                                /* the grid of ranks; ring: size x 1 */
  PetscMPIInt  tag_row, tag_col, tag_acc;           /* one for each kind of message */
  FenBuffer    row, col, acc_out, acc_in;           /* what other ranks send, and what they get */
  FenRequests  req_row, req_col, req_send, req_acc; /* messages under way */
  FenFault     fault;                               /* of this run */
};

extern PetscErrorCode FenBufferReserve_Private(FenBuffer *, FenInt);
/* the rows or columns that a rank owns, with its numbers elsewhere */
extern PetscErrorCode FenPairsBlockOf_Private(FenLayout, PetscMPIInt, const double[], FenPairsBlock *);
/* all pairs of two blocks, rows in portions; messages move on between portions */
extern PetscErrorCode FenPairsWork_Private(FenPairs, const FenPairsTask *, const FenPairsBlock *rows,
                                           const FenPairsBlock *cols, double acc[]);
extern PetscErrorCode FenPairsRun_Ring(FenPairs, FenPairsTask *);
extern PetscErrorCode FenPairsRun_Grid(FenPairs, FenPairsTask *);
