/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses the kind of nature, and hands over to it. */
#include "nature.h"

static const FenNatureOps *const kinds[] = {&FenNatureRows, NULL};

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
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (!b->nature)
    PetscFunctionReturn(0);
  PetscCall(b->nature->ops->destroy(b, &b->nature->data));
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
