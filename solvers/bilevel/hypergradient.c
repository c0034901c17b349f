/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Hypergradients by the adjoint, and what can be proved of them.

     H q = grad g(x) up to rho,  z = sum_s w_s (dg_s/dtheta - J^T q_s) + grad r,  w_s = dF/dg_s.

   Certified (Theorem 2.1 of arXiv 2308.10098), with e >= |x - argmin h|, d >= |rho|:
     |z_s - true| <= c e + |J| d/mu + L_J L_g e^2/mu,
     c = L_g |J|/mu + L_Hinv |grad g| |J| + L_J |grad g|/mu,  L_Hinv <= L_H/mu^2.
   Goal-oriented, no bound: z_s less the hypergradient after one step of Newton's method in x and in q, both by a few
   iterations. That contains J^T H^{-1} (rho - G H^{-1} grad h), the dual weighted residual, to which it reduces where H
   and J are constant, and what their changes add. It is exact for quadratic h and g with J linear in x.
   Values: |g(argmin h) - (g(x) - q^T grad h)| <= (L_g + L_H |q|) e^2/2 + d e.

   Cost: one adjoint solve a sample, one product with J^T. The p sums travel with the decision's message, unless p is
   above FEN_THETA_WHOLE: then over teams, before it. Samples that advance together share the messages of the team in
   their adjoints, products with J^T and certificates.
*/
#include "bilevelimpl.h"
#include <math.h>

#define UNIT      1.1102230246251565e-16
#define GOAL_IT   10   /* products of each of the two solves of the estimate */
#define GOAL_TOL  1e-2 /* or until their residuals have fallen so far */
#define GOAL_SAFE 1.25 /* and what it is multiplied by */

static void Certify(const FenBilevelConstants *c, PetscBool has_direct, double S[])
{
  const double e = S[FEN_SAMPLE_EPS], d = S[FEN_SAMPLE_DELTA], gn = S[FEN_SAMPLE_GNORM];
  /* PETSc's infinity is a number */
  const double inverse = c->inverse < PETSC_INFINITY ? c->inverse : c->hessian / (c->mu * c->mu);
  const double slope = c->upper * c->J / c->mu + (inverse > 0 ? inverse * gn * c->J : 0) + c->jacobian * gn / c->mu;

  S[FEN_SAMPLE_OMEGA] = slope * e + c->J / c->mu * d + c->jacobian * c->upper / c->mu * e * e +
                        (c->direct > 0 ? c->direct * e : 0) + 64 * UNIT * S[FEN_SAMPLE_ZNORM];
  if (has_direct && !(c->direct > 0))
    S[FEN_SAMPLE_OMEGA] = HUGE_VAL;
}

/* the narrower of both brackets */
static void Correct(const FenBilevelConstants *c, double product, double S[])
{
  const double e = S[FEN_SAMPLE_EPS], q = S[FEN_SAMPLE_QNORM];
  const double middle = S[FEN_SAMPLE_VALUE] - product;
  const double radius = (c->upper + (c->hessian > 0 ? c->hessian * q : 0)) / 2 * e * e + S[FEN_SAMPLE_DELTA] * e +
                        64 * UNIT * (fabs(S[FEN_SAMPLE_VALUE]) + q * S[FEN_SAMPLE_GRAD]);

  if (!(radius >= 0) || isinf(radius))
    return;
  S[FEN_SAMPLE_LO] = PetscMax(S[FEN_SAMPLE_LO], middle - radius);
  S[FEN_SAMPLE_UP] = PetscMin(S[FEN_SAMPLE_UP], middle + radius);
}

/* t_k += a J^T q_k - a dg_k/dtheta at the linearised points x of n samples from the k0-th on; all arrays one sample
   after the other */
static PetscErrorCode AddSensitivities(FenBilevel b, FenInt k0, FenInt n, double a, const double x[], const double q[],
                                       double t[])
{
  const FenInt  nx = b->part.nx, nt = b->mine;
  const double *in[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *out[FEN_BILEVEL_TOGETHER] = {NULL}, *work;
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(n * nt) + 1, &work));
  for (FenInt k = 0; k < n; k++) {
    s[k] = b->part.start + k0 + k;
    in[k] = q + k * nx;
    out[k] = work + k * nt;
  }
  PetscCall(FenBatchJacobiansTranspose(b->problem, n, s, in, out));
  for (FenInt j = 0; j < n * nt; j++)
    t[j] += a * work[j];
  for (FenInt k = 0; k < n && b->call->direct; k++) {
    PetscCall((*b->call->direct)(b->problem, s[k], x + k * nx, work));
    for (FenInt j = 0; j < nt; j++)
      t[k * nt + j] -= a * work[j];
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(0);
}

