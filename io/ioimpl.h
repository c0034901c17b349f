/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Private to io/: boxes of arrays of any rank, and the POSIX calls of all writers. Functions here are local to a rank;
   they report through an errno or a FenFault, which the caller agrees before the next collective step.
*/
#pragma once
#include <fenchelio.h>
#include <sys/types.h>

#define FEN_IO_MAX_RANK 8
#define FEN_IO_PIECE    (8 * 1024 * 1024) /* bytes that one read or write call moves at most */
#define FEN_IO_MODE     0644              /* of files; 0755 of folders; the umask may take more away */

/* ---- boxes (array/slab.c) ---- */
/* my box of an array in natural order: the axes of a layout, then the component axes, which are never cut */
typedef struct {
  PetscInt rank;
  FenInt   shape[FEN_IO_MAX_RANK], start[FEN_IO_MAX_RANK], count[FEN_IO_MAX_RANK];
} FenSlab;
extern PetscErrorCode FenSlabFromLayout_Private(FenLayout, PetscInt naxes, const FenInt axes[], FenSlab *);
extern FenInt         FenSlabSize_Private(const FenSlab *);
extern PetscErrorCode FenShapeText_Private(PetscInt, const FenInt[], char[], size_t);
/* the product of all axes, or an error */
extern PetscErrorCode FenShapeSize_Private(PetscInt, const FenInt[], FenInt *);
/* the longest pieces that are contiguous in the file: calls back with file and box position in elements */
typedef PetscErrorCode (*FenSlabRunFn)(void *, FenInt file_start, FenInt box_start, FenInt length);
extern PetscErrorCode FenSlabRuns_Private(const FenSlab *, FenSlabRunFn, void *);
/* copies the part of row `row` (all axes but the first) that lies in the box */
extern void FenSlabKeepRow_Private(const FenSlab *, FenInt row, const double[], double[]);
/* between a layout's storage order and natural order; *natural is the array itself where they are the same */
extern PetscErrorCode FenNaturalBegin_Private(FenLayout, PetscInt ncomp, double[], PetscBool copy, double *natural[]);
extern PetscErrorCode FenNaturalEnd_Private(FenLayout, PetscInt ncomp, double[], PetscBool copy, double *natural[]);

/* a box of a data set as doubles; collective (hdf5/array.c) */
extern PetscErrorCode FenFileReadBox_Private(FenFile, const char path[], const FenSlab *, double[]);

/* ---- POSIX (posix.c): 0 or an errno; end of file before n bytes is ENODATA ---- */
extern int  FenPosixWrite_Private(int fd, const void *, size_t, off_t);
extern int  FenPosixRead_Private(int fd, void *, size_t, off_t);
extern int  FenPosixSync_Private(const char path[]);
extern int  FenPosixClose_Private(int fd);
extern void FenPosixFolder_Private(const char path[], char[], size_t);
/* a file under a temporary name in the same folder, later moved to its name or removed */
extern int FenPosixCreateTemp_Private(const char path[], char temp[], size_t, int *fd);
extern int FenPosixCommit_Private(const char temp[], const char path[], PetscBool replace);
extern int FenPosixReplaceText_Private(const char path[], const char text[], size_t);
/* opens a regular file for reading and says its size */
extern void FenPosixOpenInput_Private(const char path[], int *fd, FenInt *size, FenFault *);

/* ---- text that grows (text.c) ---- */
typedef struct {
  char  *text; /* PetscMalloc'ed */
  size_t used, capacity;
} FenText;
extern PetscErrorCode FenTextPut_Private(FenText *, const char[], ...) __attribute__((format(printf, 2, 3)));

/* ---- names ---- */
extern PetscErrorCode FenNearestNames_Private(const char name[], PetscInt, char *const[], char[], size_t);
extern PetscBool      FenHasSuffix_Private(const char name[], const char suffix[]);
