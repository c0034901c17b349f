/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the files of problems/divergence share and nobody else sees.

   A divergence is a table of scalar functions (FenDivergenceMethod), one file each; everything else is written once on
   top of them. Laws are described by their tilt: p_i = q_i (f*)'((eta - v_i)/lambda). The multiplier eta is never
   formed while searching, since the interesting part of it drowns in the values: it is kept as h, in one of two forms.

     centred   y_i = (h - (d_i - base))/lambda         d_i = v_i - vmin >= 0; base 0, or the mean of d for large lambda
     gap       f'(inf) - y_i = (d_i - h)/lambda        h < 0; where y comes close to the end f'(inf) of the domain
*/
#pragma once
#include "../problemsimpl.h"
#include <fencheldivergence.h>
#include <petsc/private/petscimpl.h>
#include <float.h>
#include <math.h>

#define FEN_DIVERGENCE_CHECK(condition, code, ...)                                                                     \
  PetscCheck(condition, PETSC_COMM_SELF, (PetscErrorCode)(code), __VA_ARGS__)
#define FEN_UNIT_ROUNDOFF (0.5 * DBL_EPSILON)
#define FEN_SUPPORT_TINY  1e-300 /* entries of q below this count as zero: 1/q must be finite */

/* x = (f*)'(y), t = x - 1, value = f*(y), weight = (f*)''(y) */
typedef struct {
  double x, t, value, weight;
} FenDual;

typedef struct _FenTilt FenTilt;

/* scalar functions of one divergence; `a` is the parameter of "alpha" and ignored by the others */
typedef struct {
  const char *name;
  void (*constants)(double a, FenDivergenceConstants *);
  double (*value)(double a, double x, double t);           /* f(x), t = x - 1 given with its own relative accuracy */
  double (*slope)(double a, double l, double *rise);       /* f'(e^l); rise: its derivative by l, x f''(x) */
  double (*edge)(double a, double l);                      /* f'(inf) - f'(e^l) where f'(inf) is finite */
  void (*dual)(double a, double y, double gap, FenDual *); /* gap = f'(inf) - y >= 0; both are given */
  double (*power)(double a); /* (f*)' is like a power 1/(power-1), for fast steps; NULL: 1, like an exponential */
  /* closed forms; NULL: found by a safe Newton method */
  double (*prox)(double tau, double q, double z);
  double (*aprox)(double rho, double eps, double t);
  double (*root)(const FenTilt *); /* h of the penalised problem */
  PetscErrorCode (*worst_penalty)(FenTilt *, double p[], FenWorstCase *);
  PetscErrorCode (*worst_radius)(FenTilt *, double rho, double p[], FenWorstCase *);
} FenDivergenceMethod;

PETSC_INTERN const FenDivergenceMethod FenDivergenceKL, FenDivergenceBurg, FenDivergenceJeffreys, FenDivergenceJS,
    FenDivergencePearson, FenDivergenceNeyman, FenDivergenceHellinger, FenDivergenceAlpha, FenDivergenceTV;

struct _FenDivergenceOps {
  PetscErrorCode (*view)(FenDivergence, PetscViewer);
};

struct _p_FenDivergence {
  PETSCHEADER(struct _FenDivergenceOps);
  const FenDivergenceMethod *method;
  double                     a;
  FenDivergenceConstants     constants;
  double                    *work; /* of one call: values with their sign changed, or what a selection permutes */
  FenInt                     nwork;
  double                    *scaled; /* values of a range far from one */
  FenInt                     nscaled;
};

/* one law q with values v: what a worst case needs to know of it, and the penalised problem in work */
struct _FenTilt {
  const FenDivergenceMethod *method;
  double                     a;
  FenDivergenceConstants     constants;
  FenInt                     n;
  const double              *q, *v;
  double                    *work;    /* 2n, for methods that select */
  double                     scale;   /* q * scale sums to one */
  double                     vmin;    /* over the support of q */
  double                     spread;  /* largest v on it - vmin */
  double                     mean;    /* expectation of d = v - vmin */
  double                     argmass; /* probability of d = 0 */
  double                     below;   /* vmin - (smallest value that may get mass); > 0 where mass may pop up there */
  FenInt                     popat;   /* its entry, -1: beyond the entries */
  double                     lambda, base;
  PetscBool                  gap; /* the form */
};

/* sums over a law tilted by h */
typedef struct {
  double h;
  double excess;           /* sum q x - 1 */
  double popped;           /* mass on the entry below, > 0 if h is as large as that entry allows */
  double divergence;       /* sum q f(x) + f'(inf) popped */
  double conjugate, size;  /* sum q f*(y), sum q |f*(y)| */
  double loss;             /* sum q x d */
  double shift, curvature; /* derivatives: of h by lambda, and -lambda dD/dlambda */
  double width;            /* |h - (h that normalises)| is at most this */
  FenInt its;
} FenTilted;

PETSC_INTERN PetscErrorCode FenDivergenceGetWork_Private(FenDivergence, FenInt n, double *work[]);

/* omega + log omega = x */
PETSC_INTERN double FenWrightOmega_Private(double x);
/* (e^{s l} - 1)/s, l for s = 0 */
PETSC_INTERN double FenPowerLog_Private(double s, double l);
/* generator of the alpha family, accurate for small t and across the limits kl (1) and burg (0) */
PETSC_INTERN double FenPowerValue_Private(double a, double x, double t);

PETSC_INTERN PetscErrorCode FenTiltSetUp_Private(FenDivergence, FenInt n, const double q[], const double v[],
                                                 FenSupport, double low, FenTilt *);
/* chooses the form for this lambda */
PETSC_INTERN void FenTiltSetPenalty_Private(FenTilt *, double lambda);
/* eta <-> h */
PETSC_INTERN double FenTiltGetMultiplier_Private(const FenTilt *, double h);
PETSC_INTERN double FenTiltFromMultiplier_Private(const FenTilt *, double eta);
/* solves the penalised problem, NAN: no start, and gathers its sums; may change the base */
PETSC_INTERN void FenTiltSolve_Private(FenTilt *, double start, FenTilted *);
/* dual value - vmin, and a bound of its rounding error */
PETSC_INTERN double FenTiltDual_Private(const FenTilt *, const FenTilted *, double *error);
/* loss and divergence of the law scaled to mass one, where rounding kept the search from doing so */
PETSC_INTERN void FenTiltNormalize_Private(const FenTilt *, FenTilted *);
/* the ball of a Cressie-Read divergence by one scalar; PETSC_FALSE: not one of these */
PETSC_INTERN PetscBool FenWorstOrder_Private(const FenTilt *, double rho, double p[], FenWorstCase *);
/* of orders above one: what a law costs that is best at the price, and that law */
PETSC_INTERN double FenOrderPrimal_Private(const FenTilt *, double lambda, double p[], FenInt *its);
/* the law of these sums, mixed with (1 - mix) of q */
PETSC_INTERN void FenTiltLaw_Private(const FenTilt *, const FenTilted *, double mix, double p[]);
/* an answer that is a law itself: all mass where the value is smallest, or q */
PETSC_INTERN void FenTiltLowest_Private(const FenTilt *, double p[], FenWorstCase *);
PETSC_INTERN void FenTiltNominal_Private(const FenTilt *, double p[], FenWorstCase *);

static inline PetscBool FenTiltHas_Private(const FenTilt *T, FenInt i)
{
  return T->q[i] >= FEN_SUPPORT_TINY ? PETSC_TRUE : PETSC_FALSE;
}
