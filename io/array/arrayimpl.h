/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Private to io/array: what a file type must be able to do. Both functions are local to a rank.
*/
#pragma once
#include "../ioimpl.h"

/* what rank 0 learns from the header; broadcast as it is */
typedef struct {
  PetscInt  rank;
  FenInt    shape[FEN_IO_MAX_RANK];
  FenInt    offset;  /* .npy, raw: where the numbers begin */
  int       width;   /* .npy: bytes of a number */
  char      letter;  /* .npy: f, i, u or b */
  PetscBool swap;    /* .npy: the other byte order */
  PetscBool fortran; /* .npy: first axis fastest */
} FenArrayHeader;

typedef struct {
  /* rank 0: rank, shape and the rest of the header; nshape > 0: the caller's shape */
  PetscErrorCode (*open)(FenArray, PetscInt nshape, const FenInt shape[], FenFault *);
  /* every rank: my box in natural order */
  PetscErrorCode (*read)(FenArray, const FenSlab *, double[], FenFault *);
} FenArrayOps;

struct _p_FenArray {
  MPI_Comm           comm;
  PetscMPIInt        rank;
  FenArrayKind       kind;
  const FenArrayOps *ops; /* NULL for HDF5 */
  FenArrayHeader     head;
  char               file[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  FenFile            hdf5;
};

extern const FenArrayOps FenArrayOps_Npy, FenArrayOps_Raw, FenArrayOps_CSV, FenArrayOps_PNG, FenArrayOps_PNM;

/* images (image/pixels.c): 1 to 4 channels are grey, grey and alpha, RGB, RGB and alpha */
extern void FenImageShape_Private(FenArrayHeader *, FenInt height, FenInt width, PetscInt channels);
/* a row of samples 0..1, in place: alpha is composed on black and disappears */
extern void FenImageCompose_Private(FenInt width, PetscInt channels, double[]);
