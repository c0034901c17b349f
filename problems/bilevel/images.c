/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images of a folder, of one file, or of a stack (HDF5, .npy: samples x axes of a sample): which there are, and what
   shape they get. Only headers are read here, each by one rank.
*/
#include "imagesimpl.h"
#include "imagesfile.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static PetscErrorCode KeepMessage(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                  PetscErrorType type, const char *message, void *ctx)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL)
    FenFaultSet((FenFault *)ctx, (int)code, "%s", message ? message : "no message");
  return code;
}

/* an error of this rank alone becomes a fault */
PetscErrorCode FenImagesTry_Private(PetscErrorCode (*call)(void *), void *ctx, FenFault *fault)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(KeepMessage, fault));
  code = (*call)(ctx);
  PetscCall(PetscPopErrorHandler());
  if (code)
    FenFaultSet(fault, (int)code, "an image cannot be read");
  PetscFunctionReturn(0);
}

static PetscBool IsImageName(const char name[])
{
  static const char *const known[] = {".png", ".pgm", ".ppm", ".pnm", ".pbm"};
  const size_t             n = strlen(name);

  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
    if (n > 4 && !strcasecmp(name + n - 4, known[k]))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

static int NoDots(const struct dirent *entry)
{
  return entry->d_name[0] != '.';
}

/* rank 0: names of the folder's images, FEN_IMAGE_NAME bytes each */
static PetscErrorCode ListFolder(FenImages im, FenFault *fault)
{
  struct dirent **entry = NULL;
  const int       n = scandir(im->path, &entry, NoDots, alphasort);

  PetscFunctionBegin;
  if (n < 0)
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "folder '%s' cannot be read: %s", im->path, strerror(errno));
  else if (!n)
    FenFaultSet(fault, FEN_ERR_FILE_MISSING, "folder '%s' is empty; rule: it holds PNG, PGM or PPM images", im->path);
  im->n = PetscMax(n, 0);
  PetscCall(PetscCalloc1((size_t)(im->n + 1) * FEN_IMAGE_NAME, &im->names));
  for (int k = 0; k < n; k++) {
    if (!IsImageName(entry[k]->d_name))
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                  "'%s/%s' is of an unknown type; rule: a folder of images holds .png, .pgm, .ppm, .pnm and .pbm files",
                  im->path, entry[k]->d_name);
    PetscCall(PetscStrncpy(im->names + (size_t)k * FEN_IMAGE_NAME, entry[k]->d_name, FEN_IMAGE_NAME));
    free(entry[k]);
  }
  free(entry);
  PetscFunctionReturn(0);
}

