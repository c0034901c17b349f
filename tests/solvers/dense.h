/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport problem with its cost matrix written out, in long double: what the operator and the solvers are held to.
 */
#pragma once
#include <fenchelmeasure.h>
#include "fentest.h"
#include <stdlib.h>

typedef struct {
  FenInt       n, m;
  double      *a, *b;
  long double *C;   /* n x m */
  long double *wet; /* work: n + m */
  double       largest;
} Dense;

static inline long double DenseCost(FenCostKind kind, double power, PetscInt dim, const double x[], const double y[])
{
  long double s = 0;

  for (PetscInt k = 0; k < dim; k++) {
    const long double d = (long double)x[k] - y[k];

    if (kind == FEN_COST_POWER)
      s += powl(fabsl(d), (long double)power);
    else
      s += kind == FEN_COST_L1 ? fabsl(d) : d * d;
  }
  return kind == FEN_COST_EUCLIDEAN ? sqrtl(s) : s;
}

/* measures and cost on one rank */
static inline Dense DenseMake(FenMeasure m[2], FenCost cost)
{
  Dense         D = {.largest = 0};
  const double *x[2], *w[2], *matrix = NULL, *bycol;
  FenCostKind   kind;
  PetscInt      dim;
  double        power;

  FEN_OK(FenCostGetKind(cost, &kind));
  FEN_OK(FenCostGetPower(cost, &power));
  FEN_OK(FenMeasureGetDim(m[0], &dim));
  FEN_OK(FenMeasureGetSize(m[0], NULL, &D.n));
  FEN_OK(FenMeasureGetSize(m[1], NULL, &D.m));
  for (int s = 0; s < 2; s++) {
    FEN_OK(FenMeasureGetPoints(m[s], &x[s]));
    FEN_OK(FenMeasureGetWeights(m[s], &w[s]));
  }
  if (kind == FEN_COST_MATRIX)
    FEN_OK(FenCostGetMatrix(cost, &matrix, &bycol));
  D.a = (double *)malloc((size_t)(D.n + D.m) * sizeof(double));
  D.b = D.a + D.n;
  memcpy(D.a, w[0], (size_t)D.n * sizeof(double));
  memcpy(D.b, w[1], (size_t)D.m * sizeof(double));
  D.C = (long double *)malloc((size_t)(D.n * D.m + D.n + D.m) * sizeof(long double));
  D.wet = D.C + D.n * D.m;
  for (FenInt i = 0; i < D.n; i++)
    for (FenInt j = 0; j < D.m; j++) {
      D.C[i * D.m + j] =
          matrix ? (long double)matrix[i * D.m + j] : DenseCost(kind, power, dim, x[0] + i * dim, x[1] + j * dim);
      D.largest = fmax(D.largest, (double)D.C[i * D.m + j]);
    }
  return D;
}

static inline void DenseFree(Dense *D)
{
  free(D->a);
  free(D->C);
}

/* the transposed problem's entry: to the source C_kl, to the target C_lk */
static inline long double DenseEntry(const Dense *D, int to_target, FenInt k, FenInt l)
{
  return to_target ? D->C[l * D->m + k] : D->C[k * D->m + l];
}

/* -eps log sum_l w_l exp((h_l - C_kl)/eps) */
static inline long double DenseSoft(const Dense *D, int to_target, double eps, const long double h[], FenInt k)
{
  const FenInt  n = to_target ? D->n : D->m;
  const double *w = to_target ? D->a : D->b;
  long double   top = -HUGE_VALL, sum = 0;

  for (FenInt l = 0; l < n; l++)
    if (w[l] > 0)
      top = fmaxl(top, h[l] - DenseEntry(D, to_target, k, l));
  for (FenInt l = 0; l < n; l++)
    if (w[l] > 0)
      sum += w[l] * expl((h[l] - DenseEntry(D, to_target, k, l) - top) / eps);
  return -top - eps * logl(sum);
}

/* min C_kl - h_l over w_l > 0 */
static inline long double DenseHard(const Dense *D, int to_target, const long double h[], FenInt k)
{
  const FenInt  n = to_target ? D->n : D->m;
  const double *w = to_target ? D->a : D->b;
  long double   best = HUGE_VALL;

  for (FenInt l = 0; l < n; l++)
    if (w[l] > 0)
      best = fminl(best, DenseEntry(D, to_target, k, l) - h[l]);
  return best;
}

/* L1 error of the plan's columns for f = T(g), g <- T(f) */
static inline long double DenseSinkhorn(const Dense *D, double eps, long double f[], long double g[])
{
  long double error = 0;

  for (FenInt i = 0; i < D->n; i++)
    f[i] = DenseSoft(D, 0, eps, g, i);
  for (FenInt j = 0; j < D->m; j++) {
    const long double next = DenseSoft(D, 1, eps, f, j);

    error += D->b[j] * fabsl(expl((g[j] - next) / eps) - 1);
    g[j] = next;
  }
  return error;
}

/* OT_eps: after a half step the dual value is <a,f> + <b,g>; it is off by the square of the error */
static inline long double DenseOptimum(const Dense *D, double eps, long double tol)
{
  long double *f = D->wet, *g = D->wet + D->n, value = 0, error = 1;
  int          it = 0;

  for (FenInt j = 0; j < D->m; j++)
    g[j] = 0;
  for (double e = fmax(D->largest, eps); e > eps; e = fmax(e / 2, eps))
    for (int k = 0; k < 10; k++)
      DenseSinkhorn(D, e, f, g);
  for (; error > tol && it < 200000; it++)
    error = DenseSinkhorn(D, eps, f, g);
  assert_true(error <= tol);
  for (FenInt i = 0; i < D->n; i++)
    value += D->a[i] * (D->a[i] > 0 ? f[i] : 0);
  for (FenInt j = 0; j < D->m; j++)
    value += D->b[j] * (D->b[j] > 0 ? g[j] : 0);
  return value;
}
