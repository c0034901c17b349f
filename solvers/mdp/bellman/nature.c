/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses the kind of nature, and hands over to it. */
#include "nature.h"

static const FenNatureOps *const kinds[] = {&FenNatureLanes, &FenNatureRows, NULL};

/* room for the scalars on the model's layout */
static PetscErrorCode CreateState(FenBellman b)
{
  FenLayout layout;
  FenInt    n;
  int       rows, most = 1;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    most = PetscMax(most, rows);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, b->comm));
  b->nature->ncomp = most;
  PetscCall(PetscCalloc1((size_t)(n * most), &b->nature->saved));
  PetscFunctionReturn(0);
}

/* between the kind's scalars and those of the state: one row of every state after the other, as values travel */
static PetscErrorCode MoveScalars(FenBellman b, PetscBool set)
{
  const FenNature *N = b->nature;
  const PetscInt   m = N->ncomp;
  FenLayout        layout;
  FenInt           n;
  double          *inside, *outside;
  int              rows;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(PetscMalloc2(b->nlocal, &inside, n, &outside));
  for (PetscInt a = 0; a < m; a++) {
    for (FenInt k = 0; set && k < n; k++)
      outside[k] = N->saved[k * m + a];
    if (set)
      PetscCall(FenBellmanFromModel(b, outside, inside));
    for (FenInt s = 0; s < b->nlocal; s++) {
      PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
      if (!set)
        inside[s] = 0;
      if (a < rows)
        PetscCall(N->ops->scalar(b, N->data, s, a, set, &inside[s]));
    }
    if (!set)
      PetscCall(FenBellmanToModel(b, inside, outside));
    for (FenInt k = 0; !set && k < n; k++)
      N->saved[k * m + a] = outside[k];
  }
  PetscCall(PetscFree2(inside, outside));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPack(FenBellman b)
{
  PetscFunctionBegin;
  if (b->nature && b->nature->saved)
    PetscCall(MoveScalars(b, PETSC_FALSE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanUnpack(FenBellman b)
{
  PetscFunctionBegin;
  if (b->nature && b->nature->saved)
    PetscCall(MoveScalars(b, PETSC_TRUE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanState(FenBellman b, FenState state)
{
  FenLayout layout;

  PetscFunctionBegin;
  if (!b->nature || !b->nature->saved)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenStateAddArray(state, "nature", layout, b->nature->ncomp, b->nature->saved));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureCreate_Private(FenBellman b)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  PetscBool           none, able = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscStrcmp(a->name, "none", &none));
  if (none || !(a->radius > 0 || a->penalty > 0))
    PetscFunctionReturn(0);
  PetscCheck(!b->substochastic, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ambiguity %s needs rows that sum to one; this model's may lose mass", a->name);
  PetscCall(PetscNew(&b->nature));
  for (PetscInt k = 0; kinds[k] && !able; k++) {
    b->nature->ops = kinds[k];
    PetscCall(kinds[k]->able(b, &able));
  }
  PetscCheck(able, b->comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_ambiguity %s: there is no such set", a->name);
  PetscCall(PetscInfo(b->model, "nature: %s\n", b->nature->ops->name));
  PetscCall(b->nature->ops->create(b, &b->nature->data));
  if (b->nature->ops->scalar)
    PetscCall(CreateState(b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (!b->nature)
    PetscFunctionReturn(0);
  PetscCall(b->nature->ops->destroy(b, &b->nature->data));
  PetscCall(PetscFree(b->nature->saved));
  PetscCall(PetscFree(b->nature));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureSweep_Private(FenBellman b, const FenRuns *runs, const double V[], double TV[], int policy[],
                                      FenSweepPart *part)
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->sweep(b, b->nature->data, runs, V, TV, policy, part));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureRowValues_Private(FenBellman b, const double V[], double q[])
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->values(b, b->nature->data, V, q));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureLane_Private(FenBellman b, FenInt s, int action, const double V[], FenRowView *row)
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->lane(b, b->nature->data, s, action, V, row));
  PetscFunctionReturn(0);
}
