/* SPDX-License-Identifier: BSD-2-Clause */
/*
   My bytes of a data set, between memory and its place in the file. Nothing here is collective.
*/
#include "ckptimpl.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct {
  int       fd, err;
  PetscBool write;
  FenInt    offset; /* of the data set */
  char     *memory; /* of my part */
} Transfer;

/* all elements are 8 bytes */
static void Move(Transfer *t, FenInt file_start, FenInt memory_start, FenInt n)
{
  const off_t at = (off_t)(t->offset + 8 * file_start);

  if (t->err || !n)
    return;
  if (t->write)
    t->err = FenPosixWrite_Private(t->fd, t->memory + 8 * memory_start, (size_t)(8 * n), at);
  else
    t->err = FenPosixRead_Private(t->fd, t->memory + 8 * memory_start, (size_t)(8 * n), at);
}

static PetscErrorCode MoveRun(void *ctx, FenInt file_start, FenInt box_start, FenInt n)
{
  Move((Transfer *)ctx, file_start, box_start, n);
  return 0;
}

static PetscErrorCode MoveArray(Transfer *t, const FenStateEntry *entry, const FenCkptData *data)
{
  const PetscInt ncomp = PetscMax(entry->ncomp, 1);
  double        *natural;
  FenSlab        slab;

  PetscFunctionBegin;
  PetscCall(FenNaturalBegin_Private(entry->layout, ncomp, (double *)entry->data, t->write, &natural));
  PetscCall(FenSlabFromLayout_Private(entry->layout, data->rank, data->shape, &slab));
  t->memory = (char *)natural;
  PetscCall(FenSlabRuns_Private(&slab, MoveRun, t));
  PetscCall(FenNaturalEnd_Private(entry->layout, ncomp, (double *)entry->data, t->write ? PETSC_FALSE : PETSC_TRUE,
                                  &natural));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteCSR(Transfer *t, const FenStateEntry *entry, const FenCkptItem *item)
{
  const FenSparse *matrix = (const FenSparse *)entry->data;
  FenInt           start, end, *ptr, base, mine;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(entry->layout, &start, &end));
  PetscCall(PetscCalloc1((size_t)(end - start) + 1, &ptr));
  base = matrix->ptr ? matrix->ptr[0] : 0;
  for (FenInt i = 0; i <= end - start; i++)
    ptr[i] = item->first + (matrix->ptr ? matrix->ptr[i] - base : 0);
  mine = ptr[end - start] - item->first;
  t->offset = item->data[0].offset;
  t->memory = (char *)ptr;
  Move(t, start, 0, end - start + 1); /* the last one is the next rank's first: both write the same */
  t->offset = item->data[1].offset;
  t->memory = (char *)(matrix->idx + base);
  Move(t, item->first, 0, mine);
  t->offset = item->data[2].offset;
  t->memory = (char *)(matrix->val + base);
  Move(t, item->first, 0, mine);
  PetscCall(PetscFree(ptr));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadCSR(Transfer *t, const FenStateEntry *entry, const FenCkptItem *item)
{
  FenSparse   *matrix = (FenSparse *)entry->data;
  const FenInt nnz = item->data[1].shape[0];
  FenInt       start, end, first, mine;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(entry->layout, &start, &end));
  PetscCall(PetscFree(matrix->ptr));
  PetscCall(PetscFree(matrix->idx));
  PetscCall(PetscFree(matrix->val));
  PetscCall(PetscCalloc1((size_t)(end - start) + 1, &matrix->ptr));
  t->offset = item->data[0].offset;
  t->memory = (char *)matrix->ptr;
  Move(t, start, 0, end - start + 1);
  first = matrix->ptr[0];
  for (FenInt i = 0; i < end - start && !t->err; i++)
    if (first < 0 || matrix->ptr[i] > matrix->ptr[i + 1] || matrix->ptr[i + 1] > nnz)
      t->err = EBADMSG;
  mine = t->err ? 0 : matrix->ptr[end - start] - first;
  PetscCall(PetscMalloc1((size_t)mine, &matrix->idx));
  PetscCall(PetscMalloc1((size_t)mine, &matrix->val));
  t->offset = item->data[1].offset;
  t->memory = (char *)matrix->idx;
  Move(t, first, 0, mine);
  t->offset = item->data[2].offset;
  t->memory = (char *)matrix->val;
  Move(t, first, 0, mine);
  for (FenInt i = end - start; i >= 0; i--)
    matrix->ptr[i] = t->err ? 0 : matrix->ptr[i] - first;
  PetscFunctionReturn(0);
}

/* the table gets the file's rows; its columns were compared before */
static PetscErrorCode PrepareLog(FenLog *log, const FenCkptData *data)
{
  PetscFunctionBegin;
  PetscCall(FenLogReset(log));
  log->nrows = log->capacity = data->shape[0];
  PetscCall(PetscMalloc1((size_t)FenCkptElements_Private(data), &log->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCkptTransfer_Private(const FenStateEntry *entry, const FenCkptItem *item, PetscMPIInt rank, int fd,
                                       PetscBool write, int *err)
{
  Transfer t = {.fd = fd, .write = write, .offset = item->data[0].offset, .memory = (char *)entry->data};

  PetscFunctionBegin;
  switch (entry->kind) {
  case FEN_STATE_ARRAY:
    PetscCall(MoveArray(&t, entry, &item->data[0]));
    break;
  case FEN_STATE_CSR:
    PetscCall(write ? WriteCSR(&t, entry, item) : ReadCSR(&t, entry, item));
    break;
  case FEN_STATE_LOG:
    if (!write)
      PetscCall(PrepareLog((FenLog *)entry->data, &item->data[0]));
    t.memory = (char *)((FenLog *)entry->data)->data; /* and as the numbers are */
    /* fall through */
  default: /* the same on all ranks: rank 0 writes, all read */
    if (!write || !rank)
      Move(&t, 0, 0, FenCkptElements_Private(&item->data[0]));
  }
  *err = t.err;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCkptHashFile_Private(const char file[], PetscMPIInt rank, PetscMPIInt size, FenInt nblocks,
                                       FenInt bytes, PetscBool fresh, uint64_t hashes[], int *err)
{
  char *block;
  int   fd = open(file, O_RDONLY | O_CLOEXEC);

  PetscFunctionBegin;
  *err = fd < 0 ? errno : 0;
  PetscCall(PetscMalloc1((size_t)PetscMin(bytes, FEN_CKPT_BLOCK), &block));
  if (fd >= 0 && fresh)
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* rather the disk's bytes than the memory's */
  for (FenInt b = rank; b < nblocks && !*err; b += size) {
    const FenInt start = b * FEN_CKPT_BLOCK, n = PetscMin(FEN_CKPT_BLOCK, bytes - start);
    *err = FenPosixRead_Private(fd, block, (size_t)n, (off_t)start);
    if (!*err)
      FenCkptHash_Private(block, (size_t)n, &hashes[2 * b]);
  }
  PetscCall(PetscFree(block));
  if (fd >= 0)
    (void)FenPosixClose_Private(fd);
  PetscFunctionReturn(0);
}
