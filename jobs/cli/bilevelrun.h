/* SPDX-License-Identifier: BSD-2-Clause */
/* fenchel bilevel: what its files share. */
#pragma once
#include "cliimpl.h"
#include <fenchelbilevel.h>

/* where a problem comes from; also read from a result, to make it again */
typedef struct {
  char problem[64], train[PETSC_MAX_PATH_LEN], valid[PETSC_MAX_PATH_LEN];
} FenBilevelSource;
extern PetscErrorCode FenBilevelSourceMake_Private(MPI_Comm, const FenBilevelSource *, FenBilevelProblem *);
/* by the options of another run (its root attribute), those of the present command line first */
extern PetscErrorCode FenBilevelSourceMakeLike_Private(MPI_Comm, const FenBilevelSource *, const char options[],
                                                       FenBilevelProblem *);
extern PetscErrorCode FenBilevelSourceWrite_Private(const FenBilevelSource *, FenFile);
extern PetscErrorCode FenBilevelSourceRead_Private(FenFile, FenBilevelSource *);
/* of data and sizes, the same on any number of ranks; zero if the problem has none */
extern PetscErrorCode FenBilevelFingerprint_Private(FenBilevelProblem, char text[], size_t);

typedef struct {
  FenBilevelSource  source;
  char              theta[PETSC_MAX_PATH_LEN];
  char              apply[PETSC_MAX_PATH_LEN], input[PETSC_MAX_PATH_LEN];
  PetscBool         store_lower, store_images, store_images_set;
  PetscReal         accuracy; /* of -valid and -apply: root mean square of |x - argmin h| */
  FenOutputs        out;
  FenCLICkptOptions ckpt;
} FenBilevelOptions;
extern PetscErrorCode FenBilevelOptionsRead_Private(FenCLI *, FenBilevelOptions *);
extern PetscErrorCode FenBilevelOptionsCheck_Private(FenCLI *, const FenBilevelOptions *);

/* ---- hyperparameters (bileveltheta.c) ---- */
/* what `text` says, numbers or FILE.h5[:/path], on the problem's parts; the problem is set up */
extern PetscErrorCode FenBilevelThetaRead_Private(FenBilevelProblem, const char text[], double theta[]);
/* theta of one problem on the parts of another with as many */
extern PetscErrorCode FenBilevelThetaMove_Private(FenBilevelProblem from, const double[], FenBilevelProblem to,
                                                  double[]);
/* rows of theta: of the first team */
extern PetscErrorCode FenBilevelThetaLayout_Private(FenBilevelProblem, FenLayout *);
extern PetscErrorCode FenBilevelSampleLayout_Private(FenBilevelProblem, FenLayout *);
extern PetscErrorCode FenBilevelLowerLayout_Private(FenBilevelProblem, FenLayout *);

/* ---- theta on a set of samples (bilevelvalid.c) ---- */
typedef struct {
  FenBilevelProblem problem; /* owned */
  FenBilevel        solver;  /* holds the lower solutions; NULL: the solver of the run has them */
  const double     *x;       /* my samples */
  double           *metrics; /* my samples x metrics */
  double            mean[FEN_BILEVEL_METRICS];
  FenBilevelBounds  bounds;
} FenBilevelTrial;
/* sets the problem of a trial up; in teams as for learning if its samples, which may be smaller, have as many parts */
extern PetscErrorCode FenBilevelTrialSetUp_Private(FenBilevelProblem);
/* of a problem that is set up; accuracy: see FenBilevelOptions */
extern PetscErrorCode FenBilevelTrialSolve_Private(FenBilevelProblem, const double theta[], double accuracy,
                                                   FenBilevelTrial *);
/* of lower solutions that are known */
extern PetscErrorCode FenBilevelTrialTake_Private(FenBilevelProblem, const double theta[], const double x[],
                                                  FenBilevelTrial *);
extern PetscErrorCode FenBilevelTrialDestroy_Private(FenBilevelTrial *);
/* of a group: numbers; lower solutions and observations; the truth, too */
typedef enum { FEN_TRIAL_METRICS, FEN_TRIAL_SOLUTIONS, FEN_TRIAL_ALL } FenTrialContent;
extern PetscErrorCode FenBilevelTrialWrite_Private(const FenBilevelTrial *, FenFile, const char group[],
                                                   FenTrialContent);

typedef struct {
  FenRun             run; /* first */
  FenBilevelOptions *opt;
  FenBilevelProblem  problem;
  FenBilevelSizes    sizes;
  FenBilevel         bilevel;
  FenBilevelBounds   bounds;
  FenBilevelTrial    train, valid; /* metrics of the samples that were learned from, and of others */
  PetscBool          has_train, has_valid;
  char               keys[2 * FEN_BILEVEL_METRICS][64];
  char               print[64]; /* of the data */
} FenBilevelRun;
extern PetscErrorCode FenBilevelWrite_Private(FenRun *, FenFile);
extern PetscErrorCode FenBilevelKeys_Private(FenRun *, FenKeys *);
extern PetscErrorCode FenBilevelSummarise_Private(FenRun *, FenSummary *);
extern PetscErrorCode FenBilevelApply_Private(FenCLI *, const FenBilevelOptions *, int *status);
