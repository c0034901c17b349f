/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Jensen-Shannon and Jeffreys, whose duals keep two scalars: eta and the price. Laws p x(y), y = (eta - d)/price; with
   S = E (f*(y) - y) and t = x - 1

     price    mean - price S               slope -E t by eta
     ball     mean - price (S + rho)       slope D - rho by the price, D = E y t - S

   are the bounds. Newton's method for both together once the mass is nearly one, for eta alone before.

   The error: the best eta lies in [0,1], so a price's bound misses at most |E t|. In a ball the law brought to mass one
   has a divergence of at most D + |E t| (2 + max y), since x |f'(x)| <= 1 below x = 1; mixed with the nominal law it is
   inside.
*/
#pragma once
#include "naturerow.h"

#define TILT_PASSES 80

typedef struct {
  vd t, rest, weight; /* x - 1, f* - y, f*'' */
} Tilting;

/* e^x - 1 to relative accuracy */
FEN_INLINE vd v_expm1(vd x)
{
  const vd near = v_clip(x, v_set(-0.35), v_set(0.35));
  vd       s = v_set(1.0 / 6227020800);

  s = v_fma(s, near, v_set(1.0 / 479001600));
  s = v_fma(s, near, v_set(1.0 / 39916800));
  s = v_fma(s, near, v_set(1.0 / 3628800));
  s = v_fma(s, near, v_set(1.0 / 362880));
  s = v_fma(s, near, v_set(1.0 / 40320));
  s = v_fma(s, near, v_set(1.0 / 5040));
  s = v_fma(s, near, v_set(1.0 / 720));
  s = v_fma(s, near, v_set(1.0 / 120));
  s = v_fma(s, near, v_set(1.0 / 24));
  s = v_fma(s, near, v_set(1.0 / 6));
  s = v_fma(s, near, v_set(0.5));
  s = v_fma(s * near, near, near);
  return v_if_equal(x, near, s, v_exp(x) - 1);
}

/* log(1 + x) to relative accuracy, x > -1 */
FEN_INLINE vd v_log1p(vd x)
{
  const vd near = v_clip(x, v_set(-0.25), v_set(0.3)), s = near / (2 + near), q = s * s;
  vd       p = v_set(2.0 / 19);

  p = v_fma(p, q, v_set(2.0 / 17));
  p = v_fma(p, q, v_set(2.0 / 15));
  p = v_fma(p, q, v_set(2.0 / 13));
  p = v_fma(p, q, v_set(2.0 / 11));
  p = v_fma(p, q, v_set(2.0 / 9));
  p = v_fma(p, q, v_set(2.0 / 7));
  p = v_fma(p, q, v_set(2.0 / 5));
  p = v_fma(p, q, v_set(2.0 / 3));
  p = v_fma(p, q, v_set(2.0));
  return v_if_equal(x, near, s * p, v_log(v_max(1 + x, v_set(1e-300))));
}

/* e^{2y} = 1 + e; y stays below log(2)/2 */
FEN_INLINE Tilting TiltJS(vd y)
{
  const vd e = v_expm1(2 * y), t = 2 * e / (1 - e), x = 1 + t;

  return (Tilting){t, -0.5 * v_log1p(-e) - y, 2 * x * (1 + x)};
}

/* 1/x = w with w + log w = 1 - y, by two steps of fourth order (Fritsch, Shafer, Crowley 1973) */
FEN_INLINE Tilting TiltJeffreys(vd y)
{
  const vd c = 1 - y, one = v_set(1), low = v_exp(v_min(c, one)), small = low / (1 + low);
  const vd middle = 0.567143290409784 + 0.44 * c * (0.8207 + 0.0567 * c), most = v_max(c, v_set(2));
  vd       w = v_if_greater(v_set(-1), c, small, v_if_greater(v_set(3), c, middle, c - v_log(most) * (1 - 1 / most)));
  vd       t;

  w = v_max(w, v_set(1e-250));
  for (int k = 0; k < 2; k++) {
    const vd r = (c - w) - v_log(w), s = 1 + w, u = 2 * s * (s + (2.0 / 3) * r);

    w *= 1 + r / s * (u - r) / (u - 2 * r);
    w = v_max(w, v_set(1e-250));
  }
  t = (1 - w) / w;
  return (Tilting){t, t * t * w, 1 / (w * (1 + w))};
}

typedef struct {
  vd price, eta, theta;
  vd mass, rest, work, loss, w0, w1, w2; /* E of t, f* - y, t y, x d, f*'' times 1, y, y^2 */
} Tilts;

FEN_INLINE void AddTilt(Tilts *s, FenNatureForm form, vd p, vd d)
{
  const vd      y = (s->eta - d) * s->theta;
  const Tilting f = form == FEN_NATURE_JS ? TiltJS(y) : TiltJeffreys(y);
  const vd      pt = p * f.t, pw = p * f.weight;

  s->mass += pt;
  s->rest = v_fma(p, f.rest, s->rest);
  s->work = v_fma(pt, y, s->work);
  s->loss = v_fma(p + pt, d, s->loss);
  s->w0 += pw;
  s->w1 = v_fma(pw, y, s->w1);
  s->w2 = v_fma(pw * y, y, s->w2);
}

