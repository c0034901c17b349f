/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the readers and writers of models share.
*/
#pragma once
#include "../mdpmodelimpl.h"
#include <fenchelio.h>

#define FEN_MDP_NAME 128

/* what is read or written, and how; options fill it in */
typedef struct {
  MPI_Comm    comm;
  char        file[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN]; /* path: group inside an HDF5 file */
  char        rewards[PETSC_MAX_PATH_LEN];                        /* second file of PETSc's binary format */
  char        terminal[FEN_MDP_NAME];                             /* label of terminal states */
  char        where[PETSC_MAX_PATH_LEN + 16];                     /* "file 'x': " */
  PetscBool   substochastic, listed;                              /* listed: zeros stay */
  FenFileMode mode;                                               /* writing */
} FenMDPFile;

typedef PetscErrorCode (*FenMDPReadFn)(const FenMDPFile *, FenMDPModel *);
typedef PetscErrorCode (*FenMDPWriteFn)(const FenMDPFile *, FenMDPModel); /* a stored model */

/* ---- rows out of lines (records.c) ---- a line of a text file says one of these */
typedef enum {
  FEN_RECORD_TERMINAL, /* the state has no rows, whatever else is said */
  FEN_RECORD_STATE,    /* reward of a state */
  FEN_RECORD_ROW,      /* reward of a row */
  FEN_RECORD_PROB,     /* probability of a successor, and a reward with it */
  FEN_RECORD_REWARD    /* reward of a successor alone */
} FenMDPRecordKind;

typedef struct {
  FenInt  state, action, next, line; /* action and next: -1 where they are not said */
  int32_t kind, file;                /* file: which of the names */
  double  prob, reward;
  double  low, up; /* bounds of prob; up = 0: none */
} FenMDPRecord;

typedef struct {
  FenInt        n, room;
  FenMDPRecord *record;
} FenMDPRecords;

PETSC_INTERN PetscErrorCode FenMDPRecordsAdd_Private(FenMDPRecords *, const FenMDPRecord *);
/* names of the files that records come from; nstates < 0: as many as are mentioned. Frees the records, also after an
   error */
PETSC_INTERN PetscErrorCode FenMDPRecordsBuild_Private(const FenMDPFile *, const char *const names[], FenInt nstates,
                                                       FenMDPRecords *, FenMDPModel *);

/* ---- lines (scan.c) ---- */
typedef struct {
  const char *file;
  char       *text, *at; /* all of my lines; the rest of them */
  FenInt      line;      /* number of the present line */
  FenInt      next;      /* of the one after it */
  char       *p;         /* rest of the present line */
  FenFault   *fault;
} FenMDPScan;

/* the file's lines from a byte on; head: the first line that says something, and the place behind it */
PETSC_INTERN PetscErrorCode FenMDPScanHead_Private(MPI_Comm, const char file[], const char comment[], char head[],
                                                   size_t size, FenInt *from, FenInt *line);
PETSC_INTERN PetscErrorCode FenMDPScanOpen_Private(MPI_Comm, const char file[], FenInt from, FenInt line, FenFault *,
                                                   FenMDPScan *);
PETSC_INTERN PetscErrorCode FenMDPScanClose_Private(FenMDPScan *);
/* the next line that says something, blanks skipped; FALSE at the end or after a fault. comment: what begins one */
PETSC_INTERN PetscBool FenMDPScanLine_Private(FenMDPScan *, const char comment[]);
/* numbers, separated by blanks, tabs, commas, semicolons; what they are called goes into the fault */
PETSC_INTERN FenInt FenMDPScanInt_Private(FenMDPScan *, const char what[], FenInt least, FenInt most);
PETSC_INTERN double FenMDPScanReal_Private(FenMDPScan *, const char what[]);
/* a probability, or [low,up] with any number between */
PETSC_INTERN void      FenMDPScanProb_Private(FenMDPScan *, FenMDPRecord *);
PETSC_INTERN PetscBool FenMDPScanEnd_Private(FenMDPScan *); /* nothing else on the line */
PETSC_INTERN void      FenMDPScanFault_Private(FenMDPScan *, const char what[]);

/* ---- text that grows (scan.c) ---- */
typedef struct {
  char  *text;
  size_t n, room;
} FenMDPText;
PETSC_INTERN PetscErrorCode FenMDPTextPut_Private(FenMDPText *, const char[], ...)
    __attribute__((format(printf, 2, 3)));
/* the texts of all ranks, one after the other, become a file; frees them */
PETSC_INTERN PetscErrorCode FenMDPTextWrite_Private(const FenMDPFile *, const char file[], FenMDPText *);

/* file's name with another ending instead of its own */
PETSC_INTERN PetscErrorCode FenMDPSibling_Private(const char file[], const char ending[], char name[], size_t);
PETSC_INTERN PetscErrorCode FenMDPReadHDF5_Private(const FenMDPFile *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPWriteHDF5_Private(const FenMDPFile *, FenMDPModel);
PETSC_INTERN PetscErrorCode FenMDPReadBinary_Private(const FenMDPFile *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPWriteBinary_Private(const FenMDPFile *, FenMDPModel);
PETSC_INTERN PetscErrorCode FenMDPReadPRISM_Private(const FenMDPFile *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPWritePRISM_Private(const FenMDPFile *, FenMDPModel);
PETSC_INTERN PetscErrorCode FenMDPReadDRN_Private(const FenMDPFile *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPWriteDRN_Private(const FenMDPFile *, FenMDPModel);
PETSC_INTERN PetscErrorCode FenMDPReadCSV_Private(const FenMDPFile *, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenMDPWriteCSV_Private(const FenMDPFile *, FenMDPModel);
