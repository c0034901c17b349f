/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Attributes: one number or one text each. Rank 0's value is written; all ranks read the same.
*/
#include "h5impl.h"
#include <string.h>

#define MAX_TEXT ((size_t)1 << 20)

static herr_t AppendAttribute(hid_t object, const char name[], const H5A_info_t *info, void *ctx)
{
  char        *text = (char *)ctx;
  const size_t used = strlen(text);

  (void)object, (void)info;
  return PetscSNPrintf(text + used, 256 - used, "%s%s", used ? ", " : "", name) ? -1 : 0;
}

/* opens object and attribute; local */
static PetscErrorCode OpenAttribute(FenFile file, const char path[], const char name[], hid_t *object, hid_t *attribute,
                                    FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  htri_t           exists = 0;
  herr_t           code;
  char             names[256] = "";
  hsize_t          index = 0;

  PetscFunctionBegin;
  *attribute = H5I_INVALID_HID;
  PetscCall(FenH5OpenObject_Private(file, path, object, fault));
  FenCallH5(&where, fault, exists, H5Aexists(*object, name));
  if (!fault->code && !exists) {
    FenCallH5(&where, fault, code, H5Aiterate2(*object, H5_INDEX_NAME, H5_ITER_INC, &index, AppendAttribute, names));
    FenFaultSet(fault, FEN_ERR_FILE_MISSING, "file '%s': '%s' has no attribute '%s'; it has %s", file->name, path, name,
                *names ? names : "none");
  }
  FenCallH5(&where, fault, *attribute, H5Aopen(*object, name, H5P_DEFAULT));
  PetscFunctionReturn(0);
}

/*@
  FenFileHasAttribute - does an object have an attribute of this name?

  Collective

  Input Parameters:
+ file - the file
. path - the object, "/" for the root
- name - the attribute

  Output Parameter:
. has - PETSC_FALSE also if there is no such object

  Level: beginner

.seealso: FenFileReadRealAttribute()
@*/
PetscErrorCode FenFileHasAttribute(FenFile file, const char path[], const char name[], PetscBool *has)
{
  FenFault fault = {0};
  hid_t    object = H5I_INVALID_HID, attribute = H5I_INVALID_HID;

  PetscFunctionBegin;
  *has = PETSC_FALSE;
  if (FenH5Answers_Private(file)) {
    PetscCall(OpenAttribute(file, path, name, &object, &attribute, &fault));
    *has = fault.code ? PETSC_FALSE : PETSC_TRUE;
    if (fault.code == FEN_ERR_FILE_MISSING)
      fault.code = 0;
    FenH5Release_Private(&attribute);
    FenH5Release_Private(&object);
  }
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscCallMPI(MPI_Bcast(has, (int)sizeof(*has), MPI_BYTE, 0, file->comm));
  PetscFunctionReturn(0);
}

/* one number of the given class */
static PetscErrorCode ReadNumber(FenFile file, const char path[], const char name[], hid_t type, PetscBool integer,
                                 void *value)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  hid_t            object = H5I_INVALID_HID, id = H5I_INVALID_HID, space = H5I_INVALID_HID, stored = H5I_INVALID_HID;
  int64_t          n = 0;
  H5T_class_t class = H5T_NO_CLASS;
  herr_t code;

  PetscFunctionBegin;
  if (FenH5Answers_Private(file)) {
    PetscCall(OpenAttribute(file, path, name, &object, &id, &fault));
    FenCallH5(&where, &fault, space, H5Aget_space(id));
    FenCallH5(&where, &fault, n, H5Sget_simple_extent_npoints(space));
    FenCallH5(&where, &fault, stored, H5Aget_type(id));
    FenCallH5(&where, &fault, class, H5Tget_class(stored));
    if (!fault.code && (n != 1 || (class != H5T_INTEGER && (integer || class != H5T_FLOAT))))
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "file '%s': attribute '%s' of '%s' is not one %s", file->name, name,
                  path, integer ? "integer" : "number");
    FenCallH5(&where, &fault, code, H5Aread(id, type, value));
    FenH5Release_Private(&stored);
    FenH5Release_Private(&space);
    FenH5Release_Private(&id);
    FenH5Release_Private(&object);
  }
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscCallMPI(MPI_Bcast(value, 8, MPI_BYTE, 0, file->comm));
  PetscFunctionReturn(0);
}

