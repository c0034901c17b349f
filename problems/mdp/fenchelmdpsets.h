/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Worst cases of one row over sets of laws that are no divergence: minima of p.z over laws p on the n entries of a row
   with nominal law q.

     intervals     low_j <= p_j <= up_j
     linf          |p_j - q_j| <= radius w_j
     l1            sum w_j |p_j - q_j| <= radius
     wasserstein   cheapest transport from q to p costs at most radius, with ground costs between the entries

   and, with a price instead of a radius, minima of p.z + price D(p|q) with D = max |p_j - q_j|/w_j, the weighted sum,
   or the transport cost. Entries with q = 0 are states that the row lists: laws may put mass on them. Nothing here
   sends a message; a value is a bound from below, at most `slack` below the minimum.
*/
#pragma once
#include <fencheldivergence.h>

#if defined(__cplusplus)
extern "C" {
#endif

/*S FenSetWork - work arrays of the functions below, for any number of rows one after another S*/
typedef struct _p_FenSetWork *FenSetWork;
FEN_EXTERN PetscErrorCode     FenSetWorkCreate(FenSetWork *);
FEN_EXTERN PetscErrorCode     FenSetWorkDestroy(FenSetWork *);

/* In all: law has n entries, NULL: not wanted; w > 0 or NULL: ones. Not collective */
FEN_EXTERN PetscErrorCode FenWorstIntervals(FenSetWork, FenInt n, const double low[], const double up[],
                                            const double z[], double law[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenWorstLinf(FenSetWork, FenInt n, const double q[], const double w[], const double z[],
                                       double radius, double law[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenWorstLinfPrice(FenSetWork, FenInt n, const double q[], const double w[], const double z[],
                                            double price, double law[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenWorstL1(FenSetWork, FenInt n, const double q[], const double w[], const double z[],
                                     double radius, double law[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenWorstL1Price(FenSetWork, FenInt n, const double q[], const double w[], const double z[],
                                          double price, double law[], FenWorstCase *);

/* costs between entries: |x_i - x_j| of places x on a line, ascending; or n x n numbers >= 0, row by row, zero on the
   diagonal. One of them. For distances to the power p raise the costs and the radius to it */
typedef struct {
  const double *x, *cost;
} FenGround;
FEN_EXTERN PetscErrorCode FenWorstWasserstein(FenSetWork, FenInt n, const double q[], FenGround, const double z[],
                                              double radius, double law[], FenWorstCase *);
FEN_EXTERN PetscErrorCode FenWorstWassersteinPrice(FenSetWork, FenInt n, const double q[], FenGround, const double z[],
                                                   double price, double law[], FenWorstCase *);

#if defined(__cplusplus)
}
#endif
