/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fenchel, layer 2: bytes on disk. HDF5 is seen here only; every code is checked and every error is agreed by all ranks
   before the next collective step. Any number of ranks reads what any number of ranks wrote.
*/
#pragma once
#include <fenchellayout.h>
#include <fenchelstate.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* ---- HDF5 files (io/hdf5): for inputs and results ----
   Reading: rank 0 answers questions about names, shapes and attributes for all; every rank reads its part of an array
   by itself, so that a rank whose read fails cannot hang the others. Writing: all ranks through MPI-IO */
typedef struct _p_FenFile *FenFile;
typedef enum { FEN_FILE_READ, FEN_FILE_CREATE, FEN_FILE_REPLACE } FenFileMode;

/* CREATE refuses an existing file (FEN_ERR_FILE_EXISTS); CREATE and REPLACE write under a temporary name in the same
   folder, FenFileClose syncs and renames, so that a failed or killed run leaves an earlier file intact */
FEN_EXTERN PetscErrorCode FenFileOpen(MPI_Comm, const char[], FenFileMode, FenFile *);
FEN_EXTERN PetscErrorCode FenFileClose(FenFile *);   /* CREATE/REPLACE: sync, check, rename */
FEN_EXTERN PetscErrorCode FenFileDiscard(FenFile *); /* CREATE/REPLACE: remove what was written */
FEN_EXTERN PetscErrorCode FenFileGetName(FenFile, const char *[]);

typedef enum { FEN_DATA_REAL, FEN_DATA_INT, FEN_DATA_STRING, FEN_DATA_GROUP, FEN_DATA_OTHER } FenDataType;
typedef struct {
  FenDataType type;
  PetscInt    rank;
  FenInt      shape[8];
} FenDataInfo;
FEN_EXTERN PetscErrorCode FenFileHas(FenFile, const char path[], PetscBool *);
FEN_EXTERN PetscErrorCode FenFileGetInfo(FenFile, const char path[], FenDataInfo *); /* error names near misses */
/* visits every object below path in name order; same on all ranks */
FEN_EXTERN PetscErrorCode FenFileVisit(FenFile, const char path[],
                                       PetscErrorCode (*)(const char path[], const FenDataInfo *, void *), void *);
FEN_EXTERN PetscErrorCode FenFileMakeGroup(FenFile, const char path[]);

/* arrays on a layout; ncomp > 0 adds a last axis of that length, ncomp = 0 means one component without that axis;
   reading takes a data set with or without a last axis of length one, of any real or integer type. The layout's shape
   must be the data set's (FEN_ERR_SHAPE) */
FEN_EXTERN PetscErrorCode FenFileReadArray(FenFile, const char path[], FenLayout, PetscInt ncomp, double[]);
FEN_EXTERN PetscErrorCode FenFileWriteArray(FenFile, const char path[], FenLayout, PetscInt ncomp, const double[]);
/* whole numbers held as doubles, stored as 64-bit integers; no component axis */
FEN_EXTERN PetscErrorCode FenFileWriteIntegers(FenFile, const char path[], FenLayout, const double[]);
/* hyperslab of a two-axis data set: rows [row0,row0+nrows), columns [col0,col0+ncols), row by row; collective */
FEN_EXTERN PetscErrorCode FenFileReadSlab(FenFile, const char path[], FenInt row0, FenInt nrows, FenInt col0,
                                          FenInt ncols, double[]);
/* group with shape[2], indptr, indices, data (the habit of SciPy and AnnData); rows on a one-axis layout */
FEN_EXTERN PetscErrorCode FenFileReadCSR(FenFile, const char path[], FenLayout rows, FenInt *ncols, FenSparse *);
FEN_EXTERN PetscErrorCode FenFileWriteCSR(FenFile, const char path[], FenLayout rows, FenInt ncols, const FenSparse *);
/* small tables, the same on all ranks, written once; shape of `rank` axes */
FEN_EXTERN PetscErrorCode FenFileReadReals(FenFile, const char path[], FenInt n, double[]);
FEN_EXTERN PetscErrorCode FenFileWriteReals(FenFile, const char path[], PetscInt rank, const FenInt shape[],
                                            const double[]);
