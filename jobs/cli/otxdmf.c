/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The side file that lets ParaView and VisIt open a result on grids: RESULT.xmf beside RESULT.h5.
*/
#include "cliimpl.h"

static PetscErrorCode AddField(FenMeasure measure, const char name[], const char path[], PetscBool vector, PetscInt *n,
                               FenXDMFField fields[])
{
  FenXDMFField *field = &fields[*n];
  PetscInt      dim;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(measure, &dim));
  field->name = name;
  field->path = path;
  field->ncomp = vector ? dim : 1;
  PetscCall(FenMeasureGetGrid(measure, field->shape, field->spacing, field->origin));
  (*n)++;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTXDMF_Private(FenRun *base)
{
  FenOTRun      *run = (FenOTRun *)base;
  FenMeasureKind source, target;
  FenXDMFField   fields[5];
  PetscInt       n = 0, dim;
  char           name[PETSC_MAX_PATH_LEN + 8];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(run->source, &source));
  PetscCall(FenMeasureGetKind(run->target, &target));
  if (source != FEN_MEASURE_GRID || target != FEN_MEASURE_GRID)
    PetscFunctionReturn(0);
  PetscCall(PetscMemzero(fields, sizeof(fields)));
  PetscCall(AddField(run->source, "source", "/source/weights", PETSC_FALSE, &n, fields));
  PetscCall(AddField(run->source, "potential_f", "/potential/f", PETSC_FALSE, &n, fields));
  if (run->opt->map)
    PetscCall(AddField(run->source, "map", "/map", PETSC_TRUE, &n, fields));
  PetscCall(AddField(run->target, "target", "/target/weights", PETSC_FALSE, &n, fields));
  PetscCall(AddField(run->target, "potential_g", "/potential/g", PETSC_FALSE, &n, fields));
  PetscCall(FenMeasureGetDim(run->source, &dim));
  PetscCall(FenResultSideName_Private(base->out->result, name, sizeof(name)));
  PetscCall(FenXDMFWrite(base->cli->comm, name, base->out->result, dim, n, fields));
  PetscFunctionReturn(0);
}
