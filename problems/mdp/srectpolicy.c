/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The worst case of a given policy of an s-rectangular state, the maximum over prices l >= 0 of

     sum_a min over laws p of { pi_a p.z_a + l w_a D(p|q_a) } - l kappa.

   With h = 1/l row a is evaluated at tau_a = h pi_a / w_a, and h is right when the divergences use the budget up: a
   rising function of h, Newton inside a bracket, 2 or 3 evaluations from a warm start. l1: mass moves from entry k of
   row a to the row's minimum, where it gains pi_a d_k and costs 2 w_a; the budget is spent on the best gains first,
   exact, one sort of all rows together.
*/
#include "srectimpl.h"
#include <math.h>
#include <stdlib.h>

#define MAX_NEWTON 100
#define SHORT      32 /* entries of a state that are sorted by insertion, without arrays from the heap */

static double Weight(const double weight[], FenInt a)
{
  return weight ? weight[a] : 1;
}

/* sum w D - kappa and its derivative by h */
static double Budget(FenSRect s, FenInt nactions, const double weight[], double kappa, const double policy[], double h,
                     double *slope)
{
  double sum = -kappa;

  *slope = 0;
  for (FenInt a = 0; a < nactions; a++) {
    FenSRectPoint *t = &s->at[a];

    *t = (FenSRectPoint){.tau = h * policy[a] / Weight(weight, a), .scalar = t->scalar};
    if (!(t->tau > 0) || s->row[a].dmax <= 0) {
      t->tau = 0;
      continue;
    }
    FenSRectEvaluate_Private(s->kind, &s->row[a], t);
    sum += Weight(weight, a) * (t->c - t->tau * t->m);
    *slope += policy[a] * t->tau * t->slope;
  }
  return sum;
}

/* where the budget is used up if divergences were as near q: they are tau^2/2 times the slope of the yield at 0 */
static double FirstGuess(FenSRect s, FenInt nactions, const double weight[], double kappa, const double policy[])
{
  double sum = 0;

  for (FenInt a = 0; a < nactions; a++) {
    FenSRectPoint t = {.tau = 0};

    if (s->row[a].dmax <= 0)
      continue;
    FenSRectEvaluate_Private(s->kind, &s->row[a], &t);
    sum += policy[a] * policy[a] * t.slope / Weight(weight, a);
  }
  return sum > 0 ? sqrt(2 * kappa / sum) : 1;
}

static double FindScale(FenSRect s, FenInt nactions, const double weight[], double kappa, const double policy[],
                        double h)
{
  double lo = 0, hi = HUGE_VAL, slope;

  if (!(h > 0 && isfinite(h)))
    h = FirstGuess(s, nactions, weight, kappa, policy);
  for (int it = 0; it < MAX_NEWTON; it++) {
    const double f = Budget(s, nactions, weight, kappa, policy, h, &slope);
    double       next = slope > 0 ? h - f / slope : -1;

    if (fabs(f) <= 1e-13 * (kappa + 1e-3))
      break;
    if (f > 0)
      hi = h;
    else
      lo = h;
    if (!(next > lo && next < hi) || next > 16 * h)
      next = isfinite(hi) ? (lo > 0 ? sqrt(lo * hi) : hi / 4) : 4 * h;
    if (next == h || (isfinite(hi) && hi - lo <= 1e-15 * hi))
      break;
    h = next;
  }
  return h;
}

/* can nature afford the smallest z of every action that is played */
static PetscBool AllAtMinimum(FenSRect s, FenInt nactions, const double weight[], double kappa, const double policy[])
{
  double sum = 0;

  for (FenInt a = 0; a < nactions; a++)
    if (policy[a] > 0)
      sum += Weight(weight, a) * FenSRectAtMinimum_Private(s->kind, PetscMin(s->row[a].mass_at_min, 1));
  return (PetscBool)(sum <= kappa);
}

static void LawsAtMinimum(FenSRect s, FenInt nactions, const FenInt ptr[], const double policy[], double law[])
{
  for (FenInt a = 0; a < nactions; a++) {
    const FenSRectRow *r = &s->row[a];
    const FenInt      *order = s->order + ptr[a] - ptr[0];

    for (FenInt k = 0; k < r->n; k++)
      law[ptr[a] + order[k]] = !(policy[a] > 0) ? r->q[k] : r->d[k] <= 0 ? r->q[k] / r->mass_at_min : 0;
  }
}

static int Descending(const void *x, const void *y, void *key)
{
  const FenInt i = *(const FenInt *)x, j = *(const FenInt *)y;
  const double a = ((const double *)key)[i], b = ((const double *)key)[j];

  return a != b ? (a < b) - (a > b) : (i > j) - (i < j);
}

