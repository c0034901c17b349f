/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fenchel, layer 4: FenSolver, the base class of all solvers. It owns what the three families share: prefix,
   tolerances, iteration count, bounds, converged reason, monitors, views, history, time and save requests, the state
   visitor. A FenOT (FenBilevel, FenMDP) is a FenSolver: every function below takes it after a cast, (FenSolver)ot.
*/
#pragma once
#include <fenchellayout.h>
#include <fenchelstate.h>
#include <petscviewer.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenSolver *FenSolver;

/* X(NAME, value, word, sentence): converged > 0, still iterating 0, not converged < 0 */
#define FEN_REASON_LIST(X)                                                                                             \
  X(CONVERGED_FLOOR, 3, "converged_floor", "no step is left whose gain rounding would let be seen")                    \
  X(CONVERGED_GAP, 2, "converged_gap", "the certified gap is below the tolerance")                                     \
  X(CONVERGED_RESIDUAL, 1, "converged_residual", "the residual is below the tolerance")                                \
  X(ITERATING, 0, "iterating", "not finished")                                                                         \
  X(STOPPED, -1, "stopped", "stopped on request, state saved")                                                         \
  X(DIVERGED_MAX_IT, -2, "max_it", "the iteration limit was reached")                                                  \
  X(DIVERGED_NAN, -3, "nan", "a NaN or Inf appeared")                                                                  \
  X(DIVERGED_CONTRACT, -4, "contract", "a quantity that must be monotone was not, or a bound was violated")            \
  X(DIVERGED_STAGNATION, -5, "stagnation", "rounding errors allow no further progress")                                \
  X(DIVERGED_MODEL, -6, "model", "the problem has no single answer of the kind that was asked for")
typedef enum {
#define FEN_REASON_ENUM(name, value, word, sentence) FEN_##name = value,
  FEN_REASON_LIST(FEN_REASON_ENUM)
#undef FEN_REASON_ENUM
} FenReason;
FEN_EXTERN PetscErrorCode FenReasonGet(FenReason, const char *word[], const char *sentence[]);

/* what a solver reports each iteration; also the columns of /history */
typedef struct {
  FenInt iteration;
  double residual;     /* family's residual: L1 marginal error for transport, certified loss of the policy for MDPs */
  double value;        /* present value */
  double lower, upper; /* last certified bounds; -inf and +inf before the first */
  double gap_rel;      /* (upper-lower)/max(|upper|,|lower|); MDPs: residual/(max V - min V); +inf before the first */
  double parameter;    /* family's parameter: epsilon for transport, span of TV - V for MDPs */
  double work;         /* family's unit of work so far: kernel passes for transport, sweeps for MDPs */
  double seconds;      /* in FenSolverSolve, earlier runs of the same solve included */
} FenProgress;
#define FEN_PROGRESS_COLUMNS 9

typedef PetscErrorCode (*FenMonitorFn)(FenSolver, const FenProgress *, void *);

/* ---- life ---- */
FEN_EXTERN PetscErrorCode FenSolverSetType(FenSolver, const char[]);
FEN_EXTERN PetscErrorCode FenSolverGetType(FenSolver, const char *[]);
FEN_EXTERN PetscErrorCode FenSolverSetOptionsPrefix(FenSolver, const char[]);
FEN_EXTERN PetscErrorCode FenSolverSetFromOptions(FenSolver);
FEN_EXTERN PetscErrorCode FenSolverSetUp(FenSolver);
FEN_EXTERN PetscErrorCode FenSolverSolve(FenSolver);
FEN_EXTERN PetscErrorCode FenSolverReset(FenSolver);
FEN_EXTERN PetscErrorCode FenSolverDestroy(FenSolver *);
FEN_EXTERN PetscErrorCode FenSolverView(FenSolver, PetscViewer);

/* ---- stopping ---- PETSC_DEFAULT keeps a value; gap_rel <= 0 or residual <= 0: not used */
FEN_EXTERN PetscErrorCode FenSolverSetTolerances(FenSolver, double gap_rel, double residual, FenInt max_it);
FEN_EXTERN PetscErrorCode FenSolverGetTolerances(FenSolver, double *gap_rel, double *residual, FenInt *max_it);
FEN_EXTERN PetscErrorCode FenSolverSetTimeLimit(FenSolver, double seconds);

/* ---- answers ---- */
FEN_EXTERN PetscErrorCode FenSolverGetConvergedReason(FenSolver, FenReason *);
/* more on the reason, "" if there is nothing to add: the array and the entry of a NaN */
FEN_EXTERN PetscErrorCode FenSolverGetReasonDetail(FenSolver, const char *[]);
FEN_EXTERN PetscErrorCode FenSolverGetProgress(FenSolver, FenProgress *);
FEN_EXTERN PetscErrorCode FenSolverGetBounds(FenSolver, double *value, double *lower, double *upper);
FEN_EXTERN PetscErrorCode FenSolverGetHistory(FenSolver, const FenLog *[]); /* columns as in FenProgress */
FEN_EXTERN PetscErrorCode FenSolverGetTimes(FenSolver, double *setup, double *solve);

/* ---- monitors: one call an iteration on all ranks ---- */
FEN_EXTERN PetscErrorCode FenSolverMonitorSet(FenSolver, FenMonitorFn, void *, PetscErrorCode (*)(void **));
FEN_EXTERN PetscErrorCode FenSolverMonitorCancel(FenSolver);

/* ---- saving and stopping from outside ----
   `poll` runs on rank 0 every iteration and returns a request; it travels on the solver's own reduction, so that all
   ranks see it in the same iteration, after which `save` is called on all ranks with the solver's state. */
typedef enum { FEN_REQUEST_NONE = 0, FEN_REQUEST_SAVE = 1, FEN_REQUEST_STOP = 2 } FenRequest;
typedef PetscErrorCode (*FenPollFn)(FenSolver, void *, FenRequest *);
typedef PetscErrorCode (*FenSaveFn)(FenSolver, FenState, FenRequest, void *);
FEN_EXTERN PetscErrorCode FenSolverSetSave(FenSolver, FenPollFn, FenSaveFn, void *);
/* after SetUp: the restartable state. Loading into it and calling FenSolverSetRestarted before Solve continues there */
FEN_EXTERN PetscErrorCode FenSolverGetState(FenSolver, FenState *); /* caller destroys */
FEN_EXTERN PetscErrorCode FenSolverSetRestarted(FenSolver);
FEN_EXTERN PetscErrorCode FenSolverGetRestarts(FenSolver, FenInt *);

#if defined(__cplusplus)
}
#endif
