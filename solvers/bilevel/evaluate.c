/* SPDX-License-Identifier: BSD-2-Clause */
/* Values at given hyperparameters, and what is known of samples and parameters. */
#include "bilevelimpl.h"
#include <math.h>

/*@
  FenBilevelEvaluate - Solves the lower problems at the first hyperparameters, without learning.

  Collective

  Input Parameters:
+ bilevel - with its problem and, by `FenBilevelSetStart()`, the hyperparameters
- eps     - accuracy of lower solutions, |x - argmin h| <= eps

  Notes:
  `FenBilevelGetLower()`, `FenBilevelGetSample()`, the values in `FenBilevelGetBounds()` and `FenBilevelGetWork()` are
  those of this theta then; there is no hypergradient. An accuracy below what rounding allows is no error.

  Level: intermediate

.seealso: `FenBilevelSolve()`, `FenBilevelSetStart()`
@*/
PetscErrorCode FenBilevelEvaluate(FenBilevel b, double eps)
{
  FenPoint         *p;
  FenBilevelBounds *o = &b->bounds;

  PetscFunctionBegin;
  PetscCheck(eps > 0, PetscObjectComm((PetscObject)b), (PetscErrorCode)FEN_ERR_USAGE,
             "FenBilevelEvaluate() to accuracy %g; rule: positive", eps);
  PetscCall(FenSolverSetUp((FenSolver)b));
  b->final = NULL;
  PetscCall(FenBilevelBegin_Private(b));
  p = b->cur;
  PetscCall(FenPointLower_Private(b, p, eps, PETSC_FALSE));
  *o = (FenBilevelBounds){.objective = p->f, .lower = p->lower, .upper = p->upper, .lower_accuracy = p->eps};
  o->hypergradient_error = o->hypergradient_goal = o->adjoint_accuracy = HUGE_VAL;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetSample - What is known of a sample at the answer.

  Not Collective

  Input Parameters:
+ bilevel - after a solve or `FenBilevelEvaluate()`
- k       - number of the sample among those of my team

  Output Parameter:
. sample - value, bounds, accuracies; those of the adjoint mean nothing after `FenBilevelEvaluate()`

  Level: intermediate

.seealso: `FenBilevelGetBounds()`
@*/
PetscErrorCode FenBilevelGetSample(FenBilevel b, FenInt k, FenBilevelSample *sample)
{
  const FenPoint *p = b->final ? b->final : b->cur;
  const double   *S;

  PetscFunctionBegin;
  PetscCheck(p && k >= 0 && k < b->nb, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_USAGE,
             "sample %" FENINT_FMT " of %" FENINT_FMT, k, b->nb);
  S = p->s[k];
  *sample = (FenBilevelSample){.value = S[FEN_SAMPLE_VALUE],
                               .lower = S[FEN_SAMPLE_LO],
                               .upper = S[FEN_SAMPLE_UP],
                               .lower_accuracy = S[FEN_SAMPLE_EPS],
                               .adjoint_residual = S[FEN_SAMPLE_DELTA],
                               .hypergradient_error = S[FEN_SAMPLE_OMEGA]};
  PetscFunctionReturn(0);
}

/*@
  FenBilevelGetParameters - What the objective and the path to its minimum depend on beside the problem.

  Not Collective

  Level: intermediate

.seealso: `FenBilevelSetFromOptions()`
@*/
PetscErrorCode FenBilevelGetParameters(FenBilevel b, FenBilevelParameters *p)
{
  FenBilevelSizes size;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(b->problem, &size));
  *p = (FenBilevelParameters){.upper = b->upper >= 0 ? (FenBilevelUpper)b->upper : size.upper,
                              .temperature = b->temperature,
                              .pull = b->pull,
                              .box = {b->box[0], b->box[1]},
                              .eps = b->eps0,
                              .delta = b->delta0,
                              .correct = b->correct,
                              .error = FenBilevelErrors[b->error],
                              .lower = b->lower_name,
                              .lower_max_it = b->lower_max_it,
                              .adjoint_max_it = b->adjoint_max_it,
                              .lower_check = b->lower_par.check,
                              .lower_memory = b->lower_par.memory};
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelGetStart - Where the search began, inside its box: my part.

  Not Collective

  Level: intermediate

.seealso: `FenBilevelSetStart()`
@*/
PetscErrorCode FenBilevelGetStart(FenBilevel b, const double *theta[])
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetUp((FenSolver)b));
  *theta = b->theta0 + b->t0;
  PetscFunctionReturn(0);
}
