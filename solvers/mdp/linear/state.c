/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of a stage, and what a restart needs of it: the weights of the steps made, from which all else follows.
 */
#include "linearmdpimpl.h"

PetscErrorCode FenLinearStageCreate_Private(FenLinearMDP m, PetscBool inverse, FenLinearStage *s)
{
  const size_t table = (size_t)m->H * (size_t)m->d;
  FenInt       all;

  PetscFunctionBegin;
  PetscCall(FenIntMult((FenInt)table, m->d, &all));
  PetscCall(PetscCalloc5(table, &s->theta, table, &s->w, table, &s->diagonal, table, &s->error, table, &s->multiplier));
  PetscCall(PetscCalloc4(2 * table, &s->z1, 2 * table, &s->z2, table, &s->effective, table, &s->slack));
  s->inverse = NULL;
  if (inverse)
    PetscCall(PetscCalloc1((size_t)all, &s->inverse));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearStageDestroy_Private(FenLinearStage *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree5(s->theta, s->w, s->diagonal, s->error, s->multiplier));
  PetscCall(PetscFree4(s->z1, s->z2, s->effective, s->slack));
  PetscCall(PetscFree(s->inverse));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearState_Private(FenSolver solver, FenState state)
{
  FenLinearMDP m = (FenLinearMDP)solver;
  const FenInt table = (FenInt)m->H * m->d;

  PetscFunctionBegin;
  PetscCall(FenStateAddInt(state, "step", &m->step));
  PetscCall(FenStateAddReal(state, "ridge_error", &m->eta));
  PetscCall(FenStateAddReal(state, "step_error", &m->local));
  PetscCall(FenStateAddReal(state, "value_error", &m->bounds.value_error));
  for (FenInt k = 0; k < m->nstages; k++) {
    FenLinearStage   *s = &m->stage[k];
    const char *const names[] = {"theta", "w", "diagonal", "error", "multiplier"};
    double *const     arrays[] = {s->theta, s->w, s->diagonal, s->error, s->multiplier};
    char              name[32];

    for (int i = 0; i < 5; i++) {
      PetscCall(PetscSNPrintf(name, sizeof(name), "%s%s", k + 1 < m->nstages ? "first_" : "", names[i]));
      PetscCall(FenStateAddReals(state, name, table, arrays[i]));
    }
    if (k + 1 < m->nstages) {
      PetscCall(FenStateAddReals(state, "first_z1", 2 * table, s->z1));
      PetscCall(FenStateAddReals(state, "first_z2", 2 * table, s->z2));
    }
    if (s->inverse)
      PetscCall(FenStateAddReals(state, "inverse", table * m->d, s->inverse));
  }
  PetscFunctionReturn(0);
}
