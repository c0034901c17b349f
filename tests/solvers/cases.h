/* SPDX-License-Identifier: BSD-2-Clause */
/* Small transport problems of every kind, the same on any communicator and any cut, and their dense description. */
#pragma once
#include <fenchelmeasure.h>
#include "fentest.h"
#include <stdlib.h>

typedef struct {
  const char *name;
  FenCostKind kind;
  PetscInt    dim;
  FenInt      shape[2][FEN_MAX_DIM]; /* grid: points an axis; cloud: {number of points} */
  PetscBool   grid;
  FenInt      zeros; /* every so many-th weight is zero; 0: none; -1: the first third of each axis, so of whole lines */
  double      power; /* FEN_COST_POWER */
} Case;

static const Case cases[] = {
    {"cloud 3-D", FEN_COST_SQEUCLIDEAN, 3, {{61}, {47}}, PETSC_FALSE, 0, 0},
    {"cloud 2-D, zero weights", FEN_COST_SQEUCLIDEAN, 2, {{40}, {77}}, PETSC_FALSE, 4, 0},
    {"cloud 2-D, distance", FEN_COST_EUCLIDEAN, 2, {{53}, {40}}, PETSC_FALSE, 0, 0},
    {"cloud 3-D, l1", FEN_COST_L1, 3, {{35}, {66}}, PETSC_FALSE, 5, 0},
    {"cloud 9-D", FEN_COST_SQEUCLIDEAN, 9, {{30}, {41}}, PETSC_FALSE, 0, 0},
    {"line", FEN_COST_SQEUCLIDEAN, 1, {{70}, {45}}, PETSC_TRUE, 3, 0},
    {"line, distance", FEN_COST_EUCLIDEAN, 1, {{33}, {50}}, PETSC_TRUE, 0, 0},
    {"grid 2-D", FEN_COST_SQEUCLIDEAN, 2, {{9, 7}, {8, 11}}, PETSC_TRUE, 0, 0},
    {"grid 2-D, zero pixels", FEN_COST_SQEUCLIDEAN, 2, {{8, 8}, {5, 13}}, PETSC_TRUE, 3, 0},
    {"grid 2-D, l1", FEN_COST_L1, 2, {{7, 9}, {10, 6}}, PETSC_TRUE, 4, 0},
    {"grid 3-D", FEN_COST_SQEUCLIDEAN, 3, {{5, 3, 4}, {3, 6, 5}}, PETSC_TRUE, 0, 0},
    {"grid 3-D, l1, zero pixels", FEN_COST_L1, 3, {{4, 5, 3}, {5, 4, 4}}, PETSC_TRUE, 4, 0},
    {"grid 2-D, empty lines", FEN_COST_SQEUCLIDEAN, 2, {{9, 7}, {8, 11}}, PETSC_TRUE, -1, 0},
    {"grid 3-D, l1, empty lines", FEN_COST_L1, 3, {{4, 5, 3}, {5, 4, 4}}, PETSC_TRUE, -1, 0},
    {"grid 2-D, levels", FEN_COST_SQEUCLIDEAN, 2, {{16, 5}, {5, 17}}, PETSC_TRUE, 5, 0},
    {"grid 3-D, levels", FEN_COST_SQEUCLIDEAN, 3, {{16, 3, 2}, {2, 16, 3}}, PETSC_TRUE, -1, 0},
    {"grid 2-D, l1, levels", FEN_COST_L1, 2, {{17, 5}, {16, 6}}, PETSC_TRUE, 3, 0},
    {"grid 2-D, l1, one row", FEN_COST_L1, 2, {{1, 23}, {1, 37}}, PETSC_TRUE, 3, 0},
    {"line, power 1.3", FEN_COST_POWER, 1, {{31}, {24}}, PETSC_TRUE, 3, 1.3},
    {"grid 2-D, power 2.5", FEN_COST_POWER, 2, {{16, 6}, {9, 8}}, PETSC_TRUE, 5, 2.5},
    {"grid 3-D, power 1.5, empty lines", FEN_COST_POWER, 3, {{4, 5, 3}, {5, 4, 4}}, PETSC_TRUE, -1, 1.5},
    {"matrix", FEN_COST_MATRIX, 1, {{45}, {38}}, PETSC_FALSE, 6, 0}};
#define NCASES ((int)(sizeof(cases) / sizeof(cases[0])))

static inline FenInt CaseSize(const Case *c, int side)
{
  FenInt n = 1;

  for (PetscInt k = 0; k < (c->grid ? c->dim : 1); k++)
    n *= c->shape[side][k];
  return n;
}

static inline double CaseWeight(const Case *c, int side, FenInt i)
{
  if (c->zeros > 0 && i % c->zeros == side)
    return 0;
  if (c->zeros < 0)
    for (FenInt k = c->dim - 1, l = i; k >= 0; l /= c->shape[side][k--])
      if (3 * (l % c->shape[side][k]) < c->shape[side][k])
        return 0;
  return 0.2 + FenRandomUniform(71, (uint64_t)i, (uint32_t)side);
}

static inline double CaseMatrix(FenInt i, FenInt j)
{
  return 3 * FenRandomUniform(72, (uint64_t)(1000 * i + j), 3);
}

