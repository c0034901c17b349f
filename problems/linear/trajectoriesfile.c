/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Trajectories in HDF5: a group (default /trajectories) with

     features[K,H,A*d]   of every action in the state of every step, action by action
     action[K,H]         integers
     reward[K,H]
     fail[K,H]           optional: 1 where the state is worth nothing
     stop[K,H]           optional: what ending in the state earns
     theta[H,d]          optional: rewards are <phi, theta>; absent: not known
     radius_scale[H,d]   optional

   and attributes actions, zero and partial. Every rank reads and writes its own trajectories.
*/
#include "linearimpl.h"
#include <fenchelio.h>

#define FEN_TRAJECTORIES_FORMAT "fenchel-trajectories"

typedef struct {
  MPI_Comm comm;
  FenFile  file;
  char     name[PETSC_MAX_PATH_LEN], group[PETSC_MAX_PATH_LEN], where[PETSC_MAX_PATH_LEN + 16];
} FenDataFile;

static PetscErrorCode FenDataOpen(MPI_Comm comm, const char spec[], FenFileMode mode, FenDataFile *f)
{
  PetscFunctionBegin;
  f->comm = comm;
  PetscCall(FenPathSplit(spec, f->name, sizeof(f->name), f->group, sizeof(f->group)));
  if (!f->group[0])
    PetscCall(PetscStrncpy(f->group, "/trajectories", sizeof(f->group)));
  PetscCall(PetscSNPrintf(f->where, sizeof(f->where), "file '%s': ", f->name));
  PetscCall(FenFileOpen(comm, f->name, mode, &f->file));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPath(const FenDataFile *f, const char name[], char path[], size_t size)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, size, "%s/%s", f->group, name));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenHas(const FenDataFile *f, const char name[], PetscBool *has)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenPath(f, name, path, sizeof(path)));
  PetscCall(FenFileHas(f->file, path, has));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenFlag(const FenDataFile *f, const char name[], PetscBool *flag)
{
  PetscBool has;
  FenInt    value = 0;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(f->file, f->group, name, &has));
  if (has)
    PetscCall(FenFileReadIntAttribute(f->file, f->group, name, &value));
  FEN_LINEAR_CHECK(value == 0 || value == 1, f->comm, FEN_ERR_VALUE,
                   "%sattribute '%s' of '%s' is %" FENINT_FMT "; rule: 0 or 1", f->where, name, f->group, value);
  *flag = (PetscBool)value;
  PetscFunctionReturn(0);
}

