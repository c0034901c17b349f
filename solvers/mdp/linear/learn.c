/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The iteration of all types that learn: one step backwards. Regression on the features of the actions taken, weights
   by the type's rule, then the values of this step in the recorded states, which the step before it learns from.

   Z. Liu, P. Xu, NeurIPS 2024 (DRPVI, VA-DRPVI); C. Tang, Z. Liu, P. Xu, ICML 2025 (R2PVI). K d^2 + K d |A| flops a
   step, over all ranks; memory K H |A| d for the data and a few d^2. The value after the last step is zero and known,
   so that the last step's weights are zero.
*/
#include "linearmdpimpl.h"
#include <math.h>

static PetscInt StepOf(const FenLinearMDP m, FenInt made)
{
  return (PetscInt)(m->H - 1 - made % m->H);
}

/* variances that the first stage estimated, at most `error` of themselves wrong; 1 where they are small */
static void Variances(const FenLinearMDP m, PetscInt h, double weight[], double *error)
{
  const FenLinearStage *s = &m->stage[0];
  const FenInt          d = m->d, width = (FenInt)m->size.actions * d;
  const double         *z1 = s->z1 + h * d, *z2 = s->z2 + h * d, *e1 = z1 + d * m->H, *e2 = z2 + d * m->H;
  const double          top = (m->par.clip > 0 ? m->par.clip : 1) * (double)m->H;

  *error = 0;
  for (FenInt k = 0; k < m->a.n; k++) {
    const FenInt  at = k * m->H + h;
    const double *phi = m->a.features + at * width + (FenInt)m->a.action[at] * d;
    double        first = 0, second = 0, wrong = 0;

    for (FenInt i = 0; i < d; i++) {
      first += phi[i] * z1[i];
      second += phi[i] * z2[i];
      wrong += phi[i] * (e2[i] + 2 * top * e1[i] + (double)(d + 4) * FEN_EPS * (fabs(z2[i]) + 2 * top * fabs(z1[i])));
    }
    first = PetscMin(PetscMax(first, 0), top);
    second = PetscMin(PetscMax(second, 0), top * top);
    weight[k] *= 1 / PetscMax(1, second - first * first - m->par.correction);
    *error = PetscMax(*error, wrong);
  }
}

static PetscErrorCode Weigh(FenLinearMDP m, FenInt stage, FenLinearStep *s)
{
  const PetscBool split = (PetscBool)(m->nstages == 2 && m->par.split && m->par.published == FEN_PUBLISHED_NONE);
  double          error = 0;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)m), &size));
  s->gamma = (256 + (double)m->size.count / 256 + size + 16) * FEN_EPS; /* blocks, their sums, ranks */
  s->weight = NULL;
  if (!split && !stage)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < s->n; k++)
    m->weight[k] = split && (m->start + k) % 2 != stage ? 0 : 1;
  if (stage && !s->last)
    Variances(m, s->h, m->weight, &error);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)m)));
  s->spread = error;
  s->weight = m->weight;
  PetscFunctionReturn(0);
}

/* range and least of the next values, over the trajectories in use */
static PetscErrorCode Extent(FenLinearMDP m, FenLinearStep *s)
{
  double       most[3] = {-HUGE_VAL, -HUGE_VAL, 0}; /* -least, largest, largest error */
  const double top = (m->par.clip > 0 ? m->par.clip : 0) * (double)m->H;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    if (s->weight && !(s->weight[k] > 0))
      continue;
    most[0] = PetscMax(most[0], -s->v[k]);
    most[1] = PetscMax(most[1], s->v[k]);
    most[2] = PetscMax(most[2], s->dv[k]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)m)));
  s->least = -most[0];
  s->dleast = most[2];
  s->range = PetscMax(top, most[1]);
  if (m->par.published != FEN_PUBLISHED_NONE) { /* least of the samples for a price, nothing for a ball */
    s->range = (double)m->H;
    if (m->rule->radius)
      s->least = s->dleast = 0;
  } else if (m->size.zero)
    s->least = s->dleast = 0;
  PetscFunctionReturn(0);
}

/* diagonal of Lambda^{-1}, and what errors of the inverse, |X| |E| and what comes after, do to the pessimism */
static PetscErrorCode Diagonal(const FenLinearMDP m, const FenLinearStep *s)
{
  const FenInt d = m->d, first = (FenInt)s->h * d;
  double      *y = m->vector + 4 * d, *wrong = y + d, norm = 0;

  PetscFunctionBegin;
  if (s->stage->inverse)
    PetscCall(PetscArraycpy(s->stage->inverse + first * d, s->X, (size_t)(d * d)));
  for (FenInt j = 0; j < d; j++) {
    double row = 0;

    y[j] = 1;
    for (FenInt i = 0; i < d; i++)
      row += fabs(s->Lambda[i + j * d]);
    norm = PetscMax(norm, row);
  }
  FenLinearTail_Private(m, s, y, wrong); /* row sums of |X| |E|: more than any entry */
  for (FenInt i = 0; i < d; i++) {
    const double x = s->X[i + i * d], e = wrong[i] + 4 * (double)d * FEN_EPS * x;

    s->stage->diagonal[first + i] = x;
    s->stage->error[first + i] +=
        m->par.pessimism *
        (s->stage->inverse ? e * sqrt((double)d * norm) : e / (sqrt(PetscMax(0, x)) + sqrt(PetscMax(0, x - e))));
  }
  PetscFunctionReturn(0);
}