/* my numbers of an uneven cut: rank r gets a share that grows with r, the first may own nothing */
static inline void CaseRange(MPI_Comm comm, FenInt n, FenInt *start, FenInt *end)
{
  int r, p;

  MPI_Comm_rank(comm, &r);
  MPI_Comm_size(comm, &p);
  *start = n * r * r / (p * p);
  *end = n * (r + 1) * (r + 1) / (p * p);
}

static inline FenMeasure CaseCloud(const Case *c, int side, MPI_Comm comm)
{
  FenInt     start, end, n;
  FenMeasure m;
  double    *x, *w;

  CaseRange(comm, CaseSize(c, side), &start, &end);
  n = end - start;
  x = (double *)malloc((size_t)(n * c->dim + 1) * sizeof(double));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (FenInt i = 0; i < n; i++) {
    w[i] = CaseWeight(c, side, start + i);
    for (PetscInt k = 0; k < c->dim; k++)
      x[i * c->dim + k] = 5 + side * 0.2 + FenRandomUniform(73, (uint64_t)((start + i) * c->dim + k), (uint32_t)side);
  }
  FEN_OK(FenMeasureCreatePoints(comm, n, c->dim, x, w, &m));
  free(x);
  free(w);
  return m;
}

/* global numbers of what this rank owns of a measure, in storage order; caller frees */
static inline FenInt *CaseNumbers(FenMeasure m)
{
  FenInt    shape[FEN_MAX_DIM], n, k = 0;
  FenInt   *number;
  FenLayout layout;
  FenBox    box;

  FEN_OK(FenMeasureGetLayout(m, &layout));
  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  number = (FenInt *)malloc((size_t)(n + 1) * sizeof(FenInt));
  for (FenInt a = box.lo[0]; a < box.hi[0]; a++)
    for (FenInt b = box.lo[1]; b < box.hi[1]; b++)
      for (FenInt c = box.lo[2]; c < box.hi[2]; c++)
        number[k++] = (a * shape[1] + b) * shape[2] + c;
  return number;
}

/* steps of target grids are so many of the sources' ones: only those that are as long share factors */
static double case_stretch = 1;

/* cut: ranks an axis, NULL for slabs */
static inline FenMeasure CaseGrid(const Case *c, int side, MPI_Comm comm, const PetscMPIInt cut[])
{
  const double stretch = side ? case_stretch : 1;
  const double spacing[3] = {stretch * 0.25, stretch * 0.5, stretch * 0.375},
               origin[3] = {side ? -0.3 : 0, 7, side ? 0.1 : 0.2};
  FenInt     n, k = 0;
  FenLayout  layout;
  FenMeasure m;
  FenBox     box;
  double    *w;

  FEN_OK(FenLayoutCreateGrid(comm, c->dim, c->shape[side], cut, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (FenInt a0 = box.lo[0]; a0 < box.hi[0]; a0++)
    for (FenInt a1 = box.lo[1]; a1 < box.hi[1]; a1++)
      for (FenInt a2 = box.lo[2]; a2 < box.hi[2]; a2++) {
        const FenInt n1 = c->dim > 1 ? c->shape[side][1] : 1, n2 = c->dim > 2 ? c->shape[side][2] : 1;

        w[k++] = CaseWeight(c, side, (a0 * n1 + a1) * n2 + a2);
      }
  FEN_OK(FenMeasureCreateGrid(layout, w, spacing, origin, &m));
  FEN_OK(FenLayoutDestroy(&layout));
  free(w);
  return m;
}

static inline FenCost CaseMatrixCost(const Case *c, FenMeasure m[2])
{
  FenLayout layout[2];
  FenInt    start[2], end[2], N[2];
  double   *entry[2];
  FenCost   cost;

  for (int s = 0; s < 2; s++) {
    FEN_OK(FenMeasureGetLayout(m[s], &layout[s]));
    FEN_OK(FenLayoutGetRange(layout[s], &start[s], &end[s]));
    N[s] = CaseSize(c, s);
  }
  for (int s = 0; s < 2; s++) {
    entry[s] = (double *)malloc((size_t)((end[s] - start[s]) * N[1 - s] + 1) * sizeof(double));
    for (FenInt i = start[s]; i < end[s]; i++)
      for (FenInt j = 0; j < N[1 - s]; j++)
        entry[s][(i - start[s]) * N[1 - s] + j] = s ? CaseMatrix(j, i) : CaseMatrix(i, j);
  }
  FEN_OK(FenCostCreateMatrix(layout[0], layout[1], entry[0], entry[1], &cost));
  free(entry[0]);
  free(entry[1]);
  return cost;
}

/* balanced measures and their cost */
static inline void CaseMake(const Case *c, MPI_Comm comm, const PetscMPIInt cut[], FenMeasure m[2], FenCost *cost)
{
  for (int s = 0; s < 2; s++)
    m[s] = c->grid ? CaseGrid(c, s, comm, cut) : CaseCloud(c, s, comm);
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  if (c->kind == FEN_COST_MATRIX)
    *cost = CaseMatrixCost(c, m);
  else if (c->kind == FEN_COST_POWER)
    FEN_OK(FenCostCreatePower(comm, c->power, cost));
  else
    FEN_OK(FenCostCreate(comm, c->kind, cost));
}

static inline void CaseDestroy(FenMeasure m[2], FenCost *cost)
{
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  FEN_OK(FenCostDestroy(cost));
}
