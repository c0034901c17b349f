/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Arrays of numbers of every file type. What a file is, its first bytes say; the ending of its name only where a type
   has no signature. Rank 0 reads the header; every rank reads its own part of the numbers.
*/
#include "arrayimpl.h"
#include <ctype.h>
#include <string.h>

const char *const FenArrayKinds[] = {"hdf5", "npy", "csv", "image", "raw", NULL};

#define HEAD 512 /* bytes that decide */

static const struct {
  const char *suffix, *type;
} named[] = {{".png", "a PNG image"}, {".npy", "a NumPy array"}, {".pgm", "a PGM image"},
             {".ppm", "a PPM image"}, {".pbm", "a PBM image"},   {".pnm", "a PNM image"},
             {".h5", "an HDF5 file"}, {".hdf5", "an HDF5 file"}, {".hdf", "an HDF5 file"}};

/* 'P', a digit 1 to 7, white space */
static PetscBool IsPNM(const unsigned char head[], FenInt n)
{
  return n > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && isspace(head[2]) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool IsText(const unsigned char head[], FenInt n)
{
  for (FenInt k = 0; k < n; k++)
    if (head[k] < 32 && !isspace(head[k]))
      return PETSC_FALSE;
  return PETSC_TRUE;
}

static void SetKind(FenArray array, FenArrayKind kind, const FenArrayOps *ops)
{
  array->kind = kind;
  array->ops = ops;
}

/* types without signature: text, or the caller's shape makes it raw */
static void DetectUnsigned(FenArray array, const unsigned char head[], FenInt n, PetscInt nshape, FenFault *fault)
{
  for (size_t k = 0; k < sizeof(named) / sizeof(named[0]); k++)
    if (FenHasSuffix_Private(array->file, named[k].suffix)) {
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "'%s' is not %s, whatever its name says", array->file, named[k].type);
      return;
    }
  if (nshape > 0 && !FenHasSuffix_Private(array->file, ".csv") && !FenHasSuffix_Private(array->file, ".txt"))
    SetKind(array, FEN_ARRAY_RAW, &FenArrayOps_Raw);
  else if (IsText(head, n))
    SetKind(array, FEN_ARRAY_CSV, &FenArrayOps_CSV);
  else
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                "file '%s' is neither HDF5, .npy, PNG, PNM nor text; raw doubles need a shape", array->file);
}

/* rank 0 */
static PetscErrorCode Detect(FenArray array, PetscInt nshape, FenFault *fault)
{
  unsigned char head[HEAD];
  FenInt        size;
  int           fd;
  PetscBool     hdf5;

  PetscFunctionBegin;
  FenPosixOpenInput_Private(array->file, &fd, &size, fault);
  if (fault->code)
    PetscFunctionReturn(0);
  if (size == 0)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s' is empty", array->file);
  else if (FenPosixRead_Private(fd, head, (size_t)PetscMin(size, HEAD), 0))
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be read", array->file);
  (void)FenPosixClose_Private(fd);
  if (fault->code)
    PetscFunctionReturn(0);
  PetscCall(FenPathIsHDF5(PETSC_COMM_SELF, array->file, &hdf5));
  if (hdf5) {
    SetKind(array, FEN_ARRAY_HDF5, NULL);
    if (!array->path[0])
      FenFaultSet(fault, FEN_ERR_USAGE, "'%s' is an HDF5 file: name the data set, %s:/path", array->file, array->file);
  } else if (array->path[0])
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "'%s' is not an HDF5 file, it has no '%s'", array->file, array->path);
  else if (size >= 6 && !memcmp(head, "\x93NUMPY", 6))
    SetKind(array, FEN_ARRAY_NPY, &FenArrayOps_Npy);
  else if (size >= 8 && !memcmp(head, "\x89PNG\r\n\x1a\n", 8))
    SetKind(array, FEN_ARRAY_IMAGE, &FenArrayOps_PNG);
  else if (IsPNM(head, size))
    SetKind(array, FEN_ARRAY_IMAGE, &FenArrayOps_PNM);
  else
    DetectUnsigned(array, head, PetscMin(size, HEAD), nshape, fault);
  PetscFunctionReturn(0);
}

