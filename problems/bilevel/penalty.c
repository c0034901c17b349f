/* SPDX-License-Identifier: BSD-2-Clause */
/* Quadratic regularisers of weights with one hyperparameter for all, for a class, a feature, a group or a weight. */
#include "linearmodelimpl.h"
#include <math.h>

PetscErrorCode FenPenaltyOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char name[],
                                         FenPenalty *pen)
{
  char option[64];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_start", name));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option, "first value of all hyperparameters", -1e4,
                                         1e4, &pen->start));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_box", name));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option,
                                         "hyperparameters stay between minus and plus this", 0, 1e4, &pen->box));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltyCreate_Private(MPI_Comm comm, FenPenaltyKind kind, FenInt d, FenInt c, FenInt groups,
                                        FenPenalty *pen)
{
  const FenInt p[] = {1, c, d, d * c, groups};

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(kind != FEN_PENALTY_GROUP || (groups >= 1 && groups <= d), comm, FEN_ERR_OPTION,
                    "%" FENINT_FMT " groups of %" FENINT_FMT " features; rule: no group is empty", groups, d);
  FEN_BILEVEL_CHECK(exp(pen->start) > 0, comm, FEN_ERR_VALUE,
                    "start %g of the hyperparameters: its exponential is 0 in double precision; rule: the lower problem"
                    " is strongly convex, mu > 0",
                    pen->start);
  FEN_BILEVEL_CHECK(fabs(pen->start) <= pen->box, comm, FEN_ERR_OPTION,
                    "start %g of the hyperparameters lies outside their box of -%g to %g", pen->start, pen->box,
                    pen->box);
  pen->kind = kind;
  pen->d = d;
  pen->c = c;
  pen->groups = groups;
  pen->p = p[kind];
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltySetUp_Private(FenBilevelProblem pr, FenPenalty *pen)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)pen->p, &pen->factor, (size_t)pen->p, &pen->t, (size_t)pr->part.nx, &pen->point));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltyFree_Private(FenPenalty *pen)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(pen->factor, pen->t, pen->point));
  PetscFunctionReturn(0);
}

static FenInt Index(const FenPenalty *pen, FenInt j, FenInt k)
{
  switch (pen->kind) {
  case FEN_PENALTY_SCALAR:
    return 0;
  case FEN_PENALTY_CLASS:
    return k;
  case FEN_PENALTY_FEATURE:
    return j;
  case FEN_PENALTY_WEIGHT:
    return j * pen->c + k;
  default: /* consecutive features, groups of equal size or one more */
    return (pen->groups * (j + 1) - 1) / pen->d;
  }
}

double FenPenaltyFactor_Private(const FenPenalty *pen, FenInt j, FenInt k)
{
  return pen->factor[Index(pen, j, k)];
}

PetscErrorCode FenPositiveExponentials_Private(FenBilevelProblem pr, FenInt n, FenInt first, const double theta[],
                                               double factor[])
{
  FenFault fault = {0, ""};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    const double t = theta[k]; /* factor may be theta */

    factor[k] = exp(t);
    if (!(factor[k] > 0 && isfinite(factor[k])))
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "problem %s: hyperparameter %" FENINT_FMT " is %g, its exponential %g; rule: it is positive and "
                  "finite, so that the lower problem is strongly convex",
                  ((PetscObject)pr)->name, first + k, t, factor[k]);
  }
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltySet_Private(FenBilevelProblem pr, FenPenalty *pen, const double theta[])
{
  PetscFunctionBegin;
  PetscCall(FenBilevelThetaGather_Private(pr, theta, pen->t));
  PetscCall(FenPositiveExponentials_Private(pr, pen->p, 0, pen->t, pen->factor));
  pen->least = pen->most = pen->factor[0];
  for (FenInt k = 1; k < pen->p; k++) {
    pen->least = PetscMin(pen->least, pen->factor[k]);
    pen->most = PetscMax(pen->most, pen->factor[k]);
  }
  PetscFunctionReturn(0);
}

double FenPenaltyAdd_Private(FenBilevelProblem pr, const FenPenalty *pen, const double v[], double g[])
{
  FenDD sum = {0, 0};

  for (FenInt k = 0; k < pr->part.nx; k++) {
    const double factor = FenPenaltyFactor_Private(pen, pr->part.row0 + k / pen->c, k % pen->c);

    g[k] += factor * v[k];
    FenDDAdd(&sum, factor * v[k] * v[k] / 2);
  }
  return sum.hi + sum.lo;
}

PetscErrorCode FenPenaltyLinearise_Private(FenBilevelProblem pr, FenPenalty *pen, const double x[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(pen->point, x, pr->part.nx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltyJacobian_Private(FenBilevelProblem pr, FenPenalty *pen, const double t[], double Jt[])
{
  PetscFunctionBegin;
  PetscCall(FenBilevelThetaGather_Private(pr, t, pen->t));
  for (FenInt k = 0; k < pr->part.nx; k++) {
    const FenInt i = Index(pen, pr->part.row0 + k / pen->c, k % pen->c);

    Jt[k] = pen->factor[i] * pen->point[k] * pen->t[i];
  }
  PetscFunctionReturn(0);
}

/* all sums over e^theta w q, or over its square */
static PetscErrorCode Sums(FenBilevelProblem pr, FenPenalty *pen, const double q[])
{
  FenDD   *sum;
  PetscInt p;

  PetscFunctionBegin;
  PetscCall(FenIntCast(pen->p, &p));
  PetscCall(PetscCalloc1((size_t)p, &sum));
  for (FenInt k = 0; k < pr->part.nx; k++) {
    const FenInt i = Index(pen, pr->part.row0 + k / pen->c, k % pen->c);
    const double J = pen->factor[i] * pen->point[k];

    FenDDAddProduct(&sum[i], J, q ? q[k] : J);
  }
  PetscCall(FenDDReduce(pr->info.team, p, sum, pen->t));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltyTranspose_Private(FenBilevelProblem pr, FenPenalty *pen, const double q[], double t[])
{
  PetscFunctionBegin;
  PetscCall(Sums(pr, pen, q));
  FenBilevelThetaTake_Private(pr, pen->t, t);
  PetscFunctionReturn(0);
}

PetscErrorCode FenPenaltyNorm_Private(FenBilevelProblem pr, FenPenalty *pen, double *norm)
{
  double most = 0;

  PetscFunctionBegin;
  PetscCall(Sums(pr, pen, NULL));
  for (FenInt i = 0; i < pen->p; i++)
    most = PetscMax(most, pen->t[i]);
  *norm = sqrt(most) * (1 + 1e-14);
  PetscFunctionReturn(0);
}

void FenPenaltyStart_Private(FenBilevelProblem pr, const FenPenalty *pen, double theta[])
{
  for (FenInt k = 0; k < pr->part.theta1 - pr->part.theta0; k++)
    theta[k] = pen->start;
}

void FenPenaltyBox_Private(FenBilevelProblem pr, const FenPenalty *pen, double lower[], double upper[])
{
  for (FenInt k = 0; k < pr->part.theta1 - pr->part.theta0; k++) {
    lower[k] = -pen->box;
    upper[k] = pen->box;
  }
}
