/* SPDX-License-Identifier: BSD-2-Clause */
/*
   States in which nature has one budget for the laws of all actions, for fenchel verify: two bounds that need each
   other not.

   From above: any laws within the budget give max over actions of p_a.z_a. Laws that yield at most u in every action
   are tilted ones, found by a bisection for each action; u is the smallest that the budget allows, by another.

   From below, for a policy: at any price l of the divergence, sum of min { pi_a p.z_a + l D(p|q_a) } - l budget; l is
   looked for where the budget is used up. l1: the budget is spent where it gains most, entry after entry.
*/
#include "verifyimpl.h"
#include <math.h>

#define STEPS 200

/* ---- from above ---- */
/* how much of an entry stays, before the law is normalised */
static double Tilt(FenVerifyTilt tilt, double x)
{
  switch (tilt) {
  case FEN_TILT_KL:
    return exp(-x);
  case FEN_TILT_BURG:
    return 1 / (1 + x);
  case FEN_TILT_HELLINGER:
    return 1 / ((1 + x) * (1 + x));
  default: /* pearson */
    return fmax(1 - x, 0);
  }
}

/* the law tilted by t into s->p, and its mean above `low` */
static double TiltedMean(FenVerifyState *s, FenInt from, FenInt to, double low, double t)
{
  double sum = 0, mean = 0;

  for (FenInt i = from; i < to; i++) {
    s->p[i] = s->q[i] * (s->z[i] > low ? Tilt(s->tilt, t * (s->z[i] - low)) : 1);
    sum += s->p[i];
    mean += s->p[i] * (s->z[i] - low);
  }
  for (FenInt i = from; i < to; i++)
    s->p[i] /= sum;
  return mean / sum;
}

static double Divergence(const FenVerifyState *s, FenInt from, FenInt to)
{
  double sum = 0;

  for (FenInt i = from; i < to; i++) {
    const double p = s->p[i], q = s->q[i];

    switch (s->tilt) {
    case FEN_TILT_KL:
      sum += p > 0 ? p * log(p / q) : 0;
      break;
    case FEN_TILT_BURG:
      sum += q * log(q / p);
      break;
    case FEN_TILT_HELLINGER:
      sum += (sqrt(p) - sqrt(q)) * (sqrt(p) - sqrt(q));
      break;
    case FEN_TILT_PEARSON:
      sum += (p - q) * (p - q) / q;
      break;
    default:
      sum += fabs(p - q);
    }
  }
  return sum;
}

/* l1: mass goes from the largest entries to the smallest until the mean above `low` is `target` */
static void Trim(FenVerifyState *s, FenInt from, FenInt to, double low, double mean, double target)
{
  FenInt least = from;

  for (FenInt i = from; i < to; i++) {
    s->p[i] = s->q[i];
    least = s->z[i] < s->z[least] ? i : least;
  }
  while (mean > target) {
    FenInt most = -1;
    double moved;

    for (FenInt i = from; i < to; i++)
      if (s->p[i] > 0 && s->z[i] > low && (most < 0 || s->z[i] > s->z[most]))
        most = i;
    if (most < 0)
      break;
    moved = fmin(s->p[most], (mean - target) / (s->z[most] - low));
    mean -= moved * (s->z[most] - low);
    s->p[most] = moved < s->p[most] ? s->p[most] - moved : 0;
    s->p[least] += moved;
    if (s->p[most] > 0)
      break;
  }
}

