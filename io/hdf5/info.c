/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What is in a file: existence, type and shape of objects, and a walk through all of them.
*/
#include "h5impl.h"
#include <string.h>

#define MAX_DEPTH   32
#define MAX_OBJECTS 100000
#define PATH_LEN    512

/* answers of rank 0 (reading) or of all ranks (writing, where they are the same) */
static PetscErrorCode Answer(FenFile file, const FenFault *fault, void *answer, size_t size)
{
  PetscFunctionBegin;
  PetscCall(FenFileAgree_Private(file, fault));
  PetscCallMPI(MPI_Bcast(answer, (int)size, MPI_BYTE, 0, file->comm));
  PetscFunctionReturn(0);
}

/*@
  FenFileHas - is there an object of this name?

  Collective

  Input Parameters:
+ file - the file
- path - absolute path of a group or data set

  Output Parameter:
. has - also PETSC_FALSE if a group on the way is missing

  Errors: FEN_ERR_FILE_FORMAT (damaged, or behind a refused link)

  Level: beginner

.seealso: FenFileGetInfo()
@*/
PetscErrorCode FenFileHas(FenFile file, const char path[], PetscBool *has)
{
  FenFault fault = {0};
  hid_t    id = H5I_INVALID_HID;

  PetscFunctionBegin;
  *has = PETSC_FALSE;
  if (FenH5Answers_Private(file)) {
    PetscCall(FenH5OpenObject_Private(file, path, &id, &fault));
    *has = fault.code ? PETSC_FALSE : PETSC_TRUE;
    if (fault.code == FEN_ERR_FILE_MISSING)
      fault.code = 0;
    FenH5Release_Private(&id);
  }
  PetscCall(Answer(file, &fault, has, sizeof(*has)));
  PetscFunctionReturn(0);
}

