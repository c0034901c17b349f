/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A state with an entry of every kind, whose values follow from global numbers and one seed, so that any number of
   ranks can fill and check it.
*/
#pragma once
#include <fenchelio.h>
#include "scratch.h"

typedef struct {
  MPI_Comm  comm;
  FenState  state;
  FenInt    iteration;
  double    step, params[5];
  FenLog    log;
  FenLayout rows, grid, pencil, cells;
  double   *x, *g, *p; /* rows x 1, grid x 3, pencil x 2 */
  FenSparse matrix;
} Fixture;

static inline double FixtureValue(FenInt seed, FenInt index, int stream)
{
  return FenRandomNormal((uint64_t)seed, (uint64_t)index, (uint32_t)stream);
}

static inline void FixtureCreate(MPI_Comm comm, FenInt nrows, Fixture *f)
{
  const FenInt grid[2] = {21, 16}, cube[3] = {6, 7, 5};
  PetscMPIInt  procs[2] = {1, 1};
  FenLayout    cubelayout;
  FenInt       n;

  memset(f, 0, sizeof(*f));
  f->comm = comm;
  f->log.ncols = 3;
  MPI_Comm_size(comm, &procs[1]); /* blocks of columns: many short runs */
  FEN_OK(FenLayoutCreateRows(comm, nrows, &f->rows));
  FEN_OK(FenLayoutCreateGrid(comm, 2, grid, procs, &f->grid));
  FEN_OK(FenLayoutCreateGrid(comm, 3, cube, NULL, &cubelayout));
  FEN_OK(FenLayoutCreatePencil(cubelayout, 0, &f->pencil));
  FEN_OK(FenLayoutDestroy(&cubelayout));
  FEN_OK(FenLayoutCreateRows(comm, 50, &f->cells));
  FEN_OK(FenLayoutGetLocalSize(f->rows, &n));
  FEN_OK(PetscCalloc1((size_t)n, &f->x));
  FEN_OK(FenLayoutGetLocalSize(f->grid, &n));
  FEN_OK(PetscCalloc1((size_t)(3 * n), &f->g));
  FEN_OK(FenLayoutGetLocalSize(f->pencil, &n));
  FEN_OK(PetscCalloc1((size_t)(2 * n), &f->p));
  FEN_OK(FenStateCreate(comm, &f->state));
  FEN_OK(FenStateAddInt(f->state, "iteration", &f->iteration));
  FEN_OK(FenStateAddReal(f->state, "step", &f->step));
  FEN_OK(FenStateAddReals(f->state, "params", 5, f->params));
  FEN_OK(FenStateAddLog(f->state, "history", &f->log));
  FEN_OK(FenStateAddArray(f->state, "x", f->rows, 1, f->x));
  FEN_OK(FenStateAddArray(f->state, "g", f->grid, 3, f->g));
  FEN_OK(FenStateAddArray(f->state, "p", f->pencil, 2, f->p));
  FEN_OK(FenStateAddCSR(f->state, "matrix", f->cells, &f->matrix));
}

static inline void FixtureClear(Fixture *f)
{
  FEN_OK(FenLogReset(&f->log));
  FEN_OK(PetscFree(f->matrix.ptr));
  FEN_OK(PetscFree(f->matrix.idx));
  FEN_OK(PetscFree(f->matrix.val));
}

static inline void FixtureDestroy(Fixture *f)
{
  FixtureClear(f);
  FEN_OK(FenStateDestroy(&f->state));
  FEN_OK(FenLayoutDestroy(&f->rows));
  FEN_OK(FenLayoutDestroy(&f->grid));
  FEN_OK(FenLayoutDestroy(&f->pencil));
  FEN_OK(FenLayoutDestroy(&f->cells));
  FEN_OK(PetscFree(f->x));
  FEN_OK(PetscFree(f->g));
  FEN_OK(PetscFree(f->p));
}

/* global number of my k-th entry */
static inline FenInt FixtureIndex(FenLayout layout, FenInt k)
{
  PetscInt dim, order[3] = {0, 1, 2};
  FenInt   shape[3] = {1, 1, 1}, index[3], n[3];
  FenBox   box;

  FEN_OK(FenLayoutGetDim(layout, &dim));
  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetOrder(layout, order));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  for (PetscInt a = 0; a < 3; a++) {
    if (a >= dim) {
      shape[a] = 1;
      order[a] = a;
    }
    n[a] = box.hi[order[a]] - box.lo[order[a]];
  }
  index[order[0]] = box.lo[order[0]] + k / (n[1] * n[2]);
  index[order[1]] = box.lo[order[1]] + k / n[2] % n[1];
  index[order[2]] = box.lo[order[2]] + k % n[2];
  return (index[0] * shape[1] + index[1]) * shape[2] + index[2];
}

