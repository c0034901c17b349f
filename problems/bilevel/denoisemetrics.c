/* SPDX-License-Identifier: BSD-2-Clause */
/*
   How good a denoised array is, values taken as 0..1: PSNR = -10 log10 of the mean squared error; SSIM (Wang, Bovik,
   Sheikh and Simoncelli, IEEE Trans. Image Process. 13, 2004) with flat windows of side 7, sample covariances,
   K1 = 0.01, K2 = 0.03, mean over the windows that lie inside.
*/
#include "denoiseimpl.h"
#include <math.h>

#define HALF 3

typedef struct {
  const double *x, *y; /* rows from mine on, halo in place */
  FenInt        shape[FEN_DENOISE_AXES], row0;
  FenInt        half[FEN_DENOISE_AXES]; /* of a window along each axis */
} Windows;

static double Similarity(double n, double x, double y, double xx, double yy, double xy)
{
  const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03, unbiased = n > 1 ? n / (n - 1) : 1;

  x /= n;
  y /= n;
  xx = unbiased * (xx / n - x * x);
  yy = unbiased * (yy / n - y * y);
  xy = unbiased * (xy / n - x * y);
  return (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2));
}

/* of the window around pixel (i, j, k), i a row of my slab */
static double Window(const Windows *w, FenInt i, FenInt j, FenInt k)
{
  const FenInt n1 = w->shape[1], n2 = w->shape[2];
  double       n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;

  for (FenInt a = i - w->half[0]; a <= i + w->half[0]; a++)
    for (FenInt b = j - w->half[1]; b <= j + w->half[1]; b++)
      for (FenInt c = k - w->half[2]; c <= k + w->half[2]; c++) {
        const FenInt at = (a * n1 + b) * n2 + c;
        const double u = w->x[at], v = w->y[at];

        n++;
        x += u;
        y += v;
        xx += u * u;
        yy += v * v;
        xy += u * v;
      }
  return Similarity(n, x, y, xx, yy, xy);
}

/* sum over the windows around my rows, and their number */
static void Similarities(const Windows *w, FenInt rows, double sums[2])
{
  FenDD sum = {0, 0};

  sums[1] = 0;
  for (FenInt i = 0; i < rows; i++) {
    if (w->row0 + i < w->half[0] || w->row0 + i >= w->shape[0] - w->half[0])
      continue;
    for (FenInt j = w->half[1]; j < w->shape[1] - w->half[1]; j++)
      for (FenInt k = w->half[2]; k < w->shape[2] - w->half[2]; k++) {
        FenDDAdd(&sum, Window(w, i, j, k));
        sums[1]++;
      }
  }
  sums[0] = sum.hi + sum.lo;
}

/* slabs have at least HALF rows, see FenDenoiseSizes_Private */
static PetscErrorCode Structure(FenBilevelProblem pr, FenDenoise *d, FenInt s, const double x[], double sums[2])
{
  Windows             w = {.row0 = pr->part.row0};
  const double *const both[2] = {x, d->clean[s - pr->part.start]};
  const double       *rows[2];
  FenHalo             halo;
  FenInt              half = HALF;

  PetscFunctionBegin;
  for (PetscInt a = 0; a < FEN_DENOISE_AXES; a++) {
    w.shape[a] = d->shape[a];
    if (a < d->dim)
      half = PetscMin(half, (d->shape[a] - 1) / 2);
  }
  for (PetscInt a = 0; a < d->dim; a++)
    w.half[a] = half;
  PetscCall(FenHaloCreate_Private(pr, pr->size.width, HALF, &halo));
  PetscCall(FenHaloTogether_Private(&halo, 2));
  PetscCall(FenHaloBegin_Private(&halo, 2, both));
  PetscCall(FenHaloEnd_Private(&halo, 2, both, rows));
  w.x = rows[0];
  w.y = rows[1];
  Similarities(&w, pr->part.row1 - pr->part.row0, sums);
  PetscCall(FenHaloDestroy_Private(&halo));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseMetrics_Private(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  FenDenoise *d = (FenDenoise *)pr->ctx;
  double      sums[3];

  PetscFunctionBegin;
  PetscCall(FenDenoiseUpper_Private(pr, s, x, &sums[0], NULL));
  PetscCall(Structure(pr, d, s, x, sums + 1));
  PetscCall(FenBilevelTeamSum_Private(pr, 3, sums));
  sums[0] *= 2 / d->weight / (double)(pr->size.rows * pr->size.width);
  values[0] = -10 * log10(sums[0]);
  values[1] = sums[1] / sums[2];
  PetscFunctionReturn(0);
}
