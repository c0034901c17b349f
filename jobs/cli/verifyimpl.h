/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify: what its files share. The arithmetic below is written a second time on purpose, with plain loops and
   the exponential of the C library, and shares nothing with the solvers.
*/
#pragma once
#include "cliimpl.h"

/* ---- claims of a file against what was recomputed (verify.c) ---- */
typedef struct {
  FenCLI *cli;
  int     failures;
  char    first[512]; /* the first claim that does not hold, and why */
} FenVerdict;
/* the stored number must be below (above) the recomputed one */
typedef enum { FEN_CLAIM_BELOW, FEN_CLAIM_ABOVE } FenClaimSide;
extern PetscErrorCode FenJudge_Private(FenVerdict *, PetscBool holds, const char name[], double stored,
                                       double recomputed, const char rule[]);
extern PetscErrorCode FenJudgeBound_Private(FenVerdict *, FenClaimSide, const char name[], double stored,
                                            double recomputed, double tolerance);
/* refuses an array that is not what was written */
extern PetscErrorCode FenVerifyFingerprint_Private(FenFile, const char path[], FenLayout, PetscInt ncomp,
                                                   const double[]);

/* ---- the families; the file is open and its root is checked ---- */
extern PetscErrorCode FenVerifyOT_Private(FenVerdict *, FenFile);
extern PetscErrorCode FenVerifyMDP_Private(FenVerdict *, FenFile);
extern PetscErrorCode FenVerifyBilevel_Private(FenVerdict *, FenFile);
extern PetscErrorCode FenVerifyLinear_Private(FenVerdict *, FenFile); /* of fenchel mdp -mdp_rectangular d */

/* ==== transport ==== */
/* one measure with its potential; my part is a range of consecutive global indices (slabs along axis 0 of a grid) */
typedef struct {
  FenInt    n, first, nlocal;
  PetscInt  dim;
  PetscBool grid;
  FenInt    shape[FEN_MAX_DIM], inner; /* inner: entries of one slab */
  double    spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];
  FenLayout layout;
  double   *weight, *point, *potential;
  double    mass; /* of the weights */
  double    rho;  /* strength of the penalty rho KL(marginal | weights); 0: the marginal is exact */
} FenVerifySide;

/* explicit costs: my rows and my columns; NULL otherwise */
typedef struct {
  MPI_Comm      comm;
  FenFile       file;
  FenVerifySide a, b;
  FenCostKind   kind;
  double        power; /* of FEN_COST_POWER */
  double        eps, *byrow, *bycol;
} FenVerify;

typedef struct {
  double value, lower, upper, ot_lower, ot_upper, cost, marginal_error, mass;
} FenVerifyBounds;

/* the same quantities, computed again from the potentials, and what they can be trusted to */
typedef struct {
  FenVerifyBounds bounds;
  double          soft_error; /* largest |f - T(g)|, of the best f for g if it is penalised */
  double          scale;      /* size of the numbers that were added, for tolerances */
} FenVerifyAnswer;

/* ---- reading and checking content (verifyread.c) ---- */
extern PetscErrorCode FenVerifyOpen_Private(FenCLI *, FenFile, FenVerify *, FenVerifyBounds *);
extern PetscErrorCode FenVerifyClose_Private(FenVerify *);
extern PetscErrorCode FenVerifyReadMatrix_Private(FenVerify *); /* verifymatrix.c */

/* ---- transforms (verifytransform.c, verifygrid.c); FORWARD: from b to a, BACKWARD: from a to b ---- */
typedef enum { FEN_VERIFY_FORWARD, FEN_VERIFY_BACKWARD } FenVerifyDirection;
extern PetscErrorCode FenVerifySoft_Private(FenVerify *, FenVerifyDirection, const double[], double[], double *);
extern PetscErrorCode FenVerifyHard_Private(FenVerify *, FenVerifyDirection, const double[], double[]);
extern PetscErrorCode FenVerifyGridSoft_Private(FenVerify *, FenVerifyDirection, const double[], double[], double *);
extern PetscErrorCode FenVerifyGridHard_Private(FenVerify *, FenVerifyDirection, const double[], double[]);

/* blocks of all ranks pass by: n items of ncomp numbers, the first one has global number `first` */
typedef PetscErrorCode (*FenVerifyBlockFn)(void *, FenInt first, FenInt n, const double[]);
extern PetscErrorCode FenVerifyRing_Private(MPI_Comm, FenInt first, FenInt n, FenInt ncomp, const double[],
                                            FenVerifyBlockFn, void *);

/* costs of one point to n points given coordinate by coordinate; a block's coordinates, behind its first numbers */
/* of a difference along one axis, for costs of grids */
extern double FenVerifyAxisCost_Private(const FenVerify *, double);
extern void   FenVerifyRowCost_Private(FenCostKind, PetscInt dim, const double x[], FenInt n, const double y[],
                                       FenInt stride, double c[]);
extern void   FenVerifyColumnPoints_Private(const FenVerifySide *, double columns[]);

/* log-sum-exp, one term at a time; terms below e^-60 of the largest are nothing in double precision */
typedef struct {
  double max, sum;
} FenVerifyLSE;
extern void FenVerifyLSEAdd_Private(FenVerifyLSE *, double);

/* ---- couplings E of two residuals of mass eta (verifycoupling.c, verifytree.c) ----
   cost: <C,E>, or an upper bound of it; entropy: an upper bound of sum E log(E/(a x b)), shares of mass included */
