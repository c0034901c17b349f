/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Infectious disease (susceptible, infected, susceptible) with 5 levels of hygiene and 4 of distancing. State: the
   number of susceptibles. New infections are binomial; only a window around their mean is kept and scaled to sum one.

   M. Gargiani, R. Sieber, E. Balta, D. Liao-McPherson, J. Lygeros, Inexact policy iteration methods for large-scale
   Markov decision processes, arXiv:2404.06136, section 5.
*/
#include "mdpproblemimpl.h"
#include <math.h>

#define FEN_HYGIENE  5
#define FEN_DISTANCE 4

static const double fen_infect[FEN_HYGIENE] = {0.25, 0.125, 0.08, 0.05, 0.03};
static const double fen_hygiene_cost[FEN_HYGIENE] = {0, 1, 5, 6, 9};
static const double fen_hygiene_life[FEN_HYGIENE] = {1, 0.7, 0.5, 0.4, 0.05};
static const double fen_contacts[FEN_DISTANCE] = {0.2, 0.16, 0.1, 0.01}; /* of the population */
static const double fen_distance_cost[FEN_DISTANCE] = {0, 1, 10, 30};
static const double fen_distance_life[FEN_DISTANCE] = {1, 0.9, 0.5, 0.1};

typedef struct {
  FenInt n, window;
} FenSISContext;

/* weights of first .. last relative to the largest, by the ratio of neighbours from the mode outwards */
static void FenBinomialWindow(FenInt s, FenInt first, FenInt last, double log_q, double log_1q, double weight[])
{
  const double odds = exp(log_q - log_1q);
  FenInt       mode = first;

  for (FenInt lo = first, hi = last; lo < hi;) { /* the ratio p(i+1)/p(i) falls */
    const FenInt mid = lo + (hi - lo) / 2;

    if ((double)(s - mid) / (double)(mid + 1) * odds > 1)
      lo = mode = mid + 1;
    else
      hi = mode = mid;
  }
  weight[mode - first] = 1;
  for (FenInt i = mode; i < last; i++)
    weight[i + 1 - first] = weight[i - first] * ((double)(s - i) / (double)(i + 1)) * odds;
  for (FenInt i = mode; i > first; i--)
    weight[i - 1 - first] = weight[i - first] * ((double)i / (double)(s - i + 1)) / odds;
}

static PetscErrorCode FenSISRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenSISContext *c = (const FenSISContext *)ctx;
  const int            h = a % FEN_HYGIENE, d = a / FEN_HYGIENE;
  const double         n = (double)c->n, log_1q = -(1 - (double)s / n) * fen_infect[h] * fen_contacts[d] * n;
  const double         mean = -(double)s * expm1(log_1q), half = floor((double)c->window / 2);
  const FenInt         first = (FenInt)PetscMax(0, mean - half),
               last = (FenInt)PetscMin((double)s, PetscMax(mean + half - 1, 0));
  double sum = 0, weight[FEN_MDP_ROW_MAX] = {0};

  PetscFunctionBegin;
  row->reward = 5 * (fen_hygiene_cost[h] + fen_distance_cost[d]) - 20 * fen_hygiene_life[h] * fen_distance_life[d] +
                0.05 * pow(n - (double)s, 1.1);
  if (s == c->n || last <= first) {
    FenMDPRowAdd(row, s == c->n ? s : c->n - first, 1);
    PetscFunctionReturn(0);
  }
  FenBinomialWindow(s, first, last, log(-expm1(log_1q)), log_1q, weight);
  for (FenInt i = first; i <= last; i++)
    sum += weight[i - first];
  for (FenInt i = last; i >= first; i--)
    FenMDPRowAdd(row, c->n - i, weight[i - first] / sum);
  PetscFunctionReturn(0);
}

PetscErrorCode FenSIS_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenSISContext *c;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c = (FenSISContext){.n = 5000, .window = 100};
  p->generator.ctx = c;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-sis_n", "population", 1, &c->n));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-sis_window",
                                    "numbers of new infections kept in a row", 2, FEN_MDP_ROW_MAX - 2, &c->window));
  p->generator.nstates = c->n + 1;
  p->generator.nactions = FEN_HYGIENE * FEN_DISTANCE;
  p->generator.max_next = c->window + 1;
  p->generator.row = FenSISRow;
  p->sense = FEN_MDP_MIN;
  p->discount = 0.99;
  PetscFunctionReturn(0);
}
