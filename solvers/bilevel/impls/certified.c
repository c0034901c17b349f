/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENBILEVELCERTIFIED: quasi-Newton descent whose every decision is proved, at the accuracy that the decision needs.

   A trial theta = P(theta_k + a d) asks for a decrease of lambda z^T (theta_k - theta). While its lower problems are
   being solved, f(theta) is bracketed again and again: the trial is accepted as soon as its upper bound lies that much
   below the lower bound of f(theta_k), refused as soon as its lower bound does not lie that much below the upper one,
   and solved on otherwise, so that a refused trial costs next to nothing and no schedule of accuracies is needed. Where
   the bracket of f(theta_k) is the wider one, that point is solved more accurately instead; a trial that stays
   undecided gets its adjoint first, whose correction of the value gains an order.

   The accuracy of the hypergradient follows from its certificate, or where that is too pessimistic from the
   goal-oriented estimate of its error: eps is chosen such that z is known to some hundredths. Directions are L-BFGS
   ones (FenDirection), or Barzilai-Borwein steps with memory 0; steps grow by a factor of ten at most. Hyperparameters
   that creep towards a bound are put on it (FenProbe). Lower solves and adjoints of a trial start on the line through
   the last two points, where the trial lies near it, or for first-order methods at the tangent (predict.c).

   Cost of a decision: lower solves of all samples up to the accuracy that decides, one reduction over all ranks for
   every tightening by TIGHTEN; m adjoint solves for a hypergradient, and one reduction. Memory: two points and 2 memory
   hyperparameters.

   References: the acceptance test is Lemma 3.5 of Salehi, Mukherjee, Roberts, Ehrhardt (arXiv 2308.10098); the
   correction by the adjoint is the dual weighted residual of Becker, Rannacher, Acta Numerica 10, 2001.
*/
#include "../direction.h"
#include "../probe.h"
#include <math.h>

#define LAMBDA       1e-4
#define TIGHTEN      0.2  /* accuracies within a trial, and of a point that does not decide */
#define Z_SHARE      0.03 /* z is wanted to this relative accuracy */
#define Z_LIMIT      0.1  /* and computed again if it is worse than this */
#define FIRST_SHARE  1000 /* the first accuracy, below what is known of the start */
#define FIRST_CHANGE 0.1  /* the first step changes theta by this much of itself, or of one */
#define GROWTH       10   /* of the length of a step from one to the next */
#define CONCAVE      4    /* and its factor where f fell faster and faster along the last one */
#define FORGET       0.85 /* of Zhang-Hager's mean */
#define STEP_LEAST   1e-10
#define NARROWER     0.9  /* a bracket that was worth the work */
#define TRIAL_WORK   20.0 /* times the mean work of a solve that a trial may take */
#define PROBE_WORK   3.0
#define PATIENCE     3
#define TRUST        4
#define SHARE        0.3 /* of the width of the present bracket that a trial's may keep */
#define PAIRS_LEAST  10  /* of the direction; as many as there are hyperparameters help */
#define PAIRS_MOST   50

typedef struct {
  PetscInt     asked, memory; /* pairs; asked: PETSC_DECIDE unless the user said */
  PetscBool    nonmonotone;
  FenDirection direction;
  FenProbe     probe;
  double      *d, *theta, *z; /* direction; theta and z before the last step */
  double      *next;          /* theta of a trial */
  /* state */
  double alpha, eps;
  double sensitivity;  /* error of z over eps, as last estimated; 0: not yet */
  double mean, weight; /* Zhang-Hager */
  double length;       /* of the last step */
  FenInt started, has_before, refusals;
  FenInt trusted; /* hypergradients that need no estimate: the last one came out as expected */
  FenInt secant;  /* the trial has solutions at its theta, which a new one may be predicted from */
} Certified;

static PetscErrorCode FenBilevelInitialize_Certified(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(FenBilevelBegin_Private(b));
  FenDirectionForget(&C->direction);
  FenProbeForget(b, &C->probe);
  C->alpha = C->sensitivity = C->mean = C->weight = C->length = 0;
  C->eps = b->eps0;
  C->started = C->has_before = C->trusted = C->refusals = C->secant = 0;
  PetscFunctionReturn(0);
}

