/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Moves my box of a data set between memory and disk. Reads are independent, so that a failing rank cannot hang the
   others; writes are collective, because HDF5 packs checksummed chunks only together.
*/
#include "h5impl.h"
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#define PIECE_BYTES ((FenInt)1 << 30) /* one transfer stays below 2^31 bytes */
#define CHUNK_BYTES ((FenInt)4 << 20)
#define PACK_BYTES  ((FenInt)64 << 10) /* smaller data sets are contiguous, without checksum */

/* the box is moved in pieces of whole rows of axis 0 */
static FenInt RowsPerPiece(const FenSlab *slab, size_t width)
{
  FenInt bytes = (FenInt)width;

  for (PetscInt a = 1; a < slab->rank; a++)
    bytes *= slab->count[a];
  return PetscMax(1, PIECE_BYTES / PetscMax(1, bytes));
}

static FenInt PieceCount(const FenSlab *slab, size_t width)
{
  const FenInt rows = RowsPerPiece(slab, width);

  if (FenSlabSize_Private(slab) == 0)
    return 0;
  return slab->rank ? (slab->count[0] + rows - 1) / rows : 1;
}

/* selects piece k in both spaces; nothing if the box has no such piece; offset: elements before it in memory */
static void SelectPiece(const FenH5Where *where, const FenSlab *slab, size_t width, FenInt k, hid_t space,
                        hid_t *memory, FenInt *offset, FenFault *fault)
{
  hsize_t      start[FEN_IO_MAX_RANK], count[FEN_IO_MAX_RANK];
  const FenInt rows = RowsPerPiece(slab, width), npieces = PieceCount(slab, width);
  herr_t       code;

  *offset = 0;
  if (k >= npieces) {
    const hsize_t none = 0;
    FenCallH5(where, fault, *memory, H5Screate_simple(1, &none, NULL));
    FenCallH5(where, fault, code, H5Sselect_none(space));
    return;
  }
  for (PetscInt a = 0; a < slab->rank; a++) {
    start[a] = (hsize_t)slab->start[a];
    count[a] = (hsize_t)slab->count[a];
  }
  if (slab->rank == 0) {
    FenCallH5(where, fault, *memory, H5Screate(H5S_SCALAR));
    return;
  }
  start[0] += (hsize_t)(k * rows);
  count[0] = (hsize_t)PetscMin(rows, slab->count[0] - k * rows);
  *offset = k * rows * (FenSlabSize_Private(slab) / slab->count[0]);
  FenCallH5(where, fault, *memory, H5Screate_simple((int)slab->rank, count, NULL));
  FenCallH5(where, fault, code, H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
}

/* a data set may have an axis of length one more or less at the end than the slab: HDF5 wants its own rank */
static void FitRank(hid_t space, FenSlab *slab)
{
  const int rank = H5Sget_simple_extent_ndims(space);

  while (slab->rank < rank && slab->rank < FEN_IO_MAX_RANK) {
    slab->shape[slab->rank] = slab->count[slab->rank] = 1;
    slab->start[slab->rank++] = 0;
  }
  if (rank >= 0 && slab->rank > rank)
    slab->rank = rank;
}

PetscErrorCode FenH5ReadSlab_Private(FenFile file, const char path[], const FenSlab *box, hid_t type, size_t width,
                                     void *data)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  FenSlab          slab = *box;
  hid_t            id = H5I_INVALID_HID, space = H5I_INVALID_HID;
  herr_t           code;
  FenInt           offset;

  PetscFunctionBegin;
  if (FenSlabSize_Private(&slab) > 0) {
    FenH5OpenRead_Private(file, &fault);
    if (!fault.code)
      PetscCall(FenH5OpenData_Private(file, path, &id, &fault));
    FenCallH5(&where, &fault, space, H5Dget_space(id));
    if (!fault.code)
      FitRank(space, &slab);
  }
  for (FenInt k = 0; k < PieceCount(&slab, width) && !fault.code; k++) {
    hid_t memory = H5I_INVALID_HID;
    SelectPiece(&where, &slab, width, k, space, &memory, &offset, &fault);
    FenCallH5(&where, &fault, code,
              H5Dread(id, type, memory, space, H5P_DEFAULT, (char *)data + (size_t)offset * width));
    FenH5Release_Private(&memory);
  }
  FenH5Release_Private(&space);
  FenH5Release_Private(&id);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscFunctionReturn(0);
}

/* chunks of whole rows, at most as many rows as a rank has of an even cut, at most CHUNK_BYTES */
static void ChunkShape(const FenSlab *slab, size_t width, PetscMPIInt nranks, hsize_t chunk[])
{
  FenInt bytes = (FenInt)width;

  for (PetscInt a = slab->rank - 1; a >= 0; a--) {
    const FenInt fit = PetscMax(1, CHUNK_BYTES / bytes);
    FenInt       n = PetscMin(slab->shape[a], fit);
    if (a == 0)
      n = PetscMin(n, (slab->shape[0] + nranks - 1) / nranks);
    chunk[a] = (hsize_t)PetscMax(1, n);
    bytes *= (FenInt)chunk[a];
  }
}