typedef struct {
  double cost, entropy;
} FenVerifyCoupling;
extern PetscErrorCode FenVerifyCoupleProduct_Private(FenVerify *, const double ea[], const double eb[], double eta,
                                                     FenVerifyCoupling *);
/* lowers both numbers where a better coupling is found: <C,E> and <C,E> + eps entropy(E) */
extern PetscErrorCode FenVerifyCoupleTree_Private(FenVerify *, const double ea[], const double eb[], double *cost,
                                                  double *regularised);

/* ---- bounds (verify_ot.c) ---- */
/* computes what certifies the claims; a better lower bound of the unregularised optimum only if the first falls short
 */
extern PetscErrorCode FenVerifyCompute_Private(FenVerify *, const FenVerifyBounds *claimed, FenVerifyAnswer *);
/* the same where a marginal is penalised (verifypenalised.c) */
extern PetscErrorCode   FenVerifyComputePenalised_Private(FenVerify *, FenVerifyAnswer *);
static inline PetscBool FenVerifyIsPenalised_Private(const FenVerify *v)
{
  return v->a.rho > 0 || v->b.rho > 0 ? PETSC_TRUE : PETSC_FALSE;
}
extern PetscErrorCode FenVerifySum_Private(MPI_Comm, double *);

/* ==== Markov decision processes ==== */
/* copies of the values of states that my rows reach and others own (verifyghosts.c) */
typedef struct _p_FenGhosts *FenGhosts;
extern PetscErrorCode        FenGhostsCreate_Private(FenMDPModel, FenGhosts *);
extern PetscErrorCode        FenGhostsDestroy_Private(FenGhosts *);
/* collective: x of my states is read now, and values of others are fetched; both stay in use until the next fetch */
extern PetscErrorCode FenGhostsFetch_Private(FenGhosts, const double x[]);
extern double         FenGhostsValue_Private(FenGhosts, FenInt state);

typedef struct {
  double value, lower, upper, policy_gap, value_error;
} FenVerifyMDPBounds;

/* a result and the model that it is about; values are those of a maximisation, costs have their sign changed */
typedef struct {
  FenCLI            *cli;
  FenFile            file;
  FenMDPModel        model;
  FenMDPSizes        sizes;
  FenLayout          layout;
  FenInt             n, first, nterminal; /* my states; terminal ones of all ranks */
  FenInt             grid[2], horizon;
  PetscBool          on_grid;
  FenMDPCriterion    criterion;
  FenMDPSense        sense;
  double             sign, discount;
  FenAmbiguity       ambiguity;
  const double      *terminal;                /* in the model's sign, NULL: zero */
  double            *law;                     /* randomised policies: probabilities of my rows, NULL: not randomised */
  PetscBool          weighted;                /* states have weights, on any rank */
  double            *value, *action, *margin; /* margin: total reward only */
  FenVerifyMDPBounds stored;                  /* in the model's sign */
} FenVerifyMDP;
extern PetscErrorCode FenVerifyMDPOpen_Private(FenCLI *, FenFile, FenVerifyMDP *);
extern PetscErrorCode FenVerifyMDPClose_Private(FenVerifyMDP *);

/* the worst case of a row over a set that is no divergence (verifyset.c): value is a bound from below, above how much
   larger the minimum may be. Work arrays have n entries */
typedef enum {
  FEN_VERIFY_DIVERGENCE,
  FEN_VERIFY_INTERVAL,
  FEN_VERIFY_LINF,
  FEN_VERIFY_L1,
  FEN_VERIFY_WASSERSTEIN
} FenVerifySetKind;
typedef struct {
  FenVerifySetKind    kind;
  const FenAmbiguity *ambiguity;
  FenInt              width; /* of the grid of states */
  FenInt              n;
  const FenInt       *next;
  const double       *q, *z, *prob_low, *prob_up, *weight; /* prob_low, prob_up, weight: NULL if there are none */
  double             *low, *up, *work;
  double              value, above, size, spread;
} FenVerifySet;
extern FenVerifySetKind FenVerifySetOf_Private(const FenAmbiguity *, PetscBool weighted);
extern void             FenVerifySetRow_Private(FenVerifySet *);

/* a state in which nature has one budget for all actions (verifystate.c); arrays hold all its rows */
typedef enum { FEN_TILT_L1, FEN_TILT_KL, FEN_TILT_BURG, FEN_TILT_PEARSON, FEN_TILT_HELLINGER } FenVerifyTilt;
typedef struct {
  FenVerifyTilt tilt;
  FenDivergence divergence; /* NULL: l1 */
  double        budget, price;
  int           rows;
  FenInt       *ptr, room;
  double       *q, *z, *p, *v;
} FenVerifyState;
/* at least the best value of the state, at most `slack` above it */
extern double FenVerifyStateAbove_Private(FenVerifyState *, double *slack);
/* at most the value of a policy */
extern PetscErrorCode FenVerifyStateBelow_Private(FenVerifyState *, const double law[], double *value);

/* one sweep with plain loops (verifysweep.c): T at u, and T of the policy at w, whose smallest and largest steps are
   wanted; tw and w may be NULL */
typedef struct {
  double up, down; /* largest Tu - u, smallest T_policy w - w; terminal states count if there are any */
  double slack;    /* bound of rounding and inexact rows of one entry */
} FenVerifySweep;
extern PetscErrorCode FenVerifySweep_Private(FenVerifyMDP *, FenGhosts u_ghosts, FenGhosts w_ghosts, const double u[],
                                             const double w[], double tu[], double tw[], FenVerifySweep *);
