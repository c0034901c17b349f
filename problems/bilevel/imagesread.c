/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images read by the ranks of the team that has them: a rank holds one whole image at a time and keeps its rows of it.
   Colours become grey by .299, .587, .114 (ITU-R BT.601, as in the published experiments).
*/
#include "imagesfile.h"
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
    PetscCall(FenImageResize_Private(d, n, pixels));
  PetscCall(PetscArraycpy(mine, *pixels + pr->part.row0 * pr->size.width, pr->part.nx));
  PetscFunctionReturn(0);
}

/* `mine` samples from `start` on; out: my rows of each, NULL: they are only looked at */
typedef struct {
  FenInt   start, mine;
  double **out;
} Wanted;

static PetscErrorCode ReadFiles(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im,
                                const Wanted *want)
{
  FenFault fault = {0};
  char     name[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  for (FenInt k = 0; k < want->mine && !fault.code; k++) {
    FenImageFile f = {.images = im, .k = want->start + k};
    FenInt       n[FEN_DENOISE_AXES];

    PetscCall(FenImagesName_Private(im, f.k, name, sizeof(name)));
    PetscCall(FenImagesTry_Private(FenImageFileRead_Private, &f, &fault));
    n[0] = f.shape[0];
    n[1] = f.shape[1];
    n[2] = 1;
    if (!fault.code)
      CheckFinite(d, name, n, f.grey, &fault);
    if (pr && !fault.code && want->out)
      PetscCall(Keep(pr, d, n, &f.grey, want->out[k]));
    PetscCall(PetscFree(f.grey));
  }
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscFunctionReturn(0);
}

/* reading is collective: teams with fewer samples take part with none */
static PetscErrorCode ReadStack(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im,
                                const Wanted *want)
{
  FenFault fault = {0};
  FenInt   most, n[8], size = 1;
  PetscInt axes;
  char     name[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&want->mine, &most, 1, MPI_FENINT, MPI_MAX, im->comm));
  PetscCall(FenArrayGetShape(im->stack, &axes, n));
  for (PetscInt a = 1; a < axes; a++)
    PetscCall(FenIntMult(size, n[a], &size));
  for (FenInt k = 0; k < most; k++) {
    const FenInt s = want->start + k;
    FenInt       shape[FEN_DENOISE_AXES] = {1, 1, 1};
    double      *pixels;

    for (PetscInt a = 1; a < axes; a++)
      shape[a - 1] = n[a];
    PetscCall(PetscMalloc1((size_t)size, &pixels));
    PetscCall(FenArrayReadRows(im->stack, k < want->mine ? s : 0, k < want->mine, pixels));
    PetscCall(FenImagesName_Private(im, s, name, sizeof(name)));
    if (k < want->mine)
      CheckFinite(d, name, shape, pixels, &fault);
    if (pr && k < want->mine && want->out)
      PetscCall(Keep(pr, d, shape, &pixels, want->out[k]));
    PetscCall(PetscFree(pixels));
  }
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode Read(FenBilevelProblem pr, const FenDenoise *d, const struct _FenImages *im, const Wanted *want)
{
  PetscFunctionBegin;
  if (im->stack)
    PetscCall(ReadStack(pr, d, im, want));
  else
    PetscCall(ReadFiles(pr, d, im, want));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesRead_Private(FenBilevelProblem pr, FenDenoise *d)
{
  PetscFunctionBegin;
  PetscCall(Read(pr, d, d->images, &(Wanted){pr->part.start, d->mine, d->clean}));
  if (d->noisy_images)
    PetscCall(Read(pr, d, d->noisy_images, &(Wanted){pr->part.start, d->mine, d->dirty}));
  for (FenInt k = 0; k < d->mine && !d->noisy_images; k++)
    FenDenoiseAddNoise_Private(pr, d, pr->part.start + k, d->clean[k], d->dirty[k]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesLook_Private(const FenDenoise *d, const struct _FenImages *im, FenInt n)
{
  PetscMPIInt rank, size;
  FenInt      start, end;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(im->comm, &rank));
  PetscCallMPI(MPI_Comm_size(im->comm, &size));
  start = n / size * rank + PetscMin(n % size, rank);
  end = start + n / size + (rank < n % size ? 1 : 0);
  PetscCall(Read(NULL, d, im, &(Wanted){start, end - start, NULL}));
  PetscFunctionReturn(0);
}
