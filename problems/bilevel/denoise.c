/* SPDX-License-Identifier: BSD-2-Clause */
/* Denoising problems: options of the data, sizes, noise, start, squared error. */
#include "denoiseimpl.h"
#include "imagesimpl.h"
#include <ctype.h>

#define NAMED(option, what)                                                                                            \
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", d->name, what));                                           \
  for (char *c = (option) + 1; *c; c++)                                                                                \
  *c = (char)(*c == '-' ? '_' : *c)

PetscErrorCode FenDenoiseOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenDenoise *d)
{
  char      option[80];
  FenInt    seed = (FenInt)d->seed;
  PetscEnum resize = (PetscEnum)d->resize;

  PetscFunctionBegin;
  NAMED(option, "count");
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, option,
                                        "samples that are used; 0: all, or 4 of the problem's own", 0, 100000000,
                                        &d->count));
  NAMED(option, "crop");
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, option,
                                        "side of the middle that is cut out of every image; 0: nothing is cut", 0,
                                        1000000, &d->crop));
  NAMED(option, "size");
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, option,
                                        "side that images get, and of the problem's own; 0: as they are", 0, 1000000,
                                        &d->length));
  NAMED(option, "resize");
  PetscCall(PetscOptionsEnum(option, "how images get another size: means over pixels, or smoother", "",
                             FenDenoiseResizes, resize, &resize, NULL));
  d->resize = (FenDenoiseResize)resize;
  NAMED(option, "noise");
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option, "standard deviation of the noise", 0, 1e6,
                                         &d->noise));
  NAMED(option, "seed");
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, option, "seed of all that is random", 0,
                                        PETSC_MAX_INT, &seed));
  d->seed = (uint64_t)seed;
  NAMED(option, "noisy");
  PetscCall(PetscOptionsString(option, "noisy images, in the form of -train; none: noise is added",
                               "FenBilevelProblemGenerate", d->noisy, d->noisy, sizeof(d->noisy), NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode OwnShape(FenDenoise *d)
{
  PetscFunctionBegin;
  d->m = d->count ? d->count : 4;
  for (PetscInt a = 0; a < d->dim; a++)
    d->shape[a] = d->length ? d->length : 64;
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseSizes_Private(MPI_Comm comm, FenDenoise *d, const FenBilevelData *data, FenInt least,
                                       FenBilevelSizes *size)
{
  static const char *const names[] = {"psnr", "ssim"};

  PetscFunctionBegin;
  if (!d->m) { /* nobody has said */
    if (data->train && data->train[0])
      PetscCall(FenImagesOpen_Private(comm, d, data));
    else {
      FEN_BILEVEL_CHECK(!d->noisy[0], comm, FEN_ERR_OPTION, "noisy images '%s' without clean ones: -train names these",
                        d->noisy);
      FEN_BILEVEL_CHECK(!d->crop, comm, FEN_ERR_OPTION, "the side of a cut has no meaning without -train");
      PetscCall(OwnShape(d));
    }
  }
  for (PetscInt a = d->dim; a < FEN_DENOISE_AXES; a++)
    d->shape[a] = 1;
  size->samples = d->m;
  size->rows = d->shape[0];
  PetscCall(FenIntMult(d->shape[1], d->shape[2], &size->width));
  size->parts = PetscMax(1, size->rows / least);
  size->nmetrics = 2;
  for (int k = 0; k < 2; k++)
    size->metrics[k] = names[k];
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseSetUp_Private(FenBilevelProblem pr, FenDenoise *d)
{
  PetscFunctionBegin;
  d->mine = pr->part.end - pr->part.start;
  PetscCall(PetscCalloc2((size_t)d->mine, &d->clean, (size_t)d->mine, &d->dirty));
  for (FenInt k = 0; k < d->mine; k++)
    PetscCall(PetscCalloc2((size_t)pr->part.nx, &d->clean[k], (size_t)pr->part.nx, &d->dirty[k]));
  if (d->images)
    PetscCall(FenImagesRead_Private(pr, d));
  else
    PetscCall((*d->make)(pr, d));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseDestroy_Private(FenDenoise *d)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < d->mine; k++)
    PetscCall(PetscFree2(d->clean[k], d->dirty[k]));
  PetscCall(PetscFree2(d->clean, d->dirty));
  d->mine = 0;
  PetscCall(FenImagesClose_Private(&d->images));
  PetscCall(FenImagesClose_Private(&d->noisy_images));
  PetscFunctionReturn(0);
}

void FenDenoiseAddNoise_Private(FenBilevelProblem pr, const FenDenoise *d, FenInt s, const double clean[],
                                double dirty[])
{
  const FenInt width = pr->size.width, first = s * pr->size.rows + pr->part.row0;

  for (FenInt i = 0; i < pr->part.nx; i++)
    dirty[i] = clean[i] + d->noise * FenRandomNormal(d->seed, (uint64_t)(first * width + i), 1 + 2 * pr->set);
}

/* ---- the problem's own arrays: boxes and ellipsoids of several levels on a background ---- */
#define SHAPES 6

static double Draw(const FenDenoise *d, FenInt s, int shape, int what)
{
  return FenRandomUniform(d->seed, (uint64_t)((s * SHAPES + shape) * 16 + what), 2 + 2 * d->set);
}

static double LevelAt(const FenDenoise *d, FenInt s, const double at[FEN_DENOISE_AXES])
{
  double level = 0.2 + 0.6 * Draw(d, s, 0, 15);

  for (int k = 0; k < SHAPES; k++) {
    double most = 0, square = 0;

    for (PetscInt a = 0; a < d->dim; a++) {
      const double away = (at[a] - Draw(d, s, k, (int)a)) / (0.08 + 0.25 * Draw(d, s, k, 4 + (int)a));

      most = PetscMax(most, PetscAbsReal(away));
      square += away * away;
    }
    if ((k % 2 ? square : most) < 1)
      level = Draw(d, s, k, 8);
  }
  return level;
}

PetscErrorCode FenDenoiseMakeShapes_Private(FenBilevelProblem pr, FenDenoise *d)
{
  const FenInt n1 = d->shape[1], n2 = d->shape[2];

  PetscFunctionBegin;
  d->set = pr->set;
  for (FenInt k = 0; k < d->mine; k++) {
    const FenInt s = pr->part.start + k;

    for (FenInt i = 0; i < pr->part.nx; i++) {
      const FenInt at[FEN_DENOISE_AXES] = {pr->part.row0 + i / (n1 * n2), i / n2 % n1, i % n2};
      double       place[FEN_DENOISE_AXES];

      for (int a = 0; a < FEN_DENOISE_AXES; a++)
        place[a] = ((double)at[a] + 0.5) / (double)d->shape[a];
      d->clean[k][i] = LevelAt(d, s, place);
    }
    FenDenoiseAddNoise_Private(pr, d, s, d->clean[k], d->dirty[k]);
  }
  PetscFunctionReturn(0);
}

/* ---- callbacks ---- */
PetscErrorCode FenDenoiseInitial_Private(FenBilevelProblem pr, FenInt s, double x[])
{
  const FenDenoise *d = (const FenDenoise *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(x, d->dirty[s - pr->part.start], pr->part.nx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseData_Private(FenBilevelProblem pr, FenInt s, FenBilevelWhich which, double a[])
{
  const FenDenoise *d = (const FenDenoise *)pr->ctx;
  const FenInt      k = s - pr->part.start;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(a, which == FEN_BILEVEL_OBSERVED ? d->dirty[k] : d->clean[k], pr->part.nx));
  PetscFunctionReturn(0);
}

/* noisy arrays, then clean ones */
PetscErrorCode FenDenoiseFingerprint_Private(FenBilevelProblem pr, FenFingerprint *print)
{
  const FenDenoise *d = (const FenDenoise *)pr->ctx;
  const FenInt      all = pr->size.samples * pr->size.rows * pr->size.width;

  PetscFunctionBegin;
  *print = (FenFingerprint){{0, 0}};
  for (FenInt k = 0; k < d->mine; k++) {
    const FenInt first = ((pr->part.start + k) * pr->size.rows + pr->part.row0) * pr->size.width;

    FenFingerprintDoubles(print, first, pr->part.nx, d->dirty[k]);
    FenFingerprintDoubles(print, all + first, pr->part.nx, d->clean[k]);
  }
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)pr), print));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseUpper_Private(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  const FenDenoise *d = (const FenDenoise *)pr->ctx;
  const double     *clean = d->clean[s - pr->part.start];
  const FenInt      width = pr->size.width;
  FenDD             sum = {0, 0};

  PetscFunctionBegin;
  for (FenInt r = 0; r < pr->part.nx; r += width) {
    double square = 0;

    for (FenInt i = r; i < r + width; i++) {
      const double e = x[i] - clean[i];

      square += e * e;
      if (g)
        g[i] = d->weight * e;
    }
    FenDDAdd(&sum, square);
  }
  *value = d->weight / 2 * (sum.hi + sum.lo);
  PetscFunctionReturn(0);
}

PetscErrorCode FenDenoiseUpperHessian_Private(FenBilevelProblem pr, FenInt s, const double x[], const double v[],
                                              double Gv[])
{
  const FenDenoise *d = (const FenDenoise *)pr->ctx;

  (void)s, (void)x;
  PetscFunctionBegin;
  for (FenInt i = 0; i < pr->part.nx; i++)
    Gv[i] = d->weight * v[i];
  PetscFunctionReturn(0);
}
