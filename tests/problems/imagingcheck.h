/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Checks that hold for every bilevel problem: derivatives against differences, adjoints, constants against random
   points, and the same numbers on any ranks as on one.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include <fenchelteams.h>
#include "fentest.h"
#include <stdlib.h>

typedef struct {
  FenBilevelProblem    p;
  const FenBilevelOps *call;
  FenBilevelSizes      size;
  FenBilevelPart       part;
  FenTeamsInfo         info;
} Check;

static inline void CheckOpen(MPI_Comm comm, const char name[], const char options[], const FenBilevelData *data,
                             PetscMPIInt team, Check *c)
{
  FenTeams teams;

  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(PetscOptionsInsertString(NULL, options));
  FEN_OK(FenBilevelProblemGenerate(comm, name, NULL, data, &c->p));
  FEN_OK(FenBilevelProblemSetTeamSize(c->p, team));
  FEN_OK(FenBilevelProblemSetUp(c->p));
  FEN_OK(FenBilevelProblemGetOps(c->p, &c->call));
  FEN_OK(FenBilevelProblemGetSizes(c->p, &c->size));
  FEN_OK(FenBilevelProblemGetPart(c->p, &c->part));
  FEN_OK(FenBilevelProblemGetTeams(c->p, &teams));
  FEN_OK(FenTeamsGetInfo(teams, &c->info));
  FEN_OK(PetscOptionsClear(NULL));
}

static inline void CheckClose(Check *c)
{
  FEN_OK(FenBilevelProblemDestroy(&c->p));
}

static inline double *CheckNew(FenInt n)
{
  double *x = (double *)calloc((size_t)n + 1, sizeof(double));

  assert_non_null(x);
  return x;
}

/* random numbers keyed by global index: the same on any ranks */
static inline double *CheckRandom(const Check *c, uint32_t stream, double scale)
{
  double *x = CheckNew(c->part.nx);

  for (FenInt i = 0; i < c->part.nx; i++)
    x[i] = scale * FenRandomNormal(7, (uint64_t)(c->part.row0 * c->size.width + i), stream);
  return x;
}

static inline double *CheckTheta(const Check *c, uint32_t stream, double scale)
{
  double *t = CheckNew(c->part.theta1 - c->part.theta0);

  for (FenInt k = c->part.theta0; k < c->part.theta1; k++)
    t[k - c->part.theta0] = scale * FenRandomNormal(8, (uint64_t)k, stream);
  return t;
}

/* a problem whose hyperparameters are where it starts: returned, and set */
static inline double *CheckOpenAtStart(MPI_Comm comm, const char name[], const char options[], PetscMPIInt team,
                                       Check *c)
{
  double *theta;

  CheckOpen(comm, name, options, NULL, team, c);
  theta = CheckNew(c->part.theta1 - c->part.theta0);
  FEN_OK((*c->call->start)(c->p, theta));
  FEN_OK((*c->call->settheta)(c->p, theta));
  return theta;
}

static inline double CheckDot(const Check *c, FenInt n, const double x[], const double y[])
{
  double dot;

  FEN_OK(FenDot(c->info.team, n, x, y, &dot));
  return dot;
}

static inline double CheckDistance(const Check *c, FenInt n, const double x[], const double y[])
{
  double *d = CheckNew(n), square;

  for (FenInt i = 0; i < n; i++)
    d[i] = x[i] - (y ? y[i] : 0);
  square = CheckDot(c, n, d, d);
  free(d);
  return sqrt(square);
}

static inline double *CheckAdd(FenInt n, const double x[], double t, const double v[])
{
  double *z = CheckNew(n);

  for (FenInt i = 0; i < n; i++)
    z[i] = x[i] + t * v[i];
  return z;
}

static inline double CheckValue(Check *c, FenInt s, const double x[], double g[])
{
  double value, sum;

  FEN_OK((*c->call->gradient)(c->p, s, x, &value, g));
  FEN_OK(FenSum(c->info.team, 1, &value, &sum));
  return sum;
}

