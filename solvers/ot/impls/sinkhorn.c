/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENOTSINKHORN: alternating maximisation of the dual in the log domain, with epsilon-scaling and over-relaxation.

     f <- (1-w) f + w T(g),   g <- (1-w) g + w T(f)

   Where a marginal is penalised, its update of marginal.h takes the place of T, and each iteration ends with the best
   shift (f + t, g - t), which removes the slowest mode (Sejourne, Vialard, Peyre, AISTATS 2022).

   At (f_new, g) both marginals are known for free: row i has mass a_i exp((f_new - T(g))_i/eps), column j has
   b_j exp((g - T(f_new))_j/eps), and so is the dual value. Over-relaxation is the SOR of this block iteration: with the
   observed rate l of the error, the theory of SOR gives kappa = (l+w-1)^2/(l w^2) and the best w = 2/(1+sqrt(1-kappa));
   it is switched off for ten iterations whenever the dual value falls, which it cannot do for w = 1.

   Two passes an iteration; memory O(n+m); messages of two passes and one reduction.

   References: Cuturi, NIPS 2013 (arXiv 1306.0895); Thibault, Chizat, Dossal, Papadakis, Algorithms 14(5), 2021;
   Lehmann, von Renesse, Sambale, Uschmajew, Optim. Lett. 2021; Schmitzer, SIAM J. Sci. Comput. 41, 2019
   (epsilon-scaling).
*/
#include "../otimpl.h"
#include <math.h>

#define PERIOD 10 /* iterations between looks at the rate */

typedef struct {
  PetscBool      relax;     /* option */
  PetscInt       level_max; /* option: iterations of an early level at most */
  double        *f, *soft;  /* relaxed potential of the source; T(g) */
  double         eps;       /* present level */
  double         omega, dual, error_before;
  FenGapSchedule gap;
  FenInt         level_it; /* iterations on this level */
  FenInt         safe;     /* iterations left without relaxation */
  double         passes;
} Sinkhorn;

static const char citation[] = "@article{Schmitzer2019,\n"
                               "  author = {Bernhard Schmitzer},\n"
                               "  title = {Stabilized Sparse Scaling Algorithms for Entropy Regularized Transport "
                               "Problems},\n"
                               "  journal = {SIAM Journal on Scientific Computing},\n"
                               "  volume = {41}, number = {3}, pages = {A1443--A1481}, year = {2019}\n}\n";
static PetscBool  cited = PETSC_FALSE;

static PetscErrorCode StartLevel(FenOT ot, double eps)
{
  Sinkhorn *S = (Sinkhorn *)ot->base.data;

  PetscFunctionBegin;
  S->eps = eps;
  S->omega = 1;
  S->dual = -HUGE_VAL;
  S->level_it = 0;
  S->safe = 0;
  S->error_before = 0;
  PetscCall(FenOTOperatorSetEpsilon(ot->op, eps));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTInitialize_Sinkhorn(FenSolver s)
{
  FenOT     ot = (FenOT)s;
  Sinkhorn *S = (Sinkhorn *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCitationsRegister(citation, &cited));
  PetscCall(PetscArrayzero(ot->g, ot->m));
  PetscCall(PetscArrayzero(S->f, ot->n));
  S->passes = 0;
  ot->op->passes = 0;
  S->gap = (FenGapSchedule){.error = 0.1};
  PetscCall(StartLevel(ot, FenEpsilonFirst(&ot->schedule, ot->cost_max, ot->eps)));
  PetscFunctionReturn(0);
}

/* sums over the points of one side */
enum { MASS, ERROR, DUAL, WANTED, NSUMS };

/* f <- (1-w) f + w T(g); sums of f */
static PetscErrorCode UpdateSource(FenOT ot, double omega, FenDD sum[NSUMS])
{
  Sinkhorn          *S = (Sinkhorn *)ot->base.data;
  const FenMarginal *M = &ot->marginal[0];

  PetscFunctionBegin;
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_SOURCE, ot->g, S->soft));
  for (FenInt i = 0; i < ot->n; i++) {
    const double best = FenMarginalUpdate(M, S->eps, S->soft[i]);
    const double f = omega == 1 ? best : (1 - omega) * S->f[i] + omega * best;
    const double r = ot->a[i] * exp(PetscMin((f - S->soft[i]) / S->eps, 300.0));
    const double wanted = FenMarginalWanted(M, ot->a[i], f);

    S->f[i] = f;
    FenDDAdd(&sum[MASS], r);
    FenDDAdd(&sum[ERROR], fabs(r - wanted));
    FenMarginalDual(M, ot->a[i], f, &sum[DUAL]);
    FenDDAdd(&sum[WANTED], wanted);
  }
  PetscFunctionReturn(0);
}