/*@
  FenFileGetInfo - type and shape of an object

  Collective

  Input Parameters:
+ file - the file
- path - absolute path of a group or data set

  Output Parameter:
. info - type, number of axes, shape

  Errors: FEN_ERR_FILE_MISSING naming the nearest existing names; FEN_ERR_FILE_FORMAT

  Level: beginner

.seealso: FenFileHas(), FenFileVisit()
@*/
PetscErrorCode FenFileGetInfo(FenFile file, const char path[], FenDataInfo *info)
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  hid_t            id = H5I_INVALID_HID;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(info, sizeof(*info)));
  if (FenH5Answers_Private(file)) {
    PetscCall(FenH5OpenObject_Private(file, path, &id, &fault));
    FenH5Describe_Private(&where, id, info, &fault);
    FenH5Release_Private(&id);
  }
  PetscCall(Answer(file, &fault, info, sizeof(*info)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenH5CheckShape_Private(FenFile file, const char path[], PetscInt rank, const FenInt shape[],
                                       FenDataInfo *info)
{
  char      want[128], have[128];
  PetscBool same = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(file, path, info));
  PetscCheck(info->type == FEN_DATA_REAL || info->type == FEN_DATA_INT, file->comm, FEN_ERR_FILE_FORMAT,
             "file '%s': '%s' is %s, an array of numbers is expected", file->name, path,
             info->type == FEN_DATA_GROUP    ? "a group"
             : info->type == FEN_DATA_STRING ? "text"
                                             : "of a type that is no number");
  for (PetscInt a = 0; a < PetscMax(rank, info->rank); a++)
    if ((a < rank ? shape[a] : 1) != (a < info->rank ? info->shape[a] : 1))
      same = PETSC_FALSE;
  if (PetscAbs(rank - info->rank) > 1)
    same = PETSC_FALSE;
  PetscCall(FenShapeText_Private(rank, shape, want, sizeof(want)));
  PetscCall(FenShapeText_Private(info->rank, info->shape, have, sizeof(have)));
  PetscCheck(same, file->comm, FEN_ERR_SHAPE, "file '%s': data set '%s' has shape %s, %s is expected", file->name, path,
             have, want);
  PetscFunctionReturn(0);
}

/* ---- walk ---- */

typedef struct {
  char        path[PATH_LEN];
  FenDataInfo info;
} Item;

typedef struct {
  FenFile  file;
  PetscInt n, capacity;
  Item    *items;
} Walk;

static PetscErrorCode Append(Walk *walk, const char path[], const FenDataInfo *info, FenFault *fault)
{
  PetscFunctionBegin;
  if (walk->n >= MAX_OBJECTS || strlen(path) >= PATH_LEN) {
    FenFaultSet(fault, FEN_ERR_SIZE, "file '%s': more than %d objects, or a longer path than %d, near '%.100s'",
                walk->file->name, MAX_OBJECTS, PATH_LEN - 1, path);
    PetscFunctionReturn(0);
  }
  if (walk->n == walk->capacity) {
    const PetscInt capacity = 2 * walk->capacity + 64;
    Item          *items;
    PetscCall(PetscCalloc1(capacity, &items));
    PetscCall(PetscArraycpy(items, walk->items, walk->n));
    PetscCall(PetscFree(walk->items));
    walk->items = items;
    walk->capacity = capacity;
  }
  PetscCall(PetscStrncpy(walk->items[walk->n].path, path, PATH_LEN));
  walk->items[walk->n++].info = *info;
  PetscFunctionReturn(0);
}

static PetscErrorCode WalkGroup(Walk *, const char path[], PetscInt depth, FenFault *);

/* an object that the guard refuses is listed as `other`, not opened */
static PetscErrorCode WalkChild(Walk *walk, const char path[], PetscInt depth, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(walk->file, path);
  FenFault         refused = {0};
  FenDataInfo      info;
  hid_t            id;

  PetscFunctionBegin;
  PetscCall(FenH5OpenObject_Private(walk->file, path, &id, &refused));
  FenH5Describe_Private(&where, id, &info, &refused);
  FenH5Release_Private(&id);
  PetscCall(Append(walk, path, &info, fault));
  if (info.type == FEN_DATA_GROUP && !refused.code)
    PetscCall(WalkGroup(walk, path, depth + 1, fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode WalkGroup(Walk *walk, const char path[], PetscInt depth, FenFault *fault)
{
  const FenH5Where where = FenH5Where_Private(walk->file, path);
  hid_t            id;
  PetscInt         n = 0;
  char           **names = NULL, child[PATH_LEN + 1];

  PetscFunctionBegin;
  if (depth > MAX_DEPTH) {
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': groups nested more than %d deep at '%s'", walk->file->name,
                MAX_DEPTH, path);
    PetscFunctionReturn(0);
  }
  PetscCall(FenH5OpenObject_Private(walk->file, path, &id, fault));
  PetscCall(FenH5ListNames_Private(&where, id, &n, &names, fault));
  FenH5Release_Private(&id);
  for (PetscInt i = 0; i < n && !fault->code; i++) {
    PetscCall(PetscSNPrintf(child, sizeof(child), "%s/%s", strcmp(path, "/") ? path : "", names[i]));
    PetscCall(WalkChild(walk, child, depth, fault));
  }
  PetscCall(FenH5FreeNames_Private(n, &names));
  PetscFunctionReturn(0);
}

/*@C
  FenFileVisit - visits every object below a group in name order, the same on all ranks

  Collective

  Input Parameters:
+ file  - the file
. path  - absolute path of the group
. visit - called with path, type and shape; may use the file
- ctx   - for visit

  Errors: FEN_ERR_FILE_MISSING, FEN_ERR_FILE_FORMAT, FEN_ERR_SIZE (more than 100000 objects)

  Note:
  Links that are refused elsewhere (external, virtual, ...) are visited with type FEN_DATA_OTHER.

  Level: intermediate

.seealso: FenFileGetInfo()
@*/
PetscErrorCode FenFileVisit(FenFile file, const char                                                  path[],
                            PetscErrorCode (*visit)(const char[], const FenDataInfo *, void *), void *ctx)
{
  Walk     walk = {.file = file};
  FenFault fault = {0};

  PetscFunctionBegin;
  if (FenH5Answers_Private(file))
    PetscCall(WalkGroup(&walk, path, 0, &fault));
  PetscCall(Answer(file, &fault, &walk.n, sizeof(walk.n)));
  if (!walk.items)
    PetscCall(PetscCalloc1(walk.n, &walk.items));
  for (PetscInt i = 0; i < walk.n; i++)
    PetscCallMPI(MPI_Bcast(&walk.items[i], (int)sizeof(Item), MPI_BYTE, 0, file->comm));
  for (PetscInt i = 0; i < walk.n; i++)
    PetscCall((*visit)(walk.items[i].path, &walk.items[i].info, ctx));
  PetscCall(PetscFree(walk.items));
  PetscFunctionReturn(0);
}

/*@
  FenFileMakeGroup - makes a group, and those above it, unless they exist

  Collective

  Input Parameters:
+ file - a file that is written
- path - absolute path

  Level: intermediate

.seealso: FenFileOpen()
@*/
PetscErrorCode FenFileMakeGroup(FenFile file, const char path[])
{
  const FenH5Where where = FenH5Where_Private(file, path);
  FenFault         fault = {0};
  PetscBool        has;
  hid_t            group = H5I_INVALID_HID, list = H5I_INVALID_HID;
  herr_t           code;

  PetscFunctionBegin;
  PetscCall(FenFileCheckWritable_Private(file, path));
  PetscCall(FenFileHas(file, path, &has));
  if (has)
    PetscFunctionReturn(0);
  FenCallH5(&where, &fault, list, H5Pcreate(H5P_LINK_CREATE));
  FenCallH5(&where, &fault, code, H5Pset_create_intermediate_group(list, 1));
  FenCallH5(&where, &fault, group, H5Gcreate2(file->id, path, list, H5P_DEFAULT, H5P_DEFAULT));
  FenH5Release_Private(&group);
  FenH5Release_Private(&list);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscFunctionReturn(0);
}
