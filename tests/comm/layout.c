/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Layouts: boxes tile the array, pencils have their axis whole, runs number the entries.
*/
#include <fentest.h>
#include <fenchellayout.h>
#include <stdlib.h>

static int Size(void)
{
  int size;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static int Rank(void)
{
  int rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

/* every entry lies in the box of exactly one rank, and local sizes fit */
static void CheckTiling(FenLayout l)
{
  FenInt shape[FEN_MAX_DIM], size, local;
  char  *owners;
  FenBox mine, box;
  int    rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenLayoutGetShape(l, shape));
  FEN_OK(FenLayoutGetSize(l, &size));
  assert_true(size == shape[0] * shape[1] * shape[2]);
  owners = (char *)calloc((size_t)size + 1, 1);
  for (int r = 0; r < Size(); r++) {
    FEN_OK(FenLayoutGetBox(l, r, &box));
    for (FenInt x = box.lo[0]; x < box.hi[0]; x++)
      for (FenInt y = box.lo[1]; y < box.hi[1]; y++)
        for (FenInt z = box.lo[2]; z < box.hi[2]; z++)
          owners[(x * shape[1] + y) * shape[2] + z]++;
  }
  for (FenInt i = 0; i < size; i++)
    assert_int_equal(owners[i], 1);
  free(owners);
  FEN_OK(FenLayoutGetBox(l, rank, &box));
  FEN_OK(FenLayoutGetBox(l, -1, &mine));
  assert_memory_equal(&box, &mine, sizeof(box));
  FEN_OK(FenLayoutGetLocalSize(l, &local));
  assert_true(local == (box.hi[0] - box.lo[0]) * (box.hi[1] - box.lo[1]) * (box.hi[2] - box.lo[2]));
}

static void RowsAreBalanced(void **state)
{
  (void)state;
  for (FenInt n = 0; n < 20; n++) {
    FenLayout l;
    FenInt    start, end, before = 0;
    PetscInt  dim;

    FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, n, &l));
    FEN_OK(FenLayoutGetDim(l, &dim));
    assert_int_equal(dim, 1);
    CheckTiling(l);
    FEN_OK(FenLayoutGetRange(l, &start, &end));
    assert_true(end - start == n / Size() || end - start == n / Size() + 1);
    for (int r = 0; r < Size(); r++) {
      FenBox box;

      FEN_OK(FenLayoutGetBox(l, r, &box));
      assert_true(box.lo[0] == before && box.lo[0] == n * r / Size() && box.lo[1] == 0 && box.hi[1] == 1);
      before = box.hi[0];
    }
    FEN_OK(FenLayoutDestroy(&l));
    assert_null(l);
  }
}

/* N r would overflow */
static void HugeNumbersOfRows(void **state)
{
  FenLayout l;
  FenInt    before = 0;

  (void)state;
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, INT64_MAX, &l));
  for (int r = 0; r < Size(); r++) {
    FenBox box;

    FEN_OK(FenLayoutGetBox(l, r, &box));
    assert_true(box.lo[0] == before && box.hi[0] - box.lo[0] - INT64_MAX / Size() <= 1);
    before = box.hi[0];
  }
  assert_true(before == INT64_MAX);
  FEN_OK(FenLayoutDestroy(&l));
}

static const FenInt shapes[][3] = {{8, 6, 5}, {1, 7, 3}, {3, 1, 1}, {2, 2, 9}, {0, 4, 4}, {5, 0, 2}, {1, 1, 1}};

static void GridsTile(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
    for (PetscInt dim = 1; dim <= 3; dim++)
      for (int a = 1; a <= Size(); a++)
        for (int b = 1; a * b <= Size(); b++) {
          const PetscMPIInt np[3] = {dim > 1 ? b : a, dim > 1 ? a : 1, 1};
          const PetscMPIInt twisted[3] = {1, b, a};
          FenLayout         l;

          FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shapes[s], dim == 3 ? twisted : np, &l));
          CheckTiling(l);
          FEN_OK(FenLayoutDestroy(&l));
        }
}

static void DefaultGridCutsAxisZero(void **state)
{
  const FenInt  shape[2] = {12, 5};
  FenLayout     l;
  FenBox        box;
  FenInt        nruns, length;
  const FenInt *runs;
  int           rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &l));
  FEN_OK(FenLayoutGetBox(l, -1, &box));
  assert_true(box.lo[0] == 12 * rank / Size() && box.lo[1] == 0 && box.hi[1] == 5);
  FEN_OK(FenLayoutGetRuns(l, &nruns, &length, &runs));
  assert_true(nruns == 1 && length == 5 * (box.hi[0] - box.lo[0]) && runs[0] == 5 * box.lo[0]);
  FEN_OK(FenLayoutDestroy(&l));
}

