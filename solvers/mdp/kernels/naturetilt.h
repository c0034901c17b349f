/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Jensen-Shannon and Jeffreys, whose duals keep two scalars: eta and the price. Laws p x(y), y = nu - theta d, with
   theta = 1/price and nu = eta theta; with S = E (f*(y) - y) and t = x - 1

     price    mean - price S
     ball     mean - price (S + rho)

   are bounds from below. Newton's method for both scalars at once; each is kept from sweep to sweep.

   The error: with F(nu, theta) = E f*(y) - nu + rho a ball's bound is G = -F/theta, so that with its G0 at the scalars
   of now any other exceeds it by -Q/theta, Q = F + G0 theta, which is convex and zero now. y is linear, so that the
   second derivative M = E f*''(y) (1,-d)(1,-d)' of Q changes only with f*'', and that falls by a factor of at most
   e^{-c |change of y|}: c = 2 + 4 x(nu) for js, where it rises with y; 1 for jeffreys. While no y moves by more than
   log 2/c, and d <= 1, M loses half at most; with N the norm of Q's gradient in the inverse of M, Q is below zero only
   where M's norm of the step is below 4 N. If such steps move y and theta no more than that and theta/4, all of Q < 0
   is there, and G misses at most N^2/(3/4 theta). Prices: the same for nu alone, with N^2 price.

   Otherwise: the best eta lies in [0,1], so a price's bound misses at most |E t|. In a ball the law brought to mass one
   has a divergence of at most D + |E t| (2 + max y), D = E y t - S, since x |f'(x)| <= 1 below x = 1; mixed with the
   nominal law it is inside.

   f* is taken in two ways: fast, with an absolute error of some roundings, which the price multiplies; and exact, by
   series around 0, for small tilts and large x.
*/
#pragma once
#include "naturerow.h"

#define TILT_NEWTON 12    /* passes of Newton's method for both scalars */
#define TILT_PASSES 80    /* and of the search that follows */
#define TILT_LEAST  0.05  /* theta below this: series */
#define TILT_MOST   200.0 /* nu above this: likewise */

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

FEN_INLINE Tilting FastJS(vd y)
{
  const vd e = v_exp2_table(y * (2 * LOG2E)), rest = 2 - e, x = e / rest;

  return (Tilting){x - 1, v_fma(v_log_table(rest), v_set(-0.5), -y), 2 * x * (1 + x)};
}

/* w of TiltJeffreys for c > -3, to 7e-7: quartics in c + 4 between -3 and 12, in four pieces of each binade */
#if FEN_SIMD == 8
FEN_INLINE vd StartOmega(vd c)
{
  static const double table[5][16] = {
      {0.003662211955, -0.03565956374, -0.09082426264, -0.08793768287, 0.1729915065, 0.7942048839, 1.108823472,
       0.9868573418, 0.4199226134, -0.4809489084, -1.244464091, -1.848975615, 0.01803959673, 0.01791498808,
       0.01715657952, 0.01465243511},
      {0.04669999735, 0.1093510779, 0.1835357846, 0.181658405, -0.06993919371, -0.5717226422, -0.7871721505,
       -0.7195060021, -0.4432170693, -0.07933127643, 0.1774261857, 0.3513443619, 0.01740803825, 0.01779426524,
       0.01979030775, 0.02547077819},
      {-0.01357124818, -0.05107947329, -0.08854158726, -0.08834808573, 0.002727787938, 0.1550273452, 0.2104091965,
       0.1963332874, 0.1457681188, 0.09053340595, 0.05810757399, 0.03932395481, 0.009085186133, 0.008635810311,
       0.006663320329, 0.001826355309},
      {0.009937420125, 0.01993794217, 0.0283571772, 0.02843719854, 0.01376711322, -0.006818331634, -0.01315140132,
       -0.01185023516, -0.007731094322, -0.003997093209, -0.002174465768, -0.001271881438, 0.002034630806,
       0.002267261235, 0.003134701724, 0.004967094149},
      {-0.0001405221426, -0.001142447877, -0.001852938963, -0.001867046844, -0.0009798081553, 6.562615984e-05,
       0.0003374434085, 0.0002923466284, 0.0001663195736, 7.146781386e-05, 3.299581725e-05, 1.671496529e-05,
       0.0009110391062, 0.0008658267184, 0.0007225842863, 0.0004620046019}};
  const vd      u = v_clip(c + 4, v_set(1), v_set(15.999));
  const __m512i at = (__m512i)((vl)u >> 50);
  vd            w = v_set(0);

  for (int k = 4; k >= 0; k--)
    w = v_fma(w, u, (vd)_mm512_permutex2var_pd((__m512d)v_load(table[k]), at, (__m512d)v_load(table[k] + FEN_SIMD)));
  return w;
}

