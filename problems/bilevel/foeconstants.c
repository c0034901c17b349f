/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of Experts: constants that are true bounds.

   C_k is a correlation on the whole plane, cut, after an extension of the image in which a pixel appears at most m
   times: |C_k|^2 <= m max |c^_k|^2, and sum_k a_k C_k^T C_k <= m max sum_k a_k |c^_k|^2 over all frequencies. Such a
   trigonometric polynomial of degree n (each axis) is at most 1/cos(pi n/N)^2 times its largest value on N x N
   equidistant points (M. Riesz). With |C_k z|_inf <= rho_k |z|:

     L = 1 + |sum_k s_k/nu_k C_k^T C_k|,   L_H = sum_k 0.8587 s_k/nu_k^2 |C_k|^2 rho_k.

   Bounds of J are Frobenius norms over groups of columns, with sums over all responses at the linearised point; the
   Lipschitz constant of J holds between that point and any other.
*/
#include "foeimpl.h"
#include <math.h>

#define POINTS 64

typedef struct {
  FenInt  n; /* w - 1: lags -n to n */
  FenInt  points;
  double *cosine, *sine; /* points x (n + 1) */
} Spectrum;

static PetscErrorCode SpectrumCreate(FenInt w, Spectrum *s)
{
  PetscFunctionBegin;
  s->n = w - 1;
  s->points = PetscMax(POINTS, 8 * w);
  PetscCall(PetscMalloc2((size_t)(s->points * w), &s->cosine, (size_t)(s->points * w), &s->sine));
  for (FenInt j = 0; j < s->points; j++)
    for (FenInt l = 0; l < w; l++) {
      s->cosine[j * w + l] = cos(2 * PETSC_PI * (double)(j * l) / (double)s->points);
      s->sine[j * w + l] = sin(2 * PETSC_PI * (double)(j * l) / (double)s->points);
    }
  PetscFunctionReturn(0);
}

/* R[(2n+1) x (n+1)] += a times the correlation of c with itself, lags of axis 1 from 0 on: the others are its mirror */
static void AddCorrelation(FenInt w, const double c[], double a, double R[])
{
  for (FenInt i = 0; i < w; i++)
    for (FenInt j = 0; j < w; j++)
      for (FenInt k = 0; k < w; k++)
        for (FenInt l = j; l < w; l++)
          R[(k - i + w - 1) * w + l - j] += a * c[i * w + j] * c[k * w + l];
}

/* largest value of the polynomial with coefficients R, not below it */
static double Largest(const Spectrum *s, const double R[])
{
  const FenInt w = s->n + 1, points = s->points;
  const double edge = cos(PETSC_PI * (double)s->n / (double)points);
  double       most = 0;

  for (FenInt i = 0; i < points; i++) {
    double even[32], odd[32];

    for (FenInt l = 0; l < w; l++) {
      even[l] = odd[l] = 0;
      for (FenInt k = -s->n; k <= s->n; k++) {
        const double r = R[(k + s->n) * w + l] * (l ? 2 : 1);

        even[l] += r * s->cosine[i * w + (k < 0 ? -k : k)];
        odd[l] -= r * (k < 0 ? -s->sine[i * w - k] : s->sine[i * w + k]);
      }
    }
    for (FenInt j = 0; j <= points / 2; j++) {
      double sum = 0;

      for (FenInt l = 0; l < w; l++)
        sum += even[l] * s->cosine[j * w + l] + odd[l] * s->sine[j * w + l];
      most = PetscMax(most, sum);
    }
  }
  return most / (edge * edge) * (1 + 1e-12);
}

/* how often a pixel appears in the extended image */
static double Copies(const FenFoe *f)
{
  return f->rule == FEN_FOE_ZERO || !f->padding ? 1 : 4;
}

static double NormOne(const FenFoe *f, FenInt k)
{
  double sum = 0;

  for (FenInt a = 0; a < f->taps; a++)
    sum += PetscAbsReal(f->by_filter[k * f->taps + a]);
  return sum;
}

