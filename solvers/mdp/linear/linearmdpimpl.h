/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What FenLinearMDP and its types share.

   A type that learns is a FenLinearRule: which ambiguity it knows, and how one step's weights come from the values of
   the next states. Everything else (regression, bounds, cuts, values, state) is common. Methods with estimated
   variances run two stages, the first of which is the same method without them.
*/
#pragma once
#include <fenchellinearmdp.h>
#include "../../solverimpl.h"
#include "../ambiguityimpl.h"

#define FEN_EPS 1.1102230246251565e-16 /* half a unit in the last place of one */

/* what all ranks know of a stage; horizon x features each */
typedef struct {
  double *theta, *w, *diagonal, *error, *multiplier;
  double *z1, *z2;           /* regressions of the next value and of its square, for variances */
  double *inverse;           /* horizon x features x features: Lambda^{-1}; NULL: the method needs its diagonal only */
  double *effective, *slack; /* made from the others: Q = <phi, effective>, wrong by <phi, slack> */
} FenLinearStage;

/* one step: the regression and the next values */
typedef struct {
  PetscInt        h;
  PetscBool       last; /* nothing comes after it */
  FenLinearStage *stage;
  FenInt          n;
  const double   *weight;                   /* of my trajectories; NULL: all one */
  double         *phi;                      /* n x d: features of the actions taken */
  double         *v, *dv;                   /* next values, and how wrong they may be */
  double         *Lambda, *X, *absX, *absE; /* absE = |I - Lambda X|, as computed */
  double         *C;                        /* n x d: X phi, weights included */
  double          gamma;                    /* relative error of sums over trajectories */
  double          spread;                   /* relative error of the weights, from estimated variances */
  double          tail;  /* eta/(1 - eta), eta the largest row sum of |I - Lambda X|, rounding included */
  double          range; /* values lie in [0,range] */
  double          least, dleast;
} FenLinearStep;

/* one number a factor: weights of a step; how wrong they are (error), and would be if the next values were exact
   (local); the scalar that gave each */
typedef struct {
  double *w, *error, *local, *multiplier;
} FenLinearAnswer;

typedef struct {
  const char *name;
  const char *ambiguities; /* words between blanks; the first is meant if none is named; NULL: none may be named */
  PetscBool   radius;      /* a ball; otherwise a price */
  PetscBool   variances;
  PetscBool   inverse; /* pessimism needs all of Lambda^{-1} */
  PetscBool   rewards; /* rewards are part of what is regressed */
  PetscErrorCode (*weights)(FenLinearMDP, FenLinearStep *, FenLinearAnswer *);
} FenLinearRule;

struct _p_FenLinearMDP {
  struct _p_FenSolver base; /* first: a FenLinearMDP is a FenSolver */
  /* user parameters */
  FenTrajectories        data;
  FenLinearProblem       problem;
  FenAmbiguity           ambiguity;
  FenLinearMDPParameters par;
  /* sizes */
  FenTrajectoriesSizes  size;
  FenTrajectoriesArrays a;
  PetscInt              H, d;
  FenInt                start; /* my first trajectory */
  const FenLinearRule  *rule;  /* NULL: exact */
  FenAmbiguity          use;   /* the ambiguity, with what a type means if none was named */
  /* state */
  FenInt         step; /* steps made, of all stages */
  FenInt         nstages;
  FenLinearStage stage[2];
  double        *V, *dV; /* exact: values of all states in the step, and how wrong */
  double         eta;    /* largest |I - Lambda X| so far */
  double         local;  /* largest error of a weight so far, next values taken as exact */
  /* work */
  double *phi, *scaled, *v, *dv, *f, *df, *weight, *Lambda, *X, *absX, *absE, *C, *vector, *localw; /* vector: 12 d */
  /* answers */
  FenInt             nvalue;
  double            *value;
  int               *action;
  FenLinearMDPBounds bounds;
};

/* X-list of types: one line makes declaration and registration */
#define FEN_LINEARMDP_TYPE_LIST(X)                                                                                     \
  X(FENLINEARMDPR2PVI, R2PVI)                                                                                          \
  X(FENLINEARMDPPEVI, PEVI)                                                                                            \
  X(FENLINEARMDPDRPVI, DRPVI)                                                                                          \
  X(FENLINEARMDPDRVIL, DRVIL)                                                                                          \
  X(FENLINEARMDPVADRPVI, VADRPVI)                                                                                      \
  X(FENLINEARMDPVAR2PVI, VAR2PVI)                                                                                      \
  X(FENLINEARMDPEXACT, Exact)
#define FEN_LINEARMDP_DECLARE(name, Type) PETSC_INTERN PetscErrorCode FenLinearMDPCreate_##Type(FenSolver);
FEN_LINEARMDP_TYPE_LIST(FEN_LINEARMDP_DECLARE)
#undef FEN_LINEARMDP_DECLARE

