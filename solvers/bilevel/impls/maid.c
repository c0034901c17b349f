/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENBILEVELMAID, FENBILEVELMAIDBB: the method of adaptive inexact descent.

   At theta_k lower problems are solved to eps and adjoints to delta, both tightened by nu until the certified error of
   the hypergradient is at most (1 - eta) |z| (which can be left out). A trial theta = P(theta_k - a z), a = rho^i
   alpha, is accepted when

     U_up(trial) - U_lo(theta_k) + lambda z^T (theta_k - theta) <= 0,

   which implies that f decreases by lambda a |z|^2 whatever the lower solver did. Accepted: eps, delta, alpha grow by
   nubar and rhobar. Refused j times: eps, delta shrink by nu, j grows by one. maid-bb starts the search from the
   Barzilai-Borwein step and compares with Zhang-Hager's mean of past values as well.

   maid-bb does not test z at every point, as published. But a step that only the mean accepts is no proof that -z goes
   down, and where H is ill-conditioned a residual of delta says little of z: then f climbs until the mean has followed
   it, and all stands still. So, before such a step is accepted, and after all trials of a point were refused, the error
   of z is estimated as in FenPointGoal_Private(), and eps and delta shrink by nu until it is at most (1 - eta) |z|, the
   rule of the test with an estimate instead of a bound.

   Cost of a decision: m lower solves or m adjoint solves, one reduction over all ranks. Memory: two points.

   References: Salehi, Mukherjee, Roberts, Ehrhardt, SIAM J. Math. Data Sci. 7(3), 2025 (arXiv 2308.10098), Algorithms
   3.1 and 3.2; Barzilai, Borwein, IMA J. Numer. Anal. 8, 1988; Zhang, Hager, SIAM J. Optim. 14(4), 2004.
*/
#include "../bilevelimpl.h"
#include <math.h>

#define ADJOINT_SHARE 0.01 /* of |grad g|: what the adjoint of maid-bb may leave of it at most */
#define FORGET        0.85 /* of Zhang-Hager's mean */
#define REFINEMENTS   40
#define STEP_SMALL    1e-12
#define STEP_LARGE    1e12
#define FIRST_CHANGE  0.01 /* the first step moves theta by this much of itself when no step is given */

/* the constants of the published variants */
typedef struct {
  double   eps, delta, alpha; /* first ones; 0: chosen from the first point */
  double   rho, rhobar, nu, nubar, eta, lambda;
  PetscInt backtracks;
} Parameters;

typedef enum { PRESET_PAPER, PRESET_QUADRATIC, PRESET_IMAGING, PRESET_LOGISTIC, PRESET_DEEPINV, PRESET_GALLERY } Preset;
static const char *const presets[] = {"paper",   "quadratic", "imaging", "logistic", "deepinv",
                                      "gallery", "Preset",    "PRESET_", NULL};
static const Parameters  table[] = {
     {1e-1, 1e-1, 0.1, 0.9, 10.0 / 9, 0.5, 1.05, 1e-4, 1e-8, 10},
     {1e-1, 1e-1, 0.01, 0.5, 10.0 / 9, 0.5, 1.25, 1e-4, 1e-8, 10},
     {1, 1, 0.01, 0.5, 10.0 / 9, 0.5, 1.05, 1e-4, 1e-8, 10},
     {1e-1, 1e-1, 0, 0.9, 10.0 / 9, 0.5, 1.05, 1e-4, 1e-8, 10},
     {0, 0, 0, 0.5, 1.2, 0.5, 1.1, 0.5, 0.1, 20},
     {1e-1, 1e-1, 0, 0.5, 1.5, 0.5, 1.1, 0.5, 0.1, 15},
};

enum { TRUST_UNKNOWN, TRUST_DOUBT, TRUST_KNOWN };

typedef struct {
  Parameters par;
  PetscEnum  preset;
  PetscBool  bb, test; /* test: tighten until the certified error is small enough */
  /* state */
  double  alpha, eps, delta;
  double  mean, weight;   /* Zhang-Hager */
  double *theta, *before; /* theta and z of the last accepted point */
  FenInt  started, has_before, tries, backtracks, refined;
  FenInt  trust; /* of the error of the present z without a test: not estimated, to be estimated, small */
} MAID;

static const char citation[] = "@article{Salehi2025,\n"
                               "  author = {M. S. Salehi and S. Mukherjee and L. Roberts and M. J. Ehrhardt},\n"
                               "  title = {An Adaptively Inexact First-Order Method for Bilevel Optimization with "
                               "Application to Hyperparameter Learning},\n"
                               "  journal = {SIAM J. Math. Data Sci.}, volume = {7}, number = {3}, year = {2025}\n}\n";
