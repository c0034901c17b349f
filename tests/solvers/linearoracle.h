/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The methods of FenLinearMDP once more, in long double, with Gauss-Jordan, all breakpoints and a fine grid, on one
   rank: what every entry of the weights must be.
*/
#pragma once
#include <fenchellinearmdp.h>
#include <stdlib.h>

typedef long double Real;

typedef struct {
  FenTrajectoriesSizes   n;
  FenTrajectoriesArrays  a; /* all trajectories */
  FenLinearMDPParameters p;
  const char            *type, *set;
  double                 radius, penalty;
  Real                  *w, *theta, *diag, *inverse; /* H x d, inverse H x d x d */
  Real                  *s;                          /* weights of trajectories */
} Oracle;

static inline const double *OraclePhi(const Oracle *o, FenInt k, int h, int action)
{
  return o->a.features + ((k * o->n.horizon + h) * o->n.actions + action) * o->n.features;
}

static inline const double *OracleTaken(const Oracle *o, FenInt k, int h)
{
  return OraclePhi(o, k, h, (int)o->a.action[k * o->n.horizon + h]);
}

static inline void OracleInvert(int d, Real *A, Real *X) /* A is destroyed */
{
  for (int i = 0; i < d * d; i++)
    X[i] = i % (d + 1) == 0;
  for (int c = 0; c < d; c++) {
    const Real pivot = A[c * d + c];

    for (int j = 0; j < d; j++) {
      A[c * d + j] /= pivot;
      X[c * d + j] /= pivot;
    }
    for (int r = 0; r < d; r++) {
      const Real f = A[r * d + c];

      for (int j = 0; r != c && j < d; j++) {
        A[r * d + j] -= f * A[c * d + j];
        X[r * d + j] -= f * X[c * d + j];
      }
    }
  }
}

static inline Real OracleValue(const Oracle *o, FenInt k, int h)
{
  const int  d = (int)o->n.features, H = (int)o->n.horizon, pub = o->p.published != FEN_PUBLISHED_NONE;
  const Real beta = o->p.pessimism;
  Real       best = -HUGE_VALL;

  if (o->a.fail[k * H + h] > 0)
    return 0;
  for (int b = 0; b < o->n.actions; b++) {
    const double *phi = OraclePhi(o, k, h, b);
    Real          q = 0, sum = 0;

    for (int i = 0; i < d; i++) {
      q += phi[i] * (o->theta[h * d + i] + o->w[h * d + i]);
      if (!strcmp(o->type, "pevi"))
        for (int j = 0; j < d; j++)
          sum += phi[i] * phi[j] * o->inverse[(h * d + i) * d + j];
      else if (pub)
        sum += (Real)phi[i] * phi[i] * o->diag[h * d + i];
      else
        q -= beta * phi[i] * sqrtl(o->diag[h * d + i]);
    }
    q -= beta * sqrtl(sum);
    if (o->p.clip > 0 && q > o->p.clip * (H - h))
      q = o->p.clip * (H - h);
    if (!pub && q < 0)
      q = 0;
    best = q > best ? q : best;
  }
  return o->a.stop && o->a.stop[k * H + h] > best ? (Real)o->a.stop[k * H + h] : best;
}

/* objective of factor i at x: threshold or temperature; c: row i of C */
static inline Real OracleAt(const Oracle *o, FenInt K, const Real *c, const Real *v, Real radius, Real x, int kl)
{
  Real z1 = 0, z2 = 0;

  for (FenInt k = 0; k < K; k++) {
    const Real t = v[k] < x ? v[k] : x;

    z1 += c[k] * (kl ? expl(-v[k] / x) - 1 : t);
    z2 += c[k] * t * t;
  }
  if (kl)
    return -x * (logl(1 + z1 > 1e-6L ? 1 + z1 : 1e-6L) + radius);
  if (o->penalty > 0)
    return z1 + (z1 * z1 - z2) / (4 * (Real)o->penalty);
  return z1 - radius * x;
}

static inline int OracleUp(const void *a, const void *b)
{
  const Real x = *(const Real *)a, y = *(const Real *)b;

  return (x > y) - (x < y);
}

