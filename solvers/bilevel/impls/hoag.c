/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENBILEVELHOAG: hyperparameter optimisation with approximate gradient.

   In iteration k lower problems and adjoints are solved to a tolerance fixed beforehand, eps_0 0.9^k, eps_0/k^2 or
   eps_0/k^3. Steps of length 1/L along -z; with inc = |change of theta|, C = 1/4,
     g_new <= g + C eps + eps_old (C + 1) inc - L inc^2:  accepted, L <- 0.95 L,
     g_new >= 1.2 g:                                      refused, L <- 2 L, tolerances halved,
     otherwise:                                           accepted.
   L begins with |z_0|/sqrt(p), with 1 where |z_0| <= 1e-3: that depends on the unit of f, so that the first step can be
   given instead. No decision is proved; the bounds that are reported are.

   Cost of an iteration: m lower solves and m adjoint solves. Memory: two points.

   Reference: Pedregosa, ICML 2016 (arXiv 1602.02355).
*/
#include "../bilevelimpl.h"
#include <math.h>

#define GROW   0.95
#define C      0.25
#define REFUSE 1.2
#define FLOOR  1e-12

typedef enum { SCHEDULE_EXPONENTIAL, SCHEDULE_QUADRATIC, SCHEDULE_CUBIC } Schedule;
static const char *const schedules[] = {"exponential", "quadratic", "cubic", "Schedule", "SCHEDULE_", NULL};

typedef struct {
  PetscEnum schedule;
  double    step; /* first change of theta, root mean square over hyperparameters; 0: as published */
  /* state */
  double L, eps, before, share; /* tolerances of this and the last iteration; share: halvings */
  FenInt k;
} HOAG;

static const char citation[] = "@inproceedings{Pedregosa2016,\n"
                               "  author = {Fabian Pedregosa},\n"
                               "  title = {Hyperparameter optimization with approximate gradient},\n"
                               "  booktitle = {ICML}, year = {2016}\n}\n";
static PetscBool  cited = PETSC_FALSE;

static PetscErrorCode FenBilevelInitialize_HOAG(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  HOAG      *H = (HOAG *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  PetscCall(FenBilevelBegin_Private(b));
  H->L = H->before = 0;
  H->eps = b->eps0 > 0 ? b->eps0 : 0.1;
  H->share = 1;
  H->k = 1;
  PetscFunctionReturn(0);
}

static double Tolerance(FenBilevel b)
{
  const HOAG  *H = (const HOAG *)b->base.data;
  const double first = b->eps0 > 0 ? b->eps0 : 0.1, k = (double)H->k;
  const double eps = (Schedule)H->schedule == SCHEDULE_EXPONENTIAL ? pow(0.9, k)
                     : (Schedule)H->schedule == SCHEDULE_QUADRATIC ? 1 / (k * k)
                                                                   : 1 / (k * k * k);

  return PetscMax(first * eps * H->share, FLOOR);
}

static double FirstL(FenBilevel b)
{
  const HOAG  *H = (const HOAG *)b->base.data;
  const double one = b->cur->znorm / sqrt((double)b->size.p);

  if (H->step > 0 && one > 0)
    return one / H->step;
  return b->cur->znorm > 1e-3 ? one : 1;
}

static PetscErrorCode Gradient(FenBilevel b)
{
  HOAG     *H = (HOAG *)b->base.data;
  FenPoint *p = b->cur;

  PetscFunctionBegin;
  PetscCall(p->has_x ? FenPointGradient_Private(b, p, H->eps) : FenPointBoth_Private(b, p, H->eps, H->eps));
  p->has_z = 1;
  if (H->L <= 0)
    H->L = FirstL(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode Trial(FenBilevel b)
{
  HOAG     *H = (HOAG *)b->base.data;
  FenPoint *p = b->cur, *t = b->trial;
  double    square, inc;

  PetscFunctionBegin;
  H->before = H->eps;
  H->eps = Tolerance(b);
  H->k++;
  FenThetaStep_Private(b, p->theta, -1 / H->L, p->z, t->theta);
  PetscCall(FenThetaSquare_Private(b, t->theta, p->theta, &square));
  inc = sqrt(square);
  PetscCall(FenPointCopyStart_Private(b, p, t));
  PetscCall(FenPointLower_Private(b, t, H->eps, PETSC_FALSE));
  if (t->f >= REFUSE * p->f || !isfinite(t->f)) {
    H->L *= 2;
    H->share *= 0.5;
    b->work.failures++;
    if (inc < 1e-15)
      FenBilevelFloor_Private(b);
    PetscFunctionReturn(0);
  }
  if (t->f <= p->f + C * H->eps + H->before * (C + 1) * inc - H->L * square)
    H->L *= GROW;
  FenBilevelAccept_Private(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelIterate_HOAG(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;

  PetscFunctionBegin;
  if (b->cur->has_z)
    PetscCall(Trial(b));
  else
    PetscCall(Gradient(b));
  PetscCall(FenBilevelReport_Private(b, 1 / ((HOAG *)s->data)->L));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelState_HOAG(FenSolver s, FenState state)
{
  HOAG *H = (HOAG *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddReals(state, "hoag", 4, &H->L)); /* L, eps, before, share */
  PetscCall(FenStateAddInt(state, "k", &H->k));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetFromOptions_HOAG(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  HOAG *H = (HOAG *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-bilevel_hoag_schedule", "how tolerances fall", "", schedules, H->schedule, &H->schedule,
                             NULL));
  PetscCall(PetscOptionsReal("-bilevel_hoag_step",
                             "first step, root mean square over hyperparameters (0: one, or |z| if |z| <= 1e-3, as "
                             "published)",
                             "", H->step, &H->step, NULL));
  PetscCheck(H->step >= 0 && isfinite(H->step), PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_hoag_step %g; rule: not negative", H->step);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelView_HOAG(FenSolver s, PetscViewer viewer)
{
  const HOAG *H = (const HOAG *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "schedule %s, L %g\n", schedules[H->schedule], H->L));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCreate_HOAG(FenSolver s)
{
  HOAG *H;

  PetscFunctionBegin;
  PetscCall(PetscNew(&H));
  H->schedule = (PetscEnum)SCHEDULE_EXPONENTIAL;
  ((FenBilevel)s)->correct = PETSC_FALSE;
  s->data = H;
  s->ops->setfromoptions = FenBilevelSetFromOptions_HOAG;
  s->ops->initialize = FenBilevelInitialize_HOAG;
  s->ops->resume = FenBilevelResume_Private;
  s->ops->iterate = FenBilevelIterate_HOAG;
  s->ops->state = FenBilevelState_HOAG;
  s->ops->view = FenBilevelView_HOAG;
  s->ops->destroy = FenBilevelFreeData_Private;
  PetscFunctionReturn(0);
}
