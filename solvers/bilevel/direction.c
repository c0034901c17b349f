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
                                  const double z[], const double zbefore[])
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

/* d <- -H d, H the inverse Hessian that the pairs know */
static PetscErrorCode TwoLoops(FenBilevel b, const FenDirection *D, double d[])
{
  const PetscInt n = (PetscInt)D->n;
  double         a[FEN_DIRECTION_MEMORY], sy[FEN_DIRECTION_MEMORY], yy = 1, t;

  PetscFunctionBegin;
  for (PetscInt k = n - 1; k >= 0; k--) {
    const double *left[3] = {D->s[k], D->s[k], D->y[k]}, *right[3] = {D->y[k], d, D->y[k]};
    double        dots[3];

    PetscCall(FenThetaDots_Private(b, 3, left, right, dots));
    sy[k] = dots[0];
    a[k] = dots[1] / dots[0];
    if (k == n - 1)
      yy = dots[2];
    AddTo(b, -a[k], D->y[k], d);
  }
  for (FenInt k = 0; k < b->nt; k++)
    d[k] *= sy[n - 1] / yy;
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(Dot(b, D->y[k], d, &t));
    AddTo(b, a[k] - t / sy[k], D->s[k], d);
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

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(d, z, b->nt));
  Mask(b, theta, z, d);
  *newton = (PetscBool)(D->n > 0);
  if (D->n > 0) {
    if (D->memory > 0)
      PetscCall(TwoLoops(b, D, d));
    else
      PetscCall(BarzilaiBorwein(b, D, d));
    Mask(b, theta, z, d);
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
  PetscCall(FenStateAddArray(state, "pairs_sy", b->ltheta, 2 * n, d->packed));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDirectionResume(FenBilevel b, FenDirection *d)
{
  const PetscInt n = d->memory + 1;
  PetscMPIInt    count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(2 * n * b->nt, &count));
  PetscCallMPI(MPI_Bcast(d->packed, count, MPI_DOUBLE, 0, b->team.across));
  for (FenInt k = 0; k < b->nt; k++)
    for (PetscInt i = 0; i < n; i++) {
      d->s[i][k] = d->packed[2 * (k * n + i)];
      d->y[i][k] = d->packed[2 * (k * n + i) + 1];
    }
  PetscFunctionReturn(0);
}
