/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLinearMDP: policies of d-rectangular linear Markov decision processes with a finite horizon, learnt from recorded
   trajectories, robust or penalised, with pessimism; or exact, if the problem is known and finite.

     Q_h(s,a) = cut( <phi(s,a), theta_h + w_h> - beta sum_i phi_i sqrt((Lambda_h^{-1})_ii) ),   V_h = max_a Q_h,

   w_{h,i}: the worst case of V_{h+1} under what nature may do with factor i, estimated by ridge regression. One
   iteration is one step, from the last to the first.
*/
#pragma once
#include <fenchellinear.h>
#include <fenchelmdp.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenLinearMDP *FenLinearMDP;
FEN_EXTERN PetscClassId         FENLINEARMDP_CLASSID;

/*J FenLinearMDPType - name of a method J*/
typedef const char *FenLinearMDPType;
#define FENLINEARMDPR2PVI   "r2pvi"   /* penalised: tv, kl, pearson */
#define FENLINEARMDPPEVI    "pevi"    /* not robust, rewards estimated */
#define FENLINEARMDPDRPVI   "drpvi"   /* ball: tv */
#define FENLINEARMDPDRVIL   "drvil"   /* ball: kl */
#define FENLINEARMDPVADRPVI "vadrpvi" /* drpvi, weighted by variances */
#define FENLINEARMDPVAR2PVI "var2pvi" /* r2pvi with tv, weighted by variances */
#define FENLINEARMDPEXACT   "exact"   /* the problem's own factors, no data */

/* which published program is to be imitated, deviations from its paper included */
typedef enum { FEN_PUBLISHED_NONE, FEN_PUBLISHED_LINEAR, FEN_PUBLISHED_PUT } FenPublished;
FEN_EXTERN const char *const FenPublishedNames[];

FEN_EXTERN PetscErrorCode FenLinearMDPCreate(MPI_Comm, FenLinearMDP *);
FEN_EXTERN PetscErrorCode FenLinearMDPSetType(FenLinearMDP, FenLinearMDPType);
FEN_EXTERN PetscErrorCode FenLinearMDPSetTrajectories(FenLinearMDP, FenTrajectories); /* referenced */
FEN_EXTERN PetscErrorCode FenLinearMDPSetProblem(FenLinearMDP, FenLinearProblem);     /* must outlive the solver */
FEN_EXTERN PetscErrorCode FenLinearMDPSetAmbiguity(FenLinearMDP, const FenAmbiguity *);
FEN_EXTERN PetscErrorCode FenLinearMDPGetAmbiguity(FenLinearMDP, FenAmbiguity *);
typedef struct {
  double       ridge;      /* zeta > 0 */
  double       pessimism;  /* beta >= 0 */
  double       clip;       /* Q is at most this times the steps left; 0: no upper cut */
  double       correction; /* taken off estimated variances */
  PetscBool    split;      /* variances from the even trajectories, the rest from the odd ones */
  PetscInt     dense;      /* matrices up to this size are factored on every rank */
  FenPublished published;
} FenLinearMDPParameters;
FEN_EXTERN PetscErrorCode FenLinearMDPSetParameters(FenLinearMDP, const FenLinearMDPParameters *);
FEN_EXTERN PetscErrorCode FenLinearMDPGetParameters(FenLinearMDP, FenLinearMDPParameters *);
FEN_EXTERN PetscErrorCode FenLinearMDPSetFromOptions(FenLinearMDP);
FEN_EXTERN PetscErrorCode FenLinearMDPSolve(FenLinearMDP);
FEN_EXTERN PetscErrorCode FenLinearMDPDestroy(FenLinearMDP *);
/* same type, parameters and ambiguity, on other ranks, without data */
FEN_EXTERN PetscErrorCode FenLinearMDPDuplicate(FenLinearMDP, MPI_Comm, FenLinearMDP *);

/* value and action of the first step in the first state of my trajectories (of the problem's start, for "exact"); the
   action after the last is to end */
FEN_EXTERN PetscErrorCode FenLinearMDPGetValue(FenLinearMDP, FenInt *n, const double *[]);
FEN_EXTERN PetscErrorCode FenLinearMDPGetPolicy(FenLinearMDP, FenInt *n, const int *[]);
typedef struct {
  double lower, upper; /* of the mean of the values above, in exact arithmetic */
  double value_error;  /* of each of them */
  double step_error;   /* of every weight, the values of the next step taken as they were computed */
  double ridge_error;  /* largest row sum of |I - Lambda X| over all steps */
} FenLinearMDPBounds;
FEN_EXTERN PetscErrorCode FenLinearMDPGetBounds(FenLinearMDP, FenLinearMDPBounds *);
/* horizon x features each; inverse: horizon x features x features, NULL unless the method keeps it */
typedef struct {
  PetscInt      horizon, features;
  const double *theta, *w, *diagonal, *error, *multiplier, *inverse;
} FenLinearMDPWeights;
FEN_EXTERN PetscErrorCode FenLinearMDPGetWeights(FenLinearMDP, FenLinearMDPWeights *);
FEN_EXTERN PetscErrorCode FenLinearMDPGetMemoryEstimate(FenLinearMDP, double *bytes_per_rank);
/* the policy in any state: what it believes to get, and what it does */
FEN_EXTERN PetscErrorCode FenLinearMDPGetAction(FenLinearMDP, PetscInt h, const FenLinearView *, double *value,
                                                int *action);

/* ---- how good the policy is in other environments ---- */
typedef struct {
  PetscInt      ntargets;
  const double *targets;
  FenInt        episodes; /* sampled; or starting states, evenly spread, if exact */
  PetscBool     exact;    /* expectations over all branches instead of samples */
  FenInt        replications;
  PetscMPIInt   teams; /* of ranks that share the replications; 0: as many as there are replications or ranks */
} FenLinearEvaluation;
/* mean[ntargets] */
FEN_EXTERN PetscErrorCode FenLinearMDPEvaluate(FenLinearMDP, FenLinearProblem, const FenLinearEvaluation *,
                                               double mean[]);
/* returns[replications x ntargets]: replications 1, 2, ... record, learn and are evaluated on their own; row 0 is the
   given solver's own evaluation */
FEN_EXTERN PetscErrorCode FenLinearMDPReplicate(FenLinearMDP, FenLinearProblem, const FenLinearEvaluation *,
                                                double returns[]);

#if defined(__cplusplus)
}
#endif