/* |a - b| <= tol |a| + tol */
static inline void CheckClosely(const Check *c, FenInt n, const double a[], const double b[], double tol)
{
  const double distance = CheckDistance(c, n, a, b), size = CheckDistance(c, n, a, NULL);

  if (!(distance <= tol * (1 + size)))
    print_error("distance %g of vectors of norm %g\n", distance, size);
  FEN_ASSERT_ALL(distance <= tol * (1 + size));
}

/* central differences of value and gradient along v, of the gradient along a direction of theta */
static inline void CheckDerivatives(Check *c, const double theta[], const double x[], double step, double tol)
{
  const FenInt s = c->part.start, n = c->part.nx, q = c->part.theta1 - c->part.theta0;
  double      *v = CheckRandom(c, 21, 1), *t = CheckTheta(c, 22, 1), *g = CheckNew(n), *a = CheckNew(n);
  double      *b = CheckNew(n), *Hv = CheckNew(n), *Jt = CheckNew(n), plus, minus;
  double      *xp = CheckAdd(n, x, step, v), *xm = CheckAdd(n, x, -step, v);
  double      *tp = CheckAdd(q, theta, step, t), *tm = CheckAdd(q, theta, -step, t);

  FEN_OK((*c->call->settheta)(c->p, theta));
  CheckValue(c, s, x, g);
  plus = CheckValue(c, s, xp, a);
  minus = CheckValue(c, s, xm, b);
  FEN_ASSERT_NEAR((plus - minus) / (2 * step), CheckDot(c, n, g, v), tol * (1 + fabs(CheckDot(c, n, g, v))));
  for (FenInt i = 0; i < n; i++)
    a[i] = (a[i] - b[i]) / (2 * step);
  FEN_OK((*c->call->linearise)(c->p, s, x));
  FEN_OK((*c->call->hessian)(c->p, v, Hv));
  CheckClosely(c, n, Hv, a, tol);
  if (c->call->jacobian) {
    FEN_OK((*c->call->jacobian)(c->p, t, Jt));
    FEN_OK((*c->call->settheta)(c->p, tp));
    CheckValue(c, s, x, a);
    FEN_OK((*c->call->settheta)(c->p, tm));
    CheckValue(c, s, x, b);
    for (FenInt i = 0; i < n; i++)
      a[i] = (a[i] - b[i]) / (2 * step);
    CheckClosely(c, n, Jt, a, tol);
    FEN_OK((*c->call->settheta)(c->p, theta));
  }
  plus = 0;
  FEN_OK((*c->call->upper)(c->p, s, xp, &plus, NULL));
  FEN_OK((*c->call->upper)(c->p, s, xm, &minus, NULL));
  plus -= minus;
  FEN_OK(FenSum(c->info.team, 1, &plus, &minus));
  FEN_OK((*c->call->upper)(c->p, s, x, &plus, g));
  FEN_ASSERT_NEAR(minus / (2 * step), CheckDot(c, n, g, v), tol * (1 + fabs(minus / step)));
  FEN_OK((*c->call->upperhessian)(c->p, s, x, v, Hv));
  FEN_OK((*c->call->upper)(c->p, s, xp, &plus, a));
  FEN_OK((*c->call->upper)(c->p, s, xm, &plus, b));
  for (FenInt i = 0; i < n; i++)
    a[i] = (a[i] - b[i]) / (2 * step);
  CheckClosely(c, n, Hv, a, tol);
  free(v), free(t), free(g), free(a), free(b), free(Hv), free(Jt), free(xp), free(xm), free(tp), free(tm);
}

