/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Where sources send to many targets, E^T diag(a) E in S = diag(c) - E^T diag(a) E is smooth: it blurs over a root of
   epsilon, and a grid whose pixels are not wider sees all of it. What that grid does not see S multiplies by c. So,
   with I^T the sums over blocks and S_c the Newton matrix of the same problem between blocks,

     S^-1 ~ diag(c)^-1 + I (S_c^-1 - diag(c_c)^-1) I^T ,

   exact if E^T diag(a) E were constant on blocks: I^T diag(c) I = diag(c_c). S_c^-1 is another CG iteration, whose
   preconditioner is a V-cycle or a factorisation, to so many digits that the outer one does not see that they are few.

   The coarse plan is that of the blocks' mean potentials after two Sinkhorn steps. A plan that is narrower than the
   grid is no plan to it, and its system takes any number of iterations: then another preconditioner is taken.

   Work: of the coarse grid, b^-d of that of a product on the present one for blocks of b^d points. Memory: a solver
   between the coarse measures. Messages: those of its products; sums over blocks and back, one redistribution a level
   each.
*/
#include "newtoncoarse.h"
#include "newtonstep.h"

#define RTOL 1e-3 /* of the coarse solves */

struct _p_FenNewtonCoarse {
  FenOT         ot, inner;
  PetscInt      fine, level;   /* of ot */
  FenNewtonStep step;          /* of inner */
  double       *sum, *rhs, *y; /* on the coarse grid */
  double       *points;        /* of each block */
  double       *back;          /* on the fine one */
};

PetscErrorCode FenNewtonCoarseFits(FenOT ot, PetscBool *fits)
{
  PetscFunctionBegin;
  *fits = (PetscBool)(ot->op->separable && !ot->relaxed && !FenOTOnSupport_Private(ot) &&
                      FenOTLevelFor_Private(ot, ot->op->eps) > ot->at);
  PetscFunctionReturn(0);
}

PetscBool FenNewtonCoarseServes(FenNewtonCoarse C)
{
  return (PetscBool)(C->fine == C->ot->at && C->level == FenOTLevelFor_Private(C->ot, C->ot->op->eps));
}

PetscErrorCode FenNewtonCoarseCreate(FenOT ot, FenNewtonCoarse *coarse)
{
  FenNewtonCoarse   C;
  const FenOTLevel *L;

  PetscFunctionBegin;
  PetscCall(PetscNew(&C));
  C->ot = ot;
  C->fine = ot->at;
  C->level = FenOTLevelFor_Private(ot, ot->op->eps);
  L = &ot->level[C->level];
  PetscCall(FenOTCreateInner_Private(ot, L->measure, ot->op->eps, FENOTNEWTON, &C->inner));
  C->inner->levels_most = 0;
  PetscCall(FenSolverSetUp((FenSolver)C->inner));
  PetscCall(FenNewtonStepCreate(C->inner, &C->step));
  PetscCall(FenNewtonSystemMove(&C->step.system));
  PetscCall(PetscMalloc4(L->n[1], &C->sum, L->n[1], &C->rhs, L->n[1], &C->y, L->n[1], &C->points));
  PetscCall(PetscMalloc1(ot->m, &C->back));
  for (FenInt j = 0; j < ot->m; j++)
    C->back[j] = 1;
  PetscCall(FenOTCarry_Private(ot, C->fine, C->level, FenMeasureSumBlocks, C->back, C->points));
  *coarse = C;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonCoarseDestroy(FenNewtonCoarse *coarse)
{
  FenNewtonCoarse C = *coarse;

  PetscFunctionBegin;
  if (!C)
    PetscFunctionReturn(0);
  PetscCall(FenNewtonStepDestroy(&C->step));
  PetscCall(FenOTDestroy(&C->inner));
  PetscCall(PetscFree4(C->sum, C->rhs, C->y, C->points));
  PetscCall(PetscFree(C->back));
  PetscCall(PetscFree(C));
  *coarse = NULL;
  PetscFunctionReturn(0);
}

/* work of the coarse solver counts by its share of the points */
static void Count(FenNewtonCoarse C)
{
  const FenOTLevel *L = C->ot->level;

  C->ot->op->passes += C->inner->op->passes * L[C->level].share;
  C->inner->op->passes = 0;
}

PetscErrorCode FenNewtonCoarseBuild(FenNewtonCoarse C, const double g[], double shift)
{
  FenOT          inner = C->inner;
  FenNewtonStep *S = &C->step;

  PetscFunctionBegin;
  PetscCall(FenOTCarry_Private(C->ot, C->fine, C->level, FenMeasureSumBlocks, g, inner->g));
  for (FenInt j = 0; j < inner->m; j++)
    inner->g[j] /= C->points[j];
  FenNewtonStepForget(S);
  S->system.shift = shift;
  S->system.seen = (FenNewtonSeen){.most = FEN_MOST_CYCLES};
  PetscCall(FenOTOperatorSetEpsilon(inner->op, C->ot->op->eps));
  PetscCall(FenNewtonStepEvaluate(S));
  PetscCall(FenNewtonStepSmoothen(S, 2, HUGE_VAL));
  PetscCall(FenNewtonSystemSetColumns(&S->system, S->c, S->system.mass));
  PetscCall(FenNewtonStepBuild(S));
  Count(C);
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonCoarseApply(FenNewtonCoarse C, const double c[], const double r[], double z[],
                                    PetscBool *solved)
{
  const double  all = 1 + C->step.system.shift;
  const double *cc = C->step.c;
  PetscBool     failed;

  PetscFunctionBegin;
  PetscCall(FenOTCarry_Private(C->ot, C->fine, C->level, FenMeasureSumBlocks, r, C->sum));
  PetscCall(PetscArraycpy(C->rhs, C->sum, C->inner->m));
  PetscCall(FenNewtonSystemSolve(&C->step.system, C->rhs, RTOL, C->y, &failed));
  *solved = (PetscBool)(C->step.system.seen.its < C->step.system.seen.most);
  for (FenInt j = 0; j < C->inner->m; j++)
    C->y[j] = failed || !(cc[j] > 0) ? 0 : C->y[j] - C->sum[j] / (all * cc[j]);
  PetscCall(FenOTCarry_Private(C->ot, C->level, C->fine, FenMeasureSpreadBlocks, C->y, C->back));
  for (FenInt j = 0; j < C->ot->m; j++)
    z[j] = (c[j] > 0 ? r[j] / (all * c[j]) : 0) + C->back[j];
  Count(C);
  PetscFunctionReturn(0);
}
