/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What the summary of a transport run has beside what all summaries have.
*/
#include "cliimpl.h"
#include <math.h>

PetscErrorCode FenOTSummarise_Private(FenRun *base, FenSummary *s)
{
  FenOTRun          *run = (FenOTRun *)base;
  const FenOTBounds *b = &run->bounds;
  FenInt             n, m;
  PetscInt           dim;
  double             eps, passes, pairs, setup, solve;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetSize(run->source, &n, NULL));
  PetscCall(FenMeasureGetSize(run->target, &m, NULL));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenOTGetWork(run->ot, &passes, &pairs));
  PetscCall(FenSolverGetTimes((FenSolver)run->ot, &setup, &solve));
  PetscCall(FenSummaryInt_Private(s, "n", n));
  PetscCall(FenSummaryInt_Private(s, "m", m));
  PetscCall(FenSummaryInt_Private(s, "dim", dim));
  PetscCall(FenSummaryReal_Private(s, "eps", eps));
  PetscCall(FenSummaryReal_Private(s, "cost", b->cost));
  PetscCall(FenSummaryReal_Private(s, "ot_lower", b->ot_lower));
  PetscCall(FenSummaryReal_Private(s, "ot_upper", b->ot_upper));
  PetscCall(FenSummaryReal_Private(s, "marginal_error", b->marginal_error));
  PetscCall(FenSummaryReal_Private(s, "mass", b->mass));
  PetscCall(FenSummaryReal_Private(s, "pairs_per_second", solve > 0 ? pairs / solve : NAN));
  PetscFunctionReturn(0);
}
