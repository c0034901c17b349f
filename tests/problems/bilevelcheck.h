/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Checks that every bilevel problem passes: derivatives against central differences, adjoints, constants on random
   pairs, the same numbers on one rank and on many; and a Newton-CG lower solver for known answers.
*/
#pragma once
#include "../fentest.h"
#include <fenchelbilevelproblem.h>

typedef struct {
  FenBilevelProblem    p;
  const FenBilevelOps *call;
  FenBilevelPart       part;
  FenBilevelSizes      size;
  MPI_Comm             team;
  FenInt               nx, nt, s;
} Case;

/* options: "-ridge_rows 30 ..." */
static inline void CaseOpen(MPI_Comm comm, const char name[], const char options[], const FenBilevelData *data, Case *c)
{
  FenTeams     teams;
  FenTeamsInfo info;

  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(PetscOptionsInsertString(NULL, options));
  FEN_OK(FenBilevelProblemGenerate(comm, name, NULL, data, &c->p));
  FEN_OK(FenBilevelProblemSetUp(c->p));
  FEN_OK(FenBilevelProblemGetOps(c->p, &c->call));
  FEN_OK(FenBilevelProblemGetPart(c->p, &c->part));
  FEN_OK(FenBilevelProblemGetSizes(c->p, &c->size));
  FEN_OK(FenBilevelProblemGetTeams(c->p, &teams));
  FEN_OK(FenTeamsGetInfo(teams, &info));
  c->team = info.team;
  c->nx = c->part.nx;
  c->nt = c->part.theta1 - c->part.theta0;
  c->s = 0;
}

static inline double *CaseNew(FenInt n)
{
  double *v;

  FEN_OK(PetscCalloc1((size_t)n + 1, &v));
  return v;
}

/* random numbers keyed by their global place */
static inline void CaseRandom(FenInt first, FenInt n, uint32_t stream, double scale, double v[])
{
  for (FenInt k = 0; k < n; k++)
    v[k] = scale * FenRandomNormal(7, (uint64_t)(first + k), stream);
}

static inline void CaseX(const Case *c, uint32_t stream, double scale, double x[])
{
  CaseRandom(c->part.row0 * c->size.width, c->nx, stream, scale, x);
}

static inline double CaseDot(const Case *c, FenInt n, const double a[], const double b[])
{
  double dot;

  FEN_OK(FenDot(c->team, n, a, b, &dot));
  return dot;
}

static inline double CaseDistance(const Case *c, FenInt n, const double a[], const double b[])
{
  double *d = CaseNew(n), norm;

  for (FenInt k = 0; k < n; k++)
    d[k] = a[k] - (b ? b[k] : 0);
  norm = sqrt(CaseDot(c, n, d, d));
  FEN_OK(PetscFree(d));
  return norm;
}

static inline void CaseAxpy(FenInt n, double t, const double v[], const double x[], double y[])
{
  for (FenInt k = 0; k < n; k++)
    y[k] = x[k] + t * v[k];
}

static inline double CaseSum(const Case *c, double part)
{
  double sum;

  FEN_OK(FenSum(c->team, 1, &part, &sum));
  return sum;
}

static inline double CaseValue(const Case *c, const double x[], double g[])
{
  double value;

  FEN_OK((*c->call->gradient)(c->p, c->s, x, &value, g));
  return CaseSum(c, value);
}

static inline double CaseUpper(const Case *c, const double x[], double g[])
{
  double value;

  FEN_OK((*c->call->upper)(c->p, c->s, x, &value, g));
  return CaseSum(c, value);
}

typedef struct {
  double *x, *y, *v, *w, *g, *h, *a, *b, *theta, *t, *u;
} Room;

static inline Room RoomNew(const Case *c)
{
  return (Room){CaseNew(c->nx), CaseNew(c->nx), CaseNew(c->nx), CaseNew(c->nx), CaseNew(c->nx), CaseNew(c->nx),
                CaseNew(c->nx), CaseNew(c->nx), CaseNew(c->nt), CaseNew(c->nt), CaseNew(c->nt)};
}