/* theta: known, estimated, or part of the weights */
static PetscErrorCode Rewards(FenLinearMDP m, FenLinearStep *s)
{
  const FenInt d = m->d, first = (FenInt)s->h * d;
  double      *e = m->vector + 5 * d, *local = e + d;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(s->stage->theta + first, (size_t)d));
  if (m->rule->rewards)
    PetscFunctionReturn(0);
  if (m->size.known) {
    PetscCall(PetscArraycpy(s->stage->theta + first, m->a.theta + first, (size_t)d));
    PetscFunctionReturn(0);
  }
  for (FenInt k = 0; k < s->n; k++)
    m->f[k] = m->a.reward[k * m->H + s->h];
  PetscCall(FenLinearFit_Private(m, s, m->f, 0, NULL, s->stage->theta + first, e, local));
  for (FenInt i = 0; i < d; i++) {
    s->stage->error[first + i] += e[i];
    m->local = PetscMax(m->local, local[i]);
  }
  PetscFunctionReturn(0);
}

/* regressions of the next values and their squares, with their errors behind them */
static PetscErrorCode Moments(FenLinearMDP m, FenLinearStep *s)
{
  const FenInt d = m->d, first = (FenInt)s->h * d, errors = (FenInt)m->H * d;
  double      *df = m->weight + s->n, *local = m->vector + 5 * d;

  PetscFunctionBegin;
  for (int power = 1; power <= 2; power++) {
    double *z = power == 1 ? s->stage->z1 : s->stage->z2;

    for (FenInt k = 0; k < s->n; k++) {
      const double v = s->v[k];

      m->f[k] = power == 1 ? v : v * v;
      df[k] = (power == 1 ? 1 : 2 * fabs(v) + s->dv[k]) * s->dv[k];
    }
    PetscCall(FenLinearFit_Private(m, s, m->f, 0, df, z + first, z + errors + first, local));
  }
  PetscFunctionReturn(0);
}

/* the published programs never train the solver whose variances they take, nor put data into its matrix */
static PetscErrorCode Untrained(FenLinearMDP m, FenLinearStep *s)
{
  const FenInt d = m->d, first = (FenInt)s->h * d;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++)
    PetscCall(PetscArraycpy(
        s->phi + k * d,
        m->a.features + ((k * m->H + s->h) * m->size.actions + (FenInt)m->a.action[k * m->H + s->h]) * d, (size_t)d));
  for (int power = 1; power <= 2; power++) {
    double *z = (power == 1 ? s->stage->z1 : s->stage->z2) + first, *e = z + (FenInt)m->H * d;

    for (FenInt k = 0; k < s->n; k++) {
      const double v = s->v[k], dv = s->dv[k];

      m->f[k] = power == 1 ? v : v * v;
      m->df[k] = (power == 1 ? dv : (2 * fabs(v) + dv) * dv) + (s->gamma + 8 * FEN_EPS) * fabs(m->f[k]);
    }
    PetscCall(FenLinearSum_Private(m, s, m->f, z));
    PetscCall(FenLinearSum_Private(m, s, m->df, e));
    for (FenInt i = 0; i < d; i++) {
      z[i] /= m->par.ridge;
      e[i] /= m->par.ridge;
    }
  }
  for (FenInt i = first; i < first + d; i++)
    s->stage->diagonal[i] = 1 / m->par.ridge;
  PetscFunctionReturn(0);
}

/* weights of trajectories wrong by at most the share spread move C f by sum c spread (f - <phi, C f>), and Lambda^{-1}
   by its own share */
