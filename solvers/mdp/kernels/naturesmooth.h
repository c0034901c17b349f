/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Prices far above the range of a row, and tiny radii: the tilts y = nu - (d - mean) theta, theta = 1/price, are small,
   f* is its power series around 0, and with S = E (f*(y) - y)

     price    mean - price S           ball    mean - price (S + rho)

   are the bounds, without a difference of large numbers. nu starts with its first term; Newton's steps contract by
   theta^2. In a ball theta is scaled by sqrt(rho/D), D = E y (f*'(y) - 1) - S the divergence of the law f*'(y), which
   contracts by theta.

   The error: for prices the slope that is left, over the second derivative. In a ball the law f*'(y) - E (f*'(y) - 1),
   mixed with the nominal one as far as it lies outside; its divergence is at most D + |E (f*'(y) - 1)|, for |y| < 1/2.
*/
#pragma once
#include "naturerow.h"

#define SMOOTH_FROM   16.0 /* price over range */
#define SMOOTH_PASSES 24

typedef struct {
  vd rest, slope, work, loss; /* E of f*(y) - y; f*'(y) - 1 times 1, y, mean - d */
} Series;

FEN_INLINE Series SumSeries(const FenNatureSet *set, const Row *R, vd theta, vd nu)
{
  Series s = {v_set(0), v_set(0), v_set(0), v_set(0)};

  COLUMNS
  {
    const vd c = R->mean - D, y = v_fma(theta, c, nu);
    vd       f = v_set(set->series[FEN_NATURE_SERIES - 1]), df = f * (FEN_NATURE_SERIES - 1), w;

    for (int k = FEN_NATURE_SERIES - 2; k >= 2; k--) {
      f = v_fma(f, y, v_set(set->series[k]));
      df = v_fma(df, y, v_set(k * set->series[k]));
    }
    w = P * y;
    s.rest = v_fma(w * y, f, s.rest);
    w *= df;
    s.slope += w;
    s.work = v_fma(w, y, s.work);
    s.loss = v_fma(w, c, s.loss);
  }
  return s;
}

/* the scalar of the law: threshold or gap, see naturepower.h; theta for kl */
FEN_INLINE vd SmoothAt(const FenNatureSet *set, const Row *R, vd price, vd nu)
{
  const vd l = price * (set->price / set->scale), eta = R->mean + price * nu;

  return set->form == FEN_NATURE_KL ? 1 / price : set->alpha > 1 ? l + eta : l - eta;
}

FEN_INLINE void SmoothPrice(const FenNatureSet *set, const Row *R, Reply *a)
{
  const double c2 = set->series[2], c3 = set->series[3];
  const vd     zero = v_set(0), price = R->price * set->scale, l = R->price * set->price, theta = 1 / price;
  const vd     wide = v_if_greater(v_min(price, l), v_set(SMOOTH_FROM), v_set(1), zero);
  vd           nu;
  Series       s;

  if (!v_any(wide * a->open))
    return;
  nu = -1.5 * c3 / c2 * Variance(R) * theta * theta;
  s = SumSeries(set, R, theta, nu);
  nu -= s.slope / (2 * c2);
  s = SumSeries(set, R, theta, nu);
  nu -= s.slope / (2 * c2);
  s = SumSeries(set, R, theta, nu);
  /* f*'' is at least half of its value at 0, 2 c2, for such small tilts */
  Settle(a, wide, SmoothAt(set, R, price, nu), a->warm, R->mean - price * s.rest, price * s.slope * s.slope / (2 * c2),
         R->unit * 2 * R->mean);
}

/* rows are cold here: the first theta is good to its own size */
FEN_INLINE void SmoothBall(const FenNatureSet *set, const Row *R, Reply *a)
{
  const double c2 = set->series[2], c3 = set->series[3], rho = set->size / set->scale;
  const double steep = set->price / set->scale; /* l over price */
  const vd     zero = v_set(0), var = Variance(R), most = v_set((steep < 1 ? steep : 1) / SMOOTH_FROM);
  vd           theta = v_sqrt(v_set(rho / c2) / v_max(var, v_set(1e-290))), wide, nu;

  wide = v_if_greater(most, theta * 1.2, a->open, zero);
  nu = -1.5 * c3 / c2 * var * theta * theta;
  for (int pass = 0; pass < SMOOTH_PASSES && v_any(wide); pass++) {
    const Series s = SumSeries(set, R, theta, nu);
    const vd     far = s.work - s.rest + v_abs(s.slope), price = 1 / theta, value = R->mean - price * (s.rest + rho);
    const vd     mix = v_min(rho / (far * (1 + 8 * R->unit)), v_set(1)), gap = R->mean - mix * s.loss - value;
    const vd     fits = v_if_greater(most, theta, wide, zero), scaled = theta * v_sqrt(rho / (s.work - s.rest));

    Settle(a, fits * Small(R, value, gap), SmoothAt(set, R, price, nu), a->warm, value, gap,
           R->unit * 2 * (R->mean + price * rho));
    wide = fits * a->open;
    nu = (nu - s.slope / (2 * c2)) * (scaled / theta) * (scaled / theta);
    theta = scaled;
  }
}
