/* SPDX-License-Identifier: BSD-2-Clause */
/*
   gd: x+ = x - 2/(L+mu) grad h(x), or a proximal step of length 1/L where h has an l1 norm.

   |x+ - x*| <= (L-mu)/(L+mu) |x - x*|; Nesterov, Introductory Lectures on Convex Optimization, 2004, theorem 2.1.15.
   One gradient an iteration; memory: one array; one message in the team an iteration. With an l1 norm the test needs a
   gradient more, hence only each -bilevel_lower_check iterations.
*/
#include "lower.h"
#include <math.h>

/* x moves one step along L->gt, the gradient of the smooth part, or L->g where all is smooth */
static PetscErrorCode Step(FenLower L, FenInt s, double mu, double lipschitz, double x[], FenInt *count)
{
  const double  step = L->call->prox ? 1 / lipschitz : 2 / (lipschitz + mu);
  const double *g = L->g;
  double        value;

  PetscFunctionBegin;
  if (L->call->prox) {
    PetscCall((*L->call->smoothgradient)(L->problem, s, x, &value, L->gt));
    (*count)++;
    g = L->gt;
  }
  for (FenInt i = 0; i < L->part.nx; i++)
    x[i] -= step * g[i];
  if (L->call->prox)
    PetscCall((*L->call->prox)(L->problem, s, step, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  const FenInt  between = L->call->prox ? L->par.check : 1;
  double        mu, lipschitz;
  FenLowerFloor floor;
  FenLowerPoint at;
  FenInt        count = 0;

  (void)resume, (void)w;
  PetscFunctionBegin;
  PetscCall(FenLowerConstants(L, s, &mu, &lipschitz));
  /* (1 - 2/(kappa+1))^k kappa <= 1/4 after so many, from any point; half takes half as many as `soon` */
  FenLowerFloorStart(&floor, (lipschitz / mu + 1) * log(4 * lipschitz / mu) / 2 + 20, (lipschitz / mu + 1) * 0.7 + 20);
  for (;;) {
    PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
    count++;
    if (at.norm <= tol || count + (L->call->prox ? 2 : 1) > max_it)
      break;
    if (FenLowerFloorReached(&floor, count, at.norm, 16 * PETSC_MACHINE_EPSILON * lipschitz * at.size))
      break;
    for (FenInt k = 0; k < between && count + (L->call->prox ? 2 : 1) <= max_it; k++)
      PetscCall(Step(L, s, mu, lipschitz, x, &count));
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_gd = {.name = "gd", .solve = Solve};
