/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One-dimensional denoising as a problem made of callbacks, one sample cut over a team:

     h = 1/2 |x-y|^2 + alpha sum_i sqrt((x_i - x_{i-1})^2 + nu^2) + ridge/2 |x|^2,  x_{-1} = 0,  theta = log10 alpha.

   TVExact() solves it again, serially, in long double.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include "fentest.h"

typedef struct {
  FenInt         n, m, pieces; /* numbers, samples, most ranks for one */
  double         nu, ridge, alpha;
  FenInt         gradients, products, points; /* calls */
  FenBilevelPart part;
  FenTeamsInfo   team;
  double        *p, *edge, *weight, *work; /* at the linearised point: slopes, n+1 edge weights */
  Mat            H;
  PetscBool      bare; /* neither assemble nor diagonal nor duals */
} TV;

static double TVData(const TV *tv, FenInt s, FenInt i)
{
  const double t = -2 + 4 * (double)i / (double)(tv->n - 1);
  const double centre = FenRandomUniform(7, (uint64_t)s, 0) - 0.5,
               radius = 0.5 + FenRandomUniform(7, (uint64_t)s, 1) / 2;

  return (fabs(t - centre) < radius ? 1 : 0) + 0.1 * FenRandomNormal(7, (uint64_t)(s * tv->n + i), 2);
}

/* before: last number of the rank before; after: first number of the rank behind; 0 at the ends */
static void TVNeighbours(const TV *tv, const double x[], double *before, double *after)
{
  const FenInt n = tv->part.nx;
  const int r = tv->team.rank, left = r ? r - 1 : MPI_PROC_NULL, right = r + 1 < tv->team.size ? r + 1 : MPI_PROC_NULL;

  *before = *after = 0;
  (void)MPI_Sendrecv(x + n - 1, 1, MPI_DOUBLE, right, 0, before, 1, MPI_DOUBLE, left, 0, tv->team.team,
                     MPI_STATUS_IGNORE);
  (void)MPI_Sendrecv(x, 1, MPI_DOUBLE, left, 1, after, 1, MPI_DOUBLE, right, 1, tv->team.team, MPI_STATUS_IGNORE);
}

/* d[0..n]: differences at my edges and the first of the rank behind; there is no edge behind the last number */
static void TVSlopes(const TV *tv, const double x[], double d[])
{
  const FenInt n = tv->part.nx;
  double       before, after;

  TVNeighbours(tv, x, &before, &after);
  for (FenInt i = 0; i < n; i++)
    d[i] = x[i] - (i ? x[i - 1] : before);
  d[n] = tv->part.row1 < tv->n ? after - x[n - 1] : 0;
}

static PetscErrorCode TVContext(FenBilevelProblem pr, TV **tv)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetContext(pr, tv));
  PetscFunctionReturn(0);
}

static PetscErrorCode TVSetUp(FenBilevelProblem pr)
{
  TV      *tv;
  FenTeams teams;
  size_t   n;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  PetscCall(FenBilevelProblemGetTeams(pr, &teams));
  PetscCall(FenTeamsGetInfo(teams, &tv->team));
  PetscCall(FenBilevelProblemGetPart(pr, &tv->part));
  n = (size_t)tv->part.nx + 1;
  PetscCall(PetscMalloc4(n, &tv->p, n, &tv->edge, n, &tv->weight, n, &tv->work));
  PetscCall(MatCreateAIJ(tv->team.team, (PetscInt)tv->part.nx, (PetscInt)tv->part.nx, (PetscInt)tv->n, (PetscInt)tv->n,
                         3, NULL, 2, NULL, &tv->H));
  PetscFunctionReturn(0);
}

static PetscErrorCode TVDestroy(FenBilevelProblem pr)
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  PetscCall(PetscFree4(tv->p, tv->edge, tv->weight, tv->work));
  PetscCall(MatDestroy(&tv->H));
  PetscFunctionReturn(0);
}

static PetscErrorCode TVSetTheta(FenBilevelProblem pr, const double theta[])
{
  TV    *tv;
  double mine = 0, all;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  if (tv->part.theta1 > tv->part.theta0)
    mine = theta[0];
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, tv->team.team));
  tv->alpha = pow(10, all);
  PetscFunctionReturn(0);
}

static PetscErrorCode TVInitial(FenBilevelProblem pr, FenInt s, double x[])
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  for (FenInt i = 0; i < tv->part.nx; i++)
    x[i] = TVData(tv, s, tv->part.row0 + i);
  PetscFunctionReturn(0);
}