static inline void RoomFree(Room *r)
{
  double **all[] = {&r->x, &r->y, &r->v, &r->w, &r->g, &r->h, &r->a, &r->b, &r->theta, &r->t, &r->u};

  for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
    FEN_OK(PetscFree(*all[k]));
}

/* gradients, H, J and the upper derivatives against central differences of step `t` */
static inline void CheckDerivatives(const Case *c, Room *r, double t, double tol)
{
  double up, down;

  CaseAxpy(c->nx, t, r->v, r->x, r->y);
  up = CaseValue(c, r->y, r->a);
  CaseAxpy(c->nx, -t, r->v, r->x, r->y);
  down = CaseValue(c, r->y, r->b);
  (void)CaseValue(c, r->x, r->g);
  FEN_ASSERT_NEAR((up - down) / (2 * t), CaseDot(c, c->nx, r->g, r->v), tol * (1 + CaseDistance(c, c->nx, r->g, NULL)));
  FEN_OK((*c->call->linearise)(c->p, c->s, r->x));
  FEN_OK((*c->call->hessian)(c->p, r->v, r->h));
  CaseAxpy(c->nx, -1, r->b, r->a, r->a);
  CaseAxpy(c->nx, 1 / (2 * t) - 1, r->a, r->a, r->a);
  FEN_ASSERT_NEAR(CaseDistance(c, c->nx, r->a, r->h), 0, tol * (1 + CaseDistance(c, c->nx, r->h, NULL)));
  CaseAxpy(c->nx, t, r->v, r->x, r->y);
  up = CaseUpper(c, r->y, r->a);
  CaseAxpy(c->nx, -t, r->v, r->x, r->y);
  down = CaseUpper(c, r->y, r->b);
  (void)CaseUpper(c, r->x, r->g);
  FEN_ASSERT_NEAR((up - down) / (2 * t), CaseDot(c, c->nx, r->g, r->v), tol * (1 + CaseDistance(c, c->nx, r->g, NULL)));
  FEN_OK((*c->call->upperhessian)(c->p, c->s, r->x, r->v, r->h));
  CaseAxpy(c->nx, -1, r->b, r->a, r->a);
  CaseAxpy(c->nx, 1 / (2 * t) - 1, r->a, r->a, r->a);
  FEN_ASSERT_NEAR(CaseDistance(c, c->nx, r->a, r->h), 0, tol * (1 + CaseDistance(c, c->nx, r->h, NULL)));
}

/* derivatives in theta, of grad h and of g, along r->t */
static inline void CheckTheta(const Case *c, Room *r, double t, double tol)
{
  double up, down, slope = 0;

  CaseAxpy(c->nt, t, r->t, r->theta, r->u);
  FEN_OK((*c->call->settheta)(c->p, r->u));
  (void)CaseValue(c, r->x, r->a);
  up = CaseUpper(c, r->x, NULL);
  CaseAxpy(c->nt, -t, r->t, r->theta, r->u);
  FEN_OK((*c->call->settheta)(c->p, r->u));
  (void)CaseValue(c, r->x, r->b);
  down = CaseUpper(c, r->x, NULL);
  FEN_OK((*c->call->settheta)(c->p, r->theta));
  FEN_OK((*c->call->linearise)(c->p, c->s, r->x));
  FEN_OK((*c->call->jacobian)(c->p, r->t, r->h));
  CaseAxpy(c->nx, -1, r->b, r->a, r->a);
  CaseAxpy(c->nx, 1 / (2 * t) - 1, r->a, r->a, r->a);
  FEN_ASSERT_NEAR(CaseDistance(c, c->nx, r->a, r->h), 0, tol * (1 + CaseDistance(c, c->nx, r->h, NULL)));
  if (c->call->direct) {
    for (FenInt k = 0; k < c->nt; k++)
      r->u[k] = 0;
    FEN_OK((*c->call->direct)(c->p, c->s, r->x, r->u));
    slope = CaseDot(c, c->nt, r->u, r->t);
  }
  FEN_ASSERT_NEAR((up - down) / (2 * t), slope, tol * (1 + fabs(slope)));
  FEN_OK((*c->call->jacobiantranspose)(c->p, r->w, r->u));
  up = CaseDot(c, c->nx, r->h, r->w);
  FEN_ASSERT_NEAR(CaseDot(c, c->nt, r->u, r->t), up,
                  1e-11 * (1e-3 + CaseDistance(c, c->nx, r->h, NULL) * CaseDistance(c, c->nx, r->w, NULL)));
}

