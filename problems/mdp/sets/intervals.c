/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Intervals: every entry gets its lower bound; what is left of the mass goes to the smallest z first, up to their upper
   bounds. Exact; one sort of the row. Reference: Givan, Leach, Dean, Artificial Intelligence 122, 2000.
*/
#include "setsimpl.h"

/* the law over the bounds in work->low and work->up, which leave `rest` of its mass, and its value above zmin */
static double Fill(FenSetWork s, FenInt n, double rest, double law[])
{
  double sum = 0;

  FenSetWorkSort_Private(s, n);
  for (FenInt k = 0; k < n; k++) {
    const FenInt j = s->order[k];
    const double more = PetscMin(PetscMax(rest, 0), s->up[j] - s->low[j]);

    rest -= more;
    sum += (s->low[j] + more) * s->d[j];
    if (law)
      law[j] = s->low[j] + more;
  }
  return sum;
}

/*@C
  FenWorstIntervals - Smallest mean of a row over the laws between two bounds of each entry.

  Not Collective

  Input Parameters:
+ work - work arrays
. n    - entries
. low  - lower bounds, their sum at most one
. up   - upper bounds, their sum at least one
- z    - what is averaged

  Output Parameters:
+ law - the minimising law, NULL: not wanted
- out - value and slack

  Errors:
  `FEN_ERR_VALUE` if no law lies between the bounds.

  Level: developer

.seealso: `FenWorstLinf()`
@*/
PetscErrorCode FenWorstIntervals(FenSetWork work, FenInt n, const double low[], const double up[], const double z[],
                                 double law[], FenWorstCase *out)
{
  double least = 0, most = 0, rest = 1, zmin, spread, e;

  PetscFunctionBegin;
  PetscCall(FenSetWorkReserve_Private(work, n));
  for (FenInt k = 0; k < n; k++) {
    work->low[k] = PetscMin(PetscMax(low[k], 0), 1);
    work->up[k] = PetscMax(PetscMin(up[k], 1), work->low[k]);
    least += work->low[k];
    most += work->up[k];
  }
  PetscCheck(
      least <= 1 + 1e-10 * (double)n && most >= 1 - 1e-10 * (double)n, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
      "no law lies in the intervals of a row: the lower bounds sum to %.15g, the upper ones to %.15g", least, most);
  zmin = FenSetWorkCentre_Private(work, n, z, &spread);
  e = FenRowRounding(n, spread, zmin);
  for (FenInt k = 0; k < n; k++)
    rest -= work->low[k];
  *out = (FenWorstCase){.value = zmin + Fill(work, n, rest, law) - e, .slack = 2 * e, .its = 1};
  PetscFunctionReturn(0);
}

/* what the lower bounds leave; the sum of q is one up to rounding, which must not be mass that may go anywhere */
static double Bounds(FenSetWork s, FenInt n, const double q[], const double w[], double radius)
{
  double rest = 0;

  for (FenInt k = 0; k < n; k++) {
    const double r = radius * (w ? w[k] : 1);

    s->low[k] = PetscMax(0, q[k] - r);
    s->up[k] = PetscMin(1, q[k] + r);
    rest += PetscMin(q[k], r);
  }
  return rest;
}

/*@C
  FenWorstLinf - Smallest mean of a row over the laws with |p_j - q_j| <= radius w_j.

  Not Collective

  Level: developer

.seealso: `FenWorstIntervals()`, `FenWorstLinfPrice()`
@*/
PetscErrorCode FenWorstLinf(FenSetWork work, FenInt n, const double q[], const double w[], const double z[],
                            double radius, double law[], FenWorstCase *out)
{
  double zmin, spread, e;

  PetscFunctionBegin;
  PetscCall(FenSetWorkReserve_Private(work, n));
  zmin = FenSetWorkCentre_Private(work, n, z, &spread);
  e = FenRowRounding(n, spread, zmin);
  *out =
      (FenWorstCase){.value = zmin + Fill(work, n, Bounds(work, n, q, w, radius), law) - e, .slack = 2 * e, .its = 1};
  PetscFunctionReturn(0);
}

