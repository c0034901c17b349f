/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What FenMDP and its types share.

   Inside, everything is a maximisation in the operator's layout. A type owns no vector: the iterate V, its image TV
   with the greedy policy, and two more for work are here, because every certificate is made of them. Sweeps go through
   FenMDPSweep_Private, so that V, TV, policy and stats always belong together.
*/
#pragma once
#include <fenchelmdp.h>
#include "../solverimpl.h"
#include "ambiguityimpl.h"
#include "bellman/bellman.h"

typedef struct _FenTotal FenTotal; /* criteria/total.h */

/* of the criterion average; all but the option belong to the state */
typedef struct {
  double option;   /* 0: automatic */
  double tau;      /* share of a step in use */
  double smallest; /* span that was last seen falling */
  FenInt waited;   /* sweeps since */
} FenAverage;

struct _p_FenMDP {
  struct _p_FenSolver base; /* first: a FenMDP is a FenSolver */
  /* user parameters */
  FenMDPModel     model;
  double          discount; /* NAN: the model's */
  FenAmbiguity    ambiguity;
  char            simd[16];
  FenMDPPartition partition;
  PetscBool       check;     /* rows made on demand are made twice first */
  PetscBool       eliminate; /* actions that cannot be optimal are left out */
  /* work */
  FenMDPModel     solved; /* the model, or for total rewards one with more terminal states */
  FenAverage      average;
  FenTotal       *total; /* of the criterion total, otherwise NULL */
  FenBellman      op;
  FenLayout       outside;         /* the model's states; V and others are on the operator's */
  FenInt          n, nghost, nout; /* my states on the operator's and on the model's layout, ghosts */
  FenInt          nstates, nalive; /* of all ranks; alive: not terminal */
  FenMDPCriterion criterion;
  FenInt          horizon;
  double          gamma, sign; /* sign: -1 for minimisation */
  PetscBool       shift;       /* T(V + c) = TV + gamma c: no terminal states, rows sum to one */
  PetscBool       robust;
  PetscBool       zero;           /* V is zero but for terminal values: of a new solve */
  double         *V, *TV, *W, *X; /* n + nghost; of W and X types touch what they need, the rest costs no memory */
  int            *policy;         /* greedy at V: row of its state, -1 in terminal states */
  FenSweepStats   stats;          /* of TV - V */
  /* state, on the model's layout with the operator's sign; V and TV themselves where the layouts are the same, made
     when they are first asked for */
  double  *saved_V, *saved_TV, *saved_policy, *moved_V, *moved_TV;
  double  *saved_nature;    /* components of each state */
  PetscInt components;      /* of nature's state, see FenBellmanGetNature */
  PetscInt law_from;        /* the first that is a probability of the policy, -1: policies are not randomised */
  double   sweeps, matvecs; /* of this solve, earlier runs included */
  double   sweeps_offset, matvecs_offset; /* work of the operator that belongs to other solves */
  FenInt   swept;                         /* TV, policy and stats are of V */
  FenInt   stalled;                       /* iterations in a row that rounding kept from improving */
  double   norm_best;
  double   best_lower, best_upper; /* best bounds of the mean value so far */
  double   error;                  /* finite horizon: of V so far */
  double   inexact;                /* what worst cases of the last sweep were allowed to be off by */
  FenInt   changes;                /* stats.changes, for the state */
  double   norm_gone;              /* norm when actions were eliminated last */
  double  *gone;                   /* marks of actions: words arrays */
  int      words;                  /* 0: nothing is eliminated */
  /* answers, on the model's layout; made by a solve */
  double      *value;
  double      *margin; /* half width of the certified interval of each state */
  int         *action;
  PetscBool    answered;
  double      *law; /* of the policy over the rows of my states, once asked for */
  FenMDPBounds bounds;
  const char  *choice; /* method that "auto" chose, NULL: none */
  char         why[192];
};

/* X-list of types: one line makes declaration and registration */
#define FEN_MDP_TYPE_LIST(X)                                                                                           \
  X(FENMDPAUTO, Auto)                                                                                                  \
  X(FENMDPVI, VI)                                                                                                      \
  X(FENMDPMPI, MPI)                                                                                                    \
  X(FENMDPIPI, IPI)                                                                                                    \
  X(FENMDPPI, PI)                                                                                                      \
  X(FENMDPPPI, PPI)                                                                                                    \
  X(FENMDPFH, FH)
#define FEN_MDP_DECLARE(name, Type) PETSC_INTERN PetscErrorCode FenMDPCreate_##Type(FenSolver);
FEN_MDP_TYPE_LIST(FEN_MDP_DECLARE)
#undef FEN_MDP_DECLARE

PETSC_INTERN PetscErrorCode FenMDPInitializePackage_Private(void);

