/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The loops of smoothed total variation over one row: differences, fields, tensors, duals. Axes and coupling are
   constants inside the loops, so that these are vectors to the compiler.
*/
#include "tvimpl.h"
#include <math.h>

#define INLINE static inline __attribute__((always_inline))

/* calls f(form, dim, isotropic, ...) with constants */
#define BY_FORM(f, ...)                                                                                                \
  (f->dim == 1   ? Call1(f, __VA_ARGS__)                                                                               \
   : f->dim == 2 ? (f->isotropic ? Call2i(f, __VA_ARGS__) : Call2(f, __VA_ARGS__))                                     \
                 : (f->isotropic ? Call3i(f, __VA_ARGS__) : Call3(f, __VA_ARGS__)))

void FenTvDifference_Private(const FenTvForm *f, const double cur[], const double next[], double p[])
{
  const FenInt n = f->width, line = f->line;

  for (FenInt j = 0; j < n; j++)
    p[j] = next ? next[j] - cur[j] : 0;
  if (f->dim < 2)
    return;
  for (FenInt start = 0; start < n; start += line) {
    for (FenInt j = start; j < start + line - 1; j++)
      p[n + j] = cur[j + 1] - cur[j];
    p[n + start + line - 1] = 0;
  }
  if (f->dim < 3)
    return;
  for (FenInt j = 0; j < n - line; j++)
    p[2 * n + j] = cur[j + line] - cur[j];
  for (FenInt j = n - line; j < n; j++)
    p[2 * n + j] = 0;
}

void FenTvAdjoint_Private(const FenTvForm *f, const double before[], const double field[], PetscBool own, double out[])
{
  const FenInt n = f->width, line = f->line;

  if (before)
    for (FenInt j = 0; j < n; j++)
      out[j] += before[j];
  if (own)
    for (FenInt j = 0; j < n; j++)
      out[j] -= field[j];
  if (f->dim < 2)
    return;
  for (FenInt start = 0; start < n; start += line) {
    const double *q = field + n + start;
    double       *o = out + start;

    o[0] -= q[0];
    for (FenInt j = 1; j < line; j++)
      o[j] += q[j - 1] - q[j];
  }
  if (f->dim < 3)
    return;
  for (FenInt j = 0; j < n; j++)
    out[j] -= field[2 * n + j];
  for (FenInt j = line; j < n; j++)
    out[j] += field[2 * n + j - line];
}

/* ---- lam p/sqrt(s) and its value ---- */
INLINE double Gradient(const FenTvForm *f, const int dim, const int isotropic, double p[])
{
  const FenInt n = f->width;
  const double lam = f->lam, nu2 = f->nu * f->nu;
  double       sum = 0;

  if (isotropic)
    for (FenInt j = 0; j < n; j++) {
      double s = nu2, root;

      for (int c = 0; c < dim; c++)
        s += p[c * n + j] * p[c * n + j];
      root = sqrt(s);
      sum += root;
      for (int c = 0; c < dim; c++)
        p[c * n + j] *= lam / root;
    }
  else
    for (FenInt j = 0; j < dim * n; j++) {
      const double root = sqrt(p[j] * p[j] + nu2);

      sum += root;
      p[j] *= lam / root;
    }
  return lam * sum;
}

INLINE double Slope(const FenTvForm *f, const int dim, const int isotropic, double p[])
{
  const FenInt n = f->width;
  const double nu2 = f->nu * f->nu, lam = -f->lam * nu2;

  if (isotropic)
    for (FenInt j = 0; j < n; j++) {
      double s = nu2;

      for (int c = 0; c < dim; c++)
        s += p[c * n + j] * p[c * n + j];
      s = lam / (s * sqrt(s));
      for (int c = 0; c < dim; c++)
        p[c * n + j] *= s;
    }
  else
    for (FenInt j = 0; j < dim * n; j++) {
      const double s = p[j] * p[j] + nu2;

      p[j] *= lam / (s * sqrt(s));
    }
  return 0;
}

