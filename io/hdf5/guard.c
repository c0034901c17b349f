/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Files come from strangers: objects are reached through ordinary links only, data sets hold their own data and are
   packed with filters that HDF5 itself has. External links, external storage, virtual data sets and soft links out of
   their group are refused by name.
*/
#include "h5impl.h"
#include <string.h>

#define MAX_NAMES 100000 /* in one group */
#define MAX_SOFT  8      /* soft links that follow each other */

typedef struct {
  PetscInt n, capacity;
  char   **names;
} NameList;

static herr_t AppendName(hid_t group, const char name[], const H5L_info_t *info, void *ctx)
{
  NameList *list = (NameList *)ctx;

  (void)group, (void)info;
  if (list->n == list->capacity) {
    const PetscInt capacity = 2 * list->capacity + 16;
    char         **names;
    if (capacity > 2 * MAX_NAMES || PetscMalloc1(capacity, &names))
      return -1;
    if (list->n)
      (void)PetscArraycpy(names, list->names, list->n);
    (void)PetscFree(list->names);
    list->names = names;
    list->capacity = capacity;
  }
  return PetscStrallocpy(name, &list->names[list->n++]) ? -1 : 0;
}

PetscErrorCode FenH5ListNames_Private(const FenH5Where *where, hid_t group, PetscInt *n, char ***names, FenFault *fault)
{
  NameList list = {0, 0, NULL};
  herr_t   code;

  PetscFunctionBegin;
  FenCallH5(where, fault, code, H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, AppendName, &list));
  *n = list.n;
  *names = list.names;
  PetscFunctionReturn(0);
}

PetscErrorCode FenH5FreeNames_Private(PetscInt n, char ***names)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++)
    PetscCall(PetscFree((*names)[i]));
  PetscCall(PetscFree(*names));
  PetscFunctionReturn(0);
}

/* what was asked for is not there: name what is */
static PetscErrorCode FaultMissing(FenFile file, const char path[], const char parent[], const char name[],
                                   FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, parent);
  hid_t            group = H5I_INVALID_HID;
  PetscInt         n = 0;
  char           **names = NULL, near[256];
  FenFault         quiet = {0};

  PetscFunctionBegin;
  FenCallH5(&where, &quiet, group, H5Oopen(file->id, parent, H5P_DEFAULT));
  PetscCall(FenH5ListNames_Private(&where, group, &n, &names, &quiet));
  PetscCall(FenNearestNames_Private(name, n, names, near, sizeof(near)));
  FenFaultSet(fault, FEN_ERR_FILE_MISSING, "file '%s' has no '%s': there is no '%s' in group '%s', %s%s", file->name,
              path, name, parent, n ? "the nearest names are " : "which is empty", near);
  PetscCall(FenH5FreeNames_Private(n, &names));
  FenH5Release_Private(&group);
  PetscFunctionReturn(0);
}

/* a soft link may name a sibling; anything else could leave the group */
static void FollowSoft(const FenH5Where *where, hid_t file, char link[], size_t n, size_t value_size, FenFault *fault)
{
  char   value[PETSC_MAX_PATH_LEN] = "";
  herr_t code;
  char  *last = strrchr(link, '/') + 1;

  if (value_size >= sizeof(value)) {
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': the soft link '%s' is too long", where->file, link);
    return;
  }
  FenCallH5(where, fault, code, H5Lget_val(file, link, value, sizeof(value), H5P_DEFAULT));
  if (fault->code)
    return;
  if (!*value || strchr(value, '/') || (size_t)(last - link) + strlen(value) >= n)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': '%s' is a soft link to '%.200s', out of its group; refused",
                where->file, link, value);
  else
    (void)PetscStrncpy(last, value, n - (size_t)(last - link));
}

/* the link at the end of `link` exists and is ordinary, perhaps behind soft links to siblings, which are resolved */
static void CheckLink(const FenH5Where *where, hid_t file, char link[], size_t n, PetscBool *exists, FenFault *fault)
{
  H5L_info_t info = {.type = H5L_TYPE_ERROR};
  htri_t     there = 0;
  herr_t     code;

  for (int depth = 0; depth < MAX_SOFT; depth++) {
    FenCallH5(where, fault, there, H5Lexists(file, link, H5P_DEFAULT));
    *exists = there > 0 ? PETSC_TRUE : PETSC_FALSE;
    if (fault->code || !*exists)
      return;
    FenCallH5(where, fault, code, H5Lget_info(file, link, &info, H5P_DEFAULT));
    if (fault->code || info.type == H5L_TYPE_HARD)
      return;
    if (info.type != H5L_TYPE_SOFT) {
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': '%s' is %s; refused", where->file, link,
                  info.type == H5L_TYPE_EXTERNAL ? "an external link, to another file" : "a user-defined link");
      return;
    }
    FollowSoft(where, file, link, n, info.u.val_size, fault);
    if (fault->code)
      return;
  }
  FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': '%s' is a circle of soft links", where->file, link);
}