static PetscErrorCode TVGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  tv->gradients++;
  TVSlopes(tv, x, tv->work);
  *value = 0;
  for (FenInt i = 0; i < tv->part.nx; i++) {
    const double y = TVData(tv, s, tv->part.row0 + i), *d = tv->work + i;
    const double here = sqrt(d[0] * d[0] + tv->nu * tv->nu), next = sqrt(d[1] * d[1] + tv->nu * tv->nu);

    *value += (x[i] - y) * (x[i] - y) / 2 + tv->alpha * here + tv->ridge / 2 * x[i] * x[i];
    g[i] = x[i] - y + tv->ridge * x[i] + tv->alpha * (d[0] / here - d[1] / next);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode TVLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  TV *tv;

  (void)s;
  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  TVSlopes(tv, x, tv->p);
  for (FenInt i = 0; i <= tv->part.nx; i++)
    tv->edge[i] = tv->alpha * tv->nu * tv->nu / pow(tv->p[i] * tv->p[i] + tv->nu * tv->nu, 1.5);
  if (tv->part.row1 == tv->n)
    tv->edge[tv->part.nx] = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode TVHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  tv->products++;
  TVSlopes(tv, v, tv->work);
  for (FenInt i = 0; i < tv->part.nx; i++)
    Hv[i] = (1 + tv->ridge) * v[i] + tv->edge[i] * tv->work[i] - tv->edge[i + 1] * tv->work[i + 1];
  PetscFunctionReturn(0);
}

static PetscErrorCode TVDiagonal(FenBilevelProblem pr, double d[])
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  for (FenInt i = 0; i < tv->part.nx; i++)
    d[i] = 1 + tv->ridge + tv->edge[i] + tv->edge[i + 1];
  PetscFunctionReturn(0);
}

