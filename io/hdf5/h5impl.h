/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Private to io/hdf5 and io/ckpt: the one way to call HDF5.

   Reading: rank 0 opens the file, answers all questions about names, shapes and attributes, and broadcasts the answers;
   the other ranks open it when they read their part of an array. Nothing is collective inside HDF5, so a rank whose
   read fails cannot hang the others. Writing: all ranks through MPI-IO, as HDF5 asks for; one rank's failure is agreed
   after every call.
*/
#pragma once
#include "../ioimpl.h"
#include <hdf5.h>

struct _p_FenFile {
  MPI_Comm    comm; /* without topology: MPI-IO and Cartesian communicators do not go together everywhere */
  PetscMPIInt rank, size;
  FenFileMode mode;
  hid_t       id;
  PetscBool   failed;                   /* a write failed: the file will never get its name */
  char        name[PETSC_MAX_PATH_LEN]; /* as the user gave it */
  char        temp[PETSC_MAX_PATH_LEN];
  FenFile     next; /* in the list of open files */
};

/* what a message names, and the code of an error there */
typedef struct {
  int         code;
  const char *file, *path;
} FenH5Where;

/* a negative result becomes a fault with HDF5's own words; after a fault the remaining calls are skipped */
#define FenCallH5(where, fault, result, call)                                                                          \
  do {                                                                                                                 \
    if (!(fault)->code) {                                                                                              \
      (result) = (__typeof__(result))(call);                                                                           \
      if ((result) < 0)                                                                                                \
        FenH5Fault_Private(where, #call, fault);                                                                       \
    }                                                                                                                  \
  } while (0)
extern void  FenH5Fault_Private(const FenH5Where *, const char call[], FenFault *);
extern void  FenH5Initialize_Private(void);
extern void  FenH5Release_Private(hid_t *);
extern void  FenH5Abandon_Private(const char path[],
                                  hid_t *); /* closes a file that is written, without a wish to keep it */
extern hid_t FenH5AccessList_Private(const FenH5Where *, MPI_Comm, FenFault *); /* MPI_COMM_NULL: this rank alone */
extern void  FenH5OpenRead_Private(FenFile, FenFault *);

static inline FenH5Where FenH5Where_Private(FenFile file, const char path[])
{
  return (FenH5Where){file->mode == FEN_FILE_READ ? FEN_ERR_FILE_FORMAT : FEN_ERR_FILE_WRITE, file->name, path};
}
/* TRUE on the ranks that answer questions: rank 0 of a file that is read, all ranks of one that is written */
static inline PetscBool FenH5Answers_Private(FenFile file)
{
  return file->mode != FEN_FILE_READ || !file->rank ? PETSC_TRUE : PETSC_FALSE;
}
/* collective: agrees on a fault; a fault while writing spoils the file */
extern PetscErrorCode FenFileAgree_Private(FenFile, const FenFault *);
extern PetscErrorCode FenFileCheckWritable_Private(FenFile, const char path[]);

/* guard.c: objects behind checked links, data sets with checked storage */
extern PetscErrorCode FenH5OpenObject_Private(FenFile, const char path[], hid_t *, FenFault *);
extern PetscErrorCode FenH5OpenData_Private(FenFile, const char path[], hid_t *, FenFault *);
extern void           FenH5Describe_Private(const FenH5Where *, hid_t object, FenDataInfo *, FenFault *);
/* names in a group (local); free with FenH5FreeNames_Private */
extern PetscErrorCode FenH5ListNames_Private(const FenH5Where *, hid_t group, PetscInt *, char ***, FenFault *);
extern PetscErrorCode FenH5FreeNames_Private(PetscInt, char ***);

/* slab.c: my box of a data set */
extern PetscErrorCode FenH5ReadSlab_Private(FenFile, const char path[], const FenSlab *, hid_t type, size_t,
                                            void *); /* collective */
extern PetscErrorCode FenH5WriteSlab_Private(FenFile, const char path[], const FenSlab *, hid_t type, size_t,
                                             const void *); /* collective */
/* the data set must have this shape; a last axis of length one may be missing */
extern PetscErrorCode FenH5CheckShape_Private(FenFile, const char path[], PetscInt, const FenInt[], FenDataInfo *);
