/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENBILEVELFIXED: gradient descent with lower problems and adjoints solved to one accuracy throughout.

   Steps of a given length, or, where none is given, Armijo backtracking by halves from twice the last step with values
   taken for exact. What others are compared with: too coarse an accuracy ends where z is noise, too fine a one pays for
   it in every step. No decision is proved; the bounds that are reported are.

   Cost of an iteration: m lower solves and m adjoint solves. Memory: two points.
*/
#include "../bilevelimpl.h"
#include <math.h>

#define ARMIJO 1e-4

typedef struct {
  PetscReal step; /* option; 0: backtracking */
  /* state */
  double alpha;
  FenInt refused; /* in this search */
} Fixed;

static double Accuracy(FenBilevel b)
{
  return b->eps0 > 0 ? b->eps0 : 1e-6;
}

static PetscErrorCode FenBilevelInitialize_Fixed(FenSolver s)
{
  Fixed *F = (Fixed *)s->data;

  PetscFunctionBegin;
  PetscCall(FenBilevelBegin_Private((FenBilevel)s));
  F->alpha = F->step;
  F->refused = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode Gradient(FenBilevel b)
{
  Fixed    *F = (Fixed *)b->base.data;
  FenPoint *p = b->cur;
  double    theta, delta = b->delta0 > 0 ? b->delta0 : Accuracy(b);

  PetscFunctionBegin;
  PetscCall(p->has_x ? FenPointGradient_Private(b, p, delta) : FenPointBoth_Private(b, p, Accuracy(b), delta));
  p->has_z = 1;
  if (F->alpha <= 0 && p->znorm > 0) {
    PetscCall(FenThetaNorm_Private(b, p->theta, &theta));
    F->alpha = 0.1 * PetscMax(theta, 1) / p->znorm;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Trial(FenBilevel b)
{
  Fixed    *F = (Fixed *)b->base.data;
  FenPoint *p = b->cur, *t = b->trial;
  double    decrease;

  PetscFunctionBegin;
  FenThetaStep_Private(b, p->theta, -F->alpha, p->z, t->theta);
  PetscCall(FenBilevelDecrease_Private(b, &decrease));
  PetscCall(FenPointCopyStart_Private(b, p, t));
  PetscCall(FenPointLower_Private(b, t, Accuracy(b), PETSC_FALSE));
  if (F->step <= 0 && !(t->f <= p->f - ARMIJO * decrease)) {
    F->alpha *= 0.5;
    if (++F->refused > 60)
      FenBilevelFloor_Private(b);
    PetscFunctionReturn(0);
  }
  if (F->step <= 0)
    F->alpha *= F->refused ? 1 : 2;
  F->refused = 0;
  FenBilevelAccept_Private(b);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelIterate_Fixed(FenSolver s)
{
  FenBilevel b = (FenBilevel)s;

  PetscFunctionBegin;
  if (b->cur->has_z)
    PetscCall(Trial(b));
  else
    PetscCall(Gradient(b));
  PetscCall(FenBilevelReport_Private(b, ((Fixed *)s->data)->alpha));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelState_Fixed(FenSolver s, FenState state)
{
  Fixed *F = (Fixed *)s->data;

  PetscFunctionBegin;
  PetscCall(FenStateAddReal(state, "alpha", &F->alpha));
  PetscCall(FenStateAddInt(state, "refused", &F->refused));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelSetFromOptions_Fixed(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  Fixed *F = (Fixed *)s->data;

  PetscFunctionBegin;
  PetscCall(
      PetscOptionsReal("-bilevel_fixed_step", "length of every step (0: backtracking)", "", F->step, &F->step, NULL));
  PetscCheck(F->step >= 0, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-bilevel_fixed_step %g; rule: not negative", F->step);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenBilevelView_Fixed(FenSolver s, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "step %g\n", ((Fixed *)s->data)->alpha));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCreate_Fixed(FenSolver s)
{
  Fixed *F;

  PetscFunctionBegin;
  PetscCall(PetscNew(&F));
  ((FenBilevel)s)->correct = PETSC_FALSE;
  s->data = F;
  s->ops->setfromoptions = FenBilevelSetFromOptions_Fixed;
  s->ops->initialize = FenBilevelInitialize_Fixed;
  s->ops->resume = FenBilevelResume_Private;
  s->ops->iterate = FenBilevelIterate_Fixed;
  s->ops->state = FenBilevelState_Fixed;
  s->ops->view = FenBilevelView_Fixed;
  s->ops->destroy = FenBilevelFreeData_Private;
  PetscFunctionReturn(0);
}