static double NormTwo(const FenFoe *f, FenInt k)
{
  double sum = 0;

  for (FenInt a = 0; a < f->taps; a++)
    sum += f->by_filter[k * f->taps + a] * f->by_filter[k * f->taps + a];
  return sqrt(sum);
}

/* norms[k] >= |C_k|^2; norm >= |sum_k s_k/nu_k C_k^T C_k|: of this theta */
static PetscErrorCode NeedNorms(FenFoe *f)
{
  const FenInt size = (2 * f->w - 1) * f->w;
  const double copies = Copies(f);
  Spectrum     spectrum;
  double      *R, *total;

  PetscFunctionBegin;
  if (f->have_norms)
    PetscFunctionReturn(0);
  PetscCall(SpectrumCreate(f->w, &spectrum));
  PetscCall(PetscCalloc2((size_t)size, &R, (size_t)size, &total));
  f->norm = 0;
  for (FenInt k = 0; k < f->K; k++) {
    const double one = NormOne(f, k), a = f->s[k] / f->nu[k];

    PetscCall(PetscArrayzero(R, size));
    AddCorrelation(f->w, f->by_filter + k * f->taps, 1, R);
    for (FenInt i = 0; i < size; i++)
      total[i] += a * R[i];
    f->norms[k] = copies * PetscMin(one * one, Largest(&spectrum, R));
    f->norm += a * f->norms[k];
  }
  f->norm = PetscMin(f->norm, copies * Largest(&spectrum, total));
  f->have_norms = PETSC_TRUE;
  PetscCall(PetscFree2(R, total));
  PetscCall(PetscFree2(spectrum.cosine, spectrum.sine));
  PetscFunctionReturn(0);
}

/* ---- sums over the responses that are mine: phi'^2, psi^2, phi''^2 times the window's square, for each filter ---- */
static double WindowSquare(const FenFoe *f, const double *x)
{
  double sum = 0;

  for (FenInt a = 0; a < f->w; a++)
    for (FenInt b = 0; b < f->w; b++)
      sum += x[a * f->stride + b] * x[a * f->stride + b];
  return sum;
}

static void AddSquares(const FenFoe *f, const double m[], const double windows[], const double T[], double sums[])
{
  for (FenInt k = 0; k < f->K; k++)
    for (FenInt i = 0; i < FEN_FOE_BLOCK; i++) {
      const double t = T[k * FEN_FOE_BLOCK + i], q = t * t + f->nu2[k], second = f->nu2[k] / (q * sqrt(q));

      sums[3 * k] += m[i] * t * t / q;
      sums[3 * k + 1] += m[i] * second * second * t * t;
      sums[3 * k + 2] += m[i] * second * second * windows[i];
    }
}

/* sums over the team, the last of each sample the largest of the squares, in one message */
static PetscErrorCode Reduce(FenBilevelProblem pr, FenInt n, FenInt one, double sums[])
{
  FenDD   *parts;
  PetscInt all;

  PetscFunctionBegin;
  PetscCall(FenIntCast(n * one, &all));
  PetscCall(PetscMalloc1((size_t)all, &parts));
  for (PetscInt i = 0; i < all; i++)
    parts[i] = (i + 1) % one ? (FenDD){sums[i], 0} : FenDDMaximum(sums[i]);
  PetscCall(FenDDReduce(pr->info.team, all, parts, sums));
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(0);
}

/* my parts of sums[3K + 2]: the last but one is the square of the scale's column, the last the largest window's square
 */
