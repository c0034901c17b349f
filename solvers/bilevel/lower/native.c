/* SPDX-License-Identifier: BSD-2-Clause */
/*
   native: the problem's own method (a closed form, coordinate descent), and one gradient that says what it achieved.
*/
#include "lower.h"

static const char *Refuse(const FenBilevelOps *call)
{
  return call->native ? NULL : "the problem has no method of its own";
}

static PetscErrorCode Solve(FenLower L, FenInt n, PetscBool resume, FenLowerTask task[])
{
  FenLowerWay   ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];

  (void)resume;
  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, n, task, ways, on));
  for (FenInt k = 0; k < n; k++)
    if (task[k].max_it > 1)
      PetscCall((*L->call->native)(L->problem, task[k].s, task[k].tol, task[k].max_it - 1, task[k].x, &ways[k].count));
  PetscCall(FenLowerEvaluateAll(L, n, on, PETSC_FALSE, at));
  for (FenInt k = 0; k < n; k++)
    ways[k].at = at[k];
  PetscCall(FenLowerArrive(L, n, ways));
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_native = {.name = "native", .refuse = Refuse, .solve = Solve};