/* beyond: below, the series of w in e^c to 3e-6; above, an asymptotic value and Newton's step */
FEN_INLINE vd StartFar(vd c, vd w)
{
  const vd least = v_set(-3), most = v_set(12), u = v_exp(v_min(c, least)), x = v_max(c, most);
  const vd small =
      u * v_fma(u, v_fma(u, v_fma(u, v_fma(u, v_set(125.0 / 24), v_set(-8.0 / 3)), v_set(1.5)), v_set(-1)), v_set(1));
  vd large = x - v_log_table(x) * (1 - 1 / x);

  large *= (1 + x - v_log_table(large)) / (1 + large);
  return v_if_greater(c, most, large, v_if_greater(least, c, small, w));
}

/* the start, and one step of third order; far: c may be below -3 or above 12 */
FEN_INLINE Tilting FastJeffreys(vd y, int far)
{
  const vd c = 1 - y;
  vd       w = StartOmega(c), r, a, s, x;

  if (far)
    w = StartFar(c, w);
  r = (c - w) - v_log_table(w);
  a = 1 / (1 + w);
  s = r * a;
  s = s - 0.5 * (w * a) * s * s;
  w = v_fma(w, v_fma(0.5 * s, s, s), w);
  x = 1 / w;
  return (Tilting){x - 1, (x - 1) * (1 - w), x * a};
}
#else
FEN_INLINE Tilting FastJeffreys(vd y, int far)
{
  (void)far;
  return TiltJeffreys(y);
}
#endif

/* of (z - zmin); theta per unit of z, range: of z */
typedef struct {
  vd  nu, theta, zmin, range;
  int far;
  vd  mean, mass, rest, loss, w0, w1, w2; /* E of d, t, f* - y, t d; f*'' times 1, d, d^2 */
} Tilts;

FEN_INLINE void AddTilting(Tilts *s, vd p, vd d, Tilting f)
{
  const vd pt = p * f.t, pw = p * f.weight, wd = pw * d;

  s->mean = v_fma(p, d, s->mean);
  s->mass += pt;
  s->rest = v_fma(p, f.rest, s->rest);
  s->loss = v_fma(pt, d, s->loss);
  s->w0 += pw;
  s->w1 += wd;
  s->w2 = v_fma(wd, d, s->w2);
}

/* entries of no mass may be anywhere */
FEN_INLINE vd TiltedBy(const Tilts *s, vd z)
{
  return v_clip(z - s->zmin, v_set(0), s->range);
}
FEN_INLINE void AddFastJS(Tilts *s, vd p, vd z)
{
  const vd d = TiltedBy(s, z);

  AddTilting(s, p, d, FastJS(v_fma(-s->theta, d, s->nu)));
}
FEN_INLINE void AddFastJeffreys(Tilts *s, vd p, vd z)
{
  const vd d = TiltedBy(s, z);

  AddTilting(s, p, d, FastJeffreys(v_fma(-s->theta, d, s->nu), s->far));
}
FEN_INLINE void AddExactJS(Tilts *s, vd p, vd d)
{
  AddTilting(s, p, d, TiltJS(v_fma(-s->theta, d, s->nu)));
}
FEN_INLINE void AddExactJeffreys(Tilts *s, vd p, vd d)
{
  AddTilting(s, p, d, TiltJeffreys(v_fma(-s->theta, d, s->nu)));
}

FEN_INLINE void JoinTilts(Tilts *s, const Tilts *t)
{
  s->mean += t->mean;
  s->mass += t->mass;
  s->rest += t->rest;
  s->loss += t->loss;
  s->w0 += t->w0;
  s->w1 += t->w1;
  s->w2 += t->w2;
}

FEN_INLINE Tilts BeginTilts(vd nu, vd theta, vd zmin, vd range)
{
  const vd zero = v_set(0);

  return (Tilts){nu,   theta, zmin, range, v_any_less(v_set(10.9), v_max(theta * range - nu, nu + 7)), zero, zero, zero,
                 zero, zero,  zero, zero};
}