/* makes the attribute afresh; all ranks with the same value */
static PetscErrorCode WriteAttribute(FenFile file, const char path[], const char name[], hid_t type, const void *value)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  hid_t            object = H5I_INVALID_HID, id = H5I_INVALID_HID, space = H5I_INVALID_HID;
  htri_t           exists = 0;
  herr_t           code;

  PetscFunctionBegin;
  PetscCall(FenFileCheckWritable_Private(file, path));
  PetscCall(FenH5OpenObject_Private(file, path, &object, &fault));
  FenCallH5(&where, &fault, exists, H5Aexists(object, name));
  if (exists)
    FenCallH5(&where, &fault, code, H5Adelete(object, name));
  FenCallH5(&where, &fault, space, H5Screate(H5S_SCALAR));
  FenCallH5(&where, &fault, id, H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  FenCallH5(&where, &fault, code, H5Awrite(id, type, value));
  FenH5Release_Private(&id);
  FenH5Release_Private(&space);
  FenH5Release_Private(&object);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadRealAttribute - reads an attribute that is one number

  Collective

  Input Parameters:
+ file - the file
. path - the object, "/" for the root
- name - the attribute

  Output Parameter:
. value - the number

  Errors: FEN_ERR_FILE_MISSING naming what is there, FEN_ERR_FILE_FORMAT

  Level: beginner

.seealso: FenFileWriteRealAttribute()
@*/
PetscErrorCode FenFileReadRealAttribute(FenFile file, const char path[], const char name[], double *value)
{
  PetscFunctionBegin;
  PetscCall(ReadNumber(file, path, name, H5T_NATIVE_DOUBLE, PETSC_FALSE, value));
  PetscFunctionReturn(0);
}

/*@
  FenFileReadIntAttribute - reads an attribute that is one integer

  Collective

  Input Parameters:
+ file - the file
. path - the object, "/" for the root
- name - the attribute

  Output Parameter:
. value - the integer

  Errors: FEN_ERR_FILE_MISSING naming what is there, FEN_ERR_FILE_FORMAT

  Level: beginner

.seealso: FenFileWriteIntAttribute()
@*/
PetscErrorCode FenFileReadIntAttribute(FenFile file, const char path[], const char name[], FenInt *value)
{
  PetscFunctionBegin;
  PetscCall(ReadNumber(file, path, name, H5T_NATIVE_INT64, PETSC_TRUE, value));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteRealAttribute - writes an attribute that is one number; rank 0's counts

  Collective

  Input Parameters:
+ file  - a file that is written
. path  - the object, "/" for the root
. name  - the attribute; an earlier one is replaced
- value - the number

  Errors: FEN_ERR_FILE_WRITE

  Level: beginner

.seealso: FenFileReadRealAttribute()
@*/
PetscErrorCode FenFileWriteRealAttribute(FenFile file, const char path[], const char name[], double value)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_DOUBLE, 0, file->comm));
  PetscCall(WriteAttribute(file, path, name, H5T_NATIVE_DOUBLE, &value));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteIntAttribute - writes an attribute that is one integer; rank 0's counts

  Collective

  Input Parameters:
+ file  - a file that is written
. path  - the object, "/" for the root
. name  - the attribute; an earlier one is replaced
- value - the integer

  Errors: FEN_ERR_FILE_WRITE

  Level: beginner

.seealso: FenFileReadIntAttribute()
@*/
PetscErrorCode FenFileWriteIntAttribute(FenFile file, const char path[], const char name[], FenInt value)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_FENINT, 0, file->comm));
  PetscCall(WriteAttribute(file, path, name, H5T_NATIVE_INT64, &value));
  PetscFunctionReturn(0);
}

