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

const FenCellKernels FEN_KERNELS = {FEN_KERNELS_NAME, Softmax, LogSum, Share};