/* divergence of a law of row a that yields at most u; +inf if none does */
static double RowDivergence(FenVerifyState *s, int a, double u)
{
  const FenInt from = s->ptr[a], to = s->ptr[a + 1];
  double       low = HUGE_VAL, mean = 0, lo = 0, hi = 1, flo, fhi, target;

  for (FenInt i = from; i < to; i++)
    low = fmin(low, s->z[i]);
  for (FenInt i = from; i < to; i++)
    mean += s->q[i] * (s->z[i] - low);
  target = u - low;
  if (mean <= target)
    return 0;
  if (target < 0)
    return HUGE_VAL;
  if (s->tilt == FEN_TILT_L1) {
    Trim(s, from, to, low, mean, target);
    return Divergence(s, from, to);
  }
  flo = mean - target;
  hi = 1 / mean;
  fhi = TiltedMean(s, from, to, low, hi) - target;
  while (fhi > 0) {
    lo = hi;
    flo = fhi;
    hi *= 4;
    if (hi > 1e200) { /* the mean is at its least: only the smallest entries stay, if the divergence allows it */
      hi = HUGE_VAL;
      break;
    }
    fhi = TiltedMean(s, from, to, low, hi) - target;
  }
  if (!isfinite(hi)) {
    double mass = 0;

    for (FenInt i = from; i < to; i++)
      mass += s->z[i] <= low ? s->q[i] : 0;
    for (FenInt i = from; i < to; i++)
      s->p[i] = s->z[i] <= low ? s->q[i] / mass : 0;
    return s->tilt == FEN_TILT_BURG ? HUGE_VAL : Divergence(s, from, to);
  }
  for (int it = 0, side = 0; it < STEPS && hi - lo > 1e-15 * hi && fhi < -1e-15 * mean; it++) { /* regula falsi */
    const double t = it % 8 == 7 ? (lo + hi) / 2 : (lo * fhi - hi * flo) / (fhi - flo);
    const double f = TiltedMean(s, from, to, low, t) - target;

    if (f > 0) {
      lo = t;
      flo = f;
      fhi *= side > 0 ? 0.5 : 1;
      side = 1;
    } else {
      hi = t;
      fhi = f;
      flo *= side < 0 ? 0.5 : 1;
      side = -1;
    }
  }
  (void)TiltedMean(s, from, to, low, hi); /* it yields at most u */
  return Divergence(s, from, to);
}

/* what the budget lacks for laws that yield at most u in every action */
static double Lack(FenVerifyState *s, double u)
{
  double sum = -s->budget;

  for (int a = 0; a < s->rows; a++)
    sum += RowDivergence(s, a, u);
  return sum;
}

double FenVerifyStateAbove_Private(FenVerifyState *s, double *slack)
{
  double lo = -HUGE_VAL, hi = -HUGE_VAL, flo, fhi;
  int    side = 0;

  for (int a = 0; a < s->rows; a++) {
    double least = HUGE_VAL, mean = 0;

    for (FenInt i = s->ptr[a]; i < s->ptr[a + 1]; i++)
      least = fmin(least, s->z[i]);
    for (FenInt i = s->ptr[a]; i < s->ptr[a + 1]; i++)
      mean += s->q[i] * (s->z[i] - least);
    lo = fmax(lo, least);
    hi = fmax(hi, least + mean);
  }
  *slack = 0x1p-50 * fmax(fabs(lo), fabs(hi));
  flo = Lack(s, lo);
  if (!(flo > 0))
    return lo;
  fhi = -s->budget;
  for (int it = 0; it < STEPS && hi - lo > *slack; it++) { /* the divergence is convex and falls: Illinois */
    double u = it % 8 == 7 || !isfinite(flo) ? (lo + hi) / 2 : (lo * fhi - hi * flo) / (fhi - flo);
    double f;

    u = fmin(fmax(u, lo + 0.25 * *slack), hi - 0.25 * *slack);
    f = Lack(s, u);
    if (f > 0) {
      lo = u;
      flo = f;
      fhi *= side > 0 ? 0.5 : 1;
      side = 1;
    } else {
      hi = u;
      fhi = fmin(f, -1e-300);
      flo *= side < 0 ? 0.5 : 1;
      side = -1;
    }
  }
  *slack += hi - lo;
  return hi;
}

