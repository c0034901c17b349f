/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Linear Markov decision processes with a finite horizon, and data that were recorded in them.

     reward(s,a) = <phi(s,a), theta_h>,   law of the next state = sum_i phi_i(s,a) mu_{h,i},
     phi_i >= 0,  sum_i phi_i = 1,

   and nature may change every factor mu_{h,i} by itself: d-rectangular. FenTrajectories are recorded steps, which is
   all that a solver learns from; a FenLinearProblem makes them and tells how good a policy is. Steps count from 0.
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* ---- recorded data ---- */
typedef struct _p_FenTrajectories *FenTrajectories;
FEN_EXTERN PetscClassId            FENTRAJECTORIES_CLASSID;

typedef struct {
  FenInt    count;                      /* trajectories of all ranks */
  PetscInt  horizon, actions, features; /* steps, featured actions of every state, factors */
  PetscBool stop;                       /* states can also be ended, for a reward that is known */
  PetscBool zero;                       /* some state that nature can reach is worth nothing, whatever is done there */
  PetscBool partial;                    /* features may sum to less than one: the rest leads to a state worth nothing */
  PetscBool known;                      /* theta is known; otherwise it is estimated from the rewards */
} FenTrajectoriesSizes;

/* my trajectories, one after the other; in each step after step; owned by the object */
typedef struct {
  FenInt  n;            /* mine */
  double *features;     /* n x horizon x actions x features: of every action in the state of that step */
  double *action;       /* n x horizon: the action that was taken */
  double *reward;       /* n x horizon: what it earned */
  double *fail;         /* n x horizon: 1 where the state is worth nothing, 0 elsewhere */
  double *stop;         /* n x horizon: what ending there would earn; NULL: cannot be ended */
  double *theta;        /* horizon x features, on all ranks; zero if it is not known */
  double *radius_scale; /* horizon x features, on all ranks: a ball's radius is multiplied by it; ones unless set */
} FenTrajectoriesArrays;

FEN_EXTERN PetscErrorCode FenTrajectoriesCreate(MPI_Comm, const FenTrajectoriesSizes *, FenTrajectories *);
FEN_EXTERN PetscErrorCode FenTrajectoriesDestroy(FenTrajectories *);
FEN_EXTERN PetscErrorCode FenTrajectoriesGetSizes(FenTrajectories, FenTrajectoriesSizes *);
FEN_EXTERN PetscErrorCode FenTrajectoriesGetArrays(FenTrajectories, FenTrajectoriesArrays *);
FEN_EXTERN PetscErrorCode FenTrajectoriesGetLayout(FenTrajectories, FenLayout *); /* one axis: trajectories */
/* every rule that the numbers must keep; `where` begins the message: "" or "file 'x': " */
FEN_EXTERN PetscErrorCode FenTrajectoriesCheck(FenTrajectories, const char where[]);
FEN_EXTERN PetscErrorCode FenTrajectoriesFingerprint(FenTrajectories, FenFingerprint *);
/* FILE.h5[:/group], by default /trajectories; reading checks */
FEN_EXTERN PetscErrorCode FenTrajectoriesRead(MPI_Comm, const char spec[], FenTrajectories *);
FEN_EXTERN PetscErrorCode FenTrajectoriesWrite(FenTrajectories, const char spec[], PetscBool overwrite);

/* ---- problems ---- */
/* what is seen in a state */
typedef struct {
  double *features; /* actions x features */
  double  stop;     /* what ending here is believed to earn */
  double  earned;   /* what it does earn */
  int     fail;     /* worth nothing */
} FenLinearView;

#define FEN_LINEAR_BRANCHES 8 /* next states of a step, at most */
typedef struct {
  int    n;
  double next[FEN_LINEAR_BRANCHES], prob[FEN_LINEAR_BRANCHES];
} FenLinearBranches;

typedef struct _FenLinearProblem *FenLinearProblem;
typedef struct _FenLinearProblem  FenLinearProblemData;
struct _FenLinearProblem {
  const char          *name;
  FenTrajectoriesSizes sizes; /* count: of a data set */
  uint64_t             seed;
  FenInt               replication;          /* 0, 1, ...: independent data sets of one seed */
  double              *theta, *radius_scale; /* horizon x features */
  const char          *target;               /* what the parameter of a target environment is */
  PetscInt             ntargets;
  double               targets[32]; /* by default */
  /* a state is a number; u is uniform in (0,1); a target that is NAN means the source environment */
  double (*start)(FenLinearProblem, FenInt replication, double u, double u_replication, PetscBool test);
  void (*look)(FenLinearProblem, PetscInt h, double state, FenLinearView *);
  void (*step)(FenLinearProblem, PetscInt h, double state, const double phi[], double target, FenLinearBranches *);
  int (*behave)(FenLinearProblem, PetscInt h, double state, double u); /* the recorded policy */
  PetscErrorCode (*destroy)(FenLinearProblem);
  void *ctx;
  /* finite problems: all states, and the factors mu_{h,i} as laws on them, written into law[nstates] */
  FenInt        nstates; /* 0: not finite */
  const double *states;
  void (*factor)(FenLinearProblem, PetscInt h, PetscInt i, double law[]);
};
FEN_EXTERN const char *const FenLinearProblems[]; /* names, NULL at the end */
/* sizes and parameters are options -NAME_... */
FEN_EXTERN PetscErrorCode FenLinearProblemCreate(MPI_Comm, const char name[], const char prefix[], FenLinearProblem *);
FEN_EXTERN PetscErrorCode FenLinearProblemDestroy(FenLinearProblem *);
/* records sizes.count trajectories; the same on any number of ranks */
FEN_EXTERN PetscErrorCode FenTrajectoriesGenerate(MPI_Comm, FenLinearProblem, FenTrajectories *);

#if defined(__cplusplus)
}
#endif
