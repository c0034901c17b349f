/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Measures read from files: arrays and images; groups of HDF5 files are in measuregroup.c.
*/
#include "measurereadimpl.h"

#define FEN_CHANNELS 3

/* luminance of ITU-R BT.709, applied to the stored values */
static const double fen_luminance[FEN_CHANNELS] = {0.2126, 0.7152, 0.0722};

/* an open array and what it is read as */
typedef struct {
  MPI_Comm    comm;
  FenArray    array;
  const char *name;
  PetscBool   image;
  PetscInt    naxes;
  FenInt      shape[8];
  FenLayout   layout; /* what was read: freed with the input, also after an error */
  double     *values;
} FenInput;

static PetscErrorCode FenAllocate(FenLayout layout, PetscInt ncomp, double *values[])
{
  FenInt local;
  size_t bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenIntMult(local, ncomp, &local));
  PetscCall(FenBytes(local, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, values));
  PetscFunctionReturn(0);
}

/* ncomp channels made `wanted`: one is the luminance, three are equal for grey images */
static PetscErrorCode FenImageChannels(FenInput *in, PetscInt ncomp, PetscInt wanted)
{
  FenInt  local;
  double *changed;

  PetscFunctionBegin;
  if (ncomp == wanted)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutGetLocalSize(in->layout, &local));
  PetscCall(FenAllocate(in->layout, wanted, &changed));
  for (FenInt i = 0; i < local; i++) {
    double grey = ncomp == 1 ? in->values[i] : 0;

    for (PetscInt c = 0; c < FEN_CHANNELS && ncomp == FEN_CHANNELS; c++)
      grey += fen_luminance[c] * in->values[i * FEN_CHANNELS + c];
    for (PetscInt c = 0; c < wanted; c++)
      changed[i * wanted + c] = grey;
  }
  PetscCall(PetscFree(in->values));
  in->values = changed;
  PetscFunctionReturn(0);
}

