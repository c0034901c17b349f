/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Measures in groups of HDF5 files: weights with points, or weights with the shape of a grid.
*/
#include "measurereadimpl.h"
#include <stdio.h>

/* GROUP/name */
static PetscErrorCode FenGroupPath(const FenMeasureGroup *g, const char name[], char path[FEN_GROUP_PATH])
{
  PetscFunctionBegin;
  FEN_CHECK(strlen(g->path) + strlen(name) + 2 < FEN_GROUP_PATH, g->comm, FEN_ERR_USAGE, "the path %s is too long",
            g->path);
  PetscCall(PetscSNPrintf(path, FEN_GROUP_PATH, "%s/%s", strcmp(g->path, "/") ? g->path : "", name));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenGroupHas(const FenMeasureGroup *g, const char name[], PetscBool *has)
{
  char path[FEN_GROUP_PATH];

  PetscFunctionBegin;
  PetscCall(FenGroupPath(g, name, path));
  PetscCall(FenFileHas(g->file, path, has));
  PetscFunctionReturn(0);
}

/* an array of numbers that is there; missing ones are an error that names near misses */
static PetscErrorCode FenGroupInfo(const FenMeasureGroup *g, const char name[], FenDataInfo *info)
{
  char path[FEN_GROUP_PATH];

  PetscFunctionBegin;
  PetscCall(FenGroupPath(g, name, path));
  PetscCall(FenFileGetInfo(g->file, path, info));
  FEN_CHECK(info->type == FEN_DATA_REAL || info->type == FEN_DATA_INT, g->comm, FEN_ERR_FILE_FORMAT,
            "%s: '%s' is no array of numbers", g->name, name);
  FEN_CHECK(info->rank >= 1, g->comm, FEN_ERR_SHAPE, "%s: '%s' is a single number, not an array", g->name, name);
  PetscFunctionReturn(0);
}

/* a list of n numbers: reals, or whole ones if `ints` is given; left as it is if there is no such data set */
static PetscErrorCode FenGroupList(const FenMeasureGroup *g, const char name[], PetscInt n, double reals[],
                                   FenInt ints[])
{
  FenDataInfo info;
  PetscBool   has;
  char        path[FEN_GROUP_PATH];

  PetscFunctionBegin;
  PetscCall(FenGroupHas(g, name, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenGroupInfo(g, name, &info));
  FEN_CHECK(info.rank == 1 && info.shape[0] == n, g->comm, FEN_ERR_SHAPE, "%s: '%s' must be a list of %d numbers",
            g->name, name, (int)n);
  FEN_CHECK(!ints || info.type == FEN_DATA_INT, g->comm, FEN_ERR_FILE_FORMAT, "%s: '%s' must be whole numbers", g->name,
            name);
  PetscCall(FenGroupPath(g, name, path));
  if (ints)
    PetscCall(FenFileReadInts(g->file, path, n, ints));
  else
    PetscCall(FenFileReadReals(g->file, path, n, reals));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenGroupArray(const FenMeasureGroup *g, const char name[], FenLayout layout, PetscInt ncomp,
                                    double *values[])
{
  FenInt local;
  size_t bytes;
  char   path[FEN_GROUP_PATH];

  PetscFunctionBegin;
  PetscCall(FenGroupPath(g, name, path));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenBytes(local * PetscMax(ncomp, 1), sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, values));
  PetscCall(FenFileReadArray(g->file, path, layout, ncomp, *values));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenGroupPoints(FenMeasureGroup *g, FenMeasure *measure)
{
  FenDataInfo points, weights;
  FenInt      image[2] = {0, 0};
  PetscInt    dim = 1;
  char        name[FEN_MEASURE_NAME + 8];

  PetscFunctionBegin;
  PetscCall(FenGroupInfo(g, "points", &points));
  PetscCall(FenGroupInfo(g, "weights", &weights));
  FEN_CHECK(points.rank <= 2, g->comm, FEN_ERR_SHAPE, "%s: 'points' has %d axes, must be n x dimension", g->name,
            (int)points.rank);
  FEN_CHECK(weights.rank == 1 && weights.shape[0] == points.shape[0], g->comm, FEN_ERR_SHAPE,
            "%s: 'points' has %" FENINT_FMT " rows, 'weights' %d axes and %" FENINT_FMT
            " entries; rule: one weight a row",
            g->name, points.shape[0], (int)weights.rank, weights.shape[0]);
  if (points.rank == 2)
    PetscCall(FenIntCast(points.shape[1], &dim));
  PetscCall(FenLayoutCreateRows(g->comm, points.shape[0], &g->layout));
  PetscCall(FenGroupArray(g, "points", g->layout, points.rank == 2 ? dim : 0, &g->points));
  PetscCall(FenGroupArray(g, "weights", g->layout, 0, &g->weights));
  PetscCall(PetscSNPrintf(name, sizeof(name), "%s/points", g->name));
  PetscCall(FenMeasureCreatePoints_Private(g->layout, dim, g->points, g->weights, name, measure));
  PetscCall(FenGroupList(g, "image_shape", 2, NULL, image));
  PetscCall(FenMeasureSetImageShape(*measure, image));
  PetscFunctionReturn(0);
}

/* shape of the grid: the list 'shape', or that of the weights */
static PetscErrorCode FenGroupShape(const FenMeasureGroup *g, const FenDataInfo *weights, PetscInt *dim, FenInt shape[])
{
  FenDataInfo info;
  FenInt      size = 1, product = 1;
  PetscBool   has, same;

  PetscFunctionBegin;
  PetscCall(FenGroupHas(g, "shape", &has));
  FEN_CHECK(has || weights->rank > 1, g->comm, FEN_ERR_FILE_MISSING,
            "%s has 'weights' but neither 'points' nor 'shape'; rule: a measure has one of them", g->name);
  *dim = weights->rank;
  if (has) {
    PetscCall(FenGroupInfo(g, "shape", &info));
    PetscCall(FenIntCast(info.rank == 1 ? info.shape[0] : 0, dim));
  }
  FEN_CHECK(*dim >= 1 && *dim <= FEN_MAX_DIM, g->comm, FEN_ERR_SHAPE, "%s: a grid has 1 to %d axes", g->name,
            FEN_MAX_DIM);
  for (PetscInt k = 0; k < *dim; k++)
    shape[k] = weights->shape[k];
  PetscCall(FenGroupList(g, "shape", *dim, NULL, shape));
  same = weights->rank == *dim ? PETSC_TRUE : PETSC_FALSE;
  for (PetscInt k = 0; k < weights->rank; k++)
    PetscCall(FenIntMult(size, weights->shape[k], &size));
  for (PetscInt k = 0; k < *dim; k++) {
    FEN_CHECK(shape[k] > 0, g->comm, FEN_ERR_SHAPE, "%s: 'shape' entry %d is %" FENINT_FMT ", must be positive",
              g->name, (int)k, shape[k]);
    PetscCall(FenIntMult(product, shape[k], &product));
    if (same && weights->shape[k] != shape[k])
      same = PETSC_FALSE;
  }
  FEN_CHECK(same || (weights->rank == 1 && size == product), g->comm, FEN_ERR_SHAPE,
            "%s: 'weights' has %d axes and %" FENINT_FMT " entries, 'shape' has %d axes and %" FENINT_FMT " points",
            g->name, (int)weights->rank, size, (int)*dim, product);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenGroupGrid(FenMeasureGroup *g, FenMeasure *measure)
{
  FenDataInfo weights;
  FenInt      shape[FEN_MAX_DIM], local;
  FenLayout   flat;
  PetscInt    dim;
  double      spacing[FEN_MAX_DIM] = {1, 1, 1}, origin[FEN_MAX_DIM] = {0, 0, 0};

  PetscFunctionBegin;
  PetscCall(FenGroupInfo(g, "weights", &weights));
  PetscCall(FenGroupShape(g, &weights, &dim, shape));
  PetscCall(FenGroupList(g, "spacing", dim, spacing, NULL));
  PetscCall(FenGroupList(g, "origin", dim, origin, NULL));
  PetscCall(FenLayoutCreateGrid(g->comm, dim, shape, NULL, &g->layout));
  if (weights.rank == dim)
    PetscCall(FenGroupArray(g, "weights", g->layout, 0, &g->weights));
  else { /* stored as a list: my box is a range of it */
    PetscCall(FenLayoutGetLocalSize(g->layout, &local));
    PetscCall(FenLayoutCreateRowsLocal(g->comm, local, &flat));
    PetscCall(FenGroupArray(g, "weights", flat, 0, &g->weights));
    PetscCall(FenLayoutDestroy(&flat));
  }
  PetscCall(FenGridToBlocks_Private(g->source, &g->layout, &g->weights));
  PetscCall(FenMeasureCreateGrid(g->layout, g->weights, spacing, origin, measure));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMeasureReadGroup_Private(FenMeasureGroup *g, FenMeasure *measure)
{
  const int kind = g->source->kind;
  PetscBool points;

  PetscFunctionBegin;
  PetscCall(FenGroupHas(g, "points", &points));
  FEN_CHECK(kind != FEN_SOURCE_COLOURS, g->comm, FEN_ERR_OPTION, "%s is a group, colours are read from images",
            g->name);
  FEN_CHECK(kind != FEN_SOURCE_POINTS || points, g->comm, FEN_ERR_FILE_MISSING,
            "%s has no 'points', which the option asks for", g->name);
  FEN_CHECK(kind != FEN_SOURCE_GRID || !points, g->comm, FEN_ERR_OPTION,
            "%s has 'points', it is not the grid that the option asks for", g->name);
  if (points)
    PetscCall(FenGroupPoints(g, measure));
  else
    PetscCall(FenGroupGrid(g, measure));
  PetscCall(FenMeasureSetName(*measure, g->name));
  (*measure)->dataset = "/weights";
  PetscFunctionReturn(0);
}
