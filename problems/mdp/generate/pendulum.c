/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Two controlled motions on a grid of position and velocity: the next point of the plane is spread bilinearly over the
   four grid points around it. Pendulum: angle in [0, 2 pi], to be held upright. Integrator: a mass on a line, to be
   held at zero.
*/
#include "mdpproblemimpl.h"
#include <math.h>

typedef struct {
  FenInt n, width, actions;
  double position[2], velocity[2], force, step; /* ranges; forces are in [-force, force] */
} FenMotion;

static double FenGridPoint(double first, double last, FenInt n, FenInt i)
{
  return first + (last - first) * (double)i / (double)(n - 1);
}

/* the cell of a coordinate and the weight of its upper end */
static FenInt FenGridCell(const double range[2], FenInt n, double x, double *weight)
{
  const double t = (x - range[0]) / (range[1] - range[0]) * (double)(n - 1);
  const FenInt i = (FenInt)PetscMin(PetscMax(floor(t), 0), (double)(n - 2));

  *weight = PetscMin(PetscMax(t - (double)i, 0), 1);
  return i;
}

static void FenSpread(const FenMotion *m, double x, double v, FenMDPRow *row)
{
  double       wx, wv;
  const FenInt i = FenGridCell(m->position, m->n, x, &wx), j = FenGridCell(m->velocity, m->width, v, &wv);
  const FenInt s = i * m->width + j;

  FenMDPRowAdd(row, s, (1 - wx) * (1 - wv));
  FenMDPRowAdd(row, s + 1, (1 - wx) * wv);
  FenMDPRowAdd(row, s + m->width, wx * (1 - wv));
  FenMDPRowAdd(row, s + m->width + 1, wx * wv);
}

static void FenMotionPoint(const FenMotion *m, FenInt s, int a, double *x, double *v, double *force)
{
  *x = FenGridPoint(m->position[0], m->position[1], m->n, s / m->width);
  *v = FenGridPoint(m->velocity[0], m->velocity[1], m->width, s % m->width);
  *force = FenGridPoint(-m->force, m->force, m->actions, a);
}

static PetscErrorCode FenPendulumRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenMotion *m = (const FenMotion *)ctx;
  double           x, v, force, next;

  PetscFunctionBegin;
  FenMotionPoint(m, s, a, &x, &v, &force);
  row->reward = 2 * ((x - PETSC_PI) * (x - PETSC_PI) + v * v) + force * force;
  next = fmod(x + v * m->step, 2 * PETSC_PI);
  v = PetscMin(PetscMax(v + (-9.81 * sin(x) + force) * m->step, m->velocity[0]), m->velocity[1]);
  FenSpread(m, next < 0 ? next + 2 * PETSC_PI : next, v, row);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenIntegratorRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenMotion *m = (const FenMotion *)ctx;
  double           x, v, force, next;

  PetscFunctionBegin;
  FenMotionPoint(m, s, a, &x, &v, &force);
  row->reward = x * x + v * v;
  next = PetscMin(PetscMax(x + v * m->step, m->position[0]), m->position[1]);
  v = PetscMin(PetscMax(v + force * m->step, m->velocity[0]), m->velocity[1]);
  FenSpread(m, next, v, row);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMotionEnd(FenMDPProblem *p, FenMotion *m)
{
  PetscFunctionBegin;
  PetscCall(FenIntMult(m->n, m->width, &p->generator.nstates));
  p->generator.nactions = (int)m->actions;
  p->generator.max_next = 4;
  p->sense = FEN_MDP_MIN;
  p->grid[0] = m->n;
  p->grid[1] = m->width;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPendulum_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenMotion *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  *m = (FenMotion){
      .n = 101, .actions = 21, .position = {0, 2 * PETSC_PI}, .velocity = {-10, 10}, .force = 3, .step = 0.01};
  p->generator.ctx = m;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-pendulum_n", "angles", 2, &m->n));
  m->width = m->n;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-pendulum_width", "velocities, if not n", 2,
                                    PETSC_MAX_INT, &m->width));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-pendulum_actions", "torques", 2, PETSC_MAX_INT,
                                    &m->actions));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-pendulum_torque", "largest torque", 0, 1e100, &m->force));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-pendulum_dt", "step in time", 1e-12, 1e6, &m->step));
  PetscCall(FenMotionEnd(p, m));
  p->generator.row = FenPendulumRow;
  p->discount = 0.999;
  PetscFunctionReturn(0);
}

PetscErrorCode FenIntegrator_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenMotion *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  *m = (FenMotion){.n = 61, .actions = 11, .position = {-3, 3}, .velocity = {-4, 4}, .force = 1, .step = 0.1};
  p->generator.ctx = m;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-integrator_n", "positions", 2, &m->n));
  m->width = m->n;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-integrator_width", "velocities, if not n", 2,
                                    PETSC_MAX_INT, &m->width));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-integrator_actions", "forces", 2, PETSC_MAX_INT,
                                    &m->actions));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-integrator_dt", "step in time", 1e-12, 1e6, &m->step));
  PetscCall(FenMotionEnd(p, m));
  p->generator.row = FenIntegratorRow;
  p->discount = 0.99;
  PetscFunctionReturn(0);
}
