/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What all lower solvers do at the points of several samples: one exchange and one message for all of them. A rank's
   own part of a sum is rounded as it is alone, and parts are added without error, so that a sample's numbers do not
   depend on who goes with it.
*/
#include "lower.h"
#include <math.h>

PetscErrorCode FenLowerWays(FenLower L, FenInt n, FenLowerTask task[], FenLowerWay ways[], FenLowerWay *list[])
{
  const FenInt nx = L->part.nx;
  FenInt       all;

  PetscFunctionBegin;
  if (n > L->nroom) {
    PetscCall(PetscFree(L->room));
    PetscCall(FenIntMult(4 * n, nx, &all));
    PetscCall(PetscMalloc1((size_t)all + 1, &L->room));
    L->nroom = n;
  }
  for (FenInt k = 0; k < n; k++) {
    double *room = L->room + 4 * k * nx;

    ways[k] = (FenLowerWay){.t = &task[k],
                            .k = task[k].s - L->part.start,
                            .g = room,
                            .d = room + nx,
                            .xt = room + 2 * nx,
                            .gt = room + 3 * nx,
                            .found = PETSC_TRUE};
    list[k] = &ways[k];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerArrive(FenLower L, FenInt n, FenLowerWay ways[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    FenLowerTask *t = ways[k].t;

    t->answer = (FenLowerAnswer){.gradient = ways[k].at.norm,
                                 .value = ways[k].at.value,
                                 .iterations = ways[k].count,
                                 .reached = (PetscBool)(ways[k].at.norm <= t->tol)};
    if (t->g)
      PetscCall(PetscArraycpy(t->g, ways[k].g, L->part.nx));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerDescend(FenLower L, const FenLowerMethod *method, FenInt all, PetscBool resume,
                               FenLowerTask task[])
{
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];
  FenInt        n = all;
  char         *own;

  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  PetscCall(PetscCalloc1((size_t)all * method->size, &own));
  for (FenInt k = 0; k < all; k++) {
    ways[k].own = own + (size_t)k * method->size;
    PetscCall((*method->start)(L, resume, &ways[k]));
  }
  while (n) {
    FenInt m = 0;

    PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_FALSE, at));
    for (FenInt k = 0; k < n; k++) {
      PetscBool goes;

      on[k]->at = at[k];
      PetscCall((*method->look)(L, on[k], &goes));
      if (goes)
        on[m++] = on[k];
    }
    n = m;
    if (n)
      PetscCall((*method->step)(L, n, on));
  }
  for (FenInt k = 0; k < all && method->end; k++)
    PetscCall((*method->end)(L, &ways[k]));
  PetscCall(FenLowerArrive(L, all, ways));
  PetscCall(PetscFree(own));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerMomentumSetUp(FenLower L)
{
  const FenInt      mine = L->part.end - L->part.start;
  FenInt            n;
  size_t            bytes;
  FenLowerMomentum *m;

  PetscFunctionBegin;
  PetscCall(FenIntMult(mine, L->part.nx, &n));
  PetscCall(FenBytes(n, sizeof(double), &bytes));
  PetscCall(PetscNew(&m));
  PetscCall(PetscMalloc1(bytes / sizeof(double), &m->before));
  PetscCall(PetscCalloc1((size_t)mine, &m->t));
  L->data = m;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerMomentumDestroy(FenLower L)
{
  FenLowerMomentum *m = (FenLowerMomentum *)L->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(m->before));
  PetscCall(PetscFree(m->t));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerEvaluate(FenLower L, FenInt s, const double x[], double g[], FenLowerPoint *at)
{
  FenLowerTask task = {.s = s, .x = (double *)x};
  FenLowerWay  way = {.t = &task, .g = g}, *list = &way;

  PetscFunctionBegin;
  PetscCall(FenLowerEvaluateAll(L, 1, &list, PETSC_FALSE, at));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerEvaluateAll(FenLower L, FenInt n, FenLowerWay *const w[], PetscBool trial, FenLowerPoint at[])
{
  const FenInt  nx = L->part.nx;
  FenDD         parts[3 * FEN_BILEVEL_TOGETHER] = {{0, 0}};
  double        value[FEN_BILEVEL_TOGETHER], sums[3 * FEN_BILEVEL_TOGETHER], *g[FEN_BILEVEL_TOGETHER] = {NULL};
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};
  PetscInt      m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = w[k]->t->s;
    x[k] = trial ? w[k]->xt : w[k]->t->x;
    g[k] = trial ? w[k]->gt : w[k]->g;
    w[k]->count++;
  }
  PetscCall(FenBatchGradients(L->problem, n, s, x, value, g));
  for (FenInt k = 0; k < n; k++) {
    parts[m++].hi = value[k];
    PetscCall(FenDot(PETSC_COMM_SELF, nx, g[k], g[k], &parts[m++].hi));
    PetscCall(FenDot(PETSC_COMM_SELF, nx, x[k], x[k], &parts[m++].hi));
  }
  if (n)
    PetscCall(FenDDReduce(L->team, m, parts, sums));
  for (FenInt k = 0; k < n; k++)
    at[k] = (FenLowerPoint){.value = sums[3 * k], .norm = sqrt(sums[3 * k + 1]), .size = sqrt(sums[3 * k + 2])};
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerLinearise(FenLower L, FenInt n, FenLowerWay *const way[], PetscBool duals)
{
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL}, *w[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    s[k] = way[k]->t->s;
    x[k] = way[k]->t->x;
    w[k] = way[k]->t->w;
  }
  PetscCall(FenBatchLinearise(L->problem, n, s, x, duals ? w : NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLowerSteepest(FenLower L, FenInt n, FenLowerWay *const way[])
{
  const double *g[FEN_BILEVEL_TOGETHER] = {NULL}, *Hg[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *d[FEN_BILEVEL_TOGETHER] = {NULL}, gHg[FEN_BILEVEL_TOGETHER];
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};
  PetscInt      m;

  PetscFunctionBegin;
  if (!n)
    PetscFunctionReturn(0);
  PetscCall(FenLowerLinearise(L, n, way, PETSC_FALSE));
  for (FenInt k = 0; k < n; k++) {
    s[k] = way[k]->t->s;
    g[k] = way[k]->g;
    Hg[k] = d[k] = way[k]->d;
    way[k]->count++;
  }
  PetscCall(FenBatchHessians(L->problem, n, s, g, d));
  PetscCall(FenIntCast(n, &m));
  PetscCall(FenTeamDots(L->team, L->part.nx, m, g, Hg, gHg));
  for (FenInt k = 0; k < n; k++) {
    const double square = way[k]->at.norm * way[k]->at.norm, step = gHg[k] > 0 ? square / gHg[k] : 1;

    for (FenInt i = 0; i < L->part.nx; i++)
      d[k][i] = -step * g[k][i];
    way[k]->at.slope = -step * square;
  }
  PetscFunctionReturn(0);
}