/* fixed and variable length; the caller has n bytes */
static void ReadText(const FenH5Where *where, const char name[], hid_t id, char text[], size_t n, FenFault *fault)
{
  hid_t   stored = H5I_INVALID_HID, memory = H5I_INVALID_HID, space = H5I_INVALID_HID;
  int64_t size = 0, count = 0;
  htri_t  variable = 0;
  char   *words = NULL;
  herr_t  code;
  H5T_class_t class = H5T_NO_CLASS;

  FenCallH5(where, fault, stored, H5Aget_type(id));
  FenCallH5(where, fault, class, H5Tget_class(stored));
  FenCallH5(where, fault, space, H5Aget_space(id));
  FenCallH5(where, fault, count, H5Sget_simple_extent_npoints(space));
  if (!fault->code && (class != H5T_STRING || count != 1))
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': attribute '%s' of '%s' is not one text", where->file, name,
                where->path);
  FenCallH5(where, fault, variable, H5Tis_variable_str(stored));
  if (!fault->code && variable) {
    FenCallH5(where, fault, memory, H5Tcopy(stored));
    FenCallH5(where, fault, code, H5Aread(id, memory, &words));
    size = words ? (int64_t)strnlen(words, MAX_TEXT) : 0;
  } else if (!fault->code)
    FenCallH5(where, fault, size, H5Tget_size(stored));
  if (!fault->code && (size_t)size >= n && (variable || (size_t)size > MAX_TEXT))
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                "file '%s': attribute '%s' of '%s' is a text of %" PRId64 " bytes, at most %zu are expected",
                where->file, name, where->path, size, n - 1);
  if (!fault->code && !variable) {
    char *buffer = NULL;
    if (PetscCalloc1((size_t)size + 1, &buffer) == 0) {
      FenCallH5(where, fault, code, H5Aread(id, stored, buffer));
      if (strlen(buffer) >= n)
        FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': attribute '%s' of '%s' is longer than %zu bytes",
                    where->file, name, where->path, n - 1);
      (void)PetscStrncpy(text, buffer, n);
    }
    (void)PetscFree(buffer);
  } else if (!fault->code && words)
    (void)PetscStrncpy(text, words, n);
  if (words)
    (void)H5free_memory(words);
  FenH5Release_Private(&memory);
  FenH5Release_Private(&space);
  FenH5Release_Private(&stored);
}

/*@
  FenFileReadStringAttribute - reads an attribute that is one text

  Collective

  Input Parameters:
+ file - the file
. path - the object, "/" for the root
. name - the attribute
- n    - size of text

  Output Parameter:
. text - the text, ending with 0

  Errors: FEN_ERR_FILE_MISSING naming what is there, FEN_ERR_FILE_FORMAT (no text, or too long)

  Level: beginner

.seealso: FenFileWriteStringAttribute()
@*/
PetscErrorCode FenFileReadStringAttribute(FenFile file, const char path[], const char name[], char text[], size_t n)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  hid_t            object = H5I_INVALID_HID, id = H5I_INVALID_HID;
  PetscMPIInt      count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast((FenInt)n, &count));
  PetscCall(PetscMemzero(text, n));
  if (FenH5Answers_Private(file)) {
    PetscCall(OpenAttribute(file, path, name, &object, &id, &fault));
    ReadText(&where, name, id, text, n, &fault);
    FenH5Release_Private(&id);
    FenH5Release_Private(&object);
  }
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscCallMPI(MPI_Bcast(text, count, MPI_CHAR, 0, file->comm));
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteStringAttribute - writes an attribute that is one text of fixed length in UTF-8; rank 0's counts

  Collective

  Input Parameters:
+ file - a file that is written
. path - the object, "/" for the root
. name - the attribute; an earlier one is replaced
- text - the text

  Errors: FEN_ERR_FILE_WRITE

  Level: beginner

.seealso: FenFileReadStringAttribute()
@*/
PetscErrorCode FenFileWriteStringAttribute(FenFile file, const char path[], const char name[], const char text[])
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  FenInt           n = (FenInt)strlen(text) + 1;
  PetscMPIInt      count;
  hid_t            type = H5I_INVALID_HID;
  herr_t           code;
  char            *copy;
  PetscErrorCode   ierr;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&n, 1, MPI_FENINT, 0, file->comm));
  PetscCall(FenMPIIntCast(n, &count));
  PetscCall(PetscCalloc1((size_t)n, &copy));
  if (!file->rank)
    PetscCall(PetscStrncpy(copy, text, (size_t)n));
  PetscCallMPI(MPI_Bcast(copy, count, MPI_CHAR, 0, file->comm));
  FenCallH5(&where, &fault, type, H5Tcopy(H5T_C_S1));
  FenCallH5(&where, &fault, code, H5Tset_size(type, (size_t)PetscMax(n - 1, 1)));
  FenCallH5(&where, &fault, code, H5Tset_strpad(type, H5T_STR_NULLPAD));
  FenCallH5(&where, &fault, code, H5Tset_cset(type, H5T_CSET_UTF8));
  PetscCall(FenFileAgree_Private(file, &fault));
  ierr = WriteAttribute(file, path, name, type, copy);
  FenH5Release_Private(&type);
  PetscCall(PetscFree(copy));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}
