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
  PetscCall(FenThetaUse_Private(b, p->theta));
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

void FenBilevelWeights_Private(FenBilevel b, const FenPoint *p, double weight[])
{
  const FenBilevelUpper rule = FenBilevelRule_Private(b);
  const double          m = (double)b->size.samples;

  for (FenInt k = 0; k < b->nb; k++)
    weight[k] = rule == FEN_UPPER_KL     ? exp((p->s[k][FEN_SAMPLE_VALUE] - p->soft) / b->temperature) / m
                : rule == FEN_UPPER_MEAN ? 1 / m
                                         : 1;
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
static PetscErrorCode Gradients(FenBilevel b, FenPoint *p, FenInt n, const FenInt k[])
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *g[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    s[i] = b->part.start + k[i];
    x[i] = p->x + k[i] * b->part.nx;
    g[i] = p->h + k[i] * b->part.nx;
    b->ahead[0] += 1;
  }
  PetscCall(FenBatchGradients(b->problem, n, s, x, NULL, g));
  PetscFunctionReturn(0);
}

/* n samples from the k0-th on, together; a theta at which h is not strongly convex in floating point leaves x where it
   is */
static PetscErrorCode SolveSamples(FenBilevel b, FenPoint *p, FenInt k0, FenInt n, double eps, PetscBool resume,
                                   double *missed)
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
    p->s[k][FEN_SAMPLE_SLOPE] = c[k - k0].upper;
    p->s[k][FEN_SAMPLE_BEND] = c[k - k0].hessian;
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
    b->ahead[0] += (double)answer.iterations;
    p->s[k][FEN_SAMPLE_GRAD] = answer.gradient;
  }
  *missed += (double)nfar;
  PetscCall(Gradients(b, p, nfar, far));
  PetscCall(Values(b, p, k0, n, c));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointSolve_Private(FenBilevel b, FenPoint *p, double eps, PetscBool resume)
{
  PetscFunctionBegin;
  b->missed = 0;
  PetscCall(FenThetaUse_Private(b, p->theta));
  for (FenInt k = 0; k < b->nb; k += b->together)
    PetscCall(SolveSamples(b, p, k, PetscMin(b->together, b->nb - k), eps, resume, &b->missed));
  PetscCall(Regulariser(b, p, &p->regulariser));
  if (!resume)
    b->work.upper_evaluations++;
  p->has_x = 1;
  p->fresh = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointLower_Private(FenBilevel b, FenPoint *p, double eps, PetscBool resume)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelTryBegin_Private(b));
  PetscCall(FenBilevelTryEnd_Private(b, b->fault.code ? 0 : FenPointSolve_Private(b, p, eps, resume)));
  PetscCall(FenBilevelAgree_Private(b, p, 0, NULL, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointCheckModulus_Private(FenBilevel b, const FenPoint *p)
{
  PetscFunctionBegin;
  PetscCheck(isfinite(p->eps), PetscObjectComm((PetscObject)b), (PetscErrorCode)FEN_ERR_VALUE,
             "at this theta some lower problem has no modulus of strong convexity; rule: mu > 0");
  PetscFunctionReturn(0);
}
