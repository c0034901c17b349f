/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Linear models, which ridge, logistic, cleaning and elastic-net share: weights W of features x width are the lower
   variable, rows cut over the team; a loss of the scores X W is summed over the rows of the training set (lower) and of
   the validation set (upper). Every product gathers the weights, works on the rank's own rows, and sums features x
   width numbers over the team: one message of each kind.
*/
#pragma once
#include "datasetimpl.h"

typedef enum { FEN_LOSS_SQUARED, FEN_LOSS_BINARY, FEN_LOSS_SOFTMAX } FenLoss;

/* row loss l(u) of scores u[c] and target y: first derivative r, and p, which FenLossProduct_Private takes. Squared:
   (u-y)^2/2; binary: log(1+e^u) - y u; softmax: log sum_k e^{u_k} - u_y */
PETSC_INTERN double FenLossRow_Private(FenLoss, PetscInt c, double y, const double u[], double r[], double p[]);
/* r = H_l v */
PETSC_INTERN void FenLossProduct_Private(FenLoss, PetscInt c, const double p[], const double v[], double r[]);
/* bounds: of the largest eigenvalue of H_l, of its Lipschitz constant (spectral norm), of |r| */
typedef struct {
  double curvature, third, slope;
} FenLossBounds;
PETSC_INTERN FenLossBounds FenLossGetBounds_Private(FenLoss);

typedef struct {
  FenDataset   train, valid;
  FenLoss      loss;
  PetscBool    kl; /* upper: KL-robust mean of the rows' losses; otherwise the mean */
  double       temperature;
  PetscInt     d, c;
  PetscMPIInt *count, *place; /* of the team's ranks in gathered weights */
  double      *W, *V, *G;     /* d x c, whole on every rank: point, direction, sums */
  FenDD       *sum;
  double      *U, *P;   /* of train at the linearised point: rows' derivatives, curvature */
  double      *S, *p;   /* of train: work; of one row: work */
  PetscInt     block;   /* rows whose features stay in a core's cache */
  double      *UV, *PV; /* of valid, the same */
  double      *R, *L;   /* of valid: second product, losses and then weights */
  double      *weight;  /* of my train rows, their sum is that of the losses; NULL: 1/n each */
  double       train_norm, valid_norm, train_row, valid_row; /* FenDatasetNorm_Private() */
} FenLinear;

/* options -NAME_upper mean|kl and its temperature */
PETSC_INTERN PetscErrorCode FenLinearOptions_Private(FenOptionItems, MPI_Comm, const char name[], FenLinear *);
/* sets have been loaded; teams are known */
PETSC_INTERN PetscErrorCode FenLinearSetUp_Private(FenBilevelProblem, FenLinear *);
PETSC_INTERN PetscErrorCode FenLinearFree_Private(FenLinear *);
/* whole x on every rank */
PETSC_INTERN PetscErrorCode FenLinearGather_Private(FenBilevelProblem, FenLinear *, const double x[], double all[]);
/* G, parts of a sum, summed; mine into g */
PETSC_INTERN PetscErrorCode FenLinearReduce_Private(FenBilevelProblem, FenLinear *, double G[], double g[]);
/* loss of the training set, my part of its sum; gradient g */
PETSC_INTERN PetscErrorCode FenLinearGradient_Private(FenBilevelProblem, FenLinear *, const double x[], double *value,
                                                      double g[]);
/* P at x, rows' derivatives without weights in U */
PETSC_INTERN PetscErrorCode FenLinearLinearise_Private(FenBilevelProblem, FenLinear *, const double x[]);
PETSC_INTERN PetscErrorCode FenLinearHessian_Private(FenBilevelProblem, FenLinear *, const double v[], double Hv[]);
/* of the loss's Hessian, without a regulariser */
PETSC_INTERN PetscErrorCode FenLinearDiagonal_Private(FenBilevelProblem, FenLinear *, double d[]);
PETSC_INTERN PetscErrorCode FenLinearUpper_Private(FenBilevelProblem, FenLinear *, const double x[], double *value,
                                                   double g[]);
