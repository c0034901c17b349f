/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Cells cut over ranks by counted work: composites of the finer level, whose work is what the coarse cells had. Where
   mass lies in one quarter of the image, or near its diagonal, the busiest rank has much less than with equal blocks;
   where it lies everywhere, no more.
*/
#include "cells/cells.h"
#include "fentest.h"
#include <stdlib.h>

#define CELLS  16 /* along each axis; as many composites of the level that follows */
#define SIDE   4
#define PIXELS (SIDE * SIDE)

typedef FenInt (*Entries)(FenInt i, FenInt j);

static FenInt Quarter(FenInt i, FenInt j)
{
  return i < CELLS / 2 && j < CELLS / 2 ? 20 + (3 * i + j) % 7 : 0;
}

static FenInt Diagonal(FenInt i, FenInt j)
{
  return labs((long)(i - j)) < 2 ? 30 : 0;
}

static FenInt Everywhere(FenInt i, FenInt j)
{
  return 25 + (i + 5 * j) % 3;
}

/* cells of a coarse level, as many rows of them on each rank; without mass where they have no entries */
static FenCells Make(Entries entries)
{
  FenCells  C = {.comm = MPI_COMM_WORLD,
                 .dim = 2,
                 .N = {CELLS * SIDE, CELLS * SIDE, 1},
                 .side = {SIDE, SIDE, 1},
                 .twice = {2, 2, 1},
                 .px = PIXELS};
  FenInt    from, to, n = 0;
  FenLayout rows;

  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, CELLS, &rows));
  FEN_OK(FenLayoutGetRange(rows, &from, &to));
  FEN_OK(FenLayoutDestroy(&rows));
  C.nlocal = (to - from) * CELLS;
  C.place = (FenInt *)calloc((size_t)(FEN_MAX_DIM * C.nlocal + 1), sizeof(FenInt));
  C.mu = (double *)calloc((size_t)(PIXELS * C.nlocal + 1), sizeof(double));
  C.rows.count = (FenInt *)calloc((size_t)(C.nlocal + 1), sizeof(FenInt));
  for (FenInt i = from; i < to; i++)
    for (FenInt j = 0; j < CELLS; j++, n++) {
      C.place[FEN_MAX_DIM * n] = i;
      C.place[FEN_MAX_DIM * n + 1] = j;
      C.rows.count[n] = entries(i, j);
      for (FenInt p = 0; entries(i, j) && p < PIXELS; p++)
        C.mu[n * PIXELS + p] = 1;
    }
  return C;
}

/* work of the busiest rank over the mean */
static double Imbalance(const double cuts[], Entries entries)
{
  const FenInt ncomp[FEN_MAX_DIM] = {CELLS, CELLS, 1};
  double       total = 0, most = 0;
  FenLayout    blocks;
  PetscMPIInt  ranks;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  FEN_OK(FenCellsBlocks(MPI_COMM_WORLD, 2, ncomp, cuts, &blocks));
  for (PetscMPIInt r = 0; r < ranks; r++) {
    FenBox box;
    double work = 0;

    FEN_OK(FenLayoutGetBox(blocks, r, &box));
    for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
      for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
        work += 1 + PIXELS * (double)entries(i, j);
    total += work;
    most = fmax(most, work);
  }
  FEN_OK(FenLayoutDestroy(&blocks));
  return most * ranks / total;
}

static void Check(Entries entries, double even_least, double cut_most)
{
  const FenInt shape[FEN_MAX_DIM] = {2 * CELLS * SIDE, 2 * CELLS * SIDE, 1};
  FenCells     C = Make(entries);
  double      *cuts = (double *)calloc((size_t)FenCellsCutsSize(2, shape, C.side), sizeof(double));
  PetscMPIInt  ranks;

  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  FEN_OK(FenCellsMeasureCuts(&C, shape, cuts));
  assert_true(Imbalance(cuts, entries) <= 1.05 * Imbalance(NULL, entries));
  if (ranks == 4) {
    assert_true(Imbalance(NULL, entries) >= even_least);
    assert_true(Imbalance(cuts, entries) <= cut_most);
  }
  free(C.place);
  free(C.mu);
  free(C.rows.count);
  free(cuts);
}

static void TestCuts(void **state)
{
  (void)state;
  Check(Quarter, 3.9, 1.1);
  Check(Diagonal, 1.8, 1.4);
  Check(Everywhere, 1, 1.05);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestCuts)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
