/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The simulated linear Markov decision process of Liu and Xu (NeurIPS 2024) and of Tang, Liu and Xu (ICML 2025), with
   any horizon H: alive states x_1 .. x_H, of which x_h is met in step h only, a failure worth nothing, a goal. With the
   action's chance c = delta + <xi,a>, a in {-1,1}^m, xi = |xi| (1,...,1)/m,

     phi(x_h) = (1-c) e_h + c e_d,   phi(failure) = e_H,   phi(goal) = e_d,   d = H+1,

   the factor of x_h leads to x_{h+1}, or to the failure with probability p; e_d leads to the goal; e_H to the failure.
   Rewards are 1 with chance phi_d from the second step on. The target environment q sends the share q of those on their
   way to the goal to the failure instead, in the first step.
*/
#include "linearimpl.h"
#include <math.h>

typedef struct {
  FenInt  horizon, bits, actions;
  double  delta, xi, p, best;
  double *states;
} FenSimulated;

static double FenStart(FenLinearProblem p, FenInt replication, double u, double u_replication, PetscBool test)
{
  (void)p, (void)replication, (void)u, (void)u_replication, (void)test;
  return 0;
}

/* states: 0 .. H-1 alive, H failure, H+1 goal */
static void FenLook(FenLinearProblem p, PetscInt h, double state, FenLinearView *view)
{
  const FenSimulated *c = (const FenSimulated *)p->ctx;
  const FenInt        s = (FenInt)state, d = p->sizes.features, H = c->horizon;

  (void)h;
  view->fail = s == H;
  view->stop = view->earned = 0;
  for (FenInt a = 0; a < c->actions; a++) {
    double *phi = view->features + a * d, chance = c->delta;

    for (FenInt i = 0; i < d; i++)
      phi[i] = 0;
    for (FenInt b = 0; b < c->bits; b++)
      chance += (a >> (c->bits - 1 - b) & 1 ? 1 : -1) * c->xi / (double)c->bits;
    chance = PetscMin(1., PetscMax(0., chance)); /* rounding */
    if (s < H) {
      phi[s] = 1 - chance;
      phi[H] = chance;
    } else
      phi[s == H ? H - 1 : H] = 1;
  }
}

static void FenFactor(FenLinearProblem p, PetscInt h, PetscInt i, double law[])
{
  const FenSimulated *c = (const FenSimulated *)p->ctx;
  const FenInt        H = c->horizon;

  for (FenInt s = 0; s < p->nstates; s++)
    law[s] = 0;
  if (i == H) /* towards the goal */
    law[H + 1] = 1;
  else if (i == h && h < H - 1) {
    law[h + 1] = 1 - c->p;
    law[H] = c->p;
  } else /* never met alive in this step, or the failure's own */
    law[H] = 1;
}

static void FenAdd(FenLinearBranches *b, double next, double prob)
{
  if (prob > 0) {
    b->next[b->n] = next;
    b->prob[b->n++] = prob;
  }
}

static void FenStep(FenLinearProblem p, PetscInt h, double state, const double phi[], double target,
                    FenLinearBranches *b)
{
  const FenSimulated *c = (const FenSimulated *)p->ctx;
  const FenInt        s = (FenInt)state, H = c->horizon;
  const double goal = phi[H], death = h == 0 && !isnan(target) ? 0 : c->p, theft = isnan(target) || h ? 0 : target;

  b->n = 0;
  if (s >= H) {
    FenAdd(b, state, 1);
    return;
  }
  if (h < H - 1) {
    FenAdd(b, state + 1, phi[s] * (1 - death));
    FenAdd(b, (double)H, phi[s] * death + goal * theft);
  } else
    FenAdd(b, (double)H, phi[s]);
  FenAdd(b, (double)H + 1, goal * (1 - theft));
}

static int FenBehave(FenLinearProblem p, PetscInt h, double state, double u)
{
  const FenSimulated *c = (const FenSimulated *)p->ctx;

  (void)h, (void)state;
  if (u < c->best)
    return (int)c->actions - 1;
  return (int)PetscMin((double)c->actions - 1, floor((u - c->best) / (1 - c->best) * (double)c->actions));
}

