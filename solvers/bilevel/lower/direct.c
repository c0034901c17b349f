/* SPDX-License-Identifier: BSD-2-Clause */
/*
   direct: quadratic h, for which the problem solves H q = b itself: x+ = x - H^{-1} grad h(x), again while rounding
   errors leave something to gain (iterative refinement: the gradient is the residual).

   One gradient and one solve an iteration, usually one iteration; memory: none of its own; one message an iteration.
*/
#include "lower.h"

static const char *Refuse(const FenBilevelOps *call)
{
  return !call->solve || call->prox ? "the problem has no solve of its own" : NULL;
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  FenLowerPoint at, next;
  FenInt        count = 1;
  double       *swap;

  (void)resume, (void)w;
  PetscFunctionBegin;
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
  while (at.norm > tol && count + 2 <= max_it) {
    PetscCall((*L->call->linearise)(L->problem, s, x));
    PetscCall((*L->call->solve)(L->problem, L->g, L->d));
    for (FenInt i = 0; i < L->part.nx; i++)
      L->xt[i] = x[i] - L->d[i];
    PetscCall(FenLowerEvaluate(L, s, L->xt, NULL, L->gt, &next));
    count += 2;
    if (!(next.norm < at.norm))
      break;
    PetscCall(PetscArraycpy(x, L->xt, L->part.nx));
    swap = L->g, L->g = L->gt, L->gt = swap;
    if (next.norm > at.norm / 2 && next.norm > tol) {
      at = next;
      break;
    }
    at = next;
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_direct = {.name = "direct", .refuse = Refuse, .solve = Solve};
