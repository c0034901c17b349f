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

PetscErrorCode FenPointDuals_Private(FenBilevel b, FenPoint *p)
{
  PetscFunctionBegin;
  if (!b->call->dualstart)
    PetscFunctionReturn(0);
  PetscCall((*b->call->settheta)(b->problem, p->theta));
  for (FenInt k0 = 0; k0 < b->nb; k0 += b->together) {
    const FenInt  n = PetscMin(b->together, b->nb - k0);
    const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
    double       *w[FEN_BILEVEL_TOGETHER] = {NULL};
    FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

    for (FenInt k = 0; k < n; k++) {
      s[k] = b->part.start + k0 + k;
      x[k] = p->x + (k0 + k) * b->part.nx;
      w[k] = p->w + (k0 + k) * b->part.nw;
    }
    PetscCall(FenBatchDualStarts(b->problem, n, s, x, w));
  }
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

/* between what g lies at argmin h */
static void Bracket(const FenBilevelConstants *c, double size, double S[])
{
  double e, width;

  if (!(c->mu > 0)) {
    Unknown(S);
    return;
  }
  e = S[FEN_SAMPLE_EPS] = S[FEN_SAMPLE_GRAD] / c->mu * (1 + 1e-12) + 16 * UNIT * size;
  width = S[FEN_SAMPLE_GNORM] * e + 64 * UNIT * fabs(S[FEN_SAMPLE_VALUE]);
  S[FEN_SAMPLE_UP] = S[FEN_SAMPLE_VALUE] + width + c->upper / 2 * e * e;
  S[FEN_SAMPLE_LO] = S[FEN_SAMPLE_VALUE] - width - (c->convex ? 0 : c->upper / 2 * e * e);
}

/* g at x of n samples from the k0-th on, one message */
static PetscErrorCode Values(FenBilevel b, FenPoint *p, FenInt k0, FenInt n, const FenBilevelConstants c[])
{
  const FenInt nx = b->part.nx;
  double      *g = b->wx[0], sums[3 * FEN_BILEVEL_TOGETHER];
  FenDD        parts[3 * FEN_BILEVEL_TOGETHER] = {{0, 0}};
  PetscInt     m = 0;

  PetscFunctionBegin;
  for (FenInt k = k0; k < k0 + n; k++) {
    const double *x = p->x + k * nx;

    PetscCall((*b->call->upper)(b->problem, b->part.start + k, x, &parts[m++].hi, g));
    PetscCall(FenDot(PETSC_COMM_SELF, nx, g, g, &parts[m++].hi));
    PetscCall(FenDot(PETSC_COMM_SELF, nx, x, x, &parts[m++].hi));
  }
  PetscCall(FenDDReduce(b->team.team, m, parts, sums));
  for (FenInt k = 0; k < n; k++) {
    double *S = p->s[k0 + k];

    S[FEN_SAMPLE_VALUE] = sums[3 * k];
    S[FEN_SAMPLE_GNORM] = sqrt(sums[3 * k + 1]);
    Bracket(&c[k], sqrt(sums[3 * k + 2]), S);
  }
  PetscFunctionReturn(0);
}

/* of n tasks: gradients of those that did not reach their tolerance, whatever their x is */
static PetscErrorCode Gradients(FenBilevel b, FenPoint *p, FenInt n, const FenInt k[], double *its)
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *g[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    s[i] = b->part.start + k[i];
    x[i] = p->x + k[i] * b->part.nx;
    g[i] = p->h + k[i] * b->part.nx;
    *its += 1;
  }
  PetscCall(FenBatchGradients(b->problem, n, s, x, NULL, g));
  PetscFunctionReturn(0);
}

/* n samples from the k0-th on, together; a theta at which h is not strongly convex in floating point leaves x where it
   is */
static PetscErrorCode SolveSamples(FenBilevel b, FenPoint *p, FenInt k0, FenInt n, double eps, PetscBool resume,
                                   double *its, double *missed)
{
  const FenInt        nx = b->part.nx;
  FenBilevelConstants c[FEN_BILEVEL_TOGETHER];
  FenLowerTask        task[FEN_BILEVEL_TOGETHER];
  FenInt              far[FEN_BILEVEL_TOGETHER] = {0}, m = 0, nfar = 0;

  PetscFunctionBegin;
  for (FenInt k = k0; k < k0 + n; k++) {
    const FenInt s = b->part.start + k;

    PetscCall((*b->call->constants)(b->problem, s, &c[k - k0]));
    p->s[k][FEN_SAMPLE_MU] = c[k - k0].mu;
    if (c[k - k0].mu > 0)
      task[m++] = (FenLowerTask){.s = s,
                                 .tol = eps * c[k - k0].mu,
                                 .max_it = b->lower_max_it,
                                 .x = p->x + k * nx,
                                 .w = p->w + k * b->part.nw,
                                 .g = p->h + k * nx};
  }
  PetscCall(FenLowerSolveAll(b->lower, m, resume, task));
  m = 0;
  for (FenInt k = k0; k < k0 + n; k++) {
    FenLowerAnswer answer = {.gradient = HUGE_VAL};

    if (c[k - k0].mu > 0)
      answer = task[m++].answer;
    if (!answer.reached)
      far[nfar++] = k;
    *its += (double)answer.iterations;
    p->s[k][FEN_SAMPLE_GRAD] = answer.gradient;
  }
  *missed += (double)nfar;
  PetscCall(Gradients(b, p, nfar, far, its));
  PetscCall(Values(b, p, k0, n, c));
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
  for (FenInt k = 0; k < b->nb; k += b->together)
    PetscCall(SolveSamples(b, p, k, PetscMin(b->together, b->nb - k), eps, resume, &counts[0], &counts[1]));
  for (FenInt k = 0; k < b->nb; k++)
    more[2].hi = PetscMax(more[2].hi, p->s[k][FEN_SAMPLE_EPS]);
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