/* the best value at a radius, and how it changes when the radius grows: bounds that move push mass through the entry
   that is neither full nor empty */
static double AtRadius(FenSetWork s, FenInt n, const double q[], const double w[], double radius, double *slope)
{
  double       rest = Bounds(s, n, q, w, radius), pushed = 0;
  const double value = Fill(s, n, rest, NULL);
  FenInt       k = 0;

  *slope = 0;
  for (; k < n && s->up[s->order[k]] - s->low[s->order[k]] <= rest; k++) {
    const FenInt j = s->order[k];
    const double r = q[j] + radius * (w ? w[j] : 1) < 1 ? (w ? w[j] : 1) : 0;

    rest -= s->up[j] - s->low[j];
    *slope += r * s->d[j];
    pushed += r;
  }
  for (FenInt i = k + 1; i < n; i++) {
    const FenInt j = s->order[i];
    const double r = q[j] - radius * (w ? w[j] : 1) > 0 ? (w ? w[j] : 1) : 0;

    *slope -= r * s->d[j];
    pushed -= r;
  }
  if (k < n)
    *slope -= pushed * s->d[s->order[k]];
  return value;
}

/* a radius next to nothing at which intervals have a width for all that: sums of q are rounded */
static double FirstRadius(FenInt n, const double w[])
{
  double most = w ? 0 : 1;

  for (FenInt k = 0; w && k < n; k++)
    most = PetscMax(most, w[k]);
  return 4e-15 * (double)(n + 4) / most;
}

/*@C
  FenWorstLinfPrice - Smallest p.z + price max |p_j - q_j|/w_j of a row.

  Not Collective

  Note:
  The value at a radius is convex and piecewise linear in it. Tangents from both sides meet below the minimum, which
  gives the bound, and at it once both belong to its two pieces.

  Level: developer

.seealso: `FenWorstLinf()`
@*/
PetscErrorCode FenWorstLinfPrice(FenSetWork work, FenInt n, const double q[], const double w[], const double z[],
                                 double price, double law[], FenWorstCase *out)
{
  double zmin, spread, e, a, b = 0, fa, fb, sa, sb, at, best, bound, none;
  FenInt its = 2;

  PetscFunctionBegin;
  PetscCall(FenSetWorkReserve_Private(work, n));
  zmin = FenSetWorkCentre_Private(work, n, z, &spread);
  e = FenRowRounding(n, spread, zmin);
  for (FenInt k = 0; k < n; k++)
    b = PetscMax(b, 1 / (w ? w[k] : 1)); /* all bounds are open there */
  a = PetscMin(FirstRadius(n, w), b);
  none = AtRadius(work, n, q, w, 0, &sa);
  fa = AtRadius(work, n, q, w, a, &sa) + price * a;
  fb = AtRadius(work, n, q, w, b, &sb) + price * b;
  sa += price;
  sb += price;
  best = PetscMin(none, PetscMin(fa, fb));
  at = none <= best ? 0 : fa <= fb ? a : b;
  bound = sa >= 0 ? fa - sa * a : sb <= 0 ? fb : -HUGE_VAL;
  while (sa < 0 && sb > 0 && its < 200) {
    const double m = PetscMin(PetscMax((fb - fa + sa * a - sb * b) / (sa - sb), a), b);
    double       fm, sm;

    bound = fa + sa * (m - a);
    fm = AtRadius(work, n, q, w, m, &sm) + price * m;
    sm += price;
    its++;
    if (fm <= best) {
      best = fm;
      at = m;
    }
    if (best - bound <= 0.5 * e || sm == 0)
      break;
    if (sm < 0) {
      a = m;
      fa = fm;
      sa = sm;
    } else {
      b = m;
      fb = fm;
      sb = sm;
    }
  }
  bound = PetscMin(bound, best);
  if (law)
    (void)Fill(work, n, Bounds(work, n, q, w, at), law);
  *out = (FenWorstCase){.value = zmin + bound - e, .multiplier = at, .slack = best - bound + 2 * e, .its = its};
  PetscFunctionReturn(0);
}
