/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMDP: optimal policies of Markov decision processes, nominal, robust and penalised,

     V(s) = max_a  r(s,a) + inf_{p in P(s,a)} { gamma p.V + penalty(p) },

   with a certified bound of the returned policy's loss: every answer is an interval that holds.
*/
#pragma once
#include <fenchelsolver.h>
#include <fenchelmdpmodel.h>
#include <fencheldivergence.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenMDP *FenMDP;
FEN_EXTERN PetscClassId   FENMDP_CLASSID;

/*J FenMDPType - name of a method J*/
typedef const char *FenMDPType;
#define FENMDPAUTO "auto" /* chooses, and says why */
#define FENMDPVI   "vi"   /* value iteration */
#define FENMDPMPI  "mpi"  /* modified policy iteration, adaptive inner stop */
#define FENMDPIPI  "ipi"  /* inexact policy iteration with a KSP */
#define FENMDPPI   "pi"   /* policy iteration, evaluations to rounding */
#define FENMDPPPI  "ppi"  /* partial policy iteration, robust models */
#define FENMDPFH   "fh"   /* finite horizon */

FEN_EXTERN PetscErrorCode FenMDPCreate(MPI_Comm, FenMDP *);
FEN_EXTERN PetscErrorCode FenMDPSetType(FenMDP, FenMDPType);
FEN_EXTERN PetscErrorCode FenMDPSetModel(FenMDP, FenMDPModel); /* referenced */
FEN_EXTERN PetscErrorCode FenMDPGetModel(FenMDP, FenMDPModel *);
FEN_EXTERN PetscErrorCode FenMDPSetDiscount(FenMDP, double); /* overrides the model's */
FEN_EXTERN PetscErrorCode FenMDPGetDiscount(FenMDP, double *);

/* what nature may do with a row's probabilities; radius > 0: a ball, penalty > 0: a price, neither: nominal */
typedef struct {
  char   name[32]; /* none, a divergence, or l1: the norm, twice tv */
  double alpha;    /* of "alpha" */
  double radius, penalty;
} FenAmbiguity;
FEN_EXTERN PetscErrorCode FenMDPSetAmbiguity(FenMDP, const FenAmbiguity *);
FEN_EXTERN PetscErrorCode FenMDPGetAmbiguity(FenMDP, FenAmbiguity *);
/* stop when the certified loss of the policy is at most this; absolute, and relative to max V - min V. <= 0: not used
 */
FEN_EXTERN PetscErrorCode FenMDPSetGap(FenMDP, double absolute, double relative);

/* which rank works on which states; values and policies stay on the model's layout */
typedef enum {
  FEN_MDP_PARTITION_NONE,  /* as the model is cut */
  FEN_MDP_PARTITION_BLOCK, /* consecutive states, the same work on each rank */
  FEN_MDP_PARTITION_GRAPH  /* the same work and few values to send, by PT-Scotch */
} FenMDPPartition;
FEN_EXTERN const char *const FenMDPPartitions[]; /* none block graph */
FEN_EXTERN PetscErrorCode    FenMDPSetPartition(FenMDP, FenMDPPartition);
FEN_EXTERN PetscErrorCode    FenMDPGetPartition(FenMDP, FenMDPPartition *);

FEN_EXTERN PetscErrorCode FenMDPSetFromOptions(FenMDP);
FEN_EXTERN PetscErrorCode FenMDPSolve(FenMDP);
FEN_EXTERN PetscErrorCode FenMDPDestroy(FenMDP *);

/* value (centre of the certified interval) and policy (the user's action numbers, -1 in terminal states) on my states;
   owned by the solver */
FEN_EXTERN PetscErrorCode FenMDPGetValue(FenMDP, const double *[]);
FEN_EXTERN PetscErrorCode FenMDPGetPolicy(FenMDP, const int *[]);
/* half width of the certified interval of each of my states: V* and the policy's value lie within it of the value;
   infinite if nothing could be certified. Average reward: of the gain */
FEN_EXTERN PetscErrorCode FenMDPGetMargin(FenMDP, const double *[]);
/* finite horizon with -mdp_fh_policies: actions of one step, 0 is the first; action has an entry for each of my states
 */
FEN_EXTERN PetscErrorCode FenMDPGetStepPolicy(FenMDP, FenInt step, int action[]);
typedef struct {
  double policy_gap;   /* 0 <= V* - V_policy <= this, everywhere */
  double value_error;  /* |value - V*| <= this, everywhere */
  double lower, upper; /* bracket of the mean of V* over states (or over the initial law) */
  double slack;        /* how much of it is rounding and inexact rows */
} FenMDPBounds;
FEN_EXTERN PetscErrorCode FenMDPGetBounds(FenMDP, FenMDPBounds *);
FEN_EXTERN PetscErrorCode FenMDPGetWork(FenMDP, double *sweeps, double *matvecs);
/* of all ranks: values sent in a sweep, messages that carry them; most work of a rank over the mean */
FEN_EXTERN PetscErrorCode FenMDPGetCommunication(FenMDP, double *words, double *messages, double *imbalance);
FEN_EXTERN PetscErrorCode FenMDPGetMemoryEstimate(FenMDP, double *bytes_per_rank);
/* the method in use, and for "auto" why */
FEN_EXTERN PetscErrorCode FenMDPGetChoice(FenMDP, const char *type[], const char *why[]);

#if defined(__cplusplus)
}
#endif