static inline int FixtureArray(FenLayout layout, PetscInt ncomp, double x[], FenInt seed, int stream, int check)
{
  FenInt n;
  int    ok = 1;

  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  for (FenInt k = 0; k < n; k++)
    for (PetscInt c = 0; c < ncomp; c++) {
      const double v = FixtureValue(seed, FixtureIndex(layout, k) * ncomp + c, stream);
      if (check)
        ok &= x[k * ncomp + c] == v;
      else
        x[k * ncomp + c] = v;
    }
  return ok;
}

/* long arrays are filled without looking up every number */
static inline int FixtureRows(Fixture *f, FenInt seed, int check)
{
  FenInt start, end;
  int    ok = 1;

  FEN_OK(FenLayoutGetRange(f->rows, &start, &end));
  for (FenInt i = start; i < end; i++) {
    const double v = (double)i * 1.000001 + (double)seed;
    if (check)
      ok &= f->x[i - start] == v;
    else
      f->x[i - start] = v;
  }
  return ok;
}

/* row i has (i + seed) % 4 entries */
static inline void FixtureFill(Fixture *f, FenInt seed)
{
  FenInt start, end;

  FixtureClear(f);
  f->iteration = seed;
  f->step = FixtureValue(seed, 0, 1);
  for (int k = 0; k < 5; k++)
    f->params[k] = FixtureValue(seed, k, 2);
  for (FenInt r = 0; r < seed; r++) {
    const double row[3] = {(double)r, FixtureValue(seed, r, 3), -0.};
    FEN_OK(FenLogAppend(&f->log, row));
  }
  FixtureRows(f, seed, 0);
  FixtureArray(f->grid, 3, f->g, seed, 4, 0);
  FixtureArray(f->pencil, 2, f->p, seed, 5, 0);
  FEN_OK(FenLayoutGetRange(f->cells, &start, &end));
  FEN_OK(PetscCalloc1((size_t)(end - start) + 1, &f->matrix.ptr));
  FEN_OK(PetscMalloc1((size_t)(4 * (end - start)), &f->matrix.idx));
  FEN_OK(PetscMalloc1((size_t)(4 * (end - start)), &f->matrix.val));
  for (FenInt i = start; i < end; i++) {
    FenInt q = f->matrix.ptr[i - start];
    for (FenInt k = 0; k < (i + seed) % 4; k++, q++) {
      f->matrix.idx[q] = 10 * i + k;
      f->matrix.val[q] = FixtureValue(seed, 10 * i + k, 6);
    }
    f->matrix.ptr[i - start + 1] = q;
  }
}

static inline int FixtureCheck(Fixture *f, FenInt seed)
{
  FenInt start, end, q = 0;
  int    ok = f->iteration == seed && f->step == FixtureValue(seed, 0, 1) && f->log.nrows == seed;

  for (int k = 0; k < 5; k++)
    ok &= f->params[k] == FixtureValue(seed, k, 2);
  for (FenInt r = 0; ok && r < seed; r++)
    ok &= f->log.data[3 * r] == (double)r && f->log.data[3 * r + 1] == FixtureValue(seed, r, 3) &&
          signbit(f->log.data[3 * r + 2]);
  ok &= FixtureRows(f, seed, 1) && FixtureArray(f->grid, 3, f->g, seed, 4, 1);
  ok &= FixtureArray(f->pencil, 2, f->p, seed, 5, 1);
  FEN_OK(FenLayoutGetRange(f->cells, &start, &end));
  for (FenInt i = start; ok && i < end; i++)
    for (FenInt k = 0; k < (i + seed) % 4; k++, q++)
      ok &= f->matrix.idx[q] == 10 * i + k && f->matrix.val[q] == FixtureValue(seed, 10 * i + k, 6);
  return ok && f->matrix.ptr[end - start] == q;
}

static inline void FixtureOptions(FenCkptOptions *options, const char dir[], PetscInt keep)
{
  memset(options, 0, sizeof(*options));
  snprintf(options->dir, sizeof(options->dir), "%s", dir);
  options->keep = keep;
}
