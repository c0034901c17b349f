/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounds that are tried out because the slope towards them dies out exponentially. */
#include "probe.h"
#include <math.h>

#define STEADY   1.6 /* successive rates that differ by no more than this factor */
#define ENOUGH   2   /* steady pairs before the bound is tried */
#define LEADING  0.1 /* part of |z| that a hyperparameter must have: creeping is what holds the descent up */
#define PATIENCE 10  /* steps that a refused bound is left alone */

PetscErrorCode FenProbeCreate(FenBilevel b, FenProbe *p)
{
  PetscFunctionBegin;
  *p = (FenProbe){.active = 0};
  PetscCall(
      PetscCalloc3((size_t)b->nt + 1, &p->rate, (size_t)b->nt + 1, &p->streak, (size_t)(2 * b->nt) + 1, &p->packed));
  PetscFunctionReturn(0);
}

PetscErrorCode FenProbeDestroy(FenProbe *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(p->rate, p->streak, p->packed));
  PetscFunctionReturn(0);
}

void FenProbeForget(FenBilevel b, FenProbe *p)
{
  for (FenInt k = 0; k < b->nt; k++)
    p->rate[k] = p->streak[k] = 0;
  p->active = 0;
}

void FenProbeObserve(FenBilevel b, FenProbe *p, const double theta[], const double before[], const double z[],
                     const double zbefore[])
{
  for (FenInt k = 0; k < b->nt; k++) {
    const double    step = theta[k] - before[k];
    const PetscBool leads = (PetscBool)(fabs(z[k]) >= LEADING * b->cur->znorm);
    const PetscBool downhill = (PetscBool)(leads && z[k] * zbefore[k] > 0 && step * z[k] < 0);
    const double    rate = downhill ? log(zbefore[k] / z[k]) / fabs(step) : 0;

    if (p->streak[k] < 0)
      p->streak[k]++;
    else if (rate > 0 && rate < STEADY * p->rate[k] && p->rate[k] < STEADY * rate)
      p->streak[k]++;
    else
      p->streak[k] = 0;
    p->rate[k] = PetscMax(rate, 0);
  }
}

static double Bound(FenBilevel b, FenInt k, double z)
{
  return z > 0 ? b->lo[k] : b->up[k];
}

PetscErrorCode FenProbeApply(FenBilevel b, FenProbe *p, const double theta[], double alpha, double d[])
{
  int any = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++) {
    const double bound = Bound(b, k, -d[k]);

    if (p->streak[k] < ENOUGH || !isfinite(bound) || fabs(bound) >= PETSC_MAX_REAL || d[k] * (bound - theta[k]) <= 0)
      continue;
    d[k] = (bound - theta[k]) / alpha;
    any = 1;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, b->tcomm));
  p->active = any;
  PetscFunctionReturn(0);
}

void FenProbeRefused(FenBilevel b, FenProbe *p)
{
  for (FenInt k = 0; k < b->nt; k++)
    if (p->streak[k] >= ENOUGH)
      p->streak[k] = -PATIENCE;
  p->active = 0;
}

PetscErrorCode FenProbeState(FenBilevel b, FenProbe *p, FenState state)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < b->nt; k++) {
    p->packed[2 * k] = p->rate[k];
    p->packed[2 * k + 1] = p->streak[k];
  }
  PetscCall(FenStateAddInt(state, "probing", &p->active));
  PetscCall(FenStateAddArray(state, "probes", b->ltheta, 2, p->packed + 2 * b->t0));
  PetscFunctionReturn(0);
}

PetscErrorCode FenProbeResume(FenBilevel b, FenProbe *p)
{
  PetscFunctionBegin;
  PetscCall(FenThetaShare_Private(b, 2, p->packed));
  for (FenInt k = 0; k < b->nt; k++) {
    p->rate[k] = p->packed[2 * k];
    p->streak[k] = p->packed[2 * k + 1];
  }
  PetscFunctionReturn(0);
}
