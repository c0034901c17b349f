/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The global correction of domain decomposition. Cells hand mass on by one cell a half sweep, so that the last errors
   are on long waves and fall slowly. From the glued potential, which is close to the solution, Newton's method on the
   dual D(g) = <a,T(g)> + <b,g> needs a few steps: gradient b - c with c = E^T a, and S d = eps c log(b/c) by conjugate
   gradients (impls/newtonsystem.c). A step that does not raise the dual is cut; if that does not help, a Sinkhorn step
   g + eps log(b/c) is taken; a Levenberg shift grows with the cuts. As in impls/newton.c, Sinkhorn steps put right what
   a step got wrong locally.

   Where marginals are penalised, b is what g wants; see impls/newton.c.

   Every step makes its preconditioner anew and keeps nothing, so that a state needs g only.
   Passes: two, two or six for a CG iteration, one for a trial. Reference: Brauer, Clason, Lorenz, Wirth,
   arXiv:1710.06635.
*/
#include "global.h"
#include <math.h>

#define SMOOTH      0.1  /* Sinkhorn steps before and after a step until |log(b/c)| is below this everywhere, */
#define SMOOTH_MOST 20   /* at most so many */
#define LOST_DIGITS 20.0 /* log(b/c) from which on c is not accurate any more */
#define STEP_LIMIT  1e4  /* entries of a step, in units of eps */

PetscErrorCode FenGlobalCreate(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(G, sizeof(*G)));
  G->system.precondition = FEN_PRECONDITION_AUTO;
  PetscCall(PetscCalloc4(ot->m, &G->c, ot->m, &G->d, ot->m, &G->trial, ot->m, &G->best));
  PetscCall(FenNewtonSystemCreate(ot, &G->system));
  G->system.c = G->c;
  G->best_dual = -HUGE_VAL;
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalDestroy(FenGlobal *G)
{
  PetscFunctionBegin;
  if (!G->system.ksp)
    PetscFunctionReturn(0);
  PetscCall(FenNewtonSystemDestroy(&G->system));
  PetscCall(PetscFree4(G->c, G->d, G->trial, G->best));
  PetscFunctionReturn(0);
}

/* columns of the present plan (one pass) */
static PetscErrorCode Columns(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(FenOTMultTranspose(ot->op, FenOTRows_Private(ot), G->c));
  PetscCall(FenNewtonErrors(ot, G->c, G->mass, &G->error, &G->log_error));
  PetscFunctionReturn(0);
}

/* g <- T(f) where there are targets: from c where that has digits */
static PetscErrorCode SinkhornStep(FenOT ot, FenGlobal *G)
{
  const PetscBool lost = (PetscBool)(G->log_error > LOST_DIGITS);

  PetscFunctionBegin;
  if (lost)
    PetscCall(FenNewtonDual(ot, ot->g, &G->dual, &G->mass)); /* f may be of a trial */
  PetscCall(FenNewtonSinkhorn(ot, G->c, G->mass, lost, PETSC_FALSE));
  PetscCall(FenGlobalResume(ot, G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalResume(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(FenNewtonDual(ot, ot->g, &G->dual, &G->mass));
  PetscCall(Columns(ot, G));
  PetscFunctionReturn(0);
}

/* what is wrong locally, where the plan depends on the potential as an exponential; see impls/newton.c */
static PetscErrorCode Smoothen(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  for (int k = 0; k < SMOOTH_MOST && G->log_error > SMOOTH; k++)
    PetscCall(SinkhornStep(ot, G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalStart(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  G->shift = 0;
  G->failed = 0;
  PetscCall(FenGlobalResume(ot, G));
  if (G->best_dual > G->dual) {
    PetscCall(PetscArraycpy(ot->g, G->best, ot->m));
    PetscCall(FenGlobalResume(ot, G));
  }
  PetscCall(Smoothen(ot, G));
  PetscFunctionReturn(0);
}

/* *slope = <b - c, d>; 0: no direction */
static PetscErrorCode Direction(FenOT ot, FenGlobal *G, double *slope)
{
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemMove(&G->system));
  PetscCall(FenNewtonSystemSetColumns(&G->system, G->c, G->mass));
  G->system.shift = G->shift;
  PetscCall(FenNewtonSystemBuild(&G->system, FenOTSoft_Private(ot), ot->g));
  FenNewtonRightSide(&G->system, G->c, ot->wm);
  PetscCall(FenNewtonSystemSolve(&G->system, ot->wm, PetscMin(0.1, PetscMax(G->error, 1e-6)), G->d, &failed));
  *slope = 0;
  if (failed)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < ot->m; j++)
    G->d[j] = PetscMax(-STEP_LIMIT * ot->eps, PetscMin(STEP_LIMIT * ot->eps, G->d[j]));
  PetscCall(FenNewtonSlope(ot, G->c, G->d, slope));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalStep(FenOT ot, FenGlobal *G)
{
  double slope, dual, mass;

  PetscFunctionBegin;
  PetscCall(Direction(ot, G, &slope));
  for (int cuts = 0; slope > 0 && cuts < 4; cuts++) {
    const double step = ldexp(1, -cuts);

    for (FenInt j = 0; j < ot->m; j++)
      G->trial[j] = ot->g[j] + step * G->d[j];
    PetscCall(FenNewtonDual(ot, G->trial, &dual, &mass));
    if (dual >= G->dual + 1e-4 * step * slope - 1e-14 * fabs(G->dual)) {
      PetscCall(PetscArraycpy(ot->g, G->trial, ot->m));
      G->dual = dual;
      G->mass = mass;
      G->shift = step < 0.5 ? PetscMax(4 * G->shift, 0.03) : step < 1 ? G->shift : G->shift < 1e-3 ? 0 : G->shift / 4;
      G->failed = 0;
      PetscCall(Columns(ot, G));
      PetscCall(Smoothen(ot, G));
      PetscFunctionReturn(0);
    }
  }
  G->failed++;
  G->shift = PetscMax(4 * G->shift, 0.03);
  PetscCall(SinkhornStep(ot, G));
  PetscCall(Smoothen(ot, G));
  PetscFunctionReturn(0);
}
