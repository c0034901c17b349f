/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of problems/bilevel share and nobody else sees.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include <petsc/private/petscimpl.h>
#include "../problemsimpl.h"

#define FEN_BILEVEL_CHECK(condition, comm, code, ...) PetscCheck(condition, comm, (PetscErrorCode)(code), __VA_ARGS__)

typedef struct _FenBilevelProblemOps {
  PetscErrorCode (*view)(FenBilevelProblem, PetscViewer);
} FenBilevelProblemOps;

struct _p_FenBilevelProblem {
  PETSCHEADER(FenBilevelProblemOps);
  FenBilevelSizes size;
  FenBilevelOps   call;
  void           *ctx;
  PetscMPIInt     team_size; /* asked for; 0: chosen */
  uint32_t        set;       /* of samples: keys random numbers */
  FenTeams        teams;
  FenTeamsInfo    info;
  FenBilevelPart  part;
  PetscInt        ngroups;
  char          **groups;
  FenInt         *counts;
  PetscBool       isset;
};

/* X(name, Stem, what it is). Stem##Options_Private reads the options -NAME_... (name with _ for -) into a context that
   it allocates with PetscNew; Stem##Make_Private reads or makes data and creates the problem, which owns the context */
#define FEN_BILEVEL_PROBLEM_LIST(X)                                                                                    \
  X("quadratic", FenBilevelQuadratic, "least squares over least squares")                                              \
  X("foe", FenBilevelFoe, "denoising by a field of experts")                                                           \
  X("ridge", FenBilevelRidge, "linear regression, quadratic regularisers")                                             \
  X("logistic", FenBilevelLogistic, "two or more classes, quadratic regularisers")                                     \
  X("tv", FenBilevelTv, "denoising by smoothed total variation")                                                       \
  X("tv1d-reference", FenBilevelTv1d, "published denoising of ten signals, one hyperparameter")                        \
  X("tv1d-reference3", FenBilevelTv1d3, "published denoising of twenty signals, three hyperparameters")                \
  X("cleaning", FenBilevelCleaning, "row weights against wrong labels")                                                \
  X("elastic-net", FenBilevelElasticNet, "sparse regression, l1 and l2 regularisers")                                  \
  X("kernel-ridge", FenBilevelKernelRidge, "Gaussian kernels, length scales and noise")

#define FEN_BILEVEL_DECLARE(name, Stem, text)                                                                          \
  PETSC_INTERN PetscErrorCode Stem##Options_Private(FenOptionItems, MPI_Comm, void **ctx);                             \
  PETSC_INTERN PetscErrorCode Stem##Make_Private(MPI_Comm, void *ctx, const FenBilevelData *, FenBilevelProblem *);
FEN_BILEVEL_PROBLEM_LIST(FEN_BILEVEL_DECLARE)
#undef FEN_BILEVEL_DECLARE

/* ---- options of numbers in a range ---- */
PETSC_INTERN PetscErrorCode FenBilevelOptionInt_Private(FenOptionItems, MPI_Comm, const char option[],
                                                        const char text[], FenInt least, FenInt most, FenInt *);
PETSC_INTERN PetscErrorCode FenBilevelOptionReal_Private(FenOptionItems, MPI_Comm, const char option[],
                                                         const char text[], double least, double most, double *);

/* sums over the team, in place; order-free to the last digits */
PETSC_INTERN PetscErrorCode FenBilevelTeamSum_Private(FenBilevelProblem, PetscInt n, double values[]);
/* all p hyperparameters on every rank of the team, for problems with few of them */
PETSC_INTERN PetscErrorCode FenBilevelThetaGather_Private(FenBilevelProblem, const double theta[], double all[]);
/* my part of p numbers that all ranks of the team have */
PETSC_INTERN void FenBilevelThetaTake_Private(FenBilevelProblem, const double all[], double theta[]);
