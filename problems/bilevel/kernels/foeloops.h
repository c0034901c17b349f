/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of foekernels.h for one instruction set: FEN_SIMD, FEN_FOE_FILTERS (at once), FEN_FOE_KERNELS are set. */
#include "foekernels.h"
#include <math.h>
#include <string.h>

typedef double vd __attribute__((vector_size(FEN_SIMD * 8)));
#define INLINE static inline __attribute__((always_inline))
#define NV     3 /* vectors of a block that are worked on at once */
#define STEP   (NV * FEN_SIMD)
#define UNROLL _Pragma("GCC unroll 16")

INLINE vd Load(const double *p)
{
  vd v;

  memcpy(&v, p, sizeof(v));
  return v;
}
INLINE void Store(double *p, vd v)
{
  memcpy(p, &v, sizeof(v));
}
INLINE double Sum(vd v)
{
  double s = 0;

  UNROLL
  for (int k = 0; k < FEN_SIMD; k++)
    s += v[k];
  return s;
}

/* n things in the fewest groups of at most FEN_FOE_FILTERS, sizes as equal as can be */
INLINE int GroupSize(FenInt done, FenInt n)
{
  const FenInt rest = n - done, groups = (rest + FEN_FOE_FILTERS - 1) / FEN_FOE_FILTERS;

  return (int)((rest + groups - 1) / groups);
}

/* CASE(size) for every size of a group: the loops over it are unrolled in a copy of their own */
#if FEN_FOE_FILTERS == 8
  #define BY_SIZE CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#else
  #define BY_SIZE CASE(1) CASE(2) CASE(3) CASE(4)
#endif

/* sum[f] += c[f] times the STEP numbers at p, for n filters or taps f */
INLINE void AddProducts(const int n, const double c[], const double *p, vd sum[][NV])
{
  vd operand[NV];

  UNROLL
  for (int v = 0; v < NV; v++)
    operand[v] = Load(p + v * FEN_SIMD);
  UNROLL
  for (int f = 0; f < n; f++)
    UNROLL
  for (int v = 0; v < NV; v++)
    sum[f][v] += c[f] * operand[v];
}

/* filters k to k + n - 1 on STEP pixels */
INLINE void ForwardGroup(const int n, const FenFoeBank *B, FenInt k, const double *x, double *T)
{
  vd sum[FEN_FOE_FILTERS][NV] = {{{0}}};

  for (FenInt a = 0; a < B->w; a++)
    for (FenInt b = 0; b < B->w; b++)
      AddProducts(n, B->by_tap + (a * B->w + b) * B->K + k, x + a * B->stride + b, sum);
  UNROLL
  for (int f = 0; f < n; f++)
    UNROLL
  for (int v = 0; v < NV; v++)
    Store(T + (k + f) * FEN_FOE_BLOCK + v * FEN_SIMD, sum[f][v]);
}

static void Forward(const FenFoeBank *B, const double *x, double T[])
{
  for (FenInt i = 0; i < FEN_FOE_BLOCK; i += STEP)
    for (FenInt k = 0, n; k < B->K; k += n) {
      n = GroupSize(k, B->K);
      switch (n) {
#define CASE(size)                                                                                                     \
  case size:                                                                                                           \
    ForwardGroup(size, B, k, x + i, T + i);                                                                            \
    break;
        BY_SIZE
#undef CASE
      }
    }
}

/* taps t to t + n - 1 for STEP pixels */
INLINE void AdjointGroup(const int n, const FenFoeBank *B, FenInt t, const double *U, double *g)
{
  vd sum[FEN_FOE_FILTERS][NV] = {{{0}}};

  for (FenInt k = 0; k < B->K; k++)
    AddProducts(n, B->by_filter + k * B->taps + t, U + k * FEN_FOE_BLOCK, sum);
  UNROLL
  for (int f = 0; f < n; f++) {
    double *to = g + (t + f) / B->w * B->stride + (t + f) % B->w;

    UNROLL
    for (int v = 0; v < NV; v++)
      Store(to + v * FEN_SIMD, Load(to + v * FEN_SIMD) + sum[f][v]);
  }
}