/* <Hv,w> = <v,Hw>, <Jt,q> = <t,J^T q>, diagonal, matrix and factor at the linearised point */
static inline void CheckAdjoints(Check *c, const double theta[], const double x[], double tol)
{
  const FenInt n = c->part.nx, q = c->part.theta1 - c->part.theta0;
  double      *v = CheckRandom(c, 31, 1), *w = CheckRandom(c, 32, 1), *t = CheckTheta(c, 33, 1);
  double      *a = CheckNew(n), *b = CheckNew(n), *z = CheckNew(q), left, right, size;

  FEN_OK((*c->call->settheta)(c->p, theta));
  FEN_OK((*c->call->linearise)(c->p, c->part.start, x));
  FEN_OK((*c->call->hessian)(c->p, v, a));
  FEN_OK((*c->call->hessian)(c->p, w, b));
  left = CheckDot(c, n, a, w);
  right = CheckDot(c, n, v, b);
  size = CheckDistance(c, n, a, NULL) * CheckDistance(c, n, w, NULL);
  FEN_ASSERT_NEAR(left, right, tol * size);
  if (c->call->jacobian) {
    FEN_OK((*c->call->jacobian)(c->p, t, a));
    FEN_OK((*c->call->jacobiantranspose)(c->p, w, z));
    left = CheckDot(c, n, a, w);
    right = CheckDot(c, q, t, z);
    size = CheckDistance(c, n, a, NULL) * CheckDistance(c, n, w, NULL);
    FEN_ASSERT_NEAR(left, right, tol * size);
  }
  if (c->call->diagonal) {
    FEN_OK((*c->call->diagonal)(c->p, b));
    for (FenInt k = 0; k < 6; k++) { /* pixels everywhere, first and last */
      const FenInt at = (c->size.rows * c->size.width - 1) * k / 5, mine = at - c->part.row0 * c->size.width;
      double      *e = CheckNew(n);

      if (mine >= 0 && mine < n)
        e[mine] = 1;
      FEN_OK((*c->call->hessian)(c->p, e, a));
      if (mine >= 0 && mine < n)
        FEN_ASSERT_NEAR(a[mine], b[mine], tol * (1 + fabs(a[mine])));
      free(e);
    }
  }
  if (c->call->assemble) {
    Mat H;
    Vec in, out;

    for (int twice = 0; twice < 2; twice++)
      FEN_OK((*c->call->assemble)(c->p, &H));
    FEN_OK((*c->call->hessian)(c->p, v, a));
    FEN_OK(VecCreateMPIWithArray(c->info.team, 1, (PetscInt)n, PETSC_DETERMINE, v, &in));
    FEN_OK(VecCreateMPIWithArray(c->info.team, 1, (PetscInt)n, PETSC_DETERMINE, b, &out));
    FEN_OK(MatMult(H, in, out));
    FEN_OK(VecDestroy(&in));
    FEN_OK(VecDestroy(&out));
    CheckClosely(c, n, a, b, tol);
  }
  if (c->call->solve) {
    FEN_OK((*c->call->hessian)(c->p, v, a));
    FEN_OK((*c->call->solve)(c->p, a, b));
    CheckClosely(c, n, v, b, 1e-10);
  }
  free(v), free(w), free(t), free(a), free(b), free(z);
}

/* no pair of points may break a constant; returns how close |H - H'| comes to its bound */
static inline double CheckConstants(Check *c, const double theta[], const double x[], double away)
{
  const FenInt        s = c->part.start, n = c->part.nx;
  double             *d = CheckRandom(c, 41, away), *y = CheckAdd(n, x, 1, d), *v = CheckRandom(c, 42, 1);
  double             *t = CheckTheta(c, 43, 1), *a = CheckNew(n), *b = CheckNew(n), far, size, change, closest = 0;
  FenBilevelConstants k;
  const double        more = 1 + 1e-10;

  FEN_OK((*c->call->settheta)(c->p, theta));
  far = CheckDistance(c, n, x, y);
  CheckValue(c, s, x, a);
  CheckValue(c, s, y, b);
  FEN_OK((*c->call->linearise)(c->p, s, x));
  FEN_OK(FenBilevelProblemGetConstants(c->p, s, &k));
  change = CheckDistance(c, n, a, b);
  FEN_ASSERT_ALL(change <= k.lipschitz * far * more);
  FEN_ASSERT_ALL(k.mu > 0 && change * more >= k.mu * far);
  size = CheckDistance(c, n, v, NULL);
  FEN_OK((*c->call->hessian)(c->p, v, a));
  FEN_ASSERT_ALL(CheckDistance(c, n, a, NULL) <= k.lipschitz * size * more);
  FEN_ASSERT_ALL(CheckDot(c, n, a, v) * more >= k.mu * size * size);
  FEN_OK((*c->call->linearise)(c->p, s, y));
  FEN_OK((*c->call->hessian)(c->p, v, b));
  change = CheckDistance(c, n, a, b);
  closest = change / (k.hessian * far * size);
  FEN_ASSERT_ALL(closest <= more);
  if (c->call->jacobian) {
    double *z = CheckNew(c->part.theta1 - c->part.theta0);

    size = CheckDistance(c, c->part.theta1 - c->part.theta0, t, NULL);
    FEN_OK((*c->call->jacobian)(c->p, t, b));
    FEN_OK((*c->call->linearise)(c->p, s, x));
    for (int power = 0; power < 4; power++) {
      FEN_OK((*c->call->jacobian)(c->p, power ? z : t, a));
      if (!power)
        FEN_ASSERT_ALL(CheckDistance(c, n, a, b) <= k.jacobian * far * size * more);
      size = CheckDistance(c, c->part.theta1 - c->part.theta0, power ? z : t, NULL);
      FEN_ASSERT_ALL(CheckDistance(c, n, a, NULL) <= k.J * size * more);
      FEN_OK((*c->call->jacobiantranspose)(c->p, a, z));
    }
    free(z);
  }
  free(d), free(y), free(v), free(t), free(a), free(b);
  return closest;
}

