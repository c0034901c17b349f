/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENLINEARMDPEXACT: the d-rectangular robust equation of a known, finite problem,

     Q_h(s,a) = <phi(s,a), theta_h + w_h>,   w_{h,i} = inf over laws mu of <mu, V_{h+1}> + penalty D(mu | mu_{h,i}),

   or over a ball. One worst case for every factor instead of one for every state and action: d S log S flops a step.
   Factors are spread over ranks. Nature may send a factor to any state.
*/
#include "linearmdpimpl.h"
#include <math.h>

static PetscErrorCode FenLinearInitialize_Exact(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  m->step = 0;
  m->eta = m->local = 0;
  PetscCall(PetscArrayzero(m->V, m->problem->nstates));
  PetscCall(PetscArrayzero(m->dV, m->problem->nstates));
  PetscFunctionReturn(0);
}

/* worst case of one factor, from its law on all states */
static PetscErrorCode Worst(FenLinearMDP m, FenDivergence divergence, double radius, const double law[], double low,
                            double *value, double *slack)
{
  const FenInt n = m->problem->nstates;
  FenWorstCase worst = {.value = 0};
  double      *q, *v, mean = 0, size = 0;
  FenInt       k = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)n, &q, (size_t)n, &v));
  for (FenInt s = 0; s < n; s++)
    if (law[s] > 0) {
      q[k] = law[s];
      v[k++] = m->V[s];
      mean += law[s] * m->V[s];
      size = PetscMax(size, fabs(m->V[s]));
    }
  worst.value = mean;
  if (m->use.penalty > 0)
    PetscCall(FenDivergenceWorstPenalty(divergence, k, q, v, m->use.penalty, FEN_SUPPORT_ALL, low, NAN, NULL, &worst));
  else if (radius > 0)
    PetscCall(FenDivergenceWorstRadius(divergence, k, q, v, radius, FEN_SUPPORT_ALL, low, NAN, NULL, &worst));
  *value = worst.value;
  *slack = worst.slack + (double)(k + 8) * FEN_EPS * size;
  PetscCall(PetscFree2(q, v));
  PetscFunctionReturn(0);
}

static PetscErrorCode Weights(FenLinearMDP m, PetscInt h, double w[], double e[])
{
  MPI_Comm      comm = PetscObjectComm((PetscObject)m);
  const FenInt  d = m->d, n = m->problem->nstates;
  FenDivergence divergence = NULL;
  FenLayout     layout;
  FenInt        first, end;
  double       *law, low = HUGE_VAL, wrong = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; s < n; s++) {
    low = PetscMin(low, m->V[s]);
    wrong = PetscMax(wrong, m->dV[s]);
  }
  if (m->use.penalty > 0 || m->use.radius > 0)
    PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, m->use.name, m->use.alpha, &divergence));
  PetscCall(FenLayoutCreateRows(comm, d, &layout));
  PetscCall(FenLayoutGetRange(layout, &first, &end));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscMalloc1((size_t)n, &law));
  PetscCall(PetscArrayzero(w, d));
  PetscCall(PetscArrayzero(e, d));
  for (FenInt i = first; i < end; i++) {
    (*m->problem->factor)(m->problem, h, (PetscInt)i, law);
    PetscCall(
        Worst(m, divergence, m->use.radius * m->problem->radius_scale[(FenInt)h * d + i], law, low, &w[i], &e[i]));
  }
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, w, (PetscMPIInt)m->d, MPI_DOUBLE, MPI_SUM, comm)); /* one number and zeros each */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, e, (PetscMPIInt)m->d, MPI_DOUBLE, MPI_SUM, comm));
  for (FenInt i = 0; i < d; i++) {
    m->local = PetscMax(m->local, e[i]);
    e[i] += wrong; /* worst cases do not move by more than the values */
  }
  PetscCall(PetscFree(law));
  PetscCall(FenDivergenceDestroy(&divergence));
  PetscFunctionReturn(0);
}