INLINE double Product(const FenTvForm *f, const int dim, const int isotropic, const double A[], double p[])
{
  const FenInt n = f->width;

  if (!isotropic || dim == 1)
    for (FenInt j = 0; j < dim * n; j++)
      p[j] *= A[j];
  else if (dim == 2)
    for (FenInt j = 0; j < n; j++) {
      const double a = p[j], b = p[n + j], ab = A[2 * n + j];

      p[j] = A[j] * a + ab * b;
      p[n + j] = ab * a + A[n + j] * b;
    }
  else
    for (FenInt j = 0; j < n; j++) {
      const double a = p[j], b = p[n + j], c = p[2 * n + j];
      const double ab = A[3 * n + j], ac = A[4 * n + j], bc = A[5 * n + j];

      p[j] = A[j] * a + ab * b + ac * c;
      p[n + j] = ab * a + A[n + j] * b + bc * c;
      p[2 * n + j] = ac * a + bc * b + A[2 * n + j] * c;
    }
  return 0;
}

INLINE double Field(const FenTvForm *f, const int dim, const int isotropic, FenTvKind kind, const double A[],
                    double p[])
{
  return kind == FEN_TV_GRADIENT ? Gradient(f, dim, isotropic, p)
         : kind == FEN_TV_SLOPE  ? Slope(f, dim, isotropic, p)
                                 : Product(f, dim, isotropic, A, p);
}

double FenTvField_Private(const FenTvForm *f, FenTvKind kind, const double A[], double p[])
{
#define Call1(f, ...)  Field(f, 1, 0, __VA_ARGS__)
#define Call2(f, ...)  Field(f, 2, 0, __VA_ARGS__)
#define Call3(f, ...)  Field(f, 3, 0, __VA_ARGS__)
#define Call2i(f, ...) Field(f, 2, 1, __VA_ARGS__)
#define Call3i(f, ...) Field(f, 3, 1, __VA_ARGS__)
  return BY_FORM(f, kind, A, p);
#undef Call1
#undef Call2
#undef Call3
#undef Call2i
#undef Call3i
}

/* ---- A: lam (I - q q^T)/sqrt(s), q = p/sqrt(s); with duals lam (I - (w q^T + q w^T)/2)/sqrt(s) ---- */
INLINE void IsotropicTensor(const FenTvForm *f, const int dim, const double p[], const double w[], double A[])
{
  const FenInt n = f->width;
  const double nu2 = f->nu * f->nu;

  for (FenInt j = 0; j < n; j++) {
    double s = nu2, scale, q[FEN_DENOISE_AXES];
    FenInt k = dim;

    for (int c = 0; c < dim; c++)
      s += p[c * n + j] * p[c * n + j];
    s = sqrt(s);
    scale = f->lam / s;
    for (int c = 0; c < dim; c++) {
      q[c] = p[c * n + j] / s;
      A[c * n + j] = scale * (1 - w[c * n + j] * q[c]);
    }
    for (int c = 0; c < dim; c++)
      for (int e = c + 1; e < dim; e++, k++)
        A[k * n + j] = -scale / 2 * (w[c * n + j] * q[e] + w[e * n + j] * q[c]);
  }
}

static void PlainTensor(const FenTvForm *f, const double p[], const double w[], double A[])
{
  const FenInt n = f->dim * f->width;
  const double nu2 = f->nu * f->nu;

  if (w)
    for (FenInt j = 0; j < n; j++) {
      const double root = sqrt(p[j] * p[j] + nu2), a = 1 - w[j] * p[j] / root;

      A[j] = f->lam / root * (a > 0 ? a : 0);
    }
  else
    for (FenInt j = 0; j < n; j++) {
      const double s = p[j] * p[j] + nu2;

      A[j] = f->lam * nu2 / (s * sqrt(s));
    }
}