/* ---- from below ---- */
static double SpendL1(FenVerifyState *s, const double law[])
{
  double budget = s->budget, value = 0;

  for (int a = 0; a < s->rows; a++)
    for (FenInt i = s->ptr[a]; i < s->ptr[a + 1]; i++) {
      s->p[i] = s->q[i];
      value += law[a] * s->q[i] * s->z[i];
    }
  while (budget > 0) {
    FenInt best = -1;
    double gain = 0, moved;

    for (int a = 0; a < s->rows; a++) {
      double low = HUGE_VAL;

      for (FenInt i = s->ptr[a]; i < s->ptr[a + 1]; i++)
        low = fmin(low, s->z[i]);
      for (FenInt i = s->ptr[a]; i < s->ptr[a + 1]; i++)
        if (s->p[i] > 0 && law[a] * (s->z[i] - low) > gain) {
          gain = law[a] * (s->z[i] - low);
          best = i;
        }
    }
    if (best < 0)
      break;
    moved = fmin(s->p[best], budget / 2);
    value -= moved * gain;
    budget -= 2 * moved;
    s->p[best] = 0;
  }
  return value;
}

/* the bound at a price, and what the divergences leave of the budget (negative: too much) */
static PetscErrorCode AtPrice(FenVerifyState *s, const double law[], double price, double *value, double *left)
{
  PetscFunctionBegin;
  *value = -price * s->budget;
  *left = s->budget;
  for (int a = 0; a < s->rows; a++) {
    const FenInt from = s->ptr[a], n = s->ptr[a + 1] - from;
    FenWorstCase worst;
    double       d;

    if (!(law[a] > 0))
      continue;
    for (FenInt i = 0; i < n; i++)
      s->v[i] = law[a] * s->z[from + i];
    PetscCall(FenDivergenceWorstPenalty(s->divergence, n, s->q + from, s->v, price, FEN_SUPPORT_NOMINAL, 0, NAN,
                                        s->p + from, &worst));
    PetscCall(FenDivergenceValue(s->divergence, n, s->p + from, s->q + from, &d));
    *value += worst.value;
    *left -= d;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyStateBelow_Private(FenVerifyState *s, const double law[], double *value)
{
  double spread = 0, lo, hi, flo, fhi, v;
  int    side = 0;

  PetscFunctionBegin;
  for (FenInt i = 0; i < s->ptr[s->rows]; i++)
    spread = fmax(spread, fabs(s->z[i] - s->z[0]));
  if (s->tilt == FEN_TILT_L1 || !(spread > 0)) {
    *value = SpendL1(s, law);
    PetscFunctionReturn(0);
  }
  /* logarithms of the price: too cheap at lo, too dear at hi */
  lo = hi = log(s->price > 0 ? s->price : spread);
  PetscCall(AtPrice(s, law, exp(lo), value, &flo));
  fhi = flo;
  for (double step = 0.1; flo > 0 && exp(lo) * s->budget > 1e-16 * spread; step *= 2) {
    hi = lo;
    fhi = flo;
    lo -= step;
    PetscCall(AtPrice(s, law, exp(lo), &v, &flo));
    *value = fmax(*value, v);
  }
  for (double step = 0.1; fhi < 0; step *= 2) {
    lo = hi;
    flo = fhi;
    hi += step;
    PetscCall(AtPrice(s, law, exp(hi), &v, &fhi));
    *value = fmax(*value, v);
  }
  for (int it = 0; it < STEPS && flo < 0 && hi - lo > 1e-9 && fmin(-flo, fhi) > 1e-9 * s->budget; it++) {
    const double l = it % 8 == 7 ? (lo + hi) / 2 : (lo * fhi - hi * flo) / (fhi - flo);
    double       f;

    PetscCall(AtPrice(s, law, exp(l), &v, &f));
    *value = fmax(*value, v);
    if (f < 0) {
      lo = l;
      flo = f;
      fhi *= side > 0 ? 0.5 : 1;
      side = 1;
    } else {
      hi = l;
      fhi = f;
      flo *= side < 0 ? 0.5 : 1;
      side = -1;
    }
  }
  s->price = exp(hi);
  PetscFunctionReturn(0);
}