/* maximum (minimum, sign -1) over [0,top]: all breakpoints; between them 8 points and a parabola's vertex */
static inline Real OracleScan(const Oracle *o, FenInt K, const Real *c, const Real *v, Real radius, Real top, Real sign)
{
  Real *at = (Real *)malloc((size_t)(K + 2) * sizeof(Real)), best;
  int   n = 0;

  at[n++] = 0;
  at[n++] = top;
  for (FenInt k = 0; k < K; k++)
    if (v[k] > 0 && v[k] < top)
      at[n++] = v[k];
  qsort(at, (size_t)n, sizeof(Real), OracleUp);
  best = sign * OracleAt(o, K, c, v, radius, 0, 0);
  for (int j = 1; j < n; j++) {
    const Real l = at[j - 1], r = at[j], m = (l + r) / 2;
    const Real fl = sign * OracleAt(o, K, c, v, radius, l, 0), fm = sign * OracleAt(o, K, c, v, radius, m, 0),
               fr = sign * OracleAt(o, K, c, v, radius, r, 0), bend = fl - 2 * fm + fr;

    best = fr > best ? fr : best;
    if (o->penalty > 0 && bend < 0) { /* a parabola through three points of a parabola */
      const Real x = m + (r - l) / 4 * (fl - fr) / bend;

      if (x > l && x < r && sign * OracleAt(o, K, c, v, radius, x, 0) > best)
        best = sign * OracleAt(o, K, c, v, radius, x, 0);
    }
  }
  free(at);
  return sign * best;
}

static inline Real OracleTemperature(const Oracle *o, FenInt K, const Real *c, const Real *v, Real radius, Real top)
{
  Real best = OracleAt(o, K, c, v, radius, 1e-6L, 1), at = 1e-6L;

  for (int g = 0; g <= 400; g++) {
    const Real b = top * powl(1e-4L, (400 - g) / 400.L), f = OracleAt(o, K, c, v, radius, b, 1);

    if (f > best) {
      best = f;
      at = b;
    }
  }
  for (int halving = 0; halving < 25; halving++) { /* around the best one */
    const Real step = ldexpl(.02L, -halving);

    for (int side = -1; side <= 1; side += 2) {
      const Real b = at * (1 + side * step) > top ? top : at * (1 + side * step),
                 f = OracleAt(o, K, c, v, radius, b, 1);

      if (f > best) {
        best = f;
        at = b;
      }
    }
  }
  return best;
}

static inline void OracleWeights(const Oracle *o, int h, const Real *v, const Real *C)
{
  const int    d = (int)o->n.features, H = (int)o->n.horizon, pub = o->p.published != FEN_PUBLISHED_NONE;
  const FenInt K = o->n.count;
  Real         low = HUGE_VALL, most = -HUGE_VALL, range, least;

  for (FenInt k = 0; k < K; k++)
    if (o->s[k] > 0) {
      low = v[k] < low ? v[k] : low;
      most = v[k] > most ? v[k] : most;
    }
  range = pub || most < o->p.clip * H ? o->p.clip * H : most;
  least = pub ? (o->penalty > 0 ? low : 0) : o->n.zero ? 0 : low;
  for (int i = 0; i < d; i++) {
    const Real *c = C + (FenInt)i * K, radius = o->radius * o->a.radius_scale[h * d + i];
    Real        sum = 0, level = least + o->penalty;

    for (FenInt k = 0; k < K; k++)
      if (!strcmp(o->type, "pevi"))
        sum += c[k] * (v[k] + o->a.reward[k * H + h]);
      else
        sum += c[k] * (!strcmp(o->set, "kl") ? expl(-v[k] / o->penalty) : v[k] < level ? v[k] : level);
    if (o->penalty > 0 && !strcmp(o->set, "kl"))
      sum = sum > expl(-range / o->penalty) ? -o->penalty * logl(sum) : range;
    else if (o->penalty > 0 && !strcmp(o->set, "pearson"))
      sum = OracleScan(o, K, c, v, 0, range, o->p.published == FEN_PUBLISHED_LINEAR ? -1 : 1);
    else if (!strcmp(o->type, "drvil")) {
      sum = 0;
      for (FenInt k = 0; k < K; k++)
        sum += c[k] * v[k];
      if (pub || radius > 0)
        sum = OracleTemperature(o, K, c, v, radius, pub ? (Real)H : range / (radius < 1 ? radius : 1));
    } else if (o->radius > 0)
      sum = OracleScan(o, K, c, v, radius, range, 1) + radius * least;
    o->w[h * d + i] = o->p.published == FEN_PUBLISHED_LINEAR && !strcmp(o->type, "vadrpvi") && i ? 0 : sum;
  }
}