/* (1-w) g + w T(f) into wm; sums of g, and what the new g wants */
static PetscErrorCode LookAtTarget(FenOT ot, double omega, FenDD sum[NSUMS])
{
  Sinkhorn          *S = (Sinkhorn *)ot->base.data;
  const FenMarginal *M = &ot->marginal[1];

  PetscFunctionBegin;
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, S->f, ot->wm));
  for (FenInt j = 0; j < ot->m; j++) {
    const double b = ot->b[j], g = ot->g[j], c = b * exp(PetscMin((g - ot->wm[j]) / S->eps, 300.0));
    const double best = FenMarginalUpdate(M, S->eps, ot->wm[j]);

    ot->wm[j] = omega == 1 ? best : (1 - omega) * g + omega * best;
    FenDDAdd(&sum[ERROR], b > 0 ? fabs(c - FenMarginalWanted(M, b, g)) : 0);
    FenMarginalDual(M, b, g, &sum[DUAL]);
    FenDDAdd(&sum[WANTED], FenMarginalWanted(M, b, ot->wm[j]));
  }
  PetscFunctionReturn(0);
}

/* Best factor from the observed rate (Young's relation); larger errors mean that the estimate was too bold */
static void AdaptRelaxation(Sinkhorn *S, double error)
{
  const double rate = S->error_before > 0 ? pow(error / S->error_before, 1.0 / PERIOD) : 0;

  S->error_before = error;
  if (!S->relax || S->safe > 0 || rate <= 0 || rate >= 1 || error > 0.5)
    return;
  if (rate > S->omega - 1 + 1e-3) {
    const double x = rate + S->omega - 1, kappa = PetscMin(x * x / (rate * S->omega * S->omega), 0.99999);

    S->omega = PetscMax(S->omega, PetscMin(2 / (1 + sqrt(1 - kappa)), 1.99));
  }
}