static PetscErrorCode FenDestroy(FenLinearProblem p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(((FenSimulated *)p->ctx)->states));
  PetscCall(PetscFree(p->ctx));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenOptions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenLinearProblem p, FenSimulated *c,
                                 PetscInt *uncertain)
{
  static const char *const where[] = {"goal", "all"};
  FenInt                   count = 100, seed = 1;

  PetscFunctionBegin;
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-linear_trajectories", "recorded trajectories", 1,
                                       PETSC_MAX_INT, &count));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-linear_horizon", "steps; features are one more", 2,
                                       10000, &c->horizon));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-linear_bits",
                                       "signs of an action: there are 2^bits actions", 1, 12, &c->bits));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-linear_delta",
                                        "chance of the goal, mean of actions", 0, 1, &c->delta));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-linear_xi", "what actions can change of it", 0, 1,
                                        &c->xi));
  PetscCall(
      FenLinearOptionReal_Private(PetscOptionsObject, comm, "-linear_death", "probability of failure", 0, 1, &c->p));
  PetscCall(FenLinearOptionReal_Private(PetscOptionsObject, comm, "-linear_best",
                                        "share of recorded actions that are the best one; others are uniform", 0, 0.999,
                                        &c->best));
  PetscCall(PetscOptionsEList("-linear_uncertain",
                              "factors whose ball has the radius: the goal's in the first step, or all in all steps",
                              "FenLinearProblemCreate", where, 2, where[*uncertain], uncertain, NULL));
  PetscCall(FenLinearOptionInt_Private(PetscOptionsObject, comm, "-linear_seed", "seed of all that is random", 0,
                                       PETSC_MAX_INT, &seed));
  FEN_LINEAR_CHECK(c->delta - c->xi >= -1e-12 && c->delta + c->xi <= 1 + 1e-12, comm, FEN_ERR_OPTION,
                   "-linear_delta %g and -linear_xi %g; rule: delta - xi and delta + xi are probabilities", c->delta,
                   c->xi);
  p->sizes.count = count;
  p->seed = (uint64_t)seed;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSimulatedLinear_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenLinearProblem p)
{
  FenSimulated *c;
  PetscInt      uncertain = 0, H, d;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  *c = (FenSimulated){.horizon = 3, .bits = 4, .delta = 0.3, .xi = 0.2, .p = 0.001};
  p->ctx = c;
  p->destroy = FenDestroy;
  PetscCall(FenOptions(PetscOptionsObject, comm, p, c, &uncertain));
  c->actions = (FenInt)1 << c->bits;
  PetscCall(FenIntCast(c->horizon, &H));
  d = H + 1;
  p->sizes.horizon = H;
  p->sizes.features = d;
  PetscCall(FenIntCast(c->actions, &p->sizes.actions));
  p->sizes.zero = p->sizes.known = PETSC_TRUE;
  PetscCall(PetscCalloc2((size_t)H * (size_t)d, &p->theta, (size_t)H * (size_t)d, &p->radius_scale));
  for (PetscInt h = 0; h < H; h++) {
    p->theta[h * d + H] = h > 0;
    for (PetscInt i = 0; i < d; i++)
      p->radius_scale[h * d + i] = uncertain || (h == 0 && i == H) ? 1 : 0;
  }
  p->nstates = H + 2;
  PetscCall(PetscMalloc1((size_t)p->nstates, &c->states));
  for (FenInt s = 0; s < p->nstates; s++)
    c->states[s] = (double)s;
  p->states = c->states;
  p->target = "share of goals stolen in the first step";
  p->ntargets = 11;
  for (int k = 0; k < 11; k++)
    p->targets[k] = k / 10.;
  p->start = FenStart;
  p->look = FenLook;
  p->step = FenStep;
  p->behave = FenBehave;
  p->factor = FenFactor;
  PetscFunctionReturn(0);
}