/* my part of what the same problem on one rank has */
static inline void CheckSame(const Check *c, const Check *one, const double mine[], const double whole[],
                             FenInt per_row)
{
  double worst = 0, size = 0;

  for (FenInt i = 0; i < (c->part.row1 - c->part.row0) * per_row; i++) {
    worst = fmax(worst, fabs(mine[i] - whole[c->part.row0 * per_row + i]));
    size = fmax(size, fabs(mine[i]));
  }
  (void)one;
  FEN_ASSERT_ALL(worst <= 1e-12 * (1 + size));
}

static inline void CheckInvariance(const char name[], const char options[], const FenBilevelData *data,
                                   PetscMPIInt team, double shift)
{
  Check               c, one;
  double             *theta, *all, *x, *X, *v, *V, *g, *G, *z, *Z, *w, *W, metrics[FEN_BILEVEL_METRICS];
  double              same[FEN_BILEVEL_METRICS], upper[2], value;
  FenInt              s;
  FenBilevelConstants k, K;

  CheckOpen(MPI_COMM_WORLD, name, options, data, team, &c);
  CheckOpen(PETSC_COMM_SELF, name, options, data, 1, &one);
  assert_int_equal(c.size.p, one.size.p);
  theta = CheckTheta(&c, 51, shift), all = CheckTheta(&one, 51, shift);
  g = CheckNew(c.part.theta1 - c.part.theta0), G = CheckNew(one.size.p);
  FEN_OK((*c.call->start)(c.p, g));
  FEN_OK((*one.call->start)(one.p, G));
  for (FenInt t = 0; t < one.size.p; t++)
    all[t] += G[t];
  for (FenInt t = c.part.theta0; t < c.part.theta1; t++)
    theta[t - c.part.theta0] += g[t - c.part.theta0];
  free(g), free(G);
  FEN_OK((*c.call->settheta)(c.p, theta));
  FEN_OK((*one.call->settheta)(one.p, all));
  v = CheckRandom(&c, 52, 1), V = CheckRandom(&one, 52, 1);
  x = CheckNew(c.part.nx), X = CheckNew(one.part.nx), g = CheckNew(c.part.nx), G = CheckNew(one.part.nx);
  z = CheckNew(c.part.theta1 - c.part.theta0), Z = CheckNew(one.size.p);
  w = CheckNew(c.part.nw), W = CheckNew(one.part.nw);
  s = c.part.end - 1;
  FEN_OK((*c.call->initial)(c.p, s, x));
  FEN_OK((*one.call->initial)(one.p, s, X));
  CheckSame(&c, &one, x, X, c.size.width);
  value = CheckValue(&c, s, x, g);
  FEN_ASSERT_NEAR(value, CheckValue(&one, s, X, G), 1e-12 * fabs(value));
  CheckSame(&c, &one, g, G, c.size.width);
  FEN_OK((*c.call->upper)(c.p, s, x, &upper[0], g));
  FEN_OK(FenSum(c.info.team, 1, upper, &value));
  FEN_OK((*one.call->upper)(one.p, s, X, &upper[1], G));
  FEN_ASSERT_NEAR(value, upper[1], 1e-12 * fabs(value));
  FEN_OK((*c.call->linearise)(c.p, s, x));
  FEN_OK((*one.call->linearise)(one.p, s, X));
  FEN_OK((*c.call->hessian)(c.p, v, g));
  FEN_OK((*one.call->hessian)(one.p, V, G));
  CheckSame(&c, &one, g, G, c.size.width);
  FEN_OK((*c.call->jacobiantranspose)(c.p, v, z));
  FEN_OK((*one.call->jacobiantranspose)(one.p, V, Z));
  for (FenInt t = c.part.theta0; t < c.part.theta1; t++)
    FEN_ASSERT_NEAR(z[t - c.part.theta0], Z[t], 1e-11 * (1 + fabs(Z[t])));
  FEN_OK((*c.call->jacobian)(c.p, theta, g));
  FEN_OK((*one.call->jacobian)(one.p, all, G));
  CheckSame(&c, &one, g, G, c.size.width);
  FEN_OK((*c.call->diagonal)(c.p, g));
  FEN_OK((*one.call->diagonal)(one.p, G));
  CheckSame(&c, &one, g, G, c.size.width);
  FEN_OK(FenBilevelProblemGetConstants(c.p, s, &k));
  FEN_OK(FenBilevelProblemGetConstants(one.p, s, &K));
  FEN_ASSERT_NEAR(k.J, K.J, 1e-12 * K.J);
  FEN_ASSERT_NEAR(k.lipschitz, K.lipschitz, 1e-12 * K.lipschitz);
  FEN_ASSERT_NEAR(k.hessian, K.hessian, 1e-12 * K.hessian);
  FEN_ASSERT_NEAR(k.jacobian, K.jacobian, 1e-12 * K.jacobian);
  FEN_OK((*c.call->metrics)(c.p, s, x, metrics));
  FEN_OK((*one.call->metrics)(one.p, s, X, same));
  for (PetscInt m = 0; m < c.size.nmetrics; m++)
    FEN_ASSERT_NEAR(metrics[m], same[m], 1e-12 * (1 + fabs(same[m])));
  if (c.size.duals) {
    FEN_OK((*c.call->dualstart)(c.p, s, v, w));
    FEN_OK((*one.call->dualstart)(one.p, s, V, W));
    FEN_OK((*c.call->dualstep)(c.p, s, v, x, w));
    FEN_OK((*one.call->dualstep)(one.p, s, V, X, W));
    CheckSame(&c, &one, w, W, c.size.duals);
    FEN_OK((*c.call->dualise)(c.p, s, x, w));
    FEN_OK((*one.call->dualise)(one.p, s, X, W));
    FEN_OK((*c.call->hessian)(c.p, v, g));
    FEN_OK((*one.call->hessian)(one.p, V, G));
    CheckSame(&c, &one, g, G, c.size.width);
  }
  free(theta), free(all), free(x), free(X), free(v), free(V), free(g), free(G), free(z), free(Z), free(w), free(W);
  CheckClose(&c);
  CheckClose(&one);
}

/* what holds of a problem for each of its forms, cut over all ranks: step and tol of the differences at a random point
   of size `far` */
typedef struct {
  const char        *name;
  const char *const *forms;
  size_t             n;
  double             far, step, tol, adjoint;
} CheckForms;

static inline void CheckFormsDerivatives(const CheckForms *f, int ranks)
{
  for (size_t k = 0; k < f->n; k++) {
    Check   c;
    double *theta = CheckOpenAtStart(MPI_COMM_WORLD, f->name, f->forms[k], ranks, &c), *x = CheckRandom(&c, 1, f->far);

    CheckDerivatives(&c, theta, x, f->step, f->tol);
    CheckAdjoints(&c, theta, x, f->adjoint);
    for (int far = 0; far < 4; far++)
      CheckConstants(&c, theta, x, pow(10, -far));
    free(theta), free(x);
    CheckClose(&c);
  }
}

/* the same numbers in teams of any size as on one rank, `shift` away from the start */
static inline void CheckFormsInvariance(const CheckForms *f, int ranks, double shift)
{
  for (size_t k = 0; k < f->n; k++)
    for (int team = 1; team <= ranks; team++)
      if (ranks % team == 0)
        CheckInvariance(f->name, f->forms[k], NULL, team, shift);
}