static void Adjoint(const FenFoeBank *B, const double U[], double *g)
{
  for (FenInt i = 0; i < FEN_FOE_BLOCK; i += STEP)
    for (FenInt t = 0, n; t < B->taps; t += n) {
      n = GroupSize(t, B->taps);
      switch (n) {
#define CASE(size)                                                                                                     \
  case size:                                                                                                           \
    AdjointGroup(size, B, t, U + i, g + i);                                                                            \
    break;
        BY_SIZE
#undef CASE
      }
    }
}

/* taps t to t + n - 1 of one row, which begin at x, with filters k and k + 1 */
INLINE void TapsGroup(const int n, const FenFoeBank *B, FenInt t, FenInt k, FenInt blocks, const double *U,
                      const double *x, double *Z)
{
  vd sum[FEN_FOE_FILTERS][2] = {{{0}}};

  for (FenInt j = 0; j < blocks; j++)
    for (FenInt i = 0; i < FEN_FOE_BLOCK; i += FEN_SIMD) {
      const double *u = U + (j * B->K + k) * FEN_FOE_BLOCK + i, *p = x + j * FEN_FOE_BLOCK + i;
      const vd      u0 = Load(u), u1 = Load(k + 1 < B->K ? u + FEN_FOE_BLOCK : u); /* a last one alone: twice */

      UNROLL
      for (int f = 0; f < n; f++) {
        const vd y = Load(p + f);

        sum[f][0] += u0 * y;
        sum[f][1] += u1 * y;
      }
    }
  UNROLL
  for (int f = 0; f < n; f++) {
    Z[k * B->taps + t + f] += Sum(sum[f][0]);
    if (k + 1 < B->K)
      Z[(k + 1) * B->taps + t + f] += Sum(sum[f][1]);
  }
}

static void Taps(const FenFoeBank *B, FenInt blocks, const double U[], const double *x, double Z[])
{
  for (FenInt k = 0; k < B->K; k += 2)
    for (FenInt a = 0; a < B->w; a++)
      for (FenInt b = 0, n; b < B->w; b += n) {
        n = GroupSize(b, B->w);
        switch (n) {
#define CASE(size)                                                                                                     \
  case size:                                                                                                           \
    TapsGroup(size, B, a * B->w + b, k, blocks, U, x + a * B->stride + b, Z);                                          \
    break;
          BY_SIZE
#undef CASE
        }
      }
}

static double Slope(FenInt K, const double s[], const double nu2[], const double m[], double T[])
{
  double sum = 0;

  for (FenInt k = 0; k < K; k++) {
    double *t = T + k * FEN_FOE_BLOCK, part[FEN_FOE_BLOCK], all = 0;

    for (int i = 0; i < FEN_FOE_BLOCK; i++) {
      const double root = sqrt(t[i] * t[i] + nu2[k]);

      part[i] = m[i] * root;
      t[i] *= s[k] * m[i] / root;
    }
    for (int i = 0; i < FEN_FOE_BLOCK; i++)
      all += part[i];
    sum += s[k] * all;
  }
  return sum;
}

static void Curvature(FenInt K, const double s[], const double nu2[], const double m[], const double T[], double D[])
{
  for (FenInt k = 0; k < K; k++) {
    const double *t = T + k * FEN_FOE_BLOCK, scale = s[k] * nu2[k];
    double        d[FEN_FOE_BLOCK]; /* T and D may be the same */

    for (int i = 0; i < FEN_FOE_BLOCK; i++) {
      const double q = t[i] * t[i] + nu2[k];

      d[i] = scale * m[i] / (q * sqrt(q));
    }
    memcpy(D + k * FEN_FOE_BLOCK, d, sizeof(d));
  }
}

static void Multiply(FenInt K, const double D[], double T[])
{
  for (FenInt i = 0; i < K * FEN_FOE_BLOCK; i++)
    T[i] *= D[i];
}

#define TEXT(x)  TEXT_(x)
#define TEXT_(x) #x

const FenFoeKernels FEN_FOE_KERNELS = {TEXT(FEN_FOE_KERNELS), Forward, Adjoint, Taps, Slope, Curvature, Multiply};
