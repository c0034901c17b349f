/* SPDX-License-Identifier: BSD-2-Clause */
/*
   h = 1/(2 LASSO_N) |A x - b|^2 + l1 |x|_1 + l2/2 |x|^2 as a problem made of callbacks, A random, its columns cut over
   a team. LassoExact() solves it by coordinate descent in long double.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include "fentest.h"

enum { LASSO_N = 30, LASSO_D = 44 };

typedef struct {
  double         l1, l2;
  FenBilevelPart part;
  FenTeamsInfo   team;
  double         active[LASSO_D]; /* support of the linearised point */
  FenInt         at;
  double         A[3][LASSO_N][LASSO_D], b[3][LASSO_N];
} Lasso;

static double LassoA(FenInt s, FenInt i, FenInt j)
{
  return FenRandomNormal(11, (uint64_t)((s * LASSO_N + i) * LASSO_D + j), 0);
}

static double LassoB(FenInt s, FenInt i)
{
  return LassoA(s, i, 3) - 2 * LassoA(s, i, 17) + LassoA(s, i, 40) / 2 +
         0.1 * FenRandomNormal(11, (uint64_t)(s * LASSO_N + i), 1);
}

static PetscErrorCode LassoSetUp(FenBilevelProblem pr)
{
  Lasso   *c;
  FenTeams teams;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  PetscCall(FenBilevelProblemGetTeams(pr, &teams));
  PetscCall(FenTeamsGetInfo(teams, &c->team));
  PetscCall(FenBilevelProblemGetPart(pr, &c->part));
  for (FenInt s = 0; s < 3; s++)
    for (FenInt i = 0; i < LASSO_N; i++) {
      c->b[s][i] = LassoB(s, i);
      for (FenInt j = 0; j < LASSO_D; j++)
        c->A[s][i][j] = LassoA(s, i, j);
    }
  PetscFunctionReturn(0);
}

/* r = A x, whole on every rank */
static PetscErrorCode LassoProduct(const Lasso *c, FenInt s, const double x[], double r[])
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < LASSO_N; i++) {
    double sum = 0;

    for (FenInt j = 0; j < c->part.nx; j++)
      sum += c->A[s][i][c->part.row0 + j] * x[j];
    r[i] = sum;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, r, LASSO_N, MPI_DOUBLE, MPI_SUM, c->team.team));
  PetscFunctionReturn(0);
}

static double LassoColumn(const Lasso *c, FenInt s, FenInt j, const double r[])
{
  double sum = 0;

  for (FenInt i = 0; i < LASSO_N; i++)
    sum += c->A[s][i][c->part.row0 + j] * r[i];
  return sum / LASSO_N;
}

static PetscErrorCode LassoSmooth(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Lasso *c;
  double r[LASSO_N];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  PetscCall(LassoProduct(c, s, x, r));
  *value = 0;
  for (FenInt i = 0; i < LASSO_N; i++) {
    r[i] -= c->b[s][i];
    if (!c->team.rank)
      *value += r[i] * r[i] / (2 * LASSO_N);
  }
  for (FenInt j = 0; j < c->part.nx; j++) {
    g[j] = LassoColumn(c, s, j, r) + c->l2 * x[j];
    *value += c->l2 / 2 * x[j] * x[j];
  }
  PetscFunctionReturn(0);
}

