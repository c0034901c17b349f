/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Scalar functions that several divergences share.
*/
#include "divergenceimpl.h"

/* Fritsch, Shafer and Crowley (1973): each step has fourth order */
double FenWrightOmega_Private(double x)
{
  double w;

  if (x < -50)
    return exp(x); /* omega = exp(x - omega), and omega is below the last digit of x */
  if (x > 1e17)
    return x;
  if (x < -1)
    w = exp(x) / (1 + exp(x));
  else if (x < 3)
    w = 0.567143290409784 + 0.44 * x * (0.8207 + 0.0567 * x);
  else
    w = x - log(x) * (1 - 1 / x);
  if (!(w > 0))
    w = 0.1;
  for (int k = 0; k < 4; k++) {
    const double r = (x - w) - log(w), s = 1 + w, u = 2 * s * (s + 2 * r / 3);

    w *= 1 + r / s * (u - r) / (u - 2 * r);
    if (fabs(r) <= 1e-5 * s)
      break; /* this step went from 1e-5 to 1e-20 */
  }
  return w;
}

double FenPowerLog_Private(double s, double l)
{
  return s == 0 ? l : expm1(s * l) / s;
}

/* f = sum over k >= 2 of (a-2)(a-3)..(a-k+1) t^k/k! near t = 0, where the closed form is a small difference */
static double FenPowerSeries(double a, double t)
{
  double term = 0.5 * t * t, sum = term;

  for (int k = 3; k < 14; k++) {
    term *= (a - k + 1) * t / k;
    sum += term;
  }
  return sum;
}

double FenPowerValue_Private(double a, double x, double t)
{
  double l;

  if (fabs(t) * (1 + fabs(a)) < 0.03)
    return FenPowerSeries(a, t);
  if (x == 0)
    return a > 0 ? 1 / a : INFINITY;
  l = fabs(t) < 0.5 ? log1p(t) : log(x);
  return a > 0.5 ? (x * FenPowerLog_Private(a - 1, l) - t) / a : (t - FenPowerLog_Private(a, l)) / (1 - a);
}
