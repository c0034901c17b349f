/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows into chunks for one instruction set: FEN_SIMD entries of FEN_SIMD lanes at a time, turned in registers. */
#pragma once
#include "lanes.h"

/* entry k of vector i becomes entry i of vector k; integers are bits as well */
FEN_INLINE void v_turn(vd x[FEN_SIMD])
{
#if FEN_SIMD == 8
  __m512d even[4], odd[4];

  for (int i = 0; i < 4; i++) { /* pairs of lanes */
    even[i] = _mm512_unpacklo_pd((__m512d)x[2 * i], (__m512d)x[2 * i + 1]);
    odd[i] = _mm512_unpackhi_pd((__m512d)x[2 * i], (__m512d)x[2 * i + 1]);
  }
  for (int k = 0; k < 2; k++) { /* four by four of these pairs */
    const __m512d *t = k ? odd : even;
    const __m512d  a = _mm512_shuffle_f64x2(t[0], t[1], 0x88), b = _mm512_shuffle_f64x2(t[0], t[1], 0xdd);
    const __m512d  c = _mm512_shuffle_f64x2(t[2], t[3], 0x88), d = _mm512_shuffle_f64x2(t[2], t[3], 0xdd);

    x[k] = (vd)_mm512_shuffle_f64x2(a, c, 0x88);
    x[k + 2] = (vd)_mm512_shuffle_f64x2(b, d, 0x88);
    x[k + 4] = (vd)_mm512_shuffle_f64x2(a, c, 0xdd);
    x[k + 6] = (vd)_mm512_shuffle_f64x2(b, d, 0xdd);
  }
#elif FEN_SIMD == 4
  const __m256d a = _mm256_unpacklo_pd((__m256d)x[0], (__m256d)x[1]);
  const __m256d b = _mm256_unpackhi_pd((__m256d)x[0], (__m256d)x[1]);
  const __m256d c = _mm256_unpacklo_pd((__m256d)x[2], (__m256d)x[3]);
  const __m256d d = _mm256_unpackhi_pd((__m256d)x[2], (__m256d)x[3]);

  x[0] = (vd)_mm256_permute2f128_pd(a, c, 0x20);
  x[1] = (vd)_mm256_permute2f128_pd(b, d, 0x20);
  x[2] = (vd)_mm256_permute2f128_pd(a, c, 0x31);
  x[3] = (vd)_mm256_permute2f128_pd(b, d, 0x31);
#else
  const vd a = {x[0][0], x[1][0]}, b = {x[0][1], x[1][1]};

  x[0] = a;
  x[1] = b;
#endif
}

/* entries j .. j + FEN_SIMD - 1 of a lane, and those that are not there */
FEN_INLINE void LoadLane(const FenSlotRows *R, int lane, FenInt j, vl *own, vd *prob)
{
  const FenInt left = R->count[lane] - j;

  if (left >= FEN_SIMD) {
    memcpy(own, R->next[lane] + j, sizeof(*own));
    *own -= R->start;
    *prob = v_load(R->prob[lane] + j);
    return;
  }
  *own = v_setl(R->self[lane]);
  *prob = v_set(0);
  for (int k = 0; k < left; k++) {
    (*own)[k] = R->next[lane][j + k] - R->start;
    (*prob)[k] = R->prob[lane][j + k];
  }
}

/* for the lanes of vector v; signs of `outside` say that some are not mine */
FEN_INLINE void FillBlock(const FenSlotRows *R, int v, FenInt j, int *col, double *val, vl *outside)
{
  const vl last = v_setl(R->n - 1), below = v_setl(R->below), above = v_setl(R->above);
  vd       prob[FEN_SIMD], next[FEN_SIMD];

  for (int i = 0; i < FEN_SIMD; i++) {
    vl own;

    LoadLane(R, v * FEN_SIMD + i, j, &own, &prob[i]);
    *outside |= own | (last - own);
    next[i] = (vd)(own + (below & (own < 0)) + (above & (own > last)));
  }
  v_turn(prob);
  v_turn(next);
  for (int k = 0; k < FEN_SIMD; k++) {
    const FenInt at = FEN_LANES * (j + k) + v * FEN_SIMD;
    const vi     c = __builtin_convertvector((vl)next[k], vi);

    v_store(val + at, prob[k]);
    memcpy(col + at, &c, sizeof(c));
  }
}

/* the entries of a lane from the j-th on, and those that are not there */
FEN_INLINE FenInt FillRest(const FenSlotRows *R, int lane, FenInt j, FenInt columns, int *col, double *val)
{
  FenInt outside = 0;

  for (; j < R->count[lane]; j++) {
    const FenInt own = R->next[lane][j] - R->start;

    outside |= own | (R->n - 1 - own);
    col[FEN_LANES * j + lane] = (int)(own + (own < 0 ? R->below : own >= R->n ? R->above : 0));
    val[FEN_LANES * j + lane] = R->prob[lane][j];
  }
  for (; j < columns; j++) {
    col[FEN_LANES * j + lane] = R->self[lane];
    val[FEN_LANES * j + lane] = 0;
  }
  return outside;
}

static int Fill(const FenSlotRows *R, FenInt columns, int *col, double *val)
{
  FenInt rest = 0;
  vl     outside = v_setl(0);

  EACH
  {
    FenInt j = 0;

    for (; j + FEN_SIMD <= columns; j += FEN_SIMD)
      FillBlock(R, v, j, col, val, &outside);
    for (int l = v * FEN_SIMD; l < (v + 1) * FEN_SIMD; l++)
      rest |= FillRest(R, l, j, columns, col, val);
  }
  for (int l = 0; l < FEN_SIMD; l++)
    rest |= outside[l];
  return rest < 0;
}

/* sums with their rounding errors in a sum beside them are as good as double-doubles */
static void Normalise(FenInt columns, double *val)
{
  EACH
  {
    const vd zero = v_set(0), one = v_set(1);
    double  *p = val + v * FEN_SIMD;
    vd       sum = zero, low = zero, whole;

    for (FenInt j = 0; j < FEN_LANES * columns; j += FEN_LANES) {
      const vd x = v_load(p + j), t = sum + x, part = t - sum;

      low += (sum - (t - part)) + (x - part);
      sum = t;
    }
    whole = sum + low;
    whole = v_if_greater(whole, zero, whole, one);
    if (!v_any_less(whole, one) && !v_any_less(one, whole))
      continue;
    for (FenInt j = 0; j < FEN_LANES * columns; j += FEN_LANES)
      v_store(p + j, v_load(p + j) / whole);
  }
}
