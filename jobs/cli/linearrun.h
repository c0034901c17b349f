/* SPDX-License-Identifier: BSD-2-Clause */
/* fenchel mdp -mdp_rectangular d: what its files share. */
#pragma once
#include "cliimpl.h"
#include <fenchellinearmdp.h>

/* where the data come from; also read from a result, to get them again */
typedef struct {
  char file[PETSC_MAX_PATH_LEN], problem[64]; /* one of them */
} FenLinearSource;
extern PetscErrorCode FenLinearSourceRead_Private(MPI_Comm, const FenLinearSource *, PetscBool data, FenLinearProblem *,
                                                  FenTrajectories *);

#define FEN_TARGETS_MAX 64
typedef struct {
  FenLinearSource     source;
  char                save[PETSC_MAX_PATH_LEN]; /* where the trajectories go; "": nowhere */
  PetscBool           evaluate, ntargets_set;
  PetscReal           targets[FEN_TARGETS_MAX];
  FenLinearEvaluation evaluation;
  FenOutputs          out;
  FenCLICkptOptions   ckpt;
} FenLinearOptions;
extern PetscErrorCode FenLinearOptionsRead_Private(FenCLI *, FenLinearOptions *);
extern PetscErrorCode FenLinearOptionsCheck_Private(FenCLI *, const FenLinearOptions *);

typedef struct {
  FenRun             run; /* first */
  FenLinearOptions  *opt;
  FenLinearProblem   problem; /* NULL: a file */
  FenTrajectories    data;    /* NULL: exact */
  FenFingerprint     print;
  FenLinearMDP       mdp;
  FenLinearMDPBounds bounds;
  double            *returns, mean[FEN_TARGETS_MAX], error[FEN_TARGETS_MAX]; /* returns: replications x targets */
  char               keys[2 * FEN_TARGETS_MAX][40];
} FenLinearRun;
/* of the data, or of a known problem's tables, into run->print */
extern PetscErrorCode FenLinearFingerprint_Private(FenLinearRun *);
extern PetscErrorCode FenLinearWrite_Private(FenRun *, FenFile);
extern PetscErrorCode FenVerbLinear_Private(FenCLI *, int *);
extern PetscErrorCode FenVerbLinearOptions_Private(FenCLI *);
