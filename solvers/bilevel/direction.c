/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Directions by the two-loop recursion of L-BFGS on the hyperparameters that are free to move.

   A pair is kept if s.y >= 1e-10 |s| |y|. The direction is given up for -z when it is no direction of descent,
   d.z > -1e-4 |d| |z|. Cost: 4 memory p flops, one message in the team a pair.

   References: Liu, Nocedal, Math. Program. 45, 1989; Barzilai, Borwein, IMA J. Numer. Anal. 8, 1988.
*/
#include "direction.h"
#include <math.h>

#define CURVATURE 1e-10
#define DESCENT   1e-4

PetscErrorCode FenDirectionCreate(FenBilevel b, PetscInt memory, FenDirection *d)
{
  PetscFunctionBegin;
  *d = (FenDirection){.memory = memory};
  for (PetscInt k = 0; k <= memory; k++)
    PetscCall(PetscCalloc2((size_t)b->nt, &d->s[k], (size_t)b->nt, &d->y[k]));
  PetscCall(PetscCalloc1((size_t)(2 * (memory + 1) * b->nt), &d->packed));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDirectionDestroy(FenDirection *d)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k <= d->memory; k++)
    PetscCall(PetscFree2(d->s[k], d->y[k]));
  PetscCall(PetscFree(d->packed));
  PetscFunctionReturn(0);
}

void FenDirectionForget(FenDirection *d)
{
  d->n = 0;
}

