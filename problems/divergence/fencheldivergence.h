/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenDivergence: f-divergences between finite laws, shared by the three families.

     D_f(p|q) = sum_i q_i f(p_i/q_i) + f'(inf) sum_{q_i = 0} p_i

   f is convex on [0,inf) and normalised: f(1) = f'(1) = 0, so that every term is >= 0. x is p/q; the conjugate is
   f*(y) = sup_{x>=0} x y - f(x), with f*(0) = 0 and (f*)'(0) = 1, finite for y < f'(inf).

     name        f(x)                                also known as
     kl          x log x - x + 1                     sum p log p/q
     burg        -log x + x - 1                      KL(q|p), "reverse" or "forward" KL depending on the author
     jeffreys    (x-1) log x                         kl + burg
     js          [x log x - (x+1) log((x+1)/2)]/2    Jensen-Shannon, at most log 2; half of what f-GAN and TFP call JS
     pearson     (x-1)^2                             chi^2: sum (p-q)^2/q
     neyman      (x-1)^2/x                           the other chi^2: sum (p-q)^2/p
     hellinger   (sqrt x - 1)^2                      without the half
     alpha       (x^a - a x + a - 1)/(a(a-1))        Cressie-Read; 1: kl, 0: burg, 2: pearson/2, 1/2: 2 hellinger
     tv          |x-1|/2                             total variation with the half; the L1 norm is twice this

   A divergence is a small object of one rank: nothing here sends a message. Vectors are plain arrays of length n.
*/
#pragma once
#include <fenchelsys.h>
#include <petscviewer.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenDivergence *FenDivergence;
FEN_EXTERN PetscClassId          FENDIVERGENCE_CLASSID;
FEN_EXTERN const char *const     FenDivergenceNames[]; /* all names, NULL at the end */

/* alpha is used by "alpha" only. Unknown names: FEN_ERR_OPTION, the message lists the names */
FEN_EXTERN PetscErrorCode FenDivergenceCreate(MPI_Comm, const char name[], double alpha, FenDivergence *);
FEN_EXTERN PetscErrorCode FenDivergenceDestroy(FenDivergence *);
FEN_EXTERN PetscErrorCode FenDivergenceGetName(FenDivergence, const char *[]);
FEN_EXTERN PetscErrorCode FenDivergenceView(FenDivergence, PetscViewer);

/* numbers of the generator: f(0), f'(inf) (both may be inf), f''(1) (0 for tv) */
typedef struct {
  double zero, recession, curvature;
} FenDivergenceConstants;
FEN_EXTERN PetscErrorCode FenDivergenceGetConstants(FenDivergence, FenDivergenceConstants *);

/* pointwise, entry by entry, n of them: f, f', f'' at x >= 0; f*, (f*)', (f*)'' at y. +inf outside the domain */
FEN_EXTERN PetscErrorCode FenDivergenceGenerator(FenDivergence, FenInt n, const double x[], double f[], double df[],
                                                 double d2f[]); /* NULL: not wanted */
FEN_EXTERN PetscErrorCode FenDivergenceConjugate(FenDivergence, FenInt n, const double y[], double f[], double df[],
                                                 double d2f[]);

/* D_f(p|q) >= 0, possibly inf; p, q >= 0 need not have mass one */
FEN_EXTERN PetscErrorCode FenDivergenceValue(FenDivergence, FenInt n, const double p[], const double q[], double *);
/* derivatives by p and by q; NULL: not wanted */
FEN_EXTERN PetscErrorCode FenDivergenceGradient(FenDivergence, FenInt n, const double p[], const double q[],
                                                double by_p[], double by_q[]);

/* argmin_p tau sum q f(p/q) + |p-z|^2/2 over p >= 0, entry by entry; q_i = 0 gives 0 where f'(inf) = inf */
FEN_EXTERN PetscErrorCode FenDivergenceProx(FenDivergence, FenInt n, double tau, const double q[], const double z[],
                                            double p[]);
/* argmin_y eps exp((t-y)/eps) + rho f*(y/rho): the Sinkhorn step of a marginal with penalty rho */
FEN_EXTERN PetscErrorCode FenDivergenceAprox(FenDivergence, FenInt n, double rho, double eps, const double t[],
                                             double y[]);

/* where a worst case may put mass: on entries with q > 0; on the n entries given; on all states, of which the smallest
   value is `low` (an entry of its own when q has none there) */
typedef enum { FEN_SUPPORT_NOMINAL, FEN_SUPPORT_LIST, FEN_SUPPORT_ALL } FenSupport;
FEN_EXTERN const char *const FenSupports[];

/* the answer of a worst case; p (caller's array, may be NULL) is the minimising law on the n entries, `popped` what it
   puts on `low` beyond them (0 for nominal and list) */
typedef struct {
  double value;      /* a valid lower bound of the minimum, within `slack` of it */
  double multiplier; /* eta of the penalised, lambda of the constrained problem: warm start of the next call */
  double popped, slack;
  FenInt its;
} FenWorstCase;

/* min over laws p of <p,v> + lambda D_f(p|q); warm: multiplier of a similar problem, NAN for none */
FEN_EXTERN PetscErrorCode FenDivergenceWorstPenalty(FenDivergence, FenInt n, const double q[], const double v[],
                                                    double lambda, FenSupport, double low, double warm, double p[],
                                                    FenWorstCase *);
/* min over laws p with D_f(p|q) <= rho of <p,v> */
FEN_EXTERN PetscErrorCode FenDivergenceWorstRadius(FenDivergence, FenInt n, const double q[], const double v[],
                                                   double rho, FenSupport, double low, double warm, double p[],
                                                   FenWorstCase *);
/* max over laws p of <p,r> - beta D_f(p|q), and over D_f <= rho: the best cases are minus the worst of -r; here `value`
   is a valid upper bound */
FEN_EXTERN PetscErrorCode FenDivergenceBestPenalty(FenDivergence, FenInt n, const double q[], const double r[],
                                                   double beta, double warm, double p[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenDivergenceBestRadius(FenDivergence, FenInt n, const double q[], const double r[],
                                                  double rho, double warm, double p[], FenWorstCase *);

/* many rows at once: row k is entries ptr[k] .. ptr[k+1]-1 of q and v; warm (nrows, in and out, NULL: none), value */
FEN_EXTERN PetscErrorCode FenDivergenceWorstPenaltyRows(FenDivergence, FenInt nrows, const FenInt ptr[],
                                                        const double q[], const double v[], double lambda,
                                                        double warm[], double p[], double value[]);
FEN_EXTERN PetscErrorCode FenDivergenceWorstRadiusRows(FenDivergence, FenInt nrows, const FenInt ptr[],
                                                       const double q[], const double v[], double rho, double warm[],
                                                       double p[], double value[]);

#if defined(__cplusplus)
}
#endif