/* a small part of the distance that |grad h| at the first x proves */
static PetscErrorCode FirstAccuracy(FenBilevel b)
{
  Certified *C = (Certified *)b->base.data;

  PetscFunctionBegin;
  C->started = 1;
  if (C->eps > 0)
    PetscFunctionReturn(0);
  PetscCall(FenPointLower_Private(b, b->cur, PETSC_MAX_REAL / 4, PETSC_FALSE));
  PetscCall(FenPointCheckModulus_Private(b, b->cur));
  b->cur->has_x = 0;
  C->eps = PetscMax(b->cur->eps / FIRST_SHARE, 1e-14);
  PetscFunctionReturn(0);
}

/* the adjoint's residual contributes to the error of z as eps does when it is L_g eps; it is Z_SHARE of its right side
   at most */
static double Delta(FenBilevel b, const FenPoint *p, double eps)
{
  if (b->delta0 > 0)
    return b->delta0 * eps / (b->eps0 > 0 ? b->eps0 : eps);
  return PetscMin(p->slope * eps, Z_SHARE * p->least);
}

/* is z known well enough, by its certificate or by the goal-oriented estimate? If not: at which accuracy it will be */
static PetscErrorCode Refine(FenBilevel b, PetscBool *again)
{
  Certified *C = (Certified *)b->base.data;
  FenPoint  *p = b->cur;
  double     error;

  PetscFunctionBegin;
  *again = PETSC_FALSE;
  if (p->reached <= 0 || p->omega <= Z_LIMIT * p->znorm)
    PetscFunctionReturn(0);
  if (C->trusted > 0 && C->sensitivity * p->eps <= 1.01 * Z_SHARE * p->znorm) { /* as the last estimates said */
    C->trusted--;
    PetscFunctionReturn(0);
  }
  PetscCall(FenPointGoal_Private(b, p, &error));
  C->trusted = error <= 2 * C->sensitivity * p->eps ? TRUST : 0;
  C->sensitivity = error / p->eps;
  if (error <= Z_LIMIT * p->znorm)
    PetscFunctionReturn(0);
  *again = PETSC_TRUE;
  C->eps = p->eps * PetscMin(PetscMax(Z_SHARE * p->znorm / error, TIGHTEN * TIGHTEN), TIGHTEN);
  PetscFunctionReturn(0);
}

/* for the next point, whose z will be a little smaller; what a Newton step achieved beyond the wish is no wish */
static void NextAccuracy(FenBilevel b)
{
  Certified   *C = (Certified *)b->base.data;
  FenPoint    *p = b->cur;
  const double error = C->sensitivity > 0 ? PetscMin(C->sensitivity * p->eps, p->omega) : p->omega;

  if (error > 0)
    C->eps = PetscMin(p->eps * Z_SHARE * p->znorm / error, GROWTH * PetscMax(C->eps, p->eps));
}

/* direction and first length of a search from the present point; concave: f is along the last step, so that it says
   nothing of where to stop */