/* Lambda^{-1} of step h, and C (d x K) */
static inline void OracleRegress(const Oracle *o, int h, Real *X, Real *C)
{
  const int    d = (int)o->n.features;
  const FenInt K = o->n.count;
  Real        *A = (Real *)calloc((size_t)d * (size_t)d, sizeof(Real));

  for (FenInt k = 0; k < K; k++) {
    const double *phi = OracleTaken(o, k, h);

    for (int i = 0; i < d; i++)
      for (int j = 0; j < d; j++)
        A[i * d + j] += o->s[k] * phi[i] * phi[j];
  }
  for (int i = 0; i < d; i++)
    A[i * d + i] += o->p.ridge;
  OracleInvert(d, A, X);
  for (int i = 0; i < d; i++)
    for (FenInt k = 0; k < K; k++) {
      const double *phi = OracleTaken(o, k, h);

      C[(FenInt)i * K + k] = 0;
      for (int j = 0; j < d; j++)
        C[(FenInt)i * K + k] += o->s[k] * X[i * d + j] * phi[j];
    }
  free(A);
}

/* regressions of first and second moment at the actions taken, into variances */
static inline void OracleVariance(const Oracle *o, int h, const Real *v, const Real *C, Real *sigma)
{
  const int    d = (int)o->n.features, H = (int)o->n.horizon;
  const FenInt K = o->n.count;
  const Real   top = (o->p.clip > 0 ? o->p.clip : 1) * H;

  for (FenInt k = 0; k < K; k++) {
    const double *phi = OracleTaken(o, k, h);
    Real          first = 0, second = 0;

    for (int i = 0; i < d; i++)
      for (FenInt t = 0; phi[i] > 0 && t < K; t++) {
        first += phi[i] * C[(FenInt)i * K + t] * v[t];
        second += phi[i] * C[(FenInt)i * K + t] * v[t] * v[t];
      }
    first = first < 0 ? 0 : first > top ? top : first;
    second = second < 0 ? 0 : second > top * top ? top * top : second;
    sigma[k] = second - first * first - o->p.correction > 1 ? second - first * first - o->p.correction : 1;
  }
}

static inline void OracleStage(Oracle *o, int half, const Real *sigma_in, Real *sigma_out)
{
  const int    d = (int)o->n.features, H = (int)o->n.horizon;
  const FenInt K = o->n.count;
  Real        *v = (Real *)calloc((size_t)K, sizeof(Real)), *C = (Real *)calloc((size_t)(K * d), sizeof(Real));
  const int    untrained = sigma_out && o->p.published != FEN_PUBLISHED_NONE;

  for (int h = H - 1; h >= 0; h--) {
    for (FenInt k = 0; k < K; k++) {
      o->s[k] = half >= 0 && k % 2 != half ? 0 : sigma_in && h < H - 1 ? 1 / sigma_in[h * K + k] : 1;
      v[k] = h < H - 1 ? OracleValue(o, k, h + 1) : 0;
    }
    for (int i = 0; i < d; i++) {
      o->w[h * d + i] = 0;
      o->theta[h * d + i] = !strcmp(o->type, "pevi") || untrained ? 0 : o->a.theta[h * d + i];
    }
    if (untrained) {
      for (int i = 0; i < d; i++) {
        o->diag[h * d + i] = 1 / (Real)o->p.ridge;
        for (FenInt k = 0; k < K; k++)
          C[(FenInt)i * K + k] = OracleTaken(o, k, h)[i] / (Real)o->p.ridge;
      }
    } else {
      OracleRegress(o, h, o->inverse + h * d * d, C);
      for (int i = 0; i < d; i++)
        o->diag[h * d + i] = o->inverse[(h * d + i) * d + i];
      if (h < H - 1 || !strcmp(o->type, "pevi"))
        OracleWeights(o, h, v, C);
    }
    if (sigma_out)
      OracleVariance(o, h, v, C, sigma_out + h * K);
  }
  free(v);
  free(C);
}

static inline void OracleSolve(Oracle *o)
{
  const size_t table = (size_t)o->n.horizon * (size_t)o->n.features, K = (size_t)o->n.count;
  const int    va = !strncmp(o->type, "va", 2), split = va && o->p.split && o->p.published == FEN_PUBLISHED_NONE;
  Real        *sigma = (Real *)calloc(K * (size_t)o->n.horizon, sizeof(Real));

  o->w = (Real *)calloc(table, sizeof(Real));
  o->theta = (Real *)calloc(table, sizeof(Real));
  o->diag = (Real *)calloc(table, sizeof(Real));
  o->inverse = (Real *)calloc(table * (size_t)o->n.features, sizeof(Real));
  o->s = (Real *)calloc(K, sizeof(Real));
  if (va)
    OracleStage(o, split ? 0 : -1, NULL, sigma);
  OracleStage(o, split ? 1 : -1, va ? sigma : NULL, NULL);
  free(sigma);
}

static inline void OracleFree(Oracle *o)
{
  free(o->w);
  free(o->theta);
  free(o->diag);
  free(o->inverse);
  free(o->s);
}