static void SortDescending(FenInt n, FenInt item[], const double key[])
{
  if (n > SHORT) {
    qsort_r(item, (size_t)n, sizeof(*item), Descending, (void *)(uintptr_t)key);
    return;
  }
  for (FenInt k = 1; k < n; k++) {
    FenInt i = k;

    for (; i > 0 && key[item[i - 1]] < key[k]; i--)
      item[i] = item[i - 1];
    item[i] = k;
  }
}

/* l1; the gain of all moves together. law: nominal before */
static PetscErrorCode SpendL1(FenSRect s, FenInt nactions, const FenInt ptr[], const double weight[], double kappa,
                              const double policy[], double law[], double *gain)
{
  const FenInt nnz = ptr[nactions] - ptr[0];
  FenInt       here[2 * SHORT] = {0}, *row = here, *item = here + SHORT;
  double       keys[SHORT], *key = keys;

  PetscFunctionBegin;
  if (nnz > SHORT)
    PetscCall(PetscMalloc3(nnz, &row, nnz, &item, nnz, &key));
  *gain = 0;
  for (FenInt a = 0; a < nactions; a++)
    for (FenInt k = 0, i = ptr[a] - ptr[0]; k < s->row[a].n; k++, i++) {
      row[i] = a;
      item[i] = i;
      key[i] = policy[a] * s->row[a].d[k] / Weight(weight, a);
    }
  SortDescending(nnz, item, key);
  for (FenInt i = 0; i < nnz && kappa > 0 && key[item[i]] > 0; i++) {
    const FenInt a = row[item[i]], first = ptr[a] - ptr[0], k = item[i] - first;
    const double cost = 2 * Weight(weight, a), moved = PetscMin(s->row[a].q[k], kappa / cost);

    kappa -= moved * cost;
    *gain += policy[a] * moved * s->row[a].d[k];
    if (law) {
      law[ptr[a] + s->order[first + k]] -= moved;
      law[ptr[a] + s->order[first]] += moved;
    }
  }
  if (nnz > SHORT)
    PetscCall(PetscFree3(row, item, key));
  PetscFunctionReturn(0);
}

static void NominalLaws(FenSRect s, FenInt nactions, const FenInt ptr[], double law[])
{
  for (FenInt a = 0; a < nactions; a++)
    for (FenInt k = 0; k < s->row[a].n; k++)
      law[ptr[a] + s->order[ptr[a] - ptr[0] + k]] = s->row[a].q[k];
}

PetscErrorCode FenSRectPolicyValue(FenSRect s, FenInt nactions, const FenInt ptr[], const double q[], const double z[],
                                   const double weight[], double kappa, const double policy[], double *value,
                                   double *scale, double law[])
{
  double least = 0, mean = 0, spread = 0, gain = 0, slope;

  PetscFunctionBegin;
  PetscCall(FenSRectReserve_Private(s, nactions, ptr[nactions] - ptr[0]));
  FenSRectPrepare_Private(s, nactions, ptr, q, z);
  for (FenInt a = 0; a < nactions; a++) {
    s->at[a] = (FenSRectPoint){.tau = 0};
    least += policy[a] * s->row[a].zmin;
    mean += policy[a] * s->row[a].mean;
    spread += policy[a] * s->row[a].dmax;
  }
  if (law)
    NominalLaws(s, nactions, ptr, law);
  if (kappa <= 0 || spread <= 0) {
    *value = least + mean;
  } else if (AllAtMinimum(s, nactions, weight, kappa, policy)) {
    *value = least;
    if (law)
      LawsAtMinimum(s, nactions, ptr, policy, law);
  } else if (s->kind == FEN_SRECT_L1) {
    PetscCall(SpendL1(s, nactions, ptr, weight, kappa, policy, law, &gain));
    *value = least + mean - gain;
  } else {
    const double h = FindScale(s, nactions, weight, kappa, policy, scale ? *scale : 0);
    double       sum = -kappa;

    (void)Budget(s, nactions, weight, kappa, policy, h, &slope);
    for (FenInt a = 0; a < nactions; a++) {
      sum += Weight(weight, a) * s->at[a].c;
      if (law)
        FenSRectLaw_Private(s->kind, &s->row[a], &s->at[a], s->order + ptr[a] - ptr[0], law + ptr[a]);
    }
    *value = PetscMin(least + sum / h, least + mean);
    if (scale)
      *scale = h;
  }
  PetscFunctionReturn(0);
}