static PetscBool  cited = PETSC_FALSE;

static PetscErrorCode FenBilevelInitialize_MAID(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  MAID      *M = (MAID *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  PetscCall(FenBilevelBegin_Private(b));
  M->eps = b->eps0 > 0 ? b->eps0 : M->par.eps;
  M->delta = b->delta0 > 0 ? b->delta0 : M->par.delta;
  M->alpha = M->par.alpha;
  M->mean = M->weight = 0;
  M->started = M->has_before = M->tries = M->refined = 0;
  M->trust = TRUST_UNKNOWN;
  M->backtracks = M->par.backtracks;
  PetscFunctionReturn(0);
}

/* 0.02 |grad h| / (mu sqrt(n)) at the first x, where no accuracy was given */
static PetscErrorCode FirstAccuracy(FenBilevel b)
{
  MAID *M = (MAID *)b->base.data;

  PetscFunctionBegin;
  if (M->eps > 0 && M->delta > 0)
    PetscFunctionReturn(0);
  PetscCall(FenPointLower_Private(b, b->cur, PETSC_MAX_REAL / 4, PETSC_FALSE));
  b->cur->has_x = 0;
  if (M->eps <= 0)
    M->eps = PetscMin(PetscMax(0.02 * b->cur->eps / sqrt((double)b->size.rows * (double)b->size.width), 1e-14), 1);
  if (M->delta <= 0)
    M->delta = M->eps;
  PetscFunctionReturn(0);
}

/* where the search starts */
static PetscErrorCode FirstStep(FenBilevel b)
{
  MAID         *M = (MAID *)b->base.data;
  double       *s = b->wt[0], *y = b->wt[1], dots[2], theta;
  const double *left[2] = {s, s}, *right[2] = {s, y};

  PetscFunctionBegin;
  if (M->alpha <= 0) {
    PetscCall(FenThetaNorm_Private(b, b->cur->theta, &theta));
    M->alpha = FIRST_CHANGE * PetscMax(theta, 1) / b->cur->znorm;
  }
  if (!M->bb || !M->has_before)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < b->nt; k++) {
    s[k] = b->cur->theta[k] - M->theta[k];
    y[k] = b->cur->z[k] - M->before[k];
  }
  PetscCall(FenThetaDots_Private(b, 2, left, right, dots));
  if (dots[1] != 0) /* where f is concave, as far as the same curvature upwards would allow */
    M->alpha = PetscMin(PetscMax(dots[0] / fabs(dots[1]), STEP_SMALL), STEP_LARGE);
  PetscFunctionReturn(0);
}

/* is z known well enough? */
static PetscErrorCode Tested(FenBilevel b, PetscBool *tested)
{
  MAID     *M = (MAID *)b->base.data;
  FenPoint *p = b->cur;
  double    error = M->test ? p->omega : 0;

  PetscFunctionBegin;
  if (!M->test && M->trust == TRUST_DOUBT)
    PetscCall(FenPointGoal_Private(b, p, &error));
  *tested = (PetscBool)(error <= (1 - M->par.eta) * p->znorm && p->znorm > 0);
  if (*tested && M->trust == TRUST_DOUBT)
    M->trust = TRUST_KNOWN;
  PetscFunctionReturn(0);
}

static void Tighten(FenBilevel b)
{
  MAID *M = (MAID *)b->base.data;

  M->eps *= M->par.nu;
  M->delta *= M->par.nu;
  b->cur->has_z = 0;
}

/* a hypergradient that is accurate enough, or the next attempt at one */
static PetscErrorCode Gradient(FenBilevel b)
{
  MAID     *M = (MAID *)b->base.data;
  FenPoint *p = b->cur;
  PetscBool tested;

  PetscFunctionBegin;
  if (!p->has_x || p->eps > M->eps * (1 + 1e-9))
    PetscCall(FenPointBoth_Private(b, p, M->eps, M->delta));
  else
    PetscCall(FenPointGradient_Private(b, p, M->delta));
  p->has_z = 1;
  PetscCall(Tested(b, &tested));
  if (!tested && p->omega > 0 && M->refined < REFINEMENTS && p->reached > 0) {
    Tighten(b);
    M->refined++;
    PetscFunctionReturn(0);
  }
  M->refined = M->tries = 0;
  if (p->znorm > 0)
    PetscCall(FirstStep(b));
  PetscFunctionReturn(0);
}

/* Zhang-Hager's reference, with what is known of the present point */
static double Reference(FenBilevel b)
{
  MAID *M = (MAID *)b->base.data;

  if (M->weight <= 0) {
    M->weight = 1;
    M->mean = b->cur->lower;
  }
  return M->mean;
}