/* symmetry, diagonal, solve */
static inline void CheckOperators(const Case *c, Room *r)
{
  double vw, size;

  FEN_OK((*c->call->linearise)(c->p, c->s, r->x));
  FEN_OK((*c->call->hessian)(c->p, r->v, r->g));
  FEN_OK((*c->call->hessian)(c->p, r->w, r->h));
  vw = CaseDot(c, c->nx, r->g, r->w);
  size = CaseDistance(c, c->nx, r->g, NULL) * CaseDistance(c, c->nx, r->w, NULL);
  FEN_ASSERT_NEAR(vw, CaseDot(c, c->nx, r->h, r->v), 1e-12 * size);
  if (c->call->solve) {
    FEN_OK((*c->call->solve)(c->p, r->g, r->a));
    FEN_ASSERT_NEAR(CaseDistance(c, c->nx, r->a, r->v), 0, 1e-8 * CaseDistance(c, c->nx, r->v, NULL));
  }
  for (FenInt k = 0; c->call->diagonal && k < c->size.rows * c->size.width; k += 1 + c->size.rows * c->size.width / 5) {
    const FenInt mine = k - c->part.row0 * c->size.width;
    double       h = 0, d = 0;

    for (FenInt i = 0; i < c->nx; i++)
      r->a[i] = i == mine ? 1 : 0;
    FEN_OK((*c->call->hessian)(c->p, r->a, r->b));
    FEN_OK((*c->call->diagonal)(c->p, r->a));
    if (mine >= 0 && mine < c->nx) {
      h = r->b[mine];
      d = r->a[mine];
    }
    h = CaseSum(c, h);
    FEN_ASSERT_NEAR(CaseSum(c, d), h, 1e-12 * (1 + fabs(h)));
  }
}

#define CHECK_BELOW(a, b) FEN_ASSERT_ALL((a) <= (b) * (1 + 1e-9) + 1e-13)

/* the constants hold between r->x and r->x + scale r->v */
static inline void CheckConstants(const Case *c, Room *r, double scale)
{
  FenBilevelConstants k;
  const double        w = CaseDistance(c, c->nx, r->w, NULL);
  double              distance, change;

  FEN_OK((*c->call->linearise)(c->p, c->s, r->x));
  FEN_OK(FenBilevelProblemGetConstants(c->p, c->s, &k));
  FEN_OK((*c->call->hessian)(c->p, r->w, r->g));
  FEN_OK((*c->call->jacobiantranspose)(c->p, r->w, r->t));
  FEN_ASSERT_ALL(k.mu > 0 && isfinite(k.lipschitz) && isfinite(k.J) && isfinite(k.jacobian));
  CHECK_BELOW(CaseDistance(c, c->nt, r->t, NULL), k.J * w);
  CHECK_BELOW(CaseDistance(c, c->nx, r->g, NULL), k.lipschitz * w);
  CHECK_BELOW(k.mu * w, CaseDistance(c, c->nx, r->g, NULL));
  CaseAxpy(c->nx, scale, r->v, r->x, r->y);
  distance = CaseDistance(c, c->nx, r->x, r->y);
  FEN_OK((*c->call->linearise)(c->p, c->s, r->y));
  FEN_OK((*c->call->hessian)(c->p, r->w, r->h));
  FEN_OK((*c->call->jacobiantranspose)(c->p, r->w, r->u));
  CHECK_BELOW(CaseDistance(c, c->nx, r->g, r->h), k.hessian * distance * w);
  CHECK_BELOW(CaseDistance(c, c->nt, r->t, r->u), k.jacobian * distance * w);
  (void)CaseValue(c, r->x, r->a);
  (void)CaseValue(c, r->y, r->b);
  change = CaseDistance(c, c->nx, r->a, r->b);
  CHECK_BELOW(change, k.lipschitz * distance);
  CHECK_BELOW(k.mu * distance, change);
  (void)CaseUpper(c, r->x, r->a);
  (void)CaseUpper(c, r->y, r->b);
  CHECK_BELOW(CaseDistance(c, c->nx, r->a, r->b), k.upper * distance);
}

