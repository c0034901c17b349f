/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of comm/ share and nobody else sees.
*/
#pragma once
#include <fenchellayout.h>
#include <petsc/private/petscimpl.h>
#include "compat.h"

/* MPI operations that FenInitializePackage makes and PetscFinalize frees */
extern PetscErrorCode FenSumInitialize_Private(void);
extern PetscErrorCode FenSumFinalize_Private(void);
extern PetscErrorCode FenLSEInitialize_Private(void);
extern PetscErrorCode FenLSEFinalize_Private(void);

/* 64-bit words of any array into a fingerprint; word k gets the index first + k*step */
extern void FenFingerprintWords_Private(FenFingerprint *, uint64_t first, uint64_t step, FenInt n, const void *words);

/* ---- messages longer than an MPI count (sys/message.c) ---- */
typedef struct {
  MPI_Request *request;
  PetscMPIInt  n, capacity;
} FenRequests;
extern PetscErrorCode FenRequestsDestroy_Private(FenRequests *);
extern PetscErrorCode FenRequestsWait_Private(FenRequests *);
extern PetscErrorCode FenRequestsTest_Private(FenRequests *);
/* doubles to or from a rank, appended to the requests */
extern PetscErrorCode FenIsend_Private(const double[], FenInt, PetscMPIInt, PetscMPIInt, MPI_Comm, FenRequests *);
extern PetscErrorCode FenIrecv_Private(double[], FenInt, PetscMPIInt, PetscMPIInt, MPI_Comm, FenRequests *);

/* ---- layouts ---- */
typedef struct _FenLayoutOps {
  PetscErrorCode (*view)(FenLayout, PetscViewer);
} FenLayoutOps;

/* boxes are computed from the grid of ranks whenever they are asked for, so that no rank stores a table of all (but of
   cuts along axes) */
struct _p_FenLayout {
  PETSCHEADER(FenLayoutOps);
  PetscInt    dim;
  FenInt      shape[FEN_MAX_DIM];
  PetscMPIInt nprocs[FEN_MAX_DIM]; /* ranks along each axis, the last axis runs fastest in rank order */
  PetscInt    order[FEN_MAX_DIM];  /* storage order of the axes, slowest first */
  FenInt      size;                /* entries of the array */
  FenInt      local;               /* entries that I own */
  FenBox      box;                 /* mine */
  FenInt     *runs;                /* first global numbers of my runs, made when asked for */
  FenInt     *starts;              /* rows of given local sizes: where each rank begins, ranks + 1; NULL: cut evenly */
  FenInt     *cut[FEN_MAX_DIM];    /* where parts of an axis begin, nprocs + 1; NULL: cut evenly */
};

static inline FenInt FenBoxSize_Private(const FenBox *b)
{
  return (b->hi[0] - b->lo[0]) * (b->hi[1] - b->lo[1]) * (b->hi[2] - b->lo[2]);
}

/* A rank's part of each axis, the last one runs fastest; false: it is beyond the grid of ranks and owns nothing */
extern PetscBool FenLayoutPlace_Private(FenLayout, PetscMPIInt rank, PetscMPIInt place[FEN_MAX_DIM]);
/* ranks over two axes (layout/ranks.c) */
extern void FenLayoutSplit_Private(PetscMPIInt, const FenInt shape[2], PetscMPIInt nprocs[2]);

/* what two boxes share, and how much that is */
static inline FenInt FenBoxIntersect_Private(const FenBox *a, const FenBox *b, FenBox *c)
{
  for (int d = 0; d < FEN_MAX_DIM; d++) {
    c->lo[d] = PetscMax(a->lo[d], b->lo[d]);
    c->hi[d] = PetscMax(c->lo[d], PetscMin(a->hi[d], b->hi[d]));
  }
  return FenBoxSize_Private(c);
}

/* ---- copying boxes (layout/copy.c) ---- */
/* distance of neighbours along each axis in an array that stores this box in this order */
extern void FenBoxStrides_Private(const FenBox *, const PetscInt order[FEN_MAX_DIM], FenInt stride[FEN_MAX_DIM]);
/* n[0] x n[1] x n[2] entries from one array of strides to another one */
extern void FenBoxCopy_Private(const FenInt n[FEN_MAX_DIM], const FenInt from_stride[FEN_MAX_DIM], const double from[],
                               const FenInt to_stride[FEN_MAX_DIM], double to[]);
