/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Nature's worst cases for the rows of a chunk, one lane a state: sets around the nominal law and prices, for
   divergences whose dual has one scalar.

   A slot's values z = r + discount V are gathered once into a buffer. Each row keeps its best scalar from sweep to
   sweep ("warm"), in units of its own range; for tv the place of the entry at the cut, plus one. Every scalar gives a
   bound from below by weak duality, with an error of second order; the bound of that error is proved, not estimated.
   Balls of tv, kl and pearson, and js and jeffreys, first try what is there, in one pass (naturewarm.h). Otherwise, and
   where that is not enough, the buffer is brought to d = (z - zmin)/(zmax - zmin), and passes over it are repeated
   while the bound of the error is large against the change of the state's value, or against that of all. A lane never
   depends on its neighbours, so that the cut of the states into chunks does not show.

   Sweeps of kl fill no buffer where one number of each state is all that rows need (natureonce.h); theta of its balls
   is kept per unit of the model.

     tv         E min(d, c) - rho c                          c: smallest value with mass at most rho above it
     kl         -(log E e^{-theta d} + rho)/theta            theta
     pearson    mean - sqrt(var ((1 + rho) mass - 1))        threshold of the active set
     power t<1  kappa (E (d+g)^t)^{1/t} - g                  gap g; t = 0 burg, 1/2 neyman, -1 hellinger
     power t>1  a - kappa (E (a-d)_+^t)^{1/t}                threshold a

     js, jeffreys   two scalars, nu beside the price, see naturetilt.h; js with mass on the smallest value of all:
                    one, see naturepop.h
     linf, wasserstein   see naturemoves.h

   with t = alpha/(alpha-1) and kappa = (1 + alpha(alpha-1) rho)^{1/alpha} of the Cressie-Read family; prices alike.
   Lanes that this arithmetic cannot serve are handed to the caller.
*/
#pragma once
#include "srectkernels.h"

typedef enum {
  FEN_NATURE_TV,
  FEN_NATURE_KL,
  FEN_NATURE_PEARSON,
  FEN_NATURE_BURG,
  FEN_NATURE_HELLINGER,
  FEN_NATURE_NEYMAN,
  FEN_NATURE_BELOW, /* the Cressie-Read family below one, and above */
  FEN_NATURE_ABOVE,
  FEN_NATURE_JS,
  FEN_NATURE_JEFFREYS,
  FEN_NATURE_LINF, /* norms, see naturemoves.h */
  FEN_NATURE_WASSERSTEIN,
  FEN_NATURE_OTHER /* the caller's */
} FenNatureForm;

#define FEN_NATURE_SERIES 18
#define FEN_NATURE_SHARE  1e-3 /* errors up to this share of a state's change are small */

typedef struct {
  FenNatureForm form;
  PetscBool     ball;
  double        size;   /* radius or price, in units of the form */
  double        alpha;  /* of the Cressie-Read family, and its size */
  double        t;      /* power, see above */
  double        kappa;  /* balls of powers */
  double        lowest; /* balls: rows with at least this mass on their smallest value have that value */
  double        price;  /* prices of powers: l of naturepower.h over `size` */
  double        scale;  /* price of the Cressie-Read divergence over `size`; radius: size over scale */
  PetscBool     pops;   /* js: mass may go to the smallest value of all */
  double        rest;   /* then: what log 2 leaves of a radius, or log 2 */
  PetscBool     square; /* wasserstein: distances are Euclidean */
  PetscBool     smooth; /* balls: radii so small that some rows need the series */
  double        series[FEN_NATURE_SERIES]; /* of f* - y around 0, from y^0 */
} FenNatureSet;

/* one lane in units of its range: law p and values d, price (of the form; the caller's own is its share of it), warm
   scalar in and out; value, what it may be too low, and the law if it is wanted. The lane's entries are FEN_LANES apart
   */
typedef struct {
  FenInt        n;
  const double *p, *d;
  double        range; /* of the row's values */
  double       *warm, *value, *gap;
  double       *law;    /* NULL: not wanted */
  double       *popped; /* mass on the smallest value of all, where d = 0 then; NULL: none goes there */
} FenNatureLane;

typedef struct {
  const FenNatureSet *set;
  const FenChunks    *chunks;
  const double       *reward_next; /* FEN_LANES a column, NULL: rewards are the rows' */
  const double       *once;        /* of what columns number, see natureonce.h; NULL: there is no such thing */
  double              low, span;   /* smallest value of discount V, and how far others are above it: for `once`, and
                                      low where mass goes to it */
  double        most;              /* larger errors are not small, whatever the state's change is */
  double       *warm;              /* FEN_LANES a slot */
  double       *second;            /* js, jeffreys: nu, as warm; NULL: there is none */
  double       *d[2];              /* work: FEN_LANES for each column of the longest slot */
  double       *work;              /* norms: two rows beside these, `room` apart; NULL: no norm */
  FenInt        room;
  const double *x, *y; /* wasserstein: where the states that columns number are; NULL: on a line, x */
  void (*serve)(void *ctx, const FenNatureLane *);
  void *ctx;
} FenNatureRuns;

typedef struct {
  /* as in FenBellmanKernels; part->inexact: most that the exact TV is above what is found */
  void (*sweep)(const FenNatureRuns *, FenInt c0, FenInt c1, const double own[], const double V[], double TV[],
                int policy[], FenSweepPart *);
  void (*apply)(const FenNatureRuns *, FenInt c0, FenInt c1, const double own[], const double V[], double TV[],
                FenSweepPart *);
  /* of a slot; gap: what each may be too low */
  void (*values)(const FenNatureRuns *, FenInt slot, const double V[], double q[], double gap[]);
  /* law (FEN_LANES a column) of a slot, mass on the smallest value of all, and the rewards that make its values
     nature's */
  void (*law)(const FenNatureRuns *, FenInt slot, const double V[], double law[], double popped[], double reward[]);
  /* smallest and largest of n values; NaN if there is one */
  void (*ends)(FenInt n, const double V[], double *low, double *high);
  /* `once` of n values, for the low of the runs */
  void (*prepare)(const FenNatureRuns *, FenInt n, const double V[], double once[]);
  /* the states of a chunk, s-rectangular */
  void (*states)(const FenSRectRuns *, FenInt chunk, const double V[], FenSRectStates *);
} FenNatureKernels;

PETSC_INTERN const FenNatureKernels FenNatureKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
PETSC_INTERN const FenNatureKernels FenNatureKernels_avx2;
PETSC_INTERN const FenNatureKernels FenNatureKernels_avx512;
#endif

/* by the name of an instruction set, see FenSimdFind() */
PETSC_INTERN PetscErrorCode FenNatureKernelsGet(const char *name, const FenNatureKernels **);
