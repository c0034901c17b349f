/* SPDX-License-Identifier: BSD-2-Clause */
/*
   PBM, PGM, PPM and PAM images through libnetpbm, whose errors end the program unless it is given a place to jump to.
   Every rank decodes from the beginning up to its last row.
*/
#include "../array/arrayimpl.h"
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <pam.h>

typedef struct {
  FenArray   array;
  FenFault  *fault;
  FILE      *stream;
  FenInt     size; /* of the file */
  struct pam pam;
  tuple     *row;
} Reader;

static Reader *active = NULL; /* libnetpbm's message function has no context */

static void OnError(const char *message)
{
  if (active)
    FenFaultSet(active->fault, FEN_ERR_FILE_FORMAT, "image '%s' is damaged or truncated: %.*s", active->array->file,
                (int)strcspn(message, "\n"), message);
}

static void OnMessage(const char *message)
{
  (void)message;
}

/* calls body; an error inside ends it */
static void Guarded(Reader *r, void (*body)(Reader *))
{
  jmp_buf here, *before;

  if (r->fault->code)
    return;
  active = r;
  pm_setusererrormsgfn(OnError);
  pm_setusermessagefn(OnMessage);
  pm_setjmpbufsave(&here, &before);
  if (!setjmp(here))
    (*body)(r);
  else
    FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT, "image '%s' is damaged or truncated", r->array->file);
  pm_setjmpbuf(before);
  pm_setusererrormsgfn(NULL);
  pm_setusermessagefn(NULL);
  active = NULL;
}

static void ReadInfo(Reader *r)
{
  pnm_readpaminit(r->stream, &r->pam, PAM_STRUCT_SIZE(tuple_type));
}

static void Allocate(Reader *r)
{
  r->row = pnm_allocpamrow(&r->pam);
}

static void ReadRow(Reader *r)
{
  pnm_readpamrow(&r->pam, r->row);
}

/* the fewest bytes that this image can have: plain types have a digit a sample at least */
static FenInt LeastBytes(const struct pam *pam)
{
  if (pam->format == RPBM_FORMAT)
    return ((FenInt)pam->width + 7) / 8 * pam->height;
  return (FenInt)pam->width * pam->height * pam->depth * (pam->plainformat ? 1 : (FenInt)pam->bytes_per_sample);
}

static void Begin(Reader *r)
{
  int fd;

  FenPosixOpenInput_Private(r->array->file, &fd, &r->size, r->fault);
  if (r->fault->code)
    return;
  r->stream = fdopen(fd, "rb");
  if (!r->stream)
    FenFaultSet(r->fault, FEN_ERR_INTERNAL, "no memory to read '%s'", r->array->file);
  Guarded(r, ReadInfo);
  if (r->fault->code)
    return;
  if (r->pam.depth < 1 || r->pam.depth > 4)
    FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT, "image '%s' has %u channels, 1 to 4 are supported", r->array->file,
                r->pam.depth);
  else if (r->pam.width > (1 << 28) || r->pam.height > (1 << 28) || LeastBytes(&r->pam) > r->size)
    FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT,
                "image '%s' is truncated: %d x %d pixels do not fit into %" FENINT_FMT " bytes", r->array->file,
                r->pam.height, r->pam.width, r->size);
}

static void End(Reader *r)
{
  if (r->row)
    pnm_freepamrow(r->row);
  if (r->stream)
    (void)fclose(r->stream);
}

static PetscErrorCode OpenPNM(FenArray array, PetscInt nshape, const FenInt shape[], FenFault *fault)
{
  Reader r = {.array = array, .fault = fault};

  PetscFunctionBegin;
  (void)nshape, (void)shape; /* checked by FenArrayOpen */
  Begin(&r);
  FenImageShape_Private(&array->head, r.pam.height, r.pam.width, (PetscInt)r.pam.depth);
  End(&r);
  PetscFunctionReturn(0);
}

static void ToNumbers(const Reader *r, double row[])
{
  const double scale = (double)r->pam.maxval;

  for (int x = 0; x < r->pam.width; x++)
    for (unsigned c = 0; c < r->pam.depth; c++)
      row[(FenInt)x * r->pam.depth + c] = (double)r->row[x][c] / scale;
  FenImageCompose_Private(r->pam.width, (PetscInt)r->pam.depth, row);
}

static PetscErrorCode ReadPNM(FenArray array, const FenSlab *slab, double out[], FenFault *fault)
{
  Reader       r = {.array = array, .fault = fault};
  const FenInt end = slab->start[0] + slab->count[0];
  double      *row = NULL;

  PetscFunctionBegin;
  Begin(&r);
  Guarded(&r, Allocate);
  if (!fault->code)
    PetscCall(PetscMalloc1((size_t)r.pam.width * r.pam.depth, &row));
  for (FenInt y = 0; y < end && !fault->code; y++) {
    Guarded(&r, ReadRow);
    if (!fault->code && y >= slab->start[0]) {
      ToNumbers(&r, row);
      FenSlabKeepRow_Private(slab, y, row, out);
    }
  }
  PetscCall(PetscFree(row));
  End(&r);
  PetscFunctionReturn(0);
}

const FenArrayOps FenArrayOps_PNM = {OpenPNM, ReadPNM};