FEN_INLINE Tilts SumTilts(FenNatureForm form, const Row *R, vd price, vd eta)
{
  const vd zero = v_set(0);
  Tilts    s = {price, eta, 1 / price, zero, zero, zero, zero, zero, zero, zero};

  COLUMNS AddTilt(&s, form, P, D);
  return s;
}

/* the largest eta: that of one, and that at which x(0) is what the smallest value's mass allows or less */
FEN_INLINE vd LargestEta(FenNatureForm form, const Row *R, vd price)
{
  const vd x = 1 / v_max(R->least, v_set(1e-250));
  const vd y = form == FEN_NATURE_JS ? -0.5 * v_log1p((R->least - 1) * 0.5) : v_log(x) + 1 - 1 / x;

  return v_min(v_set(1), price * y);
}

/* Newton's step for eta inside its bracket */
FEN_INLINE vd NextEta(const Tilts *s, vd *lower, vd *upper)
{
  const vd zero = v_set(0), heavy = v_if_greater(s->mass, zero, v_set(1), zero);
  vd       next = s->eta - s->price * s->mass / s->w0, middle;

  *lower = v_if_greater(heavy, zero, *lower, s->eta);
  *upper = v_if_greater(heavy, zero, s->eta, *upper);
  middle = 0.5 * (*lower + *upper);
  next = v_if_greater(next, *lower, next, middle);
  return v_if_greater(*upper, next, next, middle);
}

FEN_INLINE void TiltPrice(FenNatureForm form, const Row *R, Reply *a)
{
  const vd zero = v_set(0);
  vd       lower = zero, upper = LargestEta(form, R, R->price), eta = v_if_greater(a->warm, zero, a->warm, R->mean);

  eta = v_min(eta, upper);
  a->price = R->price;
  for (int pass = 0; pass < TILT_PASSES && v_any(a->open); pass++) {
    const Tilts s = SumTilts(form, R, R->price, eta);
    const vd value = R->mean - R->price * s.rest, gap = v_abs(s.mass) + 4 * R->unit, next = NextEta(&s, &lower, &upper);

    Settle(a, Small(R, value, gap), eta, next, value, gap, R->unit * 2 * (R->mean + R->price * s.rest));
    eta = next;
  }
}

FEN_INLINE void TiltBall(const FenNatureSet *set, FenNatureForm form, const Row *R, Reply *a)
{
  const double c2 = form == FEN_NATURE_JS ? 2 : 0.25;
  const vd     zero = v_set(0), one = v_set(1), rho = v_set(set->size), huge = v_set(INFINITY);
  vd           price = a->warm, lower = zero, upper, eta, most = huge, least = zero;

  if (v_any(v_if_greater(a->warm, zero, zero, a->open)))
    price = v_if_greater(a->warm, zero, a->warm, v_sqrt(v_max(Variance(R), v_set(1e-250)) * (c2 / set->size)));
  upper = LargestEta(form, R, price);
  eta = v_min(R->mean, 0.9 * upper);
  for (int pass = 0; pass < TILT_PASSES && v_any(a->open); pass++) {
    const Tilts s = SumTilts(form, R, price, eta);
    const vd    value = R->mean - price * (s.rest + rho), d = s.work - s.rest, doubt = v_abs(s.mass) + 4 * R->unit;
    const vd    far = d * (1 + 8 * R->unit) + doubt * (2 + v_max(eta * s.theta, zero)), mix = v_min(rho / far, one);
    const vd    primal = mix * (s.loss + doubt) + (1 - mix) * R->mean;
    const vd    near = v_if_greater(v_set(0.02), v_abs(s.mass), one, zero), det = s.w0 * s.w2 - s.w1 * s.w1;
    const vd    down = rho - d, step = price * (down * s.w0 + s.mass * s.w1) / v_max(det, 1e-14 * s.w0 * s.w2);
    const vd    alone = NextEta(&s, &lower, &upper), first = price;
    vd          next = v_clip(price - step, price * (1.0 / 3), 3 * price), joint;

    /* the side on which the best price lies, once the mass is right enough to tell */
    least = v_if_greater(near * v_if_greater(d, rho + 2 * doubt * (1 + v_abs(s.w1 / s.w0)), one, zero), zero,
                         v_max(least, price), least);
    most = v_if_greater(near * v_if_greater(rho, d + 2 * doubt * (1 + v_abs(s.w1 / s.w0)), one, zero), zero,
                        v_min(most, price), most);
    next = v_if_greater(next, most, 0.5 * (price + most), v_if_greater(least, next, 0.5 * (price + least), next));
    joint = eta - price * s.mass / s.w0 + (next - price) * s.w1 / s.w0;
    price = v_if_greater(near, zero, next, price);
    upper = v_if_greater(near, zero, LargestEta(form, R, price), upper);
    lower = v_if_greater(near, zero, zero, lower);
    a->price = v_if_greater(a->open, zero, first, a->price);
    Settle(a, Small(R, value, primal - value), eta, price, value, primal - value,
           R->unit * 2 * (R->mean + first * (s.rest + rho)));
    eta = v_if_greater(near, zero, v_clip(joint, zero, upper), alone);
  }
}
