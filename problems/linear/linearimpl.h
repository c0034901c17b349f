/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of problems/linear share and nobody else sees.
*/
#pragma once
#include "../problemsimpl.h"
#include <fenchellinear.h>
#include <petsc/private/petscimpl.h>
#include <compat.h>
#include <petscviewer.h>

#define FEN_LINEAR_CHECK(condition, comm, code, ...) PetscCheck(condition, comm, (PetscErrorCode)(code), __VA_ARGS__)
#define FEN_FEATURES_TOL                             1e-10 /* features sum to one within this times their number */

typedef struct _FenTrajectoriesOps {
  PetscErrorCode (*view)(FenTrajectories, PetscViewer);
} FenTrajectoriesOps;

struct _p_FenTrajectories {
  PETSCHEADER(FenTrajectoriesOps);
  FenTrajectoriesSizes  sizes;
  FenLayout             rows, steps; /* trajectories; trajectories x horizon, cut alike */
  FenInt                start;       /* my first trajectory */
  FenTrajectoriesArrays a;
};

/* options of numbers in a range */
static inline PetscErrorCode FenLinearOptionInt_Private(FenOptionItems options, MPI_Comm comm, const char option[],
                                                        const char text[], FenInt least, FenInt most, FenInt *value)
{
  return FenProblemOptionInt_Private(options, comm, option, text, "FenLinearProblemCreate", least, most, value);
}
static inline PetscErrorCode FenLinearOptionReal_Private(FenOptionItems options, MPI_Comm comm, const char option[],
                                                         const char text[], double least, double most, double *value)
{
  return FenProblemOptionReal_Private(options, comm, option, text, "FenLinearProblemCreate", least, most, value);
}

/* X(name, function, what it is); a function fills a problem from its options, arrays included */
#define FEN_LINEAR_PROBLEM_LIST(X)                                                                                     \
  X(linear, FenSimulatedLinear, "five states, four factors, goal and failure")                                         \
  X(put, FenAmericanPut, "American put option, hat functions of the price")

#define FEN_LINEAR_DECLARE(name, function, text)                                                                       \
  PETSC_INTERN PetscErrorCode function##_Private(FenOptionItems, MPI_Comm, FenLinearProblem);
FEN_LINEAR_PROBLEM_LIST(FEN_LINEAR_DECLARE)
#undef FEN_LINEAR_DECLARE
