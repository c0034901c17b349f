/* SPDX-License-Identifier: BSD-2-Clause */
/* What the types have in common: start, reports after decisions, state of hyperparameter-like arrays. */
#include "bilevelimpl.h"
#include <math.h>

PetscErrorCode FenBilevelBegin_Private(FenBilevel b)
{
  FenPoint *p = &b->point[0];

  PetscFunctionBegin;
  b->cur = p;
  b->trial = &b->point[1];
  b->work = (FenBilevelWork){.steps = 0};
  b->decisions = 0;
  PetscCall(PetscArraycpy(p->theta, b->theta0, b->nt));
  PetscCall(PetscArrayzero(p->x, b->nb * b->part.nx));
  PetscCall(PetscArrayzero(p->q, b->nb * b->part.nx));
  PetscCall(FenThetaUse_Private(b, p->theta));
  for (FenInt k = 0; k < b->nb && b->call->initial; k++)
    PetscCall((*b->call->initial)(b->problem, b->part.start + k, p->x + k * b->part.nx));
  PetscCall(FenPointDuals_Private(b, p));
  p->has_x = p->fresh = p->has_z = 0;
  p->soft = HUGE_VAL;
  PetscFunctionReturn(0);
}

static PetscErrorCode Residual(FenBilevel b, double *residual)
{
  FenSolver s = (FenSolver)b;
  FenPoint *p = b->cur;
  double    goal = 0;

  PetscFunctionBegin;
  *residual = p->znorm;
  if (b->error == FEN_ERROR_CERTIFIED)
    *residual += p->omega;
  else if (b->error == FEN_ERROR_GOAL && s->residual > 0 && p->znorm <= s->residual) { /* costs iterations */
    PetscCall(FenPointGoal_Private(b, p, &goal));
    *residual += goal;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelReport_Private(FenBilevel b, double parameter)
{
  FenSolver s = (FenSolver)b;
  FenPoint *p = b->cur;

  PetscFunctionBegin;
  s->progress.value = p->f;
  if (p->has_z)
    PetscCall(Residual(b, &s->progress.residual));
  else /* of a theta before, or not good enough: it cannot end the solve */
    s->intermediate = 1;
  if (!p->has_z && isinf(s->progress.residual))
    s->progress.residual = PETSC_MAX_REAL;
  s->progress.parameter = parameter;
  s->progress.work = b->work.lower_iterations + b->work.adjoint_iterations;
  PetscCall(FenSolverUpdateBounds_Private(s, p->lower, p->upper, 0));
  if (isinf(p->upper - p->lower))
    s->progress.gap_rel = HUGE_VAL;
  PetscCall(FenSolverTest_Private(s));
  if (s->reason == FEN_ITERATING && b->budget > 0 && s->progress.work >= b->budget) {
    s->reason = FEN_DIVERGED_MAX_IT;
    PetscCall(PetscSNPrintf(s->detail, sizeof(s->detail), "the budget of %.0f lower and adjoint iterations is spent",
                            b->budget));
  }
  PetscFunctionReturn(0);
}

void FenBilevelFloor_Private(FenBilevel b)
{
  if (b->base.reason == FEN_ITERATING)
    b->base.reason = FEN_CONVERGED_FLOOR;
}

/* numbers of a team's samples are saved by its first rank, hyperparameters by the first team */
PetscErrorCode FenBilevelResume_Private(FenSolver s)
{
  FenBilevel  b = (FenBilevel)s;
  FenPoint   *p = b->cur;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(b->nb * FEN_SAMPLE_N, &count));
  PetscCallMPI(MPI_Bcast(p->s, count, MPI_DOUBLE, 0, b->team.team));
  PetscCall(FenBilevelShare_Private(b, 2, (double *const[]){p->theta, p->z}));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelShare_Private(FenBilevel b, PetscInt n, double *const theta_like[])
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++)
    PetscCall(FenThetaShare_Private(b, 1, theta_like[k]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelFreeData_Private(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelStateTheta_Private(FenBilevel b, FenState state, const char name[], double array[])
{
  PetscFunctionBegin;
  PetscCall(FenStateAddArray(state, name, b->ltheta, 1, array + b->t0));
  PetscFunctionReturn(0);
}
