/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One state of an s-rectangular robust model: nature changes the laws of all actions at once within one budget,

     max over policies pi  min over laws p_a with  sum_a w_a D(p_a|q_a) <= kappa  of  sum_a pi_a p_a.z_a .

   By Ho, Petrik and Wiesemann (NeurIPS 2022) this is the smallest u with sum_a w_a Q_a(u) <= kappa, where Q_a(u) is the
   least divergence at which action a yields at most u. Q_a is convex and is the largest of its tangents,

     Q_a(u) = max over tau >= 0 of  c_a(tau) - tau u,   c_a(tau) = min over laws p of  D(p|q_a) + tau p.z_a,

   so that every choice of the tau_a gives a lower bound (sum w_a c_a - kappa) / (sum w_a tau_a) of u. The best one is
   found by Newton steps on all tau_a at once, and the optimal policy is pi_a ~ w_a tau_a.
*/
#pragma once
#include <fenchelsys.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* l1: sum |p-q| without a half; kl, burg, pearson, hellinger as in fencheldivergence.h */
typedef enum { FEN_SRECT_L1, FEN_SRECT_KL, FEN_SRECT_BURG, FEN_SRECT_PEARSON, FEN_SRECT_HELLINGER } FenSRectKind;
FEN_EXTERN const char *const FenSRectKinds[];

/*S FenSRect - work arrays of the problem above, for any number of states one after another S*/
typedef struct _p_FenSRect *FenSRect;
FEN_EXTERN PetscErrorCode   FenSRectCreate(FenSRectKind, FenSRect *);
FEN_EXTERN PetscErrorCode   FenSRectDestroy(FenSRect *);

/* Actions are rows ptr[a] .. ptr[a+1]-1 of q (a law, > 0) and z; weight: w_a > 0, NULL: 1. Not collective.
   u: the value from below, within 1e-13 of the spread of z; in: a guess, NAN for none. tau (nactions, NULL: not kept):
   warm start in and out, 0 for none. policy: nactions. law (as q, NULL: not wanted): nature's answer */
FEN_EXTERN PetscErrorCode FenSRectSolve(FenSRect, FenInt nactions, const FenInt ptr[], const double q[],
                                        const double z[], const double weight[], double kappa, double *u, double tau[],
                                        double policy[], double law[]);

/* The same for a policy that is given, min over laws of sum_a pi_a p_a.z_a. value: from below, within 1e-13 of the
   spread of z. scale (NULL: not kept): warm start in and out, 0 for none; that of an optimal policy is sum_a w_a tau_a
 */
FEN_EXTERN PetscErrorCode FenSRectPolicyValue(FenSRect, FenInt nactions, const FenInt ptr[], const double q[],
                                              const double z[], const double weight[], double kappa,
                                              const double policy[], double *value, double *scale, double law[]);

#if defined(__cplusplus)
}
#endif
