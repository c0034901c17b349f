/* SPDX-License-Identifier: BSD-2-Clause */
/* FenTrajectories: life, arrays, fingerprint. Distributed by trajectory. */
#include "linearimpl.h"

static PetscErrorCode FenTrajectoriesView_Private(FenTrajectories t, PetscViewer viewer)
{
  const FenTrajectoriesSizes *n = &t->sizes;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "%" FENINT_FMT " trajectories of %" PetscInt_FMT " steps, %" PetscInt_FMT
                                   " actions, %" PetscInt_FMT " features\n",
                                   n->count, n->horizon, n->actions, n->features));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenTrajectoriesDestroyObject(FenTrajectories *t)
{
  PetscFunctionBegin;
  PetscCall(FenTrajectoriesDestroy(t));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenAllocate(FenTrajectories t)
{
  const FenTrajectoriesSizes *n = &t->sizes;
  FenTrajectoriesArrays      *a = &t->a;
  FenInt                      steps, values, table;

  PetscFunctionBegin;
  PetscCall(FenIntMult(a->n, n->horizon, &steps));
  PetscCall(FenIntMult(steps, (FenInt)n->actions * n->features, &values));
  PetscCall(FenIntMult(n->horizon, n->features, &table));
  PetscCall(PetscCalloc1((size_t)values + 1, &a->features));
  PetscCall(PetscCalloc3((size_t)steps + 1, &a->action, (size_t)steps + 1, &a->reward, (size_t)steps + 1, &a->fail));
  if (n->stop)
    PetscCall(PetscCalloc1((size_t)steps + 1, &a->stop));
  PetscCall(PetscCalloc2((size_t)table, &a->theta, (size_t)table, &a->radius_scale));
  for (FenInt i = 0; i < table; i++)
    a->radius_scale[i] = 1;
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesCreate - Room for recorded steps, all zero; fill it through `FenTrajectoriesGetArrays()`.

  Collective

  Input Parameters:
+ comm  - the ranks that share the trajectories
- sizes - how many, and what they have

  Output Parameter:
. trajectories - destroy them with `FenTrajectoriesDestroy()`

  Errors:
  `FEN_ERR_SHAPE` for a size below one.

  Level: intermediate

.seealso: `FenTrajectoriesRead()`, `FenTrajectoriesGenerate()`, `FenTrajectoriesCheck()`
@*/
PetscErrorCode FenTrajectoriesCreate(MPI_Comm comm, const FenTrajectoriesSizes *n, FenTrajectories *trajectories)
{
  FenTrajectories t;
  FenInt          shape[2], end;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  FEN_LINEAR_CHECK(n->count >= 1 && n->horizon >= 1 && n->actions >= 1 && n->features >= 1, comm, FEN_ERR_SHAPE,
                   "%" FENINT_FMT " trajectories of %" PetscInt_FMT " steps, %" PetscInt_FMT " actions, %" PetscInt_FMT
                   " features; rule: at least one of each",
                   n->count, n->horizon, n->actions, n->features);
  PetscCall(PetscHeaderCreate(t, FENTRAJECTORIES_CLASSID, "FenTrajectories", "recorded trajectories", "MDP", comm,
                              FenTrajectoriesDestroyObject, FenTrajectoriesView_Private));
  t->sizes = *n;
  shape[0] = n->count;
  shape[1] = n->horizon;
  PetscCall(FenLayoutCreateRows(comm, n->count, &t->rows));
  PetscCall(FenLayoutCreateGrid(comm, 2, shape, NULL, &t->steps));
  PetscCall(FenLayoutGetRange(t->rows, &t->start, &end));
  t->a.n = end - t->start;
  PetscCall(FenAllocate(t));
  *trajectories = t;
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesDestroy - Gives trajectories back.

  Collective

  Level: intermediate

.seealso: `FenTrajectoriesCreate()`
@*/
PetscErrorCode FenTrajectoriesDestroy(FenTrajectories *t)
{
  PetscFunctionBegin;
  if (!*t)
    PetscFunctionReturn(0);
  if (--((PetscObject)*t)->refct > 0) {
    *t = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(FenLayoutDestroy(&(*t)->rows));
  PetscCall(FenLayoutDestroy(&(*t)->steps));
  PetscCall(PetscFree((*t)->a.features));
  PetscCall(PetscFree3((*t)->a.action, (*t)->a.reward, (*t)->a.fail));
  PetscCall(PetscFree((*t)->a.stop));
  PetscCall(PetscFree2((*t)->a.theta, (*t)->a.radius_scale));
  PetscCall(PetscHeaderDestroy(t));
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesGetSizes - How many trajectories there are, and what they have.

  Not Collective

  Level: intermediate

.seealso: `FenTrajectoriesGetArrays()`
@*/
PetscErrorCode FenTrajectoriesGetSizes(FenTrajectories t, FenTrajectoriesSizes *sizes)
{
  PetscFunctionBegin;
  *sizes = t->sizes;
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesGetArrays - My trajectories, to be read, or to be filled in before they are used.

  Not Collective

  Level: intermediate

.seealso: `FenTrajectoriesCreate()`, `FenTrajectoriesCheck()`
@*/
PetscErrorCode FenTrajectoriesGetArrays(FenTrajectories t, FenTrajectoriesArrays *arrays)
{
  PetscFunctionBegin;
  *arrays = t->a;
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesGetLayout - Who has which trajectories; owned by the object.

  Not Collective

  Level: intermediate

.seealso: `FenTrajectoriesGetArrays()`
@*/
PetscErrorCode FenTrajectoriesGetLayout(FenTrajectories t, FenLayout *layout)
{
  PetscFunctionBegin;
  *layout = t->rows;
  PetscFunctionReturn(0);
}

/*@
  FenTrajectoriesFingerprint - Fingerprint of all numbers, the same on any number of ranks.

  Collective

  Level: developer

.seealso: `FenTrajectoriesRead()`
@*/
PetscErrorCode FenTrajectoriesFingerprint(FenTrajectories t, FenFingerprint *print)
{
  const FenTrajectoriesSizes  *n = &t->sizes;
  const FenTrajectoriesArrays *a = &t->a;
  const FenInt                 width = (FenInt)n->actions * n->features, table = (FenInt)n->horizon * n->features;
  const FenInt                 steps = a->n * n->horizon, first = t->start * n->horizon, room = (FenInt)1 << 58;
  const double traits[] = {(double)n->count, (double)n->horizon, (double)n->actions, (double)n->features,
                           (double)n->stop,  (double)n->zero,    (double)n->partial, (double)n->known};
  PetscMPIInt  rank;

  PetscFunctionBegin;
  *print = (FenFingerprint){{0, 0}};
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)t), &rank));
  FenFingerprintDoubles(print, first * width, steps * width, a->features);
  FenFingerprintDoubles(print, room + first, steps, a->action);
  FenFingerprintDoubles(print, 2 * room + first, steps, a->reward);
  FenFingerprintDoubles(print, 3 * room + first, steps, a->fail);
  if (a->stop)
    FenFingerprintDoubles(print, 4 * room + first, steps, a->stop);
  if (rank == 0) {
    FenFingerprintDoubles(print, 5 * room, table, a->theta);
    FenFingerprintDoubles(print, 6 * room, table, a->radius_scale);
    FenFingerprintDoubles(print, 7 * room, (FenInt)(sizeof(traits) / sizeof(traits[0])), traits);
  }
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)t), print));
  PetscFunctionReturn(0);
}
