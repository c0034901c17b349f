/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images read by the ranks of the team that has them: a rank holds one whole image at a time and keeps its rows of it.
   Colours become grey by .299, .587, .114 (ITU-R BT.601, as in the published experiments).
*/
#include "imagesfile.h"
#include "../ot/measureimpl.h"
#include <math.h>

static PetscErrorCode OpenOne(FenImageFile *f, FenArray *array, PetscInt *axes)
{
  const struct _FenImages *im = f->images;
  char                     path[FEN_IMAGE_PATH];
  FenInt                   shape[8];
  FenArrayKind             kind;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s%s%s", im->path, im->names ? "/" : "",
                          im->names ? im->names + f->k * FEN_IMAGE_NAME : ""));
  PetscCall(FenArrayOpen(PETSC_COMM_SELF, path, 0, NULL, array));
  PetscCall(FenArrayGetKind(*array, &kind));
  PetscCall(FenArrayGetShape(*array, axes, shape));
  f->shape[0] = shape[0];
  f->shape[1] = shape[1];
  if (kind != FEN_ARRAY_IMAGE) {
    PetscCall(FenArrayClose(array));
    SETERRQ(PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_FILE_FORMAT, "'%s' is not an image, whatever its name says", path);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenImageFileShape_Private(void *file)
{
  FenArray array;
  PetscInt axes;

  PetscFunctionBegin;
  PetscCall(OpenOne((FenImageFile *)file, &array, &axes));
  PetscCall(FenArrayClose(&array));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadGrey(FenImageFile *f, FenArray array, PetscInt axes)
{
  const FenInt pixels = f->shape[0] * f->shape[1];
  double      *colour = f->grey;

  PetscFunctionBegin;
  if (axes == 3)
    PetscCall(PetscMalloc1((size_t)(3 * pixels), &colour));
  PetscCall(FenArrayReadRows(array, 0, f->shape[0], colour));
  for (FenInt i = 0; i < pixels && axes == 3; i++)
    f->grey[i] = .299 * colour[3 * i] + .587 * colour[3 * i + 1] + .114 * colour[3 * i + 2];
  if (axes == 3)
    PetscCall(PetscFree(colour));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImageFileRead_Private(void *file)
{
  FenImageFile  *f = (FenImageFile *)file;
  FenArray       array;
  PetscInt       axes;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(OpenOne(f, &array, &axes));
  PetscCall(PetscMalloc1((size_t)(f->shape[0] * f->shape[1]), &f->grey));
  code = ReadGrey(f, array, axes);
  PetscCall(FenArrayClose(&array));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* the middle, in place */
static void Cut(const FenDenoise *d, FenInt n[], double pixels[])
{
  FenInt to = 0, first[FEN_DENOISE_AXES] = {0}, count[FEN_DENOISE_AXES] = {1, 1, 1};

  for (PetscInt a = 0; a < d->dim; a++) {
    count[a] = d->crop;
    first[a] = (n[a] - d->crop) / 2;
  }
  for (FenInt i = 0; i < count[0]; i++)
    for (FenInt j = 0; j < count[1]; j++)
      for (FenInt k = 0; k < count[2]; k++)
        pixels[to++] = pixels[((first[0] + i) * n[1] + first[1] + j) * n[2] + first[2] + k];
  for (PetscInt a = 0; a < d->dim; a++)
    n[a] = d->crop;
}

/* n[0] x n[1] pixels (of ncomp numbers) averaged to N[0] x N[1] */
static PetscErrorCode Average(const FenInt n[2], const FenInt N[2], PetscInt ncomp, const double old[],
                              double resized[])
{
  FenLayout from, to;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateGrid(PETSC_COMM_SELF, 2, n, NULL, &from));
  PetscCall(FenLayoutCreateGrid(PETSC_COMM_SELF, 2, N, NULL, &to));
  PetscCall(FenResizeImage_Private(from, to, ncomp, old, resized));
  PetscCall(FenLayoutDestroy(&from));
  PetscCall(FenLayoutDestroy(&to));
  PetscFunctionReturn(0);
}

/* axes 1 and 2 of every plane, then axis 0; an array with fewer axes has ones for the others */
static PetscErrorCode Resize(const FenDenoise *d, const FenInt n[], double **pixels)
{
  const FenInt *N = d->shape, planes = n[1] * n[2], kept = N[1] * N[2];
  const FenInt  tall[2] = {n[0], 1}, low[2] = {N[0], 1};
  PetscInt      components;
  double       *flat, *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(n[0] * kept), &flat));
  for (FenInt i = 0; i < n[0]; i++)
    PetscCall(Average(n + 1, N + 1, 1, *pixels + i * planes, flat + i * kept));
  PetscCall(FenIntCast(kept, &components));
  PetscCall(PetscMalloc1((size_t)(N[0] * kept), &all));
  PetscCall(Average(tall, low, components, flat, all));
  PetscCall(PetscFree(flat));
  PetscCall(PetscFree(*pixels));
  *pixels = all;
  PetscFunctionReturn(0);
}

static void CheckFinite(const FenDenoise *d, const char name[], const FenInt n[], const double pixels[],
                        FenFault *fault)
{
  for (FenInt i = 0; i < n[0] * n[1] * n[2] && !fault->code; i++) {
    const FenInt at[] = {i / (n[1] * n[2]), i / n[2] % n[1], i % n[2]};

    if (isfinite(pixels[i]))
      continue;
    if (d->dim == 2)
      FenFaultSet(fault, FEN_ERR_VALUE, "%s pixel [%" FENINT_FMT ",%" FENINT_FMT "] is %g; rule: finite", name, at[0],
                  at[1], pixels[i]);
    else
      FenFaultSet(fault, FEN_ERR_VALUE, "%s entry %" FENINT_FMT " is %g; rule: finite", name, i, pixels[i]);
  }
}

/* a whole image becomes my rows of what is used of it */
static PetscErrorCode Keep(FenBilevelProblem pr, const FenDenoise *d, FenInt n[], double **pixels, double mine[])
{
  PetscBool same = PETSC_TRUE;

  PetscFunctionBegin;
  if (d->crop)
    Cut(d, n, *pixels);
  for (PetscInt a = 0; a < d->dim; a++)
    if (n[a] != d->shape[a])
      same = PETSC_FALSE;
  if (!same)
    PetscCall(Resize(d, n, pixels));
  PetscCall(PetscArraycpy(mine, *pixels + pr->part.row0 * pr->size.width, pr->part.nx));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadFiles(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im, double **out)
{
  FenFault fault = {0};
  char     name[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  for (FenInt k = 0; k < d->mine && !fault.code; k++) {
    FenImageFile f = {.images = im, .k = pr->part.start + k};
    FenInt       n[FEN_DENOISE_AXES];

    PetscCall(FenImagesName_Private(im, f.k, name, sizeof(name)));
    PetscCall(FenImagesTry_Private(FenImageFileRead_Private, &f, &fault));
    n[0] = f.shape[0];
    n[1] = f.shape[1];
    n[2] = 1;
    if (!fault.code)
      CheckFinite(d, name, n, f.grey, &fault);
    if (!fault.code)
      PetscCall(Keep(pr, d, n, &f.grey, out[k]));
    PetscCall(PetscFree(f.grey));
  }
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscFunctionReturn(0);
}

/* reading is collective: teams with fewer samples take part with none */
static PetscErrorCode ReadStack(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im, double **out)
{
  FenFault fault = {0};
  FenInt   most, n[8], size = 1;
  PetscInt axes;
  char     name[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&d->mine, &most, 1, MPI_FENINT, MPI_MAX, im->comm));
  PetscCall(FenArrayGetShape(im->stack, &axes, n));
  for (PetscInt a = 1; a < axes; a++)
    PetscCall(FenIntMult(size, n[a], &size));
  for (FenInt k = 0; k < most; k++) {
    const FenInt s = pr->part.start + k;
    FenInt       shape[FEN_DENOISE_AXES] = {1, 1, 1};
    double      *pixels;

    for (PetscInt a = 1; a < axes; a++)
      shape[a - 1] = n[a];
    PetscCall(PetscMalloc1((size_t)size, &pixels));
    PetscCall(FenArrayReadRows(im->stack, k < d->mine ? s : 0, k < d->mine, pixels));
    PetscCall(FenImagesName_Private(im, s, name, sizeof(name)));
    if (k < d->mine)
      CheckFinite(d, name, shape, pixels, &fault);
    if (k < d->mine)
      PetscCall(Keep(pr, d, shape, &pixels, out[k]));
    PetscCall(PetscFree(pixels));
  }
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode Read(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im, double **out)
{
  PetscFunctionBegin;
  if (im->stack)
    PetscCall(ReadStack(pr, d, im, out));
  else
    PetscCall(ReadFiles(pr, d, im, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesRead_Private(FenBilevelProblem pr, FenDenoise *d)
{
  PetscFunctionBegin;
  PetscCall(Read(pr, d, d->images, d->clean));
  if (d->noisy_images)
    PetscCall(Read(pr, d, d->noisy_images, d->dirty));
  for (FenInt k = 0; k < d->mine && !d->noisy_images; k++)
    FenDenoiseAddNoise_Private(pr, d, pr->part.start + k, d->clean[k], d->dirty[k]);
  PetscFunctionReturn(0);
}