FEN_EXTERN PetscErrorCode FenFileReadInts(FenFile, const char path[], FenInt n, FenInt[]);
FEN_EXTERN PetscErrorCode FenFileWriteInts(FenFile, const char path[], FenInt n, const FenInt[]);
/* data sets with one axis: my entries [start,start+count); written parts lie in rank order */
FEN_EXTERN PetscErrorCode FenFileReadIntPart(FenFile, const char path[], FenInt start, FenInt count, FenInt[]);
FEN_EXTERN PetscErrorCode FenFileReadRealPart(FenFile, const char path[], FenInt start, FenInt count, double[]);
FEN_EXTERN PetscErrorCode FenFileWriteIntPart(FenFile, const char path[], FenInt count, const FenInt[]);
FEN_EXTERN PetscErrorCode FenFileWriteRealPart(FenFile, const char path[], FenInt count, const double[]);
/* attributes of an object ("/" is the root) */
FEN_EXTERN PetscErrorCode FenFileHasAttribute(FenFile, const char path[], const char name[], PetscBool *);
FEN_EXTERN PetscErrorCode FenFileReadRealAttribute(FenFile, const char path[], const char name[], double *);
FEN_EXTERN PetscErrorCode FenFileWriteRealAttribute(FenFile, const char path[], const char name[], double);
FEN_EXTERN PetscErrorCode FenFileReadIntAttribute(FenFile, const char path[], const char name[], FenInt *);
FEN_EXTERN PetscErrorCode FenFileWriteIntAttribute(FenFile, const char path[], const char name[], FenInt);
FEN_EXTERN PetscErrorCode FenFileReadStringAttribute(FenFile, const char path[], const char name[], char[], size_t);
FEN_EXTERN PetscErrorCode FenFileWriteStringAttribute(FenFile, const char path[], const char name[], const char[]);

/* ---- plain files of bytes or lines (io/stream), read and written in parts by all ranks; temporary names as above ----
 */
typedef struct _p_FenStream *FenStream;
FEN_EXTERN PetscErrorCode    FenStreamOpen(MPI_Comm, const char[], FenFileMode, FenStream *);
FEN_EXTERN PetscErrorCode    FenStreamClose(FenStream *);   /* CREATE/REPLACE: sync, rename */
FEN_EXTERN PetscErrorCode    FenStreamDiscard(FenStream *); /* CREATE/REPLACE: remove what was written */
FEN_EXTERN PetscErrorCode    FenStreamGetSize(FenStream, FenInt *);
FEN_EXTERN PetscErrorCode    FenStreamRead(FenStream, FenInt offset, FenInt n, void *); /* my range */
FEN_EXTERN PetscErrorCode    FenStreamAppend(FenStream, FenInt n, const void *);        /* parts in rank order */
/* my share of the lines from a byte on, where line number `line` begins; ended by a zero byte, caller frees */
FEN_EXTERN PetscErrorCode FenStreamReadLines(FenStream, FenInt from, FenInt line, char *text[], FenInt *n,
                                             FenInt *first_line);

/* ---- numeric arrays of every file type (io/array) ----
   A source names FILE or FILE:/path. Kinds by content, the name's ending only where there is no signature:
     HDF5   data set at /path
     .npy   C or Fortran order, little or big endian, integers and floats of any width
     .csv   numbers separated by commas, semicolons or blanks; '#' starts a comment; one header line is allowed
     image  PNG (1 to 16 bit, grey, RGB, palette; alpha composed on black), PGM/PPM/PBM: shape (height, width[, 3]),
            values 0..1
     raw    little-endian doubles; shape given by the caller
   Opening reads the header only and says shape and kind; every rank then reads its own part. */
