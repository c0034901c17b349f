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

/* a step, kept if it makes the gradient smaller; there is another one if it more than halves it */
static PetscErrorCode Take(FenLower L, FenLowerWay *w, const FenLowerPoint *next, PetscBool *again)
{
  const double before = w->at.norm;
  double      *swap;

  PetscFunctionBegin;
  w->count++; /* of the solve */
  *again = PETSC_FALSE;
  if (!(next->norm < before))
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(w->t->x, w->xt, L->part.nx));
  swap = w->g, w->g = w->gt, w->gt = swap;
  w->at = *next;
  *again = (PetscBool)(next->norm <= before / 2);
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt all, PetscBool resume, FenLowerTask task[])
{
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];
  FenInt        n = all;

  (void)resume;
  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  PetscCall(FenLowerEvaluateAll(L, all, on, PETSC_FALSE, at));
  for (FenInt k = 0; k < all; k++)
    ways[k].at = at[k];
  while (n) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (on[k]->found && on[k]->at.norm > on[k]->t->tol && on[k]->count + 2 <= on[k]->t->max_it)
        on[m++] = on[k];
    n = m;
    PetscCall(FenLowerLinearise(L, n, on, PETSC_FALSE));
    for (FenInt k = 0; k < n; k++) {
      FenLowerWay *w = on[k];

      PetscCall(FenBatchAt(L->problem, w->t->s));
      PetscCall((*L->call->solve)(L->problem, w->g, w->d));
      for (FenInt i = 0; i < L->part.nx; i++)
        w->xt[i] = w->t->x[i] - w->d[i];
    }
    PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_TRUE, at));
    for (FenInt k = 0; k < n; k++)
      PetscCall(Take(L, on[k], &at[k], &on[k]->found));
  }
  PetscCall(FenLowerArrive(L, all, ways));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_direct = {.name = "direct", .refuse = Refuse, .solve = Solve};
