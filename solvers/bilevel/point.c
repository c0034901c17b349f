/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Points: lower solutions, values of f and what can be proved of them.

   With |x - xh| <= e, |grad h(x)| <= e mu:  |g(xh) - g(x)| <= |grad g(x)| e + L_g e^2/2 (below without the last term
   if g is convex). F is monotone in every g_s, so a bracket of all g_s is one of f.

   References: Salehi, Mukherjee, Roberts, Ehrhardt, SIAM J. Math. Data Sci. 7(3), 2025 (arXiv 2308.10098), Lemma 3.5
   and Remark 3.6.
*/
#include "bilevelimpl.h"
#include <math.h>

#define UNIT 1.1102230246251565e-16

PetscErrorCode FenPointCreate_Private(FenBilevel b, FenPoint *p)
{
  FenInt nx, nw;

  PetscFunctionBegin;
  PetscCall(FenIntMult(b->nb, b->part.nx, &nx));
  PetscCall(FenIntMult(b->nb, b->part.nw, &nw));
  PetscCall(PetscCalloc7((size_t)b->nt, &p->theta, (size_t)b->nt, &p->z, (size_t)nx, &p->x, (size_t)nw, &p->w,
                         (size_t)nx, &p->q, (size_t)nx, &p->h, (size_t)b->nb, &p->s));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointDestroy_Private(FenPoint *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree7(p->theta, p->z, p->x, p->w, p->q, p->h, p->s));
  *p = (FenPoint){.theta = NULL};
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointCopyStart_Private(FenBilevel b, const FenPoint *from, FenPoint *to)
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(to->x, from->x, b->nb * b->part.nx));
  PetscCall(PetscArraycpy(to->w, from->w, b->nb * b->part.nw));
  PetscCall(PetscArraycpy(to->q, from->q, b->nb * b->part.nx));
  to->has_x = to->fresh = to->has_z = 0;
  PetscFunctionReturn(0);
}

void FenBilevelAccept_Private(FenBilevel b)
{
  FenPoint *p = b->cur;

  b->cur = b->trial;
  b->trial = p;
  b->cur->has_z = 0;
  b->work.steps++;
}

FenBilevelUpper FenBilevelRule_Private(FenBilevel b)
{
  return b->upper >= 0 ? (FenBilevelUpper)b->upper : b->size.upper;
}

/* largest of numbers of my samples, for exponentials that cannot overflow */
static PetscErrorCode Largest(FenBilevel b, PetscInt n, const PetscInt which[], const FenPoint *p, double most[])
{
  FenDD all[FEN_COMBINE_MAX];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < n; i++) {
    all[i] = FenDDMaximum(-HUGE_VAL);
    for (FenInt k = 0; k < b->nb; k++)
      all[i].hi = PetscMax(all[i].hi, p->s[k][which[i]]);
  }
  PetscCall(FenDDReduce(b->team.across, n, all, most));
  PetscFunctionReturn(0);
}

