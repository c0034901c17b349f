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

   Cost: one adjoint solve a sample, one product with J^T. One reduction over teams for p numbers.
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

/* wt[0] += a J^T q - a dg/dtheta at the linearised point x */
static PetscErrorCode AddSensitivity(FenBilevel b, FenInt s, double a, const double x[], const double q[])
{
  PetscFunctionBegin;
  PetscCall((*b->call->jacobiantranspose)(b->problem, q, b->wt[1]));
  for (FenInt j = 0; j < b->nt; j++)
    b->wt[0][j] += a * b->wt[1][j];
  if (b->call->direct) {
    PetscCall((*b->call->direct)(b->problem, s, x, b->wt[1]));
    for (FenInt j = 0; j < b->nt; j++)
      b->wt[0][j] -= a * b->wt[1][j];
  }
  PetscFunctionReturn(0);
}

/* adjoint of one sample, its part of z and its certificates */
static PetscErrorCode SampleGradient(FenBilevel b, FenPoint *p, FenInt k, double delta, double weight, FenDD z[],
                                     double *its)
{
  const FenInt        s = b->part.start + k, nx = b->part.nx;
  const double       *x = p->x + k * nx;
  double             *q = p->q + k * nx, *S = p->s[k], value, dots[2] = {0, 0};
  const double       *left[2], *right[2];
  FenBilevelConstants c;
  FenSystemAnswer     answer;
  PetscBool           exact;

  PetscFunctionBegin;
  PetscCall((*b->call->upper)(b->problem, s, x, &value, b->wx[0]));
  PetscCall((*b->call->linearise)(b->problem, s, x));
  PetscCall(FenSystemIsExact(b->adjoint, &exact)); /* a factor needs no start */
  PetscCall(FenSystemApply(b->adjoint, b->wx[0], delta, b->adjoint_max_it, exact, q, &answer));
  *its += (double)answer.iterations;
  S[FEN_SAMPLE_DELTA] = answer.residual;
  PetscCall(PetscArrayzero(b->wt[0], b->nt));
  PetscCall(AddSensitivity(b, s, -1, x, q));
  PetscCall(FenThetaNorm_Private(b, b->wt[0], &S[FEN_SAMPLE_ZNORM]));
  for (FenInt j = 0; j < b->nt; j++)
    FenDDAddProduct(&z[j], weight, b->wt[0][j]);
  left[0] = right[0] = left[1] = q;
  right[1] = p->h + k * nx;
  PetscCall(FenTeamDots(b->team.team, nx, 2, left, right, dots));
  S[FEN_SAMPLE_QNORM] = sqrt(dots[0]);
  PetscCall((*b->call->constants)(b->problem, s, &c));
  b->modulus[k] = c.mu;
  Certify(&c, (PetscBool)(b->call->direct != NULL), S);
  if (b->correct)
    Correct(&c, dots[1], S);
  PetscFunctionReturn(0);
}

/* |sum of weights times hypergradients - z|; the weights of the soft maximum are themselves known within a factor */
static PetscErrorCode Omega(FenBilevel b, FenPoint *p, const double weight[])
{
  double half = 0, factor = 0;
  FenDD  sum = {0, 0};

  PetscFunctionBegin;
  if (FenBilevelRule_Private(b) == FEN_UPPER_KL) {
    for (FenInt k = 0; k < b->nb; k++)
      half = PetscMax(half, PetscMax(p->s[k][FEN_SAMPLE_UP] - p->s[k][FEN_SAMPLE_VALUE],
                                     p->s[k][FEN_SAMPLE_VALUE] - p->s[k][FEN_SAMPLE_LO]));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &half, 1, MPI_DOUBLE, MPI_MAX, b->team.across));
    factor = expm1(2 * half / b->temperature);
  }
  for (FenInt k = 0; k < b->nb; k++)
    FenDDAddProduct(&sum, weight[k],
                    (1 + factor) * p->s[k][FEN_SAMPLE_OMEGA] + (factor > 0 ? factor * p->s[k][FEN_SAMPLE_ZNORM] : 0));
  PetscCall(FenDDReduce(b->team.across, 1, &sum, &p->omega));
  p->omega *= 1 + 1e-12;
  PetscFunctionReturn(0);
}

