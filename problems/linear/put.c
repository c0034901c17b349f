/* SPDX-License-Identifier: BSD-2-Clause */
/*
   An American put option on a binomial price (Tamar, Mannor, Xu, ICML 2014): holding earns nothing and multiplies the
   price by `up` with probability p0, else by `down`; ending earns max(0, strike - price). Features of holding are hat
   functions of the price on evenly spaced anchors. Trajectories are recorded by somebody who never ends. The target
   environment has another probability of going up.

   Hats of kind `whole` are constant beyond the first and the last anchor, so that they sum to one everywhere. The
   published program cuts them off there (`cut`), lets all trajectories of a data set start at one price (`together`),
   and decides with the number of trajectories in the place of the strike (`belief`); -mdp_published put makes these the
   defaults.
*/
#include "linearimpl.h"
#include <math.h>

typedef struct {
  FenInt    horizon, d;
  double    strike, belief, low, high, test_low, test_high, up, down, p0, first, width;
  PetscBool together;
  PetscInt  cut;
} FenPut;

static double FenStart(FenLinearProblem p, FenInt replication, double u, double u_replication, PetscBool test)
{
  const FenPut *c = (const FenPut *)p->ctx;
  const double  x = c->together ? u_replication : u;

  (void)replication;
  return test ? c->test_low + (c->test_high - c->test_low) * x : c->low + (c->high - c->low) * x;
}

static void FenLook(FenLinearProblem p, PetscInt h, double price, FenLinearView *view)
{
  const FenPut *c = (const FenPut *)p->ctx;
  const double  gap = c->width / (double)c->d, at = (price - c->first) / gap;
  const FenInt  last = c->d - 1;

  (void)h;
  view->fail = 0;
  view->stop = PetscMax(0., c->belief - price);
  view->earned = PetscMax(0., c->strike - price);
  for (FenInt i = 0; i <= last; i++)
    view->features[i] = 0;
  if (!c->cut && (at <= 0 || at >= (double)last))
    view->features[at <= 0 ? 0 : last] = 1;
  else if (at > -1 && at < (double)last + 1) {
    const FenInt left = (FenInt)floor(at);
    const double share = at - (double)left;

    if (left >= 0)
      view->features[left] = 1 - share;
    if (left + 1 <= last)
      view->features[left + 1] = share;
  }
}

static void FenStep(FenLinearProblem p, PetscInt h, double price, const double phi[], double target,
                    FenLinearBranches *b)
{
  const FenPut *c = (const FenPut *)p->ctx;
  const double  rise = isnan(target) ? c->p0 : target;

  (void)h, (void)phi;
  b->n = 0;
  if (rise > 0) {
    b->next[b->n] = price * c->up;
    b->prob[b->n++] = rise;
  }
  if (rise < 1) {
    b->next[b->n] = price * c->down;
    b->prob[b->n++] = 1 - rise;
  }
}

static int FenBehave(FenLinearProblem p, PetscInt h, double state, double u)
{
  (void)p, (void)h, (void)state, (void)u;
  return 0;
}

static PetscErrorCode FenDestroy(FenLinearProblem p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(p->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenPriceOptions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenPut *c)
{
  const double most = 1e12;

  PetscFunctionBegin;
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_strike", "strike price", 0, most, &c->strike));
  PetscCall(
      FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_low", "lowest starting price", 1e-12, most, &c->low));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_high", "highest starting price", c->low, most,
                                        &c->high));
  c->test_low = c->low;
  c->test_high = c->high;
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_test_low",
                                        "lowest starting price of evaluations; by default as recorded", 1e-12, most,
                                        &c->test_low));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_test_high",
                                        "highest starting price of evaluations", c->test_low, most, &c->test_high));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_up", "factor of a rise", 1e-6, 1e6, &c->up));
  PetscCall(
      FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_down", "factor of a fall", 1e-6, 1e6, &c->down));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_p0",
                                        "probability of a rise where the data "
                                        "were recorded",
                                        0, 1, &c->p0));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOptions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenLinearProblem p, FenPut *c)
{
  static const char *const hats[] = {"whole", "cut"}, *const published[] = {"none", "linear", "put"};
  FenInt   count = 100, seed = 1;
  PetscInt which = 0;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEList("-mdp_published", "do as this published program does, deviations from its paper included",
                              "FenLinearMDPSetPublished", published, 3, published[0], &which, NULL));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-put_trajectories", "recorded trajectories", 1,
                                       PETSC_MAX_INT, &count));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-put_horizon", "steps", 1, 100000, &c->horizon));
  PetscCall(FenPriceOptions(PetscOptionsObject, comm, c));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-put_anchors", "anchors of the hat functions", 2,
                                       100000, &c->d));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_first", "price at the first anchor", -1e12,
                                        1e12, &c->first));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_width",
                                        "anchors lie this divided by their number apart", 1e-12, 1e12, &c->width));
  c->cut = which == 2;
  c->together = (PetscBool)(which == 2);
  c->belief = which == 2 ? (double)count : c->strike;
  PetscCall(PetscOptionsEList("-put_hats", "beyond the anchors hats are constant (whole) or fall to zero (cut)",
                              "FenLinearProblemCreate", hats, 2, hats[c->cut], &c->cut, NULL));
  PetscCall(PetscOptionsBool("-put_together", "all trajectories of a data set start at one price",
                             "FenLinearProblemCreate", c->together, &c->together, NULL));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-put_belief",
                                        "strike price that decisions are made with; by default the strike", 0, 1e12,
                                        &c->belief));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-put_seed", "seed of all that is random", 0,
                                       PETSC_MAX_INT, &seed));
  p->sizes.count = count;
  p->seed = (uint64_t)seed;
  PetscFunctionReturn(0);
}

PetscErrorCode FenAmericanPut_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenLinearProblem p)
{
  FenPut *c;
  size_t  table;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c = (FenPut){.horizon = 20,
                .d = 30,
                .strike = 100,
                .low = 95,
                .high = 105,
                .up = 1.02,
                .down = 0.98,
                .p0 = 0.5,
                .first = 80,
                .width = 100};
  p->ctx = c;
  p->destroy = FenDestroy;
  PetscCall(FenOptions(PetscOptionsObject, comm, p, c));
  PetscCall(FenIntCast(c->horizon, &p->sizes.horizon));
  PetscCall(FenIntCast(c->d, &p->sizes.features));
  p->sizes.actions = 1;
  p->sizes.stop = p->sizes.known = PETSC_TRUE;
  p->sizes.partial = (PetscBool)(c->cut != 0);
  table = (size_t)c->horizon * (size_t)c->d;
  PetscCall(PetscCalloc2(table, &p->theta, table, &p->radius_scale));
  for (size_t i = 0; i < table; i++)
    p->radius_scale[i] = 1;
  p->target = "probability of a rise";
  p->ntargets = 5;
  for (int k = 0; k < 5; k++)
    p->targets[k] = (k + 1) / 5.;
  p->start = FenStart;
  p->look = FenLook;
  p->step = FenStep;
  p->behave = FenBehave;
  PetscFunctionReturn(0);
}
