/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Wasserstein balls: at a price t the mass of entry j goes where z_k + t c_jk is smallest. On a line that is the lower
   envelope of cones, two passes over the row; with other costs n^2 operations. References: Gao and Kleywegt, Math.
   Oper. Res. 48, 2023; Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012 (distance transforms).
*/
#include "setsimpl.h"

/* entries are ascending on the line: what comes from the left, then what comes from the right */
static void OnLine(FenSetWork s, const FenMoveSet *set, double price, FenInt to[])
{
  const double *x = set->ground.x;

  for (FenInt j = 0; j < set->n; j++) {
    const double passed = j ? s->best[j - 1] + price * (x[j] - x[j - 1]) : HUGE_VAL;

    to[j] = passed < s->d[j] ? to[j - 1] : j;
    s->best[j] = PetscMin(passed, s->d[j]);
  }
  for (FenInt j = set->n - 2; j >= 0; j--) {
    const double passed = s->best[j + 1] + price * (x[j + 1] - x[j]);

    if (passed < s->best[j]) {
      to[j] = to[j + 1];
      s->best[j] = passed;
    }
  }
}

static void InGeneral(FenSetWork s, const FenMoveSet *set, double price, FenInt to[])
{
  for (FenInt j = 0; j < set->n; j++) {
    const double *c = set->ground.cost + j * set->n;

    to[j] = j;
    s->best[j] = s->d[j];
    for (FenInt k = 0; k < set->n; k++)
      if (s->d[k] + price * c[k] < s->best[j]) {
        s->best[j] = s->d[k] + price * c[k];
        to[j] = k;
      }
  }
}

static void Moves(FenSetWork s, const void *ctx, double price, FenInt to[], FenMoves *m)
{
  const FenMoveSet *set = (const FenMoveSet *)ctx;
  const double     *x = set->ground.x;

  if (x)
    OnLine(s, set, price, to);
  else
    InGeneral(s, set, price, to);
  m->value = m->amount = 0;
  for (FenInt j = 0; j < set->n; j++) {
    const double c = x ? fabs(x[to[j]] - x[j]) : set->ground.cost[j * set->n + to[j]];

    m->value += set->q[j] * (s->d[to[j]] + price * c);
    m->amount += set->q[j] * c;
  }
}

/* the spread of z over the smallest cost is a price at which nothing that costs moves */
static FenMoveSet Set(FenInt n, const double q[], FenGround ground)
{
  double least = HUGE_VAL;

  for (FenInt j = 0; ground.x && j + 1 < n; j++)
    if (ground.x[j + 1] > ground.x[j])
      least = PetscMin(least, ground.x[j + 1] - ground.x[j]);
  for (FenInt i = 0; !ground.x && i < n * n; i++)
    if (ground.cost[i] > 0)
      least = PetscMin(least, ground.cost[i]);
  return (FenMoveSet){.n = n, .q = q, .ground = ground, .moves = Moves, .high = isfinite(least) ? 1 / least : 1};
}

/*@C
  FenWorstWasserstein - Smallest mean of a row over the laws to which transport from q costs at most `radius`.

  Not Collective

  Input Parameters:
+ work   - work arrays
. n      - entries
. q      - the nominal law
. ground - costs between entries
. z      - what is averaged
- radius - not negative

  Output Parameters:
+ law - the minimising law, NULL: not wanted
- out - value and slack

  Level: developer

.seealso: `FenWorstWassersteinPrice()`
@*/
PetscErrorCode FenWorstWasserstein(FenSetWork work, FenInt n, const double q[], FenGround ground, const double z[],
                                   double radius, double law[], FenWorstCase *out)
{
  const FenMoveSet set = Set(n, q, ground);

  PetscFunctionBegin;
  PetscCall(FenMovesRadius_Private(work, &set, z, radius, law, out));
  PetscFunctionReturn(0);
}

/*@C
  FenWorstWassersteinPrice - Smallest p.z + price (cost of the transport from q to p) of a row.

  Not Collective

  Level: developer

.seealso: `FenWorstWasserstein()`
@*/
PetscErrorCode FenWorstWassersteinPrice(FenSetWork work, FenInt n, const double q[], FenGround ground, const double z[],
                                        double price, double law[], FenWorstCase *out)
{
  const FenMoveSet set = Set(n, q, ground);

  PetscFunctionBegin;
  PetscCall(FenMovesPrice_Private(work, &set, z, price, law, out));
  PetscFunctionReturn(0);
}
