/* SPDX-License-Identifier: BSD-2-Clause */
/* Epsilon-scaling (Schmitzer, SIAM J. Sci. Comput. 41, 2019; Feydy 2020): start near the scale of the cost,
   where Sinkhorn's iteration converges in a few steps, and divide. */
#include "epsilon.h"
#include <math.h>

/* unless it was asked for, such that whole steps lead to the last one: on grids the last epsilons, which cost most,
   then have a fixed ratio to the squared widths of blocks */
double FenEpsilonFirst(const FenEpsilonPlan *p, double cost_max, double eps)
{
  const double start = p->start > 0 ? p->start : cost_max / 8;

  if (p->factor >= 1 || start <= eps)
    return eps;
  return p->start > 0 ? start : eps * pow(p->factor, -round(log(start / eps) / -log(p->factor)));
}

/* the last step is exact, and no step is much shorter than the others */
double FenEpsilonNext(const FenEpsilonPlan *p, double present, double eps)
{
  const double next = present * p->factor;

  return next < eps * 1.2 ? eps : next;
}
