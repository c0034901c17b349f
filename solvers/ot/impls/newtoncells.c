/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Between rough densities on a line, parts of the plan hang together by next to nothing. A Newton step moves them
   against each other by a few epsilon, where hundreds may be missing, and most steps are cut. Cells do not mind: each
   is solved by itself, and constants between them come out of the gluing. So once enough steps have been cut, the
   problem is solved by cells (FENOTDOMDEC, from their own coarse grids on), one of their iterations for one of the
   solver's; from what they end with Newton steps on the whole problem go on. If they do not get near it either,
   Newton's method goes on from where it was.

   On other grids steps that are cut for larger epsilons tell little, and cells are asked when some are for the last
   one. With epsilon far below a squared pixel they are slower on all pairs, and are not asked (docs/ot.md).

   No part of a state but the number of their iterations: after a restart cells do them again, and have the same
   numbers.

   Cost, memory and messages: those of FENOTDOMDEC; on a line of a few thousand points a tenth of a second.
*/
#include "newtoncells.h"

#define MOST_POINTS 1e7  /* of a line that is left to cells: their coarsest grid begins with the product plan */
#define MOST_PIXELS 5e5  /* of other grids: cells take 1.7 kB a pixel */
#define LEAST_EPS   0.2  /* epsilon there, in squared pixels, the narrowest axis of them */
#define ENOUGH_IT   150  /* iterations of cells after which a solution that is not yet as good as asked for will do: */
#define NEAR        1e-3 /* the error of their Newton steps on the whole problem is below this; */
#define NEAREST     1e-6 /* or below this, at any time: the solver's own steps do the rest */
#define MOST_IT     250  /* iterations after which there is none */

PetscErrorCode FenNewtonCellsFit(FenOT ot, FenCellsFit *fit)
{
  FenCostKind cost;
  PetscBool   grids, separable;
  PetscInt    dim;
  FenInt      N[2], local;
  double      most, width[2];

  PetscFunctionBegin;
  *fit = FEN_CELLS_UNFIT;
  PetscCall(FenOTOnGrids_Private(ot, &grids));
  if (!grids || ot->relaxed)
    PetscFunctionReturn(0);
  PetscCall(FenCostGetKind(ot->cost, &cost));
  PetscCall(FenCostIsSeparable(ot->cost, &separable));
  PetscCall(FenMeasureGetDim(ot->source, &dim));
  PetscCall(FenMeasureGetSize(ot->source, &N[0], &local));
  PetscCall(FenMeasureGetSize(ot->target, &N[1], &local));
  most = (double)PetscMax(N[0], N[1]);
  PetscCall(FenOTNarrowest_Private(ot->source, &width[0]));
  PetscCall(FenOTNarrowest_Private(ot->target, &width[1]));
  if (dim == 1 && most <= MOST_POINTS && (separable || cost == FEN_COST_EUCLIDEAN))
    *fit = FEN_CELLS_FIT_LINE;
  else if (dim > 1 && most <= MOST_PIXELS && cost == FEN_COST_SQEUCLIDEAN &&
           ot->eps >= LEAST_EPS * PetscSqr(PetscMin(width[0], width[1])))
    *fit = FEN_CELLS_FIT_GRID;
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateOnly(FenOT ot, FenOT *inner)
{
  FenMeasure const measure[2] = {ot->source, ot->target};

  PetscFunctionBegin;
  PetscCall(FenOTCreateInner_Private(ot, measure, ot->eps, FENOTDOMDEC, inner));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonCellsMemory(FenOT ot, double *bytes)
{
  FenCellsFit fit;
  FenOT       inner;
  double      more;

  PetscFunctionBegin;
  *bytes = 0;
  PetscCall(FenNewtonCellsFit(ot, &fit));
  if (fit == FEN_CELLS_UNFIT)
    PetscFunctionReturn(0);
  PetscCall(CreateOnly(ot, &inner));
  PetscCall(FenOTMemory_Private(inner, bytes, &more));
  PetscCall(FenOTDestroy(&inner));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(FenOT ot, FenOT *inner)
{
  FenSolver s;

  PetscFunctionBegin;
  PetscCall(CreateOnly(ot, inner));
  s = (FenSolver)*inner;
  PetscCall(FenSolverSetTolerances(s, ot->base.gap_rel, ot->base.residual, MOST_IT));
  PetscCall(FenSolverSetUp(s));
  PetscCall(FenSolverBegin_Private(s));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonCellsResume(FenOT ot, FenInt iterations, FenOT *inner)
{
  FenSolver s;

  PetscFunctionBegin;
  PetscCall(FenOTDestroy(inner));
  PetscCall(Create(ot, inner));
  s = (FenSolver)*inner;
  while (s->reason == FEN_ITERATING && s->progress.iteration < iterations)
    PetscCall(FenSolverIterate_Private(s));
  PetscFunctionReturn(0);
}

/* in the middle of Newton steps, g is theirs */
static PetscBool WillDo(FenSolver s)
{
  return (PetscBool)(s->reason == FEN_ITERATING && !s->intermediate &&
                     s->progress.residual <= (s->progress.iteration >= ENOUGH_IT ? NEAR : NEAREST));
}

PetscErrorCode FenNewtonCellsStep(FenOT ot, FenOT *inner, double g[], FenCellsOutcome *outcome)
{
  FenProgress *p = &ot->base.progress;
  FenSolver    s;
  double       passes;

  PetscFunctionBegin;
  if (!*inner)
    PetscCall(Create(ot, inner));
  s = (FenSolver)*inner;
  passes = (*inner)->op->passes;
  if (s->reason == FEN_ITERATING)
    PetscCall(FenSolverIterate_Private(s));
  ot->op->passes += (*inner)->op->passes - passes;
  p->parameter = s->progress.parameter;
  *outcome = FEN_CELLS_GO_ON;
  if (s->reason == FEN_CONVERGED_GAP || s->reason == FEN_CONVERGED_RESIDUAL || WillDo(s)) {
    *outcome = FEN_CELLS_SOLVED;
    PetscCall(PetscArraycpy(g, (*inner)->g, (*inner)->m));
  } else if (s->reason != FEN_ITERATING)
    *outcome = FEN_CELLS_GAVE_UP;
  else {
    p->residual = s->progress.residual;
    p->value = s->progress.value;
  }
  if (*outcome != FEN_CELLS_GO_ON)
    PetscCall(PetscInfo(ot, "cells: %s after %" FENINT_FMT " iterations\n",
                        *outcome == FEN_CELLS_SOLVED ? "solved" : "given up", s->progress.iteration));
  PetscFunctionReturn(0);
}
