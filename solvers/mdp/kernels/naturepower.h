/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The Cressie-Read family but for its special members kl and pearson, below and above alpha = 1.

   Below: laws ~ p (d + g)^{t-1} with a gap g > 0. The bound is concave in g,

     ball     kappa M^{1/t} - g                             M = E (d+g)^t;   t = 0: M^{1/t} = exp E log(d+g)
     price    l (t-1)/t - g + l^{1-t} M/t                   l = price/(1-alpha);   t = 0: l (1 - log l + E log(d+g)) - g

   and needs W1 = E (d+g)^{t-1}, W2 = E (d+g)^{t-2} for Newton's step. The error of the bound: with slope r and second
   derivative c at g, the latter changes by a factor of at most (g'/g)^C until g', C = 2 - t for prices and 2(2 - t) +
   |1 - 2t| for balls (M W2 - W1^2 is a sum of (d_i - d_j)^2 times powers of d + g). So the slope vanishes within D =
   2|r|/c if D <= g log 2/(2C), and the bound misses at most |r| D. To the left of g the best gap is never further away
   than g itself.

   Above: laws ~ p (a - d)_+^{t-1}; those inside the ball bound the error, the bracket of a does for prices.
*/
#pragma once
#include "naturerow.h"

#define POWER_PASSES 60
#define POWER_MOST   64.0 /* gaps above this: rounding counts too much */
#define POWER_LEAST  1e-100

typedef struct {
  vd m, w1, w2; /* t = 0: m = E log ((d+g)/unit) */
} Powers;

typedef struct {
  vd     g, inverse, t;
  Powers s;
} Adding;

FEN_INLINE void AddBurg(Adding *a, vd p, vd d)
{
  const vd x = d + a->g, y = 1 / x, q = p * y;

  a->s.m = v_fma(p, v_log2(x * a->inverse), a->s.m);
  a->s.w1 += q;
  a->s.w2 = v_fma(q, y, a->s.w2);
}

FEN_INLINE void AddHellinger(Adding *a, vd p, vd d)
{
  const vd y = 1 / (d + a->g), q = p * y, r = q * y;

  a->s.m += q;
  a->s.w1 += r;
  a->s.w2 = v_fma(r, y, a->s.w2);
}

FEN_INLINE void AddNeyman(Adding *a, vd p, vd d)
{
  const vd x = d + a->g, y = 1 / v_sqrt(x), q = p * y;

  a->s.m = v_fma(q, x, a->s.m);
  a->s.w1 += q;
  a->s.w2 = v_fma(q * y, y, a->s.w2);
}

FEN_INLINE void AddPower(Adding *a, vd p, vd d)
{
  const vd x = d + a->g, y = 1 / x, q = p * v_pow(x, a->t), r = q * y;

  a->s.m += q;
  a->s.w1 += r;
  a->s.w2 = v_fma(r, y, a->s.w2);
}

/* the form is known when this is compiled */
FEN_INLINE Powers SumPowers(const FenNatureSet *set, FenNatureForm form, const Row *R, vd g, vd unit)
{
  const vd zero = v_set(0);
  Adding   a = {g, 1 / unit, v_set(set->t), {zero, zero, zero}}, b = a;

  if (form == FEN_NATURE_BURG)
    TWO_CHAINS(R, a, b, AddBurg);
  else if (form == FEN_NATURE_HELLINGER)
    TWO_CHAINS(R, a, b, AddHellinger);
  else if (form == FEN_NATURE_NEYMAN)
    TWO_CHAINS(R, a, b, AddNeyman);
  else
    TWO_CHAINS(R, a, b, AddPower);
  a.s.m += b.s.m;
  a.s.w1 += b.s.w1;
  a.s.w2 += b.s.w2;
  if (form == FEN_NATURE_BURG)
    a.s.m *= LN2;
  return a.s;
}

/* a bound at g: value, slope and its rounding, second derivative without its sign, and how fast that changes */
typedef struct {
  vd     value, size, slope, doubt, curvature;
  double change;
} Bound;

FEN_INLINE Bound BoundBall(const FenNatureSet *set, FenNatureForm form, const Row *R, vd g)
{
  const vd     middle = g + R->mean;
  const Powers s = SumPowers(set, form, R, g, middle);
  const double t = set->t;
  const vd     one = v_set(1), m = form == FEN_NATURE_BURG ? one : s.m;
  const vd     mean = form == FEN_NATURE_BURG        ? middle * v_exp(s.m)
                      : form == FEN_NATURE_HELLINGER ? 1 / m
                      : form == FEN_NATURE_NEYMAN    ? m * m
                                                     : v_pow(m, v_set(1 / t));
  const vd     rise = mean / m * s.w1, spread = m * s.w2 - s.w1 * s.w1 - 4 * R->unit * m * s.w2;

  return (Bound){.value = set->kappa * mean - g,
                 .size = form == FEN_NATURE_BURG ? mean * (4 + v_abs(s.m)) + g : mean + g,
                 .slope = set->kappa * rise - 1,
                 .doubt = 4 * R->unit * (1 + rise),
                 .curvature = set->kappa * (1 - t) * mean / (m * m) * v_max(spread, v_set(0)),
                 .change = 2 * (2 - t) + fabs(1 - 2 * t)};
}

/* l = price/(1-alpha), and l^{1-t} */
FEN_INLINE Bound BoundPrice(const FenNatureSet *set, FenNatureForm form, const Row *R, vd l, vd k, vd g)
{
  const Powers    s = SumPowers(set, form, R, g, l);
  const PetscBool burg = (PetscBool)(form == FEN_NATURE_BURG);
  const double    t = set->t;
  const vd        gain = burg ? l * s.m : k * s.m * (1 / t), fixed = burg ? l : l * ((t - 1) / t);

  return (Bound){.value = (fixed - g) + gain,
                 .size = v_abs(fixed - g) + v_abs(gain) + v_abs(fixed) + g + (burg ? 2 * l : v_set(0)),
                 .slope = v_fma(k, s.w1, v_set(-1)),
                 .doubt = 4 * R->unit * (1 + k * s.w1),
                 .curvature = (1 - t) * k * s.w2,
                 .change = 2 - t};
}

/* `left`: how far to the left of g the best gap may be */
FEN_INLINE vd BoundGap(const Row *R, const Bound *b, vd g, vd left)
{
  const vd infinite = v_set(INFINITY), r = v_abs(b->slope) + b->doubt;
  const vd reach = 2 * r / v_max(b->curvature, v_set(1e-290)), near = g * (LN2 / 2 / b->change);
  const vd second = v_if_greater(reach, near, infinite, r * reach),
           down = v_if_greater(b->slope, v_set(0), infinite, r * left);

  return v_min(v_min(second, down), R->mean - b->value + R->unit * b->size);
}

FEN_INLINE vd ColdBall(const FenNatureSet *set, const Row *R, double t)
{
  const vd gap = v_sqrt(Variance(R) * (set->kappa * (1 - t) / 2 / (1 - set->kappa)));

  return v_max(gap - R->mean, v_max(0.01 * gap, v_set(1e-3)));
}

FEN_INLINE void PowerBall(const FenNatureSet *set, FenNatureForm form, const Row *R, Reply *a)
{
  const vd zero = v_set(0), least = v_set(POWER_LEAST);
  Search   s = {a->warm, zero, v_set(INFINITY)};

  if (v_any(v_if_greater(a->warm, zero, zero, a->open)))
    s.x = v_if_greater(a->warm, zero, a->warm, ColdBall(set, R, set->t));
  for (int pass = 0; pass < POWER_PASSES && v_any(a->open); pass++) {
    const Bound b = BoundBall(set, form, R, s.x);
    const vd    gap = BoundGap(R, &b, s.x, s.x), wanted = s.x + b.slope / v_max(b.curvature, v_set(1e-290));
    const vd    next = v_max(Next(&s, v_if_greater(b.slope, zero, v_set(1), zero), wanted, 16), least);

    Settle(a, v_if_greater(s.x, v_set(POWER_MOST), zero, Small(R, b.value, gap)), s.x, next, b.value, gap,
           R->unit * b.size);
    if (pass >= 3 && !v_any(v_if_greater(s.x, v_set(POWER_MOST), zero, a->open)))
      break;
    s.x = next;
  }
}

FEN_INLINE vd PriceFactor(const FenNatureSet *set, FenNatureForm form, vd l)
{
  return form == FEN_NATURE_BURG        ? l
         : form == FEN_NATURE_HELLINGER ? l * l
         : form == FEN_NATURE_NEYMAN    ? v_sqrt(l)
                                        : v_pow(l, v_set(1 - set->t));
}

/* the gap that one entry of this mass would have for itself */
FEN_INLINE vd OwnGap(const FenNatureSet *set, FenNatureForm form, vd mass)
{
  return form == FEN_NATURE_BURG        ? mass
         : form == FEN_NATURE_HELLINGER ? v_sqrt(mass)
         : form == FEN_NATURE_NEYMAN    ? mass * mass
                                        : v_pow(mass, v_set(1 / (1 - set->t)));
}

/* the gap is at least that of the smallest value alone and l - mean, at most l */
FEN_INLINE void PowerPrice(const FenNatureSet *set, FenNatureForm form, const Row *R, Reply *a)
{
  const vd zero = v_set(0), l = R->price * set->price, k = PriceFactor(set, form, l);
  const vd lower =
      v_max(v_max(0.999999 * l * OwnGap(set, form, R->least), (1 - 1e-9) * (l - R->mean)), v_set(POWER_LEAST));
  Search s = {v_if_greater(a->warm, zero, v_clip(a->warm, lower, l), lower), lower * (1 - 1e-9), l * (1 + 1e-9)};

  for (int pass = 0; pass < POWER_PASSES && v_any(v_if_greater(l, v_set(POWER_MOST), zero, a->open)); pass++) {
    const Bound b = BoundPrice(set, form, R, l, k, s.x);
    const vd    gap = BoundGap(R, &b, s.x, v_max(s.x - lower, zero) + R->unit * l);
    const vd    wanted = s.x + b.slope / v_max(b.curvature, v_set(1e-290));
    const vd    next = Next(&s, v_if_greater(b.slope, zero, v_set(1), zero), wanted, 16);

    Settle(a, v_if_greater(l, v_set(POWER_MOST), zero, Small(R, b.value, gap)), s.x, next, b.value, gap,
           R->unit * b.size);
    s.x = next;
  }
}

/* a threshold is counted from a value of the row: a = from + over. Above alpha = 2 the law is steep just above a value,
   and differences of thresholds to it would lose their digits */
typedef struct {
  vd from, over;
} Threshold;

typedef struct {
  Powers s;
  vd     below, at; /* largest value below the threshold; the value that it is on, or -1 */
} Above;

/* above one: sums of p (a - d)_+^t and its powers t - 1, t - 2 */
FEN_INLINE Above SumAbove(const FenNatureSet *set, const Row *R, const Threshold *a)
{
  const vd zero = v_set(0), tiny = v_set(1e-100), t = v_set(set->t - 1);
  Above    A = {{zero, zero, zero}, zero, v_set(-1)};

  COLUMNS
  {
    const vd d = D, x = (a->from - d) + a->over, y = v_max(x, tiny);
    const vd q = v_if_greater(x, tiny, P, zero) * v_pow(y, t);

    A.s.w1 += q;
    A.s.m = v_fma(q, y, A.s.m);
    A.s.w2 += q / y;
    A.below = v_max(A.below, v_if_greater(x, tiny, d, zero));
    A.at = v_if_equal(x, zero, d, A.at);
  }
  return A;
}

/* a search for a threshold: `lower` and `upper` enclose what `over` is to be, with the same `from`; unknown: -inf, inf
 */
typedef struct {
  Threshold a;
  vd        lower, upper;
} AboveSearch;

/* (x^e + y^e)/2 to the power 1/e, of numbers >= 0 */
FEN_INLINE vd PowerMiddle(vd x, vd y, double e)
{
  const vd tiny = v_set(1e-100), power = v_set(e);
  const vd middle = 0.5 * (v_pow(v_max(x, tiny), power) + v_pow(v_max(y, tiny), power));

  return v_pow(middle, v_set(1 / e));
}

/* To the next threshold, by the logarithm `far` of what must become one, which falls with slope `fall`. Between two
   values of the row it is nearly linear in (a - lower of the two)^e, or in a if e = 1; beyond all, in log a */
FEN_INLINE void NextAbove(AboveSearch *s, const Above *A, vd far, vd fall, double e, int halve)
{
  const vd zero = v_set(0), one = v_set(1), right = v_if_greater(far, zero, one, zero);
  const vd on = v_if_greater(A->at, zero, right, zero), from = v_if_greater(on, zero, A->at, A->below);
  const vd moved = s->a.from - from, size = v_max(s->a.from + s->a.over, v_set(1e-290));
  const vd step = v_clip(far / v_max(fall, v_set(1e-290)), -size * (15.0 / 16), 15 * size);
  vd       over, share, wanted, middle, out;

  s->lower = v_if_greater(right, zero, s->a.over, s->lower) + moved;
  s->upper = v_if_greater(right, zero, s->upper, s->a.over) + moved;
  over = s->a.over = v_if_greater(on, zero, zero, v_max(s->a.over + moved, v_set(1e-290)));
  s->a.from = from;
  share = v_max(1 + v_clip(e * step / v_max(over, v_set(1e-290)), v_set(-1), v_set(1e6)), zero);
  wanted = over * (e == 1 ? share : v_pow(v_max(share, v_set(1e-30)), v_set(1 / e)));
  wanted = v_if_greater(share, v_set(1e-30), wanted, v_min(over + step, zero));
  wanted = v_if_greater(on, zero, step, v_max(wanted, size * (1.0 / 16) - from));
  wanted = v_min(wanted, v_max(4 * size, v_set(1.5)) - from); /* no value is above one */
  middle = v_if_greater(zero, s->lower, 0.5 * (s->lower + s->upper), PowerMiddle(s->lower, s->upper, e));
  middle = v_if_greater(v_set(1e300), s->upper - s->lower, middle, 2 * wanted - over);
  out = v_if_greater(wanted, s->lower, v_if_greater(s->upper, wanted, zero, one), one);
  if (halve)
    out = v_if_greater(v_set(1e300), s->upper - s->lower, one, out);
  s->a.over = v_if_greater(out, zero, middle, wanted);
}

/* E x^alpha = m/w1^alpha of the law x ~ (a - d)_+^{t-1} is that of the ball's border, kappa^alpha, at the threshold */
FEN_INLINE void AboveBall(const FenNatureSet *set, const Row *R, Reply *a)
{
  const double alpha = set->alpha, t = set->t, rho = set->size, room = alpha * (alpha - 1);
  const double e = t < 2 ? t - 1 : 1;
  const vd     zero = v_set(0), one = v_set(1), infinite = v_set(INFINITY);
  AboveSearch  s = {
       {zero, v_if_greater(a->warm, zero, v_min(a->warm, v_set(POWER_MOST / 4)), 1 + R->mean)}, -infinite, infinite};

  for (int pass = 0; pass < POWER_PASSES && v_any(a->open); pass++) {
    const Above A = SumAbove(set, R, &s.a);
    const vd    x = s.a.from + s.a.over, norm = v_pow(A.s.m, v_set(1 / t)), value = x - set->kappa * norm;
    const vd    exponent = v_log2(A.s.w1) * -alpha, scale = v_exp2_table(v_min(exponent, v_set(900)));
    const vd    power = A.s.m * scale, beyond = v_max(power - 1, v_set(1e-290));
    const vd    far = (power * (1 + 8 * R->unit) - 1) / room + 8 * R->unit;
    const vd    mix = v_if_greater(far, v_set(rho), rho / far, one), loss = x - A.s.m / A.s.w1;
    const vd    gap = v_if_greater(v_set(900), exponent, mix * loss + (1 - mix) * R->mean - value, infinite);
    const vd    fall = power / beyond * t * v_max(A.s.w2 / A.s.w1 - A.s.w1 / A.s.m, zero);
    const vd    off = v_log(v_max(beyond / (room * rho), v_set(1e-290))), before = a->open;
    /* where rounding of E x^alpha - 1 allows no more */
    const vd last = v_if_greater((pass < 12 ? 40 * R->unit : 1) * power / beyond, v_abs(off), v_set(1e-11), zero);

    Settle(a, v_if_greater(x, v_set(POWER_MOST), zero, v_if_greater(last, gap, one, Small(R, value, gap))), s.a.from, x,
           value, gap, R->unit * 2 * (x + set->kappa * norm));
    a->price = v_if_greater(before, a->open, s.a.over, a->price);
    if (pass >= 3 && !v_any(v_if_greater(x, v_set(POWER_MOST), zero, a->open)))
      break;
    NextAbove(&s, &A, off, fall, e, pass % 5 == 4);
  }
}

/* the threshold is above zero and at most l + 1, where every entry has mass of at least its own */
FEN_INLINE void AbovePrice(const FenNatureSet *set, const Row *R, Reply *a)
{
  const double t = set->t;
  const vd     zero = v_set(0), l = R->price * set->price, k = v_pow(l, v_set(1 - t)), most = l + 1;
  Search       s = {v_if_greater(a->warm, zero, v_min(a->warm, most), l + R->mean), zero, most * 1.001};

  for (int pass = 0; pass < POWER_PASSES && v_any(v_if_greater(l, v_set(POWER_MOST), zero, a->open)); pass++) {
    const Threshold now = {s.x, zero};
    const Powers    p = SumAbove(set, R, &now).s;
    const vd        cost = k * p.m * (1 / t), slope = 1 - k * p.w1, value = s.x - l * (1 / set->alpha) - cost;
    const vd        r = v_abs(slope) + 4 * R->unit * (1 + k * p.w1);
    const vd        right = v_if_greater(slope, zero, v_set(1), zero);
    const vd        next = Next(&s, right, s.x + slope / v_max((t - 1) * k * p.w2, v_set(1e-290)), 16);
    const vd        gap = r * v_if_greater(right, zero, s.upper - s.x, s.x - s.lower);

    Settle(a, v_if_greater(l, v_set(POWER_MOST), zero, Small(R, value, gap)), s.x, next, value, gap,
           R->unit * 2 * (s.x + l + cost));
    s.x = next;
  }
}
