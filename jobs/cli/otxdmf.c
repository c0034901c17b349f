/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The side files that let ParaView and VisIt open a result: RESULT.xmf beside RESULT.h5, and RESULT-frames.xmf with the
   interpolated densities as steps in time.
*/
#include "cliimpl.h"

/* in one dimension clouds are no picture, and above three there is none */
static PetscErrorCode CanShow(FenMeasure measure, PetscBool *can)
{
  FenMeasureKind kind;
  PetscInt       dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(measure, &kind));
  PetscCall(FenMeasureGetDim(measure, &dim));
  *can = (PetscBool)(kind == FEN_MEASURE_GRID || dim == 2 || dim == 3);
  PetscFunctionReturn(0);
}

static PetscErrorCode AddField(FenMeasure measure, const char points[], const char name[], const char path[],
                               PetscInt ncomp, PetscInt *n, FenXDMFField fields[])
{
  FenXDMFField  *field = &fields[*n];
  FenMeasureKind kind;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(measure, &kind));
  field->name = name;
  field->path = path;
  field->ncomp = ncomp;
  if (kind == FEN_MEASURE_GRID) {
    PetscCall(FenMeasureGetGrid(measure, field->shape, field->spacing, field->origin));
  } else {
    PetscCall(FenMeasureGetSize(measure, &field->shape[0], NULL));
    field->points = points;
  }
  (*n)++;
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteFrameSeries(FenOTRun *run, PetscInt dim)
{
  const PetscInt count = run->opt->frames;
  FenLayout      layout;
  FenXDMFField  *fields;
  char(*paths)[32], name[PETSC_MAX_PATH_LEN + 16];

  PetscFunctionBegin;
  if (!count)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(count, &fields));
  PetscCall(PetscMalloc1(count, &paths));
  for (PetscInt k = 0; k < count; k++) {
    PetscCall(FenOTGetFrameGrid(run->ot, &layout, fields[k].spacing, fields[k].origin));
    PetscCall(FenLayoutGetShape(layout, fields[k].shape));
    PetscCall(FenLayoutDestroy(&layout));
    PetscCall(PetscSNPrintf(paths[k], sizeof(paths[k]), "/frames/%04d", (int)k));
    fields[k].name = "density";
    fields[k].path = paths[k];
    fields[k].time = (double)k / (double)(count - 1);
  }
  PetscCall(FenResultSideName_Private(run->run.out->result, "-frames.xmf", name, sizeof(name)));
  PetscCall(FenXDMFWriteSeries(run->run.cli->comm, name, run->run.out->result, dim, count, fields));
  PetscCall(PetscFree(paths));
  PetscCall(PetscFree(fields));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTXDMF_Private(FenRun *base)
{
  static const char *const points[2] = {"/source/points", "/target/points"};
  FenOTRun                *run = (FenOTRun *)base;
  FenXDMFField             fields[6];
  PetscInt                 n = 0, dim;
  PetscBool                can[2];
  char                     name[PETSC_MAX_PATH_LEN + 16];

  PetscFunctionBegin;
  PetscCall(CanShow(run->source, &can[0]));
  PetscCall(CanShow(run->target, &can[1]));
  if (!can[0] || !can[1])
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(PetscMemzero(fields, sizeof(fields)));
  PetscCall(AddField(run->source, points[0], "source", "/source/weights", 0, &n, fields));
  PetscCall(AddField(run->source, points[0], "potential_f", "/potential/f", 0, &n, fields));
  if (run->opt->map)
    PetscCall(AddField(run->source, points[0], "map", "/xyz/map", 3, &n, fields));
  if (run->opt->displacement)
    PetscCall(AddField(run->source, points[0], "displacement", "/xyz/displacement", 3, &n, fields));
  PetscCall(AddField(run->target, points[1], "target", "/target/weights", 0, &n, fields));
  PetscCall(AddField(run->target, points[1], "potential_g", "/potential/g", 0, &n, fields));
  PetscCall(FenResultSideName_Private(base->out->result, ".xmf", name, sizeof(name)));
  PetscCall(FenXDMFWrite(base->cli->comm, name, base->out->result, dim, n, fields));
  PetscCall(WriteFrameSeries(run, dim));
  PetscFunctionReturn(0);
}
