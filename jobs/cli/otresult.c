/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a transport run writes into its result file: the problem, the potentials and the bounds, enough to verify and to
   draw the result from the file alone.
*/
#include "cliimpl.h"
#include <math.h>

#define STORE_COST_LIMIT 64e6 /* bytes */

static PetscErrorCode WriteGrid(FenFile file, const char group[], FenMeasure measure, PetscInt dim)
{
  FenInt shape[FEN_MAX_DIM], length = dim;
  double spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];
  char   path[64];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetGrid(measure, shape, spacing, origin));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/shape", group));
  PetscCall(FenFileWriteInts(file, path, length, shape));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/spacing", group));
  PetscCall(FenFileWriteReals(file, path, 1, &length, spacing));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/origin", group));
  PetscCall(FenFileWriteReals(file, path, 1, &length, origin));
  PetscFunctionReturn(0);
}

static PetscErrorCode WritePoints(FenFile file, const char group[], FenMeasure measure, FenLayout layout, PetscInt dim)
{
  const double *points;
  FenInt        image[2];
  char          path[64];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetPoints(measure, &points));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/points", group));
  PetscCall(FenResultWriteArray_Private(file, path, layout, dim, points));
  PetscCall(FenMeasureGetImageShape(measure, image));
  if (image[0] <= 0)
    PetscFunctionReturn(0);
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/image_shape", group));
  PetscCall(FenFileWriteInts(file, path, 2, image));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteMeasure(FenFile file, const char group[], FenMeasure measure)
{
  FenMeasureKind kind;
  FenLayout      layout;
  PetscInt       dim;
  const double  *weights;
  char           path[64];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(measure, &kind));
  PetscCall(FenMeasureGetLayout(measure, &layout));
  PetscCall(FenMeasureGetDim(measure, &dim));
  PetscCall(FenMeasureGetWeights(measure, &weights));
  PetscCall(FenFileMakeGroup(file, group));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/weights", group));
  PetscCall(FenResultWriteArray_Private(file, path, layout, 0, weights));
  if (kind == FEN_MEASURE_GRID)
    PetscCall(WriteGrid(file, group, measure, dim));
  else
    PetscCall(WritePoints(file, group, measure, layout, dim));
  PetscFunctionReturn(0);
}

static PetscErrorCode WritePotentials(FenOTRun *run, FenFile file)
{
  const double *f, *g;
  FenLayout     source, target;

  PetscFunctionBegin;
  PetscCall(FenOTGetPotentials(run->ot, &f, &g));
  PetscCall(FenMeasureGetLayout(run->source, &source));
  PetscCall(FenMeasureGetLayout(run->target, &target));
  PetscCall(FenFileMakeGroup(file, "/potential"));
  PetscCall(FenResultWriteArray_Private(file, "/potential/f", source, 0, f));
  PetscCall(FenResultWriteArray_Private(file, "/potential/g", target, 0, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteBounds(FenOTRun *run, FenFile file)
{
  const FenOTBounds *b = &run->bounds;

  PetscFunctionBegin;
  PetscCall(FenResultWriteBounds_Private(file, (FenSolver)run->ot, b->lower, b->upper));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/ot_lower", b->ot_lower));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/ot_upper", b->ot_upper));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/cost", b->cost));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/marginal_error", b->marginal_error));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/slack", b->slack));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/mass", b->mass));
  PetscFunctionReturn(0);
}

/* an explicit cost is part of the problem: kept if it is small, named and fingerprinted in any case */
static PetscErrorCode WriteCost(FenOTRun *run, FenFile file)
{
  FenLayout     rows;
  FenInt        n, m;
  PetscInt      ncols;
  const double *byrow, *bycol;
  char          text[64];
  PetscBool     store = run->opt->store_cost;

  PetscFunctionBegin;
  if (run->opt->cost != FEN_COST_MATRIX)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetLayout(run->source, &rows));
  PetscCall(FenMeasureGetSize(run->source, &n, NULL));
  PetscCall(FenMeasureGetSize(run->target, &m, NULL));
  PetscCall(FenIntCast(m, &ncols));
  PetscCall(FenCostGetMatrix(run->cost, &byrow, &bycol));
  if (!run->opt->store_cost_set && 8. * (double)n * (double)m > STORE_COST_LIMIT)
    store = PETSC_FALSE;
  PetscCall(FenLayoutFingerprint_Private(rows, ncols, byrow, text, sizeof(text)));
  PetscCall(FenFileWriteStringAttribute(file, "/", "cost_file", run->opt->cost_matrix));
  PetscCall(FenFileWriteStringAttribute(file, "/", "cost_fingerprint", text));
  if (store)
    PetscCall(FenFileWriteArray(file, "/cost", rows, ncols, byrow));
  PetscFunctionReturn(0);
}

/* exact marginals are not mentioned */
static PetscErrorCode WriteMarginals(FenOTRun *run, FenFile file)
{
  static const char *const names[2][2] = {{"marginal_source", "rho_source"}, {"marginal_target", "rho_target"}};
  FenMarginalKind          kind[2];
  double                   rho[2];

  PetscFunctionBegin;
  PetscCall(FenOTGetMarginalPenalty(run->ot, kind, rho));
  for (int s = 0; s < 2; s++)
    if (kind[s] != FEN_MARGINAL_EQUALITY) {
      PetscCall(FenFileWriteStringAttribute(file, "/", names[s][0], FenMarginalKinds[kind[s]]));
      PetscCall(FenFileWriteRealAttribute(file, "/", names[s][1], rho[s]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteProblem(FenOTRun *run, FenFile file)
{
  double      eps;
  PetscInt    dim;
  FenCostKind cost;

  PetscFunctionBegin;
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(FenFileWriteStringAttribute(file, "/", "cost", FenCostKinds[cost]));
  if (cost == FEN_COST_POWER)
    PetscCall(FenFileWriteRealAttribute(file, "/", "cost_power", (double)run->opt->cost_power));
  PetscCall(FenFileWriteRealAttribute(file, "/", "eps", eps));
  PetscCall(FenFileWriteIntAttribute(file, "/", "dim", dim));
  PetscCall(WriteMarginals(run, file));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "source", run->opt->source.spec));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "target", run->opt->target.spec));
  PetscCall(WriteMeasure(file, "/source", run->source));
  PetscCall(WriteMeasure(file, "/target", run->target));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTWrite_Private(FenRun *base, FenFile file)
{
  FenOTRun *run = (FenOTRun *)base;

  PetscFunctionBegin;
  PetscCall(WriteProblem(run, file));
  PetscCall(WritePotentials(run, file));
  PetscCall(WriteBounds(run, file));
  PetscCall(WriteCost(run, file));
  PetscCall(FenOTWriteFields_Private(run, file));
  PetscCall(FenOTWritePlan_Private(run, file));
  PetscFunctionReturn(0);
}
