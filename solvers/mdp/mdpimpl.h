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
#include "bellman/bellman.h"

struct _p_FenMDP {
  struct _p_FenSolver base; /* first: a FenMDP is a FenSolver */
  /* user parameters */
  FenMDPModel  model;
  double       discount; /* NAN: the model's */
  FenAmbiguity ambiguity;
  char         simd[16];
  /* work */
  FenBellman      op;
  FenLayout       outside;         /* the model's states; V and others are on the operator's */
  FenInt          n, nghost, nout; /* my states on the operator's and on the model's layout, ghosts */
  FenInt          nstates, nalive; /* of all ranks; alive: not terminal */
  FenMDPCriterion criterion;
  FenInt          horizon;
  double          gamma, sign; /* sign: -1 for minimisation */
  PetscBool       shift;       /* T(V + c) = TV + gamma c: no terminal states, rows sum to one */
  PetscBool       robust;
  double         *V, *TV, *W, *X; /* n + nghost */
  int            *policy;         /* greedy at V: row of its state, -1 in terminal states */
  FenSweepStats   stats;          /* of TV - V */
  /* state, on the model's layout and with its sign */
  double  *saved_V, *saved_TV, *saved_policy;
  double  *saved_nature;    /* components of each state */
  PetscInt components;      /* of nature's state, see FenBellmanGetNature */
  PetscInt law_from;        /* the first that is a probability of the policy, -1: policies are not randomised */
  double   sweeps, matvecs; /* of this solve, earlier runs included */
  double   sweeps_offset, matvecs_offset; /* work of the operator that belongs to other solves */
  FenInt   swept;                         /* TV, policy and stats are of V */
  FenInt   stalled;                       /* iterations in a row that rounding kept from improving */
  double   norm_best;
  double   error;   /* finite horizon: of V so far */
  FenInt   changes; /* stats.changes, for the state */
  /* answers, on the model's layout */
  double      *value;
  int         *action;
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
/* x += c in all states but the terminal ones */
PETSC_INTERN void FenMDPShift_Private(FenMDP, double c, double x[]);
/* sums of products x[k] y, k < n <= 15, over all ranks */
PETSC_INTERN PetscErrorCode FenMDPDots_Private(FenMDP, PetscInt n, const double *const x[], const double y[],
                                               double dots[]);

/* ---- nature (ambiguity.c, policylaw.c) ---- */
/* options beside name, radius and penalty */
PETSC_INTERN PetscErrorCode FenMDPAmbiguityOptions_Private(FenAmbiguity *, PetscOptionItems *);
/* what contradicts itself, or is another solver's */
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
/* bounds of a value that is exact up to `error` */
PETSC_INTERN PetscErrorCode FenMDPReportExact_Private(FenMDP, double error);
