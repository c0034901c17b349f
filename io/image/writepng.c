/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A distributed picture as PNG with 8 bits: rank 0 gathers one block of rows at a time and hands it to libpng.
*/
#include "../ioimpl.h"
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((FenInt)1 << 20)

typedef struct {
  MPI_Comm      comm;
  PetscMPIInt   rank, size;
  const char   *name;
  char          temp[PETSC_MAX_PATH_LEN];
  FenLayout     grid;
  FenInt        height, width;
  PetscInt      channels;
  const FenBox *boxes; /* of all ranks, on rank 0; of this one otherwise */
  FILE         *stream;
  png_structp   png;
  png_infop     info;
  png_bytep     pixels; /* the block, on rank 0 */
  FenInt        row0, nrows;
  FenFault     *fault;
} Writer;

static void OnError(png_structp png, png_const_charp message)
{
  Writer *w = (Writer *)png_get_error_ptr(png);

  FenFaultSet(w->fault, FEN_ERR_FILE_WRITE, "image '%s' cannot be written: %s (%s)", w->name, message, strerror(errno));
  png_longjmp(png, 1);
}

static void OnWarning(png_structp png, png_const_charp message)
{
  (void)png, (void)message;
}

static void Guarded(Writer *w, void (*body)(Writer *))
{
  if (w->fault->code || setjmp(png_jmpbuf(w->png)))
    return;
  (*body)(w);
}

static void WriteInfo(Writer *w)
{
  png_init_io(w->png, w->stream);
  png_set_IHDR(w->png, w->info, (png_uint_32)w->width, (png_uint_32)w->height, 8,
               w->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(w->png, w->info);
}

static void WriteBlock(Writer *w)
{
  for (FenInt y = 0; y < w->nrows; y++)
    png_write_row(w->png, w->pixels + y * w->width * w->channels);
}

static void WriteEnd(Writer *w)
{
  png_write_end(w->png, w->info);
}

static void Begin(Writer *w)
{
  int fd, err = FenPosixCreateTemp_Private(w->name, w->temp, sizeof(w->temp), &fd);

  if (err) {
    w->temp[0] = 0;
    FenFaultSet(w->fault, FEN_ERR_FILE_WRITE, "image '%s' cannot be written: %s", w->name, strerror(err));
    return;
  }
  w->stream = fdopen(fd, "wb");
  w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, OnError, OnWarning);
  w->info = w->png ? png_create_info_struct(w->png) : NULL;
  if (!w->stream || !w->info)
    FenFaultSet(w->fault, FEN_ERR_INTERNAL, "no memory to write '%s'", w->name);
  Guarded(w, WriteInfo);
}

static void End(Writer *w)
{
  int err = 0;

  Guarded(w, WriteEnd);
  if (w->png)
    png_destroy_write_struct(&w->png, w->info ? &w->info : NULL);
  if (w->stream && !w->fault->code && (fflush(w->stream) || fsync(fileno(w->stream)) < 0))
    err = errno;
  if (w->stream && fclose(w->stream) && !err)
    err = errno;
  if (!w->fault->code && !err)
    err = FenPosixCommit_Private(w->temp, w->name, PETSC_TRUE);
  if (err)
    FenFaultSet(w->fault, FEN_ERR_FILE_WRITE, "image '%s' cannot be written: %s", w->name, strerror(err));
  if (w->fault->code && w->temp[0])
    (void)unlink(w->temp);
}

static png_byte ToByte(double x)
{
  return (png_byte)(x >= 1. ? 255 : x > 0. ? (int)(255. * x + .5) : 0); /* NaN is black */
}

/* the part of a box that lies in the present block */
static PetscBool Cut(const Writer *w, const FenBox *box, FenInt *first, FenInt *end)
{
  *first = PetscMax(box->lo[0], w->row0);
  *end = PetscMin(box->hi[0], w->row0 + w->nrows);
  return *first < *end && box->lo[1] < box->hi[1] ? PETSC_TRUE : PETSC_FALSE;
}

static FenInt MyBytes(const Writer *w, const FenBox *box, const double image[], png_bytep bytes)
{
  const FenInt width = (box->hi[1] - box->lo[1]) * w->channels;
  FenInt       first, end, n;

  if (!Cut(w, box, &first, &end))
    return 0;
  n = (end - first) * width;
  for (FenInt k = 0; k < n; k++)
    bytes[k] = ToByte(image[(first - box->lo[0]) * width + k]);
  return n;
}

static void Place(Writer *w, const FenBox *box, const png_byte bytes[])
{
  const FenInt width = (box->hi[1] - box->lo[1]) * w->channels;
  FenInt       first, end;

  if (!Cut(w, box, &first, &end))
    return;
  for (FenInt y = first; y < end; y++)
    memcpy(w->pixels + ((y - w->row0) * w->width + box->lo[1]) * w->channels, bytes + (y - first) * width,
           (size_t)width);
}

