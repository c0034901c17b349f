/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify for d-rectangular results: the backward recursion once more, in long double, with plain loops, a
   Gauss-Jordan inverse and a scan of all sorted values. It shares nothing with the solver but the data.
*/
#pragma once
#include "verifyimpl.h"
#include "linearrun.h"

typedef long double FenReal;

typedef struct {
  FenReal *w, *theta, *diagonal, *inverse; /* H x d; inverse H x d x d, kept for the not robust method only */
} FenVerifyStage;

typedef struct {
  FenCLI                *cli;
  FenFile                file;
  char                   type[64];
  FenLinearProblem       problem; /* NULL: a file */
  FenTrajectories        data;    /* NULL: exact */
  FenTrajectoriesSizes   n;
  FenTrajectoriesArrays  a;
  FenLinearMDPParameters p;
  FenAmbiguity           ambiguity;
  FenInt                 first;                                     /* my first trajectory */
  double                *theta, *w, *diagonal, *error, *multiplier; /* stored */
  double                 value, lower, upper, value_error, step_error;
  FenVerifyStage         stage;
  FenReal               *sigma;  /* variances, H x my trajectories; NULL: none */
  FenReal                missed; /* by how much a maximum of the file is worse than one that was found */
} FenVerifyLinear;

/* all steps; sigma_in weighs, sigma_out gets variances; half: trajectories in use, -1: all */
extern PetscErrorCode FenVerifyLinearStage_Private(FenVerifyLinear *, int half, const FenReal *sigma_in,
                                                   FenReal *sigma_out);
extern FenReal        FenVerifyLinearValue_Private(const FenVerifyLinear *, const double features[], const double *stop,
                                                   int fail, int h, int *action);
extern PetscErrorCode FenVerifyLinearExact_Private(FenVerifyLinear *);
extern PetscErrorCode FenVerifyLinearExactValue_Private(FenVerdict *, const FenVerifyLinear *);