static PetscErrorCode Direct(FenBilevel b, PetscBool concave)
{
  Certified    *C = (Certified *)b->base.data;
  FenPoint     *p = b->cur;
  PetscBool     newton;
  double        norm, theta, most;
  const double *d = C->d;

  PetscFunctionBegin;
  PetscCall(FenDirectionGet(b, &C->direction, p->theta, p->z, C->d, &newton));
  PetscCall(FenThetaDots_Private(b, 1, &d, &d, &norm));
  PetscCall(FenThetaNorm_Private(b, p->theta, &theta));
  norm = sqrt(norm);
  most = C->length > 0 ? GROWTH * C->length : FIRST_CHANGE * PetscMax(theta, 1);
  C->alpha = newton ? 1 : C->length > 0 ? (concave ? CONCAVE : 1) * C->length / norm : most / norm;
  C->alpha = PetscMin(C->alpha, most / norm);
  C->refusals = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode Search(FenBilevel b)
{
  Certified *C = (Certified *)b->base.data;
  FenPoint  *p = b->cur;
  PetscBool  concave = PETSC_FALSE;

  PetscFunctionBegin;
  if (C->has_before) {
    PetscCall(FenDirectionUpdate(b, &C->direction, p->theta, C->theta, p->z, C->z, &concave));
    FenProbeObserve(b, &C->probe, p->theta, C->theta, p->z, C->z);
  }
  C->has_before = 0; /* the pair is used once, however often this point is solved */
  PetscCall(Direct(b, concave));
  PetscCall(FenProbeApply(b, &C->probe, p->theta, C->alpha, C->d));
  PetscFunctionReturn(0);
}

static PetscErrorCode Gradient(FenBilevel b)
{
  Certified *C = (Certified *)b->base.data;
  FenPoint  *p = b->cur;
  PetscBool  again;

  PetscFunctionBegin;
  if (!p->has_x || p->eps > C->eps * (1 + 1e-9))
    PetscCall(FenPointLower_Private(b, p, C->eps, PETSC_FALSE));
  if (!p->fresh)
    PetscCall(FenPointGradient_Private(b, p, Delta(b, p, PetscMin(C->eps, p->eps))));
  p->has_z = 1;
  PetscCall(Refine(b, &again));
  if (again) {
    p->has_z = 0;
    PetscFunctionReturn(0);
  }
  NextAccuracy(b);
  if (p->znorm > 0)
    PetscCall(Search(b));
  PetscFunctionReturn(0);
}

static PetscErrorCode Accept(FenBilevel b)
{
  Certified   *C = (Certified *)b->base.data;
  const double weight = FORGET * C->weight + 1;
  double       square;

  PetscFunctionBegin;
  PetscCall(FenThetaSquare_Private(b, b->trial->theta, b->cur->theta, &square));
  C->length = sqrt(square);
  PetscCall(PetscArraycpy(C->theta, b->cur->theta, b->nt));
  PetscCall(PetscArraycpy(C->z, b->cur->z, b->nt));
  C->has_before = 1;
  FenBilevelAccept_Private(b);
  C->mean = (FORGET * C->weight * C->mean + b->cur->lower) / weight;
  C->weight = weight;
  PetscFunctionReturn(0);
}

/* f on the way is a parabola with the slope of the decrease: a shorter step */
static void Shorten(FenBilevel b, double decrease)
{
  Certified   *C = (Certified *)b->base.data;
  const double rise = b->trial->f - b->cur->f + decrease; /* above the tangent */
  const double share = isfinite(rise) && rise > 0 ? decrease / (2 * rise) : 0.5;

  C->alpha *= PetscMin(PetscMax(share, 0.1), 0.5);
  C->refusals++;
}

typedef enum { UNDECIDED, ACCEPTED, REFUSED } Verdict;

/* f of the present point (and of the mean of past ones) less the decrease: between what that lies */
typedef struct {
  double lower, upper;
} Threshold;

static Verdict Judge(const FenPoint *t, const Threshold *T)
{
  return t->upper <= T->lower ? ACCEPTED : t->lower > T->upper ? REFUSED : UNDECIDED;
}

/* may a narrower bracket of the trial alone, or of the threshold alone, bring a decision? */
static PetscBool Hope(const FenPoint *t, const Threshold *T, PetscBool trial)
{
  return trial ? (PetscBool)(t->lower <= T->lower || t->upper > T->upper)
               : (PetscBool)(t->upper <= T->upper || t->lower > T->lower);
}

/* the adjoint of a point, where it narrows the bracket of f: from what the adjoints of the present point say */
static PetscErrorCode Correct(FenBilevel b, FenPoint *p, PetscBool *done)
{
  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (!b->correct || p->fresh || !(b->cur->curve * p->eps < SHARE * b->cur->plain))
    PetscFunctionReturn(0);
  PetscCall(FenPointGradient_Private(b, p, Delta(b, p, p->eps)));
  *done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* a narrower bracket of a point; false: rounding is in the way */
static PetscErrorCode Narrow(FenBilevel b, FenPoint *p, PetscBool resume, PetscBool *done)
{
  const double before = p->upper - p->lower;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  if (p == b->trial || p->eps <= ((Certified *)b->base.data)->eps)
    PetscCall(Correct(b, p, done));
  if (*done || p->reached <= 0)
    PetscFunctionReturn(0);
  PetscCall(FenPointLower_Private(b, p, TIGHTEN * p->eps, resume));
  *done = (PetscBool)(p->upper - p->lower < NARROWER * before);
  PetscFunctionReturn(0);
}

static PetscErrorCode Ask(FenBilevel b, double *decrease, Threshold *T)
{
  Certified *C = (Certified *)b->base.data;
  FenPoint  *p = b->cur;

  PetscFunctionBegin;
  PetscCall(FenBilevelDecrease_Private(b, decrease));
  if (C->weight <= 0) {
    C->weight = 1;
    C->mean = p->lower;
  }
  T->lower = (C->nonmonotone ? PetscMax(p->lower, C->mean) : p->lower) - LAMBDA * *decrease;
  T->upper = PetscMax(T->lower, p->upper - LAMBDA * *decrease);
  PetscFunctionReturn(0);
}

/* solves on whichever of trial and present point is known worse, until the trial is decided or rounding ends that */
static PetscErrorCode Decide(FenBilevel b, double *decrease, Verdict *verdict)
{
  Certified *C = (Certified *)b->base.data;
  FenPoint  *p = b->cur, *t = b->trial;
  Threshold  T;
  double     eps;
  PetscBool  done = PETSC_TRUE, other, resume = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(Ask(b, decrease, &T));
  eps = p->plain > 0 ? 0.5 * *decrease / p->plain : HUGE_VAL; /* as wide as the decrease that is hoped for */
  eps = PetscMin(PetscMax(eps, C->eps), 1e4 * C->eps);
  PetscCall(FenPointPredict_Private(b, p, t, eps));
  PetscCall(FenPointLower_Private(b, t, eps, PETSC_FALSE));
  while ((*verdict = Judge(t, &T)) == UNDECIDED && done) {
    other = (PetscBool)(t->upper - t->lower < T.upper - T.lower);
    PetscCall(Narrow(b, other ? p : t, (PetscBool)(resume && !other), &done));
    resume = (PetscBool)!other;
    if (!done && Hope(t, &T, other)) /* the other one, then */
      PetscCall(Narrow(b, other ? t : p, PETSC_FALSE, &done));
    if (other || !done)
      PetscCall(Ask(b, decrease, &T));
  }
  PetscFunctionReturn(0);
}

/* iterations of one sample that a trial may use: far away from what was solved so far, and on a bound that is tried
   out, lower problems may be hard, and a shorter step is better than an answer. No limit after some refusals */
static void Limit(FenBilevel b, PetscInt *lower, PetscInt *adjoint)
{
  const Certified      *C = (const Certified *)b->base.data;
  const FenBilevelWork *w = &b->work;
  const double          share = C->probe.active ? PROBE_WORK : TRIAL_WORK, m = (double)b->size.samples;

  if (C->refusals >= PATIENCE && !C->probe.active)
    return;
  *lower = (PetscInt)PetscMin((double)*lower, 50 + share * w->lower_iterations / (w->upper_evaluations * m));
  *adjoint = (PetscInt)PetscMin((double)*adjoint, 50 + share * w->adjoint_iterations / (w->gradients * m));
}

static PetscErrorCode Trial(FenBilevel b)
{
  Certified     *C = (Certified *)b->base.data;
  FenPoint      *p = b->cur, *t = b->trial;
  double         decrease, theta;
  Verdict        verdict = UNDECIDED;
  const PetscInt lower = b->lower_max_it, adjoint = b->adjoint_max_it;

  PetscFunctionBegin;
  FenThetaStep_Private(b, p->theta, C->alpha, C->d, C->next);
  PetscCall(FenPointStart_Private(b, p, C->next, C->secant ? PETSC_TRUE : PETSC_FALSE, t));
  Limit(b, &b->lower_max_it, &b->adjoint_max_it);
  PetscCall(Decide(b, &decrease, &verdict));
  if (verdict == UNDECIDED && (b->lower_max_it < lower || b->adjoint_max_it < adjoint))
    verdict = REFUSED;
  b->lower_max_it = lower;
  b->adjoint_max_it = adjoint;
  if (verdict == ACCEPTED)
    PetscCall(Accept(b));
  else if (C->probe.active) { /* the same search without the bound */
    FenProbeRefused(b, &C->probe);
    PetscCall(Direct(b, PETSC_FALSE));
  } else if (verdict == REFUSED && decrease <= 0) /* the present point was solved on, and its z has turned */
    PetscCall(Direct(b, PETSC_FALSE));
  else if (verdict == REFUSED)
    Shorten(b, decrease);
  else { /* what is left to gain cannot be seen */
    b->work.failures++;
    FenBilevelFloor_Private(b);
  }
  C->secant = b->predict == FEN_PREDICT_SECANT && b->trial->reached > 0 ? 1 : 0;
  PetscCall(FenThetaNorm_Private(b, p->theta, &theta));
  if (verdict == REFUSED && C->alpha * C->length < STEP_LEAST * PetscMax(theta, 1) && C->refusals > 20)
    FenBilevelFloor_Private(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelIterate_Certified(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  if (!C->started)
    PetscCall(FirstAccuracy(b));
  if (b->cur->has_z)
    PetscCall(Trial(b));
  else
    PetscCall(Gradient(b));
  PetscCall(FenBilevelReport_Private(b, C->length));
  if (b->cur->has_z && b->cur->znorm <= 0)
    FenBilevelFloor_Private(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelState_Certified(FenSolver s, FenState state)
{
  FenBilevel b = (FenBilevel)s;
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddReals(state, "certified", 6, &C->alpha)); /* alpha ... length */
  PetscCall(FenStateAddInt(state, "started", &C->started));
  PetscCall(FenStateAddInt(state, "has_before", &C->has_before));
  PetscCall(FenStateAddInt(state, "trusted", &C->trusted));
  PetscCall(FenStateAddInt(state, "refusals", &C->refusals));
  PetscCall(FenStateAddInt(state, "secant", &C->secant));
  PetscCall(FenBilevelStateTheta_Private(b, state, "direction", C->d));
  PetscCall(FenBilevelStateTheta_Private(b, state, "theta_before", C->theta));
  PetscCall(FenBilevelStateTheta_Private(b, state, "z_before", C->z));
  if (b->predict == FEN_PREDICT_SECANT) {
    PetscCall(FenBilevelStateTheta_Private(b, state, "trial_theta", b->trial->theta));
    PetscCall(FenStateAddArray(state, "trial_x", b->lx, 1, b->trial->x));
    PetscCall(FenStateAddArray(state, "trial_q", b->lx, 1, b->trial->q));
  }
  PetscCall(FenDirectionState(b, &C->direction, state));
  PetscCall(FenProbeState(b, &C->probe, state));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelResume_Certified(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(FenBilevelResume_Private(s));
  PetscCall(FenBilevelShare_Private(b, 4, (double *const[]){C->d, C->theta, C->z, b->trial->theta}));
  PetscCall(FenDirectionResume(b, &C->direction));
  PetscCall(FenProbeResume(b, &C->probe));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetUp_Certified(FenSolver s)
{
  FenBilevel   b = (FenBilevel)s;
  Certified   *C = (Certified *)s->data;
  const size_t n = (size_t)b->nt;

  PetscFunctionBegin;
  C->memory = C->asked >= 0 ? C->asked : (PetscInt)PetscMin(PetscMax(b->size.p, PAIRS_LEAST), PAIRS_MOST);
  PetscCall(PetscCalloc4(n, &C->d, n, &C->theta, n, &C->z, n, &C->next));
  PetscCall(FenDirectionCreate(b, C->memory, &C->direction));
  PetscCall(FenProbeCreate(b, &C->probe));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelReset_Certified(FenSolver s)
{
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscFree4(C->d, C->theta, C->z, C->next));
  PetscCall(FenDirectionDestroy(&C->direction));
  PetscCall(FenProbeDestroy(&C->probe));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetFromOptions_Certified(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  Certified *C = (Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-bilevel_memory",
                            "pairs of the quasi-Newton direction (0: Barzilai-Borwein steps; -1: 10 to 50, as many as "
                            "hyperparameters)",
                            "", C->asked, &C->asked, NULL));
  PetscCheck(C->asked >= PETSC_DECIDE && C->asked <= FEN_DIRECTION_MEMORY, PetscObjectComm((PetscObject)s),
             (PetscErrorCode)FEN_ERR_OPTION, "-bilevel_memory %" PetscInt_FMT "; rule: -1 to %d", C->asked,
             FEN_DIRECTION_MEMORY);
  PetscCall(PetscOptionsBool("-bilevel_nonmonotone", "compare with a mean of past values, not with the last alone", "",
                             C->nonmonotone, &C->nonmonotone, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelView_Certified(FenSolver s, PetscViewer viewer)
{
  const Certified *C = (const Certified *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "memory %" PetscInt_FMT ", %s, sensitivity of z to eps %g\n", C->memory,
                                   C->nonmonotone ? "nonmonotone" : "monotone", C->sensitivity));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCreate_Certified(FenSolver s)
{
  Certified *C;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  C->asked = PETSC_DECIDE;
  C->nonmonotone = PETSC_TRUE;
  ((FenBilevel)s)->correct = PETSC_TRUE;
  s->data = C;
  s->ops->setfromoptions = FenBilevelSetFromOptions_Certified;
  s->ops->setup = FenBilevelSetUp_Certified;
  s->ops->initialize = FenBilevelInitialize_Certified;
  s->ops->resume = FenBilevelResume_Certified;
  s->ops->iterate = FenBilevelIterate_Certified;
  s->ops->state = FenBilevelState_Certified;
  s->ops->view = FenBilevelView_Certified;
  s->ops->reset = FenBilevelReset_Certified;
  s->ops->destroy = FenBilevelFreeData_Private;
  PetscFunctionReturn(0);
}
