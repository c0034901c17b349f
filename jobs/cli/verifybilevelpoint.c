/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What lower solutions and adjoints prove of the objective and of its gradient. With e >= |x - argmin h| and
   |grad g - H q| <= d:

     |g(argmin h) - g(x)| <= |grad g| e + L_g e^2/2, and for convex g the last term is not needed below,
     |g(argmin h) - (g(x) - q . grad h)| <= (L_g + L_H |q|) e^2/2 + d e,
     |z_s - true| <= (L_g |J|/mu + L_Hinv |grad g| |J| + L_J |grad g|/mu) e + |J| d/mu + L_J L_g e^2/mu + L_direct e.
*/
#include "verifybilevel.h"
#include <math.h>

#define UNIT 1.1102230246251565e-16
#define SAME 1e-9 /* relative difference of two sums of the same numbers */

PetscErrorCode FenVerifyBilevelDot_Private(FenVerifyBilevel *v, FenInt n, const double x[], const double y[],
                                           double *dot)
{
  FenDD sum = {0, 0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++)
    FenDDAddProduct(&sum, x[i], y[i]);
  PetscCall(FenDDReduce(v->team.team, 1, &sum, dot));
  PetscFunctionReturn(0);
}

static PetscErrorCode Norm(FenVerifyBilevel *v, FenInt n, const double x[], double *norm)
{
  PetscFunctionBegin;
  PetscCall(FenVerifyBilevelDot_Private(v, n, x, x, norm));
  *norm = sqrt(*norm);
  PetscFunctionReturn(0);
}

/* a factor that is zero wins over a constant that is not known */
static double Times(double a, double b)
{
  return a <= 0 || b <= 0 ? 0 : a * b;
}

typedef struct {
  double grad, upper, x, q, dot; /* |grad h|, |grad g|, |x|, |q|, q . grad h */
} Norms;

static void Certify(const FenBilevelConstants *c, const Norms *n, FenVerifySample *S)
{
  const double scale = c->lipschitz < PETSC_INFINITY ? fmax(c->lipschitz / c->mu, 1) : 1;
  const double e = n->grad / c->mu, d = S->residual, te = SAME * e + 64 * UNIT * scale * n->x;
  const double td = SAME * d + 64 * UNIT * (n->upper + (c->lipschitz < PETSC_INFINITY ? c->lipschitz * n->q : 0));
  /* PETSc's infinity is a number */
  const double inverse = c->inverse < PETSC_INFINITY ? c->inverse : c->hessian / (c->mu * c->mu);
  const double slope = Times(c->upper, c->J) / c->mu + Times(Times(inverse, n->upper), c->J) +
                       Times(c->jacobian, n->upper) / c->mu + c->direct;
  const double square = Times(c->upper + Times(c->hessian, n->q), e * e) / 2 + d * e;
  double       below, above;

  S->accuracy = e;
  S->adjoint = d / c->mu;
  below = S->value - n->upper * e - (c->convex ? 0 : Times(c->upper, e * e) / 2);
  above = S->value + n->upper * e + Times(c->upper, e * e) / 2;
  S->lower = fmax(below, S->value - n->dot - square);
  S->upper = fmin(above, S->value - n->dot + square);
  S->error = Times(slope, e) + Times(c->J, d) / c->mu + Times(Times(c->jacobian, c->upper) / c->mu, e * e);
  S->loose_accuracy = te;
  S->loose_residual = td;
  S->loose_bracket = 2 * (n->upper + Times(c->upper, e)) * te + 64 * UNIT * fabs(S->value);
  S->loose_error = Times(slope + Times(c->jacobian, c->upper) / c->mu * e, te) + Times(c->J, td) / c->mu +
                   SAME * S->error + 64 * UNIT * S->size;
}

/* work[0]: grad h, work[1]: grad g, work[2]: H q, work[3]: -J^T q + dg/dtheta */
static PetscErrorCode Sample(FenVerifyBilevel *v, FenInt k, FenFault *fault)
{
  const FenInt        s = v->part.start + k;
  const double       *x = v->x + k * v->nx, *q = v->q + k * v->nx;
  FenVerifySample    *S = &v->sample[k];
  FenBilevelConstants c;
  Norms               n;
  FenDD               value = {0, 0};

  PetscFunctionBegin;
  PetscCall((*v->call->gradient)(v->problem, s, x, NULL, v->work[0]));
  PetscCall((*v->call->upper)(v->problem, s, x, &value.hi, v->work[1]));
  PetscCall(FenDDReduce(v->team.team, 1, &value, &S->value));
  PetscCall((*v->call->linearise)(v->problem, s, x));
  PetscCall((*v->call->hessian)(v->problem, q, v->work[2]));
  PetscCall(Norm(v, v->nx, v->work[0], &n.grad));
  PetscCall(Norm(v, v->nx, v->work[1], &n.upper));
  PetscCall(Norm(v, v->nx, x, &n.x));
  PetscCall(Norm(v, v->nx, q, &n.q));
  PetscCall(FenVerifyBilevelDot_Private(v, v->nx, q, v->work[0], &n.dot));
  for (FenInt i = 0; i < v->nx; i++)
    v->work[2][i] = v->work[1][i] - v->work[2][i];
  PetscCall(Norm(v, v->nx, v->work[2], &S->residual));
  PetscCall((*v->call->jacobiantranspose)(v->problem, q, v->work[3]));
  for (FenInt j = 0; j < v->nt; j++)
    v->work[3][j] = -v->work[3][j];
  PetscCall(FenBilevelProblemGetConstants(v->problem, s, &c));
  if (v->call->direct) {
    double *direct;

    PetscCall(PetscMalloc1((size_t)v->nt + 1, &direct));
    PetscCall((*v->call->direct)(v->problem, s, x, direct));
    for (FenInt j = 0; j < v->nt; j++)
      v->work[3][j] += direct[j];
    PetscCall(PetscFree(direct));
  }
  PetscCall(Norm(v, v->nt, v->work[3], &S->size));
  for (FenInt j = 0; j < v->nt; j++)
    v->znow[k * v->nt + j] = v->work[3][j];
  if (c.mu > 0)
    Certify(&c, &n, S);
  else
    FenFaultSet(fault, FEN_ERR_VERIFY, "sample %" FENINT_FMT ": mu = %g at these hyperparameters proves nothing", s,
                c.mu);
  PetscFunctionReturn(0);
}