/* which lanes the fast way serves; theta in units of the range */
FEN_INLINE vd IsFast(FenNatureForm form, vd nu, vd theta)
{
  const vd zero = v_set(0), one = v_set(1);
  const vd wide = v_if_greater(theta, v_set(TILT_LEAST), v_if_greater(v_set(1e12), theta, one, zero), zero);

  return form == FEN_NATURE_JS ? wide : v_if_greater(v_set(TILT_MOST), nu, wide, zero);
}

/* of a row in units of its range */
FEN_INLINE Tilts SumTilts(FenNatureForm form, const Row *R, vd nu, vd theta, int fast)
{
  Tilts s = BeginTilts(nu, theta, v_set(0), v_set(1)), t = s;

  if (fast && form == FEN_NATURE_JS)
    TWO_CHAINS(R, s, t, AddFastJS);
  else if (fast)
    TWO_CHAINS(R, s, t, AddFastJeffreys);
  else if (form == FEN_NATURE_JS)
    TWO_CHAINS(R, s, t, AddExactJS);
  else
    TWO_CHAINS(R, s, t, AddExactJeffreys);
  JoinTilts(&s, &t);
  return s;
}

/* a bound in units of the range, what it may miss, and Newton's next scalars */
typedef struct {
  vd value, gap, error, nu, theta;
} TiltStep;

/* x(nu) of js */
FEN_INLINE vd LargestX(vd nu)
{
  const vd e = v_exp(2 * nu);

  return e / v_max(2 - e, v_set(1e-14));
}

/* how fast f*'' may fall, see above */
FEN_INLINE vd TiltRate(FenNatureForm form, vd nu)
{
  return form == FEN_NATURE_JS ? 2 + 4 * LargestX(nu) : v_set(1);
}

/* nu after a step; of js the step is x's, of which the mass of the smallest value is a multiple */
FEN_INLINE vd StepNu(FenNatureForm form, vd nu, vd step)
{
  vd x, next;

  if (form != FEN_NATURE_JS)
    return nu + step;
  x = LargestX(nu);
  next = v_clip(x * (1 + 2 * (1 + x) * step), 0.25 * x, 4 * x);
  next = 0.5 * v_log_table(2 * next / (1 + next));
  return v_if_greater(v_abs(step), v_set(1e-6), next, nu + step);
}

/* sums in units of the range; loose: absolute error of the value */
FEN_INLINE TiltStep StepBall(FenNatureForm form, const Tilts *s, vd rho, vd unit, vd loose)
{
  const vd zero = v_set(0), huge = v_set(INFINITY), price = 1 / s->theta, over = price * (s->rest + rho);
  const vd q0 = s->mass, q1 = -over - s->loss, det = v_fma(s->w0, s->w2, -s->w1 * s->w1) - 4 * unit * s->w0 * s->w2;
  const vd inverse = v_if_greater(det, zero, 1 / det, zero);
  const vd i00 = s->w2 * inverse, i01 = s->w1 * inverse, i11 = s->w0 * inverse, e0 = v_sqrt(i00), e1 = v_sqrt(i11);
  const vd theta = -(i01 * q0 + i11 * q1), nu = v_if_greater(det, zero, -(i00 * q0 + i01 * q1), -q0 / s->w0);
  const vd size = v_fma(i00 * q0, q0, i11 * q1 * q1), square = v_max(-(nu * q0 + theta * q1), zero) + 16 * unit * size;
  const vd norm = v_sqrt(square) + 4 * unit * (e0 + e1 * (s->mean + v_abs(s->loss) + over)) + e1 * loose;
  const vd wide = v_sqrt(v_max(e0 * e0, i00 - 2 * i01 + i11 + 4 * unit * (i00 + i11))), rate = TiltRate(form, s->nu);
  const vd reach = v_max(4 * norm * wide * rate * (1 / LN2), 16 * norm * e1 * price);
  const vd moved = form == FEN_NATURE_JS ? 2 * v_abs(nu - theta) : v_max(v_abs(nu), v_abs(nu - theta));
  const vd damp = 1 / (1 + 0.5 * moved);

  return (TiltStep){
      .value = s->mean - over,
      .gap = v_if_greater(v_if_greater(det, zero, v_set(1), zero), reach, (4.0 / 3) * price * norm * norm, huge),
      .error = unit * 2 * (s->mean + over) + loose,
      .nu = StepNu(form, s->nu, damp * nu),
      .theta = v_clip(v_fma(damp, theta, s->theta), 0.25 * s->theta, 4 * s->theta)};
}