/* ---- state (state.c) ---- */
PETSC_INTERN PetscErrorCode FenMDPState_Private(FenSolver, FenState);
/* a state that was loaded becomes the iterate */
PETSC_INTERN PetscErrorCode FenMDPUnpack_Private(FenMDP);

/* ---- iterates (iterate.c) ---- */
/* V: zero, terminal states their values; nothing is known */
PETSC_INTERN PetscErrorCode FenMDPStart_Private(FenMDP);
/* TV, policy and stats of V */
PETSC_INTERN PetscErrorCode FenMDPSweep_Private(FenMDP);
/* V <- TV, and a sweep */
PETSC_INTERN PetscErrorCode FenMDPValueStep_Private(FenMDP);
/* exchanges two of V, TV, W, X */
static inline void FenMDPSwap_Private(double **a, double **b)
{
  double *const t = *a;

  *a = *b;
  *b = t;
}
/* V -= a constant if it lies between vmin and vmax, far from zero, and constants pass through T */
PETSC_INTERN void FenMDPCentre_Private(FenMDP, double vmin, double vmax, double V[]);
/* x += c in all states but the terminal ones */
PETSC_INTERN void FenMDPShift_Private(FenMDP, double c, double x[]);
/* sums of products x[k] y, k < n <= 15, over all ranks */
PETSC_INTERN PetscErrorCode FenMDPDots_Private(FenMDP, PetscInt n, const double *const x[], const double y[],
                                               double dots[]);

/* ---- nature (ambiguity.c, policylaw.c) ---- */
/* options beside name, radius and penalty */
PETSC_INTERN PetscErrorCode FenMDPAmbiguityOptions_Private(FenAmbiguity *, PetscOptionItems *);
/* what contradicts itself, or is another solver's */
PETSC_INTERN PetscErrorCode FenMDPPartitionInUse_Private(FenMDP, FenMDPPartition *);
PETSC_INTERN PetscErrorCode FenMDPCheckAmbiguity_Private(FenMDP);
/* nature's state from the operator into saved_nature, and back */
PETSC_INTERN PetscErrorCode FenMDPPackNature_Private(FenMDP);
PETSC_INTERN PetscErrorCode FenMDPUnpackNature_Private(FenMDP);

/* ---- certificates (bounds/certificate.c) ---- */
/* width of TV - V in the norm that T contracts by the discount: the span, or the range with zero */
PETSC_INTERN double FenMDPNorm_Private(FenMDP, const FenSweepStats *);
/* the constant that brings V nearest to its fixed point: V + shift, 0 where constants do not pass through T */
PETSC_INTERN double FenMDPBestShift_Private(FenMDP, const FenSweepStats *);
/* norm at which the tolerances hold */
PETSC_INTERN double    FenMDPTarget_Private(FenMDP);
PETSC_INTERN PetscBool FenMDPMet_Private(FenMDP);
/* bounds from V, TV and stats, into mdp->bounds and the progress */
PETSC_INTERN PetscErrorCode FenMDPReport_Private(FenMDP);
/* ---- average reward (criteria/average.c) ---- */
PETSC_INTERN PetscErrorCode FenAverageOptions_Private(FenMDP, PetscOptionItems *);
PETSC_INTERN void           FenAverageStart_Private(FenMDP);
PETSC_INTERN PetscErrorCode FenAverageState_Private(FenMDP, FenState);
/* one iteration */
PETSC_INTERN PetscErrorCode FenAverageStep_Private(FenMDP);

/* ---- total reward (criteria/total.c, variants.c) ---- */
PETSC_INTERN PetscErrorCode FenTotalModel_Private(FenMDPModel, FenMDPModel *);
PETSC_INTERN PetscErrorCode FenTotalSetUp_Private(FenMDP);
PETSC_INTERN PetscErrorCode FenTotalReset_Private(FenMDP);
PETSC_INTERN PetscErrorCode FenTotalState_Private(FenMDP, FenState);
PETSC_INTERN PetscErrorCode FenTotalStart_Private(FenMDP);
/* tries to prove margins around V, at this norm of TV - V and for a gap that is wanted; did it, and what are they */
PETSC_INTERN PetscErrorCode FenTotalCertify_Private(FenMDP, double norm, double gap, PetscBool *proved);
PETSC_INTERN PetscErrorCode FenTotalMargin_Private(FenMDP, double margin[], double *most);
/* the action of a state that only stays: its first */
PETSC_INTERN PetscErrorCode FenTotalAction_Private(FenMDP, FenInt k, int *action);
/* largest expected number of steps that was met */
PETSC_INTERN double FenTotalSteps_Private(FenMDP);
/* norm at which a gap is likely to be proved */
PETSC_INTERN double FenTotalTarget_Private(FenMDP, double gap);

/* bounds of a value that is exact up to `error` */
PETSC_INTERN PetscErrorCode FenMDPReportExact_Private(FenMDP, double error);