/* the last level runs to the tolerances; the others to level_tol */
static PetscErrorCode NextLevel(FenOT ot, double error)
{
  Sinkhorn *S = (Sinkhorn *)ot->base.data;

  PetscFunctionBegin;
  if (S->eps > ot->eps) {
    if (error <= ot->schedule.level_tol || S->level_it >= S->level_max)
      PetscCall(StartLevel(ot, FenEpsilonNext(&ot->schedule, S->eps, ot->eps)));
  } else
    PetscCall(FenOTCheckGap_Private(ot, &S->gap, error));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTResume_Sinkhorn(FenSolver s)
{
  FenOT     ot = (FenOT)s;
  Sinkhorn *S = (Sinkhorn *)s->data;

  PetscFunctionBegin;
  PetscCall(FenOTOperatorSetEpsilon(ot->op, S->eps));
  FenOTResumeWays_Private(ot);
  ot->op->passes = S->passes;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTIterate_Sinkhorn(FenSolver s)
{
  FenOT        ot = (FenOT)s;
  Sinkhorn    *S = (Sinkhorn *)s->data;
  FenProgress *p = &s->progress;
  const double omega = S->safe > 0 || S->level_it == 0 ? 1 : S->omega;
  FenDD        sum[2][NSUMS] = {{{0, 0}}};
  double       v[2][NSUMS], dual, error, t;

  PetscFunctionBegin;
  p->parameter = S->eps;
  PetscCall(UpdateSource(ot, omega, sum[0]));
  PetscCall(LookAtTarget(ot, omega, sum[1]));
  PetscCall(FenSolverReduce_Private(s, 2 * NSUMS, sum[0], v[0]));
  dual = v[0][DUAL] + v[1][DUAL] - S->eps * (v[0][MASS] - ot->product);
  error = (v[0][ERROR] + v[1][ERROR]) * FenOTErrorScale_Private(ot, v[0][MASS]);
  t = FenMarginalShift(ot->marginal, v[0][WANTED], v[1][WANTED]);
  S->safe = PetscMax(0, S->safe - 1);
  if (dual < S->dual - 1e-13 * fabs(S->dual) && omega > 1) {
    S->safe = 10;
    S->error_before = 0;
  }
  S->dual = dual;
  S->level_it++;
  for (FenInt i = 0; i < ot->n; i++)
    S->f[i] += t;
  for (FenInt j = 0; j < ot->m; j++)
    ot->g[j] = ot->wm[j] - t;
  if (S->level_it % PERIOD == 0)
    AdaptRelaxation(S, error);
  s->intermediate = S->eps > ot->eps;
  p->residual = error;
  p->value = dual;
  PetscCall(NextLevel(ot, error));
  p->work = S->passes = ot->op->passes;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTState_Sinkhorn(FenSolver s, FenState state)
{
  FenOT     ot = (FenOT)s;
  Sinkhorn *S = (Sinkhorn *)s->data;
  FenLayout layout;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetLayout(ot->source, &layout));
  PetscCall(FenStateAddArray(state, "f_relaxed", layout, 1, S->f));
  PetscCall(FenStateAddReal(state, "level_eps", &S->eps));
  PetscCall(FenStateAddReal(state, "omega", &S->omega));
  PetscCall(FenStateAddReal(state, "dual", &S->dual));
  PetscCall(FenStateAddReal(state, "error_before", &S->error_before));
  PetscCall(FenStateAddReal(state, "check_error", &S->gap.error));
  PetscCall(FenStateAddInt(state, "level_it", &S->level_it));
  PetscCall(FenStateAddInt(state, "safe", &S->safe));
  PetscCall(FenStateAddInt(state, "check_it", &S->gap.iteration));
  PetscCall(FenStateAddReal(state, "passes", &S->passes));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetFromOptions_Sinkhorn(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  Sinkhorn *S = (Sinkhorn *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscOptionsBool("-ot_sinkhorn_relax", "over-relaxation, adapted to the observed rate", "", S->relax,
                             &S->relax, NULL));
  PetscCall(PetscOptionsInt("-ot_sinkhorn_level_it", "iterations of an early level of epsilon at most", "",
                            S->level_max, &S->level_max, NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTSetUp_Sinkhorn(FenSolver s)
{
  FenOT     ot = (FenOT)s;
  Sinkhorn *S = (Sinkhorn *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(ot->n, &S->f, ot->n, &S->soft));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTReset_Sinkhorn(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(((Sinkhorn *)s->data)->f, ((Sinkhorn *)s->data)->soft));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTView_Sinkhorn(FenSolver s, PetscViewer viewer)
{
  Sinkhorn *S = (Sinkhorn *)s->data;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "over-relaxation: %s, factor %g\n", S->relax ? "on" : "off", S->omega));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOTDestroy_Sinkhorn(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/*MC
  FENOTSINKHORN - "sinkhorn": log-domain Sinkhorn with epsilon-scaling and adaptive over-relaxation

  Options Database Keys:
+ -ot_sinkhorn_relax    - over-relaxation (true)
- -ot_sinkhorn_level_it - iterations of an early level of epsilon at most (100)

  Level: beginner

.seealso: `FENOTNEWTON`, `FenOTSetType()`
M*/
PetscErrorCode FenOTCreate_Sinkhorn(FenSolver s)
{
  Sinkhorn *S;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  S->relax = PETSC_TRUE;
  S->level_max = 100;
  s->data = S;
  s->ops->setfromoptions = FenOTSetFromOptions_Sinkhorn;
  s->ops->setup = FenOTSetUp_Sinkhorn;
  s->ops->initialize = FenOTInitialize_Sinkhorn;
  s->ops->resume = FenOTResume_Sinkhorn;
  s->ops->iterate = FenOTIterate_Sinkhorn;
  s->ops->state = FenOTState_Sinkhorn;
  s->ops->view = FenOTView_Sinkhorn;
  s->ops->reset = FenOTReset_Sinkhorn;
  s->ops->destroy = FenOTDestroy_Sinkhorn;
  PetscFunctionReturn(0);
}
