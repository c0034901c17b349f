/* SPDX-License-Identifier: BSD-2-Clause */
/* FEN_LANES lanes as NV vectors, and what solvers/simd/simd.h has no need of: choices, gathers, integers. */
#pragma once
#include "../../simd/simd.h"
#include "bellmankernels.h"

#define NV (FEN_LANES / FEN_SIMD)

typedef int vi __attribute__((vector_size(FEN_SIMD * 4)));

typedef struct {
  vd v[NV];
} Lanes;

#define EACH for (int v = 0; v < NV; v++)

/* x where a > b, y elsewhere */
FEN_INLINE vd v_if_greater(vd a, vd b, vd x, vd y)
{
#if FEN_SIMD == 8
  return (vd)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GT_OQ), (__m512d)y, (__m512d)x);
#elif FEN_SIMD == 4
  return (vd)_mm256_blendv_pd((__m256d)y, (__m256d)x, _mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_GT_OQ));
#else
  const vl m = a > b;
  return (vd)(((vl)x & m) | ((vl)y & ~m));
#endif
}
FEN_INLINE vd v_if_equal(vd a, vd b, vd x, vd y)
{
#if FEN_SIMD == 8
  return (vd)_mm512_mask_blend_pd(_mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ), (__m512d)y, (__m512d)x);
#elif FEN_SIMD == 4
  return (vd)_mm256_blendv_pd((__m256d)y, (__m256d)x, _mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_EQ_OQ));
#else
  const vl m = a == b;
  return (vd)(((vl)x & m) | ((vl)y & ~m));
#endif
}
FEN_INLINE vd v_least(vd a, vd b)
{
#if FEN_SIMD == 8
  return (vd)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif FEN_SIMD == 4
  return (vd)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  return v_if_greater(b, a, a, b);
#endif
}
/* V at the numbers at[0] ... of one vector, whatever their type, by single loads */
#if FEN_SIMD >= 4
  #define FEN_PAIR(V, at, k) _mm_loadh_pd(_mm_load_sd((V) + (at)[k]), (V) + (at)[(k) + 1])
  #define FEN_FOUR(V, at, k)                                                                                           \
    _mm256_insertf128_pd(_mm256_castpd128_pd256(FEN_PAIR(V, at, k)), FEN_PAIR(V, at, (k) + 2), 1)
#endif
#if FEN_SIMD == 8
  #define FEN_PICK(V, at) ((vd)_mm512_insertf64x4(_mm512_castpd256_pd512(FEN_FOUR(V, at, 0)), FEN_FOUR(V, at, 4), 1))
#elif FEN_SIMD == 4
  #define FEN_PICK(V, at) ((vd)FEN_FOUR(V, at, 0))
#else
  #define FEN_PICK(V, at) ((vd){(V)[(at)[0]], (V)[(at)[1]]})
#endif
/* V at the columns of one vector; hardware gathers pay only where the values lie far apart */
FEN_INLINE vd v_gather(const double *V, const int *col, FenReach reach)
{
#if FEN_SIMD == 8
  if (reach == FEN_REACH_FAR)
    return (vd)_mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)(const void *)col), V, 8);
#else
  (void)reach;
#endif
  return FEN_PICK(V, col);
}
FEN_INLINE vd v_from_int(const int *p)
{
  vi x;

  memcpy(&x, p, sizeof(x));
  return __builtin_convertvector(x, vd);
}
FEN_INLINE void v_to_int(int *p, vd a)
{
  const vi x = __builtin_convertvector(a, vi);

  memcpy(p, &x, sizeof(x));
}

FEN_INLINE Lanes l_set(double a)
{
  Lanes x;

  EACH x.v[v] = v_set(a);
  return x;
}
FEN_INLINE Lanes l_load(const double *p)
{
  Lanes x;

  EACH x.v[v] = v_load(p + v * FEN_SIMD);
  return x;
}
FEN_INLINE void l_store(double *p, const Lanes *x)
{
  EACH v_store(p + v * FEN_SIMD, x->v[v]);
}

#ifndef FEN_AHEAD
  #define FEN_AHEAD 64
#endif

/* values that the lanes of a column reach */
FEN_INLINE Lanes Successors(const FenChunks *C, FenInt column, const double *V, FenReach reach)
{
  Lanes x;

  if (reach == FEN_REACH_RUNS || reach == FEN_REACH_CODED) {
    const int base = C->base[column];

    if (base >= 0)
      return l_load(V + base);
  }
  EACH x.v[v] = v_gather(V, C->col + FEN_LANES * column + v * FEN_SIMD, reach);
  return x;
}

/* the same by where its numbers are */
FEN_INLINE Lanes Reach(const FenChunks *C, const double *V, const int *col, FenReach reach)
{
  return Successors(C, (col - C->col) / FEN_LANES, V, reach);
}

/* rows are read once: they come early and leave the caches to the values */
FEN_INLINE void FetchAhead(const double *val, const int *col, FenReach reach)
{
  if (reach == FEN_REACH_CODED) /* small streams, and a table */
    return;
  __builtin_prefetch(val + FEN_AHEAD * FEN_LANES, 0, 0);
  if (reach != FEN_REACH_RUNS)
    __builtin_prefetch(col + FEN_AHEAD * FEN_LANES, 0, 0);
}