/* runs list the global numbers of the box in storage order */
static void RunsNumberTheBox(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
    for (int cut = 0; cut < 3; cut++) {
      const PetscMPIInt np[3] = {cut == 0 ? Size() : 1, cut == 1 ? Size() : 1, cut == 2 ? Size() : 1};
      const FenInt     *n = shapes[s], *runs;
      FenLayout         l;
      FenBox            box;
      FenInt            nruns, length, k = 0, local;

      FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, n, np, &l));
      FEN_OK(FenLayoutGetBox(l, -1, &box));
      FEN_OK(FenLayoutGetLocalSize(l, &local));
      FEN_OK(FenLayoutGetRuns(l, &nruns, &length, &runs));
      assert_true(nruns * length == local);
      for (FenInt x = box.lo[0]; x < box.hi[0]; x++)
        for (FenInt y = box.lo[1]; y < box.hi[1]; y++)
          for (FenInt z = box.lo[2]; z < box.hi[2]; z++, k++)
            assert_true(runs[k / length] + k % length == (x * n[1] + y) * n[2] + z);
      FEN_OK(FenLayoutDestroy(&l));
    }
}

static void PencilsHaveTheirAxisWhole(void **state)
{
  (void)state;
  for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
    for (PetscInt dim = 1; dim <= 3; dim++)
      for (PetscInt axis = 0; axis < dim; axis++) {
        FenLayout l, pencil;
        PetscInt  order[FEN_MAX_DIM];
        FenBox    box;

        FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shapes[s], NULL, &l));
        FEN_OK(FenLayoutCreatePencil(l, axis, &pencil));
        CheckTiling(pencil);
        FEN_OK(FenLayoutGetOrder(pencil, order));
        assert_int_equal(order[dim - 1], axis);
        assert_int_equal((1 << order[0]) + (1 << order[1]) + (1 << order[2]), 7);
        FEN_OK(FenLayoutGetBox(pencil, -1, &box));
        assert_true(box.lo[axis] == box.hi[axis] || box.hi[axis] - box.lo[axis] == shapes[s][axis]);
        FEN_OK(FenLayoutDestroy(&l));
        FEN_OK(FenLayoutDestroy(&pencil));
      }
}

/* slabs while they are thick, then blocks, as near to cubes as ranks allow; never more ranks than there are */
static void BlocksAreChosen(void **state)
{
  static const struct {
    PetscMPIInt most, grid[3];
    PetscInt    dim;
    FenInt      shape[3];
  } known[] = {{1, {1, 1, 1}, 2, {512, 512, 0}},
               {4, {4, 1, 1}, 2, {512, 512, 0}},
               {16, {16, 1, 1}, 2, {512, 512, 0}},
               {16, {16, 1, 1}, 2, {4096, 64, 0}},
               {16, {1, 16, 1}, 2, {3, 4096, 0}},
               {10000, {100, 100, 1}, 2, {16384, 16384, 0}},
               {1000, {10, 10, 10}, 3, {1000, 1000, 1000}},
               {7, {7, 1, 1}, 1, {100, 0, 0}},
               {16, {4, 4, 1}, 2, {1024, 1024, 0}},
               {5, {1, 1, 1}, 2, {0, 0, 0}}};

  (void)state;
  for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
    PetscMPIInt p[3];

    FEN_OK(FenLayoutChooseRanks(known[k].most, known[k].dim, known[k].shape, p));
    for (int d = 0; d < 3; d++)
      assert_int_equal(p[d], known[k].grid[d]);
  }
  for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
    for (PetscInt dim = 1; dim <= 3; dim++) {
      FenLayout   l;
      PetscMPIInt p[3], used;

      FEN_OK(FenLayoutCreateBlocks(MPI_COMM_WORLD, dim, shapes[s], &l));
      CheckTiling(l);
      FEN_OK(FenLayoutGetRanks(l, p, &used));
      assert_true(used <= Size());
      for (PetscInt d = 0; d < dim; d++)
        assert_true(p[d] <= PetscMax(1, shapes[s][d]));
      FEN_OK(FenLayoutDestroy(&l));
    }
}