/* lam (nu^2 I + |p|^2 I - p p^T)/s^{3/2}: no difference of nearly equal numbers where |p| is large */
INLINE void NewtonTensor(const FenTvForm *f, const int dim, const double p[], double A[])
{
  const FenInt n = f->width;
  const double nu2 = f->nu * f->nu;

  for (FenInt j = 0; j < n; j++) {
    double s = nu2, scale;
    FenInt k = dim;

    for (int c = 0; c < dim; c++)
      s += p[c * n + j] * p[c * n + j];
    scale = f->lam / (s * sqrt(s));
    for (int c = 0; c < dim; c++) {
      double rest = nu2;

      for (int e = 0; e < dim; e++)
        rest += e == c ? 0 : p[e * n + j] * p[e * n + j];
      A[c * n + j] = scale * rest;
    }
    for (int c = 0; c < dim; c++)
      for (int e = c + 1; e < dim; e++, k++)
        A[k * n + j] = -scale * p[c * n + j] * p[e * n + j];
  }
}

void FenTvTensor_Private(const FenTvForm *f, const double p[], const double w[], PetscBool last, double A[])
{
  const FenInt n = f->width;

  if (!f->isotropic || f->dim == 1)
    PlainTensor(f, p, w, A);
  else if (w && f->dim == 2)
    IsotropicTensor(f, 2, p, w, A);
  else if (w)
    IsotropicTensor(f, 3, p, w, A);
  else if (f->dim == 2)
    NewtonTensor(f, 2, p, A);
  else
    NewtonTensor(f, 3, p, A);
  /* what is no difference has no part in D; products of components vanish with p and w */
  if (last && !f->left)
    for (FenInt j = 0; j < n; j++)
      A[j] = 0;
  for (FenInt j = f->line - 1; f->dim > 1 && j < n; j += f->line)
    A[n + j] = 0;
  for (FenInt j = n - f->line; f->dim > 2 && j < n; j++)
    A[2 * n + j] = 0;
}

/* ---- duals ---- */
static double Square(const FenTvForm *f, const double p[], FenInt j)
{
  double s = 0;

  for (PetscInt c = 0; c < f->dim; c++)
    s += p[c * f->width + j] * p[c * f->width + j];
  return s;
}

void FenTvDual_Private(const FenTvForm *f, const double p[], double w[])
{
  const FenInt n = f->width;
  const double nu2 = f->nu * f->nu;

  for (FenInt j = 0; j < n; j++) {
    const double all = Square(f, p, j);

    for (PetscInt c = 0; c < f->dim; c++) {
      const double one = p[c * n + j];

      w[c * n + j] = one / sqrt((f->isotropic ? all : one * one) + nu2);
    }
  }
}

void FenTvDualDirection_Private(const FenTvForm *f, const double p[], const double dp[], const double w[], double dw[])
{
  const FenInt n = f->width;
  const double nu2 = f->nu * f->nu;

  for (FenInt j = 0; j < n; j++) {
    const double all = Square(f, p, j);
    double       along = 0;

    for (PetscInt c = 0; c < f->dim; c++)
      along += p[c * n + j] * dp[c * n + j];
    for (PetscInt c = 0; c < f->dim; c++) {
      const FenInt k = c * n + j;
      const double root = sqrt((f->isotropic ? all : p[k] * p[k]) + nu2);
      const double turn = f->isotropic ? along : p[k] * dp[k];

      dw[k] = (p[k] + dp[k] - w[k] * turn / root) / root - w[k];
    }
  }
}

/* |w + step dw| = 1 has one positive root */
static double Reach(double a, double b, double c, double most)
{
  double root;

  if (!(a > 0) || a * most * most + 2 * b * most + c <= 0)
    return most;
  root = sqrt(PetscMax(b * b - a * c, 0));
  root = b > 0 ? -c / (b + root) : (root - b) / a;
  return PetscMax(PetscMin(root, most), 0);
}

double FenTvDualReach_Private(const FenTvForm *f, const double w[], const double dw[], double most)
{
  const FenInt n = f->width;

  for (FenInt j = 0; j < n; j++) {
    double a = 0, b = 0, c = -1;

    for (PetscInt e = 0; e < f->dim; e++) {
      const double u = w[e * n + j], v = dw[e * n + j];

      a += v * v;
      b += u * v;
      c += u * u;
      if (!f->isotropic) {
        most = Reach(a, b, c, most);
        a = b = 0;
        c = -1;
      }
    }
    if (f->isotropic)
      most = Reach(a, b, c, most);
  }
  return most;
}