static PetscErrorCode PointSums(FenFoe *f, double sums[])
{
  const FenFoeBank bank = FenFoeBank_Private(f, PETSC_FALSE);
  const FenInt     n = 3 * f->K + 2;
  double          *column;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(sums, n));
  PetscCall(PetscArrayzero(f->g, f->lines * f->stride));
  for (FenInt o = 0; o < f->responses; o++)
    for (FenInt b = 0; b < f->blocks; b++) {
      const double *m = FenFoeMask_Private(f, b), *x = f->x + o * f->stride + b * FEN_FOE_BLOCK;
      double        windows[FEN_FOE_BLOCK];

      (*f->kernels->forward)(&bank, x, f->T);
      if (FenFoeMine_Private(f, o)) {
        for (FenInt i = 0; i < FEN_FOE_BLOCK; i++) {
          windows[i] = m[i] * WindowSquare(f, x + i);
          sums[n - 1] = PetscMax(sums[n - 1], windows[i]);
        }
        AddSquares(f, m, windows, f->T, sums);
      }
      (void)(*f->kernels->slope)(f->K, f->s, f->nu2, m, f->T);
      (*f->kernels->adjoint)(&bank, f->T, f->g + o * f->stride + b * FEN_FOE_BLOCK);
    }
  PetscCall(PetscCalloc1((size_t)(f->rows * f->W), &column));
  FenFoeFold_Private(f, f->g, column);
  for (FenInt i = 0; i < f->rows * f->W; i++)
    sums[n - 2] += column[i] * column[i];
  PetscCall(PetscFree(column));
  PetscFunctionReturn(0);
}

/* squares of |J| and of its Lipschitz constant, learned groups only */
static void Jacobian(const FenFoe *f, const double sums[], double third, double square[2])
{
  const double spread = sqrt((double)f->taps * Copies(f)); /* |C'| over |c'| */
  const double patch = sqrt(sums[3 * f->K + 1]);

  square[0] = f->learn[FEN_FOE_SCALE] ? sums[3 * f->K] : 0;
  square[1] = f->learn[FEN_FOE_SCALE] ? f->norm * f->norm : 0;
  for (FenInt k = 0; k < f->K; k++) {
    const double s = f->s[k], nu = f->nu[k], norm = sqrt(f->norms[k]), *sum = sums + 3 * k;
    const double taps = s * (spread * sqrt(sum[0]) + norm * sqrt(sum[2]));
    const double change = s * (2 * spread * norm / nu + third / (nu * nu) * f->norms[k] * patch);
    const double one = s * f->norms[k] / nu;

    square[0] += s * s * f->norms[k] * (f->learn[FEN_FOE_WEIGHTS] ? sum[0] : 0);
    square[0] += s * s * f->norms[k] * (f->learn[FEN_FOE_SMOOTH] ? sum[1] : 0);
    square[0] += f->learn[FEN_FOE_TAPS] ? taps * taps : 0;
    square[1] += one * one * ((f->learn[FEN_FOE_WEIGHTS] ? 1 : 0) + (f->learn[FEN_FOE_SMOOTH] ? 1 : 0));
    square[1] += f->learn[FEN_FOE_TAPS] ? change * change : 0;
  }
}

#define THIRD (1.5 / pow(1.25, 2.5))

PetscErrorCode FenFoeConstantsAt_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], FenBilevelConstants c[])
{
  FenFoe      *f = (FenFoe *)pr->ctx;
  const FenInt one = 3 * f->K + 2;
  double      *sums, square[2];

  PetscFunctionBegin;
  PetscCall(NeedNorms(f));
  PetscCall(PetscMalloc1((size_t)(n * one), &sums));
  for (FenInt k = 0; k < n; k++) {
    if (s)
      PetscCall(FenFoeAt_Private(pr, s[k]));
    PetscCall(PointSums(f, sums + k * one));
  }
  PetscCall(Reduce(pr, n, one, sums));
  for (FenInt k = 0; k < n; k++) {
    Jacobian(f, sums + k * one, THIRD, square);
    c[k].J = sqrt(square[0]) * (1 + 1e-10);
    c[k].jacobian = sqrt(square[1]);
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

/* what does not belong to a point */
PetscErrorCode FenFoeConstants_Private(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  FenFoe *f = (FenFoe *)pr->ctx;
  double  hessian = 0;

  (void)s;
  PetscFunctionBegin;
  PetscCall(NeedNorms(f));
  for (FenInt k = 0; k < f->K; k++)
    hessian += THIRD * f->s[k] / f->nu2[k] * f->norms[k] * PetscMin(NormOne(f, k), sqrt(Copies(f)) * NormTwo(f, k));
  *c = (FenBilevelConstants){.mu = 1,
                             .lipschitz = 1 + f->norm,
                             .hessian = hessian,
                             .inverse = INFINITY,
                             .upper = f->data.weight,
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}