static PetscErrorCode ValuesOfAll(FenLinearMDP m, PetscInt h)
{
  FenLinearView view;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)m->size.actions * (size_t)m->d, &view.features));
  for (FenInt s = 0; s < m->problem->nstates; s++) {
    (*m->problem->look)(m->problem, h, m->problem->states[s], &view);
    m->V[s] = FenLinearValue_Private(m, m->stage, h, view.features, m->size.stop ? &view.stop : NULL,
                                     (PetscBool)(view.fail != 0), NULL, &m->dV[s]);
  }
  PetscCall(PetscFree(view.features));
  PetscFunctionReturn(0);
}

/* the state in which the problem starts, and the policy there */
static PetscErrorCode Report(FenLinearMDP m, PetscInt h)
{
  FenSolver    s = (FenSolver)m;
  FenProgress *p = &s->progress;
  const double start = (*m->problem->start)(m->problem, 0, 0.5, 0.5, PETSC_FALSE);
  FenInt       at = 0;
  const FenDD  none = {0, 0};
  double       zero;

  PetscFunctionBegin;
  for (FenInt k = 0; k < m->problem->nstates; k++)
    if (!(m->problem->states[k] < start) && !(m->problem->states[k] > start))
      at = k;
  PetscCall(FenSolverReduce_Private(s, 1, &none, &zero));
  p->value = m->V[at];
  p->residual = m->local;
  m->bounds.value_error = m->dV[at];
  p->parameter = (double)h;
  p->work = (double)m->step;
  s->intermediate = h > 0;
  if (s->intermediate) {
    p->lower = -HUGE_VAL;
    p->upper = p->gap_rel = HUGE_VAL;
    PetscFunctionReturn(0);
  }
  PetscCall(FenSolverUpdateBounds_Private(s, m->V[at] - m->dV[at], m->V[at] + m->dV[at], 0));
  FenLinearEnd_Private(s);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenLinearIterate_Exact(FenSolver s)
{
  FenLinearMDP   m = (FenLinearMDP)s;
  const PetscInt h = (PetscInt)(m->H - 1 - m->step);
  const FenInt   first = (FenInt)h * m->d;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(m->stage->theta + first, m->problem->theta + first, m->d));
  PetscCall(Weights(m, h, m->stage->w + first, m->stage->error + first));
  FenLinearPrepare_Private(m, m->stage, h);
  PetscCall(ValuesOfAll(m, h));
  m->step++;
  PetscCall(Report(m, h));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenLinearResume_Exact(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  for (FenInt k = 0; k < m->step; k++)
    FenLinearPrepare_Private(m, m->stage, (PetscInt)(m->H - 1 - k));
  if (m->step)
    PetscCall(ValuesOfAll(m, (PetscInt)(m->H - m->step)));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenLinearSetUp_Exact(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  PetscCheck(m->problem && m->problem->nstates > 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type exact needs a problem whose states can be listed, such as -problem linear");
  PetscCall(PetscCalloc2((size_t)m->problem->nstates, &m->V, (size_t)m->problem->nstates, &m->dV));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenLinearReset_Exact(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  PetscCall(PetscFree2(m->V, m->dV));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPEXACT - "exact": no data: the robust equation with the factors of a known problem, any divergence, ball or
  price; the value's interval is certified

  Level: beginner

.seealso: `FenLinearMDPSetType()`, `FenDivergenceWorstPenalty()`
M*/
PetscErrorCode FenLinearMDPCreate_Exact(FenSolver s)
{
  PetscFunctionBegin;
  ((FenLinearMDP)s)->rule = NULL;
  s->ops->setup = FenLinearSetUp_Exact;
  s->ops->initialize = FenLinearInitialize_Exact;
  s->ops->resume = FenLinearResume_Exact;
  s->ops->iterate = FenLinearIterate_Exact;
  s->ops->state = FenLinearState_Private;
  s->ops->reset = FenLinearReset_Exact;
  PetscFunctionReturn(0);
}
