/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Balls, and prices of js and jeffreys, warm: one pass over a row's values as they were gathered, in the model's units,
   with the scalar at which the last sweep ended. What is proved to be good enough is the answer, and most rows need no
   more; the others go on to be scaled and searched. Excesses y = z - zmin here are d times the range; the bounds and
   the proofs are those of naturetv.h, naturekl.h, naturepearson.h and naturetilt.h.
*/
#pragma once
#include "naturekl.h"
#include "naturepearson.h"
#include "naturetilt.h"
#include "naturetv.h"

/* n columns, FEN_LANES apart; z as gathered. `enough`: the gap up to which an answer is one, in units of the model */
typedef struct {
  FenInt        n;
  const double *p, *z;
  vd            zmin, range, inverse, warm, second, price; /* the last three in units of the range */
  vd            change;                                    /* TV - V would be this plus the row's value */
  vd            share, most, unit;                         /* gaps up to share of the change, and most, are small */
  Ahead        *next;
} WarmRow;

/* value and gap in the model's units, value above zmin; `good` is one where this is an answer, `better` where the
   scalars are to be kept even if it is not */
typedef struct {
  vd good, better, value, gap, error, warm, second;
} WarmReply;

FEN_INLINE vd WarmSmall(const WarmRow *R, vd value, vd gap)
{
  const vd enough = v_max((EXACT + 40 * R->unit) * R->range, Negligible(R->share, R->change + value, R->most));

  return v_if_greater(enough, gap, v_set(1), v_set(0));
}

typedef struct {
  vd zmin, most, cut, above, on, sum;
} WarmCut;

FEN_INLINE void AddWarmCut(WarmCut *s, vd p, vd z)
{
  const vd zero = v_set(0);

  s->above += v_if_greater(z, s->cut, p, zero);
  s->on += v_if_equal(z, s->cut, p, zero);
  s->sum = v_fma(p, v_min(z - s->zmin, s->most), s->sum);
}

/* cold rows try the smallest value */
FEN_INLINE void WarmTV(const FenNatureSet *set, const WarmRow *R, WarmReply *a)
{
  const vd zero = v_set(0), one = v_set(1), rho = v_set(set->size);
  const vd cut = v_if_greater(R->warm, zero, AtPlace(R->z, R->n, R->warm - 1), R->zmin);
  WarmCut  s = {R->zmin, cut - R->zmin, cut, zero, zero, zero}, t = s;

  TWO_CHAINS_OF(R->n, R->p, R->z, s, t, AddWarmCut, R->next);
  s.above += t.above;
  s.on += t.on;
  s.sum += t.sum;
  a->good = v_if_greater(s.above, rho, zero, v_if_greater(s.above + s.on, rho, one, zero));
  a->value = s.sum - rho * s.most;
  a->gap = R->unit * R->range; /* masses within rounding of the radius */
  a->error = R->unit * (s.sum + rho * s.most);
  a->warm = R->warm;
}

typedef struct {
  vd zmin, u, z, first, second;
} WarmTilt;

FEN_INLINE void AddWarmTilt(WarmTilt *s, vd p, vd z)
{
  const vd y = z - s->zmin, w = p * v_exp2_table(v_min(s->u * y, v_set(0))), wy = w * y;

  s->z += w;
  s->first += wy;
  s->second = v_fma(wy, y, s->second);
}

/* gap: only where the best theta is proved to be near, see naturekl.h */
FEN_INLINE void WarmKL(const FenNatureSet *set, const WarmRow *R, WarmReply *a)
{
  const vd zero = v_set(0), rho = v_set(set->size), x = v_max(R->warm, v_set(1e-100)), ix = 1 / x;
  WarmTilt s = {R->zmin, x * R->inverse * -LOG2E, zero, zero, zero}, t = s;
  vd       inverse, mean, second, var, lz, kl, root, steep, r, reach, far, wanted;

  TWO_CHAINS_OF(R->n, R->p, R->z, s, t, AddWarmTilt, R->next);
  s.z += t.z;
  inverse = 1 / s.z;
  mean = (s.first + t.first) * inverse * R->inverse;
  second = (s.second + t.second) * inverse * R->inverse * R->inverse;
  lz = v_log(s.z);
  kl = v_max(-(x * mean) - lz, v_set(1e-290));
  var = v_max(second - mean * mean - 4 * R->unit * second, v_set(1e-290));
  steep = 1 / (x * var);
  r = v_abs(rho - kl) + 4 * R->unit * (1 + x * mean);
  reach = 2 * r * steep;
  far = v_if_greater(reach, v_min(0.25 * x, v_set(2.0 / 3)), v_set(1), zero);
  a->value = (-(lz + rho) * ix) * R->range;
  a->gap = r * reach * (4.0 / 3) * (ix * ix) * R->range;
  a->error = R->unit * (1 + x * mean + v_abs(lz)) * ix * R->range;
  a->good = v_if_greater(far, zero, zero, WarmSmall(R, a->value, a->gap));
  a->good = v_if_greater(v_set(KL_LEAST), R->warm, zero, v_if_greater(R->warm, v_set(KL_MOST), zero, a->good));
  root = v_sqrt(kl);
  wanted = x + 2 * root * (sqrt(set->size) - root) * steep;
  a->warm = v_clip(wanted, 0.25 * x, 4 * x);
}

typedef struct {
  vd zmin, threshold, mass, rest, first, second, below, above;
} WarmSplit;