/* mean and sum need one reduction, the soft maximum a second one for its largest exponent */
PetscErrorCode FenBilevelCombine_Private(FenBilevel b, PetscInt n, const PetscInt which[], const FenPoint *p,
                                         double F[], PetscInt nmore, const FenDD more[], double others[])
{
  const FenBilevelUpper rule = FenBilevelRule_Private(b);
  const double          m = (double)b->size.samples, r = b->temperature;
  double                most[FEN_COMBINE_MAX] = {0}, out[FEN_COMBINE_MAX];
  FenDD                 sum[FEN_COMBINE_MAX] = {{0, 0}};

  PetscFunctionBegin;
  if (rule == FEN_UPPER_KL)
    PetscCall(Largest(b, n, which, p, most));
  for (PetscInt i = 0; i < n; i++)
    for (FenInt k = 0; k < b->nb; k++)
      FenDDAdd(&sum[i], rule == FEN_UPPER_KL ? exp((p->s[k][which[i]] - most[i]) / r) : p->s[k][which[i]]);
  for (PetscInt i = 0; i < nmore; i++)
    sum[n + i] = more[i];
  PetscCall(FenDDReduce(b->team.across, n + nmore, sum, out));
  for (PetscInt i = 0; i < n; i++)
    F[i] = rule == FEN_UPPER_MEAN ? out[i] / m : rule == FEN_UPPER_KL ? most[i] + r * log(out[i] / m) : out[i];
  for (PetscInt i = 0; i < nmore; i++)
    others[i] = out[n + i];
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelWeights_Private(FenBilevel b, const FenPoint *p, double weight[])
{
  const FenBilevelUpper rule = FenBilevelRule_Private(b);
  const PetscInt        value = FEN_SAMPLE_VALUE;
  double                F;

  PetscFunctionBegin;
  if (rule != FEN_UPPER_KL) {
    for (FenInt k = 0; k < b->nb; k++)
      weight[k] = rule == FEN_UPPER_MEAN ? 1 / (double)b->size.samples : 1;
    PetscFunctionReturn(0);
  }
  PetscCall(FenBilevelCombine_Private(b, 1, &value, p, &F, 0, NULL, NULL));
  for (FenInt k = 0; k < b->nb; k++)
    weight[k] = exp((p->s[k][FEN_SAMPLE_VALUE] - F) / b->temperature) / (double)b->size.samples;
  PetscFunctionReturn(0);
}

/* value of r */
static PetscErrorCode Regulariser(FenBilevel b, const FenPoint *p, double *value)
{
  double square;

  PetscFunctionBegin;
  *value = 0;
  if (b->call->regulariser)
    PetscCall((*b->call->regulariser)(b->problem, value, b->wt[1]));
  if (b->pull > 0) {
    PetscCall(FenThetaSquare_Private(b, p->theta, b->theta0, &square));
    *value += b->pull / 2 * square;
  }
  PetscFunctionReturn(0);
}

/* |argmin h - x| is not bounded: nothing is known of g there */
static void Unknown(double S[])
{
  S[FEN_SAMPLE_EPS] = S[FEN_SAMPLE_GRAD] = S[FEN_SAMPLE_UP] = HUGE_VAL;
  S[FEN_SAMPLE_LO] = -HUGE_VAL;
}

/* g at x, and between what it lies at argmin h */
static PetscErrorCode Values(FenBilevel b, FenPoint *p, FenInt k, const FenBilevelConstants *c)
{
  const FenInt  nx = b->part.nx;
  const double *x = p->x + k * nx, *pair[2] = {b->wx[0], x};
  double       *S = p->s[k], dots[2], e, width;
  FenDD         value = {0, 0};

  PetscFunctionBegin;
  PetscCall((*b->call->upper)(b->problem, b->part.start + k, x, &value.hi, b->wx[0]));
  PetscCall(FenDDReduce(b->team.team, 1, &value, &S[FEN_SAMPLE_VALUE]));
  PetscCall(FenTeamDots(b->team.team, nx, 2, pair, pair, dots));
  S[FEN_SAMPLE_GNORM] = sqrt(dots[0]);
  if (!(c->mu > 0)) {
    Unknown(S);
    PetscFunctionReturn(0);
  }
  e = S[FEN_SAMPLE_EPS] = S[FEN_SAMPLE_GRAD] / c->mu * (1 + 1e-12) + 16 * UNIT * sqrt(dots[1]);
  width = S[FEN_SAMPLE_GNORM] * e + 64 * UNIT * fabs(S[FEN_SAMPLE_VALUE]);
  S[FEN_SAMPLE_UP] = S[FEN_SAMPLE_VALUE] + width + c->upper / 2 * e * e;
  S[FEN_SAMPLE_LO] = S[FEN_SAMPLE_VALUE] - width - (c->convex ? 0 : c->upper / 2 * e * e);
  PetscFunctionReturn(0);
}

/* one sample; a theta at which h is not strongly convex in floating point leaves x where it is */
static PetscErrorCode SolveSample(FenBilevel b, FenPoint *p, FenInt k, double eps, PetscBool resume, double *its,
                                  double *missed)
{
  const FenInt        s = b->part.start + k;
  FenBilevelConstants c;
  FenLowerAnswer      answer = {.gradient = HUGE_VAL};

  PetscFunctionBegin;
  PetscCall((*b->call->constants)(b->problem, s, &c));
  b->modulus[k] = c.mu;
  if (c.mu > 0)
    PetscCall(FenLowerSolve(b->lower, s, eps * c.mu, b->lower_max_it, resume, p->x + k * b->part.nx,
                            p->w + k * b->part.nw, &answer));
  if (answer.reached)
    PetscCall(PetscArraycpy(p->h + k * b->part.nx, b->lower->g, b->part.nx));
  else {
    PetscCall((*b->call->gradient)(b->problem, s, p->x + k * b->part.nx, NULL, p->h + k * b->part.nx));
    answer.iterations++;
  }
  *its += (double)answer.iterations;
  *missed += answer.reached ? 0 : 1;
  p->s[k][FEN_SAMPLE_GRAD] = answer.gradient;
  PetscCall(Values(b, p, k, &c));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointBracket_Private(FenBilevel b, FenPoint *p, PetscInt nmore, const FenDD more[], double others[])
{
  const PetscInt which[3] = {FEN_SAMPLE_VALUE, FEN_SAMPLE_LO, FEN_SAMPLE_UP};
  double         F[3];

  PetscFunctionBegin;
  PetscCall(FenBilevelCombine_Private(b, 3, which, p, F, nmore, more, others));
  p->f = F[0] + p->regulariser;
  p->lower = F[1] + p->regulariser - 64 * UNIT * fabs(p->f);
  p->upper = F[2] + p->regulariser + 64 * UNIT * fabs(p->f);
  p->f = PetscMin(PetscMax(p->f, p->lower), p->upper); /* the adjoint may know better than the value at x */
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointLower_Private(FenBilevel b, FenPoint *p, double eps, PetscBool resume)
{
  double counts[2] = {0, 0}, others[3] = {0};
  FenDD  more[3] = {{0, 0}};

  PetscFunctionBegin;
  PetscCall((*b->call->settheta)(b->problem, p->theta));
  more[2] = FenDDMaximum(0);
  for (FenInt k = 0; k < b->nb; k++) {
    PetscCall(SolveSample(b, p, k, eps, resume, &counts[0], &counts[1]));
    more[2].hi = PetscMax(more[2].hi, p->s[k][FEN_SAMPLE_EPS]);
  }
  PetscCall(Regulariser(b, p, &p->regulariser));
  more[0].hi = counts[0];
  more[1].hi = counts[1];
  PetscCall(FenPointBracket_Private(b, p, 3, more, others));
  b->work.lower_iterations += others[0];
  if (!resume)
    b->work.upper_evaluations++;
  p->reached = others[1] > 0 ? 0 : 1;
  p->eps = others[2];
  p->has_x = 1;
  p->fresh = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointCheckModulus_Private(FenBilevel b, const FenPoint *p)
{
  PetscFunctionBegin;
  PetscCheck(isfinite(p->eps), PetscObjectComm((PetscObject)b), (PetscErrorCode)FEN_ERR_VALUE,
             "at this theta some lower problem has no modulus of strong convexity; rule: mu > 0");
  PetscFunctionReturn(0);
}
