/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of a transport result: where source points go, how far, and the densities in between.

   /map and /displacement have a component for each axis, in the order of the axes. Viewers order components x, y, z, x
   along the fastest axis of a grid, and want three of them: /xyz holds both in that form.
*/
#include "cliimpl.h"

static PetscErrorCode WriteVectors(FenOTRun *run, FenFile file, const char name[], PetscInt dim, const double v[])
{
  FenMeasureKind kind;
  FenLayout      layout;
  FenInt         n;
  double        *xyz;
  char           path[64];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(run->source, &kind));
  PetscCall(FenMeasureGetLayout(run->source, &layout));
  PetscCall(FenMeasureGetSize(run->source, NULL, &n));
  PetscCall(PetscSNPrintf(path, sizeof(path), "/%s", name));
  PetscCall(FenResultWriteArray_Private(file, path, layout, dim, v));
  if (dim > 3)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)(3 * n), &xyz));
  for (FenInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < dim; k++)
      xyz[3 * i + (kind == FEN_MEASURE_GRID ? dim - 1 - k : k)] = v[i * dim + k];
  PetscCall(PetscSNPrintf(path, sizeof(path), "/xyz/%s", name));
  PetscCall(FenResultWriteArray_Private(file, path, layout, 3, xyz));
  PetscCall(PetscFree(xyz));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteMap(FenOTRun *run, FenFile file)
{
  FenInt        n;
  PetscInt      dim;
  const double *x;
  double       *map;

  PetscFunctionBegin;
  if (!run->opt->map && !run->opt->displacement)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetSize(run->source, NULL, &n));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenMeasureGetPoints(run->source, &x));
  PetscCall(PetscMalloc1((size_t)(n * dim), &map));
  PetscCall(FenOTComputeMap(run->ot, map));
  if (dim <= 3)
    PetscCall(FenFileMakeGroup(file, "/xyz"));
  if (run->opt->map)
    PetscCall(WriteVectors(run, file, "map", dim, map));
  for (FenInt k = 0; k < n * dim; k++)
    map[k] -= x[k];
  if (run->opt->displacement)
    PetscCall(WriteVectors(run, file, "displacement", dim, map));
  PetscCall(PetscFree(map));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteFrameGrid(FenFile file, FenLayout layout, const double spacing[], const double origin[],
                                     PetscInt n, const double t[])
{
  FenInt   shape[FEN_MAX_DIM], length;
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  length = dim;
  PetscCall(FenFileMakeGroup(file, "/frames"));
  PetscCall(FenFileWriteInts(file, "/frames/shape", length, shape));
  PetscCall(FenFileWriteReals(file, "/frames/spacing", 1, &length, spacing));
  PetscCall(FenFileWriteReals(file, "/frames/origin", 1, &length, origin));
  length = n;
  PetscCall(FenFileWriteReals(file, "/frames/t", 1, &length, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteFrames(FenOTRun *run, FenFile file)
{
  const PetscInt count = run->opt->frames;
  FenLayout      layout;
  FenInt         n;
  double         spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM], lumps, *t, **frame;
  char           path[64];

  PetscFunctionBegin;
  if (!count)
    PetscFunctionReturn(0);
  PetscCall(FenOTGetFrameGrid(run->ot, &layout, spacing, origin));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(PetscMalloc2(count, &t, count, &frame));
  for (PetscInt k = 0; k < count; k++) {
    t[k] = (double)k / (double)(count - 1);
    PetscCall(PetscMalloc1(n + 1, &frame[k]));
  }
  PetscCall(FenOTComputeFrames(run->ot, count, t, layout, spacing, origin, frame, &lumps));
  PetscCall(WriteFrameGrid(file, layout, spacing, origin, count, t));
  PetscCall(FenFileWriteRealAttribute(file, "/frames", "lumped_mass", lumps));
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/frames/%04d", (int)k));
    PetscCall(FenResultWriteArray_Private(file, path, layout, 0, frame[k]));
    PetscCall(PetscFree(frame[k]));
  }
  PetscCall(PetscFree2(t, frame));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTWriteFields_Private(FenOTRun *run, FenFile file)
{
  PetscFunctionBegin;
  PetscCall(WriteMap(run, file));
  PetscCall(WriteFrames(run, file));
  PetscFunctionReturn(0);
}

/* what cannot be made is refused before the solve */
PetscErrorCode FenOTCheckFields_Private(FenOTRun *run)
{
  FenLayout layout;
  double    spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM];

  PetscFunctionBegin;
  if (!run->opt->frames)
    PetscFunctionReturn(0);
  PetscCall(FenOTGetFrameGrid(run->ot, &layout, spacing, origin));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}
