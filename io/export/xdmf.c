/* SPDX-License-Identifier: BSD-2-Clause */
/*
   XDMF side file: tells ParaView and VisIt where the point data of regular grids and of clouds are in an HDF5 file.
   Format: version 3 of the eXtensible Data Model and Format.
*/
#include "../ioimpl.h"
#include <errno.h>
#include <string.h>

/* names are data: no mark-up in them */
static PetscErrorCode PutEscaped(FenText *t, const char name[])
{
  PetscFunctionBegin;
  for (const char *p = name; *p; p++) {
    if (strchr("<>&\"'", *p) || (unsigned char)*p < 32)
      PetscCall(FenTextPut_Private(t, "&#%d;", (int)(unsigned char)*p));
    else
      PetscCall(FenTextPut_Private(t, "%c", *p));
  }
  PetscFunctionReturn(0);
}

/* three axes always, the first ones of length one: readers know that kind of grid best */
static PetscErrorCode PutGeometry(FenText *t, PetscInt dim, const FenXDMFField *f)
{
  const PetscInt pad = 3 - dim;

  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<Topology TopologyType=\"3DCoRectMesh\" Dimensions=\""));
  for (PetscInt a = 0; a < 3; a++)
    PetscCall(FenTextPut_Private(t, "%s%" FENINT_FMT, a ? " " : "", a < pad ? 1 : f->shape[a - pad]));
  PetscCall(FenTextPut_Private(t, "\"/>\n<Geometry GeometryType=\"ORIGIN_DXDYDZ\">\n"
                                  "<DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">"));
  for (PetscInt a = 0; a < 3; a++)
    PetscCall(FenTextPut_Private(t, "%s%.17g", a ? " " : "", a < pad ? 0. : f->origin[a - pad]));
  PetscCall(FenTextPut_Private(
      t, "</DataItem>\n<DataItem Dimensions=\"3\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">"));
  for (PetscInt a = 0; a < 3; a++)
    PetscCall(FenTextPut_Private(t, "%s%.17g", a ? " " : "", a < pad ? 1. : f->spacing[a - pad]));
  PetscCall(FenTextPut_Private(t, "</DataItem>\n</Geometry>\n"));
  PetscFunctionReturn(0);
}

/* every point is a cell of its own */
static PetscErrorCode PutCloud(FenText *t, const char h5[], PetscInt dim, const FenXDMFField *f)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t,
                               "<Topology TopologyType=\"Polyvertex\" NumberOfElements=\"%" FENINT_FMT
                               "\"/>\n<Geometry GeometryType=\"%s\">\n<DataItem Dimensions=\"%" FENINT_FMT
                               " %" PetscInt_FMT "\" NumberType=\"Float\" Precision=\"8\" Format=\"HDF\">",
                               f->shape[0], dim == 2 ? "XY" : "XYZ", f->shape[0], dim));
  PetscCall(PutEscaped(t, h5));
  PetscCall(FenTextPut_Private(t, ":"));
  PetscCall(PutEscaped(t, f->points));
  PetscCall(FenTextPut_Private(t, "</DataItem>\n</Geometry>\n"));
  PetscFunctionReturn(0);
}

/* lengths of the axes, ones before them, the components behind them */
static PetscErrorCode PutShape(FenText *t, PetscInt ones, PetscInt axes, const FenXDMFField *f)
{
  PetscFunctionBegin;
  for (PetscInt a = 0; a < ones; a++)
    PetscCall(FenTextPut_Private(t, "1 "));
  for (PetscInt a = 0; a < axes; a++)
    PetscCall(FenTextPut_Private(t, "%s%" FENINT_FMT, a ? " " : "", f->shape[a]));
  if (f->ncomp > 0)
    PetscCall(FenTextPut_Private(t, " %" PetscInt_FMT, f->ncomp));
  PetscFunctionReturn(0);
}

