/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The skeleton of state.h5, made and checked by rank 0 with serial HDF5: contiguous data sets whose place in the file
   is fixed before anything is written to them.
*/
#include "ckptimpl.h"
#include "../hdf5/h5impl.h"
#include <string.h>
#include <sys/stat.h>

#define ALIGN_FROM ((hsize_t)64 << 10) /* larger data sets begin at a page of the file system */
#define ALIGN      ((hsize_t)4096)

static hid_t TypeOf(const FenCkptData *data)
{
  return data->integers ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
}

static void CreateData(const FenH5Where *where, hid_t file, hid_t links, hid_t list, FenCkptData *data, FenFault *fault)
{
  hid_t   space = H5I_INVALID_HID, id = H5I_INVALID_HID;
  hsize_t dims[FEN_MAX_DIM + 1];

  for (PetscInt a = 0; a < data->rank; a++)
    dims[a] = (hsize_t)data->shape[a];
  FenCallH5(where, fault, space, H5Screate_simple((int)data->rank, dims, NULL));
  FenCallH5(where, fault, id, H5Dcreate2(file, data->path, TypeOf(data), space, links, list, H5P_DEFAULT));
  data->offset = 0;
  if (FenCkptElements_Private(data) > 0)
    FenCallH5(where, fault, data->offset, H5Dget_offset(id));
  FenH5Release_Private(&id);
  FenH5Release_Private(&space);
}

static hid_t CreateFile(const FenH5Where *where, FenFault *fault)
{
  hid_t  access, file = H5I_INVALID_HID;
  herr_t code;

  access = FenH5AccessList_Private(where, MPI_COMM_NULL, fault);
  FenCallH5(where, fault, code, H5Pset_alignment(access, ALIGN_FROM, ALIGN));
  FenCallH5(where, fault, file, H5Fcreate(where->file, H5F_ACC_EXCL, H5P_DEFAULT, access));
  FenH5Release_Private(&access);
  return file;
}

PetscErrorCode FenCkptLayOut_Private(const char name[], PetscInt n, FenCkptItem items[], FenFault *fault)
{
  const FenH5Where where = {FEN_ERR_FILE_WRITE, name, NULL};
  hid_t            file, links = H5I_INVALID_HID, list = H5I_INVALID_HID;
  herr_t           code;
  struct stat      st;

  PetscFunctionBegin;
  FenH5Initialize_Private();
  file = CreateFile(&where, fault);
  FenCallH5(&where, fault, links, H5Pcreate(H5P_LINK_CREATE));
  FenCallH5(&where, fault, code, H5Pset_create_intermediate_group(links, 1));
  FenCallH5(&where, fault, list, H5Pcreate(H5P_DATASET_CREATE));
  FenCallH5(&where, fault, code, H5Pset_layout(list, H5D_CONTIGUOUS));
  FenCallH5(&where, fault, code, H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY));
  FenCallH5(&where, fault, code, H5Pset_fill_time(list, H5D_FILL_TIME_NEVER));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt d = 0; d < items[i].ndata; d++)
      CreateData(&where, file, links, list, &items[i].data[d], fault);
  FenH5Release_Private(&links);
  FenH5Release_Private(&list);
  FenCallH5(&where, fault, code, H5Fflush(file, H5F_SCOPE_GLOBAL));
  if (fault->code)
    FenH5Abandon_Private(name, &file);
  else
    FenCallH5(&where, fault, code, H5Fclose(file));
  if (!fault->code && (stat(name, &st) < 0 || chmod(name, st.st_mode & FEN_IO_MODE) < 0))
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "file '%s': its permissions cannot be set", name);
  PetscFunctionReturn(0);
}

static void CheckData(const FenH5Where *where, hid_t file, const FenCkptData *data, FenFault *fault)
{
  hid_t   id = H5I_INVALID_HID, type = H5I_INVALID_HID, space = H5I_INVALID_HID;
  hsize_t dims[H5S_MAX_RANK] = {0};
  int     rank = 0;
  htri_t  same = 0;
  FenInt  offset = 0;

  FenCallH5(where, fault, id, H5Dopen2(file, data->path, H5P_DEFAULT));
  FenCallH5(where, fault, type, H5Dget_type(id));
  FenCallH5(where, fault, same, H5Tequal(type, TypeOf(data)));
  FenCallH5(where, fault, space, H5Dget_space(id));
  FenCallH5(where, fault, rank, H5Sget_simple_extent_dims(space, dims, NULL));
  if (FenCkptElements_Private(data) > 0)
    FenCallH5(where, fault, offset, H5Dget_offset(id));
  for (PetscInt a = 0; a < data->rank; a++)
    if (rank != data->rank || (FenInt)dims[a] != data->shape[a])
      same = 0;
  if (!fault->code && !same)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "data set '%s' has not the type or shape that the manifest says",
                data->path);
  if (!fault->code && offset != data->offset)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "data set '%s' is at byte %" FENINT_FMT ", the manifest says %" FENINT_FMT,
                data->path, offset, data->offset);
  FenH5Release_Private(&space);
  FenH5Release_Private(&type);
  FenH5Release_Private(&id);
}

/* after the hashes: the file and the manifest describe the same data sets */
PetscErrorCode FenCkptCheckFile_Private(const char name[], PetscInt n, const FenCkptItem items[], FenFault *fault)
{
  const FenH5Where where = {FEN_ERR_FILE_FORMAT, name, NULL};
  hid_t            access, file = H5I_INVALID_HID;

  PetscFunctionBegin;
  FenH5Initialize_Private();
  access = FenH5AccessList_Private(&where, MPI_COMM_NULL, fault);
  FenCallH5(&where, fault, file, H5Fopen(name, H5F_ACC_RDONLY, access));
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt d = 0; d < items[i].ndata; d++)
      CheckData(&where, file, &items[i].data[d], fault);
  FenH5Release_Private(&access);
  FenH5Release_Private(&file);
  PetscFunctionReturn(0);
}
