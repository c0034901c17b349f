/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows in units of their range, one lane each: what the forms of nature's answers share, for one instruction set. */
#pragma once
#include "running.h"
#include "naturekernels.h"

#define UNIT  0x1p-53
#define LN2   0.69314718055994530942
#define LOG2E 1.4426950408889634074
#define TINY  1e-300 /* probabilities below this are none */
#define EXACT 1e-13  /* a gap of this share of the range counts as none */

/* n columns, FEN_LANES apart; 0 <= d <= 1, 0 and 1 occur where p > 0 */
typedef struct {
  FenInt        n;
  const double *p, *d;
  vd            mean, least; /* of d; mass of d = 0 */
  vd            price;
  vd            base, share, most; /* gaps up to share |base + value|, and up to most, are small */
  double        unit;              /* rounding of a sum of n products, relative */
} Row;

/* `open` is one where there is no answer yet */
typedef struct {
  vd warm, at, value, gap, open;
  vd second, price; /* js, jeffreys: nu of naturetilt.h, kept as `warm` is; price of the law. Orders above one: how
                       far the threshold of the law is over `at` */
} Reply;

#define COLUMNS for (FenInt j = 0; j < FEN_LANES * R->n; j += FEN_LANES)
#define P       v_load(R->p + j)
#define D       v_load(R->d + j)

/* The slot that comes next: its values are gathered while this one is computed, a column with a column, because
   gathers wait for memory and for little else. Single loads: hardware gathers wait for the stores. */
typedef struct {
  FenInt        n; /* columns, 0: nothing is to be gathered */
  const int    *col;
  const double *p, *V;
  double       *z;
  vd            discount, lo, hi; /* smallest and largest value */
} Ahead;

/* smallest and largest value where the probability counts */
FEN_INLINE void Bracket(vd p, vd z, vd *lo, vd *hi)
{
  const vd tiny = v_set(TINY), infinite = v_set(INFINITY);

  *lo = v_least(*lo, v_if_greater(tiny, p, infinite, z));
  *hi = v_max(*hi, v_if_greater(tiny, p, -infinite, z));
}

FEN_INLINE void GatherColumn(Ahead *a, FenInt j)
{
  const vd z = a->discount * v_gather(a->V, a->col + j, FEN_REACH_NEAR);

  __builtin_prefetch(a->p + j + FEN_AHEAD * FEN_LANES, 0, 0);
  if (!(j & FEN_LANES)) /* a cache line has two columns' numbers */
    __builtin_prefetch(a->col + j + FEN_AHEAD * FEN_LANES, 0, 0);
  Bracket(v_load(a->p + j), z, &a->lo, &a->hi);
  v_store(a->z + j, z);
}

/* adds n columns, FEN_LANES apart, to two sums in turn, which do not wait for each other: add(&sum, p, d) */
#define ADD_COLUMNS(n, p, d, s, t, add, meanwhile)                                                                     \
  do {                                                                                                                 \
    const FenInt  end_ = FEN_LANES * (n);                                                                              \
    const double *p_ = (p), *d_ = (d);                                                                                 \
    FenInt        j_ = 0;                                                                                              \
    for (; j_ + FEN_LANES < end_; j_ += 2 * FEN_LANES) {                                                               \
      meanwhile(j_);                                                                                                   \
      add(&(s), v_load(p_ + j_), v_load(d_ + j_));                                                                     \
      meanwhile(j_ + FEN_LANES);                                                                                       \
      add(&(t), v_load(p_ + j_ + FEN_LANES), v_load(d_ + j_ + FEN_LANES));                                             \
    }                                                                                                                  \
    if (j_ < end_) {                                                                                                   \
      meanwhile(j_);                                                                                                   \
      add(&(s), v_load(p_ + j_), v_load(d_ + j_));                                                                     \
    }                                                                                                                  \
  } while (0)