/* rank 0 goes on receiving after a failed write, so that nobody waits */
static PetscErrorCode GatherBlock(Writer *w, const double image[], png_bytep bytes)
{
  const PetscMPIInt tag = 1;
  FenInt            first, end, n;
  PetscMPIInt       count;

  PetscFunctionBegin;
  n = MyBytes(w, w->boxes + (w->rank ? 0 : w->rank), image, bytes);
  if (w->rank) {
    PetscCall(FenMPIIntCast(n, &count));
    if (n)
      PetscCallMPI(MPI_Send(bytes, count, MPI_BYTE, 0, tag, w->comm));
    PetscFunctionReturn(0);
  }
  Place(w, w->boxes, bytes);
  for (PetscMPIInt r = 1; r < w->size; r++) {
    if (!Cut(w, w->boxes + r, &first, &end))
      continue;
    PetscCall(FenMPIIntCast((end - first) * (w->boxes[r].hi[1] - w->boxes[r].lo[1]) * w->channels, &count));
    PetscCallMPI(MPI_Recv(bytes, count, MPI_BYTE, r, tag, w->comm, MPI_STATUS_IGNORE));
    Place(w, w->boxes + r, bytes);
  }
  Guarded(w, WriteBlock);
  PetscFunctionReturn(0);
}

static PetscErrorCode GetBoxes(Writer *w, FenBox boxes[])
{
  PetscFunctionBegin;
  if (w->rank)
    PetscCall(FenLayoutGetBox(w->grid, -1, boxes));
  for (PetscMPIInt r = 0; !w->rank && r < w->size; r++)
    PetscCall(FenLayoutGetBox(w->grid, r, boxes + r));
  w->boxes = boxes;
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteImage(Writer *w, const double image[])
{
  const FenInt block = PetscMax(1, BLOCK_BYTES / (w->width * w->channels));
  FenBox      *boxes;
  png_bytep    bytes;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(w->rank ? 1 : w->size, &boxes));
  PetscCall(PetscMalloc1((size_t)(block * w->width * w->channels), &bytes));
  PetscCall(PetscMalloc1(w->rank ? 1 : (size_t)(block * w->width * w->channels), &w->pixels));
  PetscCall(GetBoxes(w, boxes));
  for (w->row0 = 0; w->row0 < w->height; w->row0 += block) {
    w->nrows = PetscMin(block, w->height - w->row0);
    PetscCall(GatherBlock(w, image, bytes));
  }
  PetscCall(PetscFree(boxes));
  PetscCall(PetscFree(bytes));
  PetscCall(PetscFree(w->pixels));
  PetscFunctionReturn(0);
}

/*@
  FenImageWritePNG - writes a distributed picture as PNG with 8 bits a sample

  Collective

  Input Parameters:
+ comm     - the ranks of the layout
. name     - the file; an earlier one is replaced when the new one is complete
. grid     - layout of height x width
. channels - 1: grey, 3: RGB
- image    - my pixels, 0..1 (cut off outside), channels fastest

  Errors: FEN_ERR_FILE_WRITE, FEN_ERR_SHAPE

  Level: beginner

.seealso: FenArrayRead()
@*/
PetscErrorCode FenImageWritePNG(MPI_Comm comm, const char name[], FenLayout grid, PetscInt channels,
                                const double image[])
{
  FenFault fault = {0};
  Writer   w = {.comm = comm, .name = name, .grid = grid, .channels = channels, .fault = &fault};
  PetscInt dim;
  FenInt   shape[FEN_MAX_DIM];
  double  *natural;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(grid, &dim));
  PetscCall(FenLayoutGetShape(grid, shape));
  PetscCheck(dim == 2 && shape[0] > 0 && shape[1] > 0 && shape[0] < 1000000 && shape[1] < 1000000, comm, FEN_ERR_SHAPE,
             "image '%s': %" PetscInt_FMT " axes, (%" FENINT_FMT ",%" FENINT_FMT
             "); a picture has height and width below 1000000",
             name, dim, shape[0], shape[1]);
  PetscCheck(channels == 1 || channels == 3, comm, FEN_ERR_SHAPE,
             "image '%s': %" PetscInt_FMT " channels, 1 or 3 are supported", name, channels);
  w.height = shape[0];
  w.width = shape[1];
  PetscCallMPI(MPI_Comm_rank(comm, &w.rank));
  PetscCallMPI(MPI_Comm_size(comm, &w.size));
  if (!w.rank)
    Begin(&w);
  PetscCall(FenNaturalBegin_Private(grid, channels, (double *)image, PETSC_TRUE, &natural)); /* only read */
  PetscCall(WriteImage(&w, natural));
  PetscCall(FenNaturalEnd_Private(grid, channels, (double *)image, PETSC_FALSE, &natural));
  if (!w.rank)
    End(&w);
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}