/* all of the above at a random point and theta = start + spread N(0,1); constants up to the distance `far` |v| */
static inline void CheckCase(const Case *c, double size, double spread, double step, double tol, double far)
{
  Room r = RoomNew(c);

  if (c->call->start)
    FEN_OK((*c->call->start)(c->p, r.theta));
  CaseRandom(c->part.theta0, c->nt, 1, spread, r.t);
  CaseAxpy(c->nt, 1, r.t, r.theta, r.theta);
  CaseRandom(c->part.theta0, c->nt, 2, 1, r.t);
  CaseX(c, 3, size, r.x);
  CaseX(c, 4, 1, r.v);
  CaseX(c, 5, 1, r.w);
  FEN_OK((*c->call->settheta)(c->p, r.theta));
  CheckDerivatives(c, &r, step, tol);
  CheckTheta(c, &r, step, tol);
  CheckOperators(c, &r);
  for (int k = -3; pow(10, k) <= far; k++)
    CheckConstants(c, &r, pow(10, k));
  RoomFree(&r);
}

/* Newton with the problem's solve or CG on H to |grad h| <= tol; x: start and answer */
static inline void CaseSolve(const Case *c, double tol, double x[])
{
  double *g = CaseNew(c->nx), *d = CaseNew(c->nx), *r = CaseNew(c->nx), *q = CaseNew(c->nx), *Hq = CaseNew(c->nx);
  double  value, norm;
  int     it = 0;

  for (value = CaseValue(c, x, g); (norm = CaseDistance(c, c->nx, g, NULL)) > tol && it < 60; it++) {
    double rr = norm * norm, step = 1, slope;

    FEN_OK((*c->call->linearise)(c->p, c->s, x));
    for (FenInt k = 0; k < c->nx; k++) {
      d[k] = 0;
      r[k] = q[k] = -g[k];
    }
    if (c->call->solve) {
      FEN_OK((*c->call->solve)(c->p, r, d));
      rr = 0;
    }
    for (int i = 0; i < 4000 && rr > 1e-20 * norm * norm; i++) {
      double alpha, beta = rr;

      FEN_OK((*c->call->hessian)(c->p, q, Hq));
      alpha = rr / CaseDot(c, c->nx, q, Hq);
      CaseAxpy(c->nx, alpha, q, d, d);
      CaseAxpy(c->nx, -alpha, Hq, r, r);
      rr = CaseDot(c, c->nx, r, r);
      beta = rr / beta;
      CaseAxpy(c->nx, beta, q, r, q);
    }
    slope = CaseDot(c, c->nx, g, d);
    for (int i = 0; i < 30; i++, step /= 2) {
      double trial;

      CaseAxpy(c->nx, step, d, x, r);
      trial = CaseValue(c, r, Hq);
      if (trial <= value + 1e-4 * step * slope || CaseDistance(c, c->nx, Hq, NULL) < norm) {
        value = trial;
        break;
      }
    }
    CaseAxpy(c->nx, step, d, x, x);
    (void)CaseValue(c, x, g);
  }
  FEN_ASSERT_ALL(norm <= tol);
  FEN_OK(PetscFree(g));
  FEN_OK(PetscFree(d));
  FEN_OK(PetscFree(r));
  FEN_OK(PetscFree(q));
  FEN_OK(PetscFree(Hq));
}

