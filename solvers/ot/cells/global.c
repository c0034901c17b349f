/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The global correction of domain decomposition. Cells hand mass on by one cell a half sweep, so that the last errors
   are on long waves and fall slowly. From the glued potential, which is close to the solution, Newton's method on the
   dual needs a few steps: those of impls/newtonstep.c.

   Every step makes its preconditioner anew and keeps nothing, so that a state needs g and the shift only.
*/
#include "global.h"
#include <math.h>

PetscErrorCode FenGlobalCreate(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(G, sizeof(*G)));
  G->newton.system.precondition = FEN_PRECONDITION_AUTO;
  PetscCall(PetscCalloc1(ot->m, &G->best));
  PetscCall(FenNewtonStepCreate(ot, &G->newton));
  G->best_dual = -HUGE_VAL;
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalDestroy(FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(FenNewtonStepDestroy(&G->newton));
  PetscCall(PetscFree(G->best));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalResume(FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(FenNewtonStepEvaluate(&G->newton));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalStart(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  FenNewtonStepForget(&G->newton);
  G->failed = 0;
  PetscCall(FenNewtonStepEvaluate(&G->newton));
  if (G->best_dual > G->newton.dual) {
    PetscCall(PetscArraycpy(ot->g, G->best, ot->m));
    PetscCall(FenNewtonStepEvaluate(&G->newton));
  }
  PetscCall(FenNewtonStepSmoothen(&G->newton, 0, FEN_NEWTON_SMOOTH));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalStep(FenGlobal *G)
{
  FenNewtonStep *S = &G->newton;
  const double   rtol = PetscMin(0.1, PetscMax(S->error, 1e-6));
  double         step;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemMove(&S->system));
  S->built = S->diagonal_only = 0;
  PetscCall(FenNewtonStepTake(S, rtol, &step));
  G->failed = step > 0 ? 0 : G->failed + 1;
  PetscFunctionReturn(0);
}
