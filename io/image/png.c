/* SPDX-License-Identifier: BSD-2-Clause */
/*
   PNG images through libpng. libpng reports errors by a long jump; Guarded() is the only place that it lands in. Every
   rank decodes from the beginning up to its last row.
*/
#include "../array/arrayimpl.h"
#include <png.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  FenArray    array;
  FenFault   *fault;
  FILE       *stream;
  FenInt      size; /* of the file */
  png_structp png;
  png_infop   info;
  FenInt      width, height;
  PetscInt    channels, bytes; /* after conversion; bytes of a sample: 1 or 2 */
  PetscBool   interlaced;
  png_bytep   raw; /* one row, or the whole image if interlaced */
  png_bytep  *rows;
  FenInt      next, end; /* rows to read; the last one of the image also ends the file */
} Reader;

static void OnError(png_structp png, png_const_charp message)
{
  Reader *r = (Reader *)png_get_error_ptr(png);

  FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT, "PNG image '%s' is damaged or truncated: %s", r->array->file, message);
  png_longjmp(png, 1);
}

static void OnWarning(png_structp png, png_const_charp message)
{
  (void)png, (void)message; /* about text and colour profiles */
}

/* calls body; an error inside ends it */
static void Guarded(Reader *r, void (*body)(Reader *))
{
  if (r->fault->code || setjmp(png_jmpbuf(r->png)))
    return;
  (*body)(r);
}

/* everything becomes grey or RGB with 8 or 16 bits, with or without alpha */
static void ReadInfo(Reader *r)
{
  int depth, type;

  png_init_io(r->png, r->stream);
  png_read_info(r->png, r->info);
  depth = png_get_bit_depth(r->png, r->info);
  type = png_get_color_type(r->png, r->info);
  if (type == PNG_COLOR_TYPE_PALETTE)
    png_set_palette_to_rgb(r->png);
  else if (type == PNG_COLOR_TYPE_GRAY && depth < 8)
    png_set_expand_gray_1_2_4_to_8(r->png);
  if (png_get_valid(r->png, r->info, PNG_INFO_tRNS))
    png_set_tRNS_to_alpha(r->png);
  r->interlaced = png_set_interlace_handling(r->png) > 1 ? PETSC_TRUE : PETSC_FALSE;
  png_read_update_info(r->png, r->info);
  r->width = png_get_image_width(r->png, r->info);
  r->height = png_get_image_height(r->png, r->info);
  r->channels = png_get_channels(r->png, r->info);
  r->bytes = png_get_bit_depth(r->png, r->info) / 8;
}

static void ReadRow(Reader *r)
{
  if (r->interlaced && r->next == 0)
    png_read_image(r->png, r->rows);
  else if (!r->interlaced)
    png_read_row(r->png, r->raw, NULL);
}

static void ReadEnd(Reader *r)
{
  png_read_end(r->png, NULL);
}

static void Begin(Reader *r)
{
  int fd;

  FenPosixOpenInput_Private(r->array->file, &fd, &r->size, r->fault);
  if (r->fault->code)
    return;
  r->stream = fdopen(fd, "rb");
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, OnError, OnWarning);
  r->info = r->png ? png_create_info_struct(r->png) : NULL;
  if (!r->stream || !r->info)
    FenFaultSet(r->fault, FEN_ERR_INTERNAL, "no memory to read '%s'", r->array->file);
  Guarded(r, ReadInfo);
  /* deflate shrinks at most by 1032: an image that claims more than its file can hold is not worth the memory */
  if (!r->fault->code && r->width * r->channels * r->bytes > 16 * 1032 * r->size / PetscMax(1, r->height) + 1032)
    FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT,
                "PNG image '%s' claims %" FENINT_FMT " x %" FENINT_FMT " pixels in %" FENINT_FMT " bytes",
                r->array->file, r->height, r->width, r->size);
}

static PetscErrorCode End(Reader *r)
{
  PetscFunctionBegin;
  if (r->png)
    png_destroy_read_struct(&r->png, r->info ? &r->info : NULL, NULL);
  if (r->stream)
    (void)fclose(r->stream);
  PetscCall(PetscFree(r->raw));
  PetscCall(PetscFree(r->rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenPNG(FenArray array, PetscInt nshape, const FenInt shape[], FenFault *fault)
{
  Reader r = {.array = array, .fault = fault};

  PetscFunctionBegin;
  (void)nshape, (void)shape; /* checked by FenArrayOpen */
  Begin(&r);
  FenImageShape_Private(&array->head, r.height, r.width, r.channels);
  PetscCall(End(&r));
  PetscFunctionReturn(0);
}

/* the present row as numbers 0..1 */
static void ToNumbers(const Reader *r, double row[])
{
  const png_bytep raw = r->interlaced ? r->rows[r->next] : r->raw;
  const FenInt    n = r->width * r->channels;

  for (FenInt k = 0; k < n; k++)
    row[k] = r->bytes == 1 ? raw[k] / 255. : (256 * raw[2 * k] + raw[2 * k + 1]) / 65535.;
  FenImageCompose_Private(r->width, r->channels, row);
}

static PetscErrorCode ReadPNG(FenArray array, const FenSlab *slab, double out[], FenFault *fault)
{
  Reader  r = {.array = array, .fault = fault, .end = slab->start[0] + slab->count[0]};
  double *row = NULL;

  PetscFunctionBegin;
  Begin(&r);
  if (!fault->code) {
    const size_t width = (size_t)r.width * (size_t)(r.channels * r.bytes);
    PetscCall(PetscMalloc1((size_t)r.width * (size_t)r.channels, &row));
    PetscCall(PetscMalloc1(r.interlaced ? width * (size_t)r.height : width, &r.raw));
    PetscCall(PetscMalloc1(r.interlaced ? (size_t)r.height : 1, &r.rows));
    for (FenInt y = 0; r.interlaced && y < r.height; y++)
      r.rows[y] = r.raw + (size_t)y * width;
  }
  for (r.next = 0; r.next < r.end && !fault->code; r.next++) {
    Guarded(&r, ReadRow);
    if (!fault->code && r.next >= slab->start[0]) {
      ToNumbers(&r, row);
      FenSlabKeepRow_Private(slab, r.next, row, out);
    }
  }
  if (r.end == r.height)
    Guarded(&r, ReadEnd);
  PetscCall(PetscFree(row));
  PetscCall(End(&r));
  PetscFunctionReturn(0);
}

const FenArrayOps FenArrayOps_PNG = {OpenPNG, ReadPNG};