/* the rank a step away has the next part of an axis, and the same parts of the others */
static void PlacesCountParts(void **state)
{
  const FenInt shape[3] = {9, 8, 7};
  FenLayout    l;
  PetscMPIInt  p[3], used, place[3], step[3];

  (void)state;
  FEN_OK(FenLayoutCreateBlocks(MPI_COMM_WORLD, 3, shape, &l));
  FEN_OK(FenLayoutGetRanks(l, p, &used));
  FEN_OK(FenLayoutGetPlace(l, place, step));
  for (int d = 0; d < 3; d++) {
    FenBox mine, next;

    if (Rank() >= used) {
      assert_int_equal(place[d], -1);
      continue;
    }
    FEN_OK(FenLayoutGetBox(l, -1, &mine));
    assert_int_equal(place[d] == 0, mine.lo[d] == 0);
    assert_int_equal(place[d] == p[d] - 1, mine.hi[d] == shape[d]);
    if (place[d] == p[d] - 1)
      continue;
    FEN_OK(FenLayoutGetBox(l, Rank() + step[d], &next));
    for (int k = 0; k < 3; k++) {
      assert_int_equal(next.lo[k], k == d ? mine.hi[k] : mine.lo[k]);
      assert_true(k == d || next.hi[k] == mine.hi[k]);
    }
  }
  FEN_OK(FenLayoutDestroy(&l));
}

/* all ranks get work whenever the other axes have enough entries together */
static void PencilsSpreadOverTwoAxes(void **state)
{
  const FenInt shape[3] = {16, 2, 2};
  FenLayout    l, pencil;
  FenInt       local;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &l));
  FEN_OK(FenLayoutCreatePencil(l, 0, &pencil));
  FEN_OK(FenLayoutGetLocalSize(pencil, &local));
  FEN_ASSERT_ALL(Size() == 3 || local == 64 / Size());
  FEN_OK(FenLayoutDestroy(&l));
  FEN_OK(FenLayoutDestroy(&pencil));
}

static void PencilOfAWholeAxisKeepsTheBoxes(void **state)
{
  const FenInt shape[3] = {8, 6, 5};
  FenLayout    l, pencil;
  PetscBool    same;
  FenBox       a, b;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &l));
  FEN_OK(FenLayoutCreatePencil(l, 2, &pencil));
  FEN_OK(FenLayoutIsSame(l, pencil, &same));
  assert_true(same);
  FEN_OK(FenLayoutDestroy(&pencil));
  FEN_OK(FenLayoutCreatePencil(l, 1, &pencil));
  FEN_OK(FenLayoutIsSame(l, pencil, &same));
  assert_false(same);
  FEN_OK(FenLayoutGetBox(l, -1, &a));
  FEN_OK(FenLayoutGetBox(pencil, -1, &b));
  assert_memory_equal(&a, &b, sizeof(a));
  FEN_OK(FenLayoutDestroy(&l));
  FEN_OK(FenLayoutDestroy(&pencil));
}

/* parts of an axis have the share of the weights that belongs to them, up to one entry; a rank may get nothing */
static void WeightsMoveTheCuts(void **state)
{
  const FenInt      shape[2] = {60, 7};
  const PetscMPIInt ranks[2] = {Size(), 1};
  double            weight[60], flat[60], total = 0, most = 0, mine = 0, all;
  FenLayout         grid, pencil, cut, even;
  FenInt            size, end = 0;
  FenBox            box;
  PetscBool         same;

  (void)state;
  for (int k = 0; k < 60; k++) {
    flat[k] = 3;
    weight[k] = k < 40 ? 0 : k;
    total += weight[k];
    most = fmax(most, weight[k]);
  }
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, ranks, &grid));
  FEN_OK(FenLayoutCreatePencil(grid, 1, &pencil));
  FEN_OK(FenLayoutCreateWeighted(pencil, (const double *const[3]){weight, NULL, NULL}, 0, &cut));
  for (PetscMPIInt r = 0; r < Size(); r++) { /* they tile the axis, in order */
    FEN_OK(FenLayoutGetBox(cut, r, &box));
    assert_true(box.lo[0] == end && box.hi[0] >= end && box.lo[1] == 0 && box.hi[1] == 7);
    end = box.hi[0];
  }
  assert_true(end == 60);
  FEN_OK(FenLayoutGetBox(cut, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(cut, &size));
  assert_true(size == (box.hi[0] - box.lo[0]) * 7);
  for (FenInt k = box.lo[0]; k < box.hi[0]; k++)
    mine += weight[k];
  assert_true(fabs(mine - total / Size()) <= most);
  MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  assert_true(all == total);
  FEN_OK(FenLayoutIsSame(cut, cut, &same));
  assert_true(same);
  FEN_OK(FenLayoutIsSame(cut, pencil, &same));
  assert_true(same == (Size() == 1 ? PETSC_TRUE : PETSC_FALSE));
  FEN_OK(FenLayoutCreateWeighted(pencil, (const double *const[3]){flat, flat, NULL}, 0, &even));
  FEN_OK(FenLayoutGetBox(even, -1, &box));
  assert_true(box.hi[0] - box.lo[0] >= 60 / Size() && box.hi[0] - box.lo[0] <= 60 / Size() + 1);
  FEN_OK(FenLayoutDestroy(&even));
  for (int k = 0; k < 60; k++)
    flat[k] = k < 30 ? 3 : 3.5; /* the last of P even parts has 14/13 of its share */
  for (int k = 0; k < 2 && Size() % 2 == 0 && 60 % Size() == 0; k++) {
    FEN_OK(FenLayoutCreateWeighted(pencil, (const double *const[3]){flat, NULL, NULL}, k ? 0.07 : 0.08, &even));
    FEN_OK(FenLayoutIsSame(even, pencil, &same));
    assert_true(same == (k ? PETSC_FALSE : PETSC_TRUE));
    FEN_OK(FenLayoutDestroy(&even));
  }
  FEN_OK(FenLayoutDestroy(&cut));
  FEN_OK(FenLayoutDestroy(&pencil));
  FEN_OK(FenLayoutDestroy(&grid));
}