PETSC_INTERN PetscErrorCode FenLinearUpperHessian_Private(FenBilevelProblem, FenLinear *, const double x[],
                                                          const double v[], double Gv[]);
/* Lipschitz constant of the upper gradient */
PETSC_INTERN double FenLinearUpperBound_Private(const FenLinear *);
/* ---- functions of problems whose context begins with a FenLinear ---- */
PETSC_INTERN PetscErrorCode FenLinearView_Private(FenBilevelProblem, PetscViewer);
PETSC_INTERN PetscErrorCode FenLinearFingerprint_Private(FenBilevelProblem, FenFingerprint *);
/* values, or probabilities of classes: of the second one of two, of all of them for softmax */
PETSC_INTERN PetscErrorCode FenLinearPredict_Private(FenBilevelProblem, FenInt s, const double x[],
                                                     FenBilevelPredictions *, double out[]);
/* share of the validation rows whose largest score is their label's */
PETSC_INTERN PetscErrorCode FenLinearAccuracy_Private(FenBilevelProblem, FenLinear *, const double x[], double *share);

/* ---- quadratic regularisers 1/2 sum_jk e^{theta of (j,k)} w_jk^2 (penalty.c) ---- */
typedef enum {
  FEN_PENALTY_SCALAR,
  FEN_PENALTY_CLASS,
  FEN_PENALTY_FEATURE,
  FEN_PENALTY_WEIGHT,
  FEN_PENALTY_GROUP
} FenPenaltyKind;
typedef struct {
  FenPenaltyKind kind;
  FenInt         d, c, groups, p;
  double         start, box;  /* options */
  double        *factor, *t;  /* e^theta of all p; work */
  double         least, most; /* of the factors */
  double        *point;       /* my part of the linearised x */
} FenPenalty;

/* options -NAME_start and -NAME_box */
PETSC_INTERN PetscErrorCode FenPenaltyOptions_Private(FenOptionItems, MPI_Comm, const char name[], FenPenalty *);
/* sizes; p */
PETSC_INTERN PetscErrorCode FenPenaltyCreate_Private(MPI_Comm, FenPenaltyKind, FenInt d, FenInt c, FenInt groups,
                                                     FenPenalty *);
PETSC_INTERN PetscErrorCode FenPenaltySetUp_Private(FenBilevelProblem, FenPenalty *);
PETSC_INTERN PetscErrorCode FenPenaltyFree_Private(FenPenalty *);
PETSC_INTERN double         FenPenaltyFactor_Private(const FenPenalty *, FenInt j, FenInt k);
PETSC_INTERN PetscErrorCode FenPenaltySet_Private(FenBilevelProblem, FenPenalty *, const double theta[]);
/* g += e^theta v, and my part of 1/2 v^T e^theta v */
PETSC_INTERN double         FenPenaltyAdd_Private(FenBilevelProblem, const FenPenalty *, const double v[], double g[]);
PETSC_INTERN PetscErrorCode FenPenaltyLinearise_Private(FenBilevelProblem, FenPenalty *, const double x[]);
PETSC_INTERN PetscErrorCode FenPenaltyJacobian_Private(FenBilevelProblem, FenPenalty *, const double t[], double Jt[]);
PETSC_INTERN PetscErrorCode FenPenaltyTranspose_Private(FenBilevelProblem, FenPenalty *, const double q[], double t[]);
/* |J|: its columns do not overlap, so this is the longest of them */
PETSC_INTERN PetscErrorCode FenPenaltyNorm_Private(FenBilevelProblem, FenPenalty *, double *norm);
/* a theta whose exponential is 0 or infinite is an error of all ranks that names it */
PETSC_INTERN PetscErrorCode FenPositiveExponentials_Private(FenBilevelProblem, FenInt n, FenInt first,
                                                            const double theta[], double factor[]);
PETSC_INTERN void           FenPenaltyStart_Private(FenBilevelProblem, const FenPenalty *, double theta[]);
PETSC_INTERN void FenPenaltyBox_Private(FenBilevelProblem, const FenPenalty *, double lower[], double upper[]);
