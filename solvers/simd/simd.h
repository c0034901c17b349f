/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors of doubles for one instruction set, chosen by FEN_SIMD (2: portable, 4: AVX2, 8: AVX-512). */
#pragma once
#include <math.h>
#include <string.h>
#if FEN_SIMD > 2
  #include <immintrin.h>
#endif

typedef double    vd __attribute__((vector_size(FEN_SIMD * 8)));
typedef long long vl __attribute__((vector_size(FEN_SIMD * 8)));
#define FEN_INLINE static inline __attribute__((always_inline))

/* the compiler is not to know where a pointer points to */
#define V_UNKNOWN(pointer) __asm__("" : "+r"(pointer))

FEN_INLINE vd v_load(const double *p)
{
  vd x;
  memcpy(&x, p, sizeof(x));
  return x;
}
FEN_INLINE void v_store(double *p, vd x)
{
  memcpy(p, &x, sizeof(x));
}
FEN_INLINE vd v_set(double a)
{
  return a - (vd){0}; /* minus zero: nothing is left to do but to copy */
}
FEN_INLINE vl v_setl(long long a)
{
  return (vl){0} + a;
}

#if FEN_SIMD == 8
FEN_INLINE vd v_max(vd a, vd b)
{
  return (vd)_mm512_max_pd((__m512d)a, (__m512d)b);
}
FEN_INLINE vd v_sqrt(vd a)
{
  return (vd)_mm512_sqrt_pd((__m512d)a);
}
FEN_INLINE vd v_fma(vd a, vd b, vd c)
{
  return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
FEN_INLINE vd v_fnma(vd a, vd b, vd c)
{
  return (vd)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
FEN_INLINE vd v_abs(vd a)
{
  return (vd)_mm512_abs_pd((__m512d)a);
}
FEN_INLINE int v_any_less(vd a, vd b)
{
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ) != 0;
}
FEN_INLINE int v_all_less(vd a, vd b)
{
  return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ) == 0xff;
}
FEN_INLINE vd v_round(vd a)
{
  return (vd)_mm512_roundscale_pd((__m512d)a, 0);
}
FEN_INLINE vd v_scale(vd p, vd n)
{
  return (vd)_mm512_scalef_pd((__m512d)p, (__m512d)n);
}
FEN_INLINE double v_min_lane(vd a)
{
  return _mm512_reduce_min_pd((__m512d)a);
}
#elif FEN_SIMD == 4
FEN_INLINE vd v_max(vd a, vd b)
{
  return (vd)_mm256_max_pd((__m256d)a, (__m256d)b);
}
FEN_INLINE vd v_sqrt(vd a)
{
  return (vd)_mm256_sqrt_pd((__m256d)a);
}
FEN_INLINE vd v_fma(vd a, vd b, vd c)
{
  return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
FEN_INLINE vd v_fnma(vd a, vd b, vd c)
{
  return (vd)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
FEN_INLINE int v_any_less(vd a, vd b)
{
  return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_LT_OQ)) != 0;
}
FEN_INLINE int v_all_less(vd a, vd b)
{
  return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_LT_OQ)) == 0xf;
}
#else
FEN_INLINE vd v_max(vd a, vd b)
{
  const vl m = a > b;
  return (vd)(((vl)a & m) | ((vl)b & ~m));
}
FEN_INLINE vd v_sqrt(vd a)
{
  for (int l = 0; l < FEN_SIMD; l++)
    a[l] = sqrt(a[l]);
  return a;
}
FEN_INLINE vd v_fma(vd a, vd b, vd c)
{
  return a * b + c;
}
FEN_INLINE vd v_fnma(vd a, vd b, vd c)
{
  return c - a * b;
}
FEN_INLINE int v_any_less(vd a, vd b)
{
  const vl m = a < b;
  return (m[0] | m[1]) != 0;
}
FEN_INLINE int v_all_less(vd a, vd b)
{
  const vl m = a < b;
  return (m[0] & m[1]) != 0;
}
#endif

#if FEN_SIMD != 8
FEN_INLINE vd v_abs(vd a)
{
  return (vd)((vl)a & v_setl(0x7fffffffffffffffLL));
}
/* 1.5 2^52 pushes the fraction out; its low bits then hold the rounded integer */
  #define FEN_MAGIC 6755399441055744.0
FEN_INLINE vd v_round(vd a)
{
  return (a + FEN_MAGIC) - FEN_MAGIC;
}
/* p 2^n for |n| <= 1000 */
FEN_INLINE vd v_scale(vd p, vd n)
{
  return (vd)((vl)p + ((vl)(n + FEN_MAGIC) << 52));
}
FEN_INLINE double v_min_lane(vd a)
{
  double m = a[0];
  for (int l = 1; l < FEN_SIMD; l++)
    m = a[l] < m ? a[l] : m;
  return m;
}
#endif

/* 2^x for x <= 1000; minimax polynomial of degree 11, relative error 1.2e-16 plus one rounding; below -1000 the result
   is at most 2^-1000 */
FEN_INLINE vd v_exp2(vd x)
{
#if FEN_SIMD != 8 /* scalef takes any exponent */
  x = v_max(x, v_set(-1000.0));
#endif
  const vd n = v_round(x), r = x - n, q = r * r;
  vd       o = v_set(4.435282706957277e-10), e = v_set(7.074105613508143e-09);

  /* odd and even powers apart: two short chains of multiply-adds instead of a long one */
  o = v_fma(o, q, v_set(1.0178198021671931e-07));
  e = v_fma(e, q, v_set(1.32154330896764e-06));
  o = v_fma(o, q, v_set(1.5252733489988525e-05));
  e = v_fma(e, q, v_set(0.00015403530462514432));
  o = v_fma(o, q, v_set(0.0013333558146789923));
  e = v_fma(e, q, v_set(0.009618129107588335));
  o = v_fma(o, q, v_set(0.055504108664819925));
  e = v_fma(e, q, v_set(0.24022650695910155));
  o = v_fma(o, q, v_set(0.6931471805599453));
  return v_scale(v_fma(v_fma(e, r, o), r, v_set(1.0)), n); /* small parts first: one rounding of the whole */
}

/* log2 x for normal x > 0: mantissa in [sqrt 1/2, sqrt 2), series of artanh in s = (m-1)/(m+1), |s| <= 0.1716 */
FEN_INLINE vd v_log2(vd x)
{
  const vl shift = ((vl)x - v_setl(0x3fe6a09e667f3bcdLL)) >> 52; /* arithmetic: the exponent once m is in range */
  const vd m = (vd)((vl)x - (shift << 52)), s = (m - 1.0) / (m + 1.0), q = s * s;
  const vd e = (vd)(shift + v_setl(0x4338000000000000LL)) - 6755399441055744.0; /* integer to double, small ones */
  vd       p = v_set(2.0 / 21);

  p = v_fma(p, q, v_set(2.0 / 19));
  p = v_fma(p, q, v_set(2.0 / 17));
  p = v_fma(p, q, v_set(2.0 / 15));
  p = v_fma(p, q, v_set(2.0 / 13));
  p = v_fma(p, q, v_set(2.0 / 11));
  p = v_fma(p, q, v_set(2.0 / 9));
  p = v_fma(p, q, v_set(2.0 / 7));
  p = v_fma(p, q, v_set(2.0 / 5));
  p = v_fma(p, q, v_set(2.0 / 3));
  p = v_fma(p, q, v_set(2.0));
  return v_fma(s * p, v_set(1.4426950408889634), e);
}
