/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Parts of data sets with one axis: every rank has its own range of entries, which no layout needs to know.
*/
#include "h5impl.h"

static PetscErrorCode ReadPart(FenFile file, const char path[], FenInt start, FenInt count, PetscBool integers,
                               hid_t type, size_t width, void *part)
{
  FenDataInfo info;
  FenFault    fault = {0};
  FenSlab     slab = {.rank = 1, .start = {start}, .count = {count}};

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(file, path, &info));
  PetscCheck(info.rank == 1, file->comm, FEN_ERR_SHAPE,
             "file '%s': data set '%s' has %" PetscInt_FMT " axes, one is expected", file->name, path, info.rank);
  PetscCall(FenH5CheckShape_Private(file, path, 1, info.shape, &info)); /* numbers, no text */
  PetscCheck(!integers || info.type == FEN_DATA_INT, file->comm, FEN_ERR_FILE_FORMAT,
             "file '%s': data set '%s' holds real numbers, integers are expected", file->name, path);
  if (start < 0 || count < 0 || start > info.shape[0] - count)
    FenFaultSet(&fault, FEN_ERR_SHAPE,
                "file '%s': data set '%s' has %" FENINT_FMT " entries, [%" FENINT_FMT ",%" FENINT_FMT ") was asked for",
                file->name, path, info.shape[0], start, start + count);
  PetscCall(FenFileAgree_Private(file, &fault));
  slab.shape[0] = info.shape[0];
  PetscCall(FenH5ReadSlab_Private(file, path, &slab, type, width, part));
  PetscFunctionReturn(0);
}

/* parts lie in rank order */
static PetscErrorCode WritePart(FenFile file, const char path[], FenInt count, hid_t type, size_t width,
                                const void *part)
{
  FenSlab slab = {.rank = 1, .count = {count}};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Exscan(&count, &slab.start[0], 1, MPI_FENINT, MPI_SUM, file->comm));
  if (!file->rank)
    slab.start[0] = 0;
  PetscCallMPI(MPI_Allreduce(&count, &slab.shape[0], 1, MPI_FENINT, MPI_SUM, file->comm));
  PetscCall(FenH5WriteSlab_Private(file, path, &slab, type, width, part));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadIntPart - reads entries [start,start+count) of a data set of integers with one axis

  Collective; every rank names its own range, which may be empty

  Input Parameters:
+ file  - the file
. path  - the data set
. start - first entry
- count - number of entries

  Output Parameter:
. part - the entries

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT (also if the data set holds real numbers)

  Level: intermediate

.seealso: FenFileWriteIntPart(), FenFileReadRealPart()
@*/
PetscErrorCode FenFileReadIntPart(FenFile file, const char path[], FenInt start, FenInt count, FenInt part[])
{
  PetscFunctionBegin;
  PetscCall(ReadPart(file, path, start, count, PETSC_TRUE, H5T_NATIVE_INT64, sizeof(FenInt), part));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadRealPart - reads entries [start,start+count) of a data set of numbers with one axis

  Collective; every rank names its own range, which may be empty

  Input Parameters:
+ file  - the file
. path  - the data set
. start - first entry
- count - number of entries

  Output Parameter:
. part - the entries

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT

  Level: intermediate

.seealso: FenFileWriteRealPart(), FenFileReadIntPart()
@*/
PetscErrorCode FenFileReadRealPart(FenFile file, const char path[], FenInt start, FenInt count, double part[])
{
  PetscFunctionBegin;
  PetscCall(ReadPart(file, path, start, count, PETSC_FALSE, H5T_NATIVE_DOUBLE, sizeof(double), part));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteIntPart - writes a new data set of integers with one axis, the parts of the ranks one after the other

  Collective

  Input Parameters:
+ file  - a file that is written
. path  - absolute path of the new data set
. count - my number of entries
- part  - my entries

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenFileReadIntPart()
@*/
PetscErrorCode FenFileWriteIntPart(FenFile file, const char path[], FenInt count, const FenInt part[])
{
  PetscFunctionBegin;
  PetscCall(WritePart(file, path, count, H5T_NATIVE_INT64, sizeof(FenInt), part));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteRealPart - writes a new data set of numbers with one axis, the parts of the ranks one after the other

  Collective

  Input Parameters:
+ file  - a file that is written
. path  - absolute path of the new data set
. count - my number of entries
- part  - my entries

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenFileReadRealPart()
@*/
PetscErrorCode FenFileWriteRealPart(FenFile file, const char path[], FenInt count, const double part[])
{
  PetscFunctionBegin;
  PetscCall(WritePart(file, path, count, H5T_NATIVE_DOUBLE, sizeof(double), part));
  PetscFunctionReturn(0);
}