/* FISTA with strong convexity, h = smooth + l1 */
static inline void CaseFista(const Case *c, double tol, double x[])
{
  double *z = CaseNew(c->nx), *g = CaseNew(c->nx), *old = CaseNew(c->nx), value, norm = PETSC_INFINITY, t = 0;
  FenBilevelConstants k;

  FEN_OK((*c->call->linearise)(c->p, c->s, x));
  FEN_OK(FenBilevelProblemGetConstants(c->p, c->s, &k));
  CaseAxpy(c->nx, 0, x, x, old);
  for (int it = 0; it < 200000 && norm > tol; it++) {
    const double q = k.mu / k.lipschitz,
                 next = (1 - q * t * t + sqrt((1 - q * t * t) * (1 - q * t * t) + 4 * t * t)) / 2;
    const double beta = it ? (t - 1) * (1 - next * q) / (next * (1 - q)) : 0;

    for (FenInt i = 0; i < c->nx; i++) {
      z[i] = x[i] + beta * (x[i] - old[i]);
      old[i] = x[i];
    }
    FEN_OK((*c->call->smoothgradient)(c->p, c->s, z, &value, g));
    CaseAxpy(c->nx, -1 / k.lipschitz, g, z, x);
    FEN_OK((*c->call->prox)(c->p, c->s, 1 / k.lipschitz, x));
    t = next;
    if (it % 10 == 9) {
      (void)CaseValue(c, x, g);
      norm = CaseDistance(c, c->nx, g, NULL);
    }
  }
  FEN_ASSERT_ALL(norm <= tol);
  FEN_OK(PetscFree(z));
  FEN_OK(PetscFree(g));
  FEN_OK(PetscFree(old));
}

static inline void CaseNative(const Case *c, double tol, double x[])
{
  double *g = CaseNew(c->nx);
  FenInt  it = 0;

  FEN_OK((*c->call->native)(c->p, c->s, tol, 10000, x, &it));
  (void)CaseValue(c, x, g);
  FEN_ASSERT_ALL(CaseDistance(c, c->nx, g, NULL) <= tol);
  assert_true(it > 0);
  FEN_OK(PetscFree(g));
}

/* H q = b by CG */
static inline void CaseAdjoint(const Case *c, double tol, const double b[], double q[])
{
  double *r = CaseNew(c->nx), *d = CaseNew(c->nx), *Hd = CaseNew(c->nx), rr;

  for (FenInt k = 0; k < c->nx; k++) {
    q[k] = 0;
    r[k] = d[k] = b[k];
  }
  rr = CaseDot(c, c->nx, r, r);
  for (int i = 0; i < 20000 && sqrt(rr) > tol; i++) {
    double alpha, old = rr;

    FEN_OK((*c->call->hessian)(c->p, d, Hd));
    alpha = rr / CaseDot(c, c->nx, d, Hd);
    CaseAxpy(c->nx, alpha, d, q, q);
    CaseAxpy(c->nx, -alpha, Hd, r, r);
    rr = CaseDot(c, c->nx, r, r);
    CaseAxpy(c->nx, rr / old, d, r, d);
  }
  FEN_ASSERT_ALL(sqrt(rr) <= tol);
  FEN_OK(PetscFree(r));
  FEN_OK(PetscFree(d));
  FEN_OK(PetscFree(Hd));
}

/* f(theta), its gradient (my part) and x; lower and adjoint residuals at most tol */
static inline double CaseHyper(const Case *c, double tol, const double theta[], double x[], double df[])
{
  double *g = CaseNew(c->nx), *q = CaseNew(c->nx), *t = CaseNew(c->nt), f;

  FEN_OK((*c->call->settheta)(c->p, theta));
  if (c->call->native)
    CaseNative(c, tol, x);
  else if (c->call->prox)
    CaseFista(c, tol, x);
  else
    CaseSolve(c, tol, x);
  f = CaseUpper(c, x, g);
  FEN_OK((*c->call->linearise)(c->p, c->s, x));
  if (c->call->solve)
    FEN_OK((*c->call->solve)(c->p, g, q));
  else
    CaseAdjoint(c, tol, g, q);
  FEN_OK((*c->call->jacobiantranspose)(c->p, q, df));
  if (c->call->direct)
    FEN_OK((*c->call->direct)(c->p, c->s, x, t));
  for (FenInt k = 0; k < c->nt; k++)
    df[k] = t[k] - df[k];
  FEN_OK(PetscFree(g));
  FEN_OK(PetscFree(q));
  FEN_OK(PetscFree(t));
  return f;
}

