/* SPDX-License-Identifier: BSD-2-Clause */
/*
   XDMF side file: tells ParaView and VisIt where the point data of regular grids are in an HDF5 file.
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

static PetscErrorCode PutField(FenText *t, const char h5[], PetscInt dim, const FenXDMFField *f)
{
  PetscFunctionBegin;
  PetscCall(FenTextPut_Private(t, "<Attribute Name=\""));
  PetscCall(PutEscaped(t, f->name));
  PetscCall(FenTextPut_Private(t, "\" Center=\"Node\" AttributeType=\"%s\">\n<DataItem Dimensions=\"",
                               f->ncomp > 1 ? "Vector" : "Scalar"));
  for (PetscInt a = 0; a < dim; a++)
    PetscCall(FenTextPut_Private(t, "%s%" FENINT_FMT, a ? " " : "", f->shape[a]));
  if (f->ncomp > 0)
    PetscCall(FenTextPut_Private(t, " %" PetscInt_FMT, f->ncomp));
  PetscCall(FenTextPut_Private(t, "\" NumberType=\"Float\" Precision=\"8\" Format=\"HDF\">"));
  PetscCall(PutEscaped(t, h5));
  PetscCall(FenTextPut_Private(t, ":"));
  PetscCall(PutEscaped(t, f->path));
  PetscCall(FenTextPut_Private(t, "</DataItem>\n</Attribute>\n"));
  PetscFunctionReturn(0);
}

static PetscBool SameGrid(PetscInt dim, const FenXDMFField *a, const FenXDMFField *b)
{
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
    PetscCall(PutGeometry(t, dim, &fields[i]));
    for (PetscInt j = i; j < n; j++)
      if (SameGrid(dim, &fields[i], &fields[j]))
        PetscCall(PutField(t, h5, dim, &fields[j]));
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

/*@C
  FenXDMFWrite - writes the side file by which ParaView and VisIt open grid results

  Collective

  Input Parameters:
+ comm    - the ranks that call; rank 0 writes
. xmf     - the side file; an earlier one is replaced
. h5      - the HDF5 file
. dim     - axes of the grids, 1 to 3
. nfields - number of fields
- fields  - name, data set, components (0 or 1: scalar without or with an axis of length one), grid

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenFileWriteArray()
@*/
PetscErrorCode FenXDMFWrite(MPI_Comm comm, const char xmf[], const char h5[], PetscInt dim, PetscInt nfields,
                            const FenXDMFField fields[])
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
    PetscCall(PutGrids(&t, RelativeName(xmf, h5), dim, nfields, fields));
    PetscCall(FenTextPut_Private(&t, "</Domain>\n</Xdmf>\n"));
    err = FenPosixReplaceText_Private(xmf, t.text, t.used);
    if (err)
      FenFaultSet(&fault, FEN_ERR_FILE_WRITE, "file '%s' cannot be written: %s", xmf, strerror(err));
    PetscCall(PetscFree(t.text));
  }
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}