/* n samples from the k0-th on are linearised at x, one after the other in memory */
static PetscErrorCode Linearise(FenBilevel b, FenInt k0, FenInt n, const double all[])
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = b->part.start + k0 + k;
    x[k] = all + k * b->part.nx;
  }
  PetscCall(FenBatchLinearise(b->problem, n, s, x, NULL));
  PetscFunctionReturn(0);
}

/* what is known of n samples' adjoints: t of each, one message beside those of the constants */
static PetscErrorCode Certificates(FenBilevel b, FenPoint *p, FenInt k0, FenInt n, const double t[])
{
  const FenInt        nx = b->part.nx, nt = b->mine;
  FenDD               parts[3 * FEN_BILEVEL_TOGETHER] = {{0, 0}};
  double              sums[3 * FEN_BILEVEL_TOGETHER];
  FenBilevelConstants c[FEN_BILEVEL_TOGETHER];
  FenInt              s[FEN_BILEVEL_TOGETHER] = {0};
  PetscInt            m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    const double *q = p->q + (k0 + k) * nx;

    s[k] = b->part.start + k0 + k;
    PetscCall(FenDot(PETSC_COMM_SELF, nt, t + k * nt, t + k * nt, &parts[m++].hi));
    PetscCall(FenDot(PETSC_COMM_SELF, nx, q, q, &parts[m++].hi));
    PetscCall(FenDot(PETSC_COMM_SELF, nx, q, p->h + (k0 + k) * nx, &parts[m++].hi));
  }
  PetscCall(FenDDReduce(b->team.team, m, parts, sums));
  PetscCall(FenBatchConstants(b->problem, n, s, c));
  for (FenInt k = 0; k < n; k++) {
    double *S = p->s[k0 + k];

    S[FEN_SAMPLE_ZNORM] = sqrt(sums[3 * k]);
    S[FEN_SAMPLE_QNORM] = sqrt(sums[3 * k + 1]);
    Certify(&c[k], (PetscBool)(b->call->direct != NULL), S);
    if (b->correct)
      Correct(&c[k], sums[3 * k + 2], S);
  }
  PetscFunctionReturn(0);
}

/* adjoints of n samples from the k0-th on, together; then each one's part of z and its certificates */
static PetscErrorCode Gradients(FenBilevel b, FenPoint *p, FenInt k0, FenInt n, double delta, const double weight[],
                                FenDD z[])
{
  const FenInt  nx = b->part.nx;
  FenSystemTask task[FEN_BILEVEL_TOGETHER];
  double       *t, value;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    const FenInt s = b->part.start + k0 + k;
    double      *right = b->wx[0] + k * nx;
    const double most = b->adjoint_share * p->s[k0 + k][FEN_SAMPLE_GNORM],
                 tol = most > 0 ? PetscMin(delta, most) : delta;

    PetscCall((*b->call->upper)(b->problem, s, p->x + (k0 + k) * nx, &value, right));
    task[k] = (FenSystemTask){
        .s = s, .b = right, .q = p->q + (k0 + k) * nx, .tol = tol, .max_it = b->adjoint_max_it, .zero = PETSC_FALSE};
  }
  PetscCall(Linearise(b, k0, n, p->x + k0 * nx));
  PetscCall(FenSystemApplyAll(b->adjoint, n, task));
  PetscCall(PetscCalloc1((size_t)(n * b->mine) + 1, &t));
  PetscCall(AddSensitivities(b, k0, n, -1, p->x + k0 * nx, p->q + k0 * nx, t));
  for (FenInt k = 0; k < n; k++) {
    b->ahead[1] += (double)task[k].answer.iterations;
    p->s[k0 + k][FEN_SAMPLE_DELTA] = task[k].answer.residual;
    for (FenInt j = 0; j < b->mine; j++)
      FenDDAddProduct(&z[j], weight[k0 + k], t[k * b->mine + j]);
  }
  PetscCall(Certificates(b, p, k0, n, t));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

/* what |sum of weights times hypergradients - z| is made of: my team's part */
static void Omega(FenBilevel b, const FenPoint *p, const double weight[], FenDD parts[3])
{
  parts[0] = parts[1] = (FenDD){0, 0};
  parts[2] = FenDDMaximum(0);
  for (FenInt k = 0; k < b->nb && !b->team.rank; k++) {
    const double *S = p->s[k];

    FenDDAddProduct(&parts[0], weight[k], S[FEN_SAMPLE_OMEGA]);
    FenDDAddProduct(&parts[1], weight[k], S[FEN_SAMPLE_ZNORM]);
    parts[2].hi =
        PetscMax(parts[2].hi, PetscMax(S[FEN_SAMPLE_UP] - S[FEN_SAMPLE_VALUE], S[FEN_SAMPLE_VALUE] - S[FEN_SAMPLE_LO]));
  }
}

