/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify for results of fenchel bilevel: the problem is made again, and everything that the file claims of its
   hyperparameters is computed a second time from the stored lower solutions and adjoints, with plain loops over the
   problem's functions. Nothing of the solvers is used.
*/
#pragma once
#include "verifyimpl.h"
#include "bilevelrun.h"

/* of one sample; whole numbers of the team */
typedef struct {
  double value, lower, upper; /* g at x, and between what it lies at argmin h */
  double accuracy, residual;  /* |x - argmin h| and |grad g - H q| are at most these */
  double adjoint;             /* |q - H^{-1} grad g(x)| */
  double size, error;         /* of the sample's hypergradient: norm, and what it may be off */
  double loose_accuracy;      /* by how much rounding may change accuracy, the bracket, residual, error */
  double loose_bracket, loose_residual, loose_error;
} FenVerifySample;

typedef struct {
  FenCLI              *cli;
  FenFile              file;
  MPI_Comm             comm;
  FenBilevelProblem    problem;
  FenBilevelSizes      n;
  FenBilevelPart       part;
  FenTeamsInfo         team;
  const FenBilevelOps *call;
  FenBilevelUpper      upper;
  double               temperature, pull, box[2];
  PetscBool            solved;            /* no lower solutions in the file: they were computed here */
  FenInt               mine, nx, nt;      /* my samples, my numbers of each, my hyperparameters */
  double              *theta, *z, *start; /* stored */
  double              *x, *q;
  double              *work[4]; /* of the length of an x; work[3] also of theta */
  FenVerifySample     *sample;
  double              *znow, *weight;                         /* recomputed hypergradient; dF/dg of my samples */
  double               value, lower, top, error, regulariser; /* recomputed */
} FenVerifyBilevel;

#define FEN_VERIFY_SAME 1e-9 /* relative difference of two sums of the same numbers */

/* the pair of numbers that are furthest apart, wherever it is */
extern PetscErrorCode FenVerifyBilevelWorst_Private(FenVerifyBilevel *, double excess, double *claim, double *found,
                                                    double *most);
/* what is said to people of the samples, and of the validation set (verifybilevelmetrics.c) */
extern PetscErrorCode FenVerifyBilevelMetrics_Private(FenVerdict *, FenVerifyBilevel *);
/* sum over the ranks of a team of a product of my parts */
extern PetscErrorCode FenVerifyBilevelDot_Private(FenVerifyBilevel *, FenInt n, const double[], const double[],
                                                  double *);
/* everything of all samples, then of the objective (verifybilevelpoint.c) */
extern PetscErrorCode FenVerifyBilevelPoint_Private(FenVerifyBilevel *);
/* x and q where the file has none (verifybilevelsolve.c) */
extern PetscErrorCode FenVerifyBilevelSolve_Private(FenVerifyBilevel *);