/* my rows of an image with the wanted channels and size */
static PetscErrorCode FenImageRead(FenInput *in, const FenInt resize[2], PetscInt wanted)
{
  const PetscInt ncomp = in->naxes == 3 ? FEN_CHANNELS : 1;
  FenLayout      smaller;
  double        *resized;

  PetscFunctionBegin;
  FEN_CHECK(in->naxes == 2 || (in->naxes == 3 && in->shape[2] == FEN_CHANNELS), in->comm, FEN_ERR_SHAPE,
            "%s: an image has one channel or three", in->name);
  PetscCall(FenLayoutCreateGrid(in->comm, 2, in->shape, NULL, &in->layout));
  PetscCall(FenAllocate(in->layout, ncomp, &in->values));
  PetscCall(FenArrayRead(in->array, in->layout, ncomp, in->values));
  PetscCall(FenImageChannels(in, ncomp, wanted));
  if (!resize[0])
    PetscFunctionReturn(0);
  PetscCall(FenLayoutCreateGrid(in->comm, 2, resize, NULL, &smaller));
  PetscCall(FenAllocate(smaller, wanted, &resized));
  PetscCall(FenResizeImage_Private(in->layout, smaller, wanted, in->values, resized));
  PetscCall(FenLayoutDestroy(&in->layout));
  PetscCall(PetscFree(in->values));
  in->layout = smaller;
  in->values = resized;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadColours(FenInput *in, const FenInt resize[2], FenMeasure *measure)
{
  FenInt shape[FEN_MAX_DIM], local;

  PetscFunctionBegin;
  FEN_CHECK(in->image, in->comm, FEN_ERR_OPTION, "%s is not an image; rule: colours are read from images", in->name);
  PetscCall(FenImageRead(in, resize, FEN_CHANNELS));
  PetscCall(FenLayoutGetLocalSize(in->layout, &local));
  PetscCall(FenLayoutGetShape(in->layout, shape));
  PetscCall(FenMeasureCreatePoints(in->comm, local, FEN_CHANNELS, in->values, NULL, measure));
  PetscCall(FenMeasureSetImageShape(*measure, shape));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadImageDensity(FenInput *in, const FenMeasureSource *source, FenMeasure *measure)
{
  PetscFunctionBegin;
  PetscCall(FenImageRead(in, source->resize, 1));
  PetscCall(FenGridToBlocks_Private(source, &in->layout, &in->values));
  PetscCall(FenMeasureCreateGrid(in->layout, in->values, NULL, NULL, measure));
  PetscFunctionReturn(0);
}

/* one column, or one row, of a text file is an array of one axis: read on the file's axes, kept on that one */
static PetscErrorCode FenReadLine(FenInput *in)
{
  const FenInt length = in->shape[0] * in->shape[1];
  PetscMPIInt  size, np[2] = {1, 1};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(in->comm, &size));
  np[in->shape[0] == 1] = size;
  PetscCall(FenLayoutCreateGrid(in->comm, 2, in->shape, np, &in->layout));
  PetscCall(FenAllocate(in->layout, 1, &in->values));
  PetscCall(FenArrayRead(in->array, in->layout, 1, in->values));
  PetscCall(FenLayoutDestroy(&in->layout));
  PetscCall(FenLayoutCreateRows(in->comm, length, &in->layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadDensity(FenInput *in, const FenMeasureSource *source, FenArrayKind kind,
                                     FenMeasure *measure)
{
  PetscFunctionBegin;
  FEN_CHECK(in->naxes >= 1 && in->naxes <= FEN_MAX_DIM, in->comm, FEN_ERR_SHAPE,
            "%s has %d axes; rule: a density has 1 to %d", in->name, (int)in->naxes, FEN_MAX_DIM);
  if (kind == FEN_ARRAY_CSV && in->naxes == 2 && (in->shape[0] == 1 || in->shape[1] == 1))
    PetscCall(FenReadLine(in));
  else {
    PetscCall(FenLayoutCreateGrid(in->comm, in->naxes, in->shape, NULL, &in->layout));
    PetscCall(FenAllocate(in->layout, 1, &in->values));
    PetscCall(FenArrayRead(in->array, in->layout, 1, in->values));
  }
  PetscCall(FenGridToBlocks_Private(source, &in->layout, &in->values));
  PetscCall(FenMeasureCreateGrid(in->layout, in->values, NULL, NULL, measure));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadCloud(FenInput *in, FenMeasure *measure)
{
  PetscInt dim = 1;

  PetscFunctionBegin;
  FEN_CHECK(!in->image, in->comm, FEN_ERR_OPTION, "%s is an image; rule: points are read from n x d arrays", in->name);
  FEN_CHECK(in->naxes == 1 || in->naxes == 2, in->comm, FEN_ERR_SHAPE,
            "%s has %d axes; rule: points are an array of n x d", in->name, (int)in->naxes);
  if (in->naxes == 2)
    PetscCall(FenIntCast(in->shape[1], &dim));
  PetscCall(FenLayoutCreateRows(in->comm, in->shape[0], &in->layout));
  PetscCall(FenAllocate(in->layout, dim, &in->values));
  PetscCall(FenArrayRead(in->array, in->layout, dim, in->values));
  PetscCall(FenMeasureCreatePoints_Private(in->layout, dim, in->values, NULL, in->name, measure));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadInput(FenInput *in, const FenMeasureSource *source, FenMeasure *measure)
{
  FenArrayKind kind;

  PetscFunctionBegin;
  PetscCall(FenArrayGetKind(in->array, &kind));
  PetscCall(FenArrayGetShape(in->array, &in->naxes, in->shape));
  in->image = kind == FEN_ARRAY_IMAGE ? PETSC_TRUE : PETSC_FALSE;
  FEN_CHECK(in->image || !source->resize[0], in->comm, FEN_ERR_OPTION,
            "%s is not an image; rule: only images are resized", in->name);
  for (PetscInt k = 0; k < in->naxes; k++)
    FEN_CHECK(in->shape[k] > 0, in->comm, FEN_ERR_VALUE, "%s: no entries; rule: a measure has at least one point",
              in->name);
  if (source->kind == FEN_SOURCE_COLOURS)
    PetscCall(FenReadColours(in, source->resize, measure));
  else if (source->kind == FEN_SOURCE_POINTS)
    PetscCall(FenReadCloud(in, measure));
  else if (in->image)
    PetscCall(FenReadImageDensity(in, source, measure));
  else
    PetscCall(FenReadDensity(in, source, kind, measure));
  PetscCall(FenMeasureSetName(*measure, in->name));
  if (in->image && (*measure)->kind == FEN_MEASURE_GRID)
    PetscCall(FenMeasureNormalize_Private(*measure));
  PetscFunctionReturn(0);
}

/* an array of any file type; the file is closed also when it is refused */
static PetscErrorCode FenReadArrayFile(MPI_Comm comm, const FenMeasureSource *source, const char spec[],
                                       FenMeasure *measure)
{
  FenInput       in = {.comm = comm, .name = spec};
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenArrayOpen(comm, spec, source->nshape, source->shape, &in.array));
  code = FenReadInput(&in, source, measure);
  PetscCall(FenArrayClose(&in.array));
  PetscCall(FenLayoutDestroy(&in.layout));
  PetscCall(PetscFree(in.values));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* a group is read here, anything else is left to the reader of arrays */
static PetscErrorCode FenReadGroupFile(MPI_Comm comm, const FenMeasureSource *source, const char file[],
                                       const char path[], const char spec[], FenMeasure *measure)
{
  FenMeasureGroup group = {.comm = comm, .source = source, .path = path, .name = spec};
  FenDataInfo     info = {FEN_DATA_OTHER, 0, {0}};
  PetscErrorCode  code;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(comm, file, FEN_FILE_READ, &group.file));
  code = FenFileGetInfo(group.file, path, &info);
  if (!code && info.type == FEN_DATA_GROUP)
    code = FenMeasureReadGroup_Private(&group, measure);
  PetscCall(FenFileClose(&group.file));
  PetscCall(FenLayoutDestroy(&group.layout));
  PetscCall(PetscFree(group.points));
  PetscCall(PetscFree(group.weights));
  PetscCall(code);
  FEN_CHECK(info.type != FEN_DATA_GROUP || !source->resize[0], comm, FEN_ERR_OPTION,
            "%s is not an image; rule: only images are resized", spec);
  if (info.type != FEN_DATA_GROUP)
    PetscCall(FenReadArrayFile(comm, source, spec, measure));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenSourceCheck(MPI_Comm comm, const FenMeasureSource *source)
{
  PetscFunctionBegin;
  FEN_CHECK(source->spec[0], comm, FEN_ERR_USAGE, "no file is named");
  FEN_CHECK(source->kind >= FEN_SOURCE_AUTO && source->kind <= FEN_SOURCE_COLOURS, comm, FEN_ERR_USAGE,
            "kind %d of an input is not known", source->kind);
  FEN_CHECK((source->resize[0] > 0 && source->resize[1] > 0) || (!source->resize[0] && !source->resize[1]), comm,
            FEN_ERR_OPTION, "new size %" FENINT_FMT " x %" FENINT_FMT " of an image; rule: both are positive",
            source->resize[0], source->resize[1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadSource(MPI_Comm comm, const FenMeasureSource *source, FenMeasure *measure)
{
  char      file[PETSC_MAX_PATH_LEN], path[FEN_GROUP_PATH], spec[FEN_MEASURE_NAME];
  PetscBool hdf5;

  PetscFunctionBegin;
  PetscCall(FenSourceCheck(comm, source));
  PetscCall(FenPathSplit(source->spec, file, sizeof(file), path, sizeof(path)));
  PetscCall(FenPathIsHDF5(comm, file, &hdf5));
  if (hdf5) {
    if (!path[0])
      PetscCall(PetscStrncpy(path, source->default_path[0] ? source->default_path : "/", sizeof(path)));
    PetscCall(PetscSNPrintf(spec, sizeof(spec), "%s:%s", file, path));
    PetscCall(FenReadGroupFile(comm, source, file, path, spec, measure));
  } else
    PetscCall(FenReadArrayFile(comm, source, source->spec, measure));
  FEN_CHECK(!source->nranks || (*measure)->kind == FEN_MEASURE_GRID, comm, FEN_ERR_OPTION,
            "%s is made of points; rule: ranks are given along the axes of grids", source->spec);
  if (source->allow_any_mass)
    PetscCall(FenMeasureNormalize_Private(*measure));
  PetscFunctionReturn(0);
}

/*@C
  FenMeasureRead - Reads a measure from a file.

  Collective

  Input Parameters:
+ comm   - the ranks that share the measure
- source - what to read, and how

  Output Parameter:
. measure - the measure, with the source's name

  Notes:
  `source->spec` is FILE or FILE:/path. By content it is
.vb
   an image                      a density on a grid of unit spacing: grey value or luminance (BT.709) of every pixel
   an array of one to three axes a density on a grid of unit spacing
   an HDF5 group with points     weights[n] and points[n x d]
   an HDF5 group without points  weights, with shape, spacing (1) and origin (0) lists, on a grid
.ve
  An HDF5 file without a path takes `source->default_path`. `source->kind` 1 reads an array of n x d as points of equal
  weights, kind 3 the colours of an image's pixels as points in the unit cube, of equal weights. `source->resize`
averages images over the pixels of a coarser or finer image. Densities of images are always scaled to mass one, others
if `source->allow_any_mass` is set. A grid is cut into blocks as `FenLayoutCreateBlocks()` does, or over the grid of
ranks `source->ranks`, of `source->nranks` axes.

  Errors:
  `FEN_ERR_FILE_OPEN`, `FEN_ERR_FILE_FORMAT`, `FEN_ERR_FILE_MISSING` for files, `FEN_ERR_SHAPE` for sizes that do not
fit, `FEN_ERR_VALUE` for coordinates that are not finite and an image that is black, `FEN_ERR_OPTION` for a kind that
the file cannot be.

  Level: beginner

.seealso: `FenMeasureBalance()`, `FenMeasureCreatePoints()`, `FenMeasureCreateGrid()`, `FenArrayOpen()`
@*/
PetscErrorCode FenMeasureRead(MPI_Comm comm, const FenMeasureSource *source, FenMeasure *measure)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  *measure = NULL;
  code = FenReadSource(comm, source, measure);
  if (code)
    PetscCall(FenMeasureDestroy(measure));
  PetscCall(code);
  PetscFunctionReturn(0);
}