#define NOTHING(j)     ((void)(j))
#define GATHER_NEXT(j) GatherColumn(&next_, j)
/* the same, and gathers the next slot, which has as many columns or more */
#define TWO_CHAINS_OF(count, p, d, s, t, add, next)                                                                    \
  do {                                                                                                                 \
    if ((next)->n) {                                                                                                   \
      Ahead next_ = *(next);                                                                                           \
      ADD_COLUMNS(count, p, d, s, t, add, GATHER_NEXT);                                                                \
      for (FenInt i_ = FEN_LANES * (count); i_ < FEN_LANES * next_.n; i_ += FEN_LANES)                                 \
        GatherColumn(&next_, i_);                                                                                      \
      *(next) = next_;                                                                                                 \
    } else                                                                                                             \
      ADD_COLUMNS(count, p, d, s, t, add, NOTHING);                                                                    \
  } while (0)
#define TWO_CHAINS(R, s, t, add) ADD_COLUMNS((R)->n, (R)->p, (R)->d, s, t, add, NOTHING)

FEN_INLINE int v_any(vd flag)
{
  return v_any_less(v_set(0), flag);
}
FEN_INLINE vd v_min(vd a, vd b)
{
  return v_least(a, b);
}
FEN_INLINE vd v_clip(vd a, vd lower, vd upper)
{
  return v_min(v_max(a, lower), upper);
}
/* v_exp2(x) for |x| <= 1000, by a table of sixteenths where one instruction looks it up: a polynomial of degree 6 on
   |r| <= 1/32, relative error 1.3e-17 and two roundings. 16 n, in the last bits of t, has the exponent above four bits
   for the table, whose entries make up for what these add */
#if FEN_SIMD == 8
FEN_INLINE vd v_exp2_within(vd x)
{
  const __m512i first =
                    _mm512_setr_epi64(0x3ff0000000000000, 0x3fefb5586cf9890f, 0x3fef72b83c7d517b, 0x3fef387a6e756238,
                                      0x3fef06fe0a31b715, 0x3feedea64c123422, 0x3feebfdad5362a27, 0x3feeab07dd485429),
                second =
                    _mm512_setr_epi64(0x3feea09e667f3bcd, 0x3feea11473eb0187, 0x3feeace5422aa0db, 0x3feec49182a3f090,
                                      0x3feee89f995ad3ad, 0x3fef199bdd85529c, 0x3fef5818dcfba487, 0x3fefa4afa2a490da);
  const vd magic = v_set(0x1.8p48), t = x + magic, r = x - (t - magic), q = r * r;
  const vl two = (vl)_mm512_permutex2var_epi64(first, (__m512i)t, second) + ((vl)t << 48);
  const vd low = v_fma(v_set(0.24022650695910075), r, v_set(0.6931471805599457));
  const vd middle = v_fma(v_set(0.009618129106919537), r, v_set(0.0555041086566393));
  const vd high = v_fma(v_set(0.00015403723980749256), r, v_set(0.0013333781576784268));

  return v_fma((vd)two * r, v_fma(v_fma(high, q, middle), q, low), (vd)two); /* few steps one after another */
}
FEN_INLINE vd v_exp2_table(vd x)
{
  return v_exp2_within(v_max(x, v_set(-1000.0)));
}
#else
  #define v_exp2_within v_exp2
  #define v_exp2_table  v_exp2
#endif
/* log x for normal x > 0, absolute error of some roundings of max(1, |log x|): where one instruction looks up
   sixteenths, r near 1/m and log 1/r of the mantissa m in [3/4, 3/2), and a series in m r - 1, at most 0.0304 */
