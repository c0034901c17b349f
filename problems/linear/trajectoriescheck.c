/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that recorded trajectories keep; the first one that is broken becomes an error of all ranks. */
#include "linearimpl.h"
#include <math.h>

typedef struct {
  const char *where;
  FenInt      trajectory;
  PetscInt    step;
} FenPlace;

static void FenCheckFeatures(const FenTrajectoriesSizes *n, const FenPlace *p, int action, const double phi[],
                             FenFault *fault)
{
  const double tolerance = FEN_FEATURES_TOL * (double)n->features;
  double       sum = 0;

  for (PetscInt i = 0; i < n->features; i++) {
    if (!isfinite(phi[i]) || phi[i] < 0) {
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "%sfeatures, trajectory %" FENINT_FMT ", step %" PetscInt_FMT ", action %d, feature %" PetscInt_FMT
                  " is %g; rule: finite and not negative",
                  p->where, p->trajectory, p->step, action, i, phi[i]);
      return;
    }
    sum += phi[i];
  }
  if (n->partial ? sum > 1 + tolerance : fabs(sum - 1) > tolerance)
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sfeatures, trajectory %" FENINT_FMT ", step %" PetscInt_FMT
                ", action %d sum to %.12g; rule: to one, or to at most one if the attribute partial is 1",
                p->where, p->trajectory, p->step, action, sum);
}

static void FenCheckNumber(const FenPlace *p, const char name[], double value, PetscBool holds, const char rule[],
                           FenFault *fault)
{
  if (!holds)
    FenFaultSet(fault, FEN_ERR_VALUE, "%s%s, trajectory %" FENINT_FMT ", step %" PetscInt_FMT " is %g; rule: %s",
                p->where, name, p->trajectory, p->step, value, rule);
}

static void FenCheckStep(FenTrajectories t, const FenPlace *p, FenInt k, FenFault *fault)
{
  const FenTrajectoriesSizes  *n = &t->sizes;
  const FenTrajectoriesArrays *a = &t->a;
  const FenInt                 width = (FenInt)n->actions * n->features;
  const double                 action = a->action[k], fail = a->fail[k];
  char                         rule[64];

  for (int b = 0; b < n->actions && !fault->code; b++)
    FenCheckFeatures(n, p, b, a->features + k * width + (FenInt)b * n->features, fault);
  (void)snprintf(rule, sizeof(rule), "a whole number from 0 to %d", (int)n->actions - 1);
  FenCheckNumber(
      p, "action", action,
      (PetscBool)(action >= 0 && action < (double)n->actions && !(action < floor(action)) && !(action > floor(action))),
      rule, fault);
  FenCheckNumber(p, "reward", a->reward[k], (PetscBool) !!isfinite(a->reward[k]), "finite", fault);
  FenCheckNumber(p, "fail", fail, (PetscBool) !(fail < 0 || fail > 1 || (fail > 0 && fail < 1) || isnan(fail)),
                 "0 or 1", fault);
  FenCheckNumber(p, "fail", fail, (PetscBool)(n->zero || !(fail > 0)),
                 "no state is worth nothing if the attribute zero is 0", fault);
  if (a->stop)
    FenCheckNumber(p, "stop", a->stop[k], (PetscBool) !!isfinite(a->stop[k]), "finite", fault);
}

static void FenCheckTables(FenTrajectories t, const char where[], FenFault *fault)
{
  for (FenInt i = 0; i < (FenInt)t->sizes.horizon * t->sizes.features && !fault->code; i++) {
    const FenInt h = i / t->sizes.features, factor = i % t->sizes.features;

    if (!isfinite(t->a.theta[i]))
      FenFaultSet(fault, FEN_ERR_VALUE, "%stheta, step %" FENINT_FMT ", feature %" FENINT_FMT " is %g; rule: finite",
                  where, h, factor, t->a.theta[i]);
    if (!isfinite(t->a.radius_scale[i]) || t->a.radius_scale[i] < 0)
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "%sradius_scale, step %" FENINT_FMT ", feature %" FENINT_FMT " is %g; rule: finite and not negative",
                  where, h, factor, t->a.radius_scale[i]);
  }
}

/*@C
  FenTrajectoriesCheck - Are the numbers what they must be? Features are not negative and sum to one, actions exist, all
  else is finite.

  Collective

  Input Parameters:
+ trajectories - the data
- where        - begins the message, for example "file 'x': "

  Errors:
  `FEN_ERR_VALUE` names array, trajectory, step, value and rule.

  Level: intermediate

.seealso: `FenTrajectoriesGetArrays()`
@*/
PetscErrorCode FenTrajectoriesCheck(FenTrajectories t, const char where[])
{
  FenFault fault = {0};

  PetscFunctionBegin;
  FenCheckTables(t, where, &fault);
  for (FenInt k = 0; k < t->a.n * t->sizes.horizon && !fault.code; k++) {
    const FenPlace place = {where, t->start + k / t->sizes.horizon, (PetscInt)(k % t->sizes.horizon)};

    FenCheckStep(t, &place, k, &fault);
  }
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)t), &fault));
  PetscFunctionReturn(0);
}