typedef enum { FEN_ARRAY_HDF5, FEN_ARRAY_NPY, FEN_ARRAY_CSV, FEN_ARRAY_IMAGE, FEN_ARRAY_RAW } FenArrayKind;
FEN_EXTERN const char *const FenArrayKinds[];
typedef struct _p_FenArray  *FenArray;
FEN_EXTERN PetscErrorCode FenArrayOpen(MPI_Comm, const char spec[], PetscInt nshape, const FenInt shape[], FenArray *);
FEN_EXTERN PetscErrorCode FenArrayGetKind(FenArray, FenArrayKind *);
FEN_EXTERN PetscErrorCode FenArrayGetShape(FenArray, PetscInt *, FenInt[8]);
/* the array's first dim axes on the layout, its remaining axes (product ncomp) as components */
FEN_EXTERN PetscErrorCode FenArrayRead(FenArray, FenLayout, PetscInt ncomp, double[]);
/* entries [first, first + count) of the first axis, whole in the others; every rank its own range, also overlapping */
FEN_EXTERN PetscErrorCode FenArrayReadRows(FenArray, FenInt first, FenInt count, double[]);
FEN_EXTERN PetscErrorCode FenArrayClose(FenArray *);
/* TRUE if FILE starts with HDF5's signature; spec may be FILE:/path; splits it */
FEN_EXTERN PetscErrorCode FenPathSplit(const char spec[], char file[], size_t, char path[], size_t);
FEN_EXTERN PetscErrorCode FenPathIsHDF5(MPI_Comm, const char file[], PetscBool *);

/* writers used by plot and by tests; collective, rank 0 holds one row block at a time */
FEN_EXTERN PetscErrorCode FenImageWritePNG(MPI_Comm, const char[], FenLayout grid2d, PetscInt channels, const double[]);

/* ---- ParaView side file for grid results (io/export) ---- */
typedef struct {
  const char *name; /* shown in ParaView */
  const char *path; /* data set inside the HDF5 file */
  PetscInt    ncomp;
  FenInt      shape[FEN_MAX_DIM]; /* shape[0] points of a cloud */
  double      origin[FEN_MAX_DIM], spacing[FEN_MAX_DIM];
  const char *points; /* clouds of dimension 2 or 3: their coordinates inside the HDF5 file; NULL: a grid */
  double      time;   /* of a series */
} FenXDMFField;
FEN_EXTERN PetscErrorCode FenXDMFWrite(MPI_Comm, const char xmf[], const char h5[], PetscInt dim, PetscInt nfields,
                                       const FenXDMFField[]);
/* every field is a step in time */
FEN_EXTERN PetscErrorCode FenXDMFWriteSeries(MPI_Comm, const char xmf[], const char h5[], PetscInt dim,
                                             PetscInt nfields, const FenXDMFField[]);

/* ---- checkpoints (io/ckpt): design section 4, reliability.md section 3 ---- */
typedef struct _p_FenCkpt *FenCkpt;
typedef struct {
  char     dir[PETSC_MAX_PATH_LEN];
  PetscInt keep; /* how many are kept, at least 2 */
} FenCkptOptions;
/* the things that a checkpoint and the running problem must have in common: name and value, compared as text */
typedef struct {
  const char *name;
  char        value[128];
} FenCkptKey;
FEN_EXTERN PetscErrorCode FenCkptCreate(MPI_Comm, const FenCkptOptions *, PetscInt nkeys, const FenCkptKey[],
                                        FenCkpt *);
/* collective; no collective HDF5 call inside. *saved = FALSE and a sentence in `why` when the disk refuses: the caller
   warns and goes on, earlier checkpoints are intact */
FEN_EXTERN PetscErrorCode FenCkptSave(FenCkpt, FenState, PetscBool *saved, char why[], size_t);
/* newest intact checkpoint; *loaded = FALSE if the folder has none at all. Damaged ones are passed over with one
   sentence each in `notes`; keys that differ are an error listing every difference (FEN_ERR_CKPT_MISMATCH); all
   damaged: FEN_ERR_CKPT_NONE */
FEN_EXTERN PetscErrorCode FenCkptLoad(FenCkpt, FenState, PetscBool *loaded, char notes[], size_t);
FEN_EXTERN PetscErrorCode FenCkptGetLast(FenCkpt, char path[], size_t, double *bytes, double *seconds);
FEN_EXTERN PetscErrorCode FenCkptDestroy(FenCkpt *);
/* says what is in a checkpoint directory and whether it is intact (fenchel info) */
FEN_EXTERN PetscErrorCode FenCkptInspect(MPI_Comm, const char dir[], PetscViewer);

#if defined(__cplusplus)
}
#endif