#if FEN_SIMD == 8
FEN_INLINE vd v_log_table(vd x)
{
  const __m512d r0 = _mm512_setr_pd(0.9697265625, 0.914306640625, 0.86474609375, 0.820556640625, 0.780517578125,
                                    0.744140625, 0.711181640625, 0.680908203125),
                r1 = _mm512_setr_pd(1.30615234375, 1.2548828125, 1.20751953125, 1.16357421875, 1.122802734375,
                                    1.084716796875, 1.049072265625, 1.015869140625),
                l0 = _mm512_setr_pd(0.030741141554280503, 0.08958927076802387, 0.14531934837656488, 0.19777233899423804,
                                    0.24779801765950227, 0.2955252499128068, 0.3408274097599091, 0.3843277790918548),
                l1 = _mm512_setr_pd(-0.2670856731707085, -0.2270421917298671, -0.1885682813620178, -0.15149649093934373,
                                    -0.1158280008205801, -0.08131893621656476, -0.047906217055651394,
                                    -0.015744542263597568);
  const vl      shift = ((vl)x - v_setl(0x3fe8000000000000LL)) >> 52, bits = (vl)x - (shift << 52);
  const __m512i at = (__m512i)(bits >> 48);
  const vd      z = v_fma((vd)bits, (vd)_mm512_permutex2var_pd(r0, at, r1), v_set(-1)), q = z * z;
  const vd      e = (vd)(shift + v_setl(0x4338000000000000LL)) - 6755399441055744.0;
  const vd      known = v_fma(e, v_set(LN2), (vd)_mm512_permutex2var_pd(l0, at, l1));
  vd            even = v_set(-1.0 / 10), odd = v_set(1.0 / 9);

  even = v_fma(even, q, v_set(-1.0 / 8));
  odd = v_fma(odd, q, v_set(1.0 / 7));
  even = v_fma(even, q, v_set(-1.0 / 6));
  odd = v_fma(odd, q, v_set(1.0 / 5));
  even = v_fma(even, q, v_set(-1.0 / 4));
  odd = v_fma(odd, q, v_set(1.0 / 3));
  even = v_fma(even, q, v_set(-1.0 / 2));
  return known + v_fma(v_fma(odd, z, even), q, z);
}
#else
FEN_INLINE vd v_log_table(vd x)
{
  return v_log2(x) * LN2;
}
#endif
/* e^x for x <= 600 */
FEN_INLINE vd v_exp(vd x)
{
  return v_exp2_table(x * LOG2E);
}
FEN_INLINE vd v_log(vd x)
{
  return v_log2(x) * LN2;
}
/* relative error: some roundings of 1 + |log of the power| */
FEN_INLINE vd v_pow(vd x, vd power)
{
#if FEN_SIMD == 8
  return v_exp2_table(power * LOG2E * v_log_table(x));
#else
  return v_exp2_table(power * v_log2(x));
#endif
}

/* errors up to a share of what a state's value changes by are small, but not above `most` */
FEN_INLINE vd Negligible(vd share, vd change, vd most)
{
  return v_min(share * v_abs(change), most);
}

/* one where the gap is small enough to stop */
FEN_INLINE vd Small(const Row *R, vd value, vd gap)
{
  const vd enough = v_max(v_set(EXACT + 40 * R->unit), Negligible(R->share, R->base + value, R->most));

  return v_if_greater(enough, gap, v_set(1), v_set(0)); /* not if it is no number */
}

/* Lanes of `settled` that are open take these numbers and are closed. error: bound of the rounding of value */
FEN_INLINE void Settle(Reply *a, vd settled, vd at, vd warm, vd value, vd gap, vd error)
{
  const vd now = settled * a->open, lowered = v_max(value - error, v_set(0)), zero = v_set(0);

  a->at = v_if_greater(now, zero, at, a->at);
  a->warm = v_if_greater(now, zero, warm, a->warm);
  a->value = v_if_greater(now, zero, lowered, a->value);
  a->gap = v_if_greater(now, zero, v_max(gap, zero) + 2 * error, a->gap);
  a->open = a->open - now;
}

/* variance around the mean */
FEN_INLINE vd Variance(const Row *R)
{
  vd var = v_set(0);

  COLUMNS
  {
    const vd c = D - R->mean;

    var = v_fma(P * c, c, var);
  }
  return var;
}

/* a scalar that is searched: between lower and upper, which may be unknown (0 and inf) */
typedef struct {
  vd x, lower, upper;
} Search;

/* next point; `right` is one where the answer is above x */
FEN_INLINE vd Next(Search *s, vd right, vd wanted, double factor)
{
  vd x, middle;

  s->lower = v_if_greater(right, v_set(0), v_max(s->lower, s->x), s->lower);
  s->upper = v_if_greater(right, v_set(0), s->upper, v_min(s->upper, s->x));
  x = v_clip(wanted, s->x * (1 / factor), s->x * factor);
  /* outside the bracket: its middle, if both ends are known */
  middle = v_if_greater(v_set(INFINITY), s->upper, v_sqrt(s->lower) * v_sqrt(s->upper), s->x);
  x = v_if_greater(s->lower, x, middle, x);
  x = v_if_greater(x, s->upper, middle, x);
  return x;
}