/* z, whose parts are mine, and what else a hypergradient tells, by the message of a decision; z has nt + 3 places */
static PetscErrorCode SumTeams(FenBilevel b, FenPoint *p, const double weight[], FenDD z[])
{
  double  *sums, factor = 0, *tail;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nt, &n));
  PetscCall(PetscMalloc1((size_t)n + 3, &sums));
  if (!b->all) {
    PetscCall(FenDDReduce(b->team.across, n, z, p->z));
    n = 0;
  }
  tail = sums + n;
  Omega(b, p, weight, z + n);
  PetscCall(FenBilevelAgree_Private(b, p, n + 3, z, sums));
  PetscCall(PetscArraycpy(p->z, sums, n));
  if (FenBilevelRule_Private(b) == FEN_UPPER_KL) /* the weights are themselves known within a factor */
    factor = expm1(2 * tail[2] / b->temperature);
  p->omega = ((1 + factor) * tail[0] + (factor > 0 ? factor * tail[1] : 0)) * (1 + 1e-12);
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

/* gradients of what does not depend on x, after the sum over teams */
static PetscErrorCode AddRegulariser(FenBilevel b, FenPoint *p)
{
  double value;

  PetscFunctionBegin;
  if (b->call->regulariser) {
    PetscCall((*b->call->regulariser)(b->problem, &value, b->wt[1] + b->t0));
    PetscCall(FenThetaSpread_Private(b, 1, b->wt[1]));
    for (FenInt j = 0; j < b->nt; j++)
      p->z[j] += b->wt[1][j];
  }
  for (FenInt j = 0; j < b->nt && b->pull > 0; j++)
    p->z[j] += b->pull * (p->theta[j] - b->theta0[j]);
  PetscFunctionReturn(0);
}

/* adjoints and parts of z of my team */
static PetscErrorCode Adjoints(FenBilevel b, FenPoint *p, double delta, const double weight[], FenDD z[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nb; k += b->together)
    PetscCall(Gradients(b, p, k, PetscMin(b->together, b->nb - k), delta, weight, z + b->t0));
  PetscFunctionReturn(0);
}

/* my team's part of a decision: lower solutions if eps is above 0, then adjoints unless a lower problem has none */
static PetscErrorCode Parts(FenBilevel b, FenPoint *p, double eps, double delta, double weight[], FenDD z[])
{
  PetscFunctionBegin;
  if (eps > 0)
    PetscCall(FenPointSolve_Private(b, p, eps, PETSC_FALSE));
  else
    PetscCall(FenThetaUse_Private(b, p->theta));
  FenBilevelWeights_Private(b, p, weight);
  for (FenInt k = 0; k < b->nb; k++)
    if (!(p->s[k][FEN_SAMPLE_MU] > 0))
      PetscFunctionReturn(0);
  PetscCall(Adjoints(b, p, delta, weight, z));
  PetscFunctionReturn(0);
}

