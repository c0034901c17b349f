/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A globalised Newton step on the dual D(g) = <a,T(g)> + <b,g>. f = T(g) makes rows exact, so that the gradient is
   b - c, c = E^T a. The step solves (S + shift diag(c)) d = eps c log(b/c) by preconditioned CG (newtonsystem.c), is
   halved three times at most until it raises D, has its entries cut if it is long and that will not do (parts of a plan
   that hang together by next to nothing ask for steps of many epsilon), and moves a Levenberg shift: up when it is cut,
   by little when it is long, down when it is whole. If no length will do, a Sinkhorn step g <- g + eps log(b/c) is
   taken.

   What a step gets wrong it gets wrong locally, where the plan depends on the potential as an exponential; and from
   where |log(b/c)| is large its direction is of no use in the first place. Sinkhorn steps, two passes each, put right
   what is local: they are the nonlinear smoother around the global step. How many are taken is decided by the largest
   |log(b/c)|: after a step until it is below 0.1, and before the first one of a problem until it is below 0.3.

   A Sinkhorn step multiplies an error by an eigenvalue k in [0,1] of the plan's couplings, one that is w times as long
   by 1 - w (1-k), and with a plain one after it by k (1 - w (1-k)), at most 0.8 for w = 5. Where a step changes little,
   near 1, this is as good as w + 1 plain ones.

   Where marginals are penalised, f is the best potential for g, c is compared with what g wants, and the system is that
   of newtonsystem.c; all else is the same.

   Passes: two for an evaluation and for a Sinkhorn step, two a CG iteration, one a trial of a length.
*/
#include "newtonstep.h"
#include <math.h>

#define STEP_LIMIT  1e4  /* entries of a step are cut to this many epsilon */
#define LONG_STEP   8.0  /* steps are cut at least until they are so many epsilon long */
#define FAR_STEP    32.0 /* entries of a long direction are cut to so many epsilon at first, */
#define SHORT_STEP  0.5  /* and entries are cut to so many at least */
#define SMOOTH_MOST 20   /* Sinkhorn steps in a row at most */
#define KEPT_CYCLES 2    /* a V-cycle that did with so many stays for the next problem */
#define SLOW        0.8  /* a Sinkhorn step that leaves so much of |log(b/c)|, if that is below */
#define SLOW_NEAR   1.0  /* this, is followed by */
#define LONGER      5.0  /* one that is so many times as long, */
#define LONGER_MOST 4.0  /* and that changes entries by about so many epsilon at most */

PetscErrorCode FenNewtonStepCreate(FenOT ot, FenNewtonStep *S)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc2(ot->most, &S->c, ot->most, &S->d));
  PetscCall(FenNewtonSystemCreate(ot, &S->system));
  S->system.c = S->c;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepDestroy(FenNewtonStep *S)
{
  PetscFunctionBegin;
  if (!S->system.ksp)
    PetscFunctionReturn(0);
  PetscCall(FenNewtonSystemDestroy(&S->system));
  PetscCall(PetscFree2(S->c, S->d));
  PetscFunctionReturn(0);
}

/* Making a V-cycle costs as much as five CG iterations. One for another epsilon sees long waves wrong by the ratio of
   the two, which takes an iteration more: less, where it took one or two */
void FenNewtonStepForget(FenNewtonStep *S)
{
  S->built = S->built && S->system.use == FEN_USES_CYCLE && S->system.seen.its <= KEPT_CYCLES && S->system.shift <= 0;
  S->diagonal_only = 0;
  S->system.shift = 0;
  S->system.seen.most = FEN_FEWEST_CYCLES;
}

