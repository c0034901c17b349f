/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses the kind of nature, and hands over to it. */
#include "nature.h"

static const FenNatureOps *const kinds[] = {&FenNatureLanes, &FenNatureRows, NULL};

static PetscErrorCode ModelStates(FenBellman b, FenInt *n)
{
  FenLayout layout;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, n));
  PetscFunctionReturn(0);
}

/* between what the kind remembers and the state, one component after the other, as values travel */
static PetscErrorCode MoveState(FenBellman b, PetscBool load)
{
  const FenNature *N = b->nature;
  FenInt           n;
  double          *inside, *outside;

  PetscFunctionBegin;
  PetscCall(ModelStates(b, &n));
  PetscCall(PetscMalloc2(b->nlocal, &inside, n, &outside));
  for (PetscInt c = 0; c < N->ncomp; c++) {
    for (FenInt k = 0; load && k < n; k++)
      outside[k] = N->saved[k * N->ncomp + c];
    if (load)
      PetscCall(FenBellmanFromModel(b, outside, inside));
    PetscCall(N->ops->state(b, N->data, c, load, inside));
    if (load)
      continue;
    PetscCall(FenBellmanToModel(b, inside, outside));
    for (FenInt k = 0; k < n; k++)
      N->saved[k * N->ncomp + c] = outside[k];
  }
  PetscCall(PetscFree2(inside, outside));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPack(FenBellman b)
{
  PetscFunctionBegin;
  if (b->nature && b->nature->ncomp)
    PetscCall(MoveState(b, PETSC_FALSE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanUnpack(FenBellman b)
{
  PetscFunctionBegin;
  if (b->nature && b->nature->ncomp)
    PetscCall(MoveState(b, PETSC_TRUE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanNatureStart(FenBellman b)
{
  double *zero;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(b->nlocal, &zero));
  for (PetscInt c = 0; b->nature && c < b->nature->ncomp; c++)
    PetscCall(b->nature->ops->state(b, b->nature->data, c, PETSC_TRUE, zero));
  PetscCall(PetscFree(zero));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanState(FenBellman b, FenState state)
{
  FenLayout layout;

  PetscFunctionBegin;
  if (!b->nature || !b->nature->ncomp)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenStateAddArray(state, "nature", layout, b->nature->ncomp, b->nature->saved));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureCreate_Private(FenBellman b)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  PetscBool           none, able = PETSC_FALSE;
  FenInt              n;

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
  if (b->nature->ops->components)
    PetscCall(b->nature->ops->components(b, b->nature->data, &b->nature->ncomp));
  PetscCall(ModelStates(b, &n));
  PetscCall(PetscCalloc1((size_t)(n * b->nature->ncomp), &b->nature->saved));
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