static PetscErrorCode SumTeams(FenVerifyBilevel *v, PetscInt n, double values[])
{
  FenDD *sum;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n + 1, &sum));
  for (PetscInt k = 0; k < n; k++)
    sum[k] = (FenDD){values[k], 0};
  PetscCall(FenDDReduce(v->team.across, n, sum, values));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* F of the values that `pick` takes */
static PetscErrorCode Combine(FenVerifyBilevel *v, size_t offset, double *F)
{
  const double m = (double)v->n.samples, r = v->temperature;
  double       most = -HUGE_VAL, sum = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->mine; k++)
    most = fmax(most, *(const double *)((const char *)&v->sample[k] + offset));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, v->team.across));
  for (FenInt k = 0; k < v->mine; k++) {
    const double value = *(const double *)((const char *)&v->sample[k] + offset);

    sum += v->upper == FEN_UPPER_KL ? exp((value - most) / r) : value;
  }
  PetscCall(SumTeams(v, 1, &sum));
  *F = v->upper == FEN_UPPER_KL ? most + r * log(sum / m) : v->upper == FEN_UPPER_MEAN ? sum / m : sum;
  PetscFunctionReturn(0);
}

/* r and its gradient, the pull to the start included */
static PetscErrorCode Regulariser(FenVerifyBilevel *v, double gradient[])
{
  double square;

  PetscFunctionBegin;
  v->regulariser = 0;
  PetscCall(PetscArrayzero(gradient, v->nt));
  if (v->call->regulariser)
    PetscCall((*v->call->regulariser)(v->problem, &v->regulariser, gradient));
  for (FenInt j = 0; j < v->nt; j++)
    v->work[3][j] = v->theta[j] - v->start[j];
  PetscCall(FenVerifyBilevelDot_Private(v, v->nt, v->work[3], v->work[3], &square));
  for (FenInt j = 0; j < v->nt && v->pull > 0; j++)
    gradient[j] += v->pull * v->work[3][j];
  v->regulariser += v->pull > 0 ? v->pull / 2 * square : 0;
  PetscFunctionReturn(0);
}

/* weights of the soft maximum are known within a factor only */
static PetscErrorCode Error(FenVerifyBilevel *v)
{
  double half = 0, factor = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->mine; k++)
    half = fmax(half, fmax(v->sample[k].upper - v->sample[k].value, v->sample[k].value - v->sample[k].lower));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &half, 1, MPI_DOUBLE, MPI_MAX, v->team.across));
  if (v->upper == FEN_UPPER_KL)
    factor = expm1(2 * half / v->temperature);
  v->error = 0;
  for (FenInt k = 0; k < v->mine; k++)
    v->error += v->weight[k] * ((1 + factor) * v->sample[k].error + Times(factor, v->sample[k].size));
  PetscCall(SumTeams(v, 1, &v->error));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyBilevelPoint_Private(FenVerifyBilevel *v)
{
  const double m = (double)v->n.samples;
  double      *total;
  PetscInt     nt;
  FenFault     fault = {0};

  PetscFunctionBegin;
  PetscCall(FenIntCast(v->nt, &nt));
  PetscCall((*v->call->settheta)(v->problem, v->theta));
  for (FenInt k = 0; k < v->mine; k++)
    PetscCall(Sample(v, k, &fault));
  PetscCall(FenFaultAgree(v->comm, &fault));
  PetscCall(Combine(v, offsetof(FenVerifySample, value), &v->value));
  PetscCall(Combine(v, offsetof(FenVerifySample, lower), &v->lower));
  PetscCall(Combine(v, offsetof(FenVerifySample, upper), &v->top));
  PetscCall(PetscCalloc1((size_t)v->nt + 1, &total));
  for (FenInt k = 0; k < v->mine; k++) {
    v->weight[k] = v->upper == FEN_UPPER_SUM    ? 1
                   : v->upper == FEN_UPPER_MEAN ? 1 / m
                                                : exp((v->sample[k].value - v->value) / v->temperature) / m;
    for (FenInt j = 0; j < v->nt; j++)
      total[j] += v->weight[k] * v->znow[k * v->nt + j];
  }
  PetscCall(SumTeams(v, nt, total));
  PetscCall(Error(v));
  PetscCall(Regulariser(v, v->znow)); /* the samples' parts have been added up */
  for (FenInt j = 0; j < v->nt; j++)
    v->znow[j] += total[j];
  v->value += v->regulariser;
  v->lower += v->regulariser;
  v->top += v->regulariser;
  PetscCall(PetscFree(total));
  PetscFunctionReturn(0);
}