/* K, H and A d from the features, A from an attribute */
static PetscErrorCode FenReadSizes(const FenDataFile *f, FenTrajectoriesSizes *n)
{
  char        path[PETSC_MAX_PATH_LEN];
  FenDataInfo info;
  FenInt      actions;

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(f->file, f->group, &info));
  FEN_LINEAR_CHECK(info.type == FEN_DATA_GROUP, f->comm, FEN_ERR_FILE_FORMAT, "%s'%s' is no group", f->where, f->group);
  PetscCall(FenPath(f, "features", path, sizeof(path)));
  PetscCall(FenFileGetInfo(f->file, path, &info));
  FEN_LINEAR_CHECK(info.rank == 3, f->comm, FEN_ERR_SHAPE,
                   "%sdata set '%s' has %" PetscInt_FMT " axes; rule: three, trajectories x steps x (actions features)",
                   f->where, path, info.rank);
  PetscCall(FenFileReadIntAttribute(f->file, f->group, "actions", &actions));
  FEN_LINEAR_CHECK(actions >= 1 && info.shape[2] >= actions && info.shape[2] % actions == 0, f->comm, FEN_ERR_SHAPE,
                   "%sdata set '%s' has %" FENINT_FMT " numbers a step and the attribute actions is %" FENINT_FMT
                   "; rule: the first is a multiple of the second",
                   f->where, path, info.shape[2], actions);
  n->count = info.shape[0];
  PetscCall(FenIntCast(info.shape[1], &n->horizon));
  PetscCall(FenIntCast(actions, &n->actions));
  PetscCall(FenIntCast(info.shape[2] / actions, &n->features));
  PetscCall(FenFlag(f, "zero", &n->zero));
  PetscCall(FenFlag(f, "partial", &n->partial));
  PetscCall(FenHas(f, "stop", &n->stop));
  PetscCall(FenHas(f, "theta", &n->known));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadSteps(const FenDataFile *f, FenTrajectories t, const char name[], PetscInt ncomp,
                                   double values[])
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenPath(f, name, path, sizeof(path)));
  PetscCall(FenFileReadArray(f->file, path, t->steps, ncomp, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadTable(const FenDataFile *f, const FenTrajectoriesSizes *n, const char name[],
                                   double values[])
{
  char        path[PETSC_MAX_PATH_LEN];
  FenDataInfo info;

  PetscFunctionBegin;
  PetscCall(FenPath(f, name, path, sizeof(path)));
  PetscCall(FenFileGetInfo(f->file, path, &info));
  FEN_LINEAR_CHECK(
      info.rank == 2 && info.shape[0] == n->horizon && info.shape[1] == n->features, f->comm, FEN_ERR_SHAPE,
      "%sdata set '%s' has %" PetscInt_FMT " axes and shape %" FENINT_FMT ", %" FENINT_FMT "; rule: %" PetscInt_FMT
      " steps x %" PetscInt_FMT " features",
      f->where, path, info.rank, info.shape[0], info.rank > 1 ? info.shape[1] : 0, n->horizon, n->features);
  PetscCall(FenFileReadReals(f->file, path, (FenInt)n->horizon * n->features, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadAll(const FenDataFile *f, FenTrajectories *trajectories)
{
  FenTrajectoriesSizes n;
  FenTrajectories      t;
  PetscInt             width;
  PetscBool            has;

  PetscFunctionBegin;
  PetscCall(FenReadSizes(f, &n));
  PetscCall(FenTrajectoriesCreate(f->comm, &n, &t));
  *trajectories = t;
  PetscCall(FenIntCast((FenInt)n.actions * n.features, &width));
  PetscCall(FenReadSteps(f, t, "features", width, t->a.features));
  PetscCall(FenReadSteps(f, t, "action", 0, t->a.action));
  PetscCall(FenReadSteps(f, t, "reward", 0, t->a.reward));
  PetscCall(FenHas(f, "fail", &has));
  if (has)
    PetscCall(FenReadSteps(f, t, "fail", 0, t->a.fail));
  if (n.stop)
    PetscCall(FenReadSteps(f, t, "stop", 0, t->a.stop));
  if (n.known)
    PetscCall(FenReadTable(f, &n, "theta", t->a.theta));
  PetscCall(FenHas(f, "radius_scale", &has));
  if (has)
    PetscCall(FenReadTable(f, &n, "radius_scale", t->a.radius_scale));
  PetscCall(FenTrajectoriesCheck(t, f->where));
  PetscFunctionReturn(0);
}

/*@C
  FenTrajectoriesRead - Reads recorded trajectories.

  Collective

  Input Parameters:
+ comm - the ranks that share them
- spec - FILE.h5 or FILE.h5:/group

  Output Parameter:
. trajectories - destroy them with `FenTrajectoriesDestroy()`

  Errors:
  `FEN_ERR_FILE_OPEN`, `FEN_ERR_FILE_FORMAT`, `FEN_ERR_FILE_MISSING`, `FEN_ERR_SHAPE`, `FEN_ERR_VALUE`, with file, data
  set, index, value and rule.

  Level: beginner

.seealso: `FenTrajectoriesWrite()`, `FenTrajectoriesGenerate()`
@*/
PetscErrorCode FenTrajectoriesRead(MPI_Comm comm, const char spec[], FenTrajectories *trajectories)
{
  FenDataFile    f;
  PetscErrorCode code;

  PetscFunctionBegin;
  *trajectories = NULL;
  PetscCall(FenDataOpen(comm, spec, FEN_FILE_READ, &f));
  code = FenReadAll(&f, trajectories);
  PetscCall(FenFileClose(&f.file));
  if (code)
    PetscCall(FenTrajectoriesDestroy(trajectories));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteAll(const FenDataFile *f, FenTrajectories t)
{
  const FenTrajectoriesSizes *n = &t->sizes;
  const FenInt                table[2] = {n->horizon, n->features};
  char                        path[PETSC_MAX_PATH_LEN];
  PetscInt                    width;

  PetscFunctionBegin;
  PetscCall(FenIntCast((FenInt)n->actions * n->features, &width));
  PetscCall(FenFileMakeGroup(f->file, f->group));
  PetscCall(FenFileWriteStringAttribute(f->file, f->group, "format", FEN_TRAJECTORIES_FORMAT));
  PetscCall(FenFileWriteIntAttribute(f->file, f->group, "format_version", 1));
  PetscCall(FenFileWriteIntAttribute(f->file, f->group, "actions", n->actions));
  PetscCall(FenFileWriteIntAttribute(f->file, f->group, "zero", n->zero));
  PetscCall(FenFileWriteIntAttribute(f->file, f->group, "partial", n->partial));
  PetscCall(FenPath(f, "features", path, sizeof(path)));
  PetscCall(FenFileWriteArray(f->file, path, t->steps, width, t->a.features));
  PetscCall(FenPath(f, "action", path, sizeof(path)));
  PetscCall(FenFileWriteIntegers(f->file, path, t->steps, t->a.action));
  PetscCall(FenPath(f, "reward", path, sizeof(path)));
  PetscCall(FenFileWriteArray(f->file, path, t->steps, 0, t->a.reward));
  PetscCall(FenPath(f, "fail", path, sizeof(path)));
  PetscCall(FenFileWriteIntegers(f->file, path, t->steps, t->a.fail));
  PetscCall(FenPath(f, "stop", path, sizeof(path)));
  if (n->stop)
    PetscCall(FenFileWriteArray(f->file, path, t->steps, 0, t->a.stop));
  PetscCall(FenPath(f, "theta", path, sizeof(path)));
  if (n->known)
    PetscCall(FenFileWriteReals(f->file, path, 2, table, t->a.theta));
  PetscCall(FenPath(f, "radius_scale", path, sizeof(path)));
  PetscCall(FenFileWriteReals(f->file, path, 2, table, t->a.radius_scale));
  PetscFunctionReturn(0);
}

/*@C
  FenTrajectoriesWrite - Writes recorded trajectories; the file appears when it is complete.

  Collective

  Input Parameters:
+ trajectories - the data
. spec         - FILE.h5 or FILE.h5:/group
- overwrite    - replace an existing file

  Level: beginner

.seealso: `FenTrajectoriesRead()`
@*/
PetscErrorCode FenTrajectoriesWrite(FenTrajectories t, const char spec[], PetscBool overwrite)
{
  FenDataFile    f;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenDataOpen(PetscObjectComm((PetscObject)t), spec, overwrite ? FEN_FILE_REPLACE : FEN_FILE_CREATE, &f));
  code = FenWriteAll(&f, t);
  if (code)
    PetscCall(FenFileDiscard(&f.file));
  else
    PetscCall(FenFileClose(&f.file));
  PetscCall(code);
  PetscFunctionReturn(0);
}
