/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the readers of measures share; only they and the reader of cost matrices know io.
*/
#pragma once
#include "measureimpl.h"
#include <fenchelio.h>

#define FEN_GROUP_PATH   1024
#define FEN_MEASURE_NAME (PETSC_MAX_PATH_LEN + 64)

/* values of FenMeasureSource.kind */
enum { FEN_SOURCE_AUTO = 0, FEN_SOURCE_POINTS = 1, FEN_SOURCE_GRID = 2, FEN_SOURCE_COLOURS = 3 };

/* a group of an open file */
typedef struct {
  MPI_Comm                comm;
  FenFile                 file;
  const FenMeasureSource *source;
  const char             *path;   /* inside the file */
  const char             *name;   /* FILE:/path, for messages */
  FenLayout               layout; /* what was read: freed with the group, also after an error */
  double                 *points, *weights;
} FenMeasureGroup;

extern PetscErrorCode FenMeasureReadGroup_Private(FenMeasureGroup *, FenMeasure *);
