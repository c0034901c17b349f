/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Data sets as arrays on a layout, slabs of matrices, and small tables that all ranks have.
*/
#include "h5impl.h"

/* the layout's axes and the component axis */
static PetscErrorCode ArrayShape(FenLayout layout, PetscInt ncomp, PetscInt *rank, FenInt shape[])
{
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  if (ncomp > 0)
    shape[dim] = ncomp;
  *rank = dim + (ncomp > 0);
  PetscFunctionReturn(0);
}

/*@
  FenFileReadArray - reads a data set onto a layout

  Collective

  Input Parameters:
+ file   - the file
. path   - absolute path of the data set, of any real or integer type
. layout - cuts the array; its shape must be the data set's
- ncomp  - length of one more, last axis; 0: there is none

  Output Parameter:
. array - my entries in the layout's order, components fastest

  Errors: FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT, FEN_ERR_SHAPE

  Level: beginner

.seealso: FenFileWriteArray(), FenFileGetInfo()
@*/
PetscErrorCode FenFileReadArray(FenFile file, const char path[], FenLayout layout, PetscInt ncomp, double array[])
{
  FenInt         shape[FEN_IO_MAX_RANK];
  PetscInt       rank;
  FenDataInfo    info;
  FenSlab        slab;
  double        *natural;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(ArrayShape(layout, ncomp, &rank, shape));
  PetscCall(FenH5CheckShape_Private(file, path, rank, shape, &info));
  PetscCall(FenSlabFromLayout_Private(layout, rank, shape, &slab));
  PetscCall(FenNaturalBegin_Private(layout, PetscMax(ncomp, 1), array, PETSC_FALSE, &natural));
  ierr = FenH5ReadSlab_Private(file, path, &slab, H5T_NATIVE_DOUBLE, sizeof(double), natural);
  PetscCall(FenNaturalEnd_Private(layout, PetscMax(ncomp, 1), array, PETSC_TRUE, &natural));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteArray - writes an array on a layout as a new data set

  Collective

  Input Parameters:
+ file   - a file that is written
. path   - absolute path; groups on the way are made
. layout - cuts the array
. ncomp  - length of one more, last axis; 0: there is none
- array  - my entries in the layout's order, components fastest

  Errors: FEN_ERR_FILE_WRITE, also if the disk has too little space; FenFileClose() then keeps nothing of the file

  Note:
  Data sets of 64 KiB and more are chunked and carry a checksum for each chunk.

  Level: beginner

.seealso: FenFileReadArray()
@*/
PetscErrorCode FenFileWriteArray(FenFile file, const char path[], FenLayout layout, PetscInt ncomp,
                                 const double array[])
{
  FenInt         shape[FEN_IO_MAX_RANK];
  PetscInt       rank;
  FenSlab        slab;
  double        *natural, *stored = (double *)array; /* only read */
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(ArrayShape(layout, ncomp, &rank, shape));
  PetscCall(FenSlabFromLayout_Private(layout, rank, shape, &slab));
  PetscCall(FenNaturalBegin_Private(layout, PetscMax(ncomp, 1), stored, PETSC_TRUE, &natural));
  ierr = FenH5WriteSlab_Private(file, path, &slab, H5T_NATIVE_DOUBLE, sizeof(double), natural);
  PetscCall(FenNaturalEnd_Private(layout, PetscMax(ncomp, 1), stored, PETSC_FALSE, &natural));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteIntegers - writes whole numbers on a layout as a new data set of 64-bit integers

  Collective

  Input Parameters:
+ file   - a file that is written
. path   - absolute path; groups on the way are made
. layout - cuts the array
- array  - my entries in the layout's order, whole numbers below 2^53

  Errors: FEN_ERR_FILE_WRITE

  Note:
  FenFileReadArray() reads it back.

  Level: intermediate

.seealso: FenFileWriteArray()
@*/
PetscErrorCode FenFileWriteIntegers(FenFile file, const char path[], FenLayout layout, const double array[])
{
  FenInt         shape[FEN_IO_MAX_RANK], n = 0, *integers;
  PetscInt       rank = 0;
  FenSlab        slab;
  double        *natural, *stored = (double *)array; /* only read */
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(ArrayShape(layout, 0, &rank, shape));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(FenSlabFromLayout_Private(layout, rank, shape, &slab));
  PetscCall(FenNaturalBegin_Private(layout, 1, stored, PETSC_TRUE, &natural));
  PetscCall(PetscMalloc1((size_t)n, &integers));
  for (FenInt i = 0; i < n; i++)
    integers[i] = (FenInt)natural[i];
  ierr = FenH5WriteSlab_Private(file, path, &slab, H5T_NATIVE_INT64, sizeof(FenInt), integers);
  PetscCall(PetscFree(integers));
  PetscCall(FenNaturalEnd_Private(layout, 1, stored, PETSC_FALSE, &natural));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/*@
  FenFileReadSlab - reads rows [row0,row0+nrows) and columns [col0,col0+ncols) of a matrix, row by row

  Collective; every rank names its own slab, which may be empty

  Input Parameters:
+ file         - the file
. path         - data set with two axes
- row0, nrows, col0, ncols - the slab

  Output Parameter:
. slab - nrows x ncols numbers

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT

  Level: intermediate

.seealso: FenFileReadArray()
@*/
PetscErrorCode FenFileReadSlab(FenFile file, const char path[], FenInt row0, FenInt nrows, FenInt col0, FenInt ncols,
                               double slab[])
{
  FenSlab     box = {.rank = 2, .start = {row0, col0}, .count = {nrows, ncols}};
  FenDataInfo info;
  FenFault    fault = {0};

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(file, path, &info));
  PetscCheck(info.rank == 2, file->comm, FEN_ERR_SHAPE,
             "file '%s': data set '%s' has %" PetscInt_FMT " axes, a matrix has two", file->name, path, info.rank);
  PetscCall(FenH5CheckShape_Private(file, path, 2, info.shape, &info)); /* numbers, no text */
  PetscCall(PetscArraycpy(box.shape, info.shape, 2));
  for (int a = 0; a < 2; a++)
    if (box.start[a] < 0 || box.count[a] < 0 || box.start[a] > box.shape[a] - box.count[a])
      FenFaultSet(&fault, FEN_ERR_SHAPE,
                  "file '%s': data set '%s' has %" FENINT_FMT " %s, [%" FENINT_FMT ",%" FENINT_FMT ") was asked for",
                  file->name, path, box.shape[a], a ? "columns" : "rows", box.start[a], box.start[a] + box.count[a]);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscCall(FenH5ReadSlab_Private(file, path, &box, H5T_NATIVE_DOUBLE, sizeof(double), slab));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFileReadBox_Private(FenFile file, const char path[], const FenSlab *slab, double box[])
{
  PetscFunctionBegin;
  PetscCall(FenH5ReadSlab_Private(file, path, slab, H5T_NATIVE_DOUBLE, sizeof(double), box));
  PetscFunctionReturn(0);
}

/* rank 0 has the whole table */
static FenSlab TableSlab(FenFile file, PetscInt rank, const FenInt shape[])
{
  FenSlab slab = {.rank = rank};

  for (PetscInt a = 0; a < rank; a++) {
    slab.shape[a] = shape[a];
    slab.count[a] = file->rank ? 0 : shape[a];
  }
  return slab;
}

/* rank 0 reads, all get it */
static PetscErrorCode ReadTable(FenFile file, const char path[], FenInt n, PetscBool integers, hid_t type, void *data)
{
  FenDataInfo info;
  FenInt      have;
  FenSlab     slab;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(file, path, &info));
  PetscCall(FenH5CheckShape_Private(file, path, info.rank, info.shape, &info)); /* numbers, no text */
  PetscCheck(!integers || info.type == FEN_DATA_INT, file->comm, FEN_ERR_FILE_FORMAT,
             "file '%s': data set '%s' holds real numbers, integers are expected", file->name, path);
  PetscCall(FenShapeSize_Private(info.rank, info.shape, &have));
  PetscCheck(have == n, file->comm, FEN_ERR_SHAPE,
             "file '%s': data set '%s' has %" FENINT_FMT " entries, %" FENINT_FMT " are expected", file->name, path,
             have, n);
  PetscCall(FenMPIIntCast(n, &count));
  slab = TableSlab(file, info.rank, info.shape);
  if (file->rank && !info.rank)
    slab = (FenSlab){.rank = 1, .shape = {1}}; /* a scalar has no axis that could be empty */
  PetscCall(FenH5ReadSlab_Private(file, path, &slab, type, sizeof(double), data));
  PetscCallMPI(MPI_Bcast(data, count, integers ? MPI_FENINT : MPI_DOUBLE, 0, file->comm));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadReals - reads a small table of n numbers of any shape; all ranks get it

  Collective

  Input Parameters:
+ file - the file
. path - the data set
- n    - its number of entries

  Output Parameter:
. values - row by row

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT

  Level: beginner

.seealso: FenFileWriteReals()
@*/
PetscErrorCode FenFileReadReals(FenFile file, const char path[], FenInt n, double values[])
{
  PetscFunctionBegin;
  PetscCall(ReadTable(file, path, n, PETSC_FALSE, H5T_NATIVE_DOUBLE, values));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadInts - reads a small table of n integers of any shape; all ranks get it

  Collective

  Input Parameters:
+ file - the file
. path - the data set
- n    - its number of entries

  Output Parameter:
. values - row by row

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT (also if the data set holds real numbers)

  Level: beginner

.seealso: FenFileWriteInts()
@*/
PetscErrorCode FenFileReadInts(FenFile file, const char path[], FenInt n, FenInt values[])
{
  PetscFunctionBegin;
  PetscCall(ReadTable(file, path, n, PETSC_TRUE, H5T_NATIVE_INT64, values));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteReals - writes a small table; the values of rank 0 count

  Collective

  Input Parameters:
+ file   - a file that is written
. path   - absolute path of the new data set
. rank   - number of axes; 0 for one number
. shape  - their lengths
- values - row by row

  Errors: FEN_ERR_FILE_WRITE

  Level: beginner

.seealso: FenFileReadReals()
@*/
PetscErrorCode FenFileWriteReals(FenFile file, const char path[], PetscInt rank, const FenInt shape[],
                                 const double values[])
{
  FenSlab slab;
  double  number;

  PetscFunctionBegin;
  PetscCheck(rank >= 0 && rank <= FEN_IO_MAX_RANK, file->comm, FEN_ERR_SHAPE,
             "'%s': %" PetscInt_FMT " axes, at most %d are supported", path, rank, FEN_IO_MAX_RANK);
  slab = TableSlab(file, rank, shape);
  if (rank == 0) { /* a scalar has no axis that could be empty: all ranks write the same */
    number = values[0];
    PetscCallMPI(MPI_Bcast(&number, 1, MPI_DOUBLE, 0, file->comm));
    values = &number;
  }
  PetscCall(FenH5WriteSlab_Private(file, path, &slab, H5T_NATIVE_DOUBLE, sizeof(double), values));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteInts - writes a small table of n integers; the values of rank 0 count

  Collective

  Input Parameters:
+ file   - a file that is written
. path   - absolute path of the new data set
. n      - its length
- values - the integers

  Errors: FEN_ERR_FILE_WRITE

  Level: beginner

.seealso: FenFileReadInts()
@*/
PetscErrorCode FenFileWriteInts(FenFile file, const char path[], FenInt n, const FenInt values[])
{
  const FenSlab slab = TableSlab(file, 1, &n);

  PetscFunctionBegin;
  PetscCall(FenH5WriteSlab_Private(file, path, &slab, H5T_NATIVE_INT64, sizeof(FenInt), values));
  PetscFunctionReturn(0);
}