/* the link list makes groups on the way */
static hid_t CreateData(FenFile file, const char path[], const FenSlab *slab, hid_t type, size_t width, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  hid_t            links = H5I_INVALID_HID, list = H5I_INVALID_HID, space = H5I_INVALID_HID, id = H5I_INVALID_HID;
  hsize_t          dims[FEN_IO_MAX_RANK], chunk[FEN_IO_MAX_RANK];
  FenInt           bytes = (FenInt)width;
  herr_t           code;

  for (PetscInt a = 0; a < slab->rank; a++) {
    dims[a] = (hsize_t)slab->shape[a];
    bytes *= slab->shape[a];
  }
  FenCallH5(&where, fault, links, H5Pcreate(H5P_LINK_CREATE));
  FenCallH5(&where, fault, code, H5Pset_create_intermediate_group(links, 1));
  FenCallH5(&where, fault, list, H5Pcreate(H5P_DATASET_CREATE));
  FenCallH5(&where, fault, code, H5Pset_fill_time(list, H5D_FILL_TIME_NEVER));
  if (bytes >= PACK_BYTES) {
    ChunkShape(slab, width, file->size, chunk);
    FenCallH5(&where, fault, code, H5Pset_chunk(list, (int)slab->rank, chunk));
    FenCallH5(&where, fault, code, H5Pset_fletcher32(list));
  }
  if (slab->rank)
    FenCallH5(&where, fault, space, H5Screate_simple((int)slab->rank, dims, NULL));
  else
    FenCallH5(&where, fault, space, H5Screate(H5S_SCALAR));
  FenCallH5(&where, fault, id, H5Dcreate2(file->id, path, type, space, links, list, H5P_DEFAULT));
  FenH5Release_Private(&links);
  FenH5Release_Private(&list);
  FenH5Release_Private(&space);
  return id;
}

/* rank 0: better no attempt than one that fills the disk */
static void CheckSpace(FenFile file, const char path[], const FenSlab *slab, size_t width, FenFault *fault)
{
  struct statvfs fs;
  double         need = (double)width;

  for (PetscInt a = 0; a < slab->rank; a++)
    need *= (double)slab->shape[a];
  if (statvfs(file->temp, &fs) == 0 && (double)fs.f_bavail * (double)fs.f_frsize < need)
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "file '%s', data set '%s': %s (%.0f bytes are needed, %.0f are free)",
                file->name, path, strerror(ENOSPC), need, (double)fs.f_bavail * (double)fs.f_frsize);
}

static PetscErrorCode WritePieces(FenFile file, const char path[], const FenSlab *slab, hid_t id, hid_t type,
                                  size_t width, const char *data)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  hid_t            space = H5I_INVALID_HID, transfer = H5I_INVALID_HID;
  FenInt           npieces = PieceCount(slab, width), offset;
  herr_t           code;
  PetscErrorCode   ierr = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &npieces, 1, MPI_FENINT, MPI_MAX, file->comm));
  FenCallH5(&where, &fault, space, H5Dget_space(id));
  FenCallH5(&where, &fault, transfer, H5Pcreate(H5P_DATASET_XFER));
  FenCallH5(&where, &fault, code, H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE));
  for (FenInt k = 0; k < npieces && !ierr; k++) {
    hid_t memory = H5I_INVALID_HID;
    SelectPiece(&where, slab, width, k, space, &memory, &offset, &fault);
    ierr = FenFileAgree_Private(file, &fault); /* nobody enters H5Dwrite alone */
    if (!ierr) {
      FenCallH5(&where, &fault, code, H5Dwrite(id, type, memory, space, transfer, data + (size_t)offset * width));
      ierr = FenFileAgree_Private(file, &fault);
    }
    FenH5Release_Private(&memory);
  }
  FenH5Release_Private(&transfer);
  FenH5Release_Private(&space);
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

PetscErrorCode FenH5WriteSlab_Private(FenFile file, const char path[], const FenSlab *slab, hid_t type, size_t width,
                                      const void *data)
{
  FenFault       fault = {0};
  hid_t          id;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(FenFileCheckWritable_Private(file, path));
  if (!file->rank)
    CheckSpace(file, path, slab, width, &fault);
  PetscCall(FenFileAgree_Private(file, &fault));
  id = CreateData(file, path, slab, type, width, &fault);
  PetscCall(FenFileAgree_Private(file, &fault));
  ierr = WritePieces(file, path, slab, id, type, width, (const char *)data);
  FenH5Release_Private(&id);
  PetscCall(ierr);
  PetscFunctionReturn(0);
}
