/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The result file: the problem, the potentials, the bounds and the history, enough to verify and to draw the result
   from the file alone. What differs between two equal runs (times, date, ranks) stands under /provenance only.
*/
#include "cliimpl.h"
#include <math.h>

#define STORE_COST_LIMIT 64e6 /* bytes */

/* content fingerprint of a distributed array, the same on any number of ranks */
PetscErrorCode FenLayoutFingerprint_Private(FenLayout layout, PetscInt ncomp, const double data[], char text[],
                                            size_t length)
{
  FenFingerprint print = {{0, 0}};
  FenInt         nruns, run;
  const FenInt  *start;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRuns(layout, &nruns, &run, &start));
  for (FenInt k = 0; k < nruns; k++)
    FenFingerprintDoubles(&print, start[k] * ncomp, run * ncomp, data + k * run * ncomp);
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)layout), &print));
  PetscCall(PetscSNPrintf(text, length, "%016" PRIx64 "%016" PRIx64, print.lane[0], print.lane[1]));
  PetscFunctionReturn(0);
}

/* ncomp = 0: one number an entry without an axis of its own */
static PetscErrorCode WriteArray(FenFile file, const char path[], FenLayout layout, PetscInt ncomp, const double data[])
{
  char text[64];

  PetscFunctionBegin;
  PetscCall(FenFileWriteArray(file, path, layout, ncomp, data));
  PetscCall(FenLayoutFingerprint_Private(layout, ncomp ? ncomp : 1, data, text, sizeof(text)));
  PetscCall(FenFileWriteStringAttribute(file, path, "fingerprint", text));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteNumber(FenFile file, const char path[], double value)
{
  const FenInt one = 1;

  PetscFunctionBegin;
  PetscCall(FenFileWriteReals(file, path, 1, &one, &value));
  PetscFunctionReturn(0);
}

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
  PetscCall(WriteArray(file, path, layout, dim, points));
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
  PetscCall(WriteArray(file, path, layout, 0, weights));
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
  PetscCall(WriteArray(file, "/potential/f", source, 0, f));
  PetscCall(WriteArray(file, "/potential/g", target, 0, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteBounds(FenOTRun *run, FenFile file)
{
  const FenOTBounds *b = &run->bounds;
  double             value;

  PetscFunctionBegin;
  PetscCall(FenSolverGetBounds((FenSolver)run->ot, &value, NULL, NULL));
  PetscCall(FenFileMakeGroup(file, "/bounds"));
  PetscCall(WriteNumber(file, "/bounds/value", value));
  PetscCall(WriteNumber(file, "/bounds/lower", b->lower));
  PetscCall(WriteNumber(file, "/bounds/upper", b->upper));
  PetscCall(WriteNumber(file, "/bounds/ot_lower", b->ot_lower));
  PetscCall(WriteNumber(file, "/bounds/ot_upper", b->ot_upper));
  PetscCall(WriteNumber(file, "/bounds/cost", b->cost));
  PetscCall(WriteNumber(file, "/bounds/marginal_error", b->marginal_error));
  PetscCall(WriteNumber(file, "/bounds/slack", b->slack));
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

static PetscErrorCode WriteRoot(FenOTRun *run, FenFile file)
{
  const char *type, *reason;
  double      eps;
  PetscInt    dim;
  FenCostKind cost;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType((FenSolver)run->ot, &type));
  PetscCall(FenReasonGet(run->reason, &reason, NULL));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(FenFileWriteStringAttribute(file, "/", "format", "fenchel-result"));
  PetscCall(FenFileWriteIntAttribute(file, "/", "format_version", 1));
  PetscCall(FenFileWriteStringAttribute(file, "/", "software", "fenchel"));
  PetscCall(FenFileWriteStringAttribute(file, "/", "version", FEN_VERSION_STRING));
  PetscCall(FenFileWriteStringAttribute(file, "/", "verb", run->cli->verb));
  PetscCall(FenFileWriteStringAttribute(file, "/", "type", type));
  PetscCall(FenFileWriteStringAttribute(file, "/", "reason", reason));
  PetscCall(FenFileWriteStringAttribute(file, "/", "cost", FenCostKinds[cost]));
  PetscCall(FenFileWriteRealAttribute(file, "/", "eps", eps));
  PetscCall(FenFileWriteIntAttribute(file, "/", "dim", dim));
  PetscCall(FenFileWriteIntAttribute(file, "/", "iterations", run->progress.iteration));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteMap(FenOTRun *run, FenFile file)
{
  FenLayout layout;
  FenInt    nlocal;
  PetscInt  dim;
  double   *map;

  PetscFunctionBegin;
  if (!run->opt->map)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetLayout(run->source, &layout));
  PetscCall(FenMeasureGetSize(run->source, NULL, &nlocal));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(PetscMalloc1((size_t)(nlocal * dim), &map));
  PetscCall(FenOTComputeMap(run->ot, map));
  PetscCall(WriteArray(file, "/map", layout, dim, map));
  PetscCall(PetscFree(map));
  PetscFunctionReturn(0);
}

/* collective; the file appears under its name only when it is complete */
PetscErrorCode FenResultWrite_Private(FenOTRun *run)
{
  FenFile file;

  PetscFunctionBegin;
  PetscCall(
      FenFileOpen(run->cli->comm, run->opt->output, run->opt->overwrite ? FEN_FILE_REPLACE : FEN_FILE_CREATE, &file));
  PetscCall(WriteRoot(run, file));
  PetscCall(FenResultWriteProvenance_Private(run, file));
  PetscCall(WriteMeasure(file, "/source", run->source));
  PetscCall(WriteMeasure(file, "/target", run->target));
  PetscCall(WritePotentials(run, file));
  PetscCall(WriteBounds(run, file));
  PetscCall(WriteCost(run, file));
  PetscCall(FenResultWriteHistory_Private(run, file));
  PetscCall(WriteMap(run, file));
  PetscCall(FenResultWritePlan_Private(run, file));
  PetscCall(FenFileClose(&file));
  PetscCall(FenResultXDMF_Private(run));
  PetscFunctionReturn(0);
}