/* starts and strides of a slab that is the whole array */
static PetscErrorCode PutWhole(FenText *t, PetscInt rank)
{
  PetscFunctionBegin;
  for (PetscInt a = 0; a < 2 * rank; a++)
    PetscCall(FenTextPut_Private(t, a < rank ? "0 " : "1 "));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutData(FenText *t, const char h5[], PetscInt axes, const FenXDMFField *f)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<DataItem Dimensions=\""));
  PetscCall(PutShape(t, 0, axes, f));
  PetscCall(FenTextPut_Private(t, "\" NumberType=\"Float\" Precision=\"8\" Format=\"HDF\">"));
  PetscCall(PutEscaped(t, h5));
  PetscCall(FenTextPut_Private(t, ":"));
  PetscCall(PutEscaped(t, f->path));
  PetscCall(FenTextPut_Private(t, "</DataItem>\n"));
  PetscFunctionReturn(0);
}

/* an array with fewer axes than its mesh is read wrongly; as a slab it gets the mesh's axes */
static PetscErrorCode PutField(FenText *t, const char h5[], PetscInt dim, const FenXDMFField *f)
{
  const PetscInt axes = f->points ? 1 : dim, ones = f->points ? 0 : 3 - dim, rank = axes + (f->ncomp > 0 ? 1 : 0);

  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<Attribute Name=\""));
  PetscCall(PutEscaped(t, f->name));
  PetscCall(FenTextPut_Private(t, "\" Center=\"Node\" AttributeType=\"%s\">\n", f->ncomp > 1 ? "Vector" : "Scalar"));
  if (ones) {
    PetscCall(FenTextPut_Private(t, "<DataItem ItemType=\"HyperSlab\" Type=\"HyperSlab\" Dimensions=\""));
    PetscCall(PutShape(t, ones, axes, f));
    PetscCall(FenTextPut_Private(t, "\">\n<DataItem Dimensions=\"3 %d\" Format=\"XML\">", (int)rank));
    PetscCall(PutWhole(t, rank));
    PetscCall(PutShape(t, 0, axes, f));
    PetscCall(FenTextPut_Private(t, "</DataItem>\n"));
  }
  PetscCall(PutData(t, h5, axes, f));
  PetscCall(FenTextPut_Private(t, ones ? "</DataItem>\n</Attribute>\n" : "</Attribute>\n"));
  PetscFunctionReturn(0);
}

static PetscBool SameGrid(PetscInt dim, const FenXDMFField *a, const FenXDMFField *b)
{
  if (a->points || b->points)
    return a->points && b->points && !strcmp(a->points, b->points) ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt k = 0; k < dim; k++)
    if (a->shape[k] != b->shape[k] || a->origin[k] != b->origin[k] || a->spacing[k] != b->spacing[k])
      return PETSC_FALSE;
  return PETSC_TRUE;
}

/* fields on the same grid go together; several grids make a collection */
static PetscErrorCode PutGrids(FenText *t, const char h5[], PetscInt dim, PetscInt n, const FenXDMFField fields[])
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<Grid Name=\"fenchel\" GridType=\"Collection\" CollectionType=\"Spatial\">\n"));
  for (PetscInt i = 0; i < n; i++) {
    PetscInt first = 0;
    while (!SameGrid(dim, &fields[first], &fields[i]))
      first++;
    if (first < i)
      continue;
    PetscCall(FenTextPut_Private(t, "<Grid Name=\""));
    PetscCall(PutEscaped(t, fields[i].name));
    PetscCall(FenTextPut_Private(t, "\" GridType=\"Uniform\">\n"));
    if (fields[i].points)
      PetscCall(PutCloud(t, h5, dim, &fields[i]));
    else
      PetscCall(PutGeometry(t, dim, &fields[i]));
    for (PetscInt j = i; j < n; j++)
      if (SameGrid(dim, &fields[i], &fields[j]))
        PetscCall(PutField(t, h5, dim, &fields[j]));
    PetscCall(FenTextPut_Private(t, "</Grid>\n"));
  }
  PetscCall(FenTextPut_Private(t, "</Grid>\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode PutSeries(FenText *t, const char h5[], PetscInt dim, PetscInt n, const FenXDMFField fields[])
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<Grid Name=\"fenchel\" GridType=\"Collection\" CollectionType=\"Temporal\">\n"));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(FenTextPut_Private(t, "<Grid Name=\"step%" PetscInt_FMT "\" GridType=\"Uniform\">\n", i));
    PetscCall(FenTextPut_Private(t, "<Time Value=\"%.17g\"/>\n", fields[i].time));
    PetscCall(PutGeometry(t, dim, &fields[i]));
    PetscCall(PutField(t, h5, dim, &fields[i]));
    PetscCall(FenTextPut_Private(t, "</Grid>\n"));
  }
  PetscCall(FenTextPut_Private(t, "</Grid>\n"));
  PetscFunctionReturn(0);
}