/* the least subgradient */
static PetscErrorCode LassoGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Lasso *c;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  PetscCall(LassoSmooth(pr, s, x, value, g));
  for (FenInt j = 0; j < c->part.nx; j++) {
    *value += c->l1 * fabs(x[j]);
    if (x[j] != 0)
      g[j] += x[j] > 0 ? c->l1 : -c->l1;
    else
      g[j] = fabs(g[j]) <= c->l1 ? 0 : g[j] - copysign(c->l1, g[j]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode LassoProx(FenBilevelProblem pr, FenInt s, double step, double x[])
{
  Lasso *c;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  for (FenInt j = 0; j < c->part.nx; j++)
    x[j] = fabs(x[j]) <= step * c->l1 ? 0 : x[j] - copysign(step * c->l1, x[j]);
  PetscFunctionReturn(0);
}

static PetscErrorCode LassoLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  Lasso *c;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  c->at = s;
  for (FenInt j = 0; j < c->part.nx; j++)
    c->active[j] = x[j] != 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode LassoHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Lasso *c;
  double r[LASSO_N], cut[LASSO_D];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  for (FenInt j = 0; j < c->part.nx; j++)
    cut[j] = c->active[j] * v[j];
  PetscCall(LassoProduct(c, c->at, cut, r));
  for (FenInt j = 0; j < c->part.nx; j++)
    Hv[j] = c->active[j] > 0 ? LassoColumn(c, c->at, j, r) + c->l2 * v[j] : v[j];
  PetscFunctionReturn(0);
}

static PetscErrorCode LassoConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *k)
{
  Lasso *c;
  double frobenius = 0;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, &c));
  for (FenInt i = 0; i < LASSO_N; i++)
    for (FenInt j = 0; j < LASSO_D; j++)
      frobenius += c->A[s][i][j] * c->A[s][i][j];
  *k = (FenBilevelConstants){.mu = c->l2, .lipschitz = c->l2 + frobenius / LASSO_N, .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

static PetscErrorCode LassoSetTheta(FenBilevelProblem pr, const double theta[])
{
  (void)pr, (void)theta;
  return 0;
}

static PetscErrorCode LassoNone(FenBilevelProblem pr, const double q[], double t[])
{
  (void)pr, (void)q, (void)t;
  return 0; /* lower solvers do not call it */
}

static PetscErrorCode LassoUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)pr, (void)s, (void)x, (void)value, (void)g;
  return 0;
}

static PetscErrorCode LassoUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)pr, (void)s, (void)x, (void)v, (void)Gv;
  return 0;
}

static PetscErrorCode LassoCreate(MPI_Comm comm, Lasso *c, PetscMPIInt team, FenBilevelProblem *problem)
{
  const FenBilevelOps   ops = {.setup = LassoSetUp,
                               .settheta = LassoSetTheta,
                               .gradient = LassoGradient,
                               .linearise = LassoLinearise,
                               .hessian = LassoHessian,
                               .jacobiantranspose = LassoNone,
                               .upper = LassoUpper,
                               .upperhessian = LassoUpperHessian,
                               .constants = LassoConstants,
                               .prox = LassoProx,
                               .smoothgradient = LassoSmooth};
  const FenBilevelSizes size = {.samples = 3, .rows = LASSO_D, .width = 1, .p = 1, .parts = 4};

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemCreate(comm, "lasso", &size, &ops, c, problem));
  PetscCall(FenBilevelProblemSetTeamSize(*problem, team));
  PetscCall(FenBilevelProblemSetUp(*problem));
  PetscFunctionReturn(0);
}

static void LassoExact(const Lasso *c, FenInt s, double exact[])
{
  static long double A[LASSO_N][LASSO_D], r[LASSO_N], x[LASSO_D];
  const long double  l1 = (long double)c->l1, l2 = (long double)c->l2;

  for (FenInt i = 0; i < LASSO_N; i++) {
    r[i] = -(long double)LassoB(s, i);
    for (FenInt j = 0; j < LASSO_D; j++)
      A[i][j] = (long double)LassoA(s, i, j);
  }
  for (FenInt j = 0; j < LASSO_D; j++)
    x[j] = 0;
  for (int sweep = 0; sweep < 20000; sweep++) {
    long double most = 0;

    for (FenInt j = 0; j < LASSO_D; j++) {
      long double square = 0, dot = 0, next;

      for (FenInt i = 0; i < LASSO_N; i++) {
        square += A[i][j] * A[i][j] / LASSO_N;
        dot += A[i][j] * r[i] / LASSO_N;
      }
      next = square * x[j] - dot;
      next = fabsl(next) <= l1 ? 0 : (next - copysignl(l1, next)) / (square + l2);
      for (FenInt i = 0; i < LASSO_N; i++)
        r[i] += A[i][j] * (next - x[j]);
      most = fmaxl(most, fabsl(next - x[j]));
      x[j] = next;
    }
    if (most < 1e-18L)
      break;
  }
  for (FenInt j = 0; j < LASSO_D; j++)
    exact[j] = (double)x[j];
}