/* walks down the path, checking every link; local */
PetscErrorCode FenH5OpenObject_Private(FenFile file, const char path[], hid_t *id, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  char             link[2 * PETSC_MAX_PATH_LEN] = "", parent[2 * PETSC_MAX_PATH_LEN], name[PETSC_MAX_PATH_LEN];
  const char      *p = path;
  PetscBool        exists = PETSC_TRUE;

  PetscFunctionBegin;
  *id = H5I_INVALID_HID;
  PetscCheck(strlen(path) < PETSC_MAX_PATH_LEN, PETSC_COMM_SELF, FEN_ERR_USAGE, "the path '%.100s...' is too long",
             path);
  while (!fault->code) {
    p += strspn(p, "/");
    if (!*p)
      break;
    PetscCall(PetscStrncpy(name, p, strcspn(p, "/") + 1));
    p += strlen(name);
    PetscCall(PetscStrncpy(parent, *link ? link : "/", sizeof(parent)));
    PetscCall(PetscSNPrintf(link, sizeof(link), "%s/%s", strcmp(parent, "/") ? parent : "", name));
    CheckLink(&where, file->id, link, sizeof(link), &exists, fault);
    if (!exists && !fault->code)
      PetscCall(FaultMissing(file, path, parent, name, fault));
  }
  FenCallH5(&where, fault, *id, H5Oopen(file->id, *link ? link : "/", H5P_DEFAULT));
  PetscFunctionReturn(0);
}

static void CheckFilters(const FenH5Where *where, hid_t list, FenFault *fault)
{
  int n = 0;

  FenCallH5(where, fault, n, H5Pget_nfilters(list));
  for (int i = 0; i < n && !fault->code; i++) {
    char         name[64] = "";
    unsigned     flags, config;
    size_t       none = 0;
    H5Z_filter_t filter = 0;
    htri_t       available = 0;
    FenCallH5(where, fault, filter,
              H5Pget_filter2(list, (unsigned)i, &flags, &none, NULL, sizeof(name), name, &config));
    FenCallH5(where, fault, available, H5Zfilter_avail(filter));
    if (!fault->code && (filter > H5Z_FILTER_SCALEOFFSET || !available))
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                  "file '%s', data set '%s': packed with filter %d '%.60s', which this HDF5 does not have", where->file,
                  where->path, (int)filter, name);
  }
}

static void CheckStorage(const FenH5Where *where, hid_t data, FenFault *fault)
{
  hid_t        list = H5I_INVALID_HID, space = H5I_INVALID_HID;
  int          external = 0;
  int64_t      stored = 0, elements = 0;
  H5D_layout_t layout = H5D_CONTIGUOUS;

  FenCallH5(where, fault, list, H5Dget_create_plist(data));
  FenCallH5(where, fault, layout, H5Pget_layout(list));
  if (!fault->code && layout == H5D_VIRTUAL)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                "file '%s', data set '%s': a virtual data set, its data are in other files; refused", where->file,
                where->path);
  else if (!fault->code && layout != H5D_COMPACT) {
    FenCallH5(where, fault, external, H5Pget_external_count(list));
    if (external)
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s', data set '%s': its data are in an external file; refused",
                  where->file, where->path);
  }
  CheckFilters(where, list, fault);
  FenCallH5(where, fault, space, H5Dget_space(data));
  FenCallH5(where, fault, elements, H5Sget_simple_extent_npoints(space));
  if (!fault->code)
    stored = (int64_t)H5Dget_storage_size(data); /* FenCallH5 has no say: 0 is both an error and a size */
  if (!fault->code && elements > 0 && stored == 0)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s', data set '%s': declared, but no data were ever written",
                where->file, where->path);
  FenH5Release_Private(&space);
  FenH5Release_Private(&list);
}

PetscErrorCode FenH5OpenData_Private(FenFile file, const char path[], hid_t *id, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(file, path);

  PetscFunctionBegin;
  PetscCall(FenH5OpenObject_Private(file, path, id, fault));
  if (!fault->code && H5Iget_type(*id) != H5I_DATASET)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': '%s' is a group, a data set is expected", file->name, path);
  if (!fault->code)
    CheckStorage(&where, *id, fault);
  PetscFunctionReturn(0);
}

static FenDataType ClassOf(H5T_class_t class)
{
  return class == H5T_FLOAT     ? FEN_DATA_REAL
         : class == H5T_INTEGER ? FEN_DATA_INT
         : class == H5T_STRING  ? FEN_DATA_STRING
                                : FEN_DATA_OTHER;
}

/* type and shape of an open object; axes that do not fit are a fault */
void FenH5Describe_Private(const FenH5Where *where, hid_t object, FenDataInfo *info, FenFault *fault)
{
  hid_t   type = H5I_INVALID_HID, space = H5I_INVALID_HID;
  hsize_t dims[H5S_MAX_RANK];
  H5T_class_t class = H5T_NO_CLASS;
  int rank = 0;

  *info = (FenDataInfo){.type = FEN_DATA_OTHER};
  if (fault->code)
    return;
  if (H5Iget_type(object) == H5I_GROUP)
    info->type = FEN_DATA_GROUP;
  if (H5Iget_type(object) != H5I_DATASET)
    return;
  FenCallH5(where, fault, type, H5Dget_type(object));
  FenCallH5(where, fault, class, H5Tget_class(type));
  FenCallH5(where, fault, space, H5Dget_space(object));
  FenCallH5(where, fault, rank, H5Sget_simple_extent_dims(space, dims, NULL));
  if (!fault->code && rank > FEN_IO_MAX_RANK)
    FenFaultSet(fault, FEN_ERR_SHAPE, "file '%s', data set '%s': %d axes, at most %d are supported", where->file,
                where->path, rank, FEN_IO_MAX_RANK);
  if (!fault->code) {
    info->type = H5Sget_simple_extent_type(space) == H5S_NULL ? FEN_DATA_OTHER : ClassOf(class);
    info->rank = rank;
    for (int a = 0; a < rank; a++)
      info->shape[a] = (FenInt)dims[a];
  }
  FenH5Release_Private(&space);
  FenH5Release_Private(&type);
}