/* df/dtheta along a random direction against central differences of f */
static inline void CheckHypergradient(const Case *c, double tol, double t, double error)
{
  Room   r = RoomNew(c);
  double up, down;

  if (c->call->start)
    FEN_OK((*c->call->start)(c->p, r.theta));
  CaseRandom(c->part.theta0, c->nt, 6, 1, r.t);
  CaseAxpy(c->nt, t, r.t, r.theta, r.u);
  up = CaseHyper(c, tol, r.u, r.x, r.u);
  CaseAxpy(c->nt, -t, r.t, r.theta, r.u);
  down = CaseHyper(c, tol, r.u, r.x, r.u);
  (void)CaseHyper(c, tol, r.theta, r.x, r.u);
  FEN_ASSERT_NEAR((up - down) / (2 * t), CaseDot(c, c->nt, r.u, r.t),
                  error * (1e-3 + CaseDistance(c, c->nt, r.u, NULL)));
  RoomFree(&r);
}

/* value, gradient, products on all ranks against those of one rank */
static inline void CheckRanks(const char name[], const char options[], const FenBilevelData *data, double size)
{
  Case   many, one;
  Room   r, o;
  double values[2];

  CaseOpen(MPI_COMM_WORLD, name, options, data, &many);
  CaseOpen(MPI_COMM_SELF, name, options, data, &one);
  r = RoomNew(&many);
  o = RoomNew(&one);
  for (int k = 0; k < 2; k++) {
    const Case *c = k ? &one : &many;
    Room       *w = k ? &o : &r;

    if (c->call->start)
      FEN_OK((*c->call->start)(c->p, w->theta));
    CaseX(c, 3, size, w->x);
    CaseX(c, 4, 1, w->v);
    FEN_OK((*c->call->settheta)(c->p, w->theta));
    values[k] = CaseValue(c, w->x, w->g) + CaseUpper(c, w->x, w->h);
    FEN_OK((*c->call->linearise)(c->p, c->s, w->x));
    FEN_OK((*c->call->hessian)(c->p, w->v, w->a));
    FEN_OK((*c->call->upperhessian)(c->p, c->s, w->x, w->v, w->b));
    FEN_OK((*c->call->jacobiantranspose)(c->p, w->v, w->t));
  }
  FEN_ASSERT_NEAR(values[0], values[1], 1e-12 * fabs(values[1]));
  for (FenInt k = 0; k < many.nx; k++) {
    const FenInt i = many.part.row0 * many.size.width + k;

    assert_true(fabs(r.g[k] - o.g[i]) <= 1e-12 * (1 + CaseDistance(&one, one.nx, o.g, NULL)));
    assert_true(fabs(r.h[k] - o.h[i]) <= 1e-12 * (1 + CaseDistance(&one, one.nx, o.h, NULL)));
    assert_true(fabs(r.a[k] - o.a[i]) <= 1e-12 * (1 + CaseDistance(&one, one.nx, o.a, NULL)));
    assert_true(fabs(r.b[k] - o.b[i]) <= 1e-12 * (1 + CaseDistance(&one, one.nx, o.b, NULL)));
  }
  for (FenInt k = 0; k < many.nt; k++)
    assert_true(fabs(r.t[k] - o.t[many.part.theta0 + k]) <= 1e-12 * (1 + CaseDistance(&one, one.nt, o.t, NULL)));
  RoomFree(&r);
  RoomFree(&o);
  FEN_OK(FenBilevelProblemDestroy(&many.p));
  FEN_OK(FenBilevelProblemDestroy(&one.p));
}