FEN_INLINE TiltStep StepPrice(FenNatureForm form, const Tilts *s, vd price, vd unit, vd loose)
{
  const vd q = v_abs(s->mass) + 4 * unit, step = -s->mass / s->w0, rate = TiltRate(form, s->nu);
  const vd reach = 4 * q * rate * (1 / LN2) / s->w0, over = price * s->rest;

  return (TiltStep){.value = s->mean - over,
                    .gap = v_if_greater(v_set(1), reach, price * q * q / s->w0, v_set(INFINITY)),
                    .error = unit * 2 * (s->mean + over) + loose,
                    .nu = StepNu(form, s->nu, step * (1 / (1 + 0.5 * v_abs(step)))),
                    .theta = s->theta};
}

/* what the fast way adds to the error of a value */
FEN_INLINE vd FastError(vd nu, vd theta, int fast)
{
  return fast ? 8 * UNIT * ((1 + v_abs(nu)) / theta + 1) : v_set(0);
}

/* a bound of what it may miss from laws that are allowed */
FEN_INLINE vd PrimalGap(const Row *R, const Tilts *s, vd rho, vd value)
{
  const vd doubt = v_abs(s->mass) + 4 * R->unit, d = s->nu * s->mass - s->theta * s->loss - s->rest;
  const vd work = 8 * R->unit * (v_abs(s->nu * s->mass) + s->theta * (s->mean + v_abs(s->loss)) + s->rest + 1);
  const vd far = d + work + doubt * (2 + v_max(s->nu, v_set(0)));
  const vd mix = v_if_greater(far, rho, rho / far, v_set(1));

  return mix * (s->mean + s->loss + doubt) + (1 - mix) * R->mean - value;
}

/* the largest eta: that of one, and that at which x(0) is what the smallest value's mass allows or less */
FEN_INLINE vd LargestEta(FenNatureForm form, const Row *R, vd price)
{
  const vd x = 1 / v_max(R->least, v_set(1e-250));
  const vd y = form == FEN_NATURE_JS ? -0.5 * v_log1p((R->least - 1) * 0.5) : v_log(x) + 1 - 1 / x;

  return v_min(v_set(1), price * y);
}

/* the scalars of small tilts */
FEN_INLINE vd ColdNu(FenNatureForm form, const Row *R, vd theta, vd var)
{
  const vd nu = theta * R->mean - (form == FEN_NATURE_JS ? 3 : 0.375) * theta * theta * var;

  return v_max(nu, 0.5 * theta * R->mean);
}

/* the wanted eta inside its bracket */
FEN_INLINE vd NextEta(const Tilts *s, vd eta, vd next, vd *lower, vd *upper)
{
  const vd zero = v_set(0), heavy = v_if_greater(s->mass, zero, v_set(1), zero);
  vd       middle;

  *lower = v_if_greater(heavy, zero, *lower, eta);
  *upper = v_if_greater(heavy, zero, eta, *upper);
  middle = 0.5 * (*lower + *upper);
  next = v_if_greater(next, *lower, next, middle);
  return v_if_greater(*upper, next, next, middle);
}

/* the least and the mean bound what is found */
FEN_INLINE void SettleTilt(const Row *R, Reply *a, vd eta, vd price, const TiltStep *b, vd missed)
{
  const vd zero = v_set(0), value = v_max(b->value, zero), gap = v_min(missed, R->mean - value + b->error);
  const vd settled = Small(R, value, gap), now = settled * a->open;

  a->price = v_if_greater(now, zero, price, a->price);
  a->second = v_if_greater(now, zero, b->nu, a->second);
  Settle(a, settled, eta, 1 / b->theta, value, gap, b->error);
}

FEN_INLINE void TiltPrice(FenNatureForm form, const Row *R, Reply *a)
{
  const vd zero = v_set(0), theta = 1 / R->price;
  vd       lower = zero, upper = LargestEta(form, R, R->price), eta;

  eta = v_min(v_if_greater(a->second, zero, a->second * R->price, R->mean), upper);
  for (int pass = 0; pass < TILT_PASSES && v_any(a->open); pass++) {
    const vd       nu = eta * theta, quick = IsFast(form, nu, theta);
    const int      fast = !v_any(a->open * (1 - quick));
    const Tilts    s = SumTilts(form, R, nu, theta, fast);
    const TiltStep b = StepPrice(form, &s, R->price, v_set(R->unit), FastError(nu, theta, fast));
    const vd       gap = v_min(b.gap, v_abs(s.mass) + 4 * R->unit);

    SettleTilt(R, a, eta, R->price, &b, gap);
    eta = NextEta(&s, eta, b.nu * R->price, &lower, &upper);
  }
}

