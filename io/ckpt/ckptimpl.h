/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Private to io/ckpt. A checkpoint is a folder DIR/000123 with state.h5, the arrays in global order, and manifest.json,
   which says what is in it and how its bytes hash.

   Saving makes no collective HDF5 call: a rank whose write fails inside one hangs all others. Rank 0 lays state.h5 out
   with serial HDF5; then every rank writes its own bytes, and one reduction says whether all could.
*/
#pragma once
#include "../ioimpl.h"

#define FEN_CKPT_FORMAT     1 /* version of the manifest */
#define FEN_CKPT_BLOCK      ((FenInt)8 << 20)
#define FEN_CKPT_MAX_TEXT   ((FenInt)256 << 20) /* limits of a manifest that is read */
#define FEN_CKPT_MAX_ITEMS  4096
#define FEN_CKPT_MAX_KEYS   256
#define FEN_CKPT_NAME       128
#define FEN_CKPT_MAX_KEEP   1000
#define FEN_CKPT_MAX_NUMBER INT64_C(999999999)

/* one data set of state.h5; a CSR entry has three, every other entry has one */
typedef struct {
  char     path[FEN_CKPT_NAME + 16];
  int      integers; /* int64, otherwise double */
  PetscInt rank;
  FenInt   shape[FEN_MAX_DIM + 1];
  FenInt   offset; /* in the file */
} FenCkptData;

/* one entry of the state */
typedef struct {
  char           name[FEN_CKPT_NAME];
  FenStateKind   kind;
  FenFingerprint fingerprint;
  FenInt         first; /* CSR: non-zeros of the ranks before; not in the manifest */
  PetscInt       ndata;
  FenCkptData    data[3];
} FenCkptItem;

typedef struct {
  FenInt      number;
  char        suite[32];
  PetscInt    nkeys, nitems;
  FenCkptKey *keys; /* names owned by keynames */
  char (*keynames)[FEN_CKPT_NAME];
  FenCkptItem *items;
  FenInt       size, nhashes; /* of state.h5 */
  uint64_t    *hashes;        /* two words a block */
} FenManifest;

struct _p_FenCkpt {
  MPI_Comm       comm;
  PetscMPIInt    rank, size;
  FenCkptOptions options;
  PetscInt       nkeys;
  FenCkptKey    *keys;
  char (*keynames)[FEN_CKPT_NAME];
  FenInt   last; /* number of the newest one saved or loaded; -1: none */
  double   bytes, seconds;
  PetscInt nbad; /* found damaged by a load: not counted among those kept, removed by the next rotation */
  FenInt   bad[FEN_CKPT_MAX_KEEP];
};

extern const char *const FenCkptKindNames_Private[];

/* ---- manifest.c, parse.c ---- */
extern PetscErrorCode FenManifestPrint_Private(const FenManifest *, char **text, size_t *n);
/* local; a fault says which rule the text breaks */
extern PetscErrorCode FenManifestParse_Private(const char text[], size_t n, FenManifest *, FenFault *);
extern PetscErrorCode FenManifestDestroy_Private(FenManifest *);
extern void           FenCkptHash_Private(const void *, size_t, uint64_t hash[2]);

/* ---- folder.c: rank 0 ---- */
extern void FenCkptPath_Private(const char dir[], FenInt number, const char file[], char[], size_t);
/* numbers of the complete checkpoints, newest first; PetscMalloc'ed; a missing folder has none */
extern PetscErrorCode FenCkptList_Private(const char dir[], PetscInt *, FenInt *[], int *err);
extern int            FenCkptMakeFolder_Private(const char dir[]);
extern int            FenCkptRemoveFolder_Private(const char path[]);
extern void           FenCkptRemoveStale_Private(const char dir[]);
extern int            FenCkptLock_Private(const char path[]);
extern int            FenCkptRemove_Private(const char dir[], FenInt number);

/* ---- describe.c ---- */
/* the state as items, with fingerprints if asked; collective */
extern PetscErrorCode FenCkptDescribe_Private(FenState, PetscBool fingerprints, PetscInt *, FenCkptItem *[]);
/* fills in the data sets that an entry of this kind has: their paths and types */
extern void   FenCkptNameData_Private(FenCkptItem *);
extern FenInt FenCkptElements_Private(const FenCkptData *);

/* ---- layout.c: rank 0, serial HDF5 ---- */
extern PetscErrorCode FenCkptLayOut_Private(const char file[], PetscInt, FenCkptItem[], FenFault *);
extern PetscErrorCode FenCkptCheckFile_Private(const char file[], PetscInt, const FenCkptItem[], FenFault *);

/* ---- transfer.c ---- */
/* moves my part of an item between memory and the open file; local; 0 or an errno */
extern PetscErrorCode FenCkptTransfer_Private(const FenStateEntry *, const FenCkptItem *, PetscMPIInt rank, int fd,
                                              PetscBool write, int *err);
/* hashes of my blocks of a file (block b belongs to rank b mod size), others zero; local; fresh: from the disk, if the
   system can be asked to */
extern PetscErrorCode FenCkptHashFile_Private(const char file[], PetscMPIInt rank, PetscMPIInt size, FenInt nblocks,
                                              FenInt bytes, PetscBool fresh, uint64_t hashes[], int *err);

/* ---- verify.c: collective ---- */
/* a sentence that says why not; the first one stays */
extern void FenCkptWhy_Private(char[], size_t, const char[], ...) __attribute__((format(printf, 3, 4)));
/* the sentence of the lowest rank that has one becomes that of all */
extern PetscErrorCode FenCkptAgree_Private(MPI_Comm, char why[], size_t);
/* local, rank 0: the manifest's text, a sentence in why if it cannot be had */
extern PetscErrorCode FenCkptReadText_Private(const char dir[], FenInt number, char **, FenInt *, char why[], size_t);
/* reads and checks the manifest, the size and the block hashes; *why is empty if the checkpoint is intact */
extern PetscErrorCode FenCkptReadManifest_Private(MPI_Comm, const char dir[], FenInt number, FenManifest *, char why[],
                                                  size_t);
extern PetscErrorCode FenCkptVerify_Private(MPI_Comm, const char dir[], const FenManifest *, char why[], size_t);