/* gradients of what does not depend on x, after the sum over teams */
static PetscErrorCode AddRegulariser(FenBilevel b, FenPoint *p)
{
  double value;

  PetscFunctionBegin;
  if (b->call->regulariser) {
    PetscCall((*b->call->regulariser)(b->problem, &value, b->wt[1]));
    for (FenInt j = 0; j < b->nt; j++)
      p->z[j] += b->wt[1][j];
  }
  for (FenInt j = 0; j < b->nt && b->pull > 0; j++)
    p->z[j] += b->pull * (p->theta[j] - b->theta0[j]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointGradient_Private(FenBilevel b, FenPoint *p, double delta)
{
  double   its = 0, *weight;
  FenDD   *z; /* the same whatever teams the samples belong to */
  PetscInt nt;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nt, &nt));
  PetscCall(PetscMalloc1((size_t)b->nb, &weight));
  PetscCall(PetscCalloc1((size_t)b->nt + 1, &z));
  PetscCall((*b->call->settheta)(b->problem, p->theta));
  PetscCall(FenBilevelWeights_Private(b, p, weight));
  for (FenInt k = 0; k < b->nb; k++)
    PetscCall(SampleGradient(b, p, k, delta, weight[k], z, &its));
  PetscCall(FenDDReduce(b->team.across, nt, z, p->z));
  PetscCall(PetscFree(z));
  PetscCall(FenTeamsSum_Private(b, 1, &its));
  PetscCall(AddRegulariser(b, p));
  PetscCall(Omega(b, p, weight));
  if (b->correct)
    PetscCall(FenPointBracket_Private(b, p, 0, NULL, NULL));
  PetscCall(FenThetaProjectedNorm_Private(b, p->theta, p->z, &p->znorm));
  b->work.adjoint_iterations += its;
  b->work.gradients++;
  p->fresh = 1;
  PetscCall(PetscFree(weight));
  PetscFunctionReturn(0);
}

/* wt[0] = hypergradient of a sample less the one after a step of Newton's method in x and in q */
static PetscErrorCode SampleGoal(FenBilevel b, const FenPoint *p, FenInt k, double *its)
{
  const FenInt    s = b->part.start + k, nx = b->part.nx;
  const double   *x = p->x + k * nx, *q = p->q + k * nx;
  double         *r = b->wx[0], *y = b->wx[1], *better = b->wx[2], value, norm;
  FenSystemAnswer answer;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(b->wt[0], b->nt));
  PetscCall((*b->call->linearise)(b->problem, s, x));
  PetscCall(AddSensitivity(b, s, -1, x, q));
  PetscCall(FenTeamNorm(b->team.team, nx, p->h + k * nx, &norm));
  PetscCall(FenSystemApply(b->adjoint, p->h + k * nx, GOAL_TOL * norm, GOAL_IT, PETSC_TRUE, y, &answer));
  *its += (double)answer.iterations + 1;
  for (FenInt i = 0; i < nx; i++)
    better[i] = x[i] - y[i];
  PetscCall((*b->call->upper)(b->problem, s, better, &value, r));
  PetscCall((*b->call->linearise)(b->problem, s, better));
  PetscCall((*b->call->hessian)(b->problem, q, y));
  for (FenInt i = 0; i < nx; i++)
    r[i] -= y[i];
  PetscCall(FenTeamNorm(b->team.team, nx, r, &norm));
  PetscCall(FenSystemApply(b->adjoint, r, GOAL_TOL * norm, GOAL_IT, PETSC_TRUE, y, &answer));
  *its += (double)answer.iterations;
  for (FenInt i = 0; i < nx; i++)
    y[i] += q[i];
  PetscCall(AddSensitivity(b, s, 1, better, y));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPointGoal_Private(FenBilevel b, FenPoint *p, double *estimate)
{
  double  *weight, *sum, its = 0;
  PetscInt nt;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nt, &nt));
  PetscCall(PetscMalloc1((size_t)b->nb, &weight));
  PetscCall(PetscCalloc1((size_t)b->nt, &sum));
  PetscCall((*b->call->settheta)(b->problem, p->theta));
  PetscCall(FenBilevelWeights_Private(b, p, weight));
  for (FenInt k = 0; k < b->nb; k++) {
    PetscCall(SampleGoal(b, p, k, &its));
    for (FenInt j = 0; j < b->nt; j++)
      sum[j] += weight[k] * b->wt[0][j];
  }
  PetscCall(FenTeamsSum_Private(b, nt, sum));
  PetscCall(FenTeamsSum_Private(b, 1, &its));
  PetscCall(FenThetaNorm_Private(b, sum, estimate));
  *estimate *= GOAL_SAFE;
  b->work.adjoint_iterations += its;
  PetscCall(PetscFree(weight));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}
