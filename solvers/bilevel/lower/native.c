/* SPDX-License-Identifier: BSD-2-Clause */
/*
   native: the problem's own method (a closed form, coordinate descent), and one gradient that says what it achieved.
*/
#include "lower.h"

static const char *Refuse(const FenBilevelOps *call)
{
  return call->native ? NULL : "the problem has no method of its own";
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  FenLowerPoint at;
  FenInt        count = 0;

  (void)resume, (void)w;
  PetscFunctionBegin;
  if (max_it > 1)
    PetscCall((*L->call->native)(L->problem, s, tol, max_it - 1, x, &count));
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
  answer->iterations = count + 1;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

const FenLowerType FenLowerType_native = {.name = "native", .refuse = Refuse, .solve = Solve};
