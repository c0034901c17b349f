/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of images as their files see them; only the files that know io include it. */
#pragma once
#include "imagesimpl.h"
#include <fenchelio.h>

#define FEN_IMAGE_NAME 256
#define FEN_IMAGE_PATH (PETSC_MAX_PATH_LEN + FEN_IMAGE_NAME + 32)

struct _FenImages {
  MPI_Comm comm;
  char     path[PETSC_MAX_PATH_LEN];
  FenInt   n;                       /* images */
  FenInt   shape[FEN_DENOISE_AXES]; /* of what is used of one */
  char    *names;                   /* files of a folder, FEN_IMAGE_NAME bytes each; NULL: one file */
  FenArray stack;                   /* or this */
};

/* one image file on one rank */
typedef struct {
  const struct _FenImages *images;
  FenInt                   k;        /* which */
  FenInt                   shape[2]; /* out: height and width as in the file */
  double                  *grey;     /* out of Read: caller frees */
} FenImageFile;
PETSC_INTERN PetscErrorCode FenImageFileShape_Private(void *file);
PETSC_INTERN PetscErrorCode FenImageFileRead_Private(void *file);

/* "'folder/file'" for messages */
PETSC_INTERN PetscErrorCode FenImagesName_Private(const struct _FenImages *, FenInt k, char name[], size_t n);
PETSC_INTERN PetscErrorCode FenImagesTry_Private(PetscErrorCode (*call)(void *), void *ctx, FenFault *);
/* n numbers along each axis become what the FenDenoise says, in new memory */
PETSC_INTERN PetscErrorCode FenImageResize_Private(const FenDenoise *, const FenInt n[], double **pixels);
/* reads the first n images, each on one rank, and refuses what cannot be read or is not finite */
PETSC_INTERN PetscErrorCode FenImagesLook_Private(const FenDenoise *, const struct _FenImages *, FenInt n);