FEN_INLINE void AddWarmSplit(WarmSplit *s, vd p, vd z)
{
  const vd zero = v_set(0), y = z - s->zmin, q = v_if_greater(s->threshold, y, p, zero), qy = q * y;

  s->mass += q;
  s->rest += v_if_greater(s->threshold, y, zero, p);
  s->first += qy;
  s->second = v_fma(qy, y, s->second);
  s->below = v_max(s->below, v_if_greater(s->threshold, y, y, zero));
  s->above = v_min(s->above, v_if_greater(s->threshold, y, v_set(INFINITY), y));
}

FEN_INLINE void WarmPearson(const FenNatureSet *set, const WarmRow *R, WarmReply *a)
{
  const vd  zero = v_set(0), one = v_set(1), rho = v_set(set->size);
  WarmSplit s = {R->zmin, R->warm * R->range, zero, zero, zero, zero, zero, v_set(INFINITY)}, t = s;
  vd        inverse, mean, var, room, root, next;

  TWO_CHAINS_OF(R->n, R->p, R->z, s, t, AddWarmSplit, R->next);
  s.mass += t.mass;
  inverse = 1 / s.mass;
  mean = (s.first + t.first) * inverse;
  var = (s.second + t.second) * inverse - mean * mean;
  room = rho * s.mass - (s.rest + t.rest);
  root = v_sqrt(var / room); /* no number where there is no room or no variance: no answer then */
  next = mean + root;
  root = root * room;
  a->good = v_if_greater(next, v_min(s.above, t.above), zero, v_if_greater(v_max(s.below, t.below), next, zero, one));
  a->good = v_if_greater(var, 0.01 * mean * mean, v_if_greater(room, zero, a->good, zero), zero);
  a->good = v_if_greater(R->warm, zero, a->good, zero);
  a->value = mean - root;
  a->gap = zero;
  a->error = R->unit * (mean + 2 * root);
  a->warm = v_min(next * R->inverse, v_set(1e16));
}

#define WARM_PAIRS 3 /* passes of pairs, each after one step of Newton's method */

/* the form is known when this is compiled; nu and theta in units of the range */
FEN_INLINE TiltStep StepWarm(const FenNatureSet *set, FenNatureForm form, const WarmRow *R, vd nu, vd theta,
                             Ahead *next)
{
  const vd loose = FastError(nu, theta, 1);
  Tilts    s = BeginTilts(nu, theta * R->inverse, R->zmin, R->range), t = s;

  if (form == FEN_NATURE_JS)
    TWO_CHAINS_OF(R->n, R->p, R->z, s, t, AddFastJS, next);
  else
    TWO_CHAINS_OF(R->n, R->p, R->z, s, t, AddFastJeffreys, next);
  JoinTilts(&s, &t);
  s.theta = theta;
  s.mean *= R->inverse;
  s.loss *= R->inverse;
  s.w1 *= R->inverse;
  s.w2 *= R->inverse * R->inverse;
  return set->ball ? StepBall(form, &s, v_set(set->size), R->unit, loose)
                   : StepPrice(form, &s, R->price, R->unit, loose);
}

FEN_INLINE void WarmPair(const FenNatureSet *set, FenNatureForm form, const WarmRow *R, WarmReply *a)
{
  const vd zero = v_set(0), one = v_set(1), price = set->ball ? R->warm : R->price;
  vd       theta = 1 / price, nu = R->second, open;
  Ahead    none = {.n = 0};

  open = v_if_greater(price, zero, v_if_greater(R->second, zero, IsFast(form, nu, theta), zero), zero);
  nu = v_if_greater(open, zero, nu, zero);
  theta = v_if_greater(open, zero, theta, one);
  a->good = a->better = a->value = a->gap = a->error = zero;
  a->warm = R->warm;
  a->second = R->second;
  for (int pass = 0; pass < WARM_PAIRS && (!pass || v_any(open)); pass++) {
    const TiltStep b = StepWarm(set, form, R, nu, theta, pass ? &none : R->next);
    const vd       value = v_max(b.value, zero) * R->range, gap = b.gap * R->range;
    const vd       now = open * WarmSmall(R, value, gap);

    a->value = v_if_greater(now, zero, value, a->value);
    a->gap = v_if_greater(now, zero, gap, a->gap);
    a->error = v_if_greater(now, zero, b.error * R->range, a->error);
    a->good += now;
    /* what is no scalar is not gone on with */
    open *= v_if_greater(b.nu, zero, v_if_greater(b.theta, b.nu, IsFast(form, b.nu, b.theta), zero), zero);
    a->warm = v_if_greater(open, zero, 1 / b.theta, a->warm);
    a->second = v_if_greater(open, zero, b.nu, a->second);
    a->better = v_max(a->better, open);
    nu = v_if_greater(open, zero, b.nu, nu);
    theta = v_if_greater(open, zero, b.theta, theta);
    open = open * (one - now);
  }
}

/* two scalars a row: apart from the others, which are faster without them in the same loop */
FEN_INLINE PetscBool HasPairs(const FenNatureSet *set)
{
  return (PetscBool)(set->form == FEN_NATURE_JS || set->form == FEN_NATURE_JEFFREYS);
}

FEN_INLINE PetscBool HasWarm(const FenNatureSet *set)
{
  return (PetscBool)((set->ball && set->form <= FEN_NATURE_PEARSON) || HasPairs(set));
}

FEN_INLINE void TryWarm(const FenNatureSet *set, const WarmRow *R, WarmReply *a, int pairs)
{
  a->better = a->second = v_set(0);
  if (pairs && set->form == FEN_NATURE_JS)
    WarmPair(set, FEN_NATURE_JS, R, a);
  else if (pairs)
    WarmPair(set, FEN_NATURE_JEFFREYS, R, a);
  else if (set->form == FEN_NATURE_TV)
    WarmTV(set, R, a);
  else if (set->form == FEN_NATURE_KL)
    WarmKL(set, R, a);
  else
    WarmPearson(set, R, a);
}