static PetscErrorCode Spread(FenLinearMDP m, const FenLinearStep *s)
{
  const FenInt d = m->d, first = (FenInt)s->h * d;
  const double share = s->spread / PetscMax(1 - s->spread, 1e-300);
  double      *e = m->vector, most = 0;

  PetscFunctionBegin;
  for (int k = 0; k < 2; k++) {
    for (FenInt t = 0; t < s->n; t++)
      m->f[t] = k ? share * (s->range + most) : s->range;
    PetscCall(FenLinearPropagate_Private(m, s, m->f, e));
    for (FenInt i = 0; i < d; i++)
      most = PetscMax(most, e[i]);
  }
  for (FenInt i = 0; i < d; i++)
    s->stage->error[first + i] += e[i] + share * m->par.pessimism * sqrt(s->stage->diagonal[first + i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Learn(FenLinearMDP m, FenLinearStep *s)
{
  const FenInt    first = (FenInt)s->h * m->d;
  FenLinearAnswer answer = {s->stage->w + first, s->stage->error + first, m->localw, s->stage->multiplier + first};

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(answer.w, m->d));
  PetscCall(PetscArrayzero(answer.error, m->d));
  PetscCall(PetscArrayzero(answer.local, m->d));
  if (!s->last)
    PetscCall(Extent(m, s));
  if (s->stage == m->stage && m->nstages == 2 && m->par.published != FEN_PUBLISHED_NONE) {
    PetscCall(Untrained(m, s));
    PetscFunctionReturn(0);
  }
  PetscCall(FenLinearRegress_Private(m, s));
  if (!s->last || m->rule->rewards)
    PetscCall((*m->rule->weights)(m, s, &answer));
  for (FenInt i = 0; i < m->d; i++)
    m->local = PetscMax(m->local, answer.local[i]);
  PetscCall(Rewards(m, s));
  PetscCall(Diagonal(m, s));
  if (s->spread > 0)
    PetscCall(Spread(m, s));
  if (s->stage == m->stage && m->nstages == 2)
    PetscCall(Moments(m, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(FenLinearMDP m, PetscBool final)
{
  FenSolver    s = (FenSolver)m;
  FenProgress *p = &s->progress;
  FenDD        sum[2] = {{0, 0}, {0, 0}};
  double       mean[2], rounding;

  PetscFunctionBegin;
  m->bounds.value_error = 0;
  for (FenInt k = 0; k < m->a.n; k++) {
    FenDDAdd(&sum[0], m->v[k]);
    FenDDAdd(&sum[1], m->dv[k]);
    m->bounds.value_error = PetscMax(m->bounds.value_error, m->dv[k]);
  }
  PetscCall(FenSolverReduce_Private(s, 2, sum, mean));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, &m->bounds.value_error, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)m)));
  p->residual = m->local;
  p->value = mean[0] / (double)m->size.count;
  p->parameter = (double)StepOf(m, m->step - 1);
  p->work = (double)m->step;
  s->intermediate = !final;
  if (!final) { /* no bounds of the value that was asked for */
    p->lower = -HUGE_VAL;
    p->upper = p->gap_rel = HUGE_VAL;
    PetscFunctionReturn(0);
  }
  rounding = mean[1] / (double)m->size.count + 8 * FEN_EPS * fabs(p->value);
  PetscCall(FenSolverUpdateBounds_Private(s, p->value - rounding, p->value + rounding, 0));
  FenLinearEnd_Private(s);
  PetscFunctionReturn(0);
}

void FenLinearEnd_Private(FenSolver s)
{
  const FenProgress *p = &s->progress;
  const PetscBool    met =
      (PetscBool)((s->gap_rel <= 0 || p->gap_rel <= s->gap_rel) && (s->residual <= 0 || p->residual <= s->residual));

  if (!PetscIsInfOrNanReal(p->value) && !PetscIsNanReal(p->residual))
    s->reason = met ? FEN_CONVERGED_GAP : FEN_DIVERGED_STAGNATION;
}

static PetscErrorCode FenLinearIterate(FenSolver solver)
{
  FenLinearMDP  m = (FenLinearMDP)solver;
  const FenInt  stage = m->step / m->H;
  FenLinearStep s = {.h = StepOf(m, m->step),
                     .stage = &m->stage[stage],
                     .n = m->a.n,
                     .phi = m->phi,
                     .v = m->v,
                     .dv = m->dv,
                     .Lambda = m->Lambda,
                     .X = m->X,
                     .absX = m->absX,
                     .absE = m->absE,
                     .C = m->C};

  PetscFunctionBegin;
  s.last = (PetscBool)(s.h == m->H - 1);
  if (s.last) {
    PetscCall(PetscArrayzero(m->v, m->a.n));
    PetscCall(PetscArrayzero(m->dv, m->a.n));
  }
  PetscCall(Weigh(m, stage, &s));
  PetscCall(Learn(m, &s));
  FenLinearPrepare_Private(m, s.stage, s.h);
  FenLinearValues_Private(m, s.stage, s.h, m->v, m->dv);
  m->step++;
  PetscCall(Report(m, (PetscBool)(m->step == m->nstages * m->H)));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenLinearInitialize(FenSolver solver)
{
  FenLinearMDP m = (FenLinearMDP)solver;

  PetscFunctionBegin;
  m->step = 0;
  m->eta = m->local = 0;
  PetscFunctionReturn(0);
}

/* effective weights of all steps that were made, and the values of the last one */
static PetscErrorCode FenLinearResume(FenSolver solver)
{
  FenLinearMDP m = (FenLinearMDP)solver;

  PetscFunctionBegin;
  for (FenInt k = 0; k < m->step; k++)
    FenLinearPrepare_Private(m, &m->stage[k / m->H], StepOf(m, k));
  if (m->step)
    FenLinearValues_Private(m, &m->stage[(m->step - 1) / m->H], StepOf(m, m->step - 1), m->v, m->dv);
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearLearn_Private(FenSolver s, const FenLinearRule *rule)
{
  PetscFunctionBegin;
  ((FenLinearMDP)s)->rule = rule;
  s->ops->initialize = FenLinearInitialize;
  s->ops->resume = FenLinearResume;
  s->ops->iterate = FenLinearIterate;
  s->ops->state = FenLinearState_Private;
  PetscFunctionReturn(0);
}