PetscErrorCode FenDirectionUpdate(FenBilevel b, FenDirection *d, const double theta[], const double before[],
                                  const double z[], const double zbefore[], PetscBool *concave)
{
  const PetscInt most = PetscMax(d->memory, 1), at = (PetscInt)PetscMin(d->n, most);
  double        *s = d->s[0], *y = d->y[0], dots[3];
  const double  *left[3], *right[3];

  PetscFunctionBegin;
  if (d->memory > 0) {
    s = d->s[at];
    y = d->y[at];
  }
  for (FenInt k = 0; k < b->nt; k++) {
    s[k] = theta[k] - before[k];
    y[k] = z[k] - zbefore[k];
  }
  left[0] = right[0] = left[1] = s;
  right[1] = left[2] = right[2] = y;
  PetscCall(FenThetaDots_Private(b, 3, left, right, dots));
  *concave = (PetscBool)(dots[1] <= 0 && dots[0] > 0);
  if (!(dots[1] > CURVATURE * sqrt(dots[0] * dots[2]))) {
    d->n = d->memory > 0 ? d->n : 0;
    PetscFunctionReturn(0);
  }
  if (d->memory == 0 || d->n < most) {
    d->n = d->memory == 0 ? 1 : d->n + 1;
    PetscFunctionReturn(0);
  }
  for (PetscInt k = 0; k < most; k++) { /* the oldest makes room */
    double *t = d->s[k];

    d->s[k] = d->s[k + 1];
    d->s[k + 1] = t;
    t = d->y[k];
    d->y[k] = d->y[k + 1];
    d->y[k + 1] = t;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Dot(FenBilevel b, const double x[], const double y[], double *dot)
{
  PetscFunctionBegin;
  PetscCall(FenThetaDots_Private(b, 1, &x, &y, dot));
  PetscFunctionReturn(0);
}

static void AddTo(FenBilevel b, double a, const double x[], double y[])
{
  for (FenInt k = 0; k < b->nt; k++)
    y[k] += a * x[k];
}

/* zero where theta is at its bound and -z points out of the box */
static void Mask(FenBilevel b, const double theta[], const double z[], double d[])
{
  for (FenInt k = 0; k < b->nt; k++)
    if ((theta[k] <= b->lo[k] && z[k] > 0) || (theta[k] >= b->up[k] && z[k] < 0))
      d[k] = 0;
}

/* s and y on the hyperparameters that are free, in the work space of the solver; their products */
static PetscErrorCode FreePair(FenBilevel b, const FenDirection *D, PetscInt k, const double theta[], const double z[],
                               const double d[], double dots[3])
{
  double       *s = b->wt[0], *y = b->wt[1];
  const double *left[3] = {s, s, y}, *right[3] = {y, d, y};

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(s, D->s[k], b->nt));
  PetscCall(PetscArraycpy(y, D->y[k], b->nt));
  Mask(b, theta, z, s);
  Mask(b, theta, z, y);
  PetscCall(FenThetaDots_Private(b, 3, left, right, dots));
  PetscFunctionReturn(0);
}

/* d <- -H d, H the inverse Hessian that the pairs know of the free hyperparameters; *used: pairs that say something */
static PetscErrorCode TwoLoops(FenBilevel b, const FenDirection *D, const double theta[], const double z[], double d[],
                               PetscInt *used)
{
  const PetscInt n = (PetscInt)D->n;
  double         a[FEN_DIRECTION_MEMORY], sy[FEN_DIRECTION_MEMORY], scale = 1, t, dots[3];

  PetscFunctionBegin;
  *used = 0;
  for (PetscInt k = n - 1; k >= 0; k--) {
    PetscCall(FreePair(b, D, k, theta, z, d, dots));
    sy[k] = 0;
    if (!(dots[0] > 0) || !(dots[0] > CURVATURE * dots[2]))
      continue;
    sy[k] = dots[0];
    a[k] = dots[1] / dots[0];
    if (!(*used)++)
      scale = dots[0] / dots[2];
    AddTo(b, -a[k], b->wt[1], d);
  }
  for (FenInt k = 0; k < b->nt; k++)
    d[k] *= scale;
  for (PetscInt k = 0; k < n; k++) {
    if (!(sy[k] > 0))
      continue;
    PetscCall(FreePair(b, D, k, theta, z, d, dots));
    PetscCall(Dot(b, b->wt[1], d, &t));
    AddTo(b, a[k] - t / sy[k], b->wt[0], d);
  }
  for (FenInt k = 0; k < b->nt; k++)
    d[k] = -d[k];
  PetscFunctionReturn(0);
}

/* d <- -(s.s/s.y) d */
static PetscErrorCode BarzilaiBorwein(FenBilevel b, const FenDirection *D, double d[])
{
  double ss, sy;

  PetscFunctionBegin;
  PetscCall(Dot(b, D->s[0], D->s[0], &ss));
  PetscCall(Dot(b, D->s[0], D->y[0], &sy));
  for (FenInt k = 0; k < b->nt; k++)
    d[k] *= -ss / sy;
  PetscFunctionReturn(0);
}

PetscErrorCode FenDirectionGet(FenBilevel b, const FenDirection *D, const double theta[], const double z[], double d[],
                               PetscBool *newton)
{
  double        dots[3];
  const double *left[3] = {d, d, z}, *right[3] = {d, z, z};
  PetscInt      used = 1;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d, z, b->nt));
  Mask(b, theta, z, d);
  *newton = (PetscBool)(D->n > 0);
  if (D->n > 0) {
    if (D->memory > 0)
      PetscCall(TwoLoops(b, D, theta, z, d, &used));
    else
      PetscCall(BarzilaiBorwein(b, D, d));
    Mask(b, theta, z, d);
    *newton = (PetscBool)(used > 0);
    PetscCall(FenThetaDots_Private(b, 3, left, right, dots));
    if (dots[1] <= -DESCENT * sqrt(dots[0] * dots[2]))
      PetscFunctionReturn(0);
    PetscCall(PetscArraycpy(d, z, b->nt));
    Mask(b, theta, z, d);
    *newton = PETSC_FALSE;
  }
  for (FenInt k = 0; k < b->nt; k++)
    d[k] = -d[k];
  PetscFunctionReturn(0);
}

PetscErrorCode FenDirectionState(FenBilevel b, FenDirection *d, FenState state)
{
  const PetscInt n = d->memory + 1;

  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++)
    for (PetscInt i = 0; i < n; i++) {
      d->packed[2 * (k * n + i)] = d->s[i][k];
      d->packed[2 * (k * n + i) + 1] = d->y[i][k];
    }
  PetscCall(FenStateAddInt(state, "pairs", &d->n));
  PetscCall(FenStateAddArray(state, "pairs_sy", b->ltheta, 2 * n, d->packed + 2 * n * b->t0));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDirectionResume(FenBilevel b, FenDirection *d)
{
  const PetscInt n = d->memory + 1;

  PetscFunctionBegin;
  PetscCall(FenThetaShare_Private(b, 2 * n, d->packed));
  for (FenInt k = 0; k < b->nt; k++)
    for (PetscInt i = 0; i < n; i++) {
      d->s[i][k] = d->packed[2 * (k * n + i)];
      d->y[i][k] = d->packed[2 * (k * n + i) + 1];
    }
  PetscFunctionReturn(0);
}