PETSC_INTERN PetscErrorCode FenLinearMDPInitializePackage_Private(void);
PETSC_INTERN PetscErrorCode FenLinearMDPOptions_Private(FenSolver, PetscOptionItems *);

/* ---- the common iteration (learn.c) ---- */
PETSC_INTERN PetscErrorCode FenLinearLearn_Private(FenSolver, const FenLinearRule *);
/* all steps are made: nothing more can be done about the gap, which is rounding */
PETSC_INTERN void           FenLinearEnd_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenLinearState_Private(FenSolver, FenState);
PETSC_INTERN PetscErrorCode FenLinearStageCreate_Private(FenLinearMDP, PetscBool inverse, FenLinearStage *);
PETSC_INTERN PetscErrorCode FenLinearStageDestroy_Private(FenLinearStage *);

/* ---- regression (regression.c) ---- */
/* features of the actions taken, Lambda, its inverse, tolerances; weights and their relative error are set before */
PETSC_INTERN PetscErrorCode FenLinearRegress_Private(FenLinearMDP, FenLinearStep *);
/* w = Lambda^{-1} sum_tau weight phi f, refined once; |w - exact| <= local if f is right up to its last digits and
   `extra`, <= error if it may also be wrong by df (NULL: it may not) */
PETSC_INTERN PetscErrorCode FenLinearFit_Private(FenLinearMDP, const FenLinearStep *, const double f[], double extra,
                                                 const double df[], double w[], double error[], double local[]);
/* sum_tau weight phi f over all ranks */
PETSC_INTERN PetscErrorCode FenLinearSum_Private(FenLinearMDP, const FenLinearStep *, const double f[], double b[]);
/* e >= |Lambda^{-1}| y, y >= 0; or only what the error of X contributes, e >= |(Lambda^{-1} - X)| y */
PETSC_INTERN void FenLinearBound_Private(const FenLinearMDP, const FenLinearStep *, const double y[], double e[]);
PETSC_INTERN void FenLinearTail_Private(const FenLinearMDP, const FenLinearStep *, const double y[], double e[]);

/* e >= |C| x for x >= 0, one number a trajectory, over all ranks */
PETSC_INTERN PetscErrorCode FenLinearPropagate_Private(FenLinearMDP, const FenLinearStep *, const double x[],
                                                       double e[]);
/* f >= 0 on trajectories, |C f| <= size: what rounding has done to C f, computed from C */
PETSC_INTERN PetscErrorCode FenLinearRounding_Private(FenLinearMDP, const FenLinearStep *, const double f[],
                                                      const double size[], double e[]);

/* ---- values (values.c) ---- */
/* effective weights and slack of a step from what is known of it */
PETSC_INTERN void   FenLinearPrepare_Private(const FenLinearMDP, const FenLinearStage *, PetscInt h);
PETSC_INTERN double FenLinearValue_Private(const FenLinearMDP, const FenLinearStage *, PetscInt h,
                                           const double features[], const double *stop, PetscBool fail, int *action,
                                           double *error);
/* values of step h in the states of my trajectories, and how wrong */
PETSC_INTERN void FenLinearValues_Private(const FenLinearMDP, const FenLinearStage *, PetscInt h, double v[],
                                          double dv[]);

/* ---- exact one-dimensional maximisers (threshold.c) ----
   max over alpha in [0,range] of g_i(z1, z2, alpha), z1 = (C [v]_alpha)_i, z2 = (C [v]_alpha^2)_i, C = X Phi^T weight:
     linear     z1 - radius_i alpha
     quadratic  sign (z1 + z1^2/(4 lambda) - z2/(4 lambda)) */
typedef struct {
  PetscBool     quadratic;
  const double *radius;
  double        lambda, sign;
} FenThreshold;
PETSC_INTERN PetscErrorCode FenLinearThreshold_Private(MPI_Comm, PetscInt           d, const FenLinearStep *,
                                                       const FenThreshold *, double value[], double alpha[],
                                                       double size[]); /* size >= |z1| at all alpha */

/* ---- weights of the methods ---- */
PETSC_INTERN PetscErrorCode FenLinearWeightsTV_Private(FenLinearMDP, FenLinearStep *, FenLinearAnswer *);
PETSC_INTERN PetscErrorCode FenLinearWeightsKL_Private(FenLinearMDP, FenLinearStep *, FenLinearAnswer *);
PETSC_INTERN PetscErrorCode FenLinearWeightsPearson_Private(FenLinearMDP, FenLinearStep *, FenLinearAnswer *);
PETSC_INTERN PetscErrorCode FenLinearWeightsBallTV_Private(FenLinearMDP, FenLinearStep *, FenLinearAnswer *);