/* lanes that Newton's method leaves open: for eta alone until the mass is right, then for both, inside brackets */
FEN_INLINE void SearchBall(const FenNatureSet *set, FenNatureForm form, const Row *R, Reply *a, vd cold)
{
  const vd zero = v_set(0), one = v_set(1), rho = v_set(set->size), huge = v_set(INFINITY);
  vd       price = cold, lower = zero, upper = LargestEta(form, R, price), eta, most = huge, least = zero;

  eta = v_min(R->mean, 0.9 * upper);
  for (int pass = 0; pass < TILT_PASSES && v_any(a->open); pass++) {
    const vd       theta = 1 / price, nu = eta * theta;
    const Tilts    s = SumTilts(form, R, nu, theta, 0);
    const TiltStep b = StepBall(form, &s, rho, v_set(R->unit), zero);
    const vd       gap = v_min(b.gap, PrimalGap(R, &s, rho, b.value)), doubt = v_abs(s.mass) + 4 * R->unit;
    /* moments of y, and the divergence */
    const vd v1 = nu * s.w0 - theta * s.w1, v2 = nu * nu * s.w0 - 2 * nu * theta * s.w1 + theta * theta * s.w2;
    const vd d = nu * s.mass - theta * s.loss - s.rest, det = s.w0 * v2 - v1 * v1;
    const vd near = v_if_greater(v_set(0.02), v_abs(s.mass), one, zero), side = 2 * doubt * (1 + v_abs(v1 / s.w0));
    const vd step = price * ((rho - d) * s.w0 + s.mass * v1) / v_max(det, 1e-14 * s.w0 * v2);
    const vd alone = NextEta(&s, eta, eta - price * s.mass / s.w0, &lower, &upper);
    vd       next = v_clip(price - step, price * (1.0 / 3), 3 * price), joint;

    SettleTilt(R, a, eta, price, &b, gap);
    /* the side on which the best price lies, once the mass is right enough to tell */
    least = v_if_greater(near * v_if_greater(d, rho + side, one, zero), zero, v_max(least, price), least);
    most = v_if_greater(near * v_if_greater(rho, d + side, one, zero), zero, v_min(most, price), most);
    next = v_if_greater(next, most, 0.5 * (price + most), v_if_greater(least, next, 0.5 * (price + least), next));
    joint = eta - price * s.mass / s.w0 + (next - price) * v1 / s.w0;
    price = v_if_greater(near, zero, next, price);
    upper = v_if_greater(near, zero, LargestEta(form, R, price), upper);
    lower = v_if_greater(near, zero, zero, lower);
    eta = v_if_greater(near, zero, v_clip(joint, zero, upper), alone);
  }
}

FEN_INLINE void TiltBall(const FenNatureSet *set, FenNatureForm form, const Row *R, Reply *a)
{
  const double c2 = form == FEN_NATURE_JS ? 2 : 0.25;
  const vd     zero = v_set(0), rho = v_set(set->size), var = v_max(Variance(R), v_set(1e-250));
  const vd     cold = v_sqrt(var * (c2 / set->size));
  const vd     known = v_if_greater(a->warm, zero, v_if_greater(a->second, zero, v_set(1), zero), zero);
  vd           theta = v_if_greater(known, zero, 1 / a->warm, 1 / cold);
  vd           nu = v_if_greater(known, zero, a->second, ColdNu(form, R, theta, var));

  nu = v_min(nu, theta * LargestEta(form, R, 1 / theta));
  for (int pass = 0; pass < TILT_NEWTON && v_any(a->open); pass++) {
    const int      fast = !v_any(a->open * (1 - IsFast(form, nu, theta)));
    const Tilts    s = SumTilts(form, R, nu, theta, fast);
    const TiltStep b = StepBall(form, &s, rho, v_set(R->unit), FastError(nu, theta, fast));
    const vd       gap = v_min(b.gap, PrimalGap(R, &s, rho, b.value));

    SettleTilt(R, a, nu / theta, 1 / theta, &b, gap);
    theta = b.theta;
    nu = b.nu;
  }
  if (v_any(a->open))
    SearchBall(set, form, R, a, cold);
}
