/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the base class, the families and their types share.

   A family (FenOT) says what it is in one FenSolverFamily and embeds a struct _p_FenSolver as its first member. A type
   (sinkhorn) is mathematics: `initialize` sets the first iterate, `iterate` does one iteration and reports into
   solver->progress, `state` lists all that a restart needs. The loop, tests, monitors, saving and stopping are here.
*/
#pragma once
#include <fenchelsolver.h>
#include <petsc/private/petscimpl.h>

struct _FenSolverOps {
  PetscErrorCode (*setfromoptions)(FenSolver, PetscOptionItems *);
  PetscErrorCode (*setup)(FenSolver);
  PetscErrorCode (*initialize)(FenSolver);
  PetscErrorCode (*resume)(FenSolver); /* makes again what is not in a loaded state; optional */
  PetscErrorCode (*iterate)(FenSolver);
  PetscErrorCode (*state)(FenSolver, FenState);
  /* before the set-up: bytes of this rank beside the family's arrays, and as many more that it may come to; optional */
  PetscErrorCode (*memory)(FenSolver, double *bytes, double *more);
  PetscErrorCode (*view)(FenSolver, PetscViewer);
  PetscErrorCode (*reset)(FenSolver);
  PetscErrorCode (*destroy)(FenSolver);
};

typedef struct {
  const char *name;
  PetscErrorCode (*create)(FenSolver);
} FenSolverTypeEntry;

typedef struct {
  const char *name;            /* "FenOT" */
  const char *stem;            /* "ot": options are -ot_type, -ot_max_it ... */
  const char *residual_option; /* "marginal_tol" */
  const char *residual_text;
  PetscBool   residual_is_gap; /* the residual is a certified gap, and meeting it is a converged gap */
  const char *default_type;
  PetscErrorCode (*choosetype)(FenSolver, const char **); /* the default type for the present problem; optional */
  const FenSolverTypeEntry *types;                        /* ends with NULL */
  PetscErrorCode (*setfromoptions)(FenSolver, PetscOptionItems *);
  PetscErrorCode (*setup)(FenSolver);
  PetscErrorCode (*state)(FenSolver, FenState);
  PetscErrorCode (*begin)(FenSolver);  /* before the loop: forgets answers */
  PetscErrorCode (*finish)(FenSolver); /* after the loop: final bounds and answers */
  PetscErrorCode (*view)(FenSolver, PetscViewer);
  PetscErrorCode (*reset)(FenSolver);
  PetscErrorCode (*destroy)(FenSolver);
} FenSolverFamily;

#define FEN_MAX_MONITORS 5

struct _p_FenSolver {
  PETSCHEADER(struct _FenSolverOps);
  const FenSolverFamily *family;
  /* user parameters */
  double gap_rel;  /* stop when gap_rel is at most this; <= 0: not used */
  double residual; /* stop when the residual is at most this; <= 0: not used */
  FenInt max_it;
  double time_limit; /* seconds of a solve; <= 0: none */
  /* user functions */
  FenMonitorFn monitor[FEN_MAX_MONITORS];
  void        *monitor_ctx[FEN_MAX_MONITORS];
  PetscErrorCode (*monitor_destroy[FEN_MAX_MONITORS])(void **);
  PetscInt  nmonitors;
  FenPollFn poll;
  FenSaveFn save;
  void     *save_ctx;
  /* type */
  void *data;
  /* status */
  FenProgress progress;
  FenReason   reason;
  char        detail[160]; /* what the reason's sentence cannot say: array and entry of a NaN; empty otherwise */
  FenLog      history;
  FenInt      history_stride; /* every how many iterations a row is kept */
  FenInt      restarts;
  FenInt      saved_reason; /* reason as a number, for the state */
  PetscBool   isset, restarted, polled;
  FenInt      intermediate; /* type: residual and value are of an easier problem on the way, no reason to stop */
  int         request;
  double      time_start;                          /* of the present solve */
  double      time_setup, time_solve, time_before; /* time_before: of earlier runs of the same solve */
};

/* sets the base part of a new object of a family */
PETSC_INTERN PetscErrorCode FenSolverInitialize_Private(FenSolver, const FenSolverFamily *);
PETSC_INTERN PetscErrorCode FenSolverDestroyBase_Private(FenSolver);
PETSC_INTERN void           FenSolverForget_Private(FenSolver);
/* nobody named a type: the family's */
PETSC_INTERN PetscErrorCode FenSolverUseDefaultType_Private(FenSolver);
/* sums over all ranks (compensated) for a type's iteration; requests from outside travel along */
PETSC_INTERN PetscErrorCode FenSolverReduce_Private(FenSolver, PetscInt n, const FenDD in[], double out[]);
/* for reductions of another kind: what rank 0 is asked (bits, zero elsewhere), and the sum of all ranks' bits */
PETSC_INTERN PetscErrorCode FenSolverAskRequests_Private(FenSolver, double *bits);
PETSC_INTERN void           FenSolverTakeRequests_Private(FenSolver, double bits);
/* certified bounds of the final problem from the present iterate; not the best of all iterates, so that what is written
   can be verified from the potentials beside it */
PETSC_INTERN PetscErrorCode FenSolverUpdateBounds_Private(FenSolver, double lower, double upper, double slack);
PETSC_INTERN PetscErrorCode FenSolverTest_Private(FenSolver);
/* what FenSolverSolve() is made of, for a solver inside another one: before the loop, and one iteration of it */
PETSC_INTERN PetscErrorCode FenSolverBegin_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverIterate_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverMonitor_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverMonitorFromOptions_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverHistory_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverViewFromOptions_Private(FenSolver);
PETSC_INTERN PetscErrorCode FenSolverOptionName_Private(FenSolver, const char word[], char name[], size_t);
PETSC_INTERN PetscErrorCode FenSolverInitializePackage_Private(void);
PETSC_INTERN PetscErrorCode FenOTInitializePackage_Private(void);

PETSC_INTERN PetscLogEvent FEN_SetUp, FEN_Solve, FEN_Save;