/* column sums and their error for the operator's present plan (one pass) */
static PetscErrorCode Columns(FenNewtonStep *S)
{
  FenOT ot = S->system.ot;

  PetscFunctionBegin;
  PetscCall(FenOTMultTranspose(ot->op, FenOTRows_Private(ot), S->c));
  PetscCall(FenNewtonErrors(ot, S->c, S->system.mass, &S->error, &S->log_error, &S->lost));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepEvaluate(FenNewtonStep *S)
{
  FenOT ot = S->system.ot;

  PetscFunctionBegin;
  PetscCall(FenNewtonDual(ot, ot->g, &S->dual, &S->system.mass));
  PetscCall(Columns(S));
  PetscFunctionReturn(0);
}

/* Where targets receive next to nothing, c has lost its digits, and the transform itself is taken; c says nothing about
   targets without mass */
static PetscErrorCode Sinkhorn(FenNewtonStep *S, double length, PetscBool everywhere)
{
  const PetscBool transform = (PetscBool)(everywhere || S->lost);

  PetscFunctionBegin;
  PetscCall(FenNewtonSinkhorn(S->system.ot, S->c, S->system.mass, length, transform, everywhere));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepUpdate(FenNewtonStep *S, PetscBool everywhere)
{
  PetscFunctionBegin;
  PetscCall(Sinkhorn(S, 1, everywhere));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepSmoothen(FenNewtonStep *S, int least, double limit)
{
  double length = 1;

  PetscFunctionBegin;
  for (int k = 0; k < least || (k < SMOOTH_MOST && S->log_error > limit); k++) {
    const double    before = S->log_error;
    const PetscBool plain = (PetscBool)(length <= 1);

    PetscCall(Sinkhorn(S, length, PETSC_FALSE));
    PetscCall(FenNewtonStepEvaluate(S));
    length = plain && S->log_error < SLOW_NEAR && S->log_error > SLOW * before
                 ? PetscMin(LONGER, LONGER_MOST / S->log_error)
                 : 1;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepBuild(FenNewtonStep *S)
{
  FenOT ot = S->system.ot;

  PetscFunctionBegin;
  S->system.diagonal_only = (PetscBool)S->diagonal_only;
  PetscCall(FenNewtonSystemBuild(&S->system, FenOTSoft_Private(ot), ot->g));
  if (S->g_built)
    PetscCall(PetscArraycpy(S->g_built, ot->g, ot->m));
  S->shift_built = S->system.shift;
  S->eps_built = ot->op->eps;
  S->ways_built = ot->op->ways.plan;
  S->built = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepState(FenNewtonStep *S, FenState state)
{
  PetscFunctionBegin;
  PetscCall(FenStateAddReal(state, "shift_built", &S->shift_built));
  PetscCall(FenStateAddReal(state, "eps_built", &S->eps_built));
  PetscCall(FenStateAddInt(state, "ways_built", &S->ways_built));
  PetscCall(FenStateAddInt(state, "built", &S->built));
  PetscCall(FenStateAddInt(state, "diagonal_only", &S->diagonal_only));
  PetscCall(FenNewtonSeenState(&S->system.seen, state));
  PetscCall(FenStateAddReal(state, "dual", &S->dual));
  PetscCall(FenStateAddReal(state, "error", &S->error));
  PetscCall(FenStateAddReal(state, "shift", &S->system.shift));
  PetscCall(FenStateAddReal(state, "least_shift", &S->system.least));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonStepResume(FenNewtonStep *S)
{
  FenNewtonSystem    *N = &S->system;
  FenOT               ot = N->ot;
  const double        shift = N->shift, eps = ot->op->eps;
  const FenNewtonSeen seen = N->seen;
  double             *g;

  PetscFunctionBegin;
  if (S->built && S->g_built) {
    PetscCall(PetscMalloc1(ot->m, &g));
    PetscCall(PetscArraycpy(g, ot->g, ot->m));
    PetscCall(PetscArraycpy(ot->g, S->g_built, ot->m));
    N->shift = S->shift_built;
    N->seen.average = seen.average_before;
    N->seen.full = seen.full_before;
    FenOTTellWays_Private(ot, S->ways_built);
    PetscCall(FenOTOperatorSetEpsilon(ot->op, S->eps_built));
    PetscCall(FenNewtonStepEvaluate(S));
    PetscCall(FenNewtonSystemSetColumns(N, S->c, N->mass));
    PetscCall(FenNewtonStepBuild(S));
    PetscCall(FenOTOperatorSetEpsilon(ot->op, eps));
    PetscCall(PetscArraycpy(ot->g, g, ot->m));
    PetscCall(PetscFree(g));
    N->shift = shift;
    N->seen = seen;
  }
  FenOTTellWays_Private(ot, -1);
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenNewtonStep *S, double rtol, PetscBool *failed)
{
  FenOT ot = S->system.ot;

  PetscFunctionBegin;
  FenNewtonRightSide(&S->system, S->c, ot->wm);
  PetscCall(FenNewtonSystemSolve(&S->system, ot->wm, rtol, S->d, failed));
  PetscFunctionReturn(0);
}

/* half of what the direction changes at targets with mass: the constant is free */
static PetscErrorCode Longest(FenNewtonStep *S, double *longest)
{
  FenOT  ot = S->system.ot;
  double most[2] = {-HUGE_VAL, -HUGE_VAL};

  PetscFunctionBegin;
  for (FenInt j = 0; j < ot->m; j++)
    if (ot->b[j] > 0) {
      most[0] = PetscMax(most[0], S->d[j]);
      most[1] = PetscMax(most[1], -S->d[j]);
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, ot->op->comm));
  *longest = 0.5 * (most[0] + most[1]);
  PetscFunctionReturn(0);
}

/* Constants are in the null space: what the direction has of them is rounding errors, over the shift or over what
   V-cycles make of them, and would be another on any other number of ranks */
static PetscErrorCode Centre(FenNewtonStep *S)
{
  FenOT  ot = S->system.ot;
  FenDD  sum[2] = {{0, 0}, {0, 0}};
  double s[2];

  PetscFunctionBegin;
  if (ot->relaxed)
    PetscFunctionReturn(0);
  FenDDAddDot(&sum[0], ot->m, ot->b, S->d);
  FenDDAddSum(&sum[1], ot->m, ot->b);
  PetscCall(FenDDReduce(ot->op->comm, 2, sum, s));
  for (FenInt j = 0; j < ot->m; j++)
    S->d[j] -= s[0] / s[1];
  PetscFunctionReturn(0);
}

/* direction in S->d, cut to the step limit; slope <wanted - c, d> */
static PetscErrorCode Direction(FenNewtonStep *S, double rtol, double *slope, double *longest)
{
  FenOT        ot = S->system.ot;
  const double limit = STEP_LIMIT * ot->op->eps;
  PetscBool    failed;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemSetColumns(&S->system, S->c, S->system.mass));
  if (!S->built || FenNewtonSystemIsOld(&S->system))
    PetscCall(FenNewtonStepBuild(S));
  PetscCall(Solve(S, rtol, &failed));
  for (int again = 0; failed && again < 2; again++) { /* a preconditioner that breaks down is made anew, then replaced
                                                         by the diagonal for the rest of the level */
    if (S->system.use == FEN_USES_COARSE)
      S->system.seen.slow = 1;
    else
      S->diagonal_only = again || S->system.use != FEN_USES_CYCLE;
    if (S->system.seen.direct == FEN_GRAPH_IN_USE)
      S->system.seen.direct = FEN_GRAPH_DENSE;
    PetscCall(FenNewtonStepBuild(S));
    PetscCall(Solve(S, rtol, &failed));
  }
  if (FenNewtonSystemReconsider(&S->system))
    S->built = 0;
  PetscCall(Centre(S));
  for (FenInt j = 0; j < ot->m; j++)
    S->d[j] = PetscMax(-limit, PetscMin(limit, S->d[j]));
  PetscCall(FenNewtonSlope(ot, S->c, S->d, slope));
  PetscCall(Longest(S, longest));
  PetscFunctionReturn(0);
}

/* is g + trial's change good enough? If so it is taken */
static PetscErrorCode Try(FenNewtonStep *S, const double trial[], double slope, PetscBool *taken)
{
  FenOT        ot = S->system.ot;
  const double noise = 1e-14 * fabs(S->dual);
  double       dual, mass;

  PetscFunctionBegin;
  PetscCall(FenNewtonDual(ot, trial, &dual, &mass));
  *taken = (PetscBool)(dual >= S->dual + 1e-4 * slope - noise);
  if (*taken) {
    PetscCall(PetscArraycpy(ot->g, trial, ot->m));
    S->dual = dual;
    S->system.mass = mass;
  }
  PetscFunctionReturn(0);
}

/* where half of the mass has a smaller entry, to a quarter of epsilon: the direction's constant is free, and what few
   targets do should not move it */
static PetscErrorCode Median(FenNewtonStep *S, double *median)
{
  FenOT  ot = S->system.ot;
  double range[2] = {-HUGE_VAL, -HUGE_VAL};

  PetscFunctionBegin;
  *median = 0;
  if (ot->relaxed)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < ot->m; j++)
    if (ot->b[j] > 0) {
      range[0] = PetscMax(range[0], S->d[j]);
      range[1] = PetscMax(range[1], -S->d[j]);
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MAX, ot->op->comm));
  range[1] = -range[1];
  for (int k = 0; k < 60 && range[0] - range[1] > 0.25 * ot->op->eps; k++) {
    FenDD  sum[2] = {{0, 0}, {0, 0}};
    double s[2];

    *median = 0.5 * (range[0] + range[1]);
    for (FenInt j = 0; j < ot->m; j++)
      FenDDAdd(&sum[S->d[j] < *median], ot->b[j]);
    PetscCall(FenDDReduce(ot->op->comm, 2, sum, s));
    range[s[1] < s[0] ? 1 : 0] = *median;
  }
  PetscFunctionReturn(0);
}

/* Entries cut to L epsilon, L = 32, 8, 4 ... 1/2: parts of a plan that hang together by next to nothing ask for long
   steps against each other, and all else gets its whole one. The system is a graph Laplacian, so that a cut of the
   entries is a direction of ascent too, and one of one epsilon increases D. *step: largest share of the entries, 0 if
   none will do
 */
static PetscErrorCode CutEntries(FenNewtonStep *S, double longest, double *step)
{
  FenOT        ot = S->system.ot;
  const double eps = ot->op->eps;
  double      *trial = ot->wm2, median, slope, cut;
  PetscBool    taken;

  PetscFunctionBegin;
  PetscCall(Median(S, &median));
  cut = PetscMin(longest / 2, FAR_STEP * eps);
  while (cut >= SHORT_STEP * eps) {
    for (FenInt j = 0; j < ot->m; j++)
      trial[j] = PetscMax(-cut, PetscMin(cut, S->d[j] - median));
    PetscCall(FenNewtonSlope(ot, S->c, trial, &slope));
    if (slope > 0) {
      for (FenInt j = 0; j < ot->m; j++)
        trial[j] += ot->g[j];
      *step = cut / longest;
      PetscCall(Try(S, trial, slope, &taken));
      if (taken)
        PetscFunctionReturn(0);
    }
    cut /= cut > 2 * LONG_STEP * eps ? 4 : 2;
  }
  *step = 0;
  PetscFunctionReturn(0);
}

/* The largest of 1, 1/2, 1/4, 1/8 that increases the dual enough; 0 if none does. Long directions have their entries
   cut then, those of factorised systems, which are exact, as soon as 1/2 will not do */
static PetscErrorCode LineSearch(FenNewtonStep *S, double slope, double longest, double *step)
{
  FenOT           ot = S->system.ot;
  const PetscBool far = (PetscBool)(longest > LONG_STEP * ot->op->eps);
  const double    least = far && S->system.least > 0 ? 0.5 : 0.125;
  double         *trial = ot->wm2;
  PetscBool       taken;

  PetscFunctionBegin;
  for (*step = 1; *step >= least; *step /= 2) {
    for (FenInt j = 0; j < ot->m; j++)
      trial[j] = ot->g[j] + *step * S->d[j];
    PetscCall(Try(S, trial, *step * slope, &taken));
    if (taken)
      PetscFunctionReturn(0);
  }
  *step = 0;
  if (far)
    PetscCall(CutEntries(S, longest, step));
  PetscFunctionReturn(0);
}

/* Levenberg shift: up when steps must be cut, down when they need not; patience with CG the other way round. A step
   that was cut asks for another preconditioner: the plan and the shift have changed */
static void Adapt(FenNewtonStep *S, double step, PetscBool far)
{
  const PetscBool exact = (PetscBool)(S->system.least > 0);
  double         *shift = &S->system.shift;

  if (step >= 1)
    *shift = *shift < (exact ? 1e-5 : 1e-3) ? 0 : *shift / (exact ? 8 : 4);
  else if (exact && far && step < 0.1)
    *shift = PetscMax(4 * *shift, 1e-4);
  else if (step < 0.5 && !(exact && far))
    *shift = PetscMax(4 * *shift, far || exact ? 3e-4 : 0.03);
  if (step < 0.5) {
    S->system.seen.most = FEN_FEWEST_CYCLES;
    S->built = 0;
  } else if (S->system.seen.its >= S->system.seen.most)
    S->system.seen.most = PetscMin(2 * S->system.seen.most, FEN_MOST_CYCLES);
}

PetscErrorCode FenNewtonStepTake(FenNewtonStep *S, double rtol, double *step)
{
  FenOT  ot = S->system.ot;
  double slope, longest = 0;

  PetscFunctionBegin;
  PetscCall(Direction(S, rtol > 0 ? rtol : 0.1, &slope, &longest)); /* a NaN goes on to the dual, where it is found */
  *step = 0;
  if (slope > 0)
    PetscCall(LineSearch(S, slope, longest, step));
  Adapt(S, *step, (PetscBool)(*step * longest > (S->system.least > 0 ? 0.9 : LONG_STEP) * ot->op->eps));
  if (*step > 0)
    PetscCall(Columns(S));
  else if (S->lost) /* f is of the last trial */
    PetscCall(FenNewtonDual(ot, ot->g, &S->dual, &S->system.mass));
  PetscCall(
      FenNewtonStepSmoothen(S, *step > 0 ? 0 : 1, S->system.least > 0 && S->log_error < 1 ? 0.5 : FEN_NEWTON_SMOOTH));
  PetscCall(PetscInfo(ot,
                      "Newton step on %" FENINT_FMT " targets: eps %g, %" FENINT_FMT
                      " CG iterations, step %g, shift %g; then error %.3e, |log| %.2e, dual %.15g\n",
                      ot->op->N[1], ot->op->eps, S->system.seen.its, *step, S->system.shift, S->error, S->log_error,
                      S->dual));
  PetscFunctionReturn(0);
}
