/* SPDX-License-Identifier: BSD-2-Clause */
/* The types whose weights come from weights.c: r2pvi, pevi, drpvi, and the two with variances. */
#include "linearmdpimpl.h"

static PetscErrorCode Penalised(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  PetscFunctionBegin;
  if (!strcmp(m->use.name, "tv"))
    PetscCall(FenLinearWeightsTV_Private(m, s, a));
  else if (!strcmp(m->use.name, "kl"))
    PetscCall(FenLinearWeightsKL_Private(m, s, a));
  else
    PetscCall(FenLinearWeightsPearson_Private(m, s, a));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPR2PVI - "r2pvi": learnt from data, nature pays a price for changing a factor: tv, kl or pearson

  Options Database Keys:
+ -mdp_ambiguity - tv (default), kl or pearson
. -mdp_penalty   - the price
. -mdp_ridge     - ridge of the regressions
- -mdp_pessimism - beta

  Level: beginner

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPDRPVI`
M*/
PetscErrorCode FenLinearMDPCreate_R2PVI(FenSolver s)
{
  static const FenLinearRule rule = {.name = FENLINEARMDPR2PVI, .ambiguities = "tv kl pearson", .weights = Penalised};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mean(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++)
    m->f[k] = m->a.reward[k * m->H + s->h] + s->v[k];
  PetscCall(PetscArrayzero(a->multiplier, m->d));
  PetscCall(FenLinearFit_Private(m, s, m->f, 0, s->dv, a->w, a->error, a->local));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPPEVI - "pevi": learnt from data, pessimistic, not robust; rewards are estimated with the values

  Reference:
  Y. Jin, Z. Yang, Z. Wang, Is pessimism provably efficient for offline RL?, ICML 2021

  Level: beginner

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPR2PVI`
M*/
PetscErrorCode FenLinearMDPCreate_PEVI(FenSolver s)
{
  static const FenLinearRule rule = {
      .name = FENLINEARMDPPEVI, .inverse = PETSC_TRUE, .rewards = PETSC_TRUE, .weights = Mean};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPDRPVI - "drpvi": learnt from data, robust against a ball of total variation around every factor

  Level: beginner

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPVADRPVI`
M*/
PetscErrorCode FenLinearMDPCreate_DRPVI(FenSolver s)
{
  static const FenLinearRule rule = {
      .name = FENLINEARMDPDRPVI, .ambiguities = "tv", .radius = PETSC_TRUE, .weights = FenLinearWeightsBallTV_Private};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPVADRPVI - "vadrpvi": drpvi with every recorded step divided by its estimated variance

  Options Database Keys:
+ -mdp_split      - variances from one half of the trajectories, the rest from the other
- -mdp_correction - taken off the variances before they are cut at one

  Level: intermediate

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPDRPVI`
M*/
PetscErrorCode FenLinearMDPCreate_VADRPVI(FenSolver s)
{
  static const FenLinearRule rule = {.name = FENLINEARMDPVADRPVI,
                                     .ambiguities = "tv",
                                     .radius = PETSC_TRUE,
                                     .variances = PETSC_TRUE,
                                     .weights = FenLinearWeightsBallTV_Private};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPVAR2PVI - "var2pvi": r2pvi with the price of tv, every recorded step divided by its estimated variance

  Options Database Keys:
+ -mdp_split      - variances from one half of the trajectories, the rest from the other
- -mdp_correction - taken off the variances before they are cut at one

  Level: intermediate

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPR2PVI`
M*/
PetscErrorCode FenLinearMDPCreate_VAR2PVI(FenSolver s)
{
  static const FenLinearRule rule = {
      .name = FENLINEARMDPVAR2PVI, .ambiguities = "tv", .variances = PETSC_TRUE, .weights = FenLinearWeightsTV_Private};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}