static PetscErrorCode ShareNames(FenImages im)
{
  PetscMPIInt rank, bytes;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(im->comm, &rank));
  PetscCallMPI(MPI_Bcast(&im->n, 1, MPI_FENINT, 0, im->comm));
  PetscCall(FenMPIIntCast(im->n * FEN_IMAGE_NAME, &bytes));
  if (rank)
    PetscCall(PetscCalloc1((size_t)(im->n + 1) * FEN_IMAGE_NAME, &im->names));
  PetscCallMPI(MPI_Bcast(im->names, bytes, MPI_CHAR, 0, im->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenFolder(FenImages im)
{
  FenFault    fault = {0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(im->comm, &rank));
  if (!rank)
    PetscCall(ListFolder(im, &fault));
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscCall(ShareNames(im));
  PetscFunctionReturn(0);
}

/* one image file, or a stack that stays open */
static PetscErrorCode OpenFile(FenImages im, PetscInt dim)
{
  FenInt       shape[8];
  PetscInt     axes;
  FenArrayKind kind;

  PetscFunctionBegin;
  PetscCall(FenArrayOpen(im->comm, im->path, 0, NULL, &im->stack));
  PetscCall(FenArrayGetKind(im->stack, &kind));
  PetscCall(FenArrayGetShape(im->stack, &axes, shape));
  if (kind == FEN_ARRAY_IMAGE) {
    PetscCall(FenArrayClose(&im->stack));
    im->n = 1;
    PetscFunctionReturn(0);
  }
  FEN_BILEVEL_CHECK(axes == dim + 1, im->comm, FEN_ERR_SHAPE,
                    "'%s' has %" PetscInt_FMT " axes; rule: samples on the first and %" PetscInt_FMT " of a sample",
                    im->path, axes, dim);
  im->n = shape[0];
  FEN_BILEVEL_CHECK(im->n > 0, im->comm, FEN_ERR_FILE_MISSING, "'%s' is empty", im->path);
  for (PetscInt a = 0; a < dim; a++)
    im->shape[a] = shape[a + 1];
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesName_Private(const struct _FenImages *im, FenInt k, char name[], size_t n)
{
  PetscFunctionBegin;
  if (im->stack)
    PetscCall(PetscSNPrintf(name, n, "'%s' sample %" FENINT_FMT, im->path, k));
  else if (im->names)
    PetscCall(PetscSNPrintf(name, n, "'%s/%s'", im->path, im->names + k * FEN_IMAGE_NAME));
  else
    PetscCall(PetscSNPrintf(name, n, "'%s'", im->path));
  PetscFunctionReturn(0);
}

/* shape of what remains of an image after the cut and the average */
static void Shrink(const FenDenoise *d, const char name[], FenInt shape[], FenFault *fault)
{
  for (PetscInt a = 0; a < d->dim; a++) {
    if (d->crop > shape[a])
      FenFaultSet(fault, FEN_ERR_SHAPE,
                  "%s has %" FENINT_FMT " pixels along axis %" PetscInt_FMT ", the middle %" FENINT_FMT
                  " cannot be cut out",
                  name, shape[a], a, d->crop);
    if (d->crop)
      shape[a] = d->crop;
    if (d->length)
      shape[a] = d->length;
  }
}

static PetscErrorCode CheckShape(const FenDenoise *d, const FenImageFile *first, FenImageFile *file, FenFault *fault)
{
  char a[FEN_IMAGE_PATH], b[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  PetscCall(FenImagesName_Private(first->images, first->k, a, sizeof(a)));
  PetscCall(FenImagesName_Private(file->images, file->k, b, sizeof(b)));
  PetscCall(FenImagesTry_Private(FenImageFileShape_Private, file, fault));
  if (!fault->code)
    Shrink(d, b, file->shape, fault);
  if (!fault->code && (file->shape[0] != first->shape[0] || file->shape[1] != first->shape[1]))
    FenFaultSet(fault, FEN_ERR_SHAPE,
                "%s has %" FENINT_FMT " x %" FENINT_FMT " pixels, %s %" FENINT_FMT " x %" FENINT_FMT
                "; rule: images of one set have one size, see the options that cut and average them",
                b, file->shape[0], file->shape[1], a, first->shape[0], first->shape[1]);
  PetscFunctionReturn(0);
}

/* my share of the headers: all shapes must be that of the first image; the fault is that of the first bad image */
static PetscErrorCode CheckShapes(const FenDenoise *d, FenImages im, FenInt n, FenFault *fault)
{
  PetscMPIInt  rank, size;
  FenImageFile first = {.images = im}, other = {.images = im};
  FenFault     none = {0};
  FenInt       bad = PETSC_MAX_INT, least;
  char         name[FEN_IMAGE_PATH];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(im->comm, &rank));
  PetscCallMPI(MPI_Comm_size(im->comm, &size));
  PetscCall(FenImagesTry_Private(FenImageFileShape_Private, &first, fault));
  PetscCall(FenImagesName_Private(im, 0, name, sizeof(name)));
  if (!fault->code)
    Shrink(d, name, first.shape, fault);
  for (FenInt k = rank; k < n && !fault->code; k += size) {
    other.k = k;
    PetscCall(CheckShape(d, &first, &other, fault));
    if (fault->code)
      bad = k;
  }
  PetscCallMPI(MPI_Allreduce(&bad, &least, 1, MPI_FENINT, MPI_MIN, im->comm));
  if (fault->code && bad != least)
    *fault = none;
  im->shape[0] = first.shape[0];
  im->shape[1] = first.shape[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode IsFolder(MPI_Comm comm, const char path[], PetscBool *folder)
{
  struct stat st;
  PetscMPIInt rank;
  int         is = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank)
    is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  PetscCallMPI(MPI_Bcast(&is, 1, MPI_INT, 0, comm));
  *folder = is ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* n: images that will be used; 0: all */
static PetscErrorCode Open(FenDenoise *d, FenImages im, FenInt n)
{
  FenFault  fault = {0};
  PetscBool folder = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(IsFolder(im->comm, im->path, &folder));
  if (folder)
    PetscCall(OpenFolder(im));
  else
    PetscCall(OpenFile(im, d->dim));
  FEN_BILEVEL_CHECK(im->stack || d->dim == 2, im->comm, FEN_ERR_SHAPE,
                    "'%s' holds images, samples of %" PetscInt_FMT " axes are wanted: these come as a stack", im->path,
                    d->dim);
  FEN_BILEVEL_CHECK(n <= im->n, im->comm, FEN_ERR_SHAPE, "'%s' has %" FENINT_FMT " images, %" FENINT_FMT " are wanted",
                    im->path, im->n, n);
  if (im->stack)
    Shrink(d, im->path, im->shape, &fault);
  else
    PetscCall(CheckShapes(d, im, n ? n : im->n, &fault));
  PetscCall(FenFaultAgree(im->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenNew(MPI_Comm comm, FenDenoise *d, const char path[], FenInt n, struct _FenImages **images)
{
  FenImages      im;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(PetscNew(&im));
  PetscCallMPI(MPI_Comm_dup(comm, &im->comm));
  PetscCall(PetscStrncpy(im->path, path, sizeof(im->path)));
  code = Open(d, im, n);
  if (code)
    PetscCall(FenImagesClose_Private(&im));
  *images = im;
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenNoisy(MPI_Comm comm, FenDenoise *d)
{
  const struct _FenImages *clean = d->images, *noisy;
  PetscBool                same;

  PetscFunctionBegin;
  PetscCall(OpenNew(comm, d, d->noisy, d->count, &d->noisy_images));
  noisy = d->noisy_images;
  PetscCall(PetscArraycmp(noisy->shape, clean->shape, d->dim, &same));
  FEN_BILEVEL_CHECK(noisy->n == clean->n, comm, FEN_ERR_SHAPE,
                    "'%s' has %" FENINT_FMT " images, '%s' %" FENINT_FMT "; rule: a noisy one for every clean one",
                    noisy->path, noisy->n, clean->path, clean->n);
  FEN_BILEVEL_CHECK(same, comm, FEN_ERR_SHAPE,
                    "images in '%s' are of another size than those in '%s'; rule: noisy and clean ones are alike",
                    noisy->path, clean->path);
  PetscFunctionReturn(0);
}

/* read by another problem later: what is wrong there is said now */
static PetscErrorCode LookAtValidation(MPI_Comm comm, FenDenoise *d, const char path[])
{
  struct _FenImages *valid = NULL;
  PetscErrorCode     code;

  PetscFunctionBegin;
  PetscCall(OpenNew(comm, d, path, d->count, &valid));
  code = FenImagesLook_Private(d, valid, d->count ? d->count : valid->n);
  PetscCall(FenImagesClose_Private(&valid));
  PetscCall(code);
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesOpen_Private(MPI_Comm comm, FenDenoise *d, const FenBilevelData *data)
{
  PetscFunctionBegin;
  PetscCall(OpenNew(comm, d, data->train, d->count, &d->images));
  if (d->noisy[0])
    PetscCall(OpenNoisy(comm, d));
  if (data->valid && data->valid[0])
    PetscCall(LookAtValidation(comm, d, data->valid));
  d->m = d->count ? d->count : d->images->n;
  PetscCall(PetscArraycpy(d->shape, d->images->shape, d->dim));
  PetscFunctionReturn(0);
}

PetscErrorCode FenImagesClose_Private(struct _FenImages **images)
{
  FenImages im = *images;

  PetscFunctionBegin;
  if (!im)
    PetscFunctionReturn(0);
  if (im->stack)
    PetscCall(FenArrayClose(&im->stack));
  PetscCall(PetscFree(im->names));
  PetscCallMPI(MPI_Comm_free(&im->comm));
  PetscCall(PetscFree(im));
  *images = NULL;
  PetscFunctionReturn(0);
}