static void ReferencesAreCounted(void **state)
{
  FenLayout l, other;
  FenInt    size;

  (void)state;
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 10, &l));
  other = l;
  FEN_OK(PetscObjectReference((PetscObject)l));
  FEN_OK(FenLayoutDestroy(&l));
  FEN_OK(FenLayoutGetSize(other, &size));
  assert_true(size == 10);
  FEN_OK(FenLayoutDestroy(&other));
  FEN_OK(FenLayoutDestroy(&other));
}

static void WrongArgumentsAreNamed(void **state)
{
  const FenInt      shape[3] = {4, -1, 3}, large[2] = {(FenInt)1 << 40, (FenInt)1 << 40};
  const PetscMPIInt many[2] = {Size(), 2}, none[2] = {0, 1};
  const PetscMPIInt overflow[3] = {65536, 65536, 1};
  FenLayout         l, grid;
  FenInt            start, end, nruns;
  const FenInt     *runs;

  (void)state;
  FEN_ERROR(FenLayoutCreateRows(MPI_COMM_WORLD, -7, &l), FEN_ERR_SIZE, "-7");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &l), FEN_ERR_SIZE, "axis 1 has -1 entries");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, large, NULL, &l), FEN_ERR_SIZE, "64 bits");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 4, shape, NULL, &l), FEN_ERR_USAGE, "4 axes");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 1, shape, none, &l), FEN_ERR_USAGE, "0 ranks");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, (const FenInt[]){4, 4}, many, &l), FEN_ERR_USAGE, "more ranks");
  FEN_ERROR(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, (const FenInt[]){4, 4, 4}, overflow, &l), FEN_ERR_USAGE,
            "more ranks");
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, (const FenInt[]){4, 4}, NULL, &grid));
  FEN_ERROR(FenLayoutGetRange(grid, &start, &end), FEN_ERR_USAGE, "2 axes");
  FEN_ERROR(FenLayoutCreatePencil(grid, 2, &l), FEN_ERR_USAGE, "axis 2");
  FEN_ERROR(FenLayoutCreateOrdered(grid, (const PetscInt[]){0, 0}, &l), FEN_ERR_USAGE, "each of the 2 axes");
  FEN_ERROR(FenLayoutCreateBlocks(MPI_COMM_WORLD, 4, shape, &l), FEN_ERR_USAGE, "4 axes");
  FEN_OK(FenLayoutCreatePencil(grid, 0, &l));
  FEN_ERROR(FenLayoutGetRuns(l, &nruns, &end, &runs), FEN_ERR_USAGE, "natural");
  FEN_OK(FenLayoutDestroy(&l));
  FEN_OK(FenLayoutDestroy(&grid));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(RowsAreBalanced),
    cmocka_unit_test(HugeNumbersOfRows),
    cmocka_unit_test(GridsTile),
    cmocka_unit_test(DefaultGridCutsAxisZero),
    cmocka_unit_test(RunsNumberTheBox),
    cmocka_unit_test(PencilsHaveTheirAxisWhole),
    cmocka_unit_test(PlacesCountParts),
    cmocka_unit_test(PencilsSpreadOverTwoAxes),
    cmocka_unit_test(BlocksAreChosen),
    cmocka_unit_test(PencilOfAWholeAxisKeepsTheBoxes),
    cmocka_unit_test(WeightsMoveTheCuts),
    cmocka_unit_test(ReferencesAreCounted),
    cmocka_unit_test(WrongArgumentsAreNamed),
};
FEN_TEST_MAIN(tests)