/* a shape that the caller gave must be the file's */
static PetscErrorCode CheckGivenShape(FenArray array, PetscInt nshape, const FenInt shape[])
{
  char      want[160], have[160];
  PetscBool same = PETSC_TRUE;

  PetscFunctionBegin;
  if (nshape == 0)
    PetscFunctionReturn(0);
  for (PetscInt a = 0; a < nshape; a++)
    if (nshape != array->head.rank || shape[a] != array->head.shape[a])
      same = PETSC_FALSE;
  PetscCall(FenShapeText_Private(nshape, shape, want, sizeof(want)));
  PetscCall(FenShapeText_Private(array->head.rank, array->head.shape, have, sizeof(have)));
  PetscCheck(same, array->comm, FEN_ERR_SHAPE, "file '%s' has shape %s, %s was asked for", array->file, have, want);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenHDF5(FenArray array)
{
  FenDataInfo info;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(array->comm, array->file, FEN_FILE_READ, &array->hdf5));
  PetscCall(FenFileGetInfo(array->hdf5, array->path, &info));
  PetscCheck(info.type == FEN_DATA_REAL || info.type == FEN_DATA_INT, array->comm, FEN_ERR_FILE_FORMAT,
             "file '%s': '%s' is no array of numbers", array->file, array->path);
  array->head.rank = info.rank;
  PetscCall(PetscArraycpy(array->head.shape, info.shape, FEN_IO_MAX_RANK));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenByKind(FenArray array, PetscInt nshape, const FenInt shape[])
{
  static const FenArrayOps *const all[] = {
      NULL, &FenArrayOps_Npy, &FenArrayOps_CSV, &FenArrayOps_PNG, &FenArrayOps_PNM, &FenArrayOps_Raw};
  FenFault fault = {0};
  int      which[2] = {0, 0};
  FenInt   size;

  PetscFunctionBegin;
  if (!array->rank) {
    PetscCall(Detect(array, nshape, &fault));
    if (!fault.code && array->ops)
      PetscCall((*array->ops->open)(array, nshape, shape, &fault));
    which[0] = (int)array->kind;
    while (all[which[1]] != array->ops)
      which[1]++;
  }
  PetscCall(FenFaultAgree(array->comm, &fault));
  PetscCallMPI(MPI_Bcast(which, 2, MPI_INT, 0, array->comm));
  PetscCallMPI(MPI_Bcast(&array->head, (int)sizeof(array->head), MPI_BYTE, 0, array->comm));
  SetKind(array, (FenArrayKind)which[0], all[which[1]]);
  if (array->kind == FEN_ARRAY_HDF5)
    PetscCall(OpenHDF5(array));
  PetscCall(FenShapeSize_Private(array->head.rank, array->head.shape, &size));
  PetscCall(CheckGivenShape(array, nshape, shape));
  PetscFunctionReturn(0);
}

/*@
  FenArrayOpen - opens a file with an array of numbers and reads its header

  Collective

  Input Parameters:
+ comm   - the ranks that will read
. spec   - FILE, or FILE:/path for a data set in an HDF5 file
. nshape - number of axes that the caller names; 0: the file says its shape
- shape  - their lengths; needed for raw doubles, checked for all others

  Output Parameter:
. array - the array

  Errors: FEN_ERR_FILE_OPEN, FEN_ERR_FILE_FORMAT, FEN_ERR_FILE_MISSING, FEN_ERR_SHAPE

  Level: beginner

.seealso: FenArrayGetShape(), FenArrayRead(), FenArrayClose()
@*/
PetscErrorCode FenArrayOpen(MPI_Comm comm, const char spec[], PetscInt nshape, const FenInt shape[], FenArray *newarray)
{
  FenArray       array;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  *newarray = NULL;
  PetscCheck(nshape >= 0 && nshape <= FEN_IO_MAX_RANK, comm, FEN_ERR_SHAPE,
             "%" PetscInt_FMT " axes, at most %d are supported", nshape, FEN_IO_MAX_RANK);
  for (PetscInt a = 0; a < nshape; a++)
    PetscCheck(shape[a] >= 0, comm, FEN_ERR_SHAPE, "axis %" PetscInt_FMT " cannot have length %" FENINT_FMT, a,
               shape[a]);
  PetscCall(PetscNew(&array));
  ierr = FenPathSplit(spec, array->file, sizeof(array->file), array->path, sizeof(array->path));
  if (ierr) {
    PetscCall(PetscFree(array));
    PetscCall(ierr);
  }
  PetscCallMPI(MPI_Comm_dup(comm, &array->comm));
  PetscCallMPI(MPI_Comm_rank(comm, &array->rank));
  ierr = OpenByKind(array, nshape, shape);
  if (ierr) {
    PetscCall(FenArrayClose(&array));
    PetscCall(ierr);
  }
  *newarray = array;
  PetscFunctionReturn(0);
}

/*@
  FenArrayGetKind - the type of the file

  Not Collective

  Input Parameter:
. array - the array

  Output Parameter:
. kind - HDF5, .npy, CSV, image or raw; names are in FenArrayKinds[]

  Level: intermediate

.seealso: FenArrayOpen()
@*/
PetscErrorCode FenArrayGetKind(FenArray array, FenArrayKind *kind)
{
  PetscFunctionBegin;
  *kind = array->kind;
  PetscFunctionReturn(0);
}

/*@
  FenArrayGetShape - the shape of the array

  Not Collective

  Input Parameter:
. array - the array

  Output Parameters:
+ rank  - number of axes
- shape - their lengths; an image has (height, width) or (height, width, 3)

  Level: beginner

.seealso: FenArrayRead()
@*/
PetscErrorCode FenArrayGetShape(FenArray array, PetscInt *rank, FenInt shape[8])
{
  PetscFunctionBegin;
  *rank = array->head.rank;
  PetscCall(PetscArraycpy(shape, array->head.shape, FEN_IO_MAX_RANK));
  PetscFunctionReturn(0);
}

/* the layout is the array's first axes, the others are ncomp components */
static PetscErrorCode CheckLayout(FenArray array, FenLayout layout, PetscInt ncomp)
{
  FenInt    shape[FEN_MAX_DIM], rest = 1;
  PetscInt  dim;
  PetscBool same;
  char      want[160], have[160];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  same = dim <= array->head.rank ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt a = 0; a < array->head.rank; a++) {
    if (a < dim && shape[a] != array->head.shape[a])
      same = PETSC_FALSE;
    rest *= a < dim ? 1 : array->head.shape[a];
  }
  PetscCall(FenShapeText_Private(dim, shape, want, sizeof(want)));
  PetscCall(FenShapeText_Private(array->head.rank, array->head.shape, have, sizeof(have)));
  PetscCheck(same && rest == PetscMax(ncomp, 1), array->comm, FEN_ERR_SHAPE,
             "file '%s' has shape %s, %s with %" PetscInt_FMT " components is expected", array->file, have, want,
             PetscMax(ncomp, 1));
  PetscFunctionReturn(0);
}