/* the side file names the HDF5 file by its own folder, so that both can be moved together */
static const char *RelativeName(const char xmf[], const char h5[])
{
  char        a[PETSC_MAX_PATH_LEN], b[PETSC_MAX_PATH_LEN];
  const char *slash = strrchr(h5, '/');

  FenPosixFolder_Private(xmf, a, sizeof(a));
  FenPosixFolder_Private(h5, b, sizeof(b));
  return slash && !strcmp(a, b) ? slash + 1 : h5;
}

static PetscErrorCode Write(MPI_Comm comm, const char xmf[], const char h5[], PetscInt dim, PetscInt n,
                            const FenXDMFField fields[],
                            PetscErrorCode (*put)(FenText *, const char[], PetscInt, PetscInt, const FenXDMFField[]))
{
  FenText     t = {NULL, 0, 0};
  FenFault    fault = {0};
  PetscMPIInt rank;
  int         err;

  PetscFunctionBegin;
  PetscCheck(dim >= 1 && dim <= 3, comm, FEN_ERR_SHAPE, "a grid of %" PetscInt_FMT " axes, 1 to 3 are supported", dim);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    PetscCall(FenTextPut_Private(&t, "<?xml version=\"1.0\"?>\n<Xdmf Version=\"3.0\">\n<Domain>\n"));
    PetscCall((*put)(&t, RelativeName(xmf, h5), dim, n, fields));
    PetscCall(FenTextPut_Private(&t, "</Domain>\n</Xdmf>\n"));
    err = FenPosixReplaceText_Private(xmf, t.text, t.used);
    if (err)
      FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", xmf, strerror(err));
    PetscCall(PetscFree(t.text));
  }
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}

/*@C
  FenXDMFWrite - writes the side file by which ParaView and VisIt open grid results

  Collective

  Input Parameters:
+ comm    - the ranks that call; rank 0 writes
. xmf     - the side file; an earlier one is replaced
. h5      - the HDF5 file
. dim     - axes of the grids, 1 to 3
. nfields - number of fields
- fields  - name, data set, components (0 or 1: scalar without or with an axis of length one), grid or cloud. Vectors
            should have three components, x (the fastest axis of a grid) first

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenFileWriteArray()
@*/
PetscErrorCode FenXDMFWrite(MPI_Comm comm, const char xmf[], const char h5[], PetscInt dim, PetscInt nfields,
                            const FenXDMFField fields[])
{
  PetscFunctionBegin;
  PetscCall(Write(comm, xmf, h5, dim, nfields, fields, PutGrids));
  PetscFunctionReturn(0);
}

/*@C
  FenXDMFWriteSeries - writes the side file by which ParaView and VisIt open fields as steps in time

  Collective

  Input Parameters:
+ comm    - the ranks that call; rank 0 writes
. xmf     - the side file; an earlier one is replaced
. h5      - the HDF5 file
. dim     - axes of the grids, 1 to 3
. nfields - number of steps
- fields  - one for each step, with its time

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: `FenXDMFWrite()`
@*/
PetscErrorCode FenXDMFWriteSeries(MPI_Comm comm, const char xmf[], const char h5[], PetscInt dim, PetscInt nfields,
                                  const FenXDMFField fields[])
{
  PetscFunctionBegin;
  PetscCall(Write(comm, xmf, h5, dim, nfields, fields, PutSeries));
  PetscFunctionReturn(0);
}