static PetscErrorCode Accept(FenBilevel b, double alpha)
{
  MAID        *M = (MAID *)b->base.data;
  const double weight = FORGET * M->weight + 1;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(M->theta, b->cur->theta, b->nt));
  PetscCall(PetscArraycpy(M->before, b->cur->z, b->nt));
  M->has_before = 1;
  M->trust = TRUST_UNKNOWN;
  FenBilevelAccept_Private(b);
  M->mean = (FORGET * M->weight * M->mean + b->cur->lower) / weight;
  M->weight = weight;
  M->eps *= M->par.nubar;
  M->delta *= M->par.nubar;
  M->alpha = M->par.rhobar * alpha;
  PetscFunctionReturn(0);
}

/* all backtracks were refused: more accuracy, one backtrack more; where rounding is in the way that is the end */
static void Refuse(FenBilevel b)
{
  MAID *M = (MAID *)b->base.data;

  if (b->cur->reached <= 0 || b->trial->reached <= 0)
    FenBilevelFloor_Private(b);
  Tighten(b);
  M->backtracks++;
  M->trust = M->bb ? TRUST_DOUBT : TRUST_UNKNOWN;
  b->work.failures++;
}

/* a step that only the mean of past values accepts: is -z known to go down? */
static PetscErrorCode Doubt(FenBilevel b, PetscBool *doubt)
{
  MAID     *M = (MAID *)b->base.data;
  PetscBool tested = PETSC_TRUE;

  PetscFunctionBegin;
  if (!M->test && M->trust == TRUST_UNKNOWN && b->cur->reached > 0) {
    M->trust = TRUST_DOUBT;
    PetscCall(Tested(b, &tested));
  }
  *doubt = (PetscBool)!tested;
  PetscFunctionReturn(0);
}

