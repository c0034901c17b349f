/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of cellkernels.h for one instruction set, see solvers/simd/simd.h. */
#include "../../simd/simd.h"
#include "cellkernels.h"

#define MOST 1024 /* rows of a tile */

static void Softmax(int n, FenInt ld, const double la[], const double cut[], const double cost[], const double root[],
                    double Q[], double lse[], double r[])
{
  vd sum[MOST], t[MOST];

  for (int i = 0; i < n; i++)
    sum[i] = v_set(0);
  for (FenInt j = 0; j < ld; j += FEN_SIMD) {
    vd m = v_set(-1e300), s = v_set(0), scale;
    vd w = v_load(root + j);

    for (int i = 0; i < n; i++) {
      t[i] = la[i] - v_load(cost + i * ld + j);
      m = v_max(m, t[i]);
    }
    for (int i = 0; i < n; i++) {
      if (v_all_less(t[i], m - cut[i])) {
        t[i] = v_set(0);
        continue;
      }
      t[i] = v_exp2(t[i] - m);
      s += t[i];
    }
    v_store(lse + j, m + v_log2(s));
    scale = w / s;
    for (int i = 0; i < n; i++) {
      const vd q = t[i] * scale;

      v_store(Q + i * ld + j, q);
      sum[i] = v_fma(q, w, sum[i]);
    }
  }
  for (int i = 0; i < n; i++) {
    double a = 0;

    for (int l = 0; l < FEN_SIMD; l++)
      a += sum[i][l];
    r[i] = a;
  }
}

/* Vectors of lanes in which some of four rows is not zero, in ascending order, -1 at the end */
static void FindBlocks(int n, FenInt ld, const double Q[], int i0, int list[])
{
  int k = 0;

  for (FenInt j = 0; j < ld; j += FEN_CELL_LANES) {
    int any = 0;

    for (int i = i0; i < i0 + 4 && i < n; i++)
      for (FenInt l = j; l < j + FEN_CELL_LANES; l += FEN_SIMD)
        any |= v_any_less(v_set(0), v_load(Q + i * ld + l));
    if (any)
      list[k++] = (int)j;
  }
  list[k] = -1;
}

/* inner products of four rows with four rows over the blocks that both lists have */
static void FourByFour(int n, FenInt ld, const double Q[], const int *a, const int *b, int i0, int k0, double S[])
{
  const double *p[4], *q[4];
  vd            s[4][4];

  for (int r = 0; r < 4; r++) { /* rows beyond the last repeat it, and are not stored */
    p[r] = Q + (i0 + r < n ? i0 + r : n - 1) * ld;
    q[r] = Q + (k0 + r < n ? k0 + r : n - 1) * ld;
    for (int c = 0; c < 4; c++)
      s[r][c] = v_set(0);
  }
  while (*a >= 0 && *b >= 0) {
    if (*a != *b) {
      if (*a < *b)
        a++;
      else
        b++;
      continue;
    }
    for (FenInt j = *a; j < *a + FEN_CELL_LANES; j += FEN_SIMD) {
      const vd y0 = v_load(q[0] + j), y1 = v_load(q[1] + j), y2 = v_load(q[2] + j), y3 = v_load(q[3] + j);

      for (int r = 0; r < 4; r++) {
        const vd x = v_load(p[r] + j);

        s[r][0] = v_fma(x, y0, s[r][0]);
        s[r][1] = v_fma(x, y1, s[r][1]);
        s[r][2] = v_fma(x, y2, s[r][2]);
        s[r][3] = v_fma(x, y3, s[r][3]);
      }
    }
    a++;
    b++;
  }
  for (int r = 0; r < 4 && i0 + r < n; r++)
    for (int c = 0; c < 4 && k0 + c < n; c++)
      if (i0 + r >= k0 + c) {
        double sum = 0;

        for (int l = 0; l < FEN_SIMD; l++)
          sum += s[r][c][l];
        S[(k0 + c) * n + i0 + r] = -sum;
      }
}

static void Gram(int n, FenInt ld, const double Q[], int blocks[], double S[])
{
  const int stride = (int)(ld / FEN_CELL_LANES) + 1;

  for (int i = 0; i < n; i += 4) {
    FindBlocks(n, ld, Q, i, blocks + i / 4 * stride);
    for (int k = 0; k <= i; k += 4)
      FourByFour(n, ld, Q, blocks + i / 4 * stride, blocks + k / 4 * stride, i, k, S);
  }
}

static double LogSum(FenInt ld, const double h[], const double cost[])
{
  vd     m = v_set(-1e300), s = v_set(0);
  double most = -1e300, sum = 0;

  for (FenInt j = 0; j < ld; j += FEN_SIMD)
    m = v_max(m, v_load(h + j) - v_load(cost + j));
  for (int l = 0; l < FEN_SIMD; l++)
    most = m[l] > most ? m[l] : most;
  for (FenInt j = 0; j < ld; j += FEN_SIMD)
    s += v_exp2(v_load(h + j) - v_load(cost + j) - most);
  for (int l = 0; l < FEN_SIMD; l++)
    sum += s[l];
  return most + log2(sum);
}

static void Share(int n, const int row[], FenInt ld, const double Q[], const double root[], double out[])
{
  for (FenInt j = 0; j < ld; j += FEN_SIMD) {
    vd s = v_set(0);

    for (int i = 0; i < n; i++)
      s += v_load(Q + row[i] * ld + j);
    v_store(out + j, s * v_load(root + j));
  }
}

const FenCellKernels FEN_KERNELS = {FEN_KERNELS_NAME, Softmax, Gram, LogSum, Share};