static PetscErrorCode Hypergradient(FenBilevel b, FenPoint *p, double eps, double delta)
{
  double *weight;
  FenDD  *z; /* the same whatever teams the samples belong to */

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)b->nb, &weight));
  PetscCall(PetscCalloc1((size_t)b->nt + 3, &z));
  PetscCall(FenBilevelTryBegin_Private(b));
  PetscCall(FenBilevelTryEnd_Private(b, Parts(b, p, eps, delta, weight, z)));
  PetscCall(SumTeams(b, p, weight, z));
  PetscCall(PetscFree(z));
  PetscCall(PetscFree(weight));
  PetscCall(FenPointCheckModulus_Private(b, p));
  PetscCall(AddRegulariser(b, p));
  PetscCall(FenThetaProjectedNorm_Private(b, p->theta, p->z, &p->znorm));
  b->work.gradients++;
  p->fresh = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointGradient_Private(FenBilevel b, FenPoint *p, double delta)
{
  PetscFunctionBegin;
  PetscCall(Hypergradient(b, p, 0, delta));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointBoth_Private(FenBilevel b, FenPoint *p, double eps, double delta)
{
  PetscFunctionBegin;
  if (FenBilevelRule_Private(b) == FEN_UPPER_KL) {
    PetscCall(FenPointLower_Private(b, p, eps, PETSC_FALSE));
    PetscCall(FenPointCheckModulus_Private(b, p));
    eps = 0;
  }
  PetscCall(Hypergradient(b, p, eps, delta));
  PetscFunctionReturn(0);
}

/* y = H^{-1} r of n samples from the k0-th on, by few iterations */
static PetscErrorCode Roughly(FenBilevel b, FenInt k0, FenInt n, const double r[], double y[])
{
  const FenInt  nx = b->part.nx;
  FenSystemTask task[FEN_BILEVEL_TOGETHER];
  const double *part[FEN_BILEVEL_TOGETHER];
  double        square[FEN_BILEVEL_TOGETHER];
  PetscInt      m;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    part[k] = r + k * nx;
  PetscCall(FenIntCast(n, &m));
  PetscCall(FenTeamDots(b->team.team, nx, m, part, part, square));
  for (FenInt k = 0; k < n; k++)
    task[k] = (FenSystemTask){.s = b->part.start + k0 + k,
                              .b = part[k],
                              .q = y + k * nx,
                              .tol = GOAL_TOL * sqrt(square[k]),
                              .max_it = GOAL_IT,
                              .zero = PETSC_TRUE};
  PetscCall(FenSystemApplyAll(b->adjoint, n, task));
  for (FenInt k = 0; k < n; k++)
    b->ahead[1] += (double)task[k].answer.iterations;
  PetscFunctionReturn(0);
}

/* r = grad g(x) - H q at the linearised points x of n samples from the k0-th on */
static PetscErrorCode Residuals(FenBilevel b, FenInt k0, FenInt n, const double x[], const double q[], double r[],
                                double Hq[])
{
  const FenInt  nx = b->part.nx;
  const double *in[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *out[FEN_BILEVEL_TOGETHER] = {NULL}, value;
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = b->part.start + k0 + k;
    in[k] = q + k * nx;
    out[k] = Hq + k * nx;
    PetscCall((*b->call->upper)(b->problem, s[k], x + k * nx, &value, r + k * nx));
  }
  PetscCall(FenBatchHessians(b->problem, n, s, in, out));
  for (FenInt i = 0; i < n * nx; i++)
    r[i] -= Hq[i];
  PetscFunctionReturn(0);
}

/* t[k nt], ...: hypergradients of n samples from the k0-th on less those after a step of Newton's method in x and in q
 */
static PetscErrorCode Goals(FenBilevel b, const FenPoint *p, FenInt k0, FenInt n, double t[])
{
  const FenInt  nx = b->part.nx;
  const double *x = p->x + k0 * nx, *q = p->q + k0 * nx;
  double       *r = b->wx[0], *y = b->wx[1], *better = b->wx[2];

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(t, n * b->mine));
  PetscCall(Linearise(b, k0, n, x));
  PetscCall(AddSensitivities(b, k0, n, -1, x, q, t));
  PetscCall(Roughly(b, k0, n, p->h + k0 * nx, y));
  for (FenInt i = 0; i < n * nx; i++)
    better[i] = x[i] - y[i];
  PetscCall(Linearise(b, k0, n, better));
  PetscCall(Residuals(b, k0, n, better, q, r, y));
  b->ahead[1] += (double)n;
  PetscCall(Roughly(b, k0, n, r, y));
  for (FenInt i = 0; i < n * nx; i++)
    y[i] += q[i];
  PetscCall(AddSensitivities(b, k0, n, 1, better, y, t));
  PetscFunctionReturn(0);
}

/* my team's part of the difference */
static PetscErrorCode Differences(FenBilevel b, const FenPoint *p, FenDD sum[])
{
  double *weight, *t;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)b->nb, &weight));
  PetscCall(PetscCalloc1((size_t)(b->together * b->mine) + 1, &t));
  PetscCall(FenThetaUse_Private(b, p->theta));
  FenBilevelWeights_Private(b, p, weight);
  for (FenInt k0 = 0; k0 < b->nb; k0 += b->together) {
    const FenInt n = PetscMin(b->together, b->nb - k0);

    PetscCall(Goals(b, p, k0, n, t));
    for (FenInt k = 0; k < n; k++)
      for (FenInt j = 0; j < b->mine; j++)
        FenDDAddProduct(&sum[b->t0 + j], weight[k0 + k], t[k * b->mine + j]);
  }
  PetscCall(PetscFree(weight));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointGoal_Private(FenBilevel b, FenPoint *p, double *estimate)
{
  FenDD   *parts;
  double  *sum;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nt, &n));
  PetscCall(PetscCalloc2((size_t)n + 1, &parts, (size_t)n + 1, &sum));
  PetscCall(FenBilevelTryBegin_Private(b));
  PetscCall(FenBilevelTryEnd_Private(b, Differences(b, p, parts)));
  if (!b->all) {
    PetscCall(FenDDReduce(b->team.across, n, parts, sum));
    n = 0;
  }
  PetscCall(FenBilevelAgree_Private(b, NULL, n, parts, sum));
  PetscCall(FenThetaNorm_Private(b, sum, estimate));
  *estimate *= GOAL_SAFE;
  PetscCall(PetscFree2(parts, sum));
  PetscFunctionReturn(0);
}
