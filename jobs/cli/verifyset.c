/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Worst cases of rows over sets that are no divergence, for fenchel verify: plain loops over the entries, bisections
   where a number has to be found. What comes out is a bound from below, and how far above it the minimum can be.
*/
#include "verifyimpl.h"
#include <math.h>

#define BISECTIONS 200

/* smallest mean between two bounds of each entry: the entry with the smallest z that has room is filled, again and
 * again
 */
static double Intervals(FenInt n, const double low[], const double up[], const double z[], double room[])
{
  double rest = 1, sum = 0;

  for (FenInt j = 0; j < n; j++) {
    room[j] = up[j] - low[j];
    rest -= low[j];
    sum += low[j] * z[j];
  }
  while (rest > 0) {
    FenInt best = -1;
    double more;

    for (FenInt j = 0; j < n; j++)
      if (room[j] > 0 && (best < 0 || z[j] < z[best]))
        best = j;
    if (best < 0)
      break;
    more = fmin(rest, room[best]);
    sum += more * z[best];
    room[best] = 0;
    rest -= more;
  }
  return sum;
}

static double Linf(FenVerifySet *s, double radius)
{
  for (FenInt j = 0; j < s->n; j++) {
    const double r = radius * (s->weight ? s->weight[j] : 1);

    s->low[j] = fmax(0, s->q[j] - r);
    s->up[j] = fmin(1, s->q[j] + r);
  }
  return Intervals(s->n, s->low, s->up, s->z, s->work);
}

/* smallest worst case plus price radius over radii, a convex function of the radius: its bracket becomes as small as it
   can be, and the function is as steep as `price` and twice the sum of all w z at most */
static void LinfPrice(FenVerifySet *s)
{
  const double golden = (sqrt(5) - 1) / 2;
  double       a = 0, b = 0, steep = s->size, best = HUGE_VAL;

  for (FenInt j = 0; j < s->n; j++) {
    const double w = s->weight ? s->weight[j] : 1;

    b = fmax(b, 1 / w);
    steep += 2 * w * s->spread;
  }
  for (int it = 0; it < BISECTIONS && b - a > 1e-17; it++) {
    const double c = b - golden * (b - a), d = a + golden * (b - a);
    const double fc = Linf(s, c) + s->size * c, fd = Linf(s, d) + s->size * d;

    best = fmin(best, fmin(fc, fd));
    if (fc <= fd)
      b = d;
    else
      a = c;
  }
  s->above = steep * (b - a) + 1e-15 * s->spread;
  s->value = best - s->above;
}

/* cost of moving mass between two entries */
static double Cost(const FenVerifySet *s, FenInt j, FenInt k)
{
  const FenAmbiguity *a = s->ambiguity;
  const double        scale = a->distance_scale > 0 ? a->distance_scale : 1;
  const double        power = a->distance_power > 0 ? a->distance_power : 1;
  double              distance = fabs((double)(s->next[j] - s->next[k]));

  if (s->kind == FEN_VERIFY_L1)
    return j == k ? 0 : (s->weight ? s->weight[j] + s->weight[k] : 2);
  if (a->distance != FEN_DISTANCE_INDEX) {
    const FenInt down = s->next[j] / s->width - s->next[k] / s->width;
    const double y = (double)down, x = (double)(s->next[j] % s->width - s->next[k] % s->width);

    distance = a->distance == FEN_DISTANCE_L1 ? fabs(x) + fabs(y) : sqrt(x * x + y * y);
  }
  return pow(scale * distance, power);
}

/* every entry moves to where it is cheapest at a price; the value, and what the moves cost */
static double AtPrice(const FenVerifySet *s, double price, double *amount)
{
  double value = 0;

  *amount = 0;
  for (FenInt j = 0; j < s->n; j++) {
    double best = s->z[j], paid = 0;

    for (FenInt k = 0; k < s->n; k++) {
      const double c = Cost(s, j, k);

      if (s->z[k] + price * c < best) {
        best = s->z[k] + price * c;
        paid = c;
      }
    }
    value += s->q[j] * best;
    *amount += s->q[j] * paid;
  }
  return value;
}

/* the largest of (value at a price - price radius), concave: tangents at both ends of the bracket meet above it */
static void Moves(FenVerifySet *s)
{
  double a = 0, b = s->spread > 0 ? s->spread : 1, da, db, fa, fb, above = HUGE_VAL;

  fa = AtPrice(s, a, &da);
  fb = AtPrice(s, b, &db) - b * s->size;
  while (db > s->size) {
    b *= 4;
    fb = AtPrice(s, b, &db) - b * s->size;
  }
  s->value = fmax(fa, fb);
  s->above = 0;
  for (int it = 0; it < BISECTIONS && da > s->size; it++) {
    const double sa = da - s->size, sb = db - s->size, meet = (fb - fa + sa * a - sb * b) / (sa - sb);
    const double c = it % 2 ? (a + b) / 2 : fmin(fmax(meet, a), b); /* the corner itself, or half */
    double       d, f;

    above = fmin(above, fa + sa * (meet - a));
    if (above - s->value <= 1e-15 * s->spread || !(c > a && c < b))
      break;
    f = AtPrice(s, c, &d) - c * s->size;
    s->value = fmax(s->value, f);
    if (d > s->size) {
      a = c;
      fa = f;
      da = d;
    } else {
      b = c;
      fb = f;
      db = d;
    }
  }
  if (da > s->size)
    s->above = fmax(above - s->value, 0);
}

/* which set, or none that is meant here */
FenVerifySetKind FenVerifySetOf_Private(const FenAmbiguity *a, PetscBool weighted)
{
  if (!strcmp(a->name, "interval"))
    return FEN_VERIFY_INTERVAL;
  if (!strcmp(a->name, "linf"))
    return FEN_VERIFY_LINF;
  if (!strcmp(a->name, "wasserstein"))
    return FEN_VERIFY_WASSERSTEIN;
  return !strcmp(a->name, "l1") && weighted ? FEN_VERIFY_L1 : FEN_VERIFY_DIVERGENCE;
}

void FenVerifySetRow_Private(FenVerifySet *s)
{
  const PetscBool ball = (PetscBool)(s->ambiguity->radius > 0);
  double          low = HUGE_VAL, high = -HUGE_VAL, amount;

  for (FenInt j = 0; j < s->n; j++) {
    low = fmin(low, s->z[j]);
    high = fmax(high, s->z[j]);
  }
  s->spread = high - low;
  s->size = ball ? s->ambiguity->radius : s->ambiguity->penalty;
  if (s->kind == FEN_VERIFY_WASSERSTEIN && ball && s->ambiguity->distance_power > 0)
    s->size = pow(s->size, s->ambiguity->distance_power);
  s->above = 0;
  if (s->kind == FEN_VERIFY_INTERVAL && s->prob_low)
    s->value = Intervals(s->n, s->prob_low, s->prob_up, s->z, s->work);
  else if (s->kind == FEN_VERIFY_INTERVAL || (s->kind == FEN_VERIFY_LINF && ball))
    s->value = Linf(s, s->size);
  else if (s->kind == FEN_VERIFY_LINF)
    LinfPrice(s);
  else if (ball)
    Moves(s);
  else
    s->value = AtPrice(s, s->size, &amount);
  s->above += (double)(s->n + 4) * 0x1p-51 * fmax(fabs(low), fabs(high));
}