/* an HDF5 data set with several component axes, or one: a slab all the same */
static PetscErrorCode ReadSlab(FenArray array, const FenSlab *slab, double natural[])
{
  FenFault fault = {0};

  PetscFunctionBegin;
  if (array->kind == FEN_ARRAY_HDF5) {
    PetscCall(FenFileReadBox_Private(array->hdf5, array->path, slab, natural));
    PetscFunctionReturn(0);
  }
  if (FenSlabSize_Private(slab) > 0)
    PetscCall((*array->ops->read)(array, slab, natural, &fault));
  PetscCall(FenFaultAgree(array->comm, &fault));
  PetscFunctionReturn(0);
}

/*@
  FenArrayRead - reads my part of the array

  Collective

  Input Parameters:
+ array  - the array
. layout - cuts the array's first axes
- ncomp  - product of the remaining axes

  Output Parameter:
. values - my entries in the layout's order, components fastest

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_FORMAT (damaged, no number at a named line and column, ...)

  Level: beginner

.seealso: FenArrayGetShape()
@*/
PetscErrorCode FenArrayRead(FenArray array, FenLayout layout, PetscInt ncomp, double values[])
{
  FenSlab        slab;
  double        *natural;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(CheckLayout(array, layout, ncomp));
  PetscCall(FenSlabFromLayout_Private(layout, array->head.rank, array->head.shape, &slab));
  PetscCall(FenNaturalBegin_Private(layout, PetscMax(ncomp, 1), values, PETSC_FALSE, &natural));
  ierr = ReadSlab(array, &slab, natural);
  PetscCall(FenNaturalEnd_Private(layout, PetscMax(ncomp, 1), values, PETSC_TRUE, &natural));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/*@
  FenArrayReadRows - reads a range of the first axis with all of the others

  Collective

  Input Parameters:
+ array - the array
. first - the first number along axis 0 that I want
- count - how many, 0 if I want none; ranks may want anything, the same, too

  Output Parameter:
. values - count times the product of the other axes, in natural order

  Errors: FEN_ERR_SHAPE, FEN_ERR_FILE_FORMAT

  Level: intermediate

.seealso: FenArrayRead()
@*/
PetscErrorCode FenArrayReadRows(FenArray array, FenInt first, FenInt count, double values[])
{
  FenSlab  slab = {.rank = array->head.rank};
  FenFault fault = {0};

  PetscFunctionBegin;
  if (slab.rank < 1 || first < 0 || count < 0 || first + count > array->head.shape[0])
    FenFaultSet(&fault, FEN_ERR_SHAPE,
                "file '%s' has no entries %" FENINT_FMT " to %" FENINT_FMT " along its first axis", array->file, first,
                first + count - 1);
  PetscCall(FenFaultAgree(array->comm, &fault));
  for (PetscInt a = 0; a < slab.rank; a++) {
    slab.shape[a] = array->head.shape[a];
    slab.start[a] = a ? 0 : first;
    slab.count[a] = a ? slab.shape[a] : count;
  }
  PetscCall(ReadSlab(array, &slab, values));
  PetscFunctionReturn(0);
}

/*@
  FenArrayClose - closes the file

  Collective

  Input Parameter:
. array - the array, NULL afterwards

  Level: beginner

.seealso: FenArrayOpen()
@*/
PetscErrorCode FenArrayClose(FenArray *array)
{
  PetscFunctionBegin;
  if (!*array)
    PetscFunctionReturn(0);
  PetscCall(FenFileClose(&(*array)->hdf5));
  PetscCallMPI(MPI_Comm_free(&(*array)->comm));
  PetscCall(PetscFree(*array));
  PetscFunctionReturn(0);
}