static PetscErrorCode Trial(FenBilevel b)
{
  MAID        *M = (MAID *)b->base.data;
  FenPoint    *p = b->cur, *t = b->trial;
  const double alpha = M->alpha * pow(M->par.rho, (double)M->tries);
  double       decrease, psi;
  PetscBool    doubt = PETSC_FALSE;

  PetscFunctionBegin;
  FenThetaStep_Private(b, p->theta, -alpha, p->z, t->theta);
  PetscCall(FenBilevelDecrease_Private(b, &decrease));
  PetscCall(FenPointCopyStart_Private(b, p, t));
  PetscCall(FenPointLower_Private(b, t, M->eps, PETSC_FALSE));
  psi = t->upper - p->lower + M->par.lambda * decrease;
  if (M->bb && psi > 0) {
    psi = t->upper - Reference(b) + M->par.lambda * decrease;
    if (psi <= 0)
      PetscCall(Doubt(b, &doubt));
  }
  if (doubt)
    Tighten(b);
  else if (psi <= 0)
    PetscCall(Accept(b, alpha));
  else if (++M->tries >= M->backtracks)
    Refuse(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelIterate_MAID(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;
  MAID      *M = (MAID *)s->data;

  PetscFunctionBegin;
  if (!M->started)
    PetscCall(FirstAccuracy(b));
  M->started = 1;
  if (b->cur->has_z)
    PetscCall(Trial(b));
  else
    PetscCall(Gradient(b));
  PetscCall(FenBilevelReport_Private(b, M->alpha));
  if (b->cur->has_z && b->cur->znorm <= 0)
    FenBilevelFloor_Private(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelState_MAID(FenSolver s, FenState state)
{
  FenBilevel b = (FenBilevel)s;
  MAID      *M = (MAID *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddReals(state, "maid", 5, &M->alpha)); /* alpha, eps, delta, mean, weight */
  PetscCall(FenStateAddInt(state, "started", &M->started));
  PetscCall(FenStateAddInt(state, "has_before", &M->has_before));
  PetscCall(FenStateAddInt(state, "tries", &M->tries));
  PetscCall(FenStateAddInt(state, "backtracks", &M->backtracks));
  PetscCall(FenStateAddInt(state, "refined", &M->refined));
  PetscCall(FenStateAddInt(state, "trust", &M->trust));
  PetscCall(FenBilevelStateTheta_Private(b, state, "theta_before", M->theta));
  PetscCall(FenBilevelStateTheta_Private(b, state, "z_before", M->before));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelResume_MAID(FenSolver s)
{
  MAID *M = (MAID *)s->data;

  PetscFunctionBegin;
  PetscCall(FenBilevelResume_Private(s));
  PetscCall(FenBilevelShare_Private((FenBilevel)s, 2, (double *const[]){M->theta, M->before}));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetUp_MAID(FenSolver s)
{
  MAID *M = (MAID *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2((size_t)((FenBilevel)s)->nt, &M->theta, (size_t)((FenBilevel)s)->nt, &M->before));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelReset_MAID(FenSolver s)
{
  MAID *M = (MAID *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscFree2(M->theta, M->before));
  PetscFunctionReturn(0);
}

/* a positive number */
static PetscErrorCode Real(PetscOptionItems *PetscOptionsObject, FenSolver s, const char option[], const char text[],
                           double least, double most, double *value)
{
  PetscReal number = *value;

  PetscFunctionBegin;
  PetscCall(PetscOptionsReal(option, text, "", number, &number, NULL));
  PetscCheck(number >= least && number <= most, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "%s %g; rule: %g to %g", option, number, least, most);
  *value = number;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetFromOptions_MAID(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  MAID      *M = (MAID *)s->data;
  Parameters p;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-bilevel_maid_preset", "constants of a published variant", "", presets, M->preset,
                             &M->preset, NULL));
  p = table[M->preset];
  PetscCall(Real(PetscOptionsObject, s, "-bilevel_maid_step", "first step (0: changes theta by one per cent)", 0, 1e12,
                 &p.alpha));
  PetscCall(
      Real(PetscOptionsObject, s, "-bilevel_maid_rho", "a refused step is multiplied by this", 1e-3, 0.999, &p.rho));
  PetscCall(
      Real(PetscOptionsObject, s, "-bilevel_maid_rhobar", "an accepted step is multiplied by this", 1, 100, &p.rhobar));
  PetscCall(Real(PetscOptionsObject, s, "-bilevel_maid_nu", "accuracies after a failure are multiplied by this", 1e-6,
                 0.999, &p.nu));
  PetscCall(Real(PetscOptionsObject, s, "-bilevel_maid_nubar", "accuracies after a step are multiplied by this", 1, 100,
                 &p.nubar));
  PetscCall(
      Real(PetscOptionsObject, s, "-bilevel_maid_eta", "share of |z| that its error must leave", 0, 0.999, &p.eta));
  PetscCall(Real(PetscOptionsObject, s, "-bilevel_maid_lambda", "share of the linear decrease that is asked for", 0,
                 0.999, &p.lambda));
  PetscCall(PetscOptionsInt("-bilevel_maid_backtracks", "trials before more accuracy is asked for", "", p.backtracks,
                            &p.backtracks, NULL));
  PetscCheck(p.backtracks > 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_maid_backtracks %" PetscInt_FMT "; rule: at least 1", p.backtracks);
  PetscCall(PetscOptionsBool("-bilevel_maid_test", "tighten until the certified error of z is small enough", "",
                             M->test, &M->test, NULL));
  M->par = p;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelView_MAID(FenSolver s, PetscViewer viewer)
{
  const MAID       *M = (const MAID *)s->data;
  const Parameters *p = &M->par;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "preset %s: rho %g, rhobar %g, nu %g, nubar %g, eta %g, lambda %g, %" PetscInt_FMT " backtracks%s\n",
      presets[M->preset], p->rho, p->rhobar, p->nu, p->nubar, p->eta, p->lambda, p->backtracks,
      M->test ? "" : ", error of z not tested"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(FenSolver s, PetscBool bb)
{
  MAID *M;

  PetscFunctionBegin;
  PetscCall(PetscNew(&M));
  M->bb = bb;
  M->preset = (PetscEnum)(bb ? PRESET_DEEPINV : PRESET_PAPER);
  M->par = table[M->preset];
  M->test = (PetscBool)!bb;
  ((FenBilevel)s)->correct = PETSC_FALSE;
  ((FenBilevel)s)->adjoint_share = bb ? ADJOINT_SHARE : 0;
  s->data = M;
  s->ops->setfromoptions = FenBilevelSetFromOptions_MAID;
  s->ops->setup = FenBilevelSetUp_MAID;
  s->ops->initialize = FenBilevelInitialize_MAID;
  s->ops->resume = FenBilevelResume_MAID;
  s->ops->iterate = FenBilevelIterate_MAID;
  s->ops->state = FenBilevelState_MAID;
  s->ops->view = FenBilevelView_MAID;
  s->ops->reset = FenBilevelReset_MAID;
  s->ops->destroy = FenBilevelFreeData_Private;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCreate_MAID(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(Create(s, PETSC_FALSE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCreate_MAIDBB(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(Create(s, PETSC_TRUE));
  PetscFunctionReturn(0);
}
