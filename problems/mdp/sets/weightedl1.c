/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Weighted l1 norm, sum w_j |p_j - q_j|: mass that leaves an entry costs its weight, mass that arrives the weight of
   where it arrives. At a price t the best place to arrive is the smallest z_k + t w_k, and entry j sends all its mass
   there or none. 2 n operations an evaluation. Reference: Ho, Petrik, Wiesemann, ICML 2018.
*/
#include "setsimpl.h"

static double Weight(const FenMoveSet *set, FenInt k)
{
  return set->w ? set->w[k] : 1;
}

static void Moves(FenSetWork s, const void *ctx, double price, FenInt to[], FenMoves *m)
{
  const FenMoveSet *set = (const FenMoveSet *)ctx;
  FenInt            k = 0;
  double            eta, arrival;

  for (FenInt j = 1; j < set->n; j++) {
    const double better = s->d[k] + price * Weight(set, k) - s->d[j] - price * Weight(set, j);

    if (better > 0 || (better == 0 && Weight(set, j) < Weight(set, k)))
      k = j;
  }
  arrival = Weight(set, k);
  eta = s->d[k] + price * arrival;
  m->value = m->amount = 0;
  for (FenInt j = 0; j < set->n; j++) {
    const double moved = eta + price * Weight(set, j);

    to[j] = j != k && moved < s->d[j] ? k : j;
    m->value += set->q[j] * (to[j] == j ? s->d[j] : moved);
    m->amount += to[j] == j ? 0 : set->q[j] * (Weight(set, j) + arrival);
  }
}

static FenMoveSet Set(FenInt n, const double q[], const double w[])
{
  FenMoveSet set = {.n = n, .q = q, .w = w, .moves = Moves, .high = 1};

  for (FenInt k = 0; w && k < n; k++)
    set.high = PetscMax(set.high, 1 / w[k]);
  return set;
}

/*@C
  FenWorstL1 - Smallest mean of a row over the laws with sum w_j |p_j - q_j| <= radius.

  Not Collective

  Input Parameters:
+ work   - work arrays
. n      - entries
. q      - the nominal law
. w      - weights > 0, NULL: ones
. z      - what is averaged
- radius - not negative

  Output Parameters:
+ law - the minimising law, NULL: not wanted
- out - value and slack

  Level: developer

.seealso: `FenWorstL1Price()`, `FenDivergenceWorstRadius()`
@*/
PetscErrorCode FenWorstL1(FenSetWork work, FenInt n, const double q[], const double w[], const double z[],
                          double radius, double law[], FenWorstCase *out)
{
  const FenMoveSet set = Set(n, q, w);

  PetscFunctionBegin;
  PetscCall(FenMovesRadius_Private(work, &set, z, radius, law, out));
  PetscFunctionReturn(0);
}

/*@C
  FenWorstL1Price - Smallest p.z + price sum w_j |p_j - q_j| of a row.

  Not Collective

  Level: developer

.seealso: `FenWorstL1()`
@*/
PetscErrorCode FenWorstL1Price(FenSetWork work, FenInt n, const double q[], const double w[], const double z[],
                               double price, double law[], FenWorstCase *out)
{
  const FenMoveSet set = Set(n, q, w);

  PetscFunctionBegin;
  PetscCall(FenMovesPrice_Private(work, &set, z, price, law, out));
  PetscFunctionReturn(0);
}