static PetscErrorCode TVAssemble(FenBilevelProblem pr, Mat *H)
{
  TV *tv;

  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  for (FenInt i = 0; i < tv->part.nx; i++) {
    const PetscInt row = (PetscInt)(tv->part.row0 + i), columns[3] = {row - 1, row, row + 1 < tv->n ? row + 1 : -1};
    const double   values[3] = {-tv->edge[i], 1 + tv->ridge + tv->edge[i] + tv->edge[i + 1], -tv->edge[i + 1]};

    PetscCall(MatSetValues(tv->H, 1, &row, 3, columns, values, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(tv->H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(tv->H, MAT_FINAL_ASSEMBLY));
  *H = tv->H;
  PetscFunctionReturn(0);
}

/* dual variables: one at the edge before each number */
static PetscErrorCode TVDualStart(FenBilevelProblem pr, FenInt s, const double x[], double w[])
{
  TV *tv;

  (void)s;
  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  TVSlopes(tv, x, tv->work);
  for (FenInt i = 0; i < tv->part.nx; i++)
    w[i] = tv->work[i] / sqrt(tv->work[i] * tv->work[i] + tv->nu * tv->nu);
  PetscFunctionReturn(0);
}

static PetscErrorCode TVDualise(FenBilevelProblem pr, FenInt s, const double x[], const double w[])
{
  TV    *tv;
  double before, after;

  (void)s;
  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  TVSlopes(tv, x, tv->p);
  tv->points++;
  TVNeighbours(tv, w, &before, &after);
  for (FenInt i = 0; i <= tv->part.nx; i++) {
    const double root = sqrt(tv->p[i] * tv->p[i] + tv->nu * tv->nu), flux = i < tv->part.nx ? w[i] : after;

    tv->edge[i] = tv->alpha / root * PetscMax(1 - flux * tv->p[i] / root, 1e-8);
  }
  if (tv->part.row1 == tv->n)
    tv->edge[tv->part.nx] = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode TVDualStep(FenBilevelProblem pr, FenInt s, const double x[], const double dx[], double w[])
{
  TV    *tv;
  double step = 1;

  (void)s;
  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  TVSlopes(tv, x, tv->p);
  TVSlopes(tv, dx, tv->work);
  for (FenInt i = 0; i < tv->part.nx; i++) {
    const double root = sqrt(tv->p[i] * tv->p[i] + tv->nu * tv->nu);
    const double dw = (tv->p[i] + tv->work[i] * (1 - w[i] * tv->p[i] / root)) / root - w[i];

    tv->work[i] = dw;
    if (dw != 0)
      step = PetscMin(step, 0.99 * ((dw > 0 ? 1 : -1) - w[i]) / dw);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &step, 1, MPI_DOUBLE, MPI_MIN, tv->team.team));
  for (FenInt i = 0; i < tv->part.nx; i++)
    w[i] += step * tv->work[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode TVJacobianTranspose(FenBilevelProblem pr, const double q[], double t[])
{
  (void)pr, (void)q, (void)t;
  return 0; /* lower solvers do not call it */
}

static PetscErrorCode TVUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)pr, (void)s, (void)x, (void)value, (void)g;
  return 0;
}

static PetscErrorCode TVUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)pr, (void)s, (void)x, (void)v, (void)Gv;
  return 0;
}

static PetscErrorCode TVConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  TV *tv;

  (void)s;
  PetscFunctionBegin;
  PetscCall(TVContext(pr, &tv));
  *c = (FenBilevelConstants){
      .mu = 1 + tv->ridge, .lipschitz = 1 + tv->ridge + 4 * tv->alpha / tv->nu, .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

static PetscErrorCode TVCreate(MPI_Comm comm, TV *tv, PetscMPIInt team, FenBilevelProblem *problem)
{
  FenBilevelOps   ops = {.setup = TVSetUp,
                         .destroy = TVDestroy,
                         .settheta = TVSetTheta,
                         .initial = TVInitial,
                         .gradient = TVGradient,
                         .linearise = TVLinearise,
                         .hessian = TVHessian,
                         .jacobiantranspose = TVJacobianTranspose,
                         .upper = TVUpper,
                         .upperhessian = TVUpperHessian,
                         .constants = TVConstants,
                         .diagonal = TVDiagonal,
                         .assemble = TVAssemble,
                         .dualstart = TVDualStart,
                         .dualise = TVDualise,
                         .dualstep = TVDualStep};
  FenBilevelSizes size = {.samples = tv->m, .rows = tv->n, .width = 1, .p = 1, .parts = 4, .duals = 1};

  PetscFunctionBegin;
  if (tv->bare)
    ops.diagonal = NULL, ops.assemble = NULL, ops.dualise = NULL, size.duals = 0;
  PetscCall(FenBilevelProblemCreate(comm, "denoising", &size, &ops, tv, problem));
  PetscCall(FenBilevelProblemSetTeamSize(*problem, team));
  PetscCall(FenBilevelProblemSetUp(*problem));
  PetscFunctionReturn(0);
}

/* the same again, by a damped primal-dual Newton iteration of its own with long double numbers */
static inline void TVExact(const TV *tv, FenInt s, double exact[])
{
  enum { MOST = 512 };
  static long double x[MOST], w[MOST], g[MOST], d[MOST], e[MOST + 1], pivot[MOST], y[MOST];
  const long double  nu = (long double)tv->nu, alpha = (long double)tv->alpha, mu = 1 + (long double)tv->ridge;
  const FenInt       n = tv->n;

  for (FenInt i = 0; i < n; i++) {
    x[i] = y[i] = (long double)TVData(tv, s, i);
    w[i] = 0;
  }
  for (int it = 0; it < 200; it++) {
    long double most = 0, step = 1;

    for (FenInt i = 0; i <= n; i++) {
      const long double p = i < n ? x[i] - (i ? x[i - 1] : 0) : 0, root = sqrtl(p * p + nu * nu);

      if (i < n)
        g[i] = mu * x[i] - y[i] + alpha * p / root;
      if (i && i <= n)
        g[i - 1] -= alpha * p / root;
      e[i] = i < n ? alpha / root * (1 - w[i] * p / root) : 0;
    }
    for (FenInt i = 0; i < n; i++) {
      most = fmaxl(most, fabsl(g[i]));
      pivot[i] = mu + e[i] + e[i + 1] - (i ? e[i] * e[i] / pivot[i - 1] : 0);
      d[i] = -g[i] + (i ? e[i] / pivot[i - 1] * d[i - 1] : 0);
    }
    if (most < 1e-17L)
      break;
    for (FenInt i = n; i-- > 0;)
      d[i] = (d[i] + (i + 1 < n ? e[i + 1] * d[i + 1] : 0)) / pivot[i];
    for (FenInt i = 0; i < n; i++) {
      const long double p = x[i] - (i ? x[i - 1] : 0), root = sqrtl(p * p + nu * nu);
      const long double dw = (p + (d[i] - (i ? d[i - 1] : 0)) * (1 - w[i] * p / root)) / root - w[i];

      g[i] = dw;
      if (dw != 0)
        step = fminl(step, 0.95L * ((dw > 0 ? 1 : -1) - w[i]) / dw);
    }
    for (FenInt i = 0; i < n; i++) {
      x[i] += step * d[i];
      w[i] += step * g[i];
    }
  }
  for (FenInt i = 0; i < n; i++)
    exact[i] = (double)x[i];
}
