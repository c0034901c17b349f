/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The global correction of domain decomposition. Cells hand mass on by one cell a half sweep, so that the last errors
   are on long waves and fall slowly. From the glued potential, which is close to the solution, Newton's method on the
   dual D(g) = <a,T(g)> + <b,g> needs a few steps: gradient b - c with c = E^T a, and S d = eps c log(b/c) by conjugate
   gradients (impls/newtonsystem.c). A step that does not raise the dual is cut; if that does not help, a Sinkhorn step
   g + eps log(b/c) is taken; a Levenberg shift grows with the cuts. As in impls/newton.c, Sinkhorn steps put right what
   a step got wrong locally.

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
  FenDD  sum = {0, 0};
  double most = 0;

  PetscFunctionBegin;
  PetscCall(FenOTMultTranspose(ot->op, ot->a, G->c));
  for (FenInt j = 0; j < ot->m; j++) {
    FenDDAdd(&sum, fabs(G->c[j] - ot->b[j]));
    if (ot->b[j] > 0)
      most = PetscMax(most, fabs(log(ot->b[j] / PetscMax(G->c[j], 1e-300))));
  }
  PetscCall(FenSolverReduce_Private((FenSolver)ot, 1, &sum, &G->error));
  PetscCallMPI(MPI_Allreduce(&most, &G->log_error, 1, MPI_DOUBLE, MPI_MAX, ot->op->comm));
  PetscFunctionReturn(0);
}

/* g <- T(f) where there are targets: from c where that has digits */
static PetscErrorCode SinkhornStep(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  if (G->log_error > LOST_DIGITS) {
    PetscCall(FenNewtonDual(ot, ot->g, &G->dual, &G->system.mass)); /* f may be of a trial */
    PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, ot->wm));
    for (FenInt j = 0; j < ot->m; j++)
      if (ot->b[j] > 0)
        ot->g[j] += ot->wm[j] - ot->g[j]; /* a NaN stays, and is found */
  } else
    for (FenInt j = 0; j < ot->m; j++)
      if (ot->b[j] > 0)
        ot->g[j] += ot->eps * log(ot->b[j] / G->c[j]);
  PetscCall(FenGlobalResume(ot, G));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalResume(FenOT ot, FenGlobal *G)
{
  PetscFunctionBegin;
  PetscCall(FenNewtonDual(ot, ot->g, &G->dual, &G->system.mass));
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
  FenDD     sum = {0, 0};
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemMove(&G->system));
  G->system.c = G->c;
  G->system.shift = G->shift;
  PetscCall(FenNewtonSystemBuild(&G->system, ot->f, ot->g));
  for (FenInt j = 0; j < ot->m; j++)
    ot->wm[j] = ot->b[j] > 0 && G->c[j] > 0 ? ot->eps * G->c[j] * log(ot->b[j] / G->c[j]) : 0;
  PetscCall(FenNewtonSystemSolve(&G->system, ot->wm, PetscMin(0.1, PetscMax(G->error, 1e-6)), G->d, &failed));
  *slope = 0;
  if (failed)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < ot->m; j++) {
    G->d[j] = PetscMax(-STEP_LIMIT * ot->eps, PetscMin(STEP_LIMIT * ot->eps, G->d[j]));
    FenDDAddProduct(&sum, ot->b[j] - G->c[j], G->d[j]);
  }
  PetscCall(FenSolverReduce_Private((FenSolver)ot, 1, &sum, slope));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGlobalStep(FenOT ot, FenGlobal *G)
{
  double slope, dual;

  PetscFunctionBegin;
  PetscCall(Direction(ot, G, &slope));
  for (int cuts = 0; slope > 0 && cuts < 4; cuts++) {
    const double step = ldexp(1, -cuts);

    for (FenInt j = 0; j < ot->m; j++)
      G->trial[j] = ot->g[j] + step * G->d[j];
    PetscCall(FenNewtonDual(ot, G->trial, &dual, NULL));
    if (dual >= G->dual + 1e-4 * step * slope - 1e-14 * fabs(G->dual)) {
      PetscCall(PetscArraycpy(ot->g, G->trial, ot->m));
      G->dual = dual;
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
